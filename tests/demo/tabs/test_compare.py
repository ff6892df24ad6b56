"""The Compare tab in a real browser, as a visitor uses it: upload, paint, run, look at the pixels, stop, go
on.
"""

import base64
import io
import json
import os
import re
import threading
import time
import zipfile

import httpx
import numpy as np
import pytest
from PIL import Image as PilImage

from demo.app import launch_options, make
from demo.server.tour import STOPS
from inpainters import inpaint, registry
from inpainters.base import Inpainter
from inpainters.spec import Cost, MethodSpec
from inpainters.strategy import workload
from inpainters.uses.corners import rectified
from inpainters.uses.feather import feathered, widened

GATE = threading.Event()


class Patient(Inpainter):
    """Takes its steps until it is stopped or the gate opens."""

    def fill(self, piece):
        for step in range(4000):
            piece.on_step(step, 4000)
            if GATE.wait(0.01):
                break
        return np.full_like(piece.image, 200)


@pytest.fixture(scope="module")
def server(chromium, denoiser):
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    spec = MethodSpec("patient", "Patient", "baseline", f"{__name__}:Patient", "", "", 0, "", "", Cost(30.0))
    made, fakes = registry.create, {"patient": Patient, "following": Following}
    patch = pytest.MonkeyPatch()
    follows = MethodSpec(
        "following",
        "Following",
        "baseline",
        f"{__name__}:Following",
        "",
        "",
        0,
        "",
        "",
        Cost(0.1),
        takes_guide=True,
    )
    patch.setitem(registry.METHODS, "following", follows)
    patch.setitem(registry.METHODS, "patient", spec)

    def create(name, **options):
        return fakes[name](registry.get(name)) if name in fakes else made(name, **options)

    patch.setattr("demo.server.jobs.registry.create", create)
    blocks, app = make()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
    yield url
    GATE.set()
    blocks.close()
    app.runner.close()
    app.store.close()
    patch.undo()


REVISIONS = """() => ['editor', 'panes'].map(
  (name) => document.querySelector(`#compare-${name} .widget`).dataset.rev)"""


def wait_until(there, page, seconds=10):
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        page.wait_for_timeout(50)


class Visitor:
    """What a person does, in words."""

    def __init__(self, browser, server, query="", **context):
        self.trouble = []
        self.context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "accept_downloads": True, **context}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.trouble.append(message.text))
        self.page.on("request", lambda request: self._own(request.url, server))
        self.page.goto(server + query)
        self.page.wait_for_selector("#compare-editor .widget[data-rev]:not([data-rev='0'])", state="attached")
        self.server = server

    def _own(self, url, server):
        if not url.startswith((server.rstrip("/"), "data:", "blob:")):
            self.trouble.append(f"asked another host: {url}")

    def upload(self, path, where="#compare-photo"):
        self.page.set_input_files(f"{where} input[type=file]", str(path))

    def wait_picture(self, width, height):
        self.page.wait_for_function(f"document.querySelector('.ed-dims').textContent === '{width}×{height}'")

    def choose(self, *names):
        self.list_methods()
        for box in self.page.locator("#compare-picker input[data-method]").all():
            box.set_checked(box.get_attribute("data-method") in names)
        self.page.keyboard.press("Escape")
        self.page.wait_for_function(
            "names => new URLSearchParams(location.search).get('m')?.split(',').sort().join() === names",
            arg=",".join(sorted(names)),
        )

    def list_methods(self):
        if self.page.get_attribute("#compare-picker .open", "aria-expanded") == "false":
            self.page.click("#compare-picker .open")

    def paint(self, start, *points):
        self.page.locator("#compare-mask canvas").scroll_into_view_if_needed()
        box = self.page.locator("#compare-mask canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x + start[0], y + start[1])
        self.page.mouse.down()
        for dx, dy in points:
            self.page.mouse.move(x + dx, y + dy, steps=6)
        self.page.mouse.up()

    def tool(self, label):
        self.page.click(f"#compare-mask button[aria-label='{label}']")

    def spread(self, arrow):
        """A step of the slider that grows the mask or shrinks it."""
        self.page.locator("#compare-mask .ed-edge").press(arrow)

    def count(self):
        return int(self.page.evaluate("document.querySelector('#compare-editor .widget').dataset.count || 0"))

    def mask(self):
        """The mask as it would be sent: (H, W) bool from the PNG's alpha."""
        url = self.page.evaluate("window.inpainting.mask()")
        alpha = np.asarray(
            PilImage.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA")
        )[..., 3]
        assert set(np.unique(alpha)) <= {0, 255}
        return alpha == 255

    def run(self, finish=True):
        self.page.wait_for_selector("#compare-run:not([disabled])")
        before = self.page.evaluate(f"({REVISIONS})()")
        self.page.click("#compare-run")
        self.page.wait_for_function(
            f"before => ({REVISIONS})().every((rev, place) => rev !== before[place])", arg=before
        )
        if finish:  # button and panes are drawn anew one after the other
            self.page.wait_for_function(
                "!document.querySelector('#compare-run').textContent.includes('Running')"
                " && !document.querySelector('#compare-panes :is([data-state=queued], [data-state=running])')"
            )

    def picture(self, pane):
        """Pixels of a pane's picture as the browser got them."""
        image = f"#compare-panes [data-id='{pane}'] img"
        self.page.wait_for_function("image => document.querySelector(image)?.getAttribute('src')", arg=image)
        address = self.page.locator(image).first.evaluate("image => image.currentSrc || image.src")
        return np.asarray(PilImage.open(io.BytesIO(httpx.get(address).content)).convert("RGB"))

    def says(self, words):
        self.page.wait_for_function(
            "words => document.querySelector('.ed-note').textContent.includes(words)", arg=words
        )
        return self.page.inner_text(".ed-note")

    def leave(self):
        self.context.close()
        assert self.trouble == []


@pytest.fixture
def visit(chromium, server):
    visitors = []

    def begin(query="", **context):
        visitors.append(Visitor(chromium, server, query, **context))
        return visitors[-1]

    GATE.clear()
    yield begin
    GATE.set()
    for visitor in visitors:
        visitor.leave()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A picture that no package ships, with sharp detail, and odd sides."""
    rows, columns = np.mgrid[:121, :201]
    picture = np.stack([rows * 2, columns, (rows // 8 + columns // 8) % 2 * 255], axis=2).astype(np.uint8)
    path = tmp_path_factory.mktemp("photos") / "chessboard.png"
    PilImage.fromarray(picture).save(path)
    return path


@pytest.fixture(scope="module")
def desk(chromium, server):
    """A page that stays open: to load it costs more than most of what is done on it."""
    visitor = Visitor(chromium, server)
    yield visitor
    visitor.leave()


@pytest.fixture
def cleared(desk, tmp_path):
    """The open page as it is after a small picture was opened: no mask, no answers, the brush in hand."""
    GATE.clear()
    PilImage.new("RGB", (40, 30)).save(tmp_path / "small.png")
    desk.upload(tmp_path / "small.png")
    desk.wait_picture(40, 30)
    desk.page.wait_for_selector(".ed-note.ed-error", state="detached")
    desk.tool("Brush")
    assert desk.count() == 0
    yield desk
    GATE.set()
    assert desk.trouble == []


@pytest.fixture
def visitor(cleared, photo):
    """The open page with the chessboard."""
    cleared.upload(photo)
    cleared.wait_picture(201, 121)
    return cleared


def pixels(path):
    return np.asarray(PilImage.open(path).convert("RGB"))


def test_the_page_opens_with_a_finished_example_until_something_is_painted(visit):
    visitor = visit(permissions=["clipboard-write"])
    page, panes = visitor.page, visitor.page.locator("#compare-panes")
    visitor.says("Paint over something and press Run.")
    page.click("#compare-link")
    assert visitor.says("Link copied") == "Link copied."
    assert panes.get_by_role("radio", name="Slider").get_attribute("aria-checked") == "true"
    stills = panes.locator(".film .still").evaluate_all("all => all.map(node => node.dataset.id)")
    assert stills[:2] == ["original", "masked"]
    assert len({registry.get(name).family for name in stills[2:]}) == 4
    assert page.get_by_label("Left picture").input_value() == "original"
    assert page.get_by_label("Right picture").input_value() == stills[2]
    hole = visitor.mask()
    assert page.locator("#compare-zip").is_disabled()  # its pictures are copies: nothing to replay
    visitor.paint((-20, 0), (20, 0))
    page.wait_for_selector("#compare-panes .grid .pane:only-child")
    assert 0 < visitor.count() < hole.sum() / 4
    page.click("#compare-link")
    visitor.says("Link copied. It leaves out your painted mask.")
    visitor.tool("Undo")
    assert np.array_equal(visitor.mask(), hole)
    assert not page.locator("#compare-panes .pane.stale").count()


def test_upload_paint_run_and_look_at_the_pixels(visit, photo):
    visitor = visit()
    visitor.upload(photo)
    visitor.wait_picture(201, 121)
    visitor.choose("telea", "mean_fill")
    visitor.paint((-60, 0), (0, 20), (60, -10))
    mask = visitor.mask()
    assert mask.shape == (121, 201)
    assert visitor.count() == mask.sum() > 50
    visitor.run()
    original, known = pixels(photo), ~mask
    assert np.array_equal(visitor.picture("original"), original)
    for method in ("telea", "mean_fill"):
        filled = visitor.picture(method)
        assert np.array_equal(filled[known], original[known])
        assert not np.array_equal(filled[mask], original[mask])
    assert (visitor.picture("mean_fill")[mask] == visitor.picture("mean_fill")[mask][0]).all()
    assert "what you remove is no reference" in visitor.page.inner_text("#compare-scored")
    error = visitor.page.locator("#compare-panes").get_by_role("radio", name="Error")
    assert error.get_attribute("aria-disabled") == "true"
    visitor.page.click("#compare-judge")
    visitor.page.wait_for_selector("#compare-panes [data-id='telea'] >> text=PSNR")
    assert error.get_attribute("aria-disabled") == "false"
    visitor.page.click("#compare-picker [data-purpose='remove']")
    visitor.page.wait_for_selector("#compare-panes [data-id='telea'] .chip", state="detached")


def test_methods_are_chosen_by_purpose_and_say_what_they_are(visit):
    visitor = visit()
    page, sheet = visitor.page, visitor.page.locator("#compare-picker .sheet")

    def pressed():
        return page.locator("#compare-picker [aria-pressed='true']").all_inner_texts()

    assert pressed() == ["Remove an object"]
    ready = sum(registry.unavailable(name) is None for name in registry.METHODS)
    page.click("#compare-picker [data-purpose='all']")
    page.wait_for_selector(f"#compare-run:has-text('Run {ready} of {ready} · about ')")
    page.click("#compare-picker [data-purpose='families']")
    page.wait_for_selector(f"#compare-run:has-text('Run 6 of {ready} · about ')")
    opener = page.locator("#compare-picker .open")
    for width, height in ((1280, 720), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        box = opener.bounding_box()
        assert box["y"] + box["height"] < height  # without scrolling
    opener.press("Enter")
    ticked = sheet.locator("input[data-method]:checked").evaluate_all("all => all.map(n => n.dataset.method)")
    assert len({registry.get(name).family for name in ticked}) == len(ticked) == 6
    sheet.locator(f"input[data-method='{ticked[0]}']").uncheck()
    assert pressed() == []
    info = sheet.get_by_role("button", name="About Gated convolution")
    info.press("Enter")
    about = page.get_by_role("dialog", name="About Gated convolution")
    spec = registry.get("gated_conv")
    for words in (spec.summary, spec.paper, "What they cannot do", "Holes wider than about half the picture"):
        assert words in about.inner_text()
    assert about.get_by_role("link").get_attribute("href") == spec.link
    page.keyboard.press("Escape")
    about.wait_for(state="hidden")
    assert info.evaluate("node => node === document.activeElement")
    assert sheet.is_visible()
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")


def test_tools_of_the_editor(visitor):
    visitor.tool("Box")
    visitor.paint((-40, -20), (40, 20))
    boxed = visitor.mask()
    rows, columns = np.nonzero(boxed)
    assert boxed.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    visitor.tool("Invert")
    assert np.array_equal(visitor.mask(), ~boxed)
    visitor.tool("Undo")
    assert np.array_equal(visitor.mask(), boxed)
    visitor.spread("ArrowRight")
    assert visitor.count() > boxed.sum()
    visitor.spread("ArrowLeft")
    assert np.array_equal(visitor.mask(), boxed)
    visitor.tool("Eraser")
    visitor.paint((0, 0), (10, 0))
    assert 0 < visitor.count() < boxed.sum()
    visitor.tool("Clear")
    assert visitor.count() == 0
    visitor.tool("Lasso")
    visitor.paint((-30, -20), (30, -20), (0, 30))
    triangle = visitor.count()
    assert 0 < triangle < boxed.sum()
    visitor.page.keyboard.press("Control+z")
    assert visitor.count() == 0
    visitor.page.keyboard.press("Control+Shift+z")
    assert visitor.count() == triangle


def test_a_thing_is_selected_and_the_picture_extended(visit, tmp_path):
    rows, columns = np.mgrid[:240, :320]
    disc = (rows - 120) ** 2 + (columns - 160) ** 2 < 50**2
    scene = np.random.default_rng(0).integers(90, 130, (240, 320, 3))
    scene[disc] += [90, -60, -60]
    PilImage.fromarray(scene.astype(np.uint8)).save(tmp_path / "disc.png")
    visitor = visit()
    visitor.upload(tmp_path / "disc.png")
    visitor.wait_picture(320, 240)
    page = visitor.page
    page.locator(".ed-stage").press("o")
    scale = page.locator("#compare-mask canvas").bounding_box()["width"] / 320
    visitor.paint((-62 * scale, -62 * scale), (62 * scale, 62 * scale))
    page.wait_for_function("document.querySelector('#compare-editor .widget').dataset.count > 0")
    found = visitor.mask()
    assert (found & disc).sum() / (found | disc).sum() > 0.9
    assert "px deep" in page.inner_text(".ed-ratio")
    page.locator(".ed-stage").press("x")
    for key in ("ArrowRight", "ArrowUp", "Enter"):
        page.locator(".ed-stage").press(key)
    visitor.wait_picture(340, 255)
    page.wait_for_function("count => document.querySelector('#compare-editor .widget').dataset.count > count",
                           arg=int(found.sum()))  # fmt: skip
    wider = visitor.mask()
    assert wider[:15].all()
    assert wider[:, 320:].all()
    assert np.array_equal(wider[15:, :320], found)
    page.click("#compare-back")
    visitor.wait_picture(320, 240)


def test_four_corners_are_dragged_or_moved_by_keys_and_undo_comes_back(visitor, photo):
    page, notes = visitor.page, visitor.page.locator(".ed-note")
    visitor.paint((-20, 0), (20, 0))
    painted = visitor.mask()
    page.get_by_role("button", name="Four corners").click()
    handles = page.locator("#compare-mask .ed-corner")
    assert handles.first.evaluate("node => node === document.activeElement")
    corner = handles.nth(2).bounding_box()
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 12, steps=3)
    page.mouse.up()
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp", "Shift+ArrowLeft"):
        handles.first.press(key)
    page.wait_for_selector("#compare-mask .ed-corner[aria-label='Top left corner at 31, 22']")
    labels = [one.get_attribute("aria-label") for one in handles.all()]
    assert np.array_equal(visitor.mask(), painted)  # nothing was painted on the way
    with page.expect_request(lambda request: '"corners"' in (request.post_data or "")) as asked:
        handles.first.press("Enter")
    corners = json.loads(asked.value.post_data)["event_data"]["corners"]
    visitor.says("chessboard.png, straightened: what is new is the hole.")
    page.wait_for_selector("#compare-editor .widget[data-count]:not([data-count='0'])")
    told = [[int(number) for number in re.findall(r"\d+", label)] for label in labels]
    assert np.abs(np.array(corners) + 0.5 - told).max() <= 0.5
    expected, empty = rectified(pixels(photo), corners)
    assert np.array_equal(visitor.picture("original"), expected)
    assert np.array_equal(visitor.mask(), empty)
    assert not handles.first.is_visible()
    visitor.tool("Undo")
    page.wait_for_function("document.querySelector('.ed-title').textContent === ''")
    page.wait_for_selector(f"#compare-editor .widget[data-count='{painted.sum()}']")
    assert np.array_equal(visitor.mask(), painted)
    for _ in range(2):
        page.get_by_role("button", name="Four corners").click()
        handles.first.press("Shift+ArrowRight")
        handles.first.press("Enter")
        visitor.says("chessboard.png, straightened: what is new is the hole.")
        page.wait_for_selector("#compare-editor .widget[data-count]:not([data-count='0'])")
        assert not handles.first.is_visible()
        page.wait_for_timeout(600)
    assert not np.array_equal(visitor.mask()[: len(painted), : painted.shape[1]], painted)
    visitor.tool("Undo")
    page.wait_for_timeout(600)
    visitor.tool("Undo")
    page.wait_for_selector(f"#compare-editor .widget[data-count='{painted.sum()}']")
    assert np.array_equal(visitor.mask(), painted)
    page.locator(".ed-stage").press("p")
    page.keyboard.press("Escape")
    assert not handles.first.is_visible()
    assert notes.is_hidden()


def test_the_wheel_is_the_brushes_only_where_the_mouse_moved_over_the_picture(visitor):
    def size():
        return visitor.page.inner_text(".ed-sizeout")

    def wheel():
        before = size()
        visitor.page.mouse.wheel(0, -300)
        visitor.page.wait_for_timeout(100)
        return size() != before

    visitor.page.mouse.wheel(0, -2000)
    box = visitor.page.locator("#compare-mask canvas").bounding_box()
    visitor.page.mouse.move(box["x"] + 90, box["y"] + 60)
    visitor.page.mouse.move(box["x"] + 99, box["y"] + 66)
    assert wheel()
    visitor.page.evaluate("document.dispatchEvent(new Event('scroll'))")  # the page moved under the mouse
    assert not wheel()
    visitor.page.mouse.move(box["x"] + 90, box["y"] + 60)
    assert wheel()
    visitor.tool("Box")
    visitor.page.mouse.move(box["x"] + 99, box["y"] + 66)
    assert not wheel()


def test_undo_works_wherever_the_focus_is_but_where_text_is_typed(visitor):
    visitor.paint((-20, 0), (20, 0))
    painted = visitor.count()
    visitor.page.focus("#compare-seed input")
    visitor.page.keyboard.press("Control+z")
    assert visitor.count() == painted > 0
    visitor.page.focus("#compare-link")
    visitor.page.keyboard.press("Control+z")
    assert visitor.count() == 0
    visitor.page.keyboard.press("Control+y")
    assert visitor.count() == painted


def test_the_editor_grows_to_the_width_of_the_window_and_back(visitor):
    stage = visitor.page.locator("#compare-mask .ed-stage")
    narrow = stage.bounding_box()["width"]
    visitor.page.get_by_role("button", name="As wide as the window").click()
    assert stage.bounding_box()["width"] > 1300
    visitor.page.get_by_role("button", name="Zoom in", exact=True).first.click()
    visitor.paint((-20, 0), (20, 0))
    assert visitor.count() > 0
    visitor.page.get_by_role("button", name="As wide as the window").click()
    assert stage.bounding_box()["width"] == narrow


class Following(Inpainter):
    """Paints the hole black and the sketch white."""

    def fill(self, piece):
        lines = np.zeros_like(piece.mask) if piece.guide is None else piece.guide
        return np.where(lines[..., None], np.uint8(255), np.zeros_like(piece.image))


def test_a_sketch_is_drawn_undone_erased_and_sent_to_methods_that_follow_one(visitor):
    visitor.choose("following", "mean_fill")

    def lines():
        return int(visitor.page.evaluate("document.querySelector('#compare-editor .widget').dataset.lines"))

    visitor.tool("Sketch")
    visitor.paint((-40, 0), (40, 0))
    visitor.says("inside the hole")
    visitor.tool("Box")
    visitor.paint((-50, -30), (50, 30))
    hole = visitor.mask()
    visitor.tool("Sketch")
    visitor.paint((-30, 0), (30, 0))
    drawn = lines()
    assert 0 < drawn < hole.sum() / 4
    visitor.tool("Undo")
    assert lines() == 0
    visitor.tool("Redo")
    visitor.spread("ArrowRight")
    assert lines() == drawn
    visitor.tool("Undo")
    assert np.array_equal(visitor.mask(), hole)
    visitor.run()
    filled = visitor.picture("following")
    assert (filled[hole] == 255).all(axis=1).sum() == drawn
    assert set(np.unique(filled[hole])) == {0, 255}
    assert "follows no sketch" in visitor.page.inner_text("#compare-panes [data-id='mean_fill']")
    visitor.page.click("#compare-link")
    visitor.says("leaves out your")
    with visitor.page.expect_download() as download:
        visitor.page.click("#compare-zip")
    with zipfile.ZipFile(download.value.path()) as packed:
        assert np.count_nonzero(np.asarray(PilImage.open(packed.open("sketch.png")).convert("L"))) == drawn
        assert "--guide sketch.png" in packed.read("settings.json").decode()
    visitor.page.click("text=Clear sketch")
    assert lines() == 0
    assert np.array_equal(visitor.mask(), hole)
    visitor.page.wait_for_selector("#compare-panes .pane.stale")


def test_a_feather_is_seen_in_the_mask_and_in_the_result_and_the_zip_says_so(visitor, photo):
    visitor.choose("mean_fill")
    visitor.tool("Box")
    visitor.paint((-40, -20), (40, 20))
    page, slider = visitor.page, visitor.page.get_by_label("Feather", exact=False)
    hole, stage = visitor.mask(), page.locator("#compare-mask canvas")
    visitor.run()
    original, sharp = pixels(photo), visitor.picture("mean_fill")
    assert np.array_equal(sharp[~hole], original[~hole])
    before = np.asarray(PilImage.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    slider.fill("6")
    after = np.asarray(PilImage.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    scale = stage.bounding_box()["width"] / hole.shape[1]
    top, left = scale * np.argwhere(hole).min(0)
    row = round(top + 20 * scale)
    turned = np.abs(after - before)[row].sum(1)
    assert turned[round(left - 2 * scale)] > turned[round(left - 5 * scale)] > 0
    assert not turned[: round(left - 9 * scale)].any()
    assert np.array_equal(visitor.mask(), hole)
    page.wait_for_selector("#compare-panes .pane.stale")
    visitor.run()
    filled, wide = visitor.picture("mean_fill"), widened(hole, 6)
    assert np.array_equal(filled, feathered(inpaint(original, wide, "mean_fill"), original, hole, 6))
    assert page.inner_text("#compare-panes .past:visible >> nth=-1").endswith("Mean fill, feather 6 px")
    with page.expect_download() as download:
        page.click("#compare-zip")
    with zipfile.ZipFile(download.value.path()) as packed:
        settings = json.loads(packed.read("settings.json"))
        assert np.array_equal(np.asarray(PilImage.open(packed.open("mask.png")).convert("L")) > 0, hole)
    assert "--feather 6" in settings["results"][0]["again"]
    page.click("#compare-panes .past:visible >> nth=-2")
    page.wait_for_function("document.querySelector('.ed-feather').value === '0'")
    assert np.array_equal(visitor.picture("mean_fill"), sharp)


SLOW = """() => {
  const fetch = window.fetch;
  window.fetch = async (...given) => {
    if (String(given[0]).includes('predict')) await new Promise((resolve) => setTimeout(resolve, 300));
    return fetch(...given);
  };
  window.quick = () => { window.fetch = fetch; };
}"""


def test_what_is_painted_while_an_answer_is_on_its_way_is_told_too(visitor):
    visitor.page.evaluate(SLOW)
    told = []
    visitor.page.on("request", lambda request: told.append(request.post_data or ""))
    for x in (-60, -20, 20):
        visitor.paint((x, 0), (x + 10, 0))
    last = f'"count":{visitor.count()},'
    try:
        wait_until(lambda: any(last in one for one in told), visitor.page)
        visitor.page.wait_for_selector("#compare-run:not([disabled])")
    finally:
        visitor.page.evaluate("window.quick()")


LATE = """() => {
  const decoded = window.createImageBitmap;
  window.late = false;
  window.createImageBitmap = async (...given) => {
    window.late = true;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    window.createImageBitmap = decoded;
    return decoded(...given);
  };
}"""


def test_a_mask_that_is_still_loading_when_run_is_pressed_counts(visitor, tmp_path):
    mask = np.zeros((121, 201), bool)
    mask[20:60, 30:90] = True
    PilImage.fromarray(mask).save(tmp_path / "hole.png")
    visitor.page.evaluate(LATE)
    visitor.upload(tmp_path / "hole.png", "#compare-mask")
    visitor.page.wait_for_function("window.late")
    assert np.array_equal(visitor.mask(), mask)


TRANSFER = """([data, where, kind]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)), transfer = new DataTransfer();
  transfer.items.add(new File([bytes], 'holiday.png', {type: 'image/png'}));
  const shared = {bubbles: true, cancelable: true}, node = document.querySelector(where);
  const load = {...shared, clipboardData: transfer, dataTransfer: transfer};
  return node.dispatchEvent(kind === 'paste' ? new ClipboardEvent(kind, load) : new DragEvent(kind, load));
}"""


@pytest.mark.parametrize(
    ("kind", "where"), [("paste", "body"), ("drop", ".ed-stage"), ("drop", "#compare-panes")]
)
def test_a_picture_from_the_clipboard_or_dropped_anywhere_opens(request, visit, photo, kind, where):
    visitor = visit() if where == ".ed-stage" else request.getfixturevalue("cleared")
    went_on = visitor.page.evaluate(TRANSFER, [base64.b64encode(photo.read_bytes()).decode(), where, kind])
    assert not went_on  # else the browser would leave the page for the picture
    visitor.wait_picture(201, 121)


def test_results_are_stale_while_the_mask_is_another_and_the_history_leads_back(visitor):
    visitor.choose("mean_fill")
    visitor.paint((-20, 0), (20, 0))
    visitor.run()
    visitor.paint((-20, 20), (20, 20))
    visitor.page.wait_for_selector("#compare-panes .pane.stale")
    visitor.tool("Undo")
    visitor.page.wait_for_selector("#compare-panes .pane.stale", state="detached")
    first, mask = visitor.picture("mean_fill"), visitor.mask()
    visitor.page.click(".ed-generate button")
    visitor.page.wait_for_selector("#compare-panes .pane.stale")
    visitor.run()
    runs = visitor.page.locator("#compare-panes .past:visible")
    assert [run.get_attribute("aria-pressed") for run in runs.all()][-2:] == ["false", "true"]
    assert runs.last.inner_text().endswith("Mean fill")
    runs.nth(runs.count() - 2).click()
    visitor.page.wait_for_selector(f"#compare-editor .widget[data-count='{mask.sum()}']")
    assert np.array_equal(visitor.mask(), mask)
    assert np.array_equal(visitor.picture("mean_fill"), first)
    assert visitor.page.locator("#compare-panes .pane.stale").count() == 0


def test_painting_without_a_mouse(visitor):
    visitor.page.focus("#compare-mask .ed-stage")
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        visitor.page.keyboard.press(key)
    assert visitor.count() > 0


def test_stop_keeps_what_is_done_and_the_app_goes_on(visitor):
    visitor.choose("telea", "patient")
    visitor.paint((-20, 0), (20, 0))
    visitor.run(finish=False)
    visitor.page.wait_for_selector(
        "#compare-panes [data-id='telea'] img[src*='pic/']"
    )  # beside the one that still runs
    visitor.page.click("#compare-stop")
    visitor.page.wait_for_selector("#compare-stop[disabled]")
    assert "Stopped" in visitor.page.inner_text("#compare-panes [data-id='patient']")
    assert visitor.picture("telea").shape == (121, 201, 3)
    visitor.choose("mean_fill")
    visitor.run()
    assert visitor.picture("mean_fill").shape == (121, 201, 3)


def test_a_result_as_the_next_picture_and_back(visitor, photo):
    visitor.choose("mean_fill")
    visitor.paint((-20, 0), (20, 0))
    first = visitor.mask()
    visitor.run()
    result = visitor.picture("mean_fill")
    visitor.page.locator("[aria-label='Brush size']").fill("30")
    brush = visitor.page.inner_text(".ed-sizeout")
    visitor.page.click("#compare-panes [data-id='mean_fill'] .more")
    visitor.page.click("#compare-panes [data-id='mean_fill'] >> text=Use as input")
    visitor.page.wait_for_selector("#compare-back")
    assert np.array_equal(visitor.picture("original"), result)
    assert visitor.count() == 0
    assert visitor.page.inner_text(".ed-title") == "Mean fill’s fill"
    assert visitor.page.inner_text(".ed-sizeout") == brush
    visitor.page.wait_for_function("document.activeElement.classList.contains('ed-stage')")
    visitor.page.click("#compare-back")
    visitor.page.wait_for_selector("#compare-forth")
    assert np.array_equal(visitor.picture("original"), pixels(photo))
    visitor.page.wait_for_function("document.querySelector('#compare-editor .widget').dataset.count !== '0'")
    assert np.array_equal(visitor.mask(), first)
    assert np.array_equal(visitor.picture("mean_fill"), result)


def test_download_all_with_the_settings_and_drop_it_to_go_on(visitor, photo, tmp_path):
    visitor.choose("telea")
    visitor.paint((-20, 0), (20, 0))
    visitor.run()
    mask, filled = visitor.mask(), visitor.picture("telea")
    with visitor.page.expect_download() as download:
        visitor.page.click("#compare-zip")
    with zipfile.ZipFile(download.value.path()) as packed:
        assert {"original.png", "mask.png", "telea.png", "settings.json"} <= set(packed.namelist())
        assert np.array_equal(np.asarray(PilImage.open(packed.open("original.png"))), pixels(photo))
        assert json.loads(packed.read("settings.json"))["results"][0]["options"] == {"radius": 3.0}
    download.value.save_as(tmp_path / "all.zip")
    visitor.upload(tmp_path / "small.png")
    visitor.wait_picture(40, 30)
    visitor.choose("mean_fill")
    visitor.upload(tmp_path / "all.zip")
    visitor.says("chessboard.png, its mask and 1 result are back.")
    visitor.page.wait_for_selector("#compare-run:has-text('Telea is there')")
    assert np.array_equal(visitor.mask(), mask)
    assert np.array_equal(visitor.picture("telea"), filled)
    assert visitor.page.locator("#compare-panes .pane.stale").count() == 0
    (tmp_path / "all.zip").write_bytes((tmp_path / "all.zip").read_bytes()[:-1])
    visitor.upload(tmp_path / "all.zip")
    visitor.says("'all.zip' is damaged or no zip of this page.")


def test_masks_from_a_file_and_from_a_generator(visitor, tmp_path):
    mask = np.zeros((121, 201), np.uint8)
    mask[30:60, 50:90] = 255
    PilImage.fromarray(mask).save(tmp_path / "mask.png")
    PilImage.fromarray(mask[:60]).save(tmp_path / "half.png")
    visitor.upload(tmp_path / "mask.png", "#compare-mask")
    visitor.page.wait_for_function(
        f"document.querySelector('#compare-editor .widget').dataset.count === '{30 * 40}'"
    )
    assert np.array_equal(visitor.mask(), mask > 0)
    visitor.upload(tmp_path / "half.png", "#compare-mask")
    assert visitor.says("The mask is 201×60") == "The mask is 201×60, the picture 201×121. Use the same size."
    assert np.array_equal(visitor.mask(), mask > 0)
    PilImage.fromarray(mask).resize((402, 242), PilImage.Resampling.NEAREST).save(tmp_path / "double.png")
    PilImage.fromarray(255 - mask).save(tmp_path / "inverted.png")
    PilImage.fromarray(0 * mask).save(tmp_path / "empty.png")

    def taken():
        visitor.says("as you chose")
        visitor.page.wait_for_selector(f"#compare-editor .widget[data-count='{30 * 40}']")

    visitor.tool("Clear")
    visitor.upload(tmp_path / "double.png", "#compare-mask")
    visitor.page.click("text=Resize it to 201×121")
    taken()
    assert np.array_equal(visitor.mask(), mask > 0)
    visitor.upload(tmp_path / "inverted.png", "#compare-mask")
    visitor.page.click("text=Invert it")
    taken()
    assert np.array_equal(visitor.mask(), mask > 0)
    visitor.upload(tmp_path / "empty.png", "#compare-mask")
    visitor.says("masks nothing, so the painted mask stays")
    assert np.array_equal(visitor.mask(), mask > 0)
    visitor.page.fill("[aria-label='Part of the picture to mask']", "30")
    visitor.page.click(".ed-generate button")
    visitor.page.wait_for_function(
        f"Math.abs(document.querySelector('#compare-editor .widget').dataset.count / {121 * 201} - 0.3) < "
        "0.006"
    )


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "tiny", "huge"])
def test_bad_files_get_a_sentence_and_nothing_is_lost(visitor, photo, tmp_path, kind):
    path = tmp_path / "holiday.png"
    whole = photo.read_bytes()
    path.write_bytes(
        {"empty": b"", "text": b"no picture at all", "cut": whole[: len(whole) // 2]}.get(kind, b"x")
    )
    if kind == "tiny":
        PilImage.new("RGB", (1, 1)).save(path)
    if kind == "huge":
        PilImage.new("1", (20000, 20000)).save(path)
    visitor.paint((-20, 0), (20, 0))
    before = visitor.count()
    visitor.upload(path)
    sentence = visitor.says("holiday.png")
    visitor.page.wait_for_selector(".ed-note.ed-error")
    sentence = visitor.page.inner_text(".ed-note")
    assert sentence.endswith(".")
    assert visitor.count() == before
    visitor.choose("mean_fill")
    visitor.run()


def test_conversions_are_said_and_transparent_pixels_become_the_mask(cleared, photo, tmp_path):
    alpha = np.full((121, 201), 255, np.uint8)
    alpha[20:50, 30:80] = 0
    PilImage.fromarray(np.dstack([pixels(photo), alpha])).save(tmp_path / "cut-out.png")
    visitor = cleared
    visitor.upload(tmp_path / "cut-out.png")
    visitor.says("Alpha was dropped")
    visitor.page.click("text=Use transparent pixels")
    visitor.page.wait_for_function(
        f"document.querySelector('#compare-editor .widget').dataset.count === '{30 * 50}'"
    )
    assert np.array_equal(visitor.mask(), alpha == 0)
    visitor.choose("mean_fill")
    visitor.run()
    visitor.page.wait_for_selector("text=No original inside this hole, so no scores.")


def test_a_link_brings_example_mask_and_methods_back(visit):
    query = "?t=compare&img=coffee&mask=brush:20:7&m=telea&seed=3"
    visitor = visit(query)
    visitor.wait_picture(600, 400)
    visitor.page.wait_for_function(
        "Math.abs(document.querySelector('#compare-editor .widget').dataset.count / 240000 - 0.2) < 0.006"
    )
    visitor.page.wait_for_function("query => location.search === query", arg=query)
    visitor.page.wait_for_function("document.querySelector('#compare-run').textContent.includes('Run 1')")


def test_a_link_carries_a_painted_mask_unless_it_is_too_long(visit, tmp_path):
    visitor = visit("?t=compare&img=coffee&mask=box:5:3&m=telea", permissions=["clipboard-write"])
    visitor.wait_picture(600, 400)
    visitor.paint((-60, 0), (0, 20), (60, -10))
    mask = visitor.mask()
    visitor.page.click("#compare-link")
    assert visitor.says("Link copied") == "Link copied."
    query = visitor.page.evaluate("location.search")
    assert "&mask=runs:" in query
    noise = np.random.default_rng(0).integers(0, 2, (400, 600), np.uint8) * 255
    PilImage.fromarray(noise).save(tmp_path / "noise.png")
    visitor.upload(tmp_path / "noise.png", "#compare-mask")
    visitor.page.wait_for_selector(f"#compare-editor .widget[data-count='{(noise > 0).sum()}']")
    visitor.page.click("#compare-link")
    visitor.says(
        "leaves out your painted mask, which is longer than the 8 kB of a link. The zip has everything"
    )
    assert "mask=" not in visitor.page.evaluate("location.search")
    visitor.page.goto(visitor.server + query)
    visitor.page.wait_for_selector(f"#compare-editor .widget[data-count='{mask.sum()}']")
    assert np.array_equal(visitor.mask(), mask)


def test_a_reload_brings_picture_mask_and_results_back_to_this_tab_alone(visit, photo):
    visitor = visit("?t=compare&m=telea")
    visitor.upload(photo)
    visitor.wait_picture(201, 121)
    visitor.paint((-20, 0), (20, 0))
    visitor.run()
    filled = visitor.picture("telea")
    visitor.paint((-20, 20), (20, 20))
    visitor.page.wait_for_selector("#compare-panes .pane.stale")
    mask = visitor.mask()
    visitor.page.reload()
    visitor.page.wait_for_selector("#compare-editor .widget[data-rev]")
    visitor.says("Your picture, mask and results are back.")
    visitor.wait_picture(201, 121)
    visitor.page.wait_for_selector("#compare-panes .pane.stale")
    assert np.array_equal(visitor.mask(), mask)
    assert np.array_equal(visitor.picture("telea"), filled)
    with visitor.page.expect_popup() as duplicate:  # it takes the tab's storage along
        visitor.page.evaluate("() => { window.open(); }")
    for other in (duplicate.value, visitor.context.new_page()):
        other.goto(visitor.server)
        other.wait_for_selector(".ed-note:has-text('Paint over something and press Run.')")
        other.close()


def test_a_wrong_link_is_said(visit):
    visit("?t=compare&img=cofee").says("did you mean 'coffee'")


def method(visitor, name):
    return visitor.page.locator(f"#compare-picker .method[data-method='{name}']")


def test_the_price_stands_beside_a_diffusion_method_and_follows_its_settings(visit):
    visitor = visit("?t=compare&img=coffee&mask=box:10:3&m=repaint&n=4&o=repaint.steps:6")
    visitor.wait_picture(600, 400)
    visitor.page.wait_for_function("document.querySelector('#compare-run').textContent.includes('Run 1')")
    repaint, spec, mask = method(visitor, "repaint"), registry.get("repaint"), visitor.mask()
    visitor.list_methods()

    def costs_now(**options):
        expected = f"4 × {workload(mask, spec, options).network_calls:,} network calls, "
        visitor.page.wait_for_selector(
            f"#compare-picker .method[data-method='repaint'] .note:has-text('{expected}')"
        )

    costs_now(steps=6)
    repaint.locator("select[data-option='preset']").select_option("paper")
    costs_now(steps=6, preset="paper")
    steps = repaint.locator("input[data-option='steps']")
    assert not steps.is_visible()
    repaint.locator(".fold").click()
    assert steps.input_value() == "6"
    steps.fill("0")
    steps.press("Tab")
    costs_now(preset="paper")
    visitor.page.wait_for_function("location.search.endsWith('&n=4&o=repaint.preset:paper')")
    steps.fill("5000")
    steps.press("Tab")
    visitor.page.wait_for_selector("text=RePaint: option 'steps' must lie between 0 and 1000, not 5000.")
    visitor.page.click("#compare-run")
    visitor.says("must lie between 0 and 1000")
    assert visitor.page.locator("#compare-panes [data-id='repaint']").count() == 0
    visitor.list_methods()
    repaint.locator(".reset").click()
    costs_now()
    visitor.page.fill("#compare-answers input", "9")
    visitor.says("from 1 to 8")
    visitor.page.wait_for_function("!location.search.includes('o=') && location.search.includes('n=4')")


def test_several_answers_in_a_strip(visit):
    visitor = visit("?t=compare&img=coffee&mask=box:5:3&m=mean_fill,repaint&seed=3&n=3&o=repaint.steps:6")
    visitor.wait_picture(600, 400)
    visitor.run()
    original, mask = visitor.picture("original"), visitor.mask()
    strip = visitor.page.locator("#compare-panes [data-id='repaint'] .thumb")
    assert [thumb.get_attribute("aria-label") for thumb in strip.all()] == ["Seed 3", "Seed 4", "Seed 5"]
    assert visitor.page.locator("#compare-panes [data-id='mean_fill'] .thumb").count() == 0
    assert "does not draw at random" in visitor.page.inner_text("#compare-panes [data-id='mean_fill']")
    answers = inpaint(original, mask, "repaint", seed=3, n=3, steps=6)
    seen = []
    for seed, answer in enumerate(answers, 3):
        picture = visitor.picture("repaint")
        assert np.abs(picture.astype(int) - answer).max() <= 1
        assert not any(np.array_equal(picture, other) for other in seen)
        assert f"seed {seed}" in visitor.page.inner_text("#compare-panes [data-id='repaint'] .title")
        seen.append(picture)
        strip.nth(seed - 3).focus()
        visitor.page.keyboard.press("ArrowRight")
    visitor.page.wait_for_selector("#compare-panes [data-id='repaint'] >> text=PSNR")
    strip.nth(1).click()
    assert np.array_equal(visitor.picture("repaint"), seen[1])
    with visitor.page.expect_download() as download:
        visitor.page.click("#compare-zip")
    with zipfile.ZipFile(download.value.path()) as packed:
        assert {"mean_fill.png", *(f"repaint-seed{seed}.png" for seed in (3, 4, 5))} <= set(packed.namelist())
        assert np.array_equal(np.asarray(PilImage.open(packed.open("repaint-seed4.png"))), seen[1])
        records = json.loads(packed.read("settings.json"))["results"]
    assert [(one["seed"], one["options"]["steps"]) for one in records if one["method"] == "repaint"] == [
        (3, 6),
        (4, 6),
        (5, 6),
    ]
    visitor.page.fill("#compare-seed input", "4")
    visitor.page.wait_for_selector("#compare-panes [data-id='repaint'].stale")
    assert visitor.page.locator("#compare-panes [data-id='mean_fill'].stale").count() == 0
    visitor.page.click("#compare-panes [data-id='repaint'] .more")
    visitor.page.click("#compare-panes [data-id='repaint'] >> text=Use as input")
    visitor.page.wait_for_selector("#compare-back")
    assert np.array_equal(visitor.picture("original"), seen[1])


def test_a_diffusion_method_shows_previews_and_keeps_the_last_when_it_is_stopped(visit):
    visitor = visit("?t=compare&img=coffee&mask=box:5:3&m=repaint&n=2&o=repaint.preset:paper")
    visitor.wait_picture(600, 400)
    visitor.run(finish=False)
    pane = "#compare-panes [data-id='repaint']"
    image = visitor.page.wait_for_selector(f"{pane} .frame img[src*='pic/']")
    visitor.page.wait_for_selector(f"{pane}:has-text('answer 1 of 2, step ')")
    visitor.page.wait_for_function(  # a preview has taken the place of the hole
        "([image, first]) => image.isConnected && image.src !== first",
        arg=[image, image.evaluate("image => image.src")],
    )
    visitor.page.click("#compare-stop")
    visitor.page.wait_for_selector("#compare-stop[disabled]")
    assert "Stopped here" in visitor.page.inner_text(pane)
    shown, mask, original = visitor.picture("repaint"), visitor.mask(), visitor.picture("original")
    assert np.array_equal(shown[~mask], original[~mask])
    assert not np.array_equal(shown[mask], original[mask])
    assert visitor.page.locator(f"{pane} .thumb").first.get_attribute("aria-label") == "Seed 0, stopped"
    visitor.page.click(f"{pane} .more")
    assert visitor.page.locator(f"{pane} [role='menuitem']").all_inner_texts() == [
        "Download PNG",
        "Draw the rest",
    ]


STICKING_OUT = """[...document.querySelectorAll('.ed-bar *, .ed-source > *, #compare-bar > *')]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1).map((node) => node.className)"""


def lands_on_the_fill(visitor):
    """After a run on a phone a fill is in view, whole, and arrows and dots lead to the others."""
    panes = visitor.page.locator("#compare-panes")
    bar = visitor.page.locator("#compare-bar")
    visitor.page.wait_for_function(
        "document.querySelector('#compare-panes .modes').getBoundingClientRect().top < 60"  # it scrolls there
    )
    box = panes.locator("[data-id='telea'] .frame").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] < bar.bounding_box()["y"]
    dots = panes.locator(".dot")
    assert dots.evaluate_all("all => all.map(n => n.ariaCurrent)") == ["false", "false", "true"]
    panes.get_by_role("button", name="Picture before").tap()
    visitor.page.wait_for_function(
        "document.querySelectorAll('#compare-panes .dot')[1].ariaCurrent === 'true'"
    )
    dots.nth(0).tap()
    visitor.page.wait_for_function(
        "document.querySelectorAll('#compare-panes .dot')[0].ariaCurrent === 'true'"
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_overflows_and_dark_is_dark(visit, width):
    phone = {"has_touch": True, "is_mobile": True} if width == 390 else {}
    visitor = visit(
        "?img=coffee&mask=brush:20:7&m=telea&__theme=dark", viewport={"width": width, "height": 844}, **phone
    )
    visitor.wait_picture(600, 400)
    visitor.run()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visitor.page.evaluate(STICKING_OUT) == []
    if width == 390:
        lands_on_the_fill(visitor)
    red, green, blue = json.loads(
        visitor.page.evaluate(
            "getComputedStyle(document.body).backgroundColor.replace(/rgb.([^)]*)./, '[$1]')"
        )
    )
    assert max(red, green, blue) < 60
    assert visitor.page.locator("#compare-run").bounding_box()["height"] >= 44
    visitor.page.click("text=Light")
    visitor.page.wait_for_function("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")


def test_a_theme_that_was_chosen_outlives_a_reload(visit):
    page = visit("?t=claims").page
    scheme = "document.documentElement.style.colorScheme"
    page.evaluate("document.body.classList.add('dark')")  # as Gradio does where the system turns dark
    page.wait_for_function(f"{scheme} === 'dark'")
    page.evaluate("document.body.classList.remove('dark')")
    page.wait_for_function(f"{scheme} === 'light'")
    page.click("#header button:has-text('Dark')")
    page.reload()
    page.wait_for_selector("#header button:has-text('Light')")
    assert page.evaluate(f"[document.body.className.includes('dark'), {scheme}]") == [True, "dark"]


def test_one_finger_paints_on_a_phone(visit):
    visitor = visit("?img=coffee", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visitor.wait_picture(600, 400)
    box = visitor.page.locator("#compare-mask canvas").bounding_box()
    visitor.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visitor.page.wait_for_function("document.querySelector('#compare-editor .widget').dataset.count > 0")
    drawn = "document.querySelector('#compare-mask canvas').toDataURL()"
    visitor.page.wait_for_timeout(100)
    before, painted = visitor.page.evaluate(drawn), visitor.count()
    screen, x, y = (
        visitor.context.new_cdp_session(visitor.page), box["x"] + box["width"] / 2, box["y"] + 100,
    )  # fmt: skip

    def fingers(kind, gap=0):
        points = [{"x": x - gap, "y": y}, {"x": x + gap, "y": y}] if gap else []
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 100)
    for gap in (80, 60, 40):
        fingers("touchMove", gap)
    visitor.page.wait_for_timeout(100)
    assert visitor.page.evaluate(drawn) != before
    fingers("touchEnd")
    visitor.page.wait_for_function(f"before => {drawn} === before", arg=before)  # it returns to the whole
    assert visitor.count() == painted


def test_a_link_opens_its_tab_and_arrow_keys_move_between_tabs(visit):
    visitor = visit("?t=leaderboard")
    visitor.page.wait_for_selector("#tab-leaderboard-button[aria-selected='true']")
    visitor.page.focus("#tab-leaderboard-button")
    visitor.page.keyboard.press("ArrowLeft")
    visitor.page.wait_for_selector("#tab-compare-button[aria-selected='true']")
    visitor.page.wait_for_function("location.search.includes('t=compare')")


def bars_height(page):
    return page.evaluate("document.querySelector('#tour .bar').getBoundingClientRect().height")


def test_a_link_opens_a_stop_of_the_tour_and_keys_lead_on_and_out(visit):
    page = visit("?tour=2", viewport={"width": 390, "height": 844}, reduced_motion="reduce").page
    assert page.inner_text("#tour .count") == "2 of 6"
    assert page.inner_text("#tour .stop.here h2") == STOPS[1].title
    page.wait_for_function(f"location.search === '?{STOPS[1].query}&tour=2'")
    assert page.evaluate("document.activeElement === document.body")  # it took no focus
    before = bars_height(page)
    bar, run = (page.locator(css).bounding_box() for css in ("#tour .bar", "#compare-run"))
    assert bar["y"] + bar["height"] < run["y"]
    page.focus("#tour .next")
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside .widget[data-state=done]")  # it has run by itself
    assert page.evaluate("location.search") == f"?{STOPS[2].query}&tour=3"
    page.evaluate("window.inpainting.tour(6)")
    page.wait_for_selector("#claim-copies.tour-look", state="visible")  # a tab without a button of its own
    assert page.evaluate("location.search") == f"?{STOPS[5].query}&tour=6"
    assert page.inner_text("#tour .next") == "Finish"
    assert bars_height(page) == before  # no stop moves what is below the bar
    page.keyboard.press("Escape")
    assert page.locator("#tour .bar").is_hidden()
    assert page.evaluate("location.search") == f"?{STOPS[5].query}"
    assert page.evaluate("document.activeElement.textContent") == "Take the tour"
    page.goto(page.url.partition("?")[0] + "?tour=3&img=rocket")  # what else stands in the address counts
    page.wait_for_selector("#inside .source[data-id=rocket][aria-checked=true]")
    page.wait_for_selector("#inside .widget[data-state=done]")

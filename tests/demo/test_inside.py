"""The Inside tab with made-up methods: values as plain data, then a real browser."""

import base64
import importlib.util
import os
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image as PilImage

from demo import inside
from demo.app import launch_options, make
from demo.explain import MOST_FRAMES, Explanation, ask
from demo.jobs import Runner
from demo.session import App, Session, Store, open_picture
from inpainters import registry
from inpainters.base import Frame, Inpainter, InpaintRequest
from inpainters.errors import InputError

SIZE = (80, 120)
HOLE = (slice(20, 60), slice(40, 80))


def load_harness():
    spec = importlib.util.spec_from_file_location("harness_inside", Path(__file__).with_name("harness_inside.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HARNESS = load_harness()


@pytest.fixture(scope="module", autouse=True)
def made_up():
    patch, rows = pytest.MonkeyPatch(), dict(registry.METHODS)
    HARNESS.install(patch)
    yield
    HARNESS.GATE.set()
    patch.undo()
    registry.METHODS.clear()  # undone, the rows would stand in another order
    registry.METHODS.update(rows)


@pytest.fixture(scope="module")
def app():
    app = App(Store(), Runner(), Path("results"))
    yield app
    app.runner.close()
    app.store.close()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    PilImage.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)).save(path)
    return path


def request():
    image, mask = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8), np.zeros(SIZE, bool)
    mask[HOLE] = True
    return InpaintRequest(image, mask)


def explained(app, method):
    job = Explanation(method, store=app.store)
    job.result = app.runner.run(request().image, request().mask, job)
    job.state = "done"
    return job


def test_frames_are_kept_in_order_from_input_to_result(app):
    job = explained(app, "filling")
    assert [shot.name for shot in job.shots] == ["input", *(f"mask/{n}" for n in range(1, 7)), "coarse", "refined", "result"]
    values = [shot.value for shot in job.shots if shot.name.startswith("mask")]
    assert values == sorted(values)
    assert values[-1] == 1.0
    window = app.store.image(job.original)
    assert window.shape == job.seen.shape
    assert np.array_equal(window[~job.hole], app.store.image(job.shots[-1].token)[~job.hole])
    assert job.hole.sum() == 40 * 40


def test_heat_points_at_the_source_and_refuses_what_is_known(app):
    job = explained(app, "attending")
    attention = next(shot for shot in job.shots if shot.origin)
    rows, columns = np.nonzero(job.hole)
    height, width = job.hole.shape
    row, column = rows.min() // 4, int(columns.mean()) // 4  # the hole's first row: its source is the row above
    heat = ask(job, "attention", row, column)
    assert attention.size == (-(-height // 4), -(-width // 4))
    assert heat["from"][0] < heat["at"][0]
    assert heat["from"][1] == pytest.approx(heat["at"][1], abs=1.01 / attention.size[1])
    glow = app.store.image(heat["src"].removeprefix("pic/"))
    brightest = np.unravel_index(glow.astype(int).sum(2).argmax(), glow.shape[:2])
    assert np.allclose(np.divide(brightest, glow.shape[:2]), heat["from"], atol=3 / min(attention.size))
    with pytest.raises(InputError, match="inside the hole"):
        ask(job, "attention", 0, 0)
    job.forget()
    with pytest.raises(InputError, match="run the method again"):
        ask(job, "attention", row, column)


class Chatty(Inpainter):
    def fill(self, piece):
        return piece.image

    def frames(self, piece):
        for n in range(MOST_FRAMES + 40):
            yield Frame(f"gate/a-{n}", "", np.zeros((4, 4, 3), np.uint8), 0.5)
        yield Frame("refined", "", np.zeros((3000, 4, 3), np.uint8))


def test_frames_are_bounded_in_number_and_size(app):
    job = Explanation("filling", store=app.store)
    job.answer(Chatty(registry.METHODS["filling"]), request(), lambda done, total: True)
    assert len(job.shots) == MOST_FRAMES + 1
    assert job.shots[-1].name == "result"


def test_a_run_forgets_the_oldest_attention_and_the_pictures_of_the_one_before(app):
    recent, visit = deque(maxlen=1), inside.Visit(app.store, "attending")
    inside.choose(visit, None, {"source": "coffee"})
    other = explained(app, "attending")
    recent.append(other)
    inside.start(app, visit, recent)
    assert not any(shot.origin for shot in other.shots)
    first = visit.job
    deadline = time.monotonic() + 60
    while not first.final and time.monotonic() < deadline:
        time.sleep(0.01)
    shot = next(shot for shot in first.shots if shot.origin)
    at = [int(share * length) for share, length in zip(inside.value(app, visit)["hole"], shot.size, strict=True)]
    asked = ask(first, shot.name, *at)["src"].removeprefix("pic/")
    assert app.store.path(asked)
    inside.start(app, visit, recent)
    assert app.store.path(first.shots[0].token) is None
    assert app.store.path(asked) is None
    visit.close()


def test_values_name_methods_reasons_and_the_hole_from_compare(app, photo):
    session, visit = Session(app.store), inside.Visit(app.store)
    assert inside.value(app, visit, session)["sources"][0]["id"] == "coffee"
    session.begin(open_picture(app.store, photo, "photo.png"))
    value = inside.value(app, visit, session)
    assert value["sources"][0] | {"src": ""} == {
        "id": "compare",
        "title": "Hole from Compare: photo.png",
        "src": "",
        "why": "Paint a hole in Compare first.",
    }
    assert [(one["id"], bool(one["why"])) for one in value["methods"]] == [(name, name == "weightless") for name in HARNESS.CLASSES]
    with pytest.raises(InputError, match="nothing inside"):
        inside.choose(visit, session, {"method": "telea"})
    with pytest.raises(InputError, match="did you mean 'coffee'"):
        inside.choose(visit, session, {"source": "cofee"})
    inside.choose(visit, session, {"method": "weightless"})
    assert inside.value(app, visit)["why"] == HARNESS.WHY
    with pytest.raises(InputError, match="needs weights"):
        inside.start(app, visit, deque(maxlen=1))


def test_another_picture_under_the_same_hole_and_its_sketch_are_taken_from_compare(app, photo, tmp_path):
    session, visit = Session(app.store), inside.Visit(app.store)
    alpha = np.zeros((*SIZE, 4), np.uint8)
    alpha[(*HOLE, 3)] = 255
    alpha[30, 40:80, 0] = 255  # a line of a sketch
    PilImage.fromarray(alpha).save(tmp_path / "mask.png")
    url = "data:image/png;base64," + base64.b64encode((tmp_path / "mask.png").read_bytes()).decode()
    PilImage.new("RGB", SIZE[::-1], (200, 10, 10)).save(tmp_path / "red.png")
    for path in (photo, tmp_path / "red.png"):
        session.begin(open_picture(app.store, path, path.name))
        inside.come(visit, session, url)
        assert np.array_equal(visit.pixels()[0], np.asarray(PilImage.open(path)))
    visit.method = "filling"
    drawn = inside.start(app, visit, deque(maxlen=1)).jobs[0].guide
    assert np.argwhere(drawn).tolist() == [[30, column] for column in range(40, 80)]
    visit.close()


def test_every_method_that_explains_says_so_in_its_row():
    for spec in registry.METHODS.values():
        if spec.target and all(importlib.util.find_spec(package) for package in spec.requires):
            module, _, name = spec.target.partition(":")
            own = getattr(importlib.import_module(module), name).frames is not Inpainter.frames
            assert own == spec.explains, f"{spec.name}: explains must be {own}"


# ---- the page ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(chromium, made_up):
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    blocks, app = make()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
    yield url
    HARNESS.GATE.set()
    blocks.close()
    app.runner.close()
    app.store.close()


def test_the_endpoint_gives_named_frames(server, photo, tmp_path):
    mask = np.zeros(SIZE, np.uint8)
    mask[HOLE] = 255
    PilImage.fromarray(mask).save(tmp_path / "mask.png")
    client = Client(server, verbose=False)
    files = (handle_file(str(photo)), handle_file(str(tmp_path / "mask.png")))
    gallery, record = client.predict(*files, method="filling", api_name="/explain")
    names = [frame["name"] for frame in record["frames"]]
    assert names == ["input", *(f"mask/{n}" for n in range(1, 7)), "coarse", "refined", "result"]
    assert [one["caption"] for one in gallery] == names
    with PilImage.open(gallery[-1]["image"]) as result:
        assert result.size == (record["frames"][-1]["width"], record["frames"][-1]["height"])
    with pytest.raises(Exception, match="needs weights"):
        client.predict(*files, method="weightless", api_name="/explain")


@pytest.fixture
def visit(chromium, server):
    opened = []

    def begin(query, width=1440):
        context = chromium.new_context(viewport={"width": width, "height": 844})
        page = context.new_page()
        page.set_default_timeout(20_000)
        trouble = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(server + query)
        for name in query.split("img=chelsea&m=")[1:]:  # what the link asks for has come
            page.wait_for_selector("#inside .source[data-id=chelsea][aria-checked=true]", state="attached")
            page.wait_for_selector(f"#inside .method[data-id={name}][aria-checked=true]", state="attached")
        opened.append((context, trouble))
        return page

    yield begin
    for context, trouble in opened:
        context.close()
        assert trouble == []


def run(page, state="done"):
    page.click("#inside-run[aria-disabled=false]")
    page.wait_for_selector(f"#inside .widget[data-state={state}]")


def count(page):
    return page.inner_text("#inside .count")


def test_a_link_opens_the_tab_and_keys_move_the_scrubber(visit):
    page = visit("?t=inside&img=chelsea&m=filling")
    page.wait_for_selector("#tab-inside-button[aria-selected='true']")
    why = page.inner_text("#inside .method[data-id=weightless]")
    assert HARNESS.WHY in why
    assert page.get_attribute("#inside .method[data-id=weightless]", "aria-disabled") == "true"
    run(page)
    page.wait_for_function("document.querySelector('#inside .count').textContent === '2 of 10'")
    page.focus("#inside .reel .play")
    page.keyboard.press(".")
    page.keyboard.press(".")
    assert count(page) == "4 of 10"
    page.keyboard.press(",")
    assert count(page) == "3 of 10"
    assert page.locator("#inside .curve .dot").count() == 6
    assert "Share of positions" in page.inner_text("#inside .curve")
    page.click("#inside .kinds [data-kind=refined]")
    titles = page.locator("#inside .pair figcaption strong").all_inner_texts()
    assert [title.split(":")[0] for title in titles] == ["Coarse", "Refined"]
    assert page.evaluate("location.search") == "?t=inside&img=chelsea&m=filling"


def test_a_point_in_the_hole_leads_to_where_it_was_copied_from(visit):
    page = visit("?t=inside&img=chelsea&m=attending")
    run(page)
    page.wait_for_selector("#inside .left .stage.asking .point")
    page.focus("#inside .left .stage")
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside .right .over line.upper", state="attached")
    first = page.get_attribute("#inside .right img", "src")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function("before => document.querySelector('#inside .right img').src !== before", arg=first)
    page.click("#inside .left .stage", position={"x": 4, "y": 4})
    page.wait_for_selector("#inside .note.error >> text=inside the hole")


def test_stop_says_so_and_the_page_goes_on(visit):
    HARNESS.GATE.clear()
    page = visit("?t=inside&img=chelsea&m=patient_inside")
    run(page, "running")
    page.click("#inside-stop")
    page.wait_for_selector("#inside .widget[data-state=stopped]")
    page.click("#inside .method[data-id=filling]")
    page.wait_for_selector("#inside .method[data-id=filling][aria-checked=true]")
    run(page)


def test_the_hole_painted_in_compare_comes_along_and_a_phone_does_not_scroll_sideways(visit):
    page = visit("?t=compare&img=coffee&mask=brush:10:7", width=390)
    page.wait_for_selector("#compare-editor .widget", state="attached")
    page.wait_for_function("document.querySelector('#compare-editor .widget').dataset.count > 0")
    page.wait_for_function("document.querySelector('#compare-run').textContent.includes('Run ')")
    page.click("#tab-inside-button")
    page.wait_for_selector("#inside .source[data-id=compare][aria-checked=true]")
    page.click("#inside .method[data-id=filling]")
    page.wait_for_selector("#inside .method[data-id=filling][aria-checked=true]")
    run(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    left, right = (page.locator(f"#inside .{side} .stage").bounding_box() for side in ("left", "right"))
    assert right["y"] > left["y"] + left["height"]
    page.evaluate("document.querySelector('#inside .curve').scrollIntoView()")
    assert page.locator("#inside .scrub").bounding_box()["y"] >= -1  # the scrubber stays in view

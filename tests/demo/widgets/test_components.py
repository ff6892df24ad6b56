"""The components in a real browser: what a visitor sees, and what reaches Python."""

import base64
import importlib.util
import io
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")
playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")

Locator = Any
Page = Any


@pytest.fixture(scope="module")
def harness() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "harness_components", Path(__file__).with_name("harness_components.py")
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def address(harness: ModuleType) -> Iterator[str]:
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))  # held: nobody else gets the port
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(harness.application(), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def browser(chromium: Any) -> Any:
    return chromium


def opened(browser: Any, address: str, **context: Any) -> Iterator[Page]:
    complaints: list[str] = []
    page = browser.new_page(**context)
    page.set_default_timeout(120_000)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/?__theme=light")
    page.wait_for_selector("#panes .pane")
    page.wait_for_selector("#scatter .spot")
    page.wait_for_function(
        "[...document.querySelectorAll('#panes .grid img[src]')].every(image => image.complete)"
    )
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def page(browser: Any, address: str, harness: ModuleType) -> Iterator[Page]:
    harness.RECEIVED.clear()
    yield from opened(browser, address, viewport={"width": 1280, "height": 900})


@pytest.fixture(scope="module")
def loaded(chromium: Any, address: str) -> Iterator[Page]:
    """One page for the tests that leave the panes' value alone: to load it costs more than to use it."""
    yield from opened(chromium, address, viewport={"width": 1280, "height": 900})


@pytest.fixture
def kept(loaded: Page, harness: ModuleType) -> Page:
    """That page with its grid of panes."""
    mode(loaded, "Grid").click()
    harness.RECEIVED.clear()
    return loaded


@pytest.fixture(scope="module")
def phone(chromium: Any, address: str) -> Iterator[Page]:
    yield from opened(chromium, address, viewport={"width": 390, "height": 844}, has_touch=True)


def pane(page: Page, title: str) -> Locator:
    return page.locator("#panes .grid .pane").filter(
        has=page.locator(".title", has_text=re.compile(f"^{title}$"))
    )


def mode(page: Page, name: str) -> Locator:
    return page.locator("#panes").get_by_role("radio", name=name, exact=True)


def heard(page: Page, harness: ModuleType, name: str) -> list[Any]:
    """What Python has received from `component.event` since it was last asked; waits for the first."""
    for _ in range(200):
        if found := [data for event, data in harness.RECEIVED if event == name]:
            break
        page.wait_for_timeout(25)
    harness.RECEIVED[:] = [(event, data) for event, data in harness.RECEIVED if event != name]
    return found


def views(page: Page) -> list[list[float]]:
    """The transform of each picture in the grid: (a, b, c, d, tx, ty)."""
    matrices = page.locator("#panes .grid .layer").evaluate_all(
        "all => all.map(node => getComputedStyle(node).transform)"
    )
    return [[float(number) for number in re.findall(r"-?[\d.e-]+", matrix)] for matrix in matrices]


def test_wheel_and_drag_move_all_panes_alike(kept: Page) -> None:
    fitted = views(kept)[0]
    assert (
        kept.locator("#panes .grid .picture").first.evaluate("node => getComputedStyle(node).imageRendering")
        == "auto"
    )
    stage = pane(kept, "Telea").locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 3
    kept.mouse.move(x, y)
    kept.keyboard.down("Control")
    kept.mouse.wheel(0, -600)
    kept.keyboard.up("Control")
    kept.wait_for_function("document.querySelector('#panes .widget').classList.contains('zoomed')")
    zoomed = views(kept)
    assert len(zoomed) == 11
    assert all(view == zoomed[0] for view in zoomed)
    scale, dx, dy = zoomed[0][0], zoomed[0][4], zoomed[0][5]
    assert scale > 2 * fitted[0]
    # the picture's point under the pointer stays there
    before = ((box["width"] / 4 - fitted[4]) / fitted[0], (box["height"] / 3 - fitted[5]) / fitted[0])
    assert ((box["width"] / 4 - dx) / scale, (box["height"] / 3 - dy) / scale) == pytest.approx(before, abs=1)
    assert (
        kept.locator("#panes .grid .picture").first.evaluate("node => getComputedStyle(node).imageRendering")
        == "pixelated"
    )
    kept.mouse.down()
    kept.mouse.move(x + 30, y + 20, steps=6)
    kept.mouse.up()
    moved = views(kept)
    assert all(view == moved[0] for view in moved)
    assert (moved[0][4] - dx, moved[0][5] - dy) == pytest.approx((30, 20), abs=1)
    kept.locator("#panes").get_by_role("button", name="Actual pixels").click()
    assert views(kept)[0][0] == pytest.approx(1)
    kept.locator("#panes").get_by_role("button", name="Fit the whole picture").click()
    assert views(kept) == [pytest.approx(fitted)] * 11


def test_error_map_is_the_formula(kept: Page, harness: ModuleType) -> None:
    colours = np.round(np.asarray(pytest.importorskip("matplotlib").colormaps["magma"].colors) * 255).astype(
        int
    )
    mode(kept, "Error").click()
    pictures = harness.pictures()
    reference = pictures["original"].astype(float)
    for title, name in (("Telea", "telea"), ("PatchMatch", "patchmatch")):
        canvas = pane(kept, title).locator("canvas.map")
        canvas.wait_for(state="attached")
        encoded = canvas.evaluate("node => node.toDataURL('image/png')").partition(",")[2]
        drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
        difference = np.abs(pictures[name].astype(float) - reference).mean(axis=2)
        expected = colours[np.floor(np.minimum(difference, 128) / 128 * 255 + 0.5).astype(int)]
        assert difference.max() > 60
        np.testing.assert_array_equal(drawn, expected)
    assert pane(kept, "Original").locator("canvas").count() == 0


def test_without_original_error_is_off_and_says_why(page: Page) -> None:
    mode(page, "Error").click()
    page.locator("#noref").click()
    button = mode(page, "Error")
    playwright.expect(button).to_have_attribute("aria-disabled", "true")
    playwright.expect(mode(page, "Grid")).to_have_attribute("aria-checked", "true")
    button.click(force=True)
    assert button.get_attribute("aria-checked") == "false"
    assert page.locator("#panes .tip").inner_text() == "No original inside this hole, so no scores."


def test_pane_events_reach_python(page: Page, harness: ModuleType) -> None:
    stage = pane(page, "PatchMatch").locator(".stage")
    stage.click()
    playwright.expect(pane(page, "PatchMatch")).to_have_class(re.compile("picked"))
    page.get_by_role("button", name="More for RePaint").click()
    page.get_by_role("menuitem", name="Stop").click()
    assert heard(page, harness, "panes.stop") == [{"id": "repaint"}]
    page.get_by_role("button", name="Retry Contextual").click()
    assert heard(page, harness, "panes.retry") == [{"id": "error"}]
    page.get_by_role("button", name="More for Telea").press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert heard(page, harness, "panes.use") == [{"id": "telea", "name": "telea"}]


def test_a_drag_on_the_picture_moves_the_divider_and_keys_keep_the_focus(kept: Page) -> None:
    stage = pane(kept, "Telea").locator(".stage")
    stage.focus()
    kept.keyboard.press("s")
    handle = kept.get_by_role("slider", name="Divide")
    playwright.expect(handle).to_be_focused()
    box = kept.locator("#panes .duo .stage").bounding_box()
    kept.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 30)
    kept.mouse.down()
    kept.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40, steps=4)
    kept.mouse.up()
    assert handle.get_attribute("aria-valuenow") == "25"
    handle.focus()
    kept.keyboard.press("s")
    assert kept.evaluate("document.activeElement.closest('#panes .grid') !== null")


def test_download_is_the_picture(kept: Page, harness: ModuleType) -> None:
    pane(kept, "Telea").get_by_role("button", name="More for Telea").click()
    with kept.expect_download() as caught:
        kept.get_by_role("menuitem", name="Download PNG").click()
    assert caught.value.suggested_filename == "telea.png"
    assert Path(caught.value.path()).read_bytes() == harness.png(harness.pictures()["telea"])


def test_older_value_is_dropped(page: Page) -> None:
    page.locator("#newer").click()
    playwright.expect(pane(page, "Newer")).to_have_count(1)
    page.locator("#older").click()
    playwright.expect(page.locator("#log textarea, #log input").first).to_have_value("sent")
    page.wait_for_timeout(200)
    assert pane(page, "Newer").count() == 1
    assert pane(page, "Older").count() == 0


def test_hostile_text_is_shown_and_not_run(page: Page, harness: ModuleType) -> None:
    page.locator("#hostile").click()
    title = page.locator("#panes .pane .title").nth(2)
    playwright.expect(title).to_have_text(harness.HOSTILE)
    playwright.expect(page.locator("#table .method .title").first).to_have_text(harness.HOSTILE)
    playwright.expect(page.locator("#line .choice span").first).to_have_text(harness.HOSTILE)
    mode(page, "Slider").click()
    page.locator("#line .choice").first.click()
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x']").count() == 0


def test_size_of_a_pane_does_not_depend_on_its_state(page: Page) -> None:
    def sizes() -> list[list[float]]:
        boxes = page.locator("#panes .grid .pane").evaluate_all(
            "all => all.map(n => [n.offsetWidth, n.offsetHeight, n.querySelector('.stage').offsetHeight])"
        )
        return list(boxes)

    before = sizes()
    assert all(
        (width, stage) == (before[0][0], before[0][2]) for width, _, stage in before
    )  # rows with a strip of answers are higher
    page.locator("#newer").click()
    playwright.expect(page.locator("#panes [data-id='repaint'] .running")).to_be_hidden()
    assert sizes() == before


def test_keys_act_only_inside(page: Page) -> None:
    page.locator("#log textarea, #log input").first.focus()
    page.keyboard.press("s")
    playwright.expect(mode(page, "Grid")).to_have_attribute("aria-checked", "true")
    stage = pane(page, "Telea").locator(".stage")
    stage.focus()
    original = pane(page, "Telea").locator(".original")
    page.keyboard.down(" ")
    assert original.evaluate("node => getComputedStyle(node).visibility") == "visible"
    assert original.get_attribute("src").endswith("/pic/original")
    page.keyboard.up(" ")
    assert original.evaluate("node => getComputedStyle(node).visibility") == "hidden"
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert views(page)[0][0] > 1
    page.keyboard.press("z")
    assert views(page)[0][0] == 1
    page.keyboard.down("f")
    playwright.expect(mode(page, "Flip")).to_have_attribute("aria-checked", "true")
    playwright.expect(page.locator("#panes .label.right")).to_be_visible()
    page.keyboard.up("f")
    playwright.expect(page.locator("#panes .label.right")).to_be_hidden()
    page.keyboard.press("s")
    handle = page.get_by_role("slider", name="Divide")
    handle.press("ArrowRight")
    handle.press("Shift+ArrowRight")
    assert handle.get_attribute("aria-valuenow") == "62"
    clip = page.locator("#panes .over").evaluate("node => getComputedStyle(node).clipPath")
    assert clip == "inset(0px 0px 0px 62%)"


def test_pair_is_the_original_and_a_fill_until_the_visitor_chooses(page: Page) -> None:
    sides = [page.get_by_label("Left picture"), page.get_by_label("Right picture")]
    mode(page, "Slider").click()
    assert [side.input_value() for side in sides] == ["original", "telea"]
    sides[0].select_option("telea")
    assert [side.input_value() for side in sides] == ["telea", "original"]
    page.locator("#panes .film [data-id='masked']").click()
    page.get_by_role("button", name="Swap the two").click()
    page.locator("#newer").click()
    playwright.expect(page.locator("#panes .label.right")).to_contain_text("Newer")
    assert [side.input_value() for side in sides] == ["masked", "telea"]


def test_an_answer_that_is_chosen_takes_its_panes_place(page: Page, harness: ModuleType) -> None:
    repaint = page.locator("#panes [data-id='repaint']")
    strip = repaint.get_by_role("radiogroup", name="Answers of RePaint").get_by_role("radio")
    assert strip.evaluate_all("all => all.map(n => n.ariaLabel)") == ["Seed 3", "Seed 4", "Seed 5, to come"]
    assert repaint.locator(".picture").first.get_attribute("src").endswith("/pic/repaint")
    strip.nth(0).focus()
    page.keyboard.press("ArrowRight")
    playwright.expect(repaint.locator(".title")).to_have_text("RePaint, seed 4")
    assert repaint.locator(".picture").first.get_attribute("src").endswith("/pic/repaint4")
    assert pane(page, "Telea").locator(".picture").first.get_attribute("src").endswith("/pic/telea")
    assert strip.evaluate_all("all => all.map(n => n.ariaChecked)") == ["false", "true", "false"]
    strip.nth(2).click(force=True)  # not there yet
    playwright.expect(repaint.locator(".title")).to_have_text("RePaint, seed 4")
    repaint.locator(".more").click()
    page.get_by_role("menuitem", name="Use as input").click()
    assert heard(page, harness, "panes.use") == [{"id": "repaint", "name": "repaint-seed4"}]
    page.locator("#newer").click()
    playwright.expect(pane(page, "Newer").locator(".title")).to_have_text("Newer")
    playwright.expect(repaint.locator(".title")).to_have_text("RePaint, seed 4")


def test_reason_of_a_dash_opens_on_focus(kept: Page) -> None:
    chip = pane(kept, "Telea").get_by_role("button", name="LPIPS")
    kept.keyboard.press("Tab")
    chip.focus()
    tip = kept.locator("#panes .tip")
    playwright.expect(tip).to_have_text("Weights are missing. Run `python -m benchmark fetch lpips_squeeze`.")
    assert chip.get_attribute("aria-describedby") == tip.get_attribute("id")
    kept.keyboard.press("Escape")
    playwright.expect(tip).to_be_hidden()


def test_a_note_is_read_whole(kept: Page) -> None:
    note = pane(kept, "PatchMatch").locator(".note")
    note.evaluate("node => { node.textContent = 'It was drawn at 68 px, 17 % of its size. '.repeat(8); }")
    assert note.evaluate("node => node.scrollWidth <= node.clientWidth && node.clientHeight >= 38")
    assert note.evaluate("node => node.scrollHeight > node.clientHeight + 19")
    note.press("Enter")
    assert note.evaluate("node => node.scrollHeight <= node.clientHeight + 1")
    note.press("Enter")


def test_picker_chooses_and_python_reads_the_choice(kept: Page, harness: ModuleType) -> None:
    picker = kept.locator("#picker")
    picker.locator(".open").click()
    assert picker.locator(".names").inner_text() == "Telea, PatchMatch"
    picker.get_by_role("checkbox", name="All of Diffusion").check()
    chosen = ["telea", "patchmatch", "repaint", "ddnm"]
    assert heard(kept, harness, "picker.choose") == [{"ids": chosen, "options": {}}]
    assert heard(kept, harness, "picker.ids") == [chosen]
    assert picker.get_by_role("checkbox", name="All of Smoothing").evaluate("node => node.indeterminate")
    picker.get_by_role("checkbox", name="Navier").check()
    assert heard(kept, harness, "picker.choose") == [
        {"ids": [*chosen[:1], "navier_stokes", *chosen[1:]], "options": {}}
    ]
    absent = picker.locator("details.absent")
    assert absent.locator("summary").inner_text() == "1 more that is not here yet"
    assert not absent.locator("[data-absent]").is_visible()
    absent.locator("summary").click()
    assert "python -m inpainters fetch sd2" in absent.locator("[data-absent=sd2]").inner_text()
    assert picker.locator("input[data-method=sd2]").count() == 0


def test_table_sorts_and_opens_cells(kept: Page, harness: ModuleType) -> None:
    table = kept.locator("#table")
    titles = table.locator("tbody .title")
    table.get_by_role("button", name="10-20").first.click()
    best = [
        "Gated convolution",
        "Telea",
        "Navier–Stokes",
        "Deep Image Prior",
        "PatchMatch",
        "Stable Diffusion 2",
        "Mean fill",
    ]
    assert titles.all_inner_texts() == [*best, "RePaint"]
    table.get_by_role("button", name="10-20").first.click()
    assert titles.all_inner_texts() == [*best[::-1], "RePaint"]
    assert table.locator("thead th").nth(3).get_attribute("aria-sort") == "ascending"
    assert table.locator("tbody .rank").all_inner_texts() == [*"7654321", ""]
    cell = table.get_by_role("button", name="Telea, 20-30")
    assert "95 % interval 26.20 to 27.20" in cell.get_attribute("aria-label")
    assert cell.inner_text().split() == ["26.70", "±0.50"]
    times = table.locator("tbody tr td:last-child")
    assert [text.strip() for text in times.all_inner_texts()].count("<0.001") == 1  # 0.2 ms
    assert "<0.001" in table.get_by_role("button", name="Navier–Stokes, s").get_attribute("aria-label")
    cell.click()
    assert heard(kept, harness, "table.cell") == [{"row": "telea", "col": "20-30"}]
    table.get_by_role("button", name="RePaint, 10-20").click()
    assert table.locator(".tip").inner_text().startswith("RePaint was not run")
    table.get_by_role("button", name="Mean fill, 1-10").click()
    assert heard(kept, harness, "table.cell") == [{"row": "mean_fill", "col": "1-10"}]
    assert table.locator("button[tabindex='0']").count() == 1
    table.get_by_role("button", name="RePaint, 10-20").press("ArrowRight")
    assert kept.evaluate("document.activeElement.getAttribute('aria-label')").startswith("RePaint, 20-30")


def centre(page: Page, selector: str, start: str) -> tuple[float, float]:
    box = page.locator(f"{selector} .spot[aria-label^='{start}'] .hit").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_chart_places_points_and_answers(kept: Page, harness: ModuleType) -> None:
    x1, y1 = centre(kept, "#scatter", "Mean fill")  # (0.01 s, 22.0)
    x2, y2 = centre(kept, "#scatter", "PatchMatch")  # (4.2 s, 28.4)
    x3, y3 = centre(kept, "#scatter", "Deep")  # (160 s, 29.0)
    assert (x2 - x1) / (x3 - x1) == pytest.approx(np.log10(4.2 / 0.01) / np.log10(160 / 0.01), abs=0.01)
    assert (y2 - y1) / (y3 - y1) == pytest.approx(6.4 / 7, abs=0.01)
    assert y3 < y1
    kept.locator("#scatter").scroll_into_view_if_needed()
    x2, y2 = centre(kept, "#scatter", "PatchMatch")
    kept.mouse.click(x2, y2)
    assert heard(kept, harness, "scatter.point") == [{"cell": "patchmatch"}]
    assert (
        kept.locator("#scatter .tip").inner_text() == "PatchMatch, 4.2 s: 28.4 (95 % interval 27.9 to 28.9)"
    )
    line = kept.locator("#line")
    assert line.locator(".spot").count() == 46
    first = line.locator(".spot[tabindex='0']")
    assert first.count() == 1
    first.focus()
    kept.keyboard.press("ArrowRight")
    kept.keyboard.press("Enter")
    assert heard(kept, harness, "line.point") == [{"cell": ["telea", "10-20"]}]


LEADING = {"Gated convolution", "RePaint", "Telea", "Navier–Stokes", "Deep Image Prior"}


def banded(page: Page) -> set[str]:
    """The series of the line chart whose band is drawn."""
    return set(
        page.locator("#line .series").evaluate_all(
            """all => all.filter((one) => getComputedStyle(one.querySelector('.band')).display !== 'none')
              .map((one) => one.dataset.series)"""
        )
    )


def names(page: Page, chart: str) -> list[str]:
    return page.locator(f"{chart} .labels text").all_text_contents()


def test_chart_colours_the_best_five_and_what_is_pointed_at_or_chosen(kept: Page) -> None:
    five = {"gated_conv", "repaint", "telea", "navier_stokes", "dip"}
    item = kept.locator("#line").get_by_role("button", name="Mean fill", exact=True)
    kept.mouse.move(0, 0)
    kept.evaluate("document.activeElement.blur()")
    assert banded(kept) == five
    item.hover()
    assert banded(kept) == {*five, "mean_fill"}
    assert kept.locator("#line .series").last.get_attribute("data-series") == "mean_fill"
    kept.mouse.move(0, 0)
    assert banded(kept) == five
    item.focus()
    assert banded(kept) == {*five, "mean_fill"}
    kept.keyboard.press("Enter")
    item.blur()
    assert banded(kept) == {*five, "mean_fill"}
    assert item.get_attribute("aria-pressed") == "true"
    item.click()
    kept.mouse.move(0, 0)
    item.blur()
    assert banded(kept) == five


@pytest.mark.parametrize("chart", ["#line", "#scatter"])
def test_no_name_in_a_chart_is_cut_hidden_or_covered(kept: Page, chart: str) -> None:
    assert set(names(kept, chart)) == LEADING
    frame = kept.locator(f"{chart} .plot").bounding_box()
    boxes = [one.bounding_box() for one in kept.locator(f"{chart} .labels text").all()]
    for i, box in enumerate(boxes):
        assert box["x"] >= frame["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
        for other in boxes[:i]:
            apart = (
                abs(box["x"] - other["x"]) >= min(box["width"], other["width"])
                or abs(box["y"] - other["y"]) >= 14
            )
            assert apart


def test_phone_has_a_carousel_and_large_targets(phone: Page) -> None:
    widths = phone.locator("#panes .grid").evaluate(
        "grid => [grid.clientWidth, ...[...grid.children].map(n => n.offsetWidth)]"
    )
    assert all(width == pytest.approx(0.88 * widths[0], rel=0.03) for width in widths[1:])
    phone.locator("#picker .open").tap()
    heights = phone.locator(
        "#panes .bar button, #panes button.chip, #picker label, #table td button"
    ).evaluate_all("all => all.map(n => n.offsetHeight)")
    phone.locator("#picker .open").tap()
    assert min(heights) >= 44
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    scroller = phone.locator("#table .scroller")
    scroller.evaluate("node => { node.scrollLeft = 200; }")
    head = phone.locator("#table tbody th").first
    assert head.bounding_box()["x"] == pytest.approx(scroller.bounding_box()["x"], abs=2)
    dash = phone.locator("#table").get_by_role("button", name="RePaint, 10-20")
    dash.tap()
    playwright.expect(phone.locator("#table .tip")).to_be_visible()


def test_pinch_zooms_all_panes(phone: Page) -> None:
    before = views(phone)[0][0]
    stage = phone.locator("#panes .stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen = phone.context.new_cdp_session(phone)

    def touch(kind: str, gap: float) -> None:
        points = [{"x": x - gap, "y": y}, {"x": x + gap, "y": y}] if gap else []
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 20)
    for gap in (30, 40, 50, 60):
        touch("touchMove", gap)
    touch("touchEnd", 0)
    zoomed = views(phone)
    assert all(view == zoomed[0] for view in zoomed)
    assert zoomed[0][0] == pytest.approx(3 * before, rel=0.05)


def test_empty_panes_say_so_and_visibility_follows_python(page: Page) -> None:
    page.locator("#nothing").click()
    playwright.expect(page.locator("#panes .nothing")).to_be_visible()
    assert page.locator("#panes .pane").count() == 0
    page.locator("#hide").click()
    playwright.expect(page.locator("#panes .widget")).to_be_hidden()

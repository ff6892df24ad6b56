"""The Inside tab with made-up methods in a real browser."""

import os

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image as PilImage

from demo.app import launch_options, make

SIZE = (80, 120)


HOLE = (slice(20, 60), slice(40, 80))


pytestmark = pytest.mark.usefixtures("made_up")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    PilImage.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def server(chromium, made_up):
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    blocks, app = make()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
    yield url
    made_up.GATE.set()
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
        page.set_default_timeout(120_000)
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


def test_a_link_opens_the_tab_and_keys_move_the_scrubber(visit, made_up):
    page = visit("?t=inside&img=chelsea&m=filling")
    page.wait_for_selector("#tab-inside-button[aria-selected='true']")
    why = page.inner_text("#inside .method[data-id=weightless]")
    assert made_up.WHY in why
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
    titles = page.locator("#inside .pair figcaption strong").all_inner_texts()
    assert titles[0] == "Choose a point inside the hole"
    assert titles[2].startswith("Attention: colour")  # the map comes last, the picture is what is clicked
    faded = page.evaluate(
        """async () => {
          const image = document.querySelector('#inside .left img');
          await image.decode();
          const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
          const pen = canvas.getContext('2d');
          pen.drawImage(image, 0, 0);
          return Math.min(...[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3));
        }"""
    )
    assert faded >= 150  # the fill, its known pixels faded; a map's are dark
    page.focus("#inside .left .stage")
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside .right .over line.upper", state="attached")
    first = page.get_attribute("#inside .right img", "src")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function("before => document.querySelector('#inside .right img').src !== before", arg=first)
    page.click("#inside .left .stage", position={"x": 4, "y": 4})
    page.wait_for_selector("#inside .note.error >> text=inside the hole")


def test_stop_says_so_and_the_page_goes_on(visit, made_up):
    made_up.GATE.clear()
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
    page.evaluate("window.inpainting.inside('attending')")  # as "See inside" on the Leaderboard does
    page.wait_for_selector("#inside .method[data-id=attending][aria-checked=true]")
    assert page.get_attribute("#inside .source[data-id=compare]", "aria-checked") == "true"
    page.evaluate("window.inpainting.inside('filling')")
    page.wait_for_selector("#inside .method[data-id=filling][aria-checked=true]")
    run(page)
    page.evaluate("document.querySelector('#inside .curve').scrollIntoView()")
    assert page.locator("#inside .scrub").bounding_box()["y"] >= -1  # the scrubber stays in view


def playhead(page):
    return float(page.get_attribute("#inside .playhead", "x1"))


def test_a_run_is_followed_on_its_schedule_with_replacement_beside_it(visit):
    page = visit("?t=inside&img=chelsea&m=repaint")
    page.wait_for_selector("#inside .schedule .line.other", state="attached")
    assert page.locator("#inside .schedule .dot").count() == 0  # the schedule is there before any moment is
    assert page.locator("#inside .keys").inner_text().split("\n") == [
        "RePaint, 57 network calls",
        "Replacement, 15 network calls",
    ]
    run(page)
    page.wait_for_function(
        "document.querySelector('#inside .count').textContent === '42 of 43'"
    )  # input, 40 moments, result, and what detail does to it
    titles = page.locator("#inside .pair figcaption strong").all_inner_texts()
    assert titles == ["What was there before it was masked", "RePaint's fill", "Replacement's fill"]
    assert page.locator("#inside .schedule .dot").count() == 40
    end = playhead(page)
    page.click("#inside .kinds [data-kind=noisy]")
    assert count(page) == "2 of 43"
    assert "step 1 of 99" in page.inner_text("#inside .schedule .number")
    first = playhead(page)
    for _ in range(7):
        page.keyboard.press(".")
    assert first < playhead(page) < end
    titles = page.locator("#inside .pair figcaption strong").all_inner_texts()
    assert titles[0].startswith(("Noisy state at timestep ", "Jumped back to timestep "))
    assert [title.split(":")[0] for title in titles[1:]] == ["RePaint", "Replacement"]
    shown = [page.get_attribute(f"#inside .{side} img", "src") for side in ("extra", "left", "right")]
    assert len(set(shown)) == 3
    box = page.locator("#inside .schedule svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 13, box["y"] + 60)
    assert count(page) == "41 of 43"
    page.click("#inside .beside [data-id=original]")
    assert page.locator("#inside .right strong").inner_text() == "What was there before it was masked"
    page.click("#inside .kinds [data-kind=input]")
    assert page.locator("#inside .pair figure").count() == 2
    page.click("#inside .beside [data-id=auto]")
    page.click("#inside .kinds [data-kind=enlarged]")
    titles = page.locator("#inside .pair figcaption strong").all_inner_texts()
    assert [title.split(" ")[:2] for title in titles] == [["The", "fill"], ["Detail", "from"]]
    assert count(page) == "43 of 43"


def test_the_papers_run_says_its_price_shows_moments_and_can_be_stopped(visit):
    page = visit("?t=inside&img=chelsea&m=repaint", width=390)
    page.click("#inside .preset[data-id=paper]")
    page.wait_for_selector("#inside .preset[data-id=paper][aria-checked=true]")
    assert "2,660 calls" in page.inner_text("#inside .preset[data-id=paper]")
    assert "4,570 steps" in page.inner_text("#inside .schedule .number")
    assert page.evaluate("location.search") == "?t=inside&img=chelsea&m=repaint&o=repaint.preset:paper"
    run(page, "running")
    page.wait_for_selector("#inside .schedule .dot", state="attached")
    page.click("#inside-stop")
    page.wait_for_selector("#inside .widget[data-state=stopped]")
    assert page.locator("#inside .schedule .dot").count() >= 1  # what has come stays
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    extra, left, right = (
        page.locator(f"#inside .{side} .stage").bounding_box() for side in ("extra", "left", "right")
    )
    assert left["x"] + left["width"] <= right["x"]
    assert extra["y"] >= left["y"] + left["height"]

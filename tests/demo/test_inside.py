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

from demo.actions import inside
from demo.app import launch_options, make
from demo.server.explanation import MOST_FRAMES, Explanation, ask, price_of_explanation
from demo.server.inspection import Inspection
from demo.server.jobs import Runner
from demo.server.pictures import open_picture
from demo.server.store import Store
from demo.server.visit import App, Session
from demo.views import inside as view
from inpainters import costs, registry
from inpainters.base import Frame, Inpainter, InpaintRequest
from inpainters.errors import InputError
from inpainters.methods.diffusion import schedules
from inpainters.methods.diffusion.base import MOMENTS

SIZE = (80, 120)
HOLE = (slice(20, 60), slice(40, 80))


def load_harness():
    spec = importlib.util.spec_from_file_location(
        "harness_inside", Path(__file__).with_name("harness_inside.py")
    )
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
    assert [shot.name for shot in job.shots] == [
        "input",
        *(f"mask/{n}" for n in range(1, 7)),
        "coarse",
        "refined",
        "result",
    ]
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
    row, column = (
        rows.min() // 4,
        int(columns.mean()) // 4,
    )  # the hole's first row: its source is the row above
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
    recent, visit = deque(maxlen=1), Inspection(app.store, "attending")
    inside.take_pick(visit, None, {"source": "coffee"})
    other = explained(app, "attending")
    recent.append(other)
    inside.start_explanation(app, visit, recent)
    assert not any(shot.origin for shot in other.shots)
    first = visit.job
    deadline = time.monotonic() + 60
    while not first.final and time.monotonic() < deadline:
        time.sleep(0.01)
    shot = next(shot for shot in first.shots if shot.origin)
    at = [
        int(share * length) for share, length in zip(view.inside(app, visit)["hole"], shot.size, strict=True)
    ]
    asked = ask(first, shot.name, *at)["src"].removeprefix("pic/")
    assert app.store.path(asked)
    inside.start_explanation(app, visit, recent)
    assert app.store.path(first.shots[0].token) is None
    assert app.store.path(asked) is None
    visit.close()


def test_values_name_methods_reasons_and_the_hole_from_compare(app, photo):
    session, visit = Session(app.store), Inspection(app.store)
    assert view.inside(app, visit, session)["sources"][0]["id"] == "coffee"
    session.begin(open_picture(app.store, photo, "photo.png"))
    value = view.inside(app, visit, session)
    assert value["sources"][0] | {"src": ""} == {
        "id": "compare",
        "title": "Hole from Compare: photo.png",
        "src": "",
        "why": "Paint a hole in Compare first.",
    }
    assert [(one["id"], bool(one["why"])) for one in value["methods"]] == [
        (name, name == "weightless") for name in HARNESS.CLASSES
    ]
    with pytest.raises(InputError, match="nothing inside"):
        inside.take_pick(visit, session, {"method": "telea"})
    with pytest.raises(InputError, match="did you mean 'coffee'"):
        inside.take_pick(visit, session, {"source": "cofee"})
    inside.take_pick(visit, session, {"method": "weightless"})
    assert view.inside(app, visit)["why"] == HARNESS.WHY
    with pytest.raises(InputError, match="needs weights"):
        inside.start_explanation(app, visit, deque(maxlen=1))


def test_another_picture_under_the_same_hole_and_its_sketch_are_taken_from_compare(app, photo, tmp_path):
    session, visit = Session(app.store), Inspection(app.store)
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
    drawn = inside.start_explanation(app, visit, deque(maxlen=1)).jobs[0].guide
    assert np.argwhere(drawn).tolist() == [[30, column] for column in range(40, 80)]
    visit.close()


def test_every_method_that_explains_says_so_in_its_row():
    for spec in registry.METHODS.values():
        if spec.target and all(importlib.util.find_spec(package) for package in spec.requires):
            module, _, name = spec.target.partition(":")
            own = getattr(importlib.import_module(module), name).frames is not Inpainter.frames
            assert own == spec.explains, f"{spec.name}: explains must be {own}"


def test_the_schedule_is_known_before_the_run_and_is_the_walk(app):
    visit = Inspection(app.store, "repaint")
    inside.take_pick(visit, None, {"source": "chelsea"})
    for preset, steps, calls in (("preview", 105, 65), ("paper", 4570, 2410)):
        inside.take_pick(visit, None, {"preset": preset})
        drawn = view.inside(app, visit)["schedule"]
        own, beside = drawn["lines"]
        assert (drawn["steps"], own["calls"], len(own["points"]) < 500) == (steps, calls, True)
        chosen = schedules.SCHEDULES["repaint"].presets[preset]
        assert beside == {"title": "Replacement", "calls": chosen.steps, "points": beside["points"]}
        # Each level stands `1000 // steps` timesteps above the one below; the clean picture is 0.
        stride = 1000 // chosen.steps
        walked = [(to * stride + 1 if to >= 0 else 0) for _, to in schedules.walk("repaint", chosen)]
        places, timesteps = zip(*own["points"], strict=True)
        assert np.array_equal(np.interp(range(1, steps + 1), places, timesteps).round(6), walked)
        assert own["points"][0] == [0, (chosen.steps - 1) * stride + 1]
        places, timesteps = zip(*beside["points"], strict=True)
        straight = [level * stride + 1 for level in range(chosen.steps - 2, -1, -1)] + [0]
        assert np.array_equal(np.interp(range(1, chosen.steps + 1), places, timesteps).round(6), straight)
    inside.take_pick(visit, None, {"method": "filling"})
    assert view.inside(app, visit)["schedule"] is None
    visit.close()


def test_presets_say_what_they_cost_and_travel_in_the_link(app):
    visit = Inspection(app.store, "repaint")
    inside.take_pick(visit, None, {"source": "chelsea"})
    shown = view.inside(app, visit)
    assert [one["id"] for one in shown["presets"]] == ["preview", "balanced", "paper"]
    assert [one["costs"][0] for one in shown["presets"]] == [
        "90 calls",
        "560 calls",
        "2,660 calls",
    ]  # replacement's among them
    assert shown["run"] == f"Run · {shown['presets'][0]['costs'][1]}"
    assert "o=" not in shown["query"]
    inside.take_pick(visit, None, {"preset": "balanced"})
    shown = view.inside(app, visit)
    assert (shown["preset"], shown["run"]) == ("balanced", f"Run · {shown['presets'][1]['costs'][1]}")
    asked = dict(part.split("=") for part in shown["query"][1:].split("&"))
    other = Inspection(app.store)
    inside.restore_inspection(other, asked)
    assert (other.method, other.preset, other.source) == ("repaint", "balanced", "chelsea")
    job = inside.start_explanation(app, other, deque(maxlen=1)).jobs[0]
    assert job.options == {"preset": "balanced"}
    with pytest.raises(InputError, match="did you mean 'paper'"):
        inside.take_pick(visit, None, {"preset": "papr"})
    inside.take_pick(visit, None, {"method": "replacement"})
    assert view.inside(app, visit)["preset"] == "preview"
    inside.take_pick(visit, None, {"method": "filling"})
    assert view.inside(app, visit)["presets"] == []
    with pytest.raises(InputError, match="has no presets"):
        inside.take_pick(visit, None, {"preset": "paper"})
    for one in (visit, other):
        one.close()


def test_the_price_is_that_of_the_window_that_is_explained():
    spec, mask = registry.METHODS["repaint"], np.zeros((900, 900), bool)
    mask[400:460, 400:460] = True
    alone = price_of_explanation(spec, mask, {"preset": "balanced"})
    mask[20:30, 20:30] = True
    assert price_of_explanation(spec, mask, {"preset": "balanced"}) == alone
    assert alone[0] == spec.network_calls({"preset": "balanced"}) + 100
    assert price_of_explanation(spec, np.zeros_like(mask), {})[1] == 0


def test_estimates_learn_from_explanations(app):
    costs.forget()
    expected = price_of_explanation(registry.METHODS["repaint"], request().mask, {})[1]
    job = explained(app, "repaint")
    learned = price_of_explanation(registry.METHODS["repaint"], request().mask, {})[1]
    costs.forget()
    assert learned == pytest.approx(job.result.seconds)
    assert learned != expected
    job.close()


def test_a_run_with_a_schedule_is_kept_whole_with_the_other_method_beside_it(app):
    job = explained(app, "repaint")
    kinds = [shot.name.split("/")[0] for shot in job.shots]
    assert kinds == ["input", *["noisy", "clean", "replacement"] * MOMENTS, "replacement", "result"]
    places = [int(shot.name.split("/")[1]) for shot in job.shots if shot.name.startswith("noisy/")]
    assert (places[0], places[-1]) == (1, 105)
    course = schedules.passed("repaint", {"preset": "preview"})
    assert [shot.value for shot in job.shots if shot.name.startswith("noisy/")] == [
        course[place] for place in places
    ]
    images = {shot.name: app.store.image(shot.token) for shot in job.shots}
    assert np.array_equal(images["replacement/result"][~job.hole], images["result"][~job.hole])
    assert (images["replacement/result"][job.hole] != images["result"][job.hole]).any()
    job.close()


def test_what_was_there_is_seen_when_the_window_was_shrunk_as_well(app):
    mask = np.zeros((300, 400), bool)
    mask[80:220, 120:280] = True
    image = np.full((300, 400, 3), (200, 120, 40), np.uint8)
    job = Explanation("repaint", store=app.store)
    app.runner.run(image, mask, job)
    original = app.store.image(job.original)
    assert original.shape == job.seen.shape
    assert original.shape[0] < 300
    assert (original == (200, 120, 40)).all()
    job.close()


# ---- the page ------------------------------------------------------------------------------------


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


def playhead(page):
    return float(page.get_attribute("#inside .playhead", "x1"))


def test_a_run_is_followed_on_its_schedule_with_replacement_beside_it(visit):
    page = visit("?t=inside&img=chelsea&m=repaint")
    page.wait_for_selector("#inside .schedule .line.other", state="attached")
    assert page.locator("#inside .schedule .dot").count() == 0  # the schedule is there before any moment is
    assert page.locator("#inside .keys").inner_text().split("\n") == [
        "RePaint, 65 network calls",
        "Replacement, 25 network calls",
    ]
    run(page)
    page.wait_for_function(
        "document.querySelector('#inside .count').textContent === '42 of 42'"
    )  # input, 40 moments, result
    titles = page.locator("#inside .pair figcaption strong").all_inner_texts()
    assert titles == ["What was there before it was masked", "RePaint's fill", "Replacement's fill"]
    assert page.locator("#inside .schedule .dot").count() == 40
    end = playhead(page)
    page.click("#inside .kinds [data-kind=noisy]")
    assert count(page) == "2 of 42"
    assert "step 1 of 105" in page.inner_text("#inside .schedule .number")
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
    assert count(page) == "41 of 42"
    page.click("#inside .beside [data-id=original]")
    assert page.locator("#inside .right strong").inner_text() == "What was there before it was masked"
    page.click("#inside .kinds [data-kind=input]")
    assert page.locator("#inside .pair figure").count() == 2


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

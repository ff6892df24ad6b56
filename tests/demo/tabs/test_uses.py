"""The Uses tab in a real browser: each use with its drawn example, from the first press to its result."""

import base64
import os
import time
import zipfile
from contextlib import contextmanager
from datetime import timedelta

import gradio as gr
import numpy as np
import pytest
from gradio.state_holder import SessionState

from demo.app import _still_open, launch_options, make
from demo.server import clips, drawn_clip, new_view
from demo.server.use_visit import UseVisit
from demo.server.visit import Session
from demo.tabs.uses import shared
from demo.widgets.staying import keep_open
from inpainters.imaging import encode_png, save_png


@pytest.fixture(scope="module")
def page(chromium):
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with pytest.MonkeyPatch.context() as patch:
        for module in (drawn_clip, clips):
            patch.setattr(module, "DRAWN_COUNT", 12)
        patch.setattr(new_view, "FILM_FRAMES", 8)
        drawn_clip.drawn_clip.cache_clear()
        blocks, app = make()
        _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
        page = chromium.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(120_000)
        trouble = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"{url}?t=uses")
        yield page
        page.close()
        blocks.close()
        app.runner.close()
        app.store.close()
    drawn_clip.drawn_clip.cache_clear()
    assert trouble == []


FILMS = """() => [...document.querySelectorAll('#uses-player video:not([hidden])')]
    .map((film) => ({ready: film.readyState, at: film.currentTime, paused: film.paused}))"""


def test_the_example_runs_and_its_result_plays_beside_the_original(page):
    page.wait_for_selector("#uses-run:not([disabled])")
    assert page.inner_text("#uses-run").startswith("Run 12 frames")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.focus("#uses-editor .ed-stage")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#uses-player .widget[data-state=done]")
    page.wait_for_function(f"({FILMS})().length === 2 && ({FILMS})().every((film) => film.ready >= 3)")
    first = page.evaluate(FILMS)
    page.wait_for_function(f"(at) => ({FILMS})().every((film) => film.at !== at)", arg=first[0]["at"])
    if not page.evaluate(FILMS)[1]["paused"]:
        page.focus("#uses-player .play")
        page.keyboard.press("p")
    page.fill("#uses-player input[type=range]", "4")
    page.keyboard.press(".")
    page.wait_for_function("document.querySelector('#uses-player .count').textContent === '6 of 12'")
    page.check("#uses-player .tracked input")
    page.wait_for_function(
        f"({FILMS})().length === 3 && ({FILMS})().every((film) => Math.abs(film.at - 5.5 / 16) < 0.05)"
    )
    assert "Warping error" in page.inner_text("#uses-player .said")
    assert page.get_attribute("#uses-player .download", "href").endswith(".webm?name=without.webm")


def test_another_mask_makes_the_result_stale(page):
    page.focus("#uses-editor .ed-stage")
    page.keyboard.press("i")
    page.wait_for_selector("text=Mask or method changed since this run.")
    page.keyboard.press("Control+z")
    page.wait_for_selector("text=Mask or method changed since this run.", state="hidden")


def test_a_page_that_is_open_keeps_its_visits(store):
    """By Gradio's own clock a visit has ended an hour after it was last set: what the page tells sets it."""
    visit = UseVisit(store)
    with gr.Blocks() as blocks:
        states = [shared.closing_state()]
        keep_open(states)
    (tick,) = blocks.fns.values()
    kept, (state,) = SessionState(blocks), states
    kept[state._id] = visit
    seconds, then = kept._state_ttl[state._id]
    kept._state_ttl[state._id] = seconds, then - timedelta(hours=2)
    assert [over for _, _, over in kept.state_components] == [True]
    (kept[state._id],) = tick.fn(visit)
    assert [(one, over) for _, one, over in kept.state_components] == [(visit, False)]
    assert tick.targets[0][1] == "tick"
    assert tick.queue is False
    assert tick.inputs == tick.outputs == states
    assert next(one for one in blocks.blocks.values() if isinstance(one, gr.Timer)).value < 600
    assert tick.fn(None) == [gr.skip()]
    session = Session(store)
    session.seen = 0.0
    assert _still_open(session) == [session]
    assert time.time() - session.seen < 60  # else Compare's visits would end it all the same


@contextmanager
def touched(page):
    """The page is on a screen where nothing can be pointed at without touching it."""
    telephone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    tools = page.context.new_cdp_session(page)
    tools.send("Emulation.setDeviceMetricsOverride", telephone)
    tools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield
    tools.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    tools.send("Emulation.setDeviceMetricsOverride", telephone | {"mobile": False})


def use(page, name):
    """Brings a use into view, which stands in the address."""
    page.click(f"#uses-nav [data-use={name}]")
    assert f"use={name}" in page.url
    assert page.is_visible(f"#uses-part-{name}")


def test_a_drawn_scene_is_seen_from_beside(page):
    use(page, "view")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.wait_for_selector("#uses-view-run:not([disabled])")
    page.focus("#uses-view-right input[type=range]")
    page.keyboard.press("ArrowLeft")
    page.click("#uses-view-run")
    film = "document.querySelector('#uses-view-film video')"
    page.wait_for_function(f"{film}?.readyState >= 3")
    assert page.evaluate(f"{film}.videoWidth") == 540
    titles = page.eval_on_selector_all(
        "#uses-view-panes .title", "nodes => nodes.map((one) => one.textContent)"
    )
    assert titles[:2] == ["Before", "Depth, white is near"]
    assert titles[2].startswith("What came out, ")
    page.go_back()
    assert page.is_visible("#uses-part-clip")


DROP = """([selector, ...names]) => {
    const files = [];
    for (const name of names) {
        const bytes = Uint8Array.from(atob(window.png), (one) => one.charCodeAt(0));
        const file = new File([bytes], name, {type: 'image/png'});
        if (name.startsWith('vast')) Object.defineProperty(file, 'size', {value: 80e6});
        files.push(file);
    }
    const event = new DragEvent('drop', {bubbles: true, cancelable: true});
    Object.defineProperty(event, 'dataTransfer', {value: {types: ['Files'], files}});
    document.querySelector(selector).dispatchEvent(event);
}"""


def test_a_depth_map_goes_where_it_is_dropped_and_what_is_left_out_is_said(page):
    use(page, "view")
    grey = np.zeros((48, 64, 3), np.uint8)
    grey[:, :30] = 200
    png = base64.b64encode(encode_png(grey)).decode()
    page.evaluate("(png) => { window.png = png; }", png)
    note = "#uses-view-files .note"
    page.evaluate(DROP, [note, "a.png", "deep.png"])
    page.wait_for_selector(f"{note} >> text=Now upload its depth map")
    assert page.inner_text(note).endswith("Left out, as one file is taken at a time: deep.png.")
    page.evaluate(DROP, ["#uses-view-files .take[data-kind=depth] input", "deep.png"])
    page.wait_for_selector("#uses-view-run:not([disabled])")
    assert page.get_attribute("#uses-view-panes .pane[data-id=depth]", "data-state") == "done"
    assert page.inner_text(note) == ""
    page.evaluate(DROP, [note, "vast.png"])
    page.wait_for_selector(f"{note} >> text=Not uploaded, as over 72 MB or broken off: vast.png.")


def test_photographs_are_dropped_with_their_masks_and_filled_into_a_zip(page, tmp_path):
    use(page, "folder")
    page.wait_for_selector("#uses-folder-run >> text=Fill 3 photographs")
    picture, mask = np.full((48, 64, 3), 90, np.uint8), np.zeros((48, 64), bool)
    mask[10:20, 10:30] = True
    for name, one in {"a": picture, "b": picture, "c": picture, "a_mask": mask, "b_mask": mask}.items():
        save_png(tmp_path / f"{name}.png", one)
    files = sorted(map(str, tmp_path.iterdir()))
    page.set_input_files("#uses-folder-files input >> nth=0", files)
    page.wait_for_selector("#uses-folder-files >> text=3 photographs, 2 with a mask.")
    page.evaluate(DROP, ["#uses-folder-files .note", "vast.png", "deep.png"])
    page.wait_for_selector("#uses-folder-files >> text=4 photographs, 2 with a mask.")
    assert "over 72 MB or broken off: vast.png" in page.inner_text("#uses-folder-files .note")
    page.click("#uses-folder-sheet [aria-label='Remove deep.png']")
    page.wait_for_selector("#uses-folder-sheet .card >> nth=3", state="detached")
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove c.png"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("#uses-folder-run")
    page.wait_for_selector("#uses-folder-sheet .card[data-state=done] >> nth=1")
    assert "It has no mask" in page.inner_text("#uses-folder-sheet .card[data-state=lacking]")
    with page.expect_download() as saved:
        page.click("#uses-folder-zip")
    with zipfile.ZipFile(saved.value.path()) as packed:
        assert {"filled/a.png", "filled/b.png", "manifest.json"} < {*packed.namelist()}
    shown = "getComputedStyle(document.querySelector('#uses-folder-sheet .after')).opacity"
    peek = "#uses-folder-sheet .card >> nth=0 >> .peek"
    assert not page.is_visible(peek)
    with touched(page):
        page.click(peek)
        assert page.get_attribute(peek, "aria-pressed") == "true"
        assert page.evaluate(shown) == "0"
        page.click(peek)
        assert page.evaluate(shown) == "1"
    page.focus("#uses-folder-sheet .card >> nth=1 >> .remove")
    page.keyboard.press("Enter")
    page.wait_for_selector("#uses-folder-files >> text=2 photographs, 1 with a mask.")
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove c.png"
    page.click("#uses-folder-sheet .clear")
    page.wait_for_selector("#uses-folder-sheet .nothing")
    assert page.evaluate("document.activeElement.className") == "nothing"


def test_the_example_of_a_larger_dataset_is_there(page):
    use(page, "dataset")
    page.wait_for_function("""() => {
        const shown = [...document.querySelectorAll('#uses-dataset-pictures img')];
        return shown.length === 5 && shown.every((one) => one.naturalWidth === 300);
    }""")
    assert page.input_value("#uses-dataset-command textarea").startswith("python -m inpainters augment")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_an_old_photograph_is_mended_and_opens_in_compare_with_its_marks(page):
    use(page, "photo")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.wait_for_selector("#uses-photo-run:not([disabled])")
    page.wait_for_selector("#uses-photo-files >> text=Scratches and dust found")
    page.focus("#uses-photo-files .sample")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#uses-photo-download:not([disabled])")
    assert page.get_attribute("#uses-photo-panes .pane[data-id=fill]", "data-state") == "done"
    with page.expect_download() as saved:
        page.click("#uses-photo-download")
    assert saved.value.suggested_filename == "Old photograph-mended.png"
    page.click("#uses-old")
    page.wait_for_selector("#tab-compare-button[aria-selected=true]")
    page.wait_for_selector("#compare-editor >> text=Scratches and dust found and masked")
    page.wait_for_function("Number(document.querySelector('#compare-editor .widget').dataset.count) > 1000")
    assert (
        page.inner_text("#compare-picker [aria-checked=true], #compare-picker [aria-pressed=true]")
        == "Restore"
    )
    page.click("#compare-editor .ed-find >> text=Text")
    page.wait_for_selector("#compare-editor >> text=No text found")

"""The Benchmark tab in a real browser: choose, start, load the page anew, see the table and its pictures."""

import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from demo.app import RESULTS, launch_options, make
from demo.server import own_runs
from demo.server.filled import MethodFilled
from demo.server.own_runs import ENDED_EARLY, OwnRun, RunAsked
from demo.tabs import benchmark as tab
from demo.tabs.leaderboard import HAND_JS
from demo.widgets.events import download_js
from inpainters.errors import InputError

FEW = """import sys
from benchmark.__main__ import main
sys.exit(main([*sys.argv[1:], "--masks", "object", "--bins", "40-50"]))
"""
"""The command over one column in place of twelve."""


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tab, "RESTS", 1.0)
        yield make(RESULTS)


@pytest.fixture(scope="module")
def runs(app: Any) -> Any:
    return app[1].own_runs


@pytest.fixture(scope="module")
def page(chromium: Any, app: Any) -> Iterator[Any]:
    blocks, app = app
    app.own_runs.command = (sys.executable, "-c", FEW)
    _, url, _ = blocks.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(app)
    )
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(240_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{url.rstrip('/')}/?__theme=light&t=benchmark")
    page.wait_for_selector("#benchmark-table td button")
    yield page
    page.close()
    blocks.close()
    app.own_runs.close()
    app.runner.close()
    app.store.close()
    assert complaints == []


def test_after_the_limit_of_a_folder_fewer_pictures_are_offered(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = OwnRun(RunAsked("quick", ("telea",), 8), "payer", RESULTS, ENDED_EARLY, "Too large.")
    with gr.Blocks():
        made = tab.BenchmarkTab(app[1])
    seen = []
    for outgrown, filled in ((True, 6), (True, 0), (False, 6)):
        run.outgrown = outgrown
        found = [MethodFilled("telea", filled, 12, {}, 0.1, {}, 1.0)]
        monkeypatch.setattr(tab, "read_filled", lambda folder, known, found=found: found)
        live = dict(zip(made.live, made._live("a" * 24, run), strict=True))
        button, told = live[made.go_on], live[made.status]
        seen.append((button["visible"], button["value"], told.partition("Too large.")[2].partition(":")[0]))
    assert seen == [
        (True, "Start with 4 pictures", " 4 pictures should fit"),
        (False, "Continue", " Not even one picture fits"),
        (True, "Continue", "</p>"),
    ]


def test_results_that_cannot_be_read_are_a_sentence(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*given: Any) -> None:
        raise InputError("'quick/scores.parquet' is <damaged>.")

    with gr.Blocks():
        made = tab.BenchmarkTab(app[1])
    monkeypatch.setattr(tab.actions, "shown_results", damaged)
    shown = dict(zip(made.shown, made._shown(None, "quick"), strict=True))
    assert shown[made.note] == "<p>&#x27;quick/scores.parquet&#x27; is &lt;damaged&gt;.</p>"
    assert shown[made.table]["cols"] == []


def test_every_stop_goes_past_the_line_of_events(app: Any) -> None:
    blocks, made = app
    passing = [blocks.fns[number] for number in made.passing]
    assert {event.name for event in passing} == {"on_stop"}
    targets = {target for event in passing for target, _ in event.targets}
    stops = {number for number, one in blocks.blocks.items() if getattr(one, "value", None) == "Stop"}
    assert len(stops) == 6
    assert stops <= targets


def test_what_did_not_succeed_is_not_followed_by_what_was_asked_before(app: Any) -> None:
    scripts = HAND_JS, download_js("benchmark.zip")
    after = [event for event in app[0].fns.values() if event.js in scripts]
    assert [event.trigger_only_on_success for event in after] == [True] * 4


def choose(page: Any, *titles: str) -> None:
    ticked = page.locator("#benchmark-methods input:checked")
    while ticked.count():
        ticked.first.uncheck()
    for title in titles:
        page.locator("#benchmark-methods label", has_text=title).click()


def test_a_table_that_is_still_being_read_is_said_to_be(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read, found = threading.Event(), tab.actions.shown_results

    def slow(*given: Any) -> Any:
        read.wait(60)
        return found(*given)

    monkeypatch.setattr(tab.actions, "shown_results", slow)
    page.reload()
    try:
        page.wait_for_selector("#benchmark-note >> text=Reading the committed results")
        assert page.inner_text("#benchmark-table .widget").strip() == ""
    finally:
        read.set()
    page.wait_for_selector("#benchmark-table td button")
    assert "Reading" not in page.inner_text("#benchmark-note")


@pytest.mark.slow
def test_a_run_is_found_again_and_stands_beside_the_committed_one(page: Any, runs: Any) -> None:
    assert "Committed results of quick" in page.inner_text("#benchmark-table")
    choose(page)
    page.wait_for_selector("#benchmark-estimate >> text=Tick a method")
    assert page.is_disabled("#benchmark-start")
    choose(page, "Telea", "Mean fill")
    page.wait_for_selector("#benchmark-estimate >> text=24 holes")
    command = page.input_value("#benchmark-command textarea")
    assert command.startswith("python -m benchmark run quick --methods mean_fill,telea --n 1 ")
    page.click("#benchmark-start")
    page.wait_for_selector("#benchmark-status [data-state=running]")
    assert page.is_enabled("#benchmark-stop")
    page.reload()
    page.wait_for_selector("#benchmark-status [data-state=running], #benchmark-status [data-state=done]")
    assert page.locator("#benchmark-methods input:checked").count() == 2
    page.wait_for_selector("#benchmark-status [data-state=done]")
    page.wait_for_selector("#benchmark-table >> text=Your run; holes: Objects")
    assert page.locator("#benchmark-progress tbody tr").all_inner_texts()[1].count("1 of 1") == 1
    assert page.locator("#benchmark-table tbody tr").count() == 2
    page.wait_for_selector("#benchmark-comparison >> text=1 holes are the same")
    page.locator("#benchmark-table tr", has_text="Telea").locator("td button").first.click()
    page.wait_for_selector("#benchmark-panes img")
    own = runs.find(page.evaluate("sessionStorage.getItem('inpainting-run')"))
    assert own
    own.seen = asked = time.monotonic() - own_runs.FOUND_FOR + 60  # it would go in a minute
    page.wait_for_timeout(1000 * tab.RESTS + 1000)
    assert own.seen > asked + tab.RESTS  # the page asks, though nobody does anything
    with page.expect_download() as download:
        page.click("#benchmark-zip")
    assert "my_quick/manifest.json" in zipfile.ZipFile(download.value.path()).namelist()

"""The Leaderboard over a small made suite: values as plain data, then the tab in a real browser."""

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage

from benchmark.results import SCORE_COLUMNS, TIMING_COLUMNS
from inpainters.errors import InputError

gr = pytest.importorskip("gradio")
from demo.actions import leaderboard as actions  # noqa: E402
from demo.app import launch_options, make  # noqa: E402
from demo.server import suites  # noqa: E402
from demo.server.jobs import Runner  # noqa: E402
from demo.server.store import Store  # noqa: E402
from demo.server.suites import Figure  # noqa: E402
from demo.server.visit import App  # noqa: E402
from demo.views import leaderboard as view  # noqa: E402
from demo.views.hole import hole_panes  # noqa: E402

LEVELS = {"mean_fill": 0.40, "telea": 0.20}
BINS = ("1-10", "50-60")
CELL = ("pictures", "failed", "environment", "options", "weights", "packages")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished suite `tiny` of six photographs with pictures, and a broken one beside it."""
    root = tmp_path_factory.mktemp("results")
    folder, scores, timings = root / "tiny", [], []
    for label in BINS:
        cells = folder / "cells/sample/irregular" / label
        (cells / "_inputs").mkdir(parents=True)
        for photo in range(6):
            image_id = f"p{photo}@full"
            key = {
                "suite": "tiny",
                "dataset": "sample",
                "mask_set": "irregular",
                "bin": label,
                "image_id": image_id,
                "seed": 0,
            }
            PilImage.new("RGB", (64, 64), (200, 0, 0)).save(cells / f"_inputs/{image_id}.png")
            hole = np.zeros((64, 64), np.uint8)
            hole[16:48, 16:48] = 255
            PilImage.fromarray(hole).save(cells / f"_inputs/{image_id}.mask.png")
            for method, level in LEVELS.items():
                cell = cells / method / "default-0"
                cell.mkdir(parents=True, exist_ok=True)
                (cell / "manifest.json").write_text(
                    json.dumps({"method": method, **{name: {} for name in CELL}})
                )
                PilImage.new("RGB", (64, 64), (0, int(255 * level), 0)).save(cell / f"{image_id}.png")
                row = {**key, "method": method, "options": "{}"}
                scores.append(
                    {**row, "metric": "lpips_squeeze", "region": "hole", "value": level + photo / 100}
                )
                timings.append({**row, "seconds": level, "network_calls": 0, "peak_memory_mb": 1})
        for method in LEVELS:
            row = {**key, "image_id": "*", "method": method, "options": "{}", "region": "whole"}
            scores.append({**row, "metric": "fid_inception_tm", "reason": "weights <b>are</b> missing"})
    pd.DataFrame(scores, columns=SCORE_COLUMNS).to_csv(folder / "scores.csv", index=False)
    pd.DataFrame(timings, columns=TIMING_COLUMNS).to_csv(folder / "timings.csv", index=False)
    (folder / "manifest.json").write_text("{}")
    shutil.copytree(folder, root / "broken", ignore=shutil.ignore_patterns("cells", "timings.csv"))
    return root


def test_a_broken_suite_is_named_and_the_others_are_shown(root: Path) -> None:
    good, problems = suites.readable(root)
    assert list(good) == ["tiny"]
    assert len(problems) == 1
    assert "broken" in problems[0]


def test_a_suite_half_written_or_of_another_version_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "begun/cells").mkdir(parents=True)
    shutil.copytree(root / "tiny", tmp_path / "later", ignore=shutil.ignore_patterns("cells"))
    (tmp_path / "later/manifest.json").write_text('{"meaning": {"format": 99}}')
    good, problems = suites.readable(tmp_path)
    assert good == {}
    assert "'begun' has no scores.csv: the run is not finished" in problems[0]
    assert "'later' was written by another version" in problems[1]


def test_table_holds_means_intervals_and_reasons(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    value = view.board(results, "lpips_squeeze", "hole", ["baseline", "smoothing"])[0]
    cell = value["rows"][1]["cells"]["50-60"]
    assert cell["v"] == pytest.approx(0.225)
    assert cell["lo"] < cell["v"] < cell["hi"]
    assert cell["best"]
    assert [row["id"] for row in view.board(results, "lpips_squeeze", "hole", ["smoothing"])[0]["rows"]] == [
        "telea"
    ]
    dash = view.board(results, "fid_inception_tm", "whole", ["smoothing"])[0]["rows"][0]["cells"]["1-10"]
    assert (dash["v"], dash["why"]) == (None, "weights <b>are</b> missing")


def test_holes_are_ordered_by_the_method_that_was_clicked(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    figure = Figure("tiny", "lpips_squeeze", "hole", (), "telea", "1-10")
    worst, best, median = (
        suites.pictures_behind(results, replace(figure, sort=sort)) for sort in ("worst", "best", "median")
    )
    assert worst[0] == ("1-10", "p5@full")
    assert best == worst[::-1]
    assert median[0] in worst[2:4]
    assert len(suites.pictures_behind(results, replace(figure, label="all"))) == 12


def test_what_can_be_selected_is_what_a_suite_has(root: Path) -> None:
    found = actions.select(root, "tiny")
    assert (found.metric, found.region) == ("lpips_squeeze", "hole")
    assert (found.measured, found.lacking) == (["lpips_squeeze"], ["fid_inception_tm"])
    assert actions.select(root, "tiny", "fid_inception_tm", "hole").region == "whole"
    assert actions.families(root) == ["baseline", "smoothing"]
    with pytest.raises(InputError, match="broken"):
        actions.select(root, "broken")


def test_a_click_opens_a_figure_and_steps_go_round(root: Path) -> None:
    clicked = {"row": "telea", "col": "seconds"}
    figure = actions.open_figure("tiny", "psnr", "hole", ["baseline"], "best", clicked)
    assert (figure.entry, figure.label, figure.sort, figure.index) == ("telea", "all", "best", 0)
    point = {"cell": {"row": "telea", "col": "1-10"}}
    assert actions.open_figure("tiny", "psnr", "hole", [], "worst", point).label == "1-10"
    app = App(Store(), Runner(), root)
    figure = Figure("tiny", "lpips_squeeze", "hole", ("smoothing",), "telea", "1-10")
    try:
        first, last = hole_panes(app, figure)[0], hole_panes(app, actions.step(figure, -1))[0]
        assert (first[:11], last[:11]) == ("**1 of 6** ", "**6 of 6** ")
        assert hole_panes(app, replace(figure, index=6))[0] == first
        assert "p0" in hole_panes(app, actions.order(replace(figure, index=3), "best"))[0]
        panes = {pane["id"]: pane for pane in hole_panes(app, figure)[1]["panes"]}
        assert list(panes) == ["original", "masked", "telea"]
        assert panes["telea"]["state"] == "done"
        picture = app.store.image(panes["telea"]["src"].removeprefix("pic/"))
        assert (picture == (0, 51, 0)).all()
    finally:
        app.runner.close()
        app.store.close()


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    blocks, app = make(root)
    _, url, _ = blocks.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(app)
    )
    yield url.rstrip("/")
    blocks.close()
    app.runner.close()
    app.store.close()
    assert threading.active_count() < 200


@pytest.fixture(scope="module")
def page(address: str, chromium: Any) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/?__theme=light")
    page.get_by_role("tab", name="Leaderboard").click()
    page.wait_for_selector("#leaderboard-table td button")
    yield page
    page.close()
    assert complaints == []


def test_a_cell_opens_its_pictures_all_methods_on_the_same_hole(page: Any) -> None:
    page.locator("#leaderboard-table tr", has_text="Telea").locator("td button").nth(1).click()
    page.wait_for_selector("#leaderboard-panes .pane img[src]")
    titles = page.locator("#leaderboard-panes .grid .pane .title").all_inner_texts()
    assert titles == ["Original", "Masked", "Mean fill", "Telea"]
    assert "1 of 6" in page.locator("#leaderboard-heading").inner_text()
    assert "p5" in page.locator("#leaderboard-heading").inner_text()
    assert (
        page.locator("#leaderboard-panes .chip", has_text="lpips_squeeze").first.get_attribute("data-tip")
        is None
    )
    colour = page.evaluate(
        """async () => {
          const image = [...document.querySelectorAll('#leaderboard-panes .grid img[src]')].at(-1);
          await image.decode();
          const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
          const pen = canvas.getContext('2d');
          pen.drawImage(image, 0, 0);
          return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    assert colour == [0, 51, 0]


def test_next_hole_and_best_first(page: Any) -> None:
    page.locator("#leaderboard-forth").click()
    page.wait_for_function("document.querySelector('#leaderboard-heading').innerText.includes('2 of 6')")
    page.get_by_label("Best first").click()
    page.wait_for_function("document.querySelector('#leaderboard-heading').innerText.includes('p0')")


def test_another_metric_shows_dashes_with_their_reason_as_text(page: Any) -> None:
    page.locator("#leaderboard-metric input").click()
    page.get_by_role("option", name="not computed").first.click()
    dash = page.locator("#leaderboard-table tbody td button", has_text="–").first
    dash.hover()
    tip = page.locator("[role=tooltip]", has_text="weights <b>are</b> missing")
    tip.wait_for()
    assert tip.locator("b").count() == 0

"""The table of a small made suite."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.report.column import TableFigure
from demo.app import RESULTS
from demo.server import suites
from demo.server.jobs import Runner
from demo.server.store import Store
from demo.server.suites import Figure
from demo.server.visit import App
from demo.views import leaderboard as view
from demo.views.hole import hole_panes
from inpainters.families import FAMILIES
from inpainters.registry import METHODS


def test_table_holds_means_intervals_and_reasons(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    value = view.board(results, "lpips_squeeze", "hole", ["baseline", "smoothing"])[0]
    assert [row["id"] for row in value["rows"]] == ["telea", "mean_fill"]  # the best first
    assert value["caption"] == "LPIPS (SqueezeNet 1.1) inside the hole, lower is better"
    cell = value["rows"][0]["cells"]["50-60"]
    assert cell["v"] == pytest.approx(0.295)
    assert cell["lo"] < cell["v"] < cell["hi"]
    assert cell["best"]
    assert [row["id"] for row in view.board(results, "lpips_squeeze", "hole", ["smoothing"])[0]["rows"]] == [
        "telea"
    ]
    bare = view.board(results, "fid_inception_tm", "whole", ["baseline", "smoothing"])[0]
    assert bare["rows"] == []
    assert bare["lacking"].startswith(
        "No figures for any method: weights <b>are</b> missing. Not run in this "
    )
    assert "FSR" in bare["lacking"]
    assert "PatchMatch" not in bare["lacking"]  # of a family that is not in view


def test_methods_without_figures_are_one_line(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    cells = suites.cells_of(results, "lpips_squeeze", "hole")
    levels = {f"m{i}": i / 10 for i in range(7)}
    made = {
        (name, label): replace(cells["telea", label], value=replace(cells["telea", label].value, mean=level))
        for name, level in levels.items()
        for label in ("1-10", "50-60", "all")
    }
    made["m0", "all"] = replace(made["m0", "all"], apart=True)
    for name, why in (("m2", "too slow"), ("m3", "no weights."), ("m4", "too slow")):
        made |= {(name, label): replace(made[name, label], reason=why) for label in ("1-10", "50-60", "all")}
    order = view.best_first(list(levels), made, "lpips_squeeze")
    assert order == ["m1", "m5", "m6", "m0", "m2", "m3", "m4"]
    heads = {name: {"id": name, "title": name.upper(), "family": "patch"} for name in order}
    board = view.Board(results, "lpips_squeeze", "hole", heads, made, ["1-10", "50-60"], {}, [])
    table = view.figures_table(board)
    assert [row["id"] for row in table["rows"]] == ["m1", "m5", "m6", "m0"]
    assert table["lacking"] == "No figures: M2, M4 (too slow); M3 (no weights)."


def test_the_best_five_of_enough_photographs_lead_each_in_its_own_colour(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    made = suites.cells_of(results, "lpips_squeeze", "hole")
    names = [
        "mean_fill",
        "few",
        *(f"e{i}" for i in range(6)),
    ]  # the best first: a trivial one, and one of few

    def level(name: str, label: str) -> TableFigure:
        value = made["telea", label].value
        photographs = 1 if name == "few" else 4
        return replace(
            made["telea", label],
            value=replace(value, mean=float(names.index(name)), photographs=photographs),
            apart=name == "e0",
        )

    heads = {name: {"id": name, "title": name, "family": "patch"} for name in names}
    cells = {(name, label): level(name, label) for name in names for label in ("1-10", "50-60", "all")}
    board = view.Board(results, "lpips_squeeze", "hole", heads, cells, ["1-10", "50-60"], {}, [])
    found = {one["id"]: one["lead"] for one in view.by_ratio(board)["series"]}
    assert found == {"mean_fill": 0, "few": 0, "e0": 1, "e1": 2, "e2": 3, "e3": 4, "e4": 5, "e5": 0}


def test_holes_of_two_kinds_share_no_table(two_kinds: Path) -> None:
    found = {}
    for kind in ("irregular", "object"):
        results = suites.open_suite(two_kinds, "tiny", kind)
        table, by_ratio, by_seconds, _ = view.board(
            results, "lpips_squeeze", "hole", ["baseline", "smoothing"]
        )
        cells = {row["id"]: row["cells"] for row in table["rows"]}
        assert cells["telea"]["all"]["n"] == 20
        assert [len(line["pts"]) for line in by_ratio["series"]] == [2, 2]
        best = [entry for entry in cells if cells[entry]["all"]["best"]]
        (point,) = (line["pts"][0] for line in by_seconds["series"] if line["id"] == "telea")
        found[kind] = best, pytest.approx(cells["telea"]["all"]["v"]), pytest.approx(point["x"])
    assert found == {"irregular": (["telea"], 0.295, 0.2), "object": (["mean_fill"], 0.795, 2.0)}


def test_a_single_bin_has_no_column_beside_that_of_all() -> None:
    for suite, mask_set, wanted in (("center_box", "", ["all"]), ("quick", "object", None)):
        results = suites.open_suite(RESULTS, suite, mask_set)
        table = view.board(results, "lpips_squeeze", "hole", list(FAMILIES))[0]
        columns = [one["id"] for one in table["cols"] if one["id"] != "seconds"]
        assert columns == (wanted or [*columns[:-1], "all"])
        assert len(columns) == (1 if wanted else 7)
        chart = view.board(results, "lpips_squeeze", "hole", list(FAMILIES))[1]
        assert bool(chart["series"]) != bool(wanted)
        assert (chart["note"] == view.ONE_COLUMN) == bool(wanted)


def test_a_suite_of_a_paper_says_which() -> None:
    def whose(name: str) -> str:
        return view.note(suites.open_suite(RESULTS, name), "psnr").rpartition("\n\n")[0]

    assert whose("lama_wide").startswith("Few wide strokes and large boxes, as LaMa's authors draw them. Suv")
    assert "Pathak" in whose("center_box")
    assert whose("quick") == ""


def test_methods_that_changed_since_they_were_measured_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    results = suites.open_suite(RESULTS, "quick")
    measured = {
        name: replace(spec, version=results.manifest.meaning.methods[name].version)
        for name, spec in METHODS.items()
        if name in results.manifest.meaning.methods
    }
    monkeypatch.setattr(view, "METHODS", measured)
    assert view.outdated(results) == ""
    monkeypatch.setitem(measured, "telea", replace(measured["telea"], version="99"))
    assert view.outdated(results) == "Measured before their latest version: Telea."
    assert "latest version: Telea." in view.note(results, "lpips_squeeze")


def test_the_two_that_are_compared_stand_before_the_others() -> None:
    app = App(Store(), Runner(), RESULTS)
    try:
        figure = Figure("quick", "lpips_squeeze", "hole", tuple(FAMILIES), "pen_net", "20-30", rival="lama")
        heading, shown = hole_panes(app, figure)
        assert "how much worse PEN-Net does than LaMa" in heading
        assert [pane["id"] for pane in shown["panes"]][:4] == ["original", "masked", "pen_net", "lama"]
    finally:
        app.runner.close()
        app.store.close()

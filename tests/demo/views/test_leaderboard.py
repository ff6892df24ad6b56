"""The table of a small made suite."""

from pathlib import Path

import pytest

from demo.server import suites
from demo.views import leaderboard as view


def test_table_holds_means_intervals_and_reasons(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    value = view.board(results, "lpips_squeeze", "hole", ["baseline", "smoothing"])[0]
    cell = value["rows"][1]["cells"]["50-60"]
    assert cell["v"] == pytest.approx(0.295)
    assert cell["lo"] < cell["v"] < cell["hi"]
    assert cell["best"]
    assert [row["id"] for row in view.board(results, "lpips_squeeze", "hole", ["smoothing"])[0]["rows"]] == [
        "telea"
    ]
    dash = view.board(results, "fid_inception_tm", "whole", ["smoothing"])[0]["rows"][0]["cells"]["1-10"]
    assert (dash["v"], dash["why"]) == (None, "weights <b>are</b> missing")


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

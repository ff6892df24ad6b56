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

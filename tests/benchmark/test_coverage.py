"""Intervals and tests err as rarely as they claim, on real scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark import results
from benchmark.report.summary import column_of
from benchmark.studies import coverage
from benchmark.studies.coverage import Population

RESULTS = Path(__file__).parents[2] / "results"
SIZES = (5, 20, 86)
HELD = (0.93, 0.97)
"""What coverage may be on average."""
ERRORS = 0.06
"""What the type I error may be on average."""


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """A small simulation: three columns, and differences, of the committed photographs."""
    if not (RESULTS / "photos" / "scores.parquet").is_file():
        pytest.skip("the photos suite is not committed")
    found = results.load(RESULTS / "photos").part("irregular")
    wanted = {("psnr", "hole"), ("l1", "hole"), ("lpips_squeeze", "whole")}
    names = {"telea", "patchmatch", "gated_conv"}

    def keep(one: Population) -> bool:
        return (one.metric, one.region) in wanted and (one.paired or one.name in names)

    return coverage.simulate(found, SIZES, draws=300, keep=keep)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say(rows: pd.DataFrame, size: int) -> None:
    chosen = rows[rows["n"] == size]
    assert HELD[0] <= chosen["coverage"].mean() <= HELD[1]


@pytest.mark.parametrize("size", SIZES)
def test_tests_find_no_difference_where_there_is_none(rows: pd.DataFrame, size: int) -> None:
    chosen = rows[rows["paired"] & (rows["n"] == size)]
    assert chosen["type I error"].mean() <= ERRORS


def test_the_percentile_bootstrap_would_fail_the_same_check(rows: pd.DataFrame) -> None:
    assert rows.loc[rows["n"] == 5, "bootstrap"].mean() < HELD[0]


@pytest.mark.slow
def test_holes_of_one_photograph_are_one_value() -> None:
    found = results.load(RESULTS / "quick").parts()[0]
    photographs = found.timings["photograph"].nunique()
    assert len(column_of(found, "psnr", "hole").common) > photographs
    assert {len(one.values) for one in coverage.populations(found)} == {photographs}


def test_a_real_difference_is_found() -> None:
    """Power: differences of a whole deviation at 20 photographs."""
    rng = np.random.default_rng(1)
    from benchmark.report.stats import mean_difference

    names = [str(i) for i in range(20)]
    found = [mean_difference(rng.normal(1, 1, 20), names).told_apart for _ in range(60)]
    assert np.mean(found) > 0.85


def test_the_committed_page_is_that_of_its_rows_and_keeps_its_word() -> None:
    folder = RESULTS / "coverage"
    rows = pd.read_csv(folder / "coverage.csv")
    text = coverage.coverage_markdown(rows, "photos", coverage.DRAWS)
    assert (folder / "coverage.md").read_text(encoding="utf-8") == text
    assert set(rows["n"]) == set(coverage.SIZES)
    by_size = rows.groupby("n")[["coverage", "type I error"]].mean()
    assert by_size["coverage"].between(*HELD).all()
    assert (by_size["type I error"] <= ERRORS).all()

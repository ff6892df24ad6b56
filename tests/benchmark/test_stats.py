import numpy as np
import pytest

from benchmark.report.stats import interval_of_mean


def test_interval_of_independent_values_matches_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(5.0, 2.0, 400)
    found = interval_of_mean(values, [str(i) for i in range(400)])
    half = 1.96 * values.std(ddof=1) / 20
    assert found.mean == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_crops_of_one_photograph_do_not_count_as_independent() -> None:
    per_photograph = np.random.default_rng(2).normal(0.0, 1.0, 10)
    alone = interval_of_mean(per_photograph, [str(i) for i in range(10)])
    repeated = interval_of_mean(np.repeat(per_photograph, 6), [str(i) for i in range(10) for _ in range(6)])
    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high))
    assert repeated.n == 60
    assert repeated.photographs == 10


def test_unscored_values_are_left_out_and_few_photographs_give_no_interval() -> None:
    found = interval_of_mean(np.array([1.0, np.nan, 3.0]), ["a", "b", "c"])
    assert (found.mean, found.n) == (2.0, 2)
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    assert interval_of_mean(np.array([np.nan]), ["a"]).n == 0


def test_the_interval_does_not_depend_on_the_call_before() -> None:
    values, names = np.arange(20.0), [str(i) for i in range(20)]
    first = interval_of_mean(values, names)
    np.random.default_rng(7).normal(size=5)
    assert interval_of_mean(values, names) == first

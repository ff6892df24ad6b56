"""The arithmetic of estimates; no assertion here depends on a clock."""

import threading
from itertools import pairwise

import numpy as np
import pytest

from inpainters import costs
from inpainters.errors import InputError
from inpainters.registry import METHODS
from inpainters.spec import Cost, MethodSpec, Strategy
from inpainters.strategy import workload


@pytest.fixture(autouse=True)
def _fresh():
    costs.forget()
    yield
    costs.forget()


def spec(name: str = "some", **strategy: object) -> MethodSpec:
    cost = Cost(fixed=0.5, per_megapixel=2.0, per_missing_megapixel=10.0)
    return MethodSpec(name, name, "baseline", "", "", "", 0, "", "", cost, strategy=Strategy(**strategy))


def box(height: int, width: int, side: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[:side, :side] = True
    return mask


def test_counts_the_crop_and_not_the_picture():
    # A 100 px hole in the corner with 50 px of context: 150x150 pixels are worked on, 100x100 are missing.
    small = costs.estimate(workload(box(400, 400, 100), spec(context=0.5, min_context=0)))
    assert small == pytest.approx(0.5 + 2.0 * 150 * 150 / 1e6 + 10.0 * 0.01)
    assert costs.estimate(workload(box(2000, 3000, 100), spec(context=0.5, min_context=0))) == pytest.approx(
        small
    )


def test_counts_after_capping():
    work = workload(box(400, 400, 100), spec(context=0.5, min_context=0, max_missing=2500))
    assert work.megapixels == pytest.approx(75 * 75 / 1e6)
    assert work.missing_megapixels == pytest.approx(2500 / 1e6)


def test_nothing_missing_costs_nothing():
    assert costs.estimate(workload(np.zeros((50, 50), bool), spec())) == 0.0


@pytest.mark.parametrize("name", sorted(METHODS))
def test_grows_with_the_hole(name):
    """But where a network that is called many times sees fewer pixels, its window being shrunk."""
    works = [workload(box(600, 600, side), METHODS[name]) for side in (1, 20, 50, 100, 200, 400)]
    assert costs.estimate(works[0]) > 0
    assert costs.estimate(works[-1]) >= costs.estimate(works[0])
    for one, two in pairwise(works):
        fewer = bool(METHODS[name].calls) and two.megapixels < one.megapixels
        # 2 %: capped sides are rounded
        assert fewer or costs.estimate(one) <= costs.estimate(two) * 1.02


@pytest.mark.parametrize("name", [name for name, row in METHODS.items() if row.strategy.max_missing])
def test_a_capped_method_never_costs_more_than_its_cap(name):
    row = METHODS[name]
    assert workload(box(4096, 4096, 1300), row).missing_megapixels * 1e6 <= row.strategy.max_missing * 1.02


def test_learns_the_median_ratio_of_each_method():
    mask = box(400, 400, 100)
    base = workload(mask, spec()).seconds
    for ratio in (40.0, 2.0, 3.0, 100.0):  # the first one warmed up, and one was disturbed
        costs.observe(workload(mask, spec()), ratio * base)
    assert costs.estimate(workload(mask, spec())) == pytest.approx(3.0 * base)
    assert costs.factor("never ran") == pytest.approx(3.0)
    costs.observe(workload(mask, spec("other")), base)
    assert costs.factor("other") == pytest.approx(1.0)
    assert costs.factor("some") == pytest.approx(3.0)


def test_a_method_that_never_ran_goes_by_those_with_its_network():
    mask = box(400, 400, 100)
    repaint, prior = METHODS["repaint"], METHODS["deep_image_prior"]
    for others in (2.0, 9.0):  # first runs warm up and are trusted little
        for name, ratio in (("telea", 9.0), ("mean_fill", 9.0), ("ddnm", 2.0)):
            costs.observe(workload(mask, METHODS[name]), ratio * workload(mask, METHODS[name]).seconds)
        assert costs.estimate(workload(mask, repaint)) == pytest.approx(2 * workload(mask, repaint).seconds)
        assert costs.estimate(workload(mask, prior)) == pytest.approx(others * workload(mask, prior).seconds)


def test_old_runs_are_forgotten():
    mask = box(100, 100, 10)
    for ratio in [50.0] * 20 + [1.0] * 15:
        costs.observe(workload(mask, spec()), ratio * workload(mask, spec()).seconds)
    assert costs.factor("some") == pytest.approx(1.0)


def test_a_run_of_nothing_teaches_nothing():
    costs.observe(workload(np.zeros((9, 9), bool), spec()), 1.0)
    costs.observe(workload(box(9, 9, 2), spec()), 0.0)
    assert costs.factor("some") == 1.0


def test_many_threads_may_observe():
    mask, row = box(100, 100, 10), spec()
    seconds = 2.0 * workload(mask, row).seconds
    threads = [
        threading.Thread(
            target=lambda: [
                (costs.observe(workload(mask, row), seconds), costs.factor("some")) for _ in range(50)
            ]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert costs.factor("some") == pytest.approx(2.0)


def test_network_calls_make_the_price():
    """`paper` calls 2,410 times where `preview` calls 57 times; two holes far apart are two runs."""
    row, mask = METHODS["repaint"], box(600, 600, 40)
    assert workload(mask, row, {"preset": "paper"}).network_calls == 2410
    mask[-40:, -40:] = True
    assert workload(mask, row).network_calls == 2 * 57
    prices = [
        costs.estimate(workload(mask, row, {"preset": preset, "detail": "enlarge"})) - row.cost.fixed
        for preset in ("preview", "paper")
    ]
    assert prices[1] / prices[0] == pytest.approx(2410 / 57)
    assert workload(mask, METHODS["telea"]).network_calls == 0
    assert workload(np.zeros((50, 50), bool), row).network_calls == 0


def test_a_run_teaches_by_its_own_options():
    row, mask = METHODS["repaint"], box(600, 600, 40)
    costs.observe(
        workload(mask, row, {"preset": "paper"}), 2 * workload(mask, row, {"preset": "paper"}).seconds
    )
    assert costs.factor("repaint") == pytest.approx(2)


def test_bad_options_have_no_price():
    with pytest.raises(InputError, match="unknown value of 'preset'"):
        costs.estimate(workload(box(60, 60, 20), METHODS["repaint"], {"preset": "papier"}))


def test_another_model_has_a_cost_of_its_own():
    row, mask = METHODS["repaint"], box(200, 200, 40)
    before = costs.estimate(workload(mask, row))
    other = {"model": "owner/name"}
    assert costs.estimate(workload(mask, row, other)) == before
    costs.observe(
        workload(mask, row, {"model": "owner/name@0123abc"}), 100 * before
    )  # a run's record has the revision
    assert costs.estimate(workload(mask, row)) == before
    assert costs.estimate(workload(mask, row, other)) == pytest.approx(100 * before)
    assert costs.estimate(workload(mask, METHODS["ddnm"])) == pytest.approx(
        workload(mask, METHODS["ddnm"]).seconds
    )


def test_a_graphics_card_is_taken_to_be_quick_until_one_ran(monkeypatch):
    costs.forget()
    work = workload(np.ones((64, 64), bool), METHODS["sd15"])
    slow = costs.estimate(work)
    monkeypatch.setattr(costs, "has_gpu", lambda: True)
    assert costs.estimate(work) == pytest.approx(slow / costs.GPU_SPEED)
    hole = np.zeros((512, 512), bool)
    hole[100:400, 100:400] = True
    deep = workload(hole, METHODS["lama"])
    assert 0 < deep.detail_seconds < costs.estimate(deep) < deep.seconds  # the processor adds the detail
    costs.observe(work, work.seconds / 20)
    assert costs.estimate(work) == pytest.approx(work.seconds / 20)
    telea = workload(np.ones((64, 64), bool), METHODS["telea"])
    costs.forget()
    assert costs.estimate(telea) == pytest.approx(telea.seconds)

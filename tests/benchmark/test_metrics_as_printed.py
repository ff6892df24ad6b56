"""U-IDS, P-IDS and BrushBench's figures against what their definitions come to."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark import metrics
from benchmark.evaluation import evaluate
from benchmark.metrics import brushbench, discernible
from inpainters.imaging import save_png


def features(n, width, shift):
    """Originals, and fills that lie near them, a little to one side."""
    random = np.random.default_rng(0)
    x = random.normal(size=(n, width)).astype(np.float32)
    return x, (x + 0.8 * random.normal(size=(n, width)) + shift).astype(np.float32)


# scikit-learn 1.9.1, LinearSVC(dual=False), as MAT's evaluator calls it, on these features
@pytest.mark.parametrize("block", [4096, 100])
@pytest.mark.parametrize(
    ("given", "uids", "pids"),
    [((400, 8, 0.15), 0.415, 0.265), ((1500, 32, 0.05), 1363 / 3000, 517 / 1500)],
)
def test_the_plane_is_that_of_scikit_learn(given, uids, pids, block, monkeypatch):
    monkeypatch.setattr(discernible, "SVM_ROWS", block)
    x, y = discernible.decisions(*features(*given))
    assert discernible._mistaken(x, y) == pytest.approx(uids)
    assert discernible._preferred(x, y) == pytest.approx(pids)


def test_fills_that_are_their_originals_are_told_apart_by_nothing():
    x, _ = features(100, 4, 0.0)
    one, other = discernible.decisions(x, x)
    assert discernible._mistaken(one, other) == 0.5
    assert discernible._preferred(one, other) == 0.0


def test_both_figures_of_one_pair_of_sets_rest_on_one_plane(monkeypatch):
    made, decide = [], discernible.decisions
    monkeypatch.setattr(discernible, "decisions", lambda x, y: made.append(len(x)) or decide(x, y))
    extractor = SimpleNamespace(key="k", features=None)
    uids, pids = (
        discernible.Discernible(extractor, f) for f in (discernible._mistaken, discernible._preferred)
    )
    one, other = features(100, 4, 0.5), features(90, 4, 0.5)
    found = [metric.distance(*sides) for sides in (one, other) for metric in (uids, pids)]
    assert made == [100, 90]
    assert found == [
        figure(*decide(*sides)) for sides in (one, other) for figure in (uids.figure, pids.figure)
    ]


def test_so_few_pictures_that_any_sets_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="more than 33"):
        discernible.decisions(*features(33, 32, 0.0))
    discernible.decisions(*features(34, 32, 0.0))
    with pytest.raises(ValueError, match="as many originals"):
        discernible.decisions(np.zeros((9, 2), np.float32), np.zeros((8, 2), np.float32))
    with pytest.raises(ValueError, match="their own originals"):
        discernible.Discernible.independent(None, None, None)  # type: ignore[arg-type]


def trio(side=512):
    random = np.random.default_rng(1)
    original = random.integers(0, 256, (side, side, 3), np.uint8)
    mask = np.zeros((side, side), bool)
    mask[side // 4 : side // 2] = True
    fill = original.copy()
    fill[mask] = 7
    return original, fill, mask


def test_kept_pixels_score_as_brushbench_scores_them():
    original, fill, mask = trio()
    assert brushbench.psnr().score(original, fill, mask) == {"known": 1000.0}
    assert brushbench.mse().score(original, fill, mask) == {"known": 0.0}
    known = np.argwhere(~mask)[::5]
    changed = fill.copy()
    changed[known[:, 0], known[:, 1]] ^= 16
    expected = len(known) * 3 * (16 / 255) ** 2 / (~mask).sum()
    found = brushbench.mse().score(original, changed, mask)["known"]
    assert found == pytest.approx(expected)
    assert brushbench.psnr().score(original, changed, mask)["known"] == pytest.approx(
        -10 * math.log10(expected)
    )
    changed[mask] = 200  # what is missing does not count
    assert brushbench.mse().score(original, changed, mask)["known"] == found
    assert math.isnan(brushbench.mse().score(original, changed, np.ones_like(mask))["known"])


def test_other_sizes_are_brought_to_512_first():
    original, fill, mask = trio(64)
    changed = fill.copy()
    changed[~mask] = changed[~mask] // 2 + 20
    assert 0 < brushbench.mse().score(original, changed, mask)["known"] < 1


def test_only_evaluate_measures_outputs_as_they_came(tmp_path):
    original, fill, mask = trio(64)
    fill[~mask] = fill[~mask] // 2
    for name, picture in (("a", original), ("b", fill), ("c", mask)):
        (tmp_path / name).mkdir()
        save_png(tmp_path / name / "one.png", picture)
    folders = [tmp_path / name for name in "abc"]
    found = evaluate(*folders, white="missing", only=["mse_brushbench", "psnr_brushbench"])
    assert found.interval("mse_brushbench", "known").mean > 0
    assert {spec.name for spec in metrics.METRICS.values() if spec.as_it_came} == {
        "psnr_brushbench",
        "mse_brushbench",
        "lpips_brushbench",
    }

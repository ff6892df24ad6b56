"""U-IDS, P-IDS and BrushBench's figures against what their definitions come to."""

import math
import warnings
from types import SimpleNamespace

import lpips
import numpy as np
import pytest
import torch
from PIL import Image

from benchmark import metrics
from benchmark.evaluation import evaluate
from benchmark.metrics import brushbench, discernible
from inpainters.imaging import save_png
from inpainters.weights import files
from inpainters.weights.table import WEIGHTS, WeightsFile


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


class Recorder:
    """Stands for LPIPS: keeps what it is given."""

    def score(self, x, y, mask):
        self.given = x, y, mask
        return {"whole": 0.25, "hole": 0.5}


@pytest.mark.parametrize("side", [512, 96])
def test_lpips_is_given_both_pictures_black_in_the_hole_at_512(side):
    original, fill, mask = trio(side)
    fill[~mask] //= 2
    network = Recorder()
    assert brushbench.Perceived(network).score(original, fill, mask) == {"known": 0.25}
    places = np.arange(512) * side // 512
    missing = mask[places[:, None], places]
    for given, picture in zip(network.given, (original, fill), strict=False):
        large = np.asarray(Image.fromarray(picture).resize((512, 512), Image.Resampling.BICUBIC))
        assert np.array_equal(given, np.where(missing[..., None], 0, large))
        assert not given[missing].any()
        assert given[~missing].any()


@pytest.fixture
def squeeze(tmp_path, monkeypatch):
    """SqueezeNet with random numbers, as the file that LPIPS wants, and the lpips package's own module with
    these numbers.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        package = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False).eval()
    state = {name.partition(".")[2]: value for name, value in package.net.state_dict().items()}
    path = tmp_path / "stand-in.pth"
    torch.save({f"features.{name}": value for name, value in state.items()}, path)
    monkeypatch.setenv(files.ENV, str(tmp_path))
    row = WeightsFile("lpips_squeeze", {path.name: files.sha256(path)}, "", "", "")
    monkeypatch.setitem(WEIGHTS, "lpips_squeeze", row)
    return package


@pytest.mark.slow
def test_lpips_of_the_known_pixels_is_the_package_s(squeeze):
    """Computed by the package from what is known alone, black elsewhere, in [-1, 1]."""
    original, fill, mask = trio()
    fill[~mask] //= 2
    batch = np.stack([np.where(mask[..., None], 0, picture) for picture in (original, fill)])
    x, y = torch.from_numpy(batch).permute(0, 3, 1, 2).float().div(127.5).sub(1).split(1)
    with torch.no_grad():
        expected = float(squeeze(x, y))
    metric = metrics.create("lpips_brushbench")
    found = metric.score(original, fill, mask)["known"]
    assert found == pytest.approx(expected, rel=1e-4)
    assert expected > 1e-3
    assert metric.score(original, np.where(mask[..., None], 200, fill), mask)["known"] == found
    kept = np.where(mask[..., None], 7, original)
    assert metric.score(original, kept, mask)["known"] == 0
    assert math.isnan(metric.score(original, fill, np.ones_like(mask))["known"])


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

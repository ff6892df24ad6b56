"""Figures as papers' evaluation programs compute them, against their formulas written out."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import data
from skimage.metrics import structural_similarity

from benchmark.metrics import METRICS, create
from inpainters.errors import InputError

NAMES = ("ssim_lama", "ssim_pennet", "l1_pennet")


@pytest.fixture(scope="module")
def triple():
    original = np.ascontiguousarray(data.astronaut()[40:140, 150:270])
    mask = np.zeros(original.shape[:2], bool)
    mask[30:70, 0:45] = True
    noise = np.random.default_rng(1).normal(0, 25, original.shape)
    output = np.where(mask[..., None], np.clip(original + noise, 0, 255).astype(np.uint8), original)
    return original, output, mask


def test_lamas_ssim_is_that_of_a_convolution_with_zeros_around_the_picture(triple):
    original, output, _ = triple
    x, y = (torch.from_numpy(p).permute(2, 0, 1)[None].double() / 255 for p in (original, output))
    line = torch.exp(-((torch.arange(11) - 5.0) ** 2) / (2 * 1.5**2)).double()
    window = torch.outer(line / line.sum(), line / line.sum()).expand(3, 1, 11, 11)

    def blur(t):
        return F.conv2d(t, window, padding=5, groups=3)

    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    one, two = 0.01**2, 0.03**2
    found = (2 * mx * my + one) * (2 * cov + two) / ((mx**2 + my**2 + one) * (vx + vy + two))
    assert create("ssim_lama").score(*triple)["whole"] == pytest.approx(found.mean().item(), abs=1e-9)
    assert create("ssim_lama").score(*triple)["whole"] != pytest.approx(
        create("ssim").score(*triple)["whole"], abs=1e-4
    )


def test_pennets_ssim_is_scikit_images(triple):
    original, output, _ = triple
    for pair in ((original, output), (original[:51, :60], output[:51, :60])):
        wanted = structural_similarity(*pair, win_size=51, channel_axis=2)
        mask = np.ones(pair[0].shape[:2], bool)
        assert create("ssim_pennet").score(*pair, mask)["whole"] == pytest.approx(wanted, abs=1e-9)


def test_pennets_l1_is_relative_to_the_values(triple):
    one, other = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), 60, np.uint8)
    assert create("l1_pennet").score(one, other, np.ones((8, 8), bool))["whole"] == pytest.approx(40 / 160)
    black = np.zeros((8, 8, 3), np.uint8)
    assert create("l1_pennet").score(black, black, np.ones((8, 8), bool))["whole"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_fill_has_the_best_value_and_only_the_whole_picture_is_measured(name, triple):
    original, _, mask = triple
    best = 1.0 if METRICS[name].better == "higher" else 0.0
    assert create(name).score(original, original, mask) == {"whole": pytest.approx(best, abs=1e-12)}
    assert set(create(name).score(*triple)) == {"whole"} == set(METRICS[name].regions)
    assert create(name).score(*triple)["whole"] != pytest.approx(best, abs=1e-3)


def test_a_picture_smaller_than_the_window_is_refused():
    small, mask = np.zeros((40, 60, 3), np.uint8), np.ones((40, 60), bool)
    with pytest.raises(InputError, match="at least 51×51"):
        create("ssim_pennet").score(small, small, mask)


def test_they_are_figures_of_metrics_that_are_there_and_count_once():
    assert {name: METRICS[name].again for name in NAMES} == {
        "ssim_lama": "ssim", "ssim_pennet": "ssim", "l1_pennet": "l1",
    }  # fmt: skip
    assert all(spec.again in ("", *METRICS) for spec in METRICS.values())
    sheet = (Path(__file__).parents[2] / "results/photos/table.md").read_text(encoding="utf-8")
    agreement = sheet.split("## Do the metrics agree?")[1].split("## ")[0]
    assert "| `ssim` |" in agreement
    assert not any(f"`{name}`" in agreement for name in NAMES)

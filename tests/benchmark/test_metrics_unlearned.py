"""Metrics without learned weights: against piq called by hand, and where one exists against another
computation.
"""

import math

import numpy as np
import piq
import pytest
import torch
from scipy.ndimage import convolve
from skimage import data

from benchmark.metrics import METRICS, create
from inpainters.errors import InputError

BY_HAND = {"haarpsi": piq.haarpsi, "gmsd": piq.gmsd, "mdsi": piq.mdsi, "ms_ssim": piq.multi_scale_ssim}
PRECISE = {"haarpsi": 1e-9, "gmsd": 1e-9, "mdsi": 1e-9, "ms_ssim": 1e-6}
"""Relative: MS-SSIM is computed in float32."""
PERFECT = {"haarpsi": 1, "gmsd": 0, "mdsi": 0, "ms_ssim": 1}
SIZES = ((192, 192), (200, 231), (163, 300))


def triple(height=192, width=192, level=128):
    original = np.ascontiguousarray(data.astronaut()[:height, 100 : 100 + width])
    mask = np.zeros((height, width), bool)
    mask[60:110, 40:120] = True
    return original, np.where(mask[..., None], np.uint8(level), original), mask


def tensor(image):
    return torch.tensor(image.transpose(2, 0, 1)[None] / 255)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", BY_HAND)
def test_the_value_is_piq_s(name, size):
    original, output, mask = triple(*size)
    expected = BY_HAND[name](tensor(original), tensor(output)).item()
    assert create(name).score(original, output, mask) == {"whole": pytest.approx(expected, rel=PRECISE[name])}
    assert 0 < expected < 1


@pytest.mark.parametrize("name", BY_HAND)
def test_a_perfect_fill_has_the_perfect_value(name):
    original, _, mask = triple()
    assert create(name).score(original, original, mask)["whole"] == pytest.approx(PERFECT[name], abs=1e-12)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_worse_fill_has_a_worse_value(name):
    original, near, mask = triple(level=128)
    near = np.where(mask[..., None], (original // 2 + 64).astype(np.uint8), original)
    far = triple(level=255)[1]
    sign = 1 if METRICS[name].better == "higher" else -1
    metric = create(name)
    scores = [metric.score(original, output, mask)["whole"] for output in (original, near, far)]
    assert sorted(scores, key=lambda score: -sign * score) == scores
    assert len(set(scores)) == 3


@pytest.mark.parametrize("name", BY_HAND)
def test_batches_of_several_sizes_are_scored_as_each_alone(name):
    triples, metric = [triple(*size) for size in SIZES], create(name)
    assert metric.score_batch(*zip(*triples, strict=True)) == [metric.score(*one) for one in triples]


def test_gmsd_by_numpy():
    """Xue 2014, equations 1 to 6: the deviation of the similarity of gradients of halved luma."""
    original, output, mask = triple()
    prewitt = np.array([[1, 0, -1]] * 3) / 3

    def gradient(image):
        luma = image @ [0.299, 0.587, 0.114] / 255
        half = luma.reshape(96, 2, 96, 2).mean((1, 3))
        return np.hypot(*(convolve(half, kernel, mode="constant") for kernel in (prewitt, prewitt.T)))

    a, b, constant = gradient(original), gradient(output), 170 / 255**2
    similarity = (2 * a * b + constant) / (a**2 + b**2 + constant)
    assert create("gmsd").score(original, output, mask)["whole"] == pytest.approx(similarity.std(), rel=1e-6)


def test_ms_ssim_by_numpy():
    """Wang 2003, equation 7: contrast and structure at five scales, luminance at the last, by channel."""
    original, output, mask = triple()
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line)[..., None] / line.sum() ** 2

    def blurred(values):
        return convolve(values, window, mode="constant")[5:-5, 5:-5]

    x, y, product = original / 255, output / 255, 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            x, y = (one.reshape(len(one) // 2, 2, -1, 2, 3).mean((1, 3)) for one in (x, y))
        a, b = blurred(x), blurred(y)
        variances, covariance = blurred(x * x) + blurred(y * y) - a * a - b * b, blurred(x * y) - a * b
        similar = (2 * covariance + 0.03**2) / (variances + 0.03**2)
        if scale == 4:
            similar = similar * (2 * a * b + 0.01**2) / (a * a + b * b + 0.01**2)
        product = product * similar.mean((0, 1)) ** weight
    assert create("ms_ssim").score(original, output, mask)["whole"] == pytest.approx(product.mean(), rel=1e-6)


@pytest.mark.parametrize(("name", "least"), [("ms_ssim", 161), ("haarpsi", 16), ("gmsd", 2), ("mdsi", 2)])
def test_too_small_a_picture_is_refused_with_a_sentence(name, least):
    metric = create(name)

    def small(height, width):
        image = np.full((height, width, 3), 7, np.uint8)
        return metric.score(image, image, np.ones((height, width), bool))["whole"]

    with pytest.raises(
        InputError, match=f"at least {least}×{least} pixels, not {max(least, 30)}×{least - 1}"
    ):
        small(least - 1, max(least, 30))
    assert math.isfinite(small(least, max(least, 30)))


@pytest.mark.parametrize("name", BY_HAND)
def test_the_variant_says_where_it_looks(name):
    spec = METRICS[name]
    assert spec.regions == ("whole",)
    precision = "float32" if name == "ms_ssim" else "float64"
    said = f"piq on RGB in [0, 1] in {precision}, one value of the whole picture."
    assert spec.variant.endswith(said)
    assert (spec.weights, spec.network) == (None, "")


@pytest.mark.parametrize("name", BY_HAND)
def test_a_black_picture_is_like_itself(name):
    """Without texture there is nothing to weigh by, and a perfect fill is perfect all the same."""
    black = np.zeros((192, 192, 3), np.uint8)
    perfect = 1.0 if METRICS[name].better == "higher" else 0.0
    assert create(name).score(black, black, np.ones((192, 192), bool))["whole"] == pytest.approx(perfect)

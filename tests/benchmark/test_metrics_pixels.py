"""PSNR, SSIM, L1 and the regions, against scikit-image, SciPy and figures worked by hand."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.metrics import create
from benchmark.metrics.regions import BAND, REGIONS, means, regions
from inpainters.errors import InputError

WANG = {
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
    "channel_axis": 2,
    "data_range": 255,
}


def through_png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return np.asarray(Image.open(file))


@pytest.fixture(scope="module")
def triple():
    original = data.astronaut()[40:140, 150:270]
    mask = np.zeros(original.shape[:2], bool)
    mask[30:70, 0:45] = mask[10:14, 60:110] = True
    noise = np.random.default_rng(1).normal(0, 25, original.shape)
    output = np.where(mask[..., None], np.clip(original + noise, 0, 255).astype(np.uint8), original)
    return through_png(original), through_png(output), mask


def grey(value, size=32):
    return np.full((size, size, 3), value, np.uint8)


# Regions


def test_band_is_the_missing_pixels_near_a_known_one(triple):
    mask = triple[2]
    expected = mask & (distance_transform_edt(mask) <= BAND)
    assert np.array_equal(regions(mask)["band"], expected)
    assert expected.sum() < mask.sum()


def test_the_border_of_the_picture_is_no_edge():
    mask = np.zeros((40, 40), bool)
    mask[:, 20:] = True
    band = regions(mask)["band"]
    assert band[:, 20 : 20 + BAND].all()
    assert band.sum() == 40 * BAND


def test_without_known_pixels_there_is_no_band():
    found = regions(np.ones((9, 9), bool))
    assert not found["band"].any()
    assert found["hole"].all()


def test_means_by_hand():
    values = np.array([[1.0, 2.0], [3.0, 10.0]])
    mask = np.array([[False, True], [False, True]])
    assert means(values, mask) == {"whole": 4.0, "hole": 6.0, "band": 6.0}


# PSNR


@pytest.mark.parametrize(("step", "decibel"), [(1, 48.1308036), (255, 0.0), (16, 24.0484045)])
def test_psnr_of_a_constant_error(step, decibel):
    # 20 log10(255 / step): a result 1 dB above has added 1.0, one 4.77 dB below has divided the sum by H·W,
    # not by 3·H·W.
    scores = create("psnr").score(grey(0), grey(step), np.eye(32, dtype=bool))
    assert scores == pytest.approx(dict.fromkeys(REGIONS, decibel), abs=1e-6)


def test_psnr_counts_all_three_channels():
    output = grey(100)
    output[..., 0] += 3
    assert create("psnr").score(grey(100), output, np.eye(32, dtype=bool))["whole"] == pytest.approx(
        10 * math.log10(255**2 / 3)
    )


def test_psnr_does_not_wrap_around():
    assert create("psnr").score(grey(250), grey(5), np.eye(32, dtype=bool))["hole"] == pytest.approx(
        20 * math.log10(255 / 245)
    )


def test_psnr_against_scikit_image(triple):
    original, output, mask = triple
    scores = create("psnr").score(*triple)
    assert scores["whole"] == pytest.approx(
        peak_signal_noise_ratio(original, output, data_range=255), rel=1e-9
    )
    assert scores["hole"] == pytest.approx(
        peak_signal_noise_ratio(original[mask], output[mask], data_range=255), rel=1e-9
    )


def test_psnr_of_the_same_picture_is_infinite():
    assert create("psnr").score(grey(7), grey(7), np.eye(32, dtype=bool)) == dict.fromkeys(REGIONS, math.inf)


# SSIM


def test_ssim_against_scikit_image(triple):
    original, output, mask = triple
    value, full = structural_similarity(original, output, full=True, **WANG)
    scores = create("ssim").score(*triple)
    assert scores["whole"] == pytest.approx(value, rel=1e-9)
    assert scores["hole"] == pytest.approx(full[mask].mean(), rel=1e-9)
    assert scores["band"] == pytest.approx(full[regions(mask)["band"]].mean(), rel=1e-9)


@pytest.mark.parametrize("window", [7, 51])
def test_ssim_is_not_that_of_another_window(triple, window):
    original, output, _ = triple
    other = structural_similarity(original, output, win_size=window, channel_axis=2, data_range=255)
    assert abs(create("ssim").score(*triple)["whole"] - other) > 1e-3


def test_ssim_of_two_constants_by_hand():
    # Without variance only the luminance term is left: (2·a·b + C1) / (a² + b² + C1).
    expected = (2 * 100 * 120 + 6.5025) / (100**2 + 120**2 + 6.5025)
    assert create("ssim").score(grey(100), grey(120), np.eye(32, dtype=bool)) == pytest.approx(
        dict.fromkeys(REGIONS, expected)
    )


def test_ssim_needs_a_whole_window():
    with pytest.raises(InputError, match="at least 11×11"):
        create("ssim").score(grey(1, 10), grey(2, 10), np.eye(10, dtype=bool))


# L1


def test_l1_by_hand():
    output = grey(100)
    output[:, 16:, 0] -= 30
    mask = np.zeros((32, 32), bool)
    mask[:, 16:] = True
    scores = create("l1").score(grey(100), output, mask)
    assert scores == pytest.approx({"whole": 5 / 255, "hole": 10 / 255, "band": 10 / 255})


# All three


@pytest.mark.parametrize("name", ["psnr", "ssim", "l1"])
def test_an_empty_mask_has_no_hole(name, triple):
    original, output, mask = triple
    scores = create(name).score(original, output, np.zeros_like(mask))
    assert math.isfinite(scores["whole"])
    assert math.isnan(scores["hole"])
    assert math.isnan(scores["band"])


@pytest.mark.parametrize("name", ["psnr", "ssim", "l1"])
def test_a_batch_is_its_pictures(name, triple):
    original, output, mask = triple
    small = tuple(part[20:60, 10:70] for part in triple)
    batch = create(name).score_batch([original, small[0]], [output, small[1]], [mask, small[2]])
    assert batch == [create(name).score(*triple), create(name).score(*small)]


@pytest.mark.parametrize("name", ["psnr", "ssim", "l1"])
def test_other_sizes_are_refused(name):
    with pytest.raises(InputError, match="one size"):
        create(name).score(grey(1, 32), grey(1, 31), np.eye(32, dtype=bool))
    with pytest.raises(InputError, match="uint8"):
        create(name).score(grey(1) / 255, grey(1), np.eye(32, dtype=bool))


# Seam


def test_the_seam_compares_the_steps_across_the_edge():
    original, mask = grey(100), np.zeros((32, 32), bool)
    original[:, 16:] = 151
    mask[:, 16:] = True
    flat = grey(100)
    assert create("seam").score(original, original, mask) == {"band": 0}
    assert create("seam").score(original, flat, mask)["band"] == pytest.approx(0.2), (
        "a step that is lacking counts"
    )
    assert create("seam").score(flat, original, mask)["band"] == pytest.approx(0.2), (
        "and so does one too many"
    )
    assert math.isnan(create("seam").score(original, flat, np.ones_like(mask))["band"])

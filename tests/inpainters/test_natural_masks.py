"""Masks as their papers draw them, whose ratios come as they come."""

import hashlib

import cv2
import numpy as np
import pytest

from inpainters.errors import InputError
from inpainters.masks import GENERATORS, generate
from inpainters.masks.strokes import Chains

OURS = [name for name, spec in GENERATORS.items() if spec.natural]
MEANS = {"thin": 0.287, "medium": 0.240, "thick": 0.267}
"""Mean ratios of 1,500 masks of 256×256 that LaMa's own program drew, those of more than a half left out."""
MEANS_512 = {"thin": (0.287, 5.87), "medium": (0.276, 20.3), "thick": (0.267, 38.8)}
"""Of 2,000 masks of 512×512 that it drew by its configurations for that size (github.com/advimman/lama,
configs/data_gen/random_*_512.yaml), those of more than a half left out: mean ratio, and mean depth, which is
how far a missing pixel is from the nearest known one, in pixels.
"""
WAYS = ({"natural": True}, {"bin": "20-30"}, {"bin": "20-30", "border": False})
BELOW_384 = {
    "thin": ("e031782be157be3f", "27c69d0c639da07d", "3604387d6882e109"),
    "medium": ("7aba4be3b57ec9da", "6e9d0ce77deb45ef", "4508948e7a0e5b78"),
    "thick": ("a6877a0a38a53499", "6d3cea04f33b369d", "261e263a64a70689"),
}
"""Digests of masks of 383×512, drawn in each of WAYS before there were settings for 512."""


def drawn(name, number, size=(256, 256), seed=0):
    return generate(name, size, seed=seed, image_id=str(number), natural=True)


def test_these_have_ratios_of_their_own():
    assert sorted(OURS) == ["box_center", "brush", "medium", "thick", "thin"]


@pytest.mark.parametrize("name", MEANS)
def test_lamas_masks_have_lamas_ratios(name):
    ratios = np.array([drawn(name, number).mean() for number in range(600)])
    assert ratios.mean() == pytest.approx(MEANS[name], abs=0.02)
    assert ratios.max() <= 0.5
    assert np.percentile(ratios, 5) < 0.1
    assert np.percentile(ratios, 95) > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("name", MEANS_512)
def test_lamas_masks_at_512_are_those_of_its_settings_for_512(name):
    masks = [drawn(name, number, (512, 512)) for number in range(300)]
    depths = [cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)[mask].mean() for mask in masks]
    ratio, depth = MEANS_512[name]
    assert np.mean([mask.mean() for mask in masks]) == pytest.approx(ratio, abs=0.02)
    assert np.mean(depths) == pytest.approx(depth, rel=0.05)


@pytest.mark.parametrize("name", BELOW_384)
def test_masks_below_384_pixels_are_what_they_were(name):
    masks = [generate(name, (383, 512), seed=7, image_id="coffee@full", **way) for way in WAYS]
    digests = [hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()[:16] for mask in masks]
    assert tuple(digests) == BELOW_384[name]


@pytest.mark.parametrize("name", BELOW_384)
@pytest.mark.parametrize("way", WAYS, ids=["natural", "bin", "free"])
def test_the_settings_for_512_hold_from_a_shorter_side_of_384_on(name, way, monkeypatch):
    bases = []

    def noted(method):
        def draw(chains, *arguments):
            bases.append(chains.base)
            return method(chains, *arguments)

        return draw

    monkeypatch.setattr(Chains, "__call__", noted(Chains.__call__))
    monkeypatch.setattr(Chains, "natural", noted(Chains.natural))
    for size in ((96, 700), (383, 512), (384, 512), (700, 384)):
        generate(name, size, seed=7, **way)
    assert bases == [256, 256, 512, 512]


def test_the_centre_is_a_quarter_of_the_picture():
    mask = drawn("box_center", 0)
    assert mask[64:192, 64:192].all()
    assert mask.sum() == 128 * 128


def test_brush_strokes_are_a_few_zigzags():
    ratios = np.array([drawn("brush", number).mean() for number in range(200)])
    assert 0.12 < ratios.mean() < 0.25
    assert ratios.std() > 0.05


@pytest.mark.parametrize("name", OURS)
def test_a_mask_depends_on_its_arguments_alone_and_grows_with_the_picture(name):
    assert np.array_equal(drawn(name, 3), drawn(name, 3))
    if name != "box_center":
        assert not np.array_equal(drawn(name, 3), drawn(name, 4))
        assert not np.array_equal(drawn(name, 3), drawn(name, 3, seed=1))
    for sides in ((96, 380), (384, 576)):  # LaMa's settings are others on either side of 384 pixels
        small, large = (np.mean([drawn(name, n, (side, side)).mean() for n in range(60)]) for side in sides)
        assert small == pytest.approx(large, abs=0.07)
    assert drawn(name, 0, (40, 90)).shape == (40, 90)


def test_what_has_no_ratios_of_its_own_says_which_have():
    with pytest.raises(InputError, match="no ratios of its own; these have: box_center, brush"):
        generate("irregular", (64, 64), seed=0, natural=True)
    for given in ({"bin": "10-20"}, {"ratio": 0.2}, {"border": True}):
        with pytest.raises(InputError, match="leave them out"):
            generate("thick", (64, 64), seed=0, natural=True, **given)

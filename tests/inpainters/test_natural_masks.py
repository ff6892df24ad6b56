"""Masks as their papers draw them, whose ratios come as they come."""

import numpy as np
import pytest

from inpainters.errors import InputError
from inpainters.masks import GENERATORS, generate

OURS = [name for name, spec in GENERATORS.items() if spec.natural]
MEANS = {"thin": 0.287, "medium": 0.240, "thick": 0.267}
"""Mean ratios of 1,500 masks of 256×256 that LaMa's own program drew, those of more than a half left out."""


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
    small, large = (np.mean([drawn(name, n, (side, side)).mean() for n in range(60)]) for side in (96, 384))
    assert small == pytest.approx(large, abs=0.07)
    assert drawn(name, 0, (40, 90)).shape == (40, 90)


def test_what_has_no_ratios_of_its_own_says_which_have():
    with pytest.raises(InputError, match="no ratios of its own; these have: box_center, brush"):
        generate("irregular", (64, 64), seed=0, natural=True)
    for given in ({"bin": "10-20"}, {"ratio": 0.2}, {"border": True}):
        with pytest.raises(InputError, match="leave them out"):
            generate("thick", (64, 64), seed=0, natural=True, **given)

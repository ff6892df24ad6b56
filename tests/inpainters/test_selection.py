"""Selecting a thing, on pictures whose things are known."""

import numpy as np
import pytest
from skimage import data

from inpainters.errors import InputError
from inpainters.imaging import Image, Mask
from inpainters.masks.selection import select_object

rows, columns = np.mgrid[:240, :320]
DISC = (rows - 120) ** 2 + (columns - 170) ** 2 < 60**2


def scene() -> Image:
    """A coffee-coloured, noisy disc before grass."""
    rng = np.random.default_rng(0)
    grass = np.array(data.grass()[:240, :320])[..., None] * np.array([0.4, 0.9, 0.3])
    thing = np.array([150, 80, 40]) + rng.normal(0, 12, (240, 320, 3))
    return np.where(DISC[..., None], thing, grass).clip(0, 255).astype(np.uint8)


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("box", [(95, 45, 245, 195), (245, 195, 95, 45)])
def test_a_rough_box_gives_the_thing(box: tuple[float, float, float, float]) -> None:
    found = select_object(scene(), box)
    assert found.shape == (240, 320)
    assert found.dtype == bool
    assert overlap(found, DISC) > 0.93
    assert found[DISC].mean() > 0.99  # no rim of it stays
    assert not found[:, :90].any()
    assert not found[:, 250:].any()


def test_a_click_gives_the_thing_around_it() -> None:
    assert overlap(select_object(scene(), (165, 120, 166, 121)), DISC) > 0.9


def test_a_large_picture_gives_what_a_small_one_does() -> None:
    large = scene().repeat(5, 0).repeat(5, 1)
    found = select_object(large, (475, 225, 1225, 975))
    assert overlap(found, DISC.repeat(5, 0).repeat(5, 1)) > 0.93


def test_the_same_box_gives_the_same_mask_and_the_picture_stays() -> None:
    picture = scene()
    before = picture.copy()
    first = select_object(picture, (95, 45, 245, 195))
    np.random.default_rng(1).random(3)
    assert np.array_equal(first, select_object(picture, (95, 45, 245, 195)))
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    ("picture", "box", "words"),
    [
        (scene(), (10, 10, 12, 200), "too narrow"),
        (scene(), (-5, -5, 400, 400), "whole picture"),
        (np.full((80, 80, 3), 90, np.uint8), (20, 20, 60, 60), "stands out"),
    ],
)
def test_what_cannot_be_selected_is_said(
    picture: Image, box: tuple[float, float, float, float], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        select_object(picture, box)

import numpy as np
import pytest
from skimage import data

from inpainters.patches.melt import melt


def test_melting_sources_that_continue_each_other_changes_nothing():
    image = np.ascontiguousarray(data.astronaut()[200:240, 100:140])
    mask = np.zeros((40, 40), bool)
    mask[25:31, 25:31] = True
    pixels = np.flatnonzero(mask.ravel())
    shifted = image.copy()
    # So that the sources 16 up and left agree with the rim as well.
    shifted[20:36, 20:36] = shifted[4:20, 4:20]
    filled = melt(pixels - 16 * 41, pixels, np.where(mask[..., None], 0, shifted).astype(np.uint8))
    assert (filled == shifted).all()


def test_the_border_between_two_brightnesses_of_a_sky_does_not_show():
    """A ramp, whose hole is copied from two places, each of one brightness."""
    row = np.linspace(100, 120, 80).round().astype(np.uint8)
    image = np.tile(row[:, None], (60, 1, 3))
    mask = np.zeros((60, 80), bool)
    mask[15:45, 20:60] = True
    pixels = np.flatnonzero(mask.ravel())
    chosen = pixels // 80 * 80 + np.where(pixels % 80 < 40, 2, 77)
    filled = melt(chosen, pixels, np.where(mask[..., None], 0, image).astype(np.uint8))
    beside = filled.reshape(-1, 3)[chosen].astype(int)
    assert np.abs(np.diff(beside.reshape(30, 40, 3), axis=1)).max() >= 15
    assert np.abs(np.diff(filled[15:45, 19:61].astype(int), axis=1)).max() <= 1
    assert np.abs(filled[15:45, 20:60].astype(int) - image[15:45, 20:60]).max() <= 2


def test_an_edge_stays_where_it_was_copied():
    """Half of the hole is copied from a dark and half from a bright side, at a rim that is dark alone."""
    image = np.full((60, 80, 3), 40, np.uint8)
    image[:, 60:] = 200
    mask = np.zeros((60, 80), bool)
    mask[20:40, 10:50] = True
    pixels = np.flatnonzero(mask.ravel())
    bright = pixels % 80 >= 30
    chosen = np.where(bright, pixels // 80 * 80 + 70, pixels // 80 * 80 + 4)
    filled = melt(chosen, pixels, np.where(mask[..., None], 0, image))[20:40, 10:50, 0].astype(int)
    assert np.abs(filled[:, :20] - 40).max() <= 3
    assert np.abs(filled[:, 20:] - 200).max() <= 3


def test_a_seam_in_texture_is_melted():
    """Half of the hole is copied from a brighter part of the same grain, which the rim is not."""
    image = np.repeat(np.random.default_rng(0).integers(60, 120, (60, 80, 1)), 3, axis=2).astype(np.uint8)
    image[:, 60:] += 60
    mask = np.zeros((60, 80), bool)
    mask[20:40, 15:45] = True
    pixels = np.flatnonzero(mask.ravel())
    chosen = np.where(pixels % 80 >= 30, pixels + 32, pixels - 15)
    filled = melt(chosen, pixels, np.where(mask[..., None], 0, image).astype(np.uint8)).astype(int)
    step = filled[20:40, 30:33].mean() - filled[20:40, 27:30].mean()
    assert step <= 45  # 60 as it was copied
    copied = image.reshape(-1, 3)[chosen].reshape(20, 30, 3).astype(int)
    far = np.s_[7:13, 21:24]  # from the seam and from the rim
    assert abs((filled[20:40, 15:45] - copied)[far].mean()) <= 13  # 17 if all were smooth


@pytest.mark.parametrize("column", [0, 79])
def test_beside_a_source_at_a_side_there_is_not_the_next_row(column):
    """The hole is copied from the first or last column, the other ones are dark."""
    image = np.full((60, 80, 3), 110, np.uint8)
    image[:, 79 - column] = 30
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    pixels = np.flatnonzero(mask.ravel())
    filled = melt(pixels // 80 * 80 + column, pixels, np.where(mask[..., None], 0, image).astype(np.uint8))
    assert (filled == image).all()


@pytest.mark.parametrize(("row", "end"), [(0, 59), (59, 0)])
def test_beside_a_source_at_the_top_or_bottom_there_is_nothing(row, end):
    image = np.full((60, 80, 3), 110, np.uint8)
    image[end] = 30
    image[row, [0, 79]] = 30
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    pixels = np.flatnonzero(mask.ravel())
    filled = melt(row * 80 + pixels % 80, pixels, np.where(mask[..., None], 0, image).astype(np.uint8))
    assert (filled == image).all()


def test_a_source_at_the_border_has_nothing_beyond_it():
    image = np.full((60, 80, 3), 110, np.uint8)
    image[:, :10] = 60
    mask = np.zeros((60, 80), bool)
    mask[20:40, 60:] = True
    pixels = np.flatnonzero(mask.ravel())
    chosen = np.where(pixels // 80 < 30, pixels - 20 * 80, pixels + 20 * 80)
    filled = melt(chosen, pixels, np.where(mask[..., None], 0, image).astype(np.uint8))
    assert (filled == image).all()

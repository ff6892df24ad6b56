"""A soft edge: all fill in the hole, untouched beyond its ring, and in between the ramp of the formula."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from inpainters import inpaint
from inpainters.__main__ import main
from inpainters.errors import InputError
from inpainters.imaging import load_image
from inpainters.uses.feather import checked_feather, feathered, soft_edge, widened

RNG = np.random.default_rng(5)
PHOTO = RNG.integers(0, 256, (60, 80, 3), np.uint8)
HOLE = np.zeros((60, 80), bool)
HOLE[20:35, 30:50] = True


def test_the_ramp_follows_its_formula():
    mask = np.zeros((5, 40), bool)
    mask[:, :10] = True
    t = np.clip(1 - (np.arange(40) - 9) / 5, 0, 1)
    assert soft_edge(mask, 4) == pytest.approx(np.tile(3 * t**2 - 2 * t**3, (5, 1)), abs=1e-6)
    assert (soft_edge(mask, 4)[0, 9:15] > 0).tolist() == [True] * 5 + [False]


@pytest.mark.parametrize("pixels", [1, 3, 12])
def test_the_hole_is_fill_and_what_is_farther_than_its_ring_stays(pixels):
    fill = RNG.integers(0, 256, PHOTO.shape, np.uint8)
    before = [part.copy() for part in (fill, PHOTO, HOLE)]
    mixed = feathered(fill, PHOTO, HOLE, pixels)
    distance = ndimage.distance_transform_edt(~HOLE)
    assert (mixed[HOLE] == fill[HOLE]).all()
    assert (mixed[distance >= pixels + 1] == PHOTO[distance >= pixels + 1]).all()
    ring = (distance > 0) & (distance < pixels + 1)
    assert np.array_equal(widened(HOLE, pixels), HOLE | ring)
    low, high = np.minimum(fill, PHOTO)[ring], np.maximum(fill, PHOTO)[ring]
    assert ((low <= mixed[ring]) & (mixed[ring] <= high)).all()
    assert all((one == other).all() for one, other in zip((fill, PHOTO, HOLE), before, strict=True))


def test_black_goes_over_into_white_without_a_step():
    white, black = np.full_like(PHOTO, 255), np.zeros_like(PHOTO)
    row = feathered(white, black, HOLE, 10)[27, 49:65, 0].astype(int)
    assert row[0] == 255 and row[-1] == 0  # noqa: PT018
    assert (np.diff(row) <= 0).all()
    assert np.diff(row).min() > -255 * 1.5 / 11 - 1  # the ramp is steepest in its middle: 1.5 times its mean


def test_no_feather_and_an_empty_mask_change_nothing():
    fill = 255 - PHOTO
    assert (feathered(fill, PHOTO, HOLE, 0) == np.where(HOLE[..., None], fill, PHOTO)).all()
    assert (widened(HOLE, 0) == HOLE).all()
    assert (feathered(fill, PHOTO, np.zeros_like(HOLE), 8) == PHOTO).all()
    assert not widened(np.zeros_like(HOLE), 8).any()


def test_what_cannot_be_done_is_one_sentence():
    for wrong in (-1, 33, 2.5, "soft", None, True):
        with pytest.raises(InputError, match="between 0 and 32 whole pixels"):
            checked_feather(wrong)
    assert checked_feather("8") == checked_feather(8) == 8
    with pytest.raises(InputError, match="choose a smaller one"):
        widened(np.pad(np.zeros((2, 2), bool), 9, constant_values=True), 8)
    assert widened(np.ones((4, 4), bool), 8).all()


def test_the_command_fills_the_wider_hole_and_makes_its_edge_soft(tmp_path, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    Image.fromarray(np.uint8(255) * HOLE).save(tmp_path / "mask.png")
    asked = ["fill", str(tmp_path / "photo.png"), str(tmp_path / "mask.png"), "--method", "telea"]
    out = ["-o", str(tmp_path / "out.png")]
    assert main([*asked, "--feather", "6", *out]) == 0
    assert "Feathered: the known pixels up to 6 px" in capsys.readouterr().err
    wide = widened(HOLE, 6)
    fill = inpaint(PHOTO, wide, "telea")
    assert (load_image(tmp_path / "out.png").image == feathered(fill, PHOTO, HOLE, 6)).all()
    assert main([*asked, "--feather", "40", *out, "--overwrite"]) == 2
    assert "between 0 and 32" in capsys.readouterr().err

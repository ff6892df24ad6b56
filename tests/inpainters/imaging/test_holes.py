"""Masks as people make them: layers, erased photographs, labels; refused where it cannot be told."""

import io

import numpy as np
import pytest
from made_files import CAT, encoded, profile
from PIL import Image as PilImage

from inpainters import inpaint
from inpainters.errors import InputError
from inpainters.imaging import decode_image, load_image, load_mask, load_pair

HOLE = np.zeros((40, 60), bool)
HOLE[12:20, 20:35] = True


def layer(inside, outside=(0, 0, 0, 0)):
    """Strokes on a ground, both RGBA."""
    return np.where(HOLE[..., None], np.uint8(inside), np.uint8(outside))


def erased(alpha=0, colours=CAT):
    return np.dstack([colours, np.where(HOLE, alpha, 255).astype(np.uint8)])


def labels(low, high, kind=np.uint8):
    return np.where(HOLE, high, low).astype(kind)


MASKS = {
    "an erased photograph": erased(),
    "erased, colours cleared": erased(colours=np.where(HOLE[..., None], np.uint8(0), CAT)),
    "erased in part": erased(170),
    "red layer at half strength": layer((255, 0, 0, 127), (255, 0, 0, 0)),
    "white layer at half strength": layer((255, 255, 255, 127), (255, 255, 255, 0)),
    "faint black strokes": layer((0, 0, 0, 102)),
    "dark blue strokes": layer((0, 0, 120, 255)),
    "strokes on a veil": layer((255, 255, 255, 255), (255, 255, 255, 90)),
    "labels 0 and 2": labels(0, 2),
    "labels 0 and 1": labels(0, 1),
    "dark grey": labels(0, 100),
    "light grey": labels(200, 255),
    "colours of a label map": np.where(HOLE[..., None], np.uint8([128, 0, 0]), np.uint8(0)),
}


@pytest.mark.parametrize("pixels", MASKS.values(), ids=MASKS)
def test_files_pictures_and_arrays_mean_the_same(pixels, tmp_path):
    (tmp_path / "m.png").write_bytes(encoded(pixels))
    for source in (tmp_path / "m.png", PilImage.fromarray(pixels), pixels):
        np.testing.assert_array_equal(load_mask(source, (40, 60))[0], HOLE)


@pytest.mark.parametrize("high", [1, 2, 255, 256, 65535])
def test_two_levels_of_sixteen_bits(high, tmp_path):
    (tmp_path / "m.png").write_bytes(encoded(labels(0, high, np.uint16)))
    for source in (tmp_path / "m.png", labels(0, high, np.uint16), labels(0, high, np.float64)):
        np.testing.assert_array_equal(load_mask(source)[0], HOLE)


def test_soft_strokes_count_as_far_as_they_are_painted():
    alpha = np.zeros((40, 60), np.uint8)
    alpha[12:20, 20:35] = np.linspace(10, 255, 15)
    np.testing.assert_array_equal(load_mask(np.dstack([np.full((40, 60, 3), 255, np.uint8), alpha]))[0], HOLE)


def test_an_even_alpha_says_nothing():
    pixels = np.dstack([labels(0, 255)] * 3 + [np.random.default_rng(0).integers(252, 256, (40, 60))])
    np.testing.assert_array_equal(load_mask(pixels.astype(np.uint8))[0], HOLE)


def test_a_layer_without_strokes_is_empty():
    mask, notes = load_mask(np.zeros((40, 60, 4), np.uint8))
    assert not mask.any()
    assert "transparent everywhere" in notes[0]


def test_no_profile_changes_a_mask():
    data = encoded(np.full((4, 4), 129, np.uint8), icc_profile=profile("Gamma 3", 3.0))
    assert load_mask(PilImage.open(io.BytesIO(data)))[0].all()


RAMP = np.tile(np.arange(60, dtype=np.uint8), (40, 1))
UNTOLD = {
    "too dark": (RAMP, "brightest value of the mask is 59"),
    "class numbers": (RAMP // 20, "brightest value of the mask is 2"),
    "a cut-out": (np.dstack([CAT, np.where(HOLE, 255, 0).astype(np.uint8)]), "Most of the mask's picture"),
    "black, white and transparent": (
        np.dstack([np.where(RAMP[..., None] < 30, np.uint8([0, 0, 0]), np.uint8(255)), 255 - 255 * HOLE]),
        "black, white and transparent",
    ),
}


@pytest.mark.parametrize(("pixels", "words"), UNTOLD.values(), ids=UNTOLD)
def test_what_cannot_be_told_is_refused_with_what_to_do(pixels, words, tmp_path):
    (tmp_path / "m.png").write_bytes(encoded(pixels.astype(np.uint8)))
    with pytest.raises(InputError, match=rf"{words}.* Save the mask in black and white, white = missing\.$"):
        load_mask(tmp_path / "m.png")


def test_where_white_is_known():
    np.testing.assert_array_equal(load_mask(labels(255, 0), white_missing=False)[0], HOLE)
    with pytest.raises(InputError, match="no white to be known"):
        load_mask(layer((255, 0, 0, 127)), white_missing=False)


def test_a_photographs_own_alpha(tmp_path):
    (tmp_path / "p.png").write_bytes(encoded(erased()))
    expected = inpaint(CAT, HOLE, "telea")
    for source in (tmp_path / "p.png", str(tmp_path / "p.png"), PilImage.fromarray(erased()), erased()):
        pair = load_pair(source, "alpha")
        np.testing.assert_array_equal(pair.mask, HOLE)
        assert pair.notes == ("Its transparent pixels are the mask.",)
        np.testing.assert_array_equal(inpaint(source, "alpha", "telea"), expected)
    with pytest.raises(InputError, match="has no transparent pixels: erase"):
        inpaint(CAT, "alpha")


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (4, 4, 0), (0, 0, 4), (2, 2, 2, 2)])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.float32])
def test_arrays_that_are_no_masks(shape, kind):
    with pytest.raises(InputError, match="two dimensions"):
        load_mask(np.zeros(shape, kind))


@pytest.mark.parametrize(
    "odd", [np.zeros((4, 4, 4)), np.zeros((0, 0, 4), np.uint8), np.zeros((4, 4, 4), bool)]
)
def test_arrays_that_are_no_pictures(odd):
    with pytest.raises(InputError, match="An image is"):
        load_image(odd)


def test_no_file_starts_another_program():
    with pytest.raises(InputError, match="not a picture this program can read"):
        decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")

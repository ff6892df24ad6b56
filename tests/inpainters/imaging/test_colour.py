"""Colour profiles, against a colour-managed reader; depths of grey by hand."""

import io

import numpy as np
import pytest
from made_files import CAT, PROPHOTO, SRGB, encoded, profile
from PIL import Image as PilImage
from PIL import ImageCms

from inpainters.imaging import decode_image

GREY = np.asarray(PilImage.fromarray(CAT).convert("L"))
CONVERTED = "Converted from its colour profile to sRGB."


def managed(picture, data):
    """What a colour-managed reader shows."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(data))
    return np.asarray(
        ImageCms.profileToProfile(
            PilImage.fromarray(picture), source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    )


@pytest.mark.parametrize(
    "data",
    [
        profile("sRGB, but linear", 1.0, SRGB),
        profile("sRGB-like wide gamut", 2.2, PROPHOTO),
        profile("Gamma 1.8", 1.8, SRGB),
    ],
    ids=["linear", "wide", "gamma"],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_profile_counts_by_what_it_says_not_by_its_name(data, kind):
    loaded = decode_image(encoded(CAT, kind, icc_profile=data))
    expected = managed(CAT, data)
    assert np.abs(expected.astype(int) - CAT).mean() > 2, "the profile must matter"
    np.testing.assert_array_equal(loaded.image, expected)
    assert loaded.notes == (CONVERTED,)


@pytest.mark.parametrize("name", ["Display of a laptop", "sRGB IEC61966-2.1"])
def test_srgb_under_any_name_changes_no_pixel(name):
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace(b"s\0R\0G\0B", name[:4].encode("utf-16-be")[1:])
    loaded = decode_image(encoded(CAT, icc_profile=data))
    np.testing.assert_array_equal(loaded.image, CAT)
    assert loaded.notes == ()


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_with_a_grey_profile(mode):
    data = profile("Linear grey", 1.0)
    loaded = decode_image(encoded(PilImage.fromarray(GREY).convert(mode), icc_profile=data))
    np.testing.assert_array_equal(loaded.image, managed(GREY, data))
    assert CONVERTED in loaded.notes


def test_grey_with_a_profile_for_colour():
    data = profile("Linear", 1.0, SRGB)
    loaded = decode_image(encoded(GREY, icc_profile=data))
    np.testing.assert_array_equal(loaded.image, managed(np.dstack([GREY] * 3), data))


@pytest.mark.parametrize(
    ("data", "word"), [(b"no profile", "damaged"), (profile("Grey", 1.0), "another kind of picture")]
)
def test_a_profile_that_cannot_be_used_is_said(data, word):
    loaded = decode_image(encoded(CAT, icc_profile=data))
    np.testing.assert_array_equal(loaded.image, CAT)
    assert [word in note for note in loaded.notes] == [True]


def test_stray_values_above_one_turn_no_float_picture_black():
    values = GREY.astype(np.float32) / 255
    values[3, 4] = 1.7
    loaded = decode_image(encoded(PilImage.fromarray(values), "TIFF"))
    expected = GREY.copy()
    expected[3, 4] = 255
    np.testing.assert_array_equal(loaded.image[..., 0], expected)


@pytest.mark.parametrize("top", [255, 65535])
def test_whole_numbers_have_the_depth_of_their_largest(top):
    values = np.zeros((10, 10), np.float32)
    values[0, :3] = top, round(top / 2), top
    loaded = decode_image(encoded(PilImage.fromarray(values), "TIFF"))
    assert loaded.image[0, :3, 0].tolist() == [255, 128, 255]


def test_numbers_that_are_none_are_black():
    values = np.full((4, 4), 0.5, np.float32)
    values[0] = np.nan, -np.inf, np.inf, -1
    loaded = decode_image(encoded(PilImage.fromarray(values), "TIFF"))
    assert loaded.image[0, :, 0].tolist() == [0, 0, 255, 0]
    assert (loaded.image[1:] == 128).all()


def test_lab():
    lab = ImageCms.profileToProfile(
        PilImage.fromarray(CAT),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    loaded = decode_image(encoded(lab, "TIFF"))
    assert np.abs(loaded.image.astype(int) - CAT).mean() < 2
    assert loaded.notes == ("Converted from Lab to sRGB.",)

"""Odd EXIF: the picture is read, turned where its orientation can be read, and nothing is thrown."""

import struct

import numpy as np
import pytest
from made_files import CAT, encoded, exif, orientation

from inpainters.imaging import decode_image

ODD = {
    "negative rational": (0x011A, 10, 1, struct.pack("<ii", -1, 0)),
    "text where a number belongs": (0x0100, 2, 5, b"abcd\0"),
    "negative short": (0x0128, 8, 1, struct.pack("<h", -1)),
    "a number where text belongs": (0x010F, 3, 1, struct.pack("<H", 7)),
    "a type that does not exist": (0x0131, 99, 1, b"abcd"),
    "a value beyond the end": (0x0132, 2, 5000, struct.pack("<I", 4_000_000) + b"x"),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_odd_tags_beside_an_orientation(entry, kind):
    settings = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(kind, {})
    loaded = decode_image(encoded(CAT, kind, exif=exif(orientation(6), entry), **settings))
    expected = np.rot90(decode_image(encoded(CAT, kind, **settings)).image, -1)
    np.testing.assert_array_equal(loaded.image, expected)
    assert loaded.notes == ("Turned upright as its EXIF orientation says.",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_block_that_is_no_tiff_is_a_note_at_most(kind):
    settings = {"lossless": True} if kind == "WEBP" else {}
    loaded = decode_image(encoded(CAT, kind, exif=b"Exif\0\0garbage garbage", **settings))
    assert loaded.image.shape == CAT.shape
    assert set(loaded.notes) <= {"Its EXIF data is damaged and was ignored."}


@pytest.mark.parametrize("value", [0, 1, 9, 65535])
def test_an_orientation_that_turns_nothing_says_nothing(value):
    loaded = decode_image(encoded(CAT, exif=exif(orientation(value))))
    np.testing.assert_array_equal(loaded.image, CAT)
    assert loaded.notes == ()


def test_an_orientation_that_is_text_turns_nothing():
    loaded = decode_image(encoded(CAT, exif=exif((0x0112, 2, 2, b"6\0"))))
    np.testing.assert_array_equal(loaded.image, CAT)


@pytest.mark.parametrize("value", range(2, 9))
def test_a_tiff_is_turned_once(value):
    turned = decode_image(encoded(CAT, "TIFF", tiffinfo={0x0112: value}))
    by_png = decode_image(encoded(CAT, exif=exif(orientation(value))))
    np.testing.assert_array_equal(turned.image, by_png.image)
    assert turned.notes == by_png.notes != ()

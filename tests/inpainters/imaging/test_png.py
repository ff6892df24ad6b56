"""PNGs with long texts and profiles are read, whatever Pillow's limits say."""

import zlib

import numpy as np
import pytest
from made_files import CAT, SRGB, encoded, profile, with_chunk

from inpainters.imaging import decode_image

LONG = zlib.compress(b'{"node": 1}, ' * 120_000)
TEXTS = {
    "a workflow": (b"zTXt", b"workflow\0\0" + LONG),
    "XMP": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "plain text": (b"tEXt", b"parameters\0" + b"a cat, " * 1_000_000),
    "text that is cut": (b"zTXt", b"workflow\0\0" + LONG[:200]),
    "EXIF as text, very long": (b"zTXt", b"Raw profile type exif\0\0" + LONG * 20),
}


@pytest.mark.parametrize(("kind", "body"), TEXTS.values(), ids=TEXTS)
def test_long_texts(kind, body):
    loaded = decode_image(with_chunk(encoded(CAT), kind, body))
    np.testing.assert_array_equal(loaded.image, CAT)
    assert loaded.notes == ()


def test_many_texts():
    data = encoded(CAT)
    for number in range(80):
        data = with_chunk(data, b"zTXt", b"text%d\0\0" % number + zlib.compress(bytes(1_000_000)))
    np.testing.assert_array_equal(decode_image(data).image, CAT)


def test_a_large_profile_is_applied():
    small = profile("Linear", 1.0, SRGB)
    large = (len(small) + 1_500_000).to_bytes(4, "big") + small[4:] + bytes(1_500_000)
    loaded = decode_image(with_chunk(encoded(CAT), b"iCCP", b"display\0\0" + zlib.compress(large)))
    np.testing.assert_array_equal(loaded.image, decode_image(encoded(CAT, icc_profile=small)).image)
    assert loaded.notes == ("Converted from its colour profile to sRGB.",)


@pytest.mark.parametrize("body", [b"", b"name\0\0no deflate", b"name\0\0" + zlib.compress(bytes(1 << 26))])
def test_profiles_that_are_none_are_left_out(body):
    np.testing.assert_array_equal(decode_image(with_chunk(encoded(CAT), b"iCCP", body)).image, CAT)

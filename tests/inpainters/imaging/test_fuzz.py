"""Files of every format that are accepted, damaged in every way: nothing is thrown but our own sentence."""

import io
import os
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import SRGB, chunk, encoded, exif, orientation, profile, with_chunk
from PIL import Image as PilImage

from inpainters.errors import InputError
from inpainters.imaging import decode_image, load_mask, load_original

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
ALPHA = np.random.default_rng(1).integers(0, 256, (7, 9, 1), np.uint8)
TAGS = exif(orientation(6), (0x010F, 2, 6, b"Maker\0"), (0x011A, 5, 1, struct.pack("<II", 72, 1)))
LINEAR = profile("Linear", 1.0, SRGB)
FILES = {
    "PNG": encoded(PIXELS, exif=TAGS, icc_profile=LINEAR),
    "PNG, alpha": encoded(np.dstack([PIXELS, ALPHA])),
    "PNG, palette": encoded(PilImage.fromarray(PIXELS).quantize(8), transparency=1),
    "PNG, 16 bits": cv2.imencode(".png", PIXELS.astype(np.uint16) * 257)[1].tobytes(),
    "PNG, grey": encoded(PIXELS[..., 0].astype(np.uint16) * 200),
    "APNG": encoded(PilImage.fromarray(PIXELS), save_all=True, append_images=[PilImage.new("RGB", (9, 7))]),
    "JPEG": encoded(PIXELS, "JPEG", exif=TAGS, icc_profile=LINEAR),
    "JPEG, CMYK": encoded(PilImage.fromarray(PIXELS).convert("CMYK"), "JPEG", progressive=True),
    "WebP": encoded(PIXELS, "WEBP", exif=TAGS, icc_profile=LINEAR),
    "WebP, lossless": encoded(np.dstack([PIXELS, ALPHA]), "WEBP", lossless=True),
    "TIFF": encoded(PIXELS, "TIFF", tiffinfo={0x0112: 6, 0x010F: "Maker"}, icc_profile=LINEAR),
    "TIFF, deflated": encoded(PIXELS, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, float": encoded(PilImage.fromarray(PIXELS[..., 0].astype(np.float32) / 255), "TIFF"),
    "TIFF, 16 bits": cv2.imencode(".tiff", PIXELS.astype(np.uint16) * 257)[1].tobytes(),
    "BMP": encoded(PIXELS, "BMP"),
    "GIF": encoded(PilImage.fromarray(PIXELS).quantize(8), "GIF"),
    "PPM": encoded(PIXELS, "PPM"),
    "JPEG 2000": encoded(PIXELS, "JPEG2000"),
    "AVIF": encoded(PIXELS, "AVIF", exif=TAGS),
}
if find_spec("pillow_heif"):
    from pillow_heif import register_heif_opener

    register_heif_opener()
    FILES["HEIC"] = encoded(PIXELS, "HEIF", exif=TAGS)
SENTENCE = re.compile(r"|[^\n]+\.")
EXAMPLES = int(os.environ.get("FUZZ", "100"))
"""Of each test; `FUZZ=5000` looks further."""
fixed = settings(derandomize=True, deadline=None, max_examples=EXAMPLES, database=None)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "file"


def check(data: bytes, place: Path) -> None:
    """Every way into the program reads the file or refuses it in one sentence."""
    place.write_bytes(data)
    for read in (decode_image, lambda _: load_mask(place), lambda data: keep(data, place)):
        assert SENTENCE.fullmatch(refused(read, data))


def keep(data: bytes, place: Path) -> None:
    """What can be read can also be written as it was."""
    image = decode_image(data).image
    mask = np.zeros(image.shape[:2], bool)
    mask[:1, :2] = True
    written, _ = load_original(place).encode(255 - image, mask)
    assert decode_image(written).image.shape == image.shape


def refused(read: Callable[[bytes], object], data: bytes) -> str:
    """The sentence that refuses a file, empty where it is read; warnings count as errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(data)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_every_kind_is_read(data):
    assert decode_image(data).image.ndim == 3


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_cut_at_every_length(data):
    for length in range(len(data)):
        assert SENTENCE.fullmatch(refused(decode_image, data[:length]))


@fixed
@given(
    st.sampled_from(list(FILES)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.booleans(),
)
def test_bytes_that_are_changed(place, kind, changes, ahead):
    data = bytearray(FILES[kind])
    reach = min(len(data), 128) if ahead else len(data)
    for where, value in changes:
        data[min(int(where * reach), reach - 1)] = value
    check(bytes(data), place)


@fixed
@given(st.sampled_from(list(FILES)), st.floats(0, 1), st.binary(max_size=12), st.integers(0, 12))
def test_pieces_that_are_put_in_and_left_out(place, kind, where, piece, gone):
    data = FILES[kind]
    at = int(where * len(data))
    check(data[:at] + piece + data[at + gone :], place)


KINDS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"pHYs",
         b"tIME", b"zTXt", b"iTXt", b"tEXt", b"acTL", b"fcTL", b"fdAT", b"sBIT", b"\0\0\0\0")  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda body: b"name\0\0" + zlib.compress(body)),
    st.sampled_from(
        (TAGS[6:], LINEAR, b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 6\n4d4d002a"))
    ),
)


@fixed
@given(st.lists(st.tuples(st.sampled_from(KINDS), BODIES), min_size=1, max_size=4))
def test_chunks_of_a_png(place, chunks):
    data = FILES["PNG, palette"]
    for kind, body in chunks:
        data = with_chunk(data, kind, body)
    check(data, place)


@fixed
@given(
    st.binary(min_size=13, max_size=13),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from((1, 2, 4, 8, 16)),
)
def test_headers_of_a_png(place, rest, width, height, depth):
    header = struct.pack(">IIB", width, height, depth) + bytes([rest[0] % 8]) + rest[1:4]
    data = FILES["PNG"]
    check(data[:8] + chunk(b"IHDR", header) + data[33:], place)


ENTRIES = st.tuples(
    st.sampled_from((0x0100, 0x0102, 0x0103, 0x0106, 0x010F, 0x0111, 0x0112, 0x0115, 0x0117, 0x011A, 0x0128,
                     0x0132, 0x013E, 0x0142, 0x0153, 0x02BC, 0x8769, 0x8825, 0x8773, 0x927C, 0xA005, 0xC4A5)),
    st.integers(0, 16),
    st.integers(0, 70000),
    st.binary(max_size=24),
)  # fmt: skip


@fixed
@given(st.sampled_from(("JPEG", "PNG", "WEBP")), st.lists(ENTRIES, max_size=5))
def test_tags_of_every_type(place, kind, entries):
    check(encoded(PIXELS, kind, exif=exif(orientation(6), *entries)), place)


@fixed
@given(st.lists(ENTRIES, min_size=1, max_size=4))
def test_tags_of_a_tiff(place, entries):
    """The directory of a TIFF is made of the same entries, beside those of its pixels."""
    buffer = io.BytesIO(FILES["TIFF"])
    start = struct.unpack("<I", buffer.getvalue()[4:8])[0]
    count = struct.unpack("<H", buffer.getvalue()[start : start + 2])[0]
    data = bytearray(buffer.getvalue())
    for number, (tag, kind, length, value) in enumerate(entries):
        at = start + 2 + 12 * ((number * 5 + tag) % count)
        data[at : at + 12] = struct.pack("<HHI", tag, kind, length) + value[:4].ljust(4, b"\0")
    check(bytes(data), place)


@fixed
@given(st.lists(st.tuples(st.integers(0, len(LINEAR) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@pytest.mark.slow
def test_colour_profiles(place, changes):
    data = bytearray(LINEAR)
    for where, value in changes:
        data[where] = value
    check(encoded(PIXELS, icc_profile=bytes(data)), place)

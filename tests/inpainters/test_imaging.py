"""Every kind of file a person may hand over: converted with a note, or refused with one sentence."""

import contextlib
import errno
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PilImage
from skimage.data import chelsea

from inpainters.errors import InputError
from inpainters.imaging import (
    check_image,
    check_mask,
    composite,
    decode_image,
    encode_png,
    load_image,
    load_mask,
    pad_to_multiple,
    save_png,
    seam,
    shrink,
    shrink_mask,
    to_uint8,
)

CAT = chelsea()[100:140, 120:180]


def encoded(picture, kind="PNG", **settings):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def png_header(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data = b"IDAT" + zlib.compress(b"\0")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk
        + struct.pack(">I", len(data) - 4)
        + data
        + struct.pack(">I", zlib.crc32(data))
    )


def test_png_comes_back_bit_for_bit(tmp_path):
    save_png(tmp_path / "cat.png", CAT)
    loaded = load_image(tmp_path / "cat.png")
    assert np.array_equal(loaded.image, CAT)
    assert loaded.notes == ()
    assert loaded.transparent is None
    assert [path.name for path in tmp_path.iterdir()] == ["cat.png"]
    assert np.array_equal(load_image(CAT).image, CAT)
    assert np.array_equal(load_image(PilImage.fromarray(CAT)).image, CAT)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(2, CAT[:, ::-1]), (3, CAT[::-1, ::-1]), (6, np.rot90(CAT, -1)), (8, np.rot90(CAT))],
)
def test_exif_orientation(orientation, turned):
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    loaded = decode_image(encoded(PilImage.fromarray(CAT), exif=exif))
    assert np.array_equal(loaded.image, turned)
    assert any("EXIF" in note for note in loaded.notes)


@pytest.mark.parametrize(
    ("mode", "kind", "word"),
    [("CMYK", "TIFF", "CMYK"), ("L", "PNG", "grey"), ("1", "PNG", "black and white")],
)
def test_other_modes(mode, kind, word):
    picture = PilImage.fromarray(CAT).convert(mode)
    loaded = decode_image(encoded(picture, kind))
    assert np.array_equal(loaded.image, np.asarray(picture.convert("RGB")))
    assert any(word in note for note in loaded.notes)


def test_palette():
    picture = PilImage.fromarray(CAT).quantize(16)
    loaded = decode_image(encoded(picture))
    assert np.array_equal(loaded.image, np.asarray(picture.convert("RGB")))
    assert any("palette" in note for note in loaded.notes)


def test_sixteen_bits_are_rounded_not_cut():
    values = np.array([[0, 257, 257 * 128 + 128, 257 * 128 + 129, 65535]], np.uint16)
    loaded = decode_image(encoded(PilImage.fromarray(values)))
    assert loaded.image[0, :, 0].tolist() == [0, 1, 128, 129, 255]
    assert any("16-bit" in note for note in loaded.notes)


def test_16_bit_colour_is_said():
    deep = np.full((4, 5, 3), 40000, np.uint16)
    loaded = decode_image(cv2.imencode(".png", deep)[1].tobytes())
    assert loaded.notes == ("Converted from 16-bit to 8-bit.",)
    assert (loaded.image == 40000 >> 8).all()


def test_a_dark_sixteen_bit_picture_stays_dark():
    loaded = decode_image(encoded(PilImage.fromarray(np.array([[0, 200, 255]], np.uint16))))
    assert loaded.image.max() <= 1


def test_alpha_is_dropped_and_can_be_the_mask():
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[5:9, 7:20] = 0
    loaded = decode_image(encoded(PilImage.fromarray(np.dstack([CAT, alpha]))))
    assert np.array_equal(loaded.image, CAT)
    assert np.array_equal(loaded.transparent, alpha == 0)
    assert any("Alpha" in note for note in loaded.notes)
    opaque = decode_image(encoded(PilImage.fromarray(np.dstack([CAT, np.full_like(alpha, 255)]))))
    assert opaque.transparent is None


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_first_frame(kind):
    frames = [PilImage.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    loaded = decode_image(
        encoded(
            frames[0],
            kind,
            save_all=True,
            append_images=frames[1:],
            **({"lossless": True} if kind == "WEBP" else {}),
        )
    )
    assert (loaded.image == (255, 0, 0)).all()
    assert any("first frame" in note for note in loaded.notes)


def test_one_pixel():
    assert decode_image(encoded(PilImage.new("RGB", (1, 1), "red"))).image.tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"hello, I am not a picture", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture|damaged"),
        (encoded(PilImage.fromarray(CAT))[:900], "damaged or cut short"),
        (encoded(PilImage.fromarray(CAT), "JPEG")[:600], "damaged or cut short"),
        (png_header(20_000, 20_000), "20000×20000; the limit is 100 megapixels|too many pixels"),
        (png_header(100_000, 100_000), "100000×100000|too many pixels"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%PDF-1.4\n%%EOF", "not a picture"),
    ],
)
def test_refused_with_one_sentence(data, message, tmp_path):
    (tmp_path / "it.png").write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        load_image(tmp_path / "it.png")
    assert "it.png" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(InputError, match=r"There is no file 'no.png'"):
        load_image(tmp_path / "no.png")
    with pytest.raises(InputError, match="is a folder"):
        load_image(tmp_path)
    for odd in ("a\0b", "a" * 300):
        with pytest.raises(InputError, match="cannot be read"):
            load_image(odd)


def test_a_lack_of_memory_is_no_damage(monkeypatch):
    def lacking(*_):
        raise MemoryError

    monkeypatch.setattr("inpainters.imaging.reading.to_rgb", lacking)
    with pytest.raises(MemoryError):
        decode_image(encode_png(np.zeros((4, 4, 3), np.uint8)))


def test_a_cut_pil_image_is_refused():
    with pytest.raises(InputError, match="damaged or cut short"):
        load_image(PilImage.open(io.BytesIO(encoded(PilImage.fromarray(CAT))[:900])))


@pytest.mark.parametrize("odd", [None, CAT.tolist(), b"bytes", 3])
def test_other_types_are_refused(odd):
    for load in (load_image, load_mask):
        with pytest.raises(InputError, match="a path, a PIL image or a NumPy array"):
            load(odd)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    def fill_disk(path, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    save_png(tmp_path / "a.png", CAT)
    monkeypatch.setattr(Path, "replace", fill_disk)
    with pytest.raises(OSError, match="No space"):
        save_png(tmp_path / "a.png", 255 - CAT)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert np.array_equal(load_image(tmp_path / "a.png").image, CAT)


def test_any_cut_of_a_file_is_read_or_refused():
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"):
        data = encoded(PilImage.fromarray(CAT), kind)
        for length in range(0, len(data) - 1, max(1, len(data) // 25)):
            with contextlib.suppress(InputError):  # any other exception is the failure
                assert decode_image(data[:length]).image.dtype == np.uint8


def test_masks():
    hole = np.zeros((40, 60), bool)
    hole[3:9, 4:30] = True
    grey = np.where(hole, 128, 127).astype(np.uint8)
    for source in (
        hole,
        hole.astype(np.uint8),
        hole.astype(np.uint8) * 255,
        hole.astype(int),
        hole.astype(float),
    ):
        mask, notes = load_mask(source, (40, 60))
        assert np.array_equal(mask, hole)
        assert notes == ()
    mask, notes = load_mask(grey)
    assert np.array_equal(mask, hole)
    assert "128 and above" in notes[0]
    assert np.array_equal(load_mask(np.dstack([hole * np.uint8(255)] * 3))[0], hole)


def test_mask_files(tmp_path):
    hole = np.zeros((40, 60), bool)
    hole[3:9, 4:30] = True
    save_png(tmp_path / "mask.png", hole)
    assert np.array_equal(load_mask(tmp_path / "mask.png", (40, 60))[0], hole)
    one_bit = PilImage.fromarray(hole)
    assert one_bit.mode == "1"
    one_bit.save(tmp_path / "bit.png")
    assert np.array_equal(load_mask(tmp_path / "bit.png")[0], hole)
    PilImage.fromarray(np.dstack([np.zeros((40, 60, 3), np.uint8), hole * np.uint8(255)])).save(
        tmp_path / "alpha.png"
    )
    mask, notes = load_mask(tmp_path / "alpha.png")
    assert np.array_equal(mask, hole)
    assert "opaque = missing" in notes[0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((40, 61), bool), "The mask is 61×40, the picture 60×40"),
        (np.zeros(40, bool), "two dimensions"),
        (np.full((40, 60), 0.5), "bool or uint8"),
    ],
)
def test_masks_that_do_not_fit(mask, message):
    with pytest.raises(InputError, match=message):
        load_mask(mask, (40, 60))


def test_a_mask_is_copied():
    mask = np.zeros((4, 4), bool)
    load_mask(mask)[0][0, 0] = True
    assert not mask.any()


def test_checks():
    for bad in (CAT[..., :2], CAT.astype(float), CAT[:0], "cat.png", CAT[..., 0]):
        with pytest.raises(InputError):
            check_image(bad)
    for bad in (np.zeros((2, 2)), np.zeros(2, bool), None):
        with pytest.raises(InputError):
            check_mask(bad)


def test_to_uint8_rounds_and_clips():
    assert to_uint8(np.array([-3.0, 0.4, 0.6, 254.6, 300.0])).tolist() == [0, 0, 1, 255, 255]


def test_composite_keeps_known_pixels():
    mask = np.zeros(CAT.shape[:2], bool)
    mask[4, 5] = True
    result = composite(255 - CAT, CAT, mask)
    assert np.argwhere((result != CAT).any(axis=2)).tolist() == [[4, 5]]


def test_pad_to_multiple():
    assert pad_to_multiple(np.arange(3)[None].repeat(2, 0), 4)[0].tolist() == [0, 1, 2, 2]
    assert pad_to_multiple(CAT, 4) is CAT


def test_a_shrunk_mask_is_missing_where_half_is_and_empty_where_nothing_is():
    mask = np.zeros((4, 8), bool)
    assert not shrink_mask(mask, (2, 4)).any()
    mask[0, 0] = True  # a quarter, and the most of any
    assert np.argwhere(shrink_mask(mask, (2, 4))).tolist() == [[0, 0]]
    mask[2:4, 4] = True
    assert np.argwhere(shrink_mask(mask, (2, 4))).tolist() == [[1, 2]]


def test_a_mask_of_thin_gaps_is_known_where_anything_is():
    lines, grid, frame = (np.ones((8, 8), bool) for _ in range(3))
    lines[::2] = grid[::2, ::2] = frame[0] = False
    assert np.count_nonzero(shrink_mask(lines, (4, 4))) == 1
    assert np.count_nonzero(shrink_mask(grid, (4, 4))) == 1
    assert np.argwhere(~shrink_mask(frame, (4, 4)))[:, 0].tolist() == [0] * 4


def test_shrink_averages_known_pixels_only():
    image = np.zeros((2, 4, 3), np.uint8)
    image[:, :2] = 100
    image[:, 2:] = 200
    known = np.array([[True, False, True, True], [True, True, True, True]])
    image[0, 1] = 255
    assert shrink(image, (1, 2), known)[0, :, 0].tolist() == [100, 200]


def test_encode_png_is_lossless():
    assert np.array_equal(np.asarray(PilImage.open(io.BytesIO(encode_png(CAT)))), CAT)


def test_the_seam_is_the_step_across_the_edge():
    picture, mask = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool)
    mask[2:5, 2:5] = True
    picture[2:5, 2:5] = 51
    assert seam(picture, mask) == pytest.approx(0.2)
    picture[3, 3] = 255
    assert seam(picture, mask) == pytest.approx(0.2), "steps inside the hole do not count"
    assert np.isnan(seam(picture, np.ones_like(mask)))


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"])
def test_pixels_that_are_damaged_are_refused(exif):
    whole = encoded(PilImage.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)))
    data = encoded(PilImage.open(io.BytesIO(whole)), exif=exif) if exif else whole
    assert decode_image(data).image.size == 40 * 60 * 3
    middle = data.index(b"IDAT") + 1000
    with pytest.raises(InputError, match="damaged or cut short"):
        decode_image(data[:middle] + bytes(100) + data[middle + 100 :])


def test_a_picture_too_long_for_a_png_is_refused():
    with pytest.raises(InputError, match=r"1000001×1; a side may have 1,000,000 pixels\. Crop it first\."):
        decode_image(png_header(1_000_001, 1))

"""What the file had, the result keeps: read back by other readers than ours."""

import io

import cv2
import numpy as np
import pytest
from made_files import CAT, PROPHOTO, SRGB, encoded, exif, orientation, profile
from PIL import Image as PilImage
from PIL import ImageCms
from PIL.TiffImagePlugin import IFDRational

from inpainters.imaging import composite, load_image, load_original

HOLE = np.zeros((40, 60), bool)
HOLE[12:20, 20:35] = True
GREY = np.asarray(PilImage.fromarray(CAT).convert("L"))


def result_of(tmp_path, data, mask=HOLE, fill=(200, 100, 50)):
    """The PNG that a fill of one colour gives, its notes, and the sRGB picture that a method gave."""
    (tmp_path / "photo").write_bytes(data)
    image = load_image(tmp_path / "photo").image
    image = composite(np.full_like(image, fill), image, mask)
    written, notes = load_original(tmp_path / "photo").encode(image, mask)
    return written, notes, image


def pil(data):
    picture = PilImage.open(io.BytesIO(data))
    picture.load()
    return picture


def test_a_plain_photograph_stays_plain(tmp_path):
    data, notes, image = result_of(tmp_path, encoded(CAT))
    assert (pil(data).mode, pil(data).info, notes) == ("RGB", {}, ())
    np.testing.assert_array_equal(np.asarray(pil(data)), image)


def test_alpha_is_kept_and_the_hole_is_opaque(tmp_path):
    alpha = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    data, _, image = result_of(tmp_path, encoded(np.dstack([CAT, alpha])))
    found = np.asarray(pil(data))
    np.testing.assert_array_equal(found[..., 3], np.where(HOLE, 255, alpha))
    np.testing.assert_array_equal(found[..., :3], image)


def test_a_hole_that_was_alpha_leaves_none(tmp_path):
    data, _, _ = result_of(tmp_path, encoded(np.dstack([CAT, np.where(HOLE, 0, 255).astype(np.uint8)])))
    assert pil(data).mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_stays_grey(tmp_path, mode):
    picture = PilImage.fromarray(GREY).convert(mode)
    if mode == "LA":
        picture.putalpha(77)
    data, _, _ = result_of(tmp_path, encoded(picture), fill=(90, 90, 90))
    assert pil(data).mode == ("LA" if mode == "LA" else "L")
    found = np.asarray(pil(data).convert("L"))
    np.testing.assert_array_equal(found, np.where(HOLE, 90, np.asarray(picture.convert("L"))))


@pytest.mark.parametrize("primaries", [SRGB, PROPHOTO])
def test_the_profile_is_kept_and_known_pixels_are_those_of_the_file(tmp_path, primaries):
    own = profile("sRGB, they say", 1.0, primaries)
    data, notes, image = result_of(tmp_path, encoded(CAT, icc_profile=own))
    assert notes == ()
    assert pil(data).info["icc_profile"] == own
    np.testing.assert_array_equal(np.asarray(pil(data))[~HOLE], CAT[~HOLE])
    managed = ImageCms.profileToProfile(
        pil(data), ImageCms.ImageCmsProfile(io.BytesIO(own)), ImageCms.createProfile("sRGB")
    )
    assert np.abs(np.asarray(managed, int) - image)[HOLE].max() <= 4, "the fill is converted into the profile"


def test_a_profile_that_is_srgb_is_handed_on(tmp_path):
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data, notes, image = result_of(tmp_path, encoded(CAT, icc_profile=own))
    assert (pil(data).info["icc_profile"], notes) == (own, ())
    np.testing.assert_array_equal(np.asarray(pil(data)), image)
    grey, _, _ = result_of(tmp_path, encoded(GREY, icc_profile=own), fill=(90, 90, 90))
    assert pil(grey).mode == "L"  # PNG has no profile for colours in a grey picture
    assert "icc_profile" not in pil(grey).info


def test_grey_with_a_profile(tmp_path):
    own = profile("Linear", 1.0)
    data, _, _ = result_of(tmp_path, encoded(GREY, icc_profile=own), fill=(90, 90, 90))
    assert (pil(data).mode, pil(data).info["icc_profile"]) == ("L", own)
    found = np.asarray(pil(data))
    np.testing.assert_array_equal(found[~HOLE], GREY[~HOLE])
    linear = 255 * ((90 / 255 + 0.055) / 1.055) ** 2.4
    assert abs(found[HOLE].astype(float) - linear).max() <= 1


def deep(shape, kind):
    """Sixteen random bits for each value, as PNG or TIFF."""
    values = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    return values, cv2.imencode(kind, values)[1].tobytes()


@pytest.mark.parametrize("kind", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_sixteen_bits_outside_the_hole(tmp_path, kind, channels):
    values, file = deep((40, 60, *channels), kind)
    data, _, image = result_of(tmp_path, file, fill=(90, 90, 90))
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (found.dtype, found.shape) == (np.uint16, values.shape)
    np.testing.assert_array_equal(found[~HOLE], values[~HOLE])
    assert (found[HOLE][..., :3] == 90 * 257).all()
    assert image.dtype == np.uint8


def test_sixteen_bits_of_a_turned_file(tmp_path):
    values, file = deep((60, 40, 3), ".png")
    tagged = file[:33] + encoded(CAT, exif=exif(orientation(6)))[33:].split(b"IDAT")[0][:-4] + file[33:]
    data, _, _ = result_of(tmp_path, tagged)
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found[~HOLE], np.rot90(values, -1)[~HOLE])


def test_exif_without_orientation_preview_and_makers_notes(tmp_path):
    tags = PilImage.Exif()
    tags.update({0x0112: 6, 0x010F: "Maker", 0x0132: "2024:01:02 03:04:05"})
    tags[0x8769] = {
        0x829A: IFDRational(1, 60),
        0x927C: b"a preview of what was there",
        0xA002: 60,
        0xA003: 40,
    }
    tags[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    turned = np.rot90(CAT)
    thumbnail = encoded(turned, "JPEG", quality=30)
    block = tags.tobytes()
    data, _, _ = result_of(tmp_path, encoded(turned, "PNG", exif=block + thumbnail))
    found = pil(data).getexif()
    assert dict(found) == {0x010F: "Maker", 0x0132: "2024:01:02 03:04:05"} | {
        tag: found[tag] for tag in (0x8769, 0x8825)
    }
    assert found.get_ifd(0x8769) == {0x829A: pytest.approx(1 / 60)}
    assert found.get_ifd(0x8825)[2] == (52.0, 31.0, 0.0)
    assert load_image(tmp_path / "photo").image.shape == CAT.shape
    assert b"preview" not in data
    assert thumbnail[20:200] not in data


def test_tags_that_cannot_be_written_are_left_out_and_others_stay(tmp_path):
    odd = exif(
        (0x010F, 2, 6, b"Maker\0"), (0x011A, 10, 1, b"\xff\xff\xff\xff\0\0\0\0"), (0x0100, 2, 5, b"abcd\0")
    )
    data, _, _ = result_of(tmp_path, encoded(CAT, "JPEG", exif=odd))
    assert dict(pil(data).getexif()) == {0x010F: "Maker"}


@pytest.mark.parametrize("mode", ["CMYK", "F", "LAB"])
def test_colours_that_png_has_none_of_are_said(tmp_path, mode):
    picture = PilImage.fromarray(CAT)
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        picture = picture.convert("L").convert(mode) if mode == "F" else picture.convert(mode)
    data, notes, image = result_of(tmp_path, encoded(picture, "TIFF"))
    np.testing.assert_array_equal(np.asarray(pil(data)), image)
    assert "8-bit sRGB" in notes[0]

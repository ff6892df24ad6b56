"""Opening of good and bad files, and what the editor sends."""

import io
from functools import cache

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.server.pictures import from_result, open_mask, open_picture, read_canvas
from inpainters.errors import InputError
from inpainters.imaging import encode_png


def test_original_is_kept_byte_for_byte(store, photo, tmp_path, saved):
    path = saved(tmp_path, "a.jpg", PilImage.fromarray(photo), quality=71)
    picture = open_picture(store, path, "my photo.jpg")
    assert store.read(picture.original) == path.read_bytes()
    assert np.array_equal(store.image(picture.token), np.asarray(PilImage.open(path)))
    assert picture.size == (40, 60)


def test_exif_orientation_is_honoured(store, photo, tmp_path, saved):
    exif = PilImage.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, "turned.png", PilImage.fromarray(photo), exif=exif)
    picture = open_picture(store, path, "turned.png")
    assert picture.size == (60, 40)
    assert np.array_equal(store.image(picture.token), np.rot90(photo, -1))
    assert any("upright" in note for note in picture.notes)


@pytest.mark.parametrize(
    ("mode", "word"), [("CMYK", "CMYK"), ("P", "palette"), ("L", "grey"), ("I;16", "16-bit")]
)
def test_conversions_are_said(store, photo, tmp_path, mode, word, saved):
    deep = PilImage.fromarray(photo[..., 0].astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else PilImage.fromarray(photo).convert(mode)
    path = saved(tmp_path, "x.tif", picture)
    assert any(word in note for note in open_picture(store, path, "x.tif").notes)


def test_transparent_pixels_become_a_mask(store, photo, tmp_path, saved):
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[5:9, 7:20] = 0
    path = saved(tmp_path, "x.png", PilImage.fromarray(np.dstack([photo, alpha])))
    picture = open_picture(store, path, "x.png")
    assert np.array_equal(store.mask(picture.transparent), alpha == 0)


@cache
def huge():
    file = io.BytesIO()
    PilImage.new("1", (20000, 20000)).save(file, "PNG")
    return file.getvalue()


def bad_files(photo):
    buffer = io.BytesIO()
    PilImage.fromarray(photo).save(buffer, "PNG")
    whole = buffer.getvalue()
    tiny = io.BytesIO()
    PilImage.fromarray(photo[:1, :1]).save(tiny, "PNG")
    return {
        "empty": b"",
        "text": b"hello, I am not a picture",
        "cut short": whole[: len(whole) // 2],
        "altered": whole[:60] + bytes(100) + whole[160:],
        "1x1": tiny.getvalue(),
        "20,000x20,000": huge(),
    }


@pytest.mark.parametrize("kind", ["empty", "text", "cut short", "altered", "1x1", "20,000x20,000"])
@pytest.mark.slow
def test_bad_files_get_one_sentence_with_the_visitors_name(store, photo, tmp_path, kind):
    path = tmp_path / "0123456789.png"
    path.write_bytes(bad_files(photo)[kind])
    with pytest.raises(InputError) as caught:
        open_picture(store, path, "holiday.png")
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "holiday.png" in sentence
    assert str(tmp_path) not in sentence


def test_animated_picture_opens_with_its_first_frame(store, photo, tmp_path):
    frames = [PilImage.fromarray(photo), PilImage.fromarray(255 - photo)]
    path = tmp_path / "x.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    picture = open_picture(store, path, "x.webp")
    assert np.array_equal(store.image(picture.token), photo)
    assert any("first frame" in note for note in picture.notes)


def test_a_preview_is_small_and_the_picture_is_not(store):
    wide = np.zeros((20, 2500, 3), np.uint8)
    picture = from_result(store, store.put(encode_png(wide)), "wide")
    assert store.image(picture.preview).shape[1] == 2048
    assert picture.size == (20, 2500)


def test_canvas_mask_alpha_255_is_missing(rgba_mask):
    mask = np.zeros((40, 60), bool)
    mask[3:8, 10:12] = True
    found, sketch = read_canvas(rgba_mask(mask), (40, 60))
    assert np.array_equal(found, mask)
    assert sketch is None
    assert read_canvas(rgba_mask(np.ones((40, 60), bool)), (40, 60))[0].all()


NOTHING, SIZES = "Nothing is masked", "The mask is 60×20, the picture 60×40. Use the same size."


@pytest.mark.parametrize(
    ("mask", "words"), [(np.zeros((40, 60), bool), NOTHING), (np.ones((20, 60), bool), SIZES)]
)
def test_bad_canvas_masks(rgba_mask, mask, words):
    with pytest.raises(InputError, match=words):
        read_canvas(rgba_mask(mask), (40, 60))


def test_what_is_no_mask_at_all(data_url):
    for junk in (data_url(b"junk"), "data:image/png;base64,§"):
        with pytest.raises(InputError, match="did not arrive whole"):
            read_canvas(junk, (40, 60))
    with pytest.raises(InputError, match=NOTHING):
        read_canvas("", (40, 60))


def test_a_sketch_counts_inside_the_hole_alone(data_url):
    sent = np.zeros((40, 60, 4), np.uint8)
    sent[10:20, 10:20, 3] = 255
    sent[15, :, 0] = 255
    mask, sketch = read_canvas(data_url(encode_png(sent)), (40, 60))
    assert mask.sum() == 100
    assert np.argwhere(sketch).tolist() == [[15, column] for column in range(10, 20)]


def test_mask_file_of_another_size(tmp_path, saved):
    path = saved(tmp_path, "m.png", PilImage.new("L", (512, 512), 255))
    with pytest.raises(InputError, match=r"The mask is 512×512, the picture 60×40\. Use the same size\."):
        open_mask(path, (40, 60), "m.png")

"""HEIC, as telephones write it: read where its package is installed, said where not."""

import sys

import numpy as np
import pytest
from made_files import CAT
from PIL import Image as PilImage

from inpainters.errors import InputError
from inpainters.imaging import decode_image, load_image


def test_a_photograph_of_a_telephone(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(PilImage.fromarray(CAT)).save(tmp_path / "IMG_1.HEIC", quality=-1)
    loaded = load_image(tmp_path / "IMG_1.HEIC")
    assert np.abs(loaded.image.astype(int) - CAT).mean() < 3
    with pytest.raises(InputError, match=r"damaged|not a picture"):
        decode_image((tmp_path / "IMG_1.HEIC").read_bytes()[:-100])


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_without_its_package_the_sentence_names_it(monkeypatch, brand):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        InputError, match=r"'a\.heic' is HEIC: run `pip install pillow-heif`, or save it as JPEG"
    ):
        decode_image(b"\0\0\0\x18ftyp" + brand + bytes(40), "'a.heic'")

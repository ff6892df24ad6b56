"""Painted masks in a link."""

import base64
import zlib

import numpy as np
import pytest

from demo.server.linked import mask_of
from inpainters.errors import InputError

# 5 wide, 3 high: rows .XX.. ..... XXXXX, written by hand; 300 wide by 1: 200 known, then 100
SMALL, LONG = bytes([5, 3, 1, 2, 7, 5]), bytes([0xAC, 2, 1, 0xC8, 1, 100])


def link(data):
    return "runs:" + base64.urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")


def test_masks_come_back_from_their_runs():
    assert mask_of(link(SMALL), (3, 5)).astype(int).tolist() == [[0, 1, 1, 0, 0], [0] * 5, [1] * 5]
    assert np.flatnonzero(mask_of(link(LONG), (1, 300))).tolist() == [*range(200, 300)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("runs:", "damaged|not whole"),
        ("runs:%%%", "damaged"),
        ("runs:é", "damaged"),
        (link(SMALL)[:-4], "damaged|not whole"),
        ("runs:" + "A" * 9000, "longer than 8 kB"),
        (link(bytes(3 << 20)), "too large"),
        (link(b""), "too early"),
        (link(SMALL[:-1] + b"\x85"), "too early"),
        (link(SMALL[:-1]), "do not add up"),
        (link(SMALL + b"\x01"), "do not add up"),
        (link(bytes([5, 3, 255, 255, 255, 255, 255, 1])), "beyond all pictures"),
        (link(bytes([4, 3, 12])), "4×3, the picture 5×3"),
    ],
)
def test_what_is_no_mask_of_the_picture_gets_one_sentence(text, words):
    with pytest.raises(InputError, match=words):
        mask_of(text, (3, 5))

"""What a file says of itself beside its pixels: its orientation, and its EXIF without it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

ORIENTATION = 0x0112
_DAMAGED = "Its EXIF data is damaged and was ignored."
_TURNS = {
    2: PilImage.Transpose.FLIP_LEFT_RIGHT,
    3: PilImage.Transpose.ROTATE_180,
    4: PilImage.Transpose.FLIP_TOP_BOTTOM,
    5: PilImage.Transpose.TRANSPOSE,
    6: PilImage.Transpose.ROTATE_270,
    7: PilImage.Transpose.TRANSVERSE,
    8: PilImage.Transpose.ROTATE_90,
}


def upright(picture: PilImage.Image, notes: list[str]) -> tuple[PilImage.Image, PilImage.Transpose | None]:
    """The decoded picture as its EXIF orientation says, and how it was turned; `notes` gets what was done, or
    what is wrong with it.

    Pixels are moved and no tag is written: writing fails on tags that reading bears.
    """
    by_itself = _turn(picture, notes) if picture.format == "TIFF" else None  # as loading a TIFF turns it
    picture.load()  # before tags of other files are read, which may load them too and swallow what is damaged
    turn = _turn(picture, notes)
    if turn is not None or by_itself is not None:
        notes.append("Turned upright as its EXIF orientation says.")
    return (picture, by_itself) if turn is None else (picture.transpose(turn), turn)


def turned(array: npt.NDArray[Any], turn: PilImage.Transpose | None) -> npt.NDArray[Any]:
    """(H, W, ...) turned as a picture is."""
    match turn:
        case PilImage.Transpose.FLIP_LEFT_RIGHT:
            return array[:, ::-1]
        case PilImage.Transpose.FLIP_TOP_BOTTOM:
            return array[::-1]
        case PilImage.Transpose.TRANSPOSE:
            return array.swapaxes(0, 1)
        case PilImage.Transpose.TRANSVERSE:
            return np.rot90(array, 2).swapaxes(0, 1)
        case None:
            return array
    quarters = {PilImage.Transpose.ROTATE_90: 1, PilImage.Transpose.ROTATE_180: 2}
    return np.rot90(array, quarters.get(turn, 3))


_SAID = (270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 33432, *range(40091, 40096))
"""Tags that say something of the photograph, not of how its file holds the pixels."""
_EXIF, _GPS = 0x8769, 0x8825
_LEFT_OUT = (0x927C, 0xA005)
"""The maker's own notes, whose places are lost in another file, and which may hold a preview of what was
there; and what names other blocks.
"""
_SIZE = (0xA002, 0xA003)


def kept_exif(picture: PilImage.Image, *, turned: bool) -> bytes | None:
    """The EXIF block of an opened picture, as PNG holds it: without orientation, previews and maker's notes,
    and without tags that cannot be written; None where nothing is left.
    """
    try:
        found = picture.getexif()
        blocks = {tag: found.get_ifd(tag) for tag in (_EXIF, _GPS)}
    except Exception:  # as in _turn
        return None
    kept = PilImage.Exif()
    for tag in _SAID:
        if tag in found and _written({tag: found[tag]}):
            kept[tag] = found[tag]
    for block, entries in blocks.items():
        lost = {*_LEFT_OUT, *(_SIZE if turned else ())}
        own = {
            tag: value
            for tag, value in entries.items()
            if tag not in lost and _written({block: {tag: value}})
        }
        if own:
            kept[block] = own
    return kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) else None


def _written(entries: Mapping[int, object]) -> bool:
    """True where these can be written."""
    exif = PilImage.Exif()
    exif.update(entries)
    try:
        exif.tobytes()
    except Exception:  # odd types and values
        return False
    return True


def _turn(picture: PilImage.Image, notes: list[str]) -> PilImage.Transpose | None:
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # whatever the reader of tags throws, the pixels are whole
        if _DAMAGED not in notes:
            notes.append(_DAMAGED)
        return None
    return _TURNS.get(value) if isinstance(value, int) else None

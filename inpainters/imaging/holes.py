"""Which pixels a file or an array calls missing."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from inpainters.errors import InputError
from inpainters.imaging.arrays import Image, Mask
from inpainters.imaging.colour import HOLE_DROPPED, THRESHOLD, alpha_of, has_alpha, to_8_bit
from inpainters.imaging.reading import MAX_PIXELS, Source, Upright, is_rgba, load_image, opened

ALPHA = "alpha"
"""In place of a mask: the photograph's own transparent pixels are missing."""
_Found = tuple[Mask, tuple[str, ...]]
_FLAT = 8
"""A layer of strokes has no more colours than this, in steps of 16; a photograph has more."""
_NEARLY = 5
"""Alpha that varies by less than this is even: the rounding of some editor."""
_WHOLE = (0, 1, 255, 65535)
"""What a mask with one value may hold: all is known, or all is missing."""
_CLEAR = "The mask is transparent everywhere: by its alpha nothing is missing."
_TRANSPARENT = "The mask was taken from the file's alpha: transparent = missing."
_OPAQUE = "The mask was taken from the file's alpha: opaque = missing."
_BY_ALPHA = {_CLEAR, _TRANSPARENT, _OPAQUE}
_CLEARER = "Save the mask in black and white, white = missing."


class NothingTransparentError(InputError):
    """A picture's alpha was to be the mask, and all of it is opaque."""


class _UnclearError(InputError):
    """It cannot be told which pixels are meant."""


@dataclass(frozen=True)
class LoadedPair:
    """A picture, its hole, and what was converted."""

    image: Image
    mask: Mask
    notes: tuple[str, ...]


def load_pair(image: Source, mask: Source, *, max_pixels: int = MAX_PIXELS) -> LoadedPair:
    """A picture and its mask, of one size; the mask "alpha" is the picture's own transparent pixels.

    Raises InputError as `load_image` and `load_mask` do, NothingTransparentError where nothing is.
    """
    picture = load_image(image, max_pixels=max_pixels)
    if not (isinstance(mask, str) and mask == ALPHA):
        hole, notes = load_mask(mask, picture.image.shape[:2])
        return LoadedPair(picture.image, hole, (*picture.notes, *notes))
    if picture.transparent is None:
        name = f"'{os.path.basename(image)}'" if isinstance(image, str | os.PathLike) else "The picture"
        raise NothingTransparentError(
            f"{name} has no transparent pixels: erase what is to be filled, or name a mask in place of "
            "'alpha'."
        )
    notes = tuple(note for note in picture.notes if note != HOLE_DROPPED)
    return LoadedPair(picture.image, picture.transparent, (*notes, "Its transparent pixels are the mask."))


def load_mask(source: Source, size: tuple[int, ...] | None = None, *, white_missing: bool = True) -> _Found:
    """Return a mask and notes; white = missing, or known where `white_missing` is False. `size` is the
    picture's (height, width), asserted where given.

    Where alpha varies it is the mask: of a layer of strokes whatever is painted, of a picture what is
    transparent. Of two levels the brighter one is missing; more are cut at 128. Raises InputError where it
    cannot be told what is meant.
    """
    if isinstance(source, np.ndarray) and not is_rgba(source):
        mask, notes = _of_array(source)
    else:
        mask, notes = opened(source, MAX_PIXELS, _of_picture)
    if size is not None and mask.shape != tuple(size):
        raise InputError(
            f"The mask is {mask.shape[1]}×{mask.shape[0]}, the picture {size[1]}×{size[0]}. Use the same "
            "size."
        )
    if white_missing:
        return mask, notes
    if not _BY_ALPHA.isdisjoint(notes):
        raise InputError(f"The mask is its file's alpha, which has no white to be known. {_CLEARER}")
    return ~mask, notes


def load_guide(source: Source) -> Mask:
    """A sketch, (H, W) bool, True where a line is: what `load_mask` would call missing. Raises InputError
    where it cannot be told which pixels are lines, or as `load_mask` does.
    """
    try:
        return load_mask(source)[0]
    except _UnclearError:
        raise InputError(
            "It cannot be told where the sketch has its lines: save it in black and white, white = a line."
        ) from None


def _of_array(values: npt.NDArray[Any]) -> _Found:
    if values.ndim == 3:
        values = values[..., :3].max(axis=2) if values.shape[2] else values
    if values.ndim != 2 or not values.size:
        raise InputError(
            f"A mask has two dimensions, height and width; this one has the shape {values.shape}."
        )
    levels = _levels(values)
    if values.dtype != np.uint8 and (len(levels) > 2 or (len(levels) == 1 and levels[0] not in _WHOLE)):
        raise InputError(f"A mask is bool or uint8 (255 = missing), not {values.dtype}; convert it first.")
    return _of_levels(values)


def _of_picture(found: Upright) -> _Found:
    picture = found.picture
    if has_alpha(picture):
        alpha = alpha_of(picture)
        if np.ptp(alpha) >= _NEARLY:
            return _of_alpha(np.asarray(picture.convert("RGBA").convert("RGB")), alpha)
        if not alpha.size or alpha.max() < _NEARLY:
            return np.zeros(alpha.shape, bool), (_CLEAR,)
    return _of_levels(_brightness(picture))


def _brightness(picture: PilImage.Image) -> npt.NDArray[Any]:
    """(H, W): the values of a grey picture as they are stored, or the brightest channel; no profile changes
    them.
    """
    if picture.mode in ("1", "L", "F") or picture.mode.startswith("I"):
        return np.asarray(picture)
    brightest: npt.NDArray[Any] = np.asarray(picture.convert("RGB")).max(axis=2)
    return brightest


def _of_alpha(rgb: Image, alpha: npt.NDArray[np.uint8]) -> _Found:
    """The mask of a layer, or of a picture with a hole."""
    colours = np.unique(rgb[alpha >= (int(alpha.max()) + 1) // 2] >> 4, axis=0)
    if len(colours) > _FLAT:
        low = alpha < THRESHOLD
        missing = low if low.any() else alpha == alpha.min()
        if 2 * missing.sum() > missing.size:
            raise _UnclearError(
                "Most of the mask's picture is transparent, so that it cannot be told which part is meant. "
                + _CLEARER
            )
        return missing, (_TRANSPARENT,)
    if colours.min() == 0 and (colours.min(axis=1) == 15).any() and (colours.max(axis=1) == 0).any():
        raise _UnclearError(
            "The mask is black, white and transparent: it cannot be told which is meant. " + _CLEARER
        )
    painted: Mask = alpha > alpha.min()
    return painted, (_OPAQUE,)


def _of_levels(values: npt.NDArray[Any]) -> _Found:
    """The brighter of two levels is missing; of more, those from 128 of 255 on."""
    if values.dtype == bool:
        return values.copy(), ()
    levels = _levels(values)
    if len(levels) == 2:
        low, high = levels
        return values == high, _said(low, high, values.dtype)
    grey = values if values.dtype == np.uint8 else to_8_bit(values)
    one = len(levels) == 1 and levels[0] == 1
    missing: Mask = np.ones(values.shape, bool) if one else grey >= THRESHOLD
    if levels.any() and not missing.any():
        raise _UnclearError(
            f"The brightest value of the mask is {levels.max():g}, too dark to be white: it cannot be told "
            f"what is missing. {_CLEARER}"
        )
    note = f"The mask has grey levels; {THRESHOLD} and above counts as missing."
    return missing, (note,) if len(levels) > 1 else ()


def _levels(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The values that occur, rising."""
    if values.dtype == np.uint8:
        return np.flatnonzero(np.bincount(values.ravel(), minlength=1))
    return np.unique(values)


def _said(low: Any, high: Any, kind: Any) -> tuple[str, ...]:
    if low == 0 and high in (1, 255, 65535):
        return ()
    if kind == np.uint8 and low < THRESHOLD <= high:
        return (f"The mask has grey levels; {THRESHOLD} and above counts as missing.",)
    return (f"The mask has two levels, {low:g} and {high:g}; {high:g} counts as missing.",)

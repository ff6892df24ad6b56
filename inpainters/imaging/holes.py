"""Which pixels a file or an array calls missing."""

from typing import Any

import numpy as np
import numpy.typing as npt

from inpainters.errors import InputError
from inpainters.imaging.arrays import Mask
from inpainters.imaging.colour import THRESHOLD
from inpainters.imaging.reading import Source, load_image


def load_mask(source: Source, size: tuple[int, int] | None = None) -> tuple[Mask, tuple[str, ...]]:
    """Return a mask (white = missing) and notes. `size` is the picture's (height, width), asserted where
    given.

    Grey is cut at 128; a picture with transparency and no other content counts its opaque pixels as missing.
    """
    if isinstance(source, np.ndarray):
        mask, notes = _mask_from_array(source)
    else:
        loaded = load_image(source)
        grey = loaded.image.max(axis=2)
        if loaded.transparent is not None and (grey == grey.flat[0]).all():
            mask, notes = (
                ~loaded.transparent,
                ("The mask was taken from the file's alpha: opaque = missing.",),
            )
        else:
            mask, notes = _mask_from_array(loaded.image)
    if size is not None and mask.shape != tuple(size):
        raise InputError(
            f"The mask is {mask.shape[1]}×{mask.shape[0]}, the picture {size[1]}×{size[0]}. Use the same "
            "size."
        )
    return mask, notes


def _mask_from_array(values: npt.NDArray[Any]) -> tuple[Mask, tuple[str, ...]]:
    if values.ndim == 3:
        values = values[..., :3].max(axis=2)
    if values.ndim != 2:
        raise InputError(
            f"A mask has two dimensions, height and width; this one has the shape {values.shape}."
        )
    if values.dtype == bool:
        return values.copy(), ()
    if values.dtype != np.uint8:
        if not ((values == 0) | (values == 1)).all():
            raise InputError(
                f"A mask is bool or uint8 (255 = missing), not {values.dtype}; convert it first."
            )
        return values.astype(bool), ()
    if values.max(initial=0) == 1:  # 0 and 1, the other common way to store a mask
        return values.astype(bool), ()
    grey = bool(((values > 0) & (values < 255)).any())
    note = (f"The mask has grey levels; {THRESHOLD} and above counts as missing.",) if grey else ()
    missing: Mask = values >= THRESHOLD
    return missing, note

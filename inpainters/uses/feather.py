"""A soft edge for a hole: a ring of known pixels around it in which the picture goes over into the fill.

    python -m inpainters fill PHOTO MASK --method lama --feather 8 -o OUT.png

A method keeps every known pixel, so there is nothing of its own around the hole to go over into. With a
feather it fills a hole that is wider by the ring; the hole itself is all fill, the ring is mixed, and what
lies beyond stays bit for bit.
"""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.base import InpaintResult
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask, composite, to_uint8

MOST_FEATHER = 32
"""Pixels of the widest ring."""


def checked_feather(value: object) -> int:
    """The width of a ring in whole pixels, 0 for none; raises InputError for what is no such thing."""
    try:
        pixels = int(str(value))
    except ValueError:
        pixels = -1
    if not 0 <= pixels <= MOST_FEATHER:
        raise InputError(f"A feather is between 0 and {MOST_FEATHER} whole pixels.")
    return pixels


def soft_edge(mask: Mask, pixels: int) -> npt.NDArray[np.float32]:
    """How much of each pixel is the fill: (H, W) float32 in [0, 1].

    1 in the hole, 0 from `pixels` + 1 away from it, and between them 3t² - 2t³ with t = 1 - d / (pixels + 1),
    where d is the distance to the nearest missing pixel: the ramp has no kink at either end.
    """
    if not pixels or not mask.any():
        return mask.astype(np.float32)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    t = np.clip(1 - distance / np.float32(pixels + 1), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def widened(mask: Mask, pixels: int) -> Mask:
    """The hole with its ring: (H, W) bool, what a method fills. Raises InputError where the ring would take
    the last known pixel.
    """
    if not pixels:
        return mask
    wide: Mask = soft_edge(mask, pixels) > 0
    if wide.all() and not mask.all():
        raise InputError(f"With a feather of {pixels} px nothing known is left: choose a smaller one.")
    return wide


def feathered(fill: Image, image: Image, mask: Mask, pixels: int) -> Image:
    """`fill` in the hole, `image` bit for bit beyond the ring, both mixed in it; a new (H, W, 3) uint8 array.
    `fill` must have been drawn for the `widened` mask.
    """
    share = soft_edge(mask, pixels)
    mixed, ring = composite(fill, image, mask), (share > 0) & ~mask
    before, part = image[ring].astype(np.float32), share[ring][:, None]
    mixed[ring] = to_uint8(before + part * (fill[ring] - before))
    return mixed


def feathered_result(result: InpaintResult, image: Image, mask: Mask, pixels: int) -> InpaintResult:
    """The answer to the `widened` mask with its edge made soft, and a note that says so."""
    if not pixels or not mask.any():
        return result
    note = f"Feathered: the known pixels up to {pixels} px from the hole are mixed with the fill."
    return replace(result, image=feathered(result.image, image, mask, pixels), notes=(*result.notes, note))

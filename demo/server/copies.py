"""Copies of pictures that a page shows: shrunk, holes hatched, and thumbnails of what is around a hole."""

import numpy as np
from PIL import Image as PilImage

from inpainters.imaging import Image, Mask
from inpainters.strategy import Box

GREYS = np.array([[119, 123, 130], [138, 142, 149]], np.uint8)
"""Of the stripes over a hole."""
MOST_SIDE = 1024
"""Frames are kept with at most this many pixels a side; for looking at, that is enough."""
THUMBNAIL = 132
"""Side of the thumbnails of several answers, in pixels: twice what is shown."""


def around(mask: Mask) -> Box:
    """A square around the hole, with some of what is known, as far as the picture has room for one."""
    spans = [_span(np.any(mask, axis=1)), _span(np.any(mask, axis=0))]
    side = min(*mask.shape, max(16, round(1.3 * max(end - start for start, end in spans))))
    top, left = (
        max(0, min((sum(span) - side) // 2, length - side))
        for span, length in zip(spans, mask.shape, strict=True)
    )
    return top, left, top + side, left + side


def _span(missing: Mask) -> tuple[int, int]:
    places = np.nonzero(missing)[0]
    return int(places.min(initial=len(missing))), int(places.max(initial=-1)) + 1


def at_most(image: Image, side: int = MOST_SIDE) -> Image:
    """The picture, shrunk to `side` pixels where one of its sides is longer."""
    if max(image.shape[:2]) <= side:
        return image
    small = PilImage.fromarray(np.ascontiguousarray(image))
    small.thumbnail((side, side))
    return np.asarray(small)


def thumbnail(image: Image, square: Box) -> Image:
    """That part of a picture, at most `THUMBNAIL` pixels a side."""
    top, left, bottom, right = square
    return at_most(image[top:bottom, left:right], THUMBNAIL)


def hatched(image: Image, mask: Mask) -> Image:
    """The picture with its hole hatched in two greys: nothing is known there."""
    width, (rows, columns) = max(2, max(mask.shape) // 96), np.nonzero(mask)
    shown = image.copy()
    shown[rows, columns] = GREYS[(rows + columns) // width % 2]
    return shown

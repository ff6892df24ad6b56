"""Where a method works: crops around the holes, capped and padded to what the method can bear.

One place for all methods, so that none resizes known pixels in silence and a one-pixel hole in a huge picture
is cheap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from inpainters.imaging import Image, Mask, enlarge, pad_to_multiple, shrink, shrink_guide, shrink_mask

_TILE = 16  # px; holes are grouped on a grid this coarse, so that the grouping costs nothing
_MOST_WINDOWS = 64  # above this, one window around everything is cheaper than bookkeeping


@dataclass(frozen=True)
class Strategy:
    """What a method can bear. The defaults suit a method of linear cost."""

    context: float = 1.0
    """Margin around a hole, as a fraction of the longer side of its bounding box."""
    min_context: int = 32
    """The margin is at least this many pixels."""
    max_pixels: int | None = None
    """Windows of more pixels are shrunk to this many; the fill is enlarged and a note says so."""
    max_missing: int | None = None
    """The same for the missing pixels inside a window."""
    multiple: int = 1
    """Both sides are padded by reflection to a multiple of this."""
    side: int | None = None
    """Of a network that knows pictures of one size alone: windows grow to this many pixels a side where the
    picture has them, and longer ones are shrunk to it."""


@dataclass(frozen=True)
class Window:
    """One crop of a picture: rows top:bottom, columns left:right, worked on at `scale` (1 = as it is)."""

    top: int
    left: int
    bottom: int
    right: int
    scale: float = 1.0
    multiple: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) the method works at, before padding."""
        height, width = self.bottom - self.top, self.right - self.left
        if self.scale == 1.0:
            return height, width
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

    @property
    def notes(self) -> tuple[str, ...]:
        if self.scale == 1.0:
            return ()
        return (
            f"The fill was drawn at {self.scale:.0%} of the size and enlarged: the hole is large for this "
            "method.",
        )

    def cut(self, image: Image, mask: Mask) -> tuple[Image, Mask]:
        """Return the piece of `image` and `mask` to work on; missing pixels are 0 in it."""
        rows, columns = slice(self.top, self.bottom), slice(self.left, self.right)
        mask = mask[rows, columns].copy()  # a method may write to its piece, never to the request
        image = np.where(mask[..., None], np.uint8(0), image[rows, columns])
        if self.scale != 1.0:
            image, mask = shrink(image, self.size, known=~mask), shrink_mask(mask, self.size)
            image[mask] = 0
        return pad_to_multiple(image, self.multiple), pad_to_multiple(mask, self.multiple)

    def cut_guide(self, guide: Mask) -> Mask:
        """Return the part of the (H, W) bool sketch `guide` that belongs to `cut`; its lines survive
        shrinking.
        """
        guide = guide[self.top : self.bottom, self.left : self.right]
        return pad_to_multiple(guide if self.scale == 1.0 else shrink_guide(guide, self.size), self.multiple)

    def paste(self, picture: Image, filled: Image) -> None:
        """Write a fill of the cut's size into `picture`, in place."""
        height, width = self.size
        filled = filled[:height, :width]
        if self.scale != 1.0:
            filled = enlarge(filled, (self.bottom - self.top, self.right - self.left))
        picture[self.top : self.bottom, self.left : self.right] = filled


def windows(mask: Mask, strategy: Strategy) -> list[Window]:
    """Return disjoint windows that together hold every missing pixel of the (H, W) bool `mask`; none where
    none is missing.
    """
    return [_cap(box, mask, strategy) for box in frames(holes(mask), mask.shape, strategy)]


Box = tuple[int, int, int, int]  # top, left, bottom, right


def frames(boxes: Sequence[Box], shape: tuple[int, ...], strategy: Strategy) -> list[Box]:
    """The windows' frames in a picture of (height, width), from the boxes of its holes alone."""
    found = [_grow(box, shape, strategy) for box in boxes]
    while (merged := _merge(found)) != found:
        found = merged
    return found


def holes(mask: Mask) -> list[Box]:
    """Tight boxes around groups of missing pixels that are near each other."""
    height, width = mask.shape
    tiles = np.zeros((-(-height // _TILE), -(-width // _TILE)), bool)
    rows, columns = np.nonzero(mask)
    tiles[rows // _TILE, columns // _TILE] = True
    labels, count = ndimage.label(tiles, np.ones((3, 3)))
    if count > _MOST_WINDOWS:
        labels, count = tiles.astype(np.int32), 1
    boxes = []
    for index, place in enumerate(ndimage.find_objects(labels)[:count]):
        top, left = place[0].start * _TILE, place[1].start * _TILE
        group = np.kron(labels[place] == index + 1, np.ones((_TILE, _TILE), bool))
        part = mask[top : top + group.shape[0], left : left + group.shape[1]]
        rows, columns = np.nonzero(part & group[: part.shape[0], : part.shape[1]])
        boxes.append((top + rows.min(), left + columns.min(), top + rows.max() + 1, left + columns.max() + 1))
    return [tuple(int(x) for x in box) for box in boxes]  # type: ignore[misc]


def _grow(box: Box, shape: tuple[int, ...], strategy: Strategy) -> Box:
    top, left, bottom, right = box
    margin = max(strategy.min_context, round(strategy.context * max(bottom - top, right - left)))
    top, bottom = _stretch(max(0, top - margin), min(shape[0], bottom + margin), shape[0], strategy.side or 0)
    left, right = _stretch(max(0, left - margin), min(shape[1], right + margin), shape[1], strategy.side or 0)
    return top, left, bottom, right


def _stretch(start: int, end: int, limit: int, least: int) -> tuple[int, int]:
    """`least` long or longer, around the same middle as far as 0 and `limit` let it."""
    length = max(end - start, min(least, limit))
    start = min(max(0, start - (length - end + start) // 2), limit - length)
    return start, start + length


def _merge(boxes: list[Box]) -> list[Box]:
    merged: list[Box] = []
    for box in boxes:
        for other in [
            o for o in merged if box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3]
        ]:
            merged.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        merged.append(box)
    return merged


def _cap(box: Box, mask: Mask, strategy: Strategy) -> Window:
    top, left, bottom, right = box
    pixels = (bottom - top) * (right - left)
    scale = 1.0
    if strategy.max_pixels is not None and pixels > strategy.max_pixels:
        scale = (strategy.max_pixels / pixels) ** 0.5
    if strategy.max_missing is not None:
        missing = int(mask[top:bottom, left:right].sum())
        scale = min(scale, (strategy.max_missing / max(missing, 1)) ** 0.5)
    if strategy.side is not None:
        scale = min(scale, strategy.side / max(bottom - top, right - left))
    return Window(top, left, bottom, right, scale, strategy.multiple)

"""At what size a method works, and what that costs: windows around the holes, capped and padded to what it
can bear.

`workload` is the one answer for everyone: the run, the estimate before it, the queue, the suites' planner and
*Inside*. No method resizes known pixels in silence, and a one-pixel hole in a huge picture is cheap.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import cv2
import numpy as np

from inpainters.errors import InputError, UnavailableError
from inpainters.imaging import Image, Mask, enlarge, pad_to_multiple, shrink, shrink_guide, shrink_mask
from inpainters.spec import Cost, MethodSpec, Strategy

_T = TypeVar("_T")

DETAIL = Cost(fixed=0.1, per_missing_megapixel=10.0)
"""What `patches.detail` takes, by the missing pixels of a window at full size."""

TILE = 16
"""Pixels; holes are grouped on a grid this coarse, so that the grouping costs nothing."""
MOST_HOLES = 64
"""Above it, one window around everything is cheaper than bookkeeping."""
_SIDE_PER_DEPTH = 7
"""The side of a square as large as a hole, over the hole's depth: about the median of irregular holes."""

Box = tuple[int, int, int, int]
"""Top, left, bottom, right; the last two are not in it."""


# --- what is missing ------------------------------------------------------------------------------


class Hole(NamedTuple):
    """A group of missing pixels that are near each other: its tight box, and how many they are."""

    top: int
    left: int
    bottom: int
    right: int
    missing: int
    """How many of the pixels in its box."""
    depth: int = 0
    """Pixels from the deepest missing one in its box to the nearest known one, rounded; 0: not known."""


@dataclass(frozen=True)
class Outline:
    """What is missing in a picture, without its pixels: all that windows and costs depend on."""

    size: tuple[int, int]
    """(height, width) of the picture."""
    holes: tuple[Hole, ...]

    @classmethod
    def of(cls, mask: Mask) -> "Outline":
        """The outline of an (H, W) bool mask, True = missing."""
        return cls((mask.shape[0], mask.shape[1]), find_holes(mask))

    @classmethod
    def spread(cls, size: tuple[int, int], ratio: float) -> "Outline":
        """A hole of which only its share of the picture is known: all over it, as deep as irregular ones."""
        missing = round(ratio * size[0] * size[1])
        return cls(size, (Hole(0, 0, *size, missing, round(missing**0.5 / _SIDE_PER_DEPTH)),))


def find_holes(mask: Mask) -> tuple[Hole, ...]:
    """The groups of missing pixels of an (H, W) bool mask: those whose tiles touch, from the top down; all in
    one where there are more than `MOST_HOLES`.
    """
    tiles = _tiled(mask)
    count, labels = cv2.connectedComponents(tiles.astype(np.uint8), connectivity=8)
    if count > MOST_HOLES + 1:
        labels = tiles.astype(np.int32)
    found, first = np.unique(labels, return_index=True)
    return tuple(_hole(mask, labels == label) for label in found[first.argsort()] if label)


def _tiled(mask: Mask) -> Mask:
    """(rows, columns) bool: the tiles with a missing pixel."""
    starts = (range(0, length, TILE) for length in mask.shape)
    for axis, start in enumerate(starts):
        mask = np.logical_or.reduceat(mask, start, axis=axis)
    return mask


def _hole(mask: Mask, tiles: Mask) -> Hole:
    """The missing pixels of some tiles."""
    rows, columns = (np.flatnonzero(tiles.any(axis)) for axis in (1, 0))
    top, left = TILE * int(rows[0]), TILE * int(columns[0])
    inside = tiles[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].repeat(TILE, 0).repeat(TILE, 1)
    part = mask[top : top + inside.shape[0], left : left + inside.shape[1]]
    part = part & inside[: part.shape[0], : part.shape[1]]
    rows, columns = (np.flatnonzero(part.any(axis)) for axis in (1, 0))
    high, low = (int(rows[0]), int(columns[0])), (int(rows[-1]) + 1, int(columns[-1]) + 1)
    box = top + high[0], left + high[1], top + low[0], left + low[1]
    return Hole(*box, int(np.count_nonzero(part)), _depth(mask, box))


def _depth(mask: Mask, box: Box) -> int:
    """`Hole.depth`. What lies outside the picture is not known; around the box all is, or another hole's.
    Then the nearest known pixel may lie beyond, but no further away than the nearest in sight.
    """
    depth = _away(mask, box, 1)
    top, left, bottom, right = box
    inside = np.count_nonzero(mask[top:bottom, left:right])
    if np.count_nonzero(mask[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]) > inside:
        depth = _away(mask, box, math.ceil(depth))
    return round(depth)


def _away(mask: Mask, box: Box, margin: int) -> float:
    """Pixels from the deepest missing one of a box to the nearest known one in the box and its margin."""
    top, left, bottom, right = box
    above, before = max(0, top - margin), max(0, left - margin)
    missing = mask[above : bottom + margin, before : right + margin]
    if missing.all():
        return float(max(mask.shape))
    away = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(away[top - above : bottom - above, left - before : right - before].max())


# --- where a method works -------------------------------------------------------------------------


_NONE_MISSING = "At that size no pixel is missing: what fills the holes is the known part, enlarged."
"""Of holes so narrow that shrinking closes them; one pixel is always left to draw."""


@dataclass(frozen=True)
class Window:
    """One crop of a picture: rows top:bottom, columns left:right, worked on at `scale` (1 = as it is)."""

    top: int
    left: int
    bottom: int
    right: int
    scale: float = 1.0
    multiple: int = 1
    missing: int = 0
    """Missing pixels in it, before it is shrunk."""
    parts: int = 1
    """How many times the method draws in it: once, or for each hole (`Strategy.apart`)."""
    blur: float = Strategy.blur
    """See `Strategy.blur`."""
    invents: bool = Strategy.invents
    """See `Strategy.invents`."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) the method works at, before padding."""
        height, width = self.bottom - self.top, self.right - self.left
        if self.scale == 1.0:
            return height, width
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

    @property
    def place(self) -> tuple[slice, slice]:
        """Its rows and columns of the picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def worked(self) -> tuple[float, float]:
        """(megapixels, missing megapixels) that are worked on, after shrinking."""
        height, width = self.size
        share = self.missing / ((self.bottom - self.top) * (self.right - self.left))
        return height * width / 1e6, share * height * width / 1e6

    def notes(self, *, detail: bool, drawn: int) -> tuple[str, ...]:
        """What a result should say; `detail`: whether that was taken from the surroundings; `drawn`: how many
        pixels were missing at the size that it was drawn at.
        """
        if self.scale == 1.0:
            return ()
        then = "with detail from the surroundings" if detail else "and enlarged"
        found = f"Drawn at {max(self.size)} px, {self.scale:.0%} of the size, {then}."
        return (found, _NONE_MISSING) if drawn <= 1 < self.missing else (found,)

    def cut(self, image: Image, mask: Mask) -> tuple[Image, Mask]:
        """Return the piece of `image` and `mask` to work on; missing pixels are 0 in it."""
        mask = mask[self.place].copy()  # a method may write to its piece, never to the request
        image = np.where(mask[..., None], np.uint8(0), image[self.place])
        if self.scale != 1.0:
            image, mask = shrink(image, self.size, known=~mask), shrink_mask(mask, self.size)
            image[mask] = 0
        return pad_to_multiple(image, self.multiple), pad_to_multiple(mask, self.multiple)

    def cut_guide(self, guide: Mask) -> Mask:
        """Return the part of the (H, W) bool sketch `guide` that belongs to `cut`;
        its lines survive shrinking.
        """
        guide = guide[self.place]
        return pad_to_multiple(guide if self.scale == 1.0 else shrink_guide(guide, self.size), self.multiple)

    def unpadded(self, filled: Image) -> Image:
        """A fill of the cut's size without the padding."""
        return filled[: self.size[0], : self.size[1]]

    def enlarged(self, filled: Image) -> Image:
        """A fill of the cut's size at the window's own."""
        filled = self.unpadded(filled)
        size = self.bottom - self.top, self.right - self.left
        return filled if self.scale == 1.0 else enlarge(filled, size)

    def paste(self, picture: Image, filled: Image) -> None:
        """Write a fill of the window's size into `picture`, in place."""
        picture[self.place] = filled


def windows(missing: Mask | Outline, strategy: Strategy) -> list[Window]:
    """Disjoint windows that together hold every missing pixel; none where none is missing.

    They are the same for a mask, (H, W) bool, as for its outline,
    but for `Window.parts` of holes that nearly touch.
    """
    outline = missing if isinstance(missing, Outline) else Outline.of(missing)
    boxes = _merge(_grow(hole[:4], outline.size, strategy) for hole in outline.holes)
    return [_window(box, missing, outline.holes, strategy) for box in boxes]


def hole_boxes(missing: Mask | Iterable[Hole]) -> list[Box]:
    """Tight boxes around the holes of a window's (h, w) bool mask, or around those given; overlapping ones
    are one.
    """
    holes = find_holes(missing) if isinstance(missing, np.ndarray) else missing
    return _merge(hole[:4] for hole in holes)


def _window(box: Box, missing: Mask | Outline, holes: Iterable[Hole], strategy: Strategy) -> Window:
    top, left, bottom, right = box
    own = [hole for hole in holes if top <= hole.top < bottom and left <= hole.left < right]
    count, depth = sum(hole.missing for hole in own), max((hole.depth for hole in own), default=0)
    seen = own if isinstance(missing, Outline) else missing[top:bottom, left:right]
    scale = _scale((bottom - top, right - left), count, depth, strategy)
    parts = len(hole_boxes(seen)) if strategy.apart else 1
    return Window(*box, scale, strategy.multiple, count, parts, strategy.blur, strategy.invents)


def _scale(size: tuple[int, int], missing: int, depth: int, strategy: Strategy) -> float:
    """What a window of (height, width) with so many missing pixels, so deep, is shrunk by, at most 1."""
    pixels = size[0] * size[1]
    most_pixels, most_missing = strategy.max_pixels or pixels, strategy.max_missing or max(missing, 1)
    scales = ((most_pixels / pixels) ** 0.5, (most_missing / max(missing, 1)) ** 0.5)
    known = ((strategy.side or max(size)) / max(size), (strategy.depth or depth) / max(depth, 1))
    return float(min(1.0, *scales, *(known if depth else known[:1])))


def _grow(box: Box, size: tuple[int, int], strategy: Strategy) -> Box:
    top, left, bottom, right = box
    margin = max(strategy.min_context, round(strategy.context * max(bottom - top, right - left)))
    top, bottom = _stretch(max(0, top - margin), min(size[0], bottom + margin), size[0], strategy.side or 0)
    left, right = _stretch(max(0, left - margin), min(size[1], right + margin), size[1], strategy.side or 0)
    return top, left, bottom, right


def _stretch(start: int, end: int, limit: int, least: int) -> tuple[int, int]:
    """`least` long or longer, around the same middle as far as 0 and `limit` let it."""
    length = max(end - start, min(least, limit))
    start = min(max(0, start - (length - end + start) // 2), limit - length)
    return start, start + length


def _merge(boxes: Iterable[Box]) -> list[Box]:
    """Boxes of which no two overlap, around those given."""
    before: list[Box] = []
    merged = list(boxes)
    while merged != before:
        before, merged = merged, _merged_once(merged)
    return merged


def _merged_once(boxes: list[Box]) -> list[Box]:
    merged: list[Box] = []
    for box in boxes:
        for other in [
            o for o in merged if box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3]
        ]:
            merged.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        merged.append(box)
    return merged


# --- what it costs --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Workload:
    """At what size a method works on a hole under these options, and what that costs."""

    spec: MethodSpec
    options: Mapping[str, object]
    windows: tuple[Window, ...]

    @property
    def megapixels(self) -> float:
        """Million pixels that are worked on: inside the windows, after shrinking."""
        return sum(window.worked[0] for window in self.windows)

    @property
    def missing_megapixels(self) -> float:
        """Those of them that are missing."""
        return sum(window.worked[1] for window in self.windows)

    @property
    def network_calls(self) -> int:
        """In all windows together; 0 where the options do not set them."""
        return len(self.windows) * self.spec.network_calls(self.options)

    @property
    def detail_seconds(self) -> float:
        """What detail from the surroundings takes of `seconds`; 0 where no window is shrunk, or none is asked
        for.
        """
        shrunk = [window for window in self.windows if window.scale < 1]
        if not shrunk or not self.spec.adds_detail(self.options):
            return 0.0
        missing = sum(window.missing for window in shrunk) / 1e6
        return DETAIL.fixed * len(shrunk) + DETAIL.per_missing_megapixel * missing

    @property
    def seconds(self) -> float:
        """On the reference machine; 0 where nothing is missing. What another network than the row's costs is
        read from its description.
        """
        if not self.windows:
            return 0.0
        cost = _or(self.spec.loaded(self.options).cost, self.spec.cost)
        calls, count = self.spec.network_calls(self.options), sum(window.parts for window in self.windows)
        per_call = cost.per_call * len(self.windows) + cost.per_call_megapixel * self.megapixels
        pixels = cost.per_megapixel * self.megapixels + cost.per_missing_megapixel * self.missing_megapixels
        return (
            cost.fixed
            + cost.per_part * count
            + self._effort * pixels
            + calls * per_call
            + self.detail_seconds
        )

    @property
    def _effort(self) -> float:
        """How many times the seconds per pixel under these options are those under the defaults."""
        weighty = [option for option in self.spec.options if option.power and option.name in self.options]
        effort: float = math.prod(
            (float(option.parse(self.options[option.name])) / float(option.default)) ** option.power
            for option in weighty
        )
        return effort

    @property
    def largest(self) -> "Workload":
        """The window alone in which most missing pixels are worked on: the one that is explained."""
        return replace(self, windows=tuple(sorted(self.windows, key=lambda w: w.worked[1])[-1:]))


def workload(
    missing: Mask | Outline, spec: MethodSpec, options: Mapping[str, object] | None = None
) -> Workload:
    """At what size the method works on a hole, and what that costs.

    missing: (H, W) bool, True = missing, or the outline of such a mask. options: as a request's; where they
    name another network than the row's that is not here, the row's answers for it. Nothing is loaded. Raises
    InputError for options that the method does not have or cannot take.
    """
    options = options or {}
    strategy = _or(spec.loaded(options).strategy, spec.strategy)
    return Workload(spec, options, tuple(windows(missing, strategy)))


def _or(other: Callable[[], _T] | None, own: _T) -> _T:
    """What another network says, or the row's where it cannot be had."""
    try:
        return other() if other else own
    except (InputError, UnavailableError):
        return own

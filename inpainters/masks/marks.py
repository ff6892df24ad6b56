"""What random generators are given, what they draw, and the drawing itself, to the pixel."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

_MOST_MARKS = 2000  # a ratio near 1 would go on drawing for ever
Canvas = npt.NDArray[np.uint8]
"""(height, width), 1 where covered."""


@dataclass(frozen=True)
class Field:
    """The room a generator draws in, and how much it has to cover."""

    rng: np.random.Generator
    height: int
    width: int
    missing: int
    """Pixels to cover."""
    fewest: int
    """Pixels that still count as on target, ..."""
    most: int
    """... from `fewest` to `most`."""
    touch: bool
    """The hole has to touch the edge of the room."""
    margin: int = 0
    """What the room leaves free all around, in pixels, where the hole has to keep off the picture's edge."""

    @property
    def unit(self) -> float:
        """One pixel of a 256×256 picture, in pixels of this one: papers give their lengths at 256×256."""
        return math.sqrt(self.height * self.width) / 256

    @property
    def short_side(self) -> int:
        """Of the picture, in pixels."""
        return min(self.height, self.width) + 2 * self.margin

    @property
    def widest(self) -> float:
        """Marks wider than this would shrink to a dot when a small target cuts them short."""
        return max(1.0, min(0.5 * math.sqrt(self.missing), min(self.height, self.width) / 2))

    def inside(self, x: float, y: float) -> tuple[int, int]:
        return round(min(max(x, 0), self.width - 1)), round(min(max(y, 0), self.height - 1))


@dataclass(frozen=True)
class Mark:
    """Something that is drawn in steps, so that it can be cut short.
    Each step covers what the one before it covered.
    """

    lines: tuple[npt.NDArray[np.int32], ...]
    """(K, 2) x, y each; a step is one more point. One line is drawn at once, several are a word's strokes."""
    width: int

    @property
    def steps(self) -> int:
        return sum(len(line) - 1 for line in self.lines)

    @property
    def area(self) -> float:
        """At most so many pixels are covered."""
        lengths = (float(np.abs(np.diff(line, axis=0)).sum()) for line in self.lines)
        return sum((length + self.width + 3) * (self.width + 3) for length in lengths)

    def draw(self, canvas: Canvas, steps: int | None = None) -> Canvas:
        lines = self.lines if steps is None else self._first(steps)
        cv2.polylines(canvas, lines, False, 1, self.width)
        return canvas

    def _first(self, steps: int) -> list[npt.NDArray[np.int32]]:
        lines = []
        for line in self.lines:
            if steps > 0:
                lines.append(line[: steps + 1])
            steps -= len(line) - 1
        return lines

    def end(self, steps: int) -> tuple[int, int]:
        """x, y where the mark goes on after `steps`."""
        for line in self.lines:
            if steps < len(line) - 1:
                break
            steps -= len(line) - 1
        return int(line[steps, 0]), int(line[steps, 1])


def line(points: object, width: float) -> Mark:
    return Mark((np.array(points, np.int32),), max(1, round(width)))


def paint(field: Field, marks: Iterator[Mark]) -> Canvas:
    """Draw until `field.missing` pixels are covered, to the pixel."""
    canvas = np.zeros((field.height, field.width), np.uint8)
    room: float = field.missing
    for mark in islice(marks, _MOST_MARKS):
        room -= mark.area
        if room > 0:  # it cannot pass the target, so there is no need to count
            mark.draw(canvas)
            continue
        before = canvas.copy()
        room = field.missing - cv2.countNonZero(mark.draw(canvas))
        if room <= 0:
            return _cut_short(before, mark, field.missing)
    return _grow(canvas, field.missing)


def _cut_short(canvas: Canvas, mark: Mark, missing: int) -> Canvas:
    """Add what of the mark the target leaves room for: whole steps, then the next one's nearest pixels."""
    low, high = 0, mark.steps
    while high - low > 1:
        middle = (low + high) // 2
        if cv2.countNonZero(mark.draw(canvas.copy(), middle)) <= missing:
            low = middle
        else:
            high = middle
    kept = mark.draw(canvas.copy(), low)
    rows, columns = np.nonzero(mark.draw(canvas.copy(), high) > kept)
    x, y = mark.end(low)
    nearest = np.argsort((columns - x) ** 2 + (rows - y) ** 2, kind="stable")[
        : missing - cv2.countNonZero(kept)
    ]
    kept[rows[nearest], columns[nearest]] = 1
    return kept


def fit(canvas: Canvas, missing: int) -> Canvas:
    """Swell or shave what is covered, all along its edges, until it is `missing` pixels."""
    if cv2.countNonZero(canvas) <= missing:
        return _grow(canvas, missing)
    # Of what lies beyond the picture nothing is known, so an edge of the picture is none of the hole.
    depth = np.where(canvas, cv2.distanceTransform(canvas, cv2.DIST_L2, 5), -1.0)
    return lowest(-depth, missing).astype(np.uint8)


def _grow(canvas: Canvas, missing: int) -> Canvas:
    """Swell what is covered until the target is reached."""
    distance = cv2.distanceTransform(1 - canvas, cv2.DIST_L2, 5)
    canvas[lowest(distance, missing)] = 1
    return canvas


def lowest(values: npt.NDArray[Any], count: int) -> npt.NDArray[np.bool_]:
    """(H, W) bool: where the `count` lowest of (H, W) values are, 1 or more; of equal ones the first."""
    edge = np.partition(values, count - 1, axis=None)[count - 1]
    found: npt.NDArray[np.bool_] = values < edge
    found.flat[np.flatnonzero(values == edge)[: count - np.count_nonzero(found)]] = True
    return found

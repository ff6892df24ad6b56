"""Strokes of brushes, walks and scratches: Yu et al. 2019, Liu et al. 2018, Suvorov et al. 2022."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, islice

import cv2
import numpy as np

from inpainters.masks.marks import Canvas, Field, Mark, fit, line, paint

_TRIES = 400
_LARGEST = 0.5
"""The largest share that LaMa's test masks may cover (`max_tamper_area` there)."""
_LARGE = 384
"""A picture with a shorter side of so many pixels gets the masks that LaMa draws at 512, a smaller one those
at 256.
"""
_NEAR = 0.05
"""How far from its target, as a share of it, a mask of LaMa's may be to be brought to it."""


def brush(field: Field) -> Iterator[Mark]:
    """Yu et al. 2019, Algorithm 1: zigzags of 4 to 12 vertices, the angle reversed at every second one."""
    while True:
        yield from _zigzag(field, int(field.rng.integers(4, 13)))


def _zigzag(field: Field, vertices: int) -> Iterator[Mark]:
    unit, rng = field.unit, field.rng
    mean_length = 45 * unit  # the diagonal / 8
    x, y, sign = rng.random() * field.width, rng.random() * field.height, 1 - 2 * rng.integers(2)
    for i, (turn, stretch, thick) in enumerate(rng.random((vertices, 3)).tolist()):
        angle = 2 * math.pi * (1 / 5 + (2 * turn - 1) / 15) * (-1) ** i
        length, width = 2 * mean_length * stretch, min((12 + 28 * thick) * unit, field.widest)
        end = x + sign * length * math.sin(angle), y + sign * length * math.cos(angle)
        start, stop = field.inside(x, y), field.inside(*end)
        yield line((start, stop), width)
        x, y = stop


def brush_strokes(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """One to three of these zigzags, as the authors' program draws them for training and tests."""
    field = Field(rng, height, width, height * width, 1, height * width, touch=False)
    canvas = np.zeros((height, width), np.uint8)
    for vertices in rng.integers(4, 13, int(rng.integers(1, 4))).tolist():
        for mark in islice(_zigzag(field, vertices), vertices):
            mark.draw(canvas)
    return canvas


def irregular(field: Field) -> Iterator[Mark]:
    """Walks of steps in eight directions on a turned grid, each widened by its own amount."""
    rng, corner = field.rng, np.array([field.width - 1, field.height - 1], float)
    while True:
        steps, (x, y, rotation, thick) = int(rng.integers(16, 49)), rng.random(4).tolist()
        directions = np.cumsum(rng.integers(-1, 2, steps)) * (math.pi / 4) + 2 * math.pi * rotation
        moves = 6 * field.unit * np.stack([np.cos(directions), np.sin(directions)], axis=1)
        path = corner * (x, y) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
        period = np.maximum(2 * corner, 1)
        # Mirrored at the edges, so that it does not creep along them.
        folded = corner - np.abs(path % period - corner)
        yield line(np.rint(folded), min((3 + 15 * thick**2) * field.unit, field.widest))


@dataclass(frozen=True)
class Chains:
    """Masks as LaMa draws them: one to many chains of lines, or boxes instead. Lengths are in pixels of a
    picture of `base`×`base`, and grow with it.
    """

    number: range
    """How many chains."""
    length: range
    width: range
    boxes: range = range(0)
    """How many boxes, where it is boxes; about three masks in thirteen are."""
    side: range = range(1)
    margin: int = 0
    """What boxes leave free along the edges."""
    base: int = 256

    def __call__(self, field: Field) -> Canvas:
        """A mask that happens to be near the target, brought to it: its strokes are neither thinner nor wider
        than in a mask of LaMa's of this ratio. What LaMa's masks hardly have is painted stroke by stroke.
        """
        near = max(1.0, _NEAR * field.missing)
        for _ in range(_TRIES):
            number, marks = self._kind(field)
            canvas = np.zeros((field.height, field.width), np.uint8)
            found: tuple[float, Canvas] | None = None
            for count, together in enumerate(islice(marks, number.stop - 1), 1):
                for mark in together:
                    mark.draw(canvas)
                over = cv2.countNonZero(canvas) - field.missing
                if count in number and abs(over) <= (found[0] if found else near):
                    found = abs(over), canvas.copy()
                if over > 0:
                    break
            if found:
                return fit(found[1], field.missing)
        return paint(field, chain.from_iterable(self._chains(field, field.widest)))

    def natural(self, rng: np.random.Generator, height: int, width: int) -> Canvas:
        """A mask as LaMa draws it: any number of chains, or of boxes, is as likely as another. What covers
        more than half of the picture is thrown away, as there.
        """
        field = Field(rng, height, width, height * width, 1, height * width, touch=False)
        while True:
            boxes = bool(self.boxes) and rng.random() < 0.3 / 1.3
            number = self.boxes if boxes else self.number
            drawn = self._boxes(field) if boxes else self._chains(field)
            canvas = np.zeros((height, width), np.uint8)
            for together in islice(drawn, int(rng.choice(number))):
                for mark in together:
                    mark.draw(canvas)
            if 0 < cv2.countNonZero(canvas) <= _LARGEST * height * width:
                return canvas

    def _kind(self, field: Field) -> tuple[range, Iterator[list[Mark]]]:
        """Every number of chains, or of boxes, is as likely as another and all are tried in one go, so the
        kind that has more of them must come up less often.
        """
        chains = 1 / len(self.number)
        boxes = 0.3 / len(self.boxes) if self.boxes else 0
        if field.rng.random() * (chains + boxes) < chains:
            return self.number, self._chains(field)
        return self.boxes, self._boxes(field)

    def _chains(self, field: Field, widest: float = math.inf) -> Iterator[list[Mark]]:
        """Chains of up to five lines, each with a length, a width and one of four turns of its own."""
        unit = self._unit(field)
        for sign in cycle((-1, 1)):
            x, y, lines = (field.rng.random(3) * (field.width, field.height, 5)).tolist()
            marks = []
            for turn, stretch, thick in field.rng.random((1 + int(lines), 3)).tolist():
                angle = sign * (0.01 + int(4 * turn))  # radians, as there
                length = _pick(self.length, stretch) * unit
                end = x + length * math.sin(angle), y + length * math.cos(angle)
                start, stop = field.inside(x, y), field.inside(*end)
                marks.append(line((start, stop), min(_pick(self.width, thick) * unit, widest)))
                x, y = stop
            yield marks

    def _boxes(self, field: Field) -> Iterator[list[Mark]]:
        unit = self._unit(field)
        while True:
            across, down, left, top = field.rng.random(4).tolist()
            margin = min(self.margin * unit, field.width / 4, field.height / 4)
            width = min(_pick(self.side, across) * unit, field.width - 2 * margin)
            height = min(_pick(self.side, down) * unit, field.height - 2 * margin)
            x = margin + left * (field.width - 2 * margin - width)
            y = margin + top * (field.height - 2 * margin - height)
            yield [_filled(field, x, y, width, height)]

    def _unit(self, field: Field) -> float:
        return field.unit * 256 / self.base


@dataclass(frozen=True)
class ChainsBySize:
    """LaMa's two settings of one kind: those for 512 pixels are not those for 256 doubled. They hold from a
    shorter side of 384 on.
    """

    small: Chains
    large: Chains

    def __call__(self, field: Field) -> Canvas:
        return self._of(field.short_side)(field)

    def natural(self, rng: np.random.Generator, height: int, width: int) -> Canvas:
        return self._of(min(height, width)).natural(rng, height, width)

    def _of(self, side: int) -> Chains:
        return self.large if side >= _LARGE else self.small


def _pick(limits: range, share: float) -> int:
    return limits[int(share * len(limits))]


def _filled(field: Field, left: float, top: float, width: float, height: float) -> Mark:
    """A box as rows of one line that goes to and fro."""
    (x, y), (right, bottom) = field.inside(left, top), field.inside(left + width - 1, top + height - 1)
    rows = np.repeat(np.arange(y, max(y, bottom) + 1), 2)
    columns = np.tile([x, right, right, x], len(rows) // 4 + 1)[: len(rows)]
    return line(np.stack([columns, rows], axis=1), 1)


def scratches(field: Field) -> Iterator[Mark]:
    """Long thin arcs, most of them steep, as on old prints and film."""
    rng, ratio = field.rng, field.missing / (field.height * field.width)
    along = np.linspace(-0.5, 0.5, 13)
    while True:
        x, y, lean, reach, bend, thick = rng.random(6).tolist()
        angle = math.pi * (0.5 + (lean - 0.5) * abs(2 * lean - 1))
        length = (80 + 280 * reach) * field.unit
        bow = (bend - 0.5) * 0.25 * length * (1 - 4 * along**2)
        xs = x * field.width + along * length * math.cos(angle) - bow * math.sin(angle)
        ys = y * field.height + along * length * math.sin(angle) + bow * math.cos(angle)
        seen = np.flatnonzero((xs >= 0) & (xs < field.width) & (ys >= 0) & (ys < field.height))
        if len(seen) > 1:
            # Points beyond the edge are pulled to it: releases of OpenCV differ in how they clip lines.
            points = np.stack([xs, ys], axis=1)[max(0, seen[0] - 1) : seen[-1] + 2]
            yield line(
                np.rint(np.clip(points, 0, (field.width - 1, field.height - 1))),
                (1 + (1 + 6 * ratio) * thick) * field.unit,
            )

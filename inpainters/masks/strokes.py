"""Strokes of brushes, walks and scratches: Yu et al. 2019, Liu et al. 2018, Suvorov et al. 2022."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inpainters.masks.marks import Field, Mark, line


def brush(field: Field) -> Iterator[Mark]:
    """Yu et al. 2019, Algorithm 1: zigzags of 4 to 12 vertices, the angle reversed at every second one."""
    unit, rng = field.unit, field.rng
    mean_length = 45 * unit  # the diagonal / 8
    while True:
        vertices, x, y, sign = (
            int(rng.integers(4, 13)),
            rng.random() * field.width,
            rng.random() * field.height,
            1 - 2 * rng.integers(2),
        )
        for i, (turn, stretch, thick) in enumerate(rng.random((vertices, 3)).tolist()):
            angle = 2 * math.pi * (1 / 5 + (2 * turn - 1) / 15) * (-1) ** i
            length, width = 2 * mean_length * stretch, min((12 + 28 * thick) * unit, field.widest)
            end = x + sign * length * math.sin(angle), y + sign * length * math.cos(angle)
            start, stop = field.inside(x, y), field.inside(*end)
            yield line((start, stop), width)
            x, y = stop


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
    """LaMa's settings, in pixels at 256×256."""

    length: tuple[int, int]
    width: tuple[int, int]
    box: tuple[int, int] | None = None
    """Sides of the boxes; about one mark in six is a box."""

    def __call__(self, field: Field) -> Iterator[Mark]:
        reverse = False
        while True:
            reverse = not reverse
            x, y, vertices, kind = (field.rng.random(4) * (field.width, field.height, 5, 1)).tolist()
            draws = field.rng.random((1 + int(vertices), 3)).tolist()
            if self.box and kind < 1 / 6:
                yield _filled(
                    field,
                    x,
                    y,
                    *(min(_between(self.box, u) * field.unit, 2 * field.widest) for u in draws[0][:2]),
                )
                continue
            for turn, stretch, thick in draws:
                angle = 4 * turn if reverse else -4 * turn  # radians, as there
                length, width = (
                    _between(self.length, stretch) * field.unit,
                    min(_between(self.width, thick) * field.unit, field.widest),
                )
                start, stop = (
                    field.inside(x, y),
                    field.inside(x + length * math.sin(angle), y + length * math.cos(angle)),
                )
                yield line((start, stop), width)
                x, y = stop


def _between(limits: tuple[int, int], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * share


def _filled(field: Field, x: float, y: float, width: float, height: float) -> Mark:
    """A box as rows of one line that goes to and fro."""
    left, top = field.inside(x - width / 2, y - height / 2)
    right, bottom = field.inside(x + width / 2, y + height / 2)
    rows = np.repeat(np.arange(top, bottom + 1), 2)
    columns = np.tile([left, right, right, left], len(rows) // 4 + 1)[: len(rows)]
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

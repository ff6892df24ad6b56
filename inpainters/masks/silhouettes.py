"""Silhouettes of things that people take out of pictures: persons, animals, bottles, cars, trees.

A thing is a skeleton of limbs, each a line that is as wide as its two ends say. Limbs melt into each other
where they meet, so that the outline is smooth. Only sums, products, quotients and square roots are taken,
which every machine rounds alike.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.masks.marks import Canvas, Field, lowest

_TRIES = 40
_STEPS = 12
_COARSE = 56
"""Points across and down, about, at which a hole's size is tried."""
_MELT = 0.05
"""How far from each other limbs begin to melt, as a share of a thing's size."""
_CUT = 0.25
"""How much of a thing's width or height may lie beyond the edge."""
_SHOWN = 0.6
"""Of a thing that is larger than the picture, at least so much of its height and width is in it."""

_Floats = npt.NDArray[np.float64]
_Limb = tuple[float, float, float, float, float, float]
"""x, y, half the width of one end; x, y, half the width of the other; y grows downwards."""


@dataclass(frozen=True)
class _Thing:
    """One thing of about unit size, its middle at 0, and where it goes."""

    limbs: _Floats
    """(n, 6)"""
    size: float
    """Beside the others."""
    place: tuple[float, float]
    """Across and down, 0 to 1 of what the picture leaves free."""
    beyond: float
    """How much of its width and height may lie beyond the edge."""

    @property
    def reach(self) -> tuple[float, float]:
        """Half its width and half its height."""
        across = np.abs(self.limbs[:, [0, 3]]) + self.limbs[:, [2, 5]]
        down = np.abs(self.limbs[:, [1, 4]]) + self.limbs[:, [2, 5]]
        return float(across.max()), float(down.max())

    def at(self, scale: float, room: tuple[int, int]) -> _Floats:
        """Its limbs in pixels, in a room of (height, width)."""
        scale = scale * self.size
        spans = zip(self.place, self.reach, (room[1], room[0]), strict=True)
        x, y = (_between(place, (1 - 2 * self.beyond) * scale * reach, side) for place, reach, side in spans)
        limbs = self.limbs * scale + (x, y, 0, x, y, 0)
        limbs[:, [2, 5]] = np.maximum(limbs[:, [2, 5]], 1.6)
        return limbs


def _between(place: float, reach: float, side: int) -> float:
    """So far from both ends of a side, or in its middle where that is not possible."""
    return reach + place * (side - 2 * reach) if 2 * reach < side else side / 2


def silhouettes(field: Field) -> Canvas:
    """One to three things; where none fits well, a plain one."""
    room = field.height, field.width
    for tried in range(_TRIES):
        things = _chosen(field)
        scale = _scale(things, room, field.missing)
        shown = (side / (2 * scale * one.size * reach) for one in things
                 for side, reach in zip((room[1], room[0]), one.reach, strict=True))  # fmt: skip
        if min(shown) >= _SHOWN:
            canvas = _drawn(things, scale, room, field.missing)
            if _sound(canvas, len(things) if tried < _TRIES // 2 else 0):
                return canvas
    things = [_thing(field, _boulder, 1.0, (field.rng.random(), field.rng.random()))]
    return _drawn(things, _scale(things, room, field.missing), room, field.missing)


def _chosen(field: Field) -> list[_Thing]:
    """Things beside each other from left to right, often of one kind, one of them the largest."""
    rng = field.rng
    count = 1 + int(np.searchsorted([0.45, 0.8], rng.random()))
    kinds = [_KINDS[int(rng.integers(len(_KINDS)))] for _ in range(count)]
    if rng.random() < 0.5:
        kinds = kinds[:1] * count
    sizes = [1.0, *(0.5 + 0.4 * rng.random(count - 1))]
    rng.shuffle(sizes)
    lefts = [(i + rng.random()) / count for i in range(count)]
    down = rng.random()
    return [
        _thing(field, kind, size, (left, min(1.0, max(0.0, down + 0.3 * (rng.random() - 0.5)))))
        for kind, size, left in zip(kinds, sizes, lefts, strict=True)
    ]


def _thing(field: Field, kind: "_Kind", size: float, place: tuple[float, float]) -> _Thing:
    """A thing of that kind, a little wider or narrower and leaning a little, seen from either side."""
    rng = field.rng
    limbs = np.array(kind(rng), float)
    side, stretch, lean = 1 - 2 * int(rng.integers(2)), 0.85 + 0.35 * rng.random(), 0.3 * (rng.random() - 0.5)
    limbs[:, [0, 3]] = side * stretch * limbs[:, [0, 3]] + lean * limbs[:, [1, 4]]
    ends, widths = limbs[:, [0, 1, 3, 4]].reshape(-1, 2), limbs[:, [2, 5]].reshape(-1, 1)
    middle = ((ends - widths).min(axis=0) + (ends + widths).max(axis=0)) / 2
    limbs[:, [0, 1, 3, 4]] -= np.tile(middle, 2)
    whole = field.margin > 0 or rng.random() < 0.5
    return _Thing(limbs, size, place, 0.0 if whole else _CUT)


def _scale(things: Sequence[_Thing], room: tuple[int, int], missing: int) -> float:
    """How large the things must be to cover so many pixels, tried on a coarse grid."""
    step = max(1.0, math.sqrt(room[0] * room[1]) / _COARSE)
    rows, columns = (np.arange(step / 2, side, step, dtype=np.float64) for side in room)
    low, high = 1.0, 8.0 * max(room)
    for _ in range(_STEPS):
        scale = math.sqrt(low * high)
        covered = (_outline(things, scale, room, (rows, columns)) < 0).mean() * room[0] * room[1]
        low, high = (low, scale) if covered > missing else (scale, high)
    return math.sqrt(low * high)


def _drawn(things: Sequence[_Thing], scale: float, room: tuple[int, int], missing: int) -> Canvas:
    """The things, swollen or shaved all along their outlines until they cover that many pixels."""
    rows, columns = (np.arange(0.5, side, dtype=np.float64) for side in room)
    outline = _outline(things, scale, room, (rows, columns))
    return lowest(np.rint(outline * 256), missing).astype(np.uint8)


def _outline(
    things: Sequence[_Thing], scale: float, room: tuple[int, int], grid: tuple[_Floats, _Floats]
) -> _Floats:
    """How far each point is outside of the things; negative inside."""
    rows, columns = grid[0][:, None], grid[1][None, :]
    found = np.full((len(grid[0]), len(grid[1])), 1e9)
    for one in things:
        first, *rest = (_outside(limb, rows, columns) for limb in one.at(scale, room))
        thing = first
        for limb in rest:
            thing = _melted(thing, limb, _MELT * scale * one.size)
        found = _melted(found, thing, 2 * _MELT * scale)
    return found


def _outside(limb: _Floats, rows: _Floats, columns: _Floats) -> _Floats:
    x, y, width, to_x, to_y, to_width = limb.tolist()
    along, down = to_x - x, to_y - y
    length = max(along * along + down * down, 1e-9)
    share = np.clip(((columns - x) * along + (rows - y) * down) / length, 0, 1)
    across = np.sqrt((columns - x - share * along) ** 2 + (rows - y - share * down) ** 2)
    distance: _Floats = across - (width + share * (to_width - width))
    return distance


def _melted(one: _Floats, other: _Floats, reach: float) -> _Floats:
    """The smaller of two distances, rounded off where they are alike (polynomial smooth minimum)."""
    least = np.minimum(one, other)
    near = np.maximum(reach - np.maximum(one, other) + least, 0)
    melted: _Floats = least - near * near / (4 * reach)
    return melted


def _sound(canvas: Canvas, count: int) -> bool:
    """At most three pieces (`count`, where that is not 0), nothing enclosed by them, nowhere thin."""
    width = 1 + 2 * max(1, round(math.sqrt(cv2.countNonZero(canvas)) / 40))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    opened = cv2.morphologyEx(canvas, cv2.MORPH_OPEN, disc)
    pieces = cv2.connectedComponents(canvas, connectivity=4)[0] - 1
    around = cv2.copyMakeBorder(1 - canvas, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    return (
        (pieces == count if count else pieces <= 3)
        and cv2.connectedComponents(around, connectivity=4)[0] == 2
        and cv2.connectedComponents(opened, connectivity=4)[0] - 1 == pieces
        and cv2.countNonZero(opened) > 0.97 * cv2.countNonZero(canvas)
    )


# ---- kinds of things -----------------------------------------------------------------------------

_Kind = Callable[[np.random.Generator], Sequence[_Limb]]


def _dot(x: float, y: float, width: float) -> _Limb:
    return x, y, width, x, y, width


def _person(rng: np.random.Generator) -> list[_Limb]:
    """Standing or walking."""
    wide, stride, swing, bent = (rng.random(4) * (0.06, 0.14, 0.16, 0.08)).tolist()
    chest, hip = 0.115 + wide, 0.1 + wide
    return [
        _dot(0.02, 0.09, 0.085),
        (0.01, 0.14, 0.05, 0, 0.24, 0.06),
        (0, 0.27, chest, 0, 0.5, hip),
        (-0.05, 0.5, 0.085, -0.06 - stride, 0.94, 0.055),
        (0.05, 0.5, 0.085, 0.06 + stride / 2, 0.94, 0.055),
        (-chest, 0.24, 0.055, -chest - swing, 0.52, 0.045),
        (chest, 0.24, 0.055, chest + swing - bent, 0.5, 0.045),
    ]


def _bust(rng: np.random.Generator) -> list[_Limb]:
    """Head and shoulders."""
    wide, hair, low = (rng.random(3) * (0.1, 0.05, 0.25)).tolist()
    return [
        (0, 0.18, 0.15 + hair, 0, 0.25, 0.13 + hair),
        (0, 0.3, 0.09, 0, 0.5, 0.11),
        (-0.16 - wide, 0.6, 0.14, 0.16 + wide, 0.6, 0.14),
        (-0.12 - wide, 0.7, 0.2, -0.12 - wide, 0.85 + low, 0.2),
        (0.12 + wide, 0.7, 0.2, 0.12 + wide, 0.85 + low, 0.2),
        (0, 0.6, 0.2, 0, 0.85 + low, 0.2),
    ]


def _animal(rng: np.random.Generator) -> list[_Limb]:
    """On four legs, with a head and a tail."""
    fat, leg, neck, tail, walk = (rng.random(5) * (0.08, 0.14, 0.2, 0.3, 0.1)).tolist()
    foot, head = 0.26 + leg, -0.12 - neck
    return [
        (-0.28, 0, 0.15 + fat, 0.22, -0.01, 0.16 + fat),
        (0.24, -0.04, 0.12, 0.4, head, 0.085),
        (0.42, head, 0.095, 0.56, head + 0.05, 0.055),
        (0.36, head - 0.06, 0.045, 0.33, head - 0.14, 0.035),
        (-0.33, 0.08, 0.085, -0.33 - walk, foot, 0.05),
        (-0.2, 0.08, 0.08, -0.22 + walk, foot, 0.05),
        (0.16, 0.08, 0.075, 0.12 - walk / 2, foot, 0.048),
        (0.28, 0.08, 0.075, 0.3 + walk, foot, 0.048),
        (-0.4, -0.06, 0.06, -0.6, -0.06 - tail, 0.04),
    ]


def _bottle(rng: np.random.Generator) -> list[_Limb]:
    """A bottle, a jug or a vase."""
    belly, neck, high, lip = (rng.random(4) * (0.13, 0.06, 0.2, 0.04)).tolist()
    half = 0.03 + belly / 2
    return [
        (0, 0.06, 0.055 + neck + lip, 0, 0.1, 0.055 + neck),
        (0, 0.1, 0.055 + neck, 0, 0.45, 0.07 + neck),
        (0, 0.4 + high / 2, 0.13 + belly, 0, 0.76, 0.14 + belly),
        (-half, 0.88, 0.09, half, 0.88, 0.09),
    ]


def _car(rng: np.random.Generator) -> list[_Limb]:
    high, back, bonnet = (rng.random(3) * (0.1, 0.18, 0.14)).tolist()
    return [
        (-0.4, 0.06, 0.11, 0.42, 0.08, 0.1),
        (-0.36, -0.02, 0.09, 0.3, 0, 0.09),
        (-0.12 - back, -0.1 - high, 0.09, 0.14 - bonnet, -0.1 - high, 0.09),
        (-0.14 - back, -0.08, 0.12, 0.2 - bonnet, -0.06, 0.12),
        _dot(-0.29, 0.15, 0.1),
        _dot(0.29, 0.15, 0.1),
    ]


def _tree(rng: np.random.Generator) -> list[_Limb]:
    """A crown on a trunk."""
    crown = [
        _dot(0.2 * (place - 0.5) + 0.2 * side, 0.2 + 0.2 * down, 0.16 + 0.07 * size)
        for side, (place, down, size) in zip((-1, 0, 1, 0), rng.random((4, 3)).tolist(), strict=True)
    ]
    return [*crown, (0, 0.3, 0.2, 0, 0.42, 0.2), (0, 0.5, 0.07, 0, 0.98, 0.09)]


def _boulder(rng: np.random.Generator) -> list[_Limb]:
    """Round or long, thicker at one end."""
    length, width, more = (rng.random(3) * (0.6, 0.15, 0.12)).tolist()
    return [(-0.15 - length / 2, 0, 0.22 + width, 0.15 + length / 2, 0.1 * length, 0.22 + width + more)]


_KINDS: tuple[_Kind, ...] = (_person, _person, _bust, _animal, _bottle, _car, _tree, _boulder)

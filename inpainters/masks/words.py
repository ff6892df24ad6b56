"""Lines of writing: Bertalmio et al. 2000. Watermarks: Dekel et al. 2017."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.masks.marks import Canvas, Field, Mark, lowest

_Word = tuple[npt.NDArray[np.int32], ...]
_Points = npt.NDArray[np.float64]
"""(K, 2) x, y each."""
_STROKE = 0.14
"""Width of a watermark's strokes in heights of its letters, where rows can be as far apart as it takes."""


def lines_of_writing(field: Field) -> Iterator[Mark]:
    """Lines of words from a random line on; when the page is full the same words again, bolder."""
    rng, ratio = field.rng, field.missing / (field.height * field.width)
    # Of a capital, in px.
    size = max(3.0, min((18 + 16 * rng.random()) * field.unit, field.height / 2, field.width / 2))
    bold = max(1.0, size * min(max(ratio / 2, 0.1), 0.3))
    page: list[_Word] = []
    while not page:  # in a few pixels even a page can miss
        page = list(_page(field, size))
    first = int(rng.integers(len(page)))
    while True:
        for word in page[first:] + page[:first]:
            yield Mark(word, max(1, round(bold)))
        bold += max(1.0, 0.06 * size)


def _page(field: Field, size: float) -> Iterator[_Word]:
    """Words as their strokes; letters that the edge would cut are left out."""
    letters, advance = list(_GLYPHS.values()), 0.9 * size
    y = 0.5 * size * field.rng.random()
    while y + size < field.height:
        x = -2 * advance * field.rng.random()
        while x < field.width:
            count = int(field.rng.integers(2, 8))
            places = [
                (x + k * advance, letters[i])
                for k, i in enumerate(field.rng.integers(len(letters), size=count))
            ]
            shown = [(at, glyph) for at, glyph in places if 0 <= at < field.width - size * 2 / 3 - 1]
            if shown:
                yield tuple(
                    np.rint(line * size + (at, y)).astype(np.int32) for at, glyph in shown for line in glyph
                )
            x += (count + 0.6) * advance
        y += 1.5 * size


def watermark(field: Field) -> Canvas:
    """One word again and again on a slant, as stock photographs carry it: small and all over the picture, or
    large, then every other time in outline. Its strokes swell to the target, alike in all of them.
    """
    rng, ratio = field.rng, field.missing / (field.height * field.width)
    kind, tall, lean, space, *start = rng.random(6).tolist()
    large, outlined = kind < 0.5, kind < 0.25
    size = (36 + 24 * tall if large else 14 + 10 * tall) * field.unit
    size = max(3.0, min(size, field.height / 2, field.width / 2))  # of a capital, in px
    word = [list(_GLYPHS.values())[i] for i in rng.integers(len(_GLYPHS), size=int(rng.integers(4, 9)))]
    length = sum(map(_length, word))
    across = len(word) + 1 + space  # from a word to the next, as `down`, in heights of letters
    down = max(1.5, min(_STROKE * length / (ratio * across), math.inf if large else 4.0))
    angle = math.radians(10 + 30 * lean) * (-1) ** int(rng.integers(2))
    turn = size * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    places = _staggered(field, size * across, size * down, (0.0, 0.0) if large else start) / size @ turn
    distance = _distances(field, word, places, turn, field.missing / max(1.5, 0.06 * size) - length * size)
    radius = 0.08 * size if outlined and size >= 30 else 0.0
    return lowest(np.abs(distance - radius), field.missing).astype(np.uint8)


def _staggered(field: Field, across: float, down: float, start: Sequence[float]) -> _Points:
    """Places of words, in pixels from the picture's middle on a grid that is not turned yet, the nearest
    first.
    """
    reach = math.hypot(field.height, field.width) / 2
    rows, columns = (np.arange(-math.ceil(reach / step) - 1, reach / step + 1) for step in (down, across))
    y, x = np.meshgrid(rows, columns, indexing="ij")
    places = np.stack([(x + y % 2 / 2 + start[0]) * across, (y + start[1]) * down], axis=-1).reshape(-1, 2)
    return places[np.argsort((places**2).sum(axis=1), kind="stable")]


def _distances(
    field: Field, word: Sequence[Sequence[_Points]], places: _Points, turn: _Points, room: float
) -> npt.NDArray[Any]:
    """(height, width) of each pixel to the nearest line of a letter: of the first word, and of the next ones
    as long as their lines are no longer than `room` altogether. Where the hole has to keep off the edge,
    letters that it would cut are left out.
    """
    size, corner = math.hypot(*turn[0]), np.array([field.width - 1, field.height - 1])
    # Distances between whole pixels come in steps: on a finer grid all words get strokes of one width.
    pad, fine = math.ceil(2 * size), min(8, math.ceil(96 / size))
    canvas = np.zeros(((field.height + 2 * pad) * fine, (field.width + 2 * pad) * fine), np.uint8)
    spread = len(word) * size
    for place in corner / 2 + places[(np.abs(places) <= corner / 2 + spread).all(axis=1)]:
        for k, glyph in enumerate(word):
            lines = [(line + (k - len(word) / 2, -0.5)) @ turn + place for line in glyph]
            least, most = (edge(np.concatenate(lines), axis=0) for edge in (np.min, np.max))
            low, high = (least, most) if field.margin else (most, least)
            if (low >= 0).all() and (high <= corner).all():
                drawn = [np.rint((line + pad) * fine).astype(np.int32) for line in lines]
                cv2.polylines(canvas, drawn, False, 1)
                room -= _length(lines)
        if room < 0:
            break
    if not canvas.any():
        canvas[canvas.shape[0] // 2, canvas.shape[1] // 2] = 1
    distances: npt.NDArray[Any] = cv2.distanceTransform(1 - canvas, cv2.DIST_L2, 5) / fine
    return distances[pad * fine : -pad * fine : fine, pad * fine : -pad * fine : fine]


def _length(lines: Sequence[_Points]) -> float:
    return float(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines))


def _glyph(strokes: str) -> tuple[npt.NDArray[np.float64], ...]:
    """'06 20 46' -> points (0, 6), (2, 0), (4, 6) on a grid of 4×6, scaled to a height of 1."""
    return tuple(
        np.array([[int(point[0]), int(point[1])] for point in stroke.split()]) / 6.0
        for stroke in strokes.split("|")
    )


_GLYPHS = {
    letter: _glyph(strokes)
    for letter, strokes in {
        "A": "06 20 46|13 33", "B": "06 00 30 41 42 33 03|33 44 45 36 06", "C": "41 30 10 01 05 16 36 45",
        "D": "06 00 20 42 44 26 06", "E": "40 00 06 46|03 33", "F": "40 00 06|03 33",
        "G": "41 30 10 01 05 16 36 45 43 23", "H": "00 06|40 46|03 43", "I": "10 30|20 26|16 36",
        "K": "00 06|40 03 46", "L": "00 06 46", "M": "06 00 23 40 46", "N": "06 00 46 40",
        "O": "10 30 41 45 36 16 05 01 10", "P": "06 00 30 41 42 33 03", "R": "06 00 30 41 42 33 03|23 46",
        "S": "41 30 10 01 02 13 33 44 45 36 16 05", "T": "00 40|20 26", "U": "00 05 16 36 45 40",
        "V": "00 26 40", "W": "00 16 23 36 40", "X": "00 46|40 06", "Y": "00 23 40|23 26",
        "Z": "00 40 06 46",
    }.items()
}  # fmt: skip

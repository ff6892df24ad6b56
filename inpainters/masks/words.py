"""Lines of writing: Bertalmio et al. 2000."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from inpainters.masks.marks import Field, Mark

_Word = tuple[npt.NDArray[np.int32], ...]


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

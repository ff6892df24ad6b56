"""Boxes: Pathak et al. 2016 and Iizuka et al. 2017."""

import math

import numpy as np

from inpainters.masks.marks import Canvas, Field


def box_center(field: Field) -> Canvas:
    """The picture's own shape about its centre; from side to side where it has to touch the border."""
    aspect = field.height / field.width
    height, width = (field.missing / field.width, field.width) if field.touch else _sides(field, aspect)
    return _rectangle(field, height, width, 0.5, 0.5)


def centre_half(_: np.random.Generator, height: int, width: int) -> Canvas:
    """Half of each side: a quarter of the picture (Pathak et al. 2016, section 3.3)."""
    canvas = np.zeros((height, width), np.uint8)
    top, left = height // 4, width // 4
    canvas[top : height - top, left : width - left] = 1
    return canvas


def box(field: Field) -> Canvas:
    """One box of any aspect from 1:2 to 2:1, anywhere."""
    stretch, down, right = field.rng.random(3).tolist()
    return _rectangle(field, *_sides(field, 2 ** (2 * stretch - 1)), down, right)


def _sides(field: Field, aspect: float) -> tuple[float, float]:
    height = min(math.sqrt(field.missing * aspect), field.height)
    width = min(field.missing / height, field.width)
    return field.missing / width, width


def _rectangle(field: Field, height: float, width: float, down: float, right: float) -> Canvas:
    """A box near that size that is on target; where whole numbers allow none, its last row is cut short."""
    rows, columns, rest = _whole_sides(field, height, width)
    top = round(down * (field.height - rows - bool(rest)))
    left = round(right * (field.width - columns))
    canvas = np.zeros((field.height, field.width), np.uint8)
    canvas[top : top + rows, left : left + columns] = 1
    canvas[top + rows : top + rows + 1, left : left + rest] = 1
    return canvas


def _whole_sides(field: Field, height: float, width: float) -> tuple[int, int, int]:
    """(rows, columns, pixels of one more row):
    the pair nearest to the target among those of about that shape.
    """
    pairs = []
    for rows in range(max(1, int(height) - 3), min(field.height, int(height) + 4) + 1):
        across = (
            field.width if width == field.width else min(field.width, max(1, round(field.missing / rows)))
        )
        for columns in {across, min(field.width, max(1, round(width)))}:
            if field.fewest <= rows * columns <= field.most:
                pairs.append((abs(rows * columns - field.missing), abs(rows - height), rows, columns))
    if pairs:
        return *min(pairs)[2:], 0
    columns = min(field.width, max(1, round(width)))
    while field.missing > columns * field.height:
        columns += 1
    return *(divmod(field.missing, columns)[0], columns), field.missing % columns

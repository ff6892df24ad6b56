"""The table of families of methods: their names, colours and marks, in figures and on pages alike."""

from math import cos, pi, sin
from typing import NamedTuple

Point = tuple[float, float]


class Family(NamedTuple):
    """One row of the table."""

    title: str
    colour: str
    """#rrggbb on white, in figures too."""
    dark: str
    """#rrggbb on the dark page."""
    sign: str
    """One character in front of a method's name."""
    mark: tuple[Point, ...] = ()
    """Corners (x, y) of its mark in charts, y downwards, about the origin, with a radius near 1; a disc where
    there is none.
    """


def _star(count: int, outer: float, inner: float) -> tuple[Point, ...]:
    reach = [inner if i % 2 else outer for i in range(2 * count)]
    return tuple((r * sin(pi * i / count), -r * cos(pi * i / count)) for i, r in enumerate(reach))


_CROSS = (
    *((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4)),
    *((0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
)

FAMILIES: dict[str, Family] = {
    "baseline": Family("Baseline", "#5a5f66", "#e1eef5", "●"),
    "smoothing": Family(
        "Smoothing", "#004ca1", "#1f78dc", "■", ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9))
    ),
    "patch": Family("Patch", "#3f9688", "#12d9a8", "▲", ((0, -1.2), (1.15, 0.8), (-1.15, 0.8))),
    "convolutional": Family(
        "Convolutional", "#3a0833", "#a25f7c", "◆", ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0))
    ),
    "diffusion": Family("Diffusion", "#8f3405", "#ea8a36", "★", _star(5, 1.4, 0.6)),
    "latent": Family("Latent diffusion", "#ae7f05", "#fff04a", "✚", _CROSS),
    "own_prior": Family("Own prior", "#9170f2", "#bfa7fd", "▼", ((0, 1.2), (1.15, -0.8), (-1.15, -0.8))),
    "guest": Family("Guest", "#b3174f", "#ff7fa4", "⬟", _star(5, 1.25, 1.01)),
}
"""In the order in which pages list them."""
TRIVIAL = "baseline"
"""The family of methods that any useful one beats."""
STRANGER = "guest"
"""The family of methods from elsewhere, and of rows whose method is not in the METHODS table."""

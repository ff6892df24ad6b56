"""Two methods of one's own: a function, and a class that says more of itself."""

from typing import ClassVar

import numpy as np

from inpainters import Inpainter
from inpainters.base import Piece
from inpainters.spec import Option, Strategy


def rows(image: np.ndarray, mask: np.ndarray, blend: float = 1.0) -> np.ndarray:
    """Draws a line between the known pixels left and right of the hole, in each row on its own."""
    columns, mean = np.arange(image.shape[1]), image[~mask].mean(0)
    for row, missing in zip(image, mask, strict=True):
        if missing.any() and not missing.all():
            for channel in row.T:
                channel[missing] = np.interp(columns[missing], columns[~missing], channel[~missing])
        row[missing] = blend * row[missing] + (1 - blend) * mean if not missing.all() else mean
    return image


class Scatter(Inpainter):
    """Puts a known pixel, drawn at random, in the place of each missing one."""

    about: ClassVar = {
        "title": "Scattered pixels",
        "paper": "No paper: an example",
        "licence": "Apache-2.0",
        "strategy": Strategy(context=0.5, max_pixels=512 * 512),
        "options": (
            Option("smooth", 1, "Pixels that are drawn for each missing one; their mean is taken.", 1, 64),
        ),
        "stochastic": True,
    }

    def fill(self, piece: Piece) -> np.ndarray:
        filled, known = piece.image.copy(), piece.image[~piece.mask]
        drawn = piece.rng.integers(0, len(known), (piece.options["smooth"], piece.mask.sum()))
        filled[piece.mask] = known[drawn].mean(0)
        return filled

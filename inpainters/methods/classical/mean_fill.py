"""The trivial baseline: the mean colour of the known pixels, mid-grey where nothing is known."""

import numpy as np

from inpainters.base import Inpainter, Piece
from inpainters.imaging import Image, to_uint8


class MeanFill(Inpainter):
    def fill(self, piece: Piece) -> Image:
        known = piece.image[~piece.mask]
        colour = to_uint8(known.mean(axis=0)) if len(known) else np.full(3, 128, np.uint8)
        return np.broadcast_to(colour, piece.image.shape)

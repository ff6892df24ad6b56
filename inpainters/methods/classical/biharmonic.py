"""Damelin and Hoang, On surface completion and image inpainting by biharmonic functions,
2018 (doi 10.1155/2018/3950312).
"""

from skimage.restoration import inpaint_biharmonic

from inpainters.base import Inpainter, Piece
from inpainters.imaging import Image, to_uint8


class Biharmonic(Inpainter):
    def fill(self, piece: Piece) -> Image:
        return to_uint8(inpaint_biharmonic(piece.image / 255, piece.mask, channel_axis=-1) * 255)

"""Telea 2004 (doi 10.1080/10867651.2004.10487596) and Bertalmio 2001 (doi 10.1109/CVPR.2001.990497),
as in OpenCV.
"""

import cv2
import numpy as np

from inpainters.base import Inpainter, Piece
from inpainters.imaging import Image


class _OpenCV(Inpainter):
    flag: int

    def fill(self, piece: Piece) -> Image:
        # Both work channel by channel, so that RGB need not become BGR.
        filled = cv2.inpaint(piece.image, piece.mask.astype(np.uint8), piece.options["radius"], self.flag)
        return np.asarray(filled, np.uint8)


class Telea(_OpenCV):
    flag = cv2.INPAINT_TELEA


class NavierStokes(_OpenCV):
    flag = cv2.INPAINT_NS

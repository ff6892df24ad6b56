"""Mean absolute difference of two pictures with values scaled to [0, 1]; papers often print per cent."""

import cv2
import numpy as np

from benchmark.metrics.base import PerPicture, check_triple
from benchmark.metrics.regions import means
from inpainters.imaging import Image, Mask


class L1(PerPicture):
    """The mean over the region's pixels and its three channels of |reference - output| / 255."""

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        return means(cv2.absdiff(reference, output).astype(np.float64) / 255, mask)

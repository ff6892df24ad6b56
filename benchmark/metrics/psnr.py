"""Peak signal-to-noise ratio: 10 log10(255² / MSE), in dB."""

import math

import cv2
import numpy as np

from benchmark.metrics.base import PerPicture, check_triple
from benchmark.metrics.regions import means
from inpainters.imaging import Image, Mask


class Psnr(PerPicture):
    """MSE is the mean over the region's pixels and its three channels, of values 0..255.

    Identical regions score infinity, which is what the formula says, and rows hold it. Means take at most
    `MetricSpec.highest` for a picture, 60 dB, as libvmaf does for 8 bits (`psnr_max`): a squared error under
    0.065 grey levels counts as that, so that a method never ranks lower for restoring more pictures exactly.
    """

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        squares = np.square(cv2.absdiff(reference, output).astype(np.float64))
        return {region: _decibel(mse) for region, mse in means(squares, mask).items()}


def _decibel(mse: float) -> float:
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)

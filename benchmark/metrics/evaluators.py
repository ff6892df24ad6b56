"""Figures as the evaluation programs of papers compute them, for tables that are read beside theirs.

LaMa: Suvorov et al. 2022. PEN-Net: Zeng, Fu, Chao and Guo 2019. All of the whole picture.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmark.metrics.base import PerPicture, check_triple
from benchmark.metrics.ssim import SIGMA, WINDOW, similarity
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask

WIDE = 51
"""Side of PEN-Net's window."""


class OfWhole(PerPicture):
    """One value of two whole pictures, (H, W, 3) uint8."""

    def __init__(self, compare: Callable[[Image, Image], float], least: int = 1) -> None:
        """`least` is the side in pixels under which the figure is not defined."""
        self.compare, self.least = compare, least

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        if min(mask.shape) < self.least:
            raise InputError(
                f"This SSIM needs pictures of at least {self.least}×{self.least} pixels, not "
                f"{mask.shape[1]}×{mask.shape[0]}."
            )
        return {"whole": self.compare(reference, output)}


def ssim_lama(device: str = "cpu") -> OfWhole:
    """SSIM with the usual window, black beyond the border, and the mean over all pixels."""
    del device
    return OfWhole(lambda x, y: float(similarity(x, y, _blur).mean()))


def _blur(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    return cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_CONSTANT)


def ssim_pennet(device: str = "cpu") -> OfWhole:
    """SSIM as scikit-image computes it with a uniform window of 51×51 pixels: sample covariances, the mean
    over the channels and over the pixels whose window lies in the picture.
    """
    del device
    return OfWhole(_wide_ssim, WIDE)


def _wide_ssim(x: Image, y: Image) -> float:
    edge, pixels = WIDE // 2, WIDE * WIDE
    found = similarity(x, y, lambda values: cv2.blur(values, (WIDE, WIDE)), pixels / (pixels - 1))
    return float(found[edge : found.shape[0] - edge, edge : found.shape[1] - edge].mean())


def l1_pennet(device: str = "cpu") -> OfWhole:
    """The sum of absolute differences over the sum of both pictures' values."""
    del device
    return OfWhole(_relative)


def _relative(x: Image, y: Image) -> float:
    a, b = x.astype(np.float64), y.astype(np.float64)
    total = (a + b).sum()
    return float(np.abs(a - b).sum() / total) if total else 0.0

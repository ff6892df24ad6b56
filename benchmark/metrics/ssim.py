"""Structural similarity: Wang, Bovik, Sheikh, Simoncelli 2004 (doi 10.1109/TIP.2003.819861), equation 13."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmark.metrics.base import PerPicture, check_triple
from benchmark.metrics.regions import means
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask

WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class Ssim(PerPicture):
    """The paper's constants: Gaussian window 11x11 with sigma 1.5, K1 0.01, K2 0.03, range 255, mean over the
    channels.

    `whole` leaves out the outer 5 pixels, where the window leaves the picture, as scikit-image's
    `structural_similarity` does. `hole` and `band` average the map over all of their pixels, the border
    mirrored, as holes often touch it.
    """

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        if min(mask.shape) < WINDOW:
            raise InputError(
                f"SSIM needs pictures of at least {WINDOW}×{WINDOW} pixels, not "
                f"{mask.shape[1]}×{mask.shape[0]}."
            )
        values = ssim_map(reference, output)
        edge = WINDOW // 2
        return means(values, mask) | {"whole": float(values[edge:-edge, edge:-edge].mean())}


def ssim_map(x: Image, y: Image) -> npt.NDArray[np.float64]:
    """The (H, W) float64 map of two (H, W, 3) uint8 pictures, in [-1, 1], averaged over the channels."""
    return similarity(x, y, _blur)


def similarity(
    x: Image,
    y: Image,
    blur: Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]],
    correction: float = 1.0,
) -> npt.NDArray[np.float64]:
    """`ssim_map` with a window of one's own; `correction` times variances and covariances."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    mean_a, mean_b = blur(a), blur(b)
    product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    covariance = correction * (blur(a * b) - product)
    variances = correction * (blur(a**2 + b**2) - squares)
    quotient = (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2))
    values: npt.NDArray[np.float64] = quotient.mean(axis=2)
    return values


def _blur(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    return cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT)

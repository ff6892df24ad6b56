"""Kernel distance of two sets of features: Bińkowski et al. 2018 (arXiv 1801.01401), section 4, unbiased MMD².

It is called KID on Inception features only; on others it is `kd_<features>`. Unlike FID it has no bias in small sets; it
may come out slightly below 0.
"""

import numpy as np
import numpy.typing as npt

from benchmark.metrics.base import Features
from benchmark.metrics.features import Extractor, inception, squeezenet

ROWS = 2048
"""Rows of the kernel matrix held at a time."""


class Kernel:
    def __init__(self, extractor: Extractor) -> None:
        self.features = extractor
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return kernel_distance(reference_features, output_features)


def kernel_distance(x: Features, y: Features) -> float:
    """MMD² with k(a, b) = (a·b / d + 1)³ over all pairs but a picture with itself, in float64; x (n, d), y (m, d).

    Published KIDs average random subsets; this is the mean of all of them, so that no seed enters. Raises ValueError for
    fewer than two pictures.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"A kernel distance needs at least 2 pictures on each side, not {len(x)} and {len(y)}.")
    a, b = x.astype(np.float64), y.astype(np.float64)
    return float(_within(a) + _within(b) - 2 * _sum(a, b) / (len(a) * len(b)))


def _within(x: npt.NDArray[np.float64]) -> float:
    own = ((x * x).sum(axis=1) / x.shape[1] + 1) ** 3
    return float((_sum(x, x) - own.sum()) / (len(x) * (len(x) - 1)))


def _sum(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    return sum(float(((x[i : i + ROWS] @ y.T / x.shape[1] + 1) ** 3).sum()) for i in range(0, len(x), ROWS))


def inception_tm(device: str = "cpu") -> Kernel:
    return Kernel(inception("tm", device))


def inception_legacy(device: str = "cpu") -> Kernel:
    return Kernel(inception("legacy", device))


def inception_clean(device: str = "cpu") -> Kernel:
    return Kernel(inception("clean", device))


def squeeze(device: str = "cpu") -> Kernel:
    return Kernel(squeezenet(device))

"""Kernel distance of two sets of features: Bińkowski et al. 2018 (arXiv 1801.01401), section 4, unbiased
MMD².

It is called KID on Inception features only; on others it is `kd_<features>`. Unlike FID it has no bias in
small sets; it may come out slightly below 0.
"""

import numpy as np
import numpy.typing as npt

from benchmark.metrics.base import Features
from benchmark.metrics.features import Extractor, inception, squeezenet

KERNEL_ROWS = 2048
"""Rows of the kernel matrix held at a time."""


class Kernel:
    def __init__(self, extractor: Extractor) -> None:
        self.features = extractor
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return kernel_distance(reference_features, output_features)


def kernel_distance(x: Features, y: Features) -> float:
    """MMD² with k(a, b) = (a·b / d + 1)³ over all pairs but a picture with itself, in float64; x (n, d), y
    (m, d).

    Published KIDs average random subsets; this is the mean of all of them, so that no seed enters. Raises
    ValueError for fewer than two pictures.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(
            f"A kernel distance needs at least 2 pictures on each side, not {len(x)} and {len(y)}."
        )
    a, b = x.astype(np.float64), y.astype(np.float64)
    return float(_within(a) + _within(b) - 2 * _sum(a, b) / (len(a) * len(b)))


def _within(x: npt.NDArray[np.float64]) -> float:
    own = ((x * x).sum(axis=1) / x.shape[1] + 1) ** 3
    return float((_sum(x, x) - own.sum()) / (len(x) * (len(x) - 1)))


def _sum(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    return sum(
        float(((x[i : i + KERNEL_ROWS] @ y.T / x.shape[1] + 1) ** 3).sum())
        for i in range(0, len(x), KERNEL_ROWS)
    )


def pseudo_values(x: Features, y: Features) -> npt.NDArray[np.float64]:
    """What each picture adds to the kernel distance: n D - (n - 1) D without it, (n,), for features (n, d) of
    originals and their fills.

    Their mean is the distance, but for what the pairs of an original and its own fill weigh, and its interval
    over photographs is the distance's (jackknife: Arvesen 1969, Jackknifing U-statistics). Raises ValueError
    for fewer than three pictures.
    """
    n = len(x)
    if n < 3 or len(y) != n:
        raise ValueError(
            f"Pseudo-values need three originals at least and as many fills, not {n} and {len(y)}."
        )
    a, b = x.astype(np.float64), y.astype(np.float64)
    kernel = [(u @ v.T / x.shape[1] + 1) ** 3 for u, v in ((a, a), (b, b), (a, b))]
    within = [(k.sum() - np.trace(k), 2 * (k.sum(axis=1) - np.diag(k))) for k in kernel[:2]]
    across = kernel[2].sum(), kernel[2].sum(axis=0) + kernel[2].sum(axis=1) - np.diag(kernel[2])
    whole = sum(total for total, _ in within) / (n * (n - 1)) - 2 * across[0] / n**2
    without = (
        sum(total - own for total, own in within) / ((n - 1) * (n - 2))
        - 2 * (across[0] - across[1]) / (n - 1) ** 2
    )
    return np.asarray(n * whole - (n - 1) * without)


def inception_tm(device: str = "cpu") -> Kernel:
    return Kernel(inception("tm", device))


def inception_legacy(device: str = "cpu") -> Kernel:
    return Kernel(inception("legacy", device))


def inception_clean(device: str = "cpu") -> Kernel:
    return Kernel(inception("clean", device))


def squeeze(device: str = "cpu") -> Kernel:
    return Kernel(squeezenet(device))

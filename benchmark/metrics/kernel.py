"""Kernel distance of two sets of features: the U-statistic of MMD² in Gretton et al. 2012 (A kernel
two-sample test, JMLR 13), equation 4, with the kernel of Bińkowski et al. 2018 (arXiv 1801.01401), section 4.

It is called KID on Inception features only; on others it is `kd_<features>`, and `_u` names the estimator.
Picture i of one side is the original of picture i of the other. No original is compared with its own fill, so
that the distance has the same mean at every n; it may come out slightly below 0. A perfect fill scores 0.
"""

import numpy as np

from benchmark.metrics.base import Features, Floats
from benchmark.metrics.features import Extractor, inception, squeezenet
from inpainters.errors import InputError

KERNEL_ROWS = 1024
"""Rows of the kernel matrices held at a time."""


class Kernel:
    def __init__(self, extractor: Extractor) -> None:
        self.features = extractor
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return kernel_distance(reference_features, output_features)

    def independent(self, reference_features: Features, output_features: Features) -> float:
        return independent_distance(reference_features, output_features)

    def pseudo_values(self, reference_features: Features, output_features: Features) -> Floats:
        return pseudo_values(reference_features, output_features)


def kernel_distance(x: Features, y: Features) -> float:
    """The mean over i ≠ j of h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j), where k(a, b) =
    (a·b / d + 1)³, in float64; x, y (n, d), features of originals and of their fills in one order.

    Raises InputError for fewer than two pictures, or sides of unequal length.
    """
    return float(_row_means(x, y).mean())


def independent_distance(x: Features, y: Features) -> float:
    """The distance of two sets that share no picture: the U-statistic of Gretton 2012, equation 3, over all
    pairs of both, in float64; x (n, d), y (m, d).

    Raises InputError for fewer than two pictures on a side.
    """
    if min(len(x), len(y)) < 2:
        raise InputError(f"A kernel distance needs at least 2 pictures on each side, not {len(x)}, {len(y)}.")
    a, b = x.astype(np.float64), y.astype(np.float64)
    own = sum(
        (_kernel_sum(side, side) - (((side * side).sum(1) / side.shape[1] + 1) ** 3).sum())
        / (len(side) * (len(side) - 1))
        for side in (a, b)
    )
    return float(own - 2 * _kernel_sum(a, b) / (len(a) * len(b)))


def _kernel_sum(a: Floats, b: Floats) -> float:
    """Of k(a_i, b_j) over all i and j."""
    rows = (a[start : start + KERNEL_ROWS] for start in range(0, len(a), KERNEL_ROWS))
    return sum(float(((some @ b.T / a.shape[1] + 1) ** 3).sum()) for some in rows)


def pseudo_values(x: Features, y: Features) -> Floats:
    """What each picture adds to the kernel distance D: n D - (n - 1) D without it, (n,) float64; x and y as
    there.

    Their mean is the distance, and its interval over photographs is the distance's (jackknife: Arvesen 1969,
    Jackknifing U-statistics). Of two pictures each has the distance itself. Raises InputError as the distance
    does.
    """
    rows = _row_means(x, y)
    n, mean = len(rows), rows.mean()
    return np.asarray(mean + 2 * (n - 1) / max(n - 2, 1) * (rows - mean))


def _row_means(x: Features, y: Features) -> Floats:
    """For each i the mean of h(i, j) over j ≠ i, (n,)."""
    n = len(x)
    if n < 2 or len(y) != n:
        raise InputError(
            f"A kernel distance needs at least 2 originals and as many fills, not {n} and {len(y)}."
        )
    a, b = x.astype(np.float64), y.astype(np.float64)
    blocks = [_pairs(a, b, slice(start, start + KERNEL_ROWS)) for start in range(0, n, KERNEL_ROWS)]
    return np.concatenate(blocks) / (n - 1)


def _pairs(x: Floats, y: Floats, rows: slice) -> Floats:
    """For each i of `rows` the sum of h(i, j) over j ≠ i."""
    found = _gain(x[rows], x, y) + _gain(y[rows], y, x)
    own = np.arange(len(found))
    found[own, own + rows.start] = 0
    return np.asarray(found.sum(axis=1))


def _gain(a: Floats, near: Floats, far: Floats) -> Floats:
    """k(a_i, near_j) - k(a_i, far_j), as e (3u² - 3ue + e²) = u³ - (u - e)³: where both are equal e is 0, and
    nothing is left to rounding.
    """
    u = a @ near.T / near.shape[1] + 1
    e = a @ (near - far).T / near.shape[1]
    return np.asarray(e * (3 * u * (u - e) + e * e))


def inception_tm(device: str = "cpu") -> Kernel:
    return Kernel(inception("tm", device))


def inception_legacy(device: str = "cpu") -> Kernel:
    return Kernel(inception("legacy", device))


def inception_clean(device: str = "cpu") -> Kernel:
    return Kernel(inception("clean", device))


def squeeze(device: str = "cpu") -> Kernel:
    return Kernel(squeezenet(device))

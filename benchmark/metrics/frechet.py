"""Fréchet distance of two sets of features: Heusel et al. 2017 (arXiv 1706.08500), equation 6.

It is called FID on Inception features only; on others it is `fd_<features>`.
"""

from collections.abc import Iterable
from itertools import chain

import numpy as np
import torch

from benchmark.metrics.base import Features, Floats
from benchmark.metrics.features import Extractor, inception, squeezenet
from inpainters.errors import InputError

FRECHET_ROWS = 4096
"""Rows that are held in float64 at a time, where pictures are more than features."""
_ROUNDING = 1e-12
"""What is left of equal sets, as a share of their spread, is nothing but rounding."""


class Frechet:
    def __init__(self, extractor: Extractor) -> None:
        self.features = extractor
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return frechet_distance(reference_features, output_features)

    def distance_of_parts(self, parts: Iterable[tuple[Features, Features]]) -> float:
        return frechet_distance_of_parts(parts)

    independent = distance


def frechet_distance(x: Features, y: Features) -> float:
    """|mean(x) - mean(y)|² + tr(Cx + Cy - 2 (Cx Cy)^½), covariances over n - 1, in float64; x (n, d), y (m,
    d). What comes out below 0 is 0. Raises InputError for fewer than two pictures.

    With centred X and Y over √(n - 1), Cx = XᵀX and Cy = YᵀY, and the eigenvalues of Cx Cy are the squared
    singular values of XYᵀ: (n, m) in place of (d, d), and no root of a singular matrix, whose eigenvalues
    carry noise (about 1e-4 of the distance of 16 pictures). Where pictures are more than features,
    torchmetrics computes it.
    """
    return frechet_distance_of_parts([(x, y)])


def frechet_distance_of_parts(parts: Iterable[tuple[Features, Features]]) -> float:
    """`frechet_distance` of two sets that come part by part, (n, d) and (m, d) of each. Of many pictures it
    holds sums of d and d² numbers, and no part longer than it takes to add it, but for the first d rows.
    """
    rest, held = iter(parts), list[tuple[Features, Features]]()
    for part in rest:
        held.append(part)
        if max(_lengths(held)) > part[0].shape[1]:
            return frechet_by_torchmetrics(chain(held, rest))
    _check(*_lengths(held))
    return _of_few(*(np.concatenate(side).astype(np.float64) for side in zip(*held, strict=True)))


def _lengths(parts: Iterable[tuple[Features, Features]]) -> tuple[int, int]:
    n, m = (sum(map(len, side)) for side in zip(*parts, strict=True))
    return n, m


def _check(n: int, m: int) -> None:
    if min(n, m) < 2:
        raise InputError(f"A Fréchet distance needs at least 2 pictures on each side, not {n} and {m}.")


def frechet_by_torchmetrics(parts: Iterable[tuple[Features, Features]]) -> float:
    """`frechet_distance_of_parts`, (n, d) and (m, d) of each part, by torchmetrics: from the eigenvalues of
    the product of both covariances. Raises InputError for fewer than two pictures on a side.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance  # takes longer than small sets do

    metric = None
    for x, y in parts:
        metric = metric or FrechetInceptionDistance(feature=_Stored(x.shape[1]))
        for side, real in ((x, True), (y, False)):
            for start in range(0, len(side), FRECHET_ROWS):
                rows = torch.from_numpy(side[start : start + FRECHET_ROWS]).double()
                metric.update(rows, real=real)
    assert metric is not None
    _check(int(metric.real_features_num_samples), int(metric.fake_features_num_samples))
    return max(0.0, float(metric.compute()))


def _of_few(x: Floats, y: Floats) -> float:
    apart = x.mean(0) - y.mean(0)
    a, b = ((side - side.mean(0)) / np.sqrt(len(side) - 1) for side in (x, y))
    roots = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    spread = (a * a).sum() + (b * b).sum()
    found = float(apart @ apart + spread - 2 * roots)
    return found if found > _ROUNDING * spread else 0.0


class _Stored(torch.nn.Module):
    """Stands where torchmetrics wants a network: the features have been taken already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def inception_tm(device: str = "cpu") -> Frechet:
    return Frechet(inception("tm", device))


def inception_legacy(device: str = "cpu") -> Frechet:
    return Frechet(inception("legacy", device))


def inception_clean(device: str = "cpu") -> Frechet:
    return Frechet(inception("clean", device))


def inception_pytorch(device: str = "cpu") -> Frechet:
    return Frechet(inception("pytorch", device))


def squeeze(device: str = "cpu") -> Frechet:
    return Frechet(squeezenet(device))

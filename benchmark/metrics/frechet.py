"""Fréchet distance of two sets of features: Heusel et al. 2017 (arXiv 1706.08500), equation 6.

It is called FID on Inception features only; on others it is `fd_<features>`.
"""

import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from benchmark.metrics.base import Features
from benchmark.metrics.features import Extractor, inception, squeezenet


class Frechet:
    def __init__(self, extractor: Extractor) -> None:
        self.features = extractor
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return frechet_distance(reference_features, output_features)


def frechet_distance(x: Features, y: Features) -> float:
    """|mean(x) - mean(y)|² + tr(Cx + Cy - 2 (Cx Cy)^½), covariances over n - 1, in float64; x (n, d), y (m,
    d).

    torchmetrics computes it, so that the figure is the one others get: its eigenvalues of the singular Cx Cy
    carry noise when n is under d (measured: about 1e-4 relative for 16 pictures). What it takes below 0
    is 0. Raises ValueError for fewer than two pictures.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(
            f"A Fréchet distance needs at least 2 pictures on each side, not {len(x)} and {len(y)}."
        )
    metric = FrechetInceptionDistance(feature=_Stored(x.shape[1]))
    metric.update(torch.from_numpy(x).double(), real=True)
    metric.update(torch.from_numpy(y).double(), real=False)
    return max(0.0, float(metric.compute()))


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


def squeeze(device: str = "cpu") -> Frechet:
    return Frechet(squeezenet(device))

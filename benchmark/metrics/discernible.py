"""U-IDS and P-IDS: how far a plane tells originals from fills, of Zhao et al. 2021 (Large scale image
completion via co-modulated GANs, ICLR, section 4), as MAT's evaluator (Li et al. 2022) computes them.

A linear support vector machine is fitted to the features of originals and fills: squared hinge loss of
weight 1, the plane's offset counted among its weights, as scikit-learn's LinearSVC does. What it gets wrong
is U-IDS; how often it takes a fill to be more of an original than its own original is P-IDS.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.optimize import minimize

from benchmark.metrics.base import Features, Floats
from benchmark.metrics.features import Extractor, inception


class Discernible:
    def __init__(self, extractor: Extractor, figure: Callable[[Floats, Floats], float]) -> None:
        self.features, self.figure = extractor, figure
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return self.figure(*decisions(reference_features, output_features))

    def independent(self, reference_features: Features, output_features: Features) -> float:
        raise ValueError("U-IDS and P-IDS compare fills with their own originals: leave out --reference.")


def decisions(x: Features, y: Features) -> tuple[Floats, Floats]:
    """On which side of the plane the originals x (n, d) and the fills y (n, d) lie, above 0 for what is taken
    to be an original, (n,) each, in float64.

    Raises ValueError where there are so few that some plane tells any two such sets apart.
    """
    n, width = x.shape
    if len(y) != n:
        raise ValueError(f"There must be as many originals as fills, not {n} and {len(y)}.")
    if 2 * n <= width + 1:
        raise ValueError(
            f"Of {n} pictures a plane through their {width} features tells any fills from "
            f"originals: it takes "
            f"more than {(width + 1) // 2}."
        )
    sides = np.concatenate([x, y]).astype(np.float64)
    sides = np.column_stack([sides, np.ones(2 * n)])
    signed = sides * np.repeat([1.0, -1.0], n)[:, None]
    found = minimize(
        partial(_loss, signed), np.zeros(width + 1), method="trust-ncg", jac=partial(_slope, signed),
        hessp=partial(_curve, signed), options={"gtol": 1e-6, "maxiter": 1000},
    )  # fmt: skip
    margins = sides @ found.x
    return margins[:n], margins[n:]


def _loss(signed: Floats, w: Floats) -> float:
    lacking = np.maximum(0.0, 1 - signed @ w)
    return float(w @ w / 2 + lacking @ lacking)


def _slope(signed: Floats, w: Floats) -> Floats:
    lacking = np.maximum(0.0, 1 - signed @ w)
    return np.asarray(w - 2 * signed.T @ lacking)


def _curve(signed: Floats, w: Floats, direction: Floats) -> Floats:
    lacking = signed @ w < 1
    return np.asarray(direction + 2 * signed.T @ (lacking * (signed @ direction)))


def _mistaken(x: Floats, y: Floats) -> float:
    """The share of both that lie on the other's side; on the plane itself they count as fills."""
    return float(((x <= 0).sum() + (y > 0).sum()) / (len(x) + len(y)))


def _preferred(x: Floats, y: Floats) -> float:
    return float((y > x).mean())


def uids_legacy(device: str = "cpu") -> Discernible:
    return Discernible(inception("legacy", device), _mistaken)


def pids_legacy(device: str = "cpu") -> Discernible:
    return Discernible(inception("legacy", device), _preferred)

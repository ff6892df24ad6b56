"""U-IDS and P-IDS: how far a plane tells originals from fills, of Zhao et al. 2021 (Large scale image
completion via co-modulated GANs, ICLR, section 4), as MAT's evaluator (Li et al. 2022) computes them.

A linear support vector machine is fitted to the features of originals and fills: squared hinge loss of
weight 1, the plane's offset counted among its weights, as scikit-learn's LinearSVC does. What it gets wrong
is U-IDS; how often it takes a fill to be more of an original than its own original is P-IDS.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from benchmark.cells import pixels_sha256
from benchmark.metrics.base import Features, Floats
from benchmark.metrics.features import Extractor, inception
from inpainters.errors import InputError

SVM_ROWS = 4096
"""Rows that are held in float64 at a time."""


class Discernible:
    def __init__(self, extractor: Extractor, figure: Callable[[Floats, Floats], float]) -> None:
        self.features, self.figure = extractor, figure
        self.feature_key = extractor.key

    def distance(self, reference_features: Features, output_features: Features) -> float:
        return self.figure(*_last_decisions(reference_features, output_features))

    def independent(self, reference_features: Features, output_features: Features) -> float:
        raise InputError("U-IDS and P-IDS compare fills with their own originals: leave out --reference.")


def _last_decisions(x: Features, y: Features) -> tuple[Floats, Floats]:
    """`decisions`, which are kept until others are asked for: both figures rest on the same ones."""
    key = pixels_sha256(x), pixels_sha256(y)
    if (found := _LAST.get(key)) is None:
        found = decisions(x, y)
        _LAST.clear()
        _LAST[key] = found
    return found


_LAST: dict[tuple[str, str], tuple[Floats, Floats]] = {}
"""Digests of the features of originals and fills -> the decisions that were made last."""


def decisions(x: Features, y: Features) -> tuple[Floats, Floats]:
    """On which side of the plane the originals x (n, d) and the fills y (n, d) lie, above 0 for what is taken
    to be an original, (n,) each, in float64.

    Raises InputError where there are so few that some plane tells any two such sets apart.
    """
    n, width = x.shape
    if len(y) != n:
        raise InputError(f"There must be as many originals as fills, not {n} and {len(y)}.")
    if n <= width + 1:  # twice as many points as weights can nearly always be parted (Cover 1965)
        raise InputError(
            f"Of {n} pictures a plane through their {width} features tells any fills from "
            f"originals: it takes "
            f"more than {width + 1}, and many times as many for a figure that is not biased."
        )
    both = _Both(x, y)
    found = minimize(
        both.loss, np.zeros(width + 1), method="trust-ncg", jac=both.slope, hessp=both.curve,
        options={"gtol": 1e-6, "maxiter": 1000},
    )  # fmt: skip
    margins = both.signed(found.x)
    return margins[:n], -margins[n:]


@dataclass(frozen=True)
class _Both:
    """The points of both sides, of fills turned around; in float64 only a block of rows at a time."""

    x: Features
    y: Features

    def _blocks(self) -> Iterator[Floats]:
        for side, sign in ((self.x, 1.0), (self.y, -1.0)):
            for start in range(0, len(side), SVM_ROWS):
                rows = side[start : start + SVM_ROWS].astype(np.float64)
                yield sign * np.column_stack([rows, np.ones(len(rows))])

    def signed(self, w: Floats) -> Floats:
        """How far each lies on its own side."""
        return np.concatenate([block @ w for block in self._blocks()])

    def _summed(self, weights: Floats) -> Floats:
        total, start = np.zeros(self.x.shape[1] + 1), 0
        for block in self._blocks():
            total += weights[start : start + len(block)] @ block
            start += len(block)
        return total

    def loss(self, w: Floats) -> float:
        lacking = np.maximum(0.0, 1 - self.signed(w))
        return float(w @ w / 2 + lacking @ lacking)

    def slope(self, w: Floats) -> Floats:
        return w - 2 * self._summed(np.maximum(0.0, 1 - self.signed(w)))

    def curve(self, w: Floats, direction: Floats) -> Floats:
        return direction + 2 * self._summed((self.signed(w) < 1) * self.signed(direction))


def _mistaken(x: Floats, y: Floats) -> float:
    """The share of both that lie on the other's side; on the plane itself they count as fills."""
    return float(((x <= 0).sum() + (y > 0).sum()) / (len(x) + len(y)))


def _preferred(x: Floats, y: Floats) -> float:
    return float((y > x).mean())


def uids_legacy(device: str = "cpu") -> Discernible:
    return Discernible(inception("legacy", device), _mistaken)


def pids_legacy(device: str = "cpu") -> Discernible:
    return Discernible(inception("legacy", device), _preferred)

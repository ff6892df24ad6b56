"""Intervals and paired tests. The unit that is resampled is the *photograph*: its crops are not independent.

Percentile bootstrap over clusters (Davison and Hinkley 1997, section 3.8), drawn from a fixed seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmark.metrics.base import Floats

DRAWS = 2000
LEVEL = 0.95
MIN_PHOTOGRAPHS = 5
"""Fewer photographs than this give no interval: a bootstrap over four things says nothing."""


@dataclass(frozen=True)
class Interval:
    """A mean over `n` values of `photographs` photographs; `low` and `high` are NaN where there is none."""

    mean: float
    low: float
    high: float
    n: int
    photographs: int

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def interval_of_mean(values: Floats, photographs: Sequence[str]) -> Interval:
    """Mean of `values` (n,) with its 95 % interval; `photographs` names the photograph of each value. NaN
    values are left out.
    """
    keep = ~np.isnan(values)
    values, names = values[keep], np.asarray(photographs, dtype=str)[keep]
    if not len(values):
        return Interval(np.nan, np.nan, np.nan, 0, 0)
    _, cluster = np.unique(names, return_inverse=True)
    sums, counts = np.bincount(cluster, values), np.bincount(cluster)
    low, high = np.nan, np.nan
    if len(counts) >= MIN_PHOTOGRAPHS and np.isfinite(values).all():
        weights = _resamples(len(counts))
        means = (weights @ sums) / (weights @ counts)
        low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high), len(values), len(counts))


@lru_cache(maxsize=32)
def _resamples(clusters: int) -> Floats:
    """(DRAWS, clusters): how often each cluster is drawn in each resample."""
    rng = np.random.default_rng(0)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), DRAWS).astype(np.float64)

"""Intervals of means, and paired tests. The unit is the *photograph*: its crops are not independent.

`studies/coverage` measures how often they err on real scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.metrics.base import Floats

_Names = Sequence[str] | npt.NDArray[Any]
"""A name, or a number, for each value."""
LEVEL = 0.95
MIN_PHOTOGRAPHS = 5
"""Fewer photographs than this give no interval: a spread of four things says nothing."""
MIN_WINNER = 20
"""Fewer photographs than this crown no winner."""


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


NO_INTERVAL = Interval(np.nan, np.nan, np.nan, 0, 0)


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences with its interval, and how unlikely such ranks are by chance."""

    value: Interval
    p: float
    """Of Wilcoxon's signed-rank test (1945), two-sided; 1 where the interval holds 0 already, or the ranks do
    not lean the mean's way.
    """

    @property
    def told_apart(self) -> bool:
        """True where the interval and the ranks both say that it is not chance: a mean may rest on a few
        pictures, and ranks may lean against the mean.
        """
        return self.value.excludes_zero and self.p < 1 - LEVEL


def interval_of_mean(values: Floats, photographs: _Names) -> Interval:
    """Mean of `values` (n,) with its 95 % interval; `photographs` names the photograph of each value. NaN
    values are left out.

    The wider, on each side, of two studentised intervals: Student's t over photographs, and Hall's, which
    allows for skewness (Hall 1992, On the removal of skewness by transformation, J. R. Stat. Soc. B 54).
    """
    keep = ~np.isnan(values)
    return intervals_of_means(values[None, keep], np.asarray(photographs)[keep])[0]


def intervals_of_means(values: Floats, photographs: _Names) -> list[Interval]:
    """`interval_of_mean` of each row of (k, n), which holds no NaN."""
    rows, n = values.shape
    if not n:
        return [NO_INTERVAL] * rows
    sums, counts = _by_photograph(values, np.asarray(photographs))
    means, ends = values.mean(axis=1), np.full((2, rows), np.nan)
    finite = np.isfinite(values).all(axis=1)
    if len(counts) >= MIN_PHOTOGRAPHS and finite.any():
        # What each photograph adds to the mean, which is a ratio where photographs differ in their number of
        # holes (Cochran 1977, Sampling techniques, section 6.3).
        shares = (sums[finite] - means[finite, None] * counts) / counts.mean()
        ends[:, finite] = means[finite] + np.stack(bounds(shares))
    found = []
    for mean, low, high in zip(means.tolist(), *ends.tolist(), strict=True):
        if np.isnan(low):
            low = high = np.nan  # this one, so that equal intervals are equal
        found.append(Interval(mean, low, high, n, len(counts)))
    return found


MAX_SKEW = 0.3
"""Hall's transform is steep where values are very skewed and few: beyond this it adds width, and no coverage.
"""


def bounds(shares: Floats) -> tuple[Floats, Floats]:
    """Ends of the intervals of the means of each row of (k, n), as distances from the means; (k,) each."""
    count, mean = shares.shape[1], shares.mean(axis=1)
    spread = shares.std(axis=1, ddof=1)
    error, t = spread / np.sqrt(count), _t(count)
    third = ((shares - mean[:, None]) ** 3).mean(axis=1)
    skew = np.divide(third, spread**3, out=np.zeros_like(third), where=spread > 0) / np.sqrt(count)
    skew = skew.clip(-MAX_SKEW, MAX_SKEW)
    low = np.minimum(-t, -_unskewed(t, skew)) * error
    high = np.maximum(t, -_unskewed(-t, skew)) * error
    return low, high


def _unskewed(t: float, skew: Floats) -> Floats:
    """Where a studentised mean of skewed values lies when Hall's transform of it, which is not skewed, lies
    at `t`; `skew` is the coefficient of skewness over the root of n.
    """
    small = np.abs(skew) < 1e-9
    a = np.where(small, 1.0, skew)
    return np.where(small, t, 3 / a * (np.cbrt(1 + a * (t - a / 6)) - 1))


@lru_cache(maxsize=1024)
def _t(count: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, (1 + LEVEL) / 2))


def mean_difference(values: Floats, photographs: _Names) -> Difference:
    """What paired differences (n,) say; NaN values are left out."""
    keep = ~np.isnan(values)
    return mean_differences(values[None, keep], np.asarray(photographs)[keep])[0]


def mean_differences(values: Floats, photographs: _Names) -> list[Difference]:
    """What each row of paired differences (k, n) says, which holds no NaN."""
    found = intervals_of_means(values, photographs)
    apart = [row for row, one in enumerate(found) if one.excludes_zero]
    if not apart:
        return [Difference(one, 1.0) for one in found]
    sums, counts = _by_photograph(values[apart], np.asarray(photographs))
    p = dict(zip(apart, signed_ranks(sums / counts, values[apart].mean(axis=1)), strict=True))
    return [Difference(one, p.get(row, 1.0)) for row, one in enumerate(found)]


def signed_rank(differences: Floats, mean: float) -> float:
    """p of Wilcoxon's test of (n,) differences; zeros are ranked but count for neither side (Pratt 1959)."""
    return signed_ranks(differences[None], np.array([mean]))[0]


ASYMPTOTIC = 50
"""With more differences than this, scipy takes the normal approximation whatever they are, so that rows can
be tested together.
"""


def signed_ranks(differences: Floats, means: Floats) -> list[float]:
    """`signed_rank` of each row of (k, n), with means (k,)."""
    from scipy.stats import rankdata, wilcoxon

    ranks = rankdata(np.abs(differences), axis=1)
    lean = (ranks * np.sign(differences)).sum(axis=1)
    found = np.where(np.sign(lean) == np.sign(means), np.nan, 1.0)
    asked = np.flatnonzero(np.isnan(found))
    for rows in [asked] if differences.shape[1] > ASYMPTOTIC else asked[:, None]:
        if len(rows):
            found[rows] = wilcoxon(differences[rows], zero_method="pratt", axis=1).pvalue
    return [float(p) for p in found]


def holm(found: Mapping[str, Difference]) -> dict[str, Difference]:
    """The same differences, each of a method from the best one, with p corrected for their number.

    Step by step as Holm (1979), each time for all pairs of the methods that are left: the best was chosen on
    the same pictures, so that it may be any of them. The chance that any of several equal methods is told
    apart from the best stays under 5 %.
    """
    corrected, before = {}, 0.0
    for left, name in enumerate(sorted(found, key=lambda name: (found[name].p, name))):
        others = len(found) - left
        before = max(before, min(1.0, others * (others + 1) / 2 * found[name].p))
        corrected[name] = replace(found[name], p=before)
    return {name: corrected[name] for name in found}


def _by_photograph(values: Floats, names: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Sums (k, photographs) of each row of (k, n) values, and counts of the values, by photograph."""
    _, cluster = np.unique(names, return_inverse=True)
    counts = np.bincount(cluster)
    sums = [np.bincount(cluster, row, len(counts)) for row in values]
    return np.asarray(sums, np.float64).reshape(len(values), len(counts)), counts.astype(np.float64)

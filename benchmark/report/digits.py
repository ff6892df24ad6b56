"""Numbers for people: as many digits as tell methods apart, a mean and its interval to the same decimals."""

import math

from benchmark.report.stats import Difference, Interval

_SMALL = 0.001
"""Means below it would have one digit at most among four decimals."""


def decimals(value: float) -> int:
    """Enough to tell methods apart, no more than was measured: three significant digits or more, two under a
    hundredth.
    """
    size = abs(value)
    if 0 < size < _SMALL:  # it would read as nothing
        return min(12, 1 - math.floor(math.log10(size)))
    return 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.1 else 4


def number(value: float, digits: int | None = None) -> str:
    """A value for people; `digits` decimals, or as many as it needs."""
    return "∞" if math.isinf(value) else f"{value:z.{decimals(value) if digits is None else digits}f}"


def plus_minus(value: Interval) -> str:
    """A mean ± how far its interval reaches on the longer side, where it has one, to the same decimals;
    – where there is no mean.
    """
    if math.isnan(value.mean):
        return "–"
    if math.isnan(value.low):
        return number(value.mean)
    digits = _decimals_of(value)
    return f"{number(value.mean, digits)} ± {number(reach(value), digits)}"


def _decimals_of(value: Interval) -> int:
    """Those of the mean; where it is all but 0, of the interval."""
    return decimals(value.mean if abs(value.mean) >= _SMALL else max(abs(value.mean), reach(value)))


def reach(value: Interval) -> float:
    """How far an interval reaches from its mean, on its longer side."""
    return max(value.high - value.mean, value.mean - value.low)


def difference_text(found: Difference) -> str:
    """A difference with both ends of its interval; = where the two are not told apart."""
    return with_ends(found.value) + ("" if found.told_apart else " =")


def with_ends(value: Interval) -> str:
    """A difference with its sign and both ends of its interval, where it has one, to the same decimals."""
    digits = decimals(value.mean) if math.isnan(value.low) else _decimals_of(value)
    mean, low, high = (number(one, digits) for one in (value.mean, value.low, value.high))
    ends = "" if math.isnan(value.low) else f" ({low} to {high})"
    return f"{'+' if value.mean > 0 else ''}{mean}{ends}"

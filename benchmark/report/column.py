"""One column of a table: the figures of one metric, region, set of masks and bin, and which of them can be
told apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.metrics import METRICS
from benchmark.metrics.base import Floats
from benchmark.report.stats import (
    MIN_WINNER,
    NO_INTERVAL,
    Difference,
    Interval,
    holm,
    interval_of_mean,
    intervals_of_means,
    mean_differences,
)
from benchmark.results import WHOLE_SET


@dataclass(frozen=True)
class TableFigure:
    """One figure of a table."""

    entry: str
    bin: str
    metric: str
    region: str
    value: Interval
    """Of a ranked figure: over the holes that all ranked methods of its column filled."""
    best: bool = False
    """Has the best mean of its column."""
    tied: bool = False
    """Not told apart from the best of its column by the paired test, or the best itself when another is tied
    with it.
    """
    apart: bool = False
    """Rests on other pictures than the rest of its column, so it is not ranked."""
    rival: "Rival | None" = None
    """Of a figure that stands apart: the best of its column on the same pictures."""
    reason: str = ""
    """Why there is no value."""
    left_out: int = 0
    """How many of the entry's holes the value does not rest on: those without a figure, and those for which
    another ranked method has none.
    """

    @property
    def biased(self) -> bool:
        """True for a metric that needs more photographs: holes in the same ones add none."""
        spec = METRICS.get(self.metric)
        return spec is not None and self.value.photographs < spec.fair_n

    @property
    def winner(self) -> bool:
        """Told apart from every other ranked method of its column, over enough photographs."""
        return self.best and not self.tied and self.value.photographs >= MIN_WINNER


@dataclass(frozen=True)
class Rival:
    """The ranked method with the best mean on a few pictures, beside a method that has only those."""

    entry: str
    mean: float
    difference: Difference
    """The method minus its rival."""


Key = tuple[str, str]  # entry, bin


@dataclass(frozen=True)
class Size:
    """What a figure rests on."""

    holes: int
    photographs: int


FULL = 0.9
"""A method is ranked in a column where it has this share of the holes that the fullest one has."""


@dataclass(frozen=True)
class TableColumn:
    """The rows of one metric, region, mask set and bin, with what is made of them."""

    metric: str
    region: str
    label: str
    rows: pd.DataFrame
    sizes: Mapping[Key, Size]
    """What a figure of a whole set rests on."""

    @property
    def sign(self) -> float:
        """1 where lower is better, else -1."""
        spec = METRICS.get(self.metric)
        return -1.0 if spec and spec.better == "higher" else 1.0

    @cached_property
    def wide(self) -> pd.DataFrame:
        """One line per hole, one column per entry."""
        finite = self.rows["value"].where(np.isfinite(self.rows["value"]))
        return by_hole(self.rows.assign(value=finite)[self.rows["image_id"] != WHOLE_SET])

    @cached_property
    def _there(self) -> pd.DataFrame:
        """Where `wide` has a figure."""
        return self.wide.notna()

    @cached_property
    def _photographs(self) -> npt.NDArray[np.integer]:
        """The photograph of each line of `wide`."""
        return _photographs(self.wide)

    @cached_property
    def ranked(self) -> list[str]:
        """The entries that are compared with each other: those with all, or nearly all, of the holes; none
        where they have too few in common.
        """
        counts = self._there.sum()
        most = counts.max()
        for names in (counts.index[counts >= FULL * most], counts.index[counts == most]):
            if 2 * self._there[names].all(axis=1).sum() >= most:
                return list(names)
        return []

    @cached_property
    def common(self) -> pd.DataFrame:
        """`wide`, the ranked entries alone, over the holes that all of them filled."""
        return self.wide[self.ranked][self._in_common]

    @cached_property
    def _in_common(self) -> npt.NDArray[np.bool_]:
        """Which lines of `wide` are in `common`."""
        there: npt.NDArray[np.bool_] = self._there[self.ranked].all(axis=1).to_numpy()
        return there

    @cached_property
    def _shared(self) -> Floats:
        """`common`, one line per ranked entry: (entries, holes)."""
        return np.ascontiguousarray(self.common.to_numpy(float).T)

    @cached_property
    def _intervals(self) -> dict[str, Interval]:
        """The figures of the ranked entries."""
        found = intervals_of_means(self._shared, self._photographs[self._in_common])
        return dict(zip(self.ranked, found, strict=True))

    def cells(self) -> Iterator[TableFigure]:
        """One per entry."""
        tied, order = self.tied, self.order
        for name in sorted(map(str, self.rows["entry"].unique())):
            value, apart = self._value(name)
            told = _reason(self._of(name)) if np.isnan(value.mean) else ""
            yield TableFigure(
                name,
                self.label,
                self.metric,
                self.region,
                value,
                best=name == order[0] if len(order) > 1 else False,
                tied=bool(tied) and name in (order[0], *tied) and value.photographs >= MIN_WINNER,
                apart=apart and not told,
                rival=self._rival(name) if apart and not told else None,
                reason=told,
                left_out=0 if told or name not in self.wide else self._holes[name] - value.n,
            )

    @cached_property
    def _holes(self) -> dict[str, int]:
        """Entry -> its holes, one for each seed."""
        of_pictures = self.rows.loc[self.rows["image_id"] != WHOLE_SET, "entry"]
        return {str(entry): int(n) for entry, n in of_pictures.value_counts().items()}

    def _of(self, entry: str) -> pd.DataFrame:
        """The rows of an entry."""
        return self.rows[self.rows["entry"] == entry]

    def _value(self, entry: str) -> tuple[Interval, bool]:
        """The figure of an entry, and whether it stands apart."""
        if entry in self.ranked:
            return self._intervals[entry], False
        if entry in self.wide:
            return interval_of_mean(self.wide[entry].to_numpy(float), self._photographs), True
        found = self._of(entry)["value"].dropna().to_numpy(float)
        size = self.sizes.get((entry, self.label), Size(0, 0))
        mean = float(found.mean()) if len(found) else np.nan
        most = max((self.sizes.get((str(e), self.label), Size(0, 0)).holes for e in self._of_sets), default=0)
        return Interval(mean, np.nan, np.nan, size.holes, size.photographs), size.holes < most

    @cached_property
    def means(self) -> dict[str, float]:
        """The figures that compare: of each ranked entry, or of each whole set as large as the largest."""
        if self.ranked:
            return {str(entry): float(mean) for entry, mean in self.common.mean().items()}
        found = {entry: self._value(entry) for entry in sorted(map(str, self.rows["entry"].unique()))}
        return {entry: value.mean for entry, (value, apart) in found.items() if not apart and value.n}

    @property
    def _of_sets(self) -> set[str]:
        """The entries with a figure of a whole set."""
        return set(self.rows.loc[self.rows["value"].notna(), "entry"])

    @cached_property
    def order(self) -> list[str]:
        """The ranked entries, best mean first."""
        means = self.common.mean()
        return sorted(means.index, key=lambda entry: (self.sign * means[entry], entry))

    @cached_property
    def tied(self) -> list[str]:
        """Those that cannot be told apart from the best."""
        return self._like(self.order)

    def _like(self, order: Sequence[str]) -> list[str]:
        """Which of `order` cannot be told apart from its first."""
        if len(order) < 2:
            return []
        best, *others = self._shared[[self.ranked.index(entry) for entry in order]]
        found = _differences(best, np.stack(others), self._photographs[self._in_common])
        told = holm(dict(zip(order[1:], found, strict=True)))
        return [other for other, one in told.items() if not one.told_apart]

    def groups(self) -> list[list[str]]:
        """The ranked entries in groups: each holds its first and all later ones that are not told apart from
        it.
        """
        left, found, like = self.order, list[list[str]](), self.tied
        while left:
            found.append([left[0], *like])
            left = [entry for entry in left[1:] if entry not in like]
            like = self._like(left) if left else []
        return found

    def _rival(self, entry: str) -> Rival | None:
        """The best ranked method over the holes of an entry that stands apart."""
        if entry not in self.wide or self.common.empty:
            return None
        mine = self.wide[entry].to_numpy(float)[self._in_common]
        there = ~np.isnan(mine)
        if not there.any():
            return None
        means = self._shared[:, there].mean(axis=1)
        rival = int(np.argmin(self.sign * means))
        photographs = self._photographs[self._in_common][there]
        difference = _differences(mine[there], self._shared[rival : rival + 1, there], photographs)[0]
        return Rival(self.ranked[rival], float(means[rival]), difference)


def _reason(rows: pd.DataFrame) -> str:
    """Why there is no figure."""
    return next((reason for reason in rows["reason"].dropna().unique() if reason), "not run")


def by_hole(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per hole and seed, one column per entry; indexed by (hole, seed, photograph)."""
    with_value = rows[rows["value"].notna()]
    return with_value.pivot(index=["hole", "seed", "photograph"], columns="entry", values="value")


PRECISION = 1e-8
"""Rows hold nine digits: what differs by less than this share is equal."""


def paired(wide: pd.DataFrame, first: str, second: str) -> Difference:
    """`first` minus `second` over the holes that both filled."""
    if first not in wide or second not in wide:
        return Difference(NO_INTERVAL, 1.0)
    one, other = (wide[entry].to_numpy(float) for entry in (first, second))
    both = ~(np.isnan(one) | np.isnan(other))
    return _differences(one[both], other[None, both], _photographs(wide)[both])[0]


def _differences(one: Floats, others: Floats, photographs: npt.NDArray[np.integer]) -> list[Difference]:
    """(n,) minus each row of (k, n)."""
    return mean_differences(
        np.where(np.isclose(one, others, rtol=PRECISION, atol=0), 0.0, one - others), photographs
    )


def _photographs(by_hole: pd.DataFrame) -> npt.NDArray[np.integer]:
    """A number for the photograph of each line: numbers are told apart far sooner than names."""
    index = by_hole.index
    assert isinstance(index, pd.MultiIndex)
    return np.asarray(index.codes[index.names.index("photograph")])

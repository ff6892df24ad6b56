"""The rows that beliefs are tried on: methods against each other, over the holes that both filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd

from benchmark import results
from benchmark.cells import split_entry
from benchmark.claims.trial import Trial
from benchmark.metrics import METRICS
from benchmark.report.column import FULL, by_hole, paired
from benchmark.report.summary import figures_of, over_answers
from benchmark.results import WHOLE_SET, Results
from inpainters.errors import InputError
from inpainters.registry import METHODS


def suites_of(root: Path, name: str) -> list[Results]:
    """The results of each mask set of a suite; none where it is not there."""
    try:
        file = results.row_file(root / name)
        return list(_read(root / name, file.stat().st_mtime_ns))
    except (InputError, OSError):
        return []


@lru_cache(maxsize=4)
def _read(folder: Path, stamp: int) -> tuple[Results, ...]:
    """Kept until the rows change: several beliefs ask for the same."""
    return tuple(results.load(folder).parts())


def title_of(entry: str) -> str:
    """An entry as claims name it: the method's title and its options."""
    method, options = split_entry(entry)
    title = METHODS[method].title if method in METHODS else method
    return f"{title} {options}" if options else title


@dataclass(frozen=True)
class HoleColumn:
    """The holes of a suite, of one bin where it is named, by one metric."""

    suite: Results
    measure: tuple[str, str]
    label: str = ""

    @cached_property
    def wide(self) -> pd.DataFrame:
        """One line per hole, one column per entry, turned so that larger is better."""
        metric = self.measure[0]
        if self.measure not in self.suite.measured:
            return pd.DataFrame()
        rows = over_answers(figures_of(self.suite, *self.measure))
        rows = rows[rows["image_id"] != WHOLE_SET]
        rows = rows[rows["bin"] == self.label] if self.label else rows
        sign = 1.0 if METRICS[metric].better == "higher" else -1.0
        return by_hole(rows.assign(hole=rows["bin"] + "/" + rows["image_id"], value=sign * rows["value"]))

    def entries(self, methods: Sequence[str]) -> list[str]:
        """Those of the methods, at their defaults, that filled nearly all holes."""
        full = set(self.wide.columns[self.wide.notna().sum() >= FULL * len(self.wide)])
        return [name for name in methods if name in full]

    def best(self, methods: Sequence[str]) -> str | None:
        """The one of the methods with the best mean."""
        means = self.wide[self.entries(methods)].mean() if len(self.wide) else pd.Series(dtype=float)
        return str(means.idxmax()) if len(means) else None

    def trial(self, one: str | None, other: str | None, sign: int) -> list[Trial]:
        """The comparison of two entries, where both are there."""
        if one is None or other is None:
            return []
        where = f"{self.holes}, {self.label} %" if self.label else self.holes
        text = f"{title_of(one)} against {title_of(other)}, {where}"
        found = paired(self.wide, one, other)
        return [Trial(text, found, f"{title_of(one)} is better", self.source, self.name, self.link, sign)]

    @property
    def holes(self) -> str:
        """The mask set, also of a suite that has one alone."""
        return ", ".join(self.suite.mask_sets)

    @property
    def name(self) -> str:
        return ", ".join(self.measure)

    @property
    def source(self) -> str:
        return f"{self.suite.suite}, `{self.holes}` holes"

    @property
    def link(self) -> dict[str, str]:
        query = {"t": "leaderboard", "suite": self.suite.suite, "holes": self.suite.mask_set}
        return query | dict(zip(("metric", "region"), self.measure, strict=True))

"""What a run of the benchmark will take on this machine: declared costs, as far as what ran here corrects
them.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.inputs.masksets import middle
from benchmark.plan import OVERHEAD
from demo.server.own_runs import Allowance, RunAsked
from inpainters import costs, registry
from inpainters.strategy import Outline, workload

START = 14.0
"""Seconds of a run that are no picture's, on the reference machine: start, tables and figures (measured)."""
_SIDE = (256, 256)


@dataclass(frozen=True)
class Quote:
    """What a run will take here."""

    asked: RunAsked
    shares: Mapping[str, int]
    """Method -> the pictures that it gets in each column."""
    seconds: Mapping[str, float]
    """Method -> seconds of all its holes."""
    columns: int
    slower: float = 1.0
    """By how much the latest runs took longer here than they were declared to."""

    @property
    def total(self) -> float:
        return self.slower * START + sum(self.seconds.values())

    @property
    def holes(self) -> int:
        """Fills of all methods together."""
        return self.columns * sum(self.shares.values())

    @property
    def fewer(self) -> dict[str, int]:
        """The methods to which the time cap gives fewer pictures than were asked for."""
        return {method: n for method, n in self.shares.items() if n < self.asked.n}


def quote(asked: RunAsked, allowance: Allowance, past: Sequence[tuple[RunAsked, float]] = ()) -> Quote:
    """What it will take on this machine, as far as its runs so far tell: `past` are runs of the page with
    their seconds.
    """
    ratios = [seconds / _declared(one, allowance, 1.0).total for one, seconds in past]
    return _declared(asked, allowance, statistics.median(ratios) if ratios else 1.0)


def _declared(asked: RunAsked, allowance: Allowance, slower: float) -> Quote:
    labels, shares = asked.columns(), asked.shares(allowance.minutes)
    one = {name: sum(expected_seconds(name, label) for label in labels) for name in shares}
    seconds = {name: slower * n * one[name] for name, n in shares.items()}
    return Quote(asked, shares, seconds, len(labels), slower)


def expected_seconds(method: str, label: str, options: Mapping[str, Any] | None = None) -> float:
    """Seconds of one hole of a bin on this machine, its pictures, files and scores included."""
    if method not in registry.METHODS:
        return OVERHEAD
    work = workload(Outline.spread(_SIDE, middle(label)), registry.METHODS[method], options or {})
    return OVERHEAD + costs.estimate(work)

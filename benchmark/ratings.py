"""What votes between pairs of fills say: ratings of methods with intervals, how steady voters are, and which
metrics agree with them.

Strengths by Bradley and Terry 1952 (Rank analysis of incomplete block designs), fitted by the MM algorithm
of Hunter 2004 (Annals of Statistics 32); a tie is half a win for each. Intervals are percentiles over votes
drawn again with replacement, photograph by photograph, as the votes on one are not independent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from benchmark.metrics.base import Floats
from benchmark.report.stats import MIN_PHOTOGRAPHS

VoteChoice = Literal["one", "other", "tie", "bad"]
CHOICES: tuple[str, ...] = get_args(VoteChoice)
REDRAWN = 300
"""Times that votes are drawn again for an interval."""
PRIOR = 0.5
"""Wins and losses that each method begins with against one of middling strength: without any, one that never
lost would be infinitely strong.
"""
SPREAD = 400 / np.log(10)
"""Rating points for a factor of e in strength, as in chess; 1000 is the middle."""


@dataclass(frozen=True)
class Vote:
    """A voter's choice between two fills of one hole."""

    hole: str
    kind: str
    """The kind of the hole."""
    one: str
    other: str
    choice: VoteChoice
    """Which of the two is more believable; tie; or bad: neither is."""
    voter: str
    again: bool = False
    """Whether the voter had seen the pair before: it measures the voter and counts for no rating."""

    @property
    def photograph(self) -> str:
        """The hole's photograph: its name is the last part of the hole's, up to an @."""
        return self.hole.rpartition("/")[2].partition("@")[0]


@dataclass(frozen=True)
class Rating:
    """How a method stands."""

    method: str
    value: float
    low: float
    """NaN, as `high`, where votes are on fewer than MIN_PHOTOGRAPHS photographs."""
    high: float
    votes: int


def ratings(votes: Iterable[Vote], *, seed: int = 0) -> list[Rating]:
    """The methods that were voted on, the most believed first. Votes that say that both are bad, and those of
    pairs that a voter had seen before, count for none.
    """
    counted = [vote for vote in votes if vote.choice != "bad" and not vote.again]
    methods = sorted({name for vote in counted for name in (vote.one, vote.other)})
    if not methods:
        return []
    won = _won(counted, methods)
    random = np.random.default_rng(seed)
    times = random.multinomial(len(won), np.full(len(won), 1 / len(won)), REDRAWN)
    values, *drawn = 1000 + SPREAD * _strengths(
        np.concatenate([won.sum(0)[None], np.tensordot(times, won, 1)])
    )
    few = len(won) < MIN_PHOTOGRAPHS
    low, high = np.full((2, len(methods)), np.nan) if few else np.percentile(drawn, (2.5, 97.5), axis=0)
    count = {name: sum(name in (vote.one, vote.other) for vote in counted) for name in methods}
    found = [
        Rating(name, float(values[i]), float(low[i]), float(high[i]), count[name])
        for i, name in enumerate(methods)
    ]
    return sorted(found, key=lambda one: (-one.value, one.method))


def _won(votes: Sequence[Vote], methods: Sequence[str]) -> Floats:
    """Of each photograph, wins of the one of a row against the one of a column, (photographs, n, n)."""
    place = {name: i for i, name in enumerate(methods)}
    names = dict.fromkeys(vote.photograph for vote in votes)
    photographs = {name: p for p, name in enumerate(names)}
    won = np.zeros((len(photographs), len(methods), len(methods)))
    for vote in votes:
        p, i, j = photographs[vote.photograph], place[vote.one], place[vote.other]
        share = {"one": 1.0, "other": 0.0}.get(vote.choice, 0.5)
        won[p, i, j] += share
        won[p, j, i] += 1 - share
    return won


def _strengths(won: Floats) -> Floats:
    """Logarithms of strengths, (m, n), from m tables of wins (m, n, n) of the one of a row against the one
    of a column; 0 is the strength of the imagined one that PRIOR speaks of.
    """
    games, wins = won + won.transpose(0, 2, 1), won.sum(2) + PRIOR
    strength = np.ones(won.shape[:2])
    for _ in range(1000):
        before = strength
        shared = games / (strength[:, :, None] + strength[:, None, :])
        strength = wins / (shared.sum(2) + 2 * PRIOR / (strength + 1))
        if np.abs(np.log(strength / before)).max() < 1e-7:
            break
    return np.log(strength)


def steadiness(votes: Iterable[Vote]) -> tuple[int, int]:
    """How often voters chose again as before on a pair that came twice, and how many such pairs there are."""
    first: dict[tuple[str, ...], str] = {}
    same = pairs = 0
    for vote in votes:
        key = (vote.voter, vote.hole, *sorted((vote.one, vote.other)))
        if not vote.again:
            first[key] = _chosen(vote)
        elif key in first:
            pairs += 1
            same += first[key] == _chosen(vote)
    return same, pairs


def _chosen(vote: Vote) -> str:
    """The method that was chosen, or tie or bad."""
    return {"one": vote.one, "other": vote.other}.get(vote.choice, vote.choice)


@dataclass(frozen=True)
class Agreement:
    """How far a metric goes with voters."""

    metric: str
    region: str
    correlation: float
    """Spearman's, of its means over the same holes with the ratings of methods; NaN under three methods."""
    share: float
    """Of the votes that chose one of two, those on the fill that the metric calls better; NaN without any."""
    votes: int


def agreement_with_votes(
    found: Sequence[Rating],
    votes: Iterable[Vote],
    values: Mapping[tuple[str, str], Mapping[tuple[str, str], float]],
    better: Mapping[str, str],
) -> list[Agreement]:
    """Metrics by how often they go with voters. `values`: (metric, region) -> (hole, method) -> value;
    `better`: metric -> lower or higher.
    """
    decided = [vote for vote in votes if vote.choice in ("one", "other") and not vote.again]
    rows = []
    for (metric, region), of in values.items():
        sign = -1.0 if better[metric] == "lower" else 1.0
        right = total = 0.0
        for vote in decided:
            one, other = (of.get((vote.hole, name), np.nan) for name in (vote.one, vote.other))
            if np.isnan(one) or np.isnan(other):
                continue
            total += 1
            ahead = sign * (one - other)
            right += 0.5 if ahead == 0 else float((ahead > 0) == (vote.choice == "one"))
        share = right / total if total else float("nan")
        rows.append(Agreement(metric, region, _correlation(found, of, sign), share, int(total)))
    return sorted(rows, key=lambda row: (-np.nan_to_num(row.share, nan=-1.0), row.metric, row.region))


def _correlation(found: Sequence[Rating], of: Mapping[tuple[str, str], float], sign: float) -> float:
    from scipy.stats import spearmanr

    holes: dict[str, set[str]] = defaultdict(set)
    for hole, method in of:
        holes[method].add(hole)
    most = max(holes.values(), key=len, default=set[str]())
    full = [method for method, own in holes.items() if own == most]
    means: dict[str, list[float]] = defaultdict(list)
    for (hole, method), value in of.items():
        # less the mean of those that filled the most holes: methods are compared over the same ones
        level = float(np.mean([of[hole, one] for one in full])) if hole in most else np.nan
        means[method].append(sign * (value - level))
    means = {method: [v for v in values if not np.isnan(v)] for method, values in means.items()}
    both = [(one.value, float(np.mean(means[one.method]))) for one in found if means.get(one.method)]
    if len(both) < 3 or len({mean for _, mean in both}) < 2 or len({rated for rated, _ in both}) < 2:
        return float("nan")
    return float(spearmanr(*zip(*both, strict=True)).statistic)

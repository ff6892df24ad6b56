"""Which pair of fills a voter of the Arena gets next, from the pictures of a suite."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from benchmark.ratings import Vote
from benchmark.report import display
from benchmark.report.layout import LEADING
from benchmark.report.summary import figures_of, measured
from benchmark.results import WHOLE_SET, Results
from demo.server.exhibits import exhibit, kept, picture_of
from demo.server.store import Store
from demo.server.suites import family_of, mask_sets_of, open_suite, readable, stamp_of
from inpainters.errors import InputError
from inpainters.families import TRIVIAL

AGAIN = 8
"""One pair in so many has been seen by the voter before, with the sides turned: it measures the voter."""
APART = 5
"""Pairs that lie between, at least."""
CANDIDATES = 24
"""Pairs that are drawn; the one that was voted on least is taken, then the one whose methods were."""
NO_PAIRS = "There are no pictures to vote on here: `python -m benchmark run quick` makes some."


@dataclass(frozen=True)
class Pair:
    """Two fills of one hole: `one` stands on the left."""

    suite: str
    kind: str
    label: str
    image_id: str
    one: str
    other: str
    again: bool = False

    @property
    def hole(self) -> str:
        """What votes call the hole."""
        return "/".join((self.suite, self.kind, self.label, self.image_id))


@dataclass(frozen=True)
class ShownPair:
    """The pictures of a pair: tokens."""

    one: str
    other: str
    masked: str


def kinds_to_vote(root: Path) -> tuple[str, list[str]]:
    """The suite that pairs are from, and its kinds of holes, compact ones first; InputError where no suite
    has pictures here.
    """
    good, _ = readable(root)
    for suite in good:
        kinds = mask_sets_of(root, suite)
        if kept(open_suite(root, suite, kinds[0])):
            return suite, sorted(kinds, key=lambda kind: kind != "object")
    raise InputError(NO_PAIRS)


def _fills(root: Path, suite: str, kind: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """(bin, image id) -> the methods whose fill of it is here, without trivial ones."""
    return _fills_of(root, suite, kind, stamp_of(root, suite))


@lru_cache(maxsize=8)
def _fills_of(root: Path, suite: str, kind: str, stamp: int) -> dict[tuple[str, str], tuple[str, ...]]:
    results = open_suite(root, suite, kind)
    rows = figures_of(results, *LEADING[0])
    rows = rows[rows["image_id"] != WHOLE_SET]
    found = {}
    for (label, image_id), own in rows.groupby(["bin", "image_id"]):
        entries = [one for one in own["entry"].unique() if family_of(one) != TRIVIAL]
        here = tuple(one for one in entries if display.find(results, str(label), str(image_id), one))
        if len(here) > 1:
            found[str(label), str(image_id)] = here
    return found


def next_pair(
    root: Path, kind: str, voted: Sequence[Vote], mine: Sequence[Vote], chance: random.Random
) -> Pair:
    """The next pair for a voter: now and then one that was seen before, else the least voted on of some that
    are new to the voter, sides at random. `voted`: all votes; `mine`: the voter's, the oldest first. Raises
    InputError where there is none left.
    """
    suite, kinds = kinds_to_vote(root)
    if kind not in kinds:
        raise InputError("Those holes are not here; choose another kind.")
    fills = _fills(root, suite, kind)
    if mine and len(mine) % AGAIN == AGAIN - 1 and (before := _seen_before(suite, kind, mine, fills, chance)):
        return before
    seen = {(vote.hole, frozenset((vote.one, vote.other))) for vote in mine}
    times = Counter(frozenset((vote.one, vote.other)) for vote in voted)
    every = [
        Pair(suite, kind, label, image_id, *pair)
        for (label, image_id), entries in fills.items()
        for pair in combinations(entries, 2)
    ]
    left = [pair for pair in every if (pair.hole, frozenset((pair.one, pair.other))) not in seen]
    if not left:
        raise InputError("You have voted on every pair here. Thank you." if fills else NO_PAIRS)
    drawn = chance.sample(left, min(CANDIDATES, len(left)))
    each = Counter(name for vote in voted for name in (vote.one, vote.other))
    found = min(
        drawn, key=lambda pair: (times[frozenset((pair.one, pair.other))], each[pair.one] + each[pair.other])
    )
    return replace(found, one=found.other, other=found.one) if chance.random() < 0.5 else found


def _seen_before(
    suite: str,
    kind: str,
    mine: Sequence[Vote],
    fills: Mapping[tuple[str, str], Sequence[str]],
    chance: random.Random,
) -> Pair | None:
    again = {(vote.hole, frozenset((vote.one, vote.other))) for vote in mine if vote.again}
    old = [
        vote
        for vote in mine[:-APART]
        if vote.hole.startswith(f"{suite}/{kind}/")
        and not vote.again
        and (vote.hole, frozenset((vote.one, vote.other))) not in again
        and {vote.one, vote.other} <= set(fills.get(_place(vote.hole), ()))
    ]
    if not old:
        return None
    vote = chance.choice(old)
    label, image_id = _place(vote.hole)
    return Pair(suite, kind, label, image_id, vote.other, vote.one, again=True)


def _place(hole: str) -> tuple[str, str]:
    """(bin, image id) of what votes call a hole."""
    _, _, label, image_id = hole.split("/", 3)
    return label, image_id


def shown_pair(store: Store, root: Path, pair: Pair) -> ShownPair:
    """A pair's pictures, both by the same way, under tokens of their own: other tabs show the same fills
    beside their names. Raises InputError where they are not here.
    """
    results = open_suite(root, pair.suite, pair.kind)
    where = pair.label, pair.image_id
    one, other = (store.put_image(picture_of(results, *where, entry)) for entry in (pair.one, pair.other))
    inputs = exhibit(store, results, *where)
    if inputs is None:
        raise InputError(NO_PAIRS)
    return ShownPair(one, other, inputs.masked)


def values_of_holes(results: Results, kind: str) -> dict[tuple[str, str], dict[tuple[str, str], float]]:
    """(metric, region) -> (hole, method) -> value."""
    found: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for metric, region in measured(results):
        rows = figures_of(results, metric, region)
        rows = rows[(rows["image_id"] != WHOLE_SET) & rows["value"].notna()]
        if len(rows):
            holes = [
                f"{results.suite}/{kind}/{b}/{i}" for b, i in zip(rows["bin"], rows["image_id"], strict=True)
            ]
            keys = zip(holes, rows["entry"], strict=True)
            found[metric, region] = dict(zip(keys, rows["value"].astype(float), strict=True))
    return found


def vote_on(pair: Pair, choice: str, voter: str) -> Vote:
    """A voter's choice on a pair; raises InputError for one that is none."""
    from benchmark.ratings import CHOICES

    if choice not in CHOICES:
        raise InputError("That is no choice: A, B, tie, or both bad.")
    vote = Vote(pair.hole, pair.kind, pair.one, pair.other, "tie", voter, pair.again)
    return replace(vote, choice=choice)  # type: ignore[arg-type]

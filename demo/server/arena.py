"""Which pair of fills a voter of the Arena gets next, from the pictures of a suite."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from benchmark.ratings import Vote
from benchmark.report import display
from benchmark.report.layout import LEADING
from benchmark.report.summary import figures_of
from benchmark.results import WHOLE_SET, Results
from demo.server.exhibits import exhibit, fill_token, kept
from demo.server.store import Store
from demo.server.suites import family_of, mask_sets_of, open_suite, readable
from inpainters.errors import InputError
from inpainters.families import TRIVIAL

AGAIN = 8
"""One pair in so many has been seen by the voter before, with the sides turned: it measures the voter."""
APART = 5
"""Pairs that lie between, at least."""
CANDIDATES = 24
"""Pairs that are drawn; the one that was voted on least is taken."""
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


@lru_cache(maxsize=8)
def _fills(root: Path, suite: str, kind: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """(bin, image id) -> the methods whose fill of it is here, without trivial ones."""
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
    if mine and len(mine) % AGAIN == AGAIN - 1 and (before := _seen_before(suite, kind, mine, chance)):
        return before
    seen = {(vote.hole, frozenset((vote.one, vote.other))) for vote in mine}
    times = Counter(frozenset((vote.one, vote.other)) for vote in voted)
    fills = _fills(root, suite, kind)
    drawn = []
    for _ in range(CANDIDATES if fills else 0):
        label, image_id = chance.choice(list(fills))
        one, other = chance.sample(fills[label, image_id], 2)
        pair = Pair(suite, kind, label, image_id, one, other)
        if (pair.hole, frozenset((one, other))) not in seen:
            drawn.append(pair)
    if not drawn:
        raise InputError("You have voted on every pair here. Thank you." if fills else NO_PAIRS)
    return min(drawn, key=lambda pair: times[frozenset((pair.one, pair.other))])


def _seen_before(suite: str, kind: str, mine: Sequence[Vote], chance: random.Random) -> Pair | None:
    again = {(vote.hole, frozenset((vote.one, vote.other))) for vote in mine if vote.again}
    old = [
        vote
        for vote in mine[:-APART]
        if vote.hole.startswith(f"{suite}/{kind}/")
        and not vote.again
        and (vote.hole, frozenset((vote.one, vote.other))) not in again
    ]
    if not old:
        return None
    vote = chance.choice(old)
    _, _, label, image_id = vote.hole.split("/", 3)
    return Pair(suite, kind, label, image_id, vote.other, vote.one, again=True)


def shown_pair(store: Store, root: Path, pair: Pair) -> ShownPair:
    """A pair's pictures, both by the same way; InputError where they are not here."""
    results = open_suite(root, pair.suite, pair.kind)
    where = pair.label, pair.image_id
    fills = [fill_token(store, results, *where, entry) for entry in (pair.one, pair.other)]
    inputs = exhibit(store, results, *where)
    if inputs is None or None in fills:
        raise InputError(NO_PAIRS)
    return ShownPair(str(fills[0]), str(fills[1]), inputs.masked)


def values_of_holes(results: Results, kind: str) -> dict[tuple[str, str], dict[tuple[str, str], float]]:
    """(metric, region) -> (hole, method) -> value, of the metrics that lead."""
    found: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for metric, region in sorted(results.measured):
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

"""Ratings are recovered from voters of known strengths; metrics that go with them are found."""

import numpy as np
import pytest

from benchmark.ratings import SPREAD, Vote, agreement_with_votes, ratings, steadiness

STRENGTH = {"a": 2.0, "b": 1.0, "c": 0.0, "d": -1.0}


def simulated(count, *, seed=0, holes=60, ties=0.1, strength=STRENGTH):
    random = np.random.default_rng(seed)
    votes = []
    for _ in range(count):
        one, other = random.permutation(list(strength))[:2]
        chance = 1 / (1 + np.exp(strength[other] - strength[one]))
        choice = "tie" if random.random() < ties else "one" if random.random() < chance else "other"
        votes.append(Vote(f"hole{random.integers(holes)}", "object", str(one), str(other), choice, "v"))
    return votes


def test_strengths_are_recovered_with_their_intervals():
    found = ratings(simulated(3000, ties=0.0))
    assert [one.method for one in found] == ["a", "b", "c", "d"]
    middle = np.mean([one.value for one in found])
    for one in found:
        true = SPREAD * (STRENGTH[one.method] - np.mean(list(STRENGTH.values())))
        assert one.value - middle == pytest.approx(true, abs=45)
        assert one.low < one.value < one.high
    assert sum(one.votes for one in found) == 6000


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    true = {name: 1000 + SPREAD * (value - 0.5) for name, value in STRENGTH.items()}
    held = []
    for seed in range(40):
        found = ratings(simulated(600, seed=seed, ties=0.0), seed=seed)
        middle = np.mean([one.value for one in found]) - 1000
        held += [one.low - middle < true[one.method] < one.high - middle for one in found]
    assert 0.88 < np.mean(held) < 0.99


def test_votes_on_few_photographs_have_no_interval():
    votes = [
        Vote(f"quick/object/{b}/cat@{i}", "object", "a", "b", "one", "v")
        for i, b in enumerate(("1-10", "10-20"))
    ]
    assert {vote.photograph for vote in votes} == {"cat"}
    assert all(np.isnan(one.low) and np.isnan(one.high) for one in ratings(votes))
    more = [
        Vote(f"quick/object/1-10/p{i}@full", "object", "a", "b", ("one", "other")[i % 2], "v")
        for i in range(5)
    ]
    assert all(one.low < one.value < one.high for one in ratings(more))


def test_methods_of_other_holes_are_compared_over_the_same_ones():
    votes = simulated(400)
    holes = sorted({vote.hole for vote in votes})
    hard = {hole: 10.0 * (i % 2) for i, hole in enumerate(holes)}
    values = {
        (hole, m): s + hard[hole] for hole in holes for m, s in STRENGTH.items() if m != "d" or hard[hole]
    }
    found = agreement_with_votes(ratings(votes), votes, {("m", "hole"): values}, {"m": "higher"})
    assert found[0].correlation == pytest.approx(1.0)  # d filled the easy ones alone, and is still the worst


def test_methods_that_failed_on_different_holes_are_compared_over_those_of_one_of_them():
    votes = simulated(400, strength={name: STRENGTH[name] for name in "abc"})
    own = {"a": (1, 2), "b": (2, 3), "c": (1, 3)}
    values = {(f"hole{i}", name): STRENGTH[name] for name, holes in own.items() for i in holes}
    (found,) = agreement_with_votes(ratings(votes), votes, {("m", "hole"): values}, {"m": "higher"})
    assert found.correlation == pytest.approx(1.0)


def test_bad_pairs_and_repeated_ones_count_for_no_rating():
    votes = simulated(200)
    bad = [Vote("h", "object", "d", "a", "bad", "v")] * 50
    again = [Vote("h", "object", "d", "a", "one", "v", again=True)] * 50
    assert ratings([*votes, *bad, *again]) == ratings(votes)
    assert ratings([]) == ratings(bad) == []


def test_one_that_never_lost_is_finite_and_ties_are_equal():
    (first, second) = ratings([Vote("h", "object", "a", "b", "one", "v")] * 5)
    assert (first.method, second.method) == ("a", "b")
    assert 1000 < first.value < 2000
    (one, other) = ratings([Vote("h", "object", "a", "b", "tie", "v")] * 5)
    assert one.value == pytest.approx(other.value) == pytest.approx(1000)


def test_the_same_votes_give_the_same_ratings_whatever_side_a_method_stood_on():
    votes = simulated(300)
    turned = [
        Vote(
            v.hole, v.kind, v.other, v.one, {"one": "other", "other": "one"}.get(v.choice, v.choice), v.voter
        )
        for v in votes
    ]
    for one, other in zip(ratings(votes), ratings(turned), strict=True):
        assert one.method == other.method
        assert one.value == pytest.approx(other.value)


def test_steadiness_counts_pairs_that_came_twice_on_either_side():
    def vote(one, other, choice, voter="v", again=False):
        return Vote("h", "object", one, other, choice, voter, again)

    votes = [
        vote("a", "b", "one"), vote("b", "a", "other", again=True),  # a both times
        vote("c", "d", "tie"), vote("d", "c", "tie", again=True),
        vote("a", "c", "one"), vote("c", "a", "one", again=True),  # another one
        vote("a", "d", "one", voter="w"), vote("a", "d", "one", again=True),  # of another voter
    ]  # fmt: skip
    assert steadiness(votes) == (2, 3)
    assert steadiness([]) == (0, 0)


def test_metrics_that_go_with_voters_come_first():
    votes = simulated(500)
    holes = {vote.hole for vote in votes}
    values = {
        ("good", "hole"): {(hole, m): s for hole in holes for m, s in STRENGTH.items()},
        ("bad", "hole"): {(hole, m): s for hole in holes for m, s in STRENGTH.items()},
        ("none", "hole"): {},
        ("flat", "hole"): {(hole, m): 1.0 for hole in holes for m in STRENGTH},
    }
    better = {"good": "higher", "bad": "lower", "none": "higher", "flat": "higher"}
    found = {row.metric: row for row in agreement_with_votes(ratings(votes), votes, values, better)}
    assert list(found) == ["good", "flat", "bad", "none"]
    assert found["good"].correlation == pytest.approx(1.0)
    assert found["bad"].correlation == pytest.approx(-1.0)
    assert found["good"].share + found["bad"].share == pytest.approx(1.0)
    assert found["good"].share > 0.7
    assert found["flat"].share == 0.5
    assert np.isnan(found["flat"].correlation)
    assert np.isnan(found["none"].share)
    assert found["none"].votes == 0

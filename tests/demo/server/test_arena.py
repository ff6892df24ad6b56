"""Pairs of the Arena: new ones, evenly, sides at random, now and then one again with the sides turned."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from benchmark.ratings import Vote
from demo.app import RESULTS
from demo.server import arena
from demo.server.arena import Pair, kinds_to_vote, next_pair, shown_pair, values_of_holes, vote_on
from demo.server.exhibits import exhibit
from demo.server.suites import family_of, open_suite
from inpainters.errors import InputError
from inpainters.families import TRIVIAL


@pytest.fixture(scope="module")
def many():
    """Pairs that one voter gets in a row, with a vote on each."""
    chance, votes, pairs = random.Random(0), [], []
    for number in range(60):
        pair = next_pair(RESULTS, "object", votes, votes, chance)
        pairs.append(pair)
        votes.append(vote_on(pair, ("one", "other", "tie")[number % 3], "v"))
    return pairs, votes


@pytest.mark.slow
def test_no_pair_comes_twice_but_those_that_measure_the_voter(many):
    pairs, votes = many
    fresh = [pair for pair in pairs if not pair.again]
    assert len({(pair.hole, frozenset((pair.one, pair.other))) for pair in fresh}) == len(fresh)
    again = [pair for pair in pairs if pair.again]
    assert 4 <= len(again) <= 60 // arena.AGAIN + 1
    for pair in again:
        place = pairs.index(pair)
        first = next(
            one for one in pairs if one == replace(pair, one=pair.other, other=pair.one, again=False)
        )
        assert place - pairs.index(first) > arena.APART
    assert len({(vote.hole, frozenset((vote.one, vote.other)), vote.again) for vote in votes}) == len(votes)


def test_methods_get_about_as_many_pairs_and_the_trivial_one_none(many):
    pairs, _ = many
    counted = Counter(name for pair in pairs for name in (pair.one, pair.other))
    assert TRIVIAL not in {family_of(name) for name in counted}
    assert max(counted.values()) <= 6 * min(counted.values()) + 6
    assert {pair.kind for pair in pairs} == {"object"}
    left = sum(pair.one < pair.other for pair in pairs)
    assert 15 < left < 45


def test_a_pair_has_its_pictures_and_figures(store, many):
    pair = many[0][0]
    shown = shown_pair(store, RESULTS, pair)
    assert all(store.path(token) for token in (shown.one, shown.other, shown.masked))
    results = open_suite(RESULTS, pair.suite, pair.kind)
    inputs = exhibit(store, results, pair.label, pair.image_id)
    assert inputs.masked == shown.masked  # one file, whoever shows it
    assert store.image(inputs.masked).shape[:2] == inputs.size
    values = values_of_holes(results, pair.kind)
    for one in many[0]:
        assert (one.hole, one.one) in values["lpips_squeeze", "hole"]


def test_what_is_no_choice_or_no_kind_is_a_sentence(many, tmp_path):
    with pytest.raises(InputError, match="no choice"):
        vote_on(many[0][0], "best", "v")
    with pytest.raises(InputError, match="not here"):
        next_pair(RESULTS, "squares", [], [], random.Random(0))
    with pytest.raises(InputError, match="no pictures to vote on"):
        kinds_to_vote(tmp_path)


def test_pairs_whose_pictures_are_gone_are_not_offered_again():
    mine = [Vote(f"quick/object/10-20/gone{i}", "object", "telea", "lama", "one", "v") for i in range(7)]
    pair = next_pair(RESULTS, "object", mine, mine, random.Random(0))
    assert not pair.again
    assert "gone" not in pair.image_id


def test_who_has_voted_on_all_is_thanked(monkeypatch):
    monkeypatch.setattr(arena, "_fills", lambda *_: {("10-20", "a"): ("telea", "lama")})
    pair = Pair("quick", "object", "10-20", "a", "lama", "telea")
    mine = [Vote(pair.hole, "object", "telea", "lama", "one", "v")]
    with pytest.raises(InputError, match="every pair"):
        next_pair(RESULTS, "object", mine, mine, random.Random(0))

"""Diversity against the mean over pairs, worked by hand."""

import numpy as np
import pytest

from benchmark.metrics.diversity import Diversity
from inpainters.errors import InputError


class Apart:
    """A distance that is plain: the mean difference of the first channel in the hole; any other region would
    be wrong.
    """

    def score(self, reference, output, mask):
        gap = np.abs(reference.astype(float) - output)[..., 0]
        return {"whole": -1.0, "hole": float(gap[mask].mean())}


def answer(value):
    image = np.full((4, 4, 3), 50, np.uint8)
    image[1:3, 1:3, 0] = value
    return image


MASK = np.zeros((4, 4), bool)
MASK[1:3, 1:3] = True


def test_it_is_the_mean_over_all_pairs():
    """|10 - 20|, |10 - 60| and |20 - 60|: 10, 50 and 40."""
    found = Diversity(Apart()).score_answers([answer(10), answer(20), answer(60)], MASK)
    assert found == {"hole": pytest.approx(100 / 3)}


def test_equal_answers_differ_by_nothing():
    assert Diversity(Apart()).score_answers([answer(7)] * 4, MASK) == {"hole": 0}


def test_one_answer_has_no_diversity():
    with pytest.raises(InputError, match="--answers 2"):
        Diversity(Apart()).score_answers([answer(7)], MASK)

"""How much the answers of one method to one hole differ: LPIPS between pairs of them (Zhu et al. 2017, Toward
multimodal image-to-image translation, section 5), in the hole, where alone they can differ."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from benchmark.metrics.base import ImageMetric
from benchmark.metrics.lpips import Lpips
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask


class Diversity:
    """The mean of `distance` in the hole over all pairs of answers; 0 where they are all alike."""

    def __init__(self, distance: ImageMetric) -> None:
        self.distance = distance

    def score_answers(self, answers: Sequence[Image], mask: Mask) -> dict[str, float]:
        """Return {"hole": value} for two or more answers (H, W, 3) uint8 to the hole `mask` (H, W) bool;
        raises InputError for fewer.
        """
        if len(answers) < 2:
            raise InputError("Diversity needs two answers at least: run with --answers 2 or more.")
        pairs = [self.distance.score(a, b, mask)["hole"] for a, b in combinations(answers, 2)]
        return {"hole": float(np.mean(pairs))}


def alex(device: str = "cpu") -> Diversity:
    return Diversity(Lpips("alex", device))


def vgg(device: str = "cpu") -> Diversity:
    return Diversity(Lpips("vgg", device))


def squeeze(device: str = "cpu") -> Diversity:
    return Diversity(Lpips("squeeze", device))

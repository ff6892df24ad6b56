"""What a metric is: the row of the table, the two interfaces, and the loop that the simple ones share."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from inpainters.errors import InputError
from inpainters.imaging import Image, Mask

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
"""(n, d) float32: one row per picture, in the order of the pictures."""
TORCH = ("torch", "torchvision")
"""Importable names of what every metric needs that looks through a network."""


@dataclass(frozen=True)
class MetricSpec:
    """One row of the METRICS table: all that is known of a metric without importing it."""

    name: str
    title: str
    kind: Literal["image", "set", "answers"]
    """`image`: a value per picture and region; `set`: one value for all pictures of a cell; `answers`: one
    per hole, of all its answers.
    """
    regions: tuple[str, ...]
    better: Literal["lower", "higher"]
    unit: str
    """Empty where the value has none."""
    variant: str
    """Everything that pins the number: window, backbone, range, resize, estimator."""
    weights: str | None
    """Key of the WEIGHTS table."""
    target: str
    """`module:callable`; called with the device, it returns the metric."""
    requires: tuple[str, ...] = ()
    """Importable names of the packages it needs beyond NumPy and OpenCV."""
    network: str = ""
    """Key of the NETWORKS table: the network it looks through, which flatters a method that was trained with
    it.
    """
    highest: float = math.inf
    """Means and what is made of them take no larger value of a picture than this, and this for infinity; rows
    hold what was measured.
    """
    fair_n: int = 0
    """A value over fewer photographs is biased: it is greyed, and compares at equal n alone. 0: never."""
    as_it_came: bool = False
    """True for a metric of outputs before their known pixels are put back: `evaluate` alone has these."""
    on_request: bool = False
    """True for a metric that is computed only where it is asked for by name."""
    again: str = ""
    """The metric of which this is another program's figure: it counts once where metrics are compared."""
    pseudo_values: bool = False
    """True for a metric of sets that is the mean of a value per picture (`PseudoValues`): rows hold these, so
    that intervals and paired tests are those of any picture's value.
    """


class ImageMetric(Protocol):
    """Compares an output with its reference, both (H, W, 3) uint8; mask (H, W) bool, True where a pixel was
    missing.

    NaN stands for a region without pixels; `benchmark.metrics.reason` says so in words.
    """

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        """Return region -> value; raise InputError where the sizes differ or are too small for the metric."""
        ...

    def score_batch(
        self, references: Sequence[Image], outputs: Sequence[Image], masks: Sequence[Mask]
    ) -> list[dict[str, float]]:
        """Return what `score` returns for each triple; sizes may differ between triples."""
        ...


class SetMetric(Protocol):
    """Compares two sets of pictures through the features of a network."""

    @property
    def feature_key(self) -> str:
        """Names the features; metrics with one key share them."""
        ...

    def features(self, images: Sequence[Image]) -> Features:
        """Return (n, d) float32, row i from images[i] alone; images (H, W, 3) uint8 of any sizes."""
        ...

    def distance(self, reference_features: Features, output_features: Features) -> float:
        """Return the distance of a set and its originals, in one order; raise InputError with a sentence
        where they are too small.
        """
        ...

    def independent(self, reference_features: Features, output_features: Features) -> float:
        """Return the distance of two sets that share no picture; raise InputError as `distance` does."""
        ...


class InParts(Protocol):
    """What a SetMetric may have besides, so that a set never lies in memory as a whole."""

    def distance_of_parts(self, parts: Iterable[tuple[Features, Features]]) -> float:
        """Return `distance` of all parts together, each (n, d) of originals and of outputs; raise InputError
        as there.
        """
        ...


class PseudoValues(Protocol):
    """What a SetMetric has besides where its row says `pseudo_values`."""

    def pseudo_values(self, reference_features: Features, output_features: Features) -> Floats:
        """Return (n,), one per picture, whose mean is the distance; features (n, d) in one order of
        pictures.
        """
        ...


class PerPicture:
    """Base of the metrics that gain nothing from a batch."""

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        raise NotImplementedError

    def score_batch(
        self, references: Sequence[Image], outputs: Sequence[Image], masks: Sequence[Mask]
    ) -> list[dict[str, float]]:
        return [self.score(*triple) for triple in zip(references, outputs, masks, strict=True)]


def check_triple(reference: Image, output: Image, mask: Mask) -> None:
    """Raise InputError where the three do not have one size, or are not uint8 and bool."""
    if not reference.shape == output.shape == (*mask.shape, 3):
        raise InputError(
            f"Original {reference.shape}, result {output.shape} and mask {mask.shape} must have one size."
        )
    if reference.dtype != np.uint8 or output.dtype != np.uint8 or mask.dtype != np.bool_:
        raise InputError(
            f"Scores need uint8 pictures and a bool mask, not {reference.dtype}, {output.dtype}, "
            f"{mask.dtype}."
        )

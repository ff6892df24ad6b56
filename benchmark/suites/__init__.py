"""The suites: which test set, masks and bins a named benchmark has."""

from dataclasses import dataclass
from typing import Literal

from inpainters.errors import unknown


@dataclass(frozen=True)
class Suite:
    """A named benchmark."""

    name: str
    title: str
    dataset: str
    mask_sets: tuple[str, ...] = ("irregular", "object")
    n: int | None = None
    """Pictures in each column; None takes all."""
    seconds: float = 3600.0
    """What the plan may cost by the methods' declared costs."""
    budget: Literal["shared", "each"] = "each"
    """Whether all methods share `seconds` or each has as much."""


SUITES: dict[str, Suite] = {
    "quick": Suite(
        "quick",
        "8 fixed crops of the built-in photographs, under 15 minutes",
        "sample",
        n=8,
        seconds=840,
        budget="shared",
    ),
    "photos": Suite("photos", "any folder of photographs (--data DIR), an hour for each method", "folder"),
}


def get(name: str) -> Suite:
    """The row of `name`; raises InputError with a suggestion where there is none."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]

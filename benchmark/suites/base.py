"""What a suite is."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Suite:
    """A named benchmark: which test set, masks and bins it has."""

    name: str
    title: str
    dataset: str
    mask_sets: tuple[str, ...] = ("irregular", "object")
    bins: tuple[str, ...] = ()
    """The bins of missing shares; all that the mask sets have where empty."""
    n: int | None = None
    """Pictures in each column; None takes all."""
    seconds: float = 3600.0
    """What the plan may cost by the methods' declared costs."""
    budget: Literal["shared", "each"] = "each"
    """Whether all methods share `seconds` or each has as much."""
    paper: str = ""
    """Whose protocol it is; empty where it is this project's."""
    departs: str = ""
    """In what it is not the paper's."""

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

    @property
    def heading(self) -> str:
        """Its title as a sentence."""
        return f"{self.title[0].upper()}{self.title[1:]}."

    @property
    def protocol(self) -> str:
        """The paper, and in what the suite departs from it; empty where the protocol is this project's."""
        return f"{self.paper}. {self.departs}".rstrip() if self.paper else ""

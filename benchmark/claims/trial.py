"""A belief, the comparisons that bear on it, and the verdict that follows from these alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.report.digits import plus_minus
from benchmark.report.stats import MIN_WINNER, Difference

Bearing = Literal["for", "against", "undecided"]
Judgement = Literal["Supported", "Mixed", "Not supported", "Not enough evidence"]
RULE = (
    "A comparison is for a belief or against it where the 95 % interval of its paired differences leaves out "
    f"0 and Wilcoxon's signed-rank test agrees, over {MIN_WINNER} photographs or more; else it is undecided. "
    "Supported: half of the comparisons or more are for the belief, and none against it. Not supported: the "
    "other way round. Mixed: there are some of both. Of a family of methods the best is compared, chosen on "
    "the same holes."
)


@dataclass(frozen=True)
class Trial:
    """One comparison: how much better the one side is, in its metric's own unit."""

    label: str
    difference: Difference
    better: str
    """What a value above 0 says."""
    source: str
    """The results that it was computed from."""
    metric: str
    link: Mapping[str, str] = field(default_factory=dict)
    """Where its pictures are, as the page's query."""
    sign: int = 1
    """1 where a value above 0 is for the belief."""

    @property
    def side(self) -> Bearing:
        found = self.difference
        if not found.told_apart or found.value.photographs < MIN_WINNER:
            return "undecided"
        return "for" if found.value.mean * self.sign > 0 else "against"

    @property
    def told(self) -> str:
        """The difference with how far its interval reaches on the longer side."""
        return plus_minus(self.difference.value).replace("-", "−")


@dataclass(frozen=True)
class Claim:
    """A belief, and what was found."""

    name: str
    belief: str
    trials: tuple[Trial, ...]
    sentences: tuple[str, ...] = ()
    """What else the rows say."""
    lacking: str = ""
    """Why there is no comparison, and what would bring some."""

    @property
    def verdict(self) -> Judgement:
        found, half = self.sides, len(self.trials) / 2
        if found["for"] and found["against"]:
            return "Mixed"
        if max(found["for"], found["against"]) < max(half, 1):
            return "Not enough evidence"
        return "Supported" if found["for"] else "Not supported"

    @property
    def sides(self) -> Counter[Bearing]:
        """How many comparisons fell on each side."""
        return Counter(trial.side for trial in self.trials)

    @property
    def counted(self) -> str:
        """How the comparisons fell, as a sentence."""
        if not self.trials:
            return self.lacking
        found, n = self.sides, len(self.trials)
        words: dict[Bearing, str] = {"for": "for it", "against": "against it", "undecided": "undecided"}
        said = [f"{found[side]} {text}" for side, text in words.items() if found[side]]
        return f"{n} comparison{'s' * (n > 1)}: {', '.join(said)}."

"""What people come for, and the methods that suit it."""

from collections.abc import Callable
from typing import NamedTuple

from inpainters import registry
from inpainters.families import FAMILIES, TRIVIAL
from inpainters.spec import MethodSpec
from inpainters.strategy import Hole, Outline, workload

FAST = 1.0
"""Seconds: a method that takes less for `USUAL` is fast."""
USUAL = Outline((512, 512), (Hole(160, 160, 350, 350, 26_000, 60),))
"""A hole as people paint one: a tenth of the picture. What is fast does not change with every stroke."""


class Purpose(NamedTuple):
    """One row of the table."""

    title: str
    help: str
    choose: Callable[[], list[str]]
    """The names of its methods."""
    judged: bool = True
    """False where what lies under the hole is no reference: it is to go."""


def _suited(tag: str) -> Callable[[], list[str]]:
    return lambda: [spec.name for spec in registry.METHODS.values() if tag in spec.suits]


def _fast() -> list[str]:
    return [spec.name for spec in _useful() if workload(USUAL, spec).seconds < FAST]


def _of_each_family() -> list[str]:
    """The method of each family that suits most purposes."""
    rows = [[spec for spec in _useful() if spec.family == family] for family in FAMILIES]
    return [max(specs, key=lambda spec: len(spec.suits)).name for specs in rows if specs]


def _useful() -> list[MethodSpec]:
    """The methods that can run here, without the trivial ones."""
    ready = [spec for spec in registry.METHODS.values() if registry.unavailable(spec.name) is None]
    return [spec for spec in ready if spec.family != TRIVIAL]


PURPOSES: dict[str, Purpose] = {
    "remove": Purpose(
        "Remove an object", "Methods that make up what stood behind it.", _suited("remove"), judged=False
    ),
    "restore": Purpose(
        "Restore", "Methods that stay close to what was there: scratches, dust, writing.", _suited("restore")
    ),
    "fast": Purpose("Fast", "Methods that fill a usual hole in about a second or less.", _fast),
    "families": Purpose("One of each family", "A method for each way to work.", _of_each_family),
    "all": Purpose("All", "Every method that can run here.", lambda: list(registry.METHODS)),
}
"""In the order in which the page offers them; it opens with the first."""

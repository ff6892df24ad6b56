"""What a visitor can do in each of the uses."""

from pathlib import Path
from typing import Protocol

from demo.server.jobs import Price, price
from inpainters import registry
from inpainters.errors import InputError
from inpainters.spec import MethodSpec
from inpainters.strategy import Outline

FIRST = ("lama", "telea")
"""The methods to begin with, where they are ready."""


class _HasMethod(Protocol):
    method: str


def offered_methods() -> list[str]:
    """The methods that are ready."""
    return [name for name in registry.METHODS if registry.unavailable(name) is None]


def method_to_begin() -> str:
    """The one that is ticked when a use opens."""
    ready = offered_methods()
    return next((name for name in FIRST if name in ready), next(iter(ready), ""))


def choose_method(visit: _HasMethod, name: object) -> None:
    """Take the method that fills."""
    visit.method = registry.get(str(name)[:80]).name


def ready_method(visit: _HasMethod) -> MethodSpec:
    """The method that is chosen; InputError where it cannot be run here."""
    spec = registry.get(visit.method or method_to_begin())
    if why := registry.unavailable(spec.name):
        raise InputError(why)
    return spec


def uploaded(path: str) -> Path:
    """The file that an upload has brought; InputError where none came."""
    if not path:
        raise InputError("No file came: choose it again.")
    return Path(path)


def prices_of_hole(hole: Outline) -> dict[str, Price]:
    """What a hole costs with each method, those that take the least first."""
    found = {name: price(registry.get(name), hole) for name in offered_methods()}
    return cheapest_first(found)


def cheapest_first(found: dict[str, Price]) -> dict[str, Price]:
    """The same, those that take the least first."""
    return dict(sorted(found.items(), key=lambda item: item[1].cost))

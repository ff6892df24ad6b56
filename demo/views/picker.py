"""The methods to choose from, as plain values: what each costs here, or why it cannot run."""

from collections.abc import Mapping
from typing import Any

from demo.server.jobs import Price
from demo.server.options import answers_of, chosen_methods, described, offered
from demo.server.purposes import PURPOSES
from demo.server.visit import Session
from demo.views.changes import next_rev
from inpainters import registry
from inpainters.costs import spoken
from inpainters.families import FAMILIES
from inpainters.spec import MethodSpec


def picker(
    session: Session, prices: Mapping[str, Price] | None = None, *, opened: bool = False
) -> dict[str, Any]:
    """The Picker's value: methods by family, each with its cost here or why it cannot run, its options and
    what is wrong with them.

    What is ticked and set on the page stays, unless it has just `opened`.
    """
    families = []
    for family in FAMILIES:
        methods = [
            _row(spec, prices, session.n) for spec in registry.METHODS.values() if spec.family == family
        ]
        if methods:
            families.append({"id": family, "methods": methods})
    purposes = [
        {"id": key, "title": one.title, "help": one.help, "ids": chosen_methods(one.choose())}
        for key, one in PURPOSES.items()
    ]
    value = {
        "rev": next_rev(),
        "families": families,
        "purposes": purposes,
        "wrong": dict(session.wrong),
    }
    options = {name: dict(own) for name, own in session.options.items()}
    return value | ({"chosen": list(session.chosen), "options": options} if opened else {})


def _row(spec: MethodSpec, prices: Mapping[str, Price] | None, n: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": spec.name, "title": spec.title, "cost": ""}
    if why := registry.unavailable(spec.name):
        return row | {"why": why}
    if prices:
        row |= (
            {"note": priced(spec, prices[spec.name], n)}
            if spec.calls
            else {"cost": spoken(prices[spec.name].seconds)}
        )
    return row | {"options": [described(option) for option in offered(spec)]}


def priced(spec: MethodSpec, price: Price, n: int) -> str:
    """'4 × 65 network calls, about 9 s here'."""
    n = answers_of(spec, n)
    several = f"{n} × " if n > 1 else ""
    calls = f"{price.calls // n:,} network call{'s' if price.calls != n else ''}"
    return f"{several}{calls}, {spoken(price.seconds)} here"

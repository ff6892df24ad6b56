"""The methods to choose from, as plain values: what each costs here, or why it cannot run."""

from collections.abc import Mapping
from typing import Any

from demo.server import fetching, room
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
    """The Picker's value: methods by family, each with its cost here, its options and what is wrong with
    them; and those that cannot run here, with the reason.

    What is ticked and set on the page stays, unless it has just `opened`.
    """
    reasons = {name: registry.unavailable(name) for name in registry.METHODS}
    ready = [spec for spec in registry.METHODS.values() if reasons[spec.name] is None]
    families = []
    for family in FAMILIES:
        methods = [_row(spec, prices, session) for spec in ready if spec.family == family]
        if methods:
            families.append({"id": family, "methods": methods})
    absent = [
        {"id": name, "title": registry.get(name).title, "why": _fetching(name) or why}
        for name, why in reasons.items()
        if why
    ]
    purposes = [
        {"id": key, "title": one.title, "help": one.help, "ids": chosen_methods(one.choose())}
        for key, one in PURPOSES.items()
    ]
    value = {
        "rev": next_rev(),
        "families": families,
        "absent": absent,
        "purposes": purposes,
        "wrong": dict(session.wrong),
    }
    options = {name: dict(own) for name, own in session.options.items()}
    return value | ({"chosen": list(session.chosen), "options": options} if opened else {})


def _row(spec: MethodSpec, prices: Mapping[str, Price] | None, session: Session) -> dict[str, Any]:
    row: dict[str, Any] = {"id": spec.name, "title": spec.title, "cost": ""}
    if prices:
        row |= (
            {"note": priced(spec, prices[spec.name], session.n)}
            if spec.calls
            else {"cost": spoken(prices[spec.name].seconds)}
        )
        size = session.round.picture.size if session.index >= 0 else (0, 0)
        told = room.memory_told(spec.name, size, session.holes)
        row |= {"note": " ".join(filter(None, [row.get("note"), told]))} if told else {}
    return row | {"options": [described(option) for option in offered(spec)]}


def _fetching(name: str) -> str:
    """What becomes of a method's weights that are being fetched."""
    return next(filter(None, map(fetching.state, registry.get(name).weights)), "")


def priced(spec: MethodSpec, price: Price, n: int) -> str:
    """'4 × 57 network calls, about 8 s here'."""
    n = answers_of(spec, n)
    several = f"{n} × " if n > 1 else ""
    calls = f"{price.calls // n:,} network call{'s' if price.calls != n else ''}"
    return f"{several}{calls}, {spoken(price.seconds)} here"

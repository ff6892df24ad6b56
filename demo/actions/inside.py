"""What a visitor can do in the Inside tab."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from demo.server import samples
from demo.server.explanation import Explanation, ask, price_of_explanation
from demo.server.inspection import COMPARE, Inspection, digest_of
from demo.server.jobs import Batch
from demo.server.visit import App, Session
from inpainters import registry
from inpainters.errors import InputError

KEPT_ORIGINS = 4
"""Explanations, over all visitors, whose attention stays in memory to be asked;
older ones have to be run again.
"""


def come(look: Inspection, session: Session | None, data_url: str) -> None:
    """The tab came into view: Compare's hole is taken where nothing else was chosen, or where it
    has changed. A hole that has expired is opened again.
    """
    if look.store.path(look.mask) is None:
        look.drop()
    wanted = look.source == COMPARE or not look.picked
    if (
        wanted
        and data_url
        and session is not None
        and session.index >= 0
        and (look.source, look.digest) != (COMPARE, digest_of(session, data_url))
    ):
        look.open_compare(session, data_url)
    elif not look.mask:
        look.open_sample(look.source if look.source != COMPARE else next(iter(samples.SAMPLES)))


def take_pick(look: Inspection, session: Session | None, data: Mapping[str, Any]) -> None:
    """Another method, its preset, or another picture; what was run before is forgotten."""
    if "method" in data:
        spec = registry.get(str(data["method"])[:80])
        if not spec.explains:
            raise InputError(f"{spec.title} has nothing inside to show; choose another method.")
        look.method, look.preset = spec.name, ""
        look.clear()
    if "preset" in data:
        preset = str(data["preset"])[:80]
        registry.get(look.method).at_preset(preset)
        look.preset = "" if preset == next(iter(look.presets), "") else preset
        look.clear()
    if "source" in data:
        source = str(data["source"])[:80]
        if source == COMPARE:
            look.open_compare(session, str(data.get("mask") or ""))
        else:
            look.open_sample(source)
        look.picked = True


def start_explanation(app: App, look: Inspection, recent: deque[Explanation]) -> Batch:
    """Queue the explanation of the chosen method on the chosen hole."""
    spec = registry.get(look.method)
    if why := registry.unavailable(spec.name):
        raise InputError(why)
    image, mask = look.pixels()
    if look.job:
        look.job.close()
    sketch = app.store.mask(look.sketch) if look.sketch else None
    _, seconds, cost = price_of_explanation(spec, mask, look.options)
    job = Explanation(spec.name, options=look.options, seconds=seconds, guide=sketch, store=app.store)
    job.owner, job.cost = id(look), cost
    look.batch, look.picked = Batch([job]), True
    if len(recent) == recent.maxlen:
        recent[0].forget()
    recent.append(job)
    app.runner.start(image, mask, [job])
    return look.batch


def point(look: Inspection, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where a point of a frame was copied from, as `ask` gives it; None where there is no such point."""
    if look.job is None:
        return None
    try:
        name, row, column = str(data["frame"])[:80], int(data["row"]), int(data["column"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return ask(look.job, name, row, column)


def arrive(look: Inspection, asked: Mapping[str, str]) -> None:
    """The page opens: what its link asks for, and a hole in any case."""
    try:
        restore_inspection(look, asked)
    finally:
        come(look, None, "")


def come_to_stop(look: Inspection, asked: Mapping[str, str]) -> None:
    """What a stop of the tour asks for; what was run on just that stays."""
    if (look.source, look.method) != (asked["img"], asked["m"]):
        restore_inspection(look, asked)


def restore_inspection(look: Inspection, asked: Mapping[str, str]) -> None:
    """What a link to this tab asks for: method, its preset, and example."""
    if asked.get("t") != "inside":
        return
    if asked.get("img"):
        take_pick(look, None, {"source": asked["img"][:80]})
    if asked.get("m"):
        take_pick(look, None, {"method": asked["m"][:80].split(",")[0]})
    option, _, preset = asked.get("o", "").partition(":")
    spec = registry.METHODS.get(look.method)
    if spec and spec.preset and option == f"{spec.name}.{spec.preset.name}":
        take_pick(look, None, {"preset": preset})

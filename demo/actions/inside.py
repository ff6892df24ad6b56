"""What a visitor can do in the Inside tab."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from demo.server import samples
from demo.server.explanation import Explanation, ask, price
from demo.server.inspection import COMPARE, Inspection, digest_of, first_preset
from demo.server.jobs import Batch
from demo.server.visit import App, Session
from inpainters import registry
from inpainters.errors import InputError

KEPT_ORIGINS = 4
"""Explanations, over all visitors, whose attention stays in memory to be asked; older ones have to be run
again.
"""


def come(visit: Inspection, session: Session | None, data_url: str) -> None:
    """The tab came into view: Compare's hole is taken where nothing else was chosen, or where it
    has changed.
    """
    wanted = visit.source == COMPARE or not visit.picked
    if (
        wanted
        and data_url
        and session is not None
        and session.index >= 0
        and (visit.source, visit.digest) != (COMPARE, digest_of(session, data_url))
    ):
        visit.open_compare(session, data_url)
    elif not visit.mask:
        visit.open_sample(visit.source if visit.source != COMPARE else next(iter(samples.SAMPLES)))


def choose(visit: Inspection, session: Session | None, data: Mapping[str, Any]) -> None:
    """Another method, its preset, or another picture; what was run before is forgotten."""
    if "method" in data:
        spec = registry.get(str(data["method"])[:80])
        if not spec.explains:
            raise InputError(f"{spec.title} has nothing inside to show; choose another method.")
        visit.method, visit.preset = spec.name, ""
        visit.clear()
    if "preset" in data:
        preset = str(data["preset"])[:80]
        registry.get(visit.method).at_preset(preset)
        visit.preset = "" if preset == first_preset(visit.method) else preset
        visit.clear()
    if "source" in data:
        source = str(data["source"])[:80]
        visit.open_compare(session, str(data.get("mask") or "")) if source == COMPARE else visit.open_sample(
            source
        )
        visit.picked = True


def start(app: App, visit: Inspection, recent: deque[Explanation]) -> Batch:
    """Queue the explanation of the chosen method on the chosen hole."""
    spec = registry.get(visit.method)
    if why := registry.unavailable(spec.name):
        raise InputError(why)
    image, mask = visit.pixels()
    if visit.job:
        visit.job.close()
    sketch = app.store.mask(visit.sketch) if visit.sketch else None
    seconds = price(spec, mask, visit.options)[1]
    job = Explanation(spec.name, options=visit.options, seconds=seconds, guide=sketch, store=app.store)
    visit.batch, visit.picked = Batch([job]), True
    if len(recent) == recent.maxlen:
        recent[0].forget()
    recent.append(job)
    app.runner.start(image, mask, [job])
    return visit.batch


def point(visit: Inspection, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where a point of a frame was copied from, as `ask` gives it; None where there is no such point."""
    if visit.job is None:
        return None
    try:
        name, row, column = str(data["frame"])[:80], int(data["row"]), int(data["column"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return ask(visit.job, name, row, column)


def arrive(visit: Inspection, asked: Mapping[str, str]) -> None:
    """The page opens: what its link asks for, and a hole in any case."""
    try:
        restore(visit, asked)
    finally:
        come(visit, None, "")


def restore(visit: Inspection, asked: Mapping[str, str]) -> None:
    """What a link to this tab asks for: method, its preset, and example."""
    if asked.get("t") != "inside":
        return
    if asked.get("img"):
        choose(visit, None, {"source": asked["img"][:80]})
    if asked.get("m"):
        choose(visit, None, {"method": asked["m"][:80].split(",")[0]})
    option, _, preset = asked.get("o", "").partition(":")
    spec = registry.METHODS.get(visit.method)
    if spec and spec.preset and option == f"{spec.name}.{spec.preset.name}":
        choose(visit, None, {"preset": preset})

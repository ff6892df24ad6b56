"""What the Inside tab shows, as plain values."""

from typing import Any

from demo.server import samples
from demo.server.explanation import price_of_explanation
from demo.server.inspection import COMPARE, Inspection, explaining
from demo.server.jobs import Price
from demo.server.store import url
from demo.server.visit import App, Session
from demo.views.changes import next_rev
from demo.views.course import course_lines
from demo.views.frames import progress
from inpainters import registry
from inpainters.costs import spoken
from inpainters.spec import MethodSpec

CURVES = {
    "mask": "Share of positions that are valid",
    "gate": "Mean gate: the share that is let through",
    "noisy": "Schedule: how much noise is left",
    "iteration": "Decibels on known pixels that it is not shown",
}
"""Kind of frame -> what the value of its frames is."""


def inside(
    app: App,
    look: Inspection,
    session: Session | None = None,
    note: str = "",
    *,
    error: bool = False,
    heat: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The value of the Inside component."""
    spec, (height, width) = look.spec, look.size
    if not look.running:  # prices read the mask: not for each tick of a run
        look.prices = prices_here(look, spec) if spec else {}
    return {
        "rev": next_rev(),
        "methods": [_method(one) for one in explaining()],
        "method": look.method,
        "lesson": lesson(spec) if spec else "",
        "curves": CURVES,
        "sources": offered_sources(app, session),
        "source": look.source,
        "note": note,
        "error": error,
        "query": inside_link(look),
        "presets": [_preset(name, look.prices.get(name)) for name in look.presets],
        "preset": look.chosen_preset,
        "schedule": course_lines(spec, look.options) if spec else None,
        "picture": {"src": url(look.shown), "w": width, "h": height} if look.shown else None,
        **_run(look),
        **progress(app.runner, look.job),
        **({"heat": heat} if heat else {}),
    }


def prices_here(look: Inspection, spec: MethodSpec) -> dict[str, Price]:
    """Preset -> what its explanation costs in the hole in view; '' where the method has no presets. Nothing
    where the hole has expired.
    """
    if not look.store.path(look.mask):
        return {}
    mask, presets = look.store.mask(look.mask), look.presets or ("",)
    return {preset: price_of_explanation(spec, mask, spec.at_preset(preset)) for preset in presets}


def _preset(name: str, price: Price | None) -> dict[str, Any]:
    costs = [f"{price.calls:,} calls", spoken(price.seconds)] if price else []
    return {"id": name, "title": name.capitalize(), "costs": costs}


def lesson(spec: MethodSpec) -> str:
    """What one sees, and why it matters."""
    first = spec.summary.split(". ")[0].rstrip(".")
    return spec.lesson or (first and f"{first}.")


def _method(spec: MethodSpec) -> dict[str, Any]:
    why = registry.unavailable(spec.name)
    return {"id": spec.name, "title": spec.title, "family": spec.family, "why": why}


def offered_sources(app: App, session: Session | None) -> list[dict[str, Any]]:
    """Compare's picture first, then the bundled ones."""
    found: list[dict[str, Any]] = []
    if session is not None and session.index >= 0:
        picture = session.round.picture
        why = None if session.hole.get("count") else "Paint a hole in Compare first."
        found.append(
            {
                "id": COMPARE,
                "title": f"Hole from Compare: {picture.title}",
                "src": url(picture.preview),
                "why": why,
            }
        )
    return [*found, *samples.thumbnails(app.store)]


def _run(look: Inspection) -> dict[str, Any]:
    """The Run button's text, and whether it can be pressed."""
    if not look.method:
        return {"run": "Run", "ready": False, "why": "No method here can show its inside."}
    if why := registry.unavailable(look.method):
        return {"run": "Run", "ready": False, "why": why}
    if not look.mask:
        return {"run": "Run", "ready": False, "why": "Choose a picture first."}
    if look.running:
        return {"run": "Run", "ready": True}
    price = look.prices.get(look.chosen_preset)
    return {"run": f"Run · {spoken(price.seconds)}" if price else "Run", "ready": True}


def inside_link(look: Inspection) -> str:
    """The page's query string; Compare's picture stays out of it."""
    parts = (
        ["t=inside"]
        + ([f"img={look.source}"] if look.source != COMPARE else [])
        + ([f"m={look.method}"] if look.method else [])
    )
    parts += [f"o={look.method}.{name}:{value}" for name, value in look.options.items()]
    return "?" + "&".join(parts)

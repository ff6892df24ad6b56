"""What the Inside tab shows, as plain values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from demo.server import samples
from demo.server.explanation import Explanation, Shot, fractions, price_of_explanation
from demo.server.inspection import COMPARE, Inspection, explaining, first_preset, presets_of
from demo.server.store import url
from demo.server.visit import App, Session
from demo.views.changes import next_rev
from inpainters import registry
from inpainters.costs import spoken
from inpainters.imaging import Mask
from inpainters.spec import Course, MethodSpec

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
    job = look.job
    shown: dict[str, Any] = {
        "methods": [_method(spec) for spec in explaining()],
        "method": look.method,
        "lesson": lesson(look.method),
        "curves": CURVES,
    }
    shown |= {
        "sources": offered_sources(app, session),
        "source": look.source,
        "note": note,
        "error": error,
        "query": inside_link(look),
    }
    if not job or job.final:  # prices read the mask: not for each tick of a run
        look.offered = offered_presets(look)
    shown |= {
        "presets": look.offered,
        "preset": look.preset or first_preset(look.method),
        "schedule": schedule_lines(look),
    }
    height, width = look.size
    shown |= {
        "picture": {"src": url(look.shown), "w": width, "h": height} if look.shown else None,
        **_run(look),
    }
    return {
        "rev": next_rev(),
        **shown,
        **(_progress(app, job) if job else {"state": "ready", "frames": []}),
        **({"heat": heat} if heat else {}),
    }


def _method(spec: MethodSpec) -> dict[str, Any]:
    why = registry.unavailable(spec.name)
    return {"id": spec.name, "title": spec.title, "family": spec.family, "why": why}


def lesson(method: str) -> str:
    """What one sees, and why it matters."""
    spec = registry.METHODS.get(method)
    if spec is None:
        return ""
    first = spec.summary.split(". ")[0].rstrip(".")
    return spec.lesson or (first and f"{first}.")


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
    if look.job and not look.job.final:  # an estimate reads the mask: not for each tick of a run
        return {"run": "Run", "ready": True}
    mask = look.store.mask(look.mask)
    seconds = price_of_explanation(registry.get(look.method), mask, look.options).seconds
    return {"run": f"Run · {spoken(seconds)}", "ready": True}


def offered_presets(look: Inspection) -> list[dict[str, Any]]:
    """What the method can be set to, each with what its explanation costs in the hole that is in view."""
    mask = look.store.mask(look.mask) if look.mask else None
    return [
        {"id": name, "title": name.capitalize(), "costs": _costs(look.method, mask, name)}
        for name in presets_of(look.method)
    ]


def _costs(method: str, mask: Mask | None, preset: str) -> list[str]:
    if mask is None:
        return []
    spec = registry.get(method)
    calls, seconds = price_of_explanation(spec, mask, spec.at_preset(preset))
    return [f"{calls:,} calls", spoken(seconds)]


def schedule_lines(look: Inspection) -> dict[str, Any] | None:
    """The course of the run and of the one beside it, all steps, before anything runs; None where the method
    has none.
    """
    spec = registry.METHODS.get(look.method)
    if spec is None or (way := spec.way(look.options)) is None:
        return None
    lines = [_line(spec, look.options, way)]
    if spec.beside:
        other = registry.get(spec.beside)
        options = spec.shared(other, look.options)
        if (along := other.way(options)) is not None:
            lines.append(_line(other, options, along))
    return {"top": way.top, "steps": way.points[-1][0], "lines": lines}


def _line(spec: MethodSpec, options: Mapping[str, Any], way: Course) -> dict[str, Any]:
    points = [list(corner) for corner in way.points]
    return {"title": spec.title, "calls": spec.network_calls(options), "points": points}


def _progress(app: App, job: Explanation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "state": {"waiting": "queued"}.get(job.state, job.state),
        "err": job.message,
        "frames": [_frame(s) for s in job.shots],
    }
    if job.state == "waiting":
        shown |= {"place": app.runner.ahead(job), "eta": round(job.seconds, 1)}
    if job.state == "running":
        shown |= {"progress": round(job.progress, 2), "eta": round(job.remaining) or None}
    if job.state == "done" and job.result is not None:
        shown["seconds"] = round(job.result.seconds, 2)
    if job.original and job.seen is not None and job.hole is not None:
        height, width = job.seen.shape[:2]
        shown |= {
            "original": {"src": url(job.original), "w": width, "h": height},
            "hole": _inside(job.hole),
        }
    return shown


def _frame(shot: Shot) -> dict[str, Any]:
    height, width = shot.size
    number = None if shot.value is None or not np.isfinite(shot.value) else round(float(shot.value), 4)
    shown = {
        "name": shot.name,
        "title": shot.title,
        "src": url(shot.token),
        "w": width,
        "h": height,
        "value": number,
    }
    return shown | {"origin": shot.origin is not None}


def _inside(hole: Mask) -> list[float]:
    """The missing position nearest to the middle of all of them, as fractions."""
    rows, columns = np.nonzero(hole)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return fractions((rows[nearest], columns[nearest]), hole.shape)


def inside_link(look: Inspection) -> str:
    """The page's query string; Compare's picture stays out of it."""
    parts = (
        ["t=inside"]
        + ([f"img={look.source}"] if look.source != COMPARE else [])
        + ([f"m={look.method}"] if look.method else [])
    )
    parts += [f"o={look.method}.{name}:{value}" for name, value in look.options.items()]
    return "?" + "&".join(parts)

"""What is shown of a picture that is seen from beside, as plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.server.jobs import Price, Runner
from demo.server.new_view import ViewVisit
from demo.server.store import url
from demo.views.changes import next_rev
from demo.views.uses.shared import method_pane, picture_pane
from inpainters.costs import spoken

NOTHING_TRUE = "No scores: nobody has seen it from there."


def view_panes(visit: ViewVisit, runner: Runner) -> dict[str, Any]:
    """The Panes' value: before, its depth, what came out, and the new view."""
    shown: dict[str, Any] = {"rev": next_rev(), "w": 0, "h": 0, "mode": "grid", "panes": []}
    if (picture := visit.picture) is None:
        return shown
    stem, made = Path(picture.title).stem, visit.made
    panes = [picture_pane("original", "Before", picture.token, f"{stem}-before")]
    if visit.shown_depth:
        panes.append(picture_pane("depth", "Depth, white is near", visit.shown_depth, f"{stem}-depth"))
    if made:
        title = f"What came out, {100 * made.share:.1f} %"
        panes.append(picture_pane("opened", title, made.opened, f"{stem}-opened"))
    if job := visit.job:
        panes.append(method_pane(job, runner, made.view if made else None, f"{stem}-from-beside"))
        panes[-1]["title"] = f"New view, {panes[-1]['title']}"
        if job.state == "done" and visit.ran != visit.settings:
            panes[-1]["state"] = "stale"
    shown |= {"w": picture.size[1], "h": picture.size[0], "panes": panes, "noref": NOTHING_TRUE}
    return shown | ({"land": "fill"} if made else {})


def view_film(visit: ViewVisit) -> dict[str, Any]:
    """The FilmLoop's value."""
    shown: dict[str, Any] = {"rev": next_rev(), "src": None}
    if not (visit.picture and visit.made):
        return shown
    height, width = visit.picture.size
    file = f"{Path(visit.picture.title).stem}-swaying.webm"
    title = "Swaying to both sides: one fill for all views, so that nothing flickers"
    return shown | {"src": url(visit.made.film), "w": width, "h": height, "title": title, "file": file}


def view_buttons(visit: ViewVisit, runner: Runner, found: Mapping[str, Price]) -> list[dict[str, Any]]:
    """Properties of Run and Stop."""
    label, ready = _run_label(visit, runner, found)
    return [{"value": label, "interactive": ready}, {"interactive": visit.running}]


def _run_label(visit: ViewVisit, runner: Runner, found: Mapping[str, Price]) -> tuple[str, bool]:
    if visit.running:
        return "Running …", False
    if visit.picture is not None and visit.depth is None:
        return "Upload its depth map", False
    if visit.picture is None or not found:
        return "Move the camera", False
    if visit.method not in found:
        return "Choose a method to run", False
    return f"Look from there · {spoken(runner.forecast({visit.method: found[visit.method]}))}", True

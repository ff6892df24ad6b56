"""What is shown of an old photograph, as plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.server.jobs import Price, Runner
from demo.server.photos import PhotoVisit
from demo.views.changes import next_rev
from demo.views.uses.shared import method_pane, picture_pane
from inpainters.costs import spoken

NO_TRUTH = "No scores: nobody knows what lay under the marks."


def photo_panes(visit: PhotoVisit, runner: Runner) -> dict[str, Any]:
    """The Panes' value: before, the marks, and after."""
    shown: dict[str, Any] = {"rev": next_rev(), "w": 0, "h": 0, "mode": "grid", "panes": []}
    if (picture := visit.picture) is None:
        return shown
    stem = Path(picture.title).stem
    panes = [picture_pane("original", "Before", picture.token, f"{stem}-before")]
    if visit.hole:
        panes.append(
            picture_pane("marked", f"Marks found, {100 * visit.share:.1f} %", visit.marked, f"{stem}-marks")
        )
    if job := visit.job:
        panes.append(method_pane(job, runner, visit.answer, f"{stem}-mended"))
        if job.state == "done" and visit.ran != (visit.method, visit.mask):
            panes[-1]["state"] = "stale"
    shown |= {"w": picture.size[1], "h": picture.size[0], "panes": panes, "noref": NO_TRUTH}
    return shown | ({"mode": "slider", "pair": ["original", "fill"]} if visit.answer else {})


def photo_buttons(visit: PhotoVisit, runner: Runner, found: Mapping[str, Price]) -> list[dict[str, Any]]:
    """Properties of Run, Stop, Download and Open in Compare."""
    label, ready = _run_label(visit, runner, found)
    return [
        {"value": label, "interactive": ready},
        {"interactive": visit.running},
        {"interactive": visit.answer is not None},
        {"interactive": visit.picture is not None},
    ]


def _run_label(visit: PhotoVisit, runner: Runner, found: Mapping[str, Price]) -> tuple[str, bool]:
    if visit.running:
        return "Running …", False
    if visit.picture is None or not found:
        return "No marks to fill", False
    if visit.method not in found:
        return "Choose a method to run", False
    return f"Fill the marks · {spoken(runner.forecast({visit.method: found[visit.method]}))}", True

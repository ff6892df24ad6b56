"""What an explanation has shown so far."""

from typing import Any

import numpy as np

from demo.server.explanation import Explanation, Shot, fractions
from demo.server.jobs import Runner
from demo.server.store import url
from demo.views.changes import state_shown
from inpainters.imaging import Mask


def progress(runner: Runner, job: Explanation | None) -> dict[str, Any]:
    """The state of an explanation, its frames, and what was there before; ready where there is none."""
    if job is None:
        return {"state": "ready", "frames": []}
    shown: dict[str, Any] = {
        "state": state_shown(job),
        "err": job.message,
        "frames": [_frame(s) for s in job.shots],
    }
    if job.state == "waiting":
        shown |= {"place": runner.ahead(job), "eta": round(runner.until(job), 1)}
    if job.state == "running":
        shown |= {"progress": round(job.progress, 2), "eta": round(job.remaining) or None}
    if job.state == "done" and job.result is not None:
        shown["seconds"] = round(job.result.seconds, 2)
    if job.original and job.seen is not None and job.hole is not None:
        height, width = job.seen.shape[:2]
        shown |= {
            "original": {"src": url(job.original), "w": width, "h": height},
            "hole": _middle(job.hole),
        }
        shown |= {"asked": {"src": url(job.asked), "w": width, "h": height}} if job.asked else {}
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


def _middle(hole: Mask) -> list[float]:
    """The missing position nearest to the middle of all of them, as fractions."""
    rows, columns = np.nonzero(hole)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return fractions((rows[nearest], columns[nearest]), hole.shape)

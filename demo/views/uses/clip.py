"""What is shown of a clip, as plain values."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from demo.server.clips import EXAMPLE, ClipJob, ClipVisit, Screened
from demo.server.jobs import Price, Runner
from demo.server.store import url
from demo.server.visit import Reply
from demo.views.changes import next_rev, state_shown
from inpainters import registry
from inpainters.costs import spoken

OF_WARPING = (
    "by so much what was put in differs from where the motion says that it lies in the next "
    "frame, and the less, "
    "the less it flickers. It knows nothing of what changes behind the thing, such as water or light"
)


def frame_editor(visit: ClipVisit, reply: Reply) -> dict[str, Any]:
    """The mask editor's value: the first frame; a painted mask stays unless the reply has one."""
    shown = {"rev": next_rev(), "note": reply.note, "error": reply.error}
    if (clip := visit.clip) is None:
        return shown
    return shown | {
        "preview": url(clip.first),
        "title": f"First of {clip.count} frames",
        "w": clip.size[1],
        "h": clip.size[0],
        "mask": url(reply.mask),
        "how": reply.how,
        "note": reply.note or " ".join(clip.notes),
        "sample": None if clip.source else EXAMPLE,
    }


def screen(visit: ClipVisit, runner: Runner) -> dict[str, Any]:
    """The value of the ClipPlayer."""
    shown: dict[str, Any] = {"rev": next_rev(), "state": "ready", "stale": False}
    clip, job = visit.clip, visit.job
    if clip is None:
        return shown
    shown |= {
        "first": url(clip.first),
        "w": clip.size[1],
        "h": clip.size[0],
        "count": clip.count,
        "rate": clip.rate,
    }
    if job is None:
        return shown
    shown |= {
        "state": state_shown(job),
        "err": job.message,
        "title": registry.get(job.method).title if job.screened and job.screened.keys else "",
        "stale": job.final and visit.ran != (visit.digest, visit.method),
    }
    return shown | clip_progress(job, runner) | (outcome(job, job.screened) if job.screened else {})


def clip_progress(job: ClipJob, runner: Runner) -> dict[str, Any]:
    """How far a job is."""
    if job.state == "waiting":
        return {"place": runner.ahead(job), "eta": round(runner.until(job))}
    if job.state != "running":
        return {}
    done = {"what": job.what, "progress": round(job.progress, 2), "eta": round(job.remaining)}
    return done | ({"preview": url(job.shots[-1])} if job.shots else {})


def outcome(job: ClipJob, screened: Screened) -> dict[str, Any]:
    """The clips and what is said of them."""
    return {
        "before": url(screened.before),
        "after": url(screened.after),
        "masks": url(screened.masks),
        "seconds": round(job.seconds, 1),
        "said": said(job, screened),
    }


def said(job: ClipJob, screened: Screened) -> list[str]:
    """What a job found, in sentences."""
    title, keys = registry.get(job.method).title, screened.keys
    frames = f"{keys} frame{'s' * (keys != 1)}"
    drew = f"{title} filled the rest in {frames}, which was handed on." if keys else "No fill was needed."
    found = [f"Other frames saw {100 * screened.seen:.0f} % of what was behind it. {drew}"]
    if isfinite(screened.warping_error):
        found.append(f"Warping error {screened.warping_error:.2f} grey levels: {OF_WARPING}.")
    if screened.lost is not None:
        found.append(
            f"From frame {screened.lost + 1} on nothing was masked. If the thing is still "
            f"there, it was lost: "
            "look at what was tracked, and paint it more closely."
        )
    return found


def buttons(visit: ClipVisit, runner: Runner, found: Mapping[str, Price]) -> list[dict[str, Any]]:
    """Properties of Run and Stop."""
    label, ready = _run_label(visit, runner, found)
    return [{"value": label, "interactive": ready}, {"interactive": visit.running}]


def _run_label(visit: ClipVisit, runner: Runner, found: Mapping[str, Price]) -> tuple[str, bool]:
    if visit.running:
        return "Running …", False
    if visit.clip is None:
        return "Run", False
    if not visit.hole.get("count"):
        return "Paint over what should disappear", False
    if visit.method not in found:
        return "Choose a method to run", False
    seconds = runner.forecast({visit.method: found[visit.method]})
    return f"Run {visit.clip.count} frames · {spoken(seconds)}", True

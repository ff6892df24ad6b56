"""What is shown of a folder of photographs, as plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.server.folder import FOLDER_PIXELS, MOST_BYTES, FolderAllowance, FolderPicture, FolderVisit
from demo.server.folder_job import FolderJob
from demo.server.jobs import MOST_SECONDS, Price, Runner
from demo.server.store import url
from demo.views.changes import next_rev, state_shown
from inpainters.costs import spoken


def folder_rules(allowance: FolderAllowance) -> str:
    """What a visitor may fill at once, in one paragraph."""
    if not allowance.pictures:
        return "The owner of this page lets nobody fill folders: the command below does it anywhere."
    return (
        f"Up to {allowance.pictures} photographs at once, of {FOLDER_PIXELS // 1_000_000} megapixels and "
        f"{MOST_BYTES // 1_000_000} MB together. One run takes {MOST_SECONDS / 60:.0f} minutes at most, and "
        f"all that you run within an hour {allowance.minutes:g}. A mask is called like its photograph, or "
        "like it with _mask; white is what is missing."
    )


def sheet(visit: FolderVisit, runner: Runner) -> dict[str, Any]:
    """The value of the ContactSheet."""
    items = [_item(visit, one) for one in visit.pictures]
    shown: dict[str, Any] = {"rev": next_rev(), "state": "ready", "err": "", "items": items}
    job = visit.job
    if not isinstance(job, FolderJob):
        return shown
    state = state_shown(job)
    shown |= {"state": state, "err": job.message}
    if job.state == "waiting":
        return shown | {"place": runner.ahead(job), "eta": round(runner.until(job))}
    if job.state == "running":
        what = f"{job.at + 1} of {len(job.pictures)}: {job.pictures[job.at].name}"
        return shown | {"what": what, "progress": round(job.progress, 3), "eta": round(job.remaining)}
    return shown


def _item(visit: FolderVisit, one: FolderPicture) -> dict[str, Any]:
    state, said = _state(visit, one)
    return {
        "id": one.key,
        "name": one.name,
        "state": state,
        "said": said,
        "before": url(one.thumb),
        "after": url(one.fill.small if one.fill else None),
        "full": url(one.answer),
        "file": f"{Path(one.name).stem}.png",
    }


def _state(visit: FolderVisit, one: FolderPicture) -> tuple[str, str]:
    """How it stands, and in words."""
    if one.state == "running":
        return "running", "Being filled"
    if lacks := visit.lacking(one):
        return "lacking", lacks
    size, made = f"{one.size[1]}×{one.size[0]}", one.fill
    if made and visit.up_to_date(one):
        return "done", " ".join([f"{size}, {made.seconds:.1f} s.", *made.notes])
    if one.failed:
        return "failed", f"{one.failed} What was filled before is kept." if made else one.failed
    return ("stale", "Filled with other settings") if made else ("ready", size)


def folder_buttons(visit: FolderVisit, runner: Runner, found: Mapping[str, Price]) -> list[dict[str, Any]]:
    """Properties of Run, Stop and Download."""
    label, ready = _run_label(visit, runner, found)
    some = not visit.running and any(one.fill for one in visit.pictures)
    return [{"value": label, "interactive": ready}, {"interactive": visit.running}, {"interactive": some}]


def _run_label(visit: FolderVisit, runner: Runner, found: Mapping[str, Price]) -> tuple[str, bool]:
    if visit.running:
        return "Running …", False
    if not visit.pictures:
        return "Upload photographs", False
    if visit.method not in found:
        return "Choose a method to run", False
    due = visit.due()
    if not due:
        filled = any(one.fill for one in visit.pictures)
        return ("All are filled" if filled else "Upload their masks"), False
    rest = "the other " if len(due) < len(visit.pictures) else ""
    number = "" if rest and len(due) == 1 else f"{len(due)} "
    count = f"{rest}{number}photograph{'s' * (len(due) != 1)}"
    return f"Fill {count} · {spoken(runner.forecast({visit.method: found[visit.method]}))}", True

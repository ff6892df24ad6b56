"""What is shown in each of the uses, as plain values."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

from demo.server.jobs import Job, Price, Runner
from demo.server.store import url
from demo.views.changes import state_shown
from inpainters import registry
from inpainters.costs import spoken


class _Chosen(Protocol):
    method: str

    @property
    def running(self) -> bool: ...


def chooser(visit: _Chosen, found: Mapping[str, Price]) -> dict[str, Any]:
    """Properties of the chooser of methods: the fastest first, each with what it takes. While something runs
    it stays as it is.
    """
    if visit.running:
        return {"interactive": False}
    choices = [(f"{registry.get(name).title} · {spoken(each.seconds)}", name) for name, each in found.items()]
    return {"choices": choices, "value": visit.method or None, "interactive": True}


def picture_pane(key: str, title: str, token: str | None, file: str, note: str = "") -> dict[str, Any]:
    """A pane of a picture that no method drew."""
    shown: dict[str, Any] = {
        "id": key,
        "title": title,
        "family": None,
        "src": url(token),
        "file": file,
        "note": note,
    }
    return shown | {"state": "done", "chips": []}


def method_pane(job: Job, runner: Runner, token: str | None, file: str, note: str = "") -> dict[str, Any]:
    """A pane of a job with one answer."""
    spec = registry.get(job.method)
    state = state_shown(job)
    shown: dict[str, Any] = {
        "id": "fill",
        "title": spec.title,
        "family": spec.family,
        "state": state,
        "file": file,
    }
    shown |= {"src": url(token), "chips": [], "note": note, "err": job.message}
    if job.state == "waiting":
        return shown | {"place": runner.ahead(job), "eta": round(runner.until(job), 1)}
    if job.state == "running":
        left = math.ceil(runner.until(job)) or None
        return shown | {"progress": round(job.progress, 2), "eta": left, "note": ""}
    return shown | {"seconds": round(job.seconds, 2)}

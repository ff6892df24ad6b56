"""The pictures of a round as plain values: original, masked, and what each method made of the hole."""

import math
from collections.abc import Mapping
from typing import Any

from benchmark.report.layout import CHIPS
from benchmark.report.marks import footnote, mark
from demo.server.jobs import Answer, Job, Runner
from demo.server.options import answers_of
from demo.server.store import url
from demo.server.visit import Round, Session
from demo.views.changes import next_rev, state_shown
from inpainters import registry

NOT_JUDGED = "No scores: what you remove is no reference, and a score would reward a method that keeps it."


def panes(session: Session, runner: Runner) -> dict[str, Any]:
    """The Panes' value: original, masked, and one pane per method, fastest first."""
    if session.index < 0:
        return {"rev": next_rev(), "w": 0, "h": 0, "mode": "grid", "panes": []}
    one = session.round
    height, width = one.picture.size
    stem = one.picture.title.rsplit(".", 1)[0]
    shown = [_fixed("original", one.picture.called or "Original", one.picture.token, f"{stem}-original")]
    if one.masked:
        shown.append(_fixed("masked", "Masked", one.masked, f"{stem}-masked"))
    if one.batch is not None:
        shown += [_pane(job, runner, stem, session) for job in one.batch.jobs]
    value = {"rev": next_rev(), "w": width, "h": height, "mode": "grid", "panes": shown}
    value["history"] = history(session)
    if one.best:
        value |= {"mode": "slider", "pair": ["original", one.best]}
    if session.judged:
        return value | {"ref": "original"}
    return value | ({"noref": NOT_JUDGED} if one.reference else {})


def history(session: Session) -> list[dict[str, Any]]:
    """The runs of this visit that have answers, the oldest first."""
    return [
        {
            "id": one.key,
            "title": _called(one),
            "at": round(one.at),
            "src": url(one.thumb or next(iter(one.answers.values()))),
            "now": one is session.round,
        }
        for one in session.runs
    ]


def _called(one: Round) -> str:
    """The first method of a run, and how many others."""
    jobs = [job for job in one.batch.jobs if job.answers] if one.batch else []
    first = registry.get(jobs[0].method).title if jobs else one.picture.title
    several = f" +{len(jobs) - 1}" if len(jobs) > 1 else ""
    return first + several + (f", feather {one.feather} px" if one.feather else "")


def stale(session: Session, job: Job) -> bool:
    """True where the page's mask or settings are no longer those a job ran with."""
    if session.round.best:
        return False
    spec = registry.get(job.method)
    drawn = (job.seed, job.n) != (session.seed, answers_of(spec, session.n)) if spec.stochastic else False
    return session.round.stale or drawn or dict(job.options) != session.options.get(job.method, {})


def _fixed(key: str, title: str, token: str, file: str) -> dict[str, Any]:
    return {
        "id": key,
        "title": title,
        "family": None,
        "state": "done",
        "src": url(token),
        "chips": [],
        "note": "",
        "file": file,
    }


def _pane(job: Job, runner: Runner, stem: str, session: Session) -> dict[str, Any]:
    spec, old = registry.get(job.method), stale(session, job)
    pane: dict[str, Any] = {
        "id": job.method,
        "title": spec.title,
        "family": spec.family,
        "state": state_shown(job),
    }
    pane |= {"src": url(so_far(session, job)[0]), "file": f"{stem}-{job.method}", "chips": [], "note": ""}
    if job.state == "waiting":
        pane |= {"place": runner.ahead(job), "eta": round(runner.until(job), 1)}
    elif job.state == "running":
        pane |= {
            "progress": round(job.progress, 2),
            "eta": math.ceil(runner.until(job)) or None,
            "note": _step(job),
        }
    elif job.state == "done" and job.n == 1:
        pane |= _answer(job, job.answers[0], session, old) if job.answers else {}
    elif job.state != "done":
        pane["err"] = job.message
    if job.n > 1:
        done = [_answer(job, answer, session, old) for answer in job.answers]
        shown = [*done, *(_coming(session, job, job.seed + i) for i in range(len(done), job.n))]
        pane["answers"] = [answer | {"file": f"{stem}-{answer['name']}"} for answer in shown]
    return pane


def _step(job: Job) -> str:
    which = f"answer {len(job.answers) + 1} of {job.n}" if job.n > 1 and job.at_once == 1 else ""
    return ", ".join(filter(None, [which, f"step {job.done}/{job.total}" if job.total > 1 else ""]))


def _answer(job: Job, answer: Answer, session: Session, old: bool) -> dict[str, Any]:
    """What a pane shows of one answer that is there."""
    result = answer.result
    calls = (
        f"{result.network_calls:,} network call{'s' if result.network_calls != 1 else ''}."
        if result.network_calls
        else ""
    )
    alone = (
        "One answer: it does not draw at random."
        if session.n > 1 and job.n == 1 and not registry.get(job.method).stochastic
        else ""
    )
    return {
        "seed": result.seed,
        "name": job.name(result.seed),
        "state": "stale" if old else "done",
        "moved": session.round.stale,
        "src": url(answer.token),
        "thumb": url(answer.thumb),
        "seconds": result.seconds,
        "note": " ".join(filter(None, [calls, *result.notes, alone])),
        "chips": chips(answer.scores, job.method) if session.judged else [],
    }


def so_far(session: Session, job: Job) -> tuple[str, str]:
    """Tokens of what there is to see of the answer under way, and of its thumbnail: the hole before there is
    more.
    """
    begun = job.state == "running" and not job.showing[0]
    return (session.round.masked or "", "") if begun else job.showing


def _coming(session: Session, job: Job, seed: int) -> dict[str, Any]:
    """What a pane shows of an answer that is not there:
    the one under way has a preview, the others are empty.
    """
    under_way = seed == job.seed + len(job.answers) and job.state in ("running", "stopped")
    src, thumb = so_far(session, job) if under_way else ("", "")
    state = state_shown(job) if under_way or job.final else "queued"
    shown = {"seed": seed, "name": job.name(seed), "state": state, "src": url(src), "thumb": url(thumb)}
    return shown | {"seconds": None, "chips": [], "note": ""}


def chips(scores: Mapping[str, Any] | None, method: str = "") -> list[dict[str, Any]]:
    """Scores as short text; one that could not be computed has its reason,
    one that flatters the method its mark.
    """
    if scores is None:
        return []
    return [
        {"label": label, **_chip(scores[name], method, name)}
        for name, label in CHIPS.items()
        if name in scores
    ]


def _chip(one: Mapping[str, Any], method: str, metric: str) -> dict[str, Any]:
    if one["value"] is None:
        return {"value": None, "why": one["reason"]}
    value = f"{one['value']:.1f} dB" if one["unit"] == "dB" else f"{one['value']:.3f}"
    note = footnote([method], [metric])
    return {"value": value + mark(method, metric)} | ({"why": note} if note else {})

"""What the Compare tab shows, as plain values that are tested without a browser."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from benchmark.report.marks import footnote, mark
from demo.server.jobs import Answer, Hole, Job, Price, Runner, price, together
from demo.server.options import Value, answers_of, described, offered
from demo.server.store import url
from demo.server.visit import Session
from demo.views.changes import next_rev
from inpainters import registry
from inpainters.costs import spoken
from inpainters.masks import GENERATORS
from inpainters.spec import FAMILIES, MethodSpec

_LABELS = {"psnr": "PSNR", "lpips_squeeze": "LPIPS", "ssim": "SSIM", "l1": "L1"}
_STATES = {"waiting": "queued"}


def editor(session: Session, note: str = "", error: bool = False, mask: str | None = None) -> dict[str, Any]:
    """The MaskEditor's value; the painted mask stays unless `mask`, a token, is given. With nothing else to
    say: how the file was converted.
    """
    shown = {"rev": next_rev(), "note": note, "error": error, "query": query(session)}
    if session.index < 0:
        return shown
    picture = session.round.picture
    return shown | {
        "preview": url(picture.preview),
        "w": picture.size[1],
        "h": picture.size[0],
        "mask": url(mask),
        "note": note or " ".join(picture.notes),
        "transparent": picture.transparent is not None,
        "sample": picture.sample,
    }


def picker(
    chosen: Sequence[str] | None,
    rev: int,
    prices: Mapping[str, Price] | None = None,
    session: Session | None = None,
    *,
    settings: bool = False,
) -> dict[str, Any]:
    """The Picker's value: methods by family, each with its cost here or why it cannot run, its options and
    what is wrong with them.

    chosen None: what is ticked stays. settings: the page's fields are set to the session's, else they stay.
    """
    n = session.n if session else 1
    families = []
    for family in FAMILIES:
        methods = [_row(spec, prices, n) for spec in registry.METHODS.values() if spec.family == family]
        if methods:
            families.append({"id": family, "methods": methods})
    value: dict[str, Any] = {
        "rev": rev,
        "families": families,
        "wrong": dict(session.wrong) if session else {},
    }
    value |= {} if chosen is None else {"chosen": list(chosen)}
    return value | (
        {"options": {name: dict(own) for name, own in session.options.items()}}
        if session and settings
        else {}
    )


def costs_in_picker(session: Session, *, restored: bool = False) -> dict[str, Any]:
    """The Picker's value for what the session holds: costs and complaints, and once a link was `restored`
    also what is ticked and set.
    """
    chosen = session.chosen if restored else None
    return picker(chosen, next_rev(), prices(session), session, settings=restored)


def generators() -> list[dict[str, Any]]:
    """Drawn masks as the MaskEditor offers them: what people try first comes first."""
    by_use = sorted(GENERATORS.values(), key=lambda one: (one.name != "brush", one.name != "box"))
    fixed = {one.name: f"{100 * (one.ratio or 0):.0f} %" if one.fixed else None for one in by_use}
    return [{"id": one.name, "title": one.title, "fixed": fixed[one.name]} for one in by_use]


def _row(spec: MethodSpec, prices: Mapping[str, Price] | None, n: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": spec.name, "title": spec.title, "cost": "", "help": spec.summary}
    if why := registry.unavailable(spec.name):
        return row | {"why": why}
    if prices:
        row |= (
            {"note": priced(spec, prices[spec.name], n)}
            if spec.calls
            else {"cost": spoken(prices[spec.name].seconds)}
        )
    return row | {"options": [described(option) for option in offered(spec)]}


def priced(spec: MethodSpec, cost: Price, n: int) -> str:
    """'4 × 65 network calls, about 9 s here'."""
    n = answers_of(spec, n)
    several = f"{n} × " if n > 1 else ""
    calls = f"{cost.calls // n:,} network call{'s' if cost.calls != n else ''}"
    return f"{several}{calls}, {spoken(cost.seconds)} here"


def prices(session: Session) -> dict[str, Price]:
    """What each method costs on the hole in view under its settings, or on a fifth of a 512x512 picture
    before there is a hole.
    """
    size = session.round.picture.size if session.index >= 0 else (512, 512)
    found = session.holes
    if not session.hole.get("count"):
        found = [Hole(0, 0, size[0], size[1], round(0.2 * size[0] * size[1]))]
    specs = registry.METHODS.values()
    return {
        spec.name: price(spec, size, found, session.options.get(spec.name), answers_of(spec, session.n))
        for spec in specs
    }


def run_label(session: Session) -> tuple[str, bool]:
    """The Run button's text, and whether it can be pressed."""
    n = len(session.chosen)
    if session.running:
        return "Running …", False
    if session.index < 0:
        return "Run", False
    if not session.hole.get("count"):
        return "Paint a mask to run", False
    if not n:
        return "Choose a method to run", False
    each = prices(session)
    return f"Run {n} · {spoken(together({name: each[name].seconds for name in session.chosen}))}", True


def stale(session: Session, job: Job) -> bool:
    """True where the page's mask or settings are no longer those a job ran with."""
    spec = registry.get(job.method)
    drawn = (job.seed, job.n) != (session.seed, answers_of(spec, session.n)) if spec.stochastic else False
    return session.round.stale or drawn or dict(job.options) != session.options.get(job.method, {})


def panes(session: Session, runner: Runner) -> dict[str, Any]:
    """The Panes' value: original, masked, and one pane per method, fastest first."""
    if session.index < 0:
        return {"rev": next_rev(), "w": 0, "h": 0, "mode": "grid", "panes": []}
    one = session.round
    height, width = one.picture.size
    stem = one.picture.title.rsplit(".", 1)[0]
    shown = [_fixed("original", "Original", one.picture.token, f"{stem}-original")]
    if one.masked:
        shown.append(_fixed("masked", "Masked", one.masked, f"{stem}-masked"))
    if one.batch is not None:
        shown += [_pane(job, runner, stem, session) for job in one.batch.jobs]
    value = {"rev": next_rev(), "w": width, "h": height, "mode": "grid", "panes": shown}
    return value | ({"ref": "original"} if one.reference else {})


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
        "state": _STATES.get(job.state, job.state),
    }
    pane |= {"src": url(job.showing[0]), "file": f"{stem}-{job.method}", "chips": [], "note": ""}
    if job.state == "waiting":
        pane |= {"place": runner.ahead(job), "eta": round(job.seconds, 1)}
    elif job.state == "running":
        pane |= {
            "progress": round(job.progress, 2),
            "eta": math.ceil(job.remaining) or None,
            "note": _step(job),
        }
    elif job.state == "done" and job.n == 1:
        pane |= _answer(job, job.answers[0], session.n, old) if job.answers else {}
    elif job.state != "done":
        pane["err"] = job.message
    if job.n > 1:
        done = [_answer(job, answer, session.n, old) for answer in job.answers]
        shown = [*done, *(_coming(job, job.seed + i) for i in range(len(done), job.n))]
        pane["answers"] = [answer | {"file": f"{stem}-{answer['name']}"} for answer in shown]
    return pane


def _step(job: Job) -> str:
    which = f"answer {len(job.answers) + 1} of {job.n}" if job.n > 1 and job.drawn == 1 else ""
    return ", ".join(filter(None, [which, f"step {job.done}/{job.total}" if job.total > 1 else ""]))


def _answer(job: Job, answer: Answer, asked: int, old: bool) -> dict[str, Any]:
    """What a pane shows of one answer that is there."""
    result = answer.result
    calls = (
        f"{result.network_calls:,} network call{'s' if result.network_calls != 1 else ''}."
        if result.network_calls
        else ""
    )
    alone = (
        "One answer: it does not draw at random."
        if asked > 1 and job.n == 1 and not registry.get(job.method).stochastic
        else ""
    )
    return {
        "seed": result.seed,
        "name": job.name(result.seed),
        "state": "stale" if old else "done",
        "src": url(answer.token),
        "thumb": url(answer.thumb),
        "seconds": result.seconds,
        "note": " ".join(filter(None, [calls, *result.notes, alone])),
        "chips": chips(answer.scores, job.method),
    }


def _coming(job: Job, seed: int) -> dict[str, Any]:
    """What a pane shows of an answer that is not there: the one under way has a preview, the others are
    empty.
    """
    under_way = seed == job.seed + len(job.answers) and job.state in ("running", "stopped")
    src, thumb = job.showing if under_way else ("", "")
    state = _STATES.get(job.state, job.state) if under_way or job.final else "queued"
    shown = {"seed": seed, "name": job.name(seed), "state": state, "src": url(src), "thumb": url(thumb)}
    return shown | {"seconds": None, "chips": [], "note": ""}


def chips(scores: Mapping[str, Any] | None, method: str = "") -> list[dict[str, Any]]:
    """Scores as short text; one that could not be computed has its reason, one that flatters the method its
    mark.
    """
    if scores is None:
        return []
    return [
        {"label": label, **_chip(scores[name], method, name)}
        for name, label in _LABELS.items()
        if name in scores
    ]


def scored(session: Session) -> str:
    """What the scores under the results compare with; empty before there are any."""
    if session.index < 0 or session.round.batch is None:
        return ""
    if not session.round.reference:
        return "No original inside this hole, so no scores."
    return "Scores compare with what you painted over, inside the hole."


def _chip(one: Mapping[str, Any], method: str, metric: str) -> dict[str, Any]:
    if one["value"] is None:
        return {"value": None, "why": one["reason"]}
    value = f"{one['value']:.1f} dB" if one["unit"] == "dB" else f"{one['value']:.3f}"
    note = footnote([method], [metric])
    return {"value": value + mark(method, metric)} | ({"why": note} if note else {})


def _told(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def query(session: Session) -> str:
    """The page's query string: what a link can bring back. An uploaded picture stays out of it."""
    parts = {"t": "compare"}
    if session.index >= 0 and session.round.picture.sample:
        parts["img"] = session.round.picture.sample
        if session.drawn:
            parts["mask"] = session.drawn
    parts |= {
        "m": ",".join(session.chosen),
        "seed": str(session.seed or ""),
        "n": str(session.n) if session.n > 1 else "",
    }
    parts["o"] = ",".join(
        f"{name}.{key}:{_told(value)}"
        for name in session.chosen
        for key, value in session.options.get(name, {}).items()
    )
    return "?" + urlencode({key: value for key, value in parts.items() if value}, safe=":,")

"""What the Compare tab shows, as plain values that are tested without a browser."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from demo.server import room
from demo.server.jobs import Batch, Price, Runner
from demo.server.options import Value, answers_of
from demo.server.purposes import PURPOSES
from demo.server.store import url
from demo.server.visit import Reply, Round, Session
from demo.views.changes import changes, next_rev
from demo.views.panes import NOT_JUDGED, panes, stale
from demo.views.picker import picker
from inpainters import registry
from inpainters.costs import spoken
from inpainters.masks import GENERATORS

Shown = tuple[list[dict[str, Any] | None], list[dict[str, Any]]]
"""Values of components, None for one that stays as it is; and what changes at the controls."""


def page(session: Session, runner: Runner, reply: Reply | None = None, *, opened: bool = False) -> Shown:
    """Values of editor, picker and panes. `opened`: the page has just been opened."""
    prices = session.prices()
    values = [editor(session, *(reply or ())), picker(session, prices, opened=opened), panes(session, runner)]
    return [*values], controls(session, runner, prices)


def painting(session: Session, runner: Runner, *, flipped: bool) -> Shown:
    """After a stroke: values of picker and panes; the panes stay where `flipped` is False: none of them has
    become stale by it, or ceased to be.
    """
    prices = session.prices()
    return [picker(session, prices), panes(session, runner) if flipped else None], controls(
        session, runner, prices
    )


async def running(
    session: Session, runner: Runner, batch: Batch | None, reply: Reply
) -> AsyncIterator[Shown]:
    """Values of editor, picker and panes, each time the panes have changed, until the batch has settled or is
    no longer in view. The editor's comes once, the picker's at the end: estimates learn from a run. Without a
    batch, why there is none.
    """
    begin: dict[str, Any] | None = editor(session, *reply)
    if batch is None:
        yield [begin, None, None], controls(session, runner, session.prices())
        return
    current = partial(_in_view, session, batch)
    shown, settled = partial(panes, session, runner), lambda: batch.settled
    async for seen in changes(shown, settled, current, lambda: batch.mark):
        prices = session.prices()
        yield (
            [begin, picker(session, prices) if batch.finished else None, seen],
            controls(session, runner, prices),
        )
        begin = None


async def settling(session: Session, runner: Runner) -> AsyncIterator[dict[str, Any]]:
    """Values of the panes until the scores of what is in view are there."""
    if session.index < 0 or (batch := session.round.batch) is None:
        return
    shown, current = partial(panes, session, runner), partial(_in_view, session, batch)
    async for seen in changes(shown, lambda: batch.settled, current, lambda: batch.mark):
        yield seen


def _in_view(session: Session, batch: Batch) -> bool:
    return session.index >= 0 and session.round.batch is batch


def editor(
    session: Session,
    note: str = "",
    error: bool = False,
    mask: str | None = None,
    offers: Sequence[tuple[str, str]] = (),
    how: str = "",
    feather: int | None = None,
) -> dict[str, Any]:
    """The MaskEditor's value; the painted mask stays unless `mask`, a token, is given: it takes its place, or
    `how` it joins or leaves it. With nothing else to say: how the file was converted.
    """
    shown = {"rev": next_rev(), "note": note, "error": error, "query": compare_link(session)}
    shown["feather"] = feather
    shown["visit"] = session.id
    shown["offers"] = [{"id": key, "text": words} for key, words in offers]
    if session.index < 0:
        return shown
    picture = session.round.picture
    return shown | {
        "preview": url(picture.preview),
        "title": picture.called,
        "w": picture.size[1],
        "h": picture.size[0],
        "mask": url(mask),
        "how": how,
        "note": note or " ".join(picture.notes),
        "transparent": picture.transparent is not None and not picture.called,
        "sample": picture.sample,
        "own": picture.own,
        "finished": bool(session.round.best),
        "framed": picture.framed and session.index > 0,
    }


def generators() -> list[dict[str, Any]]:
    """Drawn masks as the MaskEditor offers them: what people try first comes first."""
    first = ("brush", "object", "box")
    by_use = sorted(GENERATORS.values(), key=lambda one: first.index(one.name) if one.name in first else 3)
    fixed = {one.name: f"{100 * (one.ratio or 0):.0f} %" if one.fixed else None for one in by_use}
    return [{"id": one.name, "title": one.title, "fixed": fixed[one.name]} for one in by_use]


def controls(session: Session, runner: Runner, prices: Mapping[str, Price]) -> list[dict[str, Any]]:
    """Properties of Run, Stop, Download, Back, Forward, the words on scores and what switches these."""
    label, ready = run_label(session, runner, prices)
    judging = session.index >= 0 and session.round.batch is not None and session.round.reference
    running, last = session.running, len(session.rounds) - 1
    packable = session.index >= 0 and not session.round.best
    packable = packable and bool(session.round.answers or session.hole.get("count"))
    return [
        {"value": label, "interactive": ready},
        {"interactive": running},
        {"interactive": packable},
        {"visible": session.index > 0, "interactive": not running},
        {"visible": 0 <= session.index < last, "interactive": not running},
        {"value": scored(session)},
        {"visible": judging, "value": "Hide scores" if judging and session.judged else "Show scores"},
    ]


def run_label(session: Session, runner: Runner, prices: Mapping[str, Price]) -> tuple[str, bool]:
    """The Run button's text, and whether it can be pressed."""
    if session.running:
        return "Running …", False
    if session.index < 0:
        return "Run", False
    if not session.hole.get("count"):
        return "Paint a mask to run", False
    if not session.chosen:
        return "Choose a method to run", False
    wanted, missing = len(session.chosen), unanswered(session)
    if not missing:
        return _nothing_missing(session)
    shares = {
        name: Price(each.calls, share * each.seconds, share * each.cost)
        for name, share in missing.items()
        for each in [prices[name]]
    }
    seconds = spoken(runner.forecast(shares)) + room.memory_needed(missing, session.round.picture.size)
    if len(missing) < wanted:
        return f"Run {len(missing)} more of {wanted} · {seconds}", True
    ready = sum(registry.unavailable(name) is None for name in registry.METHODS)
    return f"Run {wanted} of {ready} · {seconds}", True


def unanswered(session: Session) -> dict[str, float]:
    """The ticked methods of which answers are missing under the settings on the page, and what share of
    them. The editor's digest tells holes apart.
    """
    one = _run_on_hole(session)
    missing = {}
    for name in session.chosen:
        n = answers_of(registry.get(name), session.n)
        there = one.known(name, session.options.get(name, {}), session.seed, n) if one else []
        if len(there) < n:
            missing[name] = 1 - len(there) / n
    return missing


def _run_on_hole(session: Session) -> Round | None:
    one = session.round
    if one.best:
        return None
    return one if one.batch and not one.stale else session.past_run(digest=session.digest)


def _nothing_missing(session: Session) -> tuple[str, bool]:
    one, chosen = session.round, session.chosen
    jobs = one.batch.jobs if one.batch and not one.stale else []
    seen = {job.method for job in jobs if not stale(session, job)}
    if not seen.issuperset(chosen):
        what = f"all {len(chosen)}" if len(chosen) > 1 else registry.get(chosen[0]).title
        return f"Show {what} again", True
    what = f"All {len(chosen)} are" if len(chosen) > 1 else f"{registry.get(chosen[0]).title} is"
    return f"{what} there", False


def scored(session: Session) -> str:
    """What the scores under the results compare with; empty before there are any."""
    if session.index < 0 or session.round.batch is None:
        return ""
    if not session.round.reference:
        return "No original inside this hole, so no scores."
    if not session.judged:
        return NOT_JUDGED
    beyond = " The feather around it is not scored." if session.round.feather else ""
    return f"Scores compare with what you painted over, inside the hole.{beyond}"


def _told(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def compare_link(session: Session) -> str:
    """The page's query string: what a link can bring back. An uploaded picture stays out of it."""
    parts = {"t": "compare"}
    if session.index >= 0 and session.round.picture.sample:
        parts["img"] = session.round.picture.sample
        if session.drawn:
            parts["mask"] = session.drawn
    parts |= {
        "for": session.purpose if session.purpose != next(iter(PURPOSES)) else "",
        "scores": "" if session.judge is None else str(int(session.judge)),
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

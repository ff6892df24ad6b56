"""What the Compare tab shows, as plain values that are tested without a browser."""

import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
from PIL import Image as PilImage

from benchmark.report.marks import footnote, mark
from demo.server.jobs import Answer, Hole, Job, Price, Runner, price, spoken, together
from demo.server.session import Round, Session, Value, settings
from demo.widgets.widget import next_rev
from inpainters import registry
from inpainters.base import FAMILIES, Option
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask

SCORES = ("psnr", "ssim", "l1", "lpips_squeeze")
"""Scored inside the hole, in this order: cheap ones first."""
MOST_HOLES = 64
"""Above it methods take them as one."""
MOST_CALLS = 5000
"""Network calls that a page runs for one answer: all visitors share its processor."""
_LABELS = {"psnr": "PSNR", "lpips_squeeze": "LPIPS", "ssim": "SSIM", "l1": "L1"}
_STATES = {"waiting": "queued"}


def url(token: str | None) -> str | None:
    """Where a token is served, relative to the page."""
    return f"pic/{quote(token)}" if token else None


def chosen_methods(ids: Sequence[object]) -> list[str]:
    """The known, ready ones among what a page sent, in the table's order, each once."""
    wanted = {str(name) for name in ids}
    return [name for name in registry.METHODS if name in wanted and registry.unavailable(name) is None]


def offered(spec: registry.MethodSpec) -> list[Option]:
    """The options that a page may set: a visitor must not choose what the server opens."""
    return [option for option in spec.options if not option.local]


def checked(spec: registry.MethodSpec, given: Mapping[str, object]) -> dict[str, Value]:
    """The settings that are not the defaults, each in its type; raises InputError with one sentence that
    names the method.
    """
    own = {option.name: option for option in offered(spec)}
    private = [option.name for option in spec.options if option.name in given and option.name not in own]
    if private:
        raise InputError(f"{spec.title}: '{private[0]}' can be set on the command line and in Python alone.")
    try:
        resolved = spec.resolve(given)
    except InputError as error:
        raise InputError(f"{spec.title}: {error}") from None
    if (calls := spec.network_calls(given)) > MOST_CALLS:
        why = f"{calls:,} network calls for one answer are more than the {MOST_CALLS:,} that a page runs"
        raise InputError(f"{spec.title}: {why}; ask for fewer, or use the command line.")
    return {name: resolved[name] for name, option in own.items() if resolved[name] != option.default}


def answers_of(spec: registry.MethodSpec, n: int) -> int:
    """How many of `n` answers a method gives: one where its seed changes nothing."""
    return n if spec.stochastic else 1


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


def _row(spec: registry.MethodSpec, prices: Mapping[str, Price] | None, n: int) -> dict[str, Any]:
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


def described(option: Option) -> dict[str, Any]:
    """An option as pages and programs are told of it."""
    kind = "choice" if option.choices else type(option.default).__name__
    row = {
        "name": option.name,
        "kind": kind,
        "default": option.default,
        "help": option.help,
        "choices": list(option.choices),
    }
    return row | {"minimum": option.minimum, "maximum": option.maximum}


def priced(spec: registry.MethodSpec, cost: Price, n: int) -> str:
    """'4 × 65 network calls, about 9 s here'."""
    n = answers_of(spec, n)
    several = f"{n} × " if n > 1 else ""
    return f"{several}{cost.calls // n:,} network call{'s' if cost.calls != n else ''}, {spoken(cost.seconds)} here"


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


def hole(data: Mapping[str, Any], size: tuple[int, int]) -> dict[str, float]:
    """What the editor says of its mask, checked: it came from a browser."""
    try:
        top, left, bottom, right = (int(value) for value in data["bbox"])
        count = int(data["count"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}
    top, bottom, left, right = max(0, top), min(size[0], bottom), max(0, left), min(size[1], right)
    if bottom <= top or right <= left:
        return {}
    return {
        "count": max(0, min(count, (bottom - top) * (right - left))),
        "top": top,
        "left": left,
        "bottom": bottom,
        "right": right,
    }


def holes(data: Mapping[str, Any], size: tuple[int, int]) -> list[Hole]:
    """What the editor says of each group of missing pixels, checked as `hole`; one around all where it does
    not say it well.
    """
    rows = data.get("holes")
    rows = rows if isinstance(rows, list) and len(rows) <= MOST_HOLES else []
    parts = [
        hole({"bbox": row[:4], "count": row[4]}, size)
        for row in rows
        if isinstance(row, list) and len(row) == 5
    ]
    parts = [part for part in parts if part] or [part for part in [hole(data, size)] if part]
    return [Hole(*(int(part[key]) for key in ("top", "left", "bottom", "right", "count"))) for part in parts]


def run_label(session: Session) -> tuple[str, bool]:
    """The Run button's text, and whether it can be pressed."""
    n = len(session.chosen)
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


def scores(original: Image, filled: Image, mask: Mask) -> Iterator[dict[str, dict[str, Any]]]:
    """Metric -> {value, unit, reason} inside the hole, growing by one metric each time, the cheap ones first.

    value is None, with a reason, where it cannot be computed.
    """
    known: dict[str, dict[str, Any]] = {}
    for name in SCORES:
        known = {**known, name: _score(name, original, filled, mask)}
        yield known


def _score(name: str, original: Image, filled: Image, mask: Mask) -> dict[str, Any]:
    from benchmark import metrics  # brings torch in for LPIPS only

    spec = metrics.get(name)
    try:
        value = _metric(name).score(original, filled, mask)["hole"]
    except Exception as error:  # a missing weight or a picture too small: the other scores still stand
        return {"value": None, "unit": spec.unit, "reason": str(error)[:300] or type(error).__name__}
    why = metrics.reason(name, "hole", value)
    return {"value": None if why else float(value), "unit": spec.unit, "reason": why or ""}


_METRICS: dict[str, Any] = {}


def _metric(name: str) -> Any:
    from benchmark import metrics

    if name not in _METRICS:
        _METRICS[name] = metrics.create(name)
    return _METRICS[name]


Square = tuple[int, int, int, int]
"""top, left, bottom, right"""
THUMB = 132
"""Side of the thumbnails of several answers, in pixels: twice what is shown."""


def around(mask: Mask) -> Square:
    """A square around the hole, with some of what is known, as far as the picture has room for one."""
    spans = [_span(mask.any(axis=1)), _span(mask.any(axis=0))]
    side = min(*mask.shape, max(16, round(1.3 * max(end - start for start, end in spans))))
    top, left = (
        max(0, min((sum(span) - side) // 2, length - side))
        for span, length in zip(spans, mask.shape, strict=True)
    )
    return top, left, top + side, left + side


def _span(missing: Mask) -> tuple[int, int]:
    places = np.nonzero(missing)[0]
    return int(places.min(initial=len(missing))), int(places.max(initial=-1)) + 1


def thumbnail(image: Image, square: Square) -> Image:
    """That part of a picture, at most `THUMB` pixels a side."""
    top, left, bottom, right = square
    part = PilImage.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    part.thumbnail((THUMB, THUMB))
    return np.asarray(part)


def masked(image: Image, mask: Mask) -> Image:
    """The picture with its hole hatched in two greys: nothing is known there."""
    rows, columns = np.indices(mask.shape, sparse=True)
    band = max(2, max(mask.shape) // 96)
    hatch = np.where(
        ((rows + columns) // band % 2)[..., None] == 0, np.uint8([119, 123, 130]), np.uint8([138, 142, 149])
    )
    return np.where(mask[..., None], hatch, image).astype(np.uint8)


def archive(session: Session) -> bytes:
    """All pictures of the round in view and their settings, as a zip."""
    one: Round = session.round
    if one.batch is None or not one.answers:
        raise InputError("There is nothing to download yet: run a method first.")
    files = {
        "original.png": one.picture.token,
        "mask.png": one.mask,
        "masked.png": one.masked,
        "sketch.png": one.sketch,
    }
    files |= {f"{name}.png": token for name, token in one.answers.items()}
    contents = {name: session.store.read(token) for name, token in files.items() if token}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in contents.items():
            packed.writestr(name, data)
        packed.writestr(
            "settings.json",
            settings(one, {name: sha256(data).hexdigest() for name, data in contents.items()}),
        )
    return buffer.getvalue()


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

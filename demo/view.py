"""What the Compare tab shows, as plain values that are tested without a browser."""

import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from benchmark.marks import footnote, mark
from demo.jobs import Job, Runner, estimate_box, spoken, together
from demo.session import Round, Session, settings
from demo.widget import next_rev
from inpainters import registry
from inpainters.base import FAMILIES
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask

SCORES = ("psnr", "ssim", "l1", "lpips_squeeze")
"""Scored inside the hole, in this order: cheap ones first."""
_LABELS = {"psnr": "PSNR", "lpips_squeeze": "LPIPS", "ssim": "SSIM", "l1": "L1"}
_STATES = {"waiting": "queued"}


def url(token: str | None) -> str | None:
    """Where a token is served, relative to the page."""
    return f"pic/{quote(token)}" if token else None


def chosen_methods(ids: Sequence[object]) -> list[str]:
    """The known, ready ones among what a page sent, in the table's order, each once."""
    wanted = {str(name) for name in ids}
    return [name for name in registry.METHODS if name in wanted and registry.unavailable(name) is None]


def picker(chosen: Sequence[str] | None, rev: int, costs: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The Picker's value: methods by family, each with its cost here or why it cannot run. chosen None: what is ticked stays."""
    families = []
    for family in FAMILIES:
        methods = [_row(spec, costs) for spec in registry.METHODS.values() if spec.family == family]
        if methods:
            families.append({"id": family, "methods": methods})
    return {"rev": rev, "families": families} | ({} if chosen is None else {"chosen": list(chosen)})


def _row(spec: registry.MethodSpec, costs: Mapping[str, float] | None) -> dict[str, Any]:
    row = {"id": spec.name, "title": spec.title, "cost": spoken(costs[spec.name]) if costs else "", "help": spec.summary}
    why = registry.unavailable(spec.name)
    return row | ({"why": why} if why else {})


def costs(session: Session) -> dict[str, float]:
    """Seconds per method on the hole in view, or on a fifth of a 512x512 picture before there is one."""
    size = session.round.picture.size if session.index >= 0 else (512, 512)
    hole = session.hole
    if not hole.get("count"):
        hole = {"count": 0.2 * size[0] * size[1], "top": 0, "left": 0, "bottom": size[0], "right": size[1]}
    box = (int(hole["top"]), int(hole["left"]), int(hole["bottom"]), int(hole["right"]))
    return {name: estimate_box(spec, size, box, int(hole["count"])) for name, spec in registry.METHODS.items()}


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
    return {"count": max(0, min(count, (bottom - top) * (right - left))), "top": top, "left": left, "bottom": bottom, "right": right}


def run_label(session: Session) -> tuple[str, bool]:
    """The Run button's text, and whether it can be pressed."""
    n = len(session.chosen)
    if session.index < 0:
        return "Run", False
    if not session.hole.get("count"):
        return "Paint a mask to run", False
    if not n:
        return "Choose a method to run", False
    each = costs(session)
    return f"Run {n} · {spoken(together({name: each[name] for name in session.chosen}))}", True


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
        shown += [_pane(job, runner, stem, one.stale) for job in one.batch.jobs]
    value = {"rev": next_rev(), "w": width, "h": height, "mode": "grid", "panes": shown}
    return value | ({"ref": "original"} if one.reference else {})


def _fixed(key: str, title: str, token: str, file: str) -> dict[str, Any]:
    return {"id": key, "title": title, "family": None, "state": "done", "src": url(token), "chips": [], "note": "", "file": file}


def _pane(job: Job, runner: Runner, stem: str, stale: bool) -> dict[str, Any]:
    spec = registry.get(job.method)
    pane: dict[str, Any] = {"id": job.method, "title": spec.title, "family": spec.family, "state": _STATES.get(job.state, job.state)}
    pane |= {"src": url(job.token) if job.state == "done" else None, "file": f"{stem}-{job.method}", "chips": [], "note": ""}
    if job.state in ("running", "stopped") and job.previews:
        pane["src"] = url(job.previews[-1])
    if job.state == "waiting":
        pane |= {"place": runner.ahead(job), "eta": round(job.seconds, 1)}
    elif job.state == "running":
        pane |= {"progress": round(job.progress, 2), "eta": math.ceil(job.remaining) or None}
        pane["note"] = f"step {job.done}/{job.total}" if job.total > 1 else ""
    elif job.state == "done" and job.result is not None:
        calls = f"{job.result.network_calls:,} network calls." if job.result.network_calls else ""
        pane["state"] = "stale" if stale else "done"
        pane |= {
            "seconds": job.result.seconds,
            "note": " ".join(filter(None, [calls, *job.result.notes])),
            "chips": chips(job.scores, job.method),
        }
    else:
        pane["err"] = job.message
    return pane


def chips(scores: Mapping[str, Any] | None, method: str = "") -> list[dict[str, Any]]:
    """Scores as short text; one that could not be computed has its reason, one that flatters the method its mark."""
    if scores is None:
        return []
    return [{"label": label, **_chip(scores[name], method, name)} for name, label in _LABELS.items() if name in scores]


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


def masked(image: Image, mask: Mask) -> Image:
    """The picture with its hole hatched in two greys: nothing is known there."""
    rows, columns = np.indices(mask.shape, sparse=True)
    band = max(2, max(mask.shape) // 96)
    hatch = np.where(((rows + columns) // band % 2)[..., None] == 0, np.uint8([119, 123, 130]), np.uint8([138, 142, 149]))
    return np.where(mask[..., None], hatch, image).astype(np.uint8)


def archive(session: Session) -> bytes:
    """All pictures of the round in view and their settings, as a zip."""
    one: Round = session.round
    if one.batch is None or not one.answers:
        raise InputError("There is nothing to download yet: run a method first.")
    files = {"original.png": one.picture.token, "mask.png": one.mask, "masked.png": one.masked, "sketch.png": one.sketch}
    files |= {f"{method}.png": token for method, token in one.answers.items()}
    contents = {name: session.store.read(token) for name, token in files.items() if token}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in contents.items():
            packed.writestr(name, data)
        packed.writestr("settings.json", settings(one, {name: sha256(data).hexdigest() for name, data in contents.items()}))
    return buffer.getvalue()


def query(session: Session) -> str:
    """The page's query string: what a link can bring back. An uploaded picture stays out of it."""
    parts = {"t": "compare"}
    if session.index >= 0 and session.round.picture.sample:
        parts["img"] = session.round.picture.sample
        if session.drawn:
            parts["mask"] = session.drawn
    parts |= {"m": ",".join(session.chosen), "seed": str(session.seed) if session.seed else ""}
    return "?" + urlencode({key: value for key, value in parts.items() if value}, safe=":,")

"""The Inside tab: what a method does between the hole and the fill, frame by frame."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gradio as gr
import numpy as np

from demo.actions.explanation import Explanation, Shot, ask, fractions, keep, price
from demo.server import samples
from demo.server.jobs import Batch, spoken
from demo.server.session import App, Session, Store
from demo.tabs.compare import TICK, decode_canvas, decode_sketch
from demo.views import compare as view
from demo.widgets.widget import Widget, next_rev
from inpainters import registry
from inpainters.base import MethodSpec
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask, encode_png, load_image
from inpainters.masks import generate
from inpainters.methods.diffusion import schedules

KEPT_ORIGINS = 4
"""Explanations, over all visitors, whose attention stays in memory to be asked; older ones have to be run
again.
"""
COMPARE = "compare"
"""The source that stands for the picture and the hole of the Compare tab."""
HOLE = 0.12
"""Share of a bundled picture that is missing."""
SEEDS = {"coffee": 5, "chelsea": 7, "rocket": 8, "tower": 5, "cheetah": 2}
"""Of its hole: one stroke, clear of the border."""

LESSONS = {
    "partial_conv": "Each layer looks at valid pixels only, and calls a position valid once it has seen one. "
    "Watch the hole close from "
    "the rim inwards: the layer at which its middle turns white is the first that knows anything there.",
    "gated_conv": "Each layer learns how much of every feature to let through: white passes, black is held "
    "back. Early gates trace the "
    "hole; later ones pass edges here and texture there, and no rule told them to.",
    "contextual_attention": "For every place in the hole the network looks for known patches that resemble "
    "it, and copies them in proportion. Click a point in the hole and see where it copied from: good "
    "sources lie on the same surface.",
    "pen_net": "Attention on a small map, where one position knows most, says what to copy on the map twice "
    "as large; what comes out is "
    "asked for the next one. So the layout is settled first, and detail follows it.",
    "replacement": "Noise becomes a picture in small steps, and after each one the known pixels, made just "
    "as noisy, take the place of its own. The network learns of them only one step later: colours come to "
    "agree across the rim, and things often do not.",
    "repaint": "After each stretch it adds noise again and walks the stretch anew: these jumps back are the "
    "teeth of the schedule. Compare the clean estimates: what breaks off at the rim for replacement, from "
    "the same noise, gets time to agree here.",
    "ddnm": "The known pixels enter the clean estimate before each step, not the noisy state after it, so "
    "that every step sets out from a picture that is right around the hole. Replacement, from the same "
    "noise, shows how the rim looks without that.",
    "dpm_solver": "The schedule is a staircase: a few rounds at each noise level, in which the fill comes "
    "to agree with its surroundings, then one large step down. Replacement, with as many levels, and the "
    "paper's preset, which has no rounds, show what they are for.",
    "latent_diffusion": "It walks through an autoencoder's small latent, which makes a network call cheap; "
    "what you see here is decoded. Trained to inpaint, it sees the surroundings at every step and needs no "
    "jumps: the layout stands in the first estimates.",
    "context_encoder": "What surrounds the hole is squeezed into one small code, and the centre is unfolded "
    "from it; the bundled network also hands on what lies at the hole's edge. Layout and colour survive the "
    "squeeze, fine texture does not: the fill is soft.",
    "deep_image_prior": "An untrained network learns this one picture's known pixels. Shapes come before "
    "grain, so for a while the hole holds structure and no noise: that is the moment to stop.",
}
"""What one sees, and why it matters, in two sentences."""
CURVES = {
    "mask": "Share of positions that are valid",
    "gate": "Mean gate: the share that is let through",
    "noisy": "Schedule: how much noise is left",
    "iteration": "Decibels on known pixels that it is not shown",
}
"""Kind of frame -> what the value of its frames is."""


class Inside(Widget):
    """Chooser, frames with a scrubber, their curve, and where attention copied from.

    Value: `{rev, methods, method, lesson, sources, source, presets, preset, note, error, query, picture, run,
    ready, state, err, progress, eta, place, frames, hole, original, curves, schedule, heat}`.

    * methods: `[{id, title, family, why?}]`; sources: `[{id, title, src, why?}]`; `why` disables with that
      sentence.
    * presets: `[{id, title, costs}]`, costs in words, empty where the method has none.
    * picture: `{src, w, h}`, the picture with its hole before a run; `run`: the button's text; `ready`:
      whether it can be pressed.
    * state: ready, queued, running, done, stopped or error, as the panes have it.
    * frames: `[{name, title, src, w, h, value, origin}]`, `origin` true where a point can be asked; `curves`:
      `{kind: label}`.
      Frames that share what stands after the slash are shown together: `gate/coarse-1`, `channels/coarse-1`.
      After `noisy/` stands the number of the step, and beside it comes its estimate, `clean/`, and that of
      another method.
    * schedule: `{top, steps, lines: [{title, calls, points: [[step, timestep], ...]}]}`, the method's own
      line first; null where it has none.
    * hole: `[row, column]` in 0 .. 1, a point inside the hole; original: `{src, w, h}`, what was there.
    * heat: `{frame, src, w, h, at, from, share, note}`; `at` and `from` are `[row, column]` in 0 .. 1.

    Events: `open{mask}` when it comes into view, `pick{method, source, preset, mask}`, `run{mask}`, `stop{}`,
    `point{frame, row, column}`; `mask` is the Compare tab's hole as a data URL, or ''.
    """

    ASSET = "inside"
    SENDS = ("open", "pick", "run", "stop", "point")
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        (", .", "Frame before, after"),
        ("P", "Play, pause"),
        ("Hold F", "Flip the two pictures"),
        ("Arrows, Enter", "Ask a point where it was copied from"),
    )


# ---- one visitor ---------------------------------------------------------------------------------


def methods() -> list[MethodSpec]:
    """The methods that can show their inside."""
    return [spec for spec in registry.METHODS.values() if spec.explains]


def first_method() -> str:
    """The most telling one that is ready, else the first; empty where there is none."""
    names = [spec.name for spec in methods()]
    known = [name for name in LESSONS if name in names]
    ready = [name for name in dict.fromkeys([*known, *names]) if registry.unavailable(name) is None]
    return next(iter([*ready, *names]), "")


@dataclass
class Visit:
    """What one visitor has chosen and run here."""

    store: Store
    method: str = field(default_factory=first_method)
    preset: str = ""
    """Of the method, where it has presets; empty: its first, which is quick."""
    offered: list[dict[str, Any]] = field(default_factory=list)
    """The presets with what they cost, as last worked out."""
    source: str = next(iter(samples.SAMPLES))
    picked: bool = False
    """True once the visitor has chosen a picture or run a method: then Compare's hole no longer comes by
    itself.
    """
    image: str = ""
    """Token of Compare's picture."""
    mask: str = ""
    """Token of the mask."""
    sketch: str = ""
    """Token of the sketch that came with Compare's hole."""
    shown: str = ""
    """Token of the picture with its hole."""
    size: tuple[int, int] = (0, 0)
    digest: str = ""
    batch: Batch | None = None

    def __deepcopy__(self, memo: object) -> "Visit":
        return self  # Gradio copies the values of its State; a visit is one object

    @property
    def job(self) -> Explanation | None:
        return self.batch.jobs[0] if self.batch else None  # type: ignore[return-value]

    @property
    def options(self) -> dict[str, object]:
        """Those of the run."""
        return {"preset": self.preset} if self.preset else {}

    def open_sample(self, name: str) -> None:
        """Take a bundled photograph and a hole drawn in it; InputError for an unknown name."""
        image = load_image(samples.path(name)).image
        self._take(
            name,
            image,
            generate("brush", image.shape[:2], seed=SEEDS.get(name, 0), image_id=name, ratio=HOLE),
            "",
        )

    def open_compare(self, session: Session | None, url: str) -> None:
        """Take the picture and the hole of the Compare tab; InputError where there is none."""
        if session is None or session.index < 0:
            raise InputError("There is no picture in Compare yet: open one there and paint a hole.")
        mask = decode_canvas(session, url)
        self.image = session.round.picture.token
        self._take(COMPARE, self.store.image(self.image), mask, _digest(session, url))
        if (sketch := decode_sketch(url, mask)) is not None:
            self.sketch = self.store.put(encode_png(sketch))

    def _take(self, source: str, image: Image, mask: Mask, digest: str) -> None:
        self.drop()
        self.source, self.digest, self.size = source, digest, mask.shape
        self.mask, self.shown = self.store.put(encode_png(mask)), keep(self.store, view.masked(image, mask))

    def pixels(self) -> tuple[Image, Mask]:
        """The picture and its hole."""
        image = (
            self.store.image(self.image)
            if self.source == COMPARE
            else load_image(samples.path(self.source)).image
        )
        return image, self.store.mask(self.mask)

    def clear(self) -> None:
        """Forget what was run."""
        if self.job:
            self.job.close()
        self.batch = None

    def drop(self) -> None:
        """Forget what was run, and the hole."""
        self.clear()
        self.store.drop([token for token in (self.mask, self.sketch, self.shown) if token])
        self.mask, self.sketch, self.shown = "", "", ""

    def close(self) -> None:
        """Called when the visit has ended."""
        self.drop()


def _digest(session: Session, url: str) -> str:
    """Of Compare's picture and its hole: the same hole may lie in another picture."""
    return hashlib.sha256(f"{session.round.picture.token} {url}".encode()).hexdigest()[:16]


def come(visit: Visit, session: Session | None, url: str) -> None:
    """The tab came into view: Compare's hole is taken where nothing else was chosen, or where it has changed."""
    wanted = visit.source == COMPARE or not visit.picked
    if (
        wanted
        and url
        and session is not None
        and session.index >= 0
        and (visit.source, visit.digest) != (COMPARE, _digest(session, url))
    ):
        visit.open_compare(session, url)
    elif not visit.mask:
        visit.open_sample(visit.source if visit.source != COMPARE else next(iter(samples.SAMPLES)))


def choose(visit: Visit, session: Session | None, data: Mapping[str, Any]) -> None:
    """Another method, its preset, or another picture; what was run before is forgotten."""
    if "method" in data:
        spec = registry.get(str(data["method"])[:80])
        if not spec.explains:
            raise InputError(f"{spec.title} has nothing inside to show; choose another method.")
        visit.method, visit.preset = spec.name, ""
        visit.clear()
    if "preset" in data:
        preset = str(data["preset"])[:80]
        registry.get(visit.method).resolve({"preset": preset})
        visit.preset = "" if preset == _first(visit.method) else preset
        visit.clear()
    if "source" in data:
        source = str(data["source"])[:80]
        visit.open_compare(session, str(data.get("mask") or "")) if source == COMPARE else visit.open_sample(
            source
        )
        visit.picked = True


def start(app: App, visit: Visit, recent: deque["Explanation"]) -> Batch:
    """Queue the explanation of the chosen method on the chosen hole."""
    spec = registry.get(visit.method)
    if why := registry.unavailable(spec.name):
        raise InputError(why)
    image, mask = visit.pixels()
    if visit.job:
        visit.job.close()
    sketch = app.store.mask(visit.sketch) if visit.sketch else None
    seconds = price(spec, mask, visit.options)[1]
    job = Explanation(spec.name, options=visit.options, seconds=seconds, guide=sketch, store=app.store)
    visit.batch, visit.picked = Batch([job]), True
    if len(recent) == recent.maxlen:
        recent[0].forget()
    recent.append(job)
    app.runner.start(image, mask, [job])
    return visit.batch


def value(
    app: App, visit: Visit, session: Session | None = None, note: str = "", error: bool = False, **more: Any
) -> dict[str, Any]:
    """The component's value."""
    job = visit.job
    shown = {
        "methods": [_method(spec) for spec in methods()],
        "method": visit.method,
        "lesson": lesson(visit.method),
        "curves": CURVES,
    }
    shown |= {
        "sources": sources(app, session),
        "source": visit.source,
        "note": note,
        "error": error,
        "query": query(visit),
    }
    if not job or job.final:  # prices read the mask: not for each tick of a run
        visit.offered = presets(visit)
    shown |= {
        "presets": visit.offered,
        "preset": visit.preset or _first(visit.method),
        "schedule": schedule(visit),
    }
    height, width = visit.size
    shown |= {
        "picture": {"src": view.url(visit.shown), "w": width, "h": height} if visit.shown else None,
        **_run(visit),
    }
    return {
        "rev": next_rev(),
        **shown,
        **(_progress(app, job) if job else {"state": "ready", "frames": []}),
        **more,
    }


def _method(spec: MethodSpec) -> dict[str, Any]:
    why = registry.unavailable(spec.name)
    return {"id": spec.name, "title": spec.title, "family": spec.family, "why": why}


def lesson(method: str) -> str:
    """What one sees, and why it matters."""
    spec = registry.METHODS.get(method)
    return LESSONS.get(method) or (
        spec.summary.split(". ")[0].rstrip(".") + "." if spec and spec.summary else ""
    )


def sources(app: App, session: Session | None) -> list[dict[str, Any]]:
    """Compare's picture first, then the bundled ones."""
    found: list[dict[str, Any]] = []
    if session is not None and session.index >= 0:
        picture = session.round.picture
        why = None if session.hole.get("count") else "Paint a hole in Compare first."
        found.append(
            {
                "id": COMPARE,
                "title": f"Hole from Compare: {picture.title}",
                "src": view.url(picture.preview),
                "why": why,
            }
        )
    return [*found, *samples.thumbnails(app.store)]


def _run(visit: Visit) -> dict[str, Any]:
    """The Run button's text, and whether it can be pressed."""
    if not visit.method:
        return {"run": "Run", "ready": False, "why": "No method here can show its inside."}
    if why := registry.unavailable(visit.method):
        return {"run": "Run", "ready": False, "why": why}
    if not visit.mask:
        return {"run": "Run", "ready": False, "why": "Choose a picture first."}
    if visit.job and not visit.job.final:  # an estimate reads the mask: not for each tick of a run
        return {"run": "Run", "ready": True}
    return {
        "run": f"Run · {spoken(price(registry.get(visit.method), visit.store.mask(visit.mask), visit.options)[1])}",
        "ready": True,
    }


def _presets(method: str) -> tuple[str, ...]:
    """Those of a method, none where it has none."""
    found = registry.METHODS.get(method)
    return next((option.choices for option in found.options if option.name == "preset"), ()) if found else ()


def _first(method: str) -> str:
    return next(iter(_presets(method)), "")


def presets(visit: Visit) -> list[dict[str, Any]]:
    """What the method can be set to, each with what its explanation costs in the hole that is in view."""
    mask = visit.store.mask(visit.mask) if visit.mask else None
    return [
        {"id": name, "title": name.capitalize(), "costs": _costs(visit.method, mask, name)}
        for name in _presets(visit.method)
    ]


def _costs(method: str, mask: Mask | None, preset: str) -> list[str]:
    if mask is None:
        return []
    calls, seconds = price(registry.get(method), mask, {"preset": preset})
    return [f"{calls:,} calls", spoken(seconds)]


def schedule(visit: Visit) -> dict[str, Any] | None:
    """The course of the run and of the one beside it, all steps, before anything runs; None where the method
    has none.
    """
    if visit.method not in schedules.PRESETS:
        return None
    spec = registry.get(visit.method)
    runs = [(spec, spec.resolve(visit.options))]
    if spec.beside:
        other = registry.get(spec.beside)
        runs.append((other, other.resolve(schedules.alongside(spec.name, runs[0][1]))))
    lines = [_line(one, options) for one, options in runs]
    return {"top": schedules.TRAINING, "steps": lines[0]["points"][-1][0], "lines": lines}


def _line(spec: MethodSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    points = [list(corner) for corner in schedules.corners(schedules.course(spec.name, options))]
    return {"title": spec.title, "calls": spec.network_calls(options), "points": points}


def _progress(app: App, job: Explanation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "state": {"waiting": "queued"}.get(job.state, job.state),
        "err": job.message,
        "frames": [_frame(s) for s in job.shots],
    }
    if job.state == "waiting":
        shown |= {"place": app.runner.ahead(job), "eta": round(job.seconds, 1)}
    if job.state == "running":
        shown |= {"progress": round(job.progress, 2), "eta": round(job.remaining) or None}
    if job.state == "done" and job.result is not None:
        shown["seconds"] = round(job.result.seconds, 2)
    if job.original and job.seen is not None and job.hole is not None:
        height, width = job.seen.shape[:2]
        shown |= {
            "original": {"src": view.url(job.original), "w": width, "h": height},
            "hole": _inside(job.hole),
        }
    return shown


def _frame(shot: Shot) -> dict[str, Any]:
    height, width = shot.size
    number = None if shot.value is None or not np.isfinite(shot.value) else round(float(shot.value), 4)
    shown = {
        "name": shot.name,
        "title": shot.title,
        "src": view.url(shot.token),
        "w": width,
        "h": height,
        "value": number,
    }
    return shown | {"origin": shot.origin is not None}


def _inside(hole: Mask) -> list[float]:
    """The missing position nearest to the middle of all of them, as fractions."""
    rows, columns = np.nonzero(hole)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return fractions((rows[nearest], columns[nearest]), hole.shape)


def query(visit: Visit) -> str:
    """The page's query string; Compare's picture stays out of it."""
    parts = (
        ["t=inside"]
        + ([f"img={visit.source}"] if visit.source != COMPARE else [])
        + ([f"m={visit.method}"] if visit.method else [])
    )
    parts += [f"o={visit.method}.preset:{visit.preset}"] if visit.preset else []
    return "?" + "&".join(parts)


def restore(visit: Visit, asked: Mapping[str, str]) -> None:
    """What a link to this tab asks for: method, its preset, and example."""
    if asked.get("t") != "inside":
        return
    if asked.get("img"):
        choose(visit, None, {"source": asked["img"][:80]})
    if asked.get("m"):
        choose(visit, None, {"method": asked["m"][:80].split(",")[0]})
    if asked.get("o", "").startswith(f"{visit.method}.preset:"):
        choose(visit, None, {"preset": asked["o"].partition(":")[2]})


async def watch(
    app: App, visit: Visit, session: Session | None, batch: Batch
) -> AsyncIterator[dict[str, Any]]:
    """The value, each time something has changed, until nothing will change any more."""
    last = None
    while True:
        finished = batch.finished
        shown = value(app, visit, session)
        if (now := {**shown, "rev": 0}) != last:
            last = now
            yield shown
        if finished or visit.batch is not batch:
            return
        await asyncio.sleep(TICK)


# ---- the tab: adapters ---------------------------------------------------------------------------


def build(app: App, blocks: gr.Blocks, compare: gr.State) -> None:
    """Lay out the tab inside `blocks` and wire it; `compare` holds the Compare tab's session."""
    state = gr.State(None, time_to_live=3600, delete_callback=lambda visit: visit and visit.close())
    inside = Inside(elem_id="inside")
    recent: deque[Explanation] = deque(maxlen=KEPT_ORIGINS)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

    def act(visit: Visit | None, session: Session | None, action: Callable[[Visit], Any]) -> list[Any]:
        visit = visit or Visit(app.store)
        try:
            note = action(visit)
        except InputError as error:
            return [visit, value(app, visit, session, str(error), True)]
        return [visit, value(app, visit, session, note or "")]

    def on_open(visit: Visit | None, session: Session | None, event: gr.EventData) -> list[Any]:
        return act(
            visit, session, lambda visit: come(visit, session, str((event._data or {}).get("mask") or ""))
        )

    def on_pick(visit: Visit | None, session: Session | None, event: gr.EventData) -> list[Any]:
        return act(visit, session, lambda visit: choose(visit, session, event._data or {}))

    def on_point(visit: Visit | None, session: Session | None, event: gr.EventData) -> list[Any]:
        if visit is None or visit.job is None:
            return [visit, gr.skip()]
        data = event._data or {}
        try:
            heat = ask(visit.job, str(data["frame"])[:80], int(data["row"]), int(data["column"]))
        except InputError as error:
            return [visit, value(app, visit, session, str(error), True)]
        except (KeyError, TypeError, ValueError, OverflowError):
            return [visit, gr.skip()]
        return [visit, value(app, visit, session, heat=heat)]

    async def on_run(
        visit: Visit | None, session: Session | None, event: gr.EventData
    ) -> AsyncIterator[list[Any]]:
        visit, url = visit or Visit(app.store), str((event._data or {}).get("mask") or "")
        try:
            await asyncio.to_thread(come, visit, session, url)
            batch = await asyncio.to_thread(start, app, visit, recent)
        except InputError as error:
            yield [visit, value(app, visit, session, str(error), True)]
            return
        try:
            async for shown in watch(app, visit, session, batch):
                yield [visit, shown]
        finally:
            batch.stop()  # the page was closed, or all is done and this does nothing

    def on_stop(visit: Visit | None) -> None:
        if visit is not None and visit.batch is not None:
            visit.batch.stop()

    def on_load(visit: Visit | None, session: Session | None, request: gr.Request) -> list[Any]:
        def action(visit: Visit) -> None:
            try:
                restore(visit, dict(request.query_params) if request else {})
            finally:
                come(visit, None, "")

        return act(visit, session, action)

    inside.open(on_open, [state, compare], [state, inside], trigger_mode="always_last", **quiet)
    inside.pick(on_pick, [state, compare], [state, inside], trigger_mode="always_last", **quiet)
    inside.point(on_point, [state, compare], [state, inside], trigger_mode="always_last", **quiet)
    inside.run(on_run, [state, compare], [state, inside], concurrency_limit=32, **quiet)
    inside.stop(on_stop, [state], None, queue=False, **quiet)
    blocks.load(on_load, [state, compare], [state, inside], **quiet)

"""The Compare tab: open a picture, paint a hole, fill it with several methods, look closely."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from demo.server import samples
from demo.server.jobs import Answer, Batch, Job
from demo.server.session import (
    App,
    Round,
    Session,
    Value,
    canvas_mask,
    canvas_sketch,
    open_mask,
    open_picture,
)
from demo.views import compare as view
from demo.views.compare import Square
from demo.widgets.mask_editor import EditorData, MaskEditor
from demo.widgets.panes import Panes
from demo.widgets.picker import Choice, Picker
from demo.widgets.widget import next_rev
from inpainters import costs, registry
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask, encode_png
from inpainters.masks import GENERATORS, generate

_BY_USE = sorted(
    GENERATORS.values(), key=lambda one: (one.name != "brush", one.name != "box")
)  # what people try first comes first
TICK = 0.25
"""Seconds between two looks at what is running: at most four updates a second."""
MOST_ANSWERS = 8
"""Of one method to one hole, on the page."""
LATEST = 8
"""So many pictures that were shown on the way stay when an answer is there: the page may be loading one."""
FIRST_CHOICE = ("telea", "navier_stokes", "shift_map", "patchmatch")
RUN_JS = """async (_, ...rest) => {
  if (window.innerWidth <= 900) document.getElementById('compare-panes').scrollIntoView({behavior: 'smooth',
  block: 'start'}); return [await window.inpainting.mask(), ...rest];
}"""
"""Where the results are below the fold, Run goes there."""
LINK_JS = """async () => {
  const own = !new URLSearchParams(location.search).has('img');
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    return window.inpainting.note('The browser did not allow it: copy the address bar instead.', true);
  }
  const sketch = window.inpainting.sketched() ? 'sketch' : '';
  const out = [own ? 'own picture' : '', sketch].filter(Boolean).join(' and your ');
  window.inpainting.note(out ? `Link copied. The link leaves out your ${out}.` : 'Link copied.');
}"""
FOLD_JS = """() => {
  const fold = document.querySelector('#compare-methods button');
  if (window.innerWidth < 700 && fold && fold.classList.contains('open')) fold.click();
}"""
"""On a phone the list of methods starts folded."""
ZIP_JS = """(token) => {
  if (!token) return;
  const link = document.createElement('a');
  link.href = 'pic/' + token + '?name=inpainting.zip';
  link.download = 'inpainting.zip';
  link.click();
}"""


# ---- actions: what a visitor can do, without Gradio's types --------------------------------------


def editor(session: Session, note: str = "", *, error: bool = False, mask: str | None = None) -> EditorData:
    """The editor's next value; the painted mask stays unless `mask` is given. With nothing else to say: how
    the file was converted.
    """
    if session.index < 0:
        return EditorData(rev=next_rev(), note=note, error=error, query=view.query(session))
    picture = session.round.picture
    return EditorData(
        rev=next_rev(),
        preview=view.url(picture.preview),
        w=picture.size[1],
        h=picture.size[0],
        mask=view.url(mask),
        note=note or " ".join(picture.notes),
        error=error,
        transparent=picture.transparent is not None,
        sample=picture.sample,
        query=view.query(session),
    )


def use_tool(app: App, session: Session, data: Mapping[str, Any]) -> EditorData:
    """A tool of the editor that needs the server: an example, a drawn mask, the file's transparent pixels."""
    kind = data.get("kind")
    if kind == "sample":
        name = str(data.get("id"))
        session.begin(open_picture(app.store, samples.path(name), samples.SAMPLES[name][0], name))
        return editor(session)
    picture = session.round.picture
    if kind == "transparent":
        session.drawn = ""
        return editor(session, "The file's transparent pixels are the mask now.", mask=picture.transparent)
    if kind != "generate":
        raise InputError("That tool is unknown; reload the page.")
    name, seed = str(data.get("name")), int(data.get("seed") or 0)
    fixed = name in GENERATORS and GENERATORS[name].fixed
    ratio = None if fixed else min(0.6, max(0.01, float(data.get("ratio") or 0.2)))
    mask = generate(name, picture.size, seed=max(0, seed), ratio=ratio)
    session.drawn = f"{name}:{round(100 * (ratio or 0))}:{max(0, seed)}"
    return editor(session, mask=app.store.put(encode_png(mask)))


def painted(session: Session, data: Mapping[str, Any]) -> bool:
    """Note what the editor says of its mask; True where results become stale by it, or cease to be."""
    one, before = session.round, session.round.stale
    size = one.picture.size
    session.hole, session.holes, session.digest = (
        view.hole(data, size),
        view.holes(data, size),
        str(data.get("digest", ""))[:20],
    )
    if data.get("by") != "server":
        session.drawn = ""
    one.stale = one.batch is not None and session.digest != one.digest
    return one.stale != before


def restore(app: App, session: Session, asked: Mapping[str, str]) -> EditorData:
    """What a link asks for: example, drawn mask, methods, their settings, seed and answers. What it cannot
    have is said and left out.
    """
    wrong: list[str] = []

    def attempt(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except InputError as error:
            wrong.append(str(error))
            return None

    if asked.get("m"):
        session.chosen = view.chosen_methods(asked["m"][:2000].split(","))
    for name, given in _linked_options(asked.get("o", "")[:4000]).items():
        if found := attempt(partial(_settle, name, given)):
            session.options[name] = found
    drawn = attempt(lambda: numbers(asked.get("seed") or 0, asked.get("n") or 1))
    session.seed, session.n = drawn or (0, 1)
    value = attempt(lambda: _linked_picture(app, session, asked)) or editor(session)
    return value.model_copy(update={"note": " ".join(wrong), "error": True}) if wrong else value


def _linked_picture(app: App, session: Session, asked: Mapping[str, str]) -> EditorData:
    if not asked.get("img"):
        return editor(session)
    value = use_tool(app, session, {"kind": "sample", "id": asked["img"][:80]})
    if asked.get("mask"):
        name, ratio, seed = (asked["mask"][:80] + "::").split(":")[:3]
        if not (ratio.isdecimal() and seed.isdecimal()):
            raise InputError("The link's mask is not of the form brush:20:7, so none was drawn.")
        value = use_tool(
            app, session, {"kind": "generate", "name": name, "ratio": int(ratio) / 100, "seed": int(seed[:9])}
        )
    return value


def _linked_options(text: str) -> dict[str, dict[str, object]]:
    """Method -> settings, from `repaint.preset:balanced,telea.radius:5`."""
    found: dict[str, dict[str, object]] = {}
    for part in filter(None, text.split(",")):
        key, _, given = part.partition(":")
        method, _, option = key.partition(".")
        found.setdefault(method, {})[option] = given
    return found


def _settle(method: str, given: Mapping[str, object]) -> dict[str, Value]:
    return view.checked(registry.get(method), given)


def numbers(seed: object, n: object) -> tuple[int, int]:
    """The seed and the number of answers, checked; they come from a page or a link."""
    found = [
        int(str(number)) if str(number).isdecimal() and len(str(number)) < 10 else -1 for number in (seed, n)
    ]
    if found[0] < 0:
        raise InputError("The seed is a whole number from 0 to 999,999,999.")
    if not 1 <= found[1] <= MOST_ANSWERS:
        raise InputError(f"Answers: a whole number from 1 to {MOST_ANSWERS}.")
    return found[0], found[1]


def set_options(session: Session, asked: Mapping[str, Mapping[str, object]]) -> None:
    """Take the settings that stand on the page; those that cannot be used are said in `session.wrong`, and
    what was there before stays.
    """
    session.wrong = {}
    for name in registry.METHODS:
        try:
            found = _settle(name, asked.get(name, {}))
        except InputError as error:
            session.wrong[name] = str(error)
            continue
        session.options.pop(name, None)
        if found:
            session.options[name] = found


def decode_canvas(session: Session, url: str) -> Mask:
    """The mask behind the editor's data URL."""
    return canvas_mask(_bytes(url), session.round.picture.size)


def decode_sketch(url: str, mask: Mask) -> Mask | None:
    """The sketch in the same data URL, inside the hole; None where nothing is drawn."""
    return canvas_sketch(_bytes(url), mask)


def _bytes(url: str) -> bytes:
    if not url:
        raise InputError("Nothing is masked yet: paint over what should disappear.")
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise InputError("The painted mask did not arrive whole; paint again.") from None


def start(app: App, session: Session, url: str, ids: Sequence[str], seed: object = 0, n: object = 1) -> Batch:
    """Queue the chosen methods under the session's settings on its picture; answers arrive in
    `session.round.answers`.
    """
    one, methods = session.round, view.chosen_methods(ids)
    mask = decode_canvas(session, url)
    sketch = decode_sketch(url, mask)
    if not methods:
        raise InputError("Choose at least one method.")
    if wrong := [session.wrong[name] for name in methods if name in session.wrong]:
        raise InputError(wrong[0])
    drawn = numbers(seed, n)
    session.stop()
    session.chosen, (session.seed, session.n) = methods, drawn
    image = app.store.image(one.picture.token)
    session.forget_answers()
    one.mask, one.masked = (
        app.store.put(encode_png(mask)),
        app.store.put(encode_png(view.masked(image, mask))),
    )
    one.sketch = None if sketch is None else app.store.put(encode_png(sketch))
    one.reference = (
        one.picture.transparent is None or not (app.store.mask(one.picture.transparent) & mask).any()
    )
    one.batch = Batch([_job(session, name, mask) for name in methods])
    _submit(app, one, image, mask, one.batch.jobs)
    return one.batch


def _job(session: Session, method: str, mask: Mask) -> Job:
    spec, own = registry.get(method), dict(session.options.get(method, {}))
    n = view.answers_of(spec, session.n)
    return Job(method, session.seed, own, n * costs.estimate(spec, mask, own), n=n)


def again(app: App, session: Session, method: str) -> Batch:
    """Run one method of the last run once more, or go on where it was stopped; the others keep what they
    have.
    """
    one = session.round
    if one.batch is None or one.mask is None:
        raise InputError("There is nothing to run again yet.")
    for place, job in enumerate(one.batch.jobs):
        if job.method == method and job.final:
            kept = [] if job.state == "done" else list(job.answers)
            one.batch.jobs[place] = replace(
                job,
                state="waiting",
                message="",
                result=None,
                halted=False,
                answers=kept,
                done=0,
                total=0,
                showing=("", ""),
            )
            _submit(
                app,
                one,
                app.store.image(one.picture.token),
                app.store.mask(one.mask),
                [one.batch.jobs[place]],
            )
    return one.batch


def _submit(app: App, one: Round, image: Image, mask: Mask, jobs: list[Job]) -> None:
    square = view.around(mask)

    def keep(job: Job, answer: Answer) -> None:
        filled = answer.result.image
        answer.thumb = app.store.put(encode_png(view.thumbnail(filled, square))) if job.n > 1 else ""
        answer.token = one.answers[job.name(answer.result.seed)] = app.store.put(encode_png(filled))
        app.store.drop(job.previews[:-LATEST])
        job.previews, job.showing = job.previews[-LATEST:], ("", "")
        if one.reference:
            app.runner.later(answer, partial(rate, answer))

    def rate(answer: Answer) -> None:
        for known in view.scores(image, answer.result.image, mask):
            answer.scores = known

    sketch = app.store.mask(one.sketch) if one.sketch else None
    for job in jobs:
        job.guide, job.preview, job.on_answer = sketch, partial(_show, app, job, square), partial(keep, job)
    app.runner.start(image, mask, jobs)


def _show(app: App, job: Job, square: Square, image: Image) -> None:
    """Keep a preview; those before it stay until its answer is there, as the page may be loading one."""
    thumb = app.store.put(encode_png(view.thumbnail(image, square))) if job.n > 1 else ""
    job.showing = app.store.put(encode_png(image)), thumb
    job.previews += filter(None, job.showing)


async def watch(app: App, session: Session, batch: Batch) -> AsyncIterator[dict[str, Any]]:
    """The panes, each time something has changed, until nothing will change any more."""
    last = None
    while True:
        settled = batch.settled
        value = view.panes(session, app.runner)
        if (now := {**value, "rev": 0}) != last:
            last = now
            yield value
        if settled or session.index < 0 or session.round.batch is not batch:
            return
        await asyncio.sleep(TICK)


# ---- the tab: adapters ---------------------------------------------------------------------------


def build(app: App, blocks: gr.Blocks) -> gr.State:
    """Lay out the tab inside `blocks` and wire it; return the state that holds the visitor's Session."""
    state = gr.State(None, time_to_live=3600, delete_callback=lambda session: session and session.close())
    mask_url, token = gr.Textbox(visible=False), gr.Textbox(visible=False)
    generators = [
        {
            "id": one.name,
            "title": one.title,
            "fixed": f"{100 * (one.ratio or 0):.0f} %" if one.fixed else None,
        }
        for one in _BY_USE
    ]
    with gr.Row(elem_id="compare"):
        with gr.Column(elem_id="compare-side", scale=0, min_width=320):
            follows = [spec.title for spec in registry.METHODS.values() if spec.takes_guide]
            canvas = MaskEditor(samples.thumbnails(app.store), generators, follows, elem_id="compare-editor")
            with gr.Accordion("Methods", open=True, elem_id="compare-methods") as methods:
                picker = Picker(
                    view.picker(view.chosen_methods(FIRST_CHOICE), next_rev()), elem_id="compare-picker"
                )
                with gr.Row(elem_id="compare-numbers"):
                    several = gr.Number(
                        1,
                        label=f"Answers (1–{MOST_ANSWERS})",
                        precision=0,
                        elem_id="compare-answers",
                        min_width=0,
                    )
                    seed = gr.Number(0, label="First seed", precision=0, elem_id="compare-seed", min_width=0)
            with gr.Row(elem_id="compare-bar"):
                run = gr.Button("Run", variant="primary", elem_id="compare-run", interactive=False)
                stop = gr.Button("Stop", elem_id="compare-stop", interactive=False)
        with gr.Column(elem_id="compare-main", min_width=320):
            panes = Panes(elem_id="compare-panes")
            with gr.Row(elem_id="compare-after"):
                scored = gr.HTML("", elem_id="compare-scored", padding=False)
                back = gr.Button("Back to the picture before", elem_id="compare-back", visible=False)
                forth = gr.Button("Forward again", elem_id="compare-forth", visible=False)
                packed = gr.Button("Download all (zip)", elem_id="compare-zip", interactive=False)
                link = gr.Button("Copy link", elem_id="compare-link")

    bar = [run, stop, packed, back, forth, methods, scored]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    light: dict[str, Any] = {**quiet, "queue": False}
    last: dict[str, Any] = {
        "trigger_mode": "always_last"
    }  # the default drops what happens while an earlier event is under way

    def visit(session: Session | None) -> Session:
        return session or Session(app.store, chosen=view.chosen_methods(FIRST_CHOICE))

    def controls(session: Session, running: bool = False) -> list[Any]:
        label, ready = view.run_label(session)
        done = session.index >= 0 and bool(session.round.answers)
        return [
            gr.update(value="Running …" if running else label, interactive=ready and not running),
            gr.update(interactive=running),
            gr.update(interactive=done and not running),
            gr.update(visible=session.index > 0, interactive=not running),
            gr.update(visible=0 <= session.index < len(session.rounds) - 1, interactive=not running),
            gr.update(label=f"Methods · {len(session.chosen)} chosen"),
            view.scored(session),
        ]

    def priced(session: Session) -> dict[str, Any]:
        return view.picker(None, next_rev(), view.prices(session), session)

    def failed(session: Session, error: InputError) -> EditorData:
        return editor(session, str(error), error=True)

    def page(session: Session, value: EditorData) -> list[Any]:
        return [session, value, priced(session), view.panes(session, app.runner), *controls(session)]

    def act(session: Session | None, action: Any) -> list[Any]:
        session = visit(session)
        try:
            return page(session, action(session))
        except InputError as error:
            return page(session, failed(session, error))

    everything = [state, canvas, picker, panes, *bar]

    def on_picture(value: EditorData, session: Session | None) -> list[Any]:
        def action(session: Session) -> EditorData:
            session.begin(
                open_picture(
                    app.store, value.picture.path if value.picture else "", value.name or "The picture"
                )
            )
            return editor(session)

        return act(session, action)

    def on_maskfile(value: EditorData, session: Session | None) -> list[Any]:
        def action(session: Session) -> EditorData:
            mask, notes = open_mask(
                value.picture.path if value.picture else "",
                session.round.picture.size,
                value.name or "The mask",
            )
            return editor(session, " ".join(notes), mask=app.store.put(encode_png(mask)))

        return act(session, action)

    def on_tool(session: Session | None, event: gr.EventData) -> list[Any]:
        return act(session, lambda session: use_tool(app, session, event._data or {}))

    def on_mask(session: Session | None, event: gr.EventData) -> list[Any]:
        session = visit(session)
        flipped = session.index >= 0 and painted(session, event._data or {})
        shown = view.panes(session, app.runner) if flipped else gr.skip()
        return [session, priced(session), shown, *controls(session, session.running)]

    def changed(session: Session, value: EditorData | None = None) -> list[Any]:
        """After another choice or setting: link, prices, and what is stale by it."""
        return [
            session,
            value or editor(session),
            priced(session),
            view.panes(session, app.runner),
            *controls(session, session.running),
        ]

    def on_choose(choice: Choice, session: Session | None) -> list[Any]:
        session = visit(session)
        session.chosen = view.chosen_methods(choice.ids)
        set_options(session, choice.options)
        return changed(session)

    def on_numbers(number: float | None, n: float | None, session: Session | None) -> list[Any]:
        session = visit(session)
        try:
            session.seed, session.n = numbers(number or 0, n or 0)
        except InputError as error:
            return changed(session, failed(session, error))
        return changed(session)

    async def on_run(
        url: str, choice: Choice, number: float | None, n: float | None, session: Session | None
    ) -> AsyncIterator[list[Any]]:
        session = visit(session)
        set_options(session, choice.options)
        async for value in follow(
            session, partial(start, app, session, url or "", choice.ids, number or 0, n or 0)
        ):
            yield value

    async def on_retry(session: Session | None, event: gr.EventData) -> AsyncIterator[list[Any]]:
        session = visit(session)
        async for value in follow(session, partial(again, app, session, str((event._data or {}).get("id")))):
            yield value

    async def follow(session: Session, begin: Any) -> AsyncIterator[list[Any]]:
        try:
            batch = await asyncio.to_thread(begin)
        except InputError as error:
            yield [session, failed(session, error), gr.skip(), gr.skip(), *controls(session)]
            return
        try:
            value = editor(session)
            async for shown in watch(app, session, batch):
                learned = priced(session) if batch.finished else gr.skip()
                yield [session, value, learned, shown, *controls(session, not batch.finished)]
                value = gr.skip()
        finally:
            batch.stop()  # the page was closed, or all is done and this does nothing

    def on_use(session: Session | None, event: gr.EventData) -> list[Any]:
        def action(session: Session) -> EditorData:
            session.follow(str((event._data or {}).get("name")))
            return editor(session, "This result is the picture now: paint the next hole.")

        return act(session, action)

    def on_move(by: int, session: Session | None) -> list[Any]:
        def action(session: Session) -> EditorData:
            session.move(by)
            return editor(session, mask=session.round.mask)

        return act(session, action)

    def on_stop(session: Session | None, event: gr.EventData) -> None:
        if session is not None and session.index >= 0 and session.round.batch is not None:
            data = event._data if isinstance(event._data, dict) else {}
            session.round.batch.stop(str(data["id"]) if "id" in data else None)

    def on_load(session: Session | None, request: gr.Request) -> list[Any]:
        session = visit(session)
        asked = dict(request.query_params) if request else {}
        shown = act(session, lambda session: restore(app, session, asked))
        shown[everything.index(picker)] = view.picker(
            session.chosen, next_rev(), view.prices(session), session, settings=True
        )
        return [*shown, session.seed, session.n]

    def on_zip(session: Session | None) -> str:
        return app.store.put(view.archive(session), ".zip") if session else ""

    canvas.picture(on_picture, [canvas, state], everything, **quiet, **last)
    canvas.maskfile(on_maskfile, [canvas, state], everything, **quiet, **last)
    canvas.tool(on_tool, [state], everything, **quiet, **last)
    canvas.mask(on_mask, [state], [state, picker, panes, *bar], **light, **last)
    picker.choose(on_choose, [picker, state], everything, **light, **last)
    for number in (seed, several):
        number.input(on_numbers, [seed, several, state], everything, **light, **last)
    run.click(
        on_run, [mask_url, picker, seed, several, state], everything, js=RUN_JS, concurrency_limit=32, **quiet
    )
    stop.click(on_stop, [state], None, **light)
    panes.stop(on_stop, [state], None, **light)
    panes.retry(on_retry, [state], everything, concurrency_limit=32, **quiet)
    panes.use(on_use, [state], everything, **quiet)
    back.click(partial(on_move, -1), [state], everything, **quiet)
    forth.click(partial(on_move, 1), [state], everything, **quiet)
    blocks.load(on_load, [state], [*everything, seed, several], **quiet)
    blocks.load(None, None, None, js=FOLD_JS, api_visibility="private")
    packed.click(on_zip, [state], [token], **quiet).then(
        None, [token], None, js=ZIP_JS, api_visibility="private"
    )
    link.click(None, None, None, js=LINK_JS, api_visibility="private")
    return state

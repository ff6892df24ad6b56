"""The Compare tab: open a picture, paint a hole, fill it with several methods, look closely."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from demo.actions import compare as actions
from demo.actions import links, tools
from demo.server import samples
from demo.server.archive import archive
from demo.server.jobs import Batch
from demo.server.options import MOST_ANSWERS
from demo.server.showcase import showcase
from demo.server.tour import stop_of, with_stop
from demo.server.visit import HANDED, App, Reply, Session
from demo.tabs import Page
from demo.views import compare as view
from demo.views.about import about_all
from demo.views.picker import picker
from demo.widgets.events import EACH, QUIET, RUNS, download_js, sent, streaming
from demo.widgets.mask_editor import EditorData, MaskEditor
from demo.widgets.panes import Panes
from demo.widgets.picker import Choice, Picker
from demo.widgets.tour import Tour
from inpainters import registry
from inpainters.errors import InputError
from inpainters.uses.restoration import FINDERS

RUN_JS = """async (_, ...rest) => {
  const panes = document.getElementById('compare-panes');
  if (window.innerWidth <= 900) panes.scrollIntoView({behavior: 'smooth', block: 'start'});
  return [await window.inpainting.mask(), ...rest];
}"""
"""Where the results are below the fold, Run goes there."""
VISIT_JS = """(_, ...rest) => {
  const asked = new URLSearchParams(location.search);
  const linked = ['img', 'mask', 'm', 'o', 'seed', 'n', 'tour'].some((key) => asked.has(key));
  const came = performance.getEntriesByType('navigation')[0]?.type;
  if (linked && came === 'navigate') return ['', ...rest];
  try {
    return [sessionStorage.getItem('inpainting-visit') || '', ...rest];
  } catch {
    return ['', ...rest];
  }
}"""
"""A reload asks for the tab's visit; a link that was followed asks for what stands in it."""
MASK_JS = "async (_, ...rest) => [await window.inpainting.mask(), ...rest]"
EDITOR_JS = """() => {
  document.getElementById('compare-editor').scrollIntoView({behavior: 'smooth', block: 'nearest'});
  document.querySelector('#compare-editor .ed-stage').focus({preventScroll: true});
}"""
LINK_JS = """async () => {
  const left = await window.inpainting.link();
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    return window.inpainting.note('The browser did not allow it: copy the address bar instead.', true);
  }
  const sketch = window.inpainting.sketched() ? 'sketch' : '';
  const out = [sketch, left].filter(Boolean).join(' and your ');
  const zip = 'The zip has everything: drop it on this page to go on from there.';
  window.inpainting.note(out ? `Link copied. It leaves out your ${out}. ${zip}` : 'Link copied.');
}"""
OF_UPLOADS = (
    "Uploads stay on this server, seen by nobody else, and are deleted about two hours after you last looked "
    "at them."
)


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    tab = CompareTab(page.app, page.session)
    tab.wire_editor()
    tab.wire_runs()
    tab.wire_page(page.blocks, page.tour)


class CompareTab:
    """The tab's components, and an adapter for each of their events."""

    def __init__(self, app: App, state: gr.State) -> None:
        self.app, self.state = app, state
        showcase(app.store, app.results)  # read now, so that no visitor waits for it
        self.mask_url, self.token = gr.Textbox(visible=False), gr.Textbox(visible=False)
        self.visit = gr.Textbox(visible=False)
        with gr.Row(elem_id="compare"):
            with gr.Column(elem_id="compare-side", scale=0, min_width=320):
                self._lay_side()
            with gr.Column(elem_id="compare-main", min_width=320):
                self._lay_main()
        self.bar = [self.run, self.stop, self.packed, self.back, self.forth, self.scored, self.judge]
        self.all = [self.state, self.canvas, self.picker, self.panes, *self.bar]

    def _lay_side(self) -> None:
        follows = [spec.title for spec in registry.METHODS.values() if spec.takes_guide]
        thumbnails = samples.thumbnails(self.app.store)
        self.canvas = MaskEditor(
            thumbnails,
            view.generators(),
            follows,
            finds=list(FINDERS),
            feathers=True,
            elem_id="compare-editor",
        )
        with gr.Row(elem_id="compare-numbers"):
            self.several = _number(1, f"Answers (1–{MOST_ANSWERS})", "compare-answers")
            self.seed = _number(0, "First seed", "compare-seed")
        with gr.Column(elem_id="compare-bar"):
            session = actions.session_of(self.app, None)
            first = picker(session, session.prices(), opened=True)
            self.picker = Picker(first, about_all(), elem_id="compare-picker")
            with gr.Row(elem_id="compare-go"):
                self.run = gr.Button("Run", variant="primary", elem_id="compare-run", interactive=False)
                self.stop = gr.Button("Stop", elem_id="compare-stop", interactive=False)

    def _lay_main(self) -> None:
        self.panes = Panes(elem_id="compare-panes")
        with gr.Row(elem_id="compare-after"):
            self.scored = gr.HTML("", elem_id="compare-scored", padding=False)
            self.judge = gr.Button("Show scores", elem_id="compare-judge", visible=False)
            self.back = gr.Button("Back to the picture before", elem_id="compare-back", visible=False)
            self.forth = gr.Button("Forward again", elem_id="compare-forth", visible=False)
            self.packed = gr.Button("Download all (zip)", elem_id="compare-zip", interactive=False)
            self.link = gr.Button("Copy link", elem_id="compare-link")

        gr.HTML(OF_UPLOADS, elem_id="compare-kept", padding=False)

    def wire_editor(self) -> None:
        """What changes the picture, the hole or the settings."""
        self.canvas.picture(self.on_picture, [self.canvas, self.state], self.all, **QUIET, **EACH)
        self.canvas.maskfile(self.on_maskfile, [self.canvas, self.state], self.all, **QUIET, **EACH)
        everything = [*self.all, self.seed, self.several]
        self.canvas.archive(self.on_archive, [self.canvas, self.state], everything, **RUNS)
        self.canvas.tool(self.on_tool, [self.state], self.all, **QUIET, **EACH)
        told = [self.state, self.picker, self.panes, *self.bar]
        self.canvas.mask(self.on_mask, [self.state], told, **QUIET, **EACH)
        self.picker.choose(self.on_choose, [self.picker, self.state], self.all, **QUIET, **EACH)
        for number in (self.seed, self.several):
            number.input(self.on_numbers, [self.seed, self.several, self.state], self.all, **QUIET, **EACH)

    def wire_runs(self) -> None:
        """What starts and stops runs, and what follows from their answers."""
        asked = [self.mask_url, self.picker, self.seed, self.several, self.state]
        self.run.click(self.on_run, asked, self.all, js=RUN_JS, **RUNS)
        self.stop.click(self.on_stop, [self.state], None, **QUIET)
        self.panes.stop(self.on_stop, [self.state], None, **QUIET)
        self.panes.retry(self.on_retry, [self.state], self.all, **RUNS)
        used = self.panes.use(self.on_use, [self.state], self.all, **QUIET)
        used.then(None, None, None, js=EDITOR_JS, api_visibility="private")
        self.panes.past(self.on_past, [self.state], self.all, **QUIET)
        self.judge.click(self.on_judge, [self.state], self.all, **QUIET)
        self.back.click(partial(self.on_move, -1), [self.state], self.all, **QUIET)
        self.forth.click(partial(self.on_move, 1), [self.state], self.all, **QUIET)

    def wire_page(self, blocks: gr.Blocks, tour: Tour) -> None:
        """What happens when the page opens, and what leaves it."""
        private: dict[str, Any] = {"api_visibility": "private"}
        everything = [*self.all, self.seed, self.several]
        blocks.load(self.on_load, [self.visit, self.state], everything, js=VISIT_JS, **QUIET)
        tour.go(self.on_stop_of_tour, [self.state], everything, **QUIET)
        asked = [self.mask_url, self.state]
        zipped = self.packed.click(self.on_zip, asked, [self.token, self.canvas], js=MASK_JS, **QUIET)
        zipped.then(None, [self.token], None, js=download_js("inpainting.zip"), **private)
        self.link.click(None, None, None, js=LINK_JS, **private)

    # ---- events -------------------------------------------------------------------------------

    def on_picture(self, value: EditorData, session: Session | None) -> list[Any]:
        path = value.picture.path if value.picture else ""
        return self._act(session, lambda session: actions.open_photo(self.app, session, path, value.name))

    def on_maskfile(self, value: EditorData, session: Session | None) -> list[Any]:
        path = value.picture.path if value.picture else ""
        return self._act(session, lambda session: actions.load_mask_file(self.app, session, path, value.name))

    async def on_archive(self, value: EditorData, session: Session | None) -> AsyncIterator[list[Any]]:
        path, session = value.picture.path if value.picture else "", actions.session_of(self.app, session)
        opened = partial(actions.open_archive, self.app, path=path, name=value.name)
        shown = await asyncio.to_thread(self._act, session, opened, opened=True)
        # the other events tell what stands in the bar, and theirs may come earlier
        unchanged: list[dict[str, Any]] = [{}] * len(self.bar)
        async with streaming(session):
            yield [*shown, session.seed, session.n]
            async for panes in view.settling(session, self.app.runner):
                yield [*_outputs(session, [None, None, panes], unchanged), gr.skip(), gr.skip()]

    def on_tool(self, session: Session | None, event: gr.EventData) -> list[Any]:
        data = sent(event)
        use = partial(tools.use_tool, self.app, data=data)
        return self._act(session, use, opened=data.get("kind") == HANDED or bool(data.get(HANDED)))

    def on_mask(self, session: Session | None, event: gr.EventData) -> list[Any]:
        session = actions.session_of(self.app, session)
        flipped = session.index >= 0 and actions.painted(session, sent(event))
        return _outputs(session, *view.painting(session, self.app.runner, flipped=flipped))

    def on_choose(self, choice: Choice, session: Session | None) -> list[Any]:
        return self._act(session, lambda session: actions.take_choice(session, *choice))

    def on_numbers(self, seed: float | None, n: float | None, session: Session | None) -> list[Any]:
        return self._act(session, lambda session: actions.set_numbers(session, seed or 0, n or 0))

    async def on_run(
        self, data_url: str, choice: Choice, seed: float | None, n: float | None, session: Session | None
    ) -> AsyncIterator[list[Any]]:
        session = actions.session_of(self.app, session)
        if not choice.ids:  # a value that is just arriving has none: what was last told counts
            choice = Choice(session.chosen, {name: {**own} for name, own in session.options.items()})
        asked = choice.ids, choice.options, seed or 0, n or 0
        begin = partial(actions.start_run, self.app, session, data_url or "", *asked)
        async for shown in self._follow(session, begin):
            yield shown

    async def on_retry(self, session: Session | None, event: gr.EventData) -> AsyncIterator[list[Any]]:
        session = actions.session_of(self.app, session)
        begin = partial(actions.again, self.app, session, str(sent(event).get("id")))
        async for shown in self._follow(session, begin):
            yield shown

    def on_stop(self, session: Session | None, event: gr.EventData) -> None:
        actions.stop(session, sent(event).get("id"))

    def on_use(self, session: Session | None, event: gr.EventData) -> list[Any]:
        return self._act(session, lambda session: actions.use(session, str(sent(event).get("name"))))

    def on_past(self, session: Session | None, event: gr.EventData) -> list[Any]:
        return self._act(session, lambda session: actions.revisit(session, str(sent(event).get("id"))))

    def on_judge(self, session: Session | None) -> list[Any]:
        return self._act(session, actions.switch_judging)

    def on_move(self, by: int, session: Session | None) -> list[Any]:
        return self._act(session, lambda session: actions.move(session, by))

    def on_load(self, key: str, session: Session | None, request: gr.Request) -> list[Any]:
        self.app.welcome()
        session, back = actions.found_visit(self.app, session, key or "")
        asked = with_stop(request.query_params if request else {})
        linked = partial(links.restore_session, self.app, asked=asked)
        restore = actions.resume if back else linked
        shown = self._act(session, restore, opened=True)
        return [*shown, session.seed, session.n]

    def on_stop_of_tour(self, session: Session | None, event: gr.EventData) -> list[Any]:
        stop = stop_of(sent(event).get("stop"))
        if stop is None or stop.asked["t"] != "compare":
            return [gr.skip()] * (len(self.all) + 2)
        visited = partial(links.visit_stop, self.app, asked=stop.asked)
        session = actions.session_of(self.app, session)
        return [*self._act(session, visited, opened=True), session.seed, session.n]

    def on_zip(self, data_url: str, session: Session | None) -> tuple[str, Any]:
        session = actions.session_of(self.app, session)
        try:
            return self.app.store.put(archive(session, data_url or ""), ".zip"), gr.skip()
        except InputError as error:
            return "", view.editor(session, str(error), error=True)

    # ---- what they return ---------------------------------------------------------------------

    def _act(
        self, session: Session | None, action: Callable[[Session], Reply], *, opened: bool = False
    ) -> list[Any]:
        session = actions.session_of(self.app, session)
        try:
            reply = action(session)
        except InputError as error:
            reply = Reply(str(error), error=True)
        return _outputs(session, *view.page(session, self.app.runner, reply, opened=opened))

    async def _follow(self, session: Session, begin: Callable[[], Batch]) -> AsyncIterator[list[Any]]:
        batch, reply = None, Reply()
        try:
            batch = await asyncio.to_thread(begin)
        except InputError as error:
            reply = Reply(str(error), error=True)
        try:
            async with streaming(session):
                async for shown in view.running(session, self.app.runner, batch, reply):
                    yield _outputs(session, *shown)
        finally:
            if batch is not None:
                batch.stop()  # the page was closed, or all is done and this does nothing


def _number(value: int, label: str, elem_id: str) -> gr.Number:
    return gr.Number(value, label=label, precision=0, elem_id=elem_id, min_width=0)


def _outputs(
    session: Session, values: Sequence[dict[str, Any] | None], controls: list[dict[str, Any]]
) -> list[Any]:
    """In the order of `CompareTab.all`, or of what a handler names in its place."""
    shown = [gr.skip() if value is None else value for value in values]
    return [session, *shown, *(gr.update(**control) for control in controls)]

"""Taking something out of a clip: its first frame with a mask, and the two clips beside each other."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from demo.actions.uses import clip as actions
from demo.actions.uses.shared import choose_method
from demo.server.clips import ClipVisit, clip_examples
from demo.server.visit import App, Reply, Session
from demo.tabs.uses.shared import UsePart, closing_state
from demo.views.uses import clip as view
from demo.views.uses.shared import chooser
from demo.widgets.clip_player import ClipPlayer
from demo.widgets.events import EACH, QUIET, RUNS, sent
from demo.widgets.mask_editor import EditorData, MaskEditor

_RUN_JS = """async (_, ...rest) => {
  if (window.innerWidth <= 900) {
    document.getElementById('uses-player').scrollIntoView({behavior: 'smooth', block: 'start'});
  }
  return [await window.inpainting.masks.uses(), ...rest];
}"""
_LEAD = (
    "Paint over a thing in the first frame: it goes from the whole clip. What other frames saw behind it "
    "comes back, the rest is filled once and handed on, so that nothing flickers."
)


class ClipPart(UsePart[ClipVisit]):
    """Its components, and an adapter for each of their events."""

    def __init__(self, app: App) -> None:
        super().__init__(app, ClipVisit)
        self.state = closing_state()
        self.mask_url = gr.Textbox(visible=False)
        gr.HTML(_LEAD, elem_classes="uses-lead", padding=False)
        with gr.Row(elem_classes="uses-row"):
            with gr.Column(elem_classes="uses-side", scale=0, min_width=320):
                samples = clip_examples(app.store)
                self.canvas = MaskEditor(samples, [], owner="uses", takes="clip", elem_id="uses-editor")
                self.method = gr.Dropdown(
                    [], label="Fills what no frame saw", filterable=False, elem_id="uses-method",
                    elem_classes="uses-method",
                )  # fmt: skip
                with gr.Row(elem_classes="uses-go"):
                    self.run = gr.Button("Run", variant="primary", elem_id="uses-run",
                                         elem_classes="uses-run", interactive=False)  # fmt: skip
                    self.stop = gr.Button("Stop", elem_id="uses-stop", elem_classes="uses-stop",
                                          interactive=False)  # fmt: skip
            with gr.Column(elem_classes="uses-main", min_width=320):
                self.player = ClipPlayer(elem_id="uses-player")
        self.bar = [self.method, self.run, self.stop]
        self.all = [self.state, self.canvas, self.player, *self.bar]

    def wire(self, session: gr.State) -> None:
        seen = [self.canvas, self.state]
        self.player.open(self.on_open, [self.state], self.all, **QUIET, **EACH)
        self.canvas.picture(self.on_clip, seen, self.all, **QUIET, **EACH)
        self.canvas.maskfile(self.on_maskfile, seen, self.all, **QUIET, **EACH)
        self.canvas.tool(self.on_tool, [self.state], self.all, **QUIET, **EACH)
        self.canvas.mask(self.on_mask, [self.state], self.all, **QUIET, **EACH)
        self.method.input(self.on_method, [self.method, self.state], self.all, **QUIET, **EACH)
        asked = [self.mask_url, self.state, session]
        self.run.click(self.on_run, asked, self.all, js=_RUN_JS, **RUNS)
        self.stop.click(self.on_stop, [self.state], None, **QUIET)

    def on_open(self, visit: ClipVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.open_uses(self.app, visit))

    def on_clip(self, value: EditorData, visit: ClipVisit | None) -> list[Any]:
        path = value.picture.path if value.picture else ""
        return self.act(visit, lambda visit: actions.take_clip(self.app, visit, path, value.name))

    def on_maskfile(self, value: EditorData, visit: ClipVisit | None) -> list[Any]:
        path = value.picture.path if value.picture else ""
        return self.act(visit, lambda visit: actions.take_mask_file(self.app, visit, path, value.name))

    def on_tool(self, visit: ClipVisit | None, event: gr.EventData) -> list[Any]:
        return self.act(visit, lambda visit: actions.use_clip_tool(self.app, visit, sent(event)))

    def on_mask(self, visit: ClipVisit | None, event: gr.EventData) -> list[Any]:
        return self.act(visit, lambda visit: actions.frame_painted(visit, sent(event)))

    def on_method(self, name: str | None, visit: ClipVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: choose_method(visit, name))

    async def on_run(
        self, data_url: str, visit: ClipVisit | None, session: Session | None
    ) -> AsyncIterator[list[Any]]:
        async for shown in self.follow(
            visit, session, lambda visit: actions.start(self.app, visit, data_url or "")
        ):
            yield shown

    def screen(self, visit: ClipVisit) -> dict[str, Any]:
        return view.screen(visit, self.app.runner)

    def shown(self, visit: ClipVisit, reply: Reply | None = None) -> list[Any]:
        """In the order of `all`; the editor stays as it is where there is no reply."""
        runner, found = self.app.runner, actions.prices(visit)
        bar = [chooser(visit, found), *view.buttons(visit, runner, found)]
        edited = gr.skip() if reply is None else view.frame_editor(visit, reply)
        values = [edited, self.screen(visit)]
        return [visit, *values, *(gr.update(**one) for one in bar)]

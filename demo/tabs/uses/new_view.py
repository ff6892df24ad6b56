"""A picture and its depth, seen from beside."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from demo.actions.compare import session_of
from demo.actions.uses import new_view as actions
from demo.actions.uses.shared import choose_method
from demo.server.new_view import SHIFT_HERE, ViewVisit, view_examples
from demo.server.visit import App, Reply, Session
from demo.tabs.uses.shared import UsePart, closing_state, to_results_js, what_is_said
from demo.views.uses import new_view as view
from demo.views.uses.shared import chooser
from demo.widgets.events import EACH, QUIET, RUNS, sent
from demo.widgets.film_loop import FilmLoop
from demo.widgets.panes import Panes
from demo.widgets.uploads import Uploads, UploadsData
from inpainters.errors import InputError

_COMPARE_JS = """(handed) => {
  if (!handed) return;
  document.getElementById('tab-compare-button').click();
  window.scrollTo({top: 0});
  window.inpainting.take();
}"""
"""Compare's editor opens the new view."""
_TAKES = [{"kind": "photo", "text": "Picture"}, {"kind": "depth", "text": "Depth map"}]
_LEAD = (
    "Move the camera to a side: what was hidden behind near things comes out, and is filled from what lies "
    "behind them alone. A depth map is a grey picture of the same size, as depth estimators write it."
)
_WAYS = {"to the right": "uses-view-right", "down": "uses-view-down"}
"""Where the camera can be moved -> the slider."""


class ViewPart(UsePart[ViewVisit]):
    """A picture with its depth, what comes out from behind, and the view from beside."""

    def __init__(self, app: App) -> None:
        super().__init__(app, ViewVisit)
        self.state, self.handed = closing_state(), gr.Textbox(visible=False)
        gr.HTML(_LEAD, elem_classes="uses-lead", padding=False)
        with gr.Row(elem_classes="uses-row"):
            with gr.Column(elem_classes="uses-side", scale=0, min_width=320):
                self.files = Uploads("uses-view", _TAKES, view_examples(app.store), elem_id="uses-view-files")
                self.near = gr.Radio(
                    [("White is near", "white"), ("Black is near", "black")], value="white",
                    label="In the depth map", elem_id="uses-view-near", elem_classes="uses-choice",
                )  # fmt: skip
                self.right, self.down = (
                    _slider(way, part) for way, part in zip(_WAYS, ViewVisit.shift, strict=True)
                )
                self.method = gr.Dropdown(
                    [], label="Fills what comes out", filterable=False, elem_id="uses-view-method",
                    elem_classes="uses-method",
                )  # fmt: skip
                with gr.Row(elem_classes="uses-go"):
                    self.run = gr.Button("Look from there", variant="primary", elem_id="uses-view-run",
                                         elem_classes="uses-run", interactive=False)  # fmt: skip
                    self.stop = gr.Button("Stop", elem_id="uses-view-stop", elem_classes="uses-stop",
                                          interactive=False)  # fmt: skip
            with gr.Column(elem_classes="uses-main", elem_id="uses-view-main", min_width=320):
                self.panes = Panes(elem_id="uses-view-panes")
                self.film = FilmLoop(elem_id="uses-view-film")
        self.bar = [self.method, self.run, self.stop]
        self.all = [self.state, self.files, self.panes, self.film, *self.bar]

    def wire(self, session: gr.State) -> None:
        """What each control does."""
        self.files.open(self.on_open, [self.state], self.all, **QUIET, **EACH)
        self.files.files(self.on_files, [self.files, self.state], self.all, **QUIET)
        self.files.sample(self.on_sample, [self.state], [self.near, *self.all], **QUIET, **EACH)
        self.near.input(self.on_near, [self.near, self.state], self.all, **QUIET, **EACH)
        for slider in (self.right, self.down):
            slider.input(self.on_camera, [self.right, self.down, self.state], self.all, **QUIET, **EACH)
        self.method.input(self.on_method, [self.method, self.state], self.all, **QUIET, **EACH)
        asked = [self.state, session]
        self.run.click(self.on_run, asked, self.all, js=to_results_js("uses-view-main"), **RUNS)
        self.panes.retry(self.on_run, asked, self.all, **RUNS)
        self.stop.click(self.on_stop, [self.state], None, **QUIET)
        self.panes.stop(self.on_stop, [self.state], None, **QUIET)
        used = self.panes.use(self.on_use, asked, [session, self.handed, self.files], **QUIET)
        used.then(None, [self.handed], None, js=_COMPARE_JS, api_visibility="private")

    def on_open(self, visit: ViewVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.open_view_use(self.app, visit))

    def on_files(self, value: UploadsData, visit: ViewVisit | None) -> list[Any]:
        path, name = (value.files[0].path, "".join(value.names[:1])) if value.files else ("", "")
        return self.act(visit, lambda visit: actions.take_view_file(self.app, visit, value.kind, path, name))

    def on_sample(self, visit: ViewVisit | None, event: gr.EventData) -> list[Any]:
        shown = self.act(
            visit, lambda visit: actions.choose_scene(self.app, visit, str(sent(event).get("id")))
        )
        return [shown[0].near, *shown]

    def on_near(self, near: str, visit: ViewVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.turn_depth(visit, near))

    def on_camera(self, right: float, down: float, visit: ViewVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.move_camera(visit, right, down))

    def on_method(self, name: str | None, visit: ViewVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: choose_method(visit, name))

    async def on_run(self, visit: ViewVisit | None, session: Session | None) -> AsyncIterator[list[Any]]:
        async for shown in self.follow(
            visit, session, lambda visit: actions.look_from_beside(self.app, visit)
        ):
            yield shown

    def on_use(self, visit: ViewVisit | None, session: Session | None) -> list[Any]:
        session = session_of(self.app, session)
        try:
            actions.hand_view(self.app, session, visit or ViewVisit(self.app.store))
        except InputError as error:
            return [session, "", what_is_said(Reply(str(error), error=True))]
        return [session, "view", gr.skip()]

    def screen(self, visit: ViewVisit) -> dict[str, Any]:
        return view.view_panes(visit, self.app.runner)

    def shown(self, visit: ViewVisit, reply: Reply | None = None) -> list[Any]:
        """In the order of `all`."""
        found = {} if visit.running else actions.view_prices(visit)
        bar = [chooser(visit, found), *view.view_buttons(visit, self.app.runner, found)]
        values = [what_is_said(reply), self.screen(visit), view.view_film(visit)]
        return [visit, *values, *(gr.update(**one) for one in bar)]


def _slider(way: str, part: float) -> gr.Slider:
    """How far the camera moves, in hundredths of the width."""
    label, most = f"Camera {way}, % of the width", 100 * SHIFT_HERE
    return gr.Slider(
        -most, most, value=100 * part, step=0.5, label=label, elem_id=_WAYS[way], elem_classes="uses-slider"
    )

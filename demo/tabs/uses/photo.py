"""Mending an old photograph: what is found on it, and what is filled there."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from demo.actions.compare import session_of
from demo.actions.uses import photo as actions
from demo.actions.uses.shared import choose_method
from demo.server.photos import PhotoVisit, photo_examples
from demo.server.visit import App, Reply, Session
from demo.tabs.uses.shared import UsePart, closing_state, to_results_js, what_is_said
from demo.views.uses import photo as view
from demo.views.uses.shared import chooser
from demo.widgets.events import EACH, QUIET, RUNS, sent
from demo.widgets.panes import Panes
from demo.widgets.uploads import Uploads, UploadsData
from inpainters.errors import InputError
from inpainters.uses.restoration import FINDERS

_COMPARE_JS = """(kinds) => {
  if (!kinds) return;
  document.getElementById('tab-compare-button').click();
  window.scrollTo({top: 0});
  window.inpainting.take({kind: 'find', marks: kinds, handed: true});
}"""
"""Compare's editor opens the photograph with its marks found."""
_DOWNLOAD_JS = """(token, name) => {
  if (!token) return;
  const link = document.createElement('a');
  link.href = 'pic/' + token + '?name=' + encodeURIComponent(name);
  link.download = name;
  link.click();
}"""
_TAKES = [{"kind": "photo", "text": "Upload a photograph"}]
_LEAD = (
    "Scratches, dust and writing are found by their shape, and filled; all else stays bit for "
    "bit. Look at the "
    "marks before you believe the picture: a wire looks like a scratch. In Compare they can be "
    "mended by hand."
)


class PhotoPart(UsePart[PhotoVisit]):
    """One photograph, its marks, and what a method fills there."""

    def __init__(self, app: App) -> None:
        super().__init__(app, PhotoVisit)
        self.state, self.kept = closing_state(), [gr.Textbox(visible=False) for _ in range(2)]
        self.handed = gr.Textbox(visible=False)
        gr.HTML(_LEAD, elem_classes="uses-lead", padding=False)
        with gr.Row(elem_classes="uses-row"):
            with gr.Column(elem_classes="uses-side", scale=0, min_width=320):
                self.files = Uploads(
                    "uses-photo", _TAKES, photo_examples(app.store), elem_id="uses-photo-files"
                )
                self.kinds = gr.CheckboxGroup(
                    [(kind.capitalize(), kind) for kind in FINDERS], value=list(PhotoVisit.kinds),
                    label="Look for", elem_id="uses-photo-kinds", elem_classes="uses-choice",
                )  # fmt: skip
                self.method = gr.Dropdown(
                    [], label="Fills the marks", filterable=False, elem_id="uses-photo-method",
                    elem_classes="uses-method",
                )  # fmt: skip
                with gr.Row(elem_classes="uses-go"):
                    self.run = gr.Button("Fill the marks", variant="primary", elem_id="uses-photo-run",
                                         elem_classes="uses-run", interactive=False)  # fmt: skip
                    self.stop = gr.Button("Stop", elem_id="uses-photo-stop", elem_classes="uses-stop",
                                          interactive=False)  # fmt: skip
            with gr.Column(elem_classes="uses-main", elem_id="uses-photo-main", min_width=320):
                self.panes = Panes(elem_id="uses-photo-panes")
                with gr.Row(elem_classes="uses-after"):
                    self.download = gr.Button(
                        "Download (PNG)", elem_id="uses-photo-download", interactive=False
                    )
                    self.compare = gr.Button("Open in Compare", elem_id="uses-old", interactive=False)
        self.bar = [self.kinds, self.method, self.run, self.stop, self.download, self.compare]
        self.all = [self.state, self.files, self.panes, *self.bar]

    def wire(self, session: gr.State) -> None:
        """What each control does."""
        given = [self.files, self.state]
        self.files.open(self.on_open, [self.state], self.all, **QUIET, **EACH)
        self.files.files(self.on_files, given, self.all, **QUIET)
        self.files.sample(self.on_sample, [self.state], self.all, **QUIET, **EACH)
        self.kinds.input(self.on_kinds, [self.kinds, self.state], self.all, **QUIET, **EACH)
        self.method.input(self.on_method, [self.method, self.state], self.all, **QUIET, **EACH)
        asked = [self.state, session]
        self.run.click(self.on_run, asked, self.all, js=to_results_js("uses-photo-main"), **RUNS)
        self.panes.retry(self.on_run, asked, self.all, **RUNS)
        self.stop.click(self.on_stop, [self.state], None, **QUIET)
        self.panes.stop(self.on_stop, [self.state], None, **QUIET)
        self.panes.use(self.on_use, [self.state], self.all, **QUIET, **EACH)
        private: dict[str, Any] = {"api_visibility": "private"}
        kept = self.download.click(self.on_download, [self.state], [*self.kept, self.files], **QUIET)
        kept.then(None, self.kept, None, js=_DOWNLOAD_JS, **private)
        opened = self.compare.click(self.on_compare, asked, [session, self.handed, self.files], **QUIET)
        opened.then(None, [self.handed], None, js=_COMPARE_JS, **private)

    def on_open(self, visit: PhotoVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.open_photo_use(self.app, visit))

    def on_files(self, value: UploadsData, visit: PhotoVisit | None) -> list[Any]:
        path, name = (value.files[0].path, "".join(value.names[:1])) if value.files else ("", "")
        return self.act(visit, lambda visit: actions.take_photo(self.app, visit, path, name))

    def on_sample(self, visit: PhotoVisit | None, event: gr.EventData) -> list[Any]:
        return self.act(
            visit, lambda visit: actions.choose_photo(self.app, visit, str(sent(event).get("id")))
        )

    def on_kinds(self, kinds: list[str], visit: PhotoVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.look_for_marks(self.app, visit, kinds))

    def on_method(self, name: str | None, visit: PhotoVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: choose_method(visit, name))

    async def on_run(self, visit: PhotoVisit | None, session: Session | None) -> AsyncIterator[list[Any]]:
        async for shown in self.follow(visit, session, lambda visit: actions.mend(self.app, visit)):
            yield shown

    def on_use(self, visit: PhotoVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.take_answer(self.app, visit))

    def on_download(self, visit: PhotoVisit | None) -> list[Any]:
        visit = visit or PhotoVisit(self.app.store)
        try:
            return [actions.mended_file(self.app, visit), actions.mended_name(visit), gr.skip()]
        except InputError as error:
            return ["", "", what_is_said(Reply(str(error), error=True))]

    def on_compare(self, visit: PhotoVisit | None, session: Session | None) -> list[Any]:
        session = session_of(self.app, session)
        try:
            kinds = actions.hand_photo(self.app, session, visit or PhotoVisit(self.app.store))
        except InputError as error:
            return [session, "", what_is_said(Reply(str(error), error=True))]
        return [session, kinds, gr.skip()]

    def screen(self, visit: PhotoVisit) -> dict[str, Any]:
        return view.photo_panes(visit, self.app.runner)

    def shown(self, visit: PhotoVisit, reply: Reply | None = None) -> list[Any]:
        """In the order of `all`."""
        found = {} if visit.running else actions.photo_prices(visit)
        kinds = {"interactive": not visit.running}
        bar = [kinds, chooser(visit, found), *view.photo_buttons(visit, self.app.runner, found)]
        return [visit, what_is_said(reply), self.screen(visit), *(gr.update(**one) for one in bar)]

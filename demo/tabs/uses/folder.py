"""Several photographs, each with its mask, filled one after the other."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from demo.actions.uses import folder as actions
from demo.actions.uses.shared import choose_method
from demo.server.folder import MASK_FILES, FolderVisit, folder_examples
from demo.server.folder_job import pack_folder
from demo.server.visit import App, Reply, Session
from demo.tabs.uses.shared import UsePart, closing_state, to_results_js, what_is_said
from demo.views.uses import folder as view
from demo.views.uses.shared import chooser
from demo.widgets.contact_sheet import ContactSheet
from demo.widgets.events import EACH, QUIET, RUNS, download_js, sent
from demo.widgets.uploads import Uploads, UploadsData
from inpainters.errors import InputError

_TAKES = [
    {"kind": "photos", "text": "Photographs", "several": True},
    {"kind": "masks", "text": "Masks", "several": True},
]
_LEAD = (
    "Fill many photographs at once with one method: drop them here together with their masks, "
    "or have scratches, dust and writing found in each. A photograph without a mask does not hold up the "
    "others, and what is filled is kept."
)


class FolderPart(UsePart[FolderVisit]):
    """Photographs and masks, the sheet of what becomes of them, and a zip."""

    def __init__(self, app: App) -> None:
        super().__init__(app, FolderVisit)
        self.state, self.token = closing_state(), gr.Textbox(visible=False)
        gr.HTML(_LEAD, elem_classes="uses-lead", padding=False)
        with gr.Row(elem_classes="uses-row"):
            with gr.Column(elem_classes="uses-side", scale=0, min_width=320):
                self._lay_side(folder_examples(app.store))
            with gr.Column(elem_classes="uses-main", elem_id="uses-folder-main", min_width=320):
                self.sheet = ContactSheet(elem_id="uses-folder-sheet")
                with gr.Row(elem_classes="uses-after"):
                    self.packed = gr.Button("Download (zip)", elem_id="uses-folder-zip", interactive=False)
        self.bar = [self.source, self.method, self.run, self.stop, self.packed, self.command]
        self.all = [self.state, self.files, self.sheet, *self.bar]

    def _lay_side(self, samples: list[dict[str, Any]]) -> None:
        self.files = Uploads("uses-folder", _TAKES, samples, elem_id="uses-folder-files")
        self.source = gr.Radio(
            [(title, source) for source, title in actions.SOURCES.items()], value=MASK_FILES,
            label="Where masks come from", elem_id="uses-folder-source", elem_classes="uses-choice",
        )  # fmt: skip
        self.method = gr.Dropdown(
            [], label="Fills all of them", filterable=False, elem_id="uses-folder-method",
            elem_classes="uses-method",
        )  # fmt: skip
        with gr.Row(elem_classes="uses-go"):
            self.run = gr.Button("Fill", variant="primary", elem_id="uses-folder-run",
                                 elem_classes="uses-run", interactive=False)  # fmt: skip
            self.stop = gr.Button("Stop", elem_id="uses-folder-stop", elem_classes="uses-stop",
                                  interactive=False)  # fmt: skip
        gr.HTML(
            f"<p>{view.folder_rules(self.app.folders.allowance)}</p>",
            elem_classes="uses-rules",
            padding=False,
        )
        self.command = gr.Textbox(
            actions.folder_command(FolderVisit(self.app.store)), label="The same on a machine of your own",
            lines=2, max_lines=6, interactive=False, buttons=["copy"], elem_classes="uses-command",
        )  # fmt: skip

    def wire(self, session: gr.State) -> None:
        """What each control does."""
        self.files.open(self.on_open, [self.state], self.all, **QUIET, **EACH)
        self.files.files(self.on_files, [self.files, self.state], self.all, **QUIET)
        self.files.sample(self.on_sample, [self.state], self.all, **QUIET, **EACH)
        self.sheet.remove(self.on_remove, [self.state], self.all, **QUIET)
        self.source.input(self.on_source, [self.source, self.state], self.all, **QUIET, **EACH)
        self.method.input(self.on_method, [self.method, self.state], self.all, **QUIET, **EACH)
        asked = [self.state, session]
        self.run.click(self.on_run, asked, self.all, js=to_results_js("uses-folder-main"), **RUNS)
        self.stop.click(self.on_stop, [self.state], None, **QUIET)
        zipped = self.packed.click(self.on_zip, [self.state], [self.token, self.files], **QUIET)
        zipped.then(None, [self.token], None, js=download_js("filled.zip"), api_visibility="private")

    def on_open(self, visit: FolderVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.open_folder_use(self.app, visit))

    def on_files(self, value: UploadsData, visit: FolderVisit | None) -> list[Any]:
        names = [*value.names, *[""] * len(value.files)]
        files = [(file.path, name) for file, name in zip(value.files, names, strict=False)]
        return self.act(visit, lambda visit: actions.take_files(self.app, visit, value.kind, files))

    def on_sample(self, visit: FolderVisit | None, event: gr.EventData) -> list[Any]:
        return self.act(visit, lambda visit: actions.choose_folder(visit, str(sent(event).get("id"))))

    def on_remove(self, visit: FolderVisit | None, event: gr.EventData) -> list[Any]:
        return self.act(visit, lambda visit: actions.remove_picture(visit, str(sent(event).get("id"))))

    def on_source(self, source: str, visit: FolderVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: actions.choose_source(visit, source))

    def on_method(self, name: str | None, visit: FolderVisit | None) -> list[Any]:
        return self.act(visit, lambda visit: choose_method(visit, name))

    async def on_run(
        self, visit: FolderVisit | None, session: Session | None, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        host = request.client.host if request and request.client else None
        begin = self.follow(visit, session, lambda visit: actions.fill_folder(self.app, visit, host))
        async for shown in begin:
            yield shown

    def on_zip(self, visit: FolderVisit | None) -> list[Any]:
        try:
            return [pack_folder(visit or FolderVisit(self.app.store)), gr.skip()]
        except InputError as error:
            return ["", what_is_said(Reply(str(error), error=True))]

    def screen(self, visit: FolderVisit) -> dict[str, Any]:
        return view.sheet(visit, self.app.runner)

    def shown(self, visit: FolderVisit, reply: Reply | None = None) -> list[Any]:
        """In the order of `all`."""
        found = {} if visit.running else actions.folder_prices(visit)
        source = {"interactive": not visit.running, "value": visit.source}
        command = {"value": actions.folder_command(visit)}
        buttons = view.folder_buttons(visit, self.app.runner, found)
        bar = [source, chooser(visit, found), *buttons, command]
        return [visit, what_is_said(reply), self.screen(visit), *(gr.update(**one) for one in bar)]

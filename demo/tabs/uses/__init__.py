"""The Uses tab: what filling is good for other than one hole in one picture. One use is in view at a time."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from demo.server.visit import App
from demo.tabs import Page
from demo.tabs.uses.clip import ClipPart
from demo.tabs.uses.dataset import DatasetPart
from demo.tabs.uses.folder import FolderPart
from demo.tabs.uses.new_view import ViewPart
from demo.tabs.uses.photo import PhotoPart
from demo.widgets.staying import keep_open
from demo.widgets.uses_nav import UsesNav

_USES: dict[str, tuple[str, Callable[[App], Any]]] = {
    "clip": ("Something out of a clip", ClipPart),
    "photo": ("Old photograph", PhotoPart),
    "view": ("New view", ViewPart),
    "folder": ("Many photographs", FolderPart),
    "dataset": ("More of a dataset", DatasetPart),
}
"""What names a use in links (`?t=uses&use=photo`) -> its title, and what lays it out and wires it."""


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    with gr.Column(elem_id="uses-all"):
        UsesNav(
            {"uses": [{"id": name, "title": title} for name, (title, _) in _USES.items()]}, elem_id="uses-nav"
        )
        states = []
        for name, (_, make) in _USES.items():
            with gr.Column(elem_id=f"uses-part-{name}", elem_classes="uses-part"):
                part = make(page.app)
                part.wire(page.session)
            states += [part.state] if hasattr(part, "state") else []
        keep_open(states)

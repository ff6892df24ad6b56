"""The Methods tab: a card for each method, and how to add one's own."""

import gradio as gr

from demo.tabs import Page
from demo.views.methods import methods_page
from demo.widgets.events import QUIET


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    shown = gr.HTML("", elem_id="methods-cards", padding=False)
    page.blocks.load(lambda: methods_page(page.app), None, shown, **QUIET)

"""The Claims tab: what is commonly said of inpainting, and what the results say of it."""

import gradio as gr

from benchmark.claims import claims
from demo.server.visit import App
from demo.tabs import Page
from demo.views.claims import claims_page
from demo.widgets.events import QUIET


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    shown = gr.HTML("", elem_id="claims-cards", padding=False)
    page.blocks.load(lambda: cards(page.app), None, shown, **QUIET)


def cards(app: App) -> str:
    """The cards by the results as they are now."""
    return claims_page(claims(app.results))

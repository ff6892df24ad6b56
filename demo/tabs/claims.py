"""The Claims tab: what is commonly said of inpainting, and what the results say of it."""

from functools import lru_cache
from pathlib import Path

import gradio as gr

from benchmark.claims import EVIDENCE, claims
from demo.tabs import Page
from demo.views.claims import claims_page
from demo.widgets.events import QUIET


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    shown = gr.HTML("", elem_id="claims-cards", padding=False)
    page.blocks.load(lambda: cards(page.app.results), None, shown, **QUIET)


def cards(root: Path) -> str:
    """The cards by the results as they are now."""
    return _cards(root, tuple(_written(root / name) for name in EVIDENCE))


@lru_cache(maxsize=2)
def _cards(root: Path, written: tuple[int, ...]) -> str:
    return claims_page(claims(root))


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0

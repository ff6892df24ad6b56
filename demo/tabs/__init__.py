"""The table of tabs, in the page's order, which the page is built from. Reading it imports no tab."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from demo.server.visit import App
    from demo.widgets.tour import Tour


@dataclass(frozen=True)
class Page:
    """What a tab is built into."""

    app: "App"
    blocks: "gr.Blocks"
    session: "gr.State"
    """Holds the visitor's Session: the picture and the hole, which several tabs look at."""
    tour: "Tour"
    tab: "gr.Tab | None" = None
    """The one that is being laid out: its `select` tells that it was opened."""


@dataclass(frozen=True)
class Tab:
    """One row of the table."""

    id: str
    """Names it in links (`?t=inside`); its element is `tab-<id>`."""
    title: str
    target: str
    """`module:function` of `function(page)`, which lays the tab out and wires it."""
    styles: tuple[str, ...] = ()
    """Files of `widgets/` that the page's head holds for it."""

    def build(self, page: Page) -> None:
        """Lay the tab out inside the current Blocks."""
        module, _, function = self.target.partition(":")
        getattr(import_module(module), function)(page)


_TABS = (
    Tab("compare", "Compare", "demo.tabs.compare:build"),
    Tab("leaderboard", "Leaderboard", "demo.tabs.leaderboard:build", ("leaderboard.css",)),
    Tab("inside", "Inside", "demo.tabs.inside:build"),
    Tab("uses", "Uses", "demo.tabs.uses:build", ("uses.css",)),
    Tab("arena", "Arena", "demo.tabs.arena:build", ("arena.css",)),
    Tab("claims", "Claims", "demo.tabs.claims:build", ("claims.css",)),
    Tab("benchmark", "Benchmark", "demo.tabs.benchmark:build", ("benchmark.css",)),
    Tab("methods", "Methods", "demo.tabs.methods:build", ("methods.css",)),
)
TABS: dict[str, Tab] = {tab.id: tab for tab in _TABS}

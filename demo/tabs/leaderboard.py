"""The Leaderboard tab: tables and charts of results, and the pictures behind every figure."""

from functools import partial
from typing import Any

import gradio as gr

from demo.actions import leaderboard as actions
from demo.server.suites import EMPTY, Figure, open_suite, readable
from demo.server.visit import App, Session
from demo.tabs import Page
from demo.views import leaderboard as view
from demo.views.changes import next_rev
from demo.views.hole import hole_choices, hole_panes
from demo.widgets.chart import Chart
from demo.widgets.events import QUIET, sent
from demo.widgets.panes import Panes
from demo.widgets.table import Table
from inpainters.errors import InputError

SCROLL_JS = """() => document.getElementById('leaderboard-pictures')
  ?.scrollIntoView({behavior: 'smooth', block: 'start'})"""

ADDRESS_JS = """(suite, holes, metric, region, border) => {
  const chosen = { suite, holes, metric, region, border };
  const write = () => {
    const query = new URLSearchParams(location.search);
    if (query.get('t') !== 'leaderboard') return;
    for (const [key, value] of Object.entries(chosen)) query.set(key, value);
    if (!border) query.delete('border');
    history.replaceState(null, '', location.pathname + '?' + query + location.hash);
  };
  document.getElementById('tab-leaderboard-button').onclick = () => setTimeout(write);
  write();
}"""
"""What is chosen stands in the address while the Leaderboard is in view."""
HAND_JS = """async (method) => {
  if (!method) return;
  const until = async (found) => {
    for (let i = 0; i < 200 && !found(); i++) await new Promise((go) => setTimeout(go, 50));
  };
  const go = (tab) => document.getElementById('tab-' + tab + '-button').click();
  const editor = document.querySelector('#compare-editor .widget');
  const before = editor.dataset.rev;
  const [to, name] = method.split(' ');
  go(to);
  window.scrollTo({ top: 0 });
  window.inpainting.take();
  await until(() => editor.dataset.rev !== before);
  if (to !== 'inside') return;
  await until(() => window.inpainting.inside);
  window.inpainting.inside(name);
}"""
"""Compare takes the hole that was handed to it; Inside takes that of Compare."""


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    suites, problems = readable(page.app.results)
    if not suites:
        gr.Markdown(" ".join([*problems, EMPTY]), elem_id="leaderboard-empty")
        return
    if problems:
        gr.Markdown(" ".join(problems), elem_id="leaderboard-problems")
    tab = LeaderboardTab(page.app, list(suites))
    tab.wire_choice(page.blocks)
    tab.wire_pictures(page.session)


class LeaderboardTab:
    """The tab's components, and an adapter for each of their events."""

    def __init__(self, app: App, suites: list[str]) -> None:
        self.app, self.suites = app, suites
        with gr.Row(elem_id="leaderboard-choice"):
            self._lay_choice(suites)
        self._lay_figures()
        self.figure, self.to = gr.State(None), gr.Textbox(visible=False)
        self.kept = gr.State((self.holes.value, self.region.value))
        with gr.Column(visible=False, elem_id="leaderboard-pictures") as self.pictures:
            self._lay_pictures()
        self.chosen = [self.suite, self.holes, self.metric, self.region, self.families]
        self.shown = [self.table, *self.charts, self.small_print]
        self.seen = [self.figure, self.pictures, self.steps, self.heading, self.panes, self.within]

    def _lay_choice(self, suites: list[str]) -> None:
        first, families = actions.select(self.app.results, suites[0]), actions.families(self.app.results)
        metrics = view.metric_choices(*actions.metrics(self.app.results))
        self.suite = gr.Dropdown(
            suites, value=suites[0], label="Suite", elem_id="leaderboard-suite", min_width=120
        )
        self.metric = gr.Dropdown(
            [*metrics], value=first.metric, label="Metric", elem_id="leaderboard-metric", min_width=260
        )
        self.holes = gr.Radio(
            hole_choices(first.mask_sets),
            value=first.mask_set,
            label="Holes",
            visible=len(first.mask_sets) > 1,
            elem_id="leaderboard-holes",
            min_width=160,
        )
        self.region = gr.Radio(
            view.region_choices(first.regions),
            value=first.region,
            label="Region",
            elem_id="leaderboard-region",
            min_width=200,
        )
        self.families = gr.CheckboxGroup(
            view.family_choices(families),
            value=[*families],
            label="Families",
            elem_id="leaderboard-families",
            min_width=480,
        )

    def _lay_figures(self) -> None:
        suite, holes = self.suite.value, self.holes.value
        given = (self.metric.value, self.region.value, self.families.value)
        table, by_ratio, by_seconds, note = self._board(suite, holes, *given)
        self.table = Table(table, elem_id="leaderboard-table")
        self.small_print = gr.Markdown(note, elem_id="leaderboard-note")
        with gr.Accordion("Do the metrics agree?", open=False, elem_id="leaderboard-agreement"):
            self.agreement = gr.Markdown(self.on_agree(suite, holes), elem_id="leaderboard-orders")
        with gr.Row(elem_id="leaderboard-charts"):
            self.charts = [
                Chart(by_ratio, elem_id="leaderboard-ratio"),
                Chart(by_seconds, elem_id="leaderboard-seconds"),
            ]

    def _lay_pictures(self) -> None:
        self.heading = gr.Markdown(elem_id="leaderboard-heading")
        with gr.Row(elem_id="leaderboard-steps") as self.steps:
            self.sort = gr.Radio(
                [*view.SORTS], value="worst", show_label=False, container=False, elem_id="leaderboard-sort"
            )
            self.rival = gr.Dropdown(
                view.rival_choices(actions.rivals(self.app.results)),
                value="",
                label="Order holes against another method",
                show_label=False,
                container=False,
                elem_id="leaderboard-rival",
                min_width=150,
            )
            self.border = gr.Dropdown(
                view.BORDER_CHOICES,
                value="",
                label="Only holes at the border, or clear of it",
                show_label=False,
                container=False,
                elem_id="leaderboard-border",
                min_width=150,
            )
            with gr.Row(elem_id="leaderboard-moves"):
                self.back = gr.Button("Previous hole", size="md", elem_id="leaderboard-back")
                self.forth = gr.Button("Next hole", size="md", elem_id="leaderboard-forth")
                self.hand = gr.Button("Open in Compare", size="md", elem_id="leaderboard-compare")
                self.within = gr.Button("See inside", size="md", elem_id="leaderboard-inside")
        self.panes = Panes(elem_id="leaderboard-panes")

    def wire_choice(self, blocks: gr.Blocks) -> None:
        """What changes the table, the charts and the pictures, and stands in the address."""
        found = [self.holes, self.metric, self.region, self.kept]
        redrawn, given = [*self.shown, *self.seen], [self.figure, *self.chosen]
        # A Dropdown tells of one choice twice, when it is made and when the focus leaves it: the second time
        # with holes and a region from before the first was answered, which Gradio refuses. `kept` is later.
        choosers, own = [self.suite.input, self.metric.input], [self.holes, self.region]
        picked = gr.on(choosers, self.on_pick, [self.suite, self.metric, self.kept], found, **QUIET)
        other = self.holes.input(self.on_holes, [self.suite, self.metric, *own], found, **QUIET)
        for event in (picked, other):
            drawn = event.then(self.on_redraw, given, redrawn, **QUIET)
            self._tell(drawn)
            drawn.then(self.on_agree, [self.suite, self.holes], self.agreement, **QUIET)
        self.region.input(lambda *kept: kept, own, self.kept, **QUIET)
        self._tell(gr.on([self.region.input, self.families.input], self.on_redraw, given, redrawn, **QUIET))
        loaded = [self.suite, *found, self.border, *self.shown, self.agreement]
        self._tell(blocks.load(self.on_load, None, loaded, **QUIET))

    def _tell(self, event: Any) -> None:
        told = [self.suite, self.holes, self.metric, self.region, self.border]
        event.then(None, told, None, js=ADDRESS_JS, **QUIET)

    def wire_pictures(self, session: gr.State) -> None:
        """What opens the pictures behind a figure, leads from one to the next, and to the other tabs."""
        ordered = [self.sort, self.rival, self.border]
        figures = [self.table.cell, *(chart.point for chart in self.charts)]
        for clicked in figures:
            clicked(self.on_figure, [*self.chosen, *ordered], self.seen, **QUIET).then(None, js=SCROLL_JS)
        changed = [self.sort.input, self.rival.input, self.border.input]
        self._tell(gr.on(changed, self.on_sort, [self.figure, *ordered], self.seen, **QUIET))
        self.back.click(self.on_back, self.figure, self.seen, **QUIET)
        self.forth.click(self.on_forth, self.figure, self.seen, **QUIET)
        for button, to in ((self.hand, "compare"), (self.within, "inside")):
            handed = button.click(
                partial(self.on_hand, to), [self.figure, session], [session, self.to], **QUIET
            )
            handed.success(None, [self.to], None, js=HAND_JS, **QUIET)
        used = self.panes.use(self.on_use, [self.figure, session], [session, self.to], **QUIET)
        used.success(None, [self.to], None, js=HAND_JS, **QUIET)

    def on_pick(self, suite: str, metric: str, kept: tuple[str, str]) -> list[Any]:
        return self.on_holes(suite, metric, *kept)

    def on_holes(self, suite: str, metric: str, holes: str, region: str) -> list[Any]:
        return self._choosers(actions.select(self.app.results, suite, metric, region, holes))

    def _choosers(self, found: actions.Selection) -> list[Any]:
        """Updates of holes, metric and region, and what is kept. The metric's list stays as it is."""
        holes = hole_choices(found.mask_sets)
        return [
            gr.update(choices=holes, value=found.mask_set, visible=len(holes) > 1),
            gr.update(value=found.metric),
            gr.update(choices=view.region_choices(found.regions), value=found.region),
            (found.mask_set, found.region),
        ]

    def on_load(self, request: gr.Request) -> list[Any]:
        asked = dict(request.query_params) if request else {}
        linked = actions.linked_choice(self.app.results, self.suites, asked)
        if linked is None:
            return [gr.skip()] * (7 + len(self.shown))
        suite, found = linked
        shown = self._board(suite, found.mask_set, found.metric, found.region, self.families.value)
        border = actions.linked_border(asked)
        return [suite, *self._choosers(found), border, *shown, self.on_agree(suite, found.mask_set)]

    def on_redraw(
        self, figure: Figure | None, suite: str, holes: str, metric: str, region: str, families: list[str]
    ) -> list[Any]:
        try:
            shown = self._board(suite, holes, metric, region, families)
            before = figure
            figure = actions.follow(self.app.results, before, suite, metric, region, families, holes)
        except InputError as error:
            raise gr.Error(str(error)) from None
        if figure is None:
            return [*shown, None, gr.update(visible=False), *[gr.skip()] * 4]
        return [*shown, *self._visit(figure)]

    def on_agree(self, suite: str, holes: str) -> str:
        return view.agreement(open_suite(self.app.results, suite, holes))

    def on_figure(
        self,
        suite: str,
        holes: str,
        metric: str,
        region: str,
        families: list[str],
        sort: str,
        rival: str,
        border: str,
        event: gr.EventData,
    ) -> list[Any]:
        chosen = suite, metric, region, families, sort, sent(event), holes, rival, border
        return self._visit(actions.open_figure(*chosen))

    def on_sort(self, figure: Figure, sort: str, rival: str, border: str) -> list[Any]:
        return self._visit(actions.order(figure, sort, rival, border))

    def on_back(self, figure: Figure) -> list[Any]:
        return self._visit(actions.step(figure, -1))

    def on_forth(self, figure: Figure) -> list[Any]:
        return self._visit(actions.step(figure, 1))

    def _board(self, suite: str, holes: str, metric: str, region: str, families: list[str]) -> list[Any]:
        return view.board(open_suite(self.app.results, suite, holes), metric, region, families)

    def on_hand(self, to: str, figure: Figure, session: Session | None) -> list[Any]:
        return self._hand(to, figure, session)

    def on_use(self, figure: Figure, session: Session | None, event: gr.EventData) -> list[Any]:
        return self._hand("compare", figure, session, str(sent(event).get("id"))[:200])

    def _hand(self, to: str, figure: Figure, session: Session | None, fill: str = "") -> list[Any]:
        if session is None or figure is None:
            return [session, ""]
        try:
            actions.hand_over(self.app, session, figure, fill)
        except InputError as error:
            raise gr.Error(str(error)) from None
        return [session, f"{to} {figure.entry.partition(' ')[0]}"]

    def _visit(self, figure: Figure) -> list[Any]:
        """Figure, column, its row of buttons, heading, panes, and the button to Inside."""
        within = gr.update(visible=actions.explained(figure))
        try:
            heading, panes = hole_panes(self.app, figure)
        except InputError as error:
            steps = gr.update(visible=bool(figure.border))  # another choice may have holes
            nothing = {"rev": next_rev(), "panes": [], "bare": True}
            return [figure, gr.update(visible=True), steps, str(error), nothing, within]
        shown = gr.update(visible=True)
        return [figure, shown, shown, heading, panes, within]

"""The Leaderboard tab: tables and charts of results, and the pictures behind every figure."""

from typing import Any

import gradio as gr

from demo.actions import leaderboard as actions
from demo.server.suites import EMPTY, Figure, open_suite, readable
from demo.server.visit import App
from demo.tabs import Page
from demo.views import leaderboard as view
from demo.views.hole import hole_panes
from demo.widgets.chart import Chart
from demo.widgets.events import QUIET, sent
from demo.widgets.panes import Panes
from demo.widgets.table import Table
from inpainters.errors import InputError

SCROLL_JS = """() => document.getElementById('leaderboard-pictures')
  ?.scrollIntoView({behavior: 'smooth', block: 'start'})"""


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    suites, problems = readable(page.app.results)
    if not suites:
        gr.Markdown(" ".join([*problems, EMPTY]), elem_id="leaderboard-empty")
        return
    if problems:
        gr.Markdown(" ".join(problems), elem_id="leaderboard-problems")
    tab = LeaderboardTab(page.app, list(suites))
    tab.wire_choice()
    tab.wire_pictures()


class LeaderboardTab:
    """The tab's components, and an adapter for each of their events."""

    def __init__(self, app: App, suites: list[str]) -> None:
        self.app = app
        with gr.Row(elem_id="leaderboard-choice"):
            self._lay_choice(suites)
        self._lay_figures()
        self.figure = gr.State(None)
        with gr.Column(visible=False, elem_id="leaderboard-pictures") as self.pictures:
            self._lay_pictures()
        self.chosen = [self.suite, self.holes, self.metric, self.region, self.families]
        self.shown = [self.table, *self.charts, self.small_print]
        self.seen = [self.figure, self.pictures, self.heading, self.panes]

    def _lay_choice(self, suites: list[str]) -> None:
        first, families = actions.select(self.app.results, suites[0]), actions.families(self.app.results)
        metrics = view.metric_choices(first.measured, first.lacking)
        self.suite = gr.Dropdown(
            suites, value=suites[0], label="Suite", elem_id="leaderboard-suite", min_width=120
        )
        self.metric = gr.Dropdown(
            [*metrics], value=first.metric, label="Metric", elem_id="leaderboard-metric", min_width=200
        )
        self.holes = gr.Radio(
            [*first.mask_sets],
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
            min_width=240,
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
        with gr.Row(elem_id="leaderboard-steps"):
            self.sort = gr.Radio(
                [*view.SORTS], value="worst", show_label=False, container=False, elem_id="leaderboard-sort"
            )
            self.back = gr.Button("Previous hole", size="md", elem_id="leaderboard-back")
            self.forth = gr.Button("Next hole", size="md", elem_id="leaderboard-forth")
        self.panes = Panes(elem_id="leaderboard-panes")

    def wire_choice(self) -> None:
        """What changes the table and the charts."""
        found = [self.holes, self.metric, self.region]
        asked = [self.suite, *found]
        for chooser in (self.suite, self.holes, self.metric):
            picked = chooser.input(self.on_pick, asked, found, **QUIET)
            picked.then(self.on_redraw, self.chosen, self.shown, **QUIET)
        agreed = [self.suite.input, self.holes.input]
        gr.on(agreed, self.on_agree, [self.suite, self.holes], self.agreement, **QUIET)
        gr.on([self.region.input, self.families.input], self.on_redraw, self.chosen, self.shown, **QUIET)

    def wire_pictures(self) -> None:
        """What opens the pictures behind a figure, and leads from one to the next."""
        figures = [self.table.cell, *(chart.point for chart in self.charts)]
        for clicked in figures:
            clicked(self.on_figure, [*self.chosen, self.sort], self.seen, **QUIET).then(None, js=SCROLL_JS)
        self.sort.input(self.on_sort, [self.figure, self.sort], self.seen, **QUIET)
        self.back.click(self.on_back, self.figure, self.seen, **QUIET)
        self.forth.click(self.on_forth, self.figure, self.seen, **QUIET)

    def on_pick(self, suite: str, holes: str, metric: str, region: str) -> list[Any]:
        found = actions.select(self.app.results, suite, metric, region, holes)
        metrics = view.metric_choices(found.measured, found.lacking)
        sets = found.mask_sets
        return [
            gr.update(choices=sets, value=found.mask_set, visible=len(sets) > 1),
            gr.update(choices=metrics, value=found.metric),
            gr.update(choices=view.region_choices(found.regions), value=found.region),
        ]

    def on_redraw(self, suite: str, holes: str, metric: str, region: str, families: list[str]) -> list[Any]:
        try:
            return self._board(suite, holes, metric, region, families)
        except InputError as error:
            raise gr.Error(str(error)) from None

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
        event: gr.EventData,
    ) -> list[Any]:
        return self._visit(actions.open_figure(suite, metric, region, families, sort, sent(event), holes))

    def on_sort(self, figure: Figure, sort: str) -> list[Any]:
        return self._visit(actions.order(figure, sort))

    def on_back(self, figure: Figure) -> list[Any]:
        return self._visit(actions.step(figure, -1))

    def on_forth(self, figure: Figure) -> list[Any]:
        return self._visit(actions.step(figure, 1))

    def _board(self, suite: str, holes: str, metric: str, region: str, families: list[str]) -> list[Any]:
        return view.board(open_suite(self.app.results, suite, holes), metric, region, families)

    def _visit(self, figure: Figure) -> list[Any]:
        try:
            heading, panes = hole_panes(self.app, figure)
        except InputError as error:
            return [figure, gr.update(visible=True), str(error), None]
        return [figure, gr.update(visible=True), heading, panes]

"""The Benchmark tab: a small run of one's own, while it goes on and beside the committed results."""

from collections.abc import Callable
from contextlib import nullcontext
from html import escape
from typing import Any

import gradio as gr

from demo.actions import benchmark as actions
from demo.server.filled import read_filled
from demo.server.own_runs import ENDED_EARLY, FAILED, OwnRun, runnable_suites
from demo.server.run_time import quote
from demo.server.suites import mask_sets_of
from demo.server.visit import App
from demo.tabs import Page
from demo.views import benchmark as view
from demo.views.changes import next_rev
from demo.views.hole import hole_choices, hole_panes
from demo.widgets.events import EACH, QUIET, download_js, sent
from demo.widgets.panes import Panes
from demo.widgets.table import Table
from inpainters.errors import InputError

RUN_VISIT_JS = """(_, ...rest) => {
  const key = 'inpainting-run';
  let visit = '';
  try {
    visit = sessionStorage.getItem(key) || '';
    if (!visit) sessionStorage.setItem(key, (visit = [...crypto.getRandomValues(new Uint8Array(24))]
      .map((byte) => byte.toString(16).padStart(2, '0')).join('')));
  } catch {}
  return [visit, ...rest];
}"""
"""The visit's own unguessable name, by which a page that is loaded anew finds its run."""
TO_RESULTS_JS = """(...given) => {
  const main = document.getElementById('benchmark-main');
  if (innerWidth <= 900) main?.scrollIntoView({ behavior: 'smooth', block: 'start' });
  return given;
}"""
"""Where the run shows below the fold, Start goes there."""
LOOKS_EVERY, RESTS = 1.0, 120.0
"""Seconds between two looks at a run that is under way, and at one that is not: while its page is open it is
kept.
"""
_Seen = tuple[str, str]
"""The visit, and what was last shown of its run."""
_Outputs = list[Any]


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    BenchmarkTab(page.app).wire(page)


def _host(request: gr.Request) -> str | None:
    return request.client.host if request and request.client else None


def _hidden() -> Any:
    return gr.update(visible=False)


class BenchmarkTab:
    """The tab's components, and an adapter for each of their events."""

    def __init__(self, app: App) -> None:
        self.app, self.runs = app, app.own_runs
        self.state = gr.State(("", ""))
        self.visit, self.token = gr.Textbox(visible=False), gr.Textbox(visible=False)
        gr.HTML(f"<p>{view.INTRODUCTION}</p>", elem_id="benchmark-lead", padding=False)
        with gr.Row(elem_id="benchmark-columns"):
            with gr.Column(elem_id="benchmark-side", scale=0, min_width=320):
                self._lay_choice()
            with gr.Column(elem_id="benchmark-main", min_width=320):
                self._lay_results()
        self.timer = gr.Timer(LOOKS_EVERY, active=False)
        self.choice = [self.suite, self.methods, self.n]
        self.asked = [self.estimate, self.command, self.start]
        self.live = [self.state, self.status, self.progress, self.stop, self.go_on, self.start, self.timer]
        self.shown = [
            self.holes,
            self.table,
            self.note,
            self.against,
            self.comparison,
            self.packed,
            self.pictures,
        ]

    def _lay_choice(self) -> None:
        suites, allowance = runnable_suites(), self.runs.allowance
        self.suite = gr.Dropdown(
            view.suite_labels(suites), value=next(iter(suites)), label="Suite", elem_id="benchmark-suite"
        )
        self.methods = gr.CheckboxGroup(
            view.method_labels(actions.ready_methods()), value=actions.first_choice(),
            label="Methods, with the seconds of a hole where it takes long", elem_id="benchmark-methods",
        )  # fmt: skip
        gr.HTML(view.absent_methods(actions.missing_methods()), elem_id="benchmark-absent", padding=False)
        self.n = gr.Slider(
            1, max(2, allowance.pictures), value=1, step=1, label="Pictures", elem_id="benchmark-n"
        )
        estimate, command, _ = self._asked(self.suite.value, self.methods.value, 1)
        self.estimate = gr.HTML(estimate, elem_id="benchmark-estimate", padding=False)
        with gr.Row(elem_id="benchmark-go"):
            self.start = gr.Button("Start", variant="primary", elem_id="benchmark-start", min_width=90)
            self.stop = gr.Button("Stop", elem_id="benchmark-stop", interactive=False, min_width=90)
            self.go_on = gr.Button("Continue", elem_id="benchmark-continue", visible=False, min_width=90)
        gr.HTML(f"<p>{view.rules(allowance)}</p>", elem_id="benchmark-rules", padding=False)
        self.command = gr.Textbox(
            command, label="The same on a machine of your own", lines=2, max_lines=8, interactive=False,
            buttons=["copy"], elem_id="benchmark-command",
        )  # fmt: skip

    def _lay_results(self) -> None:
        self.status = gr.HTML(view.status(None, 0), elem_id="benchmark-status", padding=False)
        self.progress = gr.HTML("", elem_id="benchmark-progress", padding=False)
        self.holes = gr.Radio([], label="Holes", visible=False, elem_id="benchmark-holes", min_width=160)
        self.table = Table({"cols": [], "rows": []}, elem_id="benchmark-table")
        self.note = gr.HTML(view.STILL_READING, elem_id="benchmark-note", padding=False)
        with gr.Column(visible=False, elem_id="benchmark-pictures") as self.pictures:
            self.heading = gr.Markdown("", elem_id="benchmark-heading")
            self.panes = Panes(elem_id="benchmark-panes")
        with gr.Row(elem_id="benchmark-after"):
            self.against = gr.Dropdown([], label="Compare with", visible=False, elem_id="benchmark-against")
            self.packed = gr.Button("Download (zip)", visible=False, elem_id="benchmark-zip", min_width=140)
        self.comparison = gr.Markdown("", elem_id="benchmark-comparison")

    def wire(self, page: Page) -> None:
        """What each control does."""
        seen, everything = [self.state, *self.choice], [*self.live, *self.shown]
        loaded = [*self.choice, *self.asked[:2], *everything]
        page.blocks.load(self.on_load, [self.visit, *self.choice], loaded, js=RUN_VISIT_JS, **QUIET)
        for chooser in (self.suite.input, self.methods.input, self.n.input):
            chooser(self.on_choice, seen, self.asked, **QUIET, **EACH)
        self.suite.input(self.on_suite, [self.state, self.suite], self.shown, **QUIET, **EACH)
        self.start.click(self.on_start, seen, everything, js=TO_RESULTS_JS, **QUIET)
        refilled = [*everything, self.n, self.estimate, self.command]
        self.go_on.click(self.on_continue, seen, refilled, **QUIET)
        stopped = self.stop.click(self.on_stop, [self.state], None, **QUIET)
        stopped.then(self.on_stopped, [self.state, self.suite], everything, **QUIET)
        self.timer.tick(self.on_tick, [self.state, self.suite, self.holes, self.against], everything, **QUIET)
        picked = [self.state, self.suite, self.holes, self.against]
        if page.tab is not None:
            page.tab.select(self.on_results, picked, self.shown, **QUIET, **EACH)
        self.holes.input(self.on_results, picked, self.shown, **QUIET, **EACH)
        self.against.input(self.on_results, picked, self.shown, **QUIET, **EACH)
        opened = [self.pictures, self.heading, self.panes]
        self.table.cell(self.on_cell, [self.state, self.suite, self.holes], opened, **QUIET)
        zipped = self.packed.click(self.on_zip, [self.state], [self.token], **QUIET)
        zipped.success(None, [self.token], None, js=download_js("benchmark.zip"), api_visibility="private")

    # ---- events -------------------------------------------------------------------------------

    def on_load(self, visit: str, suite: str, methods: list[str], n: float, request: gr.Request) -> _Outputs:
        run = actions.found_run(self.runs, visit)
        if run is not None:
            suite, methods, n = run.asked.suite, list(run.asked.methods), run.asked.n
        asked = self._asked(suite, methods, n)[:2]
        linked = bool(request) and request.query_params.get("t") == "benchmark"
        shown = self._shown(run, suite) if run or linked else [gr.skip()] * len(self.shown)
        return [suite, methods, n, *asked, *self._live(visit, run), *shown]

    def on_choice(self, state: _Seen, suite: str, methods: list[str], n: float) -> _Outputs:
        estimate, command, start = self._asked(suite, methods, n)
        run = actions.found_run(self.runs, state[0])
        return [estimate, command, gr.update(interactive=start and not (run and run.open))]

    def on_suite(self, state: _Seen, suite: str) -> _Outputs:
        return self._shown(actions.found_run(self.runs, state[0]), suite)

    def on_start(
        self, state: _Seen, suite: str, methods: list[str], n: float, request: gr.Request
    ) -> _Outputs:
        host = _host(request)
        return self._act(
            state, suite, lambda: actions.start_own_run(self.runs, state[0], host, suite, methods, n)
        )

    def on_continue(
        self, state: _Seen, suite: str, methods: list[str], n: float, request: gr.Request
    ) -> _Outputs:
        before = actions.found_run(self.runs, state[0])
        outputs = self._act(
            state, suite, lambda: actions.continue_own_run(self.runs, state[0], _host(request))
        )
        run = actions.found_run(self.runs, state[0])
        if run is None or run is before:
            return [*outputs, gr.skip(), gr.skip(), gr.skip()]
        return [*outputs, run.asked.n, *self._asked(suite, methods, run.asked.n)[:2]]

    def on_stop(self, state: _Seen) -> None:
        self.runs.stop(state[0])

    def on_stopped(self, state: _Seen, suite: str) -> _Outputs:
        run = actions.found_run(self.runs, state[0])
        return [*self._live(state[0], run), *self._shown(run, suite)]

    def on_tick(self, state: _Seen, suite: str, holes: str, against: str) -> _Outputs:
        run = actions.found_run(self.runs, state[0])
        live = self._live(state[0], run, "" if run else view.LET_GO)
        if live[0] == state:
            return [gr.skip()] * (len(live) + len(self.shown))
        ended = run is None or not run.open
        return [*live, *(self._shown(run, suite, holes, against) if ended else [gr.skip()] * len(self.shown))]

    def on_results(self, state: _Seen, suite: str, holes: str, against: str) -> _Outputs:
        return self._shown(actions.found_run(self.runs, state[0]), suite, holes, against)

    def on_cell(self, state: _Seen, suite: str, holes: str, event: gr.EventData) -> _Outputs:
        shown = actions.shown_results(self.app, actions.found_run(self.runs, state[0]), suite)
        try:
            if shown is None:
                raise InputError("There are no results here.")
            figure = actions.figure_of(*shown, holes, sent(event))
            heading, panes = hole_panes(actions.of_own(self.app, shown[0]), figure)
        except InputError as error:
            return [gr.update(visible=True), str(error), {"rev": next_rev(), "panes": [], "bare": True}]
        return [gr.update(visible=True), heading, panes]

    def on_zip(self, state: _Seen) -> str:
        run = actions.found_run(self.runs, state[0])
        if run is None:
            raise gr.Error("That run is no longer kept: start it again.")
        try:
            return self.app.store.put(actions.packed(run), ".zip")
        except InputError as error:
            raise gr.Error(str(error)) from None

    # ---- what they return ---------------------------------------------------------------------

    def _act(self, state: _Seen, suite: str, action: Callable[[], object]) -> _Outputs:
        problem = ""
        try:
            action()
        except InputError as error:
            problem = str(error)
        run = actions.found_run(self.runs, state[0])
        return [*self._live(state[0], run, problem), *self._shown(run, suite)]

    def _asked(self, suite: str, methods: list[str], n: float) -> tuple[str, Any, bool]:
        """The estimate, the command, and whether this can be started."""
        allowance = self.runs.allowance
        try:
            asked = actions.checked_run(self.runs, suite, methods, n)
        except InputError as error:
            return view.estimate_html(None, allowance, str(error)), gr.skip(), False
        found = view.estimate_html(quote(asked, allowance, list(self.runs.past)), allowance)
        return found, asked.command_line(allowance.minutes), allowance.minutes > 0

    def _live(self, visit: str, run: OwnRun | None, problem: str = "") -> _Outputs:
        """In the order of `live`."""
        with run.reading if run else nullcontext():
            found = read_filled(run.folder, run.known) if run else []
        fewer = actions.fewer_pictures(run, found) if run else 0
        told = view.status(run, self.runs.place(run) if run else 0, problem, fewer)
        progress, busy = view.progress_html(run, found), run is not None and run.open
        name = "Start anew" if run is not None and not busy else "Start"
        ended = run is not None and run.state in (ENDED_EARLY, FAILED)
        goes_on = ended and bool(fewer or (run and not run.too_large))
        return [
            (visit, f"{told}{progress}"),
            told,
            progress,
            gr.update(interactive=busy),
            gr.update(visible=goes_on, value=view.goes_on_label(fewer)),
            gr.update(value=name, interactive=not busy and self.runs.allowance.minutes > 0),
            gr.Timer(LOOKS_EVERY if busy else RESTS, active=run is not None),
        ]

    def _shown(self, run: OwnRun | None, suite: str, holes: str = "", against: str = "") -> _Outputs:
        """In the order of `shown`."""
        try:
            return self._results(run, run.asked.suite if run else suite, holes, against)
        except InputError as error:  # a folder that is damaged, or written anew just now
            return self._no_results(f"<p>{escape(str(error))}</p>")

    def _no_results(self, note: str) -> _Outputs:
        table = {"cols": [], "rows": [], "rev": next_rev()}
        return [_hidden(), table, note, _hidden(), "", _hidden(), _hidden()]

    def _results(self, run: OwnRun | None, suite: str, holes: str, against: str) -> _Outputs:
        found = actions.shown_results(self.app, run, suite)
        if found is None:
            return self._no_results(view.nothing_yet(suite))
        sets = mask_sets_of(*found)
        holes = holes if holes in sets else sets[0]
        own = run is not None and found[0] == run.home
        table = view.results_table(*found, holes, own=own)
        choose = gr.update(choices=hole_choices(sets), value=holes, visible=len(sets) > 1)
        head = [choose, table, view.ground(*found, holes)]
        if not own or run is None:
            return [*head, _hidden(), "", _hidden(), _hidden()]
        others = actions.comparable(self.app, suite)
        against = against if against in others else next(iter(others), "")
        chooser = gr.update(choices=others, value=against, visible=bool(others))
        return [*head, chooser, self._beside(run, against), gr.update(visible=True), _hidden()]

    def _beside(self, run: OwnRun, against: str) -> str:
        if not against:
            return ""
        try:
            return view.comparison(actions.beside_committed(self.app, run, against), against)
        except InputError as error:
            return str(error)

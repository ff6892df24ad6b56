"""The Inside tab: what a method does between the hole and the fill, frame by frame."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import gradio as gr

from demo.actions import inside as actions
from demo.server.explanation import Explanation
from demo.server.inspection import Inspection
from demo.server.visit import App, Session
from demo.tabs import Page
from demo.views import inside as view
from demo.views.changes import changes
from demo.widgets.inside import Inside
from inpainters.errors import InputError

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    InsideTab(page.app).wire(page.blocks, page.session)


class InsideTab:
    """The tab's component, and an adapter for each of its events."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.state = gr.State(None, time_to_live=3600, delete_callback=lambda visit: visit and visit.close())
        self.inside = Inside(elem_id="inside")
        self.recent: deque[Explanation] = deque(maxlen=actions.KEPT_ORIGINS)

    def wire(self, blocks: gr.Blocks, compare: gr.State) -> None:
        seen, shown = [self.state, compare], [self.state, self.inside]
        last: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}
        self.inside.open(self.on_open, seen, shown, **last)
        self.inside.pick(self.on_pick, seen, shown, **last)
        self.inside.point(self.on_point, seen, shown, **last)
        self.inside.run(self.on_run, seen, shown, concurrency_limit=32, **QUIET)
        self.inside.stop(self.on_stop, [self.state], None, queue=False, **QUIET)
        blocks.load(self.on_load, seen, shown, **QUIET)

    def on_open(self, visit: Inspection | None, session: Session | None, event: gr.EventData) -> list[Any]:
        data_url = str(_sent(event).get("mask") or "")
        return self._act(visit, session, lambda visit: actions.come(visit, session, data_url))

    def on_pick(self, visit: Inspection | None, session: Session | None, event: gr.EventData) -> list[Any]:
        return self._act(visit, session, lambda visit: actions.choose(visit, session, _sent(event)))

    def on_point(self, visit: Inspection | None, session: Session | None, event: gr.EventData) -> list[Any]:
        if visit is None:
            return [visit, gr.skip()]
        try:
            heat = actions.point(visit, _sent(event))
        except InputError as error:
            return [visit, view.inside(self.app, visit, session, str(error), error=True)]
        return [visit, view.inside(self.app, visit, session, heat=heat) if heat else gr.skip()]

    async def on_run(
        self, visit: Inspection | None, session: Session | None, event: gr.EventData
    ) -> AsyncIterator[list[Any]]:
        visit, data_url = visit or Inspection(self.app.store), str(_sent(event).get("mask") or "")
        try:
            await asyncio.to_thread(actions.come, visit, session, data_url)
            batch = await asyncio.to_thread(actions.start, self.app, visit, self.recent)
        except InputError as error:
            yield [visit, view.inside(self.app, visit, session, str(error), error=True)]
            return
        try:
            async for shown in changes(
                lambda: view.inside(self.app, visit, session),
                lambda: batch.finished,
                lambda: visit.batch is batch,
            ):
                yield [visit, shown]
        finally:
            batch.stop()  # the page was closed, or all is done and this does nothing

    def on_stop(self, visit: Inspection | None) -> None:
        if visit is not None and visit.batch is not None:
            visit.batch.stop()

    def on_load(self, visit: Inspection | None, session: Session | None, request: gr.Request) -> list[Any]:
        asked = dict(request.query_params) if request else {}
        return self._act(visit, session, lambda visit: actions.arrive(visit, asked))

    def _act(
        self, visit: Inspection | None, session: Session | None, action: Callable[[Inspection], None]
    ) -> list[Any]:
        visit = visit or Inspection(self.app.store)
        try:
            action(visit)
        except InputError as error:
            return [visit, view.inside(self.app, visit, session, str(error), error=True)]
        return [visit, view.inside(self.app, visit, session)]


def _sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event."""
    return event._data if isinstance(event._data, dict) else {}

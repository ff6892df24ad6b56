"""The Inside tab: what a method does between the hole and the fill, frame by frame."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import gradio as gr

from demo.actions import inside as actions
from demo.server.explanation import Explanation
from demo.server.inspection import Inspection
from demo.server.tour import stop_of, with_stop
from demo.server.visit import App, Session
from demo.tabs import Page
from demo.views import inside as view
from demo.views.changes import changes
from demo.widgets.events import EACH, QUIET, RUNS, sent, streaming
from demo.widgets.inside import Inside
from demo.widgets.staying import held, keep_open
from demo.widgets.tour import Tour
from inpainters.errors import InputError


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    InsideTab(page.app).wire(page.blocks, page.session, page.tour)


class InsideTab:
    """The tab's component, and an adapter for each of its events."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.state = held(lambda look: look.close())
        self.inside = Inside(elem_id="inside")
        self.recent: deque[Explanation] = deque(maxlen=actions.KEPT_ORIGINS)

    def wire(self, blocks: gr.Blocks, compare: gr.State, tour: Tour) -> None:
        seen, shown = [self.state, compare], [self.state, self.inside]
        keep_open([self.state])
        self.inside.open(self.on_open, seen, shown, **QUIET, **EACH)
        self.inside.pick(self.on_pick, seen, shown, **QUIET, **EACH)
        self.inside.point(self.on_point, seen, shown, **QUIET, **EACH)
        self.inside.run(self.on_run, seen, shown, **RUNS)
        self.inside.stop(self.on_stop, [self.state], None, **QUIET)
        blocks.load(self.on_load, seen, shown, **QUIET)
        tour.go(self.on_stop_of_tour, seen, shown, **QUIET)

    def on_open(self, look: Inspection | None, session: Session | None, event: gr.EventData) -> list[Any]:
        data_url = str(sent(event).get("mask") or "")
        return self._act(look, session, lambda look: actions.come(look, session, data_url))

    def on_pick(self, look: Inspection | None, session: Session | None, event: gr.EventData) -> list[Any]:
        return self._act(look, session, lambda look: actions.take_pick(look, session, sent(event)))

    def on_point(self, look: Inspection | None, session: Session | None, event: gr.EventData) -> list[Any]:
        if look is None:
            return [look, gr.skip()]
        try:
            heat = actions.point(look, sent(event))
        except InputError as error:
            return [look, view.inside(self.app, look, session, str(error), error=True)]
        return [look, view.inside(self.app, look, session, heat=heat) if heat else gr.skip()]

    async def on_run(
        self, look: Inspection | None, session: Session | None, event: gr.EventData
    ) -> AsyncIterator[list[Any]]:
        look, data_url = look or Inspection(self.app.store), str(sent(event).get("mask") or "")
        try:
            await asyncio.to_thread(actions.come, look, session, data_url)
            batch = await asyncio.to_thread(actions.start_explanation, self.app, look, self.recent)
        except InputError as error:
            async with streaming(session):
                yield [look, view.inside(self.app, look, session, str(error), error=True)]
            return
        try:
            async with streaming(session):
                async for shown in changes(
                    lambda: view.inside(self.app, look, session),
                    lambda: batch.finished,
                    lambda: look.batch is batch,
                    lambda: batch.mark,
                ):
                    yield [look, shown]
        finally:
            batch.stop()  # the page was closed, or all is done and this does nothing

    def on_stop(self, look: Inspection | None) -> None:
        if look is not None and look.batch is not None:
            look.batch.stop()

    def on_load(self, look: Inspection | None, session: Session | None, request: gr.Request) -> list[Any]:
        asked = with_stop(request.query_params if request else {})
        return self._act(look, session, lambda look: actions.arrive(look, asked))

    def on_stop_of_tour(
        self, look: Inspection | None, session: Session | None, event: gr.EventData
    ) -> list[Any]:
        stop = stop_of(sent(event).get("stop"))
        if stop is None or stop.asked["t"] != "inside":
            return [gr.skip(), gr.skip()]
        return self._act(look, session, lambda look: actions.come_to_stop(look, stop.asked))

    def _act(
        self, look: Inspection | None, session: Session | None, action: Callable[[Inspection], None]
    ) -> list[Any]:
        look = look or Inspection(self.app.store)
        try:
            action(look)
        except InputError as error:
            return [look, view.inside(self.app, look, session, str(error), error=True)]
        return [look, view.inside(self.app, look, session)]

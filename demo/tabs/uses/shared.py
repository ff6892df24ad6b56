"""What the parts of the tab share: one adapter for its events, one for its runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

import gradio as gr

from demo.server.jobs import Batch
from demo.server.use_visit import UseVisit
from demo.server.visit import App, Reply, Session
from demo.views.changes import changes, next_rev
from demo.widgets.events import streaming
from demo.widgets.staying import held
from inpainters.errors import InputError

OpenUse = TypeVar("OpenUse", bound=UseVisit)


def closing_state() -> gr.State:
    """Holds a visit, which is closed when its page is gone."""
    return held(lambda visit: visit.close())


def to_results_js(part: str) -> str:
    """Where the results are below the fold, Run goes there."""
    return f"""(...given) => {{
  const main = document.getElementById('{part}');
  if (window.innerWidth <= 900) main?.scrollIntoView({{behavior: 'smooth', block: 'start'}});
  return given;
}}"""


def what_is_said(reply: Reply | None) -> Any:
    """The value of Uploads: what an action has to say, or nothing new."""
    return gr.skip() if reply is None else {"rev": next_rev(), "note": reply.note, "error": reply.error}


class UsePart(Generic[OpenUse]):
    """One use: its components, and an adapter for each of their events."""

    def __init__(self, app: App, visit: type[OpenUse]) -> None:
        self.app, self.visit = app, visit

    def shown(self, visit: OpenUse, reply: Reply | None = None) -> list[Any]:
        """The values of all that it shows."""
        raise NotImplementedError

    def screen(self, visit: OpenUse) -> dict[str, Any]:
        """What changes while it runs."""
        raise NotImplementedError

    def act(self, visit: OpenUse | None, action: Callable[[OpenUse], Reply | None]) -> list[Any]:
        """What an action changes."""
        visit = visit or self.visit(self.app.store)
        try:
            reply = action(visit)
        except InputError as error:
            reply = Reply(str(error), error=True)
        return self.shown(visit, reply)

    async def follow(
        self, visit: OpenUse | None, session: Session | None, begin: Callable[[OpenUse], Batch]
    ) -> AsyncIterator[list[Any]]:
        """Start a run, and tell of it until it has ended."""
        visit, reply, batch = visit or self.visit(self.app.store), Reply(), None
        try:
            batch = await asyncio.to_thread(begin, visit)
        except InputError as error:
            reply = Reply(str(error), error=True)
        async with streaming(session):
            yield await asyncio.to_thread(self.shown, visit, reply)
            if batch is None:
                return
            try:
                async for _ in changes(
                    lambda: self.screen(visit),
                    lambda: batch.finished,
                    lambda: visit.batch is batch,
                    lambda: batch.mark,
                ):
                    yield await asyncio.to_thread(self.shown, visit)
            finally:
                batch.stop()  # the page was closed, or all is done and this does nothing

    def on_stop(self, visit: OpenUse | None) -> None:
        if visit is not None:
            visit.stop()

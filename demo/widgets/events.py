"""How the tabs listen: keywords for Gradio's event listeners, and what an event brought."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr

from demo.server.visit import Session

_HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
QUIET: dict[str, Any] = {**_HIDDEN, "queue": False}
"""Events with one answer go past Gradio's queue: its browser side closes the stream of answers when the last
event is done, and an answer to the next one that is on its way in that moment is lost.
"""
EACH: dict[str, Any] = {"trigger_mode": "multiple"}
"""Gradio's default drops what happens while an earlier event is under way, and its `always_last` sends the
earlier one's data again in place of the last one's. All of a visitor's are answered in turn
(`demo.server.in_order`), so the last answer is the last event's.
"""
RUNS: dict[str, Any] = {**_HIDDEN, "concurrency_limit": None, "trigger_mode": "multiple"}
"""Events with several answers; who works when is settled by the lanes of `demo.server`, not by Gradio. A
press on Run counts while scores of the run before are on their way: Gradio's default drops it. Their
answers are sent within `streaming`.
"""
CLOSING = 0.3
"""Seconds after the end of an event with several answers in which the browser may be closing its stream."""


def download_js(name: str) -> str:
    """A listener that downloads what is behind a token as a file of that name; nothing for an empty token."""
    return f"""(token) => {{
  if (!token) return;
  const link = document.createElement('a');
  link.href = 'pic/' + token + '?name={name}';
  link.download = '{name}';
  link.click();
}}"""


def sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event; it may be anything."""
    return event._data if isinstance(event._data, dict) else {}


@asynccontextmanager
async def streaming(session: Session | None) -> AsyncIterator[None]:
    """Around the answers of an event of `RUNS`: none is sent while the visitor's browser may still be closing
    its stream after the event before, as that one would be lost.
    """
    if session is not None:
        while (left := session.streamed + CLOSING - time.monotonic()) > 0:
            await asyncio.sleep(left)
    try:
        yield
    finally:
        if session is not None:
            session.streamed = time.monotonic()

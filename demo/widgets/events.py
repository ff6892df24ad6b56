"""How the tabs listen: keywords for Gradio's event listeners, and what an event brought."""

from typing import Any

import gradio as gr

_HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
QUIET: dict[str, Any] = {**_HIDDEN, "queue": False}
"""Events with one answer go past Gradio's queue: its browser side closes the stream of answers when the last
event is done, and an answer to the next one that is on its way in that moment is lost.
"""
LAST: dict[str, Any] = {"trigger_mode": "always_last"}
"""Gradio's default drops what happens while an earlier event is under way."""
RUNS: dict[str, Any] = {**_HIDDEN, "concurrency_limit": None, "trigger_mode": "multiple"}
"""Events with several answers; who works when is settled by the lanes of `demo.server`, not by Gradio. A
press on Run counts while scores of the run before are on their way: Gradio's default drops it.
"""


def sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event; it may be anything."""
    return event._data if isinstance(event._data, dict) else {}

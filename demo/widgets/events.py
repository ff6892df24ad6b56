"""How the tabs listen: keywords for Gradio's event listeners, and what an event brought."""

from typing import Any

import gradio as gr

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
LIGHT: dict[str, Any] = {**QUIET, "queue": False}
LAST: dict[str, Any] = {"trigger_mode": "always_last"}
"""Gradio's default drops what happens while an earlier event is under way."""
RUNS: dict[str, Any] = {**QUIET, "concurrency_limit": 32}


def sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event; it may be anything."""
    return event._data if isinstance(event._data, dict) else {}

"""What a page holds on the server stays while it is open, and ends when it is gone."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from demo.widgets.events import QUIET

LEFT_AFTER = 3600
"""Seconds after which what a page holds is let go where it says nothing."""
TOLD_EVERY = 300.0
"""Seconds between two times that an open page says that it is there."""


def held(let_go: Callable[[Any], object]) -> gr.State:
    """Holds an object for a page, None at first; `let_go` is called with it when the page is gone."""

    def gone(one: Any) -> None:
        if one is not None:
            let_go(one)

    return gr.State(None, time_to_live=LEFT_AFTER, delete_callback=gone)


def keep_open(states: Sequence[gr.State], told: Callable[..., list[Any]] | None = None) -> None:
    """They stay while the page is open, whether its visitor does anything or not: Gradio counts from when a
    state was last set. `told`: in place of `still_open`.
    """
    gr.Timer(TOLD_EVERY).tick(told or still_open, list(states), list(states), **QUIET)


def still_open(*objects: Any) -> list[Any]:
    """The same objects; one that is not there yet may begin meanwhile, and is left alone."""
    return [gr.skip() if one is None else one for one in objects]

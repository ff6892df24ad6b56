"""What the page's own components share: constant templates, values in, named events out.

A value reaches the browser through `watch('value')` and becomes DOM by `textContent`; it never enters a
template, because Gradio evaluates rendered template text as JavaScript. An event `name` is listened to as
`component.name(fn)`; `fn` takes a `gr.EventData` whose `_data` is the payload. The payload comes from a
browser: check it. No event is dropped while an earlier one is under way (`trigger_mode="multiple"`, where
Gradio's default is "once").
"""

from abc import ABCMeta
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import gradio as gr
from gradio.component_meta import ComponentMeta, updateable
from gradio.events import EventListener

from demo.widgets.assets import component_script, style


def _event(name: str) -> Callable[..., Any]:
    listener = EventListener(event_name=name).listener

    @wraps(listener)  # gr.on reads the attributes of the original
    def listen(self: "Widget", *args: Any, trigger_mode: str | None = "multiple", **kwargs: Any) -> Any:
        return listener(self, *args, trigger_mode=trigger_mode, **kwargs)

    return listen


class _Meta(ComponentMeta):
    """Gradio's metaclass writes a .pyi file beside each component when it is imported;
    importing ours does nothing.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> type:
        events = {event: _event(event) for event in attrs.get("SENDS", ())}
        if "__init__" in attrs:
            attrs["__init__"] = updateable(attrs["__init__"])
        return ABCMeta.__new__(cls, name, bases, attrs | events)


class Widget(gr.HTML, metaclass=_Meta):
    """A component drawn by `widgets/<ASSET>.js`, which exports `mount`, and `widgets/<ASSET>.css`, with the
    parts that they import.

    `value`: JSON as the subclass documents it, or None. The browser drops a value whose `rev` is lower than
    the last one's. Other keywords go to `gr.HTML` (elem_id, visible, min_height, ...).
    """

    ASSET: ClassVar[str]
    SENDS: ClassVar[tuple[str, ...]] = ()
    """Names of the events the browser sends."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        fixed = {
            "html_template": f'<div class="widget {self.ASSET}"></div>',
            "css_template": style("common.css", f"{self.ASSET}.css"),
            "js_on_load": component_script(f"{self.ASSET}.js"),
            "apply_default_css": False,
            "padding": False,
        }
        super().__init__(value, **{**kwargs, **fixed})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": {}, "description": "any valid json"}

    def example_payload(self) -> Any:
        return None

    def example_value(self) -> Any:
        return None

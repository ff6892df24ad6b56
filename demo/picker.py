"""Which methods to run, by family."""

from typing import Any

from demo.widget import Widget

_MOST = 200


class Picker(Widget):
    """Methods in groups, one tick each.

    Value: `{families: [{id, name?, methods: [{id, title?, cost, why?, help?}]}], chosen?: [method id, ...], rev?}`. `family.id` is one
    of `inpainters.base.FAMILIES`; `cost` is text ("under 1 s"); `why` is the sentence that says why a method is disabled here; `help` opens
    on hover. Without `chosen` what is ticked stays.

    Event: `choose{ids}`, in the order shown. As an input of a function the component gives the chosen ids, a list of text.
    """

    ASSET = "picker"
    SENDS = ("choose",)

    def preprocess(self, payload: Any) -> list[str]:
        chosen = payload.get("chosen", []) if isinstance(payload, dict) else payload
        return [item for item in chosen if isinstance(item, str)][:_MOST] if isinstance(chosen, list) else []

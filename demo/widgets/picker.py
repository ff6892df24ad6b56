"""Which methods to run, by family, and their settings."""

from typing import Any, NamedTuple

from demo.widgets.widget import Widget

_MOST = 200


class Choice(NamedTuple):
    """What stands on the page. It comes from a browser: methods, options and values may be any."""

    ids: list[str]
    """Methods that are ticked."""
    options: dict[str, dict[str, object]]
    """Method -> option -> value, for those that a visitor or a link has set."""
    purpose: str = ""
    """The one that was last taken on this page; empty before."""


class Picker(Widget):
    """Purposes, each of which ticks its methods, and a sheet with all of them in groups, one tick each, with
    their settings folded away.

    `about`: `{method id: {title, family, summary, paper, year, link, licence, weights: [{title, trained_on,
    licence, parameters?, limits}]}}`: what a method's popover says.

    Value: `{families: [{id, name?, methods: [method, ...]}], absent?: [{id, title, why}], purposes?: [{id,
    title, help, ids}], chosen?: [method id, ...], options?: {method id: {option: value}}, wrong?: {method id:
    sentence}, rev?}`. `absent` are those that cannot run here, `why` in one sentence.
    `family.id` is one of `inpainters.families.FAMILIES`. Without `chosen` what is ticked stays, without
    `options` what stands in the fields.

    * method: `{id, title?, cost, note?, options?: [option, ...]}`. `cost` is text ("under 1 s"), `note` a
      line under the name.
    * option: `{name, kind, default, help, choices, minimum, maximum, preset?}`, kind = choice, int, float or
      bool. One whose `preset` is true stands in the row itself.

    Event: `choose{ids, options, purpose?}`, ids in the order shown. As an input of a function the component
    gives a `Choice`.
    """

    ASSET = "picker"
    SENDS = ("choose",)

    def __init__(self, value: Any = None, about: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(value, about=about or {}, **kwargs)

    def preprocess(self, payload: Any) -> Choice:  # type: ignore[override]
        chosen, options = (
            (payload.get("chosen"), payload.get("options")) if isinstance(payload, dict) else (payload, None)
        )
        ids = [item for item in chosen if isinstance(item, str)][:_MOST] if isinstance(chosen, list) else []
        own = (
            {name: given for name, given in options.items() if isinstance(given, dict)}
            if isinstance(options, dict)
            else {}
        )
        purpose = payload.get("purpose") if isinstance(payload, dict) else ""
        return Choice(ids, own, purpose if isinstance(purpose, str) else "")

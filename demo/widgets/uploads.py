"""Buttons that take files, and examples beside them."""

from collections.abc import Sequence
from typing import Any

from gradio.data_classes import FileData, GradioModel

from demo.widgets.widget import Widget


class UploadsData(GradioModel):
    """What travels between page and server. The paths in `files` are checked by Gradio: only what was
    uploaded passes.
    """

    rev: int = 0
    """Rises with every value the server sends; the page drops older ones."""
    files: tuple[FileData, ...] = ()
    """Page to server: what was just uploaded."""
    names: tuple[str, ...] = ()
    """Their names on the visitor's machine."""
    kind: str = ""
    """The kind of the button that took them."""
    note: str = ""
    error: bool = False


class Uploads(Widget):
    """Buttons that take files, one after the other, and what the server says of them.

    `takes`: `[{kind, text, several}]`, a button each; files that are dropped anywhere else on the page go
    to the first of these. `samples`: `[{id, title, src}]`. `owner`: Ctrl+Enter presses `<owner>-run`.

    Events: `open{}` when it comes into view, `files{}` (they are in the value), `sample{id}`.
    """

    ASSET = "uploads"
    SENDS = ("open", "files", "sample")
    data_model = UploadsData

    def __init__(
        self,
        owner: str,
        takes: Sequence[dict[str, Any]],
        samples: Sequence[dict[str, Any]] = (),
        **kwargs: Any,
    ) -> None:
        props = {"owner": owner, "takes": list(takes), "samples": list(samples)}
        super().__init__(UploadsData(), **props, **kwargs)

    def preprocess(self, payload: UploadsData | None) -> UploadsData:  # type: ignore[override]
        return payload or UploadsData()

    def postprocess(self, value: UploadsData | dict[str, Any] | None) -> UploadsData:  # type: ignore[override]
        return value if isinstance(value, UploadsData) else UploadsData(**(value or {}))

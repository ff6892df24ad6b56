"""The mask editor: paints a mask over a picture that the server keeps."""

from collections.abc import Sequence
from typing import Any

from gradio.data_classes import FileData, GradioModel

from demo.widgets.widget import Widget


class EditorData(GradioModel):
    """What travels between page and server. The path in `picture` is checked by Gradio: only what was
    uploaded passes.
    """

    rev: int = 0
    """Rises with every value the server sends; the page drops older ones."""
    picture: FileData | None = None
    """Page to server: a file that was just uploaded."""
    name: str = ""
    """Its name on the visitor's machine."""
    preview: str | None = None
    """Server to page: URL of the picture to draw on; a new one empties the canvas."""
    title: str = ""
    """What the picture is called below the stage; empty for one that the visitor has chosen."""
    w: int = 0
    h: int = 0
    mask: str | None = None
    """URL of a mask to load (white = missing); None leaves the painted one alone."""
    how: str = ""
    """"add" or "remove": what the mask does to the painted one, whose place it takes otherwise."""
    feather: int | None = None
    """Pixels of the mask's soft edge; None leaves the slider alone."""
    note: str = ""
    error: bool = False
    offers: tuple[dict[str, str], ...] = ()
    """`{id, text}` of buttons behind the note."""
    transparent: bool = False
    """True where the file has transparent pixels, which can be taken as the mask."""
    sample: str | None = None
    """The example in view."""
    own: bool = False
    """True where no link can bring the picture back."""
    finished: bool = False
    """True where picture and mask are the page's finished example: the first stroke begins a mask anew."""
    framed: bool = False
    """True where the picture is the one before in another frame: undo leads back to that."""
    query: str | None = None
    """The page's query string, for links."""
    visit: str | None = None
    """Id of the visit: the tab keeps it, with the painted mask, for a reload."""


class MaskEditor(Widget):
    """A picture to paint on, with what opens pictures above it and what draws masks below.

    `samples`: `[{id, title, src}]`; `generators`: `[{id, title, fixed}]`, `fixed` = the ratio as text or
    None; `follows`: titles of the methods that follow a sketch; without any there is no tool for one.
    `finds`: what the server can find in a picture, in words. `feathers`: whether there is a slider for a soft
    edge. `owner`: the tab's id, which its elements' ids begin with; Ctrl+Enter presses `<owner>-run`.
    `takes`: picture, or clip for files of which the server shows the first frame.

    Events: `picture{}`, `maskfile{}` and `archive{}`, a zip of this page (the file is in the value),
    `tool{kind, ...}` with kind sample{id}, generate{name, ratio, seed}, offer{id}, transparent, handed,
    find{marks}, object{left, top, right, bottom, add}, extend{top, left, bottom, right},
    straighten{degrees}, corners{corners}, borders or back, and `mask{count, bbox, holes, feather,
    digest, by}` after each change; bbox = top, left, bottom, right, and holes the same with a count for
    each group of pixels that are to be filled, the feather's among them. In the browser,
    `inpainting.masks[owner]()`, of Compare also `inpainting.mask()`, resolves to the mask as a PNG data URL
    of the picture's own size, alpha 255 = missing, red 255 = a line of the sketch, with its digest and its
    feather as parameters of the type, or ''.
    """

    ASSET = "mask_editor"
    SENDS = ("picture", "maskfile", "archive", "tool", "mask")
    KEYS = (
        ("B E M L S", "Brush, eraser, box, lasso, sketch"),
        ("O", "Select a thing by a box around it, or a click on it"),
        ("X, arrows, Enter", "Extend the picture"),
        ("P, arrows, Enter", "Make what is seen askew upright, by its four corners"),
        ("[ ] or wheel", "Brush size"),
        ("Hold Alt", "Take away instead of add"),
        ("I", "Invert"),
        ("Shift ↑ ↓", "Grow, shrink"),
        ("Ctrl Z, Ctrl Shift Z", "Undo, redo"),
        ("Space and drag", "Pan"),
        ("Ctrl and wheel, + − 0", "Zoom, fit"),
        ("Arrows, Enter", "Move and paint without a mouse"),
    )
    data_model = EditorData

    def __init__(
        self,
        samples: list[dict[str, Any]],
        generators: list[dict[str, Any]],
        follows: list[str] | None = None,
        *,
        finds: Sequence[str] = (),
        feathers: bool = False,
        owner: str = "compare",
        takes: str = "picture",
        **kwargs: Any,
    ) -> None:
        props = {"samples": samples, "generators": generators, "follows": follows or [], "finds": list(finds)}
        props["feathers"] = feathers
        super().__init__(EditorData(), **props, owner=owner, takes=takes, **kwargs)

    def preprocess(self, payload: EditorData | None) -> EditorData:  # type: ignore[override]
        return payload or EditorData()

    def postprocess(self, value: EditorData | dict[str, Any] | None) -> EditorData:  # type: ignore[override]
        return value if isinstance(value, EditorData) else EditorData(**(value or {}))

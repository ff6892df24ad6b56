"""The line above the tabs: name, theme, list of keys; and what the page's head carries."""

from demo.widgets.clip_player import ClipPlayer
from demo.widgets.inside import Inside
from demo.widgets.mask_editor import MaskEditor
from demo.widgets.panes import Panes
from demo.widgets.widget import Widget

HEAD_TAGS = '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
PAGE_KEYS = (
    ("Ctrl Enter", "Run"),
    ("Ctrl .", "Stop"),
    ("← →", "Between tabs, in the tab bar"),
    ("?", "This list"),
)


class Header(Widget):
    """`{title, keys: [[group, [[keys, what], ...]], ...]}`; sends nothing."""

    ASSET = "header"


def place(title: str) -> None:
    """Place the header."""
    keys = [
        ["Everywhere", PAGE_KEYS],
        ["Mask, once it has the focus", MaskEditor.KEYS],
        ["Pictures, once they have the focus", Panes.KEYS],
    ]
    keys.append(["Inside, once it has the focus", Inside.KEYS])
    keys.append(["Clip, once it has the focus", ClipPlayer.KEYS])
    Header({"title": title, "keys": keys}, elem_id="header")

"""The one place that reads the page's styles and scripts."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def asset(name: str) -> str:
    """Return the text of `widgets/<name>`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def bundle(*names: str) -> str:
    """Return several assets as one text, in the order given."""
    return "\n".join(asset(name) for name in names)


def style_tag(*names: str) -> str:
    """Return the assets as one `<style>` element for the page's head: `style_tag("tokens.css")`."""
    return f"<style>{bundle(*names)}</style>"

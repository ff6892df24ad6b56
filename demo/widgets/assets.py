"""The one place that reads the page's styles and scripts.

Both say at their top what they need: a style by `@import "./other.css";`, a script, which is a module, by
`import { a, b } from "./other.js";`. Gradio takes one text for each component, so they are put together here:
each script in a function of its own, which returns what it exports.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from demo.widgets import families

_FOLDER = Path(__file__).parent
_STYLE_IMPORT = re.compile(r'^@import "\./(?P<file>[\w.]+)";\n', re.MULTILINE)
_SCRIPT_IMPORT = re.compile(r'^import (?P<names>\{[^}]*\}) from "\./(?P<file>[\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|const) (?P<name>\w+))", re.MULTILINE)


MADE: dict[str, Callable[[], str]] = {
    "families.js": families.families_script,
    "families.css": families.families_style,
}
"""Assets that are written from a table, not read from a file."""


@cache
def asset(name: str) -> str:
    """Return the text of `widgets/<name>`."""
    return MADE[name]() if name in MADE else (_FOLDER / name).read_text(encoding="utf-8")


def parts(*names: str) -> list[str]:
    """Return the names of assets and of all that they import, each once, after those that it needs."""
    return list(dict.fromkeys(part for name in names for part in _with_imports(name)))


def _with_imports(name: str) -> Iterator[str]:
    pattern = _SCRIPT_IMPORT if name.endswith(".js") else _STYLE_IMPORT
    for found in pattern.finditer(asset(name)):
        yield from _with_imports(found["file"])
    yield name


def style(*names: str) -> str:
    """Return styles with all that they import as one text."""
    return "\n".join(_STYLE_IMPORT.sub("", asset(name)) for name in parts(*names))


def style_tag(*names: str) -> str:
    """Return styles as one `<style>` element for the page's head: `style_tag("tokens.css")`."""
    return f"<style>{style(*names)}</style>"


def script(name: str) -> str:
    """Return a script with its imports as one text; the constant `a_b` holds what `a.b.js` exports."""
    return "\n".join(_as_constant(part) for part in parts(name))


def component_script(name: str) -> str:
    """Return the body of the function that Gradio calls for each component: `mount` of script `name`."""
    return f"{script(name)}\n{_scope(name)}.mount({{ element, props, trigger, upload, watch }});\n"


def _scope(name: str) -> str:
    return name.removesuffix(".js").replace(".", "_")


def _as_constant(name: str) -> str:
    text = asset(name)
    body = _SCRIPT_IMPORT.sub(lambda found: f"const {found['names']} = {_scope(found['file'])};\n", text)
    exported = ", ".join(found["name"] for found in _EXPORT.finditer(text))
    return f"const {_scope(name)} = (() => {{\n{_EXPORT.sub('', body)}return {{ {exported} }};\n}})();"

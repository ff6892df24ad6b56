"""Methods as cards: the idea, a drawing of it, paper, licence, weights, cost, and what it did best and
worst.
"""

from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.parse import urlencode

from demo.server.outcomes import ShownFill, outcomes
from demo.server.purposes import PURPOSES, USUAL
from demo.server.store import url
from demo.server.visit import App
from demo.views.about import about_all
from demo.views.prose import with_code
from inpainters import registry
from inpainters.costs import spoken
from inpainters.families import FAMILIES
from inpainters.spec import MethodSpec
from inpainters.strategy import workload


def methods_page(app: App) -> str:
    """HTML of the filters and all cards."""
    specs = list(registry.METHODS.values())
    shown = outcomes(app.store, app.results)
    suited = {purpose: set(one.choose()) for purpose, one in PURPOSES.items()}
    purposes = {spec.name: [one for one, names in suited.items() if spec.name in names] for spec in specs}
    cards = "\n".join(_card(spec, purposes[spec.name], shown.get(spec.name, ())) for spec in specs)
    return f'<div class="methods">{_filters(specs)}<div class="cards">{cards}{_yours()}</div></div>'


# --- filters --------------------------------------------------------------------------------------


def _filters(specs: Iterable[MethodSpec]) -> str:
    """Radio buttons; the rules that hide cards stand beside them, so that no script is needed."""
    families = [name for name in FAMILIES if any(spec.family == name for spec in specs)]
    by_family = {name: FAMILIES[name].title for name in families}
    by_purpose = {name: one.title for name, one in PURPOSES.items() if name != "all"}
    rules = [_rule("family", name, f'[data-family="{name}"]') for name in by_family]
    rules += [_rule("purpose", name, f'[data-purposes~="{name}"]') for name in by_purpose]
    return (
        f"<style>{''.join(rules)}</style>"
        f'<div class="filters">{_group("family", "Family", by_family)}'
        f"{_group('purpose', 'For', by_purpose)}</div>"
    )


def _rule(group: str, name: str, kept: str) -> str:
    return (
        f"#methods-cards .methods:has(#methods-{group}-{name}:checked) "
        f".method-card:not({kept}){{display:none}}"
    )


def _group(group: str, title: str, choices: dict[str, str]) -> str:
    buttons = "".join(
        f'<label><input type="radio" name="methods-{group}" id="methods-{group}-{name}"'
        f"{' checked' * (name == 'any')}><span>{escape(text)}</span></label>"
        for name, text in {"any": "All", **choices}.items()
    )
    return f"<fieldset><legend>{title}</legend>{buttons}</fieldset>"


# --- cards ----------------------------------------------------------------------------------------


def _card(spec: MethodSpec, purposes: list[str], shown: tuple[ShownFill, ...]) -> str:
    about, family = about_all()[spec.name], FAMILIES[spec.family]
    why = registry.unavailable(spec.name)
    return (
        f'<article class="method-card" id="method-{spec.name}" data-family="{spec.family}" '
        f'data-purposes="{" ".join(purposes)}" style="--own: var(--family-{spec.family})">'
        f'<h2><span class="sign" aria-hidden="true">{family.sign}</span> {escape(spec.title)}</h2>'
        f'<p class="kind">{escape(family.title)}{f", {spec.year}" if spec.year else ""}</p>'
        f"{diagram(spec.family)}<p>{escape(spec.summary)}</p>{_facts(spec, about)}{_limits(about)}"
        f"{_pictures(shown)}{_ways(spec, about, why)}</article>"
    )


def _facts(spec: MethodSpec, about: dict[str, Any]) -> str:
    seconds = spoken(workload(USUAL, spec).seconds)
    facts = {"Time": f"{seconds} for a tenth of 512×512 pixels, on one core", "Licence": about["licence"]}
    for weights in about["weights"]:
        count = f", {weights['parameters'] / 1e6:.1f} million parameters" if weights["parameters"] else ""
        facts["Learned from"] = f"{weights['trained_on']}{count}"
    if spec.stochastic:
        facts["Answers"] = "another with each seed"
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in facts.items())
    return f"<dl>{rows}</dl>"


def _limits(about: dict[str, Any]) -> str:
    limits = [text for weights in about["weights"] for text in weights["limits"]]
    items = "".join(f"<li>{escape(text)}</li>" for text in dict.fromkeys(limits))
    return f"<details><summary>What it cannot do</summary><ul>{items}</ul></details>" if items else ""


def _pictures(shown: tuple[ShownFill, ...]) -> str:
    """Its best and its worst fill, each beside the hole."""
    figures = "".join(
        f'<figure><img src="{url(one.masked)}" alt="The hole" loading="lazy">'
        f'<img src="{url(one.fill)}" alt="{escape(one.said)}" loading="lazy">'
        f"<figcaption>{escape(one.said)}</figcaption></figure>"
        for one in shown
    )
    return f'<div class="pair">{figures}</div>' if figures else ""


def _ways(spec: MethodSpec, about: dict[str, Any], why: str | None) -> str:
    paper = (
        f'<a href="{escape(about["link"])}" rel="noopener" target="_blank">Paper</a>' if about["link"] else ""
    )
    said = f'<p class="why">{with_code(why)}</p>' if why else ""
    # in a tab of its own: the page is loaded anew, and what is open here would be gone
    link, apart = urlencode({"t": "compare", "m": spec.name}), 'target="_blank" rel="noopener"'
    tried = "" if why else f'<a class="try" href="?{link}" {apart}>Try it</a>'
    return f'{said}<p class="ways">{tried}{paper}<span>{escape(about["paper"] or "")}</span></p>'


YOURS = (
    "A class or a function of yours stands beside these: `python app.py --method "
    "my_module:my_method --trust`. So "
    "does an exported file (`torchscript:FILE`, `onnx:FILE`), or a folder of your fills in the benchmark "
    "(`outputs:FOLDER`). `python -m inpainters check my_module:my_method` says whether it keeps the contract."
)


def _yours() -> str:
    return f'<article class="method-card" id="method-yours"><h2>Yours</h2><p>{with_code(YOURS)}</p></article>'


# --- drawings -------------------------------------------------------------------------------------


def diagram(family: str) -> str:
    """How a family works, as a small drawing."""
    draw = _DIAGRAMS.get(family)
    if draw is None:
        return ""
    words, body = draw()
    said = escape(words)
    head = f'<svg class="idea" viewBox="0 0 240 64" role="img" aria-label="{said}">'
    return f"{head}<title>{said}</title>{body}</svg>"


def _box(kind: str, x: float, y: float, w: float, h: float) -> str:
    return f'<path class="{kind}" d="M{x} {y}h{w}v{h}h-{w}z"/>'


def _photo(x: float, hole: str = "hole") -> str:
    """A picture with its hole; `hole` is what is in it."""
    return _box("known", x, 8, 48, 48) + _box(hole, x + 14, 22, 20, 20)


def _arrow(x: float, length: float = 20) -> str:
    return f'<path class="arrow" d="M{x} 32h{length}m-5 -4l5 4l-5 4"/>'


def _flat() -> tuple[str, str]:
    return "Every missing pixel gets one value.", _photo(8) + _arrow(64) + _photo(92, "fill")


def _inward() -> tuple[str, str]:
    """From the edge inwards."""
    arrows = "".join(
        f'<path class="arrow" d="M{x} {y}l{dx} {dy}"/>'
        for x, y, dx, dy in ((106, 32, 8, 0), (126, 32, -8, 0), (116, 22, 0, 8), (116, 42, 0, -8))
    )
    return "Values run from the edge into the hole.", _photo(8) + _arrow(64) + _photo(92, "fill") + arrows


def _copied() -> tuple[str, str]:
    patch = _box("part", 12, 12, 10, 10) + _box("part", 36, 26, 10, 10)
    line = '<path class="arrow" d="M24 18l10 9"/>'
    return "Pieces of the known part are copied into the hole.", _photo(8) + patch + line


def _network() -> tuple[str, str]:
    sizes = ((90, 40), (102, 28), (114, 18), (126, 28), (138, 40))
    bars = "".join(_box("part", x, 32 - h / 2, 7, h) for x, h in sizes)
    return "A network draws the hole in one pass.", _photo(8) + _arrow(60) + bars + _arrow(152) + _photo(
        184, "fill"
    )


def _steps() -> tuple[str, str]:
    stages = "".join(_photo(x, kind) for x, kind in ((8, "noise"), (96, "haze"), (184, "fill")))
    return "The hole is cleaned of noise, step by step.", stages + _arrow(66) + _arrow(154)


def _codes() -> tuple[str, str]:
    code = _box("noise", 86, 20, 24, 24) + _box("fill", 128, 20, 24, 24)
    return (
        "The same with small codes of the picture, which a decoder turns into pixels.",
        _photo(8) + _arrow(62) + code + _arrow(113, 12) + _arrow(158) + _photo(184, "fill"),
    )


def _own() -> tuple[str, str]:
    loop = '<path class="arrow" d="M108 14a22 18 0 1 1 -4 1m-1 -5l1 5l5 -1"/>'
    return "A fresh network is trained on this picture alone.", _photo(8) + _arrow(62) + loop + _arrow(
        150
    ) + _photo(184, "fill")


_DIAGRAMS = {
    "baseline": _flat,
    "smoothing": _inward,
    "patch": _copied,
    "convolutional": _network,
    "diffusion": _steps,
    "latent": _codes,
    "own_prior": _own,
}

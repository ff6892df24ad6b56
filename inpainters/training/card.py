"""The card of trained weights for people. `python -m inpainters.training.card [NAME ...]` writes the bundled
cards anew: their words from the recipes that have not moved on, all else from the facts beside them.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inpainters import commandline
from inpainters.errors import unknown
from inpainters.imaging import save_bytes
from inpainters.training.recipe import Recipe, load_recipe
from inpainters.weights.files import CHECKPOINTS

Facts = Mapping[str, Any]
"""What NAME.json holds: plain values, as `export.facts` collects them."""

NO_GPU = "no GPU"
"""Ends the hardware of weights that a recipe's `[cpu]` section trained."""
LOSSES = {
    "hole": "pixels in the hole",
    "valid": "pixels outside it",
    "coarse": "pixels of the coarse picture",
    "perceptual": "perceptual distance",
    "style": "style",
    "boundary": "smoothness at the hole's edge",
    "adversarial": "adversarial",
    "features": "features of the discriminator",
    "denoising": "denoising",
}
"""Term of the loss -> its name for people."""
SEEN = {"squeezenet": ("SqueezeNet", "lpips_squeeze"), "vgg16": ("VGG16", "lpips_vgg")}
"""What weights were trained with -> its name for people, and a metric that looks through it."""
_MORE = {
    "width": " The network was then made wider, without changing what it computes.",
    "attention": " The network was then given more attention layers, at first with an output of 0.",
    "inputs": " The network was then given more inputs, at first with weight 0.",
}
"""What a network has more of than the weights that it began with had -> a sentence."""


def words(recipe: Recipe) -> dict[str, Any]:
    """What a card has from its recipe word for word."""
    return {
        "title": recipe.title,
        "paper": recipe.paper,
        "departures": list(recipe.departures),
        "limits": list(recipe.limits),
    }


def write_card(facts: Facts, folder: Path) -> None:
    """Write `NAME.json` for programs and `NAME.md` for people."""
    path = folder / f"{facts['method']}.json"
    save_bytes(path, (json.dumps(facts, indent=2) + "\n").encode())
    save_bytes(path.with_suffix(".md"), card_markdown(facts).encode())


def card_markdown(facts: Facts) -> str:
    """The card as Markdown."""
    sections = (
        f"# {facts['title'] or facts['method']}: bundled weights",
        f"The network of: {facts['paper']}. {facts['parameters']:,} parameters, stored as 16-bit numbers.",
        _terms(facts),
        _training(facts),
        _mark(facts),
        _list("What it cannot do", facts["limits"]),
        _list("Departures from the paper", facts["departures"]),
        _validation(facts),
        _moved(facts),
        "**To train on** from these weights, where the folders are those of the table above:",
        f"    {continuing(facts)}",
    )
    return "\n\n".join(filter(None, sections)) + "\n"


def _terms(facts: Facts) -> str:
    data = "\n".join(f"| {d['name']} | {d['pictures']:,} | {d['terms']} |" for d in facts["data"])
    unread = f" {facts['skipped']} could not be read." if facts["skipped"] else ""
    return (
        "**Terms.** The weights are for research and comparison, not for a product, as the pictures that "
        "they were trained on are for research.\n\n"
        f"| data | pictures | terms |\n| --- | ---: | --- |\n{data}\n\n"
        f"{facts['held_out']} of these pictures were kept out of the training, for validation.{unread}"
    )


def _training(facts: Facts) -> str:
    size = f"{facts['crop']}×{facts['crop']}"
    falling = facts["decay_steps"]
    lines = (
        f"**Trained for** {_hours(facts)}:",
        _started(facts),
        f"* {facts['steps']:,} steps, each with {facts['batch']} crops of {size} pixels."
        + (f" The learning rate fell over the last {falling:,} steps." if falling else ""),
        _history(facts.get("history")),
        _masks(facts),
        _covers(facts),
        f"* Loss, each part with its weight: {_losses(facts)}.",
        f"* {facts['guide']:.0%} of the samples came with a sketch of edges in the hole."
        * bool(facts["guide"]),
    )
    return lines[0] + "\n\n" + "\n".join(filter(None, lines[1:]))


def _hours(facts: Facts) -> str:
    """How long, and on what: the weights that it began with may have learned elsewhere."""
    started, hardware = facts.get("started") or {}, facts["hardware"]
    if started.get("hardware", hardware) == hardware:
        return f"{facts['hours']:g} hours on {hardware}"
    return f"{facts['hours']:g} hours, the last {facts['hours'] - started['hours']:.2g} of them on {hardware}"


def _started(facts: Facts) -> str:
    """What the run was started from; nothing where it began with fresh weights."""
    if not (started := facts.get("started")):
        return ""
    fresh = [f" Its part '{part}' began with fresh weights." for part in started.get("fresh", ())]
    where = f" on {started['hardware']}" if started.get("hardware") else ""
    grown = [_MORE[what] for what in started.get("grown", ())]
    return (
        f"* It began with weights that had learned before: {started['parameters']:,} parameters, "
        f"{started['crops']:,} crops in {started['hours']:g} hours{where}, which are counted here."
        + "".join(grown + fresh)
    )


def _history(history: Sequence[Mapping[str, Any]] | None) -> str:
    """Where one recipe did not hold from the first step to the last."""
    if not history:
        return ""
    first, *later = (f"{entry['step']:,}" for entry in history)
    changed = f" The recipe changed at step {' and '.join(later)}." if later else ""
    before = f" What the recipe was before step {first} is not recorded." if first != "0" else ""
    return f"*{before}{changed}" if before or changed else ""


def _moved(facts: Facts) -> str:
    """Where the recipe is no longer the one of these weights."""
    moved = facts.get("moved_on")
    if not moved:
        return ""
    names = [name.replace("_", " ") for name in moved]
    listed = ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]
    return (
        f"**The recipe has moved on** since these weights were trained: `{facts['method']}.toml` has other "
        f"settings now for {listed}. Those of these weights are in "
        f"[{facts['method']}.json]({facts['method']}.json)."
    )


def continuing(facts: Facts) -> str:
    """The command that trains on from these weights, or from where such a run was stopped."""
    method, folders = facts["method"], " ".join(sorted(row["name"] for row in facts["data"]))
    return f"python -m inpainters.training {method} --data {folders} --from bundled --resume"


def moved_on(facts: Facts, recipe: Recipe) -> list[str]:
    """The settings of the recipe that are others than the facts have; those that these do not name are left
    out.
    """
    now, plain = recipe.settings(), Recipe(recipe.method).settings()
    return [name for name in now if name in facts and _whole(facts[name], plain[name]) != now[name]]


def _whole(given: Any, plain: Any) -> Any:
    """A section with the defaults of what was added to it since."""
    return {**plain, **given} if isinstance(given, Mapping) else given


def _masks(facts: Facts) -> str:
    if facts.get("objective", "inpainting") in ("denoising", "autoencoding"):
        return ""
    mix = ", ".join(f"{share:.0%} {name}" for name, share in facts["masks"]["mix"].items())
    return f"* Masks: {mix}; {extent(facts['masks'])}."


def _covers(facts: Facts) -> str:
    """How deep a hole these weights know."""
    known = facts.get("covers")
    if not known:
        return ""
    return f"* That covers pictures of {known['side']} px a side with holes up to {known['depth']:g} px deep."


def extent(masks: Mapping[str, Any]) -> str:
    """Which part of the picture was missing, in words."""
    share = f"holes of {masks['low']:.0%} to {masks['high']:.0%}"
    if masks["window"] == 1:
        return f"{share} of the picture"
    square = f"of a centre square with {masks['window']:.0%} of the side"
    return (
        f"{share} {square}; {masks['whole']:.0%} of the masks take all of it, {masks['beyond']:.0%} also "
        "lack strips along the border"
    )


def _losses(facts: Facts) -> str:
    losses = facts["losses"]
    names = {**LOSSES, "hole": "pixels"} if facts.get("objective") == "autoencoding" else LOSSES
    used = ", ".join(f"{name} {losses[term]:g}" for term, name in names.items() if losses.get(term))
    return used + (f". Perceptual network: {losses['network']}" if losses["network"] != "none" else "")


def _mark(facts: Facts) -> str:
    seen = [SEEN[name] for name in facts["trained_with"]]
    if not seen:
        return "No perceptual network was used in training these weights."
    names, metrics = (" and ".join(part) for part in zip(*seen, strict=True))
    return (
        f"**Mark †.** These weights were trained for a small distance by {names}. Measures by the same "
        f"network, such as `{metrics}`, flatter them: tables mark such figures with †. Look at PSNR and SSIM "
        "in the hole as well."
    )


def _list(title: str, sentences: Iterable[str]) -> str:
    return "\n".join([f"**{title}**", "", *(f"* {line}" for line in sentences or ["Not stated."])])


def _validation(facts: Facts) -> str:
    found = facts["validation"]
    n = max((int(scores["pictures"]) for rows in found.values() for scores in rows.values()), default=0)
    whole = facts.get("objective") == "autoencoding"
    within = "" if whole else " in the hole"
    several = len(found) > 1
    rows = "\n".join(
        _scores(name, f", {kind} holes" * several, scores, facts)
        for kind, methods in found.items()
        for name, scores in methods.items()
    )
    telea = any("telea" in methods for methods in found.values())
    beside = " Telea needs no training and is here for comparison." * telea
    head = (
        f"| {'weights' if whole else 'method'} (n = {n}) | LPIPS-squeeze ↓ | L1{within} ↓ | PSNR{within} ↑ |"
    )
    curve = f"\n\n![Validation curve]({facts['method']}.png)" if found else ""
    n_each = f"{n} pictures" + " of each kind of holes" * several
    return (
        f"**Validation** on n = {n_each} that were kept out of the training, {_task(facts)}.{beside} "
        f"↓: lower is better, ↑: higher is better.\n\n{head}\n| --- | ---: | ---: | ---: |\n{rows}{curve}"
    )


def _task(facts: Facts) -> str:
    """What the validation asked of the weights."""
    objective = facts.get("objective", "inpainting")
    if objective == "autoencoding":
        return "each encoded and decoded again"
    missing = "all of the square" if facts["masks"]["window"] < 1 else "20% or more"
    by = ", filled by `ddnm`" if objective == "denoising" else ""
    return f"with {missing} missing{by}; known pixels are put back before scoring"


def _scores(name: str, kind: str, scores: Mapping[str, float], facts: Facts) -> str:
    marked = "squeezenet" in facts["trained_with"] and name == facts["method"]
    figures = (
        _number(scores, "lpips_squeeze", 4),
        _number(scores, "l1_hole", 4),
        _number(scores, "psnr_hole", 2),
    )
    return f"| {name}{kind}{' †' * marked} | " + " | ".join(figures) + " |"


def _number(scores: Mapping[str, float], name: str, digits: int) -> str:
    return f"{scores[name]:.{digits}f}" if name in scores else "– (its network's weights were not there)"


def renew(path: Path) -> None:
    """Write the card of the facts at `path` anew, with the words that its recipe has now, unless the recipe
    has moved on: its words are of other weights then.
    """
    facts = json.loads(path.read_text(encoding="utf-8"))
    recipe = _recipe_of(facts)
    moved = moved_on(facts, recipe)
    data = [{**row, "terms": recipe.terms.get(row["name"], row["terms"])} for row in facts["data"]]
    write_card({**facts, **({} if moved else words(recipe)), "data": data, "moved_on": moved}, path.parent)


def _recipe_of(facts: Facts) -> Recipe:
    """The recipe as it is now; on a GPU that of the slim network, where these weights are of it."""
    if facts["hardware"].endswith(NO_GPU):
        return load_recipe(facts["method"])
    slim = load_recipe(facts["method"], device="cuda", slim=True)
    return slim if slim.network == facts["network"] else load_recipe(facts["method"], device="cuda")


def main(argv: Sequence[str] | None = None) -> int:
    """Write bundled cards anew; returns the exit code."""
    parser = commandline.Parser(
        prog="python -m inpainters.training.card", description="Write the bundled weights' cards anew."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="weights (default: all that are bundled)")
    parser.set_defaults(command=lambda arguments: _main(arguments.names))
    return commandline.run_command(parser, argv)


def _main(names: Sequence[str]) -> int:
    bundled = {path.stem: path for path in sorted(CHECKPOINTS.glob("*.json"))}
    for name in names or bundled:
        if name not in bundled:
            raise unknown("weights", name, bundled)
        renew(bundled[name])
        print(f"{name}.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())

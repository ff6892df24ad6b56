"""Where a run begins: at its checkpoint, from the bundled weights, or with fresh ones."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from inpainters.errors import InputError, unknown
from inpainters.networks.denoiser import Denoiser
from inpainters.training.growth import grow
from inpainters.training.loop import CHECKPOINT, Trainer
from inpainters.training.recipe import Recipe
from inpainters.weights import files
from inpainters.weights.build import build_network, mismatch
from inpainters.weights.files import missing_weights
from inpainters.weights.table import WEIGHTS


def begin(trainer: Trainer, *, resume: bool, bundled: bool) -> str:
    """Let the run go on from its checkpoint where it is to `resume`, else begin from the weights that are
    `bundled`, or as it is; returns what it did.

    Raises InputError where the checkpoint is of another recipe, or the bundled weights do not fit and cannot
    be grown; UnavailableError where there are none.
    """
    if resume and (not bundled or (trainer.out / CHECKPOINT).is_file()):
        trainer.resume()
        return f"resumed at step {trainer.step}"
    if not bundled:
        return "begins with fresh weights"
    start_bundled(trainer)
    more = " and ".join(trainer.started["grown"])
    grown = f" with more {more}," if more else ""
    return f"begins with the bundled weights,{grown} after {trainer.crops:,} crops and {trainer.hours:.2f} h"


def start_bundled(trainer: Trainer) -> None:
    """Begin with the bundled weights of the recipe's method, grown where the recipe's network is larger."""
    name = beginning(trainer.recipe)
    # Once weights that began so are bundled, their parts are as trained as the others.
    begun = facts_of(bundled_card(name)).get("fresh", ())
    fresh = [part for part in trainer.recipe.fresh if part not in begun]
    paths = files.verified_all(name)
    network = build_network(WEIGHTS[name].network, name, paths)
    grown: list[str] = []  # what the recipe's network has more of
    if isinstance(network, Denoiser) and isinstance(trainer.model, Denoiser):
        grow(network, trainer.model)
        grown = _grown(network, trainer.model)
    elif why := mismatch(trainer.model.state_dict(), network.state_dict()):
        raise InputError(
            f"The bundled weights do not fit this recipe's network ({why}), and only a denoiser can be "
            "grown; change [network], or train without --from bundled."
        )
    else:
        trainer.model.load_state_dict({**network.state_dict(), **_fresh(trainer, fresh)})
    digest = hashlib.sha256("".join(WEIGHTS[name].files[path.name] for path in paths).encode()).hexdigest()
    whose = {
        "weights": name,
        "sha256": digest[:16],
        "parameters": parameters(network),
        "grown": grown,
        "fresh": fresh,
    }
    trainer.start_from({**whose, **seen(bundled_card(name))})


def _grown(small: Denoiser, large: Denoiser) -> list[str]:
    """What a grown network has more of."""
    a, b = small.unet.config, large.unet.config
    keys = {"width": "block_out_channels", "attention": "down_block_types", "inputs": "in_channels"}
    return [what for what, key in keys.items() if a[key] != b[key]]


def beginning(recipe: Recipe) -> str:
    """The bundled weights that a run of the recipe begins with: its own, or until there are any those that it
    names.
    """
    own = recipe.method
    return recipe.begin if recipe.begin and missing_weights(own) else own


def _fresh(trainer: Trainer, parts: Sequence[str]) -> dict[str, Tensor]:
    """The fresh weights of parts of the network; raises InputError where there is no such part."""
    weights = trainer.model.state_dict()
    found: dict[str, Tensor] = {}
    for part in parts:
        own = {name: value.clone() for name, value in weights.items() if name.startswith(f"{part}.")}
        if not own:
            raise unknown("part of the network", part, {name.partition(".")[0] for name in weights})
        found |= own
    return found


def bundled_card(name: str) -> Path:
    return files.CHECKPOINTS / f"{name}.json"


def seen(card: Path) -> dict[str, Any]:
    """The `crops`, `hours` and `hardware` of the weights that a NAME.json is of; 0 and "" where it is not
    there.
    """
    facts = facts_of(card)
    told = (str(given.get("hardware", "")) for given in (facts.get("started") or {}, facts))
    places = [place for text in told for place in text.split(", then ") if place]
    return {
        "crops": int(facts.get("crops", 0)),
        "hours": float(facts.get("hours", 0)),
        "hardware": ", then ".join(dict.fromkeys(places)),
    }


def facts_of(card: Path) -> dict[str, Any]:
    """What a NAME.json holds; empty where it is not there."""
    return dict(json.loads(card.read_text(encoding="utf-8"))) if card.is_file() else {}


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())

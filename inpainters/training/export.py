"""Export of a trained network: fp16 safetensors in shards below 10 MB, with a card for people and one for programs."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from inpainters.training.data import replace_text
from inpainters.training.loop import Trainer

SHARD_BYTES = 9_500_000
TERMS = ("hole", "valid", "coarse", "perceptual", "boundary")


def export(trainer: Trainer, folder: Path, *, decay: int = 0) -> list[Path]:
    """Write the averaged weights, `NAME.json`, `NAME.md` and the validation curve `NAME.csv`; returns the shards."""
    folder.mkdir(parents=True, exist_ok=True)
    name = trainer.recipe.method
    for old in folder.glob(f"{name}-*.safetensors"):
        old.unlink()
    shards = shard({k: v.detach().cpu().half().contiguous() for k, v in trainer.average.state_dict().items()})
    paths = [folder / f"{name}-{i + 1}-of-{len(shards)}.safetensors" for i in range(len(shards))]
    for path, part in zip(paths, shards, strict=True):
        save_file(part, path, metadata={"method": name, "network": json.dumps(trainer.recipe.network)})
    facts = card(trainer, decay)
    replace_text(folder / f"{name}.json", json.dumps(facts, indent=2) + "\n")
    replace_text(folder / f"{name}.md", markdown(facts))
    if (trainer.out / "validation.csv").is_file():
        shutil.copyfile(trainer.out / "validation.csv", folder / f"{name}.csv")
    return paths


def shard(weights: dict[str, Tensor], limit: int = SHARD_BYTES) -> list[dict[str, Tensor]]:
    """Split in order, each part at most `limit` bytes unless one tensor alone is larger."""
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in weights.items():
        size += tensor.nbytes
        if parts[-1] and size > limit:
            parts.append({})
            size = tensor.nbytes
        parts[-1][name] = tensor
    return parts


def card(trainer: Trainer, decay: int) -> dict[str, Any]:
    """All that the card says, as plain values."""
    recipe, pictures = trainer.recipe, trainer.pictures
    counts = Counter(name.split("/")[0] for name in pictures.names)
    return {
        "method": recipe.method,
        "title": recipe.title,
        "paper": recipe.paper,
        "departures": list(recipe.departures),
        "parameters": sum(p.numel() for p in trainer.average.parameters()),
        "data": [{"name": k, "pictures": n, "terms": recipe.terms.get(k, "terms not stated")} for k, n in sorted(counts.items())],
        "skipped": pictures.skipped,
        "held_out": len(trainer.held),
        "crop": recipe.data.crop,
        "batch": recipe.optimizer.batch,
        "steps": trainer.step,
        "decay_steps": decay,
        "hours": round(trainer.seconds / 3600, 2),
        "hardware": hardware(trainer.device),
        "masks": {"mix": recipe.masks.mix, "low": recipe.masks.low, "high": recipe.masks.high},
        "losses": recipe.as_dict()["losses"],
        "validation": last_scores(trainer.out / "validation.csv"),
    }


def hardware(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''} of a server processor, no GPU"


def last_scores(path: Path) -> dict[str, dict[str, float]]:
    """The last row of each method in a validation.csv."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row.pop("method"): {k: float(v) for k, v in row.items()} for row in csv.DictReader(file)}


def markdown(facts: dict[str, Any]) -> str:
    """The card as Markdown."""
    data = "\n".join(f"| {d['name']} | {d['pictures']:,} | {d['terms']} |" for d in facts["data"])
    scores = "\n".join(
        f"| {name} | {s['lpips_squeeze']:.4f} | {s['l1_hole']:.4f} | {s['psnr_hole']:.2f} |" for name, s in facts["validation"].items()
    )
    n = max((int(s["pictures"]) for s in facts["validation"].values()), default=0)
    mix = ", ".join(f"{name} {share:g}" for name, share in facts["masks"]["mix"].items())
    departures = "\n".join(f"* {line}" for line in facts["departures"])
    weights = ", ".join(
        f"{k} {v:g}" for k, v in facts["losses"].items() if k in ("hole", "valid", "coarse", "perceptual", "boundary") and v
    )
    return f"""# {facts["title"] or facts["method"]}: bundled weights

{facts["paper"]}. {facts["parameters"]:,} parameters, stored as fp16.

**Terms.** The training pictures are for research. Treat the weights likewise: for research and comparison, not for a product.

| data | pictures | terms |
| --- | --- | --- |
{data}

{facts["held_out"]} of the pictures were kept for validation, {facts["skipped"]} could not be read.

**Training.** {facts["steps"]:,} steps of {facts["batch"]} crops of {facts["crop"]} px, the last {facts["decay_steps"]:,}
of them with a falling rate; {facts["hours"]:g} hours on {facts["hardware"]}.
Masks: {mix}; holes of {facts["masks"]["low"]:.0%} to {facts["masks"]["high"]:.0%}. Loss: {weights};
perceptual network: {facts["losses"]["network"]}. Scores by that distance favour this network.

**Departures from the paper.**

{departures or "* None."}

**Validation** on {n} held-out pictures, holes of 20 % and more, composites:

| method | LPIPS-squeeze | L1 in the hole | PSNR in the hole |
| --- | --- | --- | --- |
{scores}
"""

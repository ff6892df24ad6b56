"""Export of a trained network: fp16 safetensors in shards below 10 MB, and the facts and the validation curve
for its card.
"""

import csv
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from inpainters.training import card, parallel
from inpainters.training.loop import Trainer
from inpainters.training.recipe import Recipe

SHARD_BYTES = 9_500_000
SEEN_BY = {"lpips_squeeze": "squeezenet", "squeezenet": "squeezenet", "vgg16": "vgg16"}
"""Perceptual loss -> the network behind it; scores of that network favour what was trained with it."""
AXES = {"lpips_squeeze": "LPIPS-squeeze", "l1_hole": "L1 in the hole", "psnr_hole": "PSNR in the hole (dB)"}


def export(trainer: Trainer, folder: Path, *, decay: int = 0) -> list[Path]:
    """Write the averaged weights, `NAME.json`, `NAME.md` and the validation curve `NAME.csv` and `NAME.png`;
    returns the shards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = trainer.recipe.method
    for old in folder.glob(f"{name}-*.safetensors"):
        old.unlink()
    shards = shard(stored(trainer.average))
    paths = [folder / f"{name}-{i + 1}-of-{len(shards)}.safetensors" for i in range(len(shards))]
    for path, part in zip(paths, shards, strict=True):
        save_file(part, path, metadata={"method": name, "network": json.dumps(trainer.recipe.network)})
    said = facts(trainer, decay)
    card.write_card(said, folder)
    if (trainer.out / "validation.csv").is_file():
        shutil.copyfile(trainer.out / "validation.csv", folder / f"{name}.csv")
        draw_curve(folder / f"{name}.csv", folder / f"{name}.png", said["title"] or name)
    return paths


def stored(network: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters in fp16; buffers, such as a normalisation's running variance, as they are: they are few, and
    fp16 ends at 65,504.
    """
    halves = {name for name, _ in network.named_parameters()}
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    return {name: (value.half() if name in halves else value).contiguous() for name, value in state.items()}


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


def facts(trainer: Trainer, decay: int) -> dict[str, Any]:
    """All that the card says, as plain values."""
    recipe, pictures = trainer.recipe, trainer.pictures
    counts = Counter(name.split("/")[0] for name in pictures.names)
    return {
        "method": recipe.method,
        "objective": recipe.objective,
        **card.words(recipe),
        "network": recipe.network,
        "trained_with": trained_with(recipe),
        "parameters": sum(p.numel() for p in trainer.average.parameters()),
        "data": [
            {"name": k, "pictures": n, "terms": recipe.terms.get(k, "terms not stated")}
            for k, n in sorted(counts.items())
        ],
        "skipped": pictures.skipped,
        "held_out": len(trainer.held),
        "crop": recipe.data.crop,
        "batch": recipe.optimizer.batch,
        "steps": trainer.step,
        "decay_steps": decay,
        "hours": round(trainer.seconds / 3600, 2),
        "hardware": training_hardware(trainer.device),
        "masks": recipe.as_dict()["masks"],
        "guide": recipe.data.guide,
        "losses": recipe.as_dict()["losses"],
        "command": continuing(recipe.method, sorted(counts)),
        "validation": last_scores(trainer.out / "validation.csv"),
    }


def trained_with(recipe: Recipe) -> list[str]:
    """The perceptual networks that the weights have seen."""
    used = recipe.losses.perceptual or recipe.losses.style
    return [SEEN_BY[recipe.losses.network]] if used and recipe.losses.network in SEEN_BY else []


def continuing(method: str, folders: list[str]) -> str:
    """The command that trains on from the run's checkpoint, or begins anew where there is none."""
    return f"python -m inpainters.training {method} --data {' '.join(folders)} --out runs/{method} --resume"


def draw_curve(scores: Path, figure: Path, title: str) -> None:
    """The validation curve of a validation.csv, Telea as a line; one panel per score that was computed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with scores.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    method = next(row["method"] for row in rows if row["method"] != "telea")
    axes = [name for name in AXES if any(math.isfinite(float(row[name])) for row in rows)]
    sheet = Figure(figsize=(3.2 * len(axes), 2.6), dpi=100, layout="constrained")
    FigureCanvasAgg(sheet)
    for axis, name in zip(sheet.subplots(1, len(axes), squeeze=False)[0], axes, strict=True):
        axis.plot(
            *zip(
                *[(int(row["step"]), float(row[name])) for row in rows if row["method"] == method],
                strict=True,
            ),
            marker=".",
        )
        for row in rows:
            if row["method"] == "telea":
                axis.axhline(float(row[name]), color="grey", linestyle="--", linewidth=1)
                axis.annotate(
                    "Telea",
                    (0.99, float(row[name])),
                    xycoords=("axes fraction", "data"),
                    ha="right",
                    va="bottom",
                    color="grey",
                )
        axis.set(xlabel="step", ylabel=AXES[name])
        axis.ticklabel_format(axis="x", style="plain")
        axis.margins(y=0.12)
        axis.grid(alpha=0.3)
    sheet.suptitle(f"{title}: {rows[0]['pictures']} held-out pictures", fontsize=10)
    sheet.savefig(figure, metadata={"Software": None})


def training_hardware(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads() * parallel.world()
    return f"{threads} thread{'s' if threads > 1 else ''} of a processor, {card.NO_GPU}"


def last_scores(path: Path) -> dict[str, dict[str, float]]:
    """The last row of each method in a validation.csv, without what could not be computed."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row.pop("method"): {k: float(v) for k, v in row.items() if math.isfinite(float(v))}
            for row in csv.DictReader(file)
        }

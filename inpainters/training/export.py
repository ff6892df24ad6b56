"""Export of a trained network: fp16 safetensors in shards below 10 MB, and the facts and the validation curve
for its card.
"""

import csv
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from inpainters.training import card, parallel
from inpainters.training.data import covered
from inpainters.training.loop import Stop, Trainer
from inpainters.training.recipe import Recipe

MIXED = "mixed"
"""The kind of holes of scores from before they were told apart."""
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


def finish(
    trainer: Trainer, steps: int, stop: Stop, say: Callable[[str], None], *, again: bool = False
) -> list[Path]:
    """Branch off the checkpoint in `trainer.out`: `steps` steps with a falling rate in a folder of their own,
    a validation, the export to `export`; returns the shards.

    An empty list, and no export, where `stop` said so before the last step: with `again` the next call goes
    on there. Processes beside the first return an empty list as well.
    """
    trunk = trainer.out
    trainer.branch(trunk / "decay", again=again)
    first = trainer.branched
    if trainer.step < first + steps:
        trainer.rate_factor = lambda step: 1 - (step - first) / steps
        stop.step = first + steps
        trainer.run(stop, say)
    if parallel.rank() > 0 or trainer.step < first + steps:
        return []
    say(trainer.validate() if trainer.held else "no held-out pictures to validate on")
    return export(trainer, trunk / "export", decay=steps)


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
        "trained_with": trained_with(recipe),
        "parameters": sum(p.numel() for p in trainer.average.parameters()),
        "data": [
            {"name": k, "pictures": n, "terms": recipe.terms.get(k, "terms not stated")}
            for k, n in sorted(counts.items())
        ],
        "skipped": pictures.skipped,
        "held_out": len(trainer.held),
        "steps": trainer.step,
        "decay_steps": decay,
        "covers": covers(recipe),
        "crops": trainer.crops,
        "hours": round(trainer.hours, 2),
        "hardware": training_hardware(trainer.device),
        "started": trainer.started,
        "history": [*trainer.history[:-1], *({**now, "settings": {}} for now in trainer.history[-1:])],
        **recipe.settings(),
        "validation": last_scores(trainer.out / "validation.csv"),
    }


def covers(recipe: Recipe) -> dict[str, float]:
    """The side of the pictures and the depth of the holes that the weights know, in pixels; empty for weights
    that fill no holes. A denoiser knows pictures without holes: any hole within its size.
    """
    side = recipe.data.crop
    if recipe.objective == "denoising":
        return {"side": side, "depth": side / 2}
    return {} if recipe.objective == "autoencoding" else covered(recipe.masks, side)


def trained_with(recipe: Recipe) -> list[str]:
    """The perceptual networks that the weights have seen."""
    used = recipe.losses.perceptual or recipe.losses.style
    return [SEEN_BY[recipe.losses.network]] if used and recipe.losses.network in SEEN_BY else []


def draw_curve(scores: Path, figure: Path, title: str) -> None:
    """The validation curves of a validation.csv, one per kind of holes, Telea as dashed lines; one panel per
    score that was computed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = _rows(scores)
    axes = [name for name in AXES if any(math.isfinite(float(row[name])) for row in rows)]
    sheet = Figure(figsize=(3.2 * len(axes), 2.8), dpi=100, layout="constrained")
    FigureCanvasAgg(sheet)
    panels = sheet.subplots(1, len(axes), squeeze=False)[0]
    for axis, name in zip(panels, axes, strict=True):
        for colour, kind in enumerate(dict.fromkeys(row["holes"] for row in rows)):
            _curve(axis, [row for row in rows if row["holes"] == kind], name, kind, f"C{colour}")
        axis.set(xlabel="step", ylabel=AXES[name])
        axis.ticklabel_format(axis="x", style="plain")
        axis.margins(y=0.12)
        axis.grid(alpha=0.3)
    # Below all panels: inside one it would hide an end of a curve.
    handles, labels = panels[0].get_legend_handles_labels()
    sheet.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    pictures = max(int(row["pictures"]) for row in rows)
    sheet.suptitle(f"{title}: {pictures} held-out pictures of each kind of holes", fontsize=10)
    sheet.savefig(figure, metadata={"Software": None})


def _curve(axis: Any, rows: Sequence[Mapping[str, str]], name: str, kind: str, colour: str) -> None:
    points = [(int(row["step"]), float(row[name])) for row in rows if row["method"] != "telea"]
    axis.plot(*zip(*points, strict=True), marker=".", color=colour, label=kind)
    for row in rows:
        if row["method"] == "telea":
            axis.axhline(float(row[name]), color=colour, linestyle="--", linewidth=1, label=f"{kind}, Telea")


def training_hardware(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads() * parallel.world()
    return f"{threads} thread{'s' if threads > 1 else ''} of a processor, {card.NO_GPU}"


def last_scores(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Kind of holes -> method -> the scores of its last row in a validation.csv, without what could not be
    computed.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in _rows(path) if path.is_file() else ():
        name = row.pop("method")
        kinds = found.setdefault(row.pop("holes"), {})
        kinds[name] = {k: float(v) for k, v in row.items() if math.isfinite(float(v))}
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    """Of a validation.csv; older ones do not tell holes apart."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{**row, "holes": row.get("holes") or MIXED} for row in csv.DictReader(file)]

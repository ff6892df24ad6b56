"""Export of a trained network: fp16 safetensors in shards below 10 MB, with a card for people and one for
programs.
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

from inpainters.training import parallel
from inpainters.training.data import replace_text
from inpainters.training.loop import TERMS, Trainer
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
    facts = card(trainer, decay)
    replace_text(folder / f"{name}.json", json.dumps(facts, indent=2) + "\n")
    replace_text(folder / f"{name}.md", markdown(facts))
    if (trainer.out / "validation.csv").is_file():
        shutil.copyfile(trainer.out / "validation.csv", folder / f"{name}.csv")
        draw_curve(folder / f"{name}.csv", folder / f"{name}.png", facts["title"] or name)
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


def card(trainer: Trainer, decay: int) -> dict[str, Any]:
    """All that the card says, as plain values."""
    recipe, pictures = trainer.recipe, trainer.pictures
    counts = Counter(name.split("/")[0] for name in pictures.names)
    return {
        "method": recipe.method,
        "objective": recipe.objective,
        "title": recipe.title,
        "paper": recipe.paper,
        "departures": list(recipe.departures),
        "limits": list(recipe.limits),
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
        "hardware": hardware(trainer.device),
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
    """The validation curve of a validation.csv, Telea as a line; one panel per score that could be computed."""
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


def hardware(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads() * parallel.world()
    return f"{threads} thread{'s' if threads > 1 else ''} of a processor, no GPU"


def last_scores(path: Path) -> dict[str, dict[str, float]]:
    """The last row of each method in a validation.csv, without what could not be computed."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row.pop("method"): {k: float(v) for k, v in row.items() if math.isfinite(float(v))}
            for row in csv.DictReader(file)
        }


def holes(masks: dict[str, Any]) -> str:
    """Which part of the picture was missing, in words."""
    share = f"holes of {masks['low']:.0%} to {masks['high']:.0%}"
    if masks["window"] == 1:
        return share
    square = f"of a centre square with {masks['window']:.0%} of the side; {masks['whole']:.0%} of the masks take all of it"
    return f"{share} {square}, {masks['beyond']:.0%} also lack strips along the border"


def _number(scores: dict[str, float], name: str, digits: int) -> str:
    return f"{scores[name]:.{digits}f}" if name in scores else "– (its network's weights were not there)"


def markdown(facts: dict[str, Any]) -> str:
    """The card as Markdown."""
    data = "\n".join(f"| {d['name']} | {d['pictures']:,} | {d['terms']} |" for d in facts["data"])
    seen = " and ".join(facts["trained_with"])
    scores = "\n".join(
        f"| {name}{' †' if seen == 'squeezenet' and name == facts['method'] else ''} | "
        f"{_number(s, 'lpips_squeeze', 4)} | {_number(s, 'l1_hole', 4)} | {_number(s, 'psnr_hole', 2)} |"
        for name, s in facts["validation"].items()
    )
    n = max((int(s["pictures"]) for s in facts["validation"].values()), default=0)
    mix = ", ".join(f"{name} {share:g}" for name, share in facts["masks"]["mix"].items())
    departures, limits = ("\n".join(f"* {line}" for line in facts[key]) for key in ("departures", "limits"))
    weights = ", ".join(f"{k} {v:g}" for k, v in facts["losses"].items() if k in TERMS and v)
    mark = (
        f"**Mark †: trained with a perceptual loss ({seen}).** Scores by that network (such as "
        f"LPIPS-{seen.replace('net', '')}) favour "
        "these weights over methods that never saw it: look at PSNR and SSIM in the hole as well."
        if seen
        else "No perceptual network was used in training: no learned score favours these weights."
    )
    objective = facts.get("objective", "inpainting")
    missing = (
        "all of the square missing, composites"
        if facts["masks"]["window"] < 1
        else "holes of 20 % and more, composites"
    )
    missing = {"autoencoding": "reconstructed whole", "denoising": f"{missing} by `ddnm`"}.get(
        objective, missing
    )
    within = "" if objective == "autoencoding" else " in the hole"
    holed = (
        f"Masks: {mix}; {holes(facts['masks'])}. " if objective in ("inpainting", "latent_inpainting") else ""
    )
    sketches = (
        f" {facts['guide']:.0%} of the samples came with a sketch of edges in the hole."
        if facts["guide"]
        else ""
    )
    curve = f"![Validation curve]({facts['method']}.png)\n\n" if facts["validation"] else ""
    return f"""# {facts["title"] or facts["method"]}: bundled weights

{facts["paper"]}. {facts["parameters"]:,} parameters, stored as fp16.

**Terms.** The training pictures are for research. Treat the weights likewise: for research and comparison, not for a product.

| data | pictures | terms |
| --- | --- | --- |
{data}

{facts["held_out"]} of the pictures were kept for validation, {facts["skipped"]} could not be read.

**Training.** {facts["steps"]:,} steps of {facts["batch"]} crops of {facts["crop"]} px, the last {facts["decay_steps"]:,}
of them with a falling rate; {facts["hours"]:g} hours on {facts["hardware"]}.
{holed}Loss: {weights};
perceptual network: {facts["losses"]["network"]}.{sketches}

{mark}

**What it cannot do.**

{limits or "* Not stated."}

**Departures from the paper.**

{departures or "* None stated."}

**Validation** on n = {n} held-out pictures, {missing}:

| {"weights" if objective == "autoencoding" else "method"} (n = {n}) | LPIPS-squeeze | L1{within} | PSNR{within} |
| --- | --- | --- | --- |
{scores}

{curve}**To train on** from the run's checkpoint (the folders are those of the table above):

    {facts["command"]}
"""

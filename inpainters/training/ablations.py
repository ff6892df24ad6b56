"""Evidence for what the field says, at a small size: `python -m inpainters.training.ablations --data
photographs`.

Each recipe in `recipes/ablations` trains one run per variant, alike in all but what the variant
names: seed, pictures, masks and steps. All are scored on the same held-out pictures; what counts is
the difference per picture.
"""

import argparse
import csv
import json
import platform
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inpainters import commandline
from inpainters.errors import InputError, unknown
from inpainters.imaging import Image, Mask, save_bytes, save_png, seam
from inpainters.masks import generate
from inpainters.training import recipe
from inpainters.training.__main__ import find_device, positive

if TYPE_CHECKING:
    from inpainters.training.data import Pictures
    from inpainters.training.loop import Trainer

_FOLDER = recipe.RECIPES / "ablations"
ABLATIONS = ("distance", "boundary", "stages")
JUDGED_BY = {
    "lpips_squeeze": ("LPIPS-squeeze", "lower"),
    "l1_hole": ("L1 in the hole", "lower"),
    "psnr_hole": ("PSNR in the hole (dB)", "higher"),
    "seam": ("seam: step across the hole's edge, less the original's", "lower"),
    "variation": ("total variation in and around the hole, over the original's", "nearer to 1"),
}
VALUE_COLUMNS = ("ablation", "variant", "picture", "metric", "value")
LEAST = 128
"""Smallest side of the decoded pictures: the same as for the 128-px recipes, so that their cache serves."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Ablation:
    """A question and its runs."""

    name: str
    title: str
    question: str
    variants: dict[str, recipe.Recipe]


def load_ablation(name: str) -> Ablation:
    """The ablation `name`; raises InputError for an unknown one."""
    if name not in ABLATIONS:
        raise unknown("ablation", name, ABLATIONS)
    table = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    variants, question = table.pop("variants"), table.pop("question")
    plans = {key: recipe.parse(recipe.merged(table, over), f"{name}.toml") for key, over in variants.items()}
    return Ablation(name, table["title"], question, plans)


# Runs


def train(
    plan: recipe.Recipe, pictures: "Pictures", out: Path, device: str, say: Callable[[str], None]
) -> "Trainer":
    """Train to the recipe's last step, from the checkpoint in `out` where there is one; the rate falls to 0
    in the last third.
    """
    from inpainters.training.loop import CHECKPOINT, Stop, Trainer

    trainer = Trainer(plan, pictures, out, device=device)
    steps, warmup = plan.optimizer.steps, plan.optimizer.warmup
    trainer.rate_factor = lambda step: min(1.0, (step + 1) / max(1, warmup), 3 * (steps - step) / steps)
    if (out / CHECKPOINT).is_file():
        trainer.resume()
    if trainer.step < steps:
        trainer.run(Stop(steps), say)
    return trainer


def scores(trainer: "Trainer", count: int) -> dict[str, dict[str, float]]:
    """Held-out picture -> metric -> value, of the averaged network's composite."""
    from inpainters.training.data import chosen, validation

    images, masks = validation(trainer.pictures, trainer.held, trainer.recipe, count)
    names = [trainer.pictures.names[i] for i in chosen(trainer.pictures, trainer.held, count)]
    fills = trainer.fill(images, masks)[-1]
    return {
        name: measure(trainer, fill, image, mask)
        for name, fill, image, mask in zip(names, fills, images, masks, strict=True)
    }


def measure(trainer: "Trainer", fill: Image, image: Image, mask: Mask) -> dict[str, float]:
    """The metrics of one composite; LPIPS is left out where its weights are absent."""
    found = trainer.score([fill], [image], [mask])
    found = {key: value for key, value in found.items() if key in JUDGED_BY and np.isfinite(value)}
    return {
        **found,
        "seam": seam(fill, mask) - seam(image, mask),
        "variation": variation(fill, mask) / max(variation(image, mask), 1e-6),
    }


def variation(picture: Image, mask: Mask) -> float:
    """The boundary variation of the losses."""
    from inpainters.training.data import tensors
    from inpainters.training.losses import boundary_variation

    return boundary_variation(*tensors([picture], [mask])).item()


def interval(differences: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of paired differences (n,), percentile method, seeded."""
    rng = np.random.default_rng(0)
    means = differences[rng.integers(len(differences), size=(draws, len(differences)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


# Reports


def compare(ablation: Ablation, found: dict[str, dict[str, dict[str, float]]]) -> Rows:
    """One row per metric: both means, the mean difference per picture (second less first), its interval."""
    (one, first), (two, second) = found.items()
    rows = []
    for metric in JUDGED_BY:
        names = [name for name in first if metric in first[name] and metric in second[name]]
        if not names:
            continue
        a, b = (np.array([side[name][metric] for name in names]) for side in (first, second))
        low, high = interval(b - a)
        rows.append({
            "ablation": ablation.name, "pair": f"{two} less {one}", "metric": metric, "n": len(names),
            one: a.mean(), two: b.mean(), "difference": (b - a).mean(), "low": low, "high": high,
            "verdict": verdict(metric, one, two, a, b),
        })  # fmt: skip
    return rows


def verdict(metric: str, one: str, two: str, a: np.ndarray, b: np.ndarray) -> str:
    """The better variant, or "no difference" where the interval of the difference holds 0."""
    direction = JUDGED_BY[metric][1]
    gain = {"lower": a - b, "higher": b - a, "nearer to 1": np.abs(a - 1) - np.abs(b - 1)}[direction]
    low, high = interval(gain)
    return f"{two} better" if low > 0 else f"{one} better" if high < 0 else "no difference"


def table(ablations: Sequence[Ablation], rows: Rows, facts: dict[str, Any]) -> str:
    """The report as Markdown."""
    parts = ["# Ablations\n", HEAD.format(**facts)]
    for ablation in ablations:
        one, two = ablation.variants
        parts += [f"## {ablation.title}\n", f"{ablation.question}\n"]
        parts.append(
            f"| metric (better is) | {one} | {two} | {two} less {one} | 95 % interval | n | |\n| --- | --- | "
            "--- | --- | --- | --- | --- |"
        )
        for row in (row for row in rows if row["ablation"] == ablation.name):
            title, better = JUDGED_BY[row["metric"]]
            means = f"{row[one]:.4f} | {row[two]:.4f} | {row['difference']:+z.4f}"
            bounds = f"{row['low']:+z.4f} to {row['high']:+z.4f}"
            parts.append(f"| {title} ({better}) | {means} | {bounds} | {row['n']} | {row['verdict']} |")
        mark = [
            name
            for name, plan in ablation.variants.items()
            if plan.losses.network == "lpips_squeeze" and plan.losses.perceptual
        ]
        if mark:
            parts.append(
                "\nBoth were trained with a SqueezeNet perceptual loss, which LPIPS-squeeze favours alike."
            )
        parts.append(f"\n![Fills](figures/{ablation.name}.png)\n")
    return "\n".join(parts) + "\n![Differences](figures/differences.png)\n"


HEAD = """Small runs, one per variant: {steps} steps of {batch} crops of {crop} px, with the same seed, \
pictures, masks and order in both.
Scores are of composites on n held-out pictures, {crop} px; differences are paired per picture, with \
bootstrap intervals over the
pictures. One seed and a short run: the intervals cover the choice of pictures, not that of the seed. In the \
pictures, from top: the
hole, {variants}, the original. {hardware}, torch {torch}.
"""


def draw_fills(trainers: Sequence["Trainer"], path: Path) -> None:
    """Photographs that come with scikit-image: with a hole, filled by each variant, whole."""
    from skimage import data
    from skimage.transform import resize

    windows = (
        data.astronaut()[:256, 96:352],
        data.coffee()[72:328, 172:428],
        data.chelsea()[22:278, 97:353],
        data.rocket()[100:356, 190:446],
    )
    pictures = [
        (resize(window, (128, 128), anti_aliasing=True) * 255).round().astype(np.uint8) for window in windows
    ]
    masks = [
        generate("irregular" if i % 2 else "brush", (128, 128), seed=i, ratio=0.3)
        for i in range(len(pictures))
    ]
    holed = [
        np.where(mask[..., None], np.uint8(128), picture)
        for picture, mask in zip(pictures, masks, strict=True)
    ]
    lines = [holed, *(trainer.fill(pictures, masks)[-1] for trainer in trainers), pictures]
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(path, np.vstack([np.hstack(line) for line in lines]))


def draw_differences(rows: Rows, path: Path) -> None:
    """One panel per metric: the mean difference of each pair with its interval."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [metric for metric in JUDGED_BY if any(row["metric"] == metric for row in rows)]
    sheet = Figure(
        figsize=(3 * len(shown), 0.6 * len({row["ablation"] for row in rows}) + 1.4),
        dpi=100,
        layout="constrained",
    )
    FigureCanvasAgg(sheet)
    for axis, metric in zip(sheet.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        these = [row for row in rows if row["metric"] == metric]
        middles = [row["difference"] for row in these]
        reach = [
            [row["difference"] - row["low"] for row in these],
            [row["high"] - row["difference"] for row in these],
        ]
        axis.errorbar(middles, [row["pair"] for row in these], xerr=reach, fmt="o", capsize=3)
        axis.axvline(0, color="grey", linewidth=1)
        axis.set_title(JUDGED_BY[metric][0].partition(":")[0].partition(" in and")[0], fontsize=9)
        axis.margins(y=0.3)
    sheet.suptitle("Second variant less the first: mean over pictures, 95 % interval", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(path, metadata={"Software": None})


# Command line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 2 bad input, 130 stopped by hand."""
    p = commandline.Parser(prog="python -m inpainters.training.ablations", description=__doc__)
    folder: dict[str, Any] = {"type": commandline.path, "metavar": "DIR"}
    p.add_argument("--data", nargs="+", required=True, help="folders of training pictures", **folder)
    p.add_argument("--out", default=Path("runs/ablations"), help="where the runs are kept", **folder)
    p.add_argument("--results", default=Path("results/ablations"), help="where the report goes", **folder)
    p.add_argument("--cache", help="where decoded pictures are kept (default: OUT/cache)", **folder)
    named = f"some of: {', '.join(ABLATIONS)}"
    p.add_argument("--only", nargs="+", default=list(ABLATIONS), metavar="NAME", help=named)
    p.add_argument("--steps", type=positive, metavar="N", help="in place of the recipes' own")
    p.add_argument(
        "--pictures",
        type=positive,
        default=256,
        metavar="N",
        help="held-out pictures to score (default: 256)",
    )
    p.add_argument("--threads", type=positive, metavar="N", help="processor threads (default: all)")
    p.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    commandline.add_weights(p)
    p.set_defaults(command=_main)
    return commandline.run_command(p, argv, stopped="The same command goes on from the last checkpoint.")


def _main(args: argparse.Namespace) -> int:
    import torch

    from inpainters.training import data

    if args.pictures < 2:
        raise InputError("--pictures must be 2 or more.")
    device = find_device(args.device)
    ablations = [_shortened(load_ablation(name), args.steps) for name in args.only]
    if args.threads:
        torch.set_num_threads(args.threads)
    cap = next(iter(ablations[0].variants.values())).data.cap
    pictures = data.decode(
        args.data, args.cache or args.out / "cache", least=LEAST, cap=cap, threads=args.threads or 2
    )
    values: Rows = []
    rows: Rows = []
    for ablation in ablations:
        trainers = {
            variant: _trained(plan, pictures, args.out / ablation.name / variant, device)
            for variant, plan in ablation.variants.items()
        }
        found = {variant: scores(trainer, args.pictures) for variant, trainer in trainers.items()}
        values += _values(ablation.name, found)
        rows += compare(ablation, found)
        draw_fills(list(trainers.values()), args.results / "figures" / f"{ablation.name}.png")
    _write(args.results, ablations, values, rows, _facts(ablations, device))
    _say(f"written to '{args.results}'")
    return 0


def _trained(plan: recipe.Recipe, pictures: "Pictures", out: Path, device: str) -> "Trainer":
    if len(pictures.held_out(plan.data.held_out)[1]) < 2:
        raise InputError("Fewer than two pictures are held out to score on; give more pictures.")
    _say(f"{out.parent.name}: {out.name}")
    return train(plan, pictures, out, device, _say)


def _values(ablation: str, found: dict[str, dict[str, dict[str, float]]]) -> Rows:
    return [
        dict(zip(VALUE_COLUMNS, (ablation, variant, picture, metric, f"{value:.6g}"), strict=True))
        for variant, scored in found.items()
        for picture, metrics in scored.items()
        for metric, value in metrics.items()
    ]


def _shortened(ablation: Ablation, steps: int | None) -> Ablation:
    def cut(plan: recipe.Recipe) -> recipe.Recipe:
        return replace(plan, optimizer=replace(plan.optimizer, steps=steps or plan.optimizer.steps))

    return replace(ablation, variants={name: cut(plan) for name, plan in ablation.variants.items()})


def _facts(ablations: Sequence[Ablation], device: str) -> dict[str, Any]:
    import torch

    from inpainters.training.export import training_hardware

    plan = next(iter(ablations[0].variants.values()))
    return {
        "steps": plan.optimizer.steps, "batch": plan.optimizer.batch, "crop": plan.data.crop,
        "seed": plan.seed, "variants": "the first and the second variant",
        "hardware": training_hardware(device), "torch": torch.__version__,
        "python": platform.python_version(),
    }  # fmt: skip


def _write(
    folder: Path, ablations: Sequence[Ablation], values: Rows, rows: Rows, facts: dict[str, Any]
) -> None:
    draw_differences(rows, folder / "figures/differences.png")
    with (folder / "ablations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, VALUE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(values)
    save_bytes(folder / "table.md", table(ablations, rows, facts).encode())
    save_bytes(
        folder / "ablations.json", (json.dumps({"facts": facts, "rows": rows}, indent=1) + "\n").encode()
    )


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

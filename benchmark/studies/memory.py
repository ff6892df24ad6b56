"""How much memory each method takes, by the size of the picture: `python -m benchmark.studies.memory`.

Each method fills the same compact hole, a tenth of the picture, in pictures of 1, 4 and 12 megapixels, in a
process of its own each time. What counts is the most that the process held, less what it held once the
method was loaded and had filled a small hole. A line through the sizes, drawn above all of them, is what
`inpainters.memory` goes by.
"""

import argparse
import gc
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmark import cells, measure
from benchmark.report.markdown import markdown_table
from inpainters import commandline, registry
from inpainters.base import InpaintRequest
from inpainters.errors import UnavailableError
from inpainters.memory import NEEDS

MEGAPIXELS = (1, 4, 12)
SHORT: dict[str, dict[str, object]] = {"deep_image_prior": {"iterations": 5}}
"""Options under which a method that works long takes as much memory as it ever does."""
_STEPS = 2


def request_of(megapixels: float) -> InpaintRequest:
    """A picture of 4:3 with a square hole of a tenth of it."""
    height, width = round((megapixels * 750_000) ** 0.5), round((megapixels * 1_333_333) ** 0.5)
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([x * 255 // width, y * 255 // height, (x // 8 + y // 8) % 2 * 90 + 60], -1).astype(
        np.uint8
    )
    mask = np.zeros((height, width), bool)
    side = round((height * width / 10) ** 0.5)
    top, left = (height - side) // 2, (width - side) // 2
    mask[top : top + side, left : left + side] = True
    return InpaintRequest(image, mask)


def options_of(name: str) -> dict[str, object]:
    """Few steps, which hold as much as many."""
    own = {option.name for option in registry.get(name).options}
    return SHORT.get(name, {"steps": _STEPS} if "steps" in own else {})


def measured_memory(name: str, megapixels: float) -> dict[str, float]:
    """Megabytes that this process holds with the method loaded, and takes more for one picture."""
    method = registry.create(name, device="cpu", **options_of(name))
    request = request_of(megapixels)
    method.run([request_of(0.01)])
    gc.collect()
    measure.reset_peak()
    before = _peak()
    method.run([request])
    return {"held": before, "more": max(0.0, _peak() - before)}


def _peak() -> float:
    if (peak := measure.peak_mb()) is None:
        raise UnavailableError("Only Linux tells the most memory that a process held: run this study there.")
    return peak


def rows_of(names: Sequence[str]) -> list[dict[str, Any]]:
    """Method and size -> megabytes, each in a process of its own."""
    found = []
    jobs = [(name, size) for name in names for size in MEGAPIXELS]
    for name, size in tqdm(jobs, disable=None):
        command = [sys.executable, "-m", "benchmark.studies.memory", "--one", name, "--megapixels", str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(f"{name} at {size} MP failed: {done.stderr.strip()[-300:]}")
        found.append({"method": name, "megapixels": size} | json.loads(done.stdout.splitlines()[-1]))
    return found


def line_above(sizes: Sequence[float], more: Sequence[float]) -> tuple[float, float]:
    """(fixed, per megapixel) of the lowest straight line that no point lies above, by its mean height."""
    best = (max(more), 0.0)
    for i in range(len(sizes)):
        for j in range(i):
            slope = (more[i] - more[j]) / (sizes[i] - sizes[j])
            slope = max(0.0, slope)
            fixed = max(0.0, *(one - slope * size for size, one in zip(sizes, more, strict=True)))
            if fixed + slope * np.mean(sizes) < best[0] + best[1] * np.mean(sizes):
                best = fixed, slope
    return best


def with_rows(path: Path, new: pd.DataFrame) -> pd.DataFrame:
    """What a file holds, with these methods' rows in place of its own, in the table's order."""
    old = pd.read_csv(path) if path.is_file() else new.iloc[:0]
    both = pd.concat([old[~old["method"].isin(new["method"])], new])
    both = both[both["method"].isin(registry.METHODS)]
    order = {name: place for place, name in enumerate(registry.METHODS)}
    return both.sort_values(
        ["method", "megapixels"], key=lambda one: one.map(order) if one.name == "method" else one
    )


def needs_of(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Method -> megabytes, fixed and per megapixel, rounded up."""
    found = {}
    for name, rows in table.groupby("method", sort=False):
        fixed, each = line_above([*rows.megapixels], [*rows.more])
        found[str(name)] = {"fixed": int(np.ceil(fixed)), "per_megapixel": int(np.ceil(each))}
    return found


def markdown_of_memory(table: pd.DataFrame, needs: Mapping[str, Mapping[str, int]]) -> str:
    """The table for people."""
    wide = table.pivot(index="method", columns="megapixels", values="more").loc[[*needs]]
    cells_of = [
        [
            registry.get(name).title,
            *(f"{value:.0f}" for value in wide.loc[name]),
            f"{one['fixed']} + {one['per_megapixel']}",
        ]
        for name, one in needs.items()
    ]
    head = ["Method", *(f"{size} MP" for size in MEGAPIXELS), "fixed + per MP"]
    return (
        "# How much memory a method takes\n\n"
        "Megabytes beyond those that the program holds with the method loaded, for one picture "
        "with a compact hole of "
        "a tenth of it, on one processor core. The last column is the line above all three that "
        "the page goes by "
        "before a run: fixed, and for each megapixel of the picture.\n\n"
        f"{markdown_table(head, cells_of)}\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.memory", description=__doc__)
    parser.add_argument("--methods", metavar="A,B", help="default: all that are ready")
    parser.add_argument("--out", type=commandline.path, default=Path("results/memory"), metavar="DIR")
    parser.add_argument("--one", metavar="METHOD", help=argparse.SUPPRESS)
    parser.add_argument("--megapixels", type=float, default=1.0, help=argparse.SUPPRESS)
    commandline.add_weights(parser)
    parser.set_defaults(command=_main)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    if parsed.one:
        print(json.dumps(measured_memory(parsed.one, parsed.megapixels)))
        return 0
    ready = [name for name in registry.METHODS if registry.unavailable(name) is None]
    names = parsed.methods.split(",") if parsed.methods else ready
    for name in names:
        registry.get(name)
    table = with_rows(parsed.out / "memory.csv", pd.DataFrame(rows_of(names)).round(1))
    needs = needs_of(table)
    cells.write(parsed.out / "memory.csv", table.to_csv(index=False, lineterminator="\n").encode())
    cells.write(parsed.out / "memory.md", markdown_of_memory(table, needs).encode())
    cells.write(NEEDS, (json.dumps(needs, indent=1) + "\n").encode())
    print(markdown_of_memory(table, needs))
    return 0


if __name__ == "__main__":
    sys.exit(main())

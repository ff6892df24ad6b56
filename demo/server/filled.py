"""How far a run of the benchmark is, read from its folder: what is filled, in how many seconds, how well."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.cells import Cell, read_json, split_entry
from benchmark.files import cell_manifest
from benchmark.inputs.frozen import Inputs, load_inputs
from benchmark.metrics import METRICS, create
from benchmark.plan import OVERHEAD, Plan, load_plan
from benchmark.report.layout import RANKED
from demo.server.run_time import expected_seconds
from inpainters.errors import InputError
from inpainters.imaging import decode_image

LIVE = next(pair for pair in RANKED if not METRICS[pair[0]].network)
"""What fills are measured by while a run goes on: it needs no network."""


@dataclass(frozen=True)
class MethodFilled:
    """How far one method is."""

    entry: str
    filled: int
    wanted: int
    failed: Mapping[str, str]
    """Hole -> why it could not be filled."""
    seconds: float
    """Median of a fill; NaN before the first."""
    values: Mapping[str, tuple[float, int]]
    """Mask set -> mean of LIVE over what is filled, and over how many; holes of two are never pooled."""
    left: float
    """Expected seconds still to go."""


def read_filled(folder: Path, known: dict[Path, Any]) -> list[MethodFilled]:
    """How far each method is, in the order in which they run; none before there is a plan. `known` keeps what
    was read of fills, which do not change.
    """
    try:
        plan = load_plan(folder)
        inputs = {column: load_inputs(folder, plan, column) for column in plan.columns()}
    except InputError:
        return []
    cells = plan.cells()
    entries = dict.fromkeys(cell.entry for cell in cells)
    return [
        _of_entry(folder, plan, [cell for cell in cells if cell.entry == entry], inputs, known)
        for entry in entries
    ]


def _of_entry(
    root: Path, plan: Plan, cells: list[Cell], inputs: Mapping[Any, Inputs], known: dict[Path, Any]
) -> MethodFilled:
    method, options = split_entry(cells[0].entry)
    fills, failed = list[tuple[float, float]](), dict[str, str]()
    by_set = defaultdict[str, list[float]](list)
    wanted, left, asked = 0, 0.0, 0.0
    for cell in cells:
        folder, images = cell.folder(root), plan.images(cell.entry, cell.column)
        here = [one for i in images if (one := _fill(folder, i, inputs[cell.column], known))]
        if len(here) < len(images) and (stored := cell_manifest(folder)):
            failed |= {f"{cell.column} {i}": why for i, why in stored.failed.items()}
        each = expected_seconds(method, cell.bin, options)
        by_set[cell.mask_set] += [value for _, value in here if not math.isnan(value)]
        wanted, left = wanted + len(images), left + each * (len(images) - len(here))
        fills, asked = fills + here, asked + each * len(here)
    seconds = [one[0] for one in fills if not math.isnan(one[0])]
    took = sum(seconds) + OVERHEAD * len(seconds)  # what this very run has shown counts most
    return MethodFilled(
        cells[0].entry,
        len(fills),
        wanted,
        failed,
        statistics.median(seconds) if seconds else math.nan,
        {name: (statistics.fmean(some), len(some)) for name, some in by_set.items() if some},
        0.0 if len(fills) + len(failed) >= wanted else left * (took / asked if asked and took else 1.0),
    )


def _fill(folder: Path, image_id: str, inputs: Inputs, known: dict[Path, Any]) -> tuple[float, float] | None:
    """Seconds and value of one fill; None where it is not there yet."""
    path = folder / f"{image_id}.json"
    if path not in known:
        record = read_json(path)
        if record is None:
            return None
        known[path] = _seconds(record), _value(folder / f"{image_id}.png", image_id, inputs)
    found: tuple[float, float] = known[path]
    return found


def _seconds(record: Mapping[str, Any]) -> float:
    try:
        return float(record.get("seconds", ""))
    except (TypeError, ValueError):
        return math.nan


def _value(png: Path, image_id: str, inputs: Inputs) -> float:
    metric, region = LIVE
    try:
        original, mask = inputs.load(image_id)
        fill = decode_image(png.read_bytes()).image
        value = float(create(metric).score(original, fill, mask)[region])
    except (InputError, OSError):
        return math.nan
    return min(value, METRICS[metric].highest)

"""Run: fill every hole of a plan and write PNGs. What is finished is kept, whatever stops the run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.cells import Cell, Outcome, difference, read_json
from benchmark.engines import local
from benchmark.inputs.datasets import Dataset
from benchmark.inputs.frozen import prepare
from benchmark.inputs.masksets import MaskSet
from benchmark.plan import Plan
from benchmark.record import meaning
from inpainters.errors import InputError


def run(
    root: Path,
    plan: Plan,
    dataset: Dataset,
    masks: Sequence[MaskSet],
    *,
    device: str = "auto",
    quiet: bool = False,
) -> Outcome:
    """Fill all that is not filled yet, the fastest method first.

    Raises InputError naming the field in which a started cell differs from what would be run now. One picture
    or method that fails does not stop the others. The caller holds the folder's lock.
    """
    outcome = Outcome()
    inputs = prepare(root, plan, dataset, masks)
    cells = plan.cells()
    for cell in cells:  # before the first picture: a mismatch must not surface after an hour
        _check(cell, root, meaning(cell, inputs[cell.column], plan.images(cell.entry, cell.column)))
    local.fill(root, plan, cells, inputs, outcome, device=device, quiet=quiet)
    return outcome


def _check(cell: Cell, root: Path, wanted: dict[str, Any]) -> None:
    folder = cell.folder(root)
    stored = read_json(folder / "key.json")
    text = difference(stored, wanted) if stored else None
    if text and text.startswith("inputs: "):
        text = "its photographs or masks are others"
    if text:
        raise InputError(
            f"'{cell.entry}' at {cell.column} in '{root.name}' was made otherwise ({text}): use --redo, or "
            "another --out."
        )

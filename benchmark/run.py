"""Run: fill every hole of a plan and write PNGs. What is finished is kept, whatever stops the run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.cells import Cell, Outcome, difference, read_json
from benchmark.engines import local
from benchmark.files import cell_manifest
from benchmark.inputs.datasets import Dataset
from benchmark.inputs.frozen import Inputs, prepare
from benchmark.inputs.masksets import MaskSet
from benchmark.plan import Plan
from benchmark.record import meaning
from inpainters import registry
from inpainters.errors import InputError


def run(
    root: Path,
    plan: Plan,
    dataset: Dataset,
    masks: Sequence[MaskSet],
    *,
    device: str = "auto",
    engine: str = "local",
    address: str = "",
    quiet: bool = False,
) -> Outcome:
    """Fill all that is not filled yet, the fastest method first.

    `engine`: "local", or "ray" on the cluster at `address` (this machine's cores where it is empty). Raises
    InputError naming the field in which a started cell differs from what would be run now. One picture
    or method that fails does not stop the others. The caller holds the folder's lock.
    """
    outcome = Outcome()
    inputs = prepare(root, plan, dataset, masks)
    # A method that is not in the table, as one of somebody's own in an earlier run, keeps what it has.
    cells = [cell for cell in plan.cells() if cell.method in registry.METHODS]
    for cell in cells:  # before the first picture: a mismatch must not surface after an hour
        _check(cell, root, inputs[cell.column], plan.images(cell.entry, cell.column))
    if engine == "ray":
        from benchmark.engines import on_ray

        on_ray.fill(root, plan, cells, inputs, outcome, device=device, address=address, quiet=quiet)
    else:
        local.fill(root, plan, cells, inputs, outcome, device=device, quiet=quiet)
    return outcome


def _check(cell: Cell, root: Path, inputs: Inputs, images: list[str]) -> None:
    folder = cell.folder(root)
    stored = read_json(folder / "key.json")
    text = difference(stored, _as_stored(stored, cell, inputs, images, folder)) if stored else None
    if text and text.startswith("inputs: "):
        text = "its photographs or masks are others"
    if text:
        raise InputError(
            f"'{cell.entry}' at {cell.column} in '{root.name}' was made otherwise ({text}): use --redo with "
            f"--methods, which throws away the pictures of the methods that it names, or another --out."
        )


def _as_stored(
    stored: dict[str, Any], cell: Cell, inputs: Inputs, images: list[str], folder: Path
) -> dict[str, Any]:
    """What the cell's key would be for as many pictures as it was started with: it may have grown since. A
    key of an older version does not say how many, its manifest does.
    """
    if isinstance(n := stored.get("n"), int):
        return meaning(cell, inputs, images[:n])
    finished = cell_manifest(folder)
    n = len(finished.pictures) + len(finished.failed) if finished else len(images)
    return {name: value for name, value in meaning(cell, inputs, images[:n]).items() if name != "n"}

"""Make one results folder of several whose plans are alike: the same test set, seed and masks."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from benchmark.cells import Cell, ColumnKey, column_folder, difference, read_json, write_json
from benchmark.files import cell_manifest
from benchmark.inputs.frozen import Inputs, link, stored_inputs
from benchmark.plan import Plan, join, keeps_apart, load_plan, plan_file
from inpainters.errors import InputError


def merge(sources: Sequence[Path], out: Path) -> Plan:
    """Bring the cells of all `sources` together in `out`, which may be one of them; returns the plan that
    holds there. What several have, with more or fewer pictures, is taken where it has most.

    Raises InputError naming the field in which two plans or cells differ; `out` is as it was then.
    """
    sources, out = list(dict.fromkeys(source.resolve() for source in sources)), out.resolve()
    plans = {source: load_plan(source) for source in sources}
    first, *others = sources
    for other in others:
        if text := keeps_apart(plans[first], plans[other]):
            raise InputError(
                f"'{first.name}' and '{other.name}' are not alike ({text}): folders of one test set, with "
                "the same masks and seed, can be merged."
            )
    plan = reduce(join, plans.values())
    tables = {column: _inputs(column, plan, sources) for column in plan.columns()}
    chosen = [(cell, found) for cell in plan.cells() if (found := _fullest(cell, sources))]
    for column, inputs in tables.items():
        _write_inputs(column, plan, inputs, out)
    for cell, source in chosen:
        _copy(cell.folder(source), cell.folder(out))
    write_json(plan_file(out), plan.to_json())
    return plan


def _inputs(column: ColumnKey, plan: Plan, sources: Sequence[Path]) -> list[Inputs]:
    """The inputs of a column in all folders that have it; raises InputError where two are not the same."""
    found = [
        one for source in sources if (one := stored_inputs(_inputs_folder(source, plan.dataset, column)))
    ]
    for one in found[1:]:
        for image_id in found[0].table.keys() & one.table.keys():
            if text := difference(found[0].table[image_id], one.table[image_id]):
                raise InputError(f"The folders have other inputs at {column}, '{image_id}' ({text}).")
    return found


def _inputs_folder(root: Path, dataset: str, column: ColumnKey) -> Path:
    return column_folder(root, dataset, column) / "_inputs"


def _fullest(cell: Cell, sources: Sequence[Path]) -> Path | None:
    """The folder that has most pictures of a cell; raises InputError where two were made otherwise."""
    found = {}
    keys = {}
    for source in sources:
        if stored := cell_manifest(cell.folder(source)):
            found[source] = len(stored.pictures)
            key = read_json(cell.folder(source) / "key.json") or {}
            keys[source] = {name: value for name, value in key.items() if name not in ("inputs", "n")}
    for source, key in keys.items():
        first = next(iter(keys))
        if text := difference(keys[first], key):
            raise InputError(
                f"'{cell.entry}' at {cell.column} was made otherwise in '{first.name}' and in "
                f"'{source.name}' ({text}): run it anew in one of them."
            )
    return max(found, key=lambda source: found[source], default=None)


def _write_inputs(column: ColumnKey, plan: Plan, found: Sequence[Inputs], out: Path) -> None:
    """The pictures and masks of a column; its table where no picture is lacking, so that a run completes it
    otherwise.
    """
    target, images = _inputs_folder(out, plan.dataset, column), plan.column(column)
    table = {image_id: row for one in found for image_id, row in one.table.items()}
    files = {name: sha for one in found for name, sha in one.files.items()}
    for one in found:
        _copy(one.folder, target, but=("inputs.json",))
    if table.keys() >= set(images):
        own = Inputs(target, {image_id: table[image_id] for image_id in images})
        names = [name for image_id in images for name in own.names(image_id)]
        shas = {name: files.get(name) for name in names}
        write_json(target / "inputs.json", {"order": images, "pictures": own.table, "files": shas})


def _copy(source: Path, target: Path, but: Sequence[str] = ()) -> None:
    """All files of a folder, those of the folders within it too."""
    if source == target:
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name not in but:
            link(path, target / path.relative_to(source))

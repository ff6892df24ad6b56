"""The manifest of a suite: `meaning` fixes what the numbers mean, `environment` says where they were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import measure
from benchmark.cells import FORMAT, Cell, file_sha256, finished, pixels_sha256, split_entry, write_json
from benchmark.files import (
    CellManifest,
    DatasetMeaning,
    MaskSetMeaning,
    Meaning,
    MetricMeaning,
    Pinned,
    SuiteManifest,
    cell_manifest,
    suite_manifest,
)
from benchmark.inputs.datasets import sample
from benchmark.inputs.frozen import Inputs, load_inputs
from benchmark.plan import Plan, load_plan, plan_file
from benchmark.record import weights_digest
from benchmark.rows import REASONS, SCORES
from inpainters import __version__, registry
from inpainters.errors import InputError

TABLES = (SCORES, REASONS, "timings.csv")


@dataclass(frozen=True)
class Done:
    """What a suite's manifest says of a finished cell, without its pictures."""

    cell: Cell
    pinned: Pinned
    environment: Mapping[str, Any]
    n: int
    failed: Mapping[str, str]
    """image id -> the reason why there is no fill."""

    @classmethod
    def of(cls, cell: Cell, stored: CellManifest) -> "Done":
        pinned = Pinned(
            version=stored.version, options=stored.options, weights=stored.weights, packages=stored.packages
        )
        return cls(cell, pinned, stored.environment, len(stored.pictures), stored.failed)


def save(root: Path, plan: Plan, done: Sequence[Done], inputs: Mapping[str, Inputs], metrics: Any) -> None:
    """Write manifest.json beside the tables."""
    files = {name: file_sha256(root / name) for name in TABLES}
    found = SuiteManifest(
        meaning=meaning_of_suite(plan, done, inputs, metrics), environment=environments(done), files=files
    )
    write_json(root / "manifest.json", found.model_dump(exclude_unset=True))


def meaning_of_suite(plan: Plan, done: Sequence[Done], inputs: Mapping[str, Inputs], metrics: Any) -> Meaning:
    """What fixes the numbers of the tables; nothing of it depends on the machine or the day."""
    return Meaning(
        format=FORMAT,
        version=__version__,
        suite=plan.suite,
        dataset=DatasetMeaning(
            name=plan.dataset, recipe=plan.recipe, images=plan.pictures, left_out=plan.left_out
        ),
        mask_set=MaskSetMeaning(
            name=plan.mask_set, source=plan.mask_source, seed=plan.seed, masks=_masks(plan, inputs)
        ),
        seed=plan.seed,
        methods=_methods(plan, done),
        n={b: {one.cell.entry: one.n for one in done if one.cell.bin == b} for b in plan.bins},
        planned=plan.methods,
        once=plan.once,
        answers=plan.answers,
        batch=plan.batch,
        metrics={name: _metric(spec, metrics) for name, spec in metrics.METRICS.items()},
        reference="paired",
    )


def _masks(plan: Plan, inputs: Mapping[str, Inputs]) -> dict[str, dict[str, tuple[str, str] | str]]:
    return {
        label: {
            i: row["reason"] if "reason" in row else (row["ratio"], row["mask"])
            for i, row in inputs[label].table.items()
        }
        for label in plan.bins
    }


def _methods(plan: Plan, done: Sequence[Done]) -> dict[str, Pinned]:
    found = {one.cell.entry: one.pinned for one in done}
    for entry in plan.methods:
        if (method := split_entry(entry)[0]) in registry.METHODS:
            found.setdefault(entry, Pinned(version=registry.METHODS[method].version))
    return found


def _metric(spec: Any, metrics: Any) -> MetricMeaning:
    reason = metrics.unavailable(spec.name)
    weights = weights_digest(spec.weights) if spec.weights and not reason else None
    fields = {name: getattr(spec, name) for name in ("title", "kind", "better", "unit", "variant")}
    return MetricMeaning(**fields, regions=tuple(spec.regions), weights=weights, unavailable=reason)


def environments(done: Sequence[Done]) -> dict[str, Any]:
    """Where the pictures were filled (`hardware`, `packages` ...; `others` if there was more than one place),
    and scored.
    """
    places: list[Mapping[str, Any]] = []
    for one in done:
        if one.environment not in places:
            places.append(one.environment)
    first = dict(places[0]) if places else {}
    return {**first, **({"others": places[1:]} if places[1:] else {}), "scored": measure.environment()}


def verify(root: Path) -> list[str]:
    """A sentence for each file that is not what the manifest says: tables, and originals, masks and outputs
    where they are here.
    """
    stored = suite_manifest(root)
    wrong = [
        f"{name} is not the file the manifest names."
        for name, sha in stored.files.items()
        if file_sha256(root / name) != sha
    ]
    wrong += _check_sample(stored.meaning.dataset)
    return wrong + (_check_cells(root) if plan_file(root).exists() else [])


def _check_sample(dataset: DatasetMeaning) -> list[str]:
    if dataset.name != "sample":
        return []
    wrong = []
    for picture in (p for p in sample().pictures if p.image_id in dataset.images):
        try:
            if pixels_sha256(picture.load()) != dataset.images[picture.image_id]:
                wrong.append(f"{picture.image_id} of the built-in set is not the picture the manifest names.")
        except InputError as error:
            wrong.append(str(error))
    return wrong


def _check_cells(root: Path) -> list[str]:
    plan = load_plan(root)
    wrong = []
    for label in plan.bins:
        inputs = load_inputs(root, plan, label)
        for image_id in (i for i, row in inputs.table.items() if "reason" not in row):
            try:
                inputs.load(image_id)
            except InputError as error:
                wrong.append(str(error))
    for cell in plan.cells():
        stored = cell_manifest(cell.folder(root))
        wrong += [
            f"{cell.method} {cell.bin} {i}: the output was changed."
            for i in (stored.pictures if stored else ())
            if not finished(cell.folder(root), i)
        ]
    return wrong

"""The manifest of a suite: `meaning` fixes what the numbers mean, `environment` says where they were made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import measure
from benchmark.cells import FORMAT, Cell, ColumnKey, file_sha256, split_entry, write_json
from benchmark.files import (
    CellManifest,
    DatasetMeaning,
    MaskSetMeaning,
    Meaning,
    MetricMeaning,
    Pinned,
    SuiteManifest,
)
from benchmark.inputs.frozen import Inputs
from benchmark.plan import Plan
from benchmark.record import code_digest, weights_digest
from benchmark.rows import REASONS, SCORES
from inpainters import __version__, registry

TABLES = (SCORES, REASONS, "timings.csv")


@dataclass(frozen=True)
class Done:
    """What a suite's manifest says of a finished cell, without its pictures."""

    cell: Cell
    pinned: Pinned
    environment: Mapping[str, Any]
    n: int
    failed: Mapping[str, str]
    """image id -> the reason why there is no fill that can be scored."""
    threads: Sequence[Mapping[str, int]] = ()

    @classmethod
    def of(cls, cell: Cell, stored: CellManifest, refused: Mapping[str, str] | None = None) -> "Done":
        """`refused`: image id -> the reason why its picture is not scored."""
        refused = refused or {}
        pinned = Pinned(
            version=stored.version, options=stored.options, weights=stored.weights, packages=stored.packages
        )
        if stored.detail:
            pinned = pinned.model_copy(update={"detail": True})
        n, failed = len(stored.pictures.keys() - refused.keys()), {**stored.failed, **refused}
        return cls(cell, pinned, stored.environment, n, failed, stored.threads())


def save(
    root: Path, plan: Plan, done: Sequence[Done], inputs: Mapping[ColumnKey, Inputs], metrics: Any
) -> None:
    """Write manifest.json beside the tables."""
    files = {name: file_sha256(root / name) for name in TABLES}
    found = SuiteManifest(
        meaning=meaning_of_suite(plan, done, inputs, metrics),
        environment=environments(done, metrics),
        files=files,
    )
    write_json(root / "manifest.json", found.model_dump(exclude_unset=True))


def meaning_of_suite(
    plan: Plan, done: Sequence[Done], inputs: Mapping[ColumnKey, Inputs], metrics: Any
) -> Meaning:
    """What fixes the numbers of the tables; nothing of it depends on the machine or the day."""
    return Meaning(
        format=FORMAT,
        version=__version__,
        suite=plan.suite,
        dataset=DatasetMeaning(
            name=plan.dataset, recipe=plan.recipe, images=plan.pictures, left_out=plan.left_out
        ),
        mask_sets=tuple(_mask_set(plan, name, done, inputs) for name in plan.mask_sets),
        seed=plan.seed,
        methods=_methods(plan, done),
        planned=plan.methods,
        once=plan.once,
        answers=plan.answers,
        batch=plan.batch,
        metrics={name: metric_meaning(spec, metrics) for name, spec in metrics.METRICS.items()},
        reference="paired",
    )


def _mask_set(
    plan: Plan, name: str, done: Sequence[Done], inputs: Mapping[ColumnKey, Inputs]
) -> MaskSetMeaning:
    columns = {column.bin: column for column in plan.columns() if column.mask_set == name}
    return MaskSetMeaning(
        name=name,
        source=plan.mask_sources[name],
        seed=plan.seed,
        masks={label: _masks(inputs[column]) for label, column in columns.items()},
        n={
            label: {one.cell.entry: one.n for one in done if one.cell.column == column}
            for label, column in columns.items()
        },
    )


def _masks(inputs: Inputs) -> dict[str, tuple[str, str] | str]:
    return {
        i: row["reason"] if "reason" in row else (row["ratio"], row["mask"])
        for i, row in inputs.table.items()
    }


def _methods(plan: Plan, done: Sequence[Done]) -> dict[str, Pinned]:
    found = {one.cell.entry: one.pinned for one in done}
    for entry in plan.methods:
        if (method := split_entry(entry)[0]) in registry.METHODS:
            found.setdefault(entry, Pinned(version=registry.METHODS[method].version))
    return found


def metric_meaning(spec: Any, metrics: Any) -> MetricMeaning:
    """What fixes the numbers of a metric: its variant and its weights' digest among them."""
    reason = metrics.unavailable(spec.name)
    weights = weights_digest(spec.weights) if spec.weights and not reason else None
    fields = {name: getattr(spec, name) for name in ("title", "kind", "better", "unit", "variant")}
    return MetricMeaning(**fields, regions=tuple(spec.regions), weights=weights, unavailable=reason)


def environments(done: Sequence[Done], metrics: Any) -> dict[str, Any]:
    """Where the pictures were filled (`hardware`, `packages` ...; `others` if there was more than one place)
    and with how many threads (`other_threads`: the cells that were filled with other numbers), and where and
    by which code of the metrics they were scored.
    """
    places: list[dict[str, Any]] = []
    for one in done:
        if (place := {**one.environment, "threads": {}}) not in places:
            places.append(place)
    first = {**places[0], "threads": _threads(done)} if places else {}
    other, more = other_threads(done), [{k: v for k, v in p.items() if k != "threads"} for p in places[1:]]
    scored = scored_where(metrics.METRICS.values())
    named = {name: found for name, found in (("others", more), ("other_threads", other)) if found}
    return {**first, **named, "scored": scored}


def scored_where(specs: Iterable[Any]) -> dict[str, Any]:
    """Where it is scored now, and by which code of these metrics (`metrics`)."""
    code = {spec.name: found for spec in specs if (found := _code(spec))}
    return {**measure.environment(), **({"metrics": code} if code else {})}


def _code(spec: Any) -> str | None:
    return code_digest(target) if (target := getattr(spec, "target", "")) else None


def _threads(done: Sequence[Done]) -> dict[str, int]:
    """The threads of the first cell, and of libraries that were imported for a later one."""
    first: dict[str, int] = {}
    for one in (threads for cell in done for threads in cell.threads):
        first = first if measure.unlike(one, first) else {**one, **first}
    return first


def other_threads(done: Sequence[Done]) -> dict[str, list[str]]:
    """Numbers of threads that are not the first cells' (in words) -> the cells filled with them."""
    first, found = _threads(done), dict[str, list[str]]()
    for one in done:
        for threads in (t for t in one.threads if measure.unlike(t, first)):
            cells = found.setdefault(measure.in_words(threads), [])
            cells += [one.cell.title] if one.cell.title not in cells else []
    return found

"""The manifest of a suite: `meaning` fixes what the numbers mean, `environment` says where they were made."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark import measure
from benchmark.cells import (
    FORMAT,
    Cell,
    finished,
    pixels_sha256,
    read_json,
    read_manifest,
    split_entry,
    write_json,
)
from benchmark.inputs.datasets import sample
from benchmark.inputs.frozen import Inputs, load_inputs
from benchmark.plan import Plan, load_plan, plan_file
from benchmark.record import weights_digest
from inpainters import __version__, registry
from inpainters.errors import InputError

Done = Sequence[tuple[Cell, Mapping[str, Any]]]
_METHOD_FIELDS = ("version", "options", "weights", "packages")


def save(root: Path, plan: Plan, done: Done, inputs: Mapping[str, Inputs], metrics: Any) -> None:
    """Write manifest.json beside scores.csv and timings.csv."""
    files = {name: _sha256(root / name) for name in ("scores.csv", "timings.csv")}
    write_json(
        root / "manifest.json",
        {"meaning": meaning(plan, done, inputs, metrics), "environment": environment(done), "files": files},
    )


def meaning(plan: Plan, done: Done, inputs: Mapping[str, Inputs], metrics: Any) -> dict[str, Any]:
    """What fixes the numbers of scores.csv; nothing of it depends on the machine or the day."""
    return {
        "format": FORMAT,
        "version": __version__,
        "suite": plan.suite,
        "dataset": {
            "name": plan.dataset,
            "recipe": plan.recipe,
            "images": plan.pictures,
            "left_out": list(plan.left_out),
        },
        "mask_set": {
            "name": plan.mask_set,
            "source": plan.mask_source,
            "seed": plan.seed,
            "masks": _masks(plan, inputs),
        },
        "seed": plan.seed,
        "methods": _methods(plan, done),
        "n": {b: {c.entry: len(s["pictures"]) for c, s in done if c.bin == b} for b in plan.bins},
        "planned": plan.methods,
        "once": plan.once,
        "answers": plan.answers,
        "batch": plan.batch,
        "metrics": {name: _metric(spec, metrics) for name, spec in metrics.METRICS.items()},
        "reference": "paired",
    }


def _masks(plan: Plan, inputs: Mapping[str, Inputs]) -> dict[str, Any]:
    """bin -> image id -> [ratio, sha256], or the reason why there is no mask."""
    return {
        label: {
            i: row["reason"] if "reason" in row else [row["ratio"], row["mask"]]
            for i, row in inputs[label].table.items()
        }
        for label in plan.bins
    }


def _methods(plan: Plan, done: Done) -> dict[str, Any]:
    found = {cell.entry: {name: stored[name] for name in _METHOD_FIELDS} for cell, stored in done}
    for entry in plan.methods:
        if (method := split_entry(entry)[0]) in registry.METHODS:
            found.setdefault(entry, {"version": registry.METHODS[method].version})
    return found


def _metric(spec: Any, metrics: Any) -> dict[str, Any]:
    reason = metrics.unavailable(spec.name)
    weights = weights_digest(spec.weights) if spec.weights and not reason else None
    fields = {name: getattr(spec, name) for name in ("title", "kind", "better", "unit", "variant")}
    return {**fields, "regions": list(spec.regions), "weights": weights, "unavailable": reason}


def environment(done: Done) -> dict[str, Any]:
    """Where the pictures were filled (`hardware`, `packages` ...; `others` if there was more than one place),
    and scored.
    """
    places: list[Any] = []
    for _, stored in done:
        if stored["environment"] not in places:
            places.append(stored["environment"])
    first = dict(places[0]) if places else {}
    return {**first, **({"others": places[1:]} if places[1:] else {}), "scored": measure.environment()}


def verify(root: Path) -> list[str]:
    """A sentence for each file that is not what the manifest says: tables, and originals, masks and outputs
    where they are here.
    """
    stored = read_json(root / "manifest.json")
    if (
        stored is None
        or not isinstance(stored.get("meaning"), dict)
        or not isinstance(stored.get("files"), dict)
    ):
        raise InputError(
            f"'{root.name}' has no manifest.json that can be read: `python -m benchmark score {root.name}` "
            "writes one."
        )
    if stored["meaning"].get("format") != FORMAT:
        raise InputError(
            f"'{root.name}' was written by another version of the benchmark: run its suite again with --redo."
        )
    wrong = [
        f"{name} is not the file the manifest names."
        for name, sha in stored["files"].items()
        if _sha256(root / name) != sha
    ]
    wrong += _check_sample(stored["meaning"]["dataset"])
    return wrong + (_check_cells(root) if plan_file(root).exists() else [])


def _check_sample(dataset: Mapping[str, Any]) -> list[str]:
    if dataset["name"] != "sample":
        return []
    wrong = []
    for picture in (p for p in sample().pictures if p.image_id in dataset["images"]):
        try:
            if pixels_sha256(picture.load()) != dataset["images"][picture.image_id]:
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
        stored = read_manifest(cell.folder(root)) or {"pictures": {}}
        wrong += [
            f"{cell.method} {cell.bin} {i}: the output was changed."
            for i in stored["pictures"]
            if not finished(cell.folder(root), i)
        ]
    return wrong


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None

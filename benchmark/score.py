"""Score: read PNGs, write rows. Scores and features are kept beside the PNGs, so that a new metric never
re-runs a method.
"""

import csv
import importlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmark import manifest
from benchmark.cells import Cell, digest, read_json, read_manifest, write, write_json
from benchmark.inputs.frozen import Inputs, load_inputs, read_rgb
from benchmark.plan import Plan, load_plan
from benchmark.record import weights_digest
from benchmark.results import ALL_BINS, SCORE_COLUMNS, TIMING_COLUMNS
from benchmark.results import WHOLE_SET as ALL
from inpainters.errors import InputError, sentence
from inpainters.imaging import Image
from inpainters.masks import BINS

_CHUNK = 16

Row = tuple[str, ...]
Features = npt.NDArray[np.float32]


class Metrics(Protocol):
    """What is used of `benchmark.metrics`; tests put their own in its place."""

    METRICS: Mapping[str, Any]

    def unavailable(self, name: str) -> str | None: ...

    def create(self, name: str) -> Any: ...

    def reason(self, name: str, region: str, value: float) -> str | None: ...


@dataclass
class Bench:
    """The metrics of one scoring, each made when it is first needed."""

    metrics: Metrics
    made: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def ready(self, kind: str) -> list[Any]:
        """The specs of one kind that can be computed here."""
        specs = [spec for spec in self.metrics.METRICS.values() if spec.kind == kind]
        for spec in specs:
            if spec.name not in self.absent and (reason := self.metrics.unavailable(spec.name)):
                self.absent[spec.name] = reason
        return [spec for spec in specs if spec.name not in self.absent]

    def get(self, name: str) -> Any:
        """The metric, with its weights in memory."""
        if name not in self.made:
            self.made[name] = self.metrics.create(name)
        return self.made[name]

    def key(self, spec: Any) -> str:
        """What pins a stored value of this metric."""
        return digest(
            {"variant": spec.variant, "weights": weights_digest(spec.weights) if spec.weights else None}
        )


def score(root: Path, *, metrics: Metrics | None = None, quiet: bool = False) -> list[str]:
    """Write scores.csv, timings.csv and manifest.json from the finished cells of `root`; returns a sentence
    for each failure.

    What was scored with the same metric variant and weights is not scored again. Raises InputError where the
    folder holds no run.
    """
    plan = load_plan(root)
    bench = Bench(metrics if metrics is not None else importlib.import_module("benchmark.metrics"))
    scorers = open_cells(root, plan, bench)
    rows: list[Row] = []
    times: list[Row] = []
    with _one_thread():
        for scorer in tqdm(scorers, desc="score", unit="cell", disable=True if quiet else None):
            rows += scorer.rows()
            times += scorer.times()
        rows += _pooled(scorers, bench)
        rows += _answers(scorers, bench)
    rows += _without_time(plan, bench)
    _write_table(root / "scores.csv", SCORE_COLUMNS, rows)
    _write_table(root / "timings.csv", TIMING_COLUMNS, times)
    done = [(one.cell, one.stored) for one in scorers]
    manifest.save(
        root, plan, done, {label: load_inputs(root, plan, label) for label in plan.bins}, bench.metrics
    )
    return _failures(root, plan, done)


def open_cells(root: Path, plan: Plan, bench: Bench) -> list["Scorer"]:
    """The finished cells of a results folder; raises InputError where there is none, or the run did not get
    that far.
    """
    inputs = {label: load_inputs(root, plan, label) for label in plan.bins}
    done = [(cell, stored) for cell in plan.cells() if (stored := read_manifest(cell.folder(root)))]
    if not done and any(plan.methods.values()):
        raise InputError(f"No cell of '{root.name}' is finished yet: run the suite again to continue.")
    return [Scorer(root, plan, cell, stored, inputs[cell.bin], bench) for cell, stored in done]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks on one picture at a time lose more to waiting for each other's threads than they win by
    them.
    """
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _failures(root: Path, plan: Plan, done: Sequence[tuple[Cell, Mapping[str, Any]]]) -> list[str]:
    failed = [
        f"{c.entry} {c.bin} {image_id}: {reason}"
        for c, stored in done
        for image_id, reason in stored["failed"].items()
    ]
    missing = len(plan.cells()) - len(done)
    return failed + (
        [f"{missing} of {len(plan.cells())} cells are not finished: run the suite again to continue."]
        if missing
        else []
    )


@dataclass
class Scorer:
    """Scores one cell."""

    root: Path
    plan: Plan
    cell: Cell
    stored: Mapping[str, Any]
    inputs: Inputs
    bench: Bench

    @property
    def folder(self) -> Path:
        return self.cell.folder(self.root)

    @property
    def images(self) -> list[str]:
        """The finished pictures, in the plan's order."""
        return [i for i in self.plan.images(self.cell.entry, self.cell.bin) if i in self.stored["pictures"]]

    def times(self) -> Iterator[Row]:
        for image_id in self.images:
            record = self.stored["pictures"][image_id]
            yield (
                *_key(self.plan, self.cell, image_id),
                record["seconds"],
                str(record["network_calls"]),
                record["peak_memory_mb"],
            )

    def rows(self) -> Iterator[Row]:
        """All rows of the cell, from the file of scores after what is missing in it was computed."""
        stored = read_json(self.folder / "scores.json") or {}
        found = {
            name: entry
            for name, entry in stored.items()
            if isinstance(entry, dict) and isinstance(entry.get("rows"), dict)
        }
        specs = self.bench.ready("image") + self.bench.ready("set")
        scores = {
            name: entry for name, entry in found.items() if name in self.bench.absent
        }  # kept until its weights are back
        for spec in specs:
            key = self._value_key(spec)
            scores[spec.name] = (
                found[spec.name] if found.get(spec.name, {}).get("key") == key else {"key": key, "rows": {}}
            )
        self._score_images(scores)
        self._score_sets(scores)
        write_json(self.folder / "scores.json", scores)
        for spec in specs:
            for image_id, values in scores[spec.name]["rows"].items():
                yield from self._values(image_id, spec.name, values)
        yield from self._reasons()

    def _value_key(self, spec: Any) -> str:
        """A value for one picture hangs on the metric; one for a set also on which pictures are in it."""
        key = self.bench.key(spec)
        return (
            key
            if spec.kind == "image"
            else digest([key, [self.stored["pictures"][i]["sha256"] for i in self.images]])
        )

    def _values(self, image_id: str, name: str, values: Mapping[str, Mapping[str, str]]) -> Iterator[Row]:
        for region, pair in values.items():
            yield (
                *_key(self.plan, self.cell, image_id),
                name,
                region,
                pair.get("value", ""),
                pair.get("reason", ""),
            )

    def _reasons(self) -> Iterator[Row]:
        """Rows without a value: metrics that are not ready, pictures that failed."""
        for name, reason in self.bench.absent.items():
            spec = self.bench.metrics.METRICS[name]
            for region in spec.regions if spec.kind != "answers" or self.plan.answers > 1 else ():
                yield (*_key(self.plan, self.cell, ALL), name, region, "", reason)
        for image_id, reason in self.stored["failed"].items():
            for spec in self.bench.ready("image"):
                for region in spec.regions:
                    yield (*_key(self.plan, self.cell, image_id), spec.name, region, "", reason)

    def _score_images(self, scores: dict[str, Any]) -> None:
        specs = self.bench.ready("image")
        for count, image_id in enumerate(self.images, 1):
            lacking = [spec for spec in specs if image_id not in scores[spec.name]["rows"]]
            if not lacking:
                continue
            original, mask = self.inputs.load(image_id)
            output = read_rgb(self.folder / f"{image_id}.png")
            for spec in lacking:
                scores[spec.name]["rows"][image_id] = self._one(spec, original, output, mask)
            if count % _CHUNK == 0:
                write_json(self.folder / "scores.json", scores)

    def _one(self, spec: Any, original: Image, output: Image, mask: Any) -> dict[str, dict[str, str]]:
        """Region -> value or reason. One picture at a time: a batch's last digits would depend on where a run
        was killed.
        """
        try:
            values = self.bench.get(spec.name).score(original, output, mask)
        except (ValueError, RuntimeError) as error:
            return {region: {"reason": sentence(error)} for region in spec.regions}
        return {
            region: self._value(spec.name, region, values.get(region, float("nan")))
            for region in spec.regions
        }

    def _value(self, name: str, region: str, value: float) -> dict[str, str]:
        reason = self.bench.metrics.reason(name, region, float(value))
        return {"reason": reason} if reason else {"value": f"{float(value):.9g}"}

    def _score_sets(self, scores: dict[str, Any]) -> None:
        for spec in self.bench.ready("set"):
            if ALL not in scores[spec.name]["rows"]:
                values = self._set(spec)
                scores[spec.name]["rows"][ALL] = dict.fromkeys(spec.regions, values)
                write_json(self.folder / "scores.json", scores)

    def _set(self, spec: Any) -> dict[str, str]:
        if not self.images:
            return {"reason": "No picture of this cell is finished."}
        try:
            return self._value(spec.name, "whole", self.bench.get(spec.name).distance(*self.features(spec)))
        except (ValueError, RuntimeError) as error:
            return {"reason": sentence(error)}

    def features(self, spec: Any) -> tuple[Features, Features]:
        """(n, d) features of the originals and of the fills of this cell's pictures; metrics of one network
        share them.
        """
        metric = self.bench.get(spec.name)
        file = f"{metric.feature_key}.npz"
        key = weights_digest(spec.weights) or "" if spec.weights else ""
        column = self.plan.column(self.cell.bin)
        reference = _features(
            self.inputs.folder / "features" / file,
            metric,
            key,
            {i: self.inputs.folder / f"{i}.png" for i in column},
        )
        output = _features(
            self.folder / "features" / file, metric, key, {i: self.folder / f"{i}.png" for i in self.images}
        )
        return reference[[column.index(i) for i in self.images]], output


def _pooled(scored: Sequence[Scorer], bench: Bench) -> Iterator[Row]:
    """Set metrics of each method over all ratio bins together: more pictures, so less bias."""
    ratio = [one for one in scored if one.cell.bin in BINS and one.images]
    for entry, seed in dict.fromkeys((one.cell.entry, one.cell.seed) for one in ratio):
        ours = [one for one in ratio if (one.cell.entry, one.cell.seed) == (entry, seed)]
        for spec in bench.ready("set") if len(ours) > 1 else []:
            try:
                sides = zip(*(one.features(spec) for one in ours), strict=True)
                pair = ours[0]._value(
                    spec.name, "whole", bench.get(spec.name).distance(*map(np.concatenate, sides))
                )
            except (ValueError, RuntimeError) as error:
                pair = {"reason": sentence(error)}
            key = _key(ours[0].plan, replace(ours[0].cell, bin=ALL_BINS), ALL)
            for region in spec.regions:
                yield (*key, spec.name, region, pair.get("value", ""), pair.get("reason", ""))


def _answers(scored: Sequence[Scorer], bench: Bench) -> Iterator[Row]:
    """What can be said of several answers to one hole, under the first one's seed."""
    groups: dict[tuple[str, str], list[Scorer]] = {}
    for one in scored:
        groups.setdefault((one.cell.entry, one.cell.bin), []).append(one)
    for ours in (group for group in groups.values() if len(group) == group[0].plan.answers > 1):
        first = ours[0]
        for image_id in (i for i in first.images if all(i in other.images for other in ours)):
            answers, mask = (
                [read_rgb(one.folder / f"{image_id}.png") for one in ours],
                first.inputs.load(image_id)[1],
            )
            for spec in bench.ready("answers"):
                try:
                    values = bench.get(spec.name).score_answers(answers, mask)
                    pairs = {
                        region: first._value(spec.name, region, values[region]) for region in spec.regions
                    }
                except (ValueError, RuntimeError) as error:
                    pairs = {region: {"reason": sentence(error)} for region in spec.regions}
                yield from first._values(image_id, spec.name, pairs)


def _features(file: Path, metric: Any, key: str, paths: Mapping[str, Path]) -> Features:
    """(n, d) float32 features of PNGs, from `file` where it holds just these, else computed and stored there."""
    wanted = digest([metric.feature_key, key, [[i, path.stat().st_size] for i, path in paths.items()]])
    if file.is_file():
        try:
            with np.load(file, allow_pickle=False) as stored:
                if str(stored["key"]) == wanted:
                    return np.asarray(stored["features"], np.float32)
        except (OSError, ValueError, KeyError):
            pass  # damaged: computed again
    files = list(paths.values())
    chunks = [
        metric.features([read_rgb(path) for path in files[i : i + _CHUNK]])
        for i in range(0, len(files), _CHUNK)
    ]
    features = np.concatenate(chunks).astype(np.float32)
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(wanted), features=features)
    write(file, buffer.getvalue())
    return features


def _without_time(plan: Plan, bench: Bench) -> Iterator[Row]:
    """A row for each bin and metric of a method that the time budget leaves no picture for."""
    reason = "The suite's time budget leaves no picture for this method: raise --budget."
    for entry in (entry for entry, n in plan.methods.items() if n == 0):
        for label in plan.bins:
            cell = plan.cell(entry, label)
            for spec in (
                spec for spec in bench.metrics.METRICS.values() if spec.kind != "answers" or plan.answers > 1
            ):
                for region in spec.regions:
                    yield (*_key(plan, cell, ALL), spec.name, region, "", reason)


def _key(plan: Plan, cell: Cell, image_id: str) -> Row:
    return (
        plan.suite,
        cell.dataset,
        cell.mask_set,
        cell.bin,
        image_id,
        cell.method,
        cell.options_text,
        str(cell.seed),
    )


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(sorted(rows))
    write(path, text.getvalue().encode())

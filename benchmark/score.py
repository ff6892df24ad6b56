"""Score: read PNGs, write rows. Scores and features are kept beside the PNGs, so that a new metric never
re-runs a method.

First every cell is scored, then the tables are written cell by cell: no more than one cell is held in memory.
"""

import csv
import importlib
import io
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from benchmark import manifest
from benchmark.cells import Cell, digest, read_json, write, write_json
from benchmark.files import CellManifest, cell_manifest
from benchmark.inputs.frozen import Inputs, load_inputs, read_rgb
from benchmark.manifest import Done
from benchmark.metrics.base import Features
from benchmark.plan import Plan, load_plan
from benchmark.record import weights_digest
from benchmark.results import ALL_BINS, PLAIN, TIMING_COLUMNS
from benchmark.results import WHOLE_SET as ALL
from benchmark.rows import Column, Row, Scored, Writer
from inpainters.errors import InputError, sentence
from inpainters.imaging import Image, Mask
from inpainters.masks import BINS

BATCH = 8
"""Pictures that a metric is given at once: always the same ones, neighbours in the plan's order, as
companions may bear on a network's last digits.
"""
PAUSE = 5.0
"""Seconds of work that may be lost where a scoring is broken off."""
_CHUNK = 16
"""Pictures whose features are taken at once."""

Figures = dict[Column, Scored]
Triple = tuple[Image, Image, Mask]


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

    def by_picture(self) -> list[Any]:
        """The specs of metrics that have a row for each picture."""
        return self.ready("image") + [spec for spec in self.ready("set") if spec.pseudo_values]

    def of_sets(self) -> list[Any]:
        """The specs of metrics that have one row for each set."""
        return [spec for spec in self.ready("set") if not spec.pseudo_values]

    def get(self, name: str) -> Any:
        """The metric, with its weights in memory."""
        if name not in self.made:
            self.made[name] = self.metrics.create(name)
        return self.made[name]

    def key(self, spec: Any) -> str:
        """What pins a stored value of this metric."""
        weights = weights_digest(spec.weights) if spec.weights else None
        batch = {"batch": BATCH} if spec.kind == "image" else {}
        return digest({"variant": spec.variant, "weights": weights, **batch})


def score(root: Path, *, metrics: Metrics | None = None, quiet: bool = False) -> list[str]:
    """Write the tables of rows, timings.csv and manifest.json from the finished cells of `root`; returns a
    sentence for each failure.

    What was scored with the same metric variant and weights is not scored again. Raises InputError where the
    folder holds no run.
    """
    plan = load_plan(root)
    bench = Bench(metrics if metrics is not None else importlib.import_module("benchmark.metrics"))
    scorers = open_cells(root, plan, bench)
    with _one_thread():
        for scorer in tqdm(scorers, desc="score", unit="cell", disable=True if quiet else None):
            scorer.score()
        _write_scores(root, plan, scorers, bench)
    _write_timings(root / "timings.csv", scorers)
    (root / PLAIN).unlink(missing_ok=True)
    done = [one.done for one in scorers]
    inputs = {label: load_inputs(root, plan, label) for label in plan.bins}
    manifest.save(root, plan, done, inputs, bench.metrics)
    return _failures(plan, done)


def open_cells(root: Path, plan: Plan, bench: Bench) -> list["Scorer"]:
    """The finished cells of a results folder; raises InputError where there is none, or the run did not get
    that far.
    """
    inputs = {label: load_inputs(root, plan, label) for label in plan.bins}
    found = []
    for cell in plan.cells():
        if stored := cell_manifest(cell.folder(root)):
            absent = frozenset(plan.images(cell.entry, cell.bin)) - stored.pictures.keys()
            found.append(Scorer(root, plan, Done.of(cell, stored), absent, inputs[cell.bin], bench))
    if not found and any(plan.methods.values()):
        raise InputError(f"No cell of '{root.name}' is finished yet: run the suite again to continue.")
    return found


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks on a few pictures at a time lose more to waiting for each other's threads than they win
    by them.
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


def _failures(plan: Plan, done: Sequence[Done]) -> list[str]:
    failed = [
        f"{one.cell.entry} {one.cell.bin} {image_id}: {reason}"
        for one in done
        for image_id, reason in one.failed.items()
    ]
    total = len(plan.cells())
    missing = total - len(done)
    unfinished = f"{missing} of {total} cells are not finished: run the suite again to continue."
    return failed + ([unfinished] if missing else [])


@dataclass
class Scorer:
    """Scores one cell."""

    root: Path
    plan: Plan
    done: Done
    absent: frozenset[str]
    """Pictures of the plan that could not be filled."""
    inputs: Inputs
    bench: Bench

    @property
    def cell(self) -> Cell:
        return self.done.cell

    @property
    def folder(self) -> Path:
        return self.cell.folder(self.root)

    @property
    def planned(self) -> list[str]:
        return self.plan.images(self.cell.entry, self.cell.bin)

    @property
    def images(self) -> list[str]:
        """The finished pictures, in the plan's order."""
        return [image_id for image_id in self.planned if image_id not in self.absent]

    def stored(self) -> CellManifest:
        """The cell's manifest, from its file."""
        if (found := cell_manifest(self.folder)) is None:
            raise InputError(f"'{self.root.name}' changed while it was scored: score it again.")
        return found

    def times(self) -> Iterator[tuple[object, ...]]:
        """Lines of timings.csv."""
        pictures = self.stored().pictures
        for image_id in sorted(self.images):
            one = pictures[image_id]
            yield *_key(self.plan, self.cell, image_id), one.seconds, one.network_calls, one.peak_memory_mb

    def score(self) -> None:
        """Compute what the file of scores lacks."""
        stored = read_json(self.folder / "scores.json") or {}
        found = {
            name: entry
            for name, entry in stored.items()
            if isinstance(entry, dict) and isinstance(entry.get("rows"), dict)
        }
        scores = {
            name: entry for name, entry in found.items() if name in self.bench.absent
        }  # kept until its weights are back
        for spec in self.specs():
            key = self._value_key(spec)
            kept = found.get(spec.name, {}).get("key") == key
            scores[spec.name] = found[spec.name] if kept else {"key": key, "rows": {}}
        self._score_images(scores)
        self._score_sets(scores)
        write_json(self.folder / "scores.json", scores)

    def specs(self) -> list[Any]:
        """The metrics that have rows of their own for each cell."""
        return self.bench.ready("image") + self.bench.ready("set")

    def rows(self, more: Mapping[str, Figures]) -> Iterator[Row]:
        """All rows of the cell after it was scored, sorted by picture; `more` are figures that others know of
        its pictures.
        """
        found: dict[str, Figures] = defaultdict(dict)
        stored = read_json(self.folder / "scores.json") or {}
        for spec in self.specs():
            for image_id, values in stored[spec.name]["rows"].items():
                found[image_id].update({(spec.name, region): figure for region, figure in values.items()})
        for image_id, figures in (*more.items(), *self._reasons()):
            found[image_id].update(figures)
        for image_id in sorted(found):
            yield Row(_key(self.plan, self.cell, image_id), found[image_id])

    def _value_key(self, spec: Any) -> str:
        """A value for one picture hangs on the metric; one for a set also on which pictures are in it."""
        key = self.bench.key(spec)
        if spec.kind == "image":
            return key
        pictures = self.stored().pictures
        return digest([key, [pictures[image_id].sha256 for image_id in self.images]])

    def _reasons(self) -> Iterator[tuple[str, Figures]]:
        """Figures that are lacking: of metrics that are not ready, of pictures that failed."""
        absent = [self.bench.metrics.METRICS[name] for name in self.bench.absent]
        for spec in absent if self.plan.answers > 1 else [s for s in absent if s.kind != "answers"]:
            yield ALL, _lacking([spec], self.bench.absent[spec.name])
        for image_id, reason in self.done.failed.items():
            yield image_id, _lacking(self.bench.by_picture(), reason)

    def _score_images(self, scores: dict[str, Any]) -> None:
        specs, planned, saved = self.bench.ready("image"), self.planned, time.monotonic()
        for start in range(0, len(planned), BATCH):
            batch = [image_id for image_id in planned[start : start + BATCH] if image_id not in self.absent]
            lacking = [spec for spec in specs if not scores[spec.name]["rows"].keys() >= set(batch)]
            if lacking:
                triples = [self._triple(image_id) for image_id in batch]
                for spec in lacking:
                    scores[spec.name]["rows"].update(zip(batch, self._several(spec, triples), strict=True))
            if time.monotonic() > saved + PAUSE:
                write_json(self.folder / "scores.json", scores)
                saved = time.monotonic()

    def _triple(self, image_id: str) -> Triple:
        original, mask = self.inputs.load(image_id)
        return original, read_rgb(self.folder / f"{image_id}.png"), mask

    def _several(self, spec: Any, triples: Sequence[Triple]) -> list[dict[str, Scored]]:
        """Region -> figure for each triple; one by one where they cannot be scored together."""
        try:
            found = self.bench.get(spec.name).score_batch(*map(list, zip(*triples, strict=True)))
        except (ValueError, RuntimeError) as error:
            if len(triples) == 1:
                return [{region: {"reason": sentence(error)} for region in spec.regions}]
            return [self._several(spec, [triple])[0] for triple in triples]
        return [
            {
                region: self.figure(spec.name, region, values.get(region, float("nan")))
                for region in spec.regions
            }
            for values in found
        ]

    def figure(self, name: str, region: str, value: float) -> Scored:
        """A value as a row holds it, or the reason why it cannot."""
        reason = self.bench.metrics.reason(name, region, float(value))
        return {"reason": reason} if reason else {"value": f"{float(value):.9g}"}

    def _score_sets(self, scores: dict[str, Any]) -> None:
        for spec in self.bench.ready("set"):
            if not scores[spec.name]["rows"]:
                found = self._set(spec)
                scores[spec.name]["rows"] = {i: dict.fromkeys(spec.regions, one) for i, one in found.items()}
                write_json(self.folder / "scores.json", scores)

    def _set(self, spec: Any) -> dict[str, Scored]:
        """The set's figure, or one for each of its pictures where the metric is the mean of such."""
        if not self.images:
            return {ALL: {"reason": "No picture of this cell is finished."}}
        metric, names = self.bench.get(spec.name), self.images if spec.pseudo_values else [ALL]
        try:
            sides = self.features(spec)
            values = metric.pseudo_values(*sides) if spec.pseudo_values else [metric.distance(*sides)]
        except (ValueError, RuntimeError) as error:
            return {i: {"reason": sentence(error)} for i in names}
        return {i: self.figure(spec.name, "whole", value) for i, value in zip(names, values, strict=True)}

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


def _write_scores(root: Path, plan: Plan, scorers: Sequence[Scorer], bench: Bench) -> None:
    specs = [spec for spec in bench.metrics.METRICS.values() if spec.kind != "answers" or plan.answers > 1]
    columns = [(spec.name, region) for spec in specs for region in spec.regions]
    with Writer(root, columns) as table:
        for part in _parts(plan, scorers, bench, specs):
            for row in part():
                table.add(row)


def _parts(
    plan: Plan, scorers: Sequence[Scorer], bench: Bench, specs: Sequence[Any]
) -> Iterator[Callable[[], Iterator[Row]]]:
    """What makes the rows of each cell, in the order of the table: cells, their pools over all ratios, and
    cells without time.
    """
    parts: list[tuple[Cell, Callable[[], Iterator[Row]]]] = []
    for group in _groups(scorers, lambda one: (one.cell.entry, one.cell.bin)):
        answers = partial(_answers, group, bench) if len(group) == plan.answers > 1 else dict
        parts.append((group[0].cell, partial(_first, group[0], answers)))
        parts += [(one.cell, partial(one.rows, {})) for one in group[1:]]
    ratio = [one for one in scorers if one.cell.bin in BINS and one.images]
    for group in _groups(ratio, lambda one: (one.cell.entry, one.cell.seed)):
        pool = replace(group[0].cell, bin=ALL_BINS)
        if len(group) > 1 and bench.of_sets():
            parts.append((pool, partial(_pooled, plan, pool, group, bench)))
    reason = "The suite's time budget leaves no picture for this method: raise --budget."
    for entry in (entry for entry, n in plan.methods.items() if n == 0):
        for cell in (plan.cell(entry, label) for label in plan.bins):
            row = Row(_key(plan, cell, ALL), _lacking(specs, reason))
            parts.append((cell, partial(iter, [row])))
    yield from (part for _, part in sorted(parts, key=lambda one: _key(plan, one[0], "")))


def _groups(scorers: Iterable[Scorer], key: Callable[[Scorer], Any]) -> list[list[Scorer]]:
    found: dict[Any, list[Scorer]] = defaultdict(list)
    for one in scorers:
        found[key(one)].append(one)
    return list(found.values())


def _first(one: Scorer, answers: Callable[[], Mapping[str, Figures]]) -> Iterator[Row]:
    """The rows of the cell of the first of several answers: it also holds what is said of all."""
    yield from one.rows(answers())


def _pooled(plan: Plan, pool: Cell, ours: Sequence[Scorer], bench: Bench) -> Iterator[Row]:
    """Set metrics of a method over all ratio bins together: more pictures, so less bias. Those that have a
    row for each picture are averaged over the bins, as any of these.
    """
    figures: Figures = {}
    for spec in bench.of_sets():
        try:
            sides = zip(*(one.features(spec) for one in ours), strict=True)
            distance = bench.get(spec.name).distance(*map(np.concatenate, sides))
            figure = ours[0].figure(spec.name, "whole", distance)
        except (ValueError, RuntimeError) as error:
            figure = {"reason": sentence(error)}
        figures |= {(spec.name, region): figure for region in spec.regions}
    yield Row(_key(plan, pool, ALL), figures)


def _answers(ours: Sequence[Scorer], bench: Bench) -> dict[str, Figures]:
    """What can be said of several answers to one hole: image id -> figures."""
    found: dict[str, Figures] = {}
    first = ours[0]
    for image_id in (i for i in first.images if all(i not in other.absent for other in ours)):
        answers = [read_rgb(one.folder / f"{image_id}.png") for one in ours]
        mask, figures = first.inputs.load(image_id)[1], found.setdefault(image_id, {})
        for spec in bench.ready("answers"):
            try:
                values = bench.get(spec.name).score_answers(answers, mask)
                figures |= {(spec.name, r): first.figure(spec.name, r, values[r]) for r in spec.regions}
            except (ValueError, RuntimeError) as error:
                figures |= _lacking([spec], sentence(error))
    return found


def _lacking(specs: Iterable[Any], reason: str) -> Figures:
    return {(spec.name, region): {"reason": reason} for spec in specs for region in spec.regions}


def _features(file: Path, metric: Any, key: str, paths: Mapping[str, Path]) -> Features:
    """(n, d) float32 features of PNGs, from `file` where it holds just these, else made and stored there."""
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


def _key(plan: Plan, cell: Cell, image_id: str) -> tuple[str | int, ...]:
    """In the order of KEY_COLUMNS."""
    return (
        plan.suite,
        cell.dataset,
        cell.mask_set,
        cell.bin,
        image_id,
        cell.method,
        cell.options_text,
        cell.seed,
    )


def _write_timings(path: Path, scorers: Sequence[Scorer]) -> None:
    """A line per fill, cell by cell in the order of the table of scores."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(TIMING_COLUMNS)
        for scorer in sorted(scorers, key=lambda one: _key(one.plan, one.cell, "")):
            table.writerows(scorer.times())
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

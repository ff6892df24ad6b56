"""Score: read PNGs, write rows. Scores and features are kept beside the PNGs, so that a new metric never
re-runs a method; each belongs to the bytes of its picture, so that another picture never keeps its score.

First every cell is scored, then the tables are written cell by cell: no more than one cell is held in memory.
"""

import csv
import hashlib
import importlib
import io
import math
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
from zipfile import BadZipFile

import numpy as np
from tqdm import tqdm

from benchmark import manifest
from benchmark.cells import Cell, digest, file_sha256, read_json, write, write_json
from benchmark.files import CellManifest, FillRecord, cell_manifest
from benchmark.inputs.frozen import Inputs, load_inputs, read_rgb
from benchmark.manifest import Done
from benchmark.metrics.base import Features
from benchmark.plan import Plan, load_plan
from benchmark.record import weights_digest
from benchmark.results import ALL_BINS, LATER_COLUMNS, PLAIN, TIMING_COLUMNS
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
"""Pictures whose features are taken at once: neighbours in the plan's order, as above."""
CHANGED = "Its PNG is missing or not the one that its record names: run the suite again, which fills it anew."

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
        capped = {"infinite": True} if spec.highest < math.inf else {}
        return digest({"variant": spec.variant, "weights": weights, **batch, **capped})


def score(
    root: Path,
    *,
    metrics: Metrics | None = None,
    quiet: bool = False,
    note: Callable[[str], object] = lambda text: None,
) -> list[str]:
    """Write the tables of rows, timings.csv and manifest.json from the finished cells of `root`; returns a
    sentence for each failure, a picture that is not its record's among them. `note` is told of what is no
    failure.

    What was scored with the same metric variant and weights on the same bytes is not scored again. Raises
    InputError where the folder holds no run.
    """
    plan = load_plan(root)
    bench = open_bench(metrics)
    scorers = open_cells(root, plan, bench, quiet=quiet)
    with one_thread():
        older = [
            scorer.score()
            for scorer in tqdm(scorers, desc="score", unit="cell", disable=True if quiet else None)
        ]
        _write_scores(root, plan, scorers, bench)
    if any(older):
        note(
            f"{sum(older)} cells held scores of an older version, which do not say of which picture they "
            "are: they were scored anew."
        )
    _write_timings(root / "timings.csv", scorers)
    (root / PLAIN).unlink(missing_ok=True)
    done = [one.done for one in scorers]
    inputs = {column: load_inputs(root, plan, column) for column in plan.columns()}
    manifest.save(root, plan, done, inputs, bench.metrics)
    return _failures(plan, done)


def open_bench(metrics: Metrics | None = None) -> Bench:
    """The metrics of `benchmark.metrics`, or others in their place."""
    return Bench(metrics if metrics is not None else importlib.import_module("benchmark.metrics"))


def open_cells(root: Path, plan: Plan, bench: Bench, *, quiet: bool = True) -> list["Scorer"]:
    """The finished cells of a results folder, every picture compared with its record; raises InputError where
    there is no finished cell, or the run did not get that far.
    """
    inputs = {column: load_inputs(root, plan, column) for column in plan.columns()}
    damaged = {column: one.damaged() for column, one in inputs.items()}
    found = []
    for cell in tqdm(plan.cells(), desc="check", unit="cell", disable=True if quiet else None):
        if stored := cell_manifest(cell.folder(root)):
            images = plan.images(cell.entry, cell.column)
            changed = {
                image_id: CHANGED
                for image_id in images
                if image_id in stored.pictures
                and file_sha256(cell.folder(root) / f"{image_id}.png") != stored.pictures[image_id].sha256
            }
            torn = damaged[cell.column] | _others(cell, stored, inputs[cell.column], images)
            refused = {i: text for i, text in torn.items() if i in stored.pictures} | changed
            absent = frozenset(images) - stored.pictures.keys() | refused.keys()
            done = Done.of(cell, stored, refused)
            found.append(Scorer(root, plan, done, absent, inputs[cell.column], bench, torn, changed))
    if not found and any(plan.methods.values()):
        raise InputError(f"No cell of '{root.name}' is finished yet: run the suite again to continue.")
    return found


def _others(cell: Cell, stored: CellManifest, inputs: Inputs, images: Sequence[str]) -> dict[str, str]:
    """Image id -> why no fill of the cell is scored, where its photographs and masks are not those that lie
    beside it now; none where they are, or the record does not say.
    """
    then = images[: len(stored.pictures) + len(stored.failed)]  # the run may have grown since
    now = digest({image_id: inputs.table.get(image_id) for image_id in then})
    if stored.inputs in ("", now):
        return {}
    text = f"{cell.title}: the photographs or masks are not those that it was filled from; use --redo."
    return dict.fromkeys(images, text)


@contextmanager
def one_thread() -> Iterator[None]:
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
        f"{one.cell.title} {image_id}: {reason}" for one in done for image_id, reason in one.failed.items()
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
    """Pictures of the plan that could not be filled, or are not scored."""
    inputs: Inputs
    bench: Bench
    damaged: Mapping[str, str] = field(default_factory=dict)
    """image id -> what is wrong with its original or mask."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """image id -> a sentence, where the PNG is not its record's."""

    @property
    def cell(self) -> Cell:
        return self.done.cell

    @property
    def folder(self) -> Path:
        return self.cell.folder(self.root)

    @property
    def planned(self) -> list[str]:
        return self.plan.images(self.cell.entry, self.cell.column)

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
            times = one.seconds, one.network_calls, one.peak_memory_mb
            yield (
                *row_key(self.plan, self.cell, image_id),
                *times,
                one.known_mean,
                one.known_max,
                one.detail_scale,
            )

    def score(self) -> bool:
        """Compute what the file of scores lacks; returns True where it held scores that do not say of which
        pictures they are.
        """
        stored = read_json(self.folder / "scores.json") or {}
        found = {
            name: entry
            for name, entry in stored.items()
            if isinstance(entry, dict) and isinstance(entry.get("rows"), dict)
            if all(map(_sound, entry["rows"].values()))
        }
        records = self.stored().pictures
        of = {image_id: self._bytes(image_id, records) for image_id in self.images}
        scores = {
            name: entry for name, entry in found.items() if name in self.bench.absent
        }  # kept until its weights are back
        for spec in self.specs():
            entry, key = found.get(spec.name, {}), self._value_key(spec, of)
            scores[spec.name] = _kept(entry, key, of) if spec.kind == "image" else _kept(entry, key)
        self._score_images(scores, records, of)
        self._score_sets(scores)
        write_json(self.folder / "scores.json", scores)
        return any("of" not in entry and entry["rows"] for entry in found.values())

    def _bytes(self, image_id: str, records: Mapping[str, FillRecord]) -> str:
        """What a score of this picture hangs on beside the metric: digests of PNG, original and mask."""
        row = self.inputs.table[image_id]
        return digest([records[image_id].sha256, row["image"], row["mask"]])

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
            yield Row(row_key(self.plan, self.cell, image_id), found[image_id])

    def _value_key(self, spec: Any, of: Mapping[str, str]) -> str:
        """A value for one picture hangs on the metric; one for a set also on which pictures are in it."""
        key = self.bench.key(spec)
        return key if spec.kind == "image" else digest([key, list(of.values())])

    def _reasons(self) -> Iterator[tuple[str, Figures]]:
        """Figures that are lacking: of metrics that are not ready, of pictures that failed."""
        absent = [self.bench.metrics.METRICS[name] for name in self.bench.absent]
        for spec in absent if self.plan.answers > 1 else [s for s in absent if s.kind != "answers"]:
            yield ALL, _lacking([spec], self.bench.absent[spec.name])
        for image_id, reason in self.done.failed.items():
            yield image_id, _lacking(self.bench.by_picture(), reason)

    def _score_images(
        self, scores: dict[str, Any], records: Mapping[str, FillRecord], of: Mapping[str, str]
    ) -> None:
        specs, planned, saved = self.bench.ready("image"), self.planned, time.monotonic()
        for start in range(0, len(planned), BATCH):
            batch = [image_id for image_id in planned[start : start + BATCH] if image_id not in self.absent]
            lacking = [spec for spec in specs if not scores[spec.name]["rows"].keys() >= set(batch)]
            if lacking:
                triples = [self.triple(image_id, records) for image_id in batch]
                for spec in lacking:
                    scores[spec.name]["rows"].update(zip(batch, self.several(spec, triples), strict=True))
                    scores[spec.name]["of"].update({image_id: of[image_id] for image_id in batch})
            if time.monotonic() > saved + PAUSE:
                write_json(self.folder / "scores.json", scores)
                saved = time.monotonic()

    def triple(self, image_id: str, records: Mapping[str, FillRecord]) -> Triple:
        """Original, fill and mask of one picture; raises InputError where one is not what its record says."""
        original, mask = self.inputs.load(image_id)
        return original, self.output(image_id, records), mask

    def output(self, image_id: str, records: Mapping[str, FillRecord]) -> Image:
        """The fill, from the bytes that its record names; raises InputError where there are others."""
        path = self.folder / f"{image_id}.png"
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        if hashlib.sha256(data).hexdigest() != records[image_id].sha256:
            raise InputError(f"'{path.name}' of {self.cell.title} changed meanwhile. {CHANGED}")
        return read_rgb(path, data)

    def several(self, spec: Any, triples: Sequence[Triple]) -> list[dict[str, Scored]]:
        """Region -> figure for each triple; one by one where they cannot be scored together."""
        try:
            found = self.bench.get(spec.name).score_batch(*map(list, zip(*triples, strict=True)))
        except (ValueError, RuntimeError) as error:
            if len(triples) == 1:
                return [{region: {"reason": sentence(error)} for region in spec.regions}]
            return [self.several(spec, [triple])[0] for triple in triples]
        return [
            {
                region: self.figure(spec.name, region, values.get(region, float("nan")))
                for region in spec.regions
            }
            for values in found
        ]

    def figure(self, name: str, region: str, value: float) -> Scored:
        """A value as a row holds it, or the reason why it cannot. Infinity is one where means know what to
        take for it.
        """
        capped = value == math.inf and self.bench.metrics.METRICS[name].highest < math.inf
        reason = None if capped else self.bench.metrics.reason(name, region, float(value))
        return {"reason": reason} if reason else {"value": f"{float(value):.9g}"}

    def _score_sets(self, scores: dict[str, Any]) -> None:
        for spec in self.bench.ready("set"):
            if not scores[spec.name]["rows"]:
                found = self.set_figures(spec)
                scores[spec.name]["rows"] = {i: dict.fromkeys(spec.regions, one) for i, one in found.items()}
                write_json(self.folder / "scores.json", scores)

    def set_figures(self, spec: Any, *, anew: bool = False) -> dict[str, Scored]:
        """The set's figure, or one for each of its pictures where the metric is the mean of such; `anew` as
        for `features`.
        """
        if not self.images:
            return {ALL: {"reason": "No picture of this cell is finished."}}
        metric, names = self.bench.get(spec.name), self.images if spec.pseudo_values else [ALL]
        try:
            sides = self.features(spec, anew=anew)
            values = metric.pseudo_values(*sides) if spec.pseudo_values else [metric.distance(*sides)]
        except (ValueError, RuntimeError) as error:
            return {i: {"reason": sentence(error)} for i in names}
        return {i: self.figure(spec.name, "whole", value) for i, value in zip(names, values, strict=True)}

    def features(self, spec: Any, *, anew: bool = False) -> tuple[Features, Features]:
        """(n, d) features of the originals and of the fills of this cell's pictures; metrics of one network
        share them. `anew`: from the pictures, whatever is stored, and storing nothing.
        """
        metric, records, table = self.bench.get(spec.name), self.stored().pictures, self.inputs.table
        weights = weights_digest(spec.weights) or "" if spec.weights else ""
        column, key = self.plan.column(self.cell.column), f"{metric.feature_key} {weights}"
        originals = self.images if anew else [i for i in column if i not in self.damaged]
        reference = Taken(
            metric, key, {i: table[i]["image"] for i in originals}, column, self.inputs.original
        )
        shas, read = {i: records[i].sha256 for i in self.images}, partial(self.output, records=records)
        output = Taken(metric, key, shas, column, read)
        file = None if anew else Path("features", f"{metric.feature_key}.npz")
        one = reference.features(file and self.inputs.folder / file)
        other = output.features(file and self.folder / file)
        return np.stack([one[i] for i in self.images]), np.stack([other[i] for i in self.images])


def _sound(row: Any) -> bool:
    """True for a stored row that can be written: region -> a number's text, or a reason."""
    try:
        return all("reason" in figure or np.isscalar(float(figure["value"])) for figure in row.values())
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _kept(entry: Mapping[str, Any], key: str, of: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Of a metric's stored scores those that still hold: of this metric and, where it scores each picture by
    itself, of pictures that are still the same. A set's key names all of its pictures.
    """
    then = entry.get("of")
    if entry.get("key") != key or not isinstance(then, dict):
        return {"key": key, "of": {}, "rows": {}}
    if of is None:
        return {"key": key, "of": {}, "rows": entry["rows"]}
    same = {i: row for i, row in entry["rows"].items() if i in of and then.get(i) == of[i]}
    return {"key": key, "of": {i: of[i] for i in same}, "rows": same}


@dataclass(frozen=True)
class Taken:
    """Features of some pictures, each known by its sha256: a stored one holds for that picture alone."""

    metric: Any
    key: str
    """What features hang on beside the picture."""
    wanted: Mapping[str, str]
    """image id -> sha256."""
    order: Sequence[str]
    """The plan's order, by which pictures are neighbours."""
    read: Callable[[str], Image]

    def features(self, file: Path | None) -> dict[str, Any]:
        """image id -> (d,) float32; what `file` lacks is computed and stored in it."""
        found, lacked = self._stored(file) if file else {}, False
        for start in range(0, len(self.order), _CHUNK):
            chunk = [image_id for image_id in self.order[start : start + _CHUNK] if image_id in self.wanted]
            if any(image_id not in found for image_id in chunk):
                rows = self.metric.features([self.read(image_id) for image_id in chunk])
                found.update(zip(chunk, np.asarray(rows, np.float32), strict=True))
                lacked = True
        if file and lacked:
            self._store(file, found)
        return found

    def _stored(self, file: Path) -> dict[str, Any]:
        try:
            with np.load(file, allow_pickle=False) as stored:
                if str(stored["key"]) != self.key:
                    return {}
                rows = zip(stored["images"], stored["sha256"], stored["features"], strict=True)
                return {str(i): row for i, sha, row in rows if self.wanted.get(str(i)) == str(sha)}
        except (OSError, ValueError, KeyError, BadZipFile):
            return {}  # absent, damaged or of an older version: computed again

    def _store(self, file: Path, found: Mapping[str, Any]) -> None:
        buffer = io.BytesIO()
        np.savez(
            buffer,
            key=np.array(self.key),
            images=np.array(list(found)),
            sha256=np.array([self.wanted[image_id] for image_id in found]),
            features=np.stack(list(found.values())),
        )
        write(file, buffer.getvalue())


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
    """What makes the rows of each cell, in the order of the table: cells, their pools over all ratios of
    a mask set, and cells without time.
    """
    parts: list[tuple[Cell, Callable[[], Iterator[Row]]]] = []
    for group in _groups(scorers, lambda one: (one.cell.entry, one.cell.column)):
        answers = partial(_answers, group, bench) if len(group) == plan.answers > 1 else dict
        parts.append((group[0].cell, partial(_first, group[0], answers)))
        parts += [(one.cell, partial(one.rows, {})) for one in group[1:]]
    ratio = [one for one in scorers if one.cell.bin in BINS and one.images]
    for group in _groups(ratio, lambda one: (one.cell.entry, one.cell.mask_set, one.cell.seed)):
        pool = replace(group[0].cell, bin=ALL_BINS)
        if len(group) > 1 and bench.of_sets():
            parts.append((pool, partial(_pooled, plan, pool, group, bench)))
    reason = "The suite's time budget leaves no picture for this method: raise --budget."
    for entry in (entry for entry, n in plan.methods.items() if n == 0):
        for cell in (plan.cell(entry, column) for column in plan.columns()):
            row = Row(row_key(plan, cell, ALL), _lacking(specs, reason))
            parts.append((cell, partial(iter, [row])))
    yield from (part for _, part in sorted(parts, key=lambda one: row_key(plan, one[0], "")))


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
    yield Row(row_key(plan, pool, ALL), figures)


def _answers(ours: Sequence[Scorer], bench: Bench) -> dict[str, Figures]:
    """What can be said of several answers to one hole: image id -> figures."""
    found: dict[str, Figures] = {}
    first, records = ours[0], [one.stored().pictures for one in ours]
    for image_id in (i for i in first.images if all(i not in other.absent for other in ours)):
        answers = [one.output(image_id, its) for one, its in zip(ours, records, strict=True)]
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


def row_key(plan: Plan, cell: Cell, image_id: str) -> tuple[str | int, ...]:
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
        table.writerow([*TIMING_COLUMNS, *LATER_COLUMNS])
        for scorer in sorted(scorers, key=lambda one: row_key(one.plan, one.cell, "")):
            table.writerows(scorer.times())
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

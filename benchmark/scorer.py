"""Score one cell: its PNGs against the frozen originals. Scores and features are kept beside the PNGs, and
each belongs to the bytes of its picture, so that another picture never keeps its score.
"""

import hashlib
import importlib
import io
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np

from benchmark.cells import Cell, digest, read_json, write
from benchmark.files import CellManifest, cell_manifest
from benchmark.inputs.frozen import Inputs, read_rgb
from benchmark.manifest import Done
from benchmark.metrics.base import Features
from benchmark.plan import Plan
from benchmark.record import weights_digest
from benchmark.results import WHOLE_SET
from benchmark.rows import Measure, Row, Scored
from inpainters.errors import InputError, sentence
from inpainters.imaging import Image, Mask
from inpainters.registry import chosen_device

BATCH = 8
"""Pictures that a metric is given at once where nobody asks for more: always the same ones, neighbours in the
plan's order, as companions may bear on a network's last digits.
"""
GPU_BATCH = 64
"""Pictures that a metric is given at once on a GPU, where nobody asks for another number."""
FILE = "scores.json"
"""The scores of a cell, in its folder."""
_CHUNK = 16
"""Pictures whose features are taken at once: neighbours in the plan's order, as above."""

# Deaths are told by how their stored sentence ends.
_AGAIN = "died each time that it was tried; `score --redo` tries again."
SCORER_DIED = f"The process that scored it {_AGAIN}"
FEATURES_DIED = f"The process that took features of '{{}}' {_AGAIN}"
CHANGED = "Its PNG is missing or not the one that its record names: run the suite again, which fills it anew."

Figures = dict[Measure, Scored]
Triple = tuple[Image, Image, Mask]


class Metrics(Protocol):
    """What is used of `benchmark.metrics`; tests put their own in its place."""

    METRICS: Mapping[str, Any]

    def unavailable(self, name: str) -> str | None: ...

    def create(self, name: str, device: str = "cpu") -> Any: ...

    def reason(self, name: str, region: str, value: float) -> str | None: ...


@dataclass
class Bench:
    """The metrics of one scoring, each made when it is first needed."""

    metrics: Metrics
    device: str = "cpu"
    batch: int = BATCH
    """Pictures that a metric is given at once."""
    also: tuple[str, ...] = ()
    """Metrics that were asked for by name."""
    made: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def specs(self) -> list[Any]:
        """The metrics of composites, whether they can be computed here or not."""
        every = self.metrics.METRICS.values()
        return [spec for spec in every if not getattr(spec, "as_it_came", False)]

    def ready(self, kind: str) -> list[Any]:
        """The specs of one kind that can be computed here."""
        specs = [spec for spec in self.specs if spec.kind == kind]
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
            self.made[name] = self.metrics.create(name, self.device)
        return self.made[name]

    def key(self, spec: Any) -> str:
        """What pins a stored value of this metric. Device and batch bear on its last digits alone, as the
        processor does: values of others are kept.
        """
        weights = weights_digest(spec.weights) if spec.weights else None
        batch = {"batch": BATCH} if spec.kind == "image" else {}
        capped = {"infinite": True} if spec.highest < math.inf else {}
        return digest({"variant": spec.variant, "weights": weights, **batch, **capped})

    def several(self, spec: Any, triples: Sequence[Triple]) -> list[dict[str, Scored]]:
        """Region -> figure for each triple; one by one where they cannot be scored together."""
        try:
            found = self.get(spec.name).score_batch(*map(list, zip(*triples, strict=True)))
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
        capped = value == math.inf and self.metrics.METRICS[name].highest < math.inf
        reason = None if capped else self.metrics.reason(name, region, float(value))
        return {"reason": reason} if reason else {"value": f"{float(value):.9g}"}


def open_bench(
    metrics: Metrics | None = None, *, device: str = "cpu", batch: int = BATCH, also: Collection[str] = ()
) -> Bench:
    """The metrics of `benchmark.metrics`, or others in their place; of those that are computed on request
    alone the ones that `also` names.
    """
    found = metrics if metrics is not None else importlib.import_module("benchmark.metrics")
    return Bench(_asked(found, also), device, batch, tuple(also))


def _asked(metrics: Metrics, also: Collection[str]) -> Metrics:
    every = metrics.METRICS
    chosen = {n: spec for n, spec in every.items() if n in also or not getattr(spec, "on_request", False)}
    if len(chosen) == len(every):
        return metrics
    return SimpleNamespace(
        METRICS=chosen, unavailable=metrics.unavailable, create=metrics.create, reason=metrics.reason
    )


def bench_on(
    device: str, batch: int = 0, metrics: Metrics | None = None, also: Collection[str] = ()
) -> Bench:
    """`open_bench` on a device (auto, cpu, cuda or cuda:N) with a batch; 0: 8, on a GPU 64. Raises InputError
    where there is no such device.
    """
    device = chosen_device(device)
    batch = batch or (BATCH if device == "cpu" else GPU_BATCH)
    return open_bench(metrics, device=device, batch=batch, also=also)


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

    def shas(self) -> dict[str, str]:
        """image id -> sha256 of the PNG that its record names."""
        return {image_id: one.sha256 for image_id, one in self.stored().pictures.items()}

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

    def bytes_of(self, image_id: str, shas: Mapping[str, str]) -> str:
        """What a score of this picture hangs on beside the metric: digests of PNG, original and mask."""
        row = self.inputs.table[image_id]
        return digest([shas[image_id], row["image"], row["mask"]])

    def specs(self) -> list[Any]:
        """The metrics that have rows of their own for each cell."""
        return self.bench.ready("image") + self.bench.ready("set")

    def rows(self, more: Mapping[str, Figures]) -> Iterator[Row]:
        """All rows of the cell after it was scored, sorted by picture; `more` are figures that others know of
        its pictures.
        """
        found: dict[str, Figures] = defaultdict(dict)
        stored = read_json(self.folder / FILE) or {}
        for spec in self.specs():
            for image_id, values in stored[spec.name]["rows"].items():
                found[image_id].update({(spec.name, region): figure for region, figure in values.items()})
        for image_id, figures in (*more.items(), *self._reasons()):
            found[image_id].update(figures)
        for image_id in sorted(found):
            yield Row(row_key(self.plan, self.cell, image_id), found[image_id])

    def value_key(self, spec: Any, of: Mapping[str, str]) -> str:
        """A value for one picture hangs on the metric; one for a set also on which pictures are in it."""
        key = self.bench.key(spec)
        return key if spec.kind == "image" else digest([key, list(of.values())])

    def _reasons(self) -> Iterator[tuple[str, Figures]]:
        """Figures that are lacking: of metrics that are not ready, of pictures that failed."""
        absent = [self.bench.metrics.METRICS[name] for name in self.bench.absent]
        for spec in absent if self.plan.answers > 1 else [s for s in absent if s.kind != "answers"]:
            yield WHOLE_SET, without_value([spec], self.bench.absent[spec.name])
        for image_id, reason in self.done.failed.items():
            yield image_id, without_value(self.bench.by_picture(), reason)

    def triple(
        self, image_id: str, shas: Mapping[str, str], pair: tuple[Image, Mask] | None = None
    ) -> Triple:
        """Original, fill and mask of one picture; raises InputError where one is not what its record says.
        `pair`: original and mask, where they were read already.
        """
        original, mask = pair or self.inputs.load(image_id)
        return original, self.output(image_id, shas), mask

    def output(self, image_id: str, shas: Mapping[str, str]) -> Image:
        """The fill, from the bytes that its record names; raises InputError where there are others."""
        path = self.folder / f"{image_id}.png"
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        if hashlib.sha256(data).hexdigest() != shas[image_id]:
            raise InputError(f"'{path.name}' of {self.cell.title} changed meanwhile. {CHANGED}")
        return read_rgb(path, data)

    def set_figures(self, spec: Any, *, anew: bool = False) -> dict[str, Scored]:
        """The set's figure, or one for each of its pictures where the metric is the mean of such; `anew` as
        for `features`.
        """
        if not self.images:
            return {WHOLE_SET: {"reason": "No picture of this cell is finished."}}
        metric, names = self.bench.get(spec.name), self.images if spec.pseudo_values else [WHOLE_SET]
        try:
            sides = self.features(spec, anew=anew)
            values = metric.pseudo_values(*sides) if spec.pseudo_values else [metric.distance(*sides)]
        except (ValueError, RuntimeError) as error:
            return {i: {"reason": sentence(error)} for i in names}
        return {
            i: self.bench.figure(spec.name, "whole", value) for i, value in zip(names, values, strict=True)
        }

    def died(self) -> dict[tuple[str, str], str]:
        """Of what there is no figure as its process died: metric and picture, or WHOLE_SET -> reason."""
        kinds = {spec.name: spec.kind for spec in self.bench.specs}
        return {
            (name, image_id if kinds[name] == "image" else WHOLE_SET): reason
            for name, entry in (read_json(self.folder / FILE) or {}).items()
            if name in kinds
            for image_id, row in entry["rows"].items()
            for figure in row.values()
            if (reason := figure.get("reason", "")).endswith(_AGAIN)
        }

    def features(self, spec: Any, *, anew: bool = False) -> tuple[Features, Features]:
        """(n, d) features of the originals and of the fills of this cell's pictures; metrics of one network
        share them. `anew`: from the pictures, whatever is stored, and storing nothing.
        """
        reference, output = self.taken(spec, anew=anew)
        one = reference.features(None if anew else reference.file(self.inputs.folder))
        other = output.features(None if anew else output.file(self.folder))
        return np.stack([one[i] for i in self.images]), np.stack([other[i] for i in self.images])

    def has_features(self, spec: Any, images: Collection[str], part: str) -> bool:
        """Whether those of these pictures and of their originals are stored."""
        reference, output = self.taken(spec)
        return reference.has(self.inputs.folder, images, part) and output.has(self.folder, images, part)

    def taken(self, spec: Any, *, anew: bool = False) -> tuple["Taken", "Taken"]:
        """What takes the features of the originals of the column, of this cell's where `anew`, and of the
        cell's fills.
        """
        metric, every, table = self.bench.get(spec.name), self.shas(), self.inputs.table
        weights = weights_digest(spec.weights) or "" if spec.weights else ""
        column, key = self.plan.column(self.cell.column), f"{metric.feature_key} {weights}"
        chunk = max(_CHUNK, self.bench.batch)
        originals = self.images if anew else [i for i in column if i in table and i not in self.damaged]
        reference = Taken(
            metric, key, {i: table[i]["image"] for i in originals}, column, self.inputs.original, chunk
        )
        shas = {i: every[i] for i in self.images}
        read = partial(self.output, shas=shas)
        return reference, Taken(metric, key, shas, column, read, chunk)


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
    chunk: int = _CHUNK

    def file(self, folder: Path) -> Path:
        """Where a folder of pictures keeps their features."""
        return folder / "features" / f"{self.metric.feature_key}.npz"

    def take(self, folder: Path, images: Collection[str], part: str) -> None:
        """Features of some pictures, which `join_features` puts beside the others: whole chunks, as here is
        which pictures are neighbours.
        """
        own = replace(self, wanted={i: sha for i, sha in self.wanted.items() if i in images})
        own.features(self._part(folder, part), own._stored(self.file(folder)))

    def has(self, folder: Path, images: Collection[str], part: str) -> bool:
        """Whether a folder holds the features of these pictures, those that `take` stored among them."""
        stored = self._stored(self.file(folder)) | self._stored(self._part(folder, part))
        return stored.keys() >= self.wanted.keys() & set(images)

    def _part(self, folder: Path, part: str) -> Path:
        file = self.file(folder)
        return file.with_name(f"{file.stem}.{part}.npz")

    def features(self, file: Path | None, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """image id -> (d,) float32; what `file` lacks, and is not `known`, is computed and stored in it."""
        found, lacked = dict(known or {}) | (self._stored(file) if file else {}), False
        for start in range(0, len(self.order), self.chunk):
            chunk = [one for one in self.order[start : start + self.chunk] if one in self.wanted]
            if any(image_id not in found for image_id in chunk):
                rows = self.metric.features([self.read(image_id) for image_id in chunk])
                found.update(zip(chunk, np.asarray(rows, np.float32), strict=True))
                lacked = True
        if file and lacked:
            self._store(file, found)
        return found

    def _stored(self, file: Path) -> dict[str, Any]:
        stored = _arrays(file)
        if not stored or str(stored["key"]) != self.key:
            return {}  # absent, damaged or of an older version: computed again
        rows = zip(stored["images"], stored["sha256"], stored["features"], strict=True)
        return {str(i): row for i, sha, row in rows if self.wanted.get(str(i)) == str(sha)}

    def _store(self, file: Path, found: Mapping[str, Any]) -> None:
        own = [image_id for image_id in self.order if image_id in found]
        write_features(file, self.key, own, [self.wanted[i] for i in own], [found[i] for i in own])


def join_features(folder: Path, order: Sequence[str]) -> None:
    """Make one file of the features that parts left in a folder of pictures, in the order of the column."""
    places = {image_id: place for place, image_id in enumerate(order)}
    parts = defaultdict(list)
    for path in feature_parts(folder):
        parts[path.with_name(f"{path.name.split('.')[0]}.npz")].append(path)
    for file, paths in parts.items():
        stored = [found for path in (file, *paths) if (found := _arrays(path))]
        key = str(stored[-1]["key"]) if stored else ""  # the newest that can be read
        rows = {
            str(row[0]): row
            for one in stored
            if str(one["key"]) == key
            for row in zip(one["images"], one["sha256"], one["features"], strict=True)
        }
        own = [rows[image_id] for image_id in sorted(rows, key=lambda one: places.get(one, -1))]
        if own:
            write_features(file, key, *zip(*own, strict=True))
        for path in paths:
            path.unlink(missing_ok=True)


def feature_parts(folder: Path) -> list[Path]:
    """Files of features that are still to be joined, the newest last."""
    return sorted((folder / "features").glob("*.*.npz"), key=lambda path: path.stat().st_mtime_ns)


def _arrays(file: Path) -> dict[str, Any]:
    """What a file of features holds; nothing where it is absent or damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            found = {name: stored[name] for name in ("key", "images", "sha256", "features")}
        alike = len(found["images"]) == len(found["sha256"]) == len(found["features"])
        return found if alike else {}
    except (OSError, ValueError, KeyError, TypeError, BadZipFile):
        return {}


def write_features(file: Path, key: str, images: Sequence[str], shas: Sequence[str], rows: Any) -> None:
    """Store rows of features with the ids of their pictures and the sha256 of these."""
    buffer = io.BytesIO()
    np.savez(
        buffer, key=np.array(key), images=np.array(images), sha256=np.array(shas), features=np.stack(rows)
    )
    write(file, buffer.getvalue())


def together(batch: int) -> int:
    """How many neighbours from a multiple of it on are never parted, by batches or chunks."""
    return math.lcm(batch, max(_CHUNK, batch))


def without_value(specs: Iterable[Any], reason: str) -> Figures:
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

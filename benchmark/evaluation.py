"""Measure somebody else's fills: a folder of originals, one of outputs, one of masks, paired by file name.

    python -m benchmark evaluate --originals A --outputs B --masks C [--out DIR]

Nothing is filled and nothing is left out by its ratio: masks of any size count, in bins of their own. What
white means in a mask is found out by where outputs differ from originals; where that does not tell, one has
to say.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import cells, metrics
from benchmark.cells import FORMAT
from benchmark.manifest import metric_meaning, scored_where
from benchmark.metrics.base import Features, MetricSpec
from benchmark.reference import Reference, digest_of_weights, open_reference, unlike_weights
from benchmark.report.digits import number, plus_minus
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import Interval, interval_of_mean
from benchmark.score import one_thread
from benchmark.scorer import Bench, bench_on
from benchmark.trio_scores import TrioStore, WantedScores
from benchmark.trios import Trio, White, paired_files, white_of
from inpainters import __version__
from inpainters.errors import InputError, sentence, unknown
from inpainters.folders import listed

EDGES = (0.0, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Of the bins of ratios: above one, at most the next."""
_COLUMNS = ["image_id", "photograph", "ratio", "bin", "metric", "region", "value"]
_BAR = 30
"""Characters of the longest bar of a histogram."""


@dataclass(frozen=True)
class Evaluation:
    """What two folders and their masks come to."""

    rows: pd.DataFrame
    """One per hole, metric and region: image_id, photograph, ratio, bin, metric, region, value, which is NaN
    where the metric has none; of a whole set image_id is empty.
    """
    notes: tuple[str, ...]
    white: White
    ratios: tuple[float, ...]
    """Of the holes that were measured."""
    failed: tuple[str, ...] = ()
    """A sentence for each picture that could not be measured."""
    reference: str = ""
    """What sets are compared with in place of the originals: then their distances are independent, and not
    paired.
    """
    set_n: int = 0
    """Photographs of the smaller of the two sets that are compared."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """What `evaluation.json` holds: the files' sha256, what white means, metrics with their variants and
    weights' digests, the reference, and where it was measured.
    """

    def interval(self, metric: str, region: str, label: str = "") -> Interval:
        """The mean over pictures with its 95 % interval, of one bin of ratios where one is named; of each
        picture at most what means take (`MetricSpec.highest`).
        """
        own = self._of(metric, region)
        own = own[own["bin"] == label] if label else own
        values = own["value"].to_numpy(float).clip(max=metrics.get(metric).highest)
        return interval_of_mean(values, own["photograph"].tolist())

    def _of(self, metric: str, region: str) -> pd.DataFrame:
        rows = self.rows
        return rows[(rows["metric"] == metric) & (rows["region"] == region) & (rows["image_id"] != "")]


def evaluate(
    originals: str | Path,
    outputs: str | Path,
    masks: str | Path,
    *,
    white: White | None = None,
    only: Sequence[str] = (),
    reference: str | Path | None = None,
    device: str = "cpu",
    batch: int = 0,
    jobs: int = 1,
    out: str | Path | None = None,
    quiet: bool = True,
) -> Evaluation:
    """Compare the pictures of two folders, hole by hole. `white`: what it means in masks, found out where
    None; `only`: names of metrics, all that can be computed here where empty; `reference`: a file of
    `make_reference`, which distances between sets are taken to, in place of the originals.

    `device`: auto, cpu, cuda or cuda:N, where networks look at `batch` pictures at once (0: 8, on a GPU 64);
    `jobs`: processes, 0: as many as there are cores where there is much to do. `out`: a folder where what is
    scored is kept in a journal, so that a call that was broken off goes on.

    A picture that cannot be read, whose sizes differ or whose mask is empty is left out and named, and a
    metric that a picture is too small for has no value of it. Raises InputError where nothing pairs, no
    picture can be measured, it cannot be told what white means, or there is no such device.
    """
    specs, absent = _chosen(only)
    bench = bench_on(device, batch, also=only)
    folders = Path(originals), Path(outputs), Path(masks)
    trios, notes = paired_files(*folders)
    white = white or white_of(trios)
    against = open_reference(Path(reference)) if reference else None
    sets = [spec for spec in specs if spec.kind == "set"]
    _check_weights(sets, bench, against)
    wanted = WantedScores(
        white,
        tuple(spec for spec in specs if spec.kind == "image"),
        {bench.get(spec.name).feature_key: spec.name for spec in sets},
        of_originals=against is None,
    )
    store = TrioStore(bench, wanted, Path(out) if out else None)
    with one_thread():
        store.score(trios, jobs=jobs, quiet=quiet)
        failed = {trio.name: store.failed[trio.name] for trio in trios if trio.name in store.failed}
        measured = [trio for trio in trios if trio.name not in failed]
        if not measured:
            raise InputError(next(iter(failed.values())))
        rows = [row for trio in measured for row in _rows(trio, store)]
        notes += _without(measured, store)
        rows += _of_sets(sets, measured, store, against, notes)
        how = {"device": bench.device, "batch": bench.batch, "from_journal": store.reused}
        environment = {**scored_where(specs), **how}
    photographs = len({trio.photograph for trio in measured})
    return Evaluation(
        pd.DataFrame(rows, columns=_COLUMNS),
        (*notes, *absent),
        white,
        tuple(store.ratio(trio) for trio in measured),
        tuple(f"{name} is left out: {why}" for name, why in failed.items()),
        against.told if against else "",
        min(photographs, against.n) if against else photographs,
        {
            "format": FORMAT,
            "version": __version__,
            "white": white,
            "pictures": {trio.name: _files(trio, folders, store) for trio in measured},
            "failed": failed,
            "metrics": {spec.name: metric_meaning(spec, metrics).model_dump() for spec in specs},
            "reference": _told_of(against) if against else {"kind": "paired"},
            "environment": environment,
        },
    )


def _check_weights(sets: Sequence[MetricSpec], bench: Bench, against: Reference | None) -> None:
    for spec in sets if against else ():
        key = bench.get(spec.name).feature_key
        if against and (why := unlike_weights(against, [(key, digest_of_weights(spec))])):
            raise InputError(f"{why} Make the reference anew, or leave out {spec.name} (--metrics).")


def _rows(trio: Trio, store: TrioStore) -> Iterator[dict[str, Any]]:
    """The rows of one hole."""
    ratio, of = store.ratio(trio), store.of(trio)
    same = {"image_id": trio.name, "photograph": trio.photograph, "ratio": ratio, "bin": label_of(ratio)}
    for spec in store.wanted.specs:
        for region in spec.regions:
            value = float(store.figures[spec.name][of].get(region, {}).get("value", math.nan))
            yield {**same, "metric": spec.name, "region": region, "value": value}


def _without(trios: Sequence[Trio], store: TrioStore) -> Iterator[str]:
    """A sentence for each metric that pictures have no value of."""
    for spec in store.wanted.specs:
        figures = {trio.name: store.figures[spec.name][store.of(trio)] for trio in trios}
        why = {
            name: next(iter(row.values()))["reason"]
            for name, row in figures.items()
            if not any("value" in figure for figure in row.values())
        }
        if why:
            first = next(iter(why.values()))
            yield f"No `{spec.name}` of {len(why)} pictures ({listed(list(why))}): {first}"


def _of_sets(
    specs: Sequence[MetricSpec],
    trios: Sequence[Trio],
    store: TrioStore,
    against: Reference | None,
    notes: list[str],
) -> Iterator[dict[str, Any]]:
    """The rows of whole sets; why one has none goes to `notes`."""
    for spec in specs:
        metric = store.bench.get(spec.name)
        rows = store.features[metric.feature_key]
        *originals, output = (np.stack(side) for side in zip(*_features(trios, store, rows), strict=True))
        try:
            value = (
                metric.independent(against.features[metric.feature_key], output)
                if against
                else metric.distance(*originals, output)
            )
        except (ValueError, RuntimeError) as error:  # too few pictures, or not those that it takes
            notes.append(f"Without `{spec.name}`: {sentence(error)}")
            continue
        none = {"image_id": "", "photograph": "", "ratio": math.nan, "bin": ""}
        yield {**none, "metric": spec.name, "region": "whole", "value": float(value)}


def _features(
    trios: Sequence[Trio], store: TrioStore, rows: Mapping[str, Features]
) -> Iterator[list[Features]]:
    for trio in trios:
        yield [rows[sha] for sha in store.pictures(trio)]


def _files(trio: Trio, folders: Sequence[Path], store: TrioStore) -> dict[str, Any]:
    """What `evaluation.json` says of a hole."""
    paths = (trio.original, trio.output, trio.mask)
    kinds = ("original", "output", "mask")
    each = zip(kinds, paths, folders, store.shas[trio.name], strict=True)
    return {
        "ratio": store.ratio(trio),
        **{
            kind: {"file": path.relative_to(folder).as_posix(), "sha256": sha}
            for kind, path, folder, sha in each
        },
    }


def _told_of(against: Reference) -> dict[str, Any]:
    return {
        "kind": "independent",
        "name": against.name,
        "n": against.n,
        "sha256": against.sha256,
        "pictures": against.pictures,
        "weights": dict(against.weights),
    }


def _chosen(only: Sequence[str]) -> tuple[list[MetricSpec], list[str]]:
    """Rows of metrics, and a sentence for each that cannot be computed here."""
    for name in only:
        if name not in metrics.METRICS:
            raise unknown("metric", name, metrics.METRICS)
        if metrics.METRICS[name].kind == "answers":
            raise InputError(f"{name} compares several fills of a hole, and here each has one: leave it out.")
    wanted = [
        spec
        for spec in metrics.METRICS.values()
        if spec.name in only or not (only or spec.on_request or spec.kind == "answers")
    ]
    reasons = {spec.name: metrics.unavailable(spec.name) for spec in wanted}
    absent = [f"Without `{name}`: {reason}" for name, reason in reasons.items() if reason]
    if only and absent:
        raise InputError(absent[0])
    return [spec for spec in wanted if not reasons[spec.name]], absent


def label_of(ratio: float) -> str:
    """The bin of a ratio, such as "10-20" (per cent)."""
    low, high = next((low, high) for low, high in pairwise(EDGES) if low < ratio <= high or high == 1.0)
    return f"{100 * low:.0f}-{100 * high:.0f}"


# --- what people read -----------------------------------------------------------------------------


def markdown_of_evaluation(found: Evaluation) -> str:
    """Means with intervals, all ratios together and by bin, and how the ratios lie."""
    of_pictures = found.rows[found.rows["image_id"] != ""]
    sets = found.rows[found.rows["image_id"] == ""]
    ratios, counts = found.ratios, _counts(found.ratios)
    left_out = (*found.notes, *found.failed)
    lines = [
        [
            f"`{metric}`, {region}",
            *(plus_minus(found.interval(metric, region, label)) for label in ("", *counts)),
        ]
        for metric, region in of_pictures[["metric", "region"]].drop_duplicates().to_numpy().tolist()
    ]
    kind, biased = "independent" if found.reference else "paired", dict[str, None]()
    for name, value in zip(sets["metric"], sets["value"], strict=True):
        text = number(float(value))
        if found.set_n < (spec := metrics.METRICS[name]).fair_n:
            text = f"*{text}*"
            biased[f"*{metrics.bias_note(spec)}*"] = None
        lines.append([f"`{name}`, whole set, {kind}", text, *("–" for _ in counts)])
    head = ["", f"all ({len(ratios)})", *(f"{label} % ({count})" for label, count in counts.items())]
    specs = [metrics.METRICS[name] for name in found.rows["metric"].unique()]
    parts = [
        "# Evaluation",
        f"{len(ratios)} pictures. White is {found.white} in these masks. Means with how far their 95 % "
        "intervals over pictures reach on the longer side, where there are enough; in brackets the number of "
        "pictures." + (f" {_compared(found)}" if len(sets) else ""),
        markdown_table(head, lines),
        *biased,
        "## Ratios of missing pixels",
        histogram(ratios),
        *(["## Left out", "\n".join(f"* {note}" for note in left_out)] if left_out else []),
        "## Metrics",
        "\n".join(f"* `{spec.name}`: {metrics.told(spec)}" for spec in specs),
    ]
    return "\n\n".join(parts) + "\n"


def _compared(found: Evaluation) -> str:
    if found.reference:
        return f"Distances of the whole set are independent: to {found.reference}."
    return "Distances of the whole set are paired: to the originals of the same pictures."


def histogram(ratios: Iterable[float]) -> str:
    """How many masks lie in each bin of ratios, as bars of text."""
    counts = _counts(ratios)
    most = max(counts.values(), default=1)
    bars = {label: "█" * max(1, round(_BAR * count / most)) for label, count in counts.items()}
    return "\n".join(f"    {label:>7} %  {bars[label]} {count}" for label, count in counts.items())


def _counts(ratios: Iterable[float]) -> dict[str, int]:
    """Bin -> how many, those with any, by ratio."""
    found = Counter(map(label_of, ratios))
    return {label: found[label] for label in sorted(found, key=lambda one: float(one.partition("-")[0]))}


def save_evaluation(found: Evaluation, out: Path) -> None:
    """Write `evaluation.csv`, `evaluation.md` and, last, `evaluation.json`, which holds the provenance and
    both files' sha256.
    """
    table = found.rows.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    files = {
        "evaluation.csv": table.encode(),
        "evaluation.md": markdown_of_evaluation(found).encode(),
    }
    for name, data in files.items():
        cells.write(out / name, data)
    shas = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    cells.write_json(out / "evaluation.json", {**found.provenance, "files": shas})

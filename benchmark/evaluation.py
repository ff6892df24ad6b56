"""Measure somebody else's fills: a folder of originals, one of outputs, one of masks, paired by file name.

    python -m benchmark evaluate --originals A --outputs B --masks C [--out DIR]

Nothing is filled and nothing is left out by its ratio: masks of any size count, in bins of their own. What
white means in a mask is found out by where outputs differ from originals; where that does not tell, one has
to say.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmark import cells, metrics
from benchmark.metrics.base import MetricSpec
from benchmark.reference import Reference, digest_of_weights, open_reference, unlike_weights
from benchmark.report.digits import number, plus_minus
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import Interval, interval_of_mean
from inpainters.errors import InputError, sentence, unknown
from inpainters.folders import find_pictures, listed, name_key, pair_up
from inpainters.imaging import Image, Mask, load_image, load_mask, shown

White = Literal["missing", "known"]
EDGES = (0.0, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Of the bins of ratios: above one, at most the next."""
TOLD_APART = 4.0
"""White is what one side of a mask changed by so many times as much as the other."""
_COLUMNS = ["image_id", "photograph", "ratio", "bin", "metric", "region", "value"]
_LOOKED_AT = 32
"""Pictures that tell what white means, at most."""
_BAR = 30
"""Characters of the longest bar of a histogram."""


@dataclass(frozen=True)
class Trio:
    """An original, its output and its mask."""

    name: str
    original: Path
    output: Path
    mask: Path
    photograph: str
    """The original's path below its folder."""


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
    """What sets are compared with in place of the originals."""

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
    quiet: bool = True,
) -> Evaluation:
    """Compare the pictures of two folders, hole by hole. `white`: what it means in masks, found out where
    None; `only`: names of metrics, all that can be computed here where empty; `reference`: a file of
    `make_reference`, which distances between sets are taken to, in place of the originals.

    A picture that cannot be read, whose sizes differ or whose mask is empty is left out and named, and a
    metric that a picture is too small for has no value of it. Raises InputError where nothing pairs, no
    picture can be measured, or it cannot be told what white means.
    """
    specs, absent = _chosen(only)
    trios, notes = paired_files(Path(originals), Path(outputs), Path(masks))
    white = white or _white_of(trios)
    made = {spec.name: metrics.create(spec.name) for spec in specs}
    against = open_reference(Path(reference)) if reference else None
    extractors = {made[spec.name].feature_key: made[spec.name] for spec in specs if spec.kind == "set"}
    rows: list[dict[str, Any]] = []
    features: dict[str, list[Any]] = {key: [] for key in extractors}
    failed: dict[str, str] = {}
    without: dict[str, dict[str, str]] = {}
    ratios: list[float] = []
    for trio in tqdm(trios, desc="evaluate", unit="picture", disable=True if quiet else None):
        try:
            original, output, mask = opened_trio(trio, white)
        except InputError as error:
            failed[trio.name] = str(error)
            continue
        ratio = float(mask.mean())
        ratios.append(ratio)
        same = {
            "image_id": trio.name,
            "photograph": trio.photograph,
            "ratio": ratio,
            "bin": label_of(ratio),
        }
        for key, extractor in extractors.items():
            features[key].append(extractor.features([original, output]))
        for spec in specs:
            if spec.kind != "set":
                try:
                    values = made[spec.name].score(original, output, mask)
                except (ValueError, RuntimeError) as error:
                    values = dict.fromkeys(spec.regions, math.nan)
                    without.setdefault(spec.name, {})[trio.name] = sentence(error)
                for region, value in values.items():
                    rows.append({**same, "metric": spec.name, "region": region, "value": float(value)})
    if not ratios:
        raise InputError(next(iter(failed.values())))
    notes += [
        f"No `{name}` of {len(why)} pictures ({listed(list(why))}): {next(iter(why.values()))}"
        for name, why in without.items()
    ]
    rows += _of_sets(specs, made, features, against, notes)
    return Evaluation(
        pd.DataFrame(rows, columns=_COLUMNS),
        (*notes, *absent),
        white,
        tuple(ratios),
        tuple(f"{name} is left out: {why}" for name, why in failed.items()),
        against.told if against else "",
    )


def _of_sets(
    specs: Sequence[MetricSpec],
    made: Mapping[str, Any],
    features: Mapping[str, list[Any]],
    against: Reference | None,
    notes: list[str],
) -> Iterator[dict[str, Any]]:
    """The rows of whole sets; why one has none goes to `notes`."""
    for spec in specs:
        if spec.kind == "set":
            metric = made[spec.name]
            reference, output = np.stack(features[metric.feature_key], axis=1)
            if against and (why := unlike_weights(against, [(metric.feature_key, digest_of_weights(spec))])):
                raise InputError(f"{why} Make the reference anew, or leave out {spec.name} (--metrics).")
            try:
                value = (
                    metric.independent(against.features[metric.feature_key], output)
                    if against
                    else metric.distance(reference, output)
                )
            except InputError as error:  # too few pictures, or not those that it takes
                notes.append(f"Without `{spec.name}`: {error}")
                continue
            none = {"image_id": "", "photograph": "", "ratio": math.nan, "bin": ""}
            yield {**none, "metric": spec.name, "region": "whole", "value": float(value)}


def paired_files(originals: Path, outputs: Path, masks: Path) -> tuple[list[Trio], list[str]]:
    """The originals that have an output and a mask of their name in the folder of their folder's name, and a
    sentence for each kind that has not.

    Raises InputError where a folder is not there, or nothing pairs.
    """
    for folder in (originals, outputs, masks):
        if not folder.is_dir():
            raise InputError(f"There is no folder '{shown(folder)}': check its path.")
    found = pair_up(originals, masks)
    drawn = {path.relative_to(outputs): path for path in find_pictures(outputs).files}
    own = {pair.photo: pair.photo.relative_to(originals) for pair in found.pairs}
    # Of the very name before others: what another original has to itself is not this one's.
    named = set(own.values())
    alike = {name_key(path): file for path, file in drawn.items() if path not in named}
    trios, alone = [], []
    for pair in found.pairs:
        path = own[pair.photo]
        of_result = Path(f"{pair.name}.png")  # as `fill` calls it
        output = drawn.get(path) or alike.get(name_key(path)) or alike.get(name_key(of_result))
        if output is None or pair.mask is None:
            alone.append(path.as_posix())
        else:
            trios.append(Trio(pair.name, pair.photo, output, pair.mask, path.as_posix()))
    if not trios:
        raise InputError(
            f"No output in '{shown(outputs)}' has the name of an original that has a mask: give the three "
            "the same names."
        )
    notes = [f"Originals without an output ({len(alone)}): {listed(alone)}."] if alone else []
    notes += (
        [f"Originals without a mask ({len(found.photos)}): {listed(found.photos)}."] if found.photos else []
    )
    return trios, notes


def opened_trio(trio: Trio, white: White) -> tuple[Image, Image, Mask]:
    """The pixels of a trio; raises InputError where the sizes differ or the mask is empty."""
    original, output = load_image(trio.original).image, load_image(trio.output).image
    if original.shape != output.shape:
        sizes = " and ".join(f"{one.shape[1]}×{one.shape[0]}" for one in (original, output))
        raise InputError(
            f"The original and the output '{trio.output.name}' are {sizes}: they must have one size."
        )
    mask, _ = load_mask(trio.mask, original.shape[:2], white_missing=white == "missing")
    if not mask.any():
        raise InputError(
            f"Nothing is missing in the mask '{trio.mask.name}': remove it, or turn --white around."
        )
    return original, output, mask


def _white_of(trios: Sequence[Trio]) -> White:
    """What white means, by where outputs differ from originals."""
    changes, wrong = [], []
    for trio in trios:
        try:
            original, output, mask = opened_trio(trio, "missing")
        except InputError as error:  # the picture is left out and named later
            wrong.append(error)
            continue
        off = np.abs(original.astype(int) - output).mean(2)
        if not mask.all():
            changes.append((off[mask].mean(), off[~mask].mean()))
        if len(changes) == _LOOKED_AT:
            break
    if wrong and not changes:
        raise wrong[0]
    white, black = np.mean(changes, axis=0) if changes else (0.0, 0.0)
    if white > TOLD_APART * black:
        return "missing"
    if black > TOLD_APART * white:
        return "known"
    raise InputError(
        f"It cannot be told what white means in these masks: outputs differ from originals by {white:.1f} "
        f"grey levels where it is white and by {black:.1f} elsewhere. Say so: --white missing, or --white "
        "known."
    )


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
    lines += [
        [f"`{name}`, whole set", number(float(value)), *("–" for _ in counts)]
        for name, value in zip(sets["metric"], sets["value"], strict=True)
    ]
    head = ["", f"all ({len(ratios)})", *(f"{label} % ({count})" for label, count in counts.items())]
    specs = [metrics.METRICS[name] for name in found.rows["metric"].unique()]
    parts = [
        "# Evaluation",
        f"{len(ratios)} pictures. White is {found.white} in these masks. Means with how far their 95 % "
        "intervals over pictures reach on the longer side, where there are enough; in brackets the number of "
        "pictures." + (f" Distances of the whole set are to {found.reference}." if found.reference else ""),
        markdown_table(head, lines),
        "## Ratios of missing pixels",
        histogram(ratios),
        *(["## Left out", "\n".join(f"* {note}" for note in left_out)] if left_out else []),
        "## Metrics",
        "\n".join(f"* `{spec.name}`: {metrics.told(spec)}" for spec in specs),
    ]
    return "\n\n".join(parts) + "\n"


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
    """Write `evaluation.csv` and `evaluation.md`."""
    table = found.rows.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    cells.write(out / "evaluation.csv", table.encode())
    cells.write(out / "evaluation.md", markdown_of_evaluation(found).encode())

"""The suites whose results can be shown, and the pictures behind their figures."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.metrics import METRICS
from benchmark.report import display
from benchmark.report.column import Key, TableFigure
from benchmark.report.layout import BY_PICTURE, LEADING
from benchmark.report.summary import entry_order, figures_of, summarise
from benchmark.results import ALL_BINS, PLAIN, WHOLE_SET, Results, load, row_file
from benchmark.rows import SCORES
from inpainters.errors import InputError
from inpainters.families import STRANGER
from inpainters.registry import METHODS

EMPTY = "No results yet. Run `python -m benchmark run quick`, then reload this page."

AT_BORDER = {"touching": True, "free": False}
"""Which holes are kept -> whether they touch the picture's border."""
PARTS = (SCORES, PLAIN, "manifest.json", "cells")
"""A folder with any of these is a suite, be it a half-written one."""


@lru_cache(maxsize=16)
def _load(folder: Path, stamp: int) -> Results:
    return load(folder)


@lru_cache(maxsize=32)
def _part(folder: Path, stamp: int, mask_set: str) -> Results:
    """The results of a mask set; of the first one where there is no such one."""
    parts = _load(folder, stamp).parts()
    return next((part for part in parts if part.mask_set == mask_set), parts[0])


@dataclass(frozen=True)
class Figure:
    """A figure that was clicked, and which of the pictures behind it is in view."""

    suite: str
    metric: str
    region: str
    families: tuple[str, ...]
    entry: str
    """The method, with its options where they are not the defaults."""
    label: str
    """The bin of missing shares; `ALL_BINS` for all of them."""
    sort: str = "worst"
    """worst, median or best: which picture comes first; or disagree: the one that this metric and another one
    judge most differently.
    """
    index: int = 0
    """Of the picture in view; it goes round."""
    mask_set: str = ""
    """Of the holes; the suite's first one where it has no such one."""
    rival: str = ""
    """Another method: holes are ordered by how much better it does than this one; empty: by this one alone.
    """
    border: str = ""
    """A key of `AT_BORDER`: only such holes; empty: all."""


def open_suite(root: Path, suite: str, mask_set: str = "") -> Results:
    """A suite's results for one mask set (the first one where it has no such one), read again only when its
    rows have changed; InputError with a sentence where it cannot be read.
    """
    folder = _folder(root, suite)
    return _part(folder, _stamp(folder), mask_set)


def stamp_of(root: Path, suite: str) -> int:
    """When a suite's rows were written; InputError where it cannot be read."""
    return _stamp(_folder(root, suite))


def mask_sets_of(root: Path, suite: str) -> list[str]:
    """The mask sets of a suite, by name; InputError where it cannot be read."""
    return _open(_folder(root, suite)).mask_sets


def _folder(root: Path, suite: str) -> Path:
    good, problems = readable(root)
    if suite not in good:
        raise InputError(problems[0] if problems else EMPTY)
    return good[suite]


def _open(folder: Path) -> Results:
    return _load(folder, _stamp(folder))


def _stamp(folder: Path) -> int:
    scores = row_file(folder)
    return scores.stat().st_mtime_ns if scores.is_file() else 0


def readable(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Readable suites below `root`, those whose pictures are at hand first,
    and a sentence for each that is not.
    """
    good, problems = {}, []
    for folder in [root, *sorted(root.iterdir())] if root.is_dir() else []:
        if not any((folder / part).exists() for part in PARTS):
            continue
        try:
            good[_open(folder).suite] = folder
        except InputError as error:
            problems.append(str(error))
    return dict(sorted(good.items(), key=lambda item: not display.zips(item[1]))), problems


def entries_of(results: Results, families: Collection[str]) -> list[str]:
    """The suite's methods whose family is among `families`."""
    return [entry for entry in entry_order(results.rows["entry"]) if family_of(entry) in families]


def family_of(entry: str) -> str:
    """The family of a method; a picture set from elsewhere counts as a baseline."""
    spec = METHODS.get(entry.split(" ")[0])
    return spec.family if spec else STRANGER


def metrics_of(results: Results) -> tuple[list[str], list[str]]:
    """The metrics that a suite has values of, and those that could not be computed, in the table's order."""
    have = {metric for metric, _ in results.measured}
    lacking = {metric for metric, _ in results.lacking} - have
    return [name for name in METRICS if name in have], [name for name in METRICS if name in lacking]


def regions_of(results: Results, metric: str) -> list[str]:
    """The regions a metric has rows for; the hole first."""
    present = {region for name, region in {*results.measured, *results.lacking} if name == metric}
    return [region for region in ("hole", "band", "whole") if region in present] or ["whole"]


@lru_cache(maxsize=256)
def _cells(
    folder: Path, stamp: int, mask_set: str, metric: str, region: str, label: str
) -> dict[Key, TableFigure]:
    return summarise(_part(folder, stamp, mask_set), metric, region, label)


def cells_of(results: Results, metric: str, region: str, label: str = "") -> dict[Key, TableFigure]:
    """The cells of one metric and region, none where the suite was not scored by it; `label` as `summarise`
    has it. They are kept, as the table and both charts show the same.
    """
    if (metric, region) not in {*results.measured, *results.lacking}:
        return {}
    return _cells(results.folder, _stamp(results.folder), results.mask_set, metric, region, label)


def pictures_behind(results: Results, figure: Figure) -> list[tuple[str, str]]:
    """(bin, image id) of the pictures behind a figure, ordered by the method's own value; a set metric orders
    by L1.
    """
    metric, region = figure.metric, figure.region
    rows = _of_pictures(results, figure, metric, region)
    if rows["value"].notna().sum() == 0:
        metric, region = BY_PICTURE
        rows = _of_pictures(results, figure, metric, region)
    if figure.sort == "disagree":
        other = next(pair for pair in LEADING if pair[0] != metric)
        return _by_disagreement(rows, metric, _of_pictures(results, figure, *other), other[0])
    if rival_of(results, figure):
        theirs = replace(figure, entry=figure.rival)
        rows = _apart(rows, _of_pictures(results, theirs, metric, region))
    rising = (METRICS[metric].better == "lower") == (figure.sort == "best")
    ordered = rows.sort_values(["value", "image_id", "bin"], ascending=rising, kind="stable")
    if figure.sort == "median":
        ordered = ordered.iloc[np.argsort(np.abs(np.arange(len(ordered)) - len(ordered) // 2), kind="stable")]
    return list(zip(ordered["bin"], ordered["image_id"], strict=True))


def rival_of(results: Results, figure: Figure) -> str:
    """The figure's rival where it is another method with rows in the suite, else empty."""
    there = figure.rival != figure.entry and figure.rival in set(results.rows["entry"])
    return figure.rival if there else ""


def _apart(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The rows less the other method's values on the same holes; those that it did not fill are left out."""
    keys = ["bin", "image_id"]
    theirs = others.groupby(keys)["value"].mean().rename("theirs")
    ours = rows.groupby(keys)["value"].mean().reset_index()
    both = ours.join(theirs, keys, how="inner")
    return both.assign(value=both["value"] - both["theirs"])


def _by_disagreement(
    rows: pd.DataFrame, metric: str, others: pd.DataFrame, other: str
) -> list[tuple[str, str]]:
    """(bin, image id), first where the two metrics place a method's fill furthest apart among all of its
    own.
    """
    keys = ["bin", "image_id"]
    one, two = (
        part.groupby(keys)["value"].mean().rank(ascending=METRICS[name].better == "lower", pct=True)
        for part, name in ((rows, metric), (others, other))
    )
    apart = (one - two).abs().fillna(0.0).sort_index().sort_values(ascending=False, kind="stable")
    return [(str(label), str(image_id)) for label, image_id in apart.index]


def _of_pictures(results: Results, figure: Figure, metric: str, region: str) -> pd.DataFrame:
    rows = figures_of(results, metric, region)
    rows = rows[(rows["entry"] == figure.entry) & (rows["image_id"] != WHOLE_SET)]
    return rows[rows["bin"] == figure.label] if figure.label != ALL_BINS else rows


def values_at(results: Results, metric: str, region: str, label: str, image_id: str) -> dict[str, float]:
    """Each method's value on one hole."""
    rows = figures_of(results, metric, region)
    rows = rows[(rows["bin"] == label) & (rows["image_id"] == image_id) & rows["value"].notna()]
    return {str(entry): float(value) for entry, value in rows.groupby("entry")["value"].mean().items()}

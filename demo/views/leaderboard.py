"""What the Leaderboard shows, as plain values: a table, two charts, and the holes behind a cell. No gradio
here.
"""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.cells import FORMAT
from benchmark.metrics import METRICS
from benchmark.report import display
from benchmark.report.figures import hardware
from benchmark.report.marks import flattered, footnote, mark
from benchmark.report.summary import (
    FAIR_N,
    Cell,
    Key,
    column_order,
    counts_of,
    entry_order,
    measured,
    named,
    summarise,
)
from benchmark.report.tables import ARROWS, number
from benchmark.results import ALL_BINS as ALL
from benchmark.results import WHOLE_SET, Results, load
from inpainters.errors import InputError
from inpainters.registry import METHODS

SORTS = [("Worst first", "worst"), ("Median first", "median"), ("Best first", "best")]


@lru_cache(maxsize=8)
def _load(folder: Path, stamp: int) -> Results:
    return load(folder)


def open_suite(folder: Path) -> Results:
    """A suite's results, read again only when its rows have changed; InputError with a sentence where it
    cannot be read.
    """
    results = _load(folder, _stamp(folder))
    meaning = results.manifest.get("meaning")
    if isinstance(meaning, dict) and meaning.get("format", FORMAT) != FORMAT:
        raise InputError(
            f"'{folder.name}' was written by another version of the benchmark: run its suite again with "
            "--redo."
        )
    return results


def _stamp(folder: Path) -> int:
    scores = folder / "scores.csv"
    return scores.stat().st_mtime_ns if scores.is_file() else 0


PARTS = ("scores.csv", "manifest.json", "cells")
"""A folder with any of these is a suite, be it a half-written one."""


def found(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Readable suites below `root`, those whose pictures are at hand first, and a sentence for each that is
    not.
    """
    good, problems = {}, []
    for folder in [root, *sorted(root.iterdir())] if root.is_dir() else []:
        if not any((folder / part).exists() for part in PARTS):
            continue
        try:
            good[open_suite(folder).suite] = folder
        except InputError as error:
            problems.append(str(error))
    return dict(sorted(good.items(), key=lambda item: not (item[1] / "display").is_dir())), problems


def entries_of(results: Results, families: Collection[str]) -> list[str]:
    """The suite's methods whose family is among `families`."""
    return [entry for entry in entry_order(results.scores["entry"]) if family(entry) in families]


def family(entry: str) -> str:
    spec = METHODS.get(entry.split(" ")[0])
    return spec.family if spec else "baseline"


def metrics_of(results: Results) -> list[tuple[str, str]]:
    """(label, metric) for a chooser: measured ones first, the others with a dash."""
    have = {metric for metric, _ in measured(results.scores)}
    rest = [metric for metric in METRICS if metric in set(results.scores["metric"]) - have]
    labels = [(f"{METRICS[m].title} {ARROWS[METRICS[m].better]}", m) for m in METRICS if m in have]
    return labels + [(f"{METRICS[m].title} – not computed", m) for m in rest]


def regions_of(results: Results, metric: str) -> list[str]:
    """The regions a metric has rows for; the hole first."""
    present = set(results.scores.loc[results.scores["metric"] == metric, "region"])
    return [region for region in ("hole", "band", "whole") if region in present] or ["whole"]


@lru_cache(maxsize=64)
def _cells(folder: Path, stamp: int, metric: str, region: str) -> dict[Key, Cell]:
    results = _load(folder, stamp)
    return summarise(results.scores, metric, region, counts_of(results.scores))


def cells_of(results: Results, metric: str, region: str) -> dict[Key, Cell]:
    """The cells of one metric and region; kept, as the table and both charts show the same."""
    return _cells(results.folder, _stamp(results.folder), metric, region)


def table(results: Results, metric: str, region: str, families: Collection[str]) -> dict[str, Any]:
    """The value of the Table component: methods by ratio bin, seconds last."""
    cells, bins = cells_of(results, metric, region), column_order(results.scores["bin"])
    seconds = results.timings.groupby("entry")["seconds"].median()
    rows = []
    for entry in entries_of(results, families):
        row = {label: _cell(cells.get((entry, label))) for label in [*bins, ALL]}
        row["seconds"] = (
            {"v": float(seconds[entry])} if entry in seconds else {"v": None, "why": "No time was recorded."}
        )
        rows.append({**_head(entry, metric), "cells": row})
    few = {"few": FAIR_N} if metric.startswith(("fid_", "fd_")) else {}
    numbers = {"better": _better(metric), "digits": _digits(cells), **few}
    heads = [
        {"id": label, "title": f"{label} %" if label[0].isdigit() else label, **numbers} for label in bins
    ]
    clock = {
        "id": "seconds",
        "title": "seconds",
        "kind": "seconds",
        "better": "low",
        "note": f"Median per picture, {hardware(results)}.",
    }
    columns = [*heads, {"id": ALL, "title": "all", **numbers}, clock]
    return {"caption": caption(results, metric, region), "cols": columns, "rows": rows}


def _head(entry: str, metric: str) -> dict[str, Any]:
    """What a row and a line begin with; the name is marked where the metric flatters the method."""
    return {"id": entry, "title": named(entry) + mark(entry, metric), "family": family(entry)}


def _better(metric: str) -> str:
    return "high" if metric in METRICS and METRICS[metric].better == "higher" else "low"


def _digits(cells: dict[Key, Cell]) -> int:
    """As many decimals as tell methods apart: three below 1, two below 100, one above."""
    largest = max((abs(cell.value.mean) for cell in cells.values() if not cell.reason), default=0.0)
    return 3 if largest < 1 else 2 if largest < 100 else 1


def _cell(cell: Cell | None) -> dict[str, Any]:
    if cell is None or cell.reason:
        return {"v": None, "why": cell.reason if cell else "Not run."}
    shown: dict[str, Any] = {
        "v": cell.value.mean,
        "n": cell.value.n,
        "best": cell.best and not cell.tied,
        "tied": cell.tied,
    }
    return shown | _interval(cell)


def _interval(cell: Cell) -> dict[str, float]:
    return {} if np.isnan(cell.value.low) else {"lo": cell.value.low, "hi": cell.value.high}


def caption(results: Results, metric: str, region: str) -> str:
    """What the table shows, in one line."""
    place = {
        "hole": "inside the hole",
        "band": "in a band along the hole's rim",
        "whole": "over the whole picture",
    }[region]
    better = {"high": "higher is better", "low": "lower is better"}[_better(metric)]
    return f"{metric} {place}, {better}"


def note(results: Results, metric: str) -> str:
    """The small print: which variant, against which reference, and how thin the ground is it stands on."""
    rows = results.scores[results.scores["image_id"] != WHOLE_SET]
    spec = METRICS.get(metric)
    pictures, photographs = rows["image_id"].nunique(), rows["photograph"].nunique()
    ground = f"{pictures} pictures of {photographs} photographs; intervals resample photographs."
    thin = " That is a thin set: read wide intervals as such." if photographs < 50 else ""
    paired = (
        " The reference is paired: the originals of the same pictures." if spec and spec.kind == "set" else ""
    )
    flattery = footnote(results.scores["entry"].unique(), [metric])
    parts = [
        flattery,
        f"{ground}{thin}{paired}",
        spec.variant if spec else "",
        f"Times: {hardware(results)}.",
    ]
    return " ".join(filter(None, parts))


def by_ratio(results: Results, metric: str, region: str, families: Collection[str]) -> dict[str, Any]:
    """The value of a Chart: the metric against the missing share, one line per method."""
    cells, bins = cells_of(results, metric, region), column_order(results.scores["bin"])
    series = [
        {**_head(entry, metric), "pts": [_point(label, cells[entry, label]) for label in labels]}
        for entry in entries_of(results, families)
        if (labels := [label for label in bins if (entry, label) in cells and not cells[entry, label].reason])
    ]
    axis = {"label": "missing share of the picture, %", "scale": "category", "values": bins}
    return {
        "title": "By missing share",
        "x": axis,
        "y": _axis(metric, cells),
        "series": series,
        "note": NOTHING,
    }


def by_seconds(results: Results, metric: str, region: str, families: Collection[str]) -> dict[str, Any]:
    """The value of a Chart: the metric over all ratios against the median seconds per picture."""
    cells, seconds = cells_of(results, metric, region), results.timings.groupby("entry")["seconds"].median()
    series = [
        {**_head(entry, metric), "pts": [_point(float(seconds[entry]), cells[entry, ALL])]}
        for entry in entries_of(results, families)
        if entry in seconds and (entry, ALL) in cells and not cells[entry, ALL].reason
    ]
    axis = {"label": "median seconds per picture", "scale": "log", "unit": "s"}
    return {
        "title": "By time",
        "kind": "scatter",
        "x": axis,
        "y": _axis(metric, cells),
        "series": series,
        "note": NOTHING,
    }


NOTHING = "Nothing to draw: this metric was not computed."


def _point(x: Any, cell: Cell) -> dict[str, Any]:
    return {
        "x": x,
        "y": cell.value.mean,
        "n": cell.value.n,
        **_interval(cell),
        "cell": {"row": cell.entry, "col": cell.bin},
    }


def _axis(metric: str, cells: dict[Key, Cell]) -> dict[str, Any]:
    return {"label": metric, "better": _better(metric), "digits": _digits(cells)}


def holes(
    results: Results, metric: str, region: str, entry: str, label: str, sort: str
) -> list[tuple[str, str]]:
    """(bin, image id) of the pictures behind a cell, ordered by the method's own value; a set metric orders
    by L1.
    """
    frame = results.scores[results.scores["entry"] == entry]
    frame = frame[frame["bin"] == label] if label != ALL else frame
    rows = frame[(frame["metric"] == metric) & (frame["region"] == region) & (frame["image_id"] != WHOLE_SET)]
    if rows["value"].notna().sum() == 0:
        rows, metric = frame[(frame["metric"] == "l1") & (frame["region"] == "hole")], "l1"
    rising = (METRICS[metric].better == "lower") == (sort == "best")
    ordered = rows.sort_values(["value", "image_id", "bin"], ascending=rising, kind="stable")
    if sort == "median":
        ordered = ordered.iloc[np.argsort(np.abs(np.arange(len(ordered)) - len(ordered) // 2), kind="stable")]
    return list(zip(ordered["bin"], ordered["image_id"], strict=True))


def values_at(results: Results, metric: str, region: str, label: str, image_id: str) -> dict[str, float]:
    """Each method's value on one hole."""
    rows = results.scores[(results.scores["bin"] == label) & (results.scores["image_id"] == image_id)]
    rows = rows[(rows["metric"] == metric) & (rows["region"] == region) & rows["value"].notna()]
    return {str(entry): float(value) for entry, value in rows.groupby("entry")["value"].mean().items()}


def chip(metric: str, entry: str, value: str | None) -> dict[str, Any]:
    """A figure under a picture; marked, with the reason, where the metric flatters the method."""
    if value is None:
        return {"label": metric, "value": None, "why": "Not computed."}
    why = {"why": footnote([entry], [metric])} if flattered(entry, metric) else {}
    return {"label": metric, "value": value + mark(entry, metric), **why}


def pane(
    results: Results, entry: str, label: str, image_id: str, values: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """One method's pane on one hole, without its `src`; `values` maps a metric's name to `values_at`."""
    chips = [
        chip(metric, entry, number(value[entry]) if entry in value else None)
        for metric, value in values.items()
    ]
    shared = {"id": entry, "title": named(entry), "family": family(entry), "chips": chips}
    if display.find(results, label, image_id, entry) is None:
        why = f"Its picture is not here: run `python -m benchmark run {results.suite}` to make it."
        if not any(entry in value for value in values.values()):
            why = "Not run on this picture: the suite's time budget gave this method fewer."
        return {**shared, "state": "unavailable", "err": why}
    return {**shared, "state": "done"}

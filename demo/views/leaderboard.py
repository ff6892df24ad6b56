"""What the Leaderboard shows, as plain values: a table, two charts, and the small print under them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.cells import split_entry
from benchmark.metrics import METRICS, told
from benchmark.report.agreement import section
from benchmark.report.column import Key, TableFigure
from benchmark.report.digits import number
from benchmark.report.figures import machine
from benchmark.report.marks import DETAIL_NOTE, acquaintance, footnote, mark
from benchmark.report.stats import MIN_WINNER
from benchmark.report.summary import column_order, entry_order, left_out, named
from benchmark.report.tables import ARROWS, called, protocol
from benchmark.results import ALL_BINS, WHOLE_SET, Results
from demo.server.suites import cells_of, entries_of, family_of
from demo.views.changes import next_rev
from inpainters.families import FAMILIES, TRIVIAL
from inpainters.registry import METHODS

SORTS = [
    ("Worst first", "worst"),
    ("Median first", "median"),
    ("Best first", "best"),
    ("Where metrics disagree", "disagree"),
]
BORDER_CHOICES = [("All holes", ""), ("At the border", "touching"), ("Clear of the border", "free")]
"""(label, `Figure.border`) for a chooser."""
NO_RIVAL = "Against no other method"
NOTHING = "Nothing to draw: this metric was not computed."
ONE_COLUMN = "These holes are not divided by how much is missing."
NOT_SCORED = "this suite was not scored by it"
LEADERS = 5
"""So many of the best methods are in colour in the charts, each in its own."""
ENOUGH = 0.5
"""Share of the most photographs that a method has; a leader has seen at least so many."""
PLACES = {"hole": "Inside the hole", "band": "In the band at its rim", "whole": "Whole picture"}


@dataclass(frozen=True)
class Board:
    """What table and charts are drawn from: one metric in one region."""

    results: Results
    metric: str
    region: str
    heads: dict[str, dict[str, Any]]
    """Entry -> what its row and its line begin with, the best entry first; the name is marked where the
    metric flatters it.
    """
    cells: dict[Key, TableFigure]
    bins: list[str]
    seconds: dict[str, float]
    """Entry -> median per picture, for those that have a time."""
    families: Collection[str]
    """Those in view."""

    @property
    def columns(self) -> list[str]:
        """The bins with a column of their own beside the one of all: none where there is a single one."""
        return self.bins if len(self.bins) > 1 else []


def board(results: Results, metric: str, region: str, families: Collection[str]) -> list[Any]:
    """Values of the table, both charts and the small print."""
    cells, bins = cells_of(results, metric, region), column_order(results.rows["bin"])
    entries = best_first(entries_of(results, families), cells, metric)
    heads = {entry: _head(results, entry, metric) for entry in entries}
    medians = results.timings.groupby("entry")["seconds"].median().dropna()
    seconds = {str(entry): float(value) for entry, value in medians.items()}
    shown = Board(results, metric, region, heads, cells, bins, seconds, families)
    values = (figures_table(shown), by_ratio(shown), by_seconds(shown))
    return [*({**value, "rev": next_rev()} for value in values), note(results, metric)]


def best_first(entries: list[str], cells: dict[Key, TableFigure], metric: str) -> list[str]:
    """By the figure over all ratios; then those that stand apart, then those without a figure."""
    sign = -1 if _better(metric) == "high" else 1

    def place(entry: str) -> tuple[int, float]:
        cell = cells.get((entry, ALL_BINS))
        if cell is None or cell.reason:
            return 2, 0.0
        return int(cell.apart), sign * cell.value.mean

    return sorted(entries, key=place)


def metric_name(metric: str) -> str:
    """What a metric is called on the page, with its unit."""
    spec = METRICS.get(metric)
    return ", ".join(filter(None, (spec.title, spec.unit))) if spec else metric


def region_choices(regions: list[str]) -> list[tuple[str, str]]:
    """(label, region) for a chooser."""
    return [(PLACES[region], region) for region in regions]


def family_choices(families: list[str]) -> list[tuple[str, str]]:
    """(label, family) for a chooser."""
    return [(FAMILIES[family].title, family) for family in families]


def metric_choices(measured: list[str], lacking: list[str]) -> list[tuple[str, str]]:
    """(label, metric) for a chooser: measured ones first, the others with a dash."""
    labels = [(f"{METRICS[name].title} {ARROWS[METRICS[name].better]}", name) for name in measured]
    return labels + [(f"{METRICS[name].title} – not computed", name) for name in lacking]


def figures_table(board: Board) -> dict[str, Any]:
    """The value of the Table component: methods by ratio bin, the best first, seconds last."""
    bare = _without_figures(board)
    rows = [{**head, "cells": _row(board, entry)} for entry, head in board.heads.items() if entry not in bare]
    shown = {"caption": caption(board.metric, board.region), "cols": _columns(board), "rows": rows}
    lines = [lacking(board, bare), not_run(board)]
    return {**shown, "sort": ALL_BINS, "lacking": " ".join(filter(None, lines))}


def _without_figures(board: Board) -> dict[str, str]:
    """Entry -> why it has no figure in any column."""
    found = {}
    for entry in board.heads:
        cells = [board.cells.get((entry, label)) for label in [*board.bins, ALL_BINS]]
        reasons = [cell.reason if cell else "not run" for cell in cells]
        if not board.cells:
            found[entry] = NOT_SCORED
        elif all(reasons):
            found[entry] = next((reason for reason in reasons if reason != "not run"), "not run")
    return found


def lacking(board: Board, bare: dict[str, str]) -> str:
    """One line on the methods without figures, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for entry, why in bare.items():
        by_reason.setdefault(why.rstrip("."), []).append(board.heads[entry]["title"])
    if len(bare) == len(board.heads) and len(by_reason) == 1:
        return f"No figures for any method: {next(iter(by_reason))}."
    parts = [f"{', '.join(titles)} ({why})" for why, titles in by_reason.items()]
    return f"No figures: {'; '.join(parts)}." if parts else ""


def not_run(board: Board) -> str:
    """One line on the methods in view that the suite has no rows of."""
    ran = {split_entry(entry)[0] for entry in board.heads}
    rest = [spec for name, spec in METHODS.items() if name not in ran]
    names = [spec.title for spec in rest if spec.family in board.families]
    return f"Not run in this suite: {', '.join(names)}." if names and board.heads else ""


def _row(board: Board, entry: str) -> dict[str, dict[str, Any]]:
    row = {label: figure_cell(board.cells.get((entry, label))) for label in [*board.columns, ALL_BINS]}
    if entry not in board.seconds:
        return row | {"seconds": {"v": None, "why": "No time was recorded."}}
    return row | {"seconds": {"v": board.seconds[entry]}}


def _columns(board: Board) -> list[dict[str, Any]]:
    spec = METRICS.get(board.metric)
    few = {"few": spec.fair_n} if spec and spec.fair_n else {}
    numbers = {"better": _better(board.metric), "digits": digits_of(board.cells), **few}
    heads = [
        {"id": label, "title": f"{label} %" if label[0].isdigit() else label, **numbers}
        for label in board.columns
    ]
    note = f"Median per picture, {machine(board.results)}."
    clock = {"id": "seconds", "title": "seconds", "kind": "seconds", "better": "low", "note": note}
    return [*heads, {"id": ALL_BINS, "title": "all", **numbers}, clock]


def _head(results: Results, entry: str, metric: str) -> dict[str, Any]:
    return {"id": entry, "title": called(results, entry) + mark(entry, metric), "family": family_of(entry)}


def _better(metric: str) -> str:
    return "high" if metric in METRICS and METRICS[metric].better == "higher" else "low"


def digits_of(cells: dict[Key, TableFigure]) -> int:
    """As many decimals as tell methods apart: three below 1, two below 100, one above."""
    largest = max((abs(cell.value.mean) for cell in cells.values() if not cell.reason), default=0.0)
    return 3 if largest < 1 else 2 if largest < 100 else 1


def figure_cell(cell: TableFigure | None) -> dict[str, Any]:
    """A figure as the Table takes it; a dash with its reason where there is none."""
    if cell is None or cell.reason:
        return {"v": None, "why": cell.reason if cell else "Not run."}
    shown: dict[str, Any] = {
        "v": cell.value.mean,
        "n": cell.value.photographs,
        "best": cell.winner,
        "tied": cell.tied,
        "apart": cell.apart,
        "why": " ".join(filter(None, (rival_sentence(cell), _without(cell)))),
    }
    return shown | _interval(cell)


def rival_sentence(cell: TableFigure) -> str:
    """What a figure that stands apart is worth: the best of its column on the same pictures."""
    if cell.rival is None:
        return ""
    better = f"{named(cell.rival.entry)} has {number(cell.rival.mean)}"
    return f"Other pictures than its column's, so it has no rank. On the same ones {better}."


def _without(cell: TableFigure) -> str:
    """How many holes a figure leaves out."""
    return f"{cell.left_out} of its holes are left out of the mean." if cell.left_out else ""


def _interval(cell: TableFigure) -> dict[str, float]:
    return {} if np.isnan(cell.value.low) else {"lo": cell.value.low, "hi": cell.value.high}


def _band(cell: TableFigure) -> dict[str, float]:
    """What a chart draws around a figure: nothing where it does not compare with the others."""
    return {} if cell.apart else _interval(cell)


def rival_choices(entries: list[str]) -> list[tuple[str, str]]:
    """Labels and entries of the methods that a method's holes can be ordered against."""
    return [(NO_RIVAL, ""), *((f"Against {named(entry)}", entry) for entry in entries)]


def caption(metric: str, region: str) -> str:
    """What the table shows, in one line."""
    place = {
        "hole": "inside the hole",
        "band": "in a band along the hole's rim",
        "whole": "over the whole picture",
    }[region]
    better = {"high": "higher is better", "low": "lower is better"}[_better(metric)]
    return f"{metric_name(metric)} {place}, {better}"


def note(results: Results, metric: str) -> str:
    """The small print: whose protocol it is, which variant of the metric, against which reference, and how
    thin the ground is it stands on.
    """
    rows = results.rows[results.rows["image_id"] != WHOLE_SET]
    spec = METRICS.get(metric)
    pictures, photographs = rows["image_id"].nunique(), rows["photograph"].nunique()
    ground = f"{pictures} pictures of {photographs} photographs; intervals and tests count photographs."
    thin = " That is a thin set: read wide intervals as such." if photographs < 50 else ""
    thin += " It is too thin to tell methods apart." if photographs < MIN_WINNER else ""
    paired = (
        " The reference is paired: the originals of the same pictures." if spec and spec.kind == "set" else ""
    )
    flattery = footnote(results.rows["entry"].unique(), [metric])
    parts = [
        flattery,
        DETAIL_NOTE if results.detailed else "",
        acquaintance(results.rows["entry"].unique(), results.dataset),
        f"{ground}{thin}{paired}",
        told(spec) if spec else "",
        outdated(results),
        f"Times: {machine(results)}.",
        left_out(results).replace("`", ""),
    ]
    return "\n\n".join(filter(None, [protocol(results), " ".join(filter(None, parts))]))


def outdated(results: Results) -> str:
    """Which methods have other weights or code now than when they were measured, in one sentence."""
    pinned = results.manifest.meaning.methods
    entries = [one for one in entry_order(results.rows["entry"]) if one in pinned]
    now = {one: METHODS.get(split_entry(one)[0]) for one in entries}
    old = [one for one in entries if (spec := now[one]) and spec.version != pinned[one].version]
    return f"Measured before their latest version: {', '.join(map(named, old))}." if old else ""


def agreement(results: Results) -> str:
    """How far the metrics agree, as Markdown: their rank correlations, and which marked methods lose their
    place by the others.
    """
    _, *parts = section(results) or [
        "",
        "This suite has too few methods, or metrics, to compare their orders.",
    ]
    return "\n\n".join(parts)


def by_ratio(board: Board) -> dict[str, Any]:
    """The value of a Chart: the metric against the missing share, one line per method."""
    series: list[dict[str, Any]] = []
    for entry, head in board.heads.items():
        points = [_point(label, cell) for label in board.bins if (cell := _value(board, entry, label))]
        series += [{**head, "pts": points}] if points else []
    axis = {"label": "missing share of the picture, %", "scale": "category", "values": board.bins}
    shown = {"title": "By missing share", "x": axis, "y": _axis(board)}
    if not board.columns:
        return {**shown, "series": [], "note": ONE_COLUMN if series else NOTHING}
    return {**shown, "series": _led(board, series), "note": NOTHING}


def by_seconds(board: Board) -> dict[str, Any]:
    """The value of a Chart: the metric over all ratios against the median seconds per picture."""
    series = [
        {**head, "pts": [_point(board.seconds[entry], cell)]}
        for entry, head in board.heads.items()
        if entry in board.seconds and (cell := _value(board, entry, ALL_BINS))
    ]
    axis = {"label": "median seconds per picture", "scale": "log", "unit": "s"}
    shown = {"title": "By time", "kind": "scatter", "x": axis, "y": _axis(board)}
    return {**shown, "series": _led(board, series), "note": NOTHING}


def _led(board: Board, series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The series, the leaders with their place from 1 on: by their mean over all ratios, the trivial ones and
    those with few photographs aside.
    """
    cells = {one["id"]: cell for one in series if (cell := _value(board, one["id"], ALL_BINS))}
    most = max((cell.value.photographs for cell in cells.values()), default=0)
    sign = -1 if _better(board.metric) == "high" else 1
    good = [
        entry
        for entry, cell in sorted(cells.items(), key=lambda item: sign * item[1].value.mean)
        if cell.value.photographs >= ENOUGH * most and family_of(entry) != TRIVIAL
    ]
    places = {entry: place for place, entry in enumerate(good[:LEADERS], 1)}
    return [{**one, "lead": places.get(one["id"], 0)} for one in series]


def _value(board: Board, entry: str, label: str) -> TableFigure | None:
    cell = board.cells.get((entry, label))
    return None if cell is None or cell.reason else cell


def _point(x: Any, cell: TableFigure) -> dict[str, Any]:
    return {
        "x": x,
        "y": cell.value.mean,
        "n": cell.value.photographs,
        **_band(cell),
        "cell": {"row": cell.entry, "col": cell.bin},
    }


def _axis(board: Board) -> dict[str, Any]:
    return {
        "label": metric_name(board.metric),
        "better": _better(board.metric),
        "digits": digits_of(board.cells),
    }

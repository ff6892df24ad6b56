"""The Benchmark tab as the page shows it: what a run will take, how far it is, and what came out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmark.diff import Beside
from benchmark.inputs.masksets import holes_title
from benchmark.metrics import METRICS
from benchmark.report.layout import OVERVIEW
from benchmark.report.marks import footnote, mark
from benchmark.report.stats import MIN_WINNER
from benchmark.report.summary import entry_order, named
from benchmark.report.tables import called, overview_pairs
from benchmark.results import ALL_BINS, WHOLE_SET, Results
from benchmark.suites.base import Suite
from demo.server.filled import LIVE, MethodFilled
from demo.server.own_runs import DONE, ENDED_EARLY, FAILED, RUNNING, WAITING, Allowance, OwnRun
from demo.server.run_time import START, Quote, expected_seconds
from demo.server.suites import cells_of, family_of, open_suite
from demo.views.changes import next_rev
from demo.views.leaderboard import digits_of, figure_cell
from demo.views.prose import with_code
from inpainters.costs import spoken
from inpainters.families import FAMILIES
from inpainters.spec import MethodSpec

INTRODUCTION = (
    "Measure methods yourself, on the photographs that come with this project: a small run here, "
    "a larger one with the same command on a machine of yours."
)
STILL_READING = "<p>Reading the committed results …</p>"
LET_GO = (
    "Your run is no longer kept: this page was not heard from for an hour, or others needed "
    "its room. Start anew."
)
SLOW_HOLE = 1.0
"""Seconds of a hole from which on a method's label tells them."""
_NAMES = {
    WAITING: "Waiting",
    RUNNING: "Running",
    DONE: "Finished",
    ENDED_EARLY: "Stopped",
    FAILED: "It did not get through",
}
_SHORT = {"whole": "picture"}


def suite_labels(suites: Mapping[str, Suite]) -> list[tuple[str, str]]:
    """(label, suite) for a chooser."""
    return [(f"{name}: {suite.title}", name) for name, suite in suites.items()]


def method_labels(specs: Iterable[MethodSpec]) -> list[tuple[str, str]]:
    """(label, method) for a chooser: its sign, its name, and what one hole takes here where that is long."""
    found = []
    for spec in specs:
        seconds, sign = expected_seconds(spec.name, "20-30"), FAMILIES[spec.family].sign
        slow = f", {spoken(seconds)}" if seconds >= SLOW_HOLE else ""
        found.append((f"{sign} {spec.title}{slow}", spec.name))
    return found


def absent_methods(reasons: Mapping[str, str]) -> str:
    """The methods that cannot be ticked, each with its reason."""
    many = "method" if len(reasons) == 1 else "methods"
    return _folded(f"{len(reasons)} {many} cannot run here", reasons)


def _folded(summary: str, reasons: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(title)}</dt><dd>{with_code(why)}</dd>" for title, why in reasons.items())
    return f"<details><summary>{summary}</summary><dl>{rows}</dl></details>" if reasons else ""


def rules(allowance: Allowance) -> str:
    """What a visitor may run, in one line."""
    if allowance.minutes <= 0:
        return (
            "The owner of this page lets nobody run the benchmark here: the command below does it elsewhere."
        )
    return (
        f"Here a visitor has {allowance.minutes:g} minutes an hour and up to {allowance.pictures} pictures; "
        "one run at a time works on this machine, behind everything else. Once it has begun, the "
        "page may be closed; an hour after it was last seen the run is deleted."
    )


def estimate_html(found: Quote | None, allowance: Allowance, problem: str = "") -> str:
    """What the run will take, where the cap cuts it, or why it cannot be run."""
    if found is None:
        return f'<p class="problem">{escape(problem)}</p>'
    holes = f"{found.holes:,} holes to fill, {found.columns} for each picture and method"
    parts = [f"<strong>{spoken(found.total).capitalize()} on this machine</strong>: {holes}."]
    slow = max(found.seconds, key=lambda method: found.seconds[method])
    if found.seconds[slow] > 2 * START:
        parts.append(f"{escape(named(slow))} alone: {spoken(found.seconds[slow])}.")
    if found.fewer:
        parts.append(escape(_cut(found, allowance)))
    return f"<p>{' '.join(parts)}</p>"


def _cut(found: Quote, allowance: Allowance) -> str:
    some = [f"{named(method)} ({n} of {found.asked.n})" for method, n in found.fewer.items() if n]
    none = [named(method) for method, n in found.fewer.items() if not n]
    parts = [f"fewer pictures to {', '.join(some)}"] * bool(some)
    parts += [f"none to {', '.join(none)}"] * bool(none)
    return f"The cap of {allowance.minutes:g} minutes gives {' and '.join(parts)}."


# --- how far it is ----------------------------------------------------------------------------------


def status(run: OwnRun | None, before: int, problem: str = "", fewer: int = 0) -> str:
    """Where the run stands, in words, or why nothing was done; it changes only when the state does. `fewer`:
    how many pictures of one whose folder grew too large should fit.
    """
    if problem:
        return f'<p role="status" class="problem">{escape(problem)}</p>'
    if run is None:
        return '<p role="status"></p>'
    said = run.said
    if run.state == WAITING:
        said = f"{before} run{'s are' if before > 1 else ' is'} before yours." if before else "It is next."
    if run.state == RUNNING and run.halted:
        said = "Stopping …"
    elif run.too_large:
        said = f"{said} {_way_on(fewer)}"
    words = f"<strong>{_NAMES[run.state]}.</strong> {escape(said)}".strip()
    return f'<p role="status" data-state="{run.state}">{words}</p>'


def _way_on(fewer: int) -> str:
    if not fewer:
        return "Not even one picture fits: choose fewer methods, or use the command below."
    return f"{_pictures(fewer)} should fit: start with that, or with fewer methods, or use the command below."


def goes_on_label(fewer: int) -> str:
    """What the button says that lets a run go on."""
    return f"Start with {_pictures(fewer)}" if fewer else "Continue"


def _pictures(n: int) -> str:
    return f"{n} picture{'s' * (n != 1)}"


def progress_html(run: OwnRun | None, found: Sequence[MethodFilled]) -> str:
    """Each method's bar, its seconds, its figure so far and what it still takes."""
    if run is None or (run.state == WAITING and not found):
        return ""
    if not found:
        return "<p>It starts: photographs and masks are being made.</p>" if run.state == RUNNING else ""
    filled, wanted = (sum(getattr(one, name) for one in found) for name in ("filled", "wanted"))
    metric, region = LIVE
    head = (
        "<tr><th>Method</th><th>Filled</th><th>Seconds each</th>"
        f"<th>{METRICS[metric].title}, {region}, so far</th><th>To go</th></tr>"
    )
    rows = "".join(_progress_row(one, live=run.state == RUNNING) for one in found)
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    return f"<p>{_whole(run, filled, wanted, found)}</p>{table}"


def _whole(run: OwnRun, filled: int, wanted: int, found: Sequence[MethodFilled]) -> str:
    count = f"{filled:,} of {wanted:,} holes are filled"
    if run.state != RUNNING:
        return f"{count}."
    if left := sum(one.left for one in found):
        return f"{count}; {spoken(left)} to go, scores and tables aside."
    return f"{count}; now they are scored, and tables are made."


def _progress_row(one: MethodFilled, *, live: bool) -> str:
    title = f"{FAMILIES[family_of(one.entry)].sign} {escape(named(one.entry))}"
    counted = plain = f"{one.filled} of {one.wanted}"
    if one.failed:
        why = escape(next(iter(one.failed.values())))
        counted += f' <span class="problem" title="{why}">({len(one.failed)} failed: {why})</span>'
    bar = f'<progress max="{max(one.wanted, 1)}" value="{one.filled}" aria-label="{plain}"></progress>'
    seconds = "–" if math.isnan(one.seconds) else f"{one.seconds:.2g}"
    values = (f"{holes_title(name)} {mean:.2f} over {n}" for name, (mean, n) in one.values.items())
    value = ", ".join(values) or "–"
    left = spoken(one.left) if one.left and live else "" if one.left else "✓"
    cells = "".join(f"<td>{text}</td>" for text in (f"{bar} {counted}", seconds, value, left))
    return f"<tr><th>{title}</th>{cells}</tr>"


def nothing_yet(suite: str) -> str:
    """In place of results where there are none."""
    return f"<p>No results of {escape(suite)} are committed here: a run's table will stand in this place.</p>"


# --- what came out ------------------------------------------------------------------------------


def results_table(root: Path, suite: str, holes: str, *, own: bool) -> dict[str, Any]:
    """The value of a Table: methods by metric, over all ratios together; metrics that could not be computed
    have dashes with the reason.
    """
    results = open_suite(root, suite, holes)
    pairs = overview_pairs(results)
    pairs += [pair for pair in OVERVIEW if pair not in pairs and pair in results.lacking]
    columns = {pair: cells_of(results, *pair, ALL_BINS) for pair in pairs}
    entries = entry_order(results.rows["entry"])
    rows = [
        {
            "id": entry,
            "title": called(results, entry),
            "family": family_of(entry),
            "cells": {
                f"{metric}@{region}": figure_cell(columns[metric, region].get((entry, ALL_BINS)))
                for metric, region in pairs
            },
        }
        for entry in entries
    ]
    whose = "Your run" if own else f"Committed results of {suite}"
    shown = {"caption": f"{whose}; holes: {holes_title(results.mask_sets[0])}; all ratios together"}
    cols = [_column(pair, columns[pair], entries) for pair in pairs]
    return {**shown, "cols": cols, "rows": rows, "rev": next_rev()}


def _column(pair: tuple[str, str], cells: Mapping[Any, Any], entries: Sequence[str]) -> dict[str, Any]:
    metric, region = pair
    spec, flattered = METRICS[metric], any(mark(entry, metric) for entry in entries)
    note = footnote(entries, [metric]) if flattered else ""
    return {
        "id": f"{metric}@{region}",
        "title": f"{spec.title}, {_SHORT.get(region, region)}",
        "better": "high" if spec.better == "higher" else "low",
        "digits": digits_of(dict(cells)),
        "note": note,
        **({"few": spec.fair_n} if spec.fair_n else {}),
    }


def ground(root: Path, suite: str, holes: str) -> str:
    """What the figures rest on, and which metrics are missing with the reason."""
    results = open_suite(root, suite, holes)
    rows = results.rows[results.rows["image_id"] != WHOLE_SET]
    photographs, fills = rows["photograph"].nunique(), len(rows)
    thin = " It is too thin to tell methods apart." if photographs < MIN_WINNER else ""
    several = "s" * (photographs != 1)
    text = f"n = {photographs} photograph{several}, {fills:,} fills.{thin} Click a figure for its pictures."
    return f"<p>{text}</p>{_lacking(results)}"


def _lacking(results: Results) -> str:
    have = {metric for metric, _ in results.measured}
    found: dict[str, str] = {}
    for (metric, _), why in results.lacking.items():
        if metric in METRICS and metric not in have and METRICS[metric].kind != "answers":
            found.setdefault(metric, why)
    by_reason: dict[str, list[str]] = {}
    for metric, why in found.items():
        by_reason.setdefault(why.rstrip("."), []).append(metric)
    told = {", ".join(some): f"{why}." for why, some in by_reason.items()}
    many = "metric" if len(found) == 1 else "metrics"
    return _folded(f"{len(found)} {many} could not be computed", told)


def comparison(found: Beside, other: str) -> str:
    """A finished run beside committed results, as Markdown."""
    said = [f"**Beside the committed `{other}`**: {found.holes:,} holes are the same, photograph and mask."]
    if found.otherwise:
        lines = "\n".join(f"* {line}" for line in found.otherwise)
        said.append(f"Not all compares, there → here:\n\n{lines}")
    return "\n\n".join([*said, found.figures.replace("\n## ", "\n#### ")])

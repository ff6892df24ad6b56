"""What a visitor can do in the Leaderboard tab."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.report.layout import LEADING
from benchmark.results import ALL_BINS
from demo.server.suites import (
    Figure,
    entries_of,
    mask_sets_of,
    metrics_of,
    open_suite,
    readable,
    regions_of,
)
from inpainters.families import FAMILIES


class Selection(NamedTuple):
    """What there is to choose from in one suite, and what is chosen."""

    measured: list[str]
    """Metrics with values."""
    lacking: list[str]
    """Metrics that could not be computed."""
    metric: str
    regions: list[str]
    region: str
    mask_sets: list[str]
    mask_set: str


def select(
    root: Path,
    suite: str,
    metric: str | None = None,
    region: str | None = None,
    mask_set: str | None = None,
) -> Selection:
    """The metric, the region and the mask set that are wanted, where the suite has them, else its first ones;
    InputError where the suite cannot be read.
    """
    sets = mask_sets_of(root, suite)
    holes = mask_set if mask_set in sets else sets[0]
    results = open_suite(root, suite, holes)
    measured, lacking = metrics_of(results)
    names = [*measured, *lacking]
    chosen = next((name for name in (metric, LEADING[0][0]) if name in names), names[0])
    regions = regions_of(results, chosen)
    where = region if region in regions else regions[0]
    return Selection(measured, lacking, chosen, regions, where, sets, holes)


def families(root: Path) -> list[str]:
    """The families that any suite has methods of."""
    suites = [open_suite(root, suite) for suite in readable(root)[0]]
    return [family for family in FAMILIES if any(entries_of(results, [family]) for results in suites)]


def open_figure(
    suite: str,
    metric: str,
    region: str,
    shown: list[str],
    sort: str,
    data: Mapping[str, Any],
    mask_set: str = "",
) -> Figure:
    """The figure that was clicked, in the table or in a chart; `shown`: the families in view."""
    cell = data.get("cell") or data
    label = str(cell.get("col"))
    label = ALL_BINS if label == "seconds" else label
    row = str(cell.get("row"))
    return Figure(suite, metric, region, tuple(shown), row, label, sort, mask_set=mask_set)


def step(figure: Figure, by: int) -> Figure:
    """To the hole before (-1) or the next one (+1)."""
    return replace(figure, index=figure.index + by)


def order(figure: Figure, sort: str) -> Figure:
    """Begin again in another order."""
    return replace(figure, sort=sort, index=0)

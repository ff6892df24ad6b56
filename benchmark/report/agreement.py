"""Do the metrics agree? Rank correlations of the orders in which they put the methods, and which methods fall
back where nothing flatters them.
"""

from typing import Any

import numpy as np
import pandas as pd

from benchmark.metrics import METRICS
from benchmark.report.markdown import markdown_table
from benchmark.report.marks import MARK, flattered, names_of_networks
from benchmark.report.summary import column_of, measured, named
from benchmark.results import Results

MIN_METHODS = 4
"""Fewer methods than this have no order worth comparing."""


def places(results: Results) -> pd.DataFrame:
    """The place (1: best) of each method by each metric, all ratios together; one line per method that has a
    comparable figure by each, one column per metric, in its first region: hole, band or whole. Other
    programs' figures of a metric are left out: they would count it again.
    """
    regions: dict[str, str] = {}
    for metric, region in measured(results):
        if METRICS[metric].kind != "answers" and not METRICS[metric].again:
            regions.setdefault(metric, region)
    found = {metric: column_of(results, metric, region).means for metric, region in regions.items()}
    most = max(map(len, found.values()), default=0)  # a metric that few have leaves out no method
    means = pd.DataFrame(
        {metric: pd.Series(one, dtype=float) for metric, one in found.items() if one and most <= 2 * len(one)}
    ).dropna()
    lower = {metric: METRICS[metric].better == "lower" for metric in means.columns}
    ranks = {metric: means[metric].rank(ascending=lower[metric], method="min") for metric in lower}
    return pd.DataFrame(ranks)


def correlations(places: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rank correlation of each two metrics: 1 where they put the methods in the same order, -1
    where in the opposite one.
    """
    return places.corr(method="spearman")


def fallen(places: pd.DataFrame) -> list[str]:
    """A sentence for each method that stands lower by the metrics that do not look through the network it was
    trained with than by those that do: medians of its places by both.
    """
    found = []
    for entry in places.index:
        line = places.loc[entry].to_dict()
        ours = {metric: place for metric, place in line.items() if flattered(entry, metric)}
        others = [place for metric, place in line.items() if metric not in ours]
        if ours and others and np.median(others) > np.median([*ours.values()]):
            by = ", ".join(f"`{metric}`" for metric in ours)
            one, other = (ordinal(float(np.median(of))) for of in ([*ours.values()], others))
            found.append(
                f"{named(entry)} {MARK} comes {one} of {len(places)} in the median of {by}, and {other} in "
                f"that of the {len(others)} metrics that do not look through {names_of_networks(entry)}."
            )
    return found


def ordinal(place: float) -> str:
    """1st, 2nd, 3rd, 4.5th."""
    if place % 1:
        return f"{place:g}th"
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{int(place)}{'th' if 10 < place % 100 < 14 else ends.get(int(place) % 10, 'th')}"


def section(results: Results) -> list[str]:
    """The part of table.md: heading, what it shows, a table and a list; nothing where there are too few
    methods.
    """
    found = places(results)
    if len(found) < MIN_METHODS or len(found.columns) < 2:
        return []
    lines = [
        [f"`{metric}`", *(_shown(value) for value in row)]
        for metric, row in zip(found, correlations(found).to_numpy(), strict=True)
    ]
    return [
        "## Do the metrics agree?",
        f"Spearman's rank correlation of the order in which two metrics put {len(found)} methods, all ratios "
        "together: 1 is the same order, 0 none in common, -1 the opposite one.",
        markdown_table(["metric", *(f"`{metric}`" for metric in found)], lines),
        *("\n".join(f"* {sentence}" for sentence in told) for told in [fallen(found)] if told),
    ]


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


def draw_agreement(figure: Any, results: Results) -> Any | None:
    """The correlations as a coloured grid; None where there are too few methods."""
    found = places(results)
    if len(found) < MIN_METHODS or len(found.columns) < 2:
        return None
    values, axes = correlations(found).to_numpy(), figure.subplots()
    axes.imshow(values, vmin=-1, vmax=1, cmap="PuOr_r")
    axes.grid(visible=False)
    axes.set_xticks(range(len(values)), found.columns, rotation=45, ha="right")
    axes.set_yticks(range(len(values)), found.columns)
    for (row, column), value in np.ndenumerate(values):
        axes.text(
            column,
            row,
            _shown(value),
            ha="center",
            va="center",
            fontsize=7,
            color="white" if abs(value) > 0.7 else "black",
        )
    figure.suptitle(
        f"{results.title}: rank correlation of the metrics over {len(found)} methods",
        x=0.01,
        ha="left",
        fontsize=9,
    )
    return figure

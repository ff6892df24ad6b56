"""From rows to what a table shows: a mean, its interval, who is best, who is tied with the best, and why a
dash is a dash.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmark.cells import split_entry
from benchmark.metrics import METRICS
from benchmark.report.stats import Interval, interval_of_mean
from benchmark.results import ALL_BINS as ALL
from benchmark.results import WHOLE_SET, Results
from benchmark.rows import Column
from inpainters.masks import BINS
from inpainters.registry import METHODS


@dataclass(frozen=True)
class TableFigure:
    """One figure of a table."""

    entry: str
    bin: str
    metric: str
    region: str
    value: Interval
    best: bool = False
    """Wins against every other method of its column; significantly so where `tied` is False."""
    tied: bool = False
    """Not told apart from the best of its column by the paired test, or the best itself when another is tied
    with it.
    """
    reason: str = ""
    """Why there is no value."""

    @property
    def biased(self) -> bool:
        """True for a metric that needs more pictures."""
        spec = METRICS.get(self.metric)
        return spec is not None and self.value.n < spec.fair_n


Key = tuple[str, str]  # entry, bin


def column_order(bins: Iterable[str]) -> list[str]:
    """Ratio bins by ratio, then the fixed patterns by name; the pseudo-bin `all` is no column."""
    return sorted(
        set(bins) - {ALL},
        key=lambda label: (
            not label[0].isdigit(),
            int(label.split("-")[0]) if label[0].isdigit() else 0,
            label,
        ),
    )


def entry_order(entries: Iterable[str]) -> list[str]:
    """Entries in the order of the METHODS table; strangers last, by name."""
    names = list(METHODS)
    return sorted(
        set(entries),
        key=lambda entry: (names.index(m) if (m := entry.split(" ")[0]) in names else len(names), entry),
    )


def named(entry: str) -> str:
    """An entry for people: `RePaint, balanced`, `Telea, radius 5.0`."""
    method, options = split_entry(entry)
    spec = METHODS.get(method)
    preset = spec.preset.name if spec and spec.preset else None
    told = (str(value) if key == preset else f"{key} {value}" for key, value in options.items())
    return ", ".join([spec.title if spec else method, *told])


def measured(results: Results) -> list[Column]:
    """(metric, region) pairs that hold at least one value, in the order of the METRICS table; rows of a
    metric that is not in it are left out.
    """
    return table_order(pair for pair in results.measured if pair[0] in METRICS)


def left_out(results: Results) -> str:
    """The sentence on metrics that these rows hold and the METRICS table does not; empty where there are
    none.
    """
    strangers = {metric for metric, _ in results.measured | results.lacking.keys()} - METRICS.keys()
    if not strangers:
        return ""
    names = ", ".join(f"`{name}`" for name in sorted(strangers))
    return f"Left out: {names}, of another version; `python -m benchmark score` writes this one's."


def table_order(pairs: Iterable[Column]) -> list[Column]:
    """(metric, region) pairs in the order of the METRICS table, the hole first; strangers last, by name."""
    order = list(METRICS)
    places = {metric: place for place, metric in enumerate(order)}
    return sorted(
        pairs, key=lambda pair: (places.get(pair[0], len(order)), REGION_ORDER.index(pair[1]), pair)
    )


REGION_ORDER = ("hole", "band", "whole")


def summarise(results: Results, metric: str, region: str) -> dict[Key, TableFigure]:
    """The cells of one metric and region, by (entry, bin)."""
    counts, rows = counts_of(results), over_answers(results.column(metric, region))
    rows = rows.assign(hole=rows["bin"] + "/" + rows["image_id"])  # what two methods must share to be paired
    if ALL not in set(rows["bin"]) and not (rows["image_id"].eq(WHOLE_SET) & rows["value"].notna()).any():
        rows = pd.concat([rows, rows[rows["bin"].isin(list(BINS))].assign(bin=ALL)])
    cells: dict[Key, TableFigure] = {}
    for key, group in rows.groupby(["entry", "bin"], sort=True):
        entry, label = map(str, key)
        cells[entry, label] = _cell(entry, label, metric, region, group, counts)
    for label in {label for _, label in cells}:
        _mark_best(
            {entry: cell for (entry, at), cell in cells.items() if at == label},
            rows[rows["bin"] == label],
            cells,
        )
    return cells


def over_answers(rows: pd.DataFrame, how: str = "mean") -> pd.DataFrame:
    """One row per entry and hole in place of one per answer; `how`: "mean", "min" or "max" over them."""
    if rows["seed"].nunique() < 2:
        return rows
    keys = [column for column in rows.columns if column not in ("seed", "value", "reason")]
    whole = {
        "value": lambda values: getattr(values, how)(skipna=False)
    }  # a hole with a failed answer has no mean and no best
    found = rows.groupby(keys, sort=False, dropna=False).agg({**whole, "reason": "first"})
    return found.reset_index().assign(seed=rows["seed"].min())


def _cell(
    entry: str, label: str, metric: str, region: str, group: pd.DataFrame, counts: Mapping[Key, int]
) -> TableFigure:
    values = group["value"].to_numpy(dtype=float)
    reasons = [reason for reason in group["reason"].dropna().unique() if reason]
    if group["image_id"].eq(WHOLE_SET).any():
        found = values[~np.isnan(values)]
        value = Interval(
            float(found.mean()) if len(found) else np.nan, np.nan, np.nan, counts.get((entry, label), 0), 0
        )
    else:
        value = interval_of_mean(np.where(np.isinf(values), np.nan, values), group["photograph"].tolist())
    return TableFigure(
        entry,
        label,
        metric,
        region,
        value,
        reason="" if value.n and not np.isnan(value.mean) else (reasons or ["not run"])[0],
    )


def comparable(column: Iterable[TableFigure]) -> list[TableFigure]:
    """The cells of a column that can be compared: with a value, and with at least half of the pictures that
    the fullest one has.
    """
    found = [cell for cell in column if not cell.reason]
    most = max((cell.value.n for cell in found), default=0)
    return [cell for cell in found if 2 * cell.value.n >= most]


def _mark_best(column: Mapping[str, TableFigure], rows: pd.DataFrame, cells: dict[Key, TableFigure]) -> None:
    """Find the best of a column, and with the paired test those that cannot be told apart from it."""
    ranked = comparable(column.values())
    if (
        len(ranked) < 2 or rows["image_id"].eq(WHOLE_SET).all()
    ):  # one value per set: nothing to test with, so no winner
        return
    sign = -1.0 if METRICS[ranked[0].metric].better == "higher" else 1.0
    best = min(ranked, key=lambda cell: sign * cell.value.mean)
    wide = by_hole(rows)
    tied = [
        cell for cell in ranked if cell is not best and not _wins(paired(wide, best.entry, cell.entry), sign)
    ]
    for cell in [best, *tied]:
        cells[cell.entry, cell.bin] = replace(cell, best=cell is best, tied=bool(tied))


def _wins(difference: Interval, sign: float) -> bool:
    """True where the difference is on the winner's side, and its interval says so."""
    return bool(sign * difference.mean < 0 and difference.excludes_zero)


def by_hole(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per hole and seed, one column per entry; indexed by (hole, seed, photograph)."""
    return rows.pivot_table(index=["hole", "seed", "photograph"], columns="entry", values="value")


def paired(wide: pd.DataFrame, first: str, second: str) -> Interval:
    """Mean of `first` minus `second` over the holes that both filled, with its interval over photographs."""
    if first not in wide or second not in wide:
        return Interval(np.nan, np.nan, np.nan, 0, 0)
    difference = wide[first] - wide[second]
    return interval_of_mean(
        difference.to_numpy(dtype=float), wide.index.get_level_values("photograph").tolist()
    )


def counts_of(results: Results) -> dict[Key, int]:
    """How many pictures each entry has in each bin, and how many holes in all."""
    here = results.rows["image_id"] != WHOLE_SET
    rows = results.rows.loc[here, ["entry", "bin", "image_id"]].drop_duplicates()
    everywhere = rows[rows["bin"].isin(list(BINS))].assign(bin=ALL)
    both = pd.concat([rows, everywhere])
    return dict(Counter(zip(both["entry"], both["bin"], strict=True)))

"""From rows to what a table shows: a mean, its interval, who is best, who is tied with the best, and why a
dash is a dash.
"""

from collections.abc import Iterable

import pandas as pd

from benchmark.cells import split_entry
from benchmark.metrics import METRICS
from benchmark.report.column import Key, Size, TableColumn, TableFigure
from benchmark.results import ALL_BINS as ALL
from benchmark.results import WHOLE_SET, Results
from benchmark.rows import Measure
from inpainters.masks import BINS
from inpainters.registry import METHODS


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


def measured(results: Results) -> list[Measure]:
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


def table_order(pairs: Iterable[Measure]) -> list[Measure]:
    """(metric, region) pairs in the order of the METRICS table, the hole first; strangers last, by name."""
    order = list(METRICS)
    places = {metric: place for place, metric in enumerate(order)}
    return sorted(
        pairs, key=lambda pair: (places.get(pair[0], len(order)), REGION_ORDER.index(pair[1]), pair)
    )


REGION_ORDER = ("hole", "band", "whole")


def summarise(results: Results, metric: str, region: str, label: str = "") -> dict[Key, TableFigure]:
    """The cells of one metric and region, by (entry, bin); of one mask set (`Results.part`). `label`: a bin,
    or `ALL_BINS`, whose cells alone are wanted; empty: those of all. They are kept, as tables and figures
    ask for the same.
    """
    kept: dict[str, dict[Key, TableFigure]] = results.kept.setdefault((metric, region), {})
    if label not in kept:
        every = kept.get("")
        kept[label] = (
            _summarised(results, metric, region, label)
            if every is None
            else {key: cell for key, cell in every.items() if key[1] == label}
        )
    return kept[label]


def _summarised(results: Results, metric: str, region: str, label: str) -> dict[Key, TableFigure]:
    rows = _with_holes(results, metric, region)
    if ALL not in set(rows["bin"]):
        rows = pd.concat([rows, _pooled(rows)])
    sizes = sizes_of(results) if rows["image_id"].eq(WHOLE_SET).any() else {}
    cells: dict[Key, TableFigure] = {}
    for name, column in (rows[rows["bin"] == label] if label else rows).groupby("bin", sort=True):
        for cell in TableColumn(metric, region, str(name), column, sizes).cells():
            cells[cell.entry, cell.bin] = cell
    return cells


def figures_of(results: Results, metric: str, region: str) -> pd.DataFrame:
    """The rows of a metric and region, each value at most what means take (`MetricSpec.highest`). They are
    kept, as several tables ask for the same; nobody changes them.
    """
    if (found := results.kept.get((metric, f"{region} rows"))) is None:
        rows, spec = results.column(metric, region), METRICS.get(metric)
        found = rows if spec is None else rows.assign(value=rows["value"].clip(upper=spec.highest))
        results.kept[metric, f"{region} rows"] = found
    return found


def over_answers(rows: pd.DataFrame, how: str = "mean") -> pd.DataFrame:
    """One row per entry and hole in place of one per answer; `how`: "mean", "min" or "max" over them."""
    if rows["seed"].nunique() < 2:
        return rows
    keys = [column for column in rows.columns if column not in ("seed", "value", "reason")]
    whole = {
        "value": lambda values: getattr(values, how)(skipna=False)
    }  # a hole with a failed answer has no mean and no best
    told = rows.assign(reason=rows["reason"].replace("", None))  # "first" leaves out what is missing
    found = told.groupby(keys, sort=False, dropna=False).agg({**whole, "reason": "first"})
    return found.reset_index().assign(seed=rows["seed"].min())


def column_of(results: Results, metric: str, region: str) -> TableColumn:
    """All ratio bins of a metric and region together, of one mask set."""
    rows = _with_holes(results, metric, region)
    whole = rows[(rows["bin"] == ALL) & rows["value"].notna()]
    return TableColumn(metric, region, ALL, _pooled(rows) if whole.empty else whole, sizes_of(results))


def _with_holes(results: Results, metric: str, region: str) -> pd.DataFrame:
    """The rows of a column, with what two methods must share to be paired."""
    _check_alone(results)
    rows = over_answers(figures_of(results, metric, region))
    return rows.assign(hole=rows["bin"] + "/" + rows["image_id"])


def _check_alone(results: Results) -> None:
    if len(results.mask_sets) > 1:
        raise ValueError("holes of several mask sets share no column: take one of the results' parts")


def of_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of ratio bins; all of a mask set that has none, such as a fixed pattern."""
    found = rows[rows["bin"].isin(list(BINS))]
    return rows[rows["bin"] != ALL] if found.empty else found


def _pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all ratio bins as those of one; those of whole sets only where there is a single bin."""
    rows = of_ratios(rows)
    pictures = rows["image_id"] != WHOLE_SET
    return (rows if rows["bin"].nunique() == 1 else rows[pictures | rows["value"].isna()]).assign(bin=ALL)


def sizes_of(results: Results) -> dict[Key, Size]:
    """How much each entry filled in each bin, and in all of them; of one mask set. They are kept, as are
    those of `summarise`.
    """
    if (kept := results.kept.get(("", "sizes"))) is None:
        kept = results.kept["", "sizes"] = _sizes_of(results)
    found: dict[Key, Size] = kept
    return found


def _sizes_of(results: Results) -> dict[Key, Size]:
    _check_alone(results)
    rows = results.timings[["entry", "bin", "image_id", "photograph"]].drop_duplicates()
    both = pd.concat([rows, of_ratios(rows).assign(bin=ALL)])
    return {
        (str(entry), str(label)): Size(len(group), group["photograph"].nunique())
        for (entry, label), group in both.groupby(["entry", "bin"])
    }

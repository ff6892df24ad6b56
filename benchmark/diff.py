"""What differs between two results folders: what they measured, how, and by how much, over the holes that
both have. Their tables and manifests are enough: no picture is needed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import results
from benchmark.cells import difference
from benchmark.files import Meaning
from benchmark.metrics import METRICS
from benchmark.report.digits import number, plus_minus
from benchmark.report.layout import OVERVIEW
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import Difference, mean_difference
from benchmark.report.summary import figures_of
from benchmark.report.tables import title
from benchmark.results import Results
from inpainters.errors import InputError

_HOLE = ["mask_set", "bin", "image_id"]
_FILL = [*_HOLE, "entry", "seed"]
SAME = 1e-4
"""Figures that differ by less, as a share of them or in all, are the same: other processors change the last
digits.
"""
_FIXED = {"variant", "weights"}
"""What makes a metric another one."""


@dataclass(frozen=True)
class Beside:
    """Two folders beside each other."""

    markdown: str
    differs: bool
    holes: int
    """How many are the same in both, photograph and mask."""
    otherwise: tuple[str, ...]
    """Sentences: what both have, and was made or measured in another way."""
    figures: str
    """The figures that compare, as Markdown."""


@dataclass(frozen=True)
class Change:
    """How one method's figures of one metric changed, over the fills that both folders have; these may be
    none.
    """

    mask_set: str
    entry: str
    column: tuple[str, str]
    one: float
    other: float
    change: Difference
    moved: bool
    """Whether any of its fills has another figure, beyond SAME."""
    alone: int = 0
    """How many of its fills of these holes have a figure in one folder only."""

    @property
    def paired(self) -> int:
        """How many of its fills have a figure in both."""
        return self.change.value.n


def diff(one: Path, other: Path) -> Beside:
    """Compare two folders, the second less the first.

    Raises InputError where one is no results folder, or they have no hole in common: the first field that
    keeps them apart is named.
    """
    first, second = results.load(one), results.load(other)
    holes = common_holes(first.manifest.meaning, second.manifest.meaning)
    if not holes:
        raise InputError(
            f"'{one.name}' and '{other.name}' have no hole in common, so that no figure of theirs can be "
            f"compared ({_apart(first.manifest.meaning, second.manifest.meaning)})."
        )
    names = _names(one, other)
    alone = list(_alone(first, second, names))
    otherwise = list(_otherwise(first, second, holes))
    changes = list(_changes(first, second, holes))
    figures = "\n\n".join(_figures(changes)) + "\n"
    head = "\n\n".join(_head(names, len(holes), [*alone, *otherwise], changes))
    differs = bool(alone or otherwise) or any(change.moved or change.alone for change in changes)
    return Beside(f"{head}\n\n{figures}", differs, len(holes), tuple(otherwise), figures)


def _names(one: Path, other: Path) -> tuple[str, str]:
    """What to call two folders so that they are told apart."""
    return (one.name, other.name) if one.name != other.name else (str(one), str(other))


def common_holes(one: Meaning, other: Meaning) -> set[tuple[str, ...]]:
    """(mask set, bin, image id) of the holes whose photograph and mask are the same in both."""
    mine, theirs = (dict(_holes(meaning)) for meaning in (one, other))
    return {hole for hole in mine.keys() & theirs.keys() if mine[hole] == theirs[hole]}


def _holes(meaning: Meaning) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """Hole -> sha256 of photograph and mask."""
    for masks in meaning.mask_sets or filter(None, [meaning.mask_set]):
        for label, table in masks.masks.items():
            for image_id, mask in table.items():
                if not isinstance(mask, str):
                    yield (masks.name, label, image_id), (meaning.dataset.images[image_id], mask[1])


def _apart(one: Meaning, other: Meaning) -> str:
    """The first field of test set, masks and seed in which two manifests differ."""
    fields = ("dataset", "seed", "mask_sets", "mask_set")
    found, wanted = ({name: meaning.model_dump()[name] for name in fields} for meaning in (one, other))
    return difference(found, wanted) or "neither has one"


def _alone(one: Results, other: Results, names: tuple[str, str]) -> Iterator[str]:
    """A sentence for each thing that one of them has alone."""
    mine, theirs = (dict(_holes(side.manifest.meaning)) for side in (one, other))
    for name, single in zip(names, (mine.keys() - theirs.keys(), theirs.keys() - mine.keys()), strict=True):
        if single:
            yield f"Holes only in `{name}`: {len(single):,}."
    for what, ours, others in (
        ("Only in", _entries(one), _entries(other)),
        ("Measured only in", {m for m, _ in one.measured}, {m for m, _ in other.measured}),
    ):
        for name, more in zip(names, (ours - others, others - ours), strict=True):
            if more:
                yield f"{what} `{name}`: {_listed(sorted(more))}."


def _otherwise(one: Results, other: Results, holes: set[tuple[str, ...]]) -> Iterator[str]:
    """A sentence for each thing that both have, and that is not the same."""
    mine, theirs = one.manifest.meaning, other.manifest.meaning
    common = dict(_holes(mine)).keys() & dict(_holes(theirs)).keys()
    if changed := len(common) - len(holes):
        yield f"Holes of one name whose photograph or mask is not the same: {changed:,}."
    for name in ("seed", "once", "answers", "batch", "reference"):
        if (found := getattr(mine, name)) != (wanted := getattr(theirs, name)):
            yield f"`{name}` is {found} there, {wanted} here."
    for entry in sorted(_entries(one) & _entries(other)):
        if text := difference(mine.methods[entry].model_dump(), theirs.methods[entry].model_dump()):
            yield f"`{entry}` was made otherwise ({text})."
    for metric in sorted(mine.metrics.keys() & theirs.metrics.keys()):
        if text := _metric(mine, theirs, metric):
            yield f"`{metric}` is another figure ({text}), and is not compared."


def _entries(side: Results) -> set[str]:
    """What has a row of its own."""
    return set(side.rows["entry"]) & side.manifest.meaning.methods.keys()


def _metric(one: Meaning, other: Meaning, metric: str) -> str | None:
    """In what two folders' figures of one metric differ; None where they are the same figure."""
    mine, theirs = one.metrics[metric], other.metrics[metric]
    if mine.unavailable or theirs.unavailable:
        return None
    return difference(mine.model_dump(include=_FIXED), theirs.model_dump(include=_FIXED))


def _changes(one: Results, other: Results, holes: set[tuple[str, ...]]) -> Iterator[Change]:
    entries = set(one.rows["entry"]) & set(other.rows["entry"])
    for column in OVERVIEW:
        metric = column[0]
        if column not in one.measured & other.measured or METRICS[metric].kind != "image":
            continue
        if _metric(one.manifest.meaning, other.manifest.meaning, metric):
            continue
        sides = [figures_of(side, *column).dropna(subset="value") for side in (one, other)]
        both = sides[0].merge(
            sides[1], on=[*_FILL, "photograph"], suffixes=("", "_other"), how="outer", indicator=True
        )
        both = both[pd.MultiIndex.from_frame(both[_HOLE]).isin(holes) & both["entry"].isin(entries)]
        for (mask_set, entry), every in both.groupby(["mask_set", "entry"]):
            fills = every[every["_merge"] == "both"]
            means = float(fills["value"].mean()), float(fills["value_other"].mean())
            values, theirs = (fills[name].to_numpy(float) for name in ("value", "value_other"))
            found = mean_difference(theirs - values, fills["photograph"].tolist())
            moved = not np.allclose(values, theirs, rtol=SAME, atol=SAME, equal_nan=True)
            single = len(every) - len(fills)
            yield Change(str(mask_set), str(entry), column, *means, found, moved, single)


# --- what people read -----------------------------------------------------------------------------


def _head(
    names: tuple[str, str], holes: int, said: Sequence[str], changes: Sequence[Change]
) -> Iterator[str]:
    yield f"# {names[0]} beside {names[1]}"
    columns = ", ".join(title(*column) for column in dict.fromkeys(change.column for change in changes))
    yield f"{holes:,} holes are the same in both, photograph and mask." + (
        f" Compared: {columns}; no other metric, and none of whole sets." if changes else ""
    )
    if said:
        yield "## What is not the same\n\n" + "\n".join(f"* {line}" for line in said)


def _figures(changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        yield "No method has a figure in both."
    elif not any(change.moved or change.alone for change in changes):
        yield "The methods that both have, have the same figures."
    else:
        yield (
            "Each figure is the mean of the first folder → that of the second, over the fills that both "
            "have, and the mean of the differences with how far its 95 % interval over photographs reaches "
            "on the longer side. **Bold**: intervals and ranks say that it is not chance."
        )
        for mask_set in dict.fromkeys(change.mask_set for change in changes):
            yield f"## Holes: {mask_set}"
            yield _table([change for change in changes if change.mask_set == mask_set])


def _table(changes: Sequence[Change]) -> str:
    columns = list(dict.fromkeys(change.column for change in changes))
    found = {(change.entry, change.column): change for change in changes}
    moved = dict.fromkeys(change.entry for change in changes if change.moved)
    there = dict.fromkeys(change.entry for change in changes if change.paired)
    same = [entry for entry in there if entry not in moved]
    lines = [[f"`{entry}`", *(_cell(found.get((entry, column))) for column in columns)] for entry in moved]
    table = markdown_table(["method", *(title(*column) for column in columns)], lines)
    alone = {change.entry: max(c.alone for c in changes if c.entry == change.entry) for change in changes}
    single = [f"{n} of `{entry}`" for entry, n in alone.items() if n]
    return "\n\n".join(
        [table] * bool(moved)
        + [f"The same figures in both: {_listed(same)}."] * bool(same)
        + [f"Fills with a figure in one folder only, left out: {', '.join(single)}."] * bool(single)
    )


def _cell(change: Change | None) -> str:
    if change is None or not change.paired:
        return "–"
    if not change.moved:
        return number(change.one)
    by = change.change.value
    text = f"{'+' if by.mean > 0 else ''}{plus_minus(by)}"
    marked = f"**{text}**" if change.change.told_apart else text
    return f"{number(change.one)} → {number(change.other)} ({marked})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

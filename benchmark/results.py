"""A results folder read back: rows, timings and manifest, with a sentence for whatever is wrong with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from benchmark import files, rows
from benchmark.cells import read_json
from benchmark.files import SuiteManifest
from benchmark.rows import KEY_COLUMNS, KEYS, SCORE_COLUMNS, Measure
from inpainters.errors import InputError, unknown

TIMING_COLUMNS = [*KEY_COLUMNS, "seconds", "network_calls", "peak_memory_mb"]
KNOWN_COLUMNS = ["known_mean", "known_max"]
"""The change of the known pixels in grey levels."""
LATER_COLUMNS = [*KNOWN_COLUMNS, "detail_scale"]
"""Columns of timings.csv that older versions did not write; the last is the smallest scale at which a hole
was drawn before it got detail from the surroundings.
"""
WHOLE_SET = "*"
"""The image_id of a metric that is computed on a whole set."""
ALL_BINS = "all"
"""The bin of a row, or of a table's cell, that is about all ratio bins of a mask set together."""
PLAIN = "scores.csv"
"""The rows of an old folder: the plain table."""


class RowSource(Protocol):
    """Rows, a column at a time: `rows.Reader`, or `Plain` for an old folder."""

    def keys(self) -> pd.DataFrame: ...

    def column(self, metric: str, region: str) -> pd.DataFrame: ...

    def measured(self) -> set[Measure]: ...

    def lacking(self) -> dict[Measure, str]: ...

    def of(self, mask_set: str) -> "RowSource": ...


@dataclass(frozen=True)
class Plain:
    """The rows of a plain table that is held in memory, read as `rows.Reader` reads those of a folder."""

    frame: pd.DataFrame
    """Columns SCORE_COLUMNS."""

    def keys(self) -> pd.DataFrame:
        return self.frame[KEYS].drop_duplicates().sort_values(KEYS, ignore_index=True)

    def column(self, metric: str, region: str) -> pd.DataFrame:
        rows = self.frame[(self.frame["metric"] == metric) & (self.frame["region"] == region)]
        return rows[[*KEYS, "value", "reason"]].sort_values(KEYS, ignore_index=True)

    def measured(self) -> set[Measure]:
        found = self.frame.loc[self.frame["value"].notna(), ["metric", "region"]].drop_duplicates()
        return set(found.itertuples(index=False, name=None))

    def lacking(self) -> dict[Measure, str]:
        rows = self.frame[self.frame["value"].isna()].sort_values([*KEYS, "metric", "region"])
        first = rows.drop_duplicates(["metric", "region"]).fillna({"reason": ""})
        return dict(zip(zip(first["metric"], first["region"], strict=True), first["reason"], strict=True))

    def of(self, mask_set: str) -> "Plain":
        return Plain(self.frame[self.frame["mask_set"] == mask_set])


@dataclass(frozen=True)
class Results:
    """What `report` and the leaderboard read. Frames have two more columns than the rows on disk: `entry`, a
    method with its options, and `photograph`, the unit that intervals rest on.
    """

    folder: Path
    manifest: SuiteManifest
    source: RowSource
    timings: pd.DataFrame
    mask_set: str = ""
    """The mask set whose rows alone these are, in a suite of several; else empty."""

    @property
    def suite(self) -> str:
        return self.folder.name

    @property
    def title(self) -> str:
        """The suite, and which holes where it has several kinds."""
        return f"{self.suite}, {self.mask_set} holes" if self.mask_set else self.suite

    def stem(self, name: str) -> str:
        """What a file about these rows is called; the mask set is part of it in a suite of several."""
        return f"{name}_{self.mask_set}" if self.mask_set else name

    @cached_property
    def mask_sets(self) -> list[str]:
        """The mask sets of the rows, by name."""
        return sorted(self.rows["mask_set"].unique())

    def parts(self) -> list["Results"]:
        """The results of each mask set: holes of two are never pooled."""
        return [self.part(name) for name in self.mask_sets] or [self]

    def part(self, mask_set: str | None = None) -> "Results":
        """The results of one mask set, the first where none is named; raises InputError where it has no such
        one.
        """
        name = self.mask_sets[0] if mask_set is None and self.mask_sets else mask_set
        if name is not None and name not in self.mask_sets:
            raise unknown(f"mask set of '{self.suite}'", name, self.mask_sets)
        if name is None or len(self.mask_sets) == 1:
            return self
        if name not in self._parts:
            timings = self.timings[self.timings["mask_set"] == name]
            self._parts[name] = replace(self, source=self.source.of(name), timings=timings, mask_set=name)
        return self._parts[name]

    @cached_property
    def _parts(self) -> dict[str, "Results"]:
        return {}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """What each row is about, without its figures."""
        return _with_entries(self.source.keys())

    def column(self, metric: str, region: str) -> pd.DataFrame:
        """The rows of one metric and region: `value`, NaN where `reason` says why."""
        return _with_entries(self.source.column(metric, region))

    @cached_property
    def kept(self) -> dict[Measure, Any]:
        """What was made of the rows of a metric and region."""
        return {}

    @property
    def dataset(self) -> str:
        """Name of the test set."""
        return self.manifest.meaning.dataset.name

    @cached_property
    def detailed(self) -> set[str]:
        """The entries with fills that were drawn small and got detail from the surroundings."""
        if "detail_scale" not in self.timings:
            return set()
        return set(self.timings.loc[self.timings["detail_scale"].notna(), "entry"])

    @cached_property
    def measured(self) -> set[Measure]:
        """(metric, region) pairs that hold at least one value."""
        return self.source.measured()

    @cached_property
    def lacking(self) -> dict[Measure, str]:
        """(metric, region) pairs in which a figure is lacking, each with a reason."""
        return self.source.lacking()


def load(folder: Path) -> Results:
    """Open a suite's folder; raises InputError where it is not one, is half-written, or comes from another
    version.
    """
    check(folder)
    files.check_format(folder)
    source: RowSource = (
        Plain(read_csv(folder / PLAIN, SCORE_COLUMNS)) if is_old(folder) else rows.Reader(folder)
    )
    timings = read_csv(folder / "timings.csv", TIMING_COLUMNS, LATER_COLUMNS)
    return Results(folder, files.suite_manifest(folder), source, _with_entries(timings))


def check(folder: Path) -> None:
    """Raise InputError where there is no such folder."""
    if not folder.is_dir():
        raise InputError(
            f"There is no results folder '{folder.name}'; run `python -m benchmark run quick` first or name "
            "another."
        )


def plain(folder: Path) -> Iterator[pd.DataFrame]:
    """The plain table of a folder, bin by bin; all at once where it is an old one."""
    return iter([read_csv(folder / PLAIN, SCORE_COLUMNS)]) if is_old(folder) else rows.frames(folder)


def is_old(folder: Path) -> bool:
    """True for a folder that holds its rows as scores.csv, or whose conversion was broken off before its
    manifest named the new files.
    """
    if not (folder / PLAIN).is_file():
        return False
    files = (read_json(folder / "manifest.json") or {}).get("files", {})
    return not (folder / rows.SCORES).exists() or PLAIN in files


def row_file(folder: Path) -> Path:
    """The file that holds the rows."""
    return folder / (PLAIN if is_old(folder) else rows.SCORES)


def suites(root: Path) -> list[Path]:
    """The folders below `root` (or `root` itself) that hold a finished suite, by name."""
    folders = [root, *sorted(root.iterdir())] if root.is_dir() else []
    return [
        folder for folder in folders if row_file(folder).is_file() and (folder / "manifest.json").is_file()
    ]


def read_csv(path: Path, columns: list[str], newer: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV file with these columns; raises InputError where it is absent, damaged or lacks one. `newer` are
    columns of numbers that it may lack: NaN then.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=_NA)
        frame = frame.astype({column: kind for column, kind in _NUMBERS.items() if column in frame})
    except FileNotFoundError:
        raise InputError(
            f"'{path.parent.name}' has no {path.name}: the run is not finished; start it again with the same "
            "command to continue."
        ) from None
    except (ValueError, UnicodeDecodeError, OSError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(
            f"'{path.parent.name}/{path.name}' cannot be read ({reason}); run `python -m benchmark score` "
            "again."
        ) from None
    if absent := [column for column in columns if column not in frame.columns]:
        raise InputError(
            f"'{path.parent.name}/{path.name}' lacks the column '{absent[0]}': it comes from another "
            "version; score it again with this one."
        )
    return frame.reindex(columns=[*columns, *newer])


_NUMBERS = {
    **dict.fromkeys(("value", "seconds", "network_calls", "peak_memory_mb", *LATER_COLUMNS), float),
    "seed": int,
}
_NA = {column: [""] for column in _NUMBERS if column != "seed"}


def entry_column(frame: pd.DataFrame) -> pd.Series:
    """The entry of each row, of its `method` and the text of its `options`."""
    return frame["method"].where(frame["options"] == "{}", frame["method"] + " " + frame["options"])


def _with_entries(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `entry`, a method with its options, and `photograph`, the unit that intervals resample."""
    entry = entry_column(frame.fillna({"options": "{}"}))
    return frame.assign(entry=entry, photograph=frame["image_id"].str.replace("@.*", "", regex=True))

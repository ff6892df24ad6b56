"""Scores on disk: scores.parquet has one row per picture, method with its options, bin and seed, and a column
per metric and region (`psnr@hole`); reasons.parquet says why a figure is lacking.

Whole sets have rows too: their image_id is `*`, and their bin `all` where they pool all ratios. Rows are
sorted by mask set, bin, method, options, seed and picture, so that they can be written cell by cell. The same
rows give the same bytes with the same pyarrow.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from inpainters.errors import InputError

SCORES, REASONS = "scores.parquet", "reasons.parquet"
KEY_COLUMNS = ["suite", "dataset", "mask_set", "bin", "image_id", "method", "options", "seed"]
KEYS = KEY_COLUMNS[2:]
"""What differs between the rows of one suite."""
SCORE_COLUMNS = [*KEY_COLUMNS, "metric", "region", "value", "reason"]
"""The plain, long table: one line per figure."""
ROWS = 8192
"""Rows held in memory until they are written as one row group."""
_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 9,
    "version": "2.6",
    "data_page_version": "1.0",
    "store_schema": False,
}
_REASON_COLUMNS = [*KEY_COLUMNS, "metric", "region", "reason"]
_KEY = [pa.field(name, pa.int64() if name == "seed" else pa.string()) for name in KEY_COLUMNS]

Measure = tuple[str, str]
"""Metric and region."""
Scored = Mapping[str, str]
"""`value`, a number's text, or `reason`, the sentence why there is none."""


@dataclass(frozen=True)
class Row:
    """The figures of one picture, or of one set."""

    key: tuple[str | int, ...]
    """In the order of KEY_COLUMNS."""
    figures: Mapping[Measure, Scored]

    @property
    def order(self) -> tuple[Any, ...]:
        """What rows are sorted by."""
        suite, dataset, mask_set, label, image_id, *cell = self.key
        return (suite, dataset, mask_set, label, *cell, image_id)


class Writer:
    """Writes rows, which come in their order, in steps of ROWS: its memory does not grow with their number.

    Both files appear when all is written; where an exception ends the block, the old ones stay.
    """

    def __init__(self, folder: Path, columns: Iterable[Measure]) -> None:
        self._columns = list(dict.fromkeys(columns))
        numbers = [pa.field("@".join(column), pa.float64()) for column in self._columns]
        words = [pa.field(name, pa.string()) for name in ("metric", "region", "reason")]
        self._scores = _File(folder / SCORES, pa.schema(_KEY + numbers))
        self._reasons = _File(folder / REASONS, pa.schema(_KEY + words))

    def add(self, row: Row) -> None:
        """Take a row; its figures' columns are among those that were announced."""
        found = {
            column: float(figure["value"]) for column, figure in row.figures.items() if "value" in figure
        }
        self._scores.add((*row.key, *map(found.get, self._columns)))
        for column in sorted(column for column, figure in row.figures.items() if "reason" in figure):
            self._reasons.add((*row.key, *column, row.figures[column]["reason"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        files = (self._scores, self._reasons)
        try:
            for file in files:
                file.close(whole=error is None)
            for file in files if error is None else ():
                os.replace(file.part, file.path)
        finally:
            for file in files:
                file.part.unlink(missing_ok=True)


class _File:
    """One Parquet file on its way: rows gather in memory until there are ROWS of them."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self.part = path.with_name(path.name + ".part")
        words = [field.name for field in schema if field.type == pa.string()]
        numbers = {field.name: "BYTE_STREAM_SPLIT" for field in schema if field.type == pa.float64()}
        self.sink = self.part.open("wb")
        self.writer = pq.ParquetWriter(
            self.sink, schema, use_dictionary=words, column_encoding=numbers or None, **_OPTIONS
        )
        self.rows: list[tuple[Any, ...]] = []

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows.append(row)
        if len(self.rows) == ROWS:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self.rows, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self.schema, strict=True)]
        self.writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self.rows.clear()

    def close(self, *, whole: bool) -> None:
        with self.sink:
            if whole and self.rows:
                self._flush()
            self.writer.close()
            self.sink.flush()
            os.fsync(self.sink.fileno())


class Reader:
    """Reads the rows of a folder, or of one mask set of it, a column at a time: a report's memory grows with
    one figure of each picture, not with all of them.

    Raises InputError where a file is absent, damaged or another version's.
    """

    def __init__(self, folder: Path, mask_set: str = "") -> None:
        _check(folder, SCORES, KEY_COLUMNS)
        _check(folder, REASONS, _REASON_COLUMNS)
        self._folder, self._mask_set = folder, mask_set
        self._here = pc.field("mask_set") == mask_set if mask_set else None

    def of(self, mask_set: str) -> "Reader":
        """Reads the rows of one mask set alone."""
        return Reader(self._folder, mask_set)

    def keys(self) -> pd.DataFrame:
        """What each row is about: KEYS, sorted by them."""
        return self._scores([]).sort_values(KEYS, ignore_index=True)

    def column(self, metric: str, region: str) -> pd.DataFrame:
        """KEYS, `value` (float64) and `reason`, a sentence where that is NaN, else empty; sorted by KEYS.
        What has neither is left out.
        """
        name = "@".join((metric, region))
        lacking = self._reasons((pc.field("metric") == metric) & (pc.field("region") == region))
        found = self._scores([name]).rename(columns={name: "value"}) if name in self._numbers() else None
        parts = [lacking.assign(value=np.nan)[[*KEYS, "value", "reason"]]]
        if found is not None:
            parts = [found[found["value"].notna()].assign(reason=""), *parts]
        return pd.concat([part for part in parts if len(part)] or parts).sort_values(KEYS, ignore_index=True)

    def measured(self) -> set[Measure]:
        """The columns that hold at least one value."""
        found = set[str]()
        with _readable(self._folder, SCORES), pq.ParquetFile(self._folder / SCORES) as file:
            for group in range(file.num_row_groups):
                found |= self._measured_in(file, group, found)
        return {measure_of(name) for name in found}

    def _measured_in(self, file: pq.ParquetFile, group: int, found: set[str]) -> set[str]:
        """Columns with values in a row group, beyond those that are `found`. The file's footer tells, but for
        a group that holds rows of another mask set as well.
        """
        about = file.metadata.row_group(group)
        columns = {one.path_in_schema: one.statistics for one in map(about.column, range(about.num_columns))}
        sets = columns["mask_set"]
        if self._mask_set and not sets.min <= self._mask_set <= sets.max:
            return set()
        there = {name for name, one in columns.items() if one.null_count < about.num_rows}
        names = there - found - set(KEY_COLUMNS)
        if not names or not self._mask_set or sets.min == sets.max:
            return names
        rows = file.read_row_group(group, ["mask_set", *names])
        mine = rows.filter(pc.field("mask_set") == self._mask_set)
        return {name for name in names if mine[name].null_count < len(mine)}

    def lacking(self) -> dict[Measure, str]:
        """The columns in which a figure is lacking, each with the reason of its first row."""
        found = self._reasons(None).sort_values([*KEYS, "metric", "region"], ignore_index=True)
        first = found.drop_duplicates(["metric", "region"])
        return dict(zip(zip(first["metric"], first["region"], strict=True), first["reason"], strict=True))

    def _numbers(self) -> list[str]:
        with _readable(self._folder, SCORES):
            return [name for name in pq.read_schema(self._folder / SCORES).names if name not in KEY_COLUMNS]

    def _scores(self, numbers: Sequence[str]) -> pd.DataFrame:
        return _read(self._folder, SCORES, self._here, [*KEYS, *numbers])

    def _reasons(self, wanted: pc.Expression | None) -> pd.DataFrame:
        if self._here is not None:
            wanted = self._here if wanted is None else self._here & wanted
        return _read(self._folder, REASONS, wanted, [*KEYS, "metric", "region", "reason"])


def measure_of(name: str) -> Measure:
    """Metric and region of a column of scores.parquet."""
    metric, _, region = name.partition("@")
    return metric, region


def frames(folder: Path) -> Iterator[pd.DataFrame]:
    """The plain table (SCORE_COLUMNS) of a folder bin by bin, sorted: by bin, mask set, picture, method,
    options, seed, metric and region. `value` is float64, NaN where `reason`, else empty, says why.

    Raises InputError where a file is absent, damaged or another version's.
    """
    _check(folder, SCORES, KEY_COLUMNS)
    _check(folder, REASONS, _REASON_COLUMNS)
    for label in sorted(_bins(folder)):
        here = pc.field("bin") == label
        yield _long(_read(folder, SCORES, here), _read(folder, REASONS, here))


def _check(folder: Path, name: str, wanted: Sequence[str]) -> None:
    with _readable(folder, name):
        there = pq.read_schema(folder / name).names
    if absent := [column for column in wanted if column not in there]:
        raise InputError(
            f"'{folder.name}/{name}' lacks the column '{absent[0]}': it comes from another version; score it "
            "again with this one."
        )


def _bins(folder: Path) -> set[str]:
    with _readable(folder, SCORES), pq.ParquetFile(folder / SCORES) as file:
        batches = file.iter_batches(columns=["bin"])
        return {label for batch in batches for label in pc.unique(batch.column(0)).to_pylist()}


def _read(
    folder: Path, name: str, wanted: pc.Expression | None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    with _readable(folder, name):
        table = pq.read_table(folder / name, filters=wanted, columns=columns, partitioning=None)
    found: pd.DataFrame = table.to_pandas()
    return found


@contextmanager
def _readable(folder: Path, name: str) -> Iterator[None]:
    """Turn what goes wrong with a file into one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(
            f"'{folder.name}' has no {name}: the run is not finished; start it again with the same command "
            "to continue."
        ) from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(
            f"'{folder.name}/{name}' cannot be read ({reason}); run `python -m benchmark score` again."
        ) from None


def _long(wide: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    found = {name.partition("@")[::2] for name in wide.columns.difference(KEY_COLUMNS)}
    names = sorted(found | set(zip(reasons["metric"], reasons["region"], strict=True)))
    keys = wide[KEY_COLUMNS].sort_values(KEY_COLUMNS)
    values = wide.reindex(keys.index, columns=["@".join(name) for name in names]).to_numpy(float)
    keys = keys.reset_index(drop=True)
    lines, columns = np.nonzero(~np.isnan(values))
    lacking = keys.reset_index(names="line").merge(reasons, on=KEY_COLUMNS)
    places = [names.index(name) for name in zip(lacking["metric"], lacking["region"], strict=True)]
    lines, columns = np.append(lines, lacking["line"]), np.append(columns, places).astype(int)
    words = np.append(np.full(len(lines) - len(lacking), "", object), lacking["reason"].to_numpy(object))
    order = np.lexsort((columns, lines))
    lines, columns = lines[order], columns[order]
    return (
        keys.take(lines)
        .reset_index(drop=True)
        .assign(
            metric=np.array([metric for metric, _ in names], object)[columns],
            region=np.array([region for _, region in names], object)[columns],
            value=values[lines, columns],
            reason=words[order],
        )
        .astype(dict.fromkeys(("metric", "region", "reason"), keys["bin"].dtype))
    )


def as_csv(frame: pd.DataFrame, *, head: bool) -> str:
    """A plain table as CSV, values with nine significant digits."""
    text: str = frame.to_csv(index=False, header=head, float_format="%.9g", lineterminator="\n")
    return text


def as_text(frame: pd.DataFrame, *, head: bool) -> str:
    """A plain table for people, without what is alike in all of its rows."""
    figure = frame["value"].map("{:.9g}".format).where(frame["value"].notna(), "– " + frame["reason"])
    wanted = frame[["mask_set", "bin", "image_id", "method", "options", "seed", "metric", "region"]].astype(
        str
    )
    lines = wanted.assign(value=figure).itertuples(index=False)
    return "".join("\t".join(line) + "\n" for line in ((*wanted.columns, "value"), *lines)[not head :])

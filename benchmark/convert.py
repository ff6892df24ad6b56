"""Old results folders, brought to today's files: rows from scores.csv, display copies from a folder."""

import shutil
from collections import defaultdict
from pathlib import Path

import pandas as pd

from benchmark import cells, results, rows
from benchmark.files import check_format
from benchmark.metrics import as_in_tables
from benchmark.report import display
from benchmark.rows import Measure, Row, Scored


def convert(folder: Path) -> list[str]:
    """Bring a folder to today's files; returns a sentence for each thing that was changed, none where nothing
    was old.

    Raises InputError where an old file is damaged, or another version wrote the folder.
    """
    check_format(folder)
    return [
        *(_rows(folder) if results.is_old(folder) else []),
        *(_copies(folder) if (folder / "display").is_dir() else []),
    ]


def _rows(folder: Path) -> list[str]:
    old = folder / results.PLAIN
    found = _wide(results.read_csv(old, rows.SCORE_COLUMNS))
    columns = {column for row in found for column in row.figures}
    with rows.Writer(folder, as_in_tables(columns)) as table:
        for row in found:
            table.add(row)
    _pin(folder)
    old.unlink()
    return [f"'{folder.name}' held its rows as {old.name}: they are in {rows.SCORES} and {rows.REASONS} now."]


def _wide(plain: pd.DataFrame) -> list[Row]:
    """The rows of a plain table, in their order."""
    found: dict[tuple[str | int, ...], dict[Measure, Scored]] = defaultdict(dict)
    for line in plain.fillna({"reason": ""}).itertuples(index=False):
        *key, metric, region, value, reason = line
        found[tuple(key)][str(metric), str(region)] = (
            {"reason": str(reason)} if pd.isna(value) else {"value": repr(float(value))}
        )
    return sorted((Row(*item) for item in found.items()), key=lambda row: row.order)


def _pin(folder: Path) -> None:
    """Let the manifest name the new files, if the old one was the file it named."""
    path = folder / "manifest.json"
    stored = cells.read_json(path)
    files = stored.get("files") if stored else None
    if isinstance(files, dict) and files.get(results.PLAIN) == cells.file_sha256(folder / results.PLAIN):
        del files[results.PLAIN]
        files.update({name: cells.file_sha256(folder / name) for name in (rows.SCORES, rows.REASONS)})
        cells.write_json(path, stored)


def _copies(folder: Path) -> list[str]:
    old = folder / "display"
    files = {path.relative_to(old).as_posix(): ("", path.read_bytes()) for path in old.rglob("*.*")}
    display.write_zips(folder, files)
    shutil.rmtree(old)
    names = " and ".join(path.name for path in display.zips(folder))
    return [f"'{folder.name}' held its display copies as files: {len(files)} of them are in {names} now."]

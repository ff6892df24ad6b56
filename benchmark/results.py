"""A results folder read back: rows, timings and manifest, with a sentence for whatever is wrong with them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from inpainters.errors import InputError

KEY_COLUMNS = ["suite", "dataset", "mask_set", "bin", "image_id", "method", "options", "seed"]
SCORE_COLUMNS = [*KEY_COLUMNS, "metric", "region", "value", "reason"]
TIMING_COLUMNS = [*KEY_COLUMNS, "seconds", "network_calls", "peak_memory_mb"]
WHOLE_SET = "*"
"""The image_id of a metric that is computed on a whole set."""
ALL_BINS = "all"
"""The bin of a row, or of a table's cell, that is about all ratio bins together."""


@dataclass(frozen=True)
class Results:
    """What `report` and the leaderboard read."""

    folder: Path
    manifest: dict[str, Any]
    scores: pd.DataFrame
    timings: pd.DataFrame

    @property
    def suite(self) -> str:
        return self.folder.name


def load(folder: Path) -> Results:
    """Read a suite's folder; raises InputError where it is not one, is half-written, or comes from another
    version.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no results folder '{folder.name}'; run `python -m benchmark run quick` first or name "
            "another."
        )
    scores = _read(folder / "scores.csv", SCORE_COLUMNS)
    timings = _read(folder / "timings.csv", TIMING_COLUMNS)
    return Results(folder, _manifest(folder / "manifest.json"), _with_entries(scores), _with_entries(timings))


def suites(root: Path) -> list[Path]:
    """The folders below `root` (or `root` itself) that hold a finished suite, by name."""
    folders = [root, *sorted(root.iterdir())] if root.is_dir() else []
    return [
        folder
        for folder in folders
        if (folder / "scores.csv").is_file() and (folder / "manifest.json").is_file()
    ]


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            path,
            dtype={column: str for column in columns if column not in _NUMBERS},
            keep_default_na=False,
            na_values=_NA,
        )
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
    return frame[columns]


_NUMBERS = {"value": float, "seconds": float, "network_calls": float, "peak_memory_mb": float, "seed": int}
_NA = {column: [""] for column in _NUMBERS if column != "seed"}


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"'{path.parent.name}' has no manifest.json: the run is not finished; start it again to continue."
        ) from None
    except (ValueError, OSError):
        raise InputError(
            f"'{path.parent.name}/manifest.json' is damaged; run `python -m benchmark score` on the folder "
            "again."
        ) from None
    if not isinstance(manifest, dict):
        raise InputError(
            f"'{path.parent.name}/manifest.json' is not a manifest; run `python -m benchmark score` on the "
            "folder again."
        )
    return manifest


def _with_entries(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `entry`, a method with its options as one name, and `photograph`, the unit that intervals resample."""
    options = frame["options"].fillna("{}")
    entry = frame["method"].where(options == "{}", frame["method"] + " " + options)
    return frame.assign(entry=entry, photograph=frame["image_id"].str.split("@").str[0])

"""Tables brought together without their pictures: what one folder measured of some methods, and another of
others, on the same holes. Manifests and rows are enough, as a repository has them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from benchmark import rows
from benchmark.cells import difference, file_sha256, write, write_json
from benchmark.files import MaskSetMeaning, SuiteManifest, suite_manifest
from benchmark.manifest import TABLES
from benchmark.plan import plan_file
from benchmark.report import display
from benchmark.rows import KEY_COLUMNS, REASONS, SCORES, Row, Writer
from inpainters.errors import InputError

_SAME = ("format", "suite", "dataset", "seed", "once", "answers", "batch", "reference")
"""What both manifests must have alike; holes and metrics too."""


def without_pictures(folder: Path) -> bool:
    """True for a results folder that holds tables, and no pictures they could be made of anew."""
    return not plan_file(folder).exists() and (folder / SCORES).is_file()


def join_tables(sources: Sequence[Path], out: Path) -> None:
    """Write tables, manifest and display copies of all `sources` to `out`, which may be one of them. Of a
    method that several have, the last one's are taken.

    Raises InputError naming the field in which two are not alike: the test set, the holes, a metric.
    """
    manifests = {source: suite_manifest(source) for source in sources}
    first, *others = sources
    for other in others:
        if text := _apart(manifests[first], manifests[other]):
            raise InputError(
                f"'{first.name}' and '{other.name}' are not alike ({text}): tables of one test set, with the "
                "same holes and metrics, can be brought together."
            )
    owner = {entry: source for source in sources for entry in manifests[source].meaning.methods}
    out.mkdir(parents=True, exist_ok=True)
    scores, reasons = ([_table(source, name) for source in sources] for name in (SCORES, REASONS))
    found = [_own(frame, source, owner) for frame, source in zip(scores, sources, strict=True)]
    lacking = [_own(frame, source, owner) for frame, source in zip(reasons, sources, strict=True)]
    timings = [_own(_timings(source), source, owner) for source in sources]
    pictures = _pictures(sources, owner)
    _write_rows(out, pd.concat(found), pd.concat(lacking))
    text = _sorted(pd.concat(timings)).to_csv(index=False, lineterminator="\n")
    write(out / "timings.csv", text.encode())
    if pictures:
        display.write_zips(out, pictures)
    manifest = reduce(_joined, (manifests[source] for source in sources))
    named = manifest.model_copy(update={"files": {name: file_sha256(out / name) for name in TABLES}})
    write_json(out / "manifest.json", named.model_dump(exclude_unset=True))


def _apart(one: SuiteManifest, other: SuiteManifest) -> str | None:
    """The first field that keeps the tables apart."""
    mine, theirs = (side.meaning.model_dump() for side in (one, other))
    for side in (mine, theirs):
        for holes in side["mask_sets"]:
            del holes["n"]
        side["metrics"] = {
            name: {key: given[key] for key in ("kind", "variant", "weights")}
            for name, given in side["metrics"].items()
        }
    wanted = (*_SAME, "mask_sets", "metrics")
    return difference({name: theirs[name] for name in wanted}, {name: mine[name] for name in wanted})


def _entries(frame: pd.DataFrame) -> pd.Series:
    return frame["method"].where(frame["options"] == "{}", frame["method"] + " " + frame["options"])


def _own(frame: pd.DataFrame, source: Path, owner: Mapping[str, Path]) -> pd.DataFrame:
    return frame[_entries(frame).map(owner.get) == source]


def _table(folder: Path, name: str) -> pd.DataFrame:
    found: pd.DataFrame = pq.read_table(folder / name).to_pandas()
    return found


def _timings(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "timings.csv", dtype=str, keep_default_na=False)


def _sorted(timings: pd.DataFrame) -> pd.DataFrame:
    """As `score` writes them: pictures stay in their order."""
    return timings.sort_values(["mask_set", "bin", "method", "options", "seed"], kind="stable")


def _write_rows(out: Path, scores: pd.DataFrame, reasons: pd.DataFrame) -> None:
    columns = [_column(name) for name in scores.columns if name not in KEY_COLUMNS]
    figures: dict[tuple[Any, ...], dict[rows.Column, dict[str, str]]] = {}
    for key, values in zip(_keys(scores), scores[[*map("@".join, columns)]].to_numpy(), strict=True):
        there = {c: {"value": repr(float(v))} for c, v in zip(columns, values, strict=True) if v == v}
        figures.setdefault(key, {}).update(there)
    said = reasons[["metric", "region", "reason"]].itertuples(index=False)
    for key, (metric, region, reason) in zip(_keys(reasons), said, strict=True):
        figures.setdefault(key, {})[metric, region] = {"reason": reason}
    with Writer(out, columns) as writer:
        for row in sorted((Row(key, found) for key, found in figures.items()), key=lambda row: row.order):
            writer.add(row)


def _keys(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    return (tuple(key) for key in frame[KEY_COLUMNS].astype(object).itertuples(index=False))


def _column(name: str) -> rows.Column:
    metric, _, region = name.partition("@")
    return metric, region


def _pictures(sources: Sequence[Path], owner: Mapping[str, Path]) -> dict[str, tuple[str, bytes]]:
    """The display copies of all: name -> (what it was copied from, its bytes)."""
    stale = _stale(sources, owner)
    return {
        name: display.member(place)
        for source in sources
        for name, place in display.copies(source).items()
        if not stale(source, name)
    }


def _stale(sources: Sequence[Path], owner: Mapping[str, Path]) -> Callable[[Path, str], bool]:
    ends = {entry: display.output("", "", entry).removeprefix("/") for entry in owner}
    others = {
        source: tuple(end for entry, end in ends.items() if owner[entry] != source) for source in sources
    }
    return lambda source, name: name.endswith(others[source])


def _joined(one: SuiteManifest, other: SuiteManifest) -> SuiteManifest:
    mine, theirs = one.meaning, other.meaning
    counts = {holes.name: holes.n for holes in theirs.mask_sets}
    meaning = theirs.model_copy(
        update={
            "methods": {**mine.methods, **theirs.methods},
            "planned": {**mine.planned, **theirs.planned},
            "mask_sets": tuple(_counted(holes, counts[holes.name]) for holes in mine.mask_sets),
        }
    )
    return other.model_copy(update={"meaning": meaning, "environment": _places(one, other)})


def _counted(holes: MaskSetMeaning, more: Mapping[str, Mapping[str, int]]) -> MaskSetMeaning:
    n = {label: {**holes.n.get(label, {}), **more.get(label, {})} for label in {**holes.n, **more}}
    return holes.model_copy(update={"n": n})


def _places(one: SuiteManifest, other: SuiteManifest) -> dict[str, Any]:
    """Where the fills of both were made; scored as the last was."""
    found: list[dict[str, Any]] = []
    for side in (one.environment, other.environment):
        own = {key: value for key, value in side.items() if key not in ("others", "other_threads", "scored")}
        for place in (own, *side.get("others", ())):
            bare = {key: value for key, value in place.items() if key != "threads"}
            if bare not in [{k: v for k, v in known.items() if k != "threads"} for known in found]:
                found.append(place)
    first, *more = found
    threads: dict[str, list[str]] = {}
    for side in (one.environment, other.environment):
        for words, cells in side.get("other_threads", {}).items():
            threads[words] = list(dict.fromkeys((*threads.get(words, ()), *cells)))
    named = {
        "others": [{key: value for key, value in place.items() if key != "threads"} for place in more],
        "other_threads": threads,
    }
    return {
        **first,
        **{name: value for name, value in named.items() if value},
        "scored": other.environment["scored"],
    }

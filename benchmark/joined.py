"""Tables brought together without their pictures: what one folder measured of some methods, and another of
others, on the same holes. Manifests and rows are enough, as a repository has them.
"""

from collections.abc import Container, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow.parquet as pq

from benchmark import measure, rows
from benchmark.cells import difference, file_sha256, lock, write, write_json
from benchmark.files import Meaning, MetricMeaning, SuiteManifest, suite_manifest
from benchmark.manifest import TABLES
from benchmark.metrics import as_in_tables
from benchmark.plan import plan_file
from benchmark.report import display
from benchmark.results import entry_column, load
from benchmark.rows import KEY_COLUMNS, REASONS, SCORES, Row, Writer
from inpainters.errors import InputError

_SAME = ("format", "suite", "dataset", "seed", "once", "answers", "batch", "reference")
"""What all manifests must have alike; holes and metrics too, but for those that one could not measure."""

_TOLD = ("others", "other_threads", "scored", "threads")
"""Of an environment: what is said of all places together."""


@dataclass(frozen=True, eq=False)
class _Source:
    """A folder whose tables are brought together with others."""

    folder: Path
    named: str
    """As it was given."""
    manifest: SuiteManifest
    tables: Mapping[str, pd.DataFrame]
    """Its rows by file."""
    have: Mapping[str, Set[str]]
    """Entry -> the metrics that it has figures of."""

    @classmethod
    def read(cls, folder: Path, named: str, manifest: SuiteManifest) -> Self:
        tables = {name: _read(folder / name) for name in TABLES}
        return cls(folder, named, manifest, tables, _metrics_of(tables[SCORES]))

    @property
    def meaning(self) -> Meaning:
        return self.manifest.meaning

    @property
    def environment(self) -> Mapping[str, Any]:
        return self.manifest.environment

    @property
    def entries(self) -> set[str]:
        """Those that it has rows of, be they figures or reasons."""
        return {str(one) for name in (SCORES, REASONS) for one in entry_column(self.tables[name]).unique()}


_Owners = Mapping[str, _Source]
"""Entry -> the source whose rows of it are taken."""


def without_pictures(folder: Path) -> bool:
    """True for a results folder that holds tables, and no pictures they could be made of anew."""
    return not plan_file(folder).exists() and (folder / SCORES).is_file()


def join_tables(sources: Sequence[Path], out: Path) -> list[str]:
    """Write tables, manifest and display copies of all `sources` to `out`, whose own tables, if it has any,
    come first. Of a method that several have, the last one's are taken which lack no metric that earlier ones
    have. Returns a sentence for each folder that lacks what another has.

    Raises InputError where `out` has pictures, or naming the field in which two are not alike: the test set,
    the holes, a metric.
    """
    first = [out] if all((out / name).is_file() for name in ("manifest.json", *TABLES)) else []
    named = {source.resolve(): str(source) for source in (*first, *sources)}
    if plan_file(out).exists():
        raise InputError(
            f"'{out.name}' holds pictures, and the tables that are to join it do not: name a new folder with "
            "--out."
        )
    manifests = {folder: _manifest(folder) for folder in named}
    for one, other in combinations(named, 2):
        if text := _apart(manifests[one].meaning, manifests[other].meaning):
            raise InputError(
                f"'{one.name}' and '{other.name}' are not alike ({text}): tables of one test set, "
                "with the same holes and metrics, can be brought together."
            )
    joining = [_Source.read(folder, name, manifests[folder]) for folder, name in named.items()]
    owners = _owners(joining)
    joined = {name: _owned(name, joining, owners) for name in TABLES}
    for folder in filter(lambda folder: plan_file(folder).exists(), named):
        display.copy(load(folder))  # scored and never reported, its copies would be lacking
    pictures = _pictures(joining, owners)
    manifest = SuiteManifest(
        meaning=_meaning(joining, owners), environment=_environment(joining, owners), files={}
    )
    with lock(out):
        _write_manifest(out, manifest)  # killed before the end, it vouches for no table, and the same goes on
        _write_rows(out, joined[SCORES], joined[REASONS])
        text = _sorted(joined["timings.csv"]).to_csv(index=False, lineterminator="\n")
        write(out / "timings.csv", text.encode())
        for old in display.zips(out) if not pictures else ():
            old.unlink()
        if pictures:
            display.write_zips(out, pictures)
        files = {name: file_sha256(out / name) for name in TABLES}
        _write_manifest(out, manifest.model_copy(update={"files": files}))
    return _unmeasured(joining)


def _write_manifest(out: Path, found: SuiteManifest) -> None:
    write_json(out / "manifest.json", found.model_dump(exclude_unset=True))


def _manifest(folder: Path) -> SuiteManifest:
    found = suite_manifest(folder)
    if not found.meaning.mask_sets:
        raise InputError(
            f"'{folder.name}' was written by an older version: `python -m benchmark score {folder.name}`, "
            "where its pictures are, writes it anew."
        )
    return found


def _apart(one: Meaning, other: Meaning) -> str | None:
    """The first field that keeps the tables apart."""
    lacking = {name for given in (one, other) for name, each in given.metrics.items() if each.unavailable}
    return difference(_alike(other, lacking), _alike(one, lacking))


def _alike(meaning: Meaning, unmeasured: Container[str]) -> dict[str, Any]:
    """unmeasured: the metrics whose weights are not compared."""
    found = meaning.model_dump()
    holes = [{key: value for key, value in one.items() if key != "n"} for one in found["mask_sets"]]
    metrics = {
        name: {
            "kind": given["kind"],
            "variant": given["variant"],
            **({} if name in unmeasured else {"weights": given["weights"]}),
        }
        for name, given in found["metrics"].items()
    }
    return {**{name: found[name] for name in _SAME}, "mask_sets": holes, "metrics": metrics}


def _unmeasured(sources: Sequence[_Source]) -> list[str]:
    """A sentence for each folder that could not measure what another has figures of."""
    every = {metric for source in sources for metrics in source.have.values() for metric in metrics}
    found = []
    for source in sources:
        metrics = source.meaning.metrics.items()
        why = {name: metric.unavailable for name, metric in metrics if metric.unavailable and name in every}
        if not why:
            continue
        needs = dict.fromkeys(f"It needs {text.partition(' needs ')[2] or text}" for text in why.values())
        then = (
            f"Then run `python -m benchmark score {source.named}`, and merge again."
            if plan_file(source.folder).exists()
            else "Its pictures are not here, so that it stays without."
        )
        found.append(" ".join([f"'{source.named}' has no figures of {', '.join(why)}.", *needs, then]))
    return found


# ---- tables --------------------------------------------------------------------------------------


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    found: pd.DataFrame = pq.read_table(path).to_pandas()
    return found


def _metrics_of(scores: pd.DataFrame) -> dict[str, set[str]]:
    """Entry -> the metrics that it has figures of."""
    columns = {name: rows.measure_of(name)[0] for name in scores.columns if name not in KEY_COLUMNS}
    there = scores[[*columns]].notna().groupby(entry_column(scores)).any()
    return {str(entry): {columns[name] for name in columns if line[name]} for entry, line in there.iterrows()}


def _owners(sources: Sequence[_Source]) -> _Owners:
    owners: dict[str, _Source] = {}
    for source in sources:
        for entry in source.entries:
            before = owners[entry].have.get(entry, set()) if entry in owners else set()
            if before <= source.have.get(entry, set()):
                owners[entry] = source
    return owners


def _owned(name: str, sources: Sequence[_Source], owners: _Owners) -> pd.DataFrame:
    """The rows of each entry in one of TABLES, from its own source."""
    tables = [(source, source.tables[name]) for source in sources]
    return pd.concat(
        [table.loc[[owners[entry] is source for entry in entry_column(table)]] for source, table in tables]
    )


def _sorted(timings: pd.DataFrame) -> pd.DataFrame:
    """As `score` writes them: pictures stay in their order."""
    return timings.sort_values(
        ["mask_set", "bin", "method", "options", "seed"],
        key=lambda column: column.astype(int) if column.name == "seed" else column,
        kind="stable",
    )


def _write_rows(out: Path, scores: pd.DataFrame, reasons: pd.DataFrame) -> None:
    columns = as_in_tables(rows.measure_of(name) for name in scores.columns if name not in KEY_COLUMNS)
    figures: dict[tuple[Any, ...], dict[rows.Measure, dict[str, str]]] = {}
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


def _pictures(sources: Sequence[_Source], owners: _Owners) -> dict[str, tuple[str, bytes]]:
    """The display copies of all: name -> (what it was copied from, its bytes)."""
    ends = {display.output("", "", entry).removeprefix("/"): source for entry, source in owners.items()}
    found = {}
    for source in sources:
        for name, place in display.copies(source.folder).items():
            entry = max((end for end in ends if name.endswith(end)), key=len, default=None)
            if entry is None or ends[entry] is source:
                found[name] = display.member(place)
    return found


# ---- the manifest --------------------------------------------------------------------------------


def _meaning(sources: Sequence[_Source], owners: _Owners) -> Meaning:
    """What fixes each entry comes from the source that its rows are of; of one that nobody ran, the last."""
    last = sources[-1].meaning
    named = {entry: source for source in sources for entry in source.meaning.methods}
    order = dict.fromkeys(entry for source in sources for entry in source.meaning.methods)
    meanings = {entry: owners.get(entry, named[entry]).meaning for entry in order}
    mask_sets = tuple(
        holes.model_copy(
            update={
                "n": {
                    label: {
                        entry: one.mask_sets[place].n[label][entry]
                        for entry, one in meanings.items()
                        if entry in one.mask_sets[place].n.get(label, {})
                    }
                    for label in holes.masks
                }
            }
        )
        for place, holes in enumerate(last.mask_sets)
    )
    return last.model_copy(
        update={
            "metrics": _metrics(sources, owners),
            "methods": {entry: one.methods[entry] for entry, one in meanings.items()},
            "planned": {entry: one.planned[entry] for entry, one in meanings.items() if entry in one.planned},
            "mask_sets": mask_sets,
        }
    )


def _metrics(sources: Sequence[_Source], owners: _Owners) -> dict[str, MetricMeaning]:
    """Each metric as the last source has it that measured it and whose rows are taken, or as the last one has
    it.
    """
    every = [pair for source in _taken(sources, owners) for pair in source.meaning.metrics.items()]
    measured = {name: metric for name, metric in every if not metric.unavailable}
    return {**dict(every), **sources[-1].meaning.metrics, **measured}


def _taken(sources: Sequence[_Source], owners: _Owners) -> list[_Source]:
    """Those that rows are taken of."""
    return [source for source in sources if source in owners.values()]


def _environment(sources: Sequence[_Source], owners: _Owners) -> dict[str, Any]:
    """Where the fills were made, and with how many threads where these differ; scored as the last was."""
    taken = _taken(sources, owners)
    usual = next(iter(taken), sources[-1]).environment.get("threads", {})
    places: list[dict[str, Any]] = []
    threads: dict[str, list[str]] = {}
    for source in taken:
        own = {key: value for key, value in source.environment.items() if key not in _TOLD}
        for place in (own, *source.environment.get("others", ())):
            places += [place] if place not in places else []
        for words, cells in _other_threads(source.environment, [*_cells(source, owners)], usual):
            if cells:
                threads.setdefault(words, []).extend(cells)
    threads.pop(measure.in_words(usual), None)
    found = {
        "others": places[1:],
        "other_threads": threads,
        "scored": sources[-1].environment.get("scored"),
    }
    return {
        **next(iter(places), {}),
        "threads": usual,
        **{name: value for name, value in found.items() if value},
    }


def _other_threads(
    environment: Mapping[str, Any], cells: Sequence[str], usual: Mapping[str, int]
) -> Iterator[tuple[str, list[str]]]:
    """Numbers of threads that are not the `usual` ones, in words, and which of the cells have them."""
    listed = environment.get("other_threads", {})
    for words, some in listed.items():
        yield words, [cell for cell in cells if cell in some]
    if measure.unlike(own := environment.get("threads", {}), usual):
        yield (
            measure.in_words(own),
            [cell for cell in cells if all(cell not in some for some in listed.values())],
        )


def _cells(source: _Source, owners: _Owners) -> Iterator[str]:
    """The titles of the cells that a source's rows are taken of."""
    for holes in source.meaning.mask_sets:
        for label, counts in holes.n.items():
            yield from (f"{entry} {holes.name} {label}" for entry in counts if owners.get(entry) is source)

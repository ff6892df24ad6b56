"""Verify: are the files those that the manifest names, and are the scores those of the pictures?"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark import rows
from benchmark.cells import file_sha256, pixels_sha256
from benchmark.files import DatasetMeaning, SuiteManifest, suite_manifest
from benchmark.inputs.datasets import sample
from benchmark.manifest import other_threads
from benchmark.plan import Plan, load_plan, plan_file
from benchmark.results import WHOLE_SET
from benchmark.rows import KEY_COLUMNS, Measure, Scored
from benchmark.score import one_thread, open_cells
from benchmark.scorer import Bench, Metrics, Scorer, open_bench, row_key
from inpainters.errors import InputError
from inpainters.masks import derive_seed

SAMPLED = 24
"""Pictures whose scores are computed anew where nobody asks for another number."""
LARGEST_SET = 512
"""Pictures of the cell whose features are taken anew, at most, where not all scores are asked for."""
RELATIVE, ABSOLUTE = 1e-3, 1e-6
"""By how much a score may differ on another processor."""

Note = Callable[[str], object]
Found = dict[Measure, Scored]


def verify(
    root: Path,
    *,
    scores: int | None = SAMPLED,
    metrics: Metrics | None = None,
    quiet: bool = True,
    note: Note = lambda text: None,
) -> list[str]:
    """A sentence for each file that is not what the manifest says, and for each score that is not its
    picture's.

    Tables are compared always; originals, masks and fills where they are here. Then scores of `scores` fills
    (all where None), spread over methods and bins and always the same ones, are computed anew from the PNGs,
    and set metrics of one cell, or of all. `note` is told what could not be checked, and which cells were
    filled with other numbers of threads. Raises InputError where `root` holds no results.
    """
    stored = suite_manifest(root)
    wrong = [
        f"{name} is not the file the manifest names."
        for name, sha in stored.files.items()
        if file_sha256(root / name) != sha
    ]
    wrong += _check_sample(stored.meaning.dataset)
    if not plan_file(root).exists():
        note("The pictures are not here: no score could be computed anew.")
        _note_threads(stored.environment.get("other_threads"), note)
        return wrong
    plan, bench = load_plan(root), open_bench(metrics, also=stored.meaning.metrics)
    try:
        scorers = open_cells(root, plan, bench, quiet=quiet)
    except InputError as error:
        return [*wrong, str(error)]
    _note_threads(other_threads([one.done for one in scorers]), note)
    wrong += dict.fromkeys(text for one in scorers for text in one.damaged.values())
    wrong += [
        f"{one.cell.title} {image_id}: {text}" for one in scorers for image_id, text in one.changed.items()
    ]
    with one_thread():
        return wrong + _check_scores(Check(root, plan, bench, stored, note), scorers, scores, quiet)


def _note_threads(other: object, note: Note) -> None:
    for threads, cells in (other if isinstance(other, dict) else {}).items():
        shown = ", ".join(map(str, cells[:8])) + (f" and {len(cells) - 8} more" if len(cells) > 8 else "")
        note(f"Filled with other numbers of threads than the rest ({threads}): {shown}.")


def _check_sample(dataset: DatasetMeaning) -> list[str]:
    if dataset.name != "sample":
        return []
    wrong = []
    for picture in (p for p in sample().pictures if p.image_id in dataset.images):
        try:
            if pixels_sha256(picture.load()) != dataset.images[picture.image_id]:
                wrong.append(f"{picture.image_id} of the built-in set is not the picture the manifest names.")
        except InputError as error:
            wrong.append(str(error))
    return wrong


class Check:
    """Compares what is computed anew with the rows."""

    def __init__(self, root: Path, plan: Plan, bench: Bench, stored: SuiteManifest, note: Note) -> None:
        self.root, self.plan, self.bench, self.note = root, plan, bench, note
        self.meaning = stored.meaning.metrics
        self.skipped: dict[str, str] = {}

    def specs(self, kind: str) -> list[Any]:
        """The metrics of one kind whose values can be compared here; of the others, `skipped` says why."""
        found = []
        for spec in self.bench.specs:
            if spec.kind != kind or spec.name not in self.meaning:
                continue
            then = self.meaning[spec.name]
            if then.unavailable:
                continue  # it was not scored
            if reason := self.bench.metrics.unavailable(spec.name):
                self.skipped[spec.name] = reason
            elif then.variant != spec.variant:
                self.skipped[spec.name] = "This version computes another variant."
            else:
                found.append(spec)
        return found

    def compare(
        self, one: Scorer, image_id: str, spec: Any, stored: Mapping[Measure, float | str], found: Found
    ) -> Iterator[str]:
        """A sentence for each region in which the two differ."""
        for region in spec.regions:
            then, now = stored.get((spec.name, region)), found[spec.name, region]
            if not _alike(then, now):
                what = f"the set of {len(one.images)} pictures" if image_id == WHOLE_SET else image_id
                was = "nothing" if then is None else f"{then:.9g}" if isinstance(then, float) else f"'{then}'"
                new = now.get("value") or f"'{now['reason']}'"
                where = f"{one.cell.title} {what}: {spec.name} ({region})"
                yield f"{where} is stored as {was} and found as {new}."


def _alike(then: float | str | None, now: Scored) -> bool:
    if "value" not in now or not isinstance(then, float):
        return isinstance(then, str) and "reason" in now
    return math.isclose(then, float(now["value"]), rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _check_scores(check: Check, scorers: Sequence[Scorer], count: int | None, quiet: bool) -> list[str]:
    chosen = choose(scorers, count)
    images, sets = check.specs("image"), check.specs("set")
    cells = _cells(scorers, count) if sets else []
    for name, reason in check.skipped.items():
        check.note(f"{name} was not computed anew: {reason}")
    names = [*chosen, *((one, image_id) for one in cells for image_id in (WHOLE_SET, *one.images))]
    keys = [row_key(check.plan, one.cell, image_id) for one, image_id in names]
    try:
        stored = _stored(check.root, set(keys))
    except InputError as error:
        check.note(f"No score could be compared: {error}")
        return []
    wrong: list[str] = []
    for one, image_id in tqdm(chosen, desc="scores", unit="picture", disable=True if quiet else None):
        triple = one.triple(image_id, one.shas())
        row = stored.get(row_key(check.plan, one.cell, image_id), {})
        for spec in images:
            (figures,) = one.bench.several(spec, [triple])
            found = {(spec.name, region): figure for region, figure in figures.items()}
            wrong += check.compare(one, image_id, spec, row, found)
    for one in tqdm(cells, desc="sets", unit="cell", disable=True if quiet else None):
        for spec in sets:
            for image_id, figure in one.set_figures(spec, anew=True).items():
                row = stored.get(row_key(check.plan, one.cell, image_id), {})
                found = dict.fromkeys(((spec.name, region) for region in spec.regions), figure)
                wrong += check.compare(one, image_id, spec, row, found)
    check.note(f"Scores of {len(chosen)} pictures and {len(cells)} sets were computed anew.")
    return wrong


def choose(scorers: Sequence[Scorer], count: int | None) -> list[tuple[Scorer, str]]:
    """So many fills (all where None), always the same ones: methods take turns, within a method its cells."""
    turns: list[tuple[int, int, int, Scorer, str]] = []
    for entry in dict.fromkeys(one.cell.entry for one in scorers):
        ours = [one for one in scorers if one.cell.entry == entry]
        ours.sort(key=lambda one: derive_seed("verify", one.cell.title, one.cell.seed))
        for place, one in enumerate(ours):
            images = sorted(one.images, key=lambda i: derive_seed("verify", one.cell.title, i))
            turns += [
                (k * len(ours) + place, derive_seed("verify", entry), place, one, image_id)
                for k, image_id in enumerate(images)
            ]
    turns.sort(key=lambda turn: turn[:3])
    return [turn[3:] for turn in turns[:count]]


def _cells(scorers: Sequence[Scorer], count: int | None) -> list[Scorer]:
    """The cells whose set metrics are computed anew: all, or the smallest one, unless that is large too."""
    if count is None or count == 0:
        return [] if count == 0 else [one for one in scorers if one.images]
    small = [one for one in scorers if 1 < len(one.images) <= LARGEST_SET]
    small.sort(key=lambda one: (len(one.images), derive_seed("verify set", one.cell.title)))
    return small[:1]


def _stored(root: Path, keys: set[tuple[str | int, ...]]) -> dict[tuple[str | int, ...], dict[Measure, Any]]:
    """Of the rows with these keys: (metric, region) -> value or reason."""
    found: dict[tuple[str | int, ...], dict[Measure, Any]] = {}
    for frame in rows.frames(root):
        some = frame[frame["image_id"].isin([key[4] for key in keys])]
        for line in some[[*KEY_COLUMNS, "metric", "region", "value", "reason"]].itertuples(index=False):
            *key, metric, region, value, reason = line
            if tuple(key) in keys:
                figure = str(reason) if math.isnan(value) else float(value)
                found.setdefault(tuple(key), {})[metric, region] = figure
    return found

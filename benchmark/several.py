"""Figures that rest on several cells: distances of all ratios together, and what tells answers to one hole
apart. They are kept as a cell's scores are, in folders of their own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.cells import Cell, compact, digest, write_json
from benchmark.plan import Plan
from benchmark.results import WHOLE_SET
from benchmark.rows import Row, Scored
from benchmark.scorer import FILE, SCORER_DIED, Bench, Figures, Scorer, row_key, without_value
from benchmark.scoring import holding, stored_scores
from inpainters.errors import sentence
from inpainters.imaging import Image, Mask

ANSWERS = "answers"
"""The folder, in that of the first answers, of what is said of all."""


def pooled_rows(plan: Plan, pool: Cell, ours: Sequence[Scorer], bench: Bench) -> Iterator[Row]:
    """The row of a method's set metrics over all ratio bins together: more pictures, so less bias. Those that
    have a row for each picture are averaged over the bins, as any of these.
    """
    figures = Figures()
    of = [[one.bytes_of(image_id, shas) for image_id in one.images] for one in ours for shas in [one.shas()]]
    with _kept(pool.folder(ours[0].root)) as kept:
        for spec in bench.of_sets():
            entry = kept[spec.name] = holding(kept.get(spec.name, {}), digest([bench.key(spec), of]))
            if WHOLE_SET not in entry["rows"]:
                entry["rows"][WHOLE_SET] = dict.fromkeys(spec.regions, _distance_of(ours, spec, bench))
            figures |= {(spec.name, region): one for region, one in entry["rows"][WHOLE_SET].items()}
    yield Row(row_key(plan, pool, WHOLE_SET), figures)


def _distance_of(ours: Sequence[Scorer], spec: Any, bench: Bench) -> Scored:
    key = spec.name, WHOLE_SET
    if reasons := [found[key] for one in ours if key in (found := one.died())]:
        return {"reason": reasons[0]}  # looking at them again would end this process
    try:
        metric, parts = bench.get(spec.name), (one.features(spec) for one in ours)
        if hasattr(metric, "distance_of_parts"):
            distance = metric.distance_of_parts(parts)
        else:
            distance = metric.distance(*map(np.concatenate, zip(*parts, strict=True)))
        return bench.figure(spec.name, "whole", distance)
    except (ValueError, RuntimeError) as error:
        return {"reason": sentence(error)}


@contextmanager
def _kept(folder: Path) -> Iterator[dict[str, Any]]:
    """What is stored of figures that rest on several cells, as a cell's scores are, to be added to; written
    at the end where it is not what was there.
    """
    found = stored_scores(folder)
    before = compact(found)
    yield found
    for entry in found.values():  # a reason may have passed: too little memory, a device that was busy
        rows = {key: row for key, row in entry["rows"].items() if all("value" in one for one in row.values())}
        entry["rows"] = rows
    if compact(found) != before:
        write_json(folder / FILE, found)


def figures_of_answers(ours: Sequence[Scorer], bench: Bench) -> dict[str, Figures]:
    """What can be said of several answers to one hole: image id -> figures."""
    first, records, specs = ours[0], [one.shas() for one in ours], bench.ready("answers")
    images = [i for i in first.images if all(i not in other.absent for other in ours)]
    table, found = first.inputs.table, {image_id: Figures() for image_id in images}
    died = {image_id for one in ours for _, image_id in one.died()}
    of = {i: digest([table[i]["mask"], *(its[i] for its in records)]) for i in images}
    with _kept(first.folder / ANSWERS) as kept:
        for spec in specs:
            kept[spec.name] = holding(kept.get(spec.name, {}), bench.key(spec), of)
        for image_id in images:
            if image_id in died:
                found[image_id] |= without_value(specs, SCORER_DIED)
                continue
            if lacking := [spec for spec in specs if image_id not in kept[spec.name]["rows"]]:
                answers = [one.output(image_id, its) for one, its in zip(ours, records, strict=True)]
                mask = first.inputs.load(image_id)[1]
                for spec in lacking:
                    kept[spec.name]["of"][image_id] = of[image_id]
                    kept[spec.name]["rows"][image_id] = _of_answers(first, spec, answers, mask)
            for spec in specs:
                row = kept[spec.name]["rows"][image_id]
                found[image_id] |= {(spec.name, region): figure for region, figure in row.items()}
    return found


def _of_answers(first: Scorer, spec: Any, answers: Sequence[Image], mask: Mask) -> dict[str, Scored]:
    """Region -> figure."""
    try:
        values = first.bench.get(spec.name).score_answers(answers, mask)
        return {region: first.bench.figure(spec.name, region, values[region]) for region in spec.regions}
    except (ValueError, RuntimeError) as error:
        return {region: {"reason": sentence(error)} for region in spec.regions}

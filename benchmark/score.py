"""Score: read PNGs, write rows. What was scored is kept beside the PNGs, so that a new metric never re-runs a
method.

First every cell is scored, column by column: the originals of a batch are read, and looked at by a network,
once for all methods. Then the tables are written cell by cell: no more than one cell is held in memory.
"""

import csv
import os
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark import manifest, measure
from benchmark.cells import Cell, digest, file_sha256
from benchmark.files import CellManifest, cell_manifest
from benchmark.hands import Hands, ScoreWork, local_hands
from benchmark.inputs.frozen import Inputs, load_inputs
from benchmark.manifest import Done
from benchmark.plan import Plan, load_plan
from benchmark.results import ALL_BINS, LATER_COLUMNS, PLAIN, TIMING_COLUMNS, WHOLE_SET
from benchmark.rows import Row, Writer
from benchmark.scorer import (
    CHANGED,
    SCORER_DIED,
    Bench,
    Figures,
    Metrics,
    Scorer,
    bench_on,
    join_features,
    row_key,
    together,
    without_value,
)
from benchmark.scoring import Scoring, clear_parts, stored_scores
from benchmark.several import figures_of_answers, pooled_rows
from inpainters.errors import InputError
from inpainters.folders import listed
from inpainters.imaging import Image, Mask
from inpainters.masks import BINS


def score(
    root: Path,
    *,
    metrics: Metrics | None = None,
    jobs: int = 0,
    device: str = "cpu",
    batch: int = 0,
    also: Collection[str] = (),
    elsewhere: Callable[[Path], AbstractContextManager[Hands]] | None = None,
    quiet: bool = False,
    note: Callable[[str], object] = lambda text: None,
) -> list[str]:
    """Write the tables of rows, timings.csv and manifest.json from the finished cells of `root`; returns a
    sentence for each failure, a picture that is not its record's among them. `note` is told of what is no
    failure. `jobs`: processes that share the pictures; 0: as many as there are cores where there is much to
    do, else this one, as on a GPU. With `metrics` of one's own this one does all. `device`: auto, cpu, cuda
    or cuda:N, where networks look at `batch` pictures at once (0: 8, on a GPU 64). `also`: names of metrics
    that are computed on request alone. `elsewhere` opens the processes of other machines, which do the work
    of `score_work`.

    What was scored with the same metric variant and weights on the same bytes is not scored again. Pictures
    whose process dies are tried by themselves. Where one kills it every time, its figures have that as their
    reason, or the distances of its set. Raises InputError where the folder holds no run.
    """
    plan = load_plan(root)
    bench = bench_on(device, batch, metrics, also)
    scorers = open_cells(root, plan, bench, quiet=quiet)
    columns = _groups(scorers, lambda one: one.cell.column)
    processes = (jobs or _jobs(scorers, bench.device)) if metrics is None else 1
    if not elsewhere and processes > 1:
        work = partial(score_work, device=bench.device, batch=bench.batch, also=bench.also)
        elsewhere = partial(local_hands, work, number=processes)
    older = 0
    if elsewhere and columns:
        with elsewhere(root) as hands:
            older = _by_hands(root, columns, bench, hands, quiet)
        columns = [left for column in columns if (left := _left(column))]
    if columns:
        with one_thread(), _bar(columns, quiet) as bar:
            older += sum(score_column(column, bar.update) for column in columns)
    with one_thread():
        _write_scores(root, plan, scorers, bench)
    if older:
        note(
            f"{older} cells held scores of an older version, which do not say of which picture they are: "
            "they were scored anew."
        )
    _write_timings(root / "timings.csv", scorers)
    (root / PLAIN).unlink(missing_ok=True)
    done = [one.done for one in scorers]
    inputs = {column: load_inputs(root, plan, column) for column in plan.columns()}
    manifest.save(root, plan, done, inputs, bench.metrics)
    return _failures(plan, done) + [told for one in scorers for told in _died(one)]


MUCH = 400
"""Fills that lack a score from which on several processes are worth their start."""


def _jobs(scorers: Sequence[Scorer], device: str) -> int:
    if device != "cpu":
        return 1
    unscored = 0
    for one in scorers:
        unscored += len(one.images) if _lacks_scores(one) else 0
        if unscored >= MUCH:
            return measure.cores()
    return 1


_PARTS = 4
"""Parts of the pictures for each of several processes."""


def _lacks_scores(one: Scorer) -> bool:
    """True where the cell lacks a metric that can be computed here, or has one of pictures of another variant
    or of fewer pictures.
    """
    stored, nothing = stored_scores(one.folder), {"key": "", "rows": {}}
    by_image = [(one.bench.key(spec), stored.get(spec.name, nothing)) for spec in one.bench.ready("image")]
    return any(spec.name not in stored for spec in one.bench.ready("set")) or any(
        entry.get("key") != key or len(entry["rows"]) < len(one.images) for key, entry in by_image
    )


def _bar(columns: Sequence[Sequence[Scorer]], quiet: bool) -> Any:
    fills = sum(len(one.planned) for column in columns for one in column)
    return tqdm(total=fills, desc="score", unit="fill", disable=True if quiet else None)


def score_column(scorers: Sequence[Scorer], tell: Callable[[int], object]) -> int:
    """Score the cells of one column; returns how many held scores that do not say of which pictures they are.
    `tell` is told of fills that are done.
    """
    running = [Scoring(one) for one in scorers]
    batch = scorers[0].bench.batch
    for start in range(0, max(len(one.planned) for one in scorers), batch):
        pairs: dict[str, tuple[Image, Mask]] = {}
        for one in running:
            one.batch(start, pairs)
            tell(len(one.scorer.planned[start : start + batch]))
    return sum(one.finish() for one in running)


def _left(scorers: Sequence[Scorer]) -> list[Scorer]:
    """The cells without a metric that is ready here, or with one of some pictures alone: another machine may
    lack what it takes.
    """
    return [one for one in scorers if _lacks_scores(one)]


def _by_hands(
    root: Path, columns: Sequence[Sequence[Scorer]], bench: Bench, hands: Hands, quiet: bool
) -> int:
    """As `score_column` of all columns, by several processes. First each scores some pictures of a column, in
    all of its cells, so that an original is looked at once; then each brings cells to an end. What kills each
    process that is at it gets that as its reason.
    """
    hands.send()  # what says which cells are finished may not be there yet
    unit = together(bench.batch)

    def done(works: Iterable[ScoreWork], tell: Callable[[ScoreWork], object]) -> int:
        waiting, older = deque(sorted(works, key=lambda work: -len(work.images) * len(work.cells))), 0
        for work, found in hands.done(waiting):
            if found is not None:
                older += found
                tell(work)
            elif parts := work.smaller(unit):
                # what is tried once more comes last, with less beside it that takes memory
                (waiting.extend if parts[0].again else waiting.extendleft)(parts)
            else:
                _give_up(root, work, bench)
                tell(work)
        hands.gather()
        return older

    of = score_parts(hands.number, len(columns))
    with _bar(columns, quiet) as bar:
        done(
            (work for column in columns for work in _pictures_of(column, unit, of)),
            lambda work: bar.update(len(work.images) * len(work.cells) * (work.step != "features")),
        )
    for column in columns:
        join_features(column[0].inputs.folder, column[0].inputs.order)
    hands.send()
    ends = (ScoreWork(one.cell.column, (one.cell,)) for column in columns for one in column)
    older = done(ends, lambda work: None)
    for one in (one for column in columns for one in column):
        clear_parts(one.folder)
    return older


def score_parts(processes: int, columns: int) -> int:
    """In how many parts the pictures of each column are shared out: some for each process, so that nobody
    waits long for the last, or for a slow one.
    """
    return -(-_PARTS * processes // columns) if processes > 1 else 1


def _pictures_of(column: Sequence[Scorer], unit: int, of: int) -> Iterator[ScoreWork]:
    """The pictures of a column in at most so many parts, to which each `unit` of them go in turn."""
    images = max((one.planned for one in column), key=len)
    units = [images[start : start + unit] for start in range(0, len(images), unit)]
    for i in range(min(of, len(units))):
        own = tuple(image_id for some in units[i::of] for image_id in some)
        yield ScoreWork(column[0].cell.column, tuple(one.cell for one in column), own)


def _give_up(root: Path, work: ScoreWork, bench: Bench) -> None:
    """Store why there is no figure of a picture, or of a cell's set."""
    # what a set's figures hang on are all of its pictures
    seen = replace(work, images=()) if work.step == "features" else work
    for one in open_cells(root, load_plan(root), bench, work=seen):
        running = Scoring(one, _part(one, work))
        running.give_up(work.images, features=work.step == "features")
        if not work.images:
            running.finish()


def _part(one: Scorer, work: ScoreWork) -> str:
    """A name that no other work on these pictures has while this goes on; none for the end of a cell."""
    return f"{one.inputs.order.index(work.images[0])}{work.step}" if work.images else ""


def score_work(
    root: Path, work: ScoreWork, device: str = "cpu", batch: int = 0, also: tuple[str, ...] = ()
) -> int:
    """Do some work of a scoring, in a process that keeps its metrics for the next; returns how many cells
    that were brought to an end held scores that do not say of which pictures they are.
    """
    with one_thread():
        return do_work(root, work, _kept_bench(device, batch, also))


@lru_cache(maxsize=1)
def _kept_bench(device: str, batch: int, also: tuple[str, ...]) -> Bench:
    return bench_on(device, batch, also=also)


def do_work(root: Path, work: ScoreWork, bench: Bench) -> int:
    """As `score_work`, by the metrics of `bench`."""
    scorers = open_cells(root, load_plan(root), bench, work=work)
    careful = len(work.cells) == len(work.images) == 1
    running = [Scoring(one, _part(one, work), careful=careful) for one in scorers]
    if not work.images:
        for scorer in scorers:
            join_features(scorer.folder, scorer.inputs.order)
        return sum(one.finish() for one in running)
    wanted, order = set(work.images), scorers[0].inputs.order if scorers else []
    starts = range(0, len(order), bench.batch) if work.step != "features" else ()
    for start in (one for one in starts if not wanted.isdisjoint(order[one : one + bench.batch])):
        pairs: dict[str, tuple[Image, Mask]] = {}
        for one in running:
            one.batch(start, pairs, wanted)
    for one in running if work.step != "scores" else ():
        one.take_features(wanted, last_first=work.again)
    return 0


def open_cells(
    root: Path,
    plan: Plan,
    bench: Bench,
    *,
    work: ScoreWork | None = None,
    quiet: bool = True,
) -> list[Scorer]:
    """The finished cells of a results folder, or those of some work, every picture compared with its record,
    or those of the work alone where it names some; raises InputError where there is no finished cell, or
    the run did not get that far.
    """
    wanted = [work.column] if work else plan.columns()
    looked_at = set(work.images) if work else ()
    inputs = {column: load_inputs(root, plan, column) for column in wanted}
    damaged = {column: one.damaged(looked_at) for column, one in inputs.items()}
    found = []
    cells = [cell for cell in plan.cells() if cell.column in inputs]
    finished = [(cell, stored) for cell in cells if (stored := cell_manifest(cell.folder(root)))]
    if not finished and any(plan.methods.values()):
        raise InputError(f"No cell of '{root.name}' is finished yet: run the suite again to continue.")
    own = [one for one in finished if work is None or one[0] in work.cells]
    for cell, stored in tqdm(own, desc="check", unit="cell", disable=True if quiet else None):
        images = plan.images(cell.entry, cell.column)
        changed = {
            image_id: CHANGED
            for image_id in images
            if image_id in stored.pictures
            and (not looked_at or image_id in looked_at)
            and file_sha256(cell.folder(root) / f"{image_id}.png") != stored.pictures[image_id].sha256
        }
        torn = damaged[cell.column] | _others(cell, stored, inputs[cell.column], images)
        refused = {i: text for i, text in torn.items() if i in stored.pictures} | changed
        absent = frozenset(images) - stored.pictures.keys() | refused.keys()
        done = Done.of(cell, stored, refused)
        found.append(Scorer(root, plan, done, absent, inputs[cell.column], bench, torn, changed))
    return found


def _others(cell: Cell, stored: CellManifest, inputs: Inputs, images: Sequence[str]) -> dict[str, str]:
    """Image id -> why no fill of the cell is scored, where its photographs and masks are not those that lie
    beside it now; none where they are, or the record does not say.
    """
    then = images[: len(stored.pictures) + len(stored.failed)]  # the run may have grown since
    now = digest({image_id: inputs.table.get(image_id) for image_id in then})
    if stored.inputs in ("", now):
        return {}
    text = f"{cell.title}: the photographs or masks are not those that it was filled from; use --redo."
    return dict.fromkeys(images, text)


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks on a few pictures at a time lose more to waiting for each other's threads than they win
    by them.
    """
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _failures(plan: Plan, done: Sequence[Done]) -> list[str]:
    failed = [
        f"{one.cell.title} {image_id}: {reason}" for one in done for image_id, reason in one.failed.items()
    ]
    total = len(plan.cells())
    missing = total - len(done)
    unfinished = f"{missing} of {total} cells are not finished: run the suite again to continue."
    short = [one for one in done if _short(plan, one)]
    lacking = (
        f"{sum(_short(plan, one) for one in short)} pictures of {len(short)} cells are not filled, "
        f"{short[0].cell.title} among them: run the suite again to continue."
        if short
        else ""
    )
    return failed + [unfinished] * bool(missing) + [lacking] * bool(short)


def _died(one: Scorer) -> Iterator[str]:
    found = one.died()
    pictures = sorted({image_id for _, image_id in found} - {WHOLE_SET})
    if pictures:
        yield f"{one.cell.title}: {listed(pictures)} had no score. {SCORER_DIED}"
    sets = {name: reason for (name, image_id), reason in found.items() if image_id == WHOLE_SET}
    for reason in dict.fromkeys(sets.values()):
        names = [name for name in sets if sets[name] == reason]
        yield f"{one.cell.title}: {listed(names)} had no score. {reason}"


def _short(plan: Plan, one: Done) -> int:
    """How many pictures a finished cell lacks: the plan has grown since."""
    return len(set(plan.images(one.cell.entry, one.cell.column))) - one.n - len(one.failed)


def _write_scores(root: Path, plan: Plan, scorers: Sequence[Scorer], bench: Bench) -> None:
    specs = [spec for spec in bench.specs if spec.kind != "answers" or plan.answers > 1]
    columns = [(spec.name, region) for spec in specs for region in spec.regions]
    with Writer(root, columns) as table:
        for part in _parts(plan, scorers, bench, specs):
            for row in part():
                table.add(row)


def _parts(
    plan: Plan, scorers: Sequence[Scorer], bench: Bench, specs: Sequence[Any]
) -> Iterator[Callable[[], Iterator[Row]]]:
    """What makes the rows of each cell, in the order of the table: cells, their pools over all ratios of
    a mask set, and cells without time.
    """
    parts: list[tuple[Cell, Callable[[], Iterator[Row]]]] = []
    for group in _groups(scorers, lambda one: (one.cell.entry, one.cell.column)):
        answers = partial(figures_of_answers, group, bench) if len(group) == plan.answers > 1 else dict
        parts.append((group[0].cell, partial(_first, group[0], answers)))
        parts += [(one.cell, partial(one.rows, {})) for one in group[1:]]
    ratio = [one for one in scorers if one.cell.bin in BINS and one.images]
    for group in _groups(ratio, lambda one: (one.cell.entry, one.cell.mask_set, one.cell.seed)):
        pool = replace(group[0].cell, bin=ALL_BINS)
        if len(group) > 1 and bench.of_sets():
            parts.append((pool, partial(pooled_rows, plan, pool, group, bench)))
    reason = "The suite's time budget leaves no picture for this method: raise --budget."
    for entry in (entry for entry, n in plan.methods.items() if n == 0):
        for cell in (plan.cell(entry, column) for column in plan.columns()):
            row = Row(row_key(plan, cell, WHOLE_SET), without_value(specs, reason))
            parts.append((cell, partial(iter, [row])))
    yield from (part for _, part in sorted(parts, key=lambda one: row_key(plan, one[0], "")))


def _groups(scorers: Iterable[Scorer], key: Callable[[Scorer], Any]) -> list[list[Scorer]]:
    found: dict[Any, list[Scorer]] = defaultdict(list)
    for one in scorers:
        found[key(one)].append(one)
    return list(found.values())


def _first(one: Scorer, answers: Callable[[], Mapping[str, Figures]]) -> Iterator[Row]:
    """The rows of the cell of the first of several answers: it also holds what is said of all."""
    yield from one.rows(answers())


def _write_timings(path: Path, scorers: Sequence[Scorer]) -> None:
    """A line per fill, cell by cell in the order of the table of scores."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*TIMING_COLUMNS, *LATER_COLUMNS])
        for scorer in sorted(scorers, key=lambda one: row_key(one.plan, one.cell, "")):
            table.writerows(scorer.times())
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

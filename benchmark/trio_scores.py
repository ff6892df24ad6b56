"""Score trios batch by batch. What was scored is added to a journal, by the digests of the three files: a
scoring that was broken off goes on from there, and what is there already is not scored again.
"""

import base64
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmark import measure
from benchmark.cells import digest
from benchmark.measure import ONE_THREAD, environment_with
from benchmark.metrics.base import Features, MetricSpec
from benchmark.reference import digest_of_weights
from benchmark.rows import Scored
from benchmark.score import MUCH, one_thread
from benchmark.scorer import Bench, bench_on
from benchmark.scoring import PAUSE, Journal, holds_scores
from benchmark.trios import Trio, TrioShas, White, opened_trio
from inpainters.errors import InputError, sentence

TRIO_JOURNAL = "evaluation.log"
_RATIO = "ratio"
"""What the journal calls the share of missing pixels, as if it were a metric."""


@dataclass(frozen=True)
class WantedScores:
    """What is wanted of each trio."""

    white: White
    specs: tuple[MetricSpec, ...]
    """Of metrics that score each picture."""
    extractors: Mapping[str, str] = field(default_factory=dict)
    """Features' name -> a metric that takes them."""
    of_originals: bool = True
    """Whether features are wanted of the originals, too."""


@dataclass(frozen=True)
class ScoredTrio:
    """What was found of a trio."""

    ratio: float
    figures: Mapping[str, Mapping[str, Scored]]
    """Metric -> region -> figure."""
    features: Mapping[str, Features]
    """Features' name -> (n, d) float32, a row for each picture that they are wanted of, the output's last."""


def score_trios(
    bench: Bench, wanted: WantedScores, trios: Sequence[Trio], shas: Sequence[TrioShas]
) -> dict[str, ScoredTrio | str]:
    """Trio's name -> what was found, or a sentence where it cannot be measured. `shas` are those of its files
    when the work began: a file that changed since is not measured.
    """
    found: dict[str, ScoredTrio | str] = {}
    opened = {}
    for trio, then in zip(trios, shas, strict=True):
        try:
            pixels = opened_trio(trio, wanted.white)
            if trio.shas() != then:
                raise InputError("Its files changed meanwhile: start again.")
            opened[trio.name] = pixels
        except InputError as error:
            found[trio.name] = str(error)
    if not opened:
        return found
    triples = list(opened.values())
    figures = {spec.name: bench.several(spec, triples) for spec in wanted.specs}
    pictures = [picture for triple in triples for picture in triple[0 if wanted.of_originals else 1 : 2]]
    try:
        features = {
            key: np.asarray(bench.get(name).features(pictures), np.float32).reshape(len(triples), -1)
            for key, name in wanted.extractors.items()
        }
    except (ValueError, RuntimeError) as error:  # too little memory, for one
        return found | dict.fromkeys(opened, sentence(error))
    each = len(pictures) // len(triples)
    for i, (name, (_, _, mask)) in enumerate(opened.items()):
        found[name] = ScoredTrio(
            float(mask.mean()),
            {metric: values[i] for metric, values in figures.items()},
            {key: rows[i].reshape(each, -1) for key, rows in features.items()},
        )
    return found


@cache
def _bench_of_process(device: str, batch: int, also: tuple[str, ...]) -> Bench:
    return bench_on(device, batch, also=also)


def _in_process(
    device: str,
    batch: int,
    also: tuple[str, ...],
    wanted: WantedScores,
    trios: Sequence[Trio],
    shas: Sequence[TrioShas],
) -> dict[str, ScoredTrio | str]:
    with one_thread():
        return score_trios(_bench_of_process(device, batch, also), wanted, trios, shas)


class TrioStore:
    """What is known of trios, by their files' digests; in a journal too where there is a folder for it."""

    def __init__(self, bench: Bench, wanted: WantedScores, out: Path | None = None) -> None:
        self.bench, self.wanted = bench, wanted
        self.journal = Journal(out / TRIO_JOURNAL) if out else None
        self.keys = {_RATIO: "", **{spec.name: bench.key(spec) for spec in wanted.specs}}
        """Metric -> what pins its values."""
        specs = bench.metrics.METRICS
        self.weights = {key: digest_of_weights(specs[name]) for key, name in wanted.extractors.items()}
        """Features' name -> digest of the network's weights."""
        self.figures: dict[str, dict[str, Mapping[str, Scored]]] = {name: {} for name in self.keys}
        """Metric -> digest of a trio -> region -> figure."""
        self.features: dict[str, dict[str, Features]] = {key: {} for key in wanted.extractors}
        """Features' name -> sha256 of a picture's file -> (d,) float32."""
        self.failed: dict[str, str] = {}
        """Trio's name -> why it could not be measured."""
        self.shas: dict[str, TrioShas] = {}
        """Trio's name -> of its files."""
        self.reused = 0
        """Trios of which all that is wanted was in the journal."""
        if self.journal:
            self._read(self.journal)

    def _read(self, journal: Journal) -> None:
        for line in journal.lines():
            if holds_scores(line):
                if self.keys.get(line["metric"]) == line["key"]:
                    self.figures[line["metric"]].update(line["rows"])
            elif (key := str(line.get("features"))) in self.features and line.get("key") == self.weights[key]:
                self.features[key].update(
                    {sha: np.frombuffer(base64.b64decode(text), "<f4") for sha, text in line["rows"].items()}
                )

    def of(self, trio: Trio) -> str:
        """What a trio's values hang on beside the metric."""
        return digest([*self.shas[trio.name], self.wanted.white])

    def ratio(self, trio: Trio) -> float:
        """Of missing pixels."""
        return float(self.figures[_RATIO][self.of(trio)]["whole"]["value"])

    def pictures(self, trio: Trio) -> TrioShas | tuple[str, ...]:
        """sha256 of the files that features are wanted of."""
        return self.shas[trio.name][0 if self.wanted.of_originals else 1 : 2]

    def lacking(self, trios: Sequence[Trio]) -> WantedScores | None:
        """What these trios lack of what is wanted; None where they lack nothing."""
        digests = {self.of(trio) for trio in trios}
        shas = {sha for trio in trios for sha in self.pictures(trio)}
        specs = [spec for spec in self.wanted.specs if not digests <= self.figures[spec.name].keys()]
        extractors = {
            key: name for key, name in self.wanted.extractors.items() if not shas <= self.features[key].keys()
        }
        if specs or extractors or not digests <= self.figures[_RATIO].keys():
            return replace(self.wanted, specs=tuple(specs), extractors=extractors)
        return None

    def score(self, trios: Sequence[Trio], *, jobs: int = 1, quiet: bool = True) -> None:
        """Score what is lacking, in batches; `jobs`: processes, 0: as many as there are cores where there is
        much to do, else this one, as on a GPU.
        """
        for trio in tqdm(trios, desc="check", unit="picture", disable=True if quiet else None):
            self.shas[trio.name] = trio.shas()
        todo = [trio for trio in trios if self.lacking([trio])]
        self.reused = len(trios) - len(todo)
        size, device = self.bench.batch, self.bench.device
        batches = [todo[start : start + size] for start in range(0, len(todo), size)]
        many = device == "cpu" and len(todo) >= MUCH
        processes = min(jobs or (measure.cores() if many else 1), len(batches))
        done = self._by_processes(batches, processes) if processes > 1 else self._here(batches)
        bar = tqdm(
            total=len(trios),
            initial=self.reused,
            desc="evaluate",
            unit="picture",
            disable=True if quiet else None,
        )
        try:
            with bar:
                for batch, found in done:
                    self._note(batch, found)
                    bar.update(len(batch))
        finally:
            if self.journal:
                self.journal.append()

    def _here(self, batches: Sequence[Sequence[Trio]]) -> Iterator[tuple[Sequence[Trio], Any]]:
        for batch in batches:
            yield batch, score_trios(self.bench, *self._task(batch))

    def _by_processes(
        self, batches: Sequence[Sequence[Trio]], processes: int
    ) -> Iterator[tuple[Sequence[Trio], Any]]:
        context = multiprocessing.get_context("spawn")  # as `benchmark.score` says
        with environment_with(ONE_THREAD), ProcessPoolExecutor(processes, mp_context=context) as pool:
            how = self.bench.device, self.bench.batch, self.bench.also
            jobs = {pool.submit(_in_process, *how, *self._task(batch)): batch for batch in batches}
            try:
                for job in as_completed(jobs):
                    yield jobs[job], job.result()
            except BrokenProcessPool:
                raise InputError(
                    "A process that measured pictures died, perhaps for lack of memory: try --jobs 1, or a "
                    "smaller --batch. What is in the journal of --out is kept."
                ) from None
            finally:
                pool.shutdown(cancel_futures=True)

    def _task(self, batch: Sequence[Trio]) -> tuple[WantedScores, Sequence[Trio], list[TrioShas]]:
        return self.lacking(batch) or self.wanted, batch, [self.shas[trio.name] for trio in batch]

    def _note(self, batch: Sequence[Trio], found: Mapping[str, ScoredTrio | str]) -> None:
        figures: dict[str, dict[str, Mapping[str, Scored]]] = {name: {} for name in self.figures}
        features: dict[str, dict[str, Features]] = {key: {} for key in self.features}
        for trio in batch:
            one = found[trio.name]
            if isinstance(one, str):
                self.failed[trio.name] = one
                continue
            figures[_RATIO][self.of(trio)] = {"whole": {"value": repr(one.ratio)}}
            for name, values in one.figures.items():
                figures[name][self.of(trio)] = values
            for key, rows in one.features.items():
                features[key].update(zip(self.pictures(trio), rows, strict=True))
        for name, by_trio in figures.items():
            self.figures[name].update(by_trio)
            # Why a picture has no value may be gone next time: memory that was too small for it, for one.
            lasting = {of: row for of, row in by_trio.items() if any("value" in one for one in row.values())}
            if lasting:
                self._add({"metric": name, "key": self.keys[name], "of": {}, "rows": lasting})
        for key, by_picture in features.items():
            self.features[key].update(by_picture)
            if by_picture:
                texts = {
                    sha: base64.b64encode(row.astype("<f4").tobytes()).decode()
                    for sha, row in by_picture.items()
                }
                self._add({"features": key, "key": self.weights[key], "rows": texts})
        if self.journal:
            self.journal.append(PAUSE)

    def _add(self, line: dict[str, Any]) -> None:
        if self.journal:
            self.journal.fresh.append(line)

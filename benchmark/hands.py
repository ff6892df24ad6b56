"""What processes share of a scoring, and the processes of this machine that do it."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from benchmark.cells import Cell, ColumnKey
from benchmark.measure import ONE_THREAD, environment_with
from inpainters.errors import InputError


@dataclass(frozen=True)
class ScoreWork:
    """Some pictures of some cells of a column; where no picture is named, the cells' sets."""

    column: ColumnKey
    cells: tuple[Cell, ...]
    images: tuple[str, ...] = ()
    """In the column's order."""
    step: Literal["", "scores", "features"] = ""
    """What is done of these pictures alone; empty: both."""
    again: bool = False
    """True where it cannot be cut and its process has died before."""

    def smaller(self, unit: int) -> list["ScoreWork"]:
        """What is tried by itself where the process died: each cell, then each `unit` pictures, which a
        metric may be given together, then each picture, then its scores and its features, twice; nothing
        after that.
        """
        if len(self.cells) > 1:
            return [replace(self, cells=(cell,)) for cell in self.cells]
        if (n := len(self.images)) > 1:
            step = unit if n > unit else 1
            return [replace(self, images=self.images[i : i + step]) for i in range(0, n, step)]
        if n and not self.step:
            return [replace(self, step="scores"), replace(self, step="features")]
        return [] if self.again else [replace(self, again=True)]


WorkDone = Iterator[tuple[ScoreWork, int | None]]
"""Each work with what came of it; None where its process died."""


class Hands(Protocol):
    """Processes that do work."""

    @property
    def number(self) -> int:
        """How many work at once."""

    def done(self, waiting: deque[ScoreWork]) -> WorkDone:
        """Do what waits, also what is added meanwhile."""

    def gather(self) -> None:
        """Bring here what they wrote."""

    def send(self) -> None:
        """Let them see what was written here."""


@dataclass
class LocalHands:
    """Processes of this machine, each by itself: where one dies it is known at what."""

    function: Callable[[Path, ScoreWork], int]
    root: Path
    number: int
    free: list[ProcessPoolExecutor] = field(default_factory=list)
    every: list[ProcessPoolExecutor] = field(default_factory=list)

    def done(self, waiting: deque[ScoreWork]) -> WorkDone:
        """As `Hands.done`; raises what `function` raises."""
        running: dict[Future[int], tuple[ProcessPoolExecutor, ScoreWork]] = {}
        while waiting or running:
            while waiting and len(running) < self.number:
                work = waiting.popleft()
                job, process = self._given(work)
                running[job] = process, work
            for job in wait(running, return_when=FIRST_COMPLETED).done:
                process, work = running.pop(job)
                try:
                    found = job.result()
                except BrokenProcessPool:
                    yield work, None
                else:
                    self.free.append(process)
                    yield work, found

    def _given(self, work: ScoreWork) -> tuple[Future[int], ProcessPoolExecutor]:
        while self.free:
            process = self.free.pop()
            try:
                return process.submit(self.function, self.root, work), process
            except BrokenProcessPool:
                pass  # it died while it had nothing to do
        context = multiprocessing.get_context("spawn")  # a fork of one whose threads hold locks may hang
        process = ProcessPoolExecutor(1, mp_context=context)
        if not self.every:
            _check_starts(process)
        self.every.append(process)
        return process.submit(self.function, self.root, work), process

    def gather(self) -> None:
        """All is here."""

    def send(self) -> None:
        """All is here."""


def _check_starts(process: ProcessPoolExecutor) -> None:
    """Raise InputError where no process can be started: work would be taken to have killed it."""
    try:
        process.submit(os.getpid).result()
    except BrokenProcessPool:
        raise InputError(
            "No process can be started to score in: call this below `if __name__ == '__main__':`, or with "
            "jobs=1."
        ) from None


@contextmanager
def local_hands(function: Callable[[Path, ScoreWork], int], root: Path, number: int) -> Iterator[LocalHands]:
    """Processes of this machine that compute with one thread each, in every library."""
    hands = LocalHands(function, root, number)
    with environment_with(ONE_THREAD):
        try:
            yield hands
        finally:
            for process in hands.every:
                process.shutdown(cancel_futures=True)

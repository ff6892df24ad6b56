"""Runs of the benchmark that visitors start: each is a process of `python -m benchmark run`, one at a time on
this machine, in a temporary folder of its visit.

A page that is closed or loaded anew finds its run again. What was filled stays in the folder, whatever ends
the process: the same command goes on from there.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import benchmark
from benchmark import suites
from benchmark.inputs.masksets import open_mask_sets
from benchmark.plan import share
from benchmark.suites.base import Suite
from demo.server.ledger import HOUR, Ledger
from demo.server.visits import FOUND_FOR
from inpainters.commandline import os_sentence
from inpainters.errors import InputError, sentence

SAMPLE = "sample"
"""The only test set that visitors may run on: photographs that ship inside packages."""
WAITING, RUNNING, DONE, ENDED_EARLY, FAILED = "waiting", "running", "done", "stopped", "failed"
NICE = 10
"""How far the process stands back behind the page's own work, at least."""
GRACE = 5.0
"""Seconds that a process has to end by itself; what it was at is then lost, a picture at most."""
BYTES_EACH = 50_000_000
"""Of one folder, for each picture in a column: all methods take about 32 MB."""
MOST_KEPT = 24
"""Folders that are kept: of pages that are closed those seen the longest ago go first, then of open ones
those whose run ended the longest ago.
"""
MOST_WAITING = 12
KEPT_TIMES = 5
AWAY = 300.0
"""Seconds after which a page that asks no more is taken to be closed: its run that waits loses its turn. A
page asks while it is open, be it idle.
"""
STOPPED_BY_HAND = "What is filled is kept: Continue goes on from there."
MINUTES_OVER = "The {minutes:g} minutes that a visitor has in an hour are over. What is filled is kept."
FOLDER_TOO_LARGE = (
    "Its folder has grown over {megabytes:,.0f} MB, the most that a run may take here, so it cannot go on."
)
KILLED = (
    "The run was ended from outside (signal {signal}). What is filled is kept: Continue goes on from there."
)
PAGE_CLOSED = "Its turn came while the page was closed: Continue puts it in line again."
SAID = "said.txt"


@dataclass(frozen=True)
class Allowance:
    """What the machine's owner lets visitors run."""

    minutes: float = 15.0
    """That a visitor's runs may take within an hour; 0: none may be started."""
    pictures: int = 8
    """In each column."""


@dataclass(frozen=True)
class RunAsked:
    """What a visitor wants to have run."""

    suite: str
    methods: tuple[str, ...]
    n: int

    @property
    def folder(self) -> str:
        """What its folder is called."""
        return f"my_{self.suite}"

    def hours(self, minutes: float) -> float:
        """The `--budget` that keeps all methods together below these minutes."""
        each = suites.get(self.suite).budget == "each"
        return minutes / 60 / (len(self.methods) if each else 1)

    def arguments(self, minutes: float, out: str = "") -> list[str]:
        """What follows `python -m benchmark`."""
        found = ["run", self.suite, "--methods", ",".join(self.methods), "--n", str(self.n)]
        if suites.get(self.suite).dataset != SAMPLE:
            found += ["--dataset", SAMPLE]
        budget = ["--budget", f"{self.hours(minutes):.4g}"] if minutes else []
        return [*found, *budget, "--out", out or self.folder]

    def command_line(self, minutes: float, out: str = "") -> str:
        """The same as one types it."""
        return f"python -m benchmark {shlex.join(self.arguments(minutes, out))}"

    def columns(self) -> list[str]:
        """The bin of each column."""
        suite = suites.get(self.suite)
        return [
            label
            for one in open_mask_sets(suite.mask_sets)
            for label in one.bins
            if not suite.bins or label in suite.bins
        ]

    def shares(self, minutes: float) -> dict[str, int]:
        """Method -> the pictures that it gets in each column, as the plan will share the time out."""
        budget = suites.get(self.suite).budget
        return share(self.methods, self.n, self.columns(), self.hours(minutes) * HOUR, budget)


def runnable_suites() -> dict[str, Suite]:
    """The suites that can be run on the bundled photographs."""
    return {name: one for name, one in suites.SUITES.items() if one.dataset == SAMPLE or one.paper}


@dataclass(eq=False)
class OwnRun:
    """One visit's run."""

    asked: RunAsked
    payer: str
    home: Path
    """Holds the results folder, and nothing else of a visitor's."""
    state: str = WAITING
    said: str = ""
    """Why it ended as it did, in one sentence; empty while it has not, and where all went well."""
    began: float = 0.0
    """When the process was started (monotonic)."""
    seen: float = field(default_factory=time.monotonic)
    """When its page last asked (monotonic)."""
    ended: float = 0.0
    """When the process last ended; 0 before."""
    goes: int = 0
    """How often its process was started."""
    halted: str = ""
    """The sentence with which it is to be stopped."""
    outgrown: bool = False
    """True once its folder was too large."""
    known: dict[Path, Any] = field(default_factory=dict)
    """What was read of its fills."""
    reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        return self.home / self.asked.folder

    @property
    def open(self) -> bool:
        """True while it waits or is under way."""
        return self.state in (WAITING, RUNNING)

    @property
    def too_large(self) -> bool:
        """True where its folder's size stopped it: the same again would end the same."""
        return self.outgrown and self.state == ENDED_EARLY

    @property
    def worth(self) -> tuple[bool, float]:
        """What goes first where there is no room for all: the least."""
        here = self.seen > time.monotonic() - AWAY
        return here, self.ended if here else self.seen


class OwnRuns:
    """All visits' runs: one is under way, others wait in line."""

    def __init__(
        self,
        allowance: Allowance = Allowance(),  # it cannot be changed
        command: Sequence[str] = (sys.executable, "-m", "benchmark"),
        *,
        most_bytes: int | None = None,
        max_age: float = FOUND_FOR,
    ) -> None:
        self.allowance, self.command = allowance, tuple(command)
        self.most_bytes, self.max_age = most_bytes or BYTES_EACH * allowance.pictures, max_age
        self._kept: dict[str, OwnRun] = {}
        self._line: list[OwnRun] = []
        self._now: OwnRun | None = None
        self._ledger = Ledger()
        self.past: deque[tuple[RunAsked, float]] = deque(maxlen=KEPT_TIMES)
        """What was run from end to end, and the seconds that it took: estimates learn from it."""
        self._worker: threading.Thread | None = None
        self._lock = threading.RLock()
        self._closed = False

    # ---- what a visit does ------------------------------------------------------------------------

    def find(self, visit: str) -> OwnRun | None:
        """The run of a visit, or None. Asking keeps it alive."""
        self.sweep()
        with self._lock:
            run = self._kept.get(visit)
            if run is not None:
                run.seen = time.monotonic()
            return run

    def begin(self, visit: str, payer: str, asked: RunAsked) -> OwnRun:
        """Put a new run in line; the visit's run before is deleted. InputError where that may not be."""
        self.sweep()
        with self._lock:
            self._check(visit, payer)
            try:
                home = Path(tempfile.mkdtemp(prefix="inpainting-run-"))
            except OSError as error:
                raise InputError(f"There is no room for a run: {os_sentence(error)}") from None
            if (before := self._kept.pop(visit, None)) is not None:
                _delete(before)
            self._kept[visit] = run = OwnRun(asked, payer, home)
            self._enter(run)
            return run

    def go_on(self, visit: str) -> OwnRun:
        """Put the visit's run in line again: it goes on from what is filled."""
        with self._lock:
            run = self._kept.get(visit)
            if run is None:
                raise InputError("There is no run to continue: start one.")
            self._check(visit, run.payer)
            run.state, run.said, run.halted, run.seen = WAITING, "", "", time.monotonic()
            self._enter(run)
            return run

    def stop(self, visit: str) -> None:
        """Stop the visit's run, if there is one under way or waiting."""
        with self._lock:
            run = self._kept.get(visit)
            if run is None or not run.open:
                return
            run.halted = STOPPED_BY_HAND
            if run in self._line:
                self._line.remove(run)
                run.state, run.said = ENDED_EARLY, "Its turn had not come yet."

    def place(self, run: OwnRun) -> int:
        """How many runs are before this one."""
        with self._lock:
            return self._line.index(run) + (self._now is not None) if run in self._line else 0

    def left(self, payer: str) -> float:
        """Seconds that a payer's runs may still take."""
        return self.allowance.minutes * 60 - self._ledger.spent(payer)

    def _check(self, visit: str, payer: str) -> None:
        if self._closed or self.allowance.minutes <= 0:
            raise InputError("The owner of this page lets nobody run the benchmark: use the command below.")
        if (own := self._kept.get(visit)) is not None and own.open:
            raise InputError("Your run is under way: stop it first.")
        if any(run.payer == payer and run.open for run in self._kept.values()):
            raise InputError("Another run from your address is under way or waits: stop it first.")
        if self.left(payer) < GRACE:
            raise InputError(
                f"Your {self.allowance.minutes:g} minutes of this hour are used up: go on later, or use the "
                "command below on a machine of your own."
            )
        if len(self._line) >= MOST_WAITING:
            raise InputError("Too many runs wait already: come back later, or use the command below.")

    def _enter(self, run: OwnRun) -> None:
        self._line.append(run)
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="own runs", daemon=True)
            self._worker.start()

    # ---- the one that is under way ----------------------------------------------------------------

    def _work(self) -> None:
        while (run := self._next()) is not None:
            try:
                state, said = self._carry_out(run)
            except Exception as error:  # the next run must have its turn
                state = FAILED
                said = os_sentence(error) if isinstance(error, OSError) else sentence(error)
            with self._lock:
                if run.state == RUNNING:
                    run.state, run.said = state, said
                run.ended = time.monotonic()
                took = run.ended - run.began
                self._ledger.spend(run.payer, took)
                if state == DONE and run.goes == 1:
                    self.past.append((run.asked, took))
                self._now = None

    def _next(self) -> OwnRun | None:
        with self._lock:
            while self._line and self._line[0].seen < time.monotonic() - AWAY:
                away = self._line.pop(0)
                away.state, away.said = ENDED_EARLY, PAGE_CLOSED
            self._now = self._line.pop(0) if self._line and not self._closed else None
            if self._now is None:
                self._worker = None
            else:
                self._now.state, self._now.began = RUNNING, time.monotonic()
                self._now.goes += 1
            return self._now

    def _carry_out(self, run: OwnRun) -> tuple[str, str]:
        """Run the process to its end; returns the state and the sentence that it ends in."""
        end = run.began + self.left(run.payer)
        asked = run.asked.arguments(self.allowance.minutes, str(run.folder))
        command = [*self.command, *asked, "--jobs", "1", "--offline"]
        told = run.asked.command_line(self.allowance.minutes, str(run.folder))
        print(f"A visitor's run; should the app end, this goes on with it: {told}", file=sys.stderr)
        with (run.home / SAID).open("wb") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, cwd=run.home,
                env=_environment(), start_new_session=True,
            )  # fmt: skip
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
        looked = 0.0
        while process.poll() is None:
            if time.monotonic() > end:
                run.halted = run.halted or MINUTES_OVER.format(minutes=self.allowance.minutes)
            if time.monotonic() > looked + 2:
                looked = time.monotonic()
                if not run.halted and _size(run.home) > self.most_bytes:
                    run.halted = FOLDER_TOO_LARGE.format(megabytes=self.most_bytes / 1e6)
                    run.outgrown = True
            if run.halted:
                _end(process)
            time.sleep(0.05)
        return _outcome(run, process.returncode)

    # ---- the end ------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Delete the runs whose page was not seen for an hour, and those for which there is no room."""
        with self._lock:
            oldest = time.monotonic() - self.max_age
            ended = [(visit, run) for visit, run in self._kept.items() if not run.open]
            ended.sort(key=lambda item: item[1].worth)
            over = dict(ended[: max(0, len(self._kept) - MOST_KEPT)])
            for visit, run in [*self._kept.items()]:
                if run.seen < oldest or visit in over:
                    self.stop(visit)
                    if not run.open:
                        del self._kept[visit]
                        _delete(run)

    def close(self) -> None:
        """Stop what is under way and delete all folders."""
        with self._lock:
            self._closed, worker = True, self._worker
            for visit in self._kept:
                self.stop(visit)
        if worker is not None:
            worker.join(2 * GRACE)
        with self._lock:
            for run in self._kept.values():
                _delete(run)
            self._kept.clear()


def _environment() -> dict[str, str]:
    """The process finds this installation's packages, and computes on one core."""
    here = str(Path(benchmark.__path__[0]).parent)
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    kept = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    return {**kept, **threads, "PYTHONPATH": path}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the process to end, as Ctrl-C does; after GRACE seconds it is killed, and what it started."""
    _signal(process, signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _outcome(run: OwnRun, code: int) -> tuple[str, str]:
    if run.halted and code != 0:
        return ENDED_EARLY, run.halted
    if code == 0:
        return DONE, ""
    if code < 0:
        return FAILED, KILLED.format(signal=-code)
    if code == 1 and (run.folder / "manifest.json").is_file():
        return DONE, "Some holes could not be filled: the table says why."
    return FAILED, _last_line(run.home / SAID)


def _last_line(path: Path) -> str:
    with suppress(OSError):
        lines = [line.strip() for line in path.read_text("utf-8", errors="replace").splitlines()]
        if last := next(filter(None, reversed(lines)), ""):
            return last[:300]
    return "The run ended without a word: Continue tries again."


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _delete(run: OwnRun) -> None:
    shutil.rmtree(run.home, ignore_errors=True)

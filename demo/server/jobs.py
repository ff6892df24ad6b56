"""Runs methods beside the page: results one by one, stoppable at any time. Who goes first: `lanes`."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from demo.server.lanes import Lanes
from demo.server.memory import give_back
from demo.server.options import answers_of, refuse_local
from demo.server.room import part_that_fits, whole_preview, whole_result
from demo.server.zero_gpu import Borrowing, Lend
from inpainters import costs, registry
from inpainters.base import Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import Image, Mask
from inpainters.spec import MethodSpec
from inpainters.strategy import Box, Outline, workload

MOST_SECONDS = 900.0
"""Of work that a page gives one job: all visitors share its processor."""
MOST_HELD = 1 << 30
"""Bytes of pictures that may wait or be worked on at once."""

JobState = Literal["waiting", "running", "done", "stopped", "error"]
FINAL = ("done", "stopped", "error")
STOPPED = "It was stopped before it was done."
TOO_LONG = (
    f"A page gives one run {MOST_SECONDS / 60:.0f} minutes and this one takes longer; choose a faster "
    "preset, or use the command line."
)
NO_MEMORY = "There is not enough memory for this hole; mask less or use a smaller picture."
NO_ROOM = "So many pictures are waiting that there is no room for another; try again in a minute."


class Price(NamedTuple):
    """What a run will cost."""

    calls: int
    """Network calls; 0 where the options do not set them."""
    seconds: float
    cost: float = 0.0
    """Seconds on the reference machine: they tell light from heavy whatever else keeps this one busy."""


def price(
    spec: MethodSpec, missing: Mask | Outline, options: Mapping[str, object] | None = None, n: int = 1
) -> Price:
    """What `n` answers cost here."""
    work = workload(missing, spec, options)
    return Price(n * work.network_calls, n * costs.estimate(work), n * work.seconds)


@dataclass
class Answer:
    """One fill of a job, and what a page makes of it."""

    result: InpaintResult
    token: str = ""
    thumb: str = ""
    """Token of a small square around its hole."""
    scores: dict[str, Any] | None = None
    rating: int = 0
    """1 while its scores are on their way."""

    def let_go(self) -> None:
        """Drop pixels that stand in the store as well."""
        nothing = np.empty((0, 0, 3), np.uint8)
        self.result = replace(self.result, image=nothing, raw=nothing)


@dataclass
class Job:
    """One method on its way to one answer or several."""

    method: str
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    """Expected before the run, measured after it; of all answers together."""
    state: JobState = "waiting"
    done: int = 0
    """Steps of the answer under way, of `total`."""
    total: int = 0
    started: float = 0.0
    message: str = ""
    result: InpaintResult | None = None
    """The first answer, when all are there."""
    n: int = 1
    """How many answers; their seeds are seed .. seed + n - 1."""
    answers: list[Answer] = field(default_factory=list)
    """Those that are there already, in the order of their seeds. A stopped job that is queued again goes on
    after them.
    """
    on_answer: Callable[[Answer], object] | None = None
    """Called in the worker with each answer, before it stands in `answers`."""
    begun: float = 0.0
    """When the answer under way began."""
    at_once: int = 1
    """How many answers are under way at once."""
    halted: bool = False
    cost: float = 0.0
    """`Price.cost`; 0 where that is not known."""
    owner: object = None
    """Whoever asked for it; a visitor with much under way leaves others more."""
    held: tuple[int, int] = (0, 0)
    """Which picture waits with it, and its bytes."""
    kept: float = 0.0
    """Seconds for which it let others go first; they count in no time of its own."""
    guide: Mask | None = None
    """A sketch for methods that follow one."""
    preview: Callable[[Image], object] | None = None
    """Takes the picture as it is so far, from methods that work long."""
    previews: list[str] = field(default_factory=list)
    """Tokens of what it has shown so far of the answer under way."""
    faded: list[str] = field(default_factory=list)
    """The same of the answer before it: the page may still be loading one."""
    showing: tuple[str, str] = ("", "")
    """Tokens of what it shows now of the answer under way: the picture, and a small square around its hole.
    """

    def answer(self, inpainter: Inpainter, request: InpaintRequest, on_step: OnStep) -> InpaintResult:
        """What a worker does with it; other kinds of job do something else.

        One answer after the other, so that each shows as soon as it is there; on a GPU, where four cost
        little more than one, all at once.
        """
        part = part_that_fits(self.method, request.mask.shape, Outline.of(request.mask).holes)
        while len(self.answers) < self.n:
            self.at_once = self.n - len(self.answers) if inpainter.device.startswith("cuda") else 1
            self.begun, self.done, self.total, kept = time.monotonic(), 0, 0, self.kept
            asked = replace(request, seed=self.seed + len(self.answers), n=self.at_once)
            for result in self._run(inpainter, asked, part, on_step):
                own = max(1e-4, result.seconds - (self.kept - kept) / self.at_once)
                costs.observe(workload(request.mask, inpainter.spec, result.options), own)
                self._keep(Answer(replace(result, seconds=own)))
        return self.answers[0].result

    def _run(
        self, inpainter: Inpainter, asked: InpaintRequest, part: Box | None, on_step: OnStep
    ) -> Sequence[InpaintResult]:
        """Its answers to a request, where memory is short from a part of the picture alone."""
        if part is None:
            return inpainter.run([asked], on_step, self.preview)[0]
        preview, rows, columns = self.preview, slice(part[0], part[2]), slice(part[1], part[3])
        guide = None if asked.guide is None else asked.guide[rows, columns]
        cut = replace(asked, image=asked.image[rows, columns], mask=asked.mask[rows, columns], guide=guide)
        show = preview and (lambda shown: preview(whole_preview(shown, asked.image, part)))
        return [whole_result(result, asked.image, part) for result in inpainter.run([cut], on_step, show)[0]]

    def _keep(self, answer: Answer) -> None:
        if self.halted:
            raise Cancelled
        if self.on_answer is not None:
            self.on_answer(answer)
        self.answers.append(answer)

    def release(self) -> None:
        """Let go of what leads to the pictures of its run: a page keeps ended jobs for hours."""
        self.preview = self.on_answer = self.guide = None

    def stop(self, message: str = STOPPED) -> None:
        """End it at its next step; what is answered stays."""
        self.halted, self.state, self.message = True, "stopped", message

    def renewed(self) -> "Job":
        """The same job to be run again; what a stopped one has answered stays."""
        kept = [] if self.state == "done" else list(self.answers)
        fresh = replace(self, state="waiting", message="", result=None, halted=False, answers=kept)
        fresh.done, fresh.total, fresh.kept, fresh.started, fresh.showing = 0, 0, 0.0, 0.0, ("", "")
        return fresh

    def name(self, seed: int) -> str:
        """What the answer of this seed is called, in file names and where it becomes the next picture."""
        return self.method if self.n == 1 else f"{self.method}-seed{seed}"

    @property
    def size(self) -> float:
        """What tells its lane."""
        return self.cost or self.seconds

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def progress(self) -> float:
        """0 to 1, by its own steps where it reports any, else by the clock."""
        if self.state != "running":
            return float(self.state == "done")
        by_clock = min(0.95, (time.monotonic() - self.begun) * self.n / max(self.seconds, 0.1))
        share = self.done / self.total if self.total > 1 else by_clock
        return min(1.0, (len(self.answers) + self.at_once * share) / self.n)

    @property
    def remaining(self) -> float:
        """Expected seconds still to go."""
        if self.state != "running":
            return 0.0 if self.final else self.seconds
        spent = time.monotonic() - self.begun
        share = self.done / self.total if self.total > 1 else 0.0
        each = spent / share if share else self.seconds * self.at_once / self.n
        return max(0.0, each - spent) + each * (self.n - len(self.answers) - self.at_once) / self.at_once

    def records(self) -> list[dict[str, Any]]:
        """What the settings file says of it: one record per answer,
        and one of how it ended where some are lacking.
        """
        same = {"method": self.method, "version": registry.get(self.method).version}
        found = [same | _record(self.name(answer.result.seed), answer) for answer in self.answers]
        if len(found) < self.n:
            lacking = {"seed": self.seed + len(found), "state": self.state, "options": dict(self.options)}
            found.append(same | lacking | ({"message": self.message} if self.message else {}))
        return found


def _record(name: str, answer: Answer) -> dict[str, Any]:
    result = answer.result
    record = {
        "seed": result.seed,
        "state": "done",
        "file": f"{name}.png",
        "options": result.options,
        "seconds": round(result.seconds, 4),
    }
    return record | {
        "notes": list(result.notes),
        "network_calls": result.network_calls,
        "scores": answer.scores or {},
    }


def job_for(method: str, mask: Mask, options: Mapping[str, object], seed: int, n: int = 1) -> Job:
    """A job for one hole, with the seconds that it should take; one answer where seeds change nothing."""
    spec = registry.get(method)
    n = answers_of(spec, n)
    found = price(spec, mask, options, n)
    return Job(method, seed, dict(options), found.seconds, n=n, cost=found.cost)


OnJob = Callable[[Job], None]


class Batch:
    """The methods of one press on Run. `jobs` are in the order in which they should finish."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = sorted(jobs, key=lambda job: job.seconds)

    @property
    def finished(self) -> bool:
        """True when no job will change its state again."""
        return all(job.final for job in self.jobs)

    @property
    def settled(self) -> bool:
        """True when the scores are there as well."""
        return self.finished and not any(answer.rating for job in self.jobs for answer in job.answers)

    @property
    def mark(self) -> list[tuple[str, int]]:
        """What changes when a job begins, answers or ends."""
        return [(job.state, len(job.answers)) for job in self.jobs]

    def stop(self, method: str | None = None) -> None:
        """Stop one method, or all; what is done stays."""
        for job in self.jobs:
            if method in (None, job.method) and not job.final:
                job.stop()


class Runner:
    """Works through the jobs of all visitors. Threads start with the first job. `lend`: where the fills of
    methods that use a GPU are made, if not in this process (`zero_gpu.lender`).
    """

    def __init__(self, cores: int | None = None, lend: Lend | None = None) -> None:
        self._lend = lend
        self._tasks: dict[int, Callable[[], None]] = {}
        self._futures: set[Future[InpaintResult]] = set()
        self.lanes: Lanes[Job] = Lanes(lambda job: self._pool.submit(self._tasks.pop(id(job))), cores)
        threads = self.lanes.at_once + 2  # for those that were halted while they waited
        self._pool, self._after = ThreadPoolExecutor(threads, "job"), ThreadPoolExecutor(1, "after")

    def start(self, image: Image, mask: Mask, jobs: Sequence[Job], on_done: OnJob = lambda job: None) -> None:
        """Queue all jobs; one that there is no room or time for ends at once, with its sentence. `on_done` is
        called in a worker before a job turns to done.
        """
        for job in jobs:
            if why := self._refusal(image, job):
                self._fail(job, why)
                job.release()
            else:
                self._enter(image, job, partial(self._work, image, mask, job, on_done))

    def submit(self, image: Image, mask: Mask, job: Job) -> "Future[InpaintResult]":
        """Queue one job for a caller without a page; its future raises what the method raises. Raises
        InputError where there is no room or time for it.
        """
        self.check(image, job)
        future: Future[InpaintResult] = Future()
        future.set_running_or_notify_cancel()  # whoever no longer waits for it stops the job, not the future
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)

        def work() -> None:
            with suppress(InvalidStateError):  # it was closed
                try:
                    future.set_result(self._answer(image, mask, job))
                except BaseException as error:
                    future.set_exception(error)

        self._enter(image, job, work)
        return future

    def run(self, image: Image, mask: Mask, job: Job) -> InpaintResult:
        """One job from start to end; raises what the method raises."""
        return self.submit(image, mask, job).result()

    @property
    def unfinished(self) -> int:
        """How many jobs wait or are under way."""
        return len(self.lanes.works())

    def ahead(self, job: Job) -> int:
        """How many unfinished jobs go before this one."""
        return self.lanes.ahead(job)

    def until(self, job: Job) -> float:
        """Expected seconds until this queued job is done, waiting included."""
        return self.lanes.until(job)

    def forecast(self, prices: Mapping[str, Price]) -> float:
        """Expected seconds until the last of these methods has answered, were they queued now: what others
        have waiting and the sharing of the processor are in it.
        """
        return self.lanes.forecast(
            [Job(name, seconds=each.seconds, cost=each.cost) for name, each in prices.items()]
        )

    def close(self) -> None:
        """Give up what waits; running work ends at its next step."""
        for job in self.lanes.close():
            job.halted = True
        for future in list(self._futures):
            with suppress(InvalidStateError):  # it has just ended
                future.set_exception(Cancelled())
        for pool in (self._pool, self._after):
            pool.shutdown(wait=False, cancel_futures=True)

    def check(self, image: Image, job: Job) -> None:
        """InputError where there is no room or time for a job: to be asked before what it replaces goes."""
        if why := self._refusal(image, job):
            raise InputError(why)

    def _refusal(self, image: Image, job: Job) -> str:
        """Why there is no room or time for a job; empty where there is."""
        if job.seconds > MOST_SECONDS:
            return TOO_LONG
        held = {id(image): image.nbytes} | dict(other.held for other in self.lanes.works())
        return NO_ROOM if sum(held.values()) > MOST_HELD else ""

    def _enter(self, image: Image, job: Job, task: Callable[[], None]) -> None:
        job.held = id(image), image.nbytes
        # A GPU is lent in the name of the visitor whose event this is.
        self._tasks[id(job)] = partial(copy_context().run, task) if self._lend else task
        self.lanes.enter(job)

    def _work(self, image: Image, mask: Mask, job: Job, on_done: OnJob) -> None:
        try:
            result = self._answer(image, mask, job)
            if job.halted:
                raise Cancelled
            job.result, job.seconds = (
                result,
                sum(answer.result.seconds for answer in job.answers) or result.seconds,
            )
            on_done(job)
            if not job.halted:
                job.state = "done"
        except Cancelled:
            if not job.final:
                job.stop()
        except (InputError, UnavailableError) as error:
            self._fail(job, str(error))
        except MemoryError:
            self._fail(job, NO_MEMORY)
        except Exception as error:  # one method's fault must not take the others along
            self._fail(
                job, f"{registry.get(job.method).title} failed: {type(error).__name__}: {str(error)[:200]}"
            )
        finally:
            job.release()

    def later(self, rated: Answer, work: Callable[[], object]) -> None:
        """Work out scores, out of the way of all methods; `rated.rating` says how long that is under way."""
        rated.rating = 1
        self._after.submit(self._rate, rated, work)

    @staticmethod
    def _rate(rated: Answer, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            rated.rating = 0

    @staticmethod
    def _fail(job: Job, message: str) -> None:
        if not job.halted:
            job.state, job.message = "error", message

    def _answer(self, image: Image, mask: Mask, job: Job) -> InpaintResult:
        try:
            self._go(job)
            job.state, job.started = "running", time.monotonic()
            refuse_local(registry.get(job.method), job.options)
            job.begun = job.started
            inpainter = registry.create(job.method, **job.options)
            if self._lend and inpainter.device.startswith("cuda"):
                inpainter = Borrowing(inpainter, self._lend)
            request = InpaintRequest(image, mask, seed=job.seed, guide=job.guide)
            return job.answer(inpainter, request, partial(self._step, job))
        finally:
            self.lanes.leave(job)
            with suppress(RuntimeError):  # it was closed
                self._after.submit(give_back)

    def _step(self, job: Job, done: int, total: int) -> bool:
        self._go(job)
        if time.monotonic() - job.started - job.kept > MOST_SECONDS:
            job.stop(TOO_LONG)
            raise InputError(TOO_LONG)
        job.done, job.total = done, total
        return not job.halted

    def _go(self, job: Job) -> None:
        """Wait until it is the job's turn."""
        before = self.lanes.step(job)
        if job.started:
            job.kept, job.begun = job.kept + before, job.begun + before
        if job.halted:
            raise Cancelled

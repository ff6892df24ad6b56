"""Runs methods beside the page: two pools, fastest first, results one by one, stoppable at any time."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from demo.server.options import answers_of, refuse_local
from inpainters import costs, registry
from inpainters.base import Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import Image, Mask
from inpainters.spec import MethodSpec
from inpainters.strategy import Outline, workload

HEAVY = 5.0
"""Seconds: jobs expected to take longer queue in a pool of their own,
so that quick ones never wait behind them.
"""
AT_ONCE = {"light": 2, "heavy": 1}
"""Jobs at a time in the pool of quick ones, and in that of slow ones."""

JobState = Literal["waiting", "running", "done", "stopped", "error"]
FINAL = ("done", "stopped", "error")
STOPPED = "It was stopped before it was done."


class Price(NamedTuple):
    """What a run will cost."""

    calls: int
    """Network calls; 0 where the options do not set them."""
    seconds: float


def price(
    spec: MethodSpec, missing: Mask | Outline, options: Mapping[str, object] | None = None, n: int = 1
) -> Price:
    """What `n` answers cost here."""
    work = workload(missing, spec, options)
    return Price(n * work.network_calls, n * costs.estimate(work))


def pool_of(method: str, seconds: float) -> Literal["light", "heavy"]:
    """Where a job of so many expected seconds queues."""
    return "heavy" if seconds > HEAVY or "torch" in registry.get(method).requires else "light"


def together(seconds: Mapping[str, float]) -> float:
    """Seconds until all of these methods have answered, pressed at once on idle pools."""
    pools: dict[str, list[float]] = {pool: [0.0, 0.0] for pool in AT_ONCE}
    for method, each in seconds.items():
        pools[pool_of(method, each)].append(each)
    return max(max(*waits, sum(waits) / AT_ONCE[pool]) for pool, waits in pools.items())


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
    drawn: int = 1
    """How many answers are under way at once."""
    halted: bool = False
    pool: str = "light"
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
        while len(self.answers) < self.n:
            self.drawn = self.n - len(self.answers) if inpainter.device.startswith("cuda") else 1
            self.begun, self.done, self.total = time.monotonic(), 0, 0
            part = replace(request, seed=self.seed + len(self.answers), n=self.drawn)
            for result in inpainter.run([part], on_step, self.preview)[0]:
                costs.observe(workload(request.mask, inpainter.spec, result.options), result.seconds)
                self._keep(Answer(result))
        return self.answers[0].result

    def _keep(self, answer: Answer) -> None:
        if self.halted:
            raise Cancelled
        if self.on_answer is not None:
            self.on_answer(answer)
        self.answers.append(answer)

    def renewed(self) -> "Job":
        """The same job to be run again; what a stopped one has answered stays."""
        kept = [] if self.state == "done" else list(self.answers)
        fresh = replace(self, state="waiting", message="", result=None, halted=False, answers=kept)
        fresh.done, fresh.total, fresh.showing = 0, 0, ("", "")
        return fresh

    def name(self, seed: int) -> str:
        """What the answer of this seed is called, in file names and where it becomes the next picture."""
        return self.method if self.n == 1 else f"{self.method}-seed{seed}"

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
        return min(1.0, (len(self.answers) + self.drawn * share) / self.n)

    @property
    def remaining(self) -> float:
        """Expected seconds still to go."""
        if self.state != "running":
            return 0.0 if self.final else self.seconds
        spent = time.monotonic() - self.begun
        share = self.done / self.total if self.total > 1 else 0.0
        each = spent / share if share else self.seconds * self.drawn / self.n
        return max(0.0, each - spent) + each * (self.n - len(self.answers) - self.drawn) / self.drawn

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
    return Job(method, seed, dict(options), price(spec, mask, options, n).seconds, n=n)


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

    def stop(self, method: str | None = None) -> None:
        """Stop one method, or all; what is done stays."""
        for job in self.jobs:
            if method in (None, job.method) and not job.final:
                job.halted, job.state, job.message = True, "stopped", STOPPED


class Runner:
    """The pools, shared by all visitors. Threads start with the first job."""

    def __init__(self, light: int = AT_ONCE["light"], heavy: int = AT_ONCE["heavy"]) -> None:
        self._pools = {
            "light": ThreadPoolExecutor(light, "light"),
            "heavy": ThreadPoolExecutor(heavy, "heavy"),
            "after": ThreadPoolExecutor(1, "after"),
        }
        self._queues: dict[str, list[Job]] = {"light": [], "heavy": []}
        self._lock = threading.Lock()

    def start(self, image: Image, mask: Mask, jobs: Sequence[Job], on_done: OnJob = lambda job: None) -> None:
        """Queue all jobs. `on_done` is called in a worker before a job turns to done."""
        for job in jobs:
            self._enter(job).submit(self._work, image, mask, job, on_done)

    def ahead(self, job: Job) -> int:
        """How many unfinished jobs are before this one in its pool."""
        with self._lock:
            queue = [other for other in self._queues[job.pool] if not other.final or other is job]
        return queue.index(job) if job in queue else 0

    def run(self, image: Image, mask: Mask, job: Job) -> InpaintResult:
        """One job from start to end, for callers without a page; raises what the method raises."""
        return self._enter(job).submit(self._answer, image, mask, job).result()

    def close(self) -> None:
        """Give up what waits; running work ends at its next step."""
        with self._lock:
            for job in [*self._queues["light"], *self._queues["heavy"]]:
                job.halted = True
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _enter(self, job: Job) -> ThreadPoolExecutor:
        job.pool = pool_of(job.method, job.seconds)
        with self._lock:
            self._queues[job.pool].append(job)
        return self._pools[job.pool]

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
            job.state, job.message = "stopped", STOPPED
        except (InputError, UnavailableError) as error:
            self._fail(job, str(error))
        except MemoryError:
            self._fail(job, "There is not enough memory for this hole; mask less or use a smaller picture.")
        except Exception as error:  # one method's fault must not take the others along
            self._fail(
                job, f"{registry.get(job.method).title} failed: {type(error).__name__}: {str(error)[:200]}"
            )

    def later(self, rated: Answer, work: Callable[[], object]) -> None:
        """Work out scores, out of the way of all methods; `rated.rating` says how long that is under way."""
        rated.rating = 1
        self._pools["after"].submit(self._rate, rated, work)

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
        def on_step(done: int, total: int) -> bool:
            job.done, job.total = done, total
            return not job.halted

        try:
            if job.halted:
                raise Cancelled
            job.state, job.started = "running", time.monotonic()
            refuse_local(registry.get(job.method), job.options)
            job.begun = job.started
            inpainter = registry.create(job.method, **job.options)
            return job.answer(inpainter, InpaintRequest(image, mask, seed=job.seed, guide=job.guide), on_step)
        finally:
            with self._lock:
                self._queues[job.pool].remove(job)

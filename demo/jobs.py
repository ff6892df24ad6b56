"""Runs methods beside the page: two pools, fastest first, results one by one, stoppable at any time."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from inpainters import costs, registry
from inpainters.base import Inpainter, InpaintRequest, InpaintResult, MethodSpec, OnStep
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import Image, Mask
from inpainters.strategy import Strategy

HEAVY = 5.0
"""Seconds: jobs expected to take longer queue in a pool of their own, so that quick ones never wait behind them."""
AT_ONCE = {"light": 2, "heavy": 1}
"""Jobs at a time in the pool of quick ones, and in that of slow ones."""

State = Literal["waiting", "running", "done", "stopped", "error"]
FINAL = ("done", "stopped", "error")
STOPPED = "It was stopped before it was done."


def estimate_box(spec: MethodSpec, size: tuple[int, int], box: tuple[int, int, int, int], missing: int) -> float:
    """`costs.estimate` from (top, left, bottom, right) and the number of missing pixels alone, while the mask is being painted."""
    strategy: Strategy = spec.strategy
    margin = max(strategy.min_context, round(strategy.context * max(box[2] - box[0], box[3] - box[1])))
    height = min(size[0], box[2] + margin) - max(0, box[0] - margin)
    width = min(size[1], box[3] + margin) - max(0, box[1] - margin)
    area = min(1.0, (strategy.max_pixels or np.inf) / max(1, height * width), (strategy.max_missing or np.inf) / max(1, missing))
    return costs.factor(spec.name) * spec.seconds(height * width * area / 1e6, missing * area / 1e6)


def pool_of(method: str, seconds: float) -> Literal["light", "heavy"]:
    """Where a job of so many expected seconds queues."""
    return "heavy" if seconds > HEAVY or "torch" in registry.get(method).requires else "light"


def together(seconds: Mapping[str, float]) -> float:
    """Seconds until all of these methods have answered, pressed at once on idle pools."""
    pools: dict[str, list[float]] = {pool: [0.0, 0.0] for pool in AT_ONCE}
    for method, each in seconds.items():
        pools[pool_of(method, each)].append(each)
    return max(max(*waits, sum(waits) / AT_ONCE[pool]) for pool, waits in pools.items())


def spoken(seconds: float) -> str:
    """'under 1 s', 'about 10 s', 'about 3 min': no more digits than an estimate deserves."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        return f"about {max(1, round(seconds / step) * step)} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


@dataclass
class Job:
    """One method on its way."""

    method: str
    seed: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    """Expected before the run, measured after it."""
    state: State = "waiting"
    done: int = 0
    total: int = 0
    started: float = 0.0
    message: str = ""
    result: InpaintResult | None = None
    token: str = ""
    scores: dict[str, Any] | None = None
    rating: bool = False
    """True while its scores are on their way."""
    halted: bool = False
    pool: str = "light"
    guide: Mask | None = None
    """A sketch for methods that follow one."""
    preview: Callable[[Image], object] | None = None
    """Takes the picture as it is so far, from methods that work long."""
    previews: list[str] = field(default_factory=list)
    """Tokens of what it has shown so far."""

    def answer(self, inpainter: Inpainter, request: InpaintRequest, on_step: OnStep) -> InpaintResult:
        """What a worker does with it; other kinds of job do something else."""
        result = inpainter.run([request], on_step, self.preview)[0][0]
        costs.observe(inpainter.spec, request.mask, result.seconds, result.options)
        return result

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def progress(self) -> float:
        """0 to 1, by its own steps where it reports any, else by the clock."""
        if self.state != "running":
            return float(self.state == "done")
        if self.total > 1:
            return self.done / self.total
        return min(0.95, (time.monotonic() - self.started) / max(self.seconds, 0.1))

    @property
    def remaining(self) -> float:
        """Expected seconds still to go."""
        if self.state != "running":
            return 0.0 if self.final else self.seconds
        spent = time.monotonic() - self.started
        if self.done and self.total > 1:
            return spent * (self.total - self.done) / self.done
        return max(0.0, self.seconds - spent)

    def record(self) -> dict[str, Any]:
        """What the settings file says of it."""
        record: dict[str, Any] = {
            "method": self.method,
            "version": registry.get(self.method).version,
            "seed": self.seed,
            "state": self.state,
        }
        if self.result is not None:
            record |= {"options": self.result.options, "seconds": round(self.result.seconds, 4), "notes": list(self.result.notes)}
            record |= {"network_calls": self.result.network_calls, "scores": self.scores or {}}
        return record | ({"message": self.message} if self.message else {})


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
        return self.finished and not any(job.rating for job in self.jobs)

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

    def start(self, image: Image, mask: Mask, jobs: Sequence[Job], on_done: OnJob, after: OnJob | None = None) -> None:
        """Queue all jobs. `on_done` is called in a worker before a job turns to done, `after` later and out of the way (scores)."""
        for job in jobs:
            self._enter(job).submit(self._work, image, mask, job, on_done, after)

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

    def _work(self, image: Image, mask: Mask, job: Job, on_done: OnJob, after: OnJob | None) -> None:
        try:
            result = self._answer(image, mask, job)
            if job.halted:
                raise Cancelled
            job.result, job.seconds = result, result.seconds
            on_done(job)
            if not job.halted:
                job.rating, job.state = after is not None, "done"
                if after is not None:
                    self._pools["after"].submit(self._rate, job, after)
        except Cancelled:
            job.state, job.message = "stopped", STOPPED
        except (InputError, UnavailableError) as error:
            self._fail(job, str(error))
        except MemoryError:
            self._fail(job, "There is not enough memory for this hole; mask less or use a smaller picture.")
        except Exception as error:  # one method's fault must not take the others along
            self._fail(job, f"{registry.get(job.method).title} failed: {type(error).__name__}: {str(error)[:200]}")

    @staticmethod
    def _rate(job: Job, after: OnJob) -> None:
        try:
            after(job)
        finally:
            job.rating = False

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
            inpainter = registry.create(job.method, **job.options)
            return job.answer(inpainter, InpaintRequest(image, mask, seed=job.seed, guide=job.guide), on_step)
        finally:
            with self._lock:
                self._queues[job.pool].remove(job)


def refuse_local(spec: MethodSpec, options: Mapping[str, object]) -> None:
    """Raise InputError where an option would make this machine read files or download for whoever visits the page."""
    for option in spec.options:
        if option.local and options.get(option.name, option.default) != option.default:
            raise InputError(f"The option '{option.name}' is not for visitors of a page: use it with `python -m inpainters fill`.")


def parse_options(text: str) -> dict[str, object]:
    """Options as a JSON object; InputError with one sentence for anything else."""
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise InputError(f'Options are a JSON object such as {{"radius": 5}}; this one breaks at character {error.pos}.') from None
    if not isinstance(value, dict):
        raise InputError('Options are a JSON object such as {"radius": 5}.')
    return value

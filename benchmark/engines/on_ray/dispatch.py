"""Who does what: chunks wait in pools, one for the cores of the cluster and one for its GPUs, and come back
filled, failed, or to be tried again.
"""

from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.cells import Outcome
from benchmark.engines.on_ray import connection
from benchmark.engines.on_ray.chunks import Chunk, told_of
from benchmark.engines.on_ray.node import GpuProcess, fill_chunk
from benchmark.plan import Plan
from inpainters import registry
from inpainters.errors import InputError, sentence

AHEAD = 2
"""Chunks that a core or a GPU is given before it is done with the first: none waits for the driver."""
STANDSTILL = 60.0
"""Seconds without anything done after which is looked whether a GPU is gone."""
DIED = "The process that filled it died each time that it was tried."


@dataclass
class Dispatch:
    """Chunks that are given out, and what comes back."""

    ray: Any
    root: Path
    plan: Plan
    device: str
    bar: Any
    outcome: Outcome
    failed: dict[str, dict[str, str]] = field(default_factory=dict)
    """Cell's title -> image id -> reason."""
    places: dict[str, dict[str, object]] = field(default_factory=dict)
    """Cell's title -> where its first chunk was filled."""

    def do(self, chunks: Sequence[Chunk]) -> None:
        """Give all out, the longest first: to GPUs what can use one that is there, else to cores."""
        order = sorted(chunks, key=lambda chunk: -chunk.seconds)
        gpu = connection.gpu_serves(self.ray, self.device)
        able = [chunk for chunk in order if gpu and _uses_gpu(chunk.cell.method)]
        taken = set(map(id, able))
        cores = _Cores(self, deque(chunk for chunk in order if id(chunk) not in taken))
        pools = [_Gpus(self, deque(able)), cores] if able else [cores]
        while True:
            for pool in pools:
                pool.give()
            running = {ready: pool for pool in pools for ready in pool.awaited}
            if not running:
                return
            done, _ = self.ray.wait(list(running), num_returns=1, timeout=STANDSTILL)
            for ready in done:
                running[ready].take_back(ready)
            if not done:
                for pool in pools:
                    pool.check()
            if pools[0] is not cores and not pools[0].alive:  # the last GPU is gone
                cores.left.extend(pools.pop(0).left)

    def back(self, ready: Any, chunk: Chunk) -> list[Chunk]:
        """Note what a chunk came to; returns the parts of it that are to be tried by themselves."""
        own = self.failed.setdefault(chunk.cell.title, {})
        try:
            filled, failed, place = self.ray.get(ready)
        except self.ray.exceptions.RayTaskError as error:
            raise InputError(sentence(error.cause)) from None
        except self.ray.exceptions.RayError:  # its process is gone
            step = self.plan.batch if len(chunk.images) > self.plan.batch else 1
            if len(chunk.images) > step:
                parts = range(0, len(chunk.images), step)
                return [replace(chunk, images=chunk.images[i : i + step]) for i in parts]
            own.update(dict.fromkeys(chunk.images, DIED))
        else:
            self.outcome.filled += filled
            own.update(failed)
            self.places.setdefault(chunk.cell.title, place)
        self.bar.update(chunk.seconds)
        return []


@dataclass
class _Pool:
    """Chunks for one kind of place, a few of them given out at a time."""

    dispatch: Dispatch
    left: deque[Chunk]
    running: dict[Any, tuple[Chunk, Any]] = field(default_factory=dict)
    """What is awaited -> its chunk, and who is at it."""

    @property
    def alive(self) -> bool:
        return True

    @property
    def awaited(self) -> list[Any]:
        return list(self.running)

    def check(self) -> None:
        """Nothing has come back for a while: is all that is awaited still to come?"""

    def give(self) -> None:
        raise NotImplementedError

    def take_back(self, ready: Any) -> None:
        chunk, _ = self.running.pop(ready)
        self.left.extendleft(self.dispatch.back(ready, chunk))

    @property
    def told(self) -> tuple[str, str]:
        return told_of(self.dispatch.root)


class _Cores(_Pool):
    """Tasks of one core each, in processes that Ray keeps. Those whose process or node dies are tried again
    by Ray.
    """

    @cached_property
    def _task(self) -> Any:
        return self.dispatch.ray.remote(num_cpus=1, max_retries=connection.TRIES)(fill_chunk)

    def give(self) -> None:
        most = AHEAD * max(1, int(self.dispatch.ray.cluster_resources().get("CPU", 1)))
        while self.left and len(self.running) < most:
            chunk = self.left.popleft()
            self.running[self._task.remote(*self.told, chunk, self.dispatch.device)] = chunk, None


@dataclass
class _Gpus(_Pool):
    """A process for each GPU, which keeps it and the methods that it opened: a process that has used a GPU
    holds memory there, and must not come to another one.
    """

    processes: list[Any] = field(default_factory=list)
    coming: dict[Any, Any] = field(default_factory=dict)
    """What is awaited -> a process that has no GPU yet: another's work may hold it."""
    tries: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def alive(self) -> bool:
        return bool(self.processes or self._count())

    @property
    def awaited(self) -> list[Any]:
        return [*self.running, *(self.coming if self.left else ())]

    def _count(self) -> int:
        return int(self.dispatch.ray.cluster_resources().get("GPU", 0))

    def check(self) -> None:
        while self.coming and len(self.processes) + len(self.coming) > self._count():
            self.dispatch.ray.kill(self.coming.popitem()[1])  # it waits for a GPU that went with its node

    def give(self) -> None:
        ray, there = self.dispatch.ray, self._count()
        held = {"num_gpus": 1, "num_cpus": int(ray.cluster_resources().get("CPU", 0) >= 2 * there)}
        while self.left and len(self.processes) + len(self.coming) < there:
            process = ray.remote(**held)(GpuProcess).remote()
            self.coming[process.ready.remote()] = process
        for process in self.processes:
            ahead = sum(who is process for _, who in self.running.values())
            for _ in range(min(AHEAD - ahead, len(self.left))):
                chunk = self.left.popleft()
                self.running[process.fill.remote(*self.told, chunk, self.dispatch.device)] = chunk, process

    def take_back(self, ready: Any) -> None:
        """As before; of a process that is gone, what it was at is tried again by another, and what it would
        have come to next has not been tried.
        """
        if ready in self.coming:
            self._came(self.coming.pop(ready), ready)
            return
        process = self.running[ready][1]
        try:
            self.dispatch.ray.get(ready)
        except self.dispatch.ray.exceptions.RayTaskError:
            pass
        except self.dispatch.ray.exceptions.RayError:
            self.processes = [one for one in self.processes if one is not process]
            ready, *others = [one for one, (_, who) in self.running.items() if who is process]
            self.left.extendleft(self.running.pop(one)[0] for one in others)
            chunk = self.running[ready][0]
            name = (chunk.cell.title, *chunk.images)
            self.tries[name] += 1
            if self.tries[name] <= connection.TRIES:
                del self.running[ready]
                self.left.appendleft(chunk)
                return
        super().take_back(ready)

    def _came(self, process: Any, ready: Any) -> None:
        with suppress(self.dispatch.ray.exceptions.RayError):  # else it died, and another one comes
            self.dispatch.ray.get(ready)
            self.processes.append(process)


def _uses_gpu(method: str) -> bool:
    spec = registry.METHODS.get(method)
    return spec is not None and "torch" in spec.requires

"""Fill cells on a Ray cluster (Moritz et al. 2018, arXiv 1712.05889), or on all cores of this machine.

The cells are those of the local engine, cut into chunks of some seconds; each process computes with one
thread and keeps the methods that it opened. What a chunk has drawn lies in the results folder, which all
nodes must see. A chunk whose process dies is tried again, then picture by picture: one that kills its
process every time is recorded as failed. The driver writes the cells' manifests; a run that was killed goes
on where it was.
"""

import math
import os
import signal
import socket
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark import measure, mirror
from benchmark.cells import (
    Cell,
    ColumnKey,
    Outcome,
    column_folder,
    digest,
    file_sha256,
    finished,
    write_json,
)
from benchmark.engines.local import Filler, declared, open_method, running_bar
from benchmark.files import cell_manifest
from benchmark.inputs.frozen import Inputs, load_inputs, stored_inputs
from benchmark.mirror import Mirror
from benchmark.plan import Plan, load_plan, plan_file
from benchmark.record import meaning
from inpainters import registry
from inpainters.base import Inpainter
from inpainters.errors import InputError, UnavailableError, sentence
from inpainters.weights.files import ENV, cache

CHUNK = 20.0
"""Declared seconds of work that a process is given at once: short enough that none is waited for long, long
enough that opening a method hardly counts.
"""
AHEAD = 2
"""Chunks that a core or a GPU is given before it is done with the first: none waits for the driver."""
STANDSTILL = 60.0
"""Seconds without anything done after which is looked whether a GPU is gone."""
TRIES = 2
"""How often a chunk is given out again where its process dies."""
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
DIED = "The process that filled it died each time that it was tried."


@dataclass(frozen=True)
class Chunk:
    """Pictures of one cell."""

    cell: Cell
    images: tuple[str, ...]
    reference: str = ""
    """Of a method from elsewhere, which each process has to add to its table."""

    @property
    def seconds(self) -> float:
        """Declared, on the reference machine."""
        return declared(self.cell) * len(self.images)


def fill(
    root: Path,
    plan: Plan,
    cells: Sequence[Cell],
    inputs: Mapping[ColumnKey, Inputs],
    outcome: Outcome,
    *,
    device: str,
    address: str,
    quiet: bool,
) -> None:
    """As `local.fill`, on the cluster at `address`; a cluster of this machine alone where it is empty."""
    for cell in cells:
        images = plan.images(cell.entry, cell.column)
        write_json(cell.folder(root) / "key.json", meaning(cell, inputs[cell.column], images))
    chunks = [chunk for cell in cells for chunk in _chunks(root, plan, cell)]
    if elsewhere := mirror.of(root):
        elsewhere.push()  # the plan and the inputs, for the nodes
    with cluster(address) as ray, running_bar(plan, cells, quiet) as bar:
        bar.update(_total(plan, cells) - sum(chunk.seconds for chunk in chunks))
        work = _Work(ray, root, plan, device, bar, outcome)
        work.do(chunks)
        for cell in cells:
            if elsewhere:
                elsewhere.pull(cell.folder(root).relative_to(root).as_posix())
            _close(root, plan, cell, inputs[cell.column], work, outcome)


def _total(plan: Plan, cells: Sequence[Cell]) -> float:
    return sum(declared(cell) * len(plan.images(cell.entry, cell.column)) for cell in cells)


def _chunks(root: Path, plan: Plan, cell: Cell) -> Iterator[Chunk]:
    """What of a cell is to be filled; pictures that a method is given together stay together."""
    images, folder = plan.images(cell.entry, cell.column), cell.folder(root)
    size = plan.batch * max(1, math.ceil(CHUNK / max(declared(cell), 1e-3) / plan.batch))
    for start in range(0, len(images), size):
        some = images[start : start + size]
        if not all(finished(folder, image_id) for image_id in some):
            yield Chunk(cell, tuple(some), _reference(cell.method))


def _reference(method: str) -> str:
    """By what a process adds a method from elsewhere: files are named by their whole path."""
    reference = registry.reference_of(method)
    kind, _, rest = reference.partition(":")
    here = kind in registry.ELSEWHERE and Path(rest).exists()
    return f"{kind}:{Path(rest).resolve()}" if here else reference


@dataclass
class _Work:
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
        able = [chunk for chunk in order if _has_gpu(self.ray, self.device) and _uses_gpu(chunk.cell.method)]
        taken = set(map(id, able))
        cores = _Cores(self, deque(chunk for chunk in order if id(chunk) not in taken))
        lanes = [_Gpus(self, deque(able)), cores] if able else [cores]
        while True:
            for lane in lanes:
                lane.give()
            running = {ready: lane for lane in lanes for ready in lane.awaited}
            if not running:
                return
            done, _ = self.ray.wait(list(running), num_returns=1, timeout=STANDSTILL)
            for ready in done:
                running[ready].take_back(ready)
            if not done:
                for lane in lanes:
                    lane.check()
            if lanes[0] is not cores and not lanes[0].alive:  # the last GPU is gone
                cores.left.extend(lanes.pop(0).left)

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
class _Lane:
    """Chunks for one kind of place, a few of them given out at a time."""

    work: _Work
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
        self.left.extendleft(self.work.back(ready, chunk))

    @property
    def told(self) -> tuple[str, str]:
        return _where(self.work.root)


class _Cores(_Lane):
    """Tasks of one core each, in processes that Ray keeps. Those whose process or node dies are tried again
    by Ray.
    """

    @cached_property
    def _task(self) -> Any:
        return self.work.ray.remote(num_cpus=1, max_retries=TRIES)(fill_chunk)

    def give(self) -> None:
        most = AHEAD * max(1, int(self.work.ray.cluster_resources().get("CPU", 1)))
        while self.left and len(self.running) < most:
            chunk = self.left.popleft()
            self.running[self._task.remote(*self.told, chunk, self.work.device)] = chunk, None


@dataclass
class _Gpus(_Lane):
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
        return int(self.work.ray.cluster_resources().get("GPU", 0))

    def check(self) -> None:
        while self.coming and len(self.processes) + len(self.coming) > self._count():
            self.work.ray.kill(self.coming.popitem()[1])  # it waits for a GPU that went with its node

    def give(self) -> None:
        ray, there = self.work.ray, self._count()
        held = {"num_gpus": 1, "num_cpus": int(ray.cluster_resources().get("CPU", 0) >= 2 * there)}
        while self.left and len(self.processes) + len(self.coming) < there:
            process = ray.remote(**held)(_Process).remote()
            self.coming[process.ready.remote()] = process
        for process in self.processes:
            ahead = sum(who is process for _, who in self.running.values())
            for _ in range(min(AHEAD - ahead, len(self.left))):
                chunk = self.left.popleft()
                self.running[process.fill.remote(*self.told, chunk, self.work.device)] = chunk, process

    def take_back(self, ready: Any) -> None:
        """As before; of a process that is gone, what it was at is tried again by another, and what it would
        have come to next has not been tried.
        """
        if ready in self.coming:
            self._came(self.coming.pop(ready), ready)
            return
        process = self.running[ready][1]
        try:
            self.work.ray.get(ready)
        except self.work.ray.exceptions.RayTaskError:
            pass
        except self.work.ray.exceptions.RayError:
            self.processes = [one for one in self.processes if one is not process]
            ready, *others = [one for one, (_, who) in self.running.items() if who is process]
            self.left.extendleft(self.running.pop(one)[0] for one in others)
            chunk = self.running[ready][0]
            name = (chunk.cell.title, *chunk.images)
            self.tries[name] += 1
            if self.tries[name] <= TRIES:
                del self.running[ready]
                self.left.appendleft(chunk)
                return
        super().take_back(ready)

    def _came(self, process: Any, ready: Any) -> None:
        with suppress(self.work.ray.exceptions.RayError):  # else it died, and another one comes
            self.work.ray.get(ready)
            self.processes.append(process)


class _Process:
    """What runs on a GPU."""

    def ready(self) -> None:
        """Comes back when the process has its GPU."""

    def fill(
        self, root: str, url: str, chunk: Chunk, device: str
    ) -> tuple[int, dict[str, str], dict[str, object]]:
        return fill_chunk(root, url, chunk, device)


def _uses_gpu(method: str) -> bool:
    spec = registry.METHODS.get(method)
    return spec is not None and "torch" in spec.requires


def _has_gpu(ray: Any, device: str) -> bool:
    return not device.startswith("cpu") and ray.cluster_resources().get("GPU", 0) >= 1


def _where(root: Path) -> tuple[str, str]:
    """The results folder as a process is told of it, and the URL that it is worked on for, or ''."""
    elsewhere = mirror.of(root)
    return str(root.resolve()), elsewhere.url if elsewhere else ""


def _node_mirror(root: str, url: str) -> Mirror:
    """A folder of this node's own for what lies at `url`."""
    return Mirror(url, cache() / "nodes" / digest([root, url])[:16] / "results")


def fill_chunk(
    root: str, url: str, chunk: Chunk, device: str
) -> tuple[int, dict[str, str], dict[str, object]]:
    """What a process does: returns how many pictures it filled, the reason for each that it could not, and
    where that was. With a `url` what it needs comes from there, and its fills go there.
    """
    if not url:
        return _fill(Path(root), chunk, device)
    node = _node_mirror(root, url)
    plan = plan_file(node.folder)
    inputs = column_folder(node.folder, chunk.cell.dataset, chunk.cell.column) / "_inputs"
    where = inputs.relative_to(node.folder).as_posix()
    node.fetch([plan.relative_to(node.folder).as_posix(), f"{where}/inputs.json"])
    table = stored_inputs(inputs)
    files = table.files if table else {}
    names = [f"{image_id}{end}" for image_id in chunk.images for end in (".png", ".mask.png")]
    # an earlier run may have left others of these names
    node.fetch(f"{where}/{name}" for name in names if file_sha256(inputs / name) != files.get(name, ""))
    own = chunk.cell.folder(node.folder).relative_to(node.folder).as_posix()
    made = [f"{own}/{image_id}{end}" for image_id in chunk.images for end in (".png", ".json")]
    node.fetch(made)  # of a batch that was half done
    done = _fill(node.folder, chunk, device)
    node.send(name for name in made if (node.folder / name).exists())
    for name in made:
        (node.folder / name).unlink(missing_ok=True)
    return done


def _fill(folder: Path, chunk: Chunk, device: str) -> tuple[int, dict[str, str], dict[str, object]]:
    _one_thread()
    if not plan_file(folder).exists():
        raise InputError(
            f"A node does not see '{folder.name}': --out must be a folder that all nodes share, under one "
            "path, or a URL that all can write to."
        )
    if chunk.reference:
        registry.add(chunk.reference, chunk.cell.method)
    plan, outcome = _plan_of(folder, _changed(plan_file(folder))), Outcome()
    table = column_folder(folder, plan.dataset, chunk.cell.column) / "_inputs" / "inputs.json"
    filler = Filler(
        chunk.cell,
        folder,
        list(chunk.images),
        _inputs_of(folder, chunk.cell.column, _changed(plan_file(folder)), _changed(table)),
        _opened(chunk.cell.entry, device.partition(":")[0]),  # of GPUs a process sees its own alone
        plan.batch,
        _Silent(),
        outcome,
    )
    failed = filler.all_of(chunk.cell.folder(folder))
    return outcome.filled, failed, measure.environment()


class _Silent:
    """A bar that nobody sees."""

    def update(self, seconds: float) -> None:
        pass


def _changed(path: Path) -> int:
    """When a file was last written; 0 where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=2)
def _plan_of(folder: Path, changed: int) -> Plan:
    """Kept for the next chunks: of 36,500 pictures reading it takes longer than a fast fill."""
    return load_plan(folder)


@lru_cache(maxsize=4)
def _inputs_of(folder: Path, column: ColumnKey, *changed: int) -> Inputs:
    return load_inputs(folder, _plan_of(folder, changed[0]), column)


@lru_cache(maxsize=2)
def _opened(entry: str, device: str) -> Inpainter | str:
    """A method with its weights, kept for the next chunks."""
    return open_method(entry, device)


def _one_thread() -> None:
    """The processes share the cores, and the bytes are those of the local engine with one thread. Other
    libraries go by ONE_THREAD when they are imported.
    """
    import cv2

    cv2.setNumThreads(1)


class _Closing(Filler):
    """Writes a cell's manifest after its chunks are done: what is not there then has a reason."""

    reasons: Mapping[str, str]
    place: Mapping[str, object] | None

    def environment(self) -> dict[str, object]:
        return dict(self.place) if self.place else super().environment()

    def draw(self, folder: Path, images: Sequence[str]) -> None:
        raise InputError(next(self.reasons[i] for i in images if i in self.reasons))


def _close(root: Path, plan: Plan, cell: Cell, inputs: Inputs, work: _Work, outcome: Outcome) -> None:
    images = plan.images(cell.entry, cell.column)
    own = Outcome()
    closing = _Closing(cell, root, images, inputs, "", plan.batch, _Told(), own)
    reasons = work.failed.get(cell.title, {})
    closing.reasons = {**dict.fromkeys(images, "It was not filled."), **reasons}
    closing.place = work.places.get(cell.title)
    closing.fill()
    outcome.failed.update(own.failed)
    stored = cell_manifest(cell.folder(root))
    for threads in stored.threads() if stored else ():
        if measure.unlike(threads, dict.fromkeys(("blas", "opencv", "torch"), 1)):
            outcome.unlike.setdefault(measure.in_words(threads), []).append(cell.title)


class _Told(_Silent):
    def set_description_str(self, text: str) -> None:
        pass


# --- scores -----------------------------------------------------------------------------------------


ColumnPart = tuple[int, int]
"""(i, n): of n parts of a column the i-th."""


def sum_over(
    function: Callable[[Path, ColumnKey, ColumnPart], int],
    root: Path,
    columns: Sequence[ColumnKey],
    most: int = 1,
    *,
    device: str = "cpu",
    address: str = "",
) -> int:
    """The sum of `function(root, column, part)` over all columns, in processes of the cluster; each has a GPU
    of its own where there are some and `device` is not the processor. Where there are fewer columns than
    cores, each is cut into parts, `most` of them at most.
    """
    with cluster(address) as ray:
        of = max(1, min(most, -(-int(ray.cluster_resources().get("CPU", 1)) // len(columns))))
        gpu = {"num_gpus": 1, "max_calls": 1} if _has_gpu(ray, device) else {}
        task = ray.remote(_with_one_thread).options(num_cpus=1, max_retries=TRIES, **gpu)
        elsewhere = mirror.of(root)
        if elsewhere:
            elsewhere.push()
        parts = [(column, (i, of)) for column in columns for i in range(of)]
        given = [task.remote(function, *_where(root), *one) for one in parts]
        try:
            found: int = sum(ray.get(given))
            if elsewhere:
                elsewhere.pull()
            return found
        except ray.exceptions.RayTaskError as error:
            raise InputError(sentence(error.cause)) from None
        except ray.exceptions.RayError as error:
            raise InputError(
                f"A process that scored died each time that it was tried ({sentence(error)}): start again, "
                "what was scored is kept."
            ) from None


def _with_one_thread(
    function: Callable[[Path, ColumnKey, ColumnPart], int],
    root: str,
    url: str,
    column: ColumnKey,
    part: ColumnPart,
) -> int:
    _one_thread()
    if not url:
        return function(Path(root), column, part)
    node = _node_mirror(root, url)
    plan = plan_file(node.folder)
    node.fetch([plan.relative_to(node.folder).as_posix()])
    of = column_folder(node.folder, load_plan(node.folder).dataset, column)
    node.pull(of.relative_to(node.folder).as_posix())
    found = function(node.folder, column, part)
    node.send(
        path.relative_to(node.folder).as_posix()
        for path in of.rglob("*")
        if path.name.startswith("scores.") or path.parent.name == "features"
    )
    return found


# --- the cluster ------------------------------------------------------------------------------------


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """Ray, connected to the cluster at `address`, or to one of this machine's cores that ends afterwards.

    Raises UnavailableError where the package is absent, InputError where nothing answers.
    """
    if find_spec("ray") is None:
        raise UnavailableError("--engine ray needs the package 'ray': run `pip install ray`.")
    os.environ.setdefault("RAY_task_oom_retries", str(TRIES))  # else what takes all memory is tried for ever
    if not address:  # nobody else is to reach it; another cluster says itself how it is entered
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    import ray

    if address and address != "auto" and "://" not in address:
        _check_answer(address)
    given = {name: value for name in (ENV, "HF_HOME", "TORCH_HOME") if (value := os.environ.get(name))}
    given["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])  # for one's own methods
    where = {"address": address} if address else {"num_cpus": measure.cores(), "include_dashboard": False}
    try:
        ray.init(
            **where, runtime_env={"env_vars": {**given, **ONE_THREAD}}, log_to_driver=False,
            configure_logging=False,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise InputError(f"No Ray cluster answers at '{address}' ({sentence(error)}).") from None
    try:
        yield ray
    finally:
        with _unbroken():
            ray.shutdown()


def _check_answer(address: str) -> None:
    """Raise InputError where nothing answers: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"No Ray cluster answers at '{address}' ({sentence(error)}): start one by `ray start --head`."
        ) from None


@contextmanager
def _unbroken() -> Iterator[None]:
    """A second Ctrl-C must not leave the cluster's processes behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""Fill cells on a Ray cluster (Moritz et al. 2018, arXiv 1712.05889), or on all cores of this machine.

The cells are those of the local engine, cut into short chunks; each process computes with one
thread and keeps the methods that it opened. What a chunk has drawn lies in the results folder, which all
nodes must see. A chunk whose process dies is tried again, then picture by picture: one that kills its
process every time is recorded as failed. The driver writes the cells' manifests; a run that was killed goes
on where it was.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import measure, mirror
from benchmark.cells import Cell, ColumnKey, Outcome, write_json
from benchmark.engines.local import Filler, declared, running_bar
from benchmark.engines.on_ray import connection
from benchmark.engines.on_ray.chunks import chunks_of, longest, told_of
from benchmark.engines.on_ray.dispatch import Dispatch
from benchmark.engines.on_ray.node import SilentBar, with_one_thread
from benchmark.files import cell_manifest
from benchmark.hands import ScoreWork, WorkDone
from benchmark.inputs.frozen import Inputs
from benchmark.plan import Plan
from benchmark.record import meaning
from inpainters.errors import InputError, sentence


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
    if elsewhere := mirror.of(root):
        elsewhere.push()  # the plan and the inputs, for the nodes
    with connection.cluster(address) as ray, running_bar(plan, cells, quiet) as bar:
        total, there = _total(plan, cells), ray.cluster_resources()
        seconds = longest(total, int(there.get("CPU", 1) + there.get("GPU", 0)))
        chunks = [chunk for cell in cells for chunk in chunks_of(root, plan, cell, seconds)]
        bar.update(total - sum(chunk.seconds for chunk in chunks))
        given = Dispatch(ray, root, plan, device, bar, outcome)
        given.do(chunks)
        for cell in cells:
            if elsewhere:
                elsewhere.pull(cell.folder(root).relative_to(root).as_posix())
            _close(root, plan, cell, inputs[cell.column], given, outcome)


def _total(plan: Plan, cells: Sequence[Cell]) -> float:
    return sum(declared(cell, plan.size) * len(plan.images(cell.entry, cell.column)) for cell in cells)


class _Closing(Filler):
    """Writes a cell's manifest after its chunks are done: what is not there then has a reason."""

    reasons: Mapping[str, str]
    place: Mapping[str, object] | None

    def environment(self) -> dict[str, object]:
        return dict(self.place) if self.place else super().environment()

    def draw(self, folder: Path, images: Sequence[str]) -> None:
        raise InputError(next(self.reasons[i] for i in images if i in self.reasons))


def _close(root: Path, plan: Plan, cell: Cell, inputs: Inputs, given: Dispatch, outcome: Outcome) -> None:
    images = plan.images(cell.entry, cell.column)
    own = Outcome()
    closing = _Closing(cell, root, images, inputs, "", plan.batch, _Told(), own)
    reasons = given.failed.get(cell.title, {})
    closing.reasons = {**dict.fromkeys(images, "It was not filled."), **reasons}
    closing.place = given.places.get(cell.title)
    closing.fill()
    outcome.failed.update(own.failed)
    stored = cell_manifest(cell.folder(root))
    for threads in stored.threads() if stored else ():
        if measure.unlike(threads, dict.fromkeys(("blas", "opencv", "torch"), 1)):
            outcome.unlike.setdefault(measure.in_words(threads), []).append(cell.title)


class _Told(SilentBar):
    def set_description_str(self, text: str) -> None:
        pass


@dataclass
class _RayHands:
    """Processes of the cluster as `hands.Hands`; each has a GPU of its own where there are some."""

    ray: Any
    task: Any
    function: Callable[[Path, ScoreWork], int]
    root: Path
    number: int

    def done(self, waiting: deque[ScoreWork]) -> WorkDone:
        running: dict[Any, ScoreWork] = {}
        while waiting or running:
            while waiting:
                work = waiting.popleft()
                running[self.task.remote(self.function, *told_of(self.root), work)] = work
            (ready,), _ = self.ray.wait(list(running), num_returns=1)
            work = running.pop(ready)
            try:
                found = self.ray.get(ready)
            except self.ray.exceptions.RayTaskError as error:
                raise InputError(sentence(error.cause)) from None
            except self.ray.exceptions.RayError:  # its process is gone
                found = None
            yield work, found

    def gather(self) -> None:
        if elsewhere := mirror.of(self.root):
            elsewhere.pull()

    def send(self) -> None:
        if elsewhere := mirror.of(self.root):
            elsewhere.push()


@contextmanager
def hands(
    function: Callable[[Path, ScoreWork], int], root: Path, *, device: str = "cpu", address: str = ""
) -> Iterator[_RayHands]:
    """Processes of the cluster at `address` that do work by `function(root, work)`; one for each GPU where
    there are some and `device` is not the processor, else for each core.
    """
    with connection.cluster(address) as ray:
        serves = connection.gpu_serves(ray, device)
        gpu = {"num_gpus": 1, "max_calls": 1} if serves else {}
        # what dies is cut before it is tried again
        task = ray.remote(with_one_thread).options(num_cpus=1, max_retries=0, **gpu)
        number = int(ray.cluster_resources().get("GPU" if serves else "CPU", 1))
        yield _RayHands(ray, task, function, root, max(1, number))

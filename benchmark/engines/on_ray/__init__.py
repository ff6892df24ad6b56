"""Fill cells on a Ray cluster (Moritz et al. 2018, arXiv 1712.05889), or on all cores of this machine.

The cells are those of the local engine, cut into short chunks; each process computes with one
thread and keeps the methods that it opened. What a chunk has drawn lies in the results folder, which all
nodes must see. A chunk whose process dies is tried again, then picture by picture: one that kills its
process every time is recorded as failed. The driver writes the cells' manifests; a run that was killed goes
on where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmark import measure, mirror
from benchmark.cells import Cell, ColumnKey, Outcome, write_json
from benchmark.engines.local import Filler, declared, running_bar
from benchmark.engines.on_ray import connection
from benchmark.engines.on_ray.chunks import chunks_of, longest, told_of
from benchmark.engines.on_ray.dispatch import Dispatch
from benchmark.engines.on_ray.node import ColumnPart, SilentBar, with_one_thread
from benchmark.files import cell_manifest
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
    with connection.cluster(address) as ray:
        of = max(1, min(most, -(-int(ray.cluster_resources().get("CPU", 1)) // len(columns))))
        gpu = {"num_gpus": 1, "max_calls": 1} if connection.gpu_serves(ray, device) else {}
        task = ray.remote(with_one_thread).options(num_cpus=1, max_retries=connection.TRIES, **gpu)
        elsewhere = mirror.of(root)
        if elsewhere:
            elsewhere.push()
        parts = [(column, (i, of)) for column in columns for i in range(of)]
        given = [task.remote(function, *told_of(root), *one) for one in parts]
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

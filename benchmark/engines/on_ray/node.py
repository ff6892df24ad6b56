"""What a process of the cluster does with what it is given, on whichever node it is."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from benchmark import measure
from benchmark.cells import ColumnKey, Outcome, column_folder, digest, file_sha256
from benchmark.engines.local import Filler, open_method
from benchmark.engines.on_ray.chunks import Chunk
from benchmark.hands import ScoreWork
from benchmark.inputs.frozen import Inputs, load_inputs, stored_inputs
from benchmark.mirror import Mirror
from benchmark.plan import Plan, load_plan, plan_file
from inpainters import registry
from inpainters.base import Inpainter
from inpainters.errors import InputError
from inpainters.weights.files import cache

ChunkDone = tuple[int, dict[str, str], dict[str, object]]
"""Of a chunk: how many pictures were filled, image id -> the reason why not, and where that was."""


class GpuProcess:
    """What runs on a GPU, and keeps it."""

    def ready(self) -> None:
        """Comes back when the process has its GPU."""

    def fill(self, root: str, url: str, chunk: Chunk, device: str) -> ChunkDone:
        return fill_chunk(root, url, chunk, device)


def fill_chunk(root: str, url: str, chunk: Chunk, device: str) -> ChunkDone:
    """Fill the pictures of a chunk in the results folder `root`. With a `url` what that needs comes from
    there, and the fills go there.
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


def _fill(folder: Path, chunk: Chunk, device: str) -> ChunkDone:
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
        SilentBar(),
        outcome,
    )
    failed = filler.all_of(chunk.cell.folder(folder))
    return outcome.filled, failed, measure.environment()


def with_one_thread(function: Callable[[Path, ScoreWork], int], root: str, url: str, work: ScoreWork) -> int:
    """What `function` returns for some work, which it does on this node."""
    _one_thread()
    if not url:
        return function(Path(root), work)
    node = _node_mirror(root, url)
    plan = plan_file(node.folder)
    node.fetch([plan.relative_to(node.folder).as_posix()])
    of = column_folder(node.folder, load_plan(node.folder).dataset, work.column)
    node.pull(of.relative_to(node.folder).as_posix())
    before = _scores_below(of)
    found = function(node.folder, work)
    now = _scores_below(of)  # what others wrote meanwhile is newer there than what came here
    node.send(p.relative_to(node.folder).as_posix() for p in now if now[p] != before.get(p))
    return found


def _scores_below(folder: Path) -> dict[Path, int]:
    """Files of scores and features -> when they were written."""
    return {
        path: _changed(path)
        for path in folder.rglob("*")
        if path.name.startswith("scores.") or path.parent.name == "features"
    }


def _node_mirror(root: str, url: str) -> Mirror:
    """A folder of this node's own for what lies at `url`."""
    return Mirror(url, cache() / "nodes" / digest([root, url])[:16] / "results")


class SilentBar:
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

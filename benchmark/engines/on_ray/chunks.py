"""What a process is given at once: some pictures of a cell."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark import mirror
from benchmark.cells import Cell, finished
from benchmark.engines.local import declared
from benchmark.plan import USUAL_SIZE, Plan
from inpainters import registry

CHUNK = 20.0
"""Most declared seconds of work that a process is given at once: short enough that none is waited for long,
long enough that opening a method hardly counts.
"""
_TURNS = 16
"""Chunks that each process gets of a shorter run, so that all end at about the same time."""
_LEAST = 1.0
"""Declared seconds below which no chunk is cut, unless CHUNK is less."""


@dataclass(frozen=True)
class Chunk:
    """Pictures of one cell."""

    cell: Cell
    images: tuple[str, ...]
    reference: str = ""
    """Of a method from elsewhere, which each process has to add to its table."""
    size: tuple[int, int] = USUAL_SIZE
    """(height, width) of a usual picture."""

    @property
    def seconds(self) -> float:
        """Declared, on the reference machine."""
        return declared(self.cell, self.size) * len(self.images)


def longest(seconds: float, processes: int) -> float:
    """Declared seconds of a chunk, of a run of so many, on so many processes."""
    return min(CHUNK, max(_LEAST, seconds / (_TURNS * max(1, processes))))


def chunks_of(root: Path, plan: Plan, cell: Cell, seconds: float) -> Iterator[Chunk]:
    """What of a cell is to be filled, in chunks of so many declared seconds; pictures that a method is given
    together stay together.
    """
    images, folder = plan.images(cell.entry, cell.column), cell.folder(root)
    size = plan.batch * max(1, math.ceil(seconds / max(declared(cell, plan.size), 1e-3) / plan.batch))
    for start in range(0, len(images), size):
        some = images[start : start + size]
        if not all(finished(folder, image_id) for image_id in some):
            yield Chunk(cell, tuple(some), _reference(cell.method), plan.size)


def _reference(method: str) -> str:
    """By what a process adds a method from elsewhere: files are named by their whole path."""
    reference = registry.reference_of(method)
    kind, _, rest = reference.partition(":")
    here = kind in registry.ELSEWHERE and Path(rest).exists()
    return f"{kind}:{Path(rest).resolve()}" if here else reference


def told_of(root: Path) -> tuple[str, str]:
    """The results folder as a process is told of it, and the URL that it is worked on for, or ''."""
    elsewhere = mirror.of(root)
    return str(root.resolve()), elsewhere.url if elsewhere else ""

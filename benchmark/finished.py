"""Whether a finished run is just as it was left, told by names, sizes and times of files in a moment.

Contents are not read, and of a run of very many pictures (MANY) only those of each cell together are looked
at: one that is gone or was put in another's place is noticed, one that was written over is not. `score` and
`verify` read all.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import benchmark
import inpainters
from benchmark.cells import digest, read_json, write_json
from inpainters.weights.files import folders

_FILE = "finished.json"
"""In `cells`: what the last run was asked for, and how it left its files."""
_CELL = 5
"""Folders below `cells` down to a cell's own: dataset, mask set, bin, method, options and seed."""
MANY = 50_000
"""Files of a results folder that are looked at one by one, at most: some tenths of a second."""


def is_finished(root: Path, used: Mapping[str, str]) -> bool:
    """True where the last run of `root` used the same (`used_by`), left nothing to do, and nothing that it
    wrote has another size or time.
    """
    stored = read_json(root / "cells" / _FILE)
    return stored is not None and stored == {**used, "left": _left(root)}


def note_finished(root: Path, used: Mapping[str, str]) -> None:
    """Note that `root` holds all that was asked for; `used` as it was when the run began."""
    write_json(root / "cells" / _FILE, {**used, "left": _left(root)})


def used_by(asked: Mapping[str, object]) -> dict[str, str]:
    """Digests of what a run is asked for, and of names, sizes and times of what it uses: photographs, masks,
    weights, packages, this program.
    """
    given = {name: str(value) for name, value in asked.items()}
    code = [path for package in (benchmark, inpainters) for path in _tree(Path(package.__path__[0]))]
    weights = [path for folder in folders() for path in _entries(folder)]
    installed = [Path(entry) for entry in sys.path if entry]
    here = [path for name in given.keys() - {"out", "weights"} for path in _named(given[name])]
    return {"asked": digest(given), "used": _digest((*code, *weights, *installed, *here))}


def _left(root: Path) -> str:
    own = [path for path in _entries(root) if path.name != "cells"]
    every = list(islice(_tree(root / "cells"), MANY + 1))
    if len(every) > MANY:
        every = [path for cell in _cells(root) for path in (cell, *_stated(cell))]
    return _digest((*own, *(path for path in every if path.name not in (_FILE, ".lock"))))


def _digest(paths: Iterable[Path]) -> str:
    return digest(sorted(map(_stat, paths)))


def _stat(path: Path) -> list[str]:
    try:
        found = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), str(found.st_mtime_ns), str(found.st_size)]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder))
    except OSError:
        return []


def _tree(folder: Path) -> Iterator[Path]:
    """All files below a folder, compiled ones left out."""
    for path in _entries(folder):
        if not path.is_dir():
            yield path
        elif path.name != "__pycache__":
            yield from _tree(path)


def _named(value: str) -> Iterator[Path]:
    """The files and folders that an argument names, as in `folder:DIR:natural` or `telea,outputs:DIR`."""
    for part in value.split(","):
        behind = part.partition(":")[2]
        for text in (part, behind, behind.rpartition(":")[0]):
            if text and (path := Path(text)).exists():
                yield from _tree(path) if path.is_dir() else [path]


def _cells(root: Path) -> list[Path]:
    """The folders of the cells, and of each column's originals and masks."""
    folders, inputs = [root / "cells"], []
    for _ in range(_CELL):
        folders = [path for folder in folders for path in _entries(folder) if path.is_dir()]
        inputs += [path for path in folders if path.name == "_inputs"]
    return folders + inputs


def _stated(cell: Path) -> Iterator[Path]:
    """A folder's own files beside its pictures: a picture that comes or goes changes the folder's time."""
    yield from (cell / name for name in ("key.json", "manifest.json", "scores.json", "inputs.json"))

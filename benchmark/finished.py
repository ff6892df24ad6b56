"""Whether a finished run is just as it was left, told by names, sizes and times of files in a moment.

Contents are not read: a file that was changed and keeps its size and time goes unnoticed here; `score` and
`verify` read all.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import benchmark
import inpainters
from benchmark.cells import digest, read_json, write_json
from inpainters.weights.files import folders

_FILE = "finished.json"
"""In `cells`: what the last run was asked for, and how it left its files."""
_CELL = 5
"""Folders below `cells` down to a cell's own: dataset, mask set, bin, method, options and seed."""


def is_finished(root: Path, asked: Mapping[str, object]) -> bool:
    """True where the last run of `root` was asked for the same, left nothing to do, and since then nothing
    that it used or wrote has another size or time: pictures, masks, weights, packages, this program.
    """
    stored = read_json(root / "cells" / _FILE)
    return stored is not None and stored == _state(root, asked)


def note_finished(root: Path, asked: Mapping[str, object]) -> None:
    """Note that `root` holds all that was asked for."""
    write_json(root / "cells" / _FILE, _state(root, asked))


def _state(root: Path, asked: Mapping[str, object]) -> dict[str, str]:
    given = {name: str(value) for name, value in asked.items()}
    code = [path for package in (benchmark, inpainters) for path in _tree(Path(package.__path__[0]))]
    weights = [path for folder in folders() for path in _entries(folder)]
    installed = [Path(entry) for entry in sys.path if entry]
    here = [path for name in given.keys() - {"out", "weights"} for path in _named(given[name])]
    own = [path for path in _entries(root) if path.name != "cells"]
    return {
        "asked": digest(given),
        "used": _digest((*code, *weights, *installed, *here)),
        "left": _digest((*own, *(path for cell in _cells(root) for path in (cell, *_stated(cell))))),
    }


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
    """The files and folders that an argument names, as in `folder:DIR` or `telea,outputs:DIR`."""
    for part in value.split(","):
        for text in (part, part.partition(":")[2]):
            if text and (path := Path(text)).exists():
                yield from _tree(path) if path.is_dir() else [path]


def _cells(root: Path) -> list[Path]:
    folders = [root / "cells"]
    for _ in range(_CELL):
        folders = [path for folder in folders for path in _entries(folder) if path.is_dir()]
    return folders


def _stated(cell: Path) -> Iterator[Path]:
    """A cell's own files beside its pictures: a picture that comes or goes changes the folder's time."""
    yield from (cell / name for name in ("key.json", "manifest.json", "scores.json"))

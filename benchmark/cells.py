"""Files of a run: the cell (dataset, mask set, bin, method, options, seed), writing in one step, the lock."""

import errno
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from inpainters.errors import InputError

FORMAT = 1
"""Raised when the layout of a results folder changes."""


class ColumnKey(NamedTuple):
    """What all cells of a column share: holes of one mask set in one bin."""

    mask_set: str
    bin: str

    def __str__(self) -> str:
        return f"{self.mask_set} {self.bin}"


def hole_name(column: ColumnKey, image_id: str) -> str:
    """What a picture of a column is called where holes of all columns lie side by side: no two are alike."""
    return f"{column.mask_set}_{column.bin}_{image_id}"


@dataclass(frozen=True)
class Cell:
    """One unit of work; its folder is its key."""

    dataset: str
    mask_set: str
    bin: str
    method: str
    seed: int
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def options_text(self) -> str:
        """Compact JSON of the options that differ from the defaults; `{}` where none does."""
        return compact(self.options)

    @property
    def entry(self) -> str:
        """The method, with its options where they are not the defaults: what a row of a table is about."""
        return entry_of(self.method, self.options)

    @property
    def column(self) -> ColumnKey:
        return ColumnKey(self.mask_set, self.bin)

    @property
    def title(self) -> str:
        """What sentences call it, whichever of its entry's answers it holds."""
        return f"{self.entry} {self.column}"

    def folder(self, root: Path) -> Path:
        digest = hashlib.sha256(self.options_text.encode()).hexdigest()[:8]
        return column_folder(root, self.dataset, self.column) / self.method / f"{digest}-{self.seed}"


@dataclass
class Outcome:
    """What a run did: pictures filled now, and a reason for each one that failed."""

    filled: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    unlike: dict[str, list[str]] = field(default_factory=dict)
    """Numbers of threads (in words) that are not this run's -> the cells that keep pictures filled so."""


def entry_of(method: str, options: Mapping[str, object]) -> str:
    """A method with those of its options that are not the defaults."""
    return f"{method} {compact(options)}" if options else method


def split_entry(entry: str) -> tuple[str, dict[str, Any]]:
    """The method and the options of a `Cell.entry`."""
    method, _, options = entry.partition(" ")
    return method, json.loads(options) if options else {}


def column_folder(root: Path, dataset: str, column: ColumnKey) -> Path:
    """The folder of one column below a suite's results folder `root`."""
    return root / "cells" / dataset / column.mask_set / column.bin


def compact(value: object) -> str:
    """JSON on one line with sorted keys: the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object) -> str:
    """sha256 of the compact JSON of `value`."""
    return hashlib.sha256(compact(value).encode()).hexdigest()


def pixels_sha256(array: npt.NDArray[Any]) -> str:
    """sha256 of an array's shape, dtype and bytes: the same pixels, whatever the file they are in."""
    head = f"{array.shape}{array.dtype}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def write(path: Path, data: bytes) -> None:
    """Write a file in one step and wait for the disk: whoever finds it, finds all of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(
        f"{path.name}.{secrets.token_hex(4)}.part"
    )  # several processes may write it at once
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """Write readable JSON with sorted keys, in one step."""
    write(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no such file or it is no JSON object."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def file_sha256(path: Path) -> str | None:
    """sha256 of a file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def finished(folder: Path, image_id: str) -> bool:
    """True where a picture's PNG is there and is the one its record tells of."""
    record = read_json(folder / f"{image_id}.json")
    try:
        data = (folder / f"{image_id}.png").read_bytes()
    except OSError:
        return False
    return record is not None and hashlib.sha256(data).hexdigest() == record.get("sha256")


def difference(found: object, wanted: object, name: str = "") -> str | None:
    """The first field in which two JSON values differ, as in `packages.numpy: 2.0 there, 2.1 here`; None
    where none does.
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            if text := difference(found.get(key), wanted.get(key), f"{name}.{key}" if name else str(key)):
                return text
        return None
    return None if found == wanted else f"{name}: {_short(found)} there, {_short(wanted)} here"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else compact(value)
    return text if len(text) <= 48 else f"{text[:24]}…"


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Hold a results folder; raises InputError where another living process holds it."""
    path = root / "cells" / ".lock"
    mine = path.with_name(f".lock-{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mine.write_text(
            compact({"pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid())})
        )
        _take(mine, path, root)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise InputError(
                f"'{root.name}' may not be written to: check its permissions, or use --out."
            ) from None
        raise
    finally:
        with suppress(OSError):
            mine.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take(mine: Path, path: Path, root: Path) -> None:
    for _ in range(3):
        try:
            os.link(mine, path)  # fails where the name exists: one winner, and never an empty lock file
            return
        except FileExistsError:
            holder = read_json(path) or {}
            if holder.get("host", socket.gethostname()) != socket.gethostname():
                raise InputError(
                    f"Another run on '{str(holder['host'])[:40]}' is writing to '{root.name}': wait for it, "
                    "or delete cells/.lock if it is dead."
                ) from None
            if _alive(holder):
                raise InputError(
                    f"Another run (process {holder['pid']}) is writing to '{root.name}': wait for it, or use "
                    "--out."
                ) from None
            _drop(path, holder)
    raise InputError(f"'{root.name}' is being taken by another run: start again.")


def _drop(path: Path, holder: Mapping[str, Any]) -> None:
    """Remove the lock of a dead process; not one that another process has put in its place meanwhile."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        with suppress(ImportError, OSError):  # Windows, and disks without such locks
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # who removes this file, is alone with it
        if os.path.samestat(os.fstat(file.fileno()), path.stat()) and (read_json(path) or {}) == holder:
            path.unlink()


def _alive(holder: Mapping[str, Any]) -> bool:
    pid = holder.get("pid")
    if not isinstance(pid, int) or pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return holder.get("started") == _started(pid)  # a process of the same number may be another one


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

"""Bytes of one file from a server: what a broken download left is gone on with, and two processes do not
write into one file.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OnProgress = Callable[[int, int], object]
"""`on_progress(done, total)` counts bytes; total 0 where it is not known."""


@contextmanager
def part(folder: Path, file: str) -> Iterator[Path]:
    """What a download of a file is written to, with the bytes that an earlier one left; they stay where this
    one breaks off too. Another process that wants the same file waits, and should look for it then.
    """
    with one_at_a_time(folder, file):
        found = folder / f"{file}.part"
        try:
            yield found
        finally:
            if found.is_file() and not found.stat().st_size:
                found.unlink()


@contextmanager
def one_at_a_time(folder: Path, file: str) -> Iterator[None]:
    """Nobody else writes this file meanwhile: no thread, no process; a process that dies lets go."""
    from filelock import FileLock

    locks = folder / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{file}.lock"):
        yield


def first_there(folder: Path) -> Path:
    """The innermost folder that is there, or the file that is in its way."""
    return folder if folder.exists() or folder == folder.parent else first_there(folder.parent)


def get(
    url: str, path: Path, on_progress: OnProgress | None = None, headers: Mapping[str, str] | None = None
) -> None:
    """Append what is lacking to a file; raises what the Hub's client raises."""
    from huggingface_hub.file_download import http_get

    try:
        with path.open("ab") as file, _quiet():
            given = dict(headers) if headers else None
            http_get(url, file, resume_size=file.tell(), headers=given, tqdm_class=_reporting(on_progress))
    except Exception as error:
        if getattr(getattr(error, "response", None), "status_code", None) == 416:
            path.unlink()  # the server has no more bytes than that: it is another file
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Each retry would be a warning of two lines."""
    from huggingface_hub.utils import logging as hub

    before = hub.get_verbosity()
    hub.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        hub.set_verbosity(before)


def _reporting(on_progress: OnProgress | None) -> Any:
    """A class that is used as a tqdm bar is and reports what it is told."""

    class Bar:
        def __init__(self, *, total: int | None = None, initial: int = 0, **_: object) -> None:
            self.done, self.total = initial, total or 0

        def update(self, more: int) -> None:
            self.done += more
            if on_progress:
                on_progress(self.done, self.total)

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    return Bar

"""Downloads of weights files, on request alone: resumed, retried, believed by their sha256."""

import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

from inpainters.errors import UnavailableError, disk_full
from inpainters.weights.files import ENV, cache, digest_like, find_file, remedy, short, verified
from inpainters.weights.table import WEIGHTS

MIRROR = "INPAINTING_MIRROR"
"""Environment variable: a web address below which the files of the table lie by their names."""
ABANDONED = 600
"""Seconds after which a part that nobody wrote to is taken over."""

OnProgress = Callable[[int, int], object]


def fetch(name: str, on_progress: OnProgress | None = None) -> Path:
    """Download the first file of `name` into `cache()` unless it is here; return its path.

    `on_progress(done, total)` counts bytes, total 0 where unknown. The file appears only when it is whole and
    its sha256 is right; what a broken download left is gone on with. Raises InputError for an unknown name,
    UnavailableError with one sentence where it cannot be had.
    """
    if find_file(name) is not None:
        return verified(name)
    if WEIGHTS[name].bundled:
        raise UnavailableError(f"The weights '{name}' are bundled, not downloaded: {remedy(name)}.")
    file, digest = next(iter(WEIGHTS[name].files.items()))
    url = address(name)
    cache().mkdir(parents=True, exist_ok=True)
    with _part(file) as part:
        if not (part.is_file() and digest_like(part, digest).startswith(digest)):
            _download(url, part, on_progress)
        if not (found := digest_like(part, digest)).startswith(digest):
            part.unlink()
            raise UnavailableError(
                f"What came for '{name}' is another file ({short(found)}, not {short(digest)}): try again "
                "later."
            )
        return part.replace(cache() / file)


def address(name: str) -> str:
    """Where the first file of `name` is downloaded from: below the mirror where one is set, else its row."""
    if mirror := os.environ.get(MIRROR):
        return f"{mirror.rstrip('/')}/{next(iter(WEIGHTS[name].files))}"
    return resolve(WEIGHTS[name].url)


def resolve(url: str) -> str:
    """A URL as it is, or the one that a library carries under 'module:attribute'."""
    if "://" in url:
        return url
    module, _, attribute = url.partition(":")
    try:
        return str(attrgetter(attribute)(importlib.import_module(module)))
    except (ImportError, AttributeError):
        package = module.partition(".")[0]
        raise UnavailableError(
            f"Where to get this file is known to the package '{package}': run `pip install -U {package}`."
        ) from None


@contextmanager
def _part(file: str) -> Iterator[Path]:
    """A file of this process's own, with the bytes that an earlier download left; they stay where this one
    breaks off too.
    """
    mine, left = cache() / f"{file}.{os.getpid()}.part", cache() / f"{file}.part"
    for path in (left, *cache().glob(f"{file}.*.part")):
        with suppress(FileNotFoundError):  # another process was faster
            if path == left or time.time() - path.stat().st_mtime > ABANDONED:
                path.replace(mine)
                break
    try:
        yield mine
    finally:
        if mine.is_file():
            mine.replace(left) if mine.stat().st_size else mine.unlink()


def _download(url: str, part: Path, on_progress: OnProgress | None) -> None:
    """Append what is lacking to the part."""
    from huggingface_hub.file_download import http_get

    try:
        with part.open("ab") as file, _quiet():
            http_get(url, file, resume_size=file.tell(), tqdm_class=_reporting(on_progress))
    except Exception as error:  # whatever a library for networks makes of there being none
        if disk_full(error):
            raise
        if _is_past_the_end(error):
            part.unlink()
        cause = str(error).partition("\n")[0][:120] or type(error).__name__
        raise UnavailableError(
            f"'{part.name.rsplit('.', 2)[0]}' could not be downloaded ({cause}): check the network, or put "
            f"the file into a folder named by {ENV}."
        ) from None


def _is_past_the_end(error: Exception) -> bool:
    """True where a server has no more bytes than the part, which is another file then."""
    return getattr(getattr(error, "response", None), "status_code", None) == 416


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

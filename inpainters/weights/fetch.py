"""Downloads of weights files, on request alone."""

import http.client
import importlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from inpainters.errors import UnavailableError
from inpainters.weights.files import ENV, cache, find, remedy, sha256, verified
from inpainters.weights.table import WEIGHTS


def fetch(name: str, on_progress: Callable[[int, int], object] | None = None) -> Path:
    """Download the first file of `name` into `cache()` unless it is here; return its path.

    `on_progress(done, total)` counts bytes, total 0 where unknown. The file appears only when it is whole and
    its sha256 is right. Raises InputError for an unknown name, UnavailableError with one sentence where it
    cannot be had.
    """
    if find(name) is not None:
        return verified(name)
    if WEIGHTS[name].bundled:
        raise UnavailableError(f"The weights '{name}' are bundled, not downloaded: {remedy(name)}.")
    file, digest = next(iter(WEIGHTS[name].files.items()))
    url = resolve(WEIGHTS[name].url)
    cache().mkdir(parents=True, exist_ok=True)
    part = cache() / f"{file}.{os.getpid()}.part"
    try:
        _download(url, part, on_progress)
        if not (found := sha256(part)).startswith(digest):
            raise UnavailableError(
                f"What came for '{name}' is another file (sha256 {found[:8]}…, not {digest[:8]}…): try again "
                "later."
            )
        return part.replace(cache() / file)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        cause = getattr(error, "reason", None) or type(error).__name__
        raise UnavailableError(
            f"'{file}' could not be downloaded ({cause}): check the network, or put the file into a folder "
            f"named by {ENV}."
        ) from None
    finally:
        part.unlink(missing_ok=True)


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


def _download(url: str, part: Path, on_progress: Callable[[int, int], object] | None) -> None:
    with urllib.request.urlopen(url, timeout=30) as answer, part.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := answer.read(1 << 20):
            file.write(chunk)
            done += len(chunk)
            if on_progress:
                on_progress(done, total)
        if done < total:
            raise ConnectionError

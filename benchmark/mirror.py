"""Results folders elsewhere: in an object store, on the Hub, wherever fsspec writes (`s3://`, `gs://`,
`hf://`, `file://` ...).

The work is done in a folder of this machine. Before it everything that lies there comes here; while it goes
on, and at its end, what is new here goes there. One run at a time writes to a place: there is no lock.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from benchmark.cells import digest, read_json, write_json
from inpainters.errors import InputError, sentence
from inpainters.weights.files import cache

EVERY = 30.0
"""Seconds between two times that new files go there; ten times as long as looking for them takes, at least.
"""
_INDEX = "index.json"
"""Beside the folder: what was brought and sent."""
_VERSIONS = (
    *("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created"),
    *("oid", "blob_id", "xet_hash", "sha256", "md5", "md5Hash"),
)
"""What file systems say of a file, by which another content is told."""


def is_url(text: object) -> bool:
    """True for a place that is not a path of this machine."""
    return isinstance(text, str) and "://" in text


@dataclass
class Mirror:
    """A place and the folder of this machine that it is worked on in.

    Raises InputError where the place is of an unknown kind, needs a package, or does not answer.
    """

    url: str
    folder: Path
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> `here`: size and time of the file as it went there or came; `there`: what it is there, None
    where that was not looked up since.
    """
    turn: threading.RLock = field(default_factory=threading.RLock)
    """Held while files come or go."""

    def __post_init__(self) -> None:
        with self._told():
            import fsspec

            self.system, self.base = fsspec.core.url_to_fs(self.url)
        self.known |= read_json(self.folder.parent / _INDEX) or {}

    def pull(self, below: str = "") -> None:
        """Bring what lies there, below a folder, and is absent here or another."""
        with self.turn, self._told():
            found = self._listed(below)
            for name, version in found.items():
                target = self._local(name)
                if not target.exists() or self.known.get(name, {}).get("there") != version:
                    self._bring(f"{self.base}/{name}", target)
                    self.known[name] = {"here": _stat(target), "there": version}
            for name in [one for one in self.known if one.startswith(below) and one not in found]:
                del self.known[name]  # it was taken away there, and goes there again
            self._save()

    def _listed(self, below: str = "") -> dict[str, str]:
        """Name -> version of what lies there."""
        self.system.invalidate_cache()
        where = f"{self.base}/{below}".rstrip("/")
        found = self.system.find(where, detail=True) if self.system.exists(where) else {}
        return {str(path).removeprefix(f"{self.base}/"): _version(about) for path, about in found.items()}

    def fetch(self, names: Iterable[str]) -> None:
        """Bring these files, without looking what else there is; of those that are not there nothing comes.
        One that this process has brought, and that is the same there still, stays as it is.
        """
        with self._told():
            self.system.invalidate_cache()
            for name in names:
                target = self._local(name)
                with suppress(FileNotFoundError):
                    there = _version(self.system.info(f"{self.base}/{name}"))
                    if not target.exists() or _BROUGHT.get(target) != there:
                        self._bring(f"{self.base}/{name}", target)
                        _BROUGHT[target] = there

    def send(self, names: Iterable[str]) -> None:
        """Send these files."""
        with self._told():
            for name in names:
                there = f"{self.base}/{name}"
                self.system.makedirs(there.rpartition("/")[0], exist_ok=True)
                self.system.put_file(str(self.folder / name), there)

    def push(self) -> None:
        """Send what is new or another here, the oldest first, so that nothing that names a file comes before
        it; and take away there what is gone here.
        """
        with self.turn, self._told():
            here = dict(self._files())
            changed = [name for name, stat in here.items() if stat != self.known.get(name, {}).get("here")]
            for name in sorted(changed, key=lambda one: here[one][1]):
                with suppress(FileNotFoundError):  # it was taken away meanwhile
                    self.send([name])
                    self.known[name] = {"here": here[name], "there": None}
            for name in sorted(self.known.keys() - here.keys()):
                with suppress(FileNotFoundError):
                    self.system.rm_file(f"{self.base}/{name}")
                del self.known[name]
            self._save()

    def look_up(self) -> None:
        """Note what the files that were sent are there, so that another content is told the next time."""
        with self.turn, self._told():
            found = self._listed()
            for name in [one for one, entry in self.known.items() if entry["there"] is None]:
                self.known[name]["there"] = found.get(name)
            self._save()

    def _bring(self, path: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{threading.get_native_id()}.part")
        try:
            self.system.get_file(path, str(part))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _local(self, name: str) -> Path:
        """Where a file lies here; raises InputError for a name that would lead elsewhere."""
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or "\\" in name:
            raise InputError(f"'{self.url}' holds a file '{name[:60]}', which is none of a results folder.")
        return self.folder.joinpath(*parts)

    def _files(self) -> Iterator[tuple[str, list[int]]]:
        for path in self.folder.rglob("*"):
            if path.suffix != ".part" and not path.name.startswith("."):
                with suppress(OSError):
                    if path.is_file():
                        yield path.relative_to(self.folder).as_posix(), _stat(path)

    def _save(self) -> None:
        write_json(self.folder.parent / _INDEX, self.known)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (InputError, FileNotFoundError):
            raise
        except ImportError as error:
            raise InputError(f"'{self.url}' needs another package: {sentence(error)}") from None
        except Exception as error:  # whatever a file system of somebody else's raises
            raise InputError(f"'{self.url}' cannot be used ({sentence(error)}).") from None


def _version(about: dict[str, Any]) -> str:
    return digest({key: str(about[key]) for key in _VERSIONS if key in about})


def _stat(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


_OPEN: dict[Path, Mirror] = {}
_BROUGHT: dict[Path, str] = {}
"""File -> what it was there when this process fetched it."""


def of(root: Path) -> Mirror | None:
    """The mirror that this folder is worked on for, if any."""
    return _OPEN.get(root.resolve())


@contextmanager
def mirrored(url: str) -> Iterator[Path]:
    """The folder of this machine in which a results folder that lies at `url` is worked on: all of it is
    here, and while the block lasts what is new goes there.
    """
    url = url.rstrip("/")
    folder = cache() / "runs" / digest(url)[:16] / (PurePosixPath(url).name or "results")
    mirror = Mirror(url, folder.resolve())
    mirror.pull()
    _OPEN[mirror.folder] = mirror
    ended = threading.Event()
    sender = threading.Thread(target=_keep_sending, args=(mirror, ended), daemon=True)
    sender.start()
    try:
        yield mirror.folder
    finally:
        ended.set()
        sender.join()
        del _OPEN[mirror.folder]
        try:
            mirror.push()
            mirror.look_up()
        except InputError as error:
            raise InputError(
                f"{error} What was made lies in '{folder}': start again, and it goes there."
            ) from None


def _keep_sending(mirror: Mirror, ended: threading.Event) -> None:
    pause = EVERY
    while not ended.wait(pause):
        began = time.monotonic()
        with suppress(InputError, OSError):  # the next time, or at the end
            mirror.push()
        pause = max(EVERY, 10 * (time.monotonic() - began))


@contextmanager
def brought(parsed: Any, names: Sequence[str]) -> Iterator[None]:
    """Each of the arguments `names` that is a place elsewhere becomes the folder where it is worked on."""
    with ExitStack() as stack:
        folders: dict[str, Path] = {}

        def here(place: Any) -> Any:
            if not is_url(place):
                return place
            if (url := place.rstrip("/")) not in folders:  # one that is named twice is opened once
                folders[url] = stack.enter_context(mirrored(url))
            return folders[url]

        for name in [one for one in names if hasattr(parsed, one)]:
            value = getattr(parsed, name)
            setattr(parsed, name, [here(one) for one in value] if isinstance(value, list) else here(value))
        yield

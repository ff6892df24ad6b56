"""Where weights files lie: find them, check their sha256, say what to do where they are not."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from inpainters.errors import UnavailableError, unknown
from inpainters.weights import hub, transfer
from inpainters.weights.table import WEIGHTS

ENV = "INPAINTING_WEIGHTS"
"""Environment variable: folders with weights files, separated as in PATH."""
CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""Where the bundled weights lie, each with its card."""
LOCK = "weights.lock"
"""What whoever runs the program has accepted where no publisher prints a digest, in `cache()`: row -> file or
repository -> its digest or its commit."""
CHECKED = "checked"
"""Stands beside a pipeline's commits once all its files have come and their digests were right."""
_MD5 = "md5:"
_REPOSITORY = "the repository's folder inpainters/weights/checkpoints"


def folders() -> Iterator[Path]:
    """Where weights are looked for: the ENV folders, the usual caches, the bundled ones."""
    yield from (Path(part) for part in os.environ.get(ENV, "").split(os.pathsep) if part)
    yield cache()
    yield Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch")) / "hub" / "checkpoints"
    yield CHECKPOINTS


def cache() -> Path:
    """The folder `fetch` writes to: the first ENV folder, else a per-user cache."""
    first = os.environ.get(ENV, "").split(os.pathsep)[0]
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(first) if first else base / "inpainting"


def find_file(name: str) -> Path | None:
    """The first file that is there under one of the names of `name`, in a folder or directly below it; not
    read yet.
    """
    return next(iter(find_all(name)), None)


def find_all(name: str) -> list[Path]:
    """The files of `name`, not read yet: all its shards where they belong together, else one; empty where any
    is lacking.
    """
    if name not in WEIGHTS:
        raise unknown("weights", name, WEIGHTS)
    row = WEIGHTS[name]
    if row.repository:
        return _repositories(name)
    # A bundled file is looked for in its one place: another of its name elsewhere must not hide it.
    places = [CHECKPOINTS] if row.bundled else list(folders())
    found = (
        [path for file in row.files if (path := _find(file, places))]
        if row.together
        else _any(row.files, places)
    )
    return found if not row.together or len(found) == len(row.files) else []


def _repositories(name: str) -> list[Path]:
    """The folders of a pipeline's repositories at the commits that were accepted."""
    row, commits = WEIGHTS[name], accepted(name)
    wanted = (row.repository, *row.beside)
    if CHECKED not in commits:  # a download broke off
        return []
    found = [hub.path_in_cache(one, commits[one]) for one in wanted if one in commits]
    return found if len(found) == len(wanted) and all(map(hub.whole, found)) else []


def missing_weights(name: str) -> bool:
    """True where no file of that name is there, or a shard is lacking."""
    return not find_all(name)


def verified(name: str) -> Path:
    """The file's path after checking its sha256; raises UnavailableError where it is absent or altered."""
    return verified_all(name)[0]


def verified_all(name: str) -> list[Path]:
    """As `verified`, for all shards of `name`, in the table's order. The folders of a pipeline were checked
    file by file when they were downloaded.
    """
    paths = find_all(name)
    if not paths:
        raise UnavailableError(f"The weights '{name}' are not here: {remedy(name)}.")
    if WEIGHTS[name].repository:
        return paths
    for path in paths:
        pinned = WEIGHTS[name].files[path.name] or accepted(name).get(path.name, "")
        if not pinned:
            raise UnavailableError(
                f"Nobody prints the digest of '{path.name}': `python -m inpainters fetch {name}` shows the "
                "one of the file that is here, and asks."
            )
        if not (found := digest_like(path, pinned)).startswith(pinned):
            raise UnavailableError(
                f"'{path.name}' is not the file that '{name}' names ({short(found)}, expected "
                f"{short(pinned)}): delete it and {restore(name)}."
            )
    return paths


def remedy(name: str) -> str:
    """What to do where `name` is lacking or altered, for the end of a sentence."""
    row = WEIGHTS[name]
    if not row.bundled and not (row.url or row.repository):
        file = next(iter(row.files))
        return (
            f"nobody publishes '{file}', so export it from its authors' repository, put it into a folder "
            f"named by {ENV} and run `python -m inpainters fetch {name}`"
        )
    if not row.bundled:
        return f"run `python -m inpainters fetch {name}`"
    if not row.files:
        return (
            f"train it with `python -m inpainters.training {name}` and add it with "
            "`python -m inpainters.training.bundle FOLDER`"
        )
    lacking = [file for file in row.files if _find(file, [CHECKPOINTS]) is None]
    return f"get '{(lacking or list(row.files))[0]}' from {_REPOSITORY} again"


def restore(name: str) -> str:
    """What to do after deleting an altered file of `name`."""
    return f"get it from {_REPOSITORY} again" if WEIGHTS[name].bundled else remedy(name)


def accepted(name: str) -> dict[str, str]:
    """File -> digest, or repository -> commit, of the row `name`, by the first of all folders' locks that
    has it; empty where nothing was accepted.
    """
    return next((found for folder in folders() if (found := _locked(folder).get(name))), {})


def accept(name: str, found: Mapping[str, str]) -> None:
    """From now on the row `name` is these files or repositories; several processes may say so at once. Raises
    UnavailableError where the lock is there and cannot be read: nothing in it is to be lost.
    """
    cache().mkdir(parents=True, exist_ok=True)
    path = cache() / LOCK
    with transfer.one_at_a_time(cache(), LOCK):
        rows = _locked(cache())
        if not rows and path.is_file() and path.read_text(encoding="utf-8").strip() not in ("", "{}"):
            raise UnavailableError(f"'{path}' cannot be read: mend it, or delete it to be asked again.")
        part = path.with_name(f"{LOCK}.new")
        part.write_text(json.dumps(rows | {name: dict(found)}, indent=1) + "\n", encoding="utf-8")
        part.replace(path)


def _locked(folder: Path) -> dict[str, dict[str, str]]:
    """What a folder's lock says; what is no text is left out."""
    try:
        found = json.loads((folder / LOCK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {
        name: {key: value for key, value in row.items() if isinstance(value, str)}
        for name, row in rows
        if isinstance(row, dict)
    }


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_like(path: Path, pinned: str) -> str:
    """A file's digest of the kind of `pinned`: sha256, or `md5:` and its md5."""
    if not pinned.startswith(_MD5):
        return sha256(path)
    with path.open("rb") as file:
        return _MD5 + hashlib.file_digest(file, "md5").hexdigest()


def short(digest: str) -> str:
    """Such as "sha256 1faef530…"."""
    kind, value = ("md5", digest.removeprefix(_MD5)) if digest.startswith(_MD5) else ("sha256", digest)
    return f"{kind} {value[:8]}…"


def of_the_table(path: Path, names: Iterable[str]) -> str:
    """Which of these rows of the WEIGHTS table this is the file of, by its digest; empty where of none."""
    rows = [(name, pinned) for name in names for pinned in WEIGHTS[name].files.values()]
    return next((name for name, pinned in rows if digest_like(path, pinned) == pinned), "")


def _any(files: Iterable[str], places: Iterable[Path]) -> list[Path]:
    return [path for place in places for file in files if (path := _find(file, [place]))][:1]


def _find(file: str, places: Iterable[Path]) -> Path | None:
    candidates = (path for place in places for path in (place / file, *sorted(place.glob(f"*/{file}"))))
    return next((path for path in candidates if path.is_file()), None)

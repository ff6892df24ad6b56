"""Repositories of the Hugging Face Hub that hold a diffusers pipeline: what one is before anything is
downloaded, its files, each checked, and one sentence for whatever is in the way.

Files lie in the Hub's own cache, which other programs share: where HF_HOME says. Nothing but safetensors,
JSON and the texts of tokenizers is downloaded.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from inpainters.errors import InputError, UnavailableError, disk_full
from inpainters.weights import transfer
from inpainters.weights.transfer import first_there

OFFLINE = "HF_HUB_OFFLINE"
"""Environment variable of the Hub's own client: nothing is downloaded where it is set."""
INDEX = "model_index.json"
MOVED = {
    "runwayml/stable-diffusion-inpainting": "stable-diffusion-v1-5/stable-diffusion-inpainting",
    "runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "stabilityai/stable-diffusion-2-inpainting": "sd2-community/stable-diffusion-2-inpainting",
}
"""Repositories that are gone -> where the same weights lie now."""
_TEXTS = (".json", ".txt", ".model", ".jinja")
"""Ends of the small files that components need beside their weights."""
_LIST = re.compile(r"\.safetensors\.index(\.fp16)?\.json$")
"""Of the names of shards."""
_PLAIN = re.compile(r"(?!.*\.\.)[\w-][\w.-]*(/[\w-][\w.-]*)*")
"""Names of files that stay below their folder."""
_HEX = re.compile(r"(git:[0-9a-f]{40}|[0-9a-f]{64})")
_LIBRARIES = ("diffusers", "transformers", "stable_diffusion")
"""Where the components of a pipeline may come from."""


@dataclass(frozen=True)
class Parcel:
    """A repository's pipeline at one commit, not downloaded yet."""

    repository: str
    """As it was asked for."""
    home: str
    """What the Hub calls it now."""
    commit: str
    licence: str
    gated: bool
    files: Mapping[str, tuple[int, str]]
    """File -> its bytes, and its sha256, or `git:` and git's own digest where it is a small file."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.files.values())


def offline() -> bool:
    """True where nothing may be downloaded."""
    return os.environ.get(OFFLINE, "").upper() in ("1", "ON", "YES", "TRUE")


def look(repository: str, revision: str = "main") -> Parcel:
    """Ask the Hub what a repository holds; raises UnavailableError with one sentence where it cannot tell,
    InputError where it holds no pipeline.
    """
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(repository, revision=revision, files_metadata=True)
        parcel = Parcel(
            repository,
            info.id,
            str(info.sha),
            str(getattr(info.card_data, "license", None) or ""),
            bool(info.gated),
            {one.rfilename: (int(one.size or 0), _digest(one)) for one in info.siblings or ()},
        )
        _check_names(parcel)
        if INDEX not in parcel.files:
            raise InputError(
                f"'{repository}' holds no diffusers pipeline (it has no {INDEX}): choose another."
            )
        chosen = files_needed(_index(_file(parcel, INDEX)), parcel.files)
    except (InputError, UnavailableError):
        raise
    except Exception as error:
        raise_sentence(error, repository, revision)
    return replace(parcel, files={name: parcel.files[name] for name in chosen})


def _check_names(parcel: Parcel) -> None:
    """What a server says becomes paths here: raise InputError for a commit or a digest that is none. Files
    with other names than plain ones are no pipeline's.
    """
    digests = [digest for name, (_, digest) in parcel.files.items() if _PLAIN.fullmatch(name)]
    if not re.fullmatch("[0-9a-f]{40}", parcel.commit) or not all(map(_HEX.fullmatch, digests)):
        raise InputError(
            f"What the Hub says of '{parcel.repository}' names no commit, or no digests: ask another."
        )


def _digest(sibling: Any) -> str:
    return str(sibling.lfs.sha256) if sibling.lfs else f"git:{sibling.blob_id}"


def files_needed(index: Mapping[str, Any], files: Iterable[str]) -> list[str]:
    """Which files a pipeline needs: the texts of each component that its index names, and its safetensors,
    those of 16 bits where there are such.

    Raises InputError where a component has weights of another kind alone, which nobody should load.
    """
    files = [name for name in files if _PLAIN.fullmatch(name)]
    found = [INDEX]
    for part in components(index):
        own = [name for name in files if PurePosixPath(name).parent.as_posix() == part]
        found += [name for name in own if name.endswith(_TEXTS) and not _LIST.search(name)]
        tensors = [name for name in own if name.endswith(".safetensors") or _LIST.search(name)]
        short = [name for name in tensors if is_short(name)]
        found += short or [name for name in tensors if ".non_ema." not in name]
        if not tensors and any(name.endswith((".bin", ".ckpt", ".pt")) for name in own):
            raise InputError(
                f"'{part}' of this pipeline comes as a pickle alone, which is not loaded: choose another."
            )
    return sorted(set(found))


def is_short(name: str) -> bool:
    """Whether a file's name says that it holds 16 bits, as diffusers names such files."""
    return re.search(r"\.fp16[.-]|\.index\.fp16\.json$", name) is not None


def components(index: Mapping[str, Any]) -> list[str]:
    """The folders of a pipeline's parts; raises InputError where one is of a library that is not loaded."""
    found = []
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2 or value[1] is None:
            continue
        if value[0] not in _LIBRARIES:
            raise InputError(
                f"'{name[:40]}' of this pipeline is code of '{str(value[0])[:40]}', which is not run."
            )
        if not _PLAIN.fullmatch(name) or "/" in name:
            raise InputError(f"'{name[:40]}' is no name of a pipeline's part.")
        found.append(name)
    return found


def read_index(folder: Path) -> dict[str, Any]:
    """The `model_index.json` of a folder; raises InputError where there is none."""
    try:
        return _index(folder / INDEX)
    except OSError:
        raise InputError(f"'{folder.name}' holds no diffusers pipeline: it has no {INDEX}.") from None


def _index(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")[: 1 << 20])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"The {INDEX} is no JSON object.")
    return found


def download(parcel: Parcel, on_progress: transfer.OnProgress | None = None) -> Path:
    """The folder with all files of a parcel, each with the digest that the Hub prints; what is here already
    is not asked for again, and what a broken download left is gone on with. Raises UnavailableError.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    room = shutil.disk_usage(first_there(Path(HF_HUB_CACHE))).free
    lacking = parcel.size - sum(_bytes_here(parcel, name) for name in parcel.files)
    if lacking > room:
        raise UnavailableError(
            f"'{parcel.repository}' needs {lacking / 1e9:.1f} GB more and the disk has "
            f"{room / 1e9:.1f} GB free: make room, or let HF_HOME name another disk."
        )
    done = 0

    def report(got: int, _: int) -> None:
        if on_progress:
            on_progress(done + got, parcel.size)

    for name, (size, _) in parcel.files.items():
        try:
            _file(parcel, name, report)
        except UnavailableError:
            raise
        except Exception as error:
            raise_sentence(error, parcel.repository, parcel.commit)
        done += size
        report(0, 0)
    return path_in_cache(parcel.repository, parcel.commit)


def path_in_cache(repository: str, commit: str) -> Path:
    """The folder of a commit in the Hub's cache, whether or not it is there."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "snapshots" / commit


def _file(parcel: Parcel, name: str, on_progress: transfer.OnProgress | None = None) -> Path:
    """One file, laid into the cache as the Hub's own client does, whose downloads do not go on where they
    broke off. Raises UnavailableError where other bytes came, and what the client raises.
    """
    from huggingface_hub import get_token, hf_hub_url

    path = path_in_cache(parcel.repository, parcel.commit) / name
    digest = parcel.files[name][1]
    if path.is_file() and hub_digest(path, digest) == digest:
        return path
    blobs = path_in_cache(parcel.repository, parcel.commit).parents[1] / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    held = blobs / digest.removeprefix("git:")
    with transfer.part(blobs, held.name) as part:
        if held.is_file() and hub_digest(held, digest) == digest:  # of another commit, or another program's
            return _linked(path, held)
        if not (part.is_file() and hub_digest(part, digest) == digest):
            url = hf_hub_url(parcel.repository, name, revision=parcel.commit)
            token = get_token()
            transfer.get(url, part, on_progress, {"authorization": f"Bearer {token}"} if token else None)
        if hub_digest(part, digest) != digest:
            part.unlink()
            raise UnavailableError(
                f"What came as '{name}' of '{parcel.repository}' is damaged (another digest): run this again."
            )
        part.replace(held)
        return _linked(path, held)


def _linked(path: Path, held: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        path.symlink_to(os.path.relpath(held, path.parent))
    except OSError:  # not everywhere are there links
        shutil.copyfile(held, path)
    return path


def _bytes_here(parcel: Parcel, name: str) -> int:
    """How many bytes of a file need not be downloaded any more."""
    size, digest = parcel.files[name]
    place = path_in_cache(parcel.repository, parcel.commit)
    held = place.parents[1] / "blobs" / digest.removeprefix("git:")
    part = held.with_name(f"{held.name}.part")
    if (place / name).is_file() or held.is_file():
        return size
    return min(size, part.stat().st_size) if part.is_file() else 0


def whole(folder: Path) -> bool:
    """True where a folder holds all that its pipeline needs; files are not read."""
    with suppress(InputError):
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        index = read_index(folder)
        return all(any(name.startswith(f"{part}/") for name in names) for part in components(index)) and all(
            (folder / name).is_file() for name in _shards(folder, names)
        )
    return False


def _shards(folder: Path, names: Iterable[str]) -> list[str]:
    """The files that the lists of shards name."""
    found = []
    for name in names:
        if _LIST.search(name):
            with suppress(ValueError, AttributeError, TypeError):
                parts = json.loads((folder / name).read_text(encoding="utf-8"))["weight_map"].values()
                found += [f"{name.rpartition('/')[0]}/{part}" for part in parts]
    return found


def hub_digest(path: Path, like: str) -> str:
    """A file's digest of the kind of `like`."""
    if like.startswith("git:"):
        data = path.read_bytes()
        return "git:" + hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def raise_sentence(error: Exception, repository: str, revision: str = "") -> NoReturn:
    """Raise UnavailableError with one sentence for what the Hub's client said; what a full disk said goes
    on.
    """
    from huggingface_hub import errors as hub

    name = f"'{repository[:80]}'"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if disk_full(error):
        raise error
    if isinstance(error, hub.GatedRepoError):
        why, mend = "wants its terms accepted", "accept them on its page and sign in with `hf auth login`"
    elif isinstance(error, hub.RepositoryNotFoundError | hub.HFValidationError):
        home = MOVED.get(repository)
        why = "is not on the Hub any more" if home else "is not on the Hub, or is private"
        mend = f"its weights lie at '{home}' now" if home else "check the name, or name a folder that exists"
    elif isinstance(error, hub.RevisionNotFoundError):
        why, mend = f"has no revision '{revision[:40]}'", "leave it out, or take one from its page"
    elif isinstance(error, hub.LocalEntryNotFoundError | hub.OfflineModeIsEnabled):
        why = "is not here, and the Hub cannot be reached"
        mend = "check the network, or name a folder that holds it"
    elif status in (401, 403):
        why, mend = "wants a token that may read it", "sign in with `hf auth login`"
    elif status == 429:
        why, mend = "cannot be had just now: the Hub has had too many requests", "try again in some minutes"
    else:
        why = f"cannot be had ({type(error).__name__})"
        mend = "check the network, or name a folder that holds it"
    raise UnavailableError(f"The model {name} {why}: {mend}.") from None

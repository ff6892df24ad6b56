"""Downloads of weights, on request alone: resumed, retried, believed by their digests."""

import importlib
import os
import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from inpainters.errors import InputError, UnavailableError, disk_full
from inpainters.weights import hub, transfer
from inpainters.weights.files import (
    CHECKED,
    ENV,
    accept,
    accepted,
    cache,
    digest_like,
    find_all,
    remedy,
    short,
    verified,
)
from inpainters.weights.table import COMMERCIAL, WEIGHTS

MIRROR = "INPAINTING_MIRROR"
"""Environment variable: a web address below which the files of the table lie by their names."""
Confirm = Callable[[str], bool]
"""Shown one sentence, says yes or no."""


def fetch(
    name: str,
    on_progress: transfer.OnProgress | None = None,
    confirm: Confirm = lambda question: False,
    commit: str = "",
) -> Path:
    """Download the first file of `name` into `cache()`, or the repositories of a pipeline into the Hub's
    cache, unless they are here; return the path of the file or the first folder.

    `on_progress(done, total)` counts bytes, total 0 where unknown. `confirm(question)` is asked where no
    publisher prints a digest, and its yes goes into `weights.lock`; who names the `commit` of a pipeline is
    not asked. Files appear only when they are whole and their digests are right; what a broken download
    left is gone on with. Raises InputError for an unknown name, UnavailableError with one sentence where it
    cannot be had.
    """
    there, row = find_all(name), WEIGHTS[name]
    if commit and not (row.repository and re.fullmatch("[0-9a-f]{40}", commit)):
        raise InputError(
            f"'{name}@{commit[:50]}': what stands behind @ is the commit of a pipeline, 40 digits of 0-9a-f."
        )
    if row.repository:
        known = there and commit in ("", accepted(name)[row.repository])
        return there[0] if known else _fetch_pipeline(name, on_progress, confirm, commit)
    if there and all(row.files.values()):
        return verified(name)
    if there:
        return _confirmed(name, there[0], confirm)
    if row.bundled or not row.url:
        how = "bundled, not downloaded" if row.bundled else "not downloaded"
        raise UnavailableError(f"The weights '{name}' are {how}: {remedy(name)}.")
    _check_online(name)
    file, digest = next(iter(row.files.items()))
    url = address(name)
    cache().mkdir(parents=True, exist_ok=True)
    with transfer.part(cache(), file) as part:
        if find_all(name):  # another process was faster
            return verified(name)
        if not (part.is_file() and digest_like(part, digest).startswith(digest)):
            _download(url, part, on_progress)
        if not (found := digest_like(part, digest)).startswith(digest):
            part.unlink()
            raise UnavailableError(
                f"What came for '{name}' is another file ({short(found)}, not {short(digest)}): try again "
                "later."
            )
        if not digest:
            _confirm_digest(name, file, part, confirm)
        return part.replace(cache() / file)


def _check_online(name: str) -> None:
    if hub.offline():
        raise UnavailableError(
            f"'{name}' is not here and {hub.OFFLINE} forbids downloads: unset it, or leave --offline out."
        )


def _confirmed(name: str, path: Path, confirm: Confirm) -> Path:
    """A file whose digest nobody prints, once whoever runs the program has said that it is the right one."""
    _confirm_digest(name, path.name, path, confirm)
    return path


def _confirm_digest(name: str, file: str, path: Path, confirm: Confirm) -> None:
    found = digest_like(path, "")
    if accepted(name).get(file) == found:
        return
    if not confirm(f"Nobody prints a digest of '{file}'. This one has sha256 {found}. Is it the right one?"):
        raise UnavailableError(f"'{file}' was not accepted: `python -m inpainters fetch {name}` asks again.")
    accept(name, {file: found})


def _fetch_pipeline(
    name: str, on_progress: transfer.OnProgress | None, confirm: Confirm, commit: str
) -> Path:
    """All repositories of a pipeline, at the commits that were accepted or are now."""
    row, known = WEIGHTS[name], accepted(name)
    _check_online(name)
    wanted = {row.repository: commit, **dict.fromkeys(row.beside, "")}
    parcels = {one: hub.look(one, asked or known.get(one) or "main") for one, asked in wanted.items()}
    found = {one: parcel.commit for one, parcel in parcels.items()}
    for one, parcel in parcels.items():
        if known.get(one) == parcel.commit or (commit and one == row.repository):
            continue  # whoever names a commit vouches for that repository alone
        if not confirm(_question(parcel)):
            named = f", and `fetch {name}@{parcel.commit}` takes this commit without asking"
            raise UnavailableError(
                f"'{parcel.repository}' was not accepted: `python -m inpainters fetch {name}` asks again"
                f"{named if one == row.repository else ''}."
            )
    accept(name, found)
    folders = [hub.download(parcel, on_progress) for parcel in parcels.values()]
    accept(name, {**found, CHECKED: "yes"})
    return folders[0]


def _question(parcel: hub.Parcel) -> str:
    moved = f" (called {parcel.home} now)" if parcel.home != parcel.repository else ""
    terms = ", and its owner wants your consent on its page" if parcel.gated else ""
    return (
        f"{parcel.repository}{moved} at commit {parcel.commit}: {parcel.size / 1e9:.2f} GB in "
        f"{len(parcel.files)} files, licence {parcel.licence or 'not said'}{terms}. Nobody prints another "
        "pin than this commit. Take it?"
    )


def about(name: str) -> str:
    """What one should know of weights before they are downloaded, in one line."""
    row = WEIGHTS[name]
    size = f"; {row.size / 1e6:.0f} MB" if row.size else ""
    gated = "; its owner wants your consent on the Hub first" if row.gated else ""
    trained = f"; trained on {row.trained_on}" if row.trained_on else ""
    return (
        f"{name}: licence {row.licence or 'not known'}; commercial use: "
        f"{COMMERCIAL[row.commercial]}{trained}{size}{gated}."
    )


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


def _download(url: str, part: Path, on_progress: transfer.OnProgress | None) -> None:
    """Append what is lacking to the part."""
    try:
        transfer.get(url, part, on_progress)
    except Exception as error:  # whatever a library for networks makes of there being none
        if disk_full(error):
            raise
        cause = str(error).partition("\n")[0][:120] or type(error).__name__
        raise UnavailableError(
            f"'{part.name.removesuffix('.part')}' could not be downloaded ({cause}): check the network, or "
            f"put the file into a folder named by {ENV}."
        ) from None

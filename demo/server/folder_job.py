"""The job that fills several photographs, one after the other, and the zip of what it made."""

import json
import re
import shlex
import tempfile
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import measure
from demo.server.copies import at_most
from demo.server.folder import MASK_FILES, SHEET_SIDE, FolderFill, FolderPicture, FolderVisit
from demo.server.jobs import NO_MEMORY, Job
from demo.server.pictures import PAGE_PIXELS
from demo.server.room import part_that_fits
from demo.server.store import Store
from inpainters import costs, registry
from inpainters.base import Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError
from inpainters.imaging import Image, Mask, encode_png, load_image, load_original
from inpainters.strategy import Outline, workload
from inpainters.uses.restoration import find_marks

TIME_IS_UP = "Your {minutes:g} minutes of this hour are used up. What is filled is kept: go on later."
UNDER_WAY = "Wait until the run has ended, or stop it first."
NONE_FILLED = "No picture could be filled: each says why."
FILLED_FOLDER, MASKS_FOLDER = "filled", "masks"
"""Folders of the zip."""
AGAIN_FOLDER = "again"
"""Where its commands write."""
MOST_NAME, LONGEST_SUFFIX = 200, 8
"""Bytes of a name in the zip, and signs of a suffix that is kept, at most."""
_NOT_BORNE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for itself."""


@dataclass(kw_only=True)
class FolderJob(Job):
    """A job that fills several pictures. What one of them raises is kept with it, and the others go on. The
    picture of its request is no part of it.
    """

    store: Store
    pictures: Sequence[FolderPicture]
    source: str
    expected: Sequence[float]
    """Seconds of each."""
    allowed: float
    """Seconds that all of them may take."""
    minutes: float
    spend: Callable[[float], object]
    """Told what each took."""
    payer: str
    """Whose minutes it takes."""
    searching: Callable[[tuple[int, int]], AbstractContextManager[None]]
    """Entered with (height, width) while a picture is searched; it refuses those that take too long."""
    total: int = 1000
    at: int = 0
    """Which one is under way."""
    spent: float = 0.0

    def answer(self, inpainter: Inpainter, request: InpaintRequest, on_step: OnStep) -> InpaintResult:
        for place, one in enumerate(self.pictures):
            self.at, took = place, self._clock()
            one.state, one.failed = "running", ""
            try:
                self._fill(one, inpainter, self._teller(place, took, on_step), took)
            except Exception as error:  # one picture's fault must not take the others along
                if self.halted or isinstance(error, Cancelled):
                    raise
                one.failed = _why(error)
            finally:
                one.state = "done" if one.fill else "failed" if one.failed else "ready"
                seconds = took()
                self.spent += seconds
                self.spend(seconds)
        if all(one.failed for one in self.pictures):
            raise InputError(NONE_FILLED)
        return InpaintResult(
            request.image, request.image, self.method, dict(inpainter.options), 0, max(1e-4, self.spent)
        )

    def _clock(self) -> Callable[[], float]:
        """Tells the seconds of work since now, without those that others had."""
        begin, kept = time.perf_counter(), self.kept
        return lambda: time.perf_counter() - begin - (self.kept - kept)

    def _teller(self, place: int, took: Callable[[], float], on_step: OnStep) -> OnStep:
        """Tells of the work on one picture as a part of all of it, and ends it when the time is up."""
        before, own, whole = sum(self.expected[:place]), self.expected[place], sum(self.expected)

        def tell(done: int, total: int) -> object:
            if self.spent + took() > self.allowed and not self.halted:
                self.stop(TIME_IS_UP.format(minutes=self.minutes))
            return on_step(round(1000 * (before + own * done / max(1, total)) / max(1e-9, whole)), 1000)

        return tell

    def _fill(
        self, one: FolderPicture, inpainter: Inpainter, on_step: OnStep, took: Callable[[], float]
    ) -> None:
        if on_step(0, 1) is False:
            raise Cancelled
        path = self.store.path(one.file)
        if path is None:
            raise InputError("Its file has expired; upload it again.")
        image = load_image(path, max_pixels=PAGE_PIXELS).image
        mask = self._mask(one, image)
        notes: tuple[str, ...] = (f"No {self.source.replace(',', ' or ')} found: it is as it was.",)
        filled, options = image, dict(inpainter.options)
        if mask.any():
            result = self._answer_of(inpainter, image, mask, on_step)
            filled, notes, options = result.image, result.notes, dict(result.options)
        data, said = _as_its_file(path, filled, mask)
        if self.halted:
            raise Cancelled
        answer = self.store.put(data)
        try:
            small = self.store.put_image(at_most(filled, SHEET_SIDE))
        except InputError:
            self.store.drop([answer])
            raise
        how = (str(one.mask), one.mask_name, self.method, self.source, options)
        one.take_fill(self.store, FolderFill(answer, small, *how, (*notes, *said), took()))

    def _mask(self, one: FolderPicture, image: Image) -> Mask:
        """Its mask; one that is found is kept."""
        if self.source == MASK_FILES:
            return self.store.mask(str(one.mask))
        with self.searching(image.shape[:2]):
            mask = find_marks(image, self.source.split(","))
        one.take_mask(self.store, image, mask)
        return mask

    def _answer_of(self, inpainter: Inpainter, image: Image, mask: Mask, on_step: OnStep) -> InpaintResult:
        part, kept = part_that_fits(self.method, mask.shape, Outline.of(mask).holes), self.kept
        (result,) = self._run(inpainter, InpaintRequest(image, mask, seed=self.seed), part, on_step)
        own = max(1e-4, result.seconds - (self.kept - kept))
        costs.observe(workload(mask, inpainter.spec, result.options), own)
        return result


def _why(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError):
        return NO_MEMORY
    return f"It failed: {type(error).__name__}: {str(error)[:200]}"


def _as_its_file(path: Path, image: Image, mask: Mask) -> tuple[bytes, tuple[str, ...]]:
    """A PNG with what the photograph's file has beside pixels, and notes on what could not be kept."""
    try:
        return load_original(path).encode(image, mask)
    except InputError:
        return encode_png(image), ("What its file has beside pixels cannot be read: 8-bit sRGB.",)


# --- zip ------------------------------------------------------------------------------------------


def pack_folder(visit: FolderVisit) -> str:
    """Token of a zip of all that is filled: pictures, their masks, and a manifest. It takes the place of
    the one before.
    """
    if visit.running:
        raise InputError(UNDER_WAY)
    made = {one.key: one.fill for one in visit.pictures if one.fill}
    if not made:
        raise InputError("Nothing is filled yet: press Fill first.")
    visit.drop(visit.packed)
    try:
        visit.packed = _packed(visit, made)
    except OSError:
        visit.packed = None
        raise InputError("The disk is full, so there is no zip: download the pictures one by one.") from None
    return visit.packed


def _packed(visit: FolderVisit, made: Mapping[str, FolderFill]) -> str:
    names = _result_names(visit.pictures)
    with tempfile.TemporaryDirectory(prefix="folder-") as folder:
        path = Path(folder) / "folder.zip"
        with zipfile.ZipFile(path, "w") as packed:
            done = [one for one in visit.pictures if one.key in made]
            rows = [_pack(packed, visit.store, one, made[one.key], names[one.key]) for one in done]
            left = [one for one in visit.pictures if one.key not in made]
            rows += [{"photograph": one.name, "problem": visit.lacking(one) or one.failed} for one in left]
            packed.writestr("manifest.json", json.dumps(_manifest(rows), indent=2, ensure_ascii=False))
        return visit.store.take(path, ".zip")


def _pack(
    packed: zipfile.ZipFile, store: Store, one: FolderPicture, made: FolderFill, name: str
) -> dict[str, Any]:
    """Add a picture and its mask; returns its row of the manifest."""
    data, mask = store.read(made.answer), store.read(made.mask)
    packed.writestr(f"{FILLED_FOLDER}/{name}.png", data)
    packed.writestr(f"{MASKS_FOLDER}/{name}.png", mask)
    return {
        "photograph": one.name,
        "photograph_sha256": sha256(store.read(one.file)).hexdigest(),
        "file": f"{FILLED_FOLDER}/{name}.png",
        "sha256": sha256(data).hexdigest(),
        "mask": f"{MASKS_FOLDER}/{name}.png",
        "mask_from": made.mask_name if made.source == MASK_FILES else f"found: {made.source}",
        "missing": round(float(np.mean(store.mask(made.mask))), 6),
        "method": made.method,
        "version": registry.get(made.method).version,
        "options": dict(made.options),
        "seed": 0,
        "seconds": round(made.seconds, 3),
        "notes": list(made.notes),
    }


def _manifest(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "again": [_command_of(row) for row in rows if "method" in row],
        "where": "PHOTOS is your folder of photographs, of their names; white in masks/ is what was missing.",
        "pictures": list(rows),
        "environment": measure.environment(),
    }


def _command_of(row: Mapping[str, Any]) -> str:
    """The command that fills one photograph as the page did, in the unpacked zip's folder."""
    files = [f"PHOTOS/{row['photograph']}", row["mask"]]
    out = f"{AGAIN_FOLDER}/{Path(row['file']).name}"
    return shlex.join(
        ["python", "-m", "inpainters", "fill", *files, "--method", row["method"], "--seed", "0", "-o", out]
    )


def _result_names(pictures: Sequence[FolderPicture]) -> dict[str, str]:
    """Key -> what its result is called: its name without a suffix, or with it where two would share one, as
    far as all file systems bear it; no two alike.
    """
    count = Counter(_alike(Path(one.name).stem) for one in pictures)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for one in pictures:
        stem = Path(one.name).stem
        wanted = _file_name(one.name if count[_alike(stem)] > 1 else stem)
        numbered = (f"{wanted} ({number})" for number in range(2, len(pictures) + 2))
        names[one.key] = next(name for name in (wanted, *numbered) if _alike(name) not in taken)
        taken.add(_alike(names[one.key]))
    return names


def _alike(name: str) -> str:
    """Names that some file systems take for one have the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _file_name(name: str) -> str:
    """A name that every file system bears, with `.png` behind it; a long one keeps its suffix."""
    plain = _NOT_BORNE.sub("_", name).lstrip(".") or "picture"
    plain = f"_{plain}" if _DEVICES.match(plain) else plain
    suffix = Path(plain).suffix if len(Path(plain).suffix) <= LONGEST_SUFFIX else ""
    kept = plain.encode()[: MOST_NAME - len(suffix.encode())].decode(errors="ignore")
    return plain if len(plain.encode()) <= MOST_NAME else kept + suffix

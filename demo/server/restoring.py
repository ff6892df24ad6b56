"""Reads a zip that `archive` has written. It comes from a visitor: nothing in it is believed."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from demo.server.copies import THUMBNAIL, at_most, hatched
from demo.server.jobs import Answer, Job
from demo.server.limits import MAX_UPLOAD
from demo.server.options import MOST_ANSWERS, Value, answers_of, checked, offered
from demo.server.pictures import PAGE_PIXELS, open_picture
from demo.server.store import Store
from demo.server.visit import Round
from inpainters import registry
from inpainters.base import InpaintResult
from inpainters.errors import InputError
from inpainters.imaging import THRESHOLD, Image, Mask, decode_image
from inpainters.spec import MethodSpec
from inpainters.uses.feather import checked_feather, soft_edge

MOST_ROWS = 500
"""Results that its settings may list."""
MOST_LIST = 100_000
"""Bytes of its list of files: some hundred names."""
MOST_PIXELS = 256_000_000
"""Of all its pictures together."""
MOST_TOTAL = 1 << 30
"""Of all of them."""
MOST_SETTINGS = 4 << 20
"""Of its settings."""
NOT_OURS = "'{}' is no zip of this page: it has no {}."
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)


@dataclass
class Restored:
    """What a zip brought back."""

    round: Round
    mask: Mask
    sketch: Mask | None
    notes: list[str] = field(default_factory=list)
    """What was left out, one sentence each."""


class Archive:
    """An opened zip; raises InputError with one sentence for what cannot be read."""

    def __init__(self, path: Path, name: str) -> None:
        self.name, self.bytes, self.pixels, data = name, 0, 0, path.read_bytes()
        _check_end(data, name)
        try:
            self.packed = zipfile.ZipFile(io.BytesIO(data))
            self.names = set(self.packed.namelist())
        except _UNREADABLE:
            raise InputError(f"'{name}' is damaged or no zip.") from None

    def read(self, file: str, most: int = MAX_UPLOAD) -> bytes:
        """A file of it, unpacked as far as is allowed."""
        if file not in self.names:
            raise InputError(NOT_OURS.format(self.name, file))
        try:
            with self.packed.open(file) as part:
                data = part.read(most + 1)
        except _UNREADABLE:
            raise InputError(f"'{file}' in '{self.name}' is damaged.") from None
        self.bytes += len(data)
        if len(data) > most or self.bytes > MOST_TOTAL:
            raise InputError(f"'{file}' in '{self.name}' is larger than this page allows.")
        return data

    def image(self, file: str, size: tuple[int, int]) -> Image:
        """A picture of the given (height, width)."""
        self.pixels += size[0] * size[1]
        if self.pixels > MOST_PIXELS:
            raise InputError(
                f"'{self.name}' has more than {MOST_PIXELS // 1_000_000} megapixels of pictures."
            )
        image = decode_image(self.read(file), file, max_pixels=PAGE_PIXELS).image
        if image.shape[:2] != size:
            found, wanted = (f"{width}×{height}" for height, width in (image.shape[:2], size))
            raise InputError(f"'{file}' in '{self.name}' is {found}, the picture {wanted}.")
        return image

    def settings(self) -> dict[str, Any]:
        """Its settings file."""
        text = self.read("settings.json", MOST_SETTINGS)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InputError(f"The settings in '{self.name}' cannot be read.")
        return found


def _check_end(data: bytes, name: str) -> None:
    """Refuse a list of files that would take long to read. Zips of this page end with a plain end record (no
    comment, no zip64), whose bytes 12 to 15 are the length of that list.
    """
    end = data[-22:]
    if len(end) < 22 or not end.startswith(b"PK\x05\x06") or data[-42:-38] == b"PK\x06\x07":
        raise InputError(f"'{name}' is damaged or no zip of this page.")
    if int.from_bytes(end[12:16], "little") > MOST_LIST:
        raise InputError(f"'{name}' has more files than a zip of this page.")


def restored(store: Store, path: Path, name: str) -> Restored:
    """Picture, mask and results of a zip, kept in the store. Results that this page cannot have made are
    left out and named.
    """
    packed = Archive(path, name)
    settings = packed.settings()
    title = str(settings.get("picture") or "The picture")[:120]
    token = store.put(packed.read("original.png"))
    try:
        picture = open_picture(store, store.folder / token, title)
    finally:
        store.drop([token])
    mask = packed.image("mask.png", picture.size)[..., 0] >= THRESHOLD
    if not mask.any():
        raise InputError(f"'mask.png' in '{name}' masks nothing.")
    sketch = None
    if "sketch.png" in packed.names:
        sketch = (packed.image("sketch.png", picture.size)[..., 0] >= THRESHOLD) & mask
    one = Round(picture, feather=checked_feather(settings.get("feather", 0)))
    found = Restored(one, mask, sketch)
    original = store.image(picture.token)
    known = soft_edge(mask, one.feather) == 0
    jobs = _jobs(packed, settings, original, known, found.notes, store)
    shown = hatched(original, mask)
    one.mask, one.masked = store.put_image(mask), store.put_image(shown)
    one.thumb = store.put_image(at_most(shown, THUMBNAIL))
    one.sketch = store.put_image(sketch) if sketch is not None else None
    if jobs:
        one.show(jobs)
    return found


def _jobs(
    packed: Archive, settings: Mapping[str, Any], original: Image, known: Mask, notes: list[str], store: Store
) -> list[Job]:
    rows = settings.get("results")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found: dict[str, Job] = {}
    for row in rows[:MOST_ROWS]:
        if row.get("state") != "done":
            continue
        try:
            _take(found, packed, row, original, known, store)
        except InputError as error:
            notes.append(f"Left out: {error}")
    return list(found.values())


def _take(
    found: dict[str, Job], packed: Archive, row: Mapping[str, Any], original: Image, known: Mask, store: Store
) -> None:
    """Add one answer to the jobs."""
    spec = registry.get(str(row.get("method"))[:80])
    options, seed = _options(spec, row.get("options")), _number(row.get("seed"), 1e9 - 1)
    if str(row.get("version")) != str(spec.version):
        raise InputError(f"{spec.title} is version {spec.version} here and was another; run it again.")
    file = str(row.get("file"))
    job = found.get(spec.name) or Job(spec.name, int(seed), options, state="done", n=0)
    if file not in (f"{spec.name}.png", f"{spec.name}-seed{int(seed)}.png"):
        raise InputError(f"the settings name {spec.title}'s file wrongly.")
    follows = seed == job.seed + len(job.answers) and dict(job.options) == options
    if not follows or job.n >= answers_of(spec, MOST_ANSWERS):
        raise InputError(f"{spec.title}'s answers in the settings do not follow one another.")
    image = packed.image(file, known.shape)
    if not np.array_equal(image[known], original[known]):
        raise InputError(f"'{file}' differs from the original outside the mask, which no fill here does.")
    nothing = np.empty((0, 0, 3), np.uint8)
    seconds, calls = _number(row.get("seconds")), int(_number(row.get("network_calls")))
    told = row.get("notes")
    said = tuple(str(note)[:300] for note in told[:8]) if isinstance(told, list) else ()
    result = InpaintResult(
        nothing, nothing, spec.name, spec.resolve(options), int(seed), seconds, calls, said
    )
    job.answers.append(Answer(result, store.put_image(image)))
    job.n, job.seconds = job.n + 1, job.seconds + seconds
    found[spec.name] = job


def _options(spec: MethodSpec, given: object) -> dict[str, Value]:
    """The settings that are not the defaults; those that no page may set can only be the defaults."""
    given, own = given if isinstance(given, dict) else {}, {option.name for option in offered(spec)}
    hidden = {option.name: option.default for option in spec.options if option.name not in own}
    return checked(
        spec, {name: value for name, value in given.items() if not (name in hidden and hidden[name] == value)}
    )


def _number(value: object, most: float = 1e6) -> float:
    """A number from 0 to `most`; InputError for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InputError("a number in the settings is out of range.")
    return float(value)  # NaN is not within

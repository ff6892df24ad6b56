"""What visitors have open: pictures on disk under unguessable names, and the rounds of one visit."""

import json
import mimetypes
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from benchmark import measure
from demo.server.jobs import Batch, Hole, Runner
from inpainters.errors import InputError
from inpainters.imaging import THRESHOLD, Image, Mask, decode_image, encode_png, load_image, load_mask

MAX_PIXELS = 4096 * 4096
"""Pictures of more pixels are refused in the app (the command line takes 100 megapixels)."""
MIN_SIDE = 8
"""Pictures with a shorter side are refused: there is nothing to see."""
PREVIEW = 2048
"""The editor draws on a copy of at most this many pixels a side; the mask keeps the picture's own size."""
MAX_AGE = 2 * 3600.0
"""Seconds after which a picture that nobody asks for is deleted."""


class Store:
    """Files under unguessable tokens in a temporary folder. What is behind a token never changes."""

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self.max_age = max_age
        self._folder: Path | None = None
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="inpainting-"))
            return self._folder

    def put(self, data: bytes, suffix: str = ".png", *, keep: bool = False) -> str:
        """Store bytes; return their token. `keep`: never swept."""
        self.sweep()
        token = ("k" if keep else "t") + secrets.token_urlsafe(24) + suffix
        part = self.folder / f"{token}.part"
        try:
            part.write_bytes(data)
            part.replace(self.folder / token)
        except OSError:
            part.unlink(missing_ok=True)
            raise InputError(
                "The disk is full, so the picture could not be kept; free some space and run it again."
            ) from None
        return token

    def path(self, token: str) -> Path | None:
        """The file behind a token, or None. Asking keeps it alive."""
        file = self.folder / Path(token).name
        if Path(token).name != token or not file.is_file():
            return None
        file.touch()
        return file

    def read(self, token: str) -> bytes:
        """The bytes behind a token; InputError where they are gone."""
        file = self.path(token)
        if file is None:
            raise InputError("That picture has expired; open it again.")
        return file.read_bytes()

    def image(self, token: str) -> Image:
        """The (H, W, 3) uint8 picture behind a token."""
        return decode_image(self.read(token)).image

    def mask(self, token: str) -> Mask:
        """The (H, W) bool mask behind a token (white = missing)."""
        return decode_image(self.read(token)).image[..., 0] >= THRESHOLD

    def drop(self, tokens: list[str]) -> None:
        """Delete files; unknown tokens are ignored."""
        for token in tokens:
            (self.folder / Path(token).name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what nobody has asked for in `max_age` seconds."""
        oldest = time.time() - self.max_age
        for file in self.folder.glob("t*"):
            try:
                if file.stat().st_mtime < oldest:
                    file.unlink()
            except OSError:
                continue  # another thread was faster

    def close(self) -> None:
        """Delete everything."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def route(self) -> Route:
        """`GET /pic/<token>`: the file, to be cached for ever; `?name=` offers it as a download of that name."""

        async def serve(request: Request) -> Response:
            file = self.path(request.path_params["token"])
            if file is None:
                return PlainTextResponse("That picture has expired; open it again.", 404)
            headers = {
                "Cache-Control": "private, max-age=31536000, immutable",
                "X-Content-Type-Options": "nosniff",
            }
            kind = mimetypes.guess_type(file.name)[0]
            safe = (
                kind if kind in ("image/png", "image/jpeg", "application/zip") else "application/octet-stream"
            )
            return FileResponse(
                file, media_type=safe, headers=headers, filename=request.query_params.get("name")
            )

        return Route("/pic/{token}", serve)


@dataclass(frozen=True)
class Picture:
    """An opened picture: the file as it was uploaded, and the sRGB pixels every method works on."""

    title: str
    original: str
    """Token of the file, byte for byte as it came."""
    token: str
    """Token of its PNG in sRGB, upright."""
    preview: str
    """Token of a PNG for the editor, at most PREVIEW pixels a side."""
    size: tuple[int, int]
    """(height, width)"""
    notes: tuple[str, ...] = ()
    transparent: str | None = None
    """Token of the mask of its transparent pixels."""
    sample: str | None = None
    """Name of the built-in example, for links."""


def open_picture(store: Store, path: str | Path, title: str, sample: str | None = None) -> Picture:
    """Read an uploaded file; raise InputError with one sentence where it cannot be used."""
    path = Path(path)
    try:
        loaded = load_image(path, max_pixels=MAX_PIXELS)
    except InputError as error:
        raise InputError(str(error).replace(f"'{path.name}'", f"'{title}'")) from None
    height, width = loaded.image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"'{title}' is {width}×{height}; choose a picture of at least {MIN_SIDE}×{MIN_SIDE} pixels."
        )
    transparent = None if loaded.transparent is None else store.put(encode_png(loaded.transparent))
    token = store.put(encode_png(loaded.image))
    original = store.put(path.read_bytes(), path.suffix.lower() or ".bin")
    return Picture(
        title,
        original,
        token,
        _preview(store, loaded.image, token),
        (height, width),
        loaded.notes,
        transparent,
        sample,
    )


def from_result(store: Store, token: str, title: str) -> Picture:
    """A result as the next picture: the same bytes are original, PNG and preview."""
    image = store.image(token)
    return Picture(title, token, token, _preview(store, image, token), image.shape[:2])


def _preview(store: Store, image: Image, token: str) -> str:
    if max(image.shape[:2]) <= PREVIEW:
        return token
    small = PilImage.fromarray(image)
    small.thumbnail((PREVIEW, PREVIEW))
    return store.put(encode_png(np.asarray(small)))


def open_mask(path: str | Path, size: tuple[int, int], title: str) -> tuple[Mask, tuple[str, ...]]:
    """Read an uploaded mask of the picture's (height, width); raise InputError with one sentence."""
    try:
        return load_mask(Path(path), size)
    except InputError as error:
        raise InputError(str(error).replace(f"'{Path(path).name}'", f"'{title}'")) from None


def canvas_mask(data: bytes, size: tuple[int, int]) -> Mask:
    """The editor's mask: a PNG whose alpha 255 means missing, of the picture's (height, width)."""
    try:
        loaded = decode_image(data, "The mask", max_pixels=MAX_PIXELS)
    except InputError:
        raise InputError("The painted mask did not arrive whole; paint again.") from None
    missing = np.ones(loaded.image.shape[:2], bool) if loaded.transparent is None else ~loaded.transparent
    if missing.shape != tuple(size):
        raise InputError(
            f"The mask is {missing.shape[1]}×{missing.shape[0]}, the picture {size[1]}×{size[0]}. Use the "
            "same size."
        )
    if not missing.any():
        raise InputError("Nothing is masked yet: paint over what should disappear.")
    return missing


def canvas_sketch(data: bytes, missing: Mask) -> Mask | None:
    """The editor's sketch: red 255 in the same PNG, inside the (H, W) bool hole; None where nothing is drawn."""
    lines = (decode_image(data, "The sketch", max_pixels=MAX_PIXELS).image[..., 0] >= THRESHOLD) & missing
    return lines if lines.any() else None


@dataclass
class Round:
    """One picture, the hole painted in it and what the methods made of it."""

    picture: Picture
    mask: str | None = None
    """Token of the mask of the last run (white = missing)."""
    masked: str | None = None
    """Token of the picture with its hole shown."""
    sketch: str | None = None
    """Token of the sketch of the last run (white = a line)."""
    batch: Batch | None = None
    answers: dict[str, str] = field(default_factory=dict)
    """Name of an answer (`Job.name`: the method, with its seed where there are several) -> token of the
    picture.
    """
    stale: bool = False
    """True where the mask is no longer the one of the last run."""
    digest: str = ""
    """What the editor called the mask of the last run."""
    drawn: str = ""
    """The generator's settings where the mask of the last run is exactly what it drew."""
    reference: bool = True
    """False where the hole covers pixels the file called transparent: nothing true is known there."""

    @property
    def previews(self) -> list[str]:
        """Tokens of what the last run has shown beside its answers: previews and thumbnails."""
        jobs = self.batch.jobs if self.batch else []
        return [
            token
            for job in jobs
            for token in (*job.previews, *(answer.thumb for answer in job.answers))
            if token
        ]


Value = bool | int | float | str


@dataclass
class Session:
    """One visit: rounds, each beginning with a result of the one before."""

    store: Store
    rounds: list[Round] = field(default_factory=list)
    index: int = -1
    chosen: list[str] = field(default_factory=list)
    seed: int = 0
    n: int = 1
    """Answers of methods that draw at random; their seeds are seed .. seed + n - 1."""
    options: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Method -> the settings that are not its defaults."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Method -> what cannot be used of the settings that stand on the page, in one sentence."""
    hole: dict[str, float] = field(default_factory=dict)
    """What the editor last said of its mask: count, top, left, bottom, right."""
    holes: list[Hole] = field(default_factory=list)
    """The same by groups of missing pixels that are near each other."""
    digest: str = ""
    """The editor's short name for that mask: another mask has another."""
    drawn: str = ""
    """The generator's settings where the mask is exactly what it drew: name:percent:seed."""

    def __deepcopy__(self, memo: object) -> "Session":
        return self  # Gradio copies the values of its State; a visit is one object

    @property
    def round(self) -> Round:
        """The round in view; InputError before a picture is open."""
        if self.index < 0:
            raise InputError("Choose a picture first: upload, paste or pick one.")
        return self.rounds[self.index]

    @property
    def running(self) -> bool:
        """True while a run of the round in view has not ended."""
        return self.index >= 0 and self.round.batch is not None and not self.round.batch.finished

    def begin(self, picture: Picture) -> None:
        """Open a new picture: earlier rounds are forgotten."""
        self.stop()
        self._forget(self.rounds)
        self.rounds, self.index, self.hole, self.holes, self.drawn = [Round(picture)], 0, {}, [], ""

    def follow(self, name: str) -> None:
        """Make an answer the next picture; rounds that were undone are forgotten."""
        token = self.round.answers.get(name)
        if token is None:
            raise InputError("That result is not there yet; wait for it or choose another.")
        self.stop()
        picture = from_result(self.store, token, f"{self.round.picture.title}, {name}")
        self.rounds[self.index + 1 :] = [Round(picture)]
        self.index, self.hole, self.holes, self.drawn = self.index + 1, {}, [], ""

    def move(self, by: int) -> None:
        """Undo (-1) or redo (+1) a step from one picture to the next."""
        self.stop()
        self.index = max(0, min(len(self.rounds) - 1, self.index + by))

    def stop(self) -> None:
        """Stop what is running."""
        if self.index >= 0 and self.round.batch is not None:
            self.round.batch.stop()

    def close(self) -> None:
        """Called when the visit has ended."""
        self.stop()
        self._forget(self.rounds)
        self.rounds, self.index = [], -1

    def forget_answers(self) -> None:
        """Delete the results in view, but for those that have become pictures of later rounds."""
        one, kept = self.round, {other.picture.token for other in self.rounds}
        self.store.drop(
            [
                token
                for token in (one.mask, one.masked, one.sketch, *one.answers.values(), *one.previews)
                if token and token not in kept
            ]
        )
        one.mask = one.masked = one.sketch = one.batch = None
        one.answers, one.stale, one.digest, one.drawn = {}, False, self.digest, self.drawn

    def _forget(self, rounds: list[Round]) -> None:
        for one in rounds:
            picture = one.picture
            tokens = [
                picture.original,
                picture.token,
                picture.preview,
                picture.transparent,
                one.mask,
                one.masked,
                one.sketch,
            ]
            self.store.drop(
                [
                    token
                    for token in [*tokens, *one.answers.values(), *one.previews]
                    if token and not token.startswith("k")
                ]
            )


@dataclass
class App:
    """What all tabs and visitors share."""

    store: Store
    runner: Runner
    results: Path


def settings(round_: Round, sha256: Mapping[str, str]) -> str:
    """The JSON beside downloaded pictures: all that is needed to make them again. `sha256`: of each file in
    the archive.
    """
    picture, batch = round_.picture, round_.batch
    records = [] if batch is None else [record for job in batch.jobs for record in job.records()]
    jobs = [record | {"again": _again(record, bool(round_.sketch))} for record in records]
    record = {
        "picture": picture.title,
        "example": picture.sample,
        "width": picture.size[1],
        "height": picture.size[0],
    }
    record |= {
        "notes": list(picture.notes),
        "mask": "mask.png: white = missing",
        "mask_drawn_by": round_.drawn or "hand or file",
    }
    record |= {"results": jobs, "sha256": dict(sha256), "environment": measure.environment()}
    return json.dumps(record, indent=2, ensure_ascii=False)


def _again(record: Mapping[str, Any], sketched: bool) -> str:
    """The command that makes one answer again from the files beside the settings."""
    settings = "".join(f" --option {name}={json.dumps(value)}" for name, value in record["options"].items())
    settings += " --guide sketch.png" if sketched else ""
    file = record.get("file", f"{record['method']}.png")
    return f"python -m inpainters fill original.png mask.png --method {record['method']} --seed {record['seed']}{settings} -o {file}"

"""Clips that visitors open: what of them a page works on, what that will take, and the job that takes
something out of one.
"""

import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from demo.server.copies import at_most, thumbnail
from demo.server.drawn_clip import DRAWN_COUNT, DRAWN_RATE, drawn_clip, drawn_frame
from demo.server.jobs import Batch, Job, Price, price
from demo.server.pictures import DECODING
from demo.server.store import Store, url
from demo.server.use_visit import UseVisit
from inpainters import memory
from inpainters.base import Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError
from inpainters.imaging import Image, Mask, encode_png
from inpainters.spec import MethodSpec
from inpainters.strategy import Hole, Outline
from inpainters.uses.video import (
    CLIP_MOST,
    CLIP_PIXELS,
    FLOWED,
    LOOKED,
    Clip,
    FrameMasks,
    Frames,
    OnShare,
    clear,
    film_at,
    tracked,
    write_clip,
)

CLIP_FRAMES = 120
"""A page works on as many frames of a clip: its first ones."""
CLIP_SHORT = 512
"""Pixels of a frame's shorter side, at most."""
CLIP_TOTAL = 30_000_000
"""Pixels of all frames together, at most: longer clips are shrunk further."""
CLIP_FRAME_PIXELS = 4096 * 2304
"""A clip with more pixels in a frame is not read at all."""
LEAST_SIDE = 32
BYTES = 40
"""That a pixel of a frame takes while it is worked on."""
_PACES: deque[float] = deque(maxlen=5)
"""How many times longer than there the tracking of the latest clips took here."""
OPENING = "Opening the clip"
KEY_FRAMES = 2
"""Frames that the method will fill, as a rule: more where the thing or the camera hides much."""
TRACKING, FLOWING, WRITING = 0.18, 0.23, 0.24
"""Seconds per million pixels of all frames, on the reference machine."""
LOOKING = 2.5
"""The same per million masked pixels."""
PREVIEW_EVERY = 0.5
"""Seconds between two previews, at least."""
TINT, TINT_SHARE = np.array([230.0, 0.0, 126.0]), 0.55
"""How the tracked mask is shown."""
EXAMPLE = "ball"
EXAMPLE_TITLE = "Ball over coffee"
COMMAND = "python -m inpainters video CLIP MASK -o OUT.webm"
NO_CLIP = "'{}' is no clip that can be read: choose an MP4, MOV, WebM, MKV, AVI, OGV or GIF file."
_BEGINNINGS = {0: (b"\x1a\x45\xdf\xa3", b"OggS", b"GIF8"), 8: (b"AVI ",)}
"""Offset -> what files of containers have there. Lists of other files, which decoders follow, have none."""
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""What stands at offset 4 of MP4 and MOV."""


@dataclass(frozen=True)
class OpenClip:
    """An opened clip, as far as the page works on it."""

    title: str
    source: str
    """Token of the file as it came; empty for the drawn example."""
    first: str
    """Token of its first frame."""
    size: tuple[int, int]
    """(height, width) of the frames that are worked on."""
    count: int
    rate: float
    notes: tuple[str, ...] = ()
    mask: str | None = None
    """Token of the mask that the example comes with."""

    @property
    def pixels(self) -> int:
        """Of all frames together."""
        return self.count * self.size[0] * self.size[1]

    @property
    def memory(self) -> int:
        """Bytes that the work on it takes."""
        return BYTES * self.pixels

    def read(self, store: Store) -> Clip:
        """Its frames; InputError where the file has expired."""
        if not self.source:
            return drawn_clip()[0]
        path = store.path(self.source)
        if path is None:
            raise InputError("That clip has expired; open it again.")
        return _read(path, self.title).clip

    def close(self, store: Store) -> None:
        """Delete its files."""
        store.drop([token for token in (self.source, self.first) if token and not token.startswith("k")])


class _Read(NamedTuple):
    clip: Clip
    size: tuple[int, int]
    """(height, width) in the file."""
    of: int
    """Frames in the file, as far as that is known; more than were read where there are more."""


def _read(path: Path, title: str) -> _Read:
    """The first frames of a video file, shrunk as far as they must be; two files at once for all visitors."""
    with DECODING:
        return _frames(path, title)


def _frames(path: Path, title: str) -> _Read:
    if not _is_container(path):
        raise InputError(NO_CLIP.format(title))
    with film_at(path) as film:
        if film.size[0] * film.size[1] > CLIP_FRAME_PIXELS:
            raise InputError(f"'{title}' has {film.size[1]}×{film.size[0]} pixels: choose a smaller clip.")
        frames: list[Image] = []
        whole, size, rest = (0, 0), (0, 0), film.frames()
        for frame in islice(rest, CLIP_FRAMES):
            if frame.size > 3 * CLIP_FRAME_PIXELS:  # the header said otherwise
                raise InputError(NO_CLIP.format(title))
            if not frames:
                whole = frame.shape[:2]
                size = size_here(whole, min(film.count or CLIP_FRAMES, CLIP_FRAMES))
            small = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
            frames.append(np.asarray(small, np.uint8))
        more = next(rest, None) is not None
    if len(frames) < 2:
        raise InputError(NO_CLIP.format(title))
    if min(size) < LEAST_SIDE:
        raise InputError(f"'{title}' is {whole[1]}×{whole[0]}: choose a clip of {LEAST_SIDE} pixels or more.")
    of = max(film.count, len(frames) + 1) if more else len(frames)
    return _Read(Clip(np.stack(frames), film.rate), whole, of)


def _is_container(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(12)
    found = any(head[at:].startswith(mark) for at, marks in _BEGINNINGS.items() for mark in marks)
    return found or head[4:8] in _BOXES


def size_here(size: tuple[int, int], count: int) -> tuple[int, int]:
    """The (height, width) at which the page works on so many frames of that size; even where it shrinks."""
    short, total = min(size), count * size[0] * size[1]
    scale = min(1.0, CLIP_SHORT / short, sqrt(CLIP_TOTAL / total))
    return size if scale == 1 else (2 * int(scale * size[0] / 2), 2 * int(scale * size[1] / 2))


def open_clip(store: Store, path: str | Path, title: str) -> OpenClip:
    """Read an uploaded file, which is taken into the store; raise InputError with one sentence where it
    cannot be used.
    """
    path = Path(path)
    read = _read(path, title)
    height, width = read.clip.frames.shape[1:3]
    source = store.put(path.read_bytes(), ".clip")
    first = store.put_image(read.clip.frames[0])
    return OpenClip(
        title, source, first, (height, width), len(read.clip.frames), read.clip.rate, _limits(read)
    )


def _limits(read: _Read) -> tuple[str, ...]:
    """What was cut off or shrunk, and how to have it whole."""
    count, height, width = read.clip.frames.shape[:3]
    said = []
    if read.of > count:
        said.append(f"the first {count} of {read.of} frames" if read.of > count + 1 else f"{count} frames")
    if (height, width) != read.size:
        said.append(f"{width}×{height} pixels in place of {read.size[1]}×{read.size[0]}")
    if not said:
        return ()
    return (
        f"A page works on {' and '.join(said)}. The command line takes {CLIP_MOST} frames, and "
        f"{CLIP_PIXELS / 1e6:.0f} million pixels in all of them: {COMMAND}",
    )


@lru_cache(maxsize=4)
def drawn_example(store: Store) -> OpenClip:
    """The drawn clip with its mask; its files are kept for all who ask."""
    frame, mask = drawn_frame(0)
    first, masked = (_kept(store, picture) for picture in (frame, mask))
    return OpenClip(EXAMPLE_TITLE, "", first, mask.shape, DRAWN_COUNT, DRAWN_RATE, mask=masked)


@lru_cache(maxsize=4)
def clip_examples(store: Store) -> list[dict[str, str | None]]:
    """`[{id, title, src}]` for the editor."""
    small = thumbnail(drawn_frame(0)[0], (46, 0, 206, 160))
    return [{"id": EXAMPLE, "title": EXAMPLE_TITLE, "src": url(_kept(store, small))}]


def _kept(store: Store, picture: Image | Mask) -> str:
    return store.put(encode_png(picture), keep=True)


# --- cost -----------------------------------------------------------------------------------------


class ClipParts(NamedTuple):
    """Seconds of the parts of a job."""

    tracking: float
    flowing: float
    looking: float
    filling: float
    writing: float


def parts_of(clip: OpenClip, holes: Outline, fill: float, pace: float = 1.0) -> ClipParts:
    """What each part will take where one fill of the method takes `fill` seconds, and all else `pace` times
    what it takes on the reference machine.
    """
    millions = pace * clip.pixels / 1e6
    hidden = pace * clip.count * sum(hole.missing for hole in holes.holes) / 1e6
    flow = TRACKING * millions, FLOWING * millions, LOOKING * hidden
    return ClipParts(*flow, KEY_FRAMES * fill, WRITING * millions)


def pace_here() -> float:
    """How many times longer than on the reference machine the latest clips took here; 1 before any. One alone
    says little: it may have had to share the machine.
    """
    paces = list(_PACES)
    found = statistics.median(paces or [1.0])
    return found if len(paces) > 2 else min(2.0, max(0.5, found))


def price_of_clip(clip: OpenClip, holes: Outline, spec: MethodSpec) -> Price:
    """What the whole clip costs with this method, its key frames guessed at."""
    one = price(spec, holes)
    parts = parts_of(clip, holes, one.seconds, pace_here())
    return Price(KEY_FRAMES * one.calls, sum(parts), sum(parts_of(clip, holes, one.cost)))


# --- work -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Screened:
    """What a job has made: tokens of WebM files, and figures."""

    before: str
    after: str
    masks: str
    """The original with what was tracked."""
    seen: float
    keys: int
    warping_error: float
    lost: int | None
    """The frame from which on nothing is masked: what was masked has left the picture, or was lost."""


@dataclass(kw_only=True)
class ClipJob(Job):
    """A job that takes something out of a clip, not of a picture."""

    store: Store
    clip: OpenClip
    parts: ClipParts
    total: int = 1000
    what: str = OPENING
    """What it does now."""
    screened: Screened | None = None
    shots: list[str] = field(default_factory=list)
    """Tokens of previews: the last one, and the one before, which the page may still be loading."""
    shot_at: float = 0.0

    @property
    def untaken(self) -> int:
        """Bytes that it will take and has not: all of them while it waits, and until its frames are read."""
        return 0 if self.final or self.what != OPENING else self.clip.memory

    def answer(self, inpainter: Inpainter, request: InpaintRequest, on_step: OnStep) -> InpaintResult:
        begin, ends = time.perf_counter(), np.cumsum(self.parts)
        clip = self.clip.read(self.store)
        since, kept = time.perf_counter(), self.kept
        masks = tracked(clip.frames, request.mask, self._telling(on_step, (0, 1), (0, ends[0])))
        spent = time.perf_counter() - since - (self.kept - kept)
        _PACES.append(spent / (TRACKING * self.clip.pixels / 1e6))
        told = self._telling(on_step, (0, FLOWED, LOOKED, 1), ends[:4])
        found = clear(clip, masks, inpainter, seed=self.seed, on_step=told, on_frame=self._show)
        told = self._telling(on_step, (0, 1), ends[3:])
        before, after, seen = self._written(
            told, clip, found.clip, Clip(tinted(clip.frames, masks), clip.rate)
        )
        some = np.asarray(masks.any((1, 2)))
        lost = None if some[-1] else int(np.flatnonzero(some)[-1]) + 1
        self.screened = Screened(before, after, seen, found.seen, len(found.keys), found.warping_error, lost)
        if self.halted:
            self.close()
            raise Cancelled
        seconds = max(1e-4, time.perf_counter() - begin - self.kept)
        first, options = found.clip.frames[0], dict(inpainter.options)
        return InpaintResult(first, first, self.method, options, self.seed, seconds)

    def _telling(self, on_step: OnStep, shares: object, spent: object) -> OnShare:
        """Tells of the work in seconds as they were expected: shares of a part -> seconds at its end."""
        return partial(self._tell, on_step, np.asarray(shares, float), np.asarray(spent, float))

    def _tell(self, on_step: OnStep, shares: np.ndarray, spent: np.ndarray, what: str, share: float) -> None:
        self.what = what
        done = float(np.interp(share, shares, spent)) / max(1e-9, sum(self.parts))
        if on_step(round(1000 * done), 1000) is False:
            raise Cancelled

    def _show(self, t: int, frame: Image) -> None:
        now = time.monotonic()
        if now - self.shot_at < PREVIEW_EVERY or self.halted:
            return
        self.shot_at = now
        gone, kept = self.shots[:-1], self.shots[-1:]
        self.shots = [*kept, self.store.put_image(at_most(frame, 640))]
        self.store.drop(gone)

    def _written(self, told: OnShare, *clips: Clip) -> list[str]:
        tokens: list[str] = []
        try:
            for n, clip in enumerate(clips):
                told("writing the clips", n / len(clips))
                tokens.append(stored_clip(self.store, clip))
        except BaseException:
            self.store.drop(tokens)
            raise
        return tokens

    def close(self) -> None:
        """Stop, and delete what it has made."""
        Batch([self]).stop()
        made = self.screened
        self.store.drop([*self.shots, *((made.before, made.after, made.masks) if made else ())])
        self.shots, self.screened = [], None


def stored_clip(store: Store, clip: Clip) -> str:
    """Keep a clip as WebM; returns its token."""
    with tempfile.TemporaryDirectory(prefix="clip-") as folder:
        path = Path(folder) / "clip.webm"
        write_clip(path, clip)
        return store.put(path.read_bytes(), ".webm")


def tinted(frames: Frames, masks: FrameMasks) -> Frames:
    """Frames with what is masked in a colour over them."""
    shown = frames.copy()
    shown[masks] = np.rint((1 - TINT_SHARE) * shown[masks] + TINT_SHARE * TINT)
    return shown


@dataclass(eq=False)
class ClipVisit(UseVisit):
    """What one visitor has open: a clip, what is painted over its first frame, and the last run."""

    clip: OpenClip | None = None
    hole: Mapping[str, float] = field(default_factory=dict)
    """What the editor last said of its mask."""
    holes: list[Hole] = field(default_factory=list)
    digest: str = ""
    """The editor's name for that mask."""
    ran: tuple[str, str] = ("", "")
    """Digest and method of the last run."""

    @property
    def job(self) -> ClipJob | None:
        job = super().job
        return job if isinstance(job, ClipJob) else None

    @property
    def outline(self) -> Outline:
        """What is missing of the first frame; a twentieth of it before anything is painted."""
        size = self.clip.size if self.clip else (256, 384)
        return Outline(size, tuple(self.holes)) if self.hole.get("count") else Outline.spread(size, 0.05)

    def open(self, clip: OpenClip) -> None:
        """Take a clip in place of the one that is open."""
        self.close()
        self.clip = clip

    def clear(self) -> None:
        if self.job:
            self.job.close()
        super().clear()

    def close(self) -> None:
        self.clear()
        if self.clip:
            self.clip.close(self.store)
        self.clip, self.hole, self.holes, self.digest = None, {}, [], ""


def check_memory(clip: OpenClip, works: Iterable[object]) -> None:
    """InputError where there is no room for the work on a clip beside `works`, what waits or is under way."""
    free = memory.free_ram()
    queued = sum(job.untaken for job in works if isinstance(job, ClipJob))
    if 0 < free < clip.memory + queued:
        others = f", {queued / 1e9:.1f} of them for clips before it" if queued else ""
        raise InputError(
            f"This clip needs about {clip.memory / 1e9:.1f} GB, and {free / 1e9:.1f} are free{others}: try "
            "again in a minute, or open a shorter one."
        )

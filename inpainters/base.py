"""The contract every method obeys, and the template that makes the comparison fair.

A method writes only `fill`. Checking, cropping, padding, seeding, timing and pasting the known pixels back
are done here, once, the same way for every method.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from inpainters.errors import Cancelled, InputError
from inpainters.imaging import (
    Image,
    Mask,
    check_guide,
    check_image,
    check_mask,
    colourful,
    composite,
    uncoloured,
)
from inpainters.spec import MethodSpec
from inpainters.strategy import Window, Workload, workload

OnStep = Callable[[int, int], object]
"""`on_step(done, total)` is called after each unit of work, `0 <= done <= total`;
returning False cancels the run.
"""
OnPreview = Callable[[Image], object]
"""`on_preview(image)` gets the whole picture, (H, W, 3) uint8, with the fill as it is so far; called in the
thread that works.
"""


@dataclass(frozen=True)
class InpaintRequest:
    """A picture and its hole. `image`: (H, W, 3) uint8 sRGB;
    `mask`: (H, W) bool, True where the pixel is missing.
    """

    image: Image
    mask: Mask
    seed: int = 0
    n: int = 1
    """How many answers; their seeds are seed .. seed + n - 1."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Override those the method was created with."""
    guide: Mask | None = None
    """(H, W) bool, True where a line of a sketch is drawn; what lies outside the hole is left out. Most
    methods take none.
    """
    name: str = ""
    """What this hole is called, for methods that look fills up; nothing is drawn by it."""


@dataclass(frozen=True)
class InpaintResult:
    """One answer. Outside the mask `image` equals the request's image bit for bit."""

    image: Image
    raw: Image
    """(H, W, 3) uint8: what the method drew, before the known pixels were pasted back; with these where its
    fill got detail from the surroundings.
    """
    method: str
    options: dict[str, bool | int | float | str]
    seed: int
    seconds: float
    """Wall time of the method's own work, weights loaded."""
    network_calls: int = 0
    notes: tuple[str, ...] = ()
    detail_scale: float | None = None
    """The smallest scale at which a hole was drawn before it got detail from the surroundings; None where
    none was.
    """


@dataclass(frozen=True)
class Frame:
    """One picture of what happens inside a method."""

    name: str
    """Names the frame for programs, unique within one explanation; parts of one kind share what stands before
    the slash: `mask/3`.
    """
    title: str
    """One line for people."""
    image: Image
    """(h, w, 3) uint8; smaller than the picture where the method works on smaller maps."""
    value: float | None = None
    """A number that belongs to it, for a curve over the frames of one kind: the share of valid positions, a
    mean gate.
    """
    origin: Callable[[int, int], Image] | None = None
    """`origin(row, column)`: a picture of the same size that shows where this frame's position was copied
    from: black nowhere, the brighter the more."""


LAST_FRAMES = ("result", "enlarged/full", "detail/full")
"""Names of the frames that end an explanation; the last two only where detail comes from the surroundings."""


@dataclass
class Piece:
    """What a method sees: a crop around a hole, already checked, padded and seeded. Not to be written to."""

    image: Image
    """(h, w, 3) uint8; the pixels under the mask are 0: no method can peek at what it has to guess."""
    mask: Mask
    """(h, w) bool, True = missing; neither all True (unless the method can take that) nor all False."""
    seed: int
    options: Mapping[str, Any]
    on_step: OnStep
    """Call it as often as is cheap; it raises Cancelled when somebody pressed Stop."""
    notes: list[str] = field(default_factory=list)
    network_calls: int = 0
    guide: Mask | None = None
    """(h, w) bool, True where a line is drawn, False outside the hole; None where there is no sketch."""
    preview: OnPreview | None = None
    """Takes (h, w, 3) uint8 of the fill so far; None where nobody looks, so that a method need not make one.
    """

    @property
    def rng(self) -> np.random.Generator:
        """A fresh generator that depends on the seed alone."""
        return np.random.default_rng(self.seed)


class Inpainter:
    """Base of all methods. Subclasses implement `fill` (or `fill_batch`) and, with weights, `load`."""

    def __init__(self, spec: MethodSpec, *, device: str = "cpu", **options: object) -> None:
        self.spec = spec
        self.device = device
        self.options = spec.resolve(options)
        self.make_beside: Callable[[Mapping[str, object]], Inpainter] | None = None
        """Makes the method that the row names `beside` this one, for a run under these options; the registry
        sets it. None: an explanation shows this method alone.
        """

    def settle(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options as a record should have them, where one may come to mean something else later: a name
        pinned to a revision.
        """
        return dict(options)

    def load(self) -> None:
        """Bring weights into memory; called before the clock starts, cheap when repeated."""

    def fill(self, piece: Piece) -> Image:
        """Return (h, w, 3) uint8 with the hole filled; what it holds outside the hole is discarded later."""
        raise NotImplementedError(f"{type(self).__name__} implements neither fill nor fill_batch")

    def fill_batch(self, pieces: Sequence[Piece]) -> list[Image]:
        """Fill several pieces. Networks override this; each piece's fill must not depend on the others."""
        return [self.fill(piece) for piece in pieces]

    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        """What happens inside while `piece` is filled, in order, without input and result; methods that can
        show it override this.

        Returns the fill where it comes out on the way, so that it need not be made twice.
        """
        yield from ()
        return None

    def explain(self, request: InpaintRequest, on_step: OnStep | None = None) -> Iterator[Frame]:
        """Yield `input`, what happens inside, and `result`: named frames of the largest window around a hole.
        Where it was drawn small, the picture as drawn and with detail from the surroundings come last.

        Raises InputError and Cancelled as `run` does. The first seed alone is explained.
        """
        seeds = checked_seeds(request)
        self.load()
        job = self._job(request, seeds[0])
        if not job.windows:
            raise InputError("The mask is empty: there is nothing to explain. Paint a hole first.")
        job.work = job.work.largest
        (piece,) = job.pieces(_Progress(on_step, 1))
        yield Frame(
            "input",
            "What the method sees: missing pixels are grey",
            np.where(piece.mask[..., None], np.uint8(128), piece.image),
        )
        filled = yield from self.frames(piece)
        filled = self.fill_batch([piece])[0] if filled is None else filled
        shrunk = job.adds_detail and job.windows[0].scale < 1.0
        then = "; detail from the surroundings comes afterwards" if shrunk else ""
        yield Frame(
            LAST_FRAMES[0],
            f"The fill, with the known pixels put back{then}",
            composite(job.as_coloured(filled), piece.image, piece.mask),
        )
        if shrunk:
            yield from job.last_frames(filled)

    def synchronize(self) -> None:
        """Wait for the device, so that `seconds` is the time the work took."""
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.synchronize(self.device)

    def __call__(
        self, request: InpaintRequest, on_step: OnStep | None = None, on_preview: OnPreview | None = None
    ) -> InpaintResult | list[InpaintResult]:
        """Answer one request: a result, or a list of `n` results where n > 1."""
        results = self.run([request], on_step, on_preview)[0]
        return results if request.n > 1 else results[0]

    def run(
        self,
        requests: Sequence[InpaintRequest],
        on_step: OnStep | None = None,
        on_preview: OnPreview | None = None,
    ) -> list[list[InpaintResult]]:
        """Answer a batch: for each request its `n` results. Methods that work long show `on_preview` what
        they have so far of the first.

        Raises InputError for a bad image, mask or option, Cancelled when `on_step` returned False.
        """
        self.load()
        jobs = [self._job(request, seed) for request in requests for seed in checked_seeds(request)]
        progress = _Progress(on_step, sum(len(job.windows) for job in jobs))
        pieces = [
            piece for job in jobs for piece in job.pieces(progress, on_preview if job is jobs[0] else None)
        ]
        self.synchronize()
        start = time.perf_counter()
        drawn = iter(self.fill_batch(pieces) if pieces else [])
        fills = [
            [
                job.finished(i, _checked_fill(next(drawn), piece, self.spec))
                for i, piece in enumerate(job.done)
            ]
            for job in jobs
        ]
        self.synchronize()
        seconds = (time.perf_counter() - start) / max(1, len(jobs))
        results = iter(
            [job.result(self.spec.name, some, seconds) for job, some in zip(jobs, fills, strict=True)]
        )
        return [[next(results) for _ in range(request.n)] for request in requests]

    def _job(self, request: InpaintRequest, seed: int) -> "_Job":
        image, mask = checked_pair(request)
        guide = None if request.guide is None else check_guide(request.guide, mask.shape)
        if mask.all() and self.spec.needs_known:
            raise InputError(
                f"The whole picture is masked; '{self.spec.name}' needs known pixels to continue from. "
                "Unmask some."
            )
        options = self.settle(self.spec.resolve({**self.options, **request.options}))
        job = _Job(image, mask, seed, options, workload(mask, self.spec, options))
        if guide is not None and self.spec.takes_guide:
            job.guide = guide & mask
        elif guide is not None and guide.any():
            job.notes.append(f"{self.spec.title} follows no sketch; the guide was left out.")
        return job


def _checked_fill(drawn: Any, piece: "Piece", spec: MethodSpec) -> Image:
    """What a method drew; raises InputError where that is no picture of the piece's size."""
    kind = (getattr(drawn, "shape", None), getattr(drawn, "dtype", type(drawn).__name__))
    if kind != (piece.image.shape, np.uint8):
        what = f"{kind[1]} of shape {kind[0]}" if kind[0] else str(kind[1])
        raise InputError(
            f"{spec.title} returned {what}; a fill is uint8 of shape {piece.image.shape}, as the piece is."
        )
    filled: Image = drawn
    return filled


def checked_pair(request: InpaintRequest) -> tuple[Image, Mask]:
    """The picture and its mask; raises InputError where they are not of the types and one size that a request
    has.
    """
    image, mask = check_image(request.image), check_mask(request.mask)
    if mask.shape != image.shape[:2]:
        raise InputError(
            f"The mask is {mask.shape[1]}×{mask.shape[0]}, the picture "
            f"{image.shape[1]}×{image.shape[0]}. Use the same size."
        )
    return image, mask


def checked_seeds(request: InpaintRequest) -> range:
    """The seeds of a request's answers, as Python's whole numbers: NumPy's overflow, and torch takes none.
    Raises InputError for a seed or n that cannot be.
    """
    if not (isinstance(request.n, int | np.integer) and isinstance(request.seed, int | np.integer)):
        raise InputError(
            f"n and the seed must be whole numbers, not {str(request.n)[:40]!r} and "
            f"{str(request.seed)[:40]!r}."
        )
    if not 1 <= request.n <= 64:
        raise InputError(f"n must lie between 1 and 64, not {request.n}.")
    if request.seed < 0:
        raise InputError(f"The seed must be 0 or more, not {request.seed}.")
    seed = int(request.seed)
    return range(seed, seed + int(request.n))


class _Progress:
    """Adds up the steps of several pieces and turns a returned False into Cancelled."""

    def __init__(self, on_step: OnStep | None, pieces: int) -> None:
        self.on_step, self.pieces = on_step, pieces
        self.shares: list[float] = []

    def add(self) -> OnStep:
        """The callback of one more piece."""
        index = len(self.shares)
        self.shares.append(0.0)

        def step(done: int, total: int) -> None:
            self.shares[index] = done / max(1, total)
            if self.on_step is None:
                return
            # One piece: its own steps. Several: thousandths, as their totals may differ.
            counts = (
                (done, total) if self.pieces == 1 else (round(1000 * sum(self.shares) / self.pieces), 1000)
            )
            if self.on_step(*counts) is False:
                raise Cancelled

        return step


@dataclass
class _Job:
    """One picture with one seed on its way through a method."""

    image: Image
    mask: Mask
    seed: int
    options: dict[str, bool | int | float | str]
    work: Workload
    done: list[Piece] = field(default_factory=list)
    guide: Mask | None = None
    notes: list[str] = field(default_factory=list)
    detailed: set[int] = field(default_factory=set)
    """The windows whose fills got detail from the surroundings."""

    @property
    def windows(self) -> tuple[Window, ...]:
        return self.work.windows

    def pieces(self, progress: _Progress, on_preview: OnPreview | None = None) -> list[Piece]:
        for window in self.windows:
            image, mask = window.cut(self.image, self.mask)
            guide = None if self.guide is None else window.cut_guide(self.guide) & mask
            preview = self._preview(window, on_preview) if on_preview else None
            self.done.append(
                Piece(image, mask, self.seed, self.options, progress.add(), guide=guide, preview=preview)
            )
        return self.done

    def _preview(self, window: Window, on_preview: OnPreview) -> OnPreview:
        def show(filled: Image) -> None:
            picture = np.where(self.mask[..., None], np.uint8(128), self.image)
            window.paste(picture, window.enlarged(filled))
            picture[self.mask] = self.as_coloured(picture[self.mask])
            on_preview(composite(picture, self.image, self.mask))

        return show

    def finished(self, index: int, drawn: Image) -> Image:
        """A fill of one window at the window's own size."""
        window, piece = self.windows[index], self.done[index]
        if window.scale == 1.0 or not self.adds_detail:
            return window.enlarged(drawn)
        from inpainters.patches.detail import detailed  # brings SciPy

        found = detailed(
            self.image[window.place],
            self.mask[window.place],
            window.unpadded(drawn),
            seed=self.seed if self.work.spec.stochastic else 0,  # one network, one answer
            blur=window.blur,
            invents=window.invents,
            on_scale=lambda: piece.on_step(1, 1),
        )
        if found is None:  # thin parts of the hole may be known pixels in the piece
            return window.enlarged(composite(drawn, piece.image, piece.mask))
        self.detailed.add(index)
        return found

    def last_frames(self, drawn: Image) -> Iterator[Frame]:
        """What becomes of a fill that was drawn small: enlarged, and with detail."""
        (window,) = self.windows
        image, mask = self.image[window.place], self.mask[window.place]
        plain = composite(self.as_coloured(window.enlarged(drawn)), image, mask)
        yield Frame(LAST_FRAMES[1], f"The fill as it was drawn at {max(window.size)} px, enlarged", plain)
        title = "Detail from the surroundings: patches that agree with what was drawn"
        yield Frame(LAST_FRAMES[2], title, composite(self.as_coloured(self.finished(0, drawn)), image, mask))

    @cached_property
    def colourless(self) -> bool:
        """True where no known pixel has a colour."""
        return not self.mask.all() and not colourful(self.image[~self.mask])

    def as_coloured(self, filled: Image) -> Image:
        """A fill as the result shows it: without colours where the picture has none."""
        return uncoloured(filled) if self.colourless else filled

    @property
    def adds_detail(self) -> bool:
        return self.work.spec.adds_detail(self.options)

    def result(self, method: str, fills: Sequence[Image], seconds: float) -> InpaintResult:
        raw = self.image.copy()
        for window, filled in zip(self.windows, fills, strict=True):
            window.paste(raw, filled)
        if self.colourless and colourful(raw[self.mask]):
            raw[self.mask] = uncoloured(raw[self.mask])
            self.notes.append("The picture has no colours, so the fill's were taken out.")
        notes = (
            list(self.notes)
            if self.mask.any()
            else ["The mask is empty: nothing to fill, the picture is unchanged."]
        )
        for i, (window, piece) in enumerate(zip(self.windows, self.done, strict=True)):
            notes += window.notes(detail=i in self.detailed, drawn=int(piece.mask.sum()))
        notes += [note for piece in self.done for note in piece.notes]
        scales = [self.windows[i].scale for i in self.detailed]
        return InpaintResult(
            image=composite(raw, self.image, self.mask),
            raw=raw,
            method=method,
            options=self.options,
            seed=self.seed,
            seconds=seconds,
            network_calls=sum(piece.network_calls for piece in self.done),
            notes=tuple(dict.fromkeys(notes)),
            detail_scale=min(scales, default=None),
        )

"""Explanations: what a method does between the hole and the fill, as pictures that are kept and points that
can be asked.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from demo.server.copies import at_most
from demo.server.jobs import Batch, Job, Price
from demo.server.store import Store, url
from inpainters import costs, registry
from inpainters.base import LAST_FRAMES, Frame, Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError
from inpainters.imaging import Image, Mask
from inpainters.spec import MethodSpec
from inpainters.strategy import workload

MOST_FRAMES = 160
"""A method that shows more keeps its first ones and those that end it."""


@dataclass(frozen=True)
class Shot:
    """A frame whose picture lies in the store."""

    name: str
    title: str
    token: str
    size: tuple[int, int]
    """(height, width) of the frame, without padding."""
    step: int
    """Pixels of the piece to one of the frame, each way; 0 where it is no map of the piece."""
    value: float | None
    origin: Callable[[int, int], Image] | None


@dataclass(kw_only=True)
class Explanation(Job):
    """A job that shows what happens inside in place of only filling."""

    store: Store
    shots: list[Shot] = field(default_factory=list)
    seen: Image | None = None
    """The input frame: what the method saw, without padding."""
    hole: Mask | None = None
    """(h, w) bool, the hole in that frame."""
    padded: tuple[int, int] = (0, 0)
    """(height, width) of the piece, padding included."""
    original: str = ""
    """Token of what was there before it was masked."""
    asked: str = ""
    """Token of the fill, the known pixels faded: where a point is chosen."""
    heats: list[str] = field(default_factory=list)
    """Tokens of the points that were asked."""

    def answer(self, inpainter: Inpainter, request: InpaintRequest, on_step: OnStep) -> InpaintResult:
        begin, kept = time.perf_counter(), 0.0
        options = inpainter.spec.resolve({**inpainter.options, **request.options})
        for frame in inpainter.explain(request, on_step):
            if self.halted:
                raise Cancelled
            if frame.name == "input":
                self._begin(inpainter.spec, request, options, frame)
                begin, self.kept = time.perf_counter(), 0.0  # the weights are loaded
            since = time.perf_counter()
            if len(self.shots) < MOST_FRAMES or frame.name in LAST_FRAMES:
                self._add(frame)
            kept += time.perf_counter() - since
        seconds = max(1e-4, time.perf_counter() - begin - kept - self.kept)
        _learn(inpainter.spec, request.mask, options, seconds)
        return InpaintResult(frame.image, frame.image, self.method, options, self.seed, seconds)

    def _add(self, frame: Frame) -> None:
        """A frame without its padding; of the fill, also what points are chosen on."""
        step = 0 if frame.name in LAST_FRAMES[1:] else step_of(frame.image, self.padded)
        image = self.unpadded(frame.image, step)
        token = self.store.put_image(at_most(image))
        self.shots.append(
            Shot(frame.name, frame.title, token, image.shape[:2], step, frame.value, frame.origin)
        )
        if frame.name == LAST_FRAMES[0] and self.hole is not None and any(shot.origin for shot in self.shots):
            faded = np.where(self.hole[..., None], image, image // 3 + 150)
            self.asked = self.store.put_image(at_most(faded.astype(np.uint8)))

    def unpadded(self, plane: np.ndarray, step: int) -> np.ndarray:
        """A map of the piece, at one pixel for `step` each way, without what stands for the padding."""
        if not step or self.seen is None:
            return plane
        height, width = self.seen.shape[:2]
        return plane[: -(-height // step), : -(-width // step)]

    def _begin(
        self, spec: MethodSpec, request: InpaintRequest, options: Mapping[str, Any], frame: Frame
    ) -> None:
        """Remember the window that is explained."""
        (window,) = workload(request.mask, spec, options).largest.windows
        (height, width), self.padded = window.size, frame.image.shape[:2]
        self.hole = window.cut(request.image, request.mask)[1][:height, :width]
        self.seen = frame.image[:height, :width]
        whole = window.unpadded(window.cut(request.image, np.zeros_like(request.mask))[0])
        self.original = self.store.put_image(at_most(whole))

    def forget(self) -> None:
        """Let go of what lies in memory; the pictures stay."""
        self.shots = [replace(shot, origin=None) for shot in self.shots]

    def close(self) -> None:
        """Stop, and delete the pictures."""
        Batch([self]).stop()
        self.store.drop(
            [
                token
                for token in (self.original, self.asked, *self.heats, *(shot.token for shot in self.shots))
                if token
            ]
        )
        self.forget()


def price_of_explanation(spec: MethodSpec, mask: Mask, options: Mapping[str, Any]) -> Price:
    """What an explanation costs, the method that runs beside it included;
    no calls where options do not set them.
    """
    runs = [workload(mask, spec, options).largest]
    if spec.beside:
        other = registry.get(spec.beside)
        runs.append(replace(runs[0], spec=other, options=spec.shared(other, options)))
    calls, cost = sum(run.network_calls for run in runs), sum(run.seconds for run in runs)
    return Price(calls, sum(map(costs.estimate, runs)), cost)


def _learn(spec: MethodSpec, mask: Mask, options: Mapping[str, Any], seconds: float) -> None:
    """Estimates learn from an explanation as from a run where network calls are what it takes: by the
    method's own share of them.
    """
    if spec.calls:
        own = workload(mask, spec, options).largest
        costs.observe(own, seconds * costs.estimate(own) / price_of_explanation(spec, mask, options).seconds)


def ask(job: Explanation, name: str, row: int, column: int) -> dict[str, Any]:
    """The heat of one point of a frame: where it was copied from, drawn over what the method saw.

    Raises InputError with a sentence where there is nothing to ask.
    """
    shot = next((shot for shot in job.shots if shot.name == name), None)
    if shot is None or job.seen is None or job.hole is None:
        raise InputError("That frame is gone; run the method again.")
    if shot.origin is None:
        raise InputError("What this frame remembers was let go to save memory; run the method again.")
    row, column = (max(0, min(length - 1, at)) for length, at in zip(shot.size, (row, column), strict=True))
    at = fractions((row, column), shot.size, job.seen.shape, shot.step)
    if not job.hole[tuple(int(share * side) for share, side in zip(at, job.hole.shape, strict=True))]:
        raise InputError("That point is known, so nothing was copied to it; choose one inside the hole.")
    light = shot.origin(row, column).astype(np.float64).sum(axis=2)
    if not light.any():
        raise InputError("Nothing was copied to that point.")
    step = step_of(light, job.padded)
    light = job.unpadded(light, step)
    if not light.any():
        raise InputError("That point was copied from beyond the edge, where the method sees it mirrored.")
    peak = np.unravel_index(int(light.argmax()), light.shape)
    picture = _glow(job.seen, light / light.max(), step)
    job.heats.append(job.store.put_image(at_most(picture)))
    return {
        "frame": name,
        "src": url(job.heats[-1]),
        "w": picture.shape[1],
        "h": picture.shape[0],
        "at": at,
        "from": fractions(peak, light.shape, job.seen.shape, step),
    }


def step_of(plane: np.ndarray, padded: tuple[int, int]) -> int:
    """Pixels of a piece of that size to one of its map, each way; 0 where `plane` is no map of it."""
    (height, width), (whole, across) = plane.shape[:2], padded
    alike = whole % height == 0 == across % width and whole // height == across // width
    return whole // height if alike else 0


def fractions(at: Any, size: tuple[int, ...], whole: tuple[int, ...] = (), step: int = 0) -> list[float]:
    """The middle of a pixel as [row, column] in 0 .. 1: of its picture, or of the `whole` one of which it
    shows `step` pixels each way.
    """
    if step:
        places = [(int(i) + 0.5) * step / length for i, length in zip(at, whole, strict=False)]
    else:
        places = [(int(i) + 0.5) / length for i, length in zip(at, size, strict=False)]
    return [round(min(place, 0.99999), 5) for place in places]


def _glow(seen: Image, light: np.ndarray, step: int) -> Image:
    """The darkened picture with `light`, in 0 .. 1, glowing over it from red to yellow; one value for `step`
    pixels each way, or of any size where that is 0.
    """
    height, width = seen.shape[:2]
    rows, columns = (
        np.arange(length) // step if step else np.arange(length) * own // length
        for length, own in zip((height, width), light.shape, strict=True)
    )
    light = light[rows][:, columns, None] ** 0.5
    dark = 0.45 * seen.mean(axis=2, keepdims=True)
    ramp = (1 - light) * np.array([214.0, 40.0, 20.0]) + light * np.array([255.0, 240.0, 74.0])
    shown: Image = np.clip((1 - light) * dark + light * ramp, 0, 255).astype(np.uint8)
    return shown

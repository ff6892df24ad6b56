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
    """(height, width) of the frame as the method gave it."""
    value: float | None
    origin: Callable[[int, int], Image] | None


@dataclass(kw_only=True)
class Explanation(Job):
    """A job that shows what happens inside in place of only filling."""

    store: Store
    shots: list[Shot] = field(default_factory=list)
    seen: Image | None = None
    """The input frame: what the method saw."""
    hole: Mask | None = None
    """(h, w) bool, the hole in that frame."""
    original: str = ""
    """Token of what was there before it was masked."""
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
                self.shots.append(
                    Shot(
                        frame.name,
                        frame.title,
                        self.store.put_image(at_most(frame.image)),
                        frame.image.shape[:2],
                        frame.value,
                        frame.origin,
                    )
                )
            kept += time.perf_counter() - since
        seconds = max(1e-4, time.perf_counter() - begin - kept - self.kept)
        _learn(inpainter.spec, request.mask, options, seconds)
        return InpaintResult(frame.image, frame.image, self.method, options, self.seed, seconds)

    def _begin(
        self, spec: MethodSpec, request: InpaintRequest, options: Mapping[str, Any], frame: Frame
    ) -> None:
        """Remember the window that is explained."""
        (window,) = workload(request.mask, spec, options).largest.windows
        self.hole = window.cut(request.image, request.mask)[1]
        self.seen = frame.image
        whole = window.cut(request.image, np.zeros_like(request.mask))[0]
        self.original = self.store.put_image(at_most(whole))

    def forget(self) -> None:
        """Let go of what lies in memory; the pictures stay."""
        self.shots = [Shot(s.name, s.title, s.token, s.size, s.value, None) for s in self.shots]

    def close(self) -> None:
        """Stop, and delete the pictures."""
        Batch([self]).stop()
        self.store.drop(
            [token for token in (self.original, *self.heats, *(shot.token for shot in self.shots)) if token]
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
    if not job.hole[row * job.hole.shape[0] // shot.size[0], column * job.hole.shape[1] // shot.size[1]]:
        raise InputError("That point is known, so nothing was copied to it; choose one inside the hole.")
    light = shot.origin(row, column).astype(np.float64).sum(axis=2)
    if not light.any():
        raise InputError("Nothing was copied to that point.")
    peak = np.unravel_index(int(light.argmax()), light.shape)
    place = {"at": fractions((row, column), shot.size), "from": fractions(peak, light.shape)}
    picture = _glow(job.seen, light / light.max())
    job.heats.append(job.store.put_image(at_most(picture)))
    return {
        "frame": name,
        "src": url(job.heats[-1]),
        "w": picture.shape[1],
        "h": picture.shape[0],
        **place,
    }


def fractions(at: Any, size: tuple[int, ...]) -> list[float]:
    """The middle of a pixel as [row, column] in 0 .. 1."""
    return [round((int(i) + 0.5) / length, 5) for i, length in zip(at, size, strict=False)]


def _glow(seen: Image, light: np.ndarray) -> Image:
    """The darkened picture with `light`, in 0 .. 1 and of any size, glowing over it from red to yellow."""
    height, width = seen.shape[:2]
    light = (
        light[np.arange(height) * light.shape[0] // height][
            :, np.arange(width) * light.shape[1] // width, None
        ]
        ** 0.5
    )
    dark = 0.45 * seen.mean(axis=2, keepdims=True)
    ramp = (1 - light) * np.array([214.0, 40.0, 20.0]) + light * np.array([255.0, 240.0, 74.0])
    shown: Image = np.clip((1 - light) * dark + light * ramp, 0, 255).astype(np.uint8)
    return shown

"""A picture with its depth that a visitor has open, and the job that looks at it from beside."""

import time
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from demo.server.clips import WRITING, stored_clip
from demo.server.copies import hatched, thumbnail
from demo.server.drawn_scene import drawn_scene
from demo.server.jobs import Batch, Job, Price, price
from demo.server.pictures import DECODING, PAGE_PIXELS, OpenPicture, from_result, open_picture
from demo.server.store import Store, url
from demo.server.use_visit import UseVisit
from inpainters.base import Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError
from inpainters.imaging import Image, encode_png
from inpainters.spec import MethodSpec
from inpainters.strategy import Outline
from inpainters.uses.parallax import (
    Depth,
    behind_near_things,
    read_depth,
    seen_from,
    swaying,
    taken_apart,
    uncovered,
)
from inpainters.uses.video import Clip

VIEW_PIXELS = 750_000
"""Pixels at which the page looks from beside; larger pictures are shrunk."""
SHIFT_HERE = 0.1
"""Of the width how far the camera moves to a side, at most: beyond it all looks like cardboard."""
MOST_STRETCHED = 8
"""How many times as long as wide a picture is, at most: the margin that it needs grows with its width."""
FILM_FRAMES = 48
VIEWING = 0.3
"""Seconds that a view takes per million pixels, on the reference machine."""
SCENE, SCENE_TITLE = "scene", "Cut-outs over coffee"
"""The drawn example, and what it is called."""
COMMAND_OF_VIEW = "python -m inpainters parallax PHOTO DEPTH -o OUT.png"


@dataclass(eq=False)
class ViewVisit(UseVisit):
    """What one visitor has open to be seen from beside."""

    picture: OpenPicture | None = None
    whole: tuple[int, int] = (0, 0)
    """(height, width) of the photograph as it came, which is that of its depth map too."""
    depth: Depth | None = None
    """Of the picture's size, 0 far to 1 near."""
    shown_depth: str | None = None
    """Token of the depth as a picture."""
    near: str = "white"
    """What the depth map shows near."""
    shift: tuple[float, float] = (0.04, 0.0)
    """How far the camera moves right, and down, as a share of the width."""
    ran: tuple[object, ...] = ()
    """Settings of the last run."""
    hole: Outline | None = None
    """What the method will be asked for; None where that is nothing."""

    @property
    def settings(self) -> tuple[object, ...]:
        return self.method, self.shift, self.shown_depth

    @property
    def made(self) -> "MadeViews | None":
        return self.job.made if isinstance(self.job, ViewJob) else None

    def open(self, picture: OpenPicture, whole: tuple[int, int]) -> None:
        """Take a picture in place of the one that is open."""
        self.close()
        self.picture, self.whole = picture, whole

    def see(self, depth: Depth) -> None:
        """Take a depth of the picture's size in place of the one before."""
        self.drop(self.shown_depth)
        self.depth = depth
        grey = np.rint(255 * depth).astype(np.uint8)
        self.shown_depth = self.store.put_image(np.repeat(grey[..., None], 3, axis=2))
        self.measure()

    def measure(self) -> None:
        """Work out what the method will be asked for."""
        self.hole = None
        if self.depth is not None and any(self.shift):
            self.hole = Outline.of(behind_near_things(self.depth, self.shift))

    def clear(self) -> None:
        if isinstance(self.job, ViewJob):
            self.job.close()
        super().clear()
        self.ran = ()

    def close(self) -> None:
        self.clear()
        self.drop(self.shown_depth)
        if one := self.picture:
            self.drop(one.original, one.token, one.preview, one.transparent)
        self.picture = self.depth = self.shown_depth = self.hole = None


def open_view(store: Store, path: str | Path, title: str) -> tuple[OpenPicture, tuple[int, int]]:
    """An uploaded picture at the size at which the page works, and its (height, width) before. Raises
    InputError where it is no picture, or beyond MOST_STRETCHED.
    """
    picture = open_picture(store, path, title)
    whole = picture.size
    if max(whole) > MOST_STRETCHED * min(whole):
        store.drop(_files(picture))
        raise InputError(
            f"'{title}' is {whole[1]}×{whole[0]}: a page looks from beside at pictures that are at most "
            f"{MOST_STRETCHED} times as long as wide. Crop it."
        )
    if whole[0] * whole[1] <= VIEW_PIXELS:
        return picture, whole
    image = store.image(picture.token)
    scale = sqrt(VIEW_PIXELS / (whole[0] * whole[1]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    store.drop(_files(picture))
    token = store.put_image(np.asarray(small, np.uint8))
    height, width = small.shape[:2]
    note = f"A page works at {width}×{height} pixels; the command line takes all: {COMMAND_OF_VIEW}"
    shrunk = from_result(store, token, title)
    return OpenPicture(title, token, token, shrunk.preview, shrunk.size, (*picture.notes, note)), whole


def _files(picture: OpenPicture) -> list[str]:
    """Tokens of all that is stored of a picture."""
    return [one for one in (picture.original, picture.token, picture.preview, picture.transparent) if one]


def open_depth(path: Path, whole: tuple[int, int], size: tuple[int, int]) -> Depth:
    """An uploaded depth map of the photograph's (height, width), at the size at which the page works. Few are
    read at once.
    """
    with DECODING:
        depth = read_depth(path, whole, max_pixels=PAGE_PIXELS)
    if whole == size:
        return depth
    return np.asarray(cv2.resize(depth, size[::-1], interpolation=cv2.INTER_NEAREST), np.float32)


@lru_cache(maxsize=4)
def view_examples(store: Store) -> list[dict[str, str | None]]:
    """`[{id, title, src}]` of pictures with a depth."""
    small = thumbnail(drawn_scene()[0], (60, 60, 360, 360))
    return [{"id": SCENE, "title": SCENE_TITLE, "src": url(store.put(encode_png(small), keep=True))}]


# --- cost and work --------------------------------------------------------------------------------


class ViewParts(NamedTuple):
    """Seconds of the parts of a job."""

    filling: float
    viewing: float
    writing: float


def view_parts(size: tuple[int, int], fill: float) -> ViewParts:
    """What each part takes at (height, width), where the fill takes `fill` seconds."""
    millions = size[0] * size[1] / 1e6
    views = FILM_FRAMES // 2 + 3
    return ViewParts(fill, VIEWING * views * millions, WRITING * FILM_FRAMES * millions)


def price_of_view(size: tuple[int, int], hole: Outline, spec: MethodSpec) -> Price:
    """What a view and its film cost with this method."""
    one = price(spec, hole)
    seconds, cost = (sum(view_parts(size, fill)) for fill in (one.seconds, one.cost))
    return Price(one.calls, seconds, cost)


class MadeViews(NamedTuple):
    """What a job has made."""

    opened: str
    """Token of the view with what came out hatched."""
    view: str
    film: str
    share: float
    """Of the view that came out from behind, or from beyond the frame."""

    @property
    def tokens(self) -> tuple[str, str, str]:
        return self.opened, self.view, self.film


@dataclass(kw_only=True)
class ViewJob(Job):
    """A job that looks at a picture from beside. The mask of its request is no part of it."""

    store: Store
    depth: Depth
    shift: tuple[float, float]
    parts: ViewParts
    total: int = 1000
    what: str = "Filling what is behind near things"
    """What it does now."""
    made: MadeViews | None = None

    def answer(self, inpainter: Inpainter, request: InpaintRequest, on_step: OnStep) -> InpaintResult:
        begin, (filling, viewing, _) = time.perf_counter(), self.parts

        def tell(spent: float) -> None:
            if on_step(round(1000 * spent / sum(self.parts)), 1000) is False:
                raise Cancelled

        layers = taken_apart(
            request.image, self.depth, inpainter, shift=self.shift, seed=self.seed,
            on_step=lambda done, total: tell(filling * done / max(1, total)),
        )  # fmt: skip
        self.what = "Looking from beside"
        opened, hole = uncovered(layers, self.shift)
        view = seen_from(layers, self.shift)
        film = swaying(layers, self.shift, FILM_FRAMES, lambda share: tell(filling + viewing * share))
        self.what = "Writing the film"
        self._keep_views(hatched(opened, hole), view, film, float(hole.mean()))
        seconds = max(1e-4, time.perf_counter() - begin - self.kept)
        return InpaintResult(view, view, self.method, dict(inpainter.options), self.seed, seconds)

    def _keep_views(self, opened: Image, view: Image, film: Clip, share: float) -> None:
        pictures = self.store.put_image(opened), self.store.put_image(view)
        self.made = MadeViews(*pictures, stored_clip(self.store, film), share)
        if self.halted:
            self.close()
            raise Cancelled

    def close(self) -> None:
        """Stop, and delete what it has made."""
        Batch([self]).stop()
        self.store.drop(list(self.made.tokens) if self.made else [])
        self.made = None

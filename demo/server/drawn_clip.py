"""A clip to try, drawn by code: a spotted ball crosses a photograph that the camera passes."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from demo.server.samples import sample_path
from inpainters.imaging import Image, Mask, load_image
from inpainters.uses.video import Clip, grown

SIZE = 256, 384
"""(height, width) of its frames."""
DRAWN_COUNT, DRAWN_RATE = 48, 16.0
PAN = 2
"""Pixels that the camera moves by per frame."""
RADIUS = 30
_FINE = 4
"""Subpixels to a pixel, each way, with which the ball's edge is drawn."""
_HALF = 44
"""Half the side of the square around the ball."""

Plane = npt.NDArray[np.float64]


@cache
def drawn_clip() -> tuple[Clip, Mask]:
    """The clip, and where the ball and its shadow are in the first frame; not to be written to."""
    return Clip(np.stack([drawn_frame(t)[0] for t in range(DRAWN_COUNT)]), DRAWN_RATE), drawn_frame(0)[1]


def drawn_frame(t: int) -> tuple[Image, Mask]:
    """One of its frames, and a mask of the ball and its shadow in it."""
    photo = load_image(sample_path("coffee")).image
    wide = cv2.resize(photo, (480, 320), interpolation=cv2.INTER_AREA)
    frame, mask = wide[40 : 40 + SIZE[0], PAN * t : PAN * t + SIZE[1]].copy(), np.zeros(SIZE, bool)
    x, y = 60 + 2.5 * t, 116 + 24 * np.sin(t / 9)
    top, left = int(y) - _HALF, int(x) - _HALF
    square = (slice(top, top + 2 * _HALF), slice(left, left + 2 * _HALF))
    hides, adds = _ball(x - left, y - top)
    frame[square] = np.rint(frame[square] * (1 - hides) + adds)
    mask[square] = hides[..., 0] > 0.02
    return np.asarray(frame, np.uint8), grown(mask, 3)


def _ball(x: float, y: float) -> tuple[Plane, Plane]:
    """How much of each pixel of a square the ball at (x, y) and its shadow hide, in 0 .. 1, and what they
    add.
    """
    rows, columns = (np.mgrid[: 2 * _HALF * _FINE, : 2 * _HALF * _FINE] + 0.5) / _FINE
    across, down = (columns - x) / RADIUS, (rows - y) / RADIUS
    inside = across**2 + down**2 < 1
    spots = (np.sin(9 * across) * np.sin(9 * down + 1) > 0.35)[..., None]
    light = np.clip(1.15 - 0.45 * np.hypot(across + 0.35, down + 0.4), 0.3, 1.1)[..., None]
    paint = np.where(spots, (245, 240, 225), (28, 110, 190)) * light
    shadow = 0.45 * ((across / 0.95) ** 2 + ((down - 1.0) / 0.22) ** 2 < 1)
    hides = np.where(inside, 1.0, shadow)[..., None]
    return _coarse(hides), _coarse(np.where(inside[..., None], paint.clip(0, 255), 0.0))


def _coarse(fine: Plane) -> Plane:
    side = len(fine) // _FINE
    return np.asarray(fine.reshape(side, _FINE, side, _FINE, -1).mean((1, 3)))

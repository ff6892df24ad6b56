"""A photograph to mend, aged by code: brown, scratched and dusty."""

from functools import cache

import cv2
import numpy as np

from demo.server.samples import sample_path
from inpainters.imaging import Image, Mask, load_image

SCRATCHES, SPECKS = 4, 18
_FINE = 3
"""Bits behind the point of the coordinates that marks are drawn with."""


@cache
def old_photograph() -> tuple[Image, Mask]:
    """The photograph, and where it was marked; not to be written to."""
    photo = load_image(sample_path("chelsea")).image
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(float)[..., None]
    brown = np.clip((62, 46, 30) + grey * (0.72, 0.70, 0.62), 0, 255)
    marks = _marks(*photo.shape[:2])
    hides = 0.92 * marks[..., None] / 255
    return np.rint(brown * (1 - hides) + hides * (246, 240, 228)).astype(np.uint8), marks > 60


def _marks(height: int, width: int) -> np.ndarray:
    """How much of each pixel scratches and dust hide, 0 to 255."""
    marks, rng = np.zeros((height, width), np.uint8), np.random.default_rng(4)
    for _ in range(SCRATCHES):
        x, bend = rng.uniform(0.08, 0.92), rng.uniform(-0.06, 0.06)
        down = np.linspace(rng.uniform(0, 0.15), rng.uniform(0.75, 1), 40)
        points = np.stack([(x + bend * np.sin(2.5 * down)) * width, down * height], 1)
        line = np.rint(points * 2**_FINE).astype(np.int32)
        cv2.polylines(marks, [line], False, 255, 2, cv2.LINE_AA, _FINE)
    for _ in range(SPECKS):
        x, y = np.rint(rng.uniform(0.03, 0.97, 2) * (width, height) * 2**_FINE)
        radius = int(rng.uniform(1.2, 3) * 2**_FINE)
        cv2.circle(marks, (int(x), int(y)), radius, 255, -1, cv2.LINE_AA, _FINE)
    return marks

"""A scene to look at from beside, drawn by code: two round cut-outs of photographs stand before a third one,
and how near each stands is known everywhere.
"""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from demo.server.samples import sample_path
from inpainters.imaging import Image, load_image
from inpainters.uses.parallax import Depth

SCENE_SIZE = 360, 540
"""(height, width)"""
_RIM = 5
"""Pixels of white paper around a cut-out."""


class _CutOut(NamedTuple):
    sample: str
    middle: tuple[int, int]
    """(column, row) of its middle in the scene."""
    of: tuple[int, int, int]
    """(left, top, side) of the square of the photograph that it shows."""
    radius: int
    near: float
    """Its depth."""


_CUT_OUTS = (
    _CutOut("rocket", (386, 136), (210, 60, 260), 78, 0.55),
    _CutOut("chelsea", (186, 212), (70, 10, 270), 108, 1.0),
)
_NEAR_EDGE = 0.3
"""Depth of the photograph's lower edge; its upper edge is farthest, as a table seen from above."""


@cache
def drawn_scene() -> tuple[Image, Depth]:
    """The picture and its depth, 0 far to 1 near; not to be written to."""
    height, width = SCENE_SIZE
    photo = load_image(sample_path("coffee")).image
    picture = np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    slope = np.linspace(0, _NEAR_EDGE, height, dtype=np.float32)[:, None]
    depth = np.repeat(slope, width, axis=1)
    for one in _CUT_OUTS:
        _put(picture, depth, one)
    return picture, depth


def _put(picture: Image, depth: Depth, one: _CutOut) -> None:
    """Draw a cut-out into a picture and its depth."""
    (x, y), (left, top, side), radius = one.middle, one.of, one.radius
    photo = load_image(sample_path(one.sample)).image[top : top + side, left : left + side]
    small = cv2.resize(photo, (2 * radius, 2 * radius), interpolation=cv2.INTER_AREA)
    rows, columns = np.mgrid[-radius:radius, -radius:radius] + 0.5
    away = np.hypot(rows, columns)[..., None]
    face = np.clip(radius - _RIM - away, 0, 1)
    paper = np.clip(radius - away, 0, 1)
    place = np.s_[y - radius : y + radius, x - radius : x + radius]
    whole = face * small + (1 - face) * 246
    picture[place] = np.rint(paper * whole + (1 - paper) * picture[place])
    depth[place] = np.where(away[..., 0] < radius, np.float32(one.near), depth[place])

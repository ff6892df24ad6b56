"""A thing in a picture, from a rough box around it or a point on it: Rother, Kolmogorov and Blake, "GrabCut":
Interactive foreground extraction using iterated graph cuts, SIGGRAPH 2004, in OpenCV's form.
"""

import cv2
import numpy as np

from inpainters.errors import InputError
from inpainters.imaging import Image, Mask

_SIDE = 384
"""The cut is made on a copy of at most this many pixels a side: thinner parts than its pixels are lost."""
_ROUNDS = 4
_SURROUNDINGS = 0.25
"""Part of the box's sides by which the surroundings that are looked at reach beyond it."""
_REACH, _CORE = 0.33, 0.1
"""Of a point: how far its thing may reach, in parts of the shorter side, and what part of that is the thing
for certain.
"""
_MARGIN = 1 / 256
"""The selection is grown by this part of the longer side, so that no rim of the thing stays."""
_NOTHING = "No thing stands out from its surroundings there; draw the box closer, or paint it."


def select_object(image: Image, box: tuple[float, float, float, float]) -> Mask:
    """The thing in a box, (H, W) bool, with a narrow margin.

    `image` (H, W, 3) uint8; `box`: left, top, right, bottom in pixels, cut at the picture's borders. A box of
    no more than 4 pixels a side is a point on the thing. The same picture and box give the same mask.

    Raises InputError where the box lies outside or nothing in it stands out.
    """
    height, width = image.shape[:2]
    left, right = sorted((min(max(box[0], 0), width), min(max(box[2], 0), width)))
    top, bottom = sorted((min(max(box[1], 0), height), min(max(box[3], 0), height)))
    point = right - left <= 4 and bottom - top <= 4
    if not point and min(right - left, bottom - top) < 4:
        raise InputError("That box is too narrow; draw it around the whole thing.")
    reach = _REACH * min(height, width) if point else 0
    aside, above = (reach + _SURROUNDINGS * (end - start) for start, end in ((left, right), (top, bottom)))
    x0, y0 = (max(0, int(start)) for start in (left - aside, top - above))
    x1, y1 = min(width, int(right + aside) + 1), min(height, int(bottom + above) + 1)
    near = image[y0:y1, x0:x1]
    scale = min(1.0, _SIDE / max(near.shape))
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    small = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_AREA), np.uint8)
    at = [round(value * scale) for value in (left - x0, top - y0, right - x0, bottom - y0)]
    labels = _around_point(small, at[0], at[1], reach * scale) if point else _within_box(small, at)
    cut = _cut(small, labels)
    if point:
        cut = _part_at(cut, at[0], at[1])
    if not cut.any():
        raise InputError(_NOTHING)
    found = np.zeros((height, width), bool)
    large = cv2.resize(np.uint8(255) * cut, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    found[y0:y1, x0:x1] = large >= 128
    return _grown(found)


def _within_box(small: Image, box: list[int]) -> np.ndarray:
    """Labels for a box: outside is surroundings, and what is far from it is not looked at."""
    left, top, right, bottom = box
    labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    labels[top : max(bottom, top + 1), left : max(right, left + 1)] = cv2.GC_PR_FGD
    return labels


def _around_point(small: Image, x: int, y: int, reach: float) -> np.ndarray:
    """Labels for a point: rings around it that are less and less likely the thing."""
    labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    for part, label in ((0.9, cv2.GC_PR_BGD), (0.5, cv2.GC_PR_FGD), (_CORE, cv2.GC_FGD)):
        cv2.circle(labels, (x, y), max(1, round(part * reach)), int(label), -1)
    return labels


def _cut(small: Image, labels: np.ndarray) -> Mask:
    if not (labels == cv2.GC_BGD).any():
        raise InputError("The box holds the whole picture; leave some of its surroundings outside.")
    models = np.zeros((1, 65)), np.zeros((1, 65))
    everywhere = (0, 0, *small.shape[1::-1])  # not read: the labels say where the thing may be
    cv2.setRNGSeed(0)  # its first clusters are drawn at random
    try:
        cv2.grabCut(small[..., ::-1].copy(), labels, everywhere, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # surroundings of one colour, or nothing left of the thing
        raise InputError(_NOTHING) from None
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _part_at(cut: Mask, x: int, y: int) -> Mask:
    """What hangs together with the point."""
    _, parts = cv2.connectedComponents(cut.astype(np.uint8), connectivity=8)
    here = parts[min(y, cut.shape[0] - 1), min(x, cut.shape[1] - 1)]
    return np.asarray((parts == here) & cut)


def _grown(mask: Mask) -> Mask:
    radius = max(1, round(_MARGIN * max(mask.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    return cv2.dilate(closed, disc).astype(bool)

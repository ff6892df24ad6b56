"""Straighten a photograph and fill what the turn leaves empty, or the uneven borders of a panorama.

    python -m inpainters straighten PHOTO --angle 3.2 -o OUT.png

Each function returns a picture and the mask of what nothing is known of, where the picture is 0.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.errors import InputError
from inpainters.imaging import Image, Mask, check_image

BLACK = 8
"""The border of a panorama is as dark in each channel, at most: files with losses have no pure black."""
FRAYED = 2
"""Pixels by which such a border is grown: its edge is blended."""


def straightened(image: Image, degrees: float) -> tuple[Image, Mask]:
    """The picture turned anticlockwise about its centre, on a canvas that holds all of it. Returns
    (h, w, 3) uint8 and (h, w) bool. Raises InputError beyond 45 degrees.
    """
    check_image(image)
    if not abs(degrees) <= 45:
        raise InputError("An angle is between -45 and 45 degrees: turn the photograph by a quarter first.")
    height, width = image.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, degrees, 1.0), np.float64)
    across, down = np.abs(turn[:, :2]) @ (width, height)
    size = (round(across), round(down))
    turn[:, 2] += np.subtract(size, (width, height)) / 2
    return _warped(image, np.vstack([turn, (0, 0, 1)]), size)


def rectified(image: Image, corners: Sequence[tuple[float, float]]) -> tuple[Image, Mask]:
    """The picture seen so that four `corners` (x, y) of something flat, from the top left clockwise, become
    an upright rectangle where it was, its sides as long as they are on average. The size stays: what leaves
    the frame is cut. Returns (H, W, 3) uint8 and (H, W) bool. Raises InputError for corners that are no
    such thing.
    """
    check_image(image)
    found = np.array(corners, np.float32)
    if found.shape != (4, 2) or not np.isfinite(found).all():
        raise InputError("Name four corners x,y: top left, top right, bottom right, bottom left.")
    sides = np.roll(found, -1, 0) - found
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if (turns <= 1).any() or sides[0, 0] <= 0:
        raise InputError(
            "These corners are no four-sided figure: name the top left one, then the others clockwise."
        )
    top, right, bottom, left = np.linalg.norm(sides, axis=1)
    half = np.array([top + bottom, right + left]) / 4
    middle = found.mean(0)
    square = (middle + half * [(-1, -1), (1, -1), (1, 1), (-1, 1)]).astype(np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(found, square), np.float64)
    height, width = image.shape[:2]
    edge = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], float)
    if (edge @ np.linalg.inv(matrix)[2] <= 0.05).any():
        raise InputError(
            "Seen so steeply the picture would reach its horizon: choose corners less far apart."
        )
    return _warped(image, matrix, (width, height))


def without_borders(image: Image) -> tuple[Image, Mask]:
    """A panorama and what of it is black from its edge inwards, to be filled. Raises InputError where
    nothing is, or all.
    """
    check_image(image)
    dark = np.pad((image <= BLACK).all(2).astype(np.uint8), 1, constant_values=1)
    _, labels = cv2.connectedComponents(dark, connectivity=4)
    empty = np.asarray(labels == labels[0, 0])[1:-1, 1:-1]
    if not empty.any() or empty.all():
        raise InputError("No border of this picture is black: say --angle or --corners, or mask it yourself.")
    square = np.ones((2 * FRAYED + 1, 2 * FRAYED + 1), np.uint8)
    mask = np.asarray(cv2.dilate(empty.astype(np.uint8), square) > 0)
    return np.where(mask[..., None], np.uint8(0), image), mask


def _warped(image: Image, matrix: npt.NDArray[np.float64], size: tuple[int, int]) -> tuple[Image, Mask]:
    """On a canvas (width, height); a pixel is missing where any part of it is from outside."""
    seen = cv2.warpPerspective(np.ones(image.shape[:2], np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    picture = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = np.asarray(seen < 0.999)
    return np.where(mask[..., None], 0, picture).astype(np.uint8), mask

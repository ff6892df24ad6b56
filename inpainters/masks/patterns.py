"""Fixed patterns, whose ratio is their own: Lugmayr et al. 2022."""

import numpy as np

from inpainters.imaging import Mask


def half(height: int, width: int) -> Mask:
    """The right half; in an odd width the middle column is halved."""
    mask = np.zeros((height, width), bool)
    mask[:, (width + 1) // 2 :] = True
    if width % 2:
        mask[: height // 2, width // 2] = True
    return mask


def lines(height: int, width: int) -> Mask:
    return np.broadcast_to(np.arange(height)[:, None] % 2 == 1, (height, width)).copy()


def grid(height: int, width: int) -> Mask:
    mask = lines(height, width)
    mask[:, 1::2] = True
    return mask


def expand(height: int, width: int) -> Mask:
    mask = np.ones((height, width), bool)
    rows, columns = max(1, round(height / 4)), max(1, round(width / 4))
    top, left = (height - rows) // 2, (width - columns) // 2
    mask[top : top + rows, left : left + columns] = False
    return mask

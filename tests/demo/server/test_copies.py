"""Copies that a page shows."""

import numpy as np

from demo.server import copies


def test_thumbnails_show_the_hole():
    mask = np.zeros((100, 300), bool)
    mask[40:50, 280:300] = True
    top, left, bottom, right = copies.around(mask)
    assert bottom - top == right - left == 26
    assert (right, 0 <= top <= 40, bottom >= 50) == (300, True, True)
    assert copies.around(np.ones((60, 90), bool)) == (0, 15, 60, 75)
    assert copies.thumbnail(np.zeros((400, 300, 3), np.uint8), (0, 0, 300, 300)).shape == (
        copies.THUMBNAIL,
        copies.THUMBNAIL,
        3,
    )

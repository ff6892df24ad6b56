import numpy as np
from skimage import data

from inpainters.patches.melt import melt


def test_melting_sources_that_continue_each_other_changes_nothing():
    image = np.ascontiguousarray(data.astronaut()[200:240, 100:140])
    mask = np.zeros((40, 40), bool)
    mask[25:31, 25:31] = True
    pixels = np.flatnonzero(mask.ravel())
    shifted = image.copy()
    # So that the sources 16 up and left agree with the rim as well.
    shifted[20:36, 20:36] = shifted[4:20, 4:20]
    filled = melt(pixels - 16 * 41, pixels, np.where(mask[..., None], 0, shifted).astype(np.uint8))
    assert (filled == shifted).all()

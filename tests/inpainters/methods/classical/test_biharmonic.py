"""The biharmonic fill against closed forms and scikit-image on the whole picture."""

import numpy as np
import pytest
from skimage import data
from skimage.restoration import inpaint_biharmonic

from inpainters import inpaint


def box(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def ramp(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([10 + x + 2 * y, 200 - x, 20 + 2 * x + y], axis=-1).astype(np.uint8)  # all within 0..255


@pytest.mark.parametrize(
    "hole", [(slice(15, 45), slice(20, 41)), (slice(30, 31), slice(30, 31)), (slice(5, 50), slice(28, 31))]
)
def test_reproduces_affine_ramps(hole):
    image = ramp(61, 59)
    mask = box(image.shape[:2], *hole)
    np.testing.assert_array_equal(inpaint(image, mask, "biharmonic"), image)


def test_reproduces_a_cubic_in_one_direction():
    # The fourth derivative of a cubic vanishes, so that it is its own biharmonic continuation.
    x = np.linspace(-1, 1, 64)
    image = np.rint(np.broadcast_to((127 + 100 * x**3)[None, :, None], (64, 64, 3))).astype(np.uint8)
    mask = box((64, 64), slice(24, 40), slice(24, 40))
    assert (
        np.abs(inpaint(image, mask, "biharmonic").astype(int) - image).max() <= 3
    )  # rounding of the rim, carried inwards


@pytest.mark.parametrize(
    "hole", [(slice(50, 70), slice(40, 66)), (slice(0, 11), slice(0, 9)), (slice(90, None), slice(80, None))]
)
def test_the_crop_equals_the_whole_picture(hole):
    photo = np.ascontiguousarray(data.chelsea()[60:171, 120:233])  # 111x113
    mask = box(photo.shape[:2], *hole)
    whole = inpaint_biharmonic(np.where(mask[..., None], 0.0, photo / 255), mask, channel_axis=-1)
    filled = inpaint(photo, mask, "biharmonic")
    # scikit-image clips to the range of the known pixels, which a crop may lack: equal where neither clips.
    known = photo[~mask]
    assert filled.min() >= known.min()
    assert filled.max() <= known.max()
    assert np.mean(np.abs(filled[mask] - 255 * whole[mask]) <= 0.51) > 0.97


def test_beats_the_mean_by_far_on_smooth_shading():
    y, x = np.mgrid[:71, :83] / 10
    image = np.rint(127 + 100 * np.sin(x / 2)[..., None] * np.cos(y / 3)[..., None] * np.ones(3)).astype(
        np.uint8
    )
    mask = box((71, 83), slice(20, 45), slice(30, 55))
    error = {
        m: np.abs(inpaint(image, mask, m)[mask].astype(int) - image[mask]).mean()
        for m in ("biharmonic", "mean_fill")
    }
    assert error["biharmonic"] < error["mean_fill"] / 10

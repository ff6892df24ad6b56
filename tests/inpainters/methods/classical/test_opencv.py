"""Telea and Navier-Stokes against OpenCV called directly."""

import cv2
import numpy as np
import pytest
from skimage import data

from inpainters import InpaintRequest, create, inpaint

FLAGS = {"telea": cv2.INPAINT_TELEA, "navier_stokes": cv2.INPAINT_NS}


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[40:167, 150:251])  # 127x101


def hole(photo: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(photo.shape[:2], bool)
    mask[rows, columns] = True
    return mask


HOLES = {
    "inside": (slice(40, 61), slice(30, 55)),
    "corner": (slice(0, 20), slice(0, 15)),
    "edge": (slice(100, None), slice(60, None)),
    "pixel": (slice(63, 64), slice(50, 51)),
    "line": (slice(0, None), slice(50, 52)),
}


@pytest.mark.parametrize("where", HOLES)
@pytest.mark.parametrize("method", FLAGS)
def test_equals_opencv_on_the_whole_picture(photo, method, where):
    mask = hole(photo, *HOLES[where])
    direct = cv2.inpaint(
        np.where(mask[..., None], np.uint8(0), photo), mask.astype(np.uint8), 3, FLAGS[method]
    )
    filled = inpaint(photo, mask, method)
    if method == "telea":
        np.testing.assert_array_equal(filled[mask], direct[mask])
    else:
        # Navier-Stokes sweeps the picture, so that a crop may round differently.
        assert np.abs(filled[mask].astype(int) - direct[mask]).max() <= 1
    np.testing.assert_array_equal(filled[~mask], photo[~mask])


@pytest.mark.parametrize("method", FLAGS)
def test_what_lies_under_the_mask_does_not_matter(photo, method):
    mask = hole(photo, *HOLES["inside"])
    other = photo.copy()
    other[mask] = (255, 0, 255)
    np.testing.assert_array_equal(inpaint(photo, mask, method), inpaint(other, mask, method))


@pytest.mark.parametrize("method", FLAGS)
def test_continues_a_flat_colour(method):
    flat = np.full((40, 33, 3), (200, 30, 90), np.uint8)
    mask = hole(flat, slice(10, 20), slice(5, 30))
    assert (
        np.abs(inpaint(flat, mask, method).astype(int) - flat).max() <= 3
    )  # Telea's gradient term is rounded on the way


@pytest.mark.parametrize("method", FLAGS)
def test_the_radius_reaches_opencv(photo, method):
    mask = hole(photo, *HOLES["inside"])
    near, far = (
        create(method, radius=radius).run([InpaintRequest(photo, mask)])[0][0].image for radius in (1, 9)
    )
    assert (near != far).any()

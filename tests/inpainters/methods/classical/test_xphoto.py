"""Frequency selective reconstruction and the shift map against OpenCV called directly, and against what they
promise.
"""

import cv2
import numpy as np
import pytest
from skimage import data

from inpainters import Cancelled, InpaintRequest, create, inpaint
from inpainters.imaging import to_uint8
from inpainters.methods.classical import xphoto
from inpainters.methods.classical.xphoto import Fsr, ShiftMap, _to_lab, _to_rgb


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[120:200, 200:288])  # 80x88


def box(shape: tuple[int, ...], rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape[:2], bool)
    mask[rows, columns] = True
    return mask


def sinusoid(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    wave = 127 + 60 * np.sin(2 * np.pi * x / 9) + 50 * np.cos(2 * np.pi * (x + y) / 14)
    return to_uint8(np.stack([wave, 255 - wave, wave], axis=-1))


def error(method: str, image: np.ndarray, mask: np.ndarray) -> float:
    return float(np.abs(inpaint(image, mask, method)[mask].astype(int) - image[mask]).mean())


@pytest.mark.parametrize(
    ("quality", "flag"), [("fast", cv2.xphoto.INPAINT_FSR_FAST), ("best", cv2.xphoto.INPAINT_FSR_BEST)]
)
def test_a_small_hole_equals_opencv(photo, quality, flag):
    mask = box(photo.shape, slice(40, 48), slice(38, 45))
    window = (slice(8, 80), slice(6, 77))  # 32 px of context
    image = np.where(mask[..., None], np.uint8(0), photo)[window]
    pad = [(0, -image.shape[0] % 16), (0, -image.shape[1] % 16)]
    known = np.pad(np.where(mask[window], 0, 255).astype(np.uint8), pad, mode="symmetric")
    direct = np.zeros((*known.shape, 3), np.uint8)
    cv2.xphoto.inpaint(np.pad(image, [*pad, (0, 0)], mode="symmetric"), known, direct, flag)
    result = create("fsr", quality=quality).run([InpaintRequest(photo, mask)])[0][0]
    np.testing.assert_array_equal(
        result.image[mask], direct[: image.shape[0], : image.shape[1]][mask[window]]
    )
    assert result.notes == ()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (67, 61), (33, 70)])
def test_fsr_halves_the_error_of_the_mean(height, width):
    image = sinusoid(height, width)
    mask = box(image.shape, slice(12, 24), slice(20, 34)) | box(
        image.shape, slice(height - 5, None), slice(width - 6, None)
    )
    assert error("fsr", image, mask) < error("mean_fill", image, mask) / 2


def test_fsr_fills_the_incomplete_blocks_of_odd_sizes():
    # Called directly, OpenCV leaves these black.
    image = np.full((35, 51, 3), 200, np.uint8)
    mask = box(image.shape, slice(30, None), slice(44, None))
    assert np.abs(inpaint(image, mask, "fsr").astype(int) - 200).max() <= 3


@pytest.mark.slow
def test_the_core_of_a_deep_hole_comes_from_half_the_size():
    image = sinusoid(100, 100)
    mask = box(image.shape, slice(15, 85), slice(15, 85))
    calls: list[int] = []
    result = create("fsr").run([InpaintRequest(image, mask)], lambda done, total: calls.append(done))[0][0]
    assert len(calls) == 2  # one at half the size, one at the full size
    assert np.abs(result.image[mask].astype(int) - image[mask]).mean() < error("mean_fill", image, mask)


@pytest.mark.slow
def test_tiles_are_sorted_and_cover_the_hole(monkeypatch):
    monkeypatch.setattr(Fsr, "TILE", 32)
    monkeypatch.setattr(Fsr, "CONTEXT", 8)
    image = sinusoid(60, 90)
    mask = np.random.default_rng(0).random(image.shape[:2]) < 0.03
    seen: list[tuple[int, int]] = []
    result = create("fsr").run([InpaintRequest(image, mask)], lambda *step: seen.append(step))[0][0]
    assert seen == [(index, 6) for index in range(6)]  # 2 x 3 tiles
    assert np.abs(result.image[mask].astype(int) - image[mask]).mean() < error("mean_fill", image, mask) / 4


def test_fsr_stops_between_tiles(monkeypatch):
    monkeypatch.setattr(Fsr, "TILE", 32)
    image = sinusoid(80, 130)
    mask = np.random.default_rng(0).random(image.shape[:2]) < 0.05
    with pytest.raises(Cancelled):
        create("fsr").run([InpaintRequest(image, mask)], lambda done, total: done < 3)


def test_best_is_bounded_and_says_so(photo, monkeypatch):
    monkeypatch.setattr(Fsr, "MOST_BEST", 60)
    mask = box(photo.shape, slice(30, 50), slice(30, 50))
    result = create("fsr", quality="best").run([InpaintRequest(photo, mask)])[0][0]
    assert "of 400 missing pixels" in result.notes[0]


def test_lab_and_back_is_exact():
    colours = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1).reshape(-1, 52, 3).astype(np.uint8)
    lab = _to_lab(colours)
    assert lab.min() > 0.5
    np.testing.assert_array_equal(_to_rgb(lab), colours)


@pytest.mark.parametrize(
    "hole", [(slice(30, 50), slice(30, 55)), (slice(0, 20), slice(60, None)), (slice(44, 45), slice(9, 10))]
)
def test_shift_map_copies_known_pixels_only(photo, hole):
    mask = box(photo.shape, *hole)
    result = create("shift_map").run([InpaintRequest(photo, mask)])[0][0]
    assert result.notes == ()
    known = {tuple(pixel) for pixel in photo[~mask]}
    assert {tuple(pixel) for pixel in result.image[mask]} <= known


def test_shift_map_continues_a_pattern():
    tile = np.random.default_rng(0).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    image = np.tile(tile, (5, 5, 1))
    mask = box(image.shape, slice(45, 60), slice(50, 66))
    assert error("shift_map", image, mask) < error("mean_fill", image, mask) / 10


@pytest.mark.parametrize("shape", [(2, 2), (1, 9), (7, 3), (17, 40), (40, 17)])
@pytest.mark.parametrize("method", ["shift_map", "fsr"])
def test_tiny_and_flat_pictures(method, shape):
    image = np.full((*shape, 3), (90, 160, 30), np.uint8)
    mask = np.zeros(shape, bool)
    mask[-1, -1] = True
    assert np.abs(inpaint(image, mask, method).astype(int) - image).max() <= 3


@pytest.mark.parametrize("method", ["shift_map", "fsr"])
def test_one_known_pixel_is_enough(method):
    image = np.full((30, 23, 3), 120, np.uint8)
    mask = np.ones((30, 23), bool)
    mask[3, 4] = False
    assert inpaint(image, mask, method).shape == image.shape


def test_shift_map_depends_on_no_global_state(photo):
    mask = box(photo.shape, slice(30, 50), slice(30, 55))
    fills = []
    for seed, threads in ((1, 1), (2, 2)):
        cv2.setRNGSeed(seed)
        before = cv2.getNumThreads()
        cv2.setNumThreads(threads)
        fills.append(inpaint(photo, mask, "shift_map"))
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(*fills)


def test_shift_map_falls_back_where_no_offset_serves():
    image = np.full((40, 40, 3), 50, np.uint8)
    mask = np.ones((40, 40), bool)
    mask[:, :2] = False
    result = create("shift_map").run([InpaintRequest(image, mask)])[0][0]
    assert np.abs(result.image.astype(int) - 50).max() <= 1
    assert ShiftMap.SMALLEST >= 2 * 16


def test_shift_map_never_gives_xphoto_a_picture_with_too_few_offsets(monkeypatch) -> None:
    """At 64×64 fills of this picture were of two kinds, by what lay in memory; at 80 and more of one."""
    image, mask = np.ascontiguousarray(data.chelsea()[100:164, 120:184]), np.zeros((64, 64), bool)
    mask[10:15, 10:20] = True
    shapes, before = [], xphoto._xphoto
    monkeypatch.setattr(xphoto, "_xphoto", lambda *given: shapes.append(given[0].shape) or before(*given))
    inpaint(image, mask, "shift_map")
    assert set(shapes) == {(96, 96, 3)}

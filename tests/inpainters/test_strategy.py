"""Windows: disjoint, covering, small; shrinking and padding as a method sees them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpainters.base import Inpainter, InpaintRequest
from inpainters.spec import Cost, MethodSpec, Strategy
from inpainters.strategy import Window, windows


class Recorder(Inpainter):
    """Fills with the mean colour and remembers the pieces."""

    def __init__(self, **strategy):
        super().__init__(
            MethodSpec(
                "recorder", "", "baseline", "", "", "", 0, "", "", Cost(0), strategy=Strategy(**strategy)
            )
        )
        self.seen = []

    def fill(self, piece):
        self.seen.append(piece)
        return np.broadcast_to(
            piece.image[~piece.mask].mean(axis=0).round().astype(np.uint8), piece.image.shape
        )


@st.composite
def holes(draw):
    mask = np.zeros((draw(st.integers(1, 150)), draw(st.integers(1, 150))), bool)
    for _ in range(draw(st.integers(0, 5))):
        top, left = draw(st.integers(0, mask.shape[0] - 1)), draw(st.integers(0, mask.shape[1] - 1))
        mask[top : top + draw(st.integers(1, 30)), left : left + draw(st.integers(1, 30))] = True
    return mask


@settings(max_examples=150, deadline=None)
@given(holes(), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0, 4, 32]), st.sampled_from([None, 400]))
def test_windows_are_disjoint_and_hold_every_missing_pixel(mask, context, least, cap):
    count = np.zeros(mask.shape, int)
    for window in windows(mask, Strategy(context=context, min_context=least, max_pixels=cap)):
        count[window.top : window.bottom, window.left : window.right] += 1
        # each side is rounded to whole pixels: (a + 1/2) (b + 1/2) = a b + (a + b) / 2 + 1/4
        assert cap is None or np.prod(window.size) <= cap + sum(window.size) / 2 + 1
    assert count.max(initial=0) <= 1
    assert (count[mask] == 1).all()


@settings(max_examples=150, deadline=None)
@given(holes(), st.sampled_from([0.0, 1.0]), st.sampled_from([16, 64]))
def test_windows_of_one_size(mask, context, side):
    """As long as the network knows where the picture is; never longer, at the scale that is worked at."""
    count = np.zeros(mask.shape, int)
    for window in windows(mask, Strategy(context=context, min_context=4, side=side)):
        count[window.top : window.bottom, window.left : window.right] += 1
        height, width = window.bottom - window.top, window.right - window.left
        assert height >= min(side, mask.shape[0])
        assert width >= min(side, mask.shape[1])
        assert max(window.size) <= side
        assert window.scale == min(1, side / max(height, width))
    assert count.max(initial=0) <= 1
    assert (count[mask] == 1).all()


def test_a_window_of_one_size_has_its_hole_in_the_middle():
    mask = np.zeros((200, 300), bool)
    mask[100:110, 150:160] = True
    (window,) = windows(mask, Strategy(context=0.0, min_context=4, side=64))
    assert (window.top, window.bottom, window.left, window.right) == (73, 137, 123, 187)
    mask = np.roll(mask, (90, -150), (0, 1))
    (window,) = windows(mask, Strategy(context=0.0, min_context=4, side=64))
    assert (window.top, window.bottom, window.left, window.right) == (136, 200, 0, 64)


@settings(max_examples=60, deadline=None)
@given(holes(), st.sampled_from([1, 8]), st.sampled_from([None, 200]), st.sampled_from([None, 50]))
def test_what_a_method_sees(mask, multiple, cap, missing):
    image = np.random.default_rng(0).integers(1, 256, (*mask.shape, 3), np.uint8)
    method = Recorder(min_context=4, multiple=multiple, max_pixels=cap, max_missing=missing)
    if mask.all():
        return
    result = method(InpaintRequest(image, mask))
    assert np.array_equal(result.image[~mask], image[~mask])
    for piece in method.seen:
        assert piece.image.shape == (*piece.mask.shape, 3)
        assert piece.mask.shape[0] % multiple == piece.mask.shape[1] % multiple == 0
        assert piece.mask.any()
        assert not piece.image[piece.mask].any()
        assert not piece.mask.all()


def test_a_piece_is_the_picture_itself_where_nothing_caps_it():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    mask = np.zeros((40, 50), bool)
    mask[20, 20] = True
    piece, part = Window(10, 5, 30, 45).cut(image, mask)
    assert np.array_equal(piece[~part], image[10:30, 5:45][~part])
    assert np.argwhere(part).tolist() == [[10, 15]]


def test_shrinking_does_not_darken_and_says_so():
    image, mask = np.full((64, 64, 3), 200, np.uint8), np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    method = Recorder(max_pixels=400)
    result = method(InpaintRequest(image, mask))
    piece = method.seen[0]
    assert piece.mask.shape == (20, 20)
    assert (piece.image[~piece.mask] == 200).all()
    assert np.array_equal(result.image, image)
    assert "31% of the size" in result.notes[0]


def test_a_thin_hole_survives_shrinking():
    mask = np.zeros((200, 200), bool)
    mask[100, 50:150] = True
    method = Recorder(max_pixels=1000)
    method(InpaintRequest(np.full((200, 200, 3), 9, np.uint8), mask))
    assert method.seen[0].mask.any()


def test_padding_mirrors():
    image = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    mask = np.zeros((5, 6), bool)
    mask[4, 1] = True
    piece, part = Window(0, 0, 5, 6, multiple=4).cut(image, mask)
    assert piece.shape == (8, 8, 3)
    assert np.array_equal(piece[:5, 6], image[:, 5] * ~mask[:, 5, None])
    assert part[4, 1]
    assert part[5, 1]
    assert part.sum() == 2


def test_a_sketch_is_cut_along_and_its_thin_lines_survive_shrinking():
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    guide = np.zeros((64, 64), bool)
    guide[30, :] = guide[60, 0] = True
    image = np.full((64, 64, 3), 9, np.uint8)
    for cap in (None, 400):
        method = Recorder(max_pixels=cap, multiple=8)
        method.spec = replace(method.spec, takes_guide=True)
        method(InpaintRequest(image, mask, guide=guide))
        (piece,) = method.seen
        assert piece.guide.shape == piece.mask.shape
        assert not (piece.guide & ~piece.mask).any()
        rows, columns = np.nonzero(piece.guide)
        assert rows.tolist() == [30 if cap is None else 9] * len(rows)  # 20/64 of the size: 9.375
        assert np.array_equal(np.unique(columns), np.flatnonzero(piece.mask[rows[0]]))


@pytest.mark.slow
def test_a_one_pixel_hole_in_a_large_picture_is_a_small_window():
    image, mask = np.zeros((6000, 6000, 3), np.uint8), np.zeros((6000, 6000), bool)
    mask[3000, 4000] = True
    method = Recorder()
    result = method(InpaintRequest(image, mask))
    assert result.image.shape == image.shape
    assert [piece.image.shape for piece in method.seen] == [(65, 65, 3)]


def test_far_holes_are_apart_and_near_ones_together():
    mask = np.zeros((1000, 1000), bool)
    mask[10:20, 10:20] = mask[900:905, 900:950] = mask[30:35, 10:20] = True
    assert len(windows(mask, Strategy())) == 2


def test_a_thousand_specks_are_one_window():
    mask = np.zeros((1600, 1600), bool)
    mask[::50, ::50] = True
    assert len(windows(mask, Strategy(min_context=1))) == 1


def test_no_hole_no_window():
    assert windows(np.zeros((30, 30), bool), Strategy()) == []

"""Detail from the surroundings: what was drawn stays, texture comes, known pixels are not touched."""

from unittest import mock

import cv2
import numpy as np
import pytest

from inpainters.imaging import enlarge, shrink
from inpainters.patches import detail
from inpainters.patches.detail import _familiar, detailed

SIZE = (160, 192)


def textured(seed=0):
    """A picture of two textures, fine stripes on the left and coarse noise on the right."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    stripes = 128 + 80 * np.sign(np.sin(y * 1.6))
    noise = 110 + 60 * cv2.resize(rng.normal(0, 1, (40, 48)), SIZE[::-1], interpolation=cv2.INTER_NEAREST)
    grey = np.where(x < 96, stripes, noise) + rng.normal(0, 3, SIZE)
    return np.clip(grey[..., None] + np.array([10, 0, -10]), 0, 255).astype(np.uint8)


def hole(top=50, left=60, bottom=110, right=130):
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def small_of(picture, factor=4):
    size = SIZE[0] // factor, SIZE[1] // factor
    return shrink(picture, size, np.ones(SIZE, bool))


def test_known_pixels_are_as_they_were_and_missing_ones_are_not_read():
    picture, mask = textured(), hole()
    drawn = small_of(picture)
    holed = np.where(mask[..., None], np.uint8(0), picture)
    found = detailed(holed, mask, drawn, seed=3)
    assert (found[~mask] == picture[~mask]).all()
    other = np.where(mask[..., None], np.uint8(255), picture)
    assert (detailed(other, mask, drawn, seed=3) == found).all()


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    picture, mask = textured(), hole()
    one, again, other = (detailed(picture, mask, small_of(picture), seed=seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_texture_comes_back_that_shrinking_took_away():
    """Contrast within small windows: gone in the enlarged picture, nearly as in the original afterwards."""
    picture, mask = textured(), hole()
    drawn = small_of(picture)

    def contrast(image):
        grey = image.astype(np.float32).mean(axis=2)
        inside = cv2.boxFilter(grey**2, -1, (5, 5)) - cv2.boxFilter(grey, -1, (5, 5)) ** 2
        core = hole(56, 66, 104, 90)  # stripes, away from the rim
        return float(np.sqrt(np.maximum(inside, 0))[core].mean())

    wanted, found = contrast(picture), contrast(detailed(picture, mask, drawn, seed=0))
    assert contrast(enlarge(drawn, SIZE)) < 0.5 * wanted
    assert found == pytest.approx(wanted, rel=0.25)


def redness(picture, target, **words):
    """(inside, beside) a red thing that was drawn in the hole."""
    found = detailed(picture, hole(), small_of(target), seed=0, **words).astype(float)
    red = found[..., 0] - found[..., 1:].mean(axis=2)
    return red[70:90, 80:105].mean(), abs(red[52:60, 62:128].mean())


def test_a_red_thing_stays_where_it_was_drawn_though_nothing_near_is_red():
    picture = textured()
    target = picture.copy()
    target[65:95, 75:110] = (210, 30, 30)
    inside, beside = redness(picture, target)
    assert inside > 0.6 * 180
    assert beside < 40


def test_what_a_network_that_does_not_invent_draws_red_is_so_where_something_known_is():
    picture = textured()
    target = picture.copy()
    target[65:95, 75:110] = (210, 30, 30)
    assert redness(picture, target, invents=False)[0] < 50
    for known in picture, target:
        known[4:30, 4:30] = (210, 30, 30)
    assert redness(picture, target, invents=False)[0] > 0.6 * 180


def test_a_colour_is_the_less_familiar_the_further_it_is_from_all_known_ones():
    small = np.full((1, 5, 3), 100, np.uint8)
    small[0, 1:, :] = [[100], [112], [124], [250]]
    hole = np.array([[False, True, True, True, True]])
    assert _familiar(small, hole)[0] == pytest.approx([1, 1, 1 / 4, 1 / 25, 0], abs=1e-3)
    assert (_familiar(small, np.ones((1, 5), bool)) == 1).all()


def test_a_flat_picture_is_compared_at_once():
    """By how many colours are looked up, as a clock tells little."""
    small, hole = np.full((300, 300, 3), 255, np.uint8), np.pad(np.ones((150, 150), bool), 75)
    with mock.patch.object(detail, "cKDTree", wraps=detail.cKDTree) as tree:
        assert (_familiar(small, hole) == 1).all()
    assert tree.call_args.args[0].shape == (1, 3)


def test_answers_that_were_drawn_differently_stay_different():
    picture, mask = textured(), hole()
    dark, light = picture // 3, 255 - (255 - picture) // 3
    first, second = (detailed(picture, mask, small_of(one), seed=0).astype(float) for one in (dark, light))
    assert (second - first)[mask].mean() > 60


@pytest.mark.parametrize("step", [2, 9])
def test_without_a_known_patch_there_is_none(step):
    picture, mask = textured(), np.ones(SIZE, bool)
    mask[::step, ::step] = False
    assert detailed(picture, mask, small_of(picture), seed=0) is None


@pytest.mark.parametrize("size", [(300, 2), (2, 300), (400, 5)])
def test_pictures_of_few_pixels_across(size):
    picture, mask = textured()[: size[0], : size[1]].copy(), np.zeros(size, bool)
    picture = np.resize(picture, (*size, 3))
    mask[size[0] // 4 : size[0] // 2 + 1, size[1] // 4 : size[1] // 2 + 1] = True
    drawn = shrink(picture, (max(1, size[0] // 12), max(1, size[1] // 12)), np.ones(size, bool))
    found = detailed(picture, mask, drawn, seed=0)
    assert found is None or np.array_equal(found[~mask], picture[~mask])


def test_each_scale_is_told_of():
    calls = []
    picture, mask = textured(), hole()
    detailed(picture, mask, small_of(picture), seed=0, on_scale=lambda: calls.append(1))
    assert len(calls) >= 3


def test_fog_in_rough_surroundings_takes_their_detail():
    """A flat drawing: its mean says what is there, what is around it how rough that is. In the right half
    of the picture the stripes are gone, and nothing but their mean is left.
    """
    picture, mask = textured(), hole(right=90)
    picture[:, 96:] = mean = picture[:, :96].mean((0, 1))
    for missing, rough in ((mask, True), (mask[:, ::-1], False)):
        drawn = small_of(picture)
        drawn[missing[2::4, 2::4]] = mean
        found = detailed(picture, missing, drawn, seed=0)[missing, 0].std()
        assert found > 0.8 * picture[:, :96, 0].std() if rough else found < 5


def test_what_is_drawn_finer_than_the_blur_is_not_followed():
    picture, mask = textured(), hole()
    flat = small_of(picture)
    rough = flat.astype(int) + 40 * (np.indices(flat.shape[:2]).sum(0) % 2 * 2 - 1)[..., None]
    rough = np.where(small_of(mask[..., None].repeat(3, 2) * np.uint8(255)) > 127, rough.clip(0, 255), flat)

    def apart(blur):
        found = [detailed(picture, mask, one.astype(np.uint8), seed=0, blur=blur) for one in (flat, rough)]
        return np.abs(found[0].astype(float) - found[1])[mask].mean()

    assert apart(2.0) < 0.7 * apart(0.0)

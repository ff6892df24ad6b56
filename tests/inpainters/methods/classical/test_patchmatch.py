import cv2
import numpy as np
import pytest
from skimage import data

from inpainters import Cancelled, InpaintRequest, create
from inpainters.methods.classical.patchmatch import PatchMatch
from inpainters.patches.melt import melt


def fill(image, mask, seed=0, on_step=None, **options):
    return create("patchmatch", **options)(InpaintRequest(image, mask, seed=seed), on_step)


def square(shape, top, left, side):
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def photograph(side=96):
    return np.ascontiguousarray(data.astronaut()[200 : 200 + side, 100 : 100 + side])


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 13, 77)])
def test_a_flat_picture_stays_flat(colour):
    image = np.full((60, 70, 3), colour, np.uint8)
    assert (fill(image, square((60, 70), 20, 20, 22)).image == image).all()


@pytest.mark.parametrize("turned", [False, True])
def test_stripes_are_recovered_exactly(turned):
    stripes = np.where(np.arange(64) % 8 < 4, 40, 210).astype(np.uint8)
    image = np.repeat(np.broadcast_to(stripes, (64, 64))[..., None], 3, axis=2).copy()
    image = np.ascontiguousarray(image.swapaxes(0, 1)) if turned else image
    assert (fill(image, square((64, 64), 20, 23, 14)).image == image).all()


def test_a_tiling_is_recovered_exactly():
    tile = np.random.default_rng(3).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    image = np.tile(tile, (12, 12, 1))
    assert (fill(image, square((72, 72), 30, 30, 9)).image == image).all()


def test_a_photograph_is_filled_better_than_by_its_mean_colour():
    image, mask = photograph(128), square((128, 128), 50, 50, 24)
    mean = np.abs(image[mask] - image[~mask].mean(axis=0)).mean()
    assert np.abs(fill(image, mask).image[mask].astype(float) - image[mask]).mean() < mean


def test_the_same_seed_gives_the_same_bytes_and_another_may_not():
    image, mask = photograph(), square((96, 96), 30, 30, 30)
    first, again, other = (fill(image, mask, seed=seed).image for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_every_source_is_a_known_pixel(monkeypatch):
    chosen_of = []

    def spy(chosen, pixels, image):
        chosen_of.append((chosen, pixels))
        return melt(chosen, pixels, image)

    monkeypatch.setattr("inpainters.methods.classical.patchmatch.melt", spy)
    image, mask = photograph(), square((96, 96), 30, 30, 30)
    fill(image, mask)
    (chosen, pixels), missing = chosen_of[0], mask.ravel()
    assert not missing[chosen].any()
    assert (pixels == np.flatnonzero(missing)).all()


def test_what_lies_under_the_hole_has_no_say():
    image, mask = photograph(), square((96, 96), 30, 30, 30)
    other = image.copy()
    other[mask] = 255 - other[mask]
    assert (fill(image, mask).image == fill(other, mask).image).all()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (2, 2), (3, 3), (5, 40), (8, 8), (9, 13), (17, 31), (40, 7)]
)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
def test_any_size_and_any_hole(shape, share):
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    mask = cv2.blur(rng.random(shape), (3, 3)) if min(shape) > 2 else rng.random(shape)
    mask = mask <= np.quantile(mask, share)
    mask.flat[-1] = False
    result = fill(image, mask).image
    assert result.shape == image.shape
    assert (result[~mask] == image[~mask]).all()


@pytest.mark.parametrize(
    "part", [np.s_[:20], np.s_[-20:], np.s_[:, :20], np.s_[:, -20:], np.s_[:25, :25], np.s_[-25:, -25:]]
)
def test_a_hole_may_touch_the_border(part):
    image = np.full((64, 64, 3), 90, np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[part] = True
    assert (fill(image, mask).image == 90).all()


@pytest.mark.parametrize("known", [np.s_[::2], np.s_[::2, ::2]])
def test_without_a_known_patch_the_hole_is_filled_smoothly_and_a_note_says_so(known):
    image = np.repeat(np.linspace(0, 255, 64).round().astype(np.uint8)[None, :, None], 64, axis=0).repeat(
        3, axis=2
    )
    mask = np.ones((64, 64), bool)
    mask[known] = False
    result = fill(image, mask)
    assert any("smoothly" in note for note in result.notes)
    assert np.abs(result.image[2:-2, 2:-2].astype(int) - image[2:-2, 2:-2]).max() <= 8


def test_stop_is_obeyed():
    with pytest.raises(Cancelled):
        fill(photograph(), square((96, 96), 30, 30, 30), on_step=lambda done, total: done < 3)


def test_steps_count_up_to_their_total():
    seen = []
    fill(photograph(), square((96, 96), 30, 30, 30), on_step=lambda *step: seen.append(step))
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))


def test_above_the_cap_the_field_of_the_coarser_scale_is_copied_sharply(monkeypatch):
    monkeypatch.setattr("inpainters.patches.field.MOST_SEARCHED", 64 * 64)
    checks = np.kron(np.indices((16, 16)).sum(axis=0) % 2, np.ones((8, 8))) * 200 + 20
    image = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    mask = square((128, 128), 50, 50, 30)
    # A checker of 20 and 220 that was enlarged or averaged would hold many greys between.
    assert np.abs(fill(image, mask).image[mask] - 120.0).mean() > 85


def test_each_scale_is_shown_nearer_to_the_fill_than_the_first_and_showing_changes_nothing():
    image, mask, shown = photograph(128), square((128, 128), 40, 40, 48), []
    result = create("patchmatch")(InpaintRequest(image, mask, seed=3), on_preview=shown.append)
    assert len(shown) > 2
    assert all(np.array_equal(picture[~mask], image[~mask]) for picture in shown)
    away = [np.abs(picture[mask] - result.image[mask].astype(float)).mean() for picture in shown]
    assert away[-1] < away[0]
    assert np.array_equal(result.image, fill(image, mask, seed=3).image)


def test_the_class_of_the_table():
    assert isinstance(create("patchmatch"), PatchMatch)

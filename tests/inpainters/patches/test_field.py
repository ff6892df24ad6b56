import numpy as np
import pytest

from inpainters.patches.field import Level, box_count, masked_distance, texture_features, usable_side


def test_boxes_are_counted_from_their_top_left_corner():
    mask = np.zeros((5, 6), bool)
    mask[1, 2] = True
    expected = [[sum(mask[y : y + 3, x : x + 3].ravel()) for x in range(4)] for y in range(3)]
    count = box_count(mask, 3)
    assert (count[:3, :4] == expected).all()
    assert (count[3:] > 9).all()
    assert (count[:, 4:] > 9).all()


def test_masked_distance_is_the_sum_of_squares_over_known_entries():
    rng = np.random.default_rng(0)
    patches, bank = rng.random((4, 12)).astype(np.float32), rng.random((5, 12)).astype(np.float32)
    known = (rng.random((4, 12)) < 0.5).astype(np.float32)
    direct = [[(k * (p - b) ** 2).sum() for b in bank] for p, k in zip(patches, known, strict=True)]
    np.testing.assert_allclose(masked_distance(patches, known, bank), direct, atol=1e-5)


def test_patches_grow_smaller_where_too_few_are_known():
    mask = np.zeros((64, 64), bool)
    assert usable_side(mask, 7) == 7
    mask[::6] = True
    assert usable_side(mask, 7) == 5
    mask[:, ::4] = True
    assert usable_side(mask, 7) == 3
    mask[::2] = True
    assert usable_side(mask, 7) == 0


@pytest.mark.parametrize("size", [(48, 144), (24, 72)], ids=["full", "shrunk"])
@pytest.mark.parametrize("side", [0, 2], ids=["left", "right"])
def test_a_guide_chooses_between_equal_patches_and_is_never_voted(size, side):
    third = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    image = np.concatenate([third] * 3, axis=1)
    mask = np.zeros((48, 144), bool)
    mask[16:32, 64:80] = True
    image[mask] = 0
    marked = np.zeros((48, 144, 1), np.float32)
    marked[:, 48:96] = marked[:, 48 * side : 48 * side + 48] = 100
    level = Level.make(image, texture_features(image, mask, 1), mask, size, 5, marked, guide_weight=0.5)
    guide = level.values[:, 5:].copy()
    level.onion_peel()
    for _ in range(3):
        distance = level.search(np.random.default_rng(1), everywhere=True)
        level.vote(level.weights(distance))
    assert set(np.unique(guide)) == {0, 50}
    assert (level.values[:, 5:] == guide).all()
    chosen = level.sharp_vote(level.weights(distance)) % size[1] // (size[1] // 3)
    assert (chosen == side).mean() > 0.95

import numpy as np

from inpainters.patches.field import box_count, masked_distance, usable_side


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

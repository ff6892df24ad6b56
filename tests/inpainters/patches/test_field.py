import tracemalloc

import cv2
import numpy as np
import pytest
from skimage import data

from inpainters.patches.field import (
    Level,
    box_count,
    depths,
    masked_distance,
    nearest,
    texture_features,
    usable_side,
)


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
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    image = np.concatenate([cv2.blur(noise, (3, 3))] * 3, axis=1)
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
    chosen = level.sharp_vote(level.weights(distance))
    assert (guide[chosen] == 50).mean() > 0.95
    assert (chosen % size[1] // (size[1] // 3) == side).mean() > 0.75


def small_level(channels=0, shape=(22, 31), side=3):
    """Noise with a hole that touches the border, and a random field."""
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    mask = np.zeros(shape, bool)
    mask[6:15, 20:] = mask[12, 12] = True
    guide = rng.random((*shape, channels), np.float32) * 255 if channels else None
    level = Level.make(image, texture_features(image, mask, 1), mask, shape, side, guide)
    level.field = rng.choice(level.sources, len(level.targets))
    return level


def components(level):
    """(side * side * c, n): what codes are products with, both steps in one."""
    of_rows, of_patches = level.principal
    return np.kron(np.eye(level.side), of_rows) @ of_patches


@pytest.mark.parametrize("channels", [0, 2])
@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("chunk", [1, 70, 8192])
def test_codes_are_products_of_each_patch_with_the_components(channels, side, chunk, monkeypatch):
    monkeypatch.setattr("inpainters.patches.field._CHUNK", chunk)
    level = small_level(channels, side=side)
    values = level.values.reshape(*level.shape, -1)
    basis = components(level)
    for corners in (level.sources, level.targets, level.targets[:1]):
        codes = level.encode(corners)
        places = np.stack(np.divmod(corners, level.shape[1]), axis=1)
        patches = np.stack([values[y : y + side, x : x + side].ravel() for y, x in places])
        np.testing.assert_allclose(codes[:, 2:], patches @ basis, atol=0.01)
        # Places in grey levels: 0.3 down and 0.2 across per 1/512 of the longer side.
        np.testing.assert_allclose(codes[:, :2], places * np.array([0.3, 0.2]) * 512 * side / 31, rtol=1e-5)


def test_components_are_orthonormal_and_hold_nearly_all_that_as_many_can():
    image = np.ascontiguousarray(data.astronaut()[:64, :80])
    mask = np.zeros((64, 80), bool)
    mask[30:50, 30:50] = True
    level = Level.make(image, texture_features(image, mask, 1), mask, (64, 80), 7)
    basis = components(level)
    np.testing.assert_allclose(basis.T @ basis, np.eye(32), atol=1e-5)
    patches = level.patches(level.sources)
    patches -= patches.mean(axis=0)
    most = np.linalg.svd(patches, compute_uv=False)[:32] ** 2
    held = ((patches @ basis) ** 2).sum(axis=0)
    assert held[:8] == pytest.approx(most[:8], rel=0.02)
    assert held.sum() > 0.995 * most.sum()


def test_a_vote_is_the_weighted_mean_of_what_overlapping_patches_hold():
    level = small_level()
    weights = np.random.default_rng(1).random(len(level.targets)).astype(np.float32)
    width, before = level.shape[1], level.values.copy()
    total, mass = np.zeros((len(before), 5)), np.zeros((len(before), 1))
    for target, source, weight in zip(level.targets, level.field, weights, strict=True):
        for dy in range(3):
            for dx in range(3):
                total[target + dy * width + dx] += weight * before[source + dy * width + dx]
                mass[target + dy * width + dx] += weight
    level.vote(weights)
    missing = level.mask.ravel()
    np.testing.assert_allclose(level.values[missing], total[missing] / mass[missing], rtol=1e-4)
    assert (level.values[~missing] == before[~missing]).all()


def test_trust_is_the_same_in_every_place_of_the_memory():
    """NumPy's own power of float32 differs in the last digit between the body and the ends of an array."""
    level = small_level(shape=(64, 71))
    depth = depths(level.mask).ravel()
    centre = level.side // 2 * (level.shape[1] + 1)
    wanted = [np.float32(1.3 ** -min(int(d), 40)) for d in depth[level.targets + centre]]
    assert len(set(wanted)) > 2
    assert level.trust.dtype == np.float32
    assert level.trust.tolist() == [float(value) for value in wanted]


def test_a_sharp_vote_is_the_offer_nearest_to_the_mean():
    level = small_level()
    weights = np.random.default_rng(1).random(len(level.targets)).astype(np.float32)
    chosen, mean = level.sharp_vote(weights), level.mean_vote(weights)
    for pixel, source, colour in zip(level.pixels, chosen, mean, strict=True):
        y, x = divmod(int(pixel), level.shape[1])
        corners = [(y - dy, x - dx) for dy in range(3) for dx in range(3)]
        slots = [(level.slot[r * level.shape[1] + c], r, c) for r, c in corners if r >= 0 and c >= 0]
        offers = [level.field[s] + pixel - r * level.shape[1] - c for s, r, c in slots if s >= 0]
        errors = ((level.values[offers] - colour) ** 2).sum(axis=1)
        assert source in offers
        assert ((level.values[source] - colour) ** 2).sum() == pytest.approx(errors.min(), rel=1e-4)


def test_votes_take_no_memory_for_each_patch_over_each_pixel(monkeypatch):
    """49 patches lie over each missing pixel: their numbers, sources and weights would be 900 bytes."""
    monkeypatch.setattr("inpainters.patches.field._CHUNK", 256)
    tracemalloc.start()
    try:
        level = small_level(shape=(22, 4000), side=7)
        weights = level.weights(np.zeros(len(level.targets), np.float32))
        level.vote(weights)
        level.sharp_vote(weights)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / len(level.pixels) < 400


def test_a_search_improves_every_patch_and_says_how_far_its_source_is():
    level = small_level()
    codes = level.encode(level.targets)

    def distances():
        found = level.encode(level.sources)[level.row[level.field]]
        return ((codes - found) ** 2).sum(axis=1) / 9

    before = distances()
    distance = level.search(np.random.default_rng(0), everywhere=True)
    np.testing.assert_allclose(distance, distances(), rtol=1e-3, atol=1e-2)
    assert (distance <= before * 1.001).all()
    every = ((codes[:, None] - level.encode(level.sources)) ** 2).sum(axis=2) / 9
    # Few rounds of a random search over 500 sources come near the best of them.
    for _ in range(4):
        distance = level.search(np.random.default_rng(1), everywhere=True)
    assert np.median(distance / every.min(axis=1)) < 1.2


def test_a_peel_of_many_patches_compares_with_few_sources_from_everywhere(monkeypatch):
    image = np.ascontiguousarray(data.astronaut()[:128, :128])
    mask = np.zeros((128, 128), bool)
    mask[::16] = True  # shallow: nothing smaller than the picture itself is worth a start
    level = Level.make(image, texture_features(image, mask, 1), mask, (128, 128), 7)
    monkeypatch.setattr("inpainters.patches.field._PEELED", 1)
    compared = []

    def spy(patches, known, bank):
        compared.append(len(bank))
        return masked_distance(patches, known, bank)

    monkeypatch.setattr("inpainters.patches.field.masked_distance", spy)
    level.onion_peel()
    assert set(compared) == {500}
    y, x = np.divmod(level.field, 128)
    assert np.histogram2d(y, x, bins=4, range=((0, 128), (0, 128)))[0].min() > 0
    assert (level.row[level.field] >= 0).all()
    error = np.abs(level.values[level.pixels, :3] - image.reshape(-1, 3)[level.pixels]).mean()
    plain = np.abs(image[~mask].mean(axis=0) - image.reshape(-1, 3)[level.pixels]).mean()
    assert error < plain / 3


def test_nearest_wanted_and_depths_are_those_of_a_search_through_all():
    rng = np.random.default_rng(2)
    wanted = rng.random((13, 17)) < 0.1
    place = np.stack(np.divmod(np.arange(wanted.size), 17), axis=1)
    away = np.linalg.norm(place[:, None] - place[wanted.ravel()], axis=2)
    found = nearest(wanted.ravel(), np.arange(wanted.size), wanted.shape)
    assert wanted.ravel()[found].all()
    assert np.linalg.norm(place[found] - place, axis=1) == pytest.approx(away.min(axis=1), abs=0.1)
    np.testing.assert_allclose(depths(~wanted).ravel(), away.min(axis=1), rtol=1e-5)

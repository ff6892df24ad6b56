"""The deep image prior on small pictures: it fits, stops, is cancelled, shows itself, and depends on its seed
alone.
"""

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.transform import resize

from inpainters.base import InpaintRequest, Piece
from inpainters.errors import Cancelled
from inpainters.methods.learned import deep_image_prior as prior
from inpainters.networks.deep_image_prior import Hourglass
from inpainters.registry import create


def picture(side=32):
    return (resize(astronaut()[:300, :300], (side, side), anti_aliasing=True) * 255).astype(np.uint8)


def hole(side=32):
    mask = np.zeros((side, side), bool)
    mask[12:20, 10:22] = True
    return mask


def piece(iterations=40, **changes):
    image = np.where(hole()[..., None], np.uint8(0), picture())
    return Piece(
        image,
        hole(),
        changes.pop("seed", 0),
        {"iterations": iterations, "width": 16},
        lambda *step: None,
        **changes,
    )


def method(**options):
    return create("deep_image_prior", device="cpu", **{"iterations": 40, "width": 16, **options})


def test_the_papers_hourglass():
    """Figure 21: 128 channels down and up at five scales, four in the skips, 32 of noise; counted layer by
    layer.
    """
    conv = lambda a, b, k: a * b * k * k + b  # noqa: E731
    norm = lambda c: 2 * c  # noqa: E731
    scale = lambda a: (  # noqa: E731
        conv(a, 4, 1) + norm(4) + conv(a, 128, 3) + norm(128) + conv(128, 128, 3) + norm(128)
        + norm(132) + conv(132, 128, 3) + norm(128) + conv(128, 128, 1) + norm(128)
    )  # fmt: skip
    expected = scale(32) + 4 * scale(128) + conv(128, 3, 1)
    assert sum(p.numel() for p in Hourglass().parameters()) == expected


@pytest.mark.slow
def test_the_error_at_pixels_it_is_not_shown_falls():
    errors = [fit.error for fit in method().fits(piece(200))]
    assert min(errors) < 0.5 * errors[0]
    assert np.median(errors[-20:]) < np.median(errors[:20])


@pytest.mark.slow
def test_it_beats_a_flat_fill():
    fill = method().fill(piece(150)).astype(float)
    known = picture()[~hole()].mean(axis=0)
    assert (
        np.square(fill - picture())[hole()].mean()
        < 0.7 * np.square(known - picture().astype(float))[hole()].mean()
    )


def test_what_is_under_the_mask_is_not_fitted():
    fits = method().fits(piece(5))
    other = piece(5)
    other.image = np.where(hole()[..., None], np.uint8(255), picture())
    assert [fit.error for fit in fits] == [fit.error for fit in method().fits(other)]


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_known_pixels_is_held_out(seed):
    mask = np.zeros((64, 64), bool)
    mask[10:30, 20:40] = True
    shown, held = prior.split(mask, np.random.default_rng(seed))
    assert not (shown & held).any()
    assert np.array_equal(shown | held, ~mask)
    assert 0.05 < held.sum() / (~mask).sum() < 0.16  # 256 squares, each with probability 0.1


def test_where_too_little_is_known_nothing_is_held_out():
    mask = np.ones((8, 8), bool)
    mask[3, 3] = False
    shown, held = prior.split(mask, np.random.default_rng(0))
    assert np.array_equal(shown, ~mask)
    assert np.array_equal(held, ~mask)


def test_it_stops_when_the_held_out_error_no_longer_falls(monkeypatch):
    errors = iter([5.0, 3.0, 4.0, 2.0, *[6.0] * 100])
    mean_square = prior.mean_square

    def scripted(difference, where):
        return mean_square(difference, where) if difference.requires_grad else torch.tensor(next(errors))

    monkeypatch.setattr(prior, "mean_square", scripted)
    steps, pictures = [], []
    given = piece(20)
    given.on_step = lambda *step: steps.append(step)
    for fit in method().fits(given):
        pictures.append(fit.picture)
    assert fit.best_step == 4
    assert fit.best == 2.0
    assert fit.step == 10  # the sixth without a better one: more than a quarter of twenty
    assert steps == [*((i, 20) for i in range(1, 11)), (20, 20)]
    assert torch.equal(pictures[-1], pictures[3])  # the best one is kept
    assert not torch.equal(pictures[2], pictures[3])
    assert given.network_calls == 10
    assert given.notes == [
        "It ended after 10 of 20 iterations: known pixels it is not shown came out no better."
    ]


def test_stop_takes_effect_within_an_iteration():
    steps = []

    def stop_at_seven(done, total):
        steps.append(done)
        return done < 7

    with pytest.raises(Cancelled):
        method()(InpaintRequest(picture(), hole()), stop_at_seven)
    assert steps == list(range(1, 8))


@pytest.mark.slow
def test_the_seed_alone_decides():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = method()(InpaintRequest(picture(), hole(), seed=5)).raw
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert np.array_equal(one, method()(InpaintRequest(picture(), hole(), seed=5)).raw)
    assert not np.array_equal(one, method()(InpaintRequest(picture(), hole(), seed=6)).raw)


def test_previews_are_whole_pictures_with_the_known_pixels_in_place():
    image, mask = np.tile(picture(), (3, 3, 1)), np.zeros((96, 96), bool)
    mask[4:10, 4:10] = True
    shown = []
    result = method(iterations=24)(InpaintRequest(image, mask), on_preview=shown.append)
    assert len(shown) == 12
    for preview in shown:
        assert preview.shape == image.shape
        assert np.array_equal(preview[~mask], image[~mask])
    assert np.array_equal(shown[-1], result.image)
    assert not np.array_equal(shown[0], shown[-1])


def test_frames_are_the_fit_on_its_way():
    shown = list(method(iterations=24).explain(InpaintRequest(picture(), hole())))
    assert [frame.name for frame in shown] == [
        "input",
        "iteration/1",
        *(f"iteration/{i}" for i in range(2, 25, 2)),
        "result",
    ]
    assert shown[-2].value > shown[1].value
    assert np.array_equal(shown[-1].image, method(iterations=24)(InpaintRequest(picture(), hole())).image)

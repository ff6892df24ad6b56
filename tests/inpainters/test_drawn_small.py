"""Deep holes are drawn small, at the size that a network knows, and get detail from the surroundings."""

from dataclasses import replace

import numpy as np
import pytest

from inpainters.base import LAST_FRAMES, Inpainter, InpaintRequest
from inpainters.imaging import enlarge
from inpainters.patches import detail
from inpainters.registry import METHODS
from inpainters.spec import Option, Strategy
from inpainters.strategy import DETAIL, Outline, workload
from inpainters.weights.bundled import BUNDLED

DETAIL_OPTION = Option("detail", "surroundings", "", choices=("surroundings", "enlarge"), detail=True)
SPEC = replace(
    METHODS["mean_fill"],
    strategy=Strategy(min_context=40, depth=10),
    options=(DETAIL_OPTION,),
    stochastic=True,
)


class Grey(Inpainter):
    """Fills with one grey, and notes at what size."""

    def fill(self, piece):
        self.seen = piece.mask.shape
        return np.full_like(piece.image, 90)


def disc(radius, size=(240, 260)):
    y, x = np.mgrid[: size[0], : size[1]]
    return (y - 120) ** 2 + (x - 130) ** 2 < radius**2


def picture(size=(240, 260)):
    return np.random.default_rng(0).integers(60, 120, (*size, 3)).astype(np.uint8)


@pytest.mark.parametrize(("radius", "scale"), [(8, 1.0), (10, 1.0), (20, 0.5), (50, 0.2)])
def test_a_window_is_shrunk_just_so_far_that_its_deepest_hole_fits(radius, scale):
    (window,) = workload(disc(radius), SPEC).windows
    assert window.scale == pytest.approx(scale, rel=0.03)


def test_a_thin_hole_stays_at_full_size_however_long_it_is():
    mask = np.zeros((240, 260), bool)
    mask[100:116, 20:240] = True
    assert [window.scale for window in workload(mask, SPEC).windows] == [1.0]


def test_an_outline_answers_as_its_mask_does():
    for radius in (8, 20, 50):
        mask = disc(radius)
        assert workload(Outline.of(mask), SPEC).windows == workload(mask, SPEC).windows


def test_a_result_says_at_what_size_it_was_drawn_and_where_detail_came_from():
    method, image, mask = Grey(SPEC), picture(), disc(40)
    result = method(InpaintRequest(image, mask, seed=3))
    assert max(method.seen) < 100
    assert len(result.notes) == 1
    assert result.notes[0].startswith("Drawn at ")
    assert "with detail from the surroundings" in result.notes[0]
    assert (result.image[~mask] == image[~mask]).all()
    inside = result.image[disc(25)].astype(float)
    assert inside.std() > 8  # the surroundings' noise, not one grey
    assert inside.mean() == pytest.approx(90, abs=12)


def test_where_no_detail_can_be_had_none_is_claimed_and_known_lines_stay():
    y, x = np.mgrid[:240, :260]
    image = np.dstack([y, x, x]).astype(np.uint8)
    lines = np.zeros((240, 260), bool)
    lines[::2] = True
    result = Grey(replace(SPEC, strategy=Strategy(max_pixels=120 * 130)))(InpaintRequest(image, lines))
    assert result.notes[0] == "Drawn at 130 px, 50% of the size, and enlarged."
    assert "no pixel is missing" in result.notes[1]
    assert result.detail_scale is None
    off = np.abs(result.image.astype(int) - image)
    assert np.median(off) <= 1  # a ramp, though every second line is missing


def test_enlarge_shows_the_plain_fill():
    image, mask = picture(), disc(40)
    result = Grey(SPEC)(InpaintRequest(image, mask, options={"detail": "enlarge"}))
    assert "and enlarged" in result.notes[0]
    assert (result.image[disc(30)] == 90).all()
    assert (enlarge(np.full((5, 5, 3), 90, np.uint8), (9, 9)) == 90).all()


@pytest.mark.slow
def test_several_answers_differ_and_each_depends_on_its_seed_alone():
    image, mask = picture(), disc(40)
    three = Grey(SPEC)(InpaintRequest(image, mask, seed=5, n=3))
    alone = Grey(SPEC)(InpaintRequest(image, mask, seed=6))
    assert (three[1].image == alone.image).all()
    assert (three[0].image != three[1].image).any()


def test_a_network_without_chance_gives_one_answer_whatever_the_seed():
    image, mask = picture(), disc(40)
    method = Grey(replace(SPEC, stochastic=False))
    one, other = (method(InpaintRequest(image, mask, seed=seed)).image for seed in (1, 2))
    assert (one == other).all()


def test_the_estimate_counts_the_step_where_it_is_taken():
    mask = disc(40)
    plain = workload(mask, SPEC, {"detail": "enlarge"})
    whole = workload(mask, SPEC)
    assert plain.detail_seconds == 0
    assert whole.seconds - plain.seconds == pytest.approx(
        DETAIL.fixed + DETAIL.per_missing_megapixel * mask.sum() / 1e6
    )
    assert workload(disc(8), SPEC).detail_seconds == 0


def test_an_explanation_shows_what_was_drawn_and_says_what_comes_afterwards():
    image, mask = picture(), disc(40)
    frames = list(Grey(SPEC).explain(InpaintRequest(image, mask, seed=3)))
    assert [frame.name for frame in frames] == ["input", *LAST_FRAMES]
    assert frames[0].image.shape == frames[1].image.shape
    assert "detail from the surroundings comes afterwards" in frames[1].title
    assert f"at {max(frames[1].image.shape)} px" in frames[2].title
    plain = list(Grey(SPEC).explain(InpaintRequest(image, mask, options={"detail": "enlarge"})))
    assert [frame.name for frame in plain] == ["input", "result"]
    assert "detail" not in plain[1].title


def test_the_last_frames_are_what_runs_without_and_with_detail_answer():
    """Each a crop of the answer of a run: the window's, which has the hole in it."""
    image, mask = picture(), disc(40)
    frames = {frame.name: frame for frame in Grey(SPEC).explain(InpaintRequest(image, mask, seed=3))}
    (window,) = workload(mask, SPEC).windows
    for name, option in (("enlarged/full", "enlarge"), ("detail/full", "surroundings")):
        answer = Grey(SPEC)(InpaintRequest(image, mask, seed=3, options={"detail": option})).image
        assert (frames[name].image == answer[window.place]).all()


def test_what_a_network_drew_is_blurred_and_invents_as_its_row_says(monkeypatch):
    seen = []
    monkeypatch.setattr(
        detail, "detailed", lambda image, *_, blur, invents, **__: seen.append((blur, invents)) or image
    )
    for blur, invents in ((0.5, True), (2.0, False)):
        spec = replace(SPEC, strategy=replace(SPEC.strategy, blur=blur, invents=invents))
        Grey(spec)(InpaintRequest(picture(), disc(40)))
    assert seen == [(0.5, True), (2.0, False)]


def test_bundled_networks_do_not_invent_colours_and_others_may():
    for spec in METHODS.values():
        bundled = any(name in BUNDLED for name in spec.weights)
        assert spec.strategy.invents != bundled, spec.name


class Blue(Inpainter):
    """Fills with a blue."""

    def fill(self, piece):
        return np.full_like(piece.image, (40, 90, 200))


def test_the_last_frames_of_a_grey_picture_are_grey_as_its_answers_are():
    image, mask = np.repeat(picture()[..., :1], 3, axis=2), disc(40)
    spec = replace(SPEC, strategy=replace(SPEC.strategy, invents=False))
    frames = {frame.name: frame for frame in Blue(spec).explain(InpaintRequest(image, mask, seed=3))}
    (window,) = workload(mask, spec).windows
    for name, option in (("enlarged/full", "enlarge"), ("detail/full", "surroundings")):
        answer = Blue(spec)(InpaintRequest(image, mask, seed=3, options={"detail": option})).image
        assert (frames[name].image == answer[window.place]).all()

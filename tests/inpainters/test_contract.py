"""One contract over every method of the table that can run here, and over a dummy that breaks nothing."""

from functools import cache

import numpy as np
import pytest
from skimage.data import astronaut
from skimage.transform import resize

from inpainters.base import Inpainter, InpaintRequest
from inpainters.errors import Cancelled, InputError
from inpainters.families import FAMILIES
from inpainters.methods.diffusion.schedules import SCHEDULES
from inpainters.registry import METHODS, create, unavailable
from inpainters.spec import Cost, MethodSpec, Option


class Dummy(Inpainter):
    """Fills with noise of its seed, in ten steps."""

    def fill(self, piece):
        for step in range(10):
            piece.on_step(step + 1, 10)
        return piece.rng.integers(0, 256, piece.image.shape, np.uint8)


DUMMY = MethodSpec(
    name="dummy", title="Dummy", family="baseline", target="", summary="", paper="", year=0, link="",
    licence="", cost=Cost(0),
    options=(Option("strength", 1.0, "", 0, 2),), stochastic=True,
)  # fmt: skip
NAMES = ["dummy", *METHODS]
_LONG = ("diffusion", "latent", "own_prior")
SOME_SLOW = [
    pytest.param(name, marks=pytest.mark.slow) if name in METHODS and METHODS[name].family in _LONG else name
    for name in NAMES
]
"""The same names; those that work step by step are slow."""
SHORT = {"deep_image_prior": {"iterations": 10}} | {name: {"steps": 3} for name in SCHEDULES}
"""Options under which a method that works step by step is quick enough to be tried fifty times."""
FLAT = {"deep_image_prior": {"iterations": 40}}
"""Options under which it is long enough to learn one colour."""


@cache
def method(name):
    if name == "dummy":
        return Dummy(DUMMY)
    if reason := unavailable(name):
        pytest.skip(reason)
    return create(name, device="cpu", **SHORT.get(name, {}))


@cache
def picture(height=37, width=53):
    return (resize(astronaut()[:300, :400], (height, width), anti_aliasing=True) * 255).astype(np.uint8)


def hole(height=37, width=53):
    mask = np.zeros((height, width), bool)
    mask[10:22, 20:33] = True
    mask[30:33, 0:9] = True
    return mask


def answer(name, image, mask, on_step=None, **request):
    return method(name)(InpaintRequest(image, mask, **request), on_step)


@cache
def plain(name):
    return answer(name, picture(), hole())


@cache
def again(name):
    """The same once more, of a picture and a mask that cannot be written to; and these."""
    image, mask = picture().copy(), hole()
    image.flags.writeable = mask.flags.writeable = False
    return answer(name, image, mask), image, mask


@pytest.mark.parametrize("name", NAMES)
def test_fills_the_hole_and_nothing_else(name):
    result, image, mask = plain(name), picture(), hole()
    assert result.image.dtype == result.raw.dtype == np.uint8
    assert result.image.shape == result.raw.shape == image.shape
    assert np.array_equal(result.image[~mask], image[~mask])
    assert np.array_equal(result.image[mask], result.raw[mask])
    assert (result.image[mask] != image[mask]).any()
    assert (result.method, result.seed) == (name, 0)
    assert result.seconds > 0


@pytest.mark.parametrize("name", SOME_SLOW)
def test_restores_a_flat_picture(name):
    """Polarity: whoever fills the wrong side, or lets the blanked hole in, cannot continue a constant."""
    if name == "dummy":
        pytest.skip("the dummy draws noise")
    image, mask = np.full((40, 48, 3), (200, 120, 60), np.uint8), hole(40, 48)
    if name in METHODS and METHODS[name].family in (
        "diffusion",
        "latent",
    ):  # a sample, and photographs are never flat
        method(name)  # skips what is not here
        answers = create(name, device="cpu")(InpaintRequest(image, mask, n=3))
        errors = [np.abs(found.image.astype(int) - image)[mask].mean() for found in answers]
        assert np.mean(errors) < 0.25 * image.mean()  # of the error of a hole left black
    else:
        found = answer(name, image, mask, options=FLAT.get(name, {}))
        assert np.abs(found.image.astype(int) - image).max() <= 12


@pytest.mark.parametrize("name", NAMES)
def test_does_not_write_to_its_input(name):
    result, image, mask = again(name)
    assert np.array_equal(image, picture())
    assert np.array_equal(mask, hole())
    assert not np.shares_memory(result.image, image)


@pytest.mark.parametrize("name", NAMES)
def test_cannot_peek_under_the_mask(name):
    other = picture().copy()
    other[hole()] = (255, 0, 255)
    assert np.array_equal(answer(name, other, hole()).image[hole()], plain(name).image[hole()])


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bytes(name):
    assert np.array_equal(again(name)[0].raw, plain(name).raw)


@pytest.mark.parametrize("name", NAMES)
def test_n_answers_have_consecutive_seeds(name):
    results = answer(name, picture(), hole(), seed=4, n=2)
    assert [result.seed for result in results] == [4, 5]
    assert np.array_equal(results[1].image, answer(name, picture(), hole(), seed=5).image)
    stochastic = method(name).spec.stochastic
    assert np.array_equal(results[0].image, results[1].image) != stochastic


@pytest.mark.parametrize("name", ["dummy", "deep_image_prior"])
@pytest.mark.parametrize("seed", [np.uint8(255), np.int64(2**63 - 1)])
def test_a_seed_of_numpy_is_the_number_that_it_is(name, seed):
    results = answer(name, picture(), hole(), seed=seed, n=2)
    assert [result.seed for result in results] == [int(seed), int(seed) + 1]
    assert np.array_equal(results[1].raw, answer(name, picture(), hole(), seed=int(seed) + 1).raw)
    assert next(iter(method(name).explain(InpaintRequest(picture(), hole(), seed=seed)))).name == "input"


@pytest.mark.parametrize("name", SOME_SLOW)
def test_a_batch_equals_its_singles(name):
    requests = [
        InpaintRequest(picture(), hole(), seed=1),
        InpaintRequest(picture(41, 30)[::-1], hole(53, 53)[:41, :30], seed=2),
    ]
    batch = [results[0] for results in method(name).run(requests)]
    for result, request in zip(batch, requests, strict=True):
        single = method(name)(request)
        difference = np.abs(result.image.astype(int) - single.image)
        if "torch" in method(name).spec.requires:
            assert difference.max() <= 1
            assert (difference > 0).mean() <= 1e-3
        else:
            assert not difference.any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 2), (2, 1), (3, 3), (1, 40), (17, 9), (31, 65)])
def test_any_size(name, size):
    image, mask = picture(*size), np.zeros(size, bool)
    mask.flat[0] = True
    result = answer(name, image, mask)
    assert result.image.shape == (*size, 3)
    assert np.array_equal(result.image[~mask], image[~mask])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [(0, 0), (18, 26), (36, 52)])
def test_one_pixel_hole(name, place):
    mask = np.zeros((37, 53), bool)
    mask[place] = True
    assert np.array_equal(answer(name, picture(), mask).image[~mask], picture()[~mask])


@pytest.mark.parametrize("name", NAMES)
def test_one_known_pixel(name):
    mask = np.ones((12, 14), bool)
    mask[5, 6] = False
    result = answer(name, picture(12, 14), mask)
    assert np.array_equal(result.image[5, 6], picture(12, 14)[5, 6])


@pytest.mark.parametrize("name", NAMES)
def test_empty_mask_is_a_note(name):
    result = answer(name, picture(), np.zeros((37, 53), bool))
    assert np.array_equal(result.image, picture())
    assert "mask is empty" in result.notes[0]


@pytest.mark.parametrize("name", NAMES)
def test_full_mask(name):
    request = InpaintRequest(picture(), np.ones((37, 53), bool))
    if method(name).spec.needs_known:
        with pytest.raises(InputError, match="whole picture is masked"):
            method(name)(request)
    else:
        assert method(name)(request).image.shape == (37, 53, 3)


@pytest.mark.parametrize("name", NAMES)
def test_steps_count_up_and_false_cancels(name):
    steps = []
    answer(name, picture(), hole(), on_step=lambda done, total: steps.append((done, total)))
    assert all(0 <= done <= total for done, total in steps)
    shares = [done / total for done, total in steps]
    assert shares == sorted(shares)
    if steps:
        with pytest.raises(Cancelled):
            answer(name, picture(), hole(), on_step=lambda done, total: False)


def test_the_dummy_reports_steps():
    steps = []
    mask = np.zeros((37, 53), bool)
    mask[3, 3] = True
    answer("dummy", picture(), mask, on_step=lambda *step: steps.append(step))
    assert steps == [(i, 10) for i in range(1, 11)]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_option(name):
    with pytest.raises(InputError, match=r"no options|unknown option"):
        answer(name, picture(), hole(), options={"no_such_option": 1})
    for option in method(name).spec.options:
        with pytest.raises(InputError, match=f"did you mean '{option.name}'"):
            answer(name, picture(), hole(), options={option.name + "x": 1})


@pytest.mark.parametrize("name", NAMES)
def test_options_are_checked_and_recorded(name):
    spec = method(name).spec
    for option in spec.options:
        assert (
            option.parse(str(option.default)) == option.default
        )  # as the command line and the page send them
        if option.maximum is not None:
            with pytest.raises(InputError, match="must lie between"):
                answer(name, picture(), hole(), options={option.name: option.maximum + 1})
        if not isinstance(option.default, str):
            with pytest.raises(InputError, match="must be"):
                answer(name, picture(), hole(), options={option.name: "green"})
        elif option.choices:
            with pytest.raises(InputError, match="unknown value"):
                answer(name, picture(), hole(), options={option.name: "green"})
    assert plain(name).options == {option.name: option.default for option in spec.options} | SHORT.get(
        name, {}
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((37, 53), np.uint8)}, "uint8 array in RGB"),
        ({"image": np.zeros((37, 53, 4), np.uint8)}, "uint8 array in RGB"),
        ({"image": np.zeros((37, 53, 3), np.float32)}, "float32"),
        ({"image": np.zeros((0, 53, 3), np.uint8)}, "no pixels"),
        ({"mask": np.zeros((37, 53), np.uint8)}, "bool array"),
        ({"mask": np.zeros((53, 37), bool)}, "37×53, the picture 53×37"),
        ({"n": 0}, "n must lie"),
        ({"n": 65}, "n must lie"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"seed": 1.5}, "whole numbers"),
        ({"n": "2"}, "whole numbers"),
    ],
)
def test_bad_requests_get_a_sentence(change, message):
    with pytest.raises(InputError, match=message):
        method("dummy")(InpaintRequest(**{"image": picture(), "mask": hole(), **change}))


def test_unknown_method_did_you_mean():
    with pytest.raises(InputError, match="did you mean 'telea'"):
        create("talea")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "choose from: auto"),
        ("cuda:x", "unknown device"),
        ("cuda:99", "no 'cuda:99'"),
        ("", "unknown device"),
    ],
)
def test_devices_that_are_not_here(device, message):
    with pytest.raises(InputError, match=message):
        create("telea", device=device)


@pytest.mark.parametrize("spec", METHODS.values(), ids=list(METHODS))
def test_the_row_says_all(spec):
    assert spec.title
    assert spec.family in FAMILIES
    assert bool(spec.lesson) == spec.explains
    assert spec.summary.count(". ") == 2, "three sentences"
    assert spec.paper
    assert spec.licence
    assert spec.cost.fixed >= 0
    assert spec.link.startswith("https://") or spec.year == 0


class _Reddish(Inpainter):
    """Fills with red, whatever stands around the hole."""

    def fill(self, piece):
        return np.full_like(piece.image, (200, 100, 50))


@pytest.mark.parametrize("coloured", [False, True])
def test_a_colourless_picture_gets_a_colourless_fill(coloured):
    image = np.repeat(np.arange(40, dtype=np.uint8)[None, :, None], 40, axis=0).repeat(3, axis=2)
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:20] = True
    image[mask] = 255, 0, 0  # what lies in the hole does not count
    image[0, 0, 2] += coloured
    result = _Reddish(METHODS["mean_fill"])(InpaintRequest(image, mask))
    wanted = (200, 100, 50) if coloured else (124, 124, 124)  # 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
    assert (result.image[mask] == wanted).all()
    assert any("no colours" in note for note in result.notes) is not coloured
    (*_, last) = _Reddish(METHODS["mean_fill"]).explain(InpaintRequest(image, mask))
    assert (last.image == wanted).all(axis=2).any()

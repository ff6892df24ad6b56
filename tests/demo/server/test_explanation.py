"""Explanations of made-up methods: what is kept of them, asked of them, and learned from them."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from demo.server.explanation import MOST_FRAMES, Explanation, ask, price_of_explanation
from inpainters import costs, registry
from inpainters.base import Frame, Inpainter, InpaintRequest
from inpainters.errors import InputError
from inpainters.methods.diffusion import schedules
from inpainters.methods.diffusion.base import MOMENTS
from inpainters.strategy import Strategy, workload

SIZE = (80, 120)


HOLE = (slice(20, 60), slice(40, 80))


pytestmark = pytest.mark.usefixtures("made_up")


def request():
    image, mask = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8), np.zeros(SIZE, bool)
    mask[HOLE] = True
    return InpaintRequest(image, mask)


def test_frames_are_kept_in_order_from_input_to_result(app, explained):
    job = explained("filling", request().image, request().mask)
    assert [shot.name for shot in job.shots] == [
        "input",
        *(f"mask/{n}" for n in range(1, 7)),
        "coarse",
        "refined",
        "result",
    ]
    values = [shot.value for shot in job.shots if shot.name.startswith("mask")]
    assert values == sorted(values)
    assert values[-1] == 1.0
    window = app.store.image(job.original)
    assert window.shape == job.seen.shape
    assert np.array_equal(window[~job.hole], app.store.image(job.shots[-1].token)[~job.hole])
    assert job.hole.sum() == 40 * 40


def test_heat_points_at_the_source_and_refuses_what_is_known(app, explained):
    job = explained("attending", request().image, request().mask)
    attention = next(shot for shot in job.shots if shot.origin)
    rows, columns = np.nonzero(job.hole)
    height, width = job.hole.shape
    row, column = (
        rows.min() // 4,
        int(columns.mean()) // 4,
    )  # the hole's first row: its source is the row above
    heat = ask(job, "attention", row, column)
    assert attention.size == (-(-height // 4), -(-width // 4))
    assert heat["from"][0] < heat["at"][0]
    assert heat["from"][1] == pytest.approx(heat["at"][1], abs=1.01 / attention.size[1])
    glow = app.store.image(heat["src"].removeprefix("pic/"))
    brightest = np.unravel_index(glow.astype(int).sum(2).argmax(), glow.shape[:2])
    assert np.allclose(np.divide(brightest, glow.shape[:2]), heat["from"], atol=3 / min(attention.size))
    with pytest.raises(InputError, match="inside the hole"):
        ask(job, "attention", 0, 0)
    job.forget()
    with pytest.raises(InputError, match="run the method again"):
        ask(job, "attention", row, column)


@pytest.mark.parametrize("method", ["filling", "attending"])
def test_padding_is_cut_from_frames_and_points_stay_in_place(app, explained, monkeypatch, method):
    row = registry.METHODS[method]
    monkeypatch.setitem(registry.METHODS, method, replace(row, strategy=Strategy(multiple=16)))
    job = explained(method, request().image[:77, :115], request().mask[:77, :115])
    whole = workload(request().mask[:77, :115], registry.METHODS[method]).largest.windows[0].size
    assert job.padded != whole  # there is padding
    assert all(side % 16 == 0 for side in job.padded)
    assert job.seen.shape[:2] == job.hole.shape == whole
    maps = [shot for shot in job.shots if shot.step == 4]
    assert maps
    for shot in job.shots:
        expected = tuple(-(-side // shot.step) for side in whole)
        assert shot.size == expected == app.store.image(shot.token).shape[:2]
    if method == "attending":
        row, column = np.argwhere(job.hole[::4, ::4]).mean(0).astype(int)
        heat = ask(job, "attention", row, column)
        assert heat["at"] == pytest.approx([(4 * row + 2) / whole[0], (4 * column + 2) / whole[1]], abs=1e-4)
        assert app.store.image(heat["src"].removeprefix("pic/")).shape == job.seen.shape
        faded, result = app.store.image(job.asked), app.store.image(job.shots[-1].token)
        assert np.array_equal(faded[job.hole], result[job.hole])
        assert (faded[~job.hole] >= 150).all()
    job.close()


class Chatty(Inpainter):
    def fill(self, piece):
        return piece.image

    def frames(self, piece):
        for n in range(MOST_FRAMES + 40):
            yield Frame(f"gate/a-{n}", "", np.zeros((4, 4, 3), np.uint8), 0.5)
        yield Frame("refined", "", np.zeros((3000, 4, 3), np.uint8))


def test_frames_are_bounded_in_number_and_size(app):
    job = Explanation("filling", store=app.store)
    job.answer(Chatty(registry.METHODS["filling"]), request(), lambda done, total: True)
    assert len(job.shots) == MOST_FRAMES + 1
    assert job.shots[-1].name == "result"


def test_every_method_that_explains_says_so_in_its_row():
    for spec in registry.METHODS.values():
        if spec.target and all(importlib.util.find_spec(package) for package in spec.requires):
            module, _, name = spec.target.partition(":")
            own = getattr(importlib.import_module(module), name).frames is not Inpainter.frames
            assert own == spec.explains, f"{spec.name}: explains must be {own}"


def test_the_price_is_that_of_the_window_that_is_explained():
    spec, mask = registry.METHODS["repaint"], np.zeros((900, 900), bool)
    mask[400:460, 400:460] = True
    alone = price_of_explanation(spec, mask, {"preset": "balanced"})
    mask[20:30, 20:30] = True
    assert price_of_explanation(spec, mask, {"preset": "balanced"}) == alone
    assert alone[0] == spec.network_calls({"preset": "balanced"}) + 100
    assert price_of_explanation(spec, np.zeros_like(mask), {})[1] == 0


def test_estimates_learn_from_explanations(app, explained, monkeypatch):
    monkeypatch.setattr(costs, "_TRUSTED", 1e9)
    costs.forget()
    expected = price_of_explanation(registry.METHODS["repaint"], request().mask, {})[1]
    job = explained("repaint", request().image, request().mask)
    learned = price_of_explanation(registry.METHODS["repaint"], request().mask, {})[1]
    costs.forget()
    assert learned == pytest.approx(job.result.seconds)
    assert learned != expected
    job.close()


def test_a_run_with_a_schedule_is_kept_whole_with_the_other_method_beside_it(app, explained):
    job = explained("repaint", request().image, request().mask)
    kinds = [shot.name.split("/")[0] for shot in job.shots]
    assert kinds == [
        "input",
        *["noisy", "clean", "replacement"] * MOMENTS,
        "replacement",
        "result",
        "enlarged",
        "detail",
    ]
    places = [int(shot.name.split("/")[1]) for shot in job.shots if shot.name.startswith("noisy/")]
    assert (places[0], places[-1]) == (1, 99)
    course = schedules.passed("repaint", {"preset": "preview"})
    assert [shot.value for shot in job.shots if shot.name.startswith("noisy/")] == [
        course[place] for place in places
    ]
    images = {shot.name: app.store.image(shot.token) for shot in job.shots}
    assert np.array_equal(images["replacement/result"][~job.hole], images["result"][~job.hole])
    assert (images["replacement/result"][job.hole] != images["result"][job.hole]).any()
    job.close()


def test_what_was_there_is_seen_when_the_window_was_shrunk_as_well(app):
    mask = np.zeros((300, 400), bool)
    mask[80:220, 120:280] = True
    image = np.full((300, 400, 3), (200, 120, 40), np.uint8)
    job = Explanation("repaint", store=app.store)
    app.runner.run(image, mask, job)
    original = app.store.image(job.original)
    assert original.shape == job.seen.shape
    assert original.shape[0] < 300
    assert (original == (200, 120, 40)).all()
    job.close()

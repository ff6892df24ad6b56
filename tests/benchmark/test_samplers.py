"""What samplers cost: that the things compared are the same things. Times themselves are not tested."""

import json

import pytest
import torch
from diffusers import UNet2DModel

from benchmark.studies import samplers
from benchmark.studies import samplers_page as page
from inpainters.methods.diffusion.schedules import calls
from inpainters.weights.files import CHECKPOINTS

TINY = {
    **samplers.LARGE,
    "sample_size": 32,
    "block_out_channels": (8, 8, 16, 16, 16, 16),
    "attention_head_dim": 8,
    "norm_num_groups": 4,
}


def test_the_large_network_is_guided_diffusions():
    """552.8 million parameters: with a label embedding of 1,000 classes the 554 that Dhariwal and Nichol 2021
    report at 256 px.
    """
    with torch.device("meta"):
        net = UNet2DModel(**samplers.LARGE)
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(552.8e6, rel=1e-4)


def test_seconds_of_the_paper_are_those_of_its_network_calls(monkeypatch):
    assert page.PAPER_CALLS == 2410
    monkeypatch.setattr(samplers, "matrix_peak", lambda rounds, device: 1e12)
    monkeypatch.setattr(samplers, "_seconds", lambda run, device: (run(), 0.5)[1])
    one, two = samplers.large(1, "cpu", TINY, (1, 2))
    assert (one.seconds, two.seconds) == (2410 * 0.5, 2410 * 0.25)
    assert two.ratio == pytest.approx(2 * one.ratio)
    assert 0 < one.ratio < 1e-2


@pytest.mark.slow
def test_both_pipelines_call_the_network_at_the_same_timesteps(monkeypatch):
    """The ratio would mean nothing if one of them walked another schedule."""
    net, walks = samplers.network("epsilon", patch=1, size=16), []
    for name, run in (
        ("here", samplers._ours(net, 16, "cpu", page.REQUESTS)),
        ("diffusers", samplers._diffusers(net, 16, "cpu", page.REQUESTS)),
    ):
        seen = []
        forward = UNet2DModel.forward
        monkeypatch.setattr(
            UNet2DModel,
            "forward",
            lambda self, x, t, *a, f=forward, s=seen, **k: (
                s.append((len(x), int(torch.as_tensor(t).flatten()[0]))),
                f(self, x, t, *a, **k),
            )[1],
        )
        run()
        monkeypatch.setattr(UNet2DModel, "forward", forward)
        assert {size for size, _ in seen} == {page.REQUESTS}, name
        walks.append(seen)
    assert walks[0] == walks[1]
    assert len(walks[0]) == calls("repaint", samplers.SETTINGS)


def made_up(seconds):
    """Rows as `ladder` makes them, of runs that take so many seconds per picture."""
    rows = []
    for batch in page.BATCHES:
        of = {page.variant(name, batch): [batch * one] * 3 for name, one in seconds.items()}
        for kind, reference in (
            ("pipeline", page.THEIRS),
            ("channels_last", page.THEIRS_TOO),
        ):
            rows += samplers.compared(kind, of, page.variant(reference, batch), batch)
    return rows


FACTS = {
    "environment": {"hardware": "two cores", "threads": {"torch": 1}},
    **{"size": 128, "clock": "wall time", "rounds": 3, "batch": 4},
    "schedule": {"steps": 10, "training": 40, "jump_length": 2, "resamplings": 3},
}
TIMES = {
    page.THEIRS: 2.4,
    page.THEIRS_TOO: 2.2,
    page.CALLS: 2.0,
    page.WHOLE_PICTURES: 2.05,
}


def test_each_row_is_divided_by_diffusers_of_as_many_pictures_at_once():
    """Where diffusers gains from a batch and the sampler here does not, no row says that it does."""
    net = samplers.network("epsilon", patch=1, size=16)
    assert {name.rpartition(", ")[2] for name in samplers._variants(net, 16, "cpu", 4)} == {"4 at once"}
    slow, fast = {"diffusers, 1 at once": [3.0, 3.0], "here, 1 at once": [2.0, 2.0]}, {
        "diffusers, 4 at once": [8.0, 8.0],
        "here, 4 at once": [8.0, 8.0],
    }  # fmt: skip
    one = samplers.compared("pipeline", slow, "diffusers, 1 at once", 1)
    four = samplers.compared("pipeline", fast, "diffusers, 4 at once", 4)
    assert [(row.variant, row.seconds, row.ratio) for row in [*one, *four]] == [
        ("diffusers, 1 at once", 3.0, 1.0),
        ("here, 1 at once", 2.0, 1.5),
        ("diffusers, 4 at once", 2.0, 1.0),
        ("here, 4 at once", 2.0, 1.0),
    ]


def test_ratios_are_medians_within_rounds_which_noise_that_slows_all_leaves_alone():
    seconds = {"theirs": [3.0, 30.0, 4.5], "ours": [2.0, 20.0, 3.0]}
    assert [row.ratio for row in samplers.compared("pipeline", seconds, "theirs")] == [1.0, 1.5]


def test_runs_take_turns():
    order = []
    runs = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = samplers.in_turn(runs, 2, "cpu")
    assert order == ["a", "b", "a", "b"]
    assert {name: len(each) for name, each in seconds.items()} == {"a": 2, "b": 2}


def test_the_table_has_both_references_and_says_what_cannot_be_had():
    text = page.samplers_markdown(made_up({**TIMES, "here, cropped to the hole": 1.2}), FACTS)
    assert "| here, whole pictures, 1 at once | 2.05 | 1.17 | 1.07 |" in text
    assert "| here, whole pictures, 4 at once | 2.05 | 1.17 | 1.07 |" in text
    assert "With 1 and 4 at once diffusers in channels-last spends 9% and 9% of its time outside" in text
    assert "the sampler here 2% and 2%." in text
    assert "at most 1.20 times as fast as diffusers" in text
    assert "1.5 times as fast cannot be had with whole pictures in 32 bits" in text
    assert "reach it: here, cropped to the hole, 1 at once; here, cropped to the hole, 4 at once." in text
    assert "guided-diffusion" not in text


def test_the_table_says_where_it_can_be_had():
    text = page.samplers_markdown(made_up({**TIMES, page.CALLS: 1.5}), FACTS)
    assert "1.5 times as fast can be had with whole pictures in 32 bits. Rows that reach it: none." in text


@pytest.mark.slow
def test_bare_calls_are_as_many_as_a_run_s(monkeypatch):
    net, seen = samplers.network("epsilon", patch=1, size=16), []
    run = samplers._bare(net, 16, "cpu", 2)
    forward = UNet2DModel.forward
    monkeypatch.setattr(
        UNet2DModel, "forward", lambda self, x, *a, **k: (seen.append(len(x)), forward(self, x, *a, **k))[1]
    )
    run()
    assert seen == [2] * calls("repaint", samplers.SETTINGS)


def test_the_network_is_built_as_the_bundled_one():
    wanted = json.loads((CHECKPOINTS / "denoiser.json").read_text(encoding="utf-8"))["network"]
    config = samplers.network("v_prediction", patch=wanted["patch"], size=wanted["size"]).unet.config
    assert (list(config.block_out_channels), config.layers_per_block) == (wanted["widths"], wanted["layers"])
    assert config.sample_size == wanted["size"] // wanted["patch"]

"""What samplers cost: that the things compared are the same things. Times themselves are not tested."""

import pytest
import torch
from diffusers import UNet2DModel

from benchmark.studies import samplers
from inpainters.methods.diffusion.schedules import calls
from inpainters.training.recipe import load_recipe

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
    assert samplers.PAPER_CALLS == 2410
    monkeypatch.setattr(samplers, "matrix_peak", lambda rounds, device: 1e12)
    monkeypatch.setattr(samplers, "_seconds", lambda run, device: (run(), 0.5)[1])
    one, two = samplers.large(1, "cpu", TINY, (1, 2))
    assert (one.seconds, two.seconds) == (2410 * 0.5, 2410 * 0.25)
    assert two.ratio == pytest.approx(2 * one.ratio)
    assert 0 < one.ratio < 1e-2


def test_both_pipelines_call_the_network_equally_often(monkeypatch):
    """The ratio would mean nothing if one of them walked another schedule."""
    net, counts = samplers.network("epsilon", patch=1, size=16), []
    for name, run in (
        ("here", samplers._ours(net, 16, "cpu", samplers.REQUESTS)),
        ("diffusers", samplers._diffusers(net, 16, "cpu")),
    ):
        seen = []
        forward = UNet2DModel.forward
        monkeypatch.setattr(
            UNet2DModel,
            "forward",
            lambda self, x, *a, f=forward, s=seen, **k: (s.append(len(x)), f(self, x, *a, **k))[1],
        )
        run()
        monkeypatch.setattr(UNet2DModel, "forward", forward)
        assert set(seen) == {samplers.REQUESTS}, name
        counts.append(len(seen))
    assert counts[0] == counts[1] == calls("repaint", {"preset": "preview", **samplers.SETTINGS})


def test_the_network_is_built_as_the_bundled_one():
    wanted = load_recipe("denoiser").network
    config = samplers.network("v_prediction", patch=wanted["patch"], size=wanted["size"]).unet.config
    assert (list(config.block_out_channels), config.layers_per_block) == (wanted["widths"], wanted["layers"])
    assert config.sample_size == wanted["size"] // wanted["patch"]

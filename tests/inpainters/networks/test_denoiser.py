import json

import pytest
import torch
from safetensors.torch import save_file

from inpainters.errors import InputError
from inpainters.networks.denoiser import Denoiser
from inpainters.training.recipe import parse
from inpainters.weights.build import build_network

TINY = {"size": 32, "widths": [8, 8, 16], "groups": 4, "heads": 8}


def attending(net):
    """Side of each scale that attends -> how many attention layers it has, down and up."""
    blocks = [(16 // 2**scale, block) for scale, block in enumerate(net.unet.down_blocks)]
    blocks += [(4 * 2**scale, block) for scale, block in enumerate(net.unet.up_blocks)]
    found = {}
    for side, block in blocks:
        if layers := getattr(block, "attentions", []):
            found.setdefault(side, []).append(len(layers))
    return found


def test_without_attention_only_the_middle_attends():
    assert attending(Denoiser(**TINY)) == {}
    assert any("mid_block.attentions" in key for key in Denoiser(**TINY).state_dict())


@pytest.mark.parametrize(("sides", "found"), [([8, 4], {8: [1, 2], 4: [1, 2]}), ([16], {16: [1, 2]})])
def test_the_named_scales_attend_on_the_way_down_and_up(sides, found):
    assert attending(Denoiser(**TINY, attention=sides)) == found


def test_weights_with_attention_come_back(tmp_path):
    settings = {**TINY, "attention": [8]}
    net = Denoiser(**settings).eval()
    path = tmp_path / "denoiser-1-of-1.safetensors"
    save_file(net.state_dict(), path, metadata={"method": "denoiser", "network": json.dumps(settings)})
    again = build_network("inpainters.networks.denoiser:Denoiser", "denoiser", [path])
    noisy, timestep = torch.rand(1, 3, 32, 32), torch.tensor([500])
    with torch.no_grad():
        assert torch.equal(net(noisy, timestep), again(noisy, timestep))


def test_a_scale_that_is_not_there_gets_a_sentence():
    recipe = parse({"method": "denoiser", "objective": "denoising", "network": {**TINY, "attention": [12]}})
    with pytest.raises(InputError, match=r"no scale has 12 positions a side, only \[16, 8, 4\]"):
        recipe.build()

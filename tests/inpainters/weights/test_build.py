import subprocess
import sys

import pytest
import torch
from torch import nn

from inpainters.weights.build import Undrawn, mismatch


def test_undrawn_layers_draw_nothing_and_make_the_rest():
    with torch.random.fork_rng():
        before = torch.get_rng_state()
        with Undrawn():
            layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2), nn.BatchNorm2d(2), nn.Embedding(3, 2))
            nn.init.kaiming_normal_(tensor=layer[0].weight)
            ramp = torch.arange(3)
        assert torch.equal(torch.get_rng_state(), before)
        drawn = nn.Conv2d(3, 4, 3)
        assert not torch.equal(torch.get_rng_state(), before)
    assert layer[0].weight.shape == drawn.weight.shape
    assert isinstance(layer[0].weight, nn.Parameter)
    assert (layer[2].weight == 1).all()
    assert ramp.tolist() == [0, 1, 2]


@pytest.mark.slow
def test_a_network_is_loaded_without_torchs_compiler():
    code = """
import sys
from inpainters.weights.build import load_network
load_network("inpainters.networks.gated:GatedGenerator", "gated_conv", (), "cpu")
print("torch._dynamo" in sys.modules, "sympy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=250)
    assert done.stdout.split() == ["False", "False"], done.stderr


WANTED = {"a": torch.zeros(2), "b": torch.zeros(3, dtype=torch.long)}


@pytest.mark.parametrize(
    ("tensors", "why"),
    [
        ({}, ""),
        ({"a": None}, "the tensor 'a' is lacking"),
        ({"a": None, "b": None}, "the tensor 'a' is lacking, and 1 more"),
        ({"c": torch.zeros(1)}, "the network has no tensor 'c'"),
        ({"a": torch.zeros(3)}, "'a' has the shape (3,), not (2,)"),
        ({"a": torch.tensor([0, torch.inf])}, "'a' holds what is no number"),
        ({"a": torch.zeros(2, dtype=torch.long)}, "'a' holds what is no number"),
        ({"a": torch.zeros(2, dtype=torch.half)}, ""),
    ],
)
def test_what_does_not_fit_a_state_dict(tensors, why):
    given = {key: tensor for key, tensor in (WANTED | tensors).items() if tensor is not None}
    assert mismatch(WANTED, given) == why

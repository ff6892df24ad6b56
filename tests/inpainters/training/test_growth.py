"""Grown denoisers: the same function at first, copies that part, and what cannot be grown."""

import pytest
import torch

from inpainters.errors import InputError
from inpainters.networks.denoiser import Denoiser
from inpainters.training.growth import grow

SMALL = {"size": 32, "widths": [8, 16], "groups": 4, "heads": 8}


def denoiser(seed: int = 0, **changed) -> Denoiser:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Denoiser(**{**SMALL, **changed}).eval()


@pytest.fixture
def small() -> Denoiser:
    """As after a training: no tensor is 0 or 1 throughout, whatever layers begin with."""
    network = denoiser()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(1)
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter) * parameter.std().nan_to_num(1).clamp(min=0.2))
    return network


def outputs(*networks: Denoiser) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    noisy = torch.randn(3, 3, 32, 32, generator=rng)
    with torch.no_grad():
        return [network(noisy, torch.tensor([3, 400, 999])) for network in networks]


@pytest.mark.parametrize(
    "changed",
    [
        {"widths": [16, 32]},
        {"widths": [24, 48]},
        {"attention": [16, 8]},
        {"widths": [16, 32], "attention": [8]},
        {"widths": [16, 32], "attention": [32, 16], "size": 64},
    ],
    ids=str,
)
def test_a_grown_network_computes_the_same(small, changed):
    large = denoiser(5, **changed)
    before, random = outputs(small, large)
    grow(small, large)
    (after,) = outputs(large)
    assert (before - random).abs().max() > 0.1
    assert (before - after).abs().max() < 1e-4 * max(1.0, before.abs().max().item())


def test_what_a_grown_network_sees_beside_the_picture_starts_without_weight(small):
    large = denoiser(5, context=1, widths=[16, 32])
    grow(small, large)
    (before,) = outputs(small)
    rng = torch.Generator().manual_seed(3)
    noisy = torch.randn(3, 3, 32, 32, generator=rng)
    with torch.no_grad():
        after = large(noisy, torch.tensor([3, 400, 999]), torch.randn(3, 1, 32, 32, generator=rng))
    assert (before - after).abs().max() < 1e-4 * max(1.0, before.abs().max().item())


def test_attention_that_the_small_network_has_is_kept():
    small = denoiser(1, attention=[8])
    large = denoiser(2, widths=[16, 32], attention=[16, 8])
    grow(small, large)
    before, after = outputs(small, large)
    torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-4)


def test_copies_part_after_a_step(small):
    large = denoiser(5, widths=[16, 32], attention=[16, 8])
    grow(small, large)
    weights = dict(large.named_parameters())
    watched = [
        name
        for name, weight in weights.items()
        if name.endswith("conv1.weight") or (name.endswith("to_v.weight") and "mid_block" in name)
    ]
    assert len(watched) > 5
    for name in watched:
        one, other = copies(name, weights[name])
        assert torch.equal(one, other), "copies begin alike"
    optimizer = torch.optim.AdamW(large.parameters(), 1e-3)
    rng = torch.Generator().manual_seed(0)
    found = large(torch.randn(4, 3, 32, 32, generator=rng), torch.tensor([9, 99, 400, 900]))
    found.square().mean().backward()
    optimizer.step()
    for name in watched:
        one, other = copies(name, weights[name])
        assert (one != other).float().mean() > 0.1, name
    attention = [w for name, w in weights.items() if "to_out.0.weight" in name]
    assert all(weight.abs().max() > 0 for weight in attention), "new attention learns from the first step on"


def copies(name, weight):
    """The two copies of the first channels: neighbours, or halves where they are heads of attention."""
    return weight.chunk(2) if "to_v" in name else (weight[0::2], weight[1::2])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"widths": [16, 48]}, "are not one multiple of"),
        ({"widths": [8, 16, 32]}, "are not one multiple of"),
        ({"widths": [4, 8]}, "are not one multiple of"),
        ({"layers": 2}, "differ in layers per block"),
        ({"groups": 2}, "differ in norm num groups"),
        ({"heads": 4}, "differ in attention head dim"),
        ({"patch": 1}, "differ in out channels"),
        ({"prediction": "epsilon"}, "differ in prediction type"),
        ({"timesteps": 500}, "differ in num train timesteps"),
    ],
)
def test_what_cannot_be_grown_is_a_sentence(small, changed, said):
    with pytest.raises(InputError, match=said) as found:
        grow(small, denoiser(**changed))
    assert str(found.value).count(". ") == 0


def test_nothing_that_the_small_network_sees_is_taken_away():
    with pytest.raises(InputError, match="differ in in channels"):
        grow(denoiser(context=2), denoiser(context=1))


def test_attention_is_never_taken_away(small):
    with pytest.raises(InputError, match="nothing in place of"):
        grow(denoiser(attention=[8]), denoiser(widths=[16, 32]))

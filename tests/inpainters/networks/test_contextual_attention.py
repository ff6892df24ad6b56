"""Contextual attention against a literal transcription, and the networks that it is part of."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.networks.contextual_attention import (
    ContextualAttentionGenerator,
    SlimContextualAttentionGenerator,
)
from inpainters.networks.gated import GatedGenerator, SlimGatedGenerator
from inpainters.networks.layers import contextual_attention
from inpainters.networks.layers.contextual_attention import _together

OFFSETS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def literal(x: Tensor, hole: Tensor, scale: float = 10.0, propagate: bool = False) -> tuple[Tensor, dict]:
    """Yu 2018, equations 3 and 4, patch by patch: x (C, H, W), hole (H, W); the fill and the weights {query:
    {key: weight}}.
    """
    height, width = hole.shape
    padded, sites = F.pad(x, (1, 1, 1, 1)), [(r, c) for r in range(height) for c in range(width)]
    patch = {(r, c): padded[:, r : r + 3, c : c + 3].flatten() for r, c in sites}
    inside = set(sites)

    def known(r, c, offsets):
        return all((r + i, c + j) in inside and not hole[r + i, c + j] for i, j in offsets)

    keys = [k for k in sites if known(*k, OFFSETS)] or [k for k in sites if not hole[k]]
    queries = [
        q
        for q in sites
        if any((q[0] + i, q[1] + j) in inside and hole[q[0] + i, q[1] + j] for i, j in OFFSETS)
    ]
    if not keys:
        return x, {}

    @functools.cache
    def cosine(q, k):
        return (patch[q] * patch[k]).sum() / (patch[q].norm() * patch[k].norm())

    def score(q, k):
        if not propagate:
            return cosine(q, k)
        pairs = [((q[0] + i, q[1] + j), (k[0] + i, k[1] + j)) for i, j in OFFSETS]
        return sum(cosine(a, b) for a, b in pairs if a in inside and b in inside)

    offered = {(i, j): torch.stack([padded[:, r + i + 1, c + j + 1] for r, c in keys]) for i, j in OFFSETS}
    weights, total, count = {}, {}, {}
    for q in queries:
        s = torch.exp(scale * torch.stack([score(q, k) for k in keys]))
        share = s / s.sum()
        weights[q] = dict(zip(keys, share.tolist(), strict=True))
        for i, j in OFFSETS:
            p = (q[0] + i, q[1] + j)
            value = share @ offered[i, j]
            total[p], count[p] = total.get(p, 0) + value, count.get(p, 0) + 1
    columns = [
        [total[r, c] / count[r, c] if hole[r, c] else x[:, r, c] for c in range(width)] for r in range(height)
    ]
    return torch.stack([torch.stack(row, -1) for row in columns], 1), weights


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def holes(kind: str) -> Tensor:
    mask = torch.zeros(2, 1, 7, 8, dtype=torch.float64)
    if kind == "block":
        mask[0, :, 2:4, 1:4], mask[1, :, 5, 6] = 1, 1
    elif kind == "border":
        mask[0, :, :, 5:], mask[1, :, 0] = 1, 1
    else:  # no patch is known throughout
        mask[:, :, ::2], mask[1, :, 1, ::3] = 1, 1
    return mask


@pytest.mark.parametrize("propagate", [False, True])
@pytest.mark.parametrize("kind", ["block", "border", "lines"])
@pytest.mark.parametrize("chunk", [0, 300])
@pytest.mark.slow
def test_contextual_attention_equals_its_formula_with_gradients(kind, propagate, chunk):
    x, mask = draw(2, 3, 7, 8).requires_grad_(), holes(kind)
    out, found = contextual_attention(x, mask, propagate=propagate, weights=True, chunk=chunk)
    wanted, maps = zip(
        *(literal(a, m[0] > 0, propagate=propagate) for a, m in zip(x, mask, strict=True)), strict=True
    )
    torch.testing.assert_close(out, torch.stack(wanted))
    for n, weights in enumerate(maps):
        for row, (r, c) in enumerate((mask[n, 0] > 0).nonzero().tolist()):
            expected = torch.zeros(7, 8, dtype=torch.float64)
            for key, weight in weights[r, c].items():
                expected[key] = weight
            torch.testing.assert_close(found.weights[n][row], expected.flatten())
            assert expected.flatten()[found.source[n, r, c]] == expected.max()
    cotangent = draw(*out.shape, seed=1)
    given, truth = (torch.autograd.grad(o, x, cotangent)[0] for o in (out, torch.stack(wanted)))
    torch.testing.assert_close(given, truth)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def layers(*rows: tuple[int, int, int], gated: bool = False) -> int:
    """Weights and biases of (inputs, outputs, kernel) layers; a gated layer has everything twice."""
    return (1 + gated) * sum(a * b * k * k + b for a, b, k in rows)


def two_stages(c: int, channels: int, gated: bool) -> int:
    """By hand, from the authors' published table of layers (inpaint_model.py): 17 layers coarse, 16 + 6 + 2
    refined.
    """
    decoder = [(4 * c, 4 * c, 3), (4 * c, 2 * c, 3), (2 * c, 2 * c, 3), (2 * c, c, 3), (c, c // 2, 3)]
    coarse = [(channels, c, 5), (c, 2 * c, 3), (2 * c, 2 * c, 3), (2 * c, 4 * c, 3)] + [(4 * c, 4 * c, 3)] * 7
    refine = [(channels, c, 5), (c, c, 3), (c, 2 * c, 3), (2 * c, 2 * c, 3), (2 * c, 4 * c, 3)] + [
        (4 * c, 4 * c, 3)
    ] * 5
    matching = [(channels, c, 5), (c, c, 3), (c, 2 * c, 3), (2 * c, 4 * c, 3)] + [(4 * c, 4 * c, 3)] * 4
    rows = [*coarse, *decoder, *refine, *matching, (8 * c, 4 * c, 3), *decoder]
    return layers(*rows, gated=gated) + 2 * layers((c // 2, 3, 3))


def test_the_papers_networks_have_the_papers_sizes():
    with torch.device("meta"):
        plain, gated, sketch = ContextualAttentionGenerator(), GatedGenerator(guide=False), GatedGenerator()
    # Yu 2018 states 2.9 M; its published layers add up to 3.6 M.
    assert parameters(plain) == two_stages(32, 5, gated=False) == 3_601_542
    # Yu 2019 states 4.1 M.
    assert parameters(gated) == two_stages(24, 5, gated=True)
    assert round(parameters(gated) / 1e6, 1) == 4.1
    assert parameters(sketch) == two_stages(24, 6, gated=True)


def test_a_batch_is_its_pictures_one_by_one():
    x, mask = draw(4, 3, 7, 8), torch.cat([holes("block"), holes("lines")])
    together, found = contextual_attention(x, mask)
    for n in range(4):
        alone, single = contextual_attention(x[n : n + 1], mask[n : n + 1])
        torch.testing.assert_close(together[n : n + 1], alone)
        assert torch.equal(found.source[n : n + 1], single.source)


def test_a_batch_together_is_filled_as_its_pictures_one_by_one():
    x = draw(8, 3, 7, 8).requires_grad_()
    mask = torch.cat(
        [holes("block"), holes("border"), holes("lines"), torch.zeros(1, 1, 7, 8), torch.ones(1, 1, 7, 8)]
    )
    there, found = _together(x, mask[:, 0] > 0, 10.0)
    here, wanted = contextual_attention(x, mask)
    torch.testing.assert_close(there, here)
    assert torch.equal(found.source, wanted.source)
    assert (found.source[-2:] == -1).all()
    assert torch.equal(there[-2:], x[-2:])
    cotangent = draw(*x.shape, seed=1)
    given, truth = (torch.autograd.grad(out, x, cotangent)[0] for out in (there, here))
    torch.testing.assert_close(given, truth)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_features_stay_where_nothing_is_missing_and_where_nothing_is_known(value):
    x = draw(1, 3, 7, 8).requires_grad_()
    out, found = contextual_attention(x, torch.full((1, 1, 7, 8), value), weights=True)
    assert torch.equal(out, x)
    assert (found.source == -1).all()
    assert found.weights[0].shape == (int(56 * value), 56)
    assert torch.autograd.grad(out.sum(), x)[0].eq(1).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("options", [{}, {"weights": True}, {"propagate": True}, {"chunk": 300}])
def test_a_gpu_fills_as_a_processor(options):
    x, mask = draw(2, 3, 7, 8).float(), holes("block").float()
    here, found = contextual_attention(x, mask, **options)
    there, again = contextual_attention(x.cuda(), mask.cuda(), **options)
    torch.testing.assert_close(there.cpu(), here)
    assert torch.equal(again.source.cpu(), found.source)
    assert len(again.weights) == len(found.weights)


@pytest.mark.parametrize("fill", [contextual_attention, lambda x, mask: _together(x, mask[:, 0] > 0, 10.0)])
def test_features_of_zero_give_no_nan(fill):
    x = torch.zeros(1, 3, 7, 8, requires_grad=True)
    out, _ = fill(x, holes("block")[:1].float())
    assert out.eq(0).all()
    assert torch.autograd.grad(out.sum(), x)[0].isfinite().all()


def test_a_repeated_texture_is_continued():
    """A hole in stripes: what was there lies elsewhere too, and is copied from there."""
    stripes = torch.eye(4).repeat(1, 4)[:, None, :].expand(4, 12, 16)[None]
    mask = torch.zeros(1, 1, 12, 16)
    mask[:, :, 4:7, 6:9] = 1
    out, found = contextual_attention(stripes, mask, scale=100.0)
    torch.testing.assert_close(out, stripes, rtol=0, atol=1e-4)
    columns = found.source[0, 4:7, 6:9] % 16
    assert torch.equal(columns % 4, torch.arange(6, 9).expand(3, 3) % 4)


@pytest.mark.parametrize("fill", [contextual_attention, lambda x, mask: _together(x, mask[:, 0] > 0, 10.0)])
def test_sixteen_bits_are_near(fill):
    x, mask = draw(2, 16, 7, 8).float(), holes("block").float()
    half = fill(x.bfloat16(), mask)[0]
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), contextual_attention(x, mask)[0], rtol=0, atol=0.05)


NETWORKS = {
    "contextual": lambda: ContextualAttentionGenerator(cnum=4),
    "slim contextual": lambda: SlimContextualAttentionGenerator((4, 8), (1,), (4, 8, 8, 8), (2,), matching=8),
    "gated": lambda: GatedGenerator(cnum=8),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_run_at_any_size_and_are_blind_to_the_hole(name):
    torch.manual_seed(0)
    net = NETWORKS[name]().eval()
    image, mask = torch.rand(2, 3, 37, 50), torch.zeros(2, 1, 37, 50)
    mask[0, :, 5:20, 11:30], mask[1, :, :, 25:] = 1, 1
    with torch.no_grad():
        coarse, refined = net(image, mask)
        again = net(torch.where(mask > 0, torch.rand_like(image), image), mask)[-1]
        attention = net.attend(image, mask)
    assert coarse.shape == refined.shape == image.shape
    torch.testing.assert_close(again, refined)
    quarter = F.max_pool2d(mask, 4, ceil_mode=True)
    for weights, missing in zip(attention.weights, quarter, strict=True):
        assert weights.shape == (int(missing.sum()), 10 * 13)
        torch.testing.assert_close(weights.sum(1), torch.ones(len(weights)))
        assert weights[:, missing.flatten() > 0].eq(0).all()
    assert ((attention.source >= 0) == (quarter[:, 0] > 0)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_of_a_network_learns(name):
    torch.manual_seed(0)
    net, mask = NETWORKS[name](), torch.zeros(1, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    sum(picture.square().sum() for picture in net(torch.rand(1, 3, 32, 32), mask)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert not [key for key, p in net.named_parameters() if p.ndim == 4 and not p.grad.abs().sum()]


def test_a_sketch_changes_the_gated_fill():
    torch.manual_seed(0)
    net, image, mask = GatedGenerator(cnum=8).eval(), torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    guide = torch.zeros_like(mask)
    guide[:, :, 12] = 1
    with torch.no_grad():
        assert not torch.equal(net(image, mask, guide)[-1], net(image, mask)[-1])
        torch.testing.assert_close(net(image, mask, torch.zeros_like(mask))[-1], net(image, mask)[-1])


def test_the_slim_gated_network_keeps_its_names():
    """Weights that were trained before the paper's form stood beside it must load."""
    keys = set(SlimGatedGenerator((4, 8), (1,), (4, 8, 8), (2,)).state_dict())
    stage = {"stem", "down.0.0", "down.0.1", "bottom.0.conv", "up.0.conv"}
    gated = {f"{part}.{half}" for part in stage for half in ("features", "gate")}
    plain = {"up.0.narrow", "head"}
    wanted = {f"coarse.{layer}.{kind}" for layer in gated | plain for kind in ("weight", "bias")}
    assert wanted == {key for key in keys if key.startswith("coarse.")}
    assert {key for key in keys if key.startswith("refine.down.1.1")} == {
        f"refine.down.1.1.{h}.{k}" for h in ("features", "gate") for k in ("weight", "bias")
    }

"""Contextual attention against a literal transcription, and the networks that it is part of."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.networks.contextual_attention import ContextualAttentionGenerator, SlimContextualAttentionGenerator
from inpainters.networks.gated import GatedGenerator, SlimGatedGenerator
from inpainters.networks.layers import contextual_attention

OFFSETS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def literal(x: Tensor, hole: Tensor, scale: float = 10.0, propagate: bool = False) -> tuple[Tensor, dict]:
    """Yu 2018, equations 3 and 4, patch by patch: x (C, H, W), hole (H, W); the fill and the weights {query: {key: weight}}."""
    height, width = hole.shape
    padded, sites = F.pad(x, (1, 1, 1, 1)), [(r, c) for r in range(height) for c in range(width)]
    patch = {(r, c): padded[:, r : r + 3, c : c + 3].flatten() for r, c in sites}
    inside = set(sites)

    def known(r, c, offsets):
        return all((r + i, c + j) in inside and not hole[r + i, c + j] for i, j in offsets)

    keys = [k for k in sites if known(*k, OFFSETS)] or [k for k in sites if not hole[k]]
    queries = [q for q in sites if any((q[0] + i, q[1] + j) in inside and hole[q[0] + i, q[1] + j] for i, j in OFFSETS)]
    if not keys:
        return x, {}

    def cosine(q, k):
        return (patch[q] * patch[k]).sum() / (patch[q].norm() * patch[k].norm())

    def score(q, k):
        if not propagate:
            return cosine(q, k)
        pairs = [((q[0] + i, q[1] + j), (k[0] + i, k[1] + j)) for i, j in OFFSETS]
        return sum(cosine(a, b) for a, b in pairs if a in inside and b in inside)

    weights, total, count = {}, {}, {}
    for q in queries:
        s = torch.stack([score(q, k) for k in keys])
        weights[q] = dict(zip(keys, torch.exp(scale * s) / torch.exp(scale * s).sum(), strict=True))
        for i, j in OFFSETS:
            p = (q[0] + i, q[1] + j)
            value = sum(w * padded[:, k[0] + i + 1, k[1] + j + 1] for k, w in weights[q].items())
            total[p], count[p] = total.get(p, 0) + value, count.get(p, 0) + 1
    columns = [[total[r, c] / count[r, c] if hole[r, c] else x[:, r, c] for c in range(width)] for r in range(height)]
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
def test_contextual_attention_equals_its_formula_with_gradients(kind, propagate, chunk):
    x, mask = draw(2, 3, 7, 8).requires_grad_(), holes(kind)
    out, found = contextual_attention(x, mask, propagate=propagate, weights=True, chunk=chunk)
    wanted, maps = zip(*(literal(a, m[0] > 0, propagate=propagate) for a, m in zip(x, mask, strict=True)), strict=True)
    torch.testing.assert_close(out, torch.stack(wanted))
    for n, weights in enumerate(maps):
        for row, (r, c) in enumerate((mask[n, 0] > 0).nonzero().tolist()):
            expected = torch.zeros(7, 8, dtype=torch.float64)
            for key, weight in weights[r, c].items():
                expected[key] = weight.detach()
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
    """By hand, from the authors' published table of layers (inpaint_model.py): 17 layers coarse, 16 + 6 + 2 refined."""
    decoder = [(4 * c, 4 * c, 3), (4 * c, 2 * c, 3), (2 * c, 2 * c, 3), (2 * c, c, 3), (c, c // 2, 3)]
    coarse = [(channels, c, 5), (c, 2 * c, 3), (2 * c, 2 * c, 3), (2 * c, 4 * c, 3)] + [(4 * c, 4 * c, 3)] * 7
    refine = [(channels, c, 5), (c, c, 3), (c, 2 * c, 3), (2 * c, 2 * c, 3), (2 * c, 4 * c, 3)] + [(4 * c, 4 * c, 3)] * 5
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

"""Each layer against a slow, literal transcription of its formula, forward and gradient."""

import pytest
import torch
from torch import Tensor

from inpainters.networks.gated import SlimGatedGenerator
from inpainters.networks.layers import GatedConv2d, PartialConv2d
from inpainters.networks.partial import PartialUNet
from inpainters.networks.slim import push_pull

GEOMETRY = [(3, 1, 1), (3, 2, 1), (5, 1, 1), (3, 1, 2)]  # kernel, stride, dilation


def windows(x: Tensor, kernel: int, stride: int, dilation: int):
    """Yield (row, column, window) with windows (C, k, k) of one zero-padded (C, H, W) picture, pixel by
    pixel.
    """
    pad = dilation * (kernel - 1) // 2
    channels, height, width = x.shape
    padded = x.new_zeros(channels, height + 2 * pad, width + 2 * pad)
    padded[:, pad : pad + height, pad : pad + width] = x
    for row in range((height - 1) // stride + 1):
        for column in range((width - 1) // stride + 1):
            rows = [row * stride + i * dilation for i in range(kernel)]
            columns = [column * stride + j * dilation for j in range(kernel)]
            yield row, column, padded[:, rows][:, :, columns]


def literal_conv(x: Tensor, weight: Tensor, bias: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    out = {(r, c): (weight * w).sum((1, 2, 3)) + bias for r, c, w in windows(x, kernel, stride, dilation)}
    return grid(out)


def literal_partial(
    x: Tensor, valid: Tensor, weight: Tensor, bias: Tensor, kernel: int, stride: int, dilation: int
):
    """Liu 2018, equation 1: W^T(X*M) sum(1)/sum(M) + b where sum(M) > 0, else 0; equation 2 for the mask."""
    out, update = {}, {}
    xs, ms = windows(x, kernel, stride, dilation), windows(valid, kernel, stride, dilation)
    for (r, c, window), (_, _, m) in zip(xs, ms, strict=True):
        if m.sum() > 0:
            out[r, c] = (weight * (window * m)).sum((1, 2, 3)) * (m.numel() / m.sum()) + bias
        else:
            out[r, c] = torch.zeros_like(bias)
        update[r, c] = (m.sum() > 0).to(x.dtype)[None]
    return grid(out), grid(update)


def grid(values: dict[tuple[int, int], Tensor]) -> Tensor:
    height, width = (max(k[i] for k in values) + 1 for i in (0, 1))
    return torch.stack([torch.stack([values[r, c] for c in range(width)], -1) for r in range(height)], -2)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def holes(channels: int, per_channel: bool, seed: int = 5) -> Tensor:
    """(2, 1 or channels, 6, 7) validity with a hole that is wider than any window, so that dead windows
    exist.
    """
    valid = (draw(2, channels if per_channel else 1, 6, 7, seed=seed) > -0.3).double()
    valid[:, :, 1:, 2:] = 0
    return valid


@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize("activation", ["elu", "leaky_relu", "linear"])
def test_gated_convolution_is_phi_of_features_times_sigmoid_of_gate(geometry, activation):
    kernel, stride, dilation = geometry
    layer = GatedConv2d(3, 4, kernel, stride=stride, dilation=dilation, activation=activation).double()
    x = draw(2, 3, 6, 7)
    out = layer(x)
    for n in range(2):
        phi = literal_conv(x[n], layer.features.weight, layer.features.bias, *geometry)
        gate = literal_conv(x[n], layer.gate.weight, layer.gate.bias, *geometry)
        negative = {"elu": torch.exp(phi) - 1, "leaky_relu": 0.2 * phi, "linear": phi}[activation]
        expected = torch.where(phi > 0, phi, negative) / (1 + torch.exp(-gate))
        torch.testing.assert_close(out[n], expected)


@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize("per_channel", [False, True])
def test_partial_convolution_equals_its_formula_with_gradients(geometry, per_channel):
    kernel, stride, dilation = geometry
    layer = PartialConv2d(3, 4, kernel, stride=stride, dilation=dilation).double()
    torch.nn.init.normal_(layer.bias)
    x, valid = draw(2, 3, 6, 7).requires_grad_(), holes(3, per_channel)
    out, update = layer(x, valid)
    pairs = [
        literal_partial(x[n], valid[n].expand(3, -1, -1), layer.conv.weight, layer.bias, *geometry)
        for n in range(2)
    ]
    expected, mask = (torch.stack(part) for part in zip(*pairs, strict=True))
    assert update.min() == 0, "the case must hold windows without any valid input"
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(update, mask)
    wanted = [x, layer.conv.weight, layer.bias]
    cotangent = draw(*out.shape, seed=3)
    for found, literal in zip(
        torch.autograd.grad(out, wanted, cotangent),
        torch.autograd.grad(expected, wanted, cotangent),
        strict=True,
    ):
        torch.testing.assert_close(found, literal)


@pytest.mark.parametrize("kind", ["gated", "partial"])
def test_gradients_agree_with_finite_differences(kind):
    x = draw(1, 2, 5, 5).requires_grad_()
    if kind == "gated":
        layer = GatedConv2d(2, 3).double()
        assert torch.autograd.gradcheck(layer, x)
    else:
        partial = PartialConv2d(2, 3).double()
        valid = holes(2, per_channel=True)[:1, :, :5, :5]
        assert torch.autograd.gradcheck(lambda t: partial(t, valid)[0], x)


def test_partial_convolution_ignores_what_lies_in_the_hole():
    layer = PartialConv2d(3, 4).double()
    x, valid = draw(2, 3, 6, 7), holes(3, per_channel=False)
    other = torch.where(valid > 0, x, draw(2, 3, 6, 7, seed=9))
    torch.testing.assert_close(layer(x, valid)[0], layer(other, valid)[0], rtol=0, atol=0)


def test_partial_convolution_of_a_constant_is_that_constant_wherever_anything_is_valid():
    layer = PartialConv2d(1, 1, bias=False).double()
    torch.nn.init.constant_(layer.conv.weight, 1 / 9)
    valid = holes(1, per_channel=False)
    out, update = layer(torch.full((2, 1, 6, 7), 5.0, dtype=torch.float64), valid)
    torch.testing.assert_close(out, 5.0 * update)


def test_the_default_partial_network_has_the_size_of_the_paper_s():
    with torch.device("meta"):
        kernels = [m for m in PartialUNet().modules() if isinstance(m, PartialConv2d)]
    # Liu 2018, table 3, by hand: encoder 3-64-128-256-512x5 with kernels 7 5 5 3.., decoder with skips
    # appended.
    encoder = 49 * 3 * 64 + 25 * 64 * 128 + 25 * 128 * 256 + 9 * (256 * 512 + 4 * 512 * 512)
    decoder = 9 * (4 * 1024 * 512 + 768 * 256 + 384 * 128 + 192 * 64 + 67 * 3)
    assert sum(m.conv.weight.numel() for m in kernels) == encoder + decoder


def test_push_pull_keeps_what_is_known_and_stays_within_its_range():
    image, known = draw(2, 3, 21, 34), (draw(2, 1, 21, 34, seed=1) > 1).double()
    filled = push_pull(image, known)
    torch.testing.assert_close(filled * known, image * known)
    seen = torch.where(known > 0, image, torch.nan)
    for n in range(2):
        for c in range(3):
            values = seen[n, c][~seen[n, c].isnan()]
            assert values.min() - 1e-9 <= filled[n, c].min()
            assert filled[n, c].max() <= values.max() + 1e-9


def test_generator_works_at_any_size_and_is_blind_to_the_hole():
    torch.manual_seed(0)
    net = SlimGatedGenerator(
        coarse=(4, 8), coarse_dilations=(1,), refine=(4, 8, 8), refine_dilations=(2,)
    ).eval()
    image, mask = torch.rand(2, 3, 37, 50), (torch.rand(2, 1, 37, 50) > 0.7).float()
    coarse, refined = net(image, mask)
    assert coarse.shape == refined.shape == image.shape
    again = net(torch.where(mask > 0, torch.rand_like(image), image), mask)[-1]
    torch.testing.assert_close(again, refined)


@pytest.mark.parametrize("detached", [False, True])
def test_a_detached_coarse_stage_learns_from_its_own_picture_alone(detached):
    torch.manual_seed(0)
    net = SlimGatedGenerator((4, 8), (1,), (4, 8, 8), (2,), detached=detached)
    for stage, alone in ((1, detached), (0, False)):
        net.zero_grad()
        net(torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16))[stage].square().mean().backward()
        learns = any(p.grad is not None and p.grad.abs().sum() > 0 for p in net.coarse.parameters())
        assert learns != alone


def test_generator_shifts_its_colours_with_the_picture():
    torch.manual_seed(0)
    net = (
        SlimGatedGenerator(coarse=(4, 8), coarse_dilations=(1,), refine=(4, 8, 8), refine_dilations=(2,))
        .double()
        .eval()
    )
    image, mask = torch.rand(1, 3, 32, 32).double() / 2, (torch.rand(1, 1, 32, 32) > 0.7).double()
    offset = torch.tensor([0.3, 0.1, 0.2]).double().view(1, 3, 1, 1)
    torch.testing.assert_close(
        net(image + offset, mask)[-1], net(image, mask)[-1] + offset, rtol=0, atol=1e-6
    )

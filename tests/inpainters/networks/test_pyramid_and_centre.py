"""Attention transfer and the channel-wise layer against slow, literal formulas; PEN-Net, the context encoder,
the partial U-Net.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.networks.context_encoder import ContextEncoderGenerator, SlimContextEncoder
from inpainters.networks.lama import FourierGenerator, SlimFourierGenerator
from inpainters.networks.layers import AttentionTransfer, ChannelwiseFC, attention_transfer
from inpainters.networks.layers.fourier_conv import FourierUnit
from inpainters.networks.partial import PartialUNet, SlimPartialUNet
from inpainters.networks.pen_net import PenNetGenerator, SlimPenNet
from inpainters.networks.slim import push_pull
from inpainters.training import recipe as recipes
from inpainters.training.data import draw_mask


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pictures(number: int, height: int, width: int, share: float = 0.3) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(7)
    mask = (torch.rand(number, 1, (height + 7) // 8, (width + 7) // 8, generator=rng) < share).float()
    mask = F.interpolate(mask, scale_factor=8)[..., :height, :width]
    return torch.rand(number, 3, height, width, generator=rng), mask


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# --- attention transfer ---------------------------------------------------------------------------


def at(x: Tensor, row: int, column: int) -> Tensor:
    """A pixel of (C, H, W); beyond the border the nearest one."""
    return x[:, min(max(row, 0), x.shape[1] - 1), min(max(column, 0), x.shape[2] - 1)]


def literal_transfer(shallow: Tensor, deep: Tensor, hole: Tensor, reach: int) -> Tensor:
    """Zeng 2019, equations 1 to 3, for one picture: pixel by pixel, patch by patch; `hole` (h, w) bool at the
    deep map's size.
    """
    places = [(r, c) for r in range(deep.shape[1]) for c in range(deep.shape[2])]
    steps = range(-reach, reach + 1)
    patch = {(r, c): torch.stack([at(deep, r + i, c + j) for i in steps for j in steps]) for r, c in places}
    values = {
        (r, c): {(i, j): at(shallow, 2 * r + i, 2 * c + j) for i in range(-1, 3) for j in range(-1, 3)}
        for r, c in places
    }
    known = [p for p in places if not hole[p]]
    sums: dict[tuple[int, int], list[Tensor]] = {}
    for p in places:
        if not hole[p] or not known:
            continue
        similar = [(patch[p] * patch[k]).sum() / (patch[p].norm() * patch[k].norm()) for k in known]
        total = sum(torch.exp(10 * s) for s in similar)
        for i in range(-1, 3):
            for j in range(-1, 3):
                value = sum(
                    torch.exp(10 * s) / total * values[k][i, j] for s, k in zip(similar, known, strict=True)
                )
                sums.setdefault((2 * p[0] + i, 2 * p[1] + j), []).append(value)
    rows = [
        [
            sum(sums[r, c]) / len(sums[r, c]) if hole[r // 2, c // 2] and known else shallow[:, r, c]
            for c in range(shallow.shape[2])
        ]
        for r in range(shallow.shape[1])
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("chunk", [1 << 22, 8])
def test_attention_transfer_equals_its_formula_with_gradients(kernel, chunk):
    deep, shallow = draw(3, 3, 4, 5).requires_grad_(), draw(3, 2, 8, 10, seed=1).requires_grad_()
    hole = torch.zeros(3, 4, 5, dtype=torch.bool)
    hole[0, 1:3, 2:5] = True
    hole[1, 0, 0] = True
    mask = hole[:, None].double().repeat_interleave(4, 2).repeat_interleave(4, 3)
    out = attention_transfer(shallow, deep, mask, kernel=kernel, chunk=chunk)
    expected = torch.stack(
        [literal_transfer(s, d, h, kernel // 2) for s, d, h in zip(shallow, deep, hole, strict=True)]
    )
    torch.testing.assert_close(out, expected)
    cotangent = draw(*out.shape, seed=3)
    inputs = (deep, shallow)
    for found, literal in zip(
        torch.autograd.grad(out, inputs, cotangent),
        torch.autograd.grad(expected, inputs, cotangent),
        strict=True,
    ):
        torch.testing.assert_close(found, literal, atol=1e-6, rtol=1e-6)


def test_attention_transfer_copies_from_the_twin():
    """A missing position whose deep features are those of one known position gets the pixels from there, and
    nothing else changes.
    """
    deep, shallow = draw(1, 16, 8, 8), draw(1, 2, 16, 16)
    deep[..., 3, 3] = 2 * deep[..., 1, 6]
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    mask[..., 3, 3] = 1
    expected = shallow.clone()
    expected[..., 6:8, 6:8] = shallow[..., 2:4, 12:14]
    torch.testing.assert_close(attention_transfer(shallow, deep, mask, kernel=1, scale=1000.0), expected)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_attention_transfer_leaves_a_map_alone_where_nothing_or_everything_is_missing(share):
    shallow, deep = draw(2, 3, 7, 9), draw(2, 4, 4, 5)
    out = attention_transfer(shallow, deep, torch.full((2, 1, 28, 36), share, dtype=torch.float64))
    torch.testing.assert_close(out, shallow, rtol=0, atol=0)


def test_attention_transfer_does_not_read_what_it_replaces():
    shallow, deep = draw(1, 2, 8, 8), draw(1, 2, 4, 4)
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    mask[..., 2:6, 2:6] = 1
    layer = AttentionTransfer(8).double()
    assert layer(shallow.repeat(1, 4, 1, 1), deep, mask).shape == (1, 8, 8, 8)
    # The patches of known positions overlap the hole by one pixel, so only what is two inside cannot be seen
    # by any.
    other = shallow.clone()
    other[..., 3:5, 3:5] = 9
    torch.testing.assert_close(attention_transfer(other, deep, mask), attention_transfer(shallow, deep, mask))


def test_groups_are_dilated_convolutions_side_by_side():
    layer = AttentionTransfer(8).double()
    shallow, deep, mask = draw(1, 8, 18, 18), draw(1, 4, 9, 9), torch.zeros(1, 1, 18, 18, dtype=torch.float64)
    found = layer(shallow, deep, mask)
    for i, rate in enumerate((1, 2, 4, 8)):
        weight, bias = layer.groups[i].weight, layer.groups[i].bias
        row, column = 9, 8
        value = bias.clone()
        for a in range(3):
            for b in range(3):
                value = (
                    value + weight[:, :, a, b] @ shallow[0, :, row + (a - 1) * rate, column + (b - 1) * rate]
                )
        torch.testing.assert_close(found[0, 2 * i : 2 * i + 2, row, column], value.clamp(min=0))


# --- the channel-wise fully connected layer -------------------------------------------------------


def test_channelwise_layer_equals_explicit_loops_with_gradients():
    layer = ChannelwiseFC(3, 2).double()
    torch.nn.init.normal_(layer.bias)
    x = draw(2, 3, 2, 2).requires_grad_()
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    rows = [
        [
            [
                sum(layer.weight[m, i, j] * x[n, m, r, c] for i, (r, c) in enumerate(places))
                + layer.bias[m, j]
                for j in range(4)
            ]
            for m in range(3)
        ]
        for n in range(2)
    ]
    expected = torch.stack([torch.stack([torch.stack(r).view(2, 2) for r in maps]) for maps in rows])
    out = layer(x)
    torch.testing.assert_close(out, expected)
    wanted = [x, layer.weight, layer.bias]
    cotangent = draw(*out.shape, seed=3)
    for found, literal in zip(
        torch.autograd.grad(out, wanted, cotangent),
        torch.autograd.grad(expected, wanted, cotangent),
        strict=True,
    ):
        torch.testing.assert_close(found, literal)


def test_channelwise_layer_has_m_n4_weights():
    assert ChannelwiseFC(7, 5).weight.numel() == 7 * 5**4


# --- sizes of the papers' forms -------------------------------------------------------------------


def test_context_encoder_has_the_size_of_the_paper_s():
    with torch.device("meta"):
        channelwise, full = ContextEncoderGenerator(), ContextEncoderGenerator(bottleneck=4000)
    encoder = 16 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 2 * (64 + 128 + 256 + 512)
    decoder = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (256 + 128 + 64) + 3
    bottom = 512 * 4**4 + 512 * 4**2 + 512 * 512 + 2 * 512
    assert count(channelwise) == encoder + bottom + decoder
    assert count(full) == encoder + 2 * 512 * 16 * 4000 + 2 * (4000 + 512) + decoder


def test_pen_net_has_the_size_of_the_authors_release():
    with torch.device("meta"):
        network = PenNetGenerator()
    c = 32
    encoder = 9 * (
        4 * c + c * 2 * c + 2 * c * 4 * c + 4 * c * 8 * c + 8 * c * 16 * c + 16 * c * 16 * c
    ) + c * (1 + 2 + 4 + 8 + 16 + 16)
    transfer = sum(9 * k * k + k for k in (8 * c, 4 * c, 2 * c, c))
    up = 9 * (16 * c * 16 * c + 32 * c * 8 * c + 16 * c * 4 * c + 8 * c * 2 * c + 4 * c * c) + c * (
        16 + 8 + 4 + 2 + 1
    )
    heads = 3 * c * (32 + 16 + 8 + 4 + 2) + 5 * 3 + 9 * (2 * c * c + c * 3) + c + 3
    assert count(network) == encoder + transfer + up + heads


def test_partial_net_has_the_size_of_the_paper_s():
    with torch.device("meta"):
        assert math.isclose(count(PartialUNet()), 32.9e6, rel_tol=0.01)


def test_lama_has_the_size_of_the_paper_s():
    with torch.device("meta"):
        assert math.isclose(count(FourierGenerator()), 27e6, rel_tol=0.01)
        assert math.isclose(count(FourierGenerator(blocks=18)), 51e6, rel_tol=0.01)


def test_a_fourier_unit_sees_the_whole_picture_and_keeps_its_size():
    torch.manual_seed(0)
    unit = FourierUnit(2, 3).eval()
    x = torch.rand(1, 2, 9, 14, requires_grad=True)
    out = unit(x)
    assert out.shape == (1, 3, 9, 14)
    out[0, 0, 0, 0].backward()
    assert (x.grad.abs() > 1e-9).float().mean() > 0.9
    with torch.no_grad():  # by hand: the identity on coefficients is the identity on pictures
        same = FourierUnit(2, 2).eval()
        same.conv.weight.copy_(torch.eye(4)[..., None, None])
        positive = torch.fft.rfft2(x, norm="ortho")
        want = torch.complex(positive.real.clamp(min=0), positive.imag.clamp(min=0))
        scale = 1 / (1 + same.norm.eps) ** 0.5
        torch.testing.assert_close(same(x), torch.fft.irfft2(want * scale, s=(9, 14), norm="ortho"))


# --- networks -------------------------------------------------------------------------------------


NETWORKS = {
    "partial": lambda: PartialUNet(widths=(4, 8, 8), kernels=(5, 3, 3)),
    "slim_partial": lambda: SlimPartialUNet(widths=(4, 8, 8), kernels=(5, 3, 3)),
    "lama": lambda: FourierGenerator(width=4, scales=3, blocks=1),
    "slim_lama": lambda: SlimFourierGenerator(widths=(4, 8, 8), blocks=1),
    "pen_net": lambda: PenNetGenerator(widths=(8, 8, 8, 8)),
    "slim_pen_net": lambda: SlimPenNet(widths=(4, 8, 8, 8), units=(1, 1, 1), dilations=(1,)),
    "context_encoder": lambda: ContextEncoderGenerator(widths=(4, 4, 4, 4, 8)),
    "context_encoder_full": lambda: ContextEncoderGenerator(widths=(4, 4, 4, 4, 8), bottleneck=10),
    "slim_context_encoder": lambda: SlimContextEncoder(widths=(4, 4, 4, 4, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_equals_its_pictures_one_by_one(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    image, mask = pictures(3, 128, 128)
    mask[1] = 0
    together = network(image, mask)
    for i in range(3):
        for both, single in zip(together, network(image[i : i + 1], mask[i : i + 1]), strict=True):
            torch.testing.assert_close(both[i : i + 1], single, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_blind_to_the_hole_and_train(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    image, mask = pictures(2, 128, 128)
    known = torch.where(mask > 0, torch.rand_like(image), image)
    for a, b in zip(network(image * (1 - mask), mask), network(known, mask), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    sum(stage.square().mean() for stage in network(image, mask)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("size", [(8, 8), (24, 37), (64, 41)])
def test_the_slim_lama_starts_from_a_smooth_fill_and_takes_any_size(size):
    torch.manual_seed(0)
    network = SlimFourierGenerator(widths=(4, 8, 8, 8), blocks=2).eval()
    image, mask = pictures(1, *size)
    offset = torch.tensor([0.3, 0.1, 0.2]).view(1, 3, 1, 1)
    torch.testing.assert_close(
        network(image + offset, mask)[0], network(image, mask)[0] + offset, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("name", ["pen_net", "slim_pen_net"])
@pytest.mark.parametrize("size", [(37, 50), (64, 64), (17, 90)])
def test_pyramids_run_at_any_size_with_a_picture_per_scale(name, size):
    image, mask = pictures(1, *size)
    stages = NETWORKS[name]().eval()(image, mask)
    assert len(stages) == 4 - name.startswith("slim")
    assert all(stage.shape == image.shape for stage in stages)


@pytest.mark.parametrize("name", [n for n in NETWORKS if "context" in n])
def test_context_encoders_change_nothing_known_outside_the_centre(name):
    torch.manual_seed(0)
    image, mask = torch.rand(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    mask[..., :20] = 1
    (out,) = NETWORKS[name]().eval()(image, mask)
    known = mask == 0
    torch.testing.assert_close(out * known, image * known)
    assert out.isfinite().all()
    with pytest.raises(ValueError, match="128"):
        NETWORKS[name]()(image[..., :64], mask[..., :64])


def test_context_encoder_fills_with_the_mean_of_the_known_pixels():
    torch.manual_seed(0)
    network = NETWORKS["context_encoder"]().eval()
    image, mask = torch.rand(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    mask[..., :20] = 1
    (out,) = network(image, mask)
    mean = torch.stack([image[0, c][mask[0, 0] == 0].mean() for c in range(3)])
    torch.testing.assert_close(out[0, :, 0, 0], mean)
    (again,) = network(torch.where(mask > 0, mean.view(1, 3, 1, 1), image), torch.zeros_like(mask))
    torch.testing.assert_close(out, again)


def test_the_paper_s_partial_net_sees_and_draws_plain_values_enlarged_by_nearest_neighbour():
    """One scale by hand: encoder of stride 2, no normalisation; the input is appended to what is enlarged,
    both with their validity.
    """
    torch.manual_seed(0)
    network = PartialUNet(widths=(4,), kernels=(3,)).eval()
    image, mask = pictures(1, 16, 16, share=0.5)
    known = 1 - mask
    x = (2 * image - 1) * known
    encode, decode = network.encoder[0].conv, network.decoder[0].conv
    below, valid = encode(x, known)
    below = below.clamp(min=0).repeat_interleave(2, 2).repeat_interleave(2, 3)
    larger = valid.repeat_interleave(2, 2).repeat_interleave(2, 3)
    out, _ = decode(
        torch.cat((below, x), 1), torch.cat((larger.expand(-1, 4, -1, -1), known.expand(-1, 3, -1, -1)), 1)
    )
    torch.testing.assert_close(network(image, mask)[0], out / 2 + 0.5)


def test_the_slim_partial_net_starts_from_a_smooth_fill_and_follows_the_colours():
    torch.manual_seed(0)
    network = SlimPartialUNet(widths=(4, 8), kernels=(3, 3)).double().eval()
    image, mask = (t.double() for t in pictures(1, 32, 32))
    offset = torch.tensor([0.3, 0.1, 0.2]).double().view(1, 3, 1, 1)
    torch.testing.assert_close(network(image + offset, mask)[0], network(image, mask)[0] + offset)
    with torch.no_grad():
        network.decoder[-1].conv.conv.weight.zero_()
    torch.testing.assert_close(network(image, mask)[0], push_pull(image, 1 - mask), atol=1e-6, rtol=0)


# --- masks in the centre square -------------------------------------------------------------------


def test_the_context_encoder_s_masks_lie_in_the_centre_square_or_along_the_border():
    masks = recipes.load_recipe("context_encoder").masks
    drawn = [draw_mask(masks, 128, np.random.default_rng(i), i) for i in range(60)]
    whole = np.zeros((128, 128), bool)
    whole[32:96, 32:96] = True
    assert 25 <= sum((m[32:96, 32:96]).all() for m in drawn) <= 55
    strips = [m for m in drawn if (m & ~whole).any()]
    assert 5 <= len(strips) <= 30
    for m in strips:
        sides = (m[0].all(), m[-1].all(), m[:, 0].all(), m[:, -1].all())
        assert any(sides)
    for i in range(5):
        np.testing.assert_array_equal(draw_mask(masks, 128, np.random.default_rng(i), i, low=0.2), whole)

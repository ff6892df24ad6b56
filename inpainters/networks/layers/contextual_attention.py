"""Contextual attention: Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018, section
4.1, equations 3 and 4.

A patch product is the sum of nine pixel products that lie on a diagonal, <f_q, b_k> = sum over o of <x[q+o],
x[k+o]>. So one matrix of pixel products, summed along its diagonals, gives all patch products, and the
adjoint of that sum pastes patches back: no patch is cut out. In 16 bits, where matrix units multiply faster
than memory can be summed, patches are multiplied as such. A GPU takes small pictures of a batch together.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

_AT_ONCE = 1 << 25
"""Products of positions, over a batch, that a GPU takes together: three such matrices, 400 MB of float."""


class Attention(NamedTuple):
    """Where the missing positions copied from."""

    source: Tensor
    """(N, H, W) int64: `row * W + column` of the known position with the largest weight,
    -1 where nothing was copied.
    """
    weights: list[Tensor]
    """Per picture (missing positions in row-major order, H * W), rows sum to 1; empty unless asked for."""


def contextual_attention(
    x: Tensor,
    mask: Tensor,
    *,
    scale: float = 10.0,
    propagate: bool = False,
    weights: bool = False,
    chunk: int = 0,
) -> tuple[Tensor, Attention]:
    """Replace the features of missing positions by known 3x3 patches, weighted by `softmax(scale * cosine)`.

    `x` (N, C, H, W), `mask` (N, 1, H, W) 1 where missing. A query is any patch that touches a missing
    position, a key any patch that lies within the picture and is known throughout (where there is none: whose
    centre is known). Overlapping patches are averaged. Known positions keep their features, and so does a
    picture in which nothing is known. `propagate`: scores of diagonal neighbours, s[q+o, k+o] for the nine
    offsets o, are added before the softmax, as in the authors' code (the paper's "attention propagation").
    `weights`: the whole attention is returned too, (missing positions) x (H * W) floats per picture. `chunk`:
    queries are taken in portions of about that many products, so that memory does not grow with the hole; 0
    takes as many as a cache holds, in training, where portions are computed again on the way back, four times
    as many.
    """
    with torch.autocast(x.device.type, enabled=False):
        if x.is_cuda and not (propagate or weights or chunk) and len(x) * mask[0].numel() ** 2 <= _AT_ONCE:
            return _together(x, mask[:, 0] > 0, scale)
        parts = [
            _one(picture, hole[0] > 0, scale, propagate, weights, chunk)
            for picture, hole in zip(x, mask, strict=True)
        ]
    filled, sources, maps = zip(*parts, strict=True)
    return torch.stack(filled), Attention(torch.stack(sources), [m for m in maps if m is not None])


def _together(x: Tensor, hole: Tensor, scale: float) -> tuple[Tensor, Attention]:
    """`contextual_attention` without propagation: every position asks, as a GPU multiplies a few hundred rows
    for nothing sooner than it waits for the number of those that matter.
    """
    keys, queries = _keys(hole), _grow(hole)
    drawn = (hole.flatten(1).any(1) & keys.flatten(1).any(1))[:, None, None]
    patches = F.unfold(x, 3, padding=1)  # (N, 9 C, positions)
    wide = torch.promote_types(x.dtype, torch.float32)
    alike = patches * (patches.to(wide).square().sum(1, keepdim=True) + 1e-8).rsqrt().to(x.dtype)
    scores = scale * (alike.transpose(1, 2) @ alike).to(wide)
    attention = torch.softmax(scores.masked_fill((drawn & ~keys).flatten(1)[:, None], -torch.inf), 2)
    values = patches @ attention.to(x.dtype).transpose(1, 2) * queries.flatten(1)[:, None]
    count = F.conv2d(queries[:, None].float(), torch.ones(1, 1, 3, 3, device=x.device), padding=1)
    fill = F.fold(values, hole.shape[1:], 3, padding=1) / count.clamp(min=1).to(x.dtype)
    source = attention.detach().argmax(2).view_as(hole).masked_fill(~(drawn & hole), -1)
    return torch.where((drawn & hole)[:, None], fill, x), Attention(source, [])


class _Grid(NamedTuple):
    """One picture with a border of zeros, flattened: the neighbour at (i, j) is `width * i + j` on."""

    pixels: Tensor
    """(L, C)"""
    scale: Tensor
    """(L,) one over the norm of the patch around each pixel, in float; 0 beyond the picture."""
    bias: Tensor
    """(L,) 0 for keys, -inf for the rest."""
    width: int


def _one(
    x: Tensor, hole: Tensor, scale: float, propagate: bool, weights: bool, chunk: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    width = hole.shape[1]
    source = torch.full_like(hole, -1, dtype=torch.int64)
    keys, queries = _keys(hole), _grow(hole)
    if not hole.any() or not keys.any():
        return x, source, x.new_zeros(int(hole.sum()), hole.numel()) if weights else None
    border = 2 if propagate else 1
    grid = _grid(x, keys, border)
    missing, inside = _pad(hole, border), _pad(torch.ones_like(hole), border).nonzero()[:, 0]
    positions = _pad(queries, border).nonzero()[:, 0]
    pasted, best, maps = torch.zeros_like(grid.pixels), torch.full_like(missing, -1, dtype=torch.int64), []
    step = _portion if propagate or x.dtype.itemsize > 2 else _portion_of_patches
    trains = x.requires_grad and torch.is_grad_enabled()
    portions = positions.split(max(1, (chunk or (1 << 20 if trains else 1 << 18)) // len(missing)))
    call = partial(checkpoint, step, use_reentrant=False) if trains and len(portions) > 1 else step
    for portion in portions:
        rows, values, attention = call(grid, portion, scale, propagate)
        pasted = pasted.index_add(0, rows, values)
        best[portion] = attention.detach().argmax(1)
        maps += [attention[missing[portion]][:, inside].detach()] if weights else []
    count = F.conv2d(queries[None, None].float(), torch.ones(1, 1, 3, 3, device=x.device), padding=1)[0]
    fill = pasted[inside].T.view_as(x) / count.clamp(min=1).to(x.dtype)
    best = best[inside].view_as(hole)
    found = (torch.div(best, grid.width, rounding_mode="floor") - border) * width + best % grid.width - border
    return torch.where(hole, fill, x), torch.where(hole, found, source), torch.cat(maps) if weights else None


def _portion(grid: _Grid, queries: Tensor, scale: float, propagate: bool) -> tuple[Tensor, Tensor, Tensor]:
    """For some queries: the pixels their patches cover, what is pasted there (summed), and their attention
    (queries, L).
    """
    first = _around(queries, grid.width)[-1] if propagate else queries
    beside, across, covered = _around(first, grid.width)
    products = grid.pixels[covered] @ grid.pixels.T
    scores = _Gather.apply(_Gather.apply(products, across, grid.width), beside, 1)
    scores = scores.to(grid.scale.dtype) * (scale * grid.scale[first, None])
    if propagate:
        beside, across, covered = _around(queries, grid.width)
        scores = _Gather.apply(_Gather.apply(scores * grid.scale, across, grid.width), beside, 1)
        attention = torch.softmax(scores + grid.bias, 1)
    else:
        attention = torch.softmax(torch.addcmul(grid.bias, scores, grid.scale), 1)
    spread = _Scatter.apply(_Scatter.apply(attention.to(products.dtype), beside, 1), across, grid.width)
    return covered, spread @ grid.pixels, attention


def _portion_of_patches(
    grid: _Grid, queries: Tensor, scale: float, _: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """As `_portion` without propagation, patch by patch."""
    line = torch.arange(-1, 2, device=queries.device)
    offsets, keys = (grid.width * line[:, None] + line).flatten(), torch.isfinite(grid.bias).nonzero()[:, 0]
    covered = queries[:, None] + offsets
    wanted, offered = (_patches(grid.pixels, rows) for rows in (covered, keys[:, None] + offsets))
    products = (wanted * grid.scale[queries, None].to(wanted.dtype)) @ (
        offered * grid.scale[keys, None].to(offered.dtype)
    ).T
    attention = torch.softmax(scale * products.to(grid.scale.dtype), 1)
    values = (attention.to(offered.dtype) @ offered).view(-1, grid.pixels.shape[1])
    return (
        covered.flatten(),
        values,
        attention.new_zeros(len(queries), len(grid.bias)).index_copy(1, keys, attention.detach()),
    )


def _patches(pixels: Tensor, rows: Tensor) -> Tensor:
    return pixels.index_select(0, rows.flatten()).view(len(rows), -1)


def _around(queries: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows for two sums of three, side by side and up and down: (3, Q) into the middle rows, (3, M) into the
    last, the last's pixels.
    """
    middle, beside = _neighbours(queries, 1)
    covered, across = _neighbours(middle, width)
    return beside, across, covered


def _neighbours(positions: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """All pixels at -step, 0, +step of some pixels, each once,
    and where in them those of each pixel are, (3, number).
    """
    offsets = torch.tensor([[-step], [0], [step]], device=positions.device)
    found, rows = (positions + offsets).unique(return_inverse=True)
    return found, rows


class _Gather(torch.autograd.Function):
    """`out[q, k] = sum over j in -1, 0, 1 of m[rows[j, q], k + j * step]`, 0 beyond the ends."""

    @staticmethod
    def forward(ctx: Any, m: Tensor, rows: Tensor, step: int) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.step, ctx.number = step, len(m)
        return _gather(m, rows, step)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _scatter(gradient, ctx.saved_tensors[0], ctx.step, ctx.number), None, None


class _Scatter(torch.autograd.Function):
    """The adjoint of `_Gather`: `out[rows[j, q], k + j * step] += m[q, k]`."""

    @staticmethod
    def forward(ctx: Any, m: Tensor, rows: Tensor, step: int) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.step = step
        return _scatter(m, rows, step, int(rows.max()) + 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _gather(gradient, ctx.saved_tensors[0], ctx.step), None, None


# A shift by columns is a shift of the flattened matrix: what runs over into the next row lies on the border,
# where pixels are 0.


def _gather(m: Tensor, rows: Tensor, step: int) -> Tensor:
    out = m.index_select(0, rows[1])
    flat = out.view(-1)
    flat[step:] += m.index_select(0, rows[0]).view(-1)[:-step]
    flat[:-step] += m.index_select(0, rows[2]).view(-1)[step:]
    return out


def _scatter(m: Tensor, rows: Tensor, step: int, number: int) -> Tensor:
    size = number * m.shape[1]
    flat = m.new_zeros(size + 2 * step)
    for start, row in zip((0, step, 2 * step), rows, strict=True):
        flat[start : start + size].view(number, -1).index_add_(0, row, m)
    return flat[step : step + size].view(number, -1)


def _grid(x: Tensor, keys: Tensor, border: int) -> _Grid:
    wide = x if x.dtype == torch.float64 else x.float()
    energy = F.conv2d(wide.square().sum(0)[None, None], wide.new_ones(1, 1, 3, 3), padding=1)[0, 0]
    bias = torch.zeros_like(energy).masked_fill_(~keys, -torch.inf)
    pixels = F.pad(x, (border,) * 4).flatten(1).T.contiguous()
    return _Grid(
        pixels, _pad((energy + 1e-8).rsqrt(), border), _pad(bias, border, -torch.inf), x.shape[2] + 2 * border
    )


def _pad(values: Tensor, border: int, value: float = 0) -> Tensor:
    return F.pad(values, (border,) * 4, value=value).flatten()


def _grow(where: Tensor) -> Tensor:
    """`where` (H, W) or (N, H, W), one pixel wider."""
    return F.max_pool2d(where.float()[None], 3, 1, 1)[0] > 0


def _keys(hole: Tensor) -> Tensor:
    """Patches known throughout; without any, patches whose centre is known."""
    whole = ~_grow(F.pad(hole, (1, 1, 1, 1), value=True))[..., 1:-1, 1:-1]
    return torch.where(whole.flatten(-2).any(-1)[..., None, None], whole, ~hole)

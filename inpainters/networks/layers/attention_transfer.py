"""Attention transfer: Zeng, Fu, Chao and Guo, Learning Pyramid-Context Encoder Network for High-Quality Image
Inpainting, CVPR 2019.

Section 3.2: similarities are found in a deep feature map (equations 1 and 2), and fill the hole of the map
that is twice as large (equation 3); four dilated convolutions then gather context at several scales (equation
4). Only hole queries meet known keys.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attention_transfer(
    shallow: Tensor, deep: Tensor, mask: Tensor, *, kernel: int = 3, scale: float = 10.0, chunk: int = 1 << 22
) -> Tensor:
    """`shallow` (N, C, H, W) with its hole filled from its known part, as the similarities in `deep` say.

    `deep` (N, D, ceil(H/2), ceil(W/2)); `mask` (N, 1, any, any) 1 where missing: a position of `deep` is
    missing where more than half of its area is. Weights are `softmax(scale * cosine)` of the `kernel`²
    patches around missing and known positions. What is pasted is the weighted sum of the 4x4 patches of
    `shallow` that lie two apart; where they overlap they are averaged. Both maps continue beyond their
    borders by their last pixel. Known positions keep their features, and so does a picture in which nothing
    is known. `chunk`: queries are taken in portions of about that many products, so that memory does not grow
    with the hole.
    """
    hole = F.adaptive_avg_pool2d(mask, (deep.shape[-2], deep.shape[-1])) > 0.5
    height, width = shallow.shape[-2:]
    even = F.pad(shallow, (0, 2 * deep.shape[-1] - width, 0, 2 * deep.shape[-2] - height), mode="replicate")
    keys, values = _patches(deep, kernel, 1), _patches(even, 4, 2)
    parts = zip(
        keys.flatten(1, 2), _inverse_norms(deep, kernel), values.flatten(1, 2), hole.flatten(1), strict=True
    )
    pasted = torch.stack([_fill(*part, scale, chunk) for part in parts]).view_as(values)
    covered = hole[:, 0, :, :, None].expand(*values.shape[:3], 16).contiguous()
    # Every pixel of a missing position is covered by its own patch at least, so that the count is 0 only
    # where nothing is taken.
    found = _paste(pasted) / _paste(covered.to(pasted.dtype)).clamp(min=1)
    fillable = hole & ~hole.all(-1, keepdim=True).all(-2, keepdim=True)
    filled = torch.where(F.interpolate(fillable.float(), scale_factor=2) > 0, found, even)
    return filled[..., :height, :width]


def _patches(x: Tensor, kernel: int, stride: int) -> Tensor:
    """(N, rows, columns, kernel² · C): one patch per position."""
    around = F.pad(x, (int(kernel > 1),) * 4, mode="replicate").permute(0, 2, 3, 1)
    return _Cut.apply(around, kernel, stride)


def _paste(patches: Tensor) -> Tensor:
    """Sum of overlapping 4x4 patches that lie two apart, (N, rows, columns, 16 · C) to (N, C, 2 · rows,
    2 · columns).
    """
    size = patches.shape[0], 2 * patches.shape[1] + 2, 2 * patches.shape[2] + 2, patches.shape[3] // 16
    return _Lay.apply(patches, size, 4, 2)[:, 1:-1, 1:-1].permute(0, 3, 1, 2)


class _Cut(torch.autograd.Function):
    """Patches of (N, H, W, C), channels innermost: whole pixels are copied, several times as fast as
    `F.unfold` of (N, C, H, W).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int, stride: int) -> Tensor:
        ctx.geometry = x.shape, kernel, stride
        return torch.cat([x[window] for window in _windows(x.shape, kernel, stride)], 3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Lay.apply(gradient, *ctx.geometry), None, None


class _Lay(torch.autograd.Function):
    """The adjoint of `_Cut`: patches laid where they were cut, overlaps summed."""

    @staticmethod
    def forward(
        ctx: Any, patches: Tensor, size: tuple[int, int, int, int], kernel: int, stride: int
    ) -> Tensor:
        ctx.geometry = kernel, stride
        out = patches.new_zeros(size)
        for window, part in zip(_windows(size, kernel, stride), patches.split(size[3], 3), strict=True):
            out[window] += part
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return _Cut.apply(gradient, *ctx.geometry), None, None, None


def _windows(size: Sequence[int], kernel: int, stride: int) -> list[tuple[slice, slice, slice]]:
    """For each place within a patch the pixels that are there in some patch."""
    ends = [1 + length - kernel for length in size[1:3]]
    starts = itertools.product(range(kernel), range(kernel))
    return [(slice(None), slice(i, i + ends[0], stride), slice(j, j + ends[1], stride)) for i, j in starts]


def _inverse_norms(x: Tensor, kernel: int) -> Tensor:
    """One over the norm of each patch, (N, positions), at least in float: products are divided by norms,
    which are fewer than values.
    """
    energy = x.to(torch.promote_types(x.dtype, torch.float32)).square().sum(1, keepdim=True)
    around = F.avg_pool2d(F.pad(energy, (int(kernel > 1),) * 4, mode="replicate"), kernel, 1)
    return (around * kernel**2 + 1e-8).rsqrt().flatten(1)


def _fill(keys: Tensor, inverse: Tensor, values: Tensor, hole: Tensor, scale: float, chunk: int) -> Tensor:
    """One picture's patches, (positions, 16 · C): in the hole what is pasted, 0 elsewhere."""
    missing, known = hole.nonzero()[:, 0], (~hole).nonzero()[:, 0]
    out = torch.zeros_like(values)
    if not len(missing) or not len(known):
        return out
    sources, source_values = keys.index_select(0, known).T, values.index_select(0, known)
    norms = scale * inverse[known]
    rows = []
    for portion in missing.split(max(1, chunk // len(known))):
        scores = (keys.index_select(0, portion) @ sources).to(inverse.dtype) * (
            inverse[portion, None] * norms
        )
        rows.append(torch.softmax(scores, 1).to(values.dtype) @ source_values)
    return out.index_copy(0, missing, torch.cat(rows).to(values.dtype))


class AttentionTransfer(nn.Module):
    """Attention transfer, then four groups of dilated convolutions side by side: (N, channels, H, W) in and
    out.

    `rates` are the dilations of the groups; without any the filled map is returned as it is.
    """

    def __init__(
        self, channels: int, *, kernel: int = 3, rates: Sequence[int] = (1, 2, 4, 8), scale: float = 10.0
    ) -> None:
        super().__init__()
        self.kernel, self.scale = kernel, scale
        self.groups = nn.ModuleList(
            nn.Conv2d(channels, channels // len(rates), 3, padding=rate, dilation=rate) for rate in rates
        )

    def forward(self, shallow: Tensor, deep: Tensor, mask: Tensor) -> Tensor:
        filled = attention_transfer(shallow, deep, mask, kernel=self.kernel, scale=self.scale)
        return torch.cat([F.relu(group(filled)) for group in self.groups], 1) if self.groups else filled

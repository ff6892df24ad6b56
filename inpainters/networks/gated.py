"""Two stages of gated convolutions: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019.

The bundled, slim form. From the paper: gated convolutions throughout, no normalisation, a coarse stage whose composite the
refinement starts from, dilated convolutions at the bottom, an optional sketch. Departures, each for cheapness: the coarse
stage works at half resolution; both stages add to a smooth first fill of the hole; scales go down to 1/8 with skips added on.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.networks.layers import GatedConv2d


def push_pull(image: Tensor, known: Tensor) -> Tensor:
    """A smooth fill of what is not known, from coarser and coarser means of what is.

    `image` (N, C, H, W), `known` (N, 1, H, W) 1 where known; returns (N, C, H, W), equal to `image` where known.
    Where nothing at all is known the fill is 0.
    """
    height, width = image.shape[-2:]
    if max(height, width) == 1:
        return image * known
    weight = F.avg_pool2d(known, 2, ceil_mode=True)
    means = F.avg_pool2d(image * known, 2, ceil_mode=True) / weight.clamp(min=1e-6)
    below = push_pull(means, (weight > 0).to(image.dtype))
    smooth = F.interpolate(below, size=(height, width), mode="bilinear", align_corners=False)
    return torch.where(known > 0, image, smooth)


class Residual(nn.Module):
    """`x + GatedConv(x)`, the bottom's unit."""

    def __init__(self, width: int, dilation: int, activation: str) -> None:
        super().__init__()
        self.conv = GatedConv2d(width, width, dilation=dilation, activation=activation)
        with torch.no_grad():
            self.conv.features.weight.mul_(0.25)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class Up(nn.Module):
    """Bilinear to the skip's size (no checkerboards), the skip added, then a gated convolution.

    The 1x1 convolution to the skip's width comes first: it commutes with the interpolation and is four times cheaper there.
    """

    def __init__(self, inputs: int, outputs: int, activation: str) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, outputs, 1)
        nn.init.kaiming_normal_(self.narrow.weight, nonlinearity="linear")
        self.conv = GatedConv2d(outputs, outputs, activation=activation)
        with torch.no_grad():
            self.conv.features.weight.mul_(0.5)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.narrow(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.conv(x + skip)


class Stage(nn.Module):
    """Encoder, dilated bottom, decoder: (N, inputs, H, W) to what is to be added, (N, 3, H, W). `widths`: channels per scale."""

    def __init__(self, inputs: int, widths: Sequence[int], dilations: Sequence[int], activation: str) -> None:
        super().__init__()
        self.stem = GatedConv2d(inputs, widths[0], 5, activation=activation)
        self.down = nn.ModuleList(
            nn.Sequential(GatedConv2d(a, b, stride=2, activation=activation), GatedConv2d(b, b, activation=activation))
            for a, b in itertools.pairwise(widths)
        )
        self.bottom = nn.Sequential(*(Residual(widths[-1], d, activation) for d in dilations))
        self.up = nn.ModuleList(Up(b, a, activation) for a, b in reversed(list(itertools.pairwise(widths))))
        self.head = nn.Conv2d(widths[0], 3, 3, padding=1)
        nn.init.normal_(self.head.weight, std=0.003)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        skips = [self.stem(x)]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = self.bottom(skips.pop())
        for up in self.up:
            x = up(x, skips.pop())
        return self.head(x)


class GatedGenerator(nn.Module):
    """Coarse stage at half resolution, refinement at full resolution.

    Args of `forward`: `image` (N, 3, H, W) in [0, 1], `mask` (N, 1, H, W) 1 where missing, `guide` (N, 1, H, W) a sketch in
    [0, 1] or None. Returns the coarse and the refined picture, (N, 3, H, W) each, not clamped and not composited.
    """

    def __init__(
        self,
        coarse: Sequence[int] = (16, 48, 96),
        coarse_dilations: Sequence[int] = (1, 2, 4, 8),
        refine: Sequence[int] = (16, 64, 128, 192),
        refine_dilations: Sequence[int] = (1, 2, 4, 1, 2, 4),
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.coarse = Stage(5, coarse, coarse_dilations, activation)
        self.refine = Stage(5, refine, refine_dilations, activation)

    def forward(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        known = 1 - mask
        guide = torch.zeros_like(mask) if guide is None else guide
        # Colours enter as differences from the mean of the known pixels: no palette is unusual then.
        mean = (image * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp(min=1)
        first = push_pull(image - mean, known)
        coarse = first + _double(self.coarse(_half(_inputs(first, mask, guide))), first)
        pasted = torch.where(mask > 0, coarse, first)
        refined = pasted + self.refine(_inputs(pasted, mask, guide)).float()
        return [coarse + mean, refined + mean]


def _inputs(picture: Tensor, mask: Tensor, guide: Tensor) -> Tensor:
    x = torch.cat((2 * picture, mask - 0.5, guide), 1)
    return x.contiguous(memory_format=torch.channels_last)


def _half(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True)


def _double(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x.float(), size=like.shape[-2:], mode="bilinear", align_corners=False)

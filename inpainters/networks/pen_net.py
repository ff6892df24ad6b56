"""PEN-Net: Zeng, Fu, Chao and Guo, Learning Pyramid-Context Encoder Network for High-Quality Image
Inpainting, CVPR 2019.

A U-Net whose skips are filled from deep to shallow by attention transfer, and whose decoder draws a picture
at every scale. `PenNetGenerator` is the paper's form (where the text leaves widths open, those of the
authors' release), `SlimPenNet` one that learns on a processor. Pictures come from coarse to fine, all
enlarged to the full size.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.networks.layers import AttentionTransfer
from inpainters.networks.slim import convolution, faint, first_fill, stage_inputs


def resized_like(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear, to the size of `like`."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class PenNetGenerator(nn.Module):
    """`forward(image, mask)`: (N, 3, H, W) in [0, 1] and (N, 1, H, W) 1 where missing, to one picture (N, 3,
    H, W) per scale.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 256, 512, 512)) -> None:
        super().__init__()
        pairs = list(itertools.pairwise((4, *widths)))
        last = len(pairs) - 1
        self.encoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU() if i == last else nn.LeakyReLU(0.2))
            for i, (a, b) in enumerate(pairs)
        )
        # The deepest pair of maps is 4x4 and 8x8 at the paper's 256 px: too small for patches and for dilated
        # convolutions.
        self.transfer = nn.ModuleList([AttentionTransfer(widths[-2], kernel=1, rates=())])
        self.transfer.extend(AttentionTransfer(width) for width in widths[-3::-1])
        below = (widths[-1], *(2 * width for width in widths[-2:0:-1]))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
            for a, b in zip(below, widths[-2::-1], strict=True)
        )
        self.pictures = nn.ModuleList(nn.Conv2d(2 * width, 3, 1) for width in widths[-2::-1])
        self.head = nn.Sequential(
            nn.Conv2d(2 * widths[0], widths[0], 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(widths[0], 3, 3, padding=1),
        )

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        x = torch.cat(((2 * image - 1) * (1 - mask), mask), 1)
        skips = []
        for encode in self.encoder:
            x = encode(x)
            skips.append(x)
        deep = skips.pop()
        pictures = []
        for transfer, up, picture in zip(self.transfer, self.up, self.pictures, strict=True):
            skip = skips.pop()
            deep = transfer(skip, deep, mask)
            x = torch.cat((up(resized_like(x, deep)), deep), 1)
            pictures.append(resized_like(torch.tanh(picture(x).float()), image))
        pictures.append(torch.tanh(self.head(resized_like(x, image)).float()))
        return [(p + 1) / 2 for p in pictures]


class DilatedResidual(nn.Module):
    """`x + conv(lrelu(conv(x)))`, the first one dilated."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            convolution(width, width, dilation=dilation),
            nn.LeakyReLU(0.2),
            convolution(width, width, gain=0.25),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class SkipJoin(nn.Module):
    """Enlarged to the skip's size (a 1x1 convolution first: it commutes, and is cheaper there), the skip
    added, then convolved.
    """

    def __init__(self, inputs: int, outputs: int, units: int) -> None:
        super().__init__()
        self.narrow = convolution(inputs, outputs, kernel=1)
        self.units = nn.Sequential(*(DilatedResidual(outputs, 1) for _ in range(units)))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return F.leaky_relu(self.units(resized_like(self.narrow(x), skip) + skip), 0.2)


class SlimPenNet(nn.Module):
    """The same in and out as `PenNetGenerator`, for short trainings.

    Colours enter as differences from the mean of the known pixels, and every picture adds to a smooth first
    fill. `widths`: channels at 1/1, 1/2, 1/4, ...; `transfers`: how many skips, from the deepest on, are
    filled by attention (what is filled is added to what the encoder found); `dilations`: residual units at
    the bottom; `units`: residual units per scale of the decoder, from the deepest on.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 128, 192),
        transfers: int = 2,
        dilations: Sequence[int] = (1, 2, 4),
        units: Sequence[int] = (2, 2, 1, 1),
    ) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        self.stem = convolution(4, widths[0], kernel=5)
        self.down = nn.ModuleList(
            nn.Sequential(
                convolution(a, b, stride=2), nn.LeakyReLU(0.2), convolution(b, b), nn.LeakyReLU(0.2)
            )
            for a, b in pairs
        )
        self.bottom = nn.Sequential(*(DilatedResidual(widths[-1], d) for d in dilations))
        upward = widths[-2::-1]
        self.transfer = nn.ModuleList(AttentionTransfer(width) for width in upward[:transfers])
        self.up = nn.ModuleList(SkipJoin(b, a, n) for (a, b), n in zip(reversed(pairs), units, strict=True))
        self.pictures = nn.ModuleList(map(faint, [nn.Conv2d(width, 3, 3, padding=1) for width in upward]))

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        first, mean = first_fill(image, mask)
        skips = [F.leaky_relu(self.stem(stage_inputs(first, mask)), 0.2)]
        for down in self.down:
            skips.append(down(skips[-1]))
        deep = x = self.bottom(skips.pop())
        pictures = []
        for level, (up, picture) in enumerate(zip(self.up, self.pictures, strict=True)):
            skip = skips.pop()
            if level < len(self.transfer):
                deep = skip = skip + self.transfer[level](skip, deep, mask).contiguous(
                    memory_format=torch.channels_last
                )
            x = up(x, skip)
            pictures.append(resized_like(picture(x).float(), first))
        return [first + mean + p for p in pictures]

"""Context encoder: Pathak, Krähenbühl, Donahue, Darrell and Efros, Context Encoders: Feature Learning by
Inpainting, CVPR 2016.

An encoder down to 4x4 maps, a channel-wise fully connected layer that carries what surrounds the hole into
it, and a decoder that draws the centre 64x64 of a 128x128 picture. `ContextEncoderGenerator` is the paper's
form, `SlimContextEncoder` one that learns on a processor.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.errors import InputError
from inpainters.networks.layers import ChannelwiseFC
from inpainters.networks.slim import convolution, faint, first_fill, known_mean, stage_inputs

SIDE, HOLE = 128, 64
"""The picture and its centre square that is predicted, px."""


def centre(x: Tensor, size: int) -> Tensor:
    """The central square (..., size, size)."""
    top, left = (x.shape[-2] - size) // 2, (x.shape[-1] - size) // 2
    return x[..., top : top + size, left : left + size]


def with_centre(image: Tensor, square: Tensor) -> Tensor:
    """A copy of `image` with `square` as its centre."""
    out = image.clone()
    centre(out, square.shape[-1]).copy_(square)
    return out


class ContextEncoderGenerator(nn.Module):
    """`forward(image, mask)`: (N, 3, 128, 128) in [0, 1] and (N, 1, 128, 128) 1 where missing, to a list of
    one picture.

    The picture is the image with its centre 64x64 as predicted, neither clamped nor composited. Missing
    pixels, wherever they are, enter as the mean of the known ones, and keep it outside the centre; known
    pixels within the centre are seen (section 3.3, random regions). `bottleneck` 0 is the paper's
    channel-wise fully connected layer, otherwise a full one of that width (4000 in its figure 9a).
    """

    def __init__(self, widths: Sequence[int] = (64, 64, 128, 256, 512), bottleneck: int = 0) -> None:
        super().__init__()
        pairs = list(itertools.pairwise((3, *widths)))
        self.encoder = nn.Sequential(*(_down(a, b, norm=i > 0) for i, (a, b) in enumerate(pairs)))
        width, side = widths[-1], SIDE // 2 ** len(widths)
        self.bottom = _full(width, side, bottleneck) if bottleneck else _channelwise(width, side)
        outputs = list(reversed(widths[:-1]))[: len(widths) - 2]
        self.decoder = nn.Sequential(*(_up(a, b) for a, b in itertools.pairwise((width, *outputs))))
        self.head = nn.Sequential(nn.ConvTranspose2d(outputs[-1], 3, 4, 2, 1), nn.Tanh())

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        _check(image)
        seen = torch.where(mask > 0, known_mean(image, 1 - mask), image)
        square = self.head(self.decoder(self.bottom(self.encoder(2 * seen - 1))))
        return [with_centre(seen, (square.float() + 1) / 2)]


def _check(image: Tensor) -> None:
    if image.shape[-2:] != (SIDE, SIDE):
        raise InputError(
            f"A context encoder takes pictures of {SIDE}×{SIDE} pixels, not "
            f"{image.shape[-1]}×{image.shape[-2]}."
        )


def _down(inputs: int, outputs: int, norm: bool) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not norm)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs) if norm else nn.Identity(), nn.LeakyReLU(0.2))


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _channelwise(width: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        ChannelwiseFC(width, side), nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


def _full(width: int, side: int, bottleneck: int) -> nn.Sequential:
    down = nn.Conv2d(width, bottleneck, side, bias=False), nn.BatchNorm2d(bottleneck), nn.LeakyReLU(0.2)
    return nn.Sequential(
        *down, nn.ConvTranspose2d(bottleneck, width, side, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


class Mix(nn.Module):
    """`x + conv(relu(fc(x)))`: a channel-wise fully connected layer over the whole picture,
    then across the channels.
    """

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.fc = ChannelwiseFC(width, side)
        self.conv = convolution(width, width, gain=0.3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(F.leaky_relu(self.fc(x), 0.2))


class Join(nn.Module):
    """Twice the size, bilinear (no checkerboards), the encoder's features added, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.narrow = convolution(inputs, outputs, kernel=1)
        self.conv = nn.Sequential(
            convolution(outputs, outputs), nn.LeakyReLU(0.2), convolution(outputs, outputs, gain=0.3)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.narrow(x), scale_factor=2, mode="bilinear", align_corners=False)
        x = x + centre(skip, x.shape[-1])
        return F.leaky_relu(x + self.conv(F.leaky_relu(x, 0.2)), 0.2)


class SlimContextEncoder(nn.Module):
    """The same in and out as `ContextEncoderGenerator`, for short trainings.

    Colours enter as differences from the mean of the known pixels, and the decoder adds to a smooth first
    fill. It starts from the encoder's features of the centre and a margin of 16 px, so that what it draws
    meets the known pixels. `widths`: channels at 1/1, 1/2, ... 1/16.
    """

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 128, 256), mixes: int = 2) -> None:
        super().__init__()
        self.stem = convolution(4, widths[0])
        self.down = nn.ModuleList(_stride(a, b) for a, b in itertools.pairwise((4, *widths[1:])))
        side = SIDE // 2 ** (len(widths) - 1)
        self.bottom = nn.Sequential(*(Mix(widths[-1], side) for _ in range(mixes)))
        self.up = nn.ModuleList(Join(b, a) for a, b in reversed(list(itertools.pairwise(widths))))
        self.head = faint(nn.Conv2d(widths[0], 3, 3, padding=1))

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        _check(image)
        first, mean = first_fill(image, mask)
        x = stage_inputs(first, mask)
        skips = [F.leaky_relu(self.stem(centre(x, SIDE * 3 // 4)), 0.2)]
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.bottom(skips.pop())
        x = centre(x, x.shape[-1] * 3 // 4)
        for up in self.up:
            x = up(x, skips.pop())
        return [with_centre(first + mean, centre(first + mean, HOLE) + centre(self.head(x), HOLE).float())]


def _stride(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, 2, 1),
        nn.LeakyReLU(0.2),
        convolution(outputs, outputs),
        nn.LeakyReLU(0.2),
    )

"""What the slim networks share: a smooth first fill, and a cheap encoder and decoder that predicts what to
add to it.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.networks.layers import GatedConv2d

Conv = Callable[..., nn.Module]
"""Makes a layer with an activation from the arguments of `GatedConv2d`; its kernel is `features.weight`."""


def push_pull(image: Tensor, known: Tensor) -> Tensor:
    """A smooth fill of what is not known, from coarser and coarser means of what is.

    `image` (N, C, H, W), `known` (N, 1, H, W) 1 where known; returns (N, C, H, W), equal to `image` where
    known. Where nothing at all is known the fill is 0.
    """
    height, width = image.shape[-2:]
    if max(height, width) == 1:
        return image * known
    weight = F.avg_pool2d(known, 2, ceil_mode=True)
    means = F.avg_pool2d(image * known, 2, ceil_mode=True) / weight.clamp(min=1e-6)
    below = push_pull(means, (weight > 0).to(image.dtype))
    smooth = F.interpolate(below, size=(height, width), mode="bilinear", align_corners=False)
    return torch.where(known > 0, image, smooth)


def convolution(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1, gain: float = 1.0
) -> nn.Conv2d:
    """Zero-padded; it starts with weights for a LeakyReLU, `gain` times as large, and without bias."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation)
    nn.init.kaiming_normal_(conv.weight, a=0.2)
    with torch.no_grad():
        conv.weight.mul_(gain)
    nn.init.zeros_(conv.get_parameter("bias"))
    return conv


class Residual(nn.Module):
    """`x + conv(x)`, the bottom's unit."""

    def __init__(self, width: int, dilation: int, activation: str, conv: Conv = GatedConv2d) -> None:
        super().__init__()
        self.conv = conv(width, width, dilation=dilation, activation=activation)
        with torch.no_grad():
            self.conv.get_parameter("features.weight").mul_(0.25)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class Up(nn.Module):
    """Bilinear to the skip's size (no checkerboards), the skip added, then a convolution.

    The 1x1 convolution to the skip's width comes first: it commutes with the interpolation and is four times
    cheaper there.
    """

    def __init__(self, inputs: int, outputs: int, activation: str, conv: Conv = GatedConv2d) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, outputs, 1)
        nn.init.kaiming_normal_(self.narrow.weight, nonlinearity="linear")
        self.conv = conv(outputs, outputs, activation=activation)
        with torch.no_grad():
            self.conv.get_parameter("features.weight").mul_(0.5)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.narrow(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.conv(x + skip)


class Stage(nn.Module):
    """Encoder, dilated bottom, decoder: (N, inputs, H, W) to what is to be added, (N, 3, H, W). `widths`:
    channels per scale.
    """

    def __init__(
        self,
        inputs: int,
        widths: Sequence[int],
        dilations: Sequence[int],
        activation: str,
        conv: Conv = GatedConv2d,
    ) -> None:
        super().__init__()
        self.stem = conv(inputs, widths[0], 5, activation=activation)
        self.down = nn.ModuleList(
            nn.Sequential(conv(a, b, stride=2, activation=activation), conv(b, b, activation=activation))
            for a, b in itertools.pairwise(widths)
        )
        self.bottom = nn.Sequential(*(Residual(widths[-1], d, activation, conv) for d in dilations))
        self.up = nn.ModuleList(
            Up(b, a, activation, conv) for a, b in reversed(list(itertools.pairwise(widths)))
        )
        self.head = faint(nn.Conv2d(widths[0], 3, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        skips = [self.stem(x)]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = self.bottom(skips.pop())
        for up in self.up:
            x = up(x, skips.pop())
        return self.head(x)


def faint(conv: nn.Conv2d) -> nn.Conv2d:
    """The convolution with weights so small that what it adds to a first fill is at first next to nothing."""
    nn.init.normal_(conv.weight, std=0.003)
    nn.init.zeros_(conv.get_parameter("bias"))
    return conv


def first_fill(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`push_pull` of the differences from the mean colour of the known pixels, (N, 3, H, W), and that mean.

    Networks see colours so: no palette is unusual then.
    """
    known = 1 - mask
    mean = known_mean(image, known)
    return push_pull(image - mean, known), mean


def known_mean(image: Tensor, known: Tensor) -> Tensor:
    """Mean colour of the known pixels, (N, 3, 1, 1); 0 where there are none."""
    return (image * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp(min=1)


def stage_inputs(picture: Tensor, mask: Tensor, *guide: Tensor) -> Tensor:
    """What a stage sees: (N, 4, H, W), or 5 channels with a guide; channels last."""
    x = torch.cat((2 * picture, mask - 0.5, *guide), 1)
    return x.contiguous(memory_format=torch.channels_last)


def halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True)


def double(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x.float(), size=like.shape[-2:], mode="bilinear", align_corners=False)

"""A U-Net of partial convolutions: Liu et al., Image Inpainting for Irregular Holes Using Partial
Convolutions, ECCV 2018.

`PartialUNet` is the paper's form (its table 3), `SlimPartialUNet` one that learns on a processor.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.networks.layers import PartialConv2d
from inpainters.networks.slim import known_mean, push_pull


class Encode(nn.Module):
    """Partial convolution of stride 2, normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, norm: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(inputs, outputs, kernel, stride=2, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()

    def forward(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        x, valid = self.conv(x, valid)
        return F.relu(self.norm(x)), valid


class Decode(nn.Module):
    """Enlarged to the skip's size, the skip appended, partial convolution, normalisation, LeakyReLU."""

    def __init__(self, inputs: int, skip: int, outputs: int, last: bool, mode: str) -> None:
        super().__init__()
        self.mode, self.corners = mode, False if mode == "bilinear" else None
        self.conv = PartialConv2d(inputs + skip, outputs, 3, bias=last)
        self.norm = nn.Identity() if last else nn.BatchNorm2d(outputs)
        self.last = last

    def forward(self, x: Tensor, valid: Tensor, skip: Tensor, skip_valid: Tensor) -> tuple[Tensor, Tensor]:
        size = skip.shape[-2:]
        larger = F.interpolate(valid, size=size, mode="nearest").expand(-1, x.shape[1], -1, -1)
        x = F.interpolate(x, size=size, mode=self.mode, align_corners=self.corners)
        both = torch.cat((larger, skip_valid.expand(-1, skip.shape[1], -1, -1)), 1)
        x, valid = self.conv(torch.cat((x, skip.to(x.dtype)), 1), both)
        return (x if self.last else F.leaky_relu(self.norm(x), 0.2)), valid


class PartialUNet(nn.Module):
    """`forward(image, mask)`: (N, 3, H, W) in [0, 1] and (N, 1, H, W) 1 where missing, to a list of one
    picture (N, 3, H, W).
    """

    enlarging: ClassVar[str] = "nearest"
    """Of features; their validity is always enlarged by nearest neighbour."""

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512, 512, 512, 512),
        kernels: Sequence[int] = (7, 5, 5, 3, 3, 3, 3, 3),
    ) -> None:
        super().__init__()
        inputs = (3, *widths[:-1])
        self.encoder = nn.ModuleList(
            Encode(a, b, k, norm=i > 0)
            for i, (a, b, k) in enumerate(zip(inputs, widths, kernels, strict=True))
        )
        skips = tuple(reversed(inputs))
        outputs = (*skips[:-1], 3)
        below = (widths[-1], *outputs[:-1])
        rows = enumerate(zip(below, skips, outputs, strict=True))
        self.decoder = nn.ModuleList(
            Decode(b, s, o, i == len(widths) - 1, self.enlarging) for i, (b, s, o) in rows
        )

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        known = 1 - mask
        return [(self.drawn((2 * image - 1) * known, known) + 1) / 2]

    def drawn(self, x: Tensor, valid: Tensor) -> Tensor:
        """The last layer's output, (N, 3, H, W) float, for values (N, 3, H, W) and their
        validity (N, 1, H, W).
        """
        levels = []
        for encode in self.encoder:
            levels.append((x, valid))
            x, valid = encode(x, valid)
        for decode in self.decoder:
            x, valid = decode(x, valid, *levels.pop())
        return x.float()


class SlimPartialUNet(PartialUNet):
    """The same in and out, for short trainings; both departures are for steadiness of colour and smoothness.

    Values enter as differences from the mean of the known pixels, and the network predicts what to add to a
    smooth first fill; features are enlarged bilinearly.
    """

    enlarging = "bilinear"

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 128, 128, 128, 128),
        kernels: Sequence[int] = (7, 5, 5, 3, 3, 3, 3),
    ) -> None:
        super().__init__(widths, kernels)
        nn.init.normal_(self.decoder[-1].get_parameter("conv.conv.weight"), std=0.01)

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        known = 1 - mask
        mean = known_mean(image, known)
        x = ((image - mean) * known).contiguous(memory_format=torch.channels_last)
        return [push_pull(x, known) + self.drawn(2 * x, known) + mean]

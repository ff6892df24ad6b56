"""Fourier convolutions: Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions,
WACV 2022.

`FourierGenerator` is the paper's form, `SlimFourierGenerator` the one that learns on a processor.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from inpainters.networks.contextual_attention import Conv2d
from inpainters.networks.layers import FourierBlock, FourierConv2d
from inpainters.networks.slim import Stage, first_fill, stage_inputs


class FourierGenerator(nn.Module):
    """`forward(image, mask)`: (N, 3, H, W) in [0, 1] and (N, 1, H, W) 1 where missing, to a list of one
    picture (N, 3, H, W) in [0, 1].

    Defaults: LaMa-Fourier (section 3); Big LaMa has 18 blocks. Sides are longer than 8 px (2^scales).
    """

    def __init__(self, width: int = 64, scales: int = 3, blocks: int = 9, share: float = 0.75) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(scales + 1)]
        given = [0.0] * (scales - 1) + [share]
        self.stem = FourierConv2d(4, width, 7, taken=0.0, given=0.0)
        self.down = nn.Sequential(*(
            FourierConv2d(a, b, stride=2, taken=0.0, given=part)
            for a, b, part in zip(widths, widths[1:], given, strict=False)
        ))  # fmt: skip
        self.blocks = nn.Sequential(*(FourierBlock(widths[-1], share) for _ in range(blocks)))
        self.up = nn.Sequential(
            *(_enlarging(a, b) for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True))
        )
        self.head = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        x = torch.cat((image * (1 - mask), mask), 1)
        near, far = self.blocks(self.down(self.stem((x, None))))
        x = self.up(near if far is None else torch.cat((near, far), 1))[..., : x.shape[2], : x.shape[3]]
        return [torch.sigmoid(self.head(x))]


def _enlarging(inputs: int, outputs: int) -> nn.Module:
    conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class FourierBottom(nn.Module):
    """Blocks of Fourier convolutions: (N, width, h, w), of any size, to the same."""

    def __init__(self, width: int, blocks: int, share: float) -> None:
        super().__init__()
        self.far = int(width * share)
        self.blocks = nn.Sequential(*(FourierBlock(width, share, "replicate") for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        near, far = x[:, self.far :], x[:, : self.far]
        return torch.cat(tuple(reversed(self.blocks((near, far)))), 1)


class SlimFourierGenerator(nn.Module):
    """The bundled form: one stage that adds to a smooth first fill, with skip connections; the blocks of
    Fourier convolutions are its bottom, at 1/8 of the size.

    `forward` as in `FourierGenerator`; the picture is neither clamped nor composited.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 64, 128, 192),
        blocks: int = 5,
        share: float = 0.75,
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.stage = Stage(4, widths, (), activation, Conv2d)
        self.stage.bottom = nn.Sequential(FourierBottom(widths[-1], blocks, share))

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        first, mean = first_fill(image, mask)
        return [first + self.stage(stage_inputs(first, mask)).float() + mean]

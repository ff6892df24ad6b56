"""The hourglass of Ulyanov, Vedaldi and Lempitsky, Deep Image Prior, CVPR 2018 (supplement, figure 21)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Sequential):
    """Convolution with mirrored borders, batch normalisation, LeakyReLU; normalised by the one picture that
    there is.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect")
        super().__init__(conv, nn.BatchNorm2d(outputs, track_running_stats=False), nn.LeakyReLU(0.2))


class Scale(nn.Module):
    """One scale: down, the scales below, up again, joined by a narrow skip. (1, inputs, H, W) to (1, width,
    H, W).
    """

    def __init__(self, inputs: int, width: int, skip: int, below: nn.Module, deeper: int) -> None:
        super().__init__()
        self.skip = Block(inputs, skip, 1)
        self.down = nn.Sequential(Block(inputs, deeper, 3, 2), Block(deeper, deeper, 3))
        self.below = below
        self.norm = nn.BatchNorm2d(skip + deeper, track_running_stats=False)
        self.up = nn.Sequential(Block(skip + deeper, width, 3), Block(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        deep = self.below(self.down(x))
        deep = F.interpolate(deep, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.up(self.norm(torch.cat((self.skip(x), deep), 1)))


class Hourglass(nn.Module):
    """`forward(noise)`: (1, inputs, H, W) to a picture (1, 3, H, W) in (0, 1). `widths`: channels at 1/1,
    1/2, 1/4, ...; sides of 2 pixels and more at the deepest scale, `len(widths) - 1` halvings down."""

    def __init__(self, inputs: int = 32, widths: tuple[int, ...] = (128,) * 6, skip: int = 4) -> None:
        super().__init__()
        below: nn.Module = nn.Identity()
        entering = (inputs, *widths[1:])
        for level in reversed(range(len(widths) - 1)):
            below = Scale(entering[level], widths[level], skip, below, widths[level + 1])
        self.scales = below
        self.head = nn.Conv2d(widths[0], 3, 1)

    def forward(self, noise: Tensor) -> Tensor:
        return torch.sigmoid(self.head(self.scales(noise)))


def draw_weights(network: nn.Module, generator: torch.Generator) -> None:
    """PyTorch's usual start, from a generator of one's own: uniform within one over the root of the inputs;
    norms at 1 and 0.
    """
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                bound = (module.in_channels * module.kernel_size[0] ** 2) ** -0.5
                module.weight.uniform_(-bound, bound, generator=generator)
                module.get_parameter("bias").uniform_(-bound, bound, generator=generator)
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.fill_(1)
                module.bias.fill_(0)

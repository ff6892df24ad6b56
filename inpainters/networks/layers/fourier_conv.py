"""Fast Fourier convolution: Chi, Jiang and Mu, Fast Fourier convolution, NeurIPS 2020, in the form of Suvorov
et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV 2022 (section 2.1).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.networks.layers.gated_conv import Padding

Parts = tuple[Tensor, Tensor | None]
"""Features that see their neighbours, and those that see the whole picture, (N, C, h, w) each; None where
there are none of the latter.
"""


class FourierUnit(nn.Module):
    """A 1x1 convolution of a picture's Fourier coefficients: each position sees all others. (N, inputs, h, w)
    to (N, outputs, h, w).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * inputs, 2 * outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # no transform has 16 bits
            spectrum = torch.fft.rfft2(x.float(), norm="ortho")
            planes = F.relu(self.norm(self.conv(torch.cat((spectrum.real, spectrum.imag), 1))))
            real, imaginary = planes.chunk(2, 1)
            found = torch.fft.irfft2(torch.complex(real, imaginary), s=x.shape[-2:], norm="ortho")
        return found.to(x.dtype)


class SpectralTransform(nn.Module):
    """From global to global: half as many features, the Fourier unit added, all features again."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.narrow = nn.Sequential(nn.Conv2d(inputs, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.unit = FourierUnit(half, half)
        self.widen = nn.Conv2d(half, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow(x)
        widened: Tensor = self.widen(x + self.unit(x))
        return widened


class FourierConv2d(nn.Module):
    """A convolution of local and global features, normalisation, ReLU. `taken` and `given`: the shares of the
    inputs and the outputs that are global; `border`: how pixels beyond it are made, as in `nn.Conv2d`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        taken: float,
        given: float,
        border: Padding = "reflect",
    ) -> None:
        super().__init__()
        wide, far = int(inputs * taken), int(outputs * given)
        if stride > 1 and wide:
            raise ValueError("global features are not thinned out: stride 1 where some are taken")

        def conv(a: int, b: int) -> nn.Conv2d | None:
            if not (a and b):
                return None
            return nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False, padding_mode=border)

        self.near = conv(inputs - wide, outputs - far)
        self.outwards, self.inwards = conv(inputs - wide, far), conv(wide, outputs - far)
        self.far = SpectralTransform(wide, far) if wide and far else None
        self.norm = nn.BatchNorm2d(outputs - far)
        self.far_norm = nn.BatchNorm2d(far) if far else None

    def forward(self, x: Parts) -> Parts:
        near, far = x
        local = sum(conv(part) for conv, part in ((self.near, near), (self.inwards, far)) if conv)
        if self.far_norm is None:
            return F.relu(self.norm(local)), None
        whole = sum(conv(part) for conv, part in ((self.outwards, near), (self.far, far)) if conv)
        return F.relu(self.norm(local)), F.relu(self.far_norm(whole))


class FourierBlock(nn.Module):
    """`x + conv(conv(x))`, local and global features each."""

    def __init__(self, width: int, share: float, border: Padding = "reflect") -> None:
        super().__init__()
        convs = (FourierConv2d(width, width, taken=share, given=share, border=border) for _ in range(2))
        self.convs = nn.Sequential(*convs)

    def forward(self, x: Parts) -> Parts:
        near, far = self.convs(x)
        return x[0] + near, None if far is None or x[1] is None else x[1] + far

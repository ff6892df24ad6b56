"""Discriminators, for training alone: what judges a composite against a photograph. Pictures in [0, 1], masks
1 where missing.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class SNPatchGAN(nn.Module):
    """Spectral-normalised Markovian discriminator: Yu et al., Free-Form Image Inpainting with Gated
    Convolution, ICCV 2019, section 3.3.

    Strided 5x5 convolutions; `forward(image, mask[, guide])` takes (N, 3, H, W), (N, 1, H, W) and the sketch
    where `guided`, and returns the map (N, widths[-1], H/64, W/64) whose every element is judged on its own.
    The last convolution is linear. `maps` returns the features of all layers, that map last. Where not
    `spectral`, a penalty in training has to bound its slope.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 256, 256, 256),
        *,
        guided: bool = False,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        pairs = itertools.pairwise((5 if guided else 4, *widths))
        layers = [nn.Conv2d(a, b, 5, 2, 2) for a, b in pairs]
        for layer in layers:
            # All singular values are 1 then, and normalisation leaves the signal as it is: it starts five
            # times as strong.
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.get_parameter("bias"))
            if spectral:
                spectral_norm(layer)
        self.layers = nn.ModuleList(layers)

    def forward(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> Tensor:
        return self.maps(image, mask, guide)[-1]

    def maps(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        parts = (2 * image - 1, mask) if guide is None else (2 * image - 1, mask, guide)
        x = torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)
        found = [x]
        for layer in self.layers[:-1]:
            found.append(F.leaky_relu(layer(found[-1]), 0.2))
        return [*found[1:], self.layers[-1](found[-1])]


class CentreDiscriminator(nn.Module):
    """Judges the middle half of a picture: Pathak et al., Context Encoders, CVPR 2016, section 3.2 (their
    DCGAN discriminator).

    Of (N, 3, 128, 128) it sees the 64x64 centre and returns logits (N, 1, 1, 1);
    of larger pictures a map of logits.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512)) -> None:
        super().__init__()
        blocks = [nn.Sequential(nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2))]
        for a, b in itertools.pairwise(widths):
            blocks.append(
                nn.Sequential(nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))
            )
        self.layers = nn.Sequential(*blocks, nn.Conv2d(widths[-1], 1, 4))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        rows, columns = image.shape[-2] // 4, image.shape[-1] // 4
        centre = image[..., rows : 3 * rows, columns : 3 * columns]
        return self.layers((2 * centre - 1).contiguous(memory_format=torch.channels_last))

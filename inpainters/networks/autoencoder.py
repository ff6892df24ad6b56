"""The autoencoder of latent diffusion: Rombach et al., High-resolution image synthesis with latent diffusion
models, CVPR 2022, small.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + two 3×3 convolutions, each after a normalisation and SiLU."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(groups, width) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(F.silu(norm(y)))
        return x + y


class Autoencoder(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1] to latents (N, `channels`, H / 4, W / 4) of mean 0 and variance 1, and
    back.

    Pixels enter and leave in 2×2 patches, so that nothing runs at full resolution but the last, smoothing
    convolution. In place of the paper's KL term a batch normalisation without parameters keeps the latent's
    variance at 1; in training, noise of deviation `noise` on the latent keeps its neighbourhood decodable. H
    and W: multiples of 4. `forward` returns [reconstruction].
    """

    multiple = 4

    def __init__(
        self,
        channels: int = 4,
        widths: Sequence[int] = (32, 64),
        layers: int = 1,
        groups: int = 8,
        noise: float = 0.1,
    ) -> None:
        super().__init__()
        narrow, wide = widths
        self.channels, self.noise = channels, noise
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, narrow, 3, padding=1),
            *(ResidualBlock(narrow, groups) for _ in range(layers)),
            nn.Conv2d(narrow, wide, 4, 2, 1),
            *(ResidualBlock(wide, groups) for _ in range(layers)),
            nn.Conv2d(wide, channels, 3, padding=1),
        )
        self.scale = nn.BatchNorm2d(channels, affine=False)
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, wide, 3, padding=1),
            *(ResidualBlock(wide, groups) for _ in range(layers)),
            nn.Conv2d(wide, 4 * narrow, 3, padding=1),
            nn.PixelShuffle(2),
            *(ResidualBlock(narrow, groups) for _ in range(layers + 1)),
            nn.SiLU(),
            nn.Conv2d(narrow, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def encode(self, image: Tensor) -> Tensor:
        """Latents of pictures in [0, 1]."""
        return self.scale(self.encoder(2 * image - 1))

    def decode(self, latent: Tensor) -> Tensor:
        """Pictures, about [0, 1], not clamped."""
        return (self.decoder(latent) + 1) / 2

    def forward(self, image: Tensor) -> list[Tensor]:
        latent = self.encode(image)
        if self.training:
            latent = latent + self.noise * torch.randn_like(latent)
        return [self.decode(latent)]

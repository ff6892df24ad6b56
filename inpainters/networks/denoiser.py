"""Denoisers of diffusion models: Ho et al., Denoising diffusion probabilistic models, NeurIPS 2020, on
diffusers' `UNet2DModel`.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DModel
from torch import Tensor, nn


class UNet(UNet2DModel):  # type: ignore[misc]  # diffusers is without types
    """diffusers' network, which asks for its own type at each call; looking through all parameters for it
    takes a tenth of a small call.
    """

    @property
    def dtype(self) -> torch.dtype:
        return self.conv_in.weight.dtype


def multiple(unet: UNet2DModel) -> int:
    """What the sides of its pictures have to be a multiple of: each scale after the first halves them."""
    count: int = len(unet.config.block_out_channels)
    return 1 << (count - 1)


class Pretrained(nn.Module):
    """Somebody else's `UNet2DModel` and noise schedule, to be called as a `Denoiser` is.

    `size` is the side of the pictures it was trained on. Where it also predicts a variance (Nichol and
    Dhariwal 2021, Improved denoising diffusion probabilistic models), in channels of its own after the
    mean's, that is left out.
    """

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler, size: int) -> None:
        super().__init__()
        self.unet, self.scheduler, self.size = unet, scheduler, size
        self.patch, self.multiple = 1, multiple(unet)
        self.notes: tuple[str, ...] = ()
        """What a result made with it should say."""

    def forward(self, noisy: Tensor, timestep: Tensor) -> Tensor:
        return self.unet(noisy, timestep).sample[:, : noisy.shape[1]]


class Denoiser(nn.Module):
    """A `UNet2DModel` and the noise schedule it was trained with.

    It sees `patch`×`patch` pixels as one position with as many more channels, which is what makes it fast on
    a processor. `forward` takes a noisy picture `noisy` (N, `channels`, H, W), colours in [-1, 1] before the
    noise, and its `timestep` (N,); it returns what `prediction` names, "epsilon" or "v_prediction" (Salimans
    and Ho 2022), of the same shape. Where `context` is not 0 it also takes so many channels of what it is to
    go by, (N, `context`, H, W). H and W: multiples of `multiple`. `attention` names the scales that have
    attention layers, by the positions along a side of theirs: size // patch // 2**scale.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        context: int = 0,
        widths: Sequence[int] = (32, 64, 128),
        layers: int = 1,
        patch: int = 2,
        groups: int = 16,
        heads: int = 32,
        attention: Sequence[int] = (),
        prediction: str = "v_prediction",
        schedule: str = "squaredcos_cap_v2",
        timesteps: int = 1000,
    ) -> None:
        super().__init__()
        self.size, self.patch, self.multiple = size, patch, patch * 2 ** (len(widths) - 1)
        sides = [size // patch // 2**scale for scale in range(len(widths))]
        if strange := sorted(set(attention) - set(sides)):
            raise ValueError(f"no scale has {strange[0]} positions a side, only {sides}")
        attends = [side in attention for side in sides]
        # Colours have bounds that estimates can be held to, latents have none.
        self.scheduler = DDPMScheduler(
            timesteps, beta_schedule=schedule, prediction_type=prediction, clip_sample=channels == 3
        )
        self.unet = UNet(
            size // patch,
            (channels + context) * patch**2,
            channels * patch**2,
            layers_per_block=layers,
            block_out_channels=tuple(widths),
            down_block_types=tuple("AttnDownBlock2D" if has else "DownBlock2D" for has in attends),
            up_block_types=tuple("AttnUpBlock2D" if has else "UpBlock2D" for has in reversed(attends)),
            norm_num_groups=groups,
            attention_head_dim=heads,
        )

    def forward(self, noisy: Tensor, timestep: Tensor, context: Tensor | None = None) -> Tensor:
        seen = noisy if context is None else torch.cat((noisy, context), 1)
        patches = F.pixel_unshuffle(seen, self.patch)
        return F.pixel_shuffle(self.unet(patches, timestep).sample, self.patch)

"""What a denoiser says of a noisy picture, whatever it was trained to predict and at whatever size.

Pictures are (N, C, h, w), colours in [-1, 1].
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.networks.denoiser import Denoiser, Pretrained

RESOLVED = 100.0
"""Signal-to-noise ratio up to which a coarser scale speaks for a picture that is larger than
those of the training.
"""


class Denoised(NamedTuple):
    """What one network call says of a noisy picture; both (N, C, h, w)."""

    clean: Tensor
    """The clean picture, clamped to [-1, 1] where the schedule says so."""
    noise: Tensor
    """The noise in it, of standard deviation 1."""


Denoise = Callable[[Tensor, int], Denoised]
"""`denoise(noisy, t)`: one network call."""


def levels(net: Denoiser | Pretrained) -> list[float]:
    """Share of the clean picture's variance at each timestep of the training."""
    shares: list[float] = net.scheduler.alphas_cumprod.double().tolist()
    return shares


def estimates(net: Denoiser | Pretrained, *, context: Tensor | None = None, bf16: bool = False) -> Denoise:
    """The network's answers as estimates, whatever it was trained to predict;
    `context` is what else it is shown.
    """
    config, abars = net.scheduler.config, levels(net)
    bound = config.clip_sample_range if config.clip_sample else None

    def denoise(noisy: Tensor, t: int) -> Denoised:
        timestep = torch.full((len(noisy),), t, device=noisy.device)
        with torch.autocast(noisy.device.type, torch.bfloat16) if bf16 else nullcontext():
            output = net(noisy, timestep, *([] if context is None else [context]))
        return denoised(noisy, output.to(noisy.dtype), abars[t], config.prediction_type, bound)

    return denoise


def rescaled(denoise: Denoise, abars: Sequence[float], factor: int, multiple: int) -> Denoise:
    """`denoise` for pictures `factor` (a power of 2) times as large as those that the network was trained on.

    Noise hides less of a large picture: means over s×s pixels are a picture of a signal-to-noise ratio s²
    times as high (Hoogeboom et al. 2023, simple diffusion, section 3.1). The coarsest scale whose ratio stays
    below `RESOLVED` says what the picture is; finer ones add detail as the noise goes. `multiple`: of the
    sides that the network takes.
    """

    def at(noisy: Tensor, t: int) -> Denoised:
        ratio, scale = abars[t] / (1 - abars[t]), factor
        while scale > 1 and ratio * scale**2 > RESOLVED:
            scale //= 2
        if scale == 1:
            return denoise(noisy, t)
        abar = 1 / (1 + 1 / (ratio * scale**2))
        height, width = noisy.shape[2:]
        right, below = -width % (scale * multiple), -height % (scale * multiple)
        small = F.avg_pool2d(
            F.pad(noisy, (0, right, 0, below), "replicate") if right or below else noisy, scale
        )
        found = denoise(
            small.mul_((abar / abars[t]) ** 0.5), bisect_left(abars, -abar, key=lambda level: -level)
        ).clean
        clean = F.interpolate(found, scale_factor=scale, mode="bilinear", align_corners=False)[
            ..., :height, :width
        ]
        return Denoised(clean, torch.sub(noisy, clean, alpha=abars[t] ** 0.5) / (1 - abars[t]) ** 0.5)

    return at


def denoised(
    noisy: Tensor, output: Tensor, abar: float, prediction: str, bound: float | None = 1.0
) -> Denoised:
    """Both parts of a noisy picture from the network's output: "epsilon", "v_prediction" (Salimans and Ho
    2022) or "sample".
    """
    signal, sigma = abar**0.5, (1 - abar) ** 0.5
    if prediction == "v_prediction":
        clean = torch.sub(signal * noisy, output, alpha=sigma)
        noise = torch.add(signal * output, noisy, alpha=sigma)
    elif prediction == "sample":
        clean, noise = output.clone(), torch.sub(noisy, output, alpha=signal) / sigma
    else:
        clean, noise = torch.sub(noisy, output, alpha=sigma) / signal, output
    return Denoised(clean if bound is None else clean.clamp_(-bound, bound), noise)

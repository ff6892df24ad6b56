"""Noise per picture, steps between noise levels, and where they lead.

Pictures are (N, C, h, w), colours in [-1, 1].
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inpainters.methods.diffusion.estimates import Denoised
from inpainters.methods.diffusion.schedules import Step

Draw = Callable[[], Tensor]
"""Standard normal noise of the pictures' shape and type, such as `Noise`; never the same tensor twice."""


@dataclass
class State:
    """Where a run stands after a step. The tensors are the sampler's own: not to be written to."""

    t: int
    """Timestep that `noisy` is at; -1: clean."""
    noisy: Tensor
    clean: Tensor | None
    """The estimate that the step was made with; None after a jump."""
    jump: bool
    """True where the step added noise."""


class Noise:
    """Standard normal noise, (N, C, h, w), each picture's from its own generator on the CPU: its companions
    do not matter.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: tuple[int, ...],
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
        channels, height, width = shape
        self.shape, self.device, self.dtype = (len(seeds), height, width, channels), device, dtype

    def __call__(self) -> Tensor:
        gpu = self.device.startswith("cuda")
        drawn = torch.empty(self.shape, dtype=self.dtype, pin_memory=gpu)
        for picture, generator in zip(drawn, self.generators, strict=True):
            picture.normal_(generator=generator)
        return drawn.to(self.device, non_blocking=gpu).permute(0, 3, 1, 2)  # in memory: channels last


def last(states: Iterable[State]) -> State:
    """Where a run ends; it holds none of the states before."""
    return deque(states, maxlen=1)[0]


def diffuse(clean: Tensor, abar: float, noise: Tensor) -> Tensor:
    """A clean picture at noise level `abar` (Ho et al. 2020, equation 4)."""
    return torch.add(clean * abar**0.5, noise, alpha=(1 - abar) ** 0.5)


def forward(noisy: Tensor, step: Step, noise: Tensor) -> Tensor:
    """From a noise level to a higher one (Ho et al. 2020, equation 2, over all timesteps between the two)."""
    ratio = step.abar_to / step.abar
    return torch.add(noisy * ratio**0.5, noise, alpha=(1 - ratio) ** 0.5)


def reverse(estimate: Denoised, step: Step, noise: Tensor, eta: float = 1.0) -> Tensor:
    """From a noise level to a lower one (Song et al. 2021, Denoising diffusion implicit models, equation 12).

    `eta` = 1 is the ancestral step of Ho et al. 2020, whose variance is the posterior's; 0 adds no noise.
    """
    variance = eta**2 * (1 - step.abar_to) / (1 - step.abar) * (1 - step.abar / step.abar_to)
    mean = torch.add(
        estimate.clean * step.abar_to**0.5, estimate.noise, alpha=max(0.0, 1 - step.abar_to - variance) ** 0.5
    )
    return mean.add_(noise, alpha=variance**0.5)

"""DDNM: Wang, Yu and Zhang, Zero-shot image restoration using denoising diffusion
null-space model, ICLR 2023.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.estimates import Denoise
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, State, forward

ETA = 0.85


class Ddnm(Diffusion):
    """Algorithm 2. The mask A is its own pseudo-inverse, so line 5, A+ y + (I - A+ A) x, takes what is known
    from the picture y.

    As in the authors' settings, a share `ETA` of the next level's noise is fresh, the rest is what the
    network found.
    """

    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        noisy = noise()
        for step in plan:
            if step.forward:
                noisy = forward(noisy, step, noise())  # time travel
                yield State(step.to, noisy, None, jump=True)
            else:
                estimate = denoise(noisy, step.t)  # line 4
                clean = torch.where(mask, estimate.clean, known)  # line 5
                sigma = (1 - step.abar_to) ** 0.5
                found = torch.add(
                    clean * step.abar_to**0.5, estimate.noise, alpha=sigma * (1 - ETA**2) ** 0.5
                )
                noisy = found.add_(noise(), alpha=sigma * ETA)  # line 6
                yield State(step.to, noisy, clean, jump=False)

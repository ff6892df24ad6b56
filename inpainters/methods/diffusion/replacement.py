"""Known-pixel replacement: Song et al., Score-based generative modeling through stochastic differential
equations, ICLR 2021.

Appendix I.2, with the steps of Ho et al. 2020. It is RePaint's loop without its jumps (Lugmayr et al. 2022,
section 4.1).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.estimates import Denoise
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, State, diffuse, reverse


class Replacement(Diffusion):
    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        noisy = noise()
        for step in plan:
            estimate, drawn = denoise(noisy, step.t), noise()
            noisy = torch.where(mask, reverse(estimate, step, drawn), diffuse(known, step.abar_to, drawn))
            yield State(step.to, noisy, estimate.clean, jump=False)

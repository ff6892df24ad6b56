"""Known-pixel replacement: Song et al., Score-based generative modeling through stochastic differential
equations, ICLR 2021.

Appendix I.2, with the steps of Ho et al. 2020 as the predictor. Without a corrector it is RePaint's loop
without its jumps (Lugmayr et al. 2022, section 4.1).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.estimates import Denoise
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, State, diffuse, reverse


class Replacement(Diffusion):
    """The predictor-corrector sampler (section 4.2), the known pixels put in after each of its steps.

    A corrector stays at its noise level. The paper's is a short step of Langevin dynamics, of which few
    levels would need many. This one draws the level's noise wholly anew around the clean estimate: fills come
    closer to what the surroundings suggest, and vary less than the paper's would.
    """

    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        noisy = noise()
        for step in plan:
            estimate, drawn = denoise(noisy, step.t), noise()
            corrected = step.stays
            hole = diffuse(estimate.clean, step.abar, drawn) if corrected else reverse(estimate, step, drawn)
            noisy = torch.where(mask, hole, diffuse(known, step.abar_to, drawn))
            yield State(step.to, noisy, estimate.clean, jump=False)

"""RePaint: Lugmayr et al., RePaint: inpainting using denoising diffusion probabilistic models, CVPR 2022."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.estimates import Denoise
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, State, diffuse, forward, reverse


class RePaint(Diffusion):
    """Algorithm 1, jumps as in figure 9. Line 5 scales the noise by sqrt(1 - abar), as equation 8a has it,
    not by 1 - abar.

    Lines 4 and 6 draw once for both parts: no pixel is in both.
    """

    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        noisy = noise()  # line 1
        for step in plan:  # lines 2 and 3
            if step.forward:
                noisy = forward(noisy, step, noise())  # line 10
                yield State(step.to, noisy, None, jump=True)
            else:
                estimate, drawn = denoise(noisy, step.t), noise()
                noisy = torch.where(
                    mask, reverse(estimate, step, drawn), diffuse(known, step.abar_to, drawn)
                )  # lines 5, 7 and 8
                yield State(step.to, noisy, estimate.clean, jump=False)

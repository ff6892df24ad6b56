"""SDE-DPM-Solver++ (2M): Lu, Zhou, Bao, Chen, Li and Zhu, Fast solver for guided sampling of diffusion
probabilistic models, 2022.

It solves for the clean picture, whose known pixels are put in before each step, the null-space projection of
Wang et al. 2023. The stochastic form, as fresh noise lets the hole come to terms with its rim: the
deterministic one keeps the disharmony of its first steps.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.estimates import Denoise
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, State, diffuse


class DpmSolver(Diffusion):
    """The multistep solver of order 2 (appendix A), in rounds: at each noise level the clean estimate, its
    known pixels put in, is made noisy anew and estimated again, until fill and surroundings agree; only then
    does the solver take its large step.
    """

    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        noisy, before = noise(), None
        for step in plan:
            estimate = denoise(noisy, step.t)
            clean = torch.where(mask, estimate.clean, known)
            if step.stays:
                noisy = diffuse(clean, step.abar, noise())
            else:
                noisy = multistep(diffuse(clean, step.abar, estimate.noise), clean, before, step, noise())
                before = clean, half_log_snr(step.abar)
            yield State(step.to, noisy, clean, jump=False)


def multistep(
    noisy: Tensor, clean: Tensor, before: tuple[Tensor, float] | None, step: Step, noise: Tensor
) -> Tensor:
    """From `step.t` to `step.to` with fresh `noise`, of first order where there is no estimate `before`, with
    its lambda.
    """
    if step.to < 0:
        return clean  # lambda is infinite, and the last step of first order, which is steadier
    now, then = half_log_snr(step.abar), half_log_snr(step.abar_to)
    if before is not None:
        earlier, at = before
        clean = torch.lerp(earlier, clean, 1 + (then - now) / (2 * (now - at)))
    gain = -math.expm1(2 * (now - then))
    sigma = (1 - step.abar_to) ** 0.5
    scaled: Tensor = noisy * (sigma / (1 - step.abar) ** 0.5 * math.exp(now - then))
    return scaled.add_(clean, alpha=step.abar_to**0.5 * gain).add_(noise, alpha=sigma * gain**0.5)


def half_log_snr(abar: float) -> float:
    """lambda: the logarithm of signal over noise."""
    return 0.5 * math.log(abar / (1 - abar))

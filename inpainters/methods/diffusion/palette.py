"""Palette: Saharia et al., Palette: Image-to-image diffusion models, SIGGRAPH 2022, section 4.2."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inpainters.base import Piece
from inpainters.methods.diffusion.base import Diffusion, reported
from inpainters.methods.diffusion.estimates import Denoise, estimates
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, Noise, State, reverse
from inpainters.methods.learned.base import inputs


class Palette(Diffusion):
    """A denoiser trained for inpainting: at each step it sees noise in the hole alone, the known pixels
    clean, and the mask; 3 + 1 channels.

    What it says of the known pixels is not used, nor was it in the training.
    """

    @torch.inference_mode()
    def states(self, pieces: Sequence[Piece]) -> Iterator[State]:
        options, steps = pieces[0].options, self.plan(pieces[0].options)
        image, mask = inputs(pieces, self.device)
        noise = Noise([piece.seed for piece in pieces], tuple(image.shape[1:]), self.device)
        denoise = estimates(self.model(options), context=mask, bf16=options["precision"] == "bf16")
        reporting = reported(denoise, pieces, len(steps), self.show)
        yield from self.sample(reporting, 2 * image - 1, mask > 0, noise, steps)

    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        """Ancestral steps (Ho et al. 2020, algorithm 2)."""
        noisy = torch.where(mask, noise(), known)
        for step in plan:
            estimate = denoise(noisy, step.t)
            noisy = torch.where(mask, reverse(estimate, step, noise()), known)
            yield State(step.to, noisy, torch.where(mask, estimate.clean, known), jump=False)

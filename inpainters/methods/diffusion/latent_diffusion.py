"""Latent inpainting: Rombach et al., High-resolution image synthesis with latent diffusion models, CVPR 2022,
section 4.5.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.base import Piece
from inpainters.imaging import Image
from inpainters.methods.diffusion.base import Diffusion, reported
from inpainters.methods.diffusion.estimates import Denoise, estimates
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, Noise, State, reverse
from inpainters.methods.learned.base import inputs, to_images
from inpainters.networks.autoencoder import Autoencoder
from inpainters.weights.build import load_bundled


class LatentDiffusion(Diffusion):
    """A denoiser trained for inpainting: at each step it sees the noisy latent, the latent of the picture
    without its hole, and the mask.

    4 + 4 + 1 = 9 channels. What is drawn is the whole picture as the autoencoder gives it back, known pixels
    and all. Colours are moved to mid-grey on the way in, as the hole is, and back on the way out.
    """

    autoencoder: Autoencoder

    def load(self) -> None:
        super().load()
        self.autoencoder = load_autoencoder(self.device)

    @torch.inference_mode()
    def states(self, pieces: Sequence[Piece]) -> Iterator[State]:
        options, steps = pieces[0].options, self.plan(pieces[0].options)
        image, mask = inputs(pieces, self.device)
        seen = context(self.autoencoder, image + to_grey(image, mask), mask)
        noise = Noise(
            [piece.seed for piece in pieces], (self.autoencoder.channels, *seen.shape[2:]), self.device
        )
        denoise = estimates(self.model(options), context=seen, bf16=options["precision"] == "bf16")
        yield from ddim(reported(denoise, pieces, len(steps), self.show), noise, steps)

    @torch.inference_mode()
    def show(self, latent: Tensor, pieces: Sequence[Piece]) -> list[Image]:
        """(h, w, 3) uint8 each, from (N, 4, h / 4, w / 4)."""
        return to_images(self.autoencoder.decode(latent) - to_grey(*inputs(pieces, self.device)))


def load_autoencoder(device: str) -> Autoencoder:
    """The bundled autoencoder; raises UnavailableError where its weights are absent, altered or foreign."""
    network: Autoencoder = load_bundled("autoencoder", device)
    return network


def to_grey(image: Tensor, mask: Tensor) -> Tensor:
    """What moves the mean of each picture's known pixels to mid-grey, (N, 3, 1, 1); 0 where none is known.

    `image` (N, 3, h, w) in [0, 1], `mask` (N, 1, h, w) 1 where missing.
    """
    known = 1 - mask
    count = known.sum((2, 3), keepdim=True)
    return torch.where(count > 0, 0.5 - (image * known).sum((2, 3), keepdim=True) / count.clamp(min=1), 0)


def context(autoencoder: Autoencoder, image: Tensor, mask: Tensor) -> Tensor:
    """What the denoiser goes by: the latent of the pictures with mid-grey holes, and the mask, (N, 4 + 1, h /
    4, w / 4).

    `image` (N, 3, h, w) in [0, 1], `mask` (N, 1, h, w) 1 where missing. A latent position is missing where
    any of its pixels is: its latent says more about the grey than about the picture.
    """
    hidden = autoencoder.encode(torch.where(mask > 0, 0.5, image))
    return torch.cat((hidden, F.max_pool2d(mask, image.shape[-1] // hidden.shape[-1])), 1)


def ddim(denoise: Denoise, noise: Draw, plan: Sequence[Step]) -> Iterator[State]:
    """Deterministic steps from noise to a clean latent (Song et al. 2021, Denoising diffusion implicit
    models, equation 12, eta 0).
    """
    noisy = noise()
    for step in plan:
        estimate = denoise(noisy, step.t)
        noisy = reverse(estimate, step, estimate.noise, eta=0)
        yield State(step.to, noisy, estimate.clean, jump=False)

"""Training of denoisers: noise is added to a picture, and the network says what was added (Ho et al. 2020,
algorithm 1).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inpainters.imaging import Image
from inpainters.methods.diffusion import schedules
from inpainters.methods.diffusion.base import pictures
from inpainters.methods.diffusion.ddnm import Ddnm
from inpainters.methods.diffusion.estimates import estimates, levels
from inpainters.methods.diffusion.latent_diffusion import context, ddim, load_autoencoder, to_grey
from inpainters.methods.diffusion.palette import Palette
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Noise, last
from inpainters.methods.learned.base import to_images
from inpainters.networks.denoiser import Denoiser
from inpainters.registry import SPECS
from inpainters.training.data import tensors
from inpainters.training.loop import Trainer

_VALIDATED = {"ddnm": 50, "palette": 15, "latent_diffusion": 15}
"""Method -> noise levels of its validation."""


class DenoisingTrainer(Trainer):
    """The loss is the mean squared error of what the network predicts,
    weighted by the signal-to-noise ratio.
    """

    model: Denoiser
    average: Denoiser

    def learn(
        self, image: Tensor, mask: Tensor, guide: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        scheduler = self.model.scheduler
        clean, *context = self.example(image, mask)
        timestep = torch.randint(scheduler.config.num_train_timesteps, (len(clean),), device=clean.device)
        noise = torch.randn(clean.shape, device=clean.device)
        noisy = scheduler.add_noise(clean, noise, timestep)
        wanted = (
            noise
            if scheduler.config.prediction_type == "epsilon"
            else scheduler.get_velocity(clean, noise, timestep)
        )
        with self._autocast():
            found = self.network(self.shown(noisy, clean, mask), timestep, *context).float()
        ratio = snr(scheduler.alphas_cumprod.to(clean))[timestep]
        weight = min_snr(ratio, self.recipe.losses.min_snr, scheduler.config.prediction_type)
        return {"denoising": (weight * self.error((found - wanted).square(), mask)).mean()}, noisy

    def example(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """What noise is added to, and what else the network sees, if anything."""
        return (2 * image - 1,)

    def shown(self, noisy: Tensor, clean: Tensor, mask: Tensor) -> Tensor:
        """What the network sees of the noisy picture."""
        return noisy

    def error(self, squares: Tensor, mask: Tensor) -> Tensor:
        """(N,) means of squared differences (N, C, H, W)."""
        return squares.mean((1, 2, 3))

    @torch.no_grad()
    def fill(self, images: list[Image], masks: list[np.ndarray]) -> list[list[Image]]:
        """Composites of the averaged network, [0][picture]; the noise depends on a picture's place alone."""
        found = list[Image]()
        for i in range(0, len(images), 8):
            image, mask = (t.to(self.device) for t in tensors(images[i : i + 8], masks[i : i + 8]))
            with self._autocast():
                found += self.filled(image, mask, range(i, i + len(image)))
        return [found]

    def filled(self, image: Tensor, mask: Tensor, seeds: Sequence[int]) -> list[Image]:
        """Fills by the method `ddnm`."""
        noise = Noise(seeds, tuple(image.shape[1:]), str(self.device))
        denoise = estimates(self.average)
        sampler = Ddnm(SPECS["ddnm"])
        return pictures(
            last(sampler.sample(denoise, 2 * image - 1, mask > 0, noise, self.steps("ddnm"))).noisy
        )

    def steps(self, method: str) -> list[Step]:
        """Those of a validation, as few at all times, so that its scores compare."""
        options = {"preset": "preview", "steps": _VALIDATED[method]}
        return schedules.plan(method, options, levels(self.average))


class PaletteTrainer(DenoisingTrainer):
    """The denoiser of `palette`: noise is added in the hole alone, and the loss is the hole's (Saharia et al.
    2022, section 4.2).
    """

    def example(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        return 2 * image - 1, mask

    def shown(self, noisy: Tensor, clean: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask > 0, noisy, clean)

    def error(self, squares: Tensor, mask: Tensor) -> Tensor:
        return (squares.mean(1, keepdim=True) * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1)

    def filled(self, image: Tensor, mask: Tensor, seeds: Sequence[int]) -> list[Image]:
        """Fills by the method `palette`."""
        noise = Noise(seeds, tuple(image.shape[1:]), str(self.device))
        sampler, denoise = Palette(SPECS["palette"]), estimates(self.average, context=mask)
        run = sampler.sample(denoise, 2 * image - 1, mask > 0, noise, self.steps("palette"))
        return pictures(last(run).noisy)


class LatentTrainer(DenoisingTrainer):
    """The denoiser of latent inpainting: it also sees the latent of the picture without its hole, and the
    mask (Rombach et al. 2022).

    Needs the weights of the autoencoder, bundled beforehand; raises UnavailableError where they are absent.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.autoencoder = load_autoencoder(self.device)

    @torch.no_grad()
    def example(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        moved = image + to_grey(image, mask)
        with self._autocast():
            latent, seen = self.autoencoder.encode(moved), context(self.autoencoder, moved, mask)
        return latent.float(), seen.float()

    def filled(self, image: Tensor, mask: Tensor, seeds: Sequence[int]) -> list[Image]:
        """Composites by the method `latent_diffusion`."""
        shift = to_grey(image, mask)
        seen = context(self.autoencoder, image + shift, mask)
        noise = Noise(seeds, (self.autoencoder.channels, *seen.shape[2:]), str(self.device))
        end = last(ddim(estimates(self.average, context=seen), noise, self.steps("latent_diffusion")))
        return to_images(torch.where(mask > 0, self.autoencoder.decode(end.noisy) - shift, image))


def snr(alphas: Tensor) -> Tensor:
    """Signal-to-noise ratio `abar / (1 - abar)`."""
    return alphas / (1 - alphas)


def min_snr(ratio: Tensor, gamma: float, prediction: str) -> Tensor:
    """Weights of the squared error, whatever is predicted as if `min(snr, gamma)` weighed that of the clean
    picture (Hang et al. 2023).

    Constant 1 for `gamma` 0.
    """
    if not gamma:
        return torch.ones_like(ratio)
    return ratio.clamp(max=gamma) / (ratio if prediction == "epsilon" else ratio + 1)

"""Training of denoisers: noise is added to a picture, and the network says what was added (Ho et al. 2020, algorithm 1)."""

import numpy as np
import torch
from torch import Tensor

from inpainters.imaging import Image
from inpainters.training.data import tensors
from inpainters.training.loop import Trainer

STEPS = 50
"""Network calls of a validation fill."""


class DenoisingTrainer(Trainer):
    """The loss is the mean squared error of what the network predicts, weighted by the signal-to-noise ratio."""

    def learn(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> tuple[dict[str, Tensor], Tensor]:
        clean, scheduler = 2 * image - 1, self.model.scheduler
        timestep = torch.randint(scheduler.config.num_train_timesteps, (len(clean),)).to(clean.device)
        noise = torch.randn(clean.shape).to(clean)
        noisy = scheduler.add_noise(clean, noise, timestep)
        wanted = noise if scheduler.config.prediction_type == "epsilon" else scheduler.get_velocity(clean, noise, timestep)
        with self._autocast():
            found = self.model(noisy, timestep).float()
        ratio = snr(scheduler.alphas_cumprod.to(clean))[timestep]
        weight = min_snr(ratio, self.recipe.losses.min_snr, scheduler.config.prediction_type)
        return {"denoising": (weight * (found - wanted).square().mean((1, 2, 3))).mean()}, noisy

    @torch.no_grad()
    def fill(self, images: list[Image], masks: list[np.ndarray]) -> list[list[Image]]:
        """Composites of the averaged network, [0][picture], by deterministic steps whose known pixels are projected (Wang et al. 2023)."""
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler.from_config(self.average.scheduler.config, timestep_spacing="trailing")
        scheduler.set_timesteps(STEPS)
        found: list[Image] = []
        for i in range(0, len(images), 8):
            image, mask = (t.to(self.device) for t in tensors(images[i : i + 8], masks[i : i + 8]))
            known, noisy = 2 * image - 1, torch.randn(image.shape, generator=torch.Generator().manual_seed(i)).to(image)
            for timestep in scheduler.timesteps:
                alpha = scheduler.alphas_cumprod[timestep]
                with self._autocast():
                    output = self.average(noisy, timestep.expand(len(noisy)).to(noisy.device)).float()
                clean = scheduler.step(output, timestep, noisy).pred_original_sample.clamp(-1, 1)
                clean = torch.where(mask > 0, clean, known)
                noise = (noisy - alpha.sqrt() * clean) / (1 - alpha).sqrt()
                before = timestep - scheduler.config.num_train_timesteps // STEPS
                alpha = scheduler.alphas_cumprod[before] if before >= 0 else torch.tensor(1.0)
                noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
            found += list(clean.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy())
        return [found]


def snr(alphas: Tensor) -> Tensor:
    """Signal-to-noise ratio `abar / (1 - abar)`."""
    return alphas / (1 - alphas)


def min_snr(ratio: Tensor, gamma: float, prediction: str) -> Tensor:
    """Weights of the squared error, whatever is predicted as if `min(snr, gamma)` weighed that of the clean picture (Hang et al. 2023).

    Constant 1 for `gamma` 0.
    """
    if not gamma:
        return torch.ones_like(ratio)
    return ratio.clamp(max=gamma) / (ratio if prediction == "epsilon" else ratio + 1)

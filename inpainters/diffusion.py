"""What the samplers of pixel diffusion share: a denoiser's estimates, noise per picture, steps between noise levels, and the base class.

Pictures are (N, C, h, w), colours in [-1, 1]; masks (N, 1 or C, h, w) bool, True where missing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inpainters import schedules
from inpainters.base import Piece
from inpainters.imaging import Image, composite
from inpainters.learned import Learned, batches, inputs, to_images
from inpainters.networks.denoiser import Denoiser
from inpainters.schedules import Step

PREVIEWS = 24
"""Previews of a whole run, at most."""


class Estimate(NamedTuple):
    """What one network call says of a noisy picture; both (N, C, h, w)."""

    clean: Tensor
    """The clean picture, clamped to [-1, 1] where the schedule says so."""
    noise: Tensor
    """The noise in it, of standard deviation 1."""


@dataclass
class State:
    """Where a run stands after a step. The tensors are the sampler's own: copy what is to be kept."""

    t: int
    """Timestep that `noisy` is at; -1: clean."""
    noisy: Tensor
    clean: Tensor | None
    """The estimate that the step was made with; None after a jump."""
    jump: bool
    """True where the step added noise."""


Denoise = Callable[[Tensor, int], Estimate]
"""`denoise(noisy, t)`: one network call."""
Watch = Callable[[State], object]
"""Called after each step."""
Draw = Callable[[], Tensor]
"""Standard normal noise of the pictures' shape and type, such as `Noise`; never the same tensor twice."""


class Noise:
    """Standard normal noise, (N, C, h, w), each picture's from its own generator on the CPU: its companions do not matter."""

    def __init__(self, seeds: Sequence[int], shape: tuple[int, ...], device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
        channels, height, width = shape
        self.shape, self.device, self.dtype = (len(seeds), height, width, channels), device, dtype

    def __call__(self) -> Tensor:
        gpu = self.device.startswith("cuda")
        drawn = torch.empty(self.shape, dtype=self.dtype, pin_memory=gpu)
        for picture, generator in zip(drawn, self.generators, strict=True):
            picture.normal_(generator=generator)
        return drawn.to(self.device, non_blocking=gpu).permute(0, 3, 1, 2)  # in memory: channels last


# Steps between noise levels


def diffuse(clean: Tensor, abar: float, noise: Tensor) -> Tensor:
    """A clean picture at noise level `abar` (Ho et al. 2020, equation 4)."""
    return torch.add(clean * abar**0.5, noise, alpha=(1 - abar) ** 0.5)


def forward(noisy: Tensor, step: Step, noise: Tensor) -> Tensor:
    """From a noise level to a higher one (Ho et al. 2020, equation 2, over all timesteps between the two)."""
    ratio = step.abar_to / step.abar
    return torch.add(noisy * ratio**0.5, noise, alpha=(1 - ratio) ** 0.5)


def reverse(estimate: Estimate, step: Step, noise: Tensor, eta: float = 1.0) -> Tensor:
    """From a noise level to a lower one (Song et al. 2021, Denoising diffusion implicit models, equation 12).

    `eta` = 1 is the ancestral step of Ho et al. 2020, whose variance is the posterior's; 0 adds no noise.
    """
    variance = eta**2 * (1 - step.abar_to) / (1 - step.abar) * (1 - step.abar / step.abar_to)
    mean = torch.add(estimate.clean * step.abar_to**0.5, estimate.noise, alpha=max(0.0, 1 - step.abar_to - variance) ** 0.5)
    return mean.add_(noise, alpha=variance**0.5)


# The network


def levels(net: Denoiser) -> list[float]:
    """Share of the clean picture's variance at each timestep of the training."""
    return net.scheduler.alphas_cumprod.double().tolist()


def estimates(net: Denoiser, *, context: Tensor | None = None, bf16: bool = False) -> Denoise:
    """The network's answers as estimates, whatever it was trained to predict; `context` is what else it is shown."""
    config, abars = net.scheduler.config, levels(net)
    bound = config.clip_sample_range if config.clip_sample else None

    def denoise(noisy: Tensor, t: int) -> Estimate:
        timestep = torch.full((len(noisy),), t, device=noisy.device)
        with torch.autocast(noisy.device.type, torch.bfloat16) if bf16 else nullcontext():
            output = net(noisy, timestep, *([] if context is None else [context]))
        return estimate(noisy, output.to(noisy.dtype), abars[t], config.prediction_type, bound)

    return denoise


def estimate(noisy: Tensor, output: Tensor, abar: float, prediction: str, bound: float | None = 1.0) -> Estimate:
    """Both parts of a noisy picture from the network's output: "epsilon", "v_prediction" (Salimans and Ho 2022) or "sample"."""
    signal, sigma = abar**0.5, (1 - abar) ** 0.5
    if prediction == "v_prediction":
        clean = torch.sub(signal * noisy, output, alpha=sigma)
        noise = torch.add(signal * output, noisy, alpha=sigma)
    elif prediction == "sample":
        clean, noise = output.clone(), torch.sub(noisy, output, alpha=signal) / sigma
    else:
        clean, noise = torch.sub(noisy, output, alpha=sigma) / signal, output
    return Estimate(clean if bound is None else clean.clamp_(-bound, bound), noise)


# The base class


class Diffusion(Learned):
    """An unconditional denoiser that is steered by the known pixels. Subclasses give the loop: `sample`."""

    network = "inpainters.networks.denoiser:Denoiser"
    net: Denoiser

    def sample(self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step], watch: Watch) -> Tensor:
        """The clean pictures, (N, C, h, w). `known`: the pictures, of any value where `mask` is True."""
        raise NotImplementedError(f"{type(self).__name__} does not implement sample")

    def plan(self, options: Mapping[str, Any]) -> list[Step]:
        """The steps of a run under these options."""
        return schedules.plan(self.spec.name, options, levels(self.model(options)))

    def model(self, options: Mapping[str, Any]) -> Denoiser:
        """The network that these options ask for."""
        return _compiled(self.net) if options["compile"] and self.device.startswith("cuda") else self.net

    def fill_batch(self, pieces: Sequence[Piece]) -> list[Image]:
        fills: dict[int, Image] = {}
        by_options = sorted(pieces, key=lambda piece: repr(piece.options))
        for _, group in groupby(by_options, key=lambda piece: repr(piece.options)):
            for batch in batches(list(group)):
                for piece, image in zip(batch, self.draw(batch), strict=True):
                    fills[id(piece)] = image
        return [fills[id(piece)] for piece in pieces]

    def draw(self, pieces: Sequence[Piece], watch: Watch | None = None) -> list[Image]:
        """The fills of pieces of one size and the same options; `watch` sees each step."""
        options = pieces[0].options
        if options["compile"] and not self.device.startswith("cuda"):
            for piece in pieces:
                piece.notes.append("The network was not compiled: that pays on GPUs alone.")
        steps = self.plan(options)
        image, mask = inputs(pieces, self.device)
        known = (2 * image - 1).contiguous(memory_format=torch.channels_last)
        missing = (mask > 0).expand_as(known).contiguous(memory_format=torch.channels_last)  # a broadcast one is slow to choose by
        noise = Noise([piece.seed for piece in pieces], tuple(known.shape[1:]), self.device)
        denoise = estimates(self.model(options), bf16=options["precision"] == "bf16")
        reporting = reported(denoise, pieces, sum(not step.forward for step in steps))
        with torch.inference_mode():
            clean = self.sample(reporting, known, missing, noise, steps, watch or (lambda state: None))
        return pictures(clean)


@lru_cache(maxsize=4)
def _compiled(net: Denoiser) -> Denoiser:
    return torch.compile(net)  # type: ignore[return-value]  # it passes on all that the network has


def pictures(clean: Tensor) -> list[Image]:
    """(h, w, 3) uint8 each, from (N, 3, h, w) in [-1, 1]."""
    return to_images(clean.add(1).div(2))


def reported(denoise: Denoise, pieces: Sequence[Piece], total: int, show: Callable[[Tensor], list[Image]] = pictures) -> Denoise:
    """`denoise` that tells the pieces of each call: their count, their steps (which cancel) and now and then a preview."""
    done, every = 0, -(-total // PREVIEWS)

    def reporting(noisy: Tensor, t: int) -> Estimate:
        nonlocal done
        found = denoise(noisy, t)
        done += 1
        for piece in pieces:
            piece.network_calls += 1
            piece.on_step(done, total)
        if done % every == 0:
            for index, piece in enumerate(pieces):
                if piece.preview is not None:
                    piece.preview(composite(show(found.clean[index : index + 1])[0], piece.image, piece.mask))
        return found

    return reporting

"""Deep image prior: Ulyanov, Vedaldi and Lempitsky, CVPR 2018. A network is fitted to the known pixels alone;
its form is the prior.

Departures for two processor cores: narrower scales, few iterations, an average over some twenty of them, and
in place of a number of iterations chosen by hand an early stop on known pixels that the network is not shown.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inpainters.base import Frame, Inpainter, Piece
from inpainters.imaging import Image, Mask
from inpainters.methods.learned.base import inputs, pasted, to_images
from inpainters.networks.deep_image_prior import Hourglass, draw_weights

CHANNELS = 16
"""Channels of the noise that the network starts from."""
JITTER = 1 / 30
"""Standard deviation of what is added to that noise in each iteration (the paper's sigma_p)."""
FINEST = 8
"""Channels at full resolution, where most of the time goes."""
LEARNING_RATE = 0.01
AVERAGE = 0.95
HELD_OUT = 0.1
BLOCK = 4
"""Known pixels are held out in squares of this side: single ones could be read off their neighbours."""
PATIENCE = 0.25
"""It stops when the held-out error has not fallen for this share of all iterations."""
FRAMES = 12
"""Frames, and previews, of a whole run."""


@dataclass
class Fit:
    """Where the fit stands: the averaged picture (1, 3, h, w) with the smallest held-out error so far."""

    step: int
    picture: Tensor
    error: float
    """Mean squared difference of the average so far at held-out pixels; at all known ones where none could be
    held out.
    """
    best: float
    best_step: int


class DeepImagePrior(Inpainter):
    def fill(self, piece: Piece) -> Image:
        every = max(1, piece.options["iterations"] // FRAMES)
        for fit in self.fits(piece):
            if piece.preview is not None and fit.step % every == 0:
                piece.preview(to_images(fit.picture)[0])
        return to_images(fit.picture)[0]

    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        every = max(1, piece.options["iterations"] // FRAMES)
        for fit in self.fits(piece):
            if fit.step == 1 or fit.step % every == 0:
                psnr = -10 * math.log10(max(fit.error, 1e-10))
                title = f"Iteration {fit.step}: {psnr:.1f} dB on known pixels that it is not shown"
                yield Frame(f"iteration/{fit.step}", title, pasted(fit.picture, piece), psnr)
        return to_images(fit.picture)[0]

    def fits(self, piece: Piece) -> Iterator[Fit]:
        """One `Fit` per iteration, until the last or until the held-out error no longer falls."""
        iterations: int = piece.options["iterations"]
        generator = torch.Generator().manual_seed(piece.seed % 2**63)
        image, mask = inputs([piece], self.device)
        shown, held = (_on(known, mask) for known in split(piece.mask, piece.rng))
        network = fresh_hourglass(piece.mask.shape, piece.options["width"], generator)
        network = network.to(self.device).to(memory_format=torch.channels_last)
        _start_at(network, (image * (1 - mask)).sum((2, 3)) / (1 - mask).sum((2, 3)))
        noise = 0.1 * torch.rand(1, CHANNELS, *piece.mask.shape, generator=generator)
        optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
        fit: Fit | None = None
        average = torch.zeros_like(image)
        for step in range(1, iterations + 1):
            jittered = noise + JITTER * torch.randn(noise.shape, generator=generator)
            drawn = network(jittered.to(self.device, memory_format=torch.channels_last))
            loss = mean_square(drawn - image, shown)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            piece.network_calls += 1
            share = max(1 - AVERAGE, 1 / step)
            average = average.lerp(drawn.detach(), share)
            error = mean_square(average - image, held).item()
            if fit is None or error < fit.best:
                fit = Fit(step, average, error, error, step)
            fit = Fit(step, fit.picture, error, fit.best, fit.best_step)
            piece.on_step(step, iterations)
            yield fit
            if step - fit.best_step > PATIENCE * iterations or not math.isfinite(error):
                piece.notes.append(
                    f"It ended after {step} of {iterations} iterations: known pixels it is not shown came "
                    "out no better."
                )
                piece.on_step(iterations, iterations)
                return


def split(mask: Mask, rng: np.random.Generator) -> tuple[Mask, Mask]:
    """Known pixels to fit, and a tenth of them, in squares, to stop by; all for both where no more than one
    of the two would be left.
    """
    height, width = mask.shape
    coarse = rng.random((-(-height // BLOCK), -(-width // BLOCK))) < HELD_OUT
    held = np.kron(coarse, np.ones((BLOCK, BLOCK), bool))[:height, :width] & ~mask
    shown = ~mask & ~held
    return (shown, held) if held.any() and shown.any() else (~mask, ~mask)


def fresh_hourglass(size: tuple[int, ...], width: int, generator: torch.Generator) -> Hourglass:
    """Channels double from FINEST to `width`;
    as many scales, five at most, as leave two pixels a side at the deepest.
    """
    scales = min(5, int(math.log2(min(size))) - 1)
    with torch.device("meta"):
        network = Hourglass(CHANNELS, tuple(min(width, FINEST * 2**level) for level in range(scales + 1)))
    network = network.to_empty(device="cpu")
    draw_weights(network, generator)
    return network


def mean_square(difference: Tensor, where: Tensor) -> Tensor:
    """Mean of the squares over (1, 1, h, w) `where`, 1 or 0, and the three colours."""
    return (difference.square() * where).sum() / (3 * where.sum())


def _on(known: Mask, like: Tensor) -> Tensor:
    return torch.from_numpy(known)[None, None].to(like)


def _start_at(network: Hourglass, colour: Tensor) -> None:
    """Let the first picture be of about that colour, (1, 3): the fit need not look for it."""
    with torch.no_grad():
        network.head.get_parameter("bias").copy_(torch.logit(colour[0], 0.02))

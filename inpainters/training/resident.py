"""Training data on the device: all pictures lie there, and crops are cut there, many thousands a second. For
networks so small that a processor cuts crops and draws holes slower than a GPU learns from them.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from inpainters.training.data import Pictures, bank
from inpainters.training.recipe import Recipe

MASKS = 16_384
"""Holes that are drawn before the first step where the recipe does not say how many."""
FINE = 4
"""Samples along a side of each pixel of a crop: their mean stands for the mean over the pixel's area."""


class ResidentBatches:
    """Item `step` is the batch `(image, mask)` of that step, as `data.Batches` has it, on the device; pure in
    (seed, step) on the same device.
    """

    def __init__(
        self,
        pictures: Pictures,
        indices: Sequence[int],
        recipe: Recipe,
        device: str,
        share: tuple[int, int] = (0, 1),
        *,
        masks: int | None = None,
    ) -> None:
        self.recipe, self.device, self.share = recipe, device, share
        self.places = torch.from_numpy(pictures.places[np.asarray(indices)]).to(device)
        self.pixels = torch.from_numpy(np.array(pictures.pixels)).to(device).view(-1, 3)
        self.masks = torch.from_numpy(
            bank(recipe.masks, recipe.data.crop, masks or recipe.masks.bank or MASKS, recipe.seed)
        ).to(device)

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rank, world = self.share
        batch = self.recipe.optimizer.batch // world
        rng = torch.Generator(self.device).manual_seed(
            (self.recipe.seed * 1_000_003 + step) * world + rank + 2**40
        )
        return self._crops(batch, rng), self._holes(batch, rng)

    def over(self, steps: range) -> Iterator[tuple[Tensor, Tensor]]:
        return (self[step] for step in steps)

    def _crops(self, batch: int, rng: torch.Generator) -> Tensor:
        """(N, 3, crop, crop) float in [0, 1]: squares of a random side from `crop` to the picture's shorter
        one, shrunk by area, flipped half the time.
        """
        size = self.recipe.data.crop
        draw = partial(torch.rand, batch, generator=rng, device=self.device)
        offset, height, width = self.places[(draw() * len(self.places)).long()].unbind(1)
        side = size + (draw() * (torch.minimum(height, width) - size + 1)).long()
        top, left = (draw() * (height - side + 1)).long(), (draw() * (width - side + 1)).long()
        ticks = (torch.arange(size * FINE, device=self.device) + 0.5) / (size * FINE)
        steps = (ticks * side[:, None]).long()
        flipped = torch.where((draw() < 0.5)[:, None], side[:, None] - 1 - steps, steps)
        rows, columns = top[:, None] + steps, left[:, None] + flipped
        at = offset[:, None, None] // 3 + rows[:, :, None] * width[:, None, None] + columns[:, None, :]
        fine = self.pixels[at].view(batch, size, FINE, size, FINE, 3)
        mean = fine.float().mean((2, 4)).round().div(255)
        return mean.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def _holes(self, batch: int, rng: torch.Generator) -> Tensor:
        """(N, 1, crop, crop) float, 1 where missing."""
        draw = partial(torch.rand, batch, 1, 1, generator=rng, device=self.device)
        found = self.masks[(draw()[:, 0, 0] * len(self.masks)).long()]
        found = torch.where(draw() < 0.5, found.flip(1), found)
        found = torch.where(draw() < 0.5, found.flip(2), found)
        found = torch.where(draw() < 0.5, found.transpose(1, 2), found)
        return found[:, None].float()

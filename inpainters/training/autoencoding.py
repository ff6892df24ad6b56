"""Training of the autoencoder of latent diffusion: the whole picture is the hole, and the network sees it."""

import numpy as np
import torch
from torch import Tensor

from inpainters.imaging import Image
from inpainters.training.data import validation
from inpainters.training.loop import Trainer


class AutoencodingTrainer(Trainer):
    """The losses of inpainting with every pixel in the hole: L1 and the perceptual ones compare the
    reconstruction with the picture.
    """

    fills = False
    kinds = ("whole",)

    def learn(
        self, image: Tensor, mask: Tensor, guide: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        return super().learn(image, torch.ones_like(mask), guide)

    def stages(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        with self._autocast():
            return list(self.network(image))

    def sample(self, count: int) -> tuple[list[Image], list[np.ndarray]]:
        images, masks = validation(self.pictures, self.held, self.recipe, count)
        return images, [np.ones_like(mask) for mask in masks]

    def drawn(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        return list(self.average(image))

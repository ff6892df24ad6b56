"""The other player: a discriminator with its own Adam, whose state goes into the checkpoint."""

from typing import Any

import torch
from torch import Tensor

from inpainters.training import losses, parallel
from inpainters.training.recipe import Recipe


class Adversary:
    """Learns to tell composites from photographs, and tells the generator how well it does.

    Both players take one step each per step of the run (Yu 2019, algorithm 1). Networks run in what autocast
    says, losses in float32.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe = recipe
        network = parallel.synchronise(recipe.build_discriminator()).to(device)
        self.network = network.to(memory_format=torch.channels_last)
        self.judge, self.persuade = losses.ADVERSARIAL[recipe.discriminator.loss]
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), recipe.discriminator.rate, recipe.discriminator.betas
        )

    def learn(self, real: Tensor, fake: Tensor, mask: Tensor, guide: Tensor | None, factor: float) -> Tensor:
        """One step of the discriminator's optimizer at `factor` times its rate; returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.discriminator.rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.judge(self._scores(real, mask, guide), self._scores(fake.detach(), mask, guide))
        loss.backward()
        parallel.average_gradients(self.network.parameters())
        self.optimizer.step()
        return loss.detach()

    def term(self, fake: Tensor, mask: Tensor, guide: Tensor | None) -> Tensor:
        """The generator's loss; no gradient is left in the discriminator."""
        self.network.requires_grad_(False)
        loss = self.persuade(self._scores(fake, mask, guide))
        self.network.requires_grad_(True)
        return loss

    def _scores(self, picture: Tensor, mask: Tensor, guide: Tensor | None) -> Tensor:
        with torch.autocast(picture.device.type, torch.bfloat16, enabled=self.recipe.optimizer.bf16):
            given = (picture, mask) if guide is None else (picture, mask, guide)
            return self.network(*given).float()

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

"""The other player: a discriminator with its own Adam, whose state goes into the checkpoint.

What keeps it from being too sure, or from judging what nobody drew, is from Suvorov et al., Resolution-robust
large mask inpainting with Fourier convolutions, WACV 2022, section 2.2.
"""

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
        self.network: Any = network.to(memory_format=torch.channels_last)
        self.judge, self.persuade = losses.ADVERSARIAL[recipe.discriminator.loss]
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), recipe.discriminator.rate, recipe.discriminator.betas
        )

    def learn(self, real: Tensor, fake: Tensor, mask: Tensor, guide: Tensor | None, factor: float) -> Tensor:
        """One step of the discriminator's optimizer at `factor` times its rate; returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.discriminator.rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        scores, penalty = self._real(real, mask, guide)
        pair = scores, self._scores(fake.detach(), mask, guide)
        loss = penalty + self.judge(*(self._drawn(found, mask) for found in pair))
        loss.backward()
        parallel.average_gradients(self.network.parameters())
        self.optimizer.step()
        return loss.detach()

    def _real(self, real: Tensor, mask: Tensor, guide: Tensor | None) -> tuple[Tensor, Tensor]:
        """Scores of photographs, and the weighted penalty R1 on their gradient."""
        weight = self.recipe.discriminator.r1
        if not weight:
            return self._scores(real, mask, guide), torch.zeros((), device=real.device)
        real = real.detach().requires_grad_()
        with torch.autocast(real.device.type, enabled=False):  # its gradient is differentiated once more
            scores = self.network(*_given(real, mask, guide))
        return scores, weight * losses.r1(scores, real)

    def terms(self, fake: Tensor, real: Tensor, mask: Tensor, guide: Tensor | None) -> dict[str, Tensor]:
        """The generator's losses; no gradient is left in the discriminator."""
        self.network.requires_grad_(False)
        if self.recipe.losses.features:
            with torch.no_grad():
                wanted = self._maps(real, mask, guide)
            *features, scores = self._maps(fake, mask, guide)
            found = {"features": losses.feature_matching(features, wanted[:-1])}
        else:
            found, scores = {}, self._scores(fake, mask, guide)
        self.network.requires_grad_(True)
        return found | {"adversarial": self.persuade(self._drawn(scores, mask))}

    def _drawn(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The scores that some missing pixel lies under; all of them unless the recipe says `hole_only`.

        Of photographs too: it sees the hole, and else would only learn where it is.
        """
        if not self.recipe.discriminator.hole_only:
            return scores
        under = torch.nn.functional.adaptive_max_pool2d(mask, scores.shape[-2:]) > 0
        return scores[under.expand_as(scores)]

    def _scores(self, picture: Tensor, mask: Tensor, guide: Tensor | None) -> Tensor:
        with self._autocast(picture):
            return self.network(*_given(picture, mask, guide)).float()

    def _maps(self, picture: Tensor, mask: Tensor, guide: Tensor | None) -> list[Tensor]:
        with self._autocast(picture):
            return [found.float() for found in self.network.maps(*_given(picture, mask, guide))]

    def _autocast(self, picture: Tensor) -> torch.autocast:
        return torch.autocast(picture.device.type, torch.bfloat16, enabled=self.recipe.optimizer.bf16)

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def _given(picture: Tensor, mask: Tensor, guide: Tensor | None) -> tuple[Tensor, ...]:
    return (picture, mask) if guide is None else (picture, mask, guide)

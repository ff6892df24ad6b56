"""Two stages of gated convolutions: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019.

`GatedGenerator` has the paper's topology; `SlimGatedGenerator` is the bundled form.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from inpainters.networks.contextual_attention import TwoStage
from inpainters.networks.layers import Attention, GatedConv2d
from inpainters.networks.layers.gated_conv import Padding
from inpainters.networks.slim import Stage, double, first_fill, halved, stage_inputs


class GatedGenerator(nn.Module):
    """The paper's generator (section 3.4): the two stages of contextual attention, each convolution gated,
    with a sketch beside the mask.

    `cnum` counts planes before half of them become gates, as the authors do, so that a layer has `cnum / 2`
    features or a multiple. Args of `forward`: `image` (N, 3, H, W) in [0, 1], `mask` (N, 1, H, W) 1 where
    missing, `guide` (N, 1, H, W) a sketch in [0, 1] or None (only with `guide=True`). Returns the coarse and
    the refined picture, (N, 3, H, W) each, neither clamped (the authors' tanh is left out) nor composited.
    """

    def __init__(self, cnum: int = 48, guide: bool = True) -> None:
        super().__init__()
        self.guided = guide
        self.stages = TwoStage(GatedConv2d, 6 if guide else 5, cnum // 2)

    def forward(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        return self._run(image, mask, guide, False)[0]

    def attend(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> Attention:
        """Where each missing position, at a quarter of the resolution, copies from, weights included."""
        return self._run(image, mask, guide, True)[1]

    def _run(
        self, image: Tensor, mask: Tensor, guide: Tensor | None, weights: bool
    ) -> tuple[list[Tensor], Attention]:
        planes = [torch.ones_like(mask), mask]
        if self.guided:
            planes.append(torch.zeros_like(mask) if guide is None else guide)
        pictures, attention = self.stages(2 * image - 1, mask, torch.cat(planes, 1), weights)
        return [(picture + 1) / 2 for picture in pictures], attention


class SlimGatedGenerator(nn.Module):
    """The bundled form: coarse stage at half resolution, refinement at full resolution, scales down to 1/8
    with skips added.

    Both stages add to a smooth first fill of the hole. Args of `forward`: `image` (N, 3, H, W) in [0, 1],
    `mask` (N, 1, H, W) 1 where missing, `guide` (N, 1, H, W) a sketch in [0, 1] or None. Returns the coarse
    and the refined picture, (N, 3, H, W) each, not clamped and not composited. `padding_mode` as in
    `nn.Conv2d`: zeros at the border draw rectangles into holes that touch it. `detached`: the refinement
    learns from the coarse picture without teaching the coarse stage, which has a loss of its own; taught by
    both, it closes its last gates, and no gradient opens them again.
    """

    def __init__(
        self,
        coarse: Sequence[int] = (16, 48, 96),
        coarse_dilations: Sequence[int] = (1, 2, 4, 8),
        refine: Sequence[int] = (16, 64, 128, 192),
        refine_dilations: Sequence[int] = (1, 2, 4, 1, 2, 4),
        activation: str = "leaky_relu",
        padding_mode: Padding = "zeros",
        detached: bool = False,
    ) -> None:
        super().__init__()
        self.detached = detached
        conv = partial(GatedConv2d, padding_mode=padding_mode)
        self.coarse = Stage(5, coarse, coarse_dilations, activation, conv)
        self.refine = Stage(5, refine, refine_dilations, activation, conv)

    def forward(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        guide = torch.zeros_like(mask) if guide is None else guide
        first, mean = first_fill(image, mask)
        coarse = first + double(self.coarse(halved(stage_inputs(first, mask, guide))), first)
        pasted = torch.where(mask > 0, coarse.detach() if self.detached else coarse, first)
        refined = pasted + self.refine(stage_inputs(pasted, mask, guide)).float()
        return [coarse + mean, refined + mean]

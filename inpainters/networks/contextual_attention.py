"""Coarse and refined with contextual attention: Yu et al., Generative Image Inpainting with Contextual
Attention, CVPR 2018.

`ContextualAttentionGenerator` has the paper's topology;
`SlimContextualAttentionGenerator` is the bundled form.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.networks.layers import Attention, contextual_attention
from inpainters.networks.layers.gated_conv import ACTIVATIONS
from inpainters.networks.slim import Conv, Stage, double, first_fill, halved, stage_inputs


class MirrorConv2d(nn.Module):
    """Convolution with mirror padding and an activation (section 3);
    maps too small for a mirror repeat their edge.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        activation: str = "elu",
    ) -> None:
        super().__init__()
        self.padding = dilation * (kernel - 1) // 2
        self.features = nn.Conv2d(inputs, outputs, kernel, stride, 0, dilation)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        mode = "reflect" if min(x.shape[-2:]) > self.padding else "replicate"
        return self.activation(self.features(F.pad(x, (self.padding,) * 4, mode=mode)))


class Conv2d(nn.Module):
    """Convolution with zero padding and an activation, for speed."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        activation: str = "elu",
    ) -> None:
        super().__init__()
        self.features = nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel - 1) // 2, dilation)
        self.activation = ACTIVATIONS[activation]
        nn.init.kaiming_normal_(self.features.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.features(x))


def encoder(conv: Conv, channels: int, widths: Sequence[int], last: str = "elu") -> nn.Sequential:
    """Six layers down to a quarter: (N, channels, H, W) to (N, widths[-1], H / 4, W / 4)."""
    kernels, strides = (5, 3, 3, 3, 3, 3), (1, 2, 1, 2, 1, 1)
    rows = zip((channels, *widths[:-1]), widths, kernels, strides, ("elu",) * 5 + (last,), strict=True)
    return nn.Sequential(
        *(conv(a, b, kernel, stride=stride, activation=act) for a, b, kernel, stride, act in rows)
    )


def dilated(conv: Conv, width: int) -> nn.Sequential:
    return nn.Sequential(*(conv(width, width, dilation=d) for d in (2, 4, 8, 16)))


class Decoder(nn.Module):
    """From a quarter to the picture: seven layers, enlarged twice by nearest neighbour."""

    def __init__(self, conv: Conv, channels: int, cnum: int) -> None:
        super().__init__()
        self.quarter = nn.Sequential(conv(channels, 4 * cnum), conv(4 * cnum, 4 * cnum))
        self.middle = nn.Sequential(conv(4 * cnum, 2 * cnum), conv(2 * cnum, 2 * cnum))
        last = nn.Conv2d(cnum // 2, 3, 3, padding=1, padding_mode="reflect")
        self.full = nn.Sequential(conv(2 * cnum, cnum), conv(cnum, cnum // 2), last)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        x = F.interpolate(self.quarter(x), size=[-(-side // 2) for side in size])
        return self.full(F.interpolate(self.middle(x), size=tuple(size)))


class TwoStage(nn.Module):
    """The two stages of Yu 2018, figure 3, of any convolution `conv`; `channels` are the planes that enter
    each stage.

    The refinement has two encoders side by side, one with dilated convolutions, one with contextual
    attention; the decoder sees both.
    """

    def __init__(self, conv: Conv, channels: int, cnum: int) -> None:
        super().__init__()
        c = cnum
        self.coarse = nn.Sequential(
            encoder(conv, channels, (c, 2 * c, 2 * c, 4 * c, 4 * c, 4 * c)), dilated(conv, 4 * c)
        )
        self.coarse_decoder = Decoder(conv, 4 * c, c)
        self.refine = nn.Sequential(
            encoder(conv, channels, (c, c, 2 * c, 2 * c, 4 * c, 4 * c)), dilated(conv, 4 * c)
        )
        self.matching = encoder(conv, channels, (c, c, 2 * c, 4 * c, 4 * c, 4 * c), last="relu")
        self.pasted = nn.Sequential(conv(4 * c, 4 * c), conv(4 * c, 4 * c))
        self.refine_decoder = Decoder(conv, 8 * c, c)

    def forward(
        self, picture: Tensor, hole: Tensor, planes: Tensor, weights: bool = False
    ) -> tuple[list[Tensor], Attention]:
        """`picture` in [-1, 1], `planes` what is told beside the colours; coarse and refined in [-1, 1], and
        the attention.
        """
        known = picture * (1 - hole)
        coarse = self.coarse_decoder(self.coarse(torch.cat((known, planes), 1)), picture.shape[-2:])
        x = torch.cat((coarse * hole + known, planes), 1)
        pasted, attention = contextual_attention(
            self.matching(x), quarter(hole), propagate=True, weights=weights
        )
        both = torch.cat((self.refine(x), self.pasted(pasted)), 1)
        return [coarse, self.refine_decoder(both, picture.shape[-2:])], attention


def quarter(mask: Tensor) -> Tensor:
    """At a quarter of the resolution: missing where any pixel is, (N, 1, ceil(H / 4), ceil(W / 4))."""
    return F.max_pool2d(mask, 4, ceil_mode=True)


class ContextualAttentionGenerator(nn.Module):
    """The paper's generator (section 3 and 4.2), ELU and mirror padding throughout, no normalisation.

    Args of `forward`: `image` (N, 3, H, W) in [0, 1], `mask` (N, 1, H, W) 1 where missing. Returns the
    coarse and the refined picture, (N, 3, H, W) each, neither clamped (the paper clips) nor composited.
    Attention is computed at a quarter of the resolution, without the authors' further halving of the
    features that are matched.
    """

    def __init__(self, cnum: int = 32) -> None:
        super().__init__()
        self.stages = TwoStage(MirrorConv2d, 5, cnum)

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        return self._run(image, mask, False)[0]

    def attend(self, image: Tensor, mask: Tensor) -> Attention:
        """Where each missing position, at a quarter of the resolution, copies from, weights included."""
        return self._run(image, mask, True)[1]

    def _run(self, image: Tensor, mask: Tensor, weights: bool) -> tuple[list[Tensor], Attention]:
        planes = torch.cat((torch.ones_like(mask), mask), 1)
        pictures, attention = self.stages(2 * image - 1, mask, planes, weights)
        return [(picture + 1) / 2 for picture in pictures], attention


class AttentionStage(Stage):
    """A slim stage with a branch of contextual attention from its features at a quarter of the resolution to
    its decoder.
    """

    def __init__(
        self,
        inputs: int,
        widths: Sequence[int],
        dilations: Sequence[int],
        activation: str,
        width: int,
        scale: float,
        propagate: bool,
    ) -> None:
        super().__init__(inputs, widths, dilations, activation, Conv2d)
        self.match = nn.Sequential(
            Conv2d(widths[2], width, activation=activation), Conv2d(width, width, activation="linear")
        )
        self.paste = nn.Sequential(
            Conv2d(width, widths[2], activation=activation), Conv2d(widths[2], widths[2], activation="linear")
        )
        self.scale, self.propagate = scale, propagate

    def attend(self, x: Tensor, mask: Tensor, weights: bool = False) -> tuple[Tensor, Attention]:
        skips = [self.stem(x)]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = self.match(skips[2])
        # Without what all positions share, unlike ones have a cosine of about 0.
        x = x - x.mean((2, 3), keepdim=True)
        pasted, attention = contextual_attention(
            x, quarter(mask), scale=self.scale, propagate=self.propagate, weights=weights
        )
        skips[2] = skips[2] + self.paste(pasted)
        x = self.bottom(skips.pop())
        for up in self.up:
            x = up(x, skips.pop())
        return self.head(x), attention


class SlimContextualAttentionGenerator(nn.Module):
    """Coarse stage at half resolution, refinement with attention at a quarter; both add to a smooth first
    fill.

    `forward` as in `ContextualAttentionGenerator`.
    """

    def __init__(
        self,
        coarse: Sequence[int] = (16, 64, 128),
        coarse_dilations: Sequence[int] = (1, 2, 4, 8),
        refine: Sequence[int] = (16, 64, 128, 192),
        refine_dilations: Sequence[int] = (1, 2, 4, 1, 2, 4),
        matching: int = 64,
        scale: float = 20.0,
        propagate: bool = False,
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__()
        self.coarse = Stage(5, coarse, coarse_dilations, activation, Conv2d)
        self.refine = AttentionStage(5, refine, refine_dilations, activation, matching, scale, propagate)

    def forward(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        return self._run(image, mask, False)[0]

    def attend(self, image: Tensor, mask: Tensor) -> Attention:
        """Where each missing position, at a quarter of the resolution, copies from, weights included."""
        return self._run(image, mask, True)[1]

    def _run(self, image: Tensor, mask: Tensor, weights: bool) -> tuple[list[Tensor], Attention]:
        blank = torch.zeros_like(mask)
        first, mean = first_fill(image, mask)
        coarse = first + double(self.coarse(halved(stage_inputs(first, mask, blank))), first)
        pasted = torch.where(mask > 0, coarse, first)
        added, attention = self.refine.attend(stage_inputs(pasted, mask, blank), mask, weights)
        return [coarse + mean, pasted + added.float() + mean], attention

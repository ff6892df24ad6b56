"""Losses of the learned methods. Pictures are (N, 3, H, W) in [0, 1], masks (N, 1, H, W) 1 where missing."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.errors import UnavailableError
from inpainters.weights import folders

BACKBONE = "squeezenet1_1_features.pth"
"""State dict of `torchvision.models.squeezenet1_1().features`."""


def masked_l1(predicted: Tensor, target: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference over the pixels where `where` is 1; 0 where there are none."""
    return ((predicted - target).abs() * where).sum() / (where.sum() * predicted.shape[1]).clamp(min=1)


def boundary_variation(composite: Tensor, mask: Tensor) -> Tensor:
    """Total variation on the one-pixel dilation of the hole (Liu 2018, equation 6), per pair of neighbours there."""
    grown = F.max_pool2d(mask, 3, 1, 1)
    across = grown[..., :, 1:] * grown[..., :, :-1]
    down = grown[..., 1:, :] * grown[..., :-1, :]
    return masked_l1(composite[..., :, 1:], composite[..., :, :-1], across) + masked_l1(composite[..., 1:, :], composite[..., :-1, :], down)


def gram(features: Tensor) -> Tensor:
    """Gram matrices (N, C, C) of features (N, C, H, W), divided by C·H·W (Liu 2018, equation 4)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


class LpipsSqueeze(nn.Module):
    """LPIPS (Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018), SqueezeNet 1.1, v0.1.

    The linear heads come with the `lpips` package, the backbone from a weights folder.
    """

    taps = (1, 4, 7, 9, 10, 11, 12)

    def __init__(self, backbone: Path) -> None:
        super().__init__()
        from torchvision.models import squeezenet1_1

        self.features = squeezenet1_1(weights=None).features
        self.features.load_state_dict(torch.load(backbone, weights_only=True, map_location="cpu"))
        heads = torch.load(str(files("lpips") / "weights/v0.1/squeeze.pth"), weights_only=True, map_location="cpu")
        for i in range(len(self.taps)):
            self.register_buffer(f"head{i}", heads[f"lin{i}.model.1.weight"])
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def activations(self, image: Tensor) -> list[Tensor]:
        """Features of (N, 3, H, W) in [0, 1] at the seven taps, (N, H, W, C) float."""
        x = ((2 * image - 1) - self.shift) / self.scale
        x = x.contiguous(memory_format=torch.channels_last)
        found = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                found.append(x.float().permute(0, 2, 3, 1))
        return found

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Distance per picture, (N,)."""
        with torch.no_grad():
            wanted = self.activations(target)
        given = self.activations(predicted)
        with torch.autocast(predicted.device.type, enabled=False):
            heads = (getattr(self, f"head{i}").flatten() for i in range(len(self.taps)))
            return sum(_distance(a, b, head) for a, b, head in zip(given, wanted, heads, strict=True))


def _distance(a: Tensor, b: Tensor, head: Tensor) -> Tensor:
    """Mean over positions of `sum(head * (a/|a| - b/|b|)^2)`, (N,).

    Multiplied out, so that the large tensors are only squared and multiplied, never divided: half the time on a processor.
    """
    pair = torch.stack((torch.ones_like(head), head))
    aa, bb, ab = F.linear(a.square(), pair), F.linear(b.square(), pair), F.linear(a * b, head[None])[..., 0]
    norm_a, norm_b = ((x[..., 0] + 1e-20).sqrt() + 1e-10 for x in (aa, bb))
    distance = aa[..., 1] / norm_a.square() + bb[..., 1] / norm_b.square() - 2 * ab / (norm_a * norm_b)
    return distance.mean((1, 2))


def perceptual(name: str) -> nn.Module | None:
    """The perceptual distance of that name ("lpips_squeeze", or "none"); raises UnavailableError where its backbone is absent."""
    if name == "none":
        return None
    path = next((p for folder in folders() for p in (folder / BACKBONE, *folder.glob(f"*/{BACKBONE}")) if p.is_file()), None)
    if path is None:
        raise UnavailableError(
            f"The perceptual loss needs '{BACKBONE}': put it into a folder named by INPAINTING_WEIGHTS, or set losses.network = \"none\"."
        )
    return LpipsSqueeze(path).to(memory_format=torch.channels_last)


def total(terms: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """The weighted sum of the terms that have a weight."""
    return sum((weights[name] * term for name, term in terms.items() if weights.get(name)), start=torch.zeros(()))


def reconstruction(stages: Sequence[Tensor], target: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """L1 on the hole and on the valid part of the last stage, and on the hole of those before it."""
    terms = {"hole": masked_l1(stages[-1], target, mask), "valid": masked_l1(stages[-1], target, 1 - mask)}
    if len(stages) > 1:
        terms["coarse"] = masked_l1(stages[0], target, mask)
    return terms

"""Losses of the learned methods. Pictures are (N, 3, H, W) in [0, 1], masks (N, 1, H, W) 1 where missing."""

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.training import parallel
from inpainters.weights.files import verified


def added(parts: Iterable[Tensor]) -> Tensor:
    """The sum of one tensor or more."""
    return reduce(operator.add, parts)


def masked_error(
    predicted: Tensor, target: Tensor, where: Tensor, *, power: int = 1, per_picture: bool = False
) -> Tensor:
    """Sum of `where · |predicted - target|^power` over the number of pixels where `where` is not 0
    (`per_picture`: of all pixels).

    `where` (N, 1, H, W) may hold weights. 0 where there is nothing to compare.
    """
    error = (predicted - target).abs() if power == 1 else (predicted - target).square()
    count = torch.tensor(float(where.numel())) if per_picture else parallel.mean((where > 0).sum().float())
    return (error * where).sum() / (count.to(error.device) * predicted.shape[1]).clamp(min=1)


def masked_l1(predicted: Tensor, target: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference over the pixels where `where` is 1; 0 where there are none."""
    return masked_error(predicted, target, where)


def boundary_variation(composite: Tensor, mask: Tensor, *, per_picture: bool = False) -> Tensor:
    """Total variation on the one-pixel dilation of the hole (Liu 2018, equation 6), per pair of neighbours
    there.

    `per_picture`: divided by the number of all values, as the paper has it.
    """
    grown = F.max_pool2d(mask, 3, 1, 1)
    across = grown[..., :, 1:] * grown[..., :, :-1]
    down = grown[..., 1:, :] * grown[..., :-1, :]
    sides = (
        (composite[..., :, 1:], composite[..., :, :-1], across),
        (composite[..., 1:, :], composite[..., :-1, :], down),
    )
    if not per_picture:
        return added(masked_l1(*side) for side in sides)
    return added(((a - b).abs() * both).sum() for a, b, both in sides) / composite.numel()


def discounted(mask: Tensor, discount: float) -> Tensor:
    """`discount^l` in the hole, l the distance to the nearest known pixel, 0 elsewhere (Yu 2018, section
    3.2); (N, 1, H, W).
    """
    holes = mask[:, 0].cpu().numpy().astype(np.uint8)
    far = np.stack([cv2.distanceTransform(hole, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for hole in holes])
    # Where nothing is known OpenCV's distances are astronomic: the discount ends at 0.
    return mask * torch.from_numpy(np.power(discount, far))[:, None].to(mask)


def gram(features: Tensor) -> Tensor:
    """Gram matrices (N, C, C) of features (N, C, H, W), divided by C·H·W (Liu 2018, equation 4)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def style_loss(given: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Sum over the layers of the mean absolute difference of Gram matrices (Liu 2018, equation 4); features
    are (N, H, W, C).
    """
    pairs = (
        (gram(a.permute(0, 3, 1, 2)), gram(b.permute(0, 3, 1, 2))) for a, b in zip(given, wanted, strict=True)
    )
    return added((a - b).abs().mean() for a, b in pairs)


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """`E[relu(1 - D(real))] + E[relu(1 + D(fake))]` (Yu 2019, equation 2)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """`-E[D(fake)]` (Yu 2019, equation 1)."""
    return -fake.mean()


def cross_entropy_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """`-E[log σ(real)] - E[log(1 - σ(fake))]` of logits (Pathak 2016, equation 2)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def cross_entropy_generator(fake: Tensor) -> Tensor:
    """`-E[log σ(fake)]`, whose gradient does not vanish where the discriminator is sure."""
    return F.softplus(-fake).mean()


def r1(scores: Tensor, real: Tensor) -> Tensor:
    """`E[|∇D(x)|²]` at photographs `real` (Mescheder et al. 2018, equation 9, without γ/2).

    Where a picture has many scores, of their sum, divided by their number: the mean of what each would give,
    did they look at pixels of their own.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum() / scores.numel()


def feature_matching(given: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Mean over the layers of the mean absolute difference of the discriminator's features (Wang et al. 2018,
    High-resolution image synthesis with conditional GANs, equation 4).
    """
    return added((a - b).abs().mean() for a, b in zip(given, wanted, strict=True)) / len(given)


ADVERSARIAL: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "hinge": (hinge_discriminator, hinge_generator),
    "cross_entropy": (cross_entropy_discriminator, cross_entropy_generator),
}
"""Name -> the discriminator's loss of (real, fake) and the generator's of (fake)."""


class LpipsSqueeze(nn.Module):
    """LPIPS (Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR
    2018), SqueezeNet 1.1, v0.1.

    The linear heads come with the `lpips` package, the backbone from a weights folder.
    """

    taps = (1, 4, 7, 9, 10, 11, 12)
    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: Path) -> None:
        super().__init__()
        from torchvision.models import squeezenet1_1

        self.features = squeezenet1_1(weights=None).features
        _load(self.features, backbone)
        heads = torch.load(
            str(files("lpips") / "weights/v0.1/squeeze.pth"), weights_only=True, map_location="cpu"
        )
        for i in range(len(self.taps)):
            self.register_buffer(f"head{i}", heads[f"lin{i}.model.1.weight"])
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def maps(self, image: Tensor) -> list[Tensor]:
        """Features of (N, 3, H, W) in [0, 1] at the seven taps, (N, H, W, C) float."""
        x = ((2 * image - 1) - self.shift) / self.scale
        x = x.contiguous(memory_format=torch.channels_last)
        found = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                found.append(x.float().permute(0, 2, 3, 1))
        return found

    def between(self, given: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Distance of two pictures' features per picture, (N,)."""
        with torch.autocast(given[0].device.type, enabled=False):
            heads = (getattr(self, f"head{i}").flatten() for i in range(len(self.taps)))
            return added(_distance(a, b, head) for a, b, head in zip(given, wanted, heads, strict=True))

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Distance per picture, (N,)."""
        with torch.no_grad():
            wanted = self.maps(target)
        return self.between(self.maps(predicted), wanted)


class FeatureDistance(nn.Module):
    """Mean absolute difference of features after the first three poolings, summed (Liu 2018, equation 3):
    VGG16 or SqueezeNet.
    """

    taps: ClassVar[dict[str, tuple[int, ...]]] = {"vgg16": (4, 9, 16), "squeezenet1_1": (2, 5, 8)}
    mean: Tensor
    deviation: Tensor

    def __init__(self, name: str, backbone: Path) -> None:
        super().__init__()
        from torchvision import models

        self.seen = self.taps[name]
        self.features = getattr(models, name)(weights=None).features
        _load(self.features, backbone)
        self.features = self.features[: self.seen[-1] + 1]
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def maps(self, image: Tensor) -> list[Tensor]:
        """Features of (N, 3, H, W) in [0, 1] after each pooling, (N, H, W, C) float."""
        x = ((image - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        found = []
        for index, layer in enumerate(self.features):
            # Out of place: an in-place ReLU would change the features just taken.
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if index in self.seen:
                found.append(x.float().permute(0, 2, 3, 1))
        return found

    def between(self, given: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Distance of two pictures' features per picture, (N,)."""
        return added((a - b).abs().mean((1, 2, 3)) for a, b in zip(given, wanted, strict=True))

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Distance per picture, (N,)."""
        with torch.no_grad():
            wanted = self.maps(target)
        return self.between(self.maps(predicted), wanted)


def _distance(a: Tensor, b: Tensor, head: Tensor) -> Tensor:
    """Mean over positions of `sum(head * (a/|a| - b/|b|)^2)`, (N,).

    Multiplied out, so that the large tensors are only squared and multiplied, never divided: half the time on
    a processor.
    """
    pair = torch.stack((torch.ones_like(head), head))
    aa, bb, ab = F.linear(a.square(), pair), F.linear(b.square(), pair), F.linear(a * b, head[None])[..., 0]
    norm_a, norm_b = ((x[..., 0] + 1e-20).sqrt() + 1e-10 for x in (aa, bb))
    distance = aa[..., 1] / norm_a.square() + bb[..., 1] / norm_b.square() - 2 * ab / (norm_a * norm_b)
    return distance.mean((1, 2))


PERCEPTUAL: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "lpips_squeeze": ("lpips_squeeze", LpipsSqueeze),
    "squeezenet": ("lpips_squeeze", lambda path: FeatureDistance("squeezenet1_1", path)),
    "vgg16": ("lpips_vgg", lambda path: FeatureDistance("vgg16", path)),
}
"""Name in `[losses] network` -> its weights' name in WEIGHTS, and the network: `maps(image)`,
`between(maps, maps)` and `forward(image, image)`.
"""


def perceptual(name: str) -> Any | None:
    """The perceptual network of that name, or None for "none"; raises UnavailableError where its weights are
    absent or altered.
    """
    if name == "none":
        return None
    weights, build = PERCEPTUAL[name]
    return build(verified(weights)).to(memory_format=torch.channels_last)


def _load(features: nn.Module, path: Path) -> None:
    """Load a state dict of `features`, or of the network that they are part of."""
    state = torch.load(path, weights_only=True, map_location="cpu")
    features.load_state_dict(
        {
            key.removeprefix("features."): value
            for key, value in state.items()
            if not key.startswith("classifier.")
        }
    )


def total(terms: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """The weighted sum of the terms that have a weight."""
    return sum(
        (weights[name] * term for name, term in terms.items() if weights.get(name)), start=torch.zeros(())
    )


def reconstruction(
    stages: Sequence[Tensor],
    target: Tensor,
    mask: Tensor,
    *,
    power: int = 1,
    per_picture: bool = False,
    discount: float = 1.0,
) -> dict[str, Tensor]:
    """L1 (`power` 2: squared) on the hole and on the valid part of the last stage, and on the hole of those
    before it, averaged.
    """
    hole = discounted(mask, discount) if discount < 1 else mask
    first, last = stages[:-1], stages[-1]
    terms = {
        "hole": masked_error(last, target, hole, power=power, per_picture=per_picture),
        "valid": masked_error(last, target, 1 - mask, power=power, per_picture=per_picture),
    }
    if first:
        found = [masked_error(stage, target, hole, power=power, per_picture=per_picture) for stage in first]
        terms["coarse"] = added(found) / len(found)
    return terms

"""The networks behind FID, KID, FD and KD: pictures in, one row of features per picture out.

Heusel 2017 for Inception; Parmar, Zhang and Zhu 2022 (arXiv 2104.11222) for what the resize does to the
number.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PilImage

from benchmark.metrics.base import Features
from inpainters.errors import InputError
from inpainters.imaging import Image
from inpainters.weights.files import verified

PICTURES_PER_PASS = 64
"""The most that a network is given in one pass."""
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass
class Extractor:
    """A frozen network and what it wants to be fed. Each row depends on its own picture alone, not on its
    batch.
    """

    key: str
    network: Callable[[torch.Tensor], torch.Tensor]
    """(n, 3, h, w) -> (n, d)."""
    side: int | None
    """Pictures are resized to side x side by `resize` before they enter; None: the network resizes uint8 by
    itself.
    """
    device: str = "cpu"

    @torch.inference_mode()
    def __call__(self, images: Sequence[Image]) -> Features:
        """Return (n, d) float32 for (H, W, 3) uint8 pictures of any sizes; raises InputError for none."""
        if not len(images):
            raise InputError("There are no pictures to take features of.")
        rows = [self.network(batch.to(self.device)).cpu().numpy() for batch in self._batches(images)]
        return np.concatenate(rows).astype(np.float32)

    def _batches(self, images: Sequence[Image]) -> Iterator[torch.Tensor]:
        for _, same in groupby(images, key=lambda image: None if self.side else image.shape):
            group = list(same)
            for start in range(0, len(group), PICTURES_PER_PASS):
                part = group[start : start + PICTURES_PER_PASS]
                ready = [resize(image, self.side) for image in part] if self.side else part
                yield torch.from_numpy(np.stack(ready)).permute(0, 3, 1, 2)


def resize(image: Image, side: int) -> npt.NDArray[np.float32]:
    """(H, W, 3) uint8 -> (side, side, 3) float32 in [0, 255]: PIL's bicubic with antialias on float channels,
    clipped.

    That is clean-fid's default: nothing is rounded between the resize and the network.
    """
    channels = [PilImage.fromarray(channel) for channel in image.astype(np.float32).transpose(2, 0, 1)]
    small = [np.asarray(channel.resize((side, side), PilImage.Resampling.BICUBIC)) for channel in channels]
    return np.stack(small, axis=2).clip(0, 255)


def inception(resizing: Literal["tm", "legacy", "clean", "pytorch"], device: str = "cpu") -> Extractor:
    """torchmetrics' Inception v3 (2048 pooled features) behind one of the four resizes."""
    from torchmetrics.image.fid import NoTrainInceptionV3

    state = torch.load(verified("inception"), map_location="cpu", weights_only=True)
    # torch-fidelity unpickles the file it is given, so it is given one that was written here from bare
    # tensors.
    file: Any = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    with torch.random.fork_rng(devices=[]):
        net = NoTrainInceptionV3("inception-v3-compat", ["2048"], file, antialias=resizing != "legacy").to(
            device
        )
    if resizing in ("tm", "legacy"):
        return Extractor(f"inception_{resizing}", net, None, device)
    trunk = torch.nn.Sequential(
        *list(net.children())[:-1]
    )  # all but the classifier, in the order of the forward pass
    side = net.INPUT_IMAGE_SIZE
    if resizing == "pytorch":
        return Extractor("inception_pytorch", lambda x: trunk(_aliased(x, side)).flatten(1), None, device)
    return Extractor("inception_clean", lambda x: trunk((x - 128) / 128).flatten(1), side, device)


def _aliased(batch: torch.Tensor, side: int) -> torch.Tensor:
    """(n, 3, h, w) uint8 -> (n, 3, side, side) in [-1, 1]: bilinear between the centres of pixels, without
    antialias, as pytorch-fid (Seitzer 2020) and LaMa's evaluator resize.
    """
    small = torch.nn.functional.interpolate(batch / 255, (side, side), mode="bilinear", align_corners=False)
    return 2 * small - 1


def squeezenet(device: str = "cpu") -> Extractor:
    """SqueezeNet 1.1 (Iandola 2016, arXiv 1602.07360): its 512x13x13 map at 224x224, averaged to 512."""
    from torchvision.models import squeezenet1_1

    state = torch.load(verified("lpips_squeeze"), map_location="cpu", weights_only=True)
    with torch.random.fork_rng(devices=[]):
        net = squeezenet1_1(weights=None).features
    net.load_state_dict({key: state.get(f"features.{key}", state.get(key)) for key in net.state_dict()})
    net = net.to(device).eval().requires_grad_(False)
    mean, deviation = (
        torch.tensor(values, device=device)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return Extractor("squeeze", lambda x: net((x / 255 - mean) / deviation).mean((2, 3)), 224, device)

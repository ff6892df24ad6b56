"""LPIPS 0.1: Zhang, Isola, Efros, Shechtman and Wang 2018 (arXiv 1801.03924), equation 1, through the `lpips`
package.

The package carries the linear heads; the backbones are torchvision's and come from the weights table, never
from a download behind the caller's back.
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import lpips
import numpy as np
import torch

from benchmark.cells import pixels_sha256
from benchmark.metrics.base import check_triple
from benchmark.metrics.regions import means
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask
from inpainters.weights.files import verified

SMALLEST = {"alex": 31, "vgg": 16, "squeeze": 17, "alex, shift-tolerant": 21}
"""Side in pixels under which a backbone's last map is empty."""
PIXELS = 2 * 256 * 256
"""A batch holds at most this many pixels on a processor (at least one picture): more overflow its cache and
take longer.
"""
GPU_PIXELS = 64 * 256 * 256


_BYTES = 256 * 2**20
"""Bytes of originals' maps that are kept."""


class Lpips:
    """Inputs in [-1, 1]. `whole` is the package's value; `hole` and `band` are means of its spatial map over
    their pixels.
    """

    def __init__(self, net: str, device: str = "cpu") -> None:
        self.net, self.device = net, device
        self.pixels = PIXELS if device == "cpu" else GPU_PIXELS
        self._references = _Kept()
        self.model = self.load().to(device, memory_format=torch.channels_last)

    def load(self) -> Any:
        """The package's module: scaling layer, network and heads, with their weights."""
        return _load(self.net)

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        return self.score_batch([reference], [output], [mask])[0]

    def score_batch(
        self, references: Sequence[Image], outputs: Sequence[Image], masks: Sequence[Mask]
    ) -> list[dict[str, float]]:
        triples = list(zip(references, outputs, masks, strict=True))
        for triple in triples:
            self._check(*triple)
        return [score for batch in _batches(triples, self.pixels) for score in self._score(batch)]

    def _check(self, reference: Image, output: Image, mask: Mask) -> None:
        check_triple(reference, output, mask)
        if min(mask.shape) < (side := SMALLEST[self.net]):
            raise InputError(
                f"LPIPS ({self.net}) needs pictures of at least {side}×{side} pixels, not "
                f"{mask.shape[1]}×{mask.shape[0]}."
            )

    @torch.inference_mode()
    def _score(self, triples: Sequence[tuple[Image, Image, Mask]]) -> Iterator[dict[str, float]]:
        references, outputs, masks = zip(*triples, strict=True)
        layers = self._layers(self._of_references(references), _tensor(outputs, self.device))
        whole = torch.stack([layer.mean((1, 2, 3)) for layer in layers]).sum(0).tolist()
        spatial = sum(lpips.upsample(layer, masks[0].shape)[:, 0] for layer in layers).cpu().numpy()
        for mask, average, values in zip(masks, whole, spatial, strict=True):
            yield means(values, mask) | {"whole": average}

    def _layers(self, references: list[torch.Tensor], y: torch.Tensor) -> list[torch.Tensor]:
        """The package's forward pass, stopped before it averages, as the average and the map are wanted."""
        return [
            head((a - b) ** 2) for a, b, head in zip(references, self._maps(y), self.model.lins, strict=True)
        ]

    def _maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [lpips.normalize_tensor(a) for a in self.model.net(self.model.scaling_layer(x))]

    def _of_references(self, references: Sequence[Image]) -> list[torch.Tensor]:
        """The maps of the originals: the fills of another method come with the same ones."""
        key = " ".join(map(pixels_sha256, references))
        return self._references.get(key, lambda: self._maps(_tensor(references, self.device)))


class _Kept:
    """Maps that were made last, as many as _BYTES bytes hold; one list at least."""

    def __init__(self) -> None:
        self.found: OrderedDict[str, list[torch.Tensor]] = OrderedDict()

    def get(self, key: str, make: Callable[[], list[torch.Tensor]]) -> list[torch.Tensor]:
        if key not in self.found:
            self.found[key] = make()
            while len(self.found) > 1 and sum(map(_size, self.found.values())) > _BYTES:
                self.found.popitem(last=False)
        return self.found[key]


def _size(maps: Sequence[torch.Tensor]) -> int:
    return sum(one.nbytes for one in maps)


def alex(device: str = "cpu") -> Lpips:
    return Lpips("alex", device)


def vgg(device: str = "cpu") -> Lpips:
    return Lpips("vgg", device)


def squeeze(device: str = "cpu") -> Lpips:
    return Lpips("squeeze", device)


def bare(net: str) -> Any:
    """The package's module with its own heads and a network of random weights; nothing is downloaded."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # lpips calls torchvision by names it has deprecated
        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False)


def _load(net: str) -> Any:
    state = torch.load(verified(f"lpips_{net}"), map_location="cpu", weights_only=True)
    # A whole torchvision checkpoint has its convolutions under "features."; a file of features alone has no
    # prefix.
    state = {key.removeprefix("features."): value for key, value in state.items()}
    model = bare(net)
    # The package cuts the backbone into slices but keeps torchvision's layer numbers: slice2.3.weight is
    # 3.weight.
    model.net.load_state_dict({key: state[key.partition(".")[2]] for key in model.net.state_dict()})
    return model.eval().requires_grad_(False)


def _batches(
    triples: Sequence[tuple[Image, Image, Mask]], pixels: int
) -> Iterator[list[tuple[Image, Image, Mask]]]:
    for (height, width), same in groupby(triples, key=lambda triple: triple[2].shape):
        group, step = list(same), max(1, pixels // (height * width))
        yield from (group[i : i + step] for i in range(0, len(group), step))


def _tensor(images: Sequence[Image], device: str) -> torch.Tensor:
    batch = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    return batch.float() / 127.5 - 1

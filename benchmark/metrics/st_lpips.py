"""Shift-tolerant LPIPS: Ghildyal and Liu 2022 (arXiv 2207.13686), section 4, with its authors' weights.

Of their package `stlpips_pytorch` nothing but the file of weights is used. The network is AlexNet with a
first layer of stride 1, where every halving is a blur (Zhang 2019, arXiv 1904.11486); scaling, heads and
averages are those of LPIPS.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from benchmark.metrics.lpips import Lpips, bare
from inpainters.errors import UnavailableError
from inpainters.weights.files import sha256

WEIGHTS_FILE = "weights/vST0.0/alex_shift_tolerant.pth"
"""In the package's folder; of version 0.0.2."""
WEIGHTS_DIGEST = "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee"


class ShiftTolerant(Lpips):
    def load(self) -> Any:
        model = bare("alex")
        model.net = ShiftTolerantAlexNet()
        state = torch.load(_verified(), map_location="cpu", weights_only=True)
        lacking, unknown = model.load_state_dict(state, strict=False)
        # The package lists its heads twice, as lin0 and as lins.0; the file once.
        assert not unknown and all(name.startswith("lins.") for name in lacking)  # noqa: PT018
        return model.eval().requires_grad_(False)


class ShiftTolerantAlexNet(nn.Module):
    """(n, 3, h, w) -> the five maps after each convolution; layers are numbered as in the file."""

    def __init__(self) -> None:
        super().__init__()
        self.slice1 = _numbered(0, nn.Conv2d(3, 64, 11, 1, 2), Halving(64), nn.ReLU())
        self.slice2 = _numbered(3, nn.MaxPool2d(3, 1), Halving(64), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU())
        self.slice3 = _numbered(7, nn.MaxPool2d(3, 1), Halving(192), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU())
        self.slice4 = _numbered(11, nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU())
        self.slice5 = _numbered(13, nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = []
        for layers in (self.slice1, self.slice2, self.slice3, self.slice4, self.slice5):
            x = layers(x)
            maps.append(x)
        return maps


class Halving(nn.Module):
    """A blur of 3x3 at every second pixel, borders reflected by 2."""

    filt: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", torch.zeros(channels, 1, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d(pad(x, (2, 2, 2, 2), "reflect"), self.filt, stride=2, groups=len(self.filt))


def _numbered(first: int, *layers: nn.Module) -> nn.Sequential:
    found = nn.Sequential()
    for number, layer in enumerate(layers, first):
        found.add_module(str(number), layer)
    return found


def _verified() -> Path:
    spec = find_spec("stlpips_pytorch")
    folder = Path(next(iter((spec and spec.submodule_search_locations) or ["stlpips_pytorch"])))
    file = folder / WEIGHTS_FILE
    if not file.is_file() or sha256(file) != WEIGHTS_DIGEST:
        raise UnavailableError(
            "ST-LPIPS knows the weights of stlpips_pytorch 0.0.2 alone: run `pip install --no-deps "
            "--force-reinstall stlpips_pytorch==0.0.2`."
        )
    return file


def alex(device: str = "cpu") -> ShiftTolerant:
    return ShiftTolerant("alex, shift-tolerant", device)

"""How well known pixels are kept, as BrushBench's evaluator computes it (Ju et al. 2024, BrushNet): both
pictures at 512×512, black where pixels are missing.

Only a fill as it came has a figure here: this program puts known pixels back.
"""

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from benchmark.metrics.base import PerPicture, check_triple
from inpainters.imaging import Image, Mask

BRUSHBENCH_SIDE = 512
EXACT = 1000.0
"""What PSNR is where nothing differs."""
_NOTHING = 1e-10


class Kept(PerPicture):
    """One value of the known pixels."""

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        if mask.all():
            return {"known": math.nan}
        side = (BRUSHBENCH_SIDE, BRUSHBENCH_SIDE)
        known = np.asarray(
            cv2.resize((~mask).astype(np.uint8), side, interpolation=cv2.INTER_NEAREST), np.uint8
        )
        return {"known": self.compare(_seen(reference, known), _seen(output, known), known)}

    def compare(self, x: Image, y: Image, known: npt.NDArray[np.uint8]) -> float:
        raise NotImplementedError


def _seen(image: Image, known: npt.NDArray[np.uint8]) -> Image:
    side = (BRUSHBENCH_SIDE, BRUSHBENCH_SIDE)
    whole = np.asarray(PilImage.fromarray(image).resize(side, PilImage.Resampling.BICUBIC))
    return np.asarray(whole * known[..., None])


class Squared(Kept):
    """The squared differences of all channels over the number of known pixels: three times a mean."""

    def compare(self, x: Image, y: Image, known: npt.NDArray[np.uint8]) -> float:
        apart = (x.astype(np.float64) - y) / 255
        return float((apart * apart).sum() / max(1, int(known.sum())))


class Ratio(Squared):
    """PSNR of these; 1000 where nothing differs."""

    def compare(self, x: Image, y: Image, known: npt.NDArray[np.uint8]) -> float:
        squared = super().compare(x, y, known)
        return EXACT if squared < _NOTHING else -10 * math.log10(squared)


class Perceived(Kept):
    """LPIPS (SqueezeNet) of the two."""

    def __init__(self, distance: Any) -> None:
        self.distance = distance

    def compare(self, x: Image, y: Image, known: npt.NDArray[np.uint8]) -> float:
        return float(self.distance.score(x, y, known == 0)["whole"])


def mse(device: str = "cpu") -> Squared:
    del device
    return Squared()


def psnr(device: str = "cpu") -> Ratio:
    del device
    return Ratio()


def lpips(device: str = "cpu") -> Perceived:
    from benchmark.metrics.lpips import squeeze

    return Perceived(squeeze(device))

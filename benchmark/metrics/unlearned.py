"""Metrics of similarity without learned weights, through piq: no method was trained to please them.

HaarPSI: Reisenhofer, Bosse, Kutyniok and Wiegand 2018 (arXiv 1607.06140). GMSD: Xue, Zhang, Mou and Bovik
2014 (arXiv 1308.3052). MDSI: Nafchi, Shahkolaei, Hedjam and Cheriet 2016 (arXiv 1608.07433). MS-SSIM: Wang,
Simoncelli and Bovik 2003 (doi 10.1109/ACSSC.2003.1292216).
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import piq
import torch

from benchmark.metrics.base import PerPicture, check_triple
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask


class Unlearned(PerPicture):
    """One value of the whole picture from values in [0, 1]."""

    def __init__(
        self,
        title: str,
        compare: Callable[..., torch.Tensor],
        least: int,
        device: str,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        """`least` is the side in pixels under which the metric is not defined."""
        self.title, self.compare, self.least, self.device = title, compare, least, device
        self.dtype = dtype

    @torch.inference_mode()
    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        if min(mask.shape) < self.least:
            raise InputError(
                f"{self.title} needs pictures of at least {self.least}×{self.least} pixels, not "
                f"{mask.shape[1]}×{mask.shape[0]}."
            )
        return {"whole": float(self.compare(self._tensor(reference), self._tensor(output)))}

    def _tensor(self, image: Image) -> torch.Tensor:
        batch = torch.from_numpy(np.ascontiguousarray(image)).to(self.device).permute(2, 0, 1)[None]
        return batch.to(self.dtype) / 255


def _haarpsi(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """1 for equal pictures: of two without any texture, such as black ones, piq divides 0 by 0."""
    if torch.equal(x, y):
        return x.new_ones(())
    found: torch.Tensor = piq.haarpsi(x, y, data_range=1.0, scales=3, subsample=True, c=30.0, alpha=4.2)
    return found


def haarpsi(device: str = "cpu") -> Unlearned:
    return Unlearned("HaarPSI", _haarpsi, 16, device)


def gmsd(device: str = "cpu") -> Unlearned:
    return Unlearned("GMSD", partial(piq.gmsd, data_range=1.0, t=170 / 255**2), 2, device)


def mdsi(device: str = "cpu") -> Unlearned:
    constants = {"c1": 140.0, "c2": 55.0, "c3": 550.0, "alpha": 0.6, "rho": 1.0, "q": 0.25, "o": 0.25}
    return Unlearned("MDSI", partial(piq.mdsi, data_range=1.0, combination="sum", **constants), 2, device)


def ms_ssim(device: str = "cpu") -> Unlearned:
    """In float32: its large windows take forty times as long in float64, for a value 3e-8 apart."""
    compare = partial(
        piq.multi_scale_ssim, data_range=1.0, kernel_size=11, kernel_sigma=1.5, k1=0.01, k2=0.03
    )
    return Unlearned("MS-SSIM", compare, 161, device, torch.float32)

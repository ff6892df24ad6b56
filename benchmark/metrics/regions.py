"""Where a metric looks: the whole picture, the hole alone, and a band along the hole's edge.

Whole-picture averages hide the hole (a 5 % hole moves PSNR by little), but papers report them. The band is
where seams are.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.imaging import Mask

REGIONS = ("whole", "hole", "band")
BAND = 8
"""Width of the band in pixels.

It lies inside the hole only: the known pixels are pasted back bit for bit, so that counting them would add
nothing but zeros, and more of them the thinner the hole.
"""


def regions(mask: Mask) -> dict[str, Mask]:
    """Return region -> (H, W) bool for a mask that is True where pixels are missing.

    `band` is the missing pixels whose nearest known pixel lies within BAND pixels (Euclidean, between
    centres); the picture's border is no edge. Without a known pixel there is no edge and the band is empty.
    """
    return {"whole": np.ones_like(mask), "hole": mask, "band": _band(mask)}


def _band(mask: Mask) -> Mask:
    if mask.all():
        return np.zeros_like(mask)
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return mask & (depth <= BAND)


def means(values: npt.NDArray[np.floating[Any]], mask: Mask) -> dict[str, float]:
    """Return region -> mean of the (H, W) or (H, W, 3) `values` over the region's pixels, in float64; NaN for
    an empty region.
    """
    return {
        name: _mean(values if name == "whole" else values[region]) for name, region in regions(mask).items()
    }


def _mean(values: npt.NDArray[np.floating[Any]]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else np.nan

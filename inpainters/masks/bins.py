"""Bins of masks by their ratio, and what else a mask is checked by."""

from inpainters.imaging import Mask

BINS: dict[str, tuple[float, float]] = {
    "1-10": (0.01, 0.10), "10-20": (0.10, 0.20), "20-30": (0.20, 0.30),
    "30-40": (0.30, 0.40), "40-50": (0.40, 0.50), "50-60": (0.50, 0.60),
}  # fmt: skip
"""Label -> (lo, hi]: the fraction of missing pixels is above lo and at most hi."""
TOLERANCE = 0.005
"""A mask misses its target ratio by at most this, or by one pixel where a pixel is more."""


def bin_of(mask: Mask) -> str | None:
    """The label of the bin that the mask's ratio lies in; None below 1 % and above 60 %."""
    ratio = float(mask.mean())
    return next((label for label, (low, high) in BINS.items() if low < ratio <= high), None)


def touches_border(mask: Mask) -> bool:
    """True where a missing pixel lies in the first or last row or column."""
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())

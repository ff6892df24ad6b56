"""How visible the hole's edge is: the step across it, compared with the original's step at the same place."""

from benchmark.metrics.base import PerPicture, check_triple
from inpainters.imaging import Image, Mask, seam


class Seam(PerPicture):
    """The absolute difference of the two steps, under the region `band`; NaN where the mask has no edge."""

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Image, output: Image, mask: Mask) -> dict[str, float]:
        check_triple(reference, output, mask)
        return {"band": abs(seam(output, mask) - seam(reference, mask))}

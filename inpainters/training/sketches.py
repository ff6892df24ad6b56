"""Sketches for guided training: edges of the original inside the hole, as a person would draw some of them.

Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019, section 3.5 (there with HED edges;
here Canny's).
"""

import cv2
import numpy as np

from inpainters.imaging import Image, Mask

STROKE = 8
"""Shorter edges, in pixels, are texture and nobody draws them."""


def sketch(picture: Image, mask: Mask, rng: np.random.Generator) -> np.ndarray:
    """A sketch of `picture` (H, W, 3) uint8 within `mask` (H, W) bool: (H, W) float32, 1 on a line, 0
    elsewhere.

    Pure in its arguments and the generator's state: how smooth, how many strokes and which of their parts are
    drawn at random.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), float(rng.uniform(1.0, 2.5)))
    high = float(rng.uniform(60, 140))
    edges = cv2.Canny(grey, high / 2, high)
    lines = _strokes(edges, float(rng.uniform(0.4, 1.0)), rng) & _parts(mask.shape, rng) & mask
    if rng.random() < 0.3:
        lines = cv2.dilate(lines.astype(np.uint8), np.ones((2, 2), np.uint8)).astype(bool) & mask
    return lines.astype(np.float32)


def _strokes(edges: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """`share` of the connected strokes that are long enough."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(edges, connectivity=8)
    drawn = (facts[:, cv2.CC_STAT_AREA] >= STROKE) & (rng.random(count) < share)
    drawn[0] = False
    return drawn[labels]


def _parts(size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """True but in some squares of a coarse grid: strokes have gaps."""
    kept = (rng.random((8, 8)) < 0.85).astype(np.uint8)
    return cv2.resize(kept, (size[1], size[0]), interpolation=cv2.INTER_NEAREST).astype(bool)

"""Melting copied patches together: Darabi et al., Image melding, SIGGRAPH 2012 (doi 10.1145/2185520.2185578),
votes for gradients and a screened Poisson solve (sec. 4.2).

Two things are not the paper's, both where sources are smooth. Colours may drift far from the votes: a sky is
copied from places of several brightnesses, and their borders would show as discs. And the more two
neighbours' sources disagree, the less they are drawn together, a source and the rim too: an edge is no seam.
In texture every seam is melted, over a few pixels.
"""

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from inpainters.imaging import Image, Mask, to_uint8
from inpainters.patches.field import Float32s, Indices, inverse

_SCREEN = 0.1  # pull of textured votes against their gradients
_LEAST = 1e-3  # of smooth ones, which drift over some thirty pixels
_TEXTURED = 6.0  # grey levels, standard deviation around a source at which its smoothness is a half
_AROUND = (7, 7)  # pixels
_SEAM = 16.0  # grey levels by which smooth sources disagree that are drawn together a quarter as much


def melt(chosen: Indices, pixels: Indices, image: Image) -> Image:
    """Screened Poisson solve (Darabi sec. 4.2): the chosen sources' gradients, held by their colours and by
    the rim.

    Minimises sum w_ij |u_i - u_j - g_ij|^2 + s_i |u_i - v_i|^2 over neighbours i, j, with u fixed at known
    pixels; s is small where sources are smooth, w where they are and the votes' own differences are far
    from g.
    """
    height, width = image.shape[:2]
    known = image.reshape(-1, 3).astype(np.float32)
    votes = known.copy()
    votes[pixels] = known[chosen]
    origin = np.arange(height * width)
    origin[pixels] = chosen
    slot = inverse(pixels, height * width)
    right, here = np.zeros((len(pixels), 3), np.float32), np.arange(len(pixels), dtype=np.int32)
    variance = _variance(image, (slot < 0).reshape(height, width)).ravel()[chosen]
    smooth = _TEXTURED**2 / (variance + _TEXTURED**2)
    degree = np.maximum(_SCREEN * (1 - smooth), _LEAST)
    rows: list[Indices] = []
    columns: list[Indices] = []
    weights: list[Float32s] = []
    y, x = np.divmod(pixels, width)
    for step, inside in ((1, x < width - 1), (-1, x > 0), (width, y < height - 1), (-width, y > 0)):
        i, other = here[inside], pixels[inside] + step
        found = _gradient(votes, origin, slot >= 0, pixels[inside], other, step, width)
        off = found - (votes[pixels[inside]] - votes[other])
        both = np.minimum(smooth[inside], np.where(slot[other] < 0, 1, smooth[slot[other]]))
        weight = 1 - both * (1 - 1 / (1 + (off**2).mean(axis=1) / _SEAM**2) ** 2)
        right[i] += weight[:, None] * off
        degree[i] += weight
        free = slot[other] >= 0
        rows.append(i[free])
        columns.append(slot[other[free]])
        weights.append(-weight[free])
    place = np.concatenate([here, *rows]), np.concatenate([here, *columns])
    values = np.concatenate([degree, *weights])
    system = sparse.csr_array((values, place), shape=(len(here), len(here)))
    # Solved for the change to the votes: where their gradients agree already, it is zero exactly.
    change = np.stack([linalg.cg(system, channel, rtol=1e-3, maxiter=200)[0] for channel in right.T], axis=1)
    filled = image.reshape(-1, 3).copy()
    filled[pixels] = to_uint8(votes[pixels] + change)
    return filled.reshape(image.shape)


def _gradient(
    votes: Float32s, origin: Indices, missing: Mask, here: Indices, there: Indices, step: int, width: int
) -> Float32s:
    """(n, 3) difference here - there, averaged over what the sources of the two pixels show beside them;
    where `there` is known, what that of `here` does. A source with nothing known beside it counts with the
    difference of the votes. Antisymmetric in two missing pixels.
    """
    plain = votes[here] - votes[there]

    def beside(source: Indices, step: int) -> tuple[Float32s, Mask]:
        place = source + step
        seen = (place >= 0) & (place < len(origin))
        if abs(step) == 1:
            seen &= place // width == source // width
        place = np.where(seen, place, source)
        return votes[place], (seen & ~missing[place])[:, None]

    (after, seen_after), (before, seen_before) = beside(origin[here], step), beside(origin[there], -step)
    first = np.where(seen_after, votes[origin[here]] - after, plain)
    second = np.where(seen_before, before - votes[origin[there]], plain)
    return np.where(missing[there, None], (first + second) / 2, first)


def _variance(image: Image, known: Mask) -> Float32s:
    """(H, W) variance of the known pixels around each, in squared grey levels, the mean of three channels."""
    share = np.maximum(cv2.blur(known.astype(np.float32), _AROUND), 1e-6)
    total = np.zeros(known.shape, np.float32)
    for channel in range(3):  # one at a time, as the picture may be large
        seen = np.where(known, image[..., channel], 0).astype(np.float32)
        mean, square = cv2.blur(seen, _AROUND) / share, cv2.blur(seen**2, _AROUND) / share
        total += np.maximum(square - mean**2, 0)
    return total / np.float32(3)

"""Melting copied patches together: Darabi et al., Image melding, SIGGRAPH 2012 (doi 10.1145/2185520.2185578),
votes for gradients and a screened Poisson solve (sec. 4.2).
"""

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from inpainters.imaging import Image, Mask, to_uint8
from inpainters.patches.field import Float32s, Indices, inverse

_SCREEN = 0.1  # pull of the votes against their gradients


def melt(chosen: Indices, pixels: Indices, image: Image) -> Image:
    """Screened Poisson solve (Darabi sec. 4.2): the chosen sources' gradients, held by their colours and by
    the rim.

    Minimises sum |u_i - u_j - g_ij|^2 + _SCREEN |u_i - v_i|^2 over neighbours i, j,
    with u fixed at known pixels.
    """
    height, width = image.shape[:2]
    known = image.reshape(-1, 3).astype(np.float32)
    votes = known.copy()
    votes[pixels] = known[chosen]
    origin = np.arange(height * width)
    origin[pixels] = chosen
    slot = inverse(pixels, height * width)
    right, here = np.zeros((len(pixels), 3), np.float32), np.arange(len(pixels))
    degree = np.full(len(pixels), _SCREEN, np.float32)
    rows, columns = [], []
    y, x = np.divmod(pixels, width)
    for step, inside in ((1, x < width - 1), (-1, x > 0), (width, y < height - 1), (-width, y > 0)):
        i, other = here[inside], pixels[inside] + step
        right[i] += _gradient(votes, origin, slot >= 0, pixels[inside], other, step) - (
            votes[pixels[inside]] - votes[other]
        )
        degree[i] += 1
        free = slot[other] >= 0
        rows.append(i[free])
        columns.append(slot[other[free]])
    place = np.concatenate([here, *rows]), np.concatenate([here, *columns])
    values = np.concatenate([degree, -np.ones(len(place[0]) - len(here), np.float32)])
    system = sparse.csr_array((values, place), shape=(len(here), len(here)))
    # Solved for the change to the votes: where their gradients agree already, it is zero exactly.
    change = np.stack([linalg.cg(system, channel, rtol=1e-3, maxiter=200)[0] for channel in right.T], axis=1)
    filled = image.reshape(-1, 3).copy()
    filled[pixels] = to_uint8(votes[pixels] + change)
    return filled.reshape(image.shape)


def _gradient(
    votes: Float32s, origin: Indices, missing: Mask, here: Indices, there: Indices, step: int
) -> Float32s:
    """(n, 3) difference here - there, averaged over what the two pixels' sources show beside them."""
    top = len(origin) - 1
    after, before = np.clip(origin[here] + step, 0, top), np.clip(origin[there] - step, 0, top)
    plain = votes[here] - votes[there]
    first = np.where(missing[after, None], plain, votes[origin[here]] - votes[after])
    second = np.where(
        (missing[before] | ~missing[there])[:, None], first, votes[before] - votes[origin[there]]
    )
    return (first + second) / 2

"""Contextual attention: Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018."""

from collections.abc import Callable, Generator

import numpy as np
import numpy.typing as npt
import torch

from inpainters.base import Frame, Piece
from inpainters.imaging import Image, composite, to_uint8
from inpainters.methods.learned.base import Learned, inputs, pasted, to_images
from inpainters.networks.contextual_attention import (
    ContextualAttentionGenerator,
    SlimContextualAttentionGenerator,
)
from inpainters.networks.layers import Attention

MOST_WEIGHTS = 1 << 25
"""Attention maps of more numbers are not kept: the strongest source alone is."""


class ContextualAttention(Learned):
    net: ContextualAttentionGenerator | SlimContextualAttentionGenerator

    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        coarse, *_, refined = self.stages([piece])
        yield Frame("coarse", "What the coarse stage drew", pasted(coarse, piece))
        with torch.inference_mode():
            yield attention_frame(self.net.attend(*inputs([piece], self.device)))
        yield Frame("refined", "What the refinement made of it", pasted(refined, piece))
        return to_images(refined)[0]


def attention_frame(found: Attention) -> Frame:
    """One picture's attention as a frame that can be asked for the origin of a position; its value is the
    mean distance, positions.
    """
    source, weights = found.source[0].cpu().numpy(), found.weights[0]
    kept = weights.half().cpu().numpy() if weights.numel() <= MOST_WEIGHTS else None
    distance = np.hypot(*_offsets(source))[source >= 0]
    title = "Where the hole copied from: hue is the direction, brightness the distance"
    return Frame(
        "attention",
        title,
        directions(source),
        float(distance.mean()) if distance.size else None,
        origin(source, kept),
    )


def _offsets(source: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns from each position to its source; meaningless where `source` is -1."""
    rows, columns = np.indices(source.shape)
    return source // source.shape[1] - rows, source % source.shape[1] - columns


def directions(source: npt.NDArray[np.int64]) -> Image:
    """(h, w, 3) uint8 from (h, w) `row * w + column` of each position's source, -1 where there is none (dark
    grey).

    Right is red, and the hue turns with the direction; the farther, the brighter.
    """
    rows, columns = _offsets(source)
    phase = np.arctan2(rows, columns)[..., None] - np.arange(3) * 2 * np.pi / 3
    brightness = 0.25 + 0.75 * np.hypot(rows, columns) / np.hypot(*source.shape)
    colours = to_uint8(255 * (0.5 + 0.5 * np.cos(phase)) * np.minimum(1.0, 1.5 * brightness)[..., None])
    return composite(colours, np.full_like(colours, 40), source >= 0)


def origin(
    source: npt.NDArray[np.int64], weights: npt.NDArray[np.float16] | None
) -> Callable[[int, int], Image]:
    """`origin(row, column)`: the attention of that position as a picture of the size of `source`, its
    strongest source white.

    `weights`: (positions with a source, h * w) in row-major order; None for the source alone.
    """

    def show(row: int, column: int) -> Image:
        heat = np.zeros(source.size)
        if (best := source[row, column]) >= 0:
            heat[best] = 1.0
            if weights is not None:
                heat = weights[(source.flat[: row * source.shape[1] + column] >= 0).sum()].astype(np.float64)
        return to_uint8(255 * heat / max(heat.max(), 1e-9)).reshape(*source.shape, 1).repeat(3, 2)

    return show

"""Exemplar filling: every hole pixel is a vote of patches copied from the known part, found by PatchMatch,
coarse to fine.

* Wexler, Shechtman and Irani, Space-time completion of video, PAMI 2007 (doi 10.1109/TPAMI.2007.60):
  expectation maximisation over scales; find each patch's nearest known patch, then let overlapping patches
  vote (`patches.field`).
* Darabi et al., Image melding, SIGGRAPH 2012 (doi 10.1145/2185520.2185578): what was copied is melted
  together (`patches.melt`).
"""

import cv2
import numpy as np

from inpainters.base import Inpainter, Piece
from inpainters.imaging import Image, Mask, enlarge, to_uint8
from inpainters.patches.field import (
    RATIO,
    Float32s,
    Level,
    depths,
    searched,
    shrunk,
    texture_features,
    usable_side,
)
from inpainters.patches.melt import melt


class PatchMatch(Inpainter):
    def fill(self, piece: Piece) -> Image:
        side, rounds = int(piece.options["patch"]), int(piece.options["iterations"])
        sizes = pyramid(piece.mask, side)
        if not sizes or not usable_side(piece.mask, side):
            piece.notes.append(
                "No patch of this picture is fully known: the hole was filled smoothly instead."
            )
            return smooth_fill(piece.image, piece.mask)
        level, distance = self._solve(piece, sizes, rounds)
        return melt(level.sharp_vote(level.weights(distance)), level.pixels, piece.image)

    def _solve(
        self, piece: Piece, sizes: list[tuple[tuple[int, int], int]], rounds: int
    ) -> "tuple[Level, Float32s]":
        rng = piece.rng
        texture = texture_features(piece.image, piece.mask, piece.mask.shape[0] / sizes[0][0][0])
        plan = [_rounds(rounds, size, piece.mask) for size, _ in sizes]
        level: Level | None = None
        done = 0
        for (size, side), count in zip(sizes, plan, strict=True):
            coarse, level = level, Level.make(piece.image, texture, piece.mask, size, side)
            if coarse is None:
                level.onion_peel()
            else:
                level.inherit(coarse)
            distance = np.zeros(len(level.targets), np.float32)
            level.vote(level.weights(distance))
            for _ in range(count):
                distance = level.search(rng, everywhere=coarse is None)
                level.vote(level.weights(distance))
                done += 1
                piece.on_step(done, sum(plan))
            if piece.preview is not None:
                piece.preview(enlarge(to_uint8(level.values[:, :3].reshape(*size, 3)), piece.mask.shape))
        assert level is not None, "there is a scale at least"
        return level, distance


def _rounds(rounds: int, size: tuple[int, int], mask: Mask) -> int:
    """Search rounds at a scale: more where they are cheap; none where the field of the next coarser scale has
    to do.
    """
    share = size[0] * size[1] / mask.size
    if not searched(size, np.count_nonzero(mask) * share):
        return 0
    return rounds + round(float(-np.log2(share)))


def pyramid(mask: Mask, side: int) -> list[tuple[tuple[int, int], int]]:
    """(height, width) and patch side of each scale, coarse to fine; scales without a fully known patch are
    left out.

    At the coarsest no missing pixel is further than about a patch from a known one, or the picture is three
    patches wide.
    """
    depth = float(depths(mask).max())
    scale, sizes = 1.0, [mask.shape]
    while depth * scale > 0.8 * side and min(mask.shape) * scale * RATIO > 3 * side:
        scale *= RATIO
        sizes.append((round(mask.shape[0] * scale), round(mask.shape[1] * scale)))
    # Between the largest scale that is searched and the picture itself there is nothing to learn.
    sizes = sizes[:1] + [size for size in sizes[1:] if _rounds(1, size, mask)]
    used = [(size, usable_side(shrunk(mask, size), side)) for size in reversed(sizes)]
    return [(size, side) for size, side in used if side]


def smooth_fill(image: Image, mask: Mask) -> Image:
    return np.asarray(cv2.inpaint(image, mask.astype(np.uint8), 3, cv2.INPAINT_NS), np.uint8)

"""Context encoder: Pathak, Krähenbühl, Donahue, Darrell and Efros, Context Encoders: Feature Learning by
Inpainting, CVPR 2016.

Made for a missing centre square of 64x64 in 128x128. Any other hole is brought into that form: the window is
the square around the hole's bounding square with twice its side, what lies beyond the picture counts as
missing, and a window of more than 128 px is shrunk.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inpainters.base import Frame, OnStep, Piece
from inpainters.imaging import Image, Mask, composite, cut_share, enlarge, to_uint8
from inpainters.methods.learned.base import Learned
from inpainters.networks.context_encoder import HOLE, SIDE
from inpainters.strategy import Box, hole_boxes


@dataclass(frozen=True)
class Square:
    """The bounding square of a hole, (top, left, bottom, right); its window has twice the side and may reach
    beyond the picture.
    """

    hole: Box

    @property
    def side(self) -> int:
        """Even, and no less than what the network draws: a small hole stays at its own scale."""
        top, left, bottom, right = self.hole
        side = max(bottom - top, right - left)
        return max(HOLE, side + side % 2)

    @property
    def window(self) -> Box:
        top, left, bottom, right = self.hole
        y, x = (top + bottom) // 2 - self.side, (left + right) // 2 - self.side
        return y, x, y + 2 * self.side, x + 2 * self.side

    def cut(self, image: Image, mask: Mask) -> tuple[Image, Mask]:
        """The window, (128, 128, 3) uint8 and (128, 128) bool; missing pixels, and all beyond the picture,
        are 0.
        """
        top, left, bottom, right = self.window
        inside = slice(max(0, top), bottom), slice(max(0, left), right)
        image, mask = image[inside], mask[inside]
        before = max(0, -top), max(0, -left)
        if self.side > HOLE:
            return self._shrunk(image, ~mask, before)
        pad = [(first, SIDE - first - length) for first, length in zip(before, mask.shape, strict=True)]
        return np.pad(image, (*pad, (0, 0))), np.pad(mask, pad, constant_values=True)

    def _shrunk(self, image: Image, known: Mask, before: tuple[int, int]) -> tuple[Image, Mask]:
        """Means of the known pixels of a part that begins `before` rows and columns into the window; what is
        beyond takes no memory.
        """
        cell = 2 * self.side / SIDE
        rows, columns = (
            _overlaps(first, length, cell) for first, length in zip(before, known.shape, strict=True)
        )
        weight = rows @ known.astype(np.float32) @ columns.T
        total = np.stack(
            [rows @ np.where(known, plane, np.float32(0)) @ columns.T for plane in np.moveaxis(image, 2, 0)],
            2,
        )
        mask = cut_share(1 - weight / cell**2)
        return np.where(
            mask[..., None], np.uint8(0), to_uint8(total / np.maximum(weight, 1e-6)[..., None])
        ), mask

    def paste(self, picture: Image, drawn: Image) -> None:
        """Write the hole's box out of the drawn window (128, 128, 3) into `picture`, in place."""
        whole = drawn if self.side == HOLE else enlarge(drawn, (2 * self.side, 2 * self.side))
        top, left, bottom, right = self.hole
        y, x = self.window[:2]
        picture[top:bottom, left:right] = whole[top - y : bottom - y, left - x : right - x]


def _overlaps(first: int, length: int, cell: float) -> npt.NDArray[np.float32]:
    """(SIDE, length): how much of each pixel, the `first` and those after it, lies in each of SIDE cells of
    that width.
    """
    edges, pixels = np.arange(SIDE + 1)[:, None] * cell, first + np.arange(length)
    shared = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.asarray(np.clip(shared, 0, 1), np.float32)


def squares(mask: Mask) -> list[Square]:
    """One square for each hole of the (h, w) bool `mask`; holes that nearly touch are one."""
    return [Square(box) for box in hole_boxes(mask)]


class ContextEncoder(Learned):
    def fill_batch(self, pieces: Sequence[Piece]) -> list[Image]:
        places = [squares(piece.mask) for piece in pieces]
        parts = [
            _part(piece, every, i)
            for piece, every in zip(pieces, places, strict=True)
            for i in range(len(every))
        ]
        drawn = iter(super().fill_batch(parts))
        fills = []
        for piece, every in zip(pieces, places, strict=True):
            picture = piece.image.copy()
            for square in every:
                square.paste(picture, next(drawn))
            piece.network_calls += len(every)
            if (largest := max(square.side for square in every)) > HOLE:
                piece.notes.append(f"It draws {HOLE}×{HOLE} pixels, enlarged here to {largest}×{largest}.")
            fills.append(picture)
        return fills

    def draw(self, pieces: Sequence[Piece]) -> list[Image]:
        # Known pixels go back in before the enlargement, so that the fill meets them.
        return [
            composite(image, piece.image, piece.mask)
            for image, piece in zip(super().draw(pieces), pieces, strict=True)
        ]

    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        every = squares(piece.mask)
        part = _part(piece, every, max(range(len(every)), key=lambda i: every[i].side))
        missing = f"{part.mask.mean():.0%} missing"
        yield Frame(
            "window",
            f"The {SIDE}×{SIDE} pixels that it sees, {missing}",
            np.where(part.mask[..., None], np.uint8(128), part.image),
        )
        low, high = (SIDE - HOLE) // 2, (SIDE + HOLE) // 2
        yield Frame(
            "square",
            f"The {HOLE}×{HOLE} pixels that it draws",
            Learned.draw(self, [part])[0][low:high, low:high],
        )
        return None


def _part(piece: Piece, every: Sequence[Square], index: int) -> Piece:
    image, mask = every[index].cut(piece.image, piece.mask)
    return Piece(image, mask, piece.seed, piece.options, _share(piece.on_step, index, len(every)))


def _share(on_step: OnStep, index: int, count: int) -> OnStep:
    return lambda done, total: on_step(index * total + done, count * total)

"""Shift map (He and Sun 2012) and frequency selective reconstruction (Seiler 2015, Genser 2018), as in
OpenCV's contributed module xphoto.

xphoto's masks are the other way round: non-zero is known. Neither algorithm draws random numbers.
"""

import warnings
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import color

from inpainters.base import Inpainter, Piece
from inpainters.imaging import Image, Mask, composite, enlarge, pad_to_multiple, shrink, shrink_mask, to_uint8

Pixels = TypeVar("Pixels", Image, npt.NDArray[np.float32])


def _xphoto(image: Pixels, mask: Mask, algorithm: int) -> Pixels:
    filled = np.zeros_like(image)
    cv2.xphoto.inpaint(image, np.where(mask, 0, 255).astype(np.uint8), filled, algorithm)
    return filled


class ShiftMap(Inpainter):
    """He and Sun, Statistics of patch offsets for image completion,
    ECCV 2012 (doi 10.1007/978-3-642-33709-3_2).
    """

    # px; offsets of less than 16 px are barred: a smaller picture may have too few, and what xphoto reads
    # past their end is another thing each time
    SMALLEST = 96
    PASSES = 4

    def fill(self, piece: Piece) -> Image:
        height, width = piece.mask.shape
        pad = [(0, max(0, self.SMALLEST - height)), (0, max(0, self.SMALLEST - width))]
        missing = np.pad(piece.mask, pad, mode="symmetric")
        lab = _to_lab(np.pad(piece.image, [*pad, (0, 0)], mode="symmetric"))
        for done in range(self.PASSES):
            piece.on_step(done, self.PASSES)
            # It may move pixels next to the hole as well: only the hole is taken.
            lab = np.where(missing[..., None], _xphoto(lab, missing, cv2.xphoto.INPAINT_SHIFTMAP), lab)
            unserved = missing & ~lab.any(axis=2)  # no offset led to a known pixel
            if not unserved.any() or unserved.sum() == missing.sum():
                break
            missing = unserved
        filled = np.ascontiguousarray(_to_rgb(lab)[:height, :width])
        unserved = unserved[:height, :width]
        if unserved.any():
            piece.notes.append(
                f"No patch offset reached {unserved.sum():,} pixels; they were filled by Telea's method."
            )
            return np.asarray(cv2.inpaint(filled, unserved.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)
        return filled


_SCALE, _SHIFT = np.array((2.55, 1, 1)), np.array((1, 128, 128))


def _to_lab(image: Image) -> npt.NDArray[np.float32]:
    """CIELab scaled like 8-bit pictures, but float, so that a copied pixel is the same pixel back in RGB.

    Noise far below one grey level spreads the offsets of flat regions: with fewer than 60 different ones
    xphoto reads past the end of its list. No channel of a known pixel is 0, which marks those not served.
    """
    noise = np.random.default_rng(0).uniform(-1e-3, 1e-3, image.shape)
    lab: npt.NDArray[np.float32] = (color.rgb2lab(image) * _SCALE + _SHIFT + noise).astype(np.float32)
    return lab


def _to_rgb(lab: npt.NDArray[np.float32]) -> Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of colours out of gamut: pixels not served
        return to_uint8(color.lab2rgb((lab.astype(np.float64) - _SHIFT) / _SCALE) * 255)


class Fsr(Inpainter):
    """Seiler et al., IEEE TIP 24(11), 2015 (doi 10.1109/TIP.2015.2463084), in blocks as by Genser et al., PCS
    2018.

    Coarse to fine: where a hole is deeper than `DEEP`, its core is reconstructed at half the size and serves
    the rim as support. Large pictures are worked on in tiles, those with the most known pixels first.
    """

    DEEP, RIM = 32, 16  # px
    TILE, CONTEXT = 128, 16  # px; a block of 4 looks 14 px far
    MOST_BEST = 2048  # missing pixels, about six seconds

    def fill(self, piece: Piece) -> Image:
        if piece.options["quality"] == "fast":
            return self._solve(piece, piece.image, piece.mask)
        return self._best(piece)

    def _best(self, piece: Piece) -> Image:
        """At 30 times the cost of `fast`, only the rim of a large hole can have it; `fast` gives its core."""
        count = int(piece.mask.sum())
        if count <= self.MOST_BEST:
            return _fsr(piece.image, piece.mask, cv2.xphoto.INPAINT_FSR_BEST)
        fast = composite(self._solve(piece, piece.image, piece.mask), piece.image, piece.mask)
        depth = ndimage.distance_transform_edt(piece.mask)
        rim = piece.mask & (depth < np.partition(depth[piece.mask], self.MOST_BEST)[self.MOST_BEST])
        piece.notes.append(
            f"'best' drew the outer {rim.sum():,} of {count:,} missing pixels, 'fast' the rest: the hole is "
            "large for it."
        )
        return _fsr(fast, rim, cv2.xphoto.INPAINT_FSR_BEST) if rim.any() else fast

    def _solve(self, piece: Piece, image: Image, mask: Mask) -> Image:
        depth = ndimage.distance_transform_edt(mask)
        if depth.max() > self.DEEP and min(mask.shape) >= 2 * self.RIM:
            size = (mask.shape[0] + 1) // 2, (mask.shape[1] + 1) // 2
            coarse = self._solve(piece, shrink(image, size, known=~mask), shrink_mask(mask, size))
            core = depth > self.RIM
            image, mask = composite(enlarge(coarse, mask.shape), image, core), mask & ~core
        return self._tiles(piece, image, mask)

    def _tiles(self, piece: Piece, image: Image, mask: Mask) -> Image:
        image, missing = image.copy(), mask.copy()
        tiles = _tiles(mask, self.TILE)
        for index, (rows, columns) in enumerate(tiles):
            piece.on_step(index, len(tiles))
            top, left = max(0, rows.start - self.CONTEXT), max(0, columns.start - self.CONTEXT)
            around = slice(top, rows.stop + self.CONTEXT), slice(left, columns.stop + self.CONTEXT)
            filled = _fsr(image[around], missing[around], cv2.xphoto.INPAINT_FSR_FAST)
            filled = filled[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            image[rows, columns] = composite(filled, image[rows, columns], missing[rows, columns])
            missing[rows, columns] = False
        return image


def _fsr(image: Image, mask: Mask, algorithm: int) -> Image:
    """xphoto leaves incomplete blocks at the right and the bottom as they are, hence the padding."""
    height, width = mask.shape
    return _xphoto(pad_to_multiple(image, 16), pad_to_multiple(mask, 16), algorithm)[:height, :width]


def _tiles(mask: Mask, side: int) -> list[tuple[slice, slice]]:
    """Tiles with missing pixels, those with the fewest first; one for a mask up to twice a tile's side."""
    if max(mask.shape) <= 2 * side:
        return [(slice(0, mask.shape[0]), slice(0, mask.shape[1]))]
    starts = [(top, left) for top in range(0, mask.shape[0], side) for left in range(0, mask.shape[1], side)]
    tiles = [
        (slice(top, min(top + side, mask.shape[0])), slice(left, min(left + side, mask.shape[1])))
        for top, left in starts
    ]
    return sorted((tile for tile in tiles if mask[tile].any()), key=lambda tile: mask[tile].sum())

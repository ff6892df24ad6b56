"""A picture with its depth, seen from beside: what comes out from behind near things is filled as what lies
behind them.

    python -m inpainters parallax PHOTO DEPTH -o OUT.png --shift 0.04 --method lama

The picture is taken apart once into two layers (Shade et al. 1998, Layered depth images, SIGGRAPH): itself,
and what is behind the edges of near things, which the method fills from the far side alone (as in Shih et
al. 2020, 3D photography using context-aware layered depth inpainting, CVPR, there by networks of its own).
Every view shows the same layers, so an animation does not flicker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from inpainters.base import Inpainter, InpaintRequest, OnStep
from inpainters.errors import InputError
from inpainters.imaging import MAX_PIXELS, Image, Mask, check_image, shown, size_in_header
from inpainters.imaging.reading import Upright, opened
from inpainters.uses.video import Clip

Depth: TypeAlias = npt.NDArray[np.float32]
"""(H, W) from 0, the farthest, to 1, the nearest; as inverse distance, which is what moves alike."""
SHIFT_MOST = 0.2
"""Of the width how far the nearest thing moves, at most."""
TEAR = 1.5
"""Where what lies within HALO pixels moves apart by more than so many times HALO, two things meet; less is
one slope.
"""
HALO = 2
"""Pixels around the edge of a near thing where its colours and those behind it are mixed."""
_SIDE_MOST = 32_766
"""Pixels of a side with its margin, at most: OpenCV's remap takes no more."""
_NO_DEPTH = "A depth has the picture's height and width, and values from 0, far, to 1, near."
CONTEXT = 24
"""Pixels of a near thing that the method is not shown beyond those that any view uncovers."""


@dataclass(frozen=True)
class Layers:
    """A picture taken apart: what is seen, and what is behind it. All with a margin, so that views up to
    `shift` do not end before the frame.
    """

    front: Image
    front_depth: Depth
    front_known: Mask
    behind: Image
    behind_depth: Depth
    margin: tuple[int, int]
    """Rows above and below, columns left and right."""
    shift: tuple[float, float]
    """The farthest that a camera moves (right, down), as shares of the width."""
    notes: tuple[str, ...] = ()
    """What the method says of its fill."""


def read_depth(
    path: Path, size: tuple[int, int], *, near: str = "white", max_pixels: int = MAX_PIXELS
) -> Depth:
    """A depth map of 8 or 16 bits, or of floats, upright of the picture's (height, width); `near` is "white"
    or "black". Its range is stretched to all of 0 to 1. Raises InputError for another size, before a pixel is
    decoded, for more than `max_pixels`, for values that are no numbers, or where all is equally far.
    """
    header = size_in_header(path)
    if sorted(header) != sorted(size):
        raise _another_size(header, size)
    values = opened(path, max_pixels, _levels_of_depth)
    if values.shape != tuple(size):
        raise _another_size(values.shape, size)
    if not np.isfinite(values).all():
        raise InputError(f"'{shown(path)}' has pixels without a depth: fill them in first.")
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise InputError(f"In '{shown(path)}' all is equally far: a view from beside would be the same.")
    depth = (values - low) / (high - low)
    return np.asarray(depth if near == "white" else 1 - depth, np.float32)


def _another_size(depth: tuple[int, ...], size: tuple[int, int]) -> InputError:
    return InputError(
        f"The depth is {depth[1]}×{depth[0]}, the picture {size[1]}×{size[0]}: both need one size."
    )


def _levels_of_depth(found: Upright) -> Depth:
    picture = found.picture
    deep = picture.mode == "F" or picture.mode.startswith("I")
    return np.asarray(picture if deep else picture.convert("L"), np.float32)


def taken_apart(
    picture: Image,
    depth: Depth,
    method: Inpainter,
    *,
    shift: tuple[float, float] = (0.05, 0.0),
    seed: int = 0,
    on_step: OnStep | None = None,
) -> Layers:
    """The layers of a picture, (H, W, 3) uint8, with its depth, (H, W), for all views up to `shift` (right,
    down) as shares of the width, or as far the other way. The method is called once, and tells `on_step`; it
    sees nothing of near things beside what it fills. Raises InputError for a depth of another size or range,
    for a shift beyond SHIFT_MOST, and where margins would make the picture too large.
    """
    check_image(picture)
    if depth.shape != picture.shape[:2]:
        raise InputError(_NO_DEPTH)
    cut = _cut_out(depth, shift)
    front = np.pad(picture, (*_around(cut.margin), (0, 0)), "edge")
    (result,) = method.run([InpaintRequest(front, cut.missing, seed=seed)], on_step)[0]
    behind_depth = np.where(cut.hidden | cut.halo, cut.far, cut.deep).astype(np.float32)
    known = cut.inside & ~cut.halo
    return Layers(front, cut.deep, known, result.image, behind_depth, cut.margin, shift, result.notes)


def behind_near_things(depth: Depth, shift: tuple[float, float]) -> Mask:
    """What the method of `taken_apart` fills, True = missing, with the margin around the picture: what near
    things hide near their edges, and the margin itself. Raises InputError as that does.
    """
    return _cut_out(depth, shift).missing


@dataclass(frozen=True)
class _Cut:
    """A depth (H, W) with a margin, and what is filled of it."""

    margin: tuple[int, int]
    deep: Depth
    inside: Mask
    hidden: Mask
    halo: Mask
    far: Depth

    @property
    def missing(self) -> Mask:
        return np.asarray(self.hidden | self.halo | ~self.inside)


def _cut_out(depth: Depth, shift: tuple[float, float]) -> _Cut:
    if not np.isfinite(depth).all() or depth.min() < 0 or depth.max() > 1:
        raise InputError(_NO_DEPTH)
    if not 0 < np.hypot(*shift) <= SHIFT_MOST:
        raise InputError(f"A shift is a share of the width, more than 0 and at most {SHIFT_MOST}.")
    moved = float(np.hypot(*shift)) * depth.shape[1]
    margin = _margin(depth.shape[1], shift)
    height, width = (side + 2 * more for side, more in zip(depth.shape, margin, strict=True))
    if height * width > MAX_PIXELS or max(height, width) > _SIDE_MOST:
        raise InputError(
            f"With the margin that this shift needs the picture is {width}×{height}; the limit is "
            f"{MAX_PIXELS / 1e6:.0f} megapixels, and {_SIDE_MOST:,} pixels a side. Crop it, make it "
            "smaller or move the camera less."
        )
    deep = np.pad(depth.astype(np.float32), _around(margin), "edge")
    inside = np.pad(np.ones(depth.shape, bool), _around(margin))
    return _Cut(margin, deep, inside, *_edges(deep, moved, int(np.ceil(moved)) + 1 + CONTEXT))


def _margin(width: int, shift: tuple[float, float]) -> tuple[int, int]:
    """Rows and columns that come into the frame, or leave it."""
    right, down = (int(np.ceil(abs(part) * width)) + 1 for part in shift)
    return down, right


def _around(margin: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """What numpy.pad calls that margin."""
    rows, columns = margin
    return (rows, rows), (columns, columns)


def _edges(depth: Depth, moved: float, reach: int) -> tuple[Mask, Mask, Depth]:
    """Near things within `reach` of their edges towards something farther, what is beyond the edge but mixed
    with them, and how far away what they hide is.
    """
    square = np.ones((2 * HALO + 1, 2 * HALO + 1), np.uint8)
    lowest, highest = (np.asarray(found(depth, square)) for found in (cv2.erode, cv2.dilate))
    tear = TEAR * HALO / max(moved, 1e-6)
    torn = highest - lowest > tear
    if not torn.any():
        return torn, torn, depth
    near_side = torn & (depth > (lowest + highest) / 2)
    distance, (rows, columns) = distance_transform_edt(~near_side, return_indices=True)
    cut = ((lowest + highest) / 2)[rows, columns]
    far = lowest[rows, columns]
    hidden = (distance <= reach) & (depth > cut)
    halo = (distance <= HALO + 0.5) & ~hidden
    return hidden, halo, np.minimum(far, depth)


def seen_from(layers: Layers, shift: tuple[float, float]) -> Image:
    """The view of a camera that moved (right, down) by this much: the nearest things move the other way by
    as large a share of the width, the farthest stay. (H, W, 3) uint8. A few pixels that neither layer
    knows are continued from beside. Raises InputError beyond what the layers were made for.
    """
    inner, pixels = _seen_by(layers, shift)
    if shift == (0, 0):
        return layers.front[inner].copy()
    everywhere = np.ones(layers.front_known.shape, bool)
    behind, known = warped(layers.behind, layers.behind_depth, everywhere, pixels)
    view, seen = warped(layers.front, layers.front_depth, layers.front_known, pixels)
    view = np.where(seen[..., None], view, behind)[inner]
    left = ~(seen | known)[inner]
    found = cv2.inpaint(np.ascontiguousarray(view), left.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.asarray(found, np.uint8)


def uncovered(layers: Layers, shift: tuple[float, float]) -> tuple[Image, Mask]:
    """The same view with nothing filled in, (H, W, 3) uint8, and where nothing of the picture is seen, (H,
    W): what came out from behind near things, or from beyond the frame. Raises InputError as `seen_from`.
    """
    inner, pixels = _seen_by(layers, shift)
    view, seen = warped(layers.front, layers.front_depth, layers.front_known, pixels)
    return view[inner], ~seen[inner]


def _seen_by(layers: Layers, shift: tuple[float, float]) -> tuple[tuple[slice, slice], tuple[float, float]]:
    """The frame within the margin, and by how many pixels (right, down) the nearest things move in it."""
    if any(abs(part) > abs(most) + 1e-6 for part, most in zip(shift, layers.shift, strict=True)):
        right, down = map(abs, layers.shift)
        raise InputError(
            f"These layers are for shifts up to {right:g} of the width aside and {down:g} up or down: make "
            "new ones."
        )
    rows, columns = layers.margin
    width = layers.front.shape[1] - 2 * columns
    return (slice(rows, -rows), slice(columns, -columns)), (-shift[0] * width, -shift[1] * width)


def warped(picture: Image, depth: Depth, known: Mask, pixels: tuple[float, float]) -> tuple[Image, Mask]:
    """Each known pixel moved by its depth times `pixels` (right, down), the nearer before the farther.
    Returns the picture and where something came to lie. Depth is moved and its cracks are closed; colours
    are then looked up, between pixels, where they came from.
    """
    height, width = depth.shape
    rows, columns = np.nonzero(known)
    values = depth[rows, columns]
    order = np.argsort(values, kind="stable")  # of several that come to lie on one pixel the last one stays
    values = values[order]
    x, y = columns[order] + values * pixels[0], rows[order] + values * pixels[1]
    target = np.full((height, width), -1, np.float32)
    cracked = target.copy()
    for into, rounds in ((target, (np.rint,)), (cracked, (np.floor, np.ceil))):
        for across in rounds:
            for down in rounds:
                to_x, to_y = across(x).astype(int), down(y).astype(int)
                inside = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
                one = np.full((height, width), -1, np.float32)
                one[to_y[inside], to_x[inside]] = values[inside]
                np.maximum(into, one, out=into)
    target = np.where(target < 0, cracked, target)
    seen = target >= 0
    grid_rows, grid_columns = np.mgrid[:height, :width].astype(np.float32)
    from_x, from_y = grid_columns - target * pixels[0], grid_rows - target * pixels[1]
    found = cv2.remap(
        picture,
        from_x.astype(np.float32),
        from_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(found, np.uint8), seen


def novel_view(
    picture: Image, depth: Depth, method: Inpainter, *, shift: tuple[float, float], seed: int = 0
) -> Image:
    """The picture, (H, W, 3) uint8, from a camera moved (right, down) by this share of the width against the
    nearest thing; `depth` is (H, W), 0 far to 1 near. Raises InputError as `taken_apart` does.
    """
    layers = taken_apart(picture, depth, method, shift=shift, seed=seed)
    return seen_from(layers, shift)


def swaying(
    layers: Layers,
    shift: tuple[float, float],
    frames: int,
    on_view: Callable[[float], object] = lambda share: None,
) -> Clip:
    """An animation of so many frames that sways from the picture to one side, to the other and back. Views
    that are passed twice are made once; `on_view` is told what share of them is there.
    """
    if not 2 <= frames <= 600:
        raise InputError("An animation has between 2 and 600 frames.")
    swing = np.sin(2 * np.pi * np.arange(frames) / frames).round(9)
    parts, order = np.unique(swing, return_inverse=True)
    views = []
    for part in parts:
        views.append(seen_from(layers, (float(part * shift[0]), float(part * shift[1]))))
        on_view(len(views) / len(parts))
    return Clip(np.stack([views[place] for place in order]), rate=24.0)

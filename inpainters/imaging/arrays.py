"""Pictures and masks in memory: checks, sizes, the final composite."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.errors import InputError

Image: TypeAlias = npt.NDArray[np.uint8]
Mask: TypeAlias = npt.NDArray[np.bool_]


def check_image(image: npt.NDArray[Any]) -> Image:
    """Return `image` if it is (H, W, 3) uint8 and not empty; raise InputError otherwise."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        found = (
            f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        )
        raise InputError(f"An image is a (height, width, 3) uint8 array in RGB, not {found}.")
    if image.size == 0:
        raise InputError("The image has no pixels.")
    return image


def check_mask(mask: npt.NDArray[Any]) -> Mask:
    """Return `mask` if it is (H, W) bool; raise InputError otherwise."""
    return _checked_plane(mask, "mask", "missing")


def check_guide(guide: npt.NDArray[Any], size: tuple[int, ...]) -> Mask:
    """Return `guide` if it is bool of the picture's (height, width); raise InputError otherwise."""
    _checked_plane(guide, "guide", "a line is drawn")
    if guide.shape != tuple(size):
        raise InputError(
            f"The guide is {guide.shape[1]}×{guide.shape[0]}, the picture {size[1]}×{size[0]}. Use the same "
            "size."
        )
    return guide


def _checked_plane(plane: npt.NDArray[Any], name: str, true: str) -> Mask:
    if not isinstance(plane, np.ndarray) or plane.ndim != 2 or plane.dtype != bool:
        found = (
            f"{plane.dtype} of shape {plane.shape}" if isinstance(plane, np.ndarray) else type(plane).__name__
        )
        raise InputError(f"A {name} is a (height, width) bool array, True = {true}, not {found}.")
    return plane


def composite(fill: Image, image: Image, mask: Mask) -> Image:
    """`fill` where the mask is True, `image` bit for bit elsewhere; a new (H, W, 3) uint8 array."""
    whole: Image = np.where(mask[..., None], fill, image)
    return whole


def colourful(image: Image) -> bool:
    """True where any pixel of (..., 3) uint8 has a colour: its channels differ."""
    return bool((image[..., 1:] != image[..., :1]).any())


def uncoloured(image: Image) -> Image:
    """(..., 3) uint8 without colours: the luma of Rec. 601 in all three channels."""
    luma = to_uint8(image.astype(np.float64) @ np.array([0.299, 0.587, 0.114]))
    return np.repeat(luma[..., None], 3, axis=-1)


def to_uint8(values: npt.NDArray[np.floating[Any]]) -> Image:
    """Round and clip float values in [0, 255] to uint8 (never truncate: that darkens by half a level)."""
    levels: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


def pad_to_multiple(array: npt.NDArray[Any], multiple: int) -> npt.NDArray[Any]:
    """Pad bottom and right by mirroring until height and width are multiples of `multiple`."""
    height, width = array.shape[:2]
    pad = [(0, -height % multiple), (0, -width % multiple), (0, 0)][: array.ndim]
    return np.pad(array, pad, mode="symmetric") if any(after for _, after in pad) else array


def shrink(image: Image, size: tuple[int, int], known: Mask) -> Image:
    """Area-average to (height, width), counting known pixels only, so that holes do not darken their rim."""
    weight = known.astype(np.float32)
    total = cv2.resize(image.astype(np.float32) * weight[..., None], size[::-1], interpolation=cv2.INTER_AREA)
    share = cv2.resize(weight, size[::-1], interpolation=cv2.INTER_AREA)
    return to_uint8(total / np.maximum(share, 1e-6)[..., None])


def shrink_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """A coarse pixel is missing where at least half of what it covers is. Where that would leave none known,
    as in a picture that lacks every second line, those are missing that hold no known pixel. One stays
    missing, and one known if any was.
    """
    return cut_share(cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA))


def cut_share(share: npt.NDArray[Any]) -> Mask:
    """The mask of coarse pixels of which `share`, in [0, 1], is missing; as `shrink_mask`."""
    missing: Mask = (share >= min(0.5, float(share.max()))) & (share > 0)
    if missing.all() and missing.size > 1 and share.min() < 1:
        missing = share >= 1 - 1e-6
        missing.flat[share.argmax()] = True
        if missing.all():
            missing.flat[share.argmin()] = False
    return missing


def shrink_guide(guide: Mask, size: tuple[int, int]) -> Mask:
    """A coarse pixel is drawn where any line crosses it: thin lines must not vanish."""
    share = cv2.resize(guide.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    drawn: Mask = share > 1e-6
    return drawn


def enlarge(image: Image, size: tuple[int, int]) -> Image:
    """Bicubic enlargement to (height, width)."""
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def side_by_side(images: Sequence[Image], gap: int = 8) -> Image:
    """Pictures of one height, (H, W, 3) uint8 each, from left to right with white between them."""
    between = np.full((images[0].shape[0], gap, 3), 255, np.uint8)
    return np.concatenate([part for image in images for part in (between, image)][1:], axis=1)


def seam(picture: Image, mask: Mask) -> float:
    """The step across a hole's edge: mean absolute difference, in [0, 1], between neighbours of which one is
    missing and one known.

    (H, W, 3) uint8 and (H, W) bool; NaN where the mask has no edge.
    """
    x = picture.astype(np.float64) / 255
    across = np.abs(x[:, 1:] - x[:, :-1])[mask[:, 1:] != mask[:, :-1]]
    down = np.abs(x[1:] - x[:-1])[mask[1:] != mask[:-1]]
    steps = np.concatenate([across, down])
    return float(steps.mean()) if steps.size else np.nan

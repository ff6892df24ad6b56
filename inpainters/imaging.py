"""The only file that converts: files to arrays, dtype, range, layout, size. Also checks and the final
composite.

An image is (H, W, 3) uint8 sRGB; a mask is (H, W) bool, True where the pixel is missing.
"""

import io
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageCms, ImageOps, UnidentifiedImageError

from inpainters.errors import InputError

Image: TypeAlias = npt.NDArray[np.uint8]
Mask: TypeAlias = npt.NDArray[np.bool_]
Source: TypeAlias = "str | os.PathLike[str] | PilImage.Image | npt.NDArray[Any]"

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""Of a folder's files, those that data sets, mask sets and trainings read."""
MAX_PIXELS = 100_000_000
"""Pictures of more pixels are refused before they are decoded."""
THRESHOLD = 128
"""A grey mask is cut here: 128 and above is missing."""


@dataclass(frozen=True)
class LoadedPicture:
    """A decoded picture, what was done to get there, and which pixels its file called transparent."""

    image: Image
    notes: tuple[str, ...] = ()
    transparent: Mask | None = None


def load_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> LoadedPicture:
    """Return `source` (a path, a PIL image or an array) as an (H, W, 3) uint8 sRGB image.

    EXIF orientation is applied; palette, grey, CMYK, 16-bit, alpha and animated files are converted and
    `notes` says so. Raises InputError with one sentence for what is not a picture, is damaged, or has more
    than `max_pixels`.
    """
    if isinstance(source, np.ndarray):
        return LoadedPicture(check_image(source))
    if isinstance(source, PilImage.Image):
        return _decode(source, "The picture", max_pixels)
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"A picture is a path, a PIL image or a NumPy array, not {type(source).__name__}.")
    path = Path(source)
    return _decode(_read(path), f"'{path.name}'", max_pixels)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file '{path.name}'; check its path.") from None
    except IsADirectoryError:
        raise InputError(f"'{path.resolve().name}' is a folder; name a picture in it.") from None
    except PermissionError:
        raise InputError(f"'{path.name}' cannot be read; check its permissions.") from None
    except (OSError, ValueError):  # a name too long, or with a null in it
        raise InputError(f"'{path.name[:80]}' cannot be read; check its path.") from None


def decode_image(data: bytes, name: str = "The picture", *, max_pixels: int = MAX_PIXELS) -> LoadedPicture:
    """As `load_image`, from the bytes of a file."""
    return _decode(data, name, max_pixels)


def _decode(source: bytes | PilImage.Image, name: str, max_pixels: int) -> LoadedPicture:
    if source == b"":
        raise InputError(f"{name} is empty; choose another file.")
    try:
        if isinstance(source, PilImage.Image):
            return _convert(source, name, max_pixels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PilImage.DecompressionBombWarning)
            with PilImage.open(io.BytesIO(source)) as picture:
                return _convert(picture, name, max_pixels)
    except UnidentifiedImageError:
        raise InputError(
            f"{name} is not a picture this program can read; use PNG, JPEG, WebP, TIFF or BMP."
        ) from None
    except PilImage.DecompressionBombError:
        raise InputError(
            f"{name} has too many pixels; the limit is {max_pixels / 1e6:.0f} megapixels. Make it smaller."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{name} is damaged or cut short and cannot be decoded; save or download it again."
        ) from None


def _convert(picture: PilImage.Image, name: str, max_pixels: int) -> LoadedPicture:
    width, height = picture.size
    if width * height > max_pixels:
        raise InputError(
            f"{name} is {width}×{height}; the limit is {max_pixels / 1e6:.3g} megapixels. Make it smaller or "
            "crop it first."
        )
    if width < 1 or height < 1:
        raise InputError(f"{name} has no pixels; choose another file.")
    notes: list[str] = []
    if getattr(picture, "n_frames", 1) > 1:
        notes.append("Animated or multi-page file: the first frame is used.")
        picture.seek(0)
    deep = picture.mode.startswith("RGB") and ";16" in str(
        getattr(picture, "tile", "")
    )  # gone once the pixels are decoded
    turned = ImageOps.exif_transpose(picture)
    if picture.getexif().get(0x0112, 1) != 1:
        notes.append("Turned upright as its EXIF orientation says.")
    if deep:
        notes.append("Converted from 16-bit to 8-bit.")
    rgb, transparent = _to_rgb(turned, notes)
    return LoadedPicture(np.array(rgb, np.uint8), tuple(notes), transparent)


def _to_rgb(picture: PilImage.Image, notes: list[str]) -> tuple[PilImage.Image, Mask | None]:
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        notes.append("Converted from 16-bit or float grey to 8-bit.")
        return PilImage.fromarray(_to_8_bit(np.asarray(picture))).convert("RGB"), None
    transparent = None
    if "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        alpha = np.asarray(rgba.getchannel("A"))
        transparent = alpha < THRESHOLD if (alpha < THRESHOLD).any() else None
        notes.append(
            "Alpha was dropped; transparent pixels can be taken as the mask."
            if transparent is not None
            else "Alpha was dropped."
        )
        if mode == "P":
            notes.append("Converted from a palette.")
        return _to_srgb(rgba.convert("RGB"), picture, notes), transparent
    names = {
        "CMYK": "CMYK",
        "YCbCr": "YCbCr",
        "LAB": "Lab",
        "HSV": "HSV",
        "P": "a palette",
        "L": "grey",
        "1": "black and white",
    }
    if mode in names:
        notes.append(f"Converted from {names[mode]} to sRGB.")
    return _to_srgb(picture, picture, notes), None


def _to_srgb(picture: PilImage.Image, original: PilImage.Image, notes: list[str]) -> PilImage.Image:
    """Apply an embedded ICC profile unless it is sRGB already or does not fit."""
    profile = original.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                converted = ImageCms.profileToProfile(
                    picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                if converted is not None:
                    notes.append("Converted from its colour profile to sRGB.")
                    return converted
        except (ImageCms.PyCMSError, OSError):
            notes.append("Its colour profile is damaged and was ignored.")
    return picture.convert("RGB")


def _to_8_bit(values: npt.NDArray[Any]) -> Image:
    sixteen_bit = values.dtype == np.uint16
    values = values.astype(np.float64)
    top = (
        65535.0 if sixteen_bit or values.max(initial=0) > 255 else 255.0 if values.max(initial=0) > 1 else 1.0
    )
    return np.clip(np.rint(values / top * 255), 0, 255).astype(np.uint8)


def load_mask(source: Source, size: tuple[int, int] | None = None) -> tuple[Mask, tuple[str, ...]]:
    """Return a mask (white = missing) and notes. `size` is the picture's (height, width), asserted where
    given.

    Grey is cut at 128; a picture with transparency and no other content counts its opaque pixels as missing.
    """
    if isinstance(source, np.ndarray):
        mask, notes = _mask_from_array(source)
    else:
        loaded = load_image(source)
        grey = loaded.image.max(axis=2)
        if loaded.transparent is not None and (grey == grey.flat[0]).all():
            mask, notes = (
                ~loaded.transparent,
                ("The mask was taken from the file's alpha: opaque = missing.",),
            )
        else:
            mask, notes = _mask_from_array(loaded.image)
    if size is not None and mask.shape != tuple(size):
        raise InputError(
            f"The mask is {mask.shape[1]}×{mask.shape[0]}, the picture {size[1]}×{size[0]}. Use the same "
            "size."
        )
    return mask, notes


def _mask_from_array(values: npt.NDArray[Any]) -> tuple[Mask, tuple[str, ...]]:
    if values.ndim == 3:
        values = values[..., :3].max(axis=2)
    if values.ndim != 2:
        raise InputError(
            f"A mask has two dimensions, height and width; this one has the shape {values.shape}."
        )
    if values.dtype == bool:
        return values.copy(), ()
    if values.dtype != np.uint8:
        if not ((values == 0) | (values == 1)).all():
            raise InputError(
                f"A mask is bool or uint8 (255 = missing), not {values.dtype}; convert it first."
            )
        return values.astype(bool), ()
    if values.max(initial=0) == 1:  # 0 and 1, the other common way to store a mask
        return values.astype(bool), ()
    grey = bool(((values > 0) & (values < 255)).any())
    note = (f"The mask has grey levels; {THRESHOLD} and above counts as missing.",) if grey else ()
    missing: Mask = values >= THRESHOLD
    return missing, note


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
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != bool:
        found = f"{mask.dtype} of shape {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise InputError(f"A mask is a (height, width) bool array, True = missing, not {found}.")
    return mask


def check_guide(guide: npt.NDArray[Any], size: tuple[int, ...]) -> Mask:
    """Return `guide` if it is bool of the picture's (height, width); raise InputError otherwise."""
    if not isinstance(guide, np.ndarray) or guide.ndim != 2 or guide.dtype != bool:
        found = (
            f"{guide.dtype} of shape {guide.shape}" if isinstance(guide, np.ndarray) else type(guide).__name__
        )
        raise InputError(f"A guide is a (height, width) bool array, True = a line is drawn, not {found}.")
    if guide.shape != tuple(size):
        raise InputError(
            f"The guide is {guide.shape[1]}×{guide.shape[0]}, the picture {size[1]}×{size[0]}. Use the same "
            "size."
        )
    return guide


def composite(fill: Image, image: Image, mask: Mask) -> Image:
    """`fill` where the mask is True, `image` bit for bit elsewhere; a new (H, W, 3) uint8 array."""
    whole: Image = np.where(mask[..., None], fill, image)
    return whole


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
    """A coarse pixel is missing where at least half of what it covers is; one stays missing, and one known if
    any was.
    """
    return cut_share(cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA))


def cut_share(share: npt.NDArray[Any]) -> Mask:
    """The mask of coarse pixels of which `share`, in [0, 1], is missing; as `shrink_mask`."""
    missing: Mask = (share >= min(0.5, float(share.max()))) & (share > 0)
    if missing.all() and missing.size > 1 and share.min() < 1:
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


def encode_png(image: Image | Mask) -> bytes:
    """PNG bytes of an image, or of a mask (255 = missing)."""
    array = image.astype(np.uint8) * 255 if image.dtype == bool else image
    buffer = io.BytesIO()
    PilImage.fromarray(array).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def save_png(path: Path, image: Image | Mask) -> None:
    """Write a PNG in one step, so that a killed run leaves no half a file behind."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(encode_png(image))
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


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

"""Files, PIL images and arrays become (H, W, 3) uint8 sRGB, or are refused with one sentence."""

import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from inpainters.errors import InputError
from inpainters.imaging.arrays import Image, Mask, check_image
from inpainters.imaging.colour import Converted, to_rgb
from inpainters.imaging.png import lean
from inpainters.imaging.tags import upright

Source: TypeAlias = "str | os.PathLike[str] | PilImage.Image | npt.NDArray[Any]"

PICTURE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp", ".tif",
    ".tiff",
)  # fmt: skip
"""Of a folder's files, those that data sets, mask sets and trainings read."""
MAX_PIXELS = 100_000_000
"""Pictures of more pixels are refused before they are decoded."""
MAX_SIDE = 1_000_000
"""Longer pictures are refused, as no PNG of them can be written."""
Made = TypeVar("Made")
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "AVIF", "HEIF", "PPM", "JPEG2000")
"""What Pillow may read: no format that starts another program, as PostScript does."""
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


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
    if isinstance(source, np.ndarray) and not is_rgba(source):
        return LoadedPicture(check_image(source))
    return opened(source, max_pixels, _loaded)


def is_rgba(array: npt.NDArray[Any]) -> bool:
    """True for (H, W, 4) uint8 with pixels in it."""
    return array.ndim == 3 and array.shape[2] == 4 and array.dtype == np.uint8 and array.size > 0


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; raises InputError with one sentence where it cannot be read."""
    name = shown(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file '{name}'; check its path.") from None
    except IsADirectoryError:
        raise InputError(f"'{shown(path.resolve())}' is a folder; name a picture in it.") from None
    except PermissionError:
        raise InputError(f"'{name}' cannot be read; check its permissions.") from None
    except (OSError, ValueError):  # a name too long, or with a null in it
        raise InputError(f"'{name[:80]}' cannot be read; check its path.") from None


def shown(path: Path) -> str:
    """A file's name for people: bytes that are no UTF-8 have a mark in their place."""
    return os.fsencode(path.name).decode(errors="replace")


def decode_image(data: bytes, name: str = "The picture", *, max_pixels: int = MAX_PIXELS) -> LoadedPicture:
    """As `load_image`, from the bytes of a file."""
    return _opened(data, name, max_pixels, _loaded)


@dataclass
class Upright:
    """A decoded file before its colours are converted."""

    picture: PilImage.Image
    """The first frame, turned as its EXIF says."""
    source: PilImage.Image
    """As it was opened, with its tags."""
    profile: bytes | None
    """Its ICC profile."""
    deep: bool
    """Its colours have 16 bits in the file, 8 in `picture`."""
    turn: PilImage.Transpose | None
    """How it was turned."""
    notes: list[str]


def opened(source: Source, max_pixels: int, use: Callable[[Upright], Made]) -> Made:
    """What `use` makes of a picture; whatever a decoder throws on the way becomes one sentence."""
    if isinstance(source, np.ndarray):
        source = PilImage.fromarray(source)
    if isinstance(source, PilImage.Image):
        return _opened(source, "The picture", max_pixels, use)
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"A picture is a path, a PIL image or a NumPy array, not {type(source).__name__}.")
    path = Path(source)
    return _opened(read_bytes(path), f"'{shown(path)}'", max_pixels, use)


def size_in_header(path: Path) -> tuple[int, int]:
    """(height, width) that a picture's file states, before its EXIF turns it; no pixel is decoded. Raises
    InputError with one sentence for what is no picture.
    """
    return _guarded(
        read_bytes(path), f"'{shown(path)}'", MAX_PIXELS, lambda picture, _: (picture.height, picture.width)
    )


def _opened(
    source: bytes | PilImage.Image, name: str, max_pixels: int, use: Callable[[Upright], Made]
) -> Made:
    return _guarded(
        source, name, max_pixels, lambda picture, icc: use(_upright(picture, name, max_pixels, icc))
    )


def _guarded(
    source: bytes | PilImage.Image, name: str, max_pixels: int, use: Callable[[PilImage.Image, object], Made]
) -> Made:
    """What `use` makes of a picture whose pixels wait in its file, and of its ICC profile."""
    if source == b"":
        raise InputError(f"{name} is empty; choose another file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags and large pictures: both are dealt with here
            if isinstance(source, PilImage.Image):
                return use(source, source.info.get("icc_profile"))
            data, profile = lean(source)
            _learn_heic(data, name)
            with PilImage.open(io.BytesIO(data), formats=_formats()) as picture:
                return use(picture, profile or picture.info.get("icc_profile"))
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise InputError(
            f"{name} is not a picture this program can read; use PNG, JPEG, WebP, TIFF or BMP, 8 or 16 bits."
        ) from None
    except PilImage.DecompressionBombError:
        raise InputError(
            f"{name} has too many pixels; the limit is {max_pixels / 1e6:.0f} megapixels. Make it smaller."
        ) from None
    except Exception:  # decoders throw struct.error, TypeError, KeyError ... at damaged files
        raise InputError(
            f"{name} is damaged or cut short and cannot be decoded; save or download it again."
        ) from None


def _formats() -> list[str]:
    """Of _FORMATS those that this Pillow has."""
    PilImage.init()
    return [name for name in _FORMATS if name in PilImage.OPEN]


def _learn_heic(data: bytes, name: str) -> None:
    """HEIC, as telephones write it, is read by a package of its own; Pillow is told at the first file."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIC:
        return
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise InputError(
            f"{name} is HEIC: run `pip install pillow-heif`, or save it as JPEG or PNG."
        ) from None
    register_heif_opener()


def _upright(picture: PilImage.Image, name: str, max_pixels: int, profile: object) -> Upright:
    width, height = picture.size
    if width * height > max_pixels:
        raise InputError(
            f"{name} is {width}×{height}; the limit is {max_pixels / 1e6:.3g} megapixels. Make it smaller or "
            "crop it first."
        )
    if max(width, height) > MAX_SIDE:
        raise InputError(f"{name} is {width}×{height}; a side may have {MAX_SIDE:,} pixels. Crop it first.")
    if width < 1 or height < 1:
        raise InputError(f"{name} has no pixels; choose another file.")
    notes: list[str] = []
    if getattr(picture, "n_frames", 1) > 1:
        notes.append("Animated or multi-page file: the first frame is used.")
        picture.seek(0)
    # gone once the pixels are decoded
    deep = picture.mode.startswith("RGB") and ";16" in str(getattr(picture, "tile", ""))
    turned, turn = upright(picture, notes)
    if deep:
        notes.append(Converted("Converted from 16-bit to 8-bit."))
    icc = profile if isinstance(profile, bytes) else None
    return Upright(turned, picture, icc, deep, turn, notes)


def _loaded(found: Upright) -> LoadedPicture:
    rgb, transparent = to_rgb(found.picture, found.profile, found.notes)
    return LoadedPicture(np.array(rgb, np.uint8), tuple(found.notes), transparent)

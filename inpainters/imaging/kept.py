"""What a photograph's file has beside its 8-bit sRGB pixels, and a result that keeps it: alpha, EXIF, its
colour profile, and 16 bits outside the hole.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageCms

from inpainters.imaging.arrays import Image, Mask, colourful
from inpainters.imaging.colour import alpha_of, fits, has_alpha, is_srgb, srgb_to
from inpainters.imaging.png import lean, profile_chunk, with_chunks
from inpainters.imaging.reading import MAX_PIXELS, Upright, opened, read_bytes
from inpainters.imaging.tags import kept_exif, turned
from inpainters.imaging.writing import encode_png

_Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class Original:
    """A photograph as its file has it, upright."""

    pixels: _Pixels | None
    """(H, W) or (H, W, 3), uint8 or uint16, in the file's own colours; None where PNG has no such colours."""
    alpha: _Pixels | None
    """(H, W) as deep as `pixels`, or uint8."""
    profile: bytes | None
    """Of `pixels`; None for sRGB."""
    exif: bytes | None
    tag: bytes | None = None
    """A profile of the file that is sRGB: no pixel changes by it, and it is handed on."""

    def encode(self, image: Image, mask: Mask) -> tuple[bytes, tuple[str, ...]]:
        """The bytes of a PNG with the fill of `image`, (H, W, 3) uint8 sRGB, where the mask is True, and the
        original elsewhere, and notes on what could not be kept. Filled pixels are opaque.
        """
        notes: tuple[str, ...] = ()
        pixels, profile, fill = self.pixels, self.profile, image
        if pixels is None:
            notes = ("PNG has no colours of its kind: the result is 8-bit sRGB.",)
        elif profile is not None:
            try:
                fill = srgb_to(profile, image)
            except (ImageCms.PyCMSError, OSError, ValueError):  # scanners' profiles lead one way only
                notes, pixels = ("Its colour profile leads to sRGB alone: the result is 8-bit sRGB.",), None
        if pixels is None:
            pixels, profile, fill = image, None, image
        merged = _merged(pixels, fill, mask)
        named = profile or (self.tag if merged.ndim == 3 else None)
        chunks = {b"iCCP": profile_chunk(named)} if named else {}
        chunks |= {b"eXIf": self.exif} if self.exif else {}
        return with_chunks(_encoded(merged, self._opaque(mask)), chunks), notes

    def _opaque(self, mask: Mask) -> _Pixels | None:
        """Alpha with the hole filled; None where nothing is transparent any more."""
        if self.alpha is None:
            return None
        top = np.iinfo(self.alpha.dtype).max
        alpha = np.where(mask, self.alpha.dtype.type(top), self.alpha)
        return None if (alpha == top).all() else alpha


def load_original(path: Path) -> Original:
    """Read what a file has; raises InputError as `load_image`."""

    def made(found: Upright) -> Original:
        picture = found.picture
        alpha: _Pixels | None = alpha_of(picture) if has_alpha(picture) else None
        pixels = _pixels(found, path)
        if pixels is not None and pixels.ndim == 3 and pixels.shape[2] == 4:
            pixels, alpha = pixels[..., :3], pixels[..., 3]
        profile = found.profile if pixels is not None and _needed(found.profile, pixels) else None
        if profile and pixels is not None and pixels.ndim == 2 and not fits(profile, "L"):
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        exif = kept_exif(found.source, turned=found.turn is not None)
        return Original(pixels, alpha, profile, exif, None if profile else _srgb_tag(found.profile))

    return opened(path, MAX_PIXELS, made)


def encode_with_exif(path: Path, image: Image) -> bytes:
    """The bytes of a PNG of what was made of a photograph in another frame, (h, w, 3) uint8 sRGB, with the
    EXIF of its file but the size. Raises InputError as `load_image`.
    """
    exif = opened(path, MAX_PIXELS, lambda found: kept_exif(found.source, turned=True))
    return with_chunks(encode_png(image), {b"eXIf": exif} if exif else {})


def _needed(profile: bytes | None, pixels: _Pixels) -> bool:
    """True for a profile that is sound, of this kind of picture, and says more than sRGB."""
    try:
        grey = pixels.ndim == 2
        return (
            profile is not None
            and (fits(profile, "RGB") or (grey and fits(profile, "L")))
            and not is_srgb(profile)
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False


def _srgb_tag(profile: bytes | None) -> bytes | None:
    """The profile where it is sound and sRGB."""
    try:
        return profile if profile and fits(profile, "RGB") and is_srgb(profile) else None
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _pixels(found: Upright, path: Path) -> _Pixels | None:
    picture = found.picture
    if picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("1", "L", "LA", "La"):
        return np.asarray(picture.convert("L"))
    if picture.mode not in ("RGB", "RGBA", "RGBa", "P", "PA", "RGBX"):
        return None
    rgb = np.asarray(picture.convert("RGBA" if has_alpha(picture) else "RGB"))[..., :3]
    deep = _deep(read_bytes(path), found, rgb) if found.deep else None
    return rgb if deep is None else deep


def _deep(data: bytes, found: Upright, rgb: Image) -> _Pixels | None:
    """The same pixels with 16 bits, which Pillow cuts to 8; None where they are not the same."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # odd tags are no news
    try:
        read: _Pixels | None = cv2.imdecode(np.frombuffer(lean(data)[0], np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if read is None or read.dtype != np.uint16 or read.ndim != 3 or read.shape[2] < 3:
        return None
    deep = read[..., [2, 1, 0, 3][: read.shape[2]]]
    for one in (deep, turned(deep, found.turn)):  # OpenCV turns some files by itself
        if one.shape[:2] == rgb.shape[:2] and (np.abs((one[..., :3] >> 8).astype(np.int16) - rgb) <= 1).all():
            return one
    return None


def _merged(pixels: _Pixels, fill: Image, mask: Mask) -> _Pixels:
    """The fill in the hole, the pixels as they are elsewhere."""
    if pixels.ndim == 2 and fill.ndim == 3:
        if colourful(fill[mask]):
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        else:
            fill = fill[..., 0]
    levels = fill.astype(np.uint16) * 257 if pixels.dtype == np.uint16 else fill
    merged: _Pixels = np.where(mask if pixels.ndim == 2 else mask[..., None], levels, pixels)
    return merged


def _encoded(pixels: _Pixels, alpha: _Pixels | None) -> bytes:
    if pixels.dtype == np.uint8:
        if alpha is None:
            return encode_png(pixels)
        buffer = io.BytesIO()
        PilImage.fromarray(np.dstack([pixels, alpha])).save(buffer, "PNG", compress_level=4)
        return buffer.getvalue()
    if alpha is not None:
        colours = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        pixels = np.dstack([colours, alpha if alpha.dtype == np.uint16 else alpha.astype(np.uint16) * 257])
    swapped = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return bytes(cv2.imencode(".png", np.ascontiguousarray(swapped))[1])

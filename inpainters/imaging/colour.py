"""Every mode and profile of a file becomes 8-bit sRGB."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageCms

from inpainters.imaging.arrays import Image, Mask

THRESHOLD = 128
"""Grey and alpha are cut here: a mask's 128 and above is missing, alpha below it transparent."""
_NAMES = {
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "Lab",
    "HSV": "HSV",
    "P": "a palette",
    "PA": "a palette",
    "L": "grey",
    "LA": "grey",
    "1": "black and white",
}
"""A mode of Pillow -> its name for people."""
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The space of a profile -> the mode it describes."""
_SAME = 2
"""A profile that moves no colour by more levels than this is sRGB."""


class Converted(str):
    """A note on what an 8-bit sRGB picture has not kept of its file: not true of a result that is written
    with the file's own values.
    """


HOLE_DROPPED = Converted("Alpha was dropped; transparent pixels can be taken as the mask.")


def to_rgb(
    picture: PilImage.Image, profile: bytes | None, notes: list[str]
) -> tuple[PilImage.Image, Mask | None]:
    """The picture in sRGB, and which pixels are transparent where some are; `notes` gets what was done."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        notes.append(Converted("Converted from 16-bit or float grey to 8-bit."))
        grey = PilImage.fromarray(to_8_bit(np.asarray(picture)))
        return _to_srgb(grey, profile, notes), None
    transparent = None
    if has_alpha(picture):
        alpha = alpha_of(picture)
        transparent = alpha < THRESHOLD if (alpha < THRESHOLD).any() else None
        notes.append(Converted("Alpha was dropped.") if transparent is None else HOLE_DROPPED)
        picture = picture.convert("L" if mode in ("L", "LA", "La", "1") else "RGB")
    if mode in _NAMES:
        notes.append(Converted(f"Converted from {_NAMES[mode]} to sRGB."))
    return _to_srgb(picture, profile, notes), transparent


def has_alpha(picture: PilImage.Image) -> bool:
    """True where pixels may be transparent: by a channel, or by a colour of the palette."""
    return picture.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info


def alpha_of(picture: PilImage.Image) -> npt.NDArray[np.uint8]:
    """(H, W) uint8, 255 = opaque."""
    return np.array(picture.convert("RGBA").getchannel("A"), np.uint8)


def _to_srgb(picture: PilImage.Image, profile: bytes | None, notes: list[str]) -> PilImage.Image:
    """Apply an embedded ICC profile, unless it is sRGB itself or is one of another kind of picture."""
    if profile and picture.mode != "LAB":
        try:
            converted = _by_profile(picture, profile, notes)
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes.append("Its colour profile is damaged and was ignored.")
        else:
            if converted is not None:
                return converted
    if picture.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return ImageCms.profileToProfile(picture, lab, _srgb(), outputMode="RGB") or picture
    return picture.convert("RGB")


def _by_profile(picture: PilImage.Image, profile: bytes, notes: list[str]) -> PilImage.Image | None:
    source = _opened(profile)
    mode = _SPACES.get(source.profile.xcolor_space)
    if mode is None or (mode != picture.mode and (mode != "RGB" or picture.mode == "CMYK")):
        notes.append("Its colour profile is for another kind of picture and was ignored.")
        return None
    if is_srgb(profile):
        return None
    notes.append(Converted("Converted from its colour profile to sRGB."))
    return ImageCms.profileToProfile(picture.convert(mode), source, _srgb(), outputMode="RGB")


def fits(profile: bytes, mode: str) -> bool:
    """True where a profile is of pictures of this mode of Pillow: RGB, L or CMYK.

    Raises ImageCms.PyCMSError or OSError for one that is damaged.
    """
    return _SPACES.get(_opened(profile).profile.xcolor_space) == mode


def srgb_to(profile: bytes, image: Image) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB in the colours of a profile: (H, W, 3), or (H, W) for one of grey.

    Raises ImageCms.PyCMSError or OSError where it does not lead there.
    """
    mode = "L" if fits(profile, "L") else "RGB"
    found = ImageCms.profileToProfile(PilImage.fromarray(image), _srgb(), _opened(profile), outputMode=mode)
    return np.array(found, np.uint8)


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """True where a profile leaves the colours of a lattice where they are: what it does counts, not its
    name.

    Raises ImageCms.PyCMSError or OSError for one that is damaged.
    """
    source = _opened(profile)
    mode = _SPACES.get(source.profile.xcolor_space)
    if mode not in ("RGB", "L"):
        return False
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(len(steps), -1, 3)
    before = PilImage.fromarray(colours if mode == "RGB" else colours[..., 0].copy())
    after = ImageCms.profileToProfile(before, source, _srgb(), outputMode="RGB")
    moved = np.abs(np.asarray(before.convert("RGB"), np.int16) - np.asarray(after, np.int16))
    return int(moved.max()) <= _SAME


def to_8_bit(values: npt.NDArray[Any]) -> Image:
    """Grey of any depth as (H, W) uint8: white is 1, 255 or 65,535, and what lies above it is cut.

    Whole numbers have the depth that their largest needs; others lie between 0 and 1 where nearly all do: a
    few stray ones above, as resampling and sensors leave them, must not turn a picture black.
    """
    sixteen_bit = values.dtype == np.uint16
    values = values.astype(np.float64)
    largest = float(values[np.isfinite(values)].max(initial=0))
    values = np.nan_to_num(values, nan=0.0, posinf=max(largest, 1.0), neginf=0.0)
    whole = bool((values == np.rint(values)).all())
    top = float(values.max(initial=0) if whole else np.quantile(values, 0.99) if values.size else 0)
    white = 65535.0 if sixteen_bit or top > 255 else 255.0 if top > 1 else 1.0
    return np.clip(np.rint(values / white * 255), 0, 255).astype(np.uint8)

"""Every mode and profile of a file becomes 8-bit sRGB."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageCms

from inpainters.imaging.arrays import Image, Mask

THRESHOLD = 128
"""Grey and alpha are cut here: a mask's 128 and above is missing, alpha below it transparent."""


def to_rgb(picture: PilImage.Image, notes: list[str]) -> tuple[PilImage.Image, Mask | None]:
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

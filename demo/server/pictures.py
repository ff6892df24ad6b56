"""Opened pictures and masks, and the copies of them that a page shows."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from demo.server.store import Store
from inpainters.errors import InputError
from inpainters.imaging import THRESHOLD, Image, Mask, decode_image, encode_png, load_image, load_mask

MAX_PIXELS = 4096 * 4096
"""Pictures of more pixels are refused in the app (the command line takes 100 megapixels)."""

MIN_SIDE = 8
"""Pictures with a shorter side are refused: there is nothing to see."""

PREVIEW = 2048
"""The editor draws on a copy of at most this many pixels a side; the mask keeps the picture's own size."""


@dataclass(frozen=True)
class Picture:
    """An opened picture: the file as it was uploaded, and the sRGB pixels every method works on."""

    title: str
    original: str
    """Token of the file, byte for byte as it came."""
    token: str
    """Token of its PNG in sRGB, upright."""
    preview: str
    """Token of a PNG for the editor, at most PREVIEW pixels a side."""
    size: tuple[int, int]
    """(height, width)"""
    notes: tuple[str, ...] = ()
    transparent: str | None = None
    """Token of the mask of its transparent pixels."""
    sample: str | None = None
    """Name of the built-in example, for links."""


def open_picture(store: Store, path: str | Path, title: str, sample: str | None = None) -> Picture:
    """Read an uploaded file; raise InputError with one sentence where it cannot be used."""
    path = Path(path)
    try:
        loaded = load_image(path, max_pixels=MAX_PIXELS)
    except InputError as error:
        raise InputError(str(error).replace(f"'{path.name}'", f"'{title}'")) from None
    height, width = loaded.image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"'{title}' is {width}×{height}; choose a picture of at least {MIN_SIDE}×{MIN_SIDE} pixels."
        )
    transparent = None if loaded.transparent is None else store.put(encode_png(loaded.transparent))
    token = store.put(encode_png(loaded.image))
    original = store.put(path.read_bytes(), path.suffix.lower() or ".bin")
    return Picture(
        title,
        original,
        token,
        _preview(store, loaded.image, token),
        (height, width),
        loaded.notes,
        transparent,
        sample,
    )


def from_result(store: Store, token: str, title: str) -> Picture:
    """A result as the next picture: the same bytes are original, PNG and preview."""
    image = store.image(token)
    return Picture(title, token, token, _preview(store, image, token), image.shape[:2])


def _preview(store: Store, image: Image, token: str) -> str:
    if max(image.shape[:2]) <= PREVIEW:
        return token
    small = PilImage.fromarray(image)
    small.thumbnail((PREVIEW, PREVIEW))
    return store.put(encode_png(np.asarray(small)))


def open_mask(path: str | Path, size: tuple[int, int], title: str) -> tuple[Mask, tuple[str, ...]]:
    """Read an uploaded mask of the picture's (height, width); raise InputError with one sentence."""
    try:
        return load_mask(Path(path), size)
    except InputError as error:
        raise InputError(str(error).replace(f"'{Path(path).name}'", f"'{title}'")) from None


def canvas_mask(data: bytes, size: tuple[int, int]) -> Mask:
    """The editor's mask: a PNG whose alpha 255 means missing, of the picture's (height, width)."""
    try:
        loaded = decode_image(data, "The mask", max_pixels=MAX_PIXELS)
    except InputError:
        raise InputError("The painted mask did not arrive whole; paint again.") from None
    missing = np.ones(loaded.image.shape[:2], bool) if loaded.transparent is None else ~loaded.transparent
    if missing.shape != tuple(size):
        raise InputError(
            f"The mask is {missing.shape[1]}×{missing.shape[0]}, the picture {size[1]}×{size[0]}. Use the "
            "same size."
        )
    if not missing.any():
        raise InputError("Nothing is masked yet: paint over what should disappear.")
    return missing


def canvas_sketch(data: bytes, missing: Mask) -> Mask | None:
    """The editor's sketch: red 255 in the same PNG, inside the (H, W) bool hole; None where nothing is
    drawn.
    """
    lines = (decode_image(data, "The sketch", max_pixels=MAX_PIXELS).image[..., 0] >= THRESHOLD) & missing
    return lines if lines.any() else None


def read_canvas(data_url: str, size: tuple[int, int]) -> tuple[Mask, Mask | None]:
    """The mask and the sketch that the editor sends for a picture of this (height, width); None where no
    line is drawn.
    """
    data = _bytes(data_url)
    mask = canvas_mask(data, size)
    return mask, canvas_sketch(data, mask)


def _bytes(data_url: str) -> bytes:
    if not data_url:
        raise InputError("Nothing is masked yet: paint over what should disappear.")
    try:
        return base64.b64decode(data_url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise InputError("The painted mask did not arrive whole; paint again.") from None


Square = tuple[int, int, int, int]
"""top, left, bottom, right"""

THUMB = 132
"""Side of the thumbnails of several answers, in pixels: twice what is shown."""


def around(mask: Mask) -> Square:
    """A square around the hole, with some of what is known, as far as the picture has room for one."""
    spans = [_span(mask.any(axis=1)), _span(mask.any(axis=0))]
    side = min(*mask.shape, max(16, round(1.3 * max(end - start for start, end in spans))))
    top, left = (
        max(0, min((sum(span) - side) // 2, length - side))
        for span, length in zip(spans, mask.shape, strict=True)
    )
    return top, left, top + side, left + side


def _span(missing: Mask) -> tuple[int, int]:
    places = np.nonzero(missing)[0]
    return int(places.min(initial=len(missing))), int(places.max(initial=-1)) + 1


def thumbnail(image: Image, square: Square) -> Image:
    """That part of a picture, at most `THUMB` pixels a side."""
    top, left, bottom, right = square
    part = PilImage.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    part.thumbnail((THUMB, THUMB))
    return np.asarray(part)


def masked(image: Image, mask: Mask) -> Image:
    """The picture with its hole hatched in two greys: nothing is known there."""
    rows, columns = np.indices(mask.shape, sparse=True)
    band = max(2, max(mask.shape) // 96)
    hatch = np.where(
        ((rows + columns) // band % 2)[..., None] == 0, np.uint8([119, 123, 130]), np.uint8([138, 142, 149])
    )
    return np.where(mask[..., None], hatch, image).astype(np.uint8)

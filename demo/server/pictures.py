"""Opened pictures and masks, and the copies of them that a page shows."""

import base64
import binascii
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from demo.server.copies import at_most
from demo.server.store import Store
from inpainters.errors import InputError
from inpainters.imaging import THRESHOLD, Image, Mask, decode_image, load_image, load_mask
from inpainters.uses.feather import checked_feather

PAGE_PIXELS = 4096 * 4096
"""Pictures of more pixels are refused in the app (the command line takes 100 megapixels)."""
DECODING = threading.BoundedSemaphore(2)
"""Large files that are decoded at once, for all visitors."""

MIN_SIDE = 8
"""Pictures with a shorter side are refused: there is nothing to see."""

NOTHING_MASKED = "Nothing is masked yet: paint over what should disappear."
SAME_SHAPE = 0.02
"""A mask whose ratio of sides is that near to the picture's can be refitted to it."""
PREVIEW = 2048
"""The editor draws on a copy of at most this many pixels a side; the mask keeps the picture's own size."""


@dataclass(frozen=True)
class OpenPicture:
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
    called: str = ""
    """What a page calls it; empty for one that the visitor has chosen."""
    framed: bool = False
    """True where it is the picture before in another frame; `transparent` is what that left empty."""
    example: bool = False
    """True for the finished example that the page opens with."""

    @property
    def own(self) -> bool:
        """Whether no link leads to it: it is the visitor's, or was made from one."""
        return not (self.sample or self.example)


def open_picture(store: Store, path: str | Path, title: str, sample: str | None = None) -> OpenPicture:
    """Read an uploaded file; raise InputError with one sentence where it cannot be used."""
    path = Path(path)
    try:
        loaded = load_image(path, max_pixels=PAGE_PIXELS)
    except InputError as error:
        raise InputError(str(error).replace(f"'{path.name}'", f"'{title}'")) from None
    height, width = loaded.image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"'{title}' is {width}×{height}; choose a picture of at least {MIN_SIDE}×{MIN_SIDE} pixels."
        )
    transparent = None if loaded.transparent is None else store.put_image(loaded.transparent)
    token = store.put_image(loaded.image)
    original = store.put(path.read_bytes(), path.suffix.lower() or ".bin")
    return OpenPicture(
        title,
        original,
        token,
        _preview(store, loaded.image, token),
        (height, width),
        loaded.notes,
        transparent,
        sample,
    )


def from_result(store: Store, token: str, title: str, called: str = "") -> OpenPicture:
    """A result as the next picture: the same bytes are original, PNG and preview."""
    image = store.image(token)
    return OpenPicture(title, token, token, _preview(store, image, token), image.shape[:2], called=called)


def from_pixels(store: Store, image: Image, title: str, called: str, empty: Mask) -> OpenPicture:
    """The picture before in another frame, (H, W, 3) uint8, as the next one; nothing is known where `empty`
    (H, W).
    """
    token, size = store.put_image(image), (image.shape[0], image.shape[1])
    hidden = store.put_image(empty)
    shown = _preview(store, image, token)
    return OpenPicture(title, token, token, shown, size, (), hidden, called=called, framed=True)


def _preview(store: Store, image: Image, token: str) -> str:
    small = at_most(image, PREVIEW)
    return token if small is image else store.put_image(small)


def open_mask(path: str | Path, size: tuple[int, int], title: str) -> tuple[Mask, tuple[str, ...]]:
    """Read an uploaded mask of the picture's (height, width), or of its shape at another size; raise
    InputError with one sentence.
    """
    try:
        mask, notes = load_mask(Path(path))
        return (mask, notes) if alike(mask.shape, size) else load_mask(Path(path), size)
    except InputError as error:
        raise InputError(str(error).replace(f"'{Path(path).name}'", f"'{title}'")) from None


def alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """True of two sizes with nearly the same ratio of height to width."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) < SAME_SHAPE


def refitted(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask at another (height, width): missing where half of what a pixel shows is."""
    small = PilImage.fromarray(np.uint8(255) * mask).resize(size[::-1], PilImage.Resampling.BOX)
    return np.asarray(small) >= THRESHOLD


def canvas_digest(data_url: str) -> str:
    """The digest that the editor names in what it sends; empty where it names none."""
    found = re.match(r"data:image/png;digest=(\d{1,20});", data_url)
    return found[1] if found else ""


def canvas_feather(data_url: str) -> int:
    """The feather that the editor names in what it sends, in pixels; 0 where it names none. Raises
    InputError.
    """
    found = re.match(r"data:image/png;[^,]{0,60}\bfeather=(\d{1,4});", data_url)
    return checked_feather(found[1]) if found else 0


def read_canvas(data_url: str, size: tuple[int, int]) -> tuple[Mask, Mask | None]:
    """The mask and the sketch that the editor sends, of the picture's (height, width); None where no line is
    drawn.

    It sends a PNG as a data URL: alpha 255 means missing, red 255 a line of the sketch, which counts inside
    the hole alone. Raises InputError with one sentence.
    """
    if not data_url:
        raise InputError(NOTHING_MASKED)
    try:
        data = base64.b64decode(data_url.partition(",")[2], validate=True)
        loaded = decode_image(data, "The mask", max_pixels=PAGE_PIXELS)
    except (binascii.Error, ValueError):
        raise InputError("The painted mask did not arrive whole; paint again.") from None
    missing = np.ones(loaded.image.shape[:2], bool) if loaded.transparent is None else ~loaded.transparent
    if missing.shape != size:
        found, wanted = (f"{width}×{height}" for height, width in (missing.shape, size))
        raise InputError(f"The mask is {found}, the picture {wanted}. Use the same size.")
    if not missing.any():
        raise InputError(NOTHING_MASKED)
    lines = (loaded.image[..., 0] >= THRESHOLD) & missing
    return missing, lines if lines.any() else None

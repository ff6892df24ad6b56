"""The pictures behind a figure, as the page's store serves them."""

from functools import lru_cache
from typing import NamedTuple

from benchmark.inputs.frozen import read_rgb
from benchmark.report import display
from benchmark.report.display import Place
from benchmark.report.summary import named
from benchmark.results import Results
from demo.server.copies import hatched
from demo.server.store import Store
from demo.server.suites import AT_BORDER, Figure, pictures_behind
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask, decode_image, load_mask
from inpainters.masks import touches_border


class Exhibit(NamedTuple):
    """The original of one hole, and the picture with its hole."""

    original: str
    """Token."""
    masked: str
    """Token."""
    size: tuple[int, int]
    """(height, width)"""


def hole_in_view(results: Results, figure: Figure) -> tuple[tuple[str, str], int, int]:
    """(bin, image id) of the hole in view, its place and how many there are, among those whose pictures are
    here and that lie at the border as the figure asks; InputError with a sentence where none is.
    """
    behind = pictures_behind(results, figure)
    if not behind:
        raise InputError(f"{named(figure.entry)} has no figure here, so there are no pictures behind it.")
    found = [hole for hole in behind if display.find(results, *hole, "original")] if kept(results) else []
    if not found:
        raise InputError(
            f"The pictures of the suite {results.suite} are not here: "
            f"`python -m benchmark run {results.suite}` makes them."
        )
    if figure.border:
        wanted = AT_BORDER[figure.border]
        found = [hole for hole in found if touching(results, *hole) is wanted]
        if not found:
            which = "touches the border" if wanted else "keeps clear of the border"
            raise InputError(f"None of these holes {which}: choose all holes, or click another figure.")
    index = figure.index % len(found)
    return found[index], index, len(found)


def touching(results: Results, label: str, image_id: str) -> bool | None:
    """Whether a hole touches the picture's border, by its mask; None where that is not here."""
    place = display.find(results, label, image_id, "mask")
    return None if place is None else _touching(place, place.file.stat().st_mtime_ns)


@lru_cache(maxsize=1 << 15)
def _touching(place: Place, stamp: int) -> bool:
    # Many masks are looked at before a picture shows: what checks a visitor's file takes ten times as long.
    return touches_border(read_rgb(place.file, place.read())[..., 0] > 127)


def kept(results: Results) -> bool:
    """Whether any picture of the suite is here."""
    return bool(display.copies(results.folder)) or (results.folder / "cells").is_dir()


def original_and_mask(results: Results, label: str, image_id: str) -> tuple[Image, Mask]:
    """The original of one hole, and its mask; InputError where they are not here."""
    original, mask = (display.find(results, label, image_id, name) for name in ("original", "mask"))
    if original is None or mask is None:
        raise InputError("The pictures of this hole are not here.")
    return _read(original, mask)


def _read(original: Place, mask: Place) -> tuple[Image, Mask]:
    image = decode_image(original.read()).image
    return image, load_mask(decode_image(mask.read()).image, image.shape[:2])[0]


def picture_of(results: Results, label: str, image_id: str, entry: str) -> Image:
    """One method's fill of a hole; InputError where it is not here."""
    place = display.find(results, label, image_id, entry)
    if place is None:
        raise InputError("That picture is not here.")
    return decode_image(place.read()).image


def exhibit(store: Store, results: Results, label: str, image_id: str) -> Exhibit | None:
    """What a bin's methods had before them; None where these pictures are not here."""
    original, mask = (display.find(results, label, image_id, name) for name in ("original", "mask"))
    if original is None or mask is None:
        return None
    token = _kept(store, original)
    return Exhibit(token, _kept(store, original, mask), store.image(token).shape[:2])


def fill_token(store: Store, results: Results, label: str, image_id: str, entry: str) -> str | None:
    """The token of one method's fill; None where its picture is not here."""
    found = display.find(results, label, image_id, entry)
    return None if found is None else _kept(store, found)


def _kept(store: Store, place: Place, hole: Place | None = None) -> str:
    """The token of a picture on disk, or of the same with a hole; the same one while it is kept."""
    token = _put(store, place, hole)
    if store.path(token) is None:
        _put.cache_clear()
        token = _put(store, place, hole)
    return token


@lru_cache(maxsize=4096)
def _put(store: Store, place: Place, hole: Place | None) -> str:
    return store.put_image(decode_image(place.read()).image if hole is None else hatched(*_read(place, hole)))

"""The pictures behind a figure, as the page's store serves them."""

from functools import lru_cache
from typing import NamedTuple

from benchmark.report import display
from benchmark.report.display import Place
from benchmark.results import Results
from demo.server.copies import hatched
from demo.server.store import Store
from inpainters.imaging import decode_image, load_mask


class Exhibit(NamedTuple):
    """The original of one hole, and the picture with its hole."""

    original: str
    """Token."""
    masked: str
    """Token."""
    size: tuple[int, int]
    """(height, width)"""


def exhibit(store: Store, results: Results, label: str, image_id: str) -> Exhibit | None:
    """What a bin's methods had before them; None where these pictures are not here."""
    original, mask = (display.find(results, label, image_id, name) for name in ("original", "mask"))
    if original is None or mask is None:
        return None
    image = decode_image(original.read()).image
    hole, _ = load_mask(decode_image(mask.read()).image, image.shape[:2])
    return Exhibit(_kept(store, original), store.put_image(hatched(image, hole)), image.shape[:2])


def fill_token(store: Store, results: Results, label: str, image_id: str, entry: str) -> str | None:
    """The token of one method's fill; None where its picture is not here."""
    found = display.find(results, label, image_id, entry)
    return None if found is None else _kept(store, found)


def _kept(store: Store, place: Place) -> str:
    """The token of a picture on disk; the same one while it is kept."""
    token = _put(store, place)
    if store.path(token) is None:
        _put.cache_clear()
        token = _put(store, place)
    return token


@lru_cache(maxsize=4096)
def _put(store: Store, place: Place) -> str:
    return store.put_image(decode_image(place.read()).image)

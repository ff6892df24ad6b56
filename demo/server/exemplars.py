"""An example of what `python -m inpainters augment` makes: pictures that `docs/augmented.py` has written."""

from functools import lru_cache
from pathlib import Path

from demo.server.store import Store

VARIANTS = 2
_FOLDER = Path(__file__).parent / "augmented"
EXEMPLARS = {
    "photo": "A photograph of the folder, 300×200",
    "mask-0": "A mask of irregular lines",
    "variant-0": "Filled: the first variant",
    "mask-1": "A mask with an object's outline",
    "variant-1": "Filled: the second variant",
}
"""Name of a picture -> what it shows."""


@lru_cache(maxsize=4)
def augmented(store: Store) -> dict[str, str]:
    """What a picture shows -> its token, kept for all who ask."""
    return {
        words: store.put((_FOLDER / f"{name}.jpg").read_bytes(), ".jpg", keep=True)
        for name, words in EXEMPLARS.items()
    }

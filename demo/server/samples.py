"""Photographs to try: they ship inside packages the app needs anyway."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage

from demo.server.store import Store, url
from inpainters.errors import unknown
from inpainters.imaging import encode_png, load_image

SAMPLES: dict[str, tuple[str, str, str]] = {
    "coffee": ("Coffee", "skimage", "data/coffee.png"),
    "chelsea": ("Chelsea the cat", "skimage", "data/chelsea.png"),
    "rocket": ("Rocket", "skimage", "data/rocket.jpg"),
    "tower": ("Tower", "gradio", "media_assets/images/tower.jpg"),
    "cheetah": ("Cheetah", "gradio", "media_assets/images/cheetah.jpg"),
}
"""Name -> title, package, path inside it."""


def sample_path(name: str) -> Path:
    """The file of a sample; InputError with a suggestion for an unknown name."""
    if name not in SAMPLES:
        raise unknown("example", name, SAMPLES)
    _, package, inside = SAMPLES[name]
    spec = find_spec(package)
    return Path(spec.origin).parent / inside if spec and spec.origin else Path(inside)


@lru_cache(maxsize=4)
def thumbnails(store: Store, side: int = 88) -> list[dict[str, Any]]:
    """`[{id, title, src}]` of the samples that are there; square thumbnails, kept for all who ask."""
    found = []
    for name, (title, _, _) in SAMPLES.items():
        if sample_path(name).is_file():
            picture = PilImage.fromarray(load_image(sample_path(name)).image)
            edge = min(picture.size)
            left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
            small = picture.resize(
                (side, side), PilImage.Resampling.LANCZOS, (left, top, left + edge, top + edge)
            )
            found.append(
                {
                    "id": name,
                    "title": title,
                    "src": url(store.put(encode_png(np.asarray(small)), keep=True)),
                }
            )
    return found

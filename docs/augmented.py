"""Makes demo/server/augmented/, the example under *More of a dataset* on the page: `python
docs/augmented.py`.

Two variants of scikit-image's cat, as the command that stands beside them makes them, with the masks over
the photograph.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from skimage import data  # noqa: E402

from demo.server.clips import tinted  # noqa: E402
from demo.server.exemplars import VARIANTS  # noqa: E402
from demo.views.uses.dataset import DATASET_COMMAND  # noqa: E402
from inpainters.__main__ import main as inpainters  # noqa: E402

OUT = ROOT / "demo/server/augmented"
SIZE = (300, 200)
"""(width, height)"""


def asked(photos: Path, out: Path) -> list[str]:
    """The command that the page shows, for these folders."""
    places = {"FOLDER": str(photos), "OUT": str(out)}
    return [places.get(word, word) for word in DATASET_COMMAND.split()[3:]]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos, out = Path(folder) / "photos/cat", Path(folder) / "out"
        photos.mkdir(parents=True)
        photo = Image.fromarray(data.chelsea()).resize(SIZE, Image.Resampling.LANCZOS)
        photo.save(photos / "chelsea.png")
        inpainters([*asked(photos.parent, out), "--device", "cpu"])
        pictures = {"photo": np.asarray(photo)}
        for k in range(VARIANTS):
            mask = np.asarray(Image.open(out / f"masks/cat/chelsea-{k}.png").convert("L")) > 0
            pictures[f"mask-{k}"] = tinted(pictures["photo"], mask)
            pictures[f"variant-{k}"] = np.asarray(Image.open(out / f"pictures/cat/chelsea-{k}.png"))
    for name, picture in pictures.items():
        Image.fromarray(picture).save(OUT / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()

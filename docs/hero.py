"""Draws results/compare.webp, the first picture of the README: `python docs/hero.py`.

A rocket is taken out of scikit-image's photograph of a launch pad, by a method of each of five families.
"""

import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from PIL import Image  # noqa: E402
from skimage import data, draw  # noqa: E402

from inpainters import METHODS, InpaintRequest, create  # noqa: E402
from inpainters.families import FAMILIES  # noqa: E402

CHOSEN = ("telea", "patchmatch", "gated_conv", "palette", "latent_diffusion")
OUTLINE = (
    *((112, 320), (132, 340), (180, 344), (330, 344), (366, 366), (408, 366)),
    *((408, 282), (364, 282), (345, 298), (180, 300), (132, 304)),
)
"""Corners of what is painted over, (row, column)."""
PAINT = (230, 0, 126)


def fills() -> dict[str, np.ndarray]:
    """Title -> picture, (H, W, 3) uint8; first the photograph with what is painted over."""
    photograph = data.rocket()
    mask = draw.polygon2mask(photograph.shape[:2], OUTLINE)
    painted = np.where(mask[..., None], np.array(PAINT, np.uint8), photograph)
    found = {"Painted over": painted}
    for name in CHOSEN:
        spec = METHODS[name]
        ((result,),) = create(name, device="cpu").run([InpaintRequest(photograph, mask)])
        found[f"{FAMILIES[spec.family].title}: {spec.title}"] = result.image
    return found


def main() -> None:
    figure = Figure(figsize=(14.4, 7.0), dpi=100, layout="constrained")
    for axis, (title, picture) in zip(figure.subplots(2, 3).flat, fills().items(), strict=True):
        axis.imshow(picture, interpolation="lanczos")
        axis.set_title(title, fontsize=13, loc="left")
        axis.set_axis_off()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").save(ROOT / "results/compare.webp", quality=80, method=6)


if __name__ == "__main__":
    main()

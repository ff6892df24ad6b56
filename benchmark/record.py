"""What fixes the pixels of a cell: written into its key, compared before anything is filled."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark import measure
from benchmark.cells import FORMAT, Cell, digest
from benchmark.inputs.frozen import Inputs
from inpainters import registry
from inpainters.weights import files as weights

_PACKAGES = {
    "cv2": "opencv-contrib-python-headless",
    "skimage": "scikit-image",
    "PIL": "pillow",
}  # import name -> distribution


def meaning(cell: Cell, inputs: Inputs, images: list[str]) -> dict[str, Any]:
    """What fixes a cell's pixels: a cell in which any of it differs is another one."""
    spec = registry.get(cell.method)
    return {
        "format": FORMAT,
        "dataset": cell.dataset,
        "mask_set": cell.mask_set,
        "bin": cell.bin,
        "method": cell.method,
        "version": spec.version,
        "options": dict(cell.options),
        "seed": cell.seed,
        # Another network stands among the options, with its revision.
        "weights": {name: weights_digest(name) for name in spec.loaded(cell.options).weights},
        "packages": measure.packages(
            ("numpy", "scipy", _PACKAGES["cv2"], *(_PACKAGES.get(name, name) for name in spec.requires))
        ),
        "inputs": digest({image_id: inputs.table[image_id] for image_id in images}),
    }


def weights_digest(name: str) -> str | None:
    """sha256 of a weights file that is here, those of all shards joined by +; None where it is not."""
    paths = weights.find_all(name)
    return "+".join(_sha256(path, path.stat().st_mtime_ns) for path in paths) or None


@lru_cache
def _sha256(path: Path, changed: int) -> str:
    return weights.sha256(path)

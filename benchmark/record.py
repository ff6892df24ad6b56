"""What fixes the pixels of a cell: written into its key, compared before anything is filled."""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark import measure
from benchmark.cells import FORMAT, Cell, digest
from benchmark.inputs.frozen import Inputs
from inpainters import registry
from inpainters.weights import files as weights
from inpainters.weights.table import WEIGHTS

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
        "n": len(images),
        **({"detail": True} if spec.adds_detail(cell.options) else {}),
    }


def weights_digest(name: str) -> str | None:
    """sha256 of a weights file that is here, those of all shards joined by +, or the commits of a pipeline's
    repositories; None where it is not.
    """
    paths = weights.find_all(name)
    if paths and WEIGHTS[name].repository:
        return "+".join(path.name for path in paths)
    return "+".join(_sha256(path, path.stat().st_mtime_ns) for path in paths) or None


@lru_cache
def _sha256(path: Path, changed: int) -> str:
    return weights.sha256(path)


@lru_cache
def code_digest(target: str) -> str | None:
    """sha256 over the source of the module of a metric (`module:callable`) and of those of its package that
    it imports, theirs included; None where there is no such source. It tells of every change, of comments
    too, and so it pins nothing.
    """
    module = target.partition(":")[0]
    found: dict[str, bytes] = {}
    package, todo = module.rpartition(".")[0], [module]
    while todo:
        name = todo.pop()
        if name in found or (source := _source(name)) is None:
            continue
        found[name] = source
        todo += [other for other in _imports(source) if other.startswith(f"{package}.")]
    joined = b"\0".join(name.encode() + b"\0" + found[name] for name in sorted(found))
    return hashlib.sha256(joined).hexdigest() if module in found else None


def _source(module: str) -> bytes | None:
    try:
        spec = find_spec(module)  # imports the packages around it, not the module
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).read_bytes() if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(source: bytes) -> Iterator[str]:
    """The names of modules that a source may import; some are names inside of them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

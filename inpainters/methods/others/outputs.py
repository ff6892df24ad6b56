"""Fills that another program made, as a method: `outputs:FOLDER`. They are looked up by the name of the hole,
nothing is drawn.
"""

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from inpainters.base import (
    Inpainter,
    InpaintRequest,
    InpaintResult,
    OnPreview,
    OnStep,
    checked_pair,
    checked_seeds,
)
from inpainters.errors import InputError
from inpainters.families import STRANGER
from inpainters.folders import find_pictures
from inpainters.imaging import composite, load_image
from inpainters.spec import Cost, MethodSpec, row_name


class Outputs(Inpainter):
    """The pictures of a folder. A request's `name` says which one; its known pixels are put back."""

    files: Mapping[str, Path]

    def load(self) -> None:
        if not hasattr(self, "files"):
            self.files = files_by_name(Path(self.spec.source))

    def run(
        self,
        requests: Sequence[InpaintRequest],
        on_step: OnStep | None = None,
        on_preview: OnPreview | None = None,
    ) -> list[list[InpaintResult]]:
        """All answers to a request are the one picture. Raises InputError for a bad image or mask, and where
        a hole has no name, no picture of its name, or one of another size.
        """
        self.load()
        return [[self._found(request, seed) for seed in checked_seeds(request)] for request in requests]

    def _found(self, request: InpaintRequest, seed: int) -> InpaintResult:
        image, mask = checked_pair(request)
        folder = Path(self.spec.source).name
        if not request.name:
            raise InputError(
                "Fills of a folder are for the benchmark, which gives each hole a name: `python -m benchmark "
                "run SUITE --only inputs` writes pictures and masks under these names."
            )
        path = self.files.get(request.name.casefold())
        if path is None:
            raise InputError(f"'{folder}' has no '{request.name}.png'.")
        drawn = load_image(path).image
        if drawn.shape != image.shape:
            sizes = " and not ".join(f"{one.shape[1]}×{one.shape[0]}" for one in (drawn, image))
            raise InputError(
                f"'{folder}/{path.name}' is {sizes}: outputs must have the size of their inputs."
            )
        return InpaintResult(composite(drawn, image, mask), drawn, self.spec.name, {}, seed, math.nan)


def files_by_name(folder: Path) -> dict[str, Path]:
    """Names without suffix, in lower case -> pictures; folders within it count as parts of the name, joined
    by `_`.
    """
    found: dict[str, Path] = {}
    for path in sorted(find_pictures(folder).files):
        name = "_".join(path.relative_to(folder).with_suffix("").parts).casefold()
        if name in found:
            raise InputError(f"'{folder.name}' has two pictures for '{name}': keep one of them.")
        found[name] = path
    return found


def folder_row(kind: str, folder: str, name: str = "") -> MethodSpec:
    """The row of a folder of pictures; raises InputError where it is not there or holds none."""
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"There is no folder '{path}': check its path.")
    files = files_by_name(path)
    if not files:
        raise InputError(f"'{path.name}' holds no pictures.")
    called = path.resolve().name
    return MethodSpec(
        name=name or f"{kind}_{row_name(called)}",
        title=called,
        family=STRANGER,
        target=f"{__name__}:{Outputs.__name__}",
        summary="Fills that another program made, measured as they are.",
        paper="",
        year=0,
        link="",
        licence="",
        cost=Cost(fixed=0.01),
        version=_digest(files),
        source=folder,
    )


def _digest(files: Mapping[str, Path]) -> str:
    """What tells states of the folder apart."""
    found = sha256()
    for name, path in files.items():
        found.update(name.encode() + b"\0" + sha256(path.read_bytes()).digest())
    return found.hexdigest()[:8]

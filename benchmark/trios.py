"""Originals, outputs and masks of somebody else's fills: which belong together, their pixels, and what white
means in the masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.cells import file_sha256
from inpainters.errors import InputError
from inpainters.folders import find_pictures, listed, name_key, pair_up
from inpainters.imaging import Image, Mask, load_image, load_mask, shown

White = Literal["missing", "known"]
TOLD_APART = 4.0
"""White is what one side of a mask changed by so many times as much as the other."""
_LOOKED_AT = 32
"""Pictures that tell what white means, at most."""
TrioShas = tuple[str, str, str]
"""sha256 of the files of an original, its output and its mask; empty where one cannot be read."""


@dataclass(frozen=True)
class Trio:
    """An original, its output and its mask."""

    name: str
    original: Path
    output: Path
    mask: Path
    photograph: str
    """The original's path below its folder."""

    def shas(self) -> TrioShas:
        original, output, mask = (file_sha256(path) or "" for path in (self.original, self.output, self.mask))
        return original, output, mask


def paired_files(originals: Path, outputs: Path, masks: Path) -> tuple[list[Trio], list[str]]:
    """The originals that have an output and a mask of their name in the folder of their folder's name, and a
    sentence for each kind that has not.

    Raises InputError where a folder is not there, or nothing pairs.
    """
    for folder in (originals, outputs, masks):
        if not folder.is_dir():
            raise InputError(f"There is no folder '{shown(folder)}': check its path.")
    found = pair_up(originals, masks)
    drawn = {path.relative_to(outputs): path for path in find_pictures(outputs).files}
    own = {pair.photo: pair.photo.relative_to(originals) for pair in found.pairs}
    # Of the very name before others: what another original has to itself is not this one's.
    named = set(own.values())
    alike = {name_key(path): file for path, file in drawn.items() if path not in named}
    trios, alone = [], []
    for pair in found.pairs:
        path = own[pair.photo]
        of_result = Path(f"{pair.name}.png")  # as `fill` calls it
        output = drawn.get(path) or alike.get(name_key(path)) or alike.get(name_key(of_result))
        if output is None or pair.mask is None:
            alone.append(path.as_posix())
        else:
            trios.append(Trio(pair.name, pair.photo, output, pair.mask, path.as_posix()))
    if not trios:
        raise InputError(
            f"No output in '{shown(outputs)}' has the name of an original that has a mask: give the three "
            "the same names."
        )
    notes = [f"Originals without an output ({len(alone)}): {listed(alone)}."] if alone else []
    notes += (
        [f"Originals without a mask ({len(found.photos)}): {listed(found.photos)}."] if found.photos else []
    )
    return trios, notes


def opened_trio(trio: Trio, white: White) -> tuple[Image, Image, Mask]:
    """The pixels of a trio; raises InputError where the sizes differ or the mask is empty."""
    original, output = load_image(trio.original).image, load_image(trio.output).image
    if original.shape != output.shape:
        sizes = " and ".join(f"{one.shape[1]}×{one.shape[0]}" for one in (original, output))
        raise InputError(
            f"The original and the output '{trio.output.name}' are {sizes}: they must have one size."
        )
    mask, _ = load_mask(trio.mask, original.shape[:2], white_missing=white == "missing")
    if not mask.any():
        raise InputError(
            f"Nothing is missing in the mask '{trio.mask.name}': remove it, or turn --white around."
        )
    return original, output, mask


def white_of(trios: Sequence[Trio]) -> White:
    """What white means, by where outputs differ from originals; raises InputError where they do not tell."""
    changes, wrong = [], []
    for trio in trios:
        try:
            original, output, mask = opened_trio(trio, "missing")
        except InputError as error:  # the picture is left out and named later
            wrong.append(error)
            continue
        off = np.abs(original.astype(int) - output).mean(2)
        if not mask.all():
            changes.append((off[mask].mean(), off[~mask].mean()))
        if len(changes) == _LOOKED_AT:
            break
    if wrong and not changes:
        raise wrong[0]
    white, black = np.mean(changes, axis=0) if changes else (0.0, 0.0)
    if white > TOLD_APART * black:
        return "missing"
    if black > TOLD_APART * white:
        return "known"
    raise InputError(
        f"It cannot be told what white means in these masks: outputs differ from originals by {white:.1f} "
        f"grey levels where it is white and by {black:.1f} elsewhere. Say so: --white missing, or --white "
        "known."
    )

"""The frozen inputs of a run: originals and masks as PNGs, with sha256, written before the first fill."""

import io
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from benchmark.cells import (
    ColumnKey,
    column_folder,
    file_sha256,
    hole_name,
    pixels_sha256,
    read_json,
    write,
    write_json,
)
from benchmark.inputs.datasets import Dataset
from benchmark.inputs.masksets import TABLE, MaskSet, table_of_masks
from inpainters.errors import InputError, disk_full
from inpainters.imaging import Image, Mask, encode_png


class Wanted(Protocol):
    """What of a run's plan its inputs depend on."""

    @property
    def dataset(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def pictures(self) -> dict[str, str]:
        """image id -> sha256 of its pixels."""

    def columns(self) -> list[ColumnKey]: ...

    def column(self, key: ColumnKey) -> list[str]:
        """The pictures of a column, in their order."""


@dataclass(frozen=True)
class Inputs:
    """The frozen inputs of one column: originals and masks, with their sha256."""

    folder: Path
    table: dict[str, dict[str, str]]
    """image id -> image (sha256), mask (sha256), ratio; or reason, where there is no mask for it."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """Name -> sha256 of the file, which is quicker to compare than pixels; an older version wrote none."""

    def there(self, image_id: str) -> bool:
        """True where the files of a picture are there; they are not read."""
        return all((self.folder / name).is_file() for name in self.names(image_id))

    def names(self, image_id: str) -> list[str]:
        """The files of a picture."""
        return [f"{image_id}.png"] + ([] if "reason" in self.table[image_id] else [f"{image_id}.mask.png"])

    def load(self, image_id: str) -> tuple[Image, Mask]:
        """The original and its mask; raises InputError where a file is missing or not what the table says."""
        mask = read_mask(self.folder / f"{image_id}.mask.png")
        self._check(image_id, "mask", mask)
        return self.original(image_id), mask

    def original(self, image_id: str) -> Image:
        """The original; raises InputError where its file is missing or not what the table says."""
        image = read_rgb(self.folder / f"{image_id}.png")
        self._check(image_id, "image", image)
        return image

    def _check(self, image_id: str, name: str, array: npt.NDArray[Any]) -> None:
        if pixels_sha256(array) != self.table[image_id].get(name):
            what = {"image": "photograph", "mask": "mask of"}[name]
            raise InputError(
                f"The {what} '{image_id}' was changed in '{self.folder.parent.name}/_inputs' since it was "
                "filled: use --redo."
            )

    @property
    def order(self) -> list[str]:
        """The pictures of the column, as planned."""
        return list(self.table)

    def damaged(self, images: Collection[str] = ()) -> dict[str, str]:
        """image id -> a sentence, for each picture, of `images` where any is named, whose original or mask is
        missing or was changed.
        """
        found: dict[str, str] = {}
        for image_id, row in self.table.items():
            if images and image_id not in images:
                continue
            shas = {name: self.files.get(name) for name in self.names(image_id)}
            if all(sha and file_sha256(self.folder / name) == sha for name, sha in shas.items()):
                continue
            try:
                self.original(image_id) if "reason" in row else self.load(image_id)
            except InputError as error:
                found[image_id] = str(error)
        return found


def read_rgb(path: Path, data: bytes | None = None) -> Image:
    """(H, W, 3) uint8 of a PNG that this program wrote; `data` are its bytes where they were read already."""
    try:
        with PilImage.open(path if data is None else io.BytesIO(data)) as picture:
            return np.array(picture.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError):
        raise InputError(
            f"'{path.parent.name}/{path.name}' is missing or damaged: delete it and run the suite again."
        ) from None


def read_mask(path: Path) -> Mask:
    """(H, W) bool of a mask PNG that this program wrote, True = missing."""
    return read_rgb(path)[..., 0] > 127


def prepare(root: Path, plan: Wanted, dataset: Dataset, masks: Sequence[MaskSet]) -> dict[ColumnKey, Inputs]:
    """Write originals and masks of every column; returns the inputs by column."""
    sets = {one.name: one for one in masks}
    wanted = {p.image_id: p for p in dataset.pictures if p.image_id in plan.pictures}
    found: dict[ColumnKey, Inputs] = {}
    for column in plan.columns():
        folder = column_folder(root, plan.dataset, column) / "_inputs"
        stored = stored_inputs(folder)
        images = plan.column(column)
        if (
            stored is not None
            and list(stored.table) == images
            and all(stored.there(image_id) for image_id in images)
        ):
            found[column] = stored
            continue
        table = {
            image_id: _prepare_one(
                folder, wanted.get(image_id), image_id, plan, sets[column.mask_set], column.bin, found
            )
            for image_id in images
        }
        made = Inputs(folder, table)
        names = [name for image_id in images for name in made.names(image_id)]
        files = {name: file_sha256(folder / name) for name in names}
        write_json(folder / "inputs.json", {"order": images, "pictures": table, "files": files})
        found[column] = replace(made, files=files)
    return found


def export_inputs(inputs: Mapping[ColumnKey, Inputs], out: Path) -> int:
    """Write what a method is to be given to `out`: `images`, their missing pixels mid-grey so that nobody
    sees what belongs there, and `masks`, white = missing, under one name for each hole, with their table;
    returns how many.
    """
    rows = []
    for column, one in inputs.items():
        for image_id, row in one.table.items():
            if "reason" in row:
                continue
            image, mask = one.load(image_id)
            name = f"{hole_name(column, image_id)}.png"
            seen = np.where(mask[..., None], np.uint8(128), image)
            write(out / "images" / name, encode_png(seen))
            write(out / "masks" / name, encode_png(mask))
            rows.append({
                "file": name, "mask_set": column.mask_set, "bin": column.bin, "image_id": image_id,
                "ratio": row["ratio"], "pixels_sha256": row["mask"],
            })  # fmt: skip
    write(out / "masks" / TABLE, table_of_masks(rows))
    return len(rows)


def stored_inputs(folder: Path) -> Inputs | None:
    """The inputs of one column, in the plan's order, as `prepare` wrote them;
    None where it did not get that far.
    """
    found = read_json(folder / "inputs.json") or {}
    order, pictures = found.get("order"), found.get("pictures")
    if (
        not isinstance(order, list)
        or not isinstance(pictures, dict)
        or not all(isinstance(pictures.get(i), dict) for i in order)
    ):
        return None
    files = found.get("files")
    table = {image_id: pictures[image_id] for image_id in order}
    return Inputs(folder, table, files if isinstance(files, dict) else {})


def load_inputs(root: Path, plan: Wanted, column: ColumnKey) -> Inputs:
    """The frozen inputs of one column; raises InputError where the run did not get that far."""
    folder = column_folder(root, plan.dataset, column) / "_inputs"
    stored = stored_inputs(folder)
    if stored is None:
        raise InputError(
            f"'{root.name}' is half-written (no inputs for {column}): run the suite again to continue."
        )
    return stored


def _prepare_one(
    folder: Path,
    picture: Any,
    image_id: str,
    plan: Wanted,
    masks: MaskSet,
    label: str,
    earlier: Mapping[ColumnKey, Inputs],
) -> dict[str, str]:
    original = folder / f"{image_id}.png"
    twin = next((inputs for inputs in earlier.values() if image_id in inputs.table), None)
    if twin is not None:
        image = twin.original(image_id)
        link(twin.folder / original.name, original)
    else:
        image = _original(picture, image_id, plan)
        write(original, encode_png(image))
    try:
        mask = masks.mask((image.shape[0], image.shape[1]), plan.seed, image_id, label)
    except InputError as error:
        return {"image": plan.pictures[image_id], "reason": str(error)}
    write(folder / f"{image_id}.mask.png", encode_png(mask))
    return {"image": plan.pictures[image_id], "mask": pixels_sha256(mask), "ratio": f"{mask.mean():.9g}"}


def _original(picture: Any, image_id: str, plan: Wanted) -> Image:
    image: Image | None = picture.load() if picture is not None else None
    if image is None or pixels_sha256(image) != plan.pictures[image_id]:
        state = "is gone from" if image is None else "was changed in"
        raise InputError(
            f"The photograph '{image_id}' {state} the test set since this run began: put it back, use "
            "--redo, or another --out."
        )
    return image


def link(source: Path, target: Path) -> None:
    """One file under two names, or a copy where the file system has no links."""
    if target.exists() and source.samefile(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if disk_full(error):
            raise
        shutil.copyfile(source, target)

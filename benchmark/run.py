"""Run: fill every hole of a plan and write PNGs. What is finished is kept, whatever stops the run."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage
from tqdm import tqdm

from benchmark import measure
from benchmark.cells import (
    FORMAT,
    Cell,
    column_folder,
    difference,
    digest,
    pixels_sha256,
    read_json,
    read_manifest,
    split_entry,
    write,
    write_json,
)
from benchmark.datasets import Dataset
from benchmark.masksets import MaskSet, middle
from benchmark.suites import OVERHEAD, Plan, cost
from inpainters import registry
from inpainters.base import Inpainter, InpaintRequest
from inpainters.errors import InputError, UnavailableError, disk_full, sentence
from inpainters.imaging import Image, Mask, composite, encode_png
from inpainters.masks import derive_seed
from inpainters.weights import table as weights

_PACKAGES = {"cv2": "opencv-contrib-python-headless", "skimage": "scikit-image", "PIL": "pillow"}  # import name -> distribution


@dataclass
class Outcome:
    """What a run did: pictures filled now, and a reason for each one that failed."""

    filled: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """The frozen inputs of one bin: originals and masks, with their sha256."""

    folder: Path
    table: dict[str, dict[str, str]]
    """image id -> image (sha256), mask (sha256), ratio; or reason, where there is no mask for it."""

    def there(self, image_id: str) -> bool:
        """True where the files of a picture are there; they are not read."""
        names = [f"{image_id}.png"] + ([] if "reason" in self.table[image_id] else [f"{image_id}.mask.png"])
        return all((self.folder / name).is_file() for name in names)

    def load(self, image_id: str) -> tuple[Image, Mask]:
        """The original and its mask; raises InputError where a file is missing or not what the table says."""
        image, mask = read_rgb(self.folder / f"{image_id}.png"), read_mask(self.folder / f"{image_id}.mask.png")
        for name, array in (("image", image), ("mask", mask)):
            if pixels_sha256(array) != self.table[image_id][name]:
                raise InputError(f"The {name} of '{image_id}' was changed in '{self.folder.parent.name}/_inputs': use --redo.")
        return image, mask


def read_rgb(path: Path) -> Image:
    """(H, W, 3) uint8 of a PNG that this program wrote."""
    try:
        with PilImage.open(path) as picture:
            return np.array(picture.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError):
        raise InputError(f"'{path.parent.name}/{path.name}' is missing or damaged: delete it and run the suite again.") from None


def read_mask(path: Path) -> Mask:
    """(H, W) bool of a mask PNG that this program wrote, True = missing."""
    return read_rgb(path)[..., 0] > 127


def prepare(root: Path, plan: Plan, dataset: Dataset, masks: MaskSet) -> dict[str, Inputs]:
    """Write originals and masks of every bin; returns the inputs by bin."""
    wanted = {p.image_id: p for p in dataset.pictures if p.image_id in plan.pictures}
    found: dict[str, Inputs] = {}
    for label in plan.bins:
        folder = column_folder(root, plan.dataset, plan.mask_set, label) / "_inputs"
        stored = stored_inputs(folder)
        images = plan.column(label)
        if stored is not None and list(stored.table) == images and all(stored.there(image_id) for image_id in images):
            found[label] = stored
            continue
        table = {image_id: _prepare_one(folder, wanted.get(image_id), image_id, plan, masks, label, found) for image_id in images}
        write_json(folder / "inputs.json", {"order": images, "pictures": table})
        found[label] = Inputs(folder, table)
    return found


def stored_inputs(folder: Path) -> Inputs | None:
    """The inputs of one bin, in the plan's order, as `prepare` wrote them; None where it did not get that far."""
    found = read_json(folder / "inputs.json") or {}
    order, pictures = found.get("order"), found.get("pictures")
    if not isinstance(order, list) or not isinstance(pictures, dict) or not all(isinstance(pictures.get(i), dict) for i in order):
        return None
    return Inputs(folder, {image_id: pictures[image_id] for image_id in order})


def load_inputs(root: Path, plan: Plan, label: str) -> Inputs:
    """The frozen inputs of one bin; raises InputError where the run did not get that far."""
    folder = column_folder(root, plan.dataset, plan.mask_set, label) / "_inputs"
    stored = stored_inputs(folder)
    if stored is None:
        raise InputError(f"'{root.name}' is half-written (no inputs for {label}): run the suite again to continue.")
    return stored


def _prepare_one(
    folder: Path, picture: Any, image_id: str, plan: Plan, masks: MaskSet, label: str, earlier: Mapping[str, Inputs]
) -> dict[str, str]:
    original = folder / f"{image_id}.png"
    twin = next((inputs.folder / original.name for inputs in earlier.values() if image_id in inputs.table), None)
    if twin is not None:
        image = read_rgb(twin)
        _link(twin, original)
    else:
        image = _original(picture, image_id, plan)
        write(original, encode_png(image))
    try:
        mask = masks.mask((image.shape[0], image.shape[1]), plan.seed, image_id, label)
    except InputError as error:
        return {"image": plan.pictures[image_id], "reason": str(error)}
    write(folder / f"{image_id}.mask.png", encode_png(mask))
    return {"image": plan.pictures[image_id], "mask": pixels_sha256(mask), "ratio": f"{mask.mean():.9g}"}


def _original(picture: Any, image_id: str, plan: Plan) -> Image:
    image: Image | None = picture.load() if picture is not None else None
    if image is None or pixels_sha256(image) != plan.pictures[image_id]:
        state = "is gone from" if image is None else "was changed in"
        raise InputError(f"'{image_id}' {state} the test set since this run began: put it back, use --redo, or another --out.")
    return image


def _link(source: Path, target: Path) -> None:
    """One file under two names, or a copy where the file system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if disk_full(error):
            raise
        shutil.copyfile(source, target)


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
        # Another model's name has its revision.
        "weights": {name: weights_digest(name) for name in spec.weights if not cell.options.get("model")},
        "packages": measure.packages(("numpy", "scipy", _PACKAGES["cv2"], *(_PACKAGES.get(name, name) for name in spec.requires))),
        "inputs": digest({image_id: inputs.table[image_id] for image_id in images}),
    }


def weights_digest(name: str) -> str | None:
    """sha256 of a weights file that is here, those of all shards joined by +; None where it is not."""
    paths = weights.find_all(name)
    return "+".join(_sha256(path, path.stat().st_mtime_ns) for path in paths) or None


@lru_cache
def _sha256(path: Path, changed: int) -> str:
    return weights.sha256(path)


def run(root: Path, plan: Plan, dataset: Dataset, masks: MaskSet, *, device: str = "auto", quiet: bool = False) -> Outcome:
    """Fill all that is not filled yet, the fastest method first.

    Raises InputError naming the field in which a started cell differs from what would be run now. One picture or method
    that fails does not stop the others. The caller holds the folder's lock.
    """
    outcome = Outcome()
    inputs = prepare(root, plan, dataset, masks)
    cells = plan.cells()
    for cell in cells:  # before the first picture: a mismatch must not surface after an hour
        _check(cell, root, meaning(cell, inputs[cell.bin], plan.images(cell.entry, cell.bin)))
    with _bar(plan, cells, quiet) as bar:
        for entry in dict.fromkeys(cell.entry for cell in cells):
            inpainter = _create(entry, device)
            for cell in (c for c in cells if c.entry == entry):
                _Filler(cell, root, plan.images(entry, cell.bin), inputs[cell.bin], inpainter, plan.batch, bar, outcome).fill()
    return outcome


def _create(entry: str, device: str) -> Inpainter | str:
    """The method of an entry, or the reason why there is none."""
    method, options = split_entry(entry)
    try:
        inpainter = registry.create(method, device=device, **options)
        inpainter.load()
        return inpainter
    except Exception as error:
        return sentence(error)


def _check(cell: Cell, root: Path, wanted: dict[str, Any]) -> None:
    folder = cell.folder(root)
    stored = read_json(folder / "key.json")
    text = difference(stored, wanted) if stored else None
    if text:
        raise InputError(f"'{cell.entry}' at {cell.bin} in '{root.name}' was made otherwise ({text}): use --redo, or another --out.")


@contextmanager
def _bar(plan: Plan, cells: list[Cell], quiet: bool) -> Iterator[Any]:
    """A progress bar in declared seconds, so that the estimate knows that the last methods are the slow ones."""
    total = sum(_estimate(cell) * len(plan.images(cell.entry, cell.bin)) for cell in cells)
    text = "{desc} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} to go"
    with tqdm(total=total, bar_format=text, disable=True if quiet else None, dynamic_ncols=True) as bar:
        yield bar


def _estimate(cell: Cell) -> float:
    return OVERHEAD / 10 + cost(cell.entry, (256, 256), middle(cell.bin))


@dataclass
class _Filler:
    """Fills one cell."""

    cell: Cell
    root: Path
    images: list[str]
    inputs: Inputs
    inpainter: Inpainter | str
    batch: int
    bar: Any
    outcome: Outcome

    def fill(self) -> None:
        """Fill what is missing; write the manifest last."""
        folder, wanted = self.cell.folder(self.root), meaning(self.cell, self.inputs, self.images)
        self.bar.set_description_str(f"{self.cell.entry} {self.cell.bin}")
        stored = read_manifest(folder)
        if stored is None or stored["failed"] or not all(i in stored["pictures"] and finished(folder, i) for i in self.images):
            write_json(folder / "key.json", wanted)
            failed = self._all(folder)
            rows = {i: read_json(folder / f"{i}.json") for i in self.images if i not in failed}
            write_json(folder / "manifest.json", {**wanted, "pictures": rows, "failed": failed, "environment": measure.environment()})
            self.outcome.failed.update({f"{self.cell.entry} {self.cell.bin} {i}": reason for i, reason in failed.items()})
        else:
            self.bar.update(_estimate(self.cell) * len(self.images))

    def _all(self, folder: Path) -> dict[str, str]:
        """Fill what is missing; returns the reason for each picture where it cannot be.

        The pictures of a batch are always the same ones, so that a broken-off run ends in the bytes of an undisturbed one.
        """
        failed: dict[str, str] = {}
        for start in range(0, len(self.images), self.batch):
            together = self.images[start : start + self.batch]
            reason = self._several(folder, together)
            if reason and len(together) > 1:  # one of them cannot be filled: which?
                failed |= {image_id: each for image_id in together if (each := self._several(folder, [image_id]))}
            elif reason:
                failed[together[0]] = reason
            self.bar.update(_estimate(self.cell) * len(together))
        return failed

    def _several(self, folder: Path, images: Sequence[str]) -> str | None:
        """Fill pictures together unless that is done; returns the reason where they cannot be."""
        try:
            if todo := [image_id for image_id in images if not finished(folder, image_id)]:
                self._write(folder, images)
                self.outcome.filled += len(todo)
        except Exception as error:
            if disk_full(error):
                raise
            return sentence(error)
        return None

    def _write(self, folder: Path, images: Sequence[str]) -> None:
        if reasons := [reason for image_id in images if (reason := self.inputs.table[image_id].get("reason"))]:
            raise InputError(reasons[0])
        if isinstance(self.inpainter, str):
            raise UnavailableError(self.inpainter)
        pairs = [self.inputs.load(image_id) for image_id in images]
        seeds = [derive_seed(self.cell.seed, image_id, self.cell.bin, "fill") % 2**31 for image_id in images]
        measure.reset_peak()
        results = self.inpainter.run(
            [InpaintRequest(*pair, seed=seed, options=self.cell.options) for pair, seed in zip(pairs, seeds, strict=True)]
        )
        peak = measure.peak_mb()
        for image_id, pair, (result,) in zip(images, pairs, results, strict=True):
            png = encode_png(composite(result.image, *pair))
            write(folder / f"{image_id}.png", png)
            write_json(folder / f"{image_id}.json", {
                "sha256": hashlib.sha256(png).hexdigest(),
                "seed": result.seed,
                "seconds": f"{result.seconds:.6g}",
                "network_calls": result.network_calls,
                "peak_memory_mb": "" if peak is None else f"{peak:.6g}",
                "notes": list(result.notes),
            })  # fmt: skip


def finished(folder: Path, image_id: str) -> bool:
    """True where a picture's PNG is there and is the one its record tells of."""
    record = read_json(folder / f"{image_id}.json")
    try:
        data = (folder / f"{image_id}.png").read_bytes()
    except OSError:
        return False
    return record is not None and hashlib.sha256(data).hexdigest() == record.get("sha256")

"""Fill cells one after the other in this process."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmark import measure
from benchmark.cells import (
    Cell,
    ColumnKey,
    Outcome,
    finished,
    hole_name,
    read_json,
    split_entry,
    write,
    write_json,
)
from benchmark.files import CellManifest, cell_manifest
from benchmark.inputs.frozen import Inputs
from benchmark.inputs.masksets import middle
from benchmark.plan import OVERHEAD, USUAL_SIZE, Plan, cost
from benchmark.record import meaning
from inpainters import registry
from inpainters.base import Inpainter, InpaintRequest
from inpainters.errors import InputError, UnavailableError, disk_full, sentence
from inpainters.imaging import Image, Mask, composite, encode_png
from inpainters.masks import derive_seed


def fill(
    root: Path,
    plan: Plan,
    cells: Sequence[Cell],
    inputs: Mapping[ColumnKey, Inputs],
    outcome: Outcome,
    *,
    device: str,
    quiet: bool,
) -> None:
    """Fill all that is not filled yet, method by method in the order of `cells`;
    `outcome` tells what was done.
    """
    with running_bar(plan, cells, quiet) as bar:
        for entry in dict.fromkeys(cell.entry for cell in cells):
            inpainter = open_method(entry, device)
            for cell in (c for c in cells if c.entry == entry):
                Filler(
                    cell,
                    root,
                    plan.images(entry, cell.column),
                    inputs[cell.column],
                    inpainter,
                    plan.batch,
                    bar,
                    outcome,
                    plan.size,
                ).fill()


def open_method(entry: str, device: str) -> Inpainter | str:
    """The method of an entry, or the reason why there is none."""
    method, options = split_entry(entry)
    try:
        inpainter = registry.create(method, device=device, **options)
        inpainter.load()
        return inpainter
    except Exception as error:
        return sentence(error)


@contextmanager
def running_bar(plan: Plan, cells: Sequence[Cell], quiet: bool) -> Iterator[Any]:
    """A progress bar in declared seconds: its estimate knows that the last methods are the slow ones."""
    total = sum(declared(cell, plan.size) * len(plan.images(cell.entry, cell.column)) for cell in cells)
    text = "{desc} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} to go"
    with tqdm(total=total, bar_format=text, disable=True if quiet else None, dynamic_ncols=True) as bar:
        yield bar


def declared(cell: Cell, size: tuple[int, int] = USUAL_SIZE) -> float:
    """Seconds on the reference machine for one picture of (height, width)."""
    return OVERHEAD / 10 + cost(cell.entry, size, middle(cell.bin))


@dataclass
class Filler:
    """Fills one cell."""

    cell: Cell
    root: Path
    images: list[str]
    inputs: Inputs
    inpainter: Inpainter | str
    batch: int
    bar: Any
    outcome: Outcome
    size: tuple[int, int] = USUAL_SIZE
    """(height, width) of a usual picture: how far the bar goes for one."""

    def fill(self) -> None:
        """Fill what is missing; write the manifest last."""
        folder, wanted = self.cell.folder(self.root), meaning(self.cell, self.inputs, self.images)
        self.bar.set_description_str(self.cell.title)
        stored = cell_manifest(folder)
        if stored is None or stored.failed or not all(self._done(folder, stored, i) for i in self.images):
            write_json(folder / "key.json", wanted)
            failed = self.all_of(folder)
            rows = {i: read_json(folder / f"{i}.json") for i in self.images if i not in failed}
            write_json(
                folder / "manifest.json",
                {**wanted, "pictures": rows, "failed": failed, "environment": self.environment()},
            )
            self.outcome.failed.update({f"{self.cell.title} {i}": reason for i, reason in failed.items()})
            stored = cell_manifest(folder)
        else:
            self.bar.update(declared(self.cell, self.size) * len(self.images))
        now = measure.threads()
        for one in stored.threads() if stored else ():
            if measure.unlike(one, now):
                cells = self.outcome.unlike.setdefault(measure.in_words(one), [])
                cells.append(self.cell.title)

    def environment(self) -> dict[str, object]:
        """Where the pictures were filled."""
        return measure.environment()

    @staticmethod
    def _done(folder: Path, stored: CellManifest, image_id: str) -> bool:
        """True where a picture is there, is its record's, and is the one that the cell's manifest names."""
        record = read_json(folder / f"{image_id}.json") or {}
        named = image_id in stored.pictures and stored.pictures[image_id].sha256 == record.get("sha256")
        return named and finished(folder, image_id)

    def all_of(self, folder: Path) -> dict[str, str]:
        """Fill what is missing; returns the reason for each picture where it cannot be.

        The pictures of a batch are always the same ones, so that a broken-off run ends in the bytes of an
        undisturbed one.
        """
        failed: dict[str, str] = {}
        for start in range(0, len(self.images), self.batch):
            together = self.images[start : start + self.batch]
            reason = self._several(folder, together)
            if reason and len(together) > 1:  # one of them cannot be filled: which?
                failed |= {
                    image_id: each for image_id in together if (each := self._several(folder, [image_id]))
                }
            elif reason:
                failed[together[0]] = reason
            self.bar.update(declared(self.cell, self.size) * len(together))
        return failed

    def _several(self, folder: Path, images: Sequence[str]) -> str | None:
        """Fill pictures together unless that is done; returns the reason where they cannot be."""
        try:
            if todo := [image_id for image_id in images if not finished(folder, image_id)]:
                self.draw(folder, images)
                self.outcome.filled += len(todo)
        except Exception as error:
            if disk_full(error):
                raise
            return sentence(error)
        return None

    def draw(self, folder: Path, images: Sequence[str]) -> None:
        if reasons := [
            reason for image_id in images if (reason := self.inputs.table[image_id].get("reason"))
        ]:
            raise InputError(reasons[0])
        if isinstance(self.inpainter, str):
            raise UnavailableError(self.inpainter)
        pairs = [self.inputs.load(image_id) for image_id in images]
        seeds = [derive_seed(self.cell.seed, image_id, self.cell.bin, "fill") % 2**31 for image_id in images]
        measure.reset_peak()
        results = self.inpainter.run(
            [
                InpaintRequest(
                    *pair, seed=seed, options=self.cell.options, name=hole_name(self.cell.column, image_id)
                )
                for image_id, pair, seed in zip(images, pairs, seeds, strict=True)
            ]
        )
        peak = measure.peak_mb()
        for image_id, pair, (result,) in zip(images, pairs, results, strict=True):
            png = encode_png(composite(result.image, *pair))
            detailed = result.detail_scale is not None  # then its known pixels are the picture's own
            mean, most = ("", "") if detailed else known_change(result.raw, *pair)
            write(folder / f"{image_id}.png", png)
            write_json(folder / f"{image_id}.json", {
                "sha256": hashlib.sha256(png).hexdigest(),
                "seed": result.seed,
                "seconds": "" if math.isnan(result.seconds) else f"{result.seconds:.6g}",
                "network_calls": result.network_calls,
                "peak_memory_mb": "" if peak is None else f"{peak:.6g}",
                "notes": list(result.notes),
                "threads": measure.threads(),
                "known_mean": mean,
                "known_max": most,
                "detail_scale": "" if result.detail_scale is None else f"{result.detail_scale:.6g}",
            })  # fmt: skip


def known_change(raw: Image, image: Image, mask: Mask) -> tuple[str, str]:
    """By how many grey levels `raw` differs from `image` where `mask` is False: mean and largest absolute
    difference over pixels and channels, as text; empty where `raw` has another size or no pixel is known.
    """
    if raw.shape != image.shape or mask.all():
        return "", ""
    change = np.abs(raw[~mask].astype(np.int16) - image[~mask])
    return f"{change.mean():.6g}", str(change.max())

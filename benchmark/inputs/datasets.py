"""Test sets: which pictures, and how each becomes the pixels that are masked.

Every picture passes through integer arithmetic alone, so that the same file gives the same pixels everywhere.
"""

import csv
import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from benchmark.cells import pixels_sha256
from inpainters.errors import InputError, unknown
from inpainters.folders import find_pictures
from inpainters.imaging import PICTURE_SUFFIXES, Image, load_image, shown
from inpainters.masks import derive_seed

ResizeRecipe = Literal["square", "native"]
RESIZE_RECIPES: dict[str, str] = {
    "square": "centre crop to a square, then area average to SIZE×SIZE; smaller pictures are not enlarged",
    "native": "the picture as it is",
}
SHORTEST_SIDE = 16
"""Pictures with a shorter side (pixels) are left out: windows and networks do not fit into them."""
SAMPLE_TABLE = Path(__file__).with_name("sample.csv")


@dataclass(frozen=True)
class DatasetPicture:
    """One test picture, decoded when asked for."""

    image_id: str
    """`<photograph>@<crop>`."""
    load: Callable[[], Image] = field(repr=False, compare=False)
    """Returns (H, W, 3) uint8; raises InputError with one sentence."""

    @property
    def photograph(self) -> str:
        return self.image_id.rpartition("@")[0]


@dataclass(frozen=True)
class Dataset:
    """A named list of pictures, sorted by image id."""

    name: str
    recipe: str
    pictures: tuple[DatasetPicture, ...]
    skipped: tuple[str, ...] = ()
    """A sentence for each kind of thing in its folder that is no picture of it."""

    def in_order(self) -> list[DatasetPicture]:
        """Shuffled once and for all: a prefix has as many photographs as it can, and a longer prefix holds a
        shorter one.
        """
        crops: dict[str, list[DatasetPicture]] = {}
        for picture in sorted(self.pictures, key=lambda p: derive_seed("order", p.image_id)):
            crops.setdefault(picture.photograph, []).append(picture)
        turn = {p.image_id: i for group in crops.values() for i, p in enumerate(group)}
        return sorted(self.pictures, key=lambda p: (turn[p.image_id], derive_seed("order", p.photograph)))


def take(dataset: Dataset, n: int | None) -> tuple[dict[str, str], list[str]]:
    """The first `n` readable pictures (all where None) as image id -> sha256 of the pixels, and a sentence
    for each unreadable one.
    """
    taken: dict[str, str] = {}
    left_out: list[str] = []
    for picture in dataset.in_order():
        if n is not None and len(taken) == n:
            break
        try:
            taken[picture.image_id] = pixels_sha256(picture.load())
        except InputError as error:
            left_out.append(str(error))
    if not taken:
        raise InputError(
            f"No picture of '{dataset.name}' can be read: {left_out[0] if left_out else 'it is empty.'}"
        )
    return taken, left_out


@dataclass(frozen=True)
class FolderLayout:
    """A published test set as people have it on disk."""

    title: str
    folders: tuple[str, ...]
    """Looked for below --data, in this order; `.` is --data itself."""
    suffixes: tuple[str, ...]
    recipe: ResizeRecipe
    size: int
    last: int | None = None
    """Take the last so many files where there are more, by name, numbers by value: the usual test split."""


_JPEG = (".jpg", ".jpeg")
LAYOUTS: dict[str, FolderLayout] = {
    "places2": FolderLayout(
        "Places2 / Places365, validation",
        ("val_256", "val_large", "places365/val_256", "places365_standard/val", "val", "."),
        _JPEG, "square", 256,
    ),
    "celeba_hq": FolderLayout(
        "CelebA-HQ, the last 2,000 of 30,000",
        ("CelebAMask-HQ/CelebA-HQ-img", "CelebA-HQ-img", "celeba_hq_256", "data256x256", "test", "."),
        PICTURE_SUFFIXES, "square", 256, 2000,
    ),
    "imagenet": FolderLayout(
        "ImageNet, validation",
        ("ILSVRC/Data/CLS-LOC/val", "imagenet/val", "val", "."), _JPEG, "square", 256,
    ),
    "paris_streetview": FolderLayout(
        "Paris StreetView, evaluation",
        ("paris_eval/paris_eval_gt", "paris_eval_gt", "paris_eval", "paris_street_view/test", "test", "."),
        PICTURE_SUFFIXES, "square", 256,
    ),
}  # fmt: skip
TITLES: dict[str, str] = {
    "sample": "photographs inside the packages this project needs, crops of 256×256 at two scales (built in, "
    "thin)",
    "folder:PATH": "any folder of pictures",
    **{name: f"{layout.title} (below --data)" for name, layout in LAYOUTS.items()},
}


def open_dataset(
    name: str, data: Path | None = None, *, recipe: ResizeRecipe = "square", size: int = 256
) -> Dataset:
    """The test set `name`: `sample`, `folder:PATH`, `folder` (with `data`) or a row of LAYOUTS (below
    `data`).

    Raises InputError with one sentence for an unknown name or a folder that is missing or holds no pictures.
    """
    if name == "sample":
        return sample()
    if name.startswith("folder:"):
        return folder(Path(name.partition(":")[2]), recipe, size)
    if name != "folder" and name not in LAYOUTS:
        raise unknown("test set", name, ["sample", "folder", *LAYOUTS])
    if data is None:
        raise InputError(f"The test set '{name}' needs --data DIR, the folder that holds its pictures.")
    return folder(data, recipe, size) if name == "folder" else _laid_out(name, data)


def folder(path: Path, recipe: ResizeRecipe = "square", size: int = 256) -> Dataset:
    """All pictures in a folder and below it, under its name, with `_folder` where a test set has that."""
    _check_folder(path)
    found = find_pictures(path)
    if not found.files:
        raise InputError(
            f"There are no pictures in '{path.name}'; it should hold "
            f"{', '.join(PICTURE_SUFFIXES[:4])} or similar files."
        )
    name = safe_name(path.resolve().name)
    # By these names results are told to be of pictures that may be passed on, or that methods have seen.
    name += "_folder" if name in ("sample", *LAYOUTS) else ""
    return _from_files(name, path, found.files, recipe, size, found.skipped)


def _laid_out(name: str, data: Path) -> Dataset:
    layout = LAYOUTS[name]
    _check_folder(data)
    for below in layout.folders:
        found = find_pictures(data / below)
        files = [file for file in found.files if file.suffix.lower() in layout.suffixes]
        if files:
            files = files if layout.last is None else files[-layout.last :]
            return _from_files(name, data / below, files, layout.recipe, layout.size, found.skipped)
    raise InputError(
        f"'{data.name}' does not look like {layout.title}: none of {', '.join(layout.folders[:-1])} in it "
        "holds pictures."
    )


def _check_folder(path: Path) -> None:
    if not path.is_dir():
        raise InputError(f"There is no folder '{path.name}'; check --data.")


def _from_files(
    name: str, root: Path, files: Sequence[Path], recipe: ResizeRecipe, size: int, skipped: tuple[str, ...]
) -> Dataset:
    names = file_names([file.relative_to(root) for file in files])
    pictures = [
        DatasetPicture(f"{names[i]}@full", _loader(file, recipe, size)) for i, file in enumerate(files)
    ]
    return Dataset(
        name,
        f"{recipe} {size}" if recipe == "square" else recipe,
        tuple(sorted(pictures, key=lambda p: p.image_id)),
        skipped,
    )


def file_names(paths: Sequence[Path]) -> list[str]:
    """A name for each path; each of those that would share one gets a digest."""
    stems = [safe_name(path.with_suffix("").as_posix()) for path in paths]
    repeated = {stem for stem, count in Counter(stems).items() if count > 1}
    return [
        f"{stem}-{hashlib.sha256(os.fsencode(path.as_posix())).hexdigest()[:8]}" if stem in repeated else stem
        for stem, path in zip(stems, paths, strict=True)
    ]


def safe_name(text: str) -> str:
    """`text` as one file name without `@`, at most 120 bytes; accents are composed, and a mark stands for
    bytes that are no UTF-8.
    """
    composed = unicodedata.normalize("NFC", text.replace("/", "__"))
    name = re.sub(r"[^\w.+-]+", "_", composed).encode()[-120:].decode(errors="ignore")
    return name.lstrip(".") or "_"


def _loader(path: Path, recipe: ResizeRecipe, size: int) -> Callable[[], Image]:
    def load() -> Image:
        image = load_image(path).image
        if min(image.shape[:2]) < SHORTEST_SIDE:
            raise InputError(
                f"'{shown(path)}' is left out: it is {image.shape[1]}×{image.shape[0]}, and metrics need "
                f"{SHORTEST_SIDE} px a side."
            )
        return image if recipe == "native" else square(image, size)

    return load


def square(image: Image, size: int) -> Image:
    """The centre square of `image`, area averaged to `size` where it is larger."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = image[top : top + side, left : left + side]
    return area_average(image, (size, size)) if side > size else image.copy()


def area_average(image: Image, size: tuple[int, int]) -> Image:
    """Shrink to (height, width) by the exact mean over each new pixel's area, halves rounded up.

    All sums are whole numbers below 2**53, so that float64 holds them exactly and every machine agrees on
    every pixel.
    """
    height, width = image.shape[:2]
    rows, columns = _overlaps(height, size[0]), _overlaps(width, size[1])
    total = np.einsum(
        "hkc,wk->hwc", np.tensordot(rows, image.astype(np.float64), axes=1), columns, optimize=True
    )
    area = height * width
    averaged: Image = ((2 * total.astype(np.int64) + area) // (2 * area)).astype(np.uint8)
    return averaged


def _overlaps(old: int, new: int) -> npt.NDArray[np.float64]:
    """(new, old) lengths shared by the new and the old pixels on a line that is old * new long."""
    start, begin = np.arange(new)[:, None] * old, np.arange(old)[None, :] * new
    shared = np.minimum(start + old, begin + new) - np.maximum(start, begin)
    lengths: npt.NDArray[np.float64] = np.maximum(shared, 0).astype(np.float64)
    return lengths


@dataclass(frozen=True)
class Crop:
    """One row of sample.csv."""

    image_id: str
    package: str
    path: str
    """Below the package's folder."""
    file_sha256: str
    short_side: int
    """The photograph is area averaged until its shorter side has this length; 0 leaves it as it is."""
    left: int
    top: int
    pixels: str
    """sha256 of the crop (`cells.pixels_sha256`)."""

    def load(self) -> Image:
        """(256, 256, 3) uint8; raises InputError where the package has lost or changed the photograph."""
        file = self._file()
        if hashlib.sha256(file.read_bytes()).hexdigest() != self.file_sha256:
            raise InputError(
                f"'{self.image_id}' is left out: this version of '{self.package}' has another '{file.name}'."
            )
        crop = self.cut(raw_pixels(file))
        if pixels_sha256(crop) != self.pixels:
            raise InputError(
                f"'{self.image_id}' is left out: '{file.name}' is decoded to other pixels by this version of "
                "Pillow."
            )
        return crop

    def _file(self) -> Path:
        spec = find_spec(self.package)  # finds the package without importing it
        for root in spec.submodule_search_locations or () if spec else ():
            if (file := Path(root) / self.path).is_file():
                return file
        state = "has lost" if spec else "is not installed; it holds"
        raise InputError(
            f"'{self.image_id}' is left out: the package '{self.package}' {state} '{self.path}'."
        )

    def cut(self, photograph: Image) -> Image:
        """Apply the recipe to the whole photograph."""
        height, width = photograph.shape[:2]
        if self.short_side:
            scale = self.short_side / min(height, width)
            photograph = area_average(photograph, (round(height * scale), round(width * scale)))
        return photograph[self.top : self.top + 256, self.left : self.left + 256].copy()


def raw_pixels(file: Path) -> Image:
    """The pixels as they are stored: no colour management, which may differ between versions."""
    with PilImage.open(file) as picture:
        return np.array(picture.convert("RGB"), np.uint8)


def sample_table(table: Path = SAMPLE_TABLE) -> list[Crop]:
    """The rows of sample.csv."""
    with table.open(newline="", encoding="utf-8") as file:
        return [
            Crop(
                r["id"],
                r["package"],
                r["path"],
                r["file_sha256"],
                int(r["short_side"]),
                int(r["left"]),
                int(r["top"]),
                r["crop_sha256"],
            )
            for r in csv.DictReader(file)
        ]


def sample(crops: Iterable[Crop] | None = None) -> Dataset:
    """The built-in test set."""
    rows = sample_table() if crops is None else crops
    pictures = tuple(
        sorted((DatasetPicture(crop.image_id, crop.load) for crop in rows), key=lambda p: p.image_id)
    )
    return Dataset(
        "sample",
        "as sample.csv says: 256×256 crops, native scale or area averaged to a short side of 256",
        pictures,
    )

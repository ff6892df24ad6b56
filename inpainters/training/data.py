"""Training data: folders of pictures, decoded once into one memory-mapped array; every batch is pure in
(seed, step).
"""

import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from inpainters import masks as generators
from inpainters.errors import InputError
from inpainters.folders import find_pictures
from inpainters.imaging import PICTURE_SUFFIXES, Image, Mask, load_image, save_bytes
from inpainters.training.recipe import Masks, Recipe
from inpainters.training.sketches import sketch

SLOW = ("object",)
"""Generators that take as long as a tenth of a step for one mask: of each, only so many are drawn, once."""
MASKS_KEPT = 4096
HOLES = {"compact": "object", "irregular": "irregular"}
"""Kinds of holes that a validation scores apart -> the mask generator that draws them."""


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures one after the other in a flat memory-mapped uint8 array."""

    pixels: np.ndarray
    places: np.ndarray
    """(n, 3) int64: offset, height, width."""
    names: list[str]
    """`folder/file`."""
    skipped: int
    """Files that could not be decoded."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Image:
        offset, height, width = (int(v) for v in self.places[index])
        return np.asarray(self.pixels[offset : offset + height * width * 3]).reshape(height, width, 3)

    def held_out(self, share: float) -> tuple[list[int], list[int]]:
        """Indices for training and for validation; a picture's side depends on its name alone."""
        held = [i for i, name in enumerate(self.names) if _unit(name) < share]
        kept = set(held)
        return [i for i in range(len(self)) if i not in kept], held


def _unit(name: str) -> float:
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:6], "big") / 2**48


def decode(folders: Sequence[Path], cache: Path, *, least: int, cap: int, threads: int = 1) -> Pictures:
    """All pictures below `folders`, decoded into `cache` unless they are there already.

    Pictures whose shorter side exceeds `cap` are shrunk to it, those below `least` enlarged. Broken ones are
    skipped and counted. Raises InputError where a folder is missing or holds no picture that can be read.
    """
    files = [(folder, path) for folder in folders for path in _listed(folder)]
    key = hashlib.sha256(
        json.dumps([[f.name, str(p), p.stat().st_size] for f, p in files] + [[least, cap]]).encode()
    ).hexdigest()[:16]
    index, pixels = cache / f"{key}.json", cache / f"{key}.u8"
    if (facts := _facts(index, pixels)) is None:
        cache.mkdir(parents=True, exist_ok=True)
        facts = _write(files, index, pixels, least, cap, threads)
    if not facts["names"]:
        raise InputError(f"None of the {len(files)} pictures in the data folders could be read; check them.")
    flat = np.memmap(pixels, np.uint8, "r")
    return Pictures(
        flat, np.array(facts["places"], np.int64).reshape(-1, 3), facts["names"], facts["skipped"]
    )


def _facts(index: Path, pixels: Path) -> dict[str, Any] | None:
    """What the cache holds; None where it is absent or damaged."""
    try:
        facts = json.loads(index.read_text(encoding="utf-8"))
        end = sum(height * width * 3 for _, height, width in facts["places"])
        whole = (
            pixels.stat().st_size == end
            and len(facts["names"]) == len(facts["places"])
            and facts["skipped"] >= 0
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts if whole else None


def _listed(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"The data folder '{folder.name}' is not there; check its path.")
    found = sorted(find_pictures(folder).files)
    if not found:
        raise InputError(
            f"The data folder '{folder.name}' holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})."
        )
    return found


def _write(
    files: Sequence[tuple[Path, Path]], index: Path, pixels: Path, least: int, cap: int, threads: int
) -> dict[str, Any]:
    names: list[str] = []
    places: list[list[int]] = []
    offset = 0
    part = pixels.with_suffix(".part")
    with part.open("wb") as out, ThreadPoolExecutor(max(1, threads)) as pool:
        for (folder, path), picture in zip(
            files, pool.map(lambda f: _picture(f[1], least, cap), files), strict=True
        ):
            if picture is None:
                continue
            out.write(picture.tobytes())
            names.append(f"{folder.name}/{path.relative_to(folder).as_posix()}")
            places.append([offset, *picture.shape[:2]])
            offset += picture.size
    os.replace(part, pixels)
    facts = {"names": names, "places": places, "skipped": len(files) - len(names)}
    save_bytes(index, json.dumps(facts).encode())
    return facts


def _picture(path: Path, least: int, cap: int) -> Image | None:
    try:
        picture = load_image(path).image
    except InputError:
        return None
    side = min(picture.shape[:2])
    return resized(picture, min(max(side, least), cap) / side)


def resized(picture: Image, scale: float) -> Image:
    """Scaled by area means where smaller, by cubics where larger."""
    if scale == 1:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def random_crop(picture: Image, size: int, rng: np.random.Generator) -> Image:
    """A square of `size`, from a random window between `size` and the whole shorter side,
    flipped half the time.
    """
    height, width = picture.shape[:2]
    side = int(rng.integers(size, min(height, width) + 1))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    window = picture[top : top + side, left : left + side]
    if side != size:
        window = np.asarray(cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    return window[:, ::-1] if rng.random() < 0.5 else window


def centre_crop(picture: Image, size: int) -> Image:
    """The largest central square, shrunk to `size`."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(picture[top : top + side, left : left + side], size / side)


def draw_mask(
    recipe: Masks, size: int, rng: np.random.Generator, seed: int, low: float | None = None
) -> Mask:
    """A mask of the recipe's mix, (size, size) bool,
    its share of missing pixels uniform between `low` and `recipe.high`.
    """
    if recipe.window < 1:
        return _windowed(recipe, size, rng, seed, whole=low is not None)
    return _drawn(recipe, size, rng, seed, recipe.low if low is None else low)


def _drawn(recipe: Masks, size: int, rng: np.random.Generator, seed: int, low: float) -> Mask:
    names = sorted(recipe.mix)
    shares = np.array([recipe.mix[name] for name in names])
    name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
    if name in SLOW:
        mask = _kept(name, size, seed % MASKS_KEPT, low, recipe.high)
        return (mask[:, ::-1] if rng.random() < 0.5 else mask).copy()
    ratio = float(rng.uniform(low, recipe.high))
    return generators.generate(name, (size, size), seed=seed, ratio=ratio)


def bank(masks: Masks, size: int, count: int, seed: int) -> np.ndarray:
    """(count, size, size) bool: holes of the recipe's mix, drawn by all processors."""
    one = partial(_numbered, masks, size, seed)
    if sys.platform != "linux" or count < 256:
        return np.stack([one(n) for n in range(count)])
    with multiprocessing.get_context("fork").Pool(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        return np.stack(pool.map(one, range(count), chunksize=64))


def _numbered(masks: Masks, size: int, seed: int, number: int) -> Mask:
    return draw_mask(masks, size, np.random.default_rng([4, seed, number]), number)


@lru_cache(maxsize=2 * MASKS_KEPT)
def _kept(name: str, size: int, number: int, low: float, high: float) -> Mask:
    """A mask that depends on its number alone, its share of missing pixels included."""
    ratio = float(np.random.default_rng([3, number]).uniform(low, high))
    mask = generators.generate(name, (size, size), seed=number, ratio=ratio)
    mask.setflags(write=False)
    return mask


def _windowed(recipe: Masks, size: int, rng: np.random.Generator, seed: int, whole: bool) -> Mask:
    """The hole in the central window, all of it where `whole`; strips beyond the picture only where not."""
    side = round(recipe.window * size)
    solid, strips = rng.random(2) < (recipe.whole, recipe.beyond)
    hole = np.ones((side, side), bool) if whole or solid else _drawn(recipe, side, rng, seed, recipe.low)
    mask = np.zeros((size, size), bool)
    margin = (size - side) // 2
    mask[margin : margin + side, margin : margin + side] = hole
    if strips and not whole:
        for turn in {int(t) for t in rng.integers(4, size=2)}:
            np.rot90(mask, turn)[: int(rng.integers(1, margin + 1))] = True
    return mask


def tensors(pictures: Iterable[Image], masks: Iterable[Mask]) -> tuple[Tensor, Tensor]:
    """(N, 3, H, W) float in [0, 1] and (N, 1, H, W) float, 1 where missing."""
    image = torch.from_numpy(np.stack([np.ascontiguousarray(p) for p in pictures])).permute(0, 3, 1, 2)
    mask = torch.from_numpy(np.stack(list(masks)))[:, None].float()
    return image.float().div(255).contiguous(memory_format=torch.channels_last), mask


class Batches(Dataset[tuple[Tensor, ...]]):
    """Item `step` is the batch of that step, whoever asks and in whatever order: a resumed run sees what the
    first would have.

    `(image, mask)`, or `(image, mask, guide)` where the recipe asks for sketches. Of several processes, each
    takes its `share`, (rank, world), of the same batch.
    """

    def __init__(
        self, pictures: Pictures, indices: Sequence[int], recipe: Recipe, share: tuple[int, int] = (0, 1)
    ) -> None:
        self.pictures, self.indices, self.recipe = pictures, indices, recipe
        rank, world = share
        if recipe.optimizer.batch % world:
            raise InputError(
                f"A batch of {recipe.optimizer.batch} cannot be shared by {world} processes; change "
                "optimizer.batch."
            )
        size = recipe.optimizer.batch // world
        self.share = range(rank * size, (rank + 1) * size)
        given = recipe.masks
        self.holes = bank(given, recipe.data.crop, given.bank, recipe.seed) if given.bank else None

    def __len__(self) -> int:
        return self.recipe.optimizer.steps

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        size = self.recipe.data.crop
        crops, masks = [], []
        for i in self.share:
            rng = np.random.default_rng([self.recipe.seed, step, i])
            crops.append(
                random_crop(self.pictures[self.indices[int(rng.integers(len(self.indices)))]], size, rng)
            )
            masks.append(self._hole(rng, int(rng.integers(2**31))))
        return (
            *tensors(crops, masks),
            *([self._guide(step, crops, masks)] if self.recipe.data.guide else []),
        )

    def _hole(self, rng: np.random.Generator, seed: int) -> Mask:
        if self.holes is None:
            return draw_mask(self.recipe.masks, self.recipe.data.crop, rng, seed)
        found = np.rot90(self.holes[seed % len(self.holes)], int(rng.integers(4)))
        return np.ascontiguousarray(found[:, ::-1] if rng.random() < 0.5 else found)

    def _guide(self, step: int, crops: Sequence[Image], masks: Sequence[Mask]) -> Tensor:
        """(N, 1, H, W) float: sketches of some pictures' holes, 0 for the others."""
        found = []
        for i, crop, mask in zip(self.share, crops, masks, strict=True):
            rng = np.random.default_rng([self.recipe.seed, step, i, 1])
            drawn = rng.random() < self.recipe.data.guide
            found.append(
                sketch(np.ascontiguousarray(crop), mask, rng) if drawn else np.zeros(mask.shape, np.float32)
            )
        return torch.from_numpy(np.stack(found))[:, None]


def chosen(pictures: Pictures, indices: Sequence[int], count: int) -> list[int]:
    """The first `count` of the held-out pictures, in an order that depends on their names alone."""
    return sorted(indices, key=lambda i: _unit("validation " + pictures.names[i]))[:count]


def validation(
    pictures: Pictures, indices: Sequence[int], recipe: Recipe, count: int, kinds: Sequence[str] = ()
) -> tuple[list[Image], list[Mask]]:
    """Fixed held-out pictures, centre crops, with holes of 20 % and more: of the recipe's mix, or in turn of
    each of the `kinds`, keys of HOLES.
    """
    order = chosen(pictures, indices, count)
    crops: list[Any] = [centre_crop(pictures[i], recipe.data.crop) for i in order]
    found = [
        _held_mask(recipe.masks, recipe.data.crop, n, kinds[n % len(kinds)] if kinds else "")
        for n in range(len(order))
    ]
    return crops, found


def _held_mask(masks: Masks, size: int, number: int, kind: str) -> Mask:
    """The hole of a held-out picture. Compact ones of a recipe with a window take all of it."""
    rng, low = np.random.default_rng([1, number]), max(masks.low, min(0.2, masks.high / 2))
    if kind:
        masks = replace(masks, mix={HOLES[kind]: 1.0}, whole=0.0, beyond=0.0)
    inside = masks.window < 1 and kind == "irregular"
    return draw_mask(masks, size, rng, number, None if inside else low)


def depth(mask: Mask) -> float:
    """Pixels from the deepest missing pixel to the nearest known one; 0 without a hole."""
    return float(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max())


def covered(masks: Masks, size: int, count: int = 400) -> dict[str, float]:
    """What a training covers: the `side` of its pictures, and the `depth` that 95 % of its holes do not pass;
    both in pixels.
    """
    drawn = (draw_mask(masks, size, np.random.default_rng([2, n]), n) for n in range(count))
    return {"side": size, "depth": round(float(np.percentile([depth(mask) for mask in drawn], 95)), 1)}

"""More training pictures: parts of each photograph are masked and filled again, so that what is left of it
stands in other surroundings.

    python -m inpainters augment FOLDER --out OUT --method lama --n 2

Variants lie in OUT/pictures, in the folders of their photographs, so that whatever reads one folder per class
(such as torchvision's ImageFolder) reads them; `AugmentedPictures` also gives their masks, in OUT/masks.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage

from inpainters.base import InpaintRequest
from inpainters.errors import InputError, sentence
from inpainters.folders import find_pictures
from inpainters.imaging import Mask, encode_png, load_image, save_bytes, shown
from inpainters.masks import GENERATORS, derive_seed, generate
from inpainters.registry import create

MANIFEST, _SETTINGS, MASK_FOLDER, PICTURE_FOLDER = "manifest.csv", "augment.json", "masks", "pictures"
COLUMNS = ("file", "source", "source_sha256", "mask", "kind", "ratio", "seed", "method", "sha256")
_TRIES = 20
"""Masks that are drawn until one leaves something known."""


@dataclass(frozen=True)
class Augmentation:
    """What is made of each photograph."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    n: int = 2
    """Variants of each photograph."""
    kinds: tuple[str, ...] = ("irregular", "object")
    """Mask generators, which take turns."""
    low: float = 0.05
    """Least share of the picture that is masked; uniform up to `high`."""
    high: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise InputError where it makes no sense."""
        for kind in self.kinds:
            if kind not in GENERATORS or GENERATORS[kind].fixed:
                drawn = ", ".join(name for name, one in GENERATORS.items() if not one.fixed)
                raise InputError(f"'{kind}' is no mask that is drawn at any ratio; choose from: {drawn}.")
        if not self.kinds:
            raise InputError("Name a kind of mask, such as irregular or object.")
        if not 0 < self.low <= self.high <= 0.6:
            raise InputError("The masked share must be more than 0 and at most 0.6, the least first.")
        if not 1 <= self.n <= 1000:
            raise InputError("Between 1 and 1000 variants of each photograph can be made.")
        if self.seed < 0:
            raise InputError("The seed must be 0 or more.")


@dataclass(frozen=True)
class Variant:
    """One that was made, or why it could not be."""

    file: Path
    reason: str = ""


def count_of(folder: Path, plan: Augmentation, out: Path) -> int:
    """How many variants a folder will have."""
    return plan.n * len(find_pictures(folder, leave=out).files)


def augment(folder: Path, out: Path, plan: Augmentation, *, device: str = "auto") -> Iterator[Variant]:
    """Write the variants of all photographs in `folder` to `out/pictures`, their masks to `out/masks`, and
    a line for each to manifest.csv; yields each as it is done. What is there from a start before is kept,
    byte for byte what this one would make.

    Raises InputError where there are no photographs, or `out` holds variants of other settings.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder '{shown(folder)}': check its path.")
    photos = find_pictures(folder, leave=out).files
    if not photos:
        raise InputError(f"There are no pictures in '{shown(folder)}'.")
    method = create(plan.method, device=device, **plan.options)
    _settle(out, plan)
    _drop_torn_line(out / MANIFEST)
    done = {row["file"] for row in rows(out)} if (out / MANIFEST).exists() else set()
    stems = Counter(photo.with_suffix("") for photo in photos)
    with (out / MANIFEST).open("a", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            table.writeheader()
        for photo in photos:
            name = photo.relative_to(folder)
            for k in range(plan.n):
                stem = name.stem if stems[photo.with_suffix("")] == 1 else name.name.replace(".", "_")
                target = PICTURE_FOLDER / name.with_name(f"{stem}-{k}.png")
                if target.as_posix() in done and (out / target).is_file():
                    yield Variant(out / target)
                    continue
                try:
                    row = _make(method, photo, name, target, out, plan, k)
                except InputError as error:
                    yield Variant(out / target, sentence(error))
                    continue
                if target.as_posix() not in done:
                    table.writerow(row)
                    file.flush()
                yield Variant(out / target)


def _make(
    method: Any, photo: Path, name: Path, target: Path, out: Path, plan: Augmentation, k: int
) -> dict[str, object]:
    image = load_image(photo).image
    kind = plan.kinds[k % len(plan.kinds)]
    seed = derive_seed(plan.seed, name.as_posix(), kind, str(k)) % 2**31
    mask = _mask(kind, (image.shape[0], image.shape[1]), seed, plan)
    (result,) = method.run([InpaintRequest(image, mask, seed=seed)])[0]
    png = encode_png(result.image)
    mask_file = Path(MASK_FOLDER) / target.relative_to(PICTURE_FOLDER)
    for path, data in ((out / mask_file, encode_png(mask)), (out / target, png)):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_bytes(path, data)
    return {
        "file": target.as_posix(),
        "source": name.as_posix(),
        "source_sha256": sha256(photo.read_bytes()).hexdigest(),
        "mask": mask_file.as_posix(),
        "kind": kind,
        "ratio": f"{mask.mean():.4f}",
        "seed": seed,
        "method": plan.method,
        "sha256": sha256(png).hexdigest(),
    }


def _mask(kind: str, size: tuple[int, int], seed: int, plan: Augmentation) -> Mask:
    random = np.random.default_rng(seed)
    ratio = float(random.uniform(plan.low, plan.high))
    for again in range(_TRIES):
        mask = generate(kind, size, seed=seed + again, ratio=ratio)
        if mask.any() and not mask.all():
            return mask
    raise InputError(f"A picture of {size[1]}×{size[0]} is too small for a mask of the kind '{kind}'.")


def _settle(out: Path, plan: Augmentation) -> None:
    """Note what is made there, or raise InputError where it is something else."""
    wanted = json.loads(json.dumps({**asdict(plan), "options": dict(plan.options)}))
    file = out / _SETTINGS
    if file.exists():
        if json.loads(file.read_text("utf-8")) != wanted:
            raise InputError(
                f"'{shown(out)}' holds variants that were made with other settings: name "
                f"another folder with --out."
            )
        return
    if out.exists() and any(out.iterdir()):
        raise InputError(f"'{shown(out)}' holds other files: name a new or empty folder with --out.")
    out.mkdir(parents=True, exist_ok=True)
    save_bytes(file, (json.dumps(wanted, indent=1) + "\n").encode())


def _drop_torn_line(manifest: Path) -> None:
    """Of a start that was killed while it wrote: the line that has no end goes."""
    if manifest.exists() and not (data := manifest.read_bytes()).endswith(b"\n"):
        save_bytes(manifest, data[: data.rfind(b"\n") + 1])


def rows(out: Path) -> list[dict[str, str]]:
    """The lines of a folder's manifest; raises InputError where it has none."""
    try:
        with (out / MANIFEST).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError:
        raise InputError(
            f"'{shown(out)}' has no {MANIFEST}: `python -m inpainters augment` makes one."
        ) from None


class AugmentedPictures:
    """A folder of variants as torch's DataLoader takes it, like torchvision's ImageFolder: item i is
    (picture, class), the class being the number of its folder in `classes`. With `masks` item i is
    (picture, mask, class), and `transform` is given picture and mask together and returns both.
    """

    def __init__(
        self, root: str | Path, transform: Callable[..., Any] | None = None, *, masks: bool = False
    ) -> None:
        self.root, self.transform, self.masks = Path(root), transform, masks
        self.rows = rows(self.root)
        self.classes = sorted({self._class(row) for row in self.rows})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        row = self.rows[index]
        parts = [self._opened(row["file"], "RGB"), *([self._opened(row["mask"], "L")] if self.masks else [])]
        if self.transform:
            found = self.transform(*parts)
            parts = list(found) if self.masks else [found]
        return (*parts, self.classes.index(self._class(row)))

    @staticmethod
    def _class(row: Mapping[str, str]) -> str:
        return Path(row["file"]).parent.relative_to(PICTURE_FOLDER).as_posix()

    def _opened(self, name: str, mode: str) -> Any:
        with PilImage.open(self.root / name) as picture:
            return picture.convert(mode)


def kinds_of(text: str) -> Sequence[str]:
    """The kinds of masks in a list with commas."""
    return tuple(part for part in text.split(",") if part)

"""Mask sets: a generator by its name, or a folder of masks that somebody else drew, imported with its
polarity stated.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.cells import digest, pixels_sha256, read_json, write, write_json
from benchmark.inputs.datasets import file_names, safe_name
from inpainters.errors import InputError, unknown
from inpainters.folders import find_pictures
from inpainters.imaging import (
    PICTURE_SUFFIXES,
    THRESHOLD,
    Mask,
    encode_png,
    load_image,
    load_mask,
    save_png,
    shown,
)
from inpainters.masks import BINS, GENERATORS, bin_of, derive_seed, generate, touches_border

FIXED = tuple(name for name in ("half", "lines", "grid", "expand") if name in GENERATORS)
"""Patterns with a ratio of their own: one column each, named like the pattern."""
WAYS = {
    "natural": "as its paper draws it, its ratios with it",
    "border": "every hole touches the border",
    "free": "no hole touches the border",
}
"""What may stand behind a generator's name."""
_WAY_TITLES = {"natural": ", as in its paper", "border": ", at the border", "free": ", clear of the border"}
"""The same in a title."""
DRAWN = "drawn"
"""The one column of masks whose ratios come as they come."""
POLARITIES = ("white-missing", "white-known")
TABLE = "masks.csv"
"""What stands beside exported masks and says what they are (`table_of_masks`)."""


def holes_title(name: str) -> str:
    """A mask set's name for people, such as "Irregular walks, at the border"; the name itself where no
    generator is called so.
    """
    base, _, way = name.rpartition("_")
    if way in _WAY_TITLES and base in GENERATORS:
        return GENERATORS[base].title + _WAY_TITLES[way]
    return GENERATORS[name].title if name in GENERATORS else name


@dataclass(frozen=True)
class MaskSet:
    """Where masks come from. `mask` is pure in its arguments."""

    name: str
    source: str
    """What pins the masks: the generator's name, or the digest of an imported set."""
    bins: tuple[str, ...]
    files: dict[str, list[Path]] = field(default_factory=dict, repr=False)
    """An imported set's masks, by bin."""
    own: dict[tuple[str, str], list[Path]] = field(default_factory=dict, repr=False)
    """Bin, image id -> those of them that were drawn for that picture."""
    way: str = ""
    """How a generator draws: "natural", "border", "free", or as it comes."""

    def mask(
        self, size: tuple[int, int], seed: int, image_id: str, label: str, border: bool | None = None
    ) -> Mask:
        """(height, width) bool, True = missing, its ratio inside the bin `label`; touching the border or not
        where `border` says so. Of an imported set a picture gets the mask that was drawn for it, else any.

        Raises InputError where an imported set has no mask that fits.
        """
        if not self.files:
            ours = {"border": True, "free": False}.get(self.way, border)
            drawn = generate(
                self.source.partition(":")[0],
                size,
                seed=seed,
                image_id=image_id,
                bin=label if label in BINS else None,
                border=ours,
                natural=self.way == "natural",
            )
            _assert_bin(drawn, label)
            return drawn
        turn = derive_seed(seed, image_id, label, "imported mask")
        for files in (self.own.get((label, image_id), []), self.files[label]):
            first = turn % max(1, len(files))
            for file in files[first:] + files[:first]:
                mask = _nearest(load_image(file).image[..., 0] >= THRESHOLD, size)
                if mask.any() and not mask.all() if label == DRAWN else bin_of(mask) == label:
                    return mask
        what = "leaves something to fill and something known" if label == DRAWN else f"stays inside {label} %"
        raise InputError(f"No mask of '{self.name}' {what} at {size[1]}×{size[0]}.")


def _assert_bin(mask: Mask, label: str) -> None:
    if label in BINS and bin_of(mask) != label:
        raise AssertionError(f"a mask of ratio {mask.mean():.5f} is not in the bin {label}")


def middle(label: str) -> float:
    """The middle of a bin as a fraction; for a fixed pattern about what it removes."""
    return (
        sum(BINS[label]) / 2 if label in BINS else {"grid": 0.75}.get(label, 0.5 if label != DRAWN else 0.25)
    )


def _nearest(mask: Mask, size: tuple[int, int]) -> Mask:
    rows = np.arange(size[0]) * mask.shape[0] // size[0]
    columns = np.arange(size[1]) * mask.shape[1] // size[1]
    resized: Mask = mask[rows[:, None], columns[None, :]]
    return resized


def open_mask_set(name: str) -> MaskSet:
    """The set `name`: a generator, one of its WAYS behind a colon, or `folder:DIR` made by `masks import`, by
    bins or, with `:natural` behind it, as one column of every ratio; raises InputError with one sentence.
    """
    if name.startswith("folder:"):
        return _imported(name.partition(":")[2])
    generator, colon, way = name.partition(":")
    if generator not in GENERATORS:
        raise unknown("mask set", name, [*GENERATORS, "folder:DIR"])
    if colon and way not in WAYS:
        raise unknown(f"way of '{generator}'", way, WAYS)
    if way == "natural":
        generate(generator, (64, 64), seed=0, natural=True)  # says so where it has no ratios of its own
        return MaskSet(f"{generator}_{way}", name, (DRAWN,), way=way)
    bins = (generator,) if generator in FIXED else tuple(BINS)
    if way:  # says so where a pattern always touches the border
        generate(generator, (64, 64), seed=0, border={"border": True, "free": False}[way])
    return MaskSet(name.replace(":", "_"), name, bins, way=way)


def open_mask_sets(names: Sequence[str]) -> list[MaskSet]:
    """The sets of these names, each once; raises InputError with one sentence."""
    found = [open_mask_set(name) for name in dict.fromkeys(name.strip() for name in names) if name]
    if not found:
        raise InputError("--masks names no mask set; leave it out for the suite's own.")
    called = [one.name for one in found]
    if twice := next((name for name in called if called.count(name) > 1), None):
        raise InputError(f"Two mask sets are called '{twice}': rename the folder of one.")
    return found


def choose_bins(masks: MaskSet, wanted: str | None) -> tuple[str, ...]:
    """The bins of a comma-separated list, in the set's order; all of the set's where it is None."""
    if wanted is None:
        return masks.bins
    chosen = [label.strip().rstrip("%") for label in wanted.split(",") if label.strip()]
    for label in chosen:
        if label not in masks.bins:
            raise unknown(f"bin of '{masks.name}'", label, masks.bins)
    if not chosen:
        raise InputError(f"--bins names no bin; choose from: {', '.join(masks.bins)}.")
    return tuple(label for label in masks.bins if label in chosen)


def _imported(text: str) -> MaskSet:
    place, _, way = text.rpartition(":")
    if way not in WAYS or Path(text).is_dir():
        place, way = text, ""
    if way not in ("", "natural"):
        raise InputError(f"Imported masks are taken as they are: leave out ':{way}', or say ':natural'.")
    folder = Path(place)
    found = read_json(folder / "masks.json")
    if found is None or not isinstance(found.get("masks"), list):
        raise InputError(
            f"'{folder.name}' is no imported mask set: run `python -m benchmark masks import DIR --out "
            f"{folder.name}` first."
        )
    files: dict[str, list[Path]] = {label: [] for label in ((DRAWN,) if way else BINS)}
    own: dict[tuple[str, str], list[Path]] = {}
    for row in found["masks"]:
        file = folder / Path(str(row["file"])).name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != row["sha256"]:
            raise InputError(
                f"'{file.name}' of the mask set '{folder.name}' is missing or was changed: import it again."
            )
        label = DRAWN if way else row["bin"]
        if label in files:
            files[label].append(file)
            own.setdefault((label, str(row.get("image_id", ""))), []).append(file)
    files = {label: paths for label, paths in files.items() if paths}
    if not files:
        raise InputError(
            f"No mask of '{folder.name}' lies in a bin between 1 and 60 %; 'folder:{place}:natural' takes "
            "every ratio."
        )
    name = safe_name(folder.resolve().name) + (f"_{way}" if way else "")
    return MaskSet(name, digest(found["masks"]), tuple(files), files, own, way)


def import_masks(source: Path, out: Path, polarity: str | None) -> tuple[int, list[str]]:
    """Write every mask in `source` to `out` as PNG with white = missing, cut at 128, and `masks.json` with
    ratio and bin. Where `source` holds the `masks.csv` of an export, masks are checked against it, and each
    stays with the picture it was drawn for.

    Returns how many were taken and a sentence for each that was not.
    """
    if polarity is None:
        raise InputError(
            "Say what white means in these masks: --polarity white-missing (white is filled) or --polarity "
            "white-known (white is kept)."
        )
    if polarity not in POLARITIES:
        raise unknown("polarity", polarity, POLARITIES)
    if not source.is_dir():
        raise InputError(f"There is no folder '{source.name}' to import masks from; check its path.")
    _check_apart(source, out)
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    found = find_pictures(source, (*PICTURE_SUFFIXES, ".npy"))
    files = found.files
    targets = [out / f"{name}.png" for name in file_names([file.relative_to(source) for file in files])]
    before = (read_json(out / "masks.json") or {}).get("masks") or []
    _check_ours(out, targets, [str(row.get("file")) for row in before if isinstance(row, dict)])
    stated = _read_table(source / TABLE)
    for file, target in zip(files, targets, strict=True):
        told = stated.get(file.relative_to(source).as_posix(), {})
        try:
            rows.append(_import_one(file, target, polarity == "white-missing", told))
        except InputError as error:
            left_out.append(str(error))
    if not rows:
        raise InputError(
            f"There are no masks in '{source.name}' that can be read{': ' + left_out[0] if left_out else '.'}"
        )
    write_json(out / "masks.json", {"polarity": polarity, "masks": rows})
    return len(rows), [*left_out, *found.skipped]


def imported_ratios(out: Path) -> tuple[list[float], int]:
    """The ratios of an imported mask set, and how many of them lie in no bin, so that no run by bins uses
    them.
    """
    rows = (read_json(out / "masks.json") or {}).get("masks") or []
    return [float(row["ratio"]) for row in rows], sum(row["bin"] is None for row in rows)


def _check_apart(source: Path, out: Path) -> None:
    """Neither folder lies in the other: masks would be written over, or read again at the next import."""
    inner, outer = sorted((source.resolve(), out.resolve()), key=lambda path: -len(path.parts))
    if inner.is_relative_to(outer):
        raise InputError(
            f"The masks in '{source.resolve().name}' are not written over: name a folder apart from it after "
            "--out."
        )


def _check_ours(out: Path, targets: Sequence[Path], ours: Sequence[str] = ()) -> None:
    """What is to be written is not there, but for the files that this program wrote."""
    known = set(ours)
    there = next((target for target in targets if target.name not in known and target.exists()), None)
    if there is not None:
        raise InputError(
            f"'{out.name}' holds '{there.name}', which this program did not write; name another folder."
        )


def _import_one(file: Path, target: Path, white_missing: bool, told: Mapping[str, str]) -> dict[str, Any]:
    source = _grey_npy(file) if file.suffix.lower() == ".npy" else file
    try:
        mask, _ = load_mask(source, white_missing=white_missing)
    except InputError as error:
        raise InputError(f"'{shown(file)}' is left out: {error}") from None
    if not mask.any() or mask.all():
        raise InputError(
            f"'{shown(file)}' is left out: {'nothing' if not mask.any() else 'everything'} is missing in it."
        )
    if told and told["pixels_sha256"] != pixels_sha256(mask):
        raise InputError(
            f"'{shown(file)}' is left out: it is not the mask that {TABLE} tells of; check the polarity."
        )
    data = encode_png(mask)
    write(target, data)
    return {
        **({"image_id": told["image_id"]} if told.get("image_id") else {}),
        "file": target.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "ratio": f"{mask.mean():.9g}",
        "bin": bin_of(mask),
    }


def table_of_masks(rows: Sequence[Mapping[str, str]]) -> bytes:
    """What TABLE holds: a row for each mask, with its `file`, `ratio` and `pixels_sha256` among others, and
    its `image_id` where it was drawn for a picture.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def _read_table(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a `table_of_masks` by file; none where there is no such table."""
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), restval="")
        ours = {"file", "pixels_sha256"} <= set(table.fieldnames or ())
        return {row["file"]: row for row in table} if ours else {}
    except (OSError, ValueError, csv.Error):
        return {}


def _grey_npy(file: Path) -> npt.NDArray[Any]:
    try:
        values = np.load(io.BytesIO(file.read_bytes()), allow_pickle=False)
    except Exception:  # headers are parsed as Python, which throws what it likes
        raise InputError(f"'{shown(file)}' is left out: it is no plain NumPy array.") from None
    values = np.squeeze(values) if isinstance(values, np.ndarray) else np.zeros(0)
    if values.ndim == 3 and values.shape[2] <= 4:
        values = values[..., :3].max(axis=2)
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "buif":
        raise InputError(
            f"'{shown(file)}' is left out: a mask has two dimensions, this array has the shape "
            f"{values.shape}."
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"'{shown(file)}' is left out: it holds numbers that are not finite.")
    grey: npt.NDArray[Any] = (values > 0.5).astype(np.uint8) if values.max(initial=0) <= 1 else values
    return grey


@dataclass(frozen=True)
class Export:
    """What fixes an exported set: mask k is pure in these and in k, so that a shorter set is the beginning of
    a longer one.
    """

    generator: str = "irregular"
    """One generator, or several with commas that take turns; or `folder:DIR`."""
    size: int = 256
    count: int = 100
    seed: int = 0
    bin: str | None = None
    """Where None the bins take turns."""
    border: str | None = None
    """"touching", "free" or "both" in turns; None: as it comes."""


BORDERS: dict[str | None, tuple[bool | None, ...]] = {
    None: (None,),
    "touching": (True,),
    "free": (False,),
    "both": (True, False),
}
PRESETS = {"liu2018": Export("irregular,brush,scratches", size=512, count=55_116, border="both")}
"""Sets like those of papers: Liu et al. (ECCV 2018) trained on 55,116 irregular masks of 512x512, with and
without holes at the border.
"""


def export_masks(out: Path, plan: Export) -> Iterator[int]:
    """Write `plan.count` masks and `masks.csv`; yields after each. What is there from a run before is kept.

    Raises InputError for a plan that cannot be drawn, or where `out` holds masks of another one.
    """
    sets = [open_mask_set(name.strip()) for name in plan.generator.split(",")]
    turns = [choose_bins(masks, plan.bin) for masks in sets]
    if plan.count < 1 or not 8 <= plan.size <= 8192:
        raise InputError("--count must be 1 or more and --size between 8 and 8192.")
    if plan.border not in BORDERS:
        raise unknown("border", str(plan.border), [key for key in BORDERS if key])
    if plan.border and any(masks.files or masks.name in FIXED for masks in sets):
        raise InputError(
            "--border is for masks that are drawn at random; leave it out for fixed patterns and imported "
            "masks."
        )
    facts = {
        "generator": plan.generator, "size": plan.size, "seed": plan.seed, "border": plan.border or "any",
        "bins": list(dict.fromkeys(label for labels in turns for label in labels)),
        "polarity": "white-missing",
    }  # fmt: skip
    begun = _same_plan(out, facts)
    if not begun:
        _check_ours(out, [out / f"{k:06d}.png" for k in range(plan.count)])
    write_json(out / "manifest.json", {**facts, "count": 0})
    rows = []
    for k in range(plan.count):
        rows.append(_export_one(out, plan, sets, turns, k, keep=begun))
        yield k + 1
    table = table_of_masks(rows)
    write(out / TABLE, table)
    digest_of_rows = hashlib.sha256(table).hexdigest()
    write_json(out / "manifest.json", {**facts, "count": plan.count, "masks_csv_sha256": digest_of_rows})


def _same_plan(out: Path, facts: dict[str, Any]) -> bool:
    """True where a run of this plan began in `out`; raises InputError where another did."""
    found = read_json(out / "manifest.json")
    for key, value in facts.items():
        if found is not None and found.get(key) != value:
            raise InputError(f"'{out.name}' holds masks of another {key}; choose another folder.")
    return found is not None


def _export_one(
    out: Path, plan: Export, sets: list[MaskSet], turns: list[tuple[str, ...]], k: int, keep: bool
) -> dict[str, str]:
    """Mask k: bins take turns first, then generators, then touching the border or not. Returns its row."""
    most = max(map(len, turns))
    which = k // most % len(sets)
    masks, label = sets[which], turns[which][k % most % len(turns[which])]
    borders = BORDERS[plan.border]
    border = borders[k // most // len(sets) % len(borders)]
    file = out / f"{k:06d}.png"
    mask = _kept(file, plan.size, label) if keep else None
    if mask is None:
        mask = masks.mask((plan.size, plan.size), plan.seed, file.stem, label, border)
        save_png(file, mask)
    touching = "touching" if touches_border(mask) else "free"
    return {
        "file": file.name, "bin": label, "ratio": f"{mask.mean():.9g}", "generator": masks.name,
        "border": touching, "pixels_sha256": pixels_sha256(mask),
    }  # fmt: skip


def _kept(file: Path, size: int, label: str) -> Mask | None:
    """The mask that a run before wrote; None where there is none that can be read."""
    try:
        mask: Mask = load_image(file).image[..., 0] >= THRESHOLD if file.is_file() else np.zeros((0, 0), bool)
    except InputError:
        return None
    return mask if mask.shape == (size, size) and (label not in BINS or bin_of(mask) == label) else None

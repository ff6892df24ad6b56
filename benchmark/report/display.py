"""Small lossy copies of the pictures behind a table, so that a clone can show them, and contact sheets made
of these.

They are for looking at: scores always come from the PNGs.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import pandas as pd
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from benchmark.cells import entry_of, file_sha256, write
from benchmark.files import cell_manifest
from benchmark.inputs.frozen import read_mask, read_rgb
from benchmark.report.digits import number
from benchmark.report.layout import BY_PICTURE, SHEET
from benchmark.report.marks import MARK, footnote, mark
from benchmark.report.summary import column_order, entry_order, figures_of
from benchmark.results import Results
from inpainters.errors import InputError
from inpainters.imaging import decode_image, load_mask
from inpainters.registry import METHODS

QUALITY = 60
THUMB = 144
LARGEST = 9_500_000
"""Bytes of one zip: hosts of repositories refuse files of more than 10 MB."""
_OVERHEAD = 200
"""Bytes that a zip spends on a member beside its content and its name, twice, or more."""
NOTE = (
    f"Lossy WebP copies (quality {QUALITY}) for looking at; every score comes from the PNGs that `python -m "
    "benchmark run` writes.\n"
)


@dataclass(frozen=True)
class Place:
    """Where a picture lies: a file, or a member of a zip."""

    file: Path
    member: str = ""
    stamp: int = 0
    """When the zip was written, in ns: another zip may hold another picture under this name."""

    def read(self) -> bytes:
        """The bytes of the picture's file."""
        return _open(self.file, self.stamp).read(self.member) if self.member else self.file.read_bytes()


def original(image_id: str) -> str:
    """The name of the copy of an original."""
    return f"originals/{image_id}.webp"


def mask(label: str, image_id: str, mask_set: str = "") -> str:
    """The name of the copy of a mask; `mask_set` as `Results.mask_set`."""
    return f"{_folder(label, mask_set)}/{image_id}.mask.png"


def output(label: str, image_id: str, entry: str, mask_set: str = "") -> str:
    """The name of the copy of one fill; `entry` is a method, with options that are not the defaults,
    `mask_set` as `Results.mask_set`.
    """
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in entry)
    return f"{_folder(label, mask_set)}/{image_id}.{safe}.webp"


def _folder(label: str, mask_set: str) -> str:
    return f"{mask_set}/{label}" if mask_set else label


def find(results: Results, label: str, image_id: str, entry: str) -> Place | None:
    """The picture of one fill to show: its display copy, else its PNG, else None. `results` are of one mask
    set; `entry` may be `original` or `mask`.
    """
    made = {"original": original(image_id), "mask": mask(label, image_id, results.mask_set)}
    name = made.get(entry) or output(label, image_id, entry, results.mask_set)
    if place := copies(results.folder).get(name):
        return place
    names = {"original": f"_inputs/{image_id}.png", "mask": f"_inputs/{image_id}.mask.png"}
    pattern = names.get(entry, f"{entry.split(' ')[0]}/*/{image_id}.png")
    for png in sorted((results.folder / "cells").glob(f"*/{results.mask_set or '*'}/{label}/{pattern}")):
        if entry in names or _entry(png.parent) == entry:
            return Place(png)
    return None


def _entry(folder: Path) -> str:
    """The entry a finished cell belongs to; empty while it is not finished."""
    key = cell_manifest(folder)
    return entry_of(key.method, key.options) if key else ""


# ---- the zip -------------------------------------------------------------------------------------


def zips(folder: Path) -> list[Path]:
    """A suite's zips of display copies: display.zip, or display-1.zip, display-2.zip ... where one would be
    too large.
    """
    return sorted(folder.glob("display*.zip"), key=lambda path: (len(path.name), path.name))


def copies(folder: Path) -> dict[str, Place]:
    """Name -> place of all display copies of a suite."""
    return _copies(tuple((path, path.stat().st_mtime_ns) for path in zips(folder)))


@lru_cache(maxsize=16)
def _copies(files: tuple[tuple[Path, int], ...]) -> dict[str, Place]:
    return {name: Place(path, name, stamp) for path, stamp in files for name in _open(path, stamp).namelist()}


@lru_cache(maxsize=16)
def _open(path: Path, stamp: int) -> ZipFile:
    """A zip that is kept open: reading a copy is one look into it."""
    del stamp
    try:
        return ZipFile(path)
    except (OSError, BadZipFile):
        raise InputError(
            f"'{path.parent.name}/{path.name}' is damaged: delete it; `python -m benchmark report` writes it "
            "anew where the pictures are."
        ) from None


def member(place: Place) -> tuple[str, bytes]:
    """What a display copy was made of (sha256 of the PNG), and its bytes."""
    return _source(place), place.read()


def write_zips(folder: Path, members: Mapping[str, tuple[str, bytes]]) -> None:
    """Write the display copies anew: name -> (sha256 of the PNG that was copied, its copy). The same members
    give the same bytes.
    """
    sizes = {name: len(data) + 2 * len(name) + _OVERHEAD for name, (_, data) in members.items()}
    several, parts = sum(sizes.values()) > LARGEST, list[list[str]]()
    for name in sorted(members):
        if not parts or sum(sizes[other] for other in parts[-1]) + sizes[name] > LARGEST:
            parts.append([])
        parts[-1].append(name)
    names = [f"display-{i}.zip" if several else "display.zip" for i in range(1, len(parts) + 1)]
    for name, part in reversed(list(zip(names, parts, strict=True))):  # killed here, it loses no copy
        write(folder / name, _zip({member: members[member] for member in part}))
    for old in zips(folder):
        if old.name not in names:
            old.unlink()


def _zip(members: Mapping[str, tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as file:
        for name, (source, data) in members.items():
            info = ZipInfo(name)  # of 1 January 1980, whenever it is written
            info.external_attr, info.create_system, info.comment = 0o644 << 16, 3, source.encode()
            file.writestr(info, data)
    return buffer.getvalue()


def _of_record(cell: Path) -> list[Path]:
    """The PNGs of a finished cell, without those that were changed since."""
    stored = cell_manifest(cell)
    pictures = stored.pictures if stored else {}
    found = sorted(cell.glob("*.png"))
    return [png for png in found if png.stem not in pictures or pictures[png.stem].sha256 == file_sha256(png)]


def copy(results: Results) -> int:
    """Make the display copies that are missing, or of other PNGs than those that are here; returns how many
    were made. A PNG that is not its record's is left out.

    Only for the built-in `sample` set, whose photographs may be passed on.
    """
    wanted: dict[str, Path] = {}
    several = len(results.mask_sets) > 1
    for cell in sorted((results.folder / "cells" / "sample").glob("*/*/*/*/manifest.json")):
        mask_set, label = cell.parts[-5] if several else "", cell.parts[-4]
        entry, inputs = _entry(cell.parent), cell.parents[2] / "_inputs"
        for png in _of_record(cell.parent) if entry else ():
            wanted[output(label, png.stem, entry, mask_set)] = png
            wanted.setdefault(original(png.stem), inputs / png.name)
            wanted[mask(label, png.stem, mask_set)] = inputs / f"{png.stem}.mask.png"
    here = copies(results.folder)
    made = {
        name: (digest, _copy(png, name))
        for name, png in wanted.items()
        if (digest := str(file_sha256(png))) != (_source(here[name]) if name in here else "")
    }
    if made:
        # Not those of a run that was thrown away and had other mask sets.
        folders = {"originals", *(results.mask_sets if several else results.rows["bin"])}
        kept = {name: member(place) for name, place in here.items() if name.partition("/")[0] in folders}
        write_zips(results.folder, {"README.md": ("", NOTE.encode()), **kept, **made})
    return len(made)


def _source(place: Place) -> str:
    """sha256 of the PNG that a copy was made of; empty where nothing was noted."""
    return _open(place.file, place.stamp).getinfo(place.member).comment.decode()


def _copy(source: Path, name: str) -> bytes:
    """A copy in the format of its name, a mask as black and white."""
    buffer = io.BytesIO()
    if name.endswith(".webp"):
        PilImage.fromarray(read_rgb(source)).save(buffer, "WEBP", quality=QUALITY, method=6)
    else:
        PilImage.fromarray(read_mask(source)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


# ---- contact sheets ------------------------------------------------------------------------------


def sheets(results: Results) -> list[Path]:
    """Write one contact sheet per ratio bin whose display copies are here: its worst, median and best hole by
    widely run methods. `results` are of one mask set.
    """
    metric, region = SHEET if SHEET in results.measured else BY_PICTURE
    rows = figures_of(results, metric, region)
    rows = rows[rows["value"].notna()]
    written = []
    for label in column_order(rows["bin"]):
        column = widely_run(rows[rows["bin"] == label])
        chosen = extremes(column)
        if chosen and all(find(results, label, image_id, "original") for _, image_id in chosen):
            written.append(_sheet(results, label, chosen, column, metric, region))
    return written


def widely_run(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of methods with at least half of the pictures: one with few would leave little to choose from
    for all.
    """
    counts = rows.groupby("entry")["image_id"].nunique()
    return rows[rows["entry"].isin(counts.index[2 * counts >= counts.max()])]


def extremes(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """(word, image id) of the worst, median and best hole by the methods' median value, over the pictures
    every method has.
    """
    table = rows.pivot_table(index="image_id", columns="entry", values="value").dropna()
    if table.empty:
        return []
    order = table.median(axis=1).sort_values(kind="stable").index.tolist()
    return [("worst", order[-1]), ("median", order[len(order) // 2]), ("best", order[0])]


def _sheet(
    results: Results,
    label: str,
    chosen: Sequence[tuple[str, str]],
    rows: pd.DataFrame,
    metric: str,
    region: str,
) -> Path:
    entries = entry_order(rows["entry"])
    values = rows.groupby(["image_id", "entry"])["value"].mean()
    canvas = PilImage.new(
        "RGB", ((len(entries) + 2) * (THUMB + 6) + 6, len(chosen) * (THUMB + 24) + 44), "white"
    )
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    heading = (
        f"{results.title}, {label} % missing: worst, median and best hole by {metric}, {region} (smaller is "
        "better)"
    )
    pen.text((8, 6), _plain(f"{heading}    {footnote(entries, [metric])}"), fill="#14171C", font=font)
    for column, head in enumerate(["original", "masked", *entries]):
        pen.text((column * (THUMB + 6) + 8, 25), _heading(head), fill="#14171C", font=font)
    for line, (word, image_id) in enumerate(chosen):
        top = 42 + line * (THUMB + 24)
        pictures = [_thumb(find(results, label, image_id, "original")), _masked(results, label, image_id)]
        pictures += [_thumb(find(results, label, image_id, entry)) for entry in entries]
        scores = [_plain(number(float(values[image_id, entry])) + mark(entry, metric)) for entry in entries]
        texts = [word, image_id.split("@")[0], *scores]
        for column, (picture, words) in enumerate(zip(pictures, texts, strict=True)):
            canvas.paste(picture, (column * (THUMB + 6) + 6, top))
            pen.text((column * (THUMB + 6) + 8, top + THUMB + 3), words, fill="#4B5563", font=font)
    # Other people's photographs stay out of what is committed.
    ours = original(chosen[0][1]) in copies(results.folder)
    path = results.folder / ("figures" if ours else "cells") / f"{results.stem('contact_sheet')}_{label}.webp"
    path.parent.mkdir(exist_ok=True)
    canvas.save(path, "WEBP", quality=85, method=6)
    return path


def _plain(words: str) -> str:
    """In letters that Pillow's own font has."""
    return words.replace("–", "-").replace(MARK, "*")


def _heading(entry: str) -> str:
    """A title that fits a thumbnail."""
    title = _plain(METHODS[entry].title) if entry in METHODS else entry
    return title if len(title) <= 22 else entry[:22]


def _thumb(place: Place | None) -> PilImage.Image:
    if place is None:
        return PilImage.new("RGB", (THUMB, THUMB), "#E5E8EC")
    with PilImage.open(io.BytesIO(place.read())) as picture:
        return picture.convert("RGB").resize((THUMB, THUMB), PilImage.Resampling.BOX)


def _masked(results: Results, label: str, image_id: str) -> PilImage.Image:
    picture, hole = (find(results, label, image_id, name) for name in ("original", "mask"))
    if picture is None or hole is None:
        return _thumb(None)
    image = decode_image(picture.read()).image
    image[load_mask(decode_image(hole.read()).image, image.shape[:2])[0]] = (230, 0, 126)
    return PilImage.fromarray(image).resize((THUMB, THUMB), PilImage.Resampling.BOX)

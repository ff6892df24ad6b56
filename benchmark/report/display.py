"""Small lossy copies of the pictures behind a table, so that a clone can show them, and contact sheets made
of these.

They are for looking at: scores always come from the PNGs.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from benchmark.cells import compact, read_manifest, write
from benchmark.inputs.frozen import read_mask, read_rgb
from benchmark.report.marks import MARK, footnote, mark
from benchmark.report.summary import column_order, entry_order
from benchmark.report.tables import number
from benchmark.results import Results
from inpainters.imaging import load_image, load_mask
from inpainters.registry import METHODS

QUALITY = 60
SHEET_METRIC = ("lpips_squeeze", "hole")
FALLBACK = ("l1", "hole")
"""What a sheet sorts by where LPIPS could not be computed."""
THUMB = 144
NOTE = f"Lossy WebP copies (quality {QUALITY}) for looking at; every score comes from the PNGs that `python -m benchmark run` writes.\n"


def original(folder: Path, image_id: str) -> Path:
    return folder / "display" / "originals" / f"{image_id}.webp"


def mask(folder: Path, label: str, image_id: str) -> Path:
    return folder / "display" / label / f"{image_id}.mask.png"


def output(folder: Path, label: str, image_id: str, entry: str) -> Path:
    """Where the display copy of one fill lies; `entry` is a method, with its options where they are not the
    defaults.
    """
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in entry)
    return folder / "display" / label / f"{image_id}.{safe}.webp"


def find(results: Results, label: str, image_id: str, entry: str) -> Path | None:
    """The picture of one fill to show: its display copy, else its PNG, else None. `entry` may be `original`
    or `mask`.
    """
    made = {"original": original(results.folder, image_id), "mask": mask(results.folder, label, image_id)}
    path = made.get(entry, output(results.folder, label, image_id, entry))
    if path.is_file():
        return path
    names = {"original": f"_inputs/{image_id}.png", "mask": f"_inputs/{image_id}.mask.png"}
    pattern = names.get(entry, f"{entry.split(' ')[0]}/*/{image_id}.png")
    for png in sorted((results.folder / "cells").glob(f"*/*/{label}/{pattern}")):
        if entry in names or _entry(png.parent) == entry:
            return png
    return None


def _entry(folder: Path) -> str:
    """The entry a finished cell belongs to; empty while it is not finished."""
    key = read_manifest(folder)
    if key is None:
        return ""
    return str(key["method"]) if not key["options"] else f"{key['method']} {compact(key['options'])}"


def copy(results: Results) -> int:
    """Make the display copies that are missing and whose PNGs are here; returns how many were made.

    Only for the built-in `sample` set, whose photographs may be passed on.
    """
    made = 0
    for cell in sorted((results.folder / "cells" / "sample").glob("*/*/*/*/manifest.json")):
        label, entry, inputs = cell.parts[-4], _entry(cell.parent), cell.parents[2] / "_inputs"
        for png in sorted(cell.parent.glob("*.png")) if entry else ():
            made += _copy(png, output(results.folder, label, png.stem, entry))
            made += _copy(inputs / png.name, original(results.folder, png.stem))
            made += _copy(inputs / f"{png.stem}.mask.png", mask(results.folder, label, png.stem))
    if made:
        (results.folder / "display" / "README.md").write_text(NOTE, encoding="utf-8")
    return made


def _copy(source: Path, target: Path) -> bool:
    """Write a copy in the format of its name, a mask as black and white, unless a newer one is there."""
    if target.exists() and source.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return False
    buffer = io.BytesIO()
    if target.suffix == ".webp":
        PilImage.fromarray(read_rgb(source)).save(buffer, "WEBP", quality=QUALITY, method=6)
    else:
        PilImage.fromarray(read_mask(source)).save(buffer, "PNG", optimize=True)
    write(target, buffer.getvalue())
    return True


def sheets(results: Results) -> list[Path]:
    """Write one contact sheet per ratio bin whose display copies are here: its worst, median and best hole by
    widely run methods.
    """
    metric, region = SHEET_METRIC
    rows = results.scores[
        (results.scores["metric"] == metric)
        & (results.scores["region"] == region)
        & results.scores["value"].notna()
    ]
    if rows.empty:
        metric, region = FALLBACK
        rows = results.scores[
            (results.scores["metric"] == metric)
            & (results.scores["region"] == region)
            & results.scores["value"].notna()
        ]
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
    heading = f"{results.suite}, {label} % missing: worst, median and best hole by {metric}, {region} (smaller is better)"
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
    ours = original(
        results.folder, chosen[0][1]
    ).is_file()  # other people's photographs stay out of what is committed
    path = results.folder / ("figures" if ours else "cells") / f"contact_sheet_{label}.webp"
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


def _thumb(path: Path | None) -> PilImage.Image:
    if path is None:
        return PilImage.new("RGB", (THUMB, THUMB), "#E5E8EC")
    with PilImage.open(path) as picture:
        return picture.convert("RGB").resize((THUMB, THUMB), PilImage.Resampling.BOX)


def _masked(results: Results, label: str, image_id: str) -> PilImage.Image:
    picture, hole = (find(results, label, image_id, name) for name in ("original", "mask"))
    if picture is None or hole is None:
        return _thumb(None)
    image = load_image(picture).image
    image[load_mask(hole, image.shape[:2])[0]] = (230, 0, 126)
    return PilImage.fromarray(image).resize((THUMB, THUMB), PilImage.Resampling.BOX)

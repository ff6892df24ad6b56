"""A results folder as one page, `report.html`: it opens from the disk, without a network.

The tables are those of table.md; the figures and the data behind the lists of pictures are in the page
itself.
"""

import base64
import html
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from markdown_it import MarkdownIt

from benchmark.cells import ColumnKey, column_folder, split_entry
from benchmark.metrics import METRICS
from benchmark.report.layout import RANKED
from benchmark.report.summary import entry_order, figures_of, named, over_answers
from benchmark.report.tables import AFTER_FIRST, READING, part_of, protocol, title
from benchmark.results import WHOLE_SET, Results

_KINDS = {".svg": "image/svg+xml", ".webp": "image/webp"}


def page_of(results: Results, drawn: Sequence[Path]) -> str:
    """The whole of report.html; `drawn`: the figures that are of these rows."""
    parts = results.parts()
    meaning = results.manifest.meaning
    facts = (
        f"{len(meaning.dataset.images):,} pictures of {meaning.dataset.name} ({meaning.dataset.recipe}), "
        f"{len(meaning.methods)} methods, seed {meaning.seed}. {READING}"
    )
    names = [part.mask_set for part in parts]
    body = "\n".join(_section(part, names, drawn) for part in parts)
    data = json.dumps([_data(part) for part in parts], separators=(",", ":"), ensure_ascii=False)
    safe = data.replace("<", r"\u003c")  # a name must not end the script
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f"<!doctype html>\n<html lang=en>\n<head>{head}\n<title>{html.escape(results.suite)}</title>\n"
        f"<style>\n{_own('page.css')}</style>\n</head>\n<body>\n<h1>{html.escape(results.suite)}</h1>\n"
        f"{_rendered(protocol(results))}{_rendered(facts)}\n<p>A heading sorts its table; a method's name "
        f"lists its best, median and worst pictures.</p>\n{body}\n"
        f"<details><summary>Manifest: what fixes these figures</summary>\n"
        f"<pre>{html.escape(_manifest(results))}</pre></details>\n"
        f'<script type="application/json" id="data">{safe}</script>\n'
        f"<script>\n{_own('page.js')}</script>\n</body>\n</html>\n"
    )


@cache
def _own(name: str) -> str:
    return (files("benchmark.report") / name).read_text(encoding="utf-8")


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _rendered(text: str) -> str:
    """Markdown as HTML, its tables in boxes that scroll."""
    found: str = _markdown().render(text)
    return found.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")


def _section(part: Results, names: Sequence[str], drawn: Sequence[Path]) -> str:
    """All that is about one kind of holes: the first tables, figures, contact sheets, and the rest folded."""
    blocks = part_of(part)
    first = next(i for i, block in enumerate(blocks) if block == AFTER_FIRST)
    name = html.escape(part.mask_set or part.mask_sets[0])
    shown = _rendered("\n\n".join(block for block in blocks[:first] if not block.startswith("# ")))
    shown = shown.replace("<h3>", "<h4>").replace("</h3>", "</h4>")
    shown = shown.replace("<h2>", "<h3>").replace("</h2>", "</h3>")
    return (
        f"<section data-part>\n<h2>Holes: {name}</h2>\n{shown}\n<div class=panel hidden></div>\n"
        f"<div class=figures>{''.join(_images(part, names, drawn, '.svg'))}</div>\n"
        f"<details><summary>Contact sheets</summary><div class=sheet>"
        f"{''.join(_images(part, names, drawn, '.webp'))}</div></details>\n"
        f"{''.join(_folded(blocks[first:]))}</section>"
    )


def _folded(blocks: Sequence[str]) -> Iterator[str]:
    """Each heading with what stands under it."""
    groups: list[list[str]] = []
    for block in blocks:
        if block.startswith("## "):
            groups.append([block])
        else:
            groups[-1].append(block)
    for heading, *rest in groups:
        inline: str = _markdown().renderInline(heading.removeprefix("## "))
        below = _rendered("\n\n".join(rest))
        yield f"<details><summary>{inline}</summary>\n{below}</details>\n"


def _images(part: Results, names: Sequence[str], drawn: Sequence[Path], suffix: str) -> Iterator[str]:
    """The figures of a part, inside of the page; `names`: of all parts."""
    for path in sorted(path for path in drawn if path.suffix == suffix):
        whose = max((name for name in names if f"_{name}" in path.stem), key=len, default="")
        if whose == part.mask_set:
            text = base64.b64encode(path.read_bytes()).decode()
            source = f"data:{_KINDS[path.suffix]};base64,{text}"
            yield f'<img alt="{html.escape(path.stem)}" loading=lazy src="{source}">'


def _data(part: Results) -> dict[str, Any]:
    """What the lists of pictures are made of: each hole once, a value of each entry, and where its PNG
    lies.
    """
    pairs = [pair for pair in RANKED if pair in part.measured]
    frames = {pair: _values(part, *pair) for pair in pairs}
    entries = entry_order(part.rows["entry"])
    index = sorted(set().union(*(frame.index for frame in frames.values()))) if frames else []
    return {
        "entries": [named(entry) for entry in entries],
        "holes": [
            {"bin": label, "id": image_id, "at": [_png(part, entry, label, image_id) for entry in entries]}
            for label, image_id in index
        ],
        "metrics": [
            {
                "title": re.sub("`", "", title(*pair)),
                "better": METRICS[pair[0]].better,
                "values": [_column(frames[pair], entry, index) for entry in entries],
            }
            for pair in pairs
        ],
    }


def _values(part: Results, metric: str, region: str) -> pd.DataFrame:
    """One line per (bin, image id), one column per entry."""
    rows = over_answers(figures_of(part, metric, region))
    rows = rows[(rows["image_id"] != WHOLE_SET) & rows["value"].notna()]
    return rows.pivot_table(index=["bin", "image_id"], columns="entry", values="value")


def _column(frame: pd.DataFrame, entry: str, index: Sequence[tuple[str, str]]) -> list[float | None]:
    if entry not in frame:
        return [None] * len(index)
    values = frame[entry].reindex(pd.MultiIndex.from_tuples(index))
    return [None if pd.isna(value) else float(f"{value:.4g}") for value in values]


def _png(part: Results, entry: str, label: str, image_id: str) -> str:
    """Where the picture lies, seen from the page; empty where it is not here."""
    mask_set = part.mask_set or part.mask_sets[0]
    method, options = split_entry(entry)
    folder = column_folder(Path(), part.dataset, ColumnKey(mask_set, label)) / method
    found = _folders(part.folder / folder)
    digest = next((name for name, given in found if given == options), "")
    path = folder / digest / f"{image_id}.png"
    return path.as_posix() if digest else ""


@cache
def _folders(folder: Path) -> tuple[tuple[str, Any], ...]:
    """The cells of a method in a column, with their options."""
    from benchmark.cells import read_json

    return tuple(
        (path.name, (read_json(path / "key.json") or {}).get("options"))
        for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
    )


def _manifest(results: Results) -> str:
    """The manifest without the lists of pictures and masks, which its file holds."""
    found = results.manifest.model_dump(exclude_unset=True)
    found["meaning"]["dataset"].pop("images", None)
    for one in found["meaning"].get("mask_sets", ()):
        one.pop("masks", None)
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)

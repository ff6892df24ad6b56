"""The Leaderboard tab: tables and charts of results, and the pictures behind every figure."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from benchmark.report import display
from benchmark.report.summary import named
from demo.server.copies import hatched
from demo.server.store import Store, url
from demo.server.visit import App
from demo.tabs import Page
from demo.views import leaderboard as board
from demo.views.changes import next_rev
from demo.widgets.chart import Chart
from demo.widgets.panes import Panes
from demo.widgets.table import Table
from inpainters.errors import InputError
from inpainters.imaging import encode_png, load_image, load_mask
from inpainters.spec import FAMILIES

EMPTY = "No results yet. Run `python -m benchmark run quick`, then reload this page."
FIRST_METRIC = "lpips_squeeze"
CHIPS = (("lpips_squeeze", "hole"), ("psnr", "hole"))
"""Shown under every pane, beside the chosen metric."""


def show(root: Path, suite: str, metric: str, region: str, families: list[str]) -> list[Any]:
    """Values of the table, both charts and the small print; InputError with a sentence where the suite cannot
    be read.
    """
    results = board.open_suite(_folder(root, suite))
    parts = (board.table, board.by_ratio, board.by_seconds)
    return [
        *({**part(results, metric, region, families), "rev": next_rev()} for part in parts),
        board.note(results, metric),
    ]


def choices(
    root: Path, suite: str, metric: str | None, region: str | None
) -> tuple[list[tuple[str, str]], str, list[str], str]:
    """Metrics and regions that the suite has, and the ones to select: the ones wanted where they exist."""
    results = board.open_suite(_folder(root, suite))
    metrics = board.metrics_of(results)
    names = [name for _, name in metrics]
    chosen = next((name for name in (metric, FIRST_METRIC) if name in names), names[0])
    regions = board.regions_of(results, chosen)
    return metrics, chosen, regions, region if region in regions else regions[0]


def _folder(root: Path, suite: str) -> Path:
    good, problems = board.found(root)
    if suite not in good:
        raise InputError(problems[0] if problems else EMPTY)
    return good[suite]


def look(app: App, place: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The heading and the panes of one hole; `place` holds suite, metric, region, families, row, col, sort
    and index.
    """
    results = board.open_suite(_folder(app.results, place["suite"]))
    found = board.holes(results, place["metric"], place["region"], place["row"], place["col"], place["sort"])
    if not found:
        raise InputError("No pictures were kept for this figure.")
    place["index"] %= len(found)
    label, image_id = found[place["index"]]
    wanted = dict.fromkeys([(place["metric"], place["region"]), *CHIPS])
    values = {
        metric: value
        for metric, region in wanted
        if (value := board.values_at(results, metric, region, label, image_id))
    }
    which = f"**{place['index'] + 1} of {len(found)}** · {image_id.split('@')[0]}, {label} % missing"
    heading = f"{which} · ordered by {named(place['row'])}"
    return heading, _panes(app, results, label, image_id, values, place["families"])


def _panes(
    app: App, results: Any, label: str, image_id: str, values: dict[str, Any], families: list[str]
) -> dict[str, Any]:
    files = [display.find(results, label, image_id, name) for name in ("original", "mask")]
    panes: list[dict[str, Any]] = []
    size = (256, 256)
    if all(files):
        original, masked, size = _inputs(app, *(str(file) for file in files))
        for name, title, token in (("original", "Original", original), ("masked", "Masked", masked)):
            panes.append(
                {
                    "id": name,
                    "title": title,
                    "family": None,
                    "state": "done",
                    "src": url(token),
                    "chips": [],
                }
            )
    for entry in board.entries_of(results, families):
        pane = board.pane(results, entry, label, image_id, values)
        if pane["state"] == "done":
            pane["src"] = url(_picture(app, str(display.find(results, label, image_id, entry))))
        panes.append(pane)
    return {
        "rev": next_rev(),
        "w": size[1],
        "h": size[0],
        "mode": "grid",
        "ref": "original" if all(files) else None,
        "panes": panes,
    }


def _picture(app: App, path: str) -> str:
    """The token of a picture on disk; the same one while it is kept."""
    token = _put(app.store, path)
    if app.store.path(token) is None:
        _put.cache_clear()
        token = _put(app.store, path)
    return token


@lru_cache(maxsize=4096)
def _put(store: Store, path: str) -> str:
    return store.put(encode_png(load_image(path).image))


def _inputs(app: App, original: str, mask: str) -> tuple[str, str, tuple[int, int]]:
    """Tokens of the original and the masked picture, and their (height, width)."""
    image = load_image(original).image
    hole, _ = load_mask(mask, image.shape[:2])
    return _picture(app, original), app.store.put(encode_png(hatched(image, hole))), image.shape[:2]


# ---- the tab: adapters ---------------------------------------------------------------------------


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    app = page.app
    good, problems = board.found(app.results)
    first = next(iter(good), None)
    if first is None:
        gr.Markdown(" ".join([*problems, EMPTY]), elem_id="leaderboard-empty")
        return
    metrics, metric_, regions, region_ = choices(app.results, first, None, None)
    families_ = [
        family
        for family in FAMILIES
        if any(board.entries_of(board.open_suite(folder), [family]) for folder in good.values())
    ]
    if problems:
        gr.Markdown(" ".join(problems), elem_id="leaderboard-problems")
    with gr.Row(elem_id="leaderboard-choice"):
        suite = gr.Dropdown(
            list(good), value=first, label="Suite", elem_id="leaderboard-suite", min_width=120
        )
        metric = gr.Dropdown(
            metrics, value=metric_, label="Metric", elem_id="leaderboard-metric", min_width=200
        )
        region = gr.Radio(regions, value=region_, label="Region", elem_id="leaderboard-region", min_width=200)
        families = gr.CheckboxGroup(
            families_, value=families_, label="Families", elem_id="leaderboard-families", min_width=240
        )
    values = show(app.results, first, metric_, region_, families_)
    table = Table(values[0], elem_id="leaderboard-table")
    small_print = gr.Markdown(values[3], elem_id="leaderboard-note")
    with gr.Row(elem_id="leaderboard-charts"):
        charts = [
            Chart(value, elem_id=f"leaderboard-{name}")
            for name, value in zip(("ratio", "seconds"), values[1:3], strict=True)
        ]
    place = gr.State(None)
    with gr.Column(visible=False, elem_id="leaderboard-pictures") as pictures:
        heading = gr.Markdown(elem_id="leaderboard-heading")
        with gr.Row(elem_id="leaderboard-steps"):
            sort = gr.Radio(
                board.SORTS, value="worst", show_label=False, container=False, elem_id="leaderboard-sort"
            )
            back = gr.Button("Previous hole", size="md", elem_id="leaderboard-back")
            forth = gr.Button("Next hole", size="md", elem_id="leaderboard-forth")
        panes = Panes(elem_id="leaderboard-panes")
    chosen, shown = [suite, metric, region, families], [table, *charts, small_print]
    seen, quiet = [place, pictures, heading, panes], {"show_progress": "hidden", "api_visibility": "private"}

    def pick(suite: str, metric: str, region: str) -> list[Any]:
        found, metric, regions, region = choices(app.results, suite, metric, region)
        return [gr.update(choices=found, value=metric), gr.update(choices=regions, value=region)]

    def redraw(*values: Any) -> list[Any]:
        try:
            return show(app.results, *values)
        except InputError as error:
            raise gr.Error(str(error)) from None

    def visit(place: dict[str, Any]) -> list[Any]:
        try:
            heading, value = look(app, place)
        except InputError as error:
            return [place, gr.update(visible=True), str(error), None]
        return [place, gr.update(visible=True), heading, value]

    def choose(
        suite: str, metric: str, region: str, families: list[str], sort: str, data: gr.EventData
    ) -> list[Any]:
        cell = data._data.get("cell") or data._data
        row, col = str(cell.get("row")), str(cell.get("col"))
        col = board.ALL if col == "seconds" else col
        names = {"suite": suite, "metric": metric, "region": region, "families": families}
        return visit({**names, "row": row, "col": col, "sort": sort, "index": 0})

    def move(by: int) -> Any:
        return lambda place: visit({**place, "index": place["index"] + by})

    scroll = """() => document.getElementById('leaderboard-pictures')
      ?.scrollIntoView({behavior: 'smooth', block: 'start'})"""
    suite.input(pick, [suite, metric, region], [metric, region], **quiet).then(redraw, chosen, shown, **quiet)
    metric.input(pick, [suite, metric, region], [metric, region], **quiet).then(
        redraw, chosen, shown, **quiet
    )
    gr.on([region.input, families.input], redraw, chosen, shown, **quiet)
    table.cell(choose, [*chosen, sort], seen, **quiet).then(None, js=scroll)
    for chart in charts:
        chart.point(choose, [*chosen, sort], seen, **quiet).then(None, js=scroll)
    sort.input(lambda place, sort: visit({**place, "sort": sort, "index": 0}), [place, sort], seen, **quiet)
    back.click(move(-1), place, seen, **quiet)
    forth.click(move(1), place, seen, **quiet)

"""What the Leaderboard shows of one hole: the original, and what each method made of it."""

from typing import Any

from benchmark.report.layout import LEADING
from benchmark.report.marks import flattered, footnote, mark
from benchmark.report.summary import named
from benchmark.report.tables import number
from benchmark.results import Results
from demo.server.exhibits import Exhibit, exhibit, fill_token
from demo.server.store import url
from demo.server.suites import Figure, entries_of, family_of, open_suite, pictures_behind, values_at
from demo.server.visit import App
from demo.views.changes import next_rev
from inpainters.errors import InputError


def hole_panes(app: App, figure: Figure) -> tuple[str, dict[str, Any]]:
    """The heading and the panes of the hole in view; InputError where no pictures were kept."""
    results = open_suite(app.results, figure.suite, figure.mask_set)
    found = pictures_behind(results, figure)
    if not found:
        raise InputError("No pictures were kept for this figure.")
    index = figure.index % len(found)
    label, image_id = found[index]
    which = f"**{index + 1} of {len(found)}** · {image_id.split('@')[0]}, {label} % missing"
    shown = _panes(app, results, figure, label, image_id)
    return f"{which} · ordered by {named(figure.entry)}", shown


def _panes(app: App, results: Results, figure: Figure, label: str, image_id: str) -> dict[str, Any]:
    inputs = exhibit(app.store, results, label, image_id)
    height, width = inputs.size if inputs else (256, 256)
    panes = _inputs(inputs) if inputs else []
    values = _values(results, figure, label, image_id)
    for entry in entries_of(results, figure.families):
        token = fill_token(app.store, results, label, image_id, entry)
        panes.append(_pane(entry, values, results.suite, url(token)))
    shown = {"rev": next_rev(), "w": width, "h": height, "mode": "grid", "panes": panes}
    return shown | {"ref": "original" if inputs else None}


def _values(results: Results, figure: Figure, label: str, image_id: str) -> dict[str, dict[str, float]]:
    """Metric -> each method's value on this hole: the chosen metric, then the others under every pane."""
    wanted = dict.fromkeys([(figure.metric, figure.region), *LEADING])
    found = {metric: values_at(results, metric, region, label, image_id) for metric, region in wanted}
    return {metric: values for metric, values in found.items() if values}


def _inputs(inputs: Exhibit) -> list[dict[str, Any]]:
    both = (("original", "Original", inputs.original), ("masked", "Masked", inputs.masked))
    same: dict[str, Any] = {"family": None, "state": "done", "chips": []}
    return [{"id": key, "title": title, "src": url(token), **same} for key, title, token in both]


def _pane(entry: str, values: dict[str, dict[str, float]], suite: str, src: str | None) -> dict[str, Any]:
    """One method's pane; without its picture (`src`), why it has none."""
    chips = [
        _chip(metric, entry, number(value[entry]) if entry in value else None)
        for metric, value in values.items()
    ]
    shown = {"id": entry, "title": named(entry), "family": family_of(entry), "chips": chips}
    if src:
        return {**shown, "state": "done", "src": src}
    why = f"Its picture is not here: run `python -m benchmark run {suite}` to make it."
    if not any(entry in value for value in values.values()):
        why = "Not run on this picture: the suite's time budget gave this method fewer."
    return {**shown, "state": "unavailable", "err": why}


def _chip(metric: str, entry: str, value: str | None) -> dict[str, Any]:
    """A figure under a picture; marked, with the reason, where the metric flatters the method."""
    if value is None:
        return {"label": metric, "value": None, "why": "Not computed."}
    why = {"why": footnote([entry], [metric])} if flattered(entry, metric) else {}
    return {"label": metric, "value": value + mark(entry, metric), **why}

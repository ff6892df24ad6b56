"""What the Leaderboard shows of one hole: the original, and what each method made of it."""

from collections.abc import Sequence
from typing import Any

from benchmark.inputs.masksets import holes_title
from benchmark.metrics import METRICS
from benchmark.report.digits import number
from benchmark.report.layout import CHIPS, LEADING
from benchmark.report.marks import flattered, footnote, mark
from benchmark.report.summary import named
from benchmark.results import Results
from demo.server.exhibits import Exhibit, exhibit, fill_token, hole_in_view
from demo.server.store import url
from demo.server.suites import Figure, entries_of, family_of, open_suite, rival_of, values_at
from demo.server.visit import App
from demo.views.changes import next_rev

_KEPT = {"touching": " that touch the border", "free": " clear of the border"}
"""`Figure.border` -> what the heading says of the holes that are counted."""


def hole_choices(mask_sets: Sequence[str]) -> list[tuple[str, str]]:
    """(label, mask set) for a chooser."""
    return [(holes_title(name), name) for name in mask_sets]


def hole_panes(app: App, figure: Figure) -> tuple[str, dict[str, Any]]:
    """The heading and the panes of the hole in view; InputError where no pictures are here."""
    results = open_suite(app.results, figure.suite, figure.mask_set)
    (label, image_id), index, count = hole_in_view(results, figure)
    kept = _KEPT.get(figure.border, "")
    which = f"**{index + 1} of {count}**{kept} · {image_id.split('@')[0]}, {label} % missing"
    name = METRICS[figure.metric].title if figure.metric in METRICS else figure.metric
    ran, spared = _split(results, figure, label, image_id)
    ordered = f"{named(figure.entry)} in {name}"
    if rival := rival_of(results, figure):
        ordered = f"how much worse {named(figure.entry)} does than {named(rival)} in {name}"
        ran = _beside(ran, figure.entry, rival)
    shown = _panes(app, results, figure, (label, image_id), ran)
    if figure.sort == "disagree":
        ordered = f"how far {name} and another metric disagree on {named(figure.entry)}"
    heading = f"{which} · ordered by {ordered}"
    return "\n\n".join(filter(None, (heading, _spared(spared)))), shown


def _beside(entries: list[str], entry: str, rival: str) -> list[str]:
    """The two that are compared before all others, where they have pictures."""
    first = [one for one in (entry, rival) if one in entries]
    return [*first, *(one for one in entries if one not in first)]


def _split(results: Results, figure: Figure, label: str, image_id: str) -> tuple[list[str], list[str]]:
    """The methods in view that ran on this hole, and those that did not."""
    rows = results.rows[(results.rows["bin"] == label) & (results.rows["image_id"] == image_id)]
    here, entries = set(rows["entry"]), entries_of(results, figure.families)
    return [one for one in entries if one in here], [one for one in entries if one not in here]


def _spared(entries: list[str]) -> str:
    """Why methods have no picture here, in one line."""
    if not entries:
        return ""
    names = ", ".join(map(named, entries))
    return f"Not run on this picture, as the suite's time budget gave them fewer: {names}."


def _panes(
    app: App, results: Results, figure: Figure, hole: tuple[str, str], entries: list[str]
) -> dict[str, Any]:
    inputs = exhibit(app.store, results, *hole)
    height, width = inputs.size if inputs else (256, 256)
    panes = _inputs(inputs) if inputs else []
    values = _values(results, figure, *hole)
    for entry in entries:
        token = fill_token(app.store, results, *hole, entry)
        panes.append(_pane(entry, values, results.suite, url(token)))
    shown = {"rev": next_rev(), "w": width, "h": height, "mode": "grid", "panes": panes}
    return shown | {"ref": "original" if inputs else None, "land": figure.entry}


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
    return {**shown, "state": "unavailable", "err": why}


def _chip(metric: str, entry: str, value: str | None) -> dict[str, Any]:
    """A figure under a picture; marked, with the reason, where the metric flatters the method."""
    label = CHIPS.get(metric) or (METRICS[metric].title if metric in METRICS else metric)
    if value is None:
        return {"label": label, "value": None, "why": "Not computed."}
    why = {"why": footnote([entry], [metric])} if flattered(entry, metric) else {}
    return {"label": label, "value": value + mark(entry, metric), **why}

"""What a visitor can do in the Leaderboard tab."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.cells import split_entry
from benchmark.metrics import METRICS
from benchmark.report.layout import LEADING
from benchmark.report.summary import named
from benchmark.results import ALL_BINS
from demo.server.exhibits import hole_in_view, original_and_mask, picture_of
from demo.server.pictures import from_result
from demo.server.suites import (
    AT_BORDER,
    Figure,
    entries_of,
    mask_sets_of,
    metrics_of,
    open_suite,
    readable,
    regions_of,
)
from demo.server.visit import HANDED, App, Session
from inpainters.families import FAMILIES
from inpainters.registry import METHODS


class Selection(NamedTuple):
    """What there is to choose from in one suite, and what is chosen."""

    metric: str
    regions: list[str]
    region: str
    mask_sets: list[str]
    mask_set: str


def select(
    root: Path,
    suite: str,
    metric: str | None = None,
    region: str | None = None,
    mask_set: str | None = None,
) -> Selection:
    """The metric that is wanted, or the first one; the region and the mask set where the suite has them, else
    its first ones; InputError where the suite cannot be read.
    """
    sets = mask_sets_of(root, suite)
    holes = mask_set if mask_set in sets else sets[0]
    results = open_suite(root, suite, holes)
    measured, lacking = metrics_of(results)
    names = [*measured, *lacking]
    first = LEADING[0][0] if LEADING[0][0] in names else names[0]
    chosen = metric if metric in METRICS else first
    regions = regions_of(results, chosen)
    where = region if region in regions else regions[0]
    return Selection(chosen, regions, where, sets, holes)


def metrics(root: Path) -> tuple[list[str], list[str]]:
    """The metrics that any suite has values of, and those that none could compute: one list for all suites,
    as Gradio's chooser fails where its list shrinks while it is open.
    """
    found = [metrics_of(open_suite(root, suite)) for suite in readable(root)[0]]
    measured = {name for some, _ in found for name in some}
    lacking = {name for _, some in found for name in some} - measured
    return [name for name in METRICS if name in measured], [name for name in METRICS if name in lacking]


def linked_choice(root: Path, suites: list[str], asked: Mapping[str, str]) -> tuple[str, Selection] | None:
    """The suite, and what is chosen in it, that a link to this tab asks for; what it cannot have is left out.
    None where the link is to another tab.
    """
    if asked.get("t") != "leaderboard":
        return None
    suite = asked["suite"] if asked.get("suite") in suites else suites[0]
    return suite, select(root, suite, asked.get("metric"), asked.get("region"), asked.get("holes"))


def linked_border(asked: Mapping[str, str]) -> str:
    """Which holes a link to this tab asks for: a key of `AT_BORDER`, or empty for all."""
    border = asked.get("border", "")
    return border if border in AT_BORDER else ""


def families(root: Path) -> list[str]:
    """The families that any suite has methods of."""
    suites = [open_suite(root, suite) for suite in readable(root)[0]]
    return [family for family in FAMILIES if any(entries_of(results, [family]) for results in suites)]


def open_figure(
    suite: str,
    metric: str,
    region: str,
    shown: list[str],
    sort: str,
    data: Mapping[str, Any],
    mask_set: str = "",
    rival: str = "",
    border: str = "",
) -> Figure:
    """The figure that was clicked, in the table or in a chart; `shown`: the families in view; `rival`: the
    method that it is compared with; `border`: which holes, as `Figure.border`.
    """
    cell = data.get("cell") or data
    label = str(cell.get("col"))
    label = ALL_BINS if label == "seconds" else label
    row = str(cell.get("row"))
    chosen = Figure(suite, metric, region, tuple(shown), row, label, sort, mask_set=mask_set)
    return replace(chosen, rival=rival, border=border)


def follow(
    root: Path,
    figure: Figure | None,
    suite: str,
    metric: str,
    region: str,
    shown: list[str],
    mask_set: str = "",
) -> Figure | None:
    """The same figure in another suite, metric or region, or among other families; where it is not there,
    that of the suite's first method in view. None where there was none, or where no method is in view.
    """
    if figure is None:
        return None
    results = open_suite(root, suite, mask_set)
    entries = entries_of(results, shown)
    if not entries:
        return None
    entry = figure.entry if figure.entry in entries else entries[0]
    label = figure.label if figure.label in set(results.rows["bin"]) else ALL_BINS
    here = (figure.suite, figure.mask_set, figure.entry, figure.label) == (suite, mask_set, entry, label)
    same = here and (figure.metric, figure.region) == (metric, region)
    return replace(
        figure,
        suite=suite,
        metric=metric,
        region=region,
        families=tuple(shown),
        entry=entry,
        label=label,
        index=figure.index if same else 0,
        mask_set=mask_set,
    )


def hand_over(app: App, session: Session, figure: Figure, fill: str = "") -> None:
    """The hole in view becomes Compare's: its original, its mask and the figure's method with its options.
    With `fill`, an entry: its fill, without a hole. InputError where its pictures are not here.
    """
    results = open_suite(app.results, figure.suite, figure.mask_set)
    (label, image_id), _, _ = hole_in_view(results, figure)
    image, mask = original_and_mask(results, label, image_id)
    title = f"{image_id.split('@')[0]}, {figure.suite}, {label} %"
    if fill:
        image, title = picture_of(results, label, image_id, fill), f"{title}, {named(fill)}"
    session.begin(from_result(app.store, app.store.put_image(image), title, title))
    session.offers = {} if fill else {HANDED: app.store.put_image(mask)}
    session.drawn = "" if fill else f"{figure.suite}/{results.mask_set}/{label}"
    method, options = split_entry(figure.entry)
    if fill or method not in METHODS:
        return
    session.chosen = [method, *(name for name in session.chosen if name != method)]
    session.options.pop(method, None)
    if options:
        session.options[method] = options


def explained(figure: Figure) -> bool:
    """Whether the figure's method can show its inside."""
    spec = METHODS.get(split_entry(figure.entry)[0])
    return spec is not None and spec.explains


def step(figure: Figure, by: int) -> Figure:
    """To the hole before (-1) or the next one (+1)."""
    return replace(figure, index=figure.index + by)


def order(figure: Figure, sort: str, rival: str = "", border: str = "") -> Figure:
    """Begin again in another order, against another method, or with other holes by the border."""
    return replace(figure, sort=sort, rival=rival, border=border, index=0)


def rivals(root: Path) -> list[str]:
    """The methods of all suites, as entries."""
    suites = [open_suite(root, suite) for suite in readable(root)[0]]
    return list(dict.fromkeys(entry for results in suites for entry in entries_of(results, [*FAMILIES])))

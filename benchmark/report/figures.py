"""The figures of a report: a metric against the missing share, and quality against seconds. Drawn from rows
alone.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from benchmark.metrics import METRICS
from benchmark.report import agreement
from benchmark.report.column import Key, TableFigure
from benchmark.report.layout import BY_CALLS, BY_RATIO, LEADING
from benchmark.report.marks import footnote, mark
from benchmark.report.summary import column_order, entry_order, measured, named, summarise
from benchmark.results import ALL_BINS as ALL
from benchmark.results import Results
from inpainters.families import FAMILIES, STRANGER
from inpainters.registry import METHODS

MARKERS = "osD^vPX*<>"
NAME_ROOM = 0.036
"""Of the axes' height, for a small name beside them."""
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "inpainting",  # without it element ids differ from run to run
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E8EC",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def draw(results: Results) -> list[Path]:
    """Write the figures as SVG into `figures/`, those of each mask set, and return their paths."""
    import matplotlib as mpl

    (results.folder / "figures").mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        return [path for part in results.parts() for path in _draw_part(part)]


def _draw_part(results: Results) -> Iterator[Path]:
    from matplotlib.figure import Figure

    def file(name: str) -> Path:
        return results.folder / "figures" / f"{results.stem(name)}.svg"

    several = results.rows.loc[results.rows["bin"] != ALL, "bin"].nunique() > 1
    for metric, region in (pair for pair in BY_RATIO if pair in measured(results)):
        cells = _ranked(summarise(results, metric, region))
        if several:
            figure = _by_ratio(Figure(figsize=(8, 4)), results, metric, region, cells)
            yield _save(figure, file(f"{metric}_{region}"))
        if (metric, region) in LEADING and results.timings["seconds"].notna().any():
            figure = _by_seconds(Figure(figsize=(8, 4)), results, metric, region, cells)
            yield _save(figure, file(f"{metric}_{region}_by_seconds"))
    calls = iterated(results)
    for metric, region in (pair for pair in BY_CALLS if len(calls) > 1 and pair in measured(results)):
        cells = _ranked(summarise(results, metric, region))
        if not any(entry in calls for entry, _ in cells):
            continue  # none of them filled what the others did
        figure = _by_calls(Figure(figsize=(9, 4)), results, metric, region, cells, calls)
        yield _save(figure, file(f"{metric}_{region}_by_calls"))
    if orders := agreement.draw_agreement(Figure(figsize=(7, 6)), results):
        yield _save(orders, file("agreement"))


def iterated(results: Results) -> dict[str, float]:
    """Entry -> median network calls per picture, of those methods whose options set their number."""
    calls = results.timings.groupby("entry")["network_calls"].median()
    found = {str(entry): float(n) for entry, n in calls.items() if n > 1}
    return {e: n for e, n in found.items() if (spec := METHODS.get(e.split(" ")[0])) and spec.calls}


def _ranked(cells: Mapping[Key, TableFigure]) -> dict[Key, TableFigure]:
    """Without the figures that rest on other pictures than the rest of their column: they do not compare."""
    return {key: cell for key, cell in cells.items() if not cell.apart}


def _save(figure: Any, path: Path) -> Path:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    # `savefig` draws twice: once to lay out, which drawing does anyway.
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(path, metadata={"Date": None, "Creator": None})
    return path


def as_svg(figure: Any) -> bytes:
    """A figure as a file's bytes; to be called within STYLE, as it is drawn then."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    return buffer.getvalue()


def looks(entries: Sequence[str], metric: str = "") -> dict[str, dict[str, Any]]:
    """Colour by family, marker and dash by place within the family, so that no two lines look alike; † where
    `metric` flatters.
    """
    seen: dict[str, int] = {}
    found = {}
    for entry in entries:
        spec = METHODS.get(entry.split(" ")[0])
        family = spec.family if spec else STRANGER
        place = seen[family] = seen.get(family, -1) + 1
        label = named(entry) + mark(entry, metric)
        found[entry] = {
            "color": FAMILIES[family].colour,
            "marker": MARKERS[place % len(MARKERS)],
            "linestyle": ["-", "--", ":", "-."][place % 4],
            "label": label,
        }
    return found


def _by_ratio(
    figure: Any, results: Results, metric: str, region: str, cells: Mapping[Key, TableFigure]
) -> Any:
    axes = figure.subplots()
    bins = column_order(results.rows["bin"])
    for entry, look in looks(entry_order(results.rows["entry"]), metric).items():
        line = [cells.get((entry, label)) for label in bins]
        places = [x for x, cell in enumerate(line) if cell and not cell.reason]
        if not places:
            continue
        values = [line[x].value for x in places]  # type: ignore[union-attr]
        axes.plot(places, [v.mean for v in values], markersize=4, linewidth=1.4, **look)
        axes.fill_between(
            places,
            [v.low for v in values],
            [v.high for v in values],
            color=look["color"],
            alpha=0.1,
            linewidth=0,
        )
    axes.set_xticks(range(len(bins)), bins)
    axes.set_xlabel("missing share of the picture, %")
    axes.set_ylabel(_axis(metric, region))
    figure.suptitle(
        _caption(results, metric, cells) + _note(results.rows["entry"].unique(), metric),
        x=0.01,
        ha="left",
        fontsize=9,
    )
    figure.legend(loc="outside right center")
    return figure


def _by_seconds(
    figure: Any, results: Results, metric: str, region: str, cells: Mapping[Key, TableFigure]
) -> Any:
    axes = figure.subplots()
    seconds = results.timings.groupby("entry")["seconds"].median().dropna()
    drawn = [
        e
        for e in entry_order(results.rows["entry"])
        if e in seconds and (e, ALL) in cells and not cells[e, ALL].reason
    ]
    styles = looks(drawn, metric)
    for entry in sorted(drawn, key=lambda e: (seconds[e], e)):  # the legend names the fastest first
        value, look = cells[entry, ALL].value, styles[entry] | {"linestyle": "none"}
        spread = [[value.mean - value.low], [value.high - value.mean]]
        axes.errorbar(max(float(seconds[entry]), 1e-4), value.mean, spread, capsize=2, **look)
    _by_tens(axes)
    together = results.manifest.meaning.batch
    axes.set_xlabel(
        f"median seconds per picture{f', {together} at once' if together > 1 else ''}, {machine(results)}"
    )
    axes.set_ylabel(_axis(metric, region))
    figure.suptitle(
        f"All ratios together{_of_holes(results)}; bars are 95 % intervals over photographs"
        + _note(drawn, metric),
        x=0.01,
        ha="left",
        fontsize=9,
    )
    figure.legend(loc="outside right center")
    return figure


def _by_calls(
    figure: Any,
    results: Results,
    metric: str,
    region: str,
    cells: Mapping[Key, TableFigure],
    calls: Mapping[str, float],
) -> Any:
    """One panel per bin: quality against network calls, a line through the settings of one method; other
    families as level lines.
    """
    bins = column_order(results.rows["bin"])
    shown = [bins[0], bins[-1]] if len(bins) > 1 else bins
    entries = entry_order(results.rows["entry"])
    methods = list(dict.fromkeys(entry.split(" ")[0] for entry in entries if entry in calls))
    styles = looks(methods, metric)
    for label, axes in zip(
        shown, figure.subplots(1, len(shown), squeeze=False, sharey=False)[0], strict=True
    ):
        for method in methods:
            line = [
                (calls[e], cell)
                for e in entries
                if e.split(" ")[0] == method and (cell := cells.get((e, label))) and not cell.reason
            ]
            line.sort(key=lambda point: point[0])
            values = [cell.value for _, cell in line]
            spread = [[v.mean - v.low for v in values], [v.high - v.mean for v in values]]
            axes.errorbar(
                [n for n, _ in line],
                [v.mean for v in values],
                spread,
                markersize=4,
                linewidth=1.4,
                capsize=2,
                **styles[method],
            )
        others = looks(
            [e for e in entries if e not in calls and (e, label) in cells and not cells[e, label].reason],
            metric,
        )
        _levels(axes, [(cells[entry, label].value.mean, look) for entry, look in others.items()])
        _by_tens(axes)
        axes.set(
            title=f"{label} % missing{_of_holes(results)}",
            xlabel="network calls per picture",
            ylabel=_axis(metric, region),
        )
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside right center")
    return figure


def _levels(axes: Any, levels: Sequence[tuple[float, Mapping[str, Any]]]) -> None:
    """A level line for each mean, and its name beside the axes; names that would overlap move apart."""
    from scipy.optimize import isotonic_regression

    for mean, look in levels:
        axes.axhline(mean, color=look["color"], linewidth=0.8, alpha=0.6)
    low, high = axes.get_ylim()
    levels = sorted(levels, key=lambda level: level[0])
    apart = NAME_ROOM * np.arange(len(levels))
    at = np.array([(mean - low) / (high - low) for mean, _ in levels])
    # The places that are nearest to the lines, in least squares, and so far from each other.
    places = isotonic_regression(at - apart).x + apart if len(levels) else at
    leader = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
    for (_, look), here, place in zip(levels, at, places, strict=True):
        axes.annotate(
            look["label"],
            (1, here),
            (1.04, place),
            "axes fraction",
            fontsize=6,
            color=look["color"],
            va="center",
            arrowprops={**leader, "color": look["color"]},
        )


def _by_tens(axes: Any) -> None:
    """A logarithmic axis of what is drawn, whose ticks are plain numbers: 0.1, 1, 10, or with 2 and 5 between
    them where there are few.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if high > 100 * low else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _of_holes(results: Results) -> str:
    """Which holes, for a caption; empty where the suite has one kind."""
    return f", {results.mask_set} holes" if results.mask_set else ""


def _note(entries: Iterable[str], metric: str) -> str:
    """Further lines of the caption, where a name has the mark; no wider than the axes, as the legend stands
    beside them.
    """
    note = footnote(entries, [metric])
    return f"\n{fill(note, 92)}" if note else ""


def machine(results: Results) -> str:
    """The machine the times were taken on, or all of them, in the manifest's words."""
    environment = results.manifest.environment
    places = [environment, *environment.get("others", ())]
    named = dict.fromkeys(str(place["hardware"]) for place in places if "hardware" in place)
    return " and ".join(named) or "the machine of the manifest"


def _axis(metric: str, region: str) -> str:
    better = METRICS[metric].better
    where = {"hole": " in the hole", "band": " along the rim", "whole": ""}[region]
    return f"{metric}{where} ({better} is better)"


def _caption(results: Results, metric: str, cells: Mapping[Key, TableFigure]) -> str:
    n = [cell.value.photographs for cell in cells.values() if not cell.reason and cell.bin != ALL]
    span = "" if not n else f"n = {min(n)}" if min(n) == max(n) else f"n = {min(n)} to {max(n)}"
    if METRICS[metric].kind == "set" and not METRICS[metric].pseudo_values:
        few = ", biased at this n" if n and min(n) < METRICS[metric].fair_n else ""
        return f"{results.title}: {span} photographs per point{few}; paired reference"
    return f"{results.title}: {span} photographs per point; bands are 95 % intervals over photographs"

"""Who wins at which share of missing pixels: `python -m benchmark.studies.crossing DIR` writes
DIR/crossing.md, .csv and .svg (crossing_MASKS, where the results hold several mask sets).

The field says that networks which answer in one pass keep up on small holes, and that diffusion wins on large
ones. Here that is a paired difference with its 95 % interval over photographs at each ratio, by distances of
pictures and by one of whole sets.
"""

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import cells, results
from benchmark.metrics import METRICS
from benchmark.report import figures
from benchmark.report.column import by_hole, paired
from benchmark.report.digits import number, with_ends
from benchmark.report.markdown import markdown_table
from benchmark.report.marks import footnote, mark
from benchmark.report.stats import MIN_WINNER, Difference, Interval, interval_of_mean
from benchmark.report.summary import column_order, entry_order, figures_of, named, over_answers
from benchmark.report.tables import ARROWS
from inpainters import commandline
from inpainters.errors import InputError
from inpainters.registry import METHODS

PAIRED = (("lpips_squeeze", "hole"), ("seam", "band"), ("psnr", "hole"))
"""Measured picture by picture."""
KERNEL = ("kd_squeeze_u", "whole")
"""Measured on sets; what each picture adds is its pseudo-value."""
FIGURE = (KERNEL, PAIRED[0])
MEASURES = (*FIGURE, *PAIRED[1:])
DIFFUSION = ("diffusion", "latent")


@dataclass(frozen=True)
class Duel:
    """The paired difference of two entries at one ratio: `first` minus `second`."""

    metric: str
    region: str
    bin: str
    first: str
    second: str
    difference: Difference

    @property
    def winner(self) -> str:
        """The entry that is told apart as the better one, over enough photographs; empty where neither is."""
        value = self.difference.value
        if not self.difference.told_apart or value.photographs < MIN_WINNER:
            return ""
        lower = METRICS[self.metric].better == "lower"
        return self.first if (value.mean < 0) == lower else self.second


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and write; returns the exit code."""
    parser = commandline.Parser(
        "python -m benchmark.studies.crossing", description="Who wins at which share of missing pixels."
    )
    parser.add_argument("folder", type=commandline.path, metavar="DIR", help="a results folder")
    parser.add_argument("--masks", metavar="NAME", help="a mask set of these results (default: the first)")
    parser.set_defaults(command=lambda parsed: _main(parsed.folder, parsed.masks))
    return commandline.run_command(parser, argv)


def _main(folder: Path, masks: str | None = None) -> int:
    source = results.load(folder).part(masks)
    rows, name = _rows(source), source.stem("crossing")
    text, duels = crossing_markdown(rows, source.title, name)
    cells.write(folder / f"{name}.md", text.encode())
    cells.write(folder / f"{name}.csv", _csv(duels))
    cells.write(folder / f"{name}.svg", figure(rows))
    print(text)
    return 0


# ---- rows: one value per entry and hole ----------------------------------------------------------


def _rows(source: results.Results) -> pd.DataFrame:
    """What was scored for each hole, a method's answers averaged; raises InputError where a metric has no
    value.
    """
    found = []
    for metric, region in MEASURES:
        if (metric, region) not in source.measured:
            raise InputError(
                f"'{source.title}' has no value of {metric}: `python -m benchmark score` adds it, or says "
                "why."
            )
        found.append(over_answers(figures_of(source, metric, region)).assign(metric=metric, region=region))
    return _holes(pd.concat(found, ignore_index=True))


def _holes(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["image_id"] != results.WHOLE_SET]
    kept = rows[["entry", "bin", "seed", "image_id", "photograph", "metric", "region", "value"]]
    return kept.assign(hole=kept["bin"] + "/" + kept["image_id"])


# ---- who leads -----------------------------------------------------------------------------------


def groups(entries: Sequence[str]) -> dict[str, list[str]]:
    """The parties: diffusion, networks that answer in one pass, and methods that were not trained."""
    family = {
        entry: METHODS[entry.split(" ")[0]].family for entry in entries if entry.split(" ")[0] in METHODS
    }
    diffusion = [e for e, kind in family.items() if kind in DIFFUSION]
    one_pass = [e for e, kind in family.items() if kind == "convolutional"]
    return {
        "diffusion": diffusion,
        "one pass": one_pass,
        "untrained": [e for e in family if e not in diffusion + one_pass],
    }


def entry_means(rows: pd.DataFrame, metric: str, label: str) -> dict[str, Interval]:
    """Entry -> mean with its interval, for those with all the pictures of the column."""
    chosen = rows[(rows["metric"] == metric) & (rows["bin"] == label)]
    found = {
        str(e): interval_of_mean(g["value"].to_numpy(dtype=float), g["photograph"].tolist())
        for e, g in chosen.groupby("entry")
    }
    most = max((one.n for one in found.values()), default=0)
    return {entry: one for entry, one in found.items() if one.n == most}


def best(found: Mapping[str, Interval], among: Sequence[str], metric: str) -> str | None:
    """The entry with the best mean."""
    sign = -1 if METRICS[metric].better == "higher" else 1
    return min(
        (entry for entry in among if entry in found), key=lambda entry: sign * found[entry].mean, default=None
    )


def duel(rows: pd.DataFrame, metric: str, region: str, label: str, first: str, second: str) -> Duel:
    """`first` against `second` over the holes that both filled."""
    wide = by_hole(rows[(rows["metric"] == metric) & (rows["bin"] == label)])
    return Duel(metric, region, label, first, second, paired(wide, first, second))


@dataclass(frozen=True)
class Lead:
    """Who leads by one metric at one ratio."""

    bin: str
    found: Mapping[str, Interval]
    heads: Mapping[str, str | None]
    """Party -> its best entry."""
    duel: Duel | None
    """The best diffusion entry against the best of the others; None where either is lacking."""


def leaders(rows: pd.DataFrame, metric: str, region: str) -> list[Lead]:
    """One per ratio."""
    parties, columns = groups(entry_order(rows["entry"])), []
    for label in column_order(rows["bin"]):
        found = entry_means(rows, metric, label)
        heads = {party: best(found, among, metric) for party, among in parties.items()}
        first, other = heads["diffusion"], best(found, [*parties["one pass"], *parties["untrained"]], metric)
        columns.append(
            Lead(
                label,
                found,
                heads,
                duel(rows, metric, region, label, first, other) if first and other else None,
            )
        )
    return columns


def against(rows: pd.DataFrame) -> Iterator[Duel]:
    """RePaint and the others against known-pixel replacement of the same preset, and each diffusion entry
    against Telea.
    """
    entries = entry_order(rows["entry"])
    for label in column_order(rows["bin"]):
        for entry in groups(entries)["diffusion"]:
            plain = cells.entry_of("replacement", cells.split_entry(entry)[1])
            for metric, region in (*PAIRED[:2], KERNEL):
                yield from (
                    duel(rows, metric, region, label, entry, other)
                    for other in (plain, "telea")
                    if other in entries and other != entry and (other == "telea") == (metric == KERNEL[0])
                )


# ---- what is written -----------------------------------------------------------------------------


def crossing_markdown(rows: pd.DataFrame, suite: str, name: str = "crossing") -> tuple[str, list[Duel]]:
    """The page, which shows the figure `name`.svg, and the duels in it."""
    lines = [
        f"# Small holes and large ones: {suite}",
        "",
        "Who leads at which share of missing pixels: the best diffusion method against the best of all "
        "others. Differences are paired, over the same holes, with 95 % intervals over photographs. "
        f"`{KERNEL[0]}` enters by what each picture adds to it (jackknife); the mean of that is the table's "
        "figure. The leaders were chosen on the very pictures they are compared on, which flatters both. One "
        f"beats another where the interval and Wilcoxon's signed ranks both say so, over {MIN_WINNER} "
        "photographs or more; each pair is asked by itself, where table.md corrects for the number of pairs.",
        "",
    ]
    duels: list[Duel] = []
    for metric, region in MEASURES:
        columns = leaders(rows, metric, region)
        found = [column.duel for column in columns if column.duel]
        flattering = footnote([e for column in columns for e in column.heads.values() if e], [metric])
        lines += [f"## `{metric}` {ARROWS[METRICS[metric].better]}", "", *map(_sentence, found), ""]
        lines += [markdown_table(_HEAD, [_line(column, metric) for column in columns]), ""]
        lines += [flattering, ""] if flattering else []
        duels += found
    lines += [
        f"![The same, drawn]({name}.svg)",
        "",
        "## Against known-pixel replacement, and against Telea",
        "",
    ]
    others = list(against(rows))
    beside = [
        [
            one.bin,
            f"`{one.metric}`",
            named(one.first),
            named(one.second),
            with_ends(one.difference.value),
            named(one.winner) if one.winner else "undecided",
        ]
        for one in others
    ]
    head = ["missing, %", "metric", "first", "second", "first - second", "better"]
    lines += [markdown_table(head, beside), ""]
    return "\n".join(lines), [*duels, *others]


_HEAD = (
    "missing, %",
    "n",
    "best diffusion",
    "best network in one pass",
    "best untrained",
    "difference to the best other",
)


def _line(column: Lead, metric: str) -> list[str]:
    heads = [
        "–" if e is None else f"{named(e)} {number(column.found[e].mean)}{mark(e, metric)}"
        for e in column.heads.values()
    ]
    duel = column.duel
    n, difference = (str(duel.difference.value.n), with_ends(duel.difference.value)) if duel else ("–", "–")
    return [column.bin, n, *heads, difference]


def _sentence(one: Duel) -> str:
    first, second = named(one.first), named(one.second)
    if not one.winner:
        return f"* {one.bin} %: {first} and {second} cannot be told apart."
    return f"* {one.bin} %: {named(one.winner)} beats {second if one.winner == one.first else first}."


def _csv(duels: Sequence[Duel]) -> bytes:
    lines = [
        (d.metric, d.region, d.bin, d.first, d.second, v.mean, v.low, v.high, v.n, d.winner)
        for d in duels
        for v in [d.difference.value]
    ]
    columns = ["metric", "region", "bin", "first", "second", "difference", "low", "high", "n", "winner"]
    frame, text = pd.DataFrame(lines, columns=columns), io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n", float_format="%.6g")
    return text.getvalue().encode()


def figure(rows: pd.DataFrame) -> bytes:
    """SVG: for each metric the diffusion methods and the best others against the missing share, with their
    intervals.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(figures.STYLE):
        drawn = Figure(figsize=(11, 4.2))
        for axes, (metric, region) in zip(drawn.subplots(1, len(FIGURE)), FIGURE, strict=True):
            _panel(axes, rows, metric, region)
        handles = {
            label: handle
            for axes in drawn.axes
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        drawn.legend(handles.values(), handles.keys(), loc="outside right upper")
        return figures.as_svg(drawn)


def _panel(axes: Any, rows: pd.DataFrame, metric: str, region: str) -> None:
    bins = column_order(rows["bin"])
    columns = [entry_means(rows, metric, label) for label in bins]
    parties = groups(entry_order(rows["entry"]))
    leading = {best(column, among, metric) for column in columns for among in parties.values()}
    chosen = [e for e in entry_order(rows["entry"]) if e in parties["diffusion"] or e in leading]
    shifts = np.linspace(-0.16, 0.16, len(chosen))
    for (entry, look), shift in zip(figures.looks(chosen).items(), shifts, strict=True):
        points = [(x + shift, column[entry]) for x, column in enumerate(columns) if entry in column]
        values = [one for _, one in points]
        spread = [[v.mean - v.low for v in values], [v.high - v.mean for v in values]]
        style = {**look, "label": named(entry)}
        axes.errorbar(
            [x for x, _ in points],
            [v.mean for v in values],
            spread,
            markersize=4,
            linewidth=1.2,
            capsize=2,
            **style,
        )
    axes.set_xticks(range(len(bins)), bins)
    where = {"hole": " in the hole", "band": " along the rim", "whole": ""}[region]
    axes.set(
        xlabel="missing share of the picture, %",
        ylabel=f"{metric}{where} ({METRICS[metric].better} is better)",
    )


if __name__ == "__main__":
    sys.exit(main())

"""Tables as Markdown and LaTeX, from the cells of `summary`. Times are not in them: they differ from machine
to machine.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import numpy as np

from benchmark.metrics import METRICS
from benchmark.report.layout import OVERVIEW, RANKED
from benchmark.report.marks import MARK, footnote, mark
from benchmark.report.stats import interval_of_mean
from benchmark.report.summary import (
    Key,
    TableFigure,
    column_order,
    comparable,
    counts_of,
    entry_order,
    left_out,
    measured,
    named,
    over_answers,
    summarise,
)
from benchmark.results import ALL_BINS as ALL
from benchmark.results import WHOLE_SET, Results
from inpainters.masks import BINS

ARROWS = {"lower": "↓", "higher": "↑"}


def title(metric: str, region: str) -> str:
    """A metric's heading, such as: `lpips_squeeze`, hole ↓."""
    spec = METRICS.get(metric)
    return f"`{metric}`, {region} {ARROWS[spec.better] if spec else ''}".strip()


def decimals(value: float) -> int:
    """Three significant digits at the least: enough to tell methods apart, no more than was measured."""
    return 2 if abs(value) >= 10 else 3 if abs(value) >= 0.1 else 4


def number(value: float, digits: int | None = None) -> str:
    """A value for people; `digits` decimals, or as many as it needs."""
    return "∞" if np.isinf(value) else f"{value:.{decimals(value) if digits is None else digits}f}"


def text(cell: TableFigure | None) -> str:
    """A cell for people: value ± half its interval, bold where it wins significantly, = where tied with the
    best, † where flattered.
    """
    if cell is None or cell.reason:
        return "–"
    value = number(cell.value.mean)
    if not np.isnan(cell.value.low):
        value += f" ± {number((cell.value.high - cell.value.low) / 2, decimals(cell.value.mean))}"
    if cell.biased:
        value = f"*{value}* (n={cell.value.n})"
    else:
        value = f"**{value}**" if cell.best and not cell.tied else f"{value} =" if cell.tied else value
    return value + mark(cell.entry, cell.metric)


def markdown(results: Results) -> str:
    """The whole of table.md."""
    rows, counts = results.rows, counts_of(results)
    bins, entries = column_order(rows["bin"]), entry_order(rows["entry"])
    photographs = rows.loc[rows["image_id"] != WHOLE_SET, "photograph"].nunique()
    parts = [
        f"# {results.suite}",
        f"Up to {max((n for (_, label), n in counts.items() if label != ALL), default=0)} pictures per ratio "
        f"bin, of {photographs} photographs in all. Values are means ± half of a 95 % interval that "
        "resamples photographs. **Bold** beats every other method of its column in a paired test; = cannot "
        "be told apart from the best of its column; – has its reason below. A method with under half of its "
        "column's pictures is neither marked nor ranked.",
        "## All ratios together",
        *_overview(results, entries, counts),
        *_rankings(results, entries),
        *_several(results, entries),
        "## Pictures per cell (n)",
        _table(
            ["method", *bins],
            [[named(entry), *(str(counts.get((entry, b), 0)) for b in bins)] for entry in entries],
        ),
    ]
    for metric, region in measured(results):
        parts += _section(metric, region, summarise(results, metric, region), entries, bins)
    absent = [f"* `{metric}`: {reason}" for metric, reason in _absent(results).items()]
    absent += [f"* {sentence}"] if (sentence := left_out(results)) else []
    if absent:
        parts += ["## Not computed", *absent]
    return "\n\n".join(parts) + "\n"


def _overview(results: Results, entries: Sequence[str], counts: Mapping[Key, int]) -> list[str]:
    columns = [summarise(results, metric, region) for metric, region in OVERVIEW]
    total = {entry: counts.get((entry, ALL), 0) for entry in entries}
    rows = [
        [named(entry), str(total[entry]), *(text(column.get((entry, ALL))) for column in columns)]
        for entry in entries
    ]
    note = []
    if len(set(total.values())) > 1:
        note = [
            "n differs because slower methods got fewer pictures; the paired tests use the pictures both "
            "methods have."
        ]
    flattery = _note(column.get((entry, ALL)) for column in columns for entry in entries)
    return [_table(["method", "n", *(title(*pair) for pair in OVERVIEW)], rows), *flattery, *note]


def _note(cells: Iterable[TableFigure | None]) -> list[str]:
    """The footnote of a table, where a figure in it has the mark."""
    shown = [(cell.entry, cell.metric) for cell in cells if cell and not cell.reason]
    sentences = dict.fromkeys(footnote([entry], [metric]) for entry, metric in shown)
    return [" ".join(filter(None, sentences))] if any(sentences) else []


def _rankings(results: Results, entries: Sequence[str]) -> list[str]:
    """Who comes first by each of RANKED, all ratios together."""
    columns = [ranking(summarise(results, *pair), entries) for pair in RANKED]
    lines = zip_longest(*columns, fillvalue="–")
    rows = [[str(place), *line] for place, line in enumerate(lines, 1)]
    return ["## Rankings, all ratios together", _table(["rank", *(title(*pair) for pair in RANKED)], rows)]


def _several(results: Results, entries: Sequence[str]) -> list[str]:
    """For methods that gave several answers: the mean and the best of them by each measured metric of the
    overview, and how they differ.
    """
    rows = results.rows[results.rows["image_id"] != WHOLE_SET]
    seeds = rows[rows["bin"].isin(list(BINS))].groupby("entry")["seed"].nunique()
    several = [entry for entry in entries if seeds.get(entry, 0) > 1]
    if not several:
        return []
    pairs = [pair for pair in OVERVIEW if pair in results.measured]
    spread = [pair for pair in measured(results) if METRICS[pair[0]].kind == "answers"]
    head = [
        "method",
        "answers",
        *(f"{title(*p)}: {how}" for p in pairs for how in ("mean", "best")),
        *(title(*p) for p in spread),
    ]
    lines = []
    for entry in several:
        hows = [
            (p, how) for p in pairs for how in ("mean", "max" if METRICS[p[0]].better == "higher" else "min")
        ]
        figures = [_of_answers(results, entry, *p, how) for p, how in [*hows, *((p, "mean") for p in spread)]]
        lines.append([named(entry), str(seeds[entry]), *figures])
    note = (
        "Mean: of all answers to a hole. Best: of the answer that comes closest to the original, which only "
        "the original can choose."
    )
    return [
        "## Several answers",
        f"{note} Elsewhere a method with several answers counts with their mean.",
        _table(head, lines),
    ]


def _of_answers(results: Results, entry: str, metric: str, region: str, how: str) -> str:
    rows = results.column(metric, region)
    mine = (rows["entry"] == entry) & (rows["image_id"] != WHOLE_SET) & rows["bin"].isin(list(BINS))
    chosen = over_answers(rows[mine], how)
    found = interval_of_mean(chosen["value"].to_numpy(dtype=float), chosen["photograph"].tolist())
    return "–" if np.isnan(found.mean) else text(TableFigure("", ALL, metric, region, found))


def ranking(cells: Mapping[Key, TableFigure], entries: Sequence[str]) -> list[str]:
    """The names of the entries, best mean first; marked as their figures are. Those that cannot be compared
    are left out.
    """
    found = comparable(cell for entry in entries if (cell := cells.get((entry, ALL))))
    sign = -1.0 if found and METRICS[found[0].metric].better == "higher" else 1.0
    ordered = sorted(found, key=lambda cell: sign * cell.value.mean)
    return [
        named(cell.entry) + (" =" if cell.tied else "") + mark(cell.entry, cell.metric) for cell in ordered
    ]


def _section(
    metric: str, region: str, cells: Mapping[Key, TableFigure], entries: Sequence[str], bins: Sequence[str]
) -> list[str]:
    spec = METRICS.get(metric)
    parts = [f"## {title(metric, region)}", spec.variant if spec else ""]
    if any(cell.biased for cell in cells.values() if not cell.reason):
        parts.append(
            f"*Slanted values rest on fewer than {METRICS[metric].fair_n:,} pictures and are biased upwards: "
            "compare them only at equal n, and read the kernel distance beside them. The reference is "
            "paired: the originals of the same pictures.*"
        )
    columns = [*bins, ALL]
    parts.append(
        _table(
            ["method", *columns],
            [[named(entry), *(text(cells.get((entry, b))) for b in columns)] for entry in entries],
        )
    )
    parts += _note(cells.values())
    reasons = dict.fromkeys(
        f"* {named(cell.entry)}, {cell.bin}: {cell.reason}"
        for cell in cells.values()
        if cell.reason and cell.bin != ALL
    )
    return [*(part for part in parts if part), *(["\n".join(reasons)] if reasons else [])]


def _absent(results: Results) -> dict[str, str]:
    """Metric -> why it has no value at all."""
    have = {metric for metric, _ in results.measured}
    lacking = {metric: reason for (metric, _), reason in reversed(results.lacking.items())}
    found = {metric: lacking[metric] for metric, _ in results.lacking if metric in METRICS.keys() - have}
    return {metric: reason or "not scored" for metric, reason in found.items()}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def latex(results: Results) -> str:
    """The whole of table.tex: one booktabs table per measured metric of the overview, ready to be input."""
    bins, entries = column_order(results.rows["bin"]), entry_order(results.rows["entry"])
    pairs = [pair for pair in OVERVIEW if pair in results.measured]
    return "\n".join(
        _latex_table(results.suite, *pair, summarise(results, *pair), entries, bins) for pair in pairs
    )


def _latex_table(
    suite: str,
    metric: str,
    region: str,
    cells: Mapping[Key, TableFigure],
    entries: Sequence[str],
    bins: Sequence[str],
) -> str:
    def line(entry: str) -> str:
        return (
            " & ".join([_escape(named(entry)), *(_latex_cell(cells.get((entry, b))) for b in bins)]) + r" \\"
        )

    arrow = r"$\downarrow$" if METRICS[metric].better == "lower" else r"$\uparrow$"
    note = "".join(f" {_escape(sentence)}" for sentence in _note(cells.values()))
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escape(metric)} in the {region} {arrow} by missing share (\%), suite "
            rf"{_escape(suite)}.{note}}}",
            rf"\begin{{tabular}}{{l{'r' * len(bins)}}}",
            r"\toprule",
            " & ".join(["method", *(_escape(b.replace("-", "--")) for b in bins)]) + r" \\",
            r"\midrule",
            *map(line, entries),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_cell(cell: TableFigure | None) -> str:
    if cell is None or cell.reason:
        return "--"
    value = number(cell.value.mean).replace("∞", r"$\infty$")
    value = rf"\textbf{{{value}}}" if cell.best and not cell.tied else value
    return value + ("$^\\dagger$" if mark(cell.entry, cell.metric) else "")


def _escape(words: str) -> str:
    return "".join(_LATEX.get(c, c) for c in words)


_LATEX = {
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "{": r"\{",
    "}": r"\}",
    "–": "--",
    "`": "",
    MARK: r"$\dagger$",
}

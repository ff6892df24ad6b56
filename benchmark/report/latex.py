"""Tables as LaTeX."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from benchmark.metrics import METRICS
from benchmark.report.column import TableFigure
from benchmark.report.digits import plus_minus
from benchmark.report.layout import OVERVIEW, SET_DISTANCES
from benchmark.report.marks import DETAIL_MARK, DETAIL_NOTE, MARK, acquaintance, mark
from benchmark.report.summary import column_order, entry_order, summarise
from benchmark.report.tables import called, footnotes, paired_note
from benchmark.results import Results
from benchmark.rows import Measure

_HEAD = r"% Needs \usepackage{booktabs,adjustbox}. Each table spans both columns of a two-column paper."
_BREAK = "\n\\clearpage % LaTeX holds only some fifty tables that it has not placed yet\n"
_PLACES = {"hole": "in the hole", "whole": "of the whole picture"}


def latex(results: Results) -> str:
    """The whole of table.tex, ready to be input: one booktabs table per measured metric of the overview, in
    the hole and of the whole picture, and per measured distance between sets.
    """
    parts = ["\n".join(tables) for part in results.parts() if (tables := _tables(part))]
    return "\n".join([_HEAD, "", _BREAK.join(parts)])


def _tables(results: Results) -> list[str]:
    """Those of one mask set."""
    bins, entries = column_order(results.rows["bin"]), entry_order(results.rows["entry"])
    return [_latex_table(results, *pair, entries, bins) for pair in _pairs() if pair in results.measured]


def _pairs() -> Iterator[Measure]:
    """Papers print figures of whole pictures: each stands beside that of the hole."""
    for metric, region in OVERVIEW:
        yield metric, region
        if region == "hole":
            yield metric, "whole"
    yield from chain(*SET_DISTANCES)


def _latex_table(
    results: Results, metric: str, region: str, entries: Sequence[str], bins: Sequence[str]
) -> str:
    cells = summarise(results, metric, region)

    def line(entry: str) -> str:
        return _line(_escape(called(results, entry)), (_latex_cell(cells.get((entry, b))) for b in bins))

    shown = [cell for (_, label), cell in cells.items() if label in bins and not cell.reason]
    notes = [
        *_reading(shown),
        *map(_escape, footnotes(shown)),
        *([_escape(DETAIL_NOTE)] if results.detailed & set(entries) else []),
        _escape(acquaintance(entries, results.dataset)),
    ]
    arrow = r"$\downarrow$" if METRICS[metric].better == "lower" else r"$\uparrow$"
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{_escape(metric)} {_PLACES[region]} {arrow} by missing share (\%), suite "
            rf"{_escape(results.title)}. {' '.join(filter(None, notes))}}}",
            r"\footnotesize",
            r"\begin{adjustbox}{max width=\textwidth}",
            rf"\begin{{tabular}}{{l{'r' * len(bins)}}}",
            r"\toprule",
            _line("method", (_escape(b.replace("-", "--")) for b in bins)),
            _line("$n$", (_photographs(cell for cell in shown if cell.bin == b) for b in bins)),
            r"\midrule",
            *map(line, entries),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
            r"\end{table*}",
            "",
        ]
    )


def _line(name: str, figures: Iterable[str]) -> str:
    return " & ".join([name, *figures]) + r" \\"


def _photographs(column: Iterable[TableFigure]) -> str:
    """How many the figures that compare rest on."""
    return (
        f"{most:,}"
        if (most := max((c.value.photographs for c in column if not c.apart), default=0))
        else "--"
    )


def _reading(cells: Sequence[TableFigure]) -> Iterator[str]:
    """What the figures of a table are, in sentences; of what it does not hold nothing is said."""
    reaches = any("±" in plus_minus(cell.value) for cell in cells)
    yield (
        r"Means $\pm$ how far their 95\,\% interval reaches on its longer side, over $n$ photographs."
        if reaches
        else "Over $n$ photographs."
    )
    if any(cell.winner for cell in cells):
        yield r"\textbf{Bold}: better than every other method of its column."
    if any(cell.tied for cell in cells):
        yield r"$^{=}$: not told apart from the best of its column."
    if any(cell.apart for cell in cells):
        yield r"\textit{Slanted}, with an $n$ of its own: over fewer or other pictures than its column."
    if any(cell.left_out for cell in cells):
        yield "($-3$): without three of the method's holes, for which it or another has no value."
    yield _escape(paired_note(cells))


def _latex_cell(cell: TableFigure | None) -> str:
    """A mean, its interval in small type, and the marks that the Markdown has."""
    if cell is None or cell.reason:
        return "--"
    mean, _, reach = map(_escape, plus_minus(cell.value).partition(" ± "))
    slanted = cell.biased or cell.apart
    value = rf"\textit{{{mean}}}" if slanted else rf"\textbf{{{mean}}}" if cell.winner else mean
    value += rf"\,{{\scriptsize$\pm$\,{reach}}}" if reach else ""
    marks = ("=" if cell.tied and not slanted else "") + (r"\dagger" if mark(cell.entry, cell.metric) else "")
    value += f"$^{{{marks}}}$" if marks else ""
    value += f" ($n$={cell.value.photographs})" if cell.apart else ""
    return value + (f" ($-{cell.left_out}$)" if cell.left_out else "")


def _escape(words: str) -> str:
    return "".join(_LATEX.get(c, c) for c in words)


_LATEX = {
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": "$<$",
    ">": "$>$",
    "–": "--",
    "−": "$-$",
    "∞": r"$\infty$",
    "`": "",
    MARK: r"$\dagger$",
    DETAIL_MARK: r"$\ddagger$",
}

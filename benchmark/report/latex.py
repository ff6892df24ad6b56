"""Tables as LaTeX."""

from collections.abc import Sequence

from benchmark.metrics import METRICS
from benchmark.report.column import TableFigure
from benchmark.report.digits import number
from benchmark.report.layout import OVERVIEW
from benchmark.report.marks import DETAIL_MARK, DETAIL_NOTE, MARK, acquaintance, mark
from benchmark.report.summary import column_order, entry_order, summarise
from benchmark.report.tables import called, footnotes
from benchmark.results import Results


def latex(results: Results) -> str:
    """The whole of table.tex: one booktabs table per measured metric of the overview, ready to be input."""
    return "\n".join(table for part in results.parts() for table in _tables(part))


def _tables(results: Results) -> list[str]:
    """Those of one mask set."""
    bins, entries = column_order(results.rows["bin"]), entry_order(results.rows["entry"])
    pairs = [pair for pair in OVERVIEW if pair in results.measured]
    return [_latex_table(results, *pair, entries, bins) for pair in pairs]


def _latex_table(
    results: Results, metric: str, region: str, entries: Sequence[str], bins: Sequence[str]
) -> str:
    cells = summarise(results, metric, region)

    def line(entry: str) -> str:
        name = _escape(called(results, entry))
        return " & ".join([name, *(_latex_cell(cells.get((entry, b))) for b in bins)]) + r" \\"

    arrow = r"$\downarrow$" if METRICS[metric].better == "lower" else r"$\uparrow$"
    note = "".join(f" {_escape(sentence)}" for sentence in footnotes(cells.values()))
    note += f" {_escape(DETAIL_NOTE)}" if results.detailed & set(entries) else ""
    if kin := acquaintance(entries, results.dataset):
        note += f" {_escape(kin)}"
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escape(metric)} in the {region} {arrow} by missing share (\%), suite "
            rf"{_escape(results.title)}.{note}}}",
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
    if cell.biased or cell.apart:
        value = rf"\textit{{{value}}}"
    value = rf"\textbf{{{value}}}" if cell.winner else value
    without = f" ($-{cell.left_out}$)" if cell.left_out else ""
    return value + ("$^\\dagger$" if mark(cell.entry, cell.metric) else "") + without


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
    DETAIL_MARK: r"$\ddagger$",
}

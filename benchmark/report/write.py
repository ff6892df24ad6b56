"""From rows to tables, figures and contact sheets. Reads what `score` wrote; runs no method and computes no
metric.
"""

from pathlib import Path

from benchmark.report import display, figures, tables
from benchmark.report.latex import latex
from benchmark.report.page import page_of
from benchmark.results import load
from inpainters.errors import InputError

PAGE = "report.html"
"""All of a suite on one page; left out of the repository, as `report` writes it anew."""


def report(folder: Path, *, pictures: bool = True) -> list[Path]:
    """Write table.md, table.tex, figures/ and report.html of a suite's folder and return their paths.

    `pictures` also makes display copies from the PNGs where these are here, and contact sheets from the
    display copies. Raises InputError where the folder is not a finished suite.
    """
    results = load(folder)
    if results.rows.empty:
        raise InputError(f"'{folder.name}' holds no fills yet: run the suite with --methods.")
    written = []
    for name, text in (("table.md", tables.markdown(results)), ("table.tex", latex(results))):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    written += figures.draw(results)
    if pictures:
        display.copy(results)
        written += [sheet for part in results.parts() for sheet in display.sheets(part)]
    (folder / PAGE).write_text(page_of(results, written), encoding="utf-8", newline="\n")
    return [*written, folder / PAGE]

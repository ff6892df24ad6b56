"""Tables as Markdown, from the cells of `summary`. Times are not in them: they differ from machine to
machine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest

import numpy as np

from benchmark.metrics import METRICS, bias_note, told
from benchmark.report import agreement
from benchmark.report.column import Key, Size, TableColumn, TableFigure
from benchmark.report.digits import difference_text, number, plus_minus
from benchmark.report.layout import OVERVIEW, RANKED, SET_DISTANCES
from benchmark.report.markdown import markdown_table
from benchmark.report.marks import DETAIL_MARK, DETAIL_NOTE, acquaintance, footnote, mark
from benchmark.report.stats import MIN_WINNER, interval_of_mean
from benchmark.report.summary import (
    column_of,
    column_order,
    entry_order,
    figures_of,
    left_out,
    measured,
    named,
    of_ratios,
    over_answers,
    sizes_of,
    summarise,
)
from benchmark.results import ALL_BINS as ALL
from benchmark.results import KNOWN_COLUMNS, WHOLE_SET, Results
from benchmark.rows import Measure
from benchmark.suites import SUITES

ARROWS = {"lower": "↓", "higher": "↑"}


def title(metric: str, region: str) -> str:
    """A metric's heading, such as: `lpips_squeeze`, hole ↓."""
    spec = METRICS.get(metric)
    return f"`{metric}`, {region} {ARROWS[spec.better] if spec else ''}".strip()


def text(cell: TableFigure | None) -> str:
    """A cell for people: value ± the longer side of its interval, bold where it wins, = where tied with the
    best, slanted where it does not compare, † where flattered, with how many holes it leaves out.
    """
    if cell is None or cell.reason:
        return "–"
    value = plus_minus(cell.value)
    if cell.apart:
        value = f"*{value}* (n={cell.value.photographs})"
    elif cell.biased:
        value = f"*{value}*"
    else:
        value = f"**{value}**" if cell.winner else f"{value} =" if cell.tied else value
    without = f" (−{cell.left_out})" if cell.left_out else ""
    return value + mark(cell.entry, cell.metric) + without


def called(results: Results, entry: str) -> str:
    """An entry's name, marked where its fills got detail from the surroundings."""
    return named(entry) + (f" {DETAIL_MARK}" if entry in results.detailed else "")


def markdown(results: Results) -> str:
    """The whole of table.md: a part for each mask set."""
    parts = results.parts()
    head = [f"# {results.suite}", *filter(None, [protocol(results)])]
    if len(parts) > 1:
        names = ", ".join(f"`{part.mask_set}`" for part in parts)
        head.append(f"Holes of {len(parts)} kinds, each with tables of its own: {names}. {READING}")
    return "\n\n".join([*head, *(text for part in parts for text in part_of(part))]) + "\n"


def protocol(results: Results) -> str:
    """What the suite is and whose protocol, in sentences; empty where no paper's is followed, or the holes
    are others.
    """
    meaning = results.manifest.meaning
    suite = SUITES.get(meaning.suite)
    if suite is None or not suite.paper or {one.source for one in meaning.mask_sets} - {*suite.mask_sets}:
        return ""
    return f"{suite.heading} {suite.protocol}"


def part_of(results: Results) -> list[str]:
    """All tables of one mask set, kept for the page of the same report."""
    if (kept := results.kept.get(("", "tables"))) is None:
        kept = results.kept["", "tables"] = _blocks(results)
    found: list[str] = kept
    return found


def _blocks(results: Results) -> list[str]:
    rows, sizes = results.rows, sizes_of(results)
    bins, entries = column_order(rows["bin"]), entry_order(rows["entry"])
    photographs = rows.loc[rows["image_id"] != WHOLE_SET, "photograph"].nunique()
    most = max((size.holes for (_, label), size in sizes.items() if label != ALL), default=0)
    ground = (
        f"Up to {most} pictures per ratio bin, of {photographs} photographs in all; n counts photographs."
    )
    parts = [
        *([f"# {_HOLES}{results.mask_set}", ground] if results.mask_set else [f"{ground} {READING}"]),
        "## All ratios together",
        *_overview(results, entries, sizes),
        *_rankings(results),
        *agreement.section(results),
        *_several(results, entries),
        AFTER_FIRST,
        "In brackets the number of holes, where photographs have more than one.",
        markdown_table(
            ["method", *bins],
            [[called(results, entry), *(_size(sizes.get((entry, b))) for b in bins)] for entry in entries],
        ),
    ]
    parts += _known(results, entries)
    for metric, region in measured(results):
        parts += _section(results, metric, region, entries, bins)
    absent = [f"* `{metric}`: {reason}" for metric, reason in _absent(results).items()]
    absent += [f"* {sentence}"] if (sentence := left_out(results)) else []
    if absent:
        parts += ["## Not computed", *absent]
    return parts


def _known(results: Results, entries: Sequence[str]) -> list[str]:
    """How far each method changes what is known, where a run has measured that."""
    timings = results.timings.reindex(columns=["entry", *KNOWN_COLUMNS, "detail_scale"])
    drawn = timings[timings["detail_scale"].isna()]
    changes = drawn.groupby("entry")[KNOWN_COLUMNS].max()
    if changes["known_mean"].isna().all():
        return []
    rows = [
        [called(results, entry), *(_level(changes[column].get(entry, np.nan)) for column in changes)]
        for entry in entries
    ]
    return [
        "## Known pixels",
        "How far a method's own picture is from the known pixels, in grey levels of 255, before they are put "
        "back: the largest mean over a picture's known pixels, and the largest of all. – : the method draws "
        "the hole alone, or at another size.",
        markdown_table(["method", "mean", "largest"], rows),
    ]


def _level(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.1f}"


AFTER_FIRST = "## Photographs per cell (n)"
"""Begins what comes after the first tables."""
_HOLES = "Holes: "
"""Begins the heading of a mask set's part of table.md."""
READING = (
    "Values are means ± how far their 95 % interval reaches on its longer side. Methods are compared over "
    "the pictures that all of them filled. **Bold** beats every other method of its column, = cannot be told "
    f"apart from the best one, both over {MIN_WINNER} photographs or more; *slanted* values "
    "do not compare with their column: they rest on fewer or other pictures; (−3) leaves out three of the "
    "method's holes, as it or another that it is compared with has no value for them; – has its reason below."
)


def _size(size: Size | None) -> str:
    if size is None:
        return "0"
    holes = f" ({size.holes})" if size.holes > size.photographs else ""
    return f"{size.photographs}{holes}"


def overview_pairs(results: Results) -> list[Measure]:
    """The columns of the first table: what half of the entries or more have of OVERVIEW, then the distance
    between sets that most have.
    """
    count = {pair: _entries_with(results, pair) for pair in (*OVERVIEW, *chain(*SET_DISTANCES))}
    sets = max(SET_DISTANCES, key=lambda some: max(count[pair] for pair in some))
    most = max(count.values())
    return [pair for pair in (*OVERVIEW, *sets) if 0 < most <= 2 * count[pair]]


def _entries_with(results: Results, pair: Measure) -> int:
    """How many entries have a value of that metric in that region."""
    if pair not in results.measured:
        return 0
    found = results.column(*pair)
    return int(found.loc[found["value"].notna(), "entry"].nunique())


def _overview(results: Results, entries: Sequence[str], sizes: Mapping[Key, Size]) -> list[str]:
    pairs = overview_pairs(results)
    columns = [summarise(results, *pair) for pair in pairs]
    rows = [
        [
            called(results, entry),
            _size(sizes.get((entry, ALL))),
            *(text(column.get((entry, ALL))) for column in columns),
        ]
        for entry in entries
    ]
    cells = [cell for column in columns for entry in entries if (cell := column.get((entry, ALL)))]
    return [
        markdown_table(["method", "n", *(title(*pair) for pair in pairs)], rows),
        *footnotes(cells),
        *([DETAIL_NOTE] if results.detailed & set(entries) else []),
        *filter(None, [acquaintance(entries, results.dataset)]),
        *_left_out(results, pairs),
        *_fewer(cells),
    ]


def _left_out(results: Results, pairs: Sequence[Measure]) -> list[str]:
    """One line on the columns that this table has no value for."""
    lacking = dict.fromkeys(metric for metric, region in OVERVIEW if (metric, region) not in pairs)
    if not lacking:
        return []
    reasons, named_by = _absent(results), dict[str, list[str]]()
    for metric in lacking:
        named_by.setdefault(reasons.get(metric, UNSCORED).rstrip("."), []).append(f"`{metric}`")
    told = "; ".join(f"{', '.join(metrics)}: {reason}" for reason, metrics in named_by.items())
    return [f"Without a column here: {told}."]


UNSCORED = "not scored yet, run `python -m benchmark score` where the pictures are"


def _fewer(cells: Sequence[TableFigure]) -> list[str]:
    """What methods with fewer pictures do on those, beside the best of the others on the same ones."""
    lines = [
        [
            named(cell.entry),
            title(cell.metric, cell.region),
            f"{cell.rival.difference.value.photographs}",
            number(cell.value.mean) + mark(cell.entry, cell.metric),
            f"{number(cell.rival.mean)} ({named(cell.rival.entry)})" + mark(cell.rival.entry, cell.metric),
            difference_text(cell.rival.difference),
        ]
        for cell in cells
        if cell.rival
    ]
    if not lines:
        return []
    head = ["method", "metric", "n", "its value", "best of the others", "difference"]
    return [
        "### On fewer pictures",
        "What these methods reach on the pictures that they filled, and which ranked method is best on the "
        "same pictures.",
        markdown_table(head, lines),
    ]


def footnotes(cells: Iterable[TableFigure | None]) -> list[str]:
    """The footnote of a table, where a figure in it has the mark."""
    shown = [(cell.entry, cell.metric) for cell in cells if cell and not cell.reason]
    sentences = dict.fromkeys(footnote([entry], [metric]) for entry, metric in shown)
    return [" ".join(filter(None, sentences))] if any(sentences) else []


def _rankings(results: Results) -> list[str]:
    """Who comes first by each of RANKED, all ratios together; those that tie share a place."""
    pairs = [pair for pair in RANKED if pair in results.measured]
    columns = [ranking(column_of(results, *pair)) for pair in pairs]
    lines = [list(line) for line in zip_longest(*columns, fillvalue="–")]
    if not lines:
        return []
    return [
        "## Rankings, all ratios together",
        "Methods of one place cannot be told apart from the first of them.",
        markdown_table([title(*pair) for pair in pairs], lines),
    ]


def ranking(column: TableColumn) -> list[str]:
    """The ranked entries, best first, each behind its place; marked as their figures are."""
    found, place = [], 1
    for group in column.groups():
        found += [f"{place}. {named(entry)}{mark(entry, column.metric)}" for entry in group]
        place += len(group)
    return found


def _several(results: Results, entries: Sequence[str]) -> list[str]:
    """For methods that gave several answers: the mean and the best of them by each measured metric of the
    overview, and how they differ.
    """
    rows = results.rows[results.rows["image_id"] != WHOLE_SET]
    seeds = of_ratios(rows).groupby("entry")["seed"].nunique()
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
        lines.append([called(results, entry), str(seeds[entry]), *figures])
    note = (
        "Mean: of all answers to a hole. Best: of the answer that comes closest to the original, which only "
        "the original can choose."
    )
    return [
        "## Several answers",
        f"{note} Elsewhere a method with several answers counts with their mean.",
        markdown_table(head, lines),
    ]


def _of_answers(results: Results, entry: str, metric: str, region: str, how: str) -> str:
    rows = figures_of(results, metric, region)
    mine = of_ratios(rows[(rows["entry"] == entry) & (rows["image_id"] != WHOLE_SET)])
    chosen = over_answers(mine, how)
    found = interval_of_mean(chosen["value"].to_numpy(dtype=float), chosen["photograph"].tolist())
    return text(TableFigure("", ALL, metric, region, found))


def _section(
    results: Results, metric: str, region: str, entries: Sequence[str], bins: Sequence[str]
) -> list[str]:
    spec, cells = METRICS.get(metric), summarise(results, metric, region)
    parts = [f"## {title(metric, region)}", told(spec) if spec else ""]
    if note := paired_note([cell for cell in cells.values() if not cell.reason]):
        parts.append(f"*{note}*")
    columns = [*bins, ALL] if len(bins) > 1 else [*bins]
    parts.append(
        markdown_table(
            ["method", *columns],
            [[called(results, entry), *(text(cells.get((entry, b))) for b in columns)] for entry in entries],
        )
    )
    parts += footnotes(cells.values())
    parts.append("\n".join(_reasons(cells.values(), bins)))
    return [part for part in parts if part]


def paired_note(cells: Sequence[TableFigure]) -> str:
    """What to know of a column of which some figures rest on too few photographs; empty where none does."""
    few = [METRICS[cell.metric] for cell in cells if cell.biased]
    return f"{bias_note(few[0])} The reference is paired: the originals of the same pictures." if few else ""


def _reasons(cells: Iterable[TableFigure], bins: Sequence[str]) -> Iterator[str]:
    """Why entries have no figure, with the bins where that is not so in all."""
    where: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if cell.reason and cell.bin != ALL:
            where.setdefault((cell.entry, cell.reason), []).append(cell.bin)
    whose: dict[tuple[str, str], list[str]] = {}
    for (entry, reason), lacking in where.items():
        some = "" if set(lacking) == set(bins) else f", {', '.join(lacking)}"
        whose.setdefault((some, reason), []).append(named(entry))
    return (f"* {', '.join(names)}{some}: {reason}" for (some, reason), names in whose.items())


def _absent(results: Results) -> dict[str, str]:
    """Metric -> why it has no value at all."""
    have = {metric for metric, _ in results.measured}
    lacking = {metric: reason for (metric, _), reason in reversed(results.lacking.items())}
    found = {metric: lacking[metric] for metric, _ in results.lacking if metric in METRICS.keys() - have}
    return {metric: reason or "not scored" for metric, reason in found.items()}

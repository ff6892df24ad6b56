"""Writes the tables of README and of the pages beside this file: `python docs/build.py`.

A table stands between `<!-- NAME -->` and `<!-- end -->` and comes from the code, from `results/` or from the
weights' cards.
"""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmark.metrics import METRICS, told  # noqa: E402
from benchmark.suites import SUITES  # noqa: E402
from inpainters import METHODS, MethodSpec  # noqa: E402
from inpainters.families import FAMILIES  # noqa: E402
from inpainters.masks import GENERATORS  # noqa: E402
from inpainters.methods.diffusion.schedules import SCHEDULES  # noqa: E402

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"<!-- (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)


def build(text: str) -> str:
    """The page with each of its tables written anew; raises KeyError for a name that is not in TABLES."""
    return BLOCK.sub(
        lambda found: f"<!-- {found['name']} -->\n\n{TABLES[found['name']]()}\n\n<!-- end -->", text
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; every column but the first is set to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def methods() -> str:
    """All methods by family, each with what it does, its paper and its licence."""
    return "\n\n".join(
        f"### {FAMILIES[family].title}\n\n"
        + "\n".join(_method(spec) for spec in METHODS.values() if spec.family == family)
        for family in dict.fromkeys(spec.family for spec in METHODS.values())
    )


def _method(spec: MethodSpec) -> str:
    first, also, more = spec.paper.partition("; ")
    paper = f"[{first}, {spec.year}]({spec.link}){also}{more}" if spec.link else spec.paper
    return f"* **{spec.title}** (`{spec.name}`). {spec.summary} {paper}. Licence: {spec.licence}."


def presets() -> str:
    """Network calls of each diffusion method by preset."""
    specs = [METHODS[name] for name in SCHEDULES if name in METHODS]
    head = ["network calls", *(f"`{preset}`" for preset in specs[0].presets())]
    return table(head, [[spec.title, *(f"{calls:,}" for calls in spec.presets().values())] for spec in specs])


def overview(suite: str, *metrics: str) -> str:
    """The first table of a suite's table.md, or that of each of its mask sets, without columns in which
    nothing could be computed. `metrics`: those alone; none: all.
    """
    parts = (ROOT / "results" / suite / "table.md").read_text(encoding="utf-8").split("\n\n")
    tables = [_full_columns(part, metrics) for part in parts if part.startswith("| method | n |")]
    kinds = [part.removeprefix("# Holes: ") for part in parts if part.startswith("# Holes: ")]
    named = (f"Holes of the kind `{kind}`:\n\n{one}" for kind, one in zip(kinds, tables, strict=True))
    return "\n\n".join(named) if kinds else tables[0]


def _full_columns(table: str, metrics: tuple[str, ...] = ()) -> str:
    lines = (line.strip("| ").split(" | ") for line in table.splitlines())
    columns = enumerate(zip(*lines, strict=True))
    wanted = [column for i, column in columns if i < 2 or not metrics or column[0].split("`")[1] in metrics]
    kept = [column for column in wanted if set(column[2:]) != {"–"}]
    return "\n".join("| " + " | ".join(line) + " |" for line in zip(*kept, strict=True))


def side_by_side(suite: str, wanted: dict[str, tuple[str, ...]]) -> str:
    """Metric -> mask sets: these columns of a suite in one table, without the number of photographs where
    that is the same everywhere.
    """
    parts = overview(suite, *wanted).split("\n\n")
    tables = {
        kind.split("`")[1]: list(
            zip(*(line.strip("| ").split(" | ") for line in own.splitlines()), strict=True)
        )
        for kind, own in zip(parts[::2], parts[1::2], strict=True)
    }
    (names, counts, *_), *_ = tables.values()
    found = [names] if len({*counts[2:]}) == 1 else [names, counts]
    for place, (metric, kinds) in enumerate(wanted.items(), 2):
        for kind in kinds:
            head, *rest = tables[kind][place]
            found.append((f"`{metric}`, {kind} {head[-1]}", *rest))
    return "\n".join("| " + " | ".join(line) + " |" for line in zip(*found, strict=True))


def crossing(metric: str) -> str:
    """A metric's table of results/diffusion/crossing.md, or a sentence that it is not there."""
    sections = (ROOT / "results/diffusion/crossing.md").read_text(encoding="utf-8").split("## ")
    section = next((one for one in sections if one.startswith(f"`{metric}`")), "")
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return "\n".join(lines) or f"These rows have no `{metric}`, and their pictures are not in the repository."


def scale() -> str:
    """The table of clusters in results/scale/scale.md."""
    lines = (ROOT / "results/scale/scale.md").read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("| cluster"))
    return "\n".join(takewhile(lambda line: line.startswith("|"), lines[first:]))


def weights() -> str:
    """The bundled weights, from their cards."""
    folder = ROOT / "inpainters/weights/checkpoints"
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    head = [
        "weights (card)",
        "parameters",
        "trained for",
        "steps",
        "crops seen",
        "side of a crop",
        "pictures",
    ]
    return table(head, [_weights(card) for card in cards])


def _weights(card: dict[str, object]) -> list[str]:
    name, data = card["method"], card["data"]
    assert isinstance(data, list)
    return [
        f"[{card['title']}](../inpainters/weights/checkpoints/{name}.md)",
        f"{card['parameters']:,}",
        f"{card['hours']:g} h",
        f"{card['steps']:,}",
        f"{card['crops']:,}",
        f"{card['crop']} px",
        f"{sum(row['pictures'] for row in data):,}",
    ]


def metrics() -> str:
    """All metrics with what each pins."""
    arrows = {"lower": "↓", "higher": "↑"}
    return "\n".join(f"* `{m.name}` {arrows[m.better]} **{m.title}.** {told(m)}" for m in METRICS.values())


def masks() -> str:
    """All kinds of masks that can be drawn, with what they follow."""
    return "\n".join(f"* `{m.name}` **{m.title}.** {m.summary} {m.source}." for m in GENERATORS.values())


def suites() -> str:
    """All suites with their protocols."""
    return "\n".join(f"* `{s.name}` **{s.heading}** {s.protocol}".rstrip() for s in SUITES.values())


TABLES: dict[str, Callable[[], str]] = {
    "methods": methods,
    "presets": presets,
    "photos": partial(
        side_by_side, "photos", {"lpips_squeeze": ("irregular", "object"), "psnr": ("irregular",)}
    ),
    "quick": partial(overview, "quick"),
    "scale": scale,
    "crossing_sets": partial(crossing, "kd_squeeze_u"),
    "crossing_pictures": partial(crossing, "lpips_squeeze"),
    "weights": weights,
    "metrics": metrics,
    "masks": masks,
    "suites": suites,
}

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(build(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")

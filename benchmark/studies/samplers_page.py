"""The page of `studies.samplers`: its rows, and the tables that say what the samplers cost."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark import cells
from benchmark.report.markdown import markdown_table
from inpainters.methods.diffusion.schedules import calls
from inpainters.registry import METHODS

REQUESTS = 4
BATCHES = (1, REQUESTS)
GOAL = 1.5
"""Times as fast as diffusers that are wanted with nothing cropped."""
_KINDS = ("overhead", "pipeline", "channels_last", "precision", "large")
THEIRS, THEIRS_TOO = "diffusers", "diffusers in channels-last"
CALLS, WHOLE_PICTURES = "network calls alone", "here, whole pictures"

PAPER_CALLS = calls("repaint", METHODS["repaint"].resolve({"preset": "paper"}))
LARGE_SIDE = 256
"""Of the pictures that the large network was trained on."""
Ratios = Mapping[str, float]


@dataclass(frozen=True)
class SamplerRow:
    """One line of the table."""

    measure: str
    """One of _KINDS."""
    variant: str
    seconds: float
    """Median over the rounds."""
    ratio: float
    """Median over the rounds: overhead as a share of the bare calls, or times as fast as the reference."""
    rounds: int


def write_study(out: Path, rows: Sequence[SamplerRow], facts: Mapping[str, Any]) -> None:
    """samplers.csv, samplers.json and table.md."""
    out.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(SamplerRow)], lineterminator="\n")
    table.writeheader()
    table.writerows(
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in asdict(row).items()}
        for row in rows
    )
    cells.write(out / "samplers.csv", text.getvalue().encode())
    cells.write_json(out / "samplers.json", dict(facts))
    cells.write(out / "table.md", samplers_markdown(rows, facts).encode())


def samplers_markdown(rows: Sequence[SamplerRow], facts: Mapping[str, Any]) -> str:
    """The tables, with what was measured and how."""
    found = {kind: [row for row in rows if row.measure == kind] for kind in _KINDS}
    machine, size = facts["environment"], facts["size"]
    parts = [
        "# What the samplers cost",
        f"Random weights, {size}×{size} pictures, a square hole of a quarter of the side. "
        f"{machine['hardware']}, "
        f"threads: {machine['threads']['torch']}; {facts['clock']}; medians of {facts['rounds']} rounds.",
        "## Beside bare network calls",
        _table(["sampler", "seconds per run", "overhead"], found["overhead"], "{:.2%}"),
        *_beside_diffusers(found, facts["schedule"]),
        f"## One network call of {facts['batch']} pictures",
        _table(["", "seconds", "times as fast"], found["precision"]),
        *(_large(found["large"]) if found["large"] else []),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[SamplerRow], form: str = "{:.2f}", *more: Ratios) -> str:
    """A row of the table for each of `rows`: variant, seconds, ratio, and what `more` adds to the variant."""
    lines = [
        [
            row.variant,
            f"{row.seconds:.3g}",
            *map(form.format, [row.ratio, *(one[row.variant] for one in more)]),
        ]
        for row in rows
    ]
    return markdown_table(head, lines)


def _beside_diffusers(found: Mapping[str, Sequence[SamplerRow]], schedule: Mapping[str, Any]) -> list[str]:
    same_layout = {row.variant: row.ratio for row in found["channels_last"]}
    head = ["", "seconds per picture", "times as fast as diffusers", "as diffusers in channels-last"]
    return [
        "## Beside diffusers' RePaintPipeline",
        f"Same network, pictures and schedule ({schedule['steps']} of {schedule['training']} noise levels, "
        f"jump length {schedule['jump_length']}, {schedule['resamplings']} resamplings). Each row is divided "
        "by diffusers' of as many pictures at once: as it comes, and with its network in the memory layout "
        "that is used here, channels-last.",
        _table(head, found["pipeline"], "{:.2f}", same_layout),
        _outside(same_layout),
        _limit({row.variant: row.ratio for row in found["pipeline"]}),
    ]


def _outside(same_layout: Ratios) -> str:
    """What share of its time each spends outside the network, from runs and bare calls in one layout."""
    alone = {batch: same_layout[variant(CALLS, batch)] for batch in BATCHES}
    theirs = " and ".join(f"{1 - 1 / alone[batch]:.0%}" for batch in BATCHES)
    ours = " and ".join(
        f"{max(0, 1 - same_layout[variant(WHOLE_PICTURES, batch)] / alone[batch]):.0%}" for batch in BATCHES
    )
    return (
        f"With {' and '.join(map(str, BATCHES))} at once diffusers in channels-last spends {theirs} of its "
        f"time outside the network, the sampler here {ours}."
    )


def _limit(ratios: Ratios) -> str:
    """Whether GOAL can be reached with nothing cropped and nothing rounded, and what reaches it."""
    most = max(ratios[variant(CALLS, batch)] for batch in BATCHES)
    reached = [name for name, ratio in ratios.items() if ratio >= GOAL and not name.startswith(CALLS)]
    verdict = "can be had" if most >= GOAL else "cannot be had"
    return (
        f"The network calls of a run alone are at most {most:.2f} times as fast as diffusers. A sampler that "
        f"makes the same calls cannot be faster, so that {GOAL} times as fast {verdict} with whole pictures "
        f"in 32 bits. Rows that reach it: {'; '.join(reached) or 'none'}."
    )


def _large(rows: Sequence[SamplerRow]) -> list[str]:
    return [
        "## RePaint as in the paper, with a network of guided-diffusion's size",
        f"{PAPER_CALLS:,} network calls per picture of {LARGE_SIDE}×{LARGE_SIDE} in bf16, extrapolated from "
        "single calls; beside them what share of the device's best at multiplying bf16 matrices they reach.",
        _table(["", "seconds per picture", "share of the matrix peak"], rows, "{:.0%}"),
    ]


def variant(name: str, batch: int) -> str:
    """A row's name."""
    return f"{name}, {batch} at once"

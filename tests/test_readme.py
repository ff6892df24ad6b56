"""README says what the repository does: commands that exist, a results table that the benchmark wrote."""

import re
from pathlib import Path

import pytest

from inpainters.methods.diffusion.schedules import PRESETS
from inpainters.registry import METHODS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_come_first() -> None:
    code = [line.strip() for line in README.splitlines() if line.startswith("    ")]
    assert code[:2] == [
        "pip install -r requirements.txt && python app.py",
        "pip install -r requirements-dev.txt && python -m pytest",
    ]


@pytest.mark.parametrize("suite", ["quick", "photos"])
def test_the_results_table_is_the_one_the_benchmark_wrote(suite: str) -> None:
    table = (ROOT / "results" / suite / "table.md").read_text(encoding="utf-8").split("\n\n")
    overview = next(part for part in table if part.startswith("| method | n |"))
    assert overview in README


@pytest.mark.parametrize("metric", ["kd_squeeze", "lpips_squeeze"])
def test_the_crossing_is_the_one_the_benchmark_wrote(metric: str) -> None:
    sections = (ROOT / "results" / "diffusion" / "crossing.md").read_text(encoding="utf-8").split("## ")
    section = next(one for one in sections if one.startswith(f"`{metric}`"))
    table = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    assert table
    assert table in README


def test_every_method_is_listed_once() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", README, re.M)
    assert rows == [(name, spec.family) for name, spec in METHODS.items()]


def test_the_presets_cost_what_readme_says() -> None:
    names = ("preview", "balanced", "paper")
    for method in PRESETS:
        calls = " | ".join(f"{METHODS[method].network_calls({'preset': name}):,}" for name in names)
        assert f"| {METHODS[method].title} | {calls} |" in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_into_the_repository_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_no_tracked_file_is_too_large_for_a_space() -> None:
    large = [path for path in ROOT.rglob("*") if path.is_file() and path.stat().st_size > 10_000_000]
    assert [path for path in large if not {".git", "cells", ".venv"} & set(path.parts)] == []

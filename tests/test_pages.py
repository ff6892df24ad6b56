"""README and the pages under docs/: tables that the code wrote, links that lead somewhere."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
pages = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "build.py")))
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in pages.PAGES}
LINKED = TEXTS | {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "CHANGELOG.md")
}
LINKS = [
    (page, link) for page, text in LINKED.items() for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
]


def test_the_two_commands_come_first() -> None:
    code = [line.strip() for line in README.splitlines() if line.startswith("    ")]
    assert code[:2] == [
        "pip install -r requirements.txt && python app.py",
        "pip install -r requirements-dev.txt && python -m pytest",
    ]


def test_readme_stays_short() -> None:
    assert len(README.encode()) < 6_300


@pytest.mark.parametrize("page", TEXTS)
def test_tables_are_those_that_the_code_writes(page: str) -> None:
    assert pages.build(TEXTS[page]) == TEXTS[page], "run `python docs/build.py`"


def test_every_table_is_on_one_page() -> None:
    assert sorted(name for text in TEXTS.values() for name in pages.BLOCK.findall(text)) == sorted(
        pages.TABLES
    )


def test_a_table_with_another_figure_is_found() -> None:
    page = next(text for text in TEXTS.values() if "<!-- photos -->" in text)
    figure = re.search(r"\| Telea \| ([\d.]+)", page)
    assert figure
    changed = page.replace(figure[0], figure[0][:-1] + "x")
    assert changed != page == pages.build(changed)


def test_columns_without_a_figure_are_left_out() -> None:
    for name in ("photos", "quick"):
        tables = [part for part in pages.TABLES[name]().split("\n\n") if part.startswith("|")]
        assert tables
        for head, _, *rows in map(str.splitlines, tables):
            assert {line.count("|") for line in (head, *rows)} == {head.count("|")}
            cells = [line.strip("| ").split(" | ") for line in rows]
            assert all(set(column) != {"–"} for column in zip(*cells, strict=True))


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_links_into_the_repository_lead_somewhere(page: str, link: str) -> None:
    assert ((ROOT / page).parent / link).exists()


def test_no_tracked_file_is_too_large_for_a_space() -> None:
    large = [path for path in ROOT.rglob("*") if path.is_file() and path.stat().st_size > 10_000_000]
    assert [path for path in large if not {".git", "cells", ".venv", ".mypy_cache"} & set(path.parts)] == []

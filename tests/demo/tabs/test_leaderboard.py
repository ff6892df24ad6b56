"""The Leaderboard tab over a small made suite in a real browser."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.convert import convert
from benchmark.results import plain
from demo.app import launch_options, make


@contextmanager
def launched(results: Path) -> Iterator[str]:
    blocks, app = make(results)
    _, url, _ = blocks.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(app)
    )
    yield url.rstrip("/")
    blocks.close()
    app.runner.close()
    app.store.close()
    assert threading.active_count() < 200


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    with launched(root) as url:
        yield url


@pytest.fixture(scope="module")
def page(address: str, chromium: Any) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(
        f"{address}/?__theme=light&t=leaderboard&suite=tiny&metric=lpips_squeeze&region=hole&border=free"
    )
    page.wait_for_selector("#leaderboard-table td button")
    yield page
    page.close()
    assert complaints == []


def test_a_cell_opens_its_pictures_all_methods_on_the_same_hole(page: Any) -> None:
    page.locator("#leaderboard-table tr", has_text="Telea").locator("td button").nth(1).click()
    page.wait_for_selector("#leaderboard-panes .pane img[src]")
    titles = page.locator("#leaderboard-panes .grid .pane .title").all_inner_texts()
    assert titles == ["Original", "Masked", "Mean fill", "Telea"]
    assert "1 of 20 clear of the border" in page.locator("#leaderboard-heading").inner_text()
    assert_address(page, "border=free")
    assert "p19" in page.locator("#leaderboard-heading").inner_text()
    assert page.locator("#leaderboard-panes .chip", has_text="LPIPS").first.get_attribute("data-tip") is None
    colour = page.evaluate(
        """async () => {
          const image = [...document.querySelectorAll('#leaderboard-panes .grid img[src]')].at(-1);
          await image.decode();
          const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
          const pen = canvas.getContext('2d');
          pen.drawImage(image, 0, 0);
          return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    assert colour == [0, 51, 0]


def test_next_hole_and_best_first(page: Any) -> None:
    page.locator("#leaderboard-forth").click()
    page.wait_for_function("document.querySelector('#leaderboard-heading').innerText.includes('2 of 20')")
    page.get_by_label("Best first").click()
    page.wait_for_function("document.querySelector('#leaderboard-heading').innerText.includes('p0')")


def test_where_no_hole_lies_at_the_border_another_choice_is_at_hand(page: Any) -> None:
    for choice, said in (("At the border", "None of these holes touches"), ("All holes", "1 of 20 ·")):
        page.locator("#leaderboard-border input").click()
        page.get_by_role("option", name=choice).click()
        page.locator("#leaderboard-heading", has_text=said).wait_for()
        page.wait_for_function("(asked) => location.search.includes('border') === asked", arg="At" in choice)


def test_on_a_narrow_page_the_method_of_the_figure_is_in_view_each_time_anew(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for number, title in enumerate(("Mean fill", "Telea", "Mean fill")):
        page.locator("#leaderboard-table tr", has_text=title).locator("td button").nth(number % 2).click()
        page.wait_for_function(
            """title => [...document.querySelectorAll('#leaderboard-panes .pane')].some((pane) => {
              const box = pane.getBoundingClientRect();
              const inView = box.left >= 0 && box.right <= innerWidth;
              return inView && pane.querySelector('.title').innerText === title;
            })""",
            arg=title,
        )
    page.set_viewport_size({"width": 1280, "height": 900})


def test_back_leads_to_the_tab_before(page: Any) -> None:
    page.locator("#tab-compare-button").click()
    page.wait_for_selector("#tab-compare-button[aria-selected=true]")
    page.go_back()
    page.wait_for_selector("#tab-leaderboard-button[aria-selected=true]")
    assert "t=leaderboard" in page.url


def test_one_kind_of_holes_is_no_choice(page: Any) -> None:
    assert page.locator("#leaderboard-region").is_visible()
    assert not page.locator("#leaderboard-holes").is_visible()


def test_figures_with_and_without_an_interval_stand_in_line(page: Any) -> None:
    ends = page.evaluate(
        """() => {
          const cells = [...document.querySelectorAll('#leaderboard-table tbody tr')]
            .map((line) => line.querySelector('td .cell'));
          cells[0].querySelector('.spread').textContent = '';
          return cells.map((cell) => cell.querySelector('.number').getBoundingClientRect().right);
        }"""
    )
    assert len(ends) == 2
    assert max(ends) - min(ends) < 1


def test_a_metric_without_figures_is_one_line_with_its_reason_as_text(page: Any) -> None:
    page.locator("#leaderboard-metric input").click()
    page.get_by_role("option", name="not computed").first.click()
    line = page.locator("#leaderboard-table .lacking", has_text="weights <b>are</b> missing")
    line.wait_for()
    assert line.locator("b").count() == 0
    assert page.locator("#leaderboard-table tbody tr").count() == 0


def test_holes_of_another_kind_have_another_table_and_other_pictures(two_kinds: Path, chromium: Any) -> None:
    with launched(two_kinds) as url:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/?__theme=light")
        page.get_by_role("tab", name="Leaderboard").click()
        line = page.locator("#leaderboard-table tr", has_text="Telea")
        line.get_by_text(".295").first.wait_for()
        page.locator("#leaderboard-holes").get_by_label("object").click()
        line.get_by_text(".795").first.wait_for()
        line.locator("td button").nth(1).click()
        chip = page.locator("#leaderboard-panes .chip", has_text="0.890")
        chip.first.wait_for()
        assert_address(page, "holes=object")
        opens_in_compare(page)
        page.close()


def assert_address(page: Any, *parts: str) -> None:
    for part in ("t=leaderboard", *parts):
        page.wait_for_function("(part) => location.search.includes(part)", arg=part)


def opens_in_compare(page: Any) -> None:
    assert not page.locator("#leaderboard-inside").is_visible()  # Telea has no inside to show
    page.locator("#leaderboard-compare").click()
    page.locator("#compare-editor .ed-ratio", has_text="25.0 %").wait_for()
    assert page.locator("#tab-compare-button").get_attribute("aria-selected") == "true"
    page.get_by_role("tab", name="Leaderboard").click()
    assert_address(page, "suite=tiny", "holes=object", "metric=lpips_squeeze", "region=hole")


def test_a_suite_with_other_holes_is_chosen_without_an_error(
    root: Path, two_kinds: Path, tmp_path: Path, chromium: Any
) -> None:
    shutil.copytree(root / "tiny", tmp_path / "tiny")
    shutil.copytree(two_kinds / "tiny", tmp_path / "both")
    with launched(tmp_path) as url:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        failed: list[str] = []
        page.on("response", lambda got: failed.append(got.url) if got.status >= 400 else None)
        page.goto(f"{url}/?__theme=light&t=leaderboard&suite=both&holes=object")
        assert_address(page, "suite=both", "holes=object")
        page.get_by_label("Suite").first.click()
        page.get_by_role("option", name="tiny").click()
        assert_address(page, "suite=tiny", "holes=irregular")
        page.wait_for_timeout(1000)  # a choice is told twice
        page.close()
    assert failed == []


@pytest.fixture
def fewer(root: Path, tmp_path: Path) -> Path:
    """The suite `tiny`, and beside it `less`, which knows one metric of its two."""
    for name in ("tiny", "less"):
        shutil.copytree(root / "tiny", tmp_path / name)
    folder = tmp_path / "less"
    rows = pd.concat(plain(folder), ignore_index=True).assign(suite="less")
    rows[rows["metric"] == "fid_inception_tm"].to_csv(folder / "scores.csv", index=False)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"tiny"', '"less"'))
    (folder / "scores.parquet").unlink()
    convert(folder)
    return tmp_path


def test_a_list_of_metrics_that_is_open_bears_another_suite(fewer: Path, chromium: Any) -> None:
    """Gradio's chooser throws where an answer shortens its list while it is open: it never changes."""
    with launched(fewer) as url:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/?__theme=light&t=leaderboard&suite=tiny")
        assert_address(page, "suite=tiny")
        page.evaluate(
            """() => {
              const get = window.fetch;
              window.fetch = async (...asked) => {
                const answer = await get(...asked);
                await new Promise((go) => setTimeout(go, 600));
                return answer;
              };
            }"""
        )
        page.locator("#leaderboard-suite input").click()
        page.get_by_role("option", name="less", exact=True).click()
        page.locator("#leaderboard-metric input").click()
        assert_address(page, "suite=less", "metric=lpips_squeeze")
        page.locator("#leaderboard-table .lacking", has_text="not scored by it").wait_for()
        assert page.locator("[role=option]").count() == 2
        page.close()
        assert complaints == []

"""The page of a results folder, in a browser and without one."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import results
from benchmark.__main__ import main
from benchmark.report.page import page_of
from benchmark.report.tables import markdown
from inpainters import registry


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five small photographs with holes of two kinds."""
    photos = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee", "cat", "rocket"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(photos / f"{name}.png")
    out = tmp_path_factory.mktemp("results") / "small"
    common = ["run", "photos", "--data", str(photos), "--size", "48", "--bins", "10-20"]
    assert main([*common, "--methods", "mean_fill,telea", "--out", str(out)]) == 0
    return out


def text_of(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def test_everything_is_in_the_page_itself(folder):
    found = []

    class Sources(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(value for name, value in attrs if name in ("src", "href"))

    Sources().feed(text_of(folder))
    assert len(found) >= 4
    assert all(one.startswith("data:image/") for one in found)
    for one in found:
        assert base64.b64decode(one.partition(",")[2], validate=True)


def test_figures_stand_under_the_holes_that_they_are_about(folder):
    parts = re.split("<section data-part>", text_of(folder))[1:]
    assert ["Holes: irregular" in part for part in parts] == [True, False]
    for part, own, other in zip(parts, ("irregular", "object"), ("object", "irregular"), strict=True):
        names = re.findall(r'<img alt="([^"]+)"', part)
        assert names
        assert all(own in name and other not in name for name in names)


def test_lists_have_every_value_and_lead_to_the_pictures(folder):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text_of(folder), re.DOTALL)
    parts = json.loads(found[1])
    assert len(parts) == 2
    for part in parts:
        assert part["entries"] == ["Mean fill", "Telea"]
        assert len(part["holes"]) == 5
        assert all((folder / place).is_file() for hole in part["holes"] for place in hole["at"])
        for metric in part["metrics"]:
            assert [len(values) for values in metric["values"]] == [5, 5]
            assert all(isinstance(value, float) for values in metric["values"] for value in values)


def test_a_click_sorts_and_lists_pictures(folder, chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto((folder / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    table = page.locator("section").first.locator("table").first
    heading = table.locator("th button", has_text="psnr")
    column = heading.evaluate("button => button.parentElement.cellIndex")
    for way in (1, -1):
        heading.click()
        cells = table.locator(f"tbody tr td:nth-child({column + 1})").all_inner_texts()
        values = [way * float(cell.split()[0]) for cell in cells]
        assert values == sorted(values)
        assert len(values) == 2
    assert page.locator(".panel:visible").count() == 0
    table.locator("td button", has_text="Telea").click()
    panel = page.locator(".panel:visible")
    assert panel.locator("h3").inner_text() == "Telea"
    links = panel.locator("a")
    assert links.count() >= 9
    assert links.first.get_attribute("href").endswith(".png")
    assert not errors
    page.close()


def test_names_end_neither_the_script_nor_a_cell(folder, monkeypatch):
    title = "<!--<script>a|b</script>"
    named = replace(registry.METHODS["telea"], title=title)
    monkeypatch.setitem(registry.METHODS, "telea", named)
    opened = results.load(folder)
    text = page_of(opened, [])
    assert "<!--" not in text
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert [part["entries"][1] for part in json.loads(found[1])] == [title] * 2
    rows = [line for line in markdown(opened).splitlines() if line.startswith("| <!--")]
    assert rows
    assert all(r"a\|b" in row for row in rows)

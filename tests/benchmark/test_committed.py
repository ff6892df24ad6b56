"""The committed results are what the benchmark makes of the committed rows, and hold together."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmark import results
from benchmark.report import display
from benchmark.report.write import report

COMMITTED = [
    folder
    for folder in results.suites(Path(__file__).parents[2] / "results")
    if (folder / "table.md").is_file()
]
DRAWN = {".svg": "matplotlib", ".webp": "pillow"}
"""Files whose bytes hang on the version of the library that draws them."""

pytestmark = pytest.mark.skipif(not COMMITTED, reason="no results are committed yet")


@pytest.mark.slow
@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_report_gives_the_committed_bytes(folder: Path, tmp_path: Path) -> None:
    copy = Path(
        shutil.copytree(
            folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("cells", "figures", "table.*")
        )
    )
    packages = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["environment"]["scored"][
        "packages"
    ]
    same = {suffix for suffix, package in DRAWN.items() if packages.get(package) == version(package)}
    written = {path.relative_to(copy) for path in report(copy)}
    compared = [name for name in written if name.suffix in {".md", ".tex"} | same]
    assert compared
    assert [
        str(name) for name in compared if (copy / name).read_bytes() != (folder / name).read_bytes()
    ] == []


def test_quick_shows_a_picture_behind_every_score() -> None:
    folder = next(folder for folder in COMMITTED if folder.name == "quick")
    rows = results.load(folder).scores
    rows = rows[(rows["metric"] == "psnr") & (rows["image_id"] != "*")].drop_duplicates(
        ["bin", "image_id", "entry"]
    )
    assert len(rows) > 500
    copies = display.copies(folder)
    for row in rows.itertuples():
        names = [display.output(row.bin, row.image_id, row.entry), display.mask(row.bin, row.image_id)]
        assert {*names, display.original(row.image_id)} <= copies.keys(), row
    assert display.NOTE.encode() == copies["README.md"].read()


def test_photos_rests_on_512_photographs() -> None:
    folder = next((folder for folder in COMMITTED if folder.name == "photos"), None)
    if folder is None:
        pytest.skip("the photos suite is not committed")
    rows = results.load(folder).scores
    assert rows[(rows["metric"] == "lpips_squeeze") & rows["value"].notna()]["photograph"].nunique() >= 512
    assert [path for path in folder.rglob("*.webp") if "cells" not in path.parts] == []

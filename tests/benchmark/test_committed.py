"""The committed results are what the benchmark makes of the committed rows, and hold together."""

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmark import results, rows
from benchmark.cells import file_sha256, pixels_sha256
from benchmark.files import suite_manifest
from benchmark.inputs.masksets import open_mask_set
from benchmark.manifest import TABLES
from benchmark.report import display
from benchmark.report.write import report

COMMITTED = [
    folder
    for folder in results.suites(Path(__file__).parents[2] / "results")
    if (folder / "table.md").is_file()
]
PLAIN = {
    "answers": "ba4dc47826d0c3e7",
    "diffusion": "44ee0a24111c6ce7",
    "diffusion_paper": "08517a429a3d2bee",
}
"""Results that rest on pictures which are not here: sha256 of their rows as CSV."""
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


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_tables_are_those_the_manifest_names(folder: Path) -> None:
    named = suite_manifest(folder).files
    assert named.keys() == set(TABLES)
    assert {name: file_sha256(folder / name) for name in named} == named


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_masks_are_drawn_today_as_they_were(folder: Path) -> None:
    """The first of each column: a generator that changed would part new rows from these."""
    meaning = suite_manifest(folder).meaning
    side = int(meaning.dataset.recipe.rpartition(" ")[2])
    for drawn in meaning.mask_sets:
        masks = open_mask_set(drawn.source)
        for label, column in drawn.masks.items():
            for image_id in list(column)[:1]:
                mask = masks.mask((side, side), drawn.seed, image_id, label)
                assert column[image_id] == (f"{mask.mean():.9g}", pixels_sha256(mask))


@pytest.mark.parametrize("name", PLAIN)
def test_rows_are_printed_with_the_figures_that_were_measured(name: str) -> None:
    folder = next(folder for folder in COMMITTED if folder.name == name)
    digest = hashlib.sha256()
    for i, frame in enumerate(rows.frames(folder)):
        digest.update(rows.as_csv(frame, head=i == 0).encode())
    assert digest.hexdigest()[:16] == PLAIN[name]


def test_quick_shows_a_picture_behind_every_score() -> None:
    folder = next(folder for folder in COMMITTED if folder.name == "quick")
    copies = display.copies(folder)
    for part in results.load(folder).parts():
        scores = part.column("psnr", "hole").drop_duplicates(["bin", "image_id", "entry"])
        assert len(scores) > 500
        for row in scores.itertuples():
            place = row.bin, row.image_id
            names = [display.output(*place, row.entry, part.mask_set), display.mask(*place, part.mask_set)]
            assert {*names, display.original(row.image_id)} <= copies.keys(), row
    assert display.NOTE.encode() == copies["README.md"].read()


def test_photos_rests_on_512_photographs() -> None:
    folder = next((folder for folder in COMMITTED if folder.name == "photos"), None)
    if folder is None:
        pytest.skip("the photos suite is not committed")
    scores = results.load(folder).column("lpips_squeeze", "hole")
    assert scores.loc[scores["value"].notna(), "photograph"].nunique() >= 512
    assert [path for path in folder.rglob("*.webp") if "cells" not in path.parts] == []

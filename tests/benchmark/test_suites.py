"""Named suites: each runs from its name alone, over the holes that its paper has."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import suites
from benchmark.__main__ import main
from benchmark.cells import pixels_sha256
from benchmark.inputs.masksets import choose_bins, open_mask_set, open_mask_sets
from inpainters.errors import InputError
from inpainters.imaging import load_mask
from inpainters.masks import BINS, touches_border

OURS = {"quick", "photos"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three small photographs."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("name", suites.SUITES)
def test_a_suite_names_its_paper_and_has_masks_and_bins_that_exist(name):
    suite = suites.get(name)
    assert suite.name == name
    assert bool(suite.paper) == bool(suite.departs) == (name not in OURS)
    for one in open_mask_sets(suite.mask_sets):
        labels = choose_bins(one, ",".join(suite.bins) or None)
        assert labels
        assert set(suite.bins) <= set(labels)
        for label in labels:
            mask = one.mask((64, 64), 0, "picture", label)
            assert 0 < mask.mean() < 1
            assert np.array_equal(mask, one.mask((64, 64), 0, "picture", label))


@pytest.mark.parametrize("name", suites.SUITES)
def test_a_suite_runs_from_its_name_alone(name, photos, tmp_path, capsys):
    source = [] if name == "quick" else ["--data", str(photos), "--size", "64"]
    out = tmp_path / name
    assert main(["run", name, *source, "--n", "1", "--only", "inputs", "--out", str(out)]) == 0
    suite = suites.get(name)
    sets = open_mask_sets(suite.mask_sets)
    columns = sum(len(choose_bins(one, ",".join(suite.bins) or None)) for one in sets)
    assert f"{columns} pictures" in capsys.readouterr().out
    assert len(list((out / "inputs/masks").glob("*.png"))) == columns


@pytest.mark.parametrize(
    ("asked", "way"),
    [
        (["objects", "--bins", "1-10,30-40"], ""),
        (["lama_wide"], ":natural"),
        (["repaint_six", "--masks", "grid"], ":natural"),
        (["repaint_six", "--masks", "expand"], ":natural"),
    ],
    ids=["objects", "lama_wide", "grid", "expand"],
)
def test_masks_of_a_run_come_back_to_their_pictures(asked, way, photos, tmp_path):
    source = ["--data", str(photos), "--size", "64", "--only", "inputs"]
    written, taken, again = (tmp_path / name for name in ("written", "taken", "again"))
    assert main(["run", *asked, *source, "--out", str(written)]) == 0
    polarity = ["--polarity", "white-missing"]
    assert main(["masks", "import", str(written / "inputs/masks"), "--out", str(taken), *polarity]) == 0
    # Another seed: masks that are drawn for their pictures do not depend on it.
    new = ["run", "photos", *source, "--seed", "5", "--masks", f"folder:{taken}{way}", "--out", str(again)]
    assert main(new) == 0
    before, after = (masks_by_picture(out / "inputs/masks") for out in (written, again))
    assert len(before) == len(after) == 3 * (1 if way else 2)
    if way:
        before, after = ({image: mask for (image, _), mask in found.items()} for found in (before, after))
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[key], before[key]) for key in before)


def masks_by_picture(folder):
    """(image id, bin) -> mask, each as masks.csv tells of it."""
    found = {}
    for row in csv.DictReader((folder / "masks.csv").open(encoding="utf-8")):
        mask = load_mask(folder / row["file"])[0]
        assert pixels_sha256(mask) == row["pixels_sha256"]
        assert float(row["ratio"]) == pytest.approx(mask.mean())
        found[row["image_id"], row["bin"]] = mask
    return found


def test_holes_touch_the_border_or_keep_off_it():
    for way, touching in (("border", True), ("free", False)):
        one = open_mask_set(f"irregular:{way}")
        assert one.name == f"irregular_{way}"
        assert one.bins == tuple(BINS)
        found = [touches_border(one.mask((96, 96), 0, str(n), "10-20")) for n in range(12)]
        assert found == [touching] * 12


def test_ways_that_are_not_there_are_refused():
    with pytest.raises(InputError, match="did you mean 'natural'"):
        open_mask_set("thick:naturel")
    with pytest.raises(InputError, match="no ratios of its own"):
        open_mask_set("irregular:natural")
    with pytest.raises(InputError, match="always touches the border"):
        open_mask_set("expand:free")


def test_masks_of_ones_own_have_bins_of_their_own_in_any_suite(photos, tmp_path):
    source = ["--data", str(photos), "--size", "64", "--n", "1", "--only", "inputs"]
    assert main(["run", "overlays", *source, "--masks", "half", "--out", str(tmp_path / "out")]) == 0


@pytest.mark.slow
def test_ratios_that_come_as_they_come_are_one_column_with_figures_of_its_own(photos, tmp_path):
    out = tmp_path / "wide"
    arguments = ["run", "lama_wide", "--data", str(photos), "--size", "64", "--out", str(out)]
    assert main([*arguments, "--methods", "mean_fill,telea"]) == 0
    rows = pd.read_parquet(out / "scores.parquet")
    assert set(rows["mask_set"]) == {"thick_natural"}
    assert set(rows["bin"]) == {"drawn"}
    table = (out / "table.md").read_text()
    (telea,) = [line for line in table.splitlines() if line.startswith("| Telea | 3 |") and "." in line]
    mean = rows.loc[(rows["method"] == "telea") & (rows["image_id"] != "*"), "psnr@hole"].mean()
    assert f"| {mean:.2f} |" in telea
    assert "| method | drawn |" in table
    masks = json.loads((out / "manifest.json").read_text())["meaning"]["mask_sets"]
    assert [(one["name"], one["source"]) for one in masks] == [("thick_natural", "thick:natural")]


@pytest.mark.slow
def test_a_fixed_pattern_has_figures_in_the_first_table_too(photos, tmp_path):
    out = tmp_path / "half"
    arguments = ["run", "photos", "--masks", "half", "--data", str(photos), "--size", "64"]
    assert main([*arguments, "--out", str(out), "--methods", "mean_fill,telea"]) == 0
    first = (out / "table.md").read_text().split("## Rankings")[0]
    (telea,) = [line for line in first.splitlines() if line.startswith("| Telea |")]
    assert telea.startswith("| Telea | 3 |")
    assert telea.count("–") == 0

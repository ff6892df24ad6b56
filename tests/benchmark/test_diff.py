"""Two results folders beside each other."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark.__main__ import main
from benchmark.diff import diff
from inpainters import registry
from inpainters.errors import InputError

SETTINGS = ("--masks", "irregular", "--bins", "10-20,40-50")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Six small photographs."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee", "rocket", "cat", "hubble_deep_field"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def folders(photos, tmp_path_factory):
    """A run, and the same with Telea's fills under Navier–Stokes' name."""
    root = tmp_path_factory.mktemp("results")
    common = ["run", "photos", "--data", str(photos), "--size", "48", *SETTINGS, "--only", "run"]
    assert main([*common, "--methods", "mean_fill,telea,biharmonic", "--out", str(root / "old")]) == 0
    spec = registry.METHODS["telea"]
    registry.METHODS["telea"] = replace(registry.METHODS["navier_stokes"], name="telea", version="99")
    try:
        assert main([*common, "--methods", "mean_fill,telea,shift_map", "--out", str(root / "new")]) == 0
    finally:
        registry.METHODS["telea"] = spec
    for name in ("old", "new"):
        assert main(["score", str(root / name)]) == 0
    return root


@pytest.mark.slow
def test_what_differs_is_named_and_measured(folders, capsys):
    assert main(["diff", str(folders / "old"), str(folders / "new")]) == 1
    said = capsys.readouterr().out
    assert "12 holes are the same in both" in said
    assert "`telea` was made otherwise" in said
    assert "version" in said
    assert "* Only in `old`: `biharmonic`." in said
    assert "* Only in `new`: `shift_map`." in said
    assert "The same figures in both: `mean_fill`." in said
    (line,) = [line for line in said.splitlines() if line.startswith("| `telea` |")]
    assert line.count("→") >= 3
    assert "±" in line


def test_the_change_is_the_mean_of_paired_differences(folders):
    tables = [pd.read_parquet(folders / name / "scores.parquet") for name in ("old", "new")]
    keys = ["bin", "image_id"]
    one, other = (
        rows[(rows["method"] == "telea") & (rows["image_id"] != "*")].set_index(keys)["psnr@hole"]
        for rows in tables
    )
    wanted = (other - one).mean()
    line = next(x for x in diff(folders / "old", folders / "new").markdown.splitlines() if "| `telea`" in x)
    assert f"({wanted:+.3g} ±" in line or f"**{wanted:+.3g} ±" in line


def test_a_folder_beside_itself_is_the_same(folders, tmp_path, capsys):
    shutil.copytree(folders / "old", tmp_path / "again")
    assert main(["diff", str(folders / "old"), str(tmp_path / "again")]) == 0
    said = capsys.readouterr().out
    assert "What is not the same" not in said
    assert "have the same figures" in said


def test_no_picture_is_needed(folders, tmp_path):
    for name in ("old", "new"):
        shutil.copytree(folders / name, tmp_path / name, ignore=shutil.ignore_patterns("cells"))
    assert (
        diff(tmp_path / "old", tmp_path / "new").markdown == diff(folders / "old", folders / "new").markdown
    )


@pytest.mark.slow
def test_other_seeds_over_the_same_holes_are_named(photos, tmp_path, capsys):
    common = ["run", "photos", "--data", str(photos), "--size", "48", "--masks", "half", "--only", "run"]
    for seed in ("0", "1"):
        out = str(tmp_path / seed)
        assert main([*common, "--methods", "mean_fill", "--n", "2", "--seed", seed, "--out", out]) == 0
        assert main(["score", out]) == 0
    capsys.readouterr()
    assert main(["diff", str(tmp_path / "0"), str(tmp_path / "1")]) == 1
    said = capsys.readouterr().out
    assert "`seed` is 0 there, 1 here." in said


@pytest.mark.slow
def test_fills_with_a_figure_on_one_side_only_are_counted(folders, photos, tmp_path):
    common = ["run", "photos", "--data", str(photos), "--size", "48", *SETTINGS, "--only", "run"]
    assert main([*common, "--methods", "mean_fill", "--out", str(tmp_path / "few")]) == 0
    for path in (tmp_path / "few/cells").rglob("mean_fill/*/astronaut@full.png"):
        path.write_bytes(b"torn")
    assert main(["score", str(tmp_path / "few")]) == 1
    found = diff(folders / "old", tmp_path / "few")
    assert "left out: 2 of `mean_fill`" in found.markdown
    assert found.differs


def test_a_method_that_failed_completely_on_one_side_is_named(folders, tmp_path):
    shutil.copytree(folders / "old", tmp_path / "again", ignore=shutil.ignore_patterns("cells"))
    path = tmp_path / "again/scores.parquet"
    rows = pd.read_parquet(path)
    rows.loc[rows["method"] == "telea", rows.columns[rows.columns.str.contains("@")]] = float("nan")
    rows.to_parquet(path)
    found = diff(folders / "old", tmp_path / "again")
    assert found.differs
    assert "Fills with a figure in one folder only, left out: 12 of `telea`." in found.markdown
    assert "The same figures in both: `mean_fill`, `biharmonic`." in found.markdown.replace(
        "`biharmonic`, `mean_fill`", "`mean_fill`, `biharmonic`"
    )


def test_figures_are_those_that_means_take(folders, tmp_path):
    for name, value in (("one", 70.0), ("other", float("inf"))):
        shutil.copytree(folders / "old", tmp_path / name, ignore=shutil.ignore_patterns("cells"))
        rows = pd.read_parquet(tmp_path / name / "scores.parquet")
        rows.loc[rows["method"] == "telea", "psnr@hole"] = value
        rows.to_parquet(tmp_path / name / "scores.parquet")
    assert not diff(tmp_path / "one", tmp_path / "other").differs


def test_the_last_digits_are_no_difference(folders, tmp_path):
    shutil.copytree(folders / "old", tmp_path / "again", ignore=shutil.ignore_patterns("cells"))
    path = tmp_path / "again/scores.parquet"
    rows = pd.read_parquet(path)
    rows["psnr@hole"] *= 1 + 1e-9
    rows.to_parquet(path)
    assert not diff(folders / "old", tmp_path / "again").differs
    rows["psnr@hole"] *= 1.01
    rows.to_parquet(path)
    assert diff(folders / "old", tmp_path / "again").differs


def test_holes_of_one_folder_alone_are_counted_and_left_out(folders, photos, tmp_path):
    common = ["run", "photos", "--data", str(photos), "--size", "48", "--methods", "mean_fill"]
    more = [*SETTINGS[:3], "10-20", "--n", "4", "--only", "run"]
    assert main([*common, *more, "--out", str(tmp_path / "few")]) == 0
    assert main(["score", str(tmp_path / "few")]) == 0
    found = diff(folders / "old", tmp_path / "few")
    assert "4 holes are the same in both" in found.markdown
    assert "* Holes only in `old`: 8." in found.markdown
    assert found.differs


@pytest.mark.slow
def test_folders_without_a_common_hole_are_refused_by_the_field(folders, photos, tmp_path):
    common = ["run", "photos", "--data", str(photos), "--size", "48", "--methods", "mean_fill", *SETTINGS]
    assert main([*common, "--seed", "1", "--only", "run", "--out", str(tmp_path / "seed")]) == 0
    assert main(["score", str(tmp_path / "seed")]) == 0
    with pytest.raises(InputError, match=r"no hole in common.*mask_sets"):
        diff(folders / "old", tmp_path / "seed")
    assert main(["diff", str(folders / "old"), str(tmp_path / "nowhere")]) == 2

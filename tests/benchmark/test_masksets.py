"""Mask sets: exact bins, purity, export, and the import of masks in other people's formats."""

import contextlib
import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from benchmark.inputs.masksets import (
    DRAWN,
    PRESETS,
    Export,
    choose_bins,
    export_masks,
    holes_title,
    import_masks,
    middle,
    open_mask_set,
)
from inpainters.errors import InputError
from inpainters.imaging import load_mask
from inpainters.masks import BINS


def save_mask(path: Path, missing: float, size: int = 32, *, white_missing: bool = True) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask.flat[: round(missing * size * size)] = True
    PilImage.fromarray((mask if white_missing else ~mask).astype(np.uint8) * 255).save(path)
    return mask


def test_holes_have_names_for_people() -> None:
    names = ("object", "box_center_natural", "irregular_border", "irregular_free", "my_natural", "lines")
    assert [holes_title(name) for name in names] == [
        "Objects",
        "Centre box, as in its paper",
        "Irregular walks, at the border",
        "Irregular walks, clear of the border",
        "my_natural",
        "Every second line",
    ]


@pytest.mark.parametrize("label", BINS)
def test_a_mask_lies_in_its_bin_and_is_pure(label: str) -> None:
    masks = open_mask_set("irregular")
    low, high = BINS[label]
    mask = masks.mask((64, 48), 3, "a@full", label)
    assert low < mask.mean() <= high
    np.testing.assert_array_equal(mask, masks.mask((64, 48), 3, "a@full", label))
    assert (mask != masks.mask((64, 48), 4, "a@full", label)).any()


def test_fixed_patterns_have_a_column_of_their_own() -> None:
    masks = open_mask_set("half")
    assert masks.bins == ("half",)
    assert masks.mask((8, 8), 0, "a", "half").mean() == 0.5
    assert middle("grid") == 0.75
    assert middle("10-20") == pytest.approx(0.15)


def test_bins_are_chosen_in_order_and_unknown_ones_refused() -> None:
    masks = open_mask_set("thick")
    assert choose_bins(masks, "40-50, 1-10%") == ("1-10", "40-50")
    with pytest.raises(InputError, match="unknown bin"):
        choose_bins(masks, "5-15")
    with pytest.raises(InputError, match="did you mean 'irregular'"):
        open_mask_set("iregular")


def test_export_is_pure_in_the_seed_and_a_shorter_one_is_its_prefix(tmp_path: Path) -> None:
    for name, count in (("a", 7), ("b", 7), ("c", 3)):
        assert list(export_masks(tmp_path / name, Export(size=32, count=count, seed=5))) == list(
            range(1, count + 1)
        )
    rows = list(csv.DictReader((tmp_path / "a" / "masks.csv").open()))
    assert [row["bin"] for row in rows] == [*BINS, "1-10"]
    for row in rows:
        mask = load_mask(tmp_path / "a" / row["file"])[0]
        low, high = BINS[row["bin"]]
        assert low < mask.mean() <= high
        assert (tmp_path / "b" / row["file"]).read_bytes() == (tmp_path / "a" / row["file"]).read_bytes()
    assert (tmp_path / "c" / "masks.csv").read_text().splitlines() == (
        tmp_path / "a" / "masks.csv"
    ).read_text().splitlines()[:4]


def test_a_papers_set_takes_turns_and_a_stopped_export_goes_on(tmp_path: Path) -> None:
    plan = replace(PRESETS["liu2018"], size=64, count=40)
    assert (PRESETS["liu2018"].size, PRESETS["liu2018"].count) == (512, 55_116)
    list(export_masks(tmp_path / "whole", plan))
    rows = list(csv.DictReader((tmp_path / "whole/masks.csv").open()))
    assert [row["generator"] for row in rows[::6]] == ["irregular", "brush", "scratches"] * 2 + ["irregular"]
    assert [row["border"] for row in rows] == ["touching"] * 18 + ["free"] * 18 + ["touching"] * 4
    assert len({row["pixels_sha256"] for row in rows}) == 40
    stopped = export_masks(tmp_path / "parts", plan)
    for _ in range(9):
        next(stopped)
    stopped.close()
    (tmp_path / "parts/000003.png").write_bytes(b"half a fi")
    before = (tmp_path / "parts/000005.png").stat().st_mtime_ns
    list(export_masks(tmp_path / "parts", plan))
    assert (tmp_path / "parts/masks.csv").read_bytes() == (tmp_path / "whole/masks.csv").read_bytes()
    assert (tmp_path / "parts/000003.png").read_bytes() == (tmp_path / "whole/000003.png").read_bytes()
    assert (tmp_path / "parts/000005.png").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="masks of another seed"):
        next(export_masks(tmp_path / "parts", replace(plan, seed=1)))
    with pytest.raises(InputError, match="did you mean 'touching'"):
        next(export_masks(tmp_path / "other", replace(plan, border="toching")))
    with pytest.raises(InputError, match="leave it out"):
        next(export_masks(tmp_path / "other", replace(plan, generator="half")))


@pytest.mark.parametrize("polarity", ["white-missing", "white-known"])
def test_import_cuts_bins_and_turns_masks(tmp_path: Path, polarity: str) -> None:
    source, out = tmp_path / "source", tmp_path / "taken"
    source.mkdir()
    mask = save_mask(source / "a.png", 0.25, white_missing=polarity == "white-missing")
    np.save(
        source / "b.npy",
        mask.astype(np.float64) if polarity == "white-missing" else (~mask).astype(np.float64),
    )
    np.save(source / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (source / "broken.png").write_bytes(b"nothing")
    count, left_out = import_masks(source, out, polarity)
    assert count == 2
    assert len(left_out) == 2
    masks = open_mask_set(f"folder:{out}")
    assert masks.bins == ("20-30",)
    np.testing.assert_array_equal(masks.mask((32, 32), 0, "x", "20-30"), mask)
    assert masks.mask((64, 96), 0, "x", "20-30").shape == (64, 96)


def test_a_folder_of_masks_is_one_column_of_every_ratio(tmp_path: Path) -> None:
    ratios = {"specks": 0.005, "quarter": 0.25, "grid": 0.75, "expand": 0.9375}
    (tmp_path / "source").mkdir()
    for name, ratio in ratios.items():
        save_mask(tmp_path / "source" / f"{name}.png", ratio)
    assert import_masks(tmp_path / "source", tmp_path / "theirs", "white-missing")[0] == 4
    assert open_mask_set(f"folder:{tmp_path / 'theirs'}").bins == ("20-30",)
    masks = open_mask_set(f"folder:{tmp_path / 'theirs'}:natural")
    assert (masks.name, masks.bins) == ("theirs_natural", (DRAWN,))
    drawn = [masks.mask((32, 32), 0, f"{k}@full", DRAWN) for k in range(200)]
    counts = Counter(int(mask.sum()) for mask in drawn)
    assert set(counts) == {round(ratio * 1024) for ratio in ratios.values()}
    assert min(counts.values()) > 30
    np.testing.assert_array_equal(drawn[3], masks.mask((32, 32), 0, "3@full", DRAWN))
    # The specks vanish from so small a picture, and another mask comes in their place.
    assert all(0 < masks.mask((8, 8), 0, f"{k}@full", DRAWN).sum() < 64 for k in range(40))
    with pytest.raises(InputError, match="leave out ':border'"):
        open_mask_set(f"folder:{tmp_path / 'theirs'}:border")
    (tmp_path / "source/quarter.png").unlink()
    import_masks(tmp_path / "source", tmp_path / "rest", "white-missing")
    with pytest.raises(InputError, match=r"rest:natural' takes every ratio"):
        open_mask_set(f"folder:{tmp_path / 'rest'}")


def test_import_checks_masks_against_the_table_beside_them(tmp_path: Path) -> None:
    list(export_masks(tmp_path / "ours", Export(size=32, count=4)))
    count, left_out = import_masks(tmp_path / "ours", tmp_path / "same", "white-missing")
    assert count == 4
    assert not [text for text in left_out if "masks.csv tells" in text]
    save_mask(tmp_path / "ours/000002.png", 0.3)
    count, left_out = import_masks(tmp_path / "ours", tmp_path / "changed", "white-missing")
    assert count == 3
    assert "'000002.png' is left out: it is not the mask that masks.csv tells of" in left_out[0]
    (tmp_path / "ours/masks.csv").write_text("file,ratio\n000002.png,0.2\n")  # somebody else's
    assert import_masks(tmp_path / "ours", tmp_path / "theirs", "white-missing")[0] == 4


@pytest.mark.parametrize("out", ["source", "source/below", ".", "linked"])
def test_import_never_writes_into_its_source(tmp_path: Path, out: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "linked").symlink_to(source)
    save_mask(source / "a.png", 0.25)
    before = (source / "a.png").read_bytes()
    with pytest.raises(InputError, match=r"not written over.*--out"):
        import_masks(source, tmp_path / out, "white-known")
    assert (source / "a.png").read_bytes() == before
    assert [path.name for path in source.iterdir()] == ["a.png"]


def test_a_set_takes_no_other_files_place(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    for folder in (source, out):
        folder.mkdir()
    save_mask(source / "a.png", 0.25)
    theirs = [out / "a.png", out / "000001.png"]
    for file in theirs:
        save_mask(file, 0.4)
    before = [file.read_bytes() for file in theirs]
    with pytest.raises(InputError, match=r"'a.png', which this program did not write"):
        import_masks(source, out, "white-known")
    with pytest.raises(InputError, match=r"'000001.png', which"):
        next(export_masks(out, Export(size=32, count=2)))
    assert [file.read_bytes() for file in theirs] == before
    theirs[0].unlink()
    for _ in range(2):  # a set of its own it writes anew
        assert import_masks(source, out, "white-missing")[0] == 1


def test_import_never_guesses_the_polarity(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"white-missing .* white-known"):
        import_masks(tmp_path, tmp_path / "out", None)
    with pytest.raises(InputError, match="did you mean 'white-known'"):
        import_masks(tmp_path, tmp_path / "out", "white-know")


def test_grey_is_cut_at_128(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.mkdir()
    PilImage.fromarray(np.array([[127] * 8, [128] * 2 + [0] * 6], np.uint8)).save(source / "a.png")
    import_masks(source, tmp_path / "o", "white-missing")
    assert load_mask(tmp_path / "o" / "a.png")[0].sum() == 2


def test_a_changed_imported_mask_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.mkdir()
    save_mask(source / "a.png", 0.25)
    import_masks(source, tmp_path / "o", "white-missing")
    save_mask(tmp_path / "o" / "a.png", 0.28)
    with pytest.raises(InputError, match="was changed"):
        open_mask_set(f"folder:{tmp_path / 'o'}")
    with pytest.raises(InputError, match="masks import"):
        open_mask_set(f"folder:{source}")


def test_import_takes_masks_as_people_make_them(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.mkdir()
    hole = np.zeros((32, 32), np.uint8)
    hole[:16, :16] = 1
    PilImage.fromarray(hole * 2).save(source / "labels.png")
    PilImage.fromarray(hole.astype(np.uint16)).save(source / "deep.png")
    PilImage.fromarray(np.dstack([hole * 0] * 3 + [hole * 120])).save(source / "layer.png")
    PilImage.fromarray(np.tile(np.arange(32, dtype=np.uint8), (32, 1))).save(source / "dark.png")
    (source / ".ipynb_checkpoints").mkdir()
    PilImage.fromarray(hole * 255).save(source / ".ipynb_checkpoints/labels.png")
    count, left_out = import_masks(source, tmp_path / "o", "white-missing")
    assert count == 3
    assert ["dark.png" in left_out[0], ".ipynb_checkpoints" in left_out[1]] == [True, True]
    for name in ("labels", "deep", "layer"):
        np.testing.assert_array_equal(load_mask(tmp_path / f"o/{name}.png")[0], hole == 1)
    assert import_masks(source, tmp_path / "known", "white-known")[0] == 2
    np.testing.assert_array_equal(load_mask(tmp_path / "known/labels.png")[0], hole == 0)


@settings(derandomize=True, deadline=None, max_examples=150, database=None)
@given(
    st.lists(st.tuples(st.integers(0, 190), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 192)
)
def test_a_damaged_array_is_left_out_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], length: int
) -> None:
    root = tmp_path_factory.mktemp("npy")
    (root / "s").mkdir()
    buffer = io.BytesIO()
    np.save(buffer, np.eye(8, dtype=np.uint8))
    data = bytearray(buffer.getvalue())
    for where, value in changes:
        data[where] = value
    (root / "s/a.npy").write_bytes(data[: length if length > 64 else None])
    with contextlib.suppress(InputError):
        import_masks(root / "s", root / "o", "white-missing")

"""Folders as people keep them: what counts as a photograph, and which mask is its own."""

import os
import unicodedata

import numpy as np
import pytest

from inpainters.errors import InputError
from inpainters.folders import find_pictures, masks_by_name, named_as_masks, pair_up
from inpainters.imaging import save_png

PIXELS = np.zeros((4, 4, 3), np.uint8)


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".png"):
            save_png(root / name, PIXELS)
        else:
            (root / name).write_bytes(b"")
    return root


def found(root):
    return [str(file.relative_to(root)) for file in find_pictures(root).files]


def test_each_photograph_once_and_the_rest_counted_and_named(tmp_path):
    make(
        tmp_path,
        "a.png", "b.jfif", "c.JPE", "d.avif", "e.gif", "below/f.heic",
        "._a.png", ".hidden.png", ".ipynb_checkpoints/a.png", ".Trash-1000/files/a.png", "$RECYCLE.BIN/a.png",
        "notes.txt", "rows.csv", "more.csv",
    )  # fmt: skip
    assert found(tmp_path) == ["a.png", "b.jfif", "below/f.heic", "c.JPE", "d.avif", "e.gif"]
    hidden, others = find_pictures(tmp_path).skipped
    assert "hidden (5): " in hidden
    assert all(name in hidden for name in (".ipynb_checkpoints", "._a.png", "$RECYCLE.BIN"))
    assert "suffix is no picture's (3): " in others
    assert "2 .csv, 1 .txt" in others


def test_linked_folders_are_entered_and_circles_end(tmp_path):
    make(tmp_path / "real", "a.png")
    make(tmp_path / "store", "b.png", "below/c.png")
    (tmp_path / "real/linked").symlink_to(tmp_path / "store")
    (tmp_path / "real/again").symlink_to(tmp_path / "store")
    (tmp_path / "store/below/up").symlink_to(tmp_path / "real")
    (tmp_path / "real/a2.png").symlink_to(tmp_path / "real/a.png")
    names = sorted(os.path.basename(name) for name in found(tmp_path / "real"))
    assert [name for name in names if name != "a2.png"] == ["a.png", "b.png", "c.png"]


def test_numbers_sort_by_value(tmp_path):
    make(tmp_path, "10.png", "9.png", "100.png", "x2/1.png", "x10/1.png")
    assert found(tmp_path) == ["9.png", "10.png", "100.png", "x2/1.png", "x10/1.png"]


def paired(photos, masks):
    pairs = pair_up(photos, masks)
    return {
        pair.name: (str(pair.photo.relative_to(photos)), str(pair.mask.relative_to(masks)))
        for pair in pairs.pairs
    }


@pytest.mark.parametrize(
    "mask",
    [
        "a.png", "A.PNG.png", "a_mask.png", "a-mask.png", "a mask.png", "aMask.png", "a_mask000.png",
        "a_mask_1.png", "mask_a.png", "mask-a.png", "a.jpg.png", "a.jpg_mask.png", "a_masks.png",
        "a_hole.png",
    ],
)  # fmt: skip
def test_a_mask_by_any_of_its_names(tmp_path, mask):
    make(tmp_path / "p", "a.jpg", "b.jpg")
    make(tmp_path / "m", mask, "b_mask.png")
    if mask.startswith("A"):
        (tmp_path / "m" / mask).rename(tmp_path / "m/A.PNG")
        mask = "A.PNG"
    assert paired(tmp_path / "p", tmp_path / "m") == {"a": ("a.jpg", mask), "b": ("b.jpg", "b_mask.png")}


def test_the_very_name_comes_before_likenesses(tmp_path):
    make(tmp_path / "p", "a.png", "a_mask1.png")
    make(tmp_path / "m", "a.png", "a_mask.png", "a_mask1.png")
    assert paired(tmp_path / "p", tmp_path / "m") == {
        "a": ("a.png", "a.png"),
        "a_mask1": ("a_mask1.png", "a_mask1.png"),
    }
    assert pair_up(tmp_path / "p", tmp_path / "m").masks == ("a_mask.png",)


def test_photographs_and_masks_in_one_folder(tmp_path):
    make(
        tmp_path, "x.png", "x_mask000.png", "x_mask001.png", "y.png", "y_mask.png", "alone.png", "z_mask.png"
    )
    pairs = pair_up(tmp_path, tmp_path)
    assert {(pair.name, pair.photo.name, pair.mask.name) for pair in pairs.pairs} == {
        ("x_mask000", "x.png", "x_mask000.png"),
        ("x_mask001", "x.png", "x_mask001.png"),
        ("y", "y.png", "y_mask.png"),
    }
    assert sorted(pairs.photos) == ["alone.png", "z_mask.png"]


@pytest.mark.parametrize("inner", ["masks", "photos"])
def test_one_folder_in_the_other(tmp_path, inner):
    photos, masks = (
        tmp_path / ("photos" if inner == "photos" else ""),
        tmp_path / ("masks" if inner == "masks" else ""),
    )
    make(photos, "a.png", "b.png")
    make(masks, "a.png" if inner == "masks" else "a_mask.png", "b_mask.png")
    assert set(paired(photos, masks)) == {"a", "b"}


def test_subfolders_are_mirrored(tmp_path):
    make(tmp_path / "p", "day/1.png", "night/1.png", "night/2.png")
    make(tmp_path / "m", "day/1_mask.png", "Night/1.png", "3.png")
    pairs = pair_up(tmp_path / "p", tmp_path / "m")
    assert paired(tmp_path / "p", tmp_path / "m") == {
        "day/1": ("day/1.png", "day/1_mask.png"),
        "night/1": ("night/1.png", "Night/1.png"),
    }
    assert pairs.photos == ("night/2.png",)
    assert pairs.masks == ("3.png",)


def test_composed_and_decomposed_accents_are_one_name(tmp_path):
    make(tmp_path / "p", unicodedata.normalize("NFC", "Müller.png"))
    make(tmp_path / "m", unicodedata.normalize("NFD", "Müller_mask.png"))
    assert len(pair_up(tmp_path / "p", tmp_path / "m").pairs) == 1


def test_results_of_one_stem_keep_their_suffix(tmp_path):
    make(tmp_path / "p", "a.png", "a.jpg", "b.jpg")
    make(tmp_path / "m", "a.png", "b.png")
    assert set(paired(tmp_path / "p", tmp_path / "m")) == {"a.png", "a.jpg", "b"}


def test_nothing_that_pairs_is_refused_with_the_first_name(tmp_path):
    make(tmp_path / "p", "a.png", "b.png")
    make(tmp_path / "m", "c.png")
    with pytest.raises(InputError, match=r"None of the 2 photographs .*'a\.png'.* _mask"):
        pair_up(tmp_path / "p", tmp_path / "m")
    (tmp_path / "e").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        pair_up(tmp_path / "e", tmp_path / "m")


def test_results_below_the_photographs_are_none_of_them(tmp_path):
    make(tmp_path, "a.png", "out/a.png", "out/b.png")
    make(tmp_path / "m", "a.png")
    (pair,) = pair_up(tmp_path, tmp_path / "m/a.png", leave=tmp_path / "out").pairs[:1]
    assert pair.name == "a"
    names = [pair.name for pair in pair_up(tmp_path, None, leave=tmp_path / "out").pairs]
    assert names == ["a", "m/a"]
    assert len(pair_up(tmp_path, None, leave=tmp_path).pairs) == 4


def test_names_alone_pair_as_two_folders_do(tmp_path):
    photos, masks = ["a.png", "B.jpg", "c.tif"], ["a_mask.png", "b.jpg.png", "mask_01 d.png", "A.png"]
    for folder, names in (("photos", photos), ("masks", masks)):
        for name in names:
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).touch()
    found = pair_up(tmp_path / "photos", tmp_path / "masks")
    paired = masks_by_name(photos, masks)
    assert {pair.photo.name: pair.mask.name for pair in found.pairs} == {
        name: some[0] for name, some in paired.items() if some
    }
    assert paired == {"a.png": ["A.png"], "B.jpg": ["b.jpg.png"], "c.tif": []}


def test_masks_of_others_are_told_by_their_names():
    names = ["a.png", "a_mask.png", "mask_a.png", "masked.png", "b_mask.png"]
    assert named_as_masks(names) == {"a_mask.png", "mask_a.png"}

"""Test sets: the built-in table against the files, the area average against a direct mean, folders as people
have them.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage import data
from skimage.transform import downscale_local_mean

from benchmark.cells import pixels_sha256
from benchmark.inputs.datasets import (
    LAYOUTS,
    Dataset,
    DatasetPicture,
    area_average,
    folder,
    open_dataset,
    safe_name,
    sample,
    sample_table,
    square,
    take,
)
from inpainters.errors import InputError


def save(path: Path, size: tuple[int, int] = (40, 30), seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)
    return path


def test_sample_is_large_enough_and_every_crop_is_what_the_table_says() -> None:
    pictures = sample().pictures
    taken, left_out = take(sample(), None)
    assert left_out == []
    assert len(taken) == len(pictures) >= 48
    counts = {p.photograph: sum(q.photograph == p.photograph for q in pictures) for p in pictures}
    assert len(counts) >= 10
    assert max(counts.values()) <= 6
    assert all(p.load().shape == (256, 256, 3) for p in pictures[:3])


@pytest.mark.slow
def test_sample_has_colour_photographs_at_two_scales() -> None:
    rows = sample_table()
    assert {bool(row.short_side) for row in rows} == {True, False}
    assert all(np.ptp(row.load().astype(int), axis=2).mean() > 3 for row in rows)


def test_a_native_crop_is_a_slice_of_the_photograph() -> None:
    row = next(row for row in sample_table() if row.image_id == "astronaut@s1-r0-c1")
    np.testing.assert_array_equal(row.load(), data.astronaut()[:256, 256:])


def test_changed_lost_and_absent_files_give_one_sentence_each() -> None:
    row = sample_table()[0]
    cases = {
        "another": replace(row, file_sha256="0" * 64),
        "lost": replace(row, path="data/no_such_picture.png"),
        "not installed": replace(row, package="no_such_package"),
        "decoded": replace(row, pixels="0" * 64),
    }
    for word, broken in cases.items():
        with pytest.raises(InputError, match=word):
            broken.load()
    taken, left_out = take(sample([*cases.values(), sample_table()[1]]), None)
    assert len(taken) == 1
    assert len(left_out) == 4


def test_order_takes_every_photograph_before_a_second_crop_of_one() -> None:
    first = sample().in_order()[:16]
    assert len({p.photograph for p in first[:12]}) == 12
    assert first == sample().in_order()[:16]


@pytest.mark.parametrize("factor", [2, 4])
def test_area_average_equals_the_mean_of_blocks(factor: int) -> None:
    image = data.chelsea()[: 64 * 4, : 48 * 4]
    expected = downscale_local_mean(image.astype(float), (factor, factor, 1))
    np.testing.assert_array_equal(
        area_average(image, (image.shape[0] // factor, image.shape[1] // factor)),
        np.floor(expected + 0.5).astype(np.uint8),
    )


def test_area_average_by_hand_where_pixels_are_cut() -> None:
    line = np.array([[0, 90, 255]], np.uint8)[..., None].repeat(3, axis=2)
    # 3 -> 2: (0 + 90/2) / 1.5 = 30 and (90/2 + 255) / 1.5 = 200
    assert area_average(line, (1, 2))[0, :, 0].tolist() == [30, 200]


def test_square_takes_the_centre_and_never_enlarges() -> None:
    image = np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8)
    np.testing.assert_array_equal(square(image, 64), image[:, 5:15])
    assert square(image, 5).shape == (5, 5, 3)


def test_folder_names_broken_pictures_and_goes_on(tmp_path: Path) -> None:
    save(tmp_path / "b.png")
    save(tmp_path / "sub dir" / "a@1.png", seed=1)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture either")
    taken, left_out = take(folder(tmp_path), None)
    assert sorted(taken) == ["b@full", "sub_dir__a_1@full"]
    assert len(left_out) == 2
    assert "broken.jpg" in " ".join(left_out)


def test_pictures_of_one_stem_stay_apart(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "a.bmp", seed=1)
    assert len({p.image_id for p in folder(tmp_path).pictures}) == 2


@pytest.mark.parametrize("name", ["sample", *LAYOUTS])
def test_a_folder_is_not_taken_for_a_test_set_by_its_name(tmp_path: Path, name: str) -> None:
    save(tmp_path / name / "a.png")
    assert folder(tmp_path / name).name == f"{name}_folder"
    assert folder(tmp_path).name == safe_name(tmp_path.name)


def test_native_keeps_every_pixel(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", (17, 19))
    picture = folder(tmp_path, "native").pictures[0].load()
    np.testing.assert_array_equal(picture, np.asarray(PilImage.open(path)))


def test_a_longer_prefix_holds_a_shorter_one(tmp_path: Path) -> None:
    pictures = tuple(
        DatasetPicture(f"{i}@full", lambda i=i: np.full((4, 4, 3), i, np.uint8)) for i in range(9)
    )
    dataset = Dataset("d", "native", pictures)
    assert list(take(dataset, 4)[0]) == list(take(dataset, 9)[0])[:4]
    assert list(take(dataset, 9)[0]) != [p.image_id for p in pictures]


def test_published_layouts_are_found_below_data(tmp_path: Path) -> None:
    places = {
        "places2": "val_256/Places365_val_00000001.jpg",
        "imagenet": "ILSVRC/Data/CLS-LOC/val/n01/x.JPEG",
        "celeba_hq": "CelebA-HQ-img/1.jpg",
        "paris_streetview": "paris_eval_gt/001_im.png",
    }
    for name, path in places.items():
        save(tmp_path / name / path, (300, 280))
        dataset = open_dataset(name, tmp_path / name)
        assert dataset.name == name
        assert [p.load().shape for p in dataset.pictures] == [(256, 256, 3)]
    assert set(places) == set(LAYOUTS)


def test_unknown_missing_and_empty_sets_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'places2'"):
        open_dataset("places")
    with pytest.raises(InputError, match="needs --data"):
        open_dataset("imagenet")
    with pytest.raises(InputError, match="no folder"):
        open_dataset(f"folder:{tmp_path}/absent")
    with pytest.raises(InputError, match="no pictures"):
        open_dataset("folder", tmp_path)
    with pytest.raises(InputError, match="does not look like"):
        open_dataset("places2", tmp_path)


def test_names_are_safe() -> None:
    assert safe_name("a/b c@d,é") == "a__b_c_d_é"
    assert "/" not in safe_name("../../x")
    assert not safe_name("..").startswith(".")


def test_pixels_sha256_sees_shape_and_values() -> None:
    a = np.zeros((2, 3, 3), np.uint8)
    assert pixels_sha256(a) != pixels_sha256(a.reshape(3, 2, 3))
    assert pixels_sha256(a) == hashlib.sha256(b"(2, 3, 3)uint8" + bytes(18)).hexdigest()


def test_a_picture_too_small_for_metrics_is_left_out(tmp_path: Path) -> None:
    for side in (1, 15, 16):
        PilImage.new("RGB", (40, side)).save(tmp_path / f"{side}.png")
    taken, left_out = take(folder(tmp_path, "native"), None)
    assert list(taken) == ["16@full"]
    assert sorted(text.split(":")[0] for text in left_out) == ["'1.png' is left out", "'15.png' is left out"]


def test_folders_as_notebooks_and_systems_leave_them(tmp_path: Path) -> None:
    """Each photograph once; bins, thumbnails and what is no picture are counted and named."""
    for name in ("a.png", ".ipynb_checkpoints/a.png", ".Trash-1000/files/a.png", "._b.png"):
        save(tmp_path / "photos" / name)
    save(tmp_path / "store" / "c.png", seed=1)
    (tmp_path / "photos/linked").symlink_to(tmp_path / "store")
    (tmp_path / "photos/rows.csv").write_text("")
    found = folder(tmp_path / "photos")
    assert [p.image_id for p in found.pictures] == ["a@full", "linked__c@full"]
    assert [".ipynb_checkpoints" in text or "1 .csv" in text for text in found.skipped] == [True, True]


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "avif", "gif"])
def test_pictures_by_every_suffix(tmp_path: Path, suffix: str) -> None:
    kind = {"jfif": "JPEG", "jpe": "JPEG"}.get(suffix)
    PilImage.fromarray(data.chelsea()[:40, :40]).save(tmp_path / f"a.{suffix}", kind)
    assert folder(tmp_path).pictures[0].load().shape == (40, 40, 3)


def test_names_of_any_bytes_and_length(tmp_path: Path) -> None:
    encoded = save(tmp_path / "ok.png").read_bytes()
    for number, name in enumerate((b"bad\xe9.png", b"bad\xe8.png", ("写" * 81).encode() + b".png")):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(encoded if number else b"no picture")
    taken, left_out = take(folder(tmp_path), None)
    assert len(taken) == 3
    assert all(len(f"{image_id}.mask.png".encode()) < 256 for image_id in taken)
    assert left_out == [
        "'bad\ufffd.png' is not a picture this program can read; use PNG, JPEG, WebP, TIFF or BMP, 8 or 16 "
        "bits."
    ]


def test_accents_are_composed_in_names() -> None:
    assert safe_name("Mu\u0308ller") == safe_name("Müller") == "Müller"


def test_the_last_2000_of_celeba_are_those_with_the_largest_numbers(tmp_path: Path) -> None:
    root = tmp_path / "CelebAMask-HQ/CelebA-HQ-img"
    first = save(root / "0.jpg")
    for number in range(1, 2100):
        os.link(first, root / f"{number}.jpg")
    ids = {int(p.photograph) for p in open_dataset("celeba_hq", tmp_path).pictures}
    assert ids == set(range(100, 2100))


def test_paris_takes_no_corrupted_copies(tmp_path: Path) -> None:
    for below in ("paris_eval_gt", "paris_eval_corrupted"):
        save(tmp_path / "paris_eval" / below / "001_im.png")
    assert [p.image_id for p in open_dataset("paris_streetview", tmp_path).pictures] == ["001_im@full"]

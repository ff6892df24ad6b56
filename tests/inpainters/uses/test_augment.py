"""Variants of photographs: what is known stays, a broken-off start goes on, and datasets read them."""

import csv
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from inpainters.__main__ import main
from inpainters.errors import InputError
from inpainters.imaging import load_image, load_mask
from inpainters.uses.augment import Augmentation, AugmentedPictures, augment, rows


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for number, name in enumerate(("cats/a.png", "cats/b.jpg", "dogs/c.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (64, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


PLAN = Augmentation("telea", n=2)


def made(photos, out, plan=PLAN):
    return list(augment(photos, out, plan))


def test_variants_keep_what_is_known_and_are_told_of(photos, tmp_path):
    out = tmp_path / "out"
    assert [one.reason for one in made(photos, out)] == [""] * 6
    found = rows(out)
    assert [row["file"] for row in found] == [
        *(f"pictures/cats/{name}.png" for name in ("a-0", "a-1", "b-0", "b-1")),
        *(f"pictures/dogs/{name}.png" for name in ("c-0", "c-1")),
    ]  # fmt: skip
    assert {row["kind"] for row in found} == {"irregular", "object"}
    for row in found:
        source, variant = load_image(photos / row["source"]).image, load_image(out / row["file"]).image
        mask, _ = load_mask(out / row["mask"], source.shape[:2])
        assert (variant[~mask] == source[~mask]).all()
        assert (variant[mask] != source[mask]).any()
        assert 0.03 < mask.mean() < 0.33
        assert float(row["ratio"]) == pytest.approx(mask.mean(), abs=1e-3)
        assert sha256((out / row["file"]).read_bytes()).hexdigest() == row["sha256"]
        assert sha256((photos / row["source"]).read_bytes()).hexdigest() == row["source_sha256"]


def test_a_broken_off_start_goes_on_and_ends_alike(photos, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    made(photos, whole)
    begun = augment(photos, broken, PLAN)
    next(begun), next(begun), next(begun)
    begun.close()
    (broken / "pictures" / "cats" / "a-0.png").unlink()
    made(photos, broken)
    one, other = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (whole, broken)
    )
    assert one == other


def test_a_line_that_was_torn_off_is_written_again(photos, tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    made(photos, whole)
    made(photos, torn)
    manifest = (torn / "manifest.csv").read_bytes()
    (torn / "manifest.csv").write_bytes(manifest[:-70])
    made(photos, torn)
    assert (torn / "manifest.csv").read_bytes() == (whole / "manifest.csv").read_bytes()


def test_other_settings_and_foreign_folders_are_refused(photos, tmp_path):
    out = tmp_path / "out"
    made(photos, out)
    with pytest.raises(InputError, match="other settings"):
        made(photos, out, Augmentation("telea", n=3))
    with pytest.raises(InputError, match="holds other files"):
        made(photos, photos)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures"):
        made(tmp_path / "empty", tmp_path / "new")
    with pytest.raises(InputError, match="no folder"):
        made(tmp_path / "gone", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kinds": ("half",)}, "drawn at any ratio"),
        ({"kinds": ("squiggle",)}, "drawn at any ratio"),
        ({"kinds": ()}, "Name a kind"),
        ({"low": 0.5, "high": 0.3}, "least first"),
        ({"low": 0.0}, "more than 0"),
        ({"n": 0}, "Between 1 and 1000"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_that_make_no_sense_are_one_sentence(given, words):
    with pytest.raises(InputError, match=words):
        Augmentation("telea", **given)


def test_a_photograph_that_cannot_be_read_is_named_and_the_others_go_on(photos, tmp_path, capsys):
    (photos / "cats" / "a.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    assert main(["augment", str(photos), "--out", str(out), "--method", "mean_fill", "--n", "1"]) == 1
    said = capsys.readouterr()
    assert "a-0.png" in said.err
    assert "2 pictures in" in said.out
    assert len(rows(out)) == 2


def test_datasets_read_the_folder(photos, tmp_path):
    out = tmp_path / "out"
    made(photos, out)
    found = AugmentedPictures(out)
    assert (len(found), found.classes) == (6, ["cats", "dogs"])
    picture, label = found[5]
    assert (picture.size, label) == ((80, 64), 1)
    together = AugmentedPictures(out, lambda *both: [np.asarray(one) for one in both], masks=True)
    picture, mask, label = together[0]
    assert (picture.shape, mask.dtype, label) == ((64, 80, 3), np.uint8, 0)
    assert set(np.unique(mask)) == {0, 255}
    torchvision = pytest.importorskip("torchvision")
    folder = torchvision.datasets.ImageFolder(str(out / "pictures"))
    assert folder.classes == ["cats", "dogs"]
    assert [label for _, label in folder] == [0, 0, 0, 0, 1, 1]
    with pytest.raises(InputError, match="augment"):
        AugmentedPictures(tmp_path)


def test_the_manifest_is_plain_csv(photos, tmp_path):
    made(photos, tmp_path / "out")
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 7


def test_photographs_of_one_stem_do_not_overwrite_each_other(photos, tmp_path):
    with Image.open(photos / "cats" / "a.png") as picture:
        picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(photos / "cats" / "a.jpg")
    made(photos, tmp_path / "out", Augmentation("telea", n=1))
    files = [row["file"] for row in rows(tmp_path / "out")]
    assert len(set(files)) == len(files) == 4
    assert {"pictures/cats/a_jpg-0.png", "pictures/cats/a_png-0.png"} < set(files)


def test_a_misspelt_method_leaves_nothing_behind(photos, tmp_path):
    with pytest.raises(InputError, match="did you mean"):
        made(photos, tmp_path / "out", Augmentation("teleaa"))
    assert not (tmp_path / "out").exists()
    made(photos, tmp_path / "out")

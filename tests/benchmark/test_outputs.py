"""Fills that another program made, beside our methods: `--only inputs`, then `outputs:FOLDER`."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark.__main__ import main
from inpainters import registry
from inpainters.base import InpaintRequest
from inpainters.errors import InputError
from inpainters.methods.others import outputs

SETTINGS = ("--size", "48", "--bins", "10-20,40-50", "--seed", "3")


@pytest.fixture(autouse=True)
def _table_as_it_was():
    before, added = dict(registry.METHODS), dict(registry._added)
    yield
    registry.METHODS.clear()
    registry.METHODS.update(before)
    registry._added.clear()
    registry._added.update(added)


@pytest.fixture
def run(tmp_path):
    """`run(*arguments)`: a run of three small photographs in `tmp_path / "run"`."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(photos / f"{name}.png")
    common = ["run", "photos", "--data", str(photos), "--out", str(tmp_path / "run"), *SETTINGS]

    def start(*arguments, report=False):
        last = [] if report or "--only" in arguments else ["--only", "run"]
        code = main([*common, *map(str, arguments), *last])
        scored = main(["score", common[5]]) if last and code != 2 else 0
        return code or scored

    return start


@pytest.fixture
def filled(run, tmp_path):
    """A folder of fills by OpenCV's Telea, made of what `--only inputs` wrote."""
    assert run("--only", "inputs") == 0
    folder = tmp_path / "My Method"
    folder.mkdir()
    for path in sorted((tmp_path / "run" / "inputs" / "images").iterdir()):
        picture, mask = cv2.imread(str(path)), cv2.imread(str(path.parents[1] / "masks" / path.name), 0)
        cv2.imwrite(str(folder / path.name), cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA))
    return folder


def values(tmp_path, method, metric="psnr"):
    rows = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    return (
        rows[rows["method"] == method].set_index(["mask_set", "bin", "image_id"])[f"{metric}@hole"].dropna()
    )


def test_inputs_show_nothing_of_the_hole_and_nothing_is_filled(run, tmp_path, capsys):
    assert run("--only", "inputs") == 0
    said = capsys.readouterr().out
    assert "12 pictures" in said
    assert "outputs:YOUR_FOLDER" in said
    folder = tmp_path / "run" / "inputs"
    names = sorted(path.name for path in (folder / "images").iterdir())
    assert {path.name for path in (folder / "masks").iterdir()} == {*names, "masks.csv"}
    assert len(names) == 12
    for name in names:
        picture, mask = (np.array(PilImage.open(folder / part / name)) for part in ("images", "masks"))
        assert set(np.unique(mask)) == {0, 255}
        assert (picture[mask == 255] == 128).all()
        assert picture[mask == 0].std() > 5
        kind, label, _ = name.split("_", 2)
        assert kind in ("irregular", "object")
        low, high = map(int, label.split("-"))
        assert low < 100 * (mask == 255).mean() <= high
    assert not list((tmp_path / "run").glob("**/telea"))


@pytest.mark.slow
def test_outputs_stand_beside_our_methods_with_the_same_figures(run, filled, tmp_path):
    assert run("--methods", f"telea,outputs:{filled}", report=True) == 0
    theirs, ours = values(tmp_path, "outputs_my_method"), values(tmp_path, "telea")
    assert len(theirs) == 12
    assert list(theirs.index) == list(ours.index)
    # OpenCV was given grey in the hole, which it does not look at.
    assert np.abs(theirs - ours).max() < 1.5
    table = (tmp_path / "run" / "table.md").read_text()
    assert "| My Method |" in table
    timings = pd.read_csv(tmp_path / "run" / "timings.csv")
    mine = timings["method"] == "outputs_my_method"
    assert timings.loc[mine, "seconds"].isna().all()
    assert timings.loc[~mine, "seconds"].notna().all()


@pytest.mark.slow
def test_a_later_report_and_verification_need_no_folder(run, filled, tmp_path):
    assert run("--methods", f"telea,outputs:{filled}") == 0
    shutil.rmtree(filled)
    del registry.METHODS["outputs_my_method"]
    for command in ("score", "report", "verify"):
        assert main([command, str(tmp_path / "run")]) == 0, command
    assert "outputs_my_method" in (tmp_path / "run" / "table.md").read_text()


@pytest.mark.slow
def test_what_is_lacking_or_has_another_size_is_said_and_the_rest_is_measured(run, filled, tmp_path, capsys):
    first, second, *_ = sorted(filled.iterdir())
    first.unlink()
    PilImage.new("RGB", (20, 30)).save(second)
    assert run("--methods", f"outputs:{filled}") == 1
    said = capsys.readouterr().err
    assert f"has no '{first.name}'" in said
    assert f"'My Method/{second.name}' is 20×30 and not 48×48" in said
    assert len(values(tmp_path, "outputs_my_method")) == 10


@pytest.mark.slow
def test_other_pictures_under_the_same_names_are_another_method(run, filled, tmp_path, capsys):
    assert run("--methods", f"outputs:{filled}") == 0
    first = min(filled.iterdir())
    PilImage.new("RGB", (48, 48)).save(first)
    registry.METHODS.pop("outputs_my_method")
    assert run("--methods", "telea") == 0
    ours = (tmp_path / "run/cells").rglob("telea/*/*.png")
    before = {path: path.stat().st_mtime_ns for path in ours}
    assert run("--methods", f"outputs:{filled}") == 2
    assert "version" in capsys.readouterr().err
    assert run("--methods", f"outputs:{filled}", "--redo") == 0
    assert before
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    kind, label, image_id = first.stem.split("_", 2)
    assert values(tmp_path, "outputs_my_method")[kind, label, image_id] < 20


def test_inputs_without_fills_have_no_report_and_a_sentence_says_so(run, tmp_path, capsys):
    assert run("--only", "inputs") == 0
    for command in ("score", "report"):
        main([command, str(tmp_path / "run")])
    assert "holds no fills yet" in capsys.readouterr().err


def test_folders_within_the_folder_are_parts_of_the_name(filled):
    wanted = set(outputs.files_by_name(filled))
    for path in list(filled.iterdir()):
        kind, label, name = path.name.split("_", 2)
        (filled / kind / label).mkdir(parents=True, exist_ok=True)
        path.rename(filled / kind / label / name)
    assert set(outputs.files_by_name(filled)) == wanted
    (filled / "object_10-20_astronaut@full.jpg").write_bytes(
        (filled / "object/10-20/astronaut@full.png").read_bytes()
    )
    with pytest.raises(InputError, match="two pictures for 'object_10-20_astronaut@full'"):
        outputs.files_by_name(filled)


def test_a_hole_without_a_name_and_a_folder_without_pictures_are_refused(filled, tmp_path):
    method = registry.create(registry.add(f"outputs:{filled}"), device="cpu")
    image, mask = np.zeros((48, 48, 3), np.uint8), np.eye(48, dtype=bool)
    with pytest.raises(InputError, match="--only inputs"):
        method.run([InpaintRequest(image, mask)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        registry.add(f"outputs:{tmp_path / 'empty'}")
    with pytest.raises(InputError, match="There is no folder"):
        registry.add(f"outputs:{tmp_path / 'nowhere'}")


def test_known_pixels_are_put_back_and_what_was_drawn_there_is_measured(filled):
    name = min(filled.iterdir()).stem
    image, mask = np.full((48, 48, 3), 7, np.uint8), np.zeros((48, 48), bool)
    mask[:10] = True
    PilImage.new("RGB", (48, 48), (90, 0, 0)).save(filled / f"{name}.png")
    method = registry.create(registry.add(f"outputs:{filled}"), device="cpu")
    [[found]] = method.run([InpaintRequest(image, mask, name=name.upper())])
    assert (found.image[~mask] == 7).all()
    assert (found.image[mask] == (90, 0, 0)).all()
    assert (found.raw == (90, 0, 0)).all()
    assert np.isnan(found.seconds)
    [several] = method.run([InpaintRequest(image, mask, seed=3, n=2, name=name)])
    assert [one.seed for one in several] == [3, 4]
    with pytest.raises(InputError, match="Use the same size"):
        method.run([InpaintRequest(image, mask[:, :40], name=name)])

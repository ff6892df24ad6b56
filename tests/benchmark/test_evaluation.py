"""Somebody else's fills: three folders, paired by name."""

import unicodedata

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage.data import astronaut

import benchmark
from benchmark import evaluation
from benchmark.__main__ import main
from inpainters.errors import InputError
from inpainters.imaging import save_png

ONLY = ["psnr", "l1"]


@pytest.fixture
def folders(tmp_path):
    """Six pictures with holes of 5 to 90 %, filled in grey; `white_known` turns the masks around."""

    def make(*, white_known=False, change=0):
        rng = np.random.default_rng(0)
        for name in ("originals", "outputs", "masks"):
            (tmp_path / name).mkdir(exist_ok=True)
        for i, share in enumerate((0.05, 0.15, 0.5, 0.65, 0.7, 0.9)):
            original = astronaut()[40 * i : 40 * i + 60, 100:180]
            mask = np.zeros((60, 80), bool)
            mask[: round(60 * share)] = True
            output = original.copy()
            output[mask] = rng.integers(100, 150, 3)
            output = np.clip(output.astype(int) + change, 0, 255).astype(np.uint8)
            save_png(tmp_path / "originals" / f"p{i}.png", original)
            save_png(tmp_path / "outputs" / f"p{i}.png", output)
            values = (mask ^ white_known).astype(np.uint8) * 255
            PilImage.fromarray(values).save(tmp_path / "masks" / f"p{i}_mask.png")
        return [tmp_path / name for name in ("originals", "outputs", "masks")]

    return make


@pytest.mark.parametrize("white_known", [False, True])
def test_means_are_those_of_the_holes_whatever_white_means(folders, white_known):
    found = benchmark.evaluate(*folders(white_known=white_known), only=ONLY)
    assert found.white == ("known" if white_known else "missing")
    wanted = []
    for i, share in enumerate((0.05, 0.15, 0.5, 0.65, 0.7, 0.9)):
        original = astronaut()[40 * i : 40 * i + 60, 100:180].astype(float)
        output = evaluation.load_image(folders()[1] / f"p{i}.png").image
        hole = slice(0, round(60 * share))
        wanted.append(np.abs(original[hole] - output[hole]).mean() / 255)
    assert found.interval("l1", "hole").mean == pytest.approx(np.mean(wanted), rel=1e-6)
    assert found.interval("l1", "hole").photographs == 6
    assert found.interval("l1", "hole", "60-80").mean == pytest.approx(np.mean(wanted[3:5]), rel=1e-6)


def test_no_ratio_is_dropped_and_the_histogram_counts_all(folders):
    told = evaluation.markdown_of_evaluation(evaluation.evaluate(*folders(), only=ONLY))
    for label, count in (("1-10", 1), ("10-20", 1), ("40-50", 1), ("60-80", 2), ("80-100", 1)):
        assert f"{label} % ({count})" in told
    assert told.count("█ ") == 5


def test_where_outputs_do_not_tell_what_white_means_one_is_asked(folders):
    made = folders(change=60)
    with pytest.raises(InputError, match=r"cannot be told what white means .+ Say so: --white missing, or"):
        evaluation.evaluate(*made, only=ONLY)
    assert evaluation.evaluate(*made, only=ONLY, white="missing").white == "missing"


def test_what_has_no_partner_is_named_and_the_rest_counts(folders, tmp_path):
    made = folders()
    (tmp_path / "outputs" / "p0.png").unlink()
    (tmp_path / "masks" / "p1_mask.png").unlink()
    found = evaluation.evaluate(*made, only=ONLY)
    assert found.rows["image_id"].nunique() == 4
    assert any("without an output (1): p0.png" in note for note in found.notes)
    assert any("without a mask (1): p1.png" in note for note in found.notes)


def test_a_picture_that_does_not_fit_is_left_out_and_the_others_count(folders, tmp_path, capsys):
    made = folders()
    save_png(tmp_path / "outputs" / "p0.png", astronaut()[:30, :40])
    (tmp_path / "outputs" / "p2.png").write_bytes(b"torn")
    found = evaluation.evaluate(*made, only=ONLY)
    assert found.interval("l1", "hole").n == len(found.ratios) == 4
    assert "'p0.png' are 80×60 and 40×30: they must have one size" in found.failed[0]
    assert found.failed[1].startswith("p2 is left out: ")
    names = (
        f"--{name}={folder}" for name, folder in zip(("originals", "outputs", "masks"), made, strict=True)
    )
    assert main(["evaluate", *names, "--metrics", "l1"]) == 1
    assert f"* {found.failed[0]}\n* {found.failed[1]}" in capsys.readouterr().out
    for path in (tmp_path / "outputs").iterdir():
        path.write_bytes(b"torn")
    with pytest.raises(InputError, match=r"p0.png"):
        evaluation.evaluate(*made, only=ONLY)


def test_a_metric_that_a_picture_is_too_small_for_takes_no_other_away(folders, monkeypatch):
    made = folders()
    create = evaluation.metrics.create

    class Large:
        def score(self, original, output, mask):
            if mask.mean() < 0.5:
                raise InputError("MS-SSIM needs larger pictures.")
            return {"whole": 0.5}

    monkeypatch.setattr(
        evaluation.metrics, "create", lambda name: Large() if name == "ms_ssim" else create(name)
    )
    monkeypatch.setattr(evaluation.metrics, "unavailable", lambda name: None)
    found = evaluation.evaluate(*made, only=["psnr", "ms_ssim"])
    assert found.interval("psnr", "hole").n == 6
    assert found.interval("ms_ssim", "whole").n == 4
    assert found.notes == ("No `ms_ssim` of 2 pictures (p0, p1): MS-SSIM needs larger pictures.",)


def test_outputs_pair_within_their_folder_whatever_form_their_names_have(tmp_path):
    rng = np.random.default_rng(0)
    for i, name in enumerate(("a/1", "b/1", "caf\u00e9")):
        original, mask = rng.integers(0, 256, (20, 20, 3), np.uint8), np.zeros((20, 20), bool)
        mask[:10] = True
        fill = original.copy()
        fill[mask] ^= np.uint8(2 ** (i + 2))
        for kind, picture in (("originals", original), ("masks", mask), ("outputs", fill)):
            own = unicodedata.normalize("NFD", name) if kind == "outputs" else name
            (tmp_path / kind / own).parent.mkdir(parents=True, exist_ok=True)
            save_png(tmp_path / kind / f"{own}.png", picture)
    folders = [tmp_path / kind for kind in ("originals", "outputs", "masks")]
    found = evaluation.evaluate(*folders, only=["l1"])
    rows = found.rows[found.rows["region"] == "hole"]
    assert dict(zip(rows["photograph"], rows["value"] * 255, strict=True)) == pytest.approx(
        {"a/1.png": 4, "b/1.png": 8, "caf\u00e9.png": 16}
    )


def test_pictures_that_differ_in_their_suffix_alone_keep_their_outputs(tmp_path):
    for kind in ("originals", "outputs", "masks"):
        (tmp_path / kind).mkdir()
    for end in ("png", "bmp"):
        for kind in ("originals", "masks"):
            PilImage.new("L", (20, 20), 255).save(tmp_path / kind / f"a.{end}")
    originals, outputs, masks = (tmp_path / kind for kind in ("originals", "outputs", "masks"))
    (outputs / "a.bmp").write_bytes((originals / "a.bmp").read_bytes())
    trios, notes = evaluation.paired_files(originals, outputs, masks)
    assert {(trio.photograph, trio.output.name) for trio in trios} == {("a.bmp", "a.bmp")}
    assert notes == ["Originals without an output (1): a.png."]


def test_means_take_what_tables_take_for_an_exact_fill(folders):
    originals, outputs, masks = folders()
    (outputs / "p0.png").write_bytes((originals / "p0.png").read_bytes())
    found = evaluation.evaluate(originals, outputs, masks, only=["psnr"])
    rows = found.rows[found.rows["region"] == "hole"].set_index("image_id")["value"]
    assert np.isinf(rows["p0"])
    assert found.interval("psnr", "hole").mean == pytest.approx(rows.clip(upper=60).mean())


def test_names_that_do_not_pair_get_a_sentence(folders, tmp_path):
    made = folders()
    for path in (tmp_path / "outputs").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="No output in 'outputs' has the name"):
        evaluation.evaluate(*made, only=ONLY)
    with pytest.raises(InputError, match="There is no folder 'nowhere'"):
        evaluation.evaluate(made[0], tmp_path / "nowhere", made[2], only=ONLY)
    with pytest.raises(InputError, match="did you mean 'psnr'"):
        evaluation.evaluate(*made, only=["psnrr"])
    with pytest.raises(InputError, match="compares several fills of a hole"):
        evaluation.evaluate(*made, only=["diversity_lpips_squeeze"])


def test_one_command_prints_and_writes(folders, tmp_path, capsys):
    originals, outputs, masks = map(str, folders())
    command = ["evaluate", "--originals", originals, "--outputs", outputs, "--masks", masks]
    assert main([*command, "--metrics", "l1", "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "6 pictures. White is missing in these masks." in told
    assert (tmp_path / "out" / "evaluation.md").read_text() in told
    rows = (tmp_path / "out" / "evaluation.csv").read_text().splitlines()
    assert len(rows) == 1 + 6 * 3  # whole, hole and band


@pytest.mark.parametrize(
    ("ratio", "label"),
    [(0.005, "0-1"), (0.01, "0-1"), (0.1, "1-10"), (0.6, "50-60"), (0.61, "60-80"), (1.0, "80-100")],
)
def test_bins_hold_their_upper_ends(ratio, label):
    assert evaluation.label_of(ratio) == label


def test_masks_that_no_bin_takes_are_counted_when_they_are_taken_in(folders, tmp_path, capsys):
    source = folders()[2]
    command = [
        "masks",
        "import",
        str(source),
        "--polarity",
        "white-missing",
        "--out",
        str(tmp_path / "taken"),
    ]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "3 of 6 masks lie in no bin between 1 and 60 %" in said.err
    assert "60-80 %" in said.out
    assert "3 masks in" in said.out

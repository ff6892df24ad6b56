"""Somebody else's fills: three folders, paired by name."""

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


def test_sizes_that_differ_and_names_that_do_not_pair_get_a_sentence(folders, tmp_path):
    made = folders()
    save_png(tmp_path / "outputs" / "p2.png", astronaut()[:30, :40])
    with pytest.raises(InputError, match=r"'p2.png' are 80×60 and 40×30: they must have one size"):
        evaluation.evaluate(*made, only=ONLY)
    for path in (tmp_path / "outputs").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="No output in 'outputs' has the name"):
        evaluation.evaluate(*made, only=ONLY)
    with pytest.raises(InputError, match="There is no folder 'nowhere'"):
        evaluation.evaluate(made[0], tmp_path / "nowhere", made[2], only=ONLY)
    with pytest.raises(InputError, match="did you mean 'psnr'"):
        evaluation.evaluate(*made, only=["psnrr"])


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

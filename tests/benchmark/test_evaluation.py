"""Somebody else's fills: three folders, paired by name."""

import hashlib
import json
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage.data import astronaut

import benchmark
from benchmark import evaluation, trio_scores, trios
from benchmark.__main__ import main
from benchmark.metrics import METRICS
from benchmark.metrics.base import PerPicture
from benchmark.record import weights_digest
from inpainters.errors import InputError
from inpainters.imaging import load_image, save_png
from inpainters.weights.files import missing_weights

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
        output = load_image(folders()[1] / f"p{i}.png").image
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

    class Large(PerPicture):
        def score(self, original, output, mask):
            if mask.mean() < 0.5:
                raise InputError("MS-SSIM needs larger pictures.")
            return {"whole": 0.5}

    monkeypatch.setattr(
        evaluation.metrics, "create", lambda name, *a: Large() if name == "ms_ssim" else create(name, *a)
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
    found, notes = trios.paired_files(originals, outputs, masks)
    assert {(trio.photograph, trio.output.name) for trio in found} == {("a.bmp", "a.bmp")}
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
    assert "evaluation.json" in {path.name for path in (tmp_path / "out").iterdir()}
    rows = (tmp_path / "out" / "evaluation.csv").read_text().splitlines()
    assert len(rows) == 1 + 6 * 3  # whole, hole and band


class Counted(PerPicture):
    """L1 of the whole picture, and how many pictures came at once."""

    def __init__(self):
        self.sizes = []

    def score(self, original, output, mask):
        return {"whole": float(np.abs(original.astype(float) - output).mean()), "hole": 0.5}

    def score_batch(self, originals, outputs, masks):
        self.sizes.append(len(masks))
        return super().score_batch(originals, outputs, masks)


@pytest.fixture
def counted(monkeypatch):
    """`counted()`: a metric that counts, from now on in place of `l1`; `made`: the devices of each."""

    def start():
        metric = Counted()
        monkeypatch.setattr(
            evaluation.metrics, "create", lambda name, device="cpu": start.made.append(device) or metric
        )
        return metric

    start.made = []
    return start


def test_pictures_are_scored_in_batches_on_the_device_that_is_named(folders, counted, monkeypatch):
    made, metric = folders(), counted()
    found = [evaluation.evaluate(*made, only=["l1"], batch=n).rows for n in (1, 4, 0)]
    assert metric.sizes == [1] * 6 + [4, 2] + [6]
    for other in found[1:]:
        assert other.equals(found[0])
    assert set(counted.made) == {"cpu"}
    monkeypatch.setattr("benchmark.scorer.chosen_device", lambda device: {"auto": "cuda"}[device])
    names = (
        f"--{name}={folder}" for name, folder in zip(("originals", "outputs", "masks"), made, strict=True)
    )
    assert main(["evaluate", *names, "--metrics", "l1", "--jobs", "1"]) == 0
    assert counted.made[-1] == "cuda"


needs_weights = pytest.mark.skipif(
    missing_weights("lpips_squeeze"), reason="SqueezeNet's weights are not here: fetch lpips_squeeze"
)


@needs_weights
@pytest.mark.slow
def test_values_of_networks_depend_neither_on_the_batch_nor_on_the_processes(folders):
    made, only = folders(), ["psnr", "lpips_squeeze", "fd_squeeze", "kd_squeeze_u"]
    one, batch, processes = (
        evaluation.evaluate(*made, only=only, **given).rows
        for given in ({"batch": 1}, {"batch": 4}, {"batch": 2, "jobs": 2})
    )
    assert len(one) == 6 * 6 + 2
    for other in (batch, processes):
        assert other.drop(columns="value").equals(one.drop(columns="value"))
        np.testing.assert_allclose(other["value"], one["value"], rtol=1e-4)


def test_what_was_scored_is_kept_and_a_broken_evaluation_goes_on(folders, counted, tmp_path, monkeypatch):
    made, out, score = folders(), tmp_path / "out", trio_scores.score_trios
    wanted, calls = evaluation.evaluate(*made, only=["l1"]), []
    metric = counted()
    whole = evaluation.evaluate(*made, only=["l1"], batch=2).rows

    def broken(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return score(*args)

    monkeypatch.setattr(trio_scores, "score_trios", broken)
    monkeypatch.setattr(trio_scores, "PAUSE", -1.0)
    names = [
        f"--{name}={folder}" for name, folder in zip(("originals", "outputs", "masks"), made, strict=True)
    ]
    command = ["evaluate", *names, "--metrics", "l1", "--batch", "2", "--out", str(out)]
    assert main(command) == 130
    monkeypatch.setattr(trio_scores, "score_trios", score)
    with (out / trio_scores.TRIO_JOURNAL).open("a") as file:
        file.write('{"metric": "l1", "key": "to')
    metric.sizes.clear()
    found = evaluation.evaluate(*made, only=["l1"], batch=2, out=out)
    assert metric.sizes == [2]
    assert found.rows.equals(whole)
    assert found.ratios == wanted.ratios
    assert found.provenance["environment"]["from_journal"] == 4
    metric.sizes.clear()
    assert evaluation.evaluate(*made, only=["l1"], out=out).rows.equals(whole)
    assert metric.sizes == []


def test_a_kept_score_is_of_the_same_files_polarity_and_metric(folders, counted, tmp_path, monkeypatch):
    made, out, metric = folders(), tmp_path / "out", counted()
    evaluation.evaluate(*made, only=["l1"], out=out, white="missing")
    for place, name in zip(made, ("p0.png", "p1.png", "p2_mask.png"), strict=True):
        picture = PilImage.open(place / name)
        picture.putpixel((3, 3), 0 if "mask" in name else (1, 2, 3))
        picture.save(place / name)
    metric.sizes.clear()
    evaluation.evaluate(*made, only=["l1"], out=out, white="missing")
    assert metric.sizes == [3]
    metric.sizes.clear()
    evaluation.evaluate(*made, only=["l1"], out=out, white="known")
    assert metric.sizes == [6]
    metric.sizes.clear()
    monkeypatch.setitem(METRICS, "l1", replace(METRICS["l1"], variant="another"))
    evaluation.evaluate(*made, only=["l1"], out=out, white="missing")
    assert metric.sizes == [6]


def test_why_a_picture_has_no_value_is_not_kept(folders, counted, tmp_path, monkeypatch):
    made, metric = folders(), counted()

    def full(originals, outputs, masks):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(metric, "score_batch", full)
        found = evaluation.evaluate(*made, only=["l1"], out=tmp_path / "out")
    assert found.notes[0].startswith("No `l1` of 6 pictures")
    assert evaluation.evaluate(*made, only=["l1"], out=tmp_path / "out").interval("l1", "whole").n == 6


def test_a_photograph_with_two_masks_counts_once(folders):
    originals, outputs, masks = folders()
    for name in ("p1_mask.png", "p1.png"):
        target = masks / "p1_mask000.png" if name.endswith("_mask.png") else outputs / "p1.png"
        target.write_bytes(((masks if "mask" in name else outputs) / name).read_bytes())
    found = benchmark.evaluate(originals, outputs, masks, only=["psnr"])
    assert (found.set_n, found.rows["image_id"].nunique()) == (6, 7)


def test_a_file_that_changes_while_it_is_measured_is_left_out(folders, tmp_path, monkeypatch):
    made, opened = folders(), trio_scores.opened_trio

    def late(trio, white):
        if trio.name == "p1":
            trio.output.write_bytes(trio.original.read_bytes())
        return opened(trio, white)

    monkeypatch.setattr(trio_scores, "opened_trio", late)
    found = evaluation.evaluate(*made, only=["l1"], white="missing", out=tmp_path / "out")
    assert found.failed == ("p1 is left out: Its files changed meanwhile: start again.",)
    assert found.interval("l1", "hole").n == 5


def test_what_is_not_kept_is_said_where_it_is_stopped(folders, monkeypatch, capsys):
    def stopped(*args):
        raise KeyboardInterrupt

    made = folders()
    monkeypatch.setattr(trio_scores, "score_trios", stopped)
    names = (
        f"--{name}={folder}" for name, folder in zip(("originals", "outputs", "masks"), made, strict=True)
    )
    assert main(["evaluate", *names, "--metrics", "l1"]) == 130
    assert "Stopped. With --out what is scored would be kept." in capsys.readouterr().err


@needs_weights
def test_a_file_beside_the_figures_says_what_they_rest_on(folders, counted, tmp_path):
    made, out, _ = folders(), tmp_path / "out", counted()
    found = evaluation.evaluate(*made, only=["l1", "lpips_brushbench"])
    evaluation.save_evaluation(found, out)
    told = json.loads((out / "evaluation.json").read_text())

    def sha(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    assert told["pictures"]["p3"] == {
        "ratio": 0.65,
        "original": {"file": "p3.png", "sha256": sha(made[0] / "p3.png")},
        "output": {"file": "p3.png", "sha256": sha(made[1] / "p3.png")},
        "mask": {"file": "p3_mask.png", "sha256": sha(made[2] / "p3_mask.png")},
    }
    assert len(told["pictures"]) == 6
    assert told["white"] == "missing"
    assert told["reference"] == {"kind": "paired"}
    assert told["metrics"]["l1"]["variant"] == METRICS["l1"].variant
    assert told["metrics"]["lpips_brushbench"]["weights"] == weights_digest("lpips_squeeze") is not None
    assert told["environment"]["packages"]["numpy"] == np.__version__
    assert told["environment"]["device"] == "cpu"
    assert told["environment"]["metrics"].keys() == {"l1", "lpips_brushbench"}
    assert told["files"] == {name: sha(out / name) for name in ("evaluation.csv", "evaluation.md")}


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

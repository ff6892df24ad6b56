"""Ablations: pairs that differ in one thing, the arithmetic of their comparison, and a whole run at toy
length.
"""

import csv
import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage.data import astronaut

from inpainters.training import ablations
from inpainters.training.ablations import ABLATIONS, compare, interval, load_ablation, main


@pytest.fixture
def photos(tmp_path):
    """Sixty windows of a photograph."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(60):
        window = astronaut()[4 * i : 4 * i + 100, 5 * i : 5 * i + 100]
        PilImage.fromarray(window).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("name", ABLATIONS)
def test_the_runs_of_a_pair_differ_in_one_value_alone(name):
    one, two = (asdict(plan) for plan in load_ablation(name).variants.values())
    one, two = (
        {**d, **{f"{k}.{key}": v for k, s in d.items() if isinstance(s, dict) for key, v in s.items()}}
        for d in (one, two)
    )
    differing = [key for key in one if one[key] != two[key] and not isinstance(one[key], dict)]
    assert (
        differing
        == {"distance": ["losses.distance"], "boundary": ["losses.boundary"], "stages": ["stages"]}[name]
    )


def test_paired_differences_by_hand():
    ablation = load_ablation("distance")
    first = {str(i): {"psnr_hole": 20.0 + i, "l1_hole": 0.1, "variation": 0.5} for i in range(20)}
    second = {
        str(i): {"psnr_hole": 21.0 + i, "l1_hole": 0.1 + (-1) ** i * 0.01, "variation": 0.8}
        for i in range(20)
    }
    rows = {row["metric"]: row for row in compare(ablation, {"l1": first, "l2": second})}
    assert rows["psnr_hole"]["difference"] == pytest.approx(1.0)
    assert (rows["psnr_hole"]["low"], rows["psnr_hole"]["high"]) == pytest.approx((1.0, 1.0))
    assert rows["psnr_hole"]["verdict"] == "l2 better"
    assert rows["variation"]["verdict"] == "l2 better"
    assert rows["l1_hole"]["verdict"] == "no difference"
    assert rows["l1_hole"]["n"] == 20
    assert "lpips_squeeze" not in rows, "what could not be computed is left out"


def test_the_interval_has_the_width_that_the_normal_law_gives():
    values = np.random.default_rng(5).normal(3, 2, 400)
    low, high = interval(values)
    error = values.std(ddof=1) / 20
    assert (low, high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.15 * error
    )


@pytest.mark.slow
def test_a_whole_run_goes_on_and_writes_its_report(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablations, "LEAST", 64)
    common = [
        "--data",
        str(photos),
        "--out",
        str(tmp_path / "runs"),
        "--results",
        str(tmp_path / "results"),
        "--only",
        "distance",
    ]
    assert main([*common, "--steps", "2", "--pictures", "3", "--threads", "1"]) == 0
    table = (tmp_path / "results/table.md").read_text()
    assert "| L1 in the hole (lower) |" in table
    assert "l2 less l1" in table
    rows = list(csv.DictReader((tmp_path / "results/ablations.csv").open()))
    assert {row["variant"] for row in rows} == {"l1", "l2"}
    assert {row["picture"] for row in rows if row["variant"] == "l1"} == {
        row["picture"] for row in rows if row["variant"] == "l2"
    }
    stored = json.loads((tmp_path / "results/ablations.json").read_text())
    found = next(row for row in stored["rows"] if row["metric"] == "l1_hole")
    pairs = [
        [float(row["value"]) for row in rows if row["metric"] == "l1_hole" and row["variant"] == name]
        for name in ("l1", "l2")
    ]
    assert found["difference"] == pytest.approx(np.mean(pairs[1]) - np.mean(pairs[0]), abs=1e-5)
    for name in ("distance", "differences"):
        with PilImage.open(tmp_path / f"results/figures/{name}.png") as figure:
            assert np.asarray(figure).std() > 10
    capsys.readouterr()
    assert main([*common, "--steps", "2", "--pictures", "3", "--threads", "1"]) == 0
    assert "step " not in capsys.readouterr().out, "a finished run is not trained again"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "distanse"], "did you mean 'distance'"),
        (["--pictures", "1"], "--pictures must be 2"),
        (["--steps", "0"], "--steps: it must be 1 or more"),
        (["--threads", "-1"], "--threads: '-1' is no whole number"),
        (["--device", "gpu"], "--device is auto, cpu"),
    ],
)
def test_bad_arguments_are_answered_with_one_sentence(arguments, said, capsys):
    assert main(["--data", "photos", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1

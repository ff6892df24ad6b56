"""Manifests as typed models: what is wrong with a broken file is one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import results
from benchmark.__main__ import main
from benchmark.files import cell_manifest, suite_manifest
from benchmark.plan import load_plan, plan_file
from inpainters.errors import InputError

COMMITTED = results.suites(Path(__file__).parents[2] / "results")


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_a_committed_manifest_loses_nothing_on_its_way_through_the_model(folder: Path) -> None:
    stored = json.loads((folder / "manifest.json").read_text())
    found = suite_manifest(folder).model_dump(mode="json", exclude_unset=True)
    assert found == stored


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("meaning", "seed"), "7", "meaning.seed: input should be a valid integer"),
        (("meaning", "format"), 2, "another version"),
        (
            ("meaning", "dataset", "images", "a"),
            1,
            "meaning.dataset.images.a: input should be a valid string",
        ),
        (("meaning", "mask_set", "masks"), {"1-10": {"a": [1]}}, "meaning.mask_set.masks.1-10.a"),
        (("files",), None, "files: input should be an object"),
    ],
)
def test_a_wrong_field_is_named(
    tmp_path: Path, bare_manifest: dict[str, Any], place: tuple[str, ...], value: object, words: str
) -> None:
    found = json.loads(json.dumps(bare_manifest))
    part = found
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    (tmp_path / "manifest.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match=words) as caught:
        suite_manifest(tmp_path)
    assert "\n" not in str(caught.value)
    assert tmp_path.name in str(caught.value)


def test_a_cell_whose_manifest_is_broken_is_not_finished(tmp_path: Path) -> None:
    good: dict[str, Any] = {name: {} for name in ("options", "weights", "packages", "failed", "environment")}
    picture = {
        "sha256": "0",
        "seed": 1,
        "seconds": "0.1",
        "network_calls": 0,
        "peak_memory_mb": "",
        "notes": [],
    }
    good |= {"method": "telea", "version": "1", "pictures": {"a": picture}}
    for found, readable in (
        (good, True),
        ({**good, "pictures": {"a": None}}, False),
        ({**good, "pictures": {"a": {**picture, "network_calls": "many"}}}, False),
        ({name: value for name, value in good.items() if name != "failed"}, False),
    ):
        (tmp_path / "manifest.json").write_text(json.dumps(found))
        assert (cell_manifest(tmp_path) is not None) == readable


def test_a_cell_of_another_format_is_not_read_and_an_older_one_tells_its_threads(tmp_path: Path) -> None:
    threads = {"OMP_NUM_THREADS": "1", "opencv": 2, "torch": None}
    cell: dict[str, Any] = {name: {} for name in ("options", "weights", "packages", "failed")}
    cell |= {"method": "telea", "version": "1", "environment": {"threads": threads}, "format": 1}
    record = {"sha256": "0", "seconds": "0.1", "network_calls": 0, "peak_memory_mb": ""}
    cell["pictures"] = {"a": record, "b": {**record, "threads": {"opencv": 1}}, "c": record}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(cell))
    found = cell_manifest(tmp_path)
    assert found is not None
    assert found.threads() == [{"opencv": 2}, {"opencv": 1}]
    assert found.pictures["a"].known_mean == ""
    path.write_text(json.dumps({**cell, "format": 2}))
    assert cell_manifest(tmp_path) is None


@pytest.mark.parametrize("command", ["score", "report", "rows", "verify"])
def test_a_manifest_of_an_unknown_format_is_refused(
    tmp_path: Path, bare_manifest: dict[str, Any], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {**bare_manifest, "meaning": {"format": 9, "whatever": "it holds"}}
    (tmp_path / "manifest.json").write_text(json.dumps(found))
    (tmp_path / "scores.csv").write_text("of another kind")
    (tmp_path / "display").mkdir()
    assert main([command, str(tmp_path)]) == 2
    (sentence,) = capsys.readouterr().err.strip().splitlines()
    assert "has format 9, this one reads 1" in sentence
    assert (tmp_path / "display").is_dir()


def test_timings_of_an_older_version_are_read(tmp_path: Path) -> None:
    head, values = ",".join(results.TIMING_COLUMNS), "s,d,m,1-10,a@full,telea,{},0,0.5,0,"
    for more, line, wanted in (("", "", [np.nan] * 2), (",known_mean,known_max", ",0.25,3", [0.25, 3])):
        (tmp_path / "timings.csv").write_text(f"{head}{more}\n{values}{line}\n")
        frame = results.read_csv(tmp_path / "timings.csv", results.TIMING_COLUMNS, results.KNOWN_COLUMNS)
        np.testing.assert_equal(frame[results.KNOWN_COLUMNS].to_numpy(float)[0], wanted)
        assert frame["seconds"].tolist() == [0.5]


def test_a_plan_says_which_field_is_wrong(tmp_path: Path) -> None:
    plan_file(tmp_path).parent.mkdir()
    stored: dict[str, Any] = {
        "suite": "quick", "dataset": "sample", "recipe": "square", "mask_set": "irregular", "mask_source": "",
        "bins": ["1-10"], "seed": 0, "left_out": [], "methods": {"telea": 1}, "seconds": 840,
        "budget": "shared",
        "n": 2, "order": [["b", "1"], ["a", "2"]], "format": 1,
    }  # fmt: skip
    plan_file(tmp_path).write_text(json.dumps(stored))
    plan = load_plan(tmp_path)
    assert list(plan.pictures.items()) == [("b", "1"), ("a", "2")]
    assert (plan.mask_sets, plan.mask_sources) == (("irregular",), {"irregular": ""})  # of an older version
    assert plan.columns() == [("irregular", "1-10")]
    for change, words in (
        ({"order": [["b"]]}, r"order\.0"),
        ({"methods": {"telea": "some"}}, r"methods\.telea: input should be a valid integer"),
        ({"colour": "blue"}, "colour"),
    ):
        plan_file(tmp_path).write_text(json.dumps(stored | change))
        with pytest.raises(InputError, match=f"does not say what to run.*{words}"):
            load_plan(tmp_path)

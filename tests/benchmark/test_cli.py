"""The command line: one run from end to end, exit codes, and one sentence for every bad input."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark import plan as plans
from benchmark import run as runner
from benchmark import score as scorer
from benchmark.__main__ import main


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("INPAINTING_WEIGHTS", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence with which a command is refused."""
    assert main([str(a) for a in arguments]) == 2
    text = capsys.readouterr().err.strip().splitlines()
    assert len(text) == 1
    return text[0]


def test_list_works_without_torch_diffusers_and_gradio() -> None:
    script = (
        "import sys\nfor name in ('torch', 'torchvision', 'diffusers', 'gradio', 'lpips', 'piq', "
        "'torchmetrics', 'matplotlib'):\n"
        "    sys.modules[name] = None\nfrom benchmark.__main__ import main\nsys.exit(main(['list']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for word in (
        "quick",
        "photos",
        "sample",
        "places2",
        "irregular",
        "expand",
        "50-60",
        "telea",
        "lpips_squeeze",
        "psnr",
    ):
        assert word in done.stdout


@pytest.mark.slow
def test_run_score_report_and_verify_in_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = [
        "run",
        "quick",
        "--methods",
        "mean_fill,telea",
        "--n",
        "2",
        "--bins",
        "10-20",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    names = ("scores.parquet", "reasons.parquet", "timings.csv", "manifest.json", "table.md", "table.tex")
    first = {name: (out / name).read_bytes() for name in names}
    text = (out / "table.md").read_text("utf-8")
    assert [text.count(f"# Holes: {kind}\n") for kind in ("irregular", "object")] == [1, 1]
    assert text.count("| Telea | 2 |") >= 2
    for command in (["verify", str(out)], [*arguments, "--only", "run"], ["score", str(out)]):
        assert main(command) == 0
    assert {name: (out / name).read_bytes() for name in names} == first
    assert main([*arguments, "--only", "run", "--redo"]) == main(["score", str(out)]) == 0
    assert (out / "scores.parquet").read_bytes() == first["scores.parquet"]
    (out / "scores.parquet").write_text("changed")
    assert main(["verify", str(out)]) == 1
    capsys.readouterr()


def altered(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


INPUTS = "cells/pictures/irregular/10-20/_inputs"
CELL = "cells/pictures/irregular/10-20/telea/44136fa3-0"


ASKED = ["run", "photos", "--data", "pictures", "--masks", "irregular", "--bins", "10-20", "--size", "64"]
ASKED += ["--methods", "telea", "--out", "out"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """`finished(many)`: a folder in which ASKED has ended, with that MANY."""

    @cache
    def run(many: int) -> Path:
        here = tmp_path_factory.mktemp("finished")
        (here / "pictures").mkdir()
        picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(picture).save(here / "pictures" / "a.png")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("benchmark.finished.MANY", many)
            patch.chdir(here)
            assert main(ASKED) == 0
        return here

    return run


@pytest.mark.parametrize("many", [50_000, 0])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root, data: next((root / CELL).glob("*.png")).unlink(), id="a fill is gone"),
        pytest.param(lambda root, data: altered(next((root / CELL).glob("*.png"))), id="a fill is another"),
        pytest.param(lambda root, data: altered(root / CELL / "manifest.json"), id="a manifest is another"),
        pytest.param(lambda root, data: altered(root / INPUTS / "inputs.json"), id="the masks are others"),
        pytest.param(
            lambda root, data: next((root / INPUTS).glob("*.mask.png")).unlink(), id="a mask is gone"
        ),
        pytest.param(lambda root, data: altered(root / "table.md"), id="the table is another"),
        pytest.param(lambda root, data: altered(data / "a.png"), id="a photograph is another"),
        pytest.param(lambda root, data: shutil.copy(data / "a.png", data / "b.png"), id="a photograph more"),
        pytest.param(lambda root, data: ["--n", "1"], id="asked for a number"),
        pytest.param(lambda root, data: ["--redo"], id="asked anew"),
    ],
)
@pytest.mark.slow
def test_a_finished_run_is_known_at_once_until_something_is_another(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    finished: Callable[[int], Path],
    change: Any,
    many: int,
) -> None:
    shutil.copytree(finished(many), tmp_path, dirs_exist_ok=True)  # with the times of files and folders
    monkeypatch.setattr("benchmark.finished.MANY", many)
    monkeypatch.chdir(tmp_path)
    data, root = Path("pictures"), Path("out")
    before = (root / "table.md").read_bytes()
    made: list[object] = []

    def noted(*given: Any, **named: Any) -> Any:
        made.append(given)
        raise KeyboardInterrupt  # what a run makes of it, other tests say

    monkeypatch.setattr(plans, "make_plan", noted)
    capsys.readouterr()
    assert main(ASKED) == 0
    assert (
        capsys.readouterr().out
        == f"Nothing to do: '{root}' holds all that is asked for.\n{root / 'table.md'}\n"
    )
    assert (made, (root / "table.md").read_bytes()) == ([], before)
    more = change(root, data)
    main([*ASKED, *(more if isinstance(more, list) else [])])
    in_place = many == 0 and "a fill is another" in os.environ["PYTEST_CURRENT_TEST"]
    assert len(made) == (0 if in_place else 1)


@pytest.mark.slow
def test_what_changes_while_a_run_goes_on_is_not_taken_for_what_it_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, root = tmp_path / "pictures", tmp_path / "out"
    data.mkdir()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(data / "a.png")
    asked = ["run", "photos", "--data", str(data), "--masks", "irregular", "--bins", "10-20", "--size", "64"]
    asked += ["--methods", "mean_fill", "--out", str(root)]
    run = runner.run

    def meanwhile(*given: Any, **named: Any) -> Any:
        shutil.copy(data / "a.png", data / "b.png")
        return run(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "run", meanwhile)
        assert main(asked) == 0
    assert main(asked) == 0
    assert "| Mean fill | 2 |" in (root / "table.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "quik"], "did you mean 'quick'"),
        (["run", "quick", "--methods", "teleaa"], "did you mean 'telea'"),
        (["run", "quick", "--methods", ","], "names no method"),
        (["run", "quick", "--masks", "irregular,brushes"], "did you mean 'brush'"),
        (["run", "quick", "--masks", ","], "names no mask set"),
        (["run", "quick", "--bins", "5-15"], "unknown bin"),
        (["run", "quick", "--bins", ","], "names no bin"),
        (["run", "quick", "--budget", "inf"], "--budget must"),
        (["run", "quick", "--device", "cuda:99"], "no 'cuda:99'"),
        (["run", "quick", "--weights", "none"], "no folder 'none'"),
        (["run", "quick", "--only", "rn"], "did you mean 'run'"),
        (["run", "quick", "--metods", "telea"], "did you mean '--methods'"),
        (["run", "quick", "--n", "x"], "invalid int value"),
        (["run"], "required: suite"),
        (["rn", "quick"], "did you mean 'run'"),
        (["masks"], "required"),
        (["score", ""], "path is empty"),
        (["run", "quick", "--n", "0"], "--n must"),
        (["run", "quick", "--address", "host:1"], "--address is for --engine ray"),
        (["run", "quick", "--seed", "-1"], "--seed must"),
        (["run", "quick", "--budget", "nan"], "--budget must"),
        (["run", "photos"], "--data DIR"),
        (["run", "photos", "--data", "no/such/folder"], "no folder 'folder'"),
        (["run", "photos", "--data", ".", "--recipe", "squares"], "did you mean 'square'"),
        (["run", "photos", "--dataset", "place2"], "did you mean 'places2'"),
        (["score", "no/such/results"], "no results folder"),
        (["report", "no/such/results"], "no results folder"),
        (["verify", "no/such/results"], "manifest.json"),
        (["verify", "no/such/results", "--scores", "some"], "--scores takes"),
        (["masks", "import", "."], "white-known"),
        (["masks", "export", "out", "--generator", "brsh"], "did you mean 'brush'"),
        (["masks", "export", "out", "--count", "0"], "--count"),
        (["masks", "export", "out", "--preset", "liu2019"], "did you mean 'liu2018'"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_other_settings_and_foreign_folders_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "run",
        "quick",
        "--methods",
        "mean_fill",
        "--bins",
        "10-20",
        "--only",
        "run",
        "--out",
        tmp_path / "out",
    ]
    assert main([str(a) for a in [*arguments, "--n", "2"]]) == 0
    capsys.readouterr()
    assert "n: 2 there, 1 here" in refused(capsys, *arguments, "--n", "1")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    assert "letter.txt" in refused(capsys, "run", "quick", "--out", tmp_path / "mine")


def test_redo_of_named_methods_leaves_the_others_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run = ["run", "quick", "--masks", "irregular", "--bins", "10-20", "--n", "1", "--only", "run"]
    run += ["--out", str(out)]
    assert main([*run, "--once", "--methods", "mean_fill,telea"]) == 0
    files = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    capsys.readouterr()
    said = refused(capsys, *run, "--redo", "--methods", "telea")
    assert "once: true there, false here" in said
    assert "--redo without --methods" in said
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == files
    assert main([*run, "--once", "--redo", "--methods", "telea"]) == 0
    anew = {path for path in out.rglob("*.png") if path.stat().st_mtime_ns != files[path]}
    assert anew == {path for path in files if "telea" in path.parts}


def test_a_full_disk_and_ctrl_c_have_their_exit_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(error: BaseException) -> None:
        raise error

    arguments = [
        "run",
        "quick",
        "--methods",
        "mean_fill",
        "--n",
        "1",
        "--bins",
        "10-20",
        "--out",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr(
        runner, "run", lambda *_, **__: stop(OSError(errno.ENOSPC, "No space left on device"))
    )
    assert main(arguments) == 2
    assert "disk is full" in capsys.readouterr().err
    monkeypatch.setattr(runner, "run", lambda *_, **__: stop(KeyboardInterrupt()))
    assert main(arguments) == 130
    assert "kept" in capsys.readouterr().err


def test_failures_give_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "score", lambda root, **_: ["telea 10-20 a@full: no luck"])
    arguments = [
        "run",
        "quick",
        "--methods",
        "mean_fill",
        "--n",
        "1",
        "--bins",
        "10-20",
        "--only",
        "run",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(arguments) == 0
    assert main(["score", str(tmp_path / "out")]) == 1


def test_masks_export_and_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "masks"
    assert main(["masks", "export", str(out), "--size", "32", "--count", "3", "--bin", "20-30"]) == 0
    assert len(list(out.glob("*.png"))) == 3
    assert (
        main(["masks", "import", str(out), "--polarity", "white-missing", "--out", str(tmp_path / "taken")])
        == 0
    )
    assert "3 masks" in capsys.readouterr().out

"""The queue on tiny recipes: budgets, what is done when it is stopped and started again, bad lists."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from inpainters.errors import InputError
from inpainters.training import queue
from inpainters.training.loop import Trainer, read_checkpoint
from inpainters.training.recipe import RECIPES

RECIPE = """
method = "{method}"
[network]
{network}
[data]
crop = 32
held_out = 0.3
[optimizer]
batch = 2
bf16 = false
[losses]
network = "none"
[every]
checkpoint_minutes = 0.0
log = 1
validation_pictures = 2
"""
NETWORKS = {
    "gated_conv": 'class = "SlimGatedGenerator"\ncoarse = [4, 8]\ncoarse_dilations = [1]\nrefine = [4, 8]\n'
    "refine_dilations = [2]",
    "partial_conv": "widths = [8, 8]\nkernels = [5, 3]",
}


@pytest.fixture
def entries(tmp_path):
    """`entries(gated_conv="crops = 6", ...)`: a queue.toml of tiny recipes with these budgets."""

    def write(**budgets: str) -> Path:
        parts = []
        for method, budget in budgets.items():
            path = tmp_path / f"{method}.toml"
            path.write_text(RECIPE.format(method=method, network=NETWORKS[method]))
            parts.append(f'[[train]]\nrecipe = "{path}"\n{budget}\n')
        toml = tmp_path / "queue.toml"
        toml.write_text(
            f'data = ["{tmp_path}/photos"]\nout = "{tmp_path}/runs"\ndevice = "cpu"\nniceness = 0\n'
        )
        toml.write_text(toml.read_text() + "\n".join(parts))
        return toml

    return write


def table(toml: Path, capsys) -> dict[str, dict[str, str]]:
    """Weights -> column -> value of `--dry-run`."""
    capsys.readouterr()
    assert queue.main([str(toml), "--dry-run"]) == 0
    head, *lines = (re.split(r"\s{2,}", line) for line in capsys.readouterr().out.splitlines())
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines}


FRESH = "crops = {crops}\ndecay = 2\nfresh = true"


@pytest.mark.slow
def test_a_list_is_trained_in_order_and_exported(entries, photos, tmp_path, capsys):
    toml = entries(gated_conv=FRESH.format(crops=5), partial_conv=FRESH.format(crops=4))
    assert [row["state"] for row in table(toml, capsys).values()] == ["waiting", "waiting"]
    assert not (tmp_path / "runs").exists(), "a dry run writes nothing"
    assert queue.main([str(toml)]) == 0
    said = [line.partition("  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert said == [
        "gated_conv: begins with fresh weights, of 5 crops",
        said[1],
        "partial_conv: begins with fresh weights, of 4 crops",
        said[3],
        "all that the list says is done",
    ]
    assert said[1].startswith("gated_conv: 10 crops in 0.00 h")
    assert said[1].endswith(
        "exported to " + str(tmp_path / "runs/gated_conv/export") + "; next: partial_conv"
    )
    assert said[3].endswith("; next: nothing is left")
    facts = json.loads((tmp_path / "runs/gated_conv/export/gated_conv.json").read_text())
    assert (facts["steps"], facts["crops"], facts["decay_steps"]) == (3 + 2, 10, 2)
    assert read_checkpoint(tmp_path / "runs/gated_conv/checkpoint.pt")["step"] == 3
    rows = table(toml, capsys)
    assert {row["state"] for row in rows.values()} == {"done"}
    assert rows["gated_conv"]["left"] == "0 of 5 crops"
    assert queue.main([str(toml)]) == 0
    assert capsys.readouterr().out.count("\n") == 1, "what is done is left alone"


@pytest.mark.slow
def test_a_larger_budget_goes_on_where_the_run_was(entries, photos, tmp_path, capsys):
    assert queue.main([str(entries(gated_conv=FRESH.format(crops=4)))]) == 0
    toml = entries(gated_conv=FRESH.format(crops=14))
    assert table(toml, capsys)["gated_conv"].items() >= {"state": "begun", "left": "10 of 14 crops"}.items()
    assert queue.main([str(toml)]) == 0
    assert "resumed at step 2" in capsys.readouterr().out
    assert read_checkpoint(tmp_path / "runs/gated_conv/checkpoint.pt")["step"] == 7
    assert json.loads((tmp_path / "runs/gated_conv/export/gated_conv.json").read_text())["steps"] == 9


@pytest.mark.slow
def test_stopped_on_the_way_to_the_export_it_goes_on_there(entries, photos, tmp_path, capsys, monkeypatch):
    toml = entries(gated_conv=FRESH.format(crops=4).replace("decay = 2", "decay = 6"))
    stop_at(monkeypatch, 4)
    assert queue.main([str(toml)]) == 130
    said = capsys.readouterr().out
    assert "stopped at step 4 on the way to its export; next: the same command goes on from here" in said
    assert table(toml, capsys)["gated_conv"]["state"] == "to export"
    monkeypatch.undo()
    assert queue.main([str(toml)]) == 0
    log = (tmp_path / "runs/gated_conv/decay/log.csv").read_text().splitlines()
    rates = [float(line.split(",")[1]) for line in log[1:]]
    assert [line.split(",")[0] for line in log[1:]] == [str(i) for i in range(1, 9)]
    assert rates[2:] == pytest.approx([5e-4 * (1 - i / 6) for i in range(6)], rel=1e-5)  # six digits
    assert json.loads((tmp_path / "runs/gated_conv/export/gated_conv.json").read_text())["steps"] == 8


def stop_at(monkeypatch, step: int) -> None:
    """A signal comes when a run has done so many steps."""
    advance = Trainer.advance

    def signalled(self, *batch):
        row = advance(self, *batch)
        if self.step == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return row

    monkeypatch.setattr(Trainer, "advance", signalled)


@pytest.mark.slow
def test_stopped_by_hand_it_saves_and_the_same_command_goes_on(
    entries, photos, tmp_path, capsys, monkeypatch
):
    toml = entries(gated_conv=FRESH.format(crops=10), partial_conv=FRESH.format(crops=4))
    stop_at(monkeypatch, 2)
    assert queue.main([str(toml)]) == 130
    assert "gated_conv: 4 crops in 0.00 h, stopped at step 2; next: the same" in capsys.readouterr().out
    assert {name: row["state"] for name, row in table(toml, capsys).items()} == {
        "gated_conv": "begun",
        "partial_conv": "waiting",
    }
    monkeypatch.undo()
    assert queue.main([str(toml)]) == 0
    assert "gated_conv: resumed at step 2" in capsys.readouterr().out


@pytest.mark.slow
def test_killed_it_goes_on_from_the_last_checkpoint(entries, photos, tmp_path, forked, capsys):
    toml = entries(gated_conv=FRESH.format(crops=2_000_000))
    code = f"from inpainters.training.queue import main; sys.exit(main({[str(toml)]!r}))"
    process = forked(code, tmp_path / "said.txt")
    checkpoint = tmp_path / "runs/gated_conv/checkpoint.pt"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.is_alive() and not checkpoint.is_file():
        time.sleep(0.01)
    with (
        pytest.raises(InputError, match="Another queue is at work in 'runs'"),
        queue.alone(tmp_path / "runs"),
    ):
        pass
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "said.txt").read_text()
    step = read_checkpoint(checkpoint)["step"]
    toml = entries(gated_conv=FRESH.format(crops=2 * step + 4))
    assert queue.main([str(toml)]) == 0
    assert f"resumed at step {step}" in capsys.readouterr().out
    assert read_checkpoint(checkpoint)["step"] == step + 2


@pytest.mark.slow
def test_the_hours_are_kept(entries, photos, tmp_path, capsys):
    toml = entries(gated_conv=FRESH.format(crops=2_000_000), partial_conv=FRESH.format(crops=4))
    began = time.monotonic()
    assert queue.main([str(toml), "--hours", str(3 / 3600)]) == 0
    assert time.monotonic() - began < 60
    assert "next: the same command goes on from here" in capsys.readouterr().out
    assert table(toml, capsys)["partial_conv"]["state"] == "waiting"


@pytest.mark.slow
def test_a_budget_of_hours_ends_once(entries, photos, tmp_path, capsys):
    toml = entries(gated_conv=f"hours = {2 / 3600}\ndecay = 2\nfresh = true")
    assert queue.main([str(toml)]) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 3
    state = read_checkpoint(tmp_path / "runs/gated_conv/checkpoint.pt")
    assert 2 <= state["seconds"] < 30
    assert table(toml, capsys)["gated_conv"]["left"] == "0.0 of 0.000555556 h"


@pytest.mark.slow
def test_hours_that_outlast_the_recipes_steps_end_with_an_export(entries, photos, tmp_path, capsys):
    toml = entries(gated_conv="hours = 9.0\ndecay = 2\nfresh = true")
    path = tmp_path / "gated_conv.toml"
    path.write_text(path.read_text().replace("[optimizer]", "[optimizer]\nsteps = 3"))
    assert queue.main([str(toml), "--hours", str(30 / 3600)]) == 0
    assert "gated_conv: 10 crops in 0.00 h, exported to" in capsys.readouterr().out
    assert read_checkpoint(tmp_path / "runs/gated_conv/checkpoint.pt")["step"] == 3
    assert table(toml, capsys)["gated_conv"].items() >= {"state": "done", "left": "0.0 of 9 h"}.items()
    path.write_text(path.read_text().replace("steps = 3", "steps = 4"))
    assert table(toml, capsys)["gated_conv"]["state"] == "begun", "the recipe has more steps now"


@pytest.mark.slow
def test_it_begins_with_what_is_bundled_and_counts_that(entries, photos, tmp_path, bundle, capsys):
    assert queue.main([str(entries(gated_conv=FRESH.format(crops=4)))]) == 0
    bundle(tmp_path / "runs/gated_conv/export", "gated_conv")
    shutil.rmtree(tmp_path / "runs/gated_conv")
    toml = entries(gated_conv="crops = 20\ndecay = 1")
    assert table(toml, capsys)["gated_conv"].items() >= {"state": "waiting", "crops": "8"}.items()
    assert queue.main([str(toml)]) == 0
    assert "gated_conv: begins with the bundled weights, after 8 crops" in capsys.readouterr().out
    facts = json.loads((tmp_path / "runs/gated_conv/export/gated_conv.json").read_text())
    assert (facts["steps"], facts["crops"], facts["started"]["crops"]) == (6 + 1, 22, 8)
    toml = entries(gated_conv="crops = 8")
    shutil.rmtree(tmp_path / "runs/gated_conv")
    assert table(toml, capsys)["gated_conv"]["state"] == "done", "the bundled weights have seen as much"


@pytest.mark.slow
def test_what_is_to_be_fresh_does_not_go_on_from_bundled_weights(entries, photos, tmp_path, bundle, capsys):
    assert queue.main([str(entries(gated_conv=FRESH.format(crops=4)))]) == 0
    bundle(tmp_path / "runs/gated_conv/export", "gated_conv")
    shutil.rmtree(tmp_path / "runs/gated_conv")
    assert queue.main([str(entries(gated_conv="crops = 12\ndecay = 1"))]) == 0
    for crops in (12, 20):  # what is exported is enough, or not
        toml = entries(gated_conv=FRESH.format(crops=crops))
        assert table(toml, capsys)["gated_conv"]["state"] == "not fresh"
        assert queue.main([str(toml)]) == 1
        assert "began with bundled weights; remove that folder first" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "runs/gated_conv")
    assert queue.main([str(toml)]) == 0
    assert "gated_conv: begins with fresh weights, of 20 crops" in capsys.readouterr().out
    assert table(toml, capsys)["gated_conv"]["state"] == "done"


def test_a_run_that_cannot_go_on_is_left_for_the_next(entries, photos, tmp_path, capsys):
    toml = entries(gated_conv=FRESH.format(crops=4), partial_conv=FRESH.format(crops=4))
    (tmp_path / "runs/gated_conv").mkdir(parents=True)
    (tmp_path / "runs/gated_conv/checkpoint.pt").write_bytes(b"no checkpoint")
    assert queue.main([str(toml)]) == 1
    said = capsys.readouterr().out
    assert "gated_conv: cannot go on: 'checkpoint.pt' does not fit this recipe or is damaged" in said
    assert table(toml, capsys)["partial_conv"]["state"] == "done"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no 'train'"),
        ("train = []", "train must not be empty"),
        ("[[train]]\nhours = 1.0", "has no 'recipe'"),
        ('[[train]]\nrecipe = "denoiser"', "'denoiser' needs a budget: hours or crops"),
        ('[[train]]\nrecipe = "denoiser"\nhours = 1.0\ncrops = 5', "one of the two"),
        ('[[train]]\nrecipe = "denoiser"\nhours = -1.0', "train.hours must be above 0"),
        ('[[train]]\nrecipe = "denoiser"\nhuors = 1.0', "did you mean 'hours'"),
        ('[[train]]\nrecipe = "denoisr"\nhours = 1.0', "did you mean 'denoiser'"),
        ('nicenes = 3\n[[train]]\nrecipe = "denoiser"\nhours = 1.0', "did you mean 'niceness'"),
        ('niceness = 30\n[[train]]\nrecipe = "denoiser"\nhours = 1.0', "niceness lies between 0 and 19"),
        ('[[train]]\nrecipe = "denoiser"\nhours = 1.0', "There are no training pictures"),
        ("[[train]", "not valid TOML"),
    ],
)
def test_a_wrong_list_is_answered_with_a_sentence(text, said, tmp_path, capsys):
    toml = tmp_path / "list.toml"
    toml.write_text(text)
    assert queue.main([str(toml), "--out", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_a_list_that_is_not_there_is_a_sentence(tmp_path, capsys):
    assert queue.main([str(tmp_path / "nothing.toml")]) == 2
    assert "There is no 'nothing.toml'" in capsys.readouterr().err


def test_the_list_of_the_package_has_every_recipe(tmp_path, capsys):
    assert {entry.recipe for entry in queue.load_queue(queue.QUEUE).train} == {
        path.stem for path in RECIPES.glob("*.toml")
    }
    assert queue.main(["--status", "--out", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(list(RECIPES.glob("*.toml")))

"""Where a run begins: from bundled weights, as they are or grown; what it remembers of them."""

import json
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from inpainters.training import export, recipe
from inpainters.training.__main__ import main
from inpainters.training.bundle import LIMIT
from inpainters.training.bundle import main as bundle_main
from inpainters.training.export import shard, stored
from inpainters.training.loop import read_checkpoint
from inpainters.weights import build, files
from inpainters.weights.build import Undrawn

CONVOLUTIONAL = """
method = "gated_conv"
[network]
class = "SlimGatedGenerator"
coarse = [4, 8]
coarse_dilations = [1]
refine = [4, 8]
refine_dilations = [2]
"""
DENOISER = """
method = "denoiser"
objective = "denoising"
[network]
size = 32
widths = [8, 16]
groups = 4
heads = 8
"""
REST = """
[data]
crop = 32
held_out = 0.3
[optimizer]
batch = 2
rate = 1e-3
average = 0.999
bf16 = false
[losses]
network = "none"
denoising = 1.0
[every]
validation_pictures = 2
"""


@pytest.fixture
def run(tmp_path, photos):
    """`run(recipe, name, *options)`: the exit code of a training in a folder of that name."""

    def start(text: str, name: str, *options: str) -> int:
        toml = tmp_path / "tiny.toml"
        toml.write_text(text + REST)
        common = ["--data", str(photos), "--out", str(tmp_path / name), "--cache", str(tmp_path / "cache")]
        return main([str(toml), *common, "--device", "cpu", *options])

    return start


@pytest.fixture
def bundled(run, bundle, tmp_path):
    """`bundled(recipe, name)`: three steps of the recipe are the bundled weights of the method `name`."""

    def make(text: str, name: str) -> None:
        assert run(text, "before", "--steps", "3") == 0
        assert run(text, "before", "--export") == 0
        bundle(tmp_path / "before/export", name)

    return make


@pytest.mark.slow
def test_a_run_begins_with_the_bundled_weights_and_counts_what_they_saw(run, bundled, tmp_path, capsys):
    bundled(CONVOLUTIONAL, "gated_conv")
    assert run(CONVOLUTIONAL, "on", "--from", "bundled", "--steps", "1") == 0
    assert "begins with the bundled weights, after 6 crops" in capsys.readouterr().out
    state = read_checkpoint(tmp_path / "on/checkpoint.pt")
    stored = load_file(next((tmp_path / "checkpoints").glob("*.safetensors")))
    for name, value in stored.items():
        # One step of the warm-up, 1/200 of the rate, moves no weight further than that.
        assert (state["model"][name] - value.float()).abs().max() <= 1.01e-3 / 200
        assert (state["average"][name] - value.float()).abs().max() <= 1e-5
    assert run(CONVOLUTIONAL, "on", "--from", "bundled", "--resume", "--steps", "4") == 0
    assert "resumed at step 1" in capsys.readouterr().out
    assert run(CONVOLUTIONAL, "on", "--export") == 0
    facts = json.loads((tmp_path / "on/export/gated_conv.json").read_text())
    before = json.loads((files.CHECKPOINTS / "gated_conv.json").read_text())
    assert before["crops"] == 6
    assert facts["started"].items() >= {"weights": "gated_conv", "crops": 6, "hours": before["hours"]}.items()
    assert (facts["steps"], facts["crops"]) == (4, 6 + 4 * 2)
    assert [entry["step"] for entry in facts["history"]] == [0]
    card = (tmp_path / "on/export/gated_conv.md").read_text()
    assert "It began with weights that had learned before" in card
    assert "6 crops in" in card


@pytest.mark.slow
def test_a_larger_denoiser_begins_with_the_bundled_one_grown(run, bundled, tmp_path, capsys):
    bundled(DENOISER, "denoiser")
    large = DENOISER.replace("[8, 16]", "[16, 32]\nattention = [8]")
    assert run(large, "large", "--from", "bundled", "--steps", "1") == 0
    said = capsys.readouterr().out
    assert "begins with the bundled weights, with more width and attention, after 6 crops" in said
    assert run(large, "large", "--export") == 0
    text = (tmp_path / "large/export/denoiser.md").read_text()
    assert "made wider, without changing" in text
    assert "given more attention layers" in text
    assert "more inputs" not in text
    facts = json.loads((tmp_path / "large/export/denoiser.json").read_text())
    assert 3 * facts["started"]["parameters"] < facts["parameters"]
    target = "inpainters.networks.denoiser:Denoiser"
    old, new = (
        build.build_network(target, "denoiser", sorted((tmp_path / name).glob("*.safetensors")))
        for name in ("checkpoints", "large/export")
    )
    noisy = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    one, other = (network(noisy, torch.tensor([10, 700])) for network in (old, new))
    assert (one - other).abs().max() < 0.02, "one step and 16-bit numbers apart"


@pytest.mark.slow
def test_a_method_without_weights_of_its_own_begins_with_those_it_names(run, bundled, tmp_path, capsys):
    bundled(DENOISER, "denoiser")
    own = DENOISER.replace('"denoiser"', '"palette"').replace(
        '"denoising"', '"hole_denoising"\nbegin = "denoiser"'
    )
    own = own.replace("size = 32", "size = 32\ncontext = 1")
    assert run(own, "own", "--from", "bundled", "--steps", "1") == 0
    said = capsys.readouterr().out
    assert "begins with the bundled weights, with more inputs, after 6 crops" in said
    assert read_checkpoint(tmp_path / "own/checkpoint.pt")["started"]["weights"] == "denoiser"
    assert run(own, "own", "--export") == 0
    text = (tmp_path / "own/export/palette.md").read_text()
    assert "The network was then given more inputs, at first with weight 0." in text
    assert "wider" not in text


def test_the_packages_own_weights_are_not_bundled_over_themselves(run, bundle, tmp_path, capsys):
    assert run(CONVOLUTIONAL, "before", "--steps", "1") == 0
    assert run(CONVOLUTIONAL, "before", "--export") == 0
    bundle(tmp_path / "before/export", "gated_conv")
    there = {path.name: path.read_bytes() for path in files.CHECKPOINTS.iterdir()}
    (tmp_path / "link").symlink_to(files.CHECKPOINTS, target_is_directory=True)
    for folder in (files.CHECKPOINTS, tmp_path / "link"):
        assert bundle_main([str(folder)]) == 2
        assert "are the package's own; name a folder" in capsys.readouterr().err
        assert {path.name: path.read_bytes() for path in files.CHECKPOINTS.iterdir()} == there


def test_weights_in_several_files_are_bundled_and_joined(run, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "shard", partial(shard, limit=4_000))
    assert run(CONVOLUTIONAL, "before", "--steps", "1") == 0
    assert run(CONVOLUTIONAL, "before", "--export") == 0
    bundle(tmp_path / "before/export", "gated_conv")
    paths = files.verified_all("gated_conv")
    assert len(paths) > 2
    network = build.build_network("inpainters.networks.gated:GatedGenerator", "gated_conv", paths)
    state = read_checkpoint(tmp_path / "before/checkpoint.pt")["average"]
    assert all(torch.equal(value, state[name].half().float()) for name, value in network.state_dict().items())


@pytest.mark.parametrize("name", [path.stem for path in recipe.RECIPES.glob("*.toml")])
def test_no_file_of_a_recipes_weights_is_too_large(name):
    with Undrawn():
        parts = shard(stored(recipe.load_recipe(name).build()))
    assert all(sum(tensor.nbytes for tensor in part.values()) < 0.97 * LIMIT for part in parts)


def test_weights_that_do_not_fit_are_a_sentence(run, bundled, capsys):
    bundled(CONVOLUTIONAL, "gated_conv")
    wide = CONVOLUTIONAL.replace("refine = [4, 8]", "refine = [8, 8]")
    assert run(wide, "wide", "--from", "bundled", "--steps", "1") == 2
    error = capsys.readouterr().err
    assert "only a denoiser can be grown" in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.slow
def test_parts_that_are_to_be_fresh_do_not_begin_with_bundled_weights(run, bundled, bundle, tmp_path, capsys):
    bundled(CONVOLUTIONAL, "gated_conv")
    fresh = 'fresh = ["coarse"]' + CONVOLUTIONAL
    assert run(fresh, "on", "--from", "bundled", "--steps", "1") == 0
    stored = load_file(next((tmp_path / "checkpoints").glob("*.safetensors")))
    state = read_checkpoint(tmp_path / "on/checkpoint.pt")["average"]
    kept = {name for name, value in stored.items() if torch.allclose(state[name], value.float())}
    assert {name.partition(".")[0] for name in kept} == {"refine"}
    assert run(fresh, "on", "--export") == 0
    bundle(tmp_path / "on/export", "gated_conv")
    assert run(fresh, "again", "--from", "bundled", "--steps", "1") == 0
    assert read_checkpoint(tmp_path / "again/checkpoint.pt")["started"]["fresh"] == [], "trained by now"
    assert run(fresh.replace('["coarse"]', '["corse"]'), "other", "--from", "bundled", "--steps", "1") == 2
    assert "did you mean 'coarse'" in capsys.readouterr().err


def test_weights_that_are_not_bundled_are_a_sentence(run, bundle, capsys):
    assert run(CONVOLUTIONAL, "none", "--from", "bundled", "--steps", "1") == 2
    assert "gated_conv" in capsys.readouterr().err


def test_an_export_takes_no_other_beginning(run, capsys):
    assert run(CONVOLUTIONAL, "none", "--from", "bundled", "--export") == 2
    assert "leave out --from" in capsys.readouterr().err


@pytest.mark.slow
def test_a_card_says_where_the_recipe_changed_on_the_way(run, tmp_path):
    assert run(CONVOLUTIONAL, "run", "--steps", "2") == 0
    assert run(CONVOLUTIONAL + "[masks]\nhigh = 0.4\n", "run", "--resume", "--steps", "4") == 0
    assert run(CONVOLUTIONAL + "[masks]\nhigh = 0.4\n", "run", "--export") == 0
    facts = json.loads((tmp_path / "run/export/gated_conv.json").read_text())
    assert [entry["step"] for entry in facts["history"]] == [0, 2]
    assert facts["history"][0]["settings"]["masks"]["high"] == 0.6
    assert facts["masks"]["high"] == 0.4
    assert "The recipe changed at step 2." in (tmp_path / "run/export/gated_conv.md").read_text()

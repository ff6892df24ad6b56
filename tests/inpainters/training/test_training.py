"""The training loop on a tiny network: resumption, recipes, broken data, export, losses."""

import copy
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from inpainters.errors import InputError
from inpainters.training import data, losses, recipe
from inpainters.training.__main__ import main
from inpainters.training.captured import Captured
from inpainters.training.export import last_scores, shard, trained_with
from inpainters.training.loop import OUTLINE, Stop, Trainer, outlined

RECIPE = """
method = "gated_conv"
title = "Tiny"
[network]
class = "SlimGatedGenerator"
coarse = [4, 8]
coarse_dilations = [1]
refine = [4, 8]
refine_dilations = [2]
[terms]
photos = "drawn by the test"
[data]
crop = 64
held_out = 0.3
[optimizer]
batch = 2
rate = 2e-3
bf16 = false
[losses]
network = "none"
[every]
checkpoint_minutes = 0.0
log = 1
picture = 4
validate = 4
validation_pictures = 3
[cpu.data]
crop = 32
"""


PLAYERS = [
    ("gated_conv", "adversarial = 0.1", "", "guide = 0.5"),
    ("partial_conv", "adversarial = 0.1", 'name = "centre"\nloss = "cross_entropy"', "crop = 128"),
]


CAREFUL = (
    "gated_conv",
    "adversarial = 0.1\nfeatures = 1.0",
    'loss = "cross_entropy"\nr1 = 0.01\nhole_only = true',
    "guide = 0.5",
)
"""What LaMa's authors found to matter."""


def adversarial(method: str, weight: str, player: str, data: str) -> str:
    """The tiny recipe with a discriminator."""
    text = (
        RECIPE.replace('network = "none"', f'network = "none"\n{weight}')
        + f"[discriminator]\nwidths = [8, 8]\n{player}\n"
    )
    text = text.replace("[data]\n", f"[data]\n{data}\n").replace("crop = 128\ncrop = 64", "crop = 128")
    if method == "gated_conv":
        return text
    text = (
        text.replace("[cpu.data]\ncrop = 32\n", "")
        .replace("gated_conv", method)
        .replace("widths = [8, 8]", "widths = [4, 4, 4, 4]")
    )
    network = text[text.index("[network]") : text.index("[terms]")]
    return text.replace(network, "[network]\nwidths = [8, 8]\nkernels = [5, 3]\n")


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


def trainer(toml: Path, photos: Path, out: Path) -> Trainer:
    plan = recipe.load_recipe(str(toml))
    pictures = data.decode([photos], out.parent / "cache", least=plan.data.crop, cap=plan.data.cap)
    return Trainer(plan, pictures, out)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def quiet(_: str) -> None:
    pass


def code(arguments):
    """What `python -m inpainters.training` does with these arguments."""
    return f"from inpainters.training.__main__ import main; sys.exit(main({arguments!r}))"


def together(forked, arguments, said):
    """Two processes that train together, as torchrun would start them; returns what they said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    both = [forked(code(arguments), said, RANK=str(i), LOCAL_RANK=str(i), **group) for i in range(2)]
    for process in both:
        process.join(200)
        assert process.exitcode == 0, said.read_text()
    return said.read_text()


def test_a_resumed_run_repeats_the_loss_curve_and_the_weights(toml, photos, tmp_path):
    whole = trainer(toml, photos, tmp_path / "whole")
    whole.run(Stop(6), quiet)
    trainer(toml, photos, tmp_path / "parts").run(Stop(3), quiet)
    rest = trainer(toml, photos, tmp_path / "parts")
    rest.resume()
    assert rest.step == 3
    rest.run(Stop(6), quiet)
    assert rows(tmp_path / "whole/log.csv") == rows(tmp_path / "parts/log.csv")
    for a, b in zip(whole.average.state_dict().values(), rest.average.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("player", [None, PLAYERS[0]], ids=["alone", "with a discriminator"])
@pytest.mark.slow
def test_a_killed_run_goes_on_where_its_checkpoint_is(player, toml, photos, tmp_path, forked):
    if player:
        toml.write_text(adversarial(*player))
    out = tmp_path / "killed"
    common = [str(toml), "--data", str(photos), "--device", "cpu", "--threads", "1", "--out", str(out)]
    process = forked(code(common), tmp_path / "said.txt")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.is_alive() and not (out / "checkpoint.pt").is_file():
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "said.txt").read_text()
    resumed = trainer(toml, photos, out)
    resumed.resume()
    reached = resumed.step + 3
    resumed.run(Stop(reached), quiet)
    whole = trainer(toml, photos, tmp_path / "whole")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole.run(Stop(reached), quiet)
    finally:
        torch.set_num_threads(threads)
    assert [r["step"] for r in rows(out / "log.csv")] == [str(i + 1) for i in range(reached)]
    for a, b in zip(rows(out / "log.csv"), rows(tmp_path / "whole/log.csv"), strict=True):
        assert float(a["loss"]) == pytest.approx(float(b["loss"]), rel=1e-4)


@pytest.mark.parametrize("player", [*PLAYERS, CAREFUL], ids=["gated_conv", "partial_conv", "careful"])
def test_a_run_with_a_discriminator_resumes_to_the_same_curve(player, toml, photos, tmp_path):
    toml.write_text(adversarial(*player))
    whole = trainer(toml, photos, tmp_path / "whole")
    whole.run(Stop(5), quiet)
    trainer(toml, photos, tmp_path / "parts").run(Stop(2), quiet)
    rest = trainer(toml, photos, tmp_path / "parts")
    rest.resume()
    rest.run(Stop(5), quiet)
    curve = rows(tmp_path / "whole/log.csv")
    assert curve == rows(tmp_path / "parts/log.csv")
    assert all(float(row["discriminator"]) > 0 and row["adversarial"] for row in curve)
    for a, b in zip(
        whole.adversary.network.state_dict().values(),
        rest.adversary.network.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)


def test_a_checkpoint_from_before_the_discriminator_resumes_with_a_fresh_one(toml, photos, tmp_path):
    trainer(toml, photos, tmp_path / "run").run(Stop(2), quiet)
    log = tmp_path / "run/log.csv"
    log.write_text("step,rate,loss,hole\n1,0.1,0.5,0.5\n2,0.1,0.5,0.5\n3,0.1,0.5,0.5\n")
    toml.write_text(adversarial(*PLAYERS[0]))
    run = trainer(toml, photos, tmp_path / "run")
    run.resume()
    run.run(Stop(3), quiet)
    assert [row["discriminator"] != "" for row in rows(log)] == [False, False, True]
    assert [row["step"] for row in rows(log)] == ["1", "2", "3"]


def test_the_discriminator_joins_at_its_step_and_learns_to_tell(toml, photos, tmp_path):
    text = adversarial(
        "gated_conv", "adversarial = 0.0001\nadversarial_from = 2", "rate = 2e-3", "workers = 0"
    )
    toml.write_text(text)
    run = trainer(toml, photos, tmp_path / "run")
    batch = data.Batches(run.pictures, run.train, run.recipe)[0]
    found = [run.advance(*batch) for _ in range(3)]
    assert ["discriminator" in row for row in found] == [False, False, True]
    image, mask = batch[:2]
    learnt = [run.adversary.learn(image, torch.zeros_like(image), mask, None, 1.0).item() for _ in range(100)]
    assert learnt[-1] < 0.75 * learnt[0]


@pytest.mark.parametrize(
    ("player", "term"), [(PLAYERS[0], "adversarial"), (CAREFUL, "adversarial"), (CAREFUL, "features")]
)
def test_a_discriminator_leaves_no_gradient_behind_and_gets_none_from_the_generator(
    player, term, toml, photos, tmp_path
):
    toml.write_text(adversarial(*player))
    run = trainer(toml, photos, tmp_path / "run")
    image, mask, guide = data.Batches(run.pictures, run.train, run.recipe)[0]
    run.learn(image, mask, guide)[0][term].backward()
    assert all(p.grad is None and p.requires_grad for p in run.adversary.network.parameters())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in run.model.parameters())


def test_known_pixels_of_a_composite_are_not_judged_as_drawn(toml, photos, tmp_path):
    toml.write_text(adversarial(*CAREFUL))
    run = trainer(toml, photos, tmp_path / "run")
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 2:5, 20:30] = 1
    scores = torch.arange(2 * 16.0).reshape(1, 2, 4, 4)
    assert run.adversary._drawn(scores, mask).tolist() == [2, 3, 18, 19]


def test_r1_keeps_the_discriminator_flat_at_photographs(toml, photos, tmp_path):
    slopes = []
    for weight in ("0.0", "1.0"):
        toml.write_text(adversarial(*CAREFUL).replace("r1 = 0.01", f"r1 = {weight}\nrate = 2e-3"))
        run = trainer(toml, photos, tmp_path / "run")
        image, mask, guide = data.Batches(run.pictures, run.train, run.recipe)[0]
        for _ in range(40):
            run.adversary.learn(image, torch.zeros_like(image), mask, guide, 1.0)
        real = image.clone().requires_grad_()
        slopes.append(losses.r1(run.adversary.network(real, mask, guide), real).item())
    assert slopes[1] < 0.5 * slopes[0]


def test_sketches_come_with_their_share_and_lie_in_the_hole(toml, photos, tmp_path):
    toml.write_text(RECIPE.replace("[data]\n", "[data]\nguide = 0.5\n"))
    run = trainer(toml, photos, tmp_path / "run")
    batches = data.Batches(run.pictures, run.train, run.recipe)
    found = [batches[i] for i in range(30)]
    drawn = torch.cat([guide.amax((1, 2, 3)) for _, _, guide in found])
    assert 0.2 < drawn.mean() < 0.6
    assert all((guide * (1 - mask)).max() == 0 for _, mask, guide in found)
    toml.write_text(RECIPE)
    for a, b in zip(
        found[3][:2], data.Batches(run.pictures, run.train, recipe.load_recipe(str(toml)))[3], strict=True
    ):
        assert torch.equal(a, b), "sketches change neither pictures nor masks"


def test_only_the_stages_that_the_recipe_names_are_trained_and_scored(toml, photos, tmp_path):
    toml.write_text(RECIPE.replace('title = "Tiny"', "stages = 1"))
    run = trainer(toml, photos, tmp_path / "run")
    before = [p.clone() for p in run.model.refine.parameters()]
    run.run(Stop(2), quiet)
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.refine.parameters(), strict=True))
    assert "coarse" not in run.learn(*data.Batches(run.pictures, run.train, run.recipe)[0])[0]
    assert len(run.fill(*data.validation(run.pictures, run.held, run.recipe, 2))) == 1


@pytest.mark.parametrize("method", ["gated_conv", "partial_conv"])
@pytest.mark.slow
def test_two_processes_train_like_one_with_the_whole_batch(method, toml, photos, tmp_path, forked):
    text = adversarial(*next(player for player in PLAYERS if player[0] == method))
    toml.write_text(text.replace("batch = 2", "batch = 4"))
    common = [str(toml), "--data", str(photos), "--device", "cpu", "--threads", "1", "--steps", "4"]
    assert main([*common, "--out", str(tmp_path / "one")]) == 0
    said = together(forked, [*common, "--out", str(tmp_path / "two")], tmp_path / "said.txt")
    assert said.count("stopped at step 4") == 1, "the first process alone speaks"
    one, two = rows(tmp_path / "one/log.csv"), rows(tmp_path / "two/log.csv")
    assert len(one) == len(two) == 4
    for a, b in zip(one, two, strict=True):
        assert {k: float(v) for k, v in a.items() if v} == pytest.approx(
            {k: float(v) for k, v in b.items() if v}, rel=1e-5, abs=1e-5
        )
    a, b = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["average"] for name in ("one", "two")
    )
    for key, value in a.items():
        torch.testing.assert_close(value, b[key], rtol=1e-3, atol=1e-4)
    if method == "partial_conv":
        exported = [*common, "--out", str(tmp_path / "two"), "--export", "2"]
        together(forked, exported, tmp_path / "exported.txt")
        facts = json.loads((tmp_path / "two/export/partial_conv.json").read_text())
        assert (facts["steps"], facts["decay_steps"], facts["hardware"]) == (
            6,
            2,
            "2 threads of a processor, no GPU",
        )


GROUP = """
import os, weakref
import torch
from inpainters.training import parallel

other = os.fork()
os.environ["RANK"] = os.environ["LOCAL_RANK"] = "0" if other else "1"
with parallel.group("cpu"):
    assert parallel.world() == 2
    group = weakref.ref(torch.distributed.group.WORLD)
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([weight])
    weight.sum().backward()
    parallel.average_gradients([weight])
    optimizer.step()
assert group() is None
assert not other or os.waitpid(other, 0)[1] == 0
"""


@pytest.mark.slow
def test_nothing_of_the_process_group_outlives_it():
    """Threads of a group that lives on abort the process now and then when Python shuts down."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    environment = os.environ | group | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", GROUP]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_asked_to_stop_all_processes_end_and_what_is_done_is_saved(toml, photos, tmp_path):
    out = tmp_path / "run"
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "inpainters.training",
    ]
    command = [
        *launcher,
        str(toml),
        "--data",
        str(photos),
        "--device",
        "cpu",
        "--threads",
        "1",
        "--out",
        str(out),
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (out / "checkpoint.pt").is_file():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=100)
    step = torch.load(out / "checkpoint.pt", weights_only=True)["step"]
    assert f"stopped at step {step}; add --resume" in said
    assert [row["step"] for row in rows(out / "log.csv")] == [str(i + 1) for i in range(step)]


@pytest.mark.slow
def test_training_lowers_the_loss_in_the_hole(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    image, mask = data.Batches(run.pictures, run.train, run.recipe)[0]
    before = run.learn(image, mask)[0]["hole"].item()
    for _ in range(100):
        run.advance(image, mask)
    assert run.learn(image, mask)[0]["hole"].item() < 0.7 * before


def test_a_gradient_that_is_not_finite_stops_the_run_with_a_sentence(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    torch.nn.init.constant_(run.model.refine.head.weight, float("nan"))
    with pytest.raises(InputError, match=r"lower optimizer\.rate"):
        run.run(Stop(1), quiet)


def test_worker_processes_change_nothing(toml, photos, tmp_path):
    trainer(toml, photos, tmp_path / "none").run(Stop(2), quiet)
    toml.write_text(RECIPE.replace("held_out", "workers = 2\nheld_out"))
    trainer(toml, photos, tmp_path / "two").run(Stop(2), quiet)
    assert rows(tmp_path / "none/log.csv") == rows(tmp_path / "two/log.csv")


def test_both_networks_train(toml, photos, tmp_path):
    network = RECIPE[RECIPE.index("[network]") : RECIPE.index("[terms]")]
    toml.write_text(
        RECIPE.replace(network, "[network]\nwidths = [8, 8]\nkernels = [5, 3]\n").replace(
            "gated_conv", "partial_conv"
        )
    )
    run = trainer(toml, photos, tmp_path / "run")
    image, mask = data.Batches(run.pictures, run.train, run.recipe)[0]
    before = run.learn(image, mask)[0]["hole"].item()
    for _ in range(60):
        run.advance(image, mask)
    assert run.learn(image, mask)[0]["hole"].item() < 0.8 * before


def test_the_perceptual_distance_looks_from_another_corner_each_step(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    seen = []
    for run.step in range(30):
        offset = run._offset(32)
        assert offset == run._offset(32)
        seen.append(offset)
    assert len(set(seen)) > 10
    assert all(0 <= value < 8 for offset in seen for value in offset)


WAYS = {"as drawn": slice(None), "mirrored": slice(None, None, -1)}


def test_holes_from_a_bank_are_drawn_once_and_turned(toml, photos, tmp_path, monkeypatch):
    run = trainer(toml, photos, tmp_path / "run")
    given = replace(run.recipe, masks=replace(run.recipe.masks, bank=3))
    one, other = (data.Batches(run.pictures, run.train, given) for _ in range(2))
    drawn = data.bank(given.masks, given.data.crop, 3, given.seed)
    monkeypatch.setattr(data, "draw_mask", None)
    turned = [np.rot90(hole, turns) for hole in drawn for turns in range(4)]
    sides = {
        name: [np.ascontiguousarray(hole[:, way]).tobytes() for hole in turned] for name, way in WAYS.items()
    }
    found = {hole.tobytes() for step in range(12) for hole in one[step][1][:, 0].bool().numpy()}
    assert found <= {*sides["as drawn"], *sides["mirrored"]}
    assert found - {*sides["as drawn"]}
    assert found - {*sides["mirrored"]}
    assert len(found) > 3
    assert torch.equal(one[5][1], other[5][1])


def test_a_gradient_that_is_not_finite_ends_the_run_before_it_reaches_weights_or_checkpoint(
    toml, photos, tmp_path, monkeypatch
):
    run = trainer(toml, photos, tmp_path / "run")
    run.run(Stop(2), lambda line: None)
    before, saved = copy.deepcopy(run.model.state_dict()), (run.out / "checkpoint.pt").read_bytes()
    learn = run.learn

    def spoiled(*batch):
        terms, drawn = learn(*batch)
        return {name: value * float("nan") for name, value in terms.items()}, drawn

    monkeypatch.setattr(run, "learn", spoiled)
    with pytest.raises(InputError, match="no longer finite at step 2"):
        run.run(Stop(4), lambda line: None)
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())
    assert (run.out / "checkpoint.pt").read_bytes() == saved


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_recorded_steps_are_those_that_are_taken_as_usual():
    """On a GPU: the weights after ten steps, noise in each, and another rate from the sixth on."""

    def trained(recorded):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(3, 3, 3, padding=1, device="cuda")
        optimizer = torch.optim.AdamW(layer.parameters(), 1e-2, fused=True)

        def update(image, mask):
            optimizer.zero_grad(set_to_none=True)
            loss = (mask * (layer(image + torch.randn_like(image)) - image)).square().mean()
            loss.backward()
            optimizer.step()
            return {"loss": loss.detach()}

        step = Captured(update, optimizer, torch.device("cuda")) if recorded else None
        losses_seen = []
        for number in range(10):
            torch.manual_seed(number)
            image = torch.rand(2, 3, 8, 8, device="cuda")
            mask, rate = (image[:, :1] > 0.5).float(), 1e-2 if number < 5 else 1e-3
            for group in optimizer.param_groups if step is None else ():
                group["lr"] = rate
            values = step(image, mask, rate) if step else update(image, mask)
            losses_seen.append(values["loss"].item())
        return losses_seen, layer.weight.detach().cpu()

    (usual, weights), (replayed, same) = trained(False), trained(True)
    assert replayed == pytest.approx(usual, rel=1e-4)
    torch.testing.assert_close(same, weights, rtol=1e-4, atol=1e-5)
    assert len(set(replayed)) == 10


def test_a_step_is_captured_only_where_all_of_it_can_be():
    table = {
        "method": "denoiser",
        "objective": "denoising",
        "network": {"size": 32},
        "data": {"crop": 32, "cap": 32},
    }
    captured = {**table, "optimizer": {"capture": True}}
    assert recipe.parse({**captured, "losses": {"network": "none"}}).optimizer.capture
    none = {"losses": {"network": "none"}}
    for wrong in (
        {},
        {"losses": {"network": "none", "adversarial": 1.0}},
        {**none, "data": {**table["data"], "guide": 0.5}},
        {**none, "objective": "inpainting", "method": "lama", "network": {}},
    ):
        with pytest.raises(InputError, match="capture"):
            recipe.parse({**captured, **wrong})
    plain = {**table, "losses": {"network": "none"}}
    alike = recipe.parse({**captured, "losses": {"network": "none"}}), recipe.parse(plain)
    assert alike[0].digest == alike[1].digest, "how it is computed changes nothing that is learned"


def test_broken_pictures_are_skipped_and_counted(toml, photos, tmp_path):
    pictures = trainer(toml, photos, tmp_path / "run").pictures
    assert len(pictures) == 10
    assert pictures.skipped == 1
    assert "photos/broken.png" not in pictures.names
    original = np.asarray(PilImage.open(photos / "3.png"))
    np.testing.assert_array_equal(pictures[pictures.names.index("photos/3.png")], original)


def test_no_picture_both_trains_and_validates(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    assert run.held
    assert sorted(run.train + run.held) == list(range(10))


def test_batches_depend_on_seed_and_step_alone_and_masks_keep_their_range(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    one, other = (data.Batches(run.pictures, run.train, run.recipe) for _ in range(2))
    other[3]
    assert torch.equal(one[7][0], other[7][0])
    assert torch.equal(one[7][1], other[7][1])
    assert not torch.equal(one[7][0], one[8][0])
    shares = torch.cat([one[i][1].mean((1, 2, 3)) for i in range(40)])
    assert shares.min() < 0.1
    assert 0.5 < shares.max() <= 0.61


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch = 2", "bacth = 2", "did you mean 'batch'"),
        ("[losses]", "[loses]", "did you mean 'losses'"),
        ("[cpu.data]", "[cpu.dta]", "did you mean 'data'"),
        ("coarse = [4, 8]", "corse = [4, 8]", "did you mean 'coarse'"),
        ('"gated_conv"', '"gated_con"', "did you mean 'gated_conv'"),
        ('"SlimGatedGenerator"', '"GatedGenerater"', "did you mean 'GatedGenerator'"),
        ('"SlimGatedGenerator"', '"Stage"', "unknown network class of gated_conv 'Stage'"),
        ("batch = 2", 'batch = "two"', "expected int"),
        ('method = "gated_conv"', "", "no 'method'"),
        ("[network]", "[network", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_answered_with_a_sentence(toml, old, new, said, photos, capsys):
    assert old in RECIPE
    toml.write_text(RECIPE.replace(old, new))
    assert main([str(toml), "--data", str(photos)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.slow
def test_shipped_recipes_are_valid_on_both_devices():
    for path in recipe.RECIPES.glob("*.toml"):
        for device in ("cpu", "cuda"):
            plan = recipe.load_recipe(path.stem, device=device)
            assert plan.method == path.stem
            assert plan.limits
            assert not plan.losses.adversarial or plan.build_discriminator()
    with pytest.raises(InputError, match="did you mean 'gated_conv'"):
        recipe.load_recipe("gated_con")


def test_the_cpu_section_holds_on_the_cpu_alone(toml):
    assert recipe.load_recipe(str(toml), device="cpu").data.crop == 32
    assert recipe.load_recipe(str(toml), device="cuda").data.crop == 64


def test_a_network_of_another_class_replaces_the_whole_section_on_the_cpu(toml, monkeypatch):
    from torch import nn

    from inpainters.networks import gated

    class OtherGenerator(nn.Module):
        def __init__(self, depth: int = 1) -> None:
            super().__init__()
            self.depth = depth

        def forward(self, image, mask):
            return [image]

    monkeypatch.setattr(gated, "OtherGenerator", OtherGenerator, raising=False)
    toml.write_text(RECIPE + '[cpu.network]\nclass = "OtherGenerator"\ndepth = 3\n')
    assert recipe.load_recipe(str(toml), device="cpu").build().depth == 3
    assert isinstance(recipe.load_recipe(str(toml), device="cuda").build(), gated.SlimGatedGenerator)
    toml.write_text(RECIPE + "[cpu.network]\ncoarse = [8, 8]\n")
    assert recipe.load_recipe(str(toml), device="cpu").network == {
        "class": "SlimGatedGenerator",
        "coarse": [8, 8], "coarse_dilations": [1], "refine": [4, 8], "refine_dilations": [2],
    }  # fmt: skip


def test_a_missing_folder_and_an_existing_checkpoint_are_answered_with_a_sentence(
    toml, photos, tmp_path, capsys, monkeypatch
):
    assert main([str(toml), "--data", str(tmp_path / "nowhere")]) == 2
    assert "'nowhere' is not there" in capsys.readouterr().err
    common = [str(toml), "--data", str(photos), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main([*common, "--steps", "1"]) == 0
    assert main([*common, "--steps", "2"]) == 2
    assert "--resume" in capsys.readouterr().err
    (tmp_path / "run/checkpoint.pt").write_bytes(b"not a checkpoint")
    assert main([*common, "--resume"]) == 2
    assert "damaged" in capsys.readouterr().err
    for error, words in (
        (AssertionError(), "damaged (AssertionError)"),
        (MemoryError(), "not enough memory"),
    ):

        def broken(path, error=error, load=torch.load, **how):
            if Path(path).name == "checkpoint.pt":
                raise error
            return load(path, **how)

        with monkeypatch.context() as patched:
            patched.setattr(torch, "load", broken)
            assert main([*common, "--resume"]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required"),
        (["gated_conv"], "--data"),
        (["gated_con", "--data", "photos"], "did you mean 'gated_conv'"),
        (["nowhere.toml", "--data", "photos"], "unknown recipe"),
        (["gated_conv", "--dta", "photos"], "did you mean '--data'"),
        (["gated_conv", "--data", "photos", "--steps", "0"], "must be 1 or more"),
        (["gated_conv", "--data", "photos", "--steps", "many"], "no whole number"),
        (["gated_conv", "--data", "photos", "--hours", "-1"], "no number of hours"),
        (["gated_conv", "--data", "photos", "--device", "gpu"], "--device is auto, cpu"),
        (["gated_conv", "--data", "photos", "--device", "cuda:99"], "no device 'cuda:99'"),
        (["gated_conv", "--data", "photos", "--weights", "nowhere"], "no folder 'nowhere'"),
    ],
)
def test_bad_arguments_are_answered_with_one_sentence(arguments, said, capsys):
    assert (
        main([*arguments, *(["--device", "cpu"] if "--device" not in arguments and arguments else [])]) == 2
    )
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch = 2", "batch = 0", "optimizer.batch must be 1 or more"),
        ("batch = 2", "betas = [0.9]", "expected 2 values"),
        ("held_out = 0.3", "cap = 16", "data.cap must be data.crop or more"),
        ("batch = 2", 'betas = ["a", "b"]', "expected float"),
        ('network = "none"', 'network = "vgg"', "did you mean 'vgg16'"),
        ('network = "none"', 'distance = "l3"', "unknown losses.distance"),
        ("[data]", "[data]\nguide = 2.0", "data.guide is a share between 0 and 1"),
        ("[data]", "[masks]\nwindow = 0.0\n[data]", "masks.window must be above 0"),
        ("rate = 2e-3", "rate = -1.0", "optimizer.rate must be above 0"),
        ("batch = 2", "betas = [0.9, 1.0]", "optimizer.betas must lie"),
        ("batch = 2", "average = 1.0", "optimizer.average"),
        ('network = "none"', "hole = -1.0", "weights of [losses]"),
        ('title = "Tiny"', "seed = -1", "seed and stages"),
        ("[data]", "[masks]\nmix = { irregulr = 1.0 }\n[data]", "did you mean 'irregular'"),
        ("[data]", '[masks]\nmix = { irregular = "all" }\n[data]', "a share above 0"),
        ('network = "none"', "features = 1.0", "losses.features needs losses.adversarial"),
        ("[terms]", "[discriminator]\nr1 = -1.0\n[terms]", "discriminator.r1 must be 0 or more"),
        ("coarse = [4, 8]", 'coarse = ["a"]', "can be built from [network]"),
        ("[terms]", '[discriminator]\nname = "patch"\n[terms]', "unknown discriminator.name"),
    ],
)
def test_a_wrong_value_is_answered_with_a_sentence(toml, old, new, said, photos, tmp_path, capsys):
    assert old in RECIPE
    toml.write_text(RECIPE.replace(old, new))
    assert main([str(toml), "--data", str(photos), "--device", "cpu", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cpu = 3", r"\[cpu\] is a section"),
        ("data = 3", "expected Data"),
        ("limits = [0.5]", "list of texts"),
        ("discriminator.widths = [8, 0]", "list of whole numbers above 0"),
        ("terms = {faces = 3}", "tiny.toml, terms, faces: expected str, not '3'"),
        ("losses.hole = nan", "losses, hole: expected finite number, not 'nan'"),
        ("optimizer.bf16 = 1", "expected bool, not '1'"),
        ("optimizer.batch = 2.0", "expected int, not '2.0'"),
        ("masks.mix = {}", "a mask generator with a share above 0"),
        ('objective = "denoisin"', "unknown objective 'denoisin'; did you mean 'denoising'"),
    ],
)
def test_a_section_that_is_none_is_answered_with_a_sentence(toml, line, said):
    toml.write_text(f'method = "gated_conv"\n{line}\n')
    with pytest.raises(InputError, match=said):
        recipe.load_recipe(str(toml))


def test_a_network_without_a_guide_is_not_given_one():
    with pytest.raises(InputError, match="PartialUNet takes no guide"):
        recipe.parse({"method": "partial_conv", "data": {"guide": 0.5}})


def test_data_folders_that_hold_nothing_of_use_are_answered_with_a_sentence(toml, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/a.png").write_bytes(b"no picture")
    for name, said in (("empty", "'empty' holds no pictures"), ("broken", "None of the 1 pictures")):
        assert (
            main(
                [str(toml), "--data", str(tmp_path / name), "--out", str(tmp_path / "out"), "--device", "cpu"]
            )
            == 2
        )
        assert said in capsys.readouterr().err


def test_broken_pictures_are_counted_in_the_log(toml, photos, tmp_path, capsys):
    assert (
        main(
            [
                str(toml),
                "--data",
                str(photos),
                "--out",
                str(tmp_path / "out"),
                "--device",
                "cpu",
                "--steps",
                "1",
            ]
        )
        == 0
    )
    assert "10 pictures, 1 skipped as unreadable" in capsys.readouterr().out


def test_a_damaged_cache_is_made_anew(toml, photos, tmp_path):
    first = trainer(toml, photos, tmp_path / "run").pictures
    wanted = np.array(first[2])
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    np.testing.assert_array_equal(trainer(toml, photos, tmp_path / "run").pictures[2], wanted)


def test_a_checkpoint_of_another_network_is_refused_with_a_sentence(toml, photos, tmp_path, capsys):
    common = [str(toml), "--data", str(photos), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main([*common, "--steps", "1"]) == 0
    toml.write_text(RECIPE.replace("coarse = [4, 8]", "coarse = [8, 8]"))
    assert main([*common, "--resume", "--steps", "2"]) == 2
    assert "does not fit this recipe" in capsys.readouterr().err
    assert main([*common[:-4], "--out", str(tmp_path / "nothing"), "--resume"]) == 2
    assert "run without --resume" in capsys.readouterr().err


@pytest.mark.slow
def test_export_after_a_falling_rate_leaves_the_checkpoint_alone(toml, photos, tmp_path):
    from safetensors.torch import load_file

    toml.write_text(RECIPE.replace('title = "Tiny"', 'limits = ["It cannot fly."]'))
    out = tmp_path / "run"
    common = [str(toml), "--data", str(photos), "--out", str(out), "--device", "cpu"]
    assert main([*common, "--steps", "4"]) == 0
    before = (out / "checkpoint.pt").read_bytes()
    assert main([*common, "--export", "3"]) == 0
    assert (out / "checkpoint.pt").read_bytes() == before
    rates = [float(row["rate"]) for row in rows(out / "decay/log.csv")[4:]]
    assert rates == pytest.approx([rates[0], rates[0] * 2 / 3, rates[0] / 3], rel=1e-4)
    weights = {k: v for path in (out / "export").glob("*.safetensors") for k, v in load_file(path).items()}
    recipe.load_recipe(str(toml)).build().load_state_dict(weights)
    assert all(v.dtype == torch.float16 for v in weights.values())
    card = json.loads(
        (out / "export/gated_conv.json").read_text(), parse_constant=pytest.fail
    )  # NaN is no JSON
    assert card["steps"] == 7
    assert card["skipped"] == 1
    assert card["data"] == [{"name": "photos", "pictures": 10, "terms": "drawn by the test"}]
    assert set(card["validation"]["compact"]) == {"gated_conv", "telea"}
    text = (out / "export/gated_conv.md").read_text()
    for said in (
        "drawn by the test",
        "1 could not be read",
        "It cannot fly.",
        "n = 1",
        "--data photos --from bundled --resume",
        "gated_conv.png",
    ):
        assert said in text, said
    assert "No perceptual network was used" in text
    assert card["trained_with"] == []
    with PilImage.open(out / "export/gated_conv.png") as curve:
        assert np.asarray(curve.convert("L")).std() > 10
    assert list((out / "pictures").glob("*.png"))


@pytest.mark.parametrize(
    ("network", "perceptual", "seen"),
    [
        ("lpips_squeeze", 1.0, ["squeezenet"]),
        ("vgg16", 1.0, ["vgg16"]),
        ("lpips_squeeze", 0.0, []),
        ("none", 1.0, []),
    ],
)
def test_a_card_names_the_perceptual_network_that_was_seen(network, perceptual, seen):
    plan = recipe.parse({"method": "gated_conv", "losses": {"network": network, "perceptual": perceptual}})
    assert trained_with(plan) == seen


def test_shards_keep_order_and_stay_below_the_limit():
    weights = {str(i): torch.zeros(n) for i, n in enumerate([3, 4, 5, 30, 1])}
    parts = shard(weights, limit=40)
    assert [list(part) for part in parts] == [["0", "1"], ["2"], ["3"], ["4"]]


def test_held_out_pictures_have_compact_and_irregular_holes_in_turn(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    run.held = list(range(10))
    _, masks = run.sample(10)
    compact, irregular = ([data.depth(mask) for mask in masks[i::2]] for i in (0, 1))
    assert np.mean(compact) > 1.3 * np.mean(irregular)
    assert all(mask.mean() >= 0.19 for mask in masks)
    again = trainer(toml, photos, tmp_path / "other")
    again.held = list(range(10))
    assert all(np.array_equal(a, b) for a, b in zip(masks, again.sample(10)[1], strict=True))


def test_compact_and_irregular_holes_are_scored_apart(toml, photos, tmp_path):
    run = trainer(toml, photos, tmp_path / "run")
    run.held = list(range(3))
    said = run.validate()
    found = rows(tmp_path / "run/validation.csv")
    assert [(row["method"], row["holes"], row["pictures"]) for row in found] == [
        ("gated_conv", "compact", "2"),
        ("gated_conv", "irregular", "1"),
        ("telea", "compact", "2"),
        ("telea", "irregular", "1"),
    ]
    images, masks = run.sample(3)
    fills = run.fill(images, masks)[-1]
    error = (np.abs(fills[1].astype(float) - images[1])[masks[1]] / 255).mean()
    assert float(found[1]["l1_hole"]) == pytest.approx(error, abs=1e-4)
    assert "holes irregular" in said


def test_scores_from_before_holes_were_told_apart_are_mixed(tmp_path):
    path = tmp_path / "validation.csv"
    path.write_text("step,method,pictures,lpips_squeeze,l1_hole,psnr_hole\n5,denoiser,8,0.2,0.1,nan\n")
    assert last_scores(path) == {
        "mixed": {"denoiser": {"step": 5, "pictures": 8, "lpips_squeeze": 0.2, "l1_hole": 0.1}}
    }


def test_a_picture_for_the_eye_is_twice_as_large_with_its_hole_outlined():
    picture = np.random.default_rng(0).integers(0, 200, (8, 8, 3), np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[2:5, 3:6] = True
    seen = outlined(picture, mask)
    line = (seen == OUTLINE).all(-1)
    assert seen.shape == (16, 16, 3)
    np.testing.assert_array_equal(seen[4:10, 6:12], np.kron(picture[2:5, 3:6], np.ones((2, 2, 1), np.uint8)))
    assert line.sum() == 4 * 6 + 4, "one pixel around six by six"
    assert line[3, 5:13].all()


@pytest.mark.parametrize(
    ("mix", "low", "high", "wanted"),
    [({"box_center": 1.0}, 0.25, 0.25001, 16), ({"box_center": 1.0}, 0.0625, 0.0626, 8)],
)
def test_what_a_training_covers_is_measured(mix, low, high, wanted):
    """A square of a quarter of the area is half as wide as the picture, its middle a quarter from the rim."""
    masks = recipe.Masks(mix=mix, low=low, high=high)
    assert data.covered(masks, 64, 20) == {"side": 64, "depth": pytest.approx(wanted, abs=0.6)}


@pytest.mark.slow
def test_shipped_recipes_train_small_pictures_with_deep_holes_on_a_processor():
    for name in ("gated_conv", "contextual_attention", "pen_net", "partial_conv", "latent_diffusion"):
        plan = recipe.load_recipe(name)
        assert 64 <= plan.data.crop <= 96
        assert plan.masks.mix["object"] == 0.5 * sum(plan.masks.mix.values())
        deep = [data.depth(data.draw_mask(plan.masks, 96, np.random.default_rng(i), i)) for i in range(60)]
        assert np.percentile(deep, 75) > 12


def test_slow_masks_are_drawn_once_and_depend_on_their_number_alone():
    masks = recipe.Masks(mix={"object": 1.0}, low=0.1, high=0.3)
    one, same, other = (
        data.draw_mask(masks, 32, np.random.default_rng(4), seed) for seed in (7, 7 + data.MASKS_KEPT, 8)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert 0.09 < one.mean() < 0.31

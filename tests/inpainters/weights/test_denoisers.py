"""The option `model` against diffusers' own steps, and a sentence for each thing that is no unconditional
denoiser of pictures.
"""

import itertools
import json
import math
import re
import shutil
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, PNDMScheduler, UNet2DModel
from huggingface_hub import errors as hub
from PIL import Image as PilImage
from safetensors.torch import load_file, save_file

from inpainters import registry
from inpainters.__main__ import main
from inpainters.base import InpaintRequest
from inpainters.errors import InputError, UnavailableError
from inpainters.methods.diffusion.estimates import estimates
from inpainters.registry import create
from inpainters.strategy import workload
from inpainters.weights import denoisers

SIZE = 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def unet(**settings):
    """A random network with attention, whose output is far from 0."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        given = {
            "sample_size": SIZE,
            "block_out_channels": (16, 32),
            "layers_per_block": 1,
            "norm_num_groups": 4,
            "attention_head_dim": 8,
            "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
            "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        }
        net = UNet2DModel(**(given | settings)).eval().requires_grad_(False)
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return net


@pytest.fixture
def folder(tmp_path):
    """`folder(...)`: a saved pipeline; `unet` and `scheduler` add to the JSON files, None takes one away."""

    def make(net=None, noise=None, *, safe=True, index=None, **edits):
        path = tmp_path / "model"
        shutil.rmtree(path, ignore_errors=True)
        DDPMPipeline(net or unet(), noise or DDPMScheduler()).save_pretrained(path, safe_serialization=safe)
        for name, changes in edits.items():
            edit(path / name / ("config.json" if name == "unet" else "scheduler_config.json"), changes)
        edit(path / "model_index.json", index or {})
        return path

    return make


def edit(path, changes):
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def picture(height=SIZE, width=SIZE):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def hole(height=SIZE, width=SIZE):
    mask = np.zeros((height, width), bool)
    mask[10:20, 12:22] = True
    return mask


def fill(model, *, name="replacement", image=None, mask=None, **options):
    options = {"steps": 6, "resamplings": 1, **options}
    method = create(name, device="cpu", model=str(model), **options)
    return method(InpaintRequest(picture() if image is None else image, hole() if mask is None else mask))


def tensors(seed=0, count=1):
    return torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


# What a model draws


@pytest.mark.parametrize(
    "noise",
    [
        DDPMScheduler(),
        DDIMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction"),
        PNDMScheduler(beta_schedule="scaled_linear", beta_start=0.001, beta_end=0.012),
        DDPMScheduler(beta_schedule="sigmoid", prediction_type="sample", clip_sample_range=0.5),
        DDPMScheduler(100, trained_betas=np.linspace(0.001, 0.1, 100).tolist()),
    ],
    ids=lambda noise: f"{type(noise).__name__}-{noise.config.beta_schedule}",
)
@pytest.mark.parametrize("safe", [True, False])
def test_estimates_are_those_of_the_pipelines_own_scheduler(folder, noise, safe):
    path, net = folder(noise=noise, safe=safe), unet()
    assert (path / "unet" / denoisers.WEIGHT_FILES[not safe]).is_file()
    mine = denoisers.load_denoiser(str(path))
    reference = noise if isinstance(noise, DDPMScheduler) else DDPMScheduler.from_config(noise.config)
    for t in (0, 50, 99):
        noisy = tensors(t, 2)
        with torch.inference_mode():
            found = estimates(mine)(noisy, t)
            wanted = reference.step(net(noisy, t).sample, t, noisy).pred_original_sample
        assert (found.clean - wanted).abs().max() <= 1e-4
        assert wanted.abs().mean() > 0.05
    assert np.allclose(mine.scheduler.alphas_cumprod, noise.alphas_cumprod)


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_fill_is_the_samplers_loop_with_diffusers_own_steps(folder, rounds):
    """Replacement by hand: DDPMScheduler's estimate and step, and the known pixels put in as noisy (Song et
    al. 2021). In all rounds of a level but the last, the corrector's: DDPMScheduler's noising of it.
    """
    path, net, noise = folder(), unet(), DDPMScheduler()
    result = fill(path, resamplings=rounds)
    image, mask = picture(), hole()
    known = torch.from_numpy(np.where(mask[..., None], 0, image)).permute(2, 0, 1)[None] / 127.5 - 1
    generator = torch.Generator().manual_seed(0)

    def draw():
        return torch.empty(SIZE, SIZE, 3).normal_(generator=generator).permute(2, 0, 1)[None]

    noisy = draw()
    for t, last in itertools.product(range(5 * 166, -1, -166), [*[False] * (rounds - 1), True]):
        abar, before = noise.alphas_cumprod[t], noise.alphas_cumprod[t - 166] if t else torch.tensor(1.0)
        with torch.inference_mode():
            clean = noise.step(net(noisy, t).sample, t, noisy).pred_original_sample
            # The noise that the network names, not the one that the clamped estimate implies.
            output, drawn = net(noisy, t).sample, draw()
        if not last:
            both = torch.where(torch.from_numpy(mask), clean, known)
            noisy = noise.add_noise(both, drawn, torch.tensor([t]))
            continue
        variance = (1 - before) / (1 - abar) * (1 - abar / before)
        mean = before.sqrt() * clean + (1 - before - variance).clamp(min=0).sqrt() * output
        noisy = torch.where(
            torch.from_numpy(mask),
            mean + variance.sqrt() * drawn,
            before.sqrt() * known + (1 - before).sqrt() * drawn,
        )
    wanted = ((noisy[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().numpy()
    assert np.abs(result.raw[mask].astype(int) - wanted[mask]).max() <= 1
    assert result.network_calls == 6 * rounds


def test_the_variances_channels_are_left_out(folder):
    six = unet(out_channels=6)
    path = folder(six)
    with torch.inference_mode():
        assert torch.allclose(
            denoisers.load_denoiser(str(path))(tensors(), torch.tensor([5])),
            six(tensors(), 5).sample[:, :3],
            atol=1e-5,
        )
    assert any("3 of its 6 channels" in note for note in fill(path).notes)


@pytest.mark.parametrize("name", ["replacement", "repaint", "ddnm", "dpm_solver"])
def test_every_sampler_takes_a_model_and_records_it(folder, name):
    path = folder()
    result = fill(path, name=name)
    assert np.array_equal(result.image[~hole()], picture()[~hole()])
    assert re.fullmatch(re.escape(str(path)) + "@[0-9a-f]{12}", result.options["model"])
    assert any(result.options["model"] in note and f"{SIZE}×{SIZE}" in note for note in result.notes)
    again = fill(result.options["model"], name=name)
    assert np.array_equal(again.image, result.image)
    assert again.options == result.options


def test_old_layouts(folder, tmp_path):
    """google/ddpm-celebahq-256: everything at the top, a .bin, and attention layers under the names they had
    in 2022.
    """
    path, flat = folder(), tmp_path / "flat"
    flat.mkdir()
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = load_file(path / "unet" / denoisers.WEIGHT_FILES[0])
    for new, name in old.items():
        weights = {key.replace(f".{new}.", f".{name}."): tensor for key, tensor in weights.items()}
    assert any(".proj_attn." in key for key in weights)
    torch.save(weights, flat / denoisers.WEIGHT_FILES[1])
    for name in denoisers.DESCRIPTIONS:
        if (path / name).is_file():
            shutil.copy(path / name, flat / Path(name).name)
    with torch.inference_mode():
        assert torch.allclose(
            denoisers.load_denoiser(str(flat))(tensors(), torch.tensor([5])),
            unet()(tensors(), 5).sample,
            atol=1e-5,
        )


def test_a_lone_network_has_the_schedule_of_ho_et_al(tmp_path):
    unet().save_pretrained(tmp_path / "lone")
    net = denoisers.load_denoiser(str(tmp_path / "lone"))
    assert np.allclose(net.scheduler.alphas_cumprod, np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)), atol=1e-5)
    assert any("Ho et al." in note for note in fill(tmp_path / "lone").notes)
    DDPMScheduler(500, beta_schedule="squaredcos_cap_v2").save_pretrained(tmp_path / "lone")
    assert len(denoisers.load_denoiser(str(tmp_path / "lone")).scheduler.betas) == 500


def test_half_precision_is_read_as_full(folder):
    path = folder(unet().half())
    net = denoisers.load_denoiser(str(path))
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}
    assert not any(
        parameter.is_meta or parameter.requires_grad for parameter in (*net.parameters(), *net.buffers())
    )


def test_windows_have_the_size_of_the_training(folder):
    method = create("ddnm", device="cpu", model=str(folder()), steps=2)
    method.load()
    seen = []
    hook = method.net.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[2:])))
    mask = np.zeros((120, 150), bool)
    mask[5:15, 140:150] = True
    result = method(InpaintRequest(picture(120, 150), mask))
    assert set(seen) == {(SIZE, SIZE)}
    assert not any("smaller" in note or "Drawn" in note for note in result.notes)
    seen.clear()
    mask[:] = False
    mask[20:100, 30:130] = True
    result = method(InpaintRequest(picture(120, 150), mask))
    hook.remove()
    assert set(seen) == {(26, SIZE)}  # 120×150 in proportion
    assert any(note.startswith("Drawn at 32 px") for note in result.notes)
    assert "The window is 32×26, smaller than the 32×32 that the model was trained on." in result.notes


def test_windows_fit_the_networks_scales(folder):
    path = folder(
        unet(
            block_out_channels=(8, 8, 8),
            down_block_types=("DownBlock2D",) * 3,
            up_block_types=("UpBlock2D",) * 3,
        )
    )
    result = fill(path, image=picture(21, 23), mask=hole(21, 23))
    assert denoisers.load_denoiser(str(path)).multiple == 4
    assert result.image.shape == (21, 23, 3)


def test_more_steps_than_the_training_had(folder):
    path = folder(noise=DDPMScheduler(20))
    with pytest.raises(InputError, match="25 steps are more than the 20 timesteps"):
        create("replacement", device="cpu", model=str(path))(InpaintRequest(picture(), hole()))


def test_a_request_may_name_another_model(folder, tmp_path):
    first = shutil.copytree(folder(), tmp_path / "first")
    method = create("replacement", device="cpu", model=str(first), steps=3)
    plain = method(InpaintRequest(picture(), hole()))
    other = folder(unet(out_channels=6))
    given = method(InpaintRequest(picture(), hole(), options={"model": str(other)}))
    assert not np.array_equal(plain.image, given.image)
    alone = create("replacement", device="cpu", model=str(other), steps=3)(InpaintRequest(picture(), hole()))
    assert np.array_equal(given.image, alone.image)


def test_bundled_weights_are_not_needed_then(folder, monkeypatch):
    monkeypatch.setattr("inpainters.weights.files.missing_weights", lambda name: True)
    assert fill(folder()).network_calls == 6
    with pytest.raises(UnavailableError, match="needs weights 'denoiser'"):
        create("replacement", device="cpu")
    assert registry.unavailable("replacement") == registry.unavailable("replacement", {"model": ""})


@pytest.mark.parametrize("size", [(SIZE, SIZE), (90, 150), (200, 20), (11, 9)])
def test_the_workload_knows_the_models_size(folder, size):
    """Before it is loaded: its windows are those of the run, and a call costs what its operations take."""
    spec, options = registry.get("replacement"), {"model": str(folder()), "steps": 3, "resamplings": 1}
    mask = np.zeros(size, bool)
    mask[2:9, 3:8] = mask[-9:-4, -6:-2] = True
    work, seen = workload(mask, spec, options), []
    method = create("replacement", device="cpu", **options)
    drawn = method.fill_batch
    method.fill_batch = lambda pieces: seen.extend(pieces) or drawn(pieces)
    result = method(InpaintRequest(picture(*size), mask))
    assert work.windows == workload(mask, spec, result.options).windows
    assert max(max(window.size) for window in work.windows) <= SIZE
    for piece, window in zip(seen, work.windows, strict=True):
        assert np.array_equal(piece.mask, window.cut(picture(*size), mask)[1])
    assert result.network_calls == work.network_calls == 3 * len(work.windows)
    call = denoisers.call_seconds(options["model"])
    assert work.seconds == pytest.approx(spec.cost.fixed + work.network_calls * call)


def test_the_workload_of_a_model_that_is_not_here_is_the_rows(shop):
    """An estimate asks nobody; a run that has asked tells it."""
    spec, options = registry.get("replacement"), {"model": "owner/name", "steps": 3}
    mask = hole(90, 90)
    assert workload(mask, spec, options).windows == workload(mask, spec).windows
    assert not shop
    fill("owner/name", image=picture(90, 90), mask=mask)
    assert workload(mask, spec, options).windows != workload(mask, spec).windows


def test_the_cost_of_a_call_is_known_before_it_is_loaded(folder):
    """Against multiplications counted by hand, of convolutions and linear layers, in a network without
    attention.
    """
    net = unet(down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, add_attention=False)
    path, counted = folder(net), []

    def count(module, inputs, output):
        counted.append(output.numel() * module.weight[0].numel())

    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    net(tensors(), torch.tensor([0]))
    (path / "unet" / denoisers.WEIGHT_FILES[0]).write_bytes(b"")
    assert denoisers.call_seconds(str(path)) == pytest.approx(
        2 * sum(counted) / denoisers.OPERATIONS_PER_SECOND
    )


def test_the_command_line_takes_one(folder, tmp_path, capsys):
    PilImage.fromarray(picture()).save(tmp_path / "photo.png")
    PilImage.fromarray(np.uint8(255) * hole()).save(tmp_path / "mask.png")
    files = [str(tmp_path / name) for name in ("photo.png", "mask.png")]
    command = [
        "fill",
        *files,
        "--overwrite",
        "-o",
        str(tmp_path / "out.png"),
        "--method",
        "replacement",
        "--option",
        "steps=6",
        "--option",
        "resamplings=1",
        "--device",
        "cpu",
    ]
    path = folder()
    assert main([*command, "--option", f"model={path}"]) == 0
    assert f"Denoiser: {path}@" in capsys.readouterr().err
    assert np.array_equal(np.asarray(PilImage.open(tmp_path / "out.png")), fill(path).image)
    assert main([*command, "--option", f"model={folder(unet={'in_channels': 4})}"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "takes 4 channels, and pictures have 3" in said[-1]


def test_models_are_kept_and_changed_folders_read_again(folder):
    path = folder()
    first = denoisers.load_denoiser(str(path))
    assert denoisers.load_denoiser(str(path)) is first
    assert denoisers.load_denoiser(denoisers.pinned(str(path))) is first
    old = denoisers.pinned(str(path))
    weights = load_file(path / "unet" / denoisers.WEIGHT_FILES[0])
    save_file({key: tensor + 1 for key, tensor in weights.items()}, path / "unet" / denoisers.WEIGHT_FILES[0])
    assert denoisers.load_denoiser(str(path)) is not first
    with pytest.raises(InputError, match=r"'model' holds another model \(digest [0-9a-f]{12}, not "):
        denoisers.load_denoiser(old)


# What is none


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        ({"unet": {"in_channels": 4}}, "takes 4 channels, and pictures have 3"),
        ({"unet": {"in_channels": 6}}, "takes 6 channels, and pictures have 3"),
        ({"unet": {"out_channels": 4}}, "gives 4 channels, not 3, or 6"),
        ({"unet": {"num_class_embeds": 10}}, "one of 10 classes"),
        ({"unet": {"class_embed_type": "timestep"}}, "one of several classes"),
        ({"unet": {"sample_size": 33}}, "33 pixels a side, and its 2 scales need a multiple of 2"),
        ({"unet": {"sample_size": [32, 64]}}, "64×32, not square"),
        ({"unet": {"sample_size": None}}, "does not say how large its pictures are"),
        ({"unet": {"block_out_channels": [16, 32, 64]}}, "cannot be built: Must provide the same number"),
        ({"unet": {"block_out_channels": [16, 10**9]}}, "no numbers that a network can have"),
        ({"unet": {"layers_per_block": 10**6}}, "no numbers that a network can have"),
        ({"unet": {"norm_num_groups": 5}}, "cannot be built"),
        ({"unet": {"down_block_types": ["DownBlock2D", "Conjured"]}}, "cannot be built: Conjured"),
        ({"unet": {"time_embedding_type": "fourier"}}, "noise levels, not timesteps"),
        ({"unet": {"conjured": 1}}, "setting 'conjured'"),
        ({"unet": {"_class_name": "UNet2DConditionModel"}}, "'UNet2DConditionModel', not a UNet2DModel"),
        ({"unet": {"block_out_channels": [16, 64]}}, r"has the shape \(.*32.*\), not \(.*64.*\)"),
        (
            {"unet": {"layers_per_block": 2}},
            r"tensor 'down_blocks.0.resnets.1.*' is lacking, and \d+ more",
        ),
        (
            {"unet": {"add_attention": False}},
            r"network has no tensor 'mid_block.attentions.*, and \d+ more",
        ),
        ({"index": {"_class_name": "LDMPipeline"}}, "'LDMPipeline', not one of DDPMPipeline"),
        (
            {"scheduler": {"_class_name": "EulerDiscreteScheduler"}},
            "'EulerDiscreteScheduler', not one of DDPMScheduler",
        ),
        ({"scheduler": {"beta_schedule": "laplace"}}, "'laplace', not one of linear"),
        ({"scheduler": {"prediction_type": "score"}}, "predicts 'score', not one of epsilon"),
        ({"scheduler": {"trained_betas": [0.1] * 7}}, "1000 timesteps and 7 trained_betas"),
        ({"scheduler": {"trained_betas": "many"}}, "trained_betas are no list"),
        (
            {"scheduler": {"trained_betas": [2.0] * 1000}},
            "trained_betas are no list of numbers between 0 and 1",
        ),
        ({"scheduler": {"num_train_timesteps": -3}}, "has -3 timesteps"),
        ({"scheduler": {"beta_start": 0.5, "beta_end": 0.1}}, "from beta 0.5 to 0.1"),
        ({"scheduler": {"beta_end": 2}}, "from beta 0.0001 to 2"),
        ({"scheduler": {"beta_start": 0.9, "beta_end": 0.9}}, "leaves 0 of the picture"),
        ({"scheduler": {"rescale_betas_zero_snr": True}}, "end in noise alone"),
        ({"scheduler": {"clip_sample_range": "wide"}}, "clip_sample_range is wide"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_what_cannot_be_used_says_why(folder, edits, sentence):
    path = folder(**edits)
    with pytest.raises(InputError, match=sentence) as caught:
        fill(path)
    assert str(caught.value).startswith("The model '")
    assert str(caught.value).endswith("choose an unconditional denoiser of RGB pictures.")
    assert "\n" not in str(caught.value)


def test_timesteps_that_the_network_does_not_know(folder):
    path = folder(unet(time_embedding_type="learned", num_train_timesteps=500))
    with pytest.raises(InputError, match="knows 500 timesteps and its schedule has 1000"):
        fill(path)
    assert (
        fill(
            folder(unet(time_embedding_type="learned", num_train_timesteps=500), DDPMScheduler(500))
        ).network_calls
        == 6
    )


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000, '{"a": 1}' * 2])
def test_descriptions_that_are_none(folder, text):
    path = folder()
    (path / "unet" / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json is no JSON object|does not say how large"):
        fill(path)


@pytest.mark.parametrize("safe", [True, False])
def test_broken_weights(folder, safe):
    path = folder(safe=safe)
    file = path / "unet" / denoisers.WEIGHT_FILES[not safe]
    for content in (b"", file.read_bytes()[:3000], b"\x80\x02N."):
        file.write_bytes(content)
        with pytest.raises(InputError, match=rf"'{file.name}' (cannot be read as weights|is no state dict)"):
            fill(path)
    file.unlink()
    with pytest.raises(
        InputError, match=r"it has no diffusion_pytorch_model\.safetensors or diffusion_pytorch_model\.bin"
    ):
        fill(path)


def test_weights_that_are_no_numbers(folder):
    path = folder()
    weights = load_file(path / "unet" / denoisers.WEIGHT_FILES[0])
    save_file(
        weights | {"conv_in.bias": torch.full((16,), math.nan)}, path / "unet" / denoisers.WEIGHT_FILES[0]
    )
    with pytest.raises(InputError, match=r"'conv_in.bias' holds what is no number"):
        fill(path)


def test_nothing_of_a_pickle_runs(folder, tmp_path):
    class Mine:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    path = folder(safe=False)
    torch.save({"conv_in.weight": Mine()}, path / "unet" / denoisers.WEIGHT_FILES[1])
    with pytest.raises(InputError, match="holds more than tensors"):
        fill(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "a/b/c",
        "../model",
        "/etc",
        "owner/",
        "owner/name@",
        "owner/name@../x",
        "owner name/x",
        "x" * 500,
        "\0",
    ],
)
def test_names_of_nothing(name):
    with pytest.raises(InputError, match=r"There is no folder|holds no model"):
        denoisers.load_denoiser(name)


# The Hub


@pytest.fixture
def shop(folder, tmp_path, monkeypatch):
    """A stand-in for the Hub that has `owner/name`: what was asked of it, as (revision, files)."""
    asked, path = [], folder(safe=False)
    monkeypatch.setattr(denoisers, "_asked", {})
    denoisers._snapshot.cache_clear()

    def download(repository, *, revision, allow_patterns):
        asked.append((revision, tuple(allow_patterns)))
        if repository != "owner/name":
            raise hub.RepositoryNotFoundError("404", response=response())
        if revision not in ("main", "v1", COMMIT):
            raise hub.RevisionNotFoundError("404", response=response())
        snapshot = tmp_path / "hub" / COMMIT
        for file in filter(lambda file: (path / file).is_file(), allow_patterns):
            (snapshot / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path / file, snapshot / file)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    yield asked
    denoisers._snapshot.cache_clear()


def response():
    class Answer:
        headers, status_code, request = {}, 404, None

    return Answer()


def test_a_hub_model_is_pinned_and_fetched_when_asked_for(shop):
    method = create("replacement", device="cpu", model="owner/name", steps=3)
    assert not shop
    result = method(InpaintRequest(picture(), hole()))
    assert result.options["model"] == f"owner/name@{COMMIT}"
    assert any(f"owner/name@{COMMIT}" in note for note in result.notes)
    safe, pickled = (f"unet/{file}" for file in denoisers.WEIGHT_FILES)
    weights = [(COMMIT, (safe,)), (COMMIT, (pickled,))]  # safetensors where there are any
    assert shop == [("main", denoisers.DESCRIPTIONS), *weights, (COMMIT, denoisers.DESCRIPTIONS)]
    method(InpaintRequest(picture(), hole(), options={"model": f"owner/name@{COMMIT}"}))
    assert len(shop) == 4  # all in memory
    assert (
        method(InpaintRequest(picture(), hole(), options={"model": "owner/name@v1"})).options
        == result.options
    )


def test_descriptions_are_checked_before_gigabytes_come(shop, folder):
    folder(safe=False, unet={"in_channels": 4})
    with pytest.raises(
        InputError, match=f"'owner/name@{COMMIT}' cannot be used .*takes 4 channels, and pictures have 3"
    ):
        denoisers.load_denoiser("owner/name")
    assert [files for _, files in shop] == [denoisers.DESCRIPTIONS]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            hub.LocalEntryNotFoundError("offline"),
            "is not here, and the Hub cannot be reached: check the network, or name a folder",
        ),
        (hub.OfflineModeIsEnabled("offline"), "the Hub cannot be reached: check the network"),
        (TimeoutError(), r"cannot be had \(TimeoutError\): check the network"),
        (hub.GatedRepoError("403", response=response()), "wants its terms accepted: accept them on its page"),
    ],
)
def test_without_a_network(monkeypatch, error, sentence):
    denoisers._snapshot.cache_clear()

    def download(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(UnavailableError, match=sentence) as caught:
        fill("owner/name")
    assert "\n" not in str(caught.value)


def test_names_that_the_hub_does_not_have(shop):
    with pytest.raises(
        UnavailableError,
        match="'owner/nome' is not on the Hub, or is private: check the name, or name a folder",
    ):
        fill("owner/nome")
    with pytest.raises(UnavailableError, match="'owner/name' has no revision 'v2'"):
        fill("owner/name@v2")
    assert fill("owner/name").network_calls == 6  # what failed is not remembered


def test_what_the_hubs_cache_holds_needs_no_network(folder, tmp_path, monkeypatch):
    """By huggingface_hub itself, offline, on a cache as it lays it out: files are links to blobs named by
    their sha256.
    """
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    denoisers._snapshot.cache_clear()
    with pytest.raises(UnavailableError, match="'owner/cached' is not here, and the Hub cannot be reached"):
        denoisers.load_denoiser("owner/cached")
    path, store = folder(), tmp_path / "cache" / "models--owner--cached"
    for file in (*denoisers.DESCRIPTIONS, f"unet/{denoisers.WEIGHT_FILES[0]}"):
        if (path / file).is_file():
            blob, link = (
                store / "blobs" / denoisers.sha256(path / file),
                store / "snapshots" / COMMIT / file,
            )
            for place in (blob.parent, link.parent, store / "refs"):
                place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path / file, blob)
            link.symlink_to(blob)
    (store / "refs" / "main").write_text(COMMIT)
    assert denoisers.pinned("owner/cached") == f"owner/cached@{COMMIT}"
    assert np.array_equal(fill("owner/cached").image, fill(path).image)
    with pytest.raises(UnavailableError, match="'owner/cached' is not here"):
        denoisers.load_denoiser("owner/cached@v9")
    denoisers._snapshot.cache_clear()


def test_a_stopped_download_is_taken_up_again(shop, monkeypatch):
    working = huggingface_hub.snapshot_download

    def stopped(repository, *, revision, allow_patterns):
        if revision == COMMIT:
            raise KeyboardInterrupt
        return working(repository, revision=revision, allow_patterns=allow_patterns)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", stopped)
    with pytest.raises(KeyboardInterrupt):
        denoisers.load_denoiser("owner/name")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", working)
    assert fill("owner/name").network_calls == 6


def test_a_damaged_download_is_noticed(shop, tmp_path):
    denoisers.load_denoiser("owner/name")
    denoisers._load.cache_clear()
    weights = tmp_path / "hub" / COMMIT / "unet" / denoisers.WEIGHT_FILES[0]
    blob = tmp_path / ("0" * 64)
    shutil.copy(tmp_path / "hub" / COMMIT / "unet" / denoisers.WEIGHT_FILES[1], blob)
    weights.symlink_to(blob)
    with pytest.raises(
        UnavailableError, match=r"'diffusion_pytorch_model.safetensors' of 'owner/name@.* is damaged .*delete"
    ):
        denoisers.load_denoiser("owner/name")

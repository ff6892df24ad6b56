"""diffusers' own classes, end to end, on tiny random models that are saved to disk as the Hub would hold
them.
"""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PilImage

from inpainters import __main__ as cli
from inpainters import registry
from inpainters.base import InpaintRequest
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import save_png
from inpainters.methods.others import pipelines, presets
from inpainters.methods.others.pipelines import Placement, placed
from inpainters.weights import files, hub
from inpainters.weights.table import WEIGHTS

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def clip_tokenizer():
    letters = [chr(97 + i) for i in range(26)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *[f"{letter}</w>" for letter in letters]]
    vocab = {word: number for number, word in enumerate(words)}
    return transformers.CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)


def letter_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<pad>", "</s>", "<unk>", *[chr(code) for code in range(33, 127)]]
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    found = transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=512, **names)
    found.chat_template = "u:{{ messages[0]['content'] }}"
    return found


def qwen_tokenizer():
    vocab = {chr(code): code - 33 for code in range(33, 127)}
    marks = ("<|endoftext|>", "Ġ", "Ċ", "<|im_start|>", "<|im_end|>")
    vocab |= {mark: len(vocab) + number for number, mark in enumerate(marks)}
    found = transformers.Qwen2Tokenizer(vocab=vocab, merges=[])
    found.chat_template = "u:{{ messages[0]['content'] }}"
    return found


def clip(kind="CLIPTextModel"):
    config = transformers.CLIPTextConfig(
        vocab_size=60, hidden_size=32, intermediate_size=37, num_hidden_layers=1, num_attention_heads=4,
        projection_dim=32, max_position_embeddings=77, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return getattr(transformers, kind)(config)


def t5(width):
    config = transformers.T5Config(vocab_size=100, d_model=width, d_ff=37, d_kv=8, num_layers=1, num_heads=4)
    return transformers.T5EncoderModel(config)


def autoencoder(kind="AutoencoderKL", latents=4, **settings):
    return getattr(diffusers, kind)(
        block_out_channels=(8, 16), down_block_types=("DownEncoderBlock2D",) * 2, norm_num_groups=4,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=latents, sample_size=32, **settings,
    )  # fmt: skip


def unet(width=32, **settings):
    return diffusers.UNet2DConditionModel(
        sample_size=16, in_channels=9, out_channels=4, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=width, attention_head_dim=4, norm_num_groups=4, **settings,
    )  # fmt: skip


def flow():
    return diffusers.FlowMatchEulerDiscreteScheduler()


def stable_diffusion():
    return diffusers.StableDiffusionInpaintPipeline(
        vae=autoencoder(), text_encoder=clip(), tokenizer=clip_tokenizer(), unet=unet(),
        scheduler=diffusers.DDIMScheduler(beta_schedule="scaled_linear"), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def stable_diffusion_xl():
    return diffusers.StableDiffusionXLInpaintPipeline(
        vae=autoencoder(), text_encoder=clip(), text_encoder_2=clip("CLIPTextModelWithProjection"),
        tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(),
        unet=unet(
            64, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=32 + 6 * 8,
        ),
    )  # fmt: skip


def stable_diffusion_3():
    net = diffusers.SD3Transformer2DModel(
        sample_size=16, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=8, out_channels=16,
        num_attention_heads=4, joint_attention_dim=64, caption_projection_dim=32, pooled_projection_dim=64,
    )  # fmt: skip
    kind = "CLIPTextModelWithProjection"
    return diffusers.StableDiffusion3InpaintPipeline(
        transformer=net, scheduler=flow(), vae=autoencoder(latents=16, shift_factor=0.06, scaling_factor=1.5),
        text_encoder=clip(kind), tokenizer=clip_tokenizer(), text_encoder_2=clip(kind),
        tokenizer_2=clip_tokenizer(), text_encoder_3=t5(64), tokenizer_3=letter_tokenizer(),
    )  # fmt: skip


def flux_fill():
    net = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=48, out_channels=16, num_layers=1, num_single_layers=1,
        attention_head_dim=16, num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8), guidance_embeds=True,
    )  # fmt: skip
    plain = {"use_quant_conv": False, "use_post_quant_conv": False}
    return diffusers.FluxFillPipeline(
        scheduler=flow(), vae=autoencoder(shift_factor=0.06, scaling_factor=1.5, **plain),
        text_encoder=clip(), tokenizer=clip_tokenizer(), text_encoder_2=t5(32),
        tokenizer_2=letter_tokenizer(), transformer=net,
    )  # fmt: skip


def klein():
    net = diffusers.Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=48, timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
    )  # fmt: skip
    text = transformers.Qwen3Config(
        vocab_size=100, hidden_size=16, intermediate_size=16, num_hidden_layers=28, num_attention_heads=2,
        num_key_value_heads=2, head_dim=8,
    )  # fmt: skip
    return diffusers.Flux2KleinInpaintPipeline(
        scheduler=flow(), vae=autoencoder("AutoencoderKLFlux2", layers_per_block=1), transformer=net,
        text_encoder=transformers.Qwen3ForCausalLM(text), tokenizer=qwen_tokenizer(),
    )  # fmt: skip


def qwen():
    net = diffusers.QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=16, axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
        temperal_downsample=[False, True, True], latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e6}
    tiny = {"hidden_size": 16, "intermediate_size": 16}
    ends = {"bos_token_id": 94, "eos_token_id": 98}
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            **tiny, **ends, "vocab_size": 100, "num_hidden_layers": 1, "num_attention_heads": 2,
            "num_key_value_heads": 2, "rope_parameters": rope,
        },
        vision_config={**tiny, "depth": 1, "num_heads": 2, "out_hidden_size": 16},
        vocab_size=100,
    )  # fmt: skip
    return diffusers.QwenImageInpaintPipeline(
        scheduler=flow(), vae=vae, transformer=net, tokenizer=qwen_tokenizer(),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config),
    )  # fmt: skip


def z_image():
    net = diffusers.ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=4, dim=32, n_layers=1, n_refiner_layers=1,
        n_heads=2, n_kv_heads=2, cap_feat_dim=32, axes_dims=[8, 4, 4], axes_lens=[256, 32, 32],
    )  # fmt: skip
    text = transformers.Qwen3Config(
        vocab_size=100, hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=16,
    )  # fmt: skip
    return diffusers.ZImageInpaintPipeline(
        scheduler=flow(), vae=autoencoder(shift_factor=0.1, scaling_factor=0.5), transformer=net,
        text_encoder=transformers.Qwen3Model(text), tokenizer=letter_tokenizer(),
    )  # fmt: skip


def kandinsky():
    wide = {"block_out_channels": (32, 64), "layers_per_block": 1}
    net = diffusers.UNet2DConditionModel(
        in_channels=9, out_channels=8, addition_embed_type="image",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", encoder_hid_dim=32, encoder_hid_dim_type="image_proj",
        cross_attention_dim=32, attention_head_dim=4, resnet_time_scale_shift="scale_shift", **wide,
    )  # fmt: skip
    movq = diffusers.VQModel(
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"), latent_channels=4, norm_num_groups=8,
        num_vq_embeddings=12, norm_type="spatial", vq_embed_dim=4, **wide,
    )  # fmt: skip
    return diffusers.KandinskyV22InpaintPipeline(unet=net, scheduler=diffusers.DDPMScheduler(), movq=movq)


def kandinsky_prior():
    sight = transformers.CLIPVisionConfig(
        hidden_size=32, image_size=32, projection_dim=32, num_attention_heads=4, num_hidden_layers=1,
        patch_size=8, intermediate_size=37,
    )  # fmt: skip
    prior = diffusers.PriorTransformer(
        num_attention_heads=2, attention_head_dim=16, embedding_dim=32, num_layers=1, num_embeddings=77,
        additional_embeddings=4,
    )  # fmt: skip
    noise = diffusers.UnCLIPScheduler(
        variance_type="fixed_small_log", prediction_type="sample", clip_sample_range=10.0
    )
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    return diffusers.KandinskyV22PriorPipeline(
        prior=prior, image_encoder=transformers.CLIPVisionModelWithProjection(sight),
        text_encoder=clip("CLIPTextModelWithProjection"), tokenizer=clip_tokenizer(), scheduler=noise,
        image_processor=transformers.CLIPImageProcessor(**sizes),
    )  # fmt: skip


MAKERS = {
    "sd15": (stable_diffusion,),
    "sd2": (stable_diffusion,),
    "sdxl": (stable_diffusion_xl,),
    "kandinsky22": (kandinsky, kandinsky_prior),
    "sd3": (stable_diffusion_3,),
    "flux_fill": (flux_fill,),
    "flux2_klein": (klein,),
    "qwen_image": (qwen,),
    "z_image": (z_image,),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Makes and saves a pipeline once; returns its folder."""
    made = {}

    def save(maker):
        if maker not in made:
            torch.manual_seed(0)
            made[maker] = tmp_path_factory.mktemp(maker.__name__)
            maker().save_pretrained(made[maker])
        return made[maker]

    return save


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def ready(saved, home, monkeypatch):
    """Makes a preset ready, as if it had been fetched: small, and at 64 pixels. One that is open stays
    open.
    """
    monkeypatch.setenv(files.ENV, str(home / "weights"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))

    def lay(name):
        row = WEIGHTS[name]
        repositories = (row.repository, *row.beside)
        for repository, maker in zip(repositories, MAKERS[name], strict=True):
            folder = hub.path_in_cache(repository, COMMIT)
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not folder.exists():
                folder.symlink_to(saved(maker))
        files.accept(name, {**dict.fromkeys(repositories, COMMIT), files.CHECKED: "yes"})
        monkeypatch.setitem(presets.PRESET_CALLS, name, replace(presets.PRESET_CALLS[name], side=64))
        return name

    return lay


def picture(side=64):
    y, x = np.mgrid[0:side, 0:side] * 4
    return np.stack([x, y, 255 - x], -1).clip(0, 255).astype(np.uint8)


def hole(side=64):
    mask = np.zeros((side, side), bool)
    mask[side // 4 : side // 2, side // 4 : side // 2] = True
    return mask


def fill(name, seed=0, **options):
    method = registry.create(name, device="cpu", **{"steps": 2, **options})
    return method(InpaintRequest(picture(), hole(), seed=seed))


def test_all_presets_have_makers():
    assert list(MAKERS) == list(presets.PRESET_CALLS)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.slow
def test_a_preset_fills_by_diffusers_own_class(name, ready):
    assert (
        registry.unavailable(name) == f"'{name}' needs weights '{name}': run `python -m "
        f"inpainters fetch {name}`."
    )
    ready(name)
    assert registry.unavailable(name) is None
    first = fill(name)
    assert np.array_equal(first.image[~hole()], picture()[~hole()])
    assert first.image[hole()].std() > 0
    assert np.array_equal(fill(name).image, first.image)
    assert not np.array_equal(fill(name, seed=1).image, first.image)
    assert any("changed known pixels by" in note for note in first.notes)
    assert any("s per step, in fp32 on cpu" in note and "RTX 3090" in note for note in first.notes)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.slow
def test_network_calls_are_those_that_were_announced(name, ready):
    """A call answers for one picture and one prompt: guidance, in one batch or in two, takes two."""
    ready(name)
    method = registry.create(name, device="cpu", steps=3)
    method.load()
    net = getattr(method.pipe, "unet", None) or method.pipe.transformer
    rows, seen = [], []

    def count(_, given, named):
        first = given[0] if given else named.get("hidden_states", named.get("sample"))
        rows.append(len(first))

    net.register_forward_pre_hook(count, with_kwargs=True)
    for strength in (1.0, 0.5, 0.1) if presets.PRESET_CALLS[name].strength else (None,):
        options = {"steps": 3} | ({"strength": strength} if strength else {})
        rows.clear()
        request = InpaintRequest(picture(), hole(), options=options)
        result = method(request, on_step=lambda *step: seen.append(step))
        assert result.network_calls == sum(rows) == method.spec.network_calls(options)
        assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 28, 49, 50, 1000])
def test_a_strength_means_its_steps_exactly(steps):
    for taken in range(1, steps + 1):
        strength = pipelines._strength_for(steps, taken, up=False)
        assert int(steps * strength) == taken  # as Stable Diffusion counts them
        strength = pipelines._strength_for(steps, taken, up=True)
        assert steps - int(max(steps - min(steps * strength, steps), 0)) == taken  # as the flow models do


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sd15", {"prompt": "a cat"}),
        ("sd15", {"negative_prompt": "a cat"}),
        ("sd15", {"guidance": 1}),
        ("sd15", {"scheduler": "euler"}),
        ("sd15", {"scheduler": "dpm"}),
        ("sd15", {"scheduler": "unipc"}),
        ("sd15", {"strength": 0.5}),
        ("flux_fill", {"guidance": 1}),
        ("qwen_image", {"negative_prompt": "cat", "guidance": 9}),
    ],
)
def test_each_option_reaches_the_pipeline(name, options, ready):
    ready(name)
    plain = {"prompt": "a dog"}
    assert not np.array_equal(fill(name, **plain).image, fill(name, **{**plain, **options}).image)


def test_white_is_what_is_drawn_anew(ready):
    """Stable Diffusion 3 puts known latents back at each step: another prompt changes the hole, and little
    else.
    """
    name = ready("sd3")
    cat, dog = (fill(name, prompt=prompt, guidance=50).raw.astype(int) for prompt in ("a cat", "dogs dogs"))
    off = np.abs(cat - dog).mean(-1)
    far = np.zeros((64, 64), bool)
    far[-16:] = True
    assert off[far].mean() < 0.5 * off[hole()].mean()


def test_a_seed_of_any_size_draws(ready):
    assert fill(ready("sd15"), seed=2**64 + 1).seed == 2**64 + 1


def test_it_stops_at_the_next_step(ready):
    name = ready("sd15")
    seen = []

    def stop(done, total):
        seen.append((done, total))
        return len(seen) < 2

    with pytest.raises(Cancelled):
        registry.create(name, device="cpu", steps=20)(InpaintRequest(picture(), hole()), on_step=stop)
    assert seen == [(1, 20), (2, 20)]


class Black:
    """What a pipeline gives back."""

    images = (PilImage.new("RGB", (64, 64)),)


class Flagged(Black):
    nsfw_content_detected = (True,)


@pytest.mark.parametrize(
    ("name", "kind", "answer", "message"),
    [
        (
            "sd15",
            "StableDiffusionInpaintPipeline",
            Flagged,
            r"safety checker of Stable Diffusion 1.5 .* seed or prompt",
        ),
        ("flux_fill", "FluxFillPipeline", Black, r"FLUX.1 Fill drew nothing but black: take another seed"),
    ],
)
def test_a_black_picture_is_no_fill(name, kind, answer, message, ready, monkeypatch):
    ready(name)

    def black(self, image=None, mask_image=None):
        return answer()

    monkeypatch.setattr(getattr(diffusers, kind), "__call__", black)
    with pytest.raises(InputError, match=message):
        fill(name)


def test_what_diffusers_refuses_is_one_sentence(ready, monkeypatch):
    name = ready("sd15")

    def broken(self, image=None, mask_image=None):
        raise ValueError("no\n  such thing")

    monkeypatch.setattr(diffusers.StableDiffusionInpaintPipeline, "__call__", broken)
    with pytest.raises(
        InputError, match=r"^Stable Diffusion 1.5 cannot draw with these settings \(no such thing\)\.$"
    ):
        fill(name)


def test_weights_that_do_not_fit_are_said_with_their_size(ready, monkeypatch):
    name = ready("sd15")
    pipelines._held.clear()
    monkeypatch.setattr(pipelines, "free_ram", lambda: 100_000)
    with pytest.raises(
        UnavailableError, match=r"need 0 GB of memory and 0 GB are free: close other programs"
    ):
        fill(name)


@pytest.mark.slow
def test_the_last_pipeline_goes_before_memory_is_counted(ready, monkeypatch):
    fill(ready("sd15"))
    held = []
    monkeypatch.setattr(pipelines, "free_ram", lambda: held.append(len(pipelines._held)) or 0)
    fill(ready("z_image"))
    assert set(held) == {0}
    assert len(pipelines._held) == 1


def test_whoever_waits_for_a_moved_pipeline_gives_up_its_turn(ready):
    name = ready("sd15")
    method = registry.create(name, device="cpu", steps=1)
    method.load()
    method.placement = Placement("bf16", "models")
    waited = []
    with pipelines._moving, pytest.raises(Cancelled):
        method(InpaintRequest(picture(), hole()), on_step=lambda *step: bool(waited.append(step)))
    assert waited == [(0, 1)]
    assert method(InpaintRequest(picture(), hole())).image[hole()].std() > 0
    assert not pipelines._moving.locked()


def test_the_terminal_stays_quiet(ready, capfd):
    fill(ready("sd15"))
    said = capfd.readouterr()
    assert "Loading" not in said.err
    assert "torch_dtype" not in said.err


def test_small_pictures_are_drawn_at_the_size_that_it_knows(ready):
    name = ready("sd15")
    method = registry.create(name, device="cpu", steps=1)
    result = method(InpaintRequest(picture(24), hole(24)))
    assert any("for 64×64 pixels" in note for note in result.notes)
    assert result.image.shape == (24, 24, 3)


def test_a_lost_part_is_missed_before_anything_is_loaded(ready, tmp_path):
    name = ready("sd15")
    folder = hub.path_in_cache(WEIGHTS[name].repository, COMMIT)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        if path.name != "unet":
            (copy / path.name).symlink_to(path)
    folder.unlink()
    folder.symlink_to(copy)
    assert "fetch sd15" in registry.unavailable(name)
    with pytest.raises(UnavailableError, match="fetch sd15"):
        registry.create(name)
    folder.unlink()  # the next test links it anew


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setattr(registry, "METHODS", dict(registry.METHODS))
    monkeypatch.setattr(registry, "_added", {})
    pipelines._held.clear()


def test_any_folder_that_diffusers_saved(saved, table):
    name = registry.add(f"diffusers:{saved(stable_diffusion)}", "mine")
    spec = registry.get(name)
    assert {option.name: option.default for option in spec.options}["guidance"] == 7.5
    assert spec.strategy.side == 16 * 8
    assert spec.family == "guest"
    assert fill(name).image[hole()].std() > 0


@pytest.mark.slow
def test_auto_finds_the_class_for_inpainting(saved, table, tmp_path):
    """A model saved for drawing from a prompt alone."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for path in saved(stable_diffusion).iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path)
    index = json.loads((saved(stable_diffusion) / hub.INDEX).read_text())
    (folder / hub.INDEX).write_text(json.dumps(index | {"_class_name": "StableDiffusionPipeline"}))
    method = registry.create(registry.add(f"diffusers:{folder}", "plain"), device="cpu")
    method.load()
    assert type(method.pipe).__name__ == "StableDiffusionInpaintPipeline"


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (None, "holds no diffusers pipeline"),
        ("[]", "no JSON object"),
        ('{"_class_name": "DDPMPipeline", "unet": ["os", "system"]}', "code of 'os', which is not run"),
        ('{"_class_name": "NoSuchPipeline"}', "has no pipeline 'NoSuchPipeline': a newer one may"),
        ('{"_class_name": "utils"}', "has no pipeline 'utils'"),
        ('{"_class_name": "AutoencoderKL"}', "has no pipeline 'AutoencoderKL'"),
    ],
)
def test_what_is_no_pipeline_gets_a_sentence(index, message, tmp_path, table):
    if index is not None:
        (tmp_path / hub.INDEX).write_text(index)
    with pytest.raises(InputError, match=message):
        registry.add(f"diffusers:{tmp_path}")


def test_a_pipeline_that_fills_no_holes(tmp_path, table):
    torch.manual_seed(0)
    net = diffusers.UNet2DModel(
        sample_size=16, block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    diffusers.DDPMPipeline(net, diffusers.DDPMScheduler()).save_pretrained(tmp_path)
    method = registry.create(registry.add(f"diffusers:{tmp_path}", "ddpm"), device="cpu")
    with pytest.raises(InputError, match="'DDPMPipeline' fills no holes"):
        method.load()


def test_other_weights_are_another_version(saved, table, tmp_path):
    folder = shutil.copytree(saved(z_image), tmp_path / "copy")
    before = registry.get(registry.add(f"diffusers:{folder}", "one")).version
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # of the same size
    path.write_bytes(data)
    assert registry.get(registry.add(f"diffusers:{folder}", "two")).version != before


def test_the_command_line_takes_settings_behind_the_name(saved, table, tmp_path, capsys):
    save_png(tmp_path / "p.png", picture())
    save_png(tmp_path / "m.png", hole())
    name = f'diffusers:{saved(stable_diffusion)}:steps=2:prompt="a cat, black: one"'
    command = ["fill", str(tmp_path / "p.png"), str(tmp_path / "m.png"), "--method", name]
    out = ["-o", str(tmp_path / "o.png")]
    assert cli.main([*command, *out]) == 2
    assert "add --trust" in capsys.readouterr().err
    assert cli.main([*command, "--trust", *out]) == 0
    assert (tmp_path / "o.png").is_file()


def test_a_repository_that_was_not_fetched(table):
    with pytest.raises(UnavailableError, match=r"fetch diffusers:nobody/nothing`"):
        registry.add("diffusers:nobody/nothing")
    with pytest.raises(InputError, match="OWNER/NAME"):
        registry.add("diffusers:nothing")


GB = 10**9


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("cpu", GB, GB, 16 * GB), Placement("fp32")),
        (("cpu", GB, GB, 6 * GB), Placement("fp32", sliced=True)),
        (("cpu", GB, GB, 3 * GB), Placement("bf16", sliced=True)),
        (("cpu", GB, GB, 0), Placement("fp32")),
        (("cuda", GB, GB, 64 * GB, 24 * GB), Placement("bf16")),
        (("cuda", 4 * GB, 2 * GB, 64 * GB, 12 * GB), Placement("bf16", sliced=True)),
        (("cuda", 8 * GB, 2 * GB, 64 * GB, 12 * GB), Placement("bf16", "models", True)),
        (("cuda", 12 * GB, 12 * GB, 64 * GB, 12 * GB), Placement("bf16", "layers", True)),
    ],
)
def test_weights_are_held_as_memory_allows(given, found):
    assert placed(*given) == found


@pytest.mark.parametrize("given", [("cpu", 4 * GB, GB, 6 * GB), ("cuda", 12 * GB, 12 * GB, 8 * GB, 12 * GB)])
def test_what_fits_nowhere_is_said(given):
    with pytest.raises(MemoryError):
        placed(*given)

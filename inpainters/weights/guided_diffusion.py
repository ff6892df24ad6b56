"""guided-diffusion's checkpoints as folders that the option `model` takes: Dhariwal and Nichol, Diffusion
models beat GANs, 2021.

    python -m inpainters.convert CHECKPOINT.pt FOLDER
    python -m inpainters fill PHOTO MASK --method repaint --option model=FOLDER -o OUT.png

Such are OpenAI's `256x256_diffusion_uncond.pt` (ImageNet) and those of RePaint, `celeba256_250000.pt` (faces)
and `places256_300000.pt`: 256×256 pixels, a linear schedule of 1000 timesteps, attention heads of 64
channels, which are the defaults here. Widths, depth, where attention is, how it goes up and down, what
timesteps do and whether a variance is predicted are read from the tensors. What they do not tell stands in
flags:

    --image-size 256          side of the training's pictures            (guided-diffusion: --image_size)
    --head-channels 64        channels of an attention head              (--num_head_channels)
    --heads N                 heads of each attention layer instead      (--num_heads, where
                                                                          --num_head_channels is -1)
    --new-attention-order     queries of all heads come first            (--use_new_attention_order True)
    --schedule linear         or cosine                                  (--noise_schedule)
    --timesteps 1000          of the training                            (--diffusion_steps; timesteps that
                                                                          were not rescaled)
    --prediction epsilon      or sample                                  (sample: --predict_xstart True)

A wrong one of these goes unnoticed until pictures come out as noise. Class-conditional checkpoints are
refused, as there is nobody to name a class, and so are those that take more than RGB. The folder is a
`DDPMPipeline` of diffusers: config.json, safetensors, schedule.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from torch import Tensor

from inpainters.errors import InputError
from inpainters.weights import denoisers

SCHEDULE_NAMES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
"""Their names -> diffusers'."""
_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}


class Layout(NamedTuple):
    """What the tensors tell of a network."""

    widths: tuple[int, ...]
    """Channels of each scale, from fine to coarse."""
    layers: int
    """Residual blocks per scale on the way down; one more on the way up."""
    attention: tuple[bool, ...]
    """Where a scale has attention layers; the middle always has one."""
    residual: bool
    """Whether residual blocks go up and down, in place of plain convolutions."""


class Part(NamedTuple):
    """A layer under its two names; `kind`: "plain", "resnet" or "attention"."""

    kind: str
    theirs: str
    ours: str


def convert_checkpoint(
    checkpoint: Path,
    out: Path,
    *,
    image_size: int = 256,
    head_channels: int = 64,
    heads: int = 0,
    new_order: bool = False,
    schedule: str = "linear",
    timesteps: int = 1000,
    prediction: str = "epsilon",
) -> None:
    """Write the checkpoint as a folder of diffusers at `out`, which must not exist or be empty. The settings
    are those of the flags.

    Raises InputError with one sentence for what is no such checkpoint, or does not go with the settings.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"'{out.name}' exists already: name a new or empty folder.")
    if not checkpoint.is_file():
        raise InputError(f"There is no file '{checkpoint.name}': name a checkpoint of guided-diffusion.")
    tensors = denoisers.read_tensors(checkpoint)
    plan = read_plan(tensors)
    settings = network_settings(tensors, plan, image_size, head_channels, heads)
    unet, _ = denoisers.unet_of(settings, checkpoint.name)
    denoisers.set_weights(
        unet, translated(tensors, plan, settings["attention_head_dim"], new_order), checkpoint.name
    )
    with torch.device("meta"):
        plain = UNet2DModel.from_config(unet.config)  # of diffusers' own type, which its pipelines can find
    plain.load_state_dict(unet.state_dict(), assign=True)
    noise = schedule_settings(schedule, timesteps, prediction, learned=settings["out_channels"] == 6)
    denoisers.schedule(noise, checkpoint.name)
    _save(DDPMPipeline(plain, DDPMScheduler(**noise)), out)


def _save(pipeline: DDPMPipeline, out: Path) -> None:
    """In one step: what was stopped half-way is no folder of that name."""
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{out.name}.", dir=out.parent) as part:
        pipeline.save_pretrained(f"{part}/model")
        if out.exists():
            out.rmdir()
        Path(part, "model").rename(out)


# --- what the tensors tell ------------------------------------------------------------------------


def read_plan(tensors: Mapping[str, Tensor]) -> Layout:
    """The network's plan; raises InputError where the tensors are not a guided-diffusion U-Net's, or those of
    a conditional one.
    """
    if "label_emb.weight" in tensors:
        raise _refused(
            f"it draws one of {len(tensors['label_emb.weight'])} classes, and there is nobody to name one"
        )
    downs, ups = blocks(tensors, "input_blocks"), blocks(tensors, "output_blocks")
    if not downs or not ups or not blocks(tensors, "middle_block", depth=1):
        raise _refused("it has no input_blocks, middle_block and output_blocks")
    risers = [block[-1] for block in ups if len(block) > 1 and block[-1] in ("up", "resnet")]
    scales = len(risers) + 1
    layers = len(ups) // scales - 1
    if layers < 1 or len(ups) != scales * (layers + 1) or len(downs) != len(ups) or len(set(risers)) > 1:
        raise _refused(
            f"its {len(downs)} input and {len(ups)} output blocks do not make {scales} scales of one depth"
        )
    firsts = [1 + scale * (layers + 1) for scale in range(scales)]
    attention = tuple("attention" in downs[first] for first in firsts)
    plan = Layout(
        tuple(_width(tensors, f"input_blocks.{first}.0") for first in firsts),
        layers,
        attention,
        "resnet" in risers,
    )
    for place, (found, wanted) in enumerate(zip((*downs, *ups), planned(plan), strict=True)):
        if found != wanted:
            name = f"input_blocks.{place}" if place < len(downs) else f"output_blocks.{place - len(downs)}"
            raise _refused(
                f"'{name}' holds {' and '.join(found) or 'nothing'}, where {' and '.join(wanted)} should be"
            )
    return plan


def blocks(tensors: Mapping[str, Tensor], part: str, depth: int = 2) -> list[list[str]]:
    """The kinds of layers in each block of a part, in order: "conv", "resnet", "attention", "down", "up"."""
    kinds = {
        "in_layers.2.weight": "resnet",
        "qkv.weight": "attention",
        "op.weight": "down",
        "conv.weight": "up",
        "weight": "conv",
    }
    found: defaultdict[int, dict[int, str]] = defaultdict(dict)
    pattern = re.compile(part + r"\.(\d{1,4})" * depth + r"\.(.+)")
    for key in tensors:
        if (match := pattern.fullmatch(key)) and (kind := kinds.get(match[depth + 1])):
            found[int(match[1])][int(match[depth])] = kind
    return [[kind for _, kind in sorted(found[index].items())] for index in range(max(found, default=-1) + 1)]


def planned(plan: Layout) -> Iterator[list[str]]:
    """The kinds of layers in each input block and then in each output block."""
    last = len(plan.widths) - 1
    yield ["conv"]
    for scale, attention in enumerate(plan.attention):
        yield from [["resnet", *["attention"] * attention]] * plan.layers
        if scale < last:
            yield ["resnet" if plan.residual else "down"]
    for scale in range(last, -1, -1):
        block = ["resnet", *["attention"] * plan.attention[scale]]
        yield from [block] * plan.layers
        yield [*block, *["resnet" if plan.residual else "up"] * (scale > 0)]


def _width(tensors: Mapping[str, Tensor], block: str) -> int:
    weight = tensors.get(f"{block}.out_layers.3.weight")
    if weight is None or weight.ndim != 4:
        raise _refused(f"'{block}.out_layers.3.weight' is no convolution")
    return len(weight)


def network_settings(
    tensors: Mapping[str, Tensor], plan: Layout, size: int, head_channels: int, heads: int
) -> dict[str, Any]:
    """The config.json of the network. Raises InputError where the settings do not go with the tensors, naming
    both numbers.
    """
    taken, given = _shape(tensors, "input_blocks.0.0.weight")[1], _shape(tensors, "out.2.weight")[0]
    embedded, shifts = (
        _shape(tensors, "time_embed.0.weight")[1],
        _shape(tensors, "input_blocks.1.0.emb_layers.1.weight")[0],
    )
    if embedded != plan.widths[0]:
        raise _refused(
            f"its timesteps have {embedded} channels and its first scale {plan.widths[0]}, which diffusers "
            "wants equal"
        )
    down, up = (
        ("ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D")
        if plan.residual
        else ("DownBlock2D", "UpBlock2D")
    )
    going = "resnet" if plan.residual else "conv"
    return {
        "_class_name": "UNet2DModel",
        "sample_size": size,
        "in_channels": taken,
        "out_channels": given,
        "block_out_channels": plan.widths,
        "layers_per_block": plan.layers,
        "down_block_types": tuple("AttnDownBlock2D" if has else down for has in plan.attention),
        "up_block_types": tuple("AttnUpBlock2D" if has else up for has in reversed(plan.attention)),
        "downsample_type": going,
        "upsample_type": going,
        "resnet_time_scale_shift": "scale_shift" if shifts == 2 * plan.widths[0] else "default",
        "attention_head_dim": _head(plan, head_channels, heads),
        "norm_num_groups": 32,
        "attn_norm_num_groups": 32,
        "norm_eps": 1e-5,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
    }


def _shape(tensors: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    if key not in tensors or tensors[key].ndim < 2:
        raise _refused(f"it lacks '{key}'")
    return tuple(tensors[key].shape)


def _head(plan: Layout, head_channels: int, heads: int) -> int:
    """Channels of an attention head."""
    widths = sorted(
        {width for width, has in zip(plan.widths, plan.attention, strict=True) if has} | {plan.widths[-1]}
    )
    for width in widths:
        if width % (heads or head_channels):
            what = f"--heads {heads}" if heads else f"--head-channels {head_channels}"
            raise InputError(
                f"{what} does not divide the {width} channels of an attention layer: give the training's own "
                "setting."
            )
    if heads and len(widths) > 1:
        sizes = " and ".join(str(width // heads) for width in (widths[0], widths[-1]))
        raise _refused(
            f"with {heads} heads everywhere they have {sizes} channels, and diffusers wants one number for "
            "all"
        )
    return widths[0] // heads if heads else head_channels


def schedule_settings(schedule: str, timesteps: int, prediction: str, *, learned: bool) -> dict[str, Any]:
    """The scheduler_config.json. Their linear schedule is stretched so that the noise at its end does not
    depend on its length.
    """
    stretch = 1000 / timesteps
    return {
        "num_train_timesteps": timesteps,
        "beta_schedule": SCHEDULE_NAMES[schedule],
        "beta_start": 0.0001 * stretch,
        "beta_end": 0.02 * stretch,
        "prediction_type": prediction,
        "variance_type": "learned_range" if learned else "fixed_large",
        "clip_sample": True,
    }


# --- its tensors under other names ----------------------------------------------------------------


def translated(
    tensors: Mapping[str, Tensor], plan: Layout, head: int, new_order: bool = False
) -> dict[str, Tensor]:
    """All tensors under diffusers' names. Raises InputError where one is lacking or is not of the plan."""
    left, found = dict(tensors), {}
    for part in network_parts(plan):
        names = {
            "plain": {"": ""},
            "resnet": _RESNET,
            "attention": {"norm": "group_norm", "proj_out": "to_out.0"},
        }[part.kind]
        for theirs, ours in names.items():
            for kind in ("weight", "bias"):
                source = ".".join(filter(None, (part.theirs, theirs, kind)))
                if (
                    source not in left and theirs == "skip_connection"
                ):  # blocks that keep their width have none
                    continue
                found[".".join(filter(None, (part.ours, ours, kind)))] = _take(left, source)
        if part.kind == "attention":
            for kind in ("weight", "bias"):
                split = queries(_take(left, f"{part.theirs}.qkv.{kind}"), head, new_order, part.theirs)
                found |= {
                    f"{part.ours}.to_{name}.{kind}": tensor for name, tensor in zip("qkv", split, strict=True)
                }
            found[f"{part.ours}.to_out.0.weight"] = found[f"{part.ours}.to_out.0.weight"].flatten(
                1
            )  # of a convolution over 1 pixel
    if left:
        raise _refused(f"it has tensors that such a network has not, such as '{sorted(left)[0][:80]}'")
    return found


def _take(left: dict[str, Tensor], key: str) -> Tensor:
    if key not in left:
        raise _refused(f"it lacks '{key}'")
    return left.pop(key)


def queries(joint: Tensor, head: int, new_order: bool, name: str) -> Sequence[Tensor]:
    """Queries, keys and values out of one tensor: head by head, or all queries first where `new_order`."""
    if len(joint) % (3 * head):
        raise _refused(f"'{name}.qkv' has {len(joint)} channels, no multiple of 3 × {head}")
    shape = (3, -1, head) if new_order else (-1, 3, head)
    apart = joint.reshape(*shape, *joint.shape[1:2]).movedim(0 if new_order else 1, 0)
    return [part.reshape(-1, *joint.shape[1:2]).contiguous() for part in apart]


def network_parts(plan: Layout) -> Iterator[Part]:
    """All layers of the network."""
    last, deep = len(plan.widths) - 1, plan.layers + 1
    yield Part("plain", "time_embed.0", "time_embedding.linear_1")
    yield Part("plain", "time_embed.2", "time_embedding.linear_2")
    yield Part("plain", "input_blocks.0.0", "conv_in")
    for scale, attention in enumerate(plan.attention):
        for layer in range(plan.layers):
            yield from _block(
                f"input_blocks.{1 + scale * deep + layer}", f"down_blocks.{scale}", layer, attention
            )
        if scale < last:
            yield _going(
                f"input_blocks.{(scale + 1) * deep}.0",
                f"down_blocks.{scale}.downsamplers.0",
                "op",
                plan.residual,
            )
    yield Part("resnet", "middle_block.0", "mid_block.resnets.0")
    yield Part("attention", "middle_block.1", "mid_block.attentions.0")
    yield Part("resnet", "middle_block.2", "mid_block.resnets.1")
    for place, attention in enumerate(reversed(plan.attention)):
        for layer in range(deep):
            yield from _block(f"output_blocks.{place * deep + layer}", f"up_blocks.{place}", layer, attention)
        if place < last:
            name = f"output_blocks.{(place + 1) * deep - 1}.{1 + attention}"
            yield _going(name, f"up_blocks.{place}.upsamplers.0", "conv", plan.residual)
    yield Part("plain", "out.0", "conv_norm_out")
    yield Part("plain", "out.2", "conv_out")


def _block(theirs: str, ours: str, layer: int, attention: bool) -> Iterator[Part]:
    yield Part("resnet", f"{theirs}.0", f"{ours}.resnets.{layer}")
    if attention:
        yield Part("attention", f"{theirs}.1", f"{ours}.attentions.{layer}")


def _going(theirs: str, ours: str, convolution: str, residual: bool) -> Part:
    """What leads to the next scale."""
    return (
        Part("resnet", theirs, ours) if residual else Part("plain", f"{theirs}.{convolution}", f"{ours}.conv")
    )


def _refused(why: str) -> InputError:
    return InputError(
        f"The checkpoint cannot be converted ({why}): give the weights of an unconditional guided-diffusion "
        "U-Net."
    )

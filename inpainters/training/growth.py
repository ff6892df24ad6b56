"""A wider denoiser that begins by computing what a narrower one does: Chen, Goodfellow and Shlens, Net2Net:
Accelerating learning via knowledge transfer, ICLR 2016, section 2.2, on diffusers' `UNet2DModel`.

Each channel becomes `times` neighbouring copies, and what reads a channel reads its copies with shares of the
weight that sum to it. The shares are uneven, so that the copies' gradients differ and they part. Copies of a
channel fall into its group of GroupNorm, so mean and variance stay. The timestep's embedding has `times` as
many frequencies, of which every `times`-th is an old one: the new ones start with weight 0. Attention keeps
the width of its heads: each head is copied as a whole. A new attention layer starts with an output of 0.
Channels that the large network sees beyond those of the small one start with weight 0.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.errors import InputError
from inpainters.networks.denoiser import Denoiser

ALIKE = ("out_channels", "layers_per_block", "norm_num_groups", "attention_head_dim")
"""What both networks must have alike, of diffusers' configuration."""


@torch.no_grad()
def grow(small: Denoiser, large: Denoiser, *, seed: int = 0) -> None:
    """Give `large` the weights of `small`, spread so that it computes the same.

    Raises InputError where that cannot be: widths must be the same multiple of the small ones at as many
    scales, attention may only be added, and all else that shapes the network must be alike.
    """
    times = _times(small, large)
    old, new = small.state_dict(), large.state_dict()
    if lost := sorted(old.keys() - new.keys()):
        raise _refused(f"it has nothing in place of '{lost[0]}'")
    entry = "unet.conv_in.weight"
    old[entry] = F.pad(old[entry], (0, 0, 0, 0, 0, new[entry].shape[1] - old[entry].shape[1]))
    rng = torch.Generator().manual_seed(seed)
    for name, tensor in new.items():
        if name in old:
            tensor.copy_(_layer(name, times, rng)(old[name].float().cpu(), tensor))
        elif "to_out" in name:
            tensor.zero_()
    large.load_state_dict(new)


def _times(small: Denoiser, large: Denoiser) -> int:
    """How many copies each channel becomes; raises InputError where the networks differ in more than that."""
    a, b = small.unet.config, large.unet.config
    strange = [key for key in ALIKE if a[key] != b[key]]
    strange += ["in_channels"] * (a["in_channels"] > b["in_channels"])
    strange += ["patch"] * (small.patch != large.patch)
    before, after = small.scheduler.config, large.scheduler.config
    strange += [key for key in after if key[0] != "_" and before[key] != after[key]]
    if strange:
        raise _refused(f"they differ in {strange[0].replace('_', ' ')}")
    narrow, wide = a["block_out_channels"], b["block_out_channels"]
    times: int = max(1, wide[0] // narrow[0])
    if tuple(wide) != tuple(times * width for width in narrow):
        raise _refused(f"the widths {list(wide)} are not one multiple of {list(narrow)}")
    return times


def _refused(why: str) -> InputError:
    return InputError(
        f"The bundled denoiser cannot be grown to this recipe's ({why}); "
        "change [network], or train without --from bundled."
    )


def _layer(name: str, times: int, rng: torch.Generator) -> Callable[[Tensor, Tensor], Tensor]:
    """How the tensor `name` of a layer grows: (the old one, one of the new shape) -> the new one."""

    def outputs(weight: Tensor) -> Tensor:
        return weight.repeat_interleave(times, 0)

    def inputs(weight: Tensor) -> Tensor:
        """The weights of each input channel, shared among its copies."""
        return torch.stack(_shares(weight, times, rng), 2).flatten(1, 2)

    def plain(weight: Tensor, like: Tensor) -> Tensor:
        wide = inputs(weight) if weight.dim() > 1 and weight.shape[1] != like.shape[1] else weight
        return outputs(wide) if weight.shape[0] != like.shape[0] else wide

    def heads(weight: Tensor, like: Tensor) -> Tensor:
        wide = inputs(weight) if weight.dim() > 1 else weight
        return torch.cat([wide] * times)

    def beyond_heads(weight: Tensor, like: Tensor) -> Tensor:
        return outputs(torch.cat(_shares(weight, times, rng), 1) if weight.dim() > 1 else weight)

    def frequencies(weight: Tensor, like: Tensor) -> Tensor:
        wide = torch.zeros(weight.shape[0], like.shape[1])
        wide[:, ::times] = weight
        return outputs(wide)

    if name.endswith("time_embedding.linear_1.weight"):
        return frequencies
    if any(part in name for part in ("to_q.", "to_k.", "to_v.")):
        return heads
    return beyond_heads if "to_out." in name else plain


def _shares(weight: Tensor, times: int, rng: torch.Generator) -> list[Tensor]:
    """`times` tensors that sum to `weight`, each about as large."""
    shares = 1 + 0.4 * (2 * torch.rand(times, *weight.shape, generator=rng) - 1)
    return list(weight * (shares / shares.sum(0)))

"""What the diffusion samplers cost: `python -m benchmark.studies.samplers` writes results/samplers.

Beside bare network calls, and beside diffusers' RePaintPipeline with the same network, schedule and pictures.
Weights are random: they do not bear on time. What batching, cropping and precision give is told apart.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import RePaintPipeline, RePaintScheduler, UNet2DModel
from torch.utils.flop_counter import FlopCounterMode

from benchmark import measure
from benchmark.studies.samplers_page import (
    BATCHES,
    CALLS,
    LARGE_SIDE,
    PAPER_CALLS,
    REQUESTS,
    THEIRS,
    THEIRS_TOO,
    WHOLE_PICTURES,
    SamplerRow,
    variant,
    write_study,
)
from inpainters import commandline
from inpainters.base import InpaintRequest
from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.ddnm import Ddnm
from inpainters.methods.diffusion.dpm_solver import DpmSolver
from inpainters.methods.diffusion.estimates import estimates
from inpainters.methods.diffusion.repaint import RePaint
from inpainters.methods.diffusion.replacement import Replacement
from inpainters.methods.diffusion.schedules import calls
from inpainters.networks.denoiser import Denoiser
from inpainters.registry import METHODS
from inpainters.spec import Strategy

SAMPLERS: tuple[type[Diffusion], ...] = (Replacement, RePaint, Ddnm, DpmSolver)
NAMES = {Replacement: "replacement", RePaint: "repaint", Ddnm: "ddnm", DpmSolver: "dpm_solver"}
LEVELS = 40
"""Noise levels: few, so that a run is short, and a quarter of them is visited, as the paper's 250 are of
1,000.
"""
SETTINGS = {"preset": "balanced", "steps": LEVELS // 4, "jump_length": 2, "resamplings": 3}
WHOLE = Strategy(context=100.0, multiple=8)
"""No cropping."""

LARGE: dict[str, Any] = {
    "sample_size": LARGE_SIDE,
    "out_channels": 6,
    "block_out_channels": (256, 256, 512, 512, 1024, 1024),
    "down_block_types": ("ResnetDownsampleBlock2D",) * 3 + ("AttnDownBlock2D",) * 3,
    "up_block_types": ("AttnUpBlock2D",) * 3 + ("ResnetUpsampleBlock2D",) * 3,
    "layers_per_block": 2,
    "attention_head_dim": 64,
    "downsample_type": "resnet",
    "upsample_type": "resnet",
    "resnet_time_scale_shift": "scale_shift",
    "norm_eps": 1e-5,
}
"""The unconditional 256-px network of Dhariwal and Nichol 2021, which RePaint's checkpoints have: attention
at 32, 16 and 8.
"""

Seconds = dict[str, list[float]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; returns the exit code."""
    parser = commandline.Parser(
        "python -m benchmark.studies.samplers", description="What the diffusion samplers cost."
    )
    parser.add_argument("--out", type=commandline.path, default=Path("results/samplers"), metavar="DIR")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures in pixels (default 128)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often all is measured, in turn (default 3)"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--large",
        action="store_true",
        help="also a network of guided-diffusion's size, 553 million parameters: for GPUs",
    )
    parser.set_defaults(command=lambda a: _main(a.out, a.size, max(1, a.rounds), a.device, a.large))
    return commandline.run_command(parser, argv)


def _main(out: Path, size: int, rounds: int, device: str, big: bool = False) -> int:
    rows = [
        *overheads(size, rounds, device),
        *ladder(size, rounds, device),
        *precisions(size, rounds, device),
    ]
    rows += large(rounds, device) if big else []
    facts = {
        "size": size,
        "rounds": rounds,
        "clock": _clock(device)[1],
        "schedule": {**SETTINGS, "training": LEVELS},
        "batch": REQUESTS,
    }
    write_study(out, rows, {**facts, "environment": measure.environment()})
    print((out / "table.md").read_text(encoding="utf-8"))
    return 0


# Beside bare network calls


def overheads(size: int, rounds: int, device: str) -> list[SamplerRow]:
    """What is spent outside the network, as a share of what is spent inside, for one picture and for a batch,
    nothing cropped.
    """
    found = []
    for kind in SAMPLERS:
        for trained, how in (
            (size, ""),
            (size // 2, ", coarse to fine"),
        ):  # by a network of half the size, as the bundled one is at 128 px
            for batch in BATCHES:
                method = made(kind, network("v_prediction", patch=2, size=trained), device, strategy=WHOLE)
                times = [_inside(method, requests(size, batch), device) for _ in range(rounds)]
                share = statistics.median(total / inside - 1 for total, inside in times)
                name = f"{NAMES[kind]}, {batch} at once{how}"
                found.append(
                    SamplerRow("overhead", name, statistics.median(t for t, _ in times), share, rounds)
                )
    return found


def _inside(method: Diffusion, wanted: Sequence[InpaintRequest], device: str) -> tuple[float, float]:
    """Seconds of a run, and those of them that the network took."""
    clock, _ = _clock(device)
    net: Any = method.net
    inside, forward = 0.0, net.forward

    def timed(noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        nonlocal inside
        start = clock()
        output: torch.Tensor = forward(noisy, timestep)
        method.synchronize()
        inside += clock() - start
        return output

    net.forward = timed
    try:
        total = _seconds(lambda: method.run(wanted), device)
    finally:
        net.forward = forward
    return total, inside


# Beside diffusers' pipeline


def ladder(size: int, rounds: int, device: str) -> list[SamplerRow]:
    """RePaint in diffusers and here, gain by gain, each beside diffusers with as many pictures at once."""
    net, found = network("epsilon", patch=1, size=size), []
    for batch in BATCHES:
        seconds = in_turn(_variants(net, size, device, batch), rounds, device)
        for name, reference in (("pipeline", THEIRS), ("channels_last", THEIRS_TOO)):
            found += compared(name, seconds, variant(reference, batch), batch)
    return found


def _variants(net: Denoiser, size: int, device: str, batch: int) -> dict[str, Callable[[], object]]:
    runs = {
        THEIRS: _diffusers(net, size, device, batch),
        THEIRS_TOO: _diffusers(net, size, device, batch, torch.channels_last),
        f"{THEIRS_TOO}, bf16": _diffusers(net, size, device, batch, torch.channels_last, bf16=True),
        CALLS: _bare(net, size, device, batch),
        WHOLE_PICTURES: _ours(net, size, device, batch),
        f"{WHOLE_PICTURES}, bf16": _ours(net, size, device, batch, precision="bf16"),
        "here, cropped to the hole": _ours(net, size, device, batch, METHODS["repaint"].strategy),
    }
    return {variant(name, batch): run for name, run in runs.items()}


def in_turn(runs: Mapping[str, Callable[[], object]], rounds: int, device: str) -> Seconds:
    """Seconds of each run in each round; all runs take turns, so that what slows the machine slows all."""
    seconds: Seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(_seconds(run, device))
    return seconds


def compared(kind: str, seconds: Seconds, reference: str, pictures: int = 1) -> list[SamplerRow]:
    """A row for each run: its median seconds per picture, and the median of how much faster it was than the
    reference in the same round.
    """
    return [
        SamplerRow(
            kind,
            name,
            statistics.median(each) / pictures,
            statistics.median(b / e for b, e in zip(seconds[reference], each, strict=True)),
            len(each),
        )
        for name, each in seconds.items()
    ]


def _diffusers(
    net: Denoiser,
    size: int,
    device: str,
    batch: int,
    layout: torch.memory_format = torch.contiguous_format,
    *,
    bf16: bool = False,
) -> Callable[[], object]:
    given: Any = net.unet
    unet: Any = UNet2DModel.from_config(given.config)
    unet.load_state_dict(given.state_dict())
    pipeline: Any = RePaintPipeline(unet.eval().to(memory_format=layout), RePaintScheduler(LEVELS))
    pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    wanted = requests(size, batch)
    pixels = torch.stack([torch.from_numpy(request.image).permute(2, 0, 1) for request in wanted])
    image = pixels.float().div(127.5).sub(1)
    known = torch.stack([torch.from_numpy(~request.mask)[None] for request in wanted]).float()
    schedule = {
        "num_inference_steps": SETTINGS["steps"],
        "jump_length": SETTINGS["jump_length"],
        "jump_n_sample": SETTINGS["resamplings"],
    }

    def run() -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
            pipeline(
                image,
                known,
                eta=1.0,
                generator=torch.Generator().manual_seed(0),
                output_type="np",
                **schedule,
            )

    return run


def _bare(net: Denoiser, size: int, device: str, batch: int) -> Callable[[], object]:
    """The network calls of a run and nothing else, as they are made here."""
    net = net.to(device).to(memory_format=torch.channels_last)
    noisy = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))
    noisy = noisy.to(device, memory_format=torch.channels_last)
    timestep = torch.full((batch,), LEVELS // 2, device=device)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(calls("repaint", SETTINGS)):
            net(noisy, timestep)

    return run


def _ours(
    net: Denoiser, size: int, device: str, batch: int, strategy: Strategy = WHOLE, **options: object
) -> Callable[[], object]:
    method = made(RePaint, net, device, strategy=strategy, **SETTINGS, **options)
    wanted = requests(size, batch)
    return lambda: method.run(wanted)


# One network call


def precisions(size: int, rounds: int, device: str) -> list[SamplerRow]:
    """A network call in 32 and in 16 bits; the ratio is times as fast."""
    net = network("v_prediction", patch=2).to(device).to(memory_format=torch.channels_last)
    noisy = torch.randn(REQUESTS, 3, size, size, generator=torch.Generator().manual_seed(0)).to(
        device, memory_format=torch.channels_last
    )
    runs = {
        name: partial(estimates(net, bf16=name == "bfloat16"), noisy, 500) for name in ("float32", "bfloat16")
    }
    with torch.inference_mode():
        in_turn(runs, 1, device)  # warms up
        return compared("precision", in_turn(runs, rounds, device), "float32")


# A network of guided-diffusion's size


def large(
    rounds: int, device: str, network: Mapping[str, Any] = LARGE, batches: Sequence[int] = (1, 4, 16)
) -> list[SamplerRow]:
    """Seconds per picture at the paper's settings with a network of random weights, and the share of the
    device's matrix peak.
    """
    made: Any = UNet2DModel(**network)
    net: Any = made.to(device, torch.bfloat16).to(memory_format=torch.channels_last).eval()
    peak, found = matrix_peak(rounds, device), []
    for batch in batches:
        noisy = torch.zeros(
            batch, 3, network["sample_size"], network["sample_size"], device=device, dtype=torch.bfloat16
        )
        noisy = noisy.contiguous(memory_format=torch.channels_last)

        def call(noisy: torch.Tensor = noisy) -> None:
            net(noisy, 500)

        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            call()
        with torch.inference_mode():
            seconds = statistics.median(_seconds(call, device) for _ in range(rounds))
        share = counter.get_total_flops() / seconds / peak
        found.append(SamplerRow("large", f"{batch} at once", PAPER_CALLS * seconds / batch, share, rounds))
    return found


def matrix_peak(rounds: int, device: str) -> float:
    """Operations per second that the device reaches at the product of two large bf16 matrices."""
    side = 8192 if device.startswith("cuda") else 1024
    a, b = torch.randn(2, side, side, device=device).to(torch.bfloat16)
    return 2 * side**3 / min(_seconds(lambda: torch.mm(a, b), device) for _ in range(rounds + 2))


# What is measured


WIDTHS, ATTENTION = (64, 128, 256), (16, 8)
"""Of the bundled denoiser: channels of each scale, and where it attends, in positions a side."""


def network(prediction: str, *, patch: int, size: int = 64) -> Denoiser:
    """A denoiser of the bundled one's widths with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        schedule = {"schedule": "linear", "timesteps": LEVELS} if prediction == "epsilon" else {}
        net = Denoiser(
            size,
            widths=WIDTHS,
            attention=ATTENTION if size // patch == 32 else (),
            patch=patch,
            prediction=prediction,
            **schedule,  # type: ignore[arg-type]
        )
        return net.eval().requires_grad_(False)


def made(
    kind: type[Diffusion], net: Denoiser, device: str, *, strategy: Strategy, **options: object
) -> Diffusion:
    """The method with this network, as if it were the bundled one."""

    class Given(kind):  # type: ignore[valid-type, misc]
        def load(self) -> None:
            pass

    method: Diffusion = Given(replace(METHODS[NAMES[kind]], strategy=strategy), device=device, **options)
    method.net = net.to(device).to(memory_format=torch.channels_last)
    return method


def requests(size: int, count: int) -> list[InpaintRequest]:
    """Pictures of noise with a square hole in the middle."""
    rng = np.random.default_rng(0)
    mask = np.zeros((size, size), bool)
    mask[3 * size // 8 : 5 * size // 8, 3 * size // 8 : 5 * size // 8] = True
    return [
        InpaintRequest(rng.integers(0, 256, (size, size, 3), np.uint8), mask, seed=i) for i in range(count)
    ]


def _clock(device: str) -> tuple[Callable[[], float], str]:
    """The processor's time where one thread does it all, which other programs disturb less; else the time on
    the wall.
    """
    if device == "cpu" and torch.get_num_threads() == 1:
        return time.process_time, "processor time"
    return time.perf_counter, "wall time"


def _seconds(run: Callable[[], object], device: str) -> float:
    clock, _ = _clock(device)
    start = clock()
    run()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return clock() - start


if __name__ == "__main__":
    sys.exit(main())

"""Speed and memory of the layers beside their formulas written with convolutions.

python -m benchmark.studies.layers [--threads N --repeats N]
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.measure import hardware
from inpainters.networks.layers import PartialConv2d, contextual_attention

Layer = Callable[[Tensor, Tensor], Tensor]
Case = tuple[Layer, Layer, Tensor, Tensor]


def attention_by_convolution(x: Tensor, mask: Tensor) -> Tensor:
    """Yu et al. 2018, section 4.1, as usually coded: all patches are the filters of a convolution, then of
    its transpose.
    """
    channels, height, width = x.shape[1:]
    filled = []
    for picture, hole in zip(x[:, None], mask[:, None], strict=True):
        patches = F.unfold(picture, 3, padding=1)[0].T.reshape(height * width, channels, 3, 3)
        norms = patches.flatten(1).norm(dim=1).clamp(min=1e-4)
        scores = F.conv2d(picture, patches / norms.view(-1, 1, 1, 1), padding=1) / norms.view(
            1, 1, height, width
        )
        lacking = F.max_pool2d(F.pad(hole, (1, 1, 1, 1), value=1.0), 3, 1).flatten().view(1, -1, 1, 1)
        weights = torch.softmax(10 * scores - 1e9 * lacking, 1)
        filled.append(F.conv_transpose2d(weights, patches, padding=1) / 9)
    return torch.where(mask > 0, torch.cat(filled), x)


def partial_by_convolution(weight: Tensor, bias: Tensor) -> Layer:
    """Liu et al. 2018, equation 1, as usually coded: a convolution with ones counts what is valid."""

    def layer(x: Tensor, valid: Tensor) -> Tensor:
        ones = torch.ones_like(weight) if valid.shape[1] > 1 else torch.ones_like(weight[:1, :1])
        with torch.no_grad():
            count = F.conv2d(valid, ones, padding=1)
            update = count.clamp(0, 1)
            ratio = ones[0].numel() / (count + 1e-8) * update
        return (F.conv2d(x * valid, weight, padding=1) * ratio + bias.view(1, -1, 1, 1)) * update

    return layer


CASES: dict[str, Callable[[], Case]] = {
    "contextual attention": lambda: _attention(),
    "partial convolution, one mask": lambda: _partial(32, 256, 1),
    "partial convolution, a mask per channel": lambda: _partial(64, 128, 64),
}
"""What is measured: name -> a function that draws (our layer, the formula, input, mask)."""


def _attention() -> Case:
    mask = torch.zeros(4, 1, 64, 64)
    mask[:, :, 16:48, 16:48] = 1
    return (
        lambda x, m: contextual_attention(x, m)[0],
        attention_by_convolution,
        torch.randn(4, 96, 64, 64),
        mask,
    )


def _partial(channels: int, side: int, masks: int) -> Case:
    layer = PartialConv2d(channels, channels)
    valid = (torch.rand(4, masks, side, side) > 0.3).float()
    formula = partial_by_convolution(layer.conv.weight, torch.zeros(channels))
    return lambda x, m: layer(x, m)[0], formula, torch.randn(4, channels, side, side), valid


def once(layer: Layer, x: Tensor, mask: Tensor, train: bool) -> float:
    """Processor seconds of one pass, or of one pass and its gradient."""
    x = x.clone().requires_grad_(train)
    began = time.process_time()
    with torch.set_grad_enabled(train):
        out = layer(x, mask)
    if train:
        torch.autograd.grad(out.sum(), x)
    return time.process_time() - began


def _peak(name: str, which: int, train: bool, threads: int) -> float:
    """MB that the first pass adds to the largest size of a process of its own."""
    import resource

    torch.set_num_threads(threads)
    case = CASES[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    once((case[0], case[1])[which], case[2], case[3], train)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / (
        1024 if sys.platform == "linux" else 1 << 20
    )


def peak(name: str, which: int, train: bool, threads: int) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (name, which, train, threads))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row per layer and kind of pass: median processor seconds of both, their ratio, peak memory of
    both, largest difference.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmark.studies.layers", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    print(
        f"{hardware()}, {args.threads} thread(s), PyTorch {torch.__version__}, medians of {args.repeats}, "
        "taken in turn"
    )
    # Before this process grows: a new one starts with its parent's largest size.
    keys = [(name, which, train) for name in CASES for train in (False, True) for which in (0, 1)]
    memory = {key: peak(*key, args.threads) for key in keys}
    for name, draw in CASES.items():
        ours, formula, x, mask = draw()
        with torch.no_grad():
            apart = (ours(x, mask) - formula(x, mask)).abs().max().item()
        for train in (False, True):
            times = [(once(ours, x, mask, train), once(formula, x, mask, train)) for _ in range(args.repeats)]
            a, b = (median(column) for column in zip(*times, strict=True))
            kind = "forward and backward" if train else "forward"
            print(f"{name}, {kind}: {a:.3f} s, formula {b:.3f} s, {b / a:.1f} times faster; ", end="")
            print(
                f"{memory[name, 0, train]:.0f} MB, formula {memory[name, 1, train]:.0f} MB; at most "
                f"{apart:.0e} apart",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The base of all trained methods: a network from its shards, batches of pieces of one size, and taps for
what goes on inside.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from inpainters.base import Inpainter, Piece
from inpainters.imaging import Image, composite, to_uint8
from inpainters.weights.build import load_bundled

BATCH_PIXELS = 4 * 256 * 256
"""Pieces share a batch up to this many pixels, which bounds the memory."""

_T = TypeVar("_T")


class Learned(Inpainter):
    """A trained network, that of the row's first weights: `forward(image, mask[, guide])` to pictures from
    coarse to fine. Subclasses show its inside.
    """

    net: nn.Module

    def load(self) -> None:
        """Build the network; raises UnavailableError with one sentence for weights that are absent, altered
        or foreign.
        """
        self.net = self.bundled()

    def bundled(self) -> Any:
        """The network of the bundled weights; raises as `load` does."""
        return load_bundled(self.spec.weights[0], self.device)

    def fill_batch(self, pieces: Sequence[Piece]) -> list[Image]:
        fills: dict[int, Image] = {}
        for batch in batches(pieces):
            for piece in batch:
                piece.on_step(0, 1)
            for piece, image in zip(batch, self.draw(batch), strict=True):
                fills[id(piece)] = image
                piece.on_step(1, 1)
        return [fills[id(piece)] for piece in pieces]

    def draw(self, pieces: Sequence[Piece]) -> list[Image]:
        """The fills of pieces of one size, in one pass of the network."""
        return to_images(self.stages(pieces)[-1])

    def stages(self, pieces: Sequence[Piece]) -> list[Tensor]:
        """The network's pictures from coarse to fine, (N, 3, h, w) each, for pieces of one size."""
        tensors = inputs(pieces, self.device, guide=self.spec.takes_guide)
        for piece in pieces:
            piece.network_calls += 1
        with torch.inference_mode():
            return list(self.net(*tensors))


def batches(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Pieces of one size together, as many as `BATCH_PIXELS` allow."""
    sizes: dict[tuple[int, ...], list[Piece]] = {}
    for piece in pieces:
        sizes.setdefault(piece.mask.shape, []).append(piece)
    for (height, width), group in sizes.items():
        most = max(1, BATCH_PIXELS // (height * width))
        yield from (group[i : i + most] for i in range(0, len(group), most))


def inputs(pieces: Sequence[Piece], device: str, *, guide: bool = False) -> list[Tensor]:
    """What networks take: images (N, 3, h, w) in [0, 1], masks (N, 1, h, w) 1 where missing, and where asked
    for guides like masks.
    """
    arrays = [to_tensor([piece.image for piece in pieces]) / 255, to_tensor([piece.mask for piece in pieces])]
    if guide:
        arrays.append(to_tensor([np.zeros_like(p.mask) if p.guide is None else p.guide for p in pieces]))
    return [array.to(device) for array in arrays]


def to_tensor(arrays: Sequence[np.ndarray]) -> Tensor:
    """(N, C, h, w) float from arrays (h, w) or (h, w, C)."""
    stack = torch.from_numpy(np.stack(arrays)).float()
    return stack.unsqueeze(1) if stack.ndim == 3 else stack.permute(0, 3, 1, 2)


def to_images(pictures: Tensor) -> list[Image]:
    """(h, w, 3) uint8 each, from (N, 3, h, w) in [0, 1]."""
    return list(to_uint8(255 * pictures.detach().float().permute(0, 2, 3, 1).cpu().numpy()))


def pasted(picture: Tensor, piece: Piece) -> Image:
    """The picture (1, 3, h, w) in the hole, the known pixels around it."""
    return composite(to_images(picture)[0], piece.image, piece.mask)


def grey(values: Tensor) -> Image:
    """(h, w, 3) uint8 from (h, w) in [0, 1]."""
    return to_uint8(255 * values.detach().float().cpu().numpy())[..., None].repeat(3, 2)


# Taps


@contextmanager
def tapped(
    modules: Iterable[tuple[str, nn.Module]], reduce: Callable[[Any], _T]
) -> Iterator[list[tuple[str, _T]]]:
    """Within the block, collect (name, `reduce(output)`) of each call of the modules by this thread, in their
    order.

    `reduce` makes the output small at once, so that what is held stays bounded; the hooks are removed
    whatever happens.
    """
    seen: list[tuple[str, _T]] = []
    mine = threading.get_ident()  # networks are shared: another thread may be running this one

    def hook(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: (
            seen.append((name, reduce(output))) if threading.get_ident() == mine else None
        )

    handles = [module.register_forward_hook(hook(name)) for name, module in modules]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()

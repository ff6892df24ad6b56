"""The base of all trained methods: a network from its shards, batches of pieces of one size, and taps for
what goes on inside.
"""

import inspect
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from inpainters.base import Inpainter, Piece
from inpainters.errors import UnavailableError
from inpainters.imaging import Image, composite, to_uint8
from inpainters.weights.table import WEIGHTS, restore, verified_all

BATCH_PIXELS = 4 * 256 * 256
"""Pieces share a batch up to this many pixels, which bounds the memory."""

T = TypeVar("T")


class Learned(Inpainter):
    """A trained network, `forward(image, mask[, guide])` to pictures from coarse to fine. Subclasses name it
    and show its inside.
    """

    network: ClassVar[str]
    """`module:class` of the network; weights may name another class of the same module."""
    net: nn.Module

    def load(self) -> None:
        """Build the network; raises UnavailableError with one sentence for weights that are absent, altered
        or foreign.
        """
        self.net = self.bundled()

    def bundled(self) -> nn.Module:
        """The network of the bundled weights; raises as `load` does."""
        name = self.spec.weights[0]
        return load_network(self.network, name, tuple(WEIGHTS[name].files), self.device)

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
    modules: Iterable[tuple[str, nn.Module]], reduce: Callable[[Any], T]
) -> Iterator[list[tuple[str, T]]]:
    """Within the block, collect (name, `reduce(output)`) of each call of the modules by this thread, in their
    order.

    `reduce` makes the output small at once, so that what is held stays bounded; the hooks are removed
    whatever happens.
    """
    seen: list[tuple[str, T]] = []
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


# Weights


@lru_cache(maxsize=8)
def load_network(target: str, name: str, files: tuple[str, ...], device: str) -> nn.Module:
    """The network `module:class` with the weights `name`, evaluating; kept for the next caller. `files` are
    those of the table's row.

    Raises UnavailableError naming the file and what to do where one is absent, altered, damaged or of
    something else.
    """
    return build_network(target, name, verified_all(name)).to(device, memory_format=torch.channels_last)


def build_network(target: str, name: str, paths: Sequence[Path]) -> nn.Module:
    """The network that the shards describe, in fp32. Nothing that the files say is believed unchecked; raises
    UnavailableError.
    """
    metadata, tensors = {}, {}
    for path in paths:
        metadata, part = _read(path, name)
        tensors |= part
    kind, settings = _constructor(target, metadata, paths[0], name)
    with torch.device("meta"):
        _fits(_build(kind, settings, paths[0], name), tensors, paths[0], name)
    with torch.random.fork_rng(devices=[]):
        network = _build(kind, settings, paths[0], name)
    network.load_state_dict(tensors)
    return network.float().eval().requires_grad_(False)


def _read(path: Path, name: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError):
        raise _broken(path, name, "it is damaged or cut short") from None
    if metadata.get("method") != name:
        raise _broken(path, name, f"it says that it is of '{str(metadata.get('method'))[:40]}'")
    return metadata, tensors


def _constructor(
    target: str, metadata: Mapping[str, str], path: Path, name: str
) -> tuple[type[nn.Module], dict[str, Any]]:
    module, _, default = target.partition(":")
    try:
        settings = dict(json.loads(metadata.get("network", "")))
    except (ValueError, TypeError):
        raise _broken(path, name, "it does not say how its network is built") from None
    choice = settings.pop("class", default)
    kind = getattr(import_module(module), str(choice), None)
    if not (
        inspect.isclass(kind)
        and issubclass(kind, nn.Module)
        and kind.__module__.startswith("inpainters.networks.")
    ):
        raise _broken(path, name, f"there is no network '{str(choice)[:40]}'")
    if strange := sorted(settings.keys() - inspect.signature(kind).parameters.keys()):
        raise _broken(path, name, f"its network has no setting '{str(strange[0])[:40]}'")
    return kind, settings


def _build(kind: type[nn.Module], settings: Mapping[str, Any], path: Path, name: str) -> nn.Module:
    try:
        return kind(**settings)
    except Exception as error:  # whatever a constructor makes of values it cannot use
        raise _broken(path, name, f"its network cannot be built: {str(error)[:80]}") from None


def _fits(network: nn.Module, tensors: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Compare keys and shapes with those of the network, before memory is spent on it."""
    wanted = network.state_dict()
    if lacking := sorted(wanted.keys() - tensors.keys()):
        raise _broken(path, name, f"the tensor '{lacking[0]}' is lacking")
    if strange := sorted(tensors.keys() - wanted.keys()):
        raise _broken(path, name, f"the network has no tensor '{strange[0][:60]}'")
    for key, tensor in tensors.items():
        if tensor.shape != wanted[key].shape:
            raise _broken(
                path, name, f"'{key}' has the shape {tuple(tensor.shape)}, not {tuple(wanted[key].shape)}"
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise _broken(path, name, f"'{key}' holds what is no number")


def _broken(path: Path, name: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"'{path.name}' does not hold the weights of '{name}' ({why}): delete it and {restore(name)}."
    )

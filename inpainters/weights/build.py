"""A network from its shards. Nothing that the files say is believed unchecked."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from inpainters.errors import UnavailableError
from inpainters.weights.files import restore, verified_all
from inpainters.weights.table import WEIGHTS


def load_bundled(name: str, device: str) -> Any:
    """The network of the WEIGHTS row `name` with its weights; kept and raising as `load_network` says."""
    row = WEIGHTS[name]
    return load_network(row.network, name, tuple(row.files), device)


@lru_cache(maxsize=8)
def load_network(target: str, name: str, files: tuple[str, ...], device: str) -> nn.Module:
    """The network `module:class` with the weights `name`, evaluating; kept for the next caller. `files` are
    those of the table's row.

    Raises UnavailableError naming the file and what to do where one is absent, altered, damaged or of
    something else.
    """
    return build_network(target, name, verified_all(name)).to(device).to(memory_format=torch.channels_last)


def build_network(target: str, name: str, paths: Sequence[Path]) -> nn.Module:
    """The network that the shards describe, in fp32. Nothing that the files say is believed unchecked;
    raises UnavailableError.
    """
    metadata: dict[str, str] = {}
    tensors: dict[str, Tensor] = {}
    for path in paths:
        metadata, part = _read(path, name)
        tensors |= part
    kind, settings = _constructor(target, metadata, paths[0], name)
    with torch.device("meta"), Undrawn():  # before memory is spent on it
        wanted = _build(kind, settings, paths[0], name).state_dict()
    if why := mismatch(wanted, tensors):
        raise _broken(paths[0], name, why)
    with torch.random.fork_rng(devices=[]), Undrawn():
        network = _build(kind, settings, paths[0], name)
    network.load_state_dict(tensors)
    return network.float().eval().requires_grad_(False)


class Undrawn(TorchFunctionMode):
    """Within it layers leave their weights as they were allocated, for a file's tensors to take their place.

    Drawing them takes time, and on the device "meta" it imports torch's compiler.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if function in _DRAWS:
            return args[0] if args else given["tensor"]
        return function(*args, **given)


_DRAWS = {
    *(Tensor.normal_, Tensor.uniform_),
    *(nn.init.normal_, nn.init.uniform_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_),
}


def mismatch(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    """Why tensors are not those of the state dict `wanted`, for the middle of a sentence; empty where they
    are, by names, shapes and finite numbers.
    """
    if lacking := sorted(wanted.keys() - tensors.keys()):
        return f"the tensor '{lacking[0][:80]}' is lacking{_more(lacking)}"
    if strange := sorted(tensors.keys() - wanted.keys()):
        return f"the network has no tensor '{strange[0][:80]}'{_more(strange)}"
    for key, tensor in tensors.items():
        if tensor.shape != wanted[key].shape:
            return f"'{key}' has the shape {tuple(tensor.shape)}, not {tuple(wanted[key].shape)}"
        if wanted[key].is_floating_point() and not (tensor.is_floating_point() and tensor.isfinite().all()):
            return f"'{key}' holds what is no number"
    return ""


def _more(keys: Sequence[str]) -> str:
    return f", and {len(keys) - 1} more" if len(keys) > 1 else ""


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


def _broken(path: Path, name: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"'{path.name}' does not hold the weights of '{name}' ({why}): delete it and {restore(name)}."
    )

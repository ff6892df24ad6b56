"""Other people's unconditional denoisers, for the methods that steer one by the known pixels: the option
`model`.

    python -m inpainters fill PHOTO MASK --method repaint --option model=google/ddpm-celebahq-256 -o OUT.png
    python -m benchmark run quick --methods repaint:model=google/ddpm-church-256

`model` is the name of a repository on the Hugging Face Hub, such as `google/ddpm-celebahq-256` (faces that
fill the picture), `google/ddpm-church-256`, `google/ddpm-bedroom-256` or `google/ddpm-cat-256`, or a folder:
a `DDPMPipeline` or a lone `UNet2DModel` as diffusers saves them. `@REVISION` behind it asks for a commit,
branch or tag of the Hub, or for the digest of a folder; what a result records always has one, so that it says
which weights it ran. guided-diffusion's checkpoints go through `inpainters.convert` first.

Such a model knows pictures of one size: windows have that size where the picture is large enough, and a
picture in which the thing it knows is larger than that should be made smaller first. A Hub model is
downloaded by the first run that asks for it, into the Hub's own cache. Nothing a checkpoint holds is
executed: descriptions are JSON whose values are checked, weights are safetensors, or a `.bin` that is read as
tensors alone.
"""

import hashlib
import inspect
import json
import os
import re
import threading
import zipfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub
import torch
from diffusers import DDPMScheduler
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inpainters.errors import InputError, UnavailableError
from inpainters.networks.denoiser import Pretrained, UNet, multiple
from inpainters.weights import hub
from inpainters.weights.build import Undrawn, mismatch
from inpainters.weights.files import sha256

DESCRIPTIONS = (
    "model_index.json",
    "config.json",
    "scheduler_config.json",
    "unet/config.json",
    "scheduler/scheduler_config.json",
)
"""Files that say how a model is built; old repositories have them all at the top."""
WEIGHT_FILES = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
"""Beside the network's `config.json`, the better one first."""
PIPELINES = ("DDPMPipeline", "DDIMPipeline", "PNDMPipeline")
SCHEDULERS = ("DDPMScheduler", "DDIMScheduler", "PNDMScheduler")
"""Their schedules of noise are alike; which of them a model comes with says nothing of how it may be sampled.
"""
BETA_SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid")
PREDICTIONS = ("epsilon", "v_prediction", "sample")
OPERATIONS_PER_SECOND = 7e10
"""Floating-point operations per second of the reference machine (`inpainters.spec.Cost`) in such networks, by
the bundled one's cost.

Networks from 1.2 to 114 million parameters had between 0.9 and 1.6 times the bundled one's rate, measured on
one core."""
KEPT = 2
"""Loaded models that are kept for the next run: each may have gigabytes."""

_HUB = re.compile(
    r"(?!.*\.\.)(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?"
)
_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Of attention layers before diffusers 0.15."""
_lock = threading.Lock()
_asked: dict[tuple[str, str], Path] = {}  # repository and revision -> what the Hub gave this process


class Location(NamedTuple):
    """Where a model lies."""

    name: str
    """What was asked for, with the commit or the digest."""
    folder: Path
    repository: str = ""
    """Of the Hub; empty for a folder."""


class Description(NamedTuple):
    """A model as its JSON files describe it, checked."""

    unet: UNet
    """On the device "meta": without weights."""
    scheduler: DDPMScheduler
    size: int
    place: Path
    """The folder of the network's `config.json`."""
    notes: tuple[str, ...]


def pinned(name: str) -> str:
    """The name with the commit, or a folder's digest, that it means now: what a record should have.

    Raises as `load_denoiser` does where there is no such model.
    """
    return _locate(name).name


def load_denoiser(name: str, device: str = "cpu") -> Pretrained:
    """The model, in fp32, evaluating; kept for the next caller. A Hub model is downloaded where it is not
    here.

    Raises InputError for what is no unconditional denoiser of RGB pictures, UnavailableError for what cannot
    be had, one sentence each.
    """
    source = _locate(name)
    with _lock:  # two threads must not load it twice
        return _load(source, () if source.repository else _stamp(source.folder), device)


@lru_cache(maxsize=KEPT)
def _load(source: Location, stamp: "Stamp", device: str) -> Pretrained:
    unet, scheduler, size, place, notes = describe(source.folder, source.name)
    set_weights(unet, renamed(read_tensors(_weights(source, place))), source.name)
    net = Pretrained(unet.float().eval().requires_grad_(False), scheduler, size)
    count = sum(parameter.numel() for parameter in unet.parameters())
    net.notes = (
        f"Denoiser: {source.name}, {count / 1e6:.3g} million parameters, trained at {size}×{size}.",
        *notes,
    )
    return net.to(device).to(memory_format=torch.channels_last)


def call_seconds(name: str) -> float:
    """Seconds of a network call for a picture of the training size on the reference machine; as `sides`."""
    source = _locate(name, ask=False)
    return _operations(source, () if source.repository else _stamp(source.folder)) / OPERATIONS_PER_SECOND


def sides(name: str) -> tuple[int, int]:
    """The side of the pictures of the training, and what it has to be a multiple of.

    For it nothing is loaded, and the Hub is not asked. Raises as `load_denoiser` does, and UnavailableError
    for a model of the Hub that this process has not asked for yet.
    """
    source = _locate(name, ask=False)
    return _sides(source, () if source.repository else _stamp(source.folder))


@lru_cache(maxsize=64)
def _sides(source: Location, stamp: "Stamp") -> tuple[int, int]:
    unet, _, size, *_ = describe(source.folder, source.name)
    return size, multiple(unet)


@lru_cache(maxsize=64)
def _operations(source: Location, stamp: "Stamp") -> int:
    unet, _, size, *_ = describe(source.folder, source.name)
    with torch.device("meta"), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        unet(torch.zeros(1, 3, size, size), torch.zeros(1, dtype=torch.long))
    return int(counter.get_total_flops())


# --- where it lies --------------------------------------------------------------------------------


def _locate(name: str, *, ask: bool = True) -> Location:
    """The folder of that name, else the Hub's repository, whose descriptions are downloaded where one may
    `ask` it.
    """
    path, _, revision = name.rpartition("@")
    for folder, digest in ((name, ""), (path, revision)):
        if folder and os.path.isdir(folder):  # unlike Path's, it takes any text
            return _folder(folder, digest)
    if not (found := _HUB.fullmatch(name)):
        raise InputError(
            f"There is no folder '{name[:80]}', and a Hub name is written owner/name or owner/name@revision: "
            "check 'model'."
        )
    repository, revision = found["repository"], found["revision"] or "main"
    snapshot = _snapshot(repository, revision) if ask else _asked.get((repository, revision))
    if snapshot is None:
        raise UnavailableError(f"The model '{name[:80]}' was not asked for yet: run a method with it.")
    return Location(f"{repository}@{snapshot.name}", snapshot, repository)


def _folder(folder: str, digest: str) -> Location:
    files = _stamp(Path(folder))
    if not files:
        raise InputError(
            f"'{Path(folder).name}' holds no model (a config.json and {WEIGHT_FILES[0]}, or "
            "unet/ with both): choose another."
        )
    found = _digest(files)
    if digest and not found.startswith(digest):
        raise InputError(
            f"'{Path(folder).name}' holds another model (digest {found}, not {digest[:12]}): ask for it "
            "without '@'."
        )
    return Location(f"{folder}@{found}", Path(folder))


Stamp = tuple[tuple[Path, int, int], ...]


def _stamp(folder: Path) -> Stamp:
    """The model's files with time and size: whether a folder is still what it was."""
    names = (*DESCRIPTIONS, *(f"{place}{file}" for place in ("", "unet/") for file in WEIGHT_FILES))
    found = [(path, path.stat()) for name in names if (path := folder / name).is_file()]
    return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in found)


@lru_cache(maxsize=8)
def _digest(files: Stamp) -> str:
    """12 characters of the sha256 of the files' sha256."""
    return hashlib.sha256("".join(sha256(path) for path, *_ in files).encode()).hexdigest()[:12]


@lru_cache(maxsize=64)
def _snapshot(repository: str, revision: str) -> Path:
    """The descriptions' folder, named for its commit.
    A branch means the same commit as long as the process lives.
    """
    found = _download(repository, revision, DESCRIPTIONS)
    _asked[repository, revision] = _asked[repository, found.name] = found
    return found


def _download(repository: str, revision: str, files: Sequence[str]) -> Path:
    """The folder of that commit with those of the files that the repository has. Raises UnavailableError."""
    try:
        return Path(
            huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=list(files))
        )
    except Exception as error:  # whatever a library for networks makes of there being none
        hub.raise_sentence(error, repository, revision)


def _weights(source: Location, place: Path) -> Path:
    """The file of the weights, downloaded where that is needed; a download is checked against the sha256 that
    the Hub keeps it under.
    """
    for file in WEIGHT_FILES:
        if source.repository:
            _download(
                source.repository, source.folder.name, [(place / file).relative_to(source.folder).as_posix()]
            )
        if (place / file).is_file():
            break
    else:
        raise _refused(source.name, f"it has no {' or '.join(WEIGHT_FILES)}")
    blob = (place / file).resolve()
    if source.repository and re.fullmatch("[0-9a-f]{64}", blob.name) and sha256(blob) != blob.name:
        raise UnavailableError(
            f"The file '{file}' of '{source.name}' is damaged (another sha256): delete '{blob}' and run this "
            "again."
        )
    return place / file


# --- what it is -----------------------------------------------------------------------------------


def describe(folder: Path, name: str) -> Description:
    """What the model's JSON files say; `name` is for sentences. Raises InputError for all that the samplers
    could not use.
    """
    index = _json(folder / "model_index.json", name) if (folder / "model_index.json").is_file() else {}
    if (kind := index.get("_class_name", PIPELINES[0])) not in PIPELINES:
        raise _refused(name, f"it is a '{str(kind)[:40]}', not one of {', '.join(PIPELINES)}")
    if not (place := _place(folder, "unet", "config.json")):
        raise _refused(name, "it has no config.json")
    unet, size = unet_of(_json(place / "config.json", name), name)
    rules = _place(folder, "scheduler", "scheduler_config.json") or _place(place, "", "scheduler_config.json")
    config = _json(rules / "scheduler_config.json", name) if rules else {}
    noise = schedule(config, name)
    embedded, steps = unet.config.num_train_timesteps, len(noise.betas)
    if unet.config.time_embedding_type == "learned" and embedded < steps:
        raise _refused(name, f"its network knows {embedded} timesteps and its schedule has {steps}")
    notes = []
    if rules is None:
        notes.append(
            "The model says nothing of its noise: the linear schedule of Ho et al. 2020 over 1000 timesteps "
            "was taken."
        )
    if unet.config.out_channels == 6:
        notes.append(
            "The model also predicts a variance, in 3 of its 6 channels; the samplers do without it."
        )
    return Description(unet, noise, size, place, tuple(notes))


def _place(folder: Path, inner: str, file: str) -> Path | None:
    return next((place for place in (folder / inner, folder) if (place / file).is_file()), None)


def _json(path: Path, name: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return dict(json.loads(file.read(1 << 20)))
    except (ValueError, TypeError, RecursionError):
        raise _refused(name, f"its {path.name} is no JSON object") from None


def unet_of(config: Mapping[str, Any], name: str) -> tuple[UNet, int]:
    """The network that a `config.json` describes, without weights, and the side of the pictures it was
    trained on.
    """
    if (kind := config.get("_class_name", "UNet2DModel")) != "UNet2DModel":
        raise _refused(name, f"its network is a '{str(kind)[:40]}', not a UNet2DModel")
    settings = {key: value for key, value in config.items() if not key.startswith("_")}
    parameters = inspect.signature(UNet.__init__).parameters
    if strange := sorted(settings.keys() - parameters.keys()):
        raise _refused(
            name, f"its network has a setting '{strange[0][:40]}' that this diffusers does not know"
        )
    full = {key: parameter.default for key, parameter in parameters.items() if key != "self"} | settings
    if full["num_class_embeds"] is not None or full["class_embed_type"] is not None:
        raise _refused(
            name,
            f"it draws one of {full['num_class_embeds'] or 'several'} classes, and there is nobody to name "
            "one",
        )
    if full["in_channels"] != 3:
        raise _refused(name, f"its network takes {full['in_channels']} channels, and pictures have 3")
    if full["out_channels"] not in (3, 6):
        raise _refused(
            name, f"its network gives {full['out_channels']} channels, not 3, or 6 with a variance"
        )
    if full["time_embedding_type"] not in ("positional", "learned"):
        raise _refused(name, "its network is told noise levels, not timesteps")
    size = _size(full, name)
    return _build(settings, size, name), size


def _size(full: Mapping[str, Any], name: str) -> int:
    sides = (
        full["sample_size"] if isinstance(full["sample_size"], list | tuple) else [full["sample_size"]] * 2
    )
    widths, layers = full["block_out_channels"], full["layers_per_block"]
    if not (_counts(widths, 8192) and len(widths) <= 12 and _counts([layers], 16)):
        raise _refused(
            name,
            "its network's block_out_channels or layers_per_block are no numbers that a network can have",
        )
    if not (_counts(sides, 4096) and len(sides) == 2):
        raise _refused(
            name,
            "its config.json does not say how large its pictures are (sample_size "
            f"{str(full['sample_size'])[:40]})",
        )
    if sides[0] != sides[1]:
        raise _refused(name, f"its pictures are {sides[1]}×{sides[0]}, not square")
    if sides[0] % (needed := 2 ** (len(widths) - 1)):
        raise _refused(
            name,
            f"its pictures have {sides[0]} pixels a side, and its {len(widths)} scales need a multiple of "
            f"{needed}",
        )
    return int(sides[0])


def _counts(values: object, most: int) -> bool:
    return (
        isinstance(values, list | tuple)
        and bool(values)
        and all(type(value) is int and 1 <= value <= most for value in values)
    )


def _build(settings: Mapping[str, Any], size: int, name: str) -> UNet:
    """On the device "meta", where a call costs nothing and tells whether the settings go together."""
    try:
        with torch.device("meta"), torch.inference_mode(), Undrawn():
            unet = UNet(
                **{key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
            )
            answer = unet(torch.zeros(1, 3, size, size), torch.zeros(1, dtype=torch.long)).sample
    except Exception as error:  # whatever a constructor makes of values it cannot use
        raise _refused(name, f"its network cannot be built: {' '.join(str(error).split())[:80]}") from None
    if answer.shape != (1, unet.config.out_channels, size, size):
        raise _refused(
            name, f"its network turns {size}×{size} pixels into {answer.shape[-1]}×{answer.shape[-2]}"
        )
    return unet


def schedule(config: Mapping[str, Any], name: str) -> DDPMScheduler:
    """The noise schedule of a `scheduler_config.json`; where it is empty,
    that of Ho et al. 2020, on 1000 timesteps.
    """
    if (kind := config.get("_class_name", SCHEDULERS[0])) not in SCHEDULERS:
        raise _refused(name, f"its scheduler is a '{str(kind)[:40]}', not one of {', '.join(SCHEDULERS)}")
    steps, form = config.get("num_train_timesteps", 1000), config.get("beta_schedule", "linear")
    start, end = config.get("beta_start", 0.0001), config.get("beta_end", 0.02)
    betas, prediction = config.get("trained_betas"), config.get("prediction_type", "epsilon")
    if not _counts([steps], 100_000):
        raise _refused(name, f"its schedule has {str(steps)[:40]} timesteps")
    if why := _uneven(betas, steps) if betas is not None else _no_form(form, start, end):
        raise _refused(name, why)
    if prediction not in PREDICTIONS:
        raise _refused(name, f"it predicts '{str(prediction)[:40]}', not one of {', '.join(PREDICTIONS)}")
    if config.get("rescale_betas_zero_snr"):
        raise _refused(
            name,
            "its schedule is rescaled to end in noise alone, which steps between noise levels cannot start "
            "from",
        )
    bound = config.get("clip_sample_range", 1.0)
    if not (isinstance(bound, int | float) and 0 < bound < 1e6):
        raise _refused(name, f"its clip_sample_range is {str(bound)[:40]}, not a number above 0")
    found = DDPMScheduler(
        steps, start, end, "linear" if betas else form, betas,
        prediction_type=prediction, clip_sample_range=bound,
        clip_sample=bool(config.get("clip_sample", True)),  # PNDM says nothing of it; colours have bounds
    )  # fmt: skip
    if not 0 < float(found.alphas_cumprod[-1]) < 1:
        raise _refused(
            name,
            f"its noise after {steps} timesteps leaves {float(found.alphas_cumprod[-1]):g} of the picture",
        )
    return found


def _uneven(betas: object, steps: int) -> str:
    """What is wrong with betas that were trained; empty where nothing is."""
    if not (isinstance(betas, list | tuple) and all(_share(beta) for beta in betas)):
        return "its trained_betas are no list of numbers between 0 and 1"
    if len(betas) != steps:
        return f"its schedule has {steps} timesteps and {len(betas)} trained_betas"
    return ""


def _no_form(form: object, start: Any, end: Any) -> str:
    """What is wrong with a schedule that has a form; empty where nothing is."""
    if form not in BETA_SCHEDULES:
        return f"its beta_schedule is '{str(form)[:40]}', not one of {', '.join(BETA_SCHEDULES)}"
    if not (_share(start) and _share(end) and start <= end):
        return (
            f"its schedule goes from beta {str(start)[:20]} to {str(end)[:20]}, not upwards between 0 and 1"
        )
    return ""


def _share(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value < 1


def _refused(name: str, why: str) -> InputError:
    return InputError(
        f"The model '{name[:120]}' cannot be used ({why}): choose an unconditional denoiser of RGB pictures."
    )


# --- its weights ----------------------------------------------------------------------------------


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of one by `torch.save`, of which nothing but tensors is read.
    Raises InputError.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except MemoryError:
        raise
    except Exception as error:  # of safetensors, zip, pickle, struct ...: a file may be broken in many ways
        if isinstance(error, OSError) and error.filename is not None:  # it could not be opened at all
            raise
        why = (
            "it holds more than tensors"
            if "weights_only" in str(error).lower()
            else "it is damaged, cut short, or something else"
        )
        raise InputError(
            f"'{path.name}' cannot be read as weights ({why}): get it again from where it came from."
        ) from None
    if not (
        isinstance(found, dict)
        and found
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items())
    ):
        held = (
            f"its keys are {', '.join(map(repr, list(found)[:3]))[:80]}"
            if isinstance(found, dict) and found
            else type(found).__name__
        )
        raise InputError(
            f"'{path.name}' is no state dict of names and tensors ({held}): save the network's own "
            "`state_dict()`."
        )
    return found


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With the names that attention layers have had since diffusers 0.15."""
    old = re.compile(rf"(.*attentions\.\d+)\.({'|'.join(_OLD_NAMES)})\.(weight|bias)")
    return {
        f"{m[1]}.{_OLD_NAMES[m[2]]}.{m[3]}" if (m := old.fullmatch(key)) else key: tensor
        for key, tensor in tensors.items()
    }


def set_weights(unet: UNet, tensors: Mapping[str, Tensor], name: str) -> None:
    """Give a network on "meta" its weights, as fp32; raises InputError where any is lacking, strange, of
    another shape, or no number.
    """
    if why := mismatch(unet.state_dict(), tensors):
        raise _refused(name, why)
    # Copies: what a file is mapped to would change with the file.
    unet.load_state_dict(
        {key: tensor.to(torch.float32, copy=True) for key, tensor in tensors.items()}, assign=True
    )

"""diffusers' inpainting pipelines: the presets, any other of the Hub, and folders that diffusers saved.

Nothing is downloaded here: `python -m inpainters fetch NAME` does that. Nothing that a folder holds is run:
components come from diffusers and transformers alone, weights are safetensors.
"""

import copy
import gc
import hashlib
import inspect
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image as PilImage

from inpainters.base import Inpainter, Piece
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.families import STRANGER
from inpainters.imaging import Image, Mask
from inpainters.memory import free_ram
from inpainters.methods.others.presets import (
    OTHER_SCHEDULERS,
    PRESET_CALLS,
    Call,
    pipeline_calls,
    row,
    steps_taken,
)
from inpainters.spec import DETAIL_VERSION, MethodSpec, row_name
from inpainters.weights import hub
from inpainters.weights.files import find_all, remedy, sha256, verified_all
from inpainters.weights.table import WEIGHTS, add_repository

PUBLISHED = "the field's figure: about 5 s for 512×512 with Stable Diffusion on an RTX 3090"
_SHARE = 0.8
"""Of the free memory that weights may take; the rest is for what they make."""
_PIXELS_PER_LATENT = 8
_lock = threading.Lock()
_moving = threading.Lock()
"""Held by the run whose models are moved in and out."""


class Placement(NamedTuple):
    """How a pipeline is held in memory."""

    dtype: str
    """fp32, fp16 or bf16."""
    moved: str = ""
    """What is moved between memory and the GPU as it is needed: "models", "layers" or nothing."""
    sliced: bool = False
    """True where pictures are decoded in tiles."""

    def words(self, device: str) -> str:
        """Such as 'bf16 on cuda, whole models moved in and out'."""
        moved = {"models": ", whole models moved in and out", "layers": ", layer by layer"}.get(
            self.moved, ""
        )
        return f"{self.dtype} on {device}{moved}{', decoded in tiles' if self.sliced else ''}"


def placed(
    device: str, parameters: int, largest: int, ram: int, gpu: int = 0, *, bf16: bool = True
) -> Placement:
    """What fits. `parameters`: of all models; `largest`: of the largest of them; `ram`, `gpu`: free bytes,
    0 where nobody says. Raises MemoryError where nothing does.
    """
    half = "bf16" if bf16 else "fp16"
    if not device.startswith("cuda"):
        room = _SHARE * ram or float("inf")
        if 4 * parameters <= room:
            return Placement("fp32", sliced=4 * parameters > room / 2)
        if 2 * parameters <= room:
            return Placement("bf16", sliced=True)
        raise MemoryError
    if 2 * parameters <= _SHARE * gpu:
        return Placement(half, sliced=4 * parameters > _SHARE * gpu)
    if ram and 2 * parameters > _SHARE * ram:
        raise MemoryError
    return Placement(half, "models" if 2 * largest <= _SHARE * gpu else "layers", sliced=True)


class Pipeline(Inpainter):
    """A diffusers pipeline that fills holes."""

    def load(self) -> None:
        if hasattr(self, "pipe"):
            return
        weights = self.spec.weights
        folders = tuple(verified_all(weights[0])) if weights else (Path(self.spec.source),)
        self.call = PRESET_CALLS.get(self.spec.name) or call_of(folders[0])
        with _lock:  # two threads must not load it twice
            self.pipe, self.placement = _opened(self.call.kind, folders, self.device)

    def fill(self, piece: Piece) -> Image:
        begin, options = time.perf_counter(), piece.options
        height, width = self._size(piece.image.shape[:2])
        image, mask = _at(piece.image, piece.mask, (height, width))
        pipe = _own_copy(self.pipe, str(options.get("scheduler", "own")))
        total = steps_taken(options)
        calls_of_a_step = pipeline_calls(self.spec.name, options) // total

        def step(_: Any, done: int, __: Any, kept: dict[str, Any]) -> dict[str, Any]:
            piece.network_calls += calls_of_a_step
            piece.on_step(min(done + 1, total), total)
            return kept

        def prior_step(_: Any, __: int, ___: Any, kept: dict[str, Any]) -> dict[str, Any]:
            piece.on_step(0, total)
            return kept

        given = {
            **_wishes(pipe, options),
            "image": PilImage.fromarray(image),
            "mask_image": PilImage.fromarray(mask.astype(np.uint8) * 255),
            "height": height,
            "width": width,
            "generator": _generator(piece.seed),
            "output_type": "pil",
            "callback_on_step_end": step,
            "prior_callback_on_step_end": prior_step,
        }
        own = _parameters(type(pipe))
        with self._alone(lambda: piece.on_step(0, total)):
            output = self._called(pipe, {key: value for key, value in given.items() if key in own})
        found = _sized(self._drawn(output, piece), piece.image.shape[:2])
        piece.notes += self._notes(piece, found, (width, height), time.perf_counter() - begin, total)
        return found

    @contextmanager
    def _alone(self, wait: Callable[[], object]) -> Iterator[None]:
        """Where models are moved in and out of a graphics card, two runs would move them away from each
        other. Whoever waits gives up its turn meanwhile.
        """
        if not self.placement.moved:
            yield
            return
        while not _moving.acquire(timeout=0.1):
            wait()
        try:
            yield
        finally:
            _moving.release()

    def _called(self, pipe: Any, given: Mapping[str, Any]) -> Any:
        try:
            return pipe(**given)
        except (Cancelled, MemoryError):
            raise
        except Exception as error:
            if type(error).__name__ == "OutOfMemoryError":
                raise MemoryError from None
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise InputError(f"{self.spec.title} cannot draw with these settings ({said}).") from error

    def _drawn(self, output: Any, piece: Piece) -> Image:
        """(h, w, 3) uint8; raises InputError for a picture that is no fill."""
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            raise InputError(
                f"The safety checker of {self.spec.title} took this fill for one that nobody should see and "
                "blacked it out: take another seed or prompt."
            )
        drawn = np.asarray(output.images[0].convert("RGB"))
        if not drawn.any() and piece.image.any():
            raise InputError(
                f"{self.spec.title} drew nothing but black: take another seed, or a larger strength."
            )
        return drawn

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) at which it draws: that of the pictures it knows, where the piece is smaller."""
        scale = max(1.0, self.call.side / max(size))
        up = self.call.multiple
        return max(up, round(size[0] * scale / up) * up), max(up, round(size[1] * scale / up) * up)

    def _notes(
        self, piece: Piece, drawn: Image, size: tuple[int, int], seconds: float, steps: int
    ) -> list[str]:
        known = ~piece.mask
        off = np.abs(drawn[known].astype(int) - piece.image[known]).mean() if known.any() else 0.0
        return [
            f"{self.spec.title} changed known pixels by {off:.1f} grey levels on average; they "
            f"were put back.",
            f"{seconds:.3g} s for {size[0]}×{size[1]} pixels, {seconds / steps:.2g} s per step, in "
            f"{self.placement.words(self.device)} ({PUBLISHED}).",
        ]


# --- a call ---------------------------------------------------------------------------------------


def _at(image: Image, mask: Mask, size: tuple[int, int]) -> tuple[Image, Mask]:
    """Picture and mask at that size, the hole filled smoothly: what a pipeline encodes must not be black
    there.
    """
    smooth: Any = cv2.inpaint(image, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    shape = (size[1], size[0])
    larger = cv2.resize(mask.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST)
    return _sized(smooth, size), larger.astype(bool)


def _sized(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[:2] == size:
        return image
    way = cv2.INTER_AREA if image.shape[0] > size[0] else cv2.INTER_LANCZOS4
    found: Any = cv2.resize(image, (size[1], size[0]), interpolation=way)
    return np.asarray(found, np.uint8)


def _wishes(pipe: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options under the pipeline's own names."""
    guidance = _parameters(type(pipe)).get("guidance_scale")
    # A guidance without a default is that of a distilled model: the other one is meant then.
    key = "guidance_scale" if guidance is not None else "true_cfg_scale"
    found = {
        "prompt": options["prompt"],
        "num_inference_steps": options["steps"],
        # Those with a transformer round up, those with a U-Net down.
        "strength": _strength_for(options["steps"], steps_taken(options), up=hasattr(pipe, "transformer")),
        key: options["guidance"],
    }
    if "negative_prompt" in options:  # guided by the absence of a prompt, which has to be named, be it empty
        found["negative_prompt"] = options["negative_prompt"] or " "
    return found


def _strength_for(steps: int, taken: int, *, up: bool) -> float:
    """With which a pipeline takes exactly so many steps; `up`: whether it rounds steps times strength up."""
    return min(1.0, (taken + (-1e-6 if up else 1e-6)) / steps) if taken < steps else 1.0


def _parameters(kind: Any) -> dict[str, Any]:
    """What a pipeline's call takes -> the default."""
    return {name: one.default for name, one in inspect.signature(kind.__call__).parameters.items()}


def _generator(seed: int) -> Any:
    """On the processor, so that a seed means the same noise on every device."""
    import torch

    return torch.Generator("cpu").manual_seed(seed % 2**64)


def _own_copy(pipe: Any, scheduler: str) -> Any:
    """The same models with a scheduler of its own: that has a state, and jobs run side by side."""
    import diffusers

    made = copy.copy(pipe)
    for name, part in list(vars(made).items()):
        if isinstance(part, diffusers.DiffusionPipeline):
            object.__setattr__(made, name, _own_copy(part, "own"))
        elif isinstance(part, diffusers.SchedulerMixin):
            kind = (
                getattr(diffusers, OTHER_SCHEDULERS[scheduler]) if OTHER_SCHEDULERS[scheduler] else type(part)
            )
            object.__setattr__(made, name, kind.from_config(part.config))
    return made


# --- opening --------------------------------------------------------------------------------------


_held: dict[tuple[object, ...], tuple[Any, Placement]] = {}
"""The pipeline that stays in memory: one, as it may have gigabytes."""


def _opened(kind: str, folders: tuple[Path, ...], device: str) -> tuple[Any, Placement]:
    """The pipeline in memory, and how it is held. Raises UnavailableError where it does not fit."""
    import torch

    key = (kind, folders, device)
    if key in _held:
        return _held[key]
    _held.clear()  # before free memory is counted
    gc.collect()
    gpu = 0
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        gpu = torch.cuda.mem_get_info(device)[0]
    parts = [folder / part for folder in folders for part in hub.components(hub.read_index(folder))]
    sizes = [_parameters_in(part) for part in parts]
    bf16 = not device.startswith("cuda") or torch.cuda.is_bf16_supported()
    try:
        place = placed(device, sum(sizes), max(sizes, default=0), free_ram(), gpu, bf16=bf16)
    except MemoryError:
        raise UnavailableError(
            f"The weights in '{folders[0].name}' need {2 * sum(sizes) / _SHARE / 1e9:.0f} GB of memory and "
            f"{free_ram() / 1e9:.0f} GB are free: close other programs, or choose a smaller model."
        ) from None
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[place.dtype]
    pipe = _made(kind, folders, dtype)
    _settled(pipe, place, device)
    _held[key] = pipe, place
    return pipe, place


def _settled(pipe: Any, place: Placement, device: str) -> None:
    """Put it where it works."""
    pipe.set_progress_bar_config(disable=True)
    if place.moved == "models":
        pipe.enable_model_cpu_offload(device=device)
    elif place.moved:
        pipe.enable_sequential_cpu_offload(device=device)
    else:
        pipe.to(device)
    decoder: Any = getattr(pipe, "vae", None)
    if place.sliced and hasattr(decoder, "enable_tiling"):
        decoder.enable_tiling()
        decoder.enable_slicing()


def _made(kind: str, folders: tuple[Path, ...], dtype: Any) -> Any:
    import diffusers

    main, *others = folders
    try:
        with _quiet():
            pipe = _read(getattr(diffusers, kind) if kind else None, main, dtype)
            for other in others:  # a prior, whose parts go by names of their own
                prior = _read(diffusers.DiffusionPipeline, other, dtype)
                parts = pipe.components | {f"prior_{name}": part for name, part in prior.components.items()}
                pipe = _combined(pipe)(**parts)
    except (MemoryError, InputError, UnavailableError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        raise InputError(f"The pipeline in '{main.name}' cannot be opened ({said}).") from None
    _check_fills(type(pipe))
    return pipe


def _check_fills(kind: type) -> None:
    if not {"image", "mask_image"} <= _parameters(kind).keys():
        raise InputError(
            f"'{kind.__name__}' fills no holes: choose a pipeline that takes an image and a mask."
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Bars for each component, and what is to be called otherwise in versions to come, are not for users."""
    import diffusers
    import transformers

    ours: Any = diffusers.utils.logging
    theirs: Any = transformers.utils.logging
    ours.disable_progress_bar()
    theirs.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        ours.enable_progress_bar()
        theirs.enable_progress_bar()


def _read(kind: Any, folder: Path, dtype: Any) -> Any:
    """A pipeline of that class, else of the one for inpainting that diffusers has for it, else as its index
    says.
    """
    import diffusers

    hub.components(hub.read_index(folder))  # refuses others' code
    short = any(hub.is_short(path.name) for path in folder.glob("*/*.safetensors"))
    given: dict[str, Any] = {"torch_dtype": dtype, "use_safetensors": True, "local_files_only": True}
    given |= {"variant": "fp16"} if short else {}
    if kind is not None:
        return kind.from_pretrained(folder, **given)
    named = _class_of(folder)
    if "mask_image" in _parameters(named):
        return named.from_pretrained(folder, **given)
    try:
        return diffusers.AutoPipelineForInpainting.from_pretrained(folder, **given)
    except ValueError as error:
        if "pipeline linked to" not in str(error):
            raise
        _check_fills(named)
        raise


def _class_of(folder: Path) -> Any:
    """The class that a pipeline's index names; raises InputError where diffusers has no such pipeline."""
    import diffusers

    name = str(hub.read_index(folder).get("_class_name"))
    found = getattr(diffusers, name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.DiffusionPipeline)):
        raise InputError(f"This diffusers has no pipeline '{name[:60]}': a newer one may.")
    return found


def _combined(pipe: Any) -> Any:
    import diffusers

    name = type(pipe).__name__.replace("Pipeline", "CombinedPipeline")
    return getattr(diffusers, name)


def _parameters_in(folder: Path) -> int:
    """How many numbers the safetensors of a folder hold, by their headers; those of 16 bits where there are
    both.
    """
    from safetensors import safe_open

    files = [*folder.glob("*.safetensors")]
    short = [path for path in files if hub.is_short(path.name)]
    count = 0
    for path in short or files:
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no dict
                count += int(np.prod(file.get_slice(key).get_shape()))
    return count


def call_of(folder: Path) -> Call:
    """How a pipeline that has no preset is called, by the defaults of its class and its latents' side."""
    own = _parameters(_class_of(folder))
    guidance = own.get("guidance_scale") or own.get("true_cfg_scale") or 0.0
    steps = own.get("num_inference_steps", 50)
    return Call(
        side=_native(folder),
        steps=steps if isinstance(steps, int) else 50,
        guidance=float(guidance) if isinstance(guidance, int | float) else 0.0,
        negative="negative_prompt" in own,
        guided="negative_prompt" in own,
        strength="strength" in own,
    )


def _native(folder: Path) -> int:
    """Pixels of a side that its network was trained for; 1024 where it does not say."""
    for part in ("unet", "transformer"):
        try:
            size = json.loads((folder / part / "config.json").read_text(encoding="utf-8")).get("sample_size")
        except (OSError, ValueError):
            continue
        if isinstance(size, int) and 8 <= size <= 512:
            return size * _PIXELS_PER_LATENT
    return 1024


# --- rows -----------------------------------------------------------------------------------------


def pipeline_row(kind: str, reference: str, name: str = "") -> MethodSpec:
    """The row of `OWNER/NAME` of the Hub, fetched before, or of a folder that diffusers saved.

    Raises InputError where there is none, UnavailableError for what was not fetched yet.
    """
    own = name or row_name(reference).strip("_")
    if (folder := Path(reference)).is_dir():
        weights, version = "", _stamp(folder)
    elif reference.count("/") == 1:
        weights = add_repository(reference)
        if not (found := find_all(weights)):
            raise UnavailableError(f"'{reference}' is not here: {remedy(weights)}.")
        folder, version = found[0], found[0].name[:8]
    else:
        raise InputError(
            f"There is no folder '{reference[:80]}', and a name of the Hub is written OWNER/NAME."
        )
    hub.components(hub.read_index(folder))
    words = {
        "title": reference.rpartition("/")[2].replace("-", " "),
        "summary": f"A diffusers pipeline ({hub.read_index(folder).get('_class_name', 'without a class')}).",
        "paper": "",
        "year": 0,
        "link": WEIGHTS[weights].url if weights else "",
        "licence": "",
        "version": f"{version}-{DETAIL_VERSION}",
        "weights": (weights,) if weights else (),
        "source": "" if weights else reference,
    }
    spec = row(own, call_of(folder), **words)
    return replace(spec, family=STRANGER)


def _stamp(folder: Path) -> str:
    """What tells versions of a folder apart: 8 characters of a digest of all that is loaded from it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".json", ".txt", ".model", ".safetensors"):
            found = _sha256(path, path.stat().st_mtime_ns, path.stat().st_size)
            digest.update(f"{path.relative_to(folder).as_posix()} {found}\n".encode())
    return digest.hexdigest()[:8]


@lru_cache
def _sha256(path: Path, changed: int, size: int) -> str:
    return sha256(path)

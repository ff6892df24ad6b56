"""diffusers' inpainting pipelines: the presets, any other of the Hub, and folders that diffusers saved.

Nothing is downloaded here: `python -m inpainters fetch NAME` does that. Nothing that a folder holds is run:
components come from diffusers and transformers alone, weights are safetensors.
"""

import copy
import hashlib
import inspect
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image as PilImage

from inpainters.base import Inpainter, Piece
from inpainters.errors import InputError, UnavailableError
from inpainters.families import STRANGER
from inpainters.imaging import Image, Mask
from inpainters.memory import free_ram
from inpainters.methods.others.presets import OTHER_SCHEDULERS, PRESET_CALLS, Call, pipeline_calls, row
from inpainters.spec import MethodSpec
from inpainters.weights import hub
from inpainters.weights.files import find_all, remedy, verified_all
from inpainters.weights.table import WEIGHTS, add_repository

PUBLISHED = "the field's figure: about 5 s for 512×512 with Stable Diffusion on an RTX 3090"
_SHARE = 0.8
"""Of the free memory that weights may take; the rest is for what they make."""
_lock = threading.Lock()


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
        name = self.spec.name
        weights = self.spec.weights
        folders = tuple(verified_all(weights[0])) if weights else (Path(self.spec.source),)
        self.call = PRESET_CALLS.get(name) or call_of(folders[0])
        with _lock:  # two threads must not load it twice
            self.pipe, self.placement = _opened(self.call.kind, folders, self.device)

    def fill(self, piece: Piece) -> Image:
        begin = time.perf_counter()
        height, width = self._size(piece.image.shape[:2])
        image, mask = _at(piece.image, piece.mask, (height, width))
        pipe = _own_copy(self.pipe, str(piece.options.get("scheduler", "own")))
        steps = 0

        def step(_: Any, done: int, __: Any, kept: dict[str, Any]) -> dict[str, Any]:
            nonlocal steps
            steps += 1
            piece.network_calls += pipeline_calls(
                self.spec.name, {**piece.options, "steps": 1, "strength": 1}
            )
            piece.on_step(min(done + 1, total), total)
            return kept

        total = max(1, int(piece.options["steps"] * piece.options["strength"]))
        given = {
            **_wishes(pipe, piece.options),
            "image": PilImage.fromarray(image),
            "mask_image": PilImage.fromarray(mask.astype(np.uint8) * 255),
            "height": height,
            "width": width,
            "generator": _generator(piece.seed),
            "output_type": "pil",
            "callback_on_step_end": step,
        }
        drawn = _answer(
            pipe(**{key: value for key, value in given.items() if key in _parameters(type(pipe))})
        )
        if not drawn.any():
            raise InputError(
                f"The safety checker of {self.spec.title} took this fill for one that nobody "
                f"should see and blacked "
                "it out: take another seed or prompt."
            )
        found = _sized(drawn, piece.image.shape[:2])
        piece.notes += self._notes(piece, found, (width, height), time.perf_counter() - begin, steps)
        return found

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
            f"{seconds:.3g} s for {size[0]}×{size[1]} pixels, {seconds / max(1, steps):.2g} s per step, in "
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
    own = _parameters(type(pipe))
    guidance = own.get("guidance_scale")
    key = (
        "guidance_scale" if guidance is not None else "true_cfg_scale"
    )  # a distilled guidance has no default
    found = {
        "prompt": options["prompt"],
        "num_inference_steps": options["steps"],
        "strength": options["strength"],
        key: options["guidance"],
    }
    # Where it is guided by the absence of a prompt, that has to be named, be it empty.
    return found | (
        {"negative_prompt": options["negative_prompt"] or " "} if "negative_prompt" in options else {}
    )


def _parameters(kind: Any) -> dict[str, Any]:
    """What a pipeline's call takes -> the default."""
    return {name: one.default for name, one in inspect.signature(kind.__call__).parameters.items()}


def _generator(seed: int) -> Any:
    """On the processor, so that a seed means the same noise on every device."""
    import torch

    return torch.Generator("cpu").manual_seed(seed)


def _answer(output: Any) -> Image:
    """(h, w, 3) uint8."""
    if any(getattr(output, "nsfw_content_detected", None) or ()):
        return np.zeros((1, 1, 3), np.uint8)
    return np.asarray(output.images[0].convert("RGB"))


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


@lru_cache(maxsize=1)
def _opened(kind: str, folders: tuple[Path, ...], device: str) -> tuple[Any, Placement]:
    """The pipeline in memory, and how it is held; the last one stays."""
    import torch

    sizes = [
        _parameters_in(folder / part) for folder in folders for part in hub.components(hub.read_index(folder))
    ]
    gpu = torch.cuda.mem_get_info(device)[0] if device.startswith("cuda") else 0
    bf16 = not device.startswith("cuda") or torch.cuda.is_bf16_supported()
    place = placed(device, sum(sizes), max(sizes, default=0), free_ram(), gpu, bf16=bf16)
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[place.dtype]
    pipe = _made(kind, folders, dtype)
    pipe.set_progress_bar_config(disable=True)
    if place.moved:
        move = (
            pipe.enable_model_cpu_offload if place.moved == "models" else pipe.enable_sequential_cpu_offload
        )
        move(device=device)
    else:
        pipe.to(device)
    decoder: Any = getattr(pipe, "vae", None)
    if place.sliced and hasattr(decoder, "enable_tiling"):
        decoder.enable_tiling()
        decoder.enable_slicing()
    return pipe, place


def _made(kind: str, folders: tuple[Path, ...], dtype: Any) -> Any:
    import diffusers

    main, *others = folders
    try:
        pipe = _read(getattr(diffusers, kind) if kind else None, main, dtype)
        for other in others:  # a prior, whose parts go by names of their own
            prior = _read(diffusers.DiffusionPipeline, other, dtype)
            parts = pipe.components | {f"prior_{name}": part for name, part in prior.components.items()}
            pipe = _combined(pipe)(**parts)
    except MemoryError:
        raise
    except (InputError, UnavailableError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        raise InputError(f"The pipeline in '{main.name}' cannot be opened ({said}).") from None
    if not {"image", "mask_image"} <= _parameters(type(pipe)).keys():
        raise InputError(
            f"'{type(pipe).__name__}' fills no holes: choose a pipeline that takes an image and a mask."
        )
    return pipe


def _read(kind: Any, folder: Path, dtype: Any) -> Any:
    """A pipeline of that class, else of the one for inpainting that diffusers has for it, else as its index
    says.
    """
    import diffusers

    index = hub.read_index(folder)
    hub.components(index)  # refuses others' code
    short = any(".fp16." in path.name for path in folder.glob("*/*.safetensors"))
    given: dict[str, Any] = {"torch_dtype": dtype, "use_safetensors": True, "local_files_only": True}
    given |= {"variant": "fp16"} if short else {}
    if kind is not None:
        return kind.from_pretrained(folder, **given)
    named = getattr(diffusers, str(index.get("_class_name")), None)
    if named is None:
        raise InputError(f"This diffusers has no '{str(index.get('_class_name'))[:60]}': a newer one may.")
    if "mask_image" in _parameters(named):
        return named.from_pretrained(folder, **given)
    try:
        return diffusers.AutoPipelineForInpainting.from_pretrained(folder, **given)
    except ValueError as error:
        if "pipeline linked to" not in str(error):
            raise
        return named.from_pretrained(folder, **given)


def _combined(pipe: Any) -> Any:
    import diffusers

    name = type(pipe).__name__.replace("Pipeline", "CombinedPipeline")
    return getattr(diffusers, name)


def _parameters_in(folder: Path) -> int:
    """How many numbers the safetensors of a folder hold, by their headers."""
    from safetensors import safe_open

    count = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no dict
                count += int(np.prod(file.get_slice(key).get_shape()))
    return count


def call_of(folder: Path) -> Call:
    """How a pipeline that has no preset is called, by the defaults of its class and its latents' side."""
    import diffusers

    index = hub.read_index(folder)
    kind = getattr(diffusers, str(index.get("_class_name")), None)
    if kind is None:
        raise InputError(f"This diffusers has no '{str(index.get('_class_name'))[:60]}': a newer one may.")
    own = _parameters(kind)
    guidance = own.get("guidance_scale") or own.get("true_cfg_scale") or 0.0
    steps = own.get("num_inference_steps", 50)
    return Call(
        side=_native(folder),
        steps=steps if isinstance(steps, int) else 50,
        guidance=float(guidance) if isinstance(guidance, int | float) else 0.0,
        negative="negative_prompt" in own,
    )


def _native(folder: Path) -> int:
    """Pixels of a side that its network was trained for; 1024 where it does not say."""
    for part, factor in (("unet", 8), ("transformer", 8)):
        try:
            size = json.loads((folder / part / "config.json").read_text(encoding="utf-8")).get("sample_size")
        except (OSError, ValueError):
            continue
        if isinstance(size, int) and 8 <= size <= 512:
            return size * factor
    return 1024


# --- rows -----------------------------------------------------------------------------------------


def pipeline_row(kind: str, reference: str, name: str = "") -> MethodSpec:
    """The row of `OWNER/NAME` of the Hub, fetched before, or of a folder that diffusers saved.

    Raises InputError where there is none, UnavailableError for what was not fetched yet.
    """
    own = name or "".join(letter if letter.isalnum() else "_" for letter in reference).strip("_").lower()
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
        "version": version,
        "weights": (weights,) if weights else (),
        "source": "" if weights else reference,
    }
    spec = row(own, call_of(folder), **words)
    return replace(spec, family=STRANGER)


def _stamp(folder: Path) -> str:
    """What tells versions of a folder apart: 8 characters of a digest of its files' names and sizes and of
    its settings.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
            if path.suffix == ".json" and path.stat().st_size < 1 << 20:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:8]

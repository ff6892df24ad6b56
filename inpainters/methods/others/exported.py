"""Networks that somebody exported: a TorchScript or ONNX file, and a TOML beside it that says how it wants to
be called.
"""

import os
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from inpainters.base import Inpainter, Piece
from inpainters.errors import InputError
from inpainters.families import STRANGER
from inpainters.imaging import Image, Mask, to_uint8
from inpainters.spec import DETAIL_OPTION, DETAIL_VERSION, Cost, MethodSpec, Strategy, row_name
from inpainters.weights.files import find_file, sha256, verified

READERS = {"torchscript": "torch", "onnx": "onnxruntime"}
"""What stands before the file's name -> the package that reads it."""
CONVENTIONS = Path(__file__).parent / "conventions"
"""How the files of the WEIGHTS table want to be called, `NAME.toml` each."""
_Arrays = list[npt.NDArray[Any]]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Convention:
    """How a file wants to be called; the keys of its TOML. The defaults are LaMa's."""

    layout: Literal["nchw", "nhwc"] = "nchw"
    dtype: Literal["float32", "uint8"] = "float32"
    range: tuple[float, float] = (0.0, 1.0)
    """What black and white are in the picture."""
    channels: Literal["rgb", "bgr"] = "rgb"
    """Of the picture and of what comes back."""
    hole: float | None = None
    """What missing pixels hold; none: black."""
    mask: Literal["second", "first", "channel first", "channel last"] = "second"
    """Where the mask goes: an input of its own after or before the picture, or a channel of it."""
    missing: float = 1.0
    """What the mask holds where a pixel is missing."""
    known: float = 0.0
    """What it holds where a pixel is known."""
    output_range: tuple[float, float] | None = None
    """What black and white are in what comes back; none: as in the picture."""
    multiple: Annotated[int, Field(ge=1)] = 1
    """Both sides are padded to a multiple of this."""
    side: Annotated[int, Field(ge=0)] = 0
    """Of a network that takes squares of one size alone; 0: it takes any."""
    max_pixels: Annotated[int, Field(ge=1)] = 1024 * 1024
    """Windows of more pixels are drawn smaller."""
    title: str = ""
    paper: str = ""
    licence: str = ""
    trained_on: str = ""

    @model_validator(mode="after")
    def _black_is_not_white(self) -> Self:
        for black, white in filter(None, (self.range, self.output_range)):
            if black == white:
                raise ValueError("black and white of a range must differ")
        return self

    def inputs(self, image: Image, mask: Mask) -> _Arrays:
        """What the network is given for one piece, batch axis included."""
        black, white = self.range
        picture = black + (white - black) * image.astype(np.float32) / 255
        picture[mask] = black if self.hole is None else self.hole
        picture = picture[..., ::-1] if self.channels == "bgr" else picture
        plane = np.where(mask, self.missing, self.known).astype(np.float32)[..., None]
        places: dict[str, _Arrays] = {
            "second": [picture, plane],
            "first": [plane, picture],
            "channel first": [np.concatenate([plane, picture], -1)],
            "channel last": [np.concatenate([picture, plane], -1)],
        }
        return [self._laid_out(array) for array in places[self.mask]]

    def _laid_out(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.transpose(2, 0, 1) if self.layout == "nchw" else array
        array = array.round().clip(0, 255) if self.dtype == "uint8" else array
        return np.ascontiguousarray(array[None], self.dtype)

    def picture(self, output: npt.NDArray[Any], size: tuple[int, int]) -> Image:
        """(h, w, 3) uint8 from what came back; raises InputError where it is no picture of that size."""
        found = output[0] if output.ndim == 4 else output
        found = found.transpose(1, 2, 0) if self.layout == "nchw" and found.ndim == 3 else found
        if found.shape != (*size, 3):
            raise InputError(f"It gave shape {output.shape} for a picture of {size[1]}×{size[0]} pixels.")
        if not np.isfinite(found).all():
            raise InputError("It gave values that are no numbers.")
        black, white = self.output_range or self.range
        scaled = (found.astype(np.float32) - black) / (white - black) * 255
        return to_uint8(scaled[..., ::-1] if self.channels == "bgr" else scaled)

    @property
    def strategy(self) -> Strategy:
        """What windows the network can bear."""
        return Strategy(
            context=1.0,
            min_context=64,
            side=self.side or None,
            multiple=self.side or self.multiple,
            max_pixels=self.side**2 or self.max_pixels,
        )


_KEPT = 2  # opened networks that stay in memory; each job asks for its own
_opened: dict[tuple[object, ...], Any] = {}
_seeded = threading.Lock()
"""Held by a network that may draw from torch's global generators: one at a time, so that none takes another's
numbers."""


class Exported(Inpainter):
    """The network of a file. Subclasses: `open` and `call`."""

    def load(self) -> None:
        if hasattr(self, "net"):
            return
        own = self.spec.source
        self.path, self.convention = own_file(own) if own else known_file(self.spec.weights[0])
        key = (type(self), self.path, self.path.stat().st_mtime_ns, self.convention, self.device)
        if key not in _opened:
            if not own:
                verified(self.spec.weights[0])
            net = self.net = self.opened(self.path)
            if own and (why := doubts(self)):
                del self.net
                raise InputError(why)
            while len(_opened) >= _KEPT:
                del _opened[next(iter(_opened))]
            _opened[key] = net
        self.net = _opened[key]

    def opened(self, path: Path) -> Any:
        """As `open`; raises InputError with one sentence where that fails."""
        try:
            return self.open(path)
        except MemoryError:
            raise
        except Exception as error:
            said = str(error).partition("\n")[0][:160]
            raise InputError(f"'{path.name}' cannot be opened ({said}).") from None

    def open(self, path: Path) -> Any:
        """The network of a file, ready to be called."""
        raise NotImplementedError

    def call(self, arrays: _Arrays, seed: int) -> npt.NDArray[Any]:
        """What the network makes of its inputs; whatever it draws at random depends on the seed alone."""
        raise NotImplementedError

    def fill(self, piece: Piece) -> Image:
        piece.network_calls += 1
        return self.drawn(self.convention, piece.image, piece.mask, piece.seed)

    def drawn(self, convention: Convention, image: Image, mask: Mask, seed: int = 0) -> Image:
        """What comes back under a convention; raises InputError where the network does not take it so."""
        try:
            output = self.call(convention.inputs(image, mask), seed)
        except MemoryError:
            raise
        except Exception as error:
            if type(error).__name__ == "OutOfMemoryError":
                raise MemoryError from None
            said = str(error).strip().rpartition("\n")[2][:160]
            raise InputError(f"'{self.path.name}' does not take what its TOML says ({said}).") from None
        return convention.picture(output, image.shape[:2])


class TorchScript(Exported):
    """A file of `torch.jit.save`."""

    def open(self, path: Path) -> Any:
        import torch

        return torch.jit.load(str(path), map_location=self.device).eval()

    def call(self, arrays: _Arrays, seed: int) -> npt.NDArray[Any]:
        import torch

        gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
        with _seeded, torch.random.fork_rng(gpus), torch.inference_mode():
            torch.manual_seed(seed % 2**64)
            found = self.net(*(torch.from_numpy(array).to(self.device) for array in arrays))
        found = found[0] if isinstance(found, list | tuple) else found
        result: npt.NDArray[Any] = found.detach().float().cpu().numpy()
        return result


class Onnx(Exported):
    """A file for onnxruntime."""

    def open(self, path: Path) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
        kind, _, number = self.device.partition(":")
        providers: list[str | tuple[str, dict[str, int]]] = ["CPUExecutionProvider"]
        if kind == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(number or 0)}))
        return onnxruntime.InferenceSession(str(path), options, providers)

    def call(self, arrays: _Arrays, seed: int) -> npt.NDArray[Any]:
        names = [one.name for one in self.net.get_inputs()]
        result: npt.NDArray[Any] = self.net.run(None, dict(zip(names, arrays, strict=True)))[0]
        return result


# --- rows -----------------------------------------------------------------------------------------


def known_file(weights: str) -> tuple[Path, Convention]:
    """A file of the WEIGHTS table, not yet checked, and how it wants to be called; raises UnavailableError
    where it is not here.
    """
    return find_file(weights) or verified(weights), read_convention(CONVENTIONS / f"{weights}.toml")


def own_file(file: str) -> tuple[Path, Convention]:
    """A file that whoever runs the program has named, and how it wants to be called; raises InputError where
    its TOML says what cannot be.
    """
    return Path(file), read_convention(Path(file).with_suffix(".toml"))


def file_row(kind: str, file: str, name: str = "") -> MethodSpec:
    """The row of a file that whoever runs the program has named; its TOML is read, the file is not yet.

    Raises InputError where either is not there, or the TOML says what cannot be.
    """
    path = Path(file)
    toml = path.with_suffix(".toml")
    if not path.is_file():
        raise InputError(f"There is no file '{path}'.")
    if not toml.is_file():
        raise InputError(
            f"'{path.name}' has no '{toml.name}' beside it that says how it wants to be called: "
            f"`python -m inpainters probe {kind}:{path} --trust` writes one."
        )
    _, convention = own_file(file)
    name = name or row_name(path.stem)
    return replace(
        row_of(kind, name, convention, version=f"{sha256(path)[:8]}-{DETAIL_VERSION}"), source=file
    )


def row_of(kind: str, name: str, convention: Convention, version: str = DETAIL_VERSION) -> MethodSpec:
    """The row of a file under that convention."""
    return MethodSpec(
        name=name,
        title=convention.title or name.replace("_", " ").capitalize(),
        family=STRANGER,
        target=f"{__name__}:{'Onnx' if kind == 'onnx' else 'TorchScript'}",
        summary=f"A network from a file ({kind})."
        + (f" Trained on {convention.trained_on}." if convention.trained_on else ""),
        paper=convention.paper,
        year=0,
        link="",
        licence=convention.licence,
        cost=Cost(fixed=0.1, per_megapixel=10.0),
        version=version,
        strategy=convention.strategy,
        options=(DETAIL_OPTION,),
        requires=(READERS[kind],),
    )


def read_convention(path: Path) -> Convention:
    """A TOML file; raises InputError with one sentence for what cannot be."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(Convention).validate_python(given)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"'{path.name}' is no TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InputError(f"'{path.name}', {place}: {first['msg'][0].lower()}{first['msg'][1:]}.") from None


# --- which convention is right --------------------------------------------------------------------

_CLEARLY = 0.6
"""Another convention's error, as a share of the declared one's, below which the latter must be wrong."""
_GREY_LEVELS = 6.0
"""An error in the hole that says nothing against a convention."""


def trials(side: int) -> Iterator[tuple[Image, Mask]]:
    """Smooth pictures with a hole each, which whoever fills holes at all restores nearly."""
    y, x = np.mgrid[0:side, 0:side] / max(1, side - 1)
    mask = np.zeros((side, side), bool)
    mask[side // 3 : side // 2, side // 3 : 2 * side // 3] = True
    for red, green, blue in ((230 - 60 * y, 60 + 80 * x, 30 + 30 * y), (200 * x, 220 - 60 * y, 90 + 0 * x)):
        yield np.stack([red, green, blue], -1).astype(np.uint8), mask


def error_of(method: Exported, convention: Convention) -> float:
    """Mean grey levels by which known pictures' holes are missed; infinite where it cannot be called so."""
    side = convention.side or -(-96 // convention.multiple) * convention.multiple
    errors = []
    for image, mask in trials(side):
        try:
            drawn = method.drawn(convention, np.where(mask[..., None], np.uint8(0), image), mask)
        except InputError:
            return float("inf")
        errors.append(np.abs(drawn.astype(float) - image)[mask].mean())
    return float(np.mean(errors))


def doubts(method: Exported) -> str:
    """What of the declared convention must be wrong, as another fills known pictures far better; empty where
    nothing must.
    """
    declared = method.convention
    error = error_of(method, declared)
    if error <= _GREY_LEVELS:
        return ""
    others = {words: error_of(method, other) for words, other in _variants(declared)}
    words = min(others, key=others.__getitem__)
    if others[words] > _CLEARLY * error:
        return ""
    return (
        f"'{method.path.name}' misses known pictures by {error:.0f} grey levels as its TOML has it, and by "
        f"{others[words]:.0f} with {words}: that must be wrong."
    )


def _variants(declared: Convention) -> Iterator[tuple[str, Convention]]:
    """Conventions that differ in one thing, in the TOML's words."""
    missing, known = declared.missing, declared.known
    yield f"missing = {known:g} and known = {missing:g}", replace(declared, missing=known, known=missing)
    other: Literal["rgb", "bgr"] = "bgr" if declared.channels == "rgb" else "rgb"
    yield f'channels = "{other}"', replace(declared, channels=other)
    for black, white in RANGES:
        if (black, white) != declared.range:
            yield (
                f"range = [{black:g}, {white:g}]",
                replace(declared, range=(black, white), output_range=None),
            )
        if (black, white) != (declared.output_range or declared.range):
            yield f"output_range = [{black:g}, {white:g}]", replace(declared, output_range=(black, white))


RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))


def probe(kind: str, path: Path) -> tuple[Convention, float]:
    """As `probed`, of a file that has no TOML yet; raises InputError where it cannot be opened."""
    start = Convention()
    method = (Onnx if kind == "onnx" else TorchScript)(row_of(kind, "probed", start))
    method.path, method.convention, method.net = path, start, method.opened(path)
    return probed(method, start)


def probed(method: Exported, start: Convention) -> tuple[Convention, float]:
    """The convention under which a file fills known pictures best, and its error in grey levels, found by
    trying. Raises InputError where it takes none.
    """
    best, least = start, float("inf")
    for first in _signatures(method, start):
        for candidate in _polarities(first):
            if (error := error_of(method, candidate)) < least - 0.5:
                best, least = candidate, error
    if least == float("inf"):
        raise InputError(f"'{method.path.name}' took no picture and mask in any of the ways that were tried.")
    for _ in range(2):
        for _, other in _variants(best):
            if (error := error_of(method, other)) < 0.9 * least:
                best, least = other, error
    return best, least


def _signatures(method: Exported, start: Convention) -> Iterator[Convention]:
    """Places of the mask that the file takes, each at the first size that it takes."""
    places: tuple[Literal["second", "first", "channel first", "channel last"], ...]
    places = ("second", "channel last", "channel first", "first")
    for place in places:
        sizes = (
            replace(start, mask=place, multiple=multiple, side=side)
            for multiple, side in ((8, 0), (64, 0), (1, 256), (1, 512))
        )
        yield from islice((one for one in sizes if error_of(method, one) < float("inf")), 1)


def _polarities(first: Convention) -> Iterator[Convention]:
    for black, white in RANGES:
        for hole in dict.fromkeys((None, 0.0, (black + white) / 2)):
            for missing, known in ((1.0, 0.0), (0.0, 1.0), (-0.5, 0.5), (255.0, 0.0), (0.0, 255.0)):
                yield replace(first, range=(black, white), hole=hole, missing=missing, known=known)


def toml_of(convention: Convention) -> str:
    """The convention as TOML: what differs from the defaults, and the range and the mask in any case."""
    default = Convention()
    lines = []
    for name in Convention.__dataclass_fields__:
        value = getattr(convention, name)
        told = name in ("range", "mask", "missing", "known") or value != getattr(default, name)
        if told and value is not None:
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, tuple) else f"{value}"

"""The table of weights files: where they come from, what they are, under which licence. Nothing is fetched
unasked.
"""

import hashlib
import http.client
import importlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from inpainters.errors import UnavailableError, unknown
from inpainters.weights.bundled import BUNDLED

ENV = "INPAINTING_WEIGHTS"
"""Environment variable: folders with weights files, separated as in PATH."""
CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""Where the bundled weights lie, each with its card."""


@dataclass(frozen=True)
class WeightsFile:
    """A file, or shards that belong together, found by name in any of the weights folders and believed by its
    sha256.
    """

    name: str
    files: dict[str, str]
    """File name -> its sha256, or the first 8 characters of it where no more is published; any one of the
    files serves, unless they belong `together`."""
    url: str
    """Where `fetch` gets the first of `files`; 'module:attribute' names a URL that a library carries."""
    licence: str
    trained_on: str
    bundled: bool = False
    """True where this project trained it and it lies in CHECKPOINTS; `files` is empty while there is none."""
    together: bool = False
    """True where the files are shards, all of which are needed."""


# PyTorch publishes the first 8 characters of each sha256, as part of the file's name, and torch-fidelity does
# the same.
_FILES = (
    WeightsFile(
        name="lpips_squeeze",
        files={
            "squeezenet1_1-b8a52dc0.pth": "b8a52dc0",
            "squeezenet1_1_features.pth": "435cedb387e95bc8291893f61a3a64f0345b8c23a05139aceef43947efb3d52d",
        },
        url="torchvision.models:SqueezeNet1_1_Weights.IMAGENET1K_V1.url",
        licence="BSD-3-Clause",
        trained_on="ImageNet-1k",
    ),
    WeightsFile(
        name="lpips_alex",
        files={"alexnet-owt-7be5be79.pth": "7be5be79"},
        url="torchvision.models:AlexNet_Weights.IMAGENET1K_V1.url",
        licence="BSD-3-Clause",
        trained_on="ImageNet-1k",
    ),
    WeightsFile(
        name="lpips_vgg",
        files={"vgg16-397923af.pth": "397923af"},
        url="torchvision.models:VGG16_Weights.IMAGENET1K_V1.url",
        licence="BSD-3-Clause",
        trained_on="ImageNet-1k",
    ),
    WeightsFile(
        name="inception",
        files={
            "weights-inception-2015-12-05-6726825d.pth": "6726825d",
            "pt_inception-2015-12-05-6726825d.pth": "6726825d",
        },
        url="torch_fidelity.feature_extractor_inceptionv3:URL_INCEPTION_V3",
        licence="Apache-2.0",
        trained_on="ImageNet-1k",
    ),
)

_TRAINED = (
    *("autoencoder", "context_encoder", "contextual_attention", "denoiser"),
    *("gated_conv", "latent_diffusion", "partial_conv", "pen_net"),
)


def _bundled(name: str) -> WeightsFile:
    return WeightsFile(
        name=name,
        files=BUNDLED.get(name, {}),
        url="",
        licence="for research, as the training pictures are",
        trained_on="Intel scenes, Imagenette, Labeled Faces in the Wild, Houses",
        bundled=True,
        together=True,
    )


WEIGHTS: dict[str, WeightsFile] = {row.name: row for row in (*_FILES, *map(_bundled, _TRAINED))}


def folders() -> Iterator[Path]:
    """Where weights are looked for: the ENV folders, the usual caches, the bundled ones."""
    yield from (Path(part) for part in os.environ.get(ENV, "").split(os.pathsep) if part)
    yield cache()
    yield Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch")) / "hub" / "checkpoints"
    yield CHECKPOINTS


def cache() -> Path:
    """The folder `fetch` writes to: the first ENV folder, else a per-user cache."""
    first = os.environ.get(ENV, "").split(os.pathsep)[0]
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(first) if first else base / "inpainting"


def find(name: str) -> Path | None:
    """The first file that is there under one of the names of `name`, in a folder or directly below it; not
    read yet.
    """
    return next(iter(find_all(name)), None)


def find_all(name: str) -> list[Path]:
    """The files of `name`, not read yet: all its shards where they belong together, else one; empty where any
    is lacking.
    """
    if name not in WEIGHTS:
        raise unknown("weights", name, WEIGHTS)
    row = WEIGHTS[name]
    # A bundled file is looked for in its one place: another of its name elsewhere must not hide it.
    places = [CHECKPOINTS] if row.bundled else list(folders())
    found = (
        [path for file in row.files if (path := _find(file, places))]
        if row.together
        else _any(row.files, places)
    )
    return found if not row.together or len(found) == len(row.files) else []


def _any(files: Iterable[str], places: Iterable[Path]) -> list[Path]:
    return [path for place in places for file in files if (path := _find(file, [place]))][:1]


def _find(file: str, places: Iterable[Path]) -> Path | None:
    candidates = (path for place in places for path in (place / file, *sorted(place.glob(f"*/{file}"))))
    return next((path for path in candidates if path.is_file()), None)


def missing_weights(name: str) -> bool:
    """True where no file of that name is there, or a shard is lacking."""
    return not find_all(name)


def remedy(name: str) -> str:
    """What to do where `name` is lacking or altered, for the end of a sentence."""
    row = WEIGHTS[name]
    if not row.bundled:
        return f"run `python -m inpainters fetch {name}`"
    if not row.files:
        return f"train it with `python -m inpainters.training {name}` and add it with `python -m inpainters.training.bundle FOLDER`"
    lacking = [file for file in row.files if _find(file, [CHECKPOINTS]) is None]
    return f"get '{(lacking or list(row.files))[0]}' from the repository's folder inpainters/weights/checkpoints again"


def restore(name: str) -> str:
    """What to do after deleting an altered file of `name`."""
    return (
        "get it from the repository's folder inpainters/weights/checkpoints again"
        if WEIGHTS[name].bundled
        else remedy(name)
    )


def verified(name: str) -> Path:
    """The file's path after checking its sha256; raises UnavailableError where it is absent or altered."""
    return verified_all(name)[0]


def verified_all(name: str) -> list[Path]:
    """As `verified`, for all shards of `name`, in the table's order."""
    paths = find_all(name)
    if not paths:
        raise UnavailableError(f"The weights '{name}' are not here: {remedy(name)}.")
    for path in paths:
        digest, pinned = sha256(path), WEIGHTS[name].files[path.name]
        if not digest.startswith(pinned):
            what = f"'{path.name}' is not the file that '{name}' names (sha256 {digest[:8]}…, expected {pinned[:8]}…)"
            raise UnavailableError(f"{what}: delete it and {restore(name)}.")
    return paths


def fetch(name: str, on_progress: Callable[[int, int], object] | None = None) -> Path:
    """Download the first file of `name` into `cache()` unless it is here; return its path.

    `on_progress(done, total)` counts bytes, total 0 where unknown. The file appears only when it is whole and
    its sha256 is right. Raises InputError for an unknown name, UnavailableError with one sentence where it
    cannot be had.
    """
    if find(name) is not None:
        return verified(name)
    if WEIGHTS[name].bundled:
        raise UnavailableError(f"The weights '{name}' are bundled, not downloaded: {remedy(name)}.")
    file, digest = next(iter(WEIGHTS[name].files.items()))
    url = resolve(WEIGHTS[name].url)
    cache().mkdir(parents=True, exist_ok=True)
    part = cache() / f"{file}.{os.getpid()}.part"
    try:
        _download(url, part, on_progress)
        if not (found := sha256(part)).startswith(digest):
            raise UnavailableError(
                f"What came for '{name}' is another file (sha256 {found[:8]}…, not {digest[:8]}…): try again "
                "later."
            )
        return part.replace(cache() / file)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        cause = getattr(error, "reason", None) or type(error).__name__
        raise UnavailableError(
            f"'{file}' could not be downloaded ({cause}): check the network, or put the file into a folder "
            f"named by {ENV}."
        ) from None
    finally:
        part.unlink(missing_ok=True)


def resolve(url: str) -> str:
    """A URL as it is, or the one that a library carries under 'module:attribute'."""
    if "://" in url:
        return url
    module, _, attribute = url.partition(":")
    try:
        return str(attrgetter(attribute)(importlib.import_module(module)))
    except (ImportError, AttributeError):
        package = module.partition(".")[0]
        raise UnavailableError(
            f"Where to get this file is known to the package '{package}': run `pip install -U {package}`."
        ) from None


def _download(url: str, part: Path, on_progress: Callable[[int, int], object] | None) -> None:
    with urllib.request.urlopen(url, timeout=30) as answer, part.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := answer.read(1 << 20):
            file.write(chunk)
            done += len(chunk)
            if on_progress:
                on_progress(done, total)
        if done < total:
            raise ConnectionError


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

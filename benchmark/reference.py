"""Features of a set of photographs under a name, to compare outputs with: made once, and shared as one file.

    python -m benchmark reference places_val --pictures DIR
    python -m benchmark evaluate ... --reference places_val.safetensors

A paired reference, the originals of the same pictures, is what all else here takes. Papers often compare with
other photographs: an independent reference, whose figures are larger and do not compare with paired ones.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from tqdm import tqdm

from benchmark import metrics
from benchmark.cells import compact, digest, file_sha256, pixels_sha256, write
from benchmark.metrics.base import Features, MetricSpec
from benchmark.record import weights_digest
from benchmark.scorer import GPU_BATCH
from inpainters.errors import InputError, sentence
from inpainters.folders import find_pictures
from inpainters.imaging import Image, load_image, shown
from inpainters.registry import chosen_device

CHUNK_OF_PICTURES = 16
"""Pictures that a network is given at once on a processor, where nobody asks for another number."""
_FORMAT = "reference 1"
_PART = 512
"""Pictures whose features are stored together while a reference is made, for one that is broken off."""


@dataclass(frozen=True)
class Reference:
    """Features of `n` photographs."""

    name: str
    n: int
    pictures: str
    """Digest of all their pixels, in order."""
    features: Mapping[str, Features]
    """Features' name (`SetMetric.feature_key`) -> (n, d) float32."""
    weights: Mapping[str, str]
    """Features' name -> digest of the network's weights."""
    sha256: str
    """Of the file."""

    @property
    def told(self) -> str:
        return f"{self.n:,} photographs of '{self.name}' (sha256 {self.sha256[:16]})"


def extractors(device: str = "cpu") -> dict[str, tuple[Any, str]]:
    """Features' name -> a metric that takes them on a device, and the digest of its weights; those that are
    ready.
    """
    found: dict[str, tuple[Any, str]] = {}
    for spec in metrics.METRICS.values():
        if spec.kind == "set" and not metrics.unavailable(spec.name):
            metric = metrics.create(spec.name, device)
            found.setdefault(metric.feature_key, (metric, digest_of_weights(spec)))
    return found


def digest_of_weights(spec: MetricSpec) -> str:
    """Of a metric's network; empty where it has none."""
    return (weights_digest(spec.weights) or "") if spec.weights else ""


def make_reference(
    name: str,
    folder: Path,
    out: Path,
    *,
    device: str = "cpu",
    batch: int = 0,
    quiet: bool = True,
    note: Callable[[str], object] = lambda text: None,
) -> Reference:
    """Write the features of all pictures of a folder; returns what was written. `device`: auto, cpu, cuda or
    cuda:N, where networks look at `batch` pictures at once (0: 16, on a GPU 64). `note` is told of each that
    cannot be read and is left out. One that was broken off goes on from what lies in `out`.parts.

    Raises InputError where the folder holds fewer than two pictures, or no network or no such device is here.
    """
    device = chosen_device(device)
    chunk = batch or (CHUNK_OF_PICTURES if device == "cpu" else GPU_BATCH)
    if not folder.is_dir():
        raise InputError(f"There is no folder '{shown(folder)}': check its path.")
    files = sorted(find_pictures(folder).files)
    if len(files) < 2:
        raise InputError(f"'{shown(folder)}' holds {len(files)} pictures: a reference needs two at least.")
    made = extractors(device)
    if not made:
        raise InputError("No network for features is here: `python -m benchmark list` says what mends it.")
    folder_of_parts, parts = out.with_name(f"{out.name}.parts"), list[_Part]()
    with tqdm(total=len(files), desc=name, unit="picture", disable=True if quiet else None) as bar:
        for start in range(0, len(files), _PART):
            file = folder_of_parts / f"{start:08}.safetensors"
            parts.append(_part(files[start : start + _PART], file, made, chunk, bar.update))
            for text in parts[-1].left_out:
                note(text)
    shas = [sha for part in parts for sha in part.shas]
    if len(shas) < 2:
        raise InputError(
            f"Of the pictures in '{shown(folder)}' {len(shas)} can be read: a reference needs two at least."
        )
    facts = {
        "format": _FORMAT,
        "name": name,
        "pictures": digest(shas),
        "weights": {key: weights for key, (_, weights) in made.items()},
    }
    # Under one key: safetensors writes several in any order, and the same pictures are to give the same file.
    given = {"facts": compact(facts)}
    rows = {key: np.concatenate([part.features[key] for part in parts if part.shas]) for key in made}
    write(out, save(rows, metadata=given))
    for file in folder_of_parts.glob(f"{'[0-9]' * 8}.safetensors*"):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there
        folder_of_parts.rmdir()
    return open_reference(out)


@dataclass(frozen=True)
class _Part:
    """Some of the pictures."""

    shas: Sequence[str]
    """Of the pixels of those that could be read."""
    left_out: Sequence[str]
    """A sentence for each other."""
    features: Mapping[str, Features]


def _part(
    files: Sequence[Path],
    file: Path,
    made: Mapping[str, tuple[Any, str]],
    chunk: int,
    tell: Callable[[int], object],
) -> _Part:
    """The features of these pictures, from `file` where a making that was broken off stored them."""
    weights = {name: own for name, (_, own) in made.items()}
    key = digest([_FORMAT, weights, [[path.name, file_sha256(path)] for path in files]])
    if stored := _stored_part(file, key):
        tell(len(files))
        return stored
    rows, shas, left_out = {name: list[Features]() for name in made}, list[str](), list[str]()
    for start in range(0, len(files), chunk):
        images = list(_readable(files[start : start + chunk], left_out.append))
        shas += [pixels_sha256(image) for image in images]
        for name, (metric, _) in made.items() if images else ():
            rows[name].append(np.asarray(metric.features(images), np.float32))
        tell(len(files[start : start + chunk]))
    features = {name: np.concatenate(own) for name, own in rows.items() if own}
    if not left_out:  # else the reason may have passed by the next time
        write(file, save(features, metadata={"facts": compact({"key": key, "shas": shas})}))
    return _Part(shas, left_out, features)


def _stored_part(file: Path, key: str) -> _Part | None:
    try:
        with safe_open(file, "np") as stored:
            facts = json.loads(stored.metadata()["facts"])
            features = {name: stored.get_tensor(name) for name in list(stored.keys())}
        return _Part(facts["shas"], [], features) if facts["key"] == key else None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None  # absent, or damaged


def _readable(files: Sequence[Path], note: Callable[[str], object]) -> Iterator[Image]:
    for path in files:
        try:
            yield load_image(path).image
        except InputError as error:
            note(f"Left out: {error}")


def open_reference(path: Path) -> Reference:
    """Read what `make_reference` wrote; raises InputError where it is not there or is something else."""
    try:
        with safe_open(path, "np") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {}).get("facts", "{}"))
            features = {key: file.get_tensor(key) for key in list(file.keys())}
        if facts.get("format") != _FORMAT or not features:
            raise InputError(f"'{path.name}' holds no reference: `python -m benchmark reference` writes one.")
        weights: dict[str, str] = facts["weights"]
        n = {len(rows) for rows in features.values() if rows.ndim == 2 and np.isfinite(rows).all()}
        if len(n) != 1 or weights.keys() != features.keys():
            raise InputError(f"'{path.name}' is damaged: make it again.")
    except FileNotFoundError:
        raise InputError(f"There is no reference '{shown(path)}': check its path.") from None
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"'{path.name}' cannot be read as a reference ({sentence(error)}).") from None
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    return Reference(facts["name"], n.pop(), facts["pictures"], features, weights, sha)


def unlike_weights(reference: Reference, keys: Iterable[tuple[str, str]]) -> str | None:
    """Why outputs' features, (name, digest of the weights) each, do not compare with it; None where they
    do.
    """
    for key, weights in keys:
        if key not in reference.features:
            return f"'{reference.name}' has no features '{key}'."
        if reference.weights[key] != weights:
            return f"'{reference.name}' has features '{key}' of a network with other weights."
    return None

"""What the JSON files of a results folder hold, as typed models: a broken file is one sentence."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.cells import FORMAT
from inpainters.errors import InputError


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class FillRecord(_Model):
    """What a run notes of one fill."""

    sha256: str
    """Of the PNG."""
    seconds: str
    network_calls: int
    peak_memory_mb: str
    """Empty where it was not measured."""
    threads: dict[str, int] = {}
    """Library -> the threads it filled with; empty in records of an older version."""
    known_mean: str = ""
    """Mean absolute change of the known pixels in grey levels, before they were put back; empty where it was
    not measured.
    """
    known_max: str = ""
    detail_scale: str = ""
    """The smallest scale at which a hole was drawn before it got detail from the surroundings; empty where
    none was.
    """


class Pinned(_Model):
    """What fixes a method; of one that was planned and never ran, only its version."""

    version: str
    detail: bool = False
    """Whether what is drawn small gets detail from the surroundings."""
    options: dict[str, Any] = {}
    weights: dict[str, str | None] = {}
    packages: dict[str, str] = {}


class CellManifest(_Model):
    """cells/.../manifest.json: a finished cell."""

    format: int = FORMAT
    method: str
    options: dict[str, Any]
    weights: dict[str, str | None]
    packages: dict[str, str]
    pictures: dict[str, FillRecord]
    """image id -> its fill."""
    failed: dict[str, str]
    """image id -> the reason why there is no fill."""
    environment: dict[str, Any]
    version: str
    inputs: str = ""
    """Digest of the photographs and masks that it was filled from; empty where a record does not say."""
    detail: bool = False
    """Whether what is drawn small gets detail from the surroundings."""

    def threads(self) -> list[dict[str, int]]:
        """With how many threads its pictures were filled: one entry for each kind."""
        whole = self.environment.get("threads")
        older = {k: n for k, n in (whole if isinstance(whole, dict) else {}).items() if isinstance(n, int)}
        found: list[dict[str, int]] = []
        for record in self.pictures.values():
            if (one := record.threads or older) not in found:
                found.append(one)
        return found


class DatasetMeaning(_Model):
    name: str
    recipe: str
    images: dict[str, str]
    """image id -> sha256 of its pixels."""
    left_out: tuple[str, ...]


class MaskSetMeaning(_Model):
    name: str
    source: str
    seed: int
    masks: dict[str, dict[str, tuple[str, str] | str]]
    """bin -> image id -> (ratio, sha256), or the reason why there is no mask."""
    n: dict[str, dict[str, int]] = {}
    """bin -> entry -> pictures."""


class MetricMeaning(_Model):
    title: str
    kind: str
    better: str
    unit: str
    variant: str
    regions: tuple[str, ...]
    weights: str | None
    """sha256."""
    unavailable: str | None


class Meaning(_Model):
    """What fixes the numbers of a suite; nothing of it depends on the machine or the day."""

    format: int
    version: str
    suite: str
    dataset: DatasetMeaning
    mask_sets: tuple[MaskSetMeaning, ...] = ()
    mask_set: MaskSetMeaning | None = None
    """The only one, in a manifest of an older version."""
    seed: int
    methods: dict[str, Pinned]
    """Entry -> what fixed it."""
    n: dict[str, dict[str, int]] = {}
    """Of `mask_set`: bin -> entry -> pictures."""
    planned: dict[str, int]
    once: bool = False
    answers: int = 1
    batch: int = 1
    metrics: dict[str, MetricMeaning]
    reference: str


class SuiteManifest(_Model):
    """manifest.json of a suite."""

    meaning: Meaning
    environment: dict[str, Any]
    """Where the pictures were filled (`others`: if there was more than one place; `other_threads`: cells that
    were filled with other numbers of threads), and `scored`, with a digest of each metric's code.
    """
    files: dict[str, str | None]
    """Name -> sha256."""


class _Head(_Model):
    format: int


class _Front(_Model):
    """So much of a manifest is alike in every version."""

    meaning: _Head


def cell_manifest(folder: Path) -> CellManifest | None:
    """The manifest of a finished cell; None where there is none that can be used."""
    try:
        found = CellManifest.model_validate_json((folder / "manifest.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.format == FORMAT else None


def suite_manifest(folder: Path) -> SuiteManifest:
    """The manifest of a suite's folder; raises InputError where it is absent, broken or another version's."""
    try:
        data = (folder / "manifest.json").read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"'{folder.name}' has no manifest.json: the run is not finished; start it again to continue."
        ) from None
    except OSError as error:
        raise InputError(f"'{folder.name}/manifest.json' cannot be read ({error.strerror}).") from None
    try:
        _check_format(folder, data)
        return SuiteManifest.model_validate_json(data)
    except ValidationError as error:
        raise InputError(
            f"'{folder.name}/manifest.json' is damaged ({fault(error)}): `python -m benchmark score "
            f"{folder.name}` writes it anew."
        ) from None


def check_format(folder: Path) -> None:
    """Raise InputError where a suite's manifest says that another version wrote it; say nothing of one that
    is absent or damaged.
    """
    with suppress(OSError, ValidationError):
        _check_format(folder, (folder / "manifest.json").read_bytes())


def _check_format(folder: Path, data: bytes) -> None:
    if (found := _Front.model_validate_json(data).meaning.format) != FORMAT:
        raise InputError(
            f"'{folder.name}' was written by another version of the benchmark (its manifest has format "
            f"{found}, this one reads {FORMAT}): use that version, or run its suite again with --redo."
        )


def fault(error: ValidationError) -> str:
    """The first thing that is wrong, as in `meaning.seed: input should be a valid integer`."""
    first = error.errors(include_url=False, include_input=False)[0]
    where, message = ".".join(map(str, first["loc"])), first["msg"]
    return f"{where}: {message[0].lower()}{message[1:]}" if where else message.rstrip(".")

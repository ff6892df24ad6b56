"""What a large run costs beside its fills (`benchmark.studies.scale`), measured here on one core in
processor time. Measure on a machine that does nothing else: beside other work each second holds less.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark import cells
from benchmark.cells import ColumnKey
from benchmark.engines.local import open_method
from benchmark.inputs.frozen import load_inputs
from benchmark.plan import Plan, load_plan, plan_file
from benchmark.scorer import open_bench
from inpainters import registry
from inpainters.base import InpaintRequest
from inpainters.errors import InputError
from inpainters.imaging import encode_png
from inpainters.masks import BINS, generate

_SIDE = 256
"""Of the pictures."""


@dataclass(frozen=True)
class Costs:
    """Seconds of a processor that were measured here, on one core."""

    start: float
    """A process, until it can be given a chunk."""
    read: float
    """The plan and a column's table, once per process and column."""
    close: float
    """The driver's, for each picture: its record is read and its PNG compared with it."""
    opened: Mapping[str, float]
    """A method with its weights."""
    score: float
    """A fill, by all metrics that can be computed here; its original is looked at for one fill in ten."""
    pairs: float
    """Each pair of pictures of a cell, by all distances of sets: a kernel distance looks at all pairs."""
    patches: Mapping[str, float]
    """Of a network's fill, the share that detail from the surroundings takes: a GPU makes it no faster."""


def measure_costs(entries: Sequence[str], pictures: int) -> Costs:
    """Fixed costs on this machine."""
    opened, patches = {}, {}
    for entry in entries:
        began = time.process_time()
        method = open_method(entry, "cpu")
        opened[entry] = time.process_time() - began
        if isinstance(method, str):
            raise InputError(f"{entry}: {method}")
        if any(option.name == "detail" for option in method.spec.options):
            patches[entry] = _share_of_detail(entry)
    return Costs(_start(), *_read_and_close(pictures), opened, _score(), _pairs(), patches)


def _share_of_detail(entry: str) -> float:
    """From three compact holes of 30 %; the first fill, which is slower, does not count."""
    name, options = cells.split_entry(entry)
    taken = {}
    for detail in ("enlarge", "surroundings"):
        chosen = {**options, "detail": detail}
        method = registry.create(name, device="cpu", **chosen)
        method.load()
        own = []
        for seed in range(4):
            asked = _request(seed, chosen)
            began = time.process_time()
            method.run([asked])
            own.append(time.process_time() - began)
        taken[detail] = float(np.median(own[1:]))
    return max(0.0, 1 - taken["enlarge"] / taken["surroundings"])


def _request(seed: int, options: Mapping[str, object]) -> InpaintRequest:
    picture = np.random.default_rng(seed).integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)
    mask = generate("object", (_SIDE, _SIDE), seed=seed, ratio=0.3)
    return InpaintRequest(picture, mask, seed=seed, options=options)


def _score() -> float:
    random, bench = np.random.default_rng(0), open_bench()
    original, *fills = random.integers(0, 256, (11, _SIDE, _SIDE, 3)).astype(np.uint8)
    mask, taken = generate("object", (_SIDE, _SIDE), seed=0, ratio=0.3), 0.0
    features = {bench.get(spec.name).feature_key: bench.get(spec.name) for spec in bench.ready("set")}
    for part in (fills[:1], fills):  # the first time is slower
        began = time.process_time()
        for spec in bench.ready("image"):
            for fill in part:
                bench.get(spec.name).score_batch([original], [fill], [mask])
        for metric in features.values():
            metric.features([original, *part])
        taken = (time.process_time() - began) / len(part)
    return taken


def _pairs(n: int = 1024) -> float:
    random, bench, taken = np.random.default_rng(0), open_bench(), 0.0
    for spec in bench.ready("set"):
        metric = bench.get(spec.name)
        width = metric.features(random.integers(0, 256, (1, _SIDE, _SIDE, 3)).astype(np.uint8)).shape[1]
        sides = random.normal(size=(2, n, width)).astype(np.float32)
        began = time.process_time()
        metric.pseudo_values(*sides) if spec.pseudo_values else metric.distance(*sides)
        taken += (time.process_time() - began) * spec.pseudo_values  # the others grow with n alone
    return taken / n**2


def _start() -> float:
    code = "import benchmark.engines.on_ray, torch; from inpainters import registry"
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _read_and_close(pictures: int) -> tuple[float, float]:
    with _folder(pictures) as (root, column):
        began = time.process_time()
        load_inputs(root, load_plan(root), column)
        read = time.process_time() - began
        picture = encode_png(np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), np.uint8))
        names = [f"{number:05}" for number in range(200)]
        for name in names:
            (root / f"{name}.png").write_bytes(picture)
            cells.write_json(root / f"{name}.json", {"sha256": cells.file_sha256(root / f"{name}.png")})
        began = time.process_time()
        done = [cells.finished(root, name) and cells.read_json(root / f"{name}.json") for name in names]
        return read, (time.process_time() - began) / len(done)


@contextmanager
def _folder(pictures: int) -> Iterator[tuple[Path, ColumnKey]]:
    """A folder with the plan and one table of a run of so many pictures."""
    column = ColumnKey("irregular", "10-20")
    images = [f"Places365_val_{number:08}" for number in range(pictures)]
    plan = Plan(
        suite="photos", dataset="places2", recipe="square", mask_sets=("irregular",),
        mask_sources={"irregular": "drawn"}, bins={"irregular": tuple(BINS)}, seed=0,
        pictures=dict.fromkeys(images, "0" * 64), left_out=(), methods={"telea": pictures}, seconds=3600.0,
        budget="each", once=False, answers=1, batch=1, several=(),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        cells.write_json(plan_file(root), plan.to_json())
        row = {"image": "0" * 64, "mask": "0" * 64, "ratio": "0.15"}
        files = {f"{image}{end}": "0" * 64 for image in images for end in (".png", ".mask.png")}
        cells.write_json(
            cells.column_folder(root, plan.dataset, column) / "_inputs" / "inputs.json",
            {"order": images, "pictures": dict.fromkeys(images, row), "files": files},
        )
        yield root, column

"""What the harness costs beside what it calls: `python -m benchmark.studies.speed`.

Three questions. What does scoring take beside the metrics themselves, called on pictures in memory? What does
a Fréchet distance of few pictures take beside torchmetrics', and how far is it from the one by symmetric
eigen-decompositions? How much faster are two processes than one? Measure on a machine that does nothing else.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as PilImage

from benchmark import cells, measure
from benchmark.measure import ONE_THREAD, environment_with
from benchmark.metrics.base import Features, Floats
from benchmark.metrics.frechet import frechet_by_torchmetrics, frechet_distance
from benchmark.plan import load_plan
from benchmark.report.markdown import markdown_table
from benchmark.score import one_thread, open_cells, score
from benchmark.scorer import BATCH, open_bench, together
from benchmark.scoring import forget_scores
from inpainters import commandline
from inpainters.errors import InputError, UnavailableError
from inpainters.imaging import Image

SpeedRow = tuple[str, str, float, str]
"""What was measured, of what, the median, its unit."""
QUICK_METHODS = ("mean_fill", "telea", "navier_stokes")
"""Three fills of each original, which the metrics may remember from one to the next."""
SLOW_METHOD = "patchmatch"
"""What several processes fill with."""
_SIDE = 256


def draw_pictures(folder: Path, n: int) -> None:
    """Smooth pictures with some noise, 256×256."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(n):
        small = PilImage.fromarray(random.integers(0, 256, (9, 9, 3), np.uint8))
        large = np.asarray(small.resize((_SIDE, _SIDE), PilImage.Resampling.BICUBIC), float)
        noisy = (large + random.normal(0, 6, large.shape)).clip(0, 255).astype(np.uint8)
        PilImage.fromarray(noisy).save(folder / f"{number:04}.png")


def run_fills(root: Path, photos: Path, methods: str, bins: str, pictures: int, processes: int = 0) -> float:
    """Seconds of `python -m benchmark run --only run`, with its start: in one process, or with a number of
    `processes` on so many of Ray. Raises UnavailableError where it fails.
    """
    asked = ["run", "photos", "--data", str(photos), "--masks", "irregular", "--bins", bins, "--only", "run"]
    asked += ["--size", str(_SIDE), "--n", str(pictures), "--methods", methods, "--out", str(root)]
    asked += ["--engine", "ray"] if processes else []
    code = f"from benchmark import measure; measure.cores = lambda: {processes or 1}; "
    code += f"from benchmark.__main__ import main; raise SystemExit(main({asked!r}))"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"A run failed: {done.stderr.strip()[-300:]}")
    return time.perf_counter() - began


def metrics_alone(root: Path) -> dict[str, float]:
    """Metric, or network of features -> seconds of this processor that its calls take for all fills of a
    folder's one column, from pictures in memory, in the batches in which `score` calls it.
    """
    plan, bench, taken = load_plan(root), open_bench(), defaultdict[str, float](float)

    def timed(name: str, call: Callable[..., Any], *args: Any) -> Any:
        began = time.process_time()
        try:
            return call(*args)
        finally:
            taken[name] += time.process_time() - began

    with one_thread():
        scorers = open_cells(root, plan, bench)
        names, inputs = scorers[0].images, scorers[0].inputs
        originals, masks = zip(*map(inputs.load, names), strict=True)
        fills = [[one.output(name, shas) for name in names] for one in scorers for shas in [one.shas()]]
        for start in range(0, len(names), bench.batch):
            part = slice(start, start + bench.batch)
            for outputs, spec in product(fills, bench.ready("image")):
                metric = bench.get(spec.name)
                timed(spec.name, metric.score_batch, originals[part], outputs[part], masks[part])
        of_sets = [(spec, bench.get(spec.name)) for spec in bench.ready("set")]
        features = {
            key: [timed(f"features of {key}", _in_chunks, metric, side) for side in (originals, *fills)]
            for key, metric in {metric.feature_key: metric for _, metric in of_sets}.items()
        }
        for spec, metric in of_sets:
            reference, *outputs = features[metric.feature_key]
            for output in outputs:
                call = metric.pseudo_values if spec.pseudo_values else metric.distance
                with suppress(ValueError):  # some want more pictures
                    timed(spec.name, call, reference, output)
    return taken


def _in_chunks(metric: Any, pictures: Sequence[Image]) -> Features:
    chunk = together(BATCH)
    parts = [metric.features(pictures[i : i + chunk]) for i in range(0, len(pictures), chunk)]
    return np.concatenate(parts)


def scoring_rows(folder: Path, pictures: int, repeats: int) -> list[SpeedRow]:
    """What `score` takes in one process, reading PNGs and writing tables, beside its metrics."""
    root, photos = folder / "scored", folder / "photos"
    run_fills(root, photos, ",".join(QUICK_METHODS), "20-30", pictures)
    whole, alone = list[float](), list[dict[str, float]]()
    score(root, jobs=1, quiet=True)  # all is imported then
    for _ in range(repeats):
        forget_all(root)
        began = time.process_time()
        score(root, jobs=1, quiet=True)
        whole.append(time.process_time() - began)
        alone.append(metrics_alone(root))
    each = len(QUICK_METHODS) * pictures
    what, unit = "a fill, processor time", "ms"
    rows = [(what, name, 1e3 * median(one[name] for one in alone) / each, unit) for name in alone[0]]
    metrics = [sum(one.values()) for one in alone]
    ratio = median(a / b for a, b in zip(whole, metrics, strict=True))
    return [
        *rows,
        (what, "all of these", 1e3 * median(metrics) / each, unit),
        (what, "score", 1e3 * median(whole) / each, unit),
        (what, "score beside all of these", ratio, "times"),
    ]


def forget_all(root: Path) -> None:
    """Throw the scores and features of a results folder away."""
    forget_scores(root)
    for path in root.rglob("features/*.npz"):
        path.unlink()


def frechet_rows(repeats: int, n: int = 512, width: int = 2048) -> list[SpeedRow]:
    """Seconds of a Fréchet distance of so many pictures, and how far it is from the one by symmetric
    eigen-decompositions: tr (Cx Cy)^½ = tr (Cx^½ Cy Cx^½)^½.
    """
    random = np.random.default_rng(0)
    mixed = random.normal(size=(width, width)).astype(np.float32) / width**0.5
    x, y = (random.gamma(0.3, size=(n, width)).astype(np.float32) @ mixed for _ in range(2))
    ours, theirs = list[float](), list[float]()
    with one_thread():
        for _ in range(repeats):
            for call, taken in ((frechet_distance, ours), (lambda *s: frechet_by_torchmetrics([s]), theirs)):
                began = time.perf_counter()
                call(x, y)
                taken.append(time.perf_counter() - began)
    exact, found = by_eigenvalues(x.astype(float), y.astype(float)), frechet_distance(x, y)
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    what = f"a Fréchet distance of {n} pictures, {width} features"
    return [
        (what, "from singular values", median(ours), "s"),
        (what, "torchmetrics", median(theirs), "s"),
        (what, "torchmetrics beside it", ratio, "times"),
        (what, "difference to symmetric eigen-decompositions", abs(found / exact - 1), "of it"),
    ]


def by_eigenvalues(x: Floats, y: Floats) -> float:
    """The Fréchet distance of x (n, d) and y (m, d) in float64, by two symmetric eigen-decompositions."""
    cx, cy = (np.cov(side, rowvar=False) for side in (x, y))
    values, vectors = np.linalg.eigh(cx)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    crossed = np.linalg.eigvalsh(root @ cy @ root)
    apart = x.mean(0) - y.mean(0)
    return float(apart @ apart + np.trace(cx) + np.trace(cy) - 2 * np.sqrt(crossed.clip(0)).sum())


def process_rows(folder: Path, pictures: int, repeats: int) -> list[SpeedRow]:
    """Seconds of one and two processes: of a run on Ray, with its start, and of `score`."""
    rows = list[SpeedRow]()
    for what, call in (("a run on Ray", _run_by), ("score", _score_by)):
        taken = [(call(folder, pictures, 1), call(folder, pictures, 2)) for _ in range(repeats)]
        rows += [(what, f"{i + 1} process{'es' * i}", median(one[i] for one in taken), "s") for i in (0, 1)]
        rows.append((what, "two processes beside one", median(a / b for a, b in taken), "times"))
    return rows


def _run_by(folder: Path, pictures: int, processes: int) -> float:
    root = folder / f"by{processes}"
    shutil.rmtree(root, ignore_errors=True)
    return run_fills(root, folder / "photos", SLOW_METHOD, "20-30,30-40,40-50,50-60", pictures, processes)


def _score_by(folder: Path, pictures: int, processes: int) -> float:
    root = folder / "by1"
    forget_all(root)
    began = time.perf_counter()
    score(root, jobs=processes, quiet=True)
    return time.perf_counter() - began


def how_measured(pictures: int, repeats: int, hardware: str) -> str:
    """How it was measured."""
    return (
        f"{pictures} pictures of {_SIDE}×{_SIDE}, one thread in each process; medians of {repeats} rounds, "
        f"and of each round's ratio. Measured on {hardware}.\n\n"
        f"`score` is that of {len(QUICK_METHODS)} fills of each picture by the metrics that are ready there, "
        "in a process that has imported all: loading networks, reading, the metrics, features, journals and "
        f"tables. Two processes are compared with one in a run of {SLOW_METHOD} at four bins of ratios, the "
        "start of Ray included, and in scoring its fills, where the one is already running and the two must "
        "start first."
    )


def markdown_of_speed(rows: Sequence[SpeedRow], how: str) -> str:
    """The tables for people, one for each thing that was measured."""
    groups = "\n\n".join(
        f"**{what[0].upper()}{what[1:]}**\n\n"
        + markdown_table(["of", "median", ""], [[of, f"{value:.3g}", unit] for _, of, value, unit in own])
        for what, own in groupby(rows, key=lambda row: row[0])
    )
    return f"# Speed of the harness\n\n{how}\n\n{groups}\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.speed", description=__doc__)
    parser.add_argument("--pictures", type=int, default=32, metavar="N", help="256×256 (default: 32)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--out", type=commandline.path, default=Path("results/speed"), metavar="DIR")
    commandline.add_weights(parser)
    parser.set_defaults(command=_main)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    if min(parsed.pictures, parsed.repeats) < 2:
        raise InputError("Take at least 2 pictures and 2 repeats.")
    if measure.unlike(measure.threads(), dict.fromkeys(measure.threads(), 1)):
        raise InputError(f"Measure with one thread: set {' and '.join(f'{name}=1' for name in ONE_THREAD)}.")
    with tempfile.TemporaryDirectory() as name, environment_with(ONE_THREAD):
        folder = Path(name)
        draw_pictures(folder / "photos", parsed.pictures)
        rows = [
            *scoring_rows(folder, parsed.pictures, parsed.repeats),
            *frechet_rows(parsed.repeats),
            *process_rows(folder, parsed.pictures, parsed.repeats),
        ]
    table = pd.DataFrame(rows, columns=["what", "of", "value", "unit"])
    text = markdown_of_speed(rows, how_measured(parsed.pictures, parsed.repeats, measure.hardware()))
    cells.write(
        parsed.out / "speed.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()
    )
    cells.write(parsed.out / "speed.md", text.encode())
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How often intervals and tests err on real scores: `python -m benchmark.studies.coverage results/photos`.

The scores of a suite stand for all photographs there are. Samples of n photographs are drawn from them with
replacement. The share of the samples' intervals that hold the true mean is their coverage; the share of
paired tests that find a difference where there is none is their type I error.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import cells, results
from benchmark.metrics import METRICS
from benchmark.metrics.base import Floats
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import LEVEL, MIN_WINNER, bounds, signed_rank
from benchmark.report.summary import column_of, measured
from benchmark.results import Results
from inpainters import commandline

SIZES = (5, 8, 11, 16, 20, 50, 86, 200, 512)
"""Photographs in a sample."""
DRAWS = 1000
"""Samples of each kind and size."""
PAIRS = 12
"""Differences of two methods that are tried of each metric."""


@dataclass(frozen=True)
class Population:
    """Values that samples are drawn from."""

    metric: str
    region: str
    name: str
    """A method, or two whose difference it is."""
    paired: bool
    values: Floats


def populations(found: Results) -> Iterator[Population]:
    """The means of each photograph for each method by each metric that has a value per picture, and
    differences of methods: holes of one photograph are not independent.
    """
    for metric, region in measured(found):
        if METRICS[metric].kind != "image":
            continue
        wide = column_of(found, metric, region).common.groupby(level="photograph", sort=False).mean()
        for entry in wide:
            yield Population(metric, region, str(entry), paired=False, values=wide[entry].to_numpy(float))
        every = list(combinations(wide, 2))
        for first, second in every[:: max(1, len(every) // PAIRS)]:
            values = (wide[first] - wide[second]).to_numpy(float)
            yield Population(metric, region, f"{first} - {second}", paired=True, values=values)


def percentile(shares: Floats, draws: int = 400) -> tuple[Floats, Floats]:
    """Ends of percentile bootstrap intervals, to compare with, as `bounds` gives those of ours."""
    count = shares.shape[1]
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws) / count
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(shares @ weights.T, [tail, 1 - tail], axis=1)
    return low, high


def tried(population: Population, size: int, draws: int, seed: int) -> dict[str, float]:
    """Coverage by our intervals and by percentile bootstrap ones, and for differences the type I error of the
    paired test.
    """
    rng = np.random.default_rng([seed, size])
    samples = population.values[rng.integers(0, len(population.values), (draws, size))]
    means, truth = samples.mean(axis=1), population.values.mean()
    shares = samples - means[:, None]
    held = _held(means, bounds(shares), truth)
    found = {"coverage": held.mean(), "bootstrap": _held(means, percentile(shares), truth).mean()}
    if population.paired:
        # No difference in truth: samples moved so that their population has the mean 0.
        outside = np.flatnonzero(~held)
        p = [signed_rank(samples[i] - truth, means[i] - truth) for i in outside]
        found["type I error"] = sum(one < 1 - LEVEL for one in p) / draws
    return {name: float(value) for name, value in found.items()}


def _held(
    means: Floats, ends: tuple[Floats, Floats], truth: float
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.asarray((means + ends[0] <= truth) & (truth <= means + ends[1]))


def simulate(
    found: Results,
    sizes: Sequence[int] = SIZES,
    draws: int = DRAWS,
    keep: Callable[[Population], bool] = lambda _: True,
) -> pd.DataFrame:
    """One row per population and size: metric, region, name, paired, n, coverage, bootstrap, type I error."""
    rows = [
        {
            "metric": one.metric,
            "region": one.region,
            "name": one.name,
            "paired": one.paired,
            "n": size,
            **tried(one, size, draws, seed),
        }
        for seed, one in enumerate(filter(keep, populations(found)))
        for size in sizes
    ]
    return pd.DataFrame(rows)


def coverage_markdown(rows: pd.DataFrame, suite: str, draws: int) -> str:
    """What was found, as a page."""
    lines = []
    for size, group in rows.groupby("n"):
        pairs = group[group["paired"]]
        lines.append(
            [
                str(size),
                f"{100 * group['coverage'].mean():.1f}",
                _range(group["coverage"]),
                f"{100 * group['bootstrap'].mean():.1f}",
                f"{100 * pairs['type I error'].mean():.1f}",
                _range(pairs["type I error"]),
            ]
        )
    head = ["n", "coverage, %", "of 90 % of columns", "percentile bootstrap, %", "type I error, %", "of 90 %"]
    columns = rows.drop_duplicates(["metric", "region", "name"])
    parts = [
        "# How far intervals and tests can be trusted",
        f"{draws:,} samples of n photographs were drawn from the scores of `{suite}`, for each of "
        f"{len(columns)} columns: a method by a metric in a region, and {columns['paired'].sum()} "
        "differences of two methods.",
        "*Coverage* is the share of the samples' 95 % intervals that hold the mean of the whole suite, on "
        "average over the columns and for nine columns in ten. The *type I error* is the share of paired "
        "tests that find a difference where it was taken away.",
        markdown_table(head, lines),
        "Coverage is lowest where few pictures make most of the mean, as in the difference of two samplers "
        f"of which one fails now and then: {_lowest(rows)}. No winner is named "
        f"under {MIN_WINNER} photographs.",
    ]
    return "\n\n".join(parts) + "\n"


def _range(values: "pd.Series[float]") -> str:
    low, high = np.quantile(values, [0.05, 0.95])
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _lowest(rows: pd.DataFrame) -> str:
    least = rows.sort_values("coverage").iloc[0]
    return (
        f"{100 * least['coverage']:.1f} % at n = {least['n']} for `{least['name']}` by `{least['metric']}`, "
        f"{least['region']}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.coverage", description=__doc__)
    parser.add_argument("folder", type=commandline.path, metavar="DIR", help="a results folder")
    parser.add_argument("--out", type=commandline.path, default=Path("results/coverage"), metavar="DIR")
    parser.add_argument("--masks", metavar="NAME", help="a mask set of these results (default: the first)")
    parser.set_defaults(command=_main)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    found = results.load(parsed.folder).part(parsed.masks)
    rows = simulate(found)
    text = coverage_markdown(rows, found.title, DRAWS)
    cells.write(parsed.out / "coverage.md", text.encode())
    cells.write(
        parsed.out / "coverage.csv",
        rows.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode(),
    )
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

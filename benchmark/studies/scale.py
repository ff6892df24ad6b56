"""How long a large run takes on a cluster: `python -m benchmark.studies.scale`.

Fill times are those that were measured (timings.csv of other results); what else costs time is measured on
this machine (`scale_costs`). Then the Ray engine's rule is played through: chunks of some declared seconds,
the longest first, to whoever is free. Nothing is filled.
"""

import argparse
import heapq
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import cells, measure, results
from benchmark.cells import Cell
from benchmark.engines.local import declared
from benchmark.engines.on_ray.chunks import CHUNK
from benchmark.metrics.base import Floats
from benchmark.report import figures
from benchmark.report.markdown import markdown_table
from benchmark.score import score_parts
from benchmark.studies.scale_costs import Costs, measure_costs
from inpainters import commandline, registry
from inpainters.masks import BINS

PICTURES = 36_500
"""Of Places2's validation set, as the papers take it."""
WORKERS = 64
CORES = 8
"""Per GPU, for methods that use none."""
_KEPT = 2
"""Methods that a process keeps open."""
FASTER = (10, 30)
"""How many times as fast as one core a GPU computes a network: assumed, not measured (`_ASSUMED`)."""
_ASSUMED = f"""How fast a GPU is was not measured. A network is assumed to be {FASTER[0]} or {FASTER[1]} times
as fast on it as on a core. Data sheets promise about 200 times: 19.5 TFLOP/s in float32 for an NVIDIA A100,
and by arithmetic 0.096 for a core with AVX2 at 3 GHz. Fills go one picture at a time, which leaves a GPU
mostly idle, so that no more than these shares of it are taken. Detail from the surroundings and scores are
taken to be no faster."""
STRAGGLES = 4.0
"""A straggler takes so many times as long."""


@dataclass(frozen=True)
class Method:
    """One method of the run."""

    entry: str
    seconds: Mapping[str, Floats]
    """Bin -> fill times that were measured."""
    source: str

    @property
    def gpu(self) -> bool:
        spec = registry.METHODS[self.entry.split(" ")[0]]
        return "torch" in spec.requires


@dataclass(frozen=True)
class Setting:
    """A cluster."""

    title: str
    workers: int = WORKERS
    faster: float = 1.0
    """How many times as fast as a core a GPU computes a network; 1: there is none."""
    slow: int = 0
    """Workers that take STRAGGLES times as long; a GPU's with its cores."""
    lost: int = 0
    """Workers that are gone for good in the middle of the run, with what they are at; a GPU's with its cores.
    """

    @property
    def each(self) -> int:
        """Cores of a worker."""
        return CORES if self.faster > 1 else 1


@dataclass
class Played:
    """What a run came to."""

    end: float
    """Seconds until the last fill."""
    busy: float
    """Share of the workers' time that goes into fills."""
    tail: float
    """Seconds from the first worker that finds nothing to do until the last is done."""
    kind: str = ""
    """Whose work ends last: GPUs or cores; the shares are theirs."""
    spent: dict[str, float] = field(default_factory=dict)
    """What workers did -> seconds: fills by method, `start`, `open`, `read`, `lost`."""
    ended: list[float] = field(default_factory=list)
    """When each chunk was done."""


def measured_methods(folders: Sequence[Path]) -> list[Method]:
    """Each entry's fill times, from the first of the folders that has them."""
    found: dict[str, Method] = {}
    for folder in folders:
        timings = results.load(folder).timings
        for (entry, method), own in timings.groupby(["entry", "method"], sort=False):
            if entry in found or str(method) not in registry.METHODS:
                continue
            of_bin = {str(label): part["seconds"].to_numpy(float) for label, part in own.groupby("bin")}
            found[str(entry)] = Method(str(entry), of_bin, folder.name)
    return list(found.values())


# --- the run --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """A chunk, as it is played."""

    entry: str
    column: str
    declared: float
    seconds: float
    gpu: bool


def chunks(methods: Sequence[Method], pictures: int, setting: Setting, costs: Costs) -> list[_Part]:
    """What is given out, the longest by declaration first; each fill's time is one that was measured."""
    random, found = np.random.default_rng(0), []
    for method in methods:
        name, options = cells.split_entry(method.entry)
        on_gpu = method.gpu and setting.faster > 1
        kept = costs.patches.get(method.entry, 0.0)
        pace = kept + (1 - kept) / setting.faster if on_gpu else 1.0
        for label in BINS:
            one = declared(Cell("places2", "irregular", label, name, 0, options))
            size = max(1, int(np.ceil(CHUNK / max(one, 1e-3))))
            times = random.choice(method.seconds.get(label, _all_times(method)), pictures) * pace
            sums = np.add.reduceat(times, np.arange(0, pictures, size))
            counts = np.diff([*range(0, pictures, size), pictures])
            found += [
                _Part(method.entry, label, one * count, float(total), on_gpu)
                for total, count in zip(sums, counts, strict=True)
            ]
    return sorted(found, key=lambda part: -part.declared)


def _all_times(method: Method) -> Floats:
    return np.concatenate(list(method.seconds.values()))


def play(parts: Sequence[_Part], setting: Setting, costs: Costs) -> Played:
    """Give the chunks out, each to the worker that is free first."""
    on_gpu = [part for part in parts if part.gpu]
    on_core = [part for part in parts if not part.gpu]
    beside = CORES - 1 if on_gpu else 1
    kinds = [
        (kind, some, each) for kind, some, each in (("GPUs", on_gpu, 1), ("cores", on_core, beside)) if some
    ]
    middle = max(sum(part.seconds for part in some) / each for _, some, each in kinds) / setting.workers / 2
    lanes = [_lane(kind, some, each, middle, setting, costs) for kind, some, each in kinds]
    last = max(lanes, key=lambda lane: lane.end)
    last.ended = sorted(done for lane in lanes for done in lane.ended)
    return last


def _lane(
    kind: str, parts: Sequence[_Part], each: int, middle: float, setting: Setting, costs: Costs
) -> Played:
    """Of the workers of one kind, so many in each of the setting's; some are lost after `middle` seconds."""
    workers, slow, lost = (n * each for n in (setting.workers, setting.slow, setting.lost))
    spent: defaultdict[str, float] = defaultdict(float)
    free = [(costs.start, number) for number in range(workers)]
    spent["start"] += costs.start * workers
    opened: list[list[str]] = [[] for _ in range(workers)]
    read: list[set[str]] = [set() for _ in range(workers)]
    left, ended = list(reversed(parts)), []
    while left:
        now, number = heapq.heappop(free)
        part = left.pop()
        took = part.seconds * (STRAGGLES if number < slow else 1.0)
        if part.entry not in opened[number]:
            opened[number] = [*opened[number], part.entry][-_KEPT:]
            took += costs.opened.get(part.entry, 0.0)
            spent["open"] += costs.opened.get(part.entry, 0.0)
        if part.column not in read[number]:
            read[number].add(part.column)
            took += costs.read
            spent["read"] += costs.read
        if number >= workers - lost and now + took > middle:
            spent["lost"] += max(0.0, middle - now)
            left.append(part)  # and its worker does not come back
            continue
        spent[part.entry] += part.seconds
        ended.append(now + took)
        heapq.heappush(free, (now + took, number))
    last, fills = max(ended), sum(part.seconds for part in parts)
    return Played(last, fills / (workers * last), last - min(at for at, _ in free), kind, dict(spent), ended)


def scoring(methods: int, pictures: int, setting: Setting, costs: Costs) -> float:
    """Seconds until all cells are scored, by the rule of `benchmark.score`: first the pictures of each column
    in parts, then the sets of each cell, each given to a worker that is free. What was lost stays so.
    """
    left, columns = setting.workers - setting.lost, len(BINS)
    of = score_parts(left, columns)
    part, cell = methods * pictures / of * costs.score, pictures**2 * costs.pairs
    return _given_out(of * columns, part, left, setting.slow) + _given_out(
        methods * columns, cell, left, setting.slow
    )


def _given_out(works: int, seconds: float, workers: int, slow: int) -> float:
    """Seconds until the last of so many works of one length is done."""
    free = [(0.0, number) for number in range(workers)]
    for _ in range(works):
        now, number = free[0]
        heapq.heapreplace(free, (now + seconds * (STRAGGLES if number < slow else 1.0), number))
    return max(at for at, _ in free)


# --- what people read -----------------------------------------------------------------------------

_TROUBLE = (
    ("", 0, 0),
    (", four of them four times as slow", 4, 0),
    (", a node of eight lost half-way", 0, 8),
)
_KINDS = (("64 cores", 1), *((f"64 GPUs of {n}× a core, with 8 cores each", n) for n in FASTER))
CLUSTERS = tuple(
    Setting(kind + trouble, faster=faster, slow=slow, lost=lost)
    for kind, faster in _KINDS
    for trouble, slow, lost in _TROUBLE
)


def study(methods: Sequence[Method], costs: Costs, pictures: int) -> tuple[str, pd.DataFrame, bytes]:
    """The page, its rows, and the figure of how the work goes on."""
    played = []
    for setting in CLUSTERS:
        parts = chunks(methods, pictures, setting, costs)
        played.append((setting, parts, play(parts, setting, costs)))
    fills = pictures * len(BINS) * len(methods)
    close = fills * costs.close
    sets = pictures**2 * costs.pairs / 60
    scored = [scoring(len(methods), pictures, setting, costs) for setting in CLUSTERS]
    table = [
        [
            setting.title,
            f"{(one.end + close) / 3600:.1f}",
            f"{scores / 3600:.1f}",
            f"{one.busy:.1%}",
            f"{one.tail / 60:.1f}",
            _bottleneck(one),
        ]
        for (setting, _, one), scores in zip(played, scored, strict=True)
    ]
    first = played[0]
    total = sum(part.seconds for part in first[1])
    by_method = [
        [
            method.entry,
            method.source,
            f"{_all_times(method).mean():.2f}",
            f"{sum(part.entry == method.entry for part in first[1]):,}",
            f"{first[2].spent[method.entry] / 3600:,.0f}",
            f"{first[2].spent[method.entry] / total:.1%}",
        ]
        for method in sorted(methods, key=lambda one: -first[2].spent[one.entry])
    ]
    head = [
        "cluster",
        "hours of fills",
        "hours of scores",
        "busy with fills",
        "tail, minutes",
        "whose work ends last, and on what",
    ]
    text = f"""# {fills / 1e6:.1f} million fills on a cluster

{pictures:,} pictures × {len(methods)} methods × {len(BINS)} bins, played through with costs that were
measured on one core of this machine ({measure.hardware()}), in processor time. The longest chunks go first,
each to whoever is free.

{_ASSUMED}

{markdown_table(head, table)}

*Busy with fills* is a share of the time of those whose work ends last. The *tail* lasts from the first of
them that finds nothing left to the end. After the last fill the driver compares each PNG with its record:
{close / 60:.0f} minutes ({1000 * costs.close:.2f} ms each), which the hours of fills contain.

Scores come after that, by the metrics whose weights are on this machine: {costs.score:.2f} s for a fill on
one core, and {sets:.1f} minutes for the distances of each cell's sets. Pictures are shared out in parts, and
each process has a GPU where there are some, so that 64 work at once; what a slow one has got is waited for.

![Share of the chunks that are done, by hours](timeline.svg)

## What each method takes

{markdown_table(["method", "measured in", "seconds per fill", "chunks", "core hours", "share"], by_method)}

## What else was measured

* A process starts in {costs.start:.1f} s and keeps {_KEPT} methods open; opening one takes up to
  {max(costs.opened.values()):.1f} s.
* The plan and the table of a column are read once per process and column: {1000 * costs.read:.0f} ms.
* Detail from the surroundings, which a GPU makes no faster, takes {_range(costs.patches)} of a network's
  fill of a compact hole of 30 %.
"""
    rows = pd.DataFrame(
        {
            "setting": setting.title,
            "fill_hours": (one.end + close) / 3600,
            "score_hours": scores / 3600,
            "busy": one.busy,
            "tail_seconds": one.tail,
        }
        for (setting, _, one), scores in zip(played, scored, strict=True)
    )
    return text, rows, _timeline([(s, o) for s, _, o in played])


def _range(shares: Mapping[str, float]) -> str:
    return f"{min(shares.values()):.0%} to {max(shares.values()):.0%}" if shares else "no part"


def _bottleneck(one: Played) -> str:
    name, seconds = max(one.spent.items(), key=lambda pair: pair[1])
    return f"{one.kind}: `{name}` {seconds / sum(one.spent.values()):.0%}"


def _timeline(played: Sequence[tuple[Setting, Played]]) -> bytes:
    """SVG: how the chunks are done, by hours."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(figures.STYLE):
        drawn = Figure(figsize=(8, 3.8))
        axes = drawn.subplots()
        for setting, one in played:
            hours = np.array(one.ended) / 3600
            step = max(1, len(hours) // 400)
            share = np.arange(1, len(hours) + 1) / len(hours)
            axes.plot([*hours[::step], hours[-1]], [*share[::step], 1.0], label=setting.title)
        axes.set(xlabel="hours", ylabel="share of the chunks that are done", xlim=(0, None), ylim=(0, 1))
        axes.legend(fontsize=8)
        return figures.as_svg(drawn)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, play and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.scale", description="A large run on a cluster.")
    parser.add_argument(
        "--timings", nargs="+", type=commandline.path, metavar="DIR",
        default=[Path("results/photos"), Path("results/quick")], help="results with measured fill times",
    )  # fmt: skip
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--out", type=commandline.path, metavar="DIR", default=Path("results/scale"))
    parser.set_defaults(command=_main)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    methods = measured_methods(parsed.timings)
    costs = measure_costs([method.entry for method in methods], parsed.pictures)
    text, rows, figure = study(methods, costs, parsed.pictures)
    cells.write(parsed.out / "scale.md", text.encode())
    cells.write(parsed.out / "scale.csv", rows.to_csv(index=False, float_format="%.6g").encode())
    cells.write(parsed.out / "timeline.svg", figure)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

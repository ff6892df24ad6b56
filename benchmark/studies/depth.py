"""At which depth of hole a network draws best: `python -m benchmark.studies.depth --data FOLDER`.

The same compact holes are filled with the window shrunk until its deepest hole has 8, 12, 16 ... pixels, and
as it is. Shrunk too little, the hole is deeper than any that the network has learned from; shrunk too far,
there is nothing left to see. Detail comes from the surroundings each time.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmark import cells
from benchmark.inputs.datasets import open_dataset, take
from benchmark.metrics import METRICS
from benchmark.metrics import create as create_metric
from benchmark.metrics.base import Floats
from benchmark.report.digits import number, plus_minus
from benchmark.report.figures import as_svg, looks
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import Difference, Interval, interval_of_mean, mean_difference
from inpainters import commandline, registry
from inpainters.base import InpaintRequest
from inpainters.imaging import Image, Mask
from inpainters.masks import generate

DEPTHS = (8, 12, 16, 24, 32)
AS_IT_IS = 0
"""In place of a depth: the window is not shrunk for it."""
HOLE_BINS = ("1-10", "10-20", "20-30")
"""Of the holes, taking turns."""
METRIC = ("lpips_squeeze", "whole")
BESIDE = "patchmatch"
"""What every network is compared with."""


@dataclass(frozen=True)
class Example:
    """A photograph with a compact hole."""

    name: str
    image: Image
    mask: Mask


def examples(data: Path, count: int) -> list[Example]:
    """Photographs of a folder, 256 pixels square, with holes in turn of the bins."""
    dataset = open_dataset("folder", data)
    ids, _ = take(dataset, count)
    loaders = {picture.image_id: picture.load for picture in dataset.pictures}
    found = []
    for i, name in enumerate(ids):
        image = loaders[name]()
        size = (image.shape[0], image.shape[1])
        mask = generate("object", size, seed=0, image_id=name, bin=HOLE_BINS[i % len(HOLE_BINS)])
        found.append(Example(name, image, mask))
    return found


def networks() -> list[str]:
    """The methods that can be asked for another depth, and are ready."""
    return [
        name
        for name, spec in registry.METHODS.items()
        if any(option.detail for option in spec.options) and registry.unavailable(name) is None
    ]


def rows_in(file: Path) -> pd.DataFrame:
    """The rows of a study's CSV, versions as text."""
    return pd.read_csv(file, dtype={"version": str})


def filled(method: str, depth: int, example: Example) -> Image:
    """The answer where windows are shrunk until holes are no deeper than `depth`."""
    inpainter = registry.create(method, device="cpu")
    spec = inpainter.spec
    inpainter.spec = replace(spec, strategy=replace(spec.strategy, depth=depth or None))
    result = inpainter.run([InpaintRequest(example.image, example.mask, seed=0)])
    return result[0][0].image


def measured_depths(methods: Sequence[str], given: Sequence[Example], *, quiet: bool = False) -> pd.DataFrame:
    """One row per method, depth and photograph: method, version, depth, photograph,
    value.
    """
    metric: Any = create_metric(METRIC[0])
    plan = [(BESIDE, AS_IT_IS), *((m, d) for m in methods for d in (AS_IT_IS, *DEPTHS))]
    versions = {method: registry.get(method).version_with_detail for method, _ in plan}
    rows = [
        {
            "method": method,
            "version": versions[method],
            "depth": depth,
            "photograph": one.name,
            "value": _score(metric, method, depth, one),
        }
        for one in tqdm(given, desc="depth", unit="photograph", disable=True if quiet else None)
        for method, depth in plan
    ]
    return pd.DataFrame(rows)


def _score(metric: Any, method: str, depth: int, one: Example) -> float:
    image = filled(method, depth, one)
    return float(metric.score(one.image, image, one.mask)[METRIC[1]])


def columns(rows: pd.DataFrame) -> Iterator[tuple[str, int, "pd.Series[float]"]]:
    """(method, depth, value by photograph), in the order of the rows."""
    for method in rows["method"].drop_duplicates().tolist():
        mine = rows[rows["method"] == method].set_index("photograph")
        for depth in mine["depth"].drop_duplicates().tolist():
            yield method, depth, mine.loc[mine["depth"] == depth, "value"]


def markdown_of_depths(rows: pd.DataFrame) -> str:
    """What was found, as a page: the value at each depth, the best one bold, those marked that are not told
    apart from the one at the chosen depth, and the difference from the exemplar method.
    """
    found = {(method, depth): values for method, depth, values in columns(rows)}
    beside = found[BESIDE, AS_IT_IS]
    methods = dict.fromkeys(method for method, _ in found if method != BESIDE)
    lines = [
        _line(method, {depth: found[method, depth] for depth in (AS_IT_IS, *DEPTHS)}, beside)
        for method in methods
    ]
    title = registry.METHODS[BESIDE].title
    head = ["method", *map(_shown, (AS_IT_IS, *DEPTHS)), "chosen", f"best less {title}"]
    parts = [
        "# How deep a hole should be for a network",
        f"`{METRIC[0]}` of the {METRIC[1]} picture on {len(beside)} photographs with a compact hole, "
        "lower is better. The window around the hole is shrunk until the hole is so deep, filled, and given "
        f"detail from the surroundings. {title} has {_text(_interval(beside), bold=False)}. **Bold**: the "
        "smallest mean of its line. =: not told apart from the value at the depth that is *chosen*, which "
        "the method's row has, by the paired differences over the photographs. Last: by how much the best "
        f"differs from {title}; =: not told apart.",
        markdown_table(head, lines),
        METRICS[METRIC[0]].variant,
    ]
    return "\n\n".join(parts) + "\n"


def _line(method: str, tried: "dict[int, pd.Series[float]]", beside: "pd.Series[float]") -> list[str]:
    """`tried`: the values at each depth."""
    spec = registry.METHODS[method]
    means = {depth: _interval(values) for depth, values in tried.items()}
    best = min(means, key=lambda depth: means[depth].mean)
    chosen = spec.strategy.depth or AS_IT_IS
    cells = [
        _text(one, bold=depth == best) + (_mark(tried[depth], tried.get(chosen)) if depth != chosen else "")
        for depth, one in means.items()
    ]
    gap = f"{number(_gap(tried[best], beside).value.mean)}{_mark(tried[best], beside)}"
    return [spec.title, *cells, _shown(chosen), gap]


def _shown(depth: int) -> str:
    return f"{depth} px" if depth else "as it is"


def _mark(one: "pd.Series[float]", other: "pd.Series[float] | None") -> str:
    """What stands behind a value that is not told apart from another; nothing where that was not measured."""
    return "" if other is None or _gap(one, other).told_apart else " ="


def _gap(one: "pd.Series[float]", other: "pd.Series[float]") -> Difference:
    """The paired difference over the photographs."""
    return mean_difference(_floats(one - other), list(one.index))


def _interval(values: "pd.Series[float]") -> Interval:
    return interval_of_mean(_floats(values), list(values.index))


def _floats(values: "pd.Series[float]") -> Floats:
    return np.asarray(values, np.float64)


def _text(value: Interval, *, bold: bool) -> str:
    return f"**{plus_minus(value)}**" if bold else plus_minus(value)


def curves(rows: pd.DataFrame) -> bytes:
    """The values against depth as SVG, a line per method."""

    import matplotlib as mpl
    from matplotlib.figure import Figure

    from benchmark.report.figures import STYLE

    means = {(method, depth): values.mean() for method, depth, values in columns(rows)}
    methods = list(dict.fromkeys(method for method, _ in means if method != BESIDE))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 4))
        axes = figure.subplots()
        for method, look in looks(methods).items():
            axes.plot(range(len(DEPTHS)), [means[method, depth] for depth in DEPTHS], **look)
        axes.axhline(means[BESIDE, AS_IT_IS], color="#4B5563", linewidth=0.8)
        axes.set_xticks(range(len(DEPTHS)), [str(depth) for depth in DEPTHS])
        axes.set(xlabel="depth that holes are shrunk to, px", ylabel=f"{METRIC[0]} (lower is better)")
        figure.suptitle(f"Grey: {registry.METHODS[BESIDE].title}", x=0.01, ha="left", fontsize=9)
        figure.legend(loc="outside right center")
        return as_svg(figure)


def main(argv: Sequence[str] | None = None) -> int:
    """Fill, measure and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.depth", description=__doc__)
    parser.add_argument("--data", type=commandline.path, required=True, metavar="DIR", help="photographs")
    parser.add_argument("--n", type=int, default=24, metavar="N", help="how many of them (default: 24)")
    parser.add_argument("--methods", metavar="A,B", help="default: all networks that are ready")
    parser.add_argument("--out", type=commandline.path, default=Path("results/depth"), metavar="DIR")
    commandline.add_weights(parser)
    command: Callable[[argparse.Namespace], int] = _main
    parser.set_defaults(command=command)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    methods = parsed.methods.split(",") if parsed.methods else networks()
    rows = measured_depths(methods, examples(parsed.data, parsed.n))
    table = rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    cells.write(parsed.out / "depth.csv", table.encode())
    rows = rows_in(parsed.out / "depth.csv")  # as it is written, so that its pages can be written anew
    cells.write(parsed.out / "depth.md", markdown_of_depths(rows).encode())
    cells.write(parsed.out / "depth.svg", curves(rows))
    print(markdown_of_depths(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

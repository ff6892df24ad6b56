"""What detail from the surroundings does to fills that are drawn small:
`python -m benchmark.studies.detail --data DIR [--data DIR]`.

Each network draws a hole once, at the size it knows. What it drew is plainly enlarged, and it is given detail
from the surroundings; both answers are measured beside those of the exemplar method alone. `--blurs` tries
other widths of `Strategy.blur` in place of each row's own: for validation pictures.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

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
from benchmark.report.stats import Difference, interval_of_mean, mean_difference
from benchmark.studies.depth import BESIDE, METRIC, Example, networks, rows_in
from inpainters import commandline, registry
from inpainters.base import Inpainter, InpaintRequest
from inpainters.errors import InputError
from inpainters.imaging import Image, shrink, shrink_mask
from inpainters.masks import generate
from inpainters.strategy import workload

HOLE_SHARES = {"object": (0.08, 0.25), "irregular": (0.2, 0.6)}
"""Kind of holes -> the shares of a picture that are missing; a folder's photographs are spread over them."""
MOST = 512
"""Pixels of a side; larger photographs are shrunk to it."""
ENLARGED = -2.0
"""In place of a blur: no detail."""
ADDED = -1.0
"""In place of a blur: detail with that of the row."""


class HoleGroup(NamedTuple):
    """What is compared with each other alone: holes of one kind in photographs of one size."""

    size: int
    holes: str


@dataclass(frozen=True)
class Drawn:
    """What came of one drawing."""

    images: dict[float, Image]
    """Hold -> the whole picture."""
    drawn: list[tuple[Any, Image]]
    """Windows that were shrunk, each with its fill."""

    def distance(self, image: Image, one: Example) -> float:
        """Mean absolute difference, in grey levels, of a picture from what was drawn, at the size that it was
        drawn at and in the hole; NaN where no window was shrunk.
        """
        apart = [
            np.abs(
                fill.astype(float) - shrink(image[w.place], w.size, known=np.ones_like(one.mask[w.place]))
            )[shrink_mask(one.mask[w.place], w.size)]
            for w, fill in self.drawn
        ]
        return float(np.concatenate(apart).mean()) if apart else float("nan")


def examples_of_both(data: Path, count: int) -> Iterator[tuple[HoleGroup, Example]]:
    """Photographs of a folder, square, each with a hole of each kind. Raises InputError where they differ in
    size.
    """
    dataset = open_dataset("folder", data, size=MOST)
    names = list(take(dataset, count)[0])
    loaders = {picture.image_id: picture.load for picture in dataset.pictures}
    pictures = {name: loaders[name]() for name in names}
    if len(sizes := {len(picture) for picture in pictures.values()}) > 1:
        raise InputError(f"'{data.name}' has photographs of {len(sizes)} sizes; give a folder of one.")
    for kind, (low, high) in HOLE_SHARES.items():
        for i, (name, image) in enumerate(pictures.items()):
            ratio = low + (high - low) * (i + 0.5) / len(names)
            size = (image.shape[0], image.shape[1])
            yield (
                HoleGroup(len(image), kind),
                Example(name, image, generate(kind, size, seed=0, image_id=name, ratio=ratio)),
            )


class Drawing:
    """A method that draws a hole once, however often its answer is asked for."""

    def __init__(self, method: str) -> None:
        self.inpainter: Inpainter = registry.create(method, device="cpu")
        self.row, self.fills = self.inpainter.spec, list[Image]()
        draw = self.inpainter.fill_batch

        def once(pieces: Any) -> list[Image]:
            self.fills = self.fills or draw(pieces)
            return self.fills

        self.inpainter.fill_batch = once  # type: ignore[method-assign]

    def answers(self, one: Example, blurs: Sequence[float]) -> Drawn:
        """The answers to a hole, for each of `blurs`."""
        self.fills = []
        images = {blur: self._answer(one, blur) for blur in blurs}
        windows = workload(one.mask, self.row).windows
        drawn = [(w, w.unpadded(fill)) for w, fill in zip(windows, self.fills, strict=True) if w.scale < 1]
        return Drawn(images, drawn)

    def _answer(self, one: Example, blur: float) -> Image:
        strategy = replace(self.row.strategy, blur=blur) if blur >= 0 else self.row.strategy
        self.inpainter.spec = replace(self.row, strategy=strategy)
        detail = {"detail": "enlarge" if blur == ENLARGED else "surroundings"}
        return self.inpainter.run([InpaintRequest(one.image, one.mask, options=detail)])[0][0].image


def measured_details(
    methods: Sequence[str],
    given: Sequence[tuple[HoleGroup, Example]],
    blurs: Sequence[float] = (ENLARGED, ADDED),
    *,
    quiet: bool = False,
) -> pd.DataFrame:
    """One row per method, blur and hole: method, version, blur, size, holes, photograph, ratio; value, of the
    metric; distance from what was drawn, and beside, that of the exemplar method's answer.
    """
    metric: Any = create_metric(METRIC[0])
    drawings = {method: Drawing(method) for method in methods}
    versions = {name: registry.get(name).version_with_detail for name in (BESIDE, *methods)}
    names = {name: {"method": name, "version": version} for name, version in versions.items()}
    alone, rows = registry.create(BESIDE), []
    for column, one in tqdm(given, desc="detail", unit="hole", disable=True if quiet else None):
        key = {**column._asdict(), "photograph": one.name, "ratio": float(one.mask.mean())}
        other = alone.run([InpaintRequest(one.image, one.mask)])[0][0].image
        rows.append({**names[BESIDE], "blur": ENLARGED, **key, "value": _score(metric, other, one)})
        for method, drawing in drawings.items():
            found = drawing.answers(one, blurs)
            rows += [
                {
                    **names[method],
                    "blur": blur,
                    **key,
                    "value": _score(metric, image, one),
                    "distance": found.distance(image, one),
                    "beside": found.distance(other, one),
                }
                for blur, image in found.images.items()
            ]
    return pd.DataFrame(rows)


def _score(metric: Any, image: Image, one: Example) -> float:
    return float(metric.score(one.image, image, one.mask)[METRIC[1]])


# --- what they say --------------------------------------------------------------------------------


def by_group(rows: pd.DataFrame) -> Iterator[tuple[HoleGroup, pd.DataFrame]]:
    """The rows of each size and kind of holes."""
    for size, holes in rows[["size", "holes"]].drop_duplicates().itertuples(index=False):
        yield HoleGroup(int(size), str(holes)), rows[(rows["size"] == size) & (rows["holes"] == holes)]


def values(part: pd.DataFrame, method: str, blur: float, what: str = "value") -> "pd.Series[float]":
    """By photograph; `part` is of one size and kind of holes."""
    mine = part[(part["method"] == method) & (part["blur"] == blur)]
    return mine.set_index("photograph")[what].astype(float)


def gap_of(one: "pd.Series[float]", other: "pd.Series[float]") -> Difference:
    """The paired difference over the photographs of both."""
    return mean_difference(_floats(one - other), list(one.index))


def drawn_by(part: pd.DataFrame) -> list[str]:
    """The methods that were tried."""
    tried = set(part["method"])
    return [method for method in registry.METHODS if method in tried and method != BESIDE]


def markdown_of_details(rows: pd.DataFrame) -> str:
    """What was found, as a page: a table for each size and kind of holes."""
    title = registry.METHODS[BESIDE].title
    found = [
        "# Detail from the surroundings",
        f"`{METRIC[0]}` of the {METRIC[1]} picture, lower is better. A network draws a hole once, small; "
        "that is plainly *enlarged*, or given *detail* from the surroundings. Differences are paired, with "
        "their 95 % intervals; =: not told apart. *Drawn small*: in how many of the pictures the window was "
        "shrunk.",
        "*Off what was drawn*: how far the hole, shrunk again to the size that it was drawn at, lies from "
        f"what was drawn, as the mean absolute difference in grey levels of 255; beside it {title}'s own "
        "answer, which did not see what was drawn: the less of it, the more of the drawing survives.",
    ]
    for column, part in by_group(rows):
        alone = values(part, BESIDE, ENLARGED)
        low, high = HOLE_SHARES[column.holes]
        found += [
            f"## Holes of the kind `{column.holes}`, {column.size} px",
            f"{len(alone)} photographs, {low:.0%} to {high:.0%} missing. {title} has {_mean(alone)}.".replace(
                "%", " %"
            ),
            markdown_table(
                ["method", "drawn small", "enlarged", "detail", "detail less enlarged"]
                + [f"detail less {title}", "off what was drawn", f"{title}'s"],
                [_line(part, method, alone) for method in drawn_by(part)],
            ),
        ]
    return "\n\n".join([*found, METRICS[METRIC[0]].variant]) + "\n"


def _line(part: pd.DataFrame, method: str, alone: "pd.Series[float]") -> list[str]:
    plain, full = values(part, method, ENLARGED), values(part, method, ADDED)
    off, beside = (values(part, method, ADDED, what).dropna() for what in ("distance", "beside"))
    return [
        registry.METHODS[method].title,
        str(len(off)),
        _mean(plain),
        _mean(full),
        _gap(gap_of(full, plain)),
        _gap(gap_of(full, alone)),
        f"{off.mean():.1f}" if len(off) else "–",
        f"{beside.mean():.1f}" if len(off) else "–",
    ]


def markdown_of_blurs(rows: pd.DataFrame) -> str:
    """What was found for several blurs, over all columns together: a photograph counts once for each hole."""
    blurs = sorted(blur for blur in rows["blur"].unique() if blur >= 0)
    chosen = {method: registry.METHODS[method].strategy.blur for method in drawn_by(rows)}
    lines = [_blur_line(rows, [method], blurs, own) for method, own in chosen.items()]
    if len(chosen) > 1 and len(set(chosen.values())) == 1:
        lines.append(["All of them", *_blur_line(rows, list(chosen), blurs, chosen.popitem()[1])[1:]])
    head = ["method", *(f"{blur:g}" for blur in blurs), "chosen", "off what was drawn"]
    text = [
        "# How softly what was drawn is compared",
        f"`{METRIC[0]}` of the {METRIC[1]} picture, lower is better, on {rows['photograph'].nunique()} "
        "validation photographs; each network drew each hole once, and detail from the surroundings was "
        "added after what it drew was averaged over so many of its pixels (`Strategy.blur`, standard "
        "deviation). **Bold**: the smallest mean of its line; =: not told apart from the one that is "
        "chosen. *Off what was drawn*: at each blur, as in the other table.",
        markdown_table([*head, f"{registry.METHODS[BESIDE].title}'s"], lines),
        METRICS[METRIC[0]].variant,
    ]
    return "\n\n".join(text) + "\n"


def _blur_line(rows: pd.DataFrame, methods: Sequence[str], blurs: Sequence[float], own: float) -> list[str]:
    """Of the means over some methods."""
    found = rows[rows["method"].isin(methods)].groupby(["blur", "photograph"], sort=False)
    means = found[["value", "distance", "beside"]].mean()
    mine = {blur: means.xs(blur, level="blur") for blur in blurs}
    best = min(blurs, key=lambda blur: mine[blur]["value"].mean())
    chosen = mine.get(own, mine[best])["value"]
    tried = [_blur(mine[blur]["value"], chosen, best=blur == best, own=blur == own) for blur in blurs]
    off = " · ".join(f"{mine[blur]['distance'].mean():.1f}" for blur in blurs)
    title = registry.METHODS[methods[0]].title
    return [title, *tried, f"{own:g}", off, f"{mine[best]['beside'].mean():.1f}"]


def _blur(found: "pd.Series[float]", chosen: "pd.Series[float]", *, best: bool, own: bool) -> str:
    text = f"**{_mean(found)}**" if best else _mean(found)
    return text if own or gap_of(found, chosen).told_apart else f"{text} ="


def _mean(found: "pd.Series[float]") -> str:
    return number(interval_of_mean(_floats(found), list(found.index)).mean)


def _gap(found: Difference) -> str:
    end = "" if found.told_apart else " ="
    return f"{'+' if found.value.mean > 0 else ''}{plus_minus(found.value)}{end}"


def _floats(found: "pd.Series[float]") -> Floats:
    return np.asarray(found, np.float64)


def differences(rows: pd.DataFrame) -> bytes:
    """Each method less the exemplar method, with and without detail, as SVG: a panel for each column."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from benchmark.report.figures import STYLE

    every = list(by_group(rows))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 0.5 + 2.6 * ((len(every) + 1) // 2)))
        panels = figure.subplots((len(every) + 1) // 2, 2, squeeze=False, sharey=True).ravel()
        for axes, (column, part) in zip(panels, every, strict=False):
            _panel(axes, column, part)
        for axes in panels[len(every) :]:
            axes.set_visible(False)
        figure.supxlabel(
            f"{METRIC[0]} less {registry.METHODS[BESIDE].title}'s, 95 % intervals: left of the line is "
            "better. Hollow: enlarged; full: with detail.",
            fontsize=8,
        )
        return as_svg(figure)


def _panel(axes: Any, column: HoleGroup, part: pd.DataFrame) -> None:
    methods, alone = drawn_by(part), values(part, BESIDE, ENLARGED)
    for place, (method, look) in enumerate(looks(methods).items()):
        for blur, face in ((ENLARGED, "white"), (ADDED, look["color"])):
            gap = gap_of(values(part, method, blur), alone).value
            reaches = [[gap.mean - gap.low], [gap.high - gap.mean]]
            style = {"color": look["color"], "markerfacecolor": face, "markersize": 4}
            axes.errorbar(gap.mean, place, xerr=reaches, fmt="o", linewidth=0.9, **style)
    axes.axvline(0, color="#4B5563", linewidth=0.8)
    axes.set_yticks(range(len(methods)), [registry.METHODS[method].title for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_title(f"{column.holes}, {column.size} px", fontsize=9)
    axes.locator_params(axis="x", nbins=5)


def main(argv: Sequence[str] | None = None) -> int:
    """Fill, measure and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.detail", description=__doc__)
    parser.add_argument(
        "--data",
        type=commandline.path,
        action="append",
        metavar="DIR",
        help="photographs of one size; several times for several sizes; without it the pages alone are "
        "written anew",
    )
    parser.add_argument("--n", type=int, default=16, metavar="N", help="how many of each (default: 16)")
    parser.add_argument(
        "--methods",
        metavar="A,B",
        help="default: all networks that are ready; rows of others stay, on the same holes by their present "
        "versions",
    )
    parser.add_argument(
        "--blurs", type=_blurs, metavar="X,Y", help="blurs of what was drawn to try, in pixels of it"
    )
    parser.add_argument("--out", type=commandline.path, default=Path("results/detail"), metavar="DIR")
    commandline.add_weights(parser)
    parser.set_defaults(command=_main)
    return commandline.run_command(parser, argv)


def _blurs(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [math.nan]
    if not all(0 <= blur < math.inf for blur in found):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not numbers of pixels, such as 0,1,2")
    return found


def _main(parsed: argparse.Namespace) -> int:
    if parsed.data:
        _measure(parsed)
    write_pages(parsed.out)
    return 0


def _measure(parsed: argparse.Namespace) -> None:
    methods = parsed.methods.split(",") if parsed.methods else networks()
    given = [example for folder in parsed.data for example in examples_of_both(folder, parsed.n)]
    if parsed.blurs:
        given = [(group, one) for group, one in given if group.holes == "object"]
        rows = measured_details(methods, given, [ENLARGED, *parsed.blurs])
    else:
        rows = measured_details(methods, given)
    file = parsed.out / ("blurs.csv" if parsed.blurs else "detail.csv")
    rows = with_others(rows, rows_in(file)) if file.exists() else rows
    cells.write(file, rows.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())


def with_others(rows: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """The rows, and those of other methods that were measured before on the same holes, by the versions that
    the table has now; says of which methods they are dropped.
    """
    holes = [set(map(tuple, one[["size", "holes", "photograph"]].to_numpy())) for one in (rows, before)]
    others = before[~before["method"].isin(rows["method"])]
    now = others["method"].map({name: registry.get(name).version_with_detail for name in registry.METHODS})
    versions = others["version"] if "version" in others else pd.Series("", others.index)
    kept = versions.eq(now) & (holes[0] == holes[1])
    if dropped := ",".join(others.loc[~kept, "method"].unique()):
        commandline.say(
            f"Rows of {dropped} are dropped, as they are of another version or of other holes: measure them "
            f"with --methods {dropped}."
        )
    return pd.concat([others[kept], rows], ignore_index=True) if kept.any() else rows


def write_pages(folder: Path) -> None:
    """Write the pages of what was measured, from its rows alone."""
    if (found := folder / "detail.csv").exists():
        rows = rows_in(found)
        cells.write(folder / "detail.md", markdown_of_details(rows).encode())
        cells.write(folder / "detail.svg", differences(rows))
    if (found := folder / "blurs.csv").exists():
        cells.write(folder / "blurs.md", markdown_of_blurs(pd.read_csv(found)).encode())


if __name__ == "__main__":
    sys.exit(main())

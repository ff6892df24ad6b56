"""Figures that papers print, beside ours: `python -m benchmark papers DIR`. The honest answer is nearly
always that the two do not compare, and why: other pictures, masks, weights or another program that
measures.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark import results
from benchmark.inputs.masksets import FIXED
from benchmark.metrics import METRICS, MetricSpec, unavailable
from benchmark.report.digits import plus_minus
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import Interval
from benchmark.report.summary import named, summarise
from benchmark.results import ALL_BINS, Results
from inpainters.registry import METHODS
from inpainters.weights.table import WEIGHTS

PRINTED = Path(__file__).parent / "inputs" / "published.csv"
MASKS_HERE = {
    "narrow": "thin_natural",
    "wide": "thick_natural",
    "half": "half",
    "expand": "expand",
    "free-form": "brush_natural",
    "square": "box_center_natural",
}
"""What a paper calls its masks -> the mask set that is drawn likewise."""
BINNED_HERE = ("irregular", "irregular_border", "irregular_free")
"""The mask sets that have a bin for a ratio such as 10-20%."""
METHODS_HERE = {
    "lama": "lama",
    "lama_fourier_27M": "lama",
    "lama_big": "big_lama",
    "mat_8M_images": "mat",
    "deepfill_v1": "contextual_attention",
    "deepfill_v2": "gated_conv",
    "deepfill_v2_4M": "gated_conv",
    "pconv": "partial_conv",
    "repaint": "repaint",
    "latent_diffusion": "latent_diffusion",
    "sd_inpainting_1_5": "sd15",
}
"""A method's name in the table -> its row here; others are not here."""
MEASURED_LIKEWISE = {
    "LaMa (Suvorov 2022)": {"fid": "fid_inception_pytorch", "lpips": "lpips_vgg"},
    "RePaint (Lugmayr 2022)": {"lpips_alex": "lpips_alex"},
    "MAT README": {"fid": "fid_inception_legacy"},
    # It follows LaMa's protocol and prints LaMa's own figures beside its own.
    "runwayml SD-inpainting README": {"fid": "fid_inception_pytorch", "lpips": "lpips_vgg"},
    "mmagic model zoo": {"psnr": "psnr"},
    "AOT-GAN (paper row in mmagic)": {"psnr": "psnr"},
}
"""Source -> its name of a metric -> the metric here that is computed likewise, of whole pictures."""


@dataclass(frozen=True)
class Printed:
    """A figure that somebody printed."""

    source: str
    table: str
    dataset: str
    """Name of the test set; or "any"."""
    n: int
    """Pictures that it rests on; 0 where that is not stated."""
    resolution: str
    """Side of the pictures in pixels; or "any"."""
    masks: str
    method: str
    metric: str
    value: float
    note: str

    @property
    def metric_here(self) -> str:
        """The metric that is computed likewise here; empty where there is none."""
        return MEASURED_LIKEWISE.get(self.source, {}).get(self.metric, "")

    @property
    def mask_sets_here(self) -> tuple[str, ...]:
        """The mask sets that are drawn likewise; none where there is no such one."""
        if self.masks.endswith("%"):
            return BINNED_HERE
        return (MASKS_HERE[self.masks],) if self.masks in MASKS_HERE else ()

    @property
    def bin_here(self) -> str:
        """The bin of these mask sets."""
        return self.masks.rstrip("%") if self.masks.endswith("%") else ALL_BINS


def printed() -> list[Printed]:
    """All figures of the table."""
    with PRINTED.open(newline="", encoding="utf-8") as file:
        return [_read(row) for row in csv.DictReader(file)]


def _read(row: dict[str, str]) -> Printed:
    numbers = {"n": int(row["n"] or 0), "value": float(row["value"])}
    return Printed(**{**row, **numbers})  # type: ignore[arg-type]


@dataclass(frozen=True)
class BesidePrinted:
    """A printed figure and ours."""

    printed: Printed
    mask_set: str
    """Whose holes ours is of; empty where the folder has none that are drawn likewise."""
    ours: Interval | None
    because: tuple[str, ...]
    """Why the two do not compare; empty where they do."""


def beside(folder: Results) -> Iterator[BesidePrinted]:
    """Every printed figure, once for each mask set of the folder that is drawn likewise, and once where it
    has no such one.
    """
    parts = {name: part for part in folder.parts() for name in part.mask_sets}
    for one in printed():
        for name in [name for name in one.mask_sets_here if name in parts] or [""]:
            part = parts.get(name, folder)
            region, ours = _ours(part, one) if name else ("whole", None)
            yield BesidePrinted(one, name, ours, tuple(_because(part, one, name, region, ours)))


def _ours(part: Results, one: Printed) -> tuple[str, Interval | None]:
    """Our figure and its region, the whole picture where it was measured."""
    key = METHODS_HERE.get(one.method, ""), one.bin_here
    for region in ("whole", "hole"):
        if (one.metric_here, region) in part.measured:
            found = summarise(part, one.metric_here, region).get(key)
            if found is not None and not found.reason:
                return region, found.value
    return "whole", None


def _because(part: Results, one: Printed, mask_set: str, region: str, ours: Interval | None) -> Iterator[str]:
    """The fields in which a printed figure and ours differ."""
    yield from _metric(one)
    yield from _weights(one)
    yield from _pictures(part, one, ours)
    yield from _masks(one, mask_set)
    if ours is not None:
        yield from _figure(METRICS[one.metric_here], region, ours)
    elif one.metric_here and one.method in METHODS_HERE and (mask_set or one.masks == "any"):
        how = f" with --also {one.metric_here}" if METRICS[one.metric_here].on_request else ""
        yield f"figure: {(unavailable(one.metric_here) or f'not run, or not scored{how}').rstrip('.')}"


def _metric(one: Printed) -> Iterator[str]:
    if not one.metric_here:
        yield f"metric: {one.metric} there, none here is computed likewise"


def _weights(one: Printed) -> Iterator[str]:
    if one.method not in METHODS_HERE:
        yield "method: not here"
    elif own := [w for w in METHODS[METHODS_HERE[one.method]].weights if WEIGHTS[w].bundled]:
        yield f"weights: the authors' there, `{own[0]}` trained by this project here"


def _pictures(part: Results, one: Printed, ours: Interval | None) -> Iterator[str]:
    dataset = part.manifest.meaning.dataset
    here = len(dataset.images) if ours is None else ours.photographs
    if one.dataset != "any" and (one.dataset, one.n) != (dataset.name, here):
        there = f"{one.n:,} of {one.dataset}" if one.n else f"{one.dataset} (n not stated)"
        yield f"pictures: {there} there, {here:,} of {dataset.name} here"
    if one.resolution != "any" and one.resolution not in dataset.recipe.split():
        yield f"size: {one.resolution} px there, {dataset.recipe} here"


def _masks(one: Printed, mask_set: str) -> Iterator[str]:
    if not mask_set and one.masks != "any":
        yield f"masks: {one.masks} there, none here"
    elif mask_set and mask_set not in (*FIXED, "box_center_natural"):
        yield "masks: the paper's own there, drawn anew here"


def _figure(spec: MetricSpec, region: str, ours: Interval) -> Iterator[str]:
    if region != "whole":
        yield f"region: whole picture there, {region} here"
    if ours.photographs < spec.fair_n:
        yield f"n: {ours.photographs} here, biased under {spec.fair_n:,}"


def papers_markdown(folder: Path) -> str:
    """What papers print beside a folder's figures; raises InputError where it is no results folder."""
    pairs = list(beside(results.load(folder)))
    parts = [f"# Papers beside {folder.name}"]
    parts.append(
        "All figures of whole pictures that papers and model pages print and this project knows of, and ours "
        "where the holes are drawn in the same way. A column says why the two do not compare: read the order "
        "of methods in it, if anything, and never the difference."
    )
    for source in dict.fromkeys(pair.printed.source for pair in pairs):
        own = [pair for pair in pairs if pair.printed.source == source]
        shared = [why for why in own[0].because if all(why in pair.because for pair in own)]
        parts += [f"## {source}, {own[0].printed.table}", _table_of(own, shared)]
        parts += [f"Not comparable in any line, because: {'; '.join(shared)}."] if shared else []
    return "\n\n".join(parts) + "\n"


def _table_of(pairs: Sequence[BesidePrinted], shared: Sequence[str]) -> str:
    head = ["method there", "masks there", "metric", "printed"]
    head += ["method here", "masks here", "here", "not comparable, because"]
    return markdown_table(head, [_line(pair, shared) for pair in pairs])


def _line(pair: BesidePrinted, shared: Sequence[str]) -> list[str]:
    """`shared`: what is said of all lines together."""
    one, ours = pair.printed, pair.ours
    here = METHODS_HERE.get(one.method, "")
    return [
        one.method,
        f"{one.masks}, {one.dataset}",
        f"`{one.metric_here}`" if one.metric_here else one.metric,
        f"{one.value:g}",
        named(here) if here else "–",
        f"`{pair.mask_set}`" if pair.mask_set else "–",
        "–" if ours is None else f"{plus_minus(ours)} (n={ours.photographs})",
        "; ".join(why for why in pair.because if why not in shared)
        or ("see below" if shared else "comparable"),
    ]

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
from benchmark.metrics import METRICS, unavailable
from benchmark.report.digits import plus_minus
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import Interval
from benchmark.report.summary import named, summarise
from benchmark.results import ALL_BINS, Results
from inpainters.errors import InputError
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
"""What a paper calls its masks -> the mask set that is drawn likewise. A ratio such as 10-20% is a bin of
`irregular`.
"""
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
    "LaMa (Suvorov 2022)": {"fid": "fid_inception_legacy", "lpips": "lpips_vgg"},
    "RePaint (Lugmayr 2022)": {"lpips_alex": "lpips_alex"},
    "MAT README": {"fid": "fid_inception_legacy"},
    "runwayml SD-inpainting README": {"fid": "fid_inception_legacy", "lpips": "lpips_vgg"},
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
    def column_here(self) -> tuple[str, str]:
        """(mask set, bin) drawn likewise; empty texts where there is none."""
        if self.masks.endswith("%"):
            return "irregular", self.masks.rstrip("%")
        return MASKS_HERE.get(self.masks, ""), ALL_BINS


def printed() -> list[Printed]:
    """All figures of the table."""
    with PRINTED.open(newline="", encoding="utf-8") as file:
        return [Printed(**{**row, "value": float(row["value"])}) for row in csv.DictReader(file)]  # type: ignore[arg-type]


@dataclass(frozen=True)
class BesidePrinted:
    """A printed figure and ours."""

    printed: Printed
    ours: Interval | None
    because: tuple[str, ...]
    """Why the two do not compare; empty where they do."""


def beside(folder: Results) -> Iterator[BesidePrinted]:
    """The printed figures for which the folder has holes of that kind."""
    parts = {name: part for part in folder.parts() for name in part.mask_sets}
    for one in printed():
        mask_set, label = one.column_here
        if one.metric_here and mask_set in parts:
            part = parts[mask_set]
            ours = _ours(part, one, label)
            yield BesidePrinted(one, ours, tuple(_because(part, one, ours)))


def _ours(part: Results, one: Printed, label: str) -> Interval | None:
    found = summarise(part, one.metric_here, "whole").get((METHODS_HERE.get(one.method, ""), label))
    return None if found is None or found.reason else found.value


def _because(part: Results, one: Printed, ours: Interval | None) -> Iterator[str]:
    """The fields in which a printed figure and ours differ."""
    ours_here = METHODS_HERE.get(one.method, "")
    if not ours_here:
        yield "method: not here"
    elif ours is None:
        reason = unavailable(one.metric_here) or "not run, or not scored"
        yield f"figure: {reason.rstrip('.')}"
    elif loaded := [w for w in METHODS[ours_here].weights if not WEIGHTS[w].repository]:
        yield f"weights: the authors' there, `{loaded[0]}` trained by this project here"
    dataset, pictures = part.manifest.meaning.dataset, len(part.manifest.meaning.dataset.images)
    if one.dataset not in ("any", dataset.name):
        yield f"pictures: {one.dataset} there, {pictures} of {dataset.name} here"
    if one.resolution != "any" and f"{one.resolution}" not in dataset.recipe:
        yield f"size: {one.resolution} px there, {dataset.recipe} here"
    if one.column_here[0] not in (*FIXED, "box_center_natural"):
        yield "masks: the paper's own there, drawn anew here"
    spec = METRICS[one.metric_here]
    if ours is not None and ours.photographs < spec.fair_n:
        yield f"n: {ours.photographs} here, biased under {spec.fair_n:,}"


def papers_markdown(folder: Path) -> str:
    """What papers print beside a folder's figures; raises InputError where it has no holes of their kinds."""
    pairs = list(beside(results.load(folder)))
    if not pairs:
        kinds = ", ".join(sorted({*MASKS_HERE.values(), "irregular"}))
        raise InputError(f"'{folder.name}' has no holes of a kind that these papers print: {kinds}.")
    parts = [f"# Papers beside {folder.name}"]
    parts.append(
        "Figures that papers and model pages print, and ours where the holes are drawn in the same way. All "
        "are of whole pictures. A column says why the two do not compare: read the order of methods in it, "
        "if anything, and never the difference."
    )
    for source in dict.fromkeys(pair.printed.source for pair in pairs):
        own = [pair for pair in pairs if pair.printed.source == source]
        shared = [why for why in own[0].because if all(why in pair.because for pair in own)]
        parts += [f"## {source}, {own[0].printed.table}", _table_of(own, shared)]
        parts += [f"Not comparable in any line, because: {'; '.join(shared)}."] if shared else []
    return "\n\n".join(parts) + "\n"


def _table_of(pairs: Sequence[BesidePrinted], shared: Sequence[str]) -> str:
    head = ["method there", "masks", "metric", "printed", "method here", "here", "not comparable, because"]
    return markdown_table(head, [_line(pair, shared) for pair in pairs])


def _line(pair: BesidePrinted, shared: Sequence[str]) -> list[str]:
    """`shared`: what is said of all lines together."""
    one, ours = pair.printed, pair.ours
    here = METHODS_HERE.get(one.method, "")
    return [
        one.method,
        f"{one.masks}, {one.dataset}",
        f"`{one.metric_here}`",
        f"{one.value:g}",
        named(here) if here else "–",
        "–" if ours is None else f"{plus_minus(ours)} (n={ours.photographs})",
        "; ".join(why for why in pair.because if why not in shared)
        or ("see below" if shared else "comparable"),
    ]

"""The table of all metrics. Reading it imports neither torch nor any metric."""

import importlib
import math
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any, Literal

from benchmark.metrics import printed_rows, set_rows
from benchmark.metrics.base import TORCH, Features, ImageMetric, MetricSpec, SetMetric
from benchmark.metrics.regions import BAND, REGIONS
from inpainters.errors import UnavailableError, unknown

__all__ = [
    "BAND",
    "METRICS",
    "NETWORKS",
    "REGIONS",
    "Features",
    "ImageMetric",
    "MetricSpec",
    "SetMetric",
    "as_in_tables",
    "bias_note",
    "create",
    "get",
    "means_note",
    "reason",
    "told",
    "unavailable",
]

NETWORKS = {"squeezenet": "SqueezeNet", "vgg16": "VGG16", "alexnet": "AlexNet"}
"""`MetricSpec.network` and `MethodSpec.trained_with` -> a network's name for people."""
_LPIPS = {
    "alex": ("AlexNet", "conv1 to conv5", "alexnet"),
    "vgg": ("VGG16", "conv1_2 to conv5_3", "vgg16"),
    "squeeze": ("SqueezeNet 1.1", "conv1 to fire9", "squeezenet"),
}
_BAND = f" Band: missing pixels within {BAND} pixels of a known one."
_PIP = {"stlpips_pytorch": "stlpips_pytorch==0.0.2"}
"""Importable name of a package -> what pip is told, where that is another name or a version."""


def _lpips(net: str) -> MetricSpec:
    backbone, layers, network = _LPIPS[net]
    return MetricSpec(
        name=f"lpips_{net}",
        title=f"LPIPS ({backbone})",
        kind="image",
        regions=REGIONS,
        better="lower",
        unit="",
        variant=f"LPIPS 0.1 of the lpips package, {backbone} {layers}, inputs in [-1, 1] at their own size; "
        f"hole and band are means of the spatial map (each layer upsampled bilinearly).{_BAND}",
        weights=f"lpips_{net}",
        target=f"benchmark.metrics.lpips:{net}",
        requires=(*TORCH, "lpips"),
        network=network,
    )


def _unlearned(
    name: str, title: str, better: Literal["lower", "higher"], variant: str, precision: str = "float64"
) -> MetricSpec:
    return MetricSpec(
        name=name,
        title=title,
        kind="image",
        regions=("whole",),
        better=better,
        unit="",
        variant=f"{variant}; piq on RGB in [0, 1] in {precision}, one value of the whole picture.",
        weights=None,
        target=f"benchmark.metrics.unlearned:{name}",
        requires=(*TORCH, "piq"),
    )


def _diversity(net: str) -> MetricSpec:
    return MetricSpec(
        name=f"diversity_lpips_{net}",
        title=f"Diversity (LPIPS, {_LPIPS[net][0]})",
        kind="answers",
        regions=("hole",),
        better="higher",
        unit="",
        variant=f"Mean over all pairs of one method's answers to a hole of lpips_{net} between the two, in "
        "the hole.",
        weights=f"lpips_{net}",
        target=f"benchmark.metrics.diversity:{net}",
        requires=(*TORCH, "lpips"),
    )


_SPECS = (
    MetricSpec(
        name="psnr",
        title="PSNR",
        kind="image",
        regions=REGIONS,
        better="higher",
        unit="dB",
        variant="10 log10(255² / MSE) on 8-bit sRGB, MSE over the region's pixels and its 3 channels; per "
        "picture, then averaged." + _BAND,
        highest=60.0,
        weights=None,
        target="benchmark.metrics.psnr:Psnr",
    ),
    MetricSpec(
        name="ssim",
        title="SSIM",
        kind="image",
        regions=REGIONS,
        better="higher",
        unit="",
        variant="Wang 2004: Gaussian window 11x11, sigma 1.5, K1 0.01, K2 0.03, range 255, mean over RGB; "
        "whole leaves out the outer 5 pixels, hole and band are means of the map." + _BAND,
        weights=None,
        target="benchmark.metrics.ssim:Ssim",
    ),
    MetricSpec(
        name="l1",
        title="L1",
        kind="image",
        regions=REGIONS,
        better="lower",
        unit="",
        variant="Mean absolute difference of 8-bit sRGB values divided by 255, over the region's pixels and "
        "its 3 channels." + _BAND,
        weights=None,
        target="benchmark.metrics.l1:L1",
    ),
    MetricSpec(
        name="seam",
        title="Seam",
        kind="image",
        regions=("band",),
        better="lower",
        unit="",
        variant="|step of the output - step of the original|, a step being the mean absolute difference of "
        "8-bit sRGB values divided by 255 between neighbours (left-right and up-down) of which one is "
        "missing and one known: a step too many counts as one too few.",
        weights=None,
        target="benchmark.metrics.seam:Seam",
    ),
    _unlearned(
        "haarpsi",
        "HaarPSI",
        "higher",
        "Reisenhofer 2018: Haar wavelets of YIQ at 3 scales after halving, c 30, alpha 4.2",
    ),
    _unlearned(
        "gmsd",
        "GMSD",
        "lower",
        "Xue 2014: deviation of the similarity of Prewitt gradients of Y (of YIQ) after halving, constant "
        "170 / 255²",
    ),
    _unlearned(
        "mdsi",
        "MDSI",
        "lower",
        "Nafchi 2016: gradients and chromaticity (L, H, M) at about 256 pixels of the shorter side, summed "
        "with alpha 0.6, c1 140, c2 55, c3 550, q and o 1/4, rho 1",
    ),
    _unlearned(
        "ms_ssim",
        "MS-SSIM",
        "higher",
        "Wang 2003: 5 scales with weights 0.0448, 0.2856, 0.3001, 0.2363 and 0.1333, Gaussian window 11x11, "
        "sigma 1.5, K1 0.01, K2 0.03, mean over RGB, pictures of at least 161 pixels a side",
        precision="float32",
    ),
    *printed_rows.OF_WHOLE_PICTURES,
    *printed_rows.BRUSHBENCH,
    *(_lpips(net) for net in _LPIPS),
    MetricSpec(
        name="st_lpips_alex",
        title="ST-LPIPS (AlexNet)",
        kind="image",
        regions=REGIONS,
        better="lower",
        unit="",
        variant="Shift-tolerant LPIPS (Ghildyal and Liu 2022), AlexNet with stride 1 and blurred halvings, "
        "the weights of stlpips_pytorch 0.0.2 (sha256 b356b382), which no method here was trained with; "
        "inputs in [-1, 1] at their own size; hole and band are means of the spatial map, as for LPIPS."
        + _BAND,
        weights=None,
        target="benchmark.metrics.st_lpips:alex",
        requires=(*TORCH, "lpips", "stlpips_pytorch"),
    ),
    *set_rows.ON_INCEPTION,
    *printed_rows.DISCERNIBLE,
    *set_rows.ON_SQUEEZENET,
    *(_diversity(net) for net in _LPIPS),
)

METRICS: dict[str, MetricSpec] = {spec.name: spec for spec in _SPECS}


def as_in_tables(columns: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Metrics with their regions as tables have them: in the order of METRICS, unknown ones last."""
    order = [(spec.name, region) for spec in METRICS.values() for region in spec.regions]
    return sorted(columns, key=lambda one: (order.index(one) if one in order else len(order), one))


def get(name: str) -> MetricSpec:
    """The row of `name`; raises InputError with a suggestion where there is none."""
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return METRICS[name]


def unavailable(name: str) -> str | None:
    """Why the metric cannot be computed here and what mends it, in one sentence; None where it can."""
    from inpainters.weights.files import missing_weights

    spec = get(name)
    absent = [package for package in spec.requires if find_spec(package) is None]
    if absent:
        package = _PIP.get(absent[0], absent[0].replace("_", "-"))
        return f"{spec.title} needs the package '{package}': run `pip install {package}`."
    if spec.weights and missing_weights(spec.weights):
        return f"{spec.title} needs weights '{spec.weights}': run `python -m benchmark fetch {spec.weights}`."
    return None


def create(name: str, device: str = "cpu") -> Any:
    """Return the metric `name` with its weights in memory: an ImageMetric, a SetMetric, or of the kind
    `answers` what has `score_answers` (`benchmark.metrics.diversity`).

    Raises InputError for an unknown name, UnavailableError with what mends it.
    """
    spec = get(name)
    if sentence := unavailable(name):
        raise UnavailableError(sentence)
    module, _, attribute = spec.target.partition(":")
    return getattr(importlib.import_module(module), attribute)(device)


def reason(name: str, region: str, value: float) -> str | None:
    """Why `value` is no number, in one or two sentences; None where it is finite."""
    if math.isfinite(value):
        return None
    place = {
        "whole": "The picture",
        "hole": "The hole",
        "band": "The band along the hole's edge",
        "known": "What is known",
    }[region]
    if math.isnan(value):
        return f"{place} has no pixels here, so {get(name).title} is undefined."
    spec = get(name)
    return f"{place} equals the original exactly, so {spec.title} is infinite. {means_note(spec)}".strip()


def told(spec: MetricSpec) -> str:
    """What pins a metric's values, and what means take of them, for people."""
    return f"{spec.variant} {means_note(spec)}".rstrip()


def bias_note(spec: MetricSpec) -> str:
    """What slanted values of a set metric are, in one sentence: over fewer photographs than `fair_n`."""
    return (
        f"Slanted values rest on fewer than {spec.fair_n:,} photographs and are biased "
        f"{'upwards' if spec.better == 'lower' else 'downwards'}: "
        "compare them only at equal n, and read the kernel distance beside them."
    )


def means_note(spec: MetricSpec) -> str:
    """What means take for values that are too large for them, in one sentence; empty where none is."""
    if math.isinf(spec.highest):
        return ""
    return f"Means take at most {spec.highest:g} {spec.unit} for a picture, and that for an exact fill."

"""The table of all metrics. Reading it imports neither torch nor any metric."""

import importlib
import math
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal

from benchmark.metrics.base import Features, ImageMetric, MetricSpec, SetMetric
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
_TORCH = ("torch", "torchvision")
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
        requires=(*_TORCH, "lpips"),
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
        requires=(*_TORCH, "piq"),
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
        requires=(*_TORCH, "lpips"),
    )


@dataclass(frozen=True)
class _Distance:
    """How two sets of features are compared."""

    name: str
    """In front of the features' name."""
    module: str
    formula: str
    estimator: str = ""
    """Behind the features' name, where there are several."""
    pseudo_values: bool = False
    fair_n: int = 0


@dataclass(frozen=True)
class _Features:
    """What a set of pictures is compared by."""

    name: str
    title: str
    variant: str
    weights: str
    requires: tuple[str, ...] = ()
    network: str = ""


_FRECHET = _Distance(
    "fd",
    "frechet",
    "Fréchet distance of two Gaussians (Heusel 2017), covariances over n - 1, in float64: from the singular "
    "values of the features' products where pictures are no more than features, else by "
    "torchmetrics; biased under 2,048 pictures",
    fair_n=2048,
)
_KERNEL = _Distance(
    "kd",
    "kernel",
    "MMD² with the kernel (x·y / d + 1)³ of Bińkowski 2018, as the U-statistic of Gretton 2012, equation 4, "
    "over all pictures of a bin at once, in float64: no original is compared with its own fill, so that a "
    "perfect fill scores 0 and no n is favoured; a picture's own value is what it adds (jackknife)",
    estimator="_u",
    pseudo_values=True,
)
_SQUEEZE = _Features(
    "squeeze",
    "SqueezeNet",
    "the 512 channels of SqueezeNet 1.1's last feature map (fire9, after its ReLU), averaged over the map; "
    "PIL bicubic with antialias to 224x224 per channel in float, clipped, ImageNet mean and deviation",
    "lpips_squeeze",
    network="squeezenet",
)


def _inception(name: str, title: str, resize: str) -> _Features:
    pooled = "the 2048 pooled features of the 2015 Inception v3 of the FID paper, as in torch-fidelity"
    return _Features(f"inception_{name}", title, f"{pooled}; {resize}", "inception", ("torch_fidelity",))


_INCEPTION = (
    _inception(
        "tm",
        "torchmetrics",
        "torchmetrics' default (antialias=True): bilinear with antialias to 299x299",
    ),
    _inception(
        "legacy",
        "legacy resize",
        "torchmetrics with antialias=False: bilinear to 299x299 as TensorFlow 1 did it, aliased",
    ),
    _inception(
        "clean",
        "clean resize",
        "PIL bicubic with antialias to 299x299 per channel in float, clipped to 0..255, not rounded "
        "(Parmar 2022)",
    ),
)


def _set(title: str, distance: _Distance, features: _Features) -> MetricSpec:
    return MetricSpec(
        name=f"{distance.name}_{features.name}{distance.estimator}",
        title=f"{title} ({features.title})",
        kind="set",
        regions=("whole",),
        better="lower",
        unit="",
        variant=f"{distance.formula}; {features.variant}.",
        weights=features.weights,
        target=f"benchmark.metrics.{distance.module}:{features.name}",
        requires=(*_TORCH, "torchmetrics", *features.requires),
        network=features.network,
        fair_n=distance.fair_n,
        pseudo_values=distance.pseudo_values,
    )


_AS_PRINTED: tuple[tuple[str, str, Literal["lower", "higher"], str], ...] = (
    (
        "ssim_lama",
        "SSIM (LaMa's)",
        "higher",
        "As LaMa's evaluator (Suvorov 2022): the window and constants of `ssim`, black beyond "
        "the border, mean "
        "over all pixels",
    ),
    (
        "ssim_pennet",
        "SSIM (PEN-Net's)",
        "higher",
        "As PEN-Net's evaluator (Zeng 2019), which is scikit-image's: uniform window 51x51, "
        "sample covariance, mean "
        "over RGB",
    ),
    (
        "l1_pennet",
        "L1 (PEN-Net's)",
        "lower",
        "As PEN-Net's evaluator (Zeng 2019): the sum of absolute differences over the sum of both pictures' "
        "values",
    ),
)
_BRUSH: tuple[tuple[str, str, Literal["lower", "higher"], str, str | None, str], ...] = (
    (
        "psnr",
        "PSNR",
        "higher",
        "-10 log10 of `mse_brushbench`, 1000 where that is under 1e-10",
        None,
        "dB",
    ),
    (
        "mse",
        "MSE",
        "lower",
        "squared differences of the three channels, in [0, 1], summed over the known pixels and divided by "
        "their number",
        None,
        "",
    ),
    (
        "lpips",
        "LPIPS",
        "lower",
        "LPIPS (SqueezeNet) of both pictures, black in the hole",
        "lpips_squeeze",
        "",
    ),
)
_BRUSHBENCH = tuple(
    MetricSpec(
        name=f"{name}_brushbench",
        title=f"{title} (BrushBench's)",
        kind="image",
        regions=("known",),
        better=better,
        unit=unit,
        variant="As BrushBench's evaluator (Ju 2024), of the known pixels as a method left them: "
        f"{variant}; at 512x512 (bicubic).",
        weights=weights,
        target=f"benchmark.metrics.brushbench:{name}",
        requires=(*_TORCH, "lpips") if weights else (),
        network="squeezenet" if weights else "",
        again=name if name == "psnr" else "",
        as_it_came=True,
    )
    for name, title, better, variant, weights, unit in _BRUSH
)
_DISCERNIBLE = tuple(
    MetricSpec(
        name=f"{short}_inception_legacy",
        title=f"{short[0].upper()}-IDS (legacy resize)",
        kind="set",
        regions=("whole",),
        better="higher",
        unit="",
        variant=f"As MAT's evaluator (Li 2022): {variant}, by a linear support vector machine of squared "
        f"hinge loss (weight 1) on {_INCEPTION[1].variant}.",
        weights="inception",
        target=f"benchmark.metrics.discernible:{short}_legacy",
        requires=(*_TORCH, "torchmetrics", "torch_fidelity"),
        fair_n=20_480,
    )
    for short, variant in (
        ("uids", "the share of originals and fills that are taken for the other"),
        ("pids", "the share of fills that are taken for originals rather than their own original is"),
    )
)
_EVALUATORS = tuple(
    MetricSpec(
        name=name,
        title=title,
        kind="image",
        regions=("whole",),
        better=better,
        unit="",
        variant=f"{variant}, of the whole picture.",
        weights=None,
        target=f"benchmark.metrics.evaluators:{name}",
        again=name.partition("_")[0],
    )
    for name, title, better, variant in _AS_PRINTED
)
"""Figures as the evaluation programs of papers compute them."""

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
    *_EVALUATORS,
    *_BRUSHBENCH,
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
        requires=(*_TORCH, "lpips", "stlpips_pytorch"),
    ),
    *(_set("FID", replace(_FRECHET, name="fid"), features) for features in _INCEPTION),
    *(_set("KID", replace(_KERNEL, name="kid"), features) for features in _INCEPTION),
    *_DISCERNIBLE,
    _set("FD", _FRECHET, _SQUEEZE),
    _set("KD", _KERNEL, _SQUEEZE),
    *(_diversity(net) for net in _LPIPS),
)

METRICS: dict[str, MetricSpec] = {spec.name: spec for spec in _SPECS}


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
    """Return the metric `name` with its weights in memory: an ImageMetric or a SetMetric, as its `kind` says.

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


def means_note(spec: MetricSpec) -> str:
    """What means take for values that are too large for them, in one sentence; empty where none is."""
    if math.isinf(spec.highest):
        return ""
    return f"Means take at most {spec.highest:g} {spec.unit} for a picture, and that for an exact fill."

"""The table of all metrics. Reading it imports neither torch nor any metric."""

import importlib
import math
from importlib.util import find_spec
from typing import Any

from benchmark.metrics.base import Features, ImageMetric, MetricSpec, SetMetric
from benchmark.metrics.regions import BAND, REGIONS
from inpainters.errors import UnavailableError, unknown

__all__ = [
    "BAND",
    "METRICS",
    "REGIONS",
    "Features",
    "ImageMetric",
    "MetricSpec",
    "SetMetric",
    "create",
    "get",
    "reason",
    "unavailable",
]

_LPIPS = {
    "alex": ("AlexNet", "conv1 to conv5"),
    "vgg": ("VGG16", "conv1_2 to conv5_3"),
    "squeeze": ("SqueezeNet 1.1", "conv1 to fire9"),
}
_KINDS = {"tm": "torchmetrics", "legacy": "legacy resize", "clean": "clean resize"}
_RESIZE = {
    "tm": "torchmetrics' default (antialias=True): bilinear with antialias to 299x299",
    "legacy": "torchmetrics with antialias=False: bilinear to 299x299 as TensorFlow 1 did it, aliased",
    "clean": "PIL bicubic with antialias to 299x299 per channel in float, clipped to 0..255, not rounded "
    "(Parmar 2022)",
}
_INCEPTION = "the 2048 pooled features of the 2015 Inception v3 of the FID paper, as in torch-fidelity"
_SQUEEZE = (
    "the 512 channels of SqueezeNet 1.1's last feature map (fire9, after its ReLU), averaged over the map; "
    "PIL bicubic with antialias to 224x224 per channel in float, clipped, ImageNet mean and deviation"
)
_FRECHET = "Fréchet distance of two Gaussians (Heusel 2017), covariances over n - 1, in float64 by torchmetrics; biased under 2,048 pictures"
_KERNEL = (
    "unbiased MMD² (Bińkowski 2018) with kernel (x·y / d + 1)³ over all pictures at once, in float64: "
    "torchmetrics with one subset of all pictures, so nothing is drawn at random"
)
_BAND = f" Band: missing pixels within {BAND} pixels of a known one."
_TORCH = ("torch", "torchvision")


def _lpips(net: str) -> MetricSpec:
    backbone, layers = _LPIPS[net]
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


def _set(name: str, title: str, formula: str, features: str, network: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        title=title,
        kind="set",
        regions=("whole",),
        better="lower",
        unit="",
        variant=f"{formula}; {features}.",
        weights=network,
        target=f"benchmark.metrics.{'frechet' if name[0] == 'f' else 'kernel'}:{name.partition('_')[2]}",
        requires=(*_TORCH, "torchmetrics")
        if network == "lpips_squeeze"
        else (*_TORCH, "torchmetrics", "torch_fidelity"),
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
    *(_lpips(net) for net in _LPIPS),
    *(
        _set(
            f"fid_inception_{kind}",
            f"FID ({_KINDS[kind]})",
            _FRECHET,
            f"{_INCEPTION}; {_RESIZE[kind]}",
            "inception",
        )
        for kind in _RESIZE
    ),
    *(
        _set(
            f"kid_inception_{kind}",
            f"KID ({_KINDS[kind]})",
            _KERNEL,
            f"{_INCEPTION}; {_RESIZE[kind]}",
            "inception",
        )
        for kind in _RESIZE
    ),
    _set("fd_squeeze", "FD (SqueezeNet)", _FRECHET, _SQUEEZE, "lpips_squeeze"),
    _set("kd_squeeze", "KD (SqueezeNet)", _KERNEL, _SQUEEZE, "lpips_squeeze"),
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
        package = absent[0].replace("_", "-")
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
    """Why `value` cannot enter a mean, in one sentence; None where it is finite."""
    if math.isfinite(value):
        return None
    place = {"whole": "The picture", "hole": "The hole", "band": "The band along the hole's edge"}[region]
    if math.isnan(value):
        return f"{place} has no pixels here, so {get(name).title} is undefined."
    return f"{place} equals the original exactly, so {get(name).title} is infinite and left out of means."

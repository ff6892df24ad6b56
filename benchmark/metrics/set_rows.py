"""The rows of the distances between sets of pictures: each way to compare two, by each kind of features."""

from dataclasses import dataclass, replace

from benchmark.metrics.base import TORCH, MetricSpec


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


INCEPTION = (
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
_PYTORCH = _inception(
    "pytorch",
    "pytorch-fid's resize",
    "as pytorch-fid and LaMa's evaluator (Suvorov 2022): torch's bilinear to 299x299 between the centres of "
    "pixels, aliased, in [-1, 1]",
)


def _set(title: str, distance: _Distance, features: _Features, *, on_request: bool = False) -> MetricSpec:
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
        requires=(*TORCH, "torchmetrics", *features.requires),
        network=features.network,
        fair_n=distance.fair_n,
        pseudo_values=distance.pseudo_values,
        on_request=on_request,
    )


ON_INCEPTION = (
    *(_set("FID", replace(_FRECHET, name="fid"), features) for features in INCEPTION),
    _set("FID", replace(_FRECHET, name="fid"), _PYTORCH, on_request=True),
    *(_set("KID", replace(_KERNEL, name="kid"), features) for features in INCEPTION),
)
ON_SQUEEZENET = (_set("FD", _FRECHET, _SQUEEZE), _set("KD", _KERNEL, _SQUEEZE))

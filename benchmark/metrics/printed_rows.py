"""The rows of figures as the evaluation programs of papers compute them."""

from typing import Literal

from benchmark.metrics.base import TORCH, MetricSpec
from benchmark.metrics.set_rows import INCEPTION

_AS_PRINTED: tuple[tuple[str, str, Literal["lower", "higher"], str], ...] = (
    (
        "ssim_lama",
        "SSIM (LaMa's)",
        "higher",
        "As LaMa's evaluator (Suvorov 2022): the window and constants of `ssim`, black beyond the border, "
        "mean over all pixels",
    ),
    (
        "ssim_pennet",
        "SSIM (PEN-Net's)",
        "higher",
        "As PEN-Net's evaluator (Zeng 2019), which is scikit-image's: uniform window 51x51, sample "
        "covariance, mean over RGB",
    ),
    (
        "l1_pennet",
        "L1 (PEN-Net's)",
        "lower",
        "As PEN-Net's evaluator (Zeng 2019): the sum of absolute differences over the sum of both pictures' "
        "values",
    ),
)
OF_WHOLE_PICTURES = tuple(
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
BRUSHBENCH = tuple(
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
        requires=(*TORCH, "lpips") if weights else (),
        network="squeezenet" if weights else "",
        again=name if name == "psnr" else "",
        as_it_came=True,
    )
    for name, title, better, variant, weights, unit in _BRUSH
)
DISCERNIBLE = tuple(
    MetricSpec(
        name=f"{short}_inception_legacy",
        title=f"{short[0].upper()}-IDS (legacy resize)",
        kind="set",
        regions=("whole",),
        better="higher",
        unit="",
        variant=f"As MAT's evaluator (Li 2022): {variant}, by a linear support vector machine of squared "
        f"hinge loss (weight 1) on {INCEPTION[1].variant}.",
        weights="inception",
        target=f"benchmark.metrics.discernible:{short}_legacy",
        requires=(*TORCH, "torchmetrics", "torch_fidelity"),
        fair_n=20_480,
    )
    for short, variant in (
        ("uids", "the share of originals and fills that are taken for the other"),
        ("pids", "the share of fills that are taken for originals rather than their own original is"),
    )
)

"""Figures that flatter a method: it was trained to make a distance by the same network small."""

from collections.abc import Iterable

from inpainters.registry import METHODS

MARK = "†"
NETWORKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "squeezenet": ("SqueezeNet", ("lpips_squeeze", "fd_squeeze", "kd_squeeze")),
    "vgg16": ("VGG16", ("lpips_vgg",)),
    "alexnet": ("AlexNet", ("lpips_alex",)),
}
"""`MethodSpec.trained_with` -> its name for people, and the metrics that look through the same network."""


def flattered(entry: str, metric: str) -> str | None:
    """The network that `entry` was trained with and `metric` looks through; None where there is none or the
    method is a stranger.
    """
    spec = METHODS.get(entry.split(" ")[0])
    trained_with = spec.trained_with if spec else ()
    return next(
        (NETWORKS[name][0] for name in trained_with if name in NETWORKS and metric in NETWORKS[name][1]), None
    )


def mark(entry: str, metric: str) -> str:
    """What follows such a figure or name: " †" or nothing."""
    return f" {MARK}" if flattered(entry, metric) else ""


def footnote(entries: Iterable[str], metrics: Iterable[str]) -> str:
    """The sentence under a table or figure that holds a mark; empty where it holds none."""
    wanted = list(metrics)
    networks = sorted(
        {network for entry in entries for metric in wanted if (network := flattered(entry, metric))}
    )
    return " ".join(
        f"{MARK} trained with a {name} perceptual loss: its distances by {name} features flatter it; see the "
        "rankings by PSNR and SSIM."
        for name in networks
    )

"""What is marked in tables: figures that flatter a method, as it was trained to make a distance by the same
network small, and methods whose fills got detail from the surroundings.
"""

from collections.abc import Iterable
from contextlib import suppress

from benchmark.cells import split_entry
from benchmark.metrics import METRICS, NETWORKS
from inpainters.errors import InputError
from inpainters.registry import METHODS
from inpainters.weights.table import WEIGHTS

MARK = "†"
DETAIL_MARK = "‡"
DETAIL_NOTE = (
    f"{DETAIL_MARK} deep holes were drawn small, at the size that the network knows, and got their fine "
    "detail from the surroundings."
)


def flattered(entry: str, metric: str) -> str | None:
    """The network that `entry` was trained with and `metric` looks through; None where there is none or the
    method is a stranger.
    """
    spec, seen = METHODS.get(entry.split(" ")[0]), METRICS.get(metric)
    if spec is None or seen is None or seen.network not in spec.trained_with:
        return None
    return NETWORKS[seen.network]


def names_of_networks(entry: str) -> str:
    """The networks that a method was trained with, for people."""
    spec = METHODS.get(entry.split(" ")[0])
    return " or ".join(NETWORKS[name] for name in spec.trained_with if name in NETWORKS) if spec else ""


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


def acquaintance(entries: Iterable[str], dataset: str) -> str:
    """The sentence under a table whose test set has the same source as some methods' training pictures; empty
    where none has, or where nobody can tell, as of a folder of one's own.
    """
    known = dict.fromkeys(METHODS[entry.split(" ")[0]].title for entry in entries if _knows(entry, dataset))
    if not known:
        return ""
    return (
        f"{', '.join(known)} learned from the training pictures of {dataset}, which this test set belongs "
        "to: it is of the kind that they know, and other pictures may not be."
    )


def _knows(entry: str, dataset: str) -> bool:
    name, options = split_entry(entry)
    if name not in METHODS:
        return False
    with suppress(InputError):  # options of another version
        weights = METHODS[name].loaded(options).weights
        return any(dataset in WEIGHTS[one].learned_from for one in weights)
    return False

"""What a run will cost in seconds: the table's constants for the reference machine, times a factor learned on
this one.
"""

import statistics
import threading
from collections import defaultdict, deque
from collections.abc import Mapping

from inpainters.imaging import Mask
from inpainters.spec import MethodSpec
from inpainters.strategy import windows

Options = Mapping[str, object]

_KEEP = 15  # runs; the median of the latest forgives a run that had to share its machine

_lock = threading.Lock()
_ratios: defaultdict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=_KEEP))
_networks: dict[str, tuple[str, ...]] = {}  # of the methods that ran


def work(spec: MethodSpec, mask: Mask) -> tuple[float, float]:
    """(megapixels, missing megapixels) that the method would work on: inside its windows, after capping."""
    pixels = missing = 0.0
    for window in windows(mask, spec.strategy):
        height, width = window.size
        hole = int(mask[window.top : window.bottom, window.left : window.right].sum())
        pixels += height * width
        missing += hole * height * width / ((window.bottom - window.top) * (window.right - window.left))
    return pixels / 1e6, missing / 1e6


def reference(spec: MethodSpec, mask: Mask, options: Options | None = None) -> float:
    """Seconds on the reference machine for the (H, W) bool `mask`, True = missing; 0 where nothing is
    missing.

    `options` as a request's; raises InputError for those that the method cannot take.
    """
    pixels, missing = work(spec, mask)
    return spec.seconds(pixels, missing, options) if pixels else 0.0


def network_calls(spec: MethodSpec, mask: Mask, options: Options | None = None) -> int:
    """Network calls of one run, in all windows together; 0 where the options do not set them."""
    each = spec.network_calls(options)
    return each * len(windows(mask, spec.strategy)) if each else 0


def estimate(spec: MethodSpec, mask: Mask, options: Options | None = None) -> float:
    """Seconds that one run of the method will take on this machine, weights loaded, as far as its runs so far
    tell.

    What another network than the row's takes is known after its first run alone: until then the answer is
    that of the row's.
    """
    other = spec.loaded(options).other
    return factor(spec.name, spec.weights, other) * reference(spec, mask, options)


def observe(spec: MethodSpec, mask: Mask, seconds: float, options: Options | None = None) -> None:
    """Learn from a finished run (`InpaintResult.seconds`); may be called from any thread."""
    expected = reference(spec, mask, options)
    if expected > 0 and seconds > 0:
        with _lock:
            _ratios[spec.name, spec.loaded(options).other].append(seconds / expected)
            _networks[spec.name] = spec.weights


def factor(name: str, weights: tuple[str, ...] = (), other: str = "") -> float:
    """How many times slower than the reference machine this one runs the method, with the `other` network
    (`Loaded.other`) if given.

    Where it never ran: the median of the methods with the same `weights`, as a network takes its time whoever
    calls it; else of all; 1 before any ran.
    """
    with _lock:
        medians = {key: statistics.median(ratios) for key, ratios in _ratios.items()}
        own = {method: median for (method, foreign), median in medians.items() if not foreign}
        alike = [median for method, median in own.items() if weights and _networks[method] == weights]
    known = medians.get((name, other), own.get(name))
    return statistics.median(alike or list(own.values()) or [1.0]) if known is None else known


def spoken(seconds: float) -> str:
    """'under 1 s', 'about 10 s', 'about 3 min': no more digits than an estimate deserves."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        return f"about {max(1, round(seconds / step) * step)} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def forget() -> None:
    """Drop all that was learned."""
    with _lock:
        _ratios.clear()
        _networks.clear()

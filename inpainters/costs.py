"""What a run will cost in seconds: the table's constants for the reference machine, times a factor learned on
this one.
"""

import statistics
import threading
from collections import defaultdict, deque

from inpainters.memory import has_gpu
from inpainters.strategy import Workload

_KEEP = 15  # runs; the median of the latest forgives a run that had to share its machine

_TRUSTED = 2.0  # how far first runs, which warm up, move what others are expected to take

GPU_SPEED = 100.0
"""How many times faster a graphics card runs large networks than the reference machine, before one ever ran:
Stable Diffusion's field figure, 5 s for 512×512 on an RTX 3090, is some 200 times faster."""

_lock = threading.Lock()
_ratios: defaultdict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=_KEEP))
_first: dict[tuple[str, str], float] = {}
"""Of each method's first run here, which has to warm up: it counts until there is another."""
_networks: dict[str, tuple[str, ...]] = {}  # of the methods that ran


def estimate(work: Workload) -> float:
    """Seconds that one run will take on this machine, weights loaded, as far as its runs so far tell; 0 where
    nothing is missing.

    What another network than the row's takes is known after its first run alone: until then the answer goes
    by the row's.
    """
    name, other = work.spec.name, _other(work)
    slower = factor(name, work.spec.weights, other)
    if has_gpu() and "torch" in work.spec.requires and not _ran(name, other):
        # The processor adds the detail.
        return slower * ((work.seconds - work.detail_seconds) / GPU_SPEED + work.detail_seconds)
    return slower * work.seconds


def _ran(name: str, other: str) -> bool:
    with _lock:
        return bool({(name, other), (name, "")} & (_first.keys() | _ratios.keys()))


def observe(work: Workload, seconds: float) -> None:
    """Learn from a finished run (`InpaintResult.seconds`); may be called from any thread."""
    expected = work.seconds
    if expected > 0 and seconds > 0:
        with _lock:
            key = work.spec.name, _other(work)
            if key in _first or key in _ratios:
                _ratios[key].append(seconds / expected)
            else:
                _first[key] = seconds / expected
            _networks[work.spec.name] = work.spec.weights


def _other(work: Workload) -> str:
    return work.spec.loaded(work.options).other


def factor(name: str, weights: tuple[str, ...] = (), other: str = "") -> float:
    """How many times slower than the reference machine this one runs the method, with the `other` network
    (`Loaded.other`) if given.

    Where it never ran: the median of the methods with the same `weights`, as a network takes its time whoever
    calls it; else of all that ran more than once; else of first runs, within `_TRUSTED`; 1 before any.
    """
    with _lock:
        medians = _first | {key: statistics.median(ratios) for key, ratios in _ratios.items()}
        own = {method: median for (method, foreign), median in medians.items() if not foreign}
        alike = [median for method, median in own.items() if weights and _networks[method] == weights]
        warm = [median for method, median in own.items() if (method, "") in _ratios]
    if (known := medians.get((name, other), own.get(name))) is not None:
        return known
    if alike or warm or not own:
        return statistics.median(alike or warm or [1.0])
    return min(max(statistics.median(own.values()), 1 / _TRUSTED), _TRUSTED)


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
        _first.clear()
        _networks.clear()

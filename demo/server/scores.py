"""How close a fill comes to what was there, by the benchmark's own metrics."""

from collections.abc import Iterator
from typing import Any

from benchmark.metrics import METRICS
from benchmark.report.layout import CHIPS
from inpainters.imaging import Image, Mask

HOLE_METRICS = tuple(name for name in METRICS if name in CHIPS)
"""Scored inside the hole, in the table's order: cheap ones first."""


def scores_in_hole(original: Image, filled: Image, mask: Mask) -> Iterator[dict[str, dict[str, Any]]]:
    """Metric -> {value, unit, reason} inside the hole, growing by one metric each time, the cheap ones first.

    value is None, with a reason, where it cannot be computed.
    """
    known: dict[str, dict[str, Any]] = {}
    from benchmark import metrics

    for name in HOLE_METRICS:
        if metrics.unavailable(name):
            continue  # whoever looks at a page cannot fetch its weights
        known = {**known, name: _score(name, original, filled, mask)}
        yield known


def _score(name: str, original: Image, filled: Image, mask: Mask) -> dict[str, Any]:
    from benchmark import metrics  # brings torch in for LPIPS only

    spec = metrics.get(name)
    try:
        value = _metric(name).score(original, filled, mask)["hole"]
    except Exception as error:  # a missing weight or a picture too small: the other scores still stand
        return {"value": None, "unit": spec.unit, "reason": str(error)[:300] or type(error).__name__}
    why = metrics.reason(name, "hole", value)
    return {"value": None if why else float(value), "unit": spec.unit, "reason": why or ""}


_METRICS: dict[str, Any] = {}


def _metric(name: str) -> Any:
    from benchmark import metrics

    if name not in _METRICS:
        _METRICS[name] = metrics.create(name)
    return _METRICS[name]

"""What the samplers load: the bundled denoiser, or the one that the option `model` names."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inpainters.spec import Cost, Loaded, MethodSpec, Strategy


def loads(spec: MethodSpec, options: Mapping[str, Any]) -> Loaded:
    """The row's weights, or none of them where another denoiser is asked for."""
    model = str(options["model"])
    if not model:
        return Loaded(spec.weights)
    other = model.rpartition("@")[0] or model
    return Loaded(other=other, strategy=lambda: _strategy(model), cost=lambda: _cost(spec, model))


def _strategy(model: str) -> Strategy:
    """Windows of the size that the denoiser was trained on. It fills them with known pixels anyway, so that
    only holes of two thirds of that size make a window shrink.
    """
    from inpainters.weights.denoisers import sides

    size, multiple = sides(model)
    return Strategy(context=0.25, min_context=max(4, size // 8), multiple=multiple, side=size)


def _cost(spec: MethodSpec, model: str) -> Cost:
    """By the operations of a call at that size."""
    from inpainters.weights.denoisers import call_seconds

    return replace(spec.cost, per_call=call_seconds(model), per_call_megapixel=0.0)

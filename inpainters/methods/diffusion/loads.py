"""What the samplers load: the bundled denoiser, or the one that the option `model` names."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inpainters.spec import Cost, Loaded, MethodSpec


def loads(spec: MethodSpec, options: Mapping[str, Any]) -> Loaded:
    """The row's weights, or none of them where another denoiser is asked for."""
    model = str(options["model"])
    if not model:
        return Loaded(spec.weights)
    return Loaded(other=model.rpartition("@")[0] or model, cost=lambda: _cost(spec, model))


def _cost(spec: MethodSpec, model: str) -> Cost:
    """By the operations of a call at the size that the denoiser was trained on."""
    from inpainters.weights.denoisers import call_seconds

    return replace(spec.cost, per_call=call_seconds(model), per_call_megapixel=0.0)

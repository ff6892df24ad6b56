"""What a method is, its paper, its weights and their limits: words of its row and of its weights' cards."""

import json
from functools import lru_cache
from typing import Any

from inpainters import registry
from inpainters.families import FAMILIES
from inpainters.spec import MethodSpec
from inpainters.weights.files import CHECKPOINTS
from inpainters.weights.table import COMMERCIAL, WEIGHTS


@lru_cache(maxsize=1)
def about_all() -> dict[str, dict[str, Any]]:
    """Method -> `{title, family, summary, paper, year, link, licence, weights: [...]}`."""
    return {spec.name: _about(spec) for spec in registry.METHODS.values()}


def _about(spec: MethodSpec) -> dict[str, Any]:
    return {
        "title": spec.title,
        "family": FAMILIES[spec.family].title,
        "summary": spec.summary,
        "paper": spec.paper,
        "year": spec.year or None,
        "link": spec.link,
        "licence": spec.licence,
        "weights": [_weights(name) for name in spec.weights],
    }


def _weights(name: str) -> dict[str, Any]:
    """`{title, trained_on, licence, commercial, parameters, limits}` of one network; limits where it has a
    card.
    """
    row, card = WEIGHTS[name], CHECKPOINTS / f"{name}.json"
    facts = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    return {
        "title": facts.get("title", name),
        "trained_on": row.trained_on,
        "licence": row.licence,
        "commercial": COMMERCIAL[row.commercial],
        "parameters": facts.get("parameters"),
        "limits": facts.get("limits", []),
    }

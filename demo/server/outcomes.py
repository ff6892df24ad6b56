"""What each method did best and worst, from the pictures of a suite."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from benchmark.report.layout import LEADING
from benchmark.results import ALL_BINS, Results
from demo.server.exhibits import exhibit, fill_token, hole_in_view
from demo.server.store import Store
from demo.server.suites import Figure, mask_sets_of, open_suite, readable, stamp_of
from inpainters import registry
from inpainters.errors import InputError
from inpainters.families import FAMILIES

SORTED = ("best", "worst")
KIND = "object"
"""Of the holes that are shown, where the suite has such."""


class ShownFill(NamedTuple):
    """A fill, the hole it was made for (tokens), and what is said of it."""

    masked: str
    fill: str
    said: str


def outcomes(store: Store, root: Path) -> dict[str, tuple[ShownFill, ...]]:
    """Method -> its best and its worst fill, by the first suite whose pictures are here; none where there
    is no such suite.
    """
    good, _ = readable(root)
    if not good:
        return {}
    suite = next(iter(good))
    asked = store, root, suite, stamp_of(root, suite)
    found = _exhibits(*asked)
    tokens = [token for pair in found.values() for one in pair for token in (one.masked, one.fill)]
    if any(store.path(token) is None for token in tokens):
        _exhibits.cache_clear()  # the store has dropped some meanwhile
        found = _exhibits(*asked)
    return found


@lru_cache(maxsize=4)
def _exhibits(store: Store, root: Path, suite: str, stamp: int) -> dict[str, tuple[ShownFill, ...]]:
    kinds = mask_sets_of(root, suite)
    results = open_suite(root, suite, KIND if KIND in kinds else kinds[0])
    pairs = {
        name: tuple(filter(None, (_exhibited(store, results, name, sort) for sort in SORTED)))
        for name in registry.METHODS
    }
    return {name: pair for name, pair in pairs.items() if pair}


def _exhibited(store: Store, results: Results, method: str, sort: str) -> ShownFill | None:
    metric, region = LEADING[0]
    figure = Figure(
        results.suite, metric, region, tuple(FAMILIES), method, ALL_BINS, sort, 0, results.mask_set
    )
    try:
        (label, image_id), _, _ = hole_in_view(results, figure)
    except InputError:
        return None
    inputs = exhibit(store, results, label, image_id)
    fill = fill_token(store, results, label, image_id, method)
    said = f"Its {sort} fill of {results.suite}, {label} % missing"
    return ShownFill(inputs.masked, fill, said) if inputs and fill else None

"""The plan of a run, fixed before its first picture: which pictures, masks and bins, and how many pictures
each method gets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from benchmark.cells import FORMAT, Cell, ColumnKey, difference, entry_of, read_json, split_entry, write_json
from benchmark.files import fault
from benchmark.inputs.datasets import Dataset, take
from benchmark.inputs.masksets import MaskSet, middle
from benchmark.suites.base import Suite
from inpainters import commandline, registry
from inpainters.errors import InputError
from inpainters.masks import BINS
from inpainters.strategy import Outline, workload

OVERHEAD = 0.15
"""Seconds per picture on the reference machine that are not the method's: masking, PNGs and scoring."""
USUAL_SIZE = (256, 256)
"""(height, width) in pixels of the pictures of `sample`; costs are told for it where nobody knows better."""
_LOOKED_AT = 15
"""Pictures whose size says how large a usual one of a test set is: the first ones, so that a plan of as many
keeps it when it grows.
"""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Plan:
    """What a results folder will hold, stored before the first picture: every start means the same."""

    suite: str
    dataset: str
    recipe: str
    mask_sets: tuple[str, ...]
    mask_sources: dict[str, str]
    """Mask set -> what pins its masks: the generator, or the digest of an imported folder."""
    bins: dict[str, tuple[str, ...]]
    """Mask set -> its bins."""
    seed: int
    pictures: dict[str, str]
    """image id -> sha256 of its pixels, in the order in which methods get them."""
    left_out: tuple[str, ...]
    methods: dict[str, int]
    """Entry (`Cell.entry`: a method with its options) -> how many of `pictures` it gets in each column."""
    seconds: float
    budget: str
    once: bool = False
    """True where each picture is filled at one ratio only, the bins taking turns: once by each mask set."""
    answers: int = 1
    """How many answers, seeds `seed`, `seed` + 1 ...,
    a method gives to each hole where the seed changes its answer.
    """
    batch: int = 1
    """How many pictures a method is given at once; their time is shared out evenly."""
    several: tuple[str, ...] = ()
    """Entries whose seed changes the fill: a later process need not know their methods."""
    size: tuple[int, int] = USUAL_SIZE
    """(height, width) in pixels of a usual picture: costs are told for it."""

    def to_json(self) -> dict[str, Any]:
        """As plan.json holds it; `order` keeps the pictures' order, as JSON objects have none."""
        fields = {name: value for name, value in vars(self).items() if name != "pictures"}
        order = [[image_id, sha] for image_id, sha in self.pictures.items()]
        return {
            **fields,
            "mask_sets": list(self.mask_sets),
            "bins": {name: list(labels) for name, labels in self.bins.items()},
            "left_out": list(self.left_out),
            "several": list(self.several),
            "size": list(self.size),
            "n": len(order),
            "order": order,
            "format": FORMAT,
        }

    def cells(self) -> list[Cell]:
        """All cells, the fastest method first, for methods that get a picture at all."""
        order = sorted(self.methods, key=lambda entry: (cost(entry, self.size, 0.3), entry))
        return [
            self.cell(entry, column, seed)
            for entry in order
            for column in self.columns()
            if self.methods[entry]
            for seed in self.seeds(entry)
        ]

    def seeds(self, entry: str) -> range:
        """The seeds of an entry's answers: one where the seed changes nothing."""
        several = entry in self.several or _draws(entry)
        return range(self.seed, self.seed + (self.answers if several else 1))

    def cell(self, entry: str, column: ColumnKey, seed: int | None = None) -> Cell:
        """The cell of one entry, column and seed; the first answer's where no seed is given."""
        method, options = split_entry(entry)
        return Cell(self.dataset, *column, method, self.seed if seed is None else seed, options)

    def columns(self) -> list[ColumnKey]:
        """All columns, mask set by mask set."""
        return [ColumnKey(name, label) for name in self.mask_sets for label in self.bins[name]]

    def column(self, key: ColumnKey) -> list[str]:
        """The ids of the pictures of one column."""
        ids, bins = list(self.pictures), self.bins[key.mask_set]
        return ids[bins.index(key.bin) :: len(bins)] if self.once else ids

    def images(self, entry: str, key: ColumnKey) -> list[str]:
        """The ids of the pictures that `entry` gets in one column: a prefix, so that methods stay paired."""
        return self.column(key)[: self.methods[entry]]


def _draws(entry: str) -> bool:
    spec = registry.METHODS.get(split_entry(entry)[0])
    return spec is not None and spec.stochastic


class _Stored(BaseModel, extra="allow"):
    """The fields of plan.json that are not a `Plan`'s own."""

    format: int
    n: int
    order: list[tuple[str, str]]


def plan_file(root: Path) -> Path:
    return root / "cells" / "plan.json"


def load_plan(root: Path) -> Plan:
    """The plan of a results folder; raises InputError with one sentence where there is none, or one from
    another version.
    """
    if not root.is_dir():
        raise InputError(
            f"There is no results folder '{root.name}'; `python -m benchmark run SUITE --out {root.name}` "
            "makes one."
        )
    found = read_json(plan_file(root))
    if found is None:
        what = "has a damaged plan.json" if plan_file(root).exists() else "holds no run (no cells/plan.json)"
        raise InputError(
            f"'{root.name}' {what}: run the suite again, with --redo where pictures are there already."
        )
    if found.get("format") != FORMAT:
        raise InputError(
            f"'{root.name}' was written by another version of the benchmark: use --redo, or another --out."
        )
    try:
        stored = _Stored.model_validate(found)
        return Plan(**{**_of_sets(stored.model_extra or {}), "pictures": dict(stored.order)})
    except ValidationError as error:
        raise InputError(
            f"'{root.name}' has a plan.json that does not say what to run ({fault(error)}): use --redo, or "
            "another --out."
        ) from None


def _of_sets(found: Mapping[str, Any]) -> dict[str, Any]:
    """A plan's fields; those of an older version, which knew one mask set, as today's."""
    if "mask_set" not in found:
        return dict(found)
    rest = {key: value for key, value in found.items() if key not in ("mask_set", "mask_source")}
    name = found["mask_set"]
    sources, bins = {name: found.get("mask_source")}, {name: found.get("bins")}
    return {**rest, "mask_sets": [name], "mask_sources": sources, "bins": bins}


def make_plan(
    suite: Suite,
    dataset: Dataset,
    masks: Sequence[MaskSet],
    methods: Iterable[str],
    *,
    n: int | None,
    bins: Mapping[str, Sequence[str]],
    seed: int,
    seconds: float,
    once: bool = False,
    answers: int = 1,
    batch: int = 1,
) -> Plan:
    """Choose the pictures and share the time out. `bins`: of each mask set, by its name."""
    pictures, left_out = take(dataset, n)
    names = list(dict.fromkeys(methods))
    most = max(-(-len(pictures) // len(labels)) if once else len(pictures) for labels in bins.values())
    columns, size = [label for one in masks for label in bins[one.name]], usual_size(dataset, pictures)
    shares = share(names, most, columns, seconds, suite.budget, size)
    return Plan(
        suite=suite.name,
        dataset=dataset.name,
        recipe=dataset.recipe,
        mask_sets=tuple(one.name for one in masks),
        mask_sources={one.name: one.source for one in masks},
        bins={one.name: tuple(bins[one.name]) for one in masks},
        seed=seed,
        pictures=pictures,
        left_out=tuple(left_out),
        methods=shares,
        seconds=seconds,
        budget=suite.budget,
        once=once,
        answers=answers,
        batch=batch,
        several=tuple(filter(_draws, names)),
        size=size,
    )


def usual_size(dataset: Dataset, taken: Iterable[str]) -> tuple[int, int]:
    """Medians of the heights and of the widths of the first pictures that are taken, in pixels."""
    loads = {picture.image_id: picture.load for picture in dataset.pictures}
    height, width = np.median([loads[one]().shape[:2] for one in islice(taken, _LOOKED_AT)], axis=0)
    return int(height), int(width)


def settle(root: Path, plan: Plan) -> Plan:
    """Return the plan that holds in `root` from now on: the stored one, with what is asked for beyond it:
    methods, bins, mask sets, pictures, answers.

    Raises InputError naming the field in which the stored plan differs, or of which less is asked for.
    """
    if not plan_file(root).exists():
        write_json(plan_file(root), plan.to_json())
        return plan
    stored = load_plan(root)
    check_goes_on(root, stored, plan)
    merged = join(plan, stored)
    if merged != stored:
        write_json(plan_file(root), merged.to_json())
    return merged


def check_goes_on(root: Path, stored: Plan, plan: Plan) -> None:
    """Raise InputError naming the first field in which a run with `plan` neither goes on with the stored one
    nor lets it grow.
    """
    _same_pictures(root, stored, plan)
    if text := _not_held(stored, plan):
        raise InputError(
            f"'{root.name}' holds a run with other settings ({text}): use the same ones, another --out, or "
            "--redo without --methods, which throws all its pictures away."
        )


def _not_held(stored: Plan, plan: Plan) -> str | None:
    """The first field in which `plan` is not the stored one nor asks for more than it; methods aside."""
    found, wanted = stored.to_json(), plan.to_json()
    grown = {
        "methods",
        "seconds",
        "left_out",
        "several",
        "size",
    }  # a method that joins may have another budget: its n says so
    if list(plan.pictures.items())[: len(stored.pictures)] == list(stored.pictures.items()):
        grown |= {"order", "n"}
    if all(_holds(plan, name, stored.bins[name], once=stored.once) for name in stored.mask_sets):
        grown |= {"bins", "mask_sets"}
    if stored.mask_sources.items() <= plan.mask_sources.items():
        grown |= {"mask_sources"}
    if stored.answers <= plan.answers:
        grown |= {"answers"}
    return difference(found | {name: wanted[name] for name in grown}, wanted)


def _holds(plan: Plan, mask_set: str, bins: Sequence[str], *, once: bool) -> bool:
    """True where the plan has that mask set with all those bins; the same ones where pictures take turns in
    them.
    """
    own = plan.bins.get(mask_set, ())
    return own == tuple(bins) if once else set(own) >= set(bins)


def keeps_apart(one: Plan, other: Plan) -> str | None:
    """The first field in which two plans differ beyond how much they ask for; None where they can be
    joined.
    """
    found, wanted = one.to_json(), other.to_json()
    alike = {
        "methods",
        "several",
        "seconds",
        "left_out",
        "size",
        "answers",
        "mask_sets",
        "order",
        "n",
        "bins",
        "mask_sources",
    }
    mine, theirs = list(one.pictures.items()), list(other.pictures.items())
    shorter = min(len(mine), len(theirs))
    if mine[:shorter] != theirs[:shorter]:
        alike -= {"order"}
    common = set(one.mask_sets) & set(other.mask_sets)
    if any(one.mask_sources[name] != other.mask_sources[name] for name in common):
        alike -= {"mask_sources"}
    if one.once and any(one.bins[name] != other.bins[name] for name in common):
        alike -= {"bins"}
    return difference(found | {name: wanted[name] for name in alike}, wanted)


def join(one: Plan, other: Plan) -> Plan:
    """A plan that asks for all that either does; they must be alike (`keeps_apart`)."""
    names = tuple(dict.fromkeys((*one.mask_sets, *other.mask_sets)))
    longer = max(one, other, key=lambda plan: len(plan.pictures))
    methods = {**one.methods, **other.methods}
    return replace(
        one,
        mask_sets=names,
        mask_sources=other.mask_sources | one.mask_sources,
        bins={name: _all_bins(one.bins.get(name, ()), other.bins.get(name, ())) for name in names},
        pictures=longer.pictures,
        left_out=longer.left_out,
        size=longer.size,
        methods={m: max(one.methods.get(m, 0), other.methods.get(m, 0)) for m in methods},
        seconds=max(one.seconds, other.seconds),
        answers=max(one.answers, other.answers),
        several=tuple(dict.fromkeys((*one.several, *other.several))),
    )


def _all_bins(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """The bins of both, those of ratios in their order."""
    places = {label: place for place, label in enumerate(BINS)}
    return tuple(sorted(dict.fromkeys((*one, *other)), key=lambda label: places.get(label, len(places))))


def _same_pictures(root: Path, stored: Plan, plan: Plan) -> None:
    """Raise InputError naming the photographs that are not those that the run began with."""
    changed = [i for i, sha in stored.pictures.items() if plan.pictures.get(i, sha) != sha]
    gone = [i for i in stored.pictures if i not in plan.pictures]
    if gone == list(stored.pictures)[len(plan.pictures) :]:
        gone = []  # fewer were asked for: the number says so
    verb, which = ("were changed in", changed) if changed else ("are gone from", gone)
    if which:
        named = ", ".join(f"'{image_id}'" for image_id in which[:5])
        more = f" and {len(which) - 5} more" if len(which) > 5 else ""
        raise InputError(
            f"Photographs {verb} the test set since the run in '{root.name}' began ({named}{more}): put them "
            "back, use another --out, or --redo without --methods, which throws all its pictures away."
        )


def check_ours(root: Path) -> None:
    """Refuse to write into a folder that holds other things than results."""
    if root.exists() and not root.is_dir():
        raise InputError(f"'{root.name}' is a file; name a folder with --out.")
    others = [p.name for p in root.iterdir() if p.name != "cells"] if root.is_dir() else []
    # Killed while it was scored, a run has rows and no manifest yet, but its plan.
    if others and "manifest.json" not in others and not plan_file(root).exists():
        raise InputError(
            f"'{root.name}' holds other files ('{sorted(others)[0]}') and no results: name a new or empty "
            "folder with --out."
        )


def cost(entry: str, size: tuple[int, int], ratio: float) -> float:
    """Declared seconds of an entry for one picture of (height, width) with that share missing, all over it.

    0 for a method that is not in the table.
    """
    method, options = split_entry(entry)
    if method not in registry.METHODS:
        return 0.0
    return workload(Outline.spread(size, ratio), registry.METHODS[method], options).seconds


def share(
    methods: Sequence[str],
    n: int,
    bins: Sequence[str],
    seconds: float,
    budget: str,
    size: tuple[int, int] = USUAL_SIZE,
) -> dict[str, int]:
    """Method -> pictures of (height, width) per column; `bins`: the bin of each column. Of shared time each
    gets a picture, then what makes its part even with the others'; what cheap ones leave goes to the
    costlier. A method that costs more than all others together waits for them.

    Only declared costs count, never this machine's clock: the same plan comes out everywhere.
    """
    one = {m: sum(OVERHEAD + cost(m, size, middle(b)) for b in bins) for m in methods}
    if budget == "each":
        return {m: min(n, int(seconds / one[m])) for m in methods}
    order, left = sorted(one, key=lambda m: (one[m], m)), seconds
    shares: dict[str, int] = {}
    costly = [m for m in order if 2 * one[m] > sum(one.values())]
    for group in ([m for m in order if m not in costly], costly):
        for method in group:  # a picture for each, so that none is left out
            shares[method] = min(n, int(left >= one[method]))
            left -= shares[method] * one[method]
        while hungry := [m for m in group if 0 < shares[m] < n and one[m] <= left]:
            for i, method in enumerate(hungry):
                rest = left + sum(shares[m] * one[m] for m in hungry[i:])
                even = int(rest / (len(hungry) - i) / one[method]) - shares[method]
                more = min(n - shares[method], max(1, even), int(left / one[method]))
                shares[method] += more
                left -= more * one[method]
    return shares


def choose_methods(names: str | None) -> list[str]:
    """The entries of a comma-separated list such as `telea,repaint:preset=paper`; all ready methods where it
    is None.

    Raises InputError for a method that is unknown or not ready, and for an option that it does not have or
    cannot take.
    """
    if names is None:
        return [name for name in registry.METHODS if registry.unavailable(name) is None]
    chosen = [
        _entry(*commandline.settings_of(name)) for name in commandline.apart(names, ",") if name.strip()
    ]
    if not chosen:
        raise InputError("--methods names no method; leave it out for all that are ready.")
    return chosen


def _entry(method: str, settings: Mapping[str, str]) -> str:
    """The entry of a method and its settings; options at their defaults are left out, so that one run
    has one name.
    """
    spec = registry.get(method)
    options = spec.resolve(settings)
    defaults = {option.name: option.default for option in spec.options}
    if reason := registry.unavailable(method, options):
        raise InputError(reason)
    if settings:  # a name that may come to mean something else is pinned to what it means now
        options = registry.create(method, device="cpu", **options).settle(options)
    changed = {name: value for name, value in options.items() if value != defaults[name]}
    return entry_of(method, changed)

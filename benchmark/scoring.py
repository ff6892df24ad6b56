"""A cell while it is scored: what is found is added to a journal beside the PNGs, and becomes the cell's
scores when all is there. A scoring that was broken off goes on from both.
"""

import json
import math
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.cells import compact, read_json, write_json
from benchmark.results import WHOLE_SET
from benchmark.scorer import FEATURES_DIED, FILE, SCORER_DIED, Scorer, feature_parts
from inpainters.imaging import Image, Mask

JOURNAL = "scores.log"
"""What was scored since the cell's scores were written: a line per metric and batch. Each part of a column
that is scored by itself has a journal of its own, scores.PART.log.
"""
PAUSE = 5.0
"""Seconds of work that may be lost where a scoring is broken off."""


class Journal:
    """A file that lines of JSON are added to. Of work that was broken off the last one may be torn."""

    def __init__(self, path: Path) -> None:
        self.path, self.saved = path, time.monotonic()
        self.fresh: list[dict[str, Any]] = []
        """Lines that are not written yet."""

    def append(self, pause: float = -math.inf) -> bool:
        """Write the new lines, where the last were written more than `pause` seconds ago; returns whether
        there were any.
        """
        if time.monotonic() <= self.saved + pause:
            return False
        self.saved, lines = time.monotonic(), self.fresh
        if lines:
            # a line that was torn off before ends here
            text = "\n" + "".join(compact(line) + "\n" for line in lines)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            self.fresh = []
        return bool(lines)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The objects that were written whole."""
        try:
            file = self.path.open(encoding="utf-8", errors="replace")
        except OSError:
            return
        with file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # the last one of a scoring that was broken off
                if isinstance(entry, dict):
                    yield entry


class Scoring:
    """A cell while it is scored, batch by batch, so that the cells of a column can take turns. What was
    scored lies on disk; here is only which pictures those are.
    """

    def __init__(self, scorer: Scorer, part: str = "", *, careful: bool = False) -> None:
        """`part` names the journal; `careful`: each figure is written at once, as the next may be the end."""
        self.scorer, self.part, self.careful = scorer, part, careful
        self.journal = Journal(scorer.folder / (f"scores.{part}.log" if part else JOURNAL))
        self.shas = scorer.shas()
        self.of = {image_id: scorer.bytes_of(image_id, self.shas) for image_id in scorer.images}
        self.keys = {spec.name: scorer.value_key(spec, self.of) for spec in scorer.specs()}
        stored = stored_scores(scorer.folder)
        self.older = any("of" not in entry and entry["rows"] for entry in stored.values())
        kept = self._kept(stored)
        self.whole = not _journals(scorer.folder) and kept == stored
        """Whether the file of scores holds just what is known."""
        self.there = {name: set(entry["rows"]) for name, entry in kept.items()}

    def _kept(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What holds of what is stored, and all of metrics whose weights are absent, or that are not asked
        for now.
        """
        asked = {spec.name for spec in self.scorer.specs()}
        kept = {name: entry for name, entry in stored.items() if name not in asked}
        for spec in self.scorer.specs():
            of = self.of if spec.kind == "image" else None
            kept[spec.name] = holding(stored.get(spec.name, {}), self.keys[spec.name], of)
        return kept

    def batch(
        self, start: int, pairs: dict[str, tuple[Image, Mask]], wanted: Collection[str] | None = None
    ) -> None:
        """Score the pictures from `start` on, a batch of the plan's, or those of it that are `wanted`;
        `pairs` keeps originals and masks for the other cells of the column.
        """
        scorer = self.scorer
        planned = scorer.planned[start : start + scorer.bench.batch]
        there = [i for i in planned if i not in scorer.absent and (wanted is None or i in wanted)]
        specs = scorer.bench.ready("image")
        if lacking := [spec for spec in specs if not self.there[spec.name] >= set(there)]:
            for image_id in there:
                if image_id not in pairs:
                    pairs[image_id] = scorer.inputs.load(image_id)
            triples = [scorer.triple(image_id, self.shas, pairs[image_id]) for image_id in there]
            of = {image_id: self.of[image_id] for image_id in there}
            for spec in lacking:
                self._note(spec.name, dict(zip(there, scorer.bench.several(spec, triples), strict=True)), of)
        self._append(PAUSE)

    def take_features(self, images: Collection[str], *, last_first: bool = False) -> None:
        """Those of some pictures, and of their originals, for what is lacking of the set. `last_first`: by
        the last network first, so that one that kills its process keeps none from others.
        """
        self._append()
        scorer, seen = self.scorer, set()
        for spec in scorer.bench.ready("set")[:: -1 if last_first else 1]:
            key = scorer.bench.get(spec.name).feature_key if not self.there[spec.name] else None
            if key and key not in seen:
                seen.add(key)
                reference, output = scorer.taken(spec)
                with suppress(ValueError, RuntimeError):  # told where the set is scored
                    reference.take(scorer.inputs.folder, images, self.part)
                    output.take(scorer.folder, images, self.part)

    def give_up(self, images: Sequence[str], *, features: bool = False) -> None:
        """Store a reason for what these pictures lack, or where none is named the set: what scored them died
        each time. `features`: what took their features did, and their set has no distance by networks that
        have none of them.
        """
        if images and not features:
            for spec in self.scorer.bench.ready("image"):
                lacking = [i for i in images if i in self.of and i not in self.there[spec.name]]
                self._give_up(spec, lacking, SCORER_DIED, {i: self.of[i] for i in lacking})
        else:
            reason = FEATURES_DIED.format(images[0]) if images else SCORER_DIED
            for spec in self.scorer.bench.ready("set"):
                every = self.scorer.images if spec.pseudo_values else [WHOLE_SET]
                lacking = [i for i in every if i not in self.there[spec.name]]
                if lacking and not (images and self.scorer.has_features(spec, images, self.part)):
                    self._give_up(spec, lacking, reason, {})
        self._append()

    def _give_up(self, spec: Any, names: Collection[str], reason: str, of: dict[str, str]) -> None:
        if names:
            figures = {region: {"reason": reason} for region in spec.regions}
            self._note(spec.name, dict.fromkeys(names, figures), of)

    def finish(self) -> bool:
        """Score the set as a whole and write all; returns True where the file held scores that do not say of
        which pictures they are.
        """
        for spec in self.scorer.bench.ready("set"):
            if not self.there[spec.name]:
                found = self.scorer.set_figures(spec)
                self._note(spec.name, {i: dict.fromkeys(spec.regions, one) for i, one in found.items()}, {})
                self._append()
        self._append()
        if not self.whole:
            write_json(self.scorer.folder / FILE, self._kept(stored_scores(self.scorer.folder)))
            for path in _journals(self.scorer.folder):
                path.unlink(missing_ok=True)
        return self.older

    def _note(self, name: str, rows: dict[str, Any], of: dict[str, str]) -> None:
        self.there[name].update(rows)
        self.journal.fresh.append({"metric": name, "key": self.keys[name], "of": of, "rows": rows})
        if self.careful:
            self._append()

    def _append(self, pause: float = -math.inf) -> None:
        self.whole = not self.journal.append(pause) and self.whole


def stored_scores(folder: Path) -> dict[str, Any]:
    """Metric -> its scores in the file and, later ones, in the journals; of sound rows alone."""
    found = {name: entry for name, entry in (read_json(folder / FILE) or {}).items() if _sound_entry(entry)}
    lines = chain.from_iterable(Journal(path).lines() for path in _journals(folder))
    for line in filter(holds_scores, lines):
        entry = found.get(line["metric"], {})
        if entry.get("key") != line["key"] or "of" not in entry:
            entry = {"key": line["key"], "of": {}, "rows": {}}
        entry["of"].update(line["of"])
        entry["rows"].update(line["rows"])
        found[line["metric"]] = entry
    return found


def holds_scores(line: Mapping[str, Any]) -> bool:
    """True for a journal's line of sound scores: metric, key, of, rows."""
    named = all(isinstance(line.get(key), str) for key in ("metric", "key"))
    return named and isinstance(line.get("of"), dict) and _sound_entry(line)


def _journals(folder: Path) -> list[Path]:
    """The newest last."""
    return sorted(folder.glob("scores*.log"), key=lambda path: path.stat().st_mtime_ns)


def clear_parts(folder: Path) -> None:
    """Remove what parts left in a cell's folder, after all of it became the cell's scores and features."""
    for path in _journals(folder) + feature_parts(folder):
        path.unlink(missing_ok=True)


def forget_scores(root: Path) -> None:
    """Throw the scores of a results folder away; features, which belong to the bytes of a picture, stay."""
    for name in (FILE, "scores*.log"):
        for path in (root / "cells").rglob(name):
            path.unlink()


def _sound_entry(entry: Any) -> bool:
    """True where a metric's stored rows can be written: picture -> region -> a number's text, or a reason."""
    try:
        return all(
            "reason" in figure or np.isscalar(float(figure["value"]))
            for row in entry["rows"].values()
            for figure in row.values()
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def holding(entry: Mapping[str, Any], key: str, of: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Of a metric's stored scores those that still hold: of this metric and, where it scores each picture by
    itself, of pictures that are still the same. A set's key names all of its pictures.
    """
    then = entry.get("of")
    if entry.get("key") != key or not isinstance(then, dict):
        return {"key": key, "of": {}, "rows": {}}
    if of is None:
        return {"key": key, "of": {}, "rows": entry["rows"]}
    same = {i: row for i, row in entry["rows"].items() if i in of and then.get(i) == of[i]}
    return {"key": key, "of": {i: of[i] for i in same}, "rows": same}

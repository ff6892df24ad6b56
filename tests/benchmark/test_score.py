"""Scoring with made-up metrics: incremental, sorted, and a reason wherever there is no number."""

import csv
import hashlib
import io
import json
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import measure, metrics, results, run, suites
from benchmark import plan as plans
from benchmark import rows as tables
from benchmark.__main__ import main
from benchmark.cells import Cell
from benchmark.hands import ScoreWork, WorkDone
from benchmark.inputs.datasets import folder
from benchmark.inputs.frozen import read_mask, read_rgb
from benchmark.inputs.masksets import open_mask_sets
from benchmark.report.summary import summarise
from benchmark.report.write import report
from benchmark.score import _jobs, _kept_bench, do_work, open_cells, score, score_work
from benchmark.scorer import Taken, open_bench
from benchmark.verify import _cells, choose, verify
from inpainters import registry
from inpainters.errors import InputError
from inpainters.imaging import encode_png


@dataclass(frozen=True)
class Spec:
    name: str
    kind: str = "image"
    regions: tuple[str, ...] = ("whole", "hole")
    variant: str = "1"
    title: str = ""
    better: str = "lower"
    unit: str = ""
    weights: str | None = None
    pseudo_values: bool = False
    highest: float = np.inf
    target: str = ""
    on_request: bool = False


@dataclass
class Fake:
    """A mean absolute error, a distance of mean colours, and a metric that is never ready."""

    METRICS: dict[str, Spec] = field(
        default_factory=lambda: {
            "mae": Spec("mae"),
            "colour": Spec("colour", "set", ("whole",)),
            "absent": Spec("absent", regions=("whole",)),
        }
    )
    scored: int = 0
    featured: int = 0
    feature_key: str = "mean"

    def unavailable(self, name: str) -> str | None:
        return "'absent' needs weights." if name == "absent" else None

    def create(self, name: str, device: str = "cpu") -> Any:
        return self

    def reason(self, name: str, region: str, value: float) -> str | None:
        return None if np.isfinite(value) else f"{name} is not finite."

    def score(self, reference: Any, output: Any, mask: Any) -> dict[str, float]:
        self.scored += 1
        error = np.abs(reference.astype(float) - output).mean(axis=2)
        return {"whole": float(error.mean()), "hole": float(error[mask].mean())}

    def score_batch(self, references: Any, outputs: Any, masks: Any) -> list[dict[str, float]]:
        return [self.score(*triple) for triple in zip(references, outputs, masks, strict=True)]

    def features(self, images: Sequence[Any]) -> Any:
        self.featured += len(images)
        return np.array([image.mean(axis=(0, 1)) for image in images], np.float32)

    def distance(self, reference: Any, output: Any) -> float:
        if len(reference) < 2:
            raise InputError("Two pictures at least are needed.")
        return float(np.abs(reference.mean(axis=0) - output.mean(axis=0)).sum())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A finished run of two methods on three small photographs in one bin."""
    return finished_run(tmp_path)


def finished_run(
    tmp_path: Path,
    n: int | None = None,
    seconds: float = 3600.0,
    bins: tuple[str, ...] = ("10-20",),
    once: bool = False,
    methods: Sequence[str] = ("telea", "mean_fill"),
    answers: int = 1,
    masks: Sequence[str] = ("irregular",),
) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(tmp_path / "photos" / f"{name}.png")
    dataset, sets = folder(tmp_path / "photos", "square", 32), open_mask_sets(masks)
    given: dict[str, Any] = {
        "n": n,
        "bins": dict.fromkeys(masks, bins),
        "seed": 0,
        "seconds": seconds,
        "once": once,
        "answers": answers,
    }
    plan = plans.settle(
        tmp_path / "out", plans.make_plan(suites.get("photos"), dataset, sets, methods, **given)
    )
    run.run(tmp_path / "out", plan, dataset, sets, quiet=True)
    return tmp_path / "out"


def rows(root: Path) -> list[dict[str, str]]:
    text = "".join(tables.as_csv(frame, head=i == 0) for i, frame in enumerate(tables.frames(root)))
    return list(csv.DictReader(io.StringIO(text)))


def table(root: Path) -> tuple[bytes, ...]:
    return tuple((root / name).read_bytes() for name in ("scores.parquet", "reasons.parquet", "timings.csv"))


@dataclass
class Pairs(Fake):
    """With a metric of several answers: how far the means of the answers lie apart."""

    METRICS: dict[str, Spec] = field(
        default_factory=lambda: {"mae": Spec("mae"), "spread": Spec("spread", "answers", ("hole",))}
    )

    def unavailable(self, name: str) -> str | None:
        return None

    def score_answers(self, answers: Sequence[Any], mask: Any) -> dict[str, float]:
        means = [float(answer[mask].mean()) for answer in answers]
        return {"hole": max(means) - min(means)}


def test_several_answers_are_scored_together_under_the_first_ones_seed(tmp_path: Path) -> None:
    root = finished_run(tmp_path, methods=["telea", "patchmatch"], answers=3)
    score(root, metrics=Pairs(), quiet=True)
    spread = [r for r in rows(root) if r["metric"] == "spread"]
    assert {(r["method"], r["seed"]) for r in spread} == {("patchmatch", "0")}
    assert len(spread) == 3
    cell = Cell("photos", "irregular", "10-20", "patchmatch", 0)
    for row in spread:
        name = row["image_id"]
        mask = read_mask(root / "cells/photos/irregular/10-20/_inputs" / f"{name}.mask.png")
        means = [
            read_rgb(replace(cell, seed=seed).folder(root) / f"{name}.png")[mask].mean() for seed in range(3)
        ]
        assert float(row["value"]) == pytest.approx(max(means) - min(means))
    assert len([r for r in rows(root) if r["metric"] == "mae" and r["method"] == "patchmatch"]) == 3 * 3 * 2


def test_answers_and_pools_that_were_scored_are_not_scored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = finished_run(tmp_path, bins=("10-20", "40-50"), methods=["telea", "patchmatch"], answers=2)

    def both() -> Fake:
        fake = Pairs()
        fake.METRICS["colour"] = Spec("colour", "set", ("whole",))
        return fake

    score(root, metrics=both(), quiet=True)
    before = table(root)
    with monkeypatch.context() as patch:
        patch.setattr(Pairs, "score_answers", None)
        patch.setattr(Fake, "distance", None)
        score(root, metrics=both(), quiet=True)
    assert table(root) == before
    cell = Cell("photos", "irregular", "10-20", "patchmatch", 1).folder(root)
    record, stored = (json.loads((cell / name).read_text()) for name in ("coffee@full.json", "manifest.json"))
    other = encode_png(255 - read_rgb(cell / "coffee@full.png"))
    record["sha256"] = stored["pictures"]["coffee@full"]["sha256"] = hashlib.sha256(other).hexdigest()
    (cell / "coffee@full.png").write_bytes(other)
    (cell / "coffee@full.json").write_text(json.dumps(record))
    (cell / "manifest.json").write_text(json.dumps(stored))
    values = {key: value for key, value in _of_sets_and_answers(root).items() if value}
    score(root, metrics=both(), quiet=True)
    changed = {key for key, value in _of_sets_and_answers(root).items() if values.get(key) != value}
    assert changed == {
        ("spread", "10-20", "coffee@full", "patchmatch", "0"),
        ("colour", "10-20", "*", "patchmatch", "1"),
        ("colour", "all", "*", "patchmatch", "1"),
    }


def _of_sets_and_answers(root: Path) -> dict[tuple[str, ...], str]:
    keys = ("metric", "bin", "image_id", "method", "seed")
    return {
        tuple(r[key] for key in keys): r["value"] for r in rows(root) if r["metric"] in ("spread", "colour")
    }


def test_a_set_metric_over_all_bins_pools_their_pictures(tmp_path: Path) -> None:
    root = finished_run(tmp_path, bins=("10-20", "40-50"))
    score(root, metrics=Fake(), quiet=True)
    found = {
        (r["bin"], r["method"], r["metric"]): r["value"]
        for r in rows(root)
        if r["image_id"] == "*" and r["value"]
    }
    assert {label for label, _, _ in found} == {"10-20", "40-50", "all"}
    methods = root / "cells/photos/irregular"
    means = [
        read_rgb(png).mean(axis=(0, 1))
        for b in ("10-20", "40-50")
        for png in sorted(methods.glob(f"{b}/telea/*/*.png"))
    ]
    originals = [
        read_rgb(methods / f"10-20/_inputs/{name}@full.png").mean(axis=(0, 1))
        for name in ("astronaut", "coffee", "chelsea")
    ]
    expected = np.abs(np.mean(originals, axis=0) - np.mean(means, axis=0)).sum()
    value = next(
        float(value) for (label, method, _), value in found.items() if (label, method) == ("all", "telea")
    )
    assert value == pytest.approx(expected, rel=1e-4)


@dataclass
class Shares(Fake):
    """With a distance of sets that is the mean of what each picture adds."""

    METRICS: dict[str, Spec] = field(
        default_factory=lambda: {"colour": Spec("colour", "set", ("whole",), pseudo_values=True)}
    )

    def pseudo_values(self, reference: Any, output: Any) -> Any:
        if len(reference) < 2:
            raise InputError("Two pictures at least are needed.")
        return (reference - output).sum(axis=1)


def test_a_set_metric_with_pseudo_values_has_a_row_for_each_picture_and_none_for_the_set(
    tmp_path: Path,
) -> None:
    root = finished_run(tmp_path, bins=("10-20", "40-50"))
    score(root, metrics=Shares(), quiet=True)
    found = rows(root)
    assert {r["image_id"] for r in found} == {f"{name}@full" for name in ("astronaut", "chelsea", "coffee")}
    assert {r["bin"] for r in found} == {"10-20", "40-50"}
    folder = root / "cells/photos/irregular/10-20"
    (png,) = folder.glob("telea/*/coffee@full.png")
    wanted = (read_rgb(folder / "_inputs/coffee@full.png").mean((0, 1)) - read_rgb(png).mean((0, 1))).sum()
    (row,) = (r for r in found if (r["bin"], r["image_id"], r["method"]) == ("10-20", "coffee@full", "telea"))
    assert float(row["value"]) == pytest.approx(wanted, rel=1e-4)
    again = Shares()
    score(root, metrics=again, quiet=True)
    assert (again.featured, rows(root)) == (0, found)


def test_where_they_cannot_be_formed_each_picture_has_the_reason(tmp_path: Path) -> None:
    root = finished_run(tmp_path, n=1)
    score(root, metrics=Shares(), quiet=True)
    assert {(r["image_id"] == "*", r["value"], r["reason"]) for r in rows(root)} == {
        (False, "", "Two pictures at least are needed.")
    }


def test_once_fills_each_picture_at_one_ratio(tmp_path: Path) -> None:
    root = finished_run(tmp_path, bins=("10-20", "40-50"), once=True)
    score(root, metrics=Fake(), quiet=True)
    found = {(r["bin"], r["image_id"]) for r in rows(root) if r["method"] == "telea" and r["metric"] == "mae"}
    assert sorted(label for label, _ in found) == ["10-20", "10-20", "40-50"]
    assert len({image_id for _, image_id in found}) == 3
    assert len(list((root / "cells").rglob("telea/*/*.png"))) == 3


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.slow
def test_two_mask_sets_side_by_side_are_scored_as_each_alone(tmp_path: Path, once: bool) -> None:
    """No figure pools them: pools over all ratios are those of one mask set too."""
    kinds, given = ("irregular", "object"), {"bins": ("10-20", "40-50"), "once": once}
    found = {}
    for masks in (kinds, kinds[:1], kinds[1:]):
        (tmp_path / "+".join(masks)).mkdir()
        root = finished_run(tmp_path / "+".join(masks), masks=masks, **given)
        score(root, metrics=Fake(), quiet=True)
        assert verify(root, metrics=Fake(), scores=None) == []
        found[masks] = [tuple(row.values()) for row in rows(root)]
    assert sorted(found[kinds]) == sorted(found[kinds[:1]] + found[kinds[1:]])
    pools = {row[2] for row in found[kinds] if row[3] == "all"}
    assert pools == set(kinds)
    meaning = json.loads((tmp_path / "irregular+object/out/manifest.json").read_text())["meaning"]
    assert [one["name"] for one in meaning["mask_sets"]] == list(kinds)
    holes = [
        {image_id for label in one["masks"].values() for image_id in label} for one in meaning["mask_sets"]
    ]
    assert holes[0] == holes[1]
    assert [sum(map(len, one["masks"].values())) for one in meaning["mask_sets"]] == [3 if once else 6] * 2


def test_values_are_those_of_the_saved_pictures(root: Path) -> None:
    assert score(root, metrics=Fake(), quiet=True) == []
    row = next(
        r
        for r in rows(root)
        if (r["image_id"], r["method"], r["metric"], r["region"]) == ("coffee@full", "telea", "mae", "hole")
    )
    cell = Cell("photos", "irregular", "10-20", "telea", 0).folder(root)
    inputs = cell.parents[1] / "_inputs"
    mask = read_mask(inputs / "coffee@full.mask.png")
    difference = np.abs(
        read_rgb(inputs / "coffee@full.png").astype(float) - read_rgb(cell / "coffee@full.png")
    )
    assert float(row["value"]) == pytest.approx(difference[mask].mean(), rel=1e-8)
    assert row["reason"] == ""
    assert (row["suite"], row["dataset"], row["mask_set"], row["options"], row["seed"]) == (
        "photos",
        "photos",
        "irregular",
        "{}",
        "0",
    )


def test_rows_are_sorted_complete_and_unique(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    found = [tuple(r.values()) for r in rows(root)]
    assert found == sorted(set(found))
    assert len(found) == 2 * (3 * 2 + 1 + 1)
    timings = list(csv.DictReader((root / "timings.csv").open()))
    assert len(timings) == 6
    assert all(float(t["seconds"]) > 0 for t in timings)


def test_what_cannot_be_computed_is_empty_with_its_reason(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    absent = [r for r in rows(root) if r["metric"] == "absent"]
    assert {(r["image_id"], r["value"], r["reason"]) for r in absent} == {
        ("*", "", "'absent' needs weights.")
    }


def test_scoring_again_computes_nothing_and_changes_no_byte(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    before = table(root)
    fake = Fake()
    score(root, metrics=fake, quiet=True)
    assert (fake.scored, fake.featured) == (0, 0)
    assert table(root) == before


def test_a_new_variant_is_scored_anew_and_the_others_are_not(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    fake = Fake()
    fake.METRICS["mae"] = replace(fake.METRICS["mae"], variant="2")
    score(root, metrics=fake, quiet=True)
    assert (fake.scored, fake.featured) == (6, 0)


def test_originals_are_featured_once_for_all_methods(root: Path) -> None:
    fake = Fake()
    score(root, metrics=fake, quiet=True)
    assert fake.featured == 3 + 2 * 3


TELEA = Cell("photos", "irregular", "10-20", "telea", 0)


def test_a_swapped_picture_is_refused_and_scored_when_it_is_repaired(root: Path) -> None:
    """The audit's course: a PNG is swapped before it is scored, scored, and then repaired."""
    png = TELEA.folder(root) / "coffee@full.png"
    filled = png.read_bytes()
    original = TELEA.folder(root).parents[1] / "_inputs" / "coffee@full.png"
    png.write_bytes(original.read_bytes())  # a perfect fill
    (failure,) = score(root, metrics=Fake(), quiet=True)
    assert failure.startswith("telea irregular 10-20 coffee@full: ")
    assert "run the suite again" in failure
    found = {(r["method"], r["image_id"]): r for r in rows(root) if r["metric"] == "mae"}
    assert found["telea", "coffee@full"]["value"] == ""
    assert "record" in found["telea", "coffee@full"]["reason"]
    assert sum(bool(row["value"]) for row in found.values()) == 5  # nothing else is lost
    assert (
        json.loads((root / "manifest.json").read_text())["meaning"]["mask_sets"][0]["n"]["10-20"]["telea"]
        == 2
    )
    png.write_bytes(filled)
    fake = Fake()
    assert score(root, metrics=fake, quiet=True) == []
    assert (fake.scored, fake.featured) == (3, 3)  # the picture and those it is scored beside, once each
    repaired = table(root)
    for file in root.glob("cells/**/*"):
        if file.name == "scores.json" or file.suffix == ".npz":
            file.unlink()
    score(root, metrics=Fake(), quiet=True)
    assert table(root) == repaired


def test_other_bytes_of_a_refill_never_keep_a_score_or_features(root: Path) -> None:
    """As after a refill with other numbers of threads: PNG, record and manifest are all new."""
    score(root, metrics=Fake(), quiet=True)
    before = {(r["method"], r["image_id"], r["metric"], r["region"]): r["value"] for r in rows(root)}
    folder, name = TELEA.folder(root), "coffee@full"
    picture = read_rgb(folder / f"{name}.png")
    changed = encode_png(np.where(picture < 255, picture + 1, picture).astype(np.uint8))
    (folder / f"{name}.png").write_bytes(changed)
    sha = hashlib.sha256(changed).hexdigest()
    for path, place in ((folder / f"{name}.json", ()), (folder / "manifest.json", ("pictures", name))):
        stored = part = json.loads(path.read_text())
        for key in place:
            part = part[key]
        part["sha256"] = sha
        path.write_text(json.dumps(stored))
    score(root, metrics=Fake(), quiet=True)
    after = {(r["method"], r["image_id"], r["metric"], r["region"]): r["value"] for r in rows(root)}
    assert {key[:3] for key in before if before[key] != after[key]} == {
        ("telea", name, "mae"), ("telea", "*", "colour"),
    }  # fmt: skip


def test_a_changed_mask_or_original_costs_its_own_picture_alone(root: Path) -> None:
    inputs = TELEA.folder(root).parents[1] / "_inputs"
    (inputs / "coffee@full.mask.png").write_bytes((inputs / "chelsea@full.mask.png").read_bytes())
    (inputs / "astronaut@full.png").unlink()
    failures = score(root, metrics=Fake(), quiet=True)
    assert len(failures) == 4
    assert any("mask of 'coffee@full' was changed" in text for text in failures)
    named = [text for text in verify(root) if "coffee" in text or "astronaut" in text]
    assert len(named) == 2  # each once, not once for each method
    assert {r["image_id"] for r in rows(root) if r["metric"] == "mae" and r["value"]} == {"chelsea@full"}


def test_features_are_of_one_picture_whatever_its_size_in_bytes(tmp_path: Path) -> None:
    """Only the neighbours of a changed picture are looked at again."""
    order = [f"p{i:02}" for i in range(40)]
    pictures = {name: np.full((4, 4, 3), i, np.uint8) for i, name in enumerate(order)}
    fake, file = Fake(), tmp_path / "mean.npz"

    def taken(changed: str = "") -> dict[str, Any]:
        shas = {name: f"sha of {name}{' again' * (name == changed)}" for name in order[:-1]}
        return Taken(fake, "mean", shas, order, pictures.__getitem__).features(file)

    assert {name: row[0] for name, row in taken().items()} == {n: i for i, n in enumerate(order[:-1])}
    assert (fake.featured, taken().keys()) == (39, set(order[:-1]))
    pictures["p37"] = pictures["p37"] + 100
    assert taken()["p37"][0] == 37  # the sha256 says that it is the same picture
    assert taken(changed="p37")["p37"][0] == 137
    assert fake.featured == 39 + 7
    assert Taken(fake, "other", {"p01": "sha of p01"}, order, pictures.__getitem__).features(file).keys() == {
        "p01"
    }
    assert fake.featured == 39 + 7 + 1


def test_scores_of_an_older_version_are_scored_anew_with_a_sentence(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    before = table(root)
    stored = json.loads((TELEA.folder(root) / "scores.json").read_text())
    for entry in stored.values():
        del entry["of"]
    for row in stored["mae"]["rows"].values():
        row["whole"] = {"value": "0"}
    (TELEA.folder(root) / "scores.json").write_text(json.dumps(stored))
    file = TELEA.folder(root) / "features" / "mean.npz"
    np.savez(file, key=np.array("old"), features=np.zeros((3, 3), np.float32))
    notes: list[str] = []
    fake = Fake()
    score(root, metrics=fake, quiet=True, note=notes.append)
    assert table(root) == before
    assert (fake.scored, fake.featured) == (3, 3)
    assert len(notes) == 1
    assert notes[0].startswith("1 cells held scores of an older version")


def verified(root: Path, **given: Any) -> tuple[list[str], list[str]]:
    """What `verify` finds wrong, and what it notes."""
    notes: list[str] = []
    return verify(root, metrics=Fake(), note=notes.append, **given), notes


def test_verify_computes_scores_anew(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    wrong, notes = verified(root)
    assert wrong == []
    assert notes == ["Scores of 6 pictures and 1 sets were computed anew."]
    path = TELEA.folder(root) / "scores.json"
    stored = json.loads(path.read_text())
    true = stored["mae"]["rows"]["coffee@full"]["hole"]["value"]
    stored["mae"]["rows"]["coffee@full"]["hole"] = {"value": "0"}  # as of a perfect fill
    for cell in (TELEA, replace(TELEA, method="mean_fill")):
        other = cell.folder(root) / "scores.json"
        found = stored if cell is TELEA else json.loads(other.read_text())
        found["colour"]["rows"]["*"]["whole"] = {"value": "12.5"}
        other.write_text(json.dumps(found))
    score(root, metrics=Fake(), quiet=True)
    wrong, _ = verified(root)
    assert f"telea irregular 10-20 coffee@full: mae (hole) is stored as 0 and found as {true}." in wrong
    assert len(wrong) == 2
    assert "the set of 3 pictures: colour (whole) is stored as 12.5 and found as" in wrong[1]
    assert len(verified(root, scores=None)[0]) == 3
    assert verified(root, scores=0)[0] == []


def test_verify_computes_pseudo_values_anew(root: Path) -> None:
    score(root, metrics=Shares(), quiet=True)
    assert verify(root, metrics=Shares()) == []
    for path in root.glob("cells/**/scores.json"):
        stored = json.loads(path.read_text())
        stored["colour"]["rows"]["coffee@full"]["whole"] = {"value": "1"}
        path.write_text(json.dumps(stored))
    score(root, metrics=Shares(), quiet=True)
    (wrong,) = verify(root, metrics=Shares())
    assert "10-20 coffee@full: colour (whole) is stored as 1 and found as" in wrong


def test_verify_allows_what_another_processor_may_change(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    path = TELEA.folder(root) / "scores.json"
    for factor, count in ((1 + 5e-4, 0), (1 + 2e-3, 1)):
        stored = json.loads(path.read_text())
        value = float(stored["mae"]["rows"]["coffee@full"]["hole"]["value"])
        stored["mae"]["rows"]["coffee@full"]["hole"]["value"] = repr(value * factor)
        path.write_text(json.dumps(stored))
        score(root, metrics=Fake(), quiet=True)
        assert len(verified(root)[0]) == count


def test_verify_says_what_it_could_not_compute(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(root, metrics=Fake(), quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(
            Fake, "unavailable", lambda self, name: "'mae' needs weights." if name != "colour" else None
        )
        wrong, notes = verified(root)
    assert wrong == []
    assert "mae was not computed anew: 'mae' needs weights." in notes
    shutil.rmtree(root / "cells")
    assert verified(root) == ([], ["The pictures are not here: no score could be computed anew."])


def test_the_sets_that_are_checked_are_those_of_the_smallest_cell() -> None:
    def cells(*sizes: int) -> list[Any]:
        given = enumerate(sizes)
        return [SimpleNamespace(images=range(n), cell=SimpleNamespace(title=str(i))) for i, n in given]

    assert [len(one.images) for one in _cells(cells(86, 85, 86, 1, 0), 24)] == [85]
    assert _cells(cells(10_000), 24) == []
    assert len(_cells(cells(86, 85, 1, 0), None)) == 3


def test_the_sample_is_spread_over_methods_and_bins(tmp_path: Path) -> None:
    root = finished_run(tmp_path, bins=("10-20", "40-50"), methods=("telea", "mean_fill", "navier_stokes"))
    scorers = open_cells(root, plans.load_plan(root), open_bench(Fake()))
    for count, cells in ((3, 3), (6, 6), (7, 6)):
        chosen = choose(scorers, count)
        assert len({(one.cell.entry, i, one.cell.bin) for one, i in chosen}) == count
        assert len({(one.cell.entry, one.cell.bin) for one, _ in chosen}) == cells
        assert len({one.cell.entry for one, _ in chosen}) == 3
    assert len(choose(scorers, None)) == 18
    assert choose(scorers, 7) == choose(list(reversed(scorers)), 7)


def test_cells_of_other_numbers_of_threads_are_named(root: Path) -> None:
    path = TELEA.folder(root) / "manifest.json"
    stored = json.loads(path.read_text())
    for record in stored["pictures"].values():
        record["threads"] = {"opencv": 77}
    path.write_text(json.dumps(stored))
    score(root, metrics=Fake(), quiet=True)
    environment = json.loads((root / "manifest.json").read_text())["environment"]
    named = (
        {"telea irregular 10-20"} if environment["threads"]["opencv"] != 77 else {"mean_fill irregular 10-20"}
    )
    ((_, cells),) = environment["other_threads"].items()
    assert set(cells) == named
    for _ in range(2):
        assert any(f": {cells[0]}." in note for note in verified(root)[1])
        shutil.rmtree(root / "cells", ignore_errors=True)  # then from the manifest alone


def test_the_manifest_says_what_code_scored(root: Path) -> None:
    fake = Fake()
    fake.METRICS["mae"] = replace(fake.METRICS["mae"], target="benchmark.metrics.diversity:alex")
    score(root, metrics=fake, quiet=True)
    stored = json.loads((root / "manifest.json").read_text())
    found = stored["environment"]["scored"]["metrics"]
    assert set(found) == {"mae"}
    assert "code" not in json.dumps(stored["meaning"]["metrics"]["mae"])


def test_half_a_score_file_is_taken_up_again(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    before = table(root)
    cell = Cell("photos", "irregular", "10-20", "telea", 0).folder(root)
    stored = json.loads((cell / "scores.json").read_text())
    del stored["mae"]["rows"]["coffee@full"]
    (cell / "scores.json").write_text(json.dumps(stored))
    (cell / "features" / "mean.npz").write_bytes(b"damaged")
    (cell.parents[1] / "mean_fill" / cell.name / "scores.json").write_text("{")
    fake = Fake()
    score(root, metrics=fake, quiet=True)
    assert fake.scored == 3 + 3  # pictures are scored beside the same companions as before
    assert table(root) == before


@pytest.mark.parametrize("damaged", ["x", {"whole": "x"}, {"whole": {}}, {"whole": {"value": "much"}}])
def test_a_damaged_score_is_computed_again(root: Path, damaged: object) -> None:
    score(root, metrics=Fake(), quiet=True)
    before, path = table(root), TELEA.folder(root) / "scores.json"
    stored = json.loads(path.read_text())
    stored["mae"]["rows"]["coffee@full"] = damaged
    path.write_text(json.dumps(stored))
    score(root, metrics=Fake(), quiet=True)
    assert table(root) == before


def test_pictures_are_scored_in_fixed_batches(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which pictures stand beside each other hangs on the plan alone, not on what was scored before."""
    batches: list[int] = []
    together = Fake.score_batch

    def counted(self: Fake, references: Any, outputs: Any, masks: Any) -> list[dict[str, float]]:
        batches.append(len(masks))
        if len(masks) > 1 and len(batches) == 1:
            raise ValueError("These two do not go together.")
        return together(self, references, outputs, masks)

    monkeypatch.setattr(Fake, "score_batch", counted)
    score(root, metrics=Fake(), batch=2, quiet=True)
    assert batches == [2, 1, 1, 2, 1, 1]  # the first one by one, as it failed; the methods take turns
    before = table(root)
    cell = Cell("photos", "irregular", "10-20", "telea", 0).folder(root)
    stored = json.loads((cell / "scores.json").read_text())
    del stored["mae"]["rows"][next(iter(plans.load_plan(root).pictures))]
    (cell / "scores.json").write_text(json.dumps(stored))
    batches.clear()
    batches.append(0)
    score(root, metrics=Fake(), batch=2, quiet=True)
    assert batches == [0, 2]
    assert table(root) == before
    batches.clear()
    score(root, metrics=Fake(), batch=3, quiet=True)
    assert batches == []  # what is there is kept


class BrokenOff(Fake):
    """Is killed when it is asked for more than `left` batches."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def score_batch(self, references: Any, outputs: Any, masks: Any) -> list[dict[str, float]]:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().score_batch(references, outputs, masks)


@pytest.mark.parametrize("torn", [0, 1, 9])
def test_a_scoring_that_was_broken_off_goes_on_from_its_journal(
    root: Path, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    monkeypatch.setattr("benchmark.scoring.PAUSE", -1.0)
    with pytest.raises(KeyboardInterrupt):
        score(root, metrics=BrokenOff(3), batch=1, quiet=True)
    journals = sorted(root.glob("cells/**/scores.log"))
    lines = [json.loads(line) for path in journals for line in path.read_text().splitlines() if line]
    assert len([image_id for line in lines for image_id in line["rows"]]) == 3
    assert not list(root.glob("cells/**/scores.json"))
    if torn:
        last = journals[0]
        last.write_bytes(last.read_bytes()[:-torn])
    fake = Fake()
    score(root, metrics=fake, batch=1, quiet=True)
    assert fake.scored == 6 - 3 + (torn > 1)
    assert not list(root.glob("cells/**/scores.log"))
    continued = table(root)
    for path in root.glob("cells/**/scores.json"):
        path.unlink()
    score(root, metrics=Fake(), batch=1, quiet=True)
    assert table(root) == continued


def test_a_finished_scoring_writes_no_score_again(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    files = {path: path.stat().st_mtime_ns for path in root.glob("cells/**/scores.json")}
    score(root, metrics=Fake(), quiet=True)
    assert files == {path: path.stat().st_mtime_ns for path in files}
    assert len(files) == 2


def test_a_journal_of_nonsense_costs_nothing_but_its_lines(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    before = table(root)
    nonsense = [
        b"{",
        b"[1]",
        b'{"metric": 3}',
        b"\xff\xfe",
        b'{"metric":"mae","key":"x","of":{},"rows":{"a":1}}',
    ]
    (TELEA.folder(root) / "scores.log").write_bytes(b"\n".join(nonsense))
    fake = Fake()
    score(root, metrics=fake, quiet=True)
    assert (fake.scored, table(root)) == (0, before)
    assert not (TELEA.folder(root) / "scores.log").exists()


@pytest.mark.slow
def test_processes_that_share_the_columns_write_the_same_bytes(tmp_path: Path) -> None:
    roots = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        roots.append(finished_run(tmp_path / name, bins=("10-20", "40-50")))
    for root, jobs in zip(roots, (1, 2), strict=True):
        assert score(root, jobs=jobs, quiet=True) == []
    one, two = ((root / "scores.parquet").read_bytes() for root in roots)
    assert one == two
    cells = [sorted(path.relative_to(root) for path in root.rglob("scores.json")) for root in roots]
    assert cells[0] == cells[1]
    assert cells[0]
    for name in cells[0]:
        assert (roots[0] / name).read_bytes() == (roots[1] / name).read_bytes()


def test_a_new_metric_for_many_fills_is_scored_by_all_cores(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.score.MUCH", 6)
    monkeypatch.setattr(measure, "cores", lambda: 7)
    scorers = open_cells(root, plans.load_plan(root), open_bench(Fake()))
    assert _jobs(scorers, "cpu") == 7
    assert _jobs(scorers, "cuda:0") == 1
    assert _jobs(scorers[1:], "cpu") == 1
    score(root, metrics=Fake(), quiet=True)
    assert _jobs(scorers, "cpu") == 1
    for kind in ("image", "set"):
        more = Fake()
        more.METRICS["new"] = Spec("new", kind, ("whole",))
        assert _jobs(open_cells(root, plans.load_plan(root), open_bench(more)), "cpu") == 7
    fake = Fake()
    fake.METRICS["mae"] = replace(fake.METRICS["mae"], variant="2")
    assert _jobs(open_cells(root, plans.load_plan(root), open_bench(fake)), "cpu") == 7


def test_redo_computes_all_scores_anew_from_the_features_that_are_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(root, metrics=Fake(), quiet=True)
    before, fake = table(root), Fake()
    own = open_bench(fake)
    monkeypatch.setattr("benchmark.score.bench_on", lambda *given: own)
    assert main(["score", str(root), "--jobs", "1"]) == 0
    assert (fake.scored, fake.featured) == (0, 0)
    assert main(["score", str(root), "--jobs", "1", "--redo"]) == 0
    assert (fake.scored, fake.featured) == (6, 0)
    assert table(root) == before


def test_a_set_that_is_too_small_says_so(tmp_path: Path) -> None:
    root = finished_run(tmp_path, n=1)
    score(root, metrics=Fake(), quiet=True)
    assert {r["reason"] for r in rows(root) if r["metric"] == "colour"} == {
        "Two pictures at least are needed."
    }


def test_a_failed_picture_has_rows_with_its_reason(root: Path) -> None:
    path = Cell("photos", "irregular", "10-20", "telea", 0).folder(root) / "manifest.json"
    stored = json.loads(path.read_text())
    del stored["pictures"]["coffee@full"]
    path.write_text(json.dumps({**stored, "failed": {"coffee@full": "No luck."}}))
    assert score(root, metrics=Fake(), quiet=True) == ["telea irregular 10-20 coffee@full: No luck."]
    failed = [r for r in rows(root) if r["image_id"] == "coffee@full" and r["method"] == "telea"]
    assert [(r["metric"], r["region"], r["value"], r["reason"]) for r in failed] == [
        ("mae", "hole", "", "No luck."), ("mae", "whole", "", "No luck."),
    ]  # fmt: skip


def test_a_method_without_time_has_rows_that_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = replace(registry.METHODS["telea"], cost=registry.Cost(fixed=1e6))
    monkeypatch.setitem(registry.METHODS, "telea", slow)
    root = finished_run(tmp_path, seconds=60)
    score(root, metrics=Fake(), quiet=True)
    found = [r for r in rows(root) if r["method"] == "telea"]
    assert len(found) == 4
    assert all(r["value"] == "" and "budget" in r["reason"] for r in found)


def test_other_machines_are_asked_for_nothing_where_no_method_has_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = replace(registry.METHODS["telea"], cost=registry.Cost(fixed=1e6))
    monkeypatch.setitem(registry.METHODS, "telea", slow)
    root = finished_run(tmp_path, seconds=60, methods=["telea"])
    assert score(root, metrics=Fake(), quiet=True, elsewhere=lambda *given: pytest.fail("asked")) == []
    assert len(rows(root)) == 4


def test_a_metric_that_another_machine_lacks_is_scored_here(root: Path) -> None:
    class Lacking(Fake):
        def unavailable(self, name: str) -> str | None:
            return f"'{name}' needs a package." if name != "colour" else None

    @contextmanager
    def elsewhere(root: Path) -> Iterator[Any]:
        works: list[ScoreWork] = []

        def done(waiting: deque[ScoreWork]) -> WorkDone:
            while waiting:
                works.append(waiting.popleft())
                yield works[-1], do_work(root, works[-1], open_bench(Lacking()))

        yield SimpleNamespace(number=2, done=done, gather=lambda: None, send=lambda: None)
        assert len(works) == 1 + 2  # the pictures, and the end of each cell

    score(root, metrics=Fake(), quiet=True, elsewhere=elsewhere)
    found = table(root)
    for path in root.glob("cells/**/scores.json"):
        path.unlink()
    score(root, metrics=Fake(), quiet=True)
    assert table(root) == found


def test_a_metric_on_request_is_scored_and_checked_only_where_it_is_named(root: Path) -> None:
    fake, plain = Fake(), Fake()
    fake.METRICS["colour"] = replace(fake.METRICS["colour"], on_request=True)
    del plain.METRICS["colour"]
    score(root, metrics=plain, quiet=True)
    without, bare = table(root), meaning(root)
    score(root, metrics=fake, quiet=True)
    assert table(root) == without
    assert meaning(root) == bare
    score(root, metrics=fake, quiet=True, also=["colour"])
    assert ("colour", "whole") in results.load(root).measured
    assert "colour" in meaning(root)["metrics"]
    assert verify(root, metrics=fake) == []
    score(root, metrics=fake, quiet=True)
    stored = [json.loads(path.read_text()) for path in root.glob("cells/**/scores.json")]
    assert all("colour" in found for found in stored), "it is kept for the next time that it is asked for"
    assert table(root) == without


def meaning(root: Path) -> Any:
    return json.loads((root / "manifest.json").read_text(encoding="utf-8"))["meaning"]


@pytest.fixture
def no_kept_bench() -> Iterator[None]:
    """What a process keeps for the next work belongs to this test alone."""
    _kept_bench.cache_clear()
    yield
    _kept_bench.cache_clear()


@pytest.mark.usefixtures("no_kept_bench")
def test_work_is_scored_with_what_was_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {name: metrics.METRICS[name] for name in ("psnr", "l1")}
    quick["l1"] = replace(quick["l1"], on_request=True)
    monkeypatch.setattr(metrics, "METRICS", quick)
    plan = plans.load_plan(root)
    scorers = open_cells(root, plan, open_bench())
    column, cells = scorers[0].cell.column, tuple(one.cell for one in scorers)
    for also, names in (((), {"psnr"}), (("l1",), {"psnr", "l1"})):
        for images in (tuple(scorers[0].planned), ()):
            score_work(root, ScoreWork(column, cells, images), also=also)
        stored = [json.loads(path.read_text()) for path in root.glob("cells/**/scores.json")]
        assert len(stored) == len(cells)
        assert all(found.keys() == names for found in stored)
        assert all(
            entry["rows"].keys() == set(scorers[0].planned) for found in stored for entry in found.values()
        )


def test_a_metric_that_is_asked_for_must_be_there(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, why in (
        ("psnrr", "did you mean 'psnr'"),
        ("psnr", "computed anyway"),
        ("psnr_brushbench", "`evaluate` alone"),
    ):
        assert main(["score", str(root), "--also", name]) == 2
        assert why in capsys.readouterr().err


def test_redo_throws_nothing_away_where_it_cannot_score(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    before = {path: path.read_bytes() for path in root.glob("cells/**/scores.json")}
    for wrong in (["--also", "psnrr"], ["--jobs", "999"], ["--device", "cuda:77"]):
        assert main(["score", str(root), "--redo", *wrong]) == 2
    assert {path: path.read_bytes() for path in root.glob("cells/**/scores.json")} == before


def test_a_cell_that_another_machine_scored_in_part_is_scored_here(root: Path) -> None:
    """One machine had the metric, another one had not."""
    score(root, metrics=Fake(), quiet=True)
    found = table(root)
    path = sorted(root.glob("cells/**/scores.json"))[0]
    stored = json.loads(path.read_text())
    name = next(name for name in stored if name != "colour")
    stored[name]["rows"].popitem()
    path.write_text(json.dumps(stored))
    nothing = SimpleNamespace(number=1, done=lambda waiting: iter([]), gather=list, send=list)
    score(root, metrics=Fake(), quiet=True, elsewhere=lambda root: nullcontext(nothing))
    assert table(root) == found


def test_an_unfinished_run_scores_what_is_there_and_says_so(root: Path) -> None:
    (Cell("photos", "irregular", "10-20", "telea", 0).folder(root) / "manifest.json").unlink()
    assert score(root, metrics=Fake(), quiet=True) == [
        "1 of 2 cells are not finished: run the suite again to continue."
    ]
    assert {r["method"] for r in rows(root)} == {"mean_fill"}
    (Cell("photos", "irregular", "10-20", "mean_fill", 0).folder(root) / "manifest.json").unlink()
    with pytest.raises(InputError, match="No cell"):
        score(root, metrics=Fake(), quiet=True)


def test_the_manifest_fixes_the_meaning_and_verify_notices_changes(root: Path) -> None:
    score(root, metrics=Fake(), quiet=True)
    manifest = json.loads((root / "manifest.json").read_text())
    meaning = manifest["meaning"]
    assert meaning["mask_sets"][0]["n"] == {"10-20": {"mean_fill": 3, "telea": 3}}
    assert set(meaning["dataset"]["images"]) == {"astronaut@full", "coffee@full", "chelsea@full"}
    assert meaning["methods"]["telea"]["version"] == registry.METHODS["telea"].version
    assert meaning["metrics"]["absent"]["unavailable"] == "'absent' needs weights."
    assert all(0.1 < float(ratio) <= 0.2 for ratio, _ in meaning["mask_sets"][0]["masks"]["10-20"].values())
    assert {"hardware", "threads", "packages", "python"} <= set(manifest["environment"])
    assert str(root.parent) not in json.dumps(manifest)
    assert verify(root) == []
    output = Cell("photos", "irregular", "10-20", "telea", 0).folder(root) / "coffee@full.png"
    output.write_bytes(output.read_bytes() + b"x")
    with (root / "scores.parquet").open("a") as file:
        file.write("x")
    assert len(verify(root)) == 2


@pytest.mark.parametrize("name", ["inputs.json", "manifest.json", "scores.json", "../manifest.json"])
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pictures": 7, "order": 7, "meaning": 7, "mae": 7}'])
def test_whatever_a_json_file_holds_is_mended_or_one_sentence(root: Path, name: str, text: str) -> None:
    score(root, metrics=Fake(), quiet=True)
    for path in [root / "manifest.json"] if name.startswith("..") else list(root.glob(f"cells/**/{name}")):
        path.write_text(text)
    for check in (verify, lambda folder: score(folder, metrics=Fake(), quiet=True)):
        with suppress(InputError):  # any other exception is the failure
            assert isinstance(check(root), list)


def test_an_exact_fill_is_in_the_rows_and_in_the_mean(tmp_path: Path) -> None:
    """A flat photograph is restored exactly; only the means take 60 dB for it, and say so."""
    (tmp_path / "photos").mkdir()
    for name, pixels in (("flat", np.full((40, 40, 3), 77, np.uint8)), ("cat", data.chelsea()[60:100, :40])):
        PilImage.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
    dataset, sets = folder(tmp_path / "photos", "square", 32), open_mask_sets(["irregular"])
    given: dict[str, Any] = {"n": None, "bins": {"irregular": ("10-20",)}, "seed": 0, "seconds": 600.0}
    out = tmp_path / "out"
    planned = plans.make_plan(suites.get("photos"), dataset, sets, ("mean_fill",), **given)
    run.run(out, plans.settle(out, planned), dataset, sets, quiet=True)
    only_psnr: Any = SimpleNamespace(**{**vars(metrics), "METRICS": {"psnr": metrics.METRICS["psnr"]}})
    assert score(out, metrics=only_psnr, quiet=True) == []
    found = results.load(out).column("psnr", "hole").set_index("photograph")
    assert found.loc["flat", "value"] == np.inf
    assert found["reason"].fillna("").eq("").all()
    (figure,) = {c.value.mean for c in summarise(results.load(out), "psnr", "hole").values()}
    assert figure == pytest.approx((60 + found.loc["cat", "value"]) / 2)
    report(out)
    assert (
        "Means take at most 60 dB for a picture, and that for an exact fill."
        in (out / "table.md").read_text()
    )

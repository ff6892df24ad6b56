"""Runs: plans, frozen inputs, and cells that come out the same whatever stopped them."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import cells, measure, record, rows, run, suites
from benchmark import plan as plans
from benchmark.__main__ import main
from benchmark.cells import Cell, ColumnKey, Outcome, difference, lock, read_json, write
from benchmark.engines import local
from benchmark.files import cell_manifest
from benchmark.inputs.datasets import Dataset, folder
from benchmark.inputs.frozen import load_inputs, prepare, read_mask, read_rgb
from benchmark.inputs.masksets import MaskSet, open_mask_sets
from benchmark.plan import Plan
from benchmark.score import score as score_folder
from benchmark.verify import verify as verify_folder
from inpainters import registry
from inpainters.errors import InputError
from inpainters.imaging import encode_png
from inpainters.methods.classical.opencv import Telea
from inpainters.spec import Cost

BINS = ("10-20", "40-50")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three small photographs."""
    path = tmp_path / "photos"
    path.mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(path / f"{name}.png")
    return path


def planned(
    root: Path, photos: Path, methods: tuple[str, ...] = ("mean_fill", "telea"), **changed: Any
) -> tuple[Plan, Dataset, list[MaskSet]]:
    names = changed.pop("masks", ("irregular",))
    dataset, masks = folder(photos, "square", 48), open_mask_sets(names)
    given = {"n": None, "bins": BINS, "seed": 0, "seconds": 3600.0, **changed}
    given["bins"] = dict.fromkeys(names, given["bins"])
    return (
        plans.settle(root, plans.make_plan(suites.get("photos"), dataset, masks, methods, **given)),
        dataset,
        masks,
    )


def start(
    root: Path, photos: Path, methods: tuple[str, ...] = ("mean_fill", "telea"), **changed: Any
) -> Outcome:
    return run.run(root, *planned(root, photos, methods, **changed), quiet=True)


def pngs(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*.png"))}


def test_a_run_writes_every_fill_and_touches_no_known_pixel(tmp_path: Path, photos: Path) -> None:
    outcome = start(tmp_path / "out", photos)
    assert outcome == Outcome(filled=12)
    root = tmp_path / "out" / "cells" / "photos" / "irregular" / "10-20"
    original, mask = (
        read_rgb(root / "_inputs" / "coffee@full.png"),
        read_mask(root / "_inputs" / "coffee@full.mask.png"),
    )
    output = read_rgb(
        Cell("photos", "irregular", "10-20", "telea", 0).folder(tmp_path / "out") / "coffee@full.png"
    )
    assert 0.1 < mask.mean() <= 0.2
    np.testing.assert_array_equal(output[~mask], original[~mask])
    assert (output[mask] != original[mask]).any()


def test_a_second_start_fills_nothing(tmp_path: Path, photos: Path) -> None:
    start(tmp_path / "out", photos)
    before = pngs(tmp_path / "out")
    assert start(tmp_path / "out", photos).filled == 0
    assert pngs(tmp_path / "out") == before


def test_what_a_half_done_cell_holds_is_kept_with_its_time(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "out"
    start(root, photos)
    expected = pngs(root)
    cell = Cell("photos", "irregular", "40-50", "telea", 0).folder(root)
    (cell / "manifest.json").unlink()
    (cell / "coffee@full.json").unlink()
    (cell / "chelsea@full.png").write_bytes(b"half a file")
    kept = (cell / "astronaut@full.json").read_bytes()
    assert start(root, photos).filled == 2
    assert pngs(root) == expected
    assert (cell / "astronaut@full.json").read_bytes() == kept


def test_methods_whose_seed_matters_answer_several_times(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "out"
    assert start(root, photos, ("telea", "patchmatch"), bins=("10-20",), answers=2) == Outcome(filled=9)
    fills = [
        Cell("photos", "irregular", "10-20", "patchmatch", seed).folder(root) / "coffee@full.png"
        for seed in (0, 1)
    ]
    assert fills[0].read_bytes() != fills[1].read_bytes()


def test_pictures_filled_together_are_those_filled_one_by_one(tmp_path: Path, photos: Path) -> None:
    start(tmp_path / "one", photos, ("telea", "patchmatch"), bins=("10-20",))
    start(tmp_path / "two", photos, ("telea", "patchmatch"), bins=("10-20",), batch=2)
    assert pngs(tmp_path / "two") == pngs(tmp_path / "one")


def test_a_batch_of_which_one_is_lacking_is_filled_whole(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Companions may bear on a network's last digits: the same ones must stand beside each picture again."""
    root, seen = tmp_path / "out", list[int]()
    start(root, photos, ("telea",), bins=("10-20",), batch=2)
    cell = Cell("photos", "irregular", "10-20", "telea", 0).folder(root)
    (cell / "manifest.json").unlink()
    (cell / f"{next(iter(plans.load_plan(root).pictures))}.png").unlink()
    answered = Telea.run
    monkeypatch.setattr(
        Telea, "run", lambda self, requests: seen.append(len(requests)) or answered(self, requests)
    )
    assert start(root, photos, ("telea",), bins=("10-20",), batch=2).filled == 1
    assert seen == [2]


def test_a_broken_picture_costs_its_batch_nothing(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Telea.fill

    def fill(self: Telea, piece: Any) -> Any:
        if (piece.image == 0).all(axis=2).mean() < 0.3 and piece.seed % 2:
            raise RuntimeError("no luck")
        return answered(self, piece)

    monkeypatch.setattr(Telea, "fill", fill)
    alone = start(tmp_path / "one", photos, ("telea",))
    together = start(tmp_path / "two", photos, ("telea",), batch=3)
    assert 0 < len(alone.failed) < 6
    assert (together.filled, together.failed) == (alone.filled, alone.failed)


def test_a_new_method_joins_without_touching_the_others(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "out"
    start(root, photos, ("mean_fill",))
    assert start(root, photos, ("telea",)).filled == 6
    assert set(plans.load_plan(root).methods) == {"mean_fill", "telea"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"seed": 1}, "seed"), ({"n": 2}, "n: 3 there, 2 here"), ({"bins": ("10-20",)}, "bins")],
    ids=str,
)
def test_other_settings_are_refused_by_name(
    tmp_path: Path, photos: Path, changed: dict[str, Any], field: str
) -> None:
    start(tmp_path / "out", photos)
    with pytest.raises(InputError, match=field):
        start(tmp_path / "out", photos, **changed)


def test_another_method_version_is_refused_by_name(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path / "out", photos)
    monkeypatch.setitem(registry.METHODS, "telea", replace(registry.METHODS["telea"], version="99"))
    with pytest.raises(InputError, match=r"telea.*version: .* there, 99 here.*--redo"):
        start(tmp_path / "out", photos)


def test_another_package_version_is_refused_by_name(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path / "out", photos)
    monkeypatch.setattr(record.measure, "packages", lambda names: {"numpy": "1.0"})
    with pytest.raises(InputError, match=r"packages\.numpy"):
        start(tmp_path / "out", photos)


def test_a_changed_photograph_and_a_changed_input_are_noticed(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "out"
    start(root, photos)
    inputs = root / "cells" / "photos" / "irregular" / "10-20" / "_inputs"
    (inputs / "coffee@full.png").write_bytes((inputs / "chelsea@full.png").read_bytes())
    (Cell("photos", "irregular", "10-20", "telea", 0).folder(root) / "manifest.json").unlink()
    (Cell("photos", "irregular", "10-20", "telea", 0).folder(root) / "coffee@full.json").unlink()
    assert "was changed" in next(iter(start(root, photos).failed.values()))
    (photos / "coffee.png").write_bytes((photos / "chelsea.png").read_bytes())
    with pytest.raises(InputError, match=r"'coffee@full'.*--redo") as caught:
        start(root, photos)
    assert "chelsea" not in str(caught.value)
    (photos / "coffee.png").unlink()
    PilImage.fromarray(data.rocket()[60:220, 120:280]).save(photos / "rocket.png")
    with pytest.raises(InputError, match=r"gone from.*'coffee@full'"):
        start(root, photos)


def test_damaged_inputs_are_found_by_their_files_and_without_them_by_their_pixels(
    tmp_path: Path, photos: Path
) -> None:
    root, label = tmp_path / "out", "10-20"
    plan, dataset, masks = planned(root, photos, bins=(label,))
    column = ColumnKey("irregular", label)
    inputs = prepare(root, plan, dataset, masks)[column]
    assert load_inputs(root, plan, column) == inputs
    older = replace(inputs, files={})
    assert inputs.damaged() == older.damaged() == {}
    (inputs.folder / "coffee@full.mask.png").write_bytes(
        (inputs.folder / "chelsea@full.mask.png").read_bytes()
    )
    (inputs.folder / "astronaut@full.png").write_bytes(encode_png(inputs.original("astronaut@full")) + b"x")
    (inputs.folder / "chelsea@full.png").unlink()
    assert inputs.damaged() == older.damaged()
    assert set(older.damaged()) == {"coffee@full", "chelsea@full"}  # other bytes, but the same pixels


@pytest.mark.parametrize("damage", [b"", b"\x89PNG", None])
def test_a_damaged_output_or_manifest_and_a_lost_input_are_made_again(
    tmp_path: Path, photos: Path, damage: bytes | None
) -> None:
    root = tmp_path / "out"
    start(root, photos)
    before = pngs(root)
    names = (
        "*/telea/*/coffee@full.png",
        "*/mean_fill/*/manifest.json",
        "*/_inputs/inputs.json",
        "*/_inputs/chelsea@full.mask.png",
    )
    for pattern in names if damage is None else names[:3]:
        for path in root.glob(f"cells/*/*/{pattern}"):
            path.unlink() if damage is None else path.write_bytes(damage)
    assert start(root, photos) == Outcome(filled=2)
    assert pngs(root) == before


def test_how_much_of_the_known_pixels_a_method_changed_is_in_the_record(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def brighter(self: Telea, piece: Any) -> Any:
        return np.minimum(piece.image.astype(int) + 3, 255).astype(np.uint8)

    monkeypatch.setattr(Telea, "fill", brighter)
    start(tmp_path / "out", photos, ("telea", "navier_stokes"), bins=("10-20",))
    for method, most in (("telea", "3"), ("navier_stokes", "0")):
        cell = Cell("photos", "irregular", "10-20", method, 0).folder(tmp_path / "out")
        records = cell_manifest(cell).pictures.values()  # type: ignore[union-attr]
        assert {record.known_max for record in records} == {most}
        assert all(0 <= float(record.known_mean) <= float(most) for record in records)


def test_known_change_is_that_of_known_pixels_alone() -> None:
    image, mask = np.full((4, 4, 3), 250, np.uint8), np.zeros((4, 4), bool)
    raw, mask[0] = image.copy(), True
    raw[0], raw[1, 0, 0], raw[2, 1, 2] = 0, 255, 240
    assert local.known_change(raw, image, mask) == (f"{15 / 36:.6g}", "10")
    assert local.known_change(raw[:2], image, mask) == ("", "")
    assert local.known_change(raw, image, np.ones((4, 4), bool)) == ("", "")


def test_other_numbers_of_threads_keep_what_is_finished_and_are_told(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "out"
    monkeypatch.setattr(measure, "threads", lambda: {"blas": 1, "opencv": 2})
    start(root, photos, ("telea",))
    before = pngs(root)
    monkeypatch.setattr(measure, "threads", lambda: {"blas": 1, "opencv": 2, "torch": 1})
    assert start(root, photos, ("telea",)).unlike == {}  # torch was not there to bear on the pictures
    monkeypatch.setattr(measure, "threads", lambda: {"blas": 1, "opencv": 1, "torch": 1})
    outcome = start(root, photos)
    assert outcome.unlike == {"blas 1, opencv 2": ["telea irregular 10-20", "telea irregular 40-50"]}
    assert (outcome.filled, before.items() <= pngs(root).items()) == (6, True)
    cell = Cell("photos", "irregular", "10-20", "telea", 0).folder(root)
    (cell / "coffee@full.png").unlink()
    assert start(root, photos).filled == 1
    stored = cell_manifest(cell)
    assert stored is not None
    assert stored.threads() == [{"blas": 1, "opencv": 2}, {"blas": 1, "opencv": 1, "torch": 1}]


def test_a_picture_and_record_that_the_manifest_does_not_name_are_named_by_it_again(
    tmp_path: Path, photos: Path
) -> None:
    root = tmp_path / "out"
    start(root, photos, ("telea",))
    cells_ = [Cell("photos", "irregular", b, "telea", 0).folder(root) for b in BINS]
    for suffix in ("png", "json"):
        (cells_[0] / f"coffee@full.{suffix}").write_bytes((cells_[1] / f"coffee@full.{suffix}").read_bytes())
    start(root, photos, ("telea",))
    manifests = [cell_manifest(cell) for cell in cells_]
    assert len({m.pictures["coffee@full"].sha256 for m in manifests if m}) == 1


def test_one_failing_picture_does_not_stop_the_run(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = Telea.fill
    seen: list[int] = []

    def sometimes(self: Telea, piece: Any) -> Any:
        seen.append(1)
        if len(seen) == 2:
            raise RuntimeError("no\nluck")
        return fill(self, piece)

    monkeypatch.setattr(Telea, "fill", sometimes)
    outcome = start(tmp_path / "out", photos)
    assert outcome.filled == 11
    assert list(outcome.failed.values()) == ["RuntimeError: no luck"]
    assert start(tmp_path / "out", photos) == Outcome(filled=1)


def test_a_method_that_cannot_load_fails_alone(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        registry.METHODS,
        "telea",
        replace(registry.METHODS["telea"], target="inpainters.methods.classical.opencv:Nothing"),
    )
    outcome = start(tmp_path / "out", photos)
    assert outcome.filled == len(outcome.failed) == 6
    assert all("Nothing" in reason for reason in outcome.failed.values())


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Telea, piece: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Telea, "fill", stop)
        with pytest.raises(KeyboardInterrupt):
            start(tmp_path / "out", photos)
    assert start(tmp_path / "out", photos).filled == 6


def test_a_full_disk_stops_the_run_and_loses_nothing(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        if "telea" in path.parts and path.suffix == ".png":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(local, "write", full)
        with pytest.raises(OSError, match="No space"):
            start(tmp_path / "out", photos)
    assert start(tmp_path / "out", photos).filled == 6


def test_the_plan_shares_time_by_declared_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    for i, seconds in enumerate((0.0, 0.5, 9.5, 1000.0)):
        spec = replace(registry.METHODS["mean_fill"], name=f"m{i}", cost=Cost(fixed=seconds))
        monkeypatch.setitem(registry.METHODS, f"m{i}", spec)
    monkeypatch.setattr(plans, "OVERHEAD", 0.5)
    bins = ("1-10", "10-20")
    shares = plans.share(["m3", "m0", "m2", "m1"], 16, bins, 300, "shared")
    # 1 s, 2 s, 20 s, 2001 s for a picture of each bin: 16 + 32 s leave 252, which buy 12 of the third, none
    # of the last
    assert shares == {"m0": 16, "m1": 16, "m2": 12, "m3": 0}
    # The last costs more than all others together: what they leave of 2,201 s does not pay for it, of 2,400 s
    # it does.
    for seconds, last in ((2201, 0), (2400, 1)):
        shares = plans.share(["m3", "m0", "m2", "m1"], 16, bins, seconds, "shared")
        assert shares == {"m0": 16, "m1": 16, "m2": 16, "m3": last}
    assert plans.share(["m3"], 16, bins, 4100, "shared") == {"m3": 2}
    # Of two that cost the same none waits for the other.
    monkeypatch.setitem(registry.METHODS, "m4", replace(registry.METHODS["m2"], name="m4"))
    assert plans.share(["m4", "m2"], 16, bins, 100, "shared") == {"m2": 2, "m4": 3}
    assert plans.share(["m2", "m0"], 16, bins, 100, "each") == {"m0": 16, "m2": 5}


def test_the_plan_shares_time_by_the_pictures_size(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cost per pixel: pictures of four times the pixels are a quarter as many."""
    slow = replace(registry.METHODS["mean_fill"], cost=Cost(fixed=0.0, per_missing_megapixel=100.0))
    monkeypatch.setitem(registry.METHODS, "mean_fill", slow)
    monkeypatch.setattr(plans, "OVERHEAD", 0.0)
    masks, bins = open_mask_sets(["irregular"]), {"irregular": ("40-50",)}
    given: dict[str, Any] = {"n": 3, "bins": bins, "seed": 0}
    one = plans.cost("mean_fill", (80, 80), 0.45)
    sizes = {}
    for recipe, side in (("square", 80), ("square", 160), ("native", 256)):
        dataset = folder(photos, recipe, side)  # type: ignore[arg-type]
        plan = plans.make_plan(
            suites.get("photos"), dataset, masks, ["mean_fill"], seconds=8.5 * one, **given
        )
        sizes[recipe, side] = plan.size, plan.methods["mean_fill"]
    assert sizes == {
        ("square", 80): ((80, 80), 3),
        ("square", 160): ((160, 160), 2),
        ("native", 256): ((160, 160), 2),
    }
    cell = plan.cell("mean_fill", ColumnKey("irregular", "40-50"))
    cost = plans.cost("mean_fill", (160, 160), 0.45)
    assert local.declared(cell, plan.size) == pytest.approx(local.OVERHEAD / 10 + cost)


def test_the_time_of_a_plan_counts_every_mask_set(photos: Path, tmp_path: Path) -> None:
    sizes = []
    for kinds in (("irregular",), ("irregular", "object")):
        root = tmp_path / "+".join(kinds)
        plan, _, _ = planned(root, photos, ("telea",), masks=kinds, seconds=2 * 2 * plans.OVERHEAD * 1.5)
        sizes.append(plan.methods["telea"])
        assert len(plan.cells()) == 2 * len(kinds)
    assert sizes == [2, 1]


def test_a_photograph_has_one_hole_of_each_kind_where_it_is_filled_once(photos: Path, tmp_path: Path) -> None:
    plan, dataset, masks = planned(tmp_path / "out", photos, masks=("irregular", "object"), once=True)
    run.run(tmp_path / "out", plan, dataset, masks, quiet=True)
    for kind in ("irregular", "object"):
        holes = sorted(tmp_path.glob(f"out/cells/photos/{kind}/*/_inputs/*.mask.png"))
        assert {(path.parents[1].name, path.name.partition("@")[0]) for path in holes} == {
            (label, name)
            for label in BINS
            for name in (i.partition("@")[0] for i in plan.column(ColumnKey("irregular", label)))
        }
        assert len(holes) == 3


def test_the_same_picture_may_fail_in_holes_of_both_kinds(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Telea, piece: Any) -> Any:
        raise RuntimeError("no luck")

    monkeypatch.setattr(Telea, "fill", fail)
    outcome = start(tmp_path / "out", photos, ("telea",), masks=("irregular", "object"), bins=("10-20",))
    assert len(outcome.failed) == 6
    assert "telea object 10-20 coffee@full" in outcome.failed


def test_a_run_of_an_older_version_goes_on(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    start(root, photos, ("telea",))
    stored = json.loads(plans.plan_file(root).read_text())
    (bins,), (source,) = stored["bins"].values(), stored.pop("mask_sources").values()
    (name,) = stored.pop("mask_sets")
    older = {**stored, "bins": bins, "mask_set": name, "mask_source": source}
    del older["size"]
    plans.plan_file(root).write_text(json.dumps(older))
    assert start(root, photos, ("telea", "mean_fill")).filled == 6
    assert start(root, photos, ("telea",), masks=("irregular", "object")).filled == 12
    with pytest.raises(InputError, match=r"bins\.irregular"):
        start(root, photos, ("telea",), masks=("object",))


def test_a_plan_knows_which_methods_give_several_answers(
    photos: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """Also where their rows are not in the table, as of a method of one's own in another process."""
    plan, *_ = planned(tmp_path / "out", photos, ("patchmatch", "telea"), answers=3)
    monkeypatch.delitem(registry.METHODS, "patchmatch")
    stored = plans.load_plan(tmp_path / "out")
    assert stored == plan
    assert list(stored.seeds("patchmatch")) == [0, 1, 2]
    assert list(stored.seeds("telea")) == [0]


@pytest.mark.parametrize("count", [1, 7, 40, 400])
def test_quick_costs_no_more_than_its_budget_however_many_methods(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = suites.get("quick")
    names = [f"m{i}" for i in range(count)]
    for i, name in enumerate(names):
        spec = replace(registry.METHODS["mean_fill"], name=name, cost=Cost(fixed=0.01 * 1.3 ** (i % 40)))
        monkeypatch.setitem(registry.METHODS, name, spec)
    bins = [label for one in open_mask_sets(quick.mask_sets) for label in one.bins]
    shares = plans.share(names, quick.n or 0, bins, quick.seconds, "shared")
    spent = sum(n * len(bins) * (plans.OVERHEAD + registry.METHODS[m].cost.fixed) for m, n in shares.items())
    assert spent <= quick.seconds * 1.01 < 15 * 60
    assert max(shares.values()) >= 1


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="letter"):
        plans.check_ours(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        plans.check_ours(tmp_path / "letter.txt")


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "damaged"), ('{"format": 0}', "another version"), ('{"format": 1}', "does not say")],
    ids=str,
)
def test_a_damaged_or_foreign_plan_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    write(plans.plan_file(tmp_path), text.encode())
    with pytest.raises(InputError, match=words):
        plans.load_plan(tmp_path)


def test_the_lock_keeps_a_second_run_out_and_outlives_no_process(tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(InputError, match="Another run"), lock(tmp_path):
        pass
    held = tmp_path / "cells" / ".lock"
    assert not held.exists()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with lock(tmp_path):
        mine = json.loads(held.read_text())
    for stale in ({**mine, "pid": child.pid}, {**mine, "started": "another process of this number"}):
        held.write_text(json.dumps(stale))
        with lock(tmp_path):
            assert json.loads(held.read_text()) == mine
    held.write_text(json.dumps({**mine, "host": "elsewhere"}))
    with pytest.raises(InputError, match="Another run"), lock(tmp_path):
        pass


def test_of_two_that_find_a_dead_lock_one_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process removes the dead lock and takes its own between this one's look and its hand."""
    held = tmp_path / "cells" / ".lock"
    with lock(tmp_path):
        mine = json.loads(held.read_text())
    held.write_text(json.dumps({**mine, "started": "dead"}))
    theirs = json.dumps({**mine, "other": True})  # of a process that lives

    def meanwhile(holder: dict[str, Any]) -> bool:
        if holder.get("started") != "dead":
            return True
        held.unlink()
        held.write_text(theirs)
        return False

    monkeypatch.setattr("benchmark.cells._alive", meanwhile)
    with pytest.raises(InputError, match="Another run"), lock(tmp_path):
        pass
    assert held.read_text() == theirs


@pytest.mark.parametrize(
    ("holder", "taken"), [("{}", False), ('{"pid": "x"}', False), ('{"pid": 1, "host": "elsewhere"}', True)]
)
def test_a_lock_of_another_machine_holds_and_a_damaged_one_does_not(
    tmp_path: Path, holder: str, taken: bool
) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / ".lock").write_text(holder)
    with (
        pytest.raises(InputError, match=r"on 'elsewhere'.*delete cells/.lock") if taken else nullcontext(),
        lock(tmp_path),
    ):
        pass


def test_difference_names_the_first_field() -> None:
    assert difference({"a": {"b": 1}}, {"a": {"b": 1}}) is None
    assert difference({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 4}) == "a.b: 1 there, 3 here"
    assert difference({}, {"x": "y"}) == "x: null there, y here"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", b"old")
    monkeypatch.setattr(
        cells.os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    with pytest.raises(OSError, match="full"):
        write(tmp_path / "a", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert read_json(tmp_path / "a") is None


def _code(root: Path, photos: Path) -> str:
    """run and score as a person starts them, without the report."""
    arguments = [
        "run",
        "photos",
        "--data",
        str(photos),
        "--size",
        "48",
        "--methods",
        "mean_fill,telea",
        "--masks",
        "irregular",
        "--out",
        str(root),
        "--only",
        "run",
    ]
    both = f"main({[*arguments, '--only', 'run']!r}) or main(['score', {str(root)!r}])"
    return f"from benchmark.__main__ import main; sys.exit({both})"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_sigkill_anywhere_gives_the_same_scores_to_the_last_byte(
    tmp_path: Path, photos: Path, forked: Callable[..., Any]
) -> None:
    environment = {
        "INPAINTING_WEIGHTS": "",
        "XDG_CACHE_HOME": str(tmp_path),
        "TORCH_HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    undisturbed, killed, said = tmp_path / "undisturbed", tmp_path / "killed", tmp_path / "said.txt"

    def start(root: Path) -> Any:
        return forked(_code(root, photos), said, **environment)

    def whole(root: Path) -> None:
        process = start(root)
        process.join(200)
        assert process.exitcode == 0, said.read_text()

    whole(undisturbed)

    def files() -> int:
        return sum(len(names) for _, _, names in os.walk(killed))

    total = sum(len(names) for _, _, names in os.walk(undisturbed))
    rng = np.random.default_rng(7)
    for threshold in sorted(rng.integers(1, total, 4)):
        _kill_when(start(killed), lambda least=threshold: files() >= least, rng.uniform(0, 0.03))
    whole(killed)
    assert sum(map(len, rows.frames(undisturbed))) > 300
    for name in ("scores.parquet", "reasons.parquet"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()
    assert pngs(killed) == pngs(undisturbed)
    meanings = [json.loads((root / "manifest.json").read_text())["meaning"] for root in (killed, undisturbed)]
    assert meanings[0] == meanings[1]


def _kill_when(process: Any, ready: Callable[[], bool], pause: float) -> None:
    while process.is_alive() and not ready():
        time.sleep(0.002)
    time.sleep(pause)
    process.kill()
    process.join()


@pytest.mark.slow
def test_a_method_runs_with_several_options_side_by_side(tmp_path: Path, photos: Path) -> None:
    arguments = [
        "run",
        "photos",
        "--data",
        str(photos),
        "--n",
        "2",
        "--bins",
        "20-30",
        "--size",
        "64",
        "--masks",
        "irregular",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main([*arguments, "--methods", "telea,telea:radius=9,telea:radius=3.0"]) == 0
    scores = pd.concat(list(rows.frames(tmp_path / "out")))
    assert set(scores["options"]) == {"{}", '{"radius":9.0}'}  # the default, given by hand, is no other entry
    hole = scores[(scores["metric"] == "psnr") & (scores["region"] == "hole")].pivot(
        index=["mask_set", "image_id"], columns="options", values="value"
    )
    assert (hole["{}"] != hole['{"radius":9.0}']).any()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["meaning"]["planned"] == {"telea": 2, 'telea {"radius":9.0}': 2}
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| Telea | 2 |" in table
    assert "| Telea, radius 9.0 | 2 |" in table


@pytest.mark.parametrize(
    ("entry", "words"),
    [("telea:radius", "name=value"), ("telea:radus=3", "radius"), ("telea:radius=0", "between")],
)
def test_options_that_cannot_be_are_refused_before_the_first_picture(tmp_path, photos, capsys, entry, words):
    assert (
        main(["run", "photos", "--data", str(photos), "--methods", entry, "--out", str(tmp_path / "out")])
        == 2
    )
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_from_a_folder_is_pinned_to_what_it_holds(tmp_path: Path, photos: Path) -> None:
    """A cell says which weights it ran; the bundled ones are none of its business, and other weights are not
    taken for them.
    """
    from diffusers import UNet2DModel

    from inpainters.strategy import DETAIL
    from inpainters.weights import denoisers

    model = tmp_path / "model"
    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",)}
    net = UNet2DModel(16, block_out_channels=(8,), layers_per_block=1, norm_num_groups=4, **blocks)
    net.save_pretrained(model)
    (entry,) = plans.choose_methods(f"replacement:model={model}:steps=2")
    name = cells.split_entry(entry)[1]["model"]
    assert name.startswith(f"{model}@")
    assert plans.choose_methods(f"replacement:steps=2:model={name}") == [entry]
    detail = DETAIL.fixed + DETAIL.per_missing_megapixel * round(0.2 * 256**2) / 1e6
    assert plans.cost(entry, (256, 256), 0.2) == pytest.approx(
        0.02 + 2 * 2 * denoisers.call_seconds(name) + detail  # two rounds at each of two levels
    )
    assert start(tmp_path / "out", photos, (entry,)).failed == {}
    (manifest, *_) = [read_json(path) for path in sorted((tmp_path / "out").rglob("manifest.json"))]
    assert (manifest["options"]["model"], manifest["weights"]) == (name, {})
    assert any(name in note for row in manifest["pictures"].values() for note in row["notes"])
    net.conv_in.bias.data += 1
    net.save_pretrained(model)
    assert plans.choose_methods(f"replacement:model={model}:steps=2") != [entry]
    failed = start(tmp_path / "again", photos, (entry,)).failed
    assert all("holds another model" in reason for reason in failed.values())
    assert failed


@pytest.mark.slow
def test_a_mask_that_was_changed_together_with_the_list_of_inputs_is_noticed(
    tmp_path: Path, photos: Path
) -> None:
    root = tmp_path / "out"
    arguments = ["--size", "48", "--methods", "mean_fill,telea", "--masks", "irregular", "--n", "2"]
    assert main(["run", "photos", "--data", str(photos), *arguments, "--out", str(root)]) == 0
    (listed,) = root.glob("cells/*/irregular/20-30/_inputs/inputs.json")
    stored = json.loads(listed.read_text())
    first, second = stored["order"]
    names = [f"{image_id}.mask.png" for image_id in (first, second)]
    (listed.parent / names[0]).write_bytes((listed.parent / names[1]).read_bytes())
    stored["pictures"][first] = {**stored["pictures"][first], **stored["pictures"][second]}
    stored["files"][names[0]] = stored["files"][names[1]]
    listed.write_text(json.dumps(stored))
    failures = score_folder(root, quiet=True)
    assert failures
    assert all("20-30" in text and "not those that it was filled from" in text for text in failures)
    assert [text for text in verify_folder(root) if "not those that it was filled from" in text]

"""The estimate is the run: what methods are given, and the editor's script, against `workload`."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from inpainters.base import Inpainter, InpaintRequest
from inpainters.masks import generate
from inpainters.registry import METHODS
from inpainters.strategy import MOST_HOLES, TILE, Hole, Outline, find_holes, windows, workload

WIDGETS = Path(__file__).parents[2] / "demo/widgets"


def boxes(size, *found):
    mask = np.zeros(size, bool)
    for top, left, bottom, right in found:
        mask[top:bottom, left:right] = True
    return mask


def scattered(seed, size=(700, 500), count=6):
    """Ragged holes anywhere, some at the border."""
    rng, mask = np.random.default_rng(seed), np.zeros(size, bool)
    for _ in range(count):
        high, wide = rng.integers(1, 90, 2)
        top, left = rng.integers(-20, size[0]), rng.integers(-20, size[1])
        part = mask[max(0, top) : top + high, max(0, left) : left + wide]
        part |= rng.random(part.shape) < 0.7
    return mask


MASKS = {
    "one": boxes((200, 300), (60, 100, 90, 160)),
    "far apart": boxes((900, 800), (20, 30, 60, 50), (400, 700, 480, 780), (850, 100, 851, 101)),
    "corners": boxes((400, 500), (0, 0, 1, 1), (399, 0, 400, 1), (0, 499, 1, 500), (399, 499, 400, 500)),
    "one row": boxes((1, 2), (0, 0, 1, 1)),
    "tiny": boxes((5, 3), (0, 0, 2, 1)),
    "nearly all": ~boxes((90, 70), (40, 30, 42, 31)),
    "larger than most caps": boxes((1100, 1300), (50, 60, 1000, 1200)),
    "thin": boxes((1500, 1200), (10, 10, 1490, 12)),
    "two large": boxes((1600, 600), (20, 100, 500, 500), (1100, 100, 1590, 500)),
    "more than are kept apart": boxes((3000, 60), *((y, 20, y + 3, 23) for y in range(0, 3000, 40))),
    "nothing": np.zeros((30, 40), bool),
    **{f"scattered {seed}": scattered(seed) for seed in range(4)},
}


class Spy(Inpainter):
    """Keeps what it is given, and answers in grey."""

    def fill_batch(self, pieces):
        self.seen = list(pieces)
        return [np.full_like(piece.image, 128) for piece in pieces]


@cache
def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def given_to(spec, mask):
    """The pieces that a run of this row gives its method, and its picture."""
    image = picture(*mask.shape)
    spy = Spy(spec)
    spy.seen = []
    plain = {option.name: option.choices[-1] for option in spec.options if option.detail}
    spy(InpaintRequest(image, mask, options=plain))  # what is done to a fill afterwards is no part of it
    return spy.seen, image


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("spec", METHODS.values(), ids=list(METHODS))
def test_a_run_works_where_the_workload_says(spec, name):
    mask = MASKS[name]
    pieces, image = given_to(spec, mask)
    work = workload(mask, spec)
    assert len(pieces) == len(work.windows)
    for piece, window in zip(pieces, work.windows, strict=True):
        assert tuple(np.ceil(np.divide(window.size, window.multiple)) * window.multiple) == piece.mask.shape
        part, missing = window.cut(image, mask)
        assert np.array_equal(piece.image, part)
        assert np.array_equal(piece.mask, missing)
    assert work.megapixels * 1e6 == pytest.approx(sum(np.prod(w.size) for w in work.windows))
    assert work.seconds > 0 or not mask.any()


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("spec", METHODS.values(), ids=list(METHODS))
def test_the_outline_says_as_much_as_the_mask(spec, name):
    """But for holes that nearly touch, which a method that draws them apart may group in another way."""
    exact, rough = workload(MASKS[name], spec), workload(outline(name), spec)
    assert len(rough.windows) == len(exact.windows)
    assert {replace(w, parts=1) for w in rough.windows} == {replace(w, parts=1) for w in exact.windows}
    assert rough.network_calls == exact.network_calls
    if not spec.strategy.apart:
        assert rough.seconds == pytest.approx(exact.seconds)


@cache
def outline(name):
    return Outline(MASKS[name].shape, reference(MASKS[name]))


@pytest.mark.slow
def test_missing_pixels_are_counted_in_each_window():
    for mask in MASKS.values():
        for spec in METHODS.values():
            for window in workload(mask, spec).windows:
                inside = mask[window.top : window.bottom, window.left : window.right]
                assert window.missing == inside.sum()


def test_each_window_has_its_calls():
    """Two windows are two runs of the network: its price by the call, and its pixels, are counted twice."""
    row, one = METHODS["repaint"], boxes((900, 900), (0, 0, 40, 40))
    two = one | one[::-1, ::-1]
    once, twice = workload(one, row), workload(two, row)
    assert (once.network_calls, twice.network_calls) == (57, 114)
    assert twice.seconds - row.cost.fixed == pytest.approx(2 * (once.seconds - row.cost.fixed))


def test_holes_that_are_drawn_apart_cost_their_part():
    row = METHODS["context_encoder"]
    near = boxes((300, 300), (100, 100, 110, 110), (150, 150, 160, 160))
    (window,) = workload(near, row).windows
    assert window.parts == 2
    alone = replace(row, strategy=replace(row.strategy, apart=False))
    assert workload(near, row).seconds == pytest.approx(workload(near, alone).seconds + row.cost.per_part)


def test_the_largest_is_what_is_explained():
    mask = boxes((1200, 500), (10, 10, 60, 60), (700, 100, 800, 200))
    work = workload(mask, METHODS["telea"])
    assert len(work.windows) == 2
    assert work.largest.windows == work.windows[1:]
    image = np.zeros((*mask.shape, 3), np.uint8)
    frames = list(Spy(METHODS["telea"]).explain(InpaintRequest(image, mask)))
    assert [frame.image.shape[:2] for frame in frames] == [work.windows[1].size] * 2
    assert workload(np.zeros_like(mask), METHODS["telea"]).largest.windows == ()


# --- the groups -----------------------------------------------------------------------------------


def reference(mask, most=MOST_HOLES):
    """The groups by SciPy."""
    tiles = np.zeros([-(-length // TILE) for length in mask.shape], bool)
    rows, columns = np.nonzero(mask)
    tiles[rows // TILE, columns // TILE] = True
    labels, count = ndimage.label(tiles, np.ones((3, 3)))
    own = labels[rows // TILE, columns // TILE] if count <= most else np.ones_like(rows)
    depth = np.full(mask.shape, max(mask.shape)) if mask.all() else ndimage.distance_transform_edt(mask)
    boxes = [
        (y.min(), x.min(), y.max() + 1, x.max() + 1, len(y))
        for y, x in ((rows[own == i], columns[own == i]) for i in np.unique(own))
    ]
    return tuple(Hole(*box, round(depth[box[0] : box[2], box[1] : box[3]].max())) for box in boxes)


@settings(max_examples=60, deadline=None)
@example(seed=200, height=72, width=198, count=3)
@given(st.integers(0, 10**6), st.integers(1, 200), st.integers(1, 200), st.integers(0, 12))
def test_groups_are_those_of_scipy(seed, height, width, count):
    mask = scattered(seed, (height, width), count)
    assert find_holes(mask) == reference(mask)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.slow
def test_the_editor_groups_as_methods_do(tmp_path):
    """Its script, run on the masks here and on random ones."""
    masks = [mask for mask in MASKS.values() if mask.size < 10**6]
    masks += [scattered(seed, (1 + 37 * seed % 300, 1 + 53 * seed % 400), seed % 9) for seed in range(30)]
    masks.append(scattered(200, (72, 198), 3))  # boxes that overlap
    for found, mask in zip(edited(tmp_path, masks), masks, strict=True):
        groups = reference(mask, most=np.inf)
        assert {Hole(*hole) for hole in found} == (set(groups) if len(groups) <= MOST_HOLES else set())


def edited(folder, masks):
    """What the editor's script says of each mask."""
    (folder / "package.json").write_text('{"type": "module"}')
    for name in ("mask_editor.holes.js", "mask_editor.mask.js"):
        shutil.copy(WIDGETS / name, folder)
    code = """import { readFileSync } from "node:fs";
import { holes } from "./mask_editor.holes.js";
const masks = JSON.parse(readFileSync(0));
console.log(JSON.stringify(masks.map((one) => holes({ ...one, bits: Uint8Array.from(one.bits, Number) }))));
"""
    (folder / "run.js").write_text(code)
    told = [
        {"h": mask.shape[0], "w": mask.shape[1], "bits": "".join("01"[bit] for bit in mask.ravel().tolist())}
        for mask in masks
    ]
    run = subprocess.run(
        ["node", "run.js"], cwd=folder, input=json.dumps(told), capture_output=True, text=True, check=False
    )
    assert not run.returncode, run.stderr
    return json.loads(run.stdout)


# --- what it takes to ask -------------------------------------------------------------------------


def test_asking_imports_neither_torch_nor_scipy():
    code = (
        "import sys, numpy as np; from inpainters.registry import METHODS; "
        "from inpainters.strategy import workload; "
        "[workload(np.eye(50, dtype=bool), spec).seconds for spec in METHODS.values()]; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "scipy", "diffusers"} & set(run.stdout.split())


@pytest.mark.parametrize("name", ["lama", "gated_conv", "pen_net", "context_encoder", "palette"])
def test_a_share_alone_costs_what_irregular_holes_of_it_do(name):
    spec, size = METHODS[name], (256, 256)
    for label in ("10-20", "20-30", "50-60"):
        drawn = [generate("irregular", size, seed=0, image_id=str(i), bin=label) for i in range(8)]
        real = np.mean([workload(mask, spec).seconds for mask in drawn])
        guessed = workload(Outline.spread(size, np.mean(drawn)), spec).seconds
        assert 0.6 < guessed / real < 1.6, label


def test_windows_of_a_rule_alone():
    mask = MASKS["far apart"]
    assert windows(mask, METHODS["telea"].strategy) == list(workload(mask, METHODS["telea"]).windows)


def test_options_that_cost_more_are_in_the_price():
    mask = np.zeros((300, 300), bool)
    mask[80:200, 80:200] = True
    for method, option, value, times in (
        ("telea", "radius", 50, (50 / 3) ** 2),
        ("navier_stokes", "radius", "6", 4.0),
        ("deep_image_prior", "iterations", None, 2.0),
    ):
        spec = METHODS[method]
        own = next(one for one in spec.options if one.name == option)
        value = 2 * own.default if value is None else value
        plain, dear = (workload(mask, spec, given).seconds for given in ({}, {option: value}))
        fixed = spec.cost.fixed
        assert dear - fixed == pytest.approx(times * (plain - fixed))

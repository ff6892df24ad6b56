"""Batches that are cut on the device, here the processor's memory."""

import cv2
import numpy as np
import pytest
import torch

from inpainters.errors import InputError
from inpainters.training import data, resident
from inpainters.training.__main__ import main
from inpainters.training.data import bank
from inpainters.training.loop import read_checkpoint
from inpainters.training.recipe import load_recipe, parse
from inpainters.training.resident import ResidentBatches

TABLE = {
    "method": "gated_conv",
    "network": {"class": "SlimGatedGenerator"},
    "data": {"crop": 32, "cap": 64, "resident": True},
    "optimizer": {"batch": 8},
}
SLIM = """
method = "gated_conv"
[network]
class = "SlimGatedGenerator"
coarse = [4, 8]
coarse_dilations = [1]
refine = [4, 8]
refine_dilations = [2]
[data]
crop = 64
held_out = 0.3
[optimizer]
batch = 2
bf16 = false
[losses]
network = "none"
[cpu.data]
crop = 32
[gpu.data]
resident = true
[gpu.optimizer]
batch = 4
"""


@pytest.fixture
def pictures():
    """Three pictures of other shapes, each of a colour range of its own."""
    rng = np.random.default_rng(0)
    shapes = [(32, 32), (40, 64), (64, 48)]
    drawn = [(rng.integers(0, 80, (*shape, 3)) + 80 * n).astype(np.uint8) for n, shape in enumerate(shapes)]
    places = np.cumsum([0] + [picture.size for picture in drawn[:-1]])
    return data.Pictures(
        np.concatenate([picture.ravel() for picture in drawn]),
        np.array([[at, *shape] for at, shape in zip(places, shapes, strict=True)], np.int64),
        ["a", "b", "c"],
        0,
    )


def batches(pictures, indices=(0, 1, 2), **options):
    return ResidentBatches(pictures, indices, parse(TABLE), "cpu", masks=16, **options)


def test_a_batch_is_what_the_loop_expects_and_depends_on_the_step_alone(pictures):
    image, mask = batches(pictures)[7]
    assert image.shape == (8, 3, 32, 32)
    assert mask.shape == (8, 1, 32, 32)
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    again = batches(pictures)
    for found, wanted in zip(again[7], (image, mask), strict=True):
        assert torch.equal(found, wanted)
    assert not torch.equal(again[8][0], image)
    assert not torch.equal(again[8][1], mask)


def test_only_the_pictures_named_are_seen_and_each_crop_is_of_one_picture(pictures):
    for index, picture in enumerate("abc"):
        image, _ = batches(pictures, (index,))[0]
        assert (image * 255 >= 80 * index - 0.01).all(), picture
        assert (image * 255 <= 80 * index + 80).all(), picture
    seen = batches(pictures)[0][0].amax((1, 2, 3)) * 255 // 80
    assert len(seen.unique()) > 1


def test_a_crop_of_the_whole_picture_is_the_picture_or_its_mirror_image(pictures):
    image, _ = batches(pictures, (0,))[3]
    whole = pictures[0]
    found = (image * 255).round().byte().permute(0, 2, 3, 1).numpy()
    mirrored = [np.array_equal(crop, whole[:, ::-1]) for crop in found]
    assert all(flip or np.array_equal(crop, whole) for flip, crop in zip(mirrored, found, strict=True))
    assert 0 < sum(mirrored) < len(found)


def test_a_shrunk_crop_is_the_mean_over_the_area_of_each_pixel():
    side, size = 57, 32
    smooth = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (side, side, 3)).astype(np.uint8), (0, 0), 1.0
    )
    whole = data.Pictures(smooth.ravel(), np.array([[0, side, side]], np.int64), ["a"], 0)

    class Widest(ResidentBatches):
        """Takes the largest square, unflipped."""

        def __getitem__(self, step):
            return self._crops(1, None)

    made = Widest(whole, (0,), parse(TABLE), "cpu", masks=1)
    rand = torch.rand
    try:
        torch.rand = lambda count, **options: torch.full((count,), 0.999)
        crop = made[0][0]
    finally:
        torch.rand = rand
    wanted = cv2.resize(smooth, (size, size), interpolation=cv2.INTER_AREA)
    found = (crop * 255).permute(1, 2, 0).numpy()
    assert np.abs(found - wanted).mean() < 1.5
    assert np.abs(found - np.roll(wanted, 1, 1)).mean() > 4


def test_holes_are_of_the_recipes_mix_and_turned(pictures):
    recipe = parse(TABLE)
    drawn = bank(recipe.masks, 32, 16, recipe.seed)
    known = {mask.tobytes() for turned in symmetries(drawn) for mask in turned}
    _, mask = batches(pictures)[0]
    found = [hole.tobytes() for hole in mask[:, 0].bool().numpy()]
    assert set(found) <= known
    assert not set(found) <= {mask.tobytes() for mask in drawn}
    low, high = recipe.masks.low, recipe.masks.high
    shares = drawn.mean((1, 2))
    assert (shares >= low - 0.02).all()
    assert (shares <= high + 0.02).all()


def symmetries(masks):
    for turns in range(4):
        turned = np.rot90(masks, turns, (1, 2))
        yield from (np.ascontiguousarray(turned), np.ascontiguousarray(turned[:, :, ::-1]))


def test_processes_that_share_a_batch_see_parts_of_their_own(pictures):
    first, second = (batches(pictures, share=(rank, 2))[0] for rank in range(2))
    assert len(first[0]) == len(second[0]) == 4
    assert not torch.equal(first[0], second[0])


def test_a_guide_is_refused(pictures):
    with pytest.raises(InputError, match=r"without data\.guide"):
        parse({**TABLE, "data": {**TABLE["data"], "guide": 0.5}})


def test_the_gpu_section_comes_on_top_of_the_cpu_one_where_the_network_is_slim(tmp_path):
    toml = tmp_path / "tiny.toml"
    toml.write_text(SLIM)
    cpu, paper, slim = (
        load_recipe(str(toml), device=device, slim=slim)
        for device, slim in (("cpu", True), ("cuda", False), ("cuda", True))
    )
    assert (cpu.data.crop, cpu.data.resident, cpu.optimizer.batch) == (32, False, 2)
    assert (paper.data.crop, paper.data.resident, paper.optimizer.batch) == (64, False, 2)
    assert (slim.data.crop, slim.data.resident, slim.optimizer.batch) == (32, True, 4)
    toml.write_text(SLIM.split("[gpu.data]")[0].replace("[cpu.data]\ncrop = 32\n", "") + "\n")
    toml.write_text("gpu = 1\n" + toml.read_text())
    with pytest.raises(InputError, match=r"\[gpu\] is a section"):
        load_recipe(str(toml))


def test_a_run_learns_from_resident_batches_and_resumes(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(resident, "MASKS", 64)
    toml = tmp_path / "tiny.toml"
    toml.write_text(SLIM.split("[cpu.data]")[0].replace("crop = 64", "crop = 32\nresident = true"))
    common = [str(toml), "--data", str(photos), "--cache", str(tmp_path / "cache"), "--device", "cpu"]
    assert main([*common, "--out", str(tmp_path / "whole"), "--steps", "4"]) == 0
    for steps, more in (("2", []), ("4", ["--resume"])):
        assert main([*common, "--out", str(tmp_path / "parts"), "--steps", steps, *more]) == 0
    whole, parts = (read_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 4
    for name, tensor in whole["model"].items():
        assert torch.equal(tensor, parts["model"][name]), name

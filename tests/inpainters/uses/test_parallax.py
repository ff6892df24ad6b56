"""A drawn scene whose background is known everywhere: views from beside agree with it, what is uncovered is
background and not the thing before it, and animations do not flicker.
"""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile
from skimage import data

from inpainters.__main__ import main
from inpainters.base import InpaintRequest
from inpainters.errors import InputError
from inpainters.imaging import load_image
from inpainters.registry import create
from inpainters.uses.parallax import (
    behind_near_things,
    novel_view,
    read_depth,
    seen_from,
    swaying,
    taken_apart,
    uncovered,
    warped,
)
from inpainters.uses.video import read_clip

WIDTH, HEIGHT, SHIFT = 200, 140, 0.08
MOVED = round(SHIFT * WIDTH)


def scene(left=80):
    """A ball of one loud colour before a photograph: picture, depth, and where the ball is."""
    photo = cv2.resize(data.coffee()[100:380, :400], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ball = (columns - left) ** 2 + (rows - 70) ** 2 < 35**2
    picture = photo.copy()
    picture[ball] = (20, 220, 60)
    return picture, ball.astype(np.float32), ball, photo


def test_a_view_shows_the_thing_moved_and_the_background_where_it_was():
    picture, depth, ball, photo = scene()
    view = novel_view(picture, depth, create("telea", device="cpu"), shift=(SHIFT, 0.0))
    moved = scene(80 - MOVED)[2]
    green = np.abs(view.astype(int) - (20, 220, 60)).max(2) < 40
    assert (green & moved).sum() / moved.sum() > 0.93
    assert (green & ~moved).sum() < 0.02 * moved.sum()
    far = ~cv2.dilate((ball | moved).astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert np.abs(view.astype(int) - photo)[far].max() <= 1


@pytest.mark.parametrize("name", ["telea", "patchmatch", "lama"])
def test_what_is_uncovered_is_nearer_to_the_background_than_by_a_plain_fill(name):
    picture, depth, ball, photo = scene()
    method = create(name, device="cpu")
    view = novel_view(picture, depth, method, shift=(SHIFT, 0.0))
    plain, seen = warped(picture, depth, np.ones_like(ball), (-float(MOVED), 0.0))
    plain = method.run([InpaintRequest(plain, ~seen)])[0][0].image
    hole = ~seen
    mine, theirs = (np.abs(one.astype(float) - photo)[hole].mean() for one in (view, plain))
    assert mine < 0.75 * theirs


def test_views_have_no_pinholes_on_a_slope():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    picture = np.dstack([columns, rows, 200 - columns]).astype(np.uint8)
    depth = columns / (WIDTH - 1)
    for pixels in ((15.0, 0.0), (-15.0, 0.0), (7.3, 6.1)):
        view, seen = warped(picture, depth, np.ones(depth.shape, bool), pixels)
        inner = np.s_[20:-20, 20:-20]
        assert seen[inner].all()
        # x' = x + p x / (W - 1), so that the colour at x' is known in closed form
        expected = columns / (1 + pixels[0] / (WIDTH - 1))
        assert np.abs(view[inner][..., 0] - expected[inner]).max() < 2


def test_the_left_eye_becomes_the_right_one():
    """Middlebury's stereo pair with its measured disparity: another photograph is the truth."""
    *eyes, disparity = data.stereo_motorcycle()
    size = (370, 250)
    left, right = (cv2.resize(eye[..., :3], size, interpolation=cv2.INTER_AREA) for eye in eyes)
    disparity = np.where(np.isfinite(disparity), disparity, 0).astype(np.float32)
    unmeasured = cv2.dilate((disparity <= 0).astype(np.uint8), np.ones((3, 3)))
    grey = np.rint(disparity / disparity.max() * 255).astype(np.uint8)
    grey = cv2.inpaint(grey, unmeasured, 3, cv2.INPAINT_NS)
    moved = cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST) / 255 * disparity.max() / 2
    still = moved.min()
    depth = ((moved - still) / (moved.max() - still)).astype(np.float32)
    shift = float(moved.max() - still) / size[0]
    view = novel_view(left, depth, create("telea", device="cpu"), shift=(shift, 0.0))
    truth = np.roll(right, round(float(still)), 1).astype(float)[:, 60:-30]
    error, before = (np.abs(one[:, 60:-30] - truth).mean() for one in (view, left))
    assert error < before / 3


def test_the_nearer_covers_the_farther():
    picture = np.zeros((20, 40, 3), np.uint8)
    depth = np.zeros((20, 40), np.float32)
    picture[:, 5:10], depth[:, 5:10] = 100, 0.5
    picture[:, 20:25], depth[:, 20:25] = 200, 1.0
    view, _ = warped(picture, depth, np.ones(depth.shape, bool), (-10.0, 0.0))
    assert (view[10, 10:15] == 200).all()
    assert (view[10, 1:4] == 100).all()


def test_an_animation_is_made_of_one_fill_and_comes_back():
    picture, depth, _, _ = scene()
    method, calls = create("telea", device="cpu"), []
    run = method.run
    method.run = lambda requests, *told: (calls.append(len(requests)), run(requests, *told))[1]
    layers = taken_apart(picture, depth, method, shift=(SHIFT, 0.0))
    clip = swaying(layers, (SHIFT, 0.0), 8)
    assert calls == [1]
    assert clip.frames.shape == (8, HEIGHT, WIDTH, 3)
    assert (clip.frames[0] == picture).all()
    # far from the ball nothing ever moves, and what was uncovered once looks the same in every later view
    views = [seen_from(layers, (part * SHIFT, 0.0)).astype(int) for part in (0.7, 0.85, 1.0)]
    uncovered = np.s_[60:80, 105:109]
    assert max(np.abs(view[uncovered] - views[-1][uncovered]).max() for view in views) <= 1


def test_what_is_uncovered_is_where_the_thing_was_and_no_longer_is():
    picture, depth, ball, _ = scene()
    layers = taken_apart(picture, depth, create("mean_fill", device="cpu"), shift=(SHIFT, 0.0))
    view, hole = uncovered(layers, (SHIFT, 0.0))
    moved = scene(80 - MOVED)[2]
    assert hole[ball & ~moved].mean() > 0.9
    assert hole[~ball].mean() < 0.02
    filled = seen_from(layers, (SHIFT, 0.0))
    assert (view[~hole] == filled[~hole]).all()


def test_what_the_method_will_be_asked_for_is_what_it_is_asked_for():
    picture, depth, _, _ = scene()
    method, asked, steps = create("patchmatch", device="cpu"), [], []
    run = method.run
    method.run = lambda requests, *told: (asked.append(requests[0].mask), run(requests, *told))[1]
    taken_apart(picture, depth, method, shift=(SHIFT, 0.0), on_step=lambda *step: steps.append(step))
    assert (asked[0] == behind_near_things(depth, (SHIFT, 0.0))).all()
    assert steps


def test_views_that_are_passed_twice_are_made_once():
    picture, depth, _, _ = scene()
    layers, shares = taken_apart(picture, depth, create("mean_fill", device="cpu"), shift=(SHIFT, 0.0)), []
    clip = swaying(layers, (SHIFT, 0.0), 8, shares.append)
    assert shares == [0.2, 0.4, 0.6, 0.8, 1.0]
    for frame, part in zip(clip.frames, np.sin(2 * np.pi * np.arange(8) / 8).round(9), strict=True):
        assert (frame == seen_from(layers, (float(part) * SHIFT, 0.0))).all()


def test_depth_of_16_bits_keeps_them_and_can_be_turned(tmp_path):
    values = np.arange(60 * 100, dtype=np.uint16).reshape(60, 100) * 7 + 300
    Image.fromarray(values).save(tmp_path / "deep.png")
    depth = read_depth(tmp_path / "deep.png", (60, 100))
    assert len(np.unique(depth)) == 6000
    assert (depth[0, 0], depth[-1, -1]) == (0, 1)
    turned = read_depth(tmp_path / "deep.png", (60, 100), near="black")
    assert np.allclose(turned, 1 - depth)
    with pytest.raises(InputError, match="both need one size"):
        read_depth(tmp_path / "deep.png", (60, 99))
    Image.new("L", (100, 60), 9).save(tmp_path / "flat.png")
    with pytest.raises(InputError, match="equally far"):
        read_depth(tmp_path / "flat.png", (60, 100))


def test_a_depth_is_turned_as_its_exif_says_and_floats_keep_their_levels(tmp_path):
    values = np.linspace(0, 1, 60 * 100, dtype=np.float32).reshape(60, 100)
    Image.fromarray(values).save(tmp_path / "floats.tiff")
    assert np.allclose(read_depth(tmp_path / "floats.tiff", (60, 100)), values)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter clockwise
    deep = np.rint(values * 65535).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "turned.png", exif=exif)
    assert np.allclose(read_depth(tmp_path / "turned.png", (100, 60)), np.rot90(values, -1), atol=1e-4)
    with pytest.raises(InputError, match="The depth is 60×100, the picture 100×60"):
        read_depth(tmp_path / "turned.png", (60, 100))
    values[3, 4] = np.inf
    Image.fromarray(values).save(tmp_path / "unmeasured.tiff")
    with pytest.raises(InputError, match="without a depth"):
        read_depth(tmp_path / "unmeasured.tiff", (60, 100))


def test_a_depth_of_another_size_is_refused_by_its_header(tmp_path, monkeypatch):
    Image.new("L", (6000, 4000)).save(tmp_path / "huge.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(InputError, match="The depth is 6000×4000, the picture 100×60"):
        read_depth(tmp_path / "huge.png", (60, 100))


def test_a_depth_without_steps_needs_no_more_than_a_margin():
    picture, _, _, _ = scene()
    depth = np.tile(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))
    view = novel_view(picture, depth, create("mean_fill", device="cpu"), shift=(0.03, 0.0))
    assert view.shape == picture.shape


def test_a_camera_that_moves_aside_needs_a_margin_aside_alone():
    depth = np.zeros((20, 400), np.float32)
    depth[:, :100] = 1
    assert behind_near_things(depth, (0.1, 0.0)).shape == (20 + 2, 400 + 2 * 41)
    assert behind_near_things(depth, (0.0, -0.05)).shape == (20 + 2 * 21, 400 + 2)


def test_a_margin_that_would_fill_the_memory_is_refused():
    strip = np.zeros((8, 93_750), np.float32)
    with pytest.raises(InputError, match=r"limit is 100 megapixels, .* Crop it"):
        behind_near_things(strip, (0.04, 0.04))


@pytest.mark.parametrize("turned", [False, True])
def test_a_side_is_refused_where_a_view_could_not_be_drawn(turned):
    def strip(side):
        depth = np.zeros((8, side), np.float32)
        return depth.T if turned else depth

    with pytest.raises(InputError, match="32,766 pixels a side"):
        behind_near_things(strip(32_766), (0.01, 0.01))
    depth = strip(32_766)
    view, _ = warped(np.zeros((*depth.shape, 3), np.uint8), depth, np.ones(depth.shape, bool), (1.0, 0.0))
    assert view.shape[:2] == depth.shape


def test_what_cannot_be_done_is_one_sentence():
    picture, depth, _, _ = scene()
    method = create("mean_fill", device="cpu")
    for wrong, shift, words in (
        (depth[:-1], 0.05, "height and width"),
        (depth * 2, 0.05, "values from 0"),
        (depth, 0.5, "at most 0.2"),
        (depth, 0.0, "more than 0"),
    ):
        with pytest.raises(InputError, match=words):
            taken_apart(picture, wrong, method, shift=(shift, 0.0))
    layers = taken_apart(picture, depth, method, shift=(0.02, 0.0))
    with pytest.raises(InputError, match="0 up or down"):
        seen_from(layers, (0.01, 0.01))
    with pytest.raises(InputError, match=r"up to 0\.02"):
        seen_from(layers, (0.04, 0.0))
    with pytest.raises(InputError, match="between 2 and 600"):
        swaying(layers, (0.02, 0.0), 1)


def test_the_command_writes_a_view_or_an_animation(tmp_path, capsys):
    picture, depth, _, _ = scene()
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    alpha = np.full((HEIGHT, WIDTH, 1), 200, np.uint8)
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "photo.png", exif=tags)
    Image.fromarray((255 * depth).astype(np.uint8)).save(tmp_path / "depth.png")
    asked = ["parallax", str(tmp_path / "photo.png"), str(tmp_path / "depth.png"), "--method", "telea"]
    assert main([*asked, "-o", str(tmp_path / "out.png"), "--shift", "-0.05"]) == 0
    expected = novel_view(picture, depth, create("telea", device="cpu"), shift=(-0.05, 0.0))
    assert (load_image(tmp_path / "out.png").image == expected).all()
    assert capsys.readouterr().err == "photo.png: Alpha was dropped.\n"
    with Image.open(tmp_path / "out.png") as kept:
        assert dict(kept.getexif()) == {0x010F: "Maker"}
    assert main([*asked, "-o", str(tmp_path / "out.webm"), "--shift", "0.05", "0.02", "--frames", "6"]) == 0
    assert read_clip(tmp_path / "out.webm").frames.shape == (6, HEIGHT, WIDTH, 3)
    for more, words in (
        (["-o", str(tmp_path / "out.png")], "--overwrite"),
        (["-o", str(tmp_path / "new.jpg")], "name a .png file"),
        (["-o", str(tmp_path / "new.png"), "--frames", "9"], "name a .webm file"),
        (["-o", str(tmp_path / "new.png"), "--shift", "1", "2", "3"], "one or two"),
    ):
        assert main([*asked, *more]) == 2
        assert words in capsys.readouterr().err

"""The context encoder's windows against cases worked out by hand, and its way between hole and window."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inpainters import imaging, registry
from inpainters.base import InpaintRequest
from inpainters.errors import Cancelled
from inpainters.methods.learned.context_encoder import Square, squares
from inpainters.networks.context_encoder import SlimContextEncoder
from inpainters.strategy import workload
from inpainters.weights import files as weights
from inpainters.weights.build import load_network
from inpainters.weights.table import WEIGHTS

SETTINGS = {"widths": [4, 4, 8, 8, 8], "mixes": 1}


def box(size, top, left, bottom, right):
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.fixture
def method(tmp_path, monkeypatch):
    """With a fresh network, which draws its smooth first fill, whose head adds 0 but for a bias. Windows of
    deep holes come as they are: what the method does with them itself is looked at.
    """
    with torch.random.fork_rng():
        net = SlimContextEncoder(**SETTINGS)
    torch.nn.init.zeros_(net.head.weight)
    path = tmp_path / "context_encoder-1-of-1.safetensors"
    metadata = {
        "method": "context_encoder",
        "network": json.dumps({"class": "SlimContextEncoder", **SETTINGS}),
    }
    save_file({key: value.half() for key, value in net.state_dict().items()}, path, metadata=metadata)
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    pinned = replace(WEIGHTS["context_encoder"], files={path.name: weights.sha256(path)})
    monkeypatch.setitem(WEIGHTS, "context_encoder", pinned)
    row = registry.METHODS["context_encoder"]
    plain = replace(row, strategy=replace(row.strategy, depth=None))
    monkeypatch.setitem(registry.METHODS, "context_encoder", plain)
    load_network.cache_clear()
    yield registry.create("context_encoder", device="cpu")
    load_network.cache_clear()


@pytest.mark.parametrize(
    ("hole", "side", "window"),
    [
        ((32, 32, 96, 96), 64, (0, 0, 128, 128)),  # the paper's own: the centre square of 128x128
        ((0, 0, 64, 64), 64, (-32, -32, 96, 96)),  # in the corner: half of the margin lies beyond the picture
        ((50, 60, 51, 61), 64, (-14, -4, 114, 124)),  # one pixel stays at its own scale
        ((10, 20, 110, 60), 100, (-40, -60, 160, 140)),  # tall: centred on its middle, twice the longer side
        ((0, 0, 101, 7), 102, (-52, -99, 152, 105)),  # odd: rounded up to even
    ],
)
def test_squares_and_windows(hole, side, window):
    square = Square(hole)
    assert square.side == side
    assert square.window == window
    assert square.window[2] - square.window[0] == square.window[3] - square.window[1] == 2 * side
    inner = side // 2
    assert window[0] + inner <= hole[0] <= hole[2] <= window[2] - inner
    assert window[1] + inner <= hole[1] <= hole[3] <= window[3] - inner


def test_beyond_the_picture_is_missing():
    image, mask = np.full((100, 90, 3), 7, np.uint8), box((100, 90), 0, 0, 64, 64)
    image[mask] = 0
    part, missing = Square((0, 0, 64, 64)).cut(image, mask)
    expected = np.ones((128, 128), bool)
    expected[32:, 32:122] = False  # the picture: 96 rows of it, and all its 90 columns
    expected[32:96, 32:96] = True  # the hole
    assert np.array_equal(missing, expected)
    assert (part[~expected] == 7).all()
    assert not part[expected].any()


def test_a_large_hole_is_shrunk_to_the_centre():
    image, mask = np.full((256, 256, 3), 90, np.uint8), box((256, 256), 64, 64, 192, 192)
    part, missing = Square((64, 64, 192, 192)).cut(np.where(mask[..., None], np.uint8(0), image), mask)
    assert np.array_equal(missing, box((128, 128), 32, 32, 96, 96))
    assert (part[~missing] == 90).all()


def test_shrinking_averages_the_known_pixels_of_the_whole_window():
    """Against OpenCV's area means of the window written out, what lies beyond the picture missing."""
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (170, 150, 3), np.uint8), rng.random((170, 150)) < 0.4
    mask[30:160, 0:90] = True
    square = Square((30, 0, 160, 90))
    assert square.window == (-35, -85, 225, 175)
    whole, missing = np.zeros((260, 260, 3), np.uint8), np.ones((260, 260), bool)
    whole[35:205, 85:235], missing[35:205, 85:235] = image, mask
    part, found = square.cut(image, mask)
    known = imaging.shrink(whole, (128, 128), known=~missing).astype(int)
    assert np.array_equal(found, imaging.shrink_mask(missing, (128, 128)))
    assert np.abs(part.astype(int) - known)[~found].max() <= 1
    assert not part[found].any()


def test_paste_puts_the_drawing_where_the_hole_is():
    drawn = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    picture = np.zeros((80, 90, 3), np.uint8)
    Square((0, 10, 20, 40)).paste(picture, drawn)
    # The window starts at 10 - 64 = -54 rows and 25 - 64 = -39 columns.
    assert np.array_equal(picture[0:20, 10:40], drawn[54:74, 49:79])
    picture[0:20, 10:40] = 0
    assert not picture.any()


def test_a_large_drawing_is_enlarged_in_place():
    ramp = np.repeat(np.arange(128, dtype=np.uint8)[:, None, None], 128, 1).repeat(3, 2)
    picture = np.zeros((256, 256, 3), np.uint8)
    Square((64, 64, 192, 192)).paste(picture, ramp)
    rows = np.arange(64, 192)
    assert np.abs(picture[64:192, 100, 0] - (rows + 0.5) / 2 + 0.5).max() <= 1  # the ramp at half its slope
    assert not picture[:64].any()


def test_holes_apart_have_squares_of_their_own():
    mask = box((300, 300), 10, 10, 30, 40) | box((300, 300), 200, 220, 290, 230)
    assert sorted(square.hole for square in squares(mask)) == [(10, 10, 30, 40), (200, 220, 290, 230)]


def test_several_holes_and_pictures_in_one_batch(method):
    image = np.full((200, 160, 3), (200, 120, 60), np.uint8)
    mask = box((200, 160), 5, 5, 30, 20) | box((200, 160), 150, 100, 200, 160)
    requests = [InpaintRequest(image, mask), InpaintRequest(image // 2, box((200, 160), 0, 0, 150, 160))]
    results = [results[0] for results in method.run(requests)]
    for result, request in zip(results, requests, strict=True):
        assert np.abs(result.image.astype(int) - request.image).max() <= 1  # a flat picture stays flat
    for result, request in zip(results, requests, strict=True):
        windows = workload(request.mask, method.spec).windows
        assert result.network_calls == sum(window.parts for window in windows)
    assert results[0].network_calls == 2
    assert results[0].notes == ()
    assert results[1].notes == ("It draws 64×64 pixels, enlarged here to 160×160.",)


def test_the_networks_drawing_reaches_the_hole_and_only_it(method):
    method.load()
    with torch.no_grad():
        method.net.head.bias.fill_(0.2)
    image, mask = np.full((150, 150, 3), 100, np.uint8), box((150, 150), 40, 50, 80, 75)
    result = method(InpaintRequest(image, mask))
    assert (result.image[mask] == 151).all()  # 100 + 0.2 * 255
    assert (result.image[~mask] == 100).all()
    assert (result.raw[~mask][:, 0] == 100).all()


def test_stop_and_progress_over_several_holes(method):
    image, mask = (
        np.full((300, 300, 3), 100, np.uint8),
        box((300, 300), 10, 10, 30, 40) | box((300, 300), 60, 60, 90, 90),
    )
    steps = []
    method(InpaintRequest(image, mask), lambda done, total: steps.append(done / total))
    assert steps == sorted(steps)
    assert steps[-1] == 1
    with pytest.raises(Cancelled):
        method(InpaintRequest(image, mask), lambda done, total: False)


def test_frames_are_the_window_and_the_square(method):
    image, mask = np.full((100, 100, 3), 60, np.uint8), box((100, 100), 0, 0, 20, 90)
    frames = {frame.name: frame for frame in method.explain(InpaintRequest(image, mask))}
    assert list(frames) == ["input", "window", "square", "result"]
    assert frames["window"].image.shape == (128, 128, 3)
    assert set(np.unique(frames["window"].image)) <= {60, 128}
    assert frames["square"].image.shape == (64, 64, 3)
    assert np.array_equal(frames["result"].image, image)

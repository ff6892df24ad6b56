"""A thing that moves over a still or a panned background: what other frames saw comes back, without
flicker.
"""

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from inpainters.__main__ import main
from inpainters.base import InpaintRequest
from inpainters.errors import Cancelled, InputError
from inpainters.registry import create
from inpainters.uses import video
from inpainters.uses.video import Clip, clear, completed, read_clip, read_masks, tracked

SIDE, FRAMES = 128, 12


def scene(pan, speed=6):
    """Frames with a thing on them, where it is, and the frames without it."""
    photo = cv2.resize(data.coffee(), (400, 260), interpolation=cv2.INTER_AREA)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    frames, masks, bare = [], [], []
    for t in range(FRAMES):
        view = photo[40 : 40 + SIDE, 20 + pan * t : 20 + pan * t + SIDE].copy()
        x = 25 + speed * t
        mask = ((columns - x) / 12) ** 2 + ((rows - 64) / 18) ** 2 < 1
        thing = np.dstack([columns - x + 128, 128 + 60 * np.sin((rows - 64) / 3), np.full_like(rows, 30)])
        bare.append(view.copy())
        view[mask] = thing.clip(0, 255).astype(np.uint8)[mask]
        frames.append(view)
        masks.append(mask)
    return np.stack(frames), np.stack(masks), np.stack(bare)


def psnr(one, other, masks):
    return 10 * np.log10(255**2 / ((one.astype(float) - other)[masks] ** 2).mean())


@pytest.mark.parametrize("pan", [0, 2])
def test_what_other_frames_saw_comes_back_without_flicker(pan):
    frames, masks, bare = scene(pan)
    method = create("telea", device="cpu")
    steps, shown = [], {}
    found = clear(
        Clip(frames),
        masks,
        method,
        on_step=lambda what, share: steps.append(share),
        on_frame=lambda t, frame: shown.update({t: frame.copy()}),
    )
    assert (found.clip.frames[~masks] == frames[~masks]).all()
    requests = [InpaintRequest(frame, mask) for frame, mask in zip(frames, masks, strict=True)]
    alone = np.stack([result.image for (result,) in method.run(requests)])
    assert psnr(found.clip.frames, bare, masks) > psnr(alone, bare, masks) + 8
    assert found.seen > 0.95
    forward = video._Course(frames.copy(), masks.copy()).flows[1]
    assert found.warping_error < video.warping_error(Clip(alone), masks, forward) / 3
    assert steps == sorted(steps)
    assert 0 <= steps[0] <= steps[-1] <= 1
    again = clear(Clip(frames), masks, method)
    assert (again.clip.frames == found.clip.frames).all()
    assert sorted(shown) == list(range(FRAMES))
    for frame, mask, now in zip(frames, masks, shown.values(), strict=True):
        assert (now[~mask] == frame[~mask]).all()
        assert (now != frame).any()


@pytest.mark.parametrize("at", [0.1, 0.6, 0.7001])
def test_what_is_told_of_the_work_can_end_it(at):
    """While the flow is found, while other frames are looked at, and inside the method."""
    frames, masks, _ = scene(0, speed=0)
    told = []

    def on_step(what, share):
        told.append(share)
        if share >= at:
            raise Cancelled

    with pytest.raises(Cancelled):
        clear(Clip(frames), masks, create("patchmatch", device="cpu"), on_step=on_step)
    assert told[-1] < at + 0.1


def test_what_no_frame_saw_is_filled_once_and_handed_on():
    frames, masks, _ = scene(0, speed=0)  # the thing stays
    calls = []
    method = create("telea", device="cpu")
    run = method.run

    def counted(requests, *told):
        calls.append(requests[0].mask.sum())
        return run(requests, *told)

    method.run = counted
    found = clear(Clip(frames), masks, method)
    assert found.seen == 0.0
    assert len(calls) == len(found.keys) <= 3
    assert not np.array_equal(found.clip.frames, frames)
    assert found.warping_error < 2


def test_a_mask_drawn_once_follows_the_thing():
    frames, masks, _ = scene(1)
    found = tracked(frames, masks[0])
    assert (found[0] == masks[0]).all()
    for mine, true in zip(found, masks, strict=True):
        assert (mine & true).sum() / true.sum() > 0.95
        assert (mine & true).sum() / (mine | true).sum() > 0.45
    with pytest.raises(InputError, match="first frame"):
        tracked(frames, np.zeros((SIDE, SIDE), bool))


def test_flow_is_continued_smoothly_across_a_hole():
    rows, columns = np.mgrid[:64, :64].astype(np.float32)
    flow = np.dstack([columns / 16, rows / 32])
    mask = np.zeros((64, 64), bool)
    mask[20:40, 24:44] = True
    spoiled = flow.copy()
    spoiled[mask] = 50
    found = completed(spoiled, mask)
    assert (found[~mask] == flow[~mask]).all()
    assert np.abs(found - flow)[mask].max() < 0.6


@pytest.mark.parametrize("name", ["out.webm", "out"])
def test_the_command_reads_what_it_writes(tmp_path, capsys, name):
    frames, masks, _ = scene(0)
    video.write_clip(tmp_path / "clip", Clip(frames))
    Image.fromarray(masks[0]).save(tmp_path / "mask.png")
    asked = ["video", str(tmp_path / "clip"), str(tmp_path / "mask.png"), "-o", str(tmp_path / name)]
    assert main([*asked, "--method", "telea", "--masks", str(tmp_path / "masks")]) == 0
    assert "12 frames in" in capsys.readouterr().out
    found = read_clip(tmp_path / name)
    assert found.frames.shape == frames.shape
    assert found.rate == pytest.approx(12.0)
    again = read_masks(tmp_path / "masks", found)
    assert (again[0] == masks[0]).all()
    if not name.endswith("webm"):
        assert main([*asked, "--method", "telea"]) == 2
        assert "new or empty folder" in capsys.readouterr().err
    else:
        assert main([*asked, "--method", "telea"]) == 2
        assert "--overwrite" in capsys.readouterr().err
        assert (tmp_path / name).read_bytes()[:4] == b"\x1a\x45\xdf\xa3"  # EBML, as in WebM


def test_a_webm_of_odd_sides_loses_no_row(tmp_path, capfd):
    frames = np.random.default_rng(0).integers(0, 256, (3, 65, 81, 3), np.uint8)
    video.write_clip(tmp_path / "odd.webm", Clip(frames))
    head = (tmp_path / "odd.webm").read_bytes()[:64]
    assert b"webm" in head
    assert b"matroska" not in head
    assert capfd.readouterr() == ("", "")  # OpenCV warns of a tag that its own WebM does not know
    assert read_clip(tmp_path / "odd.webm").frames.shape == (3, 66, 82, 3)


def test_frames_that_are_there_are_not_written_over(tmp_path, capsys):
    frames, masks, _ = scene(0)
    video.write_clip(tmp_path / "clip", Clip(frames[:3]))
    Image.fromarray(masks[0]).save(tmp_path / "mask.png")
    before = (tmp_path / "clip" / "00000.png").read_bytes()
    asked = ["video", str(tmp_path / "clip"), str(tmp_path / "mask.png"), "--method", "mean_fill"]
    for more in (
        ["-o", str(tmp_path / "clip")],
        ["-o", str(tmp_path / "o"), "--masks", str(tmp_path / "clip")],
    ):
        assert main([*asked, *more]) == 2
        assert "new or empty folder" in capsys.readouterr().err
    assert (tmp_path / "clip" / "00000.png").read_bytes() == before


@pytest.mark.parametrize("name", ["clip", "clip.webm"])
@pytest.mark.parametrize("limit", ["CLIP_PIXELS", "CLIP_MOST"])
def test_a_clip_that_would_take_all_memory_is_refused_before_all_is_decoded(
    tmp_path, monkeypatch, name, limit
):
    frames, _, _ = scene(0)
    video.write_clip(tmp_path / name, Clip(frames))
    monkeypatch.setattr(video, limit, 2 * SIDE**2 if limit == "CLIP_PIXELS" else 2)
    read, decoded = video.Film.frames, []
    monkeypatch.setattr(video.Film, "frames", lambda film: (decoded.append(one) or one for one in read(film)))
    load = video.load_image
    monkeypatch.setattr(video, "load_image", lambda file: decoded.append(file) or load(file))
    with pytest.raises(InputError, match="cut it shorter"):
        read_clip(tmp_path / name)
    assert len(decoded) == 3


@pytest.mark.parametrize("size", [(15, 64), (64, 15)])
def test_frames_too_small_for_a_flow_are_refused_and_the_least_are_worked_on(tmp_path, size):
    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    video.write_clip(tmp_path / "small", Clip(frames))
    with pytest.raises(InputError, match="sides must have 16 pixels"):
        read_clip(tmp_path / "small")
    least = np.pad(frames, [(0, 0), *((0, max(0, 16 - side)) for side in size), (0, 0)])
    assert video.flow_between(*least).shape == (*least.shape[1:3], 2)


def test_bad_clips_and_masks_are_one_sentence(tmp_path, capsys):
    frames, masks, _ = scene(0)
    video.write_clip(tmp_path / "clip", Clip(frames[:3]))
    Image.fromarray(masks[0]).save(tmp_path / "mask.png")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "few").mkdir()
    Image.fromarray(masks[0]).save(tmp_path / "few" / "0.png")
    for clip, mask, out, words in (
        ("gone.mp4", "mask.png", "o", "no file 'gone.mp4'"),
        ("text.mp4", "mask.png", "o", "fewer than two frames"),
        ("clip", "few", "o", "1 masks, the clip 3 frames"),
        ("clip", "mask.png", "o.mp4", "name a .webm file"),
    ):
        asked = ["video", *(str(tmp_path / name) for name in (clip, mask)), "-o", str(tmp_path / out)]
        assert main([*asked, "--method", "mean_fill"]) == 2
        assert words in capsys.readouterr().err
    for wrong, words in (
        (np.zeros_like(masks), "Nothing is masked"),
        (np.ones_like(masks), "All of every frame"),
    ):
        with pytest.raises(InputError, match=words):
            clear(Clip(frames), wrong, create("mean_fill", device="cpu"))
    with pytest.raises(InputError, match="one of a size"):
        clear(Clip(frames), masks[:2], create("mean_fill", device="cpu"))

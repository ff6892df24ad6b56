"""What a visitor can do in the Uses tab, without a browser."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from demo.actions.uses import clip as actions
from demo.actions.uses.shared import choose_method
from demo.server import clips
from demo.server import drawn_clip as made
from demo.server.clips import ClipJob, ClipVisit, clip_examples, size_here
from demo.server.jobs import Batch
from demo.server.visit import Reply
from demo.views.uses import clip as view
from demo.views.uses.shared import chooser
from inpainters import registry
from inpainters.costs import spoken
from inpainters.errors import InputError
from inpainters.strategy import Outline
from inpainters.uses import video
from inpainters.uses.video import Clip, read_clip, tracked, write_clip


@pytest.fixture(scope="module", autouse=True)
def _brief() -> Iterator[None]:
    """The drawn clip has few frames here."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (made, clips):
            patch.setattr(module, "DRAWN_COUNT", 10)
        made.drawn_clip.cache_clear()
        yield
    made.drawn_clip.cache_clear()


@pytest.fixture
def visit(app: Any) -> Iterator[ClipVisit]:
    visit = ClipVisit(app.store, method="telea")
    yield visit
    visit.close()


@pytest.fixture
def short(tmp_path: Path) -> Callable[..., Path]:
    """Writes a noisy clip as WebM; returns its path."""

    def write(count: int, height: int, width: int, name: str = "a.webm") -> Path:
        frames = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
        write_clip(tmp_path / name, Clip(np.repeat(frames, count, axis=0), 24.0))
        return tmp_path / name

    return write


def wait(job: ClipJob, until: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, (job.state, job.message, job.what)
        time.sleep(0.01)


@pytest.mark.slow
def test_the_example_runs_at_once(app: Any, visit: ClipVisit, rgba_mask: Any, tmp_path: Path) -> None:
    assert [one["id"] for one in clip_examples(app.store)] == [clips.EXAMPLE]
    token = actions.open_uses(app, visit).mask
    assert token is not None
    mask = app.store.mask(token)
    batch = actions.start(app, visit, rgba_mask(mask))
    job = visit.job
    assert job is not None
    seen = []
    wait(job, lambda: seen.append((job.what, job.progress, bool(job.shots))) or batch.finished)
    assert job.state == "done", job.message
    shares = [share for _, share, _ in seen[:-1]]
    assert shares == sorted(shares)
    assert {"where it is", "how things move", "writing the clips"} <= {what for what, _, _ in seen}
    assert any(shown for _, _, shown in seen)
    found = job.screened
    assert found is not None
    films = {}
    for name in ("before", "after", "masks"):
        path = app.store.path(getattr(found, name))
        films[name] = read_clip(path).frames.astype(int)
    clip, first = made.drawn_clip()
    true = tracked(clip.frames, first)
    changed = np.abs(films["before"] - films["after"]).max(3) > 40
    assert changed[true].mean() > 0.3
    assert changed[~true].mean() < 0.002
    pink = films["masks"] - films["before"]
    assert pink[true].mean(0)[1] < -20
    assert (np.abs(pink[~true].mean(0)) < 2).all()
    shown = view.screen(visit, app.runner)
    assert shown["state"] == "done"
    assert not shown["stale"]
    assert "Other frames saw" in shown["said"][0]
    assert f"Warping error {found.warping_error:.2f} grey levels" in shown["said"][1]
    choose_method(visit, "mean_fill")
    assert view.screen(visit, app.runner)["stale"]
    tokens = [found.before, found.after, found.masks, *job.shots]
    visit.close()
    assert [app.store.path(token) for token in tokens] == [None] * len(tokens)
    assert app.store.path(token) is not None  # the example's own stay for all


@pytest.mark.parametrize("at", ["where it is", "how things move"])
def test_stop_ends_it_in_the_middle_and_leaves_nothing(
    app: Any, visit: ClipVisit, rgba_mask: Any, at: str
) -> None:
    mask = app.store.mask(str(actions.open_uses(app, visit).mask))
    batch = actions.start(app, visit, rgba_mask(mask))
    job = visit.job
    assert job is not None
    wait(job, lambda: job.what == at)
    assert view.screen(visit, app.runner)["state"] == "running"
    batch.stop()
    wait(job, lambda: job not in app.runner.lanes.works())
    assert job.state == "stopped"
    assert job.screened is None
    shown = view.screen(visit, app.runner)
    assert shown["state"] == "stopped"
    assert "after" not in shown


def test_what_does_not_fit_is_cut_and_shrunk_with_a_sentence(
    app: Any, visit: ClipVisit, short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "CLIP_FRAMES", 6)
    monkeypatch.setattr(clips, "CLIP_SHORT", 48)
    path = short(9, 96, 160)
    actions.take_clip(app, visit, str(path), "Holiday.mp4")
    clip = visit.clip
    assert clip is not None
    assert not path.exists()  # the upload is the visit's alone
    assert (clip.size, clip.count) == ((48, 80), 6)
    assert clip.read(app.store).frames.shape == (6, 48, 80, 3)
    (note,) = clip.notes
    assert "the first 6 of 9 frames and 80×48 pixels in place of 160×96" in note
    assert "python -m inpainters video" in note
    assert view.frame_editor(visit, Reply())["note"] == note
    files = [clip.source, clip.first]
    assert all(app.store.path(token) for token in files)
    actions.choose_example(app, visit, clips.EXAMPLE)
    assert [app.store.path(token) for token in files] == [None, None]


def test_sizes_are_capped_by_side_and_by_all_pixels() -> None:
    assert size_here((240, 320), 120) == (240, 320)
    assert size_here((1080, 1920), 30) == (512, 910)
    height, width = size_here((1080, 1920), 120)
    assert 120 * height * width <= clips.CLIP_TOTAL
    assert width / height == pytest.approx(16 / 9, rel=0.01)


def test_files_that_are_no_clips_get_one_sentence(
    app: Any, visit: ClipVisit, short: Any, tmp_path: Path
) -> None:
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{short(4, 64, 64)}\n#EXT-X-ENDLIST\n")
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    torn = tmp_path / "torn.webm"
    torn.write_bytes(short(4, 64, 64, "b.webm").read_bytes()[:60])
    still = tmp_path / "still.gif"
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "a.png").rename(still)
    for path in (playlist, text, torn, still):
        with pytest.raises(InputError, match="choose an MP4, MOV, WebM"):
            actions.take_clip(app, visit, str(path), "Holiday.mp4")
        assert not path.exists()
    with pytest.raises(InputError, match="24×24"):
        actions.take_clip(app, visit, str(short(4, 24, 24)), "small.webm")
    assert visit.clip is None


def test_a_clip_of_huge_frames_is_not_decoded(
    app: Any, visit: ClipVisit, short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "CLIP_FRAME_PIXELS", 64 * 64)
    monkeypatch.setattr(video.Film, "frames", lambda self: pytest.fail("decoded"))
    with pytest.raises(InputError, match="128×96 pixels: choose a smaller clip"):
        actions.take_clip(app, visit, str(short(3, 96, 128)), "big.webm")


def test_what_cannot_be_run_says_why(
    app: Any, visit: ClipVisit, rgba_mask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = np.zeros((256, 384), bool)
    with pytest.raises(InputError, match="Choose a clip first"):
        actions.start(app, visit, rgba_mask(~mask))
    actions.open_uses(app, visit)
    for wrong, words in (
        (mask, "Nothing is masked"),
        (~mask, "All of the frame"),
        (~mask[1:], "Use the same"),
    ):
        with pytest.raises(InputError, match=words):
            actions.start(app, visit, rgba_mask(wrong) if wrong.any() else "")
    mask[40:80, 40:80] = True
    monkeypatch.setattr(clips.memory, "free_ram", lambda: 1000)
    with pytest.raises(InputError, match=r"needs about 0\.0 GB"):
        actions.start(app, visit, rgba_mask(mask))
    monkeypatch.setattr(actions, "MOST_AT_ONCE", 0)
    with pytest.raises(InputError, match="try again in a minute"):
        actions.start(app, visit, rgba_mask(mask))
    with pytest.raises(InputError, match="example is unknown"):
        actions.choose_example(app, visit, "other")
    assert visit.job is None


def test_a_run_that_is_refused_leaves_what_was_made_before(
    app: Any, visit: ClipVisit, rgba_mask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = app.store.mask(str(actions.open_uses(app, visit).mask))
    assert visit.clip is not None
    own, *others = (actions.job_for_clip(app, visit.clip, "telea", Outline.of(mask)) for _ in range(3))
    visit.batch = made = Batch([own])
    monkeypatch.setattr(app.runner.lanes, "works", lambda: [own, *others])
    with monkeypatch.context() as patch:
        patch.setattr(actions, "MOST_AT_ONCE", 2)
        with pytest.raises(InputError, match="2 clips are being worked on already"):
            actions.start(app, visit, rgba_mask(mask))
    with monkeypatch.context() as patch:
        patch.setattr(clips.memory, "free_ram", lambda: 1000)
        with pytest.raises(InputError, match="try again in a minute, or open a shorter one"):
            actions.start(app, visit, rgba_mask(mask))
    monkeypatch.setattr("demo.server.jobs.MOST_SECONDS", 0.0)
    with pytest.raises(InputError, match="takes longer"):  # the visit's own is not one of three
        actions.start(app, visit, rgba_mask(mask))
    assert visit.batch is made
    assert own.state == "waiting"


def test_the_estimate_is_the_whole_clips_and_grows_with_it(app: Any, visit: ClipVisit) -> None:
    actions.open_uses(app, visit)
    hole = {"count": 900, "bbox": [40, 40, 70, 70], "holes": [[40, 40, 70, 70, 900, 15]], "digest": "7"}
    actions.frame_painted(visit, hole)
    found = actions.prices(visit)
    assert [each.cost for each in found.values()] == sorted(each.cost for each in found.values())
    assert visit.clip is not None
    longer = replace(visit.clip, count=2 * visit.clip.count)
    spec = registry.get("telea")
    once, twice = (clips.price_of_clip(clip, visit.outline, spec) for clip in (visit.clip, longer))
    fill = clips.KEY_FRAMES * clips.price(spec, visit.outline).cost
    assert twice.cost - fill == pytest.approx(2 * (once.cost - fill))
    assert chooser(visit, found)["choices"][0][0].endswith(f" · {spoken(next(iter(found.values())).seconds)}")
    label, ready = view.buttons(visit, app.runner, found)[0].values()
    assert ready
    assert label.startswith("Run 10 frames · ")
    actions.frame_painted(visit, {"count": 0, "bbox": [0, 0, 0, 0]})
    assert view.buttons(visit, app.runner, found)[0] == {
        "value": "Paint over what should disappear",
        "interactive": False,
    }


def test_a_box_around_the_thing_selects_it(app: Any, visit: ClipVisit) -> None:
    true = app.store.mask(str(actions.open_uses(app, visit).mask))
    rows, columns = np.nonzero(true)
    box = {"left": columns.min() - 6, "top": rows.min() - 6, "right": columns.max() + 6, "bottom": rows.max()}
    reply = actions.use_clip_tool(app, visit, {"kind": "object", **box})
    found = app.store.mask(str(reply.mask))
    assert (found & true).sum() / (found | true).sum() > 0.6
    assert view.frame_editor(visit, reply)["how"] == "add"
    with pytest.raises(InputError, match="tool is for pictures"):
        actions.use_clip_tool(app, visit, {"kind": "extend"})

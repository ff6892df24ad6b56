"""What a visitor can do with a picture and its depth, without a browser."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import compare
from demo.actions.uses import new_view as actions
from demo.actions.uses.shared import choose_method
from demo.server import new_view as server
from demo.server.drawn_scene import drawn_scene
from demo.server.jobs import Batch, Job
from demo.server.new_view import ViewVisit, view_examples
from demo.server.pictures import PAGE_PIXELS
from demo.views.uses import new_view as view
from inpainters.errors import InputError
from inpainters.registry import create
from inpainters.uses.parallax import Depth, behind_near_things, novel_view
from inpainters.uses.video import read_clip


@pytest.fixture
def visit(app: Any) -> Iterator[ViewVisit]:
    visit = ViewVisit(app.store, method="telea")
    yield visit
    visit.close()


@pytest.fixture
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FILM_FRAMES", 4)


def wait(app: Any, visit: ViewVisit) -> None:
    end = time.monotonic() + 60
    while visit.job and not (visit.job.final and visit.job not in app.runner.lanes.works()):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.usefixtures("_brief")
@pytest.mark.slow
def test_the_example_is_seen_from_beside_as_the_command_would(app: Any, visit: ViewVisit) -> None:
    assert [one["id"] for one in view_examples(app.store)] == ["scene"]
    actions.open_view_use(app, visit)
    picture, depth = drawn_scene()
    found = actions.view_prices(visit)
    assert view.view_buttons(visit, app.runner, found)[0]["value"].startswith("Look from there · ")
    actions.look_from_beside(app, visit)
    wait(app, visit)
    assert visit.made is not None, visit.job and visit.job.message
    true = novel_view(picture, depth, create("telea"), shift=(0.04, 0.0))
    made = app.store.image(visit.made.view)
    assert np.array_equal(made, true)
    opened = app.store.image(visit.made.opened)
    changed = (opened != made).any(2)
    assert 0.02 < visit.made.share < 0.08
    assert changed.mean() == pytest.approx(visit.made.share, abs=0.005)
    assert (np.ptp(opened[changed].astype(int), axis=1) < 16).all()  # greys of the hatching
    path = app.store.path(visit.made.film)
    frames = read_clip(path).frames.astype(int)
    assert len(frames) == 4
    assert np.abs(frames[0] - picture).mean() < 8 < np.abs(frames[1] - picture).mean()
    assert [pane["id"] for pane in view.view_panes(visit, app.runner)["panes"]] == [
        "original", "depth", "opened", "fill",
    ]  # fmt: skip
    assert str(view.view_film(visit)["src"]).endswith(".webm")
    session = compare.session_of(app, None)
    actions.hand_view(app, session, visit)
    assert np.array_equal(app.store.image(session.round.picture.token), made)
    choose_method(visit, "mean_fill")
    assert view.view_panes(visit, app.runner)["panes"][-1]["state"] == "stale"
    tokens = [*visit.made.tokens, str(visit.shown_depth)]
    visit.close()
    assert [app.store.path(token) for token in tokens] == [None] * 4


@pytest.mark.usefixtures("_brief")
@pytest.mark.parametrize("step", ["", "taken_apart", "swaying", "stored_clip"])
def test_stop_ends_it_and_leaves_nothing(
    app: Any, visit: ViewVisit, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, or when this step is done."""
    actions.open_view_use(app, visit)
    before = {*app.store.folder.iterdir()}
    if step:
        whole = getattr(server, step)

        def stopped(*given: Any, **more: Any) -> Any:
            made = whole(*given, **more)
            reached.append(len({*app.store.folder.iterdir()} - before))
            visit.stop()
            return made

        monkeypatch.setattr(server, step, stopped)
    reached: list[int] = []
    actions.look_from_beside(app, visit)
    if not step:
        visit.stop()
    wait(app, visit)
    assert reached == {"": [], "stored_clip": [3]}.get(step, [0])
    assert visit.made is None
    assert visit.job is not None
    assert visit.job.state == "stopped"
    assert {*app.store.folder.iterdir()} == before


def test_a_view_that_is_refused_leaves_the_one_before(
    app: Any, visit: ViewVisit, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.open_view_use(app, visit)
    visit.batch = made = Batch([Job("telea", state="done")])
    monkeypatch.setattr("demo.server.jobs.MOST_SECONDS", 0.0)
    with pytest.raises(InputError, match="takes longer"):
        actions.look_from_beside(app, visit)
    assert visit.batch is made


def test_the_way_of_the_camera_is_checked_and_asked_for(app: Any, visit: ViewVisit) -> None:
    actions.open_view_use(app, visit)
    near = sum(hole.missing for hole in visit.hole.holes) if visit.hole else 0
    actions.move_camera(visit, 500, -2)
    assert visit.shift == (0.1, -0.02)
    assert visit.hole is not None
    assert sum(hole.missing for hole in visit.hole.holes) > near
    reply = actions.move_camera(visit, 0, 0)
    assert reply.note.startswith("Move a slider")
    assert view.view_buttons(visit, app.runner, actions.view_prices(visit))[0]["interactive"] is False
    with pytest.raises(InputError, match="Move a slider"):
        actions.look_from_beside(app, visit)
    for wrong in (nan, "1", None, True):
        with pytest.raises(InputError, match="makes no sense"):
            actions.move_camera(visit, wrong, 0)


def test_a_large_picture_is_shrunk_with_its_depth_and_says_so(
    app: Any, visit: ViewVisit, tmp_path: Path
) -> None:
    PilImage.fromarray(np.zeros((1000, 1600, 3), np.uint8)).save(tmp_path / "large.png")
    deep = np.zeros((1000, 1600), np.uint16)
    deep[:, :800] = 60_000
    PilImage.fromarray(deep).save(tmp_path / "deep.png")
    reply = actions.take_view_file(app, visit, "photo", str(tmp_path / "large.png"), "large.png")
    assert "Now upload its depth map" in reply.note
    assert "A page works at 1095×685" in reply.note
    assert view.view_buttons(visit, app.runner, {})[0] == {
        "value": "Upload its depth map", "interactive": False,
    }  # fmt: skip
    actions.take_view_file(app, visit, "depth", str(tmp_path / "deep.png"), "deep.png")
    assert visit.depth is not None
    assert visit.depth.shape == (685, 1095)
    assert set(np.unique(visit.depth)) == {0.0, 1.0}
    assert visit.depth[0, 0] == 1
    actions.turn_depth(visit, "black")
    assert visit.depth[0, 0] == 0


def test_a_strip_is_refused_and_all_else_stays_small(app: Any, visit: ViewVisit, tmp_path: Path) -> None:
    before = {*app.store.folder.iterdir()}
    PilImage.new("RGB", (93_750, 8)).save(tmp_path / "strip.png")
    with pytest.raises(InputError, match=r"'mine\.png' is 93750×8: .* at most 8 times .* Crop it"):
        actions.take_view_file(app, visit, "photo", str(tmp_path / "strip.png"), "mine.png")
    assert {*app.store.folder.iterdir()} == before
    for size in ((2448, 306), (866, 866), (306, 2448)):
        PilImage.new("RGB", size).save(tmp_path / "long.png")
        actions.take_view_file(app, visit, "photo", str(tmp_path / "long.png"), "long.png")
        assert visit.picture is not None
        far = behind_near_things(np.zeros(visit.picture.size, np.float32), (0.1, 0.1))
        assert far.size < 2_500_000


def test_two_depth_maps_are_read_at_once(
    app: Any, visit: ViewVisit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most = [0], [0]

    def slow(path: Path, size: tuple[int, int], max_pixels: int) -> Depth:
        assert max_pixels == PAGE_PIXELS
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.05)
        under_way[0] -= 1
        return np.zeros(size, np.float32)

    monkeypatch.setattr(server, "read_depth", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: server.open_depth(tmp_path, (8, 8), (8, 8)), range(4)))
    assert most == [2]


def test_what_does_not_fit_says_what_to_do(app: Any, visit: ViewVisit, tmp_path: Path) -> None:
    PilImage.new("RGB", (60, 40), "red").save(tmp_path / "a.png")
    PilImage.new("L", (60, 41)).save(tmp_path / "wrong.png")
    PilImage.new("L", (60, 40), 9).save(tmp_path / "flat.png")
    (tmp_path / "none.png").write_bytes(b"no picture")

    def take(kind: str, name: str) -> None:
        actions.take_view_file(app, visit, kind, str(tmp_path / name), f"my {name}")

    with pytest.raises(InputError, match="Choose a picture first"):
        actions.look_from_beside(app, visit)
    with pytest.raises(InputError, match="picture first, then its depth"):
        take("depth", "a.png")
    take("photo", "a.png")
    with pytest.raises(InputError, match="Now upload its depth"):
        actions.look_from_beside(app, visit)
    for name, words in (
        ("wrong.png", "60×41, the picture 60×40"),
        ("flat.png", "'my flat.png' all is equally far"),
        ("none.png", "'my none.png'"),
    ):
        with pytest.raises(InputError, match=words):
            take("depth", name)
    with pytest.raises(InputError, match=r"'my none\.png'"):
        take("photo", "none.png")
    assert visit.picture is not None
    for do, words in (
        (lambda: actions.turn_depth(visit, "grey"), "white or black"),
        (lambda: actions.choose_scene(app, visit, "other"), "example is unknown"),
        (lambda: actions.hand_view(app, compare.session_of(app, None), visit), "no new view yet"),
        (lambda: actions.take_view_file(app, visit, "depth", "", ""), "No file came"),
        (lambda: actions.take_view_file(app, visit, "photo", "", ""), "No file came"),
    ):
        with pytest.raises(InputError, match=words):
            do()

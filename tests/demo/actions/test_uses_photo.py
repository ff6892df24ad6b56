"""What a visitor can do with an old photograph, without a browser."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import compare, tools
from demo.actions.uses import photo as actions
from demo.actions.uses.shared import choose_method
from demo.server.drawn_photo import old_photograph
from demo.server.jobs import Job
from demo.server.photos import PhotoVisit, photo_examples
from demo.views.uses import photo as view
from inpainters import inpaint
from inpainters.errors import InputError
from inpainters.uses.restoration import find_marks


@pytest.fixture
def visit(app: Any) -> Iterator[PhotoVisit]:
    visit = PhotoVisit(app.store, method="telea")
    yield visit
    visit.close()


def run(app: Any, visit: PhotoVisit) -> None:
    batch, end = actions.mend(app, visit), time.monotonic() + 60
    while not batch.finished:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_example_is_mended_as_the_command_would(app: Any, visit: PhotoVisit) -> None:
    reply = actions.open_photo_use(app, visit)
    photo, marks = old_photograph()
    mask = find_marks(photo, ["scratches", "dust"])
    assert reply is not None
    assert reply.note == f"Scratches and dust found: {100 * mask.mean():.1f} % of the picture."
    assert np.array_equal(app.store.mask(str(visit.mask)), mask)
    found = actions.photo_prices(visit)
    assert view.photo_buttons(visit, app.runner, found)[0]["value"].startswith("Fill the marks · ")
    run(app, visit)
    filled = app.store.image(str(visit.answer))
    assert np.array_equal(filled, inpaint(photo, mask, "telea"))
    shown = view.photo_panes(visit, app.runner)
    assert [(pane["id"], pane["state"]) for pane in shown["panes"]] == [
        ("original", "done"), ("marked", "done"), ("fill", "done"),
    ]  # fmt: skip
    assert shown["mode"] == "slider"
    tint = app.store.image(str(visit.marked)).astype(int) - photo
    assert (tint[mask][:, 1] < -40).mean() > 0.9
    assert not tint[~mask].any()
    assert (np.abs(filled.astype(int) - photo).max(2) > 40)[marks].mean() > 0.5


def test_other_marks_or_another_method_make_the_fill_stale(app: Any, visit: PhotoVisit) -> None:
    actions.open_photo_use(app, visit)
    run(app, visit)

    def state() -> str:
        return str(view.photo_panes(visit, app.runner)["panes"][-1]["state"])

    actions.look_for_marks(app, visit, ["scratches"])
    assert state() == "stale"
    actions.look_for_marks(app, visit, ["scratches", "dust"])
    assert state() == "done"
    choose_method(visit, "mean_fill")
    assert state() == "stale"
    tokens = [visit.mask, visit.marked, visit.answer, visit.picture and visit.picture.token]
    visit.close()
    assert [app.store.path(str(token)) for token in tokens] == [None] * len(tokens)


def test_a_fill_that_ends_too_late_is_deleted(
    app: Any, visit: PhotoVisit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another photograph is opened while the worker writes what it has filled."""
    actions.open_photo_use(app, visit)
    put, late = app.store.put_image, []

    def slow(picture: np.ndarray) -> str:
        token = str(put(picture))
        if not late and threading.current_thread().name.startswith("job"):
            late.append(token)
            actions.choose_photo(app, visit, "old")
        return token

    monkeypatch.setattr(app.store, "put_image", slow)
    batch = actions.mend(app, visit)
    end = time.monotonic() + 60
    while app.runner.lanes.works() or not late:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert batch.jobs[0].state == "stopped"
    assert visit.answer is None
    assert app.store.path(late[0]) is None
    with pytest.raises(InputError, match=actions.NOT_RUN):
        actions.mended_file(app, visit)


class _JustInTime(Job):
    """A job that somebody stops in the moment after it was asked whether it was stopped."""

    meanwhile: Callable[[], object] | None = None

    @property
    def halted(self) -> bool:  # type: ignore[override]
        if self.meanwhile is not None:
            threading.Thread(target=self.meanwhile).start()
            time.sleep(0.1)
        return False

    @halted.setter
    def halted(self, value: bool) -> None:
        pass


def test_a_fill_is_kept_or_deleted_also_where_both_happen_at_once(app: Any, visit: PhotoVisit) -> None:
    actions.open_photo_use(app, visit)
    job, over = _JustInTime("telea"), threading.Event()
    visit.begin(job, str(visit.mask))
    job.meanwhile = lambda: (visit.clear(), over.set())
    token = app.store.put_image(np.zeros((8, 8, 3), np.uint8))
    visit.keep(job, token)
    assert over.wait(10)
    assert visit.answer is None
    assert app.store.path(token) is None


def test_a_download_keeps_the_sixteen_bits_of_its_file(app: Any, visit: PhotoVisit, tmp_path: Path) -> None:
    deep = np.full((96, 128), 30_000, np.uint16) + np.arange(128, dtype=np.uint16)
    deep[:, 60:63] = 65_535
    PilImage.fromarray(deep).save(tmp_path / "deep.png")
    actions.take_photo(app, visit, str(tmp_path / "deep.png"), "deep.png")
    run(app, visit)
    token = actions.mended_file(app, visit)
    with PilImage.open(app.store.path(token)) as file:
        kept = np.asarray(file, np.int64)
    mask = app.store.mask(str(visit.mask))
    assert mask.any()
    assert np.array_equal(kept[~mask], deep[~mask])
    assert np.abs(kept[mask] - 30_000).max() < 2_000
    assert actions.mended_name(visit) == "deep-mended.png"


def test_what_was_filled_is_looked_through_again(
    app: Any, visit: PhotoVisit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="press Fill the marks first"):
        actions.take_answer(app, visit)
    actions.open_photo_use(app, visit)
    run(app, visit)
    filled = app.store.image(str(visit.answer))
    with monkeypatch.context() as patch:
        patch.setattr("demo.server.jobs.MOST_SECONDS", 0.0)
        with pytest.raises(InputError, match="takes longer"):
            actions.mend(app, visit)  # refused, it leaves what was filled
    actions.take_answer(app, visit)
    assert visit.picture is not None
    assert np.array_equal(app.store.image(visit.picture.token), filled)
    assert visit.answer is None
    assert visit.share < find_marks(old_photograph()[0], ["scratches", "dust"]).mean() / 2


def test_compare_takes_a_copy_with_its_marks(app: Any, visit: PhotoVisit) -> None:
    actions.open_photo_use(app, visit)
    session = compare.session_of(app, None)
    kinds = actions.hand_photo(app, session, visit)
    visit.close()
    photo, marks = old_photograph()
    assert np.array_equal(app.store.image(session.round.picture.token), photo)
    assert session.purpose == "restore"
    assert session.chosen
    assert not session.judged
    reply = tools.use_tool(app, session, {"kind": "find", "marks": kinds})
    found = app.store.mask(str(reply.mask))
    assert found[marks].mean() > 0.8
    assert found.mean() < 2 * marks.mean()


def test_what_cannot_be_mended_says_what_to_do(app: Any, visit: PhotoVisit, tmp_path: Path) -> None:
    assert [one["id"] for one in photo_examples(app.store)] == ["old"]
    for do, words in (
        (lambda: actions.mend(app, visit), "Choose a photograph first"),
        (lambda: actions.choose_photo(app, visit, "other"), "example is unknown"),
        (lambda: actions.look_for_marks(app, visit, []), "Tick what to look for"),
        (lambda: actions.look_for_marks(app, visit, ["folds"]), "'folds' cannot be looked for"),
    ):
        with pytest.raises(InputError, match=words):
            do()
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"'mine\.png'"):
        actions.take_photo(app, visit, str(tmp_path / "a.png"), "mine.png")
    with pytest.raises(InputError):
        actions.take_photo(app, visit, "", "")
    assert visit.picture is None
    PilImage.new("RGB", (64, 64), "grey").save(tmp_path / "plain.png")
    reply = actions.take_photo(app, visit, str(tmp_path / "plain.png"), "plain.png")
    assert reply.note.startswith("No scratches and dust found")
    assert view.photo_buttons(visit, app.runner, actions.photo_prices(visit))[0] == {
        "value": "No marks to fill", "interactive": False,
    }  # fmt: skip
    with pytest.raises(InputError, match="No marks are found"):
        actions.mend(app, visit)

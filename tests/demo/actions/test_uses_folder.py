"""What a visitor can do with a folder of photographs, without a browser."""

import io
import json
import shlex
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.actions.uses import folder as actions
from demo.actions.uses.shared import choose_method
from demo.server import folder as server
from demo.server import folder_job, jobs
from demo.server.folder import FolderAllowance, Folders, FolderVisit, folder_examples
from demo.server.folder_job import pack_folder
from demo.views.uses import folder as view
from inpainters.__main__ import main
from inpainters.errors import InputError
from inpainters.imaging import decode_image, encode_png, load_image, save_png


@pytest.fixture
def visit(app: Any) -> Iterator[FolderVisit]:
    app.folders = Folders()
    visit = FolderVisit(app.store, method="telea")
    yield visit
    visit.close()


@pytest.fixture
def taken(app: Any, visit: FolderVisit, tmp_path: Path) -> Callable[..., Any]:
    """Writes pictures and uploads them: name -> picture, a mask or bytes."""

    def take(kind: str = "photos", **files: np.ndarray | bytes) -> Any:
        named = []
        for n, (name, content) in enumerate(files.items()):
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}-{n}.png"
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                save_png(path, content)
            named.append((str(path), name))
        return actions.take_files(app, visit, kind, named)

    return take


def photograph(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(seed).integers(0, 30, (height, width, 3))
    return np.uint8(np.dstack([rows * 3, columns * 3, 90 + 0 * rows]) + noise)


def hole(height: int = 48, width: int = 64) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[10:20, 20:36] = True
    return mask


def wait(app: Any, visit: FolderVisit, until: Callable[[], object] | None = None) -> None:
    def over() -> bool:
        return visit.job is None or (visit.job.final and visit.job not in app.runner.lanes.works())

    end = time.monotonic() + 60
    while not (until or over)():
        assert time.monotonic() < end, (visit.job and visit.job.state, visit.job and visit.job.message)
        time.sleep(0.005)


def states(visit: FolderVisit, app: Any) -> dict[str, str]:
    return {item["name"]: item["state"] for item in view.sheet(visit, app.runner)["items"]}


def test_the_example_is_filled_and_its_zip_is_what_the_command_makes(
    app: Any, visit: FolderVisit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [one["id"] for one in folder_examples(app.store)] == ["folder"]
    actions.open_folder_use(app, visit)
    label = view.folder_buttons(visit, app.runner, actions.folder_prices(visit))[0]["value"]
    assert label.startswith("Fill 3 photographs · ")
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    assert set(states(visit, app).values()) == {"done"}
    assert view.folder_buttons(visit, app.runner, actions.folder_prices(visit))[0] == {
        "value": "All are filled", "interactive": False,
    }  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(app.store.read(pack_folder(visit)))) as packed:
        packed.extractall(tmp_path)
    (tmp_path / "PHOTOS").mkdir()
    for one in visit.pictures:
        (tmp_path / "PHOTOS" / one.name).write_bytes(app.store.read(one.file))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    monkeypatch.chdir(tmp_path)
    assert len(manifest["again"]) == 3
    for command in manifest["again"]:
        assert main(shlex.split(command)[3:]) == 0
    for row in manifest["pictures"]:
        name = Path(row["file"]).name
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "filled" / name).read_bytes()
        assert row["method"] == "telea"
        assert row["missing"] == pytest.approx(0.08, abs=0.03)
    assert manifest["environment"]["packages"]


def test_the_commands_of_a_zip_hold_for_two_methods_and_odd_names(
    app: Any, visit: FolderVisit, taken: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["d#2.png", "trip [1].png", "it's $(a).png", "a.png", "a.jpg", "-x.png", "no mask.png"]
    photos = {name: photograph(n) for n, name in enumerate(names)}
    taken(**photos)
    masks = [f"{Path(name).stem}_mask.png" for name in names[:-1] if name != "a.jpg"]
    taken("masks", **dict.fromkeys(masks, hole()))
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    choose_method(visit, "mean_fill")
    visit.pictures[0].lacks = visit.pictures[1].lacks = "not now"
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    place = tmp_path / "unpacked"
    with zipfile.ZipFile(io.BytesIO(app.store.read(pack_folder(visit)))) as packed:
        packed.extractall(place)
    (place / "PHOTOS").mkdir()
    for one in visit.pictures:
        (place / "PHOTOS" / one.name).write_bytes(app.store.read(one.file))
    manifest = json.loads((place / "manifest.json").read_text())
    rows = [row for row in manifest["pictures"] if "file" in row]
    assert {row["photograph"]: row["method"] for row in rows} == {
        **dict.fromkeys(names[:2], "telea"), **dict.fromkeys(names[2:6], "mean_fill"),
    }  # fmt: skip
    assert [Path(row["file"]).name for row in rows] == [
        "d#2.png", "trip [1].png", "it's $(a).png", "a.png.png", "a.jpg.png", "-x.png",
    ]  # fmt: skip
    monkeypatch.chdir(place)
    for command in manifest["again"]:
        assert main(shlex.split(command)[3:]) == 0
    made = {file.name: file.read_bytes() for file in (place / "again").iterdir()}
    assert made == {file.name: file.read_bytes() for file in (place / "filled").iterdir()}


def test_names_pair_as_the_visitor_knows_them(app: Any, visit: FolderVisit, taken: Any) -> None:
    long = "x" * 118
    names = ["trip [1].png", "trip [1]_mask.png", f"{long}.png", f"{long}_mask.png"]
    reply = taken(**{name: hole() if "_mask" in name else photograph(0) for name in names})
    assert reply.note == "2 photographs, 2 with a mask."
    assert [one.mask_name for one in visit.pictures] == names[1::2]


def test_masks_find_their_photographs_by_name(app: Any, visit: FolderVisit, taken: Any) -> None:
    reply = taken(**{"a.png": photograph(0), "A_mask.png": hole(), "b.jpg": photograph(1)})
    assert reply.note == "2 photographs, 1 with a mask."
    assert states(visit, app) == {"a.png": "ready", "b.jpg": "lacking"}
    reply = taken("masks", **{"b.png": hole(), "c.png": hole()})
    assert reply.note == "2 photographs, 2 with a mask. Masks without a photograph: c.png."
    reply = taken(**{"c.png": photograph(2)})
    assert reply.note == "3 photographs, 3 with a mask."
    assert [one.mask_name for one in visit.pictures] == ["A_mask.png", "b.png", "c.png"]


def test_what_does_not_fit_is_said_with_its_photograph(app: Any, visit: FolderVisit, taken: Any) -> None:
    photos = {f"{name}.png": photograph(n) for n, name in enumerate("abcd")}
    taken(**photos)
    wrong = {
        "a.png": hole(40, 64),
        "b.png": ~hole() & False,
        "c.png": hole() | True,
        "d.png": encode_png(hole())[:60],
    }
    reply = taken("masks", **wrong, **{"e.png": b"no picture"})
    assert "'e.png' is not a picture this program can read" in reply.note
    assert [*visit.masks] == [*wrong]
    said = {item["name"]: item["said"] for item in view.sheet(visit, app.runner)["items"]}
    assert said["a.png"] == "'a.png' is 64×40, the picture 64×48. Use the same size."
    assert said["b.png"] == "'b.png' masks nothing: white is what is missing."
    assert said["c.png"] == "'c.png' masks all of the picture: leave something that can be seen."
    assert said["d.png"].startswith("'d.png' is damaged or cut short")
    with pytest.raises(InputError, match="each says why"):
        actions.fill_folder(app, visit, None)
    taken("masks", **{"a.png": hole()})
    assert states(visit, app)["a.png"] == "ready"
    assert [one.name for one in visit.due()] == ["a.png"]


def test_one_that_fails_takes_no_other_along_and_is_tried_again(
    app: Any, visit: FolderVisit, taken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(**{"a.png": photograph(0), "b.png": photograph(1), "c.png": photograph(2)})
    taken("masks", **{"a.png": hole(), "b.png": hole(), "c.png": hole()})
    real = folder_job.load_image
    broken = app.store.path(visit.pictures[1].file)

    def load(path: Any, **options: Any) -> Any:
        if path == broken:
            raise MemoryError
        return real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(folder_job, "load_image", load)
        actions.fill_folder(app, visit, None)
        wait(app, visit)
    assert states(visit, app) == {"a.png": "done", "b.png": "failed", "c.png": "done"}
    assert view.sheet(visit, app.runner)["items"][1]["said"] == jobs.NO_MEMORY
    with zipfile.ZipFile(io.BytesIO(app.store.read(pack_folder(visit)))) as packed:
        assert {"filled/a.png", "filled/c.png"} < {*packed.namelist()}
        rows = {row["photograph"]: row for row in json.loads(packed.read("manifest.json"))["pictures"]}
        assert rows["b.png"] == {"photograph": "b.png", "problem": jobs.NO_MEMORY}
    before = [one.answer for one in visit.pictures]
    assert view.folder_buttons(visit, app.runner, actions.folder_prices(visit))[0]["value"].startswith(
        "Fill the other photograph · "
    )
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    assert [one.answer for one in visit.pictures][::2] == before[::2]
    assert visit.pictures[1].answer
    known = load_image(app.store.path(visit.pictures[1].answer)).image
    assert (known == photograph(1))[~hole()].all()


def test_what_is_filled_stays_until_another_fill_is_stored(
    app: Any, visit: FolderVisit, taken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(**{"a.png": photograph(0), "a_mask.png": hole()})
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    before, files = str(visit.pictures[0].answer), {*app.store.folder.iterdir()}
    kept = app.store.read(before)
    choose_method(visit, "mean_fill")
    real, puts = app.store.put, []

    def full(*given: Any, **more: Any) -> str:
        puts.append(given)
        if len(puts) == 2:
            raise InputError("The disk is full.")
        return real(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(app.store, "put", full)
        actions.fill_folder(app, visit, None)
        wait(app, visit)
    assert len(puts) == 2
    assert {*app.store.folder.iterdir()} == files
    assert app.store.read(str(visit.pictures[0].answer)) == kept
    assert visit.pictures[0].state == "done"
    assert view.sheet(visit, app.runner)["items"][0]["said"] == (
        "The disk is full. What was filled before is kept."
    )
    with zipfile.ZipFile(io.BytesIO(app.store.read(pack_folder(visit)))) as packed:
        assert packed.read("filled/a.png") == kept
        (row,) = json.loads(packed.read("manifest.json"))["pictures"]
    assert row["method"] == "telea"
    assert visit.due() == visit.pictures
    choose_method(visit, "telea")
    assert states(visit, app) == {"a.png": "done"}


def test_no_zip_is_made_during_a_run(
    app: Any, visit: FolderVisit, taken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(**{"a.png": photograph(0), "a_mask.png": hole()})
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    assert view.folder_buttons(visit, app.runner, {})[2] == {"interactive": True}
    go_on, real = threading.Event(), folder_job.load_image
    monkeypatch.setattr(
        folder_job, "load_image", lambda *given, **more: (go_on.wait(20), real(*given, **more))[1]
    )
    choose_method(visit, "mean_fill")
    actions.fill_folder(app, visit, None)
    assert view.folder_buttons(visit, app.runner, {})[2] == {"interactive": False}
    with pytest.raises(InputError, match="Wait until the run has ended"):
        pack_folder(visit)
    go_on.set()
    wait(app, visit)
    assert pack_folder(visit)


def test_stop_keeps_what_is_filled(app: Any, visit: FolderVisit, taken: Any, monkeypatch: Any) -> None:
    names = [f"{name}.png" for name in "abcdef"]
    taken(**{name: photograph(n) for n, name in enumerate(names)})
    taken("masks", **{name: hole() for name in names})
    real = folder_job.FolderJob._answer_of

    def slowly(*given: Any) -> Any:
        time.sleep(0.05)
        return real(*given)

    monkeypatch.setattr(folder_job.FolderJob, "_answer_of", slowly)
    actions.fill_folder(app, visit, None)
    with pytest.raises(InputError, match="stop it first"):
        actions.remove_picture(visit, "all")
    wait(app, visit, lambda: any(one.state == "done" for one in visit.pictures))
    visit.stop()
    wait(app, visit)
    done = [one for one in visit.pictures if one.state == "done"]
    assert 0 < len(done) < 6
    assert {one.state for one in visit.pictures} == {"done", "ready"}
    assert all(app.store.path(str(one.answer)) for one in done)
    assert view.sheet(visit, app.runner)["err"] == jobs.STOPPED


def test_the_minutes_of_an_hour_end_a_run_and_the_next(
    app: Any, visit: FolderVisit, taken: Any, monkeypatch: Any
) -> None:
    app.folders = Folders(FolderAllowance(minutes=0.005))
    monkeypatch.setattr(actions, "LEAST_LEFT", 0.01)
    taken(**{f"{name}.png": photograph(n) for n, name in enumerate("abc")})
    taken("masks", **{f"{name}.png": hole() for name in "abc"})
    real = folder_job.load_image
    monkeypatch.setattr(
        folder_job, "load_image", lambda *given, **more: (time.sleep(0.16), real(*given, **more))[1]
    )
    actions.fill_folder(app, visit, "8.8.8.8")
    wait(app, visit)
    assert states(visit, app) == {"a.png": "done", "b.png": "done", "c.png": "ready"}
    assert view.sheet(visit, app.runner)["err"].startswith("Your 0.005 minutes of this hour are used up")
    with pytest.raises(InputError, match="minutes of this hour are used up"):
        actions.fill_folder(app, visit, "8.8.8.8")
    assert app.folders.left("another") == pytest.approx(0.3)


def test_marks_are_found_where_there_are_no_masks(app: Any, visit: FolderVisit, taken: Any) -> None:
    plain = np.full((96, 128, 3), 120, np.uint8)
    scratched = plain.copy()
    scratched[10:90, 60:63] = 250
    taken(**{"a.png": scratched, "b.png": plain})
    actions.choose_source(visit, "scratches,dust")
    assert set(states(visit, app).values()) == {"ready"}
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    items = view.sheet(visit, app.runner)["items"]
    assert "No scratches or dust found" in items[1]["said"]
    filled = load_image(app.store.path(str(visit.pictures[0].answer))).image
    assert np.abs(filled.astype(int) - plain).max() <= 2
    actions.choose_source(visit, "files")
    assert states(visit, app) == {"a.png": "lacking", "b.png": "lacking"}


def test_another_method_or_mask_makes_results_stale(app: Any, visit: FolderVisit, taken: Any) -> None:
    taken(**{"a.png": photograph(0), "a_mask.png": hole()})
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    choose_method(visit, "mean_fill")
    assert states(visit, app) == {"a.png": "stale"}
    choose_method(visit, "telea")
    assert states(visit, app) == {"a.png": "done"}
    taken("masks", **{"a_mask.png": hole() | np.eye(48, 64, dtype=bool)})
    assert states(visit, app) == {"a.png": "stale"}
    before = pack_folder(visit)
    with zipfile.ZipFile(io.BytesIO(app.store.read(pack_folder(visit)))) as packed:
        used = decode_image(packed.read("masks/a.png")).image[..., 0] > 0
    assert np.array_equal(used, hole())
    assert app.store.path(before) is None
    tokens = (
        [str(visit.packed)]
        + [token for one in visit.pictures for token in one.tokens]
        + [*visit.masks.values()]
    )
    assert all(app.store.path(token) for token in tokens)
    visit.close()
    assert not any(app.store.path(token) for token in tokens)


def test_limits_are_said(app: Any, visit: FolderVisit, taken: Any, monkeypatch: Any) -> None:
    app.folders = Folders(FolderAllowance(pictures=2))
    reply = taken(**{"a.png": photograph(0), "b.png": photograph(1), "c.png": photograph(2)})
    assert reply.error
    assert "'c.png' is one too many: a page takes 2 at once" in reply.note
    assert "'a.png' is there already" in taken(**{"a.png": photograph(3)}).note
    actions.remove_picture(visit, visit.pictures[1].key)
    monkeypatch.setattr(server, "FOLDER_PIXELS", 2 * 48 * 64)
    monkeypatch.setattr(actions, "FOLDER_PIXELS", 2 * 48 * 64)
    before = {*app.store.folder.iterdir()}
    assert "is too much" in taken(**{"d.png": photograph(4, 96, 64)}).note
    assert {*app.store.folder.iterdir()} == before
    taken("masks", **{"a.png": hole()})
    monkeypatch.setattr(actions, "MOST_MASKS", 1)
    assert "too many" in taken("masks", **{"z.png": hole()}).note
    monkeypatch.setattr(actions, "MOST_SECONDS", 0.0)
    with pytest.raises(InputError, match=r"for 1 photograph, and one run may take .*: choose a faster"):
        actions.fill_folder(app, visit, None)
    monkeypatch.setattr(Folders, "left", lambda *given: 5.5)
    monkeypatch.setattr(actions, "price_of_pictures", lambda *given: [jobs.Price(1, 3600.0, 1.0)])
    with pytest.raises(InputError, match=r"and about 6 s of this hour are left to you: choose a faster"):
        actions.fill_folder(app, visit, None)
    monkeypatch.undo()
    app.folders = Folders()
    monkeypatch.setattr(actions, "MOST_FOLDERS", 0)
    monkeypatch.setattr(actions, "MOST_SECONDS", 900.0)
    with pytest.raises(InputError, match="try again in a minute"):
        actions.fill_folder(app, visit, None)
    app.folders = Folders(FolderAllowance(pictures=0))
    with pytest.raises(InputError, match="lets nobody fill folders"):
        taken(**{"e.png": photograph(5)})
    rules = view.folder_rules(FolderAllowance(minutes=60))
    assert "One run takes 15 minutes at most, and all that you run within an hour 60." in rules
    assert "lets nobody" in view.folder_rules(app.folders.allowance)


def test_all_files_of_a_visit_have_room_and_what_is_no_picture_is_not_kept(
    app: Any, visit: FolderVisit, taken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(**{"a.png": photograph(0), "a_mask.png": hole()})
    before = {*app.store.folder.iterdir()}
    reply = taken("masks", **{f"{n}.png": b"x" * 1000 for n in range(9)})
    assert "'0.png' is not a picture" in reply.note
    assert {*app.store.folder.iterdir()} == before
    with monkeypatch.context() as patch:
        patch.setattr(actions, "PAGE_PIXELS", 48 * 64 - 1)
        assert "'b.png' is 64×48, more than any picture" in taken("masks", **{"b.png": hole()}).note
    assert {*app.store.folder.iterdir()} == before
    monkeypatch.setattr(actions, "MOST_BYTES", visit.uploaded + len(encode_png(hole())) - 1)
    said = "is too much: a page takes files of 0 MB at once"
    assert f"'b.png' {said}" in taken("masks", **{"b.png": hole()}).note
    assert f"'b.png' {said}" in taken(**{"b.png": photograph(1)}).note
    assert {*app.store.folder.iterdir()} == before
    assert not taken("masks", **{"a_mask.png": hole()}).error


@pytest.mark.slow
def test_two_tabs_of_one_address_do_not_both_get_its_minutes(
    app: Any, visit: FolderVisit, taken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, real = threading.Event(), folder_job.load_image
    monkeypatch.setattr(
        folder_job, "load_image", lambda *given, **more: (go_on.wait(20), real(*given, **more))[1]
    )
    tabs = [visit, *(FolderVisit(app.store, method="telea") for _ in range(2))]
    for tab in tabs:
        actions.open_folder_use(app, tab)
    actions.fill_folder(app, tabs[0], "8.8.8.8")
    with pytest.raises(InputError, match="Another folder from your address is being filled"):
        actions.fill_folder(app, tabs[1], "8.8.8.8")
    actions.fill_folder(app, tabs[2], "9.9.9.9")
    go_on.set()
    for tab in tabs:
        wait(app, tab)
    actions.fill_folder(app, tabs[1], "8.8.8.8")
    wait(app, tabs[1])
    assert set(states(tabs[1], app).values()) == {"done"}
    for tab in tabs:
        tab.close()


def test_what_would_take_long_to_search_is_refused(app: Any, visit: FolderVisit, taken: Any) -> None:
    taken(**{"long.png": photograph(0, 8, 8200), "a.png": photograph(1)})
    actions.choose_source(visit, "scratches,dust")
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    assert states(visit, app) == {"long.png": "failed", "a.png": "done"}
    assert "up to 8192 pixels a side" in view.sheet(visit, app.runner)["items"][0]["said"]


@pytest.mark.parametrize(
    ("name", "kept", "packed"),
    [
        ("../../etc/passwd.png", "passwd.png", "passwd"),
        ("C:\\photos\\a.png", "a.png", "a"),
        ("<img src=x>${1+1}`.png", "<img src=x>${1+1}`.png", "_img src=x_${1+1}`"),
        ("..", "picture", "picture"),
        ("x" * 300 + ".png", "x" * 251 + ".png", "x" * 200),
        ("\U0001f600" * 90 + ".png", "\U0001f600" * 90 + ".png", "\U0001f600" * 50),
        ("", "0-0.png", "0-0"),
        ("Übung 1.png", "Übung 1.png", "Übung 1"),
        ("nul.png", "nul.png", "_nul"),
        (".a\nb\ud800.png", ".a\nb?.png", "a_b_"),
    ],
)
def test_names_are_names_only(
    app: Any, visit: FolderVisit, taken: Any, name: str, kept: str, packed: str
) -> None:
    taken(**{name: photograph(0)})
    assert [one.name for one in visit.pictures] == [kept]
    taken("masks", **{f"{Path(kept).stem}.png": hole()})
    actions.fill_folder(app, visit, None)
    wait(app, visit)
    with zipfile.ZipFile(io.BytesIO(app.store.read(pack_folder(visit)))) as found:
        assert found.namelist() == [f"filled/{packed}.png", f"masks/{packed}.png", "manifest.json"]


def test_no_two_results_share_a_name(app: Any, visit: FolderVisit, taken: Any) -> None:
    long = "x" * 210
    taken(**{name: photograph(0) for name in ("d?.png", "d*.png", "d_.png", f"{long}.png", f"{long}.jpg")})
    names = [*folder_job._result_names(visit.pictures).values()]
    assert names == ["d_", "d_ (2)", "d_ (3)", "x" * 196 + ".png", "x" * 196 + ".jpg"]


def test_files_that_are_no_pictures_are_named_and_the_others_taken(
    app: Any, visit: FolderVisit, taken: Any
) -> None:
    bad = {f"{n}.png": b"\x89PNG nothing" for n in range(5)}
    reply = taken(**{"a.png": photograph(0), "small.png": photograph(0, 4, 4), **bad})
    assert [one.name for one in visit.pictures] == ["a.png"]
    assert reply.error
    assert "'small.png' is 4×4: a side has 8 pixels at least." in reply.note
    assert reply.note.endswith("And 3 more that cannot be used.")
    with pytest.raises(InputError, match="reload the page"):
        actions.choose_source(visit, "folds")
    with pytest.raises(InputError, match="example is unknown"):
        actions.choose_folder(visit, "other")
    with pytest.raises(InputError, match="Nothing is filled yet"):
        pack_folder(visit)
    empty = FolderVisit(app.store, method="telea")
    with pytest.raises(InputError, match="Upload photographs first"):
        actions.fill_folder(app, empty, None)


def test_every_source_can_be_found() -> None:
    from inpainters.uses.restoration import kinds_of_marks

    for source in actions.SOURCES:
        if source != server.MASK_FILES:
            assert kinds_of_marks(source)


@pytest.mark.parametrize(
    ("given", "words"),
    [(["--folder-pictures", "-1"], "between 0 and 1000"), (["--folder-minutes", "0"], "more than 0")],
)
def test_limits_that_make_no_sense_are_refused(given: list[str], words: str, capsys: Any) -> None:
    from demo.app import main as serve

    with pytest.raises(SystemExit) as ended:
        serve(given)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err

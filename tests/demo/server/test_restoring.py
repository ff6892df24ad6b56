"""A zip that comes back: what it restores, and what of it is not believed."""

import io
import json
import time
import zipfile

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import compare
from demo.server.archive import archive
from demo.server.jobs import Runner
from demo.server.pictures import open_picture
from demo.server.visit import App, Session
from demo.views import compare as view
from inpainters.errors import InputError
from inpainters.imaging import encode_png
from inpainters.uses.feather import widened

METHODS = ["mean_fill", "telea"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory, rgba_mask):
    """The files of a zip of two results, and the mask."""
    from demo.server.store import Store

    folder, app = tmp_path_factory.mktemp("zip"), App(Store(), Runner(), tmp_path_factory.mktemp("none"))
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    PilImage.fromarray(pixels).save(folder / "photo.png")
    mask = np.zeros((32, 48), bool)
    mask[8:20, 10:30] = True
    session = Session(app.store)
    session.begin(open_picture(app.store, folder / "photo.png", "photo.png"))
    batch = compare.start_run(app, session, rgba_mask(mask), METHODS, {"telea": {"radius": 5}})
    while not batch.settled:
        time.sleep(0.01)
    with zipfile.ZipFile(io.BytesIO(archive(session))) as data:
        yield {name: data.read(name) for name in data.namelist()}, mask
    app.runner.close()
    app.store.close()


@pytest.fixture
def reopen(store, tmp_path):
    """Opens a zip of these files in a new visit."""
    app = App(store, Runner(), tmp_path)

    def opened(files, name="inpainting.zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as out:
            for file, data in files.items():
                out.writestr(file, data)
        session = Session(store)
        return app, session, compare.open_archive(app, session, tmp_path / name, name)

    yield opened
    app.runner.close()


def test_picture_mask_and_results_come_back_and_need_no_run(packed, reopen, rgba_mask):
    files, mask = packed
    app, session, reply = reopen(files)
    one = session.round
    assert (reply.note, reply.error) == ("photo.png, its mask and 2 results are back.", False)
    assert np.array_equal(app.store.mask(reply.mask), mask)
    for method in METHODS:
        original = np.asarray(PilImage.open(io.BytesIO(files[f"{method}.png"])))
        assert np.array_equal(app.store.image(one.answers[method]), original)
    assert (session.chosen, session.options) == (METHODS, {"telea": {"radius": 5.0}})
    told = {"count": 240, "bbox": [8, 10, 20, 30], "by": "server", "digest": "1"}
    compare.painted(session, told)
    assert view.run_label(session, app.runner, session.prices()) == ("All 2 are there", False)
    batch = compare.start_run(app, session, rgba_mask(mask), METHODS, session.options)
    assert batch.finished  # nothing was queued
    while not batch.settled:
        time.sleep(0.01)
    before = {row["method"]: row["scores"] for row in json.loads(files["settings.json"])["results"]}
    for job in batch.jobs:
        assert job.answers[0].scores["psnr"]["value"] == pytest.approx(before[job.method]["psnr"]["value"])


def test_a_picture_and_its_mask_alone_come_back(store, packed, photo, reopen, rgba_mask, saved, tmp_path):
    session, hole = Session(store), np.eye(40, 60) > 0
    session.begin(open_picture(store, saved(tmp_path, "a.png", PilImage.fromarray(photo)), "a.png"))
    with pytest.raises(InputError, match="paint over"):
        archive(session)
    with zipfile.ZipFile(io.BytesIO(archive(session, rgba_mask(hole)))) as data:
        files = {name: data.read(name) for name in data.namelist()}
    _, other, reply = reopen(files)
    assert reply.note == "a.png and its mask are back."
    assert np.array_equal(store.mask(reply.mask), hole)
    assert np.array_equal(store.image(other.round.picture.token), photo)


def test_a_feather_comes_back_and_allows_its_ring_alone(packed, reopen):
    files, mask = packed
    settings = json.loads(files["settings.json"]) | {"feather": 4}
    original, far = (np.array(PilImage.open(io.BytesIO(files["original.png"]))) for _ in range(2))
    ring = widened(mask, 4) & ~mask
    original[ring] ^= 1
    far[~ring] ^= 1
    kept = files | {"settings.json": json.dumps(settings), "telea.png": encode_png(original)}
    _, session, reply = reopen(kept)
    assert (reply.feather, session.feather, session.round.feather) == (4, 4, 4)
    assert set(session.round.answers) == {"mean_fill", "telea"}
    _, session, reply = reopen(kept | {"telea.png": encode_png(far)})
    assert "outside the mask" in reply.note
    _, _, reply = reopen(kept | {"settings.json": files["settings.json"]})
    assert "outside the mask" in reply.note
    with pytest.raises(InputError, match="between 0 and 32"):
        reopen(files | {"settings.json": json.dumps(settings | {"feather": [4]})})


def changed(files, **fields):
    """The files with these fields in the record of telea."""
    settings = json.loads(files["settings.json"])
    next(row for row in settings["results"] if row["method"] == "telea").update(fields)
    return files | {"settings.json": json.dumps(settings)}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"version": "0"}, "Telea is version 1 here and was another"),
        ({"method": "telee"}, "did you mean 'telea'"),
        ({"options": {"radius": 900}}, "must lie between 1 and 50"),
        ({"options": {"radios": 9}}, "did you mean 'radius'"),
        ({"seed": -1}, "out of range"),
        ({"seed": float("nan")}, "out of range"),
        ({"seconds": 1e300}, "out of range"),
        ({"seconds": "1"}, "out of range"),
        ({"network_calls": True}, "out of range"),
        ({"file": "../telea.png"}, "file wrongly"),
        ({"file": "mean_fill.png"}, "file wrongly"),
        ({"method": "mean_fill", "file": "mean_fill.png", "options": {}}, "do not follow one another"),
    ],
)
def test_a_result_that_is_not_right_is_left_out_and_named(packed, reopen, fields, words):
    _, session, reply = reopen(changed(packed[0], **fields))
    assert reply.error
    assert words in reply.note
    assert list(session.round.answers) == ["mean_fill"]


def test_a_fill_must_leave_the_known_pixels_and_have_the_size_of_the_picture(packed, reopen):
    files, _ = packed
    white, small = np.full((32, 48, 3), 255, np.uint8), np.zeros((16, 24, 3), np.uint8)
    for data, words in (
        (encode_png(white), "outside the mask"),
        (encode_png(small), "24×16"),
        (b"x", "telea.png"),
    ):
        _, session, reply = reopen(files | {"telea.png": data})
        assert words in reply.note
        assert list(session.round.answers) == ["mean_fill"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"original.png": b"no picture"}, "cannot be read|is not|not a"),
        ({"original.png": None}, "has no original.png"),
        ({"settings.json": None}, "has no settings.json"),
        ({"settings.json": b"[1]"}, "settings in 'inpainting.zip' cannot be read"),
        ({"settings.json": b"[" * 100_000}, "settings in 'inpainting.zip' cannot be read"),
        ({"settings.json": b" " * (5 << 20)}, "larger than this page allows"),
        ({"mask.png": encode_png(np.zeros((32, 48), bool))}, "masks nothing"),
        ({"mask.png": encode_png(np.ones((16, 24), bool))}, "24×16, the picture 48×32"),
        ({f"{'x' * 60}{i}": b"" for i in range(2000)}, "more files than"),
    ],
)
def test_a_zip_that_is_not_ours_gets_one_sentence(packed, reopen, change, words):
    files = {name: data for name, data in (packed[0] | change).items() if data is not None}
    with pytest.raises(InputError, match=words):
        reopen(files)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"x" * 100, b"PK\x05\x06" + bytes(18), None])
def test_a_broken_zip_gets_one_sentence(store, packed, tmp_path, data):
    if data is None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as out:
            out.writestr("original.png", packed[0]["original.png"])
        data = buffer.getvalue().replace(b"IDAT", b"JDAT")  # its checksum is no longer right
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InputError, match=r"'a\.zip'"):
        compare.open_archive(App(store, None, tmp_path), Session(store), tmp_path / "a.zip", "a.zip")

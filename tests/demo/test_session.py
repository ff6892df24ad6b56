"""The picture store, opening of good and bad files, and the rounds of a visit."""

import base64
import io
import json
import os
import time
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image as PilImage
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.actions import compare
from demo.server import copies, options, samples
from demo.server.archive import archive
from demo.server.jobs import Answer, Batch, Job, Runner
from demo.server.pictures import from_result, open_mask, open_picture, read_canvas
from demo.server.scores import scores_in_hole
from demo.server.store import Store
from demo.server.store import url as served
from demo.server.visit import App, Session
from demo.views import compare as view
from demo.views import panes, picker
from inpainters import inpaint, registry
from inpainters.base import Inpainter, InpaintResult
from inpainters.costs import spoken
from inpainters.errors import InputError
from inpainters.imaging import encode_png
from inpainters.spec import Cost, MethodSpec
from inpainters.strategy import Hole


@pytest.fixture
def store():
    store = Store()
    yield store
    store.close()


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def saved(folder, name, picture, **options):
    path = folder / name
    picture.save(path, **options)
    return path


def rgba_mask(mask):
    """What the editor sends: alpha 255 where the pixel is missing."""
    pixels = np.dstack([np.zeros((*mask.shape, 3), np.uint8), np.uint8(255) * mask])
    return data_url(encode_png(pixels))


def data_url(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_original_is_kept_byte_for_byte(store, photo, tmp_path):
    path = saved(tmp_path, "a.jpg", PilImage.fromarray(photo), quality=71)
    picture = open_picture(store, path, "my photo.jpg")
    assert store.read(picture.original) == path.read_bytes()
    assert np.array_equal(store.image(picture.token), np.asarray(PilImage.open(path)))
    assert picture.size == (40, 60)


def test_exif_orientation_is_honoured(store, photo, tmp_path):
    exif = PilImage.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, "turned.png", PilImage.fromarray(photo), exif=exif)
    picture = open_picture(store, path, "turned.png")
    assert picture.size == (60, 40)
    assert np.array_equal(store.image(picture.token), np.rot90(photo, -1))
    assert any("upright" in note for note in picture.notes)


@pytest.mark.parametrize(
    ("mode", "word"), [("CMYK", "CMYK"), ("P", "palette"), ("L", "grey"), ("I;16", "16-bit")]
)
def test_conversions_are_said(store, photo, tmp_path, mode, word):
    deep = PilImage.fromarray(photo[..., 0].astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else PilImage.fromarray(photo).convert(mode)
    path = saved(tmp_path, "x.tif", picture)
    assert any(word in note for note in open_picture(store, path, "x.tif").notes)


def test_transparent_pixels_become_a_mask(store, photo, tmp_path):
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[5:9, 7:20] = 0
    path = saved(tmp_path, "x.png", PilImage.fromarray(np.dstack([photo, alpha])))
    picture = open_picture(store, path, "x.png")
    assert np.array_equal(store.mask(picture.transparent), alpha == 0)


def bad_files(photo):
    buffer = io.BytesIO()
    PilImage.fromarray(photo).save(buffer, "PNG")
    whole = buffer.getvalue()
    tiny, huge = io.BytesIO(), io.BytesIO()
    PilImage.fromarray(photo[:1, :1]).save(tiny, "PNG")
    PilImage.new("1", (20000, 20000)).save(huge, "PNG")
    return {
        "empty": b"",
        "text": b"hello, I am not a picture",
        "cut short": whole[: len(whole) // 2],
        "altered": whole[:60] + bytes(100) + whole[160:],
        "1x1": tiny.getvalue(),
        "20,000x20,000": huge.getvalue(),
    }


@pytest.mark.parametrize("kind", ["empty", "text", "cut short", "altered", "1x1", "20,000x20,000"])
def test_bad_files_get_one_sentence_with_the_visitors_name(store, photo, tmp_path, kind):
    path = tmp_path / "0123456789.png"
    path.write_bytes(bad_files(photo)[kind])
    with pytest.raises(InputError) as caught:
        open_picture(store, path, "holiday.png")
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "holiday.png" in sentence
    assert str(tmp_path) not in sentence


def test_animated_picture_opens_with_its_first_frame(store, photo, tmp_path):
    frames = [PilImage.fromarray(photo), PilImage.fromarray(255 - photo)]
    path = tmp_path / "x.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    picture = open_picture(store, path, "x.webp")
    assert np.array_equal(store.image(picture.token), photo)
    assert any("first frame" in note for note in picture.notes)


def test_canvas_mask_alpha_255_is_missing():
    mask = np.zeros((40, 60), bool)
    mask[3:8, 10:12] = True
    found, sketch = read_canvas(rgba_mask(mask), (40, 60))
    assert np.array_equal(found, mask)
    assert sketch is None
    assert read_canvas(rgba_mask(np.ones((40, 60), bool)), (40, 60))[0].all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (rgba_mask(np.zeros((40, 60), bool)), "Nothing is masked"),
        (rgba_mask(np.ones((20, 60), bool)), "The mask is 60×20, the picture 60×40. Use the same size."),
        (data_url(b"junk"), "did not arrive whole"),
        ("data:image/png;base64,§", "did not arrive whole"),
        ("", "Nothing is masked"),
    ],
)
def test_bad_canvas_masks(data, words):
    with pytest.raises(InputError, match=words):
        read_canvas(data, (40, 60))


def test_mask_file_of_another_size(tmp_path):
    path = saved(tmp_path, "m.png", PilImage.new("L", (512, 512), 255))
    with pytest.raises(InputError, match=r"The mask is 512×512, the picture 60×40\. Use the same size\."):
        open_mask(path, (40, 60), "m.png")


def test_route_serves_immutable_bytes_and_nothing_else(store, photo):
    token = store.put(encode_png(photo))
    client = TestClient(Starlette(routes=[store.route()]))
    answer = client.get(f"/pic/{token}")
    assert answer.content == encode_png(photo)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "image/png"
    for wrong in ("nothing.png", "..%2F..%2Fetc%2Fpasswd", token[:-5], ""):
        assert client.get(f"/pic/{wrong}").status_code == 404


def test_an_uploaded_page_is_never_served_as_one(store):
    token = store.put(b"<script>alert(1)</script>", ".html")
    answer = TestClient(Starlette(routes=[store.route()])).get(f"/pic/{token}")
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_old_pictures_are_swept_and_kept_ones_stay(store):
    old, kept = store.put(b"1"), store.put(b"2", keep=True)
    for token in (old, kept):
        os.utime(store.folder / token, (time.time() - 9999, time.time() - 9999))
    store.put(b"3")
    assert store.path(old) is None
    assert store.path(kept) is not None


def test_a_full_disk_is_one_sentence(store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    assert store.folder.is_dir()
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="disk is full"):
        store.put(b"1")


def answer(image, method="telea", seed=0):
    return Answer(InpaintResult(image, image, method, registry.get(method).resolve({}), seed, 0.5))


def done_session(store, photo, tmp_path):
    session = Session(store)
    session.begin(open_picture(store, saved(tmp_path, "a.png", PilImage.fromarray(photo)), "a.png"))
    session.round.mask = store.put(encode_png(np.zeros((40, 60), bool)))
    session.round.batch = Batch([Job("telea", state="done", answers=[answer(255 - photo)])])
    session.round.answers["telea"] = session.round.batch.jobs[0].answers[0].token = store.put(
        encode_png(255 - photo)
    )
    return session


def test_a_result_becomes_the_next_picture_and_undo_brings_the_first_back(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    session.follow("telea")
    assert np.array_equal(store.image(session.round.picture.token), 255 - photo)
    assert session.round.answers == {}
    session.move(-1)
    assert np.array_equal(store.image(session.round.picture.token), photo)
    assert list(session.round.answers) == ["telea"]
    session.move(-1)
    assert session.index == 0
    session.move(+1)
    assert np.array_equal(store.image(session.round.picture.token), 255 - photo)


def test_running_again_keeps_a_result_that_has_become_a_picture(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    session.follow("telea")
    session.move(-1)
    session.forget_answers()
    session.move(+1)
    assert np.array_equal(store.image(session.round.picture.token), 255 - photo)


def test_a_missing_result_is_one_sentence(store, photo, tmp_path):
    with pytest.raises(InputError, match="not there yet"):
        done_session(store, photo, tmp_path).follow("repaint")
    with pytest.raises(InputError, match="Choose a picture first"):
        Session(store).follow("telea")


def test_closing_deletes_the_files(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    session.follow("telea")
    session.close()
    assert list(store.folder.iterdir()) == []


def test_archive_has_the_pictures_and_their_settings(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    with zipfile.ZipFile(io.BytesIO(archive(session))) as packed:
        assert sorted(packed.namelist()) == ["mask.png", "original.png", "settings.json", "telea.png"]
        assert np.array_equal(np.asarray(PilImage.open(packed.open("telea.png"))), 255 - photo)
        settings = json.loads(packed.read("settings.json"))
    assert settings["picture"] == "a.png"
    assert settings["results"][0]["method"] == "telea"
    session.follow("telea")
    with pytest.raises(InputError, match="run a method first"):
        archive(session)


def test_samples_ship_with_packages_and_open(store):
    thumbnails = samples.thumbnails(store)
    assert {"coffee", "chelsea"} <= {one["id"] for one in thumbnails}
    for one in thumbnails:
        assert store.image(one["src"].removeprefix("pic/")).shape == (88, 88, 3)
    with pytest.raises(InputError, match="did you mean 'coffee'"):
        samples.sample_path("cofee")


def test_a_preview_is_small_and_the_picture_is_not(store):
    wide = np.zeros((20, 2500, 3), np.uint8)
    picture = from_result(store, store.put(encode_png(wide)), "wide")
    assert store.image(picture.preview).shape[1] == 2048
    assert picture.size == (20, 2500)


def test_hole_from_a_page_is_checked():
    assert compare.checked_hole({"count": 4, "bbox": [0, 0, 2, 2]}, (40, 60)) == {
        "count": 4,
        "top": 0,
        "left": 0,
        "bottom": 2,
        "right": 2,
    }
    assert compare.checked_hole({"count": 1e12, "bbox": [-5, -5, 999, 999]}, (40, 60))["count"] == 40 * 60
    boxes = ([1], None, [9, 9, 2, 2], "abcd")
    for junk in ({}, {"count": "x", "bbox": [0, 0, 1, 1]}, *({"count": 1, "bbox": box} for box in boxes)):
        assert compare.checked_hole(junk, (40, 60)) == {}


def test_holes_from_a_page_are_checked():
    whole = {"count": 4, "bbox": [0, 0, 2, 2]}
    assert compare.checked_holes({**whole, "holes": [[0, 0, 2, 2, 4], [30, 30, 50, 90, 1e9]]}, (40, 60)) == [
        Hole(0, 0, 2, 2, 4),
        Hole(30, 30, 40, 60, 300),
    ]
    for junk in (None, "abc", [1], [[1, 2]], [["a"] * 5], [[9, 9, 2, 2, 4]], [[0, 0, 2, 2, 4]] * 65):
        assert compare.checked_holes({**whole, "holes": junk}, (40, 60)) == [Hole(0, 0, 2, 2, 4)]
    assert compare.checked_holes({}, (40, 60)) == []


def test_a_link_leaves_an_uploaded_picture_out(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    session.chosen, session.seed = ["telea"], 3
    assert view.compare_link(session) == "?t=compare&m=telea&seed=3"
    session.begin(open_picture(store, samples.sample_path("coffee"), "Coffee", "coffee"))
    session.drawn = "brush:20:7"
    assert view.compare_link(session) == "?t=compare&img=coffee&mask=brush:20:7&m=telea&seed=3"


def test_settings_and_answers_travel_in_a_link_and_come_back(store, tmp_path):
    session = Session(store, chosen=["telea", "shift_map"], seed=3, n=4)
    compare.set_options(session, {"telea": {"radius": "5"}, "navier_stokes": {"radius": 7}})
    assert view.compare_link(session) == "?t=compare&m=telea,shift_map&seed=3&n=4&o=telea.radius:5"
    other, app = Session(store), App(store, None, tmp_path)
    note = compare.restore_session(
        app,
        other,
        {
            "m": "telea,shift_map",
            "seed": "3",
            "n": "4",
            "o": "telea.radius:5,repaint.preset:paper,repaint.steps:9",
        },
    )
    assert not note.error
    assert (other.seed, other.n) == (3, 4)
    assert other.options == {"telea": {"radius": 5.0}, "repaint": {"preset": "paper", "steps": 9}}
    assert view.compare_link(other) == view.compare_link(session)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"o": "telea.radius:900"}, "Telea: option 'radius' must lie between 1 and 50, not 900."),
        ({"o": "telea.radios:5"}, "did you mean 'radius'"),
        ({"o": "telee.radius:5"}, "did you mean 'telea'"),
        ({"o": "telea"}, "unknown option of 'telea'"),
        ({"o": "repaint.preset:papers"}, "did you mean 'paper'"),
        ({"o": "repaint.model:/etc"}, "RePaint: 'model' can be set on the command line and in Python alone."),
        ({"n": "9"}, "Answers: a whole number from 1 to 8."),
        ({"n": "0"}, "Answers: a whole number from 1 to 8."),
        ({"n": "x"}, "Answers: a whole number from 1 to 8."),
        ({"seed": "-1"}, "The seed is a whole number"),
    ],
)
def test_what_a_link_cannot_have_is_said_and_not_used(store, tmp_path, asked, words):
    session = Session(store)
    value = compare.restore_session(App(store, None, tmp_path), session, {"img": "coffee", **asked})
    assert value.error
    assert words in value.note
    assert session.round.picture.sample == "coffee"
    assert (session.options, session.seed, session.n) == ({}, 0, 1)


def test_a_bad_setting_is_said_at_its_method_and_refuses_the_run(store, photo, tmp_path):
    session, app = done_session(store, photo, tmp_path), App(store, None, tmp_path)
    compare.set_options(session, {"telea": {"radius": "5"}})
    compare.set_options(session, {"telea": {"radius": ""}})
    assert session.options == {"telea": {"radius": 5.0}}
    assert picker.picker(session)["wrong"] == {"telea": "Telea: option 'radius' must be a number, not ''."}
    url = rgba_mask(np.eye(40, 60) > 0)
    with pytest.raises(InputError, match="Telea: option 'radius' must be a number"):
        compare.start_run(app, session, url, ["telea"], {"telea": {"radius": ""}})
    compare.set_options(session, {})
    assert (session.wrong, session.options) == ({}, {})


def test_what_a_picker_offers(store):
    rows = {
        row["id"]: row for family in picker.picker(Session(store))["families"] for row in family["methods"]
    }
    assert {
        option["name"]: (option["kind"], option["default"], option["maximum"])
        for option in rows["telea"]["options"]
    } == {"radius": ("float", 3.0, 50)}
    names = [option.name for option in options.offered(registry.get("repaint"))]
    assert names == ["preset", "steps", "precision", "compile", "jump_length", "resamplings"]


def test_the_price_of_a_diffusion_method_counts_answers_options_and_holes(store):
    spec, session = registry.get("repaint"), Session(store)
    session.begin(open_picture(store, samples.sample_path("coffee"), "Coffee", "coffee"))
    session.hole, session.holes = {"count": 800}, [Hole(0, 0, 20, 20, 400), Hole(300, 500, 320, 520, 400)]
    prices = picker.costs_here(session)
    assert prices["repaint"].calls == 2 * 65
    session.n, session.options = 4, {"repaint": {"preset": "balanced"}}
    dear = picker.costs_here(session)
    assert dear["repaint"].calls == 4 * 2 * 460
    assert dear["telea"] == prices["telea"]
    assert picker.priced(spec, dear["repaint"], 4).startswith("4 × 920 network calls, about ")
    session.chosen = ["repaint"]
    assert view.run_label(session, dear)[0] == f"Run 1 · {spoken(dear['repaint'].seconds)}"


def test_stale_is_what_ran_under_other_settings(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    telea, prior = session.round.batch.jobs[0], Job("deep_image_prior")
    assert not panes.stale(session, telea)
    session.seed, session.n = 4, 2
    assert (panes.stale(session, telea), panes.stale(session, prior)) == (
        False,
        True,
    )  # its seed changes nothing
    session.options["telea"] = {"radius": 5.0}
    assert panes.stale(session, telea)
    session.seed, session.n, session.options = 0, 1, {}
    assert not panes.stale(session, prior)
    session.round.stale = True
    assert panes.stale(session, telea)


def test_thumbnails_show_the_hole():
    mask = np.zeros((100, 300), bool)
    mask[40:50, 280:300] = True
    top, left, bottom, right = copies.around(mask)
    assert bottom - top == right - left == 26
    assert (right, 0 <= top <= 40, bottom >= 50) == (300, True, True)
    assert copies.around(np.ones((60, 90), bool)) == (0, 15, 60, 75)
    assert copies.thumbnail(np.zeros((400, 300, 3), np.uint8), (0, 0, 300, 300)).shape == (
        copies.THUMBNAIL,
        copies.THUMBNAIL,
        3,
    )


def test_several_answers_stand_in_the_pane_and_in_the_archive(store, photo, tmp_path):
    session = done_session(store, photo, tmp_path)
    fills = [np.full_like(photo, seed) for seed in (5, 6)]
    job = Job(
        "repaint",
        5,
        n=3,
        state="stopped",
        message="It was stopped.",
        answers=[answer(fill, "repaint", 5 + i) for i, fill in enumerate(fills)],
    )
    for one in job.answers:
        one.token = session.round.answers[job.name(one.result.seed)] = store.put(encode_png(one.result.image))
    job.answers[1].scores = {"psnr": {"value": 20.0, "unit": "dB", "reason": ""}}
    session.round.batch, session.seed, session.n = Batch([job, *session.round.batch.jobs]), 5, 3
    shown = {pane["id"]: pane for pane in panes.panes(session, Runner())["panes"]}
    assert [(one["seed"], one["state"], one["file"]) for one in shown["repaint"]["answers"]] == [
        (5, "done", "a-repaint-seed5"),
        (6, "done", "a-repaint-seed6"),
        (7, "stopped", "a-repaint-seed7"),
    ]
    assert shown["repaint"]["answers"][1]["chips"][0]["value"].startswith("20.0 dB")
    assert "answers" not in shown["telea"]
    assert "does not draw at random" in shown["telea"]["note"]
    with zipfile.ZipFile(io.BytesIO(archive(session))) as packed:
        assert {"repaint-seed5.png", "repaint-seed6.png", "telea.png"} <= set(packed.namelist())
        assert np.array_equal(np.asarray(PilImage.open(packed.open("repaint-seed6.png"))), fills[1])
        records = json.loads(packed.read("settings.json"))["results"]
    assert [(one["method"], one["seed"], one["state"]) for one in records if one["method"] == "repaint"] == [
        ("repaint", 5, "done"), ("repaint", 6, "done"), ("repaint", 7, "stopped"),
    ]  # fmt: skip
    assert "--seed 6" in records[1]["again"]
    assert records[1]["again"].endswith("-o repaint-seed6.png")
    session.follow("repaint-seed6")
    assert np.array_equal(store.image(session.round.picture.token), fills[1])


def test_scores_are_the_benchmarks(photo):
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:30] = True
    filled = np.where(mask[..., None], 128, photo).astype(np.uint8)
    *_, scores = scores_in_hole(photo, filled, mask)
    difference = photo[mask].astype(float) - 128
    assert scores["psnr"]["value"] == pytest.approx(10 * np.log10(255**2 / np.mean(difference**2)), rel=1e-6)
    assert scores["l1"]["value"] == pytest.approx(np.abs(difference).mean() / 255, rel=1e-6)
    *_, perfect = scores_in_hole(photo, photo, mask)
    assert perfect["psnr"]["value"] is None
    assert "infinite" in perfect["psnr"]["reason"]


def test_app_is_what_all_tabs_share(store, tmp_path):
    assert App(store, None, tmp_path).results == tmp_path


class Sketching(Inpainter):
    """Shows a preview, then waits until it is stopped."""

    def fill(self, piece):
        piece.preview(np.full_like(piece.image, 7))
        while True:
            piece.on_step(0, 2)


@pytest.fixture
def calls(denoiser):
    """Grows by one with each call of the network."""
    made = []
    hook = denoiser.register_forward_hook(lambda *_: made.append(1))
    yield made
    hook.remove()


@pytest.mark.parametrize("method", ["replacement", "repaint", "ddnm", "dpm_solver"])
def test_a_stopped_run_halts_within_two_network_calls_and_keeps_what_it_showed(
    calls, tmp_path, monkeypatch, method
):
    monkeypatch.setattr("demo.server.jobs.registry.create", partial(registry.create, device="cpu"))
    app = App(Store(), Runner(), tmp_path)
    session = Session(app.store, options={method: {"steps": 1000 if method != "dpm_solver" else 900}}, n=2)
    session.begin(open_picture(app.store, samples.sample_path("coffee"), "Coffee", "coffee"))
    mask = np.zeros((400, 600), bool)
    mask[100:120, 200:220] = True
    try:
        job = compare.start_run(
            app,
            session,
            rgba_mask(mask),
            [method],
            session.options,
            0,
            2,
        ).jobs[0]
        while not job.showing[0]:
            assert not job.final, job.message
            time.sleep(0.005)
        job.halted, so_far = True, len(calls)  # as `stop`, whose other assignments would give the worker time
        session.stop()
        while app.runner._queues["heavy"]:
            time.sleep(0.01)
        assert len(calls) <= so_far + 2
        pane = panes.panes(session, app.runner)["panes"][-1]
        assert (pane["state"], [answer["state"] for answer in pane["answers"]]) == (
            "stopped",
            ["stopped", "stopped"],
        )
        assert pane["answers"][0]["src"] == served(job.showing[0])
        shown = app.store.image(job.showing[0])
        assert np.array_equal(shown[~mask], app.store.image(session.round.picture.token)[~mask])
        assert session.round.answers == {}
    finally:
        session.close()
        app.runner.close()
        app.store.close()


def test_a_stopped_method_goes_on_where_it_was_stopped(denoiser, tmp_path, monkeypatch):
    monkeypatch.setattr("demo.server.jobs.registry.create", partial(registry.create, device="cpu"))
    app = App(Store(), Runner(), tmp_path)
    session = Session(app.store, options={"dpm_solver": {"steps": 3}})
    session.begin(open_picture(app.store, samples.sample_path("coffee"), "Coffee", "coffee"))
    mask = np.zeros((400, 600), bool)
    mask[100:120, 200:220] = True
    try:
        batch = compare.start_run(
            app,
            session,
            rgba_mask(mask),
            ["dpm_solver"],
            session.options,
            5,
            3,
        )
        job = batch.jobs[0]
        while len(job.answers) < 1:
            time.sleep(0.005)
        job.halted = True
        batch.stop()
        while app.runner._queues["heavy"]:
            time.sleep(0.01)
        there = len(job.answers)
        tokens = dict(session.round.answers)
        again = compare.again(app, session, "dpm_solver")
        while not again.settled:
            time.sleep(0.01)
        names = ["dpm_solver-seed5", "dpm_solver-seed6", "dpm_solver-seed7"]
        assert list(session.round.answers) == names
        assert 1 <= there < 3
        assert list(tokens.items()) == list(session.round.answers.items())[:there]
        expected = inpaint(
            app.store.image(session.round.picture.token), mask, "dpm_solver", seed=5, n=3, steps=3
        )
        for name, answer in zip(names, expected, strict=True):
            assert np.abs(app.store.image(session.round.answers[name]).astype(int) - answer).max() <= 1
        assert all(answer.scores["psnr"]["value"] for answer in again.jobs[0].answers)
    finally:
        session.close()
        app.runner.close()
        app.store.close()


def test_a_preview_is_in_the_pane_while_it_runs_and_stays_when_it_is_stopped(tmp_path, monkeypatch):
    spec = MethodSpec(
        "sketching", "Sketching", "baseline", f"{__name__}:Sketching", "", "", 0, "", "", Cost(0.1)
    )
    monkeypatch.setitem(registry.METHODS, "sketching", spec)
    monkeypatch.setattr(registry, "create", lambda name, **options: Sketching(spec))
    app = App(Store(), Runner(), tmp_path)
    visit, mask = Session(app.store), np.zeros((32, 48), bool)
    PilImage.new("RGB", (48, 32), (200, 100, 50)).save(tmp_path / "photo.png")
    mask[8:20, 10:30] = True
    visit.begin(open_picture(app.store, tmp_path / "photo.png", "photo.png"))
    url = rgba_mask(mask)
    try:
        batch = compare.start_run(app, visit, url, ["sketching"], {})
        job = batch.jobs[0]
        while not job.previews and not job.final:
            time.sleep(0.01)
        shown = panes.panes(visit, app.runner)["panes"][-1]
        batch.stop()
        stopped = panes.panes(visit, app.runner)["panes"][-1]
        assert (shown["state"], stopped["state"]) == ("running", "stopped")
        assert shown["src"] == stopped["src"]
        picture = app.store.image(shown["src"].removeprefix("pic/"))
        assert (picture[mask] == 7).all()
        assert (picture[~mask] == (200, 100, 50)).all()
        visit.forget_answers()
        assert app.store.path(job.previews[-1]) is None
    finally:
        visit.close()
        app.runner.close()
        app.store.close()

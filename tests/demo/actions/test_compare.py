"""What a visitor can do in the Compare tab: tools, links, settings, runs."""

import io
import json
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import compare, links, tools
from demo.server import samples
from demo.server.archive import archive
from demo.server.jobs import Runner
from demo.server.pictures import open_picture
from demo.server.showcase import showcase
from demo.server.store import Store
from demo.server.store import url as served
from demo.server.visit import MOST_PAST, App, Session
from demo.views import compare as view
from demo.views import panes, picker
from inpainters import inpaint, registry
from inpainters.base import Inpainter
from inpainters.errors import InputError
from inpainters.spec import Cost, MethodSpec, Option
from inpainters.strategy import Hole
from inpainters.uses.feather import feathered


def test_hole_from_a_page_is_checked():
    assert compare.checked_hole({"count": 4, "bbox": [0, 0, 2, 2]}, (40, 60)) == {
        "count": 4,
        "top": 0,
        "left": 0,
        "bottom": 2,
        "right": 2,
        "depth": 0,
    }
    assert compare.checked_hole({"count": 1e12, "bbox": [-5, -5, 999, 999]}, (40, 60))["count"] == 40 * 60
    boxes = ([1], None, [9, 9, 2, 2], "abcd")
    for junk in ({}, {"count": "x", "bbox": [0, 0, 1, 1]}, *({"count": 1, "bbox": box} for box in boxes)):
        assert compare.checked_hole(junk, (40, 60)) == {}


def test_holes_from_a_page_are_checked():
    whole = {"count": 4, "bbox": [0, 0, 2, 2]}
    assert compare.checked_holes(
        {**whole, "holes": [[0, 0, 2, 2, 4, 1], [30, 30, 50, 90, 1e9, 9e9]]}, (40, 60)
    ) == [
        Hole(0, 0, 2, 2, 4, 1),
        Hole(30, 30, 40, 60, 300, 40),
    ]
    for junk in (
        None,
        "abc",
        [1],
        [[1, 2]],
        [["a"] * 5],
        [[9, 9, 2, 2, 4, 1]],
        [[0, 0, 2, 2, 4]],
        [[0, 0, 2, 2, 4, 1]] * 65,
    ):
        assert compare.checked_holes({**whole, "holes": junk}, (40, 60)) == [Hole(0, 0, 2, 2, 4)]
    assert compare.checked_holes({}, (40, 60)) == []


def test_settings_and_answers_travel_in_a_link_and_come_back(store, tmp_path):
    session = Session(store, chosen=["telea", "shift_map"], seed=3, n=4)
    compare.set_options(session, {"telea": {"radius": "5"}, "navier_stokes": {"radius": 7}})
    assert view.compare_link(session) == "?t=compare&m=telea,shift_map&seed=3&n=4&o=telea.radius:5"
    other, app = Session(store), App(store, None, tmp_path)
    note = links.restore_session(
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


def test_the_purpose_and_whether_scores_are_shown_travel_in_a_link(store, tmp_path):
    session, other, app = Session(store, chosen=["telea"]), Session(store), App(store, None, tmp_path)
    compare.take_choice(session, ["telea"], {}, "restore")
    session.judge = True
    link = view.compare_link(session)
    asked = dict(parse_qsl(link.removeprefix("?")))
    assert (asked["for"], asked["scores"]) == ("restore", "1")
    links.restore_session(app, other, asked)
    assert (other.purpose, other.judge) == ("restore", True)
    assert view.compare_link(other) == link
    links.restore_session(app, other, {"for": "nothing", "scores": "9"})
    assert (other.purpose, other.judge) == ("restore", None)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"o": "telea.radius:900"}, "Telea: option 'radius' must lie between 1 and 50, not 900."),
        ({"o": "telea.radios:5"}, "did you mean 'radius'"),
        ({"o": "telee.radius:5"}, "did you mean 'telea'"),
        ({"o": "telea"}, "unknown option of 'telea'"),
        ({"o": "repaint.preset:papers"}, "did you mean 'paper'"),
        ({"o": "repaint.model:/etc"}, "RePaint: 'model' can be set on the command line and in Python alone."),
        ({"m": "telea,telee"}, "did you mean 'telea'"),
        ({"m": "telea,qwen_image"}, "'qwen_image' needs"),
        ({"n": "9"}, "Answers: a whole number from 1 to 8."),
        ({"n": "0"}, "Answers: a whole number from 1 to 8."),
        ({"n": "x"}, "Answers: a whole number from 1 to 8."),
        ({"seed": "-1"}, "The seed is a whole number"),
    ],
)
def test_what_a_link_cannot_have_is_said_and_not_used(store, tmp_path, asked, words):
    session = Session(store)
    value = links.restore_session(App(store, None, tmp_path), session, {"img": "coffee", **asked})
    assert value.error
    assert words in value.note
    assert session.round.picture.sample == "coffee"
    assert (session.options, session.seed, session.n) == ({}, 0, 1)


def test_a_link_without_a_picture_opens_the_finished_example_and_a_mask_replaces_it(store):
    app, session = App(store, None, Path("results")), Session(store)
    reply = links.restore_session(app, session, {"m": "telea", "seed": "3"})
    assert (reply.note, session.chosen, session.seed) == (
        "Paint over something and press Run.", ["telea"], 3,
    )  # fmt: skip
    shown = panes.panes(session, Runner())
    assert (shown["mode"], shown["pair"][0], len(shown["panes"])) == ("slider", "original", 6)
    assert not [pane for pane in shown["panes"] if pane["state"] == "stale"]
    assert session.judged  # a drawn mask has a true original under it, whatever the purpose
    told = {"count": 4, "bbox": [0, 0, 2, 2], "by": "server", "digest": "1"}
    assert not compare.painted(session, told)
    session.forget_answers()
    assert session.round.drawn
    assert session.judged
    session.open(showcase(store, Path("results")).round())
    assert not compare.painted(session, told)
    assert compare.painted(session, {**told, "digest": "2", "by": "visitor"})
    assert not session.judged
    assert [pane["id"] for pane in panes.panes(session, Runner())["panes"]] == ["original"]
    other = Session(store)
    links.restore_session(app, other, {"img": "coffee"})
    assert [pane["id"] for pane in panes.panes(other, Runner())["panes"]] == ["original"]


def test_a_mask_file_is_no_longer_what_a_tool_drew(store, tmp_path, photo, saved):
    app, session = App(store, None, tmp_path), Session(store)
    tools.use_tool(app, session, {"kind": "sample", "id": "coffee"})
    tools.use_tool(app, session, {"kind": "generate", "name": "brush", "ratio": 0.2})
    assert session.drawn
    hole = np.zeros((400, 600), np.uint8)
    hole[:300] = 255
    reply = compare.load_mask_file(app, session, saved(tmp_path, "m.png", PilImage.fromarray(hole)), "m.png")
    assert not session.drawn
    assert "masks 75% of the picture" in reply.note
    assert [key for key, _ in reply.offers] == ["invert"]
    taken = tools.use_tool(app, session, {"kind": "offer", "id": "invert"})
    assert np.array_equal(store.mask(taken.mask), hole == 0)
    with pytest.raises(InputError, match="no longer offered"):
        tools.use_tool(app, session, {"kind": "offer", "id": "invert"})


def test_a_bad_setting_is_said_at_its_method_and_refuses_the_run(
    store, photo, tmp_path, rgba_mask, done_session
):
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
@pytest.mark.slow
def test_a_stopped_run_halts_within_two_network_calls_and_keeps_what_it_showed(
    calls, tmp_path, monkeypatch, method, rgba_mask
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
        while app.runner.lanes.works():
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


@pytest.mark.slow
def test_a_stopped_method_goes_on_where_it_was_stopped(denoiser, tmp_path, monkeypatch, rgba_mask):
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
        while app.runner.lanes.works():
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


def test_a_preview_is_in_the_pane_while_it_runs_and_stays_when_it_is_stopped(
    tmp_path, monkeypatch, rgba_mask
):
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


class Counting(Inpainter):
    """Draws its seed in grey, and counts how often."""

    drawn: ClassVar[list[int]] = []

    def fill(self, piece):
        self.drawn.append(piece.seed)
        return np.full_like(piece.image, 10 * piece.seed + len(self.options))


@pytest.fixture
def counting(tmp_path, monkeypatch):
    """A visit with a photograph and one method that counts; runs it on a hole and returns what it drew."""
    spec = MethodSpec(
        "counting", "Counting", "baseline", f"{__name__}:Counting", "", "", 0, "", "", Cost(0.1),
        stochastic=True, options=(Option("way", 1.0, "Which way.", minimum=0, maximum=9),),
    )  # fmt: skip
    monkeypatch.setitem(registry.METHODS, "counting", spec)
    create = registry.create
    monkeypatch.setattr(
        registry, "create",
        lambda name, **options: Counting(spec, **options) if name == "counting" else create(name, **options),
    )  # fmt: skip
    app = App(Store(), Runner(), tmp_path)
    visit = Session(app.store)
    PilImage.new("RGB", (48, 32), (200, 100, 50)).save(tmp_path / "photo.png")
    visit.begin(open_picture(app.store, tmp_path / "photo.png", "photo.png"))
    yield app, visit
    visit.close()
    app.runner.close()
    app.store.close()


def block(top, bottom):
    mask = np.zeros((32, 48), bool)
    mask[top:bottom, 10:30] = True
    return mask


def test_a_run_computes_only_what_is_missing_and_keeps_what_is_there(counting, rgba_mask):
    app, visit = counting

    def run(mask, ids, seed=0, n=1, **options):
        Counting.drawn.clear()
        visit.digest = str(mask.sum())  # as the editor tells holes apart
        visit.hole = {"count": int(mask.sum())}
        batch = compare.start_run(app, visit, rgba_mask(mask), ids, {"counting": options}, seed, n)
        while not batch.settled:
            time.sleep(0.005)
        assert {job.state for job in batch.jobs} == {"done"}
        return [*Counting.drawn], sorted(visit.round.answers)

    def label():
        return view.run_label(visit, app.runner, visit.prices())

    first, second = block(8, 20), block(8, 22)
    assert run(first, ["mean_fill", "counting"]) == ([0], ["counting", "mean_fill"])
    assert label() == ("All 2 are there", False)
    early = dict(visit.round.answers)
    visit.chosen = ["mean_fill", "counting", "telea"]
    assert label()[0].startswith("Run 1 more of 3 · ")
    assert run(first, ["telea"])[0] == []
    assert {**visit.round.answers, **early} == visit.round.answers  # those that are not ticked stay
    assert run(first, ["counting"], n=3)[0] == [1, 2]
    assert len(visit.round.answers) == 5
    assert run(first, ["counting"], seed=1, n=2)[0] == []
    assert run(first, ["counting"], way=5.0)[0] == [0]
    assert run(first, ["counting"])[0] == []
    assert visit.round.answers["counting"] == early["counting"]
    compare.set_options(visit, {"counting": {"way": 5.0}})
    assert label() == ("Show Counting again", True)
    assert run(second, ["counting"]) == ([0], ["counting"])  # another hole: none of the answers fits
    assert run(first, ["counting"])[0] == []
    assert visit.round.answers["counting"] == early["counting"]
    shown = panes.panes(visit, app.runner)["panes"]
    assert {pane["id"] for pane in shown[2:] if pane["state"] == "done"} == {"counting", "mean_fill", "telea"}
    visit.close()
    assert list(app.store.folder.glob("t*")) == []


def test_a_run_knows_its_hole_before_the_editors_word_of_it_arrives(counting, rgba_mask):
    app, visit = counting
    told = {"count": 4, "bbox": [0, 0, 2, 2], "by": "visitor"}
    compare.painted(visit, {**told, "digest": "1"})
    url = rgba_mask(block(8, 20)).replace("image/png;", "image/png;digest=2;")
    batch = compare.start_run(app, visit, url, ["mean_fill"], {})
    while not batch.settled:
        time.sleep(0.005)
    assert not compare.painted(visit, {**told, "digest": "2"})
    assert not visit.round.stale
    assert compare.painted(visit, {**told, "digest": "1"})
    assert visit.round.stale


def test_a_feather_makes_a_hole_of_its_own_and_mixes_its_ring(counting, rgba_mask):
    app, visit = counting
    hole, photo = block(8, 20), np.full((32, 48, 3), (200, 100, 50), np.uint8)

    def run(feather):
        url = rgba_mask(hole).replace("image/png;", f"image/png;digest=1{feather};feather={feather};")
        batch = compare.start_run(app, visit, url, ["counting"], {}, seed=9)
        while not batch.settled:
            time.sleep(0.005)
        return app.store.image(visit.round.answers["counting"]), batch.jobs[0].answers[0]

    run(0)
    sharp = visit.round
    mixed, answer = run(3)
    fill = np.full_like(photo, 91)
    assert np.array_equal(mixed, feathered(fill, photo, hole, 3))
    assert np.array_equal(app.store.mask(visit.round.mask), hole)  # as it was painted
    assert answer.result.notes[-1].startswith("Feathered: the known pixels up to 3 px")
    visit.judge = True
    assert view.scored(visit).endswith("The feather around it is not scored.")
    assert [run["title"] for run in panes.history(visit)] == ["Counting", "Counting, feather 3 px"]
    settings = archive_settings(visit)
    assert settings["feather"] == 3
    assert " --feather 3 -o again/counting.png" in settings["results"][0]["again"]
    reply = compare.revisit(visit, sharp.key)
    assert (reply.feather, visit.feather) == (0, 0)
    assert (app.store.image(visit.round.answers["counting"])[~hole] == photo[~hole]).all()
    with pytest.raises(InputError, match="between 0 and 32"):
        run(77)


def archive_settings(visit):
    with zipfile.ZipFile(io.BytesIO(archive(visit))) as packed:
        return json.loads(packed.read("settings.json"))


def test_the_feather_is_part_of_what_is_stale_and_travels_in_a_link(counting, rgba_mask):
    app, visit = counting
    told = {"count": 4, "bbox": [0, 0, 2, 2], "by": "server", "digest": "1"}
    compare.painted(visit, told)
    visit.drawn = "box:20:1"
    url = rgba_mask(block(8, 20)).replace("image/png;", "image/png;digest=1;feather=0;")
    batch = compare.start_run(app, visit, url, ["mean_fill"], {})
    while not batch.settled:
        time.sleep(0.005)
    assert compare.painted(visit, told | {"by": "setting", "digest": "108", "feather": 8})
    assert (visit.round.stale, visit.feather, visit.drawn) == (True, 8, "box:20:1")
    compare.painted(visit, told | {"feather": "x"})
    assert visit.feather == 0
    sample = next(iter(samples.SAMPLES))
    for asked, feather, words in (("8", 8, ""), ("99", 0, "between 0 and 32"), ("", 0, "")):
        reply = links.restore_session(app, visit, {"img": sample, "feather": asked})
        assert (reply.feather, visit.feather) == (feather, feather)
        assert words in reply.note


def test_runs_of_a_visit_are_bounded(counting, rgba_mask):
    app, visit = counting
    for rows in range(1, MOST_PAST + 4):
        batch = compare.start_run(app, visit, rgba_mask(block(8, 8 + rows)), ["mean_fill"], {})
        while not batch.settled:
            time.sleep(0.005)
    assert len(visit.past) == MOST_PAST
    assert sum(one.at < visit.past[0].at for one in visit.past) == 0
    kept = {token for one in (*visit.rounds, *visit.past) for token in one.tokens}
    assert {file.name for file in app.store.folder.glob("t*")} == kept
    oldest, rows = visit.past[0], panes.history(visit)
    assert [row["now"] for row in rows] == [False] * MOST_PAST + [True]
    assert app.store.image(rows[0]["src"].removeprefix("pic/")).shape[0] <= 32
    reply = compare.revisit(visit, rows[0]["id"])
    assert (visit.round, reply.mask) == (oldest, oldest.mask)
    assert [row["now"] for row in panes.history(visit)] == [True] + [False] * MOST_PAST
    for gone in ("", "abc", "None"):
        with pytest.raises(InputError, match="no longer kept"):
            compare.revisit(visit, gone)


def test_pixels_of_kept_answers_stand_in_the_store_alone(counting, rgba_mask):
    app, visit = counting
    batch = compare.start_run(app, visit, rgba_mask(block(8, 20)), ["mean_fill", "counting"], {}, 0, 2)
    while not batch.settled:
        time.sleep(0.005)
    assert [job.result for job in batch.jobs] == [None, None]
    assert not any(
        answer.result.image.size + answer.result.raw.size for job in batch.jobs for answer in job.answers
    )
    assert all(answer.scores for job in batch.jobs for answer in job.answers)

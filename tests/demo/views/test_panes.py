"""The pictures of a round."""

import io
import json
import zipfile

import numpy as np
from PIL import Image as PilImage

from demo.server.archive import archive
from demo.server.jobs import Batch, Job, Runner
from demo.views import panes
from inpainters.imaging import encode_png


def test_stale_is_what_ran_under_other_settings(store, photo, tmp_path, done_session):
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


def test_several_answers_stand_in_the_pane_and_in_the_archive(store, photo, tmp_path, answer, done_session):
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
    session.judge = True
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
    assert records[1]["again"].endswith("-o again/repaint-seed6.png")
    session.follow("repaint-seed6")
    assert np.array_equal(store.image(session.round.picture.token), fills[1])


def test_distances_to_what_was_removed_are_hidden_until_they_are_asked_for(
    store, photo, tmp_path, done_session
):
    session = done_session(store, photo, tmp_path)
    session.round.batch.jobs[0].answers[0].scores = {"psnr": {"value": 20.0, "unit": "dB", "reason": ""}}

    def shown():
        value = panes.panes(session, Runner())
        return value.get("ref"), len(value["panes"][-1]["chips"]), bool(value.get("noref"))

    assert shown() == (None, 0, True)
    session.purpose = "restore"
    assert shown() == ("original", 1, False)
    session.purpose, session.round.drawn = "remove", "brush:20:7"  # a true original under a drawn mask
    assert shown() == ("original", 1, False)
    session.round.drawn, session.judge = "", True
    assert shown() == ("original", 1, False)
    session.round.reference = False
    assert shown() == (None, 0, False)


def test_a_method_that_has_begun_shows_the_hole_until_it_shows_more(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    session.round.masked = "masked.png"
    job, waiting = Job("patchmatch", state="running"), Job("shift_map")
    session.round.batch = Batch([job, waiting])

    def shown():
        return {pane["id"]: pane["src"] for pane in panes.panes(session, Runner())["panes"][2:]}

    assert shown() == {"patchmatch": "pic/masked.png", "shift_map": None}
    job.showing = "so-far.png", ""
    assert shown()["patchmatch"] == "pic/so-far.png"

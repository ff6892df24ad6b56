"""The rounds of a visit."""

import numpy as np
import pytest

from demo.server.visit import Session
from inpainters.errors import InputError


def test_a_result_becomes_the_next_picture_and_undo_brings_the_first_back(
    store, photo, tmp_path, done_session
):
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


def test_back_at_a_picture_whose_mask_was_painted_no_generator_drew_it(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    session.follow("telea")
    session.drawn = "brush:20:7"
    session.move(-1)
    assert session.drawn == ""


def test_running_again_keeps_a_result_that_has_become_a_picture(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    session.follow("telea")
    session.move(-1)
    session.forget_answers()
    session.move(+1)
    assert np.array_equal(store.image(session.round.picture.token), 255 - photo)


def test_a_missing_result_is_one_sentence(store, photo, tmp_path, done_session):
    with pytest.raises(InputError, match="not there yet"):
        done_session(store, photo, tmp_path).follow("repaint")
    with pytest.raises(InputError, match="Choose a picture first"):
        Session(store).follow("telea")
    ended = Session(store)
    with pytest.raises(InputError, match="Choose a picture first"):
        ended.move(-1)
    assert ended.index == -1


def test_closing_deletes_the_files(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    session.follow("telea")
    session.close()
    assert list(store.folder.iterdir()) == []

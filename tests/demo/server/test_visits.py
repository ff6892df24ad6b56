"""Visits that a reload finds again."""

import time

import numpy as np

from demo.actions import compare
from demo.server.visit import App, Session
from demo.server.visits import Visits


def test_a_visit_is_found_by_its_id_for_an_hour_and_then_closed(store, photo, tmp_path, done_session):
    app, session = App(store, None, tmp_path), done_session(store, photo, tmp_path)
    assert len(session.id) >= 32
    app.visits.keep(session)
    assert compare.found_visit(app, None, session.id) == (session, True)
    other, back = compare.found_visit(app, None, "x" * 32)
    assert (other is session, back) == (False, False)
    app.visits.left(session)  # a reload: the page before it lets go
    assert list(session.round.answers) == ["telea"]
    assert np.array_equal(store.mask(compare.resume(session).mask), np.zeros((40, 60), bool))
    session.seen = time.time() - 3601
    assert app.visits.find(session.id) is None
    assert session.rounds == []
    assert list(store.folder.glob("t*")) == []


def test_visits_are_bounded_and_one_that_no_reload_can_find_ends_with_its_page(store):
    visits, sessions = Visits(most=2), [Session(store) for _ in range(3)]
    for session in sessions:
        visits.keep(session)
    assert [visits.find(session.id) for session in sessions] == [None, *sessions[1:]]
    closed = []
    sessions[0].close = lambda: closed.append(0)
    sessions[1].close = lambda: closed.append(1)
    for session in (*sessions[:2], None):
        visits.left(session)
    assert closed == [0]

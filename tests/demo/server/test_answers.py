"""What is kept of a run's previews and answers."""

import numpy as np

from demo.server.answers import Keeper
from demo.server.jobs import Job
from demo.server.visit import App


def test_previews_outlive_the_answer_that_follows_them_by_one(store, photo, tmp_path, done_session, answer):
    session = done_session(store, photo, tmp_path)
    one, mask = session.round, np.zeros((40, 60), bool)
    mask[5:20, 5:20] = True
    one.reference = False
    keeper, job = Keeper(App(store, None, tmp_path), one, photo, mask, None), Job("repaint", n=3)
    shown = []
    for seed in range(3):
        keeper.show(job, photo)
        shown.append(job.showing)
        assert all(map(store.path, job.showing))
        keeper.keep(job, answer(photo, "repaint", seed))
        assert job.showing == ("", "")
    assert not any(store.path(token) for pair in shown[:2] for token in pair)
    assert all(store.path(token) for token in shown[2])
    one.batch.jobs.append(job)
    assert set(shown[2]) <= set(one.previews)
    session.forget_answers()
    assert not any(store.path(token) for token in shown[2])


def test_a_run_keeps_its_hole_and_says_where_nothing_true_is_known(store, photo, tmp_path, done_session):
    one, mask = done_session(store, photo, tmp_path).round, np.zeros((40, 60), bool)
    mask[5:20, 5:20] = True
    Keeper(App(store, None, tmp_path), one, photo, mask, None).keep_hole()
    assert np.array_equal(store.mask(one.mask), mask)
    masked = store.image(one.masked)
    assert np.array_equal(masked[~mask], photo[~mask])
    assert len(np.unique(masked[mask], axis=0)) == 2
    assert (one.sketch, one.reference) == (None, True)
    one.picture = type(one.picture)(**{**vars(one.picture), "transparent": one.mask})
    again = Keeper(App(store, None, tmp_path), one, photo, mask, mask)
    again.know_hole()
    again.keep_hole()
    assert np.array_equal(store.mask(one.sketch), mask)
    assert not one.reference

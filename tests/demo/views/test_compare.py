"""What the Compare tab shows."""

from pathlib import Path

from demo.actions.links import open_showcase
from demo.server import samples
from demo.server.pictures import open_picture
from demo.server.visit import App
from demo.views import compare as view


def test_a_link_leaves_an_uploaded_picture_out(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    session.chosen, session.seed = ["telea"], 3
    assert view.compare_link(session) == "?t=compare&m=telea&seed=3"
    session.begin(open_picture(store, samples.sample_path("coffee"), "Coffee", "coffee"))
    session.drawn = "brush:20:7"
    assert view.compare_link(session) == "?t=compare&img=coffee&mask=brush:20:7&m=telea&seed=3"


def test_the_editor_knows_whose_picture_no_link_brings_back(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    assert view.editor(session)["own"]
    open_showcase(App(store, None, Path("results")), session)
    assert not view.editor(session)["own"]
    session.begin(open_picture(store, samples.sample_path("coffee"), "Coffee", "coffee"))
    assert not view.editor(session)["own"]

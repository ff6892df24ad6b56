"""What the Compare tab shows."""

from demo.server import samples
from demo.server.pictures import open_picture
from demo.views import compare as view


def test_a_link_leaves_an_uploaded_picture_out(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    session.chosen, session.seed = ["telea"], 3
    assert view.compare_link(session) == "?t=compare&m=telea&seed=3"
    session.begin(open_picture(store, samples.sample_path("coffee"), "Coffee", "coffee"))
    session.drawn = "brush:20:7"
    assert view.compare_link(session) == "?t=compare&img=coffee&mask=brush:20:7&m=telea&seed=3"

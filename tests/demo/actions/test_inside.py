"""What a visitor can do in the Inside tab, with made-up methods."""

import base64
import time
from collections import deque

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import inside
from demo.server.explanation import ask
from demo.server.inspection import Inspection
from demo.server.pictures import open_picture
from demo.server.visit import Session
from demo.views import inside as view
from inpainters.base import InpaintRequest

SIZE = (80, 120)


HOLE = (slice(20, 60), slice(40, 80))


pytestmark = pytest.mark.usefixtures("made_up")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    PilImage.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)).save(path)
    return path


def request():
    image, mask = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8), np.zeros(SIZE, bool)
    mask[HOLE] = True
    return InpaintRequest(image, mask)


def test_a_run_forgets_the_oldest_attention_and_the_pictures_of_the_one_before(app, explained):
    recent, visit = deque(maxlen=1), Inspection(app.store, "attending")
    inside.take_pick(visit, None, {"source": "coffee"})
    other = explained("attending", request().image, request().mask)
    recent.append(other)
    inside.start_explanation(app, visit, recent)
    assert not any(shot.origin for shot in other.shots)
    first = visit.job
    deadline = time.monotonic() + 60
    while not first.final and time.monotonic() < deadline:
        time.sleep(0.01)
    shot = next(shot for shot in first.shots if shot.origin)
    at = [
        int(share * length) for share, length in zip(view.inside(app, visit)["hole"], shot.size, strict=True)
    ]
    asked = ask(first, shot.name, *at)["src"].removeprefix("pic/")
    assert app.store.path(asked)
    inside.start_explanation(app, visit, recent)
    assert app.store.path(first.shots[0].token) is None
    assert app.store.path(asked) is None
    visit.close()


def test_another_picture_under_the_same_hole_and_its_sketch_are_taken_from_compare(app, photo, tmp_path):
    session, visit = Session(app.store), Inspection(app.store)
    alpha = np.zeros((*SIZE, 4), np.uint8)
    alpha[(*HOLE, 3)] = 255
    alpha[30, 40:80, 0] = 255  # a line of a sketch
    PilImage.fromarray(alpha).save(tmp_path / "mask.png")
    url = "data:image/png;base64," + base64.b64encode((tmp_path / "mask.png").read_bytes()).decode()
    PilImage.new("RGB", SIZE[::-1], (200, 10, 10)).save(tmp_path / "red.png")
    for path in (photo, tmp_path / "red.png"):
        session.begin(open_picture(app.store, path, path.name))
        inside.come(visit, session, url)
        assert np.array_equal(visit.pixels()[0], np.asarray(PilImage.open(path)))
    app.store.drop([visit.mask])  # as after two hours in which nobody asked for it
    inside.come(visit, session, url)
    assert np.array_equal(visit.pixels()[1], alpha[..., 3] > 0)
    visit.method = "filling"
    drawn = inside.start_explanation(app, visit, deque(maxlen=1)).jobs[0].guide
    assert np.argwhere(drawn).tolist() == [[30, column] for column in range(40, 80)]
    visit.close()

"""The editor's tools that need the server."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from demo.actions import compare, tools
from demo.server.jobs import Batch, Job
from demo.server.pictures import from_pixels
from demo.server.visit import App, Session
from demo.views import compare as view
from inpainters.errors import InputError
from inpainters.imaging import Mask
from inpainters.uses.corners import rectified


@pytest.fixture
def opened(app: App) -> Session:
    session = compare.session_of(app, None)
    tools.use_tool(app, session, {"kind": "sample", "id": "coffee"})
    return session


@pytest.mark.slow
def test_a_thing_joins_the_mask_or_leaves_it(app: App, opened: Session) -> None:
    box = {"left": 130, "top": 80, "right": 480, "bottom": 360}
    joined = tools.use_tool(app, opened, {"kind": "object", "add": True, **box})
    gone = tools.use_tool(app, opened, {"kind": "object", "add": False, **box})
    assert (joined.how, gone.how) == ("add", "remove")
    assert joined.mask is not None
    assert gone.mask is not None
    mask = app.store.mask(joined.mask)
    assert 0.1 < mask.mean() < 0.5
    assert np.array_equal(mask, app.store.mask(gone.mask))
    shown = view.editor(opened, *joined)
    assert shown["how"] == "add"
    assert shown["mask"]


def test_scratches_are_found_and_join_the_mask(app: App, opened: Session) -> None:
    image = app.store.image(opened.round.picture.token).copy()
    scratched = np.zeros(image.shape[:2], np.uint8)
    cv2.line(scratched, (120, 20), (150, 380), 1, 2)
    image[scratched > 0] = 250
    opened.begin(from_pixels(app.store, image, "old.png", "", np.zeros_like(scratched, bool)))
    reply = tools.use_tool(app, opened, {"kind": "find", "marks": "scratches"})
    found = app.store.mask(str(reply.mask))
    assert found[scratched > 0].mean() > 0.9
    assert found.mean() < 0.05
    assert reply.how == "add"
    assert reply.note.startswith("Scratches found")
    flat = np.full((64, 64, 3), 128, np.uint8)
    opened.begin(from_pixels(app.store, flat, "flat.png", "", np.zeros((64, 64), bool)))
    nothing = tools.use_tool(app, opened, {"kind": "find", "marks": "dust"})
    assert nothing.mask is None
    assert "No dust found" in nothing.note
    with pytest.raises(InputError, match="did you mean"):
        tools.use_tool(app, opened, {"kind": "find", "marks": "scratch"})


def test_a_wider_frame_is_the_next_picture_and_its_new_part_the_hole(app: App, opened: Session) -> None:
    before = app.store.image(opened.round.picture.token)
    height, width = before.shape[:2]
    reply = tools.use_tool(app, opened, {"kind": "extend", "top": 0, "left": 40, "bottom": 8.4, "right": -3})
    picture = opened.round.picture
    assert picture.size == (height + 8, width + 40)
    after, hole = app.store.image(picture.token), app.store.mask(str(reply.mask))
    assert np.array_equal(after[:height, 40:], before)
    assert not hole[:height, 40:].any()
    assert hole[:, :40].all()
    assert hole[height:].all()
    shown = view.editor(opened, *reply)
    assert (shown["w"], shown["h"], shown["transparent"]) == (width + 40, height + 8, False)
    compare.move(opened, -1)
    assert opened.round.picture.size == (height, width)


def test_a_turned_picture_is_the_next_one_and_its_corners_the_hole(app: App, opened: Session) -> None:
    height, width = opened.round.picture.size
    reply = tools.use_tool(app, opened, {"kind": "straighten", "degrees": 5})
    hole = app.store.mask(str(reply.mask))
    assert hole.shape == opened.round.picture.size
    assert hole.shape[0] > height and hole.shape[1] > width  # noqa: PT018
    assert hole[0, 0] and hole[-1, -1] and not hole[hole.shape[0] // 2, hole.shape[1] // 2]  # noqa: PT018
    assert opened.round.picture.called.endswith(", straightened")


ASKEW = [[60.0, 40.0], [300.0, 70.0], [290.0, 260.0], [50.0, 240.0]]


def test_four_corners_make_the_next_picture_and_what_is_empty_is_the_hole(app: App, opened: Session) -> None:
    tools.use_tool(app, opened, {"kind": "sample", "id": "chelsea"})
    before = opened.round.picture
    expected, empty = rectified(app.store.image(before.token), [(x, y) for x, y in ASKEW])
    assert empty.any()
    reply = tools.use_tool(app, opened, {"kind": "corners", "corners": ASKEW})
    after = opened.round.picture
    assert np.array_equal(app.store.image(after.token), expected)
    assert np.array_equal(app.store.mask(str(reply.mask)), empty)
    assert after.called.endswith(", straightened")
    assert view.editor(opened, *reply)["framed"]
    opened.round.batch = Batch([Job("telea", state="running")])
    with pytest.raises(InputError, match="stop it"):
        tools.use_tool(app, opened, {"kind": "back"})
    opened.round.batch = None
    tools.use_tool(app, opened, {"kind": "back"})
    assert opened.round.picture == before
    assert not view.editor(opened)["framed"]
    tools.use_tool(app, opened, {"kind": "back"})  # asked twice, as a held key does
    assert opened.round.picture == before
    forth = compare.move(opened, 1)
    assert forth.mask == reply.mask  # it has no run of its own yet


def test_black_borders_join_the_mask(app: App, opened: Session) -> None:
    framed = np.zeros((60, 80, 3), np.uint8)
    framed[10:50, :70] = 120
    opened.begin(from_pixels(app.store, framed, "pan.png", "", np.zeros((60, 80), bool)))
    reply = tools.use_tool(app, opened, {"kind": "borders"})
    mask = app.store.mask(str(reply.mask))
    assert reply.how == "add"
    assert mask[framed.max(2) == 0].all()
    assert mask[10:50, :70].mean() < 0.3


def test_nothing_true_is_known_in_a_new_part(
    app: App, opened: Session, rgba_mask: Callable[[Mask], str]
) -> None:
    reply = tools.use_tool(app, opened, {"kind": "extend", "top": 0, "left": 20, "bottom": 0, "right": 0})
    hole = app.store.mask(str(reply.mask))
    batch = compare.start_run(app, opened, rgba_mask(hole), ["mean_fill"], {})
    batch.stop()
    assert not opened.round.reference


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "nonsense"}, "unknown"),
        ({"kind": "extend", "top": 0, "left": 0, "bottom": 0, "right": 0}, "Drag an edge"),
        ({"kind": "extend", "top": 90000, "left": 0, "bottom": 0, "right": 0}, "too large"),
        ({"kind": "extend", "top": "a", "left": 0, "bottom": 0, "right": 0}, "makes no sense"),
        ({"kind": "extend", "top": float("inf"), "left": 0, "bottom": 0, "right": 0}, "makes no sense"),
        ({"kind": "object", "left": 3}, "makes no sense"),
        ({"kind": "straighten", "degrees": 0}, "Move the slider"),
        ({"kind": "straighten", "degrees": 80}, "between -45 and 45"),
        ({"kind": "corners"}, "makes no sense"),
        ({"kind": "corners", "corners": [[1, 2], 3]}, "makes no sense"),
        ({"kind": "corners", "corners": ASKEW[:3]}, "Name four corners"),
        ({"kind": "corners", "corners": ASKEW[::-1]}, "no four-sided figure"),
        ({"kind": "corners", "corners": [[9, 9], [99, 9], [99, 50], [9, 50]]}, "upright rectangle as it is"),
        ({"kind": "corners", "corners": [[float("nan"), 9], *ASKEW[1:]]}, "Name four corners"),
        ({"kind": "borders"}, "No border"),
        ({"kind": "object", "left": -9, "top": -9, "right": 9999, "bottom": 9999}, "whole picture"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_changes(
    app: App, opened: Session, data: dict[str, object], words: str
) -> None:
    before = opened.round
    with pytest.raises(InputError, match=words):
        tools.use_tool(app, opened, data)
    assert opened.round is before

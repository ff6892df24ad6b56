"""The editor's tools that need the server: examples, drawn masks, what is found in the picture, and another
frame for it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from demo.server import samples
from demo.server.pictures import PAGE_PIXELS, from_pixels, open_picture
from demo.server.visit import HANDED, App, Reply, Session
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask
from inpainters.masks import GENERATORS, generate
from inpainters.masks.selection import select_object
from inpainters.uses.corners import rectified, straightened, without_borders
from inpainters.uses.restoration import find_marks, kinds_of_marks

HANDED_NOTE = (
    "A hole of the Leaderboard, with its method ticked. Its copy for looking at may score a little otherwise."
)
SIDES = ("top", "left", "bottom", "right")
LONGEST = 8192
"""Pixels of the longer side up to which things are looked for: what a search takes grows with its square."""
_SEARCHES = threading.BoundedSemaphore(2)
NONSENSE = "What the page sent makes no sense; reload it."
GREY = 119
"""Of what is empty, under the mask's tint."""
Sent = Mapping[str, Any]


def use_tool(app: App, session: Session, data: Sent) -> Reply:
    """Use the tool `data["kind"]`; raises InputError for one that is unknown, or whose data make no sense."""
    kind = str(data.get("kind"))
    tool = TOOLS.get(kind)
    if tool is None:
        raise InputError("That tool is unknown; reload the page.")
    if kind not in SEARCHES:
        return tool(app, session, data)
    with searching(session.round.picture.size):
        return tool(app, session, data)


@contextmanager
def searching(size: tuple[int, int]) -> Iterator[None]:
    """For what looks at a whole picture of (height, width): two at once for all visitors. Raises InputError
    for one that is too long.
    """
    if max(size) > LONGEST:
        raise InputError(f"This tool takes pictures of up to {LONGEST} pixels a side; make it smaller first.")
    with _SEARCHES:
        yield


def _sample(app: App, session: Session, data: Sent) -> Reply:
    name = str(data.get("id"))
    session.begin(open_picture(app.store, samples.sample_path(name), samples.SAMPLES[name][0], name))
    return Reply()


def _transparent(app: App, session: Session, data: Sent) -> Reply:
    mask = session.round.picture.transparent
    session.drawn = ""
    return Reply("The file's transparent pixels are the mask now.", mask=mask)


def _handed(app: App, session: Session, data: Sent) -> Reply:
    handed = session.offers.get(HANDED)
    return Reply(HANDED_NOTE, mask=handed) if handed else Reply()


def _offer(app: App, session: Session, data: Sent) -> Reply:
    """What was offered about a mask file."""
    token = session.offers.pop(str(data.get("id")), None)
    if token is None:
        raise InputError("That is no longer offered; load the mask file again.")
    session.drawn = ""
    return Reply("The mask is as you chose.", mask=token)


def _generate(app: App, session: Session, data: Sent) -> Reply:
    name = str(data.get("name"))
    wanted, part = _numbers(
        {"seed": data.get("seed") or 0, "ratio": data.get("ratio") or 0.2}, "seed", "ratio"
    )
    seed = max(0, int(wanted))
    fixed = name in GENERATORS and GENERATORS[name].fixed
    ratio = None if fixed else min(0.6, max(0.01, part))
    mask = generate(name, session.round.picture.size, seed=seed, ratio=ratio)
    session.drawn = f"{name}:{round(100 * (ratio or 0))}:{seed}"
    return Reply(mask=app.store.put_image(mask))


def _select(app: App, session: Session, data: Sent) -> Reply:
    """The thing in a box, or at a point, joins the mask or leaves it."""
    mask = selected(app.store.image(session.round.picture.token), data)
    session.drawn = ""
    return Reply(mask=app.store.put_image(mask), how=how_it_joins(data))


def selected(image: Image, data: Sent) -> Mask:
    """The thing in the box that the editor sends."""
    box = _numbers(data, "left", "top", "right", "bottom")
    return select_object(image, (box[0], box[1], box[2], box[3]))


def how_it_joins(data: Sent) -> str:
    """What a selection does to the mask: add or remove."""
    return "add" if data.get("add", True) else "remove"


def _find(app: App, session: Session, data: Sent) -> Reply:
    """Scratches, dust or text join the mask."""
    kinds = kinds_of_marks(str(data.get("marks"))[:80])
    mask, what = find_marks(app.store.image(session.round.picture.token), kinds), " and ".join(kinds)
    if not mask.any():
        return Reply(f"No {what} found: paint over what should go.")
    session.drawn = ""
    words = f"{what.capitalize()} found and masked. Erase what should stay."
    return Reply(words, mask=app.store.put_image(mask), how="add")


def _extend(app: App, session: Session, data: Sent) -> Reply:
    """A wider frame: what is new around the picture is the hole."""
    top, left, bottom, right = (max(0, round(value)) for value in _numbers(data, *SIDES))
    picture = session.round.picture
    height, width = picture.size[0] + top + bottom, picture.size[1] + left + right
    if not top + left + bottom + right:
        raise InputError("Drag an edge of the picture outwards first.")
    if height * width > PAGE_PIXELS:
        raise InputError(f"{width}×{height} is too large for this page; extend it by less.")
    image = app.store.image(picture.token)
    sides = ((top, bottom), (left, right))
    wider = np.pad(image, (*sides, (0, 0)), constant_values=GREY)
    empty = np.pad(np.zeros(image.shape[:2], bool), sides, constant_values=True)
    return _framed(app, session, wider, empty, "extended")


def _straighten(app: App, session: Session, data: Sent) -> Reply:
    """The picture turned anticlockwise: its empty corners are the hole."""
    image = app.store.image(session.round.picture.token)
    turned, empty = straightened(image, _numbers(data, "degrees")[0])
    if not empty.any():
        raise InputError("Move the slider first: the picture is level as it is.")
    if empty.size > PAGE_PIXELS:
        raise InputError("Turned, the picture is too large for this page; make it smaller first.")
    return _framed(app, session, turned, empty, "straightened")


def _corners(app: App, session: Session, data: Sent) -> Reply:
    """The picture seen so that four corners become an upright rectangle: what is empty then is the hole."""
    image, corners = app.store.image(session.round.picture.token), _points(data)
    upright, empty = rectified(image, corners)
    (left, top), (right, above), (beyond, bottom), (before, below) = corners
    if max(abs(top - above), abs(right - beyond), abs(bottom - below), abs(left - before)) < 0.5:
        raise InputError("Move the corners first: they are an upright rectangle as it is.")
    return _framed(app, session, upright, empty, "straightened")


def _points(data: Sent) -> list[tuple[float, float]]:
    try:
        return [(float(x), float(y)) for x, y in data["corners"]]
    except (KeyError, TypeError, ValueError):
        raise InputError(NONSENSE) from None


def _back(app: App, session: Session, data: Sent) -> Reply:
    """The picture before it was put into another frame."""
    if session.running:
        raise InputError("A run is under way here: stop it before you go back.")
    if not session.round.picture.framed:  # asked twice: the first answer was still on its way
        return Reply()
    session.move(-1)
    return as_it_was(session)


def as_it_was(session: Session) -> Reply:
    """The mask of the round in view, with the feather that it was run with; before a run what its frame left
    empty.
    """
    one = session.round
    if one.batch:
        session.feather = one.feather
    empty = one.picture.transparent if one.picture.framed else None
    return Reply(mask=one.mask or empty, feather=session.feather)


def _borders(app: App, session: Session, data: Sent) -> Reply:
    """What is black from the picture's edge inwards, as round a panorama, joins the mask."""
    try:
        _, empty = without_borders(app.store.image(session.round.picture.token))
    except InputError:
        raise InputError("No border of this picture is black: paint over what should be filled.") from None
    session.drawn = ""
    return Reply("The black borders are masked.", mask=app.store.put_image(empty), how="add")


def _framed(app: App, session: Session, image: Image, empty: Mask, how: str) -> Reply:
    """Go on with the picture in another frame, whose empty part is the mask."""
    before = session.round.picture
    named = (before.called or before.title).removesuffix(f", {how}")
    picture = from_pixels(app.store, image, f"{before.title}, {how}", f"{named}, {how}", empty)
    session.go_on(picture)
    new = ": what is new is the hole" if empty.any() else ""
    words = f"{picture.called}{new}. Undo leads back to the picture before."
    return Reply(words, mask=picture.transparent)


def _numbers(data: Sent, *names: str) -> list[float]:
    try:
        found = [float(data[name]) for name in names]
    except (KeyError, TypeError, ValueError):
        found = [float("nan")]
    if not np.isfinite(found).all():
        raise InputError(NONSENSE)
    return found


SEARCHES = ("object", "find", "straighten", "corners", "borders")
"""The tools that compute for a while: two at once for all visitors."""
TOOLS: dict[str, Callable[[App, Session, Sent], Reply]] = {
    "sample": _sample,
    "generate": _generate,
    "transparent": _transparent,
    HANDED: _handed,
    "offer": _offer,
    "object": _select,
    "find": _find,
    "extend": _extend,
    "straighten": _straighten,
    "corners": _corners,
    "back": _back,
    "borders": _borders,
}

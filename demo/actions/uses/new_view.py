"""What a visitor can do in the use that sees a picture from beside."""

from math import isfinite

from demo.actions.uses.shared import cheapest_first, method_to_begin, offered_methods, ready_method, uploaded
from demo.server.drawn_scene import drawn_scene
from demo.server.jobs import Batch, Price, price
from demo.server.new_view import (
    SCENE,
    SCENE_TITLE,
    SHIFT_HERE,
    ViewJob,
    ViewVisit,
    open_depth,
    open_view,
    price_of_view,
    view_parts,
)
from demo.server.pictures import from_result
from demo.server.visit import App, Reply, Session
from inpainters import registry
from inpainters.errors import InputError

NEEDS_DEPTH = "Now upload its depth map: a grey PNG of the same size."
NEARS = ("white", "black")
"""What a depth map shows near."""


def view_prices(visit: ViewVisit) -> dict[str, Price]:
    """What a view and its film cost with each method."""
    if visit.picture is None or visit.hole is None:
        return {}
    size, hole = visit.picture.size, visit.hole
    return cheapest_first({name: price_of_view(size, hole, registry.get(name)) for name in offered_methods()})


def open_view_use(app: App, visit: ViewVisit) -> Reply | None:
    """It came into view: the drawn example is open where nothing else is."""
    visit.method = visit.method or method_to_begin()
    return None if visit.picture else choose_scene(app, visit, SCENE)


def choose_scene(app: App, visit: ViewVisit, name: str) -> Reply:
    """Open an example with its depth."""
    if name != SCENE:
        raise InputError("That example is unknown; reload the page.")
    picture, depth = drawn_scene()
    token = app.store.put_image(picture)
    visit.open(from_result(app.store, token, SCENE_TITLE, SCENE_TITLE), depth.shape)
    visit.near = NEARS[0]
    visit.see(depth)
    return Reply()


def take_view_file(app: App, visit: ViewVisit, kind: str, path: str, name: str) -> Reply:
    """An uploaded picture takes the place of the one before; a depth map that of its depth."""
    if kind == "depth":
        return take_depth(visit, path, name)
    visit.open(*open_view(app.store, uploaded(path), name or "The picture"))
    notes = visit.picture.notes if visit.picture else ()
    return Reply(" ".join([NEEDS_DEPTH, *notes]))


def take_depth(visit: ViewVisit, path: str, name: str) -> Reply:
    """A depth map of the picture that is open."""
    if visit.picture is None:
        raise InputError("Upload the picture first, then its depth map.")
    file = uploaded(path)
    try:
        depth = open_depth(file, visit.whole, visit.picture.size)
    except InputError as error:
        raise InputError(str(error).replace(f"'{file.name}'", f"'{name or 'The depth map'}'")) from None
    visit.see(depth if visit.near == "white" else 1 - depth)
    return Reply(" ".join(visit.picture.notes))


def turn_depth(visit: ViewVisit, near: str) -> Reply:
    """What the depth map shows near, white or black."""
    if near not in NEARS:
        raise InputError("Near is white or black; reload the page.")
    if near != visit.near and visit.depth is not None:
        visit.see(1 - visit.depth)
    visit.near = near
    return Reply()


def move_camera(visit: ViewVisit, right: object, down: object) -> Reply:
    """How far the camera moves, in hundredths of the width."""
    visit.shift = _share(right), _share(down)
    visit.measure()
    return Reply("" if any(visit.shift) else "Move a slider: a camera that stays sees the same picture.")


def hand_view(app: App, session: Session, visit: ViewVisit) -> None:
    """The new view becomes Compare's picture."""
    if visit.made is None or visit.picture is None:
        raise InputError("There is no new view yet: press Look from there first.")
    token = app.store.put_image(app.store.image(visit.made.view))
    title = f"{visit.picture.title}, from beside"
    session.begin(from_result(app.store, token, title, title))


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InputError("What the page sent makes no sense; reload it.")
    return max(-SHIFT_HERE, min(SHIFT_HERE, round(value / 100, 4)))


def look_from_beside(app: App, visit: ViewVisit) -> Batch:
    """Queue a view and its film; what was made before is deleted."""
    picture, spec = visit.picture, ready_method(visit)
    if picture is None:
        raise InputError("Choose a picture first: upload one with its depth map, or take the example.")
    if visit.depth is None:
        raise InputError(NEEDS_DEPTH)
    if visit.hole is None:
        raise InputError("Move a slider: a camera that stays sees the same picture.")
    found = price_of_view(picture.size, visit.hole, spec)
    parts = view_parts(picture.size, price(spec, visit.hole).seconds)
    job = ViewJob(
        spec.name, seconds=found.seconds, cost=found.cost, store=app.store, depth=visit.depth,
        shift=visit.shift, parts=parts, owner=id(visit),
    )  # fmt: skip
    image = app.store.image(picture.token)
    app.runner.check(image, job)
    visit.clear()
    visit.batch, visit.ran = Batch([job]), visit.settings
    app.runner.start(image, visit.depth > 0, [job])
    return visit.batch

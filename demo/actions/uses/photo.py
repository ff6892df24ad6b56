"""What a visitor can do in the use that mends an old photograph."""

from collections.abc import Sequence
from pathlib import Path

from demo.actions.compare import take_choice
from demo.actions.tools import searching
from demo.actions.uses.shared import method_to_begin, prices_of_hole, ready_method, uploaded
from demo.server.drawn_photo import old_photograph
from demo.server.jobs import Answer, Batch, Price, job_for
from demo.server.photos import OLD, OLD_TITLE, PhotoVisit
from demo.server.pictures import OpenPicture, from_result, open_picture
from demo.server.purposes import PURPOSES
from demo.server.visit import App, Reply, Session
from inpainters.errors import InputError
from inpainters.imaging import load_original
from inpainters.uses.restoration import FINDERS, find_marks

MENDING = "restore"
"""The purpose whose methods suit it, in Compare."""
MENDED = ", mended"
NOT_RUN = "There is nothing to take yet: press Fill the marks first."


def photo_prices(visit: PhotoVisit) -> dict[str, Price]:
    """What filling the marks costs with each method."""
    return prices_of_hole(visit.hole) if visit.hole else {}


def open_photo_use(app: App, visit: PhotoVisit) -> Reply | None:
    """It came into view: the drawn example is open where nothing else is."""
    visit.method = visit.method or method_to_begin()
    return None if visit.picture else choose_photo(app, visit, OLD)


def choose_photo(app: App, visit: PhotoVisit, name: str) -> Reply:
    """Open an example."""
    if name != OLD:
        raise InputError("That example is unknown; reload the page.")
    token = app.store.put_image(old_photograph()[0])
    return _opened(app, visit, from_result(app.store, token, OLD_TITLE, OLD_TITLE))


def take_photo(app: App, visit: PhotoVisit, path: str, name: str) -> Reply:
    """An uploaded photograph takes the place of the one before."""
    return _opened(app, visit, open_picture(app.store, uploaded(path), name or "The photograph"))


def take_answer(app: App, visit: PhotoVisit) -> Reply:
    """The filled photograph is looked through once more."""
    if not (visit.answer and visit.picture):
        raise InputError(NOT_RUN)
    image, title = app.store.image(visit.answer), visit.picture.title.removesuffix(MENDED)
    picture = from_result(app.store, app.store.put_image(image), title + MENDED, title + MENDED)
    return _opened(app, visit, picture)


def _opened(app: App, visit: PhotoVisit, picture: OpenPicture) -> Reply:
    visit.open(picture)
    found = look_for_marks(app, visit, visit.kinds)
    return Reply(" ".join([*picture.notes, found.note]))


def look_for_marks(app: App, visit: PhotoVisit, kinds: Sequence[str]) -> Reply:
    """Look for these kinds of marks, of FINDERS, in the photograph."""
    if wrong := [kind for kind in kinds if kind not in FINDERS]:
        raise InputError(f"'{wrong[0][:40]}' cannot be looked for; reload the page.")
    if not kinds:
        raise InputError(f"Tick what to look for: {', '.join(FINDERS)}.")
    picture = _picture(visit)
    image = app.store.image(picture.token)
    with searching(picture.size):
        mask = find_marks(image, kinds)
    visit.kinds = tuple(kinds)
    visit.mark(image, mask)
    what = " and ".join(kinds)
    if not mask.any():
        return Reply(f"No {what} found: open it in Compare and paint over what should go.")
    return Reply(f"{what.capitalize()} found: {100 * visit.share:.1f} % of the picture.")


def mend(app: App, visit: PhotoVisit) -> Batch:
    """Queue the filling of the marks; what was filled before is deleted."""
    picture, spec = _picture(visit), ready_method(visit)
    marks = visit.mask
    if marks is None or visit.hole is None:
        raise InputError("No marks are found, so there is nothing to fill: tick others, or use Compare.")
    image, mask = app.store.image(picture.token), app.store.mask(marks)
    job = job_for(spec.name, mask, {}, 0)

    def keep(answer: Answer) -> None:
        answer.token = app.store.put_image(answer.result.image)
        visit.keep(job, answer.token)
        answer.let_go()

    job.owner, job.on_answer = id(visit), keep
    app.runner.check(image, job)
    batch = visit.begin(job, marks)
    app.runner.start(image, mask, [job], lambda job: setattr(job, "result", None))
    return batch


def mended_file(app: App, visit: PhotoVisit) -> str:
    """Token of a PNG of the filled photograph that keeps what its file has beside 8-bit pixels."""
    file = app.store.path(visit.picture.original) if visit.picture else None
    if not (visit.answer and visit.ran[1]) or file is None:
        raise InputError(NOT_RUN)
    image, mask = app.store.image(visit.answer), app.store.mask(visit.ran[1])
    try:
        data, _ = load_original(file).encode(image, mask)
    except InputError:  # what its file has beside pixels cannot be read
        return visit.answer
    visit.drop(visit.file)
    visit.file = app.store.put(data)
    return visit.file


def mended_name(visit: PhotoVisit) -> str:
    """What that file is called."""
    return f"{Path(visit.picture.title).stem if visit.picture else 'photograph'}-mended.png"


def hand_photo(app: App, session: Session, visit: PhotoVisit) -> str:
    """The photograph becomes Compare's picture, with the methods that suit it; there its marks are found
    again. What lies under them is no reference. Returns the kinds to look for.
    """
    picture = _picture(visit)
    if picture.called:
        token = app.store.put_image(app.store.image(picture.token))
        session.begin(from_result(app.store, token, picture.title, picture.called))
    elif file := app.store.path(picture.original):
        session.begin(open_picture(app.store, file, picture.title))
    else:
        raise InputError("That picture has expired; open it again.")
    take_choice(session, PURPOSES[MENDING].choose(), session.options, MENDING)
    session.judge = False
    return ",".join(visit.kinds)


def _picture(visit: PhotoVisit) -> OpenPicture:
    if visit.picture is None:
        raise InputError("Choose a photograph first: upload one, or take the example.")
    return visit.picture

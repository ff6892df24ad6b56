"""What a visitor can do in the Compare tab."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from demo.actions.tools import as_it_was
from demo.server.answers import Keeper
from demo.server.jobs import Batch, Job, job_for
from demo.server.options import Value, checked, chosen_methods, numbers
from demo.server.pictures import (
    canvas_digest,
    canvas_feather,
    open_mask,
    open_picture,
    read_canvas,
    refitted,
)
from demo.server.purposes import PURPOSES
from demo.server.restoring import restored
from demo.server.showcase import INVITATION
from demo.server.visit import App, Reply, Round, Session
from inpainters import registry
from inpainters.errors import InputError
from inpainters.imaging import Mask
from inpainters.strategy import MOST_HOLES, Hole
from inpainters.uses.feather import checked_feather, widened

MOSTLY = 0.5
"""A mask file that masks more of the picture than this may be meant the other way round."""
BACK = "Your picture, mask and results are back."
GivenOptions = Mapping[str, Mapping[str, object]]
"""Method -> option -> value, as it stands on a page."""


def session_of(app: App, session: Session | None) -> Session:
    """The visitor's session; a new one with the methods of the first purpose where there is none."""
    if session is None:
        session = Session(app.store)
        session.chosen = chosen_methods(PURPOSES[session.purpose].choose())
    session.seen = time.time()
    return session


def found_visit(app: App, session: Session | None, key: str) -> tuple[Session, bool]:
    """The visit of a page that opens, and whether it is one that the tab had before: `key` is the id that
    its tab has kept.
    """
    known = app.visits.find(key[:64]) if key else None
    session = session_of(app, known or session)
    app.visits.keep(session)
    return session, known is not None and session.index >= 0


def resume(session: Session) -> Reply:
    """What the tab had before a reload: picture, mask and results. What was under way is stopped."""
    session.stop()
    one = session.round
    return Reply(INVITATION if one.best else BACK, mask=one.mask, feather=session.feather)


def open_photo(app: App, session: Session, path: str | Path, name: str) -> Reply:
    """An uploaded picture is opened in a new round; runs before it are past."""
    session.begin(open_picture(app.store, path, name or "The picture"))
    return Reply()


def open_archive(app: App, session: Session, path: str | Path, name: str) -> Reply:
    """A zip of this page brings back its picture, mask and results, and the settings of these. Scores are
    worked out anew.
    """
    found = restored(app.store, Path(path), name or "The zip")
    one = found.round
    one.hole_digest = digest_of_hole(found.mask, found.sketch, one.feather)
    session.open(one)
    session.feather = one.feather
    jobs = one.batch.jobs if one.batch else []
    if jobs:
        session.chosen = chosen_methods([job.method for job in jobs])
        same = {name: given for name, given in session.options.items() if name not in session.chosen}
        session.options = same | {job.method: dict(job.options) for job in jobs if job.options}
        drawn = [job for job in jobs if registry.get(job.method).stochastic] or jobs
        session.seed, session.n = drawn[0].seed, max(job.n for job in drawn)
    keeper = Keeper(app, one, app.store.image(one.picture.token), found.mask, found.sketch)
    keeper.know_hole()
    for answer in (answer for job in jobs for answer in job.answers):
        if one.reference:
            app.runner.later(answer, partial(keeper.rate_kept, answer))
    count = len(one.answers)
    what = f", its mask and {count} result{'s' * (count != 1)}" if jobs else " and its mask"
    note = f"{one.picture.title}{what} are back."
    return Reply(" ".join([note, *found.notes]), bool(found.notes), one.mask, feather=one.feather)


def load_mask_file(app: App, session: Session, path: str | Path, name: str) -> Reply:
    """An uploaded mask takes the place of the painted one. Of one that is probably not what is meant, what
    can be done.
    """
    size, name = session.round.picture.size, name or "The mask"
    mask, notes = open_mask(path, size, name)
    session.offers = {}
    if not mask.any():
        raise InputError(f"'{name}' masks nothing, so the painted mask stays: white is what is missing.")
    (height, width), (h, w) = size, mask.shape
    if mask.shape != size:
        session.offers["resize"] = app.store.put_image(refitted(mask, size))
        words = f"Resize it to {width}×{height}"
        return Reply(f"'{name}' is {w}×{h}, the picture {width}×{height}.", True, None, (("resize", words),))
    session.drawn, offers = "", tuple[tuple[str, str], ...]()
    if mask.mean() > MOSTLY and not mask.all():
        session.offers["invert"] = app.store.put_image(~mask)
        notes = (*notes, f"'{name}' masks {mask.mean():.0%} of the picture: white is what is missing.")
        offers = (("invert", "Invert it"),)
    return Reply(" ".join(notes), mask=app.store.put_image(mask), offers=offers)


def painted(session: Session, data: Mapping[str, Any]) -> bool:
    """Note what the editor says of its mask; True where results become stale by it, or cease to be."""
    one, before = session.round, session.round.stale
    size = one.picture.size
    session.hole, session.holes, session.digest = (
        checked_hole(data, size),
        checked_holes(data, size),
        str(data.get("digest", ""))[:20],
    )
    session.feather = _told_feather(data)
    if data.get("by") not in ("server", "setting"):
        session.drawn = ""
    if one.best:
        return _shown(session)
    if not one.digest and data.get("by") == "server":  # a hole that did not come from the editor
        one.digest = session.digest
    one.stale = one.batch is not None and session.digest != one.digest
    return one.stale != before


def _told_feather(data: Mapping[str, Any]) -> int:
    """What the editor says of the soft edge, checked; none where it makes no sense."""
    try:
        return checked_feather(data.get("feather", 0))
    except InputError:
        return 0


def _shown(session: Session) -> bool:
    """The finished example is in view, and another hole than its own takes its place: True where it did."""
    one = session.round
    one.digest = one.digest or session.digest
    if session.digest == one.digest:
        return False
    session.forget_answers()
    return True


def checked_hole(data: Mapping[str, Any], size: tuple[int, int]) -> dict[str, float]:
    """What the editor says of its mask, checked: it came from a browser."""
    try:
        top, left, bottom, right = (int(value) for value in data["bbox"])
        count, depth = int(data["count"]), int(data.get("depth", 0))
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}
    top, bottom, left, right = max(0, top), min(size[0], bottom), max(0, left), min(size[1], right)
    if bottom <= top or right <= left:
        return {}
    return {
        "count": max(0, min(count, (bottom - top) * (right - left))),
        "top": top,
        "left": left,
        "bottom": bottom,
        "right": right,
        "depth": max(0, min(depth, *size)),
    }


def checked_holes(data: Mapping[str, Any], size: tuple[int, int]) -> list[Hole]:
    """What the editor says of each group of missing pixels, checked as `checked_hole` does; one around all
    where it does not say it well.
    """
    rows = data.get("holes")
    rows = rows if isinstance(rows, list) and len(rows) <= MOST_HOLES else []
    parts = [
        checked_hole({"bbox": row[:4], "count": row[4], "depth": row[5]}, size)
        for row in rows
        if isinstance(row, list) and len(row) == 6
    ]
    parts = [part for part in parts if part] or [part for part in [checked_hole(data, size)] if part]
    return [
        Hole(*(int(part[key]) for key in ("top", "left", "bottom", "right", "count", "depth")))
        for part in parts
    ]


def set_options(session: Session, asked: GivenOptions) -> None:
    """Take the settings that stand on the page; those that cannot be used are said in `session.wrong`, and
    what was there before stays.
    """
    session.wrong = {}
    for name in registry.METHODS:
        try:
            found = checked(registry.get(name), asked.get(name, {}))
        except InputError as error:
            session.wrong[name] = str(error)
            continue
        session.options.pop(name, None)
        if found:
            session.options[name] = found


def take_choice(session: Session, ids: Sequence[object], options: GivenOptions, purpose: str = "") -> Reply:
    """Take the methods that are ticked on the page, their settings, and the purpose if one was chosen."""
    session.chosen = chosen_methods(ids)
    if purpose in PURPOSES:
        session.purpose, session.judge = purpose, None
    set_options(session, options)
    return Reply()


def switch_judging(session: Session) -> Reply:
    """Show the distances to the original, or hide them."""
    session.judge = not session.judged
    return Reply()


def set_numbers(session: Session, seed: object, n: object) -> Reply:
    """Take the first seed and the number of answers."""
    session.seed, session.n = numbers(seed, n)
    return Reply()


def start_run(
    app: App,
    session: Session,
    data_url: str,
    ids: Sequence[object],
    options: GivenOptions,
    seed: object = 0,
    n: object = 1,
) -> Batch:
    """Queue the methods that are ticked on the page, under the settings that stand there, on the hole that
    the editor sends; answers arrive in `session.round.answers`.
    """
    set_options(session, options)
    one, methods = session.round, chosen_methods(ids)
    mask, sketch = read_canvas(data_url, one.picture.size)
    feather = canvas_feather(data_url)
    if not methods:
        raise InputError("Choose at least one method.")
    if wrong := [session.wrong[name] for name in methods if name in session.wrong]:
        raise InputError(wrong[0])
    drawn = numbers(seed, n)
    wide = widened(mask, feather)
    session.stop()
    session.chosen, (session.seed, session.n) = methods, drawn
    digest = digest_of_hole(mask, sketch, feather)
    # what the editor told before of its mask may still be on the way
    session.digest = canvas_digest(data_url) or session.digest
    open_hole(session, digest)
    one = session.round
    keeper = Keeper(app, one, app.store.image(one.picture.token), mask, sketch, feather)
    keeper.know_hole()
    jobs = [_job(one, name, wide, session.options.get(name, {}), *drawn) for name in methods]
    batch = one.show(jobs)
    session.drop(one.clear_shelf())
    keeper.start([job for job in jobs if not job.final])
    try:
        if not one.hole_digest:
            keeper.keep_hole()  # beside the methods: they wait for none of it
        one.hole_digest, one.digest, one.drawn, one.feather = digest, session.digest, session.drawn, feather
    except InputError:
        batch.stop()
        raise
    return batch


def digest_of_hole(mask: Mask, sketch: Mask | None, feather: int = 0) -> str:
    """What tells holes of one picture and their soft edges apart, exactly."""
    parts = [np.packbits(part).tobytes() for part in (mask, sketch) if part is not None]
    parts += [b"feather %d" % feather] if feather else []
    return sha256(b"|".join(parts)).hexdigest()


def open_hole(session: Session, digest: str) -> None:
    """See to it that what is in view belongs to the hole of this digest: it stays, or comes back from the
    past, or makes room.
    """
    if session.round.hole_digest == digest:
        return
    if before := session.past_run(hole_digest=digest):
        session.take_up(before)
    elif session.round.best or not session.round.answers:
        session.forget_answers()
    else:
        session.set_aside()


def _job(one: Round, method: str, mask: Mask, options: Mapping[str, Value], seed: int, n: int) -> Job:
    """A job that answers only what is missing: one that is done where nothing is."""
    job = job_for(method, mask, options, seed, n)
    job.answers = one.known(method, options, seed, job.n)
    if len(job.answers) < job.n:
        return job
    job.state, job.seconds = "done", sum(answer.result.seconds for answer in job.answers)
    ids = [id(answer) for answer in job.answers]
    same = [old for old in (one.batch.jobs if one.batch else []) if [id(each) for each in old.answers] == ids]
    return next((old for old in same if old.state == "done" and old.n == job.n), job)


def again(app: App, session: Session, method: str) -> Batch:
    """Run one method of the last run once more, or go on where it was stopped;
    the others keep what they have.
    """
    one = session.round
    if one.batch is None or one.mask is None:
        raise InputError("There is nothing to run again yet.")
    image, mask = app.store.image(one.picture.token), app.store.mask(one.mask)
    sketch = app.store.mask(one.sketch) if one.sketch else None
    keeper = Keeper(app, one, image, mask, sketch, one.feather)
    for place, job in enumerate(one.batch.jobs):
        if job.method == method and job.final:
            one.batch.jobs[place] = job.renewed()
            keeper.start([one.batch.jobs[place]])
    return one.batch


def stop(session: Session | None, method: object = None) -> None:
    """Stop one method of the round in view, or all."""
    if session is not None and session.index >= 0 and session.round.batch is not None:
        session.round.batch.stop(None if method is None else str(method))


def use(session: Session, name: str) -> Reply:
    """Make an answer the next picture."""
    session.follow(name)
    return Reply(f"{session.round.picture.called} is the picture now: paint the next hole.")


def revisit(session: Session, key: str) -> Reply:
    """Back to a run of this visit: its picture, mask and results."""
    session.revisit(key)
    return as_it_was(session)


def move(session: Session, by: int) -> Reply:
    """Back to the picture before (-1), or forward again (+1)."""
    session.move(by)
    return as_it_was(session)

"""What a link asks Compare for, and a stop of the tour, which is one."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from demo.actions.tools import use_tool
from demo.server.linked import RUNS_MARK, mask_of
from demo.server.options import Value, checked, chosen_methods, numbers
from demo.server.purposes import PURPOSES
from demo.server.showcase import INVITATION, showcase
from demo.server.tour import unknown_stop
from demo.server.visit import App, Reply, Session
from inpainters import registry
from inpainters.errors import InputError
from inpainters.uses.feather import checked_feather

OWN_STAYS = "Your own picture stays: fill it, then come back to this stop of the tour for its example."


def restore_session(app: App, session: Session, asked: Mapping[str, str]) -> Reply:
    """What a link asks for: example, drawn mask, purpose, methods, their settings, seed, answers, and whether
    distances to the original are shown. What it cannot have is said and left out. Without a picture: the
    finished example.
    """
    wrong = [*filter(None, [unknown_stop(asked)])]

    def attempt(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except InputError as error:
            wrong.append(str(error))
            return None

    if asked.get("for") in PURPOSES:
        session.purpose = asked["for"]
    session.judge = {"0": False, "1": True}.get(asked.get("scores", ""))
    if asked.get("m"):
        names = [name for name in asked["m"][:2000].split(",") if name]
        session.chosen = chosen_methods(names)
        lacking = [name for name in dict.fromkeys(names) if name not in session.chosen]
        wrong += filter(None, [attempt(partial(registry.unavailable, name)) for name in lacking])
    for name, given in _linked_options(asked.get("o", "")[:4000]).items():
        if found := attempt(partial(_settle, name, given)):
            session.options[name] = found
    drawn = attempt(lambda: numbers(asked.get("seed") or 0, asked.get("n") or 1))
    session.seed, session.n = drawn or (0, 1)
    session.feather = attempt(lambda: checked_feather(asked.get("feather") or 0)) or 0
    reply = attempt(lambda: _linked_picture(app, session, asked)) or Reply()
    if session.index < 0:
        reply = open_showcase(app, session)
    reply = reply._replace(feather=session.feather)
    return reply._replace(note=" ".join(wrong), error=True) if wrong else reply


def visit_stop(app: App, session: Session, asked: Mapping[str, str]) -> Reply:
    """What a stop of the tour asks for; without a picture the finished example, which stays if there. A run
    that is under way and an upload that was not filled yet stay too: they would be lost.
    """
    if _unfinished(session):
        return Reply(OWN_STAYS)
    reply = restore_session(app, session, asked)
    there = session.index >= 0 and bool(session.round.best)
    return reply if asked.get("img") or there else open_showcase(app, session)


def _unfinished(session: Session) -> bool:
    """Whether the round in view runs, or has a picture of the visitor's own and no answer."""
    if session.index < 0 or session.running:
        return session.running
    return session.round.picture.own and not session.round.answers


def open_showcase(app: App, session: Session) -> Reply:
    """Open the finished example, where it is here."""
    shown = showcase(app.store, app.results)
    if shown is None:
        return Reply()
    session.open(shown.round())
    session.drawn, session.feather = shown.drawn, 0
    return Reply(INVITATION, mask=shown.mask, feather=0)


def _linked_picture(app: App, session: Session, asked: Mapping[str, str]) -> Reply:
    if not asked.get("img"):
        return Reply()
    reply = use_tool(app, session, {"kind": "sample", "id": asked["img"][:80]})
    if asked.get("mask", "").startswith(RUNS_MARK):
        return Reply(mask=app.store.put_image(mask_of(asked["mask"], session.round.picture.size)))
    if asked.get("mask"):
        name, ratio, seed = (asked["mask"][:80] + "::").split(":")[:3]
        if not (ratio.isdecimal() and seed.isdecimal()):
            raise InputError("The link's mask is not of the form brush:20:7, so none was drawn.")
        reply = use_tool(
            app, session, {"kind": "generate", "name": name, "ratio": int(ratio) / 100, "seed": int(seed[:9])}
        )
    return reply


def _linked_options(text: str) -> dict[str, dict[str, object]]:
    """Method -> settings, from `repaint.preset:balanced,telea.radius:5`."""
    found: dict[str, dict[str, object]] = {}
    for part in filter(None, text.split(",")):
        key, _, given = part.partition(":")
        method, _, option = key.partition(".")
        found.setdefault(method, {})[option] = given
    return found


def _settle(method: str, given: Mapping[str, object]) -> dict[str, Value]:
    return checked(registry.get(method), given)

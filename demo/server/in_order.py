"""Middleware: a visitor's quick events are answered one after the other."""

import asyncio
import re
from collections import Counter
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

EVENTS = "/run/predict"
"""Where Gradio's browser side sends events that go past its queue (`demo.widgets.events.QUIET`)."""
_EVENT = re.compile(rb'"fn_index"\s*:\s*(\d+)')
_VISITOR = re.compile(rb'"session_hash"\s*:\s*"([^"\\]{1,64})"')


class InOrder:
    """Holds an event back until the same page has its answer to the one that arrived before.

    Each answer says how the page stands, as Run's label does. Two at once could overtake each other, and the
    page would be left with the older one. `Limits` bounds what is read here. `passing`: numbers of events
    that change nothing on the page, as Stop, and wait for none.
    """

    def __init__(self, app: ASGIApp, passing: Collection[int] = ()) -> None:
        self.app, self.passing = app, passing
        self.locks: dict[bytes, asyncio.Lock] = {}
        self.held = Counter[bytes]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].rstrip("/").endswith(EVENTS):
            await self.app(scope, receive, send)
            return
        messages = await _whole(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        found, event = _VISITOR.search(body), _EVENT.search(body)
        visitor = found[1] if found else b""
        if not visitor or (event and int(event[1]) in self.passing):
            await self.app(scope, _replay(messages, receive), send)
            return
        self.held[visitor] += 1
        try:
            async with self.locks.setdefault(visitor, asyncio.Lock()):
                await self.app(scope, _replay(messages, receive), send)
        finally:
            self.held[visitor] -= 1
            if not self.held[visitor]:
                del self.held[visitor], self.locks[visitor]


async def _whole(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def replayed() -> Message:
        return next(left, None) or await receive()

    return replayed

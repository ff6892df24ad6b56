"""Who still waits for an answer: programs that leave in the middle of a call are not worked for."""

import asyncio
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inpainters.errors import Cancelled

LOOK = 0.1
"""Seconds between two looks at whether a caller is still there."""
_PATIENCE = 60.0
"""Seconds within which a caller that has queued a call begins to listen for its answer."""
_MOST = 10_000
"""Callers that are remembered as having left."""

T = TypeVar("T")


class Presence:
    """Which of Gradio's streams of answers are open. A queued call's own request is over at once: its caller
    is whoever listens to the stream of its session.
    """

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._left: dict[str, float] = {}

    async def gone(self, request: Request, session: str | None, since: float) -> bool:
        """Whether nobody waits any more for the answer to a call that came at `since` (monotonic)."""
        path = request.url.path
        if session is None or not ("/queue/" in path or "/call/" in path):
            return await request.is_disconnected()
        if self._open[session]:
            return False
        return self._left.get(session, 0.0) >= since or time.monotonic() - since > _PATIENCE

    async def result(self, future: "Future[T]", request: Request | None, session: str | None) -> T:
        """What the future gives; raises Cancelled as soon as the caller has left."""
        since, waiting = time.monotonic(), asyncio.wrap_future(future)
        while not (await asyncio.wait([waiting], timeout=LOOK))[0]:
            if request is not None and await self.gone(request, session, since):
                waiting.cancel()
                raise Cancelled
        return waiting.result()

    async def listen(self, session: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream of answers, and note where its listener leaves before its end."""
        over = False

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and not over:
                self._leave(session)
            return message

        async def sent(message: Message) -> None:
            nonlocal over
            over = over or (message["type"] == "http.response.body" and not message.get("more_body"))
            await send(message)

        self._open[session] += 1
        try:
            await app(scope, heard, sent)
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]

    def _leave(self, session: str) -> None:
        self._left.pop(session, None)
        self._left[session] = time.monotonic()
        while len(self._left) > _MOST:
            with suppress(KeyError):
                del self._left[next(iter(self._left))]


class Listening:
    """Middleware: tells `presence` of the streams in which Gradio answers."""

    def __init__(self, app: ASGIApp, presence: Presence) -> None:
        self.app, self.presence = app, presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = _stream_of(scope) if scope["type"] == "http" and scope["method"] == "GET" else ""
        if session:
            await self.presence.listen(session, self.app, scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _stream_of(scope: Scope) -> str:
    """Whose answers a request asks for; empty where it asks for something else."""
    path = str(scope["path"]).rstrip("/")
    if path.endswith("/queue/data"):
        query = parse_qs(bytes(scope["query_string"]).decode("latin-1"))
        return query.get("session_hash", [""])[0][:200]
    return path.rpartition("/")[2][:200] if "/call/" in path else ""

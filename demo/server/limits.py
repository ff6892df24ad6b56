"""Middleware: bounds what a request may carry and closes routes of Gradio that this app does not use."""

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_JSON = 24 * 1024 * 1024
"""Bytes of a request that is not an upload. A mask of 4096x4096 pixels as PNG in base64 stays under it."""
MAX_UPLOAD = 72_000_000
"""Bytes of an uploaded file: 4096x4096 pixels with alpha fit as they are, in a BMP or TIFF."""
_AROUND = 64 * 1024
"""Bytes that a form adds to the file in it."""
UPLOADS = ("/gradio_api/upload", "/gradio_api/component_server")
"""Where files are sent to, which Gradio writes to disk as they come."""
TOO_LARGE = "The request is larger than {} MB; upload files in place of sending them as text."
TOO_LARGE_FILE = f"The file is larger than {MAX_UPLOAD // 1_000_000} MB; save it smaller, as PNG or JPEG."
CLOSED = ("/gradio_api/deep_link",)
"""It would write a file per visit that nothing deletes."""


UNREADABLE = (
    "The call could not be read: send the values that /gradio_api/info lists, in their order, and files by "
    "the path that an upload has returned."
)
_CALLS = ("/gradio_api/run/", "/gradio_api/api/", "/gradio_api/call/")


class _TooLargeError(Exception):
    pass


class Limits:
    """Answers 413 to large JSON bodies before they are parsed, 404 to closed routes."""

    def __init__(self, app: ASGIApp, max_json: int = MAX_JSON) -> None:
        self.app, self.max_json = app, max_json

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"].rstrip("/").endswith(CLOSED):
            await _answer(send, 404, "There are no deep links here: the address bar holds the link.")
            return
        if any(part in scope["path"] for part in _CALLS):
            send = _Told(send)
        said = headers.get(b"content-length", "")
        form = headers.get(b"content-type", "").startswith("multipart/form-data")
        if form and scope["path"].rstrip("/").endswith(UPLOADS):
            most, sentence = MAX_UPLOAD + _AROUND, TOO_LARGE_FILE
        else:  # a form that is sent elsewhere would be read into memory whole
            most, sentence = self.max_json, TOO_LARGE.format(self.max_json >> 20)
        if said.isdecimal() and int(said) > most:
            await _answer(send, 413, sentence)
        else:
            await self._bounded(scope, receive, send, most, sentence)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, most: int, sentence: str) -> None:
        seen, refused = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise _TooLargeError
            return message

        async def swapped(message: Message) -> None:
            # the framework turns what `counted` raises into an answer of its own: ours takes its place
            # and so it does of Gradio's own limit, which may come a few bytes before this one
            nonlocal refused
            if refused:
                return
            refused = seen > most or message.get("status") == 413
            await (_answer(send, 413, sentence) if refused else send(message))

        try:
            await self.app(scope, counted, swapped)
        except _TooLargeError:
            if not refused:
                await _answer(send, 413, sentence)


class _Told:
    """Passes an answer on; a failure without a word, which is what Gradio says of a call that it cannot read,
    gets its sentence.
    """

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            self.start = message
            return
        if self.start is None:
            await self.send(_worded(message))
            return
        self.body += message.get("body", b"")
        if message.get("more_body"):
            return
        await self._end(self.start)

    async def _end(self, start: Message) -> None:
        body = _sentence_for(self.body)
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self.send({**start, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body})


def _sentence_for(body: bytes) -> bytes:
    try:
        said = json.loads(body)
    except ValueError:
        return body
    silent = isinstance(said, dict) and "error" in said and said["error"] is None
    return json.dumps({**said, "error": UNREADABLE}).encode() if silent else body


def _worded(message: Message) -> Message:
    """The same for the event of a stream."""
    body, silent = message.get("body", b""), b"event: error\ndata: null"
    if silent not in body:
        return message
    told = silent.replace(b"null", json.dumps({"error": UNREADABLE}).encode())
    return {**message, "body": body.replace(silent, told)}


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

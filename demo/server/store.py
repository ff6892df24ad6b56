"""Pictures on disk under unguessable names, and the route that serves them."""

import mimetypes
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from inpainters.errors import InputError
from inpainters.imaging import THRESHOLD, Image, Mask, decode_image, encode_png

MAX_AGE = 2 * 3600.0
"""Seconds after which a picture that nobody asks for is deleted."""
SWEPT = 600.0
"""Seconds between two sweeps."""
_SERVED = ("image/png", "image/jpeg", "application/zip", "video/webm")
"""Types that files are served as; all others are bytes to be kept."""
MOST_DECODED = 64 << 20
"""Bytes of pictures that stay decoded: those that were asked for last."""


class Store:
    """Files under unguessable tokens in a temporary folder. What is behind a token never changes."""

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self.max_age = max_age
        self._folder: Path | None = None
        self._decoded: dict[str, Image] = {}
        self._closed = threading.Event()
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="inpainting-"))
                threading.Thread(target=self._tend, name="sweeper", daemon=True).start()
            return self._folder

    def put(self, data: bytes, suffix: str = ".png", *, keep: bool = False) -> str:
        """Store bytes; return their token. `keep`: never swept."""
        token = ("k" if keep else "t") + secrets.token_urlsafe(24) + suffix
        part = self.folder / f"{token}.part"
        try:
            part.write_bytes(data)
            part.replace(self.folder / token)
        except OSError:
            part.unlink(missing_ok=True)
            raise InputError(
                "The disk is full, so the picture could not be kept; free some space and run it again."
            ) from None
        return token

    def take(self, path: Path, suffix: str) -> str:
        """Move a file into the store; return its token."""
        token = "t" + secrets.token_urlsafe(24) + suffix
        shutil.move(path, self.folder / token)
        return token

    def put_image(self, picture: Image | Mask) -> str:
        """Store a picture or a mask as PNG; return its token."""
        return self.put(encode_png(picture))

    def path(self, token: str) -> Path | None:
        """The file behind a token, or None. Asking keeps it alive."""
        file = self.folder / Path(token).name
        if Path(token).name != token or not file.is_file():
            return None
        file.touch()
        return file

    def read(self, token: str) -> bytes:
        """The bytes behind a token; InputError where they are gone."""
        file = self.path(token)
        if file is None:
            raise InputError("That picture has expired; open it again.")
        return file.read_bytes()

    def image(self, token: str) -> Image:
        """The (H, W, 3) uint8 picture behind a token; not to be written to: others get the same."""
        with self._lock:
            known = self._decoded.pop(token, None)
        image = decode_image(self.read(token)).image if known is None or self.path(token) is None else known
        with self._lock:
            self._decoded[token] = image
            while sum(one.nbytes for one in self._decoded.values()) > MOST_DECODED and len(self._decoded) > 1:
                del self._decoded[next(iter(self._decoded))]
        return image

    def mask(self, token: str) -> Mask:
        """The (H, W) bool mask behind a token (white = missing)."""
        return decode_image(self.read(token)).image[..., 0] >= THRESHOLD

    def size(self, tokens: Iterable[str]) -> int:
        """Bytes of the files behind these tokens, as far as they are there."""
        files = [self.folder / Path(token).name for token in tokens]
        return sum(file.stat().st_size for file in files if file.is_file())

    def drop(self, tokens: list[str]) -> None:
        """Delete files; unknown tokens are ignored."""
        for token in tokens:
            (self.folder / Path(token).name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what nobody has asked for in `max_age` seconds."""
        oldest = time.time() - self.max_age
        for file in self.folder.glob("t*"):
            try:
                if file.stat().st_mtime < oldest:
                    file.unlink()
            except OSError:
                continue  # another thread was faster

    def _tend(self) -> None:
        """Sweep beside the page: a look at all files takes longer than to write one."""
        while not self._closed.wait(min(SWEPT, self.max_age)):
            self.sweep()

    def close(self) -> None:
        """Delete everything."""
        self._closed.set()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def route(self) -> Route:
        """`GET /pic/<token>`: the file, cached for ever; `?name=` offers it as a download of that name."""

        async def serve(request: Request) -> Response:
            file = self.path(request.path_params["token"])
            if file is None:
                return PlainTextResponse("That picture has expired; open it again.", 404)
            headers = {
                "Cache-Control": "private, max-age=31536000, immutable",
                "X-Content-Type-Options": "nosniff",
            }
            kind = mimetypes.guess_type(file.name)[0]
            safe = kind if kind in _SERVED else "application/octet-stream"
            return FileResponse(
                file, media_type=safe, headers=headers, filename=request.query_params.get("name")
            )

        return Route("/pic/{token}", serve)


def url(token: str | None) -> str | None:
    """Where a token is served, relative to the page."""
    return f"pic/{quote(token)}" if token else None

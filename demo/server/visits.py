"""Visits that a reload of the page finds again, each under an unguessable id that its tab alone knows."""

import threading
import time
from typing import Generic, Protocol, TypeVar

FOUND_FOR = 3600.0
"""Seconds after its last event that a visit can be found again."""
MOST_VISITS = 200
"""Visits that are kept; those whose last event is the longest ago are found no more."""


class Visit(Protocol):
    """What is kept."""

    id: str
    seen: float
    """When the page last sent an event, in seconds since 1970."""

    def stop(self) -> None: ...
    def close(self) -> None: ...


V = TypeVar("V", bound=Visit)


class Visits(Generic[V]):
    """Keeps visits for an hour, a bounded number of them."""

    def __init__(self, max_age: float = FOUND_FOR, most: int = MOST_VISITS) -> None:
        self.max_age, self.most = max_age, most
        self._kept: dict[str, V] = {}
        self._lock = threading.Lock()

    def keep(self, session: V) -> None:
        """See to it that the visit is found by its id."""
        with self._lock:
            session.seen = time.time()
            self._kept.pop(session.id, None)
            self._kept[session.id] = session
            kept = sorted(self._kept.values(), key=lambda one: one.seen)
            for other in kept[: -self.most]:  # its tab may be open still: what closes it is `left`
                del self._kept[other.id]
        self.sweep()

    def find(self, key: str) -> V | None:
        """The visit of that id, or None where it is over or there never was one."""
        self.sweep()
        with self._lock:
            return self._kept.get(key)

    def left(self, session: V | None) -> None:
        """A page let go of its visit: it ends, unless a reload may find it again."""
        if session is None:
            return
        with self._lock:
            stays = self._kept.get(session.id) is session and not self._over(session)
            if not stays:
                self._kept.pop(session.id, None)
        session.stop() if stays else session.close()

    def sweep(self) -> None:
        """Close visits that are over."""
        with self._lock:
            over = [session for session in self._kept.values() if self._over(session)]
            for session in over:
                del self._kept[session.id]
        for session in over:
            session.close()

    def _over(self, session: V) -> bool:
        return session.seen < time.time() - self.max_age

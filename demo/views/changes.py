"""What pages are told again and again: values with rising numbers, and only when something has changed."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from demo.server.jobs import Job

TICK = 0.25
"""Seconds between two looks at what is running: at most four updates a second of what goes on by itself."""
GLANCE = 0.02
"""Seconds between two looks at whether something has ended."""

_lock = threading.Lock()
_last_rev = 0


def next_rev() -> int:
    """Return a number greater than all before it, also across a restart of the server: milliseconds since
    1970, never twice.
    """
    global _last_rev
    with _lock:
        _last_rev = max(_last_rev + 1, time.time_ns() // 1_000_000)
        return _last_rev


def state_shown(job: Job) -> str:
    """A job's state as the components have it."""
    return "queued" if job.state == "waiting" else job.state


async def changes(
    value: Callable[[], dict[str, Any]],
    settled: Callable[[], bool],
    current: Callable[[], bool],
    mark: Callable[[], object] = lambda: None,
) -> AsyncIterator[dict[str, Any]]:
    """The value, each time something other than its `rev` has changed: until it has settled, or something
    else is in view (`current` is False). A change of `mark`, which is cheap to ask, is told at once.
    """
    last = None
    while current():
        before, over, shown = mark(), settled(), value()
        if (now := {**shown, "rev": 0}) != last:
            last = now
            yield shown
        if over:
            return
        end = time.monotonic() + TICK
        while time.monotonic() < end and mark() == before:
            await asyncio.sleep(GLANCE)

"""The memory that clips of visitors take."""

from typing import Any

import pytest

from demo.server import clips
from demo.server.clips import ClipJob, ClipParts, OpenClip
from demo.server.jobs import Job
from inpainters.errors import InputError

CLIP = OpenClip("a", "", "", (100, 100), 10, 25.0)
NEED = 10 * 100 * 100 * clips.BYTES


def queued(store: Any, **changes: Any) -> ClipJob:
    return ClipJob("telea", store=store, clip=CLIP, parts=ClipParts(1, 1, 1, 1, 1), **changes)


def test_clips_that_wait_count_in_the_check_of_memory(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, opening = queued(store), queued(store, state="running")
    taken = queued(store, state="running", what="following what is masked")  # no longer free
    works = [waiting, Job("telea"), opening, taken, queued(store, state="stopped")]
    monkeypatch.setattr(clips.memory, "free_ram", lambda: 3 * NEED)
    clips.check_memory(CLIP, works)
    monkeypatch.setattr(clips.memory, "free_ram", lambda: 3 * NEED - 1)
    clips.check_memory(CLIP, works[1:])
    with pytest.raises(InputError, match="for clips before it: try again in a minute"):
        clips.check_memory(CLIP, works)
    monkeypatch.setattr(clips.memory, "free_ram", lambda: NEED - 1)
    with pytest.raises(InputError, match=r"GB, and 0\.0 are free: try again"):
        clips.check_memory(CLIP, [])
    monkeypatch.setattr(clips.memory, "free_ram", lambda: 0)  # nobody says
    clips.check_memory(CLIP, works)

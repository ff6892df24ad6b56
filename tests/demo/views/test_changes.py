"""What pages are told again and again."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from demo.views import changes


def test_what_ends_is_told_at_once_and_what_goes_on_by_itself_waits_for_the_next_look(monkeypatch):
    monkeypatch.setattr(changes, "TICK", 600.0)
    seen, glances = [], []

    def mark():
        glances.append(0)
        return len(glances) // 4

    def by_itself():
        return {"rev": 0, "n": len(glances)}

    async def follow():
        async for value in changes.changes(by_itself, lambda: len(seen) == 2, lambda: True, mark):
            seen.append(value["n"])

    with ThreadPoolExecutor() as pool:  # this thread may have the browser's loop
        pool.submit(asyncio.run, asyncio.wait_for(follow(), 60.0)).result()
    assert seen == [1, 5, 9]

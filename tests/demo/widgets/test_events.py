"""How answers are sent that come one after another."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from demo.server.store import Store
from demo.server.visit import Session
from demo.widgets.events import CLOSING, streaming


def test_an_answer_waits_while_the_stream_of_the_event_before_may_be_closing():
    session = Session(Store())
    sent = []

    async def event():
        async with streaming(session):
            sent.append(time.monotonic())

    async def events():
        await event()
        ended = time.monotonic()
        await event()
        return ended

    begin = time.monotonic()
    with ThreadPoolExecutor() as pool:  # this thread may have the browser's loop
        ended = pool.submit(asyncio.run, asyncio.wait_for(events(), 60.0)).result()
    assert sent[0] - begin < CLOSING
    assert sent[1] - ended > CLOSING - 0.05

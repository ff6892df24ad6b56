"""A page's events are answered in their order; other pages wait for none of them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo.server.in_order import EVENTS, InOrder


class Page:
    """An application that answers when it is told to, and what it was asked."""

    def __init__(self):
        self.begun, self.may_end = [], {}

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        name = scope["headers"][0][1].decode()
        self.begun.append((name, body))
        await self.may_end.setdefault(name, asyncio.Event()).wait()
        await send({"name": name})


def asked(app, name, body, path="/gradio_api" + EVENTS, cuts=2):
    parts = [body[k * len(body) // cuts : (k + 1) * len(body) // cuts] for k in range(cuts)]
    messages = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": [(b"name", name.encode())]}
    return asyncio.ensure_future(app(scope, receive, send)), sent


def told(story):
    """Run it in a thread of its own: this one's loop may be a browser's."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, story).result()


async def turns():
    for _ in range(20):
        await asyncio.sleep(0)


ONE, TWO = b'{"data":[],"session_hash":"one"}', b'{"session_hash" : "two", "data":[]}'


def test_an_event_waits_for_the_answer_to_the_one_before_on_its_page_alone():
    async def story():
        page = Page()
        app = InOrder(page)
        first, _ = asked(app, "first", ONE)
        await turns()
        later = [asked(app, "second", ONE)[0], asked(app, "other", TWO)[0], asked(app, "third", ONE)[0]]
        await turns()
        assert page.begun == [("first", ONE), ("other", TWO)]
        page.may_end["first"].set()
        await turns()
        assert [name for name, _ in page.begun] == ["first", "other", "second"]
        for name in ("second", "third", "other"):
            page.may_end.setdefault(name, asyncio.Event()).set()
        await asyncio.gather(first, *later)
        assert [name for name, _ in page.begun] == ["first", "other", "second", "third"]
        assert not app.locks
        assert not app.held

    told(story())


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (ONE, "/gradio_api/queue/join"),
        (b'{"data":["\\"session_hash\\":\\"one\\""]}', "/gradio_api" + EVENTS),
        (b"", "/gradio_api" + EVENTS),
    ],
)
def test_what_is_no_event_of_a_page_waits_for_nothing(body, path):
    async def story():
        page = Page()
        app = InOrder(page)
        tasks = [asked(app, name, body, path)[0] for name in ("first", "second")]
        await turns()
        assert page.begun == [("first", body), ("second", body)]
        for name in ("first", "second"):
            page.may_end[name].set()
        await asyncio.gather(*tasks)

    told(story())


def test_stop_waits_for_nothing():
    async def story():
        page = Page()
        app = InOrder(page, passing={7})
        stop, other = b'{"fn_index":7,"session_hash":"one"}', b'{"fn_index":77,"session_hash":"one"}'
        tasks = [
            asked(app, name, body)[0] for name, body in (("slow", ONE), ("stop", stop), ("other", other))
        ]
        await turns()
        assert page.begun == [("slow", ONE), ("stop", stop)]
        for name in ("slow", "stop", "other"):
            page.may_end.setdefault(name, asyncio.Event()).set()
        await asyncio.gather(*tasks)

    told(story())


def test_an_event_that_fails_or_is_given_up_holds_nothing_back():
    async def story():
        page = Page()

        async def failing(scope, receive, send):
            if scope["headers"][0][1] == b"bad":
                raise ValueError("no")
            await page(scope, receive, send)

        app = InOrder(failing)
        with pytest.raises(ValueError, match="no"):
            await asked(app, "bad", ONE)[0]
        first, _ = asked(app, "first", ONE)
        await turns()
        given_up, _ = asked(app, "given up", ONE)
        second, sent = asked(app, "second", ONE)
        await turns()
        given_up.cancel()
        first.cancel()
        page.may_end["second"] = asyncio.Event()
        page.may_end["second"].set()
        await second
        assert sent == [{"name": "second"}]
        assert [name for name, _ in page.begun] == ["first", "second"]
        assert not app.locks

    told(story())

"""The endpoints by real clients: gradio_client, and the mcp package over streamable HTTP; and the limits
around them.
"""

import asyncio
import base64
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image as PilImage

from demo.app import launch_options, make
from demo.server.limits import MAX_JSON, MAX_UPLOAD
from inpainters import METHODS, inpaint, registry
from inpainters.base import Inpainter
from inpainters.spec import Cost

METHOD_KEYS = {
    "name",
    "title",
    "family",
    "summary",
    "paper",
    "year",
    "link",
    "licence",
    "version",
    "seconds",
    "options",
    "unavailable",
}
METHOD_KEYS |= {"explains", "takes_guide", "stochastic", "presets"}


@pytest.fixture(scope="module")
def server():
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    blocks, app = make()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
    yield url
    blocks.close()
    app.runner.close()
    app.store.close()


def test_health_tells_that_it_is_there_and_nothing_of_visitors(server):
    answer = httpx.get(f"{server}health")
    assert answer.status_code == 200
    told = answer.json()
    assert set(told) == {"status", "version", "methods", "waiting"}
    assert (told["status"], told["waiting"]) == ("ok", 0)
    assert told["methods"] == sum(registry.unavailable(name) is None for name in METHODS)
    for folder in ("results", "votes", "inpainters/weights/checkpoints"):
        assert httpx.get(f"{server}{folder}/").status_code == 404
        assert httpx.get(f"{server}gradio_api/file={folder}").status_code in (403, 404)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    photo = np.random.default_rng(2).integers(0, 256, (40, 60, 3), np.uint8)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 10:30] = 255
    PilImage.fromarray(photo).save(folder / "photo.png")
    PilImage.fromarray(mask).save(folder / "mask.png")
    PilImage.fromarray(mask[:20]).save(folder / "half.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "photo.png").read_bytes()[:900])
    return folder


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def ask(client, files, image="photo.png", mask="mask.png", **more):
    return client.predict(
        handle_file(str(files / image)), handle_file(str(files / mask)), api_name="/inpaint", **more
    )


def test_inpaint_gives_the_librarys_pixels_as_png(client, files):
    path, record = ask(client, files)
    with PilImage.open(path) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture)
    assert np.array_equal(pixels, inpaint(files / "photo.png", files / "mask.png", "telea"))
    assert (record["method"], record["seed"], record["options"]) == ("telea", 0, {"radius": 3.0})


def test_inpaint_takes_method_seed_and_options(client, files):
    path, record = ask(client, files, method="navier_stokes", seed=4, options='{"radius": 7}')
    assert np.array_equal(
        np.asarray(PilImage.open(path)),
        inpaint(files / "photo.png", files / "mask.png", "navier_stokes", radius=7),
    )
    assert (record["method"], record["seed"], record["options"]) == ("navier_stokes", 4, {"radius": 7.0})


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"method": "telee"}, "did you mean 'telea'"),
        ({"options": "{"}, "JSON object"),
        ({"options": '{"radios": 1}'}, "did you mean 'radius'"),
        ({"options": '{"radius": 1e9}'}, "between 1 and 50"),
        ({"seed": -1}, "seed must be"),
        ({"mask": "half.png"}, r"The mask is 60×20, the picture 60×40\. Use the same size\."),
        ({"image": "cut.png"}, "damaged or cut short"),
        ({"image": "empty.png"}, "is empty"),
    ],
)
def test_bad_input_is_one_sentence_and_the_app_stays_up(client, files, request_, words):
    with pytest.raises(Exception, match=words) as caught:
        ask(client, files, **request_)
    assert "Traceback" not in str(caught.value)
    assert ask(client, files)[1]["method"] == "telea"


def test_methods_lists_the_table(client):
    listed = client.predict(api_name="/methods")
    assert [one["name"] for one in listed] == list(METHODS)
    assert all(set(one) == METHOD_KEYS for one in listed)


def test_methods_lists_what_a_network_call_costs(client):
    rows = {row["name"]: row for row in client.predict(api_name="/methods")}
    assert rows["repaint"]["seconds"]["per_call"] == METHODS["repaint"].cost.per_call > 0


def test_methods_lists_choices_and_the_calls_of_each_preset(client):
    repaint = next(one for one in client.predict(api_name="/methods") if one["name"] == "repaint")
    assert repaint["presets"] == {"preview": 57, "balanced": 460, "paper": 2410}
    assert {one["name"]: one["choices"] for one in repaint["options"]}["preset"] == [
        "preview",
        "balanced",
        "paper",
    ]
    assert repaint["stochastic"]


def ask_answers(client, files, method, **more):
    given = [handle_file(str(files / name)) for name in ("photo.png", "mask.png")]
    return client.predict(*given, method, api_name="/answers", **more)


def test_answers_gives_one_picture_per_seed(client, files):
    small = '{"iterations": 2, "width": 16}'
    strip, pictures, record = ask_answers(client, files, "deep_image_prior", seed=3, n=2, options=small)
    expected = inpaint(
        files / "photo.png", files / "mask.png", "deep_image_prior", seed=3, n=2, iterations=2, width=16
    )
    assert [one["caption"] for one in pictures] == ["deep_image_prior-seed3", "deep_image_prior-seed4"]
    assert not np.array_equal(*expected)
    for one, image in zip(pictures, expected, strict=True):
        found = np.asarray(
            PilImage.open(one["image"]["path"] if isinstance(one["image"], dict) else one["image"])
        )
        assert (found != image).mean() <= 1e-3  # networks: within one grey level on few pixels
    strip = np.asarray(PilImage.open(strip))
    assert strip.shape == (40, 60 + 8 + 60, 3)
    assert (strip[:, -60:] != expected[1]).mean() <= 1e-3
    assert record["seeds"] == [3, 4]
    assert len(record["seconds"]) == len(record["network_calls"]) == 2


def test_answers_of_a_method_that_does_not_draw_at_random(client, files):
    strip, pictures, record = ask_answers(client, files, "telea")
    assert np.array_equal(
        np.asarray(PilImage.open(strip)), inpaint(files / "photo.png", files / "mask.png", "telea")
    )
    assert len(pictures) == 1
    assert "Telea does not draw at random: one answer in place of 4." in record["notes"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"n": 9}, "from 1 to 8"),
        ({"n": 0}, "from 1 to 8"),
        ({"options": '{"radius": 1e9}'}, "between 1 and 50"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_answers_says_what_is_wrong(client, files, request_, words):
    with pytest.raises(Exception, match=words):
        ask_answers(client, files, "telea", **request_)


def test_a_visitor_names_no_model(client, files):
    with pytest.raises(Exception, match=r"'model' can be set on the command line|needs weights"):
        ask(client, files, method="repaint", options='{"model": "/etc"}')


def test_only_these_endpoints_are_listed(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/inpaint", "/answers", "/explain", "/methods"}
    names = [one["parameter_name"] for one in named["/inpaint"]["parameters"]]
    assert names == ["image", "mask", "method", "seed", "options"]
    defaults = [
        one["parameter_default"] for one in named["/inpaint"]["parameters"] if one["parameter_has_default"]
    ]
    assert defaults == ["telea", 0, "{}"]


def data_url(path):
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def apart(talk):
    """In a thread: the browser tests may have left a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(talk())).result()


def test_mcp_client_lists_and_calls_the_tools(server):
    pytest.importorskip("mcp", reason="the mcp package is not installed: pip install 'gradio[mcp]'")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk():
        async with (
            streamable_http_client(f"{server}gradio_api/mcp/") as streams,
            ClientSession(*streams[:2]) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            called = await session.call_tool(
                next(tool.name for tool in tools if tool.name.endswith("methods")), {}
            )
            return tools, called

    tools, called = apart(talk)
    assert sorted(tool.name.rpartition("_")[2] for tool in tools) == [
        "answers",
        "explain",
        "inpaint",
        "methods",
    ]
    fill = next(tool for tool in tools if tool.name.endswith("inpaint"))
    assert set(fill.inputSchema["properties"]) == {"image", "mask", "method", "seed", "options"}
    assert not called.isError
    assert "telea" in called.content[0].text


def test_mcp_client_fills_a_hole(server, files):
    pytest.importorskip("mcp", reason="the mcp package is not installed: pip install 'gradio[mcp]'")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk():
        async with (
            streamable_http_client(f"{server}gradio_api/mcp/") as streams,
            ClientSession(*streams[:2]) as session,
        ):
            await session.initialize()
            name = next(
                tool.name for tool in (await session.list_tools()).tools if tool.name.endswith("inpaint")
            )
            given = {
                "image": data_url(files / "photo.png"),
                "mask": data_url(files / "mask.png"),
                "method": "navier_stokes",
            }
            return await session.call_tool(name, given)

    answer = apart(talk)
    assert not answer.isError, answer.content
    kinds = {content.type for content in answer.content}
    assert "image" in kinds
    assert any("navier_stokes" in getattr(content, "text", "") for content in answer.content)


def test_mcp_client_gets_several_answers(server, files):
    pytest.importorskip("mcp", reason="the mcp package is not installed: pip install 'gradio[mcp]'")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk():
        async with (
            streamable_http_client(f"{server}gradio_api/mcp/") as streams,
            ClientSession(*streams[:2]) as session,
        ):
            await session.initialize()
            name = next(
                tool.name for tool in (await session.list_tools()).tools if tool.name.endswith("answers")
            )
            given = {
                "image": data_url(files / "photo.png"),
                "mask": data_url(files / "mask.png"),
                "method": "deep_image_prior",
            }
            return await session.call_tool(
                name, {**given, "n": 2, "options": '{"iterations": 2, "width": 16}'}
            )

    answer = apart(talk)
    assert not answer.isError, answer.content
    shown = [content for content in answer.content if content.type == "image"]
    assert len(shown) == 1
    with PilImage.open(io.BytesIO(base64.b64decode(shown[0].data))) as strip:
        assert strip.size == (60 + 8 + 60, 40)


def test_large_json_is_refused_before_it_is_parsed(server):
    body = json.dumps({"data": ["x" * (MAX_JSON + 1)]}).encode()
    answer = httpx.post(
        f"{server}gradio_api/call/inpaint",
        content=body,
        headers={"content-type": "application/json"},
        timeout=120,
    )
    assert answer.status_code == 413
    assert answer.json()["detail"].endswith(".")

    def pieces():  # without a Content-Length
        for start in range(0, len(body), 1 << 20):
            yield body[start : start + (1 << 20)]

    answer = httpx.post(
        f"{server}gradio_api/call/inpaint",
        content=pieces(),
        headers={"content-type": "application/json"},
        timeout=120,
    )
    assert answer.status_code == 413


def test_deep_links_are_closed(server):
    assert httpx.get(f"{server}gradio_api/deep_link?session_hash=x").status_code == 404


def test_the_page_asks_no_other_host(server):
    page = httpx.get(server).text
    config = httpx.get(f"{server}config").json()
    assert "fonts.googleapis.com" not in page.replace('https://fonts.googleapis.com" crossorigin', "")
    assert config["analytics_enabled"] is False


class Endless(Inpainter):
    """Network calls of a tenth of a second, for ever; it says how many there were."""

    calls = 0

    def fill(self, piece):
        while True:
            piece.on_step(0, 2)
            time.sleep(0.1)
            Endless.calls += 1


@pytest.fixture
def endless(monkeypatch):
    spec = replace(METHODS["repaint"], name="endless", weights=(), cost=Cost(60.0), calls="", course="")
    monkeypatch.setitem(METHODS, "endless", replace(spec, alongside="", loads="", beside="", options=()))
    made = registry.create
    monkeypatch.setattr(
        "demo.server.jobs.registry.create",
        lambda name, **options: Endless(METHODS["endless"]) if name == "endless" else made(name, **options),
    )
    Endless.calls = 0


def uploaded(server, files):
    sent = [("files", (name, (files / name).read_bytes())) for name in ("photo.png", "mask.png")]
    paths = httpx.post(f"{server}gradio_api/upload", files=sent).json()
    return [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]


def stopped():
    """Whether the endless method makes no more than two calls from now on."""
    calls = Endless.calls
    time.sleep(0.5)
    return Endless.calls <= calls + 2


async def leave_after_two_calls(asking):
    """Drop what is asked for, a coroutine, once the third network call was made."""
    asked = asyncio.create_task(asking)
    for _ in range(600):
        if Endless.calls > 2 or asked.done():
            break
        await asyncio.sleep(0.1)
    assert not asked.done(), asked.exception()
    assert Endless.calls > 2
    asked.cancel()


async def ask_run(web, api, data):
    await web.post(f"{api}run/inpaint", json={"data": data})


async def ask_call(web, api, data):
    event = (await web.post(f"{api}call/inpaint", json={"data": data})).json()["event_id"]
    await web.get(f"{api}call/inpaint/{event}")


async def ask_queue(web, api, data):
    rows = (await web.get(f"{api.removesuffix('gradio_api/')}config")).json()["dependencies"]
    index = next(row["id"] for row in rows if row["api_name"] == "inpaint")
    body = {"data": data, "fn_index": index, "session_hash": "leaving"}
    await web.post(f"{api}queue/join", json=body)
    async with web.stream("GET", f"{api}queue/data?session_hash=leaving") as stream:
        async for _ in stream.aiter_lines():
            pass


@pytest.mark.parametrize("ask", [ask_run, ask_call, ask_queue])
def test_a_client_that_leaves_is_stopped_within_two_network_calls(server, files, endless, ask):
    data = [*uploaded(server, files), "endless", 0, "{}"]

    async def talk():
        async with httpx.AsyncClient(timeout=60) as web:
            await leave_after_two_calls(ask(web, f"{server}gradio_api/", data))

    apart(talk)
    assert stopped()


def test_an_mcp_client_that_leaves_is_stopped(server, files, endless):
    pytest.importorskip("mcp", reason="the mcp package is not installed: pip install 'gradio[mcp]'")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk():
        async with (
            streamable_http_client(f"{server}gradio_api/mcp/") as streams,
            ClientSession(*streams[:2]) as session,
        ):
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            name = next(name for name in names if name.endswith("inpaint"))
            given = {"image": data_url(files / "photo.png"), "mask": data_url(files / "mask.png")}
            await leave_after_two_calls(session.call_tool(name, given | {"method": "endless"}))

    apart(talk)
    assert stopped()


def test_an_images_own_alpha_is_the_mask(client, files):
    with PilImage.open(files / "photo.png") as photo, PilImage.open(files / "mask.png") as mask:
        PilImage.merge("RGBA", [*photo.split(), mask.point(lambda v: 255 - v)]).save(files / "erased.png")
    path, record = client.predict(handle_file(str(files / "erased.png")), None, api_name="/inpaint")
    expected = inpaint(files / "photo.png", files / "mask.png", "telea")
    assert np.array_equal(np.asarray(PilImage.open(path)), expected)
    assert "Its transparent pixels are the mask." in record["notes"]
    with pytest.raises(Exception, match="The mask is missing: send two"):
        client.predict(handle_file(str(files / "photo.png")), None, api_name="/inpaint")


def test_files_of_4096_a_side_fit_and_larger_ones_are_told_in_a_sentence(server):
    def sent(size):
        return httpx.post(f"{server}gradio_api/upload", files={"files": ("a.bmp", bytes(size))}, timeout=120)

    assert sent(4096 * 4096 * 4 + 200).status_code == 200
    answer = sent(MAX_UPLOAD + (1 << 20))
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The file is larger than 72 MB; save it smaller, as PNG or JPEG."

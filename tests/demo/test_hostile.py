"""What others send that mean harm, or nothing sensible: one sentence or a refusal, nothing of anybody leaks,
and memory stays bounded.
"""

import json
import os
import secrets
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest

from demo.app import launch_options, make
from inpainters.imaging import encode_png


@pytest.fixture(scope="module")
def server():
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    blocks, app = make()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
    yield url, app
    blocks.close()
    app.runner.close()
    app.store.close()


@pytest.fixture
def api(server):
    with httpx.Client(base_url=f"{server[0]}gradio_api/", timeout=60) as client:
        yield client


def upload(api, *contents):
    answer = api.post("upload", files=[("files", (f"{i}.png", data)) for i, data in enumerate(contents)])
    return answer.json()


def file_data(path):
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def told(answer):
    """The sentence of a refusal; it names no folder of this machine and no line of code."""
    said = answer.text
    assert answer.status_code >= 400, said
    assert not any(word in said for word in ("Traceback", ".py", "site-packages", str(Path.cwd()))), said
    return said


PHOTO = encode_png(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
HOLE = encode_png(np.eye(32, dtype=bool))


def huge(width, height):
    """A PNG of a few hundred bytes that says it holds so many pixels."""

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n", PHOTO[:60], huge(60_000, 60_000), b"<svg onload='alert(1)'/>", b"\0" * 5000],
    ids=["empty", "head", "cut", "bomb", "svg", "zeros"],
)
def test_a_file_that_is_no_picture_is_one_sentence(api, content):
    paths = upload(api, content, HOLE)
    answer = api.post("run/inpaint", json={"data": [*map(file_data, paths), "telea", 0, "{}"]})
    assert json.loads(told(answer))["error"].endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        [],
        [None] * 5,
        [1, 2, 3, 4, 5],
        ["a", "b", "telea", 0, "{}"],
        [{}, {}, "telea", 0, "{}"],
        [[], [], [], [], []],
        [None, None, "telea", 10**400, "{}"],
        [None, None, "telea", 0, "[" * 100_000],
        {"not": "a list"},
    ],
    ids=lambda data: str(data)[:20],
)
def test_a_malformed_call_is_refused_and_the_next_one_answered(api, data):
    said = json.loads(told(api.post("run/inpaint", content=json.dumps({"data": data}))))
    assert said.get("detail") or said["error"].endswith(".")
    good = [*map(file_data, upload(api, PHOTO, HOLE)), "telea", 0, "{}"]
    assert api.post("run/inpaint", json={"data": good}).status_code == 200


@pytest.mark.parametrize(
    "options", ["[" * 100_000, '{"radius": NaN}', '{"radius": 1e999}', "null", '"x"', "1"]
)
def test_options_that_are_none_are_one_sentence(api, options):
    data = [*map(file_data, upload(api, PHOTO, HOLE)), "telea", 0, options]
    assert json.loads(told(api.post("run/inpaint", json={"data": data})))["error"].endswith(".")


def test_a_body_that_is_no_json_is_refused(api):
    for body in (b"{", b"\xff\xfe", b"[" * 50_000):
        answer = api.post("run/inpaint", content=body, headers={"content-type": "application/json"})
        told(answer)


def test_no_path_leads_out_of_what_was_uploaded(api, server, tmp_path):
    (tmp_path / "secret.png").write_bytes(PHOTO)
    outside = [str(tmp_path / "secret.png"), "/etc/passwd", str(Path("app.py").resolve()), "../../app.py"]
    for path in outside:
        data = [file_data(path), file_data(path), "telea", 0, "{}"]
        told(api.post("run/inpaint", json={"data": data}))
        assert api.get(f"file={path}").status_code >= 400
    for path in ("..%2f..%2fapp.py", "%2e%2e/%2e%2e/app.py", "....//app.py", "/etc/passwd", "%00"):
        answer = httpx.get(f"{server[0]}pic/{path}")
        assert answer.status_code >= 400
        assert b"demo" not in answer.content


def test_what_one_visitor_has_stored_is_found_by_its_token_alone(api, server):
    url, app = server
    token = app.store.put(PHOTO)
    assert httpx.get(f"{url}pic/{token}").content == PHOTO
    near = token[:-5] + ("B" if token[-5] == "A" else "A") + ".png"
    for wrong in (token.swapcase(), near, "t" + secrets.token_urlsafe(24) + ".png", "", "."):
        assert httpx.get(f"{url}pic/{wrong}").content != PHOTO
    assert api.get(f"file={app.store.folder / token}").status_code >= 400
    data = [file_data(str(app.store.folder / token)), *map(file_data, upload(api, HOLE)), "telea", 0, "{}"]
    told(api.post("run/inpaint", json={"data": data}))


def pieces(mebibytes):
    """A body that does not say how long it is."""
    yield b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    for _ in range(mebibytes):
        yield b"\0" * (1 << 20)
    yield b"\r\n--edge--\r\n"


@pytest.mark.parametrize(("route", "most"), [("upload", 72), ("run/inpaint", 24), ("queue/join", 24)])
def test_a_form_is_bounded_wherever_it_is_sent_and_whatever_it_says_of_its_length(api, route, most):
    form = {"content-type": "multipart/form-data; boundary=edge"}
    for body in (pieces(most + 2), b"".join(pieces(most + 2))):
        answer = api.post(route, content=body, headers=form)
        assert answer.status_code == 413
        assert f"larger than {most} MB" in answer.json()["detail"]


def test_a_swarm_of_small_files_is_refused(api):
    told(api.post("upload", files=[("files", (f"{i}.png", b"x")) for i in range(1500)]))


def event_of(server, part, name):
    """The number by which a browser calls an event of a component."""
    config = httpx.get(f"{server[0]}config", timeout=60).json()
    (of,) = [one["id"] for one in config["components"] if one["props"].get("elem_id") == part]
    (found,) = [one["id"] for one in config["dependencies"] if [of, name] in one["targets"]]
    return found


PARTS = pytest.mark.parametrize("part", ["uses-photo-files", "uses-view-files", "uses-folder-files"])


def call_files(server, api, part, value):
    data = {"fn_index": event_of(server, part, "files"), "data": [value, None], "session_hash": part}
    return api.post("run/predict", json=data)


@PARTS
@pytest.mark.parametrize(
    "value",
    [
        {"files": [file_data("/etc/hostname")], "names": ["a.png"], "kind": "photos"},
        {"files": [{"path": "/etc/hostname"}], "names": [], "kind": "masks"},
        {"files": [{"url": "http://127.0.0.1:1/a.png", **file_data("")}], "names": ["a"], "kind": "depth"},
        {"files": "no list", "names": {}, "kind": 3},
        "text",
    ],
    ids=["another file", "without meta", "an address", "types", "text"],
)
def test_files_of_the_machine_are_no_uploads(server, api, part, value):
    told(call_files(server, api, part, value))


@PARTS
@pytest.mark.parametrize(
    "value", [{"files": [], "names": ["a.png"] * 10_000, "kind": "photos"}, None], ids=["names", "nothing"]
)
def test_names_without_files_are_one_sentence(server, api, part, value):
    _, uploads, *_ = call_files(server, api, part, value).json()["data"]
    assert uploads["note"] in ("No file came: choose it again.", "0 photographs, 0 with a mask.")

"""The store: what is behind a token, for how long, and how it is served."""

import os
import time

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.server.store import Store
from inpainters.errors import InputError
from inpainters.imaging import encode_png


def test_route_serves_immutable_bytes_and_nothing_else(store, photo):
    token = store.put(encode_png(photo))
    client = TestClient(Starlette(routes=[store.route()]))
    answer = client.get(f"/pic/{token}")
    assert answer.content == encode_png(photo)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "image/png"
    for wrong in ("nothing.png", "..%2F..%2Fetc%2Fpasswd", token[:-5], ""):
        assert client.get(f"/pic/{wrong}").status_code == 404


def test_an_uploaded_page_is_never_served_as_one(store):
    token = store.put(b"<script>alert(1)</script>", ".html")
    answer = TestClient(Starlette(routes=[store.route()])).get(f"/pic/{token}")
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_old_pictures_are_swept_and_kept_ones_stay(store):
    old, kept = store.put(b"1"), store.put(b"2", keep=True)
    for token in (old, kept):
        os.utime(store.folder / token, (time.time() - 9999, time.time() - 9999))
    store.sweep()
    assert store.path(old) is None
    assert store.path(kept) is not None


def test_to_store_a_picture_takes_no_look_at_those_that_are_there(store, photo, tmp_path, monkeypatch):
    (tmp_path / "film").write_bytes(b"1")
    monkeypatch.setattr("pathlib.Path.glob", lambda *_: pytest.fail("all files were looked at"))
    assert store.path(store.put_image(photo))
    assert store.path(store.take(tmp_path / "film", ".webm"))


def test_old_pictures_are_swept_while_nobody_comes():
    store = Store(max_age=0.05)
    token = store.put(b"1")
    end = time.monotonic() + 60
    while (store.folder / token).exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    store.close()


def test_a_full_disk_is_one_sentence(store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    assert store.folder.is_dir()
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="disk is full"):
        store.put(b"1")


def test_a_decoded_picture_is_kept_within_bounds_and_never_outlives_its_file(store, photo, monkeypatch):
    monkeypatch.setattr("demo.server.store.MOST_DECODED", 2 * photo.nbytes)
    tokens = [store.put_image(photo + i) for i in range(4)]
    for i, token in enumerate(tokens):
        assert np.array_equal(store.image(token), photo + i)
    assert list(store._decoded) == tokens[2:]
    assert store.image(tokens[2]) is store.image(tokens[2])
    store.drop(tokens[2:])
    with pytest.raises(InputError, match="expired"):
        store.image(tokens[2])

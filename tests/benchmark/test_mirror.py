"""A results folder elsewhere ends as one on this machine, whatever breaks off; nothing leads out of it."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from benchmark import mirror
from benchmark.__main__ import main
from benchmark.mirror import Mirror, mirrored
from inpainters.errors import InputError

PART = ["--masks", "irregular", "--bins", "10-20", "--size", "48", "--methods", "mean_fill,telea"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INPAINTING_WEIGHTS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def memory():
    """fsspec's file system in memory, empty before and after."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("a", "b")):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 48, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def contents(folder):
    """Name -> bytes of the fills, their originals and masks, and all scores: nothing that holds a time."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".png", ".parquet") or path.name == "scores.json"
    }


def in_memory(memory, base):
    return {str(path).removeprefix(f"{base}/"): memory.cat_file(path) for path in memory.find(base)}


@pytest.mark.slow
def test_a_run_ends_elsewhere_as_it_does_here_and_goes_on_from_there(photos, tmp_path, memory, capsys):
    asked = ["run", "photos", "--data", str(photos), *PART]
    assert main([*asked, "--out", str(tmp_path / "here")]) == 0
    assert main([*asked, "--out", "memory://bucket/there"]) == 0
    here, there = contents(tmp_path / "here"), in_memory(memory, "/bucket/there")
    assert {name: there[name] for name in here} == here
    assert "table.md" in there
    (work,) = (tmp_path / "cache").glob("inpainting/runs/*/there")
    shutil.rmtree(tmp_path / "cache")  # another machine goes on
    capsys.readouterr()
    assert main(["rows", "memory://bucket/there", "--csv"]) == 0
    assert main(["rows", str(tmp_path / "here"), "--csv"]) == 0
    text = capsys.readouterr().out
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    fills = {name: memory.info(f"/bucket/there/{name}")["created"] for name in there if "telea" in name}
    assert main([*asked, "--out", "memory://bucket/there"]) == 0
    assert all(memory.info(f"/bucket/there/{n}")["created"] == t for n, t in fills.items() if ".png" in n)
    assert main([*asked, "--out", "memory://bucket/there"]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert work.exists()


def test_what_goes_here_goes_there_and_what_was_changed_there_comes(tmp_path, memory):
    with mirrored("memory://bucket/run") as folder:
        (folder / "cells").mkdir(parents=True)
        (folder / "cells" / "a.png").write_bytes(b"a")
        (folder / "cells" / "b.png").write_bytes(b"b")
        (folder / "cells" / ".lock").write_bytes(b"mine")
        (folder / "cells" / "c.png.part").write_bytes(b"half")
    assert sorted(memory.find("/bucket/run")) == ["/bucket/run/cells/a.png", "/bucket/run/cells/b.png"]
    memory.pipe_file("/bucket/run/cells/a.png", b"A")
    with mirrored("memory://bucket/run/") as again:
        assert again == folder
        assert (folder / "cells" / "a.png").read_bytes() == b"A"
        (folder / "cells" / "b.png").unlink()
    assert in_memory(memory, "/bucket/run") == {"cells/a.png": b"A"}


def test_what_is_made_meanwhile_is_sent_before_the_end(tmp_path, memory, monkeypatch):
    monkeypatch.setattr(mirror, "EVERY", 0.01)
    with mirrored("memory://bucket/run") as folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.png").write_bytes(b"a")
        for _ in range(1000):
            if memory.exists("/bucket/run/a.png") and memory.cat_file("/bucket/run/a.png"):
                break
            time.sleep(0.01)
        assert in_memory(memory, "/bucket/run") == {"a.png": b"a"}


def test_what_cannot_be_sent_stays_here_with_a_sentence(tmp_path, memory, monkeypatch):
    def refused(*_, **__):
        raise PermissionError("Access denied.")

    def made():
        with mirrored("memory://bucket/run") as folder:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "a.png").write_bytes(b"a")

    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "put_file", refused)
        with pytest.raises(InputError, match=r"Access denied.*What was made lies in .*start again"):
            made()
    with mirrored("memory://bucket/run") as again:
        assert (again / "a.png").read_bytes() == b"a"
    assert memory.exists("/bucket/run/a.png")


@pytest.mark.parametrize("url", ["nowhere://bucket/run", "s3://", "sftp://127.0.0.1:9/run"])
def test_a_place_that_cannot_be_used_is_one_sentence(url, capsys):
    assert main(["rows", url]) == 2
    text = capsys.readouterr().err.strip()
    assert len(text.splitlines()) == 1
    assert f"'{url.rstrip('/')}" in text


def test_what_was_taken_away_there_goes_there_again(tmp_path, memory):
    with mirrored("memory://bucket/run") as folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.png").write_bytes(b"a")
        (folder / "b.png").write_bytes(b"b")
    memory.rm("/bucket/run/a.png")
    with mirrored("memory://bucket/run"):
        pass
    assert in_memory(memory, "/bucket/run") == {"a.png": b"a", "b.png": b"b"}
    memory.rm("/bucket/run", recursive=True)
    with mirrored("memory://bucket/run"):
        pass
    assert in_memory(memory, "/bucket/run") == {"a.png": b"a", "b.png": b"b"}


def test_what_comes_while_files_are_sent_is_not_taken_for_gone(tmp_path, memory, monkeypatch):
    one = Mirror("memory://bucket/run", tmp_path / "work" / "run")
    one.folder.mkdir(parents=True)
    (one.folder / "mine.png").write_bytes(b"m")
    memory.pipe_file("/bucket/run/cells/theirs.png", b"t")
    put, threads = type(memory).put_file, []

    def meanwhile(self, here, there, *rest, **named):
        threads.append(threading.Thread(target=one.pull, args=("cells",)))
        threads[-1].start()
        time.sleep(0.05)
        return put(self, here, there, *rest, **named)

    monkeypatch.setattr(type(memory), "put_file", meanwhile)
    one.push()
    threads[0].join()
    assert in_memory(memory, "/bucket/run") == {"mine.png": b"m", "cells/theirs.png": b"t"}
    assert (one.folder / "cells/theirs.png").read_bytes() == b"t"


def test_a_file_is_fetched_again_where_it_is_another_there(tmp_path, memory):
    memory.pipe_file("/bucket/run/plan.json", b"1")
    one = Mirror("memory://bucket/run", tmp_path / "work" / "run")
    one.fetch(["plan.json", "absent.json"])
    first = (one.folder / "plan.json").stat().st_mtime_ns
    one.fetch(["plan.json"])
    assert (one.folder / "plan.json").stat().st_mtime_ns == first
    memory.pipe_file("/bucket/run/plan.json", b"2")
    one.fetch(["plan.json"])
    assert (one.folder / "plan.json").read_bytes() == b"2"


@pytest.mark.slow
def test_a_place_that_is_named_twice_is_opened_once(photos, memory, capsys):
    asked = ["run", "photos", "--data", str(photos), *PART, "--out", "memory://bucket/a"]
    assert main(asked) == 0
    assert main(["merge", "memory://bucket/a", "memory://bucket/a/", "--out", "memory://bucket/a"]) == 0
    assert main(["diff", "memory://bucket/a", "memory://bucket/a"]) == 0
    assert not mirror._OPEN


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/etc/out.png", "a\\..\\out.png"])
def test_no_file_there_leads_out_of_the_folder(tmp_path, memory, name):
    one = Mirror("memory://bucket/run", tmp_path / "work" / "run")
    with pytest.raises(InputError, match="none of a results folder"):
        one.fetch([name])
    assert not list(tmp_path.rglob("out.png"))


def test_files_are_sent_in_the_order_in_which_they_were_made(tmp_path, memory, monkeypatch):
    sent = []
    put = type(memory).put_file

    def noted(self, here, there, *rest, **named):
        sent.append(Path(here).name)
        return put(self, here, there, *rest, **named)

    monkeypatch.setattr(type(memory), "put_file", noted)
    with mirrored("memory://bucket/run") as folder:
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(("z.png", "y.json", "a.json")):
            (folder / name).write_text(json.dumps(number))
            os.utime(folder / name, ns=(number, number))
    assert sent == ["z.png", "y.json", "a.json"]


@pytest.fixture
def bucket(monkeypatch):
    """fsspec's file system of an S3 server of this machine, with an empty bucket. The server takes long to
    install, and is no part of requirements-dev.txt: `pip install s3fs "moto[s3]" flask-cors`.
    """
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    s3fs = pytest.importorskip("s3fs")
    server.start()
    for name, value in (
        ("ENDPOINT_URL", f"http://127.0.0.1:{server.get_host_and_port()[1]}"),
        ("ACCESS_KEY_ID", "a"),
        ("SECRET_ACCESS_KEY", "b"),
        ("DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("bucket")
    yield system
    try:
        system.rm("bucket", recursive=True)
    finally:
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.slow
def test_a_run_ends_in_s3_as_it_does_here(photos, tmp_path, bucket, capsys):
    asked = ["run", "photos", "--data", str(photos), *PART]
    assert main([*asked, "--out", str(tmp_path / "here")]) == 0
    assert main([*asked, "--out", "s3://bucket/there"]) == 0
    here = contents(tmp_path / "here")
    assert {name: bucket.cat_file(f"bucket/there/{name}") for name in here} == here
    shutil.rmtree(tmp_path / "cache")  # another machine goes on
    fills = [one for one in bucket.find("bucket/there") if "telea" in one and one.endswith(".png")]
    bucket.rm_file(fills[0])
    bucket.invalidate_cache()
    times = {one: bucket.info(one)["LastModified"] for one in fills[1:]}
    capsys.readouterr()
    assert main([*asked, "--out", "s3://bucket/there"]) == 0
    assert main([*asked, "--out", "s3://bucket/there"]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    bucket.invalidate_cache()
    assert {name: bucket.cat_file(f"bucket/there/{name}") for name in here} == here
    assert {one: bucket.info(one)["LastModified"] for one in fills[1:]} == times


def test_s3_tells_another_content_of_the_same_length(tmp_path, bucket):
    with mirrored("s3://bucket/run") as folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.png").write_bytes(b"a")
        (folder / "b.png").write_bytes(b"b")
    bucket.pipe_file("bucket/run/a.png", b"A")
    with mirrored("s3://bucket/run") as folder:
        assert (folder / "a.png").read_bytes() == b"A"
        (folder / "b.png").unlink()
    bucket.invalidate_cache()
    assert [*bucket.find("bucket/run")] == ["bucket/run/a.png"]

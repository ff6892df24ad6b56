"""Downloads from a server of our own that breaks off, has no ranges, or has another file."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from inpainters import __main__ as cli
from inpainters.errors import InputError, UnavailableError
from inpainters.weights import fetch as downloads
from inpainters.weights import files
from inpainters.weights.fetch import fetch
from inpainters.weights.table import WEIGHTS, WeightsFile

BYTES = bytes(range(256)) * 40


class Server(ThreadingHTTPServer):
    """Serves BYTES under any path but /none. `cuts` are how many bytes it sends before it hangs up, one per
    request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges, self.cuts, self.asked = True, [], []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range", "")
        self.server.asked.append((self.path, wanted))
        start = int(wanted.removeprefix("bytes=").rstrip("-") or 0) if self.server.ranges else 0
        missing, beyond = self.path == "/none", start >= len(BYTES)
        self.send_response(404 if missing else 416 if beyond else 206 if start else 200)
        body = b"" if missing or beyond else BYTES[start:]
        self.send_header("Content-Length", str(len(body)))
        if start and body:
            self.send_header("Content-Range", f"bytes {start}-{len(BYTES) - 1}/{len(BYTES)}")
        self.end_headers()
        self.wfile.write(body[: self.server.cuts.pop(0)] if self.server.cuts else body)


@pytest.fixture
def server():
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(files.ENV, str(tmp_path / "cache"))
    monkeypatch.delenv(downloads.MIRROR, raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between retries
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100)  # what is kept is whole chunks
    return tmp_path / "cache"


@pytest.fixture
def row(cache, server, monkeypatch):
    def add(**changes):
        given = {"files": {"w.bin": hashlib.sha256(BYTES).hexdigest()[:8]}, "url": f"{server.url}/theirs.bin"}
        monkeypatch.setitem(WEIGHTS, "w", WeightsFile("w", **given | changes, licence="", trained_on=""))

    add()
    return add


def names(folder):
    return sorted(path.name for path in folder.glob("*") if not path.name.startswith("."))


def test_a_file_appears_whole_and_its_bytes_are_counted(row, cache, server, capsys):
    seen = []
    path = fetch("w", lambda done, total: seen.append((done, total)))
    assert path == cache / "w.bin"
    assert path.read_bytes() == BYTES
    assert seen[-1] == (len(BYTES), len(BYTES))
    assert names(cache) == ["w.bin"]
    assert cli.main(["fetch", "w"]) == 0
    assert "w.bin" in capsys.readouterr().out
    assert server.asked == [("/theirs.bin", "")]  # what is here is not asked for again


def test_a_download_that_breaks_off_goes_on_at_once(row, cache, server):
    server.cuts = [1000, 500]
    seen = []
    assert fetch("w", lambda *step: seen.append(step)).read_bytes() == BYTES
    assert [wanted for _, wanted in server.asked] == ["", "bytes=1000-", "bytes=1500-"]
    assert seen[-1] == (len(BYTES), len(BYTES))


def test_what_a_broken_download_left_is_gone_on_with(row, cache, server):
    server.cuts = [3000, *[0] * 20]
    with pytest.raises(UnavailableError, match=r"'w.bin' could not be downloaded \(.+\): check the network"):
        fetch("w")
    assert names(cache) == ["w.bin.part"]
    assert (cache / "w.bin.part").read_bytes() == BYTES[:3000]
    server.cuts, server.asked = [], []
    assert fetch("w").read_bytes() == BYTES
    assert server.asked == [("/theirs.bin", "bytes=3000-")]
    assert names(cache) == ["w.bin"]


def test_a_server_without_ranges_sends_it_all_again(row, cache, server):
    server.ranges = False
    cache.mkdir()
    (cache / "w.bin.part").write_bytes(BYTES[:3000])
    assert fetch("w").read_bytes() == BYTES


def test_a_whole_part_is_not_downloaded_again(row, cache, server):
    cache.mkdir()
    (cache / "w.bin.part").write_bytes(BYTES)
    assert fetch("w").read_bytes() == BYTES
    assert not server.asked


def test_two_at_once_download_it_once(row, cache, server):
    paths, seen = [], []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch("w", lambda *step: seen.append(step))))
        for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert paths == [cache / "w.bin"] * 2
    assert server.asked == [("/theirs.bin", "")]


def test_what_a_killed_download_left_is_gone_on_with(row, cache, server):
    """Its lock went with it."""
    cache.mkdir()
    (cache / ".locks").mkdir()
    (cache / ".locks" / "w.bin.lock").touch()
    (cache / "w.bin.part").write_bytes(BYTES[:3000])
    fetch("w")
    assert server.asked == [("/theirs.bin", "bytes=3000-")]
    assert names(cache) == ["w.bin"]


@pytest.mark.parametrize("left", [b"", b"other", b"more than is to come" + BYTES])
def test_another_file_gets_a_sentence_and_leaves_nothing(row, cache, left):
    row(files={"w.bin": "00000000"})
    cache.mkdir()
    (cache / "w.bin.part").write_bytes(left)
    with pytest.raises(UnavailableError, match=r"another file|could not be downloaded"):
        fetch("w")
    assert names(cache) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "http://127.0.0.1:9/w.bin"}, "check the network"),
        ({"url": "no_such_package:URL"}, "pip install -U no_such_package"),
    ],
)
def test_what_cannot_be_had_gets_a_sentence_and_leaves_nothing(row, cache, changes, message):
    row(**changes)
    with pytest.raises(UnavailableError, match=message):
        fetch("w")
    assert names(cache) == []


def test_what_a_server_has_not(row, cache, server, capsys):
    row(url=f"{server.url}/none")
    assert cli.main(["fetch", "w"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 2  # its licence comes first
    assert "'w.bin' could not be downloaded (" in told
    assert "404" in told
    assert len(server.asked) == 1


def test_a_mirror_is_asked_for_the_files_name_and_believed_no_more(row, cache, server, monkeypatch):
    row(url="no_such_package:URL")
    monkeypatch.setenv(downloads.MIRROR, f"{server.url}/mirror/")
    assert fetch("w").read_bytes() == BYTES
    assert server.asked == [("/mirror/w.bin", "")]
    (cache / "w.bin").unlink()
    row(files={"w.bin": "00000000"})
    with pytest.raises(UnavailableError, match="another file"):
        fetch("w")


def test_unknown_weights():
    with pytest.raises(InputError, match="did you mean 'lpips_alex'"):
        fetch("lpips_alx")

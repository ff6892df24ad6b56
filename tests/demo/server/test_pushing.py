"""Votes on the Hub: a loopback server stands for it, which refuses a commit whose parent is not its head."""

import base64
import json
import logging
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmark.ratings import Vote
from demo.server import pushing
from demo.server.pushing import ENV_TOKEN, Pusher, begin_pushing, id_of
from demo.server.votes import Votes
from inpainters.errors import InputError

TOKEN, DATASET = "hf_secretSecretSecret", "owner/votes"


class Hub:
    """The dataset: its files by commit, and what goes wrong."""

    def __init__(self):
        self.commits, self.lock = [{".gitattributes": b""}], threading.Lock()
        self.refuse, self.lose, self.before = 0, False, None

    @property
    def files(self):
        return {name: data for name, data in self.commits[-1].items() if name.endswith("jsonl")}

    @property
    def ids(self):
        return sorted(json.loads(line)["id"] for data in self.files.values() for line in data.splitlines())

    def commit(self, lines):
        header, *operations = (json.loads(line) for line in lines)
        before, self.before = self.before, None
        if before:
            before()
        with self.lock:
            if header["value"]["parentCommit"] != sha(self):
                return 412, {"error": "A commit has happened since."}
            new = {one["value"]["path"]: base64.b64decode(one["value"]["content"]) for one in operations}
            assert not new.keys() & self.commits[-1].keys()
            self.commits.append({**self.commits[-1], **new})
        return 200, {
            "commitUrl": f"{self.address}/datasets/{DATASET}/commit/{sha(self)}",
            "commitOid": sha(self),
        }


def sha(hub):
    return f"{len(hub.commits) - 1:040x}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status, data, **headers):
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        hub = self.server.hub
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, {})
        if self.path.startswith(f"/api/datasets/{DATASET}/revision/main"):
            names = [{"rfilename": name} for name in hub.commits[-1]]
            return self.answer(200, {"id": DATASET, "sha": sha(hub), "siblings": names})
        commit, _, name = self.path.removeprefix(f"/datasets/{DATASET}/resolve/").partition("/")
        data = hub.commits[int(commit, 16)][name]
        return self.answer(200, data, X_Repo_Commit=commit, ETag=f'"{hash(data):x}"')

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        hub, body = self.server.hub, self.rfile.read(int(self.headers["Content-Length"]))
        if "/preupload/" in self.path:
            files = [
                {**one, "uploadMode": "regular", "shouldIgnore": False} for one in json.loads(body)["files"]
            ]
            return self.answer(200, {"files": files})
        if hub.refuse:
            return self.answer(hub.refuse, {"error": f"no: {self.headers['Authorization']}"})
        status, told = hub.commit(body.splitlines())
        if hub.lose:  # the commit is there, its answer is not
            return self.connection.close()
        return self.answer(status, told)


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = Hub()
    server.hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def votes(tmp_path):
    return cast(Votes(tmp_path / "votes.sqlite"), 3)


def cast(votes, n, voter="a voter's token"):
    for number in range(n):
        votes.cast(Vote(f"quick/object/h{number}", "object", "telea", "lama", "one", voter), at=10.0 * number)
    return votes


def pusher(votes, hub):
    return Pusher(votes, DATASET, TOKEN, hub.address)


def all_ids(*several):
    return sorted({id_of(row) for votes in several for row in votes.rows()})


def test_each_push_adds_a_file_with_what_is_new(votes, hub):
    assert pusher(votes, hub).push() == 3
    assert pusher(votes, hub).push() == 0
    votes.cast(Vote("quick/object/h9", "object", "lama", "telea", "tie", "another"), at=100)
    assert pusher(votes, hub).push() == 1
    assert hub.ids == all_ids(votes)
    assert len(hub.files) == 2
    rows = [json.loads(line) for data in hub.files.values() for line in data.splitlines()]
    assert {(row["hole"], row["choice"]) for row in rows} >= {("quick/object/h9", "tie")}
    assert len({row["voter"] for row in rows}) == 2
    assert "token" not in str(hub.files)  # what a voter's browser keeps stays here


def test_two_apps_that_share_votes_double_none(votes, hub, tmp_path):
    other = Votes(tmp_path / "other.sqlite")
    other.take_in(votes.exported())
    cast(other, 2, "of the other app")
    assert pusher(votes, hub).push() == 3
    hub.before = pusher(cast(votes, 1, "late"), hub).push  # comes between what is read and what is committed
    assert pusher(other, hub).push() == 2
    assert hub.ids == all_ids(votes, other)
    assert len(hub.commits) == 4


def test_a_commit_whose_answer_was_lost_is_recognised(votes, hub):
    hub.lose = True
    assert pusher(votes, hub).try_push() == 0
    hub.lose = False
    assert pusher(votes, hub).push() == 0
    assert hub.ids == all_ids(votes)


def test_a_push_that_fails_is_one_sentence_and_tried_again(votes, hub, caplog, capfd):
    hub.refuse = 403
    with caplog.at_level(logging.DEBUG):
        pushes = pusher(votes, hub)
        pushes.start(every=0.05)
        while not any(record.name == pushing.__name__ for record in [*caplog.records]):
            threading.Event().wait(0.02)
        cast(votes, 1, "meanwhile")  # voting goes on
        hub.refuse = 0
        pushes.close()
    said = [record for record in caplog.records if record.name == pushing.__name__]
    assert "the Hub answered 403" in said[0].getMessage()
    assert TOKEN not in caplog.text + "".join(capfd.readouterr())
    assert all(not record.exc_info for record in said)
    assert hub.ids == all_ids(votes)
    assert len(votes.all()) == 4


def test_no_hub_at_all_is_a_sentence_too(votes, caplog):
    assert Pusher(votes, DATASET, TOKEN, "http://127.0.0.1:9").try_push() == 0
    assert "kept here, and tried again" in caplog.text
    assert TOKEN not in caplog.text


def test_what_others_put_into_the_dataset_does_no_harm(votes, hub):
    known = all_ids(votes)[0]
    junk = ["{", "[" * 9999, "7", '{"id": 3}', '{"id": "../x"}', json.dumps({"id": known})]
    hub.commits[-1]["votes/20260101T000000-0123456789abcdef.jsonl"] = "\n".join(junk).encode() + b"\n\xff"
    hub.commits[-1]["votes/../../evil.jsonl"] = b"never read"
    assert pusher(votes, hub).push() == 2


PUSH = """
import os, signal, sys
from pathlib import Path
from demo.server.pushing import Pusher
from demo.server.votes import Votes
file, address, how = sys.argv[1:]
votes = Votes(Path(file))
if how == "killed":
    votes.note_pushed = lambda dataset, names: os.kill(os.getpid(), signal.SIGKILL)
Pusher(votes, "owner/votes", os.environ["HF_TOKEN"], address).push()
"""


def begin(votes, hub, how):
    environment = {**os.environ, ENV_TOKEN: TOKEN}
    return subprocess.Popen([sys.executable, "-c", PUSH, str(votes.file), hub.address, how], env=environment)


@pytest.mark.slow
def test_killed_between_the_commit_and_its_note_then_two_at_once(votes, hub):
    assert begin(votes, hub, "killed").wait() < 0
    assert hub.ids == all_ids(votes)  # it is there, and nothing here says so
    assert votes.pushed(DATASET) == set()
    cast(votes, 2, "later")
    processes = [begin(votes, hub, "once") for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert hub.ids == all_ids(votes)
    assert len(hub.commits) == 3


@pytest.mark.parametrize(
    ("dataset", "token", "words"),
    [("votes", TOKEN, "OWNER/NAME"), ("a/b/c", TOKEN, "OWNER/NAME"), (DATASET, "", ENV_TOKEN)],
)
def test_what_cannot_work_is_said_at_the_start(votes, monkeypatch, dataset, token, words):
    monkeypatch.setenv(ENV_TOKEN, token)
    with pytest.raises(InputError, match=words):
        begin_pushing(votes, dataset)


def test_without_a_dataset_nothing_is_pushed(votes):
    assert begin_pushing(votes, "") is None

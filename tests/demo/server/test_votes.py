"""Votes: one for each pair and voter, none lost or doubled whatever is killed, and in and out as CSV."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from benchmark.ratings import Vote
from demo.app import main as app_main
from demo.server.votes import PACE, PER_MINUTE, VOTE_COLUMNS, Votes
from inpainters.errors import InputError


def vote(number=0, voter="v", choice="one", **more):
    return Vote(f"quick/object/h{number}", "object", "telea", "lama", choice, voter, **more)


@pytest.fixture
def votes(tmp_path):
    return Votes(tmp_path / "votes" / "votes.sqlite")


def test_a_pair_counts_once_for_each_voter_whatever_side(votes):
    assert votes.all() == []
    votes.cast(vote(), at=10)
    turned = Vote("quick/object/h0", "object", "lama", "telea", "tie", "v")
    for second in (vote(), turned):
        with pytest.raises(InputError, match="counted already"):
            votes.cast(second, at=20)
    votes.cast(vote(again=True), at=30)
    votes.cast(vote(voter="w"), at=31)
    assert votes.all() == [vote(), vote(again=True), vote(voter="w")]
    assert votes.of("w") == [vote(voter="w")]


def test_scripted_voting_is_slowed(votes):
    votes.cast(vote(0), at=100)
    with pytest.raises(InputError, match="too fast"):
        votes.cast(vote(1), at=100 + PACE / 2)
    votes.cast(vote(1, voter="w"), at=100.1)  # another voter
    for number in range(1, PER_MINUTE):
        votes.cast(vote(number), at=100 + number)
    with pytest.raises(InputError, match="in a minute"):
        votes.cast(vote(PER_MINUTE), at=100 + PER_MINUTE)
    votes.cast(vote(PER_MINUTE), at=165)
    assert len(votes.of("v")) == PER_MINUTE + 1


def test_votes_go_out_and_come_in_again(votes, tmp_path):
    for number, choice in enumerate(("one", "other", "tie", "bad")):
        votes.cast(vote(number, choice=choice), at=10 * number)
    text = votes.exported()
    assert text.splitlines()[0] == ",".join(VOTE_COLUMNS)
    other = Votes(tmp_path / "other.sqlite")
    assert other.exported().splitlines() == [",".join(VOTE_COLUMNS)]
    assert other.take_in(text) == 4
    assert other.take_in(text) == 0
    assert other.exported() == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("choice", "chosen"), "first line"),
        (lambda text: "", "first line"),
        (lambda text: text.replace(",one,v,", ",best,v,"), "Line 2"),
        (lambda text: text.replace("telea", "lama"), "Line 2"),
        (lambda text: text.replace(",0,", ",x,"), "Line 2"),
        (lambda text: text.replace("telea", "t" * 300), "Line 2"),
        (lambda text: text + "a,b\n", "Line 3"),
    ],
)
def test_what_is_no_vote_is_refused_whole(votes, tmp_path, change, words):
    votes.cast(vote(), at=10)
    other = Votes(tmp_path / "other.sqlite")
    with pytest.raises(InputError, match=words):
        other.take_in(change(votes.exported()))
    assert other.all() == []


OFTEN = """
import sys
from pathlib import Path
from benchmark.ratings import Vote
from demo.server.votes import Votes
votes = Votes(Path(sys.argv[1]))
for number in range(20):
    votes.cast(Vote(f"h{number}", "object", "telea", "lama", "one", sys.argv[2]), at=1000.0 + number)
"""


def test_several_processes_vote_at_once(votes):
    processes = [subprocess.Popen([sys.executable, "-c", OFTEN, str(votes.file), f"v{i}"]) for i in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(votes.all()) == 40


KILLED = """
import sys
from pathlib import Path
from benchmark.ratings import Vote
from demo.server.votes import Votes
votes = Votes(Path(sys.argv[1]))
for number in range(100000):
    votes.cast(Vote(f"h{number}", "object", "telea", "lama", "one", "v"), at=1000.0 + 10 * number)
    print(number, flush=True)
"""


def test_a_process_that_is_killed_in_mid_vote_loses_and_doubles_none(votes):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(votes.file)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    told = [int(process.stdout.readline()) for _ in range(10)]
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    kept = [one.hole for one in votes.all()]
    assert len(set(kept)) == len(kept)
    assert len(told) <= len(kept) <= len(told) + 1  # what was told is there, and at most one more
    votes.cast(vote(), at=1e9)


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("demo.server.votes.sqlite3.connect", broken)
    with pytest.raises(InputError, match="could not be kept"):
        Votes(tmp_path / "votes.sqlite").cast(vote())
    monkeypatch.undo()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="could not be kept"):
        Votes(tmp_path / "file" / "votes.sqlite").cast(vote())
    (tmp_path / "spoiled.sqlite").write_text("no votes" * 1000)
    assert Votes(tmp_path / "spoiled.sqlite").all() == []


def test_the_app_gives_votes_out_and_takes_them_in(votes, tmp_path, monkeypatch, capsys):
    votes.cast(vote(), at=10)
    monkeypatch.setenv("INPAINTING_VOTES", str(votes.file))
    out = tmp_path / "votes.csv"
    for asked, code in (
        (["--votes-out", str(out)], 0),
        (["--votes-in", str(out)], 0),
        (["--votes-in", "gone"], 2),
    ):
        with pytest.raises(SystemExit) as ended:
            app_main(asked)
        assert ended.value.code == code
    said = capsys.readouterr()
    assert "1 votes in" in said.out
    assert "0 votes are new" in said.out
    assert "no file 'gone'" in said.err

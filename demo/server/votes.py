"""Votes of the Arena, in an SQLite file: one for each pair and voter, and none lost when a process is
killed.
"""

import csv
import io
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmark.ratings import CHOICES, Vote
from inpainters.errors import InputError

ENV_VOTES = "INPAINTING_VOTES"
"""Environment variable: the file of the votes."""
VOTE_COLUMNS = ("hole", "kind", "one", "other", "choice", "voter", "again", "at")
PACE = 0.6
"""Seconds between two votes of one voter, at least: nobody looks at two fills faster."""
PER_MINUTE = 30
"""Votes of one voter in a minute, at most."""
_PATIENCE = 10.0
"""Seconds that a vote waits for other processes' votes, at most."""
_LONGEST = 200
"""Characters of a name."""
_TABLE = """
CREATE TABLE IF NOT EXISTS votes (
  hole TEXT NOT NULL, kind TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL, choice TEXT NOT NULL,
  voter TEXT NOT NULL, again INTEGER NOT NULL, at REAL NOT NULL,
  low TEXT GENERATED ALWAYS AS (min(one, other)) VIRTUAL,
  high TEXT GENERATED ALWAYS AS (max(one, other)) VIRTUAL
);
CREATE UNIQUE INDEX IF NOT EXISTS once ON votes (voter, hole, low, high, again);
CREATE TABLE IF NOT EXISTS pushed (
  dataset TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (dataset, name)
) WITHOUT ROWID;
"""


def votes_file() -> Path:
    """Where votes are kept: INPAINTING_VOTES, or `votes/votes.sqlite` where the app was started."""
    return Path(os.environ.get(ENV_VOTES) or Path("votes") / "votes.sqlite")


def _prepare(base: sqlite3.Connection) -> None:
    """Make the tables where they are not there yet. SQLite does not wait by itself for the locks that this
    needs while another process opens or closes the file: so it is tried again.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.executescript(_TABLE)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)


class CountedError(InputError):
    """The voter has voted on the pair already."""


class Votes:
    """The votes of one file, which is made when the first one comes. Several processes may use it at once."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.file, timeout=_PATIENCE)) as base:
            _prepare(base)
            with base:
                yield base

    def cast(self, vote: Vote, at: float | None = None) -> None:
        """Keep a vote. Raises InputError where it is the voter's second on this pair, or comes too fast."""
        now = time.time() if at is None else at
        try:
            with self._open() as base:
                base.execute("BEGIN IMMEDIATE")
                recent = base.execute(
                    "SELECT at FROM votes WHERE voter = ? AND at > ? ORDER BY at DESC", (vote.voter, now - 60)
                ).fetchall()
                if recent and now - recent[0][0] < PACE:
                    raise InputError("That was too fast to have looked: take a moment for each pair.")
                if len(recent) >= PER_MINUTE:
                    raise InputError(
                        f"Thank you. More than {PER_MINUTE} votes in a minute are not counted: go on soon."
                    )
                base.execute("INSERT INTO votes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*_row(vote), now))
        except sqlite3.IntegrityError:
            raise CountedError("Your vote on this pair is counted already.") from None
        except (sqlite3.Error, OSError) as error:
            raise InputError(f"The vote could not be kept ({error}): try again.") from None

    def all(self) -> list[Vote]:
        """All votes, the oldest first."""
        try:
            return self._read()
        except (sqlite3.Error, OSError):
            return []  # nothing can be shown of a file that cannot be read; a vote says so

    def _read(self) -> list[Vote]:
        if not self.file.exists():
            return []
        with self._open() as base:
            rows = base.execute(
                f"SELECT {', '.join(VOTE_COLUMNS[:-1])} FROM votes ORDER BY at, rowid"
            ).fetchall()
        return [
            Vote(hole, kind, one, other, choice, voter, bool(again))
            for hole, kind, one, other, choice, voter, again in rows
        ]

    def of(self, voter: str) -> list[Vote]:
        """Those of one voter, the oldest first."""
        return [vote for vote in self.all() if vote.voter == voter]

    def rows(self) -> list[dict[str, Any]]:
        """All votes by their columns, the oldest first; raises what SQLite raises."""
        if not self.file.exists():
            return []
        with self._open() as base:
            found = base.execute(f"SELECT {', '.join(VOTE_COLUMNS)} FROM votes ORDER BY at, rowid")
            return [dict(zip(VOTE_COLUMNS, row, strict=True)) for row in found]

    def pushed(self, dataset: str) -> set[str]:
        """Ids of votes that a dataset has, and names of its files that were read."""
        if not self.file.exists():
            return set()
        with self._open() as base:
            return {name for (name,) in base.execute("SELECT name FROM pushed WHERE dataset = ?", (dataset,))}

    def note_pushed(self, dataset: str, names: Iterable[str]) -> None:
        """Note that a dataset has these votes and files."""
        with self._open() as base:
            rows = [(dataset, name) for name in names]
            base.executemany("INSERT OR IGNORE INTO pushed VALUES (?, ?)", rows)

    def exported(self) -> str:
        """All votes as CSV, the oldest first."""
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(VOTE_COLUMNS)
        table.writerows(row.values() for row in self.rows())
        return out.getvalue()

    def take_in(self, text: str) -> int:
        """Add votes of a CSV that `exported` wrote, those that are not here yet; returns how many. Raises
        InputError, and adds none, where a line is no vote.
        """
        rows = list(_checked(csv.DictReader(io.StringIO(text))))
        with self._open() as base:
            before = base.total_changes
            base.executemany("INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            return base.total_changes - before


def _row(vote: Vote) -> tuple[str, str, str, str, str, str, int]:
    return (vote.hole, vote.kind, vote.one, vote.other, vote.choice, vote.voter, int(vote.again))


def _checked(lines: "csv.DictReader[str]") -> Iterable[tuple[object, ...]]:
    if lines.fieldnames is None or tuple(lines.fieldnames) != VOTE_COLUMNS:
        raise InputError(f"These are no votes: the first line must be {','.join(VOTE_COLUMNS)}.")
    for number, line in enumerate(lines, 2):
        names = [line[name] or "" for name in VOTE_COLUMNS[:4]] + [line["voter"] or ""]
        try:
            again, at = int(line["again"]), float(line["at"])
        except (TypeError, ValueError):
            raise InputError(f"Line {number} is no vote: 'again' and 'at' are numbers.") from None
        wrong = line["choice"] not in CHOICES or again not in (0, 1) or not 0 <= at < 1e11
        if wrong or line["one"] == line["other"] or not all(0 < len(name) <= _LONGEST for name in names):
            raise InputError(
                f"Line {number} is no vote: a hole, two methods and a choice of {', '.join(CHOICES)}."
            )
        yield (*names[:4], line["choice"], names[4], again, at)

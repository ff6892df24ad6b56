"""Votes as files of a dataset on the Hugging Face Hub, each vote once, whatever is killed when.

A push reads which votes the dataset has, then commits a file with the others, and names the commit that it
has seen as the parent: the Hub refuses it where another came between. So neither two apps, nor one that was
killed between the commit and its own note of it, add a vote twice.
"""

import json
import logging
import os
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

from demo.server.votes import VOTE_COLUMNS, Votes
from inpainters.errors import InputError
from inpainters.weights.hub import offline

ENV_DATASET = "INPAINTING_VOTES_HUB"
"""Environment variable: the dataset where none is given on the command line."""
ENV_TOKEN = "HF_TOKEN"
PUSH_EVERY = 300.0
"""Seconds between two pushes."""
LAST_PUSH = 8.0
"""Seconds that the end of the app waits for its last push."""
_TRIES = 5
"""For one push, where others commit at the same time."""
_BRANCH = "main"
_FILE = re.compile(r"votes/\d{8}T\d{6}-[0-9a-f]{16}\.jsonl")
_ID = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger(__name__)


def begin_pushing(votes: Votes, dataset: str) -> "Pusher | None":
    """Push votes to OWNER/NAME from now on; None where no dataset is named. Raises InputError where that
    cannot work.
    """
    if not dataset:
        return None
    if not re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", dataset):
        raise InputError(f"'{dataset[:80]}' names no dataset: write OWNER/NAME, as the Hub does.")
    token = os.environ.get(ENV_TOKEN, "").strip()
    if not token:
        raise InputError(f"To push votes, put a token that may write to '{dataset}' into {ENV_TOKEN}.")
    if offline():
        raise InputError("Votes cannot be pushed without a network: leave --votes-hub or --offline out.")
    pusher = Pusher(votes, dataset, token)
    pusher.start()
    return pusher


class Pusher:
    """Pushes the votes of one file that a dataset does not have yet. The token goes to the Hub only."""

    def __init__(self, votes: Votes, dataset: str, token: str, endpoint: str | None = None) -> None:
        from huggingface_hub import HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        self.votes, self.dataset = votes, dataset
        self._api = HfApi(endpoint=endpoint, token=token)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, every: float = PUSH_EVERY) -> None:
        """Push now and every so many seconds in the background, until `close`."""
        self._thread = threading.Thread(target=self._go_on, args=(every,), name="push", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Push what is left; what cannot be pushed in time is pushed after the next start."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(LAST_PUSH)

    def _go_on(self, every: float) -> None:
        while not self._ended.is_set():
            self.try_push()
            self._ended.wait(every)
        self.try_push()

    def try_push(self) -> int:
        """As `push`; where it fails, the log says so in one sentence, and nobody else hears of it."""
        try:
            return self.push()
        except Exception as error:  # its own words may hold anything, so they are not told
            _log.warning(
                "Votes were not pushed to '%s' (%s); they are kept here, and tried again later.",
                self.dataset,
                _why(error),
            )
            return 0

    def push(self) -> int:
        """Add the votes that the dataset does not have; returns how many. Raises what the Hub's client
        raises.
        """
        from huggingface_hub.errors import HfHubHTTPError

        for left in reversed(range(_TRIES)):
            if not self._left():
                return 0
            seen = self._read_dataset()
            if not (rows := self._left()):
                return 0
            try:
                return self._commit(rows, seen)
            except HfHubHTTPError as error:
                if _status(error) != 412 or not left:  # 412: another commit came between
                    raise
        return 0

    def _left(self) -> dict[str, dict[str, Any]]:
        """Id -> row of what is not known to be in the dataset."""
        known = self.votes.pushed(self.dataset)
        found = {id_of(row): row for row in self.votes.rows()}
        return {key: row for key, row in found.items() if key not in known}

    def _read_dataset(self) -> str:
        """Note the votes of all files that were not read before; returns the commit that was read."""
        info = self._api.dataset_info(self.dataset, revision=_BRANCH, timeout=30)
        known = self.votes.pushed(self.dataset)
        for name in (sibling.rfilename for sibling in info.siblings or []):
            if _FILE.fullmatch(name) and name not in known:
                self.votes.note_pushed(self.dataset, [name, *self._ids_in(name, info.sha)])
        return str(info.sha)

    def _ids_in(self, name: str, commit: str | None) -> list[str]:
        with TemporaryDirectory() as folder:
            path = self._api.hf_hub_download(
                self.dataset, name, repo_type="dataset", revision=commit, local_dir=folder
            )
            with Path(path).open(encoding="utf-8", errors="replace") as lines:
                return list(_ids(lines))

    def _commit(self, rows: Mapping[str, Mapping[str, Any]], seen: str) -> int:
        from huggingface_hub import CommitOperationAdd

        name = f"votes/{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{token_hex(8)}.jsonl"
        lines = [
            json.dumps({"id": key, **_public(row)}, ensure_ascii=False) + "\n" for key, row in rows.items()
        ]
        self._api.create_commit(
            self.dataset,
            [CommitOperationAdd(name, "".join(lines).encode())],
            commit_message=f"{len(rows)} vote{'s' * (len(rows) > 1)}",
            repo_type="dataset",
            revision=_BRANCH,
            parent_commit=seen,
        )
        self.votes.note_pushed(self.dataset, [name, *rows])
        return len(rows)


def id_of(row: Mapping[str, Any]) -> str:
    """A vote's name, the same wherever it is kept: of the voter and the pair, as each votes on it once."""
    one, other = sorted((row["one"], row["other"]))
    return _digest([row["voter"], row["hole"], one, other, int(row["again"])])


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    """What everybody may read: with a voter's token one could vote in their name."""
    shown = {name: row[name] for name in VOTE_COLUMNS}
    return shown | {"voter": _digest(["voter", row["voter"]])[:16], "again": bool(row["again"])}


def _digest(parts: Collection[object]) -> str:
    return sha256(json.dumps([*parts], ensure_ascii=False).encode()).hexdigest()[:32]


def _ids(lines: Iterator[str]) -> Iterator[str]:
    """Ids of the lines that are votes; others may write to the dataset too."""
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        found = row.get("id") if isinstance(row, dict) else None
        if isinstance(found, str) and _ID.fullmatch(found):
            yield found


def _status(error: Exception) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _why(error: Exception) -> str:
    """What went wrong, in our words."""
    status = _status(error)
    if status in (401, 403, 404):
        return f"the Hub answered {status}: check the dataset's name, and that the token may write to it"
    return f"the Hub answered {status}" if status else type(error).__name__

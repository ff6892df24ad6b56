"""What visitors have open: the rounds of one visit, and what all visitors share."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from demo.server.folder import Folders
from demo.server.jobs import Answer, Batch, Job, Price, Runner, price
from demo.server.options import Value, answers_of
from demo.server.own_runs import OwnRuns
from demo.server.pictures import OpenPicture, from_result
from demo.server.presence import Presence
from demo.server.purposes import PURPOSES
from demo.server.store import Store
from demo.server.visits import Visits
from demo.server.votes import Votes, votes_file
from inpainters import registry
from inpainters.errors import InputError
from inpainters.strategy import Hole, Outline

MOST_PAST = 12
"""Runs of one visit that are kept beside those in view; the oldest goes first."""
MOST_ROUNDS = 16
"""Pictures in a row, each made of the one before; the first goes first."""
MOST_SHELVED = 64
"""Answers under other settings that are kept of one hole; the oldest go first."""


class Reply(NamedTuple):
    """What an action has to say."""

    note: str = ""
    """One sentence or several; empty where there is nothing to say."""
    error: bool = False
    mask: str | None = None
    """Token of a mask that takes the place of the painted one (white = missing)."""
    offers: tuple[tuple[str, str], ...] = ()
    """(id, words) of what can be done about it, keys of `Session.offers`."""
    how: str = ""
    """"add" where the mask joins the painted one, "remove" where it is taken away from that."""
    feather: int | None = None
    """Pixels of the soft edge that the editor is to show; None leaves it as it is."""


HANDED = "handed"
"""Id of the mask, among a session's offers, that another tab hands to Compare with its picture."""


@dataclass(eq=False)
class Round:
    """One picture, the hole painted in it and what the methods made of it."""

    picture: OpenPicture
    mask: str | None = None
    """Token of the mask of the last run (white = missing)."""
    masked: str | None = None
    """Token of the picture with its hole shown."""
    sketch: str | None = None
    """Token of the sketch of the last run (white = a line)."""
    feather: int = 0
    """Pixels of the soft edge of the last run."""
    batch: Batch | None = None
    answers: dict[str, str] = field(default_factory=dict)
    """Name of an answer (`Job.name`: the method,
    with its seed where there are several) -> token of the picture.
    """
    stale: bool = False
    """True where the mask is no longer the one of the last run."""
    digest: str = ""
    """What the editor called the mask of the last run."""
    drawn: str = ""
    """The generator's settings where the mask of the last run is exactly what it drew."""
    best: str = ""
    """The best method of the finished example that the page opens with; empty for other rounds."""
    reference: bool = True
    """False where the hole covers pixels the file called transparent: nothing true is known there."""
    hole_digest: str = ""
    """Of mask, sketch and feather of the last run (`digest_of_hole`); empty before one."""
    shelf: list[Job] = field(default_factory=list)
    """What was answered on this hole under settings that are no longer in view."""
    at: float = field(default_factory=time.time)
    """When it was last run, in seconds since 1970."""
    key: str = field(default_factory=lambda: secrets.token_hex(6))
    """What the page calls it in the history of the visit."""
    thumb: str = ""
    """Token of a small copy of the picture with its hole."""

    def known(self, method: str, options: Mapping[str, Value], seed: int, n: int) -> list[Answer]:
        """The answers to this hole that are there, from that seed on up to the first that is missing."""
        drawn = registry.get(method).stochastic
        found = {
            answer.result.seed if drawn else seed: answer
            for job in [*self.shelf, *(self.batch.jobs if self.batch else [])]
            if job.method == method and dict(job.options) == dict(options)
            for answer in job.answers
        }
        return [found[one] for one in takewhile(found.__contains__, range(seed, seed + n))]

    def show(self, jobs: list[Job]) -> Batch:
        """Put these jobs into view; other methods keep what they have answered, and so does the shelf."""
        asked, same = {job.method for job in jobs}, {id(job) for job in jobs}
        before = [job for job in (self.batch.jobs if self.batch else []) if job.answers]
        others = [job for job in before if job.method not in asked]
        shelved = [job for job in before if job.method in asked and id(job) not in same]
        self.batch, self.stale, self.at = Batch([*jobs, *others]), False, time.time()
        self.shelf += shelved
        self.answers = {
            job.name(answer.result.seed): answer.token for job in self.batch.jobs for answer in job.answers
        }
        return self.batch

    def clear_shelf(self) -> set[str]:
        """Take off the shelf what there is no room for; returns its tokens."""
        gone = set()
        while sum(len(job.answers) for job in self.shelf) > MOST_SHELVED:
            gone |= {token for one in self.shelf.pop(0).answers for token in (one.token, one.thumb)}
        return gone

    @property
    def tokens(self) -> set[str]:
        """Tokens of all that it shows or keeps."""
        picture = self.picture
        fixed = [picture.original, picture.token, picture.preview, picture.transparent]
        fixed += [self.mask, self.masked, self.sketch, self.thumb, *self.answers.values(), *self.previews]
        shelved = [token for job in self.shelf for one in job.answers for token in (one.token, one.thumb)]
        return {token for token in [*fixed, *shelved] if token and not token.startswith("k")}

    @property
    def previews(self) -> list[str]:
        """Tokens of what the last run has shown beside its answers: previews and thumbnails."""
        jobs = self.batch.jobs if self.batch else []
        return [
            token
            for job in jobs
            for token in (*job.previews, *job.faded, *(answer.thumb for answer in job.answers))
            if token
        ]


@dataclass(eq=False)
class Session:
    """One visit: rounds, each beginning with a result of the one before."""

    store: Store
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """Known to the visitor's tab alone: with it a reload finds the visit again."""
    seen: float = field(default_factory=time.time)
    """When the page last sent an event, in seconds since 1970."""
    streamed: float = 0.0
    """When the last event with several answers ended (monotonic)."""
    rounds: list[Round] = field(default_factory=list)
    index: int = -1
    past: list[Round] = field(default_factory=list)
    """Runs on other holes and pictures, the oldest first."""
    chosen: list[str] = field(default_factory=list)
    purpose: str = next(iter(PURPOSES))
    """Key of the PURPOSES table: the one that was last taken."""
    judge: bool | None = None
    """Whether distances to the original are shown; None: as the purpose has it."""
    seed: int = 0
    n: int = 1
    """Answers of methods that draw at random; their seeds are seed .. seed + n - 1."""
    options: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Method -> the settings that are not its defaults."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Method -> what cannot be used of the settings that stand on the page, in one sentence."""
    hole: dict[str, float] = field(default_factory=dict)
    """What the editor last said of its mask: count, top, left, bottom, right."""
    holes: list[Hole] = field(default_factory=list)
    """The same by groups of missing pixels that are near each other."""
    offers: dict[str, str] = field(default_factory=dict)
    """Id of what was offered about the last mask file -> token of the mask that it gives."""
    digest: str = ""
    """The editor's short name for that mask and its feather: others have another."""
    feather: int = 0
    """Pixels of the mask's soft edge, as the editor last said."""
    drawn: str = ""
    """The generator's settings where the mask is exactly what it drew: name:percent:seed."""

    def __deepcopy__(self, memo: object) -> "Session":
        return self  # Gradio copies the values of its State; a visit is one object

    @property
    def round(self) -> Round:
        """The round in view; InputError before a picture is open."""
        if self.index < 0:
            raise InputError("Choose a picture first: upload, paste or pick one.")
        return self.rounds[self.index]

    @property
    def running(self) -> bool:
        """True while a run of the round in view has not ended."""
        return self.index >= 0 and self.round.batch is not None and not self.round.batch.finished

    @property
    def judged(self) -> bool:
        """True where fills are compared with the original. A drawn mask has a true original under it."""
        one = self.round
        by_itself = PURPOSES[self.purpose].judged or bool(one.drawn or one.best)
        return one.reference and (by_itself if self.judge is None else self.judge)

    def prices(self) -> dict[str, Price]:
        """What each method costs on the hole in view under its settings, or on a fifth of a 512x512 picture
        before there is a hole.
        """
        size = self.round.picture.size if self.index >= 0 else (512, 512)
        found = Outline(size, tuple(self.holes)) if self.hole.get("count") else Outline.spread(size, 0.2)
        return {
            spec.name: price(spec, found, self.options.get(spec.name), answers_of(spec, self.n))
            for spec in registry.METHODS.values()
        }

    def begin(self, picture: OpenPicture) -> None:
        """Open a new picture; runs before it are past."""
        self.open(Round(picture))

    def open(self, one: Round) -> None:
        """Begin with a round that may have answers."""
        self.stop()
        before, self.rounds, self.index = self.rounds, [one], 0
        self.past = [other for other in self.past if other is not one]
        self._set_aside([other for other in before if other is not one])
        self.hole, self.holes, self.drawn, self.offers = {}, [], "", {}

    def follow(self, name: str) -> None:
        """Make an answer the next picture; rounds that were undone are past."""
        token = self.round.answers.get(name)
        if token is None:
            raise InputError("That result is not there yet; wait for it or choose another.")
        method, _, seed = name.partition("-seed")
        called = f"{registry.get(method).title}’s fill" + (f", seed {seed}" if seed else "")
        self.go_on(from_result(self.store, token, f"{self.round.picture.title}, {name}", called))

    def go_on(self, picture: OpenPicture) -> None:
        """Make a picture the next one; rounds that were undone are past."""
        self.stop()
        undone = self.rounds[self.index + 1 :]
        self.rounds[self.index + 1 :] = [Round(picture)]
        first = self.rounds[: max(0, len(self.rounds) - MOST_ROUNDS)]
        self.rounds = self.rounds[len(first) :]
        self._set_aside([*undone, *first])
        self.index, self.hole, self.holes = len(self.rounds) - 1, {}, []
        self.drawn, self.offers = "", {}

    def move(self, by: int) -> None:
        """Undo (-1) or redo (+1) a step from one picture to the next; InputError before a picture is open."""
        self.stop()
        self.index = min(max(0, self.index + by), len(self.rounds) - 1)
        self.drawn = self.round.drawn  # the mask in view is that round's

    def stop(self) -> None:
        """Stop what is running."""
        if self.index >= 0 and self.round.batch is not None:
            self.round.batch.stop()

    def close(self) -> None:
        """Called when the visit has ended."""
        self.stop()
        gone = [*self.rounds, *self.past]
        self.rounds, self.past, self.index = [], [], -1
        self._forget(gone)

    def forget_answers(self) -> None:
        """Delete the results in view, but for those that have become pictures of later rounds."""
        gone = self.round
        self._renew()
        self._forget([gone])

    def set_aside(self) -> None:
        """Make room for results on another hole: those in view are past."""
        before = self.round
        self._renew()
        self._set_aside([before])

    def past_run(self, hole_digest: str = "", digest: str = "") -> Round | None:
        """What was run before on the picture in view and the hole of that digest: ours, or the editor's."""
        for one in reversed(self.past):
            same = one.hole_digest == hole_digest if hole_digest else bool(digest) and one.digest == digest
            if same and one.picture == self.round.picture:
                return one
        return None

    @property
    def runs(self) -> list[Round]:
        """All that have answers, the oldest first."""
        found = [*self.past, *(one for one in self.rounds if one.answers and not one.best)]
        return sorted(found, key=lambda one: one.at)

    def revisit(self, key: str) -> None:
        """Bring the run of that key back into view."""
        one = next((one for one in self.runs if one.key == key), None)
        if one is None:
            raise InputError("That run is no longer kept.")
        if one in self.rounds:
            self.move(self.rounds.index(one) - self.index)
        else:
            self.take_up(one)

    def take_up(self, one: Round) -> None:
        """Bring a past run back into view."""
        if self.index >= 0 and one.picture == self.round.picture:
            self.stop()
            before, self.rounds[self.index] = self.round, one
            self.past.remove(one)
            self._set_aside([before])
        else:
            self.open(one)
        one.stale, self.digest, self.drawn = False, one.digest, one.drawn

    def _renew(self) -> None:
        self.rounds[self.index] = Round(self.round.picture, digest=self.digest, drawn=self.drawn)

    def _set_aside(self, rounds: list[Round]) -> None:
        """Keep what has answers, as far as there is room; forget the rest."""
        kept = [one for one in rounds if one.answers and not one.best]
        self.past = sorted([*self.past, *kept], key=lambda one: one.at)
        gone, self.past = self.past[:-MOST_PAST], self.past[-MOST_PAST:]
        self._forget([*gone, *(one for one in rounds if not (one.answers and not one.best))])

    def _forget(self, rounds: list[Round]) -> None:
        """Delete the files of rounds but for what others need."""
        self.drop({token for one in rounds for token in one.tokens})

    def drop(self, tokens: set[str]) -> None:
        """Delete files that no round needs."""
        needed = {token for one in [*self.rounds, *self.past] for token in one.tokens}
        self.store.drop([token for token in tokens - needed if token and not token.startswith("k")])


@dataclass
class App:
    """What all tabs and visitors share."""

    store: Store
    runner: Runner
    results: Path
    presence: Presence = field(default_factory=Presence)
    visits: Visits[Session] = field(default_factory=Visits)
    votes: Votes = field(default_factory=lambda: Votes(votes_file()))
    own_runs: OwnRuns = field(default_factory=OwnRuns)
    folders: Folders = field(default_factory=Folders)
    welcome: Callable[[], object] = lambda: None
    """Called when a page opens."""
    passing: set[int] = field(default_factory=set)
    """Numbers of the page's events that change nothing on it: those of Stop. They wait for no other."""

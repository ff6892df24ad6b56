"""What visitors have open: the rounds of one visit, and what all visitors share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from demo.server.jobs import Batch, Price, Runner, price
from demo.server.options import Value, answers_of
from demo.server.pictures import OpenPicture, from_result
from demo.server.presence import Presence
from demo.server.purposes import PURPOSES
from demo.server.store import Store
from inpainters import registry
from inpainters.errors import InputError
from inpainters.strategy import Hole, Outline


class Reply(NamedTuple):
    """What an action has to say."""

    note: str = ""
    """One sentence or several; empty where there is nothing to say."""
    error: bool = False
    mask: str | None = None
    """Token of a mask that takes the place of the painted one (white = missing)."""
    offers: tuple[tuple[str, str], ...] = ()
    """(id, words) of what can be done about it, keys of `Session.offers`."""


@dataclass
class Round:
    """One picture, the hole painted in it and what the methods made of it."""

    picture: OpenPicture
    mask: str | None = None
    """Token of the mask of the last run (white = missing)."""
    masked: str | None = None
    """Token of the picture with its hole shown."""
    sketch: str | None = None
    """Token of the sketch of the last run (white = a line)."""
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


@dataclass
class Session:
    """One visit: rounds, each beginning with a result of the one before."""

    store: Store
    rounds: list[Round] = field(default_factory=list)
    index: int = -1
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
    """The editor's short name for that mask: another mask has another."""
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
        """Open a new picture: earlier rounds are forgotten."""
        self.open(Round(picture))

    def open(self, one: Round) -> None:
        """Begin with a round that may have answers."""
        self.stop()
        self._forget(self.rounds)
        self.rounds, self.index, self.hole, self.holes, self.drawn = [one], 0, {}, [], ""

    def follow(self, name: str) -> None:
        """Make an answer the next picture; rounds that were undone are forgotten."""
        token = self.round.answers.get(name)
        if token is None:
            raise InputError("That result is not there yet; wait for it or choose another.")
        self.stop()
        method, _, seed = name.partition("-seed")
        called = f"{registry.get(method).title}’s fill" + (f", seed {seed}" if seed else "")
        picture = from_result(self.store, token, f"{self.round.picture.title}, {name}", called)
        self.rounds[self.index + 1 :] = [Round(picture)]
        self.index, self.hole, self.holes, self.drawn = self.index + 1, {}, [], ""

    def move(self, by: int) -> None:
        """Undo (-1) or redo (+1) a step from one picture to the next."""
        self.stop()
        self.index = max(0, min(len(self.rounds) - 1, self.index + by))

    def stop(self) -> None:
        """Stop what is running."""
        if self.index >= 0 and self.round.batch is not None:
            self.round.batch.stop()

    def close(self) -> None:
        """Called when the visit has ended."""
        self.stop()
        self._forget(self.rounds)
        self.rounds, self.index = [], -1

    def forget_answers(self) -> None:
        """Delete the results in view, but for those that have become pictures of later rounds."""
        one, kept = self.round, {other.picture.token for other in self.rounds}
        self.store.drop(
            [
                token
                for token in (one.mask, one.masked, one.sketch, *one.answers.values(), *one.previews)
                if token and token not in kept and not token.startswith("k")
            ]
        )
        one.mask = one.masked = one.sketch = one.batch = None
        one.answers, one.stale, one.digest, one.drawn, one.best = {}, False, self.digest, self.drawn, ""

    def _forget(self, rounds: list[Round]) -> None:
        for one in rounds:
            picture = one.picture
            tokens = [
                picture.original,
                picture.token,
                picture.preview,
                picture.transparent,
                one.mask,
                one.masked,
                one.sketch,
            ]
            self.store.drop(
                [
                    token
                    for token in [*tokens, *one.answers.values(), *one.previews]
                    if token and not token.startswith("k")
                ]
            )


@dataclass
class App:
    """What all tabs and visitors share."""

    store: Store
    runner: Runner
    results: Path
    presence: Presence = field(default_factory=Presence)

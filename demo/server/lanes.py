"""Who works next: light work and heavy work of all visitors, on the same few cores.

* A piece of work takes one core (`app.py` sees to that): a second one speeds up small networks next to
  nothing.
* Light work has slots of its own, and quick work one that slower work may not take.
* Of what waits, the highest response ratio goes first (Brinch Hansen 1971): the shortest expected work, until
  another has waited long for its length. A visitor's share falls with what they have running.
* Heavy work takes turns at its steps, on the cores that light work leaves, so that a visitor's minutes do not
  hold up another's seconds. Where light work leaves none, all heavy work together keeps a fifth of one.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

QUICK, LIGHT = 0.2, 5.0
"""Seconds: what is expected to take no longer is quick, or light; all else is heavy."""
_OPEN = (3, 8)
"""Heavy pieces of work that are begun at once, at least and at most: as many as there are cores. Each holds
its memory.
"""
_TURN = 0.5
"""Seconds that heavy work keeps its turn, at least."""
_SHARE = 4.0
"""Heavy work waits for light work this many times as long as it has worked since, and no longer than
`_LONGEST`.
"""
_LONGEST = 10.0
_WRONG = 2.0
"""Work that has kept a core busy for this many times `LIGHT` was expected wrongly: it goes on as heavy work.
The clock does not tell: where others keep the machine busy, all light work would become heavy.
"""


class _Slot(NamedTuple):
    above: float
    most: float
    """It takes work of so many expected seconds: more than `above`, at most `most`."""


_HEAVY = _Slot(LIGHT, float("inf"))


def _slots(cores: int) -> list[_Slot]:
    light, heavy = max(2, cores), min(max(_OPEN[0], cores), _OPEN[1])
    return [_Slot(-1.0, QUICK), *[_Slot(-1.0, LIGHT)] * light, *[_HEAVY] * heavy]


class Work(Protocol):
    """What the lanes know of a job."""

    owner: object
    """Whoever asked for it."""
    halted: bool

    @property
    def size(self) -> float:
        """Seconds that it should take where nothing else runs: they tell its lane."""

    @property
    def final(self) -> bool: ...

    @property
    def remaining(self) -> float:
        """Expected seconds still to go."""


W = TypeVar("W", bound=Work)


@dataclass(eq=False)
class _Place(Generic[W]):
    work: W
    slot: _Slot | None = None
    since: float = field(default_factory=lambda: time.monotonic())
    worked: float = 0.0
    resumed: float = 0.0
    """When it last began to work; 0 while it does not."""
    stepped: bool = False
    before: float = 0.0
    """Seconds of processor time that its thread had used when it began."""
    idle: bool = False
    """True while its thread waits for a turn."""

    @property
    def heavy(self) -> bool:
        return self.slot.above > 0 if self.slot else self.work.size > LIGHT

    def spent(self, now: float) -> float:
        return self.worked + (now - self.resumed if self.resumed else 0.0)

    def ratio(self, now: float) -> float:
        """Its response ratio, from 1."""
        ahead = max(0.05, self.work.remaining if self.slot else self.work.size)
        return (now - self.since - self.spent(now) + ahead) / ahead


class Lanes(Generic[W]):
    """`start` is called, under the lock, with work that may begin; it has to return at once. Its thread
    calls `step` before it begins and at each of its steps, and `leave` at its end.
    """

    def __init__(self, start: Callable[[W], object], cores: int | None = None) -> None:
        self._start, self._cores = start, cores or os.cpu_count() or 1
        self._slots = _slots(self._cores)
        self._changed = threading.Condition()
        self._waiting: list[_Place[W]] = []
        self._running: dict[int, _Place[W]] = {}
        self._turns: dict[int, float] = {}
        """Heavy work whose turn it is, by its id, and since when."""
        self._rest = 0.0
        """Until when heavy work lets light work go first."""

    @property
    def at_once(self) -> int:
        """Pieces of work that are under way at once, at most: twice as many as there are slots, as light work
        that turns out heavy leaves its slot to others. Those aside that were halted while they waited.
        """
        return 2 * len(self._slots)

    def works(self) -> list[W]:
        """What waits or runs."""
        with self._changed:
            return [place.work for place in self._places]

    def close(self) -> list[W]:
        """Begin nothing more; returns what waited or runs."""
        with self._changed:
            works = [place.work for place in self._places]
            self._waiting.clear()
            return works

    @property
    def _places(self) -> list[_Place[W]]:
        return [*self._running.values(), *self._waiting]

    def enter(self, work: W) -> None:
        """Queue it; it may begin before this returns."""
        with self._changed:
            self._waiting.append(_Place(work))
            self._fill()

    def leave(self, work: W) -> None:
        """It has ended."""
        with self._changed:
            del self._running[id(work)]
            self._turns.pop(id(work), None)
            self._fill()
            self._changed.notify_all()

    def step(self, work: W) -> float:
        """Let others go first where they should; returns for how many seconds that was."""
        with self._changed:
            place, begin = self._running[id(work)], time.monotonic()
            place.worked, place.stepped = place.spent(begin), place.stepped or bool(place.resumed)
            stretch = begin - place.resumed if place.resumed else 0.0
            place.resumed = 0.0
            self._demote(place)
            if place.heavy:
                self._rest = max(self._rest, begin + min(_LONGEST, _SHARE * stretch))
            until = 0.0 if stretch else begin + _LONGEST  # what has not begun waits longest
            if begin - self._turns.get(id(work), begin) >= _TURN or len(self._turns) > self._room():
                self._turns.pop(id(work), None)
                self._changed.notify_all()
            place.idle = True
            while not work.halted and place.heavy and not self._may_go(place, until):
                self._changed.wait(0.05)
            place.idle, place.resumed = False, time.monotonic()
            return place.resumed - begin

    def ahead(self, work: W) -> int:
        """How many unfinished pieces of work go before it."""
        return len(self._before(work))

    def until(self, work: W) -> float:
        """Expected seconds until it is done, with what goes before it and what shares the cores."""
        return max(work.remaining, self._share([*self._before(work), work]))

    def forecast(self, asked: Sequence[W]) -> float:
        """Expected seconds until the last of these is done, were they queued now."""
        heavy = any(work.size > LIGHT for work in asked)
        most = max((work.remaining for work in asked), default=0.0)
        with self._changed:
            there = [place for place in self._places if not place.work.final]
            before = [place.work for place in there if _goes_first(place, most, heavy=heavy)]
        return max(most, self._share([*before, *asked]))

    def _share(self, works: Iterable[W]) -> float:
        """Seconds that all of it takes on these cores."""
        return sum(work.remaining for work in works) / self._cores

    def _before(self, work: W) -> list[W]:
        with self._changed:
            own = next((place for place in self._places if place.work is work), None)
            if own is None:
                return []
            now = time.monotonic()
            others = [place for place in self._places if place is not own and not place.work.final]
            rank = self._rank(own, now)
            return [
                place.work
                for place in others
                if _goes_first(place, work.remaining, heavy=own.heavy, sooner=self._rank(place, now) >= rank)
            ]

    def _rank(self, place: _Place[W], now: float) -> float:
        owned = sum(other.work.owner == place.work.owner for other in self._running.values())
        return place.ratio(now) / (1 + owned)

    def _fill(self) -> None:
        now = time.monotonic()
        for place in [place for place in self._waiting if place.work.halted]:
            self._begin(place, None)
        taken = [place.slot for place in self._running.values()]
        free = list(self._slots)
        for slot in taken:
            if slot in free:
                free.remove(slot)
        for slot in free:
            fit = [place for place in self._waiting if slot.above < place.work.size <= slot.most]
            if fit:
                self._begin(max(fit, key=lambda place: self._rank(place, now)), slot)

    def _begin(self, place: _Place[W], slot: _Slot | None) -> None:
        self._waiting.remove(place)
        place.slot = slot
        self._running[id(place.work)] = place
        self._start(place.work)

    def _demote(self, place: _Place[W]) -> None:
        if not place.resumed and not place.stepped:
            place.before = time.thread_time()
        heavy = sum(other.heavy for other in self._running.values())
        room = heavy < len(self._slots)  # else the slots stay taken: threads are bounded, and so is memory
        if room and not place.heavy and time.thread_time() - place.before > _WRONG * LIGHT:
            place.slot = _HEAVY
            self._fill()

    def _room(self) -> int:
        """Cores that light work leaves to heavy work; one where it leaves none."""
        return max(1, self._cores - self._light())

    def _light(self) -> int:
        return sum(not place.heavy and not place.work.final for place in self._running.values())

    def _may_go(self, place: _Place[W], until: float) -> bool:
        now = time.monotonic()
        if id(place.work) not in self._turns:
            running = self._running.values()
            idle = [p for p in running if p.idle and not p.work.halted and id(p.work) not in self._turns]
            if len(self._turns) >= self._room() or place is not max(idle, key=lambda p: p.ratio(now)):
                return False
            self._turns[id(place.work)] = now
        return now >= max(self._rest, until) or self._light() < self._cores


def _goes_first(place: _Place[W], remaining: float, *, heavy: bool, sooner: bool | None = None) -> bool:
    """Whether it works before something of so many seconds, as far as one can tell now."""
    if heavy != place.heavy:
        return heavy
    if not heavy:
        return bool(place.slot) or sooner is not False
    return place.work.remaining <= remaining or (bool(place.resumed) and not place.stepped)

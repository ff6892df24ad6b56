"""Who goes first: made-up work, and a clock of our own."""

import threading
import time
from dataclasses import dataclass

import pytest

from demo.server import lanes as module
from demo.server.lanes import Lanes


@dataclass(eq=False)
class Made:
    size: float
    owner: object = None
    halted: bool = False
    final: bool = False
    left: float | None = None

    @property
    def remaining(self):
        return self.size if self.left is None else self.left


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def begun():
    return []


@pytest.fixture
def lanes(begun):
    return Lanes(begun.append, cores=2)


def entered(lanes, *works):
    for work in works:
        lanes.enter(work)
    return works


def test_light_work_begins_while_all_that_is_heavy_waits_and_quick_work_while_all_that_is_light_does(
    lanes, begun
):
    heavy = entered(lanes, *[Made(60.0, owner=i) for i in range(5)])
    light = entered(lanes, *[Made(4.0, owner=i) for i in range(5, 9)])
    (quick,) = entered(lanes, Made(0.1))
    assert begun == [*heavy[:3], *light[:2], quick]
    assert (lanes.ahead(light[2]), lanes.ahead(light[3]), lanes.ahead(heavy[4])) == (3, 4, 9)


def test_the_shortest_goes_first_until_another_has_waited_long_for_its_length(lanes, begun, clock):
    first = entered(lanes, *[Made(4.0, owner=i) for i in range(3, 5)])
    longer, shorter = entered(lanes, Made(4.0, owner=1), Made(2.0, owner=2))
    clock.now += 1.0
    lanes.leave(first[0])
    assert begun[-1] is shorter
    clock.now += 6.0
    (fresh,) = entered(lanes, Made(2.0, owner=5))
    lanes.leave(first[1])
    assert begun[-1] is longer
    lanes.leave(longer)
    assert begun[-1] is fresh


def test_whoever_has_nothing_under_way_goes_before_whoever_has(lanes, begun, clock):
    first = entered(lanes, Made(4.0, "many"), Made(4.0, "many"))
    entered(lanes, Made(4.0, "many"))
    clock.now += 0.5
    (other,) = entered(lanes, Made(4.0, "one"))
    lanes.leave(first[0])
    assert begun[-1] is other


def test_work_that_was_halted_while_it_waited_leaves_the_queue_at_once(lanes, begun):
    entered(lanes, *[Made(4.0) for _ in range(2)])
    (waiting,) = entered(lanes, Made(4.0))
    waiting.halted = True
    entered(lanes, Made(60.0))
    assert waiting in begun


def test_the_wait_is_what_goes_first_and_what_shares_the_cores(lanes):
    entered(lanes, Made(60.0), Made(20.0))
    assert lanes.forecast([Made(4.0)]) == 4.0
    assert lanes.forecast([Made(4.0)] * 3) == 6.0
    assert lanes.forecast([Made(30.0)]) == 30.0  # a core each for it and for the one of 20 s
    long, behind = entered(lanes, Made(5.0), Made(4.0, owner=2))
    assert (lanes.until(long), lanes.until(behind)) == (5.0, 4.5)
    assert lanes.forecast([Made(30.0)] * 2) == (20.0 + 5.0 + 4.0 + 60.0) / 2


def test_slots_grow_with_the_cores_and_the_memory_of_heavy_work_stays_bounded():
    begun = []
    many = Lanes(begun.append, cores=32)
    entered(many, *[Made(60.0, owner=i) for i in range(40)], *[Made(4.0, owner=i) for i in range(40)])
    assert [work.size for work in begun].count(60.0) == 8
    assert [work.size for work in begun].count(4.0) == 32
    assert many.at_once == 2 * (1 + 32 + 8)


class Steps(threading.Thread):
    """Works in small steps until it is done or told to end."""

    def __init__(self, lanes, work):
        super().__init__(daemon=True)
        self.lanes, self.work, self.steps, self.begun, self.over = lanes, work, 0, False, threading.Event()

    def run(self):
        self.lanes.step(self.work)
        self.begun = True  # each step sleeps: it takes next to no processor time
        while not self.over.wait(0.01):
            self.lanes.step(self.work)
            self.steps += 1
        self.lanes.leave(self.work)


@pytest.fixture
def threads():
    started = []
    lanes = Lanes(lambda work: started.append(Steps(lanes, work)) or started[-1].start(), cores=1)
    yield lanes, started
    for thread in started:
        thread.over.set()


def wait(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_short_heavy_work_passes_long_heavy_work_at_its_next_step_but_not_for_ever(threads):
    lanes, started = threads
    entered(lanes, Made(600.0, owner="a"))
    wait(lambda: started[0].steps > 2)
    entered(lanes, Made(8.0, owner="b"))
    wait(lambda: started[1].steps > 5)
    so_far = started[0].steps
    wait(lambda: started[1].steps > 25)
    assert started[0].steps <= so_far + 3
    started[1].over.set()
    wait(lambda: started[0].steps > so_far + 5)


def test_heavy_work_has_the_cores_that_light_work_leaves(begun):
    started = []
    lanes = Lanes(lambda work: started.append(Steps(lanes, work)) or started[-1].start(), cores=3)
    try:
        entered(lanes, *[Made(600.0, owner=i) for i in range(3)])
        wait(lambda: all(thread.steps > 5 for thread in started))
        entered(lanes, Made(4.0))
        wait(lambda: started[3].steps > 5)
        before = [thread.steps for thread in started[:3]]
        wait(lambda: started[3].steps > 25)
        still = [thread.steps - so_far > 5 for thread, so_far in zip(started, before, strict=False)]
        assert sum(still) == 2
    finally:
        for thread in started:
            thread.over.set()


def test_heavy_work_gives_way_to_light_work_and_keeps_a_part(threads, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST", 0.2)
    lanes, started = threads
    entered(lanes, Made(600.0, owner="a"))
    wait(lambda: started[0].steps > 5)
    entered(lanes, Made(0.5, owner="b"))
    wait(lambda: started[1].steps > 5)
    light, heavy = started[1].steps, started[0].steps
    wait(lambda: started[0].steps >= heavy + 10)
    assert started[1].steps - light > 2 * 10


def test_work_that_takes_much_longer_than_light_work_leaves_its_slot_to_others(threads, monkeypatch):
    monkeypatch.setattr(module, "_WRONG", 0.0005)  # they wait more than they compute
    lanes, started = threads
    entered(lanes, *[Made(4.0, owner=i) for i in range(5)])
    wait(lambda: len(started) == 5)
    wait(lambda: all(thread.begun for thread in started))


def test_work_that_only_waits_long_for_a_busy_machine_stays_light(threads, monkeypatch):
    monkeypatch.setattr(module, "_WRONG", 0.2)
    lanes, started = threads
    works = entered(lanes, *[Made(4.0, owner=i) for i in range(3)])
    wait(lambda: started[0].steps * 0.01 > 2 * 0.2 * module.LIGHT)
    assert lanes.ahead(works[2]) == len(started) == 2


def test_a_halted_one_does_not_wait_for_its_turn(threads, monkeypatch):
    monkeypatch.setattr(module, "_TURN", 600.0)
    lanes, started = threads
    (first,) = entered(lanes, Made(6.0))
    wait(lambda: started[0].steps > 2)
    (second,) = entered(lanes, Made(600.0))
    wait(lambda: len(started) == 2)
    assert not started[1].begun
    second.halted = True
    wait(lambda: started[1].begun)
    assert not first.halted


def test_one_that_was_halted_before_its_thread_came_holds_nobody_up(threads):
    lanes, started = threads
    ghost = Made(6.0, owner="ghost", halted=True)
    begin = lanes._start
    lanes._start = lambda work: None if work is ghost else begin(work)
    entered(lanes, ghost, Made(600.0, owner="a"))
    wait(lambda: started and started[0].steps > 5)


def test_threads_stay_bounded_however_much_light_work_turns_out_heavy(threads, monkeypatch):
    monkeypatch.setattr(module, "_WRONG", 0.0)
    lanes, started = threads
    entered(lanes, *[Made(4.0, owner=i) for i in range(60)])
    wait(lambda: len(started) >= len(lanes._slots))
    time.sleep(0.3)
    assert len(started) <= lanes.at_once

"""Fills on a lent GPU, over a `spaces` that does what the package does on ZeroGPU: it forks, pickles what
goes there and what comes back, sends no exception but its class, and stops a generator that was closed at
its next value.
"""

import importlib
import multiprocessing
import os
import sys
import time
from contextvars import ContextVar
from dataclasses import replace

import numpy as np
import pytest

from demo.server import zero_gpu
from demo.server.jobs import Job, Runner
from inpainters import costs, registry
from inpainters.base import Frame, Inpainter, InpaintRequest
from inpainters.errors import InputError, UnavailableError
from inpainters.spec import Cost, MethodSpec

SPACES = """
import inspect
import multiprocessing

FORK = multiprocessing.get_context("fork")
asked, before, refusal = [], [], ""


class Refused(Exception):
    def __init__(self, message):
        self.message = message

    def __str__(self):
        return repr(self.message)


def GPU(task=None, *, duration=60):
    if task is None:
        return lambda task: GPU(task, duration=duration)
    if not inspect.isgeneratorfunction(task):
        raise NotImplementedError

    def lent(*args):
        asked.append(duration(*args))
        for look in before:
            look()
        if refusal:
            raise Refused(refusal)
        (here, there), closed = FORK.Pipe(), FORK.Event()
        process = FORK.Process(target=work, args=(task, there, closed), daemon=True)
        process.start()
        here.send(args)
        try:
            while (got := here.recv())[0] == "value":
                try:
                    yield got[1]
                except GeneratorExit:
                    closed.set()
                    raise
            if got[0] == "error":
                raise Refused(got[1])
        finally:
            while got[0] == "value":
                got = here.recv()
            process.join()

    return lent


def work(task, there, closed):
    values = task(*there.recv())
    while not closed.is_set():
        try:
            there.send(("value", next(values)))
        except StopIteration:
            break
        except Exception as error:
            return there.send(("error", type(error).__name__))
    values.close()
    there.send(("end", None))
"""
VISITOR: ContextVar[str] = ContextVar("visitor", default="")
COST = 3.0


class OnCard(Inpainter):
    """Draws the seed, and says in which process."""

    def synchronize(self):
        pass

    def fill(self, piece):
        piece.notes.append(f"process {os.getpid()}")
        for step in range(3):
            time.sleep(zero_gpu.STEP_EVERY)
            piece.on_step(step, 3)
        if piece.preview:
            piece.preview(np.full_like(piece.image, 5))
        return np.full_like(piece.image, piece.seed)

    def frames(self, piece):
        yield Frame("one", f"process {os.getpid()} {self.device}", piece.image, origin=lambda row, column: 0)


class Endless(OnCard):
    def fill(self, piece):
        while True:
            time.sleep(0.01)
            piece.on_step(0, 2)


class Choosy(OnCard):
    def fill(self, piece):
        raise {1: InputError("Mask less."), 2: UnavailableError("Fetch it."), 3: MemoryError()}.get(
            piece.seed, ZeroDivisionError("by nothing")
        )


KINDS = {"oncard": OnCard, "endless": Endless, "choosy": Choosy}


@pytest.fixture(autouse=True)
def methods(monkeypatch):
    for name, kind in KINDS.items():
        spec = MethodSpec(name, kind.__name__, "baseline", "", "", "", 0, "", "", Cost(COST))
        monkeypatch.setitem(registry.METHODS, name, replace(spec, requires=("torch",), stochastic=True))
    made = registry.create

    def create(name, *, device="cuda", **options):
        return KINDS[name](registry.get(name), device=device) if name in KINDS else made(name, **options)

    monkeypatch.setattr(registry, "create", create)
    monkeypatch.setattr(costs, "has_gpu", lambda: False)
    costs.forget()
    yield
    costs.forget()


@pytest.fixture
def spaces(tmp_path, monkeypatch):
    (tmp_path / "spaces.py").write_text(SPACES)
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(zero_gpu, "import_all", lambda: None)
    return importlib.import_module("spaces")


@pytest.fixture
def runner(spaces):
    runner = Runner(lend=zero_gpu.lender())
    yield runner
    runner.close()


def hole():
    image = np.full((40, 60, 3), 200, np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:30] = True
    return image, mask


def until(found, seconds=20.0):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def processes(answers):
    return {note for answer in answers for note in answer.result.notes if note.startswith("process")}


def test_all_answers_come_from_one_call_in_another_process(runner, spaces):
    image, mask = hole()
    seen, steps = [], set()
    job = Job("oncard", seed=7, n=3, preview=seen.append)
    step, runner._step = runner._step, lambda *told: steps.add(told[1:]) or step(*told)
    runner.start(image, mask, [job])
    until(lambda: job.final)
    assert (job.state, job.message) == ("done", "")
    assert [answer.result.image[12, 12].tolist() for answer in job.answers] == [[7] * 3, [8] * 3, [9] * 3]
    assert all((answer.result.image[~mask] == 200).all() for answer in job.answers)
    (process,) = processes(job.answers)
    assert process != f"process {os.getpid()}"
    assert len(steps) > 2
    assert (seen[0][mask] == 5).all()
    assert spaces.asked == [zero_gpu.BEGINNING + zero_gpu.AMPLE * 3 * COST]
    assert costs.factor("oncard") != 1  # estimates learn from it


def test_no_more_is_asked_for_than_anyone_has():
    image, mask = hole()
    order = zero_gpu.FillOrder("oncard", {}, [InpaintRequest(image, mask)], 1e4)
    assert zero_gpu.seconds_asked(order) == zero_gpu.MOST_LENT


def test_stop_ends_the_other_process(runner):
    job = Job("endless")
    runner.start(*hole(), [job])
    until(lambda: job.total == 2)
    job.stop()
    until(lambda: not runner.unfinished)
    assert job.state == "stopped"
    assert multiprocessing.active_children() == []


def test_who_has_stopped_while_no_gpu_was_free_takes_none(runner, spaces):
    job = Job("oncard")
    spaces.before.append(job.stop)
    runner.start(*hole(), [job])
    until(lambda: not runner.unfinished)
    assert (job.state, job.answers) == ("stopped", [])


@pytest.mark.parametrize(
    ("seed", "kind", "said"),
    [
        (1, InputError, "Mask less."),
        (2, UnavailableError, "Fetch it."),
        (3, MemoryError, ""),
        (4, InputError, "Choosy failed: ZeroDivisionError: by nothing"),
    ],
)
def test_an_error_keeps_its_words(runner, seed, kind, said):
    with pytest.raises(kind) as error:
        runner.run(*hole(), Job("choosy", seed=seed))
    assert str(error.value) == said


def test_a_refusal_is_said_in_the_words_of_the_package(runner, spaces):
    spaces.refusal = "Try again in 2:00:00."
    with pytest.raises(InputError, match=r"on a GPU of ZeroGPU: Try again in 2:00:00\.$"):
        runner.run(*hole(), Job("oncard"))


def test_a_process_that_ends_without_an_answer_is_said(runner, monkeypatch):
    monkeypatch.setattr(runner, "_lend", lambda order: (one for one in [zero_gpu.SentStep(0, 1)]))
    with pytest.raises(InputError, match="run it again"):
        runner.run(*hole(), Job("oncard"))


def test_a_gpu_is_lent_in_the_name_of_the_visitor_who_asked(runner, spaces):
    seen = []
    spaces.before.append(lambda: seen.append(VISITOR.get()))
    token = VISITOR.set("somebody")
    runner.submit(*hole(), Job("oncard")).result()
    VISITOR.reset(token)
    runner.submit(*hole(), Job("oncard")).result()
    assert seen == ["somebody", ""]


@pytest.mark.slow
def test_waiting_for_a_turn_counts_as_it_does_in_one_process(spaces):
    image, mask = hole()
    method = zero_gpu.Borrowing(registry.create("oncard"), zero_gpu.lender())
    (alone,) = method.run([InpaintRequest(image, mask)])[0]
    (kept,) = method.run([InpaintRequest(image, mask)], lambda done, total: time.sleep(0.5))[0]
    assert kept.seconds > alone.seconds + 1


def test_methods_of_the_processor_and_explanations_stay_here(runner, spaces):
    image, mask = hole()
    assert runner.run(image, mask, Job("telea")).method == "telea"
    method = zero_gpu.Borrowing(registry.create("oncard"), runner._lend)
    frames = list(method.explain(InpaintRequest(image, mask)))
    assert f"process {os.getpid()} cpu" in [frame.title for frame in frames]
    assert any(frame.origin for frame in frames)
    assert spaces.asked == []


def test_elsewhere_nothing_is_lent_and_nothing_imported(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(zero_gpu, "find_spec", lambda name: None)
        patch.setattr(zero_gpu.importlib, "import_module", pytest.fail)
        assert zero_gpu.lender() is None
    (tmp_path / "spaces.py").write_text("def GPU(duration):\n    return lambda task: task\n")
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(zero_gpu, "import_all", pytest.fail)
    assert zero_gpu.lender() is None  # the package is there, the machine is none of ZeroGPU's

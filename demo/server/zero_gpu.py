"""Fills on a GPU that ZeroGPU lends: Hugging Face gives it to one call of a decorated function at a time,
which works in a process of its own, forked from the app's.

What crosses between the two is pickled: there goes an order, back come steps, previews and results. On any
other machine nothing here is called: the methods stay in the app's process.
"""

import importlib
import math
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from queue import SimpleQueue
from typing import Any, NamedTuple

from demo.server.warm import import_all
from inpainters import costs, registry
from inpainters.base import Frame, Inpainter, InpaintRequest, InpaintResult, OnPreview, OnStep
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import Image
from inpainters.strategy import workload

BEGINNING = 20.0
"""Seconds that are asked for beside the work: a process is forked, and the network loaded."""
AMPLE = 2.0
"""How many times what the work should take is asked for: what takes longer is ended."""
MOST_LENT = 120.0
"""Seconds of one call, at most: all that a visitor without an account has in a day. More is refused."""
STEP_EVERY, LOOK_EVERY = 0.1, 0.5
"""Seconds between two steps, and two previews, that are sent back, at least."""
NOT_LENT = "It could not be filled on a GPU of ZeroGPU: {}"
LOST = "The GPU's process ended before the picture was there; run it again."


@dataclass(frozen=True)
class FillOrder:
    """What is to be filled there."""

    method: str
    options: Mapping[str, Any]
    requests: Sequence[InpaintRequest]
    seconds: float
    """That it should take."""
    previews: bool = False


class SentStep(NamedTuple):
    """As `OnStep` takes it."""

    done: int
    total: int


@dataclass(frozen=True)
class SentPreview:
    """As `OnPreview` takes it."""

    image: Image


@dataclass(frozen=True)
class SentResults:
    """As `Inpainter.run` returns them."""

    found: list[list[InpaintResult]]


@dataclass(frozen=True)
class SentError:
    """What went wrong there. An exception would lose its words on the way: ZeroGPU sends only its class."""

    kind: type[Exception]
    said: str


SentBack = SentStep | SentPreview | SentResults | SentError
Lend = Callable[[FillOrder], Generator[SentBack, None, None]]
_KINDS: tuple[type[Exception], ...] = (InputError, UnavailableError, MemoryError, Cancelled)


def lender() -> Lend | None:
    """`fill_there` behind the decorator of the package `spaces`; None where that is absent or does nothing,
    as it does everywhere but on ZeroGPU. To be called before CUDA is used, and before the page is launched.

    What the methods need is imported at once: a process that is forked in the middle of another thread's
    import waits for that import for ever.
    """
    if find_spec("spaces") is None:
        return None
    lent: Lend = importlib.import_module("spaces").GPU(duration=seconds_asked)(fill_there)
    if lent is fill_there:
        return None
    import_all()
    return lent


def seconds_asked(order: FillOrder) -> int:
    """For how long ZeroGPU is asked for a GPU: visitors have few minutes a day, and the shorter the call the
    sooner its turn.
    """
    return math.ceil(min(MOST_LENT, BEGINNING + AMPLE * order.seconds))


def fill_there(order: FillOrder) -> Generator[SentBack, None, None]:
    """Carry an order out, in the process that has the GPU. Closed early, it ends at the next step."""
    sent: SimpleQueue[SentBack] = SimpleQueue()
    closed = threading.Event()
    work = threading.Thread(target=lambda: sent.put(_carried_out(order, sent, closed)), daemon=True)
    yield SentStep(0, 1)  # who was stopped while no GPU was free leaves here
    work.start()
    try:
        while True:
            yield (one := sent.get())
            if isinstance(one, SentResults | SentError):
                break
    finally:
        closed.set()
        work.join()


def _carried_out(order: FillOrder, sent: "SimpleQueue[SentBack]", closed: threading.Event) -> SentBack:
    stepped = looked = 0.0

    def step(done: int, total: int) -> bool:
        nonlocal stepped
        if time.monotonic() - stepped > STEP_EVERY:
            sent.put(SentStep(done, total))
            stepped = time.monotonic()
        return not closed.is_set()

    def look(image: Image) -> None:
        nonlocal looked
        if time.monotonic() - looked > LOOK_EVERY:
            sent.put(SentPreview(image))
            looked = time.monotonic()

    try:
        method = registry.create(order.method, **order.options)
        return SentResults(method.run(order.requests, step, look if order.previews else None))
    except _KINDS as error:
        return SentError(next(kind for kind in _KINDS if isinstance(error, kind)), str(error))
    except Exception as error:
        title = registry.get(order.method).title
        return SentError(InputError, f"{title} failed: {type(error).__name__}: {str(error)[:200]}")


class Borrowing(Inpainter):
    """A method as the app's process knows it, whose fills are made where the GPU is."""

    def __init__(self, method: Inpainter, lend: Lend) -> None:
        super().__init__(method.spec, device=method.device, **method.options)
        self.lend = lend

    def run(
        self,
        requests: Sequence[InpaintRequest],
        on_step: OnStep | None = None,
        on_preview: OnPreview | None = None,
    ) -> list[list[InpaintResult]]:
        """As any method's; raises InputError where no GPU is lent. `seconds` count those here in which
        `on_step` made the answers wait, as they do where all is one process.
        """
        order = FillOrder(
            self.spec.name, self.options, list(requests), self._seconds(requests), on_preview is not None
        )
        found, waited, lent = list[list[InpaintResult]](), 0.0, self.lend(order)
        try:
            while (one := _next(lent)) is not None:
                since = time.perf_counter()
                if isinstance(one, SentResults):
                    found = one.found
                else:
                    _tell(one, on_step, on_preview)
                waited += time.perf_counter() - since
        finally:
            lent.close()
        if not found:
            raise InputError(LOST)
        each = waited / max(1, sum(map(len, found)))
        return [[replace(one, seconds=one.seconds + each) for one in results] for results in found]

    def explain(self, request: InpaintRequest, on_step: OnStep | None = None) -> Generator[Frame, None, None]:
        """On the processor: a frame remembers where it was copied from, and that cannot be pickled."""
        here = registry.create(self.spec.name, device="cpu", **self.options)
        yield from here.explain(request, on_step)

    def _seconds(self, requests: Sequence[InpaintRequest]) -> float:
        works = [(one.n, workload(one.mask, self.spec, {**self.options, **one.options})) for one in requests]
        return sum(n * costs.estimate(work) for n, work in works)


def _next(lent: Generator[SentBack, None, None]) -> SentBack | None:
    try:
        return next(lent, None)
    except Exception as error:  # the package's own sentence: no GPU was free, or the day's minutes are over
        raise InputError(NOT_LENT.format(getattr(error, "message", error))) from None


def _tell(one: SentBack, on_step: OnStep | None, on_preview: OnPreview | None) -> None:
    match one:
        case SentStep(done, total) if on_step and on_step(done, total) is False:
            raise Cancelled
        case SentPreview(image) if on_preview:
            on_preview(image)
        case SentError(kind, said):
            raise kind(said)

"""Train what a list says, one after the other, and go on after every stop:
`python -m inpainters.training.queue [QUEUE.toml] [--hours H]`.

Each entry of the list is a recipe with a budget. A run goes on from its checkpoint; without one it begins
with the bundled weights, or with fresh ones where there are none. When its budget ends, the rate falls to 0
and the weights are exported.
"""

import argparse
import math
import os
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import (
    ConfigDict,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from inpainters import commandline
from inpainters.errors import InputError, UnavailableError
from inpainters.training.__main__ import ask_at_signals, find_device, hours_above_0, positive
from inpainters.training.checks import Above0, Count, complaint, refuse, rule
from inpainters.weights.files import missing_weights

if TYPE_CHECKING:
    from inpainters.training.data import Pictures
    from inpainters.training.loop import Stop, Trainer
    from inpainters.training.recipe import Recipe

QUEUE = Path(__file__).with_name("queue.toml")
"""The list that is taken where none is named."""
_TABLE = ConfigDict(extra="forbid", allow_inf_nan=False)
_Niceness = Annotated[StrictInt, rule(lambda value: 0 <= value <= 19, "lies between 0 and 19")]


@dataclass(frozen=True, config=_TABLE)
class Entry:
    """A recipe and its budget: `hours` or `crops` that the weights have seen in all, those that were bundled
    before included.
    """

    recipe: StrictStr
    """A name, or a path that ends in .toml."""
    hours: Above0 | None = None
    crops: Count | None = None
    fresh: StrictBool = False
    """Begin with fresh weights, even where some are bundled. A run that began with those is refused."""
    decay: Count = 1000
    """Steps with a falling rate after the budget's end, before the export."""

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.hours is None) == (self.crops is None):
            raise refuse("section", f"'{self.recipe}' needs a budget: hours or crops, one of the two")
        return self

    @property
    def budget(self) -> str:
        return f"{self.hours:g} h" if self.hours is not None else f"{self.crops:,} crops"

    def left(self, hours: float, crops: int) -> float:
        """How much of the budget is left after so many hours and crops, in its own unit; 0 where none is."""
        return max(0.0, self.hours - hours if self.hours is not None else float((self.crops or 0) - crops))


@dataclass(frozen=True, config=_TABLE)
class Queue:
    """What to train in which order, and where. Paths count from the folder that the command is started in."""

    train: Annotated[tuple[Entry, ...], rule(bool, "must not be empty")]
    data: tuple[StrictStr, ...] = ()
    """Folders of training pictures."""
    out: StrictStr = "runs"
    """Each run is kept in a folder of its weights' name in here; decoded pictures in `cache`."""
    device: StrictStr = "auto"
    slim: StrictBool = False
    """On a GPU: train the networks of the recipes' `[cpu]` sections, as they are bundled."""
    threads: Count = 1
    niceness: _Niceness = 15
    """Priority: 0 is as urgent as all else, 19 gives way to everything."""


def load_queue(path: Path) -> Queue:
    """Read a list; raises InputError where it is not there, is not TOML, or has a key or a value that cannot
    be used.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no '{path.name}'; name a list of recipes, such as queue.toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"'{path.name}' is not valid TOML: {error}.") from None
    try:
        return TypeAdapter(Queue).validate_python(table)
    except ValidationError as error:
        raise InputError(complaint(error, Queue, path.name)) from None


@dataclass(frozen=True)
class Standing:
    """Where an entry stands."""

    state: str
    """`waiting`, `begun`, `to export`, `done`, or `not fresh`: to be, but begun with bundled weights."""
    crops: int
    hours: float
    left: float
    """Of the budget, in its own unit."""
    validation: str
    """The last distances on held-out pictures; empty before the first."""


class Run:
    """An entry, its recipe, and the folder that it is kept in."""

    def __init__(self, entry: Entry, queue: Queue, device: str) -> None:
        from inpainters.training.recipe import load_recipe

        self.entry, self.queue, self.device = entry, queue, device
        self.plan: Recipe = load_recipe(entry.recipe, device=device.split(":")[0], slim=queue.slim)
        self.name = self.plan.method
        self.folder = Path(queue.out) / self.name

    def standing(self) -> Standing:
        """As its export says, else its checkpoint, else the weights that it would begin with."""
        from inpainters.training.loop import CHECKPOINT, read_checkpoint
        from inpainters.training.start import beginning, bundled_card, facts_of, seen

        card = self.folder / "export" / f"{self.name}.json"
        facts, found, state = facts_of(card), seen(card), read_checkpoint(self.folder / CHECKPOINT)
        stale = self.entry.fresh and (facts.get("started") or state.get("started"))
        step = facts.get("steps", 0) - facts.get("decay_steps", 0)
        if found["crops"] and not (left := self._left(found["hours"], found["crops"], step)):
            validation = last_lpips(self.folder / "decay", self.name)
            return Standing(
                "not fresh" if stale else "done", found["crops"], found["hours"], left, validation
            )
        if state:
            hours = state.get("started", {}).get("hours", 0) + state["seconds"] / 3600
            crops = int(state.get("crops", state["step"] * self.plan.optimizer.batch))
            left = self._left(hours, crops, state["step"])
            name = "not fresh" if stale else "begun" if left else "to export"
            return Standing(name, crops, hours, left, last_lpips(self.folder, self.name))
        found = seen(bundled_card(beginning(self.plan))) if self._bundled() else {"crops": 0, "hours": 0.0}
        left = self._left(found["hours"], found["crops"], 0)
        return Standing("waiting" if left else "done", found["crops"], found["hours"], left, "")

    def _left(self, hours: float, crops: int, step: int) -> float:
        """How much of the budget is left; of hours none once the recipe's steps are done."""
        ended = self.entry.hours is not None and step >= self.plan.optimizer.steps
        return 0.0 if ended else self.entry.left(hours, crops)

    def _bundled(self) -> bool:
        from inpainters.training.start import beginning

        return not (self.entry.fresh or missing_weights(beginning(self.plan)))

    def train(self, stop: "Stop", end: float, say: Callable[[str], None]) -> str:
        """Train to the budget's end and export, unless `stop` or the time `end` comes first; returns what was
        done. Steps are told to `train.log` in the folder. Raises InputError where a run that is to be fresh
        began with bundled weights.
        """
        from inpainters.training.export import finish
        from inpainters.training.loop import CHECKPOINT
        from inpainters.training.start import begin

        if self.standing().state == "not fresh":
            raise InputError(
                f"The list says 'fresh = true', but the run in '{self.folder}' began with bundled weights; "
                "remove that folder first."
            )
        log = logger(self.folder / "train.log")
        trainer = self.plan.trainer()(self.plan, self._pictures(), self.folder, device=self.device)
        began = begin(trainer, resume=(self.folder / CHECKPOINT).is_file(), bundled=self._bundled())
        say(f"{self.name}: {began}, of {self.entry.budget}")
        while (left := self._left(trainer.hours, trainer.crops, trainer.step)) and not over(stop, end):
            self._limit(stop, trainer, left, end)
            trainer.run(stop, log)
        if left:
            return f"{self._seen(trainer)}, stopped at step {trainer.step}"
        stop.deadline = end
        if not finish(trainer, self.entry.decay, stop, log, again=True):
            return f"{self._seen(trainer)}, stopped at step {trainer.step} on the way to its export"
        scores = last_lpips(self.folder / "decay", self.name)
        return ", ".join(filter(None, [self._seen(trainer), scores, f"exported to {self.folder / 'export'}"]))

    def _limit(self, stop: "Stop", trainer: "Trainer", left: float, end: float) -> None:
        """Let `stop` end the run where the budget does, or at the time `end`."""
        steps, now = self.plan.optimizer.steps, time.monotonic()
        if self.entry.hours is not None:
            # A second more: what the loop counts may lag behind this clock by a little.
            stop.step, stop.deadline = steps, min(end, now + 3600 * left + 1)
        else:
            stop.step = trainer.step + math.ceil(left / self.plan.optimizer.batch)
            stop.deadline = end

    def _pictures(self) -> "Pictures":
        from inpainters.training.data import decode

        given = self.plan.data
        folders = [Path(folder) for folder in self.queue.data]
        cache = Path(self.queue.out) / "cache"
        return decode(folders, cache, least=given.crop, cap=given.cap, threads=self.queue.threads)

    def _seen(self, trainer: "Trainer") -> str:
        return f"{trainer.crops:,} crops in {trainer.hours:.2f} h"


def over(stop: "Stop", end: float) -> bool:
    """True where somebody asked, or the time `end` is over."""
    return stop.asked or time.monotonic() >= end


def last_lpips(folder: Path, method: str) -> str:
    """The last LPIPS of a run's `validation.csv`, for a sentence; empty before the first."""
    from inpainters.training.export import last_scores

    found = last_scores(folder / "validation.csv")
    scores = {kind: rows[method] for kind, rows in found.items() if method in rows}
    return ", ".join(
        f"LPIPS {row['lpips_squeeze']:.4f} in {kind} holes"
        for kind, row in scores.items()
        if "lpips_squeeze" in row
    )


def logger(path: Path) -> Callable[[str], None]:
    """Appends lines to a file, each with the time."""

    def say(line: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")

    return say


def work(runs: Sequence[Run], hours: float, say: Callable[[str], None]) -> int:
    """Train what is left of the list, one after the other, for at most `hours`; returns the exit code: 0, 1
    where a run could not go on, 130 stopped by hand.
    """
    from inpainters.training.loop import Stop

    stop, end, code = Stop(0), time.monotonic() + 3600 * hours, 0
    ask_at_signals(stop)
    for i, run in enumerate(runs):
        if run.standing().state == "done":
            continue
        try:
            did = run.train(stop, end, say)
        except (InputError, UnavailableError) as error:
            did, code = f"cannot go on: {str(error).rstrip('.')}", 1
        if over(stop, end):
            say(f"{run.name}: {did}; next: the same command goes on from here")
            return 130 if stop.asked else code
        say(f"{run.name}: {did}; next: {following(runs[i + 1 :])}")
    say("all that the list says is done" if not code else "all else that the list says is done")
    return code


def following(runs: Sequence[Run]) -> str:
    """The first of the runs that is not done yet."""
    return next((run.name for run in runs if run.standing().state != "done"), "nothing is left")


def overview(runs: Sequence[Run]) -> str:
    """A line of each entry: where it stands, what it has seen, and what is left of its budget."""
    rows = [("weights", "state", "crops", "hours", "left", "last validation")]
    for run in runs:
        now, entry = run.standing(), run.entry
        left = f"{now.left:.1f}" if entry.hours is not None else f"{now.left:,.0f}"
        of = f"{left} of {entry.budget}"
        rows.append((run.name, now.state, f"{now.crops:,}", f"{now.hours:.2f}", of, now.validation or "–"))
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, wide)).rstrip() for row in rows)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; raises InputError where another one has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "queue.lock").open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows: two at once are not noticed there
            pass
        except OSError:
            raise InputError(
                f"Another queue is at work in '{folder.name}'; stop it first, or choose another --out."
            ) from None
        yield


def give_way(niceness: int) -> None:
    """Lower this process's priority to at least that niceness."""
    if hasattr(os, "nice"):
        os.nice(max(0, niceness - os.nice(0)))


def _parser() -> commandline.Parser:
    p = commandline.Parser(prog="python -m inpainters.training.queue", description=__doc__)
    p.add_argument(
        "queue", nargs="?", type=commandline.path, default=QUEUE, help="the list (default: the package's)"
    )
    p.add_argument("--hours", type=hours_above_0, metavar="H", help="stop after this many hours")
    p.add_argument(
        "--data", nargs="+", type=commandline.path, metavar="DIR", help="folders of training pictures"
    )
    p.add_argument("--out", type=commandline.path, metavar="DIR", help="where the runs are kept")
    p.add_argument("--threads", type=positive, metavar="N", help="processor threads")
    p.add_argument("--dry-run", "--status", action="store_true", help="train nothing, but say what is left")
    commandline.add_weights(p)
    p.set_defaults(command=_main)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 some run could not go on, 2 bad input, 130
    stopped by hand.
    """
    return commandline.run_command(_parser(), argv, stopped="The same command goes on from here.")


def _main(args: argparse.Namespace) -> int:
    over = {
        "data": tuple(map(str, args.data)) if args.data else None,
        "out": str(args.out) if args.out else None,
        "threads": args.threads,
    }
    queue = replace(load_queue(args.queue), **{key: value for key, value in over.items() if value})
    runs = [Run(entry, queue, find_device(queue.device)) for entry in queue.train]
    if args.dry_run:
        print(overview(runs))
        return 0
    if not queue.data:
        raise InputError("There are no training pictures: name their folders by --data, or in the list.")
    import torch

    torch.set_num_threads(queue.threads)
    give_way(queue.niceness)
    with alone(Path(queue.out)):
        return work(runs, args.hours or float("inf"), _say)


def _say(line: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

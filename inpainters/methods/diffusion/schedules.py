"""The timesteps of the diffusion samplers, and how often each calls its network: arithmetic alone, so that it
can be shown before a run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

from inpainters.errors import InputError
from inpainters.spec import Course


class Settings(NamedTuple):
    """How far and how often a sampler walks."""

    steps: int
    """Noise levels, evenly spaced over those of the training."""
    jump_length: int = 1
    """Steps that a jump goes back towards noise."""
    resamplings: int = 1
    """How often each stretch is walked; 1: no jumps."""
    trailing: bool = False
    """True where its few steps must begin at the noisiest level of all (Lin et al. 2024, Common diffusion
    noise schedules).
    """


_trailing = partial(Settings, trailing=True)


class Step(NamedTuple):
    """One step between two noise levels; `forward` where it adds noise, else it takes one network call, even
    where it stays there.
    """

    t: int
    """Timestep it starts from."""
    to: int
    """Timestep it leads to; -1: the clean picture."""
    abar: float
    """Share of the clean picture's variance at `t` (Ho et al. 2020: alpha with a bar)."""
    abar_to: float

    @property
    def forward(self) -> bool:
        return self.to > self.t

    @property
    def stays(self) -> bool:
        """True where it leads to another state of the same level."""
        return self.to == self.t


TRAINING = 1000
"""Noise levels of the training, unless a checkpoint says otherwise."""

Walk = list[tuple[int, int]]
"""(from, to) of each step, as numbers of levels; -1 is the clean picture."""


def jumping(steps: int, length: int, resamplings: int) -> list[int]:
    """Levels in the order of Lugmayr et al. 2022, figure 9: down to each multiple of `length`, `resamplings`
    - 1 times up again.
    """
    jumps = dict.fromkeys(range(0, steps - length, length), resamplings - 1)
    levels, level = [], steps
    while level > 0:
        level -= 1
        levels.append(level)
        if jumps.get(level, 0):
            jumps[level] -= 1
            levels += range(level + 1, level + length + 1)
            level += length
    return levels


def moves(levels: Sequence[int]) -> Walk:
    """The steps between such levels: one below the last is a network call at it, one above undoes the call at
    the last.
    """
    last, found = levels[0] + 1, []
    for level in levels:
        found.append((level, level - 1) if level < last else (last - 1, last))
        last = level
    return found


def with_jumps(chosen: Settings) -> Walk:
    """Down, and up again where there are jumps."""
    return moves(jumping(*chosen[:3]))


def in_rounds(chosen: Settings) -> Walk:
    """Down, with rounds that stay at their level before each step."""
    levels = range(chosen.steps - 1, -1, -1)
    return [(level, to) for level in levels for to in (*[level] * (chosen.resamplings - 1), level - 1)]


@dataclass(frozen=True)
class Schedule:
    """A method's order of steps, and its presets."""

    presets: Mapping[str, Settings]
    walk: Callable[[Settings], Walk] = with_jumps


SCHEDULES: dict[str, Schedule] = {
    "replacement": Schedule(
        {"preview": Settings(25, 1, 2), "balanced": Settings(50, 1, 2), "paper": Settings(1000, 1, 2)},
        in_rounds,
    ),
    "repaint": Schedule(
        {"preview": _trailing(15, 1, 4), "balanced": Settings(100, 10, 5), "paper": Settings(250, 10, 10)}
    ),
    "ddnm": Schedule({"preview": Settings(50), "balanced": Settings(100, 10, 3), "paper": Settings(100)}),
    "dpm_solver": Schedule(
        {"preview": _trailing(10, 1, 5), "balanced": _trailing(24, 1, 5), "paper": _trailing(20)}, in_rounds
    ),
    "latent_diffusion": Schedule(
        {"preview": _trailing(5), "balanced": _trailing(30), "paper": _trailing(50)}
    ),
    "palette": Schedule({"preview": _trailing(15), "balanced": _trailing(30), "paper": _trailing(1000)}),
}
"""One row per diffusion method."""


def settings(method: str, options: Mapping[str, Any]) -> Settings:
    """The preset's settings, but for those options that are not 0."""
    preset = SCHEDULES[method].presets[options["preset"]]
    return Settings(*(options.get(name) or value for name, value in preset._asdict().items()))


def calls(method: str, options: Mapping[str, Any]) -> int:
    """Network calls of one run."""
    return _calls(method, settings(method, options))


@lru_cache(maxsize=256)
def _calls(method: str, chosen: Settings) -> int:
    return sum(
        to <= t for t, to in walk(method, chosen)
    )  # a walk may have 100,000 steps, and pages ask at every stroke


def plan(method: str, options: Mapping[str, Any], abars: Sequence[float]) -> list[Step]:
    """The steps of one run, from noise to the clean picture; `abars`: one per timestep of the training.

    Raises InputError where there are more steps than the training had.
    """
    chosen = settings(method, options)
    if chosen.steps > len(abars):
        raise InputError(
            f"{chosen.steps} steps are more than the {len(abars)} timesteps that the network was trained "
            "with; ask for fewer."
        )
    times = timesteps(chosen, len(abars))
    levels = [*abars, 1.0]  # -1, the last, is the clean picture
    return [Step(times[i], times[j], levels[times[i]], levels[times[j]]) for i, j in walk(method, chosen)]


def course(method: str, options: Mapping[str, Any]) -> Course:
    """The corners of a run's course with the bundled denoiser."""
    return Course(corners(passed(method, options)), TRAINING)


def passed(method: str, options: Mapping[str, Any], training: int = TRAINING) -> list[int]:
    """The timestep a run starts from and those that its steps lead to, counted as the papers do: 0 is the
    clean picture.

    Drawn over their places they are figure 9 of Lugmayr et al. 2022.
    """
    chosen = settings(method, options)
    times, found = timesteps(chosen, training), walk(method, chosen)
    return [times[level] + 1 for level in (found[0][0], *(to for _, to in found))]


def corners(course: Sequence[int]) -> list[tuple[int, int]]:
    """(place, timestep) of the ends of a course and wherever it bends;
    straight lines between them are the course.
    """
    inner = (i for i in range(1, len(course) - 1) if course[i] - course[i - 1] != course[i + 1] - course[i])
    return [(i, course[i]) for i in (0, *inner, len(course) - 1)]


def alongside(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for a run beside this one that walks each of as many noise levels once; where one of the two
    is trailing, they are not quite the same.
    """
    return {"preset": options["preset"], "steps": settings(method, options).steps, "resamplings": 1}


def moments(plan: Sequence[Step], most: int) -> list[int]:
    """Places of at most `most` steps, in order, that tell a run: the first, the last, turns of jumps, and
    what divides the gaps.

    Where there are too many jumps, some are chosen evenly; both turns of each, before and after it.
    """
    jumps = [(a, b) for a, b in _jumps(plan) if a >= 0]
    room = min(len(jumps), (most - 2) // 4)
    chosen = [jumps[(2 * i + 1) * len(jumps) // (2 * room)] for i in range(room)]
    kept = sorted({0, len(plan) - 1, *(place for jump in chosen for place in jump)})
    while len(kept) < min(most, len(plan)):
        before = max(range(len(kept) - 1), key=lambda i: kept[i + 1] - kept[i])
        kept.insert(before + 1, (kept[before] + kept[before + 1]) // 2)
    return kept


def _jumps(plan: Sequence[Step]) -> list[tuple[int, int]]:
    """(last step before, last step) of each jump."""
    starts = [i for i, step in enumerate(plan) if step.forward and not (i and plan[i - 1].forward)]
    return [(i - 1, next(j for j in range(i, len(plan)) if not plan[j + 1].forward)) for i in starts]


def walk(method: str, chosen: Settings) -> Walk:
    """The steps of a run."""
    return SCHEDULES[method].walk(chosen)


def timesteps(chosen: Settings, training: int) -> list[int]:
    """Timestep of each level, and last, for level -1, that of the clean picture."""
    return spaced(chosen.steps, training, trailing=chosen.trailing) + [-1]


def spaced(steps: int, training: int = TRAINING, *, trailing: bool = False) -> list[int]:
    """Timesteps of levels 0, 1, ... `steps` - 1: the first is 0, or the last is the noisiest of the training
    where `trailing`.
    """
    if trailing:
        return [round((level + 1) * training / steps) - 1 for level in range(steps)]
    stride = training // steps
    if training - stride * steps < stride:
        return [level * stride for level in range(steps)]  # as diffusers has it
    return [level * training // steps for level in range(steps)]  # its stride would begin far from noise

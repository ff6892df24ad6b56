"""What a page may ask of the methods: which, with what settings, seed and number of answers.

All of it comes from a browser, a link or a program, and is checked here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inpainters import registry
from inpainters.errors import InputError
from inpainters.spec import MethodSpec, Option

Value = bool | int | float | str

MOST_CALLS = 5000
"""Network calls that a page runs for one answer: all visitors share its processor."""

MOST_ANSWERS = 8
"""Of one method to one hole, on the page."""


def chosen_methods(ids: Sequence[object]) -> list[str]:
    """The known, ready ones among what a page sent, in the table's order, each once."""
    wanted = {str(name) for name in ids}
    return [name for name in registry.METHODS if name in wanted and registry.unavailable(name) is None]


def offered(spec: MethodSpec) -> list[Option]:
    """The options that a page may set: a visitor must not choose what the server opens."""
    return [option for option in spec.options if not option.local]


def checked(spec: MethodSpec, given: Mapping[str, object]) -> dict[str, Value]:
    """The settings that are not the defaults, each in its type; raises InputError with one sentence that
    names the method.
    """
    own = {option.name: option for option in offered(spec)}
    private = [option.name for option in spec.options if option.name in given and option.name not in own]
    if private:
        raise InputError(f"{spec.title}: '{private[0]}' can be set on the command line and in Python alone.")
    try:
        resolved = spec.resolve(given)
    except InputError as error:
        raise InputError(f"{spec.title}: {error}") from None
    if (calls := spec.network_calls(given)) > MOST_CALLS:
        why = f"{calls:,} network calls for one answer are more than the {MOST_CALLS:,} that a page runs"
        raise InputError(f"{spec.title}: {why}; ask for fewer, or use the command line.")
    return {name: resolved[name] for name, option in own.items() if resolved[name] != option.default}


def answers_of(spec: MethodSpec, n: int) -> int:
    """How many of `n` answers a method gives: one where its seed changes nothing."""
    return n if spec.stochastic else 1


def described(option: Option) -> dict[str, Any]:
    """An option as pages and programs are told of it."""
    kind = "choice" if option.choices else type(option.default).__name__
    row: dict[str, Any] = {
        "name": option.name,
        "kind": kind,
        "default": option.default,
        "help": option.help,
        "choices": list(option.choices),
    }
    row |= {"minimum": option.minimum, "maximum": option.maximum}
    return row | ({"preset": True} if option.preset else {})


def numbers(seed: object, n: object) -> tuple[int, int]:
    """The seed and the number of answers, checked; they come from a page or a link."""
    found = [
        int(str(number)) if str(number).isdecimal() and len(str(number)) < 10 else -1 for number in (seed, n)
    ]
    if found[0] < 0:
        raise InputError("The seed is a whole number from 0 to 999,999,999.")
    if not 1 <= found[1] <= MOST_ANSWERS:
        raise InputError(f"Answers: a whole number from 1 to {MOST_ANSWERS}.")
    return found[0], found[1]


def parse_options(text: str) -> dict[str, object]:
    """Options as a JSON object; InputError with one sentence for anything else."""
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise InputError(
            f'Options are a JSON object such as {{"radius": 5}}; this one breaks at character {error.pos}.'
        ) from None
    except RecursionError:
        value = None
    if not isinstance(value, dict):
        raise InputError('Options are a JSON object such as {"radius": 5}.')
    return value


def refuse_local(spec: MethodSpec, options: Mapping[str, object]) -> None:
    """Raise InputError where an option would make this machine read files or download for
    whoever visits the page.
    """
    for option in spec.options:
        if option.local and options.get(option.name, option.default) != option.default:
            raise InputError(
                f"The option '{option.name}' is not for visitors of a page: use it with `python -m "
                "inpainters fill`."
            )

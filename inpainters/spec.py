"""What a row of the METHODS table holds: all that is known of a method without importing it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from inpainters.errors import InputError, unknown


@dataclass(frozen=True)
class Option:
    """One setting of a method: its default fixes its type."""

    name: str
    default: bool | int | float | str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    local: bool = False
    """True where it makes this machine read files or download:
    for whoever runs the program, not for a page's visitors.
    """
    preset: bool = False
    """True of the one choice that sets several others at once: it stands in the method's own line, and its
    value alone names a run.
    """
    detail: bool = False
    """True of the choice whose first value adds detail from the surroundings to fills that were drawn small
    (`patches.detail`).
    """
    power: float = 0.0
    """The seconds per pixel grow with this power of its value; 0: they do not depend on it."""

    def parse(self, value: object) -> bool | int | float | str:
        """Return `value` in the option's type; raise InputError for another type or out of range."""
        kind = type(self.default)
        try:
            if kind is bool:
                parsed: bool | int | float | str = {"true": True, "1": True, "false": False, "0": False}[
                    str(value).lower()
                ]
            elif kind is int and float(str(value)) != int(float(str(value))):
                raise ValueError
            else:
                parsed = int(float(str(value))) if kind is int else kind(str(value))
        except (KeyError, ValueError, OverflowError):
            raise InputError(
                f"option '{self.name}' must be {_KINDS[kind]}, not {str(value)[:40]!r}."
            ) from None
        if isinstance(parsed, str) and len(parsed) > _LONGEST:
            raise InputError(f"option '{self.name}' may have {_LONGEST:,} characters, not {len(parsed):,}.")
        if self.choices and parsed not in self.choices:
            raise unknown(f"value of '{self.name}'", str(parsed), self.choices)
        if isinstance(parsed, int | float) and not isinstance(parsed, bool):
            low = -math.inf if self.minimum is None else self.minimum
            high = math.inf if self.maximum is None else self.maximum
            if not low <= parsed <= high:
                raise InputError(
                    f"option '{self.name}' must lie between {low:g} and {high:g}, not {parsed:g}."
                )
        return parsed


_LONGEST = 2000
"""Characters of an option that is text."""
_KINDS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


DETAIL_OPTION = Option(
    "detail",
    "surroundings",
    "For a large hole, which is drawn small: 'surroundings' takes fine detail from the known part of the "
    "picture, 'enlarge' only enlarges.",
    choices=("surroundings", "enlarge"),
    detail=True,
)
"""Of every method that is drawn small where a hole is large."""
DETAIL_VERSION = "3"
"""Of the step that adds such detail (`patches`), for rows whose version else says alone which weights they
have; to be raised when its fills change."""


@dataclass(frozen=True)
class Strategy:
    """What a method can bear. The defaults suit a method of linear cost."""

    context: float = 1.0
    """Margin around a hole, as a fraction of the longer side of its bounding box."""
    min_context: int = 32
    """The margin is at least this many pixels."""
    max_pixels: int | None = None
    """Windows of more pixels are shrunk to this many; the fill is enlarged and a note says so."""
    max_missing: int | None = None
    """The same for the missing pixels inside a window."""
    multiple: int = 1
    """Both sides are padded by reflection to a multiple of this."""
    side: int | None = None
    """Of a network that knows pictures of one size alone: windows grow to this many pixels a side where the
    picture has them, and longer ones are shrunk to it."""
    depth: int | None = None
    """Of a network: the depth of holes that it fills best, in pixels from the deepest missing one to the
    nearest known one. Windows of deeper holes are shrunk until they fit."""
    blur: float = 0.0
    """Pixels, standard deviation, over which what was drawn small is averaged before patches of the
    surroundings are compared with it (`patches.detail`): what the network draws finer is fog."""
    invents: bool = True
    """False where what was drawn small adds a colour to the copies the less, the further it is from all that
    the known part has: the network is too small for such colours to be trusted."""
    apart: bool = False
    """True where each hole of a window is drawn on its own (`strategy.hole_boxes`)."""


@dataclass(frozen=True)
class Cost:
    """Seconds on the reference machine (two cores of a 2023 server processor, no GPU), for estimates shown
    before a run.
    """

    fixed: float
    """Seconds whatever the picture."""
    per_megapixel: float = 0.0
    """Seconds per million pixels that are worked on (after cropping and capping)."""
    per_missing_megapixel: float = 0.0
    """Seconds per million missing pixels that are worked on."""
    per_part: float = 0.0
    """Seconds per part that a window is drawn in (`Window.parts`), the first included."""
    per_call: float = 0.0
    """Seconds per network call of methods whose options set their number (`MethodSpec.calls`),
    whatever the picture.
    """
    per_call_megapixel: float = 0.0
    """Seconds per network call and million pixels that are worked on."""


@dataclass(frozen=True)
class Loaded:
    """What a method loads under given options. Making one neither reads a file nor reaches the network."""

    weights: tuple[str, ...] = ()
    """Keys of the WEIGHTS table: what has to be here, and what a record pins."""
    other: str = ""
    """Names a network that is loaded in place of the row's weights, without its revision; learned costs are
    kept under it. Empty where the row's weights are loaded.
    """
    strategy: Callable[[], Strategy] | None = None
    """What that network can bear; asked for apart, as it reads files. Raises InputError or UnavailableError
    where the network is not here. None: the row's.
    """
    cost: Callable[[], Cost] | None = None
    """What it costs, in the same way."""


class Course(NamedTuple):
    """How a run goes from noise to picture, before anything runs."""

    points: list[tuple[int, int]]
    """(steps taken, timestep) where the course begins, ends and bends; timestep 0 is the clean picture."""
    top: int
    """Timesteps of the network's training."""


@dataclass(frozen=True)
class MethodSpec:
    """One row of the METHODS table: all that is known of a method without importing it."""

    name: str
    title: str
    family: str
    """Key of the FAMILIES table."""
    target: str
    """`module:class` of the Inpainter."""
    summary: str
    """Three sentences: how it works, what it is good at, where it fails."""
    paper: str
    year: int
    link: str
    licence: str
    cost: Cost
    version: str = "1"
    """Raised whenever the method's pixels change; part of every result's key."""
    strategy: Strategy = field(default_factory=Strategy)
    options: tuple[Option, ...] = ()
    requires: tuple[str, ...] = ()
    """Importable names of the packages it needs."""
    weights: tuple[str, ...] = ()
    """Keys of the WEIGHTS table."""
    trained_with: tuple[str, ...] = ()
    """Networks whose distance it was trained to make small, such as "squeezenet": scores by the same network
    favour it.
    """
    suits: tuple[str, ...] = ()
    """What a page proposes it for: "remove" (something is to go), "restore" (scratches, dust, writing)."""
    takes_guide: bool = False
    """True where it follows a sketch (`InpaintRequest.guide`)."""
    lesson: str = ""
    """Two sentences for who looks inside: what one sees there, and why it matters."""
    explains: bool = False
    """True where its class overrides `frames`, so that a page can offer it without importing it."""
    beside: str = ""
    """The method that an explanation runs beside this one to compare the two."""
    alongside: str = ""
    """`module:function` of `function(name, options)`, options for the method `beside` that make the two runs
    comparable; it also takes those of its options that this one has. Empty: those alone.
    """
    needs_known: bool = True
    """False where it can answer a picture that is missing altogether."""
    stochastic: bool = False
    """True where the seed changes the fill."""
    calls: str = ""
    """`module:function` of `function(name, options)`, the network calls per window; empty where the options
    do not set them.
    """
    course: str = ""
    """`module:function` of `function(name, options)`, a `Course`; empty where a run has none."""
    source: str = ""
    """Of a row from elsewhere: the file or folder that whoever runs the program has named."""
    loads: str = ""
    """`module:function` of `function(spec, options)`, what is loaded under these options as a `Loaded`;
    empty where that is `weights` whatever the options.
    """

    def loaded(self, given: Mapping[str, object] | None = None) -> Loaded:
        """What the method loads under these options; raises InputError as `resolve` does."""
        options = self.resolve(given or {})
        if not self.loads:
            return Loaded(self.weights)
        found: Loaded = _named(self.loads)(self, options)
        return found

    def network_calls(self, given: Mapping[str, object] | None = None) -> int:
        """Network calls per window under these options, before anything is loaded; 0 where the options do not
        set them.

        Raises InputError as `resolve` does.
        """
        return int(_named(self.calls)(self.name, self.resolve(given or {}))) if self.calls else 0

    def course_under(self, given: Mapping[str, object] | None = None) -> Course | None:
        """The course of a run under these options; None where it has none.
        Raises InputError as `resolve` does.
        """
        return _named(self.course)(self.name, self.resolve(given or {})) if self.course else None

    def shared(self, other: "MethodSpec", given: Mapping[str, object]) -> dict[str, Any]:
        """Options for `other`, the method `beside` this one, where this one runs under `given`."""
        options = self.resolve(given)
        if self.alongside:
            options |= _named(self.alongside)(self.name, options)
        return {option.name: options[option.name] for option in other.options if option.name in options}

    @property
    def version_with_detail(self) -> str:
        """The version and, where the method has the step that adds detail, that step's: of rows whose version
        does not hold it yet.
        """
        detail = any(option.detail for option in self.options)
        return f"{self.version}-{DETAIL_VERSION}" if detail else self.version

    @property
    def preset(self) -> Option | None:
        """The option that is a choice of presets; None for methods without."""
        return next((option for option in self.options if option.preset), None)

    def at_preset(self, value: str) -> dict[str, object]:
        """The options that choose a preset, none where `value` is empty; raises InputError for one that the
        method does not have.
        """
        if value and self.preset is None:
            raise InputError(f"method '{self.name}' has no presets, so it cannot take '{value[:40]}'.")
        return {self.preset.name: self.preset.parse(value)} if value and self.preset else {}

    def adds_detail(self, given: Mapping[str, object] | None = None) -> bool:
        """True where fills that are drawn small get detail from the surroundings under these options; raises
        InputError as `resolve` does.
        """
        choice = next((option for option in self.options if option.detail), None)
        return choice is not None and self.resolve(given or {})[choice.name] == choice.choices[0]

    def presets(self) -> dict[str, int]:
        """Preset -> its network calls per window; empty for methods without presets."""
        choice = self.preset
        return {value: self.network_calls({choice.name: value}) for value in choice.choices} if choice else {}

    def resolve(self, given: Mapping[str, object]) -> dict[str, bool | int | float | str]:
        """Return all options with defaults filled in; raise InputError for an unknown name or a bad value."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                if not known:
                    raise InputError(
                        f"method '{self.name}' has no options, so it cannot take '{str(name)[:40]}'."
                    )
                raise unknown(f"option of '{self.name}'", name, known)
        return {name: option.parse(given.get(name, option.default)) for name, option in known.items()}


def row_name(text: str) -> str:
    """A row's name made of any text, such as a file's name: in lower case, `_` for all but letters and
    digits.
    """
    return "".join(letter if letter.isalnum() else "_" for letter in text).lower()


def _named(target: str) -> Callable[..., Any]:
    """The function `module:function`."""
    module, _, function = target.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found

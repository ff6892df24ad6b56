"""What values a recipe may have, as types for pydantic, and what is said of those it may not."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import (
    AfterValidator,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from inpainters.errors import unknown
from inpainters.masks import GENERATORS

Kind = Literal["value", "type", "section", "choice", "key"]
"""Of a sentence: of a value, of a type, of several keys that it names itself, of an unknown name or key."""


def refuse(kind: Kind, said: str, *choices: str) -> PydanticCustomError:
    """The error of a value; `sentence` says where it stands."""
    return PydanticCustomError(kind, "{said}", {"said": said, "choices": choices})


def rule(holds: Callable[[Any], bool], said: str) -> AfterValidator:
    """A value that `holds` is True of; else its key and `said` are the sentence."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise refuse("value", said)
        return value

    return AfterValidator(check)


def choice(*names: str) -> AfterValidator:
    """One of the names."""

    def check(value: str) -> str:
        if value not in names:
            raise refuse("choice", value, *names)
        return value

    return AfterValidator(check)


def expected(what: str) -> WrapValidator:
    """A value whose type fits; else `what` is what was expected."""

    def check(value: Any, fits: ValidatorFunctionWrapHandler) -> Any:
        try:
            return fits(value)
        except ValidationError:
            raise refuse("type", f"expected {what}") from None

    return WrapValidator(check)


def _known_generators(mix: dict[str, float]) -> dict[str, float]:
    for name in mix:
        if name not in GENERATORS:
            raise refuse("key", name, *GENERATORS)
    return mix


def _pair(values: Any, fits: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(values, list) and len(values) != 2:
        raise refuse("type", f"expected 2 values, not {len(values)}")
    return fits(values)


Above0 = Annotated[StrictFloat, rule(lambda value: value > 0, "must be above 0")]
Share = Annotated[StrictFloat, rule(lambda value: 0 <= value <= 1, "is a share between 0 and 1")]
Some = Annotated[Share, rule(lambda value: value > 0, "must be above 0")]
"""A share that is not 0."""
Count = Annotated[StrictInt, rule(lambda value: value >= 1, "must be 1 or more")]
Side = Annotated[StrictInt, rule(lambda value: value >= 8, "must be 8 or more")]
"""Pixels."""
Decays = Annotated[
    tuple[StrictFloat, StrictFloat],
    rule(lambda betas: all(0 <= beta < 1 for beta in betas), "must lie between 0 and 1"),
    WrapValidator(_pair),
]
"""The two of Adam."""
Texts = Annotated[tuple[StrictStr, ...], expected("a list of texts")]
Widths = Annotated[tuple[Count, ...], expected("a list of whole numbers above 0")]
Shares = Annotated[
    dict[StrictStr, Above0],
    rule(bool, "must not be empty"),
    expected("a mask generator with a share above 0"),
    AfterValidator(_known_generators),
]
"""Mask generator -> its share."""


def complaint(error: ValidationError, kind: type, name: str) -> str:
    """What to tell of an error in a table of `kind`: one sentence, of a misspelt key where there is one."""
    found = error.errors()
    first = next((one for one in found if one["type"] == "unexpected_keyword_argument"), found[0])
    place = [str(part) for part in first["loc"] if isinstance(part, str) and part != "[key]"]
    if first["type"] == "unexpected_keyword_argument":
        known = [field.name for field in fields(_section(kind, place[:-1]))]
        return f"{', '.join([name, *place[:-1]])}: {unknown('key', place[-1], known)}"
    return _said(first, place, name)


def _section(kind: Any, place: Iterable[str]) -> Any:
    for key in place:
        kind = get_type_hints(kind)[key]
        kind = get_args(kind)[0] if get_args(kind) else kind  # what a list is of
    return kind


def _said(error: ErrorDetails, place: list[str], name: str) -> str:
    where = ", ".join([name, *place])
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"{name} has no '{place[-1]}'; add one, for example {place[-1]} = \"gated_conv\"."
        case "value":
            return f"{name}: {'.'.join(place)} {context['said']}."
        case "section":
            return f"{name}: {context['said']}."
        case "choice":
            return f"{name}: {unknown('.'.join(place), context['said'], context['choices'])}"
        case "key":
            return f"{where}: {unknown('key', context['said'], context['choices'])}"
        case "type":
            return f"{where}: {context['said']}."
        case kind:
            plain = kind.removesuffix("_type").replace("string", "str").replace("_", " ")
            what = context.get("class_name", plain)
            return f"{where}: expected {what}, not {str(error['input'])[:40]!r}."

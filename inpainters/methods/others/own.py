"""Methods of one's own: a class or one function that is named `package.module:name`."""

import importlib
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image as PilImage

from inpainters.base import Inpainter, Piece
from inpainters.errors import InputError
from inpainters.families import STRANGER
from inpainters.imaging import Image
from inpainters.spec import Cost, MethodSpec, Option, Strategy

_WHOLE = Strategy(context=1e6)
"""A function sees the whole picture, unless its `about` says what it can bear."""
_SETTINGS = (bool, int, float, str)


class OwnFunction(Inpainter):
    """A function `(image, mask, **settings) -> image` as a method; subclasses have it."""

    function: Callable[..., object]
    takes: frozenset[str]
    """Which of `seed` and `device` it wants."""

    def fill(self, piece: Piece) -> Image:
        own = {"seed": piece.seed, "device": self.device}
        given = {**piece.options, **{name: own[name] for name in self.takes}}
        drawn: Any = self.function(piece.image.copy(), piece.mask.copy(), **given)
        return np.asarray(drawn.convert("RGB")) if isinstance(drawn, PilImage.Image) else drawn


def loaded(reference: str) -> object:
    """What `package.module:name` names. Its module is imported, which runs its code: from where Python looks,
    or from the working folder. Raises InputError with one sentence where that fails.
    """
    module, _, name = reference.partition(":")
    try:
        return getattr(_module(module), name)
    except AttributeError:
        raise InputError(f"There is no '{name}' in the module '{module}'.") from None


def _module(name: str) -> Any:
    here = str(Path.cwd())
    if absent := here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise InputError(f"There is no module '{name}': start from its folder, or install it.") from None
        raise InputError(f"'{name}' needs the package '{error.name}': install it.") from None
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {str(error)[:200]}"
        raise InputError(f"'{name}' could not be imported ({said}).") from error
    finally:
        if absent:
            sys.path.remove(here)


def spec_of(made: object, reference: str, name: str = "") -> MethodSpec:
    """The row of a class or a function, or `made` where it is one. `name`: of the row, where its own
    name is not to be it. Where it has the detail step, its version tells that step's as well.

    What the docstring does not tell, the attribute `about` does: a dict of MethodSpec's fields. A function's
    settings are its parameters with defaults, texts without choices for the command line alone; `seed` makes
    it one that draws at random. Raises InputError for what is no method.
    """
    if isinstance(made, MethodSpec):
        return _joining(made, name)
    if not (inspect.isfunction(made) or (isinstance(made, type) and issubclass(made, Inpainter))):
        raise InputError(
            f"'{reference}' is neither a function (image, mask) -> image nor a subclass of "
            "inpainters.Inpainter."
        )
    row = MethodSpec(
        name=re.sub(r"\W+", "_", reference).lower(),
        title=re.sub(r"_+", " ", made.__name__).strip().capitalize(),
        family=STRANGER,
        target=reference,
        summary=(inspect.getdoc(made) or "A method of one's own.").split("\n\n")[0].replace("\n", " "),
        paper="",
        year=0,
        link="",
        licence="",
        cost=Cost(fixed=1.0),
        version=_digest(made),
    )
    if inspect.isfunction(made):
        takes = set(_parameters(made, reference))
        row = replace(
            row,
            strategy=_WHOLE,
            options=tuple(_options(made, reference)),
            stochastic="seed" in takes,
            requires=("torch",) if "device" in takes else (),
        )
    return _joining(_about(row, getattr(made, "about", {}), reference), name)


def _joining(row: MethodSpec, name: str) -> MethodSpec:
    """The row under that name, where there is one, its version with the detail step's where it has that."""
    return replace(row, name=name or row.name, version=row.version_with_detail)


def _digest(made: Any) -> str:
    """What tells versions of one's own code apart: a digest of the file that it is in."""
    try:
        return sha256(Path(inspect.getfile(made)).read_bytes()).hexdigest()[:8]
    except (OSError, TypeError):  # it is in no file
        return "1"


def _about(row: MethodSpec, about: object, reference: str) -> MethodSpec:
    known = {field.name for field in fields(MethodSpec)} - {"target"}
    if not isinstance(about, Mapping) or (unknown := set(about) - known):
        said = f"has '{sorted(unknown)[0]}'" if isinstance(about, Mapping) else "is no dict"
        raise InputError(f"`about` of '{reference}' {said}; its keys are fields of MethodSpec.")
    return replace(row, **about)


def class_of_function(function: Callable[..., object], reference: str) -> type[Inpainter]:
    """The method that a function is."""
    takes = frozenset(_parameters(function, reference)) & {"seed", "device"}
    return type("Own", (OwnFunction,), {"function": staticmethod(function), "takes": takes})


def _parameters(function: Callable[..., object], reference: str) -> list[str]:
    """The names after image and mask."""
    found = inspect.signature(function).parameters
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(found) < 2 or any(each.kind not in plain for each in list(found.values())[:2]):
        raise InputError(f"'{reference}' must take two arguments, the image and the mask.")
    return list(found)[2:]


def _options(function: Callable[..., object], reference: str) -> list[Option]:
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # names that are there for a type checker alone
        hints = {}
    found = inspect.signature(function).parameters
    return [
        _option(found[name], hints.get(name), reference)
        for name in _parameters(function, reference)
        if name not in ("seed", "device")
    ]


def _option(parameter: inspect.Parameter, hint: object, reference: str) -> Option:
    if not isinstance(parameter.default, _SETTINGS):
        raise InputError(
            f"'{parameter.name}' of '{reference}' needs a default that is a number, a text, True or False: a "
            "page offers it as a setting."
        )
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    if choices and not all(isinstance(one, str) for one in (*choices, parameter.default)):
        raise InputError(f"The choices of '{parameter.name}' of '{reference}' must be texts.")
    text = isinstance(parameter.default, str) and not choices  # it may be a file's name: not for visitors
    return Option(parameter.name, parameter.default, "", choices=choices, local=text)

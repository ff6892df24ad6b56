"""What can go wrong in a way a person can mend: each message is one sentence that says what to do."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """The caller's input cannot be used as it is (command line: exit code 2)."""


class UnavailableError(RuntimeError):
    """A method or metric cannot run here: a package or a weights file is missing."""


class Cancelled(Exception):  # noqa: N818 - not an error: somebody pressed Stop
    """The `on_step` callback returned False."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An InputError such as: unknown method 'gated_con'; did you mean 'gated_conv'?"""
    known = sorted(known)
    close = get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"choose from: {', '.join(known)}."
    return InputError(f"unknown {kind} '{str(name)[:80]}'; {hint}")


def disk_full(error: BaseException) -> bool:
    """True where an error says that the disk, or a quota on it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def sentence(error: Exception) -> str:
    """An exception as one line for a person: its own words where they were written for one."""
    if isinstance(error, InputError | UnavailableError):
        return str(error)
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

"""What the command lines share: one sentence for every complaint, "did you mean", and the exit codes.

0; 1 something failed; 2 bad input; 130 stopped by hand (what is finished stays).
"""

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

from inpainters import registry
from inpainters.errors import InputError, UnavailableError, disk_full, unknown
from inpainters.imaging import Converted, shown
from inpainters.weights.files import ENV, of_the_table
from inpainters.weights.hub import OFFLINE
from inpainters.weights.transfer import first_there


class Parser(argparse.ArgumentParser):
    """argparse with an InputError in place of a page of usage;
    each command is `set_defaults(command=function)`.
    """

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[0].upper()}{message[1:]}; `{self.prog} -h` lists what there is.")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            kind = (
                "command"
                if isinstance(action, argparse._SubParsersAction)
                else f"value of {action.option_strings[0]}"
            )
            raise unknown(kind, value, action.choices)

    def flags(self) -> Iterator[str]:
        """All options of this parser and its commands."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    yield from parser.flags()


def run_command(
    parser: Parser,
    arguments: Sequence[str] | None = None,
    *,
    stopped: str = "All that was finished is kept.",
    around: Callable[[argparse.Namespace], AbstractContextManager[object]] = nullcontext,
) -> int:
    """Run the command that `arguments` (the process's own where None) names, within `around` of these;
    returns the exit code, complaints go to stderr.
    """
    try:
        parsed = _parse(parser, sys.argv[1:] if arguments is None else arguments)
        if folder := getattr(parsed, "weights", None):
            os.environ[ENV] = os.pathsep.join(filter(None, [str(folder), os.environ.get(ENV)]))
        if getattr(parsed, "offline", False):
            os.environ[OFFLINE] = "1"
        with around(parsed):
            code = int(parsed.command(parsed))
        sys.stdout.flush()
        return code
    except (InputError, UnavailableError) as error:
        return say(str(error), 2)
    except KeyboardInterrupt:
        return say(f"\nStopped. {stopped}", 130)
    except MemoryError:
        return say("There is not enough memory for this: use smaller pictures, or fewer at once.", 2)
    except BrokenPipeError:  # of `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return say(os_sentence(error), 2)


def say(sentence: str, code: int = 0) -> int:
    """Print to stderr and hand on the exit code."""
    print(sentence, file=sys.stderr)
    return code


def say_notes(file: Path, notes: Iterable[str], *, kept: bool) -> None:
    """Say of a file each note once; where the result has its colours `kept`, none that they were converted to
    be worked on.
    """
    for note in dict.fromkeys(notes):
        if not (kept and isinstance(note, Converted)):
            say(f"{shown(file)}: {note}")


def os_sentence(error: OSError) -> str:
    """What the system refused, as one sentence that says what to do."""
    if disk_full(error):
        return (
            "The disk is full. All that was finished is kept: free some space and start the same command "
            "again."
        )
    name = f"'{Path(str(error.filename)).name[:80]}'" if error.filename else "A file"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{name} may not be read or written: check its permissions, or choose another place."
    why = error.strerror or error
    return f"{name} cannot be read or written ({why}): check its path, or choose another place."


def path(text: str) -> Path:
    """The `type` of a path argument; '.' and '..' become names,
    as sentences and results are named after folders.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    found = Path(text)
    return found if found.name not in ("", "..") else found.resolve()


def check_new(targets: Iterable[Path], inputs: Iterable[Path] = (), *, overwrite: bool = False) -> None:
    """Raise InputError where one of the files to be written is there already, an input or not, or its folder
    cannot be written: before the work, not after it.
    """
    targets = list(targets)
    there = [] if overwrite else [target for target in targets if target.exists()]
    if there:
        sources = {source.resolve() for source in inputs}
        mine = next((target for target in there if target.resolve() in sources), None)
        what = "is an input" if mine else "is there already"
        more = f", and {len(there) - 1} more are there" if len(there) > 1 else ""
        raise InputError(
            f"'{shown(mine or there[0])}' {what}{more}: name another place after -o, or --overwrite replaces "
            "what is there."
        )
    check_writable({target.parent for target in targets})


def check_writable(folders: Iterable[Path]) -> None:
    """Raise OSError where files cannot be written into one of these, which need not be there yet."""
    for folder in set(map(first_there, folders)):
        try:
            with TemporaryFile(dir=folder):  # a mount or a quota may refuse what permissions allow
                pass
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from None


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add what every command has that runs a method: `--device`, `--trust`, `--offline` and `--weights`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add_trust(parser)
    add_offline(parser)
    add_weights(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add `--trust`, without which no code and no file of somebody else is run or read."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the code, or read the file, that a method of yours is",
    )


def joined(names: str, *, trust: bool) -> str:
    """A comma-separated list of methods, those from elsewhere by the names under which they join the table:
    `package.module:name`, `torchscript:FILE`, `onnx:FILE`, `diffusers:FOLDER`, `diffusers:OWNER/NAME` and
    `outputs:FOLDER`, each with or without `:option=value` after it, whose value may stand in double quotes.
    Raises InputError without `trust`, which a repository of the Hub does without: nothing of it is run.
    """
    return ",".join(_joined(name.strip(), trust=trust) for name in apart(names, ","))


def apart(text: str, separator: str) -> list[str]:
    """The parts of a text between separators, those within double quotes aside: `sd15:prompt="a cat,
    black"`.
    """
    return re.split(rf'{separator}(?=(?:[^"]*"[^"]*")*[^"]*$)', text)


def settings_of(name: str) -> tuple[str, dict[str, str]]:
    """A method and its settings, of `method:name=value:name=value`; quotes around a value are taken off.
    Raises InputError for what is no setting.
    """
    method, *parts = apart(name.strip(), ":")
    found = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals:
            raise InputError(
                f"An option of '{method}' is written name=value, not '{part[:40]}': {method}:name=value."
            )
        found[key] = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return method, found


def method_of(name: str, *, trust: bool) -> tuple[str, dict[str, str]]:
    """One method and its settings, as `joined` and `settings_of` read them."""
    return settings_of(joined(name, trust=trust))


def _joined(name: str, *, trust: bool) -> str:
    kind, _, rest = name.partition(":")
    if kind in registry.ELSEWHERE:
        file, settings = _SETTINGS.match(rest).groups()  # type: ignore[union-attr]  # it matches any text
        if not trust and not _harmless(kind, Path(file)):
            raise InputError(f"'{file}' is a file of somebody else's: add --trust if you know it.")
        return registry.add(f"{kind}:{file}") + settings
    module = kind
    attribute, _, settings = rest.partition(":")
    if not attribute or "=" in attribute or module in registry.METHODS:
        return name
    if not trust:
        raise InputError(f"'{module}:{attribute}' is code that would run here: add --trust if you know it.")
    return ":".join(filter(None, [registry.add(f"{module}:{attribute}"), settings]))


_SETTINGS = re.compile(r'(.*?)((?::\w+=(?:"[^"]*"|[^:"]*))*)$', re.DOTALL)
"""A file's name, and the options after it."""


def _harmless(kind: str, path: Path) -> bool:
    """Whether it can be opened without trust: it is pictures, its digest stands in the table, or it lies on
    the Hub.
    """
    if kind == "outputs":
        return True
    if kind == "diffusers":
        return not path.exists()
    from inpainters.methods.others.exported import CONVENTIONS

    known = [path.stem for path in CONVENTIONS.glob("*.toml")]
    return path.is_file() and bool(of_the_table(path, known))


def add_offline(parser: argparse.ArgumentParser) -> None:
    """Add `--offline`, which forbids all downloads."""
    parser.add_argument("--offline", action="store_true", help="download nothing, whatever is lacking")


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add `--weights DIR`, looked into before all other folders."""
    parser.add_argument("--weights", type=_folder, metavar="DIR", help="a folder with weights files")


def _folder(text: str) -> Path:
    if not (found := path(text)).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder '{found.name}'")
    return found


def _parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """argparse names what is required and absent before what is misspelt: that is looked for first."""
    flags = set(parser.flags())
    for text in takewhile(lambda text: text != "--", arguments):
        name = text.partition("=")[0]
        if name.startswith("--") and not any(flag.startswith(name) for flag in flags):
            raise unknown("option", name, flags)
    return parser.parse_args(arguments)

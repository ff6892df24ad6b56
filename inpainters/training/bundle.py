"""Bundle an export: `python -m inpainters.training.bundle FOLDER [FOLDER ...]` copies weights and cards, and
pins the sha256s.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from inpainters import commandline
from inpainters.errors import InputError
from inpainters.training import card
from inpainters.training.recipe import trained
from inpainters.weights import bundled, files
from inpainters.weights.build import build_network

LIMIT = 10_000_000
"""Bytes that no file may exceed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Bundle all weights that the folders hold; returns the exit code."""
    parser = commandline.Parser(
        prog="python -m inpainters.training.bundle", description="Bundle exported weights with this package."
    )
    parser.add_argument(
        "folders",
        nargs="+",
        type=commandline.path,
        metavar="FOLDER",
        help="what `python -m inpainters.training` exported",
    )
    parser.set_defaults(command=lambda arguments: _main(arguments.folders))
    return commandline.run_command(parser, argv)


def _main(folders: Sequence[Path]) -> int:
    for folder in folders:
        for name, paths in shards(folder).items():
            bundle(name, paths)
            print(f"{name}: {len(paths)} files, {sum(path.stat().st_size for path in paths) / 1e6:.1f} MB")
    return 0


def shards(folder: Path) -> dict[str, list[Path]]:
    """Weights -> their shards in order; raises InputError where there are none, one is lacking,
    or one is too large.
    """
    found: dict[str, list[Path]] = {}
    for name in trained():
        if paths := list(folder.glob(f"{name}-*-of-*.safetensors")):
            whole = [folder / f"{name}-{i + 1}-of-{len(paths)}.safetensors" for i in range(len(paths))]
            if set(whole) != set(paths):
                raise InputError(
                    f"The shards of '{name}' in '{folder.name}' do not belong together; export it again."
                )
            found[name] = whole
    if not found:
        raise InputError(
            f"There are no weights of a method in '{folder.name}'; name a folder that an export was written "
            "to."
        )
    for path in (path for paths in found.values() for path in paths):
        if path.stat().st_size > LIMIT:
            raise InputError(
                f"'{path.name}' is larger than {LIMIT / 1e6:.0f} MB; export it in smaller shards."
            )
    return found


def bundle(name: str, paths: Sequence[Path]) -> None:
    """Copy shards and cards into the package and pin them,
    after a look whether the network can be built from them. Raises InputError where they lie there already.
    """
    if paths[0].parent.resolve() == files.CHECKPOINTS.resolve():
        raise InputError(
            f"The weights in '{paths[0].parent.name}' are the package's own; name a folder that an export "
            "was written to."
        )
    build_network(trained()[name], name, paths)
    cards = [
        path
        for suffix in ("json", "md", "csv", "png")
        if (path := paths[0].parent / f"{name}.{suffix}").is_file()
    ]
    if lacking := [
        suffix for suffix in (".json", ".md", ".csv") if paths[0].parent / f"{name}{suffix}" not in cards
    ]:
        raise InputError(
            f"'{paths[0].parent.name}' lacks '{name}{lacking[0]}', a part of the card; export it again."
        )
    files.CHECKPOINTS.mkdir(exist_ok=True)
    for old in files.CHECKPOINTS.glob(f"{name}-*-of-*.safetensors"):
        old.unlink()
    for path in (*paths, *cards):
        shutil.copyfile(path, files.CHECKPOINTS / path.name)  # not its mode: an export is its owner's alone
    card.renew(files.CHECKPOINTS / f"{name}.json")  # with where its recipe has moved on
    bundled.BUNDLED[name] = {path.name: files.sha256(path) for path in paths}
    Path(bundled.__file__).write_text(source(bundled.BUNDLED), encoding="utf-8")


def source(pins: Mapping[str, Mapping[str, str]]) -> str:
    """The text of `inpainters/weights/bundled.py`."""
    rows = "".join(
        f'    "{name}": {{\n'
        + "".join(f'        "{file}": "{sha}",\n' for file, sha in pins[name].items())
        + "    },\n"
        for name in sorted(pins)
    )
    table = f"{{\n{rows}}}" if rows else "{}"
    return f'''"""{bundled.__doc__}"""

# ruff: noqa: E501
BUNDLED: dict[str, dict[str, str]] = {table}
"""Weights -> file name -> sha256; the files lie in `inpainters/weights/checkpoints`."""
'''


if __name__ == "__main__":
    sys.exit(main())

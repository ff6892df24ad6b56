"""Command line: `python -m inpainters list | fill PHOTO|DIR MASK|DIR --method A[,B] -o OUT | fetch NAME`, and
check, probe, video, augment, restore, parallax and straighten.

Exit codes: 0; 2 bad input; 1 some pictures failed; 130 stopped by hand (what is finished stays).
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from inpainters import commandline, costs, use_commands
from inpainters.base import Inpainter, InpaintRequest, InpaintResult
from inpainters.commandline import say
from inpainters.conformance import CLAUSES, verdicts
from inpainters.costs import spoken
from inpainters.errors import InputError, disk_full, sentence, unknown
from inpainters.folders import FilePair, FilePairs, listed, pair_up
from inpainters.imaging import (
    ALPHA,
    PICTURE_SUFFIXES,
    LoadedPair,
    Mask,
    Original,
    encode_png,
    load_guide,
    load_original,
    load_pair,
    save_bytes,
    save_png,
    shown,
    side_by_side,
)
from inpainters.registry import BROKEN, METHODS, create, get, unavailable
from inpainters.strategy import Outline, workload
from inpainters.uses.feather import MOST_FEATHER, checked_feather, feathered_result, widened
from inpainters.weights.fetch import about, fetch
from inpainters.weights.files import find_all
from inpainters.weights.table import WEIGHTS, add_repository


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    return commandline.run_command(_parser(), argv)


def _parser() -> commandline.Parser:
    parser = commandline.Parser(
        prog="python -m inpainters", description="Fill holes in photographs by any of the methods."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the methods: which are ready, what they cost, their options")
    listing.set_defaults(command=_list)
    fill = commands.add_parser(
        "fill", help="fill one photograph, or a folder and what is below it, paired with masks by name"
    )
    fill.add_argument("photo", type=commandline.path, metavar="PHOTO|DIR")
    fill.add_argument(
        "mask",
        type=commandline.path,
        metavar="MASK|DIR",
        nargs="?",
        help="white = missing; of the photograph's size; in a folder called like it, or like it with _mask",
    )
    fill.add_argument(
        "--mask",
        dest="mask_option",
        type=commandline.path,
        metavar="alpha",
        help="alpha: the photograph's own transparent pixels are missing",
    )
    fill.add_argument(
        "--method", required=True, metavar="A[,B]", help="one or more methods, separated by commas"
    )
    fill.add_argument(
        "-o", "--out", type=commandline.path, required=True, metavar="OUT", help="a .png file or a folder"
    )
    fill.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    fill.add_argument(
        "--plain",
        action="store_true",
        help="8-bit sRGB alone, in place of the file's own alpha, EXIF, colour profile and 16 bits",
    )
    fill.add_argument("--dry-run", action="store_true", help="say what would be paired and written")
    fill.add_argument("--seed", type=int, default=0)
    fill.add_argument("--n", type=int, default=1, help="answers per photograph, seeds seed .. seed + n - 1")
    fill.add_argument(
        "--strip",
        action="store_true",
        help="with --n: also one picture of all answers side by side, named -strip",
    )
    fill.add_argument(
        "--guide",
        type=commandline.path,
        metavar="FILE",
        help="a sketch, white lines, for methods that follow one",
    )
    fill.add_argument(
        "--feather",
        type=int,
        default=0,
        metavar="PX",
        help=f"mix known pixels up to PX from the hole with the fill, 0 to {MOST_FEATHER} (default: 0)",
    )
    fill.add_argument(
        "--option", action="append", default=[], metavar="[METHOD.]K=V", help="a setting; may be repeated"
    )
    commandline.add_running(fill)
    fill.set_defaults(command=_fill)
    checking = commands.add_parser("check", help="try whether a method keeps its contract")
    checking.add_argument("name", metavar="NAME", help="a method, or module:name of your own")
    commandline.add_running(checking)
    checking.set_defaults(command=_check)
    probing = commands.add_parser("probe", help="find out how an exported network wants to be called")
    probing.add_argument("file", metavar="torchscript:FILE|onnx:FILE")
    probing.add_argument("--overwrite", action="store_true", help="replace the TOML that is there")
    commandline.add_trust(probing)
    probing.set_defaults(command=_probe)
    fetching = commands.add_parser("fetch", help="download weights and check their digests")
    fetching.add_argument(
        "name",
        metavar="NAME[@COMMIT]",
        help="of the table that `fetch list` prints, or diffusers:OWNER/NAME; a pipeline's "
        "commit, where you know it",
    )
    fetching.add_argument(
        "--yes", action="store_true", help="accept digests that nobody prints without asking"
    )
    commandline.add_offline(fetching)
    fetching.add_argument("--weights", type=commandline.path, metavar="DIR", help="the folder to write to")
    fetching.set_defaults(command=_fetch)
    use_commands.add_uses(commands)
    return parser


# --- list -----------------------------------------------------------------------------------------


def _list(_: argparse.Namespace) -> int:
    rows = [("method", "family", "ready", "cost at 512×512, 20 % missing", "options")]
    for name, spec in METHODS.items():
        cost = workload(Outline.spread((512, 512), 0.2), spec).seconds
        options = ", ".join(f"{option.name}={option.default}" for option in spec.options)
        rows.append(
            (name, spec.family, "not yet" if unavailable(name) else "ready", f"about {cost:.2g} s", options)
        )
    presets = [
        f"  {name}: " + ", ".join(f"{preset} {calls:,}" for preset, calls in found.items())
        for name, found in _presets().items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("", "Presets and their network calls:", *presets, sep="\n")
    broken = [f"'{name}': {why}" for name, why in BROKEN.items()]
    if reasons := [reason for name in METHODS if (reason := unavailable(name))] + broken:
        print("", "Not ready yet:", *reasons, sep="\n")
    return 0


def _presets() -> dict[str, dict[str, int]]:
    return {name: found for name, spec in METHODS.items() if (found := spec.presets())}


# --- fill -----------------------------------------------------------------------------------------


_Task = tuple[Inpainter, FilePair]


def _fill(arguments: argparse.Namespace) -> int:
    asked = commandline.joined(arguments.method, trust=arguments.trust)
    named = [commandline.settings_of(name) for name in commandline.apart(asked, ",") if name]
    settings, names = dict(named), [name for name, _ in named]
    if not names:
        raise InputError(f"Name a method after --method: {', '.join(METHODS)}.")
    if twice := [name for name in settings if names.count(name) > 1]:
        raise InputError(f"'{twice[0]}' is named twice after --method: start once for each of its settings.")
    given = _options(names, arguments.option)
    options = {name: settings[name] | given[name] for name in names}
    methods = [create(name, device=arguments.device, **options[name]) for name in names]
    checked_feather(arguments.feather)
    found = _pairs(arguments)
    single = not arguments.photo.is_dir()
    if arguments.strip and arguments.n < 2:
        raise InputError("--strip shows several answers side by side: ask for them with --n 2 or more.")
    targets = _Targets(arguments.out, several_methods=len(names) > 1, single=single and arguments.n == 1)
    jobs = [(method, pair) for method in methods for pair in found.pairs]
    written = [
        path for method, pair in jobs for path in targets.paths(pair.name, method.spec.name, arguments)
    ]
    read = [path for pair in found.pairs for path in (pair.photo, pair.mask) if path]
    commandline.check_new(written, read, overwrite=arguments.overwrite)
    if arguments.dry_run:
        return _dry_run(found, jobs, targets, arguments)
    for text in _left(found):
        say(text)
    failures = 0
    for method, pair in _progress(jobs):
        try:
            _fill_one(method, pair, targets, arguments)
        except Exception as error:
            if single or disk_full(error):
                raise
            failures += 1
            say(f"{shown(pair.photo)}: {sentence(error)}")
    return 1 if failures or found.photos else 0


def _pairs(arguments: argparse.Namespace) -> FilePairs:
    """What belongs together: one photograph and its mask, or all of two folders."""
    given = [mask for mask in (arguments.mask, arguments.mask_option) if mask is not None]
    if len(given) != 1:
        raise InputError("Name one mask: a file, a folder, or --mask alpha for the photographs' own alpha.")
    photo, mask = arguments.photo, None if str(arguments.mask_option) == ALPHA else given[0]
    if photo.is_dir():
        return pair_up(photo, mask, leave=arguments.out)
    if mask and mask.is_dir():
        raise InputError(
            f"One photograph needs one mask, and '{shown(mask)}' is a folder; name a picture in it."
        )
    return FilePairs((FilePair(photo, mask, photo.stem),), (), (), ())


def _left(found: FilePairs) -> Iterator[str]:
    """What is not filled or not used, counted and named."""
    yield from found.skipped
    alone = {"Photographs without a mask": found.photos, "Masks without a photograph": found.masks}
    for what, names in alone.items():
        if names:
            yield f"{what} ({len(names)}): {listed(names)}."


def _dry_run(
    found: FilePairs,
    jobs: Sequence[tuple[Inpainter, FilePair]],
    targets: "_Targets",
    arguments: argparse.Namespace,
) -> int:
    """Say what would be done: every photograph with its mask and its results."""
    for method, pair in jobs:
        for path in targets.paths(pair.name, method.spec.name, arguments):
            print(f"{_text(pair.photo)} + {_text(pair.mask) if pair.mask else 'its alpha'} -> {_text(path)}")
    for text in _left(found):
        print(text)
    print(f"{len(found.pairs)} pairs; nothing was written.")
    return 0


def _text(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")


def _fill_one(method: Inpainter, pair: FilePair, targets: "_Targets", arguments: argparse.Namespace) -> None:
    found = load_pair(pair.photo, ALPHA if pair.mask is None else pair.mask)
    original = None if arguments.plain else _original(pair.photo)
    wide = replace(found, mask=widened(found.mask, arguments.feather))
    results = [
        feathered_result(result, found.image, found.mask, arguments.feather)
        for result in _answers(method, pair, wide, arguments)
    ]
    notes = targets.save(pair.name, results, original, wide.mask, arguments)
    kept = original is not None and not notes
    commandline.say_notes(pair.photo, [*found.notes, *results[0].notes, *notes], kept=kept)


def _progress(jobs: Sequence[_Task]) -> Iterator[_Task]:
    with tqdm(jobs, unit="picture", disable=None) as bar:
        for method, pair in bar:
            bar.set_description(f"{method.spec.name} {shown(pair.photo)}")
            yield method, pair


def _original(photo: Path) -> Original | None:
    """What the photograph's file has to be kept; None, which is said, where it has pixels alone that can be
    read.
    """
    try:
        return load_original(photo)
    except InputError:
        say(f"{shown(photo)}: What its file has beside pixels cannot be read: the result is 8-bit sRGB.")
        return None


def _answers(
    method: Inpainter, pair: FilePair, found: LoadedPair, arguments: argparse.Namespace
) -> list[InpaintResult]:
    guide = load_guide(arguments.guide) if arguments.guide else None
    if sys.stderr.isatty() and (price := _price(method, found.mask, arguments.n)):
        tqdm.write(f"{shown(pair.photo)}: {price}", sys.stderr)
    request = InpaintRequest(found.image, found.mask, seed=arguments.seed, n=arguments.n, guide=guide)
    results = method.run([request])[0]
    costs.observe(workload(found.mask, method.spec, results[0].options), results[0].seconds)
    return results


def _price(method: Inpainter, mask: Mask, n: int) -> str:
    """What the answers to one photograph will cost;
    empty for methods whose options do not set their network calls.
    """
    work = workload(mask, method.spec, method.options)
    if not (calls := n * work.network_calls):
        return ""
    return f"{method.spec.title}: {calls:,} network calls, {spoken(n * costs.estimate(work))}."


@dataclass(frozen=True)
class _Targets:
    """Where results go: OUT itself, OUT/<stem>.png, or OUT/<method>/<stem>.png;
    with several seeds <stem>-<seed>.png.
    """

    out: Path
    several_methods: bool
    single: bool

    def __post_init__(self) -> None:
        suffix = self.out.suffix.lower()
        if suffix == ".png" and not self._is_file:
            raise InputError("Several pictures are written to a folder; name one after -o, without '.png'.")
        if suffix in PICTURE_SUFFIXES and suffix != ".png":
            raise InputError(
                f"'{suffix}' may change the known pixels; name a .png file or a folder after -o."
            )
        if self.out.exists() and self.out.is_dir() == self._is_file:
            raise InputError(
                f"'{self.out.name}' is a {'folder' if self.out.is_dir() else 'file'} already; choose another "
                "name after -o."
            )

    @property
    def _is_file(self) -> bool:
        return self.out.suffix.lower() == ".png" and self.single and not self.several_methods

    def paths(self, name: str, method: str, arguments: argparse.Namespace) -> Iterator[Path]:
        """All files that the answers of one method to one photograph are written to."""
        seeds = range(arguments.seed, arguments.seed + min(arguments.n, 64))
        names = [f"{name}-{seed}.png" for seed in seeds] if arguments.n > 1 else [f"{name}.png"]
        for file in names + [f"{name}-strip.png"] * arguments.strip:
            yield self._path(file, method)

    def save(
        self,
        name: str,
        results: Sequence[InpaintResult],
        original: Original | None,
        mask: Mask,
        arguments: argparse.Namespace,
    ) -> tuple[str, ...]:
        """Write them as the original's file is, where there is one; with --strip also one picture of all,
        side by side. Returns notes on what could not be kept.
        """
        notes: tuple[str, ...] = ()
        paths = list(self.paths(name, results[0].method, arguments))
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        for path, result in zip(paths, results, strict=False):
            data, notes = encode_png(result.image), ()
            if original is not None:
                data, notes = original.encode(result.image, mask)
            save_bytes(path, data)
        if arguments.strip:
            save_png(paths[-1], side_by_side([result.image for result in results]))
        return notes

    def _path(self, name: str, method: str) -> Path:
        folder = self.out / method if self.several_methods else self.out
        return self.out if self._is_file else folder / name


def _options(names: Sequence[str], given: Sequence[str]) -> Mapping[str, dict[str, str]]:
    """Per method its options: `k=v` goes to every method that has k, `method.k=v` to that one."""
    options: dict[str, dict[str, str]] = {name: {} for name in names}
    has = {name: {option.name for option in get(name).options} for name in names}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"An option is written name=value, not '{text[:40]}'.")
        method, dot, option = key.rpartition(".")
        if dot and method not in options:
            raise unknown("method in --option", method, names)
        takers = [method] if dot else [name for name in names if option in has[name]]
        if not takers and (known := set().union(*has.values())):
            raise unknown("option", option, known)
        for name in takers or names:
            options[name][option] = value
    return options


# --- check ----------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    name, options = commandline.method_of(arguments.name, trust=arguments.trust)
    broken = 0
    for verdict in verdicts(create(name, device=arguments.device, **options)):
        broken += bool(verdict.problem)
        print(f"{'NO ' if verdict.problem else 'yes'} {verdict.clause}.", flush=True)
        if verdict.problem:
            print(f"    {verdict.problem}")
    count = len(CLAUSES)
    print(f"'{name}' breaks {broken} of {count} clauses." if broken else f"'{name}' keeps its contract.")
    return 2 if broken else 0


# --- probe ----------------------------------------------------------------------------------------


def _probe(arguments: argparse.Namespace) -> int:
    from inpainters.methods.others import exported

    kind, _, file = arguments.file.partition(":")
    path = Path(file)
    if kind not in exported.READERS or not path.is_file():
        raise InputError("Name a file that is there, after its kind: torchscript:FILE or onnx:FILE.")
    if not arguments.trust:
        raise InputError(f"'{path.name}' would be read and run: add --trust if you know it.")
    target = path.with_suffix(".toml")
    commandline.check_new([target], overwrite=arguments.overwrite)
    found, error = exported.probe(kind, path)
    said = f"# Found by trying: known pictures are missed by {error:.1f} grey levels in the hole.\n"
    save_bytes(target, (said + exported.toml_of(found)).encode())
    print(exported.toml_of(found), end="")
    print(f"Known pictures are missed by {error:.1f} grey levels; written to '{target}'.")
    return 0


# --- fetch ----------------------------------------------------------------------------------------


def _fetch(arguments: argparse.Namespace) -> int:
    name, _, commit = arguments.name.partition("@")
    if name == "list":
        for one, row in WEIGHTS.items():
            if not row.bundled:
                print(f"{'here ' if find_all(one) else '     '}{about(one)}")
        return 0
    if name.startswith("diffusers:"):
        add_repository(name.partition(":")[2])
    if name in WEIGHTS and not find_all(name):
        commandline.say(about(name))
    with tqdm(unit="B", unit_scale=True, disable=None, desc=name) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        path = fetch(name, show, lambda question: _asked(question, yes=arguments.yes), commit)
    print(path)
    return 0


def _asked(question: str, *, yes: bool) -> bool:
    """What whoever sits at the terminal answers; no where nobody does."""
    commandline.say(question)
    return yes or (sys.stdin.isatty() and input("y/N ").strip().lower() in ("y", "yes"))


if __name__ == "__main__":
    sys.exit(main())

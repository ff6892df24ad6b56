"""Command line: `python -m inpainters list | fill PHOTO|DIR MASK|DIR --method A[,B] -o OUT | fetch NAME`.

Exit codes: 0; 2 bad input; 1 some pictures failed; 130 stopped by hand (what is finished stays).
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from inpainters import commandline, costs
from inpainters.base import Inpainter, InpaintRequest, InpaintResult
from inpainters.commandline import say
from inpainters.costs import spoken
from inpainters.errors import InputError, disk_full, sentence, unknown
from inpainters.imaging import PICTURE_SUFFIXES, Mask, load_image, load_mask, save_png, side_by_side
from inpainters.registry import METHODS, create, get, unavailable
from inpainters.strategy import Outline, workload
from inpainters.weights.fetch import fetch

_READ = (*PICTURE_SUFFIXES, ".gif", ".avif")
"""Suffixes of pictures that can be filled."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    return commandline.run_command(_parser(), argv)


def _parser() -> commandline.Parser:
    parser = commandline.Parser(
        prog="python -m inpainters", description="Fill holes in photographs by any of the methods."
    )
    commands = parser.add_subparsers(required=True, metavar="list|fill|fetch")
    listing = commands.add_parser("list", help="the methods: which are ready, what they cost, their options")
    listing.set_defaults(command=_list)
    fill = commands.add_parser(
        "fill", help="fill one photograph, or a folder paired with a folder of masks by file name"
    )
    fill.add_argument("photo", type=commandline.path, metavar="PHOTO|DIR")
    fill.add_argument(
        "mask", type=commandline.path, metavar="MASK|DIR", help="white = missing; of the photograph's size"
    )
    fill.add_argument(
        "--method", required=True, metavar="A[,B]", help="one or more methods, separated by commas"
    )
    fill.add_argument(
        "-o", "--out", type=commandline.path, required=True, metavar="OUT", help="a .png file or a folder"
    )
    fill.add_argument("--overwrite", action="store_true", help="replace files that are there already")
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
        "--option", action="append", default=[], metavar="[METHOD.]K=V", help="a setting; may be repeated"
    )
    fill.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    commandline.add_weights(fill)
    fill.set_defaults(command=_fill)
    fetching = commands.add_parser("fetch", help="download a weights file and check its sha256")
    fetching.add_argument("name", metavar="NAME")
    fetching.add_argument("--weights", type=commandline.path, metavar="DIR", help="the folder to write to")
    fetching.set_defaults(command=_fetch)
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
    if reasons := [reason for name in METHODS if (reason := unavailable(name))]:
        print("", "Not ready yet:", *reasons, sep="\n")
    return 0


def _presets() -> dict[str, dict[str, int]]:
    return {name: found for name, spec in METHODS.items() if (found := spec.presets())}


# --- fill -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    photo: Path
    mask: Path


def _fill(arguments: argparse.Namespace) -> int:
    names = list(dict.fromkeys(filter(None, map(str.strip, arguments.method.split(",")))))
    if not names:
        raise InputError(f"Name a method after --method: {', '.join(METHODS)}.")
    options = _options(names, arguments.option)
    methods = [create(name, device=arguments.device, **options[name]) for name in names]
    pairs = _pairs(arguments.photo, arguments.mask)
    single = not arguments.photo.is_dir()
    if arguments.strip and arguments.n < 2:
        raise InputError("--strip shows several answers side by side: ask for them with --n 2 or more.")
    targets = _Targets(arguments.out, several_methods=len(names) > 1, single=single and arguments.n == 1)
    commandline.check_new(
        (
            path
            for name in names
            for pair in pairs
            for path in targets.paths(pair.photo.stem, name, arguments)
        ),
        [path for pair in pairs for path in (pair.photo, pair.mask)],
        overwrite=arguments.overwrite,
    )
    failures = 0
    for method, pair in _progress([(method, pair) for method in methods for pair in pairs]):
        try:
            targets.save(pair.photo.stem, _answers(method, pair, arguments), arguments)
        except Exception as error:
            if single or disk_full(error):
                raise
            failures += 1
            say(f"{pair.photo.name}: {sentence(error)}")
    return 1 if failures else 0


def _progress(jobs: list[tuple[Inpainter, _Pair]]) -> Iterator[tuple[Inpainter, _Pair]]:
    with tqdm(jobs, unit="picture", disable=None) as bar:
        for method, pair in bar:
            bar.set_description(f"{method.spec.name} {pair.photo.name}")
            yield method, pair


def _answers(method: Inpainter, pair: _Pair, arguments: argparse.Namespace) -> list[InpaintResult]:
    photo = load_image(pair.photo)
    mask, notes = load_mask(pair.mask, photo.image.shape[:2])
    guide = load_mask(arguments.guide)[0] if arguments.guide else None
    if sys.stderr.isatty() and (price := _price(method, mask, arguments.n)):
        tqdm.write(f"{pair.photo.name}: {price}", sys.stderr)
    results = method.run(
        [InpaintRequest(photo.image, mask, seed=arguments.seed, n=arguments.n, guide=guide)]
    )[0]
    costs.observe(workload(mask, method.spec, results[0].options), results[0].seconds)
    for note in dict.fromkeys([*photo.notes, *notes, *results[0].notes]):
        say(f"{pair.photo.name}: {note}")
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
        if suffix in _READ and suffix != ".png":
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

    def paths(self, stem: str, method: str, arguments: argparse.Namespace) -> Iterator[Path]:
        """All files that the answers of one method to one photograph are written to."""
        seeds = range(arguments.seed, arguments.seed + min(arguments.n, 64))
        names = [f"{stem}-{seed}.png" for seed in seeds] if arguments.n > 1 else [f"{stem}.png"]
        for name in names + [f"{stem}-strip.png"] * arguments.strip:
            yield self._path(name, method)

    def save(self, stem: str, results: Sequence[InpaintResult], arguments: argparse.Namespace) -> None:
        """Write them; with --strip also one picture of all, side by side."""
        pictures = [result.image for result in results]
        pictures += [side_by_side(pictures)] if arguments.strip else []
        for path, picture in zip(self.paths(stem, results[0].method, arguments), pictures, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            save_png(path, picture)

    def _path(self, name: str, method: str) -> Path:
        folder = self.out / method if self.several_methods else self.out
        return self.out if self._is_file else folder / name


def _pairs(photo: Path, mask: Path) -> list[_Pair]:
    if not photo.is_dir():
        if mask.is_dir():
            raise InputError(
                f"One photograph needs one mask, and '{mask.name}' is a folder; name a picture in it."
            )
        return [_Pair(photo, mask)]
    photos = _pictures(photo)
    if not mask.is_dir():
        return [_Pair(path, mask) for path in photos.values()]
    masks = _pictures(mask)
    if alone := sorted(photos.keys() - masks.keys()):
        raise InputError(
            f"{len(alone)} photographs have no mask of the same name, the first is '{alone[0]}'; add one or "
            "move it away."
        )
    return [_Pair(path, masks[stem]) for stem, path in photos.items()]


def _pictures(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _READ:
            continue
        if path.stem in found:
            raise InputError(
                f"'{found[path.stem].name}' and '{path.name}' have one name; rename one, as results are "
                "named after it."
            )
        found[path.stem] = path
    if not found:
        raise InputError(
            f"'{folder.name}' holds no pictures ({', '.join(suffix[1:] for suffix in _READ)}); choose "
            "another folder."
        )
    return found


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


# --- fetch ----------------------------------------------------------------------------------------


def _fetch(arguments: argparse.Namespace) -> int:
    with tqdm(unit="B", unit_scale=True, disable=None, desc=arguments.name) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        path = fetch(arguments.name, show)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

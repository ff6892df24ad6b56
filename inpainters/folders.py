"""Folders of pictures as people keep them, and which mask belongs to which photograph."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inpainters.errors import InputError
from inpainters.imaging import PICTURE_SUFFIXES, shown

NOT_THEIRS = ("$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX", "@eaDir")
"""Folders of bins and thumbnails that systems make; those whose name begins with a dot are alike."""
_LISTED = 5
"""So many names stand in a sentence; the others are counted."""


@dataclass(frozen=True)
class FoundPictures:
    """The pictures of a folder."""

    files: tuple[Path, ...]
    """In the order of their names, numbers by value."""
    skipped: tuple[str, ...]
    """A sentence for each kind of thing that was left out: counted and named."""


def find_pictures(
    folder: Path, suffixes: Sequence[str] = PICTURE_SUFFIXES, leave: Path | None = None
) -> FoundPictures:
    """The pictures in a folder and in those below it, linked ones too; each file once.

    Hidden files and folders, bins and thumbnails are left out, what has another suffix, and the folder
    `leave`.
    """
    files: dict[str, Path] = {}
    hidden: list[str] = []
    closed: list[str] = []
    others: Counter[str] = Counter()
    left = {os.path.realpath(leave)} - {os.path.realpath(folder)} if leave else set()
    for place in _walk(folder, hidden, closed, left):
        if place.name.startswith("."):
            hidden.append(place.name)
        elif place.suffix.lower() not in suffixes:
            others[place.suffix.lower() or place.name] += 1
        else:
            files.setdefault(os.path.realpath(place), place)
    return FoundPictures(
        tuple(sorted(files.values(), key=lambda file: in_order(file.relative_to(folder)))),
        tuple(_sentences(shown(folder.resolve()), hidden, closed, others)),
    )


def _walk(folder: Path, hidden: list[str], closed: list[str], leave: set[str]) -> Iterator[Path]:
    """The files below a folder; a folder that is linked to one it lies in is entered once."""
    entered = set(leave)
    for place, folders, names in os.walk(
        folder, onerror=lambda e: closed.append(e.filename), followlinks=True
    ):
        real = os.path.realpath(place)
        again = real in entered
        entered.add(real)
        if again:
            folders.clear()
            continue
        left = [name for name in folders if name.startswith(".") or name in NOT_THEIRS]
        hidden += left
        folders[:] = sorted(set(folders) - set(left))
        for name in sorted(names):
            yield Path(place) / name


def _sentences(
    name: str, hidden: Sequence[str], closed: Sequence[str], others: Counter[str]
) -> Iterator[str]:
    if closed:
        yield f"Folders of '{name}' that cannot be read ({len(closed)}): {listed(closed)}."
    if hidden:
        yield f"Left out of '{name}', as they are hidden ({len(hidden)}): {listed(hidden)}."
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in others.most_common(_LISTED))
        yield f"Left out of '{name}', as their suffix is no picture's ({others.total()}): {kinds}."


def listed(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(os.fsencode(name).decode(errors="replace") for name in names[:_LISTED]) + more


def in_order(path: Path) -> tuple[tuple[tuple[bool, int, str], ...], str]:
    """Sorts paths as people count: 9.jpg before 10.jpg."""
    parts = re.split(r"(\d+)", str(path))
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts), str(
        path
    )


@dataclass(frozen=True)
class FilePair:
    """A photograph, the mask for it, and what its result is called."""

    photo: Path
    mask: Path | None
    """None: the photograph's own alpha."""
    name: str
    """Below the results' folder, with `/` between folders and without a suffix."""


@dataclass(frozen=True)
class FilePairs:
    """What belongs together in two folders, and what is left."""

    pairs: tuple[FilePair, ...]
    photos: tuple[str, ...]
    """Photographs without a mask."""
    masks: tuple[str, ...]
    """Masks without a photograph."""
    skipped: tuple[str, ...]


def pair_up(photos: Path, masks: Path | None, leave: Path | None = None) -> FilePairs:
    """Pair the photographs of a folder with a mask for each: that of a folder, or the one that is a file, or
    each one's own alpha where it is None. Subfolders are mirrored.

    A mask has its photograph's name, in any case, with any suffix, and `mask` and a number before or behind
    it: a.png, a.jpg.png, a_mask.png, A-Mask000.PNG, mask_a.png. Where several have, each makes a pair. Both
    may lie in one folder. `leave`: the folder of results, which may lie there too. Raises InputError where
    nothing pairs.
    """
    found = find_pictures(photos, leave=leave)
    if not found.files:
        raise InputError(
            f"'{shown(photos)}' holds no pictures ({', '.join(suffix[1:] for suffix in PICTURE_SUFFIXES)}); "
            "choose another folder."
        )
    if masks is None or not masks.is_dir():
        return FilePairs(_named(photos, [(photo, [masks]) for photo in found.files]), (), (), found.skipped)
    others = find_pictures(masks, leave=leave)
    mine, theirs = _apart(photos, found.files, masks, others.files)
    tables = _by_key(theirs)
    matched = {photo: _masks_of(photo, path, tables) for path, photo in mine.items()}
    alone = tuple(str(path) for path, photo in mine.items() if not matched[photo])
    if len(alone) == len(mine):
        first = f", the first is '{shown(Path(alone[0]))}'" if alone else ""
        raise InputError(
            f"None of the {len(alone)} photographs has a mask of its name{first}: a mask is called like its "
            "photograph, or like it with _mask."
        )
    used = {mask for some in matched.values() for mask in some}
    left = tuple(str(path) for path, mask in theirs.items() if mask not in used)
    given = [(photo, some) for photo, some in matched.items() if some]
    return FilePairs(
        _named(photos, given), alone, left, tuple(dict.fromkeys((*found.skipped, *others.skipped)))
    )


def masks_by_name(photos: Iterable[str], masks: Iterable[str]) -> dict[str, list[str]]:
    """Name of a photograph -> the names of its masks, as `pair_up` pairs two folders."""
    tables = _by_key({Path(name): Path(name) for name in masks})
    return {name: [mask.name for mask in _masks_of(Path(name), Path(name), tables)] for name in photos}


def named_as_masks(names: Collection[str]) -> set[str]:
    """Of files that lie in one folder those whose names say that they are masks of others."""
    keys = {name_key(Path(name)) for name in names}
    return {name for name in names if _bases(Path(name)) & keys}


_Files = Mapping[Path, Path]
"""A path below its folder -> the file."""


def _apart(
    root: Path, photos: Sequence[Path], mask_root: Path, masks: Sequence[Path]
) -> tuple[_Files, _Files]:
    """Which pictures are photographs and which masks, where one folder is the other, or lies in it."""
    mine = {photo.relative_to(root): photo for photo in photos}
    if root.resolve() == mask_root.resolve():
        keys = {name_key(path) for path in mine}
        theirs = {path: photo for path, photo in mine.items() if _bases(path) & keys}
    else:
        theirs = {mask.relative_to(mask_root): mask for mask in masks}
    used = {os.path.realpath(mask) for mask in theirs.values()}
    apart = {path: photo for path, photo in mine.items() if os.path.realpath(photo) not in used}
    if not apart:  # the photographs' folder lies in that of the masks
        own = set(map(os.path.realpath, photos))
        return mine, {path: mask for path, mask in theirs.items() if os.path.realpath(mask) not in own}
    return apart, theirs


NameKey = tuple[str, str]
"""A folder and a name, as they are compared."""
_MASK = r"(?:mask|masks|hole)"
_BEHIND = re.compile(rf"^(.+?)[ _.-]*{_MASK}[ _.-]*\d*$")
_BEFORE = re.compile(rf"^{_MASK}[ _.-]*\d*[ _.-]+(.+)$")


def _fold(text: str) -> str:
    """Composed and decomposed accents, and both cases, are one name."""
    return unicodedata.normalize("NFC", text).casefold()


def name_key(path: Path) -> NameKey:
    """What files of one name share, below folders that mirror each other, whatever their suffix."""
    return _fold(str(path.parent)), _fold(path.stem)


def _bases(path: Path) -> set[NameKey]:
    """The names of photographs that a mask's name, with `mask` in it, may stand for."""
    folder, stem = name_key(path)
    found = {match[1] for pattern in (_BEHIND, _BEFORE) if (match := pattern.match(stem))}
    return {(folder, name) for base in found for name in (base, _without_suffix(base))}


def _without_suffix(stem: str) -> str:
    head, dot, tail = stem.rpartition(".")
    return head if dot and f".{tail}" in PICTURE_SUFFIXES else stem


def _by_key(masks: _Files) -> list[dict[NameKey, list[Path]]]:
    """Masks by the photograph's name: those that have it, then those that have it with more."""
    plain: dict[NameKey, list[Path]] = {}
    more: dict[NameKey, list[Path]] = {}
    for path, mask in masks.items():
        folder, stem = name_key(path)
        plain.setdefault((folder, stem), []).append(mask)
        for key in _bases(path) | {(folder, _without_suffix(stem))}:
            more.setdefault(key, []).append(mask)
    return [plain, more]


def _masks_of(photo: Path, path: Path, tables: Sequence[Mapping[NameKey, list[Path]]]) -> list[Path]:
    """The masks of a photograph: the one with its very name before others."""
    found = next((masks for table in tables if (masks := table.get(name_key(path)))), [])
    return [mask for mask in found if mask.name == photo.name] or found


def _named(root: Path, given: Sequence[tuple[Path, Sequence[Path | None]]]) -> tuple[FilePair, ...]:
    """A name for each result: the photograph's, or where it has several masks the mask's; with the suffix
    where two would share one.
    """
    found = [
        (photo, mask, (mask if mask and len(masks) > 1 else photo).name)
        for photo, masks in given
        for mask in masks
    ]
    places = [photo.relative_to(root).parent / name for photo, _, name in found]
    count = Counter(map(name_key, places))
    return tuple(
        FilePair(photo, mask, (place if count[name_key(place)] > 1 else place.with_suffix("")).as_posix())
        for (photo, mask, _), place in zip(found, places, strict=True)
    )

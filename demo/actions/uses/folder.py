"""What a visitor can do in the use that fills several photographs at once."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from demo.actions.tools import searching
from demo.actions.uses.shared import cheapest_first, method_to_begin, offered_methods, ready_method
from demo.server.folder import (
    FOLDER,
    FOLDER_PIXELS,
    MASK_FILES,
    MOST_BYTES,
    FolderPicture,
    FolderVisit,
    open_example_folder,
    open_folder_picture,
    pair_masks,
    price_of_pictures,
)
from demo.server.folder_job import UNDER_WAY, FolderJob
from demo.server.jobs import MOST_SECONDS, Batch, Price
from demo.server.ledger import payer_of
from demo.server.pictures import PAGE_PIXELS
from demo.server.visit import App, Reply
from inpainters import registry
from inpainters.costs import spoken
from inpainters.errors import InputError
from inpainters.folders import listed, named_as_masks
from inpainters.imaging import size_in_header

MOST_FOLDERS = 3
"""Folders of all visitors that are worked on or wait."""
MOST_MASKS = 200
"""Mask files of one visitor, at most."""
MOST_TOLD = 3
"""So many files that cannot be used have a sentence of their own; the others are counted."""
LEAST_LEFT = 5.0
"""Seconds that must be left of a visitor's hour."""
SOURCES = {MASK_FILES: "Mask files", "scratches,dust": "Scratches and dust", "text": "Text laid over"}
"""Where masks come from -> in words."""
OTHER_FOLDER = "Another folder from your address is being filled: stop it first, or wait until it has ended."
NO_FOLDERS = "The owner of this page lets nobody fill folders: use the command below."
_STARTS = threading.Lock()
"""Two tabs that press at once are not both let in."""
_NOTHING = np.zeros((8, 8, 3), np.uint8)
"""The picture of the request, of which a FolderJob takes nothing."""
MOST_SIGNS = 255
"""Of a file's name: more than any file system bears."""


def folder_prices(visit: FolderVisit) -> dict[str, Price]:
    """What all that is due costs with each method."""
    return cheapest_first({name: _price_of_all(visit, name) for name in offered_methods()})


def _price_of_all(visit: FolderVisit, method: str) -> Price:
    due = [one for one in visit.pictures if not visit.lacking(one)]
    if method == visit.method:
        due = visit.due()
    prices = price_of_pictures(visit, due, registry.get(method))
    calls, seconds, cost = (sum(parts) for parts in zip(*prices, strict=True)) if prices else (0, 0.0, 0.0)
    return Price(int(calls), seconds, cost)


def folder_command(visit: FolderVisit) -> str:
    """The command that does the same; PHOTOS and MASKS are folders."""
    method = visit.method or method_to_begin()
    if visit.source == MASK_FILES:
        return f"python -m inpainters fill PHOTOS MASKS --method {method} --seed 0 -o filled"
    return (
        f'for photo in PHOTOS/*; do python -m inpainters restore "$photo" --find {visit.source} '
        f'--method {method} -o "filled/$(basename "${{photo%.*}}").png"; done'
    )


def open_folder_use(app: App, visit: FolderVisit) -> Reply | None:
    """It came into view: the example is open where nothing else is."""
    visit.method = visit.method or method_to_begin()
    return None if visit.pictures or not app.folders.allowance.pictures else choose_folder(visit, FOLDER)


def choose_folder(visit: FolderVisit, name: str) -> Reply:
    """Open an example."""
    _check_idle(visit)
    if name != FOLDER:
        raise InputError("That example is unknown; reload the page.")
    open_example_folder(visit)
    return Reply()


def take_files(app: App, visit: FolderVisit, kind: str, files: Sequence[tuple[str, str]]) -> Reply:
    """Uploaded files, (path, name on the visitor's machine): photographs, or masks for them. Among
    photographs those that are called like masks of others are masks. What cannot be used is said and left
    out.
    """
    _check_idle(visit)
    if not app.folders.allowance.pictures:
        raise InputError(NO_FOLDERS)
    if visit.example:
        visit.close()
    named = [(Path(path), _name(name or Path(path).name)) for path, name in files]
    known = {one.name for one in visit.pictures}
    called = named_as_masks({name for _, name in named} | known) if kind == "photos" else set()
    problems: list[str] = []
    for path, name in named:
        try:
            if kind == "masks" or name in called:
                _take_mask(visit, path, name)
            else:
                _take_photo(app, visit, path, name)
        except InputError as error:
            problems.append(str(error))
    left = pair_masks(visit)
    return Reply(_told(visit, problems, left), error=bool(problems))


def _take_photo(app: App, visit: FolderVisit, path: Path, name: str) -> None:
    most = app.folders.allowance.pictures
    if any(one.name == name for one in visit.pictures):
        raise InputError(f"'{name}' is there already: give one of the two another name.")
    if len(visit.pictures) >= most:
        raise InputError(f"'{name}' is one too many: a page takes {most} at once, the command below any.")
    _check_bytes(visit, path, name)
    one = open_folder_picture(visit.store, path, name)
    pixels = sum(other.size[0] * other.size[1] for other in [*visit.pictures, one])
    if pixels > FOLDER_PIXELS:
        visit.drop(*one.tokens)
        raise InputError(
            f"'{name}' is too much: a page takes {FOLDER_PIXELS // 1_000_000} megapixels at once, the "
            "command below any."
        )
    visit.pictures.append(one)


def _take_mask(visit: FolderVisit, path: Path, name: str) -> None:
    """Keep a mask file that is a picture; whether it fits is asked with its photograph."""
    if name not in visit.masks and len(visit.masks) >= MOST_MASKS:
        raise InputError("So many masks are too many: remove all and begin anew.")
    before = visit.masks.get(name)
    _check_bytes(visit, path, name, visit.store.size([before] if before else []))
    try:
        height, width = size_in_header(path)
    except InputError as error:
        raise InputError(str(error).replace(f"'{path.name}'", f"'{name}'")) from None
    if height * width > PAGE_PIXELS:
        raise InputError(f"'{name}' is {width}×{height}, more than any picture here. Use the picture's size.")
    visit.masks[name] = visit.store.put(path.read_bytes(), path.suffix.lower() or ".bin")
    visit.drop(before)
    for one in visit.pictures:
        one.mask_name = "" if one.mask_name == name else one.mask_name


def _check_bytes(visit: FolderVisit, path: Path, name: str, freed: int = 0) -> None:
    """Refuse a file for which the visit has no room; `freed`: bytes of the one that it takes the place of."""
    try:
        size = path.stat().st_size
    except OSError:
        raise InputError(f"The upload of '{name}' is gone; upload it again.") from None
    if visit.uploaded - freed + size > MOST_BYTES:
        raise InputError(
            f"'{name}' is too much: a page takes files of {MOST_BYTES // 1_000_000} MB at once, the command "
            "below any."
        )


def _name(name: str) -> str:
    """A file's name as its visitor knows it, without folders."""
    plain = name.replace("\\", "/").rpartition("/")[2].encode(errors="replace").decode()
    suffix = Path(plain).suffix[:MOST_SIGNS]
    plain = plain if len(plain) <= MOST_SIGNS else plain[: MOST_SIGNS - len(suffix)] + suffix
    return "picture" if plain in ("", ".", "..") else plain


def _told(visit: FolderVisit, problems: Sequence[str], left: Sequence[str]) -> str:
    count = len(visit.pictures)
    ready = sum(not visit.lacking(one) for one in visit.pictures)
    head = f"{count} photograph{'s' * (count != 1)}"
    said = [f"{head}, {ready} with a mask." if visit.source == MASK_FILES else f"{head}."]
    if left and visit.source == MASK_FILES:
        said.append(f"Masks without a photograph: {listed(left)}.")
    said += problems[:MOST_TOLD]
    more = len(problems) - MOST_TOLD
    return " ".join([*said, *([f"And {more} more that cannot be used."] if more > 0 else [])])


def remove_picture(visit: FolderVisit, key: str) -> Reply:
    """Take one photograph out, or "all" of them with their masks."""
    _check_idle(visit)
    if key == "all":
        visit.close()
        return Reply()
    for one in [one for one in visit.pictures if one.key == key]:
        visit.remove(one)
    return Reply(_told(visit, [], []))


def choose_source(visit: FolderVisit, source: str) -> Reply:
    """Where masks come from: files, or what is found in each photograph."""
    _check_idle(visit)
    if source not in SOURCES:
        raise InputError("Masks come from files or are found; reload the page.")
    visit.source = source
    left = pair_masks(visit) if source == MASK_FILES else []
    return Reply(_told(visit, [], left) if visit.pictures else "")


def fill_folder(app: App, visit: FolderVisit, host: str | None) -> Batch:
    """Queue all that is due: what is filled already with the same method and mask stays."""
    _check_idle(visit)
    spec, allowance = ready_method(visit), app.folders.allowance
    due, payer = visit.due(), payer_of(host, visit.id)
    if not allowance.pictures:
        raise InputError(NO_FOLDERS)
    if not due:
        raise InputError(_why_nothing(visit.pictures))
    prices = price_of_pictures(visit, due, spec)
    with _STARTS:
        left = app.folders.left(payer)
        _check_time(spec.title, len(due), sum(one.seconds for one in prices), left, allowance.minutes)
        _check_others(app, payer)
        job = FolderJob(
            spec.name, seconds=sum(one.seconds for one in prices), cost=sum(one.cost for one in prices),
            store=visit.store, pictures=due, source=visit.source, expected=[one.seconds for one in prices],
            allowed=left, minutes=allowance.minutes, spend=partial(app.folders.spend, payer), payer=payer,
            searching=searching, owner=id(visit),
        )  # fmt: skip
        visit.batch = Batch([job])
        app.runner.start(_NOTHING, _NOTHING[..., 0] > 0, [job])
    return visit.batch


def _check_others(app: App, payer: str) -> None:
    """One folder of a payer at a time, be it one that was stopped and is just ending."""
    jobs = [job for job in app.runner.lanes.works() if isinstance(job, FolderJob)]
    if any(job.payer == payer for job in jobs):
        raise InputError(OTHER_FOLDER)
    if len(jobs) >= MOST_FOLDERS:
        raise InputError(f"{MOST_FOLDERS} folders are being filled already: try again in a minute.")


def _why_nothing(pictures: Sequence[FolderPicture]) -> str:
    if not pictures:
        return "Upload photographs first, or take the example."
    if all(one.fill for one in pictures):
        return "All are filled: choose another method, or upload more."
    return "No photograph has a mask that fits: each says why."


def _check_time(title: str, count: int, seconds: float, left: float, minutes: float) -> None:
    if left < LEAST_LEFT:
        raise InputError(
            f"Your {minutes:g} minutes of this hour are used up: go on later, or use the command below."
        )
    takes = f"{title} takes {spoken(seconds)} for {count} photograph{'s' * (count != 1)}"
    if seconds > left:
        raise InputError(
            f"{takes}, and {spoken(left)} of this hour are left to you: choose a faster method, or "
            "remove some."
        )
    if seconds > MOST_SECONDS:
        raise InputError(
            f"{takes}, and one run may take {spoken(MOST_SECONDS)}: choose a faster method, or remove some."
        )


def _check_idle(visit: FolderVisit) -> None:
    if visit.running:
        raise InputError(UNDER_WAY)

"""Several photographs that a visitor fills at once, each with its mask, and how much of that one may do."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from demo.server.clips import tinted
from demo.server.copies import at_most, thumbnail
from demo.server.jobs import Price, price
from demo.server.ledger import Ledger
from demo.server.pictures import DECODING, MIN_SIDE, PAGE_PIXELS, open_mask
from demo.server.samples import sample_path
from demo.server.store import Store, url
from demo.server.use_visit import UseVisit
from inpainters.errors import InputError
from inpainters.folders import masks_by_name
from inpainters.imaging import Image, Mask, encode_png, load_image
from inpainters.masks import generate
from inpainters.spec import MethodSpec
from inpainters.strategy import Outline

FOLDER_PIXELS = 160_000_000
"""Pixels of all photographs together, at most."""
MOST_BYTES = 400_000_000
"""Of all files of one visitor as they came, at most."""
SHEET_SIDE = 320
"""Pixels of the longer side of what is shown of each."""
MASK_FILES = "files"
"""Where masks come from; else they are found, and this is a list of FINDERS with commas."""
OF_FILES, SEARCHING = 0.5, 0.9
"""Seconds per million pixels of a file that is read and written, and of a picture that is searched, on the
reference machine.
"""
GUESSED = 0.03
"""The share of a picture that is expected to be found."""
FOLDER, FOLDER_TITLE = "folder", "Three photographs with their masks"
"""The example, and what it is called."""
NO_MASK = "It has no mask: upload one of its name, or of its name with _mask."
_EXAMPLES = ("coffee", "chelsea", "rocket")

PictureState = Literal["ready", "running", "done", "failed"]


@dataclass(frozen=True)
class FolderAllowance:
    """What the machine's owner lets a visitor fill at once."""

    pictures: int = 40
    """0: nothing."""
    minutes: float = 15.0
    """Within an hour."""


class Folders:
    """What visitors have used of their allowance."""

    def __init__(self, allowance: FolderAllowance = FolderAllowance()) -> None:
        self.allowance, self._ledger = allowance, Ledger()
        self.spend = self._ledger.spend

    def left(self, payer: str) -> float:
        """Seconds that a payer's pictures may still take within this hour."""
        return 60 * self.allowance.minutes - self._ledger.spent(payer)


@dataclass(frozen=True)
class FolderFill:
    """What was made of one photograph, and how."""

    answer: str
    """Token of the filled PNG."""
    small: str
    """Token of a small copy of it."""
    mask: str
    """Token of the mask that was filled."""
    mask_name: str
    """Of that mask's file; empty where it was found."""
    method: str
    source: str
    """Where its mask came from."""
    options: Mapping[str, object]
    """Settings of the method."""
    notes: tuple[str, ...]
    seconds: float


@dataclass(eq=False)
class FolderPicture:
    """One photograph of several, its mask, and what was made of it."""

    name: str
    """Of its file, as the visitor calls it."""
    file: str
    """Token of the file as it came."""
    size: tuple[int, int]
    """(height, width)"""
    thumb: str
    """Token of a small copy with its mask in a colour."""
    key: str = field(default_factory=lambda: secrets.token_hex(6))
    """What the page calls it."""
    mask: str | None = None
    """Token of its mask (white = missing): from a file, or found."""
    mask_name: str = ""
    """Of that file."""
    hole: Outline | None = None
    lacks: str = ""
    """Why it cannot be filled, in one sentence."""
    state: PictureState = "ready"
    failed: str = ""
    """Why it was not filled, in one sentence."""
    fill: FolderFill | None = None
    """The last one; it stays until another is stored."""

    @property
    def answer(self) -> str | None:
        """Token of the filled PNG."""
        return self.fill.answer if self.fill else None

    @property
    def tokens(self) -> list[str]:
        """All its files."""
        made = (self.fill.answer, self.fill.small, self.fill.mask) if self.fill else ()
        return [token for token in dict.fromkeys((self.file, self.thumb, self.mask, *made)) if token]

    def take_fill(self, store: Store, fill: FolderFill) -> None:
        """Take a fill in place of the one before, whose files go."""
        before, self.fill = self.tokens, fill
        store.drop([token for token in before if token not in self.tokens])

    def take_mask(self, store: Store, image: Image, mask: Mask, name: str = "") -> None:
        """Take a mask in place of the one before, which stays while it is the one of what is filled."""
        before, fresh = self.tokens, store.put_image(mask)
        try:
            thumb = store.put_image(at_most(tinted(image, mask), SHEET_SIDE))
        except InputError:
            store.drop([fresh])
            raise
        self.mask, self.mask_name, self.hole, self.thumb = fresh, name, Outline.of(mask), thumb
        store.drop([token for token in before if token not in self.tokens])


@dataclass(eq=False)
class FolderVisit(UseVisit):
    """What one visitor has open to be filled at once."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    pictures: list[FolderPicture] = field(default_factory=list)
    masks: dict[str, str] = field(default_factory=dict)
    """Name of a mask file -> token of it as it came."""
    source: str = MASK_FILES
    packed: str | None = None
    """Token of the last zip."""
    example: bool = False
    """True while the example is open: what is uploaded takes its place."""

    @property
    def settings(self) -> tuple[str, str]:
        return self.method, self.source

    @property
    def uploaded(self) -> int:
        """Bytes of its files as they came."""
        return self.store.size([*(one.file for one in self.pictures), *self.masks.values()])

    def due(self) -> list[FolderPicture]:
        """Those that can be filled and are not, with the method and the masks that are chosen."""
        return [one for one in self.pictures if not self.lacking(one) and not self.up_to_date(one)]

    def lacking(self, one: FolderPicture) -> str:
        """Why a picture cannot be filled; empty where it can."""
        return one.lacks if self.source == MASK_FILES else ""

    def up_to_date(self, one: FolderPicture) -> bool:
        """Whether a picture is filled with what is chosen."""
        made = one.fill
        return made is not None and (made.method, made.source, made.mask) == (*self.settings, one.mask)

    def remove(self, one: FolderPicture) -> None:
        """Forget a picture."""
        self.pictures.remove(one)
        self.drop(*one.tokens)

    def close(self) -> None:
        self.clear()
        for one in list(self.pictures):
            self.remove(one)
        self.drop(self.packed, *self.masks.values())
        self.masks, self.packed, self.example = {}, None, False


def open_folder_picture(store: Store, path: Path, name: str) -> FolderPicture:
    """Read an uploaded file, which is taken into the store; InputError with one sentence where it cannot be
    used.
    """
    try:
        with DECODING:
            image = load_image(path, max_pixels=PAGE_PIXELS).image
    except InputError as error:
        raise InputError(str(error).replace(f"'{path.name}'", f"'{name}'")) from None
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(f"'{name}' is {width}×{height}: a side has {MIN_SIDE} pixels at least.")
    token = store.put(path.read_bytes(), path.suffix.lower() or ".bin")
    return FolderPicture(name, token, (height, width), store.put_image(at_most(image, SHEET_SIDE)))


def pair_masks(visit: FolderVisit) -> list[str]:
    """Give each photograph the mask file of its name; returns the names of masks that no photograph has. Why
    a photograph has none, or one that does not fit, stands with it.
    """
    found = masks_by_name([one.name for one in visit.pictures], visit.masks)
    for one in visit.pictures:
        (name, *_) = [*found[one.name], ""]
        if not name:
            one.lacks = NO_MASK
        elif name != one.mask_name:
            try:
                _give_mask(visit.store, one, visit.masks[name], name)
                one.lacks = ""
            except InputError as error:
                one.lacks = str(error)
    used = {name for names in found.values() for name in names[:1]}
    return [name for name in visit.masks if name not in used]


def _give_mask(store: Store, one: FolderPicture, token: str, name: str) -> None:
    """Take a mask file for a picture; InputError where it does not fit."""
    try:
        with DECODING:
            mask, _ = open_mask(_path(store, token), one.size, name)
    except InputError as error:
        raise InputError(str(error).replace("The mask is", f"'{name}' is")) from None
    if mask.shape != one.size:
        found, wanted = (f"{width}×{height}" for height, width in (mask.shape, one.size))
        raise InputError(f"'{name}' is {found}, the picture {wanted}. Use the same size.")
    if not mask.any():
        raise InputError(f"'{name}' masks nothing: white is what is missing.")
    if mask.all():
        raise InputError(f"'{name}' masks all of the picture: leave something that can be seen.")
    with DECODING:
        image = load_image(_path(store, one.file), max_pixels=PAGE_PIXELS).image
        one.take_mask(store, image, mask, name)


def _path(store: Store, token: str) -> Path:
    path = store.path(token)
    if path is None:
        raise InputError("That picture has expired; upload it again.")
    return path


def price_of_pictures(visit: FolderVisit, due: Sequence[FolderPicture], spec: MethodSpec) -> list[Price]:
    """What each of these costs with a method."""
    return [_price(visit, one, spec) for one in due]


def _price(visit: FolderVisit, one: FolderPicture, spec: MethodSpec) -> Price:
    found = visit.source != MASK_FILES
    hole = Outline.spread(one.size, GUESSED) if found or one.hole is None else one.hole
    fill, millions = price(spec, hole), one.size[0] * one.size[1] / 1e6
    around = OF_FILES * millions + (SEARCHING * min(1.0, millions) if found else 0.0)
    return Price(fill.calls, fill.seconds + around, fill.cost + around)


@lru_cache(maxsize=4)
def folder_examples(store: Store) -> list[dict[str, str | None]]:
    """`[{id, title, src}]` of folders to try."""
    photo = load_image(sample_path(_EXAMPLES[0])).image
    small = thumbnail(photo, (0, 100, 400, 500))
    return [{"id": FOLDER, "title": FOLDER_TITLE, "src": url(store.put(encode_png(small), keep=True))}]


def open_example_folder(visit: FolderVisit) -> None:
    """Photographs that ship inside packages, each with a drawn mask."""
    visit.close()
    for seed, name in enumerate(_EXAMPLES):
        path = sample_path(name)
        one = open_folder_picture(visit.store, path, path.name)
        mask = generate("irregular", one.size, seed=seed, ratio=0.08)
        visit.masks[f"{path.stem}_mask.png"] = visit.store.put_image(mask)
        visit.pictures.append(one)
    visit.example = True
    pair_masks(visit)

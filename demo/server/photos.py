"""An old photograph that a visitor has open: the marks found on it, and what was made of it."""

import threading
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from demo.server.clips import tinted
from demo.server.copies import thumbnail
from demo.server.drawn_photo import old_photograph
from demo.server.jobs import Batch, Job
from demo.server.pictures import OpenPicture
from demo.server.store import Store, url
from demo.server.use_visit import UseVisit
from inpainters.errors import Cancelled
from inpainters.imaging import Image, Mask, encode_png
from inpainters.strategy import Outline

OLD, OLD_TITLE = "old", "Old photograph"
"""The drawn example, and what it is called."""


@dataclass(eq=False)
class PhotoVisit(UseVisit):
    """What one visitor has open to mend."""

    picture: OpenPicture | None = None
    kinds: tuple[str, ...] = ("scratches", "dust")
    """What is looked for, of FINDERS."""
    mask: str | None = None
    """Token of the marks that were found (white = missing)."""
    marked: str | None = None
    """Token of the picture with its marks in a colour."""
    hole: Outline | None = None
    """The same marks; None where there are none."""
    share: float = 0.0
    """Of the picture."""
    answer: str | None = None
    """Token of the picture as it was filled."""
    file: str | None = None
    """Token of what was last downloaded."""
    ran: tuple[str, str | None] = ("", None)
    """Method and mask of the last run."""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """Held while what is filled changes hands: a worker may end while the visitor begins anew."""

    def open(self, picture: OpenPicture) -> None:
        """Take a picture in place of the one that is open."""
        self.close()
        self.picture = picture

    def mark(self, image: Image, mask: Mask) -> None:
        """Take marks in place of those that were found before. What was filled on others stays, and is
        stale.
        """
        _, before = self.ran
        same = before is not None and np.array_equal(self.store.mask(before), mask)
        self.drop(self.marked, None if self.mask == before else self.mask)
        self.mask = before if same else self.store.put_image(mask)
        self.marked = self.store.put_image(tinted(image, mask))
        self.hole, self.share = Outline.of(mask) if mask.any() else None, float(mask.mean())

    def begin(self, job: Job, mask: str) -> Batch:
        """Take a job for that mask in place of the one before, and of what it filled."""
        with self._lock:
            self.clear()
            batch = self.batch = Batch([job])
            self.ran = job.method, mask
        return batch

    def keep(self, job: Job, token: str) -> None:
        """Take what a job has filled; where another photograph or job is here by now, or it was stopped, that
        is deleted. Raises Cancelled then.
        """
        with self._lock:
            if self.job is job and not job.halted:
                self.answer = token
                return
        self.drop(token)
        raise Cancelled

    def clear(self) -> None:
        """Stop, and forget what was filled."""
        with self._lock:
            super().clear()
            _, before = self.ran
            self.drop(self.answer, self.file, None if self.mask == before else before)
            self.answer, self.file, self.ran = None, None, ("", None)

    def close(self) -> None:
        self.clear()
        self.drop(self.mask, self.marked)
        if one := self.picture:
            self.drop(one.original, one.token, one.preview, one.transparent)
        self.picture = self.mask = self.marked = self.hole = None


@lru_cache(maxsize=4)
def photo_examples(store: Store) -> list[dict[str, str | None]]:
    """`[{id, title, src}]` of photographs to mend."""
    photo, _ = old_photograph()
    side = min(photo.shape[:2])
    small = thumbnail(photo, (0, 80, side, 80 + side))
    return [{"id": OLD, "title": OLD_TITLE, "src": url(store.put(encode_png(small), keep=True))}]

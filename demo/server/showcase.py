"""The finished example that the page opens with: a photograph, its hole and a fill of each of four families,
from the display copies of a suite. Nothing is computed.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from benchmark.metrics import METRICS
from benchmark.report import display
from benchmark.report.layout import CHIPS, SHEET
from benchmark.results import Results
from demo.server.copies import hatched
from demo.server.jobs import Answer, Batch, Job
from demo.server.pictures import OpenPicture
from demo.server.store import Store
from demo.server.suites import family_of, open_suite, values_at
from demo.server.visit import Round
from inpainters import registry
from inpainters.base import InpaintResult
from inpainters.errors import InputError
from inpainters.families import FAMILIES, STRANGER, TRIVIAL
from inpainters.imaging import Image, Mask, decode_image, encode_png, load_mask

SUITE, MASK_SET = "quick", "irregular"
SHOWN = ("10-20", "chelsea@s1-r0-c0")
"""Bin and image id: a face that everybody can judge."""
FILLS = 4
INVITATION = "Paint over something and press Run."


@dataclass(frozen=True)
class Showcase:
    """What of it is the same for all visitors. Its files are kept."""

    picture: OpenPicture
    mask: str
    """Token (white = missing)."""
    masked: str
    """Token of the picture with its hole shown."""
    answers: dict[str, Answer]
    """Method -> its fill, with the scores that the suite has of it."""
    best: str
    """The method whose fill looks closest to the original."""
    drawn: str = f"{SUITE}/{MASK_SET}/{SHOWN[0]}"
    """Where its mask is from: one that was drawn, with a true original under it."""

    def round(self) -> Round:
        """A round of one visit that shows it."""
        jobs = [Job(name, state="done", answers=[answer]) for name, answer in self.answers.items()]
        tokens = {name: answer.token for name, answer in self.answers.items()}
        return Round(self.picture, self.mask, self.masked, batch=Batch(jobs), answers=tokens, best=self.best)


@lru_cache(maxsize=4)
def showcase(store: Store, root: Path) -> Showcase | None:
    """The example, from the results below `root`; None where its pictures are not here."""
    try:
        results = open_suite(root, SUITE, MASK_SET)
        original, mask = (display.find(results, *SHOWN, name) for name in ("original", "mask"))
        fills = _fills(results)
        if original is None or mask is None or len(fills) < FILLS:
            return None
        image = decode_image(original.read()).image
        hole, _ = load_mask(decode_image(mask.read()).image, image.shape[:2])
        answers = {name: _answer(store, results, name, picture) for name, picture in fills.items()}
    except InputError:
        return None
    token = _kept(store, image)
    title = SHOWN[1].partition("@")[0].capitalize()
    opened = OpenPicture(title, token, token, token, image.shape[:2], example=True)
    masks = _kept(store, hole), _kept(store, hatched(image, hole))
    return Showcase(opened, *masks, answers, next(iter(fills)))


def _fills(results: Results) -> dict[str, Image]:
    """The closest fill of each family, the closest family first."""
    values = values_at(results, *SHEET, *SHOWN)
    found: dict[str, Image] = {}
    free = set(FAMILIES) - {STRANGER, TRIVIAL}
    for entry in sorted(values, key=lambda name: values[name], reverse=METRICS[SHEET[0]].better == "higher"):
        place = display.find(results, *SHOWN, entry)
        if entry in registry.METHODS and family_of(entry) in free and place and len(found) < FILLS:
            free.remove(family_of(entry))
            found[entry] = decode_image(place.read()).image
    return found


def _answer(store: Store, results: Results, name: str, image: Image) -> Answer:
    spec, row = registry.get(name), _timing(results, name)
    calls = int(row["network_calls"])
    result = InpaintResult(image, image, name, spec.resolve({}), 0, float(row["seconds"]), calls)
    scores = {
        metric: {"value": values[name], "unit": METRICS[metric].unit, "reason": ""}
        for metric in CHIPS
        if name in (values := values_at(results, metric, "hole", *SHOWN))
    }
    return Answer(result, _kept(store, image), scores=scores)


def _timing(results: Results, name: str) -> pd.Series:
    rows = results.timings
    label, image_id = SHOWN
    rows = rows[(rows["bin"] == label) & (rows["image_id"] == image_id) & (rows["entry"] == name)]
    if rows.empty:
        raise InputError(f"'{results.suite}' has no time of '{name}'; run it again.")
    return rows.iloc[0]


def _kept(store: Store, picture: Image | Mask) -> str:
    return store.put(encode_png(picture), keep=True)

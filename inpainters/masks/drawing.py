"""A mask of a generator, on target: pure in its arguments, in any process and on any machine."""

import hashlib
import math

import numpy as np

from inpainters.errors import InputError, unknown
from inpainters.imaging import Mask
from inpainters.masks.bins import BINS, TOLERANCE, touches_border
from inpainters.masks.marks import Field, paint
from inpainters.masks.table import GENERATORS, GeneratorSpec


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2**63) that depends on the text of all `parts` and on nothing else
    (sha256; never `hash`).
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def generate(
    name: str,
    size: tuple[int, int],
    *,
    seed: int,
    image_id: str = "",
    bin: str | None = None,
    ratio: float | None = None,
    border: bool | None = None,
    natural: bool = False,
) -> Mask:
    """Return an (H, W) bool mask, True = missing; pure in its arguments.

    Args:
        name: a key of GENERATORS.
        size: (height, width) in pixels, each at least 8.
        seed: the mask set's seed.
        image_id: the picture the mask is for; pictures of one set get different masks.
        bin: a key of BINS that the mask's ratio lies in; for a fixed pattern its own name or None.
        ratio: fraction of missing pixels, hit within TOLERANCE or one pixel; drawn inside the bin (else from
            1 % to 60 %) where None.
        border: True: the hole touches the picture's border; False: it does not; None: as it comes.
        natural: as the generator's paper draws it: the ratio comes as it comes, and no bin, ratio or border
            may be given.

    Raises:
        InputError: an unknown name or bin, a ratio that is out of range, out of its bin, or does not fit in
            such a picture.
    """
    spec = _get(name)
    height, width = _check_size(size)
    if natural:
        return _natural(
            spec,
            (height, width),
            derive_seed("natural", name, seed, image_id, height, width),
            free=bin is None and ratio is None and border is None,
        )
    if spec.pattern is not None:
        return _fixed(spec, spec.pattern(height, width), bin, ratio, border)
    rng = np.random.default_rng(derive_seed("mask", name, seed, image_id, bin, height, width))
    room = (height - 2) * (width - 2) if border is False else height * width - 1
    fewest, most = _limits(height * width, room, bin, ratio)
    missing = (
        int(rng.integers(fewest, most + 1))
        if ratio is None
        else min(max(round(ratio * height * width), fewest), most)
    )
    mask = _drawn(spec, rng, (height, width), missing, (fewest, most), border)
    return _to_border(mask) if border and not touches_border(mask) else mask


def _natural(spec: GeneratorSpec, size: tuple[int, int], seed: int, *, free: bool) -> Mask:
    if spec.natural is None:
        able = ", ".join(name for name, one in GENERATORS.items() if one.natural)
        raise InputError(f"'{spec.name}' has no ratios of its own; these have: {able}.")
    if not free:
        raise InputError("A mask as its paper draws it takes no bin, ratio or border; leave them out.")
    return spec.natural(np.random.default_rng(seed), *size).astype(bool)


def _get(name: str) -> GeneratorSpec:
    if name not in GENERATORS:
        raise unknown("mask generator", name, GENERATORS)
    return GENERATORS[name]


def _check_size(size: tuple[int, int]) -> tuple[int, int]:
    height, width = int(size[0]), int(size[1])
    if min(height, width) < 8:
        raise InputError(
            f"A mask is drawn for pictures of at least 8×8 pixels, not {width}×{height}; use a larger "
            "picture."
        )
    return height, width


def _fixed(
    spec: GeneratorSpec, mask: Mask, bin: str | None, ratio: float | None, border: bool | None
) -> Mask:
    if ratio is not None or bin not in (None, spec.name):
        raise InputError(
            f"'{spec.name}' is a fixed pattern with a ratio of its own; leave out the ratio and the bin."
        )
    if border is False:
        raise InputError(
            f"'{spec.name}' always touches the border; choose another mask or leave out the border setting."
        )
    return mask


def _limits(total: int, room: int, bin: str | None, ratio: float | None) -> tuple[int, int]:
    """The fewest and the most missing pixels that are on target."""
    if bin is not None and bin not in BINS:
        raise unknown("ratio bin", bin, BINS)
    low, high = BINS[bin] if bin else (0.01, 0.60) if ratio is None else (0.0, 1.0)
    fewest, most = round(low * 100) * total // 100 + 1, min(round(high * 100) * total // 100, room)
    if ratio is not None:
        if not 0 < ratio < 1 or not low < ratio <= high:
            raise InputError(
                f"The ratio must lie above {low:g} and {'at most' if bin else 'below'} {high:g}, not "
                f"{ratio:g}."
            )
        slack = max(1.0, TOLERANCE * total)
        fewest, most = (
            max(fewest, math.ceil(ratio * total - slack)),
            min(most, math.floor(ratio * total + slack)),
        )
    if fewest > most:
        raise InputError(
            "So large a hole does not fit in so small a picture without touching its border; lower the ratio."
        )
    return fewest, most


def _drawn(
    spec: GeneratorSpec,
    rng: np.random.Generator,
    size: tuple[int, int],
    missing: int,
    limits: tuple[int, int],
    border: bool | None,
) -> Mask:
    """Draw in a room that leaves a margin where the border has to stay free."""
    margin = 0 if border is not False else max(1, min(size) // 32)
    if (size[0] - 2 * margin) * (size[1] - 2 * margin) * 0.9 < missing:
        margin = min(margin, 1)
    room = size[0] - 2 * margin, size[1] - 2 * margin
    field = Field(rng, *room, missing, *limits, touch=bool(border), margin=margin)
    canvas = spec.whole(field) if spec.whole else paint(field, spec.marks(field))  # type: ignore[misc]
    return np.pad(canvas, margin).astype(bool)


def _to_border(mask: Mask) -> Mask:
    """Shift the hole to the nearest side."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    shifts = (
        (-rows[0], 0),
        (mask.shape[0] - 1 - rows[-1], 0),
        (-columns[0], 1),
        (mask.shape[1] - 1 - columns[-1], 1),
    )
    shift, axis = min(shifts, key=lambda pair: abs(pair[0]))
    return np.roll(mask, shift, axis)

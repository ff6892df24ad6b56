"""Find what a restorer would paint over: scratches, dust, text laid over a photograph.

    python -m inpainters restore PHOTO -o OUT --find scratches,text,dust

Each finder is a pure function of a picture to a mask, at about a megapixel: a larger picture is shrunk for
the search. They know shapes, not meanings: a wire looks like a scratch, a star like dust, a sign like text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inpainters.errors import InputError, unknown
from inpainters.imaging import Image, Mask, check_image

_Grey: TypeAlias = npt.NDArray[Any]  # OpenCV does not say of what
"""(H, W) uint8, 0 black to 255 white, or 0 and 1."""
_Numbers: TypeAlias = npt.NDArray[Any]
"""Of components: (H, W) where each lies, or (n,) some of them."""
_Values: TypeAlias = npt.NDArray[np.float64]
SEARCHED = 1_000_000
"""Pixels in which finders look, at most; a larger picture is shrunk to as many."""
RUN = 21
"""Pixels along a line that are asked together."""
ANGLES = 16
"""Directions in which lines are looked for."""
SIDE_RUN = 9
"""Pixels along a line over which what lies beside it is averaged: texture is no edge."""
VOTES = 18
"""Of RUN pixels how many must stand out for a line."""
OFFSETS = (2, 5)
"""Pixels from the middle of a line to what lies beside it: finds lines up to about as wide."""
FAINT, CLEAR = 14, 22
"""Grey levels by which each pixel of a scratch stands out, and by which the whole of it does."""
FURTHER, EVEN = 2.2, 0.4
"""How much further away the surroundings are looked at again, and of a pixel's contrast how much they may
differ from side to side and from near to far.
"""
WHITISH, BLACKISH = 115, 110
"""Levels that all channels of a bright scratch reach on the whole, and a dark one does not."""
CROWDED = 0.22
"""The share of surroundings, 61 pixels across, above which lines are a pattern of what is shown."""
SCRATCH_LENGTH = 40
"""Pixels from end to end of a scratch, at least."""
DUST_MOST = 13
"""Pixels across a speck, at most."""
DUST_CONTRASTS = (20, 45, 90)
"""Grey levels at which specks are cut from what lies behind them, in turn."""
DUST_AROUND, CROWD = 27, 0.1
"""Pixels across a speck's surroundings, and the share of them that is specks too, at most."""
DUST_CLEAR = 3.5
"""By how many standard deviations of its surroundings a speck stands out, at least."""
LETTER = (6, 130)
"""Pixels of a letter's height, at least and at most."""
TEXT_CONTRASTS = {70: 3, 36: 4, 18: 5}
"""Grey levels at which letters are cut from what lies behind them, in turn -> letters of a line, at least:
the fainter they are, the more of them it takes.
"""
STROKES = (9, 31)
"""Pixels below which strokes are, of small and of large letters."""
ABRUPT = 0.3
"""Of a letter's contrast how much is left two pixels beside it, at most."""
ONE_COLOUR, LINE_COLOUR = 9.0, 16.0
"""Grey levels: standard deviation within a letter, and between two neighbours' colours, at most."""
SAME_INK = 36.0
"""Grey levels by which other components of a line may differ from its letters' colour."""
WORD_GAP = 1.2
"""Of a letter's height how wide the gap between two words is, at most."""
LETTER_SLACK = 0.3
"""Of a letter's height how far dots and commas may lie outside a line."""


def kinds_of_marks(text: str) -> list[str]:
    """The names of FINDERS in a comma-separated list. Raises InputError for an unknown one, or none."""
    kinds = [kind.strip() for kind in text.split(",") if kind.strip()]
    if not kinds:
        raise InputError(f"Name what to find: {', '.join(FINDERS)}.")
    if wrong := [kind for kind in kinds if kind not in FINDERS]:
        raise unknown("kind of marks", wrong[0], FINDERS)
    return kinds


def find_marks(image: Image, kinds: Iterable[str]) -> Mask:
    """(H, W) bool of what all these finders of FINDERS find together in (H, W, 3) uint8 sRGB."""
    found = [FINDERS[kind](image) for kind in kinds]
    return np.asarray(np.logical_or.reduce(found))


# --- scratches ------------------------------------------------------------------------------------


def find_scratches(image: Image) -> Mask:
    """(H, W) bool: whitish or blackish lines up to some 6 pixels wide, SCRATCH_LENGTH pixels long or longer,
    straight or gently bent, in surroundings that are not themselves full of lines.

    A pixel votes for a direction where it stands out from both sides, which look alike (Newson et al. 2014,
    Robust automatic line scratch detection in films, IEEE TIP 23(3), equations 1 and 2, there for upright
    scratches). Votes count where VOTES of RUN in a row along that direction agree. From there the line goes
    on where it is FAINT (hysteresis); what stands out CLEARly on the whole and is long is a scratch.
    """
    colours = _searched(image)
    grey = _grey(colours)
    found: _Grey = np.zeros_like(grey)
    busy = cv2.blur(cv2.absdiff(grey, cv2.blur(grey, (5, 5))), (41, 41))
    for tones, extreme in ((colours, WHITISH), (255 - colours, 255 - BLACKISH)):
        found |= _scratches(*_lines(_grey(np.asarray(tones, np.uint8)), busy), tones, extreme)
    return _enlarged(cv2.dilate(found, np.ones((3, 3), np.uint8)), image)


def _lines(tone: _Grey, busy: _Grey) -> tuple[_Grey, _Grey]:
    """Of bright lines in `tone`: 1 where a pixel lies on one, and by how many grey levels it stands out."""
    pad = RUN + round(max(OFFSETS) * FURTHER)
    tone, busy = (cv2.copyMakeBorder(one, pad, pad, pad, pad, cv2.BORDER_REPLICATE) for one in (tone, busy))
    least = cv2.max(cv2.add(busy, busy), np.full_like(busy, FAINT))
    smooth = cv2.blur(tone, (3, 3))
    lines: _Grey = np.zeros_like(tone)
    contrast: _Grey = np.zeros_like(tone)
    for angle in np.arange(ANGLES) * np.pi / ANGLES:
        along, across = np.array([[np.sin(angle), np.cos(angle)], [np.cos(angle), -np.sin(angle)]])
        run, short = (
            np.arange(-(length // 2), length // 2 + 1)[:, None] * along for length in (RUN, SIDE_RUN)
        )
        beside = _mean(_moved(smooth, short))
        for offset in OFFSETS:
            moves = np.array([1, -1, FURTHER, -FURTHER])[:, None] * across * offset
            one, other, *further = _moved(beside, moves)
            out = cv2.subtract(tone, cv2.max(one, other))
            uneven = cv2.absdiff(one, other)
            for near, far in zip((one, other), further, strict=True):
                uneven = cv2.max(uneven, cv2.absdiff(near, far))
            even = cv2.convertScaleAbs(uneven, alpha=1 / EVEN) <= out
            votes = ((out >= least) & even).astype(np.uint8)
            middles = (_sum(_moved(votes, run)) >= VOTES).view(np.uint8)
            sure = votes & _any(_moved(middles, run))
            # what begins evenly goes on across whatever it crosses
            kept = (out >= FAINT).view(np.uint8) & _any(_moved(sure, run))
            lines |= kept
            contrast = cv2.max(contrast, out * kept)
    inner = np.s_[pad:-pad, pad:-pad]
    return lines[inner], contrast[inner]


def _moved(array: _Grey, moves: _Values) -> Iterator[_Grey]:
    """What lies each of these (rows, columns) away from every pixel, as views; 0 above and below the array,
    and what is in the padding beyond its sides.
    """
    height, width = array.shape
    steps = np.rint(moves).astype(int) @ (width, 1)
    guard = int(np.abs(steps).max())
    flat = np.pad(array.ravel(), guard)
    for step in steps:
        yield flat[guard + step : guard + step + array.size].reshape(height, width)


def _sum(parts: Iterator[_Grey]) -> _Grey:
    total = next(parts).copy()
    for part in parts:
        total += part
    return total


def _any(parts: Iterator[_Grey]) -> _Grey:
    found = next(parts).copy()
    for part in parts:
        found |= part
    return found


def _mean(parts: Iterator[_Grey]) -> _Grey:
    found = list(parts)
    total = np.zeros(found[0].shape, np.uint16)
    for part in found:
        total += part
    return np.asarray(total // len(found), np.uint8)


def _scratches(lines: _Grey, contrast: _Grey, tones: Image, extreme: int) -> _Grey:
    """Of lines those that are long, thin, without colour, and stand out on the whole."""
    crowded = cv2.blur(lines * np.uint8(255), (61, 61)) > CROWDED * 255
    lines = np.where(crowded, np.uint8(0), lines)
    joined = cv2.dilate(lines, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    count, on = len(stats), lines > 0
    mean, _ = _levels(labels, on, contrast, count)
    least, _ = _levels(labels, on, tones.min(2), count)
    size = np.bincount(labels[on], minlength=count)
    length = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    good = (length >= SCRATCH_LENGTH) & (mean >= CLEAR) & (least >= extreme) & (size <= 5 * length)
    good[0] = False
    return np.asarray(good[labels] & lines)


# --- dust -----------------------------------------------------------------------------------------


def find_dust(image: Image) -> Mask:
    """(H, W) bool: compact specks up to DUST_MOST pixels across, brighter or darker than smooth
    surroundings, in which there are few others: where there are many they are what is shown.
    """
    grey = _grey(_searched(image))
    found: _Grey = np.zeros_like(grey)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (DUST_MOST + 2, DUST_MOST + 2))
    for tone in (grey, 255 - grey):
        out = cv2.morphologyEx(tone, cv2.MORPH_TOPHAT, disc)
        for contrast in DUST_CONTRASTS:
            found |= _specks(grey, out, contrast)
    return _enlarged(cv2.dilate(found, np.ones((3, 3), np.uint8)), image)


def _specks(grey: _Grey, out: _Grey, contrast: int) -> _Grey:
    """Of what stands `out` by `contrast`, the compact specks in smooth surroundings."""
    specks = (out >= contrast).astype(np.uint8)
    around = 1 - cv2.dilate(specks, np.ones((5, 5), np.uint8)).astype(np.float32)
    size = (DUST_AROUND, DUST_AROUND)
    share = cv2.blur(around, size)
    tone = grey.astype(np.float32)
    mean, square = (cv2.blur(part * around, size) / np.maximum(share, 1e-3) for part in (tone, tone * tone))
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    count, labels, stats, centres = cv2.connectedComponentsWithStats(specks, connectivity=8)
    x, y = (centres[:, axis].astype(int) for axis in (0, 1))
    _, _, width, height, area = stats.T
    own = (width + 4.0) * (height + 4.0)
    others = (1 - share[y, x]) * size[0] ** 2 - own
    peak, at = np.zeros(count), np.asarray(labels, np.int64)[specks > 0]
    np.maximum.at(peak, at, out[specks > 0])
    good = (
        (np.maximum(width, height) <= DUST_MOST)
        & (np.maximum(width, height) <= 2.5 * np.minimum(width, height))
        & (area >= np.maximum(3, 0.45 * width * height))
        & (peak >= 1.5 * contrast)
        & (peak >= DUST_CLEAR * spread[y, x])
        & (others <= CROWD * (size[0] ** 2 - own))
    )
    good[0] = False
    return np.asarray(good[labels], np.uint8)


# --- text -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Letters:
    """Components that may be letters: arrays (n,)."""

    label: _Numbers
    left: _Values
    top: _Values
    width: _Values
    height: _Values
    stroke: _Values
    """Pixels across its widest stroke."""
    fullness: _Values
    """The share of its box that it covers."""
    colour: _Values
    """(n, 3), the mean of its middle."""


def find_text(image: Image) -> Mask:
    """(H, W) bool: lines of text from left to right, alike in height, stroke and colour: captions, dates,
    watermarks. A letter is a thin shape of one colour that ends abruptly. Stroke width and the rules for
    letters and lines as in Epshtein et al. 2010 (Detecting text in natural scenes, CVPR, sections 3.2 and
    3.3), the width here from a distance transform.
    """
    colours = _searched(image)
    grey = _grey(colours)
    found: _Grey = np.zeros_like(grey)
    for tone in (grey, 255 - grey):
        for side in STROKES:
            out = cv2.morphologyEx(tone, cv2.MORPH_TOPHAT, np.ones((side, side), np.uint8))
            for contrast, least in TEXT_CONTRASTS.items():
                found |= _written((out >= contrast).astype(np.uint8), least, out, colours)
    return _enlarged(cv2.dilate(found, np.ones((5, 5), np.uint8)), image)


def _written(ink: _Grey, least: int, out: _Grey, colours: Image) -> _Grey:
    """The lines of text that components of `ink` stand in."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    letters = _letters(ink, labels, stats, out, colours)
    written = np.zeros_like(ink)
    for group in _lines_of(letters, least):
        slack = int(LETTER_SLACK * letters.height[group].max()) + 1
        top = max(0, int(letters.top[group].min()) - slack)
        strip = np.s_[top : int((letters.top + letters.height)[group].max()) + slack]
        apart = np.abs(colours[strip] - np.median(letters.colour[group], 0)).max(2)
        alike = (apart <= SAME_INK) & (out[strip] >= min(TEXT_CONTRASTS))
        written[strip] |= _continued(letters, group, alike.astype(np.uint8))
    return written


def _continued(letters: _Letters, group: _Numbers, alike: _Grey) -> _Grey:
    """Of the pixels of a line's colour in its strip of the picture, those between its letters, and on both
    sides for as long as another shape follows at a word's distance.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(alike, connectivity=8)
    left, top, width, height, area = stats.T
    right, tall = left + width, letters.height[group].max()
    begin, end = letters.left[group].min(), (letters.left + letters.width)[group].max()
    fits = (top > 0) & (top + height < len(alike)) & (area >= 3) & (width <= 6 * tall)
    while True:
        inside = fits & (right >= begin - WORD_GAP * tall) & (left <= end + WORD_GAP * tall)
        before = (begin, end)
        begin, end = min(begin, left[inside].min(initial=10**6)), max(end, right[inside].max(initial=0))
        if (begin, end) == before:
            return np.asarray(inside[labels], np.uint8)


def _letters(ink: _Grey, labels: _Numbers, stats: _Numbers, out: _Grey, colours: Image) -> _Letters:
    left, top, width, height, area = stats.T.astype(float)
    fullness = area / np.maximum(width * height, 1)
    fits = (height >= LETTER[0]) & (height <= LETTER[1]) & (width <= 2.5 * height) & (width >= 0.08 * height)
    fits &= (fullness > 0.12) & (area >= 8)
    fits[0] = False
    names = np.where(fits[labels], labels, 0)
    depth = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    stroke = np.zeros(len(stats))
    np.maximum.at(stroke, names[names > 0], 2 * depth[names > 0])
    whole, _ = _levels(names, names > 0, out, len(stats))
    core = (names > 0) & (out >= whole[names])  # not the pixels that share the background
    inside, _ = _levels(names, core, out, len(stats))
    around = cv2.dilate(names.astype(np.float32), np.ones((5, 5), np.uint8)).astype(int)
    outside, _ = _levels(
        around, (around > 0) & (cv2.dilate(ink, np.ones((3, 3), np.uint8)) == 0), out, len(stats)
    )
    tones = [_levels(names, core, colours[..., channel], len(stats)) for channel in range(3)]
    fits &= (stroke <= 0.45 * height) | (width < 0.5 * height)
    fits &= outside <= ABRUPT * inside
    fits &= np.max([spread for _, spread in tones], 0) <= ONE_COLOUR
    chosen = np.flatnonzero(fits)
    colour = np.stack([mean for mean, _ in tones], 1)[chosen]
    left, top, width, height, stroke, fullness = (
        part[chosen] for part in (left, top, width, height, stroke, fullness)
    )
    return _Letters(chosen, left, top, width, height, stroke, fullness, colour)


def _levels(names: _Numbers, where: Mask, levels: _Grey, count: int) -> tuple[_Values, _Values]:
    """Mean and standard deviation of each component's levels there, (count,); 0 for one without pixels."""
    at, values = names[where], levels[where].astype(float)
    size = np.maximum(np.bincount(at, minlength=count), 1)
    mean = np.bincount(at, values, count) / size
    return mean, np.sqrt(np.maximum(np.bincount(at, values**2, count) / size - mean**2, 0))


def _lines_of(letters: _Letters, least: int) -> Iterator[_Numbers]:
    """Groups of letters that stand in a line: their numbers."""
    if len(letters.label) < least:
        return
    right, bottom, tall = letters.left + letters.width, letters.top + letters.height, letters.height
    x, y = (letters.left + right) / 2, (letters.top + bottom) / 2
    one, other = _near(x, y, tall)
    bigger, smaller = np.maximum(tall[one], tall[other]), np.minimum(tall[one], tall[other])
    gap = np.maximum(letters.left[one], letters.left[other]) - np.minimum(right[one], right[other])
    off = np.minimum(np.abs(bottom[one] - bottom[other]), np.abs(y[one] - y[other]))
    apart = np.abs(letters.colour[one] - letters.colour[other]).max(1, initial=0)
    strokes = np.maximum(letters.stroke[one], letters.stroke[other])
    thinner = np.minimum(letters.stroke[one], letters.stroke[other])
    alike = (bigger <= 2.2 * smaller) & (gap <= 0.9 * bigger) & (gap >= -0.3 * smaller)
    alike &= (off <= 0.2 * bigger) & (strokes <= 1.8 * thinner) & (apart <= LINE_COLOUR)
    links = coo_array((np.ones(alike.sum()), (one[alike], other[alike])), shape=(len(x), len(x)))
    _, group = connected_components(links, directed=False)
    for number in np.flatnonzero(np.bincount(group) >= least):
        members = np.flatnonzero(group == number)
        if _reads(letters, members):
            yield members


def _near(x: _Values, y: _Values, tall: _Values) -> _Numbers:
    """(2, n) pairs of letters of like height that are a few heights apart, at most."""
    found = [np.zeros((0, 2), np.int64)]
    for low in LETTER[0] * 2.0 ** np.arange(5):
        some = np.flatnonzero((tall >= low) & (tall < 2.2 * low))
        if len(some) > 1:
            places = np.stack([x[some], 2 * y[some]], 1)  # a line is wide and low
            found.append(some[cKDTree(places).query_pairs(3.3 * low, output_type="ndarray")])
    return np.concatenate(found).T


def _reads(letters: _Letters, members: _Numbers) -> bool:
    """Whether a row of shapes is like letters: on one line, thin, and not all alike, as windows are."""
    height, bottom = letters.height[members], (letters.top + letters.height)[members]
    x = letters.left[members]
    if np.ptp(x) < 1.2 * np.median(height):
        return False
    slope, start = np.polyfit(x, bottom, 1)
    off = np.median(np.abs(bottom - slope * x - start)) / np.median(height)
    thin = np.median(letters.stroke[members] / height)
    variety = np.std(letters.width[members] / height) + np.std(letters.fullness[members])
    return bool(abs(slope) < 0.35 and off < 0.15 and thin < 0.34 and variety > 0.12)


# --- size -----------------------------------------------------------------------------------------


def _searched(image: Image) -> Image:
    """The picture at the size in which finders look."""
    check_image(image)
    scale = (SEARCHED / (image.shape[0] * image.shape[1])) ** 0.5
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _grey(image: Image) -> _Grey:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _enlarged(found: _Grey, image: Image) -> Mask:
    return np.asarray(cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)


FINDERS: Mapping[str, Callable[[Image], Mask]] = {
    "scratches": find_scratches,
    "dust": find_dust,
    "text": find_text,
}
"""What can be found -> what finds it."""

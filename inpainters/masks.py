"""Pure mask generators: the same arguments give the same mask, in any process and on any machine.

A random generator draws marks (lines, walks, words, boxes) until the next one would pass the target, and
shortens that last one to the pixel. A fixed pattern has a ratio of its own. A mask is (H, W) bool, True where
the pixel is missing.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.errors import InputError, unknown
from inpainters.imaging import Mask

BINS: dict[str, tuple[float, float]] = {
    "1-10": (0.01, 0.10), "10-20": (0.10, 0.20), "20-30": (0.20, 0.30),
    "30-40": (0.30, 0.40), "40-50": (0.40, 0.50), "50-60": (0.50, 0.60),
}  # fmt: skip
"""Label -> (lo, hi]: the fraction of missing pixels is above lo and at most hi."""
TOLERANCE = 0.005
"""A mask misses its target ratio by at most this, or by one pixel where a pixel is more."""

_MOST_MARKS = 2000  # a ratio near 1 would go on drawing for ever
_Canvas = npt.NDArray[np.uint8]


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2**63) that depends on the text of all `parts` and on nothing else (sha256; never
    `hash`).
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def bin_of(mask: Mask) -> str | None:
    """The label of the bin that the mask's ratio lies in; None below 1 % and above 60 %."""
    ratio = float(mask.mean())
    return next((label for label, (low, high) in BINS.items() if low < ratio <= high), None)


def touches_border(mask: Mask) -> bool:
    """True where a missing pixel lies in the first or last row or column."""
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


# --- what generators are given and what they draw -------------------------------------------------


@dataclass(frozen=True)
class _Field:
    """The room a generator draws in, and how much it has to cover."""

    rng: np.random.Generator
    height: int
    width: int
    missing: int
    """Pixels to cover."""
    fewest: int
    """Pixels that still count as on target, ..."""
    most: int
    """... from `fewest` to `most`."""
    touch: bool
    """The hole has to touch the edge of the room."""

    @property
    def unit(self) -> float:
        """One pixel of a 256×256 picture, in pixels of this one: papers give their lengths at 256×256."""
        return math.sqrt(self.height * self.width) / 256

    @property
    def widest(self) -> float:
        """Marks wider than this would shrink to a dot when a small target cuts them short."""
        return max(1.0, min(0.5 * math.sqrt(self.missing), min(self.height, self.width) / 2))

    def inside(self, x: float, y: float) -> tuple[int, int]:
        return round(min(max(x, 0), self.width - 1)), round(min(max(y, 0), self.height - 1))


@dataclass(frozen=True)
class _Mark:
    """Something that is drawn in steps, so that it can be cut short. Each step covers what the one before it
    covered.
    """

    lines: tuple[npt.NDArray[np.int32], ...]
    """(K, 2) x, y each; a step is one more point. One line is drawn at once, several are a word's strokes."""
    width: int

    @property
    def steps(self) -> int:
        return sum(len(line) - 1 for line in self.lines)

    @property
    def area(self) -> float:
        """At most so many pixels are covered."""
        lengths = (float(np.abs(np.diff(line, axis=0)).sum()) for line in self.lines)
        return sum((length + self.width + 3) * (self.width + 3) for length in lengths)

    def draw(self, canvas: _Canvas, steps: int | None = None) -> _Canvas:
        lines = self.lines if steps is None else self._first(steps)
        cv2.polylines(canvas, lines, False, 1, self.width)
        return canvas

    def _first(self, steps: int) -> list[npt.NDArray[np.int32]]:
        lines = []
        for line in self.lines:
            if steps > 0:
                lines.append(line[: steps + 1])
            steps -= len(line) - 1
        return lines

    def end(self, steps: int) -> tuple[int, int]:
        """x, y where the mark goes on after `steps`."""
        for line in self.lines:
            if steps < len(line) - 1:
                break
            steps -= len(line) - 1
        return int(line[steps, 0]), int(line[steps, 1])


def _line(points: object, width: float) -> _Mark:
    return _Mark((np.array(points, np.int32),), max(1, round(width)))


def _paint(field: _Field, marks: Iterator[_Mark]) -> _Canvas:
    """Draw until `field.missing` pixels are covered, to the pixel."""
    canvas = np.zeros((field.height, field.width), np.uint8)
    room: float = field.missing
    for mark in islice(marks, _MOST_MARKS):
        room -= mark.area
        if room > 0:  # it cannot pass the target, so there is no need to count
            mark.draw(canvas)
            continue
        before = canvas.copy()
        room = field.missing - cv2.countNonZero(mark.draw(canvas))
        if room <= 0:
            return _cut_short(before, mark, field.missing)
    return _grow(canvas, field.missing)


def _cut_short(canvas: _Canvas, mark: _Mark, missing: int) -> _Canvas:
    """Add as much of the mark as the target leaves room for: whole steps, then the next one's nearest pixels."""
    low, high = 0, mark.steps
    while high - low > 1:
        middle = (low + high) // 2
        if cv2.countNonZero(mark.draw(canvas.copy(), middle)) <= missing:
            low = middle
        else:
            high = middle
    kept = mark.draw(canvas.copy(), low)
    rows, columns = np.nonzero(mark.draw(canvas.copy(), high) > kept)
    x, y = mark.end(low)
    nearest = np.argsort((columns - x) ** 2 + (rows - y) ** 2, kind="stable")[
        : missing - cv2.countNonZero(kept)
    ]
    kept[rows[nearest], columns[nearest]] = 1
    return kept


def _grow(canvas: _Canvas, missing: int) -> _Canvas:
    """Swell what is covered until the target is reached."""
    distance = cv2.distanceTransform(1 - canvas, cv2.DIST_L2, 5)
    canvas.flat[np.argsort(distance, axis=None, kind="stable")[:missing]] = 1
    return canvas


# --- random generators ----------------------------------------------------------------------------


def _box_center(field: _Field) -> _Canvas:
    """The picture's own shape, scaled about its centre; from side to side where it has to touch the border."""
    aspect = field.height / field.width
    height, width = (field.missing / field.width, field.width) if field.touch else _sides(field, aspect)
    return _rectangle(field, height, width, 0.5, 0.5)


def _box(field: _Field) -> _Canvas:
    """One box of any aspect from 1:2 to 2:1, anywhere."""
    stretch, down, right = field.rng.random(3).tolist()
    return _rectangle(field, *_sides(field, 2 ** (2 * stretch - 1)), down, right)


def _sides(field: _Field, aspect: float) -> tuple[float, float]:
    height = min(math.sqrt(field.missing * aspect), field.height)
    width = min(field.missing / height, field.width)
    return field.missing / width, width


def _rectangle(field: _Field, height: float, width: float, down: float, right: float) -> _Canvas:
    """A box near that size that is on target; where whole numbers allow none, its last row is cut short."""
    rows, columns, rest = _whole_sides(field, height, width)
    top = round(down * (field.height - rows - bool(rest)))
    left = round(right * (field.width - columns))
    canvas = np.zeros((field.height, field.width), np.uint8)
    canvas[top : top + rows, left : left + columns] = 1
    canvas[top + rows : top + rows + 1, left : left + rest] = 1
    return canvas


def _whole_sides(field: _Field, height: float, width: float) -> tuple[int, int, int]:
    """(rows, columns, pixels of one more row): the pair nearest to the target among those of about that
    shape.
    """
    pairs = []
    for rows in range(max(1, int(height) - 3), min(field.height, int(height) + 4) + 1):
        across = (
            field.width if width == field.width else min(field.width, max(1, round(field.missing / rows)))
        )
        for columns in {across, min(field.width, max(1, round(width)))}:
            if field.fewest <= rows * columns <= field.most:
                pairs.append((abs(rows * columns - field.missing), abs(rows - height), rows, columns))
    if pairs:
        return *min(pairs)[2:], 0
    columns = min(field.width, max(1, round(width)))
    while field.missing > columns * field.height:
        columns += 1
    return *(divmod(field.missing, columns)[0], columns), field.missing % columns


def _brush(field: _Field) -> Iterator[_Mark]:
    """Yu et al. 2019, Algorithm 1: zigzags of 4 to 12 vertices, the angle reversed at every second one."""
    unit, rng = field.unit, field.rng
    mean_length = 45 * unit  # the diagonal / 8
    while True:
        vertices, x, y, sign = (
            int(rng.integers(4, 13)),
            rng.random() * field.width,
            rng.random() * field.height,
            1 - 2 * rng.integers(2),
        )
        for i, (turn, stretch, thick) in enumerate(rng.random((vertices, 3)).tolist()):
            angle = 2 * math.pi * (1 / 5 + (2 * turn - 1) / 15) * (-1) ** i
            length, width = 2 * mean_length * stretch, min((12 + 28 * thick) * unit, field.widest)
            end = x + sign * length * math.sin(angle), y + sign * length * math.cos(angle)
            start, stop = field.inside(x, y), field.inside(*end)
            yield _line((start, stop), width)
            x, y = stop


def _irregular(field: _Field) -> Iterator[_Mark]:
    """Walks of steps in eight directions on a turned grid, each widened by its own amount."""
    rng, corner = field.rng, np.array([field.width - 1, field.height - 1], float)
    while True:
        steps, (x, y, rotation, thick) = int(rng.integers(16, 49)), rng.random(4).tolist()
        directions = np.cumsum(rng.integers(-1, 2, steps)) * (math.pi / 4) + 2 * math.pi * rotation
        moves = 6 * field.unit * np.stack([np.cos(directions), np.sin(directions)], axis=1)
        path = corner * (x, y) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
        period = np.maximum(2 * corner, 1)
        folded = corner - np.abs(
            path % period - corner
        )  # mirrored at the edges, so that it does not creep along them
        yield _line(np.rint(folded), min((3 + 15 * thick**2) * field.unit, field.widest))


@dataclass(frozen=True)
class _Chains:
    """LaMa's settings, in pixels at 256×256."""

    length: tuple[int, int]
    width: tuple[int, int]
    box: tuple[int, int] | None = None
    """Sides of the boxes; about one mark in six is a box."""

    def __call__(self, field: _Field) -> Iterator[_Mark]:
        reverse = False
        while True:
            reverse = not reverse
            x, y, vertices, kind = (field.rng.random(4) * (field.width, field.height, 5, 1)).tolist()
            draws = field.rng.random((1 + int(vertices), 3)).tolist()
            if self.box and kind < 1 / 6:
                yield _filled(
                    field,
                    x,
                    y,
                    *(min(_between(self.box, u) * field.unit, 2 * field.widest) for u in draws[0][:2]),
                )
                continue
            for turn, stretch, thick in draws:
                angle = 4 * turn if reverse else -4 * turn  # radians, as there
                length, width = (
                    _between(self.length, stretch) * field.unit,
                    min(_between(self.width, thick) * field.unit, field.widest),
                )
                start, stop = (
                    field.inside(x, y),
                    field.inside(x + length * math.sin(angle), y + length * math.cos(angle)),
                )
                yield _line((start, stop), width)
                x, y = stop


def _between(limits: tuple[int, int], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * share


def _filled(field: _Field, x: float, y: float, width: float, height: float) -> _Mark:
    """A box as rows of one line that goes to and fro."""
    left, top = field.inside(x - width / 2, y - height / 2)
    right, bottom = field.inside(x + width / 2, y + height / 2)
    rows = np.repeat(np.arange(top, bottom + 1), 2)
    columns = np.tile([left, right, right, left], len(rows) // 4 + 1)[: len(rows)]
    return _line(np.stack([columns, rows], axis=1), 1)


def _text(field: _Field) -> Iterator[_Mark]:
    """Lines of words from a random line on; when the page is full the same words again, bolder."""
    rng, ratio = field.rng, field.missing / (field.height * field.width)
    size = max(
        3.0, min((18 + 16 * rng.random()) * field.unit, field.height / 2, field.width / 2)
    )  # of a capital, in px
    bold = max(1.0, size * min(max(ratio / 2, 0.1), 0.3))
    page: list[_Word] = []
    while not page:  # in a few pixels even a page can miss
        page = list(_page(field, size))
    first = int(rng.integers(len(page)))
    while True:
        for word in page[first:] + page[:first]:
            yield _Mark(word, max(1, round(bold)))
        bold += max(1.0, 0.06 * size)


_Word = tuple[npt.NDArray[np.int32], ...]


def _page(field: _Field, size: float) -> Iterator[_Word]:
    """Words as their strokes; letters that the edge would cut are left out."""
    letters, advance = list(_GLYPHS.values()), 0.9 * size
    y = 0.5 * size * field.rng.random()
    while y + size < field.height:
        x = -2 * advance * field.rng.random()
        while x < field.width:
            count = int(field.rng.integers(2, 8))
            places = [
                (x + k * advance, letters[i])
                for k, i in enumerate(field.rng.integers(len(letters), size=count))
            ]
            shown = [(at, glyph) for at, glyph in places if 0 <= at < field.width - size * 2 / 3 - 1]
            if shown:
                yield tuple(
                    np.rint(line * size + (at, y)).astype(np.int32) for at, glyph in shown for line in glyph
                )
            x += (count + 0.6) * advance
        y += 1.5 * size


def _glyph(strokes: str) -> tuple[npt.NDArray[np.float64], ...]:
    """'06 20 46' -> points (0, 6), (2, 0), (4, 6) on a grid of 4×6, scaled to a height of 1."""
    return tuple(
        np.array([[int(point[0]), int(point[1])] for point in stroke.split()]) / 6.0
        for stroke in strokes.split("|")
    )


_GLYPHS = {
    letter: _glyph(strokes)
    for letter, strokes in {
        "A": "06 20 46|13 33", "B": "06 00 30 41 42 33 03|33 44 45 36 06", "C": "41 30 10 01 05 16 36 45", "D": "06 00 20 42 44 26 06",
        "E": "40 00 06 46|03 33", "F": "40 00 06|03 33", "G": "41 30 10 01 05 16 36 45 43 23", "H": "00 06|40 46|03 43",
        "I": "10 30|20 26|16 36", "K": "00 06|40 03 46", "L": "00 06 46", "M": "06 00 23 40 46", "N": "06 00 46 40",
        "O": "10 30 41 45 36 16 05 01 10", "P": "06 00 30 41 42 33 03", "R": "06 00 30 41 42 33 03|23 46",
        "S": "41 30 10 01 02 13 33 44 45 36 16 05", "T": "00 40|20 26", "U": "00 05 16 36 45 40", "V": "00 26 40",
        "W": "00 16 23 36 40", "X": "00 46|40 06", "Y": "00 23 40|23 26", "Z": "00 40 06 46",
    }.items()
}  # fmt: skip


def _scratches(field: _Field) -> Iterator[_Mark]:
    """Long thin arcs, most of them steep, as on old prints and film."""
    rng, ratio = field.rng, field.missing / (field.height * field.width)
    along = np.linspace(-0.5, 0.5, 13)
    while True:
        x, y, lean, reach, bend, thick = rng.random(6).tolist()
        angle = math.pi * (0.5 + (lean - 0.5) * abs(2 * lean - 1))
        length = (80 + 280 * reach) * field.unit
        bow = (bend - 0.5) * 0.25 * length * (1 - 4 * along**2)
        xs = x * field.width + along * length * math.cos(angle) - bow * math.sin(angle)
        ys = y * field.height + along * length * math.sin(angle) + bow * math.cos(angle)
        seen = np.flatnonzero((xs >= 0) & (xs < field.width) & (ys >= 0) & (ys < field.height))
        if len(seen) > 1:
            # Points beyond the edge are pulled to it: releases of OpenCV differ in how they clip lines.
            points = np.stack([xs, ys], axis=1)[max(0, seen[0] - 1) : seen[-1] + 2]
            yield _line(
                np.rint(np.clip(points, 0, (field.width - 1, field.height - 1))),
                (1 + (1 + 6 * ratio) * thick) * field.unit,
            )


# --- fixed patterns -------------------------------------------------------------------------------


def _half(height: int, width: int) -> Mask:
    """The right half; in an odd width the middle column is halved."""
    mask = np.zeros((height, width), bool)
    mask[:, (width + 1) // 2 :] = True
    if width % 2:
        mask[: height // 2, width // 2] = True
    return mask


def _lines(height: int, width: int) -> Mask:
    return np.broadcast_to(np.arange(height)[:, None] % 2 == 1, (height, width)).copy()


def _grid(height: int, width: int) -> Mask:
    mask = _lines(height, width)
    mask[:, 1::2] = True
    return mask


def _expand(height: int, width: int) -> Mask:
    mask = np.ones((height, width), bool)
    rows, columns = max(1, round(height / 4)), max(1, round(width / 4))
    top, left = (height - rows) // 2, (width - columns) // 2
    mask[top : top + rows, left : left + columns] = False
    return mask


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GeneratorSpec:
    """One kind of mask."""

    name: str
    title: str
    source: str
    """The paper it follows."""
    summary: str
    """One sentence."""
    marks: Callable[[_Field], Iterator[_Mark]] | None = None
    whole: Callable[[_Field], _Canvas] | None = None
    pattern: Callable[[int, int], Mask] | None = None
    ratio: float | None = None
    """Of a fixed pattern, for even sizes."""

    @property
    def fixed(self) -> bool:
        """True where the ratio is the pattern's own and neither seed nor bin change it."""
        return self.pattern is not None


_YU = "Yu et al., Free-form image inpainting with gated convolution, ICCV 2019"
_LIU = "Liu et al., Image inpainting for irregular holes using partial convolutions, ECCV 2018"
_LAMA = "Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV 2022"
_REPAINT = "Lugmayr et al., RePaint: inpainting using denoising diffusion probabilistic models, CVPR 2022"
_PATHAK = "Pathak et al., Context encoders: feature learning by inpainting, CVPR 2016"
_IIZUKA = "Iizuka et al., Globally and locally consistent image completion, SIGGRAPH 2017"
_BERTALMIO = "Bertalmio et al., Image inpainting, SIGGRAPH 2000"

_GENERATORS = (
    GeneratorSpec("box_center", "Centre box", _PATHAK, "One box in the middle, of the picture's own "
                                                       "shape.", whole=_box_center),
    GeneratorSpec("box", "Box", _IIZUKA, "One box anywhere, between 1:2 and 2:1.", whole=_box),
    GeneratorSpec("brush", "Brush strokes", _YU, "Zigzag strokes of a brush, as people paint over "
                                                 "things.", _brush),
    GeneratorSpec("irregular", "Irregular walks", _LIU, "Random walks, each turned and widened by its own "
                                                        "amount.", _irregular),
    GeneratorSpec("thin", "Thin", _LAMA, "Many short thin strokes.", _Chains((10, 50), (5, 15))),
    GeneratorSpec("medium", "Medium", _LAMA, "Strokes of medium width and a few small "
                                             "boxes.", _Chains((10, 110), (5, 55), (10, 50))),
    GeneratorSpec("thick", "Thick", _LAMA, "A few long wide strokes and large "
                                           "boxes.", _Chains((10, 210), (5, 105), (30, 150))),
    GeneratorSpec("text", "Text", _BERTALMIO, "Lines of writing across the picture.", _text),
    GeneratorSpec("scratches", "Scratches", _BERTALMIO, "Long thin scratches, as on an old "
                                                        "print.", _scratches),
    GeneratorSpec("half", "Half", _REPAINT, "The right half is missing (50 %).", pattern=_half, ratio=0.5),
    GeneratorSpec("lines", "Every second line", _REPAINT, "Every second line is missing (50 %).", pattern=_lines, ratio=0.5),
    GeneratorSpec("grid", "Every second pixel", _REPAINT, "One pixel in four is known (75 % "
                                                          "missing).", pattern=_grid, ratio=0.75),
    GeneratorSpec("expand", "Expand", _REPAINT, "Only the middle sixteenth is known (94 % "
                                                "missing).", pattern=_expand, ratio=0.9375),
)  # fmt: skip

GENERATORS: dict[str, GeneratorSpec] = {spec.name: spec for spec in _GENERATORS}


def generate(
    name: str,
    size: tuple[int, int],
    *,
    seed: int,
    image_id: str = "",
    bin: str | None = None,
    ratio: float | None = None,
    border: bool | None = None,
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

    Raises:
        InputError: an unknown name or bin, a ratio that is out of range, out of its bin, or does not fit in
            such a picture.
    """
    spec = _get(name)
    height, width = _check_size(size)
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
    field = _Field(rng, size[0] - 2 * margin, size[1] - 2 * margin, missing, *limits, touch=bool(border))
    canvas = spec.whole(field) if spec.whole else _paint(field, spec.marks(field))  # type: ignore[misc]
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

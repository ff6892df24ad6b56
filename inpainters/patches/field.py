"""The nearest-neighbour field of one scale: for every patch that lacks pixels the known patch most like it,
and the votes of overlapping patches.

* Barnes et al., PatchMatch, SIGGRAPH 2009 (doi 10.1145/1531326.1531330): propagation and random search (sec.
  3.2).
* Wexler, Shechtman and Irani, Space-time completion of video, PAMI 2007 (doi 10.1109/TPAMI.2007.60): votes
  (their eq. 3-5).
* Newson et al., Video inpainting of complex scenes, SIAM J. Imaging Sci. 2014 (doi 10.1137/140954933):
  texture features (eq. 7), onion-peel start (sec. 3.5), and the field, not the picture, carried to the next
  scale.

A patch is named by the flat index of its top left pixel. Whole arrays of patches take each step of the search
at once.
"""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from scipy import linalg, ndimage, sparse

from inpainters.imaging import Image, Mask, shrink, shrink_mask

Float32s = npt.NDArray[np.floating]
Indices = npt.NDArray[np.integer]

RATIO = 0.7
"""Between neighbouring scales."""
MOST_SEARCHED = 1_200_000
"""Pixels; larger scales copy by the coarser field without a search of their own."""
_MOST_MISSING = 200_000
_TEXTURE = 1.0  # weight of the texture features against grey levels
_VOTED = 5  # red, green, blue and two texture features; a guide's channels come after them
_NEAR = np.array([0.3, 0.2], np.float32)
"""Grey levels that a source loses per 1/512 of the longer side it is away (down, across)."""
_TRUST = 1.3  # by which a vote's weight falls per pixel from the rim (Wexler sec. 3.2)
_CODE = 32  # principal components that stand for a patch in the search
_ROW = 3.0  # principal components per channel that stand for a row of a patch on the way to these
_HEAD = 8  # numbers of a code that are compared first: its place and its first components, 32 bytes
_PEELED = 10_000_000  # pairs of patches compared by an onion peel, about
_GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are spread evenly however many are taken
_CHUNK = 8192  # patches compared at once, so that they stay in the processor's cache


@dataclass
class Level:
    """One scale. Flat indices run over (h, w); `values` are (h * w, 5 + c): red, green, blue and two texture
    features, which votes write, and a guide's c channels, which are only compared.
    """

    shape: tuple[int, int]
    side: int
    mask: Mask
    values: Float32s
    sources: Indices
    """Corners of patches with no missing pixel."""
    targets: Indices
    """Corners of patches with at least one."""
    field: Indices = field(default_factory=lambda: np.empty(0, np.int64))
    """The source patch of each target (nearest-neighbour field)."""

    @classmethod
    def make(
        cls,
        image: Image,
        texture: Float32s,
        mask: Mask,
        size: tuple[int, int],
        side: int,
        guide: Float32s | None = None,
        guide_weight: float = 1.0,
    ) -> "Level":
        """The scale of `size` of a picture.

        `guide`, (H, W, c) float32 at the picture's size or at `size`, says of known and missing pixels alike
        what they are like, in grey levels; `guide_weight` is how much that counts beside the colours.
        """
        height, width = size
        small = image if size == mask.shape else shrink(image, size, ~mask)
        hole = shrunk(mask, size)
        features = cv2.resize(texture, (width, height), interpolation=cv2.INTER_AREA)
        layers = [small.astype(np.float32), features * _TEXTURE]
        if guide is not None:
            layers.append(_at_size(guide, size) * np.float32(guide_weight))
        values = np.concatenate(layers, axis=2).reshape(height * width, -1)
        count = box_count(hole, side).ravel()
        sources = np.flatnonzero(count == 0)
        targets = np.flatnonzero((count > 0) & (count <= side * side))
        return cls(size, side, hole, values, sources, targets)

    def __post_init__(self) -> None:
        width, side = self.shape[1], self.side
        self.steps = (np.arange(side)[:, None] * width + np.arange(side)).ravel()
        self.row = inverse(self.sources, self.values.shape[0])
        self.slot = inverse(self.targets, self.values.shape[0])
        self.pixels = np.flatnonzero(self.mask.ravel())
        depth = depths(self.mask).ravel()
        centre = (side // 2) * (width + 1)
        self.beside: dict[int, Indices] = {}
        # In float64, then rounded: NumPy's power of float32 is not the same in its last digit wherever in
        # memory the array lies, and a nearest patch may hang on that.
        trust = float(_TRUST) ** -np.minimum(depth[self.targets + centre], 40).astype(np.float64)
        self.trust = trust.astype(np.float32)

    def patches(self, corners: Indices) -> Float32s:
        """(n, side * side * channels): rows of each patch, copied as runs of contiguous floats."""
        run = self.side * self.values.shape[1]
        runs = np.lib.stride_tricks.sliding_window_view(self.values.reshape(-1), run)[:: self.values.shape[1]]
        return np.concatenate([runs[corners + dy * self.shape[1]] for dy in range(self.side)], axis=1)

    @cached_property
    def bank(self) -> tuple[Float32s, Float32s]:
        """Codes of all sources, head and tail, made when first searched."""
        return _parted(self.encode(self.sources))

    @cached_property
    def offered(self) -> Float32s:
        """(h * w, 6): what sources offer in a vote, and a 1, whose mean is the votes' mass; made at the first
        vote.
        """
        return np.hstack([self.values[:, :_VOTED], np.ones((len(self.values), 1), np.float32)])

    @cached_property
    def principal(self) -> tuple[Float32s, Float32s]:
        """Principal components of the sources in two steps, which cost a third of one: of a patch's rows,
        (side * c, r), and of the patches of what is left, (side * r, _CODE).
        """
        sample = self.patches(self.sources[:: max(1, len(self.sources) // 2000)])
        rows = sample.reshape(len(sample) * self.side, -1)
        of_rows = _components(rows[::3], int(_ROW * self.values.shape[1]))
        return of_rows, _components((rows @ of_rows).reshape(len(sample), -1), _CODE)

    def encode(self, corners: Indices) -> Float32s:
        """(n, 2 + _CODE): the place of each patch, so that near sources win where patches tie, and its
        principal components, the strongest first.
        """
        (of_rows, of_patches), side = self.principal, self.side
        y, x = np.divmod(corners, self.shape[1])
        top, left = int(y.min()), int(x.min())
        box = self.values.reshape(*self.shape, -1)[top : y.max() + side, left : x.max() + side]
        width, depth = box.shape[1:]
        runs = np.lib.stride_tricks.sliding_window_view(box.reshape(-1), side * depth)[::depth]
        rows = np.concatenate([runs[i : i + _CHUNK] @ of_rows for i in range(0, len(runs), _CHUNK)])
        places = ((y - top) * width + x - left)[:, None] + width * np.arange(side)
        codes = np.empty((len(corners), 2 + _CODE), np.float32)
        codes[:, :2] = np.stack([y, x], axis=1) * (_NEAR * (512 * side / max(self.shape)))
        for i in range(0, len(corners), _CHUNK):
            patches = rows.take(places[i : i + _CHUNK], axis=0, mode="clip")
            codes[i : i + _CHUNK, 2:] = patches.reshape(len(patches), -1) @ of_patches
        return codes

    def inherit(self, coarse: "Level") -> None:
        """Take the field of the next coarser scale: the same shifts, in this scale's pixels."""
        centre, above = (self.side - 1) / 2, (coarse.side - 1) / 2
        ratio = np.array(coarse.shape) / self.shape
        here = np.stack(np.divmod(self.targets, self.shape[1]), axis=1)
        there = np.rint((here + centre + 0.5) * ratio - 0.5 - above).astype(np.int64)
        there = np.clip(there, 0, np.array(coarse.shape) - coarse.side)
        corners = nearest(coarse.slot >= 0, np.ravel_multi_index(tuple(there.T), coarse.shape), coarse.shape)
        source = np.stack(np.divmod(coarse.field[coarse.slot[corners]], coarse.shape[1]), axis=1)
        shift = source - np.stack(np.divmod(corners, coarse.shape[1]), axis=1)
        place = np.clip(here + np.rint(shift / ratio).astype(np.int64), 0, np.array(self.shape) - 1)
        self.field = nearest(self.row >= 0, np.ravel_multi_index(tuple(place.T), self.shape), self.shape)

    def search(self, rng: np.random.Generator, everywhere: bool) -> Float32s:
        """PatchMatch: improve the field by the neighbours' shifts and random tries; return the distances."""
        codes, width = _parted(self.encode(self.targets)), self.shape[1]
        self.field = self.field.astype(np.int32)
        distance = self._distances(codes)
        radius = max(self.shape) if everywhere else max(self.shape) // 4
        for jump in (4, 2, 1):
            for step in (1, -1, width, -width):
                self._propagate(step * jump, codes, distance)
        while radius >= 1:
            self._try(self._around(radius, rng), codes, distance)
            radius //= 2
        for step in (1, -1, width, -width):
            self._propagate(step, codes, distance)
        return distance / self.side**2

    def _distances(self, codes: tuple[Float32s, Float32s]) -> Float32s:
        """How far each target is from its source; inf where the field names none."""
        row = self.row.take(self.field)
        distance = np.empty(len(row), np.float32)
        for start in range(0, len(row), _CHUNK):
            part = slice(start, start + _CHUNK)
            both = (
                bank.take(row[part], axis=0, mode="clip") - code[part]
                for code, bank in zip(codes, self.bank, strict=True)
            )
            distance[part] = sum(np.einsum("ij,ij->i", difference, difference) for difference in both)
        distance[row < 0] = np.inf
        return distance

    def _around(self, radius: int, rng: np.random.Generator) -> Indices:
        """A corner for each target, in the square of `radius` around its source."""
        (height, width), across = self.shape, np.uint32(2 * radius + 1)
        bits = rng.integers(0, 1 << 32, len(self.field), np.uint32)  # two draws of 16 bits from one
        y = self.field // np.int32(width)
        x = self.field - y * np.int32(width)
        y += ((bits >> np.uint32(16)) * across >> np.uint32(16)).astype(np.int32) - np.int32(radius)
        x += ((bits & np.uint32(0xFFFF)) * across >> np.uint32(16)).astype(np.int32) - np.int32(radius)
        return np.asarray(y.clip(0, height - 1) * np.int32(width) + x.clip(0, width - 1), np.int32)

    def _propagate(self, step: int, codes: tuple[Float32s, Float32s], distance: Float32s) -> None:
        if step not in self.beside:
            self.beside[step] = self.slot.take(self.targets + step, mode="clip")
        neighbour = self.beside[step]
        candidates = self.field.take(neighbour, mode="clip") - np.int32(step)
        candidates[neighbour < 0] = -1
        self._try(candidates, codes, distance)

    def _try(self, candidates: Indices, codes: tuple[Float32s, Float32s], distance: Float32s) -> None:
        """Take each candidate that is nearer; most are seen to be further by the heads of the codes alone."""
        rows = self.row.take(candidates, mode="clip")
        tried = ((rows >= 0) & (candidates >= 0) & (candidates != self.field)).nonzero()[0]
        for start in range(0, len(tried), _CHUNK):
            part = tried[start : start + _CHUNK]
            row, found = rows.take(part), np.float32(0)
            for code, bank in zip(codes, self.bank, strict=True):
                difference = code.take(part, axis=0)
                difference -= bank.take(row, axis=0)
                found = found + np.einsum("ij,ij->i", difference, difference)
                better = (found < distance.take(part)).nonzero()[0]
                part, row, found = part.take(better), row.take(better), found.take(better)
            distance[part] = found
            self.field[part] = candidates.take(part)

    def weights(self, distance: Float32s) -> Float32s:
        """Wexler eq. 4: exp(-d / 2 sigma^2), sigma^2 the 75th percentile, times the trust near the rim."""
        spread = max(float(np.percentile(distance, 75)), 1e-3)
        likeness = np.exp(distance.astype(np.float64) / (-2 * spread)).astype(np.float32)  # as for trust
        return np.asarray(likeness * self.trust + np.float32(1e-12), np.float32)

    def votes(self, weights: Float32s, pixels: Indices) -> tuple[Indices, Float32s]:
        """Of missing pixels, (n,) flat indices, (n, side * side) each: the source pixels that the patches
        over them offer, and the weights of those; 0 where such a patch would leave the picture.
        """
        steps = self.steps.astype(np.int32)
        # Corners that would lie left of or above the picture wrap around to ones that are no target.
        voters = self.slot.take(pixels.astype(np.int32)[:, None] - steps, mode="wrap")
        source = self.field.take(voters, mode="clip").astype(np.int32)
        weight = weights.take(voters, mode="clip")
        weight[voters < 0] = 0
        return source + steps, weight

    def mean_vote(self, weights: Float32s, which: slice | Mask = slice(None)) -> Float32s:
        """(n, 5): Wexler eq. 5 for the missing pixels `which`, as sparse products of _CHUNK rows: the votes
        for a pixel take a hundred times its memory.
        """
        pixels = self.pixels[which]
        mean = np.empty((len(pixels), _VOTED), np.float32)
        for start in range(0, len(pixels), _CHUNK):
            part = slice(start, start + _CHUNK)
            source, weight = self.votes(weights, pixels[part])
            ends = np.arange(0, source.size + 1, source.shape[1], dtype=np.int32)
            shape = (len(source), len(self.values))
            total = sparse.csr_array((weight.ravel(), source.ravel(), ends), shape=shape) @ self.offered
            mean[part] = total[:, :_VOTED] / np.maximum(total[:, _VOTED:], np.float32(1e-20))
        return mean

    def vote(self, weights: Float32s) -> None:
        self.values[self.pixels, :_VOTED] = self.mean_vote(weights)

    def onion_peel(self) -> None:
        """Fill layer by layer from the rim, comparing the known part of each patch with all sources;
        where there are many of both, with some from everywhere.
        """
        self.field = np.full(len(self.targets), self.sources[0])
        missing = self.mask.copy()
        sources = self.sources
        if len(sources) > (most := max(_PEELED // len(self.targets), 500)):
            sources = np.sort(sources[(np.arange(most) * _GOLDEN % 1 * len(sources)).astype(np.int64)])
        bank = self.patches(sources)
        height, width = self.shape
        half = self.side // 2
        while missing.any():
            layer = missing & ndimage.binary_dilation(~missing, np.ones((3, 3)))
            y, x = np.nonzero(layer)
            corners = np.clip(y - half, 0, height - self.side) * width + np.clip(
                x - half, 0, width - self.side
            )
            corners = np.unique(corners)
            best = np.concatenate(
                [
                    self._best(part, missing, bank)
                    for part in np.array_split(corners, len(corners) // 1024 + 1)
                ]
            )
            slots = self.slot[corners]
            self.field[slots] = sources[best]
            weights = np.zeros(len(self.targets), np.float32)
            weights[slots] = 1
            here = layer.ravel()[self.pixels]
            self.values[self.pixels[here], :_VOTED] = self.mean_vote(weights, here)
            missing &= ~layer

    def _best(self, corners: Indices, missing: Mask, bank: Float32s) -> Indices:
        """For each corner the row of the bank most like the patch's known pixels and whole guide."""
        known = np.ones((len(corners), len(self.steps), self.values.shape[1]), np.float32)
        known[..., :_VOTED] = (~missing).ravel()[corners[:, None] + self.steps, None]
        patch = self.patches(corners)
        return np.asarray(masked_distance(patch, known.reshape(patch.shape), bank).argmin(axis=1), np.int64)

    def sharp_vote(self, weights: Float32s) -> Indices:
        """The source of each missing pixel: of its votes the one nearest to their mean,
        so that no pixel is a blend.
        """
        mean, chosen = self.mean_vote(weights), np.empty(len(self.pixels), np.int64)
        for start in range(0, len(self.pixels), _CHUNK):
            part = slice(start, start + _CHUNK)
            source, weight = self.votes(weights, self.pixels[part])
            error = np.zeros(source.shape, np.float32)
            for channel in range(_VOTED):
                error += (self.offered[:, channel].take(source) - mean[part, channel, None]) ** 2
            error[weight <= 0] = np.inf
            chosen[part] = np.take_along_axis(source, error.argmin(axis=1)[:, None], axis=1)[:, 0]
        return chosen


def _components(samples: Float32s, count: int) -> Float32s:
    """The `count` principal components of (n, d) samples, (d, count), the strongest first."""
    centred, size = samples - samples.mean(axis=0), samples.shape[1]
    _, vectors = linalg.eigh(centred.T @ centred, subset_by_index=(size - count, size - 1))
    return np.ascontiguousarray(vectors[:, ::-1])


def _parted(codes: Float32s) -> tuple[Float32s, Float32s]:
    """Head and tail: what is compared first, and the rest."""
    return np.ascontiguousarray(codes[:, :_HEAD]), np.ascontiguousarray(codes[:, _HEAD:])


def texture_features(image: Image, mask: Mask, reach: float) -> Float32s:
    """Newson eq. 7: mean absolute derivatives over about one pixel of the coarsest scale.
    (h, w, 2), in grey levels.
    """
    grey = image.astype(np.float32).mean(axis=2)
    known = (~mask).astype(np.float32)
    dx, dy = np.zeros((2, *mask.shape), np.float32)
    dx[:, 1:] = np.abs(np.diff(grey, axis=1)) * known[:, 1:] * known[:, :-1]
    dy[1:] = np.abs(np.diff(grey, axis=0)) * known[1:] * known[:-1]
    window = (2 * round(reach) + 1,) * 2
    share = cv2.blur(known, window)
    return np.stack([cv2.blur(d, window) / np.maximum(share, 1e-3) for d in (dx, dy)], axis=2)


def box_count(mask: Mask, side: int) -> Indices:
    """How many True pixels the patch at each corner holds;
    (h, w), huge at corners whose patch leaves the picture.
    """
    sums = cv2.boxFilter(
        mask.astype(np.float32),
        -1,
        (side, side),
        anchor=(0, 0),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    count = np.rint(sums).astype(np.int64)
    count[mask.shape[0] - side + 1 :] = count[:, mask.shape[1] - side + 1 :] = side**3
    return count


def depths(mask: Mask) -> Float32s:
    """How far each missing pixel is from the nearest known one; (h, w) float32."""
    found = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squared distances between pixels are whole numbers; OpenCV's roots differ in their last digit by where
    # in memory the mask lies.
    return np.sqrt(np.rint(np.square(found, dtype=np.float64))).astype(np.float32)


def nearest(wanted: Mask, indices: Indices, shape: tuple[int, int]) -> Indices:
    """For each flat index one of the nearest that is wanted, itself if it is; `wanted` is (h * w,) bool and
    not all False.
    """
    if wanted[indices].all():
        return indices
    _, labels = cv2.distanceTransformWithLabels(
        (~wanted).astype(np.uint8).reshape(shape),
        cv2.DIST_L2,
        cv2.DIST_MASK_5,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    labels = labels.ravel()
    places = np.flatnonzero(wanted)
    place_of = np.zeros(len(places) + 1, np.int64)
    place_of[labels[places]] = places
    return np.asarray(place_of[labels[indices]], np.int64)


def usable_side(mask: Mask, side: int) -> int:
    """The largest patch side, at most `side`, with enough fully known patches to choose from; 0 where even 3
    has none.
    """
    for smaller in sorted({s for s in (side, 5, 3) if s <= min(side, *mask.shape)}, reverse=True):
        count = box_count(mask, smaller)
        sources, targets = int((count == 0).sum()), int(((count > 0) & (count <= smaller**2)).sum())
        if sources >= (max(smaller**2, targets // 10) if smaller > 3 else 1):
            return smaller
    return 0


def masked_distance(patches: Float32s, known: Float32s, bank: Float32s) -> Float32s:
    """(n, m) sums of squared differences over the known (1, not 0) entries of `patches`,
    as three matrix products.
    """
    held = patches * known
    distance: Float32s = (held * held).sum(axis=1)[:, None] - 2 * held @ bank.T + known @ (bank * bank).T
    return distance


def searched(size: tuple[int, int], missing: float) -> bool:
    """True for a scale of (height, width) with so many missing pixels that is searched itself."""
    return size[0] * size[1] <= MOST_SEARCHED and missing <= _MOST_MISSING


def shrunk(mask: Mask, size: tuple[int, int]) -> Mask:
    return mask if size == mask.shape else shrink_mask(mask, size)


def _at_size(guide: Float32s, size: tuple[int, int]) -> Float32s:
    if guide.shape[:2] == size:
        return guide
    smaller = np.asarray(cv2.resize(guide, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
    return smaller.reshape(*size, -1)  # OpenCV drops a single channel


def inverse(indices: Indices, size: int) -> Indices:
    """The position of each of 0 .. size - 1 within `indices`, -1 where absent."""
    inverse = np.full(size, -1, np.int32)
    inverse[indices] = np.arange(len(indices), dtype=np.int32)
    return inverse

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

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inpainters.imaging import Image, Mask, shrink, shrink_mask

Float32s = npt.NDArray[np.floating]
Indices = npt.NDArray[np.integer]

_TEXTURE = 1.0  # weight of the texture features against grey levels
_VOTED = 5  # red, green, blue and two texture features; a guide's channels come after them
_NEAR = np.array([0.3, 0.2], np.float32)
"""Grey levels that a source loses per 1/512 of the longer side it is away (down, across)."""
_TRUST = 1.3  # by which a vote's weight falls per pixel from the rim (Wexler sec. 3.2)
_CODE = 32  # principal components that stand for a patch in the search
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
        # Corners that would lie left of or above the picture wrap around to ones that are no target: slot -1.
        self.voters = self.slot[self.pixels[:, None] - self.steps]
        depth = ndimage.distance_transform_edt(self.mask).astype(np.float32).ravel()
        centre = (side // 2) * (width + 1)
        self.trust = np.float32(_TRUST) ** -np.minimum(depth[self.targets + centre], 40)

    def patches(self, corners: Indices) -> Float32s:
        """(n, side * side * channels): rows of each patch, copied as runs of contiguous floats."""
        run = self.side * self.values.shape[1]
        runs = np.lib.stride_tricks.sliding_window_view(self.values.reshape(-1), run)[:: self.values.shape[1]]
        return np.concatenate([runs[corners + dy * self.shape[1]] for dy in range(self.side)], axis=1)

    @cached_property
    def bank(self) -> Float32s:
        """Codes of all sources, made when first searched."""
        return self.encode(self.sources)

    @cached_property
    def principal(self) -> tuple[Float32s, Float32s]:
        """The mean patch, and the principal components of the sources."""
        sample = self.patches(self.sources[:: max(1, len(self.sources) // 4000)])
        mean = sample.mean(axis=0)
        _, vectors = np.linalg.eigh((sample - mean).T @ (sample - mean))
        return mean, np.ascontiguousarray(vectors[:, : -_CODE - 1 : -1])

    def encode(self, corners: Indices) -> Float32s:
        """(n, _CODE + 2): principal components of each patch, and its place, so that near sources win where
        patches tie.
        """
        mean, basis = self.principal
        parts = [self.patches(c) @ basis for c in np.array_split(corners, len(corners) // 16384 + 1)]
        place = np.stack(np.divmod(corners, self.shape[1]), axis=1) * (
            _NEAR * (512 * self.side / max(self.shape))
        )
        return np.hstack([np.concatenate(parts) - mean @ basis, place]).astype(np.float32)

    def inherit(self, coarse: "Level") -> None:
        """Take the field of the next coarser scale: the same shifts, in this scale's pixels."""
        centre, above = (self.side - 1) / 2, (coarse.side - 1) / 2
        ratio = np.array(coarse.shape) / self.shape
        here = np.stack(np.divmod(self.targets, self.shape[1]), axis=1)
        there = np.rint((here + centre + 0.5) * ratio - 0.5 - above).astype(np.int64)
        there = np.clip(there, 0, np.array(coarse.shape) - coarse.side)
        known = coarse.slot >= 0
        nearest = ndimage.distance_transform_edt(
            ~known.reshape(coarse.shape), return_distances=False, return_indices=True
        )
        corners = np.ravel_multi_index(tuple(there.T), coarse.shape)
        corners = np.ravel_multi_index(tuple(nearest.reshape(2, -1)[:, corners]), coarse.shape)
        source = np.stack(np.divmod(coarse.field[coarse.slot[corners]], coarse.shape[1]), axis=1)
        shift = source - np.stack(np.divmod(corners, coarse.shape[1]), axis=1)
        place = np.clip(here + np.rint(shift / ratio).astype(np.int64), 0, np.array(self.shape) - 1)
        self.field = self.nearest_source(np.ravel_multi_index(tuple(place.T), self.shape))

    def nearest_source(self, corners: Indices) -> Indices:
        lacking = (self.row < 0).reshape(self.shape)
        nearest = ndimage.distance_transform_edt(lacking, return_distances=False, return_indices=True)
        found: Indices = np.ravel_multi_index(tuple(nearest.reshape(2, -1)[:, corners]), self.shape)
        return found

    def search(self, rng: np.random.Generator, everywhere: bool) -> Float32s:
        """PatchMatch: improve the field by the neighbours' shifts and random tries; return the distances."""
        codes = self.encode(self.targets)
        distance = np.full(len(self.targets), np.inf, np.float32)
        field, self.field = self.field, np.full_like(self.field, -1)
        self._try(field, codes, distance)
        height, width = self.shape
        radius = max(self.shape) if everywhere else max(self.shape) // 4
        for jump in (4, 2, 1):
            for step in (1, -1, width, -width):
                self._propagate(step * jump, codes, distance)
        while radius >= 1:
            y, x = np.divmod(self.field, width)
            y = np.clip(y + rng.integers(-radius, radius + 1, len(y)), 0, height - 1)
            x = np.clip(x + rng.integers(-radius, radius + 1, len(x)), 0, width - 1)
            self._try(y * width + x, codes, distance)
            radius //= 2
        for step in (1, -1, width, -width):
            self._propagate(step, codes, distance)
        return distance / self.side**2

    def _propagate(self, step: int, codes: Float32s, distance: Float32s) -> None:
        neighbour = self.slot.take(self.targets + step, mode="clip")
        self._try(np.where(neighbour >= 0, self.field[neighbour] - step, -1), codes, distance)

    def _try(self, candidates: Indices, codes: Float32s, distance: Float32s) -> None:
        rows = np.where(candidates >= 0, self.row.take(candidates, mode="clip"), -1)
        which = np.flatnonzero((rows >= 0) & (candidates != self.field))
        for part in np.array_split(which, len(which) // _CHUNK + 1):
            difference = codes[part] - self.bank[rows[part]]
            found = np.einsum("ij,ij->i", difference, difference)
            better = found < distance[part]
            part = part[better]
            distance[part] = found[better]
            self.field[part] = candidates[part]

    def weights(self, distance: Float32s) -> Float32s:
        """Wexler eq. 4: exp(-d / 2 sigma^2), sigma^2 the 75th percentile, times the trust near the rim."""
        spread = max(float(np.percentile(distance, 75)), 1e-3)
        weights: Float32s = np.exp(-distance / (2 * spread)) * self.trust + np.float32(1e-12)
        return weights

    def votes(self, weights: Float32s) -> Iterator[tuple[Indices, Float32s]]:
        """Yield, per place within a patch: the source pixel and the weight it offers each missing pixel."""
        weights, source = np.append(weights, np.float32(0)), np.append(self.field, self.sources[0])
        for place, step in enumerate(self.steps):
            voter = self.voters[:, place]
            yield source[voter] + step, weights[voter]

    def mean_vote(self, weights: Float32s) -> Float32s:
        total = np.zeros((len(self.pixels), _VOTED), np.float32)
        mass = np.zeros((len(self.pixels), 1), np.float32)
        for source, weight in self.votes(weights):
            total += self.values[source, :_VOTED] * weight[:, None]
            mass += weight[:, None]
        return total / np.maximum(mass, np.float32(1e-20))

    def vote(self, weights: Float32s) -> None:
        self.values[self.pixels, :_VOTED] = self.mean_vote(weights)

    def onion_peel(self) -> None:
        """Fill layer by layer from the rim, comparing the known part of each patch with all sources."""
        self.field = np.full(len(self.targets), self.sources[0])
        missing = self.mask.copy()
        bank = self.patches(self.sources)
        height, width = self.shape
        half = self.side // 2
        while missing.any():
            layer = missing & ndimage.binary_dilation(~missing, np.ones((3, 3)))
            y, x = np.nonzero(layer)
            corners = np.clip(y - half, 0, height - self.side) * width + np.clip(
                x - half, 0, width - self.side
            )
            corners = np.unique(corners)
            known = np.ones((len(corners), len(self.steps), self.values.shape[1]), np.float32)
            known[..., :_VOTED] = (~missing).ravel()[corners[:, None] + self.steps, None]
            patch = self.patches(corners)
            distance = masked_distance(patch, known.reshape(patch.shape), bank)
            best = distance.argmin(axis=1)
            slots = self.slot[corners]
            self.field[slots] = self.sources[best]
            weights = np.zeros(len(self.targets), np.float32)
            weights[slots] = 1
            here = layer.ravel()[self.pixels]
            self.values[self.pixels[here], :_VOTED] = self.mean_vote(weights)[here]
            missing &= ~layer

    def sharp_vote(self, weights: Float32s) -> Indices:
        """The source of each missing pixel: of its votes the one nearest to their mean,
        so that no pixel is a blend.
        """
        mean = self.mean_vote(weights)
        best = np.full(len(self.pixels), np.inf, np.float32)
        chosen = np.zeros(len(self.pixels), np.int64)
        for source, weight in self.votes(weights):
            error = np.where(weight > 0, ((self.values[source, :_VOTED] - mean) ** 2).sum(axis=1), np.inf)
            better = error < best
            best[better], chosen[better] = error[better], source[better]
        return chosen


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

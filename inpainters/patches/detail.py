"""Detail from the surroundings, for a fill that was drawn small: the exemplar method goes on from it.

* Yang et al., High-resolution image inpainting using multi-scale neural patch synthesis, CVPR 2017 (arXiv
  1611.09969): a network draws what is there, patches of the known part draw how it looks.
* Hertzmann et al., Image analogies, SIGGRAPH 2001 (doi 10.1145/383259.383295): the small picture, enlarged,
  is compared along with the patches; known patches carry their own shrunk and enlarged selves.

A network may draw fog where the surroundings are rough: then the small picture alone would find the few
patches that are as flat. So how much detail shrinking takes from the surroundings is compared as well.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from inpainters.imaging import Image, Mask, enlarge, shrink, to_uint8
from inpainters.patches.field import (
    RATIO,
    Float32s,
    Level,
    depths,
    nearest,
    searched,
    shrunk,
    texture_features,
    usable_side,
)
from inpainters.patches.melt import melt
from inpainters.spec import Strategy

_Size = tuple[int, int]
"""(height, width)."""
_SIDE = 7  # of a patch
_FADE = 0.7  # of the guide's weight, per scale: what is there is settled small, how it looks is not
_FIRST, _LATER = 4, 2  # searches at the first scale, over the whole picture, and at each later one
_FOREIGN = 48.0  # grey levels that the copies are off the drawn colours at which these count half
_LOST = 5.0  # weight of lost detail against the drawn colours
_ABOUT = 1.5  # pixels of the drawn picture, standard deviation, over which lost detail is averaged
_LIKE = 12.0  # grey levels, in each channel, from the next known colour at which a drawn one counts a quarter


def detailed(
    image: Image,
    mask: Mask,
    drawn: Image,
    *,
    seed: int,
    blur: float = Strategy.blur,
    invents: bool = Strategy.invents,
    on_scale: Callable[[], object] = lambda: None,
) -> Image | None:
    """The hole filled at full size with what `drawn` shows, in the texture of the known part.

    image: (H, W, 3) uint8, not read where missing. mask: (H, W) bool, True = missing. drawn: (h, w, 3) uint8,
    the same window filled at a smaller size. blur: pixels of it, standard deviation, over which it is
    averaged before patches are compared with it. invents: True where its colours count though the known
    part has none like them. `on_scale` is called after each scale. Pure in `seed`. Returns (H, W, 3) uint8,
    known pixels as they were; None where no patch is known, at full size.
    """
    sizes = [size for size in _sizes(_size(drawn), _size(image)) if usable_side(shrunk(mask, size), _SIDE)]
    if _size(image) not in sizes:
        return None
    hole = shrunk(mask, _size(drawn))
    small = np.where(hole[..., None], drawn, shrink(image, _size(drawn), ~mask))
    plain = enlarge(small, _size(image))
    soft = np.asarray(cv2.GaussianBlur(small, (0, 0), blur), np.uint8) if blur else small
    guide = np.dstack([enlarge(soft, _size(image)), _LOST * _lost(image, plain, mask, hole)])
    synthesis = _Synthesis(image, mask, guide, np.random.default_rng(seed), on_scale)
    level, distance = synthesis.through(sizes)
    copied = melt(level.sharp_vote(level.weights(distance)), level.pixels, image)
    off = _off(copied, plain, mask, len(drawn) / len(image))
    if not invents:
        off *= cv2.resize(_familiar(small, hole), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    return np.where(mask[..., None], to_uint8(copied + off), image)


def _size(picture: Image) -> _Size:
    return picture.shape[0], picture.shape[1]


def _sizes(first: _Size, last: _Size) -> list[_Size]:
    """The scales, from that of the drawn picture to the full one."""
    found, scale = [last], RATIO
    while scale * last[0] > first[0] / RATIO**0.5:
        found.append((max(1, round(last[0] * scale)), max(1, round(last[1] * scale))))
        scale *= RATIO
    return [*([first] if first[0] < last[0] else []), *reversed(found)]


@dataclass
class _Synthesis:
    """Patches that are searched and vote, scale by scale."""

    image: Image
    mask: Mask
    guide: Float32s
    """(H, W, 4): the drawn picture, enlarged, and how much detail is lost."""
    rng: np.random.Generator
    on_scale: Callable[[], object]

    def through(self, sizes: list[_Size]) -> tuple[Level, Float32s]:
        """The last scale, and the distance of each of its patches from its source."""
        texture = texture_features(self.image, self.mask, len(self.mask) / sizes[0][0])
        level, distance = self._first(sizes[0], texture)
        for step, size in enumerate(sizes[1:], 1):
            coarse, level = level, self._level(size, texture, _FADE**step)
            level.inherit(coarse)
            distance = self._settled(level, np.zeros(len(level.targets), np.float32))
        return level, distance

    def _first(self, size: _Size, texture: Float32s) -> tuple[Level, Float32s]:
        """The scale of the drawn picture: what is like that is looked for everywhere, and then agrees."""
        unknown = np.zeros_like(texture)
        level, guided = (self._level(size, unknown, 1.0) for _ in range(2))
        guided.values[:, :3] = 0
        guided.field = guided.sources[self.rng.integers(0, len(level.sources), len(level.targets))]
        for _ in range(_FIRST):
            distance = guided.search(self.rng, everywhere=True)
        level.field = guided.field
        return level, self._settled(level, distance)

    def _settled(self, level: Level, distance: Float32s) -> Float32s:
        """The distances after votes and searches have agreed."""
        level.vote(level.weights(distance))
        if searched(level.shape, len(level.pixels)):
            for _ in range(_LATER):
                distance = level.search(self.rng, everywhere=False)
                level.vote(level.weights(distance))
        self.on_scale()
        return distance

    def _level(self, size: _Size, texture: Float32s, weight: float) -> Level:
        side = usable_side(shrunk(self.mask, size), _SIDE)
        return Level.make(self.image, texture, self.mask, size, side, guide=self.guide, guide_weight=weight)


def _lost(image: Image, plain: Image, mask: Mask, hole: Mask) -> Float32s:
    """(H, W) grey levels by which the shrunk and enlarged picture is off the picture, around each known
    pixel; in the hole those of the nearest part of the rim, averaged over half the depth of the deepest. At
    the rim it holds as well how far what was drawn is off the known pixels; to leave that out did not help.
    hole: (h, w) bool, the mask at the small size.
    """
    off = np.abs(image.astype(np.float32) - plain).mean(axis=2)
    off[mask] = 0
    total, share = (
        cv2.GaussianBlur(cv2.resize(one, hole.shape[::-1], interpolation=cv2.INTER_AREA), (0, 0), _ABOUT)
        for one in (off, (~mask).astype(np.float32))
    )
    lost = total / np.maximum(share, 1e-3)
    lost[hole] = lost.ravel()[nearest(~hole.ravel(), np.flatnonzero(hole), hole.shape)]
    lost = np.where(hole, cv2.GaussianBlur(lost, (0, 0), np.clip(depths(hole).max() / 2, 1, 24)), lost)
    return np.asarray(cv2.resize(lost, mask.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _off(copied: Image, plain: Image, mask: Mask, scale: float) -> Float32s:
    """(H, W, 3) to add to the copies for the drawn colours where the surroundings have none like them, so
    that a red car stays red; `scale` is that of the drawn picture.
    """
    blur = (0, 0), 1 / scale
    share = cv2.GaussianBlur(mask.astype(np.float32), *blur)
    off = cv2.GaussianBlur((plain.astype(np.float32) - copied) * mask[..., None], *blur)
    off = off / np.maximum(share, 1e-3)[..., None]
    size = (off**2).mean(axis=2, keepdims=True)
    found: Float32s = off * size / (size + _FOREIGN**2)
    return found


def _familiar(small: Image, hole: Mask) -> Float32s:
    """(h, w) in [0, 1]: how much each colour of the drawn picture is one that a known pixel of it has; 1
    where none is known.
    """
    found = np.ones(hole.shape, np.float32)
    if not hole.all():
        # Each colour once: a tree of equal ones is searched from end to end.
        known, drawn = np.unique(small[~hole], axis=0), small[hole]
        colours, place = np.unique(drawn, axis=0, return_inverse=True)
        distance, _ = cKDTree(known.astype(np.float32)).query(colours.astype(np.float32))
        found[hole] = (1 / (1 + distance**2 / (3 * _LIKE**2)) ** 2)[place.ravel()]
    return found

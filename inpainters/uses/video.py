"""Take something out of a clip: what earlier and later frames saw behind it comes along the optical flow, so
that it does not flicker; what no frame saw is filled once, by any method, and handed on likewise.

    python -m inpainters video CLIP MASK -o OUT.webm --method lama

Flow by dense inverse search (Kroeger et al. 2016, ECCV, OpenCV's DIS). It is completed smoothly across the
hole and followed until a frame knows the pixel, as in Xu et al. 2019 (Deep flow-guided video inpainting,
CVPR); the key frames' fills are handed on as there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inpainters.base import Inpainter, InpaintRequest
from inpainters.errors import InputError
from inpainters.folders import find_pictures
from inpainters.imaging import Image, Mask, load_image, load_mask, save_png, shown

Flow = npt.NDArray[np.float32]
"""(H, W, 2): where each pixel lies in another frame, less where it is, in pixels (x, y)."""
Vectors = npt.NDArray[np.float32]
"""(n, d): one vector per pixel that is followed."""
Frames = npt.NDArray[np.uint8]
"""(T, H, W, 3) sRGB."""
FrameMasks = npt.NDArray[np.bool_]
"""(T, H, W), True where a pixel is to be replaced."""
CLIP_MOST = 600
"""A clip may have as many, at most."""
CLIP_PIXELS = 60_000_000
"""Pixels of all frames together, at most: they take some 40 bytes each."""
FLOW_SIDE = 16
"""Pixels of a frame's shorter side, at least: OpenCV compares 8 of half the size, and of less it crashes."""
GROWN = 5
"""Pixels by which a tracked mask is grown: its edge is never met exactly."""
LEAST_POINTS = 16
"""Points that a tracked mask follows, at least; where there are fewer it stays where it was."""
SMEARED = 8
"""Pixels around a hole in which the flow is that of the thing that is taken out: it is smooth across edges.
"""
AGREE = 12.0
"""Grey levels by which what an earlier and a later frame saw may differ and be averaged; else the nearer one
counts.
"""
_ROW = 4096
_MATROSKA, _WEBM = b"\x42\x82\x88matroska", b"\x42\x82\x84webm\xec\x82\x00\x00"
"""EBML's DocType with either name; both take eleven bytes."""
RATE = 12.0
"""Frames a second where a folder of pictures does not say."""
OnShare = Callable[[str, float], object]
"""`on_step(what, share)` is told what is done and what share of all is; what it raises ends the work."""
FLOWED, LOOKED = 0.5, 0.7
"""The share that `clear` has done once it knows how things move, and once it has looked at other frames."""


@dataclass(frozen=True)
class Clip:
    """A moving picture."""

    frames: Frames
    rate: float = RATE
    """Frames a second."""


@dataclass
class Cleared:
    """A clip with something taken out."""

    clip: Clip
    masks: FrameMasks
    seen: float = float("nan")
    """The share of all holes that other frames saw."""
    keys: list[int] = field(default_factory=list)
    """The frames that the method filled, in their order."""
    warping_error: float = float("nan")
    """`warping_error` in the holes."""


# --- files ----------------------------------------------------------------------------------------


def read_clip(path: Path) -> Clip:
    """The frames of a video file, or of a folder of pictures in the order of their names. Raises InputError
    where there are none, they differ in size, are smaller than FLOW_SIDE, or more than CLIP_MOST or
    CLIP_PIXELS: no more are decoded than show it.
    """
    if path.is_dir():
        return Clip(_stacked(path, (load_image(file).image for file in find_pictures(path).files)))
    with film_at(path) as film:
        return Clip(_stacked(path, film.frames()), film.rate)


def _stacked(path: Path, frames: Iterable[Image]) -> Frames:
    found, pixels = list[Image](), 0
    for frame in frames:
        found.append(frame)
        pixels += frame.shape[0] * frame.shape[1]
        if len(found) > CLIP_MOST:
            raise InputError(f"'{shown(path)}' has more than {CLIP_MOST} frames: cut it shorter.")
        if pixels > CLIP_PIXELS:
            raise InputError(
                f"'{shown(path)}' has more than {CLIP_PIXELS / 1e6:.0f} million pixels in all its frames: "
                "cut it shorter, or make it smaller."
            )
        if frame.shape != found[0].shape:
            raise InputError(f"The frames of '{shown(path)}' differ in size: they must have one.")
        if min(frame.shape[:2]) < FLOW_SIDE:
            raise InputError(
                f"'{shown(path)}' is {frame.shape[1]}×{frame.shape[0]}: its sides must have {FLOW_SIDE} "
                "pixels or more."
            )
    if len(found) < 2:
        raise InputError(f"'{shown(path)}' has fewer than two frames that can be read.")
    return np.stack(found)


class Film:
    """An opened video file, whose frames are read one after the other."""

    def __init__(self, reader: cv2.VideoCapture) -> None:
        self._reader = reader
        rate = float(reader.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 1 <= rate <= 240 else RATE
        """Frames a second."""
        count, height, width = (
            reader.get(key)
            for key in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
        )
        self.count = max(0, int(count))
        """As many frames it says that it has; 0 where it does not say."""
        self.size = int(height), int(width)
        """(height, width), as it says."""

    def frames(self) -> Iterator[Image]:
        """The frames that can be read, (H, W, 3) uint8 sRGB."""
        while (read := self._reader.read())[0]:
            yield np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), np.uint8)


@contextmanager
def film_at(path: Path) -> Iterator[Film]:
    """A video file to be read; one that cannot be read has no frames. InputError where there is none."""
    if not path.is_file():
        raise InputError(f"There is no file '{shown(path)}': check its path.")
    reader = cv2.VideoCapture(str(path))
    try:
        yield Film(reader)
    finally:
        reader.release()


def read_masks(path: Path, clip: Clip) -> FrameMasks:
    """One mask, of the first frame, which is tracked; or a folder with one for each frame, in the order of
    their names. White is missing.
    """
    size = clip.frames.shape[1:3]
    if not path.is_dir():
        return tracked(clip.frames, load_mask(path, size)[0])
    files = find_pictures(path).files
    if len(files) != len(clip.frames):
        raise InputError(
            f"'{shown(path)}' holds {len(files)} masks, the clip {len(clip.frames)} frames: one each."
        )
    return np.stack([load_mask(file, size)[0] for file in files])


def check_target(path: Path) -> None:
    """Raise InputError where `write_clip` writes no such file, or would write between files that are there:
    before the work, not after it.
    """
    if path.suffix.lower() not in ("", ".webm"):
        raise InputError(f"'{path.suffix}' is not written: name a .webm file, or a folder for PNGs.")
    if not path.suffix:
        check_empty(path)


def check_empty(folder: Path) -> None:
    """Raise InputError for a folder that holds anything."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"'{shown(folder)}' is there already: name a new or empty folder.")


def as_pictures(masks: FrameMasks) -> Frames:
    """FrameMasks as frames, white where something is missing."""
    return np.repeat(np.uint8(255) * masks[..., None], 3, axis=3)


def write_clip(path: Path, clip: Clip) -> None:
    """A .webm file (VP8, which every browser plays), or PNGs in a folder where the name has no suffix. VP8
    has even sides: the last row and column are doubled where they are odd.
    """
    check_target(path)
    if not path.suffix:
        write_frames(path, clip.frames)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = (side + side % 2 for side in clip.frames.shape[1:3])
    part = path.with_name(f"{path.stem}.part.mkv")  # of .webm OpenCV prints that it does not know the codec
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"VP80"), clip.rate, (width, height))
    if not writer.isOpened():
        raise InputError("OpenCV has no VP8 encoder here: name a folder after -o, for PNGs.")
    for frame in clip.frames:
        odd = [(0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0)]
        writer.write(cv2.cvtColor(np.pad(frame, odd, "edge"), cv2.COLOR_RGB2BGR))
    writer.release()
    _name_webm(part)
    part.replace(path)


def _name_webm(path: Path) -> None:
    """WebM is Matroska with VP8 or VP9 whose header says so; what the shorter name leaves is void."""
    with path.open("r+b") as file:
        at = file.read(64).index(_MATROSKA)
        file.seek(at)
        file.write(_WEBM)


def write_frames(folder: Path, frames: Frames) -> None:
    """PNGs, numbered from 00000."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        save_png(folder / f"{number:05}.png", frame)


# --- flow -----------------------------------------------------------------------------------------


def flow_between(one: Image, other: Image) -> Flow:
    """Where each pixel of `one` lies in `other`, less where it is."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (one, other)]
    return np.asarray(engine.calc(grey[0], grey[1], np.zeros((*one.shape[:2], 2), np.float32)), np.float32)


def completed(flow: Flow, mask: Mask) -> Flow:
    """The flow with what lies in the mask replaced by a smooth continuation from outside (pull and push over
    a pyramid: Gortler et al. 1996, The lumigraph).
    """
    weight = (~mask).astype(np.float32)
    return np.where(mask[..., None], _pulled(flow * weight[..., None], weight), flow).astype(np.float32)


def _pulled(total: Flow, weight: npt.NDArray[np.float32]) -> Flow:
    here = total / np.maximum(weight, 1e-6)[..., None]
    if min(weight.shape) <= 2 or (weight > 0).all():
        return np.asarray(here)
    size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
    half = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (total, weight)]
    small = _pulled(np.asarray(half[0], np.float32), np.asarray(half[1], np.float32))
    coarse = cv2.resize(small, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
    share = np.minimum(weight, 1.0)[..., None]
    return np.asarray(here * share + coarse * (1 - share))


def tracked(frames: Frames, mask: Mask, on_step: OnShare = lambda what, share: None) -> FrameMasks:
    """The mask of the first frame in all of them, grown by GROWN pixels in the others. It moves and changes
    its size with what it covers, and keeps its shape: by the medians of points that are followed there and
    back (Kalal et al. 2010, Forward-backward error, ICPR). Raises InputError for an empty mask.
    """
    if not mask.any():
        raise InputError("Nothing is masked in the first frame: paint over what should disappear, in white.")
    rows, columns = np.nonzero(mask)
    x, y, scale = float(columns.mean()), float(rows.mean()), 1.0
    origin, found = (x, y), [mask]
    for before, frame in pairwise(frames):
        on_step("where it is", len(found) / len(frames))
        points, moved = _followed(found[-1], before, frame)
        if len(points) >= LEAST_POINTS:
            dx, dy = np.median(moved - points, axis=0)
            x, y, scale = x + float(dx), y + float(dy), scale * _growth(points, moved)
        matrix = np.array([[scale, 0, x - scale * origin[0]], [0, scale, y - scale * origin[1]]], np.float32)
        found.append(cv2.warpAffine(mask.astype(np.float32), matrix, mask.shape[::-1]) > 0.5)
    return np.stack([mask, *(grown(one, GROWN) for one in found[1:])])


def _followed(mask: Mask, before: Image, frame: Image) -> tuple[Vectors, Vectors]:
    """Points (n, 2; x, y) of the mask, and where they lie in the next frame; the half that comes back the
    nearest to where it began.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    step = max(1, len(rows) // 4000)
    points = np.stack([columns, rows], 1).astype(np.float32)[::step]
    there, back = flow_between(before, frame), flow_between(frame, before)
    moved = points + there[rows[::step], columns[::step]]
    error = np.linalg.norm(moved + _sampled(back, moved) - points, axis=1)
    good = error <= np.median(error)
    return points[good], moved[good]


def _growth(points: Vectors, moved: Vectors) -> float:
    """By how much distances between points have grown, by the median."""
    some = np.random.default_rng(0).permutation(len(points))[: len(points) // 2 * 2].reshape(2, -1)
    one, other = (np.linalg.norm(each[some[0]] - each[some[1]], axis=1) for each in (points, moved))
    far = one > 4
    return float(np.clip(np.median(other[far] / one[far]), 0.9, 1.1)) if far.any() else 1.0


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask with all that lies within so many pixels of it."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def _positions(flow: Flow) -> Flow:
    """Where each pixel lies in the other frame."""
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return np.dstack([columns + flow[..., 0], rows + flow[..., 1]])


def _sampled(image: npt.NDArray[np.float32], positions: Flow) -> npt.NDArray[np.float32]:
    """Values at positions (..., 2; x, y), bilinear; 0 outside."""
    flat = positions.reshape(-1, 2)
    padded = np.zeros((-(-len(flat) // _ROW), _ROW, 2), np.float32)  # OpenCV takes no longer rows than 32,767
    padded.reshape(-1, 2)[: len(flat)] = flat
    if not len(padded):
        return np.zeros((*positions.shape[:-1], *image.shape[2:]), np.float32)
    x, y = np.ascontiguousarray(padded[..., 0]), np.ascontiguousarray(padded[..., 1])
    found = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    values = np.asarray(found, np.float32).reshape(-1, *image.shape[2:])[: len(flat)]
    return values.reshape(*positions.shape[:-1], *image.shape[2:])


# --- taking out -----------------------------------------------------------------------------------


@dataclass
class _Course:
    """A clip while things are taken out: what is known by now, and how pixels move."""

    frames: Frames
    unknown: FrameMasks
    """What is still to be replaced."""
    on_flow: Callable[[float], object] = lambda share: None
    """Told what share of the flows is known."""
    flows: dict[int, list[Flow]] = field(init=False)
    """Step -> flow from each frame to the next (1), or back to it from there (-1), across the holes too."""

    def __post_init__(self) -> None:
        self.flows, last = {1: [], -1: []}, len(self.frames) - 1
        for a, b in pairwise(range(len(self.frames))):
            hole = grown(self.unknown[a] | self.unknown[b], SMEARED)
            self.flows[1].append(completed(flow_between(self.frames[a], self.frames[b]), hole))
            self.flows[-1].append(completed(flow_between(self.frames[b], self.frames[a]), hole))
            self.on_flow(b / last)

    @property
    def left(self) -> npt.NDArray[np.int64]:
        """Of each frame how many pixels are unknown, (T,)."""
        return np.asarray(self.unknown.reshape(len(self.frames), -1).sum(1), np.int64)

    def flow(self, t: int, step: int) -> Flow | None:
        """From frame t to the next one in this direction; None at the end."""
        if not 0 <= t + step < len(self.frames):
            return None
        return self.flows[step][t if step == 1 else t - 1]

    def look(self, t: int, step: int, points: Vectors, hidden: FrameMasks) -> tuple[Vectors, Vectors]:
        """What frames in one direction saw at pixels (n, 2; x, y) of frame t, where they are not `hidden`:
        colours (n, 3), and after how many frames (n,), infinite where none did.
        """
        colours, after = np.zeros((len(points), 3), np.float32), np.full(len(points), np.inf, np.float32)
        left, where, now = np.arange(len(points)), points.copy(), t
        for count in range(1, len(self.frames)):
            flow = self.flow(now, step)
            if flow is None or not len(left):
                break
            where = where + _sampled(flow, where)
            now += step
            height, width = hidden.shape[1:]
            inside = ((where >= 0) & (where <= (width - 1, height - 1))).all(1)
            left, where = left[inside], where[inside]  # what has left the picture does not come back
            known = _sampled(hidden[now].astype(np.float32), where) < 0.01
            colours[left[known]] = _sampled(self.frames[now].astype(np.float32), where[known])
            after[left[known]] = count
            left, where = left[~known], where[~known]
        return colours, after

    def fill_seen(self, t: int, hidden: FrameMasks) -> None:
        """Take what other frames saw, where they are not `hidden`, into what is unknown of frame t."""
        rows, columns = np.nonzero(self.unknown[t])
        if not len(rows):
            return
        points = np.stack([columns, rows], 1).astype(np.float32)
        (early, since), (late, until) = (self.look(t, step, points, hidden) for step in (-1, 1))
        both = np.isfinite(since) & np.isfinite(until)
        with np.errstate(invalid="ignore"):
            share = np.where(both, until / (since + until), np.isfinite(since))
        apart = both & (np.abs(early - late).mean(1) > AGREE)
        share = np.where(apart, since <= until, share).astype(np.float32)[:, None]
        found = np.isfinite(since) | np.isfinite(until)
        colours = np.rint(early * share + late * (1 - share)).clip(0, 255).astype(np.uint8)
        self.frames[t, rows[found], columns[found]] = colours[found]
        self.unknown[t, rows[found], columns[found]] = False


def clear(
    clip: Clip,
    masks: FrameMasks,
    method: Inpainter,
    *,
    seed: int = 0,
    on_step: OnShare = lambda what, share: None,
    on_frame: Callable[[int, Image], object] = lambda t, frame: None,
) -> Cleared:
    """Replace what is masked in each frame: by what other frames saw there, else by the method's fill of a
    key frame, handed on to the others. Known pixels stay as they are. `on_frame` is shown frames, by their
    number, as they are so far; they are not to be written to.

    Raises InputError where masks and frames differ in number or size, or all of every frame is masked.
    """
    if masks.shape != clip.frames.shape[:3]:
        raise InputError(
            f"There are masks {masks.shape} for frames {clip.frames.shape[:3]}: one of a size for each."
        )
    if not masks.any():
        raise InputError("Nothing is masked: there is nothing to replace.")
    if masks.all():
        raise InputError("All of every frame is masked: something must be known.")
    on_step("how things move", 0.0)

    def moving(share: float) -> None:
        on_step("how things move", FLOWED * share)

    course, count = _Course(clip.frames.copy(), masks.copy(), moving), len(clip.frames)
    total = course.left
    for t in range(count):
        course.fill_seen(t, masks)  # no frame hands on what it was handed
        on_frame(t, course.frames[t])
        on_step("what other frames saw", FLOWED + (LOOKED - FLOWED) * (t + 1) / count)
    seen = 1 - float(course.left.sum() / total.sum())
    keys, share = list[int](), LOOKED
    while course.unknown.any():
        t = int(course.left.argmax())
        request = InpaintRequest(course.frames[t], course.unknown[t], seed=seed)

        def filling(done: int, of: int, before: float = share) -> None:
            on_step("what no frame saw", before + 0.9 * (1 - before) * done / max(1, of))

        (result,) = method.run([request], filling)[0]
        course.frames[t], course.unknown[t] = result.image, False
        keys.append(t)
        on_frame(t, course.frames[t])
        for other in sorted(range(count), key=lambda one: abs(one - t)):
            course.fill_seen(other, course.unknown)
        left = float(course.left.sum() / total.sum())
        share = max(share + 0.9 * (1 - share), 1 - (1 - LOOKED) * left)
        on_step("what no frame saw", share)
    cleared = Clip(course.frames, clip.rate)
    error = warping_error(cleared, masks, course.flows[1])
    return Cleared(cleared, masks, seen, keys, error)


def warping_error(clip: Clip, masks: FrameMasks, forward: Sequence[Flow]) -> float:
    """How much the fills flicker: the mean absolute difference, in grey levels, between each masked pixel and
    where the flow says that it lies in the next frame (Lai et al. 2018, Learning blind video temporal
    consistency, section 4.1); NaN where no masked pixel stays in the picture.
    """
    apart = []
    for t, flow in enumerate(forward):
        positions = _positions(flow)
        height, width = flow.shape[:2]
        stays = ((positions >= 0) & (positions <= (width - 1, height - 1))).all(2) & masks[t]
        moved = _sampled(clip.frames[t + 1].astype(np.float32), positions)
        apart.append(np.abs(moved - clip.frames[t])[stays].mean(1))
    every = np.concatenate(apart)
    return float(every.mean()) if len(every) else float("nan")

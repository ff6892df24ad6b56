"""Room in memory: what a run will need, and the part of the picture around its holes that it works on where
the whole would not fit.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from inpainters import memory, registry
from inpainters.base import InpaintResult
from inpainters.errors import InputError
from inpainters.imaging import Image
from inpainters.strategy import Box, Hole

TOLD = 1_000_000_000
"""Bytes from which on the page says before a run what it will need."""


def part_that_fits(method: str, size: tuple[int, int], holes: Iterable[Hole]) -> Box | None:
    """The part of a picture of (height, width) that a method can work on in the memory that is free; None
    where that is all of it. Raises InputError where not even the holes fit.
    """
    height, width = size
    most = memory.pixels_that_fit(method, memory.free_ram())
    found = list(holes)
    if most is None or height * width <= most or not found:
        return None
    top, left = min(one.top for one in found), min(one.left for one in found)
    bottom, right = max(one.bottom for one in found), max(one.right for one in found)
    if (bottom - top) * (right - left) > most:
        mend = "mask less, or use a smaller picture" if most else "choose another method"
        raise InputError(
            f"{registry.get(method).title} needs about {_gb(memory.need(method, height * width))} for this "
            f"picture, and {_gb(memory.free_ram())} are free: {mend}."
        )
    margin = _margin((top, left, bottom, right), size, most)
    return _grown((top, left, bottom, right), size, margin)


def _margin(box: Box, size: tuple[int, int], most: int) -> int:
    """The widest margin around a box with which it has no more than `most` pixels."""
    low, high = 0, max(size)
    while low < high:
        middle = (low + high + 1) // 2
        top, left, bottom, right = _grown(box, size, middle)
        low, high = (middle, high) if (bottom - top) * (right - left) <= most else (low, middle - 1)
    return low


def _grown(box: Box, size: tuple[int, int], margin: int) -> Box:
    top, left, bottom, right = box
    return (
        max(0, top - margin),
        max(0, left - margin),
        min(size[0], bottom + margin),
        min(size[1], right + margin),
    )


def whole_result(result: InpaintResult, image: Image, part: Box) -> InpaintResult:
    """A result of a part as one of the whole picture."""
    top, left, bottom, right = part
    whole, raw = image.copy(), image.copy()
    whole[top:bottom, left:right], raw[top:bottom, left:right] = result.image, result.raw
    note = f"Memory was short: it saw {right - left:,}×{bottom - top:,} pixels around the hole."
    return replace(result, image=whole, raw=raw, notes=(*result.notes, note))


def whole_preview(shown: Image, image: Image, part: Box) -> Image:
    """The same of what a method shows on its way."""
    top, left, bottom, right = part
    whole: Image = np.array(image)
    whole[top:bottom, left:right] = shown
    return whole


def memory_told(method: str, size: tuple[int, int], holes: Iterable[Hole]) -> str:
    """What to say of a method's memory before a run; empty where there is plenty."""
    try:
        part = part_that_fits(method, size, holes)
    except InputError as error:
        return str(error)
    if part is None:
        return ""
    top, left, bottom, right = part
    return (
        f"Needs about {_gb(memory.need(method, size[0] * size[1]))}, and {_gb(memory.free_ram())} are free: "
        f"it works on {right - left:,}×{bottom - top:,} pixels around the hole."
    )


def memory_needed(methods: Iterable[str], size: tuple[int, int]) -> str:
    """' · 0.9 GB' where one of these takes that much; empty where none takes much."""
    most = max((memory.need(name, size[0] * size[1]) for name in methods), default=0)
    return f" · {_gb(most)}" if most >= TOLD else ""


def _gb(bytes_: int) -> str:
    return f"{bytes_ / 1e9:.1f} GB"

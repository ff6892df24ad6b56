"""Image inpainting methods of every family behind one interface."""

from typing import overload

import numpy as np

from inpainters.base import Inpainter, InpaintRequest, InpaintResult, OnStep
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import Source, load_guide, load_pair
from inpainters.registry import METHODS, create, unavailable
from inpainters.spec import MethodSpec

__all__ = [
    "METHODS", "Cancelled", "InpaintRequest", "InpaintResult", "Inpainter", "InputError", "MethodSpec",
    "OnStep", "UnavailableError", "create", "inpaint", "unavailable",
]  # fmt: skip
__version__ = "0.1.0"


@overload
def inpaint(
    image: Source,
    mask: Source,
    method: str = ...,
    *,
    seed: int = ...,
    n: None = ...,
    guide: "Source | None" = ...,
    device: str = ...,
    **options: object,
) -> np.ndarray: ...


@overload
def inpaint(
    image: Source,
    mask: Source,
    method: str = ...,
    *,
    seed: int = ...,
    n: int,
    guide: "Source | None" = ...,
    device: str = ...,
    **options: object,
) -> list[np.ndarray]: ...


def inpaint(
    image: Source,
    mask: Source,
    method: str = "telea",
    *,
    seed: int = 0,
    n: int | None = None,
    guide: "Source | None" = None,
    device: str = "auto",
    **options: object,
) -> np.ndarray | list[np.ndarray]:
    """Fill the hole of a picture; the known pixels come back bit for bit.

    Args:
        image: (H, W, 3) uint8 sRGB array, or (H, W, 4) with alpha, a PIL image, or a path.
        mask: (H, W) bool or uint8 (255 = missing), a PIL image, or a path (white = missing), of the image's
            size; "alpha" for the image's own transparent pixels.
        method: a name from `METHODS`.
        seed: for methods that draw at random.
        n: how many answers to give, 1 to 64, with the seeds seed .. seed + n - 1; None for one that does not
            come in a list.
        guide: a sketch of edges for methods that follow one (`takes_guide`), given as a mask is; white = a
            line.
        device: auto, cpu, cuda or cuda:N.
        options: the method's own settings.

    Returns:
        (H, W, 3) uint8, or where `n` is given a list of `n` of them.

    Raises:
        InputError: a picture, mask, method or option that cannot be used; the message says what to do.
        UnavailableError: the method lacks a package or weights.
    """
    inpainter = create(method, device=device, **options)
    pair = load_pair(image, mask)
    lines = None if guide is None else load_guide(guide)
    request = InpaintRequest(pair.image, pair.mask, seed=seed, n=1 if n is None else n, guide=lines)
    answers = [result.image for result in inpainter.run([request])[0]]
    return answers[0] if n is None else answers

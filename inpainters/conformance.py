"""Whether a method keeps its contract, tried on drawn pictures: `python -m inpainters check NAME`."""

import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from inpainters.base import Inpainter, InpaintRequest, InpaintResult
from inpainters.errors import Cancelled
from inpainters.imaging import Image, Mask

TRIED_SIZES = ((3, 3), (1, 40), (17, 9), (31, 65), (97, 131), (160, 128))
"""(height, width) of the pictures that are tried."""
COLOUR = (230, 160, 60)
"""Of the picture that is all of one colour."""
FAR = 0.25
"""Share of a colour's brightness by which a fill of it may be off."""


class Verdict(NamedTuple):
    """What came of one clause."""

    clause: str
    problem: str = ""
    """One sentence; empty where the clause is kept."""


def verdicts(method: Inpainter) -> Iterator[Verdict]:
    """Try every clause, one after the other; what a method raises is its problem."""
    for clause, trial in CLAUSES.items():
        try:
            yield Verdict(clause, trial(method))
        except Cancelled:
            yield Verdict(clause, "It was cancelled, though nobody asked for that.")
        except Exception as error:  # whatever somebody's code raises
            yield Verdict(clause, f"{type(error).__name__}: {str(error)[:300]}")


def striped(height: int = 64, width: int = 80) -> Image:
    """Stripes, a gradient and a disc, in three colours: (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 4) ** 2
    red, green = 200 * x / max(1, width - 1), 120 + 60 * np.sin(y / 3)
    return np.stack([red, green, np.where(disc, 230, 40)], -1).astype(np.uint8)


def hole(height: int = 64, width: int = 80) -> Mask:
    """Two groups of missing pixels, one at the border; at least one pixel is missing and one known."""
    mask = np.zeros((height, width), bool)
    mask[
        height // 3 : max(height // 3 + 1, height * 2 // 3), width // 3 : max(width // 3 + 1, width // 2)
    ] = True
    mask[-1:, : width // 8] = True
    return mask


def answered(method: Inpainter, image: Image, mask: Mask, seed: int = 0) -> InpaintResult:
    """One answer."""
    return method.run([InpaintRequest(image, mask, seed=seed)])[0][0]


def _loads(method: Inpainter) -> str:
    method.load()
    return ""


def _fills(method: Inpainter) -> str:
    result, mask = answered(method, striped(), hole()), hole()
    if not result.image[mask].any():
        return "The hole came back black, as it was given: return the picture with the hole filled."
    return ""


def _sizes(method: Inpainter) -> str:
    for size in TRIED_SIZES:
        try:
            answered(method, striped(*size), hole(*size))
        except Exception as error:
            said = f"{type(error).__name__}: {str(error)[:200]}"
            return f"At {size[1]}×{size[0]} pixels: {said}"
    return ""


def _colour(method: Inpainter) -> str:
    """Swapped channels, another range and an inverted mask show on a picture of one colour."""
    image, mask = np.full((64, 80, 3), COLOUR, np.uint8), hole()
    drawn = np.mean([answered(method, image, mask, seed).raw[mask].mean(0) for seed in range(3)], 0)
    if np.abs(drawn - COLOUR).mean() <= FAR * np.mean(COLOUR):
        return ""
    mean = "(" + ", ".join(f"{value:.0f}" for value in drawn) + ")"
    return f"A picture of the colour {COLOUR} was filled with {mean} in the mean: {_why(drawn)}"


def _why(drawn: np.ndarray) -> str:
    guesses = {
        "its red and blue seem swapped; pictures come and go as RGB.": COLOUR[::-1],
        "its values seem to lie in [0, 1]; a fill has 0 to 255.": tuple(value / 255 for value in COLOUR),
        "its colours seem inverted.": tuple(255 - value for value in COLOUR),
    }
    off = {guess: float(np.abs(drawn - colour).mean()) for guess, colour in guesses.items()}
    guess = min(off, key=off.__getitem__)
    if off[guess] <= FAR * max(4.0, float(np.mean(guesses[guess]))):
        return guess
    return "look at its range, its channels, and at what it takes for missing (the mask is True there)."


def _repeats(method: Inpainter) -> str:
    first = answered(method, striped(), hole(), seed=7).raw
    _disturb()
    if (answered(method, striped(), hole(), seed=7).raw != first).any():
        return "The same seed gave two fills: draw from the seed alone, never from a global generator."
    return ""


def _seeds(method: Inpainter) -> str:
    differ = (answered(method, striped(), hole(), 1).raw != answered(method, striped(), hole(), 2).raw).any()
    if differ and not method.spec.stochastic:
        return "Two seeds gave two fills: say so with stochastic=True, or take a parameter `seed`."
    if method.spec.stochastic and not differ:
        return "It is said to draw at random, and two seeds gave the same fill."
    return ""


def _globals(method: Inpainter) -> str:
    """Global generators are other people's: what draws from them changes their results."""
    before = _states()
    answered(method, striped(), hole(), seed=3)
    changed = [name for name, state in _states().items() if state != before[name]]
    return f"It drew from the global generator of {' and '.join(changed)}." if changed else ""


def _batch(method: Inpainter) -> str:
    sizes = ((64, 80), (48, 48))
    requests = [InpaintRequest(striped(*size), hole(*size), seed=i) for i, size in enumerate(sizes)]
    for together, request in zip(method.run(requests), requests, strict=True):
        difference = np.abs(together[0].image.astype(int) - method.run([request])[0][0].image)
        if difference.max() > 1 or (difference > 0).mean() > 1e-3:
            return (
                f"In a batch a fill differs by up to {difference.max()} grey levels from the same one alone."
            )
    return ""


def _disturb() -> None:
    random.seed(1)
    np.random.seed(1)
    if torch := _torch():
        torch.manual_seed(1)


def _states() -> dict[str, object]:
    kind, key, *rest = np.random.get_state(legacy=True)
    found: dict[str, object] = {
        "random": random.getstate(),
        "numpy.random": (kind, np.asarray(key).tobytes(), *rest),
    }
    if torch := _torch():
        found["torch"] = torch.get_rng_state().numpy().tobytes()
    return found


def _torch() -> Any:
    return sys.modules.get("torch")


CLAUSES: dict[str, Callable[[Inpainter], str]] = {
    "It loads": _loads,
    "It fills the hole, with a picture of the piece's size": _fills,
    "It takes pictures of any size and holes at the border": _sizes,
    "It continues a picture of one colour": _colour,
    "The same seed gives the same fill": _repeats,
    "Other seeds give other fills where it draws at random": _seeds,
    "It leaves global random generators alone": _globals,
    "A batch gives what single pictures give": _batch,
}
"""What is tried, in this order."""

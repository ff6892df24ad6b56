"""Made-up methods with something inside, for looking at the Inside tab and for its tests.

python tests/demo/harness_inside.py PORT
"""

import sys
import threading
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from scipy import ndimage

from inpainters import registry
from inpainters.base import Frame, Inpainter
from inpainters.methods.diffusion.repaint import RePaint
from inpainters.methods.diffusion.replacement import Replacement
from inpainters.networks.denoiser import Denoiser
from inpainters.spec import Cost, MethodSpec

GATE = threading.Event()
"""Opened, it lets `Patient` go on."""


def grey(plane):
    """(h, w) in 0 .. 1 as (h, w, 3) uint8."""
    return np.repeat((255 * np.clip(plane, 0, 1)).round().astype(np.uint8)[..., None], 3, axis=2)


def copied(piece):
    """The fill: each missing pixel is its nearest known one; and (row, column) of that one."""
    rows, columns = ndimage.distance_transform_edt(piece.mask, return_distances=False, return_indices=True)
    return piece.image[rows, columns], rows, columns


class Filling(Inpainter):
    """The validity map after each of six layers, then coarse and refined."""

    def fill(self, piece):
        return copied(piece)[0]

    def frames(self, piece):
        valid = ~piece.mask
        for layer in range(1, 7):
            valid = ndimage.binary_dilation(valid, iterations=6)
            yield Frame(
                f"mask/{layer}",
                f"Layer {layer}: valid positions are white",
                grey(valid[::4, ::4]),
                float(valid.mean()),
            )
        fine = copied(piece)[0]
        smooth = ndimage.gaussian_filter(fine.astype(float), (6, 6, 0)).astype(np.uint8)
        yield Frame(
            "coarse", "Coarse: the first stage's answer", np.where(piece.mask[..., None], smooth, piece.image)
        )
        yield Frame("refined", "Refined: the second stage's answer", fine)
        return fine


class Attending(Inpainter):
    """Offsets in colour at quarter size, and where each position was copied from."""

    def fill(self, piece):
        return copied(piece)[0]

    def frames(self, piece):
        fine, rows, columns = copied(piece)
        for stage in ("coarse", "refine"):
            for layer in range(1, 5):
                yield Frame(
                    f"gate/{stage}-{layer}",
                    f"Gates of layer {layer}, {stage}",
                    grey(piece.mask[::4, ::4] * 0.2 * layer),
                    0.2 * layer,
                )
        small = piece.mask[::4, ::4]
        angle = np.arctan2(rows - np.indices(rows.shape)[0], columns - np.indices(rows.shape)[1])[::4, ::4]
        colours = np.stack([0.5 + 0.5 * np.cos(angle + turn) for turn in (0, 2.1, 4.2)], axis=2)

        def origin(row, column):
            heat = np.zeros((*small.shape, 3), np.uint8)
            y, x = rows[4 * row, 4 * column] // 4, columns[4 * row, 4 * column] // 4
            heat[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = 90
            heat[y, x] = 255
            return heat

        picture = np.where(small[..., None], 255 * colours, 40).astype(np.uint8)
        yield Frame("attention", "Attention: colour is the direction it copied from", picture, None, origin)
        return fine


class Patient(Inpainter):
    """Takes its steps until it is stopped or the gate opens."""

    def fill(self, piece):
        for step in range(4000):
            piece.on_step(step, 4000)
            if GATE.wait(0.01):
                break
        return piece.image


@cache
def tiny():
    """A small denoiser that learned nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Denoiser(16, widths=[8, 8], groups=4, heads=8).eval().requires_grad_(False)


class Untrained:
    """The real sampler with that denoiser: no weights are needed."""

    def load(self):
        self.net = tiny()


class UntrainedRePaint(Untrained, RePaint):
    pass


class UntrainedReplacement(Untrained, Replacement):
    pass


WALKING = {"repaint": UntrainedRePaint, "replacement": UntrainedReplacement}
CLASSES = {
    "filling": Filling,
    "attending": Attending,
    "patient_inside": Patient,
    "weightless": Filling,
    **WALKING,
}
WHY = "'weightless' needs weights 'weightless': run `python -m inpainters fetch weightless`."


def install(patch):
    """Put the made-up methods in place of those that explain."""
    walking = {name: replace(registry.METHODS[name], weights=()) for name in WALKING}
    for spec in [spec for spec in registry.METHODS.values() if spec.explains]:
        patch.delitem(registry.METHODS, spec.name)
    titles = {
        "filling": "Made-up masks",
        "attending": "Made-up attention",
        "patient_inside": "Patient",
        "weightless": "Without weights",
    }
    for name, title in titles.items():
        spec = MethodSpec(
            name,
            title,
            "convolutional",
            "",
            f"{title} in one sentence. More.",
            "",
            0,
            "",
            "",
            Cost(0.5),
            explains=True,
        )
        patch.setitem(registry.METHODS, name, spec)
    for name, spec in walking.items():
        patch.setitem(registry.METHODS, name, spec)
    class_of, unavailable = registry.class_of, registry.unavailable

    def why_not(name, options=None):
        return WHY if name == "weightless" else None if name in CLASSES else unavailable(name, options)

    patch.setattr(registry, "class_of", lambda spec: CLASSES.get(spec.name) or class_of(spec))
    patch.setattr(registry, "unavailable", why_not)


if __name__ == "__main__":
    import pytest

    from demo.app import launch_options, make

    install(pytest.MonkeyPatch())
    blocks, app = make()
    blocks.launch(server_port=int(sys.argv[1]), quiet=True, **launch_options(app))

"""Partial convolution: Liu et al., Image Inpainting for Irregular Holes Using
Partial Convolutions, ECCV 2018.
"""

from collections.abc import Generator

import torch
from torch import Tensor

from inpainters.base import Frame, Piece
from inpainters.imaging import Image
from inpainters.methods.learned.base import Learned, grey, tapped, to_images, to_tensor
from inpainters.networks.layers import PartialConv2d


class PartialConv(Learned):
    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        layers = [
            (path, module) for path, module in self.net.named_modules() if isinstance(module, PartialConv2d)
        ]
        with tapped(layers, lambda output: output[1][0, 0].cpu()) as seen:
            output = self.stages([piece])[-1]
        yield _validity(0, "before the first layer: white is known", 1 - to_tensor([piece.mask])[0, 0])
        for number, (path, valid) in enumerate(seen, 1):
            where = "decoder" if path.startswith("decoder") else "encoder"
            yield _validity(number, f"after layer {number}, in the {where}", valid)
        filled = to_images(output)[0]
        yield Frame("output", "What the network drew, over known pixels as well", filled)
        return filled


def _validity(number: int, where: str, valid: Tensor) -> Frame:
    """`valid` (h, w), 1 where valid."""
    share = valid.float().mean().item()
    return Frame(
        f"mask/{number}",
        f"Valid positions {where} ({share:.0%} of {valid.shape[1]}×{valid.shape[0]})",
        grey(torch.as_tensor(valid)),
        share,
    )

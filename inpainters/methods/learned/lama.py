"""LaMa: Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV 2022."""

from collections.abc import Generator

import torch
from torch import Tensor

from inpainters.base import Frame, Piece
from inpainters.imaging import Image
from inpainters.methods.learned.base import Learned, grey, tapped, to_images
from inpainters.networks.layers import FourierBlock
from inpainters.networks.layers.fourier_conv import Parts


class Lama(Learned):
    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        blocks = [(path, each) for path, each in self.net.named_modules() if isinstance(each, FourierBlock)]
        with tapped(blocks, _strengths) as seen:
            output = self.stages([piece])[-1]
        for number, (_, parts) in enumerate(seen, 1):
            for name, words, strength in zip(_NAMES, _WORDS, parts, strict=True):
                share = (strength / strength.max().clamp(min=1e-6)).mean().item()
                title = f"Block {number}: {words}"
                yield Frame(f"{name}/{number}", title, grey(strength / strength.max().clamp(min=1e-6)), share)
        filled = to_images(output)[0]
        yield Frame("output", "What the network drew, over known pixels as well", filled)
        return filled


_NAMES = ("local", "global")
_WORDS = ("features that see their neighbours", "features that see the whole picture, by its frequencies")


def _strengths(parts: Parts) -> list[Tensor]:
    """Mean strength of local and of global features, (h, w) each."""
    return [part[0].float().abs().mean(0).cpu() for part in parts if isinstance(part, torch.Tensor)]

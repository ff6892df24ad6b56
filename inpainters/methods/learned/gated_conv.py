"""Gated convolution: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019;
network in `networks.gated`.
"""

from collections.abc import Generator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpainters.base import Frame, Piece
from inpainters.imaging import Image
from inpainters.methods.learned.base import Learned, grey, inputs, pasted, tapped, to_images
from inpainters.methods.learned.contextual_attention import attention_frame
from inpainters.networks.layers import GatedConv2d

GATES_SHOWN = 8
"""Channels per layer on a contact sheet, those whose gates differ most from place to place."""
MAP_SIDE = 192
"""Gate maps are reduced to this many pixels a side, and each picture of a contact sheet to half of it."""


class GatedConv(Learned):
    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        with tapped(gates(self.net), _reduce) as seen:
            coarse, *_, refined = self.stages([piece])
        for name, (mean, value, (low, high), sheet) in seen:
            title = name.replace("_", " ").replace("-", ", layer ")
            yield Frame(
                f"gate/{name}",
                f"Mean gate of {title}: from {low:.2f} (black) to {high:.2f} (white)",
                mean,
                value,
            )
            yield Frame(
                f"channels/{name}",
                f"The {GATES_SHOWN} liveliest gates of {title}: white lets the feature pass",
                sheet,
                value,
            )
        yield Frame("coarse", "What the coarse stage drew", pasted(coarse, piece))
        attend = getattr(self.net, "attend", None)
        if attend is not None:  # the paper's form has the attention of its authors' earlier network
            with torch.inference_mode():
                yield attention_frame(attend(*inputs([piece], self.device, guide=True)))
        yield Frame("refined", "What the refinement made of it", pasted(refined, piece))
        return to_images(refined)[0]


def gates(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The convolutions that give the gates, named `stage-number`; the stage is the network's part that they
    lie in.
    """
    named: list[tuple[str, nn.Module]] = []
    for path, module in network.named_modules():
        if isinstance(module, GatedConv2d):
            stage = path.removeprefix("stages.").partition(".")[0]
            number = 1 + sum(name.startswith(f"{stage}-") for name, _ in named)
            named.append((f"{stage}-{number}", module.gate))
    return named


def _reduce(output: Tensor) -> tuple[Image, float, tuple[float, float], Image]:
    """The mean gate over channels as a picture, its mean and range, and the liveliest channels."""
    gate = torch.sigmoid(output.float())
    small = F.adaptive_avg_pool2d(gate, _at_most(gate, MAP_SIDE // 2))[0]
    liveliest = small.flatten(1).std(1, correction=0).argsort(descending=True)[:GATES_SHOWN]
    mean = F.adaptive_avg_pool2d(gate.mean(1), _at_most(gate, MAP_SIDE))[0]
    low, high = mean.min().item(), mean.max().item()
    return (
        grey((mean - low) / max(high - low, 1e-6)),
        gate.mean().item(),
        (low, high),
        contact_sheet(small[liveliest]),
    )


def _at_most(x: Tensor, side: int) -> tuple[int, int]:
    """The size (h, w) of `x`, shrunk so that its longer side is at most `side`."""
    height, width = x.shape[-2:]
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def contact_sheet(maps: Tensor, columns: int = 4) -> Image:
    """(n, h, w) in [0, 1] as one picture, `columns` in a row, with a thin mid-grey line between."""
    maps = F.pad(maps, (0, 1, 0, 1), value=0.5)
    blank = torch.full_like(maps[:1], 0.5).expand(-len(maps) % columns, -1, -1)
    rows = torch.cat((maps, blank)).split(columns)
    return grey(torch.cat([torch.cat(tuple(row), 1) for row in rows])[:-1, :-1])

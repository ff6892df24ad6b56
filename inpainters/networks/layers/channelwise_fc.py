"""Channel-wise fully connected layer: Pathak et al., Context Encoders: Feature Learning by Inpainting, CVPR
2016, section 3.1.
"""

import torch
from torch import Tensor, nn


class ChannelwiseFC(nn.Module):
    """Every output position of a map sees every position of the same map, and of no other: m·n^4 weights for
    m maps of n×n.

    Input and output (N, channels, side, side). A convolution of stride 1 has to follow: it carries
    information across the maps.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, side**2, side**2))
        """(map, from, to), positions row by row."""
        self.bias = nn.Parameter(torch.zeros(channels, side**2))
        nn.init.normal_(self.weight, std=1 / side)

    def forward(self, x: Tensor) -> Tensor:
        maps = x.flatten(2).transpose(0, 1)
        return (torch.bmm(maps, self.weight).transpose(0, 1) + self.bias).view(x.shape)

"""Gated convolution: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019, equation 3."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, Activation] = {
    "elu": F.elu,
    "relu": F.relu,
    "leaky_relu": partial(F.leaky_relu, negative_slope=0.2),
    "linear": lambda x: x,
}
"""The paper's phi "can be any activation function (for example ReLU, ELU and LeakyReLU)"."""

Padding = Literal["zeros", "reflect", "replicate", "circular"]


class GatedConv2d(nn.Module):
    """`phi(W_f * x) · sigmoid(W_g * x)`; padded by `padding_mode` so that a stride of 1 keeps the size and a
    stride of 2 halves it.

    Input (N, inputs, H, W), output (N, outputs, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        activation: str = "elu",
        padding_mode: Padding = "zeros",
    ) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        # Two convolutions: halves of one channels-last tensor are not contiguous, and slow every pointwise
        # step after it.
        self.features = nn.Conv2d(
            inputs, outputs, kernel, stride, padding, dilation, padding_mode=padding_mode
        )
        self.gate = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, padding_mode=padding_mode)
        self.activation = ACTIVATIONS[activation]
        # A fresh gate passes half of everything: without the factor 2 the signal would fade by as much in
        # each layer.
        nn.init.kaiming_normal_(self.features.weight, nonlinearity="relu")
        with torch.no_grad():
            self.features.weight.mul_(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.features(x)) * torch.sigmoid(self.gate(x))

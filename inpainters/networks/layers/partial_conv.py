"""Partial convolution: Liu et al., Image Inpainting for Irregular Holes Using Partial Convolutions, ECCV
2018, equations 1 and 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS_LAST_FROM = 64 * 64
"""Positions from which on a processor gains by channels last."""


class PartialConv2d(nn.Module):
    """`W^T (X·M) · sum(1) / sum(M) + b` where any input of the window is valid, 0 elsewhere; and the mask
    that follows.

    `valid` is 1 where a value is valid (the paper's M), of shape (N, 1, H, W) for all channels alike or (N,
    inputs, H, W). Beyond the border nothing is valid. `forward` returns the output (N, outputs, H', W') and
    its validity (N, 1, H', W').
    """

    ones: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, self.padding, dilation, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("ones", torch.ones(1, 1, kernel, kernel), persistent=False)

    def forward(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            count = self._count(valid, x.shape[1])
            update = (count > 0).to(x.dtype)
            window = x.shape[1] * self.ones.numel()
            ratio = window / count.clamp(min=1) * update
        # Large maps are convolved up to twice as fast with channels last; the output is ours alone, so what
        # follows works in place.
        large = x.shape[-2] * x.shape[-1] >= CHANNELS_LAST_FROM and not x.is_cuda
        out = self.conv((x * valid).to(memory_format=torch.channels_last if large else torch.preserve_format))
        out = out.mul_(ratio.to(out.dtype))
        if self.bias is not None:
            out = out.addcmul_(self.bias.view(1, -1, 1, 1).to(out.dtype), update.to(out.dtype))
        return out, update

    def _count(self, valid: Tensor, channels: int) -> Tensor:
        """Valid values per window, (N, 1, H', W');
        one channel is enough, as all output channels see the same inputs.
        """
        conv = self.conv
        total = valid.sum(1, keepdim=True) if valid.shape[1] > 1 else valid * channels
        with torch.autocast(valid.device.type, enabled=False):
            count = F.conv2d(total.float(), self.ones.float(), None, conv.stride, self.padding, conv.dilation)
        return count.to(valid.dtype)

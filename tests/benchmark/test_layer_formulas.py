"""The formulas that `benchmark.studies.layers` measures against give what the layers give."""

import pytest
import torch

from benchmark.studies.layers import attention_by_convolution, once, partial_by_convolution
from inpainters.networks.layers import PartialConv2d, contextual_attention


def test_attention_by_convolution_is_contextual_attention():
    torch.manual_seed(0)
    x, mask = torch.randn(2, 5, 12, 11), torch.zeros(2, 1, 12, 11)
    mask[0, :, 4:8, 3:6], mask[1, :, 2:4, 6:9] = 1, 1
    torch.testing.assert_close(attention_by_convolution(x, mask), contextual_attention(x, mask)[0])


@pytest.mark.parametrize("masks", [1, 4])
def test_partial_by_convolution_is_partial_convolution(masks):
    torch.manual_seed(0)
    layer, x, valid = PartialConv2d(4, 3), torch.randn(2, 4, 9, 9), (torch.rand(2, masks, 9, 9) > 0.5).float()
    valid[..., :5] = 0
    torch.nn.init.normal_(layer.bias)
    torch.testing.assert_close(
        partial_by_convolution(layer.conv.weight, layer.bias)(x, valid), layer(x, valid)[0]
    )
    assert once(lambda a, m: layer(a, m)[0], x, valid, train=True) > 0

"""Layers that were invented for inpainting, one file per paper."""

from inpainters.networks.layers.attention_transfer import AttentionTransfer, attention_transfer
from inpainters.networks.layers.channelwise_fc import ChannelwiseFC
from inpainters.networks.layers.contextual_attention import Attention, contextual_attention
from inpainters.networks.layers.fourier_conv import FourierBlock, FourierConv2d
from inpainters.networks.layers.gated_conv import GatedConv2d
from inpainters.networks.layers.partial_conv import PartialConv2d

__all__ = [
    "Attention",
    "AttentionTransfer",
    "ChannelwiseFC",
    "FourierBlock",
    "FourierConv2d",
    "GatedConv2d",
    "PartialConv2d",
    "attention_transfer",
    "contextual_attention",
]

"""Networks as `nn.Module`s: float NCHW tensors in, float NCHW tensors out;
colours in [0, 1], masks 1 where missing.
"""

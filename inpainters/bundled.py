"""sha256 of every bundled weights file. Written by `python -m inpainters.training.bundle`; not to be edited."""

BUNDLED: dict[str, dict[str, str]] = {
    "contextual_attention": {
        "contextual_attention-1-of-1.safetensors": "a4812c6d3738ad87d0ef77bfb348f5c5223db88f4a2e9b571c31ef1c0c889ffd",
    },
}
"""Weights -> file name -> sha256; the files lie in `inpainters/checkpoints`."""

"""sha256 of every bundled weights file. Written by `python -m inpainters.training.bundle`; not to be edited."""

BUNDLED: dict[str, dict[str, str]] = {
    "contextual_attention": {
        "contextual_attention-1-of-1.safetensors": "a4812c6d3738ad87d0ef77bfb348f5c5223db88f4a2e9b571c31ef1c0c889ffd",
    },
    "gated_conv": {
        "gated_conv-1-of-2.safetensors": "4c0bb7ac04ae770c938c50387e88f31fd99ac45dbcf6618d9a8d0e39cb739495",
        "gated_conv-2-of-2.safetensors": "4766a13e484fb48f841900c72280aad9072e02d08bdeb3c467d58317aef361c7",
    },
    "partial_conv": {
        "partial_conv-1-of-1.safetensors": "2c003aec8bbeefe257ae3e31622fbfb5c23e83ccf9587b49a43cb1268219dcea",
    },
    "pen_net": {
        "pen_net-1-of-1.safetensors": "f08165d175f9ee4a4b9f3c0f1bbd393dc27dc0e24a13318474f9f0d6f250d3d2",
    },
}
"""Weights -> file name -> sha256; the files lie in `inpainters/checkpoints`."""

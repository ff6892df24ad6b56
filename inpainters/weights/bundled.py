"""sha256 of every bundled weights file, written by `python -m inpainters.training.bundle`; not to be
edited.
"""

# ruff: noqa: E501
BUNDLED: dict[str, dict[str, str]] = {
    "autoencoder": {
        "autoencoder-1-of-1.safetensors": "ec1c68e469eb13a7a35159010fdf5517696c628daf36183c7fbfb6bd133a63fb",
    },
    "context_encoder": {
        "context_encoder-1-of-2.safetensors": "3d25f2de9a0ff7491057b045032bd563ba139ed4ce70bd6911b31bcdd2534be2",
        "context_encoder-2-of-2.safetensors": "dabfcdd3e68cd085dc4551b794ca58b0320a6d1456a463d30557b0faa992f2f5",
    },
    "contextual_attention": {
        "contextual_attention-1-of-1.safetensors": "f1b48a648b197c1e3923293c8bd01a786a947d8913f5d228479895c911175510",
    },
    "denoiser": {
        "denoiser-1-of-3.safetensors": "c347c1f0732e72d2ababb969de03e28e2e0105ee1c122ecabaa9259ae17b849e",
        "denoiser-2-of-3.safetensors": "04de566f1aca9b62c7664ef83ea8cdd4122b05c838682abac623ac276b8cb443",
        "denoiser-3-of-3.safetensors": "1958dea04ef9f0c3e9088555ce85e427da56e5d8bc6a22f7ac2cba4d9064bd17",
    },
    "gated_conv": {
        "gated_conv-1-of-2.safetensors": "b3c612de653f6f9a80018d0a7ba670c74c7cc07a6478e0a90fc0e2d0a95bcbf5",
        "gated_conv-2-of-2.safetensors": "f0ef062ef4f635ecfdfd0b3d965c80ef5670a4b47bcd2f0cedadd543ac52f058",
    },
    "lama": {
        "lama-1-of-1.safetensors": "6c9387c8f0248ce70b23f4f8b9f2c145354b5df51f076900f300203a3b2fcd64",
    },
    "latent_diffusion": {
        "latent_diffusion-1-of-1.safetensors": "2eaa8254241cda68084d4bd51f388b2982d80859300d43bf460a9a6762fb414e",
    },
    "palette": {
        "palette-1-of-3.safetensors": "b92f49391e098023f99f46c786740d71e6ce1027917ab47e696a003f6ae02633",
        "palette-2-of-3.safetensors": "6679627de0651e22e562c5499f3a57fb55e05763be90487bad7ec2c6d2a6c570",
        "palette-3-of-3.safetensors": "4763f8b93ce0a1072e3763299fcfbcd239a4a8032c2e47c6220425135ea6d5b7",
    },
    "partial_conv": {
        "partial_conv-1-of-1.safetensors": "6cedd7277a3b56d142eeeb7f3c6b6178da7fcef7b46d6e50e7357ffdb00e3375",
    },
    "pen_net": {
        "pen_net-1-of-1.safetensors": "d4de4489e89c0c38ef3ced81f4b288a3228b3a8df556c57b089a0440e7ea03f1",
    },
}
"""Weights -> file name -> sha256; the files lie in `inpainters/weights/checkpoints`."""

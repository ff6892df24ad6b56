"""sha256 of every bundled weights file. Written by `python -m inpainters.training.bundle`; not to be edited."""

BUNDLED: dict[str, dict[str, str]] = {}
"""Weights -> file name -> sha256; the files lie in `inpainters/checkpoints`."""

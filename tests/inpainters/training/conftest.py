"""What the tests of training share: a few pictures, and a package that bundling leaves as it is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from inpainters.training.bundle import main
from inpainters.weights import bundled, files, table


@pytest.fixture
def photos(tmp_path):
    """Ten blurred random pictures of several sizes and one file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(10):
        rng = np.random.default_rng(i)
        small = PilImage.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        small.resize((40 + 3 * i, 36 + 2 * i), PilImage.Resampling.BICUBIC).save(folder / f"{i}.png")
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:60])
    return folder


@pytest.fixture
def bundle(monkeypatch, tmp_path) -> Callable[[Path, str], None]:
    """`bundle(folder, name)`: what was exported to `folder` is bundled, for this test alone."""
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(bundled, "BUNDLED", dict(bundled.BUNDLED))
    monkeypatch.setattr(bundled, "__file__", str(tmp_path / "bundled.py"))

    def into(folder: Path, name: str) -> None:
        assert main([str(folder)]) == 0
        row = replace(table.WEIGHTS[name], files=bundled.BUNDLED[name])
        monkeypatch.setitem(table.WEIGHTS, name, row)

    return into

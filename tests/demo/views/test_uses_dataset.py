"""The example of a dataset that grows."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from demo.server.exemplars import EXEMPLARS, VARIANTS, augmented
from demo.views.uses.dataset import DATASET_COMMAND, exemplars
from inpainters.__main__ import main
from inpainters.imaging import decode_image


def test_variants_differ_from_their_photograph_where_the_mask_is(app: Any) -> None:
    found = augmented(app.store)
    pictures = [decode_image(app.store.read(token)).image.astype(int) for token in found.values()]
    photo, *others = pictures
    for masked, variant in zip(others[::2], others[1::2], strict=True):
        pink = (masked - photo) @ np.array([1, -2, 1]) > 90
        changed = np.abs(variant - photo).mean(2)
        assert 0.15 <= pink.mean() < 0.31
        assert changed[pink].mean() > 3 * changed[~pink].mean()
    shown = exemplars(found)
    assert shown.count("<img ") == len(EXEMPLARS) == 5


def test_the_example_was_made_by_the_command_beside_it() -> None:
    spec = importlib.util.spec_from_file_location("made_example", Path("docs/augmented.py"))
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    words = script.asked(Path("here"), Path("there"))
    assert words[:4] == ["augment", "here", "--out", "there"]
    assert " ".join(["python -m inpainters augment FOLDER --out OUT", *words[4:]]) == DATASET_COMMAND
    assert int(words[words.index("--n") + 1]) == VARIANTS
    assert float(words[words.index("--low") + 1]) == 0.15
    assert "300×200" in EXEMPLARS["photo"]
    assert script.SIZE == (300, 200)


def test_the_command_is_one_that_is_understood(tmp_path: Any, capsys: Any) -> None:
    words = DATASET_COMMAND.replace("FOLDER", str(tmp_path / "none")).replace("OUT", str(tmp_path / "out"))
    assert main(words.split()[3:]) == 2
    assert "There is no folder 'none'" in capsys.readouterr().err

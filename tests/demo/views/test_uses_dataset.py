"""The example of a dataset that grows."""

from typing import Any

import numpy as np

from demo.server.exemplars import EXEMPLARS, augmented
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
        assert 0.05 < pink.mean() < 0.4
        assert changed[pink].mean() > 3 * changed[~pink].mean()
    shown = exemplars(found)
    assert shown.count("<img ") == len(EXEMPLARS) == 5


def test_the_command_is_one_that_is_understood(tmp_path: Any, capsys: Any) -> None:
    words = DATASET_COMMAND.replace("FOLDER", str(tmp_path / "none")).replace("OUT", str(tmp_path / "out"))
    assert main(words.split()[3:]) == 2
    assert "There is no folder 'none'" in capsys.readouterr().err

"""Scores on the page."""

import numpy as np
import pytest

from demo.server.scores import scores_in_hole


def test_scores_are_the_benchmarks(photo):
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:30] = True
    filled = np.where(mask[..., None], 128, photo).astype(np.uint8)
    *_, scores = scores_in_hole(photo, filled, mask)
    difference = photo[mask].astype(float) - 128
    assert scores["psnr"]["value"] == pytest.approx(10 * np.log10(255**2 / np.mean(difference**2)), rel=1e-6)
    assert scores["l1"]["value"] == pytest.approx(np.abs(difference).mean() / 255, rel=1e-6)
    *_, perfect = scores_in_hole(photo, photo, mask)
    assert perfect["psnr"]["value"] is None
    assert "infinite" in perfect["psnr"]["reason"]

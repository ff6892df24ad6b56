"""What the harness costs: what is measured is what is said, and the tables are made of it."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.metrics.frechet import frechet_distance
from benchmark.studies import speed


def test_the_distance_by_eigenvalues_is_the_one_from_singular_values() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(2, 12, 20))
    assert speed.by_eigenvalues(x, y + 0.3) == pytest.approx(frechet_distance(x, y + 0.3), rel=1e-6)
    assert speed.by_eigenvalues(x, x) == pytest.approx(0, abs=1e-6)


def test_each_thing_that_was_measured_has_a_table() -> None:
    rows = [
        ("a fill", "psnr", 4.4321, "ms"),
        ("a fill", "score", 300.0, "ms"),
        ("score", "1 process", 2.0, "s"),
    ]
    text = speed.markdown_of_speed(rows)
    assert text.index("**A fill**") < text.index("| psnr | 4.43 | ms |") < text.index("**Score**")
    assert text.count("| of | median |") == 2


@pytest.mark.slow
def test_metrics_by_themselves_take_less_than_score(tmp_path: Path) -> None:
    speed.draw_pictures(tmp_path / "photos", 3)
    rows = {of: value for _, of, value, _ in speed.scoring_rows(tmp_path, 3, 1)}
    alone = [value for of, value in rows.items() if "score" not in of and of != "all of these"]
    assert rows["all of these"] == pytest.approx(sum(alone))
    assert rows["score beside all of these"] == pytest.approx(rows["score"] / rows["all of these"])
    assert {"psnr", "ms_ssim"} < rows.keys()

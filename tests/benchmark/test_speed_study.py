"""What the harness costs: what is measured is what is said, and the tables are made of it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import metrics
from benchmark.metrics.frechet import frechet_distance
from benchmark.studies import speed
from inpainters.errors import InputError


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
    text = speed.markdown_of_speed(rows, speed.how_measured(12, 5, "a machine"))
    assert text.index("**A fill**") < text.index("| psnr | 4.43 | ms |") < text.index("**Score**")
    assert text.count("| of | median |") == 2
    assert "12 pictures of 256×256" in text
    assert "medians of 5 rounds" in text


@pytest.mark.slow
def test_metrics_are_called_by_themselves_as_score_calls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int]] = []

    class Noted:
        def __init__(self, name: str) -> None:
            self.name, self.feature_key = name, "colours"

        def score_batch(self, references: Any, outputs: Any, masks: Any) -> list[dict[str, float]]:
            calls.append((self.name, len(outputs)))
            return [dict.fromkeys(("whole", "hole", "band"), 1.0)] * len(outputs)

        def features(self, images: Any) -> Any:
            calls.append((self.feature_key, len(images)))
            return np.array([one.mean((0, 1)) for one in images], np.float32)

        def distance(self, reference: Any, output: Any) -> float:
            calls.append((self.name, len(output)))
            raise InputError("It wants more pictures.")

    own = {name: replace(metrics.METRICS[name], weights=None) for name in ("psnr", "ssim", "fd_squeeze")}
    monkeypatch.setattr(metrics, "METRICS", own)
    monkeypatch.setattr(metrics, "create", lambda name, device="cpu": Noted(name))
    speed.draw_pictures(tmp_path / "photos", 18)
    rows = {of: value for _, of, value, _ in speed.scoring_rows(tmp_path, 18, 1)}
    each = len(calls) // 3
    first, by_score, alone = (Counter(calls[i * each : (i + 1) * each]) for i in range(3))
    assert first == by_score == alone
    assert alone == {
        **dict.fromkeys([("psnr", 8), ("ssim", 8)], 2 * 3),
        **dict.fromkeys([("psnr", 2), ("ssim", 2), ("fd_squeeze", 18)], 3),
        **dict.fromkeys([("colours", 16), ("colours", 2)], 4),  # originals once
    }
    assert rows["score beside all of these"] == pytest.approx(rows["score"] / rows["all of these"])


def test_several_threads_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("benchmark.measure.threads", lambda: {"blas": 1, "opencv": 2})
    assert speed.main([]) == 2
    assert capsys.readouterr().err.startswith("Measure with one thread: set OMP_NUM_THREADS=1 and ")


@pytest.mark.parametrize("given", [("--repeats", "1"), ("--pictures", "0")])
def test_too_few_rounds_or_pictures_are_one_sentence(given: tuple[str, str], capsys: Any) -> None:
    assert speed.main([*given]) == 2
    assert capsys.readouterr().err == "Take at least 2 pictures and 2 repeats.\n"

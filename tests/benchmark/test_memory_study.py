"""How much memory a method takes: the line that the page goes by, and rows that stay."""

import pandas as pd
import pytest

from benchmark.studies import memory
from inpainters.errors import UnavailableError


def test_the_line_lies_above_all_points():
    assert memory.line_above([1, 4, 12], [10, 40, 120]) == pytest.approx((0, 10))
    assert memory.line_above([1, 4, 12], [50, 50, 50]) == pytest.approx((50, 0))
    for points in ([10, 100, 130], [30, 20, 90], [5, 5, 0]):
        fixed, each = memory.line_above([1, 4, 12], points)
        assert all(fixed + each * size >= one - 1e-9 for size, one in zip([1, 4, 12], points, strict=True))


def test_other_methods_rows_stay(tmp_path):
    path = tmp_path / "memory.csv"
    old = pd.DataFrame(
        {"method": ["telea", "gone", "patchmatch"], "megapixels": 1, "held": 9.0, "more": [1.0, 2.0, 3.0]}
    )
    old.to_csv(path, index=False)
    new = pd.DataFrame({"method": ["telea"], "megapixels": [1], "held": [9.0], "more": [5.0]})
    both = memory.with_rows(path, new)
    assert list(zip(both["method"], both["more"], strict=True)) == [("telea", 5.0), ("patchmatch", 3.0)]
    assert memory.needs_of(both) == {
        "telea": {"fixed": 5, "per_megapixel": 0},
        "patchmatch": {"fixed": 3, "per_megapixel": 0},
    }


@pytest.mark.slow
def test_what_counts_is_the_peak_beyond_what_was_held_before(monkeypatch):
    peaks, begun = iter([100.0, 140.0]), []
    monkeypatch.setattr("benchmark.measure.reset_peak", lambda: begun.append(True))
    monkeypatch.setattr("benchmark.measure.peak_mb", lambda: next(peaks))
    assert memory.measured_memory("mean_fill", 0.1) == {"held": 100.0, "more": 40.0}
    assert begun == [True]
    monkeypatch.setattr("benchmark.measure.peak_mb", lambda: None)
    with pytest.raises(UnavailableError, match="Only Linux"):
        memory.measured_memory("mean_fill", 0.1)


def test_an_unknown_method_gets_a_sentence(capsys):
    assert memory.main(["--methods", "tela"]) == 2
    assert "did you mean 'telea'" in capsys.readouterr().err

"""How much memory a method takes: the line that the page goes by, and rows that stay."""

import pandas as pd
import pytest

from benchmark.studies import memory


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


def test_a_method_is_measured_here():
    found = memory.measured_memory("mean_fill", 1.0)
    assert found["held"] > 20
    assert 3 < found["more"] < 200  # a picture of 3 MB and its copies


def test_an_unknown_method_gets_a_sentence(capsys):
    assert memory.main(["--methods", "tela"]) == 2
    assert "did you mean 'telea'" in capsys.readouterr().err

"""The study of depths: what it fills, and what it says of the values."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage import data

from benchmark.studies import depth
from inpainters.imaging import save_png

COMMITTED = Path(__file__).parents[2] / "results" / "depth"


@pytest.fixture
def rows() -> pd.DataFrame:
    """Made values: gated_conv is best at 16 px, and better there than what it is compared with."""
    names = [f"p{i}" for i in range(24)]
    level = {0: 0.30, 8: 0.22, 12: 0.21, 16: 0.15, 24: 0.2, 32: 0.25}
    noise = dict(zip(names, np.random.default_rng(0).normal(0, 0.01, len(names)), strict=True))

    def made(method: str, deep: int, value: float, share: float) -> list[dict[str, object]]:
        key = {"method": method, "depth": deep}
        return [{**key, "photograph": n, "value": value + share * noise[n]} for n in names]

    ours = [row for deep, value in level.items() for row in made("gated_conv", deep, value, 0.5)]
    return pd.DataFrame(made(depth.BESIDE, 0, 0.2, 1.0) + ours)


def test_the_page_names_the_best_depth_and_how_far_it_is_ahead(rows: pd.DataFrame) -> None:
    line = next(text for text in depth.markdown_of_depths(rows).splitlines() if text.startswith("| Gated"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert [cell.startswith("**0.1") for cell in cells] == [False] * 4 + [True] + [False] * 3
    assert float(cells[-1]) == pytest.approx(-0.05, abs=0.01)
    assert b"Gated convolution" in depth.curves(rows)


def test_holes_are_compact_and_a_depth_is_what_windows_are_shrunk_to(tmp_path, monkeypatch) -> None:
    for name, picture in (("a", data.astronaut()), ("b", data.coffee())):
        save_png(tmp_path / f"{name}.png", picture)
    given = depth.examples(tmp_path, 2)
    assert [one.image.shape for one in given] == [(256, 256, 3)] * 2
    assert all(0.01 < one.mask.mean() < 0.3 for one in given)
    asked = []
    monkeypatch.setattr(depth, "filled", lambda method, deep, one: asked.append((method, deep)) or one.image)
    monkeypatch.setattr(
        depth, "create_metric", lambda name: type("M", (), {"score": lambda *_: {"whole": 1.0}})()
    )
    found = depth.measured_depths(["gated_conv"], given, quiet=True)
    assert asked[:2] == [(depth.BESIDE, 0), ("gated_conv", 0)]
    assert len(found) == 2 * (2 + len(depth.DEPTHS))


def test_the_page_is_that_of_the_committed_rows() -> None:
    rows = pd.read_csv(COMMITTED / "depth.csv")
    assert (COMMITTED / "depth.md").read_text() == depth.markdown_of_depths(rows)
    assert (COMMITTED / "depth.svg").read_bytes() == depth.curves(rows)

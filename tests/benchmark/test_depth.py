"""The study of depths: what it fills, and what it says of the values."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage import data

from benchmark.studies import depth
from inpainters.imaging import save_png
from inpainters.registry import METHODS, class_of
from inpainters.spec import DETAIL_OPTION, DETAIL_VERSION, Strategy

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


def line_of(rows: pd.DataFrame) -> list[str]:
    line = next(text for text in depth.markdown_of_depths(rows).splitlines() if text.startswith("| Gated"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_names_the_best_depth_and_how_far_it_is_ahead(rows: pd.DataFrame) -> None:
    cells = line_of(rows)
    assert [cell.startswith("**0.1") for cell in cells] == [False] * 4 + [True] + [False] * 4
    assert float(cells[-1]) == pytest.approx(-0.05, abs=0.01)
    assert b"Gated convolution" in depth.curves(rows)


@pytest.mark.parametrize("chosen", [12, 24])
def test_a_depth_is_marked_where_it_is_not_told_apart_from_the_chosen_one(
    rows: pd.DataFrame, monkeypatch, chosen: int
) -> None:
    """32 px has the chosen one's mean, and its photographs scatter; 8 px is nearly as good, and always a bit
    worse.
    """
    row = METHODS["gated_conv"]
    monkeypatch.setitem(METHODS, row.name, replace(row, strategy=replace(row.strategy, depth=chosen)))
    ours = rows["method"] == "gated_conv"
    level = rows.loc[ours & (rows["depth"] == chosen), "value"].to_numpy()
    noise = np.random.default_rng(1).normal(0, 0.02, len(level))
    rows.loc[ours & (rows["depth"] == 32), "value"] = level + noise - noise.mean()
    rows.loc[ours & (rows["depth"] == 8), "value"] = level + 0.001 + 0.01 * (noise - noise.mean())
    cells = line_of(rows)
    tried = (depth.AS_IT_IS, *depth.DEPTHS)
    assert [deep for deep, cell in zip(tried, cells[1:], strict=False) if cell.endswith(" =")] == [32]
    assert cells[-2] == f"{chosen} px"


def test_holes_are_compact(tmp_path) -> None:
    for name, picture in (("a", data.astronaut()), ("b", data.coffee())):
        save_png(tmp_path / f"{name}.png", picture)
    given = depth.examples(tmp_path, 2)
    assert [one.image.shape for one in given] == [(256, 256, 3)] * 2
    assert all(0.01 < one.mask.mean() < 0.3 for one in given)


@pytest.mark.slow
def test_a_depth_is_what_windows_are_shrunk_to_and_rows_tell_the_version(monkeypatch) -> None:
    spec = replace(
        METHODS["mean_fill"],
        name="small",
        version="4",
        strategy=Strategy(context=0.0, min_context=16, depth=20),
        options=(DETAIL_OPTION,),
    )
    monkeypatch.setitem(METHODS, "small", spec)
    kind, sizes = class_of(spec), []
    draw = kind.fill
    monkeypatch.setattr(kind, "fill", lambda self, piece: sizes.append(piece.mask.shape) or draw(self, piece))
    monkeypatch.setattr(
        depth, "create_metric", lambda name: type("M", (), {"score": lambda *_: {"whole": 1.0}})()
    )
    mask = np.zeros((128, 128), bool)
    mask[32:96, 32:96] = True  # 32 deep, in a window of 96
    given = [depth.Example("a", data.astronaut()[:128, :128].copy(), mask)]
    found = depth.measured_depths(["small"], given, quiet=True)
    assert sizes == [(96, 96), *((3 * deep, 3 * deep) for deep in depth.DEPTHS)]
    assert found["depth"].tolist() == [0, 0, *depth.DEPTHS]
    assert found["version"].tolist() == [METHODS[depth.BESIDE].version, *[f"4-{DETAIL_VERSION}"] * 6]


def test_the_page_is_that_of_the_committed_rows() -> None:
    rows = depth.rows_in(COMMITTED / "depth.csv")
    assert (COMMITTED / "depth.md").read_text() == depth.markdown_of_depths(rows)
    assert (COMMITTED / "depth.svg").read_bytes() == depth.curves(rows)

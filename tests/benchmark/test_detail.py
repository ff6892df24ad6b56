"""The study of detail: what it draws and how often, how it measures, and what it says of the values."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage import data

from benchmark.studies import depth, detail
from benchmark.studies.depth import Example
from inpainters import spec
from inpainters.errors import InputError
from inpainters.imaging import enlarge, save_png
from inpainters.masks import generate
from inpainters.registry import METHODS, class_of
from inpainters.spec import DETAIL_OPTION, DETAIL_VERSION

COMMITTED = Path(__file__).parents[2] / "results" / "detail"
NAMES = [f"p{i}" for i in range(24)]


def version(method: str) -> str:
    return METHODS[method].version_with_detail


@pytest.fixture
def rows() -> pd.DataFrame:
    """Made values: with detail gated_conv is better than enlarged and than the exemplar method."""
    drawn = np.random.default_rng(0).normal(0, 0.01, len(NAMES))
    noise = dict(zip(NAMES, drawn - drawn.mean(), strict=True))

    def made(method: str, blur: float, value: float, share: float, **more: float) -> list[dict[str, object]]:
        key = {"method": method, "version": version(method), "blur": blur, "size": 256, "holes": "object"}
        return [{**key, "photograph": n, "value": value + share * noise[n], **more} for n in NAMES]

    off = {"distance": 5.0, "beside": 30.0}
    return pd.DataFrame(
        made(detail.BESIDE, detail.ENLARGED, 0.2, 1.0)
        + made("gated_conv", detail.ENLARGED, 0.3, 0.5, **off)
        + made("gated_conv", detail.ADDED, 0.15, 0.6, **off)
    )


def line_of(text: str, title: str) -> list[str]:
    line = next(one for one in text.splitlines() if one.startswith(f"| {title}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_has_paired_differences(rows: pd.DataFrame) -> None:
    cells = line_of(detail.markdown_of_details(rows), "Gated")
    assert cells[1:4] == ["24", "0.300", "0.150"]
    assert [float(cell.split()[0]) for cell in cells[4:6]] == pytest.approx([-0.15, -0.05], abs=0.01)
    assert not any("=" in cell for cell in cells[4:6])
    assert cells[6:] == ["5.0", "30.0"]
    assert b"Gated convolution" in detail.differences(rows)


def test_a_blur_is_marked_where_it_is_not_told_apart_from_the_chosen_one(rows: pd.DataFrame) -> None:
    own = METHODS["gated_conv"].strategy.blur
    full = rows[rows["blur"] == detail.ADDED]
    noise = np.random.default_rng(1).normal(0, 0.01, len(full))
    tried = pd.concat(
        [
            rows[rows["blur"] == detail.ENLARGED],
            full.assign(blur=own),
            full.assign(blur=own + 1, value=full["value"] + 0.1),
            full.assign(blur=own + 2, value=full["value"] + noise - noise.mean()),
        ]
    )
    cells = line_of(detail.markdown_of_blurs(tried), "Gated")
    assert ["=" in cell for cell in cells[1:4]] == [False, False, True]
    assert cells[4] == f"{own:g}"


def test_other_methods_rows_stay_where_they_are_of_the_same_holes(rows: pd.DataFrame) -> None:
    other = rows.replace("gated_conv", "pen_net").replace(version("gated_conv"), version("pen_net"))
    assert detail.drawn_by(detail.with_others(other, rows)) == ["gated_conv", "pen_net"]
    assert len(detail.with_others(other, rows)) == len(rows) + 2 * len(NAMES)
    fewer = other[other["photograph"] != "p0"]
    assert detail.drawn_by(detail.with_others(fewer, rows)) == ["pen_net"]


@pytest.mark.parametrize("step", [False, True])
def test_rows_of_another_version_are_dropped_and_named(rows: pd.DataFrame, monkeypatch, capsys, step) -> None:
    other = rows[rows["method"] == "gated_conv"].assign(method="pen_net", version=version("pen_net"))
    new = rows[rows["method"] == detail.BESIDE]
    before = pd.concat([rows, other])
    kept = detail.with_others(new, before)
    assert detail.drawn_by(kept) == ["gated_conv", "pen_net"]
    assert not capsys.readouterr().err
    if step:
        monkeypatch.setattr(spec, "DETAIL_VERSION", "99")
    else:
        monkeypatch.setitem(METHODS, "pen_net", replace(METHODS["pen_net"], version="99"))
    kept = detail.with_others(new, before)
    assert detail.drawn_by(kept) == ([] if step else ["gated_conv"])
    assert f"--methods {'gated_conv,' if step else ''}pen_net." in capsys.readouterr().err
    assert detail.drawn_by(detail.with_others(new, before.drop(columns="version"))) == []  # of earlier days


@pytest.mark.slow
def test_measured_rows_tell_their_version(tmp_path, monkeypatch) -> None:
    for name in ("small", "other"):
        row = replace(METHODS["mean_fill"], name=name, version="4", options=(DETAIL_OPTION,))
        monkeypatch.setitem(METHODS, name, row)
    metric = type("M", (), {"score": lambda *_: {"whole": 1.0}})()
    monkeypatch.setattr(detail, "create_metric", lambda name: metric)
    monkeypatch.setattr(detail, "write_pages", lambda folder: None)
    (tmp_path / "photographs").mkdir()
    save_png(tmp_path / "photographs" / "a.png", data.astronaut()[:128, :128])
    for name in ("small", "other"):
        given = ["--data", str(tmp_path / "photographs"), "--out", str(tmp_path), "--methods", name]
        assert detail.main(given) == 0
    found = depth.rows_in(tmp_path / "detail.csv")
    versions = dict(found[["method", "version"]].drop_duplicates().itertuples(index=False))
    step = f"4-{DETAIL_VERSION}"
    assert versions == {detail.BESIDE: METHODS[detail.BESIDE].version, "small": step, "other": step}


def test_blurs_that_are_no_numbers_are_said_in_a_sentence(tmp_path, capsys) -> None:
    for text in ("abc", "1,", "1,-2", "nan"):
        assert detail.main(["--data", str(tmp_path), f"--blurs={text}"]) == 2
        assert f"'{text}' is not numbers of pixels" in capsys.readouterr().err


@pytest.mark.slow
def test_a_hole_is_drawn_once_and_both_answers_come_of_it(monkeypatch) -> None:
    kind, calls = class_of(METHODS["gated_conv"]), []
    draw = kind.fill_batch
    monkeypatch.setattr(kind, "fill_batch", lambda self, pieces: calls.append(1) or draw(self, pieces))
    image = data.astronaut()[:256, :256].copy()
    example = Example("a", image, generate("object", (256, 256), seed=0, ratio=0.2))
    found = detail.Drawing("gated_conv").answers(example, (detail.ENLARGED, detail.ADDED))
    assert calls == [1]
    ((window, drawn),) = found.drawn
    assert drawn.shape[:2] == window.size
    plain, full = (found.images[blur] for blur in (detail.ENLARGED, detail.ADDED))
    away = np.abs(plain[window.place].astype(int) - enlarge(drawn, plain[window.place].shape[:2]))
    assert away[example.mask[window.place]].max() == 0
    assert (full != plain).any()
    assert (
        found.distance(plain, example) < found.distance(full, example) < found.distance(image // 2, example)
    )


def test_holes_of_both_kinds_have_the_shares_that_are_asked_for(tmp_path) -> None:
    for name, picture in (("a", data.astronaut()), ("b", data.coffee()[:, :400])):
        save_png(tmp_path / f"{name}.png", picture)
    with pytest.raises(InputError, match="2 sizes"):
        list(detail.examples_of_both(tmp_path, 2))
    found = list(detail.examples_of_both(tmp_path, 1))
    assert [column.holes for column, _ in found] == list(detail.HOLE_SHARES)
    for column, one in found:
        low, high = detail.HOLE_SHARES[column.holes]
        assert low < one.mask.mean() < high
        assert column.size == len(one.image)


@pytest.mark.slow
def test_the_pages_are_those_of_the_committed_rows(tmp_path) -> None:
    for rows in COMMITTED.glob("*.csv"):
        shutil.copy(rows, tmp_path / rows.name)
    detail.write_pages(tmp_path)
    names = sorted(file.name for file in COMMITTED.iterdir())
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert all((tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes() for name in names)

"""Rows as Parquet: what goes in comes out, in the plain table's order and digits, whatever their number."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmark import rows
from benchmark.results import Plain, RowSource
from benchmark.rows import Row, Writer

COLUMNS = [("psnr", "whole"), ("psnr", "hole"), ("l1", "hole")]


def made(count: int) -> Iterator[Row]:
    """Rows of two bins, `count` in each, one figure in three lacking."""
    rng = np.random.default_rng(0)
    for label in ("1-10", "10-20"):
        for i in range(count):
            key = ("tiny", "sample", "irregular", label, f"p{i:06}@full", "telea", '{"radius":9.0}', 0)
            value, other = (f"{v:.9g}" for v in rng.lognormal(0, 9, 2))
            figures = {COLUMNS[0]: {"value": value}, COLUMNS[1]: {"reason": "No hole."}}
            yield Row(key, {**figures, COLUMNS[2]: {"value": other}} if i % 2 else figures)


def wrote(folder: Path, given: Iterator[Row]) -> Path:
    folder.mkdir(exist_ok=True)
    with Writer(folder, COLUMNS) as table:
        for row in given:
            table.add(row)
    return folder


def test_what_goes_in_comes_out_to_the_last_digit(tmp_path: Path) -> None:
    wrote(tmp_path, made(40))
    text = "".join(rows.as_csv(frame, head=i == 0) for i, frame in enumerate(rows.frames(tmp_path)))
    lines = [
        ",".join([*map(str, row.key[:6]), '"{""radius"":9.0}"', "0", *column])
        + f",{figure.get('value', '')},{figure.get('reason', '')}"
        for row in made(40)
        for column, figure in sorted(row.figures.items())
    ]
    assert text.splitlines() == [",".join(rows.SCORE_COLUMNS), *lines]


def test_the_table_is_wide(tmp_path: Path) -> None:
    table = pq.read_table(wrote(tmp_path, made(3)) / rows.SCORES)
    assert table.column_names == [*rows.KEY_COLUMNS, "psnr@whole", "psnr@hole", "l1@hole"]
    assert table.num_rows == 6
    assert table["l1@hole"].null_count == 4
    assert pq.read_table(tmp_path / rows.REASONS).num_rows == 6


def test_the_plain_table_is_sorted_by_picture_before_method(tmp_path: Path) -> None:
    key = ("tiny", "sample", "irregular", "1-10")
    order = [("b", "p1"), ("b", "p2"), ("a", "p1"), ("a", "p2")]
    given = [Row((*key, p, m, "{}", 0), {COLUMNS[0]: {"value": "1"}}) for m, p in order]
    assert [row.key[5] for row in sorted(given, key=lambda row: row.order)] == ["a", "a", "b", "b"]
    (frame,) = rows.frames(wrote(tmp_path, iter(given)))
    assert list(zip(frame["image_id"], frame["method"], strict=True)) == [
        ("p1", "a"), ("p1", "b"), ("p2", "a"), ("p2", "b")
    ]  # fmt: skip


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ROWS", 7)  # several row groups
    first, second = (wrote(tmp_path / name, made(20)) for name in ("one", "two"))
    assert pq.ParquetFile(first / rows.SCORES).num_row_groups == 6
    for name in (rows.SCORES, rows.REASONS):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_memory_does_not_grow_with_the_number_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ROWS", 256)
    peaks = []
    for count in (300, 3000):
        wrote(tmp_path, made(5))  # imports and caches
        tracemalloc.start()
        wrote(tmp_path, made(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_a_writing_that_is_broken_off_leaves_the_old_table(tmp_path: Path) -> None:
    wrote(tmp_path, made(3))
    before = (tmp_path / rows.SCORES).read_bytes()

    def failing() -> Iterator[Row]:
        yield from made(5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wrote(tmp_path, failing())
    assert sorted(path.name for path in tmp_path.iterdir()) == [rows.REASONS, rows.SCORES]
    assert (tmp_path / rows.SCORES).read_bytes() == before


def test_no_rows_at_all_are_a_table(tmp_path: Path) -> None:
    assert list(rows.frames(wrote(tmp_path, iter([])))) == []


def test_people_see_a_line_per_figure(tmp_path: Path) -> None:
    frame = next(rows.frames(wrote(tmp_path, made(1))))
    assert isinstance(frame, pd.DataFrame)
    assert rows.as_text(frame, head=False).splitlines() == [
        "irregular\t1-10\tp000000@full\ttelea\t{\"radius\":9.0}\t0\tpsnr\thole\t– No hole.",
        f"irregular\t1-10\tp000000@full\ttelea\t{{\"radius\":9.0}}\t0\tpsnr\twhole\t{frame['value'][1]:.9g}",
    ]  # fmt: skip


def test_a_column_is_what_the_plain_table_says_of_it(tmp_path: Path) -> None:
    key = ("tiny", "sample", "irregular")
    given = [
        Row((*key, label, image, method, "{}", 0), figures)
        for label in ("1-10", "10-20")
        for method in ("a", "b")
        for image, figures in (
            ("p1", {COLUMNS[0]: {"value": "2"}, COLUMNS[1]: {"reason": "No hole."}}),
            ("p2", {COLUMNS[0]: {"value": "1"}, COLUMNS[1]: {"value": "3"}}),
        )
    ]
    reader = rows.Reader(wrote(tmp_path, iter(given)))
    plain = pd.concat(rows.frames(tmp_path), ignore_index=True)
    for metric, region in (*COLUMNS, ("ssim", "whole")):
        wanted = plain[(plain["metric"] == metric) & (plain["region"] == region)]
        found = reader.column(metric, region)
        pd.testing.assert_frame_equal(
            found, wanted[found.columns].reset_index(drop=True), check_dtype=len(wanted) > 0
        )
    assert reader.measured() == set(COLUMNS[:2])
    assert reader.lacking() == {COLUMNS[1]: "No hole."}
    assert len(reader.keys()) == len(given)


@pytest.mark.parametrize("old", [False, True])
def test_what_is_read_of_a_mask_set_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    monkeypatch.setattr(rows, "ROWS", 3)  # a row group with rows of both sets
    given = [
        Row(("tiny", "sample", holes, "1-10", f"p{i}", "telea", "{}", 0), {COLUMNS[place]: figure})
        for holes, place, figure in (("box", 0, {"value": "1"}), ("object", 1, {"reason": "No hole."}))
        for i in range(4)
    ]
    whole: RowSource = rows.Reader(wrote(tmp_path, iter(given)))
    if old:
        whole = Plain(pd.concat(rows.frames(tmp_path), ignore_index=True))
    boxes, objects = whole.of("box"), whole.of("object")
    assert whole.measured() == boxes.measured() == {COLUMNS[0]}
    assert whole.lacking() == objects.lacking() == {COLUMNS[1]: "No hole."}
    assert (objects.measured(), boxes.lacking()) == (set(), {})
    assert set(objects.keys()["mask_set"]) == {"object"}
    for part, counts in ((boxes, (4, 0)), (objects, (0, 4))):
        assert len(part.keys()) == 4
        assert tuple(len(part.column(*column)) for column in COLUMNS[:2]) == counts


@pytest.mark.slow
def test_a_column_is_read_without_the_others(tmp_path: Path) -> None:
    """Peak memory is that of the keys and one column, however many columns there are."""
    columns = [(f"m{i}", "whole") for i in range(60)]
    key = ("tiny", "sample", "irregular", "1-10")
    with Writer(tmp_path, columns) as table:
        for i in range(20_000):
            figures = {column: {"value": f"{i + n / 100}"} for n, column in enumerate(columns)}
            table.add(Row((*key, f"p{i:06}", "telea", "{}", 0), figures))
    tracemalloc.start()
    found = rows.Reader(tmp_path).column("m7", "whole")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 20_000
    assert found["value"].iloc[5] == pytest.approx(5.07)
    assert peak < 20_000 * 60 * 8

"""The suites that can be shown, over a small made one."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from demo.server import suites
from demo.server.suites import Figure


def test_a_broken_suite_is_named_and_the_others_are_shown(root: Path) -> None:
    good, problems = suites.readable(root)
    assert list(good) == ["tiny"]
    assert len(problems) == 1
    assert "broken" in problems[0]


def test_a_suite_half_written_or_of_another_version_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "begun/cells").mkdir(parents=True)
    shutil.copytree(root / "tiny", tmp_path / "later", ignore=shutil.ignore_patterns("cells"))
    (tmp_path / "later/manifest.json").write_text('{"meaning": {"format": 99}}')
    good, problems = suites.readable(tmp_path)
    assert good == {}
    assert "'begun' has no scores.parquet: the run is not finished" in problems[0]
    assert "'later' was written by another version" in problems[1]


def test_holes_are_ordered_by_the_method_that_was_clicked(root: Path) -> None:
    results = suites.open_suite(root, "tiny")
    figure = Figure("tiny", "lpips_squeeze", "hole", (), "telea", "1-10")
    worst, best, median = (
        suites.pictures_behind(results, replace(figure, sort=sort)) for sort in ("worst", "best", "median")
    )
    assert worst[0] == ("1-10", "p19@full")
    assert best == worst[::-1]
    assert median[0] in worst[9:11]
    assert len(suites.pictures_behind(results, replace(figure, label="all"))) == 40


def test_holes_are_ordered_by_how_far_two_methods_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: LPIPS of a and b on four holes, the last of which b did not fill."""
    values = {"p": (0.1, 0.3), "q": (0.2, 0.1), "r": (0.3, 0.3), "s": (0.9, None)}
    rows = [
        {"bin": "1-10", "image_id": name, "entry": entry, "value": value}
        for name, pair in values.items()
        for entry, value in zip("ab", pair, strict=True)
        if value is not None
    ]
    results = SimpleNamespace(rows=pd.DataFrame(rows))
    monkeypatch.setattr(suites, "figures_of", lambda found, metric, region: found.rows)
    figure = Figure("tiny", "lpips_squeeze", "hole", (), "a", "1-10", rival="b")

    def order(**changes: str) -> str:
        found = suites.pictures_behind(results, replace(figure, **changes))
        return "".join(name for _, name in found)

    assert order() == "qrp"
    assert order(sort="best") == "prq"
    assert order(rival="") == order(rival="a") == order(rival="no such") == "srqp"


def test_the_pictures_that_metrics_judge_most_differently_come_first() -> None:
    values = {"a": (0.1, 10.0), "b": (0.2, 30.0), "c": (0.3, 20.0)}  # b: second by one, best by the other
    rows = [
        {"bin": "10-20", "image_id": name, "value": pair[i], "metric": metric}
        for name, pair in values.items()
        for i, metric in enumerate(("lpips_squeeze", "psnr"))
    ]
    frame = pd.DataFrame(rows)
    one, two = (frame[frame["metric"] == metric] for metric in ("lpips_squeeze", "psnr"))
    found = suites._by_disagreement(one, "lpips_squeeze", two, "psnr")
    assert found[0] == ("10-20", "a")  # the best by LPIPS, the worst by PSNR
    assert {image_id for _, image_id in found} == set(values)
    assert suites._by_disagreement(one, "lpips_squeeze", one, "lpips_squeeze") == [
        ("10-20", name) for name in values
    ]

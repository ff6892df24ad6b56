import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image as PilImage

from benchmark import results
from benchmark.convert import convert
from benchmark.metrics import METRICS as METRICS_TABLE
from benchmark.report import column, digits, display, figures, layout, summary, tables
from benchmark.report.latex import latex
from benchmark.report.write import report
from benchmark.results import TIMING_COLUMNS
from benchmark.rows import SCORE_COLUMNS
from inpainters.errors import InputError

METHODS = {"mean_fill": 0.30, "telea": 0.20, "navier_stokes": 0.20}
BINS = ("1-10", "50-60")


def _row(label: str, image: str, method: str, **rest: object) -> dict[str, object]:
    key = {
        "suite": "tiny",
        "dataset": "sample",
        "mask_set": "irregular",
        "bin": label,
        "image_id": image,
        "method": method,
    }
    return {**key, "options": "{}", "seed": 0, **rest}


@pytest.fixture
def folder(tmp_path: Path, bare_manifest: dict[str, Any]) -> Path:
    """A finished suite of 8 photographs: telea and navier_stokes cannot be told apart, mean_fill is clearly
    worse.
    """
    rng = np.random.default_rng(0)
    scores, timings = [], []
    for label in BINS:
        for photo in range(8):
            for method, level in METHODS.items():
                value = level + rng.normal(0, 0.005)
                scores.append(
                    _row(label, f"p{photo}@full", method, metric="lpips_squeeze", region="hole", value=value)
                )
                scores.append(
                    _row(label, f"p{photo}@full", method, metric="psnr", region="hole", value=20 - 30 * level)
                )
                timings.append(
                    _row(label, f"p{photo}@full", method, seconds=level, network_calls=0, peak_memory_mb=10)
                )
        for method in METHODS:
            scores.append(
                _row(label, "*", method, metric="fd_squeeze", region="whole", value=METHODS[method] * 100)
            )
            scores.append(
                _row(label, "*", method, metric="lpips_alex", region="hole", reason="weights are missing")
            )
    path = tmp_path / "tiny"
    path.mkdir()
    pd.DataFrame(scores, columns=SCORE_COLUMNS).to_csv(path / "scores.csv", index=False)
    pd.DataFrame(timings, columns=TIMING_COLUMNS).to_csv(path / "timings.csv", index=False)
    (path / "manifest.json").write_text(
        json.dumps(bare_manifest | {"environment": {"hardware": "two cores"}})
    )
    convert(path)
    return path


def _rewrite(folder: Path, rows: pd.DataFrame) -> None:
    """Put other rows in place of a folder's."""
    (folder / "scores.parquet").unlink()
    rows[SCORE_COLUMNS].to_csv(folder / "scores.csv", index=False)
    convert(folder)


def _plain(folder: Path) -> pd.DataFrame:
    """All rows of a folder as the plain table."""
    return pd.concat(results.plain(folder), ignore_index=True)


def _cells(folder: Path, metric: str, region: str) -> dict[column.Key, column.TableFigure]:
    return summary.summarise(results.load(folder), metric, region)


def test_a_mean_is_the_mean_of_its_rows(folder: Path) -> None:
    rows = _plain(folder)
    for (entry, label), cell in _cells(folder, "lpips_squeeze", "hole").items():
        chosen = rows[
            (rows.method == entry)
            & (rows.metric == "lpips_squeeze")
            & ((rows.bin == label) | (label == results.ALL_BINS))
        ]
        assert cell.value.mean == pytest.approx(chosen.value.mean())
        assert cell.value.n == len(chosen)


def test_only_a_significant_winner_is_bold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(cell.tied for cell in _cells(folder, "lpips_squeeze", "hole").values())  # too few to tell
    monkeypatch.setattr(column, "MIN_WINNER", 2)
    cells = _cells(folder, "lpips_squeeze", "hole")
    smooth = [cells["telea", "50-60"], cells["navier_stokes", "50-60"]]
    assert all(cell.tied for cell in smooth)
    assert sum(cell.best for cell in smooth) == 1
    assert not cells["mean_fill", "50-60"].tied
    rows = _plain(folder)
    rows.loc[(rows.method == "telea") & (rows.metric == "lpips_squeeze"), "value"] -= 0.1
    _rewrite(folder, rows)
    winner = _cells(folder, "lpips_squeeze", "hole")["telea", "50-60"]
    assert winner.best
    assert not winner.tied


def test_higher_is_better_for_psnr(folder: Path) -> None:
    assert not _cells(folder, "psnr", "hole")["mean_fill", "1-10"].best


def test_pairing_uses_the_holes_that_both_have(folder: Path) -> None:
    rows = results.load(folder).column("lpips_squeeze", "hole").assign(hole=lambda r: r.bin + r.image_id)
    fewer = rows[
        (rows.entry != "telea") | rows.image_id.isin(["p0@full", "p1@full", "p2@full", "p3@full", "p4@full"])
    ]
    found = column.paired(column.by_hole(fewer), "telea", "mean_fill").value
    assert (found.n, found.photographs) == (10, 5)
    assert found.mean == pytest.approx(-0.1, abs=0.01)


@pytest.mark.slow
def test_a_dash_has_its_reason_and_a_small_frechet_distance_is_marked(folder: Path) -> None:
    report(folder)
    text = (folder / "table.md").read_text(encoding="utf-8")
    assert "weights are missing" in text
    assert "| *30.00* |" in text
    assert "biased" in text


@pytest.mark.slow
def test_what_a_method_changed_of_the_known_pixels_is_told(folder: Path) -> None:
    assert "## Known pixels" not in tables.markdown(results.load(folder))
    timings = pd.read_csv(folder / "timings.csv")
    telea = timings["method"] == "telea"
    timings.loc[telea, ["known_mean", "known_max"]] = 0.25, 3.0
    timings.loc[telea & (timings["image_id"] == "p3@full"), ["known_mean", "known_max"]] = 1.5, 40.0
    timings.to_csv(folder / "timings.csv", index=False)
    text = tables.markdown(results.load(folder))
    assert "| Telea | 1.5 | 40.0 |\n" in text
    assert "| Mean fill | – | – |\n" in text
    timings.loc[timings["image_id"] == "p3@full", "detail_scale"] = 0.5  # then they are the picture's own
    timings.to_csv(folder / "timings.csv", index=False)
    assert "| Telea ‡ | 0.2 | 3.0 |\n" in tables.markdown(results.load(folder))


def test_methods_whose_fills_got_detail_are_marked_in_every_table(folder: Path) -> None:
    assert "‡" not in tables.markdown(results.load(folder))
    timings = pd.read_csv(folder / "timings.csv")
    timings.loc[timings["method"] == "telea", "detail_scale"] = 0.25
    timings.to_csv(folder / "timings.csv", index=False)
    found = results.load(folder)
    lines = tables.markdown(found).splitlines()
    named = [line for line in lines if line.startswith("| Telea") and not line.startswith("| Telea =")]
    assert {line.startswith("| Telea ‡ |") for line in named} == {True}
    assert not [line for line in lines if line.startswith("| Mean fill ‡")]
    assert any(line.startswith("‡ deep holes were drawn small") for line in lines)
    assert r"Telea $\ddagger$ &" in latex(found)


def test_a_changed_picture_is_not_copied(folder: Path) -> None:
    inputs = folder / "cells/sample/irregular/1-10/_inputs"
    cell = inputs.parent / "telea/default-0"
    for place in (inputs, cell):
        place.mkdir(parents=True)
    PilImage.new("1", (32, 32)).save(inputs / "p0@full.mask.png")
    for png in (inputs / "p0@full.png", cell / "p0@full.png"):
        PilImage.new("RGB", (32, 32), (9, 9, 9)).save(png)
    record = {"sha256": "0" * 64, "seed": 0, "seconds": "1", "network_calls": 0, "peak_memory_mb": ""}
    parts: dict[str, Any] = {name: {} for name in ("failed", "environment", "options", "weights", "packages")}
    stored = {"method": "telea", "version": "1", "pictures": {"p0@full": record | {"notes": []}}, **parts}
    (cell / "manifest.json").write_text(json.dumps(stored))
    assert display.copy(results.load(folder)) == 0
    record["sha256"] = hashlib.sha256((cell / "p0@full.png").read_bytes()).hexdigest()
    stored["pictures"] = {"p0@full": record | {"notes": []}}
    (cell / "manifest.json").write_text(json.dumps(stored))
    assert display.copy(results.load(folder)) == 3


@pytest.mark.slow
def test_report_is_the_same_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(folder, tmp_path / "again" / "tiny"))
    first = {path.relative_to(folder): path.read_bytes() for path in report(folder)}
    second = {path.relative_to(again): path.read_bytes() for path in report(again)}
    assert first == second
    assert {"table.md", "table.tex"} < {path.name for path in first}
    assert sum(path.suffix == ".svg" for path in first) >= 3


@pytest.mark.slow
def test_contact_sheet_shows_worst_median_and_best(folder: Path) -> None:
    rows = results.load(folder).column("psnr", "hole")
    chosen = display.extremes(rows[rows.bin == "1-10"])
    assert [word for word, _ in chosen] == ["worst", "median", "best"]
    inputs = folder / "cells/sample/irregular/50-60/_inputs"
    inputs.mkdir(parents=True)
    parts: dict[str, dict[str, str]] = {
        name: {} for name in ("pictures", "failed", "environment", "options", "weights", "packages")
    }
    for photo in range(8):
        PilImage.new("RGB", (32, 32), (photo * 20, 0, 0)).save(inputs / f"p{photo}@full.png")
        PilImage.new("1", (32, 32)).save(inputs / f"p{photo}@full.mask.png")
        for method in METHODS:
            cell = inputs.parent / method / "default-0"
            cell.mkdir(parents=True, exist_ok=True)
            (cell / "manifest.json").write_text(json.dumps({"method": method, "version": "1", **parts}))
            PilImage.new("RGB", (32, 32), (0, photo * 20, 0)).save(cell / f"p{photo}@full.png")
    written = report(folder)
    sheet = folder / "figures/contact_sheet_50-60.webp"
    assert sheet in written
    with PilImage.open(sheet) as picture:
        assert picture.width > 5 * display.THUMB
    found = display.find(results.load(folder), "50-60", "p3@full", "telea")
    assert found
    assert (found.file.name, found.member) == ("display.zip", "50-60/p3@full.telea.webp")
    before = (folder / "display.zip").read_bytes()
    report(folder)
    assert (folder / "display.zip").read_bytes() == before
    PilImage.new("RGB", (32, 32), (0, 0, 255)).save(inputs.parent / "telea/default-0/p3@full.png")
    assert display.copy(results.load(folder)) == 1
    again = display.find(results.load(folder), "50-60", "p3@full", "telea")
    assert again
    assert again.read() != found.read()


@pytest.mark.slow
def test_figures_copies_and_sheets_of_two_kinds_of_holes_have_names_of_their_own(folder: Path) -> None:
    frame = _plain(folder)
    objects = frame.assign(mask_set="object", value=frame["value"] + 0.5)
    _rewrite(folder, pd.concat([frame, objects], ignore_index=True))
    parts: dict[str, dict[str, str]] = {
        name: {} for name in ("pictures", "failed", "environment", "options", "weights", "packages")
    }
    for red, kind in ((50, "irregular"), (90, "object")):
        inputs = folder / "cells/sample" / kind / "50-60/_inputs"
        inputs.mkdir(parents=True)
        for photo in range(8):
            PilImage.new("RGB", (32, 32)).save(inputs / f"p{photo}@full.png")
            PilImage.new("1", (32, 32)).save(inputs / f"p{photo}@full.mask.png")
            for method in METHODS:
                cell = inputs.parent / method / "default-0"
                cell.mkdir(parents=True, exist_ok=True)
                (cell / "manifest.json").write_text(json.dumps({"method": method, "version": "1", **parts}))
                PilImage.new("RGB", (32, 32), (red, 0, 0)).save(cell / f"p{photo}@full.png")
    stale = {"50-60/p3@full.telea.webp": ("", b"of a run with one mask set")}
    display.write_zips(folder, stale)
    written = {path.relative_to(folder).as_posix() for path in report(folder)}
    names = ("lpips_squeeze_hole", "psnr_hole", "lpips_squeeze_hole_by_seconds")
    wanted = {f"figures/{name}_{kind}.svg" for name in names for kind in ("irregular", "object")}
    wanted -= {"figures/lpips_squeeze_hole_by_seconds_object.svg"}  # of which there are no times
    sheets = {f"figures/contact_sheet_{kind}_50-60.webp" for kind in ("irregular", "object")}
    assert wanted | sheets | {"table.md", "table.tex"} <= written
    assert not {"figures/lpips_squeeze_hole.svg", "figures/contact_sheet_50-60.webp"} & written
    for part, red in zip(results.load(folder).parts(), (50, 90), strict=True):
        place = display.find(part, "50-60", "p3@full", "telea")
        assert place
        assert place.member == f"{part.mask_set}/50-60/p3@full.telea.webp"
        with PilImage.open(io.BytesIO(place.read())) as picture:
            assert abs(picture.convert("RGB").getpixel((9, 9))[0] - red) < 9  # type: ignore[index]
    assert not stale.keys() & display.copies(folder).keys()


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda f: (f / "manifest.json").unlink(), "not finished"),
        (lambda f: (f / "manifest.json").write_text("{"), "damaged"),
        (lambda f: (f / "manifest.json").write_text("{}"), "damaged"),
        (lambda f: (f / "scores.parquet").unlink(), "not finished"),
        (lambda f: (f / "reasons.parquet").unlink(), "not finished"),
        (lambda f: (f / "scores.parquet").write_bytes(b"\xff\xfe\x00"), "cannot be read"),
        (lambda f: (f / "reasons.parquet").write_bytes(b"PAR1\0\0\0\0PAR1"), "cannot be read"),
        (lambda f: pd.DataFrame({"bin": ["1-10"]}).to_parquet(f / "scores.parquet"), "another version"),
        (lambda f: pd.DataFrame({"a": [1]}).to_parquet(f / "scores.parquet"), "another version"),
        (lambda f: shutil.rmtree(f), "no results folder"),
    ],
)
def test_a_broken_folder_gets_one_sentence(folder: Path, damage: object, word: str) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(InputError, match=word) as caught:
        report(folder)
    assert "\n" not in str(caught.value)


def test_numbers_keep_what_tells_methods_apart() -> None:
    assert [digits.number(v) for v in (5.6e-6, 0.000421, 0.01234, 0.1234, 12.345, float("inf"))] == [
        "0.0000056",
        "0.00042",
        "0.0123",
        "0.123",
        "12.35",
        "∞",
    ]
    assert digits.number(1.2345, 2) == "1.23"


def test_an_entry_has_one_name_for_people() -> None:
    assert summary.named("repaint") == "RePaint"
    assert summary.named('repaint {"preset":"balanced"}') == "RePaint, balanced"
    assert summary.named('telea {"radius":5.0}') == "Telea, radius 5.0"
    assert summary.named('stranger {"a":1}') == "stranger, a 1"


@pytest.mark.slow
def test_rows_of_a_metric_that_is_no_longer_there_are_left_out_with_a_line(folder: Path) -> None:
    old = [_row("1-10", "*", m, metric="kd_squeeze", region="whole", value=-18.2) for m in METHODS]
    _rewrite(folder, pd.concat([_plain(folder), pd.DataFrame(old, columns=SCORE_COLUMNS)]))
    text = tables.markdown(results.load(folder))
    (line,) = (line for line in text.splitlines() if "kd_squeeze" in line)
    assert line.startswith("* Left out: `kd_squeeze`, of another version; `python -m benchmark score`")
    assert "-18.2" not in text
    report(folder)
    assert not list((folder / "figures").glob("kd_squeeze*"))
    leaderboard = pytest.importorskip("demo.views.leaderboard")
    assert "Left out: kd_squeeze" in leaderboard.note(results.load(folder), "psnr")
    from demo.server.suites import metrics_of

    shown, lacking = metrics_of(results.load(folder))
    assert "kd_squeeze" not in [*shown, *lacking]


def test_rows_of_this_version_have_no_such_line(folder: Path) -> None:
    assert "Left out" not in tables.markdown(results.load(folder))


def test_the_layout_names_metrics_and_regions_that_there_are() -> None:
    def pairs(value: Any) -> list[tuple[str, str]]:
        if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, str) for one in value):
            return [value]
        return [pair for one in value for pair in pairs(one)] if isinstance(value, tuple) else []

    named = {pair for name, value in vars(layout).items() if name.isupper() for pair in pairs(value)}
    assert len(named) > 10
    assert {
        pair
        for pair in named
        if pair[0] not in METRICS_TABLE or pair[1] not in METRICS_TABLE[pair[0]].regions
    } == set()
    assert layout.CHIPS.keys() <= METRICS_TABLE.keys()


def test_names_beside_level_lines_do_not_overlap_and_stay_near() -> None:
    axes = Figure().subplots()
    axes.plot([1, 300], [0.0, 1.0])
    means = [0.5, 0.1, 0.505, 0.51, 0.9]
    figures._levels(axes, [(mean, {"label": f"m{mean}", "color": "k"}) for mean in means])
    low, high = axes.get_ylim()
    places = {text.get_text(): text.xyann[1] for text in axes.texts}
    assert [*places] == [f"m{mean}" for mean in sorted(means)]
    assert np.diff([*places.values()]).min() > 0.999 * figures.NAME_ROOM
    assert all(abs(place - (float(name[1:]) - low) / (high - low)) < 0.04 for name, place in places.items())
    figures._levels(axes, [])


@pytest.mark.parametrize(
    ("calls", "ticks"), [((5, 300), ["5", "10", "20", "50"]), ((0.01, 300), ["0.1", "1"])]
)
def test_a_logarithmic_axis_has_plain_numbers(calls: tuple[float, float], ticks: list[str]) -> None:
    axes = Figure().subplots()
    axes.plot(calls, [0, 1])
    figures._by_tens(axes)
    low, high = axes.get_xlim()
    told = axes.xaxis.get_major_formatter()
    shown = [told(value, 0) for value in axes.get_xticks() if low <= value <= high]
    assert set(ticks) <= set(shown)
    assert not any("10^" in text or "e" in text for text in shown)
    assert ("20" in shown) == (calls[0] == 5)

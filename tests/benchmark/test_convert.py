"""Old folders become today's: the same figures, and a sentence that says what was done."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark import results, rows
from benchmark.__main__ import main
from benchmark.convert import convert
from benchmark.report import display
from benchmark.rows import SCORE_COLUMNS
from inpainters.errors import InputError

LINES = """\
tiny,sample,irregular,1-10,*,telea,"{""radius"":9.0}",0,fd_squeeze,whole,174.507036,
tiny,sample,irregular,1-10,*,telea,"{""radius"":9.0}",0,lpips_vgg,hole,,"It needs weights, and has none."
tiny,sample,irregular,1-10,p1@full,telea,"{""radius"":9.0}",0,psnr,hole,1e-05,
tiny,sample,irregular,1-10,p1@full,telea,"{""radius"":9.0}",0,psnr,whole,,No pixels.
tiny,sample,irregular,1-10,p1@full,telea,{},0,psnr,hole,23.5,
tiny,sample,irregular,1-10,p1@full,telea,{},2,psnr,hole,0.330047079,
tiny,sample,irregular,all,*,telea,{},0,fd_squeeze,whole,1909.74037,
"""


@pytest.fixture
def old(tmp_path: Path, bare_manifest: dict[str, Any]) -> Path:
    """A folder with its rows as CSV and its display copies as files."""
    folder = tmp_path / "tiny"
    (folder / "display/1-10").mkdir(parents=True)
    text = f"{','.join(SCORE_COLUMNS)}\n{LINES}".encode()
    (folder / "scores.csv").write_bytes(text)
    (folder / "timings.csv").write_text(",".join(results.TIMING_COLUMNS) + "\n")
    files = {"scores.csv": hashlib.sha256(text).hexdigest(), "timings.csv": "of another file"}
    (folder / "manifest.json").write_text(json.dumps(bare_manifest | {"files": files}))
    for name in ("README.md", "1-10/p1@full.telea.webp", "1-10/p1@full.mask.png"):
        (folder / "display" / name).write_text(name)
    return folder


def _figures(folder: Path) -> pd.DataFrame:
    """All that `report` reads of a folder's rows."""
    found = results.load(folder)
    pairs = sorted({*found.measured, *found.lacking})
    assert len(pairs) > 2
    return pd.concat([found.column(*pair) for pair in pairs], keys=pairs)


def test_an_old_folder_is_read_as_it_is(old: Path) -> None:
    before = _figures(old)
    assert (old / "scores.csv").exists()
    assert results.suites(old.parent) == [old]
    convert(old)
    pd.testing.assert_frame_equal(_figures(old), before)
    assert results.suites(old.parent) == [old]


def test_rows_prints_what_the_old_file_held(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (old / "scores.csv").read_text()
    assert main(["rows", str(old), "--csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out == text
    assert "'tiny' held its rows as scores.csv" in shown.err
    assert not (old / "scores.csv").exists()
    assert main(["rows", str(old)]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert len(shown.out.splitlines()) == 1 + len(LINES.splitlines())


def test_the_manifest_names_the_new_files(old: Path) -> None:
    first, second = convert(old)
    assert first == "'tiny' held its rows as scores.csv: they are in scores.parquet and reasons.parquet now."
    assert second == "'tiny' held its display copies as files: 3 of them are in display.zip now."
    files = json.loads((old / "manifest.json").read_text())["files"]
    for name in (rows.SCORES, rows.REASONS):
        assert files.pop(name) == hashlib.sha256((old / name).read_bytes()).hexdigest()
    assert files == {"timings.csv": "of another file"}
    assert convert(old) == []


def test_a_changed_file_stays_one_that_the_manifest_does_not_name(old: Path) -> None:
    with (old / "scores.csv").open("a") as file:
        file.write(LINES.splitlines()[-1].replace("all", "10-20") + "\n")
    convert(old)
    assert "scores.csv" in json.loads((old / "manifest.json").read_text())["files"]


def test_display_copies_are_members_of_a_stored_zip(old: Path) -> None:
    convert(old)
    assert not (old / "display").exists()
    copies = display.copies(old)
    assert sorted(copies) == ["1-10/p1@full.mask.png", "1-10/p1@full.telea.webp", "README.md"]
    assert copies["1-10/p1@full.telea.webp"].read() == b"1-10/p1@full.telea.webp"
    assert (old / "display.zip").read_bytes().count(b"1-10/p1@full.telea.webp") == 3  # stored as it is


def test_no_zip_is_larger_than_a_repository_takes(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Path(shutil.copytree(old, old.parent / "one"))
    convert(one)
    monkeypatch.setattr(display, "LARGEST", 560)
    convert(old)
    assert [path.name for path in display.zips(old)] == ["display-1.zip", "display-2.zip"]
    assert all(path.stat().st_size <= 560 for path in display.zips(old))
    read = {name: place.read() for name, place in display.copies(one).items()}
    assert {name: place.read() for name, place in display.copies(old).items()} == read
    monkeypatch.undo()
    display.write_zips(old, {name: ("", data) for name, data in read.items()})
    assert [path.name for path in display.zips(old)] == ["display.zip"]
    assert (old / "display.zip").read_bytes() == (one / "display.zip").read_bytes()


def test_a_damaged_old_file_is_one_sentence_and_stays(old: Path) -> None:
    (old / "scores.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="another version"):
        convert(old)
    assert (old / "scores.csv").exists()
    assert not (old / rows.SCORES).exists()


def test_a_conversion_that_was_broken_off_is_done_again(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise KeyboardInterrupt

    before = _figures(old)
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.convert._pin", broken)
        with pytest.raises(KeyboardInterrupt):
            convert(old)
    assert len(convert(old)) == 2
    assert not (old / "scores.csv").exists()
    pd.testing.assert_frame_equal(_figures(old), before)

"""Results folders that grow and come together: each ends as the run that asked for all at once."""

import itertools
import json
import shutil
from functools import cache

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import joined, rows
from benchmark.__main__ import main
from benchmark.report import display

BOTH = ("--bins", "10-20,40-50")
PARTS = ("scores.parquet", "reasons.parquet")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three small photographs."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def fresh(photos, tmp_path_factory):
    """`fresh(*arguments)`: the folder of a run with small pictures, scored without a report; the same
    arguments run once.
    """

    @cache
    def start(*more):
        folder = tmp_path_factory.mktemp("run") / "out"
        assert main([*asked(photos, folder), *more]) == main(["score", str(folder)]) == 0
        return folder

    return start


def asked(photos, folder):
    return [
        "run", "photos", "--data", str(photos), "--size", "48", "--seed", "5", "--only", "run",
        "--out", str(folder),
    ]  # fmt: skip


@pytest.fixture
def run(photos, fresh, tmp_path):
    """`run(folder, *arguments)`: leaves `tmp_path / folder` as such a run does, which goes on with what is
    there; returns the exit code.
    """

    def start(folder, *more):
        if not (tmp_path / folder).exists() and "--data" not in more:
            shutil.copytree(fresh(*more), tmp_path / folder)
            return 0
        code = main([*asked(photos, tmp_path / folder), *more])
        return code or main(["score", str(tmp_path / folder)])

    return start


def told(folder):
    """What a folder holds but times, machines and how it came about."""
    manifest = json.loads((folder / "manifest.json").read_text())["meaning"]
    rows = {name: (folder / name).read_bytes() for name in PARTS if (folder / name).exists()}
    return rows, manifest


GROWTH = {
    "methods": (["--methods", "telea"], ["--methods", "mean_fill"]),
    "bins": (["--bins", "40-50", "--methods", "telea,mean_fill"], []),
    "mask sets": (["--masks", "object", "--methods", "telea,mean_fill"], ["--masks", "irregular,object"]),
    "pictures": (["--n", "2", "--methods", "telea,mean_fill"], []),
    "pictures in turns": (["--n", "2", "--once", "--methods", "telea,mean_fill"], ["--once"]),
    "pictures in batches": (["--n", "2", "--batch", "2", "--methods", "telea,mean_fill"], ["--batch", "2"]),
}


@pytest.mark.parametrize("what", GROWTH)
@pytest.mark.slow
def test_a_folder_that_grew_is_the_one_that_was_whole_from_the_start(run, tmp_path, what):
    first, then = GROWTH[what]
    rest = [*BOTH] if what != "bins" else []
    masks = [] if what == "mask sets" else ["--masks", "irregular"]
    ours = ["--methods", "telea,mean_fill"]
    assert run("grown", *first, *masks, *rest) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "grown" / "cells").rglob("*@*.png")}
    assert run("grown", *(then if "--methods" in then else [*then, *ours]), *masks, *BOTH) == 0
    after = {path: path.stat().st_mtime_ns for path in before}
    if "--batch" not in first:  # a batch that has grown is filled again, its pictures beside each other
        fills = [path for path in before if path.parent.name != "_inputs"]
        assert fills
        assert all(before[path] == after[path] for path in fills)
    whole = [arg for arg in then if arg not in ("--methods", "mean_fill")]
    assert run("whole", *whole, *ours, *masks, *BOTH) == 0
    assert told(tmp_path / "grown") == told(tmp_path / "whole")


@pytest.mark.slow
def test_answers_grow(run, tmp_path):
    settings = ["--methods", "patchmatch:iterations=1", "--masks", "object", "--bins", "10-20", "--n", "1"]
    assert run("grown", *settings) == 0
    assert run("grown", *settings, "--answers", "2") == 0
    assert run("whole", *settings, "--answers", "2") == 0
    assert told(tmp_path / "grown") == told(tmp_path / "whole")


@pytest.mark.parametrize(
    ("less", "said"),
    [
        (("--n", "2", *BOTH), "n: 3 there, 2 here"),
        (("--bins", "10-20"), "bins.irregular"),
        ((*BOTH, "--masks", "object"), "bins"),
        ((*BOTH, "--once"), "once"),
        ((*BOTH, "--seed", "6"), "seed: 5 there, 6 here"),
    ],
)
def test_less_and_other_things_are_refused_and_nothing_is_lost(run, tmp_path, capsys, less, said):
    settings = ["--methods", "mean_fill"]
    assert run("out", *settings, *BOTH, "--masks", "irregular") == 0
    before = (tmp_path / "out/cells/plan.json").read_bytes()
    masks = [] if "--masks" in less else ["--masks", "irregular"]
    assert run("out", *settings, *masks, *less) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "out/cells/plan.json").read_bytes() == before


@pytest.mark.slow
def test_a_broken_off_growth_goes_on(run, tmp_path, monkeypatch, capsys):
    from benchmark.engines import local

    settings = ["--methods", "telea", "--masks", "irregular", *BOTH]
    assert run("out", "--n", "2", *settings) == 0

    def broken(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(local, "fill", broken)
        assert run("out", *settings) == 130
    capsys.readouterr()
    assert main(["score", str(tmp_path / "out")]) == 1  # what there is, is still what its records say
    assert "2 pictures of 2 cells are not filled" in capsys.readouterr().err
    assert run("out", *settings) == 0
    assert run("whole", *settings) == 0
    assert told(tmp_path / "out") == told(tmp_path / "whole")


MERGED = {
    "methods": (["--methods", "telea"], ["--methods", "mean_fill"]),
    "pictures": (["--methods", "telea,mean_fill", "--n", "2"], ["--methods", "telea,mean_fill"]),
    "both": (["--methods", "telea,mean_fill"], ["--methods", "telea"]),
}


@pytest.mark.parametrize("what", MERGED)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.slow
def test_two_folders_become_the_one_run(run, tmp_path, what, turned):
    settings = ["--masks", "irregular", *BOTH]
    one, other = (["a", "b"], ["b", "a"])[turned]
    for name, given in zip((one, other), MERGED[what], strict=True):
        assert run(name, *given, *settings) == 0
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "whole")]) == 0
    assert run("wanted", "--methods", "telea,mean_fill", *settings) == 0
    assert told(tmp_path / "whole") == told(tmp_path / "wanted")
    assert main(["verify", str(tmp_path / "whole"), "--scores", "all"]) == 0


@pytest.mark.slow
def test_what_neither_folder_has_is_filled_by_the_next_run(run, tmp_path, capsys):
    assert run("a", "--methods", "telea", "--masks", "irregular", "--bins", "10-20") == 0
    assert run("b", "--methods", "mean_fill", "--masks", "irregular", "--bins", "40-50", "--n", "2") == 0
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b")]) != 0
    assert "run the suite again to continue" in capsys.readouterr().err
    settings = ["--methods", "telea,mean_fill", "--masks", "irregular", *BOTH]
    assert run("a", *settings) == 0
    assert run("whole", *settings) == 0
    assert told(tmp_path / "a")[0] == told(tmp_path / "whole")[0]


@pytest.mark.parametrize("way", ["relative", "link"])
@pytest.mark.slow
def test_a_folder_that_is_named_in_two_ways_is_one(run, tmp_path, monkeypatch, way):
    settings = ["--masks", "irregular", *BOTH]
    assert run("a", "--methods", "telea", *settings) == 0
    assert run("b", "--methods", "mean_fill", *settings) == 0
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a/cells").rglob("*.png"))
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    again = "a" if way == "relative" else "link"
    assert main(["merge", str(tmp_path / "a"), "b", "--out", again]) == 0
    assert all((tmp_path / "a" / name).is_file() for name in files)
    assert run("whole", "--methods", "telea,mean_fill", *settings) == 0
    assert told(tmp_path / "a") == told(tmp_path / "whole")


@pytest.mark.slow
def test_more_pictures_at_another_bin_leave_a_folder_that_can_be_scored(run, tmp_path, capsys):
    settings = ["--methods", "mean_fill", "--masks", "irregular"]
    assert run("a", *settings, "--n", "1", "--bins", "10-20") == 0
    assert run("b", *settings, "--n", "2", "--bins", "40-50") == 0
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    said = capsys.readouterr().err
    assert "1 pictures of 1 cells are not filled" in said
    assert "Traceback" not in said
    assert main(["score", str(tmp_path / "a")]) == 1
    assert run("a", *settings, "--n", "2", *BOTH) == 0


@pytest.mark.slow
def test_unlike_folders_are_refused_by_the_field_and_nothing_is_written(run, tmp_path, photos, capsys):
    settings = ["--methods", "mean_fill", "--masks", "irregular", *BOTH]
    assert run("a", *settings) == 0
    assert run("b", *settings, "--seed", "6") == 0
    other = tmp_path / "others"
    shutil.copytree(photos, other)
    PilImage.new("RGB", (160, 160), (9, 90, 9)).save(other / "astronaut.png")
    assert run("c", *settings, "--data", str(other)) == 0
    for name, said in (("b", "seed: 5 there, 6 here"), ("c", "dataset: photos")):
        assert main(["merge", str(tmp_path / "a"), str(tmp_path / name), "--out", str(tmp_path / "new")]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "new/cells/plan.json").exists()
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "nowhere")]) == 2


def test_a_cell_that_was_made_otherwise_is_named(run, tmp_path, capsys, monkeypatch):
    from dataclasses import replace

    from inpainters import registry

    settings = ["--methods", "mean_fill", "--masks", "irregular", *BOTH]
    assert run("a", *settings) == 0
    newer = replace(registry.METHODS["mean_fill"], version="99")
    monkeypatch.setitem(registry.METHODS, "mean_fill", newer)
    (tmp_path / "b").mkdir()  # runs here
    assert run("b", *settings) == 0
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    said = capsys.readouterr().err
    assert "'mean_fill' at irregular 10-20 was made otherwise" in said
    assert "version" in said


def bare(folder, name):
    """A copy as a repository has it: tables and manifest, without cells."""
    found = folder.with_name(name)
    shutil.copytree(folder, found, ignore=shutil.ignore_patterns("cells"))
    return found


@pytest.mark.slow
def test_tables_without_their_pictures_come_together(run, tmp_path):
    settings = ["--masks", "irregular,object", "--bins", "10-20", "--n", "2"]
    one, other, ours = (
        ["telea", "mean_fill"],
        ["telea", "navier_stokes"],
        ["telea", "mean_fill", "navier_stokes"],
    )
    for folder, methods in (("one", one), ("other", other), ("whole", ours)):
        assert run(folder, *settings, "--methods", ",".join(methods)) == 0
    published, more = bare(tmp_path / "one", "published"), bare(tmp_path / "other", "more")
    assert main(["merge", str(published), str(more)]) == 0
    (rows, meaning), (wanted, whole) = told(published), told(tmp_path / "whole")
    assert rows == wanted
    assert meaning == whole
    assert "Navier–Stokes" in (published / "table.md").read_text()
    timings, all_timings = (
        [line.split(",")[:8] for line in (folder / "timings.csv").read_text().splitlines()]
        for folder in (published, tmp_path / "whole")
    )
    assert timings == all_timings
    assert main(["verify", str(published)]) == 0


@pytest.mark.slow
def test_of_a_method_that_two_tables_have_the_last_is_taken(run, tmp_path):
    settings = ["--masks", "object", "--bins", "10-20", "--n", "2", "--methods", "telea"]
    assert run("one", *settings) == 0
    first, last = bare(tmp_path / "one", "first"), bare(tmp_path / "one", "last")
    changed(last)
    assert main(["merge", str(first), str(last), str(last), "--out", str(tmp_path / "both")]) == 0
    both = tmp_path / "both"
    assert told(both)[0] == told(last)[0]
    assert (both / "timings.csv").read_bytes() == (last / "timings.csv").read_bytes()
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (both, last)]
    assert [one["meaning"]["methods"]["telea"]["version"] for one in manifests] == ["777", "777"]
    environment = manifests[0]["environment"]
    assert environment["threads"] == {"blas": 777}
    assert "other_threads" not in environment  # nothing is left of what was filled with others
    assert main(["merge", str(last), str(first), "--out", str(tmp_path / "turned")]) == 0
    assert told(tmp_path / "turned")[0] == told(first)[0]


def changed(folder):
    """The tables as of another version's fills, on a machine with 777 threads."""
    table = pq.read_table(folder / "scores.parquet")
    frame = table.to_pandas()
    frame["psnr@hole"] = frame["psnr@hole"] + 777
    pq.write_table(
        pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False), folder / "scores.parquet"
    )
    written = folder.with_name(f"{folder.name}-as-written")
    assert main(["merge", str(folder), "--out", str(written)]) == 0  # as the writer has it, byte for byte
    shutil.copyfile(written / "scores.parquet", folder / "scores.parquet")
    timings = pd.read_csv(folder / "timings.csv", dtype=str, keep_default_na=False).assign(seconds="777")
    timings.to_csv(folder / "timings.csv", index=False, lineterminator="\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["meaning"]["methods"]["telea"]["version"] = "777"
    manifest["environment"]["threads"] = {"blas": 777}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
def test_tables_that_are_there_stay_and_a_killed_merge_goes_on(run, tmp_path, monkeypatch):
    settings = ["--masks", "object", "--bins", "10-20", "--n", "2", "--methods"]
    folders = {}
    for method in ("telea", "mean_fill", "navier_stokes"):
        assert run(method, *settings, method) == 0
        folders[method] = bare(tmp_path / method, f"tables-{method}")
    changed(folders["telea"])
    both = bare(folders["mean_fill"], "both")
    command = ["merge", str(folders["telea"]), str(folders["navier_stokes"]), "--out", str(both)]
    written = joined.write

    def killed(path, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(joined, "write", killed)
    for out in (both, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            joined.join_tables([folders["telea"], folders["navier_stokes"]], out)
    monkeypatch.setattr(joined, "write", written)
    assert main([*command[:-1], str(tmp_path / "new")]) == 0
    assert set(told(tmp_path / "new")[1]["methods"]) == {"telea", "navier_stokes"}
    assert main(command) == 0
    assert set(told(both)[1]["methods"]) == {"telea", "mean_fill", "navier_stokes"}
    environment = json.loads((both / "manifest.json").read_text())["environment"]
    assert environment["other_threads"] == {"blas 777": ["telea object 10-20"]}
    assert main(["verify", str(both)]) == 0


@pytest.mark.slow
def test_a_method_that_was_planned_and_never_ran_takes_no_rows_away(run, tmp_path):
    settings = ["--masks", "object", "--bins", "10-20", "--n", "2", "--methods"]
    assert run("one", *settings, "telea,mean_fill") == run("other", *settings, "navier_stokes") == 0
    one, other = bare(tmp_path / "one", "first"), bare(tmp_path / "other", "last")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["meaning"]["planned"]["telea"] = 2
    manifest["meaning"]["methods"]["telea"] = {"version": "9"}
    (other / "manifest.json").write_text(json.dumps(manifest))
    assert main(["merge", str(one), str(other)]) == 0
    _, meaning = told(one)
    assert meaning["methods"]["telea"]["version"] != "9"
    assert set(meaning["methods"]) == {"telea", "mean_fill", "navier_stokes"}
    assert meaning["mask_sets"][0]["n"]["10-20"]["telea"] == 2


def test_tables_do_not_go_where_pictures_are_nor_join_those_of_an_older_version(run, tmp_path, capsys):
    settings = ["--masks", "object", "--bins", "10-20", "--n", "2", "--methods", "telea"]
    assert run("one", *settings) == 0
    tables = bare(tmp_path / "one", "tables")
    before = told(tmp_path / "one")
    assert main(["merge", str(tmp_path / "one"), str(tables)]) == 2
    assert "holds pictures" in capsys.readouterr().err
    assert told(tmp_path / "one") == before
    other = tmp_path / "mine"
    other.mkdir()
    (other / "letter.txt").write_text("x")
    assert main(["merge", str(tables), "--out", str(other)]) == 2
    assert "letter.txt" in capsys.readouterr().err
    manifest = json.loads((tables / "manifest.json").read_text())
    (manifest["meaning"]["mask_set"],) = manifest["meaning"].pop("mask_sets")
    (tables / "manifest.json").write_text(json.dumps(manifest))
    assert main(["merge", str(tables), "--out", str(tmp_path / "new")]) == 2
    assert "older version" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def without_gmsd(folder, why="GMSD needs the weights 'them'."):
    """Leaves a folder's tables as where `gmsd` could not be measured."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["meaning"]["metrics"]["gmsd"] |= {"weights": None, "unavailable": why}
    scores = pd.read_parquet(folder / "scores.parquet")
    lacking = scores[rows.KEY_COLUMNS].assign(metric="gmsd", region="whole", reason=why)
    scores.drop(columns="gmsd@whole").to_parquet(folder / "scores.parquet", index=False)
    reasons = pd.concat([pd.read_parquet(folder / "reasons.parquet"), lacking])
    reasons.to_parquet(folder / "reasons.parquet", index=False)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def with_weights(folder, weights):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["meaning"]["metrics"]["gmsd"]["weights"] = weights
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def tables(run, tmp_path):
    """`tables(name, *methods)`: the tables alone of a small run, in `tmp_path / "tables" / name`."""

    def make(name, *methods):
        settings = ["--masks", "object", "--bins", "10-20", "--n", "2", "--methods", ",".join(methods)]
        assert run(f"run_{name}", *settings) == 0
        return bare(tmp_path / f"run_{name}", f"mine_{name}")

    return make


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.slow
def test_what_one_of_two_tables_could_not_measure_is_a_dash_and_said(tables, tmp_path, capsys, turned):
    full, poor = tables("full", "telea", "mean_fill"), tables("poor", "navier_stokes")
    with_weights(full, "ab")
    without_gmsd(poor)
    both = tmp_path / "both"
    folders = [str(full), str(poor)][:: -1 if turned else 1]
    assert main(["merge", *folders, "--out", str(both)]) == 0
    said = capsys.readouterr().err
    assert f"'{poor}' has no figures of gmsd. It needs the weights 'them'. Its pictures are not here" in said
    assert f"'{full}'" not in said
    assert told(both)[1]["metrics"]["gmsd"]["weights"] == "ab"
    table = (both / "table.md").read_text()
    assert table.count("* Navier–Stokes: GMSD needs the weights 'them'.") == 1
    found = pd.read_parquet(both / "scores.parquet").groupby("method")["gmsd@whole"].count()
    assert found.to_dict() == {"mean_fill": 2, "navier_stokes": 0, "telea": 2}
    columns = [pq.read_schema(folder / "scores.parquet").names for folder in (both, full)]
    assert columns[0] == columns[1]  # whichever came first
    assert main(["verify", str(both)]) == 0


def test_tables_measured_with_other_weights_stay_apart_whoever_stands_between(tables, tmp_path, capsys):
    folders = {name: tables(name, name) for name in ("telea", "navier_stokes", "mean_fill")}
    with_weights(folders["telea"], "ab")
    without_gmsd(folders["navier_stokes"])
    with_weights(folders["mean_fill"], "cd")
    for order in itertools.permutations(map(str, folders.values())):
        assert main(["merge", *order, "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert "metrics.gmsd.weights: " in said
        assert "ab" in said
        assert "cd" in said
        assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_figures_are_not_lost_to_a_table_that_lacks_them(tables, tmp_path):
    full, poor = tables("full", "telea"), tables("poor", "telea", "mean_fill")
    without_gmsd(poor)
    assert main(["merge", str(full), str(poor)]) == 0
    found = pd.read_parquet(full / "scores.parquet").groupby("method")["gmsd@whole"].count()
    assert found.to_dict() == {"mean_fill": 0, "telea": 2}


def test_tables_where_nothing_is_left_without_a_figure_come_together(tables, tmp_path):
    folders = [tables(name, name) for name in ("telea", "mean_fill")]
    for folder in folders:
        reasons = pq.read_table(folder / "reasons.parquet")
        pq.write_table(reasons.slice(0, 0), folder / "reasons.parquet")
    assert main(["merge", *map(str, folders), "--out", str(tmp_path / "both")]) == 0
    assert set(told(tmp_path / "both")[1]["methods"]) == {"telea", "mean_fill"}


@pytest.mark.slow
def test_a_folder_that_was_never_reported_brings_its_display_copies(tmp_path):
    settings = ["run", "quick", "--masks", "object", "--bins", "10-20", "--n", "1", "--methods"]
    for method in ("telea", "mean_fill"):
        assert main([*settings, method, "--only", "run", "--out", str(tmp_path / method)]) == 0
        assert main(["score", str(tmp_path / method)]) == 0
    published = bare(tmp_path / "telea", "published")
    assert main(["merge", str(published), str(tmp_path / "mean_fill")]) == 0
    assert any(name.endswith(".mean_fill.webp") for name in display.copies(published))


def test_tables_of_other_holes_are_not_brought_together(run, tmp_path, capsys):
    settings = ["--bins", "10-20", "--n", "2", "--methods", "telea"]
    assert run("one", *settings, "--masks", "object") == run("other", *settings, "--masks", "irregular") == 0
    one, other = bare(tmp_path / "one", "first"), bare(tmp_path / "other", "last")
    before = (one / "manifest.json").read_bytes()
    capsys.readouterr()
    assert main(["merge", str(one), str(other)]) == 2
    assert "mask_sets" in capsys.readouterr().err
    assert (one / "manifest.json").read_bytes() == before

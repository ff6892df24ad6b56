"""Figures that papers print, beside ours."""

from dataclasses import replace

import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import metrics, published, results
from benchmark.__main__ import main
from benchmark.inputs.masksets import open_mask_set
from benchmark.suites import SUITES
from inpainters.errors import InputError
from inpainters.registry import METHODS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three small photographs with holes in their middle."""
    photos = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(photos / f"{name}.png")
    out = tmp_path_factory.mktemp("results") / "middle"
    common = ["run", "center_box", "--data", str(photos), "--size", "64", "--out", str(out)]
    assert main([*common, "--methods", "mean_fill,contextual_attention", "--only", "run"]) == 0
    assert main(["score", str(out)]) == 0
    return out


def test_the_table_names_methods_metrics_and_masks_that_are_here():
    figures = published.printed()
    assert len(figures) > 60
    assert set(published.METHODS_HERE.values()) <= METHODS.keys()
    kinds = {open_mask_set(source).name for suite in SUITES.values() for source in suite.mask_sets}
    assert set(published.MASKS_HERE.values()) <= kinds
    for source, names in published.MEASURED_LIKEWISE.items():
        assert any(one.source == source for one in figures)
        assert set(names.values()) <= metrics.METRICS.keys()
    assert all(one.value > 0 for one in figures)


@pytest.mark.slow
def test_a_figure_stands_beside_its_counterpart_with_every_reason(folder):
    found = list(published.beside(results.load(folder)))
    assert {pair.printed.masks for pair in found} == {"square"}
    (one,) = [pair for pair in found if pair.printed.dataset == "places2" and pair.ours is not None]
    assert one.printed.method == "deepfill_v1"
    assert one.ours.photographs == 3
    said = " ".join(one.because)
    assert "`contextual_attention` trained by this project" in said
    assert "pictures: places2 there, 3 of photos" in said
    assert "size: 256 px there, square 64 here" in said


def test_the_page_says_it_is_not_comparable(folder, capsys):
    assert main(["papers", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "| deepfill_v1 | square, places2 | `psnr` | 23.429 | Contextual attention |" in said
    assert "Not comparable in any line, because: " in said
    assert "comparable |" not in said.replace("not comparable", "")


def test_nothing_is_said_against_a_figure_that_is_the_same(folder):
    opened = results.load(folder)
    meaning = opened.manifest.meaning
    dataset = meaning.dataset.model_copy(update={"name": "places2", "recipe": "square 256"})
    meaning = meaning.model_copy(update={"dataset": dataset})
    same = replace(opened, manifest=opened.manifest.model_copy(update={"meaning": meaning}))
    pairs = [pair for pair in published.beside(same) if pair.ours and pair.printed.dataset == "places2"]
    said = [why.partition(":")[0] for pair in pairs for why in pair.because]
    assert said == ["weights"]  # the middle of a picture is not drawn


def test_a_folder_without_rows_has_no_such_holes_either(folder):
    opened = results.load(folder)
    none = replace(opened, source=results.Plain(next(results.plain(folder)).head(0)))
    assert list(published.beside(none)) == []


def test_n_is_that_of_photographs(folder, monkeypatch):
    """Three photographs are too few for four, however many holes they have."""
    monkeypatch.setitem(metrics.METRICS, "psnr", replace(metrics.METRICS["psnr"], fair_n=4))
    opened = results.load(folder)
    pair = next(pair for pair in published.beside(opened) if pair.ours)
    many = replace(pair.ours, n=12)
    assert "n: 3 here, biased under 4" in published._because(opened, pair.printed, many)


def test_a_folder_without_such_holes_says_which_there_are(folder, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    PilImage.fromarray(data.coffee()[:64, :64]).save(photos / "a.png")
    out = tmp_path / "text"
    common = ["run", "overlays", "--data", str(photos), "--size", "64", "--out", str(out)]
    assert main([*common, "--methods", "mean_fill", "--only", "run"]) == 0
    assert main(["score", str(out)]) == 0
    with pytest.raises(InputError, match="thick_natural"):
        published.papers_markdown(out)

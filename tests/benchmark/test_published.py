"""Figures that papers print, beside ours."""

from dataclasses import replace

import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import metrics, published, results
from benchmark.__main__ import main
from benchmark.inputs.masksets import open_mask_set
from benchmark.suites import SUITES
from inpainters.registry import METHODS
from inpainters.weights.table import WEIGHTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three small photographs with holes in their middle."""
    photos = tmp_path_factory.mktemp("photos", numbered=False)
    for name in ("astronaut", "chelsea", "coffee"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(photos / f"{name}.png")
    out = tmp_path_factory.mktemp("results") / "middle"
    common = ["run", "center_box", "--data", str(photos), "--size", "64", "--out", str(out)]
    assert main([*common, "--methods", "mean_fill,contextual_attention", "--only", "run"]) == 0
    assert main(["score", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def by_border(tmp_path_factory):
    """Two small photographs with irregular holes of 10 to 20 %, at the border and off it."""
    photos = tmp_path_factory.mktemp("two")
    for name in ("chelsea", "coffee"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(photos / f"{name}.png")
    out = tmp_path_factory.mktemp("results") / "borders"
    common = ["run", "pconv_bins", "--data", str(photos), "--size", "64", "--out", str(out)]
    assert main([*common, "--methods", "mean_fill", "--bins", "10-20", "--only", "run"]) == 0
    assert main(["score", str(out)]) == 0
    return out


def as_named(folder, name, recipe="square 256"):
    """The results, with a test set of another name."""
    opened = results.load(folder)
    meaning = opened.manifest.meaning
    dataset = meaning.dataset.model_copy(update={"name": name, "recipe": recipe})
    meaning = meaning.model_copy(update={"dataset": dataset})
    return replace(opened, manifest=opened.manifest.model_copy(update={"meaning": meaning}))


def whys(pairs, field):
    """What the pairs say of one field."""
    return {why for pair in pairs for why in pair.because if why.startswith(f"{field}: ")}


def of(pairs, source, **fields):
    """The pairs of a source, and of these fields of it."""
    wanted = {"source": source, **fields}
    return [pair for pair in pairs if all(getattr(pair.printed, k) == v for k, v in wanted.items())]


def test_the_table_names_methods_metrics_and_masks_that_are_here():
    figures = published.printed()
    assert len(figures) > 60
    assert set(published.METHODS_HERE.values()) <= METHODS.keys()
    kinds = {open_mask_set(source).name for suite in SUITES.values() for source in suite.mask_sets}
    assert {name for one in figures for name in one.mask_sets_here} <= kinds
    for source, names in published.MEASURED_LIKEWISE.items():
        assert any(one.source == source for one in figures)
        assert set(names.values()) <= metrics.METRICS.keys()
    assert all(one.value > 0 for one in figures)


@pytest.mark.slow
def test_a_figure_stands_beside_its_counterpart_with_every_reason(folder):
    found = [pair for pair in published.beside(results.load(folder)) if pair.mask_set]
    assert {pair.printed.masks for pair in found} == {"square"}
    (one,) = [pair for pair in found if pair.printed.dataset == "places2" and pair.ours is not None]
    assert one.printed.method == "deepfill_v1"
    assert one.ours.photographs == 3
    assert one.because == (
        "weights: the authors' there, `contextual_attention` trained by this project here",
        "pictures: places2 (n not stated) there, 3 of photos here",
        "size: 256 px there, square 64 here",
    )


@pytest.mark.slow
@pytest.mark.parametrize("holes", ["folder", "by_border"])
def test_every_printed_figure_appears_with_its_figure_or_a_reason(holes, request):
    found = list(published.beside(results.load(request.getfixturevalue(holes))))
    assert [*dict.fromkeys(pair.printed for pair in found)] == published.printed()
    assert all(pair.ours or pair.because for pair in found)
    assert all(pair.because for pair in found)  # three photographs are no paper's test set


@pytest.mark.slow
def test_what_is_not_here_is_named(folder):
    found = list(published.beside(results.load(folder)))
    assert whys(found, "metric") == {
        f"metric: {name} there, none here is computed likewise"
        for name in ("fid", "seconds_v100", "seconds_rtx3090", "seconds_a5000")
    }
    assert all(whys([pair], "metric") for pair in found if not pair.printed.metric_here)
    mat, lama = of(found, "MAT README"), of(found, "LaMa (Suvorov 2022)", masks="segmentation")
    assert (len(mat), len(lama)) == (6, 4)
    assert whys(mat, "masks") == {"masks: small there, none here", "masks: large there, none here"}
    assert whys(lama, "masks") == {"masks: segmentation there, none here"}
    timed = [pair for pair in found if pair.printed.masks == "any"]
    assert len(timed) == 3
    assert whys(timed, "masks") == set()
    assert "method: not here" in of(found, "MAT README", method="comodgan")[0].because
    assert whys(of(found, "mmagic model zoo", masks="square"), "masks") == set()  # the middle is not drawn
    assert whys(of(found, "RePaint (Lugmayr 2022)", masks="half"), "masks") == {
        "masks: half there, none here"
    }


@pytest.mark.slow
def test_a_figure_of_a_bin_stands_beside_each_mask_set_with_that_bin(by_border):
    found = [pair for pair in published.beside(results.load(by_border)) if pair.printed.method == "aot_gan"]
    assert [pair.mask_set for pair in found if pair.printed.masks == "10-20%"] == [
        "irregular_border",
        "irregular_free",
    ]
    assert whys(found, "masks") == {"masks: the paper's own there, drawn anew here"}


@pytest.mark.slow
def test_our_figure_of_a_bin_is_that_of_its_mask_set(by_border, monkeypatch):
    monkeypatch.setitem(published.METHODS_HERE, "aot_gan", "mean_fill")
    opened = results.load(by_border)
    found = [pair for pair in published.beside(opened) if pair.ours and pair.printed.masks == "10-20%"]
    for pair in found:
        rows = opened.part(pair.mask_set).column("psnr", "whole")
        assert pair.ours.mean == pytest.approx(rows.loc[rows["bin"] == "10-20", "value"].mean())
    assert len({pair.ours.mean for pair in found}) == 2


@pytest.mark.slow
def test_the_page_says_it_is_not_comparable(folder, capsys):
    assert main(["papers", str(folder)]) == 0
    said = capsys.readouterr().out
    line = "| deepfill_v1 | square, places2 | `psnr` | 23.429 | Contextual attention | `box_center_natural` |"
    assert line in said
    assert "| comodgan | small, places2 | `fid_inception_legacy` | 1.1 | – | – | – | " in said
    assert "Not comparable in any line, because: " in said
    assert "comparable |" not in said.replace("not comparable", "")


@pytest.mark.slow
def test_pictures_of_one_name_are_the_same_only_where_n_is(folder, monkeypatch):
    """Three pictures in a folder called places2 are not the paper's."""
    square = [one for one in published.printed() if one.masks == "square" and one.dataset == "places2"]
    same = as_named(folder, "places2")

    def said(n):
        monkeypatch.setattr(published, "printed", lambda: [replace(one, n=n) for one in square])
        return [pair.because for pair in published.beside(same) if pair.ours]

    weights = "weights: the authors' there, `contextual_attention` trained by this project here"
    assert said(3) == [(weights,)]
    assert said(30000) == [(weights, "pictures: 30,000 of places2 there, 3 of places2 here")]
    assert said(0) == [(weights, "pictures: places2 (n not stated) there, 3 of places2 here")]


@pytest.mark.slow
def test_a_size_is_the_same_as_a_whole_number_only(folder):
    def sizes(recipe):
        return whys(of(published.beside(as_named(folder, "photos", recipe)), "mmagic model zoo"), "size")

    assert sizes("square 256") == set()
    assert sizes("square 2560") == {"size: 256 px there, square 2560 here"}


@pytest.mark.slow
def test_fetched_weights_are_not_called_this_projects(folder):
    """Of what was fetched from its authors or their pipelines nothing is said; what lies here is named."""
    found = list(published.beside(results.load(folder)))
    theirs = [
        pair for pair in found if pair.printed.method in ("lama_big", "mat_8M_images", "sd_inpainting_1_5")
    ]
    assert len(theirs) == 6
    assert whys(theirs, "weights") == set()
    named = {why.split("`")[1] for why in whys(found, "weights")}
    assert named == {
        *("lama", "contextual_attention", "gated_conv", "partial_conv", "denoiser", "latent_diffusion")
    }
    assert all(WEIGHTS[name].bundled for name in named)


@pytest.mark.slow
def test_a_region_is_named_where_only_the_hole_was_measured(folder):
    opened = results.load(folder)
    rows = next(results.plain(folder))
    hole = replace(opened, source=results.Plain(rows[rows["region"] == "hole"]))
    ours = [pair for pair in published.beside(hole) if pair.ours]
    assert whys(ours, "region") == {"region: whole picture there, hole here"}
    assert all(whys([pair], "region") for pair in ours)
    whole = [pair for pair in published.beside(opened) if pair.ours]
    assert len(whole) == len(ours) > 0
    assert whys(whole, "region") == set()


@pytest.mark.slow
def test_a_folder_without_rows_has_no_figures(folder):
    opened = results.load(folder)
    none = replace(opened, source=results.Plain(next(results.plain(folder)).head(0)))
    found = list(published.beside(none))
    assert len(found) == len(published.printed())
    assert not any(pair.ours or pair.mask_set for pair in found)


@pytest.mark.slow
def test_a_figure_that_was_not_measured_says_how_it_is(folder, monkeypatch):
    opened = results.load(folder)
    square = [one for one in published.printed() if one.masks == "square"]
    monkeypatch.setattr(published, "printed", lambda: [replace(one, method="pconv") for one in square])
    assert whys(published.beside(opened), "figure") == {"figure: not run, or not scored"}
    monkeypatch.setitem(published.MEASURED_LIKEWISE["mmagic model zoo"], "psnr", "fid_inception_pytorch")
    monkeypatch.setattr(published, "unavailable", lambda name: f"{name} needs weights.")
    assert whys(published.beside(opened), "figure") == {"figure: fid_inception_pytorch needs weights"}
    monkeypatch.setattr(published, "unavailable", lambda name: None)
    assert whys(published.beside(opened), "figure") == {
        "figure: not run, or not scored with --also fid_inception_pytorch"
    }


@pytest.mark.slow
def test_n_is_that_of_photographs(folder, monkeypatch):
    """Three photographs are too few for four, however many holes they have."""
    monkeypatch.setitem(metrics.METRICS, "psnr", replace(metrics.METRICS["psnr"], fair_n=4))
    pair = next(pair for pair in published.beside(results.load(folder)) if pair.ours)
    many = replace(pair.ours, n=12)
    assert "n: 3 here, biased under 4" in published._figure(metrics.METRICS["psnr"], "whole", many)


def test_fids_are_those_of_the_papers_evaluators():
    """LaMa's resizes as pytorch-fid does, MAT's as TensorFlow 1 did."""
    found = {one.source: one.metric_here for one in published.printed() if one.metric == "fid"}
    assert found == {
        "LaMa (Suvorov 2022)": "fid_inception_pytorch",
        "runwayml SD-inpainting README": "fid_inception_pytorch",
        "MAT README": "fid_inception_legacy",
        "Field notes": "",
    }

"""Methods that were trained with a network's distance carry a mark wherever a metric looks through the same
network.
"""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.report.marks import MARK, acquaintance, flattered, footnote, mark
from inpainters import registry

SENTENCE = (
    "† trained with a SqueezeNet perceptual loss: its distances by SqueezeNet features flatter it; "
    "see the rankings by PSNR and SSIM."
)


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    monkeypatch.setitem(
        registry.METHODS,
        "telea",
        replace(registry.METHODS["telea"], trained_with=("squeezenet", "unheard_of")),
    )
    monkeypatch.setitem(
        registry.METHODS, "biharmonic", replace(registry.METHODS["biharmonic"], trained_with=())
    )


@pytest.mark.parametrize("metric", ["lpips_squeeze", "fd_squeeze", "kd_squeeze_u"])
def test_figures_through_the_same_network_are_marked(metric):
    assert mark("telea", metric) == mark("telea radius=5", metric) == f" {MARK}"
    assert footnote(["telea", "biharmonic"], [metric, "psnr"]) == SENTENCE


@pytest.mark.parametrize("metric", ["psnr", "ssim", "l1", "lpips_alex", "lpips_vgg", "fid_inception_tm"])
def test_others_are_not(metric):
    assert mark("telea", metric) == ""
    assert footnote(["telea"], [metric]) == ""


@pytest.mark.parametrize("entry", ["biharmonic", "a_strangers_method", ""])
def test_methods_without_such_a_loss_and_strangers_have_no_mark(entry):
    assert flattered(entry, "lpips_squeeze") is None


def test_the_table_marks_the_figure_names_the_reason_and_ranks_by_three_metrics():
    import pandas as pd

    from benchmark.report import tables
    from benchmark.report.latex import latex
    from benchmark.results import Plain, Results
    from benchmark.rows import SCORE_COLUMNS

    rows = []
    for photo in range(6):
        key = {
            "suite": "tiny",
            "dataset": "d",
            "mask_set": "m",
            "bin": "1-10",
            "image_id": f"p{photo}@full",
            "options": "{}",
            "seed": 0,
        }
        for method, lpips, psnr in (("telea", 0.1, 20.0), ("biharmonic", 0.2, 25.0)):
            for metric, value in (("lpips_squeeze", lpips), ("psnr", psnr), ("ssim", psnr / 100)):
                rows.append(
                    {
                        **key,
                        "method": method,
                        "metric": metric,
                        "region": "hole",
                        "value": value + photo / 1000,
                    }
                )
    scores = pd.DataFrame(rows, columns=SCORE_COLUMNS)
    filled = scores.assign(entry=scores["method"], photograph=scores["image_id"].str.split("@").str[0])
    meaning = SimpleNamespace(dataset=SimpleNamespace(name="tiny"), suite="tiny", mask_sets=())
    manifest = SimpleNamespace(meaning=meaning)
    results = Results(Path("tiny"), manifest, Plain(scores), filled)
    parts = tables.markdown(results).split("\n\n")
    overview = next(part for part in parts if part.startswith("| method | n |"))
    telea, biharmonic = overview.splitlines()[2:]
    assert telea.count(MARK) == 1
    assert telea.split("|")[3].strip().endswith(MARK)
    assert MARK not in biharmonic
    assert parts[parts.index(overview) + 1] == SENTENCE
    ranks = parts[parts.index("## Rankings, all ratios together") + 2].splitlines()[2:]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in ranks] == [
        ["1. Telea †", "1. Biharmonic", "1. Biharmonic"],
        ["2. Biharmonic", "2. Telea", "2. Telea"],
    ]
    assert r"$^{\dagger}$" in latex(results)
    assert r"$\dagger$ trained with a SqueezeNet" in latex(results)


def test_methods_that_know_the_test_sets_kind_are_named():
    told = acquaintance(["telea", "mi_gan", 'big_lama {"detail":"enlarge"}', "gated_conv"], "places2")
    assert told.startswith("MI-GAN, Big LaMa learned from the training pictures of places2")
    assert "Gated" not in told
    assert acquaintance(["gated_conv"], "imagenet").startswith("Gated convolution learned")
    assert acquaintance(["telea", "mi_gan", "a_stranger"], "celeba_hq") == ""

"""The metrics table: names that others rely on, and what it says when something is missing."""

import importlib
import math
import subprocess
import sys

import pytest

from benchmark import evaluation, metrics
from benchmark.scorer import open_bench
from inpainters.errors import InputError, UnavailableError
from inpainters.registry import METHODS
from inpainters.weights.files import ENV

NAMES = [
    *("psnr", "ssim", "l1", "seam", "haarpsi", "gmsd", "mdsi", "ms_ssim"),
    *("ssim_lama", "ssim_pennet", "l1_pennet"),
    *("psnr_brushbench", "mse_brushbench", "lpips_brushbench"),
    *("lpips_alex", "lpips_vgg", "lpips_squeeze", "st_lpips_alex"),
    *("fid_inception_tm", "fid_inception_legacy", "fid_inception_clean"),
    "fid_inception_pytorch",
    *("kid_inception_tm_u", "kid_inception_legacy_u", "kid_inception_clean_u"),
    *("uids_inception_legacy", "pids_inception_legacy", "fd_squeeze", "kd_squeeze_u"),
    *("diversity_lpips_alex", "diversity_lpips_vgg", "diversity_lpips_squeeze"),
]  # fmt: skip

SIMPLE = NAMES[:13]
"""Without learned weights."""


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    for variable in (ENV, "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


def test_names():
    assert list(metrics.METRICS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_target_exists(name):
    module, _, attribute = metrics.get(name).target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_reading_the_table_imports_no_network_library():
    code = (
        "import sys; from benchmark import metrics; "
        "[metrics.unavailable(n) for n in metrics.METRICS]; print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {
        "torch",
        "torchvision",
        "lpips",
        "piq",
        "torchmetrics",
        "torch_fidelity",
        "gradio",
        "matplotlib",
    } & set(loaded)


@pytest.mark.parametrize("name", [name for name in NAMES if metrics.METRICS[name].weights])
def test_missing_weights_are_a_sentence_with_the_command(name, no_weights):
    sentence = metrics.unavailable(name)
    assert f"python -m benchmark fetch {metrics.get(name).weights}" in sentence
    with pytest.raises(UnavailableError, match="benchmark fetch"):
        metrics.create(name)


@pytest.mark.parametrize("name", SIMPLE)
def test_simple_metrics_are_always_there(name, no_weights):
    assert metrics.unavailable(name) is None


def test_missing_package_is_named_as_pip_names_it(monkeypatch):
    monkeypatch.setattr(
        metrics, "find_spec", lambda package: None if package == "torch_fidelity" else object()
    )
    assert "pip install torch-fidelity" in metrics.unavailable("fid_inception_clean")


def test_a_package_of_one_version_is_named_with_it(monkeypatch):
    monkeypatch.setattr(
        metrics, "find_spec", lambda package: None if package == "stlpips_pytorch" else object()
    )
    assert "run `pip install stlpips_pytorch==0.0.2`." in metrics.unavailable("st_lpips_alex")


def test_unknown_metric_is_answered_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'lpips_squeeze'"):
        metrics.create("lpips_squeez")


def test_the_fid_of_papers_that_resize_with_torch_is_computed_on_request_alone():
    name = "fid_inception_pytorch"
    assert [spec.name for spec in metrics.METRICS.values() if spec.on_request] == [name]
    assert [*open_bench().metrics.METRICS] == [one for one in NAMES if one != name]
    assert [*open_bench(also=[name]).metrics.METRICS] == NAMES
    chosen, absent = evaluation._chosen(())
    assert name not in [spec.name for spec in chosen]
    assert not [text for text in absent if name in text]


def test_reasons():
    assert metrics.reason("psnr", "hole", 31.5) is None
    assert "infinite" in metrics.reason("psnr", "hole", math.inf)
    assert "edge has no pixels" in metrics.reason("ssim", "band", math.nan)


def test_variants_pin_what_differs():
    variants = [spec.variant for spec in metrics.METRICS.values()]
    assert len(set(variants)) == len(variants)
    assert all(variant.endswith(".") for variant in variants)


def test_networks_that_flatter_have_names():
    seen = {spec.network for spec in metrics.METRICS.values() if spec.network}
    trained = {network for spec in METHODS.values() for network in spec.trained_with}
    assert seen == set(metrics.NETWORKS)
    assert trained <= seen


def test_frechet_distances_and_what_a_plane_tells_apart_need_equal_n():
    assert {name for name, spec in metrics.METRICS.items() if spec.fair_n} == {
        name for name in NAMES if name.startswith(("fid_", "fd_", "uids_", "pids_"))
    }

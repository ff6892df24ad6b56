"""Shift-tolerant LPIPS: against its authors' module, whose two needless imports are stood in for."""

import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch
from skimage import data

pytest.importorskip(
    "stlpips_pytorch", reason="stlpips_pytorch is not here: pip install stlpips_pytorch==0.0.2"
)

from benchmark.metrics import METRICS, create
from benchmark.metrics import st_lpips as module
from benchmark.metrics.lpips import SMALLEST
from benchmark.metrics.regions import means
from inpainters.errors import InputError, UnavailableError


@pytest.fixture(scope="module")
def theirs():
    with pytest.MonkeyPatch.context() as patch:
        for name, attribute in (("IPython", "embed"), ("torchsummary", "summary")):
            made = ModuleType(name)
            setattr(made, attribute, None)
            patch.setitem(sys.modules, name, made)
        from stlpips_pytorch.stlpips import LPIPS

        yield LPIPS(net="alex", variant="shift_tolerant", verbose=False)
    for name in [name for name in sys.modules if name.startswith("stlpips_pytorch.")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def metric():
    return create("st_lpips_alex")


def triple(height, width):
    original = np.ascontiguousarray(data.astronaut()[:height, 100 : 100 + width])
    mask = np.zeros((height, width), bool)
    mask[20:50, 30:70] = True
    return original, np.where(mask[..., None], np.uint8(128), original), mask


def tensor(image):
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


SIZES = ((64, 80), (101, 96), (64, 80))


@pytest.mark.parametrize("size", SIZES[:2])
def test_values_are_the_authors(theirs, metric, size):
    original, output, mask = triple(*size)
    scores = metric.score(original, output, mask)
    with torch.no_grad():
        whole = theirs(tensor(original), tensor(output)).item()
        theirs.spatial = True
        spatial = theirs(tensor(original), tensor(output))[0, 0].numpy()
        theirs.spatial = False
    assert scores["whole"] == pytest.approx(whole, rel=1e-4)
    expected = means(spatial, mask)
    assert scores["hole"] == pytest.approx(expected["hole"], rel=1e-4)
    assert scores["band"] == pytest.approx(expected["band"], rel=1e-4)
    assert scores["hole"] > scores["whole"] > 0


def test_a_perfect_fill_scores_nothing(metric):
    original, _, mask = triple(64, 80)
    assert metric.score(original, original, mask) == {"whole": 0, "hole": 0, "band": 0}


def test_batches_are_scored_as_each_alone(metric):
    triples = [triple(*size) for size in SIZES]
    for alone, together in zip(
        [metric.score(*one) for one in triples], metric.score_batch(*zip(*triples, strict=True)), strict=True
    ):
        assert together == pytest.approx(alone, rel=1e-4)


def test_a_shift_costs_little(metric):
    """The paper's point: a shift by one pixel costs little beside a hole of grey."""
    photograph = data.astronaut()[:100, 100:201]
    original, shifted = (np.ascontiguousarray(photograph[:, i : i + 100]) for i in (0, 1))
    mask = np.zeros((100, 100), bool)
    mask[20:50, 30:70] = True
    grey = np.where(mask[..., None], np.uint8(128), original)
    assert metric.score(original, shifted, mask)["whole"] < metric.score(original, grey, mask)["whole"] / 3


def test_small_pictures_are_refused_and_the_smallest_is_not(metric):
    side = SMALLEST["alex, shift-tolerant"]
    image, mask = np.zeros((side, side, 3), np.uint8), np.ones((side, side), bool)
    assert metric.score(image, image, mask)["whole"] == 0
    with pytest.raises(InputError, match=f"at least {side}×{side} pixels"):
        metric.score(image[1:], image[1:], mask[1:])


def test_an_altered_file_is_refused(tmp_path, monkeypatch):
    file = module._verified()
    (tmp_path / module.WEIGHTS_FILE).parent.mkdir(parents=True)
    altered = shutil.copy(file, tmp_path / module.WEIGHTS_FILE)
    found = ModuleSpec("stlpips_pytorch", None, is_package=True)
    found.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(module, "find_spec", lambda name: found)
    assert module._verified() == tmp_path / module.WEIGHTS_FILE
    with open(altered, "ab") as stream:
        stream.write(b"\0")
    with pytest.raises(UnavailableError, match=r"pip install .*stlpips_pytorch==0\.0\.2"):
        create("st_lpips_alex")


def test_none_of_the_package_s_code_is_run():
    code = (
        "import sys; from benchmark.metrics import create; create('st_lpips_alex'); "
        "print([name for name in sys.modules if name.startswith('stlpips')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_method_was_trained_by_it():
    assert METRICS["st_lpips_alex"].network == ""

"""FID, KID, FD and KD: the formulas against closed forms and torchmetrics, the networks against torchmetrics'
own route.
"""

import math
import tracemalloc
import warnings
from itertools import combinations, islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from scipy.linalg import sqrtm
from skimage import data
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
from torchmetrics.image.kid import KernelInceptionDistance

from benchmark import several
from benchmark.metrics import create, frechet
from benchmark.metrics.features import PICTURES_PER_PASS, Extractor, inception, resize
from benchmark.metrics.frechet import Frechet, frechet_distance
from benchmark.metrics.kernel import Kernel
from inpainters.weights import files as weights
from inpainters.weights.table import WEIGHTS, WeightsFile


def crops(n, size=48, step=9):
    photograph = data.coffee()
    return [
        np.ascontiguousarray(photograph[step * i : step * i + size, 2 * step * i :][:, :size])
        for i in range(n)
    ]


def noisy(images, sigma=20):
    rng = np.random.default_rng(3)
    return [np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8) for image in images]


def uint8_batch(images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


class Tiny(torch.nn.Module):
    """Of the interface of torchmetrics' Inception: (n, 3, h, w) uint8 -> (n, num_features) float32."""

    num_features = 12

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.kernels = torch.nn.Parameter(
            torch.randn(12, 3, 5, 5, generator=generator) / 40, requires_grad=False
        )

    def forward(self, x):
        return torch.nn.functional.conv2d((x.float() - 128) / 128, self.kernels, stride=3).relu().mean((2, 3))


# Formulas


def test_frechet_of_a_shift_is_its_square():
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    assert frechet_distance(x, x + np.float32(0.5)) == pytest.approx(6 * 0.25, rel=1e-5)


def test_frechet_in_one_dimension_is_that_of_two_normal_distributions():
    rng = np.random.default_rng(1)
    x, y = rng.normal(2, 3, (40, 1)).astype(np.float32), rng.normal(-1, 0.5, (30, 1)).astype(np.float32)
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5)


def test_frechet_against_the_matrix_root():
    rng = np.random.default_rng(2)
    x, y = (rng.normal(size=(60, 8)) @ rng.normal(size=(8, 8)) for _ in range(2))
    c, d = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert frechet_distance(x.astype(np.float32), y.astype(np.float32)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("n", "m", "d"), [(8, 8, 40), (30, 20, 30), (60, 64, 64), (2, 3, 5)])
def test_frechet_of_few_pictures_is_that_of_a_symmetric_eigen_decomposition(n, m, d):
    rng = np.random.default_rng(n)
    x = np.abs(rng.normal(0, 3, (n, d))).astype(np.float32)
    y = np.abs(rng.normal(0.4, 2, (m, d))).astype(np.float32)
    a, b = (np.cov(side.astype(np.float64), rowvar=False) for side in (x, y))
    values, vectors = np.linalg.eigh(a)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    between = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(min=0)).sum()
    apart = x.mean(0, dtype=np.float64) - y.mean(0, dtype=np.float64)
    wanted = apart @ apart + np.trace(a) + np.trace(b) - 2 * between
    assert frechet_distance(x, y) == pytest.approx(wanted, rel=1e-6)


def test_frechet_of_a_perfect_fill_is_0():
    """Of 5 pictures with many features: the eigenvalues' noise alone would be -0.0013."""
    x = np.abs(np.random.default_rng(3).normal(0, 3, (5, 512))).astype(np.float32)
    assert frechet_distance(x, x) == 0.0


@pytest.mark.parametrize("cuts", [(), (7,), (3, 20, 90)])
def test_frechet_of_many_in_parts_and_blocks_is_torchmetrics_of_all_at_once(cuts, monkeypatch):
    """The first 16 pictures alone, or less, are no more than features; a block ends inside of each part."""
    monkeypatch.setattr(frechet, "FRECHET_ROWS", 11)
    rng = np.random.default_rng(4)
    x = np.abs(rng.normal(40, 3, (120, 16))).astype(np.float32)
    y = (np.abs(rng.normal(41, 2, (120, 16))) @ rng.normal(size=(16, 16))).astype(np.float32)
    theirs = FrechetInceptionDistance(feature=frechet._Stored(16))
    theirs.update(torch.from_numpy(x).double(), real=True)
    theirs.update(torch.from_numpy(y).double(), real=False)
    seen: list[int] = []
    monkeypatch.setattr(frechet._Stored, "forward", lambda self, rows: seen.append(len(rows)) or rows)
    parts = zip(np.split(x, cuts), np.split(y, cuts), strict=True)
    found = Frechet(Extractor("tiny", Tiny(), None)).distance_of_parts(parts)
    assert found == pytest.approx(theirs.compute().item(), rel=1e-9)
    assert (sum(seen), max(seen)) == (240, 11)
    assert frechet_distance(x, y) == pytest.approx(found, rel=1e-9)


def test_the_distance_of_all_ratios_is_fed_bin_by_bin():
    rng, metric = np.random.default_rng(7), Frechet(Extractor("tiny", Tiny(), None))
    sides = [rng.normal(size=(2, 30, 12)).astype(np.float32) for _ in range(3)]
    read = []

    def cell(both):
        return SimpleNamespace(features=lambda spec: read.append(1) or both, died=set)

    class Watching(Frechet):
        def distance_of_parts(self, parts):
            assert not read
            return super().distance_of_parts(parts)

    ours = [cell(tuple(both)) for both in sides]
    bench = SimpleNamespace(
        get=lambda name: Watching(metric.features), figure=lambda name, region, value: {"value": value}
    )
    found = several._distance_of(ours, SimpleNamespace(name="fd_tiny"), bench)
    whole = metric.distance(*(np.concatenate([both[i] for both in sides]) for i in (0, 1)))
    assert found["value"] == pytest.approx(whole, rel=1e-9)


def test_frechet_of_few_in_parts_is_that_of_all_at_once():
    x, y = (np.random.default_rng(i).normal(i, 2, (12, 30)).astype(np.float32) for i in (5, 6))
    parts = zip(np.split(x, [5, 6]), np.split(y, [5, 6]), strict=True)
    assert frechet.frechet_distance_of_parts(parts) == frechet_distance(x, y)


def test_many_pictures_are_never_held_all_at_once():
    """Eight parts, of which the largest array that is made of them holds two."""
    n, d = 8 * 4096, 24

    def parts():
        for i in range(8):
            rows = np.random.default_rng(i).normal(size=(2, n // 8, d)).astype(np.float32)
            yield rows[0], rows[1] + 1

    frechet.frechet_distance_of_parts(islice(parts(), 1))  # imports torchmetrics
    tracemalloc.start()
    found = frechet.frechet_distance_of_parts(parts())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == pytest.approx(d, rel=0.02)
    assert most < 2 * n * d * 4


def test_one_picture_is_too_few():
    many, one = np.zeros((3, 4), np.float32), np.zeros((1, 4), np.float32)
    with pytest.raises(ValueError, match="at least 2 pictures on each side, not 3 and 1"):
        frechet_distance(many, one)
    with pytest.raises(ValueError, match="at least 2 pictures on each side, not 9 and 1"):
        frechet_distance(np.zeros((9, 4), np.float32), one)


# Stored features against torchmetrics' update and compute


@pytest.fixture(scope="module")
def sets():
    originals = crops(30)
    return originals, noisy(originals, 50)


def test_frechet_from_features_is_torchmetrics(sets):
    metric = Frechet(Extractor("tiny", Tiny(), None))
    theirs = FrechetInceptionDistance(feature=Tiny())
    for start in range(0, 30, 8):
        for images, real in zip(sets, (True, False), strict=True):
            theirs.update(uint8_batch(images[start : start + 8]), real=real)
    assert metric.distance(*map(metric.features, sets)) == pytest.approx(theirs.compute().item(), rel=1e-4)


def test_kernel_from_features_is_torchmetrics_but_for_the_pairs(sets):
    """torchmetrics averages k(original, fill) over all n² pairs, the kernel distance over those of different
    pictures: their difference is known.
    """
    metric = Kernel(Extractor("tiny", Tiny(), None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = KernelInceptionDistance(feature=Tiny(), subsets=1, subset_size=30)
    for images, real in zip(sets, (True, False), strict=True):
        theirs.update(uint8_batch(images), real=real)
    x, y = (metric.features(images).astype(float) for images in sets)
    across = (x @ y.T / x.shape[1] + 1) ** 3
    apart = (across.sum() - np.trace(across)) / (30 * 29)
    # torchmetrics adds 900 kernels near 1 in float32, which leaves 1e-6 absolute.
    assert metric.distance(*map(metric.features, sets)) == pytest.approx(
        theirs.compute()[0].item() + 2 * (across.mean() - apart), rel=1e-4, abs=1e-6
    )


# Features


@pytest.mark.parametrize("side", [None, 32])
def test_each_row_is_its_picture_alone(side):
    extractor = Extractor("tiny", Tiny(), side)
    images = [*crops(PICTURES_PER_PASS + 2, step=2), *crops(2, 40), *crops(3)]
    alone = np.concatenate([extractor([image]) for image in images])
    together = extractor(images)
    assert together.dtype == np.float32
    assert np.allclose(together, alone, rtol=1e-5, atol=1e-7)


def test_no_pictures():
    with pytest.raises(ValueError, match="no pictures"):
        Extractor("tiny", Tiny(), None)([])


def test_resize_keeps_what_has_the_size_already():
    image = crops(1)[0]
    assert np.array_equal(resize(image, 48), image.astype(np.float32))


def test_resize_is_antialiased_and_stays_in_range():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, 16)
    assert np.abs(small[:, 2:-2] - 127.5).max() < 5
    edge = np.zeros((16, 16, 3), np.uint8)
    edge[:, 8:] = 255
    large = resize(edge, 64)
    assert (large.min(), large.max()) == (0, 255)


def test_resize_rounds_nothing():
    image = crops(1)[0]
    rounded = np.asarray(Image.fromarray(image).resize((31, 31), Image.Resampling.BICUBIC))
    small = resize(image, 31)
    assert 0.2 < np.abs(small - rounded).max() < 1.5
    assert np.abs(small - np.rint(small)).max() > 0.4


# What Inception is given: a network that hands out its input stands in


class Given(torch.nn.Module):
    """Of the interface that `inception` needs of torchmetrics' network; all but its last child keep the
    input.
    """

    INPUT_IMAGE_SIZE = 299

    def __init__(self, *_, **__):
        super().__init__()
        self.trunk, self.classifier = torch.nn.Identity(), torch.nn.Linear(1, 1)


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Pictures -> what Inception is given of them behind pytorch-fid's resize, (n, 3, 299, 299)."""
    torch.save({}, tmp_path / "empty.pth")
    monkeypatch.setattr("benchmark.metrics.features.verified", lambda name: tmp_path / "empty.pth")
    monkeypatch.setattr("torchmetrics.image.fid.NoTrainInceptionV3", Given)
    return lambda images: inception("pytorch")(images).reshape(-1, 3, 299, 299)


@pytest.mark.parametrize("size", [48, 299, 400])
def test_the_pytorch_variant_resizes_as_torch_does(given, size):
    images = noisy(crops(2, size, 0))
    scaled = uint8_batch(images).float() / 255
    small = torch.nn.functional.interpolate(scaled, size=(299, 299), mode="bilinear", align_corners=False)
    found = torch.from_numpy(given(images))
    assert torch.allclose(found, 2 * small - 1, atol=1e-6)
    if size != 299:
        tf1 = interpolate_bilinear_2d_like_tensorflow1x(scaled, size=(299, 299), align_corners=False)
        assert (found - (2 * tf1 - 1)).abs().max() > 0.1


@pytest.mark.parametrize("size", [200, 384])
def test_the_pytorch_variant_of_a_ramp_is_a_ramp_between_the_centres_of_pixels(given, size):
    """Worked out by hand: place i of the result lies at (i + 1/2) size / 299 - 1/2, held inside the picture;
    a ramp of slope 1/2 has half of that there. Nothing is averaged, though 384 pixels become 299.
    """
    ramp = np.broadcast_to((np.arange(size) // 2)[None, :, None], (64, size, 3)).astype(np.uint8)
    places = ((np.arange(299) + 0.5) * size / 299 - 0.5).clip(0, size - 1)
    values = np.interp(places, np.arange(size), ramp[0, :, 0])
    expected = np.broadcast_to(values * 2 / 255 - 1, (1, 3, 299, 299))
    assert np.allclose(given([ramp]), expected, atol=1e-5)


# Inception: a network of the same shape with random numbers stands in


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "stand-in.pth"
    torch.save(random_inception(), path)
    return path


@pytest.fixture
def inception_file(stand_in, monkeypatch):
    row = WeightsFile("inception", {stand_in.name: weights.sha256(stand_in)}, "", "", "")
    monkeypatch.setenv(weights.ENV, str(stand_in.parent))
    monkeypatch.setitem(WEIGHTS, "inception", row)
    return stand_in


def random_inception():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {}
        )
        patch.setattr(NoTrainInceptionV3, "load_state_dict", lambda *_: None)
        with torch.random.fork_rng(devices=[]):
            shapes = NoTrainInceptionV3("inception-v3-compat", ["2048"]).state_dict()
    generator = torch.Generator().manual_seed(0)
    return {name: he(value, generator) if value.dim() == 4 else value for name, value in shapes.items()}


def he(value, generator):
    return torch.randn(value.shape, generator=generator) * math.sqrt(2 / value[0].numel())


@pytest.fixture(scope="module")
def pictures():
    return crops(2, 200, 40)


@pytest.mark.parametrize(("name", "antialias"), [("fid_inception_tm", True), ("fid_inception_legacy", False)])
@pytest.mark.slow
def test_inception_is_torchmetrics(name, antialias, inception_file, pictures):
    metric = create(name)
    theirs = FrechetInceptionDistance(feature_extractor_weights_path=str(inception_file), antialias=antialias)
    expected = theirs.inception(uint8_batch(pictures)).numpy()
    assert metric.feature_key == name.removeprefix("fid_")
    assert expected.shape == (2, 2048)
    assert np.allclose(metric.features(pictures), expected, rtol=1e-5, atol=1e-6 * expected.max())


@pytest.mark.parametrize(("name", "near"), [("kid_inception_clean_u", 1e-4), ("fid_inception_pytorch", 1e-2)])
@pytest.mark.slow
def test_other_variants_are_the_same_network_behind_another_resize(name, near, inception_file):
    """Of pictures that need none; pytorch-fid's values end at 1, and not at 127 / 128."""
    metric = create(name)
    ready = crops(2, 299, 20)
    net = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(inception_file))
    with torch.no_grad():
        expected = net(uint8_batch(ready)).numpy()
    assert np.allclose(metric.features(ready), expected, rtol=near, atol=near * expected.max())
    assert metric.feature_key == "_".join(name.split("_")[1:3])


@pytest.mark.slow
def test_the_four_variants_differ(inception_file, pictures):
    found = [inception(variant)(pictures[:1]) for variant in ("tm", "legacy", "clean", "pytorch")]
    assert min(np.abs(a - b).max() for a, b in combinations(found, 2)) > 1e-3 * found[0].max()


# SqueezeNet


@pytest.fixture
def squeeze_state(tmp_path, monkeypatch):
    """A whole checkpoint, as torchvision's, with random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = torchvision.models.squeezenet1_1(weights=None).state_dict()
    path = tmp_path / "stand-in.pth"
    torch.save(state, path)
    monkeypatch.setenv(weights.ENV, str(tmp_path))
    monkeypatch.setitem(
        WEIGHTS,
        "lpips_squeeze",
        WeightsFile("", {path.name: weights.sha256(path)}, "", "", ""),
    )
    return state


def squeezenet_by_torchvision(state, image):
    net = torchvision.models.squeezenet1_1(weights=None)
    net.load_state_dict(state)
    normalize = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.no_grad():
        maps = net.eval().features(normalize(uint8_batch([image]) / 255))
    assert maps.shape == (1, 512, 13, 13)
    return maps.mean((2, 3)).numpy()


def test_squeezenet_features_are_torchvision_s_map_averaged(squeeze_state):
    metric = create("fd_squeeze")
    image = crops(1, 224)[0]
    features = metric.features([image])
    assert metric.feature_key == create("kd_squeeze_u").feature_key == "squeeze"
    assert np.allclose(features, squeezenet_by_torchvision(squeeze_state, image), rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(
    weights.missing_weights("lpips_squeeze"),
    reason=f"SqueezeNet's weights are not here: set {weights.ENV} or fetch lpips_squeeze",
)
@pytest.mark.parametrize("name", ["fd_squeeze", "kd_squeeze_u"])
def test_more_noise_is_farther_on_the_real_network(name):
    metric = create(name)
    originals = crops(6, 128, 30)
    near, far = (
        metric.distance(metric.features(originals), metric.features(noisy(originals, sigma)))
        for sigma in (5, 60)
    )
    assert near < far

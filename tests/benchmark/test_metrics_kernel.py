"""The kernel distance: by its definition, 0 for a perfect fill, the same at every n, and an interval that
resampling gives too.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from benchmark.metrics import METRICS
from benchmark.metrics.features import squeezenet
from benchmark.metrics.kernel import kernel_distance, pseudo_values
from inpainters.weights import files as weights

SIZES = (5, 16, 86, 512)
PERFECT, SHIFTED, NOISY = "perfect", "shifted by one grey level", "noise"


def k(a, b):
    return (math.fsum(float(u) * float(v) for u, v in zip(a, b, strict=True)) / len(a) + 1) ** 3


def h(x, y, i, j):
    """Gretton 2012, equation 4, term by term."""
    return k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i])


def test_by_the_definition():
    x, y = np.random.default_rng(3).normal(size=(2, 6, 4)).astype(np.float32)
    expected = np.mean([h(x, y, i, j) for i in range(6) for j in range(6) if i != j])
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-10)


def test_in_blocks_of_rows(monkeypatch):
    x, y = np.random.default_rng(4).normal(size=(2, 50, 4)).astype(np.float32)
    whole = kernel_distance(x, y)
    monkeypatch.setattr("benchmark.metrics.kernel.KERNEL_ROWS", 7)
    assert kernel_distance(x, y) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("of", [kernel_distance, pseudo_values])
@pytest.mark.parametrize("shapes", [((1, 4), (1, 4)), ((5, 4), (4, 4))])
def test_it_needs_pairs(of, shapes):
    with pytest.raises(ValueError, match="at least 2 originals and as many fills, not"):
        of(*(np.ones(shape, np.float32) for shape in shapes))


@pytest.mark.parametrize("n", [3, 9])
def test_pseudo_values_are_distances_without_each_picture(n):
    x, y = np.random.default_rng(n).normal(size=(2, max(n, 4), 5)).astype(np.float32)
    n, whole = len(x), kernel_distance(x, y)
    wanted = [n * whole - (n - 1) * kernel_distance(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(n)]
    np.testing.assert_allclose(pseudo_values(x, y), wanted, rtol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 86])
def test_their_mean_is_the_distance(n):
    x, y = np.random.default_rng(n).normal(size=(2, n, 8)).astype(np.float32)
    assert pseudo_values(x, y).mean() == pytest.approx(kernel_distance(x, y), rel=1e-12, abs=1e-14)


def test_the_table_says_which_metrics_have_them():
    kernels = {name for name, spec in METRICS.items() if spec.target.startswith("benchmark.metrics.kernel:")}
    assert {name for name, spec in METRICS.items() if spec.pseudo_values} == kernels
    assert all(name.endswith("_u") for name in kernels)
    assert len(kernels) == 4


# The same at every n: on made-up features with the moments of a network's, and on a network's


def made_up():
    """512 originals' features, sparse and positive with a few strong channels as behind a ReLU, and their
    fills'.
    """
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(0.2, 1, (512, 128)) * rng.gamma(1, 2, 128), 0)
    noise = rng.normal(0, 0.6, x.shape) * rng.gamma(1, 1, (512, 1))
    fills = {PERFECT: x, SHIFTED: x + 0.01 * rng.normal(1, 0.2, x.shape), NOISY: np.maximum(x + noise, 0)}
    return x.astype(np.float32), {name: y.astype(np.float32) for name, y in fills.items()}


def photographed():
    """The same of 512 crops of scikit-image's photographs, through SqueezeNet."""
    rng, size = np.random.default_rng(0), 48
    features = replace(squeezenet(), side=64)  # its own 224 only costs more
    photographs = [getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")]

    def crop():
        photograph = photographs[rng.integers(len(photographs))]
        top, left = (rng.integers(side - size) for side in photograph.shape[:2])
        return np.ascontiguousarray(photograph[top : top + size, left : left + size])

    originals = [crop() for _ in range(512)]
    shifted = [np.where(one < 255, one + 1, 254).astype(np.uint8) for one in originals]
    noisy = [np.clip(one + rng.normal(0, 25, one.shape), 0, 255).astype(np.uint8) for one in originals]
    x = features(originals)
    return x, {PERFECT: x.copy(), SHIFTED: features(shifted), NOISY: features(noisy)}


lacking = pytest.mark.skipif(
    bool(weights.missing_weights("lpips_squeeze")),
    reason=f"SqueezeNet's weights are not here: set {weights.ENV} or fetch lpips_squeeze",
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(made_up, id="made up"),
        pytest.param(photographed, id="SqueezeNet", marks=lacking),
    ],
)
def sets(request):
    return request.param()


def subsets(n, count):
    rng = np.random.default_rng(n)
    return [rng.choice(512, n, replace=False) for _ in range(count)]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.slow
def test_a_perfect_fill_scores_nothing_at_every_n(sets, n):
    x, fills = sets
    assert kernel_distance(x[:n], fills[PERFECT][:n]) == 0
    assert not pseudo_values(x[:n], fills[PERFECT][:n]).any()


def small_sets(x, y, n):
    """Mean distance of many sets of n, and its standard error."""
    found = [kernel_distance(x[chosen], y[chosen]) for chosen in subsets(n, 40_000 // n)]
    return np.mean(found), np.std(found, ddof=1) / math.sqrt(len(found))


@pytest.mark.parametrize("name", [SHIFTED, NOISY])
@pytest.mark.parametrize("n", SIZES[:-1])
def test_no_n_is_favoured(sets, name, n):
    """The mean over many small sets is the value of all."""
    x, fills = sets
    mean, error = small_sets(x, fills[name], n)
    assert mean == pytest.approx(kernel_distance(x, fills[name]), abs=3.5 * error)


@pytest.mark.parametrize("n", SIZES[:-1])
def test_a_bias_would_be_seen(sets, n):
    """Comparing each original with its own fill moves the mean by 2 k(x, y) / n: far more than the error."""
    x, fills = sets
    own = np.mean([k(a, b) for a, b in zip(x[:50], fills[SHIFTED][:50], strict=True)])
    assert 2 * own / n > 20 * small_sets(x, fills[SHIFTED], n)[1]


def test_the_standard_error_is_that_of_fresh_sets(sets):
    """Jackknife at n = 86 against the spread of the distance over sets of 86 that were drawn anew."""
    x, fills = sets
    y, drawn = fills[NOISY], subsets(86, 300)
    fresh = np.std([kernel_distance(x[c], y[c]) for c in drawn], ddof=1) / math.sqrt(1 - 86 / 512)
    errors = [pseudo_values(x[c], y[c]).std(ddof=1) / math.sqrt(86) for c in drawn[:60]]
    assert np.mean(errors) == pytest.approx(fresh, rel=0.25)


@pytest.mark.slow
def test_the_standard_error_is_that_of_leaving_out_halves(sets):
    """Delete-half jackknife (Shao and Wu 1989): the spread over halves is the standard error of the whole."""
    x, fills = sets
    y, halves = fills[NOISY], subsets(256, 300)
    spread = np.std([kernel_distance(x[half], y[half]) for half in halves], ddof=1)
    error = pseudo_values(x, y).std(ddof=1) / math.sqrt(512)
    assert error == pytest.approx(spread, rel=0.2)

"""LPIPS against the `lpips` package called directly; the real SqueezeNet against the values in torchmetrics'
documentation.
"""

import math
import warnings

import lpips
import numpy as np
import pytest
import torch
import torchvision
from skimage import data

from benchmark.metrics import create
from benchmark.metrics.lpips import SMALLEST
from benchmark.metrics.regions import regions
from inpainters.errors import InputError, UnavailableError
from inpainters.weights import files as weights
from inpainters.weights.table import WEIGHTS, WeightsFile

NETS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


@pytest.fixture(scope="module", params=NETS)
def stand_in(request, tmp_path_factory):
    """A backbone of the right shape with random numbers, as a file: (net, the package called directly, our
    metric).
    """
    net = request.param
    state = random_features(net)
    path = tmp_path_factory.mktemp(net) / f"{net}.pth"
    torch.save(state, path)
    row = WeightsFile(f"lpips_{net}", {path.name: weights.sha256(path)}, "", "", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(weights.ENV, str(path.parent))
        patch.setitem(WEIGHTS, row.name, row)
        patch.setattr(torch.hub, "load_state_dict_from_url", forbidden)
        metric = create(f"lpips_{net}")
    return net, direct(net, state), metric


def random_features(net):
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        features = getattr(torchvision.models, NETS[net])(weights=None).features
    generator = torch.Generator().manual_seed(0)
    scale = {
        name: math.sqrt(2 / value[0].numel()) if value.dim() == 4 else 0.01
        for name, value in features.state_dict().items()
    }
    return {
        f"features.{k}": torch.randn(v.shape, generator=generator) * scale[k]
        for k, v in features.state_dict().items()
    }


def forbidden(*_, **__):
    raise AssertionError("nothing may be downloaded")


def direct(net, state):
    """The package as its own documentation uses it, but for where the backbone comes from."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    slices = [getattr(model.net, name) for name, _ in model.net.named_children()]
    for part in slices:
        for index, layer in part.named_children():
            prefix = f"features.{index}."
            layer.load_state_dict(
                {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            )

    @torch.no_grad()
    def call(first, second, spatial=False):
        model.spatial = spatial
        return model(first, second)[0, 0].numpy()

    return call


def tensor(image):
    return lpips.im2tensor(image)


def triples(n=3, height=64, width=80):
    rng = np.random.default_rng(2)
    for i in range(n):
        original = data.coffee()[100 + 20 * i :, 150:][:height, :width]
        mask = np.zeros((height, width), bool)
        mask[10:40, 20 + i : 60] = True
        output = np.where(
            mask[..., None],
            np.clip(original + rng.normal(0, 30, original.shape), 0, 255).astype(np.uint8),
            original,
        )
        yield original, output, mask


@pytest.mark.slow
def test_whole_hole_and_band_are_the_package_s(stand_in):
    _, package, metric = stand_in
    original, output, mask = next(triples())
    whole = package(tensor(original), tensor(output)).item()
    spatial = package(tensor(original), tensor(output), spatial=True)
    scores = metric.score(original, output, mask)
    assert scores["whole"] == pytest.approx(whole, rel=1e-5)
    assert scores["hole"] == pytest.approx(spatial[mask].mean(), rel=1e-5)
    assert scores["band"] == pytest.approx(spatial[regions(mask)["band"]].mean(), rel=1e-5)


def test_a_batch_is_its_pictures(stand_in):
    metric = stand_in[2]
    mixed = [*triples(3), *triples(1, 70, 66), *triples(2)]
    for batch, alone in zip(
        metric.score_batch(*zip(*mixed, strict=True)), (metric.score(*one) for one in mixed), strict=True
    ):
        assert batch == pytest.approx(alone, rel=1e-6, abs=1e-6)


def test_the_originals_are_looked_at_once_for_all_methods(stand_in):
    _, _, metric = stand_in
    references, outputs, masks = zip(*triples(), strict=True)
    alone = [metric.score_batch(references, outs, masks) for outs in (outputs, outputs[::-1])]
    other = type(metric).__new__(type(metric))
    other.__dict__.update(metric.__dict__, _references=type(metric._references)())
    seen, network = [], metric.model.net

    class Counting(torch.nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return network(x)

    other.model = type("Model", (), {**vars(metric.model), "net": Counting()})()
    other.model.scaling_layer, other.model.lins = metric.model.scaling_layer, metric.model.lins
    found = [other.score_batch(references, outs, masks) for outs in (outputs, outputs[::-1])]
    assert found == alone
    assert sum(seen) == 3 * len(masks)  # the originals, and the fills of two methods
    other.score_batch(outputs, outputs, masks)
    assert sum(seen) == 5 * len(masks)


def test_originals_of_the_same_bytes_and_other_sides_are_others(stand_in):
    wide = np.full((48, 96, 3), 7, np.uint8)
    for original in (wide, wide.reshape(96, 48, 3)):
        fill, mask = original + np.uint8(9), np.zeros(original.shape[:2], bool)
        mask[8:16] = True
        assert stand_in[2].score(original, fill, mask)["whole"] > 0


def test_inputs_are_scaled_to_minus_one_and_one(stand_in):
    _, package, metric = stand_in
    original, output, mask = next(triples())
    wrong = package((tensor(original) + 1) / 2, (tensor(output) + 1) / 2).item()
    assert abs(metric.score(original, output, mask)["whole"] / wrong - 1) > 0.01


def test_the_same_picture_has_no_distance(stand_in):
    original, _, mask = next(triples())
    assert stand_in[2].score(original, original, mask) == {"whole": 0, "hole": 0, "band": 0}


def test_the_smallest_picture(stand_in):
    net, _, metric = stand_in
    side = SMALLEST[net]
    assert math.isfinite(metric.score(*next(triples(1, side, side)))["whole"])
    with pytest.raises(InputError, match=f"at least {side}×{side}"):
        metric.score(*next(triples(1, side - 1, side)))


def test_an_altered_file_is_refused(tmp_path, monkeypatch):
    name, (file, *_) = "lpips_squeeze", WEIGHTS["lpips_squeeze"].files
    (tmp_path / file).write_bytes(b"not these weights")
    monkeypatch.setenv(weights.ENV, str(tmp_path))
    with pytest.raises(UnavailableError, match="sha256"):
        create(name)


needs_weights = pytest.mark.skipif(
    weights.missing_weights("lpips_squeeze"),
    reason=f"SqueezeNet's weights are not here: set {weights.ENV} or fetch lpips_squeeze",
)


@needs_weights
def test_the_real_network_gives_the_documented_values():
    # torchmetrics.functional.image.lpips, first and second example.
    torch_state = torch.random.get_rng_state()
    model = create("lpips_squeeze").model
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    generator = torch.Generator().manual_seed(42)
    first, second = (torch.rand(10, 3, 100, 100, generator=generator) * 2 - 1 for _ in range(2))
    generator.manual_seed(42)
    third, fourth = (torch.rand(2, 3, 100, 100, generator=generator) * 2 - 1 for _ in range(2))
    with torch.no_grad():
        assert model(first, second).mean().item() == pytest.approx(0.1005, abs=5e-5)
        assert model(third, fourth).flatten().tolist() == pytest.approx([0.1024, 0.0938], abs=5e-5)

"""Losses, discriminators and sketches against literal formulas, hand-worked values and the reference
packages.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.data import astronaut

from inpainters.errors import UnavailableError
from inpainters.networks.discriminators import CentreDiscriminator, SNPatchGAN
from inpainters.training import losses
from inpainters.training.sketches import sketch
from inpainters.weights import files
from inpainters.weights.table import WEIGHTS


def test_masked_errors_and_boundary_variation_by_hand():
    a, b = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)
    where = torch.zeros(1, 1, 4, 4)
    where[..., 1, 1] = 1
    assert losses.masked_l1(a, b, where).item() == pytest.approx(0.5)
    assert losses.masked_error(a, b, where, power=2).item() == pytest.approx(0.25)
    assert losses.masked_error(a, b, where, per_picture=True).item() == pytest.approx(0.5 / 16)
    assert losses.masked_l1(a, b, 0 * where).item() == 0
    ramp = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 3, 4, 4)
    # The hole grows to a 3x3 square: 6 pairs across differ by 1 each, 6 pairs down by 0.
    assert losses.boundary_variation(ramp, where).item() == pytest.approx(1.0)
    assert losses.boundary_variation(ramp, where, per_picture=True).item() == pytest.approx(6 / 16)


def test_boundary_variation_equals_the_papers_sum_written_out():
    torch.manual_seed(0)
    picture, hole = torch.rand(1, 3, 9, 11), torch.rand(9, 11) > 0.9
    region = {
        (i + di, j + dj)
        for i, j in hole.nonzero().tolist()
        for di in (-1, 0, 1)
        for dj in (-1, 0, 1)
        if 0 <= i + di < 9 and 0 <= j + dj < 11
    }
    total = 0.0
    for i, j in region:
        for k, m in ((i, j + 1), (i + 1, j)):
            if (k, m) in region:
                total += (picture[0, :, k, m] - picture[0, :, i, j]).abs().sum().item()
    found = losses.boundary_variation(picture, hole[None, None].float(), per_picture=True)
    assert found.item() == pytest.approx(total / picture.numel(), rel=1e-5)


def test_the_discount_falls_with_the_distance_to_what_is_known():
    mask = (torch.rand(2, 1, 8, 9, generator=torch.Generator().manual_seed(1)) > 0.3).float()
    found = losses.discounted(mask, 0.9)
    for n, _, i, j in torch.ones_like(mask).nonzero().tolist():
        known = (mask[n, 0] == 0).nonzero()
        far = (known - torch.tensor([i, j])).float().norm(dim=1).min().item()
        assert found[n, 0, i, j].item() == pytest.approx(0.9**far if mask[n, 0, i, j] else 0, rel=1e-4)
    assert torch.isfinite(losses.discounted(torch.ones(1, 1, 4, 4), 0.9)).all()


def test_reconstruction_averages_the_earlier_stages():
    target, mask = torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4)
    stages = [torch.full_like(target, value) for value in (0.2, 0.4, 0.5)]
    terms = losses.reconstruction(stages, target, mask)
    assert {key: round(value.item(), 5) for key, value in terms.items()} == {
        "hole": 0.5,
        "valid": 0,
        "coarse": 0.3,
    }
    assert losses.reconstruction(stages, target, mask, power=2)["hole"].item() == pytest.approx(0.25)


def test_gram_matrix_and_style_by_hand():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 4
    torch.testing.assert_close(losses.gram(features), expected)
    found = losses.style_loss([features.permute(0, 2, 3, 1)], [torch.zeros(1, 1, 2, 2)])
    assert found.item() == pytest.approx(expected.mean().item())


def test_adversarial_losses_by_hand():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 1.0])
    assert losses.hinge_discriminator(real, fake).item() == pytest.approx((0 + 0.5) / 2 + (0 + 2) / 2)
    assert losses.hinge_generator(fake).item() == pytest.approx(1.0)
    ones, zeros = torch.ones(2), torch.zeros(2)
    expected = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(
        fake, zeros
    )
    torch.testing.assert_close(losses.cross_entropy_discriminator(real, fake), expected)
    torch.testing.assert_close(
        losses.cross_entropy_generator(fake), F.binary_cross_entropy_with_logits(fake, ones)
    )


@pytest.fixture
def empty_folder(monkeypatch, tmp_path):
    """The only folder, beside the bundled weights, where weights are looked for."""
    monkeypatch.setenv(files.ENV, str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    return tmp_path


@pytest.mark.parametrize("name", ["vgg16", "squeezenet"])
@pytest.mark.slow
def test_feature_losses_equal_torchvisions_features_compared(name, monkeypatch, empty_folder):
    from torchvision import models

    torch.manual_seed(0)
    builder, row, pools = {
        "vgg16": (models.vgg16, WEIGHTS["lpips_vgg"], 3),
        "squeezenet": (models.squeezenet1_1, WEIGHTS["lpips_squeeze"], 3),
    }[name]
    with torch.device("meta"):
        whole = builder(weights=None)
    whole.features.to_empty(device="cpu")
    for parameter in whole.features.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    path = empty_folder / next(iter(row.files))  # the name that `fetch` gives it
    state = {f"features.{key}": value for key, value in whole.features.state_dict().items()}
    torch.save({**state, "classifier.1.weight": torch.zeros(3)}, path)
    monkeypatch.setitem(WEIGHTS, row.name, replace(row, files={path.name: files.sha256(path)}))
    network = losses.perceptual(name)
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    mean, deviation = (
        torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1),
        torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1),
    )
    x, y, expected, seen = (a - mean) / deviation, (b - mean) / deviation, torch.zeros(2), 0
    for layer in whole.features:
        x, y = layer(x), layer(y)
        if isinstance(layer, torch.nn.MaxPool2d) and seen < pools:
            seen += 1
            expected = expected + (x - y).abs().mean((1, 2, 3))
    torch.testing.assert_close(network(a, b), expected, rtol=1e-4, atol=1e-6)
    a.requires_grad_(True)
    losses.style_loss(network.maps(a), network.maps(b)).backward()
    assert a.grad.abs().sum() > 0


def test_the_perceptual_loss_says_what_to_fetch_and_takes_no_other_weights(empty_folder):
    rows = {"lpips_squeeze": "lpips_squeeze", "squeezenet": "lpips_squeeze", "vgg16": "lpips_vgg"}
    for name, row in rows.items():
        with pytest.raises(UnavailableError, match=f"fetch {row}"):
            losses.perceptual(name)
    for row in rows.values():
        torch.save({"0.weight": torch.zeros(3)}, empty_folder / next(iter(WEIGHTS[row].files)))
    for name, row in rows.items():
        with pytest.raises(UnavailableError, match=f"is not the file that '{row}' names"):
            losses.perceptual(name)
    assert losses.perceptual("none") is None


def test_lpips_equals_the_reference_package():
    lpips = pytest.importorskip("lpips")
    try:
        ours = losses.perceptual("lpips_squeeze")
    except UnavailableError as error:
        pytest.skip(str(error))
    reference = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False).eval()
    weights = ours.features.state_dict()
    own = reference.net.state_dict()
    reference.net.load_state_dict({k: weights[k.split(".", 1)[1]] for k in own})
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(ours(a, b), reference(a, b, normalize=True).flatten(), rtol=1e-4, atol=1e-5)


def test_the_patch_discriminator_has_the_papers_shape_and_unit_spectral_norms():
    network = SNPatchGAN()
    assert sum(p.numel() for p in network.parameters()) == sum(
        25 * a * b + b for a, b in ((4, 64), (64, 128), (128, 256), (256, 256), (256, 256), (256, 256))
    )
    small = SNPatchGAN((8, 16), guided=True)
    image, mask = torch.rand(2, 3, 40, 64), torch.ones(2, 1, 40, 64)
    for _ in range(60):
        scores = small(image, mask, mask)
    assert scores.shape == (2, 16, 10, 16)
    for layer in small.layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 3, 256, 256), torch.zeros(1, 1, 256, 256)).shape == (1, 256, 4, 4)


def test_the_centre_discriminator_sees_the_centre_alone():
    network = CentreDiscriminator((4, 4, 4, 4)).eval()
    image, mask = torch.rand(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    other = image.clone()
    other[..., :32, :] = 0
    assert network(image, mask).shape == (1, 1, 1, 1)
    assert torch.equal(network(image, mask), network(other, mask))
    other[..., 64, 64] += 1
    assert not torch.equal(network(image, mask), network(other, mask))


def test_a_sketch_follows_edges_inside_the_hole_alone():
    square = np.zeros((64, 64, 3), np.uint8)
    square[16:48, 16:48] = 255
    mask = np.zeros((64, 64), bool)
    mask[:, :40] = True
    lines = np.mean([sketch(square, mask, np.random.default_rng(i)) for i in range(40)], axis=0)
    assert lines[:, 40:].max() == 0
    assert lines[20:44, 22:40].max() == 0, "nothing is drawn where the picture is flat"
    assert lines[20:44, 13:19].max(axis=1).min() > 0.3, "the left side is drawn more often than not"
    drawn = sketch(astronaut()[:128, 128:256], np.ones((128, 128), bool), np.random.default_rng(3))
    assert drawn.dtype == np.float32
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert np.array_equal(
        drawn, sketch(astronaut()[:128, 128:256], np.ones((128, 128), bool), np.random.default_rng(3))
    )


@pytest.mark.parametrize("spectral", [True, False])
def test_a_discriminator_without_spectral_normalisation_has_no_bound(spectral):
    torch.manual_seed(0)
    network = SNPatchGAN((8, 8), spectral=spectral)
    picture, mask = torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    before = network(picture, mask)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "weight" in name:
                weight.mul_(3)
    ratio = (network(picture, mask).std() / before.std()).item()
    assert ratio == pytest.approx(1 if spectral else 9, rel=0.2)


def test_r1_of_a_linear_score_is_its_squared_length():
    real = torch.randn(3, 3, 4, 4, requires_grad=True)
    weight = torch.arange(48.0).reshape(3, 4, 4)
    assert losses.r1((real * weight).sum((1, 2, 3)), real).item() == pytest.approx((weight**2).sum().item())
    slopes = losses.r1(real * weight, real).item()
    assert slopes == pytest.approx((weight**2).mean().item()), "each score of a pixel of its own"


def test_feature_matching_is_the_mean_over_layers():
    given = [torch.zeros(2, 3), torch.full((1, 5), 4.0)]
    wanted = [torch.ones(2, 3), torch.full((1, 5), 1.0)]
    assert losses.feature_matching(given, wanted).item() == 2

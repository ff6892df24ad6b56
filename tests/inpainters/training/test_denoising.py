"""Training of denoisers: what the loss weighs, and the fills that a run is validated by."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inpainters.methods.diffusion.estimates import denoised
from inpainters.networks.denoiser import Denoiser
from inpainters.training.denoising import DenoisingTrainer, PaletteTrainer, min_snr, snr
from inpainters.training.recipe import load_recipe


@pytest.fixture
def trainer():
    """A trainer with a tiny random network, and neither data nor folder."""
    return bare(DenoisingTrainer, "denoiser", context=0)


@pytest.fixture
def palette():
    return bare(PaletteTrainer, "palette", context=1)


def bare(kind, recipe, context):
    made, plan = kind.__new__(kind), load_recipe(recipe)
    made.recipe, made.device = replace(plan, optimizer=replace(plan.optimizer, bf16=False)), "cpu"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made.average = Denoiser(16, widths=[8, 8], groups=4, heads=8, context=context).eval()
    made.model = made.average
    return made


@pytest.mark.parametrize("whose", ["trainer", "palette"])
@pytest.mark.slow
def test_validation_fills_the_hole_alone_and_each_picture_for_itself(whose, request):
    trainer = request.getfixturevalue(whose)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (16, 16, 3), np.uint8) for _ in range(10)]
    masks = [np.zeros((16, 16), bool) for _ in images]
    for mask in masks:
        mask[4:9, 5:12] = True
    (found,) = trainer.fill(images, masks)
    assert all(
        np.array_equal(fill[~mask], image[~mask])
        for fill, image, mask in zip(found, images, masks, strict=True)
    )
    assert len({fill[masks[0]].tobytes() for fill in found}) == 10
    (first,) = trainer.fill(images[:3], masks[:3])
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(first, found, strict=False))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("abar", [0.999, 0.9, 0.5, 0.01])
def test_the_weight_is_that_of_the_clean_picture(prediction, abar):
    """Hang et al. 2023: whatever is predicted, the error counts as if min(snr, gamma) weighed the clean
    picture's.
    """
    generator = torch.Generator().manual_seed(0)
    noisy, right, wrong = torch.randn(3, 1, 3, 4, 4, generator=generator, dtype=torch.float64)
    ratio = snr(torch.tensor([abar], dtype=torch.float64))
    clean = [denoised(noisy, output, abar, prediction, None).clean for output in (right, wrong)]
    wanted = min(abar / (1 - abar), 5.0) * (clean[0] - clean[1]).square().mean()
    assert (min_snr(ratio, 5.0, prediction) * (right - wrong).square().mean()).item() == pytest.approx(
        wanted.item()
    )
    assert min_snr(ratio, 0.0, prediction).item() == 1


def test_palette_learns_from_clean_surroundings_and_by_the_hole_alone(palette):
    """Saharia et al. 2022, section 4.2. What the network says of known pixels changes nothing."""
    rng, seen = torch.Generator().manual_seed(0), []
    image, mask = torch.rand(2, 3, 16, 16, generator=rng), torch.zeros(2, 1, 16, 16)
    mask[0, :, 4:9, 5:12] = mask[1, :, :, :3] = 1

    def losses(known: float, missing: float) -> float:
        def network(noisy, timestep, context):
            seen.append((noisy, context))
            return torch.where(mask > 0, missing, known).expand_as(noisy)

        palette.network = network
        with torch.random.fork_rng():
            torch.manual_seed(3)
            return palette.learn(image, mask)[0]["denoising"].item()

    assert losses(0, 0) == losses(9, 0) != losses(0, 9)
    noisy, context = seen[0]
    assert torch.equal(context, mask)
    same = (noisy == 2 * image - 1).all(1, keepdim=True)
    assert torch.equal(same, mask == 0)

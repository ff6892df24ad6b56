"""The samplers against diffusers, a literal transcription of RePaint's algorithm, and distributions known in
closed form.
"""

import json
import math
import weakref
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import (
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    RePaintPipeline,
    RePaintScheduler,
    UNet2DModel,
)
from safetensors.torch import save_file

from inpainters import registry
from inpainters.base import InpaintRequest
from inpainters.errors import Cancelled, InputError
from inpainters.methods.diffusion import base as diffusion
from inpainters.methods.diffusion import estimates as estimating
from inpainters.methods.diffusion import schedules, states
from inpainters.methods.diffusion.ddnm import ETA, Ddnm
from inpainters.methods.diffusion.dpm_solver import DpmSolver
from inpainters.methods.diffusion.estimates import Denoised, denoised, estimates, levels
from inpainters.methods.diffusion.latent_diffusion import LatentDiffusion, to_grey
from inpainters.methods.diffusion.palette import Palette
from inpainters.methods.diffusion.repaint import RePaint
from inpainters.methods.diffusion.replacement import Replacement
from inpainters.methods.diffusion.schedules import SCHEDULES, Settings, Step
from inpainters.methods.diffusion.states import Noise, last
from inpainters.networks.autoencoder import Autoencoder
from inpainters.networks.denoiser import Denoiser
from inpainters.weights import files as weights
from inpainters.weights.build import load_network
from inpainters.weights.table import WEIGHTS

NAMES = ("replacement", "repaint", "ddnm", "dpm_solver")
TINY = {"size": 16, "widths": [8, 8], "layers": 1, "groups": 4, "heads": 8}
PAPER = Settings(250, 10, 10)


def sampler(name):
    """Where the loop ends, which needs no weights."""
    method = {"replacement": Replacement, "repaint": RePaint, "ddnm": Ddnm, "dpm_solver": DpmSolver}[name](
        registry.get(name)
    )
    return lambda *given: last(method.sample(*given)).noisy


@cache
def tiny(seed=0, **settings):
    """A random denoiser whose output is far from 0."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Denoiser(**{**TINY, **settings}).eval().requires_grad_(False)
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return net


def rectangle(*shape):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[..., 3:11, 4:13] = True
    return mask


def recorded(shape, dtype=torch.float32, seed=0):
    """A source of noise that starts at the same place each time."""
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator, dtype=dtype)


# Timesteps


def test_the_papers_schedule():
    """Lugmayr et al.: 250 timesteps, jump length 10, 10 resamplings."""
    plan = schedules.plan("repaint", {"preset": "paper"}, levels(tiny()))
    assert len(plan) == 4570
    assert sum(not step.forward for step in plan) == schedules.calls("repaint", {"preset": "paper"}) == 2410


@pytest.mark.parametrize(
    "chosen",
    [
        PAPER,
        Settings(100, 10, 5),
        Settings(25, 5, 3),
        Settings(15, 1, 4),
        Settings(1000, 1, 2),
        Settings(30, 7, 4),
        Settings(5, 10, 10),
    ],
)
def test_timesteps_are_those_of_diffusers(chosen):
    scheduler = RePaintScheduler()
    scheduler.set_timesteps(*chosen[:3])
    spaced = schedules.spaced(chosen.steps)
    assert [spaced[level] for level in schedules.jumping(*chosen[:3])] == scheduler.timesteps.tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", ["preview", "balanced", "paper"])
def test_a_plan_is_one_walk_from_noise_to_the_picture(name, preset):
    abars = levels(tiny())
    plan = schedules.plan(name, {"preset": preset}, abars)
    assert plan[0].t >= 940
    assert plan[-1].to == -1
    assert all(a.to == b.t for a, b in pairwise(plan))
    assert all(
        (step.abar, step.abar_to)
        == (abars[step.t] if step.t >= 0 else 1, abars[step.to] if step.to >= 0 else 1)
        for step in plan
    )
    assert schedules.calls(name, {"preset": preset}) == sum(not step.forward for step in plan)


def test_presets_keep_their_promises():
    for name in NAMES:
        assert schedules.calls(name, {"preset": "preview"}) <= 80
        assert schedules.calls(name, {"preset": "balanced"}) <= 600
    assert (
        max(schedules.calls("dpm_solver", {"preset": preset}) for preset in SCHEDULES["dpm_solver"].presets)
        * 20
        <= 2410
    )


def test_the_fast_solver_goes_round_at_each_level():
    assert schedules.walk("dpm_solver", Settings(3, 1, 3)) == [
        (2, 2),
        (2, 2),
        (2, 1),
        (1, 1),
        (1, 1),
        (1, 0),
        (0, 0),
        (0, 0),
        (0, -1),
    ]
    assert schedules.calls("dpm_solver", {"preset": "preview"}) == 50


@pytest.mark.parametrize("name", ["replacement", "dpm_solver"])
def test_a_round_draws_its_noise_anew(name):
    """Nothing of the noise that the network found stays."""
    shape, abar, mask = (1, 3, 16, 16), 0.3, rectangle(1, 1, 16, 16)
    clean, known, _, drawn = (recorded(shape, seed=seed)() for seed in range(4))
    draws = iter([torch.zeros(shape), drawn])
    found = sampler(name)(
        lambda noisy, t: Denoised(clean, torch.full(shape, 1e3)),
        known,
        mask,
        lambda: next(draws),
        [Step(500, 500, abar, abar)],
    )
    wanted = abar**0.5 * torch.where(mask, clean, known) + (1 - abar) ** 0.5 * drawn
    assert (found - wanted).abs().max() <= 1e-5


def test_a_round_keeps_its_noise_level():
    """What is known is at the level's mean, and the noise in it and around it has the level's variance."""
    known, shape, abar = 0.5, (1, 3, 128, 128), 0.3
    clean = torch.full(shape, known)
    plan = [Step(500, 500, abar, abar)]
    found = sampler("dpm_solver")(
        lambda noisy, t: Denoised(0 * clean, recorded(shape, seed=3)()),
        clean,
        rectangle(*shape),
        recorded(shape),
        plan,
    )
    hole = rectangle(*shape)
    assert found[~hole].mean().item() == pytest.approx(known * abar**0.5, abs=0.02)
    assert found[~hole].std().item() == pytest.approx((1 - abar) ** 0.5, abs=0.02)
    assert found[hole].mean().item() == pytest.approx(0, abs=0.15)


def test_options_override_the_preset():
    options = registry.get("repaint").resolve({"preset": "paper", "steps": 20, "resamplings": 1})
    assert schedules.settings("repaint", options) == Settings(20, 10, 1)
    assert schedules.calls("repaint", options) == 20
    with pytest.raises(InputError, match="250 steps are more than the 100 timesteps"):
        schedules.plan("repaint", {"preset": "paper"}, levels(tiny(timesteps=100)))


@pytest.mark.parametrize("name", ["replacement", "repaint", "ddnm"])
@pytest.mark.parametrize("preset", ["preview", "balanced", "paper"])
def test_the_course_is_that_of_diffusers(name, preset):
    """Each of its timesteps leads one level down, be it by a network call or as the start of what a jump
    undoes next. Replacement's is one walk, without its corrector.
    """
    chosen, scheduler = SCHEDULES[name].presets[preset], RePaintScheduler()
    options = {"preset": preset}
    if name == "replacement":
        chosen, options = chosen._replace(resamplings=1), {**options, "resamplings": 1}
    scheduler.set_timesteps(*chosen[:3])
    stride = 1000 // chosen.steps
    levels = [t // stride for t in scheduler.timesteps.tolist()]
    times = [0, *(t + 1 for t in schedules.spaced(chosen.steps, trailing=chosen.trailing))]
    assert times[-1] == 1000 if chosen.trailing else times[:2] == [0, 1]
    assert schedules.passed(name, options) == [times[-1], *(times[level] for level in levels)]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("preset", ["preview", "balanced", "paper"])
def test_moments_are_few_and_hold_the_ends_and_both_turns_of_jumps(name, preset):
    plan = schedules.plan(name, {"preset": preset}, levels(tiny()))
    kept = schedules.moments(plan, 40)
    assert kept == sorted(set(kept))
    assert len(kept) == min(40, len(plan))
    assert (kept[0], kept[-1]) == (0, len(plan) - 1)
    assert max(b - a for a, b in pairwise(kept)) <= max(1, 2 * len(plan) // 20)
    course = schedules.passed(name, {"preset": preset})
    lows = [i for i in range(1, len(plan)) if course[i - 1] > course[i] < course[i + 1]]
    highs = [i for i in range(1, len(plan)) if course[i - 1] < course[i] > course[i + 1]]
    pairs = [
        (low - 1, high - 1) for low, high in zip(lows, highs, strict=True)
    ]  # a step leads to the course's next
    whole = [pair for pair in pairs if set(pair) <= set(kept)]
    assert len(whole) >= min(len(pairs), 9)


# Steps


def linear(steps, **settings):
    scheduler = RePaintScheduler(eta=1.0, **settings)
    scheduler.set_timesteps(steps)
    return scheduler, levels_of(scheduler)


def levels_of(scheduler):
    return [float(abar) for abar in scheduler.alphas_cumprod.double()]


@pytest.mark.parametrize("steps", [250, 1000])
@pytest.mark.parametrize("place", [0, 1, 7, 100, 249])
@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_one_step_is_that_of_diffusers(steps, place, scale):
    """With eta = 1 and the same noise; at the larger scale clean estimates are clamped."""
    scheduler, abars = linear(steps)
    shape, mask = (2, 3, 16, 16), rectangle(1, 1, 16, 16)
    noisy, output, known = (scale * recorded(shape, seed=seed)() for seed in range(3))
    t = place * (1000 // steps)
    wanted = scheduler.step(
        output, t, noisy, known, (~mask).float(), torch.Generator().manual_seed(9)
    ).prev_sample
    # The sampler's own loop, for one step from `noisy`.
    draws = iter([noisy, recorded(shape, seed=9)()])
    to = t - 1000 // steps if place else -1
    step = Step(t, to, abars[t], abars[to] if place else 1.0)
    found = sampler("repaint")(
        lambda x, t: denoised(x, output, abars[t], "epsilon"), known, mask, lambda: next(draws), [step]
    )
    assert (found - wanted).abs().max() <= 1e-5


@pytest.mark.parametrize("steps", [1000, 250])
@pytest.mark.parametrize("place", [0, 3, 60, 240])
def test_the_jump_forward_has_the_mean_and_variance_of_diffusers(steps, place):
    """Its steps over several timesteps start one stride too late: what they should add is that of the
    timesteps up to the level.
    """
    scheduler, abars = linear(steps)
    stride, count = 1000 // steps, 100_000
    t = place * stride
    step = Step(t - stride if place else -1, t, abars[t - stride] if place else 1.0, abars[t])
    start = max(t - stride + 1, 0)
    scheduler.num_inference_steps = 1000 // (
        t - start + 1
    )  # from the clean picture there is one timestep to go
    noisy = torch.full((count,), 1.5)
    wanted = scheduler.undo_step(noisy, start, torch.Generator().manual_seed(0))
    found = states.forward(noisy, step, recorded(count, seed=1)())
    sigma = math.sqrt(1 - step.abar_to / step.abar)
    assert abs(found.mean() - wanted.mean()) <= 5 * sigma * math.sqrt(2 / count)
    assert found.std().item() == pytest.approx(wanted.std().item(), rel=5 / math.sqrt(count))
    assert found.std().item() == pytest.approx(sigma, rel=5 / math.sqrt(2 * count))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_estimates_are_those_of_diffusers(prediction):
    scheduler = DDPMScheduler(prediction_type=prediction, beta_schedule="squaredcos_cap_v2")
    clean, noise = recorded((2, 3, 4, 4))().clamp(-1, 1), recorded((2, 3, 4, 4), seed=1)()
    for t in (0, 1, 300, 900):
        noisy = scheduler.add_noise(clean, noise, torch.tensor([t]))
        right = {
            "epsilon": noise,
            "sample": clean,
            "v_prediction": scheduler.get_velocity(clean, noise, torch.tensor([t])),
        }[prediction]
        abar = float(scheduler.alphas_cumprod[t])
        found = denoised(noisy, right, abar, prediction)
        assert (found.clean - clean).abs().max() <= 1e-3
        assert (found.noise - noise).abs().max() <= 2e-3
        other = recorded((2, 3, 4, 4), seed=2)()
        wanted = scheduler.step(other, t, noisy).pred_original_sample
        assert (denoised(noisy, other, abar, prediction).clean - wanted).abs().max() <= 1e-4


@pytest.mark.parametrize("steps", [10, 20])
def test_the_fast_solver_is_that_of_diffusers(steps):
    """Nothing known, one round: SDE-DPM-Solver++ (2M) as such."""
    net = tiny(prediction="epsilon")
    net.scheduler.register_to_config(clip_sample=False)
    reference = DPMSolverMultistepScheduler.from_config(
        net.scheduler.config, timestep_spacing="trailing", algorithm_type="sde-dpmsolver++"
    )
    reference.set_timesteps(steps)
    shape = (1, 3, 16, 16)
    draw = recorded(shape)
    noisy = draw()
    plan = schedules.plan("dpm_solver", {"preset": "paper", "steps": steps}, levels(net))
    assert [step.t for step in plan] == reference.timesteps.tolist()
    everything = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    found = sampler("dpm_solver")(estimates(net), torch.zeros(shape), everything, recorded(shape), plan)
    for t in reference.timesteps:
        noisy = reference.step(net(noisy, t[None]), t, noisy, variance_noise=draw()).prev_sample
    assert (found - noisy).abs().max() <= 1e-3 * noisy.abs().max()


# Whole runs


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_run_is_the_literal_algorithm(prediction):
    """Lugmayr et al., algorithm 1, in float64, line 5 with sqrt(1 - abar) as in equation 8a."""
    steps, resamplings, shape = 8, 3, (2, 3, 16, 16)
    net = tiny(prediction=prediction, timesteps=steps).double()
    net.scheduler.register_to_config(clip_sample=False)
    abar = [1.0, *levels(net)]  # of the paper's t = 0 ... T
    beta = [math.nan] + [1 - abar[t] / abar[t - 1] for t in range(1, steps + 1)]
    x0, m = recorded(shape, torch.float64, seed=5)(), (~rectangle(1, 1, 16, 16)).double()

    def eps_theta(x, t):
        output = net(x, torch.tensor([t - 1] * len(x)))
        return output if prediction == "epsilon" else math.sqrt(abar[t]) * output + math.sqrt(1 - abar[t]) * x

    draw = recorded(shape, torch.float64)
    order = []
    x = draw()
    for t in range(steps, 0, -1):
        for u in range(1, resamplings + 1):
            eps = z = draw() if t > 1 else draw() * 0
            x_known = math.sqrt(abar[t - 1]) * x0 + math.sqrt(1 - abar[t - 1]) * eps
            sigma = math.sqrt(beta[t] * (1 - abar[t - 1]) / (1 - abar[t]))
            x_unknown = (x - beta[t] / math.sqrt(1 - abar[t]) * eps_theta(x, t)) / math.sqrt(
                1 - beta[t]
            ) + sigma * z
            x = m * x_known + (1 - m) * x_unknown
            order.append(Step(t - 1, t - 2, abar[t], abar[t - 1]))
            if u < resamplings and t > 1:
                x = math.sqrt(1 - beta[t]) * x + math.sqrt(beta[t]) * draw()
                order.append(Step(t - 2, t - 1, abar[t - 1], abar[t]))
    found = sampler("repaint")(estimates(net), x0, m == 0, recorded(shape, torch.float64), order)
    assert (found - x).abs().max() <= 1e-8


@pytest.mark.slow
def test_a_run_is_that_of_diffusers_pipeline():
    """Its order of calls and jumps, eta = 1, each timestep visited (over several its jumps forward are
    another schedule's).
    """
    unet = tiny(prediction="epsilon", patch=1, timesteps=40, schedule="linear").unet
    scheduler = RePaintScheduler(40)
    pipeline = RePaintPipeline(UNet2DModel.from_config(unet.config), scheduler)
    pipeline.unet.load_state_dict(unet.state_dict())
    pipeline.set_progress_bar_config(disable=True)
    known, mask = recorded((1, 3, 32, 32), seed=3)().clamp(-1, 1), rectangle(1, 1, 32, 32)
    options = {
        "num_inference_steps": 40,
        "jump_length": 4,
        "jump_n_sample": 3,
        "eta": 1.0,
        "output_type": "np",
    }
    wanted = pipeline(known, (~mask).float(), generator=torch.Generator().manual_seed(7), **options).images[0]

    class Plain:
        def __init__(self):
            self.scheduler = DDPMScheduler(40)

        def __call__(self, noisy, t):
            return pipeline.unet(noisy, t).sample

    plan = schedules.plan(
        "repaint", {"preset": "paper", "steps": 40, "jump_length": 4, "resamplings": 3}, levels_of(scheduler)
    )
    with torch.inference_mode():
        found = sampler("repaint")(estimates(Plain()), known, mask, recorded(known.shape, seed=7), plan)
    assert np.abs((found[0].permute(1, 2, 0) / 2 + 0.5).clamp(0, 1).numpy() - wanted).max() <= 1e-4


def test_replacement_is_repaint_without_jumps():
    shape, net = (1, 3, 16, 16), tiny()
    known, mask = recorded(shape, seed=3)(), rectangle(1, 1, 16, 16)
    plan = schedules.plan("repaint", {"preset": "paper", "steps": 20, "resamplings": 1}, levels(net))
    found = [
        sampler(name)(estimates(net), known, mask, recorded(shape), plan)
        for name in ("replacement", "repaint")
    ]
    assert torch.equal(*found)


def test_a_step_of_ddnm_is_that_of_its_paper():
    """A+ y + (I - A+ A) x written with the mask as the diagonal matrix that it is."""
    _, abars = linear(250)
    noisy, output, known, drawn = (recorded(12, torch.float64, seed=seed)() for seed in range(4))
    a = torch.diag((torch.arange(12) % 3 > 0).double())
    pseudo, y = torch.linalg.pinv(a), a @ known
    at, before = abars[500], abars[496]
    x0t = (noisy - math.sqrt(1 - at) * output) / math.sqrt(at)
    x0t = pseudo @ y + (torch.eye(12, dtype=torch.float64) - pseudo @ a) @ x0t
    wanted = math.sqrt(before) * x0t + math.sqrt(1 - before) * (
        0.85 * drawn + math.sqrt(1 - 0.85**2) * output
    )
    draws = iter([noisy, drawn])
    found = sampler("ddnm")(
        lambda x, t: denoised(x, output, at, "epsilon", None),
        known,
        a.diagonal() == 0,
        lambda: next(draws),
        [Step(500, 496, at, before)],
    )
    assert ETA == 0.85
    assert (found - wanted).abs().max() <= 1e-10


def correlated(rho):
    """The perfect denoiser of pairs of pixels, standard normal with correlation `rho`, under the training's
    noise levels.
    """
    prior, abars = torch.tensor([[1, rho], [rho, 1]], dtype=torch.float64), levels(tiny())

    def denoise(noisy, t):
        pairs, abar = noisy.flatten(1), abars[t]
        clean = pairs @ torch.linalg.solve(
            abar * prior + (1 - abar) * torch.eye(2, dtype=torch.float64), abar**0.5 * prior
        )
        return Denoised(clean.view_as(noisy), (noisy - abar**0.5 * clean.view_as(noisy)) / (1 - abar) ** 0.5)

    return denoise, abars


def half_known(y):
    """4,000 pairs of pixels, the first of each known to be `y`: their shape, what is known, and the holes."""
    shape = (4000, 1, 1, 2)
    known = torch.tensor([y, 0.0], dtype=torch.float64).expand(shape)
    return shape, known, torch.tensor([False, True]).expand(shape)


@pytest.mark.parametrize(("name", "mean", "deviation"), [("repaint", 0.1, 0.05), ("ddnm", 0.05, 0.1)])
def test_samples_follow_the_conditional_distribution(name, mean, deviation):
    """One pixel of each pair is known: the other's mean is rho times it, its variance 1 - rho²."""
    rho, y = 0.8, 1.2
    denoise, abars = correlated(rho)
    shape, known, mask = half_known(y)
    plan = schedules.plan(name, {"preset": "balanced"}, abars)
    found = sampler(name)(denoise, known, mask, recorded(shape, torch.float64), plan)
    assert torch.equal(found[..., 0], known[..., 0])
    assert found[..., 1].mean().item() == pytest.approx(rho * y, abs=mean)
    assert found[..., 1].std().item() == pytest.approx(math.sqrt(1 - rho**2), abs=deviation)


def test_a_corrector_brings_the_fill_closer_to_the_conditional_mean():
    """At as many network calls; the fills vary too little then."""
    rho, y = 0.8, 1.2
    denoise, abars = correlated(rho)
    shape, known, mask = half_known(y)
    found = {}
    for rounds in (1, 2):
        options = {"preset": "balanced", "steps": 100 // rounds, "resamplings": rounds}
        plan = schedules.plan("replacement", options, abars)
        found[rounds] = sampler("replacement")(denoise, known, mask, recorded(shape, torch.float64), plan)
    off = {rounds: abs(fill[..., 1].mean().item() - rho * y) for rounds, fill in found.items()}
    assert off[2] < off[1] / 3
    assert 0.4 < found[2][..., 1].std().item() < math.sqrt(1 - rho**2)


def test_resampling_is_what_makes_the_fill_agree():
    """Replacement alone misses the conditional mean; jumps bring it there. The paper's reason to resample."""
    rho, y = 0.95, 1.5
    denoise, abars = correlated(rho)
    shape, known, mask = half_known(y)
    errors = []
    for resamplings in (1, 3, 10):
        plan = schedules.plan("repaint", {"preset": "paper", "steps": 100, "resamplings": resamplings}, abars)
        found = sampler("repaint")(denoise, known, mask, recorded(shape, torch.float64), plan)
        errors.append(abs(found[..., 1].mean().item() - rho * y))
    assert errors[0] > 2 * errors[1] > 2 * errors[2]


# Noise


def test_noise_is_normal_and_each_pictures_own():
    both, alone = Noise([3, 4], (3, 40, 50)), Noise([4], (3, 40, 50))
    draws = [both() for _ in range(3)]
    assert all(torch.equal(draw[1:], alone()) for draw in draws)
    assert not torch.equal(draws[0][0], draws[0][1])
    assert not torch.equal(draws[0], draws[1])
    assert draws[0].shape == (2, 3, 40, 50)
    assert draws[0].is_contiguous(memory_format=torch.channels_last)
    assert abs(torch.stack(draws).mean()) <= 0.02
    assert torch.stack(draws).std().item() == pytest.approx(1, abs=0.02)


# Pictures larger than those of the training


@pytest.mark.parametrize("t", [900, 700, 400])
def test_a_coarser_scale_sees_a_picture_of_its_own_noise_level(t):
    """Means over 4x4 pixels hold the picture by sqrt(abar) and noise by sqrt(1 - abar), abar that of the
    timestep it is told.
    """
    abars, seen = levels(tiny()), []

    def denoise(noisy, at):
        seen.append((noisy, at))
        return Denoised(torch.full_like(noisy, 0.25), noisy)

    at = estimating.rescaled(denoise, abars, 4, 4)
    clean, noise = torch.full((1, 3, 256, 256), 0.25), Noise([0], (3, 256, 256))()
    noisy = states.diffuse(clean, abars[t], noise)
    found = at(noisy, t)
    ((small, told),) = seen
    assert small.shape == (1, 3, 64, 64)
    assert abars[told] / (1 - abars[told]) == pytest.approx(16 * abars[t] / (1 - abars[t]), rel=0.02)
    assert small.mean().item() == pytest.approx(0.25 * abars[told] ** 0.5, abs=0.03)
    assert small.std().item() == pytest.approx((1 - abars[told]) ** 0.5, rel=0.02)
    torch.testing.assert_close(found.clean, clean)
    torch.testing.assert_close(found.noise, noise, rtol=0, atol=1e-4)


def test_finer_scales_take_over_as_the_noise_goes():
    abars, seen = levels(tiny()), []
    at = estimating.rescaled(
        lambda noisy, t: (seen.append(noisy.shape[-1]), Denoised(noisy, noisy))[1], abars, 4, 8
    )
    for t in range(999, -1, -50):
        assert at(torch.zeros(1, 3, 72, 72), t).clean.shape == (1, 3, 72, 72)
    assert seen == sorted(seen)
    assert set(seen) == {24, 40, 72}  # 18 and 36, padded to what the network takes
    assert all(
        abars[t] / (1 - abars[t]) > estimating.RESOLVED / 4
        for t, side in zip(range(999, -1, -50), seen, strict=True)
        if side == 72
    )


@pytest.mark.parametrize("size", [(8, 800), (40, 3000), (1100, 9), (130, 131)])
@pytest.mark.slow
def test_thin_and_large_windows_are_filled(ready, size):
    """Whatever scales fit in, known pixels come back, and the hole is drawn."""
    mask = np.zeros(size, bool)
    mask[size[0] // 4 : 3 * size[0] // 4, size[1] // 8 : 7 * size[1] // 8] = True
    result = ready("dpm_solver")(InpaintRequest(picture(*size), mask))
    assert np.array_equal(result.image[~mask], picture(*size)[~mask])
    assert (result.image[mask] != 0).any()


@pytest.mark.parametrize("steps", [2, 3, 250, 300, 350, 501, 600, 999, 1000])
def test_every_number_of_steps_begins_in_noise(steps):
    """And walks down to the picture, each level once."""
    for trailing in (False, True):
        times = schedules.spaced(steps, trailing=trailing)
        assert len(set(times)) == steps
        assert times == sorted(times)
        assert times[-1] >= 999 - 2 * math.ceil(1000 / steps)
        assert times[0] < math.ceil(1000 / steps)


# The methods


@pytest.fixture
def ready(tmp_path, monkeypatch):
    """`ready(name)`: the method with a tiny random denoiser in place of the bundled one."""
    path = tmp_path / "denoiser-1-of-1.safetensors"
    save_file(tiny().state_dict(), path, metadata={"method": "denoiser", "network": json.dumps(TINY)})
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    row = replace(WEIGHTS["denoiser"], files={path.name: weights.sha256(path)})
    monkeypatch.setitem(WEIGHTS, "denoiser", row)
    load_network.cache_clear()
    yield lambda name, **options: registry.create(name, device="cpu", steps=6, **options)
    load_network.cache_clear()


def picture(height=40, width=40):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def hole(height=40, width=40):
    mask = np.zeros((height, width), bool)
    mask[16:24, 10:20] = True
    return mask


@pytest.mark.parametrize("name", NAMES)
def test_fills_and_counts_its_calls(ready, name):
    method = ready(name)
    calls = []
    result = method(InpaintRequest(picture(), hole()), lambda done, total: calls.append((done, total)))
    assert np.array_equal(result.raw[~hole()], picture()[~hole()])
    expected = method.spec.network_calls({"steps": 6})
    assert result.network_calls == expected
    assert calls == [(i + 1, expected) for i in range(expected)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_pictures_and_seeds_do_not_see_each_other(ready, name):
    method = ready(name)
    requests = [InpaintRequest(np.roll(picture(), i, 1), hole(), seed=i, n=2) for i in range(2)]
    requests += [
        InpaintRequest(picture(), hole(), seed=1, options={"steps": 4}),
        InpaintRequest(picture(48, 64), hole(48, 64)),
    ]
    for results, request in zip(method.run(requests), requests, strict=True):
        for result in results:
            alone = method(replace(request, seed=result.seed, n=1))
            difference = np.abs(result.image.astype(int) - alone.image)
            assert difference.max() <= 1
            assert (difference > 0).mean() <= 1e-3
            assert (
                result.network_calls
                == alone.network_calls
                == method.spec.network_calls(request.options or {"steps": 6})
            )


@pytest.mark.parametrize("name", NAMES)
def test_a_cancelled_run_stops_within_two_calls(ready, name, monkeypatch):
    method, called = ready(name), []
    method.load()
    hook = method.net.register_forward_hook(lambda *_: called.append(1))
    with pytest.raises(Cancelled):
        method(InpaintRequest(picture(), hole()), lambda done, total: done < 3)
    hook.remove()
    assert len(called) <= 5


@pytest.mark.parametrize("name", NAMES)
def test_previews_show_the_estimate_in_the_hole(ready, name):
    shown = []
    result = ready(name)(InpaintRequest(picture(), hole()), None, shown.append)
    assert 1 < len(shown) <= diffusion.PREVIEWS
    assert all(np.array_equal(image[~hole()], picture()[~hole()]) for image in shown)
    assert (shown[0][hole()] != shown[-1][hole()]).any()
    assert (
        np.abs(shown[-1][hole()].astype(int) - result.image[hole()]).max() <= 1
    )  # the last estimate is the answer


@pytest.mark.parametrize("name", NAMES)
def test_memory_does_not_grow_with_the_steps(ready, name):
    method = ready(name)
    piece = method_piece(method, {"steps": 12})
    alive, most = [], 0

    for state in method.states([piece]):
        alive.append(weakref.ref(state.noisy))
        most = max(most, sum(reference() is not None for reference in alive))
    assert len(alive) == len(method.plan(piece.options)) >= 12
    assert most <= 3


def method_piece(method, options):
    """The piece that the method sees of the usual request."""
    method.load()
    seen = []
    original, method.fill_batch = method.fill_batch, lambda pieces: seen.extend(pieces) or original(pieces)
    method(InpaintRequest(picture(), hole(), options=options))
    method.fill_batch = original
    return seen[0]


def test_states_tell_the_walk(ready):
    method = ready("repaint", jump_length=2, resamplings=2)
    piece = method_piece(method, {})
    states = [(state.t, state.jump, state.clean is None) for state in method.states([piece])]
    assert states == [(step.to, step.forward, step.forward) for step in method.plan(piece.options)]
    assert any(step.forward for step in method.plan(piece.options))


# What happens inside


@pytest.mark.parametrize("name", NAMES)
def test_an_explanation_ends_with_the_methods_answer(ready, name):
    """Bit for bit, and the method that is beside it with that method's own: the two runs do not see each
    other.
    """
    request, method = InpaintRequest(picture(), hole(), seed=5), ready(name)
    frames = {frame.name: frame for frame in method.explain(request)}
    result = method(request)
    assert np.array_equal(frames["result"].image, result.image)
    assert frames["result"].image[hole()].std() > 1
    if name != "replacement":
        alone = ready("replacement", resamplings=1)(request)
        assert np.array_equal(frames["replacement/result"].image, alone.image)
        assert (alone.image != result.image).any()
    timesteps = [frame.value for key, frame in frames.items() if key.startswith("noisy/")]
    plan = method.plan(method.options)
    assert timesteps == [plan[place].to + 1 for place in schedules.moments(plan, diffusion.MOMENTS)]


def test_states_beside_are_those_of_the_other_method_alone(ready):
    request = InpaintRequest(picture(), hole(), seed=5)
    options = {"preset": "balanced", "jump_length": 2, "resamplings": 3}  # timesteps that both walk
    frames = list(ready("repaint", **options).explain(request))
    other = ready("replacement", preset="balanced", resamplings=1)
    alone = {state.t + 1: state.clean for state in other.states([replace(method_piece(other, {}), seed=5)])}
    beside = [frame for frame in frames if frame.name.startswith("replacement/0")]
    noisy = [frame for frame in frames if frame.name.startswith("noisy/")]
    assert len(beside) == len(noisy) > len(alone)  # after jumps back a timestep comes again
    for frame, state in zip(beside, noisy, strict=True):
        assert frame.name.split("/")[1] == state.name.split("/")[1]
        assert frame.value == state.value
        assert np.array_equal(frame.image[hole()], other.show(alone[frame.value], [])[0][hole()])
        assert np.array_equal(frame.image[~hole()], picture()[~hole()])


@pytest.mark.parametrize("name", ["dpm_solver", "repaint"])
def test_of_levels_that_are_other_ones_the_nearest_stands_beside(ready, name):
    frames = list(ready(name).explain(InpaintRequest(picture(), hole())))
    beside = {
        frame.name.split("/")[1]: frame.value for frame in frames if frame.name.startswith("replacement/0")
    }
    noisy = {frame.name.split("/")[1]: frame.value for frame in frames if frame.name.startswith("noisy/")}
    others = schedules.passed("replacement", {"preset": "preview", "steps": 6, "resamplings": 1})[1:]
    assert beside.keys() == noisy.keys()
    for number, timestep in noisy.items():
        assert abs(beside[number] - timestep) == min(abs(other - timestep) for other in others)


def test_jumps_show_more_noise_and_the_estimate_before_them(ready):
    frames = list(ready("repaint", jump_length=3, resamplings=2).explain(InpaintRequest(picture(), hole())))
    noisy, clean = (
        [frame for frame in frames if frame.name.startswith(kind)] for kind in ("noisy/", "clean/")
    )
    jumped = [i for i in range(1, len(noisy)) if noisy[i].value > noisy[i - 1].value]
    assert jumped
    for i in jumped:
        assert noisy[i].title.startswith("Jumped back")
        assert np.array_equal(clean[i].image, clean[i - 1].image)


@pytest.mark.slow
def test_a_papers_run_is_shown_at_few_moments_while_it_goes_on(ready):
    method, calls = ready("repaint"), []
    request = InpaintRequest(picture(), hole(), options={"preset": "paper", "steps": 60})
    frames = method.explain(request, lambda done, total: calls.append((done, total)))
    early = [next(frames).name for _ in range(7)]
    assert early == [
        "input",
        *(
            f"{kind}/{number}"
            for number in ("0001", early[4][-4:])
            for kind in ("noisy", "clean", "replacement")
        ),
    ]
    total = method.spec.network_calls(request.options) + 60  # and those of replacement
    assert len(calls) < total / 10
    rest = list(frames)
    assert calls == [(i + 1, total) for i in range(total)]
    assert len(rest) == 3 * diffusion.MOMENTS - 6 + 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [1, 4, 9])
def test_a_stopped_explanation_stops_within_two_calls(ready, name, at):
    method, called = ready(name), []
    method.load()
    hook = method.net.register_forward_hook(lambda *_: called.append(1))
    with pytest.raises(Cancelled):
        list(
            method.explain(
                InpaintRequest(picture(), hole(), options={"steps": 12}), lambda done, total: done < at
            )
        )
    hook.remove()
    assert len(called) <= at + 1


def test_an_explanation_leaves_gradients_as_they_are(ready):
    """Its network runs without them, but whoever reads the frames may be training."""
    for _ in ready("repaint").explain(InpaintRequest(picture(), hole())):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_latents_are_shown_as_pictures():
    method = LatentDiffusion(registry.get("latent_diffusion"), steps=5)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method.autoencoder = Autoencoder().eval().requires_grad_(False)
    method.net = tiny(channels=4, context=5, patch=1)
    method.load = lambda: None
    request = InpaintRequest(picture(64, 64), hole(64, 64), seed=3)
    frames = list(method.explain(request))
    assert [frame.name for frame in frames[1:-1]] == [
        f"{kind}/{n:04}" for n in range(1, 6) for kind in ("noisy", "clean")
    ]
    assert all(frame.image.shape == (64, 64, 3) for frame in frames)
    assert np.array_equal(frames[-1].image, method(request).image)
    missing = hole(64, 64)
    assert np.array_equal(
        frames[-3].image[missing], frames[-2].image[missing]
    )  # the last state is the last estimate
    assert (
        frames[-3].image[~missing] != picture(64, 64)[~missing]
    ).any()  # but for the known pixels, which the latent only resembles


# What the network sees


def test_palette_sees_the_known_pixels_clean_and_the_mask():
    method, seen = Palette(registry.SPECS["palette"], preset="balanced"), []
    method.net = tiny(context=1)
    method.load = lambda: None
    hook = method.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    image, missing = picture(), hole()
    result = method(InpaintRequest(image, missing, seed=3))
    hook.remove()
    assert len(seen) == 30 == result.network_calls
    known = torch.from_numpy(image).permute(2, 0, 1) / 127.5 - 1
    for noisy, _, mask in seen:
        assert torch.equal(mask[0, 0] > 0, torch.from_numpy(missing))
        assert torch.allclose(noisy[0][:, ~missing], known[:, ~missing], atol=1e-5)
    assert np.array_equal(method(InpaintRequest(image, missing, seed=3)).image, result.image)
    other = method(InpaintRequest(image, missing, seed=4)).image
    assert (other[missing] != result.image[missing]).any()


def test_the_network_sees_channels_last_and_the_crop_alone(ready):
    method, seen = ready("ddnm"), []
    method.load()
    hook = method.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    mask = np.zeros((400, 300), bool)
    mask[200:210, 100:112] = True
    method(InpaintRequest(picture(400, 300), mask))
    hook.remove()
    assert all(noisy.is_contiguous(memory_format=torch.channels_last) for noisy in seen)
    assert {noisy.shape for noisy in seen} == {
        (1, 3, side, side) for side in (20, 40, 80)
    }  # 32 px around, from coarse to fine


def test_the_latent_denoiser_sees_known_pixels_about_mid_grey():
    """A night is as bright as a day to it, and comes back as dark as it was."""
    rng = torch.Generator().manual_seed(0)
    image, mask = 0.2 * torch.rand(2, 3, 16, 16, generator=rng), torch.zeros(2, 1, 16, 16)
    mask[0, :, 4:9, 5:12] = mask[1] = 1
    shift = to_grey(image, mask)
    seen = (image + shift)[0][:, mask[0, 0] == 0]
    assert torch.allclose(seen.mean(1), torch.full((3,), 0.5), atol=1e-6)
    assert (shift[1] == 0).all(), "nothing is known of the second"


def test_compiling_is_for_gpus(ready):
    result = ready("dpm_solver", compile=True)(InpaintRequest(picture(), hole()))
    assert result.notes == ("The network was not compiled: that pays on GPUs alone.",)


def test_precision(ready):
    whole = ready("dpm_solver")(InpaintRequest(picture(), hole())).image
    half = ready("dpm_solver", precision="bf16")(InpaintRequest(picture(), hole())).image
    assert 0 < np.abs(half.astype(int) - whole).mean() <= 3

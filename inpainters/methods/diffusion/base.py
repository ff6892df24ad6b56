"""What the samplers of pixel diffusion share: a denoiser's estimates, noise per picture, steps between noise
levels, and the base class.

Pictures are (N, C, h, w), colours in [-1, 1]; masks (N, 1 or C, h, w) bool, True where missing.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inpainters.base import Frame, Piece
from inpainters.imaging import Image, composite
from inpainters.methods.diffusion import schedules
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.learned.base import Learned, batches, inputs, to_images
from inpainters.networks.denoiser import Denoiser, Pretrained
from inpainters.weights import denoisers

PREVIEWS = 24
"""Previews of a whole run, at most."""
RESOLVED = 100.0
"""Signal-to-noise ratio up to which a coarser scale speaks for a picture that is larger than
those of the training.
"""
MOMENTS = 40
"""Steps of a run that its explanation shows, at most."""


class Denoised(NamedTuple):
    """What one network call says of a noisy picture; both (N, C, h, w)."""

    clean: Tensor
    """The clean picture, clamped to [-1, 1] where the schedule says so."""
    noise: Tensor
    """The noise in it, of standard deviation 1."""


@dataclass
class State:
    """Where a run stands after a step. The tensors are the sampler's own: not to be written to."""

    t: int
    """Timestep that `noisy` is at; -1: clean."""
    noisy: Tensor
    clean: Tensor | None
    """The estimate that the step was made with; None after a jump."""
    jump: bool
    """True where the step added noise."""


Denoise = Callable[[Tensor, int], Denoised]
"""`denoise(noisy, t)`: one network call."""
Draw = Callable[[], Tensor]
"""Standard normal noise of the pictures' shape and type, such as `Noise`; never the same tensor twice."""


class Noise:
    """Standard normal noise, (N, C, h, w), each picture's from its own generator on the CPU: its companions
    do not matter.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: tuple[int, ...],
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
        channels, height, width = shape
        self.shape, self.device, self.dtype = (len(seeds), height, width, channels), device, dtype

    def __call__(self) -> Tensor:
        gpu = self.device.startswith("cuda")
        drawn = torch.empty(self.shape, dtype=self.dtype, pin_memory=gpu)
        for picture, generator in zip(drawn, self.generators, strict=True):
            picture.normal_(generator=generator)
        return drawn.to(self.device, non_blocking=gpu).permute(0, 3, 1, 2)  # in memory: channels last


def last(states: Iterable[State]) -> State:
    """Where a run ends; it holds none of the states before."""
    return deque(states, maxlen=1)[0]


# Steps between noise levels


def diffuse(clean: Tensor, abar: float, noise: Tensor) -> Tensor:
    """A clean picture at noise level `abar` (Ho et al. 2020, equation 4)."""
    return torch.add(clean * abar**0.5, noise, alpha=(1 - abar) ** 0.5)


def forward(noisy: Tensor, step: Step, noise: Tensor) -> Tensor:
    """From a noise level to a higher one (Ho et al. 2020, equation 2, over all timesteps between the two)."""
    ratio = step.abar_to / step.abar
    return torch.add(noisy * ratio**0.5, noise, alpha=(1 - ratio) ** 0.5)


def reverse(estimate: Denoised, step: Step, noise: Tensor, eta: float = 1.0) -> Tensor:
    """From a noise level to a lower one (Song et al. 2021, Denoising diffusion implicit models, equation 12).

    `eta` = 1 is the ancestral step of Ho et al. 2020, whose variance is the posterior's; 0 adds no noise.
    """
    variance = eta**2 * (1 - step.abar_to) / (1 - step.abar) * (1 - step.abar / step.abar_to)
    mean = torch.add(
        estimate.clean * step.abar_to**0.5, estimate.noise, alpha=max(0.0, 1 - step.abar_to - variance) ** 0.5
    )
    return mean.add_(noise, alpha=variance**0.5)


# The network


def levels(net: Denoiser | Pretrained) -> list[float]:
    """Share of the clean picture's variance at each timestep of the training."""
    shares: list[float] = net.scheduler.alphas_cumprod.double().tolist()
    return shares


def estimates(net: Denoiser | Pretrained, *, context: Tensor | None = None, bf16: bool = False) -> Denoise:
    """The network's answers as estimates, whatever it was trained to predict;
    `context` is what else it is shown.
    """
    config, abars = net.scheduler.config, levels(net)
    bound = config.clip_sample_range if config.clip_sample else None

    def denoise(noisy: Tensor, t: int) -> Denoised:
        timestep = torch.full((len(noisy),), t, device=noisy.device)
        with torch.autocast(noisy.device.type, torch.bfloat16) if bf16 else nullcontext():
            output = net(noisy, timestep, *([] if context is None else [context]))
        return denoised(noisy, output.to(noisy.dtype), abars[t], config.prediction_type, bound)

    return denoise


def rescaled(denoise: Denoise, abars: Sequence[float], factor: int, multiple: int) -> Denoise:
    """`denoise` for pictures `factor` (a power of 2) times as large as those that the network was trained on.

    Noise hides less of a large picture: means over s×s pixels are a picture of a signal-to-noise ratio s²
    times as high (Hoogeboom et al. 2023, simple diffusion, section 3.1). The coarsest scale whose ratio stays
    below `RESOLVED` says what the picture is; finer ones add detail as the noise goes. `multiple`: of the
    sides that the network takes.
    """

    def at(noisy: Tensor, t: int) -> Denoised:
        ratio, scale = abars[t] / (1 - abars[t]), factor
        while scale > 1 and ratio * scale**2 > RESOLVED:
            scale //= 2
        if scale == 1:
            return denoise(noisy, t)
        abar = 1 / (1 + 1 / (ratio * scale**2))
        height, width = noisy.shape[2:]
        right, below = -width % (scale * multiple), -height % (scale * multiple)
        small = F.avg_pool2d(
            F.pad(noisy, (0, right, 0, below), "replicate") if right or below else noisy, scale
        )
        found = denoise(
            small.mul_((abar / abars[t]) ** 0.5), bisect_left(abars, -abar, key=lambda level: -level)
        ).clean
        clean = F.interpolate(found, scale_factor=scale, mode="bilinear", align_corners=False)[
            ..., :height, :width
        ]
        return Denoised(clean, torch.sub(noisy, clean, alpha=abars[t] ** 0.5) / (1 - abars[t]) ** 0.5)

    return at


def denoised(
    noisy: Tensor, output: Tensor, abar: float, prediction: str, bound: float | None = 1.0
) -> Denoised:
    """Both parts of a noisy picture from the network's output: "epsilon", "v_prediction" (Salimans and Ho
    2022) or "sample".
    """
    signal, sigma = abar**0.5, (1 - abar) ** 0.5
    if prediction == "v_prediction":
        clean = torch.sub(signal * noisy, output, alpha=sigma)
        noise = torch.add(signal * output, noisy, alpha=sigma)
    elif prediction == "sample":
        clean, noise = output.clone(), torch.sub(noisy, output, alpha=signal) / sigma
    else:
        clean, noise = torch.sub(noisy, output, alpha=sigma) / signal, output
    return Denoised(clean if bound is None else clean.clamp_(-bound, bound), noise)


# The base class


class Diffusion(Learned):
    """An unconditional denoiser that is steered by the known pixels: the bundled one, or the option
    `model`'s. Subclasses: `sample`.
    """

    net: Denoiser | Pretrained

    def sample(
        self, denoise: Denoise, known: Tensor, mask: Tensor, noise: Draw, plan: Sequence[Step]
    ) -> Iterator[State]:
        """Each step's state, of which the last is clean.
        `known`: the pictures, of any value where `mask` is True.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement sample")

    def plan(self, options: Mapping[str, Any]) -> list[Step]:
        """The steps of a run under these options."""
        return schedules.plan(self.spec.name, options, levels(self.model(options)))

    def settle(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Another denoiser's name with its commit or digest;
        raises as `load_denoiser` does where there is none.
        """
        return dict(options) | ({"model": denoisers.pinned(options["model"])} if options.get("model") else {})

    def load(self) -> None:
        """Build the network that the method was made with;
        raises UnavailableError or InputError with one sentence.
        """
        name = self.options.get("model")
        self.net = denoisers.load_denoiser(str(name), self.device) if name else self.bundled()

    def model(self, options: Mapping[str, Any]) -> Denoiser | Pretrained:
        """The network that these options ask for."""
        net: Any = self.net
        if options.get("model"):
            net = denoisers.load_denoiser(options["model"], self.device)
        elif self.options.get("model"):  # a request that wants the bundled one after all
            net = self.bundled()
        return _compiled(net) if options["compile"] and self.device.startswith("cuda") else net

    def remark(self, piece: Piece) -> None:
        """Note what was asked for and not done, which denoiser draws where it is not the bundled one, and
        what it was not made for.
        """
        if piece.options["compile"] and not self.device.startswith("cuda"):
            piece.notes.append("The network was not compiled: that pays on GPUs alone.")
        if not piece.options.get("model"):
            return
        net = denoisers.load_denoiser(piece.options["model"], self.device)
        height, width = piece.mask.shape
        piece.notes.extend(net.notes)
        if min(height, width) < net.size:
            piece.notes.append(
                f"The window is {width}×{height}, smaller than the {net.size}×{net.size} that the model was "
                "trained on."
            )

    def fill_batch(self, pieces: Sequence[Piece]) -> list[Image]:
        fills: dict[int, Image] = {}
        for piece in pieces:
            self.remark(piece)
        by_options = sorted(pieces, key=lambda piece: repr(piece.options))
        for _, group in groupby(by_options, key=lambda piece: repr(piece.options)):
            for batch in batches(list(group)):
                for piece, image in zip(batch, self.draw(batch), strict=True):
                    fills[id(piece)] = image
        return [fills[id(piece)] for piece in pieces]

    def draw(self, pieces: Sequence[Piece]) -> list[Image]:
        """The fills of pieces of one size and the same options."""
        return self.show(last(self.states(pieces)).noisy, pieces)

    def show(self, tensor: Tensor, pieces: Sequence[Piece]) -> list[Image]:
        """(h, w, 3) uint8 for each of the pieces, from what `sample` works on, noisy or clean."""
        return pictures(tensor)

    @torch.inference_mode()
    def states(self, pieces: Sequence[Piece]) -> Iterator[State]:
        """A run over pieces of one size and the same options, step by step: it goes on as the next state is
        asked for.
        """
        options = pieces[0].options
        steps = self.plan(options)
        image, mask = inputs(pieces, self.device)
        known = (2 * image - 1).contiguous(memory_format=torch.channels_last)
        missing = (
            (mask > 0).expand_as(known).contiguous(memory_format=torch.channels_last)
        )  # a broadcast one is slow to choose by
        noise = Noise([piece.seed for piece in pieces], tuple(known.shape[1:]), self.device)
        net = self.model(options)
        denoise = estimates(net, bf16=options["precision"] == "bf16")
        side = math.sqrt(known.shape[2] * known.shape[3])
        if (factor := 2 ** max(0, round(math.log2(side / net.size)))) > 1:
            denoise = rescaled(denoise, levels(net), factor, net.multiple)
        reporting = reported(denoise, pieces, sum(not step.forward for step in steps), self.show)
        yield from self.sample(reporting, known, missing, noise, steps)

    def frames(self, piece: Piece) -> Generator[Frame, None, Image]:
        """Moments of the run: the noisy state, the clean estimate and, where the row names a method `beside`
        it, that one's estimate.

        Estimates are shown in the hole alone, so that one sees whether they agree with the known pixels
        around them. The other method runs from the same seed, as fast as the first reaches lower noise
        levels. What is shown is chosen before the run and becomes a picture at once, so that memory does not
        grow with the steps.
        """
        plan, other = self.plan(piece.options), self._beside(piece)
        kept, watched = schedules.moments(plan, MOMENTS), self._watched(piece, other)
        rival = other and Follower(other, watched[1], [plan[place].to for place in kept])
        clean = torch.empty(0)  # of the last network call; a run's first step makes one
        for place, state in enumerate(self.states(watched[:1])):
            clean = clean if state.clean is None else state.clean
            if place in kept:
                estimated = composite(self.show(clean, [piece])[0], piece.image, piece.mask)
                yield from moment(
                    place + 1, self.spec.title, state, self.show(state.noisy, [piece])[0], estimated
                )
                if rival:
                    yield rival.frame(place + 1, state.t)
        if rival:
            yield rival.result()
        return self.show(state.noisy, [piece])[0]

    def _beside(self, piece: Piece) -> "Diffusion | None":
        """The method that is run beside this one, with as many noise levels, ready to run."""
        if self.make_beside is None:
            return None
        other = self.make_beside(piece.options)
        assert isinstance(other, Diffusion), "what runs beside a sampler is another one"
        other.load()
        return other

    def _watched(self, piece: Piece, other: "Diffusion | None") -> list[Piece]:
        """The piece for each of the runs; their network calls are counted together."""
        runs = [self] if other is None else [self, other]
        options = [piece.options, *(run.options for run in runs[1:])]
        total = sum(
            not step.forward for run, chosen in zip(runs, options, strict=True) for step in run.plan(chosen)
        )

        def step(done: int, of: int) -> None:
            piece.network_calls += 1
            piece.on_step(piece.network_calls, total)

        return [
            replace(piece, options=chosen, on_step=step, preview=None, network_calls=0) for chosen in options
        ]


@lru_cache(maxsize=4)
def _compiled(net: Denoiser) -> Denoiser:
    return torch.compile(net)  # type: ignore[return-value]  # it passes on all that the network has


# What happens inside


def moment(number: int, title: str, state: State, noisy: Image, clean: Image) -> Iterator[Frame]:
    """The frames of a run after `number` steps; their value is the timestep, counted as the papers do: 0 is
    the clean picture.
    """
    t = state.t + 1
    seen = (
        f"Jumped back to timestep {t}: noise added"
        if state.jump
        else f"Noisy state at timestep {t}"
        if t
        else "No noise is left"
    )
    yield Frame(f"noisy/{number:04}", seen, noisy, t)
    yield Frame(
        f"clean/{number:04}",
        f"{title}: " + ("estimate before the jump" if state.jump else "clean estimate in the hole"),
        clean,
        t,
    )


class Follower:
    """A run that keeps up with another one: for each timestep in `wanted` it keeps the clean estimate of its
    nearest one.
    """

    def __init__(self, method: Diffusion, piece: Piece, wanted: Iterable[int]) -> None:
        self.method, self.piece, self.states = method, piece, method.states([piece])
        self.wanted = sorted(set(wanted))
        self.kept: dict[int, tuple[int, Image]] = {}
        self.state: State | None = None

    def frame(self, number: int, t: int) -> Frame:
        """What it estimated at timestep `t`; it runs there first where it has not been."""
        while t not in self.kept:
            before, self.state = self.state, next(self.states)
            while self.wanted and self.wanted[-1] >= self.state.t:
                level = self.wanted.pop()
                near = before if before and abs(before.t - level) < abs(self.state.t - level) else self.state
                self.kept[level] = near.t + 1, self._pasted(near.clean)  # type: ignore[arg-type]  # it makes no jumps
        at, image = self.kept[t]
        spec = self.method.spec
        return Frame(
            f"{spec.name}/{number:04}",
            f"{spec.title}: its estimate" + (f" at timestep {at}" if at else ""),
            image,
            at,
        )

    def result(self) -> Frame:
        """Its fill; to be asked for when the other run has ended."""
        assert self.state is not None
        spec = self.method.spec
        return Frame(f"{spec.name}/result", f"{spec.title}'s fill", self._pasted(self.state.noisy))

    def _pasted(self, clean: Tensor) -> Image:
        return composite(self.method.show(clean, [self.piece])[0], self.piece.image, self.piece.mask)


def pictures(clean: Tensor) -> list[Image]:
    """(h, w, 3) uint8 each, from (N, 3, h, w) in [-1, 1]."""
    return to_images(clean.add(1).div(2))


def reported(
    denoise: Denoise,
    pieces: Sequence[Piece],
    total: int,
    show: Callable[[Tensor, Sequence[Piece]], list[Image]],
) -> Denoise:
    """`denoise` that tells the pieces of each call: their count, their steps (which cancel) and now and then
    a preview.
    """
    done, every = 0, -(-total // PREVIEWS)

    def reporting(noisy: Tensor, t: int) -> Denoised:
        nonlocal done
        found = denoise(noisy, t)
        done += 1
        for piece in pieces:
            piece.network_calls += 1
            piece.on_step(done, total)
        if done % every == 0:
            for index, piece in enumerate(pieces):
                if piece.preview is not None:
                    piece.preview(
                        composite(show(found.clean[index : index + 1], [piece])[0], piece.image, piece.mask)
                    )
        return found

    return reporting

"""What the samplers of pixel diffusion share.

Pictures are (N, C, h, w), colours in [-1, 1]; masks (N, 1 or C, h, w) bool, True where missing.
"""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from inpainters.base import Frame, Piece
from inpainters.imaging import Image, composite
from inpainters.methods.diffusion import schedules
from inpainters.methods.diffusion.estimates import Denoise, Denoised, estimates, levels, rescaled
from inpainters.methods.diffusion.schedules import Step
from inpainters.methods.diffusion.states import Draw, Noise, State, last
from inpainters.methods.learned.base import Learned, batches, inputs, to_images
from inpainters.networks.denoiser import Denoiser, Pretrained
from inpainters.weights import denoisers

PREVIEWS = 24
"""Previews of a whole run, at most."""
MOMENTS = 40
"""Steps of a run that its explanation shows, at most."""


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

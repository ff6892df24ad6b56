"""One training loop for all recipes: moving average, bf16, atomic checkpoints, logs,
picture grids, validation.
"""

import copy
import csv
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from inpainters.base import InpaintRequest
from inpainters.errors import InputError, UnavailableError
from inpainters.imaging import Image
from inpainters.registry import create
from inpainters.training import losses, parallel
from inpainters.training.adversarial import Adversary
from inpainters.training.captured import Captured
from inpainters.training.data import HOLES, Batches, Pictures, tensors, validation
from inpainters.training.recipe import Recipe
from inpainters.training.resident import ResidentBatches

CHECKPOINT = "checkpoint.pt"
TERMS = ("hole", "valid", "coarse", "perceptual", "style", "boundary", "adversarial", "features", "denoising")
LOG_COLUMNS = ("step", "rate", "loss", *TERMS, "discriminator", "norm")
VALIDATION_COLUMNS = ("step", "method", "holes", "pictures", "lpips_squeeze", "l1_hole", "psnr_hole")
OUTLINE = (255, 0, 255)
"""Colour of the line around a hole: hardly a photograph has it."""
LOGS = {"log.csv": LOG_COLUMNS, "validation.csv": VALIDATION_COLUMNS}


@dataclass
class Stop:
    """When to stop: at a step, at a time, or when somebody asked."""

    step: int
    deadline: float = float("inf")
    asked: bool = False

    def __call__(self, step: int) -> bool:
        return self.asked or step >= self.step or time.monotonic() >= self.deadline


class Trainer:
    """A run's state and its steps. The same recipe, data and machine give the same numbers, stopped and
    resumed or not.
    """

    fills = True
    """Whether what is trained fills holes, so that Telea is measured beside it."""
    kinds: tuple[str, ...] = tuple(HOLES)
    """The kinds of holes that are scored apart; held-out pictures have them in turn."""

    def __init__(self, recipe: Recipe, pictures: Pictures, out: Path, *, device: str = "cpu") -> None:
        self.recipe, self.pictures, self.out, self.device = recipe, pictures, out, device
        self.train, self.held = pictures.held_out(recipe.data.held_out)
        if not self.train:
            raise InputError("No picture is left to train on; give more pictures or lower data.held_out.")
        model = parallel.synchronise(recipe.build()).to(device)
        self.model = model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.network = torch.compile(self.model) if recipe.optimizer.compile else self.model
        """What a step calls: `self.model`, whose weights it shares."""
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            recipe.optimizer.rate,
            recipe.optimizer.betas,
            weight_decay=recipe.optimizer.weight_decay,
            fused=True,
        )
        self.adversary = Adversary(recipe, device) if recipe.losses.adversarial else None
        self.perceptual = losses.perceptual(recipe.losses.network)
        if self.perceptual is not None:
            self.perceptual.to(device)
        self.judge = self._judge()
        self.resident: ResidentBatches | None = None
        self.drawn_batches: Batches | None = None
        self.captured: Captured | None = None
        self.step, self.seconds = 0, 0.0
        self.crops = 0
        """Crops that the weights have seen, those that they started from included."""
        self.started: dict[str, Any] = {}
        """What the run was started from, and what that had seen; empty where it began with fresh weights."""
        self.history: list[dict[str, Any]] = []
        """The recipes that it went by, each from a `step` on: the `recipe`'s digest and its `settings`."""
        self.branched = -1
        """The step at which a run with a falling rate left its trunk; -1 in a trunk."""
        self.rate_factor: Callable[[int], float] = lambda step: min(
            1.0, (step + 1) / max(1, recipe.optimizer.warmup)
        )

    def _judge(self) -> Any | None:
        """LPIPS-squeeze for validation, whatever network trains; None where it cannot be had."""
        if self.recipe.losses.network == "lpips_squeeze":
            return self.perceptual
        try:
            judge = losses.perceptual("lpips_squeeze")
        except UnavailableError:
            return None
        return judge and judge.to(self.device)

    # State

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        self.out.mkdir(parents=True, exist_ok=True)
        part = self.out / f"{CHECKPOINT}.part"
        with part.open("wb") as file:
            torch.save(self.state(), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.out / CHECKPOINT)

    def state(self) -> dict[str, Any]:
        player = {"adversary": self.adversary.state()} if self.adversary else {}
        return player | {
            "method": self.recipe.method,
            "network": self.recipe.network,
            "step": self.step,
            "seconds": self.seconds,
            "crops": self.crops,
            "started": self.started,
            "history": self.history,
            "branched": self.branched,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": torch.get_rng_state(),
        }

    def resume(self) -> None:
        """Continue from the checkpoint; raises InputError where it is absent, damaged, of another network."""
        self._load(self.out / CHECKPOINT)
        for name, columns in LOGS.items() if parallel.rank() == 0 else ():
            _truncate(self.out / name, self.step, columns)

    @property
    def hours(self) -> float:
        """Hours of training in the weights, those that they started from included."""
        return float(self.started.get("hours", 0)) + self.seconds / 3600

    def start_from(self, started: dict[str, Any]) -> None:
        """Begin with the weights that `model` was given; `started` says whose they are, with `crops` and
        `hours`.
        """
        self.average.load_state_dict(self.model.state_dict())
        self.started, self.crops = started, int(started["crops"])

    def branch(self, folder: Path, *, again: bool = False) -> None:
        """Go on from the checkpoint in a folder of its own, with a copy of the logs; the trunk stays.

        `again`: where a branch off the same step was stopped before its end, it goes on.
        """
        trunk, self.out = self.out, folder
        self._load(trunk / CHECKPOINT)
        if again and read_checkpoint(folder / CHECKPOINT).get("branched") == self.step:
            return self.resume()
        self.branched = self.step
        folder.mkdir(parents=True, exist_ok=True)
        for name, columns in LOGS.items() if parallel.rank() == 0 else ():
            (folder / name).unlink(missing_ok=True)
            if (trunk / name).is_file():
                shutil.copyfile(trunk / name, folder / name)
                _truncate(folder / name, self.step, columns)

    def _load(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(
                f"There is no '{CHECKPOINT}' in '{path.parent.name}' to resume from; run without --resume."
            )
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.captured = None  # it knows the state from before
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.started, self.history = state.get("started", {}), state.get("history", [])
            self.crops = int(state.get("crops", self.step * self.recipe.optimizer.batch))
            self.branched = int(state.get("branched", -1))
            torch.set_rng_state(state["rng"])
            # A run that began without the other player goes on with a fresh one.
            if self.adversary and "adversary" in state:
                self.adversary.load(state["adversary"])
        except MemoryError:
            raise
        except Exception as error:
            why = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise InputError(
                f"'{CHECKPOINT}' does not fit this recipe or is damaged ({why}); use another --out."
            ) from None

    # Steps

    def run(self, stop: Stop, say: Callable[[str], None] = print) -> None:
        """Train until `stop` says so, with checkpoints, logs, pictures and validations on the way."""
        saved, began, first, before = time.monotonic(), time.monotonic(), self.step, self.seconds
        if not self.history or self.history[-1]["recipe"] != self.recipe.digest:
            now = {"step": self.step, "recipe": self.recipe.digest, "settings": self.recipe.settings()}
            self.history = [*self.history, now]
        for batch in self._batches(stop.step):
            if parallel.anyone(stop(self.step), self.device):
                break
            row = self.advance(*batch)
            self.seconds = before + time.monotonic() - began
            if parallel.rank() > 0:
                continue
            self._report(
                row, say, (time.monotonic() - began) / (self.step - first), stop, self.step == first + 1
            )
            if time.monotonic() - saved >= 60 * self.recipe.every.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
        self.seconds = before + time.monotonic() - began
        if parallel.rank() == 0:
            self.save()
        parallel.wait()

    def _report(
        self, row: dict[str, float], say: Callable[[str], None], pace: float, stop: Stop, new: bool
    ) -> None:
        every = self.recipe.every
        if self.step % every.log == 0 or new:
            self._log(row, say, pace, stop)
        if self.held and self.step % every.picture == 0:
            self.draw()
        if self.held and self.step % every.validate == 0:
            say(self.validate())

    def _batches(self, until: int) -> Iterable[tuple[Tensor, ...]]:
        share = parallel.rank(), parallel.world()
        if self.recipe.data.resident:
            self.resident = self.resident or ResidentBatches(
                self.pictures, self.train, self.recipe, self.device, share
            )
            return self.resident.over(range(self.step, until))
        self.drawn_batches = self.drawn_batches or Batches(self.pictures, self.train, self.recipe, share)
        # Forked workers share the memory map; elsewhere each would get a copy of all pictures.
        workers = self.recipe.data.workers if sys.platform == "linux" else 0
        context = "fork" if workers else None
        return DataLoader(
            self.drawn_batches,
            batch_size=None,
            sampler=range(self.step, until),
            num_workers=workers,
            multiprocessing_context=context,
            worker_init_fn=_deaf if workers else None,
        )

    def advance(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> dict[str, float]:
        """One step of the optimizer, and one of the discriminator's; returns the row for the log."""
        image, mask = image.to(self.device), mask.to(self.device)
        guide = None if guide is None else guide.to(self.device)
        factor = self.rate_factor(self.step)
        rate = self.recipe.optimizer.rate * factor
        # Whatever a network draws at random depends on the step alone: a resumed run draws the same.
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.step * parallel.world() + parallel.rank())
        if self.recipe.optimizer.capture and self.device.startswith("cuda") and parallel.world() == 1:
            self.captured = self.captured or Captured(self._update, self.optimizer, torch.device(self.device))
            values = self.captured(image, mask, rate)
            self._check(values["norm"])
        else:
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            values = self._gradients(image, mask, guide, factor)
            self._check(values["norm"])
            self.optimizer.step()
        self.step += 1
        self.crops += self.recipe.optimizer.batch
        self._follow()
        means = parallel.mean(torch.stack([value.detach().float() for value in values.values()])).tolist()
        return {"step": self.step, "rate": rate, **dict(zip(values, means, strict=True))}

    def _check(self, norm: Tensor) -> None:
        """Raise InputError where the gradient is no longer finite; the checkpoint is from before."""
        if not torch.isfinite(norm):
            raise InputError(
                f"The gradient is no longer finite at step {self.step}; lower optimizer.rate and resume."
            )

    def _update(self, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """A whole step, without a look at its values: a recorded one cannot stop in the middle."""
        values = self._gradients(image, mask)
        self.optimizer.step()
        return values

    def _gradients(
        self, image: Tensor, mask: Tensor, guide: Tensor | None = None, factor: float = 1.0
    ) -> dict[str, Tensor]:
        """Set the gradients of a batch, averaged over the processes and clipped, and let the discriminator
        learn; returns the terms of the loss, the loss, the discriminator's, the gradient's norm before.
        """
        self.optimizer.zero_grad(set_to_none=True)
        terms, drawn = self.learn(image, mask, guide)
        loss = losses.total(terms, self._weights())
        loss.backward()
        values = terms | {"loss": loss}
        if rival := self._rival:
            fake = torch.where(mask > 0, drawn.float(), image)
            values["discriminator"] = rival.learn(image, fake, mask, guide, factor)
        parallel.average_gradients(self.model.parameters())
        values["norm"] = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.optimizer.clip)
        return {name: value.detach() for name, value in values.items()}

    @property
    def _styled(self) -> bool:
        return bool(self.recipe.losses.style) and self.step >= self.recipe.losses.style_from

    @property
    def _rival(self) -> Adversary | None:
        """The discriminator, once it plays."""
        return self.adversary if self.step >= self.recipe.losses.adversarial_from else None

    def stages(self, image: Tensor, mask: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        """The network's pictures from coarse to fine, as many as the recipe trains."""
        with self._autocast():
            found = self.network(image * (1 - mask), mask, *([] if guide is None else [guide]))
        return found[: self.recipe.stages or None]

    def learn(
        self, image: Tensor, mask: Tensor, guide: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The terms of the loss of one batch, and what was drawn."""
        stages = self.stages(image, mask, guide)
        return self.terms(stages, image, mask, guide), stages[-1]

    def terms(
        self, stages: list[Tensor], image: Tensor, mask: Tensor, guide: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The terms of the loss, those of weight 0 left out where they cost something."""
        given = self.recipe.losses
        whole, power = given.per == "picture", 1 if given.distance == "l1" else 2
        terms = losses.reconstruction(
            stages, image, mask, power=power, per_picture=whole, discount=given.discount
        )
        composite = torch.where(mask > 0, stages[-1].float(), image)
        if given.boundary:
            terms["boundary"] = losses.boundary_variation(composite, mask, per_picture=whole)
        if self.perceptual is not None and (given.perceptual or self._styled):
            seen = [composite, stages[-1].float()] if given.raw else [composite]
            terms |= self._deep(self.perceptual, seen, image)
        if rival := self._rival:
            terms |= rival.terms(composite, image, mask, guide)
        return terms

    def _deep(self, network: Any, pictures: list[Tensor], image: Tensor) -> dict[str, Tensor]:
        """The terms of the perceptual network, summed over `pictures`."""
        down, right = self._offset(image.shape[-1])
        with self._autocast():
            with torch.no_grad():
                wanted = network.maps(image[..., down:, right:])
            found = [network.maps(picture[..., down:, right:]) for picture in pictures]
        terms = {}
        if self.recipe.losses.perceptual:
            terms["perceptual"] = losses.added(network.between(given, wanted).mean() for given in found)
        if self._styled:
            terms["style"] = losses.added(losses.style_loss(given, wanted) for given in found)
        return terms

    def _offset(self, size: int) -> tuple[int, int]:
        """Rows and columns that the perceptual distance does not see in this step.

        It samples on a grid; where that always coincides with the network's own,
        the network learns to draw a grid.
        """
        rng = np.random.default_rng([self.recipe.seed, self.step, 2**32 - 1])
        down, right = rng.integers(min(16, size // 4), size=2)
        return int(down), int(right)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.recipe.optimizer.bf16)

    def _weights(self) -> dict[str, float]:
        given = self.recipe.losses
        start = given.perceptual_from
        rise = start + (1 - start) * min(1.0, self.step / max(1, given.perceptual_rise))
        return {name: getattr(given, name) for name in TERMS} | {"perceptual": given.perceptual * rise}

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average of the weights; it forgets faster while there is little to average."""
        decay = self.recipe.optimizer.average
        if not self.started:
            decay = min(decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        for kept, now in zip(self.average.buffers(), self.model.buffers(), strict=True):
            kept.copy_(now)

    # Reports

    def _log(self, row: dict[str, float], say: Callable[[str], None], pace: float, stop: Stop) -> None:
        _append(self.out / "log.csv", LOG_COLUMNS, [{k: f"{v:.6g}" for k, v in row.items()}])
        left = min(pace * (stop.step - self.step), stop.deadline - time.monotonic())
        terms = "  ".join(f"{k} {row[k]:.4f}" for k in LOG_COLUMNS[2:] if k in row)
        say(f"step {self.step:>7}  {pace:.2f} s/step  {left / 3600:.1f} h left  {terms}")

    def sample(self, count: int) -> tuple[list[Image], list[np.ndarray]]:
        """Held-out pictures and their holes for validation."""
        return validation(self.pictures, self.held, self.recipe, count, self.kinds)

    @torch.no_grad()
    def fill(self, images: list[Image], masks: list[np.ndarray]) -> list[list[Image]]:
        """Composites of each stage of the averaged network, [stage][picture], (H, W, 3) uint8."""
        found: list[list[Image]] = []
        for i in range(0, len(images), 8):
            image, mask = (t.to(self.device) for t in tensors(images[i : i + 8], masks[i : i + 8]))
            with self._autocast():
                stages = self.drawn(image, mask)
            for n, stage in enumerate(stages):
                found += [[]] if n == len(found) else []
                composite = torch.where(mask > 0, stage.float(), image).clamp(0, 1).mul(255).round().byte()
                found[n] += list(composite.permute(0, 2, 3, 1).cpu().numpy())
        return found

    def drawn(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        """The averaged network's pictures from coarse to fine."""
        return list(self.average(image * (1 - mask), mask)[: self.recipe.stages or None])

    def draw(self, count: int = 8) -> Path:
        """Write a grid of held-out pictures at twice their size: with the hole, each stage, the original. The
        hole is outlined, and half of the holes are compact.
        """
        images, masks = self.sample(count)
        holed = [np.where(m[..., None], np.uint8(128), p) for p, m in zip(images, masks, strict=True)]
        rows = (holed, *self.fill(images, masks), images)
        grid = np.vstack(
            [np.hstack([outlined(p, m) for p, m in zip(row, masks, strict=True)]) for row in rows]
        )
        path = self.out / "pictures" / f"step-{self.step:07d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), grid[..., ::-1])
        return path

    def validate(self) -> str:
        """Score the averaged network on the held-out pictures, Telea beside it; one line for the log."""
        images, masks = self.sample(self.recipe.every.validation_pictures)
        fills = {self.recipe.method: self.fill(images, masks)[-1]}
        if self.fills and not (self.out / "validation.csv").is_file():
            fills["telea"] = telea(images, masks)
        rows = [
            {
                "step": self.step,
                "method": name,
                "holes": kind,
                **self.score(fill[part], images[part], masks[part]),
            }
            for name, fill in fills.items()
            for kind, part in self._parts(len(images))
        ]
        _append(self.out / "validation.csv", VALIDATION_COLUMNS, rows)
        found = "; ".join(" ".join(f"{key} {row[key]}" for key in VALIDATION_COLUMNS[1:]) for row in rows)
        return f"validation at step {self.step}: {found}"

    def _parts(self, count: int) -> list[tuple[str, slice]]:
        """Each kind of holes, and which of the `count` held-out pictures have it."""
        return [(kind, slice(i, None, len(self.kinds))) for i, kind in enumerate(self.kinds[:count])]

    @torch.no_grad()
    def score(self, fills: list[Image], images: list[Image], masks: list[np.ndarray]) -> dict[str, float]:
        """Means over the pictures: LPIPS of the composite, L1 and PSNR in the hole, colours in [0, 1]."""
        found: list[tuple[float, float, float]] = []
        for fill, image, mask in zip(fills, images, masks, strict=True):
            (a, b), _ = tensors([fill, image], [mask, mask])
            error = (a - b)[:, torch.from_numpy(mask)]
            distance = (
                self.judge(a[None].to(self.device), b[None].to(self.device)).item()
                if self.judge
                else float("nan")
            )
            found.append(
                (
                    distance,
                    error.abs().mean().item(),
                    -10 * np.log10(max(error.square().mean().item(), 1e-10)),
                )
            )
        lpips, l1, psnr = (float(value) for value in np.mean(found, axis=0))
        return {
            "pictures": len(images),
            "lpips_squeeze": round(lpips, 5),
            "l1_hole": round(l1, 5),
            "psnr_hole": round(psnr, 3),
        }


def _deaf(worker: int) -> None:
    """A worker ends with the run: a signal to the whole group must not end it before the step is done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def outlined(picture: Image, mask: np.ndarray) -> Image:
    """The picture at twice its size, each pixel as four, with a line around the hole, outside of it."""
    large, hole = (np.repeat(np.repeat(a, 2, 0), 2, 1) for a in (picture, mask.astype(np.uint8)))
    line = (cv2.dilate(hole, np.ones((3, 3), np.uint8)) > hole)[..., None]
    return np.where(line, np.array(OUTLINE, np.uint8), large)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, its tensors still on the disk; empty where it is absent or damaged."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # whatever torch makes of a file that is none of its own
        return {}
    return found if isinstance(found, dict) else {}


def telea(images: list[Image], masks: list[np.ndarray]) -> list[Image]:
    """The classical fill that training is measured against."""
    method = create("telea", device="cpu")
    return [
        method.run([InpaintRequest(image, mask)])[0][0].image
        for image, mask in zip(images, masks, strict=True)
    ]


def _append(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _truncate(path: Path, step: int, columns: tuple[str, ...]) -> None:
    """Drop the rows after `step`: the resumed run writes them again.
    A log of older columns gets the present ones.
    """
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {name: row.get(name) or "" for name in columns}
            for row in csv.DictReader(file)
            if (row.get("step") or "").isdigit() and int(row["step"]) <= step
        ]
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    _append(part, columns, rows)
    os.replace(part, path)

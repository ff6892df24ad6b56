"""Data parallelism under `torchrun`: one process per share of the batch; gradients and normalisers are
averaged over all.

Without torchrun there is one process, and nothing here does anything.
"""

import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

TIMEOUT = timedelta(hours=3)
"""How long the others wait while the first one decodes the pictures or validates."""


def world() -> int:
    """Processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number; the first one logs, saves and validates."""
    return dist.get_rank() if world() > 1 else 0


@contextmanager
def group(device: str) -> Iterator[str]:
    """Join the processes that torchrun started; yields the device of this one. Its threads have ended when
    this returns.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield device
        return
    # Optimizers import this module, whose default arguments hold the group of that moment for ever: a group
    # that outlives destroy_process_group has threads that can abort the process when Python shuts down.
    # Imported now, it finds none.
    importlib.import_module("torch.distributed.nn.functional")
    cuda = device.startswith("cuda")
    if cuda:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo", timeout=TIMEOUT)
    try:
        yield device
    finally:
        dist.destroy_process_group()


def wait() -> None:
    """Return when all processes are here."""
    if world() > 1:
        dist.barrier()


@contextmanager
def first_alone() -> Iterator[None]:
    """The first process goes ahead, the others follow when it is done:
    they find what it wrote, or what was wrong.
    """
    if rank() > 0:
        wait()
    try:
        yield
    finally:
        if rank() == 0:
            wait()


def anyone(flag: bool, device: str = "cpu") -> bool:
    """True in all processes where it is True in one."""
    return bool(mean(torch.tensor(float(flag), device=device)) > 0)


@torch.no_grad()
def mean(value: Tensor) -> Tensor:
    """The mean over the processes, without gradient."""
    if world() == 1:
        return value.detach()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / world()


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes, all in one message."""
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = mean(torch.cat([g.flatten() for g in gradients]))
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


class _Sum(torch.autograd.Function):
    """Sum over the processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes, on any device (torch's own one needs CUDA)."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or world() == 1:
            return super().forward(x)
        values = x.float()
        middle = _Sum.apply(values.mean((0, 2, 3))) / world()
        centred = values - middle.view(1, -1, 1, 1)
        variance = _Sum.apply(centred.square().mean((0, 2, 3))) / world()
        self._remember(middle.detach(), variance.detach(), world() * x.numel() / x.shape[1])
        found = centred * torch.rsqrt(variance + self.eps).view(1, -1, 1, 1)
        return (
            found * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1) if self.affine else found
        ).to(x.dtype)

    def _remember(self, middle: Tensor, variance: Tensor, count: float) -> None:
        share = 0.0 if self.momentum is None else self.momentum
        self.get_buffer("num_batches_tracked").add_(1)
        self.get_buffer("running_mean").lerp_(middle, share)
        self.get_buffer("running_var").lerp_(variance * count / (count - 1), share)


def synchronise(module: nn.Module) -> nn.Module:
    """Let the module's batch normalisations see the whole batch; its state keeps its names."""
    for part in module.modules():
        if type(part) is nn.BatchNorm2d and world() > 1:
            part.__class__ = SyncedBatchNorm
    return module

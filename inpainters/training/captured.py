"""A step of the optimizer as one CUDA graph: what the GPU is to do is recorded once and replayed, so that a
small network does not wait for Python to ask for each of its thousand operations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

WARM = 4
"""Steps that are taken as usual before one is recorded: they compile the network and make the state of the
optimizer.
"""


@dataclass(frozen=True)
class _Recorded:
    """A step, and where it finds its batch and leaves its values."""

    graph: torch.cuda.CUDAGraph
    batch: tuple[Tensor, Tensor]
    values: dict[str, Tensor]


class Captured:
    """Calls `update(image, mask)`, which learns from a batch with `optimizer` and returns its values; after
    `WARM` steps by replaying it. All batches have one shape. Random numbers follow `torch.manual_seed`.
    """

    def __init__(
        self,
        update: Callable[[Tensor, Tensor], dict[str, Tensor]],
        optimizer: torch.optim.Optimizer,
        device: torch.device,
    ) -> None:
        self.update, self.device = update, device
        self.stream = torch.cuda.Stream(device)
        self.rate = torch.zeros((), device=device)
        for group in optimizer.param_groups:
            group["capturable"], group["lr"] = True, self.rate
        self.steps = 0
        self.recorded: _Recorded | None = None

    def __call__(self, image: Tensor, mask: Tensor, rate: float) -> dict[str, Tensor]:
        """The values of one step at the learning rate `rate`; they are overwritten by the next step."""
        with torch.cuda.device(self.device):
            self.rate.fill_(rate)
            self.steps += 1
            if self.steps <= WARM:
                return self._aside(image, mask)
            self.recorded = self.recorded or self._record(image.clone(), mask.clone())
            for kept, given in zip(self.recorded.batch, (image, mask), strict=True):
                kept.copy_(given)
            self.recorded.graph.replay()
            return self.recorded.values

    def _record(self, image: Tensor, mask: Tensor) -> "_Recorded":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            values = self.update(image, mask)
        return _Recorded(graph, (image, mask), values)

    def _aside(self, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """As usual, but on a stream of its own, as recording asks for."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            values = self.update(image, mask)
        torch.cuda.current_stream().wait_stream(self.stream)
        return values

"""A step of the optimizer as one CUDA graph: what the GPU is to do is recorded once and replayed, so that a
small network does not wait for Python to ask for each of its thousand operations.
"""

from collections.abc import Callable

import torch
from torch import Tensor

WARM = 4
"""Steps that are taken as usual before one is recorded: they compile the network and make the state of the
optimizer.
"""


class Captured:
    """Calls `update(image, mask)`, which learns from a batch with `optimizer` and returns its values; after
    `WARM` steps by replaying it. All batches have one shape. Random numbers follow `torch.manual_seed`.
    """

    def __init__(
        self, update: Callable[[Tensor, Tensor], dict[str, Tensor]], optimizer: torch.optim.Optimizer
    ) -> None:
        self.update, self.optimizer = update, optimizer
        self.stream = torch.cuda.Stream()
        self.rate = torch.zeros((), device="cuda")
        for group in optimizer.param_groups:
            group["capturable"], group["lr"] = True, self.rate
        self.steps = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.batch: tuple[Tensor, Tensor] = (self.rate, self.rate)
        self.values: dict[str, Tensor] = {}

    def __call__(self, image: Tensor, mask: Tensor, rate: float) -> dict[str, Tensor]:
        """The values of one step at the learning rate `rate`; they are overwritten by the next step."""
        self.rate.fill_(rate)
        self.steps += 1
        if self.steps <= WARM:
            return self._aside(image, mask)
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            self.batch = image.clone(), mask.clone()
            with torch.cuda.graph(self.graph):
                self.values = self.update(*self.batch)
        for kept, given in zip(self.batch, (image, mask), strict=True):
            kept.copy_(given)
        self.graph.replay()
        return self.values

    def _aside(self, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """As usual, but on a stream of its own, as recording asks for."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            values = self.update(image, mask)
        torch.cuda.current_stream().wait_stream(self.stream)
        return values

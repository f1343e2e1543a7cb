"""Lanes of a module side by side in one CUDA graph: each by plain autograd, on one of some streams."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.modules.plain import PlainModule


class BranchedModule:
    """N lanes whose steps are recorded beside each other, so that a GPU runs small kernels of several at once.

    It has the methods of `StackedModel` that an `EpochProgram` needs. Recorded, a step takes no time of the processor;
    run as it is, it takes that of N plain steps.

    Args:
        layout: of the module's tensors.
        branches: streams on a GPU.
    """

    stackable = True
    gains_from_shared_batches = False

    def __init__(self, layout: ModuleLayout, branches: int) -> None:
        self._plain = [PlainModule(layout) for _ in range(branches)]
        self._streams = [torch.cuda.Stream() for _ in self._plain] if layout.device.type == "cuda" else []
        self.size, self.trainable, self.draws = layout.size, layout.trainable, layout.draws

    def loss_and_grad(
        self, params: Tensor, x: Tensor, y: Tensor, generators: Sequence[torch.Generator] = (), /
    ) -> tuple[Tensor, Tensor]:
        """Return losses `[N]` and gradients `[N, trainable]`, in training mode; see StackedModel."""
        losses, gradients = params.new_empty(len(params)), params.new_empty(len(params), self.trainable)
        for stream in self._streams:
            stream.wait_stream(torch.cuda.current_stream())
        for lane in range(len(params)):
            branch, batch = lane % len(self._plain), min(lane, len(x) - 1)
            with torch.cuda.stream(self._streams[branch] if self._streams else None):
                given = (params[lane : lane + 1], x[batch : batch + 1], y[batch : batch + 1])
                loss, gradient = self._plain[branch].loss_and_grad(*given, generators)
                losses[lane : lane + 1] = loss
                gradients[lane : lane + 1] = gradient
        for stream in self._streams:
            torch.cuda.current_stream().wait_stream(stream)
        return losses, gradients

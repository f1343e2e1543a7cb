"""One lane of a module by plain autograd: what trains in your own loop trains here, at the same cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lrsearch.training.modules.layout import ModuleLayout, holders
from lrsearch.training.modules.statistics import taking


class PlainModule:
    """A workload's module whose parameters are views of the row of the lane that trains; see StackedModel.

    Args:
        layout: of the module's tensors.
    """

    stackable = False
    gains_from_shared_batches = False

    def __init__(self, layout: ModuleLayout) -> None:
        self._layout, self._module = layout, layout.build(0)
        self.size, self.trainable, self.draws = layout.size, layout.trainable, layout.draws
        self.keeps_statistics = layout.keeps_statistics
        self._loss, self._outputs = layout.workload.loss, layout.outputs
        self._trained = [places[key] for places, key in holders(self._module, layout.trained)]
        self._holders = holders(self._module, layout.carried)
        self._carried = [places[key] for places, key in self._holders]
        self._bound: Tensor | None = None
        self._copies: list[tuple[Tensor, Tensor]] = []
        self._grad = torch.zeros(1, layout.trainable, dtype=layout.dtype, device=layout.device)

    def init(self, seed: int) -> Tensor:
        """Return the initial row `[size]` of the module built under `seed`, on the CPU."""
        return self._layout.init(seed)

    def loss_and_grad(
        self, params: Tensor, x: Tensor, y: Tensor, _generators: Sequence[torch.Generator] = (), /
    ) -> tuple[Tensor, Tensor]:
        """Return the loss `[1]` and the gradient `[1, trainable]`, in training mode; the gradient is overwritten."""
        self._bind(params)
        if not self._module.training:
            self._module.train()
        for parameter in self._trained:
            parameter.grad = None
        with torch.enable_grad():
            loss = self._loss(self._outputs(self._module, x[0]), y[0])
            loss.backward()
        with torch.no_grad():
            self._keep_carried()
            torch.cat([_flat_gradient(p) for p in self._trained], out=self._grad[0])
        return loss.detach().unsqueeze(0), self._grad

    def take_statistics(
        self, params: Tensor, x: Tensor, share: float, _generators: Sequence[torch.Generator] = (), /
    ) -> None:
        """Let a batch `[1, B, *item]` enter the running statistics of the lane by this share; see StackedModel."""
        self._bind(params)
        self._module.train()
        with torch.no_grad(), taking(self._module, share):
            self._outputs(self._module, x[0])
            self._keep_carried()

    def predict(self, params: Tensor, x: Tensor) -> list[Any]:
        """Return the one lane's outputs for items `[1, B, *item]`, in evaluation mode."""
        self._bind(params)
        self._module.eval()
        with torch.no_grad():
            return [self._outputs(self._module, x[0])]

    def _bind(self, params: Tensor) -> None:
        """Let the module's tensors be views of `params[1, size]`; counters and the like are copies of them."""
        if params is not self._bound:
            self._bound, self._copies = params, []
            for slot, parameter in zip(self._layout.trained, self._trained, strict=True):
                parameter.data = slot.of(params)[0]
            tensors = dict(zip(self._layout.carried, self._carried, strict=True))
            for dtype, slots in self._layout.by_type():
                first = slots[0].start
                row = params[:, first : slots[-1].stop]
                if dtype != params.dtype:
                    copy = row.to(dtype)
                    self._copies.append((row, copy))
                    row = copy
                for slot in slots:
                    tensors[slot].data = row[0, slot.start - first : slot.stop - first].view(slot.shape)
        for row, copy in self._copies:
            copy.copy_(row)

    def _keep_carried(self) -> None:
        """Take what the step has changed into the row: new tensors that it has put in place, and the copies."""
        for (places, key), tensor in zip(self._holders, self._carried, strict=True):
            if places[key] is not tensor:
                tensor.copy_(places[key])
                places[key] = tensor
        for row, copy in self._copies:
            row.copy_(copy)


def _flat_gradient(parameter: Tensor) -> Tensor:
    gradient = parameter.grad
    return torch.zeros_like(parameter).view(-1) if gradient is None else gradient.reshape(-1)

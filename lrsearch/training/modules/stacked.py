"""Several lanes of a module side by side: `torch.func.vmap` forward, and one backward pass for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from lrsearch.training.modules.draws import LaneDraws
from lrsearch.training.modules.layout import ModuleLayout, holders
from lrsearch.training.modules.statistics import taking


class StackedModule:
    """A workload's module for N lanes at once; see StackedModel.

    Args:
        layout: of the module's tensors.
    """

    stackable = True
    gains_from_shared_batches = False

    def __init__(self, layout: ModuleLayout) -> None:
        self._layout, self._step = layout, _Step(layout)
        self.size, self.trainable, self.draws = layout.size, layout.trainable, layout.draws
        self.keeps_statistics = layout.keeps_statistics
        self._bound: Tensor | None = None
        self._leaves: list[Tensor] = []

    def init(self, seed: int) -> Tensor:
        """Return the initial row `[size]` of the module built under `seed`, on the CPU."""
        return self._layout.init(seed)

    def loss_and_grad(
        self, params: Tensor, x: Tensor, y: Tensor, generators: Sequence[torch.Generator] = (), /
    ) -> tuple[Tensor, Tensor]:
        """Return losses `[N]` and gradients `[N, trainable]`, in training mode; see StackedModel."""
        if params is not self._bound:
            self._bound = params
            self._leaves = [slot.of(params.detach()).requires_grad_() for slot in self._layout.trained]
        with torch.enable_grad():
            loss, carried = self._forward(self._leaves, params, (x, y), generators)
            gradients = torch.autograd.grad(loss.sum(), self._leaves, materialize_grads=True)
        self._keep_carried(params, carried)
        return loss.detach(), torch.cat([_columns(gradient).flatten(1) for gradient in gradients], 1)

    def take_statistics(
        self, params: Tensor, x: Tensor, share: float, generators: Sequence[torch.Generator] = (), /
    ) -> None:
        """Let a batch `[1 or N, B, *item]` enter the running statistics by this share; see StackedModel."""
        trained = [slot.of(params) for slot in self._layout.trained]
        with torch.no_grad(), taking(self._step.module, share):
            _, carried = self._forward(trained, params, (x,), generators)
            self._keep_carried(params, carried)

    def _forward(
        self,
        trained: Sequence[Tensor],
        params: Tensor,
        batch: tuple[Tensor, ...],
        generators: Sequence[torch.Generator],
    ) -> tuple[Any, list[Tensor]]:
        """Return what `_Step` gives for each lane in training mode on `batch`, each tensor `[1 or N, B, ...]`."""
        if not self._step.training:
            self._step.train()
        shared = len(batch[0]) < len(params)
        if shared and self.draws:  # what all lanes share cannot be made random for each
            batch, shared = tuple(tensor.expand(len(params), *tensor.shape[1:]) for tensor in batch), False
        forward = vmap(
            lambda trained, carried, *batch: functional_call(self._step, self._named(trained, carried), batch),
            in_dims=(0, 0, *[None if shared else 0] * len(batch)),
            randomness="different" if self.draws else "error",
        )
        given = tuple(tensor[0] for tensor in batch) if shared else batch
        with LaneDraws(generators) if self.draws else nullcontext():
            outputs, carried = forward(trained, self._carried(params), *given)
        return outputs, carried

    def _keep_carried(self, params: Tensor, carried: Sequence[Tensor]) -> None:
        """Take what a step has changed into the rows."""
        if carried:
            after = torch.cat([tensor.detach().to(params.dtype).flatten(1) for tensor in map(_columns, carried)], 1)
            params[:, self.trainable :] = after

    def predict(self, params: Tensor, x: Tensor) -> Tensor | list[Any]:
        """Return the outputs `[N, B, ...]` of items `[1, B, *item]` in evaluation mode, or those of each lane."""
        self._step.eval()
        trained = [slot.of(params) for slot in self._layout.trained]
        with torch.no_grad():
            outputs, _ = vmap(
                lambda trained, carried: functional_call(self._step, self._named(trained, carried), (x[0],))
            )(trained, self._carried(params))
        if isinstance(outputs, Tensor):
            return outputs
        return [tree_map(lambda tensor, lane=lane: tensor[lane], outputs) for lane in range(len(params))]

    def _carried(self, params: Tensor) -> list[Tensor]:
        return [slot.of(params).to(slot.dtype, copy=True) for slot in self._layout.carried]

    def _named(self, trained: Sequence[Tensor], carried: Sequence[Tensor]) -> dict[str, Tensor]:
        slots = (*self._layout.trained, *self._layout.carried)
        return {f"module.{slot.name}": tensor for slot, tensor in zip(slots, (*trained, *carried), strict=True)}


def _columns(tensor: Tensor) -> Tensor:
    """Return tensors `[N, *shape]` with at least one dimension behind the lanes."""
    return tensor.unsqueeze(1) if tensor.ndim == 1 else tensor


class _Step(nn.Module):
    """The module with its loss: of items `x` the outputs, or with labels the loss; and what the call leaves changed."""

    def __init__(self, layout: ModuleLayout) -> None:
        super().__init__()
        self.module, self._layout = layout.build(0), layout
        self._holders = holders(self.module, layout.carried)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Any, list[Tensor]]:
        outputs = self._layout.outputs(self.module, x)
        result = outputs if y is None else self._layout.workload.loss(outputs, y)
        return result, [places[key] for places, key in self._holders]
